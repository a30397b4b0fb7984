/* Any bytes as a bundle: opening and checking end, and what is not ours is found out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "query/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tell(void *ctx, const char *path, const char *what)
{
	*(size_t *)ctx += (path ? strlen(path) : 0) + strlen(what);
}

static void read_all(struct hc_capture *c)
{
	struct hc_block_filter all = { 0 };
	const struct hc_capture_totals *t;
	uint32_t *v, n;

	hc_capture_totals(c, &t, NULL);
	if (hc_capture_select(c, &all, &v, &n, NULL) < 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct hc_block *b = NULL;

		if (hc_capture_load(c, v[i], &b, NULL) == 0)
			hc_block_check(b, NULL);
		hc_block_close(b);
	}
	free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hc_capture *c = NULL;
	const struct hc_capture_file *files;
	size_t told = 0;
	uint32_t n;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || size > (1u << 20) || write(fd, data, size) != (ssize_t)size) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (hc_capture_open(path, HC_CAPTURE_EVEN_BROKEN, &c, NULL) == 0) {
		files = hc_capture_files(c, &n);
		for (uint32_t i = 0; i < n; i++) {
			if (files[i].off > size || files[i].bytes > size - files[i].off)
				abort();
		}
		read_all(c);
		if (hc_capture_kind(c) == HC_CAPTURE_BUNDLE)
			hc_bundle_verify(c, tell, &told, NULL);
	}
	hc_capture_close(c);
	close(fd);
	return 0;
}
