/* Calls that earlier recorders wrote as rows of `sys`: what rules find there, and what is said of them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "falco_filter.h"
#include "gen.h"
#include "replay/falco.h"

#define MAX_TYPES 8

struct recorder {
	const char *version, *profile;
	const char *types[MAX_TYPES]; /* ends with NULL */
};

static const struct recorder older = { "hindcast 0.0.9",
	                               "full",
	                               { "openat all path", "eventfd2 all -", "sys all -" } };
static const struct recorder newer = { "hindcast 0.2.0",
	                               "full",
	                               { "openat all path", "signalfd4 all -", "seccomp all -", "mlock all -",
	                                 "pidfd_open all -", "sys all -" } };

struct scene {
	char *dir;
	struct hc_writer *w;
	uint64_t now_ns;
};

static struct hc_builder *begin(struct scene *s, unsigned type)
{
	struct hc_err err = { 0 };
	struct hc_builder *b = hc_writer_begin(s->w, type, ++s->now_ns, &err);

	cr_assert_not_null(b, "%s", err.msg);
	return b;
}

static void end(struct scene *s, unsigned type, const struct hc_cells *c)
{
	struct hc_row_head head = { .type = (uint16_t)type, .ts_ns = s->now_ns };
	struct hc_err err = { 0 };

	cr_assert_eq(hc_writer_row(s->w, &head, c, &err), 0, "%s", err.msg);
}

static struct scene scene_begin(void)
{
	struct scene s = { .dir = hc_gen_tmpdir(), .now_ns = 1000 };
	struct hc_writer_opts wo = { .dir = s.dir, .node = "n", .tool = "test" };
	struct hc_err err = { 0 };

	wo.boot_id[0] = wo.capture_id[0] = 1;
	cr_assert_eq(hc_writer_open(&wo, &s.w, &err), 0, "%s", err.msg);
	return s;
}

static void config(struct scene *s, const struct recorder *r, const char *const *types)
{
	struct hc_builder *b = begin(s, HC_EV_META_CONFIG);
	struct hc_cells c = { 0 };
	uint32_t refs[MAX_TYPES], n = 0;

	for (; types[n]; n++)
		refs[n] = hc_build_str(b, hc_str_c(types[n]));
	c.v[HC_C_META_CONFIG_profile] = hc_build_str(b, hc_str_c(r->profile));
	c.v[HC_C_META_CONFIG_types] = hc_build_strs(b, refs, n);
	end(s, HC_EV_META_CONFIG, &c);
}

/* Two rows: what a recording begins with. */
static void start(struct scene *s, const struct recorder *r, const char *why)
{
	struct hc_builder *b = begin(s, HC_EV_META_START);
	struct hc_cells c = { 0 };

	c.v[HC_C_META_START_recorder] = hc_build_str(b, hc_str_c(r->version));
	c.v[HC_C_META_START_why] = hc_build_str(b, hc_str_c(why));
	end(s, HC_EV_META_START, &c);
	config(s, r, r->types);
}

static void left_out(struct scene *s, const char *reason, const char *type)
{
	struct hc_builder *b = begin(s, HC_EV_META_FILTER);
	struct hc_cells c = { 0 };
	uint32_t ref = hc_build_str(b, hc_str_c(type));

	c.v[HC_C_META_FILTER_reason] = hc_build_str(b, hc_str_c(reason));
	c.v[HC_C_META_FILTER_expression] = hc_build_str(b, HC_STR("io used=9%"));
	c.v[HC_C_META_FILTER_types] = hc_build_strs(b, &ref, 1);
	hc_cell_set(&c, HC_C_META_FILTER_from_ns, s->now_ns);
	end(s, HC_EV_META_FILTER, &c);
}

static void call(struct scene *s, unsigned nr, unsigned flags, int64_t ret, const uint64_t *arg, bool imported)
{
	struct hc_builder *b = begin(s, HC_EV_SYS);
	struct hc_cells c = { 0 }, task = { 0 }, proc = { 0 };

	hc_cell_set(&proc, HC_O_PROC_pid, 7);
	hc_cell_set(&task, HC_O_TASK_tid, 7);
	task.v[HC_O_TASK_proc] = hc_build_obj(b, HC_OBJ_PROC, &proc);
	c.v[HC_COL_TASK] = hc_build_obj(b, HC_OBJ_TASK, &task);
	hc_cell_set(&c, HC_COL_NR, nr);
	hc_cell_set(&c, HC_COL_RET, (uint64_t)ret);
	hc_cell_set(&c, HC_COL_ROW_FLAGS, flags);
	for (unsigned i = 0; i < 4; i++)
		hc_cell_set(&c, HC_C_SYS_arg0 + i, arg[i]);
	if (imported)
		hc_cell_set(&c, HC_COL_SRC_NUM, 9);
	end(s, HC_EV_SYS, &c);
}

/* Behind the two rows of a start. */
static void write_calls(struct scene *s)
{
	call(s, 289, 0, 5, (const uint64_t[4]){ 0xffffffff, 0x7f00, 8, 02000000 }, false); /* 3: signalfd4 */
	call(s, 289, 0, -EINVAL, (const uint64_t[4]){ 4, 0x7f00, 8, 0 }, false);           /* 4 */
	call(s, 149, 0, 0, (const uint64_t[4]){ 0x1000, 4096 }, false);                    /* 5: mlock */
	call(s, 434, 0, 6, (const uint64_t[4]){ 1, 04000 }, false);                        /* 6: pidfd_open */
	call(s, 327, HC_ROW_COMPAT, 7, (const uint64_t[4]){ 3, 0x7f00, 8, 0 }, false);     /* 7: signalfd4 */
	call(s, 309, 0, 0, (const uint64_t[4]){ 0 }, false);                               /* 8: getcpu */
	call(s, 289, 0, 5, (const uint64_t[4]){ 0 }, true);                                /* 9: generic event */
	call(s, 23, 0, 1, (const uint64_t[4]){ 0 }, false);                                /* 10: select */
}

static struct hc_capture *scene_end(struct scene *s)
{
	struct hc_capture *c;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_writer_close(s->w, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_capture_open(s->dir, 0, &c, &err), 0, "%s", err.msg);
	return c;
}

static void scene_done(struct scene *s, struct hc_capture *c)
{
	hc_capture_close(c);
	hc_gen_rm(s->dir);
	free(s->dir);
}

struct seen {
	char text[1024];
	const struct hc_falco *rules;
};

static int render(void *ctx, const struct hc_alert *a, struct hc_arena *arena, void **ret, struct hc_err *err)
{
	struct seen *s = ctx;
	struct hc_str line;

	if (hc_falco_message(s->rules, a, arena, &line, err) < 0)
		return -ENOMEM;
	*ret = hc_arena_printf(arena, HC_STR_FMT, HC_STR_ARG(line));
	return 0;
}

static int emit(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	(void)hit;
	(void)wall_ns;
	(void)err;
	snprintf(s->text + n, sizeof(s->text) - n, "%s%s", n ? "; " : "", (const char *)rendered);
	return 0;
}

static void run(struct hc_capture *c, struct hc_ir *ir, struct seen *seen)
{
	falco_run(c, ir, HC_MATCH_ALL, (struct hc_replay_opts){ .render = render, .emit = emit, .ctx = seen });
}

/* A rule with that condition: the alerts, whether it is answered, and the first that is said of it (NULL:
 * nothing). */
static void rule(struct hc_capture *c, const char *condition, const char *alerts, bool answerable,
                 const char *says)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	HC_AUTO(hc_falco_free) struct hc_falco *f = hc_falco_new(NULL);
	HC_AUTO(hc_facts_free) struct hc_facts *facts = NULL;
	HC_AUTO(hc_answers_free) struct hc_answers *answers = NULL;
	const struct hc_answer *answer;
	struct seen seen = { .rules = f };
	struct hc_err err = { 0 };
	char text[1024];

	snprintf(text, sizeof(text),
	         "- rule: R\n  desc: d\n  condition: %s\n  output: \"%%evt.type %%evt.res\"\n  priority: INFO\n",
	         condition);
	cr_assert_eq(hc_falco_load_text(f, "r.yaml", text, strlen(text), &err), 0, "%s: %s", condition, err.msg);
	cr_assert_eq(hc_falco_build(f, ir, &err), 0, "%s", err.msg);
	run(c, ir, &seen);
	cr_expect_str_eq(seen.text, alerts, "%s: got '%s', not '%s'", condition, seen.text, alerts);
	cr_assert_eq(hc_facts_load(c, NULL, &facts, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_answers_new(ir, facts, &answers, &err), 0, "%s", err.msg);
	answer = hc_answers_rule(answers, 0);
	cr_expect_eq(answer->answerable, answerable, "%s", condition);
	if (says)
		cr_expect(answer->reasons[0] && !strcmp(answer->reasons[0], says), "%s: got '%s', not '%s'",
		          condition, answer->reasons[0] ? answer->reasons[0] : "", says);
	else
		cr_expect_null(answer->reasons[0], "%s: %s", condition, answer->reasons[0]);
}

Test(falco_former, calls_are_found_by_filters)
{
	struct scene s = scene_begin();
	struct hc_capture *c;

	start(&s, &older, "start");
	write_calls(&s);
	c = scene_end(&s);
	falco_expect_rows(c, "evt.type = signalfd4", "3 4 7");
	falco_expect_rows(c, "evt.type in (mlock, pidfd_open)", "5 6");
	falco_expect_rows(c, "evt.type = select", "10");
	falco_expect_rows(c, "evt.type = sys and evt.type != signalfd4", "5 6 8 9 10");
	falco_expect_rows(c, "evt.type = signalfd4 and evt.res = EINVAL", "4");
	falco_expect_rows(c, "evt.type = signalfd4 and evt.rawres >= 0", "3 7");
	falco_expect_rows(c, "evt.type = signalfd4 and evt.failed = true", "4");
	falco_expect_rows(c, "evt.type = signalfd4 and evt.dir = <", "3 4 7");
	falco_expect_rows(c, "evt.type = signalfd4 and evt.rawarg.fd = -1", "3");
	falco_expect_rows(c, "evt.type = signalfd4 and evt.arg.flags contains O_CLOEXEC", "3");
	falco_expect_rows(c, "evt.type = mlock and evt.rawarg.len = 4096", "5");
	falco_expect_rows(c, "evt.arg[2] = 4096", "5");
	falco_expect_rows(c, "evt.type = pidfd_open and evt.rawarg.pid = 1", "6");
	falco_expect_rows(c, "evt.args contains 'res=-22(EINVAL) flags=0(O_NONE) fd=4 mask=0'", "4");
	scene_done(&s, c);
}

Test(falco_former, calls_are_found_by_rules_or_said_to_lack_something)
{
	struct scene s = scene_begin();
	struct hc_capture *c;

	start(&s, &older, "start");
	write_calls(&s);
	c = scene_end(&s);
	rule(c, "evt.type = signalfd4", "signalfd4 SUCCESS; signalfd4 EINVAL; signalfd4 SUCCESS", true,
	     "signalfd4: unknown to the recorder (hindcast 0.0.9) by name, looked for in its rows of sys");
	rule(c, "evt.type in (openat, mlock, pidfd_open) and evt.rawres >= 0", "mlock SUCCESS; pidfd_open SUCCESS",
	     true,
	     "mlock, pidfd_open: unknown to the recorder (hindcast 0.0.9) by name, looked for in its rows of sys");
	rule(c, "evt.type = signalfd4 and evt.rawarg.flags = 0", "signalfd4 EINVAL; signalfd4 SUCCESS", true,
	     "signalfd4: unknown to the recorder (hindcast 0.0.9) by name, looked for in its rows of sys");
	rule(c, "evt.type = signalfd4 and fd.num >= 0 and fd.type = signalfd", "", false,
	     "fd.num, fd.type: not told by rows of sys, as which the recorder (hindcast 0.0.9) wrote signalfd4, "
	     "unknown to it by name");
	/* what is asked of another type is nobody's lack */
	rule(c, "(evt.type = openat and fd.num = 3) or evt.type = mlock", "mlock SUCCESS", true,
	     "mlock: unknown to the recorder (hindcast 0.0.9) by name, looked for in its rows of sys");
	rule(c, "evt.type = eventfd2", "", true, NULL); /* it had a type */
	rule(c, "evt.type = connect", "", false, "not recorded: connect (hindcast record --profile minimal)");
	scene_done(&s, c);
}

Test(falco_former, calls_may_not_have_been_recorded)
{
	static const struct recorder old_security = { "hindcast 0.0.9", "security", { "openat all path" } };
	static const struct recorder new_security = {
		"hindcast 0.2.0", "security", { "openat all path", "seccomp all -", "pidfd_send_signal all -" }
	};
	struct scene s = scene_begin();
	struct hc_capture *c;

	start(&s, &old_security, "start");
	c = scene_end(&s);
	rule(c, "evt.type = seccomp", "", false,
	     "not recorded: seccomp, unknown to the recorder (hindcast 0.0.9), which wrote no rows of sys");
	rule(c, "evt.type = mlock", "", false, "not recorded: mlock (hindcast record --profile full)");
	scene_done(&s, c);

	s = scene_begin();
	start(&s, &new_security, "start");
	c = scene_end(&s);
	rule(c, "evt.type = seccomp", "", true, NULL); /* and rows of sys are not missed */
	rule(c, "evt.type = pidfd_send_signal", "", true, NULL);
	scene_done(&s, c);
}

Test(falco_former, types_that_were_left_out_are_known_all_the_same)
{
	static const char *const less[] = { "openat all path", "signalfd4 all -", "sys all -", NULL };
	struct scene s = scene_begin();
	struct hc_capture *c;

	start(&s, &newer, "start");
	c = scene_end(&s);
	rule(c, "evt.type = mlock and fd.num = 3", "", true, NULL);
	scene_done(&s, c);

	s = scene_begin(); /* they were recorded before */
	start(&s, &newer, "start");
	config(&s, &newer, less);
	c = scene_end(&s);
	rule(c, "evt.type = seccomp", "", false, "seccomp: recorded in a part of the time only");
	scene_done(&s, c);

	s = scene_begin(); /* they are named by the row that says so */
	start(&s, &newer, "start");
	config(&s, &newer, less);
	left_out(&s, "shed", "mlock");
	c = scene_end(&s);
	rule(c, "evt.type = mlock", "", false,
	     "mlock: left out for a time, as the recorder was over its budget (shed: io used=9%)");
	scene_done(&s, c);

	s = scene_begin(); /* nor is it said when the profile is not */
	start(&s, &(struct recorder){ "hindcast 0.0.9", "", { "openat all path", "sys all -" } }, "start");
	c = scene_end(&s);
	rule(c, "evt.type = mlock", "", false, "not recorded: mlock (hindcast record --profile full)");
	scene_done(&s, c);
}

Test(falco_former, recorders_may_change_within_a_capture)
{
	struct scene s = scene_begin();
	struct hc_capture *c;

	start(&s, &older, "start");
	call(&s, 149, 0, 0, (const uint64_t[4]){ 0x1000, 4096 }, false);
	start(&s, &older, "segment");
	start(&s, &newer, "continue");
	c = scene_end(&s);
	rule(c, "evt.type = mlock", "mlock SUCCESS", true,
	     "mlock: unknown to the recorder (hindcast 0.0.9) by name, looked for in its rows of sys");
	rule(c, "evt.type = openat", "", true, NULL);
	scene_done(&s, c);
}
