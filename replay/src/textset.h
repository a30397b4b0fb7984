/*
 * Many literals looked for in one text at once: equal to it, at its beginning, at its end, or anywhere in it, with
 * or without regard to ASCII case; or at the beginning of a path, by its parts. Each literal stands for a number
 * of the caller's; made once, then read by any number of threads.
 */
#ifndef HC_REPLAY_TEXTSET_H
#define HC_REPLAY_TEXTSET_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/arena.h"
#include "store/base/str.h"

enum hc_where {
	HC_WHERE_EQUAL,
	HC_WHERE_BEGIN,
	HC_WHERE_END,
	HC_WHERE_IN,
	HC_WHERE_IN_ANYCASE,
	HC_WHERE_PARTS, /* "/etc/ssh/": in "/etc/ssh" and "//etc/ssh/x", not in "/etc/sshd"; hc_pmatch_plain()
	                   makes it */
	HC_N_WHERES
};

struct hc_textset;

struct hc_textset *hc_textset_new(void);
struct hc_textset *hc_textset_free(struct hc_textset *t);
/* The literal is borrowed. An empty one at the beginning, the end or anywhere is in every text. -ENOMEM. */
int hc_textset_add(struct hc_textset *t, enum hc_where where, struct hc_str literal, uint32_t number);
/* Before the first scan. -E2BIG: the literals to be found anywhere need too large a table; leave some out. */
int hc_textset_finish(struct hc_textset *t);

/* Calls hit for the number of each literal found, perhaps several times for one. */
void hc_textset_scan(const struct hc_textset *t, struct hc_str s, void (*hit)(void *ctx, uint32_t number),
                     void *ctx);

#endif
