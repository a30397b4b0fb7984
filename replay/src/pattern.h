/*
 * What a pattern says plainly: many globs are nothing but a beginning or an end, and most other patterns hold a
 * literal that every match must contain. Literals of all rules are found in one pass over a text (textset.h); the
 * pattern itself is then tried on the few texts that remain.
 */
#ifndef HC_REPLAY_PATTERN_H
#define HC_REPLAY_PATTERN_H

#include "store/base/arena.h"
#include "store/base/str.h"

enum hc_glob_form {
	HC_GLOB_OTHER,
	HC_GLOB_EQUAL, /* no wildcard */
	HC_GLOB_BEGIN, /* literal* */
	HC_GLOB_END,   /* *literal */
	HC_GLOB_IN,    /* *literal* */
};

/* *ret_literal is a part of the pattern; not set for HC_GLOB_OTHER. */
enum hc_glob_form hc_glob_form(struct hc_str pattern, struct hc_str *ret_literal);

/* A text that everything contains that the pattern matches; .len 0 when none can be told. In the arena, or a part
 * of the pattern. */
struct hc_str hc_glob_literal(struct hc_str pattern);
struct hc_str hc_regex_literal(struct hc_str pattern, struct hc_arena *arena);

#endif
