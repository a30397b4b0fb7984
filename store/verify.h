/*
 * Checking a capture byte by byte: every checksum, length and reference of every segment, the order of segments,
 * blocks and rows, footers against blocks, and the index against the segments. What a bundle says about its files
 * is checked by query/bundle.h.
 */
#ifndef HC_STORE_VERIFY_H
#define HC_STORE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/err.h"

enum hc_verify_kind {
	HC_VERIFY_DAMAGE, /* something recorded cannot be read, or is not what was written */
	HC_VERIFY_INDEX,  /* the index does not agree with the segments: reindex mends it */
	HC_VERIFY_NOTE,   /* nothing wrong: what a careful reader wants to know */
};

struct hc_verify_finding {
	enum hc_verify_kind kind;
	const char *path; /* below the capture's root; NULL for the capture as a whole */
	bool has_off;
	uint64_t off, bytes; /* where, in the file of that path, and how much; bytes 0 when it cannot be told */
	const char *what;    /* one sentence */
};

struct hc_verify_stats {
	uint32_t n_segments, n_sealed, n_open, n_torn, n_unreadable;
	uint64_t n_blocks, n_bad_blocks, n_rows, bytes;
	uint64_t n_numbers; /* from the first to the last row's number, over all captures in it */
	uint64_t n_damage, n_index;
};

/* Findings are told in order of path and offset; their texts are borrowed. Damage is no failure. */
int hc_verify(const char *path, void (*tell)(void *ctx, const struct hc_verify_finding *f), void *ctx,
              struct hc_verify_stats *ret, struct hc_err *err);

#endif
