/*
 * Pushed blocks stand in a ring. Workers take the next one, open, evaluate and render; the pushing thread collects
 * the results in order, emits the hits up to the block's complete_seq, and works like the others while a result is
 * missing. What is emitted, and in which order, depends on what was pushed alone. While the results that wait to
 * be emitted fill MAX_HELD_BYTES, only the block to be collected next is taken.
 *
 * Blocks are taken in order but for the last few, of which the largest goes first: all threads are to end at about
 * the same time.
 */
#include "replay/feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/clock.h"

#define WINDOW_PER_THREAD 3u
/* Blocks take from a tenth of a millisecond to a tenth of a second: while the pushing thread is at a long one, the
 * others live on what it has pushed before. (Not more: an item may hold a file open.) */
#define WINDOW_AHEAD 256u
#define MAX_HELD_BYTES ((size_t)64 << 20)
#define LAST_PER_THREAD 8u

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
	uint64_t complete_seq, weight;
	bool taken, evaluated;
	struct result *result; /* NULL although evaluated: out of memory */
};

struct worker {
	struct hc_feed *feed;
	struct hc_eval *eval; /* made for its first block, by its own thread */
	struct hc_job job;
};

/* Results with hits still to emit: a heap, that with the earliest hit on top. */
struct pending {
	struct result **v;
	size_t n, cap;
};

struct hc_feed {
	const struct hc_plan *plan;
	struct hc_replay_opts opts;
	struct hc_feed_source source;
	struct hc_pool *pool, *own_pool;
	struct worker *workers; /* the first is the pushing thread */
	unsigned n_workers;
	struct pending pending;
	struct hc_replay_stats stats;
	uint64_t began_ns, cpu_began_ns;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t work, done;
	struct slot *ring;
	uint32_t window;
	uint64_t n_pushed, n_taken, n_collected;
	size_t held_bytes; /* of results that are there */
	bool stop, all_pushed;
	uint64_t cpu_ns; /* of workers that have ended */
};

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

	if (opts->scope) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < r->n; i++)
			if (hc_scope_has(opts->scope, hc_eval_view(w->eval), r->hits[i].type, r->hits[i].row))
				r->hits[n++] = r->hits[i];
		r->n = n;
	}
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

static int eval_new(struct worker *w, struct hc_err *err)
{
	const struct hc_replay_opts *opts = &w->feed->opts;
	struct hc_eval_opts eval_opts = { .profile = opts->profile, .user = opts->user };

	return hc_eval_new(w->feed->plan, &eval_opts, &w->eval, err);
}

static void run_block(struct worker *w, const struct slot *slot, struct result *r)
{
	const struct hc_feed_source *source = &w->feed->source;
	const struct hc_hit *hits = NULL;
	struct hc_block *block = NULL;
	struct hc_span span;
	int n = w->eval ? 0 : eval_new(w, &r->err);

	r->arena.tight = true;
	if (n == 0)
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
	r->untouched = n == 0 && hc_eval_pruned(w->eval);
	hc_block_close(block);
}

static size_t result_bytes(const struct result *r)
{
	return r->arena.used_bytes + r->n * (sizeof(*r->hits) + sizeof(*r->rendered));
}

/* With the lock: whether there is a block that may be taken now. */
static bool can_take(const struct hc_feed *f)
{
	return !f->stop && f->n_taken < f->n_pushed &&
	       (f->held_bytes < MAX_HELD_BYTES || !f->ring[f->n_collected % f->window].taken);
}

/* With the lock, when one may be taken. */
static struct slot *take(struct hc_feed *f)
{
	bool in_order = !f->all_pushed || f->n_pushed - f->n_taken > f->n_workers * LAST_PER_THREAD ||
	                f->held_bytes >= MAX_HELD_BYTES;
	uint64_t i = f->n_collected;
	struct slot *best;

	while (f->ring[i % f->window].taken)
		i++;
	best = &f->ring[i % f->window];
	for (i++; !in_order && i < f->n_pushed; i++) {
		struct slot *slot = &f->ring[i % f->window];

		if (!slot->taken && slot->weight > best->weight)
			best = slot;
	}
	best->taken = true;
	f->n_taken++;
	return best;
}

/* With the lock, which is given up meanwhile: takes a block and does it. */
static void work_once(struct worker *w)
{
	struct hc_feed *f = w->feed;
	struct slot *slot = take(f), taken = *slot;
	struct result *r;

	pthread_mutex_unlock(&f->lock);
	r = calloc(1, sizeof(*r));
	if (r)
		run_block(w, &taken, r);
	pthread_mutex_lock(&f->lock);
	if (r)
		f->held_bytes += result_bytes(r);
	slot->result = r;
	slot->evaluated = true;
	pthread_cond_signal(&f->done);
}

static void work(void *arg)
{
	struct worker *w = arg;
	struct hc_feed *f = w->feed;
	uint64_t cpu_began_ns = hc_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		if (can_take(f))
			work_once(w);
		else
			pthread_cond_wait(&f->work, &f->lock);
	}
	f->cpu_ns += hc_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_began_ns;
	pthread_mutex_unlock(&f->lock);
}

/* ---- collecting ---- */

static bool is_earlier(const struct result *a, const struct result *b)
{
	const struct hc_hit *x = &a->hits[a->next], *y = &b->hits[b->next];

	return x->seq != y->seq ? x->seq < y->seq : x->rule < y->rule;
}

/* The top has changed: down with it to its place. */
static void pending_sift(struct pending *p)
{
	for (size_t at = 0, kid; (kid = at * 2 + 1) < p->n; at = kid) {
		struct result *top = p->v[at];

		if (kid + 1 < p->n && is_earlier(p->v[kid + 1], p->v[kid]))
			kid++;
		if (!is_earlier(p->v[kid], top))
			return;
		p->v[at] = p->v[kid];
		p->v[kid] = top;
	}
}

static int pending_add(struct pending *p, struct result *r)
{
	size_t at = p->n;

	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct result **v = realloc(p->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->v = v;
		p->cap = cap;
	}
	for (p->n++; at && is_earlier(r, p->v[(at - 1) / 2]); at = (at - 1) / 2)
		p->v[at] = p->v[(at - 1) / 2];
	p->v[at] = r;
	return 0;
}

/* Takes the top away. */
static struct result *pending_pop(struct pending *p)
{
	struct result *top = p->v[0];

	p->v[0] = p->v[--p->n];
	pending_sift(p);
	return top;
}

static void let_go(struct hc_feed *f, struct result *r)
{
	size_t n_bytes = result_bytes(r);

	result_free(r);
	pthread_mutex_lock(&f->lock);
	f->held_bytes -= n_bytes;
	pthread_cond_broadcast(&f->work);
	pthread_mutex_unlock(&f->lock);
}

/* Emits what lies up to complete_seq. */
static int emit_until(struct hc_feed *f, uint64_t complete_seq, struct hc_err *err)
{
	struct pending *p = &f->pending;

	while (p->n) {
		struct result *from = p->v[0];
		const struct hc_hit *first = &from->hits[from->next];
		int r = 0;

		if (first->seq > complete_seq)
			break;
		f->stats.n_hits++;
		f->stats.hits_by_rule[first->rule]++;
		if (f->opts.emit)
			r = f->opts.emit(f->opts.ctx, first,
			                 (int64_t)(first->ts_ns + (uint64_t)from->wall_offset_ns),
			                 from->rendered[from->next], err);
		if (++from->next == from->n)
			let_go(f, pending_pop(p));
		else
			pending_sift(p);
		if (r)
			return r < 0 ? r : 1;
	}
	return 0;
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
		let_go(f, r);
	} else if (pending_add(&f->pending, r) < 0) {
		let_go(f, r);
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
	while (wait && !f->ring[f->n_collected % f->window].evaluated) {
		if (can_take(f))
			work_once(&f->workers[0]);
		else
			pthread_cond_wait(&f->done, &f->lock);
	}
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
	f->all_pushed = false;
	f->ring[f->n_pushed++ % f->window] =
		(struct slot){ .item = item,
		               .block = block,
		               .complete_seq = complete_seq,
		               .weight = f->source.weight ? f->source.weight(f->source.ctx, item) : 0 };
	pthread_cond_signal(&f->work);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

int hc_feed_drain(struct hc_feed *f, uint64_t complete_seq, struct hc_err *err)
{
	bool any;
	int r = 0;

	pthread_mutex_lock(&f->lock);
	f->all_pushed = true;
	pthread_mutex_unlock(&f->lock);
	while (r == 0 && f->n_collected < f->n_pushed)
		r = collect(f, true, &any, err);
	return r ? r : emit_until(f, complete_seq, err);
}

/* ---- begin and end ---- */

static int start_workers(struct hc_feed *f, struct hc_err *err)
{
	f->workers[0].feed = f;
	for (unsigned i = 1; i < f->n_workers; i++) {
		struct worker *w = &f->workers[i];
		int r;

		w->feed = f;
		w->job = (struct hc_job){ .run = work, .arg = w };
		r = hc_pool_begin(f->pool, &w->job, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int hc_feed_new(const struct hc_plan *plan, const struct hc_replay_opts *opts, const struct hc_feed_source *source,
                struct hc_feed **ret, struct hc_err *err)
{
	HC_AUTO(hc_feed_free) struct hc_feed *f = calloc(1, sizeof(*f));
	uint32_t n_rules = hc_plan_n_rules(plan);
	unsigned n;
	int r;

	if (!f)
		return hc_err_set(err, -ENOMEM, "out of memory");
	f->plan = plan;
	f->opts = *opts;
	f->source = *source;
	f->began_ns = hc_clock_ns(CLOCK_MONOTONIC);
	f->cpu_began_ns = hc_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->work, NULL);
	pthread_cond_init(&f->done, NULL);
	if (!opts->pool)
		f->own_pool = hc_pool_new(opts->n_threads);
	f->pool = opts->pool ? opts->pool : f->own_pool;
	if (!f->pool)
		return hc_err_set(err, -ENOMEM, "out of memory");
	n = hc_pool_n_threads(f->pool);
	f->n_workers = source->max_items && n > source->max_items ? source->max_items : n;
	f->window = f->n_workers * WINDOW_PER_THREAD + (f->n_workers > 1 ? WINDOW_AHEAD : 0);
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

static void add_cost(struct hc_rule_cost *to, const struct hc_rule_cost *c)
{
	to->ns += c->ns;
	to->n_blocks += c->n_blocks;
	to->n_evaluated += c->n_evaluated;
	to->n_candidates += c->n_candidates;
	to->n_hits += c->n_hits;
}

static void add_costs(struct hc_replay_stats *s, const struct hc_eval *eval, uint32_t n_rules)
{
	const struct hc_rule_cost *costs = hc_eval_costs(eval);

	s->n_regex_limits += hc_eval_regex_limits(eval);
	for (uint32_t i = 0; s->costs && i < n_rules; i++)
		add_cost(&s->costs[i], &costs[i]);
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

		if (f->pool)
			hc_pool_end(f->pool, &w->job);
		if (w->eval)
			add_costs(&f->stats, w->eval, hc_plan_n_rules(f->plan));
		w->eval = hc_eval_free(w->eval);
	}
	for (; f->n_collected < f->n_pushed; f->n_collected++) {
		struct slot *slot = &f->ring[f->n_collected % f->window];

		result_free(slot->result);
		f->source.done(f->source.ctx, slot->item, -ECANCELED, NULL, NULL);
	}
}

/* What people count as one rule has one count. */
static void add_more(struct hc_feed *f)
{
	struct hc_replay_stats *s = &f->stats;

	for (uint32_t i = hc_plan_n_rules(f->plan); i-- > 1;) {
		if (!hc_plan_rule(f->plan, i)->more)
			continue;
		s->hits_by_rule[i - 1] += s->hits_by_rule[i];
		s->hits_by_rule[i] = 0;
		if (s->costs) {
			add_cost(&s->costs[i - 1], &s->costs[i]);
			s->costs[i] = (struct hc_rule_cost){ 0 };
		}
	}
}

void hc_feed_finish(struct hc_feed *f, struct hc_replay_stats *ret)
{
	stop_workers(f);
	add_more(f);
	f->stats.n_threads = f->n_workers;
	f->stats.wall_ns = hc_clock_ns(CLOCK_MONOTONIC) - f->began_ns;
	f->stats.cpu_ns = f->cpu_ns + hc_clock_ns(CLOCK_THREAD_CPUTIME_ID) - f->cpu_began_ns;
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
	hc_pool_free(f->own_pool);
	hc_replay_stats_done(&f->stats);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->work);
	pthread_cond_destroy(&f->done);
	free(f);
	return NULL;
}
