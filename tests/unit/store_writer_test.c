/* The writer, when somebody removes what it writes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen.h"
#include "mark.h"
#include "store/verify.h"
#include "store/writer.h"

static void say_nothing(void *ctx, const struct hc_verify_finding *f)
{
	(void)ctx;
	(void)f;
}

static void remove_segments(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/segments", dir);
	hc_gen_rm(path);
}

/* Rows of the capture, and whether all that there is of it is whole. */
static uint64_t whole_rows(const char *dir)
{
	struct hc_verify_stats stats = { 0 };
	struct hc_err err = { 0 };

	cr_assert_eq(hc_verify(dir, say_nothing, NULL, &stats, &err), 0, "%s", err.msg);
	return stats.n_damage ? 0 : stats.n_rows;
}

Test(writer, gives_what_it_writes_its_name_again_when_that_is_removed)
{
	char *dir = hc_gen_tmpdir();
	struct hc_writer_opts opts = { .dir = dir, .node = "gen", .tool = "t", .go_on = true };
	struct hc_writer *w;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_writer_open(&opts, &w, &err), 0, "%s", err.msg);
	for (unsigned i = 1; i <= 3; i++) {
		add_mark(w, i);
		cr_assert_eq(hc_writer_flush(w, &err), 0, "%s", err.msg);
		cr_assert_eq(whole_rows(dir), i);
		cr_assert_eq(hc_writer_stats(w)->n_restored, i - 1);
		remove_segments(dir);
	}
	cr_assert_eq(hc_writer_close(w, &err), 0, "%s", err.msg);
	cr_expect_eq(whole_rows(dir), 3, "the footer went where nobody finds it");
	hc_gen_rm(dir);
	free(dir);
}

Test(writer, counts_what_finds_no_directory_and_writes_it_when_that_is_back)
{
	char *dir = hc_gen_tmpdir(), aside[4096];
	struct hc_writer_opts opts = { .dir = dir, .node = "gen", .tool = "t", .go_on = true };
	struct hc_writer *w;
	struct hc_err err = { 0 };

	snprintf(aside, sizeof(aside), "%s.aside", dir);
	cr_assert_eq(hc_writer_open(&opts, &w, &err), 0, "%s", err.msg);
	add_mark(w, 1);
	cr_assert_eq(hc_writer_flush(w, &err), 0, "%s", err.msg);
	remove_segments(dir);
	cr_assert_eq(rename(dir, aside), 0);
	cr_assert_eq(mkdir(dir, 0700), 0); /* another one */
	add_mark(w, 2);
	cr_assert_eq(hc_writer_flush(w, &err), 0, "%s", err.msg);
	cr_expect(hc_writer_drops(w)->failing);
	cr_expect_eq(hc_writer_drops(w)->rows_by_type[HC_EV_META_MARK], 1);
	cr_expect_eq(rmdir(dir), 0, "something was written into it");
	cr_assert_eq(rename(aside, dir), 0);
	add_mark(w, 3);
	cr_assert_eq(hc_writer_flush(w, &err), 0, "%s", err.msg);
	cr_expect_not(hc_writer_drops(w)->failing);
	cr_expect_eq(whole_rows(dir), 2);
	cr_assert_eq(hc_writer_close(w, &err), 0, "%s", err.msg);
	hc_gen_rm(dir);
	free(dir);
}
