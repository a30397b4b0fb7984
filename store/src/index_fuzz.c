/* Any bytes as index.db: reading ends, and every row that is accepted can be of a segment of its size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int each(void *ctx, const struct hc_index_row *row)
{
	uint64_t end = 0, seq = 0, last_end = 0;
	struct hc_capture_block b;
	uint32_t number;
	uint8_t stream;

	(void)ctx;
	if (!hc_seg_path_parse(row->path, &stream, &number) || strstr(row->path, "..") ||
	    row->header.stream >= HC_N_STREAMS)
		abort();
	for (uint32_t i = 0; i < row->n_blocks; i++) {
		if (!hc_index_block_parse(row, i, &end, &seq, &b))
			break;
		if (b.off < last_end || end > row->bytes || b.info.n_rows > HC_BLOCK_MAX_ROWS ||
		    b.info.first_seq > b.info.last_seq)
			abort();
		last_end = end;
	}
	return 0;
}

static char dir[64];

static void remove_dir(void)
{
	rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[96];
	FILE *f;

	if (size > (1u << 20))
		return 0;
	if (!dir[0]) { /* one for the whole run; SQLite wants a path */
		snprintf(dir, sizeof(dir), "%s/hc-index-fuzz-XXXXXX",
		         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		if (!mkdtemp(dir))
			abort();
		atexit(remove_dir);
	}
	snprintf(path, sizeof(path), "%s/" HC_INDEX_NAME, dir);
	f = fopen(path, "wb");
	if (!f || fwrite(data, 1, size, f) != size)
		abort();
	fclose(f);
	hc_index_load(dir, each, NULL, NULL);
	unlink(path);
	return 0;
}
