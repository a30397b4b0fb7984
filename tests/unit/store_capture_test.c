/* Captures as written, cut, flipped and continued: what is whole is read, what is not is said. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen.h"
#include "store/capture.h"
#include "store/index.h"

/* Reads all rows of a capture and compares each with what was written. Returns the number of rows; blocks that cannot be read
 * become problems. */
static uint64_t compare(struct hc_capture *c, const struct hc_gen_result *want)
{
	struct hc_block_filter all = { 0 };
	uint32_t *v, n;
	uint64_t n_rows = 0;

	cr_assert_eq(hc_capture_select(c, &all, &v, &n, NULL), 0);
	for (uint32_t i = 0; i < n; i++) {
		struct hc_block *b = NULL;
		struct hc_err err = { 0 };
		struct hc_rows rows;
		uint64_t *hash;
		int r = hc_capture_load(c, v[i], &b, &err);

		if (r == 0) {
			hash = calloc(hc_block_info(b)->n_rows + 1, sizeof(*hash));
			r = hc_gen_block_hashes(b, hash, &err);
			if (r == 0) {
				cr_assert_eq(hc_block_rows(b, &rows, NULL), 0);
				for (uint32_t k = 0; k < rows.n; k++) {
					cr_assert(rows.seq[k] >= want->first_seq && rows.seq[k] < want->first_seq + want->n_rows);
					cr_assert_eq(hash[k], want->hash[rows.seq[k] - want->first_seq], "row %llu differs",
					             (unsigned long long)rows.seq[k]);
				}
				n_rows += rows.n;
			}
			free(hash);
		}
		if (r < 0) {
			cr_assert_eq(r, -EBADMSG, "%s", err.msg);
			hc_capture_add_problem(c, v[i], &err);
		}
		hc_block_close(b);
	}
	free(v);
	return n_rows;
}

static struct hc_capture *open_ok(const char *path, unsigned flags)
{
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_capture_open(path, flags, &c, &err), 0, "%s", err.msg);
	return c;
}

static uint32_t n_problems(const struct hc_capture *c)
{
	uint32_t n;

	hc_capture_problems(c, &n);
	return n;
}

static char *make(const struct hc_gen_opts *opts, struct hc_gen_result *res)
{
	char *dir = hc_gen_tmpdir();
	struct hc_err err = { 0 };

	cr_assert_eq(hc_gen_capture(dir, opts, res, &err), 0, "%s", err.msg);
	return dir;
}

static void done(char *dir, struct hc_gen_result *res)
{
	hc_gen_rm(dir);
	free(dir);
	hc_gen_result_done(res);
}

Test(capture, gives_back_every_row_of_every_type)
{
	struct hc_gen_opts opts = { .seed = 1, .n_rows = 6000, .flush_rows = 1500 };
	struct hc_gen_result res;
	char *dir = make(&opts, &res);
	struct hc_capture *c = open_ok(dir, HC_CAPTURE_NO_INDEX);
	const struct hc_capture_totals *t;

	cr_assert_eq(n_problems(c), 0);
	cr_assert_eq(compare(c, &res), res.n_rows);
	cr_assert_eq(hc_capture_totals(c, &t, NULL), 0);
	cr_assert_eq(t->n_rows, res.n_rows);
	cr_assert_eq(t->first_seq, res.first_seq);
	cr_assert_eq(t->last_seq, res.first_seq + res.n_rows - 1);
	cr_assert_eq(t->n_lost, res.n_lost);
	cr_assert_eq(memcmp(t->rows_by_type, res.rows_by_type, sizeof(res.rows_by_type)), 0);
	cr_assert(t->bytes >= res.bytes); /* footers come after the account */
	hc_capture_close(c);
	done(dir, &res);
}
