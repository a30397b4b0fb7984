/* A hash table of entries, filled as they are asked about. */
#include "alike.h"

struct hc_alike {
	uint32_t mask;
	uint32_t *table; /* open addressing: entries, 0 is free */
	uint32_t *first; /* by entry - 1; 0: not asked yet */
	unsigned n_cols;
	const struct hc_view_col *cols[64];
};

struct hc_alike *hc_alike_new(struct hc_arena *arena, struct hc_view *v, unsigned dom, uint64_t cols)
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
	for (; cols; cols &= cols - 1) {
		const struct hc_view_col *c = hc_view_column(v, dom, (unsigned)__builtin_ctzll(cols));

		if (c->refs || c->ints)
			a->cols[a->n_cols++] = c;
	}
	return a;
}

/* Absent numbers are stored as anything. */
static uint64_t number(const struct hc_view_col *c, uint32_t i, bool *ret_valid)
{
	if (c->refs) {
		*ret_valid = true;
		return c->refs[i];
	}
	*ret_valid = !c->valid || (c->valid[i / 64] >> (i % 64) & 1);
	return *ret_valid ? (uint64_t)c->ints[i] : 0;
}

static uint64_t hash_of(const struct hc_alike *a, uint32_t i)
{
	uint64_t h = 0;
	bool valid;

	for (unsigned c = 0; c < a->n_cols; c++)
		h = (h ^ number(a->cols[c], i, &valid)) * UINT64_C(0x9e3779b97f4a7c15) + valid;
	return h ^ h >> 32;
}

static bool equal(const struct hc_alike *a, uint32_t i, uint32_t j)
{
	for (unsigned c = 0; c < a->n_cols; c++) {
		bool x_valid, y_valid;
		uint64_t x = number(a->cols[c], i, &x_valid), y = number(a->cols[c], j, &y_valid);

		if (x != y || x_valid != y_valid)
			return false;
	}
	return true;
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
