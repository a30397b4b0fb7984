/*
 * The recorder that always runs: a recording (capture/record.h) in an event loop, with signals, the service
 * manager's notifications and whatever else lives beside it (a control socket, metrics, triggers, watchers of
 * containers). It knows no policies: who brings recorder and rules together (the cli) does so with a part.
 *
 *     hc_daemon_new        loads the programs, opens the capture
 *     hc_daemon_add        parts, in the order in which they start; they stop in the reverse order
 *     hc_daemon_run        attaches, starts the parts, says READY=1, loops until told to stop, seals
 *     hc_daemon_free
 *
 * One thread does everything: the loop waits in one epoll for the rings, for descriptors that parts watch, for
 * signals and timers. Between two looks at the rings at most one event of each descriptor and each due timer is
 * served, and the rings fill meanwhile (16 MiB a CPU: a tenth of a second under the worst load). So a callback
 * returns within some 10 ms; what takes longer goes to a thread of the part's own, which comes back through an
 * eventfd. Nothing here may be called from another thread.
 *
 * SIGTERM and SIGINT stop it, SIGHUP reloads. They are blocked and read from a signalfd, so threads that parts
 * make after hc_daemon_new inherit that and no system call of theirs is interrupted.
 */
#ifndef HC_CAPTURE_DAEMON_H
#define HC_CAPTURE_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/log.h"
#include "capture/record.h"
#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/segment.h"

struct hc_daemon;

struct hc_daemon_opts {
	struct hc_record_opts record; /* what it points to lives as long as the daemon */
	/* What outlives the process goes to the service manager where that keeps descriptors: then SIGTERM leaves
	 * the programs to the next start, and the end of the service frees them. Else record.pin_root holds. */
	bool pin_by_manager;
	struct hc_log *log; /* borrowed; level and format may be changed at any time */
	/* SIGHUP, or hc_daemon_reload: reads the configuration anew and calls the setters below. On failure
	 * nothing has changed; the reason is logged and the recording goes on as it was. 1: some of it is still to
	 * be read; hc_daemon_reloaded tells how that ended. */
	int (*reload)(void *ctx, struct hc_daemon *d, struct hc_err *err);
	void *ctx;
};

/* Something that lives in the loop. All callbacks may be NULL. */
struct hc_daemon_part {
	const char *name; /* for the log */
	void *ctx;
	/* Recording has begun. A failure ends the daemon: a socket that cannot be bound must not go unnoticed. */
	int (*start)(void *ctx, struct hc_daemon *d, struct hc_err *err);
	/* A block is on disk and can be read with hc_block_open. All pointers are borrowed until it returns. */
	void (*block)(void *ctx, const char *seg_path, const struct hc_seg_header *seg,
	              const struct hc_seg_block *block);
	/* About once a second, after the recorder's own look at losses and clocks. */
	void (*second)(void *ctx, struct hc_daemon *d);
	/* The recording is about to end, but rows can still be written. Only if start succeeded. */
	void (*stop)(void *ctx, struct hc_daemon *d);
	struct hc_daemon_part *next; /* the daemon's */
};

int hc_daemon_new(const struct hc_daemon_opts *opts, struct hc_daemon **ret, struct hc_err *err);
/* The part is the caller's and lives as long as the daemon. */
void hc_daemon_add(struct hc_daemon *d, struct hc_daemon_part *part);
/* Returns when the recording has ended and is sealed: 0 after a signal or hc_daemon_stop, else what went wrong;
 * what was written before is kept. ret may be NULL. */
int hc_daemon_run(struct hc_daemon *d, struct hc_record_summary *ret, struct hc_err *err);
struct hc_daemon *hc_daemon_free(struct hc_daemon *d);
HC_DEFINE_AUTO(struct hc_daemon, hc_daemon_free)

/* ---- for parts ---- */

struct hc_record *hc_daemon_record(struct hc_daemon *d);
struct hc_log *hc_daemon_log(struct hc_daemon *d);
/* Ends the loop after this round; the first reason stays (meta_stop has it). `reason` is copied. */
void hc_daemon_stop(struct hc_daemon *d, const char *reason);
/* The same as SIGHUP, at once. */
int hc_daemon_reload(struct hc_daemon *d, struct hc_err *err);
/* n reloads that had returned 1 have ended: with all, or with the rules that were in force before. */
void hc_daemon_reloaded(struct hc_daemon *d, uint32_t n, bool all);

typedef void (*hc_daemon_fd_fn)(void *ctx, int fd, uint32_t events);
/* Calls back when a descriptor has one of `events` (EPOLLIN, ...; level-triggered; EPOLLERR and EPOLLHUP always).
 * A descriptor that is watched already gets the new events and callback. -ENOMEM, or epoll_ctl's errno. */
int hc_daemon_watch(struct hc_daemon *d, int fd, uint32_t events, hc_daemon_fd_fn fn, void *ctx);
/* Before the descriptor is closed. Also within its own callback; none comes after it. Unknown ones are ignored. */
void hc_daemon_unwatch(struct hc_daemon *d, int fd);

struct hc_daemon_timer;
/* Calls back after delay_ns, then every period_ns (0: once, and the timer is freed after its callback), with
 * the boot clock, so that time asleep counts. Late by up to 50 ms; periods that were missed are not made up for.
 * NULL: out of memory. */
struct hc_daemon_timer *hc_daemon_timer_add(struct hc_daemon *d, uint64_t delay_ns, uint64_t period_ns,
                                            void (*fn)(void *ctx), void *ctx);
/* Also within its own callback. NULL is nothing. Returns NULL. */
struct hc_daemon_timer *hc_daemon_timer_free(struct hc_daemon *d, struct hc_daemon_timer *t);

/* ---- what it knows of itself ---- */

struct hc_daemon_stats {
	struct hc_record_summary record; /* since the start; .retain has the disk */
	/* The fullest ring of the bulk ones ([0]) and of the security ones ([1]): share of its size, 0 to 1, now
	 * and at most within the last one to two minutes. */
	double ring_fill[2], ring_peak[2];
	uint64_t ring_bytes[2]; /* all of them together */
	uint64_t lag_ns;        /* age of what is read from the rings now; 0: nothing waits */
	unsigned n_cpus;
	int64_t oldest_wall_ns;                    /* of the first row that is kept, pinned ones too; 0: none */
	uint64_t start_wall_ns, last_loop_wall_ns; /* the second is the stall detector */
	uint64_t n_loops;
	/* n_reloads_partly: the options are in force, the rules of triggers did not load */
	uint64_t n_reloads, n_reloads_partly, n_reloads_failed;
	bool ready, stopping;
};

/* As of now; 40 us. */
void hc_daemon_stats(struct hc_daemon *d, struct hc_daemon_stats *ret);

#endif
