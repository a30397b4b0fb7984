/*
 * Which rules can fire in a block. A conjunction cannot be true where one of its members cannot, a disjunction
 * where none can; a leaf cannot be true where the block lacks the texts that it compares with. Of a LIFT the value
 * for "no entry" counts too. Whatever is not known to be impossible is possible.
 *
 * First only the Bloom filter is asked; when every rule is asked about texts, and some part of a text might tell
 * more, the heap is searched for it: cheaper by far than to decode the block, and needed then anyway.
 */
#include "prune_priv.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_CONSTS 128u /* of one leaf: of more, the filter takes some for present by chance */

enum { NOT_ASKED, CANNOT, MAY };

/* ---- what leaves ask ---- */

bool hc_prune_str(struct hc_prune *p, struct hc_str s)
{
	return hc_block_may_have_str(p->block, s);
}

bool hc_prune_addr(struct hc_prune *p, struct hc_str raw)
{
	return (raw.len != 4 && raw.len != 16) || hc_block_may_have_bytes(p->block, raw.p, raw.len);
}

bool hc_prune_part(struct hc_prune *p, enum hc_obj_type heap, struct hc_str part)
{
	bool found;
	uint32_t i;

	p->asks_parts = true;
	if (!p->deep || !part.len)
		return true;
	for (i = 0; i < p->n_parts; i++)
		if (p->parts[i].heap == heap && p->parts[i].n_bytes == part.len &&
		    memcmp(p->parts[i].text, part.p, part.len) == 0)
			return p->parts[i].found;
	if (i == HC_PRUNE_MAX_PARTS)
		return true;
	found = hc_block_may_contain(p->block, heap, part);
	p->parts[i].heap = heap;
	p->parts[i].n_bytes = part.len <= HC_PRUNE_MAX_PART_BYTES ? part.len : 0;
	p->parts[i].found = found;
	memcpy(p->parts[i].text, part.p, p->parts[i].n_bytes);
	p->n_parts++;
	return found;
}

/* ---- nodes ---- */

/* Every value for which it holds contains a constant. */
static bool is_part_op(unsigned op)
{
	return op == HC_OP_CONTAINS || op == HC_OP_STARTSWITH || op == HC_OP_ENDSWITH;
}

/* Every network of it is a single address. */
static bool is_addresses(const struct hc_operand *o)
{
	for (uint32_t i = 0; i < o->n; i++) {
		struct hc_str s = o->consts[i].s;

		if ((uint8_t)s.p[s.len - 1] != (s.len - 1) * 8)
			return false;
	}
	return true;
}

static bool is_plain(const struct hc_operand *o)
{
	for (uint32_t i = 0; i < o->n; i++)
		if (!hc_pmatch_is_plain(o->consts[i].s))
			return false;
	return true;
}

static bool is_askable_leaf(const struct hc_node *node)
{
	const struct hc_operand *o = node->operand;
	bool by_value, by_part;

	if (!o->n || o->n > MAX_CONSTS || o->quant == HC_Q_ALL)
		return false;
	by_value = o->op == HC_OP_IN || (o->op == HC_OP_NET && is_addresses(o));
	by_part = is_part_op(o->op) || (o->op == HC_OP_PMATCH && is_plain(o));
	if (node->kind == HC_NODE_HEAP)
		return by_value || by_part;
	if (o->vt != HC_VT_STR && o->vt != HC_VT_IP)
		return false;
	return (by_value && node->leaf->may_be) || (by_part && node->leaf->may_contain);
}

bool hc_prune_is_askable(const struct hc_node *node, const struct hc_node *const *kids)
{
	bool any = false, all = true;

	for (unsigned i = 0; i < node->n_kids; i++) {
		any |= kids[i]->prunes;
		all &= kids[i]->prunes;
	}
	switch ((enum hc_node_kind)node->kind) {
	case HC_NODE_FALSE:
		return true;
	case HC_NODE_AND:
		return any;
	case HC_NODE_OR:
	case HC_NODE_ANYANC:
		return all;
	case HC_NODE_LIFT:
		return all && !kids[0]->at0;
	case HC_NODE_LIST:
		return all && !kids[0]->at0 && node->col == HC_Q_ANY;
	case HC_NODE_HEAP:
	case HC_NODE_LEAF:
		return is_askable_leaf(node);
	default:
		return false;
	}
}

/* What stands behind the last slash, trailing ones left out: of every path below it a part. */
static struct hc_str last_component(struct hc_str s)
{
	uint32_t from;

	while (s.len && s.p[s.len - 1] == '/')
		s.len--;
	for (from = s.len; from && s.p[from - 1] != '/';)
		from--;
	return (struct hc_str){ s.p + from, s.len - from };
}

static bool may_const(struct hc_prune *p, const struct hc_node *node, struct hc_str s)
{
	unsigned op = node->operand->op;
	bool is_leaf = node->kind == HC_NODE_LEAF;

	if (op == HC_OP_NET)
		s.len--; /* the address alone */
	if (op == HC_OP_PMATCH)
		s = last_component(s);
	if (op == HC_OP_IN || op == HC_OP_NET) {
		if (is_leaf)
			return node->leaf->may_be(p, node->arg, s);
		return node->dom == HC_OBJ_STR ? hc_prune_str(p, s) : hc_prune_addr(p, s);
	}
	return is_leaf ? node->leaf->may_contain(p, node->arg, s)
	               : hc_prune_part(p, (enum hc_obj_type)node->dom, s);
}

static bool may(struct hc_prune *p, const struct hc_node *node);

static bool ask(struct hc_prune *p, const struct hc_node *node)
{
	switch ((enum hc_node_kind)node->kind) {
	case HC_NODE_FALSE:
		return false;
	case HC_NODE_AND:
		for (unsigned i = 0; i < node->n_kids; i++)
			if (!may(p, node->kids[i]))
				return false;
		return true;
	case HC_NODE_OR:
		for (unsigned i = 0; i < node->n_kids; i++)
			if (may(p, node->kids[i]))
				return true;
		return false;
	case HC_NODE_LIFT:
	case HC_NODE_ANYANC:
	case HC_NODE_LIST:
		return may(p, node->kids[0]);
	default:
		for (uint32_t i = 0; i < node->operand->n; i++)
			if (may_const(p, node, node->operand->consts[i].s))
				return true;
		return false;
	}
}

static bool may(struct hc_prune *p, const struct hc_node *node)
{
	uint8_t *known = &p->known[node->id];

	if (!node->prunes)
		return true;
	if (*known == NOT_ASKED)
		*known = ask(p, node) ? MAY : CANNOT;
	return *known == MAY;
}

/* ---- a block ---- */

static bool may_fire(struct hc_prune *p, const struct hc_plan *plan, unsigned type)
{
	for (uint32_t i = plan->first[type]; i < plan->first[type + 1]; i++)
		if (may(p, plan->entries[i].node))
			return true;
	return false;
}

/* Leaves out the types for which no rule can fire; true when those that are left might still be. */
static bool leave_out(struct hc_prune *p, const struct hc_plan *plan, struct hc_type_set *types)
{
	bool all = true;

	memset(p->known, NOT_ASKED, plan->n_nodes);
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		if (!hc_type_set_has(types, type))
			continue;
		if (!hc_type_set_has(&plan->prunes, type))
			all = false;
		else if (!may_fire(p, plan, type))
			types->w[type / 64] &= ~(UINT64_C(1) << type % 64);
	}
	return all;
}

struct hc_type_set hc_prune_types(struct hc_prune *p, const struct hc_plan *plan, struct hc_block *block)
{
	struct hc_type_set types = { 0 };

	p->block = block;
	p->deep = p->asks_parts = false;
	p->n_parts = 0;
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (plan->first[type] != plan->first[type + 1] && hc_event_desc(type) &&
		    hc_block_n_rows(block, type))
			hc_type_set_add(&types, type);
	if (!hc_type_set_meets(&types, &plan->prunes))
		return types;
	if (leave_out(p, plan, &types) && p->asks_parts && hc_type_set_meets(&types, &types)) {
		p->deep = true;
		leave_out(p, plan, &types);
	}
	return types;
}

int hc_prune_init(struct hc_prune *p, const struct hc_plan *plan)
{
	p->known = malloc(plan->n_nodes + 1u);
	return p->known ? 0 : -ENOMEM;
}

void hc_prune_done(struct hc_prune *p)
{
	free(p->known);
}
