/*
 * Building the IR: interning by a serialised key, and the rules of rewriting that ir_priv.h tells of. Every object
 * is made once, so pointers are identity and ids give an order that depends on the input alone.
 */
#include "ir_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pattern.h"
#include "view_priv.h"

#define MAX_STEPS 64
#define MAX_KIDS 65535u
#define MIN_LITERAL 3 /* bytes: shorter ones are in too many texts to spare any work */

/* ---- interning ---- */

struct key {
	uint8_t small[512];
	uint8_t *p;
	size_t n, cap;
	bool bad;
};

static void key_begin(struct key *k, char tag)
{
	k->p = k->small;
	k->cap = sizeof(k->small);
	k->n = 0;
	k->bad = false;
	k->p[k->n++] = (uint8_t)tag;
}

static void key_done(struct key *k)
{
	if (k->p != k->small)
		free(k->p);
}

static bool key_grow(struct key *k, size_t n)
{
	size_t cap = (k->n + n) * 2;
	uint8_t *grown = k->bad ? NULL : malloc(cap);

	k->bad = !grown;
	if (!grown)
		return false;
	memcpy(grown, k->p, k->n);
	key_done(k);
	k->p = grown;
	k->cap = cap;
	return true;
}

static inline void key_bytes(struct key *k, const void *p, size_t n)
{
	if (!n || (k->cap - k->n < n && !key_grow(k, n)))
		return;
	memcpy(k->p + k->n, p, n);
	k->n += n;
}

static inline void key_u32(struct key *k, uint32_t v)
{
	key_bytes(k, &v, sizeof(v));
}

static inline void key_ptr(struct key *k, const void *p)
{
	uintptr_t v = (uintptr_t)p;

	key_bytes(k, &v, sizeof(v));
}

static void key_value(struct key *k, const struct hc_value *v)
{
	key_u32(k, v->type);
	switch (v->type) {
	case HC_VT_STR:
	case HC_VT_BYTES:
	case HC_VT_IP:
		key_u32(k, v->s.len);
		key_bytes(k, v->s.p, v->s.len);
		break;
	case HC_VT_LIST:
		key_u32(k, v->list.n);
		for (uint32_t i = 0; i < v->list.n; i++)
			key_value(k, &v->list.v[i]);
		break;
	default:
		key_bytes(k, &v->u, sizeof(v->u));
	}
}

/* Sixteen bytes a step: keys of lists of constants are long, and a step has to wait for the one before. */
static uint64_t hash_step(uint64_t h, const uint64_t words[2])
{
	unsigned __int128 product = (unsigned __int128)(words[0] ^ h ^ UINT64_C(0x9e3779b97f4a7c15)) *
	                            (words[1] ^ UINT64_C(0xe7037ed1a0b428db));

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_bytes(const uint8_t *p, size_t n)
{
	uint64_t h = n, words[2];

	for (; n > sizeof(words); p += sizeof(words), n -= sizeof(words)) {
		memcpy(words, p, sizeof(words));
		h = hash_step(h, words);
	}
	memset(words, 0, sizeof(words));
	memcpy(words, p, n);
	return hash_step(h, words);
}

static void ir_failed(struct hc_ir *ir, int code, const char *what)
{
	hc_err_set(&ir->err, code, "%s", what);
}

static void *ir_alloc(struct hc_ir *ir, size_t n)
{
	void *p = hc_arena_alloc(&ir->arena, n);

	if (!p)
		ir_failed(ir, -ENOMEM, "out of memory");
	return p;
}

static int table_grow(struct hc_ir *ir)
{
	uint32_t size = ir->table ? (ir->table_mask + 1) * 4 : 4096;
	struct hc_interned_slot *table = calloc(size, sizeof(*table));
	struct hc_interned **interned = realloc(ir->interned, size / 2 * sizeof(struct hc_interned *));

	ir->interned = interned ? interned : ir->interned;
	if (!table || !interned) {
		free(table);
		return -ENOMEM;
	}
	for (uint32_t i = 0; ir->table && i <= ir->table_mask; i++) {
		uint32_t at = ir->table[i].hash & (size - 1);

		if (!ir->table[i].number)
			continue;
		while (table[at].number)
			at = (at + 1) & (size - 1);
		table[at] = ir->table[i];
	}
	free(ir->table);
	ir->table = table;
	ir->table_mask = size - 1;
	return 0;
}

/* The object of this key, or a new zeroed one of n_bytes with *ret_new set. NULL when out of memory. */
static void *intern(struct hc_ir *ir, struct key *k, size_t n_bytes, bool *ret_new)
{
	uint32_t hash = (uint32_t)hash_bytes(k->p, k->n), at;
	struct hc_interned *e;
	void *object;

	*ret_new = false;
	if (k->bad || ((!ir->table || ir->n_interned * 2 > ir->table_mask) && table_grow(ir) < 0)) {
		ir_failed(ir, -ENOMEM, "out of memory");
		return NULL;
	}
	for (at = hash & ir->table_mask; ir->table[at].number; at = (at + 1) & ir->table_mask) {
		if (ir->table[at].hash != hash)
			continue;
		e = ir->interned[ir->table[at].number - 1];
		if (e->key_bytes == k->n && memcmp(e->key, k->p, k->n) == 0)
			return e->object;
	}
	e = hc_arena_raw(&ir->arena, sizeof(*e) + k->n);
	object = ir_alloc(ir, n_bytes);
	if (!e || !object) {
		ir_failed(ir, -ENOMEM, "out of memory");
		return NULL;
	}
	*e = (struct hc_interned){ .object = object, .key_bytes = (uint32_t)k->n };
	memcpy(e->key, k->p, k->n);
	ir->interned[ir->n_interned++] = e;
	ir->table[at] = (struct hc_interned_slot){ hash, ir->n_interned };
	*ret_new = true;
	return object;
}

/* ---- life ---- */

static struct hc_node *node_new(struct hc_ir *ir, struct key *k, bool *ret_new)
{
	struct hc_node *node = intern(ir, k, sizeof(*node), ret_new);

	if (node && *ret_new)
		node->id = ir->n_nodes++;
	return node;
}

static struct hc_node *const_new(struct hc_ir *ir, enum hc_node_kind kind)
{
	struct key k;
	struct hc_node *node;
	bool is_new;

	key_begin(&k, kind == HC_NODE_TRUE ? '1' : '0');
	node = node_new(ir, &k, &is_new);
	if (node) {
		node->kind = (uint8_t)kind;
		node->at0 = kind == HC_NODE_TRUE;
	}
	return node;
}

struct hc_ir *hc_ir_new(void)
{
	struct hc_ir *ir = calloc(1, sizeof(*ir));

	if (!ir)
		return NULL;
	ir->arena.tight = true;
	ir->no = const_new(ir, HC_NODE_FALSE);
	ir->yes = const_new(ir, HC_NODE_TRUE);
	if (!ir->no || !ir->yes)
		return hc_ir_free(ir);
	return ir;
}

struct hc_ir *hc_ir_free(struct hc_ir *ir)
{
	if (!ir)
		return NULL;
	for (struct hc_operand_link *l = ir->operands; l; l = l->next)
		hc_operand_done(&l->operand);
	for (uint32_t i = 0; i < ir->n_rules; i++) {
		free(ir->rules[i].when);
		free(ir->rules[i].needs);
		free(ir->rules[i].formers);
		free(ir->rules[i].reasons);
	}
	free(ir->rules);
	free(ir->table);
	free(ir->interned);
	free(ir->inverses);
	hc_match_free(ir->match);
	hc_arena_done(&ir->arena);
	free(ir);
	return NULL;
}

int hc_ir_error(const struct hc_ir *ir, struct hc_err *err)
{
	if (ir->err.code && err && !err->code)
		*err = ir->err;
	return ir->err.code;
}

struct hc_arena *hc_ir_arena(struct hc_ir *ir)
{
	return &ir->arena;
}

/* ---- paths ---- */

static struct hc_path *path_new(struct hc_ir *ir, const struct hc_path *prev, const struct hc_step *step, bool any,
                                unsigned event_type)
{
	struct hc_path *p;
	struct key k;
	bool is_new;

	if (prev && prev->n_steps >= MAX_STEPS) {
		ir_failed(ir, -E2BIG, "a path of too many steps");
		return NULL;
	}
	key_begin(&k, 'p');
	key_u32(&k, event_type);
	key_ptr(&k, prev);
	key_ptr(&k, step);
	key_u32(&k, any);
	p = intern(ir, &k, sizeof(*p), &is_new);
	key_done(&k);
	if (!p || !is_new)
		return p;
	p->id = ir->n_ids++;
	p->event_type = (uint16_t)event_type;
	p->prev = prev;
	p->step = step;
	p->any = any;
	p->has_any = any || (prev && prev->has_any);
	p->n_steps = prev ? (uint16_t)(prev->n_steps + 1) : 0;
	p->dom = step ? step->to : any ? (uint16_t)HC_OBJ_PROC : (uint16_t)HC_DOM_ROWS(event_type);
	return p;
}

const struct hc_path *hc_path_row(struct hc_ir *ir, unsigned event_type)
{
	if (!hc_event_desc(event_type)) {
		ir_failed(ir, -EINVAL, "a path from an event type that does not exist");
		return NULL;
	}
	return path_new(ir, NULL, NULL, false, event_type);
}

static const struct hc_step *step_col(struct hc_ir *ir, unsigned from, unsigned col, unsigned to)
{
	struct hc_step *s;
	struct key k;
	bool is_new;

	key_begin(&k, 's');
	key_u32(&k, from);
	key_u32(&k, col);
	s = intern(ir, &k, sizeof(*s), &is_new);
	key_done(&k);
	if (s && is_new)
		*s = (struct hc_step){ .id = ir->n_steps++,
			               .kind = HC_STEP_COL,
			               .from = (uint16_t)from,
			               .to = (uint16_t)to,
			               .col = (uint16_t)col };
	return s;
}

const struct hc_path *hc_path_hop(struct hc_ir *ir, const struct hc_path *p, unsigned col)
{
	const struct hc_table_desc *desc = p ? hc_dom_desc(p->dom) : NULL;
	const struct hc_step *s;

	if (!p)
		return NULL;
	if (!desc || col >= desc->n_cols || desc->cols[col].ref == HC_OBJ_NONE ||
	    desc->cols[col].ref >= HC_OBJ_END) {
		hc_err_set(&ir->err, -EINVAL, "%s.%s does not refer to an object", hc_dom_name(p->dom),
		           desc && col < desc->n_cols ? desc->cols[col].name : "?");
		return NULL;
	}
	s = step_col(ir, p->dom, col, desc->cols[col].ref);
	return s ? path_new(ir, p, s, false, p->event_type) : NULL;
}

const struct hc_path *hc_path_ancestor(struct hc_ir *ir, const struct hc_path *p, unsigned n)
{
	for (; p && n; n--)
		p = hc_path_hop(ir, p, HC_O_PROC_parent);
	return p;
}

const struct hc_path *hc_path_any_ancestor(struct hc_ir *ir, const struct hc_path *p)
{
	if (!p)
		return NULL;
	if (p->dom != HC_OBJ_PROC || p->has_any) {
		ir_failed(ir, -EINVAL, "only a process has ancestors, and once in a path");
		return NULL;
	}
	return path_new(ir, p, NULL, true, p->event_type);
}

const struct hc_path *hc_path_else(struct hc_ir *ir, const struct hc_path *a, const struct hc_path *b)
{
	struct hc_step *s;
	struct key k;
	bool is_new;

	if (!a || !b || a == b)
		return a && b ? a : NULL;
	if (a->dom != b->dom || a->event_type != b->event_type || a->has_any || b->has_any || !a->prev ||
	    !b->prev) {
		ir_failed(ir, -EINVAL, "two paths that do not lead from and to the same");
		return NULL;
	}
	key_begin(&k, 'e');
	key_ptr(&k, a);
	key_ptr(&k, b);
	s = intern(ir, &k, sizeof(*s), &is_new);
	key_done(&k);
	if (!s)
		return NULL;
	if (is_new)
		*s = (struct hc_step){ .id = ir->n_steps++,
			               .kind = HC_STEP_ELSE,
			               .from = (uint16_t)HC_DOM_ROWS(a->event_type),
			               .to = a->dom,
			               .a = a,
			               .b = b };
	return path_new(ir, path_new(ir, NULL, NULL, false, a->event_type), s, false, a->event_type);
}

/* ---- accesses ---- */

static const struct hc_access *access_new(struct hc_ir *ir, const struct hc_access *like)
{
	struct hc_access *a;
	struct key k;
	bool is_new;

	key_begin(&k, 'a');
	key_u32(&k, like->kind);
	key_u32(&k, like->event_type);
	key_u32(&k, like->col);
	key_ptr(&k, like->path);
	key_ptr(&k, like->leaf);
	key_ptr(&k, like->arg);
	key_ptr(&k, like->a);
	key_ptr(&k, like->b);
	key_value(&k, &like->value);
	a = intern(ir, &k, sizeof(*a), &is_new);
	key_done(&k);
	if (a && is_new) {
		*a = *like;
		a->id = ir->n_ids++;
	}
	return a;
}

const struct hc_access *hc_access_col(struct hc_ir *ir, const struct hc_path *p, unsigned col)
{
	struct hc_access a = { .kind = HC_ACCESS_COL, .col = (uint16_t)col, .path = p };
	const struct hc_table_desc *desc = p ? hc_dom_desc(p->dom) : NULL;
	const struct hc_col_desc *cd;

	if (!p)
		return NULL;
	if (!desc || col >= desc->n_cols ||
	    (desc->cols[col].ref != HC_OBJ_NONE && desc->cols[col].ref < HC_OBJ_END)) {
		hc_err_set(&ir->err, -EINVAL, "%s.%s is not a value", hc_dom_name(p->dom),
		           desc && col < desc->n_cols ? desc->cols[col].name : "?");
		return NULL;
	}
	cd = &desc->cols[col];
	a.event_type = p->event_type;
	switch (cd->ref) {
	case HC_OBJ_STR:
		a.vt = HC_VT_STR;
		break;
	case HC_OBJ_BYTES:
		a.vt = cd->fmt == HC_FMT_IP ? HC_VT_IP : HC_VT_BYTES;
		break;
	case HC_OBJ_STRS:
		a.vt = HC_VT_LIST;
		a.item = HC_VT_STR;
		break;
	case HC_OBJ_INTS:
		a.vt = HC_VT_LIST;
		a.item = HC_VT_I64;
		break;
	default:
		a.vt = cd->fmt == HC_FMT_BOOL ? HC_VT_BOOL : cd->is_signed ? HC_VT_I64 : HC_VT_U64;
	}
	return access_new(ir, &a);
}

const struct hc_access *hc_access_row(struct hc_ir *ir, const struct hc_path *p, enum hc_row_field f)
{
	struct hc_access a = { .kind = HC_ACCESS_ROW, .col = (uint16_t)f, .path = p };

	if (!p)
		return NULL;
	if (p->prev || f >= HC_N_ROWFS) {
		ir_failed(ir, -EINVAL, "only a row has a number and a time");
		return NULL;
	}
	a.event_type = p->event_type;
	a.vt = f == HC_ROWF_WALL_NS ? HC_VT_I64 : HC_VT_U64;
	return access_new(ir, &a);
}

const struct hc_access *hc_access_leaf(struct hc_ir *ir, const struct hc_path *p, const struct hc_leaf *leaf,
                                       const void *arg)
{
	struct hc_access a = { .kind = HC_ACCESS_LEAF, .path = p, .leaf = leaf, .arg = arg };

	if (!p)
		return NULL;
	if (leaf->dom != p->dom && !(HC_DOM_IS_ROWS(leaf->dom) && HC_DOM_IS_ROWS(p->dom))) {
		hc_err_set(&ir->err, -EINVAL, "%s is a value of %s, not of %s", leaf->name, hc_dom_name(leaf->dom),
		           hc_dom_name(p->dom));
		return NULL;
	}
	a.event_type = p->event_type;
	a.vt = (uint8_t)leaf->type;
	a.item = (uint8_t)leaf->item;
	return access_new(ir, &a);
}

static bool value_copy(struct hc_ir *ir, const struct hc_value *v, struct hc_value *ret)
{
	struct hc_value *items;

	*ret = *v;
	ret->ref = 0;
	switch (v->type) {
	case HC_VT_STR:
	case HC_VT_BYTES:
	case HC_VT_IP:
		ret->s = hc_arena_str(&ir->arena, v->s);
		return ret->s.p != NULL;
	case HC_VT_LIST:
		items = ir_alloc(ir, (v->list.n + 1u) * sizeof(*items));
		if (!items)
			return false;
		for (uint32_t i = 0; i < v->list.n; i++)
			if (!value_copy(ir, &v->list.v[i], &items[i]))
				return false;
		ret->list.v = items;
		return true;
	default:
		return true;
	}
}

const struct hc_access *hc_access_const(struct hc_ir *ir, unsigned event_type, const struct hc_value *value)
{
	struct hc_access a = { .kind = HC_ACCESS_CONST, .event_type = (uint16_t)event_type, .vt = value->type };

	if (!value_copy(ir, value, &a.value)) {
		ir_failed(ir, -ENOMEM, "out of memory");
		return NULL;
	}
	if (value->type == HC_VT_LIST)
		a.item = value->list.n ? value->list.v[0].type : (uint8_t)HC_VT_STR;
	return access_new(ir, &a);
}

const struct hc_access *hc_access_else(struct hc_ir *ir, const struct hc_access *a, const struct hc_access *b)
{
	struct hc_access both = { .kind = HC_ACCESS_ELSE, .a = a, .b = b };

	if (!a || !b || a == b)
		return a && b ? a : NULL;
	if (a->event_type != b->event_type || a->vt != b->vt || a->item != b->item) {
		ir_failed(ir, -EINVAL, "two values that are not of the same type");
		return NULL;
	}
	both.event_type = a->event_type;
	both.vt = a->vt;
	both.item = a->item;
	return access_new(ir, &both);
}

enum hc_vt hc_access_type(const struct hc_access *a)
{
	return a ? (enum hc_vt)a->vt : HC_VT_NONE;
}

/* ---- nodes ---- */

static void adopt(struct hc_node *node, const struct hc_node **kids, size_t n)
{
	node->kids = kids;
	node->n_kids = (uint16_t)n;
	for (size_t i = 0; i < n; i++)
		if (kids[i]->cost > node->cost)
			node->cost = kids[i]->cost;
}

static const struct hc_node *one_kid(struct hc_ir *ir, char tag, enum hc_node_kind kind, unsigned dom,
                                     const struct hc_node *kid, const struct hc_step *step, unsigned quant)
{
	const struct hc_node **kids;
	struct hc_node *node;
	struct key k;
	bool is_new;

	key_begin(&k, tag);
	key_ptr(&k, kid);
	key_ptr(&k, step);
	key_u32(&k, quant);
	node = node_new(ir, &k, &is_new);
	key_done(&k);
	if (!node || !is_new)
		return node;
	kids = ir_alloc(ir, sizeof(*kids));
	if (!kids)
		return ir->no;
	kids[0] = kid;
	node->kind = (uint8_t)kind;
	node->dom = (uint16_t)dom;
	node->step = step;
	node->col = (uint16_t)quant;
	adopt(node, kids, 1);
	if (kind == HC_NODE_NOT)
		node->at0 = !kid->at0;
	else if (kind == HC_NODE_LIFT)
		node->at0 = kid->at0;
	return node;
}

static const struct hc_node *lift(struct hc_ir *ir, const struct hc_step *step, const struct hc_node *kid)
{
	if (!kid || !step)
		return ir->no;
	if (kid->kind == HC_NODE_FALSE || kid->kind == HC_NODE_TRUE)
		return kid;
	return one_kid(ir, 'l', HC_NODE_LIFT, step->from, kid, step, 0);
}

bool hc_node_is_false(const struct hc_node *node)
{
	return !node || node->kind == HC_NODE_FALSE;
}

bool hc_node_is_true(const struct hc_node *node)
{
	return node && node->kind == HC_NODE_TRUE;
}

const struct hc_node *hc_node_const(struct hc_ir *ir, bool value)
{
	return value ? ir->yes : ir->no;
}

struct kids {
	const struct hc_node **v;
	size_t n, cap;
	bool bad;
	const struct hc_node *few[16]; /* most have no more */
};

static void kids_init(struct kids *kids)
{
	kids->v = kids->few;
	kids->n = 0;
	kids->cap = sizeof(kids->few) / sizeof(kids->few[0]);
	kids->bad = false;
}

static void kids_done(struct kids *kids)
{
	if (kids->v != kids->few)
		free(kids->v);
}

static void kids_add(struct kids *kids, const struct hc_node *node)
{
	if (kids->n == kids->cap) {
		const struct hc_node **v = malloc(kids->cap * 2 * sizeof(*v));

		if (!v) {
			kids->bad = true;
			return;
		}
		memcpy(v, kids->v, kids->n * sizeof(*v));
		kids_done(kids);
		kids->v = v;
		kids->cap *= 2;
	}
	kids->v[kids->n++] = node;
}

static void flatten(struct hc_ir *ir, struct kids *kids, enum hc_node_kind kind,
                    const struct hc_node *const *nodes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct hc_node *node = nodes[i] ? nodes[i] : ir->no;

		if (node->kind == kind)
			flatten(ir, kids, kind, node->kids, node->n_kids);
		else
			kids_add(kids, node);
	}
}

/* Members of the same step first, in order of step, so that they can be merged; then by id. */
static int order_kids(const void *pa, const void *pb)
{
	const struct hc_node *a = *(const struct hc_node *const *)pa, *b = *(const struct hc_node *const *)pb;
	uint32_t sa = a->kind == HC_NODE_LIFT ? a->step->id : UINT32_MAX;
	uint32_t sb = b->kind == HC_NODE_LIFT ? b->step->id : UINT32_MAX;

	if (sa != sb)
		return sa < sb ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* As they come they mostly are in order, and few. */
static void kids_sort(struct kids *kids)
{
	for (size_t i = 1; i < kids->n; i++) {
		const struct hc_node *kid = kids->v[i];
		size_t at = i;

		if (order_kids(&kids->v[i - 1], &kid) <= 0)
			continue;
		if (kids->v != kids->few) {
			qsort(kids->v, kids->n, sizeof(kids->v[0]), order_kids);
			return;
		}
		for (; at && order_kids(&kids->v[at - 1], &kid) > 0; at--)
			kids->v[at] = kids->v[at - 1];
		kids->v[at] = kid;
	}
}

static const struct hc_node *junction(struct hc_ir *ir, enum hc_node_kind kind, const struct hc_node *const *nodes,
                                      size_t n);

/* LIFTs by the same step: what they lead to, as one. Most event types ask the same of what their rows refer to, so
 * the answer is kept. */
static const struct hc_node *merged(struct hc_ir *ir, enum hc_node_kind kind, const struct hc_node *const *lifts,
                                    size_t n)
{
	const struct hc_node **known;
	struct kids inner;
	struct key k;
	bool is_new;

	key_begin(&k, kind == HC_NODE_AND ? 'A' : 'O');
	for (size_t i = 0; i < n; i++)
		key_ptr(&k, lifts[i]->kids[0]);
	known = intern(ir, &k, sizeof(*known), &is_new);
	key_done(&k);
	if (!known || !is_new)
		return known ? *known : ir->no;
	kids_init(&inner);
	for (size_t i = 0; i < n; i++)
		kids_add(&inner, lifts[i]->kids[0]);
	if (inner.bad)
		ir_failed(ir, -ENOMEM, "out of memory");
	*known = inner.bad ? ir->no : junction(ir, kind, inner.v, inner.n);
	kids_done(&inner);
	return *known;
}

/* Sorts, drops doubles and neutral members, merges LIFTs by the same step. Returns the deciding constant when
 * there is one. */
static const struct hc_node *simplify(struct hc_ir *ir, enum hc_node_kind kind, struct kids *kids)
{
	const struct hc_node *neutral = kind == HC_NODE_AND ? ir->yes : ir->no;
	const struct hc_node *deciding = kind == HC_NODE_AND ? ir->no : ir->yes;
	size_t n = 0;

	kids_sort(kids);
	for (size_t i = 0, end; i < kids->n; i = end) {
		const struct hc_node *node = kids->v[i];

		end = i + 1;
		if (node->kind == HC_NODE_LIFT) {
			while (end < kids->n && kids->v[end]->kind == HC_NODE_LIFT &&
			       kids->v[end]->step == node->step)
				end++;
			if (end > i + 1)
				node = lift(ir, node->step, merged(ir, kind, kids->v + i, end - i));
			if (!node)
				return ir->no; /* sticky: out of memory */
		}
		if (node == deciding)
			return deciding;
		if (node != neutral && !(n && kids->v[n - 1] == node))
			kids->v[n++] = node;
	}
	kids->n = n;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; kids->v[i]->kind == HC_NODE_NOT && j < n; j++)
			if (kids->v[i]->kids[0] == kids->v[j])
				return deciding; /* x and not x; x or not x */
	return NULL;
}

static const struct hc_node *junction(struct hc_ir *ir, enum hc_node_kind kind, const struct hc_node *const *nodes,
                                      size_t n)
{
	struct kids kids;
	const struct hc_node *ret;
	const struct hc_node **own;
	struct hc_node *node;
	struct key k;
	bool is_new;

	kids_init(&kids);
	flatten(ir, &kids, kind, nodes, n);
	if (kids.bad || kids.n > MAX_KIDS) {
		ir_failed(ir, kids.bad ? -ENOMEM : -E2BIG,
		          kids.bad ? "out of memory" : "a condition with too many parts");
		kids_done(&kids);
		return ir->no;
	}
	ret = kids.n ? simplify(ir, kind, &kids) : NULL;
	if (!ret && kids.n == 0)
		ret = hc_node_const(ir, kind == HC_NODE_AND);
	if (!ret && kids.n == 1)
		ret = kids.v[0];
	if (ret) {
		kids_done(&kids);
		return ret;
	}
	key_begin(&k, kind == HC_NODE_AND ? '&' : '|');
	for (size_t i = 0; i < kids.n; i++)
		key_ptr(&k, kids.v[i]);
	node = node_new(ir, &k, &is_new);
	key_done(&k);
	if (node && is_new) {
		own = ir_alloc(ir, kids.n * sizeof(*own));
		if (own) {
			memcpy(own, kids.v, kids.n * sizeof(*own));
			node->kind = (uint8_t)kind;
			node->dom = own[0]->dom;
			adopt(node, own, kids.n);
			node->at0 = kind == HC_NODE_AND;
			for (size_t i = 0; i < kids.n; i++) {
				if (kind == HC_NODE_AND)
					node->at0 &= own[i]->at0;
				else
					node->at0 |= own[i]->at0;
				if (own[i]->dom != node->dom)
					ir_failed(ir, -EINVAL, "conditions of different event types in one");
			}
		}
	}
	kids_done(&kids);
	return ir->err.code || !node ? ir->no : node;
}

const struct hc_node *hc_node_and(struct hc_ir *ir, const struct hc_node *const *nodes, size_t n)
{
	return junction(ir, HC_NODE_AND, nodes, n);
}

const struct hc_node *hc_node_or(struct hc_ir *ir, const struct hc_node *const *nodes, size_t n)
{
	return junction(ir, HC_NODE_OR, nodes, n);
}

static const struct hc_node *inverted(struct hc_ir *ir, const struct hc_node *node)
{
	const struct hc_node *ret;
	struct kids kids;

	switch (node->kind) {
	case HC_NODE_FALSE:
		return ir->yes;
	case HC_NODE_TRUE:
		return ir->no;
	case HC_NODE_NOT:
		return node->kids[0];
	case HC_NODE_LIFT:
		return lift(ir, node->step, hc_node_not(ir, node->kids[0]));
	case HC_NODE_AND:
	case HC_NODE_OR:
		kids_init(&kids);
		for (size_t i = 0; i < node->n_kids; i++)
			kids_add(&kids, hc_node_not(ir, node->kids[i]));
		if (kids.bad)
			ir_failed(ir, -ENOMEM, "out of memory");
		ret = kids.bad
		              ? ir->no
		              : junction(ir, node->kind == HC_NODE_AND ? HC_NODE_OR : HC_NODE_AND, kids.v, kids.n);
		kids_done(&kids);
		return ret;
	default:
		return one_kid(ir, '!', HC_NODE_NOT, node->dom, node, NULL, 0);
	}
}

static bool inverses_grow(struct hc_ir *ir)
{
	size_t n = (size_t)ir->n_nodes * 2;
	const struct hc_node **grown = realloc(ir->inverses, n * sizeof(*grown));

	if (!grown) {
		ir_failed(ir, -ENOMEM, "out of memory");
		return false;
	}
	memset(grown + ir->n_inverses, 0, (n - ir->n_inverses) * sizeof(*grown));
	ir->inverses = grown;
	ir->n_inverses = n;
	return true;
}

const struct hc_node *hc_node_not(struct hc_ir *ir, const struct hc_node *node)
{
	const struct hc_node *ret;

	if (!node || (node->id >= ir->n_inverses && !inverses_grow(ir)))
		return ir->no; /* sticky: out of memory */
	if (ir->inverses[node->id])
		return ir->inverses[node->id];
	ret = inverted(ir, node);
	ir->inverses[node->id] = ret;
	return ret;
}

/* ---- atoms ---- */

static enum hc_cost operand_cost(const struct hc_operand *o)
{
	switch (o->op) {
	case HC_OP_GLOB:
	case HC_OP_IGLOB:
	case HC_OP_REGEX:
	case HC_OP_REGEX_FIND:
	case HC_OP_PMATCH:
		return HC_COST_REGEX;
	case HC_OP_IN:
	case HC_OP_EXISTS:
		return HC_COST_BULK;
	default:
		return o->vt == HC_VT_STR || o->vt == HC_VT_BYTES || o->vt == HC_VT_IP ? HC_COST_TEXT
		                                                                       : HC_COST_BULK;
	}
}

static void key_leaf(struct key *k, char tag, const struct hc_node *like)
{
	key_begin(k, tag);
	key_u32(k, like->kind);
	key_u32(k, like->dom);
	key_u32(k, like->col);
	key_ptr(k, like->leaf);
	key_ptr(k, like->arg);
}

/* A leaf node over its operand; interned by what it compares. */
static const struct hc_node *leaf_of(struct hc_ir *ir, const struct hc_node *like, enum hc_op op,
                                     enum hc_quant quant, enum hc_vt vt, const struct hc_value *consts, size_t n,
                                     struct hc_err *err)
{
	struct hc_operand_link *link = ir_alloc(ir, sizeof(*link));
	struct hc_node *node;
	struct key k;
	bool is_new;
	int r;

	if (!link)
		return NULL;
	r = hc_operand_init(&link->operand, &ir->arena, op, quant, vt, consts, n, err);
	if (r < 0) {
		if (r == -ENOMEM)
			ir_failed(ir, r, "out of memory");
		return NULL;
	}
	if (link->operand.n == 0 && op != HC_OP_EXISTS && quant != HC_Q_ALL) {
		hc_operand_done(&link->operand);
		return ir->no;
	}
	key_leaf(&k, 'o', like);
	key_u32(&k, link->operand.op);
	key_u32(&k, vt == HC_VT_I64 || vt == HC_VT_U64 ? (uint32_t)vt : vt == HC_VT_BOOL ? HC_VT_BOOL : HC_VT_STR);
	key_u32(&k, like->kind == HC_NODE_INTS || like->kind == HC_NODE_LEAF ? (uint32_t)quant : 0);
	for (uint32_t i = 0; i < link->operand.n; i++) {
		struct hc_value v = link->operand.consts[i];

		if (v.type == HC_VT_BYTES || v.type == HC_VT_IP)
			v.type = HC_VT_STR;
		key_value(&k, &v);
	}
	node = node_new(ir, &k, &is_new);
	key_done(&k);
	if (!node || !is_new) {
		hc_operand_done(&link->operand);
		return node;
	}
	link->next = ir->operands;
	ir->operands = link;
	node->kind = like->kind;
	node->dom = like->dom;
	node->col = like->col;
	node->leaf = like->leaf;
	node->arg = like->arg;
	node->leaf_id = like->leaf_id;
	node->operand = &link->operand;
	node->cost = (uint8_t)operand_cost(&link->operand);
	if (like->kind == HC_NODE_LEAF) {
		if (node->cost < HC_COST_COMPUTED)
			node->cost = HC_COST_COMPUTED;
		if (HC_DOM_IS_ROWS(node->dom))
			node->cost = HC_COST_ROW;
	} else if (like->kind == HC_NODE_HEAP && (like->dom == HC_OBJ_BYTES || link->operand.op != HC_OP_IN) &&
	           node->cost < HC_COST_TEXT)
		node->cost = HC_COST_TEXT;
	return node;
}

/* The leaf of constants as they are given: of most, another rule or event type has asked before, and what became
 * of them is known without another operand. */
static const struct hc_node *leaf_node(struct hc_ir *ir, const struct hc_node *like, enum hc_op op,
                                       enum hc_quant quant, enum hc_vt vt, const struct hc_value *consts, size_t n,
                                       struct hc_err *err)
{
	const struct hc_node **known;
	struct key k;
	bool is_new;

	key_leaf(&k, 'g', like);
	key_u32(&k, op);
	key_u32(&k, quant);
	key_u32(&k, vt);
	for (size_t i = 0; i < n; i++)
		key_value(&k, &consts[i]);
	known = intern(ir, &k, sizeof(*known), &is_new);
	key_done(&k);
	if (known && !*known)
		*known = leaf_of(ir, like, op, quant, vt, consts, n,
		                 err); /* NULL: the next one will be told why, too */
	return known ? *known : NULL;
}

static const struct hc_node *present(struct hc_ir *ir, unsigned dom)
{
	struct hc_node *node;
	struct key k;
	bool is_new;

	key_begin(&k, 'P');
	key_u32(&k, dom);
	node = node_new(ir, &k, &is_new);
	key_done(&k);
	if (node && is_new) {
		node->kind = HC_NODE_PRESENT;
		node->dom = (uint16_t)dom;
		node->cost = HC_COST_FREE;
	}
	return node;
}

/* One number for each leaf, argument and domain: their values are kept under it. */
static uint32_t leaf_id(struct hc_ir *ir, unsigned dom, const struct hc_leaf *leaf, const void *arg)
{
	uint32_t *id;
	struct key k;
	bool is_new;

	key_begin(&k, 'L');
	key_u32(&k, dom);
	key_ptr(&k, leaf);
	key_ptr(&k, arg);
	id = intern(ir, &k, sizeof(*id), &is_new);
	key_done(&k);
	if (!id)
		return 0;
	if (is_new)
		*id = ir->n_leaf_ids++;
	return *id;
}

/* NE over anything: there is a value, and it is none of the constants. */
static const struct hc_node *none_of(struct hc_ir *ir, const struct hc_node *exists, const struct hc_node *in)
{
	if (!exists || !in)
		return NULL;
	return hc_node_and(ir, (const struct hc_node *[]){ exists, hc_node_not(ir, in) }, 2);
}

/* ---- patterns: as literals where that says the same, behind a literal where every match must contain one ---- */

struct literals {
	struct hc_value *v[HC_N_OPS];
	size_t n[HC_N_OPS];
};

static void literal_add(struct literals *l, enum hc_op op, struct hc_str s)
{
	l->v[op][l->n[op]++] = hc_value_str(s);
}

/* One leaf for each kind of literal. NULL when one of them failed. */
static const struct hc_node *any_of(struct hc_ir *ir, const struct hc_node *like, enum hc_quant quant,
                                    const struct literals *l, const struct hc_node *also, struct hc_err *err)
{
	const struct hc_node *nodes[HC_N_OPS + 1];
	size_t n = 0;

	if (also)
		nodes[n++] = also;
	for (unsigned op = 0; op < HC_N_OPS; op++) {
		if (!l->n[op])
			continue;
		nodes[n] = leaf_node(ir, like, (enum hc_op)op, quant, HC_VT_STR, l->v[op], l->n[op], err);
		if (!nodes[n++])
			return NULL;
	}
	return hc_node_or(ir, nodes, n);
}

static bool literals_init(struct hc_ir *ir, struct literals *l, size_t n)
{
	static const enum hc_op ops[] = { HC_OP_IN, HC_OP_STARTSWITH, HC_OP_ENDSWITH, HC_OP_CONTAINS,
		                          HC_OP_ICONTAINS };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		l->v[ops[i]] = ir_alloc(ir, (n + 1) * sizeof(struct hc_value));
		if (!l->v[ops[i]])
			return false;
	}
	return true;
}

/* The patterns, asked only about texts that contain the literal of at least one. */
static const struct hc_node *behind_literal(struct hc_ir *ir, const struct hc_node *like, enum hc_op op,
                                            enum hc_quant quant, const struct hc_value *consts, size_t n,
                                            struct hc_err *err)
{
	enum hc_op in = op == HC_OP_IGLOB ? HC_OP_ICONTAINS : HC_OP_CONTAINS;
	const struct hc_node *node = leaf_node(ir, like, op, quant, HC_VT_STR, consts, n, err), *first;
	struct literals l = { 0 };

	if (!node || !literals_init(ir, &l, n))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct hc_str s = op == HC_OP_GLOB || op == HC_OP_IGLOB
		                          ? hc_glob_literal(consts[i].s)
		                          : hc_regex_literal(consts[i].s, &ir->arena);

		if (s.len < MIN_LITERAL)
			return node;
		literal_add(&l, in, s);
	}
	first = any_of(ir, like, quant, &l, NULL, err);
	return first ? hc_node_and(ir, (const struct hc_node *[]){ first, node }, 2) : NULL;
}

static const struct hc_node *glob_node(struct hc_ir *ir, const struct hc_node *like, enum hc_op op,
                                       enum hc_quant quant, const struct hc_value *consts, size_t n,
                                       struct hc_err *err)
{
	struct hc_value *others = ir_alloc(ir, (n + 1) * sizeof(*others));
	const struct hc_node *rest = NULL;
	struct literals l = { 0 };
	size_t n_others = 0;

	if (!others || !literals_init(ir, &l, n))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct hc_str literal = { 0 };
		enum hc_glob_form form = hc_glob_form(consts[i].s, &literal);

		if (op == HC_OP_IGLOB && form != HC_GLOB_IN)
			form = HC_GLOB_OTHER;
		switch (form) {
		case HC_GLOB_EQUAL:
			literal_add(&l, HC_OP_IN, literal);
			break;
		case HC_GLOB_BEGIN:
			literal_add(&l, HC_OP_STARTSWITH, literal);
			break;
		case HC_GLOB_END:
			literal_add(&l, HC_OP_ENDSWITH, literal);
			break;
		case HC_GLOB_IN:
			literal_add(&l, op == HC_OP_IGLOB ? HC_OP_ICONTAINS : HC_OP_CONTAINS, literal);
			break;
		case HC_GLOB_OTHER:
			others[n_others++] = consts[i];
			break;
		}
	}
	if (n_others) {
		rest = behind_literal(ir, like, op, quant, others, n_others, err);
		if (!rest)
			return NULL;
	}
	return any_of(ir, like, quant, &l, rest, err);
}

static bool is_plain_path(struct hc_str s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (s.p[i] == '?' || s.p[i] == '*' || s.p[i] == '[' ||
		    (s.p[i] == '/' && i + 1 < s.len && s.p[i + 1] == '/'))
			return false;
	return s.len > 1 && s.p[0] == '/' && s.p[s.len - 1] != '/';
}

/*
 * Of a text that begins with a slash and has none doubled, as nearly all do, /a/b is a prefix by components when
 * it is the text, or the text begins with /a/b/. Other texts, and patterns with wildcards, are gone through by
 * components.
 */
static const struct hc_node *pmatch_node(struct hc_ir *ir, const struct hc_node *like,
                                         const struct hc_value *consts, size_t n, struct hc_err *err)
{
	struct hc_value *others = ir_alloc(ir, (n + 1) * sizeof(*others)), slash = hc_value_str(HC_STR("/")),
			double_slash = hc_value_str(HC_STR("//"));
	const struct hc_node *all, *odd, *begins, *doubled, *rest = NULL;
	struct literals l = { 0 };
	size_t n_others = 0;

	if (!others || !literals_init(ir, &l, n))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const char *below;

		if (!is_plain_path(consts[i].s)) {
			others[n_others++] = consts[i];
			continue;
		}
		below = hc_arena_printf(&ir->arena, HC_STR_FMT "/", HC_STR_ARG(consts[i].s));
		if (!below)
			return NULL;
		literal_add(&l, HC_OP_IN, consts[i].s);
		literal_add(&l, HC_OP_STARTSWITH, (struct hc_str){ below, consts[i].s.len + 1 });
	}
	if (n_others)
		rest = leaf_node(ir, like, HC_OP_PMATCH, HC_Q_ANY, HC_VT_STR, others, n_others, err);
	if (n_others == n || (n_others && !rest))
		return rest;
	begins = leaf_node(ir, like, HC_OP_STARTSWITH, HC_Q_ANY, HC_VT_STR, &slash, 1, err);
	doubled = leaf_node(ir, like, HC_OP_CONTAINS, HC_Q_ANY, HC_VT_STR, &double_slash, 1, err);
	all = leaf_node(ir, like, HC_OP_PMATCH, HC_Q_ANY, HC_VT_STR, consts, n, err);
	if (!begins || !doubled || !all)
		return NULL;
	odd = hc_node_or(ir, (const struct hc_node *[]){ doubled, hc_node_not(ir, begins) }, 2);
	odd = hc_node_and(ir, (const struct hc_node *[]){ odd, all }, 2);
	return any_of(ir, like, HC_Q_ANY, &l,
	              rest ? hc_node_or(ir, (const struct hc_node *[]){ odd, rest }, 2) : odd, err);
}

/* A leaf over texts: `like` with an operator, patterns taken apart. is_list: its values are lists. */
static const struct hc_node *text_node(struct hc_ir *ir, const struct hc_node *like, enum hc_op op,
                                       enum hc_quant quant, enum hc_vt vt, bool is_list,
                                       const struct hc_value *consts, size_t n, struct hc_err *err)
{
	const struct hc_node *whole;
	bool pattern = op == HC_OP_GLOB || op == HC_OP_IGLOB || op == HC_OP_PMATCH || op == HC_OP_REGEX ||
	               op == HC_OP_REGEX_FIND;

	if (!pattern || vt != HC_VT_STR || !n || quant == HC_Q_ALL || (op == HC_OP_PMATCH && is_list))
		return leaf_node(ir, like, op, quant, vt, consts, n, err);
	whole = leaf_node(ir, like, op, quant, vt, consts, n,
	                  err); /* its complaints are about the constants as given */
	if (!whole)
		return NULL;
	if (op == HC_OP_GLOB || op == HC_OP_IGLOB)
		return glob_node(ir, like, op, quant, consts, n, err);
	if (op == HC_OP_PMATCH)
		return pmatch_node(ir, like, consts, n, err);
	return behind_literal(ir, like, op, quant, consts, n, err);
}

static const struct hc_node *heap_atom(struct hc_ir *ir, unsigned heap, enum hc_vt vt, enum hc_op op,
                                       const struct hc_value *consts, size_t n, struct hc_err *err)
{
	struct hc_node like = { .kind = HC_NODE_HEAP, .dom = (uint16_t)heap };

	if (op == HC_OP_EXISTS)
		return present(ir, heap);
	if (op == HC_OP_NE)
		return none_of(ir, present(ir, heap),
		               leaf_node(ir, &like, HC_OP_IN, HC_Q_ANY, vt, consts, n, err));
	return text_node(ir, &like, op, HC_Q_ANY, vt, false, consts, n, err);
}

static const struct hc_node *int_atom(struct hc_ir *ir, const struct hc_node *like, enum hc_vt vt, enum hc_op op,
                                      const struct hc_value *consts, size_t n, struct hc_err *err)
{
	const struct hc_node *any;
	bool want[2] = { false, false };

	if (op == HC_OP_NE)
		return none_of(ir, leaf_node(ir, like, HC_OP_EXISTS, HC_Q_ANY, vt, NULL, 0, err),
		               int_atom(ir, like, vt, HC_OP_IN, consts, n, err));
	if (vt != HC_VT_BOOL || (op != HC_OP_EQ && op != HC_OP_IN))
		return leaf_node(ir, like, op, HC_Q_ANY, vt, op == HC_OP_EXISTS ? NULL : consts,
		                 op == HC_OP_EXISTS ? 0 : n, err);
	/* A boolean column holds numbers: whatever is not 0 is true. */
	any = leaf_node(ir, like, HC_OP_MASK_ANY, HC_Q_ANY, HC_VT_U64,
	                &(struct hc_value){ .type = HC_VT_U64, .u = ~UINT64_C(0) }, 1, err);
	for (size_t i = 0; i < n; i++) {
		if (consts[i].type != HC_VT_BOOL) {
			hc_err_set(err, -EINVAL, "a boolean cannot be compared with a %s",
			           hc_vt_name((enum hc_vt)consts[i].type));
			return NULL;
		}
		want[consts[i].u != 0] = true;
	}
	if (want[0] && want[1])
		return leaf_node(ir, like, HC_OP_EXISTS, HC_Q_ANY, HC_VT_U64, NULL, 0, err);
	if (want[1])
		return any;
	if (!want[0])
		return ir->no;
	return none_of(ir, leaf_node(ir, like, HC_OP_EXISTS, HC_Q_ANY, HC_VT_U64, NULL, 0, err), any);
}

static const struct hc_node *list_atom(struct hc_ir *ir, const struct hc_access *a, unsigned list, enum hc_op op,
                                       enum hc_quant q, const struct hc_value *consts, size_t n,
                                       struct hc_err *err)
{
	struct hc_node like = { .kind = HC_NODE_INTS, .dom = HC_OBJ_INTS };
	const struct hc_node *item;

	if (op == HC_OP_EXISTS)
		return present(ir, list);
	if (list == HC_OBJ_STRS) {
		item = heap_atom(ir, HC_OBJ_STR, HC_VT_STR, op, consts, n, err);
		return item ? one_kid(ir, 'q', HC_NODE_LIST, HC_OBJ_STRS, item, NULL, q) : NULL;
	}
	if (op == HC_OP_NE) /* some item is none of them: not all are among them */
		return none_of(
			ir, present(ir, list),
			list_atom(ir, a, list, HC_OP_IN, q == HC_Q_ANY ? HC_Q_ALL : HC_Q_ANY, consts, n, err));
	return leaf_node(ir, &like, op, q, (enum hc_vt)a->item, consts, n, err);
}

static const struct hc_node *computed_atom(struct hc_ir *ir, const struct hc_access *a, enum hc_op op,
                                           enum hc_quant q, const struct hc_value *consts, size_t n,
                                           struct hc_err *err)
{
	struct hc_node like = { .kind = HC_NODE_LEAF, .dom = a->path->dom, .leaf = a->leaf, .arg = a->arg };
	enum hc_vt vt = a->vt == HC_VT_LIST ? (enum hc_vt)a->item : (enum hc_vt)a->vt;

	like.leaf_id = leaf_id(ir, like.dom, a->leaf, a->arg);
	if (op == HC_OP_EXISTS)
		return leaf_node(ir, &like, op, HC_Q_ANY, vt, NULL, 0, err);
	if (op == HC_OP_NE)
		return none_of(ir, leaf_node(ir, &like, HC_OP_EXISTS, HC_Q_ANY, vt, NULL, 0, err),
		               leaf_node(ir, &like, HC_OP_IN,
		                         a->vt != HC_VT_LIST ? HC_Q_ANY
		                         : q == HC_Q_ANY     ? HC_Q_ALL
		                                             : HC_Q_ANY,
		                         vt, consts, n, err));
	return text_node(ir, &like, op, a->vt == HC_VT_LIST ? q : HC_Q_ANY, vt, a->vt == HC_VT_LIST, consts, n,
	                 err);
}

/* The atom where the path leads. */
static const struct hc_node *atom_at(struct hc_ir *ir, const struct hc_access *a, enum hc_op op, enum hc_quant q,
                                     const struct hc_value *consts, size_t n, struct hc_err *err)
{
	unsigned dom = a->path->dom;
	struct hc_node like = { .kind = HC_NODE_INT, .dom = (uint16_t)dom, .col = a->col };
	const struct hc_col_desc *cd;
	const struct hc_node *node;

	if (a->kind == HC_ACCESS_LEAF)
		return computed_atom(ir, a, op, q, consts, n, err);
	if (a->kind == HC_ACCESS_ROW) {
		like.kind = HC_NODE_ROWF;
		return int_atom(ir, &like, (enum hc_vt)a->vt, op, consts, n, err);
	}
	cd = &hc_dom_desc(dom)->cols[a->col];
	switch (cd->ref) {
	case HC_OBJ_STR:
	case HC_OBJ_BYTES:
		node = heap_atom(ir, cd->ref, (enum hc_vt)a->vt, op, consts, n, err);
		break;
	case HC_OBJ_STRS:
	case HC_OBJ_INTS:
		node = list_atom(ir, a, cd->ref, op, q, consts, n, err);
		break;
	default:
		return int_atom(ir, &like, (enum hc_vt)a->vt, op, consts, n, err);
	}
	return node ? lift(ir, step_col(ir, dom, a->col, cd->ref), node) : NULL;
}

/* Back along the path, from where it leads to the row or to step `skip` of it. */
static const struct hc_node *along(struct hc_ir *ir, const struct hc_path *p, const struct hc_node *node,
                                   unsigned skip)
{
	for (; node && p->prev && p->n_steps > skip; p = p->prev) {
		if (!p->any)
			node = lift(ir, p->step, node);
		else if (node->kind != HC_NODE_FALSE)
			node = one_kid(ir, '^', HC_NODE_ANYANC, HC_OBJ_PROC,
			               node->kind == HC_NODE_TRUE ? present(ir, HC_OBJ_PROC) : node, NULL, 0);
	}
	return node;
}

static const struct hc_node *const_atom(struct hc_ir *ir, const struct hc_access *a, enum hc_op op,
                                        enum hc_quant q, const struct hc_value *consts, size_t n,
                                        struct hc_err *err)
{
	struct hc_operand o;
	enum hc_vt vt = a->vt == HC_VT_LIST ? (enum hc_vt)a->item : (enum hc_vt)a->vt;
	bool yes, is_ne = op == HC_OP_NE;
	int r;

	if (vt == HC_VT_NONE)
		return ir->no;
	if (is_ne) {
		op = HC_OP_IN;
		q = a->vt != HC_VT_LIST || q == HC_Q_ALL ? HC_Q_ANY : HC_Q_ALL;
	}
	if (!ir->match)
		ir->match = hc_match_new();
	r = ir->match ? hc_operand_init(&o, &ir->arena, op, q, vt, consts, op == HC_OP_EXISTS ? 0 : n, err)
	              : -ENOMEM;
	if (r < 0) {
		if (r == -ENOMEM)
			ir_failed(ir, r, "out of memory");
		return NULL;
	}
	yes = hc_operand_match(&o, &a->value, ir->match);
	hc_operand_done(&o);
	return hc_node_const(ir, yes != is_ne);
}

static const struct hc_node *atom(struct hc_ir *ir, const struct hc_access *a, enum hc_op op, enum hc_quant q,
                                  const struct hc_value *consts, size_t n, struct hc_err *err)
{
	const struct hc_node *first, *second, *exists;

	if (a->kind == HC_ACCESS_CONST)
		return const_atom(ir, a, op, q, consts, n, err);
	if (a->kind != HC_ACCESS_ELSE)
		return along(ir, a->path, atom_at(ir, a, op, q, consts, n, err), 0);
	first = atom(ir, a->a, op, q, consts, n, err);
	second = first ? atom(ir, a->b, op, q, consts, n, err) : NULL;
	exists = second ? atom(ir, a->a, HC_OP_EXISTS, q, NULL, 0, err) : NULL;
	if (!exists)
		return NULL;
	second = hc_node_and(ir, (const struct hc_node *[]){ hc_node_not(ir, exists), second }, 2);
	return hc_node_or(ir, (const struct hc_node *[]){ first, second }, 2);
}

const struct hc_node *hc_node_atom(struct hc_ir *ir, const struct hc_access *a, enum hc_op op, enum hc_quant q,
                                   unsigned flags, const struct hc_value *consts, size_t n, struct hc_err *err)
{
	const struct hc_node *node, *exists;
	enum hc_vt vt;

	if (!a) {
		hc_ir_error(ir, err);
		return NULL;
	}
	vt = a->vt == HC_VT_LIST ? (enum hc_vt)a->item : (enum hc_vt)a->vt;
	if (!hc_op_fits(op, vt) && !(a->kind == HC_ACCESS_CONST && vt == HC_VT_NONE)) {
		hc_err_set(err, -EINVAL, "operator '%s' does not fit a %s", hc_op_name(op), hc_vt_name(vt));
		return NULL;
	}
	node = atom(ir, a, op, q, consts, n, err);
	if (node && flags & HC_ATOM_ABSENT_TRUE) {
		exists = atom(ir, a, HC_OP_EXISTS, q, NULL, 0, err);
		node = exists ? hc_node_or(ir, (const struct hc_node *[]){ node, hc_node_not(ir, exists) }, 2)
		              : NULL;
	}
	if (!node)
		hc_ir_error(ir, err);
	return node;
}

/* ---- two accesses ---- */

static bool has_any(const struct hc_access *a)
{
	if (a->kind == HC_ACCESS_ELSE)
		return has_any(a->a) || has_any(a->b);
	return a->path && a->path->has_any;
}

/* The first steps of a path: prefix with at most n of them. */
static const struct hc_path *path_prefix(const struct hc_path *p, unsigned n)
{
	while (p->n_steps > n)
		p = p->prev;
	return p;
}

/* The farthest domain to which both values' paths go together. */
static unsigned common_steps(const struct hc_access *a, const struct hc_access *b)
{
	unsigned n;

	if (!a->path || !b->path)
		return a->path ? a->path->n_steps : b->path ? b->path->n_steps : 0;
	n = a->path->n_steps < b->path->n_steps ? a->path->n_steps : b->path->n_steps;
	while (n && path_prefix(a->path, n) != path_prefix(b->path, n))
		n--;
	return n;
}

static void key_access(struct key *k, const struct hc_access *a, unsigned skip)
{
	key_u32(k, a->kind);
	key_u32(k, a->col);
	key_ptr(k, a->leaf);
	key_ptr(k, a->arg);
	key_value(k, &a->value);
	key_ptr(k, a->a);
	key_ptr(k, a->b);
	for (const struct hc_path *p = a->path; p && p->n_steps > skip; p = p->prev)
		key_ptr(k, p->step);
}

const struct hc_node *hc_node_cmp(struct hc_ir *ir, const struct hc_access *a, enum hc_op op, enum hc_quant q,
                                  const struct hc_access *b, struct hc_err *err)
{
	const struct hc_path *path, *row;
	struct hc_node *node;
	struct key k;
	bool is_new;
	unsigned skip;

	if (!a || !b) {
		hc_ir_error(ir, err);
		return NULL;
	}
	if (a->event_type != b->event_type || has_any(a) || has_any(b) || op == HC_OP_EXISTS || op == HC_OP_NET ||
	    op == HC_OP_PMATCH || op == HC_OP_REGEX || op == HC_OP_REGEX_FIND) {
		hc_err_set(err, -EINVAL, "operator '%s' cannot compare these two fields", hc_op_name(op));
		return NULL;
	}
	if (b->kind == HC_ACCESS_CONST && b->vt != HC_VT_LIST && b->vt != HC_VT_NONE && op != HC_OP_MASK_ALL)
		return hc_node_atom(ir, a, op, q, 0, &b->value, 1, err);
	row = hc_path_row(ir, a->event_type);
	if (!row)
		return NULL;
	skip = a->kind == HC_ACCESS_ELSE || b->kind == HC_ACCESS_ELSE ? 0 : common_steps(a, b);
	path = path_prefix(a->path ? a->path : b->path ? b->path : row, skip);
	key_begin(&k, 'c');
	key_u32(&k, op);
	key_u32(&k, q);
	key_u32(&k, path->dom);
	key_access(&k, a, skip);
	key_access(&k, b, skip);
	node = node_new(ir, &k, &is_new);
	key_done(&k);
	if (node && is_new) {
		node->kind = HC_NODE_CMP;
		node->dom = path->dom;
		node->left = a;
		node->right = b;
		node->skip = (uint16_t)skip;
		node->col = (uint16_t)((unsigned)op << 1 | (q == HC_Q_ALL));
		node->cost = HC_DOM_IS_ROWS(path->dom) ? HC_COST_ROW : HC_COST_COMPUTED;
	}
	if (!node)
		hc_ir_error(ir, err);
	return along(ir, path, node, 0);
}

/* ---- rules ---- */

static const char *copy_text(struct hc_ir *ir, const char *text)
{
	return text ? hc_arena_str(&ir->arena, hc_str_c(text)).p : NULL;
}

/* Room for one more: doubling at powers of two. */
static void *room(struct hc_ir *ir, void *v, uint32_t n, size_t item_bytes)
{
	void *grown = v;

	if (n == 0 || (n & (n - 1)) == 0) {
		grown = realloc(v, (n ? (size_t)n * 2 : 1) * item_bytes);
		if (!grown)
			ir_failed(ir, -ENOMEM, "out of memory");
	}
	return grown;
}

int hc_ir_rule_add(struct hc_ir *ir, const struct hc_rule_opts *opts)
{
	struct hc_ir_rule *rules = room(ir, ir->rules, ir->n_rules, sizeof(*rules)), *rule;

	if (!rules)
		return -ENOMEM;
	ir->rules = rules;
	rule = &rules[ir->n_rules];
	*rule = (struct hc_ir_rule){ .opts = *opts };
	rule->opts.name = opts->name ? copy_text(ir, opts->name) : "";
	rule->opts.policy = copy_text(ir, opts->policy);
	rule->opts.dialect = copy_text(ir, opts->dialect);
	rule->opts.severity = copy_text(ir, opts->severity);
	rule->reasons = calloc(1, sizeof(*rule->reasons));
	if (!rule->opts.name || !rule->reasons) {
		free(rule->reasons);
		ir_failed(ir, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	return (int)ir->n_rules++;
}

static void rule_when(struct hc_ir *ir, struct hc_ir_rule *r, unsigned event_type, const struct hc_node *node)
{
	struct hc_when *when;

	if (hc_node_is_false(node))
		return;
	if (node->kind != HC_NODE_TRUE && node->dom != HC_DOM_ROWS(event_type)) {
		ir_failed(ir, -EINVAL, "a condition of another event type");
		return;
	}
	for (uint32_t i = 0; i < r->n_when; i++) {
		if (r->when[i].event_type == event_type) {
			r->when[i].node = hc_node_or(ir, (const struct hc_node *[]){ r->when[i].node, node }, 2);
			return;
		}
	}
	when = room(ir, r->when, r->n_when, sizeof(*when));
	if (!when)
		return;
	r->when = when;
	when[r->n_when++] = (struct hc_when){ .event_type = (uint16_t)event_type, .node = node };
}

void hc_ir_rule_when(struct hc_ir *ir, int rule, unsigned event_type, const struct hc_node *node)
{
	if (rule < 0 || (uint32_t)rule >= ir->n_rules || event_type >= HC_EV_MAX)
		return;
	hc_type_set_add(&ir->rules[rule].types, event_type);
	rule_when(ir, &ir->rules[rule], event_type, node);
}

void hc_ir_rule_also(struct hc_ir *ir, int rule, unsigned event_type, const struct hc_node *node)
{
	if (rule >= 0 && (uint32_t)rule < ir->n_rules && event_type < HC_EV_MAX)
		rule_when(ir, &ir->rules[rule], event_type, node);
}

void hc_ir_rule_formerly(struct hc_ir *ir, int rule, unsigned type, unsigned general, struct hc_str lacks)
{
	struct hc_former *formers;
	struct hc_ir_rule *r;

	if (rule < 0 || (uint32_t)rule >= ir->n_rules || type >= HC_EV_MAX || general >= HC_EV_MAX)
		return;
	r = &ir->rules[rule];
	formers = room(ir, r->formers, r->n_formers, sizeof(*formers));
	if (!formers)
		return;
	r->formers = formers;
	formers[r->n_formers++] =
		(struct hc_former){ .type = (uint16_t)type,
		                    .general = (uint16_t)general,
		                    .lacks = lacks.len ? hc_arena_str(hc_ir_arena(ir), lacks).p : NULL };
}

void hc_ir_rule_needs(struct hc_ir *ir, int rule, unsigned event_type, const char *fact, const char *remedy,
                      struct hc_str asked)
{
	struct hc_ir_rule *r;
	struct hc_need *needs;

	if (rule < 0 || (uint32_t)rule >= ir->n_rules)
		return;
	r = &ir->rules[rule];
	for (uint32_t i = 0; i < r->n_needs; i++)
		if (r->needs[i].event_type == event_type && strcmp(r->needs[i].fact, fact) == 0 &&
		    hc_str_eq(hc_str_c(r->needs[i].asked), asked))
			return;
	needs = room(ir, r->needs, r->n_needs, sizeof(*needs));
	if (!needs)
		return;
	r->needs = needs;
	needs[r->n_needs++] =
		(struct hc_need){ .event_type = (uint16_t)event_type,
		                  .fact = copy_text(ir, fact),
		                  .remedy = copy_text(ir, remedy),
		                  .asked = asked.len ? hc_arena_str(hc_ir_arena(ir), asked).p : NULL };
}

void hc_ir_rule_unanswerable(struct hc_ir *ir, int rule, bool never, const char *fmt, ...)
{
	struct hc_ir_rule *r;
	const char **reasons;
	char text[512];
	va_list ap;

	if (rule < 0 || (uint32_t)rule >= ir->n_rules)
		return;
	r = &ir->rules[rule];
	reasons = realloc(r->reasons, (r->n_reasons + 2u) * sizeof(*reasons));
	if (!reasons) {
		ir_failed(ir, -ENOMEM, "out of memory");
		return;
	}
	r->reasons = reasons;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reasons[r->n_reasons++] = copy_text(ir, text);
	reasons[r->n_reasons] = NULL;
	r->never |= never;
}

uint32_t hc_ir_n_rules(const struct hc_ir *ir)
{
	return ir->n_rules;
}

uint32_t hc_ir_n_whole(const struct hc_ir *ir)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ir->n_rules; i++)
		n += !ir->rules[i].opts.more;
	return n;
}

const struct hc_rule_opts *hc_ir_rule(const struct hc_ir *ir, uint32_t rule)
{
	return rule < ir->n_rules ? &ir->rules[rule].opts : NULL;
}

const char *const *hc_ir_rule_reasons(const struct hc_ir *ir, uint32_t rule)
{
	return rule < ir->n_rules ? ir->rules[rule].reasons : NULL;
}

struct hc_type_set hc_ir_rule_types(const struct hc_ir *ir, uint32_t rule)
{
	return rule < ir->n_rules ? ir->rules[rule].types : (struct hc_type_set){ 0 };
}
