/* What holds for a capture whatever rows it was made of: shared by the fuzz targets that write one. */
#ifndef HC_CAPTURE_WRITTEN_FUZZ_H
#define HC_CAPTURE_WRITTEN_FUZZ_H

#include <stdlib.h>

#include "store/block.h"
#include "store/capture.h"

/* Every block can be read to its last column. */
static inline void check_written(const char *dir)
{
	struct hc_capture *c;
	uint32_t *sel, n;

	if (hc_capture_open(dir, HC_CAPTURE_NO_INDEX, &c, NULL) < 0)
		return; /* no row was made: no segment */
	if (hc_capture_select(c, &(struct hc_block_filter){ 0 }, &sel, &n, NULL) < 0)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		struct hc_block *b;

		if (hc_capture_load(c, sel[i], &b, NULL) < 0 || hc_block_check(b, NULL) < 0)
			abort();
		hc_block_close(b);
	}
	free(sel);
	hc_capture_close(c);
}

#endif
