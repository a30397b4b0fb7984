/* Many literals at once find what one after the other would find. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "op_priv.h"
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
	default:
		return hc_str_icontains(s, literal);
	}
}

static struct hc_str random_text(struct hc_gen_rng *rng, char *buf, uint32_t max, unsigned letters)
{
	uint32_t n = (uint32_t)hc_gen_below(rng, max + 1);

	for (uint32_t i = 0; i < n; i++)
		buf[i] = (char)(letters == 256 ? hc_gen_below(rng, 256) : (unsigned)"aAbB/\0xy"[hc_gen_below(rng, letters)]);
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
