/*
 * Taking wire records apart. The bytes come from our own programs, over memory that the kernel shares with us;
 * lengths are checked all the same, because a wrong one must not become a wrong row.
 */
#include "decode.h"

#include <errno.h>
#include <string.h>

int wrec_parse(const void *rec, size_t room, struct wrec *ret)
{
	const struct hc_wire_head *h = rec;
	const uint8_t *p, *end;

	if (room < sizeof(*h) || h->bytes < sizeof(*h) || h->bytes > room || h->bytes % 8 ||
	    h->bytes > HC_WIRE_MAX_BYTES)
		return -EBADMSG;
	if (h->n_slots > HC_WIRE_MAX_SLOTS || h->bytes - sizeof(*h) < h->n_slots * sizeof(uint64_t))
		return -EBADMSG;
	ret->head = h;
	ret->slot = (const uint64_t *)(h + 1);
	ret->n_slots = h->n_slots;
	ret->n_facts = 0;
	ret->kinds = 0;
	p = (const uint8_t *)(ret->slot + h->n_slots);
	end = (const uint8_t *)rec + h->bytes;
	while (p < end) {
		const struct hc_wire_fact *f = (const void *)p;

		if ((size_t)(end - p) < sizeof(*f) || f->bytes > (size_t)(end - p) - sizeof(*f))
			return -EBADMSG;
		if (ret->n_facts == WREC_MAX_FACTS)
			return -EBADMSG;
		wrec_add(ret, (struct wfact){ .p = f + 1,
		                              .bytes = f->bytes,
		                              .subject = f->subject,
		                              .kind = f->kind,
		                              .flags = f->flags });
		p += sizeof(*f) + ((size_t)f->bytes + 7) / 8 * 8;
	}
	return 0;
}

struct hc_str wrec_str(const struct wrec *r, unsigned subject)
{
	const struct wfact *f = wrec_fact(r, HC_WIRE_F_STR, subject);

	if (!f)
		return (struct hc_str){ NULL, 0 };
	return (struct hc_str){ f->p, (uint32_t)strnlen(f->p, f->bytes) };
}

uint32_t wpath_text(const struct wfact *f, bool from_fs, char *buf, uint32_t room)
{
	const struct hc_wire_path *w = f->p;
	const char *p, *end;
	uint32_t at = room, n = 0, want;

	if (f->bytes < sizeof(*w) || room < 2)
		return 0;
	p = (const char *)(w + 1);
	end = (const char *)f->p + f->bytes;
	want = from_fs ? w->n_fs_comps : w->n_comps;
	if (want > w->n_comps)
		return 0;
	/* leaf first in the record: filled from the end of the buffer */
	for (; n < want && p < end; n++) {
		size_t len = strnlen(p, (size_t)(end - p));

		if (len + 1 > at)
			break;
		at -= (uint32_t)len;
		memcpy(buf + at, p, len);
		buf[--at] = '/';
		p += len + 1;
	}
	if (n < want && !(w->flags & (HC_WIRE_PATH_CUT | HC_WIRE_PATH_FAULT)))
		return 0;
	if (at == room) {
		buf[0] = '/';
		return 1;
	}
	if (!from_fs && w->flags & (HC_WIRE_PATH_CUT | HC_WIRE_PATH_FAULT))
		at++; /* what is above is missing: not an absolute path */
	memmove(buf, buf + at, room - at);
	return room - at;
}
