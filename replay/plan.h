/*
 * From an IR to something that runs over blocks. A plan is immutable and shared by threads; each thread has an
 * evaluator.
 */
#ifndef HC_REPLAY_PLAN_H
#define HC_REPLAY_PLAN_H

#include "replay/ir.h"

struct hc_plan;
struct hc_eval;

enum hc_matching {
	HC_MATCH_FIRST, /* at most one rule of a group fires on an event: the first by index */
	HC_MATCH_ALL,
};

/* The IR is borrowed and must not change any more. */
int hc_plan_new(const struct hc_ir *ir, enum hc_matching matching, struct hc_plan **ret, struct hc_err *err);
struct hc_plan *hc_plan_free(struct hc_plan *p);
HC_DEFINE_AUTO(struct hc_plan, hc_plan_free)
/* Event types that some rule can fire on. */
struct hc_type_set hc_plan_types(const struct hc_plan *p);
uint32_t hc_plan_n_rules(const struct hc_plan *p);
const struct hc_rule_opts *hc_plan_rule(const struct hc_plan *p, uint32_t rule);

/* A row that a rule fires on. */
struct hc_hit {
	uint64_t seq;
	uint64_t ts_ns;
	uint32_t rule;
	uint32_t row; /* 0-based, in the table of its type */
	uint16_t type;
	uint16_t cpu;
};

/* Cost of one rule so far; shared work is counted for the rule that asked first. */
struct hc_rule_cost {
	uint64_t ns;
	uint64_t n_blocks;     /* blocks with rows of its types */
	uint64_t n_evaluated;  /* of these, blocks where rows had to be looked at */
	uint64_t n_candidates; /* rows that were left for the last of its conditions */
	uint64_t n_hits;
};

struct hc_eval_opts {
	bool profile;     /* fill hc_rule_cost */
	const void *user; /* for computed leaves: hc_view_user() */
};

int hc_eval_new(const struct hc_plan *p, const struct hc_eval_opts *opts, struct hc_eval **ret,
                struct hc_err *err);
struct hc_eval *hc_eval_free(struct hc_eval *e);
HC_DEFINE_AUTO(struct hc_eval, hc_eval_free)

/* Rows to look at: boot clock, inclusive and exclusive. NULL: all. */
struct hc_span {
	uint64_t since_ns, until_ns;
};

/*
 * Runs the plan over one block: hits in order of seq, then rule; borrowed until the next call. Rows that only
 * update state (HC_ROW_STATEONLY) are never hits. Number of hits, or a negative errno: -EBADMSG, the block is
 * damaged.
 */
int hc_eval_block(struct hc_eval *e, struct hc_block *block, const struct hc_span *span,
                  const struct hc_hit **ret_hits, struct hc_err *err);
/* Whether nothing of that block was decoded, because its texts alone say that no rule can fire in it. */
bool hc_eval_pruned(const struct hc_eval *e);
/* The view of that block, for values of the hits. */
struct hc_view *hc_eval_view(struct hc_eval *e);
const struct hc_rule_cost *hc_eval_costs(const struct hc_eval *e); /* by rule */
/* Subjects on which a regular expression gave up at its limit. */
uint64_t hc_eval_regex_limits(const struct hc_eval *e);

#endif
