/* Triggers: cool-downs and budgets with a clock of our own, and what is different for a rule. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "recorder_arg.h"
#include "trigger_gate.h"

#define S UINT64_C(1000000000)
#define HOUR (3600 * S)

const struct hc_command *const hc_commands[] = { NULL };

const struct hc_command *hc_command_find(const char *name)
{
	(void)name;
	return NULL;
}

static const struct hc_trigger_budget plenty = { 0 };

/* One match; `told` is -1 where the test does not care. */
static void ask(struct hc_trigger_gate *g, const char *rule, const char *place, uint64_t cooldown_ns,
                const struct hc_trigger_budget *b, uint64_t now_ns, enum hc_trigger_verdict want, int told,
                int line)
{
	bool tell;
	enum hc_trigger_verdict v = hc_trigger_gate_ask(g, rule, place, 1, cooldown_ns, b, now_ns, &tell);

	cr_assert_eq(v, want, "line %d: %s", line, hc_trigger_verdict_text(v));
	cr_assert(told < 0 || tell == (told > 0), "line %d: told %d", line, tell);
}
#define ASK(...) ask(g, __VA_ARGS__, __LINE__)

Test(trigger, a_rule_starts_once_in_a_place_until_its_cool_down_is_over)
{
	HC_AUTO(hc_trigger_gate_free) struct hc_trigger_gate *g = hc_trigger_gate_new();
	struct hc_trigger_held h;

	ASK("a", "host", 10 * S, &plenty, 100 * S, HC_TRIGGER_START, 1);
	ASK("a", "host", 10 * S, &plenty, 100 * S, HC_TRIGGER_COOLDOWN, 0);
	ASK("a", "container=1", 10 * S, &plenty, 101 * S, HC_TRIGGER_START, 1);
	ASK("b", "host", 10 * S, &plenty, 101 * S, HC_TRIGGER_START, 1);
	ASK("a", "host", 10 * S, &plenty, 110 * S - 1, HC_TRIGGER_COOLDOWN, 0);
	cr_assert(!hc_trigger_gate_over(g, 110 * S - 1, false, &h));
	cr_assert(hc_trigger_gate_over(g, 110 * S, false, &h));
	cr_assert_str_eq(h.rule, "a");
	cr_assert_str_eq(h.place, "host");
	cr_assert_eq(h.verdict, HC_TRIGGER_COOLDOWN);
	cr_assert_eq(h.n, 2);
	cr_assert(!hc_trigger_gate_over(g, 110 * S, false, &h));
	ASK("a", "host", 10 * S, &plenty, 110 * S, HC_TRIGGER_START, 1);
	cr_assert(!hc_trigger_gate_over(g, 500 * S, true, &h), "nothing was held back");
}

Test(trigger, without_a_cool_down_every_match_starts)
{
	HC_AUTO(hc_trigger_gate_free) struct hc_trigger_gate *g = hc_trigger_gate_new();

	for (unsigned i = 0; i < 10; i++)
		ASK("a", "host", 0, &plenty, 100 * S, HC_TRIGGER_START, 1);
}

Test(trigger, no_more_start_than_an_hour_may_have)
{
	HC_AUTO(hc_trigger_gate_free) struct hc_trigger_gate *g = hc_trigger_gate_new();
	struct hc_trigger_budget b = { .max_hour = 3 };

	for (unsigned i = 0; i < 3; i++)
		ASK("a", "host", S, &b, (100 + 10 * i) * S, HC_TRIGGER_START, 1);
	ASK("a", "host", S, &b, 130 * S, HC_TRIGGER_MAX_STARTED, 1);
	ASK("b", "host", S, &b, 131 * S, HC_TRIGGER_MAX_STARTED, 1);
	ASK("a", "host", S, &b, 100 * S + HOUR - 1, HC_TRIGGER_MAX_STARTED, -1);
	ASK("a", "host", S, &b, 100 * S + HOUR, HC_TRIGGER_START, 1);
	ASK("b", "host", S, &b, 100 * S + HOUR, HC_TRIGGER_MAX_STARTED, -1);
	ASK("b", "host", S, &b, 110 * S + HOUR, HC_TRIGGER_START, 1);
}

Test(trigger, an_hour_is_bounded_without_a_limit_too)
{
	HC_AUTO(hc_trigger_gate_free) struct hc_trigger_gate *g = hc_trigger_gate_new();

	for (unsigned i = 0; i < HC_TRIGGER_MAX_HOUR; i++)
		ASK("a", "host", 0, &plenty, 100 * S, HC_TRIGGER_START, 1);
	ASK("a", "host", 0, &plenty, 101 * S, HC_TRIGGER_MAX_STARTED, 1);
}

Test(trigger, what_a_budget_refuses_is_told_once_then_counted_and_does_not_cool_down)
{
	HC_AUTO(hc_trigger_gate_free) struct hc_trigger_gate *g = hc_trigger_gate_new();
	struct hc_trigger_budget b = { .max_running = 2, .n_running = 2 };
	struct hc_trigger_held h;

	ASK("a", "host", 10 * S, &b, 100 * S, HC_TRIGGER_MAX_RUNNING, 1);
	for (unsigned i = 0; i < 5; i++)
		ASK("a", "host", 10 * S, &b, (101 + i) * S, HC_TRIGGER_MAX_RUNNING, 0);
	b.n_running = 1;
	ASK("a", "host", 10 * S, &b, 107 * S, HC_TRIGGER_START, 1);
	cr_assert(!hc_trigger_gate_over(g, 159 * S, false, &h), "a minute is not over");
	cr_assert(hc_trigger_gate_over(g, 160 * S, false, &h));
	cr_assert_eq(h.n, 5);
	b.n_running = 0;
	b.pinned_full = true;
	ASK("a", "host", 10 * S, &b, 200 * S, HC_TRIGGER_MAX_PINNED, 1);
	b.pinned_full = false;
	b.n_kept = HC_TRIGGER_MAX_KEPT;
	ASK("a", "host", 10 * S, &b, 201 * S, HC_TRIGGER_MANY_KEPT, 0);
	cr_assert(hc_trigger_gate_over(g, 202 * S, true, &h), "at the end all are told");
	cr_assert_eq(h.n, 1);
	cr_assert_eq(h.verdict, HC_TRIGGER_MANY_KEPT);
}

Test(trigger, more_places_than_it_remembers_start_nothing_and_are_counted)
{
	HC_AUTO(hc_trigger_gate_free) struct hc_trigger_gate *g = hc_trigger_gate_new();
	struct hc_trigger_budget b = { .max_hour = 1 };
	struct hc_trigger_held h;
	uint64_t n = 0;
	char place[32];

	for (unsigned i = 0; i < HC_TRIGGER_MAX_PLACES + 7; i++) {
		enum hc_trigger_verdict v;
		bool tell;

		snprintf(place, sizeof(place), "container=%u", i);
		v = hc_trigger_gate_ask(g, "a", place, 1, 3600 * S, &b, 100 * S, &tell);
		cr_assert_eq(v, i == 0                      ? HC_TRIGGER_START
		                : i < HC_TRIGGER_MAX_PLACES ? HC_TRIGGER_MAX_STARTED
		                                            : HC_TRIGGER_MANY_PLACES);
	}
	cr_assert(!hc_trigger_gate_over(g, 101 * S, false, &h));
	while (hc_trigger_gate_over(g, 2 * HOUR, false, &h))
		n += h.n;
	cr_assert_eq(n, 7);
}

Test(trigger, captures_of_before_a_restart_count)
{
	HC_AUTO(hc_trigger_gate_free) struct hc_trigger_gate *g = hc_trigger_gate_new();
	struct hc_trigger_budget b = { .max_hour = 2 };

	hc_trigger_gate_started(g, "a", "host", 600 * S, 5000 * S);
	ASK("a", "host", 600 * S, &b, 5599 * S, HC_TRIGGER_COOLDOWN, 0);
	ASK("a", "host", 600 * S, &b, 5600 * S, HC_TRIGGER_START, 1);
	ASK("b", "host", 600 * S, &b, 5601 * S, HC_TRIGGER_MAX_STARTED, 1);
	ASK("b", "host", 600 * S, &b, 5000 * S + HOUR, HC_TRIGGER_START, 1);
}

Test(trigger, what_is_different_for_a_rule_lies_over_what_holds_for_all)
{
	struct hc_arena arena = { 0 };
	struct hc_trigger_args a;
	struct hc_trigger_what what;
	struct hc_err err = { 0 };
	const char *rule;
	bool off;

	hc_trigger_args_init(&a);
	what = a.what;
	cr_assert_eq(hc_trigger_each_parse(" rule = Shell in *; for=1h ;scope=host; detail=full;", &arena, &rule,
	                                   &off, &what, &err),
	             0, "%s", err.msg);
	cr_assert_str_eq(rule, "Shell in *");
	cr_assert(!off);
	cr_assert_eq(what.for_ns, HOUR);
	cr_assert_eq(what.scope, HC_TRIGGER_HOST);
	cr_assert_str_eq(what.detail, "full");
	cr_assert_eq(what.pre_ns, a.what.pre_ns);
	cr_assert_eq(what.cooldown_ns, a.what.cooldown_ns);
	cr_assert_eq(hc_trigger_each_parse("rule=x=y; off", &arena, &rule, &off, NULL, &err), 0);
	cr_assert_str_eq(rule, "x=y");
	cr_assert(off);
	cr_assert_eq(hc_trigger_each_parse("rule=x; off=no", &arena, &rule, &off, NULL, &err), 0);
	cr_assert_not(off);
	hc_arena_done(&arena);
}

Test(trigger, what_cannot_be_understood_is_refused_with_a_sentence)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "which rule? (rule=NAME)" },
		{ "for=1h", "which rule? (rule=NAME)" },
		{ "rule=", "which rule? (rule=NAME)" },
		{ "rule=a; for=1", "for: '1' is not a duration with its unit, such as 10s or 1h30m" },
		{ "rule=a; for=0s", "for: '0s' is out of range (1ms or more)" },
		{ "rule=a; for=1m; for=1h", "'for' is given twice" },
		{ "rule=a; off; off=false", "'off' is given twice" },
		{ "rule=a; scope=moon", "scope: 'moon' is not one of auto|container|pod|pid|cgroup|host" },
		{ "rule=a; detail=all", "detail: 'all' is not one of security|full" },
		{ "rule=a; off=maybe", "off: 'maybe' is neither true nor false" },
		{ "rule=a; only",
		  "'only' is none of rule=NAME, off, pre=, for=, keep=, cooldown=, scope=, detail=, "
		  "with ';' between them" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_err err = { 0 };

		cr_assert_eq(hc_trigger_each_check(cases[i].text, &err), -EINVAL, "%s", cases[i].text);
		cr_assert_str_eq(err.msg, cases[i].want);
	}
}

static int parse(const char *text, struct hc_recorder_args *a, struct hc_config **c, struct hc_err *err)
{
	hc_recorder_args_init(a);
	return hc_config_parse(hc_recorder_opts, "recorder.yaml", text, strlen(text), a, c, err);
}

Test(trigger, the_file_has_mappings_for_rules)
{
	HC_AUTO(hc_config_free) struct hc_config *c = NULL;
	struct hc_recorder_args a;
	struct hc_err err = { 0 };

	cr_assert_eq(parse("triggers:\n  - rule: A, b\n    for: 1h\n  - { rule: C, off: true }\n  - rule=D; off\n",
	                   &a, &c, &err),
	             0, "%s", err.msg);
	cr_assert_eq(a.trigger.each.n, 3);
	cr_assert_str_eq(a.trigger.each.v[0], "rule=A, b; for=1h; ");
	cr_assert_str_eq(a.trigger.each.v[1], "rule=C; off=true; ");
	cr_assert_str_eq(a.trigger.each.v[2], "rule=D; off");
	hc_recorder_args_done(&a);
}

Test(trigger, the_file_s_mistakes_have_their_place)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "triggers:\n  - rule: a\n    fro: 1h\n", "recorder.yaml:2:5: triggers: 'fro' is none of "
		                                           "rule=NAME, off, pre=, for=, keep=, cooldown=, scope=, "
		                                           "detail=, with ';' between them" },
		{ "triggers: [{ rule: [a] }]\n",
		  "recorder.yaml:1:20: 'triggers' needs words and values here, not a list" },
		{ "triggers: [{ rule: 'a; off' }]\n", "recorder.yaml:1:20: 'triggers' has a ';' or NUL in it" },
		{ "triggers: [{ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1, l: 1, m: 1, n: "
		  "1, o: 1, "
		  "p: 1, q: 1 }]\n",
		  "recorder.yaml:1:12: 'triggers' has more than 16 keys here" },
		{ "exclude: [{ comm: a }]\n", "recorder.yaml:1:11: 'exclude' needs a value, not a mapping" },
		{ "trigger-detail: more\n",
		  "recorder.yaml:1:17: trigger-detail: 'more' is not one of security|full" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_config *c = NULL;
		struct hc_recorder_args a;
		struct hc_err err = { 0 };
		char text[600];

		cr_assert_eq(parse(cases[i].text, &a, &c, &err), -EINVAL, "%s", cases[i].text);
		cr_assert_str_eq(hc_err_text(&err, text, sizeof(text)), cases[i].want);
		hc_recorder_args_done(&a);
	}
}
