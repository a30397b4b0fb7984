/* A hash table of entries, filled as they are asked about. */
#include "alike.h"

/* A column. */
struct number {
	const int64_t *v;
	const uint64_t *valid; /* NULL: all are */
};

struct hc_alike {
	uint32_t mask;
	uint32_t *table; /* open addressing: entries, 0 is free */
	uint32_t *first; /* by entry - 1; 0: not asked yet */
	unsigned n_refs, n_there, n_ints;
	const uint32_t *refs[64], *there[64]; /* columns */
	struct number ints[64], bits_of;
	int64_t bits; /* that matter of bits_of; 0: none */
};

static bool is_empty(const uint32_t *refs, uint32_t n)
{
	uint32_t any = 0;

	for (uint32_t i = 0; i < n; i++)
		any |= refs[i];
	return !any;
}

struct hc_alike *hc_alike_new(struct hc_arena *arena, struct hc_view *v, unsigned dom,
                              const struct hc_leaf_reads *reads)
{
	struct hc_alike *a = hc_arena_alloc(arena, sizeof(*a));
	uint32_t n = hc_view_n(v, dom), size = 16;

	while (size < n + n / 2)
		size *= 2;
	if (!a)
		return NULL;
	a->mask = size - 1;
	a->table = hc_arena_alloc(arena, size * sizeof(*a->table));
	a->first = hc_arena_alloc(arena, ((size_t)n + 1) * sizeof(*a->first));
	if (!a->table || !a->first)
		return NULL;
	for (uint64_t cols = reads->cols; cols; cols &= cols - 1) {
		const struct hc_view_col *c = hc_view_column(v, dom, (unsigned)__builtin_ctzll(cols));

		if (c->refs)
			a->refs[a->n_refs++] = c->refs;
		else if (c->ints)
			a->ints[a->n_ints++] = (struct number){ c->ints, c->valid };
	}
	for (uint64_t cols = reads->there; cols; cols &= cols - 1) {
		const struct hc_view_col *c = hc_view_column(v, dom, (unsigned)__builtin_ctzll(cols));

		if (c->refs && !is_empty(c->refs, n))
			a->there[a->n_there++] = c->refs;
	}
	if (reads->bits && a->n_there) {
		const struct hc_view_col *c = hc_view_column(v, dom, reads->bits_col);

		a->bits_of = (struct number){ c->ints, c->valid };
		a->bits = c->ints ? (int64_t)reads->bits : 0;
	}
	return a;
}

/* Absent numbers are stored as 0. */
static bool same_number(const struct number *n, int64_t bits, uint32_t i, uint32_t j)
{
	if ((n->v[i] ^ n->v[j]) & bits)
		return false;
	return (n->v[i] && n->v[j]) || !n->valid ||
	       (n->valid[i / 64] >> (i % 64) & 1) == (n->valid[j / 64] >> (j % 64) & 1);
}

/* Parts of columns are left out: they seldom tell what the rest does not. */
static uint64_t hash_of(const struct hc_alike *a, uint32_t i)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = 0;

	for (unsigned c = 0; c < a->n_refs; c++)
		h = (h ^ a->refs[c][i]) * odd;
	for (unsigned c = 0; c < a->n_ints; c++)
		h = (h ^ (uint64_t)a->ints[c].v[i]) * odd;
	return h ^ h >> 32;
}

static bool equal(const struct hc_alike *a, uint32_t i, uint32_t j)
{
	for (unsigned c = 0; c < a->n_refs; c++)
		if (a->refs[c][i] != a->refs[c][j])
			return false;
	for (unsigned c = 0; c < a->n_ints; c++)
		if (!same_number(&a->ints[c], -1, i, j))
			return false;
	for (unsigned c = 0; c < a->n_there; c++)
		if (!a->there[c][i] != !a->there[c][j])
			return false;
	return !a->bits || same_number(&a->bits_of, a->bits, i, j);
}

uint32_t hc_alike_first(struct hc_alike *a, uint32_t entry)
{
	uint32_t at, i = entry - 1;

	if (a->first[i])
		return a->first[i];
	for (at = (uint32_t)hash_of(a, i) & a->mask; a->table[at]; at = (at + 1) & a->mask)
		if (equal(a, a->table[at] - 1, i))
			return a->first[i] = a->table[at];
	a->table[at] = entry;
	return a->first[i] = entry;
}
