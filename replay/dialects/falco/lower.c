/*
 * Conditions into atoms. Most fields are an access and an operator; below are those whose comparison is more than
 * that: names of errors and events compare as the numbers they stand for, so that no text is made per row, and the
 * fields that mean "either end" or "any ancestor".
 */
#include "replay/dialects/falco/lower.h"

#include <errno.h>
#include <stdlib.h>

#include "store/schema.h"

static const struct hc_node *atom(struct flower *l, const struct hc_access *a, enum hc_op op, enum hc_quant q,
                                  const struct hc_value *consts, size_t n)
{
	if (!a)
		return hc_node_const(l->b->ir, false);
	return hc_node_atom(l->b->ir, a, op, q, 0, consts, n, l->err);
}

static const struct hc_node *no(struct flower *l)
{
	return hc_node_const(l->b->ir, false);
}

static const struct hc_node *exists(struct flower *l, const struct hc_access *a)
{
	return atom(l, a, HC_OP_EXISTS, HC_Q_ANY, NULL, 0);
}

static const struct hc_node *both(struct flower *l, const struct hc_node *a, const struct hc_node *b)
{
	return a && b ? hc_node_and(l->b->ir, (const struct hc_node *[]){ a, b }, 2) : NULL;
}

static const struct hc_node *any(struct flower *l, const struct hc_node *a, const struct hc_node *b)
{
	return a && b ? hc_node_or(l->b->ir, (const struct hc_node *[]){ a, b }, 2) : NULL;
}

static const struct hc_node *inverse(struct flower *l, const struct hc_node *a)
{
	return a ? hc_node_not(l->b->ir, a) : NULL;
}

static enum hc_op op_of(enum fop op)
{
	switch (op) {
	case FOP_EXISTS:
		return HC_OP_EXISTS;
	case FOP_LE:
		return HC_OP_LE;
	case FOP_LT:
		return HC_OP_LT;
	case FOP_GE:
		return HC_OP_GE;
	case FOP_GT:
		return HC_OP_GT;
	case FOP_NE:
		return HC_OP_NE;
	case FOP_GLOB:
		return HC_OP_GLOB;
	case FOP_IGLOB:
		return HC_OP_IGLOB;
	case FOP_CONTAINS:
	case FOP_BCONTAINS:
		return HC_OP_CONTAINS;
	case FOP_ICONTAINS:
		return HC_OP_ICONTAINS;
	case FOP_STARTSWITH:
	case FOP_BSTARTSWITH:
		return HC_OP_STARTSWITH;
	case FOP_ENDSWITH:
		return HC_OP_ENDSWITH;
	case FOP_REGEX:
		return HC_OP_REGEX;
	case FOP_PMATCH:
		return HC_OP_PMATCH;
	case FOP_IN:
	case FOP_INTERSECTS:
		return HC_OP_IN;
	default:
		return HC_OP_EQ;
	}
}

/* A negative constant against an unsigned column, where Falco's field is signed. */
static bool out_of_range(const struct hc_access *a, enum hc_op op, const struct hc_value *c, bool *ret_true)
{
	if (hc_access_type(a) != HC_VT_U64 || c->type != HC_VT_I64 || c->i >= 0)
		return false;
	*ret_true = op == HC_OP_GT || op == HC_OP_GE || op == HC_OP_NE;
	return true;
}

static const struct hc_node *one(struct flower *l, const struct hc_access *a, enum hc_op op,
                                 const struct hc_value *c)
{
	bool yes;

	if (a && out_of_range(a, op, c, &yes))
		return yes ? exists(l, a) : no(l);
	return atom(l, a, op, HC_Q_ANY, c, 1);
}

/* Operators that are asked about any number of texts at once. */
static bool takes_many(enum hc_op op)
{
	return op == HC_OP_STARTSWITH || op == HC_OP_ENDSWITH || op == HC_OP_CONTAINS || op == HC_OP_ICONTAINS ||
	       op == HC_OP_GLOB || op == HC_OP_IGLOB || op == HC_OP_REGEX;
}

/* What holds where one, two or all of some constants fit. */
struct fits {
	const struct hc_node *some, *twice, *all;
};

/* Halves are joined: a chain would name all that came before once more at each constant. */
static struct fits fits(struct flower *l, const struct fx *x, const struct hc_access *a,
                        const struct hc_value *consts, uint32_t n)
{
	struct fits f, g;

	if (n == 1) {
		f.some = f.all = one(l, a, op_of(x->op), consts);
		f.twice = no(l);
		return f;
	}
	f = fits(l, x, a, consts, n / 2);
	g = fits(l, x, a, consts + n / 2, n - n / 2);
	if (x->mod == FMOD_ALLOF)
		f.all = both(l, f.all, g.all);
	if (x->mod == FMOD_ONEOF)
		f.twice = any(l, any(l, f.twice, g.twice), both(l, f.some, g.some));
	if (x->mod != FMOD_ALLOF)
		f.some = any(l, f.some, g.some);
	return f;
}

/* oneof, anyof, allof over a list of constants. */
static const struct hc_node *modified(struct flower *l, const struct fx *x, const struct hc_access *a)
{
	enum hc_op op = op_of(x->op);
	struct fits f;

	if (!x->n_consts)
		return x->mod == FMOD_ALLOF ? exists(l, a) : no(l);
	if (x->mod == FMOD_ANYOF && x->op == FOP_EQ)
		return atom(l, a, HC_OP_IN, HC_Q_ANY, x->consts, x->n_consts);
	if (x->mod == FMOD_ANYOF && takes_many(op))
		return atom(l, a, op, HC_Q_ANY, x->consts, x->n_consts);
	f = fits(l, x, a, x->consts, x->n_consts);
	if (x->mod == FMOD_ALLOF)
		return both(l, exists(l, a), f.all);
	return x->mod == FMOD_ONEOF ? both(l, f.some, inverse(l, f.twice)) : f.some;
}

static const struct hc_node *compare(struct flower *l, const struct fx *x, const struct hc_access *a)
{
	enum hc_quant q = x->op == FOP_INTERSECTS ? HC_Q_ANY : HC_Q_ALL;
	enum hc_op op = op_of(x->op);

	if (!a)
		return no(l);
	if (x->op == FOP_EXISTS)
		return exists(l, a);
	if (x->rhs) {
		const struct hc_access *b = falco_bind_val(l->b, x->rhs);

		if (!b)
			return no(l);
		return hc_node_cmp(l->b->ir, a, op, q, b, l->err);
	}
	if (x->mod)
		return modified(l, x, a);
	if (op == HC_OP_IN || op == HC_OP_PMATCH) {
		if (!x->n_consts)
			return no(l);
		return atom(l, a, op, q, x->consts, x->n_consts);
	}
	if (!x->n_consts)
		return no(l);
	return one(l, a, op, &x->consts[0]);
}

/* ---- numbers behind names ---- */

/* evt.res: SUCCESS and the errors' names. */
static const struct hc_node *compare_res(struct flower *l, const struct fx *x)
{
	struct fref ret_field = { .id = F_EVT_RAWRES, .type = FT_INT64 };
	const struct hc_access *ret = falco_bind(l->b, &ret_field);
	const struct hc_value zero = hc_value_i64(0);
	const struct hc_node *hit = no(l);
	bool named = falco_row_names_errors(l->b->type);

	if (!ret)
		return no(l);
	for (uint32_t i = 0; i < x->n_consts && hit; i++) {
		const struct hc_node *n = no(l);

		if (hc_str_eq(x->texts[i], HC_STR("SUCCESS"))) {
			n = atom(l, ret, HC_OP_GE, HC_Q_ANY, &zero, 1);
		} else {
			for (int64_t e = 1; named && e < 4096; e++) {
				const char *name = falco_errno_name(e);
				struct hc_value v = hc_value_i64(-e);

				if (name && hc_str_eq(x->texts[i], hc_str_c(name))) {
					n = atom(l, ret, HC_OP_EQ, HC_Q_ANY, &v, 1);
					break;
				}
			}
			if (n && hc_node_is_false(n) && x->texts[i].len &&
			    x->texts[i].p[0] == '-') { /* a nameless one */
				struct hc_value v = hc_value_i64(strtoll(x->texts[i].p, NULL, 10));

				if (v.i < 0 && (v.i < -4096 || !named || !falco_errno_name(-v.i)))
					n = atom(l, ret, HC_OP_EQ, HC_Q_ANY, &v, 1);
			}
		}
		hit = any(l, hit, n);
	}
	return x->op == FOP_NE ? both(l, exists(l, ret), inverse(l, hit)) : hit;
}

static const struct hc_node *compare_failed(struct flower *l, const struct fx *x)
{
	struct fref ret_field = { .id = F_EVT_RAWRES, .type = FT_INT64 };
	const struct hc_access *ret = falco_bind(l->b, &ret_field);
	const struct hc_value zero = hc_value_i64(0);
	bool want = x->consts[0].u;

	if (!ret)
		return no(l);
	if (x->op == FOP_NE)
		want = !want;
	return atom(l, ret, want ? HC_OP_LT : HC_OP_GE, HC_Q_ANY, &zero, 1);
}

static const struct hc_node *numbers(struct flower *l, unsigned col, const struct hc_value *v, uint32_t n)
{
	return n ? atom(l, hc_access_col(l->b->ir, l->b->at_row, col), HC_OP_IN, HC_Q_ANY, v, n) : no(l);
}

#define MAX_NUMBERS 512

/* Is a call of this name never a row of `sys`, because it has a type of its own? Of the original's calls without
 * an event of their own imported ones are, whatever a recorder makes of them. */
static bool has_type(struct hc_str name)
{
	const struct hc_table_desc *d = hc_event_desc_by_name(name);
	struct code_set codes = { 0 };

	return d && d->profile != HC_PROFILE_IMPORTED &&
	       !(falco_type_codes(name, &codes) && code_set_has(&codes, CODE_GENERIC));
}

/* Do recorders of today write it as rows of its own type? */
static bool records_typed(struct hc_str name)
{
	const struct hc_table_desc *d = hc_event_desc_by_name(name);

	return d && d->profile != HC_PROFILE_IMPORTED;
}

/* Has it not always had one? Earlier recorders' rows of it are of `sys`. */
static bool had_no_type(struct hc_str name)
{
	const struct hc_table_desc *d = hc_event_desc_by_name(name);

	return d && falco_former_type(falco_row_map(d->number)->code) == d->number;
}

/* By the numbers of both tables. */
static const struct hc_node *by_number(struct flower *l, const struct hc_value nrs[2][MAX_NUMBERS],
                                       const uint32_t n[2])
{
	struct hc_value compat = hc_value_u64(HC_ROW_COMPAT);
	const struct hc_access *flags = hc_access_col(l->b->ir, l->b->at_row, HC_COL_ROW_FLAGS);
	const struct hc_node *is_compat = atom(l, flags, HC_OP_MASK_ANY, HC_Q_ANY, &compat, 1);

	if (!n[0] && !n[1])
		return no(l);
	return any(l, both(l, inverse(l, is_compat), numbers(l, HC_COL_NR, nrs[0], n[0])),
	           both(l, is_compat, numbers(l, HC_COL_NR, nrs[1], n[1])));
}

static const struct hc_node *compare_fork(struct flower *l, const struct fx *x)
{
	static const struct {
		struct hc_str name;
		unsigned nr;
	} forks[] = { { { "fork", 4 }, 57 }, { { "vfork", 5 }, 58 }, { { "clone3", 6 }, 435 } };
	const struct hc_value others[] = { hc_value_u64(57), hc_value_u64(58), hc_value_u64(435) };
	const struct hc_node *hit = no(l);

	for (uint32_t i = 0; i < x->n_consts; i++) {
		for (unsigned k = 0; k < 3; k++)
			if (hc_str_eq(x->texts[i], forks[k].name))
				hit = any(l, hit, numbers(l, HC_C_PROC_FORK_via, &others[k], 1));
		if (hc_str_eq(x->texts[i], HC_STR("clone")))
			hit = any(l, hit, inverse(l, numbers(l, HC_C_PROC_FORK_via, others, 3)));
	}
	return hit;
}

/* Of rows of `sys`: calls that never had a type, and what earlier recorders wrote of those that have one now. */
static const struct hc_node *compare_sys(struct flower *l, const struct fx *x)
{
	struct hc_value nrs[2][2][MAX_NUMBERS];
	uint32_t n[2][2] = { 0 };
	const struct hc_node *is_import;

	for (uint32_t i = 0; i < x->n_consts; i++) {
		bool former = had_no_type(x->texts[i]);

		if ((has_type(x->texts[i]) && !former) || (l->untyped && records_typed(x->texts[i])))
			continue;
		for (unsigned table = 0; table < 2; table++)
			for (uint64_t nr = 0; nr < 1024 && n[former][table] < MAX_NUMBERS; nr++) {
				const char *name = falco_syscall_name(nr, table);

				if (name && hc_str_eq(x->texts[i], hc_str_c(name)))
					nrs[former][table][n[former][table]++] = hc_value_u64(nr);
			}
	}
	is_import = exists(l, hc_access_col(l->b->ir, l->b->at_row, HC_COL_SRC_NUM));
	return any(l, by_number(l, nrs[0], n[0]), both(l, inverse(l, is_import), by_number(l, nrs[1], n[1])));
}

/* The event's name where the row decides it. */
static const struct hc_node *compare_type(struct flower *l, const struct fx *x)
{
	const struct hc_node *hit = l->b->type == HC_EV_PROC_FORK ? compare_fork(l, x) : compare_sys(l, x);

	return x->op == FOP_NE ? inverse(l, hit) : hit;
}

/* evt.is_open_read and evt.is_open_write from the access mode, a column. */
static const struct hc_node *compare_open(struct flower *l, const struct fx *x)
{
	const struct hc_value low = hc_value_u64(1), high = hc_value_u64(2);
	const struct hc_table_desc *d = hc_event_desc(l->b->type);
	const struct hc_node *is_low, *is_high, *n;
	const struct hc_access *flags;
	bool want = x->consts[0].u;

	if (x->op == FOP_NE)
		want = !want;
	if (l->b->type != HC_EV_OPEN && l->b->type != HC_EV_OPENAT && l->b->type != HC_EV_OPENAT2 &&
	    l->b->type != HC_EV_OPEN_BY_HANDLE_AT)
		return hc_node_const(l->b->ir, !want);
	flags = hc_access_col(l->b->ir, l->b->at_row, (unsigned)hc_col_find(d, HC_STR("flags")));
	is_low = atom(l, flags, HC_OP_MASK_ANY, HC_Q_ANY, &low, 1);
	is_high = atom(l, flags, HC_OP_MASK_ANY, HC_Q_ANY, &high, 1);
	if (x->lhs->field.id == F_EVT_IS_OPEN_READ) /* all but write-only */
		n = inverse(l, both(l, is_low, inverse(l, is_high)));
	else
		n = any(l, both(l, is_low, inverse(l, is_high)), both(l, is_high, inverse(l, is_low)));
	return want ? n : inverse(l, n);
}

static bool all_not_negative(const struct fx *x)
{
	for (uint32_t i = 0; i < x->n_consts; i++)
		if (x->consts[i].i < 0)
			return false;
	return x->n_consts;
}

/* The descriptor a call made is its result, except that every failure is -1: the same against numbers from 0 on.
 */
static const struct hc_access *fd_num(struct flower *l, const struct fx *x)
{
	if (l->b->row->fd == FD_NEW && !x->rhs && all_not_negative(x) && falco_row_has_ret(l->b->type))
		return hc_access_col(l->b->ir, l->b->at_row, HC_COL_RET);
	return falco_bind(l->b, &x->lhs->field);
}

/* ---- either end ---- */

/* = and in: one of the ends; !=: neither, where there is at least one. */
static const struct hc_node *ends(struct flower *l, const struct fx *x, const struct hc_access *a,
                                  const struct hc_access *b, enum hc_op op, const struct hc_value *consts,
                                  size_t n)
{
	const struct hc_node *hit;

	if (!a || !b)
		return no(l);
	if (x->op == FOP_EXISTS)
		return any(l, exists(l, a), exists(l, b));
	if (!n)
		return no(l);
	hit = any(l, atom(l, a, op, HC_Q_ANY, consts, n), atom(l, b, op, HC_Q_ANY, consts, n));
	if (x->op == FOP_NE)
		return both(l, any(l, exists(l, a), exists(l, b)), inverse(l, hit));
	return hit;
}

static const struct hc_node *compare_ends(struct flower *l, const struct fx *x)
{
	enum hc_op op = x->op == FOP_NE ? HC_OP_EQ : op_of(x->op);
	size_t n = x->n_consts;
	struct fref fd = x->lhs->field;

	if (x->op == FOP_EXISTS && !l->sane) { /* the original asks for a descriptor, of whatever type */
		fd.id = F_FD_TYPE;
		return exists(l, falco_bind(l->b, &fd));
	}
	switch (x->lhs->field.id) {
	case F_FD_IP:
		if (x->op == FOP_IN && !l->sane) /* the original compares addresses of length 0 */
			return no(l);
		return ends(l, x, falco_bind_end(l->b, false, false), falco_bind_end(l->b, false, true), op,
		            x->consts, n);
	case F_FD_NET:
		if (x->op == FOP_IN && !l->sane && n > 1) /* the original looks at the first only */
			n = 1;
		return ends(l, x, falco_bind_end(l->b, false, false), falco_bind_end(l->b, false, true), HC_OP_NET,
		            x->consts, n);
	default:
		return ends(l, x, falco_bind_end(l->b, true, false), falco_bind_end(l->b, true, true), op,
		            x->consts, n);
	}
}

static const struct hc_node *compare_net(struct flower *l, const struct fx *x)
{
	const struct hc_access *a = falco_bind(l->b, &x->lhs->field);
	const struct hc_node *hit;

	if (!a || x->op == FOP_EXISTS)
		return exists(l, a);
	if (!x->n_consts)
		return no(l);
	hit = atom(l, a, HC_OP_NET, HC_Q_ANY, x->consts, x->n_consts);
	return x->op == FOP_NE ? both(l, exists(l, a), inverse(l, hit)) : hit;
}

/* evt.around[t] = ms */
static const struct hc_node *compare_around(struct flower *l, const struct fx *x)
{
	const struct hc_access *wall = hc_access_row(l->b->ir, l->b->at_row, HC_ROWF_WALL_NS);
	uint64_t at = strtoull(x->lhs->field.name.p, NULL, 10), ms = x->consts[0].u;
	uint64_t span = ms > UINT64_MAX / 2000000 ? UINT64_MAX / 2 : ms * 1000000;
	struct hc_value low = hc_value_i64(at > span ? (int64_t)(at - span) : 0);
	struct hc_value high =
		hc_value_i64(at + span < at || at + span > INT64_MAX ? INT64_MAX : (int64_t)(at + span));

	return both(l, atom(l, wall, HC_OP_GE, HC_Q_ANY, &low, 1), atom(l, wall, HC_OP_LE, HC_Q_ANY, &high, 1));
}

/* For people who look at rows: a row has the name of its type as well as Falco's. */
static const struct hc_node *with_own_name(struct flower *l, const struct fx *x, const struct hc_node *n)
{
	const struct hc_table_desc *d = hc_event_desc(l->b->type);
	bool named = false;

	for (uint32_t i = 0; i < x->n_consts; i++)
		named = named || hc_str_eq(x->texts[i], hc_str_c(d->name));
	return named ? hc_node_const(l->b->ir, x->op != FOP_NE) : n;
}

static const struct hc_node *lower_test(struct flower *l, struct fx *x)
{
	const struct fref *f = x->lhs->kind == FVAL_FIELD ? &x->lhs->field : NULL;
	bool plain = f && !x->rhs && !x->mod && (x->op == FOP_EQ || x->op == FOP_NE || x->op == FOP_IN);
	struct code_set codes;
	struct fx first;

	if (!f)
		return compare(l, x, falco_bind_val(l->b, x->lhs));
	if (f->id == F_EVT_NUM) { /* events are counted from 1 */
		codes = falco_codes(x);
		if (!code_set_count(&codes))
			return no(l);
	}
	switch (f->id) {
	case F_FD_IP:
	case F_FD_NET:
	case F_FD_PORT:
	case F_FD_PROTO:
		return compare_ends(l, x);
	case F_FD_CNET:
	case F_FD_SNET:
	case F_FD_LNET:
	case F_FD_RNET:
		return compare_net(l, x);
	case F_FD_NUM:
		return compare(l, x, fd_num(l, x));
	case F_EVT_AROUND:
		return compare_around(l, x);
	case F_EVT_RES:
		if (plain)
			return compare_res(l, x);
		break;
	case F_EVT_FAILED:
		if (plain && x->n_consts == 1)
			return compare_failed(l, x);
		break;
	case F_EVT_IS_OPEN_READ:
	case F_EVT_IS_OPEN_WRITE:
		if (plain && x->n_consts == 1)
			return compare_open(l, x);
		break;
	case F_EVT_TYPE:
	case F_SYSCALL_TYPE:
		if (plain && (l->b->type == HC_EV_SYS || l->b->type == HC_EV_PROC_FORK))
			return l->b->own_events ? with_own_name(l, x, compare_type(l, x)) : compare_type(l, x);
		if (plain && l->b->own_events)
			return with_own_name(l, x, compare(l, x, falco_bind(l->b, f)));
		break;
	case F_PROC_APID:
		if (f->arg == FARG_NONE && (x->op == FOP_IN || x->op == FOP_INTERSECTS) && !l->sane)
			return no(l);
		break;
	case F_PROC_AENV:
		if (f->arg == FARG_INDEX && !l->sane) { /* the original looks at all ancestors all the same */
			struct fref any = *f;

			any.arg = FARG_NONE;
			return compare(l, x, falco_bind_any_ancestor(l->b, &any));
		}
		break;
	case F_EVT_RAWARG:
		if ((x->op == FOP_IN || x->op == FOP_INTERSECTS) && f->type != FT_CHARBUF &&
		    f->type != FT_FSPATH && !l->sane)
			return no(l);
		break;
	default:
		break;
	}
	if (x->mod && x->n_consts && !l->sane && (falco_is_ancestor_field(f) || f->id == F_EVT_RAWARG)) {
		first = *x; /* the original looks at the first value alone */
		first.mod = 0;
		first.n_consts = 1;
		x = &first;
	}
	return compare(l, x, falco_is_ancestor_field(f) ? falco_bind_any_ancestor(l->b, f) : falco_bind(l->b, f));
}

const struct hc_node *falco_lower(struct flower *l, struct fx *x)
{
	const struct hc_node **kids, *n = NULL, *decided = NULL;

	if (x->memo && x->memo_type == l->stamp)
		return x->memo;
	if (x->kind == FX_TEST) {
		n = lower_test(l, x);
	} else {
		kids = calloc(x->n + 1, sizeof(const struct hc_node *));
		if (!kids) {
			hc_err_set(l->err, -ENOMEM, "out of memory");
			return NULL;
		}
		for (uint32_t i = 0; i < x->n && !decided; i++) {
			kids[i] = falco_lower(l, x->kids[i]);
			if (!kids[i]) {
				free(kids);
				return NULL;
			}
			/* Of most event types a part of a condition says that it is about others. */
			if (x->kind == FX_AND ? hc_node_is_false(kids[i])
			                      : x->kind == FX_OR && hc_node_is_true(kids[i]))
				decided = kids[i];
		}
		n = decided             ? decided
		    : x->kind == FX_AND ? hc_node_and(l->b->ir, kids, x->n)
		    : x->kind == FX_OR  ? hc_node_or(l->b->ir, kids, x->n)
		                        : hc_node_not(l->b->ir, kids[0]);
		free(kids);
	}
	x->memo = n;
	x->memo_type = l->stamp;
	return n;
}

const struct hc_node *falco_without(struct fbinder *b, const struct hc_node *n, uint32_t flags)
{
	struct hc_value hidden = hc_value_u64(flags);
	const struct hc_node *is_hidden;

	if (!n || hc_node_is_false(n))
		return n;
	is_hidden = hc_node_atom(b->ir, hc_access_col(b->ir, b->at_row, HC_COL_ROW_FLAGS), HC_OP_MASK_ANY,
	                         HC_Q_ANY, 0, &hidden, 1, NULL);
	return hc_node_and(b->ir, (const struct hc_node *[]){ n, hc_node_not(b->ir, is_hidden) }, 2);
}

const struct hc_node *falco_untold(struct fbinder *b, const struct hc_node *n)
{
	const struct hc_value zero = hc_value_i64(0);
	const struct hc_node *either[2];

	if (!n || hc_node_is_false(n) || !falco_makes_process(b->type))
		return n;
	either[0] = hc_node_atom(b->ir, hc_access_col(b->ir, b->at_row, HC_COL_SRC_NUM), HC_OP_EXISTS, HC_Q_ANY, 0,
	                         NULL, 0, NULL);
	either[1] = hc_node_atom(b->ir, hc_access_col(b->ir, b->at_row, HC_COL_RET), HC_OP_LT, HC_Q_ANY, 0, &zero,
	                         1, NULL);
	return hc_node_and(b->ir, (const struct hc_node *[]){ n, hc_node_or(b->ir, either, 2) }, 2);
}
