/* Retention: what goes, in which order, what stays, and that index and directory agree afterwards. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen.h"
#include "store/capture.h"
#include "store/index.h"
#include "store/holes.h"
#include "store/retain.h"

#define HOUR_NS INT64_C(3600000000000)

struct seg {
	enum hc_stream stream;
	uint32_t number;
	uint64_t bytes;
	int64_t from_ns, until_ns; /* wall, inclusive */
	uint64_t first_seq, last_seq;
	uint64_t header_bytes;
	char path[512];
};

/* A directory with a dozen segments or more of each stream. */
struct fixture {
	char *dir;
	struct seg segs[256];
	unsigned n;
	uint8_t boot_id[16];
	uint64_t bytes[HC_N_STREAMS];
	uint64_t last_boot_ns;
	int64_t last_wall_ns;
	struct hc_retain *r;
	struct hc_index_writer *iw;
};

static void look(struct fixture *f)
{
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	uint32_t n_blocks;

	cr_assert_eq(hc_capture_open(f->dir, 0, &c, &err), 0, "%s", err.msg);
	cr_assert_null(hc_capture_index_note(c), "%s", hc_capture_index_note(c));
	segs = hc_capture_segs(c, &f->n);
	blocks = hc_capture_blocks(c, &n_blocks);
	cr_assert_lt(f->n, 256);
	memset(f->bytes, 0, sizeof(f->bytes));
	for (unsigned i = 0; i < f->n; i++) {
		const struct hc_block_info *first = &blocks[segs[i].first_block].info,
					   *last = &blocks[segs[i].first_block + segs[i].n_blocks - 1].info;

		f->segs[i] = (struct seg){ .stream = (enum hc_stream)segs[i].header.stream,
			                   .number = segs[i].header.number,
			                   .bytes = segs[i].bytes,
			                   .from_ns = (int64_t)first->first_ns + first->wall_offset_ns,
			                   .until_ns = (int64_t)last->last_ns + last->wall_offset_ns,
			                   .first_seq = first->first_seq,
			                   .last_seq = last->last_seq,
			                   .header_bytes = blocks[segs[i].first_block].off };
		snprintf(f->segs[i].path, sizeof(f->segs[i].path), "%s/%s", f->dir, segs[i].path);
		f->bytes[segs[i].header.stream] += segs[i].bytes;
		memcpy(f->boot_id, segs[i].header.boot_id, 16);
		if (last->last_ns > f->last_boot_ns) {
			f->last_boot_ns = last->last_ns;
			f->last_wall_ns = f->segs[i].until_ns;
		}
	}
	hc_capture_close(c);
}

static struct fixture begin(bool same_boot)
{
	struct hc_gen_opts opts = { .seed = 7,
		                    .n_rows = 4000,
		                    .flush_rows = 200,
		                    .step_ns = 10000000,
		                    .index = true,
		                    .no_hashes = true,
		                    .writer.segment_bytes = 40000 };
	struct fixture f = { .dir = hc_gen_tmpdir() };
	static const uint8_t other[16] = { 1 };
	struct hc_gen_result res;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_gen_capture(f.dir, &opts, &res, &err), 0, "%s", err.msg);
	hc_gen_result_done(&res);
	look(&f);
	cr_assert_geq(f.n, 12, "%u segments", f.n);
	cr_assert_eq(hc_retain_open(f.dir, same_boot ? f.boot_id : other, &f.r, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_index_writer_open(f.dir, &f.iw, &err), 0, "%s", err.msg);
	hc_retain_set_index(f.r, f.iw);
	return f;
}

static void ignore(void *ctx, const char *what)
{
	(void)ctx;
	(void)what;
}

static void end(struct fixture *f)
{
	struct hc_err err = { 0 };

	hc_retain_free(f->r);
	cr_assert_eq(hc_index_writer_close(f->iw, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_index_check(f->dir, 1, ignore, NULL, &err), 0, "the index does not agree");
	hc_gen_rm(f->dir);
	free(f->dir);
}

static void apply(struct fixture *f, const struct hc_retain_rules *rules, int64_t after_ns)
{
	struct hc_err err = { 0 };

	cr_assert_eq(hc_retain_apply(f->r, rules, f->last_wall_ns + after_ns, f->last_boot_ns + (uint64_t)after_ns,
	                             &err),
	             0, "%s", err.msg);
}

static unsigned count(const struct fixture *f, enum hc_stream stream)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++)
		n += f->segs[i].stream == stream;
	return n;
}

/* The lowest number of the stream that is there. */
static uint32_t first_of(const struct fixture *f, enum hc_stream stream)
{
	uint32_t least = UINT32_MAX;

	for (unsigned i = 0; i < f->n; i++)
		if (f->segs[i].stream == stream && f->segs[i].number < least)
			least = f->segs[i].number;
	return least;
}

static const struct seg *seg_of(const struct fixture *f, enum hc_stream stream, uint32_t number)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->segs[i].stream == stream && f->segs[i].number == number)
			return &f->segs[i];
	return NULL;
}

/* As a kill leaves one that was just made. */
static void empty(const struct seg *s)
{
	cr_assert_eq(truncate(s->path, (off_t)s->header_bytes), 0, "%s: %s", s->path, strerror(errno));
}

Test(retain, without_rules_everything_stays)
{
	struct fixture f = begin(false);
	struct hc_retain_rules none = { 0 };
	struct hc_retain_removed x;
	unsigned n = f.n;

	apply(&f, &none, 1000 * HOUR_NS);
	look(&f);
	cr_assert_eq(f.n, n);
	cr_assert_not(hc_retain_removed_next(f.r, &x));
	end(&f);
}

Test(retain, a_size_in_all_takes_bulk_first_and_oldest_first)
{
	struct fixture f = begin(false);
	uint64_t all = f.bytes[0] + f.bytes[1];
	struct hc_retain_rules rules = { .all.max_bytes = all - 120000 };
	struct hc_retain_removed x;
	struct hc_retain_stats st;
	unsigned n_security = count(&f, HC_STREAM_SECURITY), n_bulk = count(&f, HC_STREAM_BULK);

	apply(&f, &rules, 0);
	cr_assert(hc_retain_removed_next(f.r, &x));
	look(&f);
	cr_assert_leq(f.bytes[0] + f.bytes[1], rules.all.max_bytes);
	cr_assert_eq(count(&f, HC_STREAM_SECURITY), n_security);
	cr_assert_eq(x.stream, HC_STREAM_BULK);
	cr_assert_eq(x.reason, HC_RETAIN_SIZE);
	cr_assert_eq(x.first_number, 1);
	cr_assert_eq(x.last_number, n_bulk - count(&f, HC_STREAM_BULK));
	cr_assert_eq(first_of(&f, HC_STREAM_BULK), x.last_number + 1);
	cr_assert_eq(x.bytes, all - f.bytes[0] - f.bytes[1]);
	cr_assert_not(hc_retain_removed_next(f.r, &x), "one run, one removal");
	hc_retain_stats(f.r, &st);
	cr_assert_eq(st.stream[HC_STREAM_BULK].bytes, f.bytes[HC_STREAM_BULK]);
	cr_assert_eq(st.stream[HC_STREAM_BULK].removed_until_wall_ns, x.until_wall_ns);
	cr_assert_not(st.over);

	/* so little that security goes too; the newest of each stays, and that it is too much is said */
	rules.all.max_bytes = 1;
	apply(&f, &rules, 0);
	look(&f);
	cr_assert_eq(f.n, 2);
	hc_retain_stats(f.r, &st);
	cr_assert(st.over);
	end(&f);
}

Test(retain, a_size_of_a_stream_leaves_the_other_alone)
{
	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		struct fixture f = begin(false);
		struct hc_retain_rules rules = { 0 };
		enum hc_stream other = k ? HC_STREAM_SECURITY : HC_STREAM_BULK;
		unsigned n_other = count(&f, other);

		rules.stream[k].max_bytes = f.bytes[k] / 2;
		apply(&f, &rules, 0);
		look(&f);
		cr_assert_leq(f.bytes[k], rules.stream[k].max_bytes);
		cr_assert_eq(count(&f, other), n_other);
		end(&f);
	}
}

Test(retain, age_is_that_of_the_newest_row_of_a_segment)
{
	struct fixture f = begin(false);
	const struct seg *third = seg_of(&f, HC_STREAM_BULK, 3);
	/* the third is just not too old */
	struct hc_retain_rules rules = { .stream[HC_STREAM_BULK].max_age_ns =
		                                 (uint64_t)(f.last_wall_ns + HOUR_NS - third->until_ns) };
	unsigned n_security = count(&f, HC_STREAM_SECURITY);
	struct hc_retain_removed x;

	apply(&f, &rules, HOUR_NS);
	look(&f);
	cr_assert_eq(first_of(&f, HC_STREAM_BULK), 3);
	cr_assert_eq(count(&f, HC_STREAM_SECURITY), n_security);
	cr_assert(hc_retain_removed_next(f.r, &x));
	cr_assert_eq(x.reason, HC_RETAIN_AGE);
	cr_assert_eq(x.last_number, 2);
	apply(&f, &rules, HOUR_NS + 1);
	look(&f);
	cr_assert_eq(first_of(&f, HC_STREAM_BULK), 4);
	end(&f);
}

Test(retain, a_wall_clock_that_jumps_removes_nothing_of_this_boot)
{
	struct fixture f = begin(true);
	struct hc_retain_rules rules = { .all.max_age_ns = (uint64_t)(24 * HOUR_NS) };
	unsigned n = f.n;

	cr_assert_eq(hc_retain_apply(f.r, &rules, f.last_wall_ns + 365 * 24 * HOUR_NS, f.last_boot_ns + 1, NULL),
	             0);
	look(&f);
	cr_assert_eq(f.n, n);
	cr_assert_eq(hc_retain_apply(f.r, &rules, f.last_wall_ns, f.last_boot_ns + (uint64_t)(25 * HOUR_NS), NULL),
	             0);
	look(&f);
	cr_assert_eq(f.n, 2);
	end(&f);
}

/* The machine was started again: its boot clock began anew, and says nothing of how old they are. */
Test(retain, what_an_earlier_boot_left_ages_by_the_wall_clock)
{
	struct fixture f = begin(false);
	struct hc_retain_rules rules = { .all.max_age_ns = (uint64_t)(24 * HOUR_NS) };
	unsigned n = f.n;

	cr_assert_eq(hc_retain_apply(f.r, &rules, f.last_wall_ns + HOUR_NS,
	                             f.last_boot_ns + (uint64_t)(365 * 24 * HOUR_NS), NULL),
	             0);
	look(&f);
	cr_assert_eq(f.n, n);
	cr_assert_eq(hc_retain_apply(f.r, &rules, f.last_wall_ns + 25 * HOUR_NS, 1, NULL), 0);
	look(&f);
	cr_assert_eq(f.n, 2, "the newest of each stream stays");
	end(&f);
}

/* Of bulk there are the second segment and the last. */
static void expect_holes(const struct fixture *f)
{
	HC_AUTO(hc_capture_close) struct hc_capture *c = NULL;
	const struct seg *second = seg_of(f, HC_STREAM_BULK, 2);
	struct hc_holes h;

	cr_assert_eq(hc_capture_open(f->dir, 0, &c, NULL), 0);
	cr_assert_eq(hc_holes_load(c, &h, NULL), 0);
	cr_assert_eq(hc_holes_since(&h, HC_STREAM_BULK, second->from_ns - 1), 0);
	cr_assert_eq(hc_holes_since(&h, HC_STREAM_BULK, second->until_ns), second->from_ns);
	cr_assert_gt(hc_holes_since(&h, HC_STREAM_BULK, INT64_MAX), second->until_ns);
	hc_holes_done(&h);
}

static void expect_no_hole(const struct fixture *f)
{
	HC_AUTO(hc_capture_close) struct hc_capture *c = NULL;
	struct hc_holes h;

	cr_assert_eq(hc_capture_open(f->dir, 0, &c, NULL), 0);
	cr_assert_eq(hc_holes_load(c, &h, NULL), 0);
	cr_assert_eq(h.n[HC_STREAM_BULK], 0, "a hole in bulk");
	hc_holes_done(&h);
}

Test(retain, pinned_segments_stay_and_split_what_is_told)
{
	struct fixture f = begin(false);
	const struct seg *second = seg_of(&f, HC_STREAM_BULK, 2);
	struct hc_retain_pin pin = { .from_ns = second->from_ns + 1,
		                     .until_ns = second->until_ns,
		                     .streams = 1u << HC_STREAM_BULK };
	struct hc_retain_rules rules = { .all.max_bytes = 1 };
	struct hc_retain_removed x;
	struct hc_retain_stats st;
	unsigned n_bulk = count(&f, HC_STREAM_BULK);

	cr_assert_eq(hc_retain_set_pins(f.r, &pin, 1), 0);
	hc_retain_stats(f.r, &st);
	cr_assert_eq(st.stream[HC_STREAM_BULK].n_pinned, 1);
	cr_assert_eq(st.stream[HC_STREAM_SECURITY].n_pinned, 0);
	cr_assert_eq(st.stream[HC_STREAM_BULK].pinned_bytes, second->bytes);
	apply(&f, &rules, 0);
	look(&f);
	cr_assert_eq(count(&f, HC_STREAM_BULK), 2);
	cr_assert_not_null(seg_of(&f, HC_STREAM_BULK, 2));
	cr_assert_eq(count(&f, HC_STREAM_SECURITY), 1);
	/* the old one that is pinned does not make up for those behind it */
	hc_retain_stats(f.r, &st);
	cr_assert_gt(hc_retain_since(&st, HC_STREAM_BULK), st.stream[HC_STREAM_BULK].oldest_wall_ns);
	expect_holes(&f);
	cr_assert(hc_retain_removed_next(f.r, &x));
	cr_assert(x.first_number == 1 && x.last_number == 1);
	cr_assert(hc_retain_removed_next(f.r, &x));
	cr_assert(x.first_number == 3 && x.last_number == n_bulk - 1);

	/* let go, it goes */
	cr_assert_eq(hc_retain_set_pins(f.r, NULL, 0), 0);
	apply(&f, &rules, 0);
	look(&f);
	cr_assert_eq(count(&f, HC_STREAM_BULK), 1);
	end(&f);
}

/* The other stream's segments hold rows with numbers around it. */
Test(retain, the_segment_of_a_pinned_row_stays)
{
	struct fixture f = begin(false);
	const struct seg third = *seg_of(&f, HC_STREAM_SECURITY, 3);
	struct hc_retain_pin first = { .seq = third.first_seq, .streams = 1u << HC_STREAM_SECURITY },
			     last = { .seq = third.last_seq, .streams = 1u << HC_STREAM_SECURITY },
			     span = { .until_ns = INT64_MAX, .streams = 1u << HC_STREAM_BULK },
			     behind = { .seq = UINT64_MAX, .streams = 1u << HC_STREAM_SECURITY };
	struct hc_retain_rules rules = { .all.max_bytes = 1 };

	cr_assert(hc_retain_keeps(f.r, &first, &last, 1));
	cr_assert_not(hc_retain_keeps(f.r, &first, &span, 1), "by the other stream");
	cr_assert_not(hc_retain_keeps(f.r, &behind, &last, 1), "a row that is not there");
	cr_assert_not(hc_retain_keeps(f.r, &first, &behind, 1));
	cr_assert_not(hc_retain_keeps(f.r, &first, NULL, 0));
	cr_assert_eq(hc_retain_set_pins(f.r, &last, 1), 0);
	apply(&f, &rules, 0);
	look(&f);
	cr_assert_eq(count(&f, HC_STREAM_BULK), 1);
	cr_assert_eq(count(&f, HC_STREAM_SECURITY), 2);
	cr_assert_not_null(seg_of(&f, HC_STREAM_SECURITY, 3));
	end(&f);
}

Test(retain, tells_what_a_span_holds_newest_first)
{
	struct fixture f = begin(false);
	const struct seg *second = seg_of(&f, HC_STREAM_BULK, 2);
	struct hc_retain_pin pin = { .from_ns = second->from_ns + 1,
		                     .until_ns = second->until_ns,
		                     .streams = 1u << HC_STREAM_BULK };
	struct hc_retain_segment held[4];

	cr_assert_eq(hc_retain_held(f.r, &pin, held, 4), 1);
	cr_assert_eq(held[0].from_wall_ns, second->from_ns);
	cr_assert_eq(held[0].until_wall_ns, second->until_ns);
	cr_assert_eq(held[0].bytes, second->bytes);
	cr_assert_eq(held[0].stream, HC_STREAM_BULK);
	cr_assert_not_null(strstr(held[0].path, "/bulk-00000002.hcs"), "%s", held[0].path);

	/* of more than there is room for, the newest */
	pin = (struct hc_retain_pin){ .until_ns = INT64_MAX, .streams = (1u << HC_N_STREAMS) - 1 };
	cr_assert_eq(hc_retain_held(f.r, &pin, held, 4), f.n);
	for (unsigned i = 1; i < 4; i++)
		cr_assert_leq(held[i].until_wall_ns, held[i - 1].until_wall_ns);
	cr_assert_eq(held[0].until_wall_ns, f.last_wall_ns);
	for (unsigned i = 0; i < f.n; i++) {
		bool told = false;

		for (unsigned k = 0; k < 4; k++)
			told |= held[k].stream == f.segs[i].stream && held[k].from_wall_ns == f.segs[i].from_ns;
		cr_assert(told || f.segs[i].until_ns <= held[3].until_wall_ns, "segment %u", i);
	}
	cr_assert_eq(hc_retain_held(f.r, &pin, NULL, 0), f.n);
	pin.from_ns = INT64_MAX - 1;
	cr_assert_eq(hc_retain_held(f.r, &pin, held, 4), 0);
	end(&f);
}

Test(retain, room_is_made_of_bulk_then_of_security)
{
	struct fixture f = begin(false);
	uint64_t first = seg_of(&f, HC_STREAM_BULK, 1)->bytes;
	unsigned n_security = count(&f, HC_STREAM_SECURITY);
	struct hc_retain_removed x;

	cr_assert_eq(hc_retain_make_room(f.r, 100), first);
	cr_assert(hc_retain_removed_next(f.r, &x));
	cr_assert_eq(x.reason, HC_RETAIN_FULL);
	look(&f);
	cr_assert_eq(first_of(&f, HC_STREAM_BULK), 2);
	cr_assert_gt(hc_retain_make_room(f.r, f.bytes[HC_STREAM_BULK]), 0);
	look(&f);
	cr_assert_eq(count(&f, HC_STREAM_BULK), 1);
	cr_assert_lt(count(&f, HC_STREAM_SECURITY), n_security);
	hc_retain_make_room(f.r, UINT64_MAX);
	cr_assert_eq(hc_retain_make_room(f.r, 1), 0, "the newest ones stay");
	look(&f);
	cr_assert_eq(f.n, 2);
	end(&f);
}

Test(retain, room_on_the_disk_that_cannot_be_had_costs_security_too)
{
	struct fixture f = begin(false);
	struct hc_retain_rules rules = { .keep_free_permille = 1000 }; /* all of it: never */
	struct hc_retain_stats st;

	apply(&f, &rules, 0);
	look(&f);
	hc_retain_stats(f.r, &st);
	cr_assert_eq(count(&f, HC_STREAM_BULK), 1);
	cr_assert(st.over);
	cr_assert_gt(st.disk_bytes, 0);
	if (st.disk_free_bytes < st.disk_bytes / 2)
		cr_assert_eq(count(&f, HC_STREAM_SECURITY), 1);
	end(&f);
}

Test(retain, what_an_earlier_run_removed_is_known_by_its_numbers)
{
	struct fixture f = begin(false);
	struct hc_retain_rules rules = { .stream[HC_STREAM_BULK].max_bytes = f.bytes[HC_STREAM_BULK] / 2 };
	struct hc_retain *again = NULL;
	struct hc_retain_stats st;
	struct hc_err err = { 0 };

	apply(&f, &rules, 0);
	look(&f);
	cr_assert_eq(hc_retain_open(f.dir, f.boot_id, &again, &err), 0, "%s", err.msg);
	hc_retain_stats(again, &st);
	cr_assert_eq(st.stream[HC_STREAM_BULK].removed_until_wall_ns,
	             seg_of(&f, HC_STREAM_BULK, first_of(&f, HC_STREAM_BULK))->from_ns);
	cr_assert_eq(st.stream[HC_STREAM_SECURITY].removed_until_wall_ns, 0);
	hc_retain_free(again);
	end(&f);
}

Test(retain, a_segment_without_rows_stays_in_its_place)
{
	struct fixture f = begin(false);
	struct hc_retain_rules rules = { .stream[HC_STREAM_BULK].max_bytes = 1 };
	const int64_t second_ns = seg_of(&f, HC_STREAM_BULK, 2)->until_ns;
	struct hc_retain_pin pin = { .from_ns = second_ns,
		                     .until_ns = second_ns + 1,
		                     .streams = 1u << HC_STREAM_BULK };
	struct hc_retain *again = NULL;
	struct hc_retain_removed x;
	struct hc_retain_stats st;
	struct hc_err err = { 0 };

	empty(seg_of(&f, HC_STREAM_BULK, 3));
	cr_assert_eq(hc_retain_open(f.dir, f.boot_id, &again, &err), 0, "%s", err.msg);
	hc_retain_stats(again, &st);
	cr_assert_eq(st.stream[HC_STREAM_BULK].removed_until_wall_ns, 0, "a hole where nothing was removed");
	expect_no_hole(&f);
	cr_assert_eq(hc_retain_set_pins(again, &pin, 1), 0);
	cr_assert_eq(hc_retain_apply(again, &rules, f.last_wall_ns, f.last_boot_ns, &err), 0, "%s", err.msg);
	cr_assert(hc_retain_removed_next(again, &x));
	cr_assert(x.first_number == 1 && x.last_number == 1, "first went %u to %u", x.first_number, x.last_number);
	cr_assert(hc_retain_removed_next(again, &x));
	cr_assert(x.first_number == 3 && x.last_number > 3, "then %u to %u", x.first_number, x.last_number);
	hc_retain_free(again);

	/* alone, it is told with a time */
	empty(seg_of(&f, HC_STREAM_SECURITY, 2));
	cr_assert_eq(hc_retain_open(f.dir, f.boot_id, &again, &err), 0, "%s", err.msg);
	pin = (struct hc_retain_pin){ .until_ns = f.last_wall_ns + 1, .streams = 1u << HC_STREAM_SECURITY };
	cr_assert_eq(hc_retain_set_pins(again, &pin, 1), 0);
	rules = (struct hc_retain_rules){ .stream[HC_STREAM_SECURITY].max_bytes = 1 };
	cr_assert_eq(hc_retain_apply(again, &rules, f.last_wall_ns, f.last_boot_ns, &err), 0, "%s", err.msg);
	cr_assert(hc_retain_removed_next(again, &x));
	cr_assert(x.first_number == 2 && x.last_number == 2 && x.until_wall_ns > second_ns);
	cr_assert(!hc_retain_removed_next(again, &x));
	hc_retain_free(again);
	hc_retain_free(hc_steal(f.r));
	hc_index_writer_abort(hc_steal(f.iw));
	hc_gen_rm(f.dir);
	free(f.dir);
}

Test(retain, an_index_that_missed_a_removal_is_mended_by_the_next_writer)
{
	struct fixture f = begin(false);
	struct hc_retain_rules rules = { .all.max_bytes = 200000 };
	struct hc_err err = { 0 };

	hc_retain_set_index(f.r, NULL); /* killed between the file and its rows */
	apply(&f, &rules, 0);
	hc_index_writer_abort(hc_steal(f.iw));
	look(&f); /* a reader passes the rows over */
	cr_assert_eq(hc_index_writer_open(f.dir, &f.iw, &err), 0, "%s", err.msg);
	end(&f);
}

Test(retain, who_has_a_segment_open_goes_on_reading)
{
	struct fixture f = begin(false);
	struct hc_capture *c = NULL;
	struct hc_block *b = NULL;
	struct hc_err err = { 0 };
	int fd;

	cr_assert_eq(hc_capture_open(f.dir, 0, &c, &err), 0);
	fd = hc_capture_file_open(c, hc_capture_seg_file(c, 0), &err);
	cr_assert_geq(fd, 0);
	hc_retain_make_room(f.r, UINT64_MAX);
	cr_assert_eq(hc_block_open(fd, (off_t)hc_capture_blocks(c, &f.n)[0].off, "x", &b, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_block_check(b, &err), 0);
	hc_block_close(b);
	close(fd);
	/* who has only the list finds that it is gone: a problem, not a crash */
	cr_assert_lt(hc_capture_load(c, 0, &b, &err), 0);
	hc_capture_close(c);
	end(&f);
}
