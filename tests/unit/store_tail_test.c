/* Following a capture that grows: every block once, in an order that can be relied on, whatever the writer does.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gen.h"
#include "mark.h"
#include "grow.h"
#include "store/tail.h"

static const uint8_t boot1[16] = { 1 }, boot2[16] = { 2 };
static const char boot1_dir[] = "segments/gen/01000000-0000-0000-0000-000000000000";

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Two boots of several segments a stream, and where the growing copy lies. */
struct scene {
	char *from, *to;
	struct hc_gen_result boots[2];
	struct hc_grow *grow;
	struct hc_capture *c;
	struct hc_tail *tail;
	/* what has come */
	uint64_t n_rows, n_blocks, complete_seq, last_seq[HC_N_STREAMS], began_ns;
	bool boot_ended;
};

static void make(struct scene *s, unsigned n_boots)
{
	struct hc_gen_opts opts = { .seed = 3, .n_rows = 3000, .flush_rows = 150 };
	struct hc_err err = { 0 };

	*s = (struct scene){ .from = hc_gen_tmpdir() };
	cr_assert(asprintf(&s->to, "%s-to", s->from) > 0);
	opts.writer.segment_bytes = 60000;
	memcpy(opts.writer.boot_id, boot1, 16);
	for (unsigned i = 0; i < n_boots; i++) {
		cr_assert_eq(hc_gen_capture(s->from, &opts, &s->boots[i], &err), 0, "%s", err.msg);
		memcpy(opts.writer.boot_id, boot2, 16);
		opts.writer.next_seq = 3001;
		opts.seed++;
	}
	s->grow = hc_grow_new(s->from, s->to, 99);
}

static void open_tail(struct scene *s)
{
	struct hc_block_filter all = { 0 };
	struct hc_err err = { 0 };

	cr_assert_eq(hc_capture_open(s->to, 0, &s->c, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_tail_open(s->c, &all, &s->tail, &err), 0, "%s", err.msg);
	s->began_ns = now_ns();
}

static void done(struct scene *s)
{
	hc_tail_close(s->tail);
	hc_capture_close(s->c);
	hc_gen_rm(s->from);
	hc_gen_rm(s->to);
	free(s->from);
	free(s->to);
	hc_gen_result_done(&s->boots[0]);
	hc_gen_result_done(&s->boots[1]);
}

static uint32_t n_problems(const struct scene *s)
{
	uint32_t n;

	hc_capture_problems(s->c, &n);
	return n;
}

static void check_rows(struct scene *s, struct hc_block *b)
{
	uint64_t *hash = calloc(hc_block_info(b)->n_rows + 1, sizeof(*hash));
	struct hc_rows rows;

	cr_assert_eq(hc_gen_block_hashes(b, hash, NULL), 0);
	cr_assert_eq(hc_block_rows(b, &rows, NULL), 0);
	for (uint32_t i = 0; i < rows.n; i++) {
		const struct hc_gen_result *boot = &s->boots[rows.seq[i] > 3000];

		cr_assert_eq(hash[i], boot->hash[rows.seq[i] - boot->first_seq]);
	}
	free(hash);
}

/* Takes what is there now; the last enum hc_tail_what. */
static int take(struct scene *s)
{
	struct hc_tail_block *b;
	uint64_t complete_seq;
	struct hc_err err = { 0 };
	int what;

	while ((what = hc_tail_next(s->tail, &b, &complete_seq, &err)) == HC_TAIL_BLOCK) {
		HC_AUTO(hc_block_close) struct hc_block *block = NULL;

		cr_assert_gt(b->info.first_seq, s->last_seq[b->info.stream]);
		/* unless the machine was too busy: then holes were forgiven */
		if (!s->boot_ended && now_ns() - s->began_ns < HC_TAIL_WAIT_NS / 2)
			cr_assert_gt(b->info.first_seq, s->complete_seq);
		s->boot_ended = complete_seq == UINT64_MAX;
		s->last_seq[b->info.stream] = b->info.last_seq;
		s->complete_seq = complete_seq;
		cr_assert_eq(hc_tail_load(s->tail, b, &block, &err), 0, "%s", err.msg);
		check_rows(s, block);
		s->n_rows += b->info.n_rows;
		s->n_blocks++;
		hc_tail_block_free(b);
	}
	cr_assert_geq(what, 0, "%s", err.msg);
	s->complete_seq = complete_seq;
	s->boot_ended = complete_seq == UINT64_MAX;
	return what;
}

/* Until so many rows have come. */
static void take_until(struct scene *s, uint64_t n_rows)
{
	for (unsigned i = 0; i < 3000 && s->n_rows < n_rows; i++) {
		cr_assert_eq(take(s), HC_TAIL_IDLE);
		usleep(10000);
	}
	cr_assert_eq(s->n_rows, n_rows);
}

static int take_all(struct scene *s)
{
	int what = HC_TAIL_IDLE;

	for (unsigned i = 0; i < 3000 && what != HC_TAIL_END; i++) {
		what = take(s);
		if (what == HC_TAIL_IDLE)
			usleep(10000);
	}
	return what;
}

Test(tail, gives_every_row_once_whatever_the_pieces_that_are_written)
{
	struct scene s;
	unsigned n = 0;

	make(&s, 2);
	open_tail(&s); /* the directory is all that there is yet */
	cr_assert_eq(take(&s), HC_TAIL_IDLE);
	while (hc_grow_step(s.grow, 60000)) {
		cr_assert_eq(take(&s), HC_TAIL_IDLE);
		if (n++ % 4 == 0)
			usleep(10000);
	}
	take_until(&s, 6000);
	cr_assert_eq(n_problems(&s), 0);
	hc_grow_end(s.grow);
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	cr_assert_eq(s.complete_seq, UINT64_MAX);
	cr_assert_eq(s.n_rows, 6000);
	cr_assert_eq(n_problems(&s), 0);
	done(&s);
}

Test(tail, goes_on_where_the_capture_stood_when_it_was_opened)
{
	struct scene s;
	uint64_t before;

	make(&s, 2);
	for (unsigned i = 0; i < 40; i++)
		hc_grow_step(s.grow, 60000);
	open_tail(&s);
	take(&s);
	before = s.n_rows;
	cr_assert(before > 100 && before < 6000, "%lu", before);
	while (hc_grow_step(s.grow, 300000))
		;
	hc_grow_end(s.grow);
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	cr_assert_eq(s.n_rows, 6000);
	cr_assert_eq(n_problems(&s), 0);
	done(&s);
}

Test(tail, of_a_capture_that_nobody_writes_is_all_of_it)
{
	struct scene s;

	make(&s, 1);
	while (hc_grow_step(s.grow, 1000000))
		;
	hc_grow_end(s.grow);
	open_tail(&s);
	cr_assert_eq(take(&s), HC_TAIL_END);
	cr_assert_eq(s.n_rows, 3000);
	done(&s);
}

Test(tail, torn_by_the_end_of_the_writer_is_a_problem_then)
{
	struct scene s;
	uint64_t n_rows;

	make(&s, 1);
	hc_grow_segment(s.grow, HC_STREAM_BULK);
	open_tail(&s);
	for (unsigned i = 0; i < 25; i++) { /* of the first byte on, and never at a block's end for long */
		hc_grow_step(s.grow, 3000);
		take(&s);
	}
	usleep(120000);
	take(&s);
	n_rows = s.n_rows;
	cr_assert_eq(n_problems(&s), 0);
	hc_grow_end(s.grow);
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	cr_assert_eq(s.n_rows, n_rows);
	cr_assert_geq(n_problems(&s), 1);
	done(&s);
}

Test(tail, torn_before_the_next_segment_is_a_problem_and_reading_goes_on)
{
	struct hc_capture_problem problem;
	struct scene s;
	char path[4096];
	struct stat st;
	uint32_t n;

	make(&s, 1);
	hc_grow_segment(s.grow, HC_STREAM_SECURITY);
	snprintf(path, sizeof(path), "%s/%s/security-00000001.hcs", s.to, boot1_dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(truncate(path, st.st_size * 2 / 3), 0);
	open_tail(&s);
	take(&s);
	cr_assert_eq(n_problems(&s), 0);
	while (hc_grow_step(s.grow, 1000000)) /* as a recorder that was killed and started again */
		;
	for (unsigned i = 0; i < 3000 && !n_problems(&s); i++) {
		take(&s);
		usleep(10000);
	}
	cr_assert_eq(n_problems(&s), 1);
	problem = hc_capture_problems(s.c, &n)[0];
	cr_assert(strstr(problem.path, "security-00000001"), "%s", problem.path);
	cr_assert_gt(problem.bytes, 0, "%s", problem.what);
	hc_grow_end(s.grow);
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	cr_assert_gt(s.n_rows, 2000);
	cr_assert_eq(n_problems(&s), 1);
	done(&s);
}

Test(tail, torn_in_a_boot_before_is_a_problem_at_once)
{
	struct scene s;
	char path[4096];
	struct stat st;

	make(&s, 2);
	while (hc_grow_segment(s.grow, HC_STREAM_SECURITY) || hc_grow_segment(s.grow, HC_STREAM_BULK))
		;
	snprintf(path, sizeof(path), "%s/%s/bulk-00000001.hcs", s.to, boot1_dir);
	for (unsigned i = 2; i < 100; i++) { /* the last one of the stream */
		char next[4096];

		snprintf(next, sizeof(next), "%s/%s/bulk-%08u.hcs", s.to, boot1_dir, i);
		if (stat(next, &st) < 0)
			break;
		memcpy(path, next, sizeof(path));
	}
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(truncate(path, st.st_size * 2 / 3), 0);
	hc_grow_step(s.grow, 20000); /* the second boot */
	hc_grow_step(s.grow, 20000);
	open_tail(&s);
	cr_assert_eq(n_problems(&s), 1);
	while (hc_grow_step(s.grow, 300000))
		;
	hc_grow_end(s.grow);
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	cr_assert_gt(s.n_rows, 5500);
	cr_assert_eq(n_problems(&s), 1);
	done(&s);
}

static void remove_segment(const struct scene *s, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s/%s", s->to, boot1_dir, name);
	cr_assert_eq(unlink(path), 0, "%s", path);
}

/* The writer may go on with it: nobody will see that. */
Test(tail, says_which_segment_was_removed_while_it_was_written)
{
	char path[4096];
	struct scene s;
	struct stat st;
	uint32_t n;

	make(&s, 1);
	hc_grow_segment(s.grow, HC_STREAM_SECURITY);
	snprintf(path, sizeof(path), "%s/%s/security-00000002.hcs", s.to, boot1_dir);
	while (stat(path, &st) < 0 || st.st_size < 5000)
		cr_assert(hc_grow_step(s.grow, 3000));
	open_tail(&s);
	take(&s);
	cr_assert_eq(n_problems(&s), 0);
	remove_segment(&s, "security-00000002.hcs");
	for (unsigned i = 0; i < 3000 && !n_problems(&s); i++) {
		cr_assert_eq(take(&s), HC_TAIL_IDLE);
		usleep(10000);
	}
	cr_assert_eq(n_problems(&s), 1);
	cr_assert_str_eq(hc_capture_problems(s.c, &n)[0].what, "was removed while it was written");
	usleep(100000); /* the next look at the directories */
	cr_assert_eq(take(&s), HC_TAIL_IDLE);
	cr_assert_eq(n_problems(&s), 1, "it is said once");
	hc_grow_end(s.grow);
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	done(&s);
}

static void copy_file(const char *from, const char *to)
{
	static uint8_t buf[1 << 20];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n = read(in, buf, sizeof(buf));

	cr_assert(n > 0 && n < (ssize_t)sizeof(buf) && write(out, buf, (size_t)n) == n);
	close(in);
	close(out);
}

/* A recorder whose segment is removed writes it anew under its name, when it has something to write. */
Test(tail, goes_on_with_a_segment_that_was_removed_and_written_anew)
{
	char path[4096], saved[4100];
	uint64_t n_rows;
	struct scene s;
	struct stat st;

	make(&s, 1);
	hc_grow_segment(s.grow, HC_STREAM_SECURITY);
	snprintf(path, sizeof(path), "%s/%s/security-00000002.hcs", s.to, boot1_dir);
	snprintf(saved, sizeof(saved), "%s.new", path);
	while (stat(path, &st) < 0 || st.st_size < 5000)
		cr_assert(hc_grow_step(s.grow, 3000));
	open_tail(&s);
	for (unsigned i = 0; i < 3; i++) { /* removed and back before, and after, anybody looked */
		take(&s);
		copy_file(path, saved);
		cr_assert_eq(unlink(path), 0);
		if (i)
			cr_assert_eq(take(&s), HC_TAIL_IDLE);
		cr_assert_eq(rename(saved, path), 0);
		n_rows = s.n_rows;
		while (s.n_rows == n_rows) {
			cr_assert(hc_grow_step(s.grow, 3000));
			take(&s);
		}
	}
	while (hc_grow_step(s.grow, 1000000))
		;
	hc_grow_end(s.grow);
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	cr_assert_eq(s.n_rows, 3000);
	cr_assert_eq(n_problems(&s), 0);
	done(&s);
}

Test(tail, says_which_segments_were_removed_before_they_were_read)
{
	struct hc_tail_block *b;
	struct hc_block *block = NULL;
	uint64_t complete_seq;
	struct hc_err err = { 0 };
	struct scene s;
	uint32_t n;

	make(&s, 1);
	hc_grow_segment(s.grow, HC_STREAM_SECURITY);
	open_tail(&s);
	remove_segment(&s, "security-00000001.hcs"); /* of what was there */
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(hc_tail_next(s.tail, &b, &complete_seq, &err), HC_TAIL_BLOCK);
		err = (struct hc_err){ 0 };
		cr_assert_eq(hc_tail_load(s.tail, b, &block, &err), -EBADMSG);
		hc_tail_add_problem(s.tail, b, &err);
		hc_tail_block_free(b);
	}
	cr_assert_eq(n_problems(&s), 1, "for all its blocks together");
	hc_tail_close(s.tail);
	hc_capture_close(s.c);

	hc_grow_segment(s.grow, HC_STREAM_SECURITY);
	hc_grow_segment(s.grow, HC_STREAM_BULK);
	open_tail(&s);
	take(&s);
	hc_grow_segment(s.grow, HC_STREAM_SECURITY);
	remove_segment(&s, "security-00000003.hcs"); /* never seen */
	hc_grow_segment(s.grow, HC_STREAM_SECURITY);
	for (unsigned i = 0; i < 3000 && !n_problems(&s); i++) {
		take(&s);
		usleep(10000);
	}
	cr_assert_eq(n_problems(&s), 1);
	cr_assert(strstr(hc_capture_problems(s.c, &n)[0].what, "removed before it was read"));
	while (hc_grow_step(s.grow, 1000000))
		;
	hc_grow_end(s.grow);
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	cr_assert_eq(n_problems(&s), 1);
	done(&s);
}

Test(tail, waits_for_rows_of_the_other_stream_but_not_for_ever)
{
	struct scene s;
	unsigned i;

	make(&s, 1);
	while (hc_grow_segment(s.grow, HC_STREAM_SECURITY))
		;
	open_tail(&s);
	cr_assert_eq(take(&s), HC_TAIL_IDLE);
	if (now_ns() - s.began_ns < HC_TAIL_WAIT_NS / 2)
		cr_assert_lt(s.complete_seq, s.last_seq[HC_STREAM_SECURITY]);
	for (i = 0; i < 3000 && s.complete_seq < s.last_seq[HC_STREAM_SECURITY]; i++) {
		cr_assert_eq(take(&s), HC_TAIL_IDLE);
		usleep(20000);
	}
	cr_assert_eq(s.complete_seq, s.last_seq[HC_STREAM_SECURITY]);
	cr_assert_lt(s.complete_seq, UINT64_MAX);
	hc_grow_end(s.grow);
	done(&s);
}

Test(tail, ends_by_itself_when_the_time_asked_for_is_past)
{
	struct hc_block_filter filter = { .has_until = true };
	const struct hc_capture_totals *totals;
	struct hc_err err = { 0 };
	struct scene s;

	make(&s, 1);
	for (unsigned i = 0; i < HC_N_STREAMS; i++)
		hc_grow_segment(s.grow, i);
	cr_assert_eq(hc_capture_open(s.to, 0, &s.c, &err), 0);
	cr_assert_eq(hc_capture_totals(s.c, &totals, &err), 0);
	filter.until_wall_ns = (totals->first_wall_ns + totals->last_wall_ns) / 2;
	cr_assert_eq(hc_tail_open(s.c, &filter, &s.tail, &err), 0);
	s.began_ns = now_ns();
	cr_assert_eq(take_all(&s), HC_TAIL_END);
	cr_assert(s.n_rows > 0 && s.n_rows < totals->n_rows, "%lu", s.n_rows);
	hc_grow_end(s.grow);
	done(&s);
}

Test(tail, is_of_a_directory)
{
	struct hc_block_filter all = { 0 };
	struct hc_capture *c;
	struct hc_tail *tail;
	struct hc_err err = { 0 };
	struct scene s;
	char path[4096];

	make(&s, 1);
	hc_grow_segment(s.grow, HC_STREAM_SECURITY);
	snprintf(path, sizeof(path), "%s/%s/security-00000001.hcs", s.to, boot1_dir);
	cr_assert_eq(hc_capture_open(path, 0, &c, &err), 0);
	cr_assert_eq(hc_tail_open(c, &all, &tail, &err), -EINVAL);
	cr_assert(strstr(err.msg, "single segment"), "%s", err.msg);
	hc_capture_close(c);
	hc_grow_end(s.grow);
	done(&s);
}

/* ---- the writer's side ---- */

static unsigned blocks_after(struct hc_writer *w, uint64_t *now, uint64_t ns)
{
	uint64_t before = hc_writer_stats(w)->n_blocks;
	struct hc_err err = { 0 };

	*now += ns;
	cr_assert_eq(hc_writer_tick(w, *now, &err), 0, "%s", err.msg);
	return (unsigned)(hc_writer_stats(w)->n_blocks - before);
}

Test(writer, does_not_keep_quiet_blocks_back_while_somebody_follows)
{
	char *dir = hc_gen_tmpdir();
	struct hc_writer_opts opts = {
		.dir = dir, .node = "gen", .tool = "t", .next_seq = 1, .next_number = { 1, 1 }
	};
	struct hc_block_filter all = { 0 };
	uint64_t now = UINT64_C(3600000000000);
	struct hc_writer *w;
	struct hc_capture *c;
	struct hc_tail *tail;
	struct hc_err err = { 0 };
	int lock = open(dir, O_RDONLY | O_DIRECTORY);

	cr_assert_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
	cr_assert_eq(hc_writer_open(&opts, &w, &err), 0, "%s", err.msg);
	add_mark(w, now);
	cr_assert_eq(blocks_after(w, &now, UINT64_C(2000000000)), 0);
	cr_assert_eq(hc_capture_open(dir, 0, &c, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_tail_open(c, &all, &tail, &err), 0, "%s", err.msg);
	cr_assert_eq(blocks_after(w, &now, UINT64_C(300000000)), 1);
	add_mark(w, now);
	cr_assert_eq(blocks_after(w, &now, UINT64_C(900000000)), 0);
	cr_assert_eq(blocks_after(w, &now, UINT64_C(200000000)), 1);
	hc_tail_close(tail); /* as when its process ends */
	hc_capture_close(c);
	add_mark(w, now);
	cr_assert_eq(blocks_after(w, &now, UINT64_C(2000000000)), 0);
	cr_assert_eq(blocks_after(w, &now, UINT64_C(9000000000)), 1);
	cr_assert_eq(hc_writer_close(w, &err), 0);
	close(lock);
	hc_gen_rm(dir);
	free(dir);
}
