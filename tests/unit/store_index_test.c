/* The index is a cache: it says what the segments say, and whatever happens to it, the segments are read. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen.h"
#include "store/capture.h"
#include "store/index.h"

struct fixture {
	char *dir, *db;
	struct hc_gen_result res;
	struct hc_capture *truth; /* read from the segments */
};

static struct fixture begin(bool index)
{
	struct hc_gen_opts opts = {
		.seed = 21, .n_rows = 3000, .flush_rows = 250, .index = index, .writer.segment_bytes = 100000
	};
	struct fixture f = { .dir = hc_gen_tmpdir() };
	struct hc_err err = { 0 };

	cr_assert_eq(hc_gen_capture(f.dir, &opts, &f.res, &err), 0, "%s", err.msg);
	cr_assert(asprintf(&f.db, "%s/index.db", f.dir) > 0);
	cr_assert_eq(hc_capture_open(f.dir, HC_CAPTURE_NO_INDEX, &f.truth, &err), 0, "%s", err.msg);
	return f;
}

static void end(struct fixture *f)
{
	hc_capture_close(f->truth);
	hc_gen_result_done(&f->res);
	hc_gen_rm(f->dir);
	free(f->dir);
	free(f->db);
}

/* Opens as everybody does, compares all with the truth, and returns whether the index was of use. */
static bool opens_the_same(const struct fixture *f)
{
	const struct hc_capture_totals *a, *b;
	const struct hc_capture_block *x, *y;
	const struct hc_capture_seg *s, *t;
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	uint32_t n, m;
	bool used;

	cr_assert_eq(hc_capture_open(f->dir, 0, &c, &err), 0, "%s", err.msg);
	s = hc_capture_segs(c, &n);
	t = hc_capture_segs(f->truth, &m);
	cr_assert_eq(n, m);
	for (uint32_t i = 0; i < n; i++) {
		cr_assert_str_eq(s[i].path, t[i].path);
		cr_assert_eq(memcmp(&s[i].header, &t[i].header, sizeof(s[i].header)), 0);
		cr_assert_eq(s[i].state, t[i].state);
		cr_assert_eq(s[i].bytes, t[i].bytes);
		cr_assert_eq(s[i].first_block, t[i].first_block);
		cr_assert_eq(s[i].n_blocks, t[i].n_blocks);
		cr_assert_eq(s[i].boot, t[i].boot);
	}
	x = hc_capture_blocks(c, &n);
	y = hc_capture_blocks(f->truth, &m);
	cr_assert_eq(n, m);
	for (uint32_t i = 0; i < n; i++) {
		cr_assert_eq(x[i].seg, y[i].seg);
		cr_assert_eq(x[i].off, y[i].off);
		cr_assert_eq(x[i].info.n_rows, y[i].info.n_rows);
		cr_assert_eq(x[i].info.bytes, y[i].info.bytes);
		cr_assert_eq(x[i].info.first_seq, y[i].info.first_seq);
		cr_assert_eq(x[i].info.last_seq, y[i].info.last_seq);
		cr_assert_eq(x[i].info.first_ns, y[i].info.first_ns);
		cr_assert_eq(x[i].info.last_ns, y[i].info.last_ns);
		cr_assert_eq(x[i].info.wall_offset_ns, y[i].info.wall_offset_ns);
		cr_assert_eq(memcmp(&x[i].info.types, &y[i].info.types, sizeof(x[i].info.types)), 0);
	}
	cr_assert_eq(hc_capture_totals(c, &a, NULL), 0);
	cr_assert_eq(hc_capture_totals(f->truth, &b, NULL), 0);
	cr_assert_eq(a->n_rows, b->n_rows);
	cr_assert_eq(a->n_lost, b->n_lost);
	cr_assert_eq(a->bytes, b->bytes);
	cr_assert_eq(memcmp(a->rows_by_type, b->rows_by_type, sizeof(a->rows_by_type)), 0);
	hc_capture_problems(c, &n);
	cr_assert_eq(n, 0);
	used = hc_capture_index_note(c) == NULL;
	hc_capture_close(c);
	return used;
}

static void ignore(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
}

static int n_differences(const struct fixture *f)
{
	struct hc_err err = { 0 };
	int r = hc_index_check(f->dir, 5, ignore, NULL, &err);

	cr_assert_geq(r, 0, "%s", err.msg);
	return r;
}

static void sql(const struct fixture *f, const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	cr_assert_eq(sqlite3_open(f->db, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, &why), SQLITE_OK, "%s", why);
	sqlite3_close(db);
}

static int64_t sql_int(const struct fixture *f, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	int64_t v;

	cr_assert_eq(sqlite3_open(f->db, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	cr_assert_eq(sqlite3_step(s), SQLITE_ROW);
	v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return v;
}

Test(index, of_the_recorder_equals_one_made_anew)
{
	struct fixture f = begin(true);
	struct hc_index_stats stats;
	struct hc_err err = { 0 };
	struct stat st;

	cr_assert(opens_the_same(&f));
	cr_assert_eq(n_differences(&f), 0);
	cr_assert_eq(hc_index_rebuild(f.dir, &stats, &err), 0, "%s", err.msg);
	cr_assert_gt(stats.n_segments, 4);
	cr_assert_eq(stats.n_unsealed + stats.n_unreadable + stats.n_bad_blocks, 0);
	cr_assert(opens_the_same(&f));
	cr_assert_eq(n_differences(&f), 0);
	cr_assert_eq(stat(f.db, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	end(&f);
}

Test(index, holds_what_the_rows_say)
{
	struct fixture f = begin(true);

	cr_assert_eq(sql_int(&f, "SELECT sum(n_rows) FROM segments"), (int64_t)f.res.n_rows);
	cr_assert_eq(sql_int(&f, "SELECT sum(count) FROM gaps"), (int64_t)f.res.n_lost);
	cr_assert_eq(sql_int(&f, "SELECT count(*) FROM gaps"), (int64_t)f.res.rows_by_type[HC_EV_META_GAP]);
	cr_assert_eq(sql_int(&f, "SELECT count(*) FROM marks"), (int64_t)f.res.rows_by_type[HC_EV_META_MARK]);
	cr_assert_eq(sql_int(&f, "SELECT count(*) FROM alerts"), (int64_t)f.res.rows_by_type[HC_EV_META_ALERT]);
	cr_assert_eq(sql_int(&f, "SELECT n_lost FROM captures"), (int64_t)f.res.n_lost);
	cr_assert_gt(
		sql_int(&f,
	                "SELECT count(DISTINCT pid) FROM processes WHERE comm IS NOT NULL AND exe IS NOT NULL"),
		10);
	cr_assert_gt(sql_int(&f, "SELECT count(DISTINCT id) FROM containers"), 2);
	end(&f);
}

Test(index, that_is_missing_is_said_and_mended)
{
	struct fixture f = begin(true);
	struct hc_index_stats stats;

	unlink(f.db);
	cr_assert_not(opens_the_same(&f));
	cr_assert_eq(hc_index_check(f.dir, 1, ignore, NULL, NULL), -ENOENT);
	cr_assert_eq(hc_index_rebuild(f.dir, &stats, NULL), 0);
	cr_assert(opens_the_same(&f));
	cr_assert_eq(n_differences(&f), 0);
	end(&f);
}

Test(index, of_another_program_is_not_used)
{
	static const char *const changes[] = {
		"PRAGMA user_version=99",
		"PRAGMA application_id=1",
		"CREATE TABLE extra(x)",
		"CREATE TRIGGER t AFTER INSERT ON gaps BEGIN DELETE FROM segments; END",
		"DROP TABLE marks",
		"ALTER TABLE segments ADD COLUMN x",
		"DROP TABLE segments; CREATE VIEW segments AS SELECT 1 AS id",
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct fixture f = begin(true);
		struct hc_index_writer *iw;
		struct hc_err err = { 0 };

		sql(&f, changes[i]);
		cr_assert_not(opens_the_same(&f), "%s", changes[i]);
		/* a recorder that continues makes it anew */
		cr_assert_eq(hc_index_writer_open(f.dir, &iw, &err), 0, "%s: %s", changes[i], err.msg);
		cr_assert_eq(hc_index_writer_close(iw, &err), 0);
		end(&f);
	}
}

Test(index, with_rows_that_lie_is_not_used)
{
	static const char *const changes[] = {
		"UPDATE segments SET n_lost = n_lost + 1 WHERE id = 2",
		"UPDATE segments SET blocks = zeroblob(length(blocks))",
		"UPDATE segments SET blocks = zeroblob(100000000) WHERE id = 1",
		"UPDATE segments SET blocks = 'x' WHERE id = 1",
		"UPDATE segments SET types = x'ff'",
		"UPDATE segments SET path = '../../../etc/passwd' WHERE id = 1",
		"UPDATE segments SET path = 'segments/a' || char(0) || 'b/c/bulk-00000001.hcs' WHERE id = 1",
		"UPDATE segments SET capture = x'00'",
		"UPDATE segments SET stream = 7",
		"UPDATE segments SET number = -1",
		"UPDATE segments SET major = 2",
		"UPDATE segments SET node = printf('%.*c', 5000, 'a')",
		"DELETE FROM segments WHERE id = 1",
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct fixture f = begin(true);

		sql(&f, changes[i]);
		cr_assert_not(opens_the_same(&f), "%s", changes[i]);
		cr_assert_neq(n_differences(&f), 0, "%s", changes[i]);
		end(&f);
	}
}

Test(index, spoiled_anywhere_never_changes_what_is_read, .timeout = 120)
{
	struct fixture f = begin(true);
	struct hc_gen_rng rng = { 8 };
	struct stat st;
	int fd = open(f.db, O_RDWR);
	uint8_t *bytes;

	cr_assert_eq(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	cr_assert_eq(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	for (unsigned i = 0; i < 400; i++) {
		off_t off = (off_t)hc_gen_below(&rng, i < 100 ? 4096 : (uint64_t)st.st_size);
		uint8_t junk[16];
		size_t n = 1 + hc_gen_below(&rng, sizeof(junk));

		for (size_t k = 0; k < n; k++)
			junk[k] = (uint8_t)hc_gen_next(&rng);
		if (off + (off_t)n > st.st_size)
			off = st.st_size - (off_t)n;
		cr_assert_eq(pwrite(fd, junk, n, off), (ssize_t)n);
		opens_the_same(&f);
		cr_assert_eq(pwrite(fd, bytes + off, n, off), (ssize_t)n);
	}
	for (off_t n = st.st_size; n > 0; n -= 1 + (off_t)hc_gen_below(&rng, 2000)) {
		cr_assert_eq(ftruncate(fd, n), 0);
		opens_the_same(&f);
	}
	free(bytes);
	close(fd);
	end(&f);
}

Test(index, of_fewer_segments_than_there_are_is_completed_by_the_segments)
{
	struct fixture f = begin(true);
	struct hc_gen_opts more = { .seed = 22, .n_rows = 500, .writer.next_seq = 3001 };
	struct hc_capture_start s;
	struct hc_gen_result res;
	struct hc_index_writer *iw;
	struct hc_err err = { 0 };
	static const uint8_t boot[16] = { 0xb0, 1, 2, 3, 4, 5, 0x46, 7, 0x88 };

	cr_assert_eq(hc_capture_prepare(f.dir, "gen", boot, &s, &err), 0, "%s", err.msg);
	memcpy(more.writer.next_number, s.next_number, sizeof(s.next_number));
	cr_assert_eq(hc_gen_capture(f.dir, &more, &res, &err), 0, "%s", err.msg);
	close(s.lock_fd);
	hc_capture_close(f.truth);
	cr_assert_eq(hc_capture_open(f.dir, HC_CAPTURE_NO_INDEX, &f.truth, NULL), 0);
	cr_assert_not(opens_the_same(&f));
	cr_assert_neq(n_differences(&f), 0);
	/* a recorder that begins takes in what a crash left out */
	cr_assert_eq(hc_index_writer_open(f.dir, &iw, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_index_writer_close(iw, &err), 0);
	cr_assert(opens_the_same(&f));
	cr_assert_eq(n_differences(&f), 0);
	hc_gen_result_done(&res);
	end(&f);
}

/* A capture of at least n segments, without an index. */
static struct fixture many_without_index(uint32_t n)
{
	struct hc_gen_opts opts = { .seed = 27, .n_rows = 50 * n, .flush_rows = 50, .writer.segment_bytes = 1 };
	struct fixture f = { .dir = hc_gen_tmpdir() };
	struct hc_gen_result res;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_gen_capture(f.dir, &opts, &res, &err), 0, "%s", err.msg);
	hc_gen_result_done(&res);
	cr_assert_eq(hc_capture_open(f.dir, HC_CAPTURE_NO_INDEX, &f.truth, &err), 0, "%s", err.msg);
	return f;
}

Test(index, that_lacks_many_segments_takes_them_in_one_after_the_other)
{
	struct fixture f = many_without_index(40);
	struct hc_index_writer *iw;
	struct hc_err err = { 0 };
	uint32_t n_left, n_steps = 0;

	cr_assert_eq(hc_index_writer_open(f.dir, &iw, &err), 0, "%s", err.msg);
	for (n_left = hc_index_writer_missing(iw); n_left; n_steps++) {
		uint32_t n = hc_index_writer_mend(iw, 0);

		cr_assert_eq(n, n_left - 1);
		n_left = n;
	}
	cr_assert_null(hc_index_writer_failure(iw));
	cr_assert_eq(n_differences(&f), 0, "after %u steps", n_steps);
	cr_assert_eq(hc_index_writer_mend(iw, 0), 0);
	cr_assert_eq(hc_index_writer_close(iw, &err), 0, "%s", err.msg);
	end(&f);
}

Test(index, takes_in_what_it_lacks_also_where_many_segments_have_no_footer)
{
	static const uint8_t footer[] = "no footer";
	struct fixture f = many_without_index(40);
	struct hc_index_writer *iw;
	struct hc_err err = { 0 };
	uint32_t n;
	const struct hc_capture_seg *segs = hc_capture_segs(f.truth, &n);

	for (uint32_t i = 0; i < n; i += 2) {
		char *path;
		int fd;

		cr_assert(asprintf(&path, "%s/%s", f.dir, segs[i].path) > 0);
		fd = open(path, O_WRONLY | O_APPEND);
		cr_assert_eq(write(fd, footer, sizeof(footer)), sizeof(footer));
		close(fd);
		free(path);
	}
	cr_assert_eq(hc_index_writer_open(f.dir, &iw, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_index_writer_close(iw, &err), 0, "%s", err.msg);
	cr_assert_eq(n_differences(&f), 0);
	end(&f);
}

Test(index, opened_while_a_segment_is_written_takes_it_in_at_the_end)
{
	struct fixture f = many_without_index(3);
	struct hc_index_writer *iw;
	struct hc_err err = { 0 };
	uint32_t n;
	const struct hc_capture_seg *seg = &hc_capture_segs(f.truth, &n)[n - 1];
	char *path, byte;
	int fd;

	/* as the recorder's file is before its last bytes are written */
	cr_assert(asprintf(&path, "%s/%s", f.dir, seg->path) > 0);
	fd = open(path, O_RDWR);
	cr_assert_eq(pread(fd, &byte, 1, (off_t)seg->bytes - 1), 1);
	cr_assert_eq(ftruncate(fd, (off_t)seg->bytes - 1), 0);
	cr_assert_eq(hc_index_writer_open(f.dir, &iw, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_index_writer_missing(iw), 0);
	cr_assert_eq(pwrite(fd, &byte, 1, (off_t)seg->bytes - 1), 1);
	cr_assert_neq(n_differences(&f), 0);
	cr_assert_eq(hc_index_writer_close(iw, &err), 0, "%s", err.msg);
	cr_assert_eq(n_differences(&f), 0);
	close(fd);
	free(path);
	end(&f);
}

Test(index, of_more_segments_than_there_are_is_cut)
{
	struct fixture f = begin(true);
	struct hc_index_writer *iw;
	uint32_t n;
	char *path;

	cr_assert(asprintf(&path, "%s/%s", f.dir, hc_capture_segs(f.truth, &n)[0].path) > 0);
	cr_assert_eq(unlink(path), 0);
	hc_capture_close(f.truth);
	cr_assert_eq(hc_capture_open(f.dir, HC_CAPTURE_NO_INDEX, &f.truth, NULL), 0);
	cr_assert(opens_the_same(&f)); /* rows without a file are of no interest */
	cr_assert_neq(n_differences(&f), 0);
	cr_assert_eq(hc_index_writer_open(f.dir, &iw, NULL), 0);
	cr_assert_eq(hc_index_writer_close(iw, NULL), 0);
	cr_assert_eq(n_differences(&f), 0);
	free(path);
	end(&f);
}

Test(index, leaves_out_a_segment_without_footer)
{
	struct hc_gen_opts opts = { .seed = 26,
		                    .n_rows = 1000,
		                    .flush_rows = 100,
		                    .index = true,
		                    .abort = true,
		                    .writer.segment_bytes = 60000 };
	struct fixture f = { .dir = hc_gen_tmpdir() };
	struct hc_index_stats stats;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_gen_capture(f.dir, &opts, &f.res, &err), 0, "%s", err.msg);
	cr_assert(asprintf(&f.db, "%s/index.db", f.dir) > 0);
	cr_assert_eq(hc_capture_open(f.dir, HC_CAPTURE_NO_INDEX, &f.truth, NULL), 0);
	opens_the_same(&f);
	cr_assert_eq(hc_index_rebuild(f.dir, &stats, &err), 0, "%s", err.msg);
	cr_assert_gt(stats.n_segments, 0);
	cr_assert_gt(stats.n_unsealed, 0);
	cr_assert(opens_the_same(&f));
	end(&f);
}

Test(index, is_left_to_a_recorder_that_writes)
{
	static const uint8_t boot[16] = { 1 };
	struct fixture f = begin(true);
	struct hc_capture_start s;
	struct hc_index_stats stats;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_capture_prepare(f.dir, "gen", boot, &s, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_index_rebuild(f.dir, &stats, &err), -EBUSY);
	cr_assert(opens_the_same(&f));
	close(s.lock_fd);
	cr_assert_eq(hc_index_rebuild(f.dir, &stats, NULL), 0);
	end(&f);
}

/* While it writes, the database has a -wal; readers must see the same as the segments say, at every moment. */
static int open_while_writing(void *ctx, const char *seg_path, const struct hc_seg_header *seg,
                              const struct hc_seg_block *block, struct hc_err *err)
{
	struct {
		char *dir;
		struct hc_index_writer *iw;
		unsigned n;
	} *w = ctx;
	struct hc_capture *a, *b;
	uint32_t n, m;

	hc_index_writer_block(w->iw, seg_path, seg, block, err);
	cr_assert_eq(hc_capture_open(w->dir, 0, &a, err), 0);
	cr_assert_eq(hc_capture_open(w->dir, HC_CAPTURE_NO_INDEX, &b, err), 0);
	hc_capture_blocks(a, &n);
	hc_capture_blocks(b, &m);
	cr_assert_eq(n, m);
	cr_assert_eq(n, ++w->n);
	hc_capture_problems(a, &n);
	cr_assert_eq(n, 0);
	hc_capture_close(a);
	hc_capture_close(b);
	return 0;
}

Test(index, may_be_read_while_it_is_written)
{
	struct {
		char *dir;
		struct hc_index_writer *iw;
		unsigned n;
	} w = { .dir = hc_gen_tmpdir() };
	struct hc_gen_opts opts = { .seed = 24,
		                    .n_rows = 2000,
		                    .flush_rows = 100,
		                    .writer.segment_bytes = 30000,
		                    .writer.on_block = open_while_writing,
		                    .writer.ctx = &w };
	struct hc_gen_result res;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_index_writer_open(w.dir, &w.iw, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_gen_capture(w.dir, &opts, &res, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_index_writer_close(w.iw, &err), 0, "%s", err.msg);
	cr_assert_eq(w.n, 40);
	cr_assert_eq(hc_index_check(w.dir, 1, ignore, NULL, &err), 0, "%s", err.msg);
	hc_gen_result_done(&res);
	hc_gen_rm(w.dir);
	free(w.dir);
}
