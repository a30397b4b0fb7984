/* A wire record taken apart: head, slots and an index of its facts. Everything borrowed from the record. */
#ifndef HC_CAPTURE_DECODE_H
#define HC_CAPTURE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/base/str.h"

#define WREC_MAX_FACTS 96    /* of one record; more is not what a program of ours writes */
#define WREC_KNOWN_KINDS 32u /* more than there are; facts of kinds beyond are passed over */

struct wfact {
	const void *p;
	uint32_t bytes;
	uint16_t subject;
	uint8_t kind, flags;
};

struct wrec {
	const struct hc_wire_head *head;
	const uint64_t *slot;
	uint32_t n_slots, n_facts;
	uint32_t kinds;                  /* bit per kind that occurs */
	uint8_t first[WREC_KNOWN_KINDS]; /* where those that occur begin */
	struct wfact fact[WREC_MAX_FACTS];
};

/* `rec` is 8-aligned and has `room` bytes. 0, or -EBADMSG when lengths do not fit into each other. */
int wrec_parse(const void *rec, size_t room, struct wrec *ret);

/* One more fact. There is room for it. */
static inline void wrec_add(struct wrec *r, struct wfact f)
{
	if (f.kind < WREC_KNOWN_KINDS && !(r->kinds >> f.kind & 1)) {
		r->kinds |= UINT32_C(1) << f.kind;
		r->first[f.kind] = (uint8_t)r->n_facts;
	}
	r->fact[r->n_facts++] = f;
}

static inline bool wrec_has(const struct wrec *r, enum hc_wire_fact_kind kind)
{
	return r->kinds >> kind & 1;
}

/* NULL when the record has none. */
static inline const struct wfact *wrec_fact(const struct wrec *r, enum hc_wire_fact_kind kind, unsigned subject)
{
	if (!wrec_has(r, kind))
		return NULL;
	for (uint32_t i = r->first[kind]; i < r->n_facts; i++)
		if (r->fact[i].kind == kind && r->fact[i].subject == subject)
			return &r->fact[i];
	return NULL;
}

static inline const struct wfact *wrec_fact_of_kind(const struct wrec *r, enum hc_wire_fact_kind kind)
{
	return wrec_has(r, kind) ? &r->fact[r->first[kind]] : NULL;
}

/* Payload of a fact of at least `bytes`; NULL else. */
static inline const void *wrec_get(const struct wrec *r, enum hc_wire_fact_kind kind, unsigned subject,
                                   size_t bytes)
{
	const struct wfact *f = wrec_fact(r, kind, subject);

	return f && f->bytes >= bytes ? f->p : NULL;
}

#define WREC_GET(r, kind, subject, type) ((const type *)wrec_get(r, kind, subject, sizeof(type)))

/* A STR fact's text; .p NULL when there is none. */
struct hc_str wrec_str(const struct wrec *r, unsigned subject);

/* The components of a PATH fact joined root first into `buf`; `from_fs` leaves out what is above the root of the
 * file's own file system. A path that was cut does not begin with '/'. Returns the length; 0 when it is damaged.
 */
uint32_t wpath_text(const struct wfact *f, bool from_fs, char *buf, uint32_t room);

#endif
