/*
 * Blocks are opened in the order of their first seq and merged by seq, as many at a time as overlap (one of each
 * stream, on a sane capture). When a block is opened the constraints are evaluated over its columns at once: what
 * a constraint says about an entry of a dictionary is found out once per entry. What is left is a list of rows.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "sql_priv.h"

#define MAX_RUNS 512 /* blocks whose ranges of seq overlap */

/* A block that is being read. */
struct run {
	struct q_block *b;
	uint32_t *sel;     /* rows that passed, ascending; NULL: all from `first` on */
	uint32_t first, n; /* n rows in all */
	uint32_t i;        /* next one, counted in the scan's direction */
};

struct q_scan {
	struct q_cap *cap;
	const struct q_filter *f;
	uint32_t *blocks; /* by first seq; descending: by last seq, from the end */
	uint32_t n_blocks, next;
	struct run *runs;
	uint32_t n_runs, cap_runs;
	struct run *cur; /* the run that the current row is of; NULL before the first */
	uint32_t row;
};

/* ---- which blocks ---- */

static bool overlaps(const struct q_range *r, int64_t lo, int64_t hi)
{
	return lo <= r->hi && hi >= r->lo;
}

static int64_t clamp(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

/* First element that is not less than v. */
static uint32_t lower_bound(const int64_t *a, uint32_t n, int64_t v)
{
	uint32_t lo = 0;

	while (n) {
		uint32_t half = n / 2;

		if (a[lo + half] < v) {
			lo += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return lo;
}

static bool block_wanted(const struct q_filter *f, const struct hc_block_info *info)
{
	uint32_t at;

	/* A time before 1970 as an unsigned number is beyond every clock we know: such blocks are hostile, and are
	 * read. */
	if (info->first_ns <= INT64_MAX && info->last_ns <= INT64_MAX &&
	    !overlaps(&f->ts_ns, (int64_t)info->first_ns, (int64_t)info->last_ns))
		return false;
	if (!overlaps(&f->seq, clamp(info->first_seq), clamp(info->last_seq)))
		return false;
	if (f->seqs) {
		at = lower_bound(f->seqs, f->n_seqs, clamp(info->first_seq));
		if (at == f->n_seqs || f->seqs[at] > clamp(info->last_seq))
			return false;
	}
	return true;
}

struct pick {
	uint64_t key;
	uint32_t block;
};

static int by_key(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->block > y->block) - (x->block < y->block);
}

static int choose_blocks(struct q_scan *s)
{
	const struct q_filter *f = s->f;
	struct hc_block_filter bf = { .has_types = !f->all_types, .types = f->types };
	uint32_t *picked = NULL, n = 0, n_all;
	const struct hc_capture_block *all = hc_capture_blocks(s->cap->capture, &n_all);
	struct pick *v;
	int r;

	bf.has_since = f->wall_ns.lo > INT64_MIN;
	bf.since_wall_ns = f->wall_ns.lo;
	bf.has_until = f->wall_ns.hi < INT64_MAX;
	bf.until_wall_ns = bf.has_until ? f->wall_ns.hi + 1 : 0;
	r = hc_capture_select(s->cap->capture, &bf, &picked, &n, NULL);
	if (r < 0)
		return r;
	v = malloc(((size_t)n + 1) * sizeof(*v));
	if (!v) {
		free(picked);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct hc_block_info *info = &all[picked[i]].info;

		if (block_wanted(f, info))
			v[s->n_blocks++] = (struct pick){ f->desc ? ~info->last_seq : info->first_seq, picked[i] };
	}
	if (s->n_blocks)
		qsort(v, s->n_blocks, sizeof(*v), by_key);
	for (uint32_t i = 0; i < s->n_blocks; i++)
		picked[i] = v[i].block;
	free(v);
	s->blocks = picked;
	return 0;
}

/* ---- which rows of a block ---- */

static bool value_passes(const struct q_pred *p, const struct q_val *v)
{
	bool pass = false;

	switch (p->op) {
	case Q_OP_ISNULL:
		return v->type == Q_NULL;
	case Q_OP_NOTNULL:
		return v->type != Q_NULL;
	default:
		break;
	}
	if (v->type == Q_NULL)
		return false;
	if (v->type != p->v[0].type)
		return true; /* not what the column usually is: SQLite knows how they compare */
	switch (p->op) {
	case Q_OP_LT:
		return v->i < p->v[0].i;
	case Q_OP_LE:
		return v->i <= p->v[0].i;
	case Q_OP_GT:
		return v->i > p->v[0].i;
	case Q_OP_GE:
		return v->i >= p->v[0].i;
	case Q_OP_EQ:
		for (uint32_t lo = 0, n = p->n; n && !pass;) {
			const struct q_val *mid = &p->v[lo + n / 2];
			int c = v->type == Q_INTEGER ? (mid->i > v->i) - (mid->i < v->i)
			                             : hc_str_cmp(mid->s, v->s);

			if (c < 0) {
				lo += n / 2 + 1;
				n -= n / 2 + 1;
			} else {
				n /= 2;
			}
			pass = c == 0;
		}
		return pass;
	default:
		return true;
	}
}

/* LIKE and GLOB stop at a NUL, as SQLite's own do. */
static bool pattern_passes(struct q_buf *tmp, const struct q_pred *p, const struct q_val *v)
{
	if (v->type == Q_NULL)
		return false;
	if (v->type != Q_TEXT)
		return true;
	tmp->n = 0;
	hc_q_put(tmp, v->s.p, v->s.len);
	if (tmp->oom)
		return true;
	return p->op == Q_OP_LIKE ? sqlite3_strlike(p->v[0].s.p, tmp->p, 0) == 0
	                          : sqlite3_strglob(p->v[0].s.p, tmp->p) == 0;
}

static bool passes(struct q_buf *tmp, const struct q_pred *p, const struct q_val *v)
{
	return p->op == Q_OP_LIKE || p->op == Q_OP_GLOB ? pattern_passes(tmp, p, v) : value_passes(p, v);
}

/* Whether the block's filter leaves a chance that one of the constants is in it. */
static bool bloom_passes(const struct q_pred *p, const struct hc_block *b)
{
	uint8_t raw[16];

	if (p->op != Q_OP_EQ || p->col->plain == Q_COMPUTED || p->n > 64)
		return true;
	for (uint32_t i = 0; i < p->n; i++) {
		struct hc_str s = p->v[i].s;

		if (p->v[i].type != Q_TEXT || s.len == 0 || strlen(s.p) != s.len)
			return true;
		switch (p->col->plain) {
		case Q_PLAIN:
			if (hc_block_may_have_str(b, s))
				return true;
			break;
		case Q_PLAIN_PATH:
			if (s.p[0] != '/' || hc_block_may_have_str(b, s))
				return true;
			break;
		default:
			if (inet_pton(AF_INET, s.p, raw) == 1    ? hc_block_may_have_bytes(b, raw, 4)
			    : inet_pton(AF_INET6, s.p, raw) == 1 ? hc_block_may_have_bytes(b, raw, 16)
			                                         : true)
				return true;
		}
	}
	return false;
}

struct narrowing {
	struct q_scan *s;
	struct q_block *b;
	uint32_t *sel;
	uint32_t n;
	struct q_buf tmp;
};

/* Keeps of the selected rows those that pass. memo: 0 not asked yet, 1 drop, 2 keep; by entry of the column's
 * dictionary. */
static int narrow(struct narrowing *w, const struct q_pred *p)
{
	struct q_cap *cap = w->s->cap;
	uint8_t *memo = NULL;
	uint32_t memo_n = 0, memo_dom = 0, n = 0;
	struct q_val v;

	for (uint32_t i = 0; i < w->n; i++) {
		uint32_t row = w->sel[i], entry = 0;
		unsigned dom = 0;
		bool keep;

		if (p->col->leaf)
			entry = hc_q_row_entry(w->b, row, p->col, &dom);
		if (!p->col->leaf) {
			hc_q_row_value(cap, w->b, row, p->col, &v);
			keep = passes(&w->tmp, p, &v);
		} else if (!entry) {
			keep = p->op == Q_OP_ISNULL;
		} else {
			if (!memo || memo_dom != dom) { /* a column always leads to the same dictionary */
				free(memo);
				memo_n = hc_block_n_entries(w->b->block, (enum hc_obj_type)dom);
				memo_dom = dom;
				memo = calloc((size_t)memo_n + 1, 1);
				if (!memo)
					return -ENOMEM;
			}
			if (entry > memo_n) { /* cannot be: references are checked when they are decoded */
				free(memo);
				return -EBADMSG;
			}
			if (!memo[entry]) {
				p->col->leaf(cap, w->b, dom, entry, p->col->arg, &v);
				memo[entry] = passes(&w->tmp, p, &v) ? 2 : 1;
			}
			keep = memo[entry] == 2;
		}
		if (keep)
			w->sel[n++] = row;
	}
	w->n = n;
	free(memo);
	return 0;
}

/* Keeps of the selected rows those of the scope. */
static int narrow_scope(struct narrowing *w)
{
	const struct hc_rows *rows = &w->b->rows;
	struct hc_scope_block scope;
	uint32_t n = 0;
	int r = hc_scope_block_init(&scope, w->s->cap->scope, w->b->view);

	for (uint32_t i = 0; i < w->n && r == 0; i++) {
		uint32_t row = w->sel[i];

		if (hc_scope_block_has(&scope, rows->type[row], rows->pos[row]))
			w->sel[n++] = row;
	}
	w->n = n;
	hc_scope_block_done(&scope);
	return r;
}

static uint32_t first_row(const struct hc_rows *rows, int64_t seq)
{
	uint32_t lo = 0, n = rows->n;

	while (n) {
		uint32_t half = n / 2;

		if (clamp(rows->seq[lo + half]) < seq) {
			lo += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return lo;
}

/* What the row list alone decides: type, seq, time. */
static void first_pass(struct narrowing *w, uint32_t from, uint32_t to)
{
	const struct q_filter *f = w->s->f;
	const struct hc_rows *rows = &w->b->rows;
	uint64_t offset = (uint64_t)w->b->meta->info.wall_offset_ns;
	bool times = f->wall_ns.lo > INT64_MIN || f->wall_ns.hi < INT64_MAX || f->ts_ns.lo > INT64_MIN ||
	             f->ts_ns.hi < INT64_MAX;

	for (uint32_t i = from; i < to; i++) {
		if (!f->all_types && !hc_type_set_has(&f->types, rows->type[i]))
			continue;
		if (times) {
			int64_t ts = (int64_t)rows->ts_ns[i], wall = (int64_t)(rows->ts_ns[i] + offset);

			if (ts < f->ts_ns.lo || ts > f->ts_ns.hi || wall < f->wall_ns.lo || wall > f->wall_ns.hi)
				continue;
		}
		if (f->seqs) {
			uint32_t at = lower_bound(f->seqs, f->n_seqs, clamp(rows->seq[i]));

			if (at == f->n_seqs || f->seqs[at] != clamp(rows->seq[i]))
				continue;
		}
		w->sel[w->n++] = i;
	}
}

/* Fills run->sel and run->n; n is 0 when no row of the block passes. */
static int narrow_block(struct q_scan *s, struct run *run)
{
	const struct q_filter *f = s->f;
	struct narrowing w = { .s = s, .b = run->b };
	const struct hc_rows *rows = &run->b->rows;
	uint32_t from, to;
	int r;

	for (uint32_t i = 0; i < f->n_preds; i++)
		if (!bloom_passes(&f->preds[i], run->b->block))
			return 0;
	r = hc_q_block_rows(s->cap, run->b);
	if (r <= 0)
		return r;
	r = 0;
	from = f->seq.lo > INT64_MIN ? first_row(rows, f->seq.lo) : 0;
	to = f->seq.hi < INT64_MAX ? first_row(rows, f->seq.hi + 1) : rows->n;
	run->first = from;
	run->n = to > from ? to - from : 0;
	if (!run->n || (f->all_types && !f->n_preds && !f->seqs && !s->cap->scope && f->wall_ns.lo == INT64_MIN &&
	                f->wall_ns.hi == INT64_MAX && f->ts_ns.lo == INT64_MIN && f->ts_ns.hi == INT64_MAX))
		return 0;
	w.sel = malloc(run->n * sizeof(*w.sel));
	if (!w.sel)
		return -ENOMEM;
	first_pass(&w, from, to);
	for (uint32_t i = 0; i < f->n_preds && w.n && r == 0; i++)
		r = narrow(&w, &f->preds[i]);
	if (s->cap->scope && w.n && r == 0)
		r = narrow_scope(&w);
	if (w.tmp.oom)
		r = -ENOMEM;
	hc_q_buf_done(&w.tmp);
	run->sel = w.sel;
	run->n = w.n;
	return r;
}

/* ---- merging ---- */

static uint32_t run_row(const struct q_scan *s, const struct run *run)
{
	uint32_t i = s->f->desc ? run->n - 1 - run->i : run->i;

	return run->sel ? run->sel[i] : run->first + i;
}

static uint64_t run_seq(const struct q_scan *s, const struct run *run)
{
	return run->b->rows.seq[run_row(s, run)];
}

static void run_close(struct q_scan *s, uint32_t at)
{
	hc_q_block_put(s->cap, s->runs[at].b);
	free(s->runs[at].sel);
	s->runs[at] = s->runs[--s->n_runs];
}

static int open_next(struct q_scan *s)
{
	struct run run = { 0 };
	int r;

	if (s->cap->stop && s->cap->stop(s->cap->stop_ctx))
		return -EINTR;
	r = hc_q_block_get(s->cap, s->blocks[s->next++], &run.b);
	if (r <= 0)
		return r;
	r = narrow_block(s, &run);
	if (r < 0 || !run.n || s->n_runs == MAX_RUNS) {
		hc_q_block_put(s->cap, run.b);
		free(run.sel);
		return r < 0 ? r : run.n ? -E2BIG : 0;
	}
	if (!s->runs || s->n_runs == s->cap_runs) {
		uint32_t cap = s->cap_runs ? s->cap_runs * 2 : 4;
		struct run *v = realloc(s->runs, cap * sizeof(*v));

		if (!v) {
			hc_q_block_put(s->cap, run.b);
			free(run.sel);
			return -ENOMEM;
		}
		s->runs = v;
		s->cap_runs = cap;
	}
	s->runs[s->n_runs++] = run;
	return 0;
}

/* The run whose next row comes first; NULL when none is open. */
static struct run *first_run(const struct q_scan *s)
{
	struct run *best = NULL;

	for (uint32_t i = 0; i < s->n_runs; i++) {
		struct run *run = &s->runs[i];

		if (!best ||
		    (s->f->desc ? run_seq(s, run) > run_seq(s, best) : run_seq(s, run) < run_seq(s, best)))
			best = run;
	}
	return best;
}

/* Whether the next block might have a row before this one. */
static bool block_comes_first(const struct q_scan *s, uint64_t seq)
{
	uint32_t n;
	const struct hc_block_info *info = &hc_capture_blocks(s->cap->capture, &n)[s->blocks[s->next]].info;

	return s->f->desc ? info->last_seq >= seq : info->first_seq <= seq;
}

int hc_q_scan_open(struct q_cap *cap, const struct q_filter *f, struct q_scan **ret)
{
	struct q_scan *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->cap = hc_q_cap_ref(cap);
	s->f = f;
	if (!f->nothing) {
		r = choose_blocks(s);
		if (r < 0) {
			hc_q_scan_close(s);
			return r;
		}
	}
	*ret = s;
	return 0;
}

struct q_scan *hc_q_scan_close(struct q_scan *s)
{
	if (!s)
		return NULL;
	while (s->n_runs)
		run_close(s, s->n_runs - 1);
	free(s->runs);
	free(s->blocks);
	hc_q_cap_unref(s->cap);
	free(s);
	return NULL;
}

int hc_q_scan_next(struct q_scan *s)
{
	struct run *run;

	if (s->cur) {
		if (++s->cur->i == s->cur->n)
			run_close(s, (uint32_t)(s->cur - s->runs));
		s->cur = NULL;
	}
	if (s->cap->oom)
		return -ENOMEM;
	for (;;) {
		int r;

		run = first_run(s);
		if (s->next == s->n_blocks || (run && !block_comes_first(s, run_seq(s, run))))
			break;
		r = open_next(s);
		if (r < 0)
			return r;
	}
	if (!run)
		return 0;
	s->cur = run;
	s->row = run_row(s, run);
	return 1;
}

const struct q_block *hc_q_scan_block(const struct q_scan *s)
{
	return s->cur->b;
}

uint32_t hc_q_scan_row(const struct q_scan *s)
{
	return s->row;
}
