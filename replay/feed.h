/*
 * A plan over blocks as they come, on several threads: hits are evaluated and rendered by workers and emitted in
 * order of seq. hc_replay() feeds the blocks of a whole capture, hc_replay_follow() those that a recorder appends.
 * Who has one thread and no need of that order has hc_eval_block() (plan.h): the recorder's triggers.
 *
 * The two streams of a boot overlap in seq, so a hit waits until all rows before it are known to have been pushed:
 * that is what `complete_seq` says, which comes with each block. Memory: the blocks being evaluated (one a
 * thread) and the rendered hits that wait.
 */
#ifndef HC_REPLAY_FEED_H
#define HC_REPLAY_FEED_H

#include "replay/replay.h"

struct hc_feed;

/* Where blocks come from. `item` is whatever was pushed. */
struct hc_feed_source {
	/* Called by a worker, concurrently. Errors as of hc_block_open(): damage is passed over, other errors end
	 * the replay. */
	int (*open)(void *ctx, void *item, struct hc_block **ret, struct hc_err *err);
	/*
	 * Called once for each item, in order of pushing, by the thread that pushes, after hits were emitted: the
	 * item is given back. code: 0, or why the block gave nothing (`why`); -ECANCELED when the feed ends
	 * before. A negative errno ends the replay.
	 */
	int (*done)(void *ctx, void *item, int code, const struct hc_err *why, struct hc_err *err);
	/* How much work an item is, roughly, in any unit: by the thread that pushes. NULL: all are alike. */
	uint64_t (*weight)(void *ctx, void *item);
	void *ctx;
	uint32_t max_items; /* that will be pushed: no more threads than that; 0: not known */
};

/* Starts the threads. Of opts everything but `progress` holds; the plan and what opts points to are borrowed. */
int hc_feed_new(const struct hc_plan *plan, const struct hc_replay_opts *opts, const struct hc_feed_source *source,
                struct hc_feed **ret, struct hc_err *err);
/*
 * Evaluates a block, emitting meanwhile what is ready. block: its number, for hc_alert. complete_seq: no row up to
 * this one will be pushed after this block. 0; 1 when emit wants no more; or a negative errno. After anything but
 * 0 only free it.
 */
int hc_feed_push(struct hc_feed *f, void *item, uint32_t block, uint64_t complete_seq, struct hc_err *err);
/* Waits for all that was pushed, and emits what lies up to complete_seq. Returns as hc_feed_push(). */
int hc_feed_drain(struct hc_feed *f, uint64_t complete_seq, struct hc_err *err);
/* Ends the threads. Fills in all of *ret but n_rows and n_blocks, whose n_skipped are only those that were pushed.
 */
void hc_feed_finish(struct hc_feed *f, struct hc_replay_stats *ret);
struct hc_feed *hc_feed_free(struct hc_feed *f);
HC_DEFINE_AUTO(struct hc_feed, hc_feed_free)

#endif
