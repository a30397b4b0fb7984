/* Replay over whole captures: the order of alerts, threads, spans of time, damage; and what a capture can answer.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen.h"
#include "grow.h"
#include "replay/feed.h"
#include "replay/replay.h"

enum { N_ROWS = 12000 };

struct scene {
	char *dir;
	struct hc_ir *ir;
	struct hc_plan *plan;
};

struct seen {
	uint64_t n, hash, last_seq, first_wall, last_wall;
	uint32_t last_rule;
	bool ordered;
	uint64_t stop_after;
	uint64_t n_begun, n_before; /* calls of `begun`, and what had been emitted */
};

static int render(void *ctx, const struct hc_alert *alert, struct hc_arena *arena, void **ret, struct hc_err *err)
{
	int64_t seq;

	(void)ctx;
	(void)err;
	cr_assert(hc_view_row_field(alert->view, alert->hit->type, alert->hit->row + 1, HC_ROWF_SEQ, &seq));
	*ret = hc_arena_printf(arena, "%lld %s", (long long)seq, alert->rule->name);
	return 0;
}

static int emit(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	struct seen *s = ctx;
	char want[64];

	(void)err;
	snprintf(want, sizeof(want), "%llu r%u", (unsigned long long)hit->seq, hit->rule);
	cr_assert_str_eq((const char *)rendered, want);
	if (s->n && (hit->seq < s->last_seq || (hit->seq == s->last_seq && hit->rule <= s->last_rule)))
		s->ordered = false;
	s->last_seq = hit->seq;
	s->last_rule = hit->rule;
	if (!s->n)
		s->first_wall = (uint64_t)wall_ns;
	s->last_wall = (uint64_t)wall_ns;
	s->hash = (s->hash ^ hit->seq ^ (uint64_t)hit->rule << 48) * UINT64_C(0x9e3779b97f4a7c15);
	return ++s->n == s->stop_after;
}

/* Rule 0 fires on every row, rule 1 on rows of a number, rule 2 on one type. */
static void scene_init(struct scene *s, uint64_t flush_rows)
{
	struct hc_gen_opts opts = { .seed = 5, .n_rows = N_ROWS, .flush_rows = flush_rows };
	struct hc_gen_result result;
	struct hc_err err = { 0 };

	s->dir = hc_gen_tmpdir();
	cr_assert_eq(hc_gen_capture(s->dir, &opts, &result, &err), 0, "%s", err.msg);
	hc_gen_result_done(&result);
	s->ir = hc_ir_new();
	for (uint32_t i = 0; i < 3; i++)
		hc_ir_rule_add(s->ir, &(struct hc_rule_opts){ .name = (const char *[]){ "r0", "r1", "r2" }[i],
		                                              .group = i });
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		struct hc_value zero = hc_value_u64(0);

		if (!hc_event_desc(type))
			continue;
		hc_ir_rule_when(s->ir, 0, type, hc_node_const(s->ir, true));
		hc_ir_rule_when(s->ir, 1, type,
		                hc_node_atom(s->ir, hc_access_col(s->ir, hc_path_row(s->ir, type), HC_COL_NR),
		                             HC_OP_GT, HC_Q_ANY, 0, &zero, 1, NULL));
	}
	hc_ir_rule_when(s->ir, 2, HC_EV_OPENAT, hc_node_const(s->ir, true));
	cr_assert_eq(hc_plan_new(s->ir, HC_MATCH_ALL, &s->plan, &err), 0, "%s", err.msg);
}

static void scene_done(struct scene *s)
{
	hc_plan_free(s->plan);
	hc_ir_free(s->ir);
	hc_gen_rm(s->dir);
	free(s->dir);
}

static struct seen run(const struct scene *s, struct hc_replay_opts opts, struct hc_replay_stats *ret_stats,
                       uint32_t *ret_problems)
{
	struct seen seen = { .ordered = true, .stop_after = ret_stats ? ret_stats->n_hits : 0 };
	struct hc_replay_stats stats;
	struct hc_capture *c;
	struct hc_err err = { 0 };

	opts.render = render;
	opts.emit = emit;
	opts.ctx = &seen;
	cr_assert_eq(hc_capture_open(s->dir, 0, &c, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_replay(s->plan, c, &opts, &stats, &err), 0, "%s", err.msg);
	if (ret_problems)
		hc_capture_problems(c, ret_problems);
	hc_capture_close(c);
	if (ret_stats) {
		*ret_stats = stats;
		ret_stats->hits_by_rule = NULL;
		ret_stats->costs = NULL;
	}
	hc_replay_stats_done(&stats);
	return seen;
}

Test(replay, gives_the_same_for_any_number_of_threads)
{
	struct scene s;
	struct seen one, other;
	struct hc_replay_stats stats = { 0 };

	scene_init(&s, 700);
	one = run(&s, (struct hc_replay_opts){ .n_threads = 1 }, &stats, NULL);
	cr_assert(one.ordered);
	cr_assert_gt(one.n, N_ROWS / 2);
	cr_assert_gt(stats.n_blocks, 20);
	cr_assert_eq(stats.n_rows, N_ROWS);
	for (unsigned threads = 2; threads < 9; threads += 3) {
		other = run(&s, (struct hc_replay_opts){ .n_threads = threads }, NULL, NULL);
		cr_assert(other.ordered);
		cr_assert_eq(other.n, one.n);
		cr_assert_eq(other.hash, one.hash);
	}
	scene_done(&s);
}

Test(replay, keeps_to_the_span_at_the_row)
{
	struct scene s;
	struct seen all, early, late;
	int64_t middle;

	scene_init(&s, 900);
	all = run(&s, (struct hc_replay_opts){ .n_threads = 2 }, NULL, NULL);
	middle = (int64_t)(all.first_wall + (all.last_wall - all.first_wall) / 3) + 1;
	early = run(&s, (struct hc_replay_opts){ .has_until = true, .until_wall_ns = middle }, NULL, NULL);
	late = run(&s, (struct hc_replay_opts){ .has_since = true, .since_wall_ns = middle }, NULL, NULL);
	cr_assert_eq(early.n + late.n, all.n);
	cr_assert_lt(early.last_wall, (uint64_t)middle);
	cr_assert_geq(late.first_wall, (uint64_t)middle);
	cr_assert(early.n > 0 && late.n > 0);
	late = run(&s, (struct hc_replay_opts){ .has_since = true, .since_wall_ns = (int64_t)all.last_wall }, NULL,
	           NULL);
	early = run(&s, (struct hc_replay_opts){ .has_until = true, .until_wall_ns = (int64_t)all.last_wall },
	            NULL, NULL);
	cr_assert_gt(late.n, 0);
	cr_assert_eq(early.n + late.n, all.n);
	scene_done(&s);
}

Test(replay, ends_early_when_the_reader_has_had_enough)
{
	struct hc_replay_stats stats = { .n_hits = 17 };
	struct scene s;
	struct seen seen;

	scene_init(&s, 500);
	seen = run(&s, (struct hc_replay_opts){ .n_threads = 3 }, &stats, NULL);
	cr_assert_eq(seen.n, 17);
	scene_done(&s);
}

static int stop(void *ctx, uint64_t done_rows, uint64_t all_rows)
{
	(void)ctx;
	return done_rows * 2 > all_rows;
}

Test(replay, can_be_interrupted)
{
	struct hc_replay_opts opts = { .n_threads = 2, .progress = stop };
	struct hc_replay_stats stats;
	struct hc_capture *c;
	struct hc_err err = { 0 };
	struct scene s;

	scene_init(&s, 500);
	cr_assert_eq(hc_capture_open(s.dir, 0, &c, &err), 0);
	cr_assert_eq(hc_replay(s.plan, c, &opts, &stats, &err), -EINTR);
	hc_capture_close(c);
	scene_done(&s);
}

static int note_begin(void *ctx, struct hc_err *err)
{
	struct seen *seen = ctx;

	(void)err;
	seen->n_begun++;
	seen->n_before = seen->n;
	return 0;
}

static int refuse(void *ctx, struct hc_err *err)
{
	(void)ctx;
	return hc_err_set(err, -EBUSY, "refused");
}

Test(replay, tells_when_others_are_at_work_and_nothing_is_emitted)
{
	struct hc_replay_opts opts = { .begun = note_begin };
	struct hc_replay_stats stats;
	struct hc_capture *c;
	struct scene s;

	scene_init(&s, 500);
	for (opts.n_threads = 1; opts.n_threads < 4; opts.n_threads++) {
		struct seen seen = run(&s, opts, NULL, NULL);

		cr_assert_eq(seen.n_begun, 1);
		cr_assert_eq(seen.n_before, 0);
		cr_assert_gt(seen.n, N_ROWS / 2);
	}
	for (opts.n_threads = 1; opts.n_threads < 4; opts.n_threads++) {
		struct seen seen = { 0 };
		struct hc_err err = { 0 };

		opts.begun = refuse;
		opts.render = render;
		opts.emit = emit;
		opts.ctx = &seen;
		cr_assert_eq(hc_capture_open(s.dir, 0, &c, &err), 0);
		cr_assert_eq(hc_replay(s.plan, c, &opts, &stats, &err), -EBUSY);
		cr_assert_str_eq(err.msg, "refused");
		cr_assert_eq(seen.n, 0);
		hc_capture_close(c);
	}
	scene_done(&s);
}

/* ---- a feed by itself ---- */

#define N_ITEMS 10

struct items {
	uint64_t weights[N_ITEMS];
	unsigned opened[N_ITEMS], done[N_ITEMS]; /* which, in order of time */
	unsigned n_opened, n_done;
};

static int open_item(void *ctx, void *item, struct hc_block **ret, struct hc_err *err)
{
	struct items *i = ctx;

	(void)ret;
	i->opened[i->n_opened++] = (unsigned)((uint64_t *)item - i->weights);
	return hc_err_set(err, -EBADMSG, "damaged");
}

static int item_done(void *ctx, void *item, int code, const struct hc_err *why, struct hc_err *err)
{
	struct items *i = ctx;

	(void)why;
	(void)err;
	cr_assert_eq(code, -EBADMSG);
	i->done[i->n_done++] = (unsigned)((uint64_t *)item - i->weights);
	return 0;
}

static uint64_t weight_of(void *ctx, void *item)
{
	(void)ctx;
	return *(uint64_t *)item;
}

Test(feed, takes_the_largest_of_the_last_blocks_first)
{
	struct items items = { .weights = { 7, 1, 9, 2, 8, 3, 4, 5, 1, 6 } };
	const struct hc_replay_opts opts = { .n_threads = 1 };
	struct hc_feed_source source = {
		.open = open_item, .done = item_done, .weight = weight_of, .ctx = &items
	};
	struct hc_feed *feed;
	struct hc_err err = { 0 };
	struct scene s;

	scene_init(&s, 500);
	cr_assert_eq(hc_feed_new(s.plan, &opts, &source, &feed, &err), 0, "%s", err.msg);
	for (unsigned i = 0; i < N_ITEMS; i++)
		cr_assert_eq(hc_feed_push(feed, &items.weights[i], i, i, &err), 0);
	cr_assert_lt(items.n_opened, N_ITEMS - 2, "nothing is left to be ordered");
	for (unsigned i = 0; i < items.n_opened; i++)
		cr_assert_eq(items.opened[i], i, "while more may come all goes in order");
	cr_assert_eq(hc_feed_drain(feed, UINT64_MAX, &err), 0);
	cr_assert_eq(items.n_opened, N_ITEMS);
	cr_assert_eq(items.opened[N_ITEMS - 3], 9);
	cr_assert_eq(items.opened[N_ITEMS - 2], 7);
	cr_assert_eq(items.opened[N_ITEMS - 1], 8);
	for (unsigned i = 0; i < N_ITEMS; i++)
		cr_assert_eq(items.done[i], i, "given back in the order of pushing");
	hc_feed_free(feed);
	scene_done(&s);
}

/* Flips a byte in the middle of every block's bytes but the first and last of a segment. */
static unsigned damage(const struct scene *s)
{
	struct hc_capture *c;
	struct hc_err err = { 0 };
	uint32_t n, n_segs;
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	unsigned n_damaged = 0;

	cr_assert_eq(hc_capture_open(s->dir, 0, &c, &err), 0);
	blocks = hc_capture_blocks(c, &n);
	segs = hc_capture_segs(c, &n_segs);
	for (uint32_t i = 3; i + 1 < n; i += 5) {
		char path[512];
		uint8_t byte;
		int fd;

		snprintf(path, sizeof(path), "%s/%s", s->dir, segs[blocks[i].seg].path);
		fd = open(path, O_RDWR);
		cr_assert_geq(fd, 0, "%s", path);
		cr_assert_eq(pread(fd, &byte, 1, (off_t)(blocks[i].off + blocks[i].info.bytes - 20)), 1);
		byte ^= 0x10;
		cr_assert_eq(pwrite(fd, &byte, 1, (off_t)(blocks[i].off + blocks[i].info.bytes - 20)), 1);
		close(fd);
		n_damaged++;
	}
	hc_capture_close(c);
	return n_damaged;
}

Test(replay, passes_over_damaged_blocks_and_lists_them)
{
	struct hc_replay_stats stats = { 0 };
	uint32_t problems = 0;
	struct scene s;
	struct seen before, after, again;
	unsigned n;

	scene_init(&s, 800);
	before = run(&s, (struct hc_replay_opts){ .n_threads = 2 }, NULL, NULL);
	n = damage(&s);
	cr_assert_gt(n, 2);
	after = run(&s, (struct hc_replay_opts){ .n_threads = 2 }, &stats, &problems);
	stats.n_hits = 0;
	again = run(&s, (struct hc_replay_opts){ .n_threads = 1 }, NULL, NULL);
	cr_assert_leq(stats.n_damaged, n);
	cr_assert_geq(problems, 1);
	cr_assert_lt(after.n, before.n);
	cr_assert_gt(after.n, before.n / 2);
	cr_assert(after.ordered);
	cr_assert_eq(again.hash, after.hash);
	scene_done(&s);
}

/* ---- following ---- */

struct follower {
	struct seen seen; /* first: render and emit know no more */
	struct hc_grow *grow;
	uint64_t n_early; /* before the writer had ended */
};

/* Another few bytes are written each time that the follower looks. */
static int write_more(void *ctx, uint64_t done_rows, uint64_t all_rows)
{
	struct follower *f = ctx;

	(void)done_rows;
	cr_assert_eq(all_rows, 0);
	for (unsigned i = 0; f->grow && i < 8; i++) {
		if (!hc_grow_step(f->grow, 50000)) {
			f->n_early = f->seen.n;
			hc_grow_end(f->grow);
			f->grow = NULL;
		}
	}
	return 0;
}

static void follow(const struct scene *s, struct follower *f, struct hc_replay_opts opts,
                   struct hc_replay_stats *ret_stats)
{
	struct hc_capture *c;
	struct hc_err err = { 0 };
	char *to;
	uint32_t n;

	cr_assert(asprintf(&to, "%s-to", s->dir) > 0);
	*f = (struct follower){ .seen = { .ordered = true, .stop_after = ret_stats->n_hits } };
	f->grow = hc_grow_new(s->dir, to, 4);
	opts.render = render;
	opts.emit = emit;
	opts.progress = opts.progress ? opts.progress : write_more;
	opts.ctx = f;
	cr_assert_eq(hc_capture_open(to, 0, &c, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_replay_follow(s->plan, c, &opts, ret_stats, &err), 0, "%s", err.msg);
	hc_capture_problems(c, &n);
	cr_assert_eq(n, 0);
	hc_capture_close(c);
	if (f->grow)
		hc_grow_end(f->grow);
	hc_gen_rm(to);
	free(to);
	hc_replay_stats_done(ret_stats);
}

Test(follow, gives_what_a_replay_gives_afterwards)
{
	struct hc_replay_stats stats = { 0 };
	struct follower f;
	struct seen whole;
	struct scene s;

	scene_init(&s, 700);
	whole = run(&s, (struct hc_replay_opts){ .n_threads = 1 }, NULL, NULL);
	for (unsigned threads = 1; threads < 4; threads += 2) {
		stats.n_hits = 0;
		follow(&s, &f, (struct hc_replay_opts){ .n_threads = threads }, &stats);
		cr_assert_eq(f.seen.n, whole.n);
		cr_assert(f.seen.ordered);
		cr_assert_eq(f.seen.hash, whole.hash);
		cr_assert_gt(f.n_early, 0);
		cr_assert_eq(stats.n_rows, N_ROWS);
	}
	scene_done(&s);
}

Test(follow, of_a_capture_that_nobody_writes_is_a_replay)
{
	struct hc_replay_stats stats = { 0 };
	struct hc_replay_opts opts = { .n_threads = 2, .render = render, .emit = emit };
	struct seen whole, seen = { .ordered = true };
	struct hc_capture *c;
	struct hc_err err = { 0 };
	struct scene s;

	scene_init(&s, 900);
	whole = run(&s, (struct hc_replay_opts){ .n_threads = 1 }, NULL, NULL);
	opts.ctx = &seen;
	opts.has_since = true;
	opts.since_wall_ns = (int64_t)whole.first_wall;
	cr_assert_eq(hc_capture_open(s.dir, 0, &c, &err), 0);
	cr_assert_eq(hc_replay_follow(s.plan, c, &opts, &stats, &err), 0, "%s", err.msg);
	cr_assert_eq(seen.hash, whole.hash);
	hc_replay_stats_done(&stats);
	hc_capture_close(c);
	scene_done(&s);
}

static int interrupt(void *ctx, uint64_t done_rows, uint64_t all_rows)
{
	write_more(ctx, done_rows, all_rows);
	return done_rows > N_ROWS / 3;
}

Test(follow, says_what_it_has_found_when_it_is_interrupted)
{
	struct hc_replay_stats stats = { 0 };
	struct follower f;
	struct scene s;

	scene_init(&s, 20); /* more blocks than are pushed ahead */
	follow(&s, &f, (struct hc_replay_opts){ .n_threads = 2, .progress = interrupt }, &stats);
	cr_assert(f.seen.n > 0 && f.seen.n < N_ROWS * 2);
	cr_assert_eq(f.seen.n, stats.n_hits);
	cr_assert_lt(stats.n_rows, N_ROWS);
	stats.n_hits = 5;
	follow(&s, &f, (struct hc_replay_opts){ .n_threads = 2 }, &stats);
	cr_assert_eq(f.seen.n, 5);
	scene_done(&s);
}

/* ---- what a capture can answer ---- */

struct config {
	uint64_t ts_ns;
	const char *types[4];
};

static struct hc_writer *meta_writer(char **ret_dir)
{
	struct hc_writer_opts opts = { .node = "n", .tool = "t", .next_seq = 1, .next_number = { 1, 1 } };
	struct hc_writer *w;
	struct hc_err err = { 0 };

	opts.dir = *ret_dir = hc_gen_tmpdir();
	cr_assert_eq(hc_writer_open(&opts, &w, &err), 0, "%s", err.msg);
	return w;
}

static uint32_t texts(struct hc_builder *b, const char *const *types)
{
	uint32_t refs[4], k = 0;

	for (; k < 4 && types[k]; k++)
		refs[k] = hc_build_str(b, hc_str_c(types[k]));
	return hc_build_strs(b, refs, k);
}

static void write_config(struct hc_writer *w, const struct config *config)
{
	struct hc_row_head head = { .type = HC_EV_META_CONFIG, .ts_ns = config->ts_ns };
	struct hc_err err = { 0 };
	struct hc_builder *b = hc_writer_begin(w, head.type, head.ts_ns, &err);
	struct hc_cells c = { 0 };

	c.v[HC_C_META_CONFIG_types] = texts(b, config->types);
	cr_assert_eq(hc_writer_row(w, &head, &c, &err), 0);
}

/* A capture of nothing but what the recorder says about itself. */
static char *config_capture(const struct config *configs, size_t n, uint64_t lost, const char *reason)
{
	char *dir;
	struct hc_writer *w = meta_writer(&dir);
	struct hc_err err = { 0 };

	for (size_t i = 0; i < n; i++)
		write_config(w, &configs[i]);
	if (lost) {
		struct hc_row_head head = { .type = HC_EV_META_GAP, .ts_ns = 5000 };
		struct hc_cells c = { 0 };

		hc_writer_begin(w, head.type, head.ts_ns, &err);
		hc_cell_set(&c, HC_C_META_GAP_count, lost);
		cr_assert_eq(hc_writer_row(w, &head, &c, &err), 0);
	}
	if (reason) {
		struct hc_row_head head = { .type = HC_EV_META_FILTER, .ts_ns = 6000 };
		struct hc_builder *b = hc_writer_begin(w, head.type, head.ts_ns, &err);
		struct hc_cells c = { 0 };

		c.v[HC_C_META_FILTER_reason] = hc_build_str(b, hc_str_c(reason));
		c.v[HC_C_META_FILTER_expression] = hc_build_str(b, HC_STR("comm=backup"));
		cr_assert_eq(hc_writer_row(w, &head, &c, &err), 0);
	}
	cr_assert_eq(hc_writer_close(w, &err), 0);
	return dir;
}

static struct hc_facts *facts_of(const char *dir, const struct hc_block_filter *range)
{
	struct hc_capture *c;
	struct hc_facts *f;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_capture_open(dir, 0, &c, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_facts_load(c, range, &f, &err), 0, "%s", err.msg);
	hc_capture_close(c);
	return f;
}

static void forget(char *dir, struct hc_facts *f)
{
	hc_facts_free(f);
	hc_gen_rm(dir);
	free(dir);
}

Test(facts, tell_what_was_recorded)
{
	static const struct config configs[] = {
		{ 1000, { "openat all path,data=80", "write first+magic", "execve all -" } },
		{ 9000, { "openat all path", "write first+magic", "no_such_type all" } },
	};
	char *dir = config_capture(configs, 2, 77, NULL);
	struct hc_facts *f = facts_of(dir, NULL);

	cr_assert_eq(hc_facts_type(f, HC_EV_OPENAT), HC_RECORDED_ALL);
	cr_assert_eq(hc_facts_type(f, HC_EV_WRITE), HC_RECORDED_SAMPLED);
	cr_assert_eq(hc_facts_type(f, HC_EV_EXECVE), HC_RECORDED_PARTLY);
	cr_assert_eq(hc_facts_type(f, HC_EV_CONNECT), HC_RECORDED_NO);
	cr_assert_eq(hc_facts_type(f, HC_EV_META_GAP), HC_RECORDED_ALL);
	cr_assert(hc_facts_has_fact(f, HC_EV_OPENAT, "path"));
	cr_assert(!hc_facts_has_fact(f, HC_EV_OPENAT, "data")); /* not always */
	cr_assert(!hc_facts_has_fact(f, HC_EV_OPENAT, "dat"));
	cr_assert_eq(hc_facts_lost(f), 77);
	hc_facts_free(f);
	f = facts_of(dir, &(struct hc_block_filter){ .has_since = true, .since_wall_ns = 9500 });
	cr_assert_eq(hc_facts_type(f, HC_EV_EXECVE), HC_RECORDED_NO);
	cr_assert_eq(hc_facts_lost(f), 0);
	hc_facts_free(f);
	f = facts_of(dir, &(struct hc_block_filter){ .has_until = true, .until_wall_ns = 8000 });
	cr_assert_eq(hc_facts_type(f, HC_EV_EXECVE), HC_RECORDED_ALL);
	cr_assert(hc_facts_has_fact(f, HC_EV_OPENAT, "data"));
	forget(dir, f);
}

/* Who recorded the whole has its parts, not the other way round. */
Test(facts, may_be_parts_of_others)
{
	static const struct config configs[] = {
		{ 1000, { "openat all container", "write all container.image,container.mounts", "execve all -" } },
	};
	char *dir = config_capture(configs, 1, 0, NULL);
	struct hc_facts *f = facts_of(dir, NULL);

	cr_assert(hc_facts_has_fact(f, HC_EV_OPENAT, "container"));
	cr_assert(hc_facts_has_fact(f, HC_EV_OPENAT, "container.mounts"));
	cr_assert(hc_facts_has_fact(f, HC_EV_WRITE, "container.mounts"));
	cr_assert(!hc_facts_has_fact(f, HC_EV_WRITE, "container.pod"));
	cr_assert(!hc_facts_has_fact(f, HC_EV_WRITE, "container"));
	cr_assert(!hc_facts_has_fact(f, HC_EV_EXECVE, "container.mounts"));
	forget(dir, f);
}

static void write_span(struct hc_writer *w, const char *reason, uint64_t id, const char *expression,
                       const char *const *types, uint64_t from_ns, uint64_t until_ns)
{
	struct hc_row_head head = { .type = HC_EV_META_FILTER, .ts_ns = until_ns ? until_ns : from_ns };
	struct hc_err err = { 0 };
	struct hc_builder *b = hc_writer_begin(w, head.type, head.ts_ns, &err);
	struct hc_cells c = { 0 };

	c.v[HC_C_META_FILTER_reason] = hc_build_str(b, hc_str_c(reason));
	c.v[HC_C_META_FILTER_expression] = hc_build_str(b, hc_str_c(expression));
	c.v[HC_C_META_FILTER_types] = texts(b, types);
	hc_cell_set(&c, HC_C_META_FILTER_id, id);
	hc_cell_set(&c, HC_C_META_FILTER_from_ns, from_ns);
	if (until_ns)
		hc_cell_set(&c, HC_C_META_FILTER_until_ns, until_ns);
	cr_assert_eq(hc_writer_row(w, &head, &c, &err), 0);
}

/* What was recorded of a scope says nothing about the others. */
Test(facts, of_a_scope_are_of_it_alone)
{
	static const struct config config = { 1000, { "openat first path" } };
	static const char *const types[] = { "openat all path", "write all data=9", NULL };
	static const struct hc_block_filter within = {
		.has_since = true, .since_wall_ns = 2000, .has_until = true, .until_wall_ns = 8000
	};
	char *dir;
	struct hc_writer *w = meta_writer(&dir);
	struct hc_ir *ir = hc_ir_new();
	struct hc_answers *a;
	struct hc_facts *f;

	write_config(w, &config);
	write_span(w, "raise", 7, "pid=3 capture=a detail=full processes=1", types, 2000, 0);
	write_span(w, "raise", 7, "pid=3 capture=a detail=full", types, 2000,
	           5000); /* the recorder is started again */
	write_span(w, "raise", 8, "pid=3 capture=a detail=full processes=1", types, 6000, 0);
	write_span(w, "raise", 8, "pid=3 capture=a detail=full", types, 6000, 9000);
	cr_assert_eq(hc_writer_close(w, NULL), 0);
	hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "r" });
	hc_ir_rule_when(ir, 0, HC_EV_WRITE, hc_node_const(ir, true));

	f = facts_of(dir, &within);
	cr_assert_eq(hc_facts_type(f, HC_EV_WRITE), HC_RECORDED_NO);
	cr_assert_eq(hc_facts_type(f, HC_EV_OPENAT), HC_RECORDED_SAMPLED);
	cr_assert_eq(hc_answers_new(ir, f, &a, NULL), 0);
	cr_assert(!hc_answers_rule(a, 0)->answerable);
	cr_assert_str_eq(hc_answers_rule(a, 0)->reasons[0],
	                 "not recorded: write (hindcast record --profile security); of pid=3 it was (capture a)");
	hc_answers_free(a);
	hc_facts_within(f, "pid=3", "b"); /* another capture's */
	hc_facts_within(f, "pid=33", "a");
	hc_facts_within(f, "pid=3", "aa");
	cr_assert_eq(hc_facts_type(f, HC_EV_WRITE), HC_RECORDED_NO);
	hc_facts_within(f, "pid=3", "a");
	cr_assert_eq(hc_facts_type(f, HC_EV_WRITE), HC_RECORDED_ALL);
	cr_assert_eq(hc_facts_type(f, HC_EV_OPENAT), HC_RECORDED_ALL);
	cr_assert(hc_facts_has_fact(f, HC_EV_WRITE, "data"));
	cr_assert_eq(hc_answers_new(ir, f, &a, NULL), 0);
	cr_assert(hc_answers_rule(a, 0)->answerable);
	hc_answers_free(a);
	hc_facts_free(f);

	/* with its past, or what came after it, it was recorded in a part of the time only */
	f = facts_of(dir, NULL);
	hc_facts_within(f, "pid=3", "a");
	cr_assert_eq(hc_facts_type(f, HC_EV_WRITE), HC_RECORDED_NO);
	hc_ir_free(ir);
	forget(dir, f);
}

static const struct hc_answer *answer(struct hc_answers *a, uint32_t rule)
{
	return hc_answers_rule(a, rule);
}

static void check_shed(const char *dir, int64_t since, int64_t until, enum hc_recorded futex,
                       enum hc_recorded write)
{
	struct hc_block_filter range = {
		.has_since = true, .since_wall_ns = since, .has_until = true, .until_wall_ns = until
	};
	struct hc_facts *f = facts_of(dir, &range);
	struct hc_ir *ir = hc_ir_new();
	struct hc_answers *a;

	for (int i = 0; i < 2; i++)
		hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "r" });
	hc_ir_rule_when(ir, 0, HC_EV_FUTEX, hc_node_const(ir, true));
	hc_ir_rule_when(ir, 1, HC_EV_WRITE, hc_node_const(ir, true));
	cr_assert_eq(hc_facts_type(f, HC_EV_FUTEX), futex, "%d to %d", (int)since, (int)until);
	cr_assert_eq(hc_facts_type(f, HC_EV_WRITE), write, "%d to %d", (int)since, (int)until);
	cr_assert_eq(hc_answers_new(ir, f, &a, NULL), 0);
	cr_assert_eq(answer(a, 0)->answerable, futex == HC_RECORDED_ALL);
	cr_assert(answer(a, 1)->answerable);
	if (futex == HC_RECORDED_ALL)
		cr_assert_null(answer(a, 0)->reasons[0]);
	else
		cr_assert_str_eq(
			answer(a, 0)->reasons[0],
			"futex: left out for a time, as the recorder was over its budget (shed: other used=9%)");
	if (write == HC_RECORDED_ALL)
		cr_assert_null(answer(a, 1)->reasons[0]);
	else
		cr_assert_str_eq(answer(a, 1)->reasons[0],
		                 "sampled for a time, as the recorder was over its budget, "
		                 "so that an alert means at least once: write");
	hc_answers_free(a);
	hc_ir_free(ir);
	hc_facts_free(f);
}

static void write_start(struct hc_writer *w, uint64_t ts_ns, const char *why)
{
	struct hc_row_head head = { .type = HC_EV_META_START, .ts_ns = ts_ns };
	struct hc_builder *b = hc_writer_begin(w, head.type, ts_ns, NULL);
	struct hc_cells c = { 0 };

	c.v[HC_C_META_START_why] = hc_build_str(b, hc_str_c(why));
	cr_assert_eq(hc_writer_row(w, &head, &c, NULL), 0);
}

/* Of one that was killed nobody wrote the end; the one after it begins without. */
Test(answers, do_not_doubt_what_came_after_a_recorder_that_was_killed)
{
	static const struct config configs[] = { { 1000, { "futex all -", "write all -" } },
		                                 { 3000, { "write all -" } },
		                                 { 5000, { "futex all -", "write all -" } } };
	static const char *const other[] = { "futex", NULL };
	char *dir;
	struct hc_writer *w = meta_writer(&dir);

	write_config(w, &configs[0]);
	write_config(w, &configs[1]);
	write_span(w, "shed", 3000, "other used=9%", other, 3000, 0);
	cr_assert_eq(hc_writer_flush(w, NULL), 0);
	write_start(w, 4000, "segment");
	write_span(w, "shed", 3000, "other used=9%", other, 3000, 0);
	cr_assert_eq(hc_writer_flush(w, NULL), 0);
	write_start(w, 5000, "continue");
	write_config(w, &configs[2]);
	cr_assert_eq(hc_writer_close(w, NULL), 0);
	check_shed(dir, 1000, 2900, HC_RECORDED_ALL, HC_RECORDED_ALL);
	check_shed(dir, 4100, 4900, HC_RECORDED_NO, HC_RECORDED_ALL);
	check_shed(dir, 5100, 9000, HC_RECORDED_ALL, HC_RECORDED_ALL);
	hc_gen_rm(dir);
	free(dir);
}

/* Only what was shed, and only when. */
Test(answers, doubt_what_a_recorder_over_its_budget_shed)
{
	static const struct config configs[] = { { 1000, { "futex all -", "write all -" } },
		                                 { 2000, { "futex all -", "write first -" } },
		                                 { 3000, { "write first -" } },
		                                 { 5000, { "futex all -", "write first -" } },
		                                 { 6000, { "futex all -", "write all -" } } };
	static const char *const io[] = { "write first", NULL }, *const other[] = { "futex", NULL };
	char *dir;
	struct hc_writer *w = meta_writer(&dir);

	write_config(w, &configs[0]);
	write_config(w, &configs[1]);
	write_span(w, "shed", 2000, "io used=9%", io, 2000, 0);
	write_config(w, &configs[2]);
	write_span(w, "shed", 3000, "other used=9%", other, 3000, 0);
	write_span(w, "shed", 3000, "other used=9%", other, 3000, 5000);
	write_config(w, &configs[3]);
	write_span(w, "shed", 2000, "io used=9%", io, 2000, 6000);
	write_config(w, &configs[4]);
	cr_assert_eq(hc_writer_close(w, NULL), 0);
	check_shed(dir, 1000, 1900, HC_RECORDED_ALL, HC_RECORDED_ALL);
	check_shed(dir, 2100, 2900, HC_RECORDED_ALL, HC_RECORDED_SAMPLED);
	check_shed(dir, 3100, 4000, HC_RECORDED_NO, HC_RECORDED_SAMPLED);
	check_shed(dir, 1000, 4000, HC_RECORDED_PARTLY, HC_RECORDED_SAMPLED);
	check_shed(dir, 5100, 5900, HC_RECORDED_ALL, HC_RECORDED_SAMPLED);
	check_shed(dir, 6100, 9000, HC_RECORDED_ALL, HC_RECORDED_ALL);
	hc_gen_rm(dir);
	free(dir);
}

Test(answers, name_the_reason_and_the_remedy)
{
	static const struct config configs[] = { { 1000, { "openat all path", "write first", "execve all" } } };
	char *dir = config_capture(configs, 1, 0, NULL);
	struct hc_facts *f = facts_of(dir, NULL);
	struct hc_ir *ir = hc_ir_new();
	struct hc_answers *a;

	for (int i = 0; i < 6; i++)
		hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "r", .any_type = i == 4 });
	hc_ir_rule_when(ir, 0, HC_EV_OPENAT, hc_node_const(ir, true));
	hc_ir_rule_when(ir, 1, HC_EV_OPENAT, hc_node_const(ir, true));
	hc_ir_rule_when(ir, 1, HC_EV_CONNECT, NULL);
	hc_ir_rule_when(ir, 2, HC_EV_OPENAT, hc_node_const(ir, true));
	hc_ir_rule_needs(ir, 2, 0, "data", "--snaplen 80", HC_STR("evt.buffer"));
	hc_ir_rule_needs(ir, 2, 0, "data", "--snaplen 80", HC_STR("evt.arg.data"));
	hc_ir_rule_when(ir, 3, HC_EV_WRITE, hc_node_const(ir, true));
	hc_ir_rule_when(ir, 4, HC_EV_CONNECT, hc_node_const(ir, true));
	hc_ir_rule_unanswerable(ir, 5, true, "field a.b is not known");
	cr_assert_eq(hc_answers_new(ir, f, &a, NULL), 0);
	cr_assert(answer(a, 0)->answerable);
	cr_assert_null(answer(a, 0)->reasons[0]);
	cr_assert(!answer(a, 1)->answerable);
	cr_assert_str_eq(answer(a, 1)->reasons[0], "not recorded: connect (hindcast record --profile minimal)");
	cr_assert(!answer(a, 2)->answerable);
	cr_assert_str_eq(
		answer(a, 2)->reasons[0],
		"evt.buffer, evt.arg.data: data was not recorded with openat (hindcast record --snaplen 80)");
	cr_assert(answer(a, 3)->answerable);
	cr_assert(strstr(answer(a, 3)->reasons[0], "at least once") != NULL);
	cr_assert(answer(a, 4)->answerable);
	cr_assert(!answer(a, 5)->answerable);
	cr_assert_str_eq(answer(a, 5)->reasons[0], "field a.b is not known");
	hc_answers_free(a);
	hc_ir_free(ir);
	forget(dir, f);
}

static void check_filter(const char *reason, bool answerable, const char *text)
{
	static const struct config configs[] = { { 1000, { "openat all path" } } };
	char *dir = config_capture(configs, 1, 0, reason);
	struct hc_facts *f = facts_of(dir, NULL);
	struct hc_ir *ir = hc_ir_new();
	struct hc_answers *a;

	hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "r" });
	hc_ir_rule_when(ir, 0, HC_EV_OPENAT, hc_node_const(ir, true));
	cr_assert_eq(hc_answers_new(ir, f, &a, NULL), 0);
	cr_assert_eq(answer(a, 0)->answerable, answerable);
	if (text)
		cr_assert_str_eq(answer(a, 0)->reasons[0], text);
	else
		cr_assert_null(answer(a, 0)->reasons[0]);
	hc_answers_free(a);
	hc_ir_free(ir);
	forget(dir, f);
}

/* What the range says of OPENAT, and the first reason of a rule for it. */
static void check_range(const char *dir, int64_t since, int64_t until, bool answerable, const char *text)
{
	struct hc_block_filter range = {
		.has_since = true, .since_wall_ns = since, .has_until = until != 0, .until_wall_ns = until
	};
	struct hc_facts *f = facts_of(dir, &range);
	struct hc_ir *ir = hc_ir_new();
	struct hc_answers *a;

	hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "r" });
	hc_ir_rule_when(ir, 0, HC_EV_OPENAT, hc_node_const(ir, true));
	cr_assert_eq(hc_answers_new(ir, f, &a, NULL), 0);
	cr_expect_eq(answer(a, 0)->answerable, answerable, "%d to %d", (int)since, (int)until);
	if (text)
		cr_expect(answer(a, 0)->reasons[0] && strcmp(answer(a, 0)->reasons[0], text) == 0, "%d to %d: %s",
		          (int)since, (int)until, answer(a, 0)->reasons[0]);
	else
		cr_expect_null(answer(a, 0)->reasons[0], "%d to %d", (int)since, (int)until);
	hc_answers_free(a);
	hc_ir_free(ir);
	hc_facts_free(f);
}

/* Also one that had not ended when the range did; and none that has ended, though rows say that it began. */
Test(answers, hold_a_range_against_what_was_left_out_in_it)
{
	static const struct config configs[] = { { 1000, { "openat all path" } } };
	static const char *const openat[] = { "openat", NULL }, *const all[] = { NULL };
	static const char user[] = "some were left out while recording (user: comm=backup)";
	static const char disk[] = "openat: some were left out while recording (disk)";
	char *dir;
	struct hc_writer *w = meta_writer(&dir);

	write_config(w, &configs[0]);
	write_span(w, "disk", 9, "", openat, 2000, 0);
	write_span(w, "disk", 9, "", openat, 2000, 4000);
	write_span(w, "disk", 9, "", all, 8000, 0);
	cr_assert_eq(hc_writer_flush(w, NULL), 0);
	write_start(w, 10000, "continue");
	write_span(w, "user", 2, "comm=backup", all, 10000, 0);
	cr_assert_eq(hc_writer_flush(w, NULL), 0);
	write_start(w, 11000, "segment");
	write_span(w, "user", 2, "comm=backup", all, 10000, 0);
	write_span(w, "user", 2, "comm=backup", all, 10000, 12000);
	write_start(w, 14000, "continue");
	write_span(w, "user", 2, "comm=backup", all, 14000, 0);
	cr_assert_eq(hc_writer_close(w, NULL), 0);

	check_range(dir, 1000, 1900, true, NULL);
	check_range(dir, 1000, 2500, false, disk);
	check_range(dir, 2500, 3000, false, disk);
	check_range(dir, 3000, 5000, false, disk);
	check_range(dir, 5000, 7000, true, NULL);
	check_range(dir, 8500, 9000, false, disk);  /* it never ends: the recorder was killed .. */
	check_range(dir, 10500, 10600, true, user); /* .. and the next one began without */
	check_range(dir, 12500, 13000, true, NULL);
	check_range(dir, 14500, 15000, true, user);
	check_range(dir, 12500, 0, true, user);
	hc_gen_rm(dir);
	free(dir);
}

/* A gap counts for all that it touches: nobody knows where in it the events were. */
Test(facts, count_a_gap_in_each_range_that_it_touches)
{
	struct hc_row_head head = { .type = HC_EV_META_GAP, .ts_ns = 5000 };
	struct hc_cells c = { 0 };
	char *dir;
	struct hc_writer *w = meta_writer(&dir);
	static const struct {
		int64_t since, until;
		uint64_t lost;
	} cases[] = {
		{ 1000, 2900, 0 }, { 2000, 3500, 7 }, { 3500, 4000, 7 }, { 4500, 6000, 7 }, { 5500, 6000, 0 }
	};

	cr_assert_not_null(hc_writer_begin(w, head.type, head.ts_ns, NULL));
	hc_cell_set(&c, HC_C_META_GAP_from_ns, 3000);
	hc_cell_set(&c, HC_C_META_GAP_until_ns, 5000);
	hc_cell_set(&c, HC_C_META_GAP_count, 7);
	cr_assert_eq(hc_writer_row(w, &head, &c, NULL), 0);
	cr_assert_eq(hc_writer_close(w, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_block_filter range = { .has_since = true,
			                         .since_wall_ns = cases[i].since,
			                         .has_until = true,
			                         .until_wall_ns = cases[i].until };
		struct hc_facts *f = facts_of(dir, &range);

		cr_expect_eq(hc_facts_lost(f), cases[i].lost, "%d to %d", (int)cases[i].since,
		             (int)cases[i].until);
		hc_facts_free(f);
	}
	hc_gen_rm(dir);
	free(dir);
}

Test(answers, note_what_the_user_left_out_and_doubt_what_was_shed)
{
	check_filter("self", true, NULL);
	check_filter("user", true, "some were left out while recording (user: comm=backup)");
	check_filter("disk", false, "openat: some were left out while recording (disk: comm=backup)");
}
