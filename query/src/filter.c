/*
 * Constraints as the scan can use them. The rule everywhere: a row that is dropped here, SQLite would have dropped
 * too; what cannot be decided exactly (other types, other collations) is left to SQLite, which checks every row
 * again.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "sql_priv.h"

#define MAX_VALUES (1u << 20) /* of one IN list */

void hc_q_filter_init(struct q_filter *f, const struct q_table *t)
{
	static const struct q_range all = { INT64_MIN, INT64_MAX };

	*f = (struct q_filter){ .seq = all, .wall_ns = all, .ts_ns = all, .all_types = !t->type };
	if (t->type)
		hc_type_set_add(&f->types, t->type);
}

void hc_q_filter_done(struct q_filter *f)
{
	hc_arena_done(&f->arena);
	*f = (struct q_filter){ 0 };
}

static bool is_row(const struct q_col *c, enum q_row what)
{
	return c->from == Q_FROM_ROW && c->col == what;
}

static bool is_integer(const struct q_col *c)
{
	return c->decl[0] == 'I';
}

static bool is_time(const struct q_col *c)
{
	return c->decl[0] == 'T' && c->decl[4] != 0;
}

static bool is_comparison(enum q_op op)
{
	return op >= Q_OP_EQ && op <= Q_OP_GE;
}

bool hc_q_filter_can(const struct q_table *t, unsigned col, enum q_op op)
{
	const struct q_col *c = &t->cols[col];

	if (t->kind != Q_KIND_EVENTS || c->decl[0] == 'B')
		return false;
	if (op == Q_OP_ISNULL || op == Q_OP_NOTNULL)
		return !is_row(c, Q_ROW_ARGS);
	if (is_row(c, Q_ROW_TIME))
		return is_comparison(op);
	if (is_time(c) || is_row(c, Q_ROW_ARGS))
		return false;
	if (is_integer(c))
		return is_comparison(op);
	return op == Q_OP_EQ || op == Q_OP_LIKE || op == Q_OP_GLOB;
}

/* ---- ranges ---- */

static void cut(struct q_range *r, enum q_op op, int64_t v)
{
	switch (op) {
	case Q_OP_EQ:
		r->lo = v > r->lo ? v : r->lo;
		r->hi = v < r->hi ? v : r->hi;
		break;
	case Q_OP_GT:
	case Q_OP_GE:
		if (op == Q_OP_GT && v == INT64_MAX)
			*r = (struct q_range){ 1, 0 };
		else if (v + (op == Q_OP_GT) > r->lo)
			r->lo = v + (op == Q_OP_GT);
		break;
	case Q_OP_LT:
	case Q_OP_LE:
		if (op == Q_OP_LT && v == INT64_MIN)
			*r = (struct q_range){ 1, 0 };
		else if (v - (op == Q_OP_LT) < r->hi)
			r->hi = v - (op == Q_OP_LT);
		break;
	default:
		break;
	}
}

/* The range that all of the moments lie in; false when one of them is no moment. */
static bool moments(const struct q_val *v, uint32_t n, struct q_range *ret)
{
	*ret = (struct q_range){ INT64_MAX, INT64_MIN };
	for (uint32_t i = 0; i < n; i++) {
		int64_t ns;

		if (v[i].type != Q_TEXT || !hc_q_time_parse(v[i].s, &ns))
			return false;
		ret->lo = ns < ret->lo ? ns : ret->lo;
		ret->hi = ns > ret->hi ? ns : ret->hi;
	}
	return n > 0;
}

static void add_time(struct q_filter *f, enum q_op op, const struct q_val *v, uint32_t n)
{
	struct q_range span;

	if (!moments(v, n, &span))
		return;
	if (op == Q_OP_EQ) {
		cut(&f->wall_ns, Q_OP_GE, span.lo);
		cut(&f->wall_ns, Q_OP_LE, span.hi);
	} else {
		cut(&f->wall_ns, op, span.lo);
	}
}

/* ---- constants ---- */

static int by_value(const void *a, const void *b)
{
	const struct q_val *x = a, *y = b;

	if (x->type == Q_INTEGER)
		return (x->i > y->i) - (x->i < y->i);
	return hc_str_cmp(x->s, y->s);
}

/* All of the wanted type, copied and sorted; NULL when one is of another, or when memory is out (*ret_oom). */
static struct q_val *copy_values(struct q_filter *f, uint8_t type, const struct q_val *v, uint32_t n,
                                 bool *ret_oom)
{
	struct q_val *copy;

	for (uint32_t i = 0; i < n; i++)
		if (v[i].type != type)
			return NULL;
	copy = hc_arena_alloc(&f->arena, ((size_t)n + 1) * sizeof(*copy));
	*ret_oom = !copy;
	for (uint32_t i = 0; copy && i < n; i++) {
		copy[i] = v[i];
		if (type == Q_TEXT) {
			copy[i].s = hc_arena_str(&f->arena, v[i].s);
			if (!copy[i].s.p) {
				*ret_oom = true;
				return NULL;
			}
		}
	}
	if (copy && n > 1)
		qsort(copy, n, sizeof(*copy), by_value);
	return copy;
}

/* Event types whose name passes; the set only shrinks. */
static void add_type(struct q_filter *f, enum q_op op, const struct q_val *v, uint32_t n)
{
	struct hc_type_set keep = { 0 };

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		const struct hc_table_desc *d = hc_event_desc(type);
		bool pass = false;

		if (!d || !(f->all_types || hc_type_set_has(&f->types, type)))
			continue;
		for (uint32_t i = 0; i < n && !pass; i++) {
			if (v[i].type != Q_TEXT)
				pass = true; /* SQLite knows */
			else if (op == Q_OP_LIKE)
				pass = sqlite3_strlike(v[i].s.p, d->name, 0) == 0;
			else if (op == Q_OP_GLOB)
				pass = sqlite3_strglob(v[i].s.p, d->name) == 0;
			else
				pass = hc_str_eq(v[i].s, hc_str_c(d->name));
		}
		if (pass)
			hc_type_set_add(&keep, type);
	}
	f->types = keep;
	f->all_types = false;
}

static int add_pred(struct q_filter *f, const struct q_col *c, enum q_op op, struct q_val *v, uint32_t n)
{
	struct q_pred *p = hc_arena_alloc(&f->arena, (f->n_preds + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	if (f->n_preds)
		memcpy(p, f->preds, f->n_preds * sizeof(*p));
	p[f->n_preds++] = (struct q_pred){ .col = c, .op = (uint8_t)op, .v = v, .n = n };
	f->preds = p;
	return 0;
}

static int add_seqs(struct q_filter *f, const struct q_val *sorted, uint32_t n)
{
	int64_t *seqs = hc_arena_alloc(&f->arena, ((size_t)n + 1) * sizeof(*seqs));

	if (!seqs)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		seqs[i] = sorted[i].i;
	cut(&f->seq, Q_OP_GE, seqs[0]);
	cut(&f->seq, Q_OP_LE, seqs[n - 1]);
	if (!f->seqs || n < f->n_seqs) {
		f->seqs = seqs;
		f->n_seqs = n;
	}
	return 0;
}

int hc_q_filter_add(struct q_filter *f, const struct q_table *t, unsigned col, enum q_op op, const struct q_val *v,
                    uint32_t n)
{
	const struct q_col *c = &t->cols[col];
	struct q_val *copy;
	bool oom = false;

	if (!hc_q_filter_can(t, col, op) || n > MAX_VALUES)
		return 0;
	if (op == Q_OP_ISNULL || op == Q_OP_NOTNULL)
		return add_pred(f, c, op, NULL, 0);
	if (n == 0 || (n == 1 && v[0].type == Q_NULL)) { /* IN (), = NULL */
		f->nothing = true;
		return 0;
	}
	if (is_row(c, Q_ROW_TIME)) {
		add_time(f, op, v, n);
		return 0;
	}
	if (is_row(c, Q_ROW_TYPE)) {
		copy = copy_values(f, Q_TEXT, v, n, &oom);
		if (copy)
			add_type(f, op, copy, n);
		return oom ? -ENOMEM : 0;
	}
	copy = copy_values(f, is_integer(c) ? Q_INTEGER : Q_TEXT, v, n, &oom);
	if (!copy)
		return oom ? -ENOMEM : 0;
	if (is_row(c, Q_ROW_SEQ) && op == Q_OP_EQ)
		return add_seqs(f, copy, n);
	if (is_row(c, Q_ROW_SEQ)) {
		cut(&f->seq, op, copy[0].i);
		return 0;
	}
	if ((is_row(c, Q_ROW_WALL_NS) || is_row(c, Q_ROW_TS_NS)) && (op != Q_OP_EQ || n == 1)) {
		cut(is_row(c, Q_ROW_TS_NS) ? &f->ts_ns : &f->wall_ns, op, copy[0].i);
		return 0;
	}
	return add_pred(f, c, op, copy, n);
}
