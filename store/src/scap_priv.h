/* Parts of the reader of scap files. */
#ifndef HC_SCAP_PRIV_H
#define HC_SCAP_PRIV_H

#include <stddef.h>

#include "store/scap.h"

#define HC_SCAP_MAX_BLOCK_BYTES (64u << 20) /* events; lists are read entry by entry */
#define HC_SCAP_MAX_ENTRY_BYTES (1u << 20)  /* of a list */

enum {
	HC_SCAP_B_SECTION = 0x0A0D0D0A,
	HC_SCAP_B_MACHINE = 0x201,
	HC_SCAP_B_PROCS = 0x215,
	HC_SCAP_B_FDS = 0x218,
	HC_SCAP_B_EVENT = 0x216,
	HC_SCAP_B_EVENT_FLAGS = 0x217,
	HC_SCAP_B_IFACES = 0x219,
	HC_SCAP_B_USERS = 0x220,
	HC_SCAP_B_LARGE = 0x221,
	HC_SCAP_B_LARGE_FLAGS = 0x222,
	HC_SCAP_MAGIC = 0x1A2B3C4D,
};

/* ---- bytes: scap_stream.c ---- */

struct hc_scap_stream;

/* What a stream begins with: for the inline functions below, which are called for every event. */
struct hc_scap_window {
	const uint8_t *p; /* the next byte, uncompressed */
	size_t n;         /* bytes that can be read there */
	uint64_t off;     /* of the first of them */
};

int hc_scap_stream_take(int fd, const char *name, struct hc_scap_stream **ret, struct hc_err *err);
struct hc_scap_stream *hc_scap_stream_free(struct hc_scap_stream *s);
/* hc_scap_digest */
int hc_scap_stream_digest(struct hc_scap_stream *s, uint8_t ret[HC_SHA256_BYTES], struct hc_err *err);
/* hc_scap_stream_need where bytes must come from the file first. */
int64_t hc_scap_stream_more(struct hc_scap_stream *s, size_t n, const uint8_t **ret, struct hc_err *err);
/* Makes n bytes, or as many as there are, readable at *ret without consuming them. The count, or a negative errno.
 * What was returned before is invalid. */
static inline int64_t hc_scap_stream_need(struct hc_scap_stream *s, size_t n, const uint8_t **ret,
                                          struct hc_err *err)
{
	const struct hc_scap_window *w = (const struct hc_scap_window *)s;

	if (w->n < n)
		return hc_scap_stream_more(s, n, ret, err);
	*ret = w->p;
	return (int64_t)n;
}
static inline void hc_scap_stream_skip(struct hc_scap_stream *s, size_t n) /* of what is readable */
{
	struct hc_scap_window *w = (struct hc_scap_window *)s;

	w->p += n;
	w->n -= n;
	w->off += n;
}
static inline uint64_t hc_scap_stream_off(const struct hc_scap_stream *s) /* of the next byte, uncompressed */
{
	return ((const struct hc_scap_window *)s)->off;
}
void hc_scap_stream_progress(const struct hc_scap_stream *s, uint64_t *ret_bytes, uint64_t *ret_total);

/* ---- older forms: scap_convert.c ---- */

struct hc_scap_raw {
	uint16_t code;
	uint16_t n;
	int64_t tid;
	struct hc_str *param; /* HC_SCAP_MAX_PARAMS */
};

struct hc_scap_conv; /* enter events that wait for their exits */

struct hc_scap_conv *hc_scap_conv_new(void);
struct hc_scap_conv *hc_scap_conv_free(struct hc_scap_conv *c);
void hc_scap_conv_reset(struct hc_scap_conv *c);
uint64_t hc_scap_conv_forgotten(const struct hc_scap_conv *c);
/* 1: to be delivered, in the current form; 0: not (kept, or says nothing); -EBADMSG: it has no current form;
 * -ENOMEM. Parameters that are new point into `c` and are valid until the next call. */
int hc_scap_convert(struct hc_scap_conv *c, struct hc_scap_raw *ev);
/* It is in the current form already, as most are: hc_scap_convert would return 1 and change nothing. */
static inline bool hc_scap_is_current(const struct hc_scap_raw *ev)
{
	const struct hc_scap_event_info *info = &hc_scap_events[ev->code];

	if (info->flags & HC_SCAP_F_OLD)
		return false;
	return !(info->flags & HC_SCAP_F_CONVERTED) || (ev->code & 1 && ev->n == info->n_params);
}

#endif
