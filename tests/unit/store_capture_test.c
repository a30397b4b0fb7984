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
#include "store/verify.h"

/* Reads all rows of a capture and compares each with what was written. Returns the number of rows; blocks that
 * cannot be read become problems. */
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
					cr_assert(rows.seq[k] >= want->first_seq &&
					          rows.seq[k] < want->first_seq + want->n_rows);
					cr_assert_eq(hash[k], want->hash[rows.seq[k] - want->first_seq],
					             "row %llu differs", (unsigned long long)rows.seq[k]);
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

/* ---- files as they come out of accidents ---- */

/* The only segment of a stream, as bytes. */
static uint8_t *slurp(const char *path, size_t *ret_bytes)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf;
	long n;

	cr_assert_not_null(f, "%s", path);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	buf = malloc((size_t)n);
	cr_assert_eq(fread(buf, 1, (size_t)n, f), (size_t)n);
	fclose(f);
	*ret_bytes = (size_t)n;
	return buf;
}

static void spew(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	cr_assert_not_null(f, "%s", path);
	cr_assert_eq(fwrite(p, 1, n, f), n);
	fclose(f);
}

static const char boot_dir[] = "segments/gen/b0010203-0405-4607-8800-000000000000";

static char *seg_path(const char *dir, const char *name)
{
	char *path;

	cr_assert(asprintf(&path, "%s/%s/%s", dir, boot_dir, name) > 0);
	return path;
}

/* Few small types, so that a segment is small enough to be cut at every length. */
static struct hc_gen_opts small_opts(void)
{
	struct hc_gen_opts opts = { .seed = 7, .n_rows = 24, .flush_rows = 8 };

	hc_type_set_add(&opts.types, HC_EV_META_GAP);
	hc_type_set_add(&opts.types, HC_EV_META_MARK);
	return opts;
}

static uint64_t rows_of(struct hc_capture *c)
{
	const struct hc_capture_block *b;
	uint64_t n_rows = 0;
	uint32_t n;

	b = hc_capture_blocks(c, &n);
	for (uint32_t i = 0; i < n; i++)
		n_rows += b[i].info.n_rows;
	return n_rows;
}

Test(capture, cut_at_any_length_gives_what_is_before_the_cut)
{
	struct hc_gen_opts opts = small_opts();
	struct hc_gen_result res;
	char *dir = make(&opts, &res), *path = seg_path(dir, "security-00000001.hcs");
	uint64_t last_rows = res.n_rows;
	struct hc_capture *c;
	size_t n;

	free(slurp(path, &n));
	while (n-- > 0) {
		struct hc_err err = { 0 };
		uint64_t n_rows;
		int r;

		cr_assert_eq(truncate(path, (off_t)n), 0);
		r = hc_capture_open(path, 0, &c, &err);
		if (r < 0) {
			cr_assert_eq(r, -EBADMSG, "at %zu bytes: %s", n, err.msg);
			cr_assert_lt(n, 160, "the header is there, but nothing is read at %zu bytes: %s", n,
			             err.msg);
			continue;
		}
		n_rows = rows_of(c);
		cr_assert_leq(n_rows, last_rows, "at %zu bytes", n);
		if (n_rows < last_rows || n % 37 == 0)
			cr_assert_eq(compare(c, &res), n_rows, "at %zu bytes", n);
		/* between blocks the file looks as if it was being written; anywhere else something was lost and
		 * is said */
		if (n_problems(c) == 0) {
			uint32_t n_segs;

			cr_assert_eq(hc_capture_segs(c, &n_segs)[0].state, HC_SEG_OPEN, "at %zu bytes", n);
		}
		last_rows = n_rows;
		hc_capture_close(c);
	}
	cr_assert_eq(last_rows, 0);
	free(path);
	done(dir, &res);
}

static void count_finding(void *ctx, const struct hc_verify_finding *f)
{
	(void)f;
	++*(unsigned *)ctx;
}

/* A bit of every fourth byte, from the given one on: all four parts together take minutes on a busy machine. */
static void flip_bits(size_t first)
{
	struct hc_gen_opts opts = small_opts();
	struct hc_gen_result res;
	char *dir = make(&opts, &res), *path = seg_path(dir, "security-00000001.hcs");
	struct hc_gen_rng rng = { 3 + first };
	unsigned n_findings = 0;
	size_t n;
	uint8_t *bytes = slurp(path, &n);
	int fd = open(path, O_RDWR);

	for (size_t i = first; i < n; i += 4) {
		uint8_t flipped = bytes[i] ^ (uint8_t)(1u << hc_gen_below(&rng, 8));
		struct hc_verify_stats stats = { 0 };
		struct hc_err err = { 0 };
		struct hc_capture *c;
		int r;

		cr_assert_eq(pwrite(fd, &flipped, 1, (off_t)i), 1);
		r = hc_verify(path, count_finding, &n_findings, &stats, &err);
		if (r == 0)
			cr_assert_neq(stats.n_damage, 0, "nobody saw the flipped bit in byte %zu", i);
		else
			cr_assert(r == -EBADMSG || r == -ENOTSUP || r == -EINVAL, "byte %zu: %s", i, err.msg);
		if (i % 11 == 0 && hc_capture_open(path, 0, &c, NULL) == 0) {
			compare(c, &res); /* what is read is what was written */
			hc_capture_close(c);
		}
		cr_assert_eq(pwrite(fd, &bytes[i], 1, (off_t)i), 1);
	}
	close(fd);
	free(bytes);
	free(path);
	done(dir, &res);
}

Test(capture, names_every_flipped_bit_of_every_fourth_byte, .timeout = 120)
{
	flip_bits(0);
}

Test(capture, names_every_flipped_bit_one_byte_further, .timeout = 120)
{
	flip_bits(1);
}

Test(capture, names_every_flipped_bit_two_bytes_further, .timeout = 120)
{
	flip_bits(2);
}

Test(capture, names_every_flipped_bit_three_bytes_further, .timeout = 120)
{
	flip_bits(3);
}

Test(capture, passes_over_a_damaged_block_and_reads_the_rest)
{
	struct hc_gen_opts opts = { .seed = 9, .n_rows = 3000, .flush_rows = 300 };
	struct hc_gen_result res;
	char *dir = make(&opts, &res), *path = seg_path(dir, "security-00000001.hcs");
	struct hc_capture *c = open_ok(dir, HC_CAPTURE_NO_INDEX);
	const struct hc_capture_block *b;
	uint64_t want, off;
	uint32_t n, which = 0;
	int fd;

	b = hc_capture_blocks(c, &n);
	while (b[which].info.stream != HC_STREAM_SECURITY)
		which++;
	which += 3;
	off = b[which].off + b[which].info.bytes - 20; /* in its last chunk */
	want = res.n_rows - b[which].info.n_rows;
	hc_capture_close(c);
	fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "\xff\x00\xff", 3, (off_t)off), 3);
	close(fd);
	c = open_ok(dir, HC_CAPTURE_NO_INDEX);
	cr_assert_eq(compare(c, &res), want);
	cr_assert_eq(n_problems(c), 1);
	cr_assert_str_eq(hc_capture_problems(c, &n)[0].path + strlen(boot_dir) + 1, "security-00000001.hcs");
	hc_capture_close(c);
	free(path);
	done(dir, &res);
}

Test(capture, loses_only_the_blocks_being_built_when_the_writer_is_killed)
{
	struct hc_gen_opts opts = { .seed = 11, .n_rows = 1050, .flush_rows = 100, .abort = true };
	struct hc_gen_result res;
	char *dir = make(&opts, &res);
	struct hc_capture *c = open_ok(dir, 0);

	cr_assert_eq(compare(c, &res), 1000);
	cr_assert_eq(n_problems(c), 0);
	hc_capture_close(c);
	done(dir, &res);
}

/* ---- what is no capture ---- */

Test(capture, refuses_what_is_none)
{
	char *dir = hc_gen_tmpdir(), *path;
	struct hc_capture *c;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_capture_open(dir, 0, &c, &err), -ENOENT);
	cr_assert(strstr(err.msg, "segments"), "%s", err.msg);
	cr_assert(asprintf(&path, "%s/x", dir) > 0);
	cr_assert_eq(hc_capture_open(path, 0, &c, NULL), -ENOENT);
	spew(path, "hello", 5);
	cr_assert_eq(hc_capture_open(path, 0, &c, NULL), -EINVAL);
	spew(path, "", 0);
	cr_assert_eq(hc_capture_open(path, 0, &c, NULL), -EBADMSG);
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(hc_capture_open(path, 0, &c, NULL), -EINVAL); /* and does not wait for a writer */
	free(path);
	hc_gen_rm(dir);
	free(dir);
}

Test(capture, does_not_follow_or_wait_for_strange_files_among_segments)
{
	struct hc_gen_opts opts = { .seed = 2, .n_rows = 50 };
	struct hc_gen_result res;
	char *dir = make(&opts, &res), *fifo = seg_path(dir, "security-00000002.hcs"),
	     *link = seg_path(dir, "security-00000003.hcs");
	struct hc_capture *c;

	cr_assert_eq(mkfifo(fifo, 0600), 0);
	cr_assert_eq(symlink("/dev/zero", link), 0);
	c = open_ok(dir, 0);
	cr_assert_eq(compare(c, &res), 50);
	cr_assert_eq(n_problems(c), 2);
	hc_capture_close(c);
	free(fifo);
	free(link);
	done(dir, &res);
}

Test(capture, of_a_newer_format_is_named)
{
	struct hc_gen_opts opts = small_opts();
	struct hc_gen_result res;
	char *dir = make(&opts, &res), *path = seg_path(dir, "security-00000001.hcs");
	struct hc_capture *c;
	struct hc_err err = { 0 };
	uint8_t major = 2;
	int fd = open(path, O_WRONLY);

	cr_assert_eq(pwrite(fd, &major, 1, 12), 1);
	close(fd);
	cr_assert_lt(hc_capture_open(path, 0, &c, &err), 0);
	cr_assert(strstr(err.msg, "newer hindcast"), "%s", err.msg);
	free(path);
	done(dir, &res);
}

/* ---- several segments, boots, continuation ---- */

Test(capture, is_continued_after_its_last_row_by_the_same_node_only)
{
	static const uint8_t boot1[16] = { 1 }, boot2[16] = { 2 };
	struct hc_gen_opts opts = { .seed = 4, .n_rows = 400, .flush_rows = 100 };
	struct hc_gen_result a, b;
	struct hc_capture_start s, other;
	char *dir = hc_gen_tmpdir(), *junk;
	struct hc_err err = { 0 };
	struct hc_capture *c;
	const struct hc_capture_seg *segs;
	uint32_t n;

	cr_assert_eq(hc_capture_prepare(dir, "gen", boot1, &s, &err), 0, "%s", err.msg);
	cr_assert_not(s.continues);
	cr_assert_eq(s.next_seq, 1);
	cr_assert_eq(hc_capture_prepare(dir, "gen", boot1, &other, NULL), -EBUSY);
	close(s.lock_fd);

	memcpy(opts.writer.capture_id, s.capture_id, 16);
	memcpy(opts.writer.boot_id, boot1, 16);
	cr_assert_eq(hc_gen_capture(dir, &opts, &a, &err), 0, "%s", err.msg);

	cr_assert_eq(hc_capture_prepare(dir, "gen", boot1, &other, &err), 0, "%s", err.msg);
	cr_assert(other.continues);
	cr_assert_eq(other.next_seq, 401);
	cr_assert_eq(other.next_number[HC_STREAM_SECURITY], 2);
	cr_assert_eq(other.next_number[HC_STREAM_BULK], 2);
	cr_assert_eq(memcmp(other.capture_id, s.capture_id, 16), 0);
	close(other.lock_fd);

	/* the next boot has a clock that was set back by a year: its rows still come after */
	cr_assert_eq(hc_capture_prepare(dir, "gen", boot2, &other, &err), 0, "%s", err.msg);
	cr_assert_eq(other.next_number[HC_STREAM_SECURITY], 1);
	close(other.lock_fd);
	memcpy(opts.writer.boot_id, boot2, 16);
	opts.writer.next_seq = other.next_seq;
	opts.wall_offset_ns = INT64_C(1682985600000000000);
	cr_assert_eq(hc_gen_capture(dir, &opts, &b, &err), 0, "%s", err.msg);
	c = open_ok(dir, 0);
	cr_assert_eq(rows_of(c), 800);
	segs = hc_capture_segs(c, &n);
	cr_assert_eq(n, 4);
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(segs[i].header.boot_id[0], i < 2 ? 1 : 2);
	hc_capture_close(c);

	cr_assert_eq(hc_capture_prepare(dir, "other", boot1, &other, &err), -ENOTEMPTY);
	cr_assert(asprintf(&junk, "%s/letter.txt", dir) > 0);
	spew(junk, "x", 1);
	cr_assert_eq(hc_capture_prepare(dir, "gen", boot1, &other, NULL), -ENOTEMPTY);
	free(junk);
	hc_gen_result_done(&b);
	done(dir, &a);
}

Test(capture, selects_blocks_by_time_and_type)
{
	struct hc_gen_opts opts = { .seed = 5, .n_rows = 4000, .flush_rows = 200, .step_ns = 10000000 };
	struct hc_gen_result res;
	char *dir = make(&opts, &res);
	struct hc_capture *c = open_ok(dir, 0);
	struct hc_block_filter f = { .has_since = true, .has_until = true, .has_types = true };
	const struct hc_capture_block *b;
	const struct hc_capture_totals *t;
	uint32_t *v, n, n_all;
	uint64_t last = 0;

	hc_type_set_add(&f.types, HC_EV_OPENAT);
	cr_assert_eq(hc_capture_totals(c, &t, NULL), 0);
	f.since_wall_ns = t->first_wall_ns + (t->last_wall_ns - t->first_wall_ns) / 4;
	f.until_wall_ns = t->first_wall_ns + (t->last_wall_ns - t->first_wall_ns) / 2;
	cr_assert_eq(hc_capture_select(c, &f, &v, &n, NULL), 0);
	b = hc_capture_blocks(c, &n_all);
	cr_assert(n > 0 && n < n_all / 2);
	for (uint32_t i = 0; i < n; i++) {
		cr_assert(hc_type_set_has(&b[v[i]].info.types, HC_EV_OPENAT));
		cr_assert_geq(b[v[i]].info.first_seq, last);
		last = b[v[i]].info.first_seq;
	}
	free(v);
	/* nothing that belongs in was left out */
	for (uint32_t i = 0; i < n_all; i++) {
		int64_t from = (int64_t)b[i].info.first_ns + b[i].info.wall_offset_ns;
		int64_t to = (int64_t)b[i].info.last_ns + b[i].info.wall_offset_ns;

		if (hc_type_set_has(&b[i].info.types, HC_EV_OPENAT) && to >= f.since_wall_ns &&
		    from < f.until_wall_ns)
			n--;
	}
	cr_assert_eq(n, 0);
	hc_capture_close(c);
	done(dir, &res);
}

static int note_number(const char *dir, const char *from, const char *to)
{
	char *a = seg_path(dir, from), *b = seg_path(dir, to);
	int r = rename(a, b);

	free(a);
	free(b);
	return r;
}

Test(verify, finds_a_missing_and_a_misnamed_segment)
{
	struct hc_gen_opts opts = { .seed = 6, .n_rows = 600, .flush_rows = 100, .writer.segment_bytes = 1 };
	struct hc_gen_result res;
	char *dir = make(&opts, &res), *gone = seg_path(dir, "security-00000003.hcs");
	struct hc_verify_stats stats;
	unsigned n = 0;

	cr_assert_eq(hc_verify(dir, count_finding, &n, &stats, NULL), 0);
	cr_assert_eq(stats.n_damage, 0);
	cr_assert_eq(stats.n_segments, 12);
	cr_assert_eq(stats.n_rows, 600);
	cr_assert_eq(stats.n_numbers, 600);
	unlink(gone);
	cr_assert_eq(hc_verify(dir, count_finding, &n, &stats, NULL), 0);
	cr_assert_eq(stats.n_damage, 1);
	cr_assert_eq(note_number(dir, "security-00000006.hcs", "security-00000007.hcs"), 0);
	cr_assert_eq(hc_verify(dir, count_finding, &n, &stats, NULL), 0);
	cr_assert_eq(stats.n_damage, 2);
	free(gone);
	done(dir, &res);
}

/* A header that is right, then nothing but the beginnings of block headers, each announcing 30 MB. */
Test(capture, made_of_false_headers_is_given_up_soon, .timeout = 60)
{
	static const uint8_t fake[12] = { 0x5e, 0x2a, 0x4d, 0x18, 0, 0, 0xc0, 1, 'H', 'C', 'B', '1' };
	struct hc_gen_opts opts = small_opts();
	struct hc_gen_result res;
	char *dir = make(&opts, &res), *path = seg_path(dir, "security-00000001.hcs");
	struct hc_capture *c = open_ok(path, 0);
	const struct hc_capture_problem *p;
	uint32_t n_blocks, n;
	size_t n_bytes;
	uint8_t *bytes = slurp(path, &n_bytes), *buf = malloc((size_t)48 << 20);
	uint64_t off = hc_capture_blocks(c, &n_blocks)[1].off, lost = 0;

	hc_capture_close(c);
	memcpy(buf, bytes, off);
	for (size_t i = off; i + 12 <= (size_t)48 << 20; i += 12)
		memcpy(buf + i, fake, 12);
	spew(path, buf, (size_t)48 << 20);
	c = open_ok(path, 0);
	hc_capture_blocks(c, &n_blocks);
	cr_assert_eq(n_blocks, 1);
	p = hc_capture_problems(c, &n);
	cr_assert_lt(n, 10);
	for (uint32_t i = 0; i < n; i++)
		lost += p[i].bytes;
	cr_assert_eq(off + lost, (size_t)48 << 20);
	hc_capture_close(c);
	free(bytes);
	free(buf);
	free(path);
	done(dir, &res);
}
