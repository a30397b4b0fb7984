/* Making a plan: nothing here depends on data. */
#include "prune_priv.h"

#include <errno.h>
#include <stdlib.h>

#define SIEVE_BITS_PER_LITERAL 32
#define SCAN_FROM 3 /* nodes: fewer are quicker asked by themselves */

struct walk {
	struct hc_plan *plan;
	uint32_t *copy; /* by the IR's id: index + 1 of the copy */
	int code;
};

static void *plan_alloc(struct walk *w, size_t n)
{
	void *p = hc_arena_alloc(&w->plan->arena, n);

	if (!p)
		w->code = -ENOMEM;
	return p;
}

/* Lightest first. */
static int order_weight(const void *pa, const void *pb)
{
	const struct hc_node *a = *(const struct hc_node *const *)pa, *b = *(const struct hc_node *const *)pb;

	if (a->weight != b->weight)
		return a->weight < b->weight ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/*
 * What asking a node about one entry is likely to cost, its members being in order. A member of a conjunction is
 * asked about what those before it leave over, one of a disjunction about what they do not take; a dictionary's
 * answer serves many rows.
 */
static float weigh(const struct hc_node *node, const struct hc_node *const *kids)
{
	static const float of_cost[] = { [HC_COST_FREE] = 0.1F,   [HC_COST_BULK] = 1,   [HC_COST_TEXT] = 4,
		                         [HC_COST_COMPUTED] = 10, [HC_COST_REGEX] = 60, [HC_COST_ROW] = 200 };
	float sum = 0, share = 1, rest = node->kind == HC_NODE_AND ? 0.25F : 0.75F;

	switch ((enum hc_node_kind)node->kind) {
	case HC_NODE_AND:
	case HC_NODE_OR:
		for (unsigned i = 0; i < node->n_kids; i++) {
			sum += share * kids[i]->weight;
			share *= rest;
		}
		return sum;
	case HC_NODE_NOT:
		return kids[0]->weight;
	case HC_NODE_LIFT:
		return 1 + kids[0]->weight / 4;
	case HC_NODE_ANYANC:
	case HC_NODE_LIST:
		return 1 + kids[0]->weight;
	default:
		return of_cost[node->cost];
	}
}

/* The plan's copy of a node, its members first. */
static const struct hc_node *visit(struct walk *w, const struct hc_node *node)
{
	struct hc_plan *p = w->plan;
	const struct hc_node **kids = NULL;
	struct hc_node *copy;

	if (w->copy[node->id])
		return &p->nodes[w->copy[node->id] - 1];
	if (node->n_kids) {
		kids = plan_alloc(w, node->n_kids * sizeof(*kids));
		if (!kids)
			return node;
		for (unsigned i = 0; i < node->n_kids; i++) {
			kids[i] = visit(w, node->kids[i]);
			if (w->code < 0)
				return node;
		}
		if (node->n_kids > 1)
			qsort(kids, node->n_kids, sizeof(*kids), order_weight);
	}
	copy = &p->nodes[p->n_nodes];
	*copy = *node;
	copy->id = p->n_nodes++;
	copy->kids = kids;
	copy->source = 0;
	copy->n_users = 0;
	for (unsigned i = 0; i < node->n_kids; i++)
		p->nodes[kids[i]->id].n_users++;
	copy->weight = weigh(node, kids);
	copy->prunes = hc_prune_is_askable(node, kids);
	w->copy[node->id] = p->n_nodes;
	if (node->kind == HC_NODE_LEAF)
		p->leaf_users[node->leaf_id]++;
	return copy;
}

static uint32_t literal_find(const struct hc_plan *p, struct hc_str text, uint64_t hash, uint32_t *ret_at)
{
	uint32_t at = (uint32_t)(hash >> 32) & p->literal_mask;

	for (; p->literal_set[at]; at = (at + 1) & p->literal_mask)
		if (p->literals[p->literal_set[at] - 1].hash == hash &&
		    hc_str_eq(p->literals[p->literal_set[at] - 1].text, text))
			return p->literal_set[at];
	*ret_at = at;
	return 0;
}

static bool by_literals(const struct hc_node *node)
{
	return node->kind == HC_NODE_HEAP && node->dom == HC_OBJ_STR && node->operand->op == HC_OP_IN;
}

static void collect_literals(struct walk *w)
{
	struct hc_plan *p = w->plan;
	uint32_t n = 0, size = 16, sieve_bits = 4096;

	for (uint32_t i = 0; i < p->n_nodes; i++)
		if (by_literals(&p->nodes[i]))
			n += p->nodes[i].operand->n;
	while (size < n * 2)
		size *= 2;
	while (sieve_bits < n * SIEVE_BITS_PER_LITERAL && sieve_bits < 1u << 20)
		sieve_bits *= 2;
	p->literal_mask = size - 1;
	p->sieve_shift = 64 - (unsigned)__builtin_ctz(sieve_bits);
	p->literals = plan_alloc(w, (n + 1) * sizeof(*p->literals));
	p->literal_set = plan_alloc(w, size * sizeof(*p->literal_set));
	p->sieve = plan_alloc(w, sieve_bits / 8);
	p->node_literals = plan_alloc(w, (p->n_nodes + 1u) * sizeof(*p->node_literals));
	if (w->code < 0)
		return;
	for (uint32_t i = 0; i < p->n_nodes; i++) {
		const struct hc_operand *o;

		if (!by_literals(&p->nodes[i]))
			continue;
		o = p->nodes[i].operand;
		p->node_literals[i] = plan_alloc(w, (o->n + 1) * sizeof(uint32_t));
		for (uint32_t c = 0; w->code == 0 && c < o->n; c++) {
			uint64_t hash = hc_quick_hash(o->consts[c].s);
			uint32_t at = 0, found = literal_find(p, o->consts[c].s, hash, &at);

			if (!found) {
				p->literals[p->n_literals] = (struct hc_literal){ o->consts[c].s, hash };
				found = p->literal_set[at] = ++p->n_literals;
				p->sieve[(hash >> p->sieve_shift) / 64] |= UINT64_C(1)
				                                           << ((hash >> p->sieve_shift) % 64);
			}
			p->node_literals[i][c] = found - 1;
		}
	}
}

/* ---- texts that are scanned ---- */

/* Whether a node asks for literals at a place that a scan finds; *ret_where is of no meaning for EXISTS. */
static bool is_scannable(const struct hc_node *node, enum hc_where *ret_where)
{
	const struct hc_operand *o = node->operand;
	bool leaf = node->kind == HC_NODE_LEAF;

	if (!(leaf && o->vt == HC_VT_STR && (o->op == HC_OP_EXISTS || o->quant == HC_Q_ANY)) &&
	    !(node->kind == HC_NODE_HEAP && node->dom == HC_OBJ_STR))
		return false;
	switch (o->op) {
	case HC_OP_EXISTS:
		return leaf;
	case HC_OP_IN:
		*ret_where = HC_WHERE_EQUAL;
		return leaf; /* the heap has its own way */
	case HC_OP_STARTSWITH:
		*ret_where = HC_WHERE_BEGIN;
		return true;
	case HC_OP_ENDSWITH:
		*ret_where = HC_WHERE_END;
		return true;
	case HC_OP_CONTAINS:
		*ret_where = HC_WHERE_IN;
		return true;
	case HC_OP_ICONTAINS:
		*ret_where = HC_WHERE_IN_ANYCASE;
		return true;
	case HC_OP_PMATCH:
		*ret_where = HC_WHERE_PARTS;
		for (uint32_t i = 0; i < o->n; i++)
			if (!hc_pmatch_is_plain(o->consts[i].s))
				return false;
		return true;
	default:
		return false;
	}
}

static struct hc_source *source_of(struct hc_plan *p, const struct hc_node *node)
{
	return &p->sources[node->kind == HC_NODE_HEAP ? 0 : node->leaf_id + 1];
}

static int add_literal(struct walk *w, struct hc_textset *set, enum hc_where where, struct hc_str text,
                       uint32_t number)
{
	if (where == HC_WHERE_PARTS && !hc_pmatch_plain(text, &w->plan->arena, &text))
		return -ENOMEM;
	return hc_textset_add(set, where, text, number);
}

/* Nodes of one source, into its set. first: index + 1 of the first of them, and next, by index, that of the one
 * behind it. */
static int fill_source(struct walk *w, struct hc_source *source, uint32_t first, const uint32_t *next)
{
	struct hc_plan *p = w->plan;
	int r = 0;

	source->set = hc_textset_new();
	source->exists = plan_alloc(w, (source->n_nodes + 1u) * sizeof(*source->exists));
	if (!source->set || !source->exists)
		return -ENOMEM;
	for (uint32_t at = first; r == 0 && at; at = next[at - 1]) {
		struct hc_node *node = &p->nodes[at - 1];
		enum hc_where where = HC_WHERE_EQUAL;

		is_scannable(node, &where);
		node->source = (uint32_t)(source - p->sources) + 1;
		if (node->operand->op == HC_OP_EXISTS)
			source->exists[source->n_exists++] = node->id;
		else
			for (uint32_t c = 0; r == 0 && c < node->operand->n; c++)
				r = add_literal(w, source->set, where, node->operand->consts[c].s, node->id);
	}
	return r < 0 ? r : hc_textset_finish(source->set);
}

static bool same_reads(const struct hc_leaf_reads *a, const struct hc_leaf_reads *b)
{
	return a->cols == b->cols && a->there == b->there && a->bits == b->bits && a->bits_col == b->bits_col;
}

/* Sources whose leaves look at the same columns share what is alike in them. */
static uint32_t alike_of(struct hc_plan *p, const struct hc_node *leaf)
{
	uint32_t i = 0;

	if (!leaf || !leaf->leaf->reads.cols || HC_DOM_IS_ROWS(leaf->dom))
		return 0;
	while (i < p->n_alike &&
	       (p->alike[i].dom != leaf->dom || !same_reads(p->alike[i].reads, &leaf->leaf->reads)))
		i++;
	if (i == p->n_alike)
		p->alike[p->n_alike++] = (struct hc_plan_reads){ leaf->dom, &leaf->leaf->reads };
	return i + 1;
}

static void make_sources(struct walk *w)
{
	struct hc_plan *p = w->plan;
	uint32_t *alone;        /* by leaf id: nodes that are not scanned for */
	uint32_t *first, *next; /* by source and by node: index + 1 of what is to be scanned for, in order */

	p->n_sources = p->ir->n_leaf_ids + 1;
	p->sources = plan_alloc(w, p->n_sources * sizeof(*p->sources));
	p->alike = plan_alloc(w, p->n_sources * sizeof(*p->alike));
	alone = plan_alloc(w, (p->n_sources + 1u) * sizeof(*alone));
	first = plan_alloc(w, p->n_sources * sizeof(*first));
	next = plan_alloc(w, (p->n_nodes + 1u) * sizeof(*next));
	if (!p->sources || !p->alike || !alone || !first || !next)
		return;
	for (uint32_t i = p->n_nodes; i-- > 0;) {
		struct hc_node *node = &p->nodes[i];
		enum hc_where where;

		if (node->kind != HC_NODE_HEAP && node->kind != HC_NODE_LEAF)
			continue;
		if (is_scannable(node, &where)) {
			struct hc_source *source = source_of(p, node);

			next[i] = first[source - p->sources];
			first[source - p->sources] = i + 1;
			source->n_nodes++;
			if (node->kind == HC_NODE_LEAF && !source->leaf)
				source->leaf = node;
		} else if (node->kind == HC_NODE_LEAF) {
			alone[node->leaf_id]++;
		}
	}
	for (uint32_t i = 0; w->code == 0 && i < p->n_sources; i++) {
		struct hc_source *source = &p->sources[i];
		int r;

		if (source->n_nodes < SCAN_FROM)
			continue;
		r = fill_source(w, source, first[i], next);
		if (r == 0) {
			if (i)
				p->leaf_users[i - 1] = alone[i - 1] + 1;
			source->alike = alike_of(p, source->leaf);
			continue;
		}
		if (r != -E2BIG)
			w->code = r;
		source->set = hc_textset_free(source->set);
		for (uint32_t n = 0; n < p->n_nodes; n++)
			if (p->nodes[n].source == i + 1)
				p->nodes[n].source = 0;
	}
}

static int order_entry(const void *pa, const void *pb)
{
	const struct hc_entry *a = pa, *b = pb;

	return (a->rule > b->rule) - (a->rule < b->rule);
}

static int order_u32(const void *pa, const void *pb)
{
	const uint32_t *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* Groups of rules as numbers from 0. */
static void number_groups(struct walk *w, uint32_t *ret_of_rule)
{
	const struct hc_ir *ir = w->plan->ir;
	uint32_t *groups = plan_alloc(w, (ir->n_rules + 1u) * sizeof(*groups)), n = 0;

	if (!groups)
		return;
	for (uint32_t i = 0; i < ir->n_rules; i++)
		groups[i] = ir->rules[i].opts.group;
	qsort(groups, ir->n_rules, sizeof(*groups), order_u32);
	for (uint32_t i = 0; i < ir->n_rules; i++)
		if (!n || groups[n - 1] != groups[i])
			groups[n++] = groups[i];
	for (uint32_t i = 0; i < ir->n_rules; i++) {
		uint32_t *at = bsearch(&ir->rules[i].opts.group, groups, n, sizeof(*groups), order_u32);

		ret_of_rule[i] = (uint32_t)(at - groups);
	}
	w->plan->n_groups = n;
}

static void place_rules(struct walk *w)
{
	struct hc_plan *p = w->plan;
	const struct hc_ir *ir = p->ir;
	uint32_t count[HC_EV_MAX] = { 0 }, total = 0;
	uint32_t *groups = plan_alloc(w, (ir->n_rules + 1u) * sizeof(*groups));

	if (!groups)
		return;
	number_groups(w, groups);
	for (uint32_t i = 0; i < ir->n_rules; i++)
		for (uint32_t j = 0; !ir->rules[i].never && j < ir->rules[i].n_when; j++)
			count[ir->rules[i].when[j].event_type]++;
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		p->first[type] = total;
		total += count[type];
		if (count[type])
			hc_type_set_add(&p->types, type);
	}
	p->first[HC_EV_MAX] = total;
	p->entries = plan_alloc(w, (total + 1u) * sizeof(*p->entries));
	if (!p->entries)
		return;
	memset(count, 0, sizeof(count));
	for (uint32_t i = 0; i < ir->n_rules; i++) {
		for (uint32_t j = 0; !ir->rules[i].never && j < ir->rules[i].n_when; j++) {
			const struct hc_when *when = &ir->rules[i].when[j];
			unsigned type = when->event_type;

			p->entries[p->first[type] + count[type]++] =
				(struct hc_entry){ .rule = i, .group = groups[i], .node = when->node };
		}
	}
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (count[type] > 1)
			qsort(p->entries + p->first[type], count[type], sizeof(*p->entries), order_entry);
	for (uint32_t i = 0; i < total && w->code == 0; i++) {
		p->entries[i].node = visit(w, p->entries[i].node);
		if (w->code == 0)
			p->nodes[p->entries[i].node->id].n_users++;
	}
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		bool all = p->first[type] != p->first[type + 1];

		for (uint32_t i = p->first[type]; i < p->first[type + 1]; i++)
			all &= p->entries[i].node->prunes;
		if (all)
			hc_type_set_add(&p->prunes, type);
	}
}

int hc_plan_new(const struct hc_ir *ir, enum hc_matching matching, struct hc_plan **ret, struct hc_err *err)
{
	struct walk w = { 0 };
	struct hc_plan *p;

	if (hc_ir_error(ir, err) < 0)
		return hc_ir_error(ir, NULL);
	p = calloc(1, sizeof(*p));
	if (!p)
		return hc_err_set(err, -ENOMEM, "out of memory");
	p->arena.tight = true;
	p->ir = ir;
	p->matching = matching;
	w.plan = p;
	w.copy = calloc(ir->n_nodes + 1u, sizeof(*w.copy));
	if (!w.copy)
		w.code = -ENOMEM;
	/* half of them are never visited: their memory is not even touched */
	p->nodes = hc_arena_raw(&p->arena, (ir->n_nodes + 1u) * sizeof(*p->nodes));
	if (!p->nodes)
		w.code = -ENOMEM;
	p->leaf_users = plan_alloc(&w, (ir->n_leaf_ids + 1u) * sizeof(*p->leaf_users));
	if (w.code == 0)
		place_rules(&w);
	if (w.code == 0)
		collect_literals(&w);
	if (w.code == 0)
		make_sources(&w);
	free(w.copy);
	if (w.code < 0) {
		hc_plan_free(p);
		return hc_err_set(err, w.code, "out of memory");
	}
	*ret = p;
	return 0;
}

struct hc_plan *hc_plan_free(struct hc_plan *p)
{
	if (!p)
		return NULL;
	for (uint32_t i = 0; p->sources && i < p->n_sources; i++)
		hc_textset_free(p->sources[i].set);
	hc_arena_done(&p->arena);
	free(p);
	return NULL;
}

struct hc_type_set hc_plan_types(const struct hc_plan *p)
{
	return p->types;
}

uint32_t hc_plan_n_rules(const struct hc_plan *p)
{
	return p->ir->n_rules;
}

const struct hc_rule_opts *hc_plan_rule(const struct hc_plan *p, uint32_t rule)
{
	return hc_ir_rule(p->ir, rule);
}
