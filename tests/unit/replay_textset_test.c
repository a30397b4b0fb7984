/* Many literals at once find what one after the other would find. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "op_priv.h"
#include "pattern.h"
#include "textset.h"

enum { MAX = 200 };

static void mark(void *ctx, uint32_t number)
{
	((bool *)ctx)[number] = true;
}

static bool ends(struct hc_str s, struct hc_str end)
{
	return s.len >= end.len && memcmp(s.p + s.len - end.len, end.p, end.len) == 0;
}

/* Whether s, with one slash before, after and between its parts, begins with the literal. */
static bool begins_by_parts(struct hc_str s, struct hc_str literal)
{
	char text[64] = "/";
	uint32_t n = 1;

	for (uint32_t i = 0; i < s.len; i++)
		if (s.p[i] != '/' || text[n - 1] != '/')
			text[n++] = s.p[i];
	if (text[n - 1] != '/')
		text[n++] = '/';
	return hc_str_starts((struct hc_str){ text, n }, literal);
}

static bool plainly(enum hc_where where, struct hc_str s, struct hc_str literal)
{
	switch (where) {
	case HC_WHERE_EQUAL:
		return hc_str_eq(s, literal);
	case HC_WHERE_BEGIN:
		return hc_str_starts(s, literal);
	case HC_WHERE_END:
		return ends(s, literal);
	case HC_WHERE_IN:
		return hc_str_contains(s, literal);
	case HC_WHERE_PARTS:
		return begins_by_parts(s, literal);
	default:
		return hc_str_icontains(s, literal);
	}
}

static struct hc_str random_text(struct hc_gen_rng *rng, char *buf, uint32_t max, unsigned letters)
{
	uint32_t n = (uint32_t)hc_gen_below(rng, max + 1);

	for (uint32_t i = 0; i < n; i++)
		buf[i] = (char)(letters == 256 ? hc_gen_below(rng, 256)
		                               : (unsigned)"aAbB/\0xy"[hc_gen_below(rng, letters)]);
	return (struct hc_str){ buf, n };
}

static void compare(uint64_t seed, unsigned letters)
{
	static char memory[MAX][8];
	struct hc_gen_rng rng = { seed };
	struct hc_str literals[MAX];
	enum hc_where where[MAX];
	struct hc_textset *t = hc_textset_new();
	uint32_t n = (uint32_t)hc_gen_below(&rng, MAX);

	for (uint32_t i = 0; i < n; i++) {
		literals[i] = random_text(&rng, memory[i], i % 5 ? 4 : 8, letters);
		where[i] = (enum hc_where)hc_gen_below(&rng, HC_N_WHERES);
		cr_assert_eq(hc_textset_add(t, where[i], literals[i], i), 0);
	}
	cr_assert_eq(hc_textset_finish(t), 0);
	for (int round = 0; round < 200; round++) {
		bool found[MAX] = { false };
		char buf[24];
		struct hc_str s = random_text(&rng, buf, round % 2 ? 4 : 24, letters);

		hc_textset_scan(t, s, mark, found);
		for (uint32_t i = 0; i < n; i++)
			cr_assert_eq(found[i], plainly(where[i], s, literals[i]), "seed %llu literal %u where %d",
			             (unsigned long long)seed, i, (int)where[i]);
	}
	hc_textset_free(t);
}

Test(textset, finds_what_is_there_and_nothing_else)
{
	for (uint64_t seed = 1; seed <= 150; seed++)
		compare(seed, seed % 3 == 0 ? 2 : seed % 3 == 1 ? 8 : 256);
}

Test(textset, tells_all_that_begin_alike)
{
	struct hc_textset *t = hc_textset_new();
	bool found[4] = { false };

	hc_textset_add(t, HC_WHERE_BEGIN, HC_STR("/etc"), 0);
	hc_textset_add(t, HC_WHERE_BEGIN, HC_STR("/etc/shadow"), 1);
	hc_textset_add(t, HC_WHERE_BEGIN, HC_STR("/etc/ssh"), 2);
	hc_textset_add(t, HC_WHERE_END, HC_STR("shadow"), 3);
	cr_assert_eq(hc_textset_finish(t), 0);
	hc_textset_scan(t, HC_STR("/etc/shadow"), mark, found);
	cr_assert(found[0] && found[1] && !found[2] && found[3]);
	hc_textset_free(t);
}

/* ---- patterns ---- */

static void check_literal(enum hc_op op, struct hc_str pattern, struct hc_gen_rng *rng, struct hc_match *m,
                          unsigned *n_with, unsigned *n_matches)
{
	struct hc_arena arena = { 0 };
	struct hc_value c = hc_value_str(pattern);
	struct hc_operand o;
	struct hc_str literal;

	if (hc_operand_init(&o, &arena, op, HC_Q_ANY, HC_VT_STR, &c, 1, NULL) == 0) {
		literal = op == HC_OP_GLOB ? hc_glob_literal(pattern) : hc_regex_literal(pattern, &arena);
		*n_with += literal.len > 0;
		for (int i = 0; i < 60; i++) {
			char buf[12];
			uint32_t n = (uint32_t)hc_gen_below(rng, sizeof(buf));

			for (uint32_t k = 0; k < n; k++)
				buf[k] = "abc12{"[hc_gen_below(rng, 6)];
			if (!hc_operand_match_str(&o, (struct hc_str){ buf, n }, m))
				continue;
			++*n_matches;
			cr_assert(hc_str_contains((struct hc_str){ buf, n }, literal),
			          "'" HC_STR_FMT "' matches '" HC_STR_FMT "', which has no '" HC_STR_FMT "'",
			          HC_STR_ARG(pattern), (int)n, buf, HC_STR_ARG(literal));
		}
		hc_operand_done(&o);
	}
	hc_arena_done(&arena);
}

Test(pattern, names_a_literal_that_every_match_contains)
{
	static const char alphabet[] = "aaabbbccc11.*+?|()[]{}\\^$,2-:";
	struct hc_gen_rng rng = { 77 };
	struct hc_match *m = hc_match_new();
	unsigned n_with = 0, n_matches = 0;

	for (int round = 0; round < 30000; round++) {
		char buf[14];
		uint32_t n = (uint32_t)(1 + hc_gen_below(&rng, sizeof(buf) - 1));

		for (uint32_t i = 0; i < n; i++)
			buf[i] = alphabet[hc_gen_below(&rng, sizeof(alphabet) - 1)];
		check_literal(HC_OP_REGEX_FIND, (struct hc_str){ buf, n }, &rng, m, &n_with, &n_matches);
		check_literal(HC_OP_GLOB, (struct hc_str){ buf, n }, &rng, m, &n_with, &n_matches);
	}
	hc_match_free(m);
	cr_assert_gt(n_with, 10000);
	cr_assert_gt(n_matches, 10000);
}

Test(pattern, knows_the_literals_of_common_patterns)
{
	struct hc_arena arena = { 0 };

	cr_assert(
		hc_str_eq(hc_regex_literal(HC_STR(".*/\\.aws/credentials"), &arena), HC_STR("/.aws/credentials")));
	cr_assert(hc_str_eq(hc_regex_literal(HC_STR("(ab|cd)+efg[0-9]*h"), &arena), HC_STR("efg")));
	cr_assert_eq(hc_regex_literal(HC_STR("abc|def"), &arena).len, 0);
	cr_assert_eq(hc_regex_literal(HC_STR("(?i)abc"), &arena).len, 0);
	cr_assert(hc_str_eq(hc_glob_literal(HC_STR("*/.config/gcloud/*cred*")), HC_STR("/.config/gcloud/")));
	hc_arena_done(&arena);
}

Test(pattern, sees_globs_that_are_literals)
{
	struct hc_str s;

	cr_assert_eq(hc_glob_form(HC_STR("*.pem"), &s), HC_GLOB_END);
	cr_assert(hc_str_eq(s, HC_STR(".pem")));
	cr_assert_eq(hc_glob_form(HC_STR("/etc/*"), &s), HC_GLOB_BEGIN);
	cr_assert_eq(hc_glob_form(HC_STR("*a*"), &s), HC_GLOB_IN);
	cr_assert_eq(hc_glob_form(HC_STR("a"), &s), HC_GLOB_EQUAL);
	cr_assert_eq(hc_glob_form(HC_STR("*"), &s), HC_GLOB_END);
	cr_assert_eq(hc_glob_form(HC_STR("a*b"), &s), HC_GLOB_OTHER);
	cr_assert_eq(hc_glob_form(HC_STR("a?"), &s), HC_GLOB_OTHER);
	cr_assert_eq(hc_glob_form(HC_STR("\\a"), &s), HC_GLOB_OTHER);
}
