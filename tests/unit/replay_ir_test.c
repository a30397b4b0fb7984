/* The IR's own rules: what is the same is one, structure moves to the dictionaries, what does not fit is refused.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "ir_priv.h"
#include "replay/plan.h"

static struct hc_value text(const char *s)
{
	return hc_value_str(hc_str_c(s));
}

static const struct hc_path *proc_of(struct hc_ir *ir, unsigned type)
{
	return hc_path_hop(ir, hc_path_hop(ir, hc_path_row(ir, type), HC_COL_TASK), HC_O_TASK_proc);
}

static const struct hc_node *comm_is(struct hc_ir *ir, unsigned type, const char *name)
{
	struct hc_value v = text(name);

	return hc_node_atom(ir, hc_access_col(ir, proc_of(ir, type), HC_O_PROC_comm), HC_OP_EQ, HC_Q_ANY, 0, &v, 1,
	                    NULL);
}

static const struct hc_node *uid_is(struct hc_ir *ir, unsigned type, uint64_t uid)
{
	struct hc_value v = hc_value_u64(uid);

	return hc_node_atom(ir, hc_access_col(ir, proc_of(ir, type), HC_O_PROC_uid), HC_OP_EQ, HC_Q_ANY, 0, &v, 1,
	                    NULL);
}

Test(ir, gives_the_same_node_for_the_same_condition)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	struct hc_value one[] = { text("a"), text("b") }, other[] = { text("b"), text("a"), text("b") };
	const struct hc_access *comm = hc_access_col(ir, proc_of(ir, HC_EV_OPEN), HC_O_PROC_comm);
	const struct hc_node *x = comm_is(ir, HC_EV_OPEN, "x"), *y = uid_is(ir, HC_EV_OPEN, 7);

	cr_assert_eq(comm_is(ir, HC_EV_OPEN, "x"), x);
	cr_assert_eq(hc_node_atom(ir, comm, HC_OP_IN, HC_Q_ANY, 0, one, 2, NULL),
	             hc_node_atom(ir, comm, HC_OP_EQ, HC_Q_ANY, 0, other, 3, NULL));
	cr_assert_eq(hc_node_and(ir, (const struct hc_node *[]){ x, y, x }, 3),
	             hc_node_and(ir, (const struct hc_node *[]){ y, hc_node_and(ir, &x, 1) }, 2));
	cr_assert_neq(comm_is(ir, HC_EV_OPENAT, "x"), x);
	/* two types: the same below the row */
	cr_assert_eq(comm_is(ir, HC_EV_OPENAT, "x")->kids[0], x->kids[0]);
	cr_assert_eq(hc_ir_error(ir, NULL), 0);
}

Test(ir, folds_constants_and_contradictions)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	const struct hc_node *x = comm_is(ir, HC_EV_OPEN, "x"), *yes = hc_node_const(ir, true),
			     *no = hc_node_const(ir, false);
	const struct hc_node *not_x = hc_node_not(ir, x);
	struct hc_value name = text("open");
	const struct hc_access *type = hc_access_const(ir, HC_EV_OPEN, &name);

	cr_assert_eq(hc_node_and(ir, (const struct hc_node *[]){ x, yes }, 2), x);
	cr_assert(hc_node_is_false(hc_node_and(ir, (const struct hc_node *[]){ x, no }, 2)));
	cr_assert(hc_node_is_true(hc_node_or(ir, (const struct hc_node *[]){ x, yes }, 2)));
	cr_assert_eq(hc_node_or(ir, (const struct hc_node *[]){ x, no }, 2), x);
	cr_assert(hc_node_is_false(hc_node_and(ir, (const struct hc_node *[]){ x, not_x }, 2)));
	cr_assert(hc_node_is_true(hc_node_or(ir, (const struct hc_node *[]){ x, not_x }, 2)));
	cr_assert_eq(hc_node_not(ir, not_x), x);
	cr_assert(hc_node_is_true(hc_node_and(ir, NULL, 0)));
	cr_assert(hc_node_is_false(hc_node_or(ir, NULL, 0)));
	cr_assert(hc_node_is_true(hc_node_atom(ir, type, HC_OP_EQ, HC_Q_ANY, 0, &name, 1, NULL)));
	cr_assert(hc_node_is_false(hc_node_atom(ir, type, HC_OP_NE, HC_Q_ANY, 0, &name, 1, NULL)));
}

Test(ir, moves_structure_to_the_dictionary)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	const struct hc_node *x = comm_is(ir, HC_EV_OPEN, "x"), *u = uid_is(ir, HC_EV_OPEN, 0), *both;

	both = hc_node_and(ir, (const struct hc_node *[]){ x, hc_node_not(ir, u) }, 2);
	cr_assert_eq(both->kind, HC_NODE_LIFT, "%s", hc_node_text(ir, both)); /* of the row, once */
	cr_assert_eq(both->kids[0]->kind, HC_NODE_LIFT);                      /* of the task, once */
	cr_assert_eq(both->kids[0]->kids[0]->kind, HC_NODE_AND);
	cr_assert_eq(both->kids[0]->kids[0]->dom, HC_OBJ_PROC);
	cr_assert_str_eq(hc_node_text(ir, both), "open.task ->\n"
	                                         "  task.proc ->\n"
	                                         "    and\n"
	                                         "      proc.comm ->\n"
	                                         "        str in \"x\"\n"
	                                         "      not\n"
	                                         "        proc.uid in 0\n");
}

Test(ir, refuses_what_does_not_fit)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	const struct hc_access *comm = hc_access_col(ir, proc_of(ir, HC_EV_OPEN), HC_O_PROC_comm);
	const struct hc_access *uid = hc_access_col(ir, proc_of(ir, HC_EV_OPEN), HC_O_PROC_uid);
	const struct hc_access *elsewhere = hc_access_col(ir, proc_of(ir, HC_EV_OPENAT), HC_O_PROC_comm);
	struct hc_value v = text("x"), bad = text("(");
	struct hc_err err = { 0 };

	cr_assert_null(hc_node_atom(ir, uid, HC_OP_CONTAINS, HC_Q_ANY, 0, &v, 1, &err));
	cr_assert_str_eq(err.msg, "operator 'contains' does not fit a number");
	err = (struct hc_err){ 0 };
	cr_assert_null(hc_node_atom(ir, uid, HC_OP_EQ, HC_Q_ANY, 0, &v, 1, &err));
	cr_assert_eq(err.code, -EINVAL);
	err = (struct hc_err){ 0 };
	cr_assert_null(hc_node_atom(ir, comm, HC_OP_REGEX, HC_Q_ANY, 0, &bad, 1, &err));
	cr_assert(strstr(err.msg, "regular expression '('") != NULL, "%s", err.msg);
	err = (struct hc_err){ 0 };
	cr_assert_null(hc_node_cmp(ir, comm, HC_OP_EQ, HC_Q_ANY, elsewhere, &err));
	cr_assert_eq(err.code, -EINVAL);
	cr_assert_eq(hc_ir_error(ir, NULL), 0); /* all of these are the policy's fault, not the IR's */
	cr_assert_null(hc_path_hop(ir, proc_of(ir, HC_EV_OPEN), HC_O_PROC_uid));
	cr_assert_eq(hc_ir_error(ir, NULL), -EINVAL);
}

Test(ir, holds_the_rules_and_their_reasons)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	struct hc_type_set types;
	int rule = hc_ir_rule_add(
		ir, &(struct hc_rule_opts){ .name = "a", .policy = "p.yaml", .line = 3, .severity = "Notice" });

	for (int i = 0; i < 40; i++)
		cr_assert_eq(hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "b" }), i + 1);
	hc_ir_rule_when(ir, rule, HC_EV_OPEN, comm_is(ir, HC_EV_OPEN, "x"));
	hc_ir_rule_when(ir, rule, HC_EV_OPENAT, NULL);
	hc_ir_rule_unanswerable(ir, rule, false, "field %s has no source", "x.y");
	types = hc_ir_rule_types(ir, (uint32_t)rule);
	cr_assert(hc_type_set_has(&types, HC_EV_OPEN) && hc_type_set_has(&types, HC_EV_OPENAT));
	cr_assert(!hc_type_set_has(&types, HC_EV_CREAT));
	cr_assert_str_eq(hc_ir_rule_reasons(ir, (uint32_t)rule)[0], "field x.y has no source");
	cr_assert_null(hc_ir_rule_reasons(ir, (uint32_t)rule)[1]);
	cr_assert_str_eq(hc_ir_rule(ir, 0)->policy, "p.yaml");
	hc_ir_rule_when(ir, 1, HC_EV_OPEN, comm_is(ir, HC_EV_OPENAT, "x"));
	cr_assert_eq(hc_ir_error(ir, NULL), -EINVAL);
}

/* ---- operators ---- */

static bool matches(enum hc_op op, const char *constant, const char *subject)
{
	struct hc_arena arena = { 0 };
	struct hc_match *m = hc_match_new();
	struct hc_value c = text(constant);
	struct hc_operand o;
	bool yes;

	cr_assert_eq(hc_operand_init(&o, &arena, op, HC_Q_ANY, HC_VT_STR, &c, 1, NULL), 0);
	yes = hc_operand_match_str(&o, hc_str_c(subject), m);
	hc_operand_done(&o);
	hc_match_free(m);
	hc_arena_done(&arena);
	return yes;
}

Test(op, globs_as_fnmatch_does)
{
	struct hc_gen_rng rng = { 11 };
	static const char alphabet[] = "ab/*?[]!^-\\.:z";
	unsigned n_true = 0;

	for (int round = 0; round < 200000; round++) {
		char pattern[12] = "", subject[10] = "";
		size_t n = hc_gen_below(&rng, sizeof(pattern) - 1), m = hc_gen_below(&rng, sizeof(subject) - 1);
		bool want;

		for (size_t i = 0; i < n; i++)
			pattern[i] = alphabet[hc_gen_below(&rng, sizeof(alphabet) - 1)];
		for (size_t i = 0; i < m; i++)
			subject[i] = "ab/z-]^"[hc_gen_below(&rng, 7)];
		/* what POSIX leaves open: an unended bracket, a backslash in it or at the end, ranges and classes
		 * cut short */
		if (strpbrk(pattern, "[\\"))
			continue;
		want = fnmatch(pattern, subject, 0) == 0;
		n_true += want;
		cr_assert_eq(hc_glob(hc_str_c(pattern), hc_str_c(subject), false), want, "'%s' '%s'", pattern,
		             subject);
	}
	cr_assert_gt(n_true, 500);
}

Test(op, globs_with_brackets_and_escapes)
{
	static const struct {
		const char *pattern, *subject;
	} cases[] = {
		{ "[abc]x", "bx" },
		{ "[!abc]x", "bx" },
		{ "[^a]", "b" },
		{ "[a-c]*", "c/d" },
		{ "[]a]", "]" },
		{ "[!]a]", "]" },
		{ "\\*", "*" },
		{ "\\*", "a" },
		{ "[[:digit:]]+", "7+" },
		{ "[[:alpha:]]", "7" },
		{ "/bin/*", "/bin/a/b" },
		{ "*.conf", ".conf" },
		{ "a?c", "a/c" },
		{ "", "" },
		{ "*", "" },
		{ "?", "" },
		{ "[a-]", "-" },
		{ "x[", "x[" },
		{ "**a", "bba" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(hc_glob(hc_str_c(cases[i].pattern), hc_str_c(cases[i].subject), false),
		             fnmatch(cases[i].pattern, cases[i].subject, 0) == 0, "'%s' '%s'", cases[i].pattern,
		             cases[i].subject);
	cr_assert(hc_glob(HC_STR("*.CONF"), HC_STR("a.conf"), true));
	cr_assert(!hc_glob(HC_STR("*.CONF"), HC_STR("a.conf"), false));
	cr_assert(hc_glob(HC_STR("[A-C]"), HC_STR("b"), true));
}

Test(op, globs_in_bounded_time)
{
	char subject[2001], pattern[64] = "";

	memset(subject, 'a', 2000);
	subject[2000] = '\0';
	for (int i = 0; i < 25; i++)
		strcat(pattern, "a*");
	strcat(pattern, "b");
	cr_assert(!hc_glob(hc_str_c(pattern), hc_str_c(subject),
	                   false)); /* exponential, if each star tried all it could */
}

Test(op, matches_paths_by_component)
{
	cr_assert(matches(HC_OP_PMATCH, "/var", "/var"));
	cr_assert(matches(HC_OP_PMATCH, "/var", "/var/log/x"));
	cr_assert(matches(HC_OP_PMATCH, "/var/", "//var//log"));
	cr_assert(!matches(HC_OP_PMATCH, "/var", "/variance"));
	cr_assert(!matches(HC_OP_PMATCH, "/var/log", "/var"));
	cr_assert(matches(HC_OP_PMATCH, "/home/*/.ssh", "/home/me/.ssh/id_rsa"));
	cr_assert(!matches(HC_OP_PMATCH, "/home/*/.ssh", "/home/me/a/.ssh"));
}

Test(op, matches_regular_expressions_whole_or_anywhere)
{
	cr_assert(matches(HC_OP_REGEX, "ab+", "abbb"));
	cr_assert(!matches(HC_OP_REGEX, "ab+", "xabbb"));
	cr_assert(!matches(HC_OP_REGEX, "ab+", "abbb\n"));
	cr_assert(matches(HC_OP_REGEX_FIND, "b+$", "abbb"));
	cr_assert(matches(HC_OP_REGEX, "a|ab", "ab"));
}

Test(op, gives_up_on_a_regular_expression_that_explodes)
{
	struct hc_arena arena = { 0 };
	struct hc_match *m = hc_match_new();
	struct hc_value c = text("(a+a+)+b(?=.)");
	char subject[4001];
	struct hc_operand o;

	memset(subject, 'a', 4000);
	subject[4000] = '\0';
	cr_assert_eq(hc_operand_init(&o, &arena, HC_OP_REGEX, HC_Q_ANY, HC_VT_STR, &c, 1, NULL), 0);
	for (int i = 0; i < 3; i++)
		cr_assert(!hc_operand_match_str(&o, hc_str_c(subject), m));
	cr_assert_leq(hc_match_limits(m), 3);
	c = text("^(a|aa)+$");
	hc_operand_done(&o);
	cr_assert_eq(hc_operand_init(&o, &arena, HC_OP_REGEX, HC_Q_ANY, HC_VT_STR, &c, 1, NULL), 0);
	subject[3999] = 'b';
	cr_assert(!hc_operand_match_str(&o, hc_str_c(subject), m));
	cr_assert_geq(hc_match_limits(m), 1, "the limit was not met");
	hc_operand_done(&o);
	hc_match_free(m);
	hc_arena_done(&arena);
}

Test(op, knows_networks)
{
	struct hc_arena arena = { 0 };
	struct hc_value nets[] = { hc_value_bytes(HC_VT_IP, "\x0a\0\0\0\x08", 5),
		                   hc_value_bytes(HC_VT_IP, "\xc0\xa8\x01\x80\x19", 5) };
	struct hc_operand o;

	cr_assert_eq(hc_operand_init(&o, &arena, HC_OP_NET, HC_Q_ANY, HC_VT_IP, nets, 2, NULL), 0);
	cr_assert(hc_operand_match_str(&o, (struct hc_str){ "\x0a\xff\1\2", 4 }, NULL));
	cr_assert(!hc_operand_match_str(&o, (struct hc_str){ "\x0b\0\0\0", 4 }, NULL));
	cr_assert(hc_operand_match_str(&o, (struct hc_str){ "\xc0\xa8\x01\xff", 4 }, NULL));
	cr_assert(!hc_operand_match_str(&o, (struct hc_str){ "\xc0\xa8\x01\x7f", 4 }, NULL));
	cr_assert(!hc_operand_match_str(&o, (struct hc_str){ "\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 }, NULL));
	nets[0] = hc_value_bytes(HC_VT_IP, "\x0a\0\0\0\x21", 5);
	cr_assert_eq(hc_operand_init(&o, &arena, HC_OP_NET, HC_Q_ANY, HC_VT_IP, nets, 1, NULL), -EINVAL);
	hc_arena_done(&arena);
}
