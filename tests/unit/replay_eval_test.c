/*
 * The vectorised evaluator against a slow and obvious one: random rules over random blocks. The slow one walks
 * from each row through the columns of the block, one value at a time, and decides every operator in its own few
 * lines; it shares no code with the engine.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval_priv.h"
#include "gen.h"
#include "replay/plan.h"
#include "replay/replay.h"
#include "store/base/arena.h"
#include "store/capture.h"

enum { MAX_HOPS = 6, MAX_CONSTS = 8 };

/* ---- the slow evaluator ---- */

struct val {
	enum hc_vt type;
	int64_t i;
	struct hc_str s;
	struct val *items;
	uint32_t n;
};

enum acc_kind { ACC_COL, ACC_ROWF, ACC_LEAF, ACC_ELSE, ACC_CONST };

struct acc {
	enum acc_kind kind;
	unsigned type;
	bool first_else; /* begins with: column `other` where it leads somewhere, else hop[0], hop[1] */
	unsigned other;
	unsigned hop[MAX_HOPS], n_hops;
	int any_after;     /* "any ancestor" comes after so many hops; -1: nowhere */
	unsigned dom, col; /* at the end */
	const struct hc_leaf *leaf;
	struct val value;
	const struct acc *a, *b;
	enum hc_vt vt, item;
};

struct ex {
	enum { EX_AND, EX_OR, EX_NOT, EX_ATOM, EX_CMP } kind;
	struct ex *kid[3];
	unsigned n_kids;
	const struct acc *a, *b;
	enum hc_op op;
	enum hc_quant q;
	unsigned flags;
	struct val consts[MAX_CONSTS];
	unsigned n_consts;
};

struct world {
	struct hc_block *block;
	struct hc_arena arena;
	struct hc_gen_rng rng;
};

static uint32_t ref_at(struct world *w, unsigned dom, unsigned col, uint32_t entry)
{
	struct hc_refs refs;
	int r;

	if (!entry)
		return 0;
	r = HC_DOM_IS_ROWS(dom) ? hc_block_event_refs(w->block, HC_DOM_EVENT(dom), col, &refs, NULL)
	                        : hc_block_obj_refs(w->block, (enum hc_obj_type)dom, col, &refs, NULL);
	cr_assert_eq(r, 0);
	return refs.v[entry - 1];
}

static bool int_at(struct world *w, unsigned dom, unsigned col, uint32_t entry, int64_t *ret)
{
	struct hc_ints ints;
	int r;

	if (!entry)
		return false;
	r = HC_DOM_IS_ROWS(dom) ? hc_block_event_ints(w->block, HC_DOM_EVENT(dom), col, &ints, NULL)
	                        : hc_block_obj_ints(w->block, (enum hc_obj_type)dom, col, &ints, NULL);
	cr_assert_eq(r, 0);
	*ret = ints.v[entry - 1];
	return hc_ints_valid(&ints, entry - 1);
}

static struct hc_str heap_at(struct world *w, enum hc_obj_type heap, uint32_t ref)
{
	struct hc_heap h;

	cr_assert_eq(hc_block_heap(w->block, heap, &h, NULL), 0);
	return hc_heap_get(&h, ref);
}

static const struct hc_table_desc *desc_of(unsigned dom)
{
	return HC_DOM_IS_ROWS(dom) ? hc_event_desc(HC_DOM_EVENT(dom)) : hc_obj_desc(dom);
}

static struct val str_val(struct hc_str s)
{
	return (struct val){ .type = s.p ? HC_VT_STR : HC_VT_NONE, .s = s };
}

static struct val column_value(struct world *w, unsigned dom, unsigned col, uint32_t entry)
{
	const struct hc_col_desc *cd = &desc_of(dom)->cols[col];
	struct val v = { 0 };
	struct hc_lists lists;
	uint32_t ref;

	if (cd->ref == HC_OBJ_NONE) {
		if (int_at(w, dom, col, entry, &v.i))
			v.type = cd->fmt == HC_FMT_BOOL ? HC_VT_BOOL : cd->is_signed ? HC_VT_I64 : HC_VT_U64;
		if (v.type == HC_VT_BOOL)
			v.i = v.i != 0;
		return v;
	}
	ref = ref_at(w, dom, col, entry);
	if (!ref)
		return v;
	if (cd->ref == HC_OBJ_STR)
		return str_val(heap_at(w, HC_OBJ_STR, ref));
	if (cd->ref == HC_OBJ_BYTES) {
		v.type = cd->fmt == HC_FMT_IP ? HC_VT_IP : HC_VT_BYTES;
		v.s = heap_at(w, HC_OBJ_BYTES, ref);
		return v;
	}
	cr_assert_eq(hc_block_lists(w->block, (enum hc_obj_type)cd->ref, &lists, NULL), 0);
	v.type = HC_VT_LIST;
	v.n = lists.first[ref] - lists.first[ref - 1];
	v.items = hc_arena_alloc(&w->arena, (v.n + 1) * sizeof(*v.items));
	for (uint32_t i = 0; i < v.n; i++) {
		uint32_t at = lists.first[ref - 1] + i;

		v.items[i] = cd->ref == HC_OBJ_STRS ? str_val(heap_at(w, HC_OBJ_STR, lists.refs[at]))
		                                    : (struct val){ .type = HC_VT_I64, .i = lists.ints[at] };
	}
	return v;
}

/* ---- computed leaves, twice: as a front end writes them, and the slow way ---- */

static struct hc_value leaf_label(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct hc_str comm = hc_view_text(v, dom, HC_O_PROC_comm, entry);
	int64_t pid;
	char *text;

	(void)arg;
	if (!hc_view_int(v, dom, HC_O_PROC_pid, entry, &pid))
		return (struct hc_value){ 0 };
	text = hc_arena_printf(hc_view_arena(v), HC_STR_FMT "/%lld", HC_STR_ARG(comm), (long long)pid % 8);
	return hc_value_str(hc_str_c(text));
}

static struct val slow_label(struct world *w, unsigned dom, uint32_t entry)
{
	struct val comm = column_value(w, dom, HC_O_PROC_comm, entry),
		   pid = column_value(w, dom, HC_O_PROC_pid, entry);

	if (!entry || pid.type == HC_VT_NONE)
		return (struct val){ 0 };
	return str_val(hc_str_c(
		hc_arena_printf(&w->arena, HC_STR_FMT "/%lld", HC_STR_ARG(comm.s), (long long)pid.i % 8)));
}

static struct hc_value leaf_names(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	uint32_t path = hc_view_ref(v, dom, HC_O_FDOBJ_path, entry);
	struct hc_value *items = hc_arena_alloc(hc_view_arena(v), 2 * sizeof(*items));
	int64_t mode = hc_view_int_or(v, dom, HC_O_FDOBJ_f_mode, entry, 0);
	unsigned end = mode & 2 && hc_view_ref(v, dom, HC_O_FDOBJ_sock, entry) ? HC_O_PATH_abs : HC_O_PATH_given;
	uint32_t n = 0;

	(void)arg;
	if (!path)
		return (struct hc_value){ 0 };
	for (unsigned col = HC_O_PATH_given; col <= end; col++) {
		items[n] = hc_value_str(hc_view_text(v, HC_OBJ_PATH, col, path));
		n += items[n].type != HC_VT_NONE;
	}
	return (struct hc_value){ .type = HC_VT_LIST, .list = { items, n } };
}

static struct val slow_names(struct world *w, unsigned dom, uint32_t entry)
{
	uint32_t path = ref_at(w, dom, HC_O_FDOBJ_path, entry);
	struct val v = { .type = HC_VT_LIST };

	if (!path)
		return (struct val){ 0 };
	v.items = hc_arena_alloc(&w->arena, 2 * sizeof(*v.items));
	v.items[0] = column_value(w, HC_OBJ_PATH, HC_O_PATH_given, path);
	v.n += v.items[0].type == HC_VT_STR;
	if (column_value(w, dom, HC_O_FDOBJ_f_mode, entry).i & 2 && ref_at(w, dom, HC_O_FDOBJ_sock, entry)) {
		v.items[v.n] = column_value(w, HC_OBJ_PATH, HC_O_PATH_abs, path);
		v.n += v.items[v.n].type == HC_VT_STR;
	}
	return v;
}

static struct hc_value leaf_sum(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	int64_t ret, nr;

	(void)arg;
	if (!hc_view_int(v, dom, HC_COL_RET, entry, &ret) || !hc_view_int(v, dom, HC_COL_NR, entry, &nr))
		return (struct hc_value){ 0 };
	return hc_value_i64((int64_t)((uint64_t)ret + (uint64_t)nr) % 16);
}

static struct val slow_sum(struct world *w, unsigned dom, uint32_t entry)
{
	struct val ret = column_value(w, dom, HC_COL_RET, entry), nr = column_value(w, dom, HC_COL_NR, entry);

	if (!ret.type || !nr.type)
		return (struct val){ 0 };
	return (struct val){ .type = HC_VT_I64, .i = (int64_t)((uint64_t)ret.i + (uint64_t)nr.i) % 16 };
}

/* What stands before the last slash is a text of the block, or none. */
static bool may_be_label(struct hc_prune *p, const void *arg, struct hc_str s)
{
	const char *slash = s.len ? memrchr(s.p, '/', s.len) : NULL;

	(void)arg;
	return slash && (slash == s.p || hc_prune_str(p, (struct hc_str){ s.p, (uint32_t)(slash - s.p) }));
}

static bool may_be_name(struct hc_prune *p, const void *arg, struct hc_str s)
{
	(void)arg;
	return hc_prune_str(p, s);
}

static bool may_contain_name(struct hc_prune *p, const void *arg, struct hc_str s)
{
	(void)arg;
	return hc_prune_part(p, HC_OBJ_STR, s);
}

static const struct hc_leaf label = {
	.name = "label", .dom = HC_OBJ_PROC, .type = HC_VT_STR, .get = leaf_label, .may_be = may_be_label
};
static const struct hc_leaf names = { .name = "names",
	                              .dom = HC_OBJ_FDOBJ,
	                              .type = HC_VT_LIST,
	                              .item = HC_VT_STR,
	                              .reads = { .cols = 1u << HC_O_FDOBJ_path,
	                                         .there = 1u << HC_O_FDOBJ_sock,
	                                         .bits = 2,
	                                         .bits_col = HC_O_FDOBJ_f_mode },
	                              .get = leaf_names,
	                              .may_be = may_be_name,
	                              .may_contain = may_contain_name };
static const struct hc_leaf sum = {
	.name = "sum", .dom = HC_DOM_ROWS(HC_EV_OPEN), .type = HC_VT_I64, .get = leaf_sum
};

static struct val leaf_value(struct world *w, const struct hc_leaf *leaf, unsigned dom, uint32_t entry)
{
	if (!entry)
		return (struct val){ 0 };
	return leaf == &label   ? slow_label(w, dom, entry)
	       : leaf == &names ? slow_names(w, dom, entry)
	                        : slow_sum(w, dom, entry);
}

/* ---- operators, plainly ---- */

static bool same(struct hc_str a, struct hc_str b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

static struct hc_str part(struct hc_str s, uint32_t from, uint32_t len)
{
	return (struct hc_str){ s.p + from, len };
}

static char fold(char c, bool icase)
{
	return icase && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool holds_text(struct hc_str s, struct hc_str c, bool icase)
{
	for (uint32_t at = 0; at + c.len <= s.len; at++) {
		uint32_t i = 0;

		while (i < c.len && fold(s.p[at + i], icase) == fold(c.p[i], icase))
			i++;
		if (i == c.len)
			return true;
	}
	return false;
}

/* Patterns of these tests have * and ? only. */
static bool glob(struct hc_str p, struct hc_str s, bool icase)
{
	if (!p.len)
		return !s.len;
	if (p.p[0] == '*') {
		for (uint32_t i = 0; i <= s.len; i++)
			if (glob(part(p, 1, p.len - 1), part(s, i, s.len - i), icase))
				return true;
		return false;
	}
	return s.len && (p.p[0] == '?' || fold(p.p[0], icase) == fold(s.p[0], icase)) &&
	       glob(part(p, 1, p.len - 1), part(s, 1, s.len - 1), icase);
}

/* Expressions of these tests are HEX.*HEX, each letter of the text written as \xHH. */
static bool regex(struct hc_str p, struct hc_str s, bool anywhere)
{
	char head[64], tail[64];
	uint32_t n_head = 0, n_tail = 0;
	bool in_tail = false;

	for (uint32_t i = 0; i < p.len;) {
		unsigned c;

		if (p.p[i] == '.') {
			in_tail = true;
			i += 2;
			continue;
		}
		sscanf(p.p + i + 2, "%2x", &c);
		i += 4;
		if (in_tail)
			tail[n_tail++] = (char)c;
		else
			head[n_head++] = (char)c;
	}
	for (uint32_t at = 0; at <= s.len; at++) {
		for (uint32_t end = at + n_head + n_tail; end <= s.len; end++) {
			if (!anywhere && (at || end != s.len))
				continue;
			if (memcmp(s.p + at, head, n_head) || memcmp(s.p + end - n_tail, tail, n_tail) ||
			    memchr(s.p + at + n_head, '\n', end - at - n_head - n_tail))
				continue;
			return true;
		}
	}
	return false;
}

static unsigned split(struct hc_str s, struct hc_str *parts, unsigned max)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < s.len && n < max;) {
		uint32_t begin = i;

		while (i < s.len && s.p[i] != '/')
			i++;
		if (i > begin)
			parts[n++] = part(s, begin, i - begin);
		else
			i++;
	}
	return n;
}

static bool pmatch(struct hc_str p, struct hc_str s)
{
	struct hc_str want[64], have[256];
	unsigned n_want = split(p, want, 64), n_have = split(s, have, 256);

	if (n_want > n_have)
		return false;
	for (unsigned i = 0; i < n_want; i++)
		if (!same(want[i], have[i]) && !glob(want[i], have[i], false))
			return false;
	return true;
}

static bool net(struct hc_str n, struct hc_str s)
{
	if (s.len + 1 != n.len)
		return false;
	for (unsigned bit = 0; bit < (uint8_t)n.p[n.len - 1]; bit++)
		if ((n.p[bit / 8] ^ s.p[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static int order(const struct val *a, const struct val *b)
{
	if (a->type == HC_VT_I64)
		return a->i < b->i ? -1 : a->i > b->i;
	if (a->type == HC_VT_U64)
		return (uint64_t)a->i < (uint64_t)b->i ? -1 : (uint64_t)a->i > (uint64_t)b->i;
	return hc_str_cmp(a->s, b->s);
}

static bool is_text(const struct val *v)
{
	return v->type == HC_VT_STR || v->type == HC_VT_BYTES || v->type == HC_VT_IP;
}

static bool equal(const struct val *a, const struct val *b)
{
	return is_text(a) ? is_text(b) && same(a->s, b->s) : !is_text(b) && a->i == b->i;
}

static bool one(const struct val *v, enum hc_op op, const struct val *c)
{
	switch (op) {
	case HC_OP_LT:
		return order(v, c) < 0;
	case HC_OP_LE:
		return order(v, c) <= 0;
	case HC_OP_GT:
		return order(v, c) > 0;
	case HC_OP_GE:
		return order(v, c) >= 0;
	case HC_OP_CONTAINS:
	case HC_OP_ICONTAINS:
		return holds_text(v->s, c->s, op == HC_OP_ICONTAINS);
	case HC_OP_STARTSWITH:
		return v->s.len >= c->s.len && same(part(v->s, 0, c->s.len), c->s);
	case HC_OP_ENDSWITH:
		return v->s.len >= c->s.len && same(part(v->s, v->s.len - c->s.len, c->s.len), c->s);
	case HC_OP_GLOB:
	case HC_OP_IGLOB:
		return glob(c->s, v->s, op == HC_OP_IGLOB);
	case HC_OP_REGEX:
	case HC_OP_REGEX_FIND:
		return regex(c->s, v->s, op == HC_OP_REGEX_FIND);
	case HC_OP_PMATCH:
		return pmatch(c->s, v->s);
	case HC_OP_NET:
		return net(c->s, v->s);
	case HC_OP_MASK_ANY:
		return (v->i & c->i) != 0;
	case HC_OP_MASK_ALL:
		return (v->i & c->i) == c->i;
	default:
		return equal(v, c);
	}
}

static bool scalar(const struct val *v, enum hc_op op, const struct val *consts, unsigned n)
{
	bool any = false;

	if (v->type == HC_VT_NONE)
		return false;
	if (op == HC_OP_EXISTS)
		return true;
	for (unsigned i = 0; i < n; i++)
		any |= one(v, op, &consts[i]);
	return op == HC_OP_NE ? !any : any;
}

static bool value_holds(const struct val *v, enum hc_op op, enum hc_quant q, const struct val *consts, unsigned n)
{
	bool any = false, all = true;

	if (v->type != HC_VT_LIST || op == HC_OP_EXISTS)
		return scalar(v, op, consts, n);
	for (uint32_t i = 0; i < v->n; i++) {
		bool item = scalar(&v->items[i], op, consts, n);

		any |= item;
		all &= item;
	}
	return q == HC_Q_ANY ? any : all;
}

/* Whether some value that the access reaches from here satisfies the atom. */
static bool reach(struct world *w, const struct acc *a, unsigned dom, uint32_t entry, unsigned at, bool any_done,
                  const struct ex *x, enum hc_op op, struct val *ret_first)
{
	struct val v;

	if (a->any_after == (int)at && !any_done) {
		for (uint32_t p = ref_at(w, HC_OBJ_PROC, HC_O_PROC_parent, entry); p;
		     p = ref_at(w, HC_OBJ_PROC, HC_O_PROC_parent, p))
			if (reach(w, a, dom, p, at, true, x, op, ret_first))
				return true;
		return false;
	}
	if (at < a->n_hops) {
		unsigned to = desc_of(dom)->cols[a->hop[at]].ref;

		return reach(w, a, to, ref_at(w, dom, a->hop[at], entry), at + 1, false, x, op, ret_first);
	}
	if (a->kind == ACC_LEAF)
		v = leaf_value(w, a->leaf, dom, entry);
	else if (entry)
		v = column_value(w, dom, a->col, entry);
	else
		v = (struct val){ 0 };
	if (ret_first && v.type != HC_VT_NONE && ret_first->type == HC_VT_NONE)
		*ret_first = v;
	return value_holds(&v, op, x ? x->q : HC_Q_ANY, x ? x->consts : NULL, x ? x->n_consts : 0);
}

static struct val row_field(struct world *w, const struct acc *a, uint32_t row)
{
	struct hc_rows rows;

	cr_assert_eq(hc_block_rows(w->block, &rows, NULL), 0);
	for (uint32_t i = 0; i < rows.n; i++) {
		if (rows.type[i] != a->type || rows.pos[i] != row)
			continue;
		switch (a->col) {
		case HC_ROWF_SEQ:
			return (struct val){ .type = HC_VT_U64, .i = (int64_t)rows.seq[i] };
		case HC_ROWF_TS_NS:
			return (struct val){ .type = HC_VT_U64, .i = (int64_t)rows.ts_ns[i] };
		case HC_ROWF_CPU:
			return (struct val){ .type = HC_VT_U64, .i = rows.cpu[i] };
		default:
			return (struct val){ .type = HC_VT_I64,
				             .i = (int64_t)rows.ts_ns[i] +
				                  hc_block_info(w->block)->wall_offset_ns };
		}
	}
	return (struct val){ 0 };
}

/* The atom for a row; ret_first: the first value met, if wanted. */
static bool slow_atom(struct world *w, const struct acc *a, uint32_t row, const struct ex *x, enum hc_op op,
                      struct val *ret_first)
{
	struct val v;
	uint32_t other;

	switch (a->kind) {
	case ACC_ELSE:
		return slow_atom(w, a->a, row, NULL, HC_OP_EXISTS, NULL)
		               ? slow_atom(w, a->a, row, x, op, ret_first)
		               : slow_atom(w, a->b, row, x, op, ret_first);
	case ACC_CONST:
	case ACC_ROWF:
		v = a->kind == ACC_CONST ? a->value : row_field(w, a, row);
		if (ret_first)
			*ret_first = v;
		return value_holds(&v, op, x ? x->q : HC_Q_ANY, x ? x->consts : NULL, x ? x->n_consts : 0);
	default:
		break;
	}
	other = a->first_else ? ref_at(w, HC_DOM_ROWS(a->type), a->other, row + 1) : 0;
	if (other)
		return reach(w, a, HC_OBJ_PROC, other, 2, false, x, op, ret_first);
	return reach(w, a, HC_DOM_ROWS(a->type), row + 1, 0, false, x, op, ret_first);
}

static bool slow_cmp(struct world *w, const struct ex *x, uint32_t row)
{
	struct val left = { 0 }, right = { 0 };

	slow_atom(w, x->a, row, NULL, HC_OP_EXISTS, &left);
	slow_atom(w, x->b, row, NULL, HC_OP_EXISTS, &right);
	if (left.type == HC_VT_NONE || right.type == HC_VT_NONE)
		return false;
	if (left.type != HC_VT_STR)
		right.type = left.type;
	return scalar(&left, x->op, &right, 1);
}

static bool slow(struct world *w, const struct ex *x, uint32_t row)
{
	switch (x->kind) {
	case EX_AND:
		for (unsigned i = 0; i < x->n_kids; i++)
			if (!slow(w, x->kid[i], row))
				return false;
		return true;
	case EX_OR:
		for (unsigned i = 0; i < x->n_kids; i++)
			if (slow(w, x->kid[i], row))
				return true;
		return false;
	case EX_NOT:
		return !slow(w, x->kid[0], row);
	case EX_CMP:
		return slow_cmp(w, x, row);
	default:
		if (x->flags & HC_ATOM_ABSENT_TRUE && !slow_atom(w, x->a, row, NULL, HC_OP_EXISTS, NULL))
			return true;
		return slow_atom(w, x->a, row, x, x->op, NULL);
	}
}

/* ---- random rules ---- */

static uint64_t below(struct world *w, uint64_t n)
{
	return hc_gen_below(&w->rng, n);
}

/* A random column that leads to an object, or to a value; -1 when there is none. */
static int random_col(struct world *w, unsigned dom, bool to_object)
{
	const struct hc_table_desc *d = desc_of(dom);
	unsigned n = 0, at;

	for (unsigned i = 0; i < d->n_cols; i++)
		n += (d->cols[i].ref != HC_OBJ_NONE && d->cols[i].ref < HC_OBJ_END) == to_object;
	if (!n)
		return -1;
	at = (unsigned)below(w, n);
	for (unsigned i = 0; i < d->n_cols; i++)
		if ((d->cols[i].ref != HC_OBJ_NONE && d->cols[i].ref < HC_OBJ_END) == to_object && at-- == 0)
			return (int)i;
	return -1;
}

static void vt_of_col(const struct hc_col_desc *cd, enum hc_vt *ret_vt, enum hc_vt *ret_item)
{
	*ret_item = HC_VT_NONE;
	if (cd->ref == HC_OBJ_STR)
		*ret_vt = HC_VT_STR;
	else if (cd->ref == HC_OBJ_BYTES)
		*ret_vt = cd->fmt == HC_FMT_IP ? HC_VT_IP : HC_VT_BYTES;
	else if (cd->ref == HC_OBJ_STRS || cd->ref == HC_OBJ_INTS) {
		*ret_vt = HC_VT_LIST;
		*ret_item = cd->ref == HC_OBJ_STRS ? HC_VT_STR : HC_VT_I64;
	} else
		*ret_vt = cd->fmt == HC_FMT_BOOL ? HC_VT_BOOL : cd->is_signed ? HC_VT_I64 : HC_VT_U64;
}

static int proc_col(unsigned type)
{
	const struct hc_table_desc *d = hc_event_desc(type);

	for (unsigned i = HC_N_COMMON_COLS; i < d->n_cols; i++)
		if (d->cols[i].ref == HC_OBJ_PROC)
			return (int)i;
	return -1;
}

static struct acc *random_path(struct world *w, unsigned type)
{
	struct acc *a = hc_arena_alloc(&w->arena, sizeof(*a));

	a->type = type;
	a->any_after = -1;
	a->dom = HC_DOM_ROWS(type);
	if (proc_col(type) >= 0 && below(w, 4) == 0) {
		a->first_else = true;
		a->other = (unsigned)proc_col(type);
		a->hop[0] = HC_COL_TASK;
		a->hop[1] = HC_O_TASK_proc;
		a->n_hops = 2;
		a->dom = HC_OBJ_PROC;
	}
	while (a->n_hops < MAX_HOPS && below(w, 4) != 0) {
		int col = random_col(w, a->dom, true);

		if (col < 0)
			break;
		a->hop[a->n_hops++] = (unsigned)col;
		a->dom = desc_of(a->dom)->cols[col].ref;
		if (a->dom == HC_OBJ_PROC && a->any_after < 0 && below(w, 4) == 0)
			a->any_after = (int)a->n_hops;
	}
	return a;
}

static const struct acc *random_access(struct world *w, unsigned type, bool may_else)
{
	struct acc *a = random_path(w, type);
	int col;

	if (below(w, 12) == 0) {
		*a = (struct acc){
			.kind = ACC_ROWF, .type = type, .any_after = -1, .col = (unsigned)below(w, HC_N_ROWFS)
		};
		a->vt = a->col == HC_ROWF_WALL_NS ? HC_VT_I64 : HC_VT_U64;
		return a;
	}
	if (below(w, 30) == 0) {
		*a = (struct acc){ .kind = ACC_CONST,
			           .type = type,
			           .any_after = -1,
			           .vt = HC_VT_STR,
			           .value = { .type = HC_VT_STR, .s = HC_STR("openat") } };
		return a;
	}
	a->leaf = a->dom == HC_OBJ_PROC    ? &label
	          : a->dom == HC_OBJ_FDOBJ ? &names
	          : HC_DOM_IS_ROWS(a->dom) ? &sum
	                                   : NULL;
	col = random_col(w, a->dom, false);
	if (col < 0 || (a->leaf && below(w, 4) == 0)) {
		if (!a->leaf)
			return random_access(w, type, may_else);
		a->kind = ACC_LEAF;
		a->vt = a->leaf->type;
		a->item = a->leaf->item;
	} else {
		a->col = (unsigned)col;
		vt_of_col(&desc_of(a->dom)->cols[col], &a->vt, &a->item);
	}
	if (may_else && below(w, 8) == 0) {
		for (unsigned tries = 0; tries < 200; tries++) {
			const struct acc *b = random_access(w, type, false);
			struct acc *both;

			if (b->vt != a->vt || b->item != a->item)
				continue;
			both = hc_arena_alloc(&w->arena, sizeof(*both));
			*both = (struct acc){ .kind = ACC_ELSE,
				              .type = type,
				              .any_after = -1,
				              .a = a,
				              .b = b,
				              .vt = a->vt,
				              .item = a->item };
			return both;
		}
	}
	return a;
}

static struct hc_str escape(struct world *w, struct hc_str head, struct hc_str tail)
{
	char buf[400];
	int n = 0;

	for (uint32_t i = 0; i < head.len; i++)
		n += sprintf(buf + n, "\\x%02x", (uint8_t)head.p[i]);
	n += sprintf(buf + n, ".*");
	for (uint32_t i = 0; i < tail.len; i++)
		n += sprintf(buf + n, "\\x%02x", (uint8_t)tail.p[i]);
	return hc_arena_str(&w->arena, (struct hc_str){ buf, (uint32_t)n });
}

/* A text that has something to do with s. */
static struct hc_str related(struct world *w, struct hc_str s, enum hc_op op)
{
	uint32_t from = s.len ? (uint32_t)below(w, s.len) : 0, len = (uint32_t)below(w, s.len - from + 1);
	uint32_t head = (uint32_t)below(w, s.len < 12 ? s.len + 1 : 12),
		 tail = (uint32_t)below(w, s.len - head < 12 ? s.len - head + 1 : 12);
	char *copy;

	switch (op) {
	case HC_OP_CONTAINS:
	case HC_OP_ICONTAINS:
		return part(s, from, len);
	case HC_OP_STARTSWITH:
	case HC_OP_PMATCH:
		return part(s, 0, len);
	case HC_OP_ENDSWITH:
		return part(s, from, s.len - from);
	case HC_OP_REGEX:
	case HC_OP_REGEX_FIND:
		return escape(w, part(s, 0, head), part(s, s.len - tail, tail));
	case HC_OP_GLOB:
	case HC_OP_IGLOB:
		for (uint32_t i = 0; i < s.len; i++)
			if (strchr("[]\\*?", s.p[i]) || !s.p[i])
				return HC_STR("*a*");
		copy = hc_arena_printf(&w->arena, HC_STR_FMT "*" HC_STR_FMT, (int)head, s.p, (int)tail,
		                       s.p + s.len - tail);
		if (copy[0] && copy[0] != '*')
			copy[0] = '?';
		return hc_str_c(copy);
	case HC_OP_NET:
		if (s.len != 4 && s.len != 16)
			s = HC_STR("\x0a\1\2\3");
		copy = hc_arena_alloc(&w->arena, s.len + 1);
		memcpy(copy, s.p, s.len);
		copy[s.len] = (char)below(w, s.len * 8 + 1);
		return (struct hc_str){ copy, s.len + 1 };
	default:
		return s;
	}
}

/* The value of the access for some row, or one that nobody has. */
static struct val sample(struct world *w, const struct acc *a, enum hc_op op)
{
	enum hc_vt vt = a->vt == HC_VT_LIST ? a->item : a->vt;
	struct val v = { 0 };
	uint32_t n = hc_block_n_rows(w->block, a->type);

	for (unsigned tries = 0; tries < 8 && v.type == HC_VT_NONE; tries++) {
		slow_atom(w, a, (uint32_t)below(w, n), NULL, HC_OP_EXISTS, &v);
		if (v.type == HC_VT_LIST)
			v = v.n ? v.items[below(w, v.n)] : (struct val){ 0 };
	}
	if (v.type == HC_VT_NONE || v.type != vt || below(w, 6) == 0) {
		v = (struct val){ .type = vt, .i = (int64_t)below(w, 10) };
		if (vt == HC_VT_BOOL)
			v.i &= 1;
		v.s = HC_STR("no one has this");
		if (vt == HC_VT_IP)
			v.s = HC_STR("\x7f\0\0\1");
	}
	if (is_text(&v))
		v.s = related(w, v.s, op);
	return v;
}

static bool fits(enum hc_op op, enum hc_vt vt)
{
	bool number = vt == HC_VT_I64 || vt == HC_VT_U64;

	switch (op) {
	case HC_OP_EXISTS:
	case HC_OP_EQ:
	case HC_OP_NE:
	case HC_OP_IN:
		return true;
	case HC_OP_LT:
	case HC_OP_LE:
	case HC_OP_GT:
	case HC_OP_GE:
		return number || vt == HC_VT_STR;
	case HC_OP_MASK_ANY:
	case HC_OP_MASK_ALL:
		return number;
	case HC_OP_NET:
		return vt == HC_VT_IP;
	case HC_OP_CONTAINS:
	case HC_OP_STARTSWITH:
	case HC_OP_ENDSWITH:
		return vt == HC_VT_STR || vt == HC_VT_BYTES;
	default:
		return vt == HC_VT_STR;
	}
}

static struct ex *random_atom(struct world *w, unsigned type)
{
	struct ex *x = hc_arena_alloc(&w->arena, sizeof(*x));
	enum hc_vt vt;
	bool single;

	x->kind = EX_ATOM;
	x->a = random_access(w, type, true);
	vt = x->a->vt == HC_VT_LIST ? x->a->item : x->a->vt;
	do
		x->op = (enum hc_op)below(w, HC_N_OPS);
	while (!fits(x->op, vt));
	x->q = below(w, 2) ? HC_Q_ANY : HC_Q_ALL;
	x->flags = below(w, 8) == 0 ? HC_ATOM_ABSENT_TRUE : 0;
	single = (x->op >= HC_OP_LT && x->op <= HC_OP_GE) || x->op == HC_OP_MASK_ANY || x->op == HC_OP_MASK_ALL;
	x->n_consts = single ? 1 : (unsigned)(1 + below(w, MAX_CONSTS));
	for (unsigned i = 0; i < x->n_consts; i++)
		x->consts[i] = sample(w, x->a, x->op);
	return x;
}

static bool no_any(const struct acc *a)
{
	return a->kind == ACC_ELSE ? no_any(a->a) && no_any(a->b) : a->any_after < 0;
}

static struct ex *random_cmp(struct world *w, unsigned type)
{
	struct ex *x = hc_arena_alloc(&w->arena, sizeof(*x));

	x->kind = EX_CMP;
	for (unsigned tries = 0; tries < 300; tries++) {
		x->a = random_access(w, type, true);
		x->b = random_access(w, type, true);
		if (x->a->vt == HC_VT_LIST || x->a->vt == HC_VT_BOOL || x->a->vt != x->b->vt || !no_any(x->a) ||
		    !no_any(x->b))
			continue;
		do
			x->op = (enum hc_op)(HC_OP_EQ + below(w, HC_OP_ENDSWITH));
		while (!fits(x->op, x->a->vt) || x->op == HC_OP_IN || x->op > HC_OP_ENDSWITH);
		return x;
	}
	return random_atom(w, type);
}

static struct ex *random_ex(struct world *w, unsigned type, unsigned depth)
{
	struct ex *x;

	if (depth == 0 || below(w, 4) == 0)
		return below(w, 8) == 0 ? random_cmp(w, type) : random_atom(w, type);
	x = hc_arena_alloc(&w->arena, sizeof(*x));
	x->kind = below(w, 5) == 0 ? EX_NOT : below(w, 2) ? EX_AND : EX_OR;
	x->n_kids = x->kind == EX_NOT ? 1 : (unsigned)(2 + below(w, 2));
	for (unsigned i = 0; i < x->n_kids; i++)
		x->kid[i] = random_ex(w, type, depth - 1);
	return x;
}

/* ---- the same rules for the engine ---- */

static const struct hc_path *build_path(struct hc_ir *ir, const struct acc *a)
{
	const struct hc_path *p = hc_path_row(ir, a->type);
	unsigned at = 0;

	if (a->first_else) {
		p = hc_path_else(ir, hc_path_hop(ir, p, a->other),
		                 hc_path_hop(ir, hc_path_hop(ir, p, a->hop[0]), a->hop[1]));
		at = 2;
	}
	for (;; at++) {
		if (a->any_after == (int)at && at)
			p = hc_path_any_ancestor(ir, p);
		if (at == a->n_hops)
			return p;
		p = hc_path_hop(ir, p, a->hop[at]);
	}
}

static struct hc_value to_value(const struct val *v)
{
	return is_text(v) ? (struct hc_value){ .type = (uint8_t)v->type, .s = v->s }
	                  : (struct hc_value){ .type = (uint8_t)v->type, .i = v->i };
}

static const struct hc_access *build_access(struct hc_ir *ir, const struct acc *a)
{
	struct hc_value v;

	switch (a->kind) {
	case ACC_COL:
		return hc_access_col(ir, build_path(ir, a), a->col);
	case ACC_ROWF:
		return hc_access_row(ir, hc_path_row(ir, a->type), (enum hc_row_field)a->col);
	case ACC_LEAF:
		return hc_access_leaf(ir, build_path(ir, a), a->leaf, NULL);
	case ACC_CONST:
		v = to_value(&a->value);
		return hc_access_const(ir, a->type, &v);
	default:
		return hc_access_else(ir, build_access(ir, a->a), build_access(ir, a->b));
	}
}

static const struct hc_node *build(struct hc_ir *ir, const struct ex *x)
{
	const struct hc_node *kids[3], *node;
	struct hc_value consts[MAX_CONSTS];
	struct hc_err err = { 0 };

	switch (x->kind) {
	case EX_ATOM:
		for (unsigned i = 0; i < x->n_consts; i++)
			consts[i] = to_value(&x->consts[i]);
		node = hc_node_atom(ir, build_access(ir, x->a), x->op, x->q, x->flags, consts, x->n_consts, &err);
		cr_assert_not_null(node, "%s", err.msg);
		return node;
	case EX_CMP:
		node = hc_node_cmp(ir, build_access(ir, x->a), x->op, HC_Q_ANY, build_access(ir, x->b), &err);
		cr_assert_not_null(node, "%s", err.msg);
		return node;
	default:
		for (unsigned i = 0; i < x->n_kids; i++)
			kids[i] = build(ir, x->kid[i]);
		return x->kind == EX_NOT   ? hc_node_not(ir, kids[0])
		       : x->kind == EX_AND ? hc_node_and(ir, kids, x->n_kids)
		                           : hc_node_or(ir, kids, x->n_kids);
	}
}

/* ---- comparison ---- */

enum { N_RULES = 40, N_ROWS = 1500 };

struct tally {
	uint64_t n_checked, n_true, n_wrong;
	uint64_t n_alone, n_pruned;
};

static bool is_hit(const struct hc_hit *hits, int n, uint32_t rule, unsigned type, uint32_t row)
{
	for (int i = 0; i < n; i++)
		if (hits[i].rule == rule && hits[i].type == type && hits[i].row == row)
			return true;
	return false;
}

static bool state_only(struct world *w, unsigned type, uint32_t row)
{
	struct val v = column_value(w, HC_DOM_ROWS(type), HC_COL_ROW_FLAGS, row + 1);

	return v.type && v.i & HC_ROW_STATEONLY;
}

/* A rule by itself, so that the block may be passed over, has the hits that it has among others. */
static void compare_alone(struct world *w, const struct ex *rule, unsigned type, const struct hc_hit *hits, int n,
                          uint32_t index, struct tally *tally)
{
	struct hc_ir *ir = hc_ir_new();
	const struct hc_hit *alone;
	struct hc_plan *plan;
	struct hc_eval *eval;
	struct hc_err err = { 0 };
	int n_alone, at = 0;

	hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "r" });
	hc_ir_rule_when(ir, 0, type, build(ir, rule));
	cr_assert_eq(hc_plan_new(ir, HC_MATCH_ALL, &plan, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_eval_new(plan, NULL, &eval, &err), 0);
	n_alone = hc_eval_block(eval, w->block, NULL, &alone, &err);
	cr_assert_geq(n_alone, 0, "%s", err.msg);
	for (int i = 0; i < n; i++) {
		if (hits[i].rule != index)
			continue;
		cr_assert(at < n_alone && alone[at].row == hits[i].row && alone[at].type == hits[i].type,
		          "a block was passed over that has hits for\n%s", hc_node_text(ir, build(ir, rule)));
		at++;
	}
	cr_assert_eq(at, n_alone);
	tally->n_alone++;
	tally->n_pruned += hc_eval_pruned(eval);
	hc_eval_free(eval);
	hc_plan_free(plan);
	hc_ir_free(ir);
}

/* Rules for types that the block has; each asked of a handful of rows. */
static void compare_block(struct world *w, const struct hc_kernels *kernels, enum hc_matching matching,
                          struct tally *tally)
{
	struct hc_ir *ir = hc_ir_new();
	struct hc_plan *plan;
	struct hc_eval *eval;
	struct hc_err err = { 0 };
	const struct hc_hit *hits;
	struct ex *rules[N_RULES];
	unsigned types[N_RULES];
	int n;

	for (int i = 0; i < N_RULES; i++) {
		do
			types[i] = (unsigned)below(w, HC_EV_MAX);
		while (!hc_event_desc(types[i]) || !hc_block_n_rows(w->block, types[i]));
		if (matching == HC_MATCH_FIRST && i)
			types[i] = types[0];
		rules[i] = random_ex(w, types[i], 3);
		cr_assert_eq(hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "r", .group = (uint32_t)i % 2 }),
		             i);
		hc_ir_rule_when(ir, i, types[i], build(ir, rules[i]));
	}
	cr_assert_eq(hc_plan_new(ir, matching, &plan, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_eval_new(plan, NULL, &eval, &err), 0);
	if (kernels)
		hc_eval_set_kernels(eval, kernels);
	hc_eval_set_pruning(eval, false);
	n = hc_eval_block(eval, w->block, NULL, &hits, &err);
	cr_assert_geq(n, 0, "%s", err.msg);
	for (int i = 1; i < n; i++)
		cr_assert(hits[i - 1].seq < hits[i].seq ||
		          (hits[i - 1].seq == hits[i].seq && hits[i - 1].rule < hits[i].rule));
	for (uint32_t row = 0; matching == HC_MATCH_FIRST && row < hc_block_n_rows(w->block, types[0]); row++) {
		bool taken[2] = { false, false };

		for (int i = 0; i < N_RULES; i++) {
			bool want = !taken[i % 2] && !state_only(w, types[0], row) && slow(w, rules[i], row);

			taken[i % 2] |= want;
			tally->n_checked++;
			tally->n_true += want;
			tally->n_wrong += want != is_hit(hits, n, (uint32_t)i, types[0], row);
		}
	}
	for (int i = 0; matching == HC_MATCH_ALL && i < N_RULES; i++) {
		for (uint32_t row = 0; row < hc_block_n_rows(w->block, types[i]); row++) {
			bool want = !state_only(w, types[i], row) && slow(w, rules[i], row);
			bool got = is_hit(hits, n, (uint32_t)i, types[i], row);

			tally->n_checked++;
			tally->n_true += want;
			tally->n_wrong += want != got;
			if (want != got && !kernels && tally->n_wrong < 5)
				fprintf(stderr, "rule %d type %s row %u: want %d got %d\n%s\n", i,
				        hc_event_desc(types[i])->name, row, want, got,
				        hc_node_text(ir, build(ir, rules[i])));
		}
		if (!kernels)
			compare_alone(w, rules[i], types[i], hits, n, (uint32_t)i, tally);
	}
	hc_eval_free(eval);
	hc_plan_free(plan);
	hc_ir_free(ir);
}

static void compare(uint64_t seed, const struct hc_kernels *kernels, enum hc_matching matching,
                    struct tally *tally)
{
	struct hc_gen_opts opts = { .seed = seed, .n_rows = N_ROWS, .no_hashes = true };
	struct world w = { .rng = { seed * 7 + 1 } };
	struct hc_gen_result result;
	struct hc_capture *c;
	struct hc_err err = { 0 };
	char *dir = hc_gen_tmpdir();
	uint32_t *blocks, n_blocks;

	if (seed % 2) { /* long columns: few types, many rows */
		opts.mix = HC_GEN_NODE;
		opts.n_rows = 6000;
	}
	cr_assert_eq(hc_gen_capture(dir, &opts, &result, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_capture_open(dir, 0, &c, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_capture_select(c, &(struct hc_block_filter){ 0 }, &blocks, &n_blocks, &err), 0);
	for (uint32_t i = 0; i < n_blocks && i < 6; i++) {
		cr_assert_eq(hc_capture_load(c, blocks[i], &w.block, &err), 0, "%s", err.msg);
		compare_block(&w, kernels, matching, tally);
		hc_block_close(w.block);
		hc_arena_reset(&w.arena);
	}
	hc_arena_done(&w.arena);
	free(blocks);
	hc_capture_close(c);
	hc_gen_result_done(&result);
	hc_gen_rm(dir);
	free(dir);
}

Test(eval, agrees_with_the_slow_evaluator_on_random_rules)
{
	struct tally t = { 0 };

	for (uint64_t seed = 1; seed <= 24; seed++)
		compare(seed, NULL, HC_MATCH_ALL, &t);
	cr_assert_eq(t.n_wrong, 0, "%llu of %llu wrong", (unsigned long long)t.n_wrong,
	             (unsigned long long)t.n_checked);
	cr_assert_gt(t.n_true, t.n_checked / 50, "too few rules are ever true: %llu of %llu",
	             (unsigned long long)t.n_true, (unsigned long long)t.n_checked);
	cr_assert_lt(t.n_true, t.n_checked * 9 / 10);
	cr_assert_gt(t.n_pruned, t.n_alone / 100, "blocks are hardly ever passed over: %llu of %llu",
	             (unsigned long long)t.n_pruned, (unsigned long long)t.n_alone);
}

Test(eval, lets_the_first_rule_of_a_group_win)
{
	struct tally t = { 0 };

	for (uint64_t seed = 100; seed <= 108; seed++)
		compare(seed, NULL, HC_MATCH_FIRST, &t);
	cr_assert_eq(t.n_wrong, 0, "%llu of %llu wrong", (unsigned long long)t.n_wrong,
	             (unsigned long long)t.n_checked);
	cr_assert_gt(t.n_true, 100);
}

static struct hc_kernels broken;

/* One row in 64 is asked about its neighbour. */
static void broken_gather(const uint32_t *refs, size_t n_words, const uint8_t *lut, uint64_t *out)
{
	hc_kernels.gather(refs, n_words, lut, out);
	for (size_t w = 0; w < n_words; w++)
		out[w] = (out[w] & ~UINT64_C(0x100)) | (out[w] << 1 & 0x100);
}

Test(eval, is_seen_to_be_wrong_when_a_kernel_is_broken)
{
	struct tally t = { 0 };

	broken = hc_kernels;
	broken.gather = broken_gather;
	for (uint64_t seed = 1; seed <= 6; seed++)
		compare(seed, &broken, HC_MATCH_ALL, &t);
	cr_assert_gt(t.n_wrong, 0);
	broken = hc_kernels;
	broken.lt = hc_kernels.gt;
	t = (struct tally){ 0 };
	for (uint64_t seed = 1; seed <= 12 && !t.n_wrong; seed++)
		compare(seed, &broken, HC_MATCH_ALL, &t);
	cr_assert_gt(t.n_wrong, 0);
}
