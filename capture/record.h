/*
 * A recording: the running kernel (capture/live.h), the tracker and the writer put together, with the rows in
 * which the recorder speaks of itself. One thread.
 */
#ifndef HC_CAPTURE_RECORD_H
#define HC_CAPTURE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "capture/log.h"
#include "capture/privilege.h"
#include "capture/tracker.h"
#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/retain.h"
#include "store/schema.h"
#include "store/segment.h"
#include "store/writer.h"

struct hc_record;

struct hc_record_opts {
	const char *dir;  /* the capture; made when missing, continued when it is one of this node */
	const char *tool; /* "hindcast VERSION" */
	enum hc_profile profile;
	uint32_t snaplen;                   /* payload bytes kept */
	bool hash_exe;                      /* SHA-256 of files that run */
	uint64_t ring_bytes;                /* of each CPU's bulk ring; 0: chosen */
	const char *const *container_roots; /* as in hc_tracker_opts */
	size_t n_container_roots;
	bool no_containers;                 /* containers are not looked up there */
	const char *const *runtime_sockets; /* as in hc_tracker_opts */
	size_t n_runtime_sockets;
	bool no_runtime_sockets; /* no runtime is asked */
	bool pods;               /* hc_record_set_kube will follow */
	struct hc_exclude exclude;
	const struct hc_type_set *exclude_types; /* NULL: none */
	const char *exclude_text; /* as the user gave it, for meta_filter; NULL or "": nothing is excluded */
	const struct hc_retain_rules *retain; /* NULL: nothing is removed */
	const char *retain_text;              /* the same for meta_config */
	/* A disk that is full, read-only or failing does not end the recording: what it does not take is dropped,
	 * counted, and stands in meta_gap rows (block_dropped) as soon as it takes something again. */
	bool go_on;
	uint64_t segment_bytes, segment_ns; /* 0: chosen (store/writer.h) */
	struct hc_log *log;                 /* of what happens to the disk; NULL: silent */
	/* Called with each block that is on disk, after the index has it; NULL: nobody asks. A negative errno ends
	 * the recording. */
	int (*on_block)(void *ctx, const char *seg_path, const struct hc_seg_header *seg,
	                const struct hc_seg_block *block);
	void *ctx;
	struct hc_mask *mask; /* borrowed until stop or abort; NULL: secrets are written as they are */
	bool may_raise;       /* hc_record_set_raises may be called */
	double max_cpu;       /* share of one processor that the process may use before it sheds detail; 0: any */
	const gid_t *group;   /* may read the capture (hc_capture_share); NULL: its owner alone */
	/* Below this directory of a BPF file system programs and rings outlive the process (capture/live.h); NULL:
	 * they do not. Where that cannot be had the log says so, and the recording does without. */
	const char *pin_root;
	bool take_over; /* from another recorder that writes into dir */
	bool hold;      /* to end by SIGTERM leaves the programs to the next recorder */
	/* Given up by hc_record_start when everything is attached; dir and probe are filled in. NULL: nothing */
	const struct hc_privilege_opts *privilege;
};

/* Whether the text is one for container_roots; if not, `err` says why. */
int hc_record_root_check(const char *root, struct hc_err *err);
/* The same for runtime_sockets. */
int hc_record_socket_check(const char *path, struct hc_err *err);
/* Loads the programs, opens the capture. Nothing is recorded yet. */
int hc_record_open(const struct hc_record_opts *opts, struct hc_record **ret, struct hc_err *err);
/* Attaches, gives up privileges, then learns what is alive. */
int hc_record_start(struct hc_record *r, struct hc_err *err);
/* As hc_tracker_set_kube. */
void hc_record_set_kube(struct hc_record *r, struct hc_kube *k);
/* As hc_tracker_socket_news, for a recording without a log. */
bool hc_record_socket_news(struct hc_record *r, struct hc_tracker_socket *ret);
/* Waits up to timeout_ms and writes what came, for some 10 ms; what is left then is for the next step, which waits
 * for nothing. 0, -EINTR after a signal, or what went wrong: then only hc_record_stop. */
int hc_record_step(struct hc_record *r, int timeout_ms, struct hc_err *err);
/* The last step has left some. */
bool hc_record_more(const struct hc_record *r);

/* A meta_mark row (store/marks.h). Texts may be NULL, times 0: absent. */
struct hc_record_mark {
	const char *op, *id, *name, *by, *note, *scope, *detail;
	int64_t from_wall_ns, until_wall_ns, expires_wall_ns;
	uint32_t snaplen;
	bool pinned;
};
/* Writes it, and whatever waits, to the disk: when it returns 0, no crash takes it back. What the disk does not
 * take is an error here (-ENOSPC, -EIO) also where the recording goes on (go_on). *ret_seq: the row's number. */
int hc_record_mark(struct hc_record *r, const struct hc_record_mark *mark, uint64_t *ret_seq, struct hc_err *err);

/* More detail than the profile has, for a scope. It is on top of it: what the recorder leaves out stays so. */
struct hc_record_raise {
	const char *key;       /* unique; the same raise has the same one in each call */
	const char *capture;   /* name of whoever asked for it, for meta_filter rows */
	const char *scope;     /* store/marks.h; who is not there yet belongs to it once he is */
	unsigned detail;       /* enum hc_profile + 1; 0: that of the recorder */
	uint32_t snaplen;      /* payload bytes; 0: as many as the recorder keeps */
	int64_t asked_wall_ns; /* a process that has the number since then is another one */
};
/* All of them, from now on: those of before that are not among them end. Scopes are united; where they overlap,
 * the highest detail and the longest payload count. After hc_record_start. Each change is a row; when the call
 * fails, what was in force stays so. -E2BIG too many (HC_RECORD_MAX_RAISES), -ENOSPC a scope is too large,
 * -ENOTSUP the kernel refuses. */
#define HC_RECORD_MAX_RAISES 32 /* whose scope is not the host */
int hc_record_set_raises(struct hc_record *r, const struct hc_record_raise *v, size_t n, struct hc_err *err);
/* How many processes or control groups are in the scope of that raise now; 0: there is no such raise. */
uint32_t hc_record_raised(const struct hc_record *r, const char *key);
/* The same of any scope (store/marks.h) but the host, as far as the recorder knows them; 0 also out of memory. */
uint32_t hc_record_scope_size(struct hc_record *r, const char *scope);

/* A meta_alert row of a trigger: what a rule found while recording. Texts may be NULL, numbers 0: absent. */
struct hc_record_alert {
	const char *rule, *policy_sha256, *dialect, *severity, *output, *outcome, *capture, *scope;
	uint64_t seq, event_ns, count;
};
/* Writes it; it goes to the disk with its block. */
int hc_record_alert(struct hc_record *r, const struct hc_record_alert *alert, struct hc_err *err);

struct hc_record_summary {
	uint64_t lasted_ns;
	uint64_t n_rows, n_lost, n_sampled, n_filtered; /* events; rows without meta rows */
	uint64_t n_records, n_bad, n_late;
	uint64_t bytes, n_blocks, n_segments;
	uint64_t rows_by_type[HC_EV_MAX], lost_by_type[HC_EV_MAX], sampled_by_type[HC_EV_MAX];
	uint64_t n_procs;  /* alive now */
	uint64_t n_unborn; /* processes seen without their birth */
	uint64_t first_seq, last_seq;
	bool continued; /* an existing capture */
	unsigned n_hooks, n_hooks_missing;
	int late_off; /* errno for which paths cannot be looked up; 0 */
	struct hc_tracker_stats tracker;
	uint64_t n_dropped, n_dropped_blocks; /* events, blocks that the disk did not take; n_lost has them too */
	bool disk_failing;                    /* the disk does not take what is written now */
	unsigned shed;      /* enum hc_shed: detail is shed up to it, for want of processor time */
	uint64_t n_sheds;   /* steps that were shed so far */
	bool index_failing; /* nor does the index; the segments are read without it */
	/* Times that the index could not be written, and that what was to go could not be removed. */
	uint64_t n_index_failures, n_remove_failures;
	uint64_t n_missed;       /* of n_lost: of no known type */
	uint64_t n_gaps, gap_ns; /* meta_gap rows, and the time that they cover, spans that overlap once */
	uint64_t n_clock_steps;  /* that the wall clock was set */
	int64_t wall_offset_ns;  /* wall clock less boot clock, as in force for the rows */
	struct hc_writer_stats writer;
	struct hc_retain_stats retain; /* zero where nothing is removed */
	struct hc_privilege privilege; /* what is left; no lines when nothing was given up */
};

/* To an error that ends a recorder: where the one before it is gone, its programs stay attached, and what happens
 * waits for the next; the note says what to do. Elsewhere nothing is noted. */
void hc_record_note_waiting(const struct hc_record *r, struct hc_err *err);
/* Another recorder has taken over; the reason to stop is then "handed_over". Ask after each step. */
bool hc_record_handed_over(struct hc_record *r);

/* Removes what recorders that are gone left below a pin_root: how many captures' they were, and how many belong to
 * recorders that run. */
int hc_record_unpin(const char *pin_root, unsigned *ret_n, unsigned *ret_used, struct hc_err *err);

struct hc_record_summary hc_record_summary(struct hc_record *r);
/* Other limits from now on, said in a meta_config row; only where opts.retain was given. */
int hc_record_set_retain(struct hc_record *r, const struct hc_retain_rules *rules, const char *text,
                         struct hc_err *err);
/* Another opts.max_cpu from now on. With 0 all that is shed comes back at once. */
int hc_record_set_max_cpu(struct hc_record *r, double share, struct hc_err *err);
/* Spans that stay, whatever the limits say; they stand for all there were before. Copied. -ENOMEM. */
int hc_record_set_pins(struct hc_record *r, const struct hc_retain_pin *pins, size_t n);
/* As hc_retain_keeps; false where nothing is removed. */
bool hc_record_keeps(const struct hc_record *r, const struct hc_retain_pin *row, const struct hc_retain_pin *pins,
                     size_t n);
/* As hc_retain_held; 0 where nothing is removed. */
uint32_t hc_record_held(const struct hc_record *r, const struct hc_retain_pin *pin, struct hc_retain_segment *ret,
                        uint32_t max);
/* Detaches, drains the rings, writes the last rows and closes. `reason` goes into meta_stop; with opts.hold
 * "SIGTERM" does not detach, nor does an end before all was read that an earlier recorder left. The summary is
 * that of the end. Frees. After an earlier failure it keeps what is written and returns 0, or what went wrong now.
 */
int hc_record_stop(struct hc_record *r, const char *reason, struct hc_record_summary *ret, struct hc_err *err);
struct hc_record *hc_record_abort(struct hc_record *r);
HC_DEFINE_AUTO(struct hc_record, hc_record_abort)

#endif
