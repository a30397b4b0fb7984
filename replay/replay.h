/* Replay: a plan over a capture, on several threads, hits in order. */
#ifndef HC_REPLAY_REPLAY_H
#define HC_REPLAY_REPLAY_H

#include "replay/plan.h"
#include "replay/pool.h"
#include "replay/scope.h"
#include "store/capture.h"

/* ---- what a capture can answer ---- */

struct hc_facts; /* of one capture, or a span of it: what was recorded, and how */

/* Reads the meta rows. range: only its times count; NULL: all of the capture. */
int hc_facts_load(struct hc_capture *c, const struct hc_block_filter *range, struct hc_facts **ret,
                  struct hc_err *err);
/* From now on what is asked is asked of a capture's scope alone: where detail was raised for it in the whole
 * range, that is what was recorded. */
void hc_facts_within(struct hc_facts *f, const char *scope, const char *capture);
/* Of what a recorder with this profile (an enum hc_profile) is going to record, as far as that is known before it
 * starts: the types. Facts are taken to be there. */
int hc_facts_planned(unsigned profile, struct hc_facts **ret, struct hc_err *err);
struct hc_facts *hc_facts_free(struct hc_facts *f);
HC_DEFINE_AUTO(struct hc_facts, hc_facts_free)

enum hc_recorded {
	HC_RECORDED_UNKNOWN, /* the capture does not say: no meta_config or meta_import row */
	HC_RECORDED_NO,
	HC_RECORDED_PARTLY,  /* not in all spans, or some rows filtered out */
	HC_RECORDED_SAMPLED, /* in all spans, but a mode leaves rows out: "at least once" can be answered */
	HC_RECORDED_ALL,
};

enum hc_recorded hc_facts_type(const struct hc_facts *f, unsigned event_type);
/* Whether a fact was recorded with the type wherever the type was; true where the capture does not say. */
bool hc_facts_has_fact(const struct hc_facts *f, unsigned event_type, const char *fact);
/* Events lost as the capture tells: sum over its meta_gap rows. */
uint64_t hc_facts_lost(const struct hc_facts *f);

/* Why a rule cannot be answered from this capture, or only partly. */
struct hc_answer {
	bool answerable;            /* false: say so, and exit with 1 */
	const char *const *reasons; /* NULL-terminated sentences, remedies included; notes where answerable */
};

struct hc_answers; /* by rule */

/* Facts and IR may go afterwards. */
int hc_answers_new(const struct hc_ir *ir, const struct hc_facts *f, struct hc_answers **ret, struct hc_err *err);
struct hc_answers *hc_answers_free(struct hc_answers *a);
HC_DEFINE_AUTO(struct hc_answers, hc_answers_free)
/* Lives as long as the answers. */
const struct hc_answer *hc_answers_rule(const struct hc_answers *a, uint32_t rule);

/* ---- running ---- */

/* A hit with its block open: everything is borrowed until the sink returns. */
struct hc_alert {
	const struct hc_hit *hit;
	const struct hc_rule_opts *rule;
	int64_t wall_ns;
	struct hc_view *view; /* for hc_access_value(view, access, hit->row) */
	uint32_t block;       /* in hc_capture_blocks(); UINT32_MAX when it was appended after opening */
};

struct hc_replay_opts {
	unsigned n_threads; /* the caller's included; 0: one per processor */
	/* The threads, instead of n_threads; borrowed until the replay is over. NULL: new ones. */
	struct hc_pool *pool;
	bool has_since, has_until;
	int64_t since_wall_ns, until_wall_ns; /* inclusive, exclusive; exact at the row */
	bool profile;
	const void *user; /* for computed leaves */
	/* Hits of others are left out; NULL: none are. Borrowed until the replay is over. */
	const struct hc_scope *scope;
	/* Called once by hc_replay(), in its thread, when others are at work and before anything is emitted: for
	 * what would keep them waiting. A negative errno stops the replay. NULL: there is nothing to do. */
	int (*begun)(void *ctx, struct hc_err *err);
	/* The same when there is nothing left but to wait for the last blocks: for what will be needed next. */
	void (*ending)(void *ctx);
	/*
	 * Called by the thread that evaluated the block, concurrently: renders the alert into the arena, whose
	 * memory is kept until emit. *ret is given to emit. Without it emit gets NULL.
	 */
	int (*render)(void *ctx, const struct hc_alert *alert, struct hc_arena *arena, void **ret,
	              struct hc_err *err);
	/* Called by the thread that called hc_replay(), boot by boot in order of seq, then rule; the view is gone.
	 * A negative errno stops the replay; a positive value ends it early without error. */
	int (*emit)(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err);
	/* After each block, by that thread too. Return nonzero to stop (-EINTR). */
	int (*progress)(void *ctx, uint64_t done_rows, uint64_t all_rows);
	void *ctx;
};

struct hc_replay_stats {
	uint64_t n_rows;    /* in the blocks of the time asked for */
	uint64_t n_blocks;  /* of the time asked for */
	uint64_t n_skipped; /* of these, nothing was decoded: header and texts say that no rule can fire */
	uint64_t n_damaged; /* passed over */
	uint64_t n_hits;
	uint64_t n_regex_limits;
	uint64_t wall_ns, cpu_ns; /* spent */
	unsigned n_threads;
	/* By rule; what is `more` of another counts for that one. free() */
	struct hc_rule_cost *costs; /* when asked for */
	uint64_t *hits_by_rule;
};

/*
 * Replays. The order and content of what emit gets do not depend on the number of threads. Damaged blocks are
 * passed over and listed in the capture's problems. At most a few blocks per thread are in memory, and their
 * alerts wait in about 64 MiB.
 */
int hc_replay(const struct hc_plan *plan, struct hc_capture *c, const struct hc_replay_opts *opts,
              struct hc_replay_stats *ret, struct hc_err *err);
/*
 * Replays a directory that a recorder is writing: what is there, then each block about a second after its events,
 * an alert when all rows before its own have been seen, or when such rows are late, after HC_TAIL_WAIT_NS. Ends
 * without error when the recorder has ended, when all before until_wall_ns is there, when emit wants no more, or
 * when `progress` returns nonzero; that one is called also while nothing happens, every HC_TAIL_POLL_MS, and after
 * alerts, with 0 as all_rows. Memory does not grow with time. -EINVAL: the capture is no directory.
 */
int hc_replay_follow(const struct hc_plan *plan, struct hc_capture *c, const struct hc_replay_opts *opts,
                     struct hc_replay_stats *ret, struct hc_err *err);
void hc_replay_stats_done(struct hc_replay_stats *s);

#endif
