/* The condition grammar with its quirks, format tokens, regular expressions, and texts that know their places. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "replay/dialects/falco/check.h"
#include "replay/dialects/falco/falco_priv.h"
#include "replay/yaml.h"

static void print(const struct fast *n, char *to, size_t room)
{
	size_t used;

	switch (n->kind) {
	case FAST_MACRO:
		snprintf(to, room, HC_STR_FMT, HC_STR_ARG(n->name));
		return;
	case FAST_CHECK:
		snprintf(to, room, HC_STR_FMT "%s%s", HC_STR_ARG(n->lhs->name), fop_name(n->op),
		         n->mod == FMOD_ONEOF   ? " oneof"
		         : n->mod == FMOD_ANYOF ? " anyof"
		         : n->mod == FMOD_ALLOF ? " allof"
		                                : "");
		for (uint32_t i = 0; i < n->n_consts; i++) {
			used = strlen(to);
			snprintf(to + used, room - used, "<" HC_STR_FMT ">", HC_STR_ARG(n->consts[i]->name));
		}
		used = strlen(to);
		if (n->rhs)
			snprintf(to + used, room - used, "%s()", ftr_name(n->rhs->tr));
		return;
	default:
		snprintf(to, room, "%s(", n->kind == FAST_AND ? "and" : n->kind == FAST_OR ? "or" : "not");
		for (uint32_t i = 0; i < n->n; i++) {
			used = strlen(to);
			snprintf(to + used, room - used, "%s", i ? "," : "");
			used = strlen(to);
			print(n->kids[i], to + used, room - used);
		}
		used = strlen(to);
		snprintf(to + used, room - used, ")");
	}
}

static int parse(const char *text, char *to, size_t room, struct fparse_err *e)
{
	struct hc_arena arena = { 0 };
	struct fast *tree;
	struct ftext t;
	int r;

	ftext_init(&t, &arena);
	ftext_add(&t, hc_str_c(text), NULL, NULL, 0, true);
	r = falco_parse(&t, &arena, &tree, e);
	if (r == 0)
		print(tree, to, room);
	hc_arena_done(&arena);
	return r;
}

Test(falco_parse, reads_conditions_as_falco_does)
{
	static const char *const cases[][2] = {
		{ "a or b and c", "or(a,and(b,c))" },
		{ "not a and b", "and(not(a),b)" },
		{ "not not a", "a" },
		{ "not(a or b) and c", "and(not(or(a,b)),c)" },
		{ "a and(b) or c", "or(and(a,b),c)" },
		{ "proc.name inside", "proc.namein<side>" },
		{ "proc.name in(a,b)", "proc.namein<a><b>" },
		{ "proc.name in ()", "proc.namein" },
		{ "evt.dir=<", "evt.dir=<<>" },
		{ "evt.dir=>", "evt.dir=<>>" },
		{ "F.x = -5", "F.x=<-5>" },
		{ "f.x>=0and b", "and(f.x>=<0>,b)" },
		{ "proc.name = oneof", "proc.name=<oneof>" },
		{ "proc.name = oneof and b", "and(proc.name=<oneof>,b)" },
		{ "proc.name = oneof (a, b)", "proc.name= oneof<a><b>" },
		{ "proc.name contains anyof lst", "proc.namecontains anyof<lst>" },
		{ "proc.name = and", "proc.name=<and>" },
		{ "not", "not" },
		{ "nothing", "nothing" },
		{ "a and and", "and(a,and)" },
		{ "proc.name = val(proc.pname)", "proc.name=val()" },
		{ "proc.name = toupper( proc.pname )", "proc.name=toupper()" },
		{ "proc.name in toupper(proc.pname)", "proc.namein"
		                                      "toupper()" },
		{ "proc.args contains \"a\\x41\\t\\\"b\"", "proc.argscontains<aA\t\"b>" },
		{ "proc.name = 'it\\'s'", "proc.name=<it's>" },
		{ "proc.name=bash\tand\nb", "and(proc.name=<bash>,b)" },
		{ "( a )", "a" },
	};
	struct fparse_err e;
	char got[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		e = (struct fparse_err){ 0 };
		cr_assert_eq(parse(cases[i][0], got, sizeof(got), &e), 0, "%s: %s", cases[i][0], e.msg);
		cr_expect_str_eq(got, cases[i][1], "%s: %s", cases[i][0], got);
	}
}

Test(falco_parse, refuses_with_the_place_and_what_was_expected)
{
	static const struct {
		const char *text;
		unsigned pos;
		const char *msg;
	} cases[] = {
		{ "", 0, "expected" },
		{ "a and and and", 13, "expected blank or '(' after 'and'" },
		{ "a or(b) and c", 8, "unexpected token after ')'" },
		{ "a and", 5, "expected blank or '(' after 'and'" },
		{ "proc.aname[] = b", 11, "expected a valid field argument" },
		{ "proc.aname[2 = b", 12, "expected a ']' token" },
		{ "fd.name pmatch /etc", 15, "expected a list, an identifier" },
		{ "proc.name=", 10, "expected a string value" },
		{ "proc.name > x", 12, "expected a number value" },
		{ "proc.name in (a, b,)", 19, "expected a string value" },
		{ "proc.name in (a, b", 18, "expected a ')' token" },
		{ "proc.name = \"a\\qb\"", 14, "unsupported string escape sequence: \\q" },
		{ "proc.name = \"a\\x4\"", 14, "truncated hex char escape sequence" },
		{ "proc.name = \"a\\x4g\"", 14, "invalid hex char escape sequence: 4g" },
		{ "proc.name = \"a\\'\"", 14, "invalid \\' escape in \"-quoted string" },
		{ "proc.name exists foo", 17, "unexpected token after 'exists'" },
		{ "val(proc.name) = cat", 3, "unexpected token after 'val'" },
	};
	char got[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fparse_err e = { 0 };

		cr_assert_eq(parse(cases[i].text, got, sizeof(got), &e), -EINVAL, "%s", cases[i].text);
		cr_expect(strstr(e.msg, cases[i].msg), "%s: %s", cases[i].text, e.msg);
		cr_expect_eq(e.pos, cases[i].pos, "%s: at %u", cases[i].text, e.pos);
	}
}

static int nested(unsigned n, const char *open, const char *inner)
{
	char *text = calloc(1, n * (strlen(open) + 1) + strlen(inner) + 1), got[64];
	struct fparse_err e = { 0 };
	int r;

	for (unsigned i = 0; i < n; i++)
		strcat(text, open);
	strcat(text, inner);
	for (unsigned i = 0; i < n; i++)
		strcat(text, ")");
	r = parse(text, got, sizeof(got), &e);
	if (r < 0)
		cr_expect(strstr(e.msg, "max depth limit of 1000"), "%s", e.msg);
	free(text);
	return r;
}

Test(falco_parse, nests_as_deep_as_falco)
{
	cr_expect_eq(nested(199, "(", "macro"), 0);
	cr_expect_eq(nested(200, "(", "macro"), -EINVAL);
	cr_expect_eq(nested(198, "(", "proc.name = x"), 0);
	cr_expect_eq(nested(199, "(", "proc.name = x"), -EINVAL);
	cr_expect_eq(nested(100000, "(", "a"), -EINVAL);
	cr_expect_eq(nested(100000, "not(", "a"), -EINVAL);
}

/* -1: refused; else whether the whole subject matches. */
static int matches(const char *pattern, const char *subject, char *msg, size_t room)
{
	struct hc_arena arena = { 0 };
	struct hc_str out;
	int result = -1, code;
	PCRE2_SIZE at;

	if (falco_regex_translate(hc_str_c(pattern), &arena, &out, msg, room)) {
		pcre2_code *re =
			pcre2_compile((PCRE2_SPTR)out.p, out.len,
		                      PCRE2_NEVER_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &at, NULL);
		pcre2_match_data *data;

		cr_assert_not_null(re, "%s became %s", pattern, out.p);
		data = pcre2_match_data_create_from_pattern(re, NULL);
		result = pcre2_match(re, (PCRE2_SPTR)subject, strlen(subject), 0, 0, data, NULL) >= 0;
		pcre2_match_data_free(data);
		pcre2_code_free(re);
	}
	hc_arena_done(&arena);
	return result;
}

Test(falco_regex, means_what_re2s_posix_syntax_means)
{
	static const struct {
		const char *pattern, *subject;
		int want;
	} cases[] = {
		{ "^(ba|da)?sh$", "dash", 1 },
		{ "sh", "dash", 0 },
		{ ".*sh", "dash", 1 },
		{ "a**", "aaa", 1 }, /* stacked repetitions are no error, and not lazy */
		{ "a{2}{3}", "aaaaaa", 1 },
		{ "a{2}{3}", "aaaa", 0 },
		{ "a{,2}", "a{,2}", 1 }, /* not a repetition: text */
		{ "[[:alpha:]]+", "abc", 1 },
		{ "[^[:digit:]]", "\n", 1 }, /* classes hold newlines */
		{ ".", "\n", 0 },            /* the dot does not */
		{ "a\nb$", "a\nb", 1 },
		{ "a$\nb", "a\nb", 1 }, /* ends of lines */
		{ "", "", 1 },
		{ "", "a", 0 },
		{ ".", "\xc3\xa4", 1 }, /* a character, not a byte */
		{ "..", "\xc3\xa4", 0 },
		{ "[a-z\xc3\xa4]{2}", "b\xc3\xa4", 1 },
		{ "[^x]", "\xf0\x9f\x98\x80", 1 },
		{ "[\\x{1f600}-\\x{1f64f}]", "\xf0\x9f\x98\x80", 1 },
		{ ".*[^\\x00-\\x7F].*", "caf\xc3\xa9", 1 },
		{ ".*[^\\x00-\\x7F].*", "cafe", 0 },
		{ "\\.so(\\.[0-9]+)*", ".so.1.2", 1 },
		{ "a|", "", 1 },
		{ "[]a]+", "]a", 1 },
		{ "x#y", "x#y", 1 },
		{ "\\101", "A", 1 },
		{ "(?i)a", "A", -1 },
		{ "\\d", "1", -1 },
		{ "\\bx", "x", -1 },
		{ "(a", "a", -1 },
		{ "a)", "a", -1 },
		{ "[b-a]", "a", -1 },
		{ "[a", "a", -1 },
		{ "*a", "a", -1 },
		{ "a{1001}", "a", -1 },
		{ "(a{2}){500}", "a", 0 }, /* within each other at most a thousand times, too */
		{ "(a{2}){501}", "a", -1 },
		{ "((a{10}b|c{20})*){51}", "a", -1 },
		{ "((a{10}b|c{20})*){50}", "", 1 },
		{ "(a{2,}){501,}", "a", -1 },
		{ "a{2}{501}", "a", -1 },
		{ "(a{600}b{600}){1}", "a", 0 },
		{ "(a{0}){1000}{1}", "", 1 },
		{ "\\", "a", -1 },
		{ "(a)\\1", "aa", -1 },
		{ "[[:nope:]]", "a", -1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char msg[300] = "";
		int got = matches(cases[i].pattern, cases[i].subject, msg, sizeof(msg));

		cr_expect_eq(got, cases[i].want, "%s on '%s': %d %s", cases[i].pattern, cases[i].subject, got,
		             msg);
		cr_expect((got < 0) == (msg[0] != 0), "%s", msg);
	}
}

Test(falco_check, reads_constants_by_the_fields_type)
{
	static const struct {
		enum ftype type;
		const char *text;
		bool ok;
		int64_t want;
	} cases[] = {
		{ FT_INT64, "-5", true, -5 },
		{ FT_INT64, " 7", true, 7 },
		{ FT_INT64, "7 ", false, 0 },
		{ FT_INT64, "0x10", false, 0 },
		{ FT_INT64, "1.5", false, 0 },
		{ FT_INT64, "1e+3", false, 0 },
		{ FT_UINT32, "4294967296", true, 0 },
		{ FT_UINT32, "-1", true, UINT32_MAX },
		{ FT_INT16, "70000", true, 4464 },
		{ FT_INT64, "99999999999999999999", true, INT64_MAX },
		{ FT_PORT, "", true, 0 },
		{ FT_PORT, "65536", true, 0 },
		{ FT_PORT, "no-such-service", false, 0 },
		{ FT_BOOL, "true", true, 1 },
		{ FT_BOOL, "True", false, 0 },
	};
	struct hc_arena arena = { 0 };
	char msg[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_value v = { 0 };
		bool ok = falco_const_read(cases[i].type, FOP_EQ, hc_str_c(cases[i].text), &arena, &v, msg,
		                           sizeof(msg));

		cr_expect_eq(ok, cases[i].ok, "'%s'", cases[i].text);
		if (ok)
			cr_expect_eq(v.i, cases[i].want, "'%s': %lld", cases[i].text, (long long)v.i);
	}
	hc_arena_done(&arena);
}

Test(yaml, knows_where_a_byte_of_a_text_stands)
{
	static const char text[] = "- key: plain text\n"
				   "  \"q\": \"a \\\"b\\\" c\"\n"
				   "  folded: >\n"
				   "    first line\n"
				   "    second\n"
				   "\n"
				   "    third\n"
				   "  lit: |-\n"
				   "     x\n"
				   "       y\n";
	static const struct {
		const char *key, *at;
		unsigned line, column;
	} cases[] = {
		{ "key", "plain", 1, 8 },    { "key", "text", 1, 14 },    { "q", "b", 2, 13 },
		{ "q", "c", 2, 17 },         { "folded", "line", 4, 11 }, { "folded", "second", 5, 5 },
		{ "folded", "third", 7, 5 }, { "lit", "y", 10, 8 },
	};
	struct hc_err err = { 0 };
	struct hc_yaml *y;

	cr_assert_eq(hc_yaml_parse("f", text, sizeof(text) - 1, &y, &err), 0, "%s", err.msg);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct hc_yaml_node *n = hc_yaml_get(hc_yaml_doc(y, 0)->items[0], cases[i].key);
		uint32_t line, column;

		cr_assert_not_null(n);
		hc_yaml_place(y, n, (uint32_t)(strstr(n->text.p, cases[i].at) - n->text.p), &line, &column);
		cr_expect(line == cases[i].line && column == cases[i].column, "%s '%s': %u:%u", cases[i].key,
		          cases[i].at, line, column);
	}
	hc_yaml_free(y);
}

Test(yaml, keeps_any_bytes_and_counts_each_as_a_character)
{
	static const char text[] =
		"# \xe9\n- \xff\xe9: \"\x01\xc3\xa9\"\n- [\xc2\x85, '\xf4\x8f\xb9\x81', x\x7f]\n";
	struct hc_err err = { 0 };
	struct hc_yaml *y;
	const struct hc_yaml_node *root, *list;

	cr_assert_eq(hc_yaml_parse("f", text, sizeof(text) - 1, &y, NULL), -EINVAL);
	cr_assert_eq(hc_yaml_parse_any("f", text, sizeof(text) - 1, &y, &err), 0, "%s", err.msg);
	root = hc_yaml_doc(y, 0);
	cr_assert_eq(root->n, 2);
	cr_expect_str_eq(root->items[0]->items[0]->text.p, "\xff\xe9");
	cr_expect_str_eq(root->items[0]->items[1]->text.p, "\x01\xc3\xa9");
	cr_expect(root->items[0]->items[1]->line == 2 && root->items[0]->items[1]->column == 7 &&
	          root->items[0]->items[1]->off == 10);
	list = root->items[1];
	cr_assert_eq(list->n, 3);
	cr_expect_str_eq(list->items[0]->text.p, "\xc2\x85"); /* breaks no line */
	cr_expect_str_eq(list->items[1]->text.p, "\xf4\x8f\xb9\x81");
	cr_expect_str_eq(list->items[2]->text.p, "x\x7f");
	cr_expect(list->items[2]->line == 3 && !strncmp(text + list->items[2]->off, "x", 1));
	hc_yaml_free(y);
	cr_assert_eq(hc_yaml_parse_any("f", "- \xe9\n- [\n", 9, &y, &err), -EINVAL);
	cr_assert_eq(hc_yaml_parse_any("f", "- a\0", 4, &y, NULL), -EINVAL);
}

/* Plain scalars that begin with a colon, in flow sequences and elsewhere. */
Test(yaml, takes_a_colon_for_a_scalars_first_character)
{
	static const char text[] = "- [::1, ::/0,:a, {k: ::2}]\n- ::3\n- k: :b\n- \"x ::4\" # ::5\n- ['y':z]\n";
	static const char *const want[] = { "::1", "::/0", ":a" };
	const struct hc_yaml_node *root, *list;
	struct hc_err err = { 0 };
	struct hc_yaml *y;
	uint32_t line, column;

	cr_assert_eq(hc_yaml_parse_any("f", text, sizeof(text) - 1, &y, &err), 0, "%s", err.msg);
	root = hc_yaml_doc(y, 0);
	list = root->items[0];
	cr_assert_eq(list->n, 4);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_str_eq(list->items[i]->text.p, want[i]);
	hc_yaml_place(y, list->items[1], 2, &line, &column);
	cr_expect(line == 1 && column == 11, "%u:%u", line, column);
	cr_expect_str_eq(hc_yaml_get(list->items[3], "k")->text.p, "::2");
	cr_expect_str_eq(root->items[1]->text.p, "::3");
	cr_expect_str_eq(hc_yaml_get(root->items[2], "k")->text.p, ":b");
	cr_expect_str_eq(root->items[3]->text.p, "x ::4");
	cr_expect_str_eq(hc_yaml_get(root->items[4]->items[0], "y")->text.p, "z");
	hc_yaml_free(y);
	cr_expect_eq(hc_yaml_parse_any("f", "[::]", 4, &y, NULL), -EINVAL);
	cr_expect_eq(hc_yaml_parse_any("f", "[a, :]", 6, &y, NULL), -EINVAL);
}

/* After dots that end a document the next one needs no dashes. */
Test(yaml, takes_documents_that_follow_on_dots)
{
	static const struct {
		const char *text, *last;
		uint32_t n_docs, line;
	} cases[] = {
		{ "a\n...\nb\n", "b", 2, 3 },
		{ "...\n# x\n... # y\na\n", "a", 1, 4 },
		{ "a\n... # x\n\n# y\n...\t\nb\n...\n---\nc\n...\n", "c", 3, 9 },
		{ "|\n ...\n b\n...\r\n\"... \"", "... ", 2, 5 },
		{ "a\n...\n%YAML 1.1\n---\nb\n...", "b", 2, 5 },
		{ "---\n...\nb", "b", 2, 3 },
		{ "\xe9\n...\n\xe8", "\xe8", 2, 3 },
	};
	struct hc_yaml *y;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_err err = { 0 };
		const struct hc_yaml_node *last;

		cr_assert_eq(hc_yaml_parse_any("f", cases[i].text, strlen(cases[i].text), &y, &err), 0, "%s: %s",
		             cases[i].text, err.msg);
		cr_assert_eq(hc_yaml_n_docs(y), cases[i].n_docs, "%s: %u", cases[i].text, hc_yaml_n_docs(y));
		last = hc_yaml_doc(y, cases[i].n_docs - 1);
		cr_expect_str_eq(last->text.p, cases[i].last);
		cr_expect_eq(last->line, cases[i].line);
		hc_yaml_free(y);
	}
	cr_expect_eq(hc_yaml_parse_any("f", "a\n... b\n", 8, &y, NULL), -EINVAL);
	cr_expect_eq(hc_yaml_parse_any("f", "\"a\n...\nb\"", 9, &y, NULL), -EINVAL);
	cr_expect_eq(hc_yaml_parse_any("f", "...\n...", 7, &y, NULL), 0);
	cr_expect_eq(hc_yaml_n_docs(y), 0);
	hc_yaml_free(y);
}

Test(yaml, is_bounded)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{ "a: &x [1, *x]", -EINVAL }, /* no circles */
		{ "*nothing", -EINVAL },      { "[1, 2", -EINVAL }, { "a: b: c", -EINVAL }, { "- \x01", -EINVAL },
	};
	char deep[400] = "", bomb[400] = "a0: &a0 [x,x,x,x,x,x,x,x]\n";
	struct hc_yaml *y;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(hc_yaml_parse("f", cases[i].text, strlen(cases[i].text), &y, NULL), cases[i].want,
		             "%s", cases[i].text);
	for (unsigned i = 0; i < 100; i++)
		strcat(deep, "[");
	cr_expect_eq(hc_yaml_parse("f", deep, strlen(deep), &y, NULL), -E2BIG);
	for (unsigned i = 1; i < 8; i++)
		snprintf(bomb + strlen(bomb), sizeof(bomb) - strlen(bomb),
		         "a%u: &a%u [*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u]\n", i, i, i - 1, i - 1, i - 1, i - 1,
		         i - 1, i - 1, i - 1, i - 1);
	cr_expect_eq(hc_yaml_parse("f", bomb, strlen(bomb), &y, NULL), -E2BIG);
}
