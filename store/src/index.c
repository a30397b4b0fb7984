/*
 * The database behind index.h. All reading is done as of a stranger's file: defensive mode, no schema but exactly
 * ours, every number held against the segment it speaks of. All writing goes through one function, segment_insert,
 * so that recorder and reindex cannot differ.
 */
#include "block_priv.h"
#include "capture_priv.h"
#include "index_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/base/clock.h"
#include "store/base/rd.h"

#define APPLICATION_ID 0x48434958 /* "HCIX" */
#define USER_VERSION 1

/* How long missing segments are taken in at a time: while opening, when a recorder's rings fill; and at the end.
 */
#define OPEN_MEND_NS UINT64_C(200000000)
#define CLOSE_MEND_NS UINT64_C(2000000000)

/* The whole schema, in the order and the words that sqlite_schema has it. */
static const struct {
	const char *name, *sql;
} schema[] = {
	{ "segments",
	  "CREATE TABLE segments(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, "
	  "capture BLOB NOT NULL, boot BLOB NOT NULL, node TEXT NOT NULL, stream INTEGER NOT NULL, "
	  "number INTEGER NOT NULL, major INTEGER NOT NULL, minor INTEGER NOT NULL, tool TEXT NOT NULL, "
	  "created_wall_ns INTEGER NOT NULL, created_boot_ns INTEGER NOT NULL, n_rows INTEGER NOT NULL, "
	  "n_lost INTEGER NOT NULL, sum INTEGER NOT NULL, types BLOB NOT NULL, blocks BLOB NOT NULL)" },
	{ "processes",
	  "CREATE TABLE processes(segment INTEGER NOT NULL, pid INTEGER NOT NULL, start_ns INTEGER NOT NULL, "
	  "first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, comm TEXT, exe TEXT, "
	  "PRIMARY KEY(segment, pid, start_ns)) WITHOUT ROWID" },
	{ "containers",
	  "CREATE TABLE containers(segment INTEGER NOT NULL, id TEXT NOT NULL, name TEXT, image TEXT, pod TEXT, "
	  "pod_namespace TEXT, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, "
	  "PRIMARY KEY(segment, id)) WITHOUT ROWID" },
	{ "gaps",
	  "CREATE TABLE gaps(segment INTEGER NOT NULL, seq INTEGER NOT NULL, ts_ns INTEGER NOT NULL, from_ns "
	  "INTEGER, "
	  "until_ns INTEGER, cpu INTEGER, of_type TEXT, count INTEGER, exact INTEGER, bytes INTEGER, cause TEXT, "
	  "PRIMARY KEY(segment, seq)) WITHOUT ROWID" },
	{ "marks",
	  "CREATE TABLE marks(segment INTEGER NOT NULL, seq INTEGER NOT NULL, ts_ns INTEGER NOT NULL, op TEXT, "
	  "id TEXT, name TEXT, by_whom TEXT, note TEXT, from_seq INTEGER, until_seq INTEGER, pinned INTEGER, "
	  "scope TEXT, PRIMARY KEY(segment, seq)) WITHOUT ROWID" },
	{ "alerts",
	  "CREATE TABLE alerts(segment INTEGER NOT NULL, seq INTEGER NOT NULL, ts_ns INTEGER NOT NULL, rule TEXT, "
	  "policy_sha256 TEXT, dialect TEXT, severity TEXT, seqs, output TEXT, origin TEXT, "
	  "PRIMARY KEY(segment, seq)) WITHOUT ROWID" },
	{ "captures",
	  "CREATE VIEW captures AS SELECT capture, node, boot, count(*) AS n_segments, sum(bytes) AS bytes, "
	  "sum(n_rows) AS n_rows, sum(n_lost) AS n_lost, min(created_wall_ns) AS first_created_wall_ns "
	  "FROM segments GROUP BY capture, node, boot" },
};

#define N_SCHEMA (sizeof(schema) / sizeof(schema[0]))

/* What `verify` compares: everything but the ids. */
static const struct {
	const char *what, *sql;
} contents[] = {
	{ "segments",
	  "SELECT path, bytes, capture, boot, node, stream, number, major, minor, tool, created_wall_ns, "
	  "created_boot_ns, n_rows, n_lost, types, blocks FROM segments ORDER BY path" },
	{ "processes", "SELECT path, pid, start_ns, first_seq, last_seq, comm, exe FROM processes "
	               "JOIN segments ON segments.id = segment ORDER BY path, pid, start_ns" },
	{ "containers",
	  "SELECT path, containers.id, name, image, pod, pod_namespace, first_seq, last_seq FROM containers "
	  "JOIN segments ON segments.id = segment ORDER BY path, containers.id" },
	{ "gaps",
	  "SELECT path, seq, ts_ns, from_ns, until_ns, cpu, of_type, count, exact, gaps.bytes, cause FROM gaps "
	  "JOIN segments ON segments.id = segment ORDER BY path, seq" },
	{ "marks", "SELECT path, seq, ts_ns, op, marks.id, name, by_whom, note, from_seq, until_seq, pinned, "
	           "scope FROM marks "
	           "JOIN segments ON segments.id = segment ORDER BY path, seq" },
	{ "alerts",
	  "SELECT path, seq, ts_ns, rule, policy_sha256, dialect, severity, seqs, output, origin FROM alerts "
	  "JOIN segments ON segments.id = segment ORDER BY path, seq" },
};

enum stmt {
	INS_SEGMENT,
	INS_PROCESS,
	INS_CONTAINER,
	INS_GAP,
	INS_MARK,
	INS_ALERT,
	FIND_SEGMENT,
	DEL_FIRST,
	N_STMTS = DEL_FIRST + 6
};

static const char *const stmt_sql[N_STMTS] = {
	[INS_SEGMENT] = "INSERT INTO segments VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[INS_PROCESS] = "INSERT INTO processes VALUES(?,?,?,?,?,?,?)",
	[INS_CONTAINER] = "INSERT INTO containers VALUES(?,?,?,?,?,?,?,?)",
	[INS_GAP] = "INSERT INTO gaps VALUES(?,?,?,?,?,?,?,?,?,?,?)",
	[INS_MARK] = "INSERT INTO marks VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
	[INS_ALERT] = "INSERT INTO alerts VALUES(?,?,?,?,?,?,?,?,?,?)",
	[FIND_SEGMENT] = "SELECT id FROM segments WHERE path = ?",
	[DEL_FIRST] = "DELETE FROM processes WHERE segment = ?",
	[DEL_FIRST + 1] = "DELETE FROM containers WHERE segment = ?",
	[DEL_FIRST + 2] = "DELETE FROM gaps WHERE segment = ?",
	[DEL_FIRST + 3] = "DELETE FROM marks WHERE segment = ?",
	[DEL_FIRST + 4] = "DELETE FROM alerts WHERE segment = ?",
	[DEL_FIRST + 5] = "DELETE FROM segments WHERE id = ?",
};

/* An index open for writing. */
struct db {
	sqlite3 *sql;
	sqlite3_stmt *stmt[N_STMTS];
};

static int sql_error(sqlite3 *sql, int code, struct hc_err *err)
{
	int e = code & 0xff;
	int r = e == SQLITE_FULL                                                   ? -ENOSPC
	        : e == SQLITE_CORRUPT || e == SQLITE_NOTADB                        ? -EBADMSG
	        : e == SQLITE_BUSY || e == SQLITE_LOCKED                           ? -EBUSY
	        : e == SQLITE_NOMEM                                                ? -ENOMEM
	        : e == SQLITE_READONLY || e == SQLITE_PERM || e == SQLITE_CANTOPEN ? -EACCES
	                                                                           : -EIO;

	return hc_err_set(err, r, "%s: %s", HC_INDEX_NAME, sql ? sqlite3_errmsg(sql) : sqlite3_errstr(code));
}

static int exec(sqlite3 *sql, const char *text, struct hc_err *err)
{
	int code = sqlite3_exec(sql, text, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : sql_error(sql, code, err);
}

static void harden(sqlite3 *sql)
{
	sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(sql, SQLITE_LIMIT_LENGTH, 256 << 20);
	sqlite3_limit(sql, SQLITE_LIMIT_ATTACHED, 0);
	exec(sql, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0", NULL);
}

static int64_t pragma(sqlite3 *sql, const char *text)
{
	sqlite3_stmt *s = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(sql, text, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return v;
}

/* 0 when the file is an index of ours and of this version. */
static int check_schema(sqlite3 *sql, struct hc_err *err)
{
	sqlite3_stmt *s = NULL;
	unsigned n = 0;
	int code = sqlite3_prepare_v2(
		sql, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid", -1, &s, NULL);

	if (code != SQLITE_OK)
		return sql_error(sql, code, err);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(s, 0),
			   *text = (const char *)sqlite3_column_text(s, 1);

		if (n >= N_SCHEMA || !name || !text || strcmp(name, schema[n].name) != 0 ||
		    strcmp(text, schema[n].sql) != 0)
			break;
		n++;
	}
	sqlite3_finalize(s);
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		return sql_error(sql, code, err);
	if (code == SQLITE_ROW || n != N_SCHEMA || pragma(sql, "PRAGMA application_id") != APPLICATION_ID ||
	    pragma(sql, "PRAGMA user_version") != USER_VERSION)
		return hc_err_set(err, -EINVAL, "%s is not an index of this program's version", HC_INDEX_NAME);
	return 0;
}

static int create_schema(sqlite3 *sql, struct hc_err *err)
{
	char text[80];
	int r = exec(sql, "BEGIN", err);

	for (unsigned i = 0; r == 0 && i < N_SCHEMA; i++)
		r = exec(sql, schema[i].sql, err);
	snprintf(text, sizeof(text), "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
	         USER_VERSION);
	if (r == 0)
		r = exec(sql, text, err);
	return r == 0 ? exec(sql, "COMMIT", err) : r;
}

static void db_close(struct db *db)
{
	for (unsigned i = 0; i < N_STMTS; i++)
		sqlite3_finalize(db->stmt[i]);
	sqlite3_close(db->sql);
	*db = (struct db){ 0 };
}

static int db_prepare(struct db *db, struct hc_err *err)
{
	for (unsigned i = 0; i < N_STMTS; i++) {
		int code = sqlite3_prepare_v3(db->sql, stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->stmt[i],
		                              NULL);

		if (code != SQLITE_OK)
			return sql_error(db->sql, code, err);
	}
	return 0;
}

/* A new database at path, or in memory. */
static int db_create(const char *path, bool shared, struct db *db, struct hc_err *err)
{
	/* made by us first: with the modes of the segments, which SQLite gives to its other files too */
	int fd = path[0] == ':' ? -1 : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, HC_MODE_FILE);
	int code = sqlite3_open_v2(path, &db->sql,
	                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	int r = code == SQLITE_OK ? 0 : sql_error(db->sql, code, err);

	if (r == 0 && fd >= 0 && shared && fchmod(fd, HC_MODE_FILE_SHARED) < 0)
		r = hc_err_set(err, -errno, "cannot let the group read '%s': %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (r == 0)
		r = create_schema(db->sql, err);
	if (r == 0)
		r = exec(db->sql, "PRAGMA synchronous=OFF; PRAGMA trusted_schema=OFF", err);
	if (r == 0)
		r = db_prepare(db, err);
	if (r < 0)
		db_close(db);
	return r;
}

/* ---- one segment in ---- */

static void bind_str(sqlite3_stmt *s, int i, struct hc_str v)
{
	if (v.p)
		sqlite3_bind_text(s, i, v.p, (int)v.len, SQLITE_STATIC);
	else
		sqlite3_bind_null(s, i);
}

static void bind_u64(sqlite3_stmt *s, int i, uint64_t v)
{
	sqlite3_bind_int64(s, i, (sqlite3_int64)v); /* the same 64 bits */
}

static int step(struct db *db, sqlite3_stmt *s, struct hc_err *err)
{
	int code = sqlite3_step(s);

	sqlite3_reset(s);
	return code == SQLITE_DONE ? 0 : sql_error(db->sql, code, err);
}

static uint8_t *put_u64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, 8);
	return p + 8;
}

static uint8_t *encode_blocks(const struct hc_scan *scan, size_t *ret_bytes)
{
	uint8_t *buf = malloc((size_t)scan->n_blocks * HC_INDEX_BLOCK_BYTES + 1), *p = buf;

	for (uint32_t i = 0; buf && i < scan->n_blocks; i++) {
		const struct hc_seg_block *b = &scan->blocks[i];

		p = put_u64(p, b->off);
		p = put_u64(p, b->info.bytes);
		p = put_u64(p, b->info.first_seq);
		p = put_u64(p, b->info.last_seq);
		p = put_u64(p, b->info.first_ns);
		p = put_u64(p, b->info.last_ns);
		p = put_u64(p, (uint64_t)b->info.wall_offset_ns);
		for (unsigned k = 0; k < HC_EV_WORDS; k++)
			p = put_u64(p, b->info.types.w[k]);
		p = put_u64(p, b->info.n_rows);
	}
	*ret_bytes = (size_t)scan->n_blocks * HC_INDEX_BLOCK_BYTES;
	return buf;
}

bool hc_index_block_parse(const struct hc_index_row *row, uint32_t i, uint64_t *prev_end, uint64_t *prev_seq,
                          struct hc_capture_block *ret)
{
	struct hc_rd rd = hc_rd_init(row->blocks + (size_t)i * HC_INDEX_BLOCK_BYTES, HC_INDEX_BLOCK_BYTES);
	struct hc_capture_block b = { 0 };
	uint64_t n_rows;

	b.off = hc_rd_u64(&rd);
	b.info.bytes = hc_rd_u64(&rd);
	b.info.first_seq = hc_rd_u64(&rd);
	b.info.last_seq = hc_rd_u64(&rd);
	b.info.first_ns = hc_rd_u64(&rd);
	b.info.last_ns = hc_rd_u64(&rd);
	b.info.wall_offset_ns = (int64_t)hc_rd_u64(&rd);
	for (unsigned k = 0; k < HC_EV_WORDS; k++)
		b.info.types.w[k] = hc_rd_u64(&rd);
	n_rows = hc_rd_u64(&rd);
	b.info.stream = row->header.stream;
	b.info.n_rows = (uint32_t)n_rows;
	if (b.off < *prev_end || b.off > row->bytes || b.info.bytes > row->bytes - b.off || b.info.bytes == 0 ||
	    n_rows > HC_BLOCK_MAX_ROWS || b.info.first_seq > b.info.last_seq || b.info.first_ns > b.info.last_ns ||
	    (i && b.info.first_seq <= *prev_seq))
		return false;
	*prev_end = b.off + b.info.bytes;
	*prev_seq = b.info.last_seq;
	*ret = b;
	return true;
}

#define TYPE_COUNT_BYTES 10u

static size_t encode_types(const struct hc_scan *scan, uint8_t *p)
{
	uint8_t *begin = p;

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		if (!scan->rows_by_type[type])
			continue;
		*p++ = (uint8_t)(type & 0xff);
		*p++ = (uint8_t)(type >> 8);
		p = put_u64(p, scan->rows_by_type[type]);
	}
	return (size_t)(p - begin);
}

/* Over all that a reader uses of a row: a page that the disk spoiled must not pass for what a segment holds. */
static uint64_t row_sum(const char *path, uint64_t bytes, const struct hc_seg_header *h, uint64_t n_rows,
                        uint64_t n_lost, const void *types, size_t n_types, const void *blocks, size_t n_blocks)
{
	uint8_t buf[56], *p = buf;
	uint64_t sum;

	p = put_u64(p, bytes);
	p = put_u64(p, (uint64_t)h->stream << 32 | h->number);
	p = put_u64(p, (uint64_t)h->format_major << 32 | h->format_minor);
	p = put_u64(p, (uint64_t)h->created_wall_ns);
	p = put_u64(p, h->created_boot_ns);
	p = put_u64(p, n_rows);
	p = put_u64(p, n_lost);
	sum = XXH3_64bits_withSeed(buf, (size_t)(p - buf), 0);
	sum = XXH3_64bits_withSeed(path, strlen(path), sum);
	sum = XXH3_64bits_withSeed(h->capture_id, 16, sum);
	sum = XXH3_64bits_withSeed(h->boot_id, 16, sum);
	sum = XXH3_64bits_withSeed(h->node, strlen(h->node), sum);
	sum = XXH3_64bits_withSeed(h->tool, strlen(h->tool), sum);
	sum = XXH3_64bits_withSeed(types, n_types, sum);
	return XXH3_64bits_withSeed(blocks, n_blocks, sum);
}

static int insert_meta(struct db *db, int64_t id, const struct hc_scan_meta *m, struct hc_err *err)
{
	sqlite3_stmt *s = db->stmt[m->type == HC_EV_META_GAP    ? INS_GAP
	                           : m->type == HC_EV_META_MARK ? INS_MARK
	                                                        : INS_ALERT];
	unsigned n = (unsigned)sqlite3_bind_parameter_count(s) - 3;

	sqlite3_bind_int64(s, 1, id);
	bind_u64(s, 2, m->seq);
	bind_u64(s, 3, m->ts_ns);
	for (unsigned k = 0; k < n && k < HC_SCAN_MAX_FIELDS; k++) {
		if (!m->valid[k])
			sqlite3_bind_null(s, (int)(4 + k));
		else if (m->is_text[k])
			bind_str(s, (int)(4 + k), m->text[k]);
		else
			sqlite3_bind_int64(s, (int)(4 + k), m->number[k]);
	}
	return step(db, s, err);
}

static int insert_lists(struct db *db, int64_t id, const struct hc_scan *scan, struct hc_err *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < scan->n_procs; i++) {
		const struct hc_scan_proc *p = &scan->procs[i];
		sqlite3_stmt *s = db->stmt[INS_PROCESS];

		sqlite3_bind_int64(s, 1, id);
		sqlite3_bind_int64(s, 2, p->pid);
		bind_u64(s, 3, p->start_ns);
		bind_u64(s, 4, p->first_seq);
		bind_u64(s, 5, p->last_seq);
		bind_str(s, 6, p->comm);
		bind_str(s, 7, p->exe);
		r = step(db, s, err);
	}
	for (uint32_t i = 0; r == 0 && i < scan->n_ctrs; i++) {
		const struct hc_scan_ctr *c = &scan->ctrs[i];
		sqlite3_stmt *s = db->stmt[INS_CONTAINER];

		sqlite3_bind_int64(s, 1, id);
		bind_str(s, 2, c->id);
		bind_str(s, 3, c->name);
		bind_str(s, 4, c->image);
		bind_str(s, 5, c->pod);
		bind_str(s, 6, c->pod_namespace);
		bind_u64(s, 7, c->first_seq);
		bind_u64(s, 8, c->last_seq);
		r = step(db, s, err);
	}
	for (uint32_t i = 0; r == 0 && i < scan->n_metas; i++)
		r = insert_meta(db, id, &scan->metas[i], err);
	return r;
}

/* All rows of one sealed segment; within a transaction of the caller. */
static int segment_insert(struct db *db, const char *path, uint64_t bytes, const struct hc_seg_header *h,
                          const struct hc_scan *scan, struct hc_err *err)
{
	uint8_t types[HC_EV_MAX * TYPE_COUNT_BYTES];
	sqlite3_stmt *s = db->stmt[INS_SEGMENT];
	size_t n_types = encode_types(scan, types), n_blocks;
	uint8_t *blocks = encode_blocks(scan, &n_blocks);
	uint64_t n_rows = 0;
	int r;

	if (!blocks)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < scan->n_blocks; i++)
		n_rows += scan->blocks[i].info.n_rows;
	sqlite3_bind_text(s, 1, path, -1, SQLITE_STATIC);
	bind_u64(s, 2, bytes);
	sqlite3_bind_blob(s, 3, h->capture_id, 16, SQLITE_STATIC);
	sqlite3_bind_blob(s, 4, h->boot_id, 16, SQLITE_STATIC);
	sqlite3_bind_text(s, 5, h->node, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 6, h->stream);
	sqlite3_bind_int64(s, 7, h->number);
	sqlite3_bind_int64(s, 8, h->format_major);
	sqlite3_bind_int64(s, 9, h->format_minor);
	sqlite3_bind_text(s, 10, h->tool, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 11, h->created_wall_ns);
	bind_u64(s, 12, h->created_boot_ns);
	bind_u64(s, 13, n_rows);
	bind_u64(s, 14, scan->n_lost);
	bind_u64(s, 15, row_sum(path, bytes, h, n_rows, scan->n_lost, types, n_types, blocks, n_blocks));
	sqlite3_bind_blob64(s, 16, types, n_types, SQLITE_STATIC);
	sqlite3_bind_blob64(s, 17, blocks, n_blocks, SQLITE_STATIC);
	r = step(db, s, err);
	sqlite3_clear_bindings(s);
	free(blocks);
	return r == 0 ? insert_lists(db, sqlite3_last_insert_rowid(db->sql), scan, err) : r;
}

static int segment_delete(struct db *db, int64_t id, struct hc_err *err)
{
	int r = 0;

	for (unsigned i = DEL_FIRST; r == 0 && i < N_STMTS; i++) {
		sqlite3_bind_int64(db->stmt[i], 1, id);
		r = step(db, db->stmt[i], err);
	}
	return r;
}

/* Reads a segment whole and inserts it when it is sealed: 1 inserted, 0 not sealed or not readable (counted). */
static int segment_index(struct db *db, int root_fd, const struct hc_seg_file *f, struct hc_scan *scan,
                         struct hc_index_stats *stats, struct hc_err *err)
{
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	struct hc_err why = { 0 };
	int fd = hc_open_below(root_fd, f->path, &why), r;

	r = fd < 0 ? fd : hc_seg_load(fd, 0, UINT64_MAX, f->path, &seg, &why);
	if (r == -ENOMEM)
		goto out;
	if (r < 0) {
		stats->n_unreadable++;
		r = 0;
		goto out;
	}
	if (seg->state != HC_SEG_SEALED) {
		stats->n_unsealed++;
		goto out;
	}
	hc_scan_reset(scan);
	for (uint32_t i = 0; r == 0 && i < seg->n_blocks; i++) {
		HC_AUTO(hc_block_close) struct hc_block *b = NULL;

		r = hc_scan_add(scan, &seg->blocks[i]);
		if (r < 0)
			break;
		if (hc_block_open(fd, (off_t)seg->blocks[i].off, f->path, &b, NULL) < 0 ||
		    hc_scan_rows(scan, b, NULL) < 0)
			stats->n_bad_blocks++;
	}
	if (r == 0)
		r = segment_insert(db, f->path, seg->file_bytes, &seg->header, scan, err);
	if (r == 0) {
		stats->n_segments++;
		r = 1;
	}
out:
	if (fd >= 0)
		close(fd);
	return r == -ENOMEM ? hc_err_set(err, r, "out of memory") : r;
}

static int index_all(struct db *db, int root_fd, const struct hc_seg_files *files, struct hc_index_stats *stats,
                     struct hc_err *err)
{
	struct hc_scan scan = { 0 };
	int r = exec(db->sql, "BEGIN", err);

	for (uint32_t i = 0; r >= 0 && i < files->n; i++)
		r = segment_index(db, root_fd, &files->v[i], &scan, stats, err);
	hc_scan_done(&scan);
	return r >= 0 ? exec(db->sql, "COMMIT", err) : r;
}

/* ---- writing beside a recorder ---- */

/* A stream's current segment. */
struct current {
	char path[4096];
	const char *below; /* in path: without the capture's root */
	struct hc_scan scan;
	bool any;
};

struct hc_index_writer {
	char dir[3072];
	int root_fd;
	struct db db;
	struct current cur[HC_N_STREAMS];
	/* Segments that had no rows in the index when it was opened. One that has no footer yet is kept: it may
	 * have one by the end. */
	struct hc_seg_file *missing;
	struct hc_arena arena; /* their paths */
	uint32_t n_missing;
	uint32_t next_missing; /* missing[] up to here was looked at in this pass */
	uint32_t n_unsealed;   /* of these, so many had no footer: they were moved to the front */
	struct hc_scan scan;
	struct hc_err first; /* first failure; nothing is written any more */
};

static void unlink_index(int root_fd, const char *name)
{
	char buf[64];

	unlinkat(root_fd, name, 0);
	snprintf(buf, sizeof(buf), "%s-wal", name);
	unlinkat(root_fd, buf, 0);
	snprintf(buf, sizeof(buf), "%s-shm", name);
	unlinkat(root_fd, buf, 0);
}

static int open_existing(const char *path, struct db *db, struct hc_err *err)
{
	struct stat st;
	int code, r;

	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	code = sqlite3_open_v2(path, &db->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		harden(db->sql);
	r = code == SQLITE_OK ? check_schema(db->sql, err) : sql_error(db->sql, code, err);
	if (r == 0)
		r = db_prepare(db, err);
	if (r < 0)
		db_close(db);
	return r;
}

/* The files that have no rows are listed, those of `have` left out. */
static int list_missing(struct hc_index_writer *iw, const struct hc_seg_files *files, const bool *have)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < files->n; i++)
		n += !have[i];
	iw->missing = calloc(n + 1u, sizeof(*iw->missing));
	if (!iw->missing)
		return -ENOMEM;
	for (uint32_t i = 0; i < files->n; i++) {
		struct hc_str path;

		if (have[i])
			continue;
		path = hc_arena_str(&iw->arena, hc_str_c(files->v[i].path));
		if (!path.p)
			return -ENOMEM;
		iw->missing[iw->n_missing] = files->v[i];
		iw->missing[iw->n_missing++].path = path.p;
	}
	return 0;
}

/* Rows whose file is gone or has another size go; files that have none are listed. */
static int compare(struct hc_index_writer *iw, struct hc_err *err)
{
	struct hc_seg_files files = { 0 };
	bool *have;
	sqlite3_stmt *s = NULL;
	int r = hc_seg_files_scan_dir(iw->root_fd, iw->dir, &files, err);

	have = calloc(files.n + 1u, sizeof(*have));
	if (!have) {
		hc_seg_files_done(&files);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	if (r == 0)
		r = exec(iw->db.sql, "BEGIN", err);
	if (r == 0 && sqlite3_prepare_v2(iw->db.sql, "SELECT id, path, bytes FROM segments ORDER BY path", -1, &s,
	                                 NULL) != SQLITE_OK)
		r = sql_error(iw->db.sql, 0, err);
	for (uint32_t i = 0; r == 0;) {
		int code = sqlite3_step(s);
		const char *path;

		if (code == SQLITE_DONE)
			break;
		if (code != SQLITE_ROW) {
			r = sql_error(iw->db.sql, code, err);
			break;
		}
		path = (const char *)sqlite3_column_text(s, 1);
		while (path && i < files.n && strcmp(files.v[i].path, path) < 0)
			i++;
		if (path && i < files.n && strcmp(files.v[i].path, path) == 0 &&
		    files.v[i].bytes == (uint64_t)sqlite3_column_int64(s, 2))
			have[i] = true;
		else
			r = segment_delete(&iw->db, sqlite3_column_int64(s, 0), err);
	}
	sqlite3_finalize(s);
	if (r >= 0)
		r = exec(iw->db.sql, "COMMIT", err);
	if (r >= 0 && list_missing(iw, &files, have) < 0)
		r = hc_err_set(err, -ENOMEM, "out of memory");
	hc_seg_files_done(&files);
	free(have);
	return r;
}

/* 1 when there are rows of the segment, and its id; 0 none, with the id 0. */
static int segment_find(struct db *db, const char *path, int64_t *ret_id, struct hc_err *err)
{
	sqlite3_stmt *s = db->stmt[FIND_SEGMENT];
	int code;

	sqlite3_bind_text(s, 1, path, -1, SQLITE_STATIC);
	code = sqlite3_step(s);
	*ret_id = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : sql_error(db->sql, code, err);
}

/* Ends a transaction in which `r` came out. */
static int end_transaction(struct db *db, int r, struct hc_err *err)
{
	if (r >= 0)
		r = exec(db->sql, "COMMIT", err);
	if (r < 0)
		exec(db->sql, "ROLLBACK", NULL);
	return r < 0 ? r : 0;
}

static int mend_one(struct hc_index_writer *iw, const struct hc_seg_file *f, struct hc_err *err)
{
	struct hc_index_stats stats = { 0 };
	int64_t id;
	int r = segment_find(&iw->db, f->path, &id, err);

	if (r != 0) /* it was closed, and came in, since it was missed */
		return r < 0 ? r : 0;
	r = exec(iw->db.sql, "BEGIN", err);
	if (r == 0)
		r = end_transaction(&iw->db, segment_index(&iw->db, iw->root_fd, f, &iw->scan, &stats, err), err);
	if (r == 0 && stats.n_unsealed)
		iw->missing[iw->n_unsealed++] = *f;
	return r;
}

static int mend(struct hc_index_writer *iw, uint64_t budget_ns, struct hc_err *err)
{
	uint64_t began = hc_clock_ns(CLOCK_MONOTONIC);
	int r = 0;

	while (r == 0 && iw->next_missing < iw->n_missing) {
		struct hc_seg_file f = iw->missing[iw->next_missing++];

		r = mend_one(iw, &f, err);
		if (hc_clock_ns(CLOCK_MONOTONIC) - began >= budget_ns)
			break;
	}
	if (iw->next_missing == iw->n_missing)
		hc_scan_done(&iw->scan);
	return r;
}

uint32_t hc_index_writer_mend(struct hc_index_writer *iw, uint64_t budget_ns)
{
	if (!iw->first.code && mend(iw, budget_ns, &iw->first) < 0 && !iw->first.code)
		iw->first.code = -EIO;
	return hc_index_writer_missing(iw);
}

uint32_t hc_index_writer_missing(const struct hc_index_writer *iw)
{
	return iw->n_missing - iw->next_missing;
}

int hc_index_writer_open(const char *dir, struct hc_index_writer **ret, struct hc_err *err)
{
	HC_AUTO(hc_index_writer_abort) struct hc_index_writer *iw = calloc(1, sizeof(*iw));
	char path[4096];
	int r;

	if (!iw)
		return hc_err_set(err, -ENOMEM, "out of memory");
	iw->root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (iw->root_fd < 0)
		return hc_err_set(err, -errno, "cannot open the directory '%s': %s", dir, strerror(errno));
	if (snprintf(iw->dir, sizeof(iw->dir), "%s", dir) >= (int)sizeof(iw->dir))
		return hc_err_set(err, -ENAMETOOLONG, "the name of the capture's directory is too long");
	snprintf(path, sizeof(path), "%s/%s", dir, HC_INDEX_NAME);
	r = open_existing(path, &iw->db, NULL);
	if (r == -ENOENT || r == -EINVAL || r == -EBADMSG) {
		unlink_index(iw->root_fd, HC_INDEX_NAME);
		r = db_create(path, hc_dir_shared(dir), &iw->db, err);
	} else if (r < 0) {
		hc_err_set(err, r, "cannot open '%s': %s", path, strerror(-r));
	}
	if (r == 0)
		r = exec(iw->db.sql,
		         "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=2000", err);
	if (r == 0 && faccessat(iw->root_fd, "segments", F_OK, 0) == 0)
		r = compare(iw, err);
	if (r == 0)
		r = mend(iw, OPEN_MEND_NS, err);
	if (r < 0)
		return r;
	*ret = hc_steal(iw);
	return 0;
}

/* A segment that is complete: into the database with it, if its footer is there. */
static int finish_sealed(struct hc_index_writer *iw, struct current *c, const struct hc_seg *seg,
                         struct hc_err *err)
{
	struct hc_seg_file file = { .path = c->below };
	struct hc_index_stats stats = { 0 };
	int64_t id;
	int r = segment_find(&iw->db, c->below, &id, err);

	if (r != 0) /* mending was quicker */
		return r < 0 ? r : 0;
	r = exec(iw->db.sql, "BEGIN", err);
	if (r < 0)
		return r;
	if (seg->n_blocks == c->scan.n_blocks)
		r = segment_insert(&iw->db, c->below, seg->file_bytes, &seg->header, &c->scan, err);
	else /* opened when its first blocks were there already */
		r = segment_index(&iw->db, iw->root_fd, &file, &c->scan, &stats, err);
	return end_transaction(&iw->db, r, err);
}

/* The segment that a stream was in is closed. */
static int finish(struct hc_index_writer *iw, struct current *c, struct hc_err *err)
{
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	int fd, r = 0;

	if (!c->any)
		return 0;
	c->any = false;
	fd = openat(iw->root_fd, c->below, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT) /* of which retention was quicker */
		r = hc_err_set(err, -errno, "cannot open %s: %s", c->path, strerror(errno));
	if (fd >= 0)
		r = hc_seg_load(fd, 0, UINT64_MAX, c->below, &seg, err);
	if (fd >= 0 && r == 0 && seg->state == HC_SEG_SEALED) /* if not, the disk was full */
		r = finish_sealed(iw, c, seg, err);
	if (fd >= 0)
		close(fd);
	hc_scan_reset(&c->scan);
	return r;
}

static int take_block(struct hc_index_writer *iw, const char *seg_path, const struct hc_seg_header *seg,
                      const struct hc_seg_block *block, struct hc_err *err)
{
	HC_AUTO(hc_block_close) struct hc_block *b = NULL;
	struct current *c = &iw->cur[seg->stream];
	size_t root = strlen(iw->dir);
	int r = 0, fd;

	if (c->any && strcmp(c->path, seg_path) != 0)
		r = finish(iw, c, err);
	if (r < 0)
		return r;
	if (!c->any) {
		if (strlen(seg_path) >= sizeof(c->path) || strncmp(seg_path, iw->dir, root) != 0)
			return hc_err_set(err, -EINVAL, "segment '%s' is not in '%s'", seg_path, iw->dir);
		snprintf(c->path, sizeof(c->path), "%s", seg_path);
		c->below = c->path + root + strspn(c->path + root, "/");
		c->any = true;
	}
	r = hc_scan_add(&c->scan, block);
	if (r < 0)
		return hc_err_set(err, r, "out of memory");
	fd = openat(iw->root_fd, c->below, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot open %s: %s", seg_path, strerror(errno));
	r = hc_block_open(fd, (off_t)block->off, c->below, &b, err);
	if (r == 0)
		r = hc_scan_rows(&c->scan, b, err);
	close(fd);
	return r;
}

/* Somebody may have removed it, and what is written then is in no directory. */
static int check_there(const struct hc_index_writer *iw, struct hc_err *err)
{
	int moved = 0;

	(void)sqlite3_file_control(iw->db.sql, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	return moved ? hc_err_set(err, -ENOENT, "'%s/%s' was removed", iw->dir, HC_INDEX_NAME) : 0;
}

int hc_index_writer_block(void *index_writer, const char *seg_path, const struct hc_seg_header *seg,
                          const struct hc_seg_block *block, struct hc_err *err)
{
	struct hc_index_writer *iw = index_writer;

	(void)err; /* the index never stops a recording */
	if (iw->first.code || check_there(iw, &iw->first) < 0)
		return 0;
	if (take_block(iw, seg_path, seg, block, &iw->first) < 0 && !iw->first.code)
		iw->first.code = -EIO;
	return 0;
}

static int remove_segment(struct hc_index_writer *iw, const char *path, struct hc_err *err)
{
	int64_t id;
	int r = segment_find(&iw->db, path, &id, err);

	if (r <= 0)
		return r; /* 0: it never came in: not sealed, or not readable */
	r = exec(iw->db.sql, "BEGIN", err);
	return r == 0 ? end_transaction(&iw->db, segment_delete(&iw->db, id, err), err) : r;
}

void hc_index_writer_remove(struct hc_index_writer *iw, const char *path)
{
	if (!iw->first.code && remove_segment(iw, path, &iw->first) < 0 && !iw->first.code)
		iw->first.code = -EIO;
}

const struct hc_err *hc_index_writer_failure(const struct hc_index_writer *iw)
{
	return iw->first.code ? &iw->first : NULL;
}

/* What was not sealed is missing as before: where it was being written meanwhile, it is sealed now. */
static void look_again(struct hc_index_writer *iw)
{
	uint32_t n_left = iw->n_missing - iw->next_missing;

	if (!iw->missing)
		return;
	memmove(iw->missing + iw->n_unsealed, iw->missing + iw->next_missing, n_left * sizeof(*iw->missing));
	iw->n_missing = iw->n_unsealed + n_left;
	iw->next_missing = iw->n_unsealed = 0;
}

int hc_index_writer_close(struct hc_index_writer *iw, struct hc_err *err)
{
	int r;

	if (!iw)
		return 0;
	for (unsigned i = 0; i < HC_N_STREAMS && !iw->first.code; i++) {
		if (finish(iw, &iw->cur[i], &iw->first) < 0 && !iw->first.code)
			iw->first.code = -EIO;
	}
	look_again(iw);
	hc_index_writer_mend(iw, CLOSE_MEND_NS);
	r = iw->first.code;
	if (r && err && !err->code)
		*err = iw->first;
	hc_index_writer_abort(iw);
	return r;
}

struct hc_index_writer *hc_index_writer_abort(struct hc_index_writer *iw)
{
	if (!iw)
		return NULL;
	db_close(&iw->db);
	for (unsigned i = 0; i < HC_N_STREAMS; i++)
		hc_scan_done(&iw->cur[i].scan);
	hc_scan_done(&iw->scan);
	free(iw->missing);
	hc_arena_done(&iw->arena);
	if (iw->root_fd >= 0)
		close(iw->root_fd);
	free(iw);
	return NULL;
}

/* ---- rebuilding ---- */

int hc_index_rebuild(const char *dir, struct hc_index_stats *ret, struct hc_err *err)
{
	static const char tmp[] = HC_INDEX_NAME ".new";
	struct hc_index_stats stats = { 0 };
	struct hc_seg_files files = { 0 };
	struct db db = { 0 };
	char path[4096];
	int root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (root_fd < 0)
		return hc_err_set(err, -errno, "cannot open the directory '%s': %s", dir, strerror(errno));
	r = hc_dir_lock(root_fd, dir, err);
	if (r < 0) {
		hc_err_note(err, "a recorder keeps the index itself: stop it first");
		goto out;
	}
	if (snprintf(path, sizeof(path), "%s/%s", dir, tmp) >= (int)sizeof(path)) {
		r = hc_err_set(err, -ENAMETOOLONG, "the name of the capture's directory is too long");
		goto out;
	}
	r = hc_seg_files_scan_dir(root_fd, dir, &files, err);
	if (r < 0)
		goto out;
	unlink_index(root_fd, tmp);
	r = db_create(path, hc_dir_shared(dir), &db, err);
	if (r == 0)
		r = index_all(&db, root_fd, &files, &stats, err);
	if (r == 0) /* synced once, before it takes the other's place */
		r = exec(db.sql,
		         "PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL; PRAGMA wal_checkpoint(TRUNCATE)", err);
	db_close(&db);
	if (r == 0) {
		unlink_index(root_fd, HC_INDEX_NAME); /* its -wal must not meet the new file */
		if (renameat(root_fd, tmp, root_fd, HC_INDEX_NAME) < 0)
			r = hc_err_set(err, -errno, "cannot replace '%s/%s': %s", dir, HC_INDEX_NAME,
			               strerror(errno));
	}
	if (r < 0)
		unlink_index(root_fd, tmp);
	else
		*ret = stats;
out:
	hc_seg_files_done(&files);
	close(root_fd);
	return r;
}

/* ---- reading ---- */

/* file: URI of a path; false when it does not fit. */
static bool uri_of(const char *path, const char *query, char *buf, size_t buf_bytes)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = (size_t)snprintf(buf, buf_bytes, "file:%s", path[0] == '/' ? "" : "./");

	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (n + 4 >= buf_bytes)
			return false;
		if (c == '%' || c == '?' || c == '#' || c < 0x20 || c >= 0x7f) {
			buf[n++] = '%';
			buf[n++] = hex[c >> 4];
			buf[n++] = hex[c & 15];
		} else {
			buf[n++] = (char)c;
		}
	}
	return snprintf(buf + n, buf_bytes - n, "?%s", query) < (int)(buf_bytes - n);
}

/* Read-only, also where nothing may be written: without -wal the file is complete and is taken as unchanging. */
static int open_reading(const char *dir, sqlite3 **ret, struct hc_err *err)
{
	char path[4096], uri[3 * 4096 + 64];
	struct stat st;
	sqlite3 *sql = NULL;
	bool has_wal;
	int code, r;

	if (snprintf(path, sizeof(path), "%s/%s-wal", dir, HC_INDEX_NAME) >= (int)sizeof(path))
		return hc_err_set(err, -ENAMETOOLONG, "the path is too long");
	has_wal = lstat(path, &st) == 0 && st.st_size > 0;
	snprintf(path, sizeof(path), "%s/%s", dir, HC_INDEX_NAME);
	if (lstat(path, &st) < 0)
		return hc_err_set(err, -errno, "%s: %s", HC_INDEX_NAME,
		                  errno == ENOENT ? "there is none" : strerror(errno));
	if (!S_ISREG(st.st_mode))
		return hc_err_set(err, -EINVAL, "%s is not a regular file", HC_INDEX_NAME);
	if (!uri_of(path, has_wal ? "mode=ro" : "mode=ro&immutable=1", uri, sizeof(uri)))
		return hc_err_set(err, -ENAMETOOLONG, "the path is too long");
	code = sqlite3_open_v2(uri, &sql, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK) {
		harden(sql);
		sqlite3_busy_timeout(sql, 500);
		r = check_schema(sql, err);
	} else {
		r = sql_error(sql, code, err);
	}
	if (r < 0) {
		sqlite3_close(sql);
		return r;
	}
	*ret = sql;
	return 0;
}

static bool column_text(sqlite3_stmt *s, int i, char *to, size_t room)
{
	const char *p = (const char *)sqlite3_column_text(s, i);
	size_t n = (size_t)sqlite3_column_bytes(s, i);

	if (!p || n >= room || memchr(p, 0, n))
		return false;
	memcpy(to, p, n);
	to[n] = '\0';
	return true;
}

static bool column_id(sqlite3_stmt *s, int i, uint8_t to[16])
{
	const void *p = sqlite3_column_blob(s, i);

	if (!p || sqlite3_column_bytes(s, i) != 16)
		return false;
	memcpy(to, p, 16);
	return true;
}

static bool column_types(sqlite3_stmt *s, int i, struct hc_index_row *row)
{
	const void *p = sqlite3_column_blob(s, i);
	size_t n = (size_t)sqlite3_column_bytes(s, i);
	struct hc_rd rd = hc_rd_init(p, n);

	if (n % TYPE_COUNT_BYTES)
		return false;
	while (hc_rd_left(&rd)) {
		unsigned type = hc_rd_u16(&rd);

		if (type >= HC_EV_MAX)
			return false;
		row->rows_by_type[type] = hc_rd_u64(&rd);
	}
	return true;
}

static bool row_parse(sqlite3_stmt *s, char *path, struct hc_index_row *row)
{
	struct hc_seg_header *h = &row->header;
	int64_t stream, number, major, minor;
	uint8_t path_stream;
	uint32_t path_number;
	int n;

	memset(row, 0, sizeof(*row));
	if (!column_text(s, 0, path, HC_SEG_PATH_MAX) || !hc_seg_path_parse(path, &path_stream, &path_number))
		return false;
	row->path = path;
	row->bytes = (uint64_t)sqlite3_column_int64(s, 1);
	stream = sqlite3_column_int64(s, 5);
	number = sqlite3_column_int64(s, 6);
	major = sqlite3_column_int64(s, 7);
	minor = sqlite3_column_int64(s, 8);
	if (!column_id(s, 2, h->capture_id) || !column_id(s, 3, h->boot_id) ||
	    !column_text(s, 4, h->node, sizeof(h->node)) || !column_text(s, 9, h->tool, sizeof(h->tool)) ||
	    stream < 0 || stream >= HC_N_STREAMS || number < 0 || number > UINT32_MAX ||
	    major != HC_FORMAT_MAJOR || minor < 0 || minor > UINT16_MAX)
		return false;
	h->stream = (uint8_t)stream;
	h->number = (uint32_t)number;
	h->format_major = (uint16_t)major;
	h->format_minor = (uint16_t)minor;
	h->created_wall_ns = sqlite3_column_int64(s, 10);
	h->created_boot_ns = (uint64_t)sqlite3_column_int64(s, 11);
	row->n_rows = (uint64_t)sqlite3_column_int64(s, 15);
	row->n_lost = (uint64_t)sqlite3_column_int64(s, 12);
	if (!column_types(s, 13, row))
		return false;
	row->blocks = sqlite3_column_blob(s, 14);
	n = sqlite3_column_bytes(s, 14);
	if (!hc_sum_fits(row_sum(path, row->bytes, h, row->n_rows, row->n_lost, sqlite3_column_blob(s, 13),
	                         (size_t)sqlite3_column_bytes(s, 13), row->blocks, (size_t)n),
	                 (uint64_t)sqlite3_column_int64(s, 16)))
		return false;
	if (n % (int)HC_INDEX_BLOCK_BYTES)
		return false;
	row->n_blocks = (uint32_t)n / HC_INDEX_BLOCK_BYTES;
	return true;
}

int hc_index_load(const char *dir, int (*each)(void *ctx, const struct hc_index_row *row), void *ctx,
                  struct hc_err *err)
{
	static const char text[] =
		"SELECT path, bytes, capture, boot, node, stream, number, major, minor, tool, "
		"created_wall_ns, created_boot_ns, n_lost, types, blocks, n_rows, sum FROM segments";
	char path[HC_SEG_PATH_MAX];
	struct hc_index_row row;
	sqlite3_stmt *s = NULL;
	uint32_t n = 0;
	sqlite3 *sql = NULL;
	int r = open_reading(dir, &sql, err), code = SQLITE_OK;

	if (r < 0)
		return r;
	code = sqlite3_prepare_v2(sql, text, -1, &s, NULL);
	while (r == 0 && (code == SQLITE_OK || code == SQLITE_ROW)) {
		code = sqlite3_step(s);
		if (code != SQLITE_ROW)
			break;
		if (++n > HC_CAPTURE_MAX_SEGMENTS || !row_parse(s, path, &row))
			r = hc_err_set(err, -EBADMSG, "%s has a row that cannot be", HC_INDEX_NAME);
		else
			r = each(ctx, &row);
	}
	if (r == 0 && code != SQLITE_DONE)
		r = sql_error(sql, code, err);
	sqlite3_finalize(s);
	sqlite3_close(sql);
	return r;
}

/* ---- comparing ---- */

struct diffs {
	unsigned n, max;
	void (*tell)(void *ctx, const char *what);
	void *ctx;
};

static void differ(struct diffs *d, const char *table, sqlite3_stmt *s, const char *what)
{
	const char *path = s ? (const char *)sqlite3_column_text(s, 0) : NULL;
	char text[512];

	if (d->n++ >= d->max)
		return;
	snprintf(text, sizeof(text), "%s: table %s, %.300s: %s", HC_INDEX_NAME, table, path ? path : "?", what);
	d->tell(d->ctx, text);
}

static bool same_value(sqlite3_stmt *a, sqlite3_stmt *b, int i)
{
	int type = sqlite3_column_type(a, i), n;

	if (type != sqlite3_column_type(b, i))
		return false;
	if (type == SQLITE_NULL)
		return true;
	if (type == SQLITE_INTEGER)
		return sqlite3_column_int64(a, i) == sqlite3_column_int64(b, i);
	n = sqlite3_column_bytes(a, i);
	return n == sqlite3_column_bytes(b, i) &&
	       (n == 0 || memcmp(sqlite3_column_blob(a, i), sqlite3_column_blob(b, i), (size_t)n) == 0);
}

static int compare_table(sqlite3 *have, sqlite3 *want, unsigned which, struct diffs *d, struct hc_err *err)
{
	const char *table = contents[which].what;
	sqlite3_stmt *a = NULL, *b = NULL;
	int x = SQLITE_ROW, y = SQLITE_ROW, r = 0, n;

	if (sqlite3_prepare_v2(have, contents[which].sql, -1, &a, NULL) != SQLITE_OK)
		r = sql_error(have, sqlite3_errcode(have), err);
	else if (sqlite3_prepare_v2(want, contents[which].sql, -1, &b, NULL) != SQLITE_OK)
		r = sql_error(want, sqlite3_errcode(want), err);
	while (r == 0) {
		x = sqlite3_step(a);
		y = sqlite3_step(b);
		if (x != SQLITE_ROW || y != SQLITE_ROW)
			break;
		n = sqlite3_column_count(a);
		for (int i = 0; i < n; i++) {
			if (same_value(a, b, i))
				continue;
			differ(d, table, b, i == 0 ? "a row is missing or too many" : sqlite3_column_name(b, i));
			if (i == 0) {
				x = y = SQLITE_DONE; /* what follows would differ in any case */
				break;
			}
		}
		if (x == SQLITE_DONE)
			break;
	}
	if (r == 0 && (x != SQLITE_ROW && x != SQLITE_DONE))
		r = sql_error(have, x, err);
	else if (r == 0 && x == SQLITE_ROW && y == SQLITE_DONE)
		differ(d, table, a, "the segments do not have this row");
	else if (r == 0 && y == SQLITE_ROW && x == SQLITE_DONE)
		differ(d, table, b, "the index lacks this row");
	sqlite3_finalize(a);
	sqlite3_finalize(b);
	return r;
}

int hc_index_check(const char *dir, unsigned max, void (*tell)(void *ctx, const char *what), void *ctx,
                   struct hc_err *err)
{
	struct diffs d = { .max = max, .tell = tell, .ctx = ctx };
	struct hc_index_stats stats = { 0 };
	struct hc_seg_files files = { 0 };
	struct db want = { 0 };
	sqlite3 *have = NULL;
	int root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = root_fd < 0 ? hc_err_set(err, -errno, "cannot open the directory '%s': %s", dir, strerror(errno))
	                    : 0;

	if (r == 0)
		r = open_reading(dir, &have, err);
	if (r == 0)
		r = hc_seg_files_scan_dir(root_fd, dir, &files, err);
	if (r == 0)
		r = db_create(":memory:", false, &want, err);
	if (r == 0)
		r = index_all(&want, root_fd, &files, &stats, err);
	for (unsigned i = 0; r == 0 && i < sizeof(contents) / sizeof(contents[0]); i++)
		r = compare_table(have, want.sql, i, &d, err);
	db_close(&want);
	sqlite3_close(have);
	hc_seg_files_done(&files);
	if (root_fd >= 0)
		close(root_fd);
	return r < 0 ? r : (int)d.n;
}
