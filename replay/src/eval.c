/*
 * The evaluator. A node is asked about a set of entries of its domain, the mask, and answers with a set of bits;
 * it never works on entries outside the mask, except where asking about all of them at once is cheaper (numbers,
 * sets of texts).
 *
 * Dictionaries: what was found out about an entry is kept for the block ("known" and "value" bits per node), so an
 * entry is examined once, whatever the number of rules and event types that ask. A LIFT turns its mask into a mask
 * of the dictionary (the entries that the rows refer to), asks the child about these, and gathers the answer back
 * to the rows.
 *
 * Rows: a conjunction first asks the dictionaries, where a single "for no entry" ends it before any row has been
 * looked at; then it narrows the mask member by member, the cheapest first, and ends when it is empty.
 *
 * Bits: of a dictionary, bit e is entry e and bit 0 "no entry"; of rows, bit i is row i, which is entry i + 1.
 */
#include "replay/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "access_priv.h"
#include "alike.h"
#include "eval_priv.h"
#include "kernels.h"
#include "prune_priv.h"
#include "view_priv.h"
#include "store/base/clock.h"

#define SCRATCH_CHUNK_WORDS (128u << 10)
#define MAX_BLOCK_BYTES                                                                          \
	((size_t)512 << 20) /* of bit sets and values for one block: an honest one needs a tenth \
	                     */
#define ROUNDS_TO_REORDER 8 /* a conjunction's members, by what they have done so far */
#define BLOOM_MAX_CONSTS 64 /* more are cheaper to look up in the heap itself */

enum outcome {
	R_NONE, /* of the mask; `out` is not written */
	R_SOME, /* `out` has the bits, none outside the mask */
	R_ALL,  /* the whole mask; `out` is not written */
};

/* What is known of a node in this block. */
struct slot {
	uint64_t *value, *known; /* known: NULL while nothing is, or when all is */
	bool all_known;
	uint8_t outcome; /* over all entries, once all_known */
};

struct values {
	struct hc_value **chunk; /* of 64 entries, by entry / 64 */
	uint64_t *known;
};

struct scratch_chunk {
	struct scratch_chunk *next;
	size_t used, n_words;
	uint64_t words[];
};

struct scratch_mark {
	struct scratch_chunk *chunk;
	size_t used;
};

/* A literal found in the block's heap. */
struct found {
	uint32_t ref, next; /* next: index + 1 */
};

/* How members of a conjunction on rows have done in earlier blocks. */
struct member {
	const struct hc_node *node;
	uint64_t n_asked, n_left; /* rows before and after */
};

struct order {
	uint32_t n_rounds;
	struct member members[]; /* in the order in which they are asked */
};

struct hc_eval {
	const struct hc_plan *plan;
	const struct hc_kernels *kernels;
	bool profile;
	const void *user;
	struct hc_prune prune;
	bool no_pruning, pruned;
	struct hc_view *view;
	struct hc_match *match;
	struct hc_arena arena;   /* until the next block */
	int code;                /* first failure in this block */
	struct hc_arena lasting; /* until the end */
	struct order **orders;   /* by node: of conjunctions on rows, once met */
	bool looked;             /* rows were looked at, not only dictionaries */
	struct slot *slots;      /* by node */
	uint64_t **scanned;      /* by source: entries whose texts have been scanned */
	uint32_t **hit_lists;    /* by source: of the first of alike entries, place + 1 in `listed`, or NULL */
	struct hc_alike **alike; /* by the plan's number */
	uint32_t *listed;        /* lists: how many, nodes */
	uint32_t n_listed, cap_listed;
	struct values *values; /* by leaf id */
	uint32_t bits[HC_DOM_MAX];
	uint64_t *full[HC_DOM_MAX];
	const uint32_t **refs;   /* by step: reference of entry e at [e - 1] */
	uint64_t **used;         /* by step: entries that some entry refers to, and bit 0 */
	uint32_t *literal_found; /* by literal: index + 1 into found */
	struct found *found;
	uint32_t n_found, cap_found;
	bool heap_scanned;
	struct scratch_chunk *scratch, *scratch_first;
	uint64_t *spare; /* words enough for any bit set or table of bytes of the block; zero until memory runs out
	                  */
	size_t n_spare;
	struct hc_hit *hits;
	uint32_t n_hits, cap_hits;
	struct hc_rule_cost *costs;
	struct costed {
		uint64_t block; /* the last one that was counted for the rule, and whether rows were looked at in
		                   it */
		bool looked;
	} * costed;                /* by rule */
	uint64_t n_block;          /* blocks so far */
	const struct hc_node *top; /* of the rule being profiled */
	uint64_t n_candidates;     /* rows that were left for the last of its conditions */
};

static enum outcome eval(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out);

static void fail(struct hc_eval *e, int code)
{
	if (!e->code)
		e->code = code;
}

/* ---- memory ---- */

static struct scratch_mark mark(const struct hc_eval *e)
{
	return (struct scratch_mark){ e->scratch, e->scratch->used };
}

static void release(struct hc_eval *e, struct scratch_mark m)
{
	e->scratch = m.chunk;
	e->scratch->used = m.used;
}

static struct scratch_chunk *scratch_new(size_t n_words)
{
	struct scratch_chunk *c = malloc(sizeof(*c) + n_words * sizeof(c->words[0]));

	if (c)
		*c = (struct scratch_chunk){ .n_words = n_words };
	return c;
}

/* Uninitialised words, until release(). Never NULL: when there is no memory the block fails, and what remains to
 * be done of it is done, wrongly, in the spare words. */
static uint64_t *scratch(struct hc_eval *e, size_t n_words)
{
	struct scratch_chunk *c = e->scratch;

	n_words = (n_words + 7) & ~(size_t)7;
	while (c->used + n_words > c->n_words) {
		if (!c->next)
			c->next = scratch_new(n_words > SCRATCH_CHUNK_WORDS ? n_words : SCRATCH_CHUNK_WORDS);
		if (!c->next) {
			fail(e, -ENOMEM);
			return e->spare;
		}
		c = c->next;
		c->used = 0;
	}
	e->scratch = c;
	c->used += n_words;
	return c->words + c->used - n_words;
}

static void *block_alloc(struct hc_eval *e, size_t n_bytes)
{
	void *p = n_bytes + e->arena.used_bytes <= MAX_BLOCK_BYTES ? hc_arena_alloc(&e->arena, n_bytes) : NULL;

	if (!p)
		fail(e, -ENOMEM);
	return p;
}

/* ---- domains ---- */

static uint32_t n_bits(struct hc_eval *e, unsigned dom)
{
	if (e->bits[dom] == UINT32_MAX)
		e->bits[dom] = hc_view_n(e->view, dom) + (HC_DOM_IS_ROWS(dom) ? 0 : 1);
	return e->bits[dom];
}

static size_t n_words(struct hc_eval *e, unsigned dom)
{
	return (n_bits(e, dom) + 63) / 64;
}

/* Entry of bit i is i + base. */
static uint32_t base_of(unsigned dom)
{
	return HC_DOM_IS_ROWS(dom) ? 1 : 0;
}

static const uint64_t *full_mask(struct hc_eval *e, unsigned dom)
{
	uint32_t n = n_bits(e, dom);
	uint64_t *bits = e->full[dom];

	if (bits)
		return bits;
	bits = block_alloc(e, ((size_t)n / 64 + 1) * sizeof(*bits));
	if (!bits)
		return e->spare; /* the block has failed already */
	memset(bits, 0xff, n / 64 * sizeof(*bits));
	if (n % 64)
		bits[n / 64] = (UINT64_C(1) << n % 64) - 1;
	e->full[dom] = bits;
	return bits;
}

static bool is_full(const struct hc_eval *e, unsigned dom, const uint64_t *mask)
{
	return mask == e->full[dom];
}

/* ---- steps ---- */

static const uint32_t *refs_of_path(struct hc_eval *e, const struct hc_path *p, uint32_t n);

/* The references of every entry. */
static const uint32_t *refs_of(struct hc_eval *e, const struct hc_step *step)
{
	const uint32_t *a, *b;
	uint32_t *both, n;

	if (e->refs[step->id])
		return e->refs[step->id];
	n = hc_view_n(e->view, step->from);
	if (step->kind == HC_STEP_COL)
		a = hc_view_column(e->view, step->from, step->col)->refs;
	else {
		a = refs_of_path(e, step->a, n);
		b = refs_of_path(e, step->b, n);
		both = block_alloc(e, ((size_t)n + 64) * sizeof(*both));
		for (uint32_t i = 0; a && b && both && i < n; i++)
			both[i] = a[i] ? a[i] : b[i];
		a = both;
	}
	if (!a)
		a = block_alloc(e, ((size_t)n + 64) * sizeof(*a));
	e->refs[step->id] = a;
	return a;
}

static const uint32_t *refs_of_path(struct hc_eval *e, const struct hc_path *p, uint32_t n)
{
	const uint32_t *before, *col;
	uint32_t *refs;

	col = refs_of(e, p->step);
	if (!p->prev->prev)
		return col; /* the first step is from the row */
	before = refs_of_path(e, p->prev, n);
	refs = block_alloc(e, ((size_t)n + 64) * sizeof(*refs));
	for (uint32_t i = 0; refs && before && col && i < n; i++)
		refs[i] = before[i] ? col[before[i] - 1] : 0;
	return refs;
}

/* Which entries the masked ones refer to, "no entry" included. */
static void scatter(struct hc_eval *e, const struct hc_step *step, const uint32_t *refs, const uint64_t *mask,
                    uint64_t *out)
{
	uint32_t base = base_of(step->from);

	memset(out, 0, n_words(e, step->to) * sizeof(*out));
	HC_EACH_BIT(mask, n_words(e, step->from), i)
	{
		uint32_t entry = (uint32_t)i + base;

		hc_bit_set(out, entry ? refs[entry - 1] : 0);
	}
}

/* Which entries anything refers to. */
static const uint64_t *used_of(struct hc_eval *e, const struct hc_step *step, const uint32_t *refs)
{
	uint64_t *used = e->used[step->id];

	if (used)
		return used;
	used = block_alloc(e, n_words(e, step->to) * sizeof(*used) + sizeof(*used));
	if (!used)
		return full_mask(e, step->to);
	used[0] = 1;
	for (uint32_t i = 0, n = hc_view_n(e->view, step->from); i < n; i++)
		hc_bit_set(used, refs[i]);
	e->used[step->id] = used;
	return used;
}

/* ---- leaves ---- */

static bool int_matches(const struct hc_operand *o, int64_t value)
{
	struct hc_value v = { .type = o->vt == HC_VT_I64 ? HC_VT_I64 : HC_VT_U64, .i = value };

	return hc_operand_match(o, &v, NULL);
}

/* The padded column of a number leaf; for fields of the row list made here, once. */
static void int_column(struct hc_eval *e, const struct hc_node *node, const int64_t **ret_v,
                       const uint64_t **ret_valid)
{
	unsigned type = HC_DOM_EVENT(node->dom);
	uint32_t n = hc_view_n(e->view, node->dom);
	const struct hc_view_col *col;
	int64_t *v;

	*ret_valid = NULL;
	if (node->kind == HC_NODE_INT) {
		col = hc_view_column(e->view, node->dom, node->col);
		*ret_v = col->ints;
		*ret_valid = col->valid;
		return;
	}
	v = block_alloc(e, ((size_t)n + 64) * sizeof(*v));
	for (uint32_t i = 0; v && i < n; i++)
		if (!hc_view_row_field(e->view, type, i + 1, (enum hc_row_field)node->col, &v[i]))
			fail(e, -EBADMSG);
	*ret_v = v;
}

static void int_kernel(const struct hc_kernels *k, const struct hc_operand *o, const int64_t *v, size_t words,
                       uint64_t *out, uint64_t *tmp)
{
	bool is_signed = o->vt == HC_VT_I64;
	int64_t want = o->n ? o->consts[0].i : 0;

	switch (o->op) {
	case HC_OP_EXISTS:
		memset(out, 0xff, words * sizeof(*out));
		return;
	case HC_OP_IN:
		memset(out, 0, words * sizeof(*out));
		for (uint32_t i = 0; i < o->n; i++) {
			k->eq(v, words, o->consts[i].i, tmp);
			hc_bits_or(out, tmp, words, out);
		}
		return;
	case HC_OP_MASK_ANY:
		k->mask_any(v, words, (uint64_t)want, out);
		return;
	case HC_OP_MASK_ALL:
		k->mask_all(v, words, (uint64_t)want, out);
		return;
	case HC_OP_LT:
	case HC_OP_GE:
		if (is_signed)
			k->lt(v, words, want, out);
		else
			k->ltu(v, words, (uint64_t)want, out);
		break;
	default:
		if (is_signed)
			k->gt(v, words, want, out);
		else
			k->gtu(v, words, (uint64_t)want, out);
		break;
	}
	if (o->op == HC_OP_GE || o->op == HC_OP_LE)
		for (size_t w = 0; w < words; w++)
			out[w] = ~out[w];
}

/* All entries of a number column at once. */
static void int_all(struct hc_eval *e, const struct hc_node *node, uint64_t *out)
{
	size_t words = n_words(e, node->dom);
	uint32_t n = hc_view_n(e->view, node->dom);
	size_t row_words = (n + 63) / 64;
	struct scratch_mark m = mark(e);
	const uint64_t *valid;
	const int64_t *v;
	uint64_t *bits, *tmp;

	e->looked |= HC_DOM_IS_ROWS(node->dom);
	int_column(e, node, &v, &valid);
	if (!v || !n) {
		memset(out, 0, words * sizeof(*out));
		return;
	}
	bits = base_of(node->dom) ? out : scratch(e, words);
	tmp = scratch(e, words);
	int_kernel(e->kernels, node->operand, v, row_words, bits, tmp);
	if (valid)
		hc_bits_and(bits, valid, row_words, bits);
	if (n % 64)
		bits[n / 64] &= (UINT64_C(1) << n % 64) - 1;
	if (bits != out) { /* a dictionary: bit 0 is no entry */
		uint64_t carry = 0;

		for (size_t w = 0; w < words; w++) {
			uint64_t word = w < row_words ? bits[w] : 0;

			out[w] = word << 1 | carry;
			carry = word >> 63;
		}
	}
	release(e, m);
}

/* Finds the plan's literals in the heap, all in one pass. */
static void scan_heap(struct hc_eval *e)
{
	const struct hc_plan *p = e->plan;
	const struct hc_heap *heap = hc_view_heap(e->view, HC_OBJ_STR);

	e->heap_scanned = true;
	e->n_found = 0;
	memset(e->literal_found, 0, p->n_literals * sizeof(*e->literal_found));
	for (uint32_t ref = 1; ref <= heap->n; ref++) {
		struct hc_str s = { heap->bytes + heap->off[ref - 1], heap->off[ref] - heap->off[ref - 1] };
		uint64_t hash = hc_quick_hash(s);
		uint64_t bit = hash >> p->sieve_shift;

		if (!(p->sieve[bit / 64] >> (bit % 64) & 1))
			continue;
		for (uint32_t at = (uint32_t)(hash >> 32) & p->literal_mask; p->literal_set[at];
		     at = (at + 1) & p->literal_mask) {
			uint32_t literal = p->literal_set[at] - 1;

			if (p->literals[literal].hash != hash || !hc_str_eq(p->literals[literal].text, s))
				continue;
			if (e->n_found == e->cap_found) {
				uint32_t cap = e->cap_found ? e->cap_found * 2 : 256;
				struct found *found = realloc(e->found, cap * sizeof(*found));

				if (!found) {
					fail(e, -ENOMEM);
					return;
				}
				e->found = found;
				e->cap_found = cap;
			}
			e->found[e->n_found] = (struct found){ ref, e->literal_found[literal] };
			e->literal_found[literal] = ++e->n_found;
			break;
		}
	}
}

/* A set of texts, over the whole heap. */
static enum outcome texts_all(struct hc_eval *e, const struct hc_node *node, uint64_t *out)
{
	const struct hc_operand *o = node->operand;
	const uint32_t *literals = e->plan->node_literals[node->id];
	bool any = false;

	if (!e->heap_scanned && !hc_view_has_heap(e->view, HC_OBJ_STR) && o->n <= BLOOM_MAX_CONSTS) {
		for (uint32_t i = 0; i < o->n && !any; i++)
			any = hc_block_may_have_str(hc_view_block(e->view), o->consts[i].s);
		if (!any)
			return R_NONE;
	}
	if (!e->heap_scanned)
		scan_heap(e);
	any = false;
	for (uint32_t i = 0; i < o->n; i++) {
		for (uint32_t f = e->literal_found[literals[i]]; f; f = e->found[f - 1].next) {
			if (!any)
				memset(out, 0, n_words(e, node->dom) * sizeof(*out));
			any = true;
			hc_bit_set(out, e->found[f - 1].ref);
		}
	}
	return any ? R_SOME : R_NONE;
}

/* Texts and bytes one by one. */
static void heap_some(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	const struct hc_heap *heap;
	const struct hc_operand *o = node->operand;
	size_t words = n_words(e, node->dom);

	memset(out, 0, words * sizeof(*out));
	if (node->dom == HC_OBJ_BYTES && o->op == HC_OP_IN && !hc_view_has_heap(e->view, HC_OBJ_BYTES)) {
		bool any = false;

		for (uint32_t i = 0; i < o->n && !any; i++)
			any = (o->consts[i].s.len != 4 && o->consts[i].s.len != 16) ||
			      hc_block_may_have_bytes(hc_view_block(e->view), o->consts[i].s.p,
			                              o->consts[i].s.len);
		if (!any)
			return;
	}
	heap = hc_view_heap(e->view, node->dom);
	HC_EACH_BIT(mask, words, i)
	{
		uint32_t ref = (uint32_t)i;

		if (ref && ref <= heap->n && hc_operand_match_str(o, hc_heap_get(heap, ref), e->match))
			hc_bit_set(out, ref);
	}
}

static void ints_some(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	const struct hc_operand *o = node->operand;
	size_t words = n_words(e, node->dom);

	memset(out, 0, words * sizeof(*out));
	HC_EACH_BIT(mask, words, i)
	{
		bool all = o->quant == HC_Q_ALL, holds = all;
		const int64_t *v;
		uint32_t n;

		v = hc_view_ints(e->view, (uint32_t)i, &n);
		for (uint32_t j = 0; j < n && holds == all; j++)
			holds = int_matches(o, v[j]);
		if (i && holds)
			hc_bit_set(out, (uint32_t)i);
	}
}

/* A computed value, kept while other nodes may ask for it. */
static struct hc_value computed(struct hc_eval *e, const struct hc_node *node, uint32_t entry)
{
	struct values *values = &e->values[node->leaf_id];
	struct hc_value *chunk;

	if (e->plan->leaf_users[node->leaf_id] < 2)
		return node->leaf->get(e->view, node->dom, entry, node->arg);
	if (!values->chunk) {
		size_t n = (size_t)hc_view_n(e->view, node->dom) / 64 + 1;

		values->chunk = block_alloc(e, n * sizeof(*values->chunk));
		values->known = block_alloc(e, n * sizeof(*values->known));
		if (!values->chunk || !values->known) {
			values->chunk = NULL;
			return (struct hc_value){ 0 };
		}
	}
	chunk = values->chunk[entry / 64];
	if (!chunk) {
		chunk = values->chunk[entry / 64] = hc_arena_raw(&e->arena, 64 * sizeof(*chunk));
		if (!chunk) {
			fail(e, -ENOMEM);
			return (struct hc_value){ 0 };
		}
	}
	if (!hc_bit(values->known, entry)) {
		chunk[entry % 64] = node->leaf->get(e->view, node->dom, entry, node->arg);
		hc_bit_set(values->known, entry);
	}
	return chunk[entry % 64];
}

static void computed_some(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	size_t words = n_words(e, node->dom);
	uint32_t base = base_of(node->dom);

	memset(out, 0, words * sizeof(*out));
	HC_EACH_BIT(mask, words, i)
	{
		uint32_t entry = (uint32_t)i + base;
		struct hc_value value;

		e->looked |= base;
		if (!entry)
			continue;
		value = computed(e, node, entry);
		if (hc_operand_match(node->operand, &value, e->match))
			hc_bit_set(out, (uint32_t)i);
	}
}

static void cmp_some(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	size_t words = n_words(e, node->dom);
	uint32_t base = base_of(node->dom);

	memset(out, 0, words * sizeof(*out));
	HC_EACH_BIT(mask, words, i)
	{
		uint32_t entry = (uint32_t)i + base;
		struct hc_value left, right;

		e->looked |= base;
		if (!entry)
			continue;
		left = hc_access_from(e->view, node->left, entry, node->skip);
		right = hc_access_from(e->view, node->right, entry, node->skip);
		if (hc_value_compare(&left, (enum hc_op)(node->col >> 1), node->col & 1 ? HC_Q_ALL : HC_Q_ANY,
		                     &right))
			hc_bit_set(out, (uint32_t)i);
	}
}

/* ---- inner nodes ---- */

/* Is it worth going through all rows, or only through those in the mask? */
static bool is_dense(struct hc_eval *e, unsigned dom, const uint64_t *mask)
{
	if (is_full(e, dom, mask))
		return true;
	return hc_bits_count(mask, n_words(e, dom)) >= n_bits(e, dom) / 4;
}

static enum outcome classify(const uint64_t *out, const uint64_t *mask, size_t words)
{
	if (!hc_bits_any(out, words))
		return R_NONE;
	return hc_bits_equal(out, mask, words) ? R_ALL : R_SOME;
}

/* Of rows: the answer for what they refer to, back to the rows. */
static void gather(struct hc_eval *e, const struct hc_step *step, const uint32_t *refs, const uint64_t *bits,
                   bool dense, const uint64_t *mask, uint64_t *out)
{
	size_t words = n_words(e, step->from);
	uint32_t base = base_of(step->from);

	e->looked |= base;
	if (dense && base) {
		uint32_t n = n_bits(e, step->to);
		uint8_t *lut = (uint8_t *)scratch(e, (size_t)n / 8 + 16);

		hc_kern_expand(bits, n, lut);
		e->kernels->gather(refs, words, lut, out);
		hc_bits_and(out, mask, words, out);
		return;
	}
	for (size_t w = 0; w < words; w++) {
		uint64_t left = mask[w], word = 0;

		for (; left; left &= left - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(left);
			uint32_t entry = (uint32_t)(w * 64) + bit + base;

			word |= (uint64_t)hc_bit(bits, entry ? refs[entry - 1] : 0) << bit;
		}
		out[w] = word;
	}
}

static enum outcome lift(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	const struct hc_step *step = node->step;
	const struct hc_node *child = node->kids[0];
	size_t words = n_words(e, step->from), to_words = n_words(e, step->to);
	struct scratch_mark m = mark(e);
	uint64_t *bits = scratch(e, to_words);
	const uint64_t *dict_mask;
	const uint32_t *refs;
	bool dense = is_dense(e, step->from, mask);
	enum outcome r;

	if (child->cost <= HC_COST_BULK) {
		/* All entries, before the column has been decoded: often there are none. */
		r = eval(e, child, full_mask(e, step->to), bits);
		if (r != R_SOME) {
			release(e, m);
			return r;
		}
		refs = refs_of(e, step);
	} else {
		refs = refs_of(e, step);
		if (dense && refs)
			dict_mask = used_of(e, step, refs);
		else {
			uint64_t *some = scratch(e, to_words);

			if (refs)
				scatter(e, step, refs, mask, some);
			dict_mask = some;
		}
		r = refs ? eval(e, child, dict_mask, bits) : R_NONE;
	}
	if (r == R_SOME && refs) {
		gather(e, step, refs, bits, dense, mask, out);
		r = classify(out, mask, words);
	}
	release(e, m);
	return r;
}

static enum outcome any_ancestor(struct hc_eval *e, const struct hc_node *node, uint64_t *out)
{
	size_t words = n_words(e, HC_OBJ_PROC);
	struct scratch_mark m = mark(e);
	uint64_t *self = scratch(e, words);
	const uint32_t *parent;
	enum outcome r;
	bool any = false;

	r = eval(e, node->kids[0], full_mask(e, HC_OBJ_PROC), self);
	if (r == R_NONE) {
		release(e, m);
		return r;
	}
	if (r == R_ALL)
		memcpy(self, full_mask(e, HC_OBJ_PROC), words * sizeof(*self));
	memset(out, 0, words * sizeof(*out));
	parent = hc_view_column(e->view, HC_OBJ_PROC, HC_O_PROC_parent)->refs;
	for (uint32_t entry = 1, n = hc_view_n(e->view, HC_OBJ_PROC); parent && entry <= n; entry++) {
		uint32_t p = parent[entry - 1];

		/* Parents stand before their children: one pass does for all generations. */
		if (p && p < entry && (hc_bit(self, p) || hc_bit(out, p))) {
			hc_bit_set(out, entry);
			any = true;
		}
	}
	release(e, m);
	return any ? R_SOME : R_NONE;
}

static enum outcome list(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	const struct hc_lists *lists = hc_view_lists(e->view, HC_OBJ_STRS);
	size_t words = n_words(e, HC_OBJ_STRS), str_words = n_words(e, HC_OBJ_STR);
	bool all = node->col == HC_Q_ALL;
	struct scratch_mark m = mark(e);
	uint64_t *items = scratch(e, str_words), *bits = scratch(e, str_words);
	enum outcome r;

	memset(items, 0, str_words * sizeof(*items));
	memset(out, 0, words * sizeof(*out));
	HC_EACH_BIT(mask, words, i)
	{
		for (uint32_t j = i && i <= lists->n ? lists->first[i - 1] : 0;
		     i && i <= lists->n && j < lists->first[i]; j++)
			hc_bit_set(items, lists->refs[j]);
	}
	r = eval(e, node->kids[0], items, bits);
	if (r == R_ALL)
		memcpy(bits, items, str_words * sizeof(*bits));
	else if (r == R_NONE)
		memset(bits, 0, str_words * sizeof(*bits));
	HC_EACH_BIT(mask, words, i)
	{
		bool holds = all;

		if (!i || i > lists->n)
			continue;
		for (uint32_t j = lists->first[i - 1]; j < lists->first[i] && holds == all; j++)
			holds = hc_bit(bits, lists->refs[j]);
		if (holds)
			hc_bit_set(out, (uint32_t)i);
	}
	release(e, m);
	return classify(out, mask, words);
}

/* Whether a member of a conjunction on rows is false for all that the rows refer to, as far as dictionaries alone
 * tell. */
static bool hopeless(struct hc_eval *e, const struct hc_node *node)
{
	const struct hc_step *step = node->step;
	const struct hc_node *child;
	struct scratch_mark m = mark(e);
	const uint32_t *refs;
	enum outcome r;

	if (node->kind == HC_NODE_OR || node->kind == HC_NODE_AND) {
		for (unsigned i = 0; i < node->n_kids; i++)
			if (hopeless(e, node->kids[i]) == (node->kind == HC_NODE_AND))
				return node->kind == HC_NODE_AND;
		return node->kind == HC_NODE_OR;
	}
	if (node->kind != HC_NODE_LIFT || node->kids[0]->cost > HC_COST_COMPUTED)
		return false;
	child = node->kids[0];
	if (child->cost <= HC_COST_BULK)
		r = eval(e, child, full_mask(e, step->to), scratch(e, n_words(e, step->to)));
	else {
		refs = refs_of(e, step);
		r = refs ? eval(e, child, used_of(e, step, refs), scratch(e, n_words(e, step->to))) : R_NONE;
	}
	release(e, m);
	return r == R_NONE;
}

/* Work for each row that is taken out: the least first. */
static double price(const struct member *m)
{
	double passed = m->n_asked ? (double)m->n_left / (double)m->n_asked : 0.5;

	return (double)m->node->weight / (1.001 - passed);
}

static int order_member(const void *pa, const void *pb)
{
	const struct member *a = pa, *b = pb;
	double x = price(a), y = price(b);

	if (x != y)
		return x < y ? -1 : 1;
	return (a->node->id > b->node->id) - (a->node->id < b->node->id);
}

/* NULL when out of memory: the order of the plan will do. */
static struct order *order_of(struct hc_eval *e, const struct hc_node *node)
{
	struct order *o = e->orders[node->id];

	if (!o) {
		o = hc_arena_alloc(&e->lasting, sizeof(*o) + node->n_kids * sizeof(o->members[0]));
		for (unsigned i = 0; o && i < node->n_kids; i++)
			o->members[i].node = node->kids[i];
		e->orders[node->id] = o;
	} else if (++o->n_rounds % ROUNDS_TO_REORDER == 0) {
		qsort(o->members, node->n_kids, sizeof(o->members[0]), order_member);
	}
	return o;
}

static enum outcome conjunction(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	bool on_rows = HC_DOM_IS_ROWS(node->dom);
	size_t words = n_words(e, node->dom), n_now = 0;
	struct scratch_mark m = mark(e);
	struct order *order;
	uint64_t *other;
	const uint64_t *now = mask;

	for (unsigned i = 0; on_rows && i < node->n_kids; i++) {
		if (hopeless(e, node->kids[i]))
			return R_NONE;
	}
	order = on_rows ? order_of(e, node) : NULL;
	if (order)
		n_now = hc_bits_count(mask, words);
	other = scratch(e, words);
	for (unsigned i = 0; i < node->n_kids; i++) {
		uint64_t *to = now == out ? other : out;
		enum outcome r;

		if (e->top == node && i + 1 == node->n_kids)
			e->n_candidates = hc_bits_count(now, words);
		r = eval(e, order ? order->members[i].node : node->kids[i], now, to);
		if (order) {
			order->members[i].n_asked += n_now;
			n_now = r == R_SOME ? hc_bits_count(to, words) : r == R_NONE ? 0 : n_now;
			order->members[i].n_left += n_now;
		}
		if (r == R_NONE) {
			release(e, m);
			return R_NONE;
		}
		if (r == R_SOME)
			now = to;
	}
	if (now == other)
		memcpy(out, other, words * sizeof(*out));
	release(e, m);
	return now == mask ? R_ALL : R_SOME;
}

static enum outcome disjunction(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	const struct hc_node **kids = node->kids;
	size_t words = n_words(e, node->dom);
	struct scratch_mark m = mark(e);
	uint64_t *left = scratch(e, words), *some = scratch(e, words);
	enum outcome answer = R_NONE;

	memcpy(left, mask, words * sizeof(*left));
	for (unsigned i = 0; i < node->n_kids && answer != R_ALL; i++) {
		enum outcome r = eval(e, kids[i], left, some);

		if (r == R_ALL) {
			answer = R_ALL;
		} else if (r == R_SOME) {
			answer = hc_bits_andnot(left, some, words, left) ? R_SOME : R_ALL;
		}
	}
	if (answer == R_SOME)
		hc_bits_andnot(mask, left, words, out);
	release(e, m);
	return answer;
}

static enum outcome negation(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	enum outcome r = eval(e, node->kids[0], mask, out);

	if (r != R_SOME)
		return r == R_NONE ? R_ALL : R_NONE;
	return hc_bits_andnot(mask, out, n_words(e, node->dom), out) ? R_SOME : R_NONE;
}

static enum outcome compute(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	switch ((enum hc_node_kind)node->kind) {
	case HC_NODE_AND:
		return conjunction(e, node, mask, out);
	case HC_NODE_OR:
		return disjunction(e, node, mask, out);
	case HC_NODE_NOT:
		return negation(e, node, mask, out);
	case HC_NODE_LIFT:
		return lift(e, node, mask, out);
	case HC_NODE_LIST:
		return list(e, node, mask, out);
	case HC_NODE_HEAP:
		heap_some(e, node, mask, out);
		break;
	case HC_NODE_INTS:
		ints_some(e, node, mask, out);
		break;
	case HC_NODE_LEAF:
		computed_some(e, node, mask, out);
		break;
	case HC_NODE_CMP:
		cmp_some(e, node, mask, out);
		break;
	default:
		return R_NONE;
	}
	return classify(out, mask, n_words(e, node->dom));
}

/* Leaves that are asked about all their entries at once. */
static bool compute_all(struct hc_eval *e, const struct hc_node *node, struct slot *slot)
{
	size_t words = n_words(e, node->dom);
	enum outcome r = R_SOME;
	uint64_t *value;

	switch ((enum hc_node_kind)node->kind) {
	case HC_NODE_INT:
	case HC_NODE_ROWF:
	case HC_NODE_ANYANC:
	case HC_NODE_PRESENT:
		break;
	case HC_NODE_HEAP:
		if (node->dom == HC_OBJ_STR && node->operand->op == HC_OP_IN)
			break;
		return false;
	default:
		return false;
	}
	value = block_alloc(e, (words + 1) * sizeof(*value));
	slot->all_known = true;
	slot->outcome = R_NONE;
	if (!value)
		return true;
	if (node->kind == HC_NODE_ANYANC)
		r = any_ancestor(e, node, value);
	else if (node->kind == HC_NODE_HEAP)
		r = texts_all(e, node, value);
	else if (node->kind == HC_NODE_PRESENT) {
		memcpy(value, full_mask(e, node->dom), words * sizeof(*value));
		if (!base_of(node->dom))
			value[0] &= ~UINT64_C(1);
		r = classify(value, full_mask(e, node->dom), words);
	} else {
		int_all(e, node, value);
		r = classify(value, full_mask(e, node->dom), words);
	}
	slot->value = value;
	slot->outcome = (uint8_t)r;
	return true;
}

struct scan {
	struct hc_eval *e;
	const struct hc_node *node; /* one of those that ask */
	const struct hc_source *source;
	uint32_t bit;
	size_t n_words;
};

static void scan_hit(void *ctx, uint32_t node)
{
	struct scan *scan = ctx;
	struct slot *slot = &scan->e->slots[node];

	if (!slot->value)
		slot->value = block_alloc(scan->e, (scan->n_words + 1) * sizeof(uint64_t));
	if (slot->value)
		hc_bit_set(slot->value, scan->bit);
}

static void list_hit(void *ctx, uint32_t node)
{
	struct hc_eval *e = ((struct scan *)ctx)->e;

	if (e->n_listed == e->cap_listed) {
		uint32_t cap = e->cap_listed ? e->cap_listed * 2 : 1024;
		uint32_t *listed = realloc(e->listed, cap * sizeof(*listed));

		if (!listed) {
			fail(e, -ENOMEM);
			return;
		}
		e->listed = listed;
		e->cap_listed = cap;
	}
	e->listed[e->n_listed++] = node;
}

static struct hc_value value_of(struct scan *scan, uint32_t entry)
{
	if (scan->source->leaf)
		return computed(scan->e, scan->node, entry);
	return hc_value_str(hc_view_str(scan->e->view, entry));
}

static void scan_entry(struct scan *scan, uint32_t entry, void (*hit)(void *ctx, uint32_t node))
{
	const struct hc_source *source = scan->source;
	struct hc_value value = value_of(scan, entry);

	if (value.type == HC_VT_NONE)
		return;
	for (uint32_t i = 0; i < source->n_exists; i++)
		hit(scan, source->exists[i]);
	if (value.type == HC_VT_STR)
		hc_textset_scan(source->set, value.s, hit, scan);
	for (uint32_t i = 0; value.type == HC_VT_LIST && i < value.list.n; i++)
		if (value.list.v[i].type == HC_VT_STR)
			hc_textset_scan(source->set, value.list.v[i].s, hit, scan);
}

#ifndef NDEBUG
/* What the leaf says of its columns is true of this entry. */
static bool is_alike(struct scan *scan, uint32_t entry, uint32_t first)
{
	struct hc_value a = scan->node->leaf->get(scan->e->view, scan->node->dom, entry, scan->node->arg);
	struct hc_value b = scan->node->leaf->get(scan->e->view, scan->node->dom, first, scan->node->arg);

	return a.type == HC_VT_NONE ? b.type == HC_VT_NONE : hc_value_equal(&a, &b);
}
#endif

/* By what was found out for the first entry that is alike. */
static void scan_alike(struct scan *scan, struct hc_alike *alike, uint32_t *lists, uint32_t entry)
{
	struct hc_eval *e = scan->e;
	uint32_t first = hc_alike_first(alike, entry), begin;

	assert(entry == first || is_alike(scan, entry, first));
	if (!lists[first]) {
		begin = e->n_listed;
		list_hit(scan, 0);
		if (e->n_listed == begin)
			return; /* the block has failed */
		scan_entry(scan, first, list_hit);
		e->listed[begin] = e->n_listed - begin - 1;
		lists[first] = begin + 1;
	}
	begin = lists[first];
	for (uint32_t i = 0, n = e->listed[begin - 1]; i < n; i++)
		scan_hit(scan, e->listed[begin + i]);
}

/* NULL where nothing is known to be alike. */
static struct hc_alike *alike_of(struct hc_eval *e, const struct hc_source *source, const struct hc_node *node)
{
	uint32_t **lists = &e->hit_lists[source - e->plan->sources];
	const struct hc_plan_reads *of;
	struct hc_alike **alike;

	if (!source->alike)
		return NULL;
	of = &e->plan->alike[source->alike - 1];
	alike = &e->alike[source->alike - 1];
	if (!*alike)
		*alike = hc_alike_new(&e->arena, e->view, of->dom, of->reads);
	if (!*lists)
		*lists = block_alloc(e, ((size_t)hc_view_n(e->view, node->dom) + 1) * sizeof(**lists));
	if (!*alike)
		fail(e, -ENOMEM);
	return *lists ? *alike : NULL;
}

/* Nodes over texts that many look into: what one of them asks about is found out for all. */
static enum outcome eval_scanned(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask,
                                 uint64_t *out)
{
	const struct hc_source *source = &e->plan->sources[node->source - 1];
	struct scan scan = { .e = e, .node = node, .source = source, .n_words = n_words(e, node->dom) };
	uint64_t **scanned = &e->scanned[node->source - 1];
	const struct slot *slot = &e->slots[node->id];
	uint32_t base = base_of(node->dom);
	struct scratch_mark m = mark(e);
	uint64_t *need;

	if (!*scanned)
		*scanned = block_alloc(e, (scan.n_words + 1) * sizeof(**scanned));
	if (!*scanned)
		return R_NONE;
	need = scratch(e, scan.n_words);
	if (hc_bits_andnot(mask, *scanned, scan.n_words, need)) {
		struct hc_alike *alike = alike_of(e, source, node);

		HC_EACH_BIT(need, scan.n_words, i)
		{
			uint32_t entry = (uint32_t)i + base;

			scan.bit = (uint32_t)i;
			e->looked |= base;
			if (entry && alike)
				scan_alike(&scan, alike, e->hit_lists[node->source - 1], entry);
			else if (entry)
				scan_entry(&scan, entry, scan_hit);
		}
		hc_bits_or(*scanned, need, scan.n_words, *scanned);
	}
	release(e, m);
	if (!slot->value)
		return R_NONE;
	hc_bits_and(slot->value, mask, scan.n_words, out);
	return classify(out, mask, scan.n_words);
}

/* Whether what is found out is kept: always for dictionaries; for rows where somebody else will ask. */
static bool is_kept(const struct hc_node *node)
{
	if (!HC_DOM_IS_ROWS(node->dom))
		return true;
	return node->kind == HC_NODE_INT || node->kind == HC_NODE_ROWF ||
	       (node->n_users > 1 && (node->kind == HC_NODE_LEAF || node->kind == HC_NODE_CMP));
}

static enum outcome eval(struct hc_eval *e, const struct hc_node *node, const uint64_t *mask, uint64_t *out)
{
	struct slot *slot;
	struct scratch_mark m;
	uint64_t *need, *got;
	enum outcome r;
	size_t words;

	if (node->kind == HC_NODE_FALSE || node->kind == HC_NODE_TRUE)
		return node->kind == HC_NODE_TRUE ? R_ALL : R_NONE;
	if (node->source)
		return eval_scanned(e, node, mask, out);
	if (!is_kept(node))
		return compute(e, node, mask, out);
	slot = &e->slots[node->id];
	words = n_words(e, node->dom);
	if (!slot->all_known && !compute_all(e, node, slot)) {
		if (!slot->value) {
			slot->value = block_alloc(e, (words + 1) * 2 * sizeof(uint64_t));
			if (!slot->value)
				return R_NONE;
			slot->known = slot->value + words + 1;
		}
		m = mark(e);
		need = scratch(e, words);
		if (hc_bits_andnot(mask, slot->known, words, need)) {
			got = scratch(e, words);
			r = compute(e, node, need, got);
			if (r != R_NONE)
				hc_bits_or(slot->value, r == R_ALL ? need : got, words, slot->value);
			hc_bits_or(slot->known, need, words, slot->known);
			if (hc_bits_equal(slot->known, full_mask(e, node->dom), words)) {
				slot->all_known = true;
				slot->outcome = (uint8_t)classify(slot->value, slot->known, words);
			}
		}
		release(e, m);
	}
	if (slot->all_known && slot->outcome != R_SOME)
		return (enum outcome)slot->outcome;
	hc_bits_and(slot->value, mask, words, out);
	return classify(out, mask, words);
}

/* ---- a block ---- */

static int hit_add(struct hc_eval *e, uint32_t rule, unsigned type, uint32_t row)
{
	if (e->n_hits == e->cap_hits) {
		uint32_t cap = e->cap_hits ? e->cap_hits * 2 : 256;
		struct hc_hit *hits = realloc(e->hits, cap * sizeof(*hits));

		if (!hits)
			return -ENOMEM;
		e->hits = hits;
		e->cap_hits = cap;
	}
	e->hits[e->n_hits++] = (struct hc_hit){ .rule = rule, .row = row, .type = (uint16_t)type };
	return 0;
}

/* Rows of the span. */
static void span_mask(struct hc_eval *e, unsigned type, const struct hc_span *span, uint64_t *out)
{
	unsigned dom = HC_DOM_ROWS(type);
	const struct hc_rows *rows = hc_view_rows(e->view);
	const uint32_t *places = hc_view_row_places(e->view, type);

	memcpy(out, full_mask(e, dom), n_words(e, dom) * sizeof(*out));
	for (uint32_t row = 0, n = n_bits(e, dom); places && row < n; row++) {
		uint64_t ts = places[row] < rows->n ? rows->ts_ns[places[row]] : 0;

		if (ts < span->since_ns || ts >= span->until_ns)
			out[row / 64] &= ~(UINT64_C(1) << row % 64);
	}
}

/* Takes out the rows that only update state. Asked when a rule has fired, so the column is seldom read. */
static bool drop_state_rows(struct hc_eval *e, unsigned dom, uint64_t *bits)
{
	const struct hc_view_col *flags = hc_view_column(e->view, dom, HC_COL_ROW_FLAGS);
	size_t words = n_words(e, dom);
	struct scratch_mark m = mark(e);
	uint64_t *only = scratch(e, words);
	bool any = true;

	if (flags->ints) {
		e->kernels->mask_any(flags->ints, words, HC_ROW_STATEONLY, only);
		any = hc_bits_andnot(bits, only, words, bits);
	}
	release(e, m);
	return any;
}

static uint64_t cost_begin(struct hc_eval *e, const struct hc_entry *entry, const uint64_t *under, size_t words)
{
	/* A conjunction tells how far it got; of anything else each row is a candidate. */
	e->top = entry->node;
	e->n_candidates = entry->node->kind == HC_NODE_AND ? 0 : hc_bits_count(under, words);
	e->looked = false;
	return hc_clock_ns(CLOCK_MONOTONIC);
}

static void cost_end(struct hc_eval *e, const struct hc_entry *entry, uint64_t began, uint32_t n_hits)
{
	struct hc_rule_cost *c = &e->costs[entry->rule];
	struct costed *counted = &e->costed[entry->rule];
	bool looked = e->looked || e->n_candidates;

	if (counted->block != e->n_block) {
		*counted = (struct costed){ .block = e->n_block };
		c->n_blocks++;
	}
	c->ns += hc_clock_ns(CLOCK_MONOTONIC) - began;
	c->n_evaluated += looked && !counted->looked;
	counted->looked |= looked;
	c->n_candidates += e->n_candidates;
	c->n_hits += n_hits;
	e->top = NULL;
}

/* No rule can fire: that cost nothing, but the block has been dealt with. */
static void skip_type(struct hc_eval *e, unsigned type)
{
	for (uint32_t i = e->plan->first[type]; e->profile && i < e->plan->first[type + 1]; i++) {
		e->looked = false;
		e->n_candidates = 0;
		cost_end(e, &e->plan->entries[i], hc_clock_ns(CLOCK_MONOTONIC), 0);
	}
}

static int run_type(struct hc_eval *e, unsigned type, const struct hc_span *span)
{
	const struct hc_plan *p = e->plan;
	unsigned dom = HC_DOM_ROWS(type);
	size_t words = n_words(e, dom);
	struct scratch_mark m = mark(e);
	uint64_t *start = scratch(e, words), *out = scratch(e, words);
	uint64_t **left =
		hc_arena_alloc(&e->arena, (p->n_groups + 1u) * sizeof(*left)); /* by group; NULL: all of start */
	const uint64_t *mask;
	int r = 0;

	if (!left)
		return -ENOMEM;
	mask = full_mask(e, dom); /* known by its address */
	if (span) {
		span_mask(e, type, span, start);
		mask = start;
	}
	for (uint32_t i = p->first[type]; r == 0 && i < p->first[type + 1]; i++) {
		const struct hc_entry *entry = &p->entries[i];
		const uint64_t *under = left[entry->group] ? left[entry->group] : mask;
		uint64_t began = e->profile ? cost_begin(e, entry, under, words) : 0;
		enum outcome o = eval(e, entry->node, under, out);
		uint32_t before = e->n_hits;

		if (o == R_ALL)
			memcpy(out, under, words * sizeof(*out));
		if (o != R_NONE && drop_state_rows(e, dom, out)) {
			HC_EACH_BIT(out, words, row)
			{
				if (r == 0)
					r = hit_add(e, entry->rule, type, (uint32_t)row);
			}
			if (p->matching == HC_MATCH_FIRST) {
				uint64_t *rest = left[entry->group];

				if (!rest)
					rest = left[entry->group] = scratch(e, words);
				hc_bits_andnot(under, out, words, rest);
			}
		}
		if (e->profile)
			cost_end(e, entry, began, e->n_hits - before);
	}
	release(e, m);
	return r;
}

static int order_hit(const void *pa, const void *pb)
{
	const struct hc_hit *a = pa, *b = pb;

	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static void place_hits(struct hc_eval *e)
{
	const struct hc_rows *rows;

	if (!e->n_hits)
		return;
	rows = hc_view_rows(e->view);
	for (uint32_t i = 0; i < e->n_hits; i++) {
		struct hc_hit *hit = &e->hits[i];
		const uint32_t *places = hc_view_row_places(e->view, hit->type);
		uint32_t at = places ? places[hit->row] : UINT32_MAX;

		if (at >= rows->n) {
			fail(e, -EBADMSG);
			continue;
		}
		hit->seq = rows->seq[at];
		hit->ts_ns = rows->ts_ns[at];
		hit->cpu = rows->cpu[at];
	}
	qsort(e->hits, e->n_hits, sizeof(*e->hits), order_hit);
}

/* Room for the largest set of bits, or table of bytes, of this block. */
static int make_spare(struct hc_eval *e, struct hc_block *block)
{
	size_t most = HC_BLOCK_MAX_ROWS, need;

	for (unsigned obj = 1; obj < HC_OBJ_MAX; obj++) {
		uint32_t n = hc_block_n_entries(block, (enum hc_obj_type)obj);

		if (n > most)
			most = n;
	}
	need = most / 8 + 64;
	if (need <= e->n_spare)
		return 0;
	free(e->spare);
	e->spare = calloc(need, sizeof(*e->spare));
	e->n_spare = e->spare ? need : 0;
	return e->spare ? 0 : -ENOMEM;
}

static void begin(struct hc_eval *e, struct hc_block *block)
{
	const struct hc_ir *ir = e->plan->ir;

	hc_arena_reset(&e->arena);
	hc_view_set(e->view, block, e->user);
	memset(e->slots, 0, (e->plan->n_nodes + 1u) * sizeof(*e->slots));
	memset(e->scanned, 0, (e->plan->n_sources + 1u) * sizeof(*e->scanned));
	memset(e->hit_lists, 0, (e->plan->n_sources + 1u) * sizeof(*e->hit_lists));
	memset(e->alike, 0, (e->plan->n_alike + 1u) * sizeof(*e->alike));
	e->n_listed = 0;
	memset(e->values, 0, (ir->n_leaf_ids + 1u) * sizeof(*e->values));
	memset(e->refs, 0, (ir->n_steps + 1u) * sizeof(*e->refs));
	memset(e->used, 0, (ir->n_steps + 1u) * sizeof(*e->used));
	memset(e->bits, 0xff, sizeof(e->bits));
	memset(e->full, 0, sizeof(e->full));
	e->heap_scanned = false;
	e->n_hits = 0;
	e->code = 0;
	e->n_block++;
	e->scratch = e->scratch_first;
	e->scratch->used = 0;
}

int hc_eval_block(struct hc_eval *e, struct hc_block *block, const struct hc_span *span,
                  const struct hc_hit **ret_hits, struct hc_err *err)
{
	const struct hc_block_info *info = hc_block_info(block);
	struct hc_type_set types;
	int r;

	begin(e, block);
	types = e->no_pruning ? e->plan->types : hc_prune_types(&e->prune, e->plan, block);
	e->pruned = !hc_type_set_meets(&types, &types);
	/* not before: what was learnt late of containers is filled in when entries are counted */
	if (!e->pruned && make_spare(e, block) < 0)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (span && span->since_ns <= info->first_ns && span->until_ns > info->last_ns)
		span = NULL;
	for (unsigned type = 0; type < HC_EV_MAX && !e->code; type++) {
		if (e->plan->first[type] == e->plan->first[type + 1] || !hc_block_n_rows(block, type) ||
		    !hc_event_desc(type))
			continue;
		if (!hc_type_set_has(&types, type)) {
			skip_type(e, type);
			continue;
		}
		r = run_type(e, type, span);
		if (r < 0)
			fail(e, r);
	}
	place_hits(e);
	r = hc_view_error(e->view, err);
	if (r < 0)
		return r;
	if (e->code < 0)
		return hc_err_set(err, e->code,
		                  e->code == -ENOMEM ? "out of memory" : "damaged block: its rows do not add up");
	*ret_hits = e->hits;
	return (int)e->n_hits;
}

/* ---- life ---- */

int hc_eval_new(const struct hc_plan *p, const struct hc_eval_opts *opts, struct hc_eval **ret, struct hc_err *err)
{
	struct hc_eval *e = calloc(1, sizeof(*e));

	if (!e)
		return hc_err_set(err, -ENOMEM, "out of memory");
	e->plan = p;
	e->kernels = &hc_kernels;
	e->profile = opts && opts->profile;
	e->user = opts ? opts->user : NULL;
	e->view = hc_view_new();
	e->match = hc_match_new();
	e->orders = calloc(p->n_nodes + 1u, sizeof(struct order *));
	e->slots = calloc(p->n_nodes + 1u, sizeof(*e->slots));
	e->scanned = calloc(p->n_sources + 1u, sizeof(*e->scanned));
	e->hit_lists = calloc(p->n_sources + 1u, sizeof(*e->hit_lists));
	e->alike = calloc(p->n_alike + 1u, sizeof(*e->alike));
	e->values = calloc(p->ir->n_leaf_ids + 1u, sizeof(*e->values));
	e->refs = calloc(p->ir->n_steps + 1u, sizeof(*e->refs));
	e->used = calloc(p->ir->n_steps + 1u, sizeof(*e->used));
	e->literal_found = calloc(p->n_literals + 1u, sizeof(*e->literal_found));
	e->costs = calloc(p->ir->n_rules + 1u, sizeof(*e->costs));
	e->costed = calloc(p->ir->n_rules + 1u, sizeof(*e->costed));
	e->scratch_first = scratch_new(SCRATCH_CHUNK_WORDS);
	if (hc_prune_init(&e->prune, p) < 0 || !e->view || !e->match || !e->orders || !e->slots || !e->scanned ||
	    !e->hit_lists || !e->alike || !e->values || !e->refs || !e->used || !e->literal_found || !e->costs ||
	    !e->costed || !e->scratch_first) {
		hc_eval_free(e);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	e->scratch = e->scratch_first;
	*ret = e;
	return 0;
}

struct hc_eval *hc_eval_free(struct hc_eval *e)
{
	if (!e)
		return NULL;
	hc_view_free(e->view);
	hc_match_free(e->match);
	hc_prune_done(&e->prune);
	hc_arena_done(&e->arena);
	hc_arena_done(&e->lasting);
	free(e->orders);
	free(e->slots);
	free(e->scanned);
	free(e->hit_lists);
	free(e->alike);
	free(e->listed);
	free(e->values);
	free(e->refs);
	free(e->used);
	free(e->literal_found);
	free(e->found);
	free(e->hits);
	free(e->costs);
	free(e->costed);
	free(e->spare);
	for (struct scratch_chunk *c = e->scratch_first, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(e);
	return NULL;
}

void hc_eval_set_kernels(struct hc_eval *e, const struct hc_kernels *kernels)
{
	e->kernels = kernels;
}

void hc_eval_set_pruning(struct hc_eval *e, bool on)
{
	e->no_pruning = !on;
}

bool hc_eval_pruned(const struct hc_eval *e)
{
	return e->pruned;
}

struct hc_view *hc_eval_view(struct hc_eval *e)
{
	return e->view;
}

const struct hc_rule_cost *hc_eval_costs(const struct hc_eval *e)
{
	return e->costs;
}

uint64_t hc_eval_regex_limits(const struct hc_eval *e)
{
	return hc_match_limits(e->match);
}
