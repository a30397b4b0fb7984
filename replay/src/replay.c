/*
 * Replay of a whole capture: its blocks in order of their first seq into a feed. All rows before the first one of
 * the next block have then been pushed.
 */
#include "replay/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "replay/feed.h"

struct run {
	struct hc_capture *capture;
	const struct hc_replay_opts *opts;
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	uint32_t *selected, n_selected; /* items are pointers into it */
	uint64_t done_rows, all_rows;
};

static int open_block(void *ctx, void *item, struct hc_block **ret, struct hc_err *err)
{
	const struct run *run = ctx;

	return hc_capture_load(run->capture, *(const uint32_t *)item, ret, err);
}

static int block_done(void *ctx, void *item, int code, const struct hc_err *why, struct hc_err *err)
{
	struct run *run = ctx;
	uint32_t block = *(const uint32_t *)item;

	if (code == -ECANCELED)
		return 0;
	if (code < 0)
		hc_capture_add_problem(run->capture, block, why);
	run->done_rows += run->blocks[block].info.n_rows;
	if (run->opts->progress && run->opts->progress(run->opts->ctx, run->done_rows, run->all_rows))
		return hc_err_set(err, -EINTR, "interrupted");
	return 0;
}

static uint64_t weight(void *ctx, void *item)
{
	const struct run *run = ctx;

	return run->blocks[*(const uint32_t *)item].info.bytes;
}

/* What there is to read, and what of it can be left out because no rule asks for these types. */
static int select_blocks(struct run *run, const struct hc_plan *plan, uint32_t *ret_all, struct hc_err *err)
{
	const struct hc_replay_opts *opts = run->opts;
	struct hc_block_filter filter = {
		.has_since = opts->has_since,
		.has_until = opts->has_until,
		.since_wall_ns = opts->since_wall_ns,
		.until_wall_ns = opts->until_wall_ns,
	};
	uint32_t *all, n;
	int r;

	run->blocks = hc_capture_blocks(run->capture, &n);
	run->segs = hc_capture_segs(run->capture, &n);
	r = hc_capture_select(run->capture, &filter, &all, ret_all, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < *ret_all; i++)
		run->all_rows += run->blocks[all[i]].info.n_rows;
	free(all);
	filter.has_types = true;
	filter.types = hc_plan_types(plan);
	return hc_capture_select(run->capture, &filter, &run->selected, &run->n_selected, err);
}

/* Up to which row all has been pushed once the i-th block was. Captures that lie together number for themselves.
 */
static uint64_t complete_after(const struct run *run, uint32_t i)
{
	const struct hc_capture_block *block = &run->blocks[run->selected[i]], *next;

	if (i + 1 == run->n_selected)
		return UINT64_MAX;
	next = &run->blocks[run->selected[i + 1]];
	if (run->segs[next->seg].boot != run->segs[block->seg].boot)
		return UINT64_MAX;
	return next->info.first_seq - (next->info.first_seq > 0);
}

static int push_blocks(struct run *run, struct hc_feed *feed, uint32_t from, uint32_t to, struct hc_err *err)
{
	int r = 0;

	for (uint32_t i = from; r == 0 && i < to; i++)
		r = hc_feed_push(feed, &run->selected[i], run->selected[i], complete_after(run, i), err);
	return r;
}

int hc_replay(const struct hc_plan *plan, struct hc_capture *c, const struct hc_replay_opts *opts,
              struct hc_replay_stats *ret, struct hc_err *err)
{
	struct run run = { .capture = c, .opts = opts };
	struct hc_feed_source source = { .open = open_block, .done = block_done, .weight = weight, .ctx = &run };
	struct hc_feed *feed = NULL;
	uint32_t n_all, n_first;
	int r = select_blocks(&run, plan, &n_all, err);

	if (r < 0)
		return r;
	source.max_items = run.n_selected ? run.n_selected : 1;
	n_first = run.n_selected ? 1 : 0;
	r = hc_feed_new(plan, opts, &source, &feed, err);
	/* one block ahead: nothing is collected before the second */
	if (r == 0)
		r = push_blocks(&run, feed, 0, n_first, err);
	if (r == 0 && opts->begun)
		r = opts->begun(opts->ctx, err);
	if (r == 0)
		r = push_blocks(&run, feed, n_first, run.n_selected, err);
	if (r == 0 && opts->ending)
		opts->ending(opts->ctx);
	if (r == 0)
		r = hc_feed_drain(feed, UINT64_MAX, err);
	if (r >= 0) {
		hc_feed_finish(feed, ret);
		ret->n_rows = run.all_rows;
		ret->n_blocks = n_all;
		ret->n_skipped += n_all - run.n_selected;
		r = 0;
	}
	hc_feed_free(feed);
	free(run.selected);
	return r;
}

void hc_replay_stats_done(struct hc_replay_stats *s)
{
	free(s->costs);
	free(s->hits_by_rule);
	s->costs = NULL;
	s->hits_by_rule = NULL;
}
