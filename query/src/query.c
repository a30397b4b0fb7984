/*
 * The connection of `hindcast query`: an empty database in memory, the capture's tables as modules, and an
 * authorizer that lets through what reads. Work is bounded by SQLite's limits and a handler that asks whether to
 * stop.
 */
#include "query/query.h"

#include <errno.h>
#include <stdlib.h>

#include "sql_priv.h"

#define MAX_SQL_BYTES (1 << 20)
#define MAX_VALUE_BYTES (16 << 20)
#define MAX_HEAP_BYTES (1 << 30)
#define STOP_EVERY 2000 /* steps of SQLite's machine: some tens of microseconds */

struct hc_query {
	sqlite3 *db;
	sqlite3_stmt *stmt;
	struct q_cap *cap;
	bool (*stop)(void *ctx);
	void *stop_ctx;
	char what[64];
};

/* ---- what SQL may do ---- */

static bool is_harmless_pragma(const char *name)
{
	static const char *const names[] = { "table_info",    "table_xinfo", "table_list",      "function_list",
		                             "module_list",   "pragma_list", "compile_options", "collation_list",
		                             "database_list", "data_version" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (sqlite3_stricmp(names[i], name) == 0)
			return true;
	return false;
}

static int authorize(void *ctx, int action, const char *a, const char *b, const char *db, const char *trigger)
{
	(void)ctx;
	(void)db;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return b && sqlite3_stricmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA: /* the table-valued functions pragma_...() come this way too; a is the name */
		return a && is_harmless_pragma(a) ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_UPDATE: /* a virtual table that says what its columns are; SQL itself may not touch the schema
	                     */
		return a && strcmp(a, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static int ask_stop(void *ctx)
{
	struct hc_query *q = ctx;

	return q->stop && q->stop(q->stop_ctx);
}

static bool stop_scan(void *ctx)
{
	return ask_stop(ctx) != 0;
}

static int harden(sqlite3 *db)
{
	static const struct {
		int id, value;
	} limits[] = {
		{ SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES },
		{ SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
		{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 4096 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 500 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 200 },
	};
	int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	/* A double-quoted word that names no column is a mistake, not a text. */
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(db, limits[i].id, limits[i].value);
	if (rc == SQLITE_OK)
		rc = sqlite3_set_authorizer(db, authorize, NULL);
	return rc;
}

static int create_views(sqlite3 *db)
{
	int rc = SQLITE_OK;

	for (const struct q_view *v = hc_q_views; v->name && rc == SQLITE_OK; v++) {
		char *sql = hc_q_view_sql(v, "main", "");

		rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
		sqlite3_free(sql);
	}
	return rc;
}

int hc_query_open(struct hc_capture *capture, unsigned flags, struct hc_query **ret, struct hc_err *err)
{
	struct hc_query *q = calloc(1, sizeof(*q));
	int rc = SQLITE_NOMEM;

	if (!q)
		return hc_err_set(err, -ENOMEM, "out of memory");
	q->cap = hc_q_cap_new(capture, false);
	if (q->cap) {
		q->cap->no_pushdown = (flags & HC_QUERY_NO_PUSHDOWN) != 0;
		q->cap->stop = stop_scan;
		q->cap->stop_ctx = q;
		rc = sqlite3_open_v2(":memory:", &q->db,
		                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, NULL);
	}
	if (rc == SQLITE_OK)
		rc = hc_q_register_functions(q->db);
	if (rc == SQLITE_OK)
		rc = hc_q_register_capture(q->db, q->cap);
	if (rc == SQLITE_OK)
		rc = create_views(q->db);
	if (rc == SQLITE_OK)
		rc = harden(q->db);
	if (rc != SQLITE_OK) {
		hc_err_set(err, rc == SQLITE_NOMEM ? -ENOMEM : -EIO, "cannot set up SQLite: %s",
		           q->db ? sqlite3_errmsg(q->db) : sqlite3_errstr(rc));
		hc_query_close(q);
		return rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
	}
	sqlite3_hard_heap_limit64(MAX_HEAP_BYTES);
	sqlite3_progress_handler(q->db, STOP_EVERY, ask_stop, q);
	*ret = q;
	return 0;
}

struct hc_query *hc_query_close(struct hc_query *q)
{
	if (!q)
		return NULL;
	sqlite3_finalize(q->stmt);
	sqlite3_close(q->db);
	hc_q_cap_unref(q->cap);
	free(q);
	return NULL;
}

void hc_query_limit(struct hc_query *q, int64_t since_wall_ns, int64_t until_wall_ns)
{
	q->cap->limit =
		(struct q_range){ since_wall_ns, until_wall_ns == INT64_MAX ? INT64_MAX : until_wall_ns - 1 };
}

void hc_query_limit_scope(struct hc_query *q, const struct hc_scope *scope)
{
	q->cap->scope = scope;
}

void hc_query_set_stop(struct hc_query *q, bool (*stop)(void *ctx), void *ctx)
{
	q->stop = stop;
	q->stop_ctx = ctx;
}

/* ---- statements ---- */

/* Line and column, both from 1, in characters, of a byte offset. */
static void place(struct hc_str sql, int offset, uint32_t *ret_line, uint32_t *ret_column)
{
	*ret_line = *ret_column = 1;
	for (int i = 0; i < offset && (uint32_t)i < sql.len; i++) {
		if (sql.p[i] == '\n') {
			(*ret_line)++;
			*ret_column = 1;
		} else if ((sql.p[i] & 0xc0) != 0x80) {
			(*ret_column)++;
		}
	}
}

static int code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return -EIO;
	default:
		return -EINVAL;
	}
}

static int failed(struct hc_query *q, int rc, struct hc_str sql, struct hc_err *err)
{
	int offset = sqlite3_error_offset(q->db);
	uint32_t line, column;
	const char *msg = sqlite3_errmsg(q->db);

	if ((rc & 0xff) == SQLITE_INTERRUPT)
		return hc_err_set(err, -EINTR, "interrupted");
	if ((rc & 0xff) == SQLITE_AUTH)
		return hc_err_set(err, -EINVAL, "%s: only statements that read are allowed", q->what);
	if (offset < 0 || !sql.p)
		return hc_err_set(err, code_of(rc), "%s: %s", q->what, msg);
	place(sql, offset, &line, &column);
	return hc_err_at(err, code_of(rc), q->what, line, column, "%s", msg);
}

/* Offset of the next statement's first character; sql.len when there is none. */
static uint32_t next_statement(struct hc_str sql, uint32_t at)
{
	while (at < sql.len) {
		if (strchr(" \t\r\n;", sql.p[at])) {
			at++;
		} else if (sql.len - at >= 2 && sql.p[at] == '-' && sql.p[at + 1] == '-') {
			while (at < sql.len && sql.p[at] != '\n')
				at++;
		} else if (sql.len - at >= 2 && sql.p[at] == '/' && sql.p[at + 1] == '*') {
			const char *end = memmem(sql.p + at + 2, sql.len - at - 2, "*/", 2);

			at = end ? (uint32_t)(end + 2 - sql.p) : sql.len;
		} else {
			return at;
		}
	}
	return at;
}

int hc_query_prepare(struct hc_query *q, struct hc_str sql, const char *what, struct hc_err *err)
{
	const char *tail = NULL;
	uint32_t line, column, at;
	int rc;

	snprintf(q->what, sizeof(q->what), "%s", what ? what : "SQL");
	sqlite3_finalize(q->stmt);
	q->stmt = NULL;
	if (sql.len > MAX_SQL_BYTES)
		return hc_err_set(err, -E2BIG, "%s: more than %d bytes", q->what, MAX_SQL_BYTES);
	if (sql.len && memchr(sql.p, 0, sql.len))
		return hc_err_set(err, -EINVAL, "%s: there is a NUL in it", q->what);
	rc = sqlite3_prepare_v2(q->db, sql.len ? sql.p : "", (int)sql.len, &q->stmt, &tail);
	if (rc != SQLITE_OK)
		return failed(q, rc, sql, err);
	if (!q->stmt)
		return hc_err_set(err, -EINVAL, "%s: there is no statement", q->what);
	at = next_statement(sql, tail ? (uint32_t)(tail - sql.p) : sql.len);
	if (at < sql.len) {
		place(sql, (int)at, &line, &column);
		return hc_err_at(err, -EINVAL, q->what, line, column,
		                 "a second statement begins here: give one at a time");
	}
	if (!sqlite3_stmt_readonly(q->stmt) || sqlite3_column_count(q->stmt) == 0)
		return hc_err_set(err, -EINVAL, "%s: only statements that read are allowed", q->what);
	return 0;
}

int hc_query_step(struct hc_query *q, struct hc_err *err)
{
	int rc;

	if (!q->stmt)
		return hc_err_set(err, -EINVAL, "there is no statement");
	rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return failed(q, rc, (struct hc_str){ NULL, 0 }, err);
}

unsigned hc_query_n_cols(const struct hc_query *q)
{
	return q->stmt ? (unsigned)sqlite3_column_count(q->stmt) : 0;
}

const char *hc_query_col_name(const struct hc_query *q, unsigned col)
{
	const char *name = sqlite3_column_name(q->stmt, (int)col);

	return name ? name : "";
}

struct hc_query_cell hc_query_cell(const struct hc_query *q, unsigned col)
{
	struct hc_query_cell c = { 0 };
	const void *p;

	switch (sqlite3_column_type(q->stmt, (int)col)) {
	case SQLITE_INTEGER:
		c.type = HC_QUERY_INTEGER;
		c.i = sqlite3_column_int64(q->stmt, (int)col);
		break;
	case SQLITE_FLOAT:
		c.type = HC_QUERY_REAL;
		c.real = sqlite3_column_double(q->stmt, (int)col);
		break;
	case SQLITE_TEXT:
		c.type = HC_QUERY_TEXT;
		p = sqlite3_column_text(q->stmt, (int)col);
		c.s = (struct hc_str){ p ? p : "", p ? (uint32_t)sqlite3_column_bytes(q->stmt, (int)col) : 0 };
		break;
	case SQLITE_BLOB:
		c.type = HC_QUERY_BLOB;
		p = sqlite3_column_blob(q->stmt, (int)col);
		c.s = (struct hc_str){ p ? p : "", p ? (uint32_t)sqlite3_column_bytes(q->stmt, (int)col) : 0 };
		break;
	default:
		break;
	}
	return c;
}

uint64_t hc_query_n_loads(const struct hc_query *q)
{
	return q->cap->n_loads;
}
