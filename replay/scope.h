/* The scope of an on-demand capture, asked of rows: who of a recording is in it. */
#ifndef HC_REPLAY_SCOPE_H
#define HC_REPLAY_SCOPE_H

#include "replay/value.h"

/* A scope as store/marks.h has it. Texts are borrowed for as long as it is used. */
struct hc_scope {
	const char *text;      /* host, container=ID, pod=NAMESPACE/NAME, pid=N, cgroup=/PATH */
	int64_t asked_wall_ns; /* of pid=N: only a process that was there then can be meant, not a later one with
	                          the same number */
};

/* Whether the process that the row is of is in the scope: by its control groups and container, or by its ancestors
 * as far as they are known, those that have ended included. True for every row of the host; false for rows of no
 * process (meta rows, most changes of TCP state). row: 0-based, as in struct hc_hit. */
bool hc_scope_has(const struct hc_scope *s, struct hc_view *v, unsigned type, uint32_t row);

/* The same for all rows of the view's block: each process is asked about once. Zero-initialised it may be given to
 * hc_scope_block_done(), and needs hc_scope_block_init() before anything else. */
struct hc_scope_block {
	const struct hc_scope *scope; /* NULL: every row is in it */
	struct hc_view *view;
	uint8_t *known; /* by PROC */
};

/* Both are borrowed until done. -ENOMEM. */
int hc_scope_block_init(struct hc_scope_block *b, const struct hc_scope *scope, struct hc_view *v);
bool hc_scope_block_has(struct hc_scope_block *b, unsigned type, uint32_t row);
void hc_scope_block_done(struct hc_scope_block *b);

#endif
