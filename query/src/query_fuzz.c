/* Any bytes as a segment, read through every column of every table: it ends, and the tables of types agree with
 * `events`. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sql_priv.h"

#define MAX_TABLES 512
#define MAX_ROWS 200 /* of one table that are looked at closely */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t touch(const struct q_val *v)
{
	uint64_t sum = (uint64_t)v->i;

	if (v->type == Q_TEXT || v->type == Q_BLOB)
		for (uint32_t i = 0; i < v->s.len; i++)
			sum += (uint8_t)v->s.p[i];
	return sum;
}

/* The number of rows of an event table; all values of the first. */
static uint64_t read_events(struct q_cap *cap, const struct q_table *t, uint64_t *sum)
{
	struct q_filter f;
	struct q_scan *s = NULL;
	uint64_t n = 0;

	hc_q_filter_init(&f, t);
	if (hc_q_scan_open(cap, &f, &s) < 0)
		abort();
	while (hc_q_scan_next(s) > 0) {
		const struct q_block *b = hc_q_scan_block(s);
		uint32_t row = hc_q_scan_row(s);

		if (row >= b->rows.n || (t->type && b->rows.type[row] != t->type))
			abort();
		for (uint32_t i = 0; i < t->n_cols && n < MAX_ROWS; i++) {
			struct q_val v;

			hc_q_row_value(cap, b, row, &t->cols[i], &v);
			*sum += touch(&v);
		}
		n++;
	}
	hc_q_scan_close(s);
	hc_q_filter_done(&f);
	return n;
}

static void read_objs(struct q_cap *cap, const struct q_table *t, uint64_t *sum)
{
	const struct q_obj_list *list;

	if (hc_q_objs_get(cap, t->type, t->versions, &list) < 0)
		return;
	for (uint32_t k = 0; k < list->n && k < MAX_ROWS; k++) {
		struct q_block *b = NULL;

		if (hc_q_block_get(cap, list->v[k].block, &b) <= 0)
			b = NULL;
		for (uint32_t i = 0; i < t->n_cols; i++) {
			struct q_val v;

			hc_q_obj_value(cap, b, &list->v[k], t->type, &t->cols[i], &v);
			*sum += touch(&v);
		}
		hc_q_block_put(cap, b);
	}
}

static void read_list(struct q_cap *cap, const struct q_table *t, uint64_t *sum)
{
	uint32_t n = hc_q_list_rows(cap, t->type);

	for (uint32_t row = 0; row < n && row < MAX_ROWS; row++)
		for (uint32_t i = 0; i < t->n_cols; i++) {
			struct q_val v;

			hc_q_list_value(cap, t->type, row, i, &v);
			*sum += touch(&v);
		}
}

static void read_all(struct q_cap *cap)
{
	static struct q_table *tables[MAX_TABLES]; /* made once: they do not depend on the input */
	uint64_t sum = 0, all = 0, typed = 0;

	for (unsigned i = 0; i < MAX_TABLES && hc_q_table_at(i); i++) {
		const struct q_table *t;

		if (!tables[i])
			tables[i] = hc_q_table_new(hc_q_table_at(i));
		t = tables[i];
		if (!t)
			abort();
		if (t->kind == Q_KIND_OBJS)
			read_objs(cap, t, &sum);
		else if (t->kind == Q_KIND_LIST)
			read_list(cap, t, &sum);
		else if (t->type)
			typed += read_events(cap, t, &sum);
		else
			all = read_events(cap, t, &sum);
	}
	if (typed > all)
		abort(); /* fewer are possible: a type of a newer version has no table */
	if (sum == UINT64_MAX)
		abort(); /* keeps the loops */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hc_capture *c = NULL;
	struct q_cap *cap;
	uint64_t n_left_out;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/hc-query-fuzz-%d.hcs", (int)getpid());
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || size > (1u << 20) || write(fd, data, size) != (ssize_t)size) {
		if (fd >= 0)
			close(fd);
		unlink(path);
		return 0;
	}
	close(fd);
	if (hc_capture_open(path, HC_CAPTURE_NO_INDEX, &c, NULL) == 0) {
		(void)hc_capture_backfill(c, true, &n_left_out, NULL); /* or is read as it is */
		cap = hc_q_cap_new(c, true);
		if (!cap)
			abort();
		read_all(cap);
		hc_q_cap_unref(cap);
	}
	unlink(path);
	return 0;
}
