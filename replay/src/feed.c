/*
 * Pushed blocks stand in a ring. Workers take the next one, open, evaluate and render; the pushing thread collects
 * the results in order and emits the hits up to the block's complete_seq. What is emitted, and in which order,
 * depends on what was pushed alone.
 */
#include "replay/feed.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 256u
#define WINDOW_PER_THREAD 3u

/* What a block gave. */
struct result {
	struct hc_hit *hits;
	void **rendered;  /* by hit */
	uint32_t n, next; /* next to emit */
	struct hc_arena arena;
	int64_t wall_offset_ns;
	int code; /* negative errno: the block is damaged, or the replay is over (fatal) */
	bool fatal, untouched;
	struct hc_err err;
};

struct slot {
	void *item;
	uint32_t block;
	uint64_t complete_seq;
	bool evaluated;
	struct result *result; /* NULL although evaluated: out of memory */
};

struct worker {
	struct hc_feed *feed;
	struct hc_eval *eval;
	pthread_t thread;
	bool started;
};

/* Results with hits still to emit, in order of pushing. */
struct pending {
	struct result **v;
	size_t n, cap;
};

struct hc_feed {
	const struct hc_plan *plan;
	struct hc_replay_opts opts;
	struct hc_feed_source source;
	struct worker *workers;
	unsigned n_workers;
	struct pending pending;
	struct hc_replay_stats stats;
	uint64_t began_ns, cpu_began_ns;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t work, done;
	struct slot *ring;
	uint32_t window;
	uint64_t n_pushed, n_taken, n_collected;
	bool stop;
	uint64_t cpu_ns; /* of workers that have ended */
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct result *result_free(struct result *r)
{
	if (!r)
		return NULL;
	hc_arena_done(&r->arena);
	free(r->hits);
	free(r->rendered);
	free(r);
	return NULL;
}

/* ---- one block ---- */

/* A wall time as boot time of a block, held within what a boot time can be. */
static uint64_t to_boot(int64_t wall_ns, int64_t offset_ns)
{
	int64_t boot;

	if (__builtin_sub_overflow(wall_ns, offset_ns, &boot))
		return wall_ns < 0 ? 0 : UINT64_MAX;
	return boot < 0 ? 0 : (uint64_t)boot;
}

static struct hc_span span_of(const struct hc_replay_opts *opts, int64_t offset_ns)
{
	return (struct hc_span){
		.since_ns = opts->has_since ? to_boot(opts->since_wall_ns, offset_ns) : 0,
		.until_ns = opts->has_until ? to_boot(opts->until_wall_ns, offset_ns) : UINT64_MAX,
	};
}

static int render(struct worker *w, struct result *r, uint32_t block)
{
	const struct hc_replay_opts *opts = &w->feed->opts;

	r->rendered = calloc(r->n + 1u, sizeof(*r->rendered));
	if (!r->rendered)
		return hc_err_set(&r->err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; opts->render && i < r->n; i++) {
		struct hc_alert alert = {
			.hit = &r->hits[i],
			.rule = hc_plan_rule(w->feed->plan, r->hits[i].rule),
			.wall_ns = (int64_t)(r->hits[i].ts_ns + (uint64_t)r->wall_offset_ns),
			.view = hc_eval_view(w->eval),
			.block = block,
		};
		int code = opts->render(opts->ctx, &alert, &r->arena, &r->rendered[i], &r->err);

		if (code < 0)
			return code;
	}
	return hc_view_error(hc_eval_view(w->eval), &r->err); /* a column that only the output asked for */
}

static void run_block(struct worker *w, const struct slot *slot, struct result *r)
{
	const struct hc_feed_source *source = &w->feed->source;
	const struct hc_hit *hits = NULL;
	struct hc_block *block = NULL;
	struct hc_span span;
	int n;

	n = source->open(source->ctx, slot->item, &block, &r->err);
	if (n == 0) {
		r->wall_offset_ns = hc_block_info(block)->wall_offset_ns;
		span = span_of(&w->feed->opts, r->wall_offset_ns);
		n = hc_eval_block(w->eval, block, &span, &hits, &r->err);
	}
	if (n > 0 && hits) {
		r->hits = malloc((size_t)n * sizeof(*r->hits));
		if (r->hits) {
			memcpy(r->hits, hits, (size_t)n * sizeof(*r->hits));
			r->n = (uint32_t)n;
			n = render(w, r, slot->block);
		} else
			n = hc_err_set(&r->err, -ENOMEM, "out of memory");
	}
	if (n < 0) {
		r->code = n;
		r->fatal = n != -EBADMSG && n != -ENOTSUP && n != -E2BIG && n != -EIO;
		r->n = 0;
	}
	r->untouched = block && hc_block_mem_bytes(block) == 0;
	hc_block_close(block);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct hc_feed *f = w->feed;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		struct slot *slot, taken;
		struct result *r;

		while (!f->stop && f->n_taken == f->n_pushed)
			pthread_cond_wait(&f->work, &f->lock);
		if (f->stop)
			break;
		slot = &f->ring[f->n_taken++ % f->window];
		taken = *slot;
		pthread_mutex_unlock(&f->lock);
		r = calloc(1, sizeof(*r));
		if (r)
			run_block(w, &taken, r);
		pthread_mutex_lock(&f->lock);
		slot->result = r;
		slot->evaluated = true;
		pthread_cond_signal(&f->done);
	}
	f->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* ---- collecting ---- */

static int pending_add(struct pending *p, struct result *r)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct result **v = realloc(p->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = r;
	return 0;
}

/* Emits what lies up to complete_seq; the few results that overlap are searched in turn. */
static int emit_until(struct hc_feed *f, uint64_t complete_seq, struct hc_err *err)
{
	struct pending *p = &f->pending;

	for (;;) {
		const struct hc_hit *first = NULL;
		struct result *from;
		size_t at = 0;
		int r = 0;

		for (size_t i = 0; i < p->n; i++) {
			const struct hc_hit *hit = &p->v[i]->hits[p->v[i]->next];

			if (!first || hit->seq < first->seq ||
			    (hit->seq == first->seq && hit->rule < first->rule)) {
				first = hit;
				at = i;
			}
		}
		if (!first || first->seq > complete_seq)
			return 0;
		from = p->v[at];
		f->stats.n_hits++;
		f->stats.hits_by_rule[first->rule]++;
		if (f->opts.emit)
			r = f->opts.emit(f->opts.ctx, first,
			                 (int64_t)(first->ts_ns + (uint64_t)from->wall_offset_ns),
			                 from->rendered[from->next], err);
		if (++from->next == from->n) {
			result_free(from);
			memmove(p->v + at, p->v + at + 1, (p->n - at - 1) * sizeof(*p->v));
			p->n--;
		}
		if (r)
			return r < 0 ? r : 1;
	}
}

/* Takes a result over: what it says about its block, and its hits into the list of those that wait. */
static int take_result(struct hc_feed *f, struct result *r, struct hc_err *why, struct hc_err *err)
{
	int code = r->code;

	f->stats.n_skipped += r->untouched;
	f->stats.n_damaged += code < 0 && !r->fatal;
	if (code < 0)
		*why = r->err;
	if (r->fatal && err && !err->code)
		*err = r->err;
	if (!r->n) {
		result_free(r);
	} else if (pending_add(&f->pending, r) < 0) {
		result_free(r);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	return code;
}

/* The next result in order. wait: until there is one; else 0 without one leaves things as they are. */
static int collect(struct hc_feed *f, bool wait, bool *ret_any, struct hc_err *err)
{
	struct hc_err why = { 0 };
	struct slot slot;
	bool fatal;
	int code, r = 0, end;

	pthread_mutex_lock(&f->lock);
	*ret_any = false;
	while (wait && !f->ring[f->n_collected % f->window].evaluated)
		pthread_cond_wait(&f->done, &f->lock);
	slot = f->ring[f->n_collected % f->window];
	if (slot.evaluated && f->n_collected < f->n_pushed) {
		f->ring[f->n_collected++ % f->window] = (struct slot){ 0 };
		*ret_any = true;
	}
	pthread_mutex_unlock(&f->lock);
	if (!*ret_any)
		return 0;
	fatal = !slot.result || slot.result->fatal;
	code = slot.result ? take_result(f, slot.result, &why, err) : hc_err_set(err, -ENOMEM, "out of memory");
	if (code == -ENOMEM || fatal)
		r = code;
	else
		r = emit_until(f, slot.complete_seq, err);
	end = f->source.done(f->source.ctx, slot.item, code, &why, r ? NULL : err);
	return r ? r : end;
}

int hc_feed_push(struct hc_feed *f, void *item, uint32_t block, uint64_t complete_seq, struct hc_err *err)
{
	bool any = true;
	int r = 0;

	/* what is ready goes out at once; then there must be room */
	while (r == 0 && any && f->n_collected < f->n_pushed)
		r = collect(f, f->n_pushed - f->n_collected >= f->window, &any, err);
	if (r) {
		f->source.done(f->source.ctx, item, -ECANCELED, NULL, NULL);
		return r;
	}
	pthread_mutex_lock(&f->lock);
	f->ring[f->n_pushed++ % f->window] =
		(struct slot){ .item = item, .block = block, .complete_seq = complete_seq };
	pthread_cond_signal(&f->work);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

int hc_feed_drain(struct hc_feed *f, uint64_t complete_seq, struct hc_err *err)
{
	bool any;
	int r = 0;

	while (r == 0 && f->n_collected < f->n_pushed)
		r = collect(f, true, &any, err);
	return r ? r : emit_until(f, complete_seq, err);
}

/* ---- begin and end ---- */

static unsigned n_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static int start_workers(struct hc_feed *f, struct hc_err *err)
{
	struct hc_eval_opts eval_opts = { .profile = f->opts.profile, .user = f->opts.user };

	for (unsigned i = 0; i < f->n_workers; i++) {
		struct worker *w = &f->workers[i];
		int r;

		w->feed = f;
		r = hc_eval_new(f->plan, &eval_opts, &w->eval, err);
		if (r < 0)
			return r;
		r = pthread_create(&w->thread, NULL, work, w);
		if (r)
			return hc_err_set(err, -r, "cannot start a thread: %s", strerror(r));
		w->started = true;
	}
	return 0;
}

int hc_feed_new(const struct hc_plan *plan, const struct hc_replay_opts *opts, const struct hc_feed_source *source,
                struct hc_feed **ret, struct hc_err *err)
{
	HC_AUTO(hc_feed_free) struct hc_feed *f = calloc(1, sizeof(*f));
	uint32_t n_rules = hc_plan_n_rules(plan);
	unsigned n = opts->n_threads ? opts->n_threads : n_processors();
	int r;

	if (!f)
		return hc_err_set(err, -ENOMEM, "out of memory");
	f->plan = plan;
	f->opts = *opts;
	f->source = *source;
	f->began_ns = clock_ns(CLOCK_MONOTONIC);
	f->cpu_began_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->work, NULL);
	pthread_cond_init(&f->done, NULL);
	if (source->max_items && n > source->max_items)
		n = source->max_items;
	f->n_workers = n < MAX_THREADS ? n : MAX_THREADS;
	f->window = f->n_workers * WINDOW_PER_THREAD;
	f->ring = calloc(f->window, sizeof(*f->ring));
	f->workers = calloc(f->n_workers, sizeof(*f->workers));
	f->stats.hits_by_rule = calloc(n_rules + 1u, sizeof(*f->stats.hits_by_rule));
	f->stats.costs = opts->profile ? calloc(n_rules + 1u, sizeof(*f->stats.costs)) : NULL;
	if (!f->ring || !f->workers || !f->stats.hits_by_rule || (opts->profile && !f->stats.costs))
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = start_workers(f, err);
	if (r < 0)
		return r;
	*ret = hc_steal(f);
	return 0;
}

static void add_costs(struct hc_replay_stats *s, const struct hc_eval *eval, uint32_t n_rules)
{
	const struct hc_rule_cost *costs = hc_eval_costs(eval);

	s->n_regex_limits += hc_eval_regex_limits(eval);
	for (uint32_t i = 0; s->costs && i < n_rules; i++) {
		s->costs[i].ns += costs[i].ns;
		s->costs[i].n_blocks += costs[i].n_blocks;
		s->costs[i].n_evaluated += costs[i].n_evaluated;
		s->costs[i].n_candidates += costs[i].n_candidates;
		s->costs[i].n_hits += costs[i].n_hits;
	}
}

/* What was pushed and not collected is given back. */
static void stop_workers(struct hc_feed *f)
{
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->work);
	pthread_mutex_unlock(&f->lock);
	for (unsigned i = 0; f->workers && i < f->n_workers; i++) {
		struct worker *w = &f->workers[i];

		if (w->started)
			pthread_join(w->thread, NULL);
		if (w->eval)
			add_costs(&f->stats, w->eval, hc_plan_n_rules(f->plan));
		w->started = false;
		w->eval = hc_eval_free(w->eval);
	}
	for (; f->n_collected < f->n_pushed; f->n_collected++) {
		struct slot *slot = &f->ring[f->n_collected % f->window];

		result_free(slot->result);
		f->source.done(f->source.ctx, slot->item, -ECANCELED, NULL, NULL);
	}
}

void hc_feed_finish(struct hc_feed *f, struct hc_replay_stats *ret)
{
	stop_workers(f);
	f->stats.n_threads = f->n_workers;
	f->stats.wall_ns = clock_ns(CLOCK_MONOTONIC) - f->began_ns;
	f->stats.cpu_ns = f->cpu_ns + clock_ns(CLOCK_THREAD_CPUTIME_ID) - f->cpu_began_ns;
	*ret = f->stats;
	f->stats = (struct hc_replay_stats){ 0 };
}

struct hc_feed *hc_feed_free(struct hc_feed *f)
{
	if (!f)
		return NULL;
	stop_workers(f);
	for (size_t i = 0; i < f->pending.n; i++)
		result_free(f->pending.v[i]);
	free(f->pending.v);
	free(f->ring);
	free(f->workers);
	hc_replay_stats_done(&f->stats);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->work);
	pthread_cond_destroy(&f->done);
	free(f);
	return NULL;
}
