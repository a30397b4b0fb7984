/* The live source: order and losses over made-up rings, the table of system calls, and, with the right to do so,
 * the running kernel. */
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/bpf.h>

#include "live_priv.h"

/* ---- a ring without a kernel ---- */

enum { RING_BYTES = 4096 };

struct fake {
	uint8_t data[RING_BYTES] __attribute__((aligned(8)));
	unsigned long producer, consumer;
};

static void fake_attach(struct hc_merge *m, unsigned i, struct fake *f)
{
	struct hc_ring *r = &m->rings[i];

	r->producer = &f->producer;
	r->consumer = &f->consumer;
	r->data = f->data;
	r->mask = RING_BYTES - 1;
	r->pos = f->consumer;
	if (!r->straddle)
		r->straddle = malloc(HC_WIRE_MAX_BYTES);
	cr_assert_not_null(r->straddle);
}

/* Writes `bytes` of a record at the producer's end, going on at the start; `flags` are those of the ring's own
 * header. */
static void fake_put(struct fake *f, const void *rec, uint32_t bytes, uint32_t flags)
{
	uint8_t raw[256] = { 0 };
	uint32_t len = bytes | flags;
	size_t whole = (bytes + BPF_RINGBUF_HDR_SZ + 7) & ~7u;

	memcpy(raw, &len, sizeof(len));
	memcpy(raw + BPF_RINGBUF_HDR_SZ, rec, bytes);
	for (size_t i = 0; i < whole; i++) {
		size_t at = (f->producer + i) & (RING_BYTES - 1);

		f->data[at] = raw[i];
	}
	f->producer += whole;
}

static void fake_event(struct fake *f, uint64_t ts_ns, uint16_t cpu, uint8_t lane, uint32_t seq)
{
	struct hc_wire_head h = {
		.bytes = sizeof(h), .type = 1, .ts_ns = ts_ns, .cpu = cpu, .lane = lane, .cpu_seq = seq
	};

	fake_put(f, &h, sizeof(h), 0);
}

struct seen {
	uint64_t ts[64];
	uint32_t seq[64];
	bool late[64], again[64];
	int n;
	int stop_at;
};

static int see(void *ctx, const struct hc_live_rec *rec)
{
	struct seen *s = ctx;

	s->ts[s->n] = rec->head->ts_ns;
	s->seq[s->n] = rec->head->cpu_seq;
	s->again[s->n] = rec->again;
	s->late[s->n++] = rec->late;
	return s->stop_at && s->n == s->stop_at ? 7 : 0;
}

static struct hc_merge merge;
static struct fake rings[2];

static void setup(void)
{
	memset(rings, 0, sizeof(rings));
	cr_assert_eq(hc_merge_init(&merge, 2, 4), 0);
	fake_attach(&merge, 0, &rings[0]);
	fake_attach(&merge, 1, &rings[1]);
}

static void teardown(void)
{
	hc_merge_done(&merge);
}

TestSuite(live_merge, .init = setup, .fini = teardown);

Test(live_merge, hands_out_records_of_all_rings_in_the_order_of_their_time)
{
	struct seen s = { 0 };

	for (unsigned i = 0; i < 5; i++) {
		fake_event(&rings[0], 10 * i, 0, 0, i);
		fake_event(&rings[1], 10 * i + 5, 1, 0, i);
	}
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 10);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(s.ts[i], 5u * (unsigned)i);
	cr_assert_eq(rings[0].consumer, rings[0].producer);
	cr_assert_eq(rings[1].consumer, rings[1].producer);
}

Test(live_merge, puts_a_record_together_that_lies_at_both_ends_of_the_ring)
{
	struct seen s = { 0 };

	/* begins 40 bytes before the end, its own header included: less than a record's head */
	rings[0].producer = rings[0].consumer = RING_BYTES - 40;
	merge.rings[0].pos = rings[0].consumer;
	fake_event(&rings[0], 70, 3, 0, 0);
	fake_event(&rings[0], 80, 3, 0, 1);
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 2);
	cr_assert_eq(s.ts[0], 70);
	cr_assert_eq(s.ts[1], 80);
	cr_assert_eq(merge.n_bad, 0);
	cr_assert_eq(rings[0].consumer, rings[0].producer);
}

Test(live_merge, keeps_records_younger_than_the_watermark_for_later)
{
	struct seen s = { 0 };

	fake_event(&rings[0], 100, 0, 0, 0);
	fake_event(&rings[0], 300, 0, 0, 1);
	cr_assert_eq(hc_merge_run(&merge, 250, 50, see, &s), 1);
	cr_assert_eq(hc_merge_run(&merge, 250, 50, see, &s), 0);
	fake_event(&rings[1], 220, 1, 0, 0); /* written late, but before the watermark passed it */
	cr_assert_eq(hc_merge_run(&merge, 400, 50, see, &s), 2);
	cr_assert_eq(s.ts[1], 220);
	cr_assert_eq(s.ts[2], 300);
	cr_assert_not(s.late[1]);
}

Test(live_merge, marks_a_record_that_comes_after_a_younger_one)
{
	struct seen s = { 0 };

	fake_event(&rings[0], 100, 0, 0, 0);
	hc_merge_run(&merge, 1000, 10, see, &s);
	fake_event(&rings[1], 50, 1, 0, 0);
	fake_event(&rings[1], 150, 1, 0, 1);
	cr_assert_eq(hc_merge_run(&merge, 1000, 10, see, &s), 2);
	cr_assert(s.late[1]);
	cr_assert_not(s.late[2]);
}

Test(live_merge, waits_for_a_record_that_is_being_written)
{
	struct hc_wire_head h = { .bytes = sizeof(h), .type = 1, .ts_ns = 10 };
	struct seen s = { 0 };

	fake_put(&rings[0], &h, sizeof(h), BPF_RINGBUF_BUSY_BIT);
	fake_event(&rings[0], 20, 0, 0, 1);
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 0);
	cr_assert_eq(rings[0].consumer, 0);
	rings[0].data[3] &= 0x7f; /* committed */
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 2);
}

Test(live_merge, steps_over_discarded_records)
{
	struct hc_wire_head h = { .bytes = sizeof(h), .type = 1, .ts_ns = 10 };
	struct seen s = { 0 };

	fake_put(&rings[0], &h, sizeof(h), BPF_RINGBUF_DISCARD_BIT);
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 0);
	cr_assert_eq(rings[0].consumer, rings[0].producer, "their room is given back");
}

Test(live_merge, steps_over_and_counts_records_whose_lengths_are_impossible)
{
	struct hc_wire_head h = { .bytes = sizeof(h) + 8, .type = 1 };
	struct seen s = { 0 };

	fake_put(&rings[0], &h, sizeof(h), 0); /* longer than the ring says */
	h.bytes = sizeof(h);
	h.n_slots = 1;
	fake_put(&rings[0], &h, sizeof(h), 0); /* slots beyond its end */
	h.n_slots = 0;
	h.cpu = 4;
	fake_put(&rings[0], &h, sizeof(h), 0); /* no such CPU */
	fake_put(&rings[0], &h, 8, 0);         /* no room for a head */
	fake_event(&rings[0], 5, 0, 0, 0);
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 1);
	cr_assert_eq(merge.n_bad, 4);
	cr_assert_eq(s.ts[0], 5);
}

Test(live_merge, goes_round_the_end_of_the_ring)
{
	struct seen s = { 0 };
	uint64_t ts = 1;

	for (unsigned turn = 0; turn < 20; turn++) {
		s.n = 0;
		for (unsigned i = 0; i < 13; i++)
			fake_event(&rings[0], ts++, 0, 0, turn * 13 + i);
		cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 13);
		cr_assert_eq(s.ts[12], ts - 1);
	}
	cr_assert_eq(merge.n_bad, 0);
	cr_assert_eq(merge.n_gaps, 0);
}

Test(live_merge, finds_losses_where_they_happened)
{
	struct seen s = { 0 };

	fake_event(&rings[0], 10, 2, 1, 0);
	fake_event(&rings[0], 20, 2, 1, 4);
	fake_event(&rings[0], 30, 2, 0, 0); /* another lane counts for itself */
	fake_event(&rings[0], 40, 2, 1, 5);
	hc_merge_run(&merge, UINT64_MAX, 0, see, &s);
	cr_assert_eq(merge.n_gaps, 1);
	cr_assert_eq(merge.gaps[0].count, 3);
	cr_assert_eq(merge.gaps[0].from_ns, 10);
	cr_assert_eq(merge.gaps[0].until_ns, 20);
	cr_assert_eq(merge.gaps[0].cpu, 2);
	cr_assert_eq(merge.gaps[0].lane, 1);
}

Test(live_merge, counts_losses_across_the_overflow_of_the_sequence)
{
	struct seen s = { 0 };

	merge.seq[0] = UINT32_MAX - 1;
	fake_event(&rings[0], 10, 0, 0, UINT32_MAX - 1);
	fake_event(&rings[0], 20, 0, 0, 1);
	hc_merge_run(&merge, UINT64_MAX, 0, see, &s);
	cr_assert_eq(merge.n_gaps, 1);
	cr_assert_eq(merge.gaps[0].count, 2);
}

Test(live_merge, bounds_the_queue_of_gaps_and_loses_no_count)
{
	struct seen s = { 0 };
	uint64_t sum = 0;

	for (unsigned i = 0; i < HC_MERGE_MAX_GAPS + 50; i++) {
		s.n = 0;
		fake_event(&rings[0], i, 0, 0, 2 * i + 1);
		hc_merge_run(&merge, UINT64_MAX, 0, see, &s);
	}
	cr_assert_eq(merge.n_gaps, HC_MERGE_MAX_GAPS);
	for (unsigned i = 0; i < merge.n_gaps; i++)
		sum += merge.gaps[i].count;
	cr_assert_eq(sum, HC_MERGE_MAX_GAPS + 50);
}

Test(live_merge, stops_when_the_callback_says_so_and_goes_on_behind_that_record)
{
	struct seen s = { .stop_at = 2 };

	for (unsigned i = 0; i < 3; i++)
		fake_event(&rings[0], i, 0, 0, i);
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 7);
	cr_assert_eq(s.n, 2);
	s.stop_at = 0;
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 1);
	cr_assert_eq(s.ts[2], 2);
}

Test(live_merge, says_which_records_a_reader_that_was_killed_had_got)
{
	struct seen first = { .stop_at = 3 }, s = { .stop_at = 2 };
	uint64_t handed = 0;

	for (unsigned i = 0; i < 5; i++)
		fake_event(&rings[0], i, 0, 0, i);
	merge.rings[0].handed = &handed;
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &first), 7);
	rings[0].consumer = 0; /* killed before it gave anything back */
	teardown();
	cr_assert_eq(hc_merge_init(&merge, 2, 4), 0);
	fake_attach(&merge, 0, &rings[0]);
	merge.rings[0].handed = &handed;
	merge.rings[0].again_until = handed;
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 7);
	cr_assert_eq(handed, merge.rings[0].again_until, "what comes again moves nothing");
	s.stop_at = 0;
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 2, "those that come again do not count");
	cr_assert_eq(s.n, 5);
	for (int i = 0; i < 5; i++)
		cr_expect_eq(s.again[i], i < 3, "%d", i);
	cr_assert_eq(handed, rings[0].producer);
}

Test(live_merge, goes_by_number_where_a_cpu_has_two_rings_and_its_clock_stands_still)
{
	struct seen s = { 0 };

	fake_event(&rings[0], 10, 2, 0, 1);
	fake_event(&rings[1], 10, 2, 0, 0);
	fake_event(&rings[1], 10, 2, 0, 2);
	fake_event(&rings[0], 10, 2, 0, 3);
	fake_event(&rings[1], 20, 2, 0, 5);
	fake_event(&rings[0], 20, 2, 0, 4);
	cr_assert_eq(hc_merge_run(&merge, UINT64_MAX, 0, see, &s), 6);
	cr_assert_eq(merge.n_gaps, 0);
	for (int i = 0; i < 6; i++)
		cr_expect_eq(s.seq[i], (uint32_t)i);
}

/* ---- front rings ---- */

enum { FRONT_BYTES = 1024, FRONT_VALUE_BYTES = sizeof(struct hc_front) + FRONT_BYTES + HC_FRONT_SLACK };

/* A record of `bytes` as hc_sys_exit puts it there; false: there is no room. */
static bool front_event(struct hc_front *f, uint64_t ts_ns, uint32_t bytes, uint32_t seq)
{
	struct hc_wire_head h = { .bytes = bytes, .type = 1, .ts_ns = ts_ns, .cpu = 1, .cpu_seq = seq };
	uint64_t off = f->producer % FRONT_BYTES, need = bytes + BPF_RINGBUF_HDR_SZ, skip = 0;
	uint64_t head = bytes, hole;

	if (off + need > FRONT_BYTES)
		skip = FRONT_BYTES - off;
	if (f->producer + skip + need - f->consumer > FRONT_BYTES)
		return false;
	hole = (skip - BPF_RINGBUF_HDR_SZ) | BPF_RINGBUF_DISCARD_BIT;
	if (skip)
		memcpy(f->data + off, &hole, sizeof(hole));
	off = skip ? 0 : off;
	memcpy(f->data + off, &head, sizeof(head));
	memcpy(f->data + off + BPF_RINGBUF_HDR_SZ, &h, sizeof(h));
	f->producer += skip + need;
	return true;
}

Test(live_front, is_read_in_its_order_around_the_end)
{
	int fd = memfd_create("fronts", MFD_CLOEXEC), n = 0, kept = 0;
	uint64_t handed[2] = { 0 };
	struct hc_front *f;
	uint8_t *p;

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, 2 * FRONT_VALUE_BYTES), 0);
	p = mmap(NULL, 2 * FRONT_VALUE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(p, MAP_FAILED);
	f = (struct hc_front *)(void *)(p + FRONT_VALUE_BYTES);
	cr_assert_eq(hc_merge_init(&merge, 3, 4), 0);
	cr_assert_eq(hc_merge_map_fronts(&merge, 2, fd, 2, FRONT_VALUE_BYTES), -EBADMSG,
	             "more than there is room for");
	cr_assert_eq(hc_merge_map_fronts(&merge, 1, fd, 2, FRONT_VALUE_BYTES - 8), -EBADMSG);
	cr_assert_eq(hc_merge_map_fronts(&merge, 1, fd, 2, 64), -EBADMSG);
	cr_assert_eq(hc_merge_map_fronts(&merge, 1, fd, 2, FRONT_VALUE_BYTES), 0);
	cr_assert_eq(hc_merge_map_fronts(&merge, 1, fd, 2, FRONT_VALUE_BYTES), -EBADMSG, "mapped twice");
	merge.rings[2].handed = &handed[1];
	/* of every length that there may be, so that holes of many lengths lie at the end, one of none, too */
	for (int round = 0; round < 200; round++) {
		struct seen s = { 0 };
		int from = n;

		while (front_event(f, (uint64_t)n, 64 + 8 * (unsigned)(n * 7 % 30), (uint32_t)n))
			n++;
		cr_assert_gt(n, from + 1);
		cr_assert_eq(hc_merge_run(&merge, (uint64_t)n - 1, 1, see, &s), n - 1 - kept,
		             "the youngest stays");
		for (int i = 0; i < s.n; i++)
			cr_assert_eq(s.seq[i], (uint32_t)(kept + i));
		kept += s.n;
		cr_assert_leq(handed[1], f->consumer, "what nobody is to read is not handed out");
		cr_assert_eq(merge.n_gaps, 0);
		cr_assert_eq(merge.n_bad, 0);
	}
	hc_merge_done(&merge);
	munmap(p, 2 * FRONT_VALUE_BYTES);
	close(fd);
}

/* ---- the table ---- */

static struct hc_sys_desc native[HC_WIRE_MAX_NR], compat[HC_WIRE_MAX_NR];

Test(live_table, fits_the_slots_and_arguments_of_every_type)
{
	hc_live_table(native, compat);
	for (unsigned table = 0; table < 2; table++) {
		for (unsigned nr = 0; nr < HC_WIRE_MAX_NR; nr++) {
			const struct hc_sys_desc *d = table ? &compat[nr] : &native[nr];
			const struct hc_table_desc *t = hc_event_desc(d->type);

			cr_assert(t, "number %u of table %u has no type", nr, table);
			cr_assert_eq(d->n_slots, t->n_wire, "%s", t->name);
			cr_assert_lt(d->n_slots, HC_WIRE_MAX_SLOTS, "%s", t->name);
			cr_assert_lt(d->handler, HC_N_HANDLERS, "%s", t->name);
			cr_assert_eq(d->lane, hc_live_lane(d->type), "%s", t->name);
			if (d->handler != HC_H_GEN)
				continue;
			cr_assert_leq(d->n_slots, 8, "%s is too long for the table", t->name);
			for (unsigned i = 0; i < d->n_slots; i++) {
				unsigned kind = d->arg[i] >> 4;

				/* an argument that is a path or text needs the text, a descriptor its object */
				if (t->cols[t->arg_cols[i]].kind == HC_KIND_PATH)
					cr_assert_eq(kind, HC_SA_STR, "%s argument %u", t->name, i);
				if (t->cols[t->arg_cols[i]].kind == HC_KIND_FDOBJ)
					cr_assert(kind == HC_SA_NEWFD || kind == HC_SA_SAMEFD ||
					                  kind == HC_SA_NONE,
					          "%s argument %u", t->name, i);
			}
		}
	}
}

/* The short ways write records of a fixed shape without looking at what the description says of it. */
Test(live_table, gives_a_short_way_only_to_calls_of_its_shape)
{
	unsigned n_gen = 0, n_rw = 0, n_msg = 0, n_name = 0;

	hc_live_table(native, compat);
	for (unsigned nr = 0; nr < HC_WIRE_MAX_NR; nr++) {
		const struct hc_sys_desc *d = &native[nr];
		const char *name = hc_event_desc(d->type)->name;

		cr_assert_eq(compat[nr].brief, 0, "32-bit number %u", nr);
		if (!d->brief)
			continue;
		cr_assert_eq(d->lane, HC_WIRE_LANE_BULK, "%s", name);
		switch (d->brief) {
		case HC_BRIEF_RW:
			n_rw++;
			cr_assert_eq(d->handler, HC_H_RW, "%s", name);
			cr_assert_eq(d->n_slots, d->special & HC_RW_VEC ? 5 : 4, "%s", name);
			break;
		case HC_BRIEF_MSG:
			n_msg++;
			cr_assert_eq(d->handler, HC_H_MSG, "%s", name);
			cr_assert_eq(d->n_slots, 6, "%s", name);
			break;
		case HC_BRIEF_NAME: {
			unsigned text = d->arg[0] >> 4 == HC_SA_FD;

			n_name++;
			cr_assert_eq(d->handler, HC_H_GEN, "%s", name);
			cr_assert_eq(d->facts, 0, "%s", name);
			cr_assert_leq(d->n_slots, 5, "%s", name);
			for (unsigned i = 0; i < d->n_slots; i++) {
				unsigned kind = d->arg[i] >> 4;

				if (i == text)
					cr_assert(kind == HC_SA_STR && (d->arg[i] & 7) == i, "%s text", name);
				else if (!(i == 0 && text && (d->arg[i] & 7) == 0))
					cr_assert_leq(kind, HC_SA_I32, "%s argument %u", name, i);
			}
			break;
		}
		default:
			n_gen++;
			cr_assert_eq(d->brief, HC_BRIEF_GEN, "%s", name);
			cr_assert_eq(d->handler, HC_H_GEN, "%s", name);
			cr_assert_eq(d->facts, 0, "%s", name);
			cr_assert_leq(d->n_slots, 3, "%s", name);
			for (unsigned i = 0; i < d->n_slots; i++) {
				unsigned kind = d->arg[i] >> 4;

				if (kind == HC_SA_FD)
					cr_assert((i == 0 || (i == 2 && d->arg[0] >> 4 == HC_SA_FD)) &&
					                  (d->arg[i] & 7) == i,
					          "%s argument %u", name, i);
				else
					cr_assert_leq(kind, HC_SA_I32, "%s argument %u", name, i);
			}
		}
	}
	cr_assert_eq(n_rw, 8);
	cr_assert_eq(n_msg, 2);
	cr_assert_gt(n_gen, 20);
	cr_assert_gt(n_name, 10);
	cr_assert_eq(native[SYS_epoll_ctl].brief, HC_BRIEF_GEN);
	cr_assert_eq(native[SYS_newfstatat].brief, HC_BRIEF_NAME);
}

/* The handler of opens looks for what has been told of in the ring of this lane, before it knows the call. */
Test(live_table, has_all_opens_in_the_bulk_lane)
{
	unsigned n = 0;

	hc_live_table(native, compat);
	for (unsigned nr = 0; nr < HC_WIRE_MAX_NR; nr++) {
		for (unsigned table = 0; table < 2; table++) {
			const struct hc_sys_desc *d = table ? &compat[nr] : &native[nr];

			if (d->handler != HC_H_OPEN)
				continue;
			cr_assert_eq(d->lane, HC_WIRE_LANE_BULK, "number %u of table %u", nr, table);
			n++;
		}
	}
	cr_assert_gt(n, 4);
}

#if defined(__x86_64__)
/* A number by name out of a header of "#define __NR_name N". */
static int number_in(const char *header, const char *name)
{
	char line[256], found[128];
	FILE *f = fopen(header, "re");
	int nr, ret = -1;

	if (!f)
		return -2;
	while (ret < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "#define __NR_%127s %d", found, &nr) == 2 && !strcmp(found, name))
			ret = nr;
	}
	fclose(f);
	return ret;
}

Test(live_table, gives_a_32_bit_call_the_type_of_the_native_call_of_its_name)
{
	static const char headers[] = "/usr/include/x86_64-linux-gnu/asm/unistd_32.h";
	unsigned n = 0;

	if (access(headers, R_OK))
		cr_skip_test("no headers of the 32-bit table");
	hc_live_table(native, compat);
	for (unsigned nr = 0; nr < HC_WIRE_MAX_NR; nr++) {
		const char *name = hc_event_desc(native[nr].type)->name;
		int nr32;

		if (native[nr].type == HC_EV_SYS)
			continue;
		nr32 = number_in(headers, name);
		if (nr32 < 0 || nr32 >= HC_WIRE_MAX_NR)
			continue; /* not there under that name */
		cr_expect_eq(compat[nr32].type, native[nr].type, "%s is number %d", name, nr32);
		n++;
	}
	cr_assert_gt(n, 100);
}
#endif

/* ---- what is recorded of whom ---- */

static bool has(const struct hc_detail *d, unsigned type)
{
	return d->types[type / 64] >> type % 64 & 1;
}

Test(detail, is_shed_step_by_step_and_never_that_of_security)
{
	static struct hc_dials d;
	struct hc_wanted w = { .profile = HC_PROFILE_FULL, .snaplen = 100 };
	struct hc_type_set everybody, any;
	static const struct {
		unsigned type;
		enum hc_shed thinned, gone; /* HC_N_SHEDS: never */
	} want[] = {
		{ HC_EV_READ, HC_SHED_IO, HC_N_SHEDS }, /* name lookups stay */
		{ HC_EV_WRITE, HC_SHED_IO, HC_N_SHEDS },
		{ HC_EV_MMAP, HC_SHED_IO, HC_N_SHEDS },
		{ HC_EV_PREAD64, HC_SHED_IO, HC_SHED_SAMPLES },
		{ HC_EV_LSEEK, HC_SHED_IO, HC_SHED_IO },
		{ HC_EV_FUTEX, HC_SHED_OTHER, HC_SHED_OTHER },
		{ HC_EV_SYS, HC_SHED_OTHER, HC_SHED_OTHER },
		{ HC_EV_STAT, HC_SHED_METADATA, HC_SHED_METADATA },
		{ HC_EV_GETSOCKOPT, HC_SHED_METADATA, HC_SHED_METADATA },
		{ HC_EV_OPENAT, HC_N_SHEDS, HC_N_SHEDS },
		{ HC_EV_UNLINK, HC_N_SHEDS, HC_N_SHEDS },
		{ HC_EV_CONNECT, HC_N_SHEDS, HC_N_SHEDS },
	};

	for (w.shed = HC_SHED_NONE; w.shed < HC_N_SHEDS; w.shed++) {
		hc_detail_choose(&w, &d, &everybody, &any);
		cr_assert_eq(d.snap[HC_EV_READ], w.shed >= HC_SHED_PAYLOAD ? 0 : 100);
		for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
			const char *name = hc_event_desc(want[i].type)->name;

			cr_assert_eq(hc_type_set_has(&everybody, want[i].type), w.shed < want[i].gone, "%s at %d",
			             name, w.shed);
			if (w.shed < want[i].gone)
				cr_assert_eq(d.detail[0].mode[want[i].type] != HC_MODE_ALL,
				             w.shed >= want[i].thinned, "%s at %d", name, w.shed);
		}
		for (unsigned type = 1; type < HC_EV_MAX; type++) {
			const struct hc_table_desc *desc = hc_event_desc(type);

			if (desc && hc_detail_base(&w, type, HC_SHED_NONE) >= 0 &&
			    (desc->stream == HC_STREAM_SECURITY || desc->cls == HC_CLASS_PROC))
				cr_assert(hc_type_set_has(&everybody, type), "%s", desc->name);
		}
		/* who is raised keeps it all */
		cr_assert_eq(d.detail[3].mode[HC_EV_READ], HC_MODE_ALL);
		cr_assert(has(&d.detail[3], HC_EV_FUTEX));
	}
	w.shed = HC_SHED_SAMPLES;
	w.host_detail = HC_PROFILE_FULL + 1;
	w.host_snaplen = 60;
	hc_detail_choose(&w, &d, &everybody, &any);
	cr_assert(hc_type_set_has(&everybody, HC_EV_FUTEX));
	cr_assert_eq(d.snap[HC_EV_READ], 60);
}

Test(detail, is_the_profile_with_raises_on_top)
{
	static struct hc_dials d;
	struct hc_wanted w = { .profile = HC_PROFILE_MINIMAL, .snaplen = 10 };
	struct hc_type_set everybody, any;

	hc_type_set_add(&w.remove, HC_EV_WRITE);
	hc_detail_choose(&w, &d, &everybody, &any);
	cr_assert(!hc_type_set_has(&everybody, HC_EV_READ));
	cr_assert(has(&d.detail[2], HC_EV_READ), "security");
	cr_assert_eq(d.detail[2].mode[HC_EV_READ], hc_event_desc(HC_EV_READ)->mode);
	cr_assert_eq(d.detail[3].mode[HC_EV_READ], HC_MODE_ALL);
	cr_assert(!has(&d.detail[3], HC_EV_WRITE), "what is left out stays out");
	/* nobody is raised: then numbers of higher details are not even looked at */
	cr_assert_eq(memcmp(&everybody, &any, sizeof(any)), 0);
	for (unsigned i = 0; i < HC_WIRE_MAX_NR / 64; i++)
		cr_assert_eq(d.any[i], d.detail[0].on[i] | d.detail[0].on32[i]);
	cr_assert(!d.any_unknown);

	w.details_used = 1u << 3;
	hc_detail_choose(&w, &d, &everybody, &any);
	cr_assert(!hc_type_set_has(&everybody, HC_EV_READ));
	cr_assert(hc_type_set_has(&any, HC_EV_READ));
	cr_assert(d.any_unknown && !d.detail[0].on_unknown);

	w.details_used = 0;
	w.host_detail = HC_PROFILE_SECURITY + 1;
	w.host_snaplen = 99999;
	hc_detail_choose(&w, &d, &everybody, &any);
	cr_assert(hc_type_set_has(&everybody, HC_EV_READ));
	cr_assert_eq(d.snap[HC_EV_READ], HC_MAX_SNAPLEN);
	cr_assert_eq(d.snap[HC_EV_OPENAT], 0);
	w.profile = HC_PROFILE_FULL; /* never lowered */
	hc_detail_choose(&w, &d, &everybody, &any);
	cr_assert_eq(d.detail[0].mode[HC_EV_READ], HC_MODE_ALL);
	cr_assert_eq(d.detail[1].mode[HC_EV_READ], HC_MODE_ALL);
}

/* ---- the kernel ---- */

static struct hc_live *live;

static void open_live_with(struct hc_live_options opt)
{
	struct hc_err err = { 0 };

	opt.ring_bytes = 1024 * 1024;
	if (geteuid())
		cr_skip_test("needs root");
	if (hc_live_open(&opt, &live, &err))
		cr_skip_test("%s", err.msg);
	cr_assert_eq(hc_live_start(live, &err), 0, "%s", err.msg);
}

static void open_live(const unsigned *types, size_t n)
{
	struct hc_type_set only = { 0 };

	for (size_t i = 0; i < n; i++)
		hc_type_set_add(&only, types[i]);
	open_live_with((struct hc_live_options){ .profile = HC_PROFILE_FULL, .only = &only });
}

/* A copy of the first record of a type made by a process. */
struct wanted {
	unsigned type;
	uint32_t tgid;
	uint16_t flags; /* the record has these */
	uint8_t rec[16384] __attribute__((aligned(8)));
	bool found;
	unsigned n_found;
	uint64_t last_ts;
	bool disorder;
};

static unsigned want_nth; /* of the records that fit: 0 is the first */

static int want(void *ctx, const struct hc_live_rec *rec)
{
	struct wanted *w = ctx;

	w->disorder |= !rec->late && rec->head->ts_ns < w->last_ts;
	w->last_ts = rec->head->ts_ns > w->last_ts ? rec->head->ts_ns : w->last_ts;
	if (rec->head->type != w->type || rec->head->tgid != w->tgid || rec->head->bytes > sizeof(w->rec) ||
	    (rec->head->flags & w->flags) != w->flags)
		return 0;
	if (w->n_found++ != want_nth)
		return 0;
	memcpy(w->rec, rec->head, rec->head->bytes);
	w->found = true;
	return 0;
}

/* Payload of a fact, or NULL. */
static const void *fact(const struct wanted *w, unsigned kind, unsigned subject, uint32_t *ret_bytes)
{
	const struct hc_wire_head *h = (const void *)w->rec;
	size_t at = sizeof(*h) + 8u * h->n_slots;

	while (at + sizeof(struct hc_wire_fact) <= h->bytes) {
		struct hc_wire_fact f;

		memcpy(&f, w->rec + at, sizeof(f));
		at += sizeof(f);
		cr_assert_leq(at + f.bytes, h->bytes, "a fact ends inside its record");
		if (f.kind == kind && f.subject == subject) {
			*ret_bytes = f.bytes;
			return w->rec + at;
		}
		at += (f.bytes + 7) & ~7u;
	}
	return NULL;
}

/* Runs `body` in a child (which then exits) and returns the first record of `type` with `flags` that it made. */
static struct wanted *record_child_flagged(void (*body)(void), unsigned type, uint16_t flags)
{
	static struct wanted w;
	int go[2];
	pid_t pid;

	cr_assert_eq(pipe(go), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		char c;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		if (read(go[0], &c, 1) < 0)
			_exit(1);
		body();
		_exit(0);
	}
	close(go[0]);
	memset(&w, 0, sizeof(w));
	w.type = type;
	w.flags = flags;
	w.tgid = (uint32_t)pid;
	close(go[1]);
	waitpid(pid, NULL, 0);
	hc_live_stop(live);
	hc_live_drain(live, want, &w);
	cr_assert(w.found, "no record of the child");
	cr_assert_not(w.disorder);
	return &w;
}

static struct wanted *record_child(void (*body)(void), unsigned type)
{
	return record_child_flagged(body, type, 0);
}

static void close_live(void)
{
	live = hc_live_close(live);
}

TestSuite(live_kernel, .fini = close_live);

static char scratch_dir[] = "/tmp/hc-live-XXXXXX";

static void open_a_file(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/dir/file", scratch_dir);
	close(open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0640));
}

Test(live_kernel, records_an_open_with_the_text_the_path_and_the_file)
{
	static const unsigned types[] = { HC_EV_OPENAT };
	const struct hc_wire_head *h;
	struct hc_wire_file file;
	struct hc_wire_path path;
	const struct wanted *w;
	char name[64];
	struct stat st;
	const char *text, *comps;
	uint32_t n;

	cr_assert(mkdtemp(scratch_dir));
	snprintf(name, sizeof(name), "%s/dir", scratch_dir);
	cr_assert_eq(mkdir(name, 0700), 0);
	snprintf(name, sizeof(name), "%s/dir/file", scratch_dir);
	open_live(types, 1);
	w = record_child(open_a_file, HC_EV_OPENAT);
	h = (const void *)w->rec;
	cr_assert_eq(stat(name, &st), 0);
	cr_assert_eq(h->nr, SYS_openat);
	cr_assert_geq(h->ret, 0);
	text = fact(w, HC_WIRE_F_STR, HC_A_OPENAT_pathname, &n);
	cr_assert(text && n == strlen(name) && !memcmp(text, name, n));
	comps = fact(w, HC_WIRE_F_PATH, HC_A_OPENAT_newfd, &n);
	cr_assert(comps);
	memcpy(&path, comps, sizeof(path));
	cr_assert_eq(path.n_comps, 4);
	cr_assert_str_eq(comps + sizeof(path), "file", "leaf first");
	cr_assert_str_eq(comps + sizeof(path) + 5, "dir");
	cr_assert(fact(w, HC_WIRE_F_FILE, HC_A_OPENAT_newfd, &n));
	memcpy(&file, fact(w, HC_WIRE_F_FILE, HC_A_OPENAT_newfd, &n), sizeof(file));
	cr_assert_eq(file.ino, st.st_ino);
	cr_assert_eq(file.mode, st.st_mode);
	cr_assert_eq(file.mtime_ns, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	cr_assert_eq(file.nlink, 1);
	unlink(name);
	*strrchr(name, '/') = '\0';
	rmdir(name);
	rmdir(scratch_dir);
}

static void pin_to_first(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void open_it_twice(void)
{
	pin_to_first();
	open_a_file();
	open_a_file();
}

static void open_it_before_and_after_a_rename(void)
{
	char was[64], is[64];

	pin_to_first();
	open_a_file();
	snprintf(was, sizeof(was), "%s/dir", scratch_dir);
	snprintf(is, sizeof(is), "%s/rid", scratch_dir);
	rename(was, is);
	snprintf(is, sizeof(is), "%s/rid/file", scratch_dir);
	close(open(is, O_RDONLY | O_CLOEXEC));
	snprintf(is, sizeof(is), "%s/rid", scratch_dir);
	rename(is, was);
}

/* The second of the child's opens, as the recorder tells it. */
static const struct wanted *second_open(void (*body)(void), struct hc_wire_fd *ret)
{
	static const unsigned types[] = { HC_EV_OPENAT };
	const struct wanted *w;
	char name[64];
	uint32_t n;

	cr_assert(mkdtemp(scratch_dir));
	snprintf(name, sizeof(name), "%s/dir", scratch_dir);
	cr_assert_eq(mkdir(name, 0700), 0);
	snprintf(name, sizeof(name), "%s/dir/file", scratch_dir);
	close(open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	open_live(types, 1);
	want_nth = 1;
	w = record_child(body, HC_EV_OPENAT);
	memcpy(ret, fact(w, HC_WIRE_F_FD, HC_A_OPENAT_newfd, &n), sizeof(*ret));
	unlink(name);
	*strrchr(name, '/') = '\0';
	rmdir(name);
	rmdir(scratch_dir);
	return w;
}

Test(live_kernel, does_not_repeat_what_waits_in_the_ring)
{
	struct hc_wire_fd fd;
	const struct wanted *w = second_open(open_it_twice, &fd);
	uint32_t n;

	cr_assert_eq(w->n_found, 2);
	if (fd.flags & HC_WIRE_FD_DEF)
		cr_skip_test("this kernel's pointers cannot be cast: everything is told each time");
	cr_assert_eq(fd.flags, HC_WIRE_FD_NEW | HC_WIRE_FD_SAME);
	cr_assert(fd.place >= 1 && fd.place <= HC_WIRE_N_TOLD);
	cr_assert_not(fact(w, HC_WIRE_F_FILE, HC_A_OPENAT_newfd, &n));
	cr_assert_not(fact(w, HC_WIRE_F_PATH, HC_A_OPENAT_newfd, &n));
	cr_assert(fact(w, HC_WIRE_F_STR, HC_A_OPENAT_pathname, &n));
}

Test(live_kernel, tells_a_file_again_when_its_path_has_changed)
{
	struct hc_wire_fd fd;
	const struct wanted *w = second_open(open_it_before_and_after_a_rename, &fd);
	const char *comps;
	uint32_t n;

	cr_assert_eq(w->n_found, 2);
	cr_assert_eq(fd.flags, HC_WIRE_FD_NEW | HC_WIRE_FD_DEF);
	comps = fact(w, HC_WIRE_F_PATH, HC_A_OPENAT_newfd, &n);
	cr_assert(comps);
	cr_assert_str_eq(comps + sizeof(struct hc_wire_path) + 5, "rid");
}

static void run_true(void)
{
	char *argv[] = { (char[]){ "true" }, (char[]){ "two words" }, NULL };
	char *envp[] = { (char[]){ "HC_TEST=1" }, NULL };

	execve("/bin/true", argv, envp);
}

Test(live_kernel, records_an_exec_with_arguments_environment_and_executable)
{
	static const unsigned types[] = { HC_EV_PROC_EXEC };
	struct hc_wire_task task;
	const struct wanted *w;
	const char *p;
	uint32_t n;

	open_live(types, 1);
	w = record_child(run_true, HC_EV_PROC_EXEC);
	p = fact(w, HC_WIRE_F_ARGV, HC_WIRE_SUBJ_ROW, &n);
	cr_assert(p && n == sizeof("true\0two words") && !memcmp(p, "true\0two words", n));
	p = fact(w, HC_WIRE_F_ENV, HC_WIRE_SUBJ_ROW, &n);
	cr_assert(p && n == sizeof("HC_TEST=1") && !memcmp(p, "HC_TEST=1", n));
	p = fact(w, HC_WIRE_F_PATH, HC_WIRE_SUBJ_EXE, &n);
	cr_assert(p && !strcmp(p + sizeof(struct hc_wire_path), "true"));
	p = fact(w, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &n);
	cr_assert(p);
	memcpy(&task, p, sizeof(task));
	cr_assert_str_eq(task.comm, "true");
	cr_assert_eq(task.ppid, hc_live_self(live));
}

static void fail_to_exec(void)
{
	char *argv[] = { (char[]){ "x" }, (char[]){ "y" }, NULL };

	execve("/nonexistent/program", argv, NULL);
}

Test(live_kernel, records_an_exec_that_failed)
{
	static const unsigned types[] = { HC_EV_EXECVE };
	const struct wanted *w;
	const char *p;
	uint32_t n;

	open_live(types, 1);
	w = record_child(fail_to_exec, HC_EV_EXECVE);
	cr_assert_eq(((const struct hc_wire_head *)(const void *)w->rec)->ret, -ENOENT);
	p = fact(w, HC_WIRE_F_STR, HC_A_EXECVE_pathname, &n);
	cr_assert(p && n == strlen("/nonexistent/program") && !memcmp(p, "/nonexistent/program", n));
	p = fact(w, HC_WIRE_F_ARGV, HC_A_EXECVE_argv, &n);
	cr_assert(p && n == 4 && !memcmp(p, "x\0y", n));
}

static void connect_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "\0hc-live-test" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(s, (struct sockaddr *)&a, sizeof(sa_family_t) + 13) || listen(s, 1))
		return;
	if (connect(c, (struct sockaddr *)&a, sizeof(sa_family_t) + 13))
		_exit(1);
}

Test(live_kernel, records_both_ends_of_a_local_connection)
{
	static const unsigned types[] = { HC_EV_CONNECT };
	struct hc_wire_unix names;
	const struct wanted *w;
	const char *p;
	uint32_t n;

	open_live(types, 1);
	w = record_child(connect_unix, HC_EV_CONNECT);
	p = fact(w, HC_WIRE_F_UNIX, HC_A_CONNECT_sock_after, &n);
	cr_assert(p);
	memcpy(&names, p, sizeof(names));
	cr_assert_eq(names.local_bytes, 0);
	cr_assert_eq(names.peer_bytes, 13, "an abstract name has all its bytes");
	cr_assert(!memcmp(p + sizeof(names), "\0hc-live-test", 13));
	cr_assert_eq((uint32_t)names.peer_pid, w->tgid);
}

#if defined(__x86_64__)
static void call_32_bit(void)
{
	long ret;

	/* getppid is number 64 there, and semget here */
	__asm__ volatile("int $0x80" : "=a"(ret) : "0"(64L) : "r8", "r9", "r10", "r11", "memory");
	(void)ret;
}

/* A kernel may be built, or booted, without 32-bit calls: the instruction is a fault then. */
static bool has_32_bit_calls(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL); /* no sanitizer's report */
		call_32_bit();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status);
}

Test(live_kernel, tells_a_32_bit_call_from_a_native_one)
{
	static const unsigned types[] = { HC_EV_SYS };
	const struct hc_wire_head *h;

	if (!has_32_bit_calls())
		cr_skip_test("SKIPPED: this kernel has no 32-bit calls (ia32_emulation is off)");
	open_live(types, 1);
	h = (const void *)record_child_flagged(call_32_bit, HC_EV_SYS, HC_WIRE_COMPAT)->rec;
	cr_assert_eq(h->nr, 64);
	cr_assert_eq(h->ret, getpid());
}
#endif

static void map_executable(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

Test(live_kernel, says_what_a_mapping_was_before_it_became_executable)
{
	static const unsigned types[] = { HC_EV_MPROTECT };
	struct hc_wire_mapping map;
	const struct wanted *w;
	const void *p;
	uint32_t n;

	open_live(types, 1);
	for (size_t i = 0; i < hc_live_n_hooks(live); i++) {
		struct hc_live_hook h = hc_live_hook(live, i);

		if (!strcmp(h.name, "syscalls:sys_enter_mprotect") && h.state != HC_HOOK_ATTACHED)
			cr_skip_test("%s", h.reason);
	}
	w = record_child(map_executable, HC_EV_MPROTECT);
	p = fact(w, HC_WIRE_F_MAPPING, HC_WIRE_SUBJ_ROW, &n);
	cr_assert(p);
	memcpy(&map, p, sizeof(map));
	cr_assert_eq(map.prot, PROT_READ | PROT_WRITE);
}

static int inherited_fd;

static void replace_the_inherited(void)
{
	dup2(inherited_fd, inherited_fd + 1);
	dup2(inherited_fd, 999); /* stands nowhere before */
}

Test(live_kernel, tells_of_the_file_that_dup2_replaces_before_it_is_gone)
{
	static const unsigned types[] = { HC_EV_DUP2 };
	struct hc_wire_path path;
	const struct wanted *w;
	struct hc_wire_fd fd;
	const char *p;
	uint32_t n;

	inherited_fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(dup2(open("/etc/group", O_RDONLY | O_CLOEXEC), inherited_fd + 1), inherited_fd + 1);
	open_live(types, 1);
	for (size_t i = 0; i < hc_live_n_hooks(live); i++) {
		struct hc_live_hook h = hc_live_hook(live, i);

		if (!strcmp(h.name, "syscalls:sys_enter_dup2") && h.state != HC_HOOK_ATTACHED)
			cr_skip_test("%s", h.reason);
	}
	w = record_child_flagged(replace_the_inherited, HC_EV_DUP2, HC_WIRE_ENTRY);
	p = fact(w, HC_WIRE_F_FD, HC_A_DUP2_replaced, &n);
	cr_assert(p && n == sizeof(fd));
	memcpy(&fd, p, sizeof(fd));
	cr_assert_eq(fd.flags, HC_WIRE_FD_DEF);
	cr_assert_eq(fd.fd, inherited_fd + 1);
	p = fact(w, HC_WIRE_F_PATH, HC_A_DUP2_replaced, &n);
	cr_assert(p);
	memcpy(&path, p, sizeof(path));
	cr_assert_eq(path.n_comps, 2);
	cr_assert_str_eq(p + sizeof(path), "group");
	cr_assert_eq(w->n_found, 1, "an empty place needs no record");
}

static int find_self(void *ctx, const struct hc_live_rec *rec)
{
	struct wanted *w = ctx;

	cr_assert(rec->head->flags & HC_WIRE_SNAPSHOT);
	if (rec->head->tid == w->tgid) {
		memcpy(w->rec, rec->head, rec->head->bytes);
		w->found = true;
	}
	return 0;
}

Test(live_kernel, lists_the_tasks_alive_with_their_exact_start)
{
	static const unsigned types[] = { HC_EV_PROC_EXIT };
	static struct wanted w;
	struct hc_wire_task task;
	struct hc_err err = { 0 };
	unsigned long long ticks = 0;
	const void *p;
	char line[1024], *after;
	uint32_t n;
	FILE *f;

	open_live(types, 1);
	w.tgid = hc_live_self(live);
	cr_assert_gt(hc_live_snapshot(live, find_self, &w, &err), 1);
	cr_assert(w.found);
	p = fact(&w, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, &n);
	cr_assert(p);
	memcpy(&task, p, sizeof(task));
	f = fopen("/proc/self/stat", "re");
	cr_assert(f && fgets(line, sizeof(line), f));
	fclose(f);
	after = strrchr(line, ')');
	cr_assert_eq(sscanf(after,
	                    ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	                    &ticks),
	             1);
	cr_assert_eq(task.start_ns / (1000000000u / (unsigned)sysconf(_SC_CLK_TCK)), ticks);
}

static void nothing(void)
{
}

Test(live_kernel, counts_what_it_saw_and_leaves_itself_out)
{
	static const unsigned types[] = { HC_EV_PROC_EXIT, HC_EV_SYS };
	struct wanted *w;

	open_live(types, 2);
	for (unsigned i = 0; i < 1000; i++)
		syscall(SYS_getppid);
	w = record_child(nothing, HC_EV_PROC_EXIT);
	cr_assert_geq(hc_live_total(live, HC_EV_PROC_EXIT).seen, 1);
	cr_assert_eq(hc_live_total(live, HC_EV_PROC_EXIT).lost_full, 0);
	cr_assert_eq(hc_live_total(live, HC_EV_PROC_EXIT).lost_busy, 0);
	cr_assert_neq(w->tgid, hc_live_self(live));
	memset(w, 0, sizeof(*w));
	cr_assert_eq(hc_live_drain(live, want, w), 0, "drained before");
}

static void write_often(void)
{
	for (unsigned turn = 0; turn < 3; turn++) {
		int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

		for (unsigned i = 0; i < 100; i++) {
			if (write(fd,
			          "\x7f"
			          "ELF and more than thirty-two bytes of it",
			          40) != 40)
				_exit(1);
		}
		close(fd);
	}
}

Test(live_kernel, keeps_the_first_write_to_each_open_file_and_counts_the_rest)
{
	struct hc_wire_bytes bytes;
	const struct wanted *w;
	const char *p;
	uint32_t n;

	open_live_with((struct hc_live_options){ .profile = HC_PROFILE_SECURITY });
	w = record_child(write_often, HC_EV_WRITE);
	cr_assert_eq(w->n_found, 3, "%u rows", w->n_found);
	cr_assert(((const struct hc_wire_head *)(const void *)w->rec)->flags & HC_WIRE_SAMPLED);
	cr_assert_geq(hc_live_total(live, HC_EV_WRITE).sampled, 297);
	/* at the beginning of a regular file its first 32 bytes are kept */
	p = fact(w, HC_WIRE_F_BYTES, HC_A_WRITE_data, &n);
	cr_assert(p);
	memcpy(&bytes, p, sizeof(bytes));
	cr_assert_eq(bytes.total, 40);
	cr_assert_eq(bytes.offset, 0);
	cr_assert_eq(n, sizeof(bytes) + 32);
	cr_assert(!memcmp(p + sizeof(bytes),
	                  "\x7f"
	                  "ELF",
	                  4));
}

static void write_at_the_beginning_again(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	bool ok = true;

	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < 100; i++)
			ok = ok && pwrite(fd, "data", 4, 100 + i) == 4;
		ok = ok && pwrite(fd, "head", 4, 0) == 4;
	}
	if (!ok)
		_exit(1);
}

Test(live_kernel, keeps_each_write_to_the_beginning_of_a_file)
{
	const struct wanted *w;

	open_live_with((struct hc_live_options){ .profile = HC_PROFILE_SECURITY });
	w = record_child(write_at_the_beginning_again, HC_EV_PWRITE64);
	cr_assert_eq(w->n_found, 1 + 3, "%u rows", w->n_found);
	cr_assert_geq(hc_live_total(live, HC_EV_PWRITE64).sampled, 299);
}

static char page[64], other_page[64];

static bool open_and_read(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = read(fd, &byte, 1) == 1;

	close(fd);
	return ok;
}

static void serve_pages(void)
{
	bool ok = true;

	for (unsigned i = 0; i < 100; i++)
		ok = ok && open_and_read(page);
	ok = ok && open_and_read(other_page);
	/* another file by the same name */
	ok = ok && !rename(other_page, page) && open_and_read(page);
	/* the next second: 2^30 ns */
	ok = ok && !usleep(1100000) && open_and_read(page) && open_and_read(page);
	if (!ok)
		_exit(1);
}

static void make_page(char *path, size_t size)
{
	int fd;

	snprintf(path, size, "/tmp/hc-live-page-XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
}

Test(live_kernel, keeps_a_read_a_second_of_a_file_that_is_opened_again_and_again)
{
	const struct wanted *w;

	make_page(page, sizeof(page));
	make_page(other_page, sizeof(other_page));
	open_live_with((struct hc_live_options){ .profile = HC_PROFILE_SECURITY });
	w = record_child(serve_pages, HC_EV_READ);
	unlink(page);
	/* one row for each of: the page, the other page, that page by the first one's name, and this in the next
	 * second; one or two more where a second ends in between */
	cr_assert(w->n_found >= 4 && w->n_found <= 6, "%u rows", w->n_found);
	cr_assert_geq(hc_live_total(live, HC_EV_READ).sampled, 98);
}

static struct sockaddr_in local_port(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		                     .sin_port = htons(port),
		                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void send_often(void)
{
	struct sockaddr_in at = local_port(0), two[2], dns = local_port(53);
	int receiver = socket(AF_INET, SOCK_DGRAM, 0), connected = socket(AF_INET, SOCK_DGRAM, 0),
	    free_one = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(at);
	bool ok = !bind(receiver, (struct sockaddr *)&at, sizeof(at)) &&
	          !getsockname(receiver, (struct sockaddr *)&at, &len) &&
	          !connect(connected, (struct sockaddr *)&at, sizeof(at));

	for (unsigned i = 0; i < 100; i++)
		ok = ok && send(connected, "x", 1, 0) == 1;
	two[0] = at;
	two[1] = local_port(9);
	for (unsigned i = 0; i < 20; i++)
		ok = ok && sendto(free_one, "x", 1, 0, (struct sockaddr *)&two[i & 1], sizeof(at)) == 1;
	for (unsigned i = 0; i < 3; i++)
		ok = ok && sendto(free_one, "x", 1, 0, (struct sockaddr *)&dns, sizeof(dns)) == 1;
	for (unsigned i = 0; i < 100; i++)
		ok = ok && sendto(free_one, "x", 1, 0, (struct sockaddr *)&at, sizeof(at)) == 1;
	if (!ok)
		_exit(1);
}

Test(live_kernel, keeps_a_message_to_another_peer_than_the_last_and_each_to_port_53)
{
	const struct wanted *w;

	open_live_with((struct hc_live_options){ .profile = HC_PROFILE_SECURITY });
	w = record_child(send_often, HC_EV_SENDTO);
	cr_assert_eq(w->n_found, 1 + 20 + 3 + 1, "%u rows", w->n_found);
	cr_assert_geq(hc_live_total(live, HC_EV_SENDTO).sampled, 99 + 99);
}

static void write_under_another_name(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (write(fd, "seen", 4) != 4)
		_exit(1);
	prctl(PR_SET_NAME, "hc-unseen");
	for (unsigned i = 0; i < 10; i++) {
		if (write(fd, "unseen", 6) != 6)
			_exit(1);
	}
}

Test(live_kernel, leaves_out_processes_by_name_and_counts_what_they_did)
{
	static const char *const names[] = { "hc-unseen" };
	struct hc_type_set only = { 0 };
	const struct wanted *w;
	const char *p;
	uint32_t n;

	hc_type_set_add(&only, HC_EV_WRITE);
	open_live_with((struct hc_live_options){ .profile = HC_PROFILE_FULL,
	                                         .only = &only,
	                                         .snaplen = 16,
	                                         .skip_comms = names,
	                                         .n_skip_comms = 1 });
	w = record_child(write_under_another_name, HC_EV_WRITE);
	cr_assert_eq(w->n_found, 1);
	p = fact(w, HC_WIRE_F_BYTES, HC_A_WRITE_data, &n);
	cr_assert(p && n == sizeof(struct hc_wire_bytes) + 4);
	cr_assert(!memcmp(p + sizeof(struct hc_wire_bytes), "seen", 4));
	cr_assert_eq(hc_live_total(live, HC_EV_WRITE).filtered, 10);
}

static void flood(void)
{
	for (unsigned i = 0; i < 200000; i++)
		syscall(SYS_getppid);
}

static int add_up(void *ctx, const struct hc_live_rec *rec)
{
	(void)rec;
	++*(uint64_t *)ctx;
	return 0;
}

Test(live_kernel, accounts_for_every_record_when_rings_overflow)
{
	static const unsigned types[] = { HC_EV_SYS };
	struct hc_wire_count total;
	struct hc_live_gap gap;
	uint64_t got = 0, missing = 0;
	unsigned n_cpus = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	pid_t pid;

	open_live(types, 1);
	pid = fork();
	if (!pid) {
		flood();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	flood(); /* ours: not seen */
	/* The rings are full now. Room, and one more record per CPU, so that the gaps have an end. */
	for (unsigned round = 0; round < 50 + 2 * n_cpus; round++) {
		hc_live_drain(live, add_up, &got);
		pid = fork();
		if (!pid) {
			cpu_set_t one;

			/* left to itself the kernel may choose the same one each time; one that is not there is
			 * refused */
			CPU_ZERO(&one);
			CPU_SET(round % n_cpus, &one);
			sched_setaffinity(0, sizeof(one), &one);
			for (unsigned i = 0; i < 10; i++)
				syscall(SYS_getppid);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	hc_live_stop(live);
	hc_live_drain(live, add_up, &got);
	total = hc_live_total(live, HC_EV_SYS);
	cr_assert_gt(total.lost_full, 0);
	cr_assert_eq(total.seen, got + total.lost_full);
	while (hc_live_gap_next(live, &gap))
		missing += gap.count;
	cr_assert_eq(missing, total.lost_full, "gaps %llu, lost %llu", (unsigned long long)missing,
	             (unsigned long long)total.lost_full);
}
