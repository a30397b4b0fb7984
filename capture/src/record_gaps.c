/*
 * Rows of what is missing. They are told again when the disk did not take the block that they were in: until they
 * are on disk nothing else in the capture says what was lost.
 */
#include "record_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* One that went with a block: of the same cause, type and CPU there is one row in the end, so there are not many.
 */
static void add_dropped(struct hc_record *r, struct gap_row row)
{
	for (size_t i = 0; i < r->n_gaps_dropped; i++) {
		struct gap_row *g = &r->gaps[i];

		if (g->cpu != row.cpu || !same(g->type, row.type) || !same(g->cause, row.cause))
			continue;
		g->from_ns = row.from_ns < g->from_ns ? row.from_ns : g->from_ns;
		g->until_ns = row.until_ns > g->until_ns ? row.until_ns : g->until_ns;
		g->count += row.count;
		return;
	}
	r->gaps[r->n_gaps_dropped++] = row; /* where it was, or before that */
}

/* All rows that wait are in the block being built, so they are gone when a block with such rows is. */
static void see_drops(struct hc_record *r)
{
	uint64_t n = hc_writer_drops(r->writer)->rows_by_type[HC_EV_META_GAP];

	if (n == r->gap_drops_seen)
		return;
	r->gap_drops_seen = n;
	for (size_t i = r->n_gaps_dropped; i < r->n_gaps; i++)
		add_dropped(r, r->gaps[i]);
	r->n_gaps = r->n_gaps_dropped;
}

static int add(struct hc_record *r, const struct gap_row *row, struct hc_err *err)
{
	struct gap_row *more;
	int code;

	see_drops(r);
	if (r->n_gaps == r->gap_room) {
		more = realloc(r->gaps, (2 * r->gap_room + 64) * sizeof(*more));
		if (!more)
			return hc_err_set(err, -ENOMEM, "out of memory");
		r->gaps = more;
		r->gap_room = 2 * r->gap_room + 64;
	}
	code = meta_gap(r, row, err);
	if (code < 0)
		return code;
	see_drops(r); /* the block before the one that it is in */
	r->gaps[r->n_gaps++] = *row;
	return 0;
}

/* Counts it; what overlaps counts once. */
static void count(struct hc_record *r, const struct gap_row *row)
{
	r->n_gap_rows++;
	if (row->until_ns > r->gap_until_ns) {
		r->gap_ns += row->until_ns - (row->from_ns > r->gap_until_ns ? row->from_ns : r->gap_until_ns);
		r->gap_until_ns = row->until_ns;
	}
}

int gap_tell(struct hc_record *r, uint64_t from, uint64_t until, int cpu, const char *type, uint64_t n,
             const char *cause, struct hc_err *err)
{
	const struct gap_row row = {
		.from_ns = from, .until_ns = until, .count = n, .type = type, .cause = cause, .cpu = cpu
	};

	count(r, &row);
	return add(r, &row, err);
}

void gaps_written(struct hc_record *r)
{
	if (!r->n_gaps)
		return;
	see_drops(r);
	r->n_gaps = r->n_gaps_dropped;
}

bool gaps_on_disk(struct hc_record *r)
{
	return !r->n_gaps;
}

int gaps_again(struct hc_record *r, struct hc_err *err)
{
	HC_AUTO(free) struct gap_row *again = NULL;
	size_t n;
	int code = 0;

	if (!r->n_gaps || hc_writer_drops(r->writer)->failing)
		return 0;
	see_drops(r);
	n = r->n_gaps_dropped;
	if (!n)
		return 0;
	again = calloc(n, sizeof(*again));
	if (!again)
		return hc_err_set(err, -ENOMEM, "out of memory");
	memcpy(again, r->gaps, n * sizeof(*again));
	memmove(r->gaps, r->gaps + n, (r->n_gaps - n) * sizeof(*again));
	r->n_gaps -= n;
	r->n_gaps_dropped = 0;
	for (size_t i = 0; i < n && code >= 0; i++)
		code = add(r, &again[i], err);
	return code;
}

int gaps_dropped(struct hc_record *r, const struct hc_writer_unsealed *dropped, struct hc_err *err)
{
	int code = 0;

	for (unsigned type = 0; type < HC_EV_MAX && code >= 0; type++) {
		struct gap_row row = { .from_ns = dropped->first_ns,
			               .until_ns = dropped->last_ns,
			               .count = dropped->rows_by_type[type],
			               .cause = "block_dropped",
			               .cpu = -1 };

		if (!row.count || type == HC_EV_META_GAP || !hc_event_desc(type))
			continue;
		row.type = hc_event_desc(type)->name;
		count(r, &row);
		code = meta_gap(r, &row, err);
	}
	return code;
}
