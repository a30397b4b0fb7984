/* Any bytes as a scap file that is imported: every item is taken whatever the ones before were, and the capture
 * that is written is a whole one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/import.h"
#include "written_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hc_scap_reader *reader_of(const uint8_t *data, size_t size)
{
	struct hc_scap_reader *r;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return NULL;
	}
	return hc_scap_take_fd(fd, "fuzz", &r, NULL) < 0 ? NULL : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/hc-import-fuzz-XXXXXX", cmd[64];
	struct hc_scap_reader *r = size > (1u << 20) ? NULL : reader_of(data, size);
	struct hc_scap_import *im;
	struct hc_writer_opts wo = {
		.dir = dir, .node = "n", .tool = "fuzz", .capture_id = { 1 }, .boot_id = { 2 }
	};
	const struct hc_scap_item *item;
	struct hc_writer *w;

	if (!r)
		return 0;
	if (!mkdtemp(dir) || hc_writer_open(&wo, &w, NULL) < 0 || hc_scap_import_new(&im, NULL) < 0)
		abort();
	hc_scap_import_set_writer(im, w);
	while (hc_scap_next(r, &item, NULL) > 0)
		if (hc_scap_import_item(im, item, NULL) < 0)
			abort();
	hc_scap_import_free(im);
	hc_scap_close(r);
	if (hc_writer_close(w, NULL) < 0)
		abort();
	check_written(dir);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		abort();
	return 0;
}
