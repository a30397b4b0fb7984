/*
 * Blocks are numbered in order of their first seq. Workers take the next number, load, evaluate and render; the
 * caller's thread collects the results in order of number and emits a hit once no block that is still to come can
 * hold an earlier row. What is emitted depends on the blocks alone. At most `window` blocks are between being
 * taken and being collected.
 */
#include "replay/replay.h"

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

struct run {
	const struct hc_plan *plan;
	struct hc_capture *capture;
	const struct hc_replay_opts *opts;
	const struct hc_capture_block *blocks;
	uint32_t *selected;
	uint32_t n_selected;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t work, done;
	uint32_t next, collected, window;
	struct result **results; /* by selected number; NULL until done */
	bool stop;
	uint64_t cpu_ns, n_regex_limits;
	struct hc_rule_cost *costs;
};

struct worker {
	struct run *run;
	struct hc_eval *eval;
	pthread_t thread;
	bool started;
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

static int render(struct worker *w, struct result *r, uint32_t number)
{
	const struct hc_replay_opts *opts = w->run->opts;

	r->rendered = calloc(r->n + 1u, sizeof(*r->rendered));
	if (!r->rendered)
		return hc_err_set(&r->err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; opts->render && i < r->n; i++) {
		struct hc_alert alert = {
			.hit = &r->hits[i],
			.rule = hc_plan_rule(w->run->plan, r->hits[i].rule),
			.wall_ns = (int64_t)(r->hits[i].ts_ns + (uint64_t)r->wall_offset_ns),
			.view = hc_eval_view(w->eval),
			.block = number,
		};
		int code = opts->render(opts->ctx, &alert, &r->arena, &r->rendered[i], &r->err);

		if (code < 0)
			return code;
	}
	return hc_view_error(hc_eval_view(w->eval), &r->err); /* a column that only the output asked for */
}

static void run_block(struct worker *w, uint32_t number, struct result *r)
{
	struct run *run = w->run;
	const struct hc_hit *hits = NULL;
	struct hc_block *block = NULL;
	struct hc_span span;
	int n;

	n = hc_capture_load(run->capture, number, &block, &r->err);
	if (n == 0) {
		r->wall_offset_ns = hc_block_info(block)->wall_offset_ns;
		span = span_of(run->opts, r->wall_offset_ns);
		n = hc_eval_block(w->eval, block, &span, &hits, &r->err);
	}
	if (n > 0 && hits) {
		r->hits = malloc((size_t)n * sizeof(*r->hits));
		if (r->hits) {
			memcpy(r->hits, hits, (size_t)n * sizeof(*r->hits));
			r->n = (uint32_t)n;
			n = render(w, r, number);
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

static void add_costs(struct run *run, const struct hc_eval *eval, uint32_t n_rules)
{
	const struct hc_rule_cost *costs = hc_eval_costs(eval);

	run->n_regex_limits += hc_eval_regex_limits(eval);
	for (uint32_t i = 0; run->costs && i < n_rules; i++) {
		run->costs[i].ns += costs[i].ns;
		run->costs[i].n_blocks += costs[i].n_blocks;
		run->costs[i].n_evaluated += costs[i].n_evaluated;
		run->costs[i].n_candidates += costs[i].n_candidates;
		run->costs[i].n_hits += costs[i].n_hits;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct run *run = w->run;

	pthread_mutex_lock(&run->lock);
	for (;;) {
		struct result *r;
		uint32_t number;

		while (!run->stop && run->next < run->n_selected && run->next - run->collected >= run->window)
			pthread_cond_wait(&run->work, &run->lock);
		if (run->stop || run->next >= run->n_selected)
			break;
		number = run->next++;
		pthread_mutex_unlock(&run->lock);
		r = calloc(1, sizeof(*r));
		if (r)
			run_block(w, run->selected[number], r);
		pthread_mutex_lock(&run->lock);
		if (!r) {
			run->stop = true; /* the collector finds no result and says what that means */
			pthread_cond_broadcast(&run->work);
		}
		run->results[number] = r;
		pthread_cond_signal(&run->done);
	}
	run->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID);
	pthread_cond_broadcast(&run->done);
	pthread_mutex_unlock(&run->lock);
	return NULL;
}

/* ---- collecting ---- */

struct pending {
	struct result **v; /* with hits still to emit, in order of number */
	size_t n, cap;
};

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

static void pending_done(struct pending *p)
{
	for (size_t i = 0; i < p->n; i++)
		result_free(p->v[i]);
	free(p->v);
}

/* Emits what comes before `bound`; the few results that overlap are searched in turn. */
static int emit_before(struct run *run, struct pending *p, uint64_t bound, bool all, struct hc_replay_stats *stats,
                       struct hc_err *err)
{
	const struct hc_replay_opts *opts = run->opts;

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
		if (!first || (!all && first->seq >= bound))
			return 0;
		from = p->v[at];
		stats->n_hits++;
		stats->hits_by_rule[first->rule]++;
		if (opts->emit)
			r = opts->emit(opts->ctx, first, (int64_t)(first->ts_ns + (uint64_t)from->wall_offset_ns),
			               from->rendered[from->next], err);
		if (++from->next == from->n) {
			result_free(from);
			memmove(p->v + at, p->v + at + 1, (p->n - at - 1) * sizeof(*p->v));
			p->n--;
		}
		if (r)
			return r;
	}
}

/* Waits for a result; NULL when there will be none. */
static struct result *collect(struct run *run, uint32_t number)
{
	struct result *r;

	pthread_mutex_lock(&run->lock);
	while (!run->results[number] && !run->stop)
		pthread_cond_wait(&run->done, &run->lock);
	r = run->results[number];
	run->results[number] = NULL;
	run->collected = number + 1;
	pthread_cond_broadcast(&run->work);
	pthread_mutex_unlock(&run->lock);
	return r;
}

static int collect_all(struct run *run, struct pending *p, uint64_t all_rows, struct hc_replay_stats *stats,
                       struct hc_err *err)
{
	const struct hc_replay_opts *opts = run->opts;
	uint64_t done_rows = 0;
	int code = 0;

	for (uint32_t i = 0; code == 0 && i < run->n_selected; i++) {
		uint32_t number = run->selected[i];
		struct result *r = collect(run, i);
		uint64_t bound = i + 1 < run->n_selected ? run->blocks[run->selected[i + 1]].info.first_seq : 0;

		if (!r)
			return hc_err_set(err, -ENOMEM, "out of memory");
		done_rows += run->blocks[number].info.n_rows;
		stats->n_skipped += r->untouched;
		if (r->fatal) {
			code = r->code;
			if (err && !err->code)
				*err = r->err;
		} else if (r->code < 0) {
			stats->n_damaged++;
			hc_capture_add_problem(run->capture, number, &r->err);
		}
		if (r->n) {
			if (pending_add(p, r) < 0) {
				result_free(r);
				return hc_err_set(err, -ENOMEM, "out of memory");
			}
		} else
			result_free(r);
		if (code == 0)
			code = emit_before(run, p, bound, i + 1 == run->n_selected, stats, err);
		if (code == 0 && opts->progress && opts->progress(opts->ctx, done_rows, all_rows))
			code = hc_err_set(err, -EINTR, "interrupted");
	}
	return code > 0 ? 0 : code;
}

/* ---- all of it ---- */

static unsigned n_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

/* What there is to read, and what of it can be left out because no rule asks for these types. */
static int select_blocks(struct run *run, struct hc_replay_stats *stats, struct hc_err *err)
{
	const struct hc_replay_opts *opts = run->opts;
	struct hc_block_filter filter = {
		.has_since = opts->has_since,
		.has_until = opts->has_until,
		.since_wall_ns = opts->since_wall_ns,
		.until_wall_ns = opts->until_wall_ns,
	};
	uint32_t *all, n_all, n_blocks;
	int r;

	run->blocks = hc_capture_blocks(run->capture, &n_blocks);
	r = hc_capture_select(run->capture, &filter, &all, &n_all, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n_all; i++)
		stats->n_rows += run->blocks[all[i]].info.n_rows;
	free(all);
	filter.has_types = true;
	filter.types = hc_plan_types(run->plan);
	r = hc_capture_select(run->capture, &filter, &run->selected, &run->n_selected, err);
	if (r < 0)
		return r;
	stats->n_blocks = n_all;
	stats->n_skipped = n_all - run->n_selected;
	return 0;
}

static int start_workers(struct run *run, struct worker *workers, unsigned n, struct hc_err *err)
{
	struct hc_eval_opts eval_opts = { .profile = run->opts->profile, .user = run->opts->user };

	for (unsigned i = 0; i < n; i++) {
		int r;

		workers[i].run = run;
		r = hc_eval_new(run->plan, &eval_opts, &workers[i].eval, err);
		if (r < 0)
			return r;
		r = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (r)
			return hc_err_set(err, -r, "cannot start a thread: %s", strerror(r));
		workers[i].started = true;
	}
	return 0;
}

int hc_replay(const struct hc_plan *plan, struct hc_capture *c, const struct hc_replay_opts *opts,
              struct hc_replay_stats *ret, struct hc_err *err)
{
	struct run run = { .plan = plan,
		           .capture = c,
		           .opts = opts,
		           .lock = PTHREAD_MUTEX_INITIALIZER,
		           .work = PTHREAD_COND_INITIALIZER,
		           .done = PTHREAD_COND_INITIALIZER };
	struct pending pending = { 0 };
	struct worker *workers = NULL;
	struct hc_replay_stats stats = { 0 };
	uint64_t began = clock_ns(CLOCK_MONOTONIC), cpu_began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	uint32_t n_rules = hc_plan_n_rules(plan);
	unsigned n = opts->n_threads ? opts->n_threads : n_processors();
	int r;

	r = select_blocks(&run, &stats, err);
	if (r < 0)
		return r;
	if (n > MAX_THREADS)
		n = MAX_THREADS;
	if (n > run.n_selected)
		n = run.n_selected ? run.n_selected : 1;
	run.window = n * WINDOW_PER_THREAD;
	run.results = calloc(run.n_selected + 1u, sizeof(*run.results));
	workers = calloc(n, sizeof(*workers));
	stats.hits_by_rule = calloc(n_rules + 1u, sizeof(*stats.hits_by_rule));
	run.costs = opts->profile ? calloc(n_rules + 1u, sizeof(*run.costs)) : NULL;
	if (!run.results || !workers || !stats.hits_by_rule || (opts->profile && !run.costs))
		r = hc_err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = start_workers(&run, workers, n, err);
	if (r == 0)
		r = collect_all(&run, &pending, stats.n_rows, &stats, err);
	pthread_mutex_lock(&run.lock);
	run.stop = true;
	pthread_cond_broadcast(&run.work);
	pthread_mutex_unlock(&run.lock);
	for (unsigned i = 0; workers && i < n; i++) {
		if (workers[i].started)
			pthread_join(workers[i].thread, NULL);
		if (workers[i].eval)
			add_costs(&run, workers[i].eval, n_rules);
		hc_eval_free(workers[i].eval);
	}
	for (uint32_t i = 0; run.results && i < run.n_selected; i++)
		result_free(run.results[i]);
	pending_done(&pending);
	free(workers);
	free(run.results);
	free(run.selected);
	stats.n_threads = n;
	stats.n_regex_limits = run.n_regex_limits;
	stats.costs = run.costs;
	stats.wall_ns = clock_ns(CLOCK_MONOTONIC) - began;
	stats.cpu_ns = run.cpu_ns + clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_began;
	if (r < 0) {
		hc_replay_stats_done(&stats);
		return r;
	}
	*ret = stats;
	return 0;
}

void hc_replay_stats_done(struct hc_replay_stats *s)
{
	free(s->costs);
	free(s->hits_by_rule);
	s->costs = NULL;
	s->hits_by_rule = NULL;
}
