/* What an older version wrote: read as it was meant. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "store/capture.h"
#include "store/verify.h"

#define GOLDEN HC_SOURCE_DIR "/tests/data/golden-v1"
#define N_ROWS 240u

struct want {
	char type[64];
	uint64_t hash;
	bool seen;
};

static struct want *read_wants(void)
{
	struct want *w = calloc(N_ROWS + 1, sizeof(*w));
	FILE *f = fopen(GOLDEN "/rows.txt", "r");
	uint64_t seq;
	unsigned n = 0;

	cr_assert_not_null(f);
	while (n < N_ROWS && fscanf(f, "%" SCNu64 " %63s %" SCNx64, &seq, w[n + 1].type, &w[n + 1].hash) == 3)
		cr_assert_eq(seq, ++n);
	cr_assert_eq(n, N_ROWS);
	fclose(f);
	return w;
}

static struct hc_capture *open_golden(void)
{
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	uint32_t n;

	cr_assert_eq(hc_capture_open(GOLDEN, HC_CAPTURE_NO_INDEX, &c, &err), 0, "%s", err.msg);
	hc_capture_problems(c, &n);
	cr_assert_eq(n, 0);
	return c;
}

Test(golden, capture_of_version_1_has_the_rows_it_had)
{
	struct want *want = read_wants();
	struct hc_capture *c = open_golden();
	uint32_t n_blocks, n_seen = 0;

	hc_capture_blocks(c, &n_blocks);
	for (uint32_t i = 0; i < n_blocks; i++) {
		uint64_t hash[N_ROWS];
		struct hc_block *b = NULL;
		struct hc_err err = { 0 };
		struct hc_rows rows;

		cr_assert_eq(hc_capture_load(c, i, &b, &err), 0, "%s", err.msg);
		cr_assert_leq(hc_block_info(b)->n_rows, N_ROWS);
		cr_assert_eq(hc_gen_block_hashes(b, hash, &err), 0, "%s", err.msg);
		cr_assert_eq(hc_block_rows(b, &rows, &err), 0, "%s", err.msg);
		for (uint32_t k = 0; k < rows.n; k++) {
			struct want *w = &want[rows.seq[k]];

			cr_assert(rows.seq[k] >= 1 && rows.seq[k] <= N_ROWS && !w->seen);
			cr_assert_str_eq(hc_event_desc(rows.type[k])->name, w->type);
			cr_assert_eq(hash[k], w->hash, "row %" PRIu64 " (%s) is not what it was", rows.seq[k],
			             w->type);
			w->seen = true;
			n_seen++;
		}
		hc_block_close(b);
	}
	cr_assert_eq(n_seen, N_ROWS);
	hc_capture_close(c);
	free(want);
}

Test(golden, capture_of_version_1_says_where_it_comes_from)
{
	struct hc_capture *c = open_golden();
	const struct hc_capture_totals *t;
	const struct hc_capture_seg *s;
	uint32_t n;

	s = hc_capture_segs(c, &n);
	cr_assert_eq(n, 4);
	for (uint32_t i = 0; i < n; i++) {
		cr_assert_eq(s[i].header.format_major, 1);
		cr_assert_eq(s[i].state, HC_SEG_SEALED);
		cr_assert_str_eq(s[i].header.node, "gen");
		cr_assert_str_eq(s[i].header.tool, "hindcast 0.1.0");
		cr_assert_eq(s[i].header.capture_id[0], 0xc0);
		cr_assert_eq(s[i].header.boot_id[0], 0xb0);
		cr_assert_eq(s[i].header.stream, i < 2 ? HC_STREAM_SECURITY : HC_STREAM_BULK);
		cr_assert_eq(s[i].header.number, i % 2 + 1);
	}
	cr_assert_eq(hc_capture_totals(c, &t, NULL), 0);
	cr_assert_eq(t->n_rows, N_ROWS);
	cr_assert_eq(t->n_lost, 342);
	cr_assert_eq(t->first_wall_ns, INT64_C(1714525200000000000)); /* an hour after 2024-05-01T00:00:00Z */
	hc_capture_close(c);
}

static void never(void *ctx, const struct hc_verify_finding *f)
{
	(void)ctx;
	if (f->kind == HC_VERIFY_DAMAGE)
		cr_assert_fail("%s: %s", f->path ? f->path : "", f->what);
}

Test(golden, capture_of_version_1_is_whole)
{
	struct hc_verify_stats stats;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_verify(GOLDEN, never, NULL, &stats, &err), 0, "%s", err.msg);
	cr_assert_eq(stats.n_rows, N_ROWS);
	cr_assert_eq(stats.n_damage, 0);
}
