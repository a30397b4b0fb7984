/*
 * SQL over a capture: a private, read-only SQLite connection whose tables are the capture's events and what they
 * refer to (docs/sql.md). Nothing that SQL can say writes, opens files or loads code. One thread.
 */
#ifndef HC_QUERY_QUERY_H
#define HC_QUERY_QUERY_H

#include <stdio.h>

#include "replay/scope.h"
#include "store/capture.h"

struct hc_query;

enum {
	HC_QUERY_NO_PUSHDOWN = 1 << 0, /* SQLite evaluates every constraint itself: to compare with */
};

/* The capture is borrowed until close. Problems that reading meets are in hc_capture_problems(). */
int hc_query_open(struct hc_capture *capture, unsigned flags, struct hc_query **ret, struct hc_err *err);
struct hc_query *hc_query_close(struct hc_query *q);
HC_DEFINE_AUTO(struct hc_query, hc_query_close)

/* Leaves out events before `since` and from `until` on (ns since the epoch; INT64_MIN, INT64_MAX: no limit).
 * Tables of objects, gaps and segments are as they are. Before the first statement. */
void hc_query_limit(struct hc_query *q, int64_t since_wall_ns, int64_t until_wall_ns);

/* Leaves out events of whoever is not in the scope, those of no process among them; other tables are as they are.
 * Borrowed until close. Before the first statement. */
void hc_query_limit_scope(struct hc_query *q, const struct hc_scope *scope);

/* Asked often; true ends the statement with -EINTR. */
void hc_query_set_stop(struct hc_query *q, bool (*stop)(void *ctx), void *ctx);

/*
 * Begins a statement, in place of the one before. `what` names it in errors (the default is "SQL"), which have
 * line and column: -EINVAL for what is not one statement that only reads.
 */
int hc_query_prepare(struct hc_query *q, struct hc_str sql, const char *what, struct hc_err *err);
/* 1 a row, 0 the end; -EINTR, -EINVAL (an error of evaluation), -ENOMEM, -E2BIG. */
int hc_query_step(struct hc_query *q, struct hc_err *err);

enum hc_query_type { HC_QUERY_NULL, HC_QUERY_INTEGER, HC_QUERY_REAL, HC_QUERY_TEXT, HC_QUERY_BLOB };

struct hc_query_cell {
	enum hc_query_type type;
	int64_t i;
	double real;
	struct hc_str s; /* text (any bytes) or blob; until the next step */
};

unsigned hc_query_n_cols(const struct hc_query *q);
const char *hc_query_col_name(const struct hc_query *q, unsigned col);
struct hc_query_cell hc_query_cell(const struct hc_query *q, unsigned col);

/* Blocks read from files so far. */
uint64_t hc_query_n_loads(const struct hc_query *q);

/* ---- output ---- */

enum hc_query_format {
	HC_QUERY_TABLE,
	HC_QUERY_JSON,  /* an array of objects, one on a line */
	HC_QUERY_JSONL, /* objects, one on a line, nothing around them */
	HC_QUERY_CSV,   /* RFC 4180 with a header */
	HC_QUERY_MARKDOWN
};

struct hc_query_print {
	enum hc_query_format format;
	unsigned width;  /* of a terminal: tables are cut to it; 0: nothing is cut */
	bool no_header;  /* table and CSV */
	uint64_t n_rows; /* out */
};

/*
 * Steps through the statement and prints its rows. No byte of a capture reaches a terminal as a control character:
 * tables show it escaped. 0; the errors of hc_query_step (what came before is printed); -errno of writing.
 */
int hc_query_print(struct hc_query *q, FILE *f, struct hc_query_print *opts, struct hc_err *err);

/* Tables, views and their columns, for people: all of them by name, or one with its columns; -ENOENT for an
 * unknown name. */
int hc_query_print_tables(FILE *f, const char *table);

#endif
