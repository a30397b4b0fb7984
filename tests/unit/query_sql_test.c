/* SQL over generated captures: equal to a slow, obvious reading of the blocks, with and without pushdown. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "gen.h"
#include "query/query.h"
#include "sql_priv.h"

struct fixture {
	char *dir;
	struct hc_capture *c;
	struct hc_query *q, *slow; /* slow: without pushdown */
	struct hc_gen_result made;
};

static void open_opts(struct fixture *f, const struct hc_gen_opts *opts)
{
	struct hc_err err = { 0 };

	f->dir = hc_gen_tmpdir();
	cr_assert_eq(hc_gen_capture(f->dir, opts, &f->made, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_capture_open(f->dir, HC_CAPTURE_NO_INDEX, &f->c, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_query_open(f->c, 0, &f->q, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_query_open(f->c, HC_QUERY_NO_PUSHDOWN, &f->slow, &err), 0, "%s", err.msg);
}

static struct fixture open_rows(uint64_t seed, uint64_t n_rows, uint64_t flush_rows)
{
	struct fixture f = { 0 };
	struct hc_gen_opts opts = { .seed = seed, .n_rows = n_rows, .flush_rows = flush_rows };

	open_opts(&f, &opts);
	return f;
}

static void close_all(struct fixture *f)
{
	hc_query_close(f->q);
	hc_query_close(f->slow);
	hc_capture_close(f->c);
	hc_gen_result_done(&f->made);
	hc_gen_rm(f->dir);
	free(f->dir);
}

static void begin(struct hc_query *q, const char *sql)
{
	struct hc_err err = { 0 };

	cr_assert_eq(hc_query_prepare(q, hc_str_c(sql), NULL, &err), 0, "%s\n%u:%u %s", sql, err.line, err.column,
	             err.msg);
}

static int step(struct hc_query *q, const char *sql)
{
	struct hc_err err = { 0 };
	int r = hc_query_step(q, &err);

	cr_assert_geq(r, 0, "%s\n%s", sql, err.msg);
	return r;
}

/* One number. */
static int64_t number(struct hc_query *q, const char *sql)
{
	int64_t v;

	begin(q, sql);
	cr_assert_eq(step(q, sql), 1, "%s: no row", sql);
	v = hc_query_cell(q, 0).i;
	cr_assert_eq(step(q, sql), 0, "%s: more than one row", sql);
	return v;
}

/* One text; free() it. */
static char *text(struct hc_query *q, const char *sql)
{
	struct hc_query_cell c;
	char *s;

	begin(q, sql);
	cr_assert_eq(step(q, sql), 1, "%s: no row", sql);
	c = hc_query_cell(q, 0);
	s = c.type == HC_QUERY_NULL ? strdup("NULL") : strndup(c.s.p, c.s.len);
	return s;
}

static void expect_text(struct hc_query *q, const char *sql, const char *want)
{
	char *got = text(q, sql);

	cr_assert_str_eq(got, want, "%s: '%s' instead of '%s'", sql, got, want);
	free(got);
}

/* The message that a statement is refused or fails with; also its place. */
static void expect_error(struct hc_query *q, const char *sql, const char *want)
{
	struct hc_err err = { 0 };
	int r = hc_query_prepare(q, hc_str_c(sql), NULL, &err);
	char got[512];

	while (r == 0) {
		r = hc_query_step(q, &err);
		if (r == 0)
			cr_assert_fail("%s: is no error", sql);
		r = r > 0 ? 0 : r;
	}
	cr_assert_eq(r, -EINVAL, "%s: %d", sql, r);
	snprintf(got, sizeof(got), "%u:%u %s", err.line, err.column, err.msg);
	cr_assert(strstr(got, want), "%s: '%s' instead of '%s'", sql, got, want);
}

/* Whether two statements give the same rows, all bytes; the number of rows. */
static uint64_t same_rows(struct hc_query *a, struct hc_query *b, const char *sql)
{
	uint64_t n = 0;

	begin(a, sql);
	begin(b, sql);
	for (;; n++) {
		int ra = step(a, sql), rb = step(b, sql);

		cr_assert_eq(ra, rb, "%s: one has more rows than %lu", sql, (unsigned long)n);
		if (!ra)
			return n;
		for (unsigned i = 0; i < hc_query_n_cols(a); i++) {
			struct hc_query_cell x = hc_query_cell(a, i), y = hc_query_cell(b, i);

			cr_assert(x.type == y.type && x.i == y.i && hc_str_eq(x.s, y.s),
			          "%s: row %lu, column %s differs", sql, (unsigned long)n,
			          hc_query_col_name(a, i));
		}
	}
}

/* ---- against the blocks ---- */

/* One cell as read straight from its block. */
static void check_cell(struct hc_block *b, unsigned type, unsigned col, uint32_t pos,
                       const struct hc_query_cell *got, const char *what)
{
	const struct hc_col_desc *d = &hc_event_desc(type)->cols[col];
	struct hc_heap heap;
	struct hc_refs refs, inner;
	struct hc_ints ints;

	if (!d->ref) {
		cr_assert_eq(hc_block_event_ints(b, type, col, &ints, NULL), 0);
		if (hc_ints_valid(&ints, pos))
			cr_assert(got->type == HC_QUERY_INTEGER && got->i == ints.v[pos], "%s", what);
		else
			cr_assert_eq(got->type, HC_QUERY_NULL, "%s", what);
		return;
	}
	cr_assert_eq(hc_block_event_refs(b, type, col, &refs, NULL), 0);
	if (!refs.v[pos]) {
		cr_assert_eq(got->type, HC_QUERY_NULL, "%s", what);
		return;
	}
	if (d->ref == HC_OBJ_STR || d->ref == HC_OBJ_BYTES) {
		cr_assert_eq(hc_block_heap(b, d->ref, &heap, NULL), 0);
		cr_assert(hc_str_eq(got->s, hc_heap_get(&heap, refs.v[pos])), "%s", what);
		return;
	}
	if (d->ref != HC_OBJ_PATH)
		return;
	/* the column NAME_given */
	cr_assert_eq(hc_block_heap(b, HC_OBJ_STR, &heap, NULL), 0);
	cr_assert_eq(hc_block_obj_refs(b, HC_OBJ_PATH, HC_O_PATH_given, &inner, NULL), 0);
	cr_assert(hc_str_eq(got->s, hc_heap_get(&heap, inner.v[refs.v[pos] - 1])), "%s", what);
}

static bool has_col(const struct q_table *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_cols; i++)
		if (strcmp(t->cols[i].name, name) == 0)
			return true;
	return false;
}

/* Name of the SQL column that has the stored column unchanged; false when there is none. */
static bool plain_name(const struct q_table *t, const struct hc_col_desc *d, char *buf, size_t room)
{
	if (d->kind == HC_KIND_ADDR ||
	    (d->ref && d->ref != HC_OBJ_STR && d->ref != HC_OBJ_BYTES && d->ref != HC_OBJ_PATH))
		return false;
	snprintf(buf, room, "arg_%s", d->name); /* a common column has the name */
	if (!has_col(t, buf))
		snprintf(buf, room, "%s%s", d->name, d->ref == HC_OBJ_PATH ? "_given" : "");
	cr_assert(has_col(t, buf), "%s has no column %s", t->name, buf);
	return true;
}

struct place {
	uint64_t seq;
	uint32_t block, row;
};

static int by_seq(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Every row of a type, in order of seq, by looking at every block. */
static struct place *find_rows(struct hc_block **blocks, uint32_t n_blocks, unsigned type, uint32_t *ret_n)
{
	struct place *v = calloc(200000, sizeof(*v));
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_blocks; i++) {
		struct hc_rows rows;

		cr_assert_eq(hc_block_rows(blocks[i], &rows, NULL), 0);
		for (uint32_t row = 0; row < rows.n; row++)
			if (!type || rows.type[row] == type)
				v[n++] = (struct place){ rows.seq[row], i, row };
	}
	qsort(v, n, sizeof(*v), by_seq);
	*ret_n = n;
	return v;
}

static void check_type(struct fixture *f, struct hc_block **blocks, uint32_t n_blocks, unsigned type)
{
	const struct hc_table_desc *d = hc_event_desc(type);
	unsigned cols[HC_MAX_COLS], n_cols = 0;
	uint32_t n;
	struct place *want = find_rows(blocks, n_blocks, type, &n);
	struct q_table *t = hc_q_table_new(hc_q_table_find(hc_str_c(d->name)));
	char sql[8192], name[128];
	size_t len = (size_t)snprintf(sql, sizeof(sql), "SELECT seq, ts_ns, cpu, ret, nr");

	for (unsigned col = HC_N_COMMON_COLS; col < d->n_cols; col++) {
		if (d->cols[col].kind == HC_KIND_FD && d->cols[col].ref)
			continue;
		if (!plain_name(t, &d->cols[col], name, sizeof(name)))
			continue;
		len += (size_t)snprintf(sql + len, sizeof(sql) - len, ", %s", name);
		cols[n_cols++] = col;
	}
	snprintf(sql + len, sizeof(sql) - len, " FROM %s", d->name);
	begin(f->q, sql);
	for (uint32_t i = 0; i < n; i++) {
		struct hc_block *b = blocks[want[i].block];
		struct hc_rows rows;
		struct hc_query_cell c;

		cr_assert_eq(step(f->q, sql), 1, "%s: %u rows instead of %u", sql, i, n);
		hc_block_rows(b, &rows, NULL);
		cr_assert_eq((uint64_t)hc_query_cell(f->q, 0).i, want[i].seq, "%s: row %u", sql, i);
		cr_assert_eq((uint64_t)hc_query_cell(f->q, 1).i, rows.ts_ns[want[i].row]);
		cr_assert_eq(hc_query_cell(f->q, 2).i, rows.cpu[want[i].row]);
		c = hc_query_cell(f->q, 3);
		check_cell(b, type, HC_COL_RET, rows.pos[want[i].row], &c, sql);
		for (unsigned k = 0; k < n_cols; k++) {
			c = hc_query_cell(f->q, 5 + k);
			check_cell(b, type, cols[k], rows.pos[want[i].row], &c, hc_query_col_name(f->q, 5 + k));
		}
	}
	cr_assert_eq(step(f->q, sql), 0, "%s: more than %u rows", sql, n);
	hc_q_table_free(t);
	free(want);
}

Test(sql, has_the_rows_and_values_of_the_blocks)
{
	struct fixture f = open_rows(1, 12000, 1500);
	uint32_t n_blocks, n;
	struct hc_block *blocks[512];
	struct place *all;

	hc_capture_blocks(f.c, &n_blocks);
	cr_assert_leq(n_blocks, 512);
	for (uint32_t i = 0; i < n_blocks; i++)
		cr_assert_eq(hc_capture_load(f.c, i, &blocks[i], NULL), 0);
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (hc_event_desc(type))
			check_type(&f, blocks, n_blocks, type);
	all = find_rows(blocks, n_blocks, 0, &n);
	cr_assert_eq(n, f.made.n_rows);
	begin(f.q, "SELECT seq FROM events");
	for (uint32_t i = 0; i < n; i++) {
		cr_assert_eq(step(f.q, "events"), 1);
		cr_assert_eq((uint64_t)hc_query_cell(f.q, 0).i, all[i].seq);
	}
	cr_assert_eq(step(f.q, "events"), 0);
	free(all);
	for (uint32_t i = 0; i < n_blocks; i++)
		hc_block_close(blocks[i]);
	close_all(&f);
}

/* ---- names ---- */

Test(sql, can_say_every_column_of_every_table_without_quotes)
{
	struct fixture f = open_rows(2, 2000, 0);
	const struct q_table *plan;
	unsigned n = 0;

	for (unsigned i = 0; (plan = hc_q_table_at(i)); i++) {
		struct q_table *t = hc_q_table_new(plan);

		cr_assert_eq(t->n_lost, 0, "%s: a column has no name of its own", t->name);
		for (uint32_t col = 0; col < t->n_cols; col++, n++) {
			char sql[256];

			snprintf(sql, sizeof(sql), "SELECT %s FROM %s LIMIT 1", t->cols[col].name, t->name);
			begin(f.q, sql);
			step(f.q, sql);
		}
		hc_q_table_free(t);
	}
	cr_assert_gt(n, 2000);
	close_all(&f);
}

Test(sql, reads_every_value_of_every_table)
{
	struct fixture f = open_rows(3, 6000, 1000);
	const struct q_table *plan;

	for (unsigned i = 0; (plan = hc_q_table_at(i)); i++) {
		struct q_table *t = hc_q_table_new(plan);
		char *sql;
		FILE *s;
		size_t n;

		s = open_memstream(&sql, &n);
		for (uint32_t col = 0; col < t->n_cols; col++)
			fprintf(s, "%s%s", col ? ", " : "SELECT ", t->cols[col].name);
		fprintf(s, " FROM %s", t->name);
		fclose(s);
		begin(f.q, sql);
		while (step(f.q, sql) > 0)
			for (unsigned col = 0; col < hc_query_n_cols(f.q); col++)
				hc_query_cell(f.q, col);
		free(sql);
		hc_q_table_free(t);
	}
	close_all(&f);
}

/* ---- pushdown ---- */

/* A constant of the column that some row has, as an SQL literal. */
static void literal(struct fixture *f, struct hc_gen_rng *rng, const char *table, const char *col, char *buf,
                    size_t room)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT quote(%s) FROM %s WHERE %s IS NOT NULL LIMIT 1 OFFSET %u", col, table,
	         col, (unsigned)hc_gen_below(rng, 40));
	begin(f->slow, sql);
	if (step(f->slow, sql) > 0)
		snprintf(buf, room, "%.*s", (int)hc_query_cell(f->slow, 0).s.len, hc_query_cell(f->slow, 0).s.p);
	else
		snprintf(buf, room, hc_gen_below(rng, 2) ? "'x'" : "17");
	if (strlen(buf) >= room - 1)
		snprintf(buf, room, "NULL");
}

/* col OP constant, with values that are there, and ones of the wrong type. */
static void condition(struct fixture *f, struct hc_gen_rng *rng, const struct q_table *t, char *buf, size_t room)
{
	static const char *const ops[] = { "=", "<", "<=", ">", ">=", "<>", "IS" };
	const char *col = t->cols[hc_gen_below(rng, t->n_cols)].name;
	char a[512], b[512];

	if (hc_gen_below(rng, 3) == 0) { /* those that choose blocks, more often */
		static const char *const often[] = { "seq",  "time",    "type",  "pid",
			                             "comm", "wall_ns", "ts_ns", "ret" };

		col = often[hc_gen_below(rng, 8)];
	}
	literal(f, rng, t->name, col, a, sizeof(a));
	literal(f, rng, t->name, col, b, sizeof(b));
	switch (hc_gen_below(rng, 12)) {
	case 0:
		snprintf(buf, room, "%s IN (%s, %s, 'none', 3, NULL)", col, a, b);
		break;
	case 1:
		snprintf(buf, room, "%s IN (SELECT %s FROM %s LIMIT 3)", col, col, t->name);
		break;
	case 2:
		snprintf(buf, room, "%s IS %sNULL", col, hc_gen_below(rng, 2) ? "NOT " : "");
		break;
	case 3:
		snprintf(buf, room, "%s LIKE '%%' || substr(%s, 2, 3) || '%%'", col, a);
		break;
	case 4:
		snprintf(buf, room, "%s GLOB substr(%s, 1, 4) || '*'", col, a);
		break;
	case 5:
		snprintf(buf, room, "%s BETWEEN %s AND %s", col, a, b);
		break;
	case 6:
		snprintf(buf, room, "%s %s %s COLLATE NOCASE", col, ops[hc_gen_below(rng, 7)], a);
		break;
	case 7: /* other types: a real, a text of digits, NULL */
		snprintf(buf, room, "%s %s %s", col, ops[hc_gen_below(rng, 7)],
		         hc_gen_below(rng, 3) == 0 ? "12.5"
		         : hc_gen_below(rng, 2)    ? "'44'"
		                                   : "NULL");
		break;
	case 8:
		snprintf(buf, room, "(%s = %s OR %s = %s)", col, a, col, b);
		break;
	case 9:
		snprintf(buf, room, "NOT %s = %s", col, a);
		break;
	default:
		snprintf(buf, room, "%s %s %s", col, ops[hc_gen_below(rng, 7)], a);
	}
}

Test(sql, answers_the_same_with_and_without_pushdown, .timeout = 240)
{
	struct fixture f = open_rows(4, 5000, 400);
	struct hc_gen_rng rng = { 99 };
	unsigned some = 0;

	for (unsigned i = 0; i < 1500; i++) {
		const struct q_table *plan = NULL;
		struct q_table *t;
		char a[2048], b[2048], sql[8192];
		static const char *const orders[] = { " ORDER BY seq", " ORDER BY seq DESC",
			                              " ORDER BY time, seq" };

		while (!plan || plan->kind != Q_KIND_EVENTS)
			plan = hc_q_table_at(hc_gen_below(&rng, 3) ? (unsigned)hc_gen_below(&rng, 200) : 0);
		t = hc_q_table_new(plan);
		condition(&f, &rng, t, a, sizeof(a));
		condition(&f, &rng, t, b, sizeof(b));
		snprintf(sql, sizeof(sql), "SELECT seq, time, type, comm, %s FROM %s WHERE %s%s%s%s%s",
		         t->cols[i % t->n_cols].name, t->name, a, hc_gen_below(&rng, 2) ? " AND " : "", "", "",
		         "");
		if (strcmp(sql + strlen(sql) - 5, " AND ") == 0)
			strcat(sql, b);
		strcat(sql, orders[hc_gen_below(&rng, 3)]);
		if (hc_gen_below(&rng, 4) == 0)
			strcat(sql, " LIMIT 7 OFFSET 2");
		some += same_rows(f.q, f.slow, sql) > 0;
		hc_q_table_free(t);
	}
	cr_assert_gt(some, 500, "only %u statements had rows: the comparison says little", some);
	close_all(&f);
}

Test(sql, would_notice_a_wrong_pushdown)
{
	struct fixture f = open_rows(5, 3000, 400);
	struct q_table *t = hc_q_table_new(hc_q_table_find(HC_STR("events")));
	struct q_filter filter;
	struct q_scan *s;
	struct q_cap *cap = hc_q_cap_new(f.c, false);
	struct q_val v = { .type = Q_INTEGER, .i = 100 };
	uint64_t n = 0;

	/* The scan alone, which SQLite would check after it: seq < 100 drops what it should, and only that. */
	hc_q_filter_init(&filter, t);
	cr_assert_eq(hc_q_filter_add(&filter, t, 0, Q_OP_LT, &v, 1), 0);
	cr_assert_eq(hc_q_scan_open(cap, &filter, &s), 0);
	while (hc_q_scan_next(s) > 0)
		n++;
	cr_assert_eq(n, 99);
	hc_q_scan_close(s);
	hc_q_filter_done(&filter);
	hc_q_cap_unref(cap);
	hc_q_table_free(t);
	close_all(&f);
}

Test(sql, reads_only_the_blocks_that_can_have_an_answer)
{
	struct fixture f = open_rows(6, 20000, 500);
	struct hc_query *q;
	struct hc_err err = { 0 };
	uint64_t before;
	uint32_t n_blocks;
	char sql[256], *time;

	hc_capture_blocks(f.c, &n_blocks);
	cr_assert_gt(n_blocks, 60);
	static const char *const few[] = { "SELECT * FROM events WHERE seq = 7000",
		                           "SELECT * FROM events ORDER BY seq DESC LIMIT 5",
		                           "SELECT * FROM events LIMIT 5",
		                           "SELECT * FROM events WHERE seq BETWEEN 9000 AND 9050",
		                           "SELECT * FROM events WHERE seq IN (3, 4, 10000)",
		                           "SELECT * FROM openat WHERE seq > 19900",
		                           "SELECT * FROM events WHERE type = 'no_such_type'",
		                           "SELECT * FROM segments" };

	for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++) {
		cr_assert_eq(hc_query_open(f.c, 0, &q, &err), 0);
		begin(q, few[i]);
		while (step(q, few[i]) > 0)
			;
		cr_assert_leq(hc_query_n_loads(q), 8, "%s: %lu of %u blocks", few[i],
		              (unsigned long)hc_query_n_loads(q), n_blocks);
		hc_query_close(q);
	}
	time = text(f.slow, "SELECT time FROM events WHERE seq = 10000");
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM events WHERE time >= '%s' AND time < at('%s')", time,
	         time);
	before = hc_query_n_loads(f.q);
	cr_assert_eq(number(f.q, sql), 0);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM events WHERE time = '%s'", time);
	cr_assert_geq(number(f.q, sql), 1);
	cr_assert_leq(hc_query_n_loads(f.q) - before, 8);
	free(time);
	close_all(&f);
}

/* ---- joins, processes ---- */

Test(sql, finds_each_process_once)
{
	struct fixture f = open_rows(7, 8000, 700);

	cr_assert_gt(number(f.q, "SELECT count(*) FROM processes"), 10);
	cr_assert_eq(number(f.q, "SELECT count(*) - count(DISTINCT coalesce(guid, '') || pid) FROM processes "
	                         "WHERE guid IS NOT NULL"),
	             0);
	cr_assert_eq(number(f.q, "SELECT count(*) FROM events e WHERE guid IS NOT NULL AND NOT EXISTS (SELECT 1 "
	                         "FROM processes p "
	                         "WHERE p.guid = e.guid)"),
	             0);
	cr_assert_geq(number(f.q, "SELECT count(*) FROM process_versions"),
	              number(f.q, "SELECT count(*) FROM processes"));
	cr_assert_eq(number(f.q,
	                    "SELECT count(*) FROM processes WHERE pid = (SELECT pid FROM processes WHERE guid IS "
	                    "NOT NULL "
	                    "LIMIT 1) AND guid = (SELECT guid FROM processes WHERE guid IS NOT NULL LIMIT 1)"),
	             1);
	same_rows(f.q, f.slow,
	          "SELECT e.seq, p.comm, p.exe FROM events e JOIN processes p USING (guid) WHERE e.seq < 300 "
	          "ORDER BY 1");
	close_all(&f);
}

Test(sql, joins_tables_by_seq)
{
	struct fixture f = open_rows(8, 4000, 300);

	cr_assert_eq(
		number(f.q,
	               "SELECT count(*) FROM openat o JOIN events e ON e.seq = o.seq WHERE e.type <> 'openat'"),
		0);
	cr_assert_eq(number(f.q, "SELECT count(*) FROM openat o JOIN events e USING (seq)"),
	             number(f.slow, "SELECT count(*) FROM openat"));
	close_all(&f);
}

Test(sql, views_have_the_rows_of_their_tables)
{
	struct fixture f = open_rows(9, 6000, 500);

	cr_assert_eq(number(f.q, "SELECT count(*) FROM execs"), number(f.q, "SELECT count(*) FROM proc_exec"));
	cr_assert_eq(number(f.q, "SELECT count(*) FROM gaps"),
	             number(f.q, "SELECT count(*) FROM events WHERE type = 'meta_gap'"));
	cr_assert_eq((uint64_t)number(f.q, "SELECT sum(count) FROM gaps"), f.made.n_lost);
	cr_assert_gt(number(f.q, "SELECT count(*) FROM files"), 100);
	same_rows(f.q, f.slow, "SELECT * FROM connections");
	same_rows(f.q, f.slow, "SELECT * FROM files WHERE op = 'unlink' AND time > '2024-05-01'");
	close_all(&f);
}

/* ---- moments ---- */

Test(sql, compares_moments_however_they_are_written)
{
	struct fixture f = open_rows(10, 500, 0);

	expect_text(f.q, "SELECT at('2024-05-01')", "2024-05-01T00:00:00.000000000Z");
	expect_text(f.q, "SELECT at('2024-05-01 12:30')", "2024-05-01T12:30:00.000000000Z");
	expect_text(f.q, "SELECT at('2024-05-01T12:30:00.25+02:00')", "2024-05-01T10:30:00.250000000Z");
	expect_text(f.q, "SELECT at(1714521600000000001)", "2024-05-01T00:00:00.000000001Z");
	expect_text(f.q, "SELECT at('1969-12-31T23:59:59.5Z')", "1969-12-31T23:59:59.500000000Z");
	expect_text(f.q, "SELECT ago('1h30m', '2024-05-01')", "2024-04-30T22:30:00.000000000Z");
	expect_text(f.q, "SELECT ago('250ms', '2024-05-01')", "2024-04-30T23:59:59.750000000Z");
	expect_text(f.q, "SELECT at(NULL)", "NULL");
	cr_assert_eq(number(f.q, "SELECT time_ns('2024-05-01')"), INT64_C(1714521600000000000));
	cr_assert_eq(number(f.q, "SELECT ago('0s') > '2024-05-01'"), 1);
	expect_error(f.q, "SELECT at('yesterday')", "not a time: 'yesterday'");
	expect_error(f.q, "SELECT at('2024-02-30')", "not a time");
	expect_error(f.q, "SELECT ago('10')", "not a duration: '10'");
	expect_error(f.q, "SELECT ago('-1m')", "not a duration");
	expect_error(f.q, "SELECT ago('99999999999999999999w')", "not a duration");
	/* the generated capture begins at 01:00:00 and lasts half a second */
	static const char *const all[] = { "time >= '2024-05-01'",
		                           "time > '2024-05-01 00:59'",
		                           "time >= '2024-05-01T01:00:00Z'",
		                           "time >= '2024-05-01T03:00:00+02:00'",
		                           "time < '2024-05-02'",
		                           "time BETWEEN '2024-05-01' AND '2024-05-01 01:10'",
		                           "time >= at('2024-05-01')",
		                           "wall_ns >= time_ns('2024-05-01')",
		                           "time > ago('1h', '2024-05-01T01:30:00Z')" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char sql[200];

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM events WHERE %s", all[i]);
		cr_assert_eq(number(f.q, sql), 500, "%s", sql);
		cr_assert_eq(number(f.slow, sql), 500, "without pushdown: %s", sql);
	}
	cr_assert_eq(number(f.q, "SELECT count(*) FROM events WHERE time < '2024-05-01 01:00'"), 0);
	cr_assert_eq(number(f.q, "SELECT count(*) FROM events WHERE time > 'nonsense'"),
	             number(f.slow, "SELECT count(*) FROM events WHERE time > 'nonsense'"));
	close_all(&f);
}

Test(sql, knows_networks_paths_and_errors)
{
	struct fixture f = open_rows(11, 10, 0);

	cr_assert_eq(number(f.q, "SELECT in_net('10.1.2.3', '10.0.0.0/8')"), 1);
	cr_assert_eq(number(f.q, "SELECT in_net('11.1.2.3', '10.0.0.0/8')"), 0);
	cr_assert_eq(number(f.q, "SELECT in_net('10.1.2.3', '10.1.2.2/31')"), 1);
	cr_assert_eq(number(f.q, "SELECT in_net('10.1.2.4', '10.1.2.2/31')"), 0);
	cr_assert_eq(number(f.q, "SELECT in_net('2001:db8::1', '2001:db8::/32')"), 1);
	cr_assert_eq(number(f.q, "SELECT in_net('::ffff:10.1.1.1', '10.0.0.0/8')"), 1);
	cr_assert_eq(number(f.q, "SELECT in_net('10.1.2.3', '2001:db8::/32')"), 0);
	cr_assert_eq(number(f.q, "SELECT in_net('10.1.2.3', '0.0.0.0/0')"), 1);
	expect_text(f.q, "SELECT in_net('nonsense', '10.0.0.0/8')", "NULL");
	expect_error(f.q, "SELECT in_net('10.1.2.3', '10.0.0.0/33')", "not a network");
	expect_error(f.q, "SELECT in_net('10.1.2.3', 'x/8')", "not a network");
	expect_error(f.q, "SELECT in_net('10.1.2.3', '10.0.0.0/')", "not a network");
	expect_text(f.q, "SELECT basename('/usr/bin/sh')", "sh");
	expect_text(f.q, "SELECT dirname('/usr/bin/sh')", "/usr/bin");
	expect_text(f.q, "SELECT dirname('/sh')", "/");
	expect_text(f.q, "SELECT dirname('sh')", ".");
	expect_text(f.q, "SELECT errno_name(-13)", "EACCES");
	close_all(&f);
}

/* ---- hostile SQL ---- */

Test(sql, only_reads)
{
	struct fixture f = open_rows(12, 100, 0);
	static const char *const refused[] = {
		"CREATE TABLE x(a)",
		"CREATE TEMP TABLE x(a)",
		"CREATE VIEW v AS SELECT 1",
		"CREATE TRIGGER t AFTER INSERT ON events BEGIN SELECT 1; END",
		"CREATE VIRTUAL TABLE x USING events",
		"INSERT INTO events(seq) VALUES (1)",
		"UPDATE events SET seq = 1",
		"DELETE FROM events",
		"DROP VIEW files",
		"UPDATE sqlite_master SET sql = 'x'",
		"DELETE FROM sqlite_master",
		"ATTACH '/tmp/x.db' AS x",
		"DETACH main",
		"PRAGMA writable_schema = 1",
		"PRAGMA journal_mode = DELETE",
		"PRAGMA temp_store_directory = '/tmp'",
		"PRAGMA hard_heap_limit = 0",
		"PRAGMA trusted_schema = 1",
		"VACUUM INTO '/tmp/x.db'",
		"REINDEX",
		"ANALYZE",
		"BEGIN",
		"SAVEPOINT x",
		"EXPLAIN DELETE FROM events",
		"SELECT load_extension('/tmp/x.so')",
		"SELECT readfile('/etc/passwd')",
		"SELECT writefile('/tmp/x', 'y')",
		"SELECT * FROM fsdir('/')",
		"SELECT edit('x')",
		"SELECT \"no_such_column\"",
		"SELECT 1; SELECT 2",
		"",
		";;",
		"/* nothing */ -- at all",
		"SELECT",
		"SELECT * FROM",
		"SELECT * FROM nothing",
		"SELECT ((((((((((",
		"SELECT 'open",
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct hc_err err = { 0 };
		int r = hc_query_prepare(f.q, hc_str_c(refused[i]), NULL, &err);

		while (r == 0 && (r = hc_query_step(f.q, &err)) > 0)
			r = 0;
		cr_assert_eq(r, -EINVAL, "%s: %d", refused[i], r);
		cr_assert(err.msg[0], "%s: no message", refused[i]);
	}
	cr_assert_eq(number(f.q, "SELECT count(*) FROM events"), 100, "and it goes on");
	cr_assert_eq(number(f.q, "SELECT count(*) FROM pragma_table_info('openat') WHERE name = 'pathname'"), 1);
	cr_assert_eq(number(f.q, "SELECT 1 /* only */ ; -- one"), 1);
	close_all(&f);
}

Test(sql, says_where_an_error_is)
{
	struct fixture f = open_rows(13, 10, 0);

	expect_error(f.q, "SELECT seq,\n  nope FROM events", "2:3 no such column: nope");
	expect_error(f.q, "SELECT 'é', nope FROM events", "1:13 no such column: nope");
	expect_error(f.q, "SELECT seq FORM events", "1:17 near \"events\": syntax error");
	expect_error(f.q, "SELECT 1;\nSELECT 2", "2:1 a second statement begins here");
	close_all(&f);
}

Test(sql, bounds_what_a_statement_may_use)
{
	struct fixture f = open_rows(14, 10, 0);
	static const char *const big[] = {
		"SELECT zeroblob(2000000000)", "SELECT hex(randomblob(100000000))",
		"WITH RECURSIVE r(s) AS (SELECT 'xxxxxxxxxxxxxxxx' UNION ALL SELECT s || s FROM r) "
		"SELECT max(length(s)) FROM r"
	};
	char *deep = malloc(200000);
	struct hc_err err = { 0 };
	int r;

	for (size_t i = 0; i < sizeof(big) / sizeof(big[0]); i++) {
		err = (struct hc_err){ 0 };
		r = hc_query_prepare(f.q, hc_str_c(big[i]), NULL, &err);
		if (r == 0)
			r = hc_query_step(f.q, &err);
		cr_assert(r == -E2BIG || r == -ENOMEM, "%s: %d", big[i], r);
	}
	memset(deep, '(', 199999);
	memcpy(deep, "SELECT ", 7);
	deep[199999] = 0;
	err = (struct hc_err){ 0 };
	cr_assert_eq(hc_query_prepare(f.q, hc_str_c(deep), NULL, &err), -EINVAL);
	free(deep);
	close_all(&f);
}

struct countdown {
	unsigned n;
};

static bool count_down(void *ctx)
{
	struct countdown *c = ctx;

	return c->n == 0 || --c->n == 0;
}

Test(sql, stops_when_asked_also_where_nothing_is_found)
{
	struct fixture f = open_rows(15, 20000, 300);
	static const char *const endless[] = {
		"WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r",
		"SELECT count(*) FROM events a, events b, events c",
		"SELECT * FROM events WHERE comm = 'nobody has this name' AND ret = 12345678",
		"SELECT count(*) FROM processes, events, events",
	};

	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		struct countdown c = { 20 };
		struct hc_err err = { 0 };
		int r;

		hc_query_set_stop(f.q, count_down, &c);
		begin(f.q, endless[i]);
		while ((r = hc_query_step(f.q, &err)) > 0)
			;
		cr_assert_eq(r, -EINTR, "%s: %d %s", endless[i], r, err.msg);
	}
	close_all(&f);
}

/* ---- damage ---- */

static void flip(const char *dir, const char *seg, uint64_t off)
{
	char path[512];
	uint8_t b;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, seg);
	fd = open(path, O_RDWR);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pread(fd, &b, 1, (off_t)off), 1);
	b ^= 0x55;
	cr_assert_eq(pwrite(fd, &b, 1, (off_t)off), 1);
	close(fd);
}

Test(sql, answers_the_rest_of_a_damaged_capture_and_says_so)
{
	struct hc_gen_rng rng = { 5 };

	for (unsigned i = 0; i < 40; i++) {
		struct fixture f = open_rows(16, 3000, 250);
		uint32_t n_blocks, n, which;
		const struct hc_capture_block *blocks = hc_capture_blocks(f.c, &n_blocks);
		const struct hc_capture_seg *segs = hc_capture_segs(f.c, &n);
		struct hc_err err = { 0 };
		char *path;
		uint64_t off;

		which = (uint32_t)hc_gen_below(&rng, n_blocks);
		path = strdup(segs[blocks[which].seg].path);
		off = blocks[which].off + hc_gen_below(&rng, blocks[which].info.bytes);
		/* the capture is open already: the damage is met while it is read */
		flip(f.dir, path, off);
		begin(f.q, "SELECT *, exe, cmdline, cwd, fd_name, path, parent_exe FROM events");
		while (step(f.q, "events") > 0)
			;
		hc_capture_problems(f.c, &n);
		if (n == 0) { /* in a column that was not asked for: every value of every table is */
			const struct q_table *plan;

			for (unsigned k = 0; (plan = hc_q_table_at(k)); k++) {
				struct q_table *t = hc_q_table_new(plan);
				char *sql;
				size_t len;
				FILE *s = open_memstream(&sql, &len);

				for (uint32_t col = 0; col < t->n_cols; col++)
					fprintf(s, "%s%s", col ? ", " : "SELECT ", t->cols[col].name);
				fprintf(s, " FROM %s", t->name);
				fclose(s);
				begin(f.q, sql);
				while (step(f.q, sql) > 0)
					;
				free(sql);
				hc_q_table_free(t);
			}
			hc_capture_problems(f.c, &n);
		}
		if (n)
			cr_assert_gt(number(f.q, "SELECT count(*) FROM problems"), 0);
		else { /* a column that SQL does not show, or bytes between chunks: verify sees them */
			struct hc_block *b;

			cr_assert_eq(hc_capture_load(f.c, which, &b, &err), 0);
			hc_block_check(b, &err);
			hc_block_close(b);
		}
		free(path);
		close_all(&f);
	}
}

Test(sql, reports_the_same_damage_once)
{
	struct fixture f = open_rows(17, 3000, 250);
	uint32_t n;
	const struct hc_capture_block *blocks = hc_capture_blocks(f.c, &n);
	const char *path = hc_capture_segs(f.c, &n)[blocks[3].seg].path;

	flip(f.dir, path, blocks[3].off + 20); /* its header */
	for (unsigned i = 0; i < 3; i++)
		cr_assert_lt(number(f.q, "SELECT count(*) FROM events"), 3000);
	hc_capture_problems(f.c, &n);
	cr_assert_eq(n, 1);
	close_all(&f);
}

/* ---- output ---- */

static char *print(struct hc_query *q, const char *sql, enum hc_query_format format, unsigned width)
{
	struct hc_query_print opts = { .format = format, .width = width };
	struct hc_err err = { 0 };
	char *out;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	begin(q, sql);
	cr_assert_eq(hc_query_print(q, f, &opts, &err), 0, "%s", err.msg);
	fclose(f);
	return out;
}

static void expect_print(struct hc_query *q, const char *sql, enum hc_query_format format, unsigned width,
                         const char *want)
{
	char *got = print(q, sql, format, width);

	cr_assert_str_eq(got, want, "%s:\n%s\ninstead of\n%s", sql, got, want);
	free(got);
}

Test(output, aligns_tables_and_escapes_what_a_terminal_would_obey)
{
	struct fixture f = open_rows(18, 10, 0);

	expect_print(f.q, "SELECT 1 AS n, 'a' AS text UNION ALL SELECT 100, NULL", HC_QUERY_TABLE, 0,
	             "  n  text\n---  ----\n  1  a\n100  \n");
	expect_print(f.q, "SELECT 1 AS n WHERE 0", HC_QUERY_TABLE, 0, "n\n-\n");
	expect_print(
		f.q, "SELECT char(27) || '[31m' AS x, char(10) AS y, char(8238) AS z, char(155) AS c",
		HC_QUERY_TABLE, 0,
		"x         y   z         c\n--------  --  --------  ------\n\\x1b[31m  \\n  \\u{202e}  \\u{9b}\n");
	expect_print(f.q, "SELECT CAST(x'ff41c3' AS TEXT) AS x", HC_QUERY_TABLE, 0, "x\n---------\n\\xffA\\xc3\n");
	expect_print(f.q, "SELECT 'caf' || char(233) AS x, char(26085, 26412) AS y, 'z' AS z", HC_QUERY_TABLE, 0,
	             "x     y     z\n----  ----  -\ncaf\xc3\xa9  \xe6\x97\xa5\xe6\x9c\xac  z\n");
	expect_print(f.q, "SELECT x'00ff' AS b, 1.5 AS r, 2.0 AS s", HC_QUERY_TABLE, 0,
	             "b       r    s\n----  ---  ---\n00ff  1.5  2.0\n");
	expect_print(f.q, "SELECT 'abcdefghijklmnop' AS a, 'abcdefghijklmnop' AS b", HC_QUERY_TABLE, 22,
	             "a           b\n----------  ----------\nabcdefghi\xe2\x80\xa6  abcdefghi\xe2\x80\xa6\n");
	expect_print(f.q, "SELECT at(1) AS time, 'abcdefghijklmnop' AS a", HC_QUERY_TABLE, 30,
	             "time                  a\n--------------------  --------\n1970-01-01T00:00:00\xe2\x80\xa6  "
	             "abcdefg\xe2\x80\xa6\n");
	close_all(&f);
}

Test(output, writes_json_csv_and_markdown)
{
	struct fixture f = open_rows(19, 10, 0);
	static const char sql[] = "SELECT 1 AS n, 'a\"b,c' AS t, NULL AS z, 0.5 AS r, x'01ff' AS b UNION ALL "
				  "SELECT 2, '', 'x|y', 3.0, x''";

	expect_print(f.q, sql, HC_QUERY_JSON, 0,
	             "[\n{\"n\": 1, \"t\": \"a\\\"b,c\", \"z\": null, \"r\": 0.5, \"b\": \"01ff\"},\n"
	             "{\"n\": 2, \"t\": \"\", \"z\": \"x|y\", \"r\": 3.0, \"b\": \"\"}\n]\n");
	expect_print(f.q, sql, HC_QUERY_JSONL, 0,
	             "{\"n\": 1, \"t\": \"a\\\"b,c\", \"z\": null, \"r\": 0.5, \"b\": \"01ff\"}\n"
	             "{\"n\": 2, \"t\": \"\", \"z\": \"x|y\", \"r\": 3.0, \"b\": \"\"}\n");
	expect_print(f.q, sql, HC_QUERY_CSV, 0, "n,t,z,r,b\r\n1,\"a\"\"b,c\",,0.5,01ff\r\n2,\"\",x|y,3.0,\r\n");
	expect_print(f.q, sql, HC_QUERY_MARKDOWN, 0,
	             "| n | t | z | r | b |\n|---|---|---|---|---|\n| 1 | a\"b,c |  | 0.5 | 01ff |\n| 2 |  | "
	             "x\\|y | 3.0 |  |\n");
	expect_print(f.q, "SELECT 1 WHERE 0", HC_QUERY_JSON, 0, "[]\n");
	expect_print(f.q, "SELECT CAST(x'ff41' AS TEXT) || char(7, 155) AS x", HC_QUERY_JSON, 0,
	             "[\n{\"x\": \"\\ufffdA\\u0007\\u009b\"}\n]\n");
	expect_print(f.q, "SELECT char(27) AS x", HC_QUERY_CSV, 0, "x\r\n\x1b\r\n");
	expect_print(f.q, "SELECT char(27) AS x", HC_QUERY_CSV, 80, "x\r\n\\x1b\r\n");
	close_all(&f);
}

Test(output, of_many_rows_begins_before_the_end)
{
	struct fixture f = open_rows(20, 10, 0);
	char *out = print(
		f.q, "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r LIMIT 5000) SELECT i FROM r",
		HC_QUERY_TABLE, 0);
	unsigned lines = 0;

	for (const char *p = out; *p; p++)
		lines += *p == '\n';
	cr_assert_eq(lines, 5002);
	free(out);
	close_all(&f);
}

Test(output, lists_tables_and_their_columns)
{
	char *out;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	cr_assert_eq(hc_query_print_tables(f, NULL), 0);
	cr_assert_eq(hc_query_print_tables(f, "openat"), 0);
	cr_assert_eq(hc_query_print_tables(f, "connections"), 0);
	cr_assert_eq(hc_query_print_tables(f, "nope"), -ENOENT);
	fclose(f);
	cr_assert(strstr(out, "processes"));
	cr_assert(strstr(out, "proc_exec"));
	cr_assert(strstr(out, "pathname"));
	cr_assert(strstr(out, "connections is a view"));
	free(out);
}
