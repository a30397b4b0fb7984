/* Replay of a capture that grows: what its tail gives goes into a feed. */
#include <errno.h>
#include <time.h>

#include "replay/feed.h"
#include "store/tail.h"

struct run {
	struct hc_tail *tail;
	const struct hc_replay_opts *opts;
	uint64_t n_rows, n_blocks, n_skipped, done_rows;
	bool stop;
};

static int open_block(void *ctx, void *item, struct hc_block **ret, struct hc_err *err)
{
	const struct run *run = ctx;

	return hc_tail_load(run->tail, item, ret, err);
}

static void ask(struct run *run)
{
	if (run->opts->progress && run->opts->progress(run->opts->ctx, run->done_rows, 0))
		run->stop = true;
}

static int block_done(void *ctx, void *item, int code, const struct hc_err *why, struct hc_err *err)
{
	struct hc_tail_block *block = item;
	struct run *run = ctx;

	(void)err;
	if (code < 0 && code != -ECANCELED)
		hc_tail_add_problem(run->tail, block, why);
	if (code != -ECANCELED) {
		run->done_rows += block->info.n_rows;
		ask(run);
	}
	hc_tail_block_free(block);
	return 0;
}

static void nap(void)
{
	struct timespec ts = { .tv_nsec = HC_TAIL_POLL_MS * 1000000L };

	nanosleep(&ts, NULL); /* a signal ends it, and `progress` knows of that */
}

static int push(struct run *run, struct hc_feed *feed, const struct hc_type_set *types,
                struct hc_tail_block *block, uint64_t complete_seq, struct hc_err *err)
{
	run->n_rows += block->info.n_rows;
	run->n_blocks++;
	if (hc_type_set_meets(&block->info.types, types))
		return hc_feed_push(feed, block, block->index, complete_seq, err);
	run->n_skipped++;
	run->done_rows += block->info.n_rows;
	hc_tail_block_free(block);
	return 0;
}

static int follow(struct run *run, struct hc_feed *feed, const struct hc_type_set *types, struct hc_err *err)
{
	struct hc_tail_block *block;
	uint64_t complete_seq;
	int r = 0;

	while (r == 0 && !run->stop) {
		int what = hc_tail_next(run->tail, &block, &complete_seq, err);

		if (what < 0)
			return what;
		if (what == HC_TAIL_BLOCK) {
			r = push(run, feed, types, block, complete_seq, err);
			continue;
		}
		r = hc_feed_drain(feed, complete_seq, err);
		ask(run);
		if (what == HC_TAIL_END)
			break;
		if (r == 0 && !run->stop)
			nap();
	}
	/* whatever ended it: what has been found is said */
	return r == 0 ? hc_feed_drain(feed, UINT64_MAX, err) : r;
}

int hc_replay_follow(const struct hc_plan *plan, struct hc_capture *c, const struct hc_replay_opts *opts,
                     struct hc_replay_stats *ret, struct hc_err *err)
{
	struct hc_block_filter filter = { .has_since = opts->has_since,
		                          .has_until = opts->has_until,
		                          .since_wall_ns = opts->since_wall_ns,
		                          .until_wall_ns = opts->until_wall_ns };
	HC_AUTO(hc_tail_close) struct hc_tail *tail = NULL;
	struct run run = { .opts = opts };
	struct hc_feed_source source = { .open = open_block, .done = block_done, .ctx = &run };
	struct hc_type_set types = hc_plan_types(plan);
	struct hc_feed *feed = NULL;
	int r = hc_tail_open(c, &filter, &tail, err);

	run.tail = tail;
	if (r == 0)
		r = hc_feed_new(plan, opts, &source, &feed, err);
	if (r == 0)
		r = follow(&run, feed, &types, err);
	if (r >= 0) {
		hc_feed_finish(feed, ret);
		ret->n_rows = run.n_rows;
		ret->n_blocks = run.n_blocks;
		ret->n_skipped += run.n_skipped;
		r = 0;
	}
	hc_feed_free(feed);
	return r;
}
