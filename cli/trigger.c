/*
 * Between the two threads: blocks go one way through a ring, what was found comes back as a list, with an eventfd
 * that wakes the loop. The set of rules belongs to the thread; what the loop needs of it are copies under the
 * lock.
 *
 * The share of a processor is kept by arrears: each block's time is added, what may be used since is taken off,
 * and while arrears are left nothing is evaluated.
 */
#include "trigger.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/render.h"
#include "trigger_gate.h"

#define QUEUE 64u                     /* blocks that wait */
#define BATCHES 64u                   /* of what was found, that wait for the loop */
#define NICE 5                        /* the recorder has -10 */
#define BURST_NS UINT64_C(50000000)   /* processor time that may be used at once, whatever the share */
#define TELL_NS UINT64_C(10000000000) /* what was passed over is told this often */
#define MAX_SERIES 500u               /* rules in the metrics */
#define N_DELAYS 7u
#define MAX_TOLD 20 /* reasons why rules cannot be answered, in the log */
#define BY "rule "  /* ... NAME: who started a capture */

struct item {
	char path[4096];
	uint64_t off, first_ns;
	uint64_t written_ns; /* boot clock: since when it waits */
	uint32_t n_rows;
};

/* From the thread to the loop: what a block gave, or a line of the log. */
struct batch {
	struct batch *next;
	struct hc_trigger_batch found;
	struct hc_err err; /* code 0: none */
};

struct hc_trigger {
	struct hc_daemon_part part;
	struct hc_daemon *daemon; /* NULL until it runs */
	struct hc_captures *captures;
	struct hc_log *log;
	const char *dir;
	struct hc_trigger_gate *gate;
	struct hc_trigger_args args; /* in force; texts are in the set */
	struct hc_type_set types;    /* that some rule may fire on */
	bool has_rules;
	int wake_fd, follow_fd;
	uint64_t n_matches[HC_TRIGGER_N_VERDICTS], n_matches_failed;
	uint64_t delays[N_DELAYS + 1]; /* from the event to the capture: how often, by delay_le */
	double delay_seconds;          /* the sum */
	uint64_t told_ns, n_skipped_told, n_rows_skipped_told;
	bool pinned_full;       /* as of the last look */
	char config_path[4096]; /* of the newest segment with a meta_config row; "": none yet */

	struct item item; /* the thread's: what it looks at */
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t work;
	bool stop;
	struct hc_trigger_set *set, *next_set; /* next_set: loaded before there was a thread */
	struct hc_trigger_args *next_args;     /* to be loaded; in next_arena */
	uint32_t n_asked;                      /* reloads that wait for these */
	uint32_t n_refused, n_loaded; /* reloads that have ended, of which the loop is to tell the daemon */
	struct hc_arena next_arena;
	bool taken;                      /* a new set is in force: the loop takes over what it needs */
	struct hc_trigger_args set_args; /* of the set; texts in the set's memory */
	struct item ring[QUEUE];
	uint32_t head, n;
	bool looking; /* at `item` */
	struct batch *batches, **last_batch;
	uint32_t n_batches;
	uint64_t n_skipped, n_rows_skipped, skipped_from_ns; /* blocks that were not looked at */
	uint64_t n_blocks, n_failed, cpu_ns;
	struct hc_trigger_rule_stats *rules; /* of the set, as of the last block; at most MAX_SERIES */
	uint32_t n_rules;
};

static struct batch *batch_free(struct batch *b)
{
	if (b)
		hc_arena_done(&b->found.arena);
	free(b);
	return NULL;
}

static void wake_loop(struct hc_trigger *t)
{
	uint64_t one = 1;

	if (write(t->wake_fd, &one, sizeof(one)) < 0)
		return; /* it is full of wake-ups already */
}

/* ---- the thread ---- */

/* What the rules did so far, for who asks meanwhile. With the lock; the set is not being used. */
static void note_rules(struct hc_trigger *t, const struct hc_trigger_set *set)
{
	if (set)
		t->n_rules = hc_trigger_set_stats(set, t->rules, t->n_rules);
}

/* Room for them. With the lock. */
static void count_rules(struct hc_trigger *t, const struct hc_trigger_set *set)
{
	free(t->rules);
	t->n_rules = set ? hc_trigger_set_n_rules(set) : 0;
	if (t->n_rules > MAX_SERIES)
		t->n_rules = MAX_SERIES;
	t->rules = calloc(t->n_rules + 1u, sizeof(*t->rules));
	if (!t->rules)
		t->n_rules = 0;
	note_rules(t, set);
}

/* Gives it to the loop; with the lock. A loop that is behind gets no more, which counts as not looked at. */
static bool give(struct hc_trigger *t, struct batch *b)
{
	if (t->n_batches == BATCHES)
		return false;
	b->next = NULL;
	*t->last_batch = b;
	t->last_batch = &b->next;
	t->n_batches++;
	wake_loop(t);
	return true;
}

struct sayer {
	struct hc_log *log;
	unsigned n;
};

static void say_unanswerable(void *ctx, const char *rule, const char *reason)
{
	struct sayer *s = ctx;

	if (s->n++ < MAX_TOLD)
		hc_log(s->log, HC_LOG_WARN, "a trigger's rule cannot be answered from what is recorded",
		       HC_LOG_STR("rule", rule), HC_LOG_STR("reason", reason));
}

/* The line and the caret below it, which a terminal gets, are no lines of a log. */
static void say_warning(void *ctx, const struct hc_falco_diag *d)
{
	struct sayer *s = ctx;
	char place[32];

	if (s->n++ >= MAX_TOLD)
		return;
	snprintf(place, sizeof(place), "%u:%u", d->line, d->column);
	hc_log(s->log, HC_LOG_WARN, "a file of triggers' rules is doubtful",
	       HC_LOG_STR("file", d->place_file ? d->place_file : d->file), HC_LOG_STR("place", place),
	       HC_LOG_STR("item", d->item_name), HC_LOG_STR("warning", d->message), HC_LOG_STR("code", d->code));
}

static void say_unmatched(void *ctx, const char *option, const char *value)
{
	struct hc_trigger *t = ctx;

	hc_log(t->log, HC_LOG_WARN, "an option of triggers fits no rule", HC_LOG_STR("option", option),
	       HC_LOG_STR("value", value));
}

/* Says which rules cannot be answered: by what the recording says of itself in the segment that has it last. */
static void report(struct hc_trigger *t, const struct hc_trigger_set *set, const char *segment)
{
	HC_AUTO(hc_capture_close) struct hc_capture *c = NULL;
	HC_AUTO(hc_facts_free) struct hc_facts *facts = NULL;
	struct sayer s = { .log = t->log };
	struct hc_err err = { 0 };
	int r = *segment ? hc_capture_open(segment, HC_CAPTURE_EVEN_BROKEN, &c, &err) : -ENOENT;

	if (r == 0)
		r = hc_facts_load(c, NULL, &facts, &err);
	if (r == 0)
		r = hc_trigger_set_unanswerable(set, facts, say_unanswerable, &s, &err);
	if (r > 0)
		hc_log(t->log, HC_LOG_WARN, "rules of triggers will never fire", HC_LOG_U64("rules", (uint64_t)r),
		       HC_LOG_U64("of_rules", hc_trigger_set_n_rules(set)));
	else if (r < 0 && *segment)
		hc_log_err(t->log, HC_LOG_WARN, "which rules of triggers can be answered is not known", &err);
}

/* A set comes into force. With the lock, which is given up meanwhile. */
static void install(struct hc_trigger *t, struct hc_trigger_set *set)
{
	struct hc_trigger_set *old;
	char segment[sizeof(t->config_path)];

	old = t->set;
	t->set = set;
	t->taken = true;
	count_rules(t, set);
	memcpy(segment, t->config_path, sizeof(segment));
	wake_loop(t);
	pthread_mutex_unlock(&t->lock);
	hc_trigger_set_free(old);
	if (set) {
		hc_log(t->log, HC_LOG_INFO, "rules of triggers are in force",
		       HC_LOG_U64("rules", hc_trigger_set_n_rules(set)));
		hc_trigger_set_warnings(set, say_warning, &(struct sayer){ .log = t->log });
		(void)hc_trigger_set_unmatched(set, say_unmatched, t);
		report(t, set, segment);
	}
	pthread_mutex_lock(&t->lock);
}

/* Other options. With the lock, which is given up meanwhile. */
static void load(struct hc_trigger *t)
{
	struct hc_trigger_args *args = hc_steal(t->next_args);
	struct hc_arena arena = t->next_arena;
	struct hc_trigger_set *set = NULL;
	struct hc_err err = { 0 };
	uint32_t n_asked = t->n_asked;
	int r = 0;

	t->next_arena = (struct hc_arena){ 0 };
	t->n_asked = 0;
	pthread_mutex_unlock(&t->lock);
	if (args->policies.n)
		r = hc_trigger_set_new(args, &set, &err);
	if (r < 0)
		hc_log_err(t->log, HC_LOG_ERROR,
		           "the policies of triggers do not load; those before stay in force", &err);
	pthread_mutex_lock(&t->lock);
	if (r < 0) {
		t->n_refused += n_asked;
		wake_loop(t);
	} else {
		t->n_loaded += n_asked;
		t->set_args = *args;
		/* the loop needs no texts of them */
		t->set_args.policies = t->set_args.rules = t->set_args.tags = t->set_args.each =
			(struct hc_strs){ 0 };
		t->set_args.what.detail = NULL;
		install(t, set);
	}
	hc_arena_done(&arena);
}

static void look_at(struct hc_trigger *t, struct hc_trigger_set *set, const struct item *item)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct hc_err err = { 0 };
	int r = b ? hc_trigger_set_block(set, item->path, item->off, &b->found, &err) : -ENOMEM;

	if (r < 0 && b) {
		b->err = err;
		hc_err_note(&b->err, "while looking for triggers");
	}
	pthread_mutex_lock(&t->lock);
	t->n_blocks++;
	if (r < 0)
		t->n_failed++;
	note_rules(t, set);
	if (b && (r < 0 || b->found.n) && give(t, b)) {
		b = NULL; /* the loop's */
	} else if (!b || r < 0 || b->found.n) {
		t->n_skipped++;
		t->n_rows_skipped += item->n_rows;
	}
	pthread_mutex_unlock(&t->lock);
	batch_free(b);
}

/* Waits, at most until the arrears are paid. With the lock. */
static void wait_for_work(struct hc_trigger *t, uint64_t ns)
{
	struct timespec until;

	if (!ns) {
		pthread_cond_wait(&t->work, &t->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	ns += (uint64_t)until.tv_nsec;
	until.tv_sec += (time_t)(ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	pthread_cond_timedwait(&t->work, &t->lock, &until);
}

static void *work(void *arg)
{
	struct hc_trigger *t = arg;
	uint64_t arrears_ns = 0, paid_ns = hc_clock_ns(CLOCK_MONOTONIC),
		 cpu_ns = hc_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	(void)prctl(PR_SET_NAME, "hc-triggers");
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		uint64_t now_ns = hc_clock_ns(CLOCK_MONOTONIC), cpu_now_ns = hc_clock_ns(CLOCK_THREAD_CPUTIME_ID);
		uint64_t permille = t->set_args.max_cpu.permille ? t->set_args.max_cpu.permille : 1;
		uint64_t may_ns = (now_ns - paid_ns) / 1000 * permille;

		t->cpu_ns += cpu_now_ns - cpu_ns;
		arrears_ns += cpu_now_ns - cpu_ns;
		arrears_ns -= may_ns < arrears_ns ? may_ns : arrears_ns;
		paid_ns = now_ns;
		cpu_ns = cpu_now_ns;
		if (t->next_set) {
			install(t, hc_steal(t->next_set));
		} else if (t->next_args) {
			load(t);
		} else if (!t->n) {
			wait_for_work(t, 0);
		} else if (arrears_ns > BURST_NS) {
			wait_for_work(t, (arrears_ns - BURST_NS) / permille * 1000 + 1000000);
		} else {
			struct hc_trigger_set *set = t->set;

			t->item = t->ring[t->head];
			t->head = (t->head + 1) % QUEUE;
			t->n--;
			t->looking = true;
			pthread_mutex_unlock(&t->lock);
			if (set)
				look_at(t, set, &t->item);
			pthread_mutex_lock(&t->lock);
			t->looking = false;
		}
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static int thread_start(struct hc_trigger *t, struct hc_err *err)
{
	int r = t->has_thread ? 0 : pthread_create(&t->thread, NULL, work, t);

	if (r)
		return hc_err_set(err, -r, "cannot start a thread for triggers: %s", strerror(r));
	t->has_thread = true;
	return 0;
}

static void thread_stop(struct hc_trigger *t)
{
	if (!t->has_thread)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->work);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	t->has_thread = false;
}

/* ---- blocks ---- */

static void pass_over(struct hc_trigger *t, const struct item *item)
{
	t->n_skipped++;
	t->n_rows_skipped += item->n_rows;
	if (!t->skipped_from_ns || item->first_ns < t->skipped_from_ns)
		t->skipped_from_ns = item->first_ns;
}

static void on_block(void *ctx, const char *path, const struct hc_seg_header *seg,
                     const struct hc_seg_block *block)
{
	struct hc_trigger *t = ctx;
	struct item *item;

	(void)seg;
	if (hc_type_set_has(&block->info.types, HC_EV_META_CONFIG)) {
		pthread_mutex_lock(&t->lock);
		snprintf(t->config_path, sizeof(t->config_path), "%s", path);
		pthread_mutex_unlock(&t->lock);
	}
	if (!t->has_rules || !hc_type_set_meets(&block->info.types, &t->types))
		return;
	pthread_mutex_lock(&t->lock);
	if (t->n == QUEUE) { /* the oldest goes: it is of no use to be late for all */
		pass_over(t, &t->ring[t->head]);
		t->head = (t->head + 1) % QUEUE;
		t->n--;
	}
	item = &t->ring[(t->head + t->n++) % QUEUE];
	snprintf(item->path, sizeof(item->path), "%s", path);
	item->off = block->off;
	item->first_ns = block->info.first_ns;
	item->written_ns = hc_clock_ns(CLOCK_BOOTTIME);
	item->n_rows = block->info.n_rows;
	pthread_cond_signal(&t->work);
	pthread_mutex_unlock(&t->lock);
}

/* ---- what becomes of what was found ---- */

static void write_alert(struct hc_trigger *t, const struct hc_record_alert *a)
{
	struct hc_err err = { 0 };

	if (hc_record_alert(hc_daemon_record(t->daemon), a, &err) < 0)
		hc_log_err(t->log, HC_LOG_ERROR, "a trigger's alert cannot be written", &err);
}

static bool is_ours(const struct hc_capture_now *k)
{
	return strncmp(k->by, BY, strlen(BY)) == 0;
}

/* Whether captures keep more of the disk than triggers may fill. */
static bool pinned_is_full(struct hc_trigger *t)
{
	const struct hc_share_arg *max = &t->args.max_pinned;
	struct hc_retain_stats s;
	uint64_t whole, limit, pinned = 0;

	if (!max->bytes && !max->permille)
		return false;
	s = hc_record_summary(hc_daemon_record(t->daemon)).retain;
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		pinned += s.stream[k].pinned_bytes;
	whole = s.limit_bytes ? s.limit_bytes : s.disk_bytes;
	limit = max->bytes ? max->bytes : whole / 1000 * max->permille;
	return limit && pinned > limit;
}

static struct hc_trigger_budget budget(struct hc_trigger *t)
{
	struct hc_trigger_budget b = { .max_hour = (uint32_t)t->args.max_hour,
		                       .max_running = (uint32_t)t->args.max_running,
		                       .pinned_full = t->pinned_full };
	uint32_t n;
	const struct hc_capture_now *k = hc_captures_list(t->captures, &n);

	for (uint32_t i = 0; i < n; i++) {
		b.n_kept += is_ours(&k[i]);
		b.n_running += is_ours(&k[i]) && k[i].state == HC_MARK_RUNNING;
	}
	return b;
}

/* "read-sensitive-file-20260301T120000Z", with "-2" and so on when that is taken already. */
static void name_of(const struct hc_trigger *t, const char *rule, char name[HC_MARK_NAME_MAX + 1])
{
	char slug[32], when[24];
	time_t now = time(NULL);
	struct tm tm = { 0 };
	size_t n = 0;
	uint32_t n_captures;
	const struct hc_capture_now *k = hc_captures_list(t->captures, &n_captures);

	for (; *rule && n + 1 < sizeof(slug); rule++) {
		if (isascii((unsigned char)*rule) && isalnum((unsigned char)*rule))
			slug[n++] = (char)tolower((unsigned char)*rule);
		else if (n && slug[n - 1] != '-')
			slug[n++] = '-';
	}
	while (n && slug[n - 1] == '-')
		n--;
	slug[n] = '\0';
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned nth = 1; nth <= HC_CAPTURES_MAX + 1; nth++) {
		bool taken = false;

		if (nth == 1)
			snprintf(name, HC_MARK_NAME_MAX + 1, "%s-%s", n ? slug : "rule", when);
		else
			snprintf(name, HC_MARK_NAME_MAX + 1, "%s-%s-%u", n ? slug : "rule", when, nth);
		for (uint32_t i = 0; i < n_captures; i++)
			taken |= strcmp(k[i].name, name) == 0;
		if (!taken)
			return;
	}
}

static int start_capture(struct hc_trigger *t, const struct hc_trigger_found *f, char name[HC_MARK_NAME_MAX + 1],
                         struct hc_err *err)
{
	const struct hc_capture_now *k;
	char by[256], note[1025], when[40];
	struct hc_capture_request q = { .name = name,
		                        .scope = f->scope,
		                        .by = by,
		                        .note = note,
		                        .detail = f->what.detail,
		                        .pre_ns = f->what.pre_ns,
		                        .for_ns = f->what.for_ns,
		                        .keep_ns = f->what.keep_ns };

	name_of(t, f->rule, name);
	snprintf(by, sizeof(by), BY "%s", f->rule);
	hc_render_time(f->wall_ns, when, sizeof(when));
	snprintf(note, sizeof(note), "event %" PRIu64 " of %s: %s", f->seq, when, f->output);
	return hc_captures_start(t->captures, &q, &k, err);
}

static const double delay_le[N_DELAYS] = { 0.25, 0.5, 1, 2, 5, 15, 60 };

static void count_delay(struct hc_trigger *t, double seconds)
{
	unsigned i = 0;

	while (i < N_DELAYS && seconds > delay_le[i])
		i++;
	t->delays[i]++;
	t->delay_seconds += seconds;
}

static void decide(struct hc_trigger *t, const struct hc_trigger_found *f, uint64_t now_ns)
{
	struct hc_trigger_budget b = budget(t);
	struct hc_record_alert row = { .rule = f->rule,
		                       .policy_sha256 = f->policy_sha256[0] ? f->policy_sha256 : NULL,
		                       .dialect = f->dialect,
		                       .severity = f->severity,
		                       .output = f->output,
		                       .scope = f->scope,
		                       .seq = f->seq,
		                       .event_ns = f->ts_ns,
		                       .count = f->n };
	double delay = (double)(int64_t)(hc_clock_ns(CLOCK_BOOTTIME) - f->ts_ns) / 1e9;
	char name[HC_MARK_NAME_MAX + 1];
	struct hc_err err = { 0 };
	bool tell;
	enum hc_trigger_verdict v =
		hc_trigger_gate_ask(t->gate, f->rule, f->place, f->n, f->what.cooldown_ns, &b, now_ns, &tell);

	t->n_matches[v] += f->n;
	if (!tell)
		return;
	row.outcome = hc_trigger_verdict_text(v);
	if (v == HC_TRIGGER_START && start_capture(t, f, name, &err) < 0) {
		row.outcome = "failed";
		t->n_matches[v] -= f->n;
		t->n_matches_failed += f->n;
		hc_log_err(t->log, HC_LOG_ERROR, "a trigger's capture cannot be started", &err);
	} else if (v == HC_TRIGGER_START) {
		row.capture = name;
		count_delay(t, delay);
		hc_log(t->log, HC_LOG_INFO, "a trigger has fired", HC_LOG_STR("rule", f->rule),
		       HC_LOG_STR("capture", name), HC_LOG_STR("scope", f->scope), HC_LOG_U64("seq", f->seq),
		       HC_LOG_F64("delay_seconds", delay));
	} else {
		hc_log(t->log, HC_LOG_WARN, "a trigger has fired, but its capture is not started",
		       HC_LOG_STR("rule", f->rule), HC_LOG_STR("scope", f->scope), HC_LOG_STR("why", row.outcome),
		       HC_LOG_U64("seq", f->seq));
	}
	write_alert(t, &row);
}

/* What was held back during cool-downs that are over. */
static void tell_held(struct hc_trigger *t, uint64_t now_ns, bool all)
{
	struct hc_trigger_held h;

	while (hc_trigger_gate_over(t->gate, now_ns, all, &h)) {
		struct hc_record_alert row = { .rule = h.rule[0] ? h.rule : NULL,
			                       .outcome = hc_trigger_verdict_text(h.verdict),
			                       .scope = h.place[0] ? h.place : NULL,
			                       .count = h.n };

		hc_log(t->log, HC_LOG_INFO, "a trigger fired again without starting a capture",
		       HC_LOG_STR("rule", row.rule), HC_LOG_STR("scope", row.scope),
		       HC_LOG_STR("why", row.outcome), HC_LOG_U64("times", h.n));
		write_alert(t, &row);
	}
}

/* The directory is followed while there are rules. */
static void follow(struct hc_trigger *t)
{
	char path[4096];

	if (t->has_rules && t->follow_fd < 0) {
		snprintf(path, sizeof(path), "%s/segments", t->dir);
		t->follow_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (t->follow_fd < 0 || flock(t->follow_fd, LOCK_SH | LOCK_NB) < 0)
			hc_log(t->log, HC_LOG_WARN,
			       "triggers may be some seconds late: the directory cannot be locked",
			       HC_LOG_STR("error", strerror(errno)));
	} else if (!t->has_rules && t->follow_fd >= 0) {
		close(t->follow_fd);
		t->follow_fd = -1;
	}
}

/* When the directory was removed and is there again, that is the one which the writer asks. */
static void follow_anew(struct hc_trigger *t)
{
	char path[4096];
	struct stat st;

	if (t->follow_fd < 0 || fstat(t->follow_fd, &st) < 0 || st.st_nlink)
		return;
	snprintf(path, sizeof(path), "%s/segments", t->dir);
	if (access(path, F_OK) < 0)
		return;
	close(t->follow_fd);
	t->follow_fd = -1;
	follow(t);
}

/* A set of rules has come into force, or could not be read. */
static void take_over(struct hc_trigger *t)
{
	uint32_t n_loaded, n_refused;
	bool taken;

	pthread_mutex_lock(&t->lock);
	n_loaded = t->n_loaded;
	n_refused = t->n_refused;
	t->n_loaded = t->n_refused = 0;
	taken = t->taken;
	t->taken = false;
	if (taken) {
		t->args = t->set_args;
		t->has_rules = t->set && hc_trigger_set_n_rules(t->set);
		t->types = t->set ? hc_trigger_set_types(t->set) : (struct hc_type_set){ 0 };
	}
	pthread_mutex_unlock(&t->lock);
	hc_daemon_reloaded(t->daemon, n_loaded, true);
	hc_daemon_reloaded(t->daemon, n_refused, false);
	if (taken)
		follow(t);
}

/* What a block gave. False: there was none. */
static bool decide_next(struct hc_trigger *t)
{
	uint64_t now_ns = hc_clock_ns(CLOCK_BOOTTIME);
	struct batch *b;

	pthread_mutex_lock(&t->lock);
	b = t->batches;
	if (b) {
		t->batches = b->next;
		t->n_batches--;
		if (!t->batches)
			t->last_batch = &t->batches;
		else
			wake_loop(t); /* one at a time: recording goes on in between */
	}
	pthread_mutex_unlock(&t->lock);
	if (!b)
		return false;
	tell_held(t, now_ns, false);
	t->pinned_full = pinned_is_full(t);
	if (b->err.code)
		hc_log_err(t->log, HC_LOG_WARN, "a block was not looked at by triggers", &b->err);
	for (const struct hc_trigger_found *f = b->err.code ? NULL : b->found.first; f; f = f->next)
		decide(t, f, now_ns);
	batch_free(b);
	return true;
}

static void on_wake(void *ctx, int fd, uint32_t events)
{
	struct hc_trigger *t = ctx;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	take_over(t);
	(void)decide_next(t);
}

/* ---- each second ---- */

static void tell_skipped(struct hc_trigger *t, uint64_t now_ns, bool all)
{
	struct hc_record_alert row = { .outcome = "skipped" };
	uint64_t n_blocks;

	pthread_mutex_lock(&t->lock);
	n_blocks = t->n_skipped - t->n_skipped_told;
	row.count = t->n_rows_skipped - t->n_rows_skipped_told;
	row.event_ns = t->skipped_from_ns;
	if (n_blocks && (all || now_ns - t->told_ns >= TELL_NS)) {
		t->n_skipped_told = t->n_skipped;
		t->n_rows_skipped_told = t->n_rows_skipped;
		t->skipped_from_ns = 0;
		t->told_ns = now_ns;
	} else {
		n_blocks = 0;
	}
	pthread_mutex_unlock(&t->lock);
	if (!n_blocks)
		return;
	hc_log(t->log, HC_LOG_WARN, "triggers are behind: blocks were passed over", HC_LOG_U64("blocks", n_blocks),
	       HC_LOG_U64("events", row.count));
	write_alert(t, &row);
}

/* Captures that triggers started end when all that is kept is more than they may fill. */
static void keep_budget(struct hc_trigger *t)
{
	uint32_t n;
	const struct hc_capture_now *k = hc_captures_list(t->captures, &n), *ended;
	bool any = false;

	for (uint32_t i = 0; i < n; i++)
		any |= is_ours(&k[i]) && k[i].state == HC_MARK_RUNNING;
	if (!any || !pinned_is_full(t))
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct hc_err err = { 0 };

		if (!is_ours(&k[i]) || k[i].state != HC_MARK_RUNNING)
			continue;
		hc_log(t->log, HC_LOG_WARN,
		       "a capture of a trigger is ended: captures keep more than trigger-max-pinned",
		       HC_LOG_STR("capture", k[i].name));
		if (hc_captures_stop(t->captures, k[i].name, "trigger-max-pinned", &ended, &err) < 0)
			hc_log_err(t->log, HC_LOG_ERROR, "a capture of a trigger cannot be ended", &err);
	}
}

static void on_second(void *ctx, struct hc_daemon *d)
{
	struct hc_trigger *t = ctx;
	uint64_t now_ns = hc_clock_ns(CLOCK_BOOTTIME);

	(void)d;
	tell_held(t, now_ns, false);
	tell_skipped(t, now_ns, false);
	follow_anew(t);
	keep_budget(t);
}

/* ---- metrics ---- */

/* Age of the oldest block that is not evaluated; 0: there is none. With the lock. */
static uint64_t lag_ns(const struct hc_trigger *t)
{
	const struct item *oldest = t->looking ? &t->item : t->n ? &t->ring[t->head] : NULL;
	uint64_t now_ns = hc_clock_ns(CLOCK_BOOTTIME);

	return oldest && now_ns > oldest->written_ns ? now_ns - oldest->written_ns : 0;
}

/* With the lock. */
static void put_thread(const struct hc_trigger *t, struct hc_metrics_out *out)
{
	hc_metric_family(out, HC_METRIC_GAUGE, "hindcast_trigger_rules", NULL, "Rules that may start captures.");
	hc_metric_u64(out, t->set ? hc_trigger_set_n_rules(t->set) : 0, NULL);
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_trigger_blocks", NULL,
	                 "Blocks that rules looked at, or did not.");
	hc_metric_u64(out, t->n_blocks - t->n_failed, "result", "evaluated", NULL);
	hc_metric_u64(out, t->n_failed, "result", "unreadable", NULL);
	hc_metric_u64(out, t->n_skipped, "result", "skipped", NULL);
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_trigger_events_skipped", NULL,
	                 "Events of the blocks that rules had no time for.");
	hc_metric_u64(out, t->n_rows_skipped, NULL);
	hc_metric_family(out, HC_METRIC_GAUGE, "hindcast_trigger_queue_blocks", NULL,
	                 "Blocks that wait to be looked at.");
	hc_metric_u64(out, t->n, NULL);
	hc_metric_family(out, HC_METRIC_GAUGE, "hindcast_trigger_lag_seconds", "seconds",
	                 "For how long the oldest block that rules have not looked at has been on disk.");
	hc_metric_f64(out, (double)lag_ns(t) / 1e9, NULL);
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_trigger_cpu_seconds", "seconds",
	                 "Processor time of the thread that evaluates rules.");
	hc_metric_f64(out, (double)t->cpu_ns / 1e9, NULL);
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_rule_matches", NULL,
	                 "Events that a trigger's rule fits.");
	for (uint32_t i = 0; i < t->n_rules; i++)
		hc_metric_u64(out, t->rules[i].n_matches, "rule", t->rules[i].rule, NULL);
	hc_metric_family(
		out, HC_METRIC_COUNTER, "hindcast_rule_seconds", "seconds",
		"Time that evaluating a trigger's rule took; shared work counts for the rule that asked first.");
	for (uint32_t i = 0; i < t->n_rules; i++)
		hc_metric_f64(out, (double)t->rules[i].ns / 1e9, "rule", t->rules[i].rule, NULL);
}

void hc_trigger_metrics(void *trigger, struct hc_metrics_out *out)
{
	struct hc_trigger *t = trigger;
	struct hc_metric_histogram delay = {
		.le = delay_le, .n_le = N_DELAYS, .count = t->delays, .sum = t->delay_seconds
	};

	pthread_mutex_lock(&t->lock);
	put_thread(t, out);
	pthread_mutex_unlock(&t->lock);
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_trigger_matches", NULL,
	                 "Matches of rules, by what became of them.");
	for (unsigned v = 0; v < HC_TRIGGER_N_VERDICTS; v++)
		hc_metric_u64(out, t->n_matches[v], "outcome", hc_trigger_verdict_text((enum hc_trigger_verdict)v),
		              NULL);
	hc_metric_u64(out, t->n_matches_failed, "outcome", "failed", NULL);
	hc_metric_family(out, HC_METRIC_HISTOGRAM, "hindcast_trigger_delay_seconds", "seconds",
	                 "From an event to the capture that it started.");
	hc_metric_histogram(out, &delay, NULL);
}

/* ---- life ---- */

/* Captures of before the restart count too. */
static void remember(struct hc_trigger *t)
{
	uint64_t now_boot_ns = hc_clock_ns(CLOCK_BOOTTIME);
	int64_t now_wall_ns = hc_wall_ns();
	uint32_t n;
	const struct hc_capture_now *k = hc_captures_list(t->captures, &n);

	for (uint32_t i = 0; i < n; i++) {
		int64_t age_ns = now_wall_ns - k[i].asked_wall_ns;
		const char *rule;

		if (!is_ours(&k[i]) || age_ns < 0 || (uint64_t)age_ns > now_boot_ns)
			continue; /* of the time before the machine was started */
		rule = k[i].by + strlen(BY);
		hc_trigger_gate_started(t->gate, rule, strncmp(k[i].scope, "pid=", 4) == 0 ? "host" : k[i].scope,
		                        t->next_set ? hc_trigger_set_cooldown_ns(t->next_set, rule)
		                                    : t->args.what.cooldown_ns,
		                        now_boot_ns - (uint64_t)age_ns);
	}
}

static int on_start(void *ctx, struct hc_daemon *d, struct hc_err *err)
{
	struct hc_trigger *t = ctx;
	int r = hc_daemon_watch(d, t->wake_fd, EPOLLIN, on_wake, t);

	if (r < 0)
		return hc_err_set(err, r, "cannot wait for triggers: %s", strerror(-r));
	t->daemon = d;
	remember(t);
	return t->next_set ? thread_start(t, err) : 0;
}

static void on_stop(void *ctx, struct hc_daemon *d)
{
	struct hc_trigger *t = ctx;
	uint64_t now_ns = hc_clock_ns(CLOCK_BOOTTIME);

	thread_stop(t);
	while (decide_next(t))
		;
	pthread_mutex_lock(&t->lock);
	for (; t->n; t->n--, t->head = (t->head + 1) % QUEUE)
		pass_over(t, &t->ring[t->head]);
	pthread_mutex_unlock(&t->lock);
	tell_held(t, now_ns, true);
	tell_skipped(t, now_ns, true);
	if (t->n_blocks)
		hc_log(t->log, HC_LOG_INFO, "triggers have ended", HC_LOG_U64("blocks", t->n_blocks),
		       HC_LOG_U64("blocks_damaged", t->n_failed), HC_LOG_U64("blocks_passed_over", t->n_skipped),
		       HC_LOG_F64("cpu_seconds", (double)t->cpu_ns / 1e9));
	hc_daemon_unwatch(d, t->wake_fd);
	t->daemon = NULL;
}

struct hc_daemon_part *hc_trigger_part(struct hc_trigger *t)
{
	t->part = (struct hc_daemon_part){ .name = "triggers",
		                           .ctx = t,
		                           .start = on_start,
		                           .block = on_block,
		                           .second = on_second,
		                           .stop = on_stop };
	return &t->part;
}

int hc_trigger_reload(struct hc_trigger *t, const struct hc_trigger_args *args, struct hc_err *err)
{
	struct hc_arena arena = { 0 };
	struct hc_trigger_args *copy = hc_arena_alloc(&arena, sizeof(*copy));
	int code;

	if (!copy || hc_trigger_args_copy(args, &arena, copy) < 0) {
		hc_arena_done(&arena);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	if (!args->policies.n && !t->has_thread && !t->next_set) { /* nothing, as before */
		hc_arena_done(&arena);
		return 0;
	}
	pthread_mutex_lock(&t->lock);
	hc_arena_done(&t->next_arena);
	t->next_arena = arena;
	t->next_args = copy;
	t->n_asked++;
	pthread_cond_signal(&t->work);
	pthread_mutex_unlock(&t->lock);
	code = t->daemon ? thread_start(t, err) : 0;
	if (code == 0)
		return 1;
	pthread_mutex_lock(&t->lock);
	t->n_asked--; /* it has failed already */
	pthread_mutex_unlock(&t->lock);
	return code;
}

int hc_trigger_new(struct hc_trigger_set *take_set, const struct hc_trigger_args *args, const char *dir,
                   struct hc_captures *captures, struct hc_log *log, struct hc_trigger **ret, struct hc_err *err)
{
	struct hc_trigger *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (!t) {
		hc_trigger_set_free(take_set);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->work, &attr);
	pthread_condattr_destroy(&attr);
	t->next_set = take_set;
	t->args = *args;
	t->args.policies = t->args.rules = t->args.tags = t->args.each = (struct hc_strs){ 0 };
	t->args.what.detail = NULL;
	t->set_args = t->args;
	t->dir = dir;
	t->captures = captures;
	t->log = log;
	t->last_batch = &t->batches;
	t->follow_fd = -1;
	t->gate = hc_trigger_gate_new();
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!t->gate || t->wake_fd < 0) {
		int code = t->gate ? -errno : -ENOMEM;

		hc_trigger_free(t);
		return hc_err_set(err, code, "cannot prepare triggers: %s", strerror(-code));
	}
	*ret = t;
	return 0;
}

struct hc_trigger *hc_trigger_free(struct hc_trigger *t)
{
	if (!t)
		return NULL;
	thread_stop(t);
	for (struct batch *b = t->batches, *next; b; b = next) {
		next = b->next;
		batch_free(b);
	}
	hc_trigger_set_free(t->set);
	hc_trigger_set_free(t->next_set);
	hc_arena_done(&t->next_arena);
	hc_trigger_gate_free(t->gate);
	free(t->rules);
	if (t->wake_fd >= 0)
		close(t->wake_fd);
	if (t->follow_fd >= 0)
		close(t->follow_fd);
	pthread_cond_destroy(&t->work);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}
