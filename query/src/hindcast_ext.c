/*
 * The extension for SQLite clients (hindcast.so):
 *
 *     SELECT hindcast_open('/var/lib/hindcast');            -- every table and view, in the schema temp
 *     SELECT hindcast_open('/cases/7.hcb', 'case7_');       -- the same with a prefix: several captures at once
 *     CREATE VIRTUAL TABLE temp.ev USING hindcast('/var/lib/hindcast', events);
 *
 * A capture is read as it is when it is opened; opening it again shows what has been recorded since.
 */
#include "sqlite_ext.h"

#include <errno.h>
#include <stdlib.h>

#include "sql_priv.h"

const sqlite3_api_routines *sqlite3_api;

#define NEEDS_VERSION 3038000 /* sqlite3_vtab_in */

/* The captures of one connection. */
struct client {
	sqlite3 *db;
	struct {
		char *path;
		struct q_cap *cap;
	} * v;
	unsigned n;
	sqlite3_module module; /* with xCreate: it can be named in CREATE VIRTUAL TABLE */
};

static void client_free(void *ctx)
{
	struct client *c = ctx;

	for (unsigned i = 0; i < c->n; i++) {
		free(c->v[i].path);
		hc_q_cap_unref(c->v[i].cap);
	}
	free(c->v);
	free(c);
}

static void set_message(char **ret_msg, const struct hc_err *err)
{
	char text[sizeof(err->file) + sizeof(err->msg) + 64];

	sqlite3_free(*ret_msg);
	*ret_msg = sqlite3_mprintf("%s", hc_err_text(err, text, sizeof(text)));
}

/* Borrowed. again: as it is now, also when it has been opened before. */
static int open_capture(struct client *c, const char *path, bool again, struct q_cap **ret, char **ret_msg)
{
	struct hc_capture *capture = NULL;
	struct hc_err err = { 0 };
	uint64_t n_left_out;
	struct q_cap *cap;
	unsigned at;
	void *grown;

	for (at = 0; at < c->n && strcmp(c->v[at].path, path) != 0; at++)
		;
	if (at < c->n && !again) {
		*ret = c->v[at].cap;
		return SQLITE_OK;
	}
	if (hc_capture_open(path, 0, &capture, &err) < 0) {
		set_message(ret_msg, &err);
		return SQLITE_ERROR;
	}
	if (hc_capture_backfill(capture, false, &n_left_out, &err) < 0) {
		set_message(ret_msg, &err);
		hc_capture_close(capture);
		return SQLITE_ERROR;
	}
	cap = hc_q_cap_new(capture, true);
	if (!cap)
		return SQLITE_NOMEM;
	if (at == c->n) {
		grown = realloc(c->v, (c->n + 1) * sizeof(*c->v));
		if (grown) {
			c->v = grown;
			c->v[at].path = strdup(path);
			c->v[at].cap = NULL;
		}
		if (!grown || !c->v[at].path) {
			hc_q_cap_unref(cap);
			return SQLITE_NOMEM;
		}
		c->n++;
	}
	hc_q_cap_unref(c->v[at].cap);
	c->v[at].cap = cap;
	*ret = cap;
	return SQLITE_OK;
}

/* An argument of USING hindcast(...) without its quotes; sqlite3_free() it. */
static char *unquote(const char *arg)
{
	size_t n = strlen(arg), out = 0;
	char quote = arg[0];
	char *s;

	if (n < 2 || (quote != '\'' && quote != '"') || arg[n - 1] != quote)
		return sqlite3_mprintf("%s", arg);
	s = sqlite3_malloc64(n);
	for (size_t i = 1; s && i + 1 < n; i++) {
		s[out++] = arg[i];
		if (arg[i] == quote && arg[i + 1] == quote && i + 2 < n)
			i++;
	}
	if (s)
		s[out] = 0;
	return s;
}

/* argv: module, schema, table, then ours: path, and the name of one of our tables. */
static int connect_table(sqlite3 *db, void *ctx, int argc, const char *const *argv, sqlite3_vtab **ret,
                         char **ret_msg)
{
	const struct q_table *plan;
	struct q_cap *cap;
	char *path, *table;
	int rc;

	if (argc < 4 || argc > 5) {
		*ret_msg = sqlite3_mprintf("USING hindcast('/path/of/capture'[, table]) is wanted");
		return SQLITE_ERROR;
	}
	path = unquote(argv[3]);
	table = unquote(argc == 5 ? argv[4] : argv[2]);
	rc = path && table ? open_capture(ctx, path, false, &cap, ret_msg) : SQLITE_NOMEM;
	if (rc == SQLITE_OK) {
		plan = hc_q_table_find(hc_str_c(table));
		if (!plan && argc == 4) /* any name of one's own: all events */
			plan = hc_q_table_find(HC_STR("events"));
		if (plan) {
			rc = hc_q_vtab_connect(db, cap, plan, ret, ret_msg);
		} else {
			*ret_msg = sqlite3_mprintf("a capture has no table '%s'", table);
			rc = SQLITE_ERROR;
		}
	}
	sqlite3_free(path);
	sqlite3_free(table);
	return rc;
}

/* ---- hindcast_open ---- */

/* Drops a table or view of ours in the way; SQLITE_ERROR when it is not ours. */
static int make_room(sqlite3 *db, const char *name, bool is_view, char **ret_msg)
{
	sqlite3_stmt *stmt = NULL;
	bool exists = false, ours = false;
	char *sql;
	int rc = sqlite3_prepare_v2(db, "SELECT type, sql FROM sqlite_temp_master WHERE name = ?1 COLLATE NOCASE",
	                            -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 1);

		exists = true;
		ours = is_view ? text && strstr(text, "/*hindcast*/") : text && strstr(text, "USING hindcast");
	}
	sqlite3_finalize(stmt);
	if (rc != SQLITE_OK || !exists)
		return rc;
	if (!ours) {
		*ret_msg = sqlite3_mprintf(
			"there is a temporary table '%s' already: give a prefix, hindcast_open(path, 'p_')", name);
		return SQLITE_ERROR;
	}
	sql = sqlite3_mprintf("DROP %s temp.\"%w\"", is_view ? "VIEW" : "TABLE", name);
	rc = sql ? sqlite3_exec(db, sql, NULL, NULL, ret_msg) : SQLITE_NOMEM;
	sqlite3_free(sql);
	return rc;
}

static int create_table(sqlite3 *db, const char *path, const char *prefix, const struct q_table *t, char **ret_msg)
{
	char *name = sqlite3_mprintf("%s%s", prefix, t->name), *sql = NULL;
	int rc = name ? make_room(db, name, false, ret_msg) : SQLITE_NOMEM;

	if (rc == SQLITE_OK) {
		sql = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.\"%w\" USING hindcast(%Q, %s)", name, path,
		                      t->name);
		rc = sql ? sqlite3_exec(db, sql, NULL, NULL, ret_msg) : SQLITE_NOMEM;
	}
	sqlite3_free(sql);
	sqlite3_free(name);
	return rc;
}

static int create_view(sqlite3 *db, const char *prefix, const struct q_view *v, char **ret_msg)
{
	char *name = sqlite3_mprintf("%s%s", prefix, v->name), *body = NULL, *sql = NULL;
	int rc = name ? make_room(db, name, true, ret_msg) : SQLITE_NOMEM;

	if (rc == SQLITE_OK) {
		body = hc_q_view_sql(v, "temp", prefix);
		sql = body ? sqlite3_mprintf("%s /*hindcast*/", body) : NULL;
		rc = sql ? sqlite3_exec(db, sql, NULL, NULL, ret_msg) : SQLITE_NOMEM;
	}
	sqlite3_free(sql);
	sqlite3_free(body);
	sqlite3_free(name);
	return rc;
}

/* hindcast_open(path[, prefix]): how many tables and views there are now. */
static void fn_open(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct client *c = sqlite3_user_data(ctx);
	const char *path = (const char *)sqlite3_value_text(argv[0]);
	const char *prefix = argc > 1 ? (const char *)sqlite3_value_text(argv[1]) : "";
	const struct q_table *t;
	struct q_cap *cap;
	char *msg = NULL;
	int rc, n = 0;

	if (!path || !prefix) {
		sqlite3_result_error(ctx, "hindcast_open(path[, prefix])", -1);
		return;
	}
	rc = open_capture(c, path, true, &cap, &msg);
	for (unsigned i = 0; rc == SQLITE_OK && (t = hc_q_table_at(i)); i++, n++)
		rc = create_table(c->db, path, prefix, t, &msg);
	for (const struct q_view *v = hc_q_views; rc == SQLITE_OK && v->name; v++, n++)
		rc = create_view(c->db, prefix, v, &msg);
	if (rc == SQLITE_OK)
		sqlite3_result_int(ctx, n);
	else if (rc == SQLITE_NOMEM)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_error(ctx, msg ? msg : sqlite3_errmsg(c->db), -1);
	sqlite3_free(msg);
}

static int register_client(sqlite3 *db, struct client *c)
{
	int rc = SQLITE_OK;

	c->db = db;
	c->module = hc_q_module;
	c->module.xCreate = c->module.xConnect = connect_table;
	for (int n_args = 1; n_args <= 2 && rc == SQLITE_OK; n_args++)
		rc = sqlite3_create_function_v2(db, "hindcast_open", n_args, SQLITE_UTF8 | SQLITE_DIRECTONLY, c,
		                                fn_open, NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		client_free(c);
		return rc;
	}
	/* Modules are the last that a closing connection lets go of, and this one takes the client with it. */
	return sqlite3_create_module_v2(db, "hindcast", &c->module, c, client_free);
}

__attribute__((visibility("default"))) int sqlite3_hindcast_init(sqlite3 *db, char **ret_msg,
                                                                 const sqlite3_api_routines *api);

int sqlite3_hindcast_init(sqlite3 *db, char **ret_msg, const sqlite3_api_routines *api)
{
	struct client *c;
	int rc;

	sqlite3_api = api;
	if (sqlite3_libversion_number() < NEEDS_VERSION) {
		*ret_msg =
			sqlite3_mprintf("hindcast needs SQLite 3.38 or later; this is %s", sqlite3_libversion());
		return SQLITE_ERROR;
	}
	rc = hc_q_register_functions(db);
	if (rc != SQLITE_OK)
		return rc;
	c = calloc(1, sizeof(*c));
	return c ? register_client(db, c) : SQLITE_NOMEM;
}
