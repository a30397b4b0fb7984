/*
 * The rules of triggers, compiled, and what they find in a block: which rule, on what, and what a capture that it
 * starts is to be. No threads of its own; one thread at a time.
 */
#ifndef HC_CLI_TRIGGER_SET_H
#define HC_CLI_TRIGGER_SET_H

#include "replay/falco.h"
#include "store/base/cleanup.h"
#include "trigger_arg.h"

struct hc_trigger_set;

/* Matches of one rule in one place within a block. */
struct hc_trigger_found {
	struct hc_trigger_found *next;
	const char *rule, *severity, *dialect, *policy_sha256;
	const char *scope;  /* hc_mark_scope_ok */
	const char *place;  /* the scope, or "host" where that is a process: what the cool-down is about */
	const char *output; /* of the first of them */
	struct hc_trigger_what what;
	uint64_t seq, ts_ns; /* of the first one */
	int64_t wall_ns;
	uint64_t n;
};

/* What was found in one block: all of it lies in the arena. Zero-initialised; hc_arena_done(). */
struct hc_trigger_batch {
	struct hc_arena arena;
	struct hc_trigger_found *first, *last;
	unsigned n;
};

/* What a rule did so far. */
struct hc_trigger_rule_stats {
	const char *rule;
	uint64_t n_matches, ns;
};

/* Loads the files. -EINVAL when one does not load, or no such file or directory. */
int hc_trigger_set_new(const struct hc_trigger_args *args, struct hc_trigger_set **ret, struct hc_err *err);
struct hc_trigger_set *hc_trigger_set_free(struct hc_trigger_set *s);
HC_DEFINE_AUTO(struct hc_trigger_set, hc_trigger_set_free)
/* The same, and prints why the files do not load, or, when asked to, what is doubtful about files that do:
 * HC_CLI_GO or an exit code. */
int hc_cli_trigger_set(const struct hc_command *cmd, const struct hc_trigger_args *args, bool warnings,
                       struct hc_trigger_set **ret);
/* Calls back for each thing that is doubtful about the files. */
void hc_trigger_set_warnings(const struct hc_trigger_set *s, void (*say)(void *ctx, const struct hc_falco_diag *d),
                             void *ctx);

uint32_t hc_trigger_set_n_rules(const struct hc_trigger_set *s);
/* How long the rule of this name starts no other capture in the same place; of one that is not there, what the
 * options say for all. */
uint64_t hc_trigger_set_cooldown_ns(const struct hc_trigger_set *s, const char *rule);
/* Event types that a rule may fire on. */
struct hc_type_set hc_trigger_set_types(const struct hc_trigger_set *s);
/* Calls back for each rule that cannot be answered, reason by reason. Returns how many rules. */
int hc_trigger_set_unanswerable(const struct hc_trigger_set *s, const struct hc_facts *facts,
                                void (*say)(void *ctx, const char *rule, const char *reason), void *ctx,
                                struct hc_err *err);

/* Calls back for each name, tag or pattern of the options that no rule of the files has. Returns how many. */
unsigned hc_trigger_set_unmatched(struct hc_trigger_set *s,
                                  void (*say)(void *ctx, const char *option, const char *value), void *ctx);

/* Evaluates the block at `off` of a segment. -EBADMSG: it is damaged; -ENOENT: removed. */
int hc_trigger_set_block(struct hc_trigger_set *s, const char *path, uint64_t off, struct hc_trigger_batch *ret,
                         struct hc_err *err);
/* Of the first `max` rules; returns of how many. */
uint32_t hc_trigger_set_stats(const struct hc_trigger_set *s, struct hc_trigger_rule_stats *ret, uint32_t max);

#endif
