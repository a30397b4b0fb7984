/*
 * What the parts of the SQL side share: an opened capture with its blocks in memory, SQL tables as data, values,
 * and scans.
 *
 *   cols.c    which columns a table has, from the event model
 *   leaf.c    the value of a column for a row or a dictionary entry
 *   cap.c     blocks that are loaded now, few at a time
 *   scan.c    rows of all blocks in order of seq, less those that constraints rule out
 *   vtab.c    the same as SQLite virtual tables
 *   lists.c   tables that do not stand in blocks: segments, blocks, problems
 *   objs.c    dictionary entries as tables: processes, containers
 *   func.c    SQL functions; texts that are moments
 */
#ifndef HC_QUERY_SQL_PRIV_H
#define HC_QUERY_SQL_PRIV_H

#include <sqlite3.h>

#include "replay/scope.h"
#include "replay/value.h"
#include "store/capture.h"

/* ---- values ---- */

enum q_type { Q_NULL, Q_INTEGER, Q_TEXT, Q_BLOB };

struct q_val {
	uint8_t type; /* enum q_type */
	int64_t i;
	struct hc_str s; /* of the block, or of the capture's scratch buffer until the next value */
};

/* A growing text; sticky `oom`. */
struct q_buf {
	char *p;
	size_t n, cap;
	bool oom;
};

void hc_q_put(struct q_buf *b, const char *p, size_t n);
void hc_q_put_c(struct q_buf *b, const char *text);
void hc_q_put_int(struct q_buf *b, int64_t v, bool is_signed);
/* As a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void hc_q_put_json(struct q_buf *b, struct hc_str s);
void hc_q_buf_done(struct q_buf *b);

/* ---- an opened capture ---- */

struct q_block {
	uint32_t idx; /* in hc_capture_blocks() */
	unsigned n_refs;
	uint64_t used_at; /* by the capture's tick; the oldest goes first */
	struct hc_block *block;
	struct hc_view *view;
	struct hc_rows rows; /* after hc_q_block_rows */
	bool has_rows;
	const struct hc_capture_block *meta;
	const struct hc_capture_seg *seg;
	char boot[9]; /* first 8 hex digits of the boot id, for guids */
};

enum { Q_MAX_IDLE = 32 };

struct q_obj_list;

struct q_range {
	int64_t lo, hi; /* both inclusive */
};

struct q_cap {
	unsigned n_refs; /* tables and cursors of one connection: no locking */
	struct hc_capture *capture;
	bool owns_capture;
	bool no_pushdown;
	struct q_range limit;         /* of wall times: events outside are not there */
	const struct hc_scope *scope; /* nor are others' than of it; NULL: everybody's are */
	bool (*stop)(void *ctx);      /* asked between blocks; NULL: never */
	void *stop_ctx;
	struct q_block *idle[Q_MAX_IDLE]; /* loaded, used by nobody now */
	unsigned n_idle;
	size_t idle_bytes, max_idle_bytes;
	uint64_t tick;
	uint64_t n_loads;  /* blocks read from the file so far */
	uint8_t *reported; /* bit per block: its damage is in the capture's problems */
	struct q_buf scratch;
	struct q_obj_list *objs[HC_OBJ_END][2]; /* made when first asked for; [1] every version */
	int oom;                                /* a view ran out of memory */
	char path[256];                         /* as opened, for messages */
};

/* Takes the capture when owned. */
struct q_cap *hc_q_cap_new(struct hc_capture *capture, bool owned);
struct q_cap *hc_q_cap_ref(struct q_cap *cap);
struct q_cap *hc_q_cap_unref(struct q_cap *cap);
/* 1 and a reference; 0 for a block that cannot be read (it is listed as a problem); < 0 when nothing more can be
 * done. */
int hc_q_block_get(struct q_cap *cap, uint32_t idx, struct q_block **ret);
/* Reads the list of rows; returns as hc_q_block_get does. */
int hc_q_block_rows(struct q_cap *cap, struct q_block *b);
void hc_q_block_put(struct q_cap *cap, struct q_block *b);

/* ---- tables as data ---- */

enum q_from {
	Q_FROM_ROW,  /* the row list, or computed of the row: `col` is an enum q_row */
	Q_FROM_INT,  /* number column `col` of the row's table */
	Q_FROM_TASK, /* the row's thread */
	Q_FROM_PROC, /* the row's process; after an exec, what it became */
	Q_FROM_REF,  /* what column `col` of the row's table refers to */
	Q_FROM_PATH, /* the type's path argument number `col` */
	Q_FROM_FD, /* number of the descriptor that the call made, else of the type's first descriptor argument */
	Q_FROM_FDOBJ, /* what that descriptor is */
	Q_FROM_SELF,  /* the dictionary entry itself: tables of objects */
	Q_FROM_LIST,  /* column `col` of a table that is no part of blocks, or the extras of a table of objects */
};

enum q_row {
	Q_ROW_SEQ,
	Q_ROW_TIME,
	Q_ROW_TYPE,
	Q_ROW_CLASS,
	Q_ROW_CPU,
	Q_ROW_TS_NS,
	Q_ROW_WALL_NS,
	Q_ROW_BOOT,
	Q_ROW_NODE,
	Q_ROW_STREAM,
	Q_ROW_ERROR,
	Q_ROW_ARGS,
	Q_ROW_TIME_OF, /* arg: number column with ns of the boot clock, as text */
	Q_ROW_TEXT_OF, /* arg: number column by its format, as text */
};

/* How a text stands in the block's heaps, for the Bloom filter. */
enum q_plain { Q_COMPUTED, Q_PLAIN, Q_PLAIN_PATH /* where it begins with a slash */, Q_PLAIN_IP };

/* The value of an entry of a domain; arg is the leaf's own. */
typedef void hc_q_leaf_fn(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                          struct q_val *ret);

struct q_col {
	const char *name;
	const char *decl; /* "INTEGER", "TEXT", "BLOB", or a TEXT with a collation */
	uint8_t from;     /* enum q_from */
	uint8_t plain;    /* enum q_plain */
	bool hidden;      /* not in SELECT * */
	uint16_t col, arg;
	hc_q_leaf_fn *leaf; /* of the entry; NULL for numbers of the row */
};

enum q_kind { Q_KIND_EVENTS, Q_KIND_OBJS, Q_KIND_LIST };

#define Q_MAX_COLS 512

struct q_table {
	const char *name;
	uint8_t kind;  /* enum q_kind */
	uint16_t type; /* event type, 0 for all; object; number of the list */
	bool versions; /* of objects: every version */
	uint32_t n_cols;
	struct q_col *cols;
	uint32_t n_lost;      /* columns without a place or a name of their own: a test sees that there are none */
	struct q_col nowhere; /* where they go */
	struct hc_arena arena; /* names */
};

/* The n-th SQL table; NULL behind the last. Only name, kind and type are set. */
const struct q_table *hc_q_table_at(unsigned n);
const struct q_table *hc_q_table_find(struct hc_str name);
/* With columns; NULL when out of memory. */
struct q_table *hc_q_table_new(const struct q_table *plan);
struct q_table *hc_q_table_free(struct q_table *t);
/* For the tables' own files. */
struct q_col *hc_q_col_add(struct q_table *t, const char *name, const char *decl, enum q_from from, unsigned col,
                           bool hidden);
/* "CREATE TABLE x(...)" for sqlite3_declare_vtab; sqlite3_free() it. */
char *hc_q_table_sql(const struct q_table *t);
/* Columns of an event type's n-th path, first descriptor, object of the descriptor it makes, and what `fd_name`
 * shows; -1 when it has none. */
int hc_q_path_col(unsigned type, unsigned n);
int hc_q_fd_col(unsigned type);
int hc_q_made_col(unsigned type);
int hc_q_fdobj_col(unsigned type);

#define Q_DECL_TIME "TEXT COLLATE hctime"

/* ---- leaves ---- */

/* The short form of an entry: a path's text, a process's pid, a socket's tuple. */
hc_q_leaf_fn hc_q_leaf_main;
hc_q_leaf_fn hc_q_leaf_col;      /* arg: column */
hc_q_leaf_fn hc_q_leaf_col_text; /* arg: number column, by its format */
hc_q_leaf_fn hc_q_leaf_col_time; /* arg: number column with ns of the boot clock or the epoch */
hc_q_leaf_fn hc_q_leaf_hop;      /* arg: Q_HOP(column of a reference, column there) */
hc_q_leaf_fn hc_q_leaf_hop_text;
hc_q_leaf_fn hc_q_leaf_guid;       /* of PROC */
hc_q_leaf_fn hc_q_leaf_hop_guid;   /* arg: column of a reference to PROC */
hc_q_leaf_fn hc_q_leaf_hop2;       /* arg: Q_HOP(column to PROC, column of its image) */
hc_q_leaf_fn hc_q_leaf_exe_file;   /* of PROC; arg: column of the file that runs */
hc_q_leaf_fn hc_q_leaf_cmdline;    /* of PROC */
hc_q_leaf_fn hc_q_leaf_has;        /* 1 */
hc_q_leaf_fn hc_q_leaf_bytes_text; /* of BYTES: printable, other bytes as \xNN */
hc_q_leaf_fn hc_q_leaf_sockaddr;   /* of BYTES; arg: enum */
enum { Q_SOCKADDR_TEXT, Q_SOCKADDR_FAMILY, Q_SOCKADDR_ADDR, Q_SOCKADDR_PORT };
hc_q_leaf_fn hc_q_leaf_json; /* of STRS and INTS */

#define Q_HOP(first, second) ((unsigned)(first) << 8 | (unsigned)(second))
_Static_assert(HC_MAX_COLS <= 256, "a column number fits in a byte of Q_HOP");

/* The value of a column for a row of a block. */
void hc_q_row_value(struct q_cap *cap, const struct q_block *b, uint32_t row, const struct q_col *c,
                    struct q_val *ret);
/* Where a column of a row leads: 0 for absent and for columns that are no entry's. */
uint32_t hc_q_row_entry(const struct q_block *b, uint32_t row, const struct q_col *c, unsigned *ret_dom);

/* ---- scans ---- */

enum q_op { Q_OP_EQ, Q_OP_LT, Q_OP_LE, Q_OP_GT, Q_OP_GE, Q_OP_LIKE, Q_OP_GLOB, Q_OP_ISNULL, Q_OP_NOTNULL };

/* One constraint that the scan looks at itself. A row that it drops, SQLite would have dropped. */
struct q_pred {
	const struct q_col *col;
	uint8_t op;      /* enum q_op */
	struct q_val *v; /* constants of one type; EQ: any of them, sorted; texts are terminated */
	uint32_t n;
};

struct q_filter {
	bool nothing; /* no row can match */
	bool desc;    /* from the last row to the first */
	struct hc_type_set types;
	bool all_types;
	struct q_range seq, wall_ns, ts_ns;
	const int64_t *seqs; /* only these, sorted; NULL: all */
	uint32_t n_seqs;
	struct q_pred *preds;
	uint32_t n_preds;
	struct hc_arena arena; /* of all of it */
};

void hc_q_filter_init(struct q_filter *f, const struct q_table *t);
void hc_q_filter_done(struct q_filter *f);
/* Adds a constraint; v are n constants as SQLite has them (EQ: any of them). What cannot be decided exactly is
 * left out. */
int hc_q_filter_add(struct q_filter *f, const struct q_table *t, unsigned col, enum q_op op, const struct q_val *v,
                    uint32_t n);
/* Whether hc_q_filter_add can do anything with it at all. */
bool hc_q_filter_can(const struct q_table *t, unsigned col, enum q_op op);

struct q_scan;
/* The filter is borrowed until the scan's end. */
int hc_q_scan_open(struct q_cap *cap, const struct q_filter *f, struct q_scan **ret);
struct q_scan *hc_q_scan_close(struct q_scan *s);
/* 1 a row, 0 the end, -EINTR stopped, other < 0 failed. */
int hc_q_scan_next(struct q_scan *s);
const struct q_block *hc_q_scan_block(const struct q_scan *s);
uint32_t hc_q_scan_row(const struct q_scan *s);

/* ---- tables of objects, and lists ---- */

struct q_obj {
	uint64_t key[2];       /* identity */
	uint32_t block, entry; /* the version shown: in hc_capture_blocks(), 1-based */
	int64_t pid;           /* of processes */
	uint64_t start_ns;
	uint64_t version;
	uint32_t n_versions;
	bool is_thread; /* only a deviating thread's version was seen */
	bool has_exit;
	int64_t exit_wall_ns, exit_status, exit_sig;
	char boot[9];
};

struct q_obj_list {
	struct q_obj *v; /* by block and entry */
	uint32_t n;
};

int hc_q_objs_get(struct q_cap *cap, unsigned obj, bool versions, const struct q_obj_list **ret);
void hc_q_objs_done(struct q_cap *cap);
void hc_q_objs_cols(struct q_table *t);
void hc_q_obj_value(struct q_cap *cap, const struct q_block *b, const struct q_obj *o, unsigned obj,
                    const struct q_col *c, struct q_val *ret);

void hc_q_list_cols(struct q_table *t);
uint32_t hc_q_list_rows(struct q_cap *cap, unsigned list);
void hc_q_list_value(struct q_cap *cap, unsigned list, uint32_t row, unsigned col, struct q_val *ret);

/* ---- SQLite ---- */

int hc_q_register_functions(sqlite3 *db);
/* All tables of one capture as eponymous modules: they need no CREATE. */
int hc_q_register_capture(sqlite3 *db, struct q_cap *cap);

/* One table of a capture, for xConnect of a module whose other methods are this one's. */
int hc_q_vtab_connect(sqlite3 *db, struct q_cap *cap, const struct q_table *plan, sqlite3_vtab **ret,
                      char **ret_msg);
extern const sqlite3_module hc_q_module;

/* Views over the tables, for people: name and SELECT, with $ before each table's name; ends with NULL. */
struct q_view {
	const char *name, *sql;
};
extern const struct q_view hc_q_views[];
/* "CREATE VIEW schema.PREFIXname AS ..."; sqlite3_free() it. */
char *hc_q_view_sql(const struct q_view *v, const char *schema, const char *prefix);

/* A text that is a moment, leniently: 2024-05-01, 2024-05-01 12:00, RFC 3339 with or without zone (UTC then). */
bool hc_q_time_parse(struct hc_str s, int64_t *ret_ns);

#endif
