/*
 * The options of triggers: which rules may start captures, what captures these are, and what they may use. Part of
 * the recorder's options (recorder_arg.h).
 */
#ifndef HC_CLI_TRIGGER_ARG_H
#define HC_CLI_TRIGGER_ARG_H

#include "cmd.h"
#include "store/base/arena.h"

/* What a capture is about. Where an event has no such thing, the next one that it has: pod, container, pid, host.
 */
enum hc_trigger_scope {
	HC_TRIGGER_AUTO, /* the container of the event, else its process */
	HC_TRIGGER_CONTAINER,
	HC_TRIGGER_POD,
	HC_TRIGGER_PID,
	HC_TRIGGER_CGROUP,
	HC_TRIGGER_HOST,
};
#define HC_TRIGGER_SCOPE_WORDS "auto|container|pod|pid|cgroup|host"
#define HC_TRIGGER_PRIORITY_WORDS "emergency|alert|critical|error|warning|notice|informational|debug"

/* Of the capture that a rule starts. */
struct hc_trigger_what {
	uint64_t pre_ns, for_ns, keep_ns, cooldown_ns;
	unsigned scope;     /* enum hc_trigger_scope */
	const char *detail; /* NULL: the recorder's profile */
};

struct hc_trigger_args {
	struct hc_strs policies, rules, tags; /* files; names and tags of rules that may trigger: none, all may */
	unsigned min_priority;                /* index into HC_TRIGGER_PRIORITY_WORDS */
	struct hc_trigger_what what;
	struct hc_strs each; /* what is different for some rules: "rule=NAME; KEY=VALUE; ..." */
	uint64_t max_hour, max_running;
	struct hc_share_arg max_pinned, max_cpu;
};

/* One of `each`, over *what where the rule has that name (* stands for any text). *ret_rule is borrowed from the
 * arena, and so is what->detail; *ret_off: it may not trigger. -EINVAL with a sentence. what NULL: only checks. */
int hc_trigger_each_parse(const char *text, struct hc_arena *arena, const char **ret_rule, bool *ret_off,
                          struct hc_trigger_what *what, struct hc_err *err);
/* The same as an option's check. */
int hc_trigger_each_check(const char *text, struct hc_err *err);
int hc_trigger_detail_check(const char *text, struct hc_err *err);

void hc_trigger_args_init(struct hc_trigger_args *a);
void hc_trigger_args_done(struct hc_trigger_args *a);
int hc_trigger_args_check(const struct hc_trigger_args *a, struct hc_err *err);
/* A copy, all of it in the arena: not to be freed with hc_trigger_args_done. -ENOMEM. */
int hc_trigger_args_copy(const struct hc_trigger_args *a, struct hc_arena *arena, struct hc_trigger_args *ret);

#endif
