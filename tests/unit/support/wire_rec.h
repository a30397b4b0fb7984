/* wire_rec.h: records of the recorder's kernel side (bpf/wire.h), made by hand. For Criterion tests. */
#ifndef HC_TESTS_WIRE_REC_H
#define HC_TESTS_WIRE_REC_H

#include <criterion/criterion.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bpf/wire.h"
#include "store/schema.h"

#define SECOND UINT64_C(1000000000)

struct rec {
	union {
		struct hc_wire_head head;
		uint64_t align[8192];
	} u;
};

/* Of the last record; the next one is a microsecond later. */
static uint64_t clock_ns = 10 * SECOND;

static inline struct rec *rec(struct rec *r, unsigned type, uint32_t tid, uint32_t tgid, uint64_t start,
                              unsigned n_slots)
{
	memset(r, 0, sizeof(*r));
	r->u.head = (struct hc_wire_head){ .type = (uint16_t)type,
		                           .tid = tid,
		                           .tgid = tgid,
		                           .start_ns = start,
		                           .ts_ns = clock_ns += 1000,
		                           .n_slots = (uint8_t)n_slots,
		                           .nr = 1,
		                           .bytes = (uint32_t)(sizeof(struct hc_wire_head) + 8 * n_slots) };
	if (type < HC_EV_SYS && type >= 32) {
		r->u.head.nr = UINT32_MAX;
		r->u.head.flags = HC_WIRE_NORET;
	}
	return r;
}

static inline void set(struct rec *r, unsigned i, uint64_t v)
{
	((uint64_t *)(&r->u.head + 1))[i] = v;
}

static inline void *fact(struct rec *r, unsigned kind, unsigned subject, const void *p, size_t n)
{
	struct hc_wire_fact *f = (void *)((char *)r + r->u.head.bytes);

	cr_assert_lt(r->u.head.bytes + n + 16, sizeof(*r));
	*f = (struct hc_wire_fact){ .kind = (uint8_t)kind, .subject = (uint16_t)subject, .bytes = (uint32_t)n };
	memcpy(f + 1, p, n);
	r->u.head.bytes += (uint32_t)(sizeof(*f) + (n + 7) / 8 * 8);
	return f + 1;
}

static inline void str(struct rec *r, unsigned subject, const char *text)
{
	fact(r, HC_WIRE_F_STR, subject, text, strlen(text));
}

/* "/a/b" as the kernel walks it: leaf first. */
static inline void path_flagged(struct rec *r, unsigned subject, const char *text, uint8_t flags)
{
	char buf[512] = { 0 }, copy[256];
	struct hc_wire_path *w = (void *)buf;
	size_t n = sizeof(*w);
	char *slash;

	snprintf(copy, sizeof(copy), "%s", text);
	w->mnt_ns = 1;
	w->flags = flags;
	while ((slash = strrchr(copy, '/')) && slash[1]) {
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s", slash + 1) + 1;
		w->n_comps++;
		*slash = '\0';
	}
	w->n_fs_comps = w->n_comps;
	fact(r, HC_WIRE_F_PATH, subject, buf, n);
}

static inline void path(struct rec *r, unsigned subject, const char *text)
{
	path_flagged(r, subject, text, 0);
}

static inline struct hc_wire_task task_of(uint32_t tid, uint32_t tgid, uint64_t start, uint32_t ppid,
                                          uint64_t pstart, const char *comm)
{
	struct hc_wire_task w = { .start_ns = tid == tgid ? start : start + tid,
		                  .leader_start_ns = start,
		                  .parent_start_ns = pstart,
		                  .tid = tid,
		                  .tgid = tgid,
		                  .ppid = ppid,
		                  .sid = 1,
		                  .pgid = 1,
		                  .n_levels = 1,
		                  .vtid = { tid },
		                  .vpid = { tgid },
		                  .nofile = 1024 };

	snprintf(w.comm, sizeof(w.comm), "%s", comm);
	return w;
}

static inline void creds_of_mm(struct rec *r, uint32_t uid, uint32_t dumpable)
{
	struct hc_wire_creds w = { .uid = uid,
		                   .euid = uid,
		                   .suid = uid,
		                   .fsuid = uid,
		                   .loginuid = UINT32_MAX,
		                   .session_id = UINT32_MAX,
		                   .dumpable = dumpable };

	fact(r, HC_WIRE_F_CREDS, HC_WIRE_SUBJ_ROW, &w, sizeof(w));
}

static inline void creds(struct rec *r, uint32_t uid)
{
	creds_of_mm(r, uid, 0);
}

#endif
