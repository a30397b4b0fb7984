/* The loop: wait for whatever comes first, serve descriptors and timers, then one step of the recording. The
 * rings' own epoll descriptor lies in ours, so a full ring wakes the loop; a quiet one is looked at every 50 ms.
 */
#include "capture/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"
#include "record_priv.h"
#include "store/base/clock.h"

#define STEP_NS UINT64_C(50000000)
#define SECOND_NS UINT64_C(1000000000)
#define STATUS_NS (10 * SECOND_NS)
#define PEAK_NS (60 * SECOND_NS)
#define MAX_EVENTS 16

struct watch {
	struct watch *next;
	hc_daemon_fd_fn fn; /* NULL: unwatched, freed at the end of the round */
	void *ctx;
	int fd;
};

struct hc_daemon_timer {
	struct hc_daemon_timer *next;
	uint64_t due_ns, period_ns;
	void (*fn)(void *ctx); /* NULL: freed at the end of the round */
	void *ctx;
};

struct hc_daemon {
	struct hc_daemon_opts opts;
	struct hc_log *log;
	struct hc_record *record;
	struct hc_daemon_part *parts, **last_part;
	struct watch *watches;
	struct hc_daemon_timer *timers;
	struct hc_notify notify;
	sigset_t old_mask;
	int epoll_fd, signal_fd, bpf_fs_fd;
	char pin_root[64];
	bool has_mask, stop, ready, stopping, serving, any_gone;
	unsigned n_started;                         /* parts */
	uint64_t second_ns, status_ns, watchdog_ns; /* boot clock: when each was last done */
	double ring_peak[2][2];                     /* of the minute that runs, and of the one before */
	uint64_t peak_ns;                           /* when it began */
	uint64_t n_lost_told;
	char reason[64];
	struct hc_daemon_stats stats;
};

/* ---- descriptors and timers ---- */

static struct watch *watch_of(struct hc_daemon *d, int fd)
{
	struct watch *w = d->watches;

	while (w && !(w->fd == fd && w->fn))
		w = w->next;
	return w;
}

int hc_daemon_watch(struct hc_daemon *d, int fd, uint32_t events, hc_daemon_fd_fn fn, void *ctx)
{
	struct watch *w = watch_of(d, fd);
	bool is_new = !w;
	struct epoll_event ev = { .events = events };

	if (!w)
		w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	ev.data.ptr = w;
	if (epoll_ctl(d->epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev) < 0) {
		int code = -errno;

		if (is_new)
			free(w);
		return code;
	}
	w->fd = fd;
	w->fn = fn;
	w->ctx = ctx;
	if (is_new) {
		w->next = d->watches;
		d->watches = w;
	}
	return 0;
}

void hc_daemon_unwatch(struct hc_daemon *d, int fd)
{
	struct watch *w = watch_of(d, fd);

	if (!w)
		return;
	epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	w->fn = NULL;
	d->any_gone = true;
}

struct hc_daemon_timer *hc_daemon_timer_add(struct hc_daemon *d, uint64_t delay_ns, uint64_t period_ns,
                                            void (*fn)(void *ctx), void *ctx)
{
	struct hc_daemon_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct hc_daemon_timer){ .next = d->timers,
		                       .due_ns = record_boot_ns() + delay_ns,
		                       .period_ns = period_ns,
		                       .fn = fn,
		                       .ctx = ctx };
	d->timers = t;
	return t;
}

struct hc_daemon_timer *hc_daemon_timer_free(struct hc_daemon *d, struct hc_daemon_timer *t)
{
	if (t) {
		t->fn = NULL;
		d->any_gone = true;
	}
	return NULL;
}

/* Those that callbacks gave up: not before all of a round have run. */
static void sweep(struct hc_daemon *d)
{
	struct hc_daemon_timer **t = &d->timers;
	struct watch **w = &d->watches;

	if (!d->any_gone)
		return;
	d->any_gone = false;
	while (*w) {
		struct watch *gone = *w;

		if (gone->fn) {
			w = &gone->next;
		} else {
			*w = gone->next;
			free(gone);
		}
	}
	while (*t) {
		struct hc_daemon_timer *gone = *t;

		if (gone->fn) {
			t = &gone->next;
		} else {
			*t = gone->next;
			free(gone);
		}
	}
}

static void run_timers(struct hc_daemon *d, uint64_t now)
{
	for (struct hc_daemon_timer *t = d->timers; t; t = t->next) {
		if (!t->fn || t->due_ns > now)
			continue;
		if (t->period_ns) {
			t->due_ns += t->period_ns;
			if (t->due_ns <= now) /* what was missed is not made up for */
				t->due_ns = now + t->period_ns;
			t->fn(t->ctx);
		} else {
			void (*fn)(void *ctx) = t->fn;

			t->fn = NULL;
			d->any_gone = true;
			fn(t->ctx);
		}
	}
}

static int wait_ms(const struct hc_daemon *d, uint64_t now)
{
	uint64_t until = now + STEP_NS;

	if (hc_record_more(d->record)) /* records that were left unread: the rings' descriptor, being
	                                  edge-triggered, will not tell of them again */
		return 0;
	for (const struct hc_daemon_timer *t = d->timers; t; t = t->next)
		if (t->fn && t->due_ns < until)
			until = t->due_ns;
	return until > now ? (int)((until - now + 999999) / 1000000) : 0;
}

/* ---- signals, notifications ---- */

void hc_daemon_stop(struct hc_daemon *d, const char *reason)
{
	if (d->stop)
		return;
	d->stop = true;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
}

int hc_daemon_reload(struct hc_daemon *d, struct hc_err *err)
{
	struct timespec ts;
	int code;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	hc_notify(&d->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	          (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
	code = d->opts.reload ? d->opts.reload(d->opts.ctx, d, err) : 0;
	if (code < 0)
		d->stats.n_reloads_failed++;
	else if (code == 0)
		d->stats.n_reloads++;
	hc_notify(&d->notify, "READY=1");
	return code < 0 ? code : 0;
}

void hc_daemon_reloaded(struct hc_daemon *d, uint32_t n, bool all)
{
	if (all)
		d->stats.n_reloads += n;
	else
		d->stats.n_reloads_partly += n;
}

static void on_signal(void *ctx, int fd, uint32_t events)
{
	struct hc_daemon *d = ctx;
	struct signalfd_siginfo si;

	(void)events;
	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP) {
			struct hc_err err = { 0 };

			if (hc_daemon_reload(d, &err) < 0)
				hc_log_err(d->log, HC_LOG_ERROR,
				           "the configuration was not reloaded; the one before stays in force",
				           &err);
			continue;
		}
		hc_log(d->log, HC_LOG_INFO, "stopping",
		       HC_LOG_STR("signal", si.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM"),
		       HC_LOG_U64("from_pid", si.ssi_pid));
		hc_daemon_stop(d, si.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
	}
}

static int catch_signals(struct hc_daemon *d, struct hc_err *err)
{
	sigset_t set;
	int code;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, &d->old_mask);
	d->has_mask = true;
	d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signal_fd < 0)
		return hc_err_set(err, -errno, "cannot make a descriptor for signals: %s", strerror(errno));
	code = hc_daemon_watch(d, d->signal_fd, EPOLLIN, on_signal, d);
	return code < 0 ? hc_err_set(err, code, "cannot wait for signals: %s", strerror(-code)) : 0;
}

static void tell_status(struct hc_daemon *d, const struct hc_record_summary *s)
{
	hc_notify(&d->notify, "STATUS=recording: %" PRIu64 " events, %" PRIu64 " lost, %" PRIu64 " MiB written",
	          s->n_rows, s->n_lost, s->bytes >> 20);
}

/* ---- what it tells of itself ---- */

void hc_daemon_stats(struct hc_daemon *d, struct hc_daemon_stats *ret)
{
	*ret = d->stats;
	ret->ready = d->ready;
	ret->stopping = d->stopping;
	if (!d->record)
		return;
	ret->record = hc_record_summary(d->record);
	ret->n_cpus = hc_live_n_cpus(d->record->live);
	for (unsigned k = 0; k < 2; k++) {
		ret->ring_fill[k] = hc_live_fill(d->record->live, k);
		ret->ring_peak[k] = fmax(ret->ring_fill[k], fmax(d->ring_peak[0][k], d->ring_peak[1][k]));
		ret->ring_bytes[k] = hc_live_rings_bytes(d->record->live, k);
	}
	if (ret->ring_fill[0] > 0 || ret->ring_fill[1] > 0) {
		uint64_t now = record_boot_ns(), newest = hc_live_newest_ns(d->record->live);

		ret->lag_ns = newest && now > newest ? now - newest : 0;
	}
	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		int64_t oldest = ret->record.retain.stream[k].oldest_wall_ns;

		if (oldest && (!ret->oldest_wall_ns || oldest < ret->oldest_wall_ns))
			ret->oldest_wall_ns = oldest;
	}
}

static void note_rings(struct hc_daemon *d, uint64_t now)
{
	if (now - d->peak_ns >= PEAK_NS) {
		memcpy(d->ring_peak[1], d->ring_peak[0], sizeof(d->ring_peak[1]));
		memset(d->ring_peak[0], 0, sizeof(d->ring_peak[0]));
		d->peak_ns = now;
	}
	for (unsigned k = 0; k < 2; k++)
		d->ring_peak[0][k] = fmax(d->ring_peak[0][k], hc_live_fill(d->record->live, k));
}

static void log_losses(struct hc_daemon *d, const struct hc_record_summary *s)
{
	if (s->n_lost > d->n_lost_told)
		hc_log(d->log, HC_LOG_WARN, "events were lost", HC_LOG_U64("events", s->n_lost - d->n_lost_told),
		       HC_LOG_U64("events_total", s->n_lost));
	d->n_lost_told = s->n_lost;
}

static void each_second(struct hc_daemon *d, uint64_t now)
{
	struct hc_record_summary s;

	d->second_ns = now;
	for (struct hc_daemon_part *p = d->parts; p; p = p->next)
		if (p->second)
			p->second(p->ctx, d);
	if (now - d->status_ns < STATUS_NS)
		return;
	d->status_ns = now;
	s = hc_record_summary(d->record);
	log_losses(d, &s);
	tell_status(d, &s);
}

/* ---- life ---- */

struct hc_record *hc_daemon_record(struct hc_daemon *d)
{
	return d->record;
}

struct hc_log *hc_daemon_log(struct hc_daemon *d)
{
	return d->log;
}

static int on_block(void *ctx, const char *path, const struct hc_seg_header *seg, const struct hc_seg_block *block)
{
	struct hc_daemon *d = ctx;

	for (struct hc_daemon_part *p = d->parts; p; p = p->next)
		if (p->block)
			p->block(p->ctx, path, seg, block);
	return 0;
}

static void let_manager_pin(struct hc_daemon *d, struct hc_record_opts *ro)
{
	d->bpf_fs_fd = hc_notify_bpf_fs(&d->notify);
	if (d->bpf_fs_fd < 0) {
		if (d->bpf_fs_fd != -ENOENT)
			hc_log(d->log, HC_LOG_WARN, "the service manager cannot keep the recorder's programs",
			       HC_LOG_STR("error", strerror(-d->bpf_fs_fd)));
		return;
	}
	snprintf(d->pin_root, sizeof(d->pin_root), "/proc/self/fd/%d/hindcast", d->bpf_fs_fd);
	ro->pin_root = d->pin_root;
	ro->hold = true;
}

int hc_daemon_new(const struct hc_daemon_opts *opts, struct hc_daemon **ret, struct hc_err *err)
{
	HC_AUTO(hc_daemon_free) struct hc_daemon *d = calloc(1, sizeof(*d));
	struct hc_record_opts ro = opts->record;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }; /* the step below empties it, not the loop */
	struct hc_err why = { 0 };
	int code;

	if (!d)
		return hc_err_set(err, -ENOMEM, "out of memory");
	d->opts = *opts;
	d->log = opts->log;
	d->last_part = &d->parts;
	d->signal_fd = d->notify.fd = d->bpf_fs_fd = -1;
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->epoll_fd < 0)
		return hc_err_set(err, -errno, "cannot create an epoll descriptor: %s", strerror(errno));
	code = catch_signals(d, err);
	if (code < 0)
		return code;
	if (hc_notify_init(&d->notify, &why) < 0)
		hc_log_err(d->log, HC_LOG_WARN, "the service manager cannot be told of the recorder's state",
		           &why);
	if (opts->pin_by_manager && ro.pin_root)
		let_manager_pin(d, &ro);
	ro.on_block = on_block;
	ro.ctx = d;
	code = hc_record_open(&ro, &d->record, err);
	if (code < 0)
		return code;
	if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, hc_live_fd(d->record->live), &ev) < 0)
		return hc_err_set(err, -errno, "cannot wait for the rings: %s", strerror(errno));
	*ret = hc_steal(d);
	return 0;
}

void hc_daemon_add(struct hc_daemon *d, struct hc_daemon_part *part)
{
	part->next = NULL;
	*d->last_part = part;
	d->last_part = &part->next;
}

static int start(struct hc_daemon *d, struct hc_err *err)
{
	int code;

	d->stats.start_wall_ns = hc_clock_ns(CLOCK_REALTIME);
	code = hc_record_start(d->record, err);
	for (struct hc_daemon_part *p = d->parts; p && code >= 0; p = p->next) {
		code = p->start ? p->start(p->ctx, d, err) : 0;
		if (code < 0)
			hc_err_note(err, "while starting: %s", p->name);
		else
			d->n_started++;
	}
	return code;
}

/* The last that started first. */
static void stop_parts(struct hc_daemon *d)
{
	while (d->n_started) {
		struct hc_daemon_part *p = d->parts;

		for (unsigned i = 1; i < d->n_started; i++)
			p = p->next;
		d->n_started--;
		if (p->stop)
			p->stop(p->ctx, d);
	}
}

static int loop(struct hc_daemon *d, struct hc_err *err)
{
	struct epoll_event events[MAX_EVENTS];
	int code = 0;

	while (code >= 0 && !d->stop) {
		uint64_t now = record_boot_ns();
		int n = epoll_wait(d->epoll_fd, events, MAX_EVENTS, wait_ms(d, now));

		if (n < 0 && errno != EINTR)
			return hc_err_set(err, -errno, "cannot wait for events: %s", strerror(errno));
		for (int i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr; /* NULL: the rings */

			if (w && w->fn)
				w->fn(w->ctx, w->fd, events[i].events);
		}
		note_rings(d, now);
		code = hc_record_step(d->record, 0, err);
		if (code == -EINTR)
			code = 0;
		if (hc_record_handed_over(d->record)) {
			hc_log(d->log, HC_LOG_INFO, "another recorder has taken over");
			hc_daemon_stop(d, "handed_over");
		}
		now = record_boot_ns();
		run_timers(d, now);
		if (now - d->second_ns >= SECOND_NS)
			each_second(d, now);
		sweep(d);
		d->stats.n_loops++;
		d->stats.last_loop_wall_ns = hc_clock_ns(CLOCK_REALTIME);
		if (d->notify.watchdog_ns && now - d->watchdog_ns >= d->notify.watchdog_ns / 4) {
			d->watchdog_ns = now;
			hc_notify(&d->notify, "WATCHDOG=1");
		}
	}
	return code;
}

int hc_daemon_run(struct hc_daemon *d, struct hc_record_summary *ret, struct hc_err *err)
{
	struct hc_record_summary s = { 0 };
	int code = start(d, err), last;

	if (code >= 0) {
		(void)malloc_trim(0); /* loading the programs took tens of MiB that are not needed again */
		d->ready = true;
		s = hc_record_summary(d->record);
		hc_notify(&d->notify, "READY=1\nSTATUS=recording");
		hc_log(d->log, HC_LOG_INFO, "recording", HC_LOG_STR("dir", d->opts.record.dir),
		       HC_LOG_BOOL("continued", s.continued), HC_LOG_U64("processes", s.n_procs),
		       HC_LOG_U64("hooks", s.n_hooks - s.n_hooks_missing),
		       HC_LOG_U64("hooks_missing", s.n_hooks_missing));
		code = loop(d, err);
	}
	d->ready = false;
	d->stopping = true;
	hc_notify(&d->notify, "STOPPING=1\nSTATUS=writing what waits");
	stop_parts(d);
	if (code < 0)
		hc_record_note_waiting(d->record, err);
	last = hc_record_stop(hc_steal(d->record), code < 0 ? "error" : d->reason, &s, err);
	code = code < 0 ? code : last;
	log_losses(d, &s);
	hc_log(d->log, code < 0 ? HC_LOG_ERROR : HC_LOG_INFO, "stopped",
	       HC_LOG_STR("reason", code < 0 ? "error" : d->reason),
	       HC_LOG_F64("lasted_seconds", (double)s.lasted_ns / 1e9), HC_LOG_U64("events", s.n_rows),
	       HC_LOG_U64("events_lost", s.n_lost), HC_LOG_U64("written_bytes", s.bytes));
	if (ret)
		*ret = s;
	return code < 0 ? code : 0;
}

struct hc_daemon *hc_daemon_free(struct hc_daemon *d)
{
	if (!d)
		return NULL;
	hc_record_abort(d->record);
	for (struct watch *w = d->watches; w; w = w->next)
		w->fn = NULL;
	for (struct hc_daemon_timer *t = d->timers; t; t = t->next)
		t->fn = NULL;
	d->any_gone = true;
	sweep(d);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	if (d->bpf_fs_fd >= 0)
		close(d->bpf_fs_fd);
	if (d->has_mask)
		pthread_sigmask(SIG_SETMASK, &d->old_mask, NULL);
	hc_notify_done(&d->notify);
	free(d);
	return NULL;
}
