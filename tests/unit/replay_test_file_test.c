/* Test files: what is taken from them, what patterns match, what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/capture.h"
#include "test_priv.h"

static int duration(const char *text, uint64_t *ret_ns)
{
	char *end;

	*ret_ns = strtoull(text, &end, 10) * 1000000000u;
	return strcmp(end, "s") == 0 ? 0 : -EINVAL;
}

static int moment(const char *text, int64_t *ret_wall_ns)
{
	*ret_wall_ns = atoll(text);
	return *ret_wall_ns ? 0 : -EINVAL;
}

static int load(const char *text, struct hc_test_file **ret, struct hc_err *err)
{
	static const struct hc_test_units units = { .duration = duration, .moment = moment };

	return hc_test_load_text("dir/t.yaml", text, strlen(text), &units, ret, err);
}

#define HEAD "policies: p\ncapture: c\ncases:\n"

Test(test_file, takes_cases_and_what_the_file_says_for_all)
{
	struct hc_test_file *f;
	const struct hc_test_case *c;
	size_t n;
	struct hc_err err = { 0 };

	cr_assert_eq(
		load("policies: [a, b/c]\nrecord: {interpreter: [bash, -e], timeout: 5s, private: yes, profile: "
	             "full}\n"
	             "matching: all\nallow: any\nwhere: w\ncases:\n"
	             "  - {name: one, script: s.sh, status: 3, expect: [R, {rule: S, min: 0, max: 2}]}\n"
	             "  - {name: two, run: x, timeout: 7s, status: any, matching: first, allow: none, where: v,\n"
	             "     since: 5, until: 6, alerts: machine, expect: none}\n",
	             &f, &err),
		0, "%s", err.msg);
	cr_assert_eq(hc_test_file_policies(f, &n)[1].place.column, 15);
	cr_assert_eq(n, 2);
	cr_assert(hc_test_file_record(f)->private_mounts);
	cr_assert_eq(hc_test_file_record(f)->profile, HC_PROFILE_FULL);
	cr_assert_null(hc_test_file_capture(f));
	c = hc_test_file_cases(f, &n);
	cr_assert_eq(n, 2);
	cr_assert_str_eq(c[0].script->file, "s.sh");
	cr_assert_str_eq(c[0].script->interpreter[1], "-e");
	cr_assert_eq(c[0].script->timeout_ns, UINT64_C(5000000000));
	cr_assert_eq(c[0].script->status, 3);
	cr_assert(c[0].match_all && c[0].allow.any && !c[0].machine);
	cr_assert_str_eq(c[0].where, "w");
	cr_assert_eq(c[0].n_expects, 2);
	cr_assert(c[0].expects[0].min == 1 && c[0].expects[0].max == UINT64_MAX);
	cr_assert(c[0].expects[1].min == 0 && c[0].expects[1].max == 2);
	cr_assert_eq(c[1].script->timeout_ns, UINT64_C(7000000000));
	cr_assert_eq(c[1].script->status, -1);
	cr_assert(!c[1].match_all && !c[1].allow.any && c[1].machine && c[1].has_since && c[1].until_wall_ns == 6);
	cr_assert_str_eq(c[1].where, "v");
	cr_assert_eq(c[1].n_expects, 0);
	hc_test_file_free(f);
}

struct match_case {
	const char *pattern, *text; /* text NULL: absent */
	bool matches;
};

Test(test_file, patterns_match_what_they_say)
{
	static const struct match_case cases[] = {
		{ "bash", "bash", true },
		{ "bash", "bas", false },
		{ "bash", NULL, false },
		{ "[a, b]", "b", true },
		{ "[a, b]", "ab", false },
		{ "~^ba", "bash", true },
		{ "~^as", "bash", false },
		{ "~.", NULL, false },
		{ "{is: ~x}", "~x", true },
		{ "{is: ~x}", "x", false },
		{ "null", NULL, true },
		{ "null", "", false },
		{ "{is: null}", NULL, true },
		{ "{not: null}", "", true },
		{ "{not: null}", NULL, false },
		{ "{not: a}", NULL, true },
		{ "{contains: [x, as]}", "bash", true },
		{ "{icontains: AS}", "bash", true },
		{ "{contains: AS}", "bash", false },
		{ "{startswith: /etc/, endswith: d}", "/etc/passwd", true },
		{ "{startswith: /etc/, endswith: x}", "/etc/passwd", false },
		{ "{glob: '/*/b?'}", "/a/bc", true },
		{ "{glob: '/*/b?'}", "/a/b", false },
		{ "{regex: 'a+$', not: {startswith: b}}", "caa", true },
		{ "{regex: 'a+$', not: {startswith: b}}", "baa", false },
	};
	struct hc_match *m = hc_match_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct hc_test_file *f;
		size_t n;
		struct hc_err err = { 0 };

		snprintf(text, sizeof(text), HEAD "  - {name: a, expect: [{rule: R, fields: {x: %s}}]}\n",
		         cases[i].pattern);
		cr_assert_eq(load(text, &f, &err), 0, "%s: %s", cases[i].pattern, err.msg);
		cr_expect_eq(hc_test_pattern_match(hc_test_file_cases(f, &n)->expects->fields->pattern,
		                                   hc_str_c(cases[i].text), m),
		             cases[i].matches, "%s, %s", cases[i].pattern,
		             cases[i].text ? cases[i].text : "absent");
		hc_test_file_free(f);
	}
	hc_match_free(m);
}

struct refused {
	const char *text, *says;
	uint32_t line, column;
};

Test(test_file, what_is_wrong_is_refused_with_its_place)
{
	static const struct refused cases[] = {
		{ "", "the file is empty", 1, 1 },
		{ "a: b\n", "no key 'a'", 1, 1 },
		{ "policies: p\ncapture: c\n", "no cases", 1, 1 },
		{ "policies: p\ncapture: c\nrecord: {run: x}\ncases: [{name: a, expect: none}]\n", "either", 3,
		  9 },
		{ "policies: p\nrecord: {profile: full}\ncases: [{name: a, expect: none}]\n", "nothing is run", 3,
		  9 },
		{ "policies: p\nrecord: {run: x, script: y}\ncases: []\n", "only one of run", 2, 15 },
		{ "policies: p\nrecord: {run: x, timeout: soon}\ncases: []\n", "duration", 2, 27 },
		{ "policies: p\nrecord: {env: {A=B: c}}\ncases: []\n", "name", 2, 16 },
		{ HEAD "  - {name: a, expect: []}\n", "the list is empty", 4, 23 },
		{ HEAD "  - {name: a, expect: some}\n", "expect is", 4, 23 },
		{ HEAD "  - {name: a, expect: [{count: 2}]}\n", "names its rule", 4, 24 },
		{ HEAD "  - {name: a, expect: [{rule: R, count: 1, min: 1}]}\n", "both min and max", 4, 41 },
		{ HEAD "  - {name: a, expect: [{rule: R, count: -1}]}\n", "number", 4, 41 },
		{ HEAD "  - {name: a, expect: [{rule: R, count: 99999999999999999999}]}\n", "at most", 4, 41 },
		{ HEAD "  - {name: a, expect: [{rule: R, fields: {x: 1, x: 2}}]}\n", "twice", 4, 49 },
		{ HEAD "  - {name: a, expect: [{rule: R, output: {like: x}}]}\n", "no key 'like'", 4, 43 },
		{ HEAD "  - {name: a, expect: [{rule: R, output: \"\\0\"}]}\n", "NUL", 4, 42 },
		{ HEAD "  - {name: a, matching: some, expect: none}\n", "'first' or 'all'", 4, 25 },
		{ HEAD "  - {name: a, since: 6, until: 5, expect: none}\n", "not before", 4, 22 },
		{ HEAD "  - {name: a, expect: none}\n  - {name: a, expect: none}\n", "in line 4", 5, 5 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_test_file *f = NULL;
		struct hc_err err = { 0 };

		cr_assert_eq(load(cases[i].text, &f, &err), -EINVAL, "%s", cases[i].text);
		cr_expect(strstr(err.msg, cases[i].says), "%s says: %s", cases[i].text, err.msg);
		cr_expect(err.line == cases[i].line && err.column == cases[i].column, "%s is at %u:%u",
		          cases[i].text, err.line, err.column);
		cr_expect_str_eq(err.file, "dir/t.yaml");
	}
}

Test(test_file, paths_have_variables_and_start_at_the_file)
{
	struct hc_test_file *f;
	struct hc_err err = { 0 };
	char *path;

	setenv("HC_TEST_WHERE", "here", 1);
	cr_assert_eq(load("policies: p\ncapture: ${HC_TEST_WHERE}/$${x}/$\ncases: [{name: a, expect: none}]\n", &f,
	                  &err),
	             0, "%s", err.msg);
	cr_assert_str_eq(hc_test_file_capture(f)->path, "here/${x}/$");
	path = hc_test_file_join(f, "x");
	cr_assert_str_eq(path, "dir/x");
	free(path);
	path = hc_test_file_join(f, "/x");
	cr_assert_str_eq(path, "/x");
	free(path);
	hc_test_file_free(f);
}

/* ---- judging ---- */

static unsigned asked, stop_at;

static bool stops(void)
{
	return ++asked == stop_at;
}

/* Each pass over a capture asks after each of its blocks: one of rules, and one of filters. */
Test(test_judge, ends_at_the_block_at_which_it_is_interrupted)
{
	static const char *const policies[] = { HC_SOURCE_DIR "/policies/falco/00_base.yaml" };
	const struct hc_test_judge_opts opts = { .policies = policies, .n_policies = 1, .interrupted = stops };
	struct hc_test_verdicts verdicts;
	struct hc_capture *c;
	struct hc_test_file *f;
	struct hc_err err = { 0 };
	unsigned n_asked;

	cr_assert_eq(load(HEAD "  - {name: a, where: evt.type = execve, expect: none, allow: any}\n", &f, &err), 0,
	             "%s", err.msg);
	cr_assert_eq(hc_capture_open(HC_SOURCE_DIR "/tests/demo/capture.hcb", 0, &c, &err), 0, "%s", err.msg);
	stop_at = 0;
	cr_assert_eq(hc_test_judge(f, c, &opts, &verdicts, &err), 0, "%s", err.msg);
	hc_test_verdicts_done(&verdicts);
	n_asked = asked;
	cr_assert_geq(n_asked, 2);
	for (stop_at = 1; stop_at <= n_asked; stop_at++) {
		err = (struct hc_err){ 0 };
		asked = 0;
		cr_expect_eq(hc_test_judge(f, c, &opts, &verdicts, &err), -EINTR, "%s", err.msg);
		cr_expect_eq(asked, stop_at);
	}
	hc_capture_close(c);
	hc_test_file_free(f);
}
