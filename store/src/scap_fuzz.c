/* Any bytes as a scap file: reading ends, every parameter lies in readable memory, nothing is delivered twice or
 * uncounted. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/scap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t touch(struct hc_str s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s.len; i++)
		sum += (uint8_t)s.p[i];
	return sum;
}

static uint64_t use_event(const struct hc_scap_event *e)
{
	uint64_t sum = 0;

	if (e->info != &hc_scap_events[e->code] || e->n_params > e->info->n_params)
		abort();
	for (unsigned i = 0; i < HC_SCAP_MAX_PARAMS; i++) {
		struct hc_scap_addr a;
		struct hc_scap_tuple t;
		uint32_t pos = 0;
		int64_t fd;
		uint16_t flags;
		struct hc_str rest = hc_scap_param(e, i), one;

		if (i >= e->n_params && e->param[i].len)
			abort();
		sum += touch(rest) + touch(hc_scap_text(e, i)) + hc_scap_u64(e, i, 0);
		if (hc_scap_saddr(rest, &a))
			sum += touch(a.path);
		if (hc_scap_stuple(rest, &t))
			sum += touch(t.path);
		while (hc_scap_fdlist(rest, &pos, &fd, &flags))
			sum += flags;
		while (hc_scap_strings(&rest, &one))
			sum += touch(one);
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hc_scap_reader *r = NULL;
	const struct hc_scap_item *item;
	uint64_t n = 0, sum = 0;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || size > (1u << 20) || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (hc_scap_take_fd(fd, "fuzz", &r, NULL) < 0)
		return 0;
	while (hc_scap_next(r, &item, NULL) > 0) {
		if (item->kind == HC_SCAP_EVENT) {
			sum += use_event(&item->event);
			if (item->event.num != ++n)
				abort();
		} else if (item->kind == HC_SCAP_PROC) {
			sum += touch(item->proc.comm) + touch(item->proc.args) + touch(item->proc.root);
		} else if (item->kind == HC_SCAP_FD) {
			sum += touch(item->fd.name);
		} else if (item->kind == HC_SCAP_USER || item->kind == HC_SCAP_GROUP) {
			sum += touch(item->user.name) + touch(item->user.shell);
		} else if (item->kind == HC_SCAP_IFACE) {
			sum += touch(item->iface.name);
		}
	}
	if (hc_scap_stats(r)->n_events != n || sum == UINT64_MAX)
		abort();
	hc_scap_close(r);
	return 0;
}
