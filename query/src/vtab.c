/*
 * The three kinds of tables as SQLite modules. A table is made when a statement first names it. SQLite is told
 * about constraints that a scan can use, and still checks them itself: a scan only has to be a superset.
 */
#include <errno.h>
#include <stdlib.h>

#include "sql_priv.h"

struct vtab {
	sqlite3_vtab base;
	struct q_cap *cap;
	struct q_table *table;
};

/* What a module of one table knows. */
struct aux {
	struct q_cap *cap;
	const struct q_table *plan;
};

struct cursor {
	sqlite3_vtab_cursor base;
	struct q_filter filter;
	struct q_scan *scan;           /* of events */
	const struct q_obj_list *objs; /* of objects */
	struct q_block *block;         /* of the object at `i` */
	bool want_pid, want_start;     /* objects: only this process */
	int64_t pid;
	uint64_t start_ns;
	uint32_t i, n; /* of objects and lists: next, and how many */
	bool eof;
};

static struct vtab *vtab_of(sqlite3_vtab_cursor *c)
{
	return (struct vtab *)c->pVtab;
}

static int code_of(struct vtab *v, int r)
{
	switch (r) {
	case -ENOMEM:
		return SQLITE_NOMEM;
	case -EINTR:
		return SQLITE_INTERRUPT;
	case -E2BIG:
		sqlite3_free(v->base.zErrMsg);
		v->base.zErrMsg = sqlite3_mprintf("%s: too many things at once for the table %s", v->cap->path,
		                                  v->table->name);
		return SQLITE_ERROR;
	default:
		return SQLITE_ERROR;
	}
}

/* ---- tables ---- */

int hc_q_vtab_connect(sqlite3 *db, struct q_cap *cap, const struct q_table *plan, sqlite3_vtab **ret,
                      char **ret_msg)
{
	struct vtab *v = sqlite3_malloc64(sizeof(*v));
	char *sql;
	int rc;

	if (!v)
		return SQLITE_NOMEM;
	*v = (struct vtab){ .cap = hc_q_cap_ref(cap), .table = hc_q_table_new(plan) };
	sql = v->table ? hc_q_table_sql(v->table) : NULL;
	rc = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;
	sqlite3_free(sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	if (rc != SQLITE_OK) {
		*ret_msg = sqlite3_mprintf("table %s: %s", plan->name, sqlite3_errmsg(db));
		hc_q_table_free(v->table);
		hc_q_cap_unref(v->cap);
		sqlite3_free(v);
		return rc;
	}
	*ret = &v->base;
	return SQLITE_OK;
}

static int connect_eponymous(sqlite3 *db, void *ctx, int argc, const char *const *argv, sqlite3_vtab **ret,
                             char **ret_msg)
{
	const struct aux *aux = ctx;

	(void)argc;
	(void)argv;
	return hc_q_vtab_connect(db, aux->cap, aux->plan, ret, ret_msg);
}

static int disconnect(sqlite3_vtab *base)
{
	struct vtab *v = (struct vtab *)base;

	hc_q_table_free(v->table);
	hc_q_cap_unref(v->cap);
	sqlite3_free(v);
	return SQLITE_OK;
}

/* ---- planning ---- */

static int op_of(unsigned char op)
{
	switch (op) {
	case SQLITE_INDEX_CONSTRAINT_EQ:
		return Q_OP_EQ;
	case SQLITE_INDEX_CONSTRAINT_LT:
		return Q_OP_LT;
	case SQLITE_INDEX_CONSTRAINT_LE:
		return Q_OP_LE;
	case SQLITE_INDEX_CONSTRAINT_GT:
		return Q_OP_GT;
	case SQLITE_INDEX_CONSTRAINT_GE:
		return Q_OP_GE;
	case SQLITE_INDEX_CONSTRAINT_LIKE:
		return Q_OP_LIKE;
	case SQLITE_INDEX_CONSTRAINT_GLOB:
		return Q_OP_GLOB;
	case SQLITE_INDEX_CONSTRAINT_ISNULL:
		return Q_OP_ISNULL;
	case SQLITE_INDEX_CONSTRAINT_ISNOTNULL:
		return Q_OP_NOTNULL;
	default:
		return -1;
	}
}

/* Texts are compared byte by byte, moments as moments; any other collation is SQLite's affair. */
static bool collation_fits(const struct q_col *c, sqlite3_index_info *info, int i, int op)
{
	const char *name;

	if (c->decl[0] != 'T' || op < Q_OP_EQ || op > Q_OP_GE)
		return true;
	name = sqlite3_vtab_collation(info, i);
	return name && sqlite3_stricmp(name, c->decl[4] ? "hctime" : "BINARY") == 0;
}

struct plan {
	sqlite3_str *text; /* "COLUMN,OP,IN;" for each argument in order */
	double rows;       /* expected */
	double scanned;    /* rows in the blocks that have to be read */
	int n_args;
};

/* What a constraint is worth; guesses that only have to order plans rightly. */
static void weigh(struct plan *p, const struct q_col *c, int op, bool is_in)
{
	bool is_row = c->from == Q_FROM_ROW;
	double keep;

	if (is_row && c->col == Q_ROW_SEQ && op == Q_OP_EQ) {
		p->scanned = is_in ? p->scanned / 4 : 100;
		p->rows = is_in ? 25 : 1;
		return;
	}
	if (op == Q_OP_EQ)
		keep = is_in ? 0.2 : c->plain ? 0.01 : 0.05;
	else
		keep = op == Q_OP_LIKE || op == Q_OP_GLOB ? 0.1 : op == Q_OP_NOTNULL ? 0.9 : 0.3;
	p->rows *= keep;
	if (is_row && (c->col == Q_ROW_SEQ || c->col == Q_ROW_TIME || c->col == Q_ROW_WALL_NS ||
	               c->col == Q_ROW_TS_NS || c->col == Q_ROW_TYPE))
		p->scanned *= keep;
	else
		p->scanned *= 0.7; /* rows that are dropped before SQLite sees them are cheap */
}

static double expected_rows(const struct vtab *v)
{
	uint32_t n;
	const struct hc_capture_block *b = hc_capture_blocks(v->cap->capture, &n);
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		if (!v->table->type || hc_type_set_has(&b[i].info.types, v->table->type))
			sum += b[i].info.n_rows;
	return 1 + (v->table->type ? sum / 16 : sum);
}

static void plan_order(const struct vtab *v, sqlite3_index_info *info)
{
	int col;

	if (info->nOrderBy != 1)
		return;
	col = info->aOrderBy[0].iColumn;
	if (col >= 0 && !(v->table->cols[col].from == Q_FROM_ROW && v->table->cols[col].col == Q_ROW_SEQ))
		return;
	info->orderByConsumed = 1;
	info->idxNum = info->aOrderBy[0].desc ? 1 : 0;
}

static int events_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	struct vtab *v = (struct vtab *)base;
	struct plan p = { .text = sqlite3_str_new(NULL) };

	p.rows = p.scanned = expected_rows(v);
	for (int i = 0; i < info->nConstraint && !v->cap->no_pushdown; i++) {
		int col = info->aConstraint[i].iColumn < 0 ? 0 : info->aConstraint[i].iColumn;
		int op = op_of(info->aConstraint[i].op);
		const struct q_col *c = &v->table->cols[col];
		bool is_in;

		if (!info->aConstraint[i].usable || op < 0 ||
		    !hc_q_filter_can(v->table, (unsigned)col, (enum q_op)op) || !collation_fits(c, info, i, op))
			continue;
		is_in = op == Q_OP_EQ && sqlite3_vtab_in(info, i, -1);
		if (is_in)
			sqlite3_vtab_in(info, i, 1);
		info->aConstraintUsage[i].argvIndex = ++p.n_args;
		sqlite3_str_appendf(p.text, "%d,%d,%d;", col, op, is_in);
		weigh(&p, c, op, is_in);
		if (op == Q_OP_EQ && !is_in && c->from == Q_FROM_ROW && c->col == Q_ROW_SEQ)
			info->idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
	}
	plan_order(v, info);
	info->idxStr = sqlite3_str_finish(p.text);
	info->needToFreeIdxStr = 1;
	if (p.n_args && !info->idxStr)
		return SQLITE_NOMEM;
	info->estimatedRows = p.rows < 1 ? 1 : (sqlite3_int64)p.rows;
	info->estimatedCost = 200 + p.scanned * 0.1 + p.rows;
	return SQLITE_OK;
}

/* Processes are looked up by pid or guid; everything else is a walk over them. */
static int objs_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	struct vtab *v = (struct vtab *)base;
	int n = 0;

	info->estimatedRows = 1000;
	for (int i = 0; i < info->nConstraint && v->table->type == HC_OBJ_PROC && !v->cap->no_pushdown; i++) {
		int col = info->aConstraint[i].iColumn;
		bool is_guid = col >= 0 && strcmp(v->table->cols[col].name, "guid") == 0;
		bool is_pid = col >= 0 && strcmp(v->table->cols[col].name, "pid") == 0;

		if (!info->aConstraint[i].usable || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ ||
		    (!is_guid && !is_pid) ||
		    (is_guid && !collation_fits(&v->table->cols[col], info, i, Q_OP_EQ)) || n)
			continue;
		info->aConstraintUsage[i].argvIndex = ++n;
		info->idxNum = is_guid ? 2 : 1;
		info->estimatedRows = is_guid ? 1 : 2;
	}
	info->estimatedCost = n ? 100 : 20000;
	return SQLITE_OK;
}

static int lists_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	(void)base;
	info->estimatedRows = 1000;
	info->estimatedCost = 2000;
	return SQLITE_OK;
}

/* ---- cursors ---- */

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = sqlite3_malloc64(sizeof(*c));

	(void)base;
	if (!c)
		return SQLITE_NOMEM;
	*c = (struct cursor){ .eof = true };
	*ret = &c->base;
	return SQLITE_OK;
}

static void reset(struct cursor *c)
{
	struct q_cap *cap = vtab_of(&c->base)->cap;

	c->scan = hc_q_scan_close(c->scan);
	hc_q_filter_done(&c->filter);
	hc_q_block_put(cap, c->block);
	c->block = NULL;
	c->i = c->n = 0;
	c->eof = true;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	reset(c);
	sqlite3_free(c);
	return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->eof;
}

static struct q_val value_of(sqlite3_value *v)
{
	struct q_val ret = { 0 };

	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		ret = (struct q_val){ .type = Q_INTEGER, .i = sqlite3_value_int64(v) };
		break;
	case SQLITE_TEXT:
		ret.type = Q_TEXT;
		ret.s.p = (const char *)sqlite3_value_text(v);
		ret.s.len = (uint32_t)sqlite3_value_bytes(v);
		break;
	case SQLITE_NULL:
		break;
	default: /* a real or a blob: nothing here is compared with it */
		ret.type = Q_BLOB;
	}
	return ret;
}

/* The values of an IN list, copied: SQLite keeps only the current one. NULLs match nothing. */
static int in_values(struct q_filter *f, sqlite3_value *list, struct q_val **ret, uint32_t *ret_n)
{
	struct q_val *v = NULL;
	uint32_t n = 0, room = 0;
	sqlite3_value *item;
	int rc;

	for (rc = sqlite3_vtab_in_first(list, &item); rc == SQLITE_OK && item;
	     rc = sqlite3_vtab_in_next(list, &item)) {
		struct q_val x = value_of(item);

		if (x.type == Q_NULL)
			continue;
		if (n == room) {
			uint32_t more = room ? room * 2 : 16;
			struct q_val *bigger = realloc(v, more * sizeof(*v));

			if (!bigger) {
				free(v);
				return SQLITE_NOMEM;
			}
			v = bigger;
			room = more;
		}
		if (x.type == Q_TEXT) {
			x.s = hc_arena_str(&f->arena, x.s);
			if (!x.s.p) {
				free(v);
				return SQLITE_NOMEM;
			}
		}
		v[n++] = x;
	}
	if (rc != SQLITE_DONE && rc != SQLITE_OK) {
		free(v);
		return rc;
	}
	*ret = v;
	*ret_n = n;
	return SQLITE_OK;
}

static int add_argument(struct cursor *c, const struct q_table *t, unsigned col, enum q_op op, bool is_in,
                        sqlite3_value *arg)
{
	struct q_val *values = NULL, one;
	uint32_t n = 0;
	int rc = SQLITE_OK, r;

	if (is_in) {
		rc = in_values(&c->filter, arg, &values, &n);
		if (rc != SQLITE_OK)
			return rc;
		r = hc_q_filter_add(&c->filter, t, col, op, values, n);
		free(values);
	} else {
		one = value_of(arg);
		r = hc_q_filter_add(&c->filter, t, col, op, &one, 1);
	}
	return r < 0 ? SQLITE_NOMEM : SQLITE_OK;
}

static int step(struct cursor *c)
{
	int r = hc_q_scan_next(c->scan);

	c->eof = r <= 0;
	return r < 0 ? code_of(vtab_of(&c->base), r) : SQLITE_OK;
}

static int events_filter(sqlite3_vtab_cursor *base, int idx_num, const char *idx, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct vtab *v = vtab_of(base);
	int r;

	reset(c);
	hc_q_filter_init(&c->filter, v->table);
	c->filter.wall_ns = v->cap->limit;
	c->filter.desc = idx_num == 1;
	for (int i = 0; i < argc && idx; i++) {
		char *end;
		unsigned col = (unsigned)strtoul(idx, &end, 10), op = (unsigned)strtoul(end + 1, &end, 10);
		bool is_in = end[1] == '1';

		idx = end + 3;
		r = add_argument(c, v->table, col, (enum q_op)op, is_in, argv[i]);
		if (r != SQLITE_OK)
			return r;
	}
	r = hc_q_scan_open(v->cap, &c->filter, &c->scan);
	if (r < 0)
		return code_of(v, r);
	return step(c);
}

static void result(sqlite3_context *ctx, struct q_cap *cap, const struct q_val *v)
{
	if (cap->scratch.oom) {
		cap->scratch.oom = false;
		sqlite3_result_error_nomem(ctx);
		return;
	}
	switch (v->type) {
	case Q_INTEGER:
		sqlite3_result_int64(ctx, v->i);
		break;
	case Q_TEXT:
		sqlite3_result_text64(ctx, v->s.p, v->s.len, SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case Q_BLOB:
		sqlite3_result_blob64(ctx, v->s.p, v->s.len, SQLITE_TRANSIENT);
		break;
	default:
		break;
	}
}

static int events_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col)
{
	struct cursor *c = (struct cursor *)base;
	struct vtab *v = vtab_of(base);
	struct q_val value;

	hc_q_row_value(v->cap, hc_q_scan_block(c->scan), hc_q_scan_row(c->scan), &v->table->cols[col], &value);
	result(ctx, v->cap, &value);
	return SQLITE_OK;
}

static int events_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	struct cursor *c = (struct cursor *)base;

	*ret = (sqlite3_int64)hc_q_scan_block(c->scan)->rows.seq[hc_q_scan_row(c->scan)];
	return SQLITE_OK;
}

/* ---- objects ---- */

static bool obj_wanted(const struct cursor *c, const struct q_obj *o)
{
	return (!c->want_pid || o->pid == c->pid) && (!c->want_start || o->start_ns == c->start_ns);
}

/* Moves to the next object that is wanted, from c->i on. */
static int objs_seek(struct cursor *c)
{
	struct vtab *v = vtab_of(&c->base);
	const struct q_obj *o;
	int r;

	while (c->i < c->n && !obj_wanted(c, &c->objs->v[c->i]))
		c->i++;
	c->eof = c->i >= c->n;
	if (c->eof)
		return SQLITE_OK;
	o = &c->objs->v[c->i];
	if (c->block && c->block->idx == o->block)
		return SQLITE_OK;
	hc_q_block_put(v->cap, c->block);
	c->block = NULL;
	if (v->cap->stop && v->cap->stop(v->cap->stop_ctx))
		return SQLITE_INTERRUPT;
	r = hc_q_block_get(v->cap, o->block, &c->block); /* 0: gone since it was found; its values are NULL */
	if (r <= 0)
		c->block = NULL;
	return r < 0 ? code_of(v, r) : SQLITE_OK;
}

/* BOOT-PID-START */
static bool guid_parse(const char *s, int64_t *ret_pid, uint64_t *ret_start)
{
	char *end;

	if (!s || strlen(s) < 12 || s[8] != '-')
		return false;
	*ret_pid = strtoll(s + 9, &end, 10);
	if (*end != '-')
		return false;
	*ret_start = strtoull(end + 1, &end, 10);
	return *end == 0;
}

static int objs_filter(sqlite3_vtab_cursor *base, int idx_num, const char *idx, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct vtab *v = vtab_of(base);
	int r;

	(void)idx;
	reset(c);
	c->want_pid = c->want_start = false;
	if (argc == 1 && idx_num == 1 && sqlite3_value_type(argv[0]) == SQLITE_INTEGER) {
		c->want_pid = true;
		c->pid = sqlite3_value_int64(argv[0]);
	} else if (argc == 1 && idx_num == 2 && sqlite3_value_type(argv[0]) == SQLITE_TEXT) {
		c->want_pid = c->want_start =
			guid_parse((const char *)sqlite3_value_text(argv[0]), &c->pid, &c->start_ns);
	}
	r = hc_q_objs_get(v->cap, v->table->type, v->table->versions, &c->objs);
	if (r < 0)
		return code_of(v, r);
	c->n = c->objs->n;
	return objs_seek(c);
}

static int objs_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	c->i++;
	return objs_seek(c);
}

static int objs_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col)
{
	struct cursor *c = (struct cursor *)base;
	struct vtab *v = vtab_of(base);
	struct q_val value;

	hc_q_obj_value(v->cap, c->block, &c->objs->v[c->i], v->table->type, &v->table->cols[col], &value);
	result(ctx, v->cap, &value);
	return SQLITE_OK;
}

/* ---- lists ---- */

static int lists_filter(sqlite3_vtab_cursor *base, int idx_num, const char *idx, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct vtab *v = vtab_of(base);

	(void)idx_num;
	(void)idx;
	(void)argc;
	(void)argv;
	reset(c);
	c->n = hc_q_list_rows(v->cap, v->table->type);
	c->eof = c->n == 0;
	return SQLITE_OK;
}

static int lists_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	c->eof = ++c->i >= c->n;
	return SQLITE_OK;
}

static int lists_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col)
{
	struct cursor *c = (struct cursor *)base;
	struct vtab *v = vtab_of(base);
	struct q_val value;

	hc_q_list_value(v->cap, v->table->type, c->i, (unsigned)col, &value);
	result(ctx, v->cap, &value);
	return SQLITE_OK;
}

/* ---- the module ---- */

static unsigned kind_of(const sqlite3_vtab *base)
{
	return ((const struct vtab *)base)->table->kind;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	static int (*const by_kind[])(sqlite3_vtab *, sqlite3_index_info *) = {
		[Q_KIND_EVENTS] = events_best_index,
		[Q_KIND_OBJS] = objs_best_index,
		[Q_KIND_LIST] = lists_best_index,
	};

	return by_kind[kind_of(base)](base, info);
}

static int filter(sqlite3_vtab_cursor *base, int idx_num, const char *idx, int argc, sqlite3_value **argv)
{
	static int (*const by_kind[])(sqlite3_vtab_cursor *, int, const char *, int, sqlite3_value **) = {
		[Q_KIND_EVENTS] = events_filter,
		[Q_KIND_OBJS] = objs_filter,
		[Q_KIND_LIST] = lists_filter,
	};

	return by_kind[kind_of(base->pVtab)](base, idx_num, idx, argc, argv);
}

static int next(sqlite3_vtab_cursor *base)
{
	switch (kind_of(base->pVtab)) {
	case Q_KIND_EVENTS:
		return step((struct cursor *)base);
	case Q_KIND_OBJS:
		return objs_next(base);
	default:
		return lists_next(base);
	}
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col)
{
	switch (kind_of(base->pVtab)) {
	case Q_KIND_EVENTS:
		return events_column(base, ctx, col);
	case Q_KIND_OBJS:
		return objs_column(base, ctx, col);
	default:
		return lists_column(base, ctx, col);
	}
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	if (kind_of(base->pVtab) == Q_KIND_EVENTS)
		return events_rowid(base, ret);
	*ret = (sqlite3_int64)((struct cursor *)base)->i + 1;
	return SQLITE_OK;
}

const sqlite3_module hc_q_module = {
	.xConnect = connect_eponymous,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xDestroy = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next,
	.xEof = eof,
	.xColumn = column,
	.xRowid = row_id,
};

static void aux_free(void *ctx)
{
	struct aux *aux = ctx;

	hc_q_cap_unref(aux->cap);
	free(aux);
}

int hc_q_register_capture(sqlite3 *db, struct q_cap *cap)
{
	const struct q_table *plan;
	int rc = SQLITE_OK;

	for (unsigned i = 0; (plan = hc_q_table_at(i)) && rc == SQLITE_OK; i++) {
		struct aux *aux = malloc(sizeof(*aux));

		if (!aux)
			return SQLITE_NOMEM;
		*aux = (struct aux){ hc_q_cap_ref(cap), plan };
		rc = sqlite3_create_module_v2(db, plan->name, &hc_q_module, aux, aux_free);
	}
	return rc;
}
