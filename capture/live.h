/* capture/live.h: the running kernel as a source of wire records.
 *
 * hc_live_open loads the BPF programs, hc_live_start attaches them, hc_live_poll hands out records in the order of
 * their time, merged over all rings, hc_live_stop ends recording and hc_live_drain empties the rings. One thread
 * calls all of them; the counters may be read by others. Nothing here decodes a record: see bpf/wire.h. */
#ifndef HC_CAPTURE_LIVE_H
#define HC_CAPTURE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/base/err.h"
#include "store/schema.h"
#include "store/writer.h"

struct hc_live;

struct hc_live_options {
	enum hc_profile profile;
	const struct hc_type_set *only;   /* these types instead of the profile's; NULL: the profile */
	const struct hc_type_set *add;    /* types recorded beside the profile's, all rows; NULL: none */
	const struct hc_type_set *remove; /* types not recorded; NULL: none */
	uint32_t snaplen;          /* payload bytes kept of every recorded read, write, send, receive; 0: none */
	bool no_env;               /* leave the environment of a new program out */
	bool no_entry;             /* do not take entry images of mprotect */
	size_t ring_bytes;         /* of each CPU's bulk ring; 0: chosen by the number of CPUs. Rounded up */
	const uint32_t *skip_pids; /* processes (initial pid namespace) left out */
	size_t n_skip_pids;
	const uint32_t *skip_uids; /* real user ids left out */
	size_t n_skip_uids;
	const char *const *skip_comms; /* exact names of at most 15 bytes */
	size_t n_skip_comms;
	const uint64_t *skip_cgroups; /* cgroup ids */
	size_t n_skip_cgroups;
	bool may_raise;       /* hc_live_set_raises may be called: programs it needs are loaded, not attached */
	const char *pin_root; /* see hc_live_pin; NULL: nothing outlives the process */
	const char *pin_dir;  /* the capture's directory. Both are borrowed until close */
};

/* Loads. What fails is explained in `err` with a remedy: missing rights, no BTF, too old a kernel. */
int hc_live_open(const struct hc_live_options *options, struct hc_live **ret_live, struct hc_err *err);
/* Attaches and begins to record. */
int hc_live_start(struct hc_live *live, struct hc_err *err);
/* Detaches: no record is made after it. Rings keep what they hold for hc_live_drain. */
void hc_live_stop(struct hc_live *live);
/* Frees everything; detaches first. Accepts NULL; returns NULL. */
struct hc_live *hc_live_close(struct hc_live *live);

/* One record. `head` is borrowed until the callback returns and has been checked: its length is inside the ring's
 * record and its slots inside its length. */
struct hc_live_rec {
	const struct hc_wire_head *head;
	bool late;  /* an earlier call has handed out a record with a later time */
	bool again; /* a recorder that was killed had got it: its row is written, or counted as gone */
};

/* Returns 0 to go on; anything else stops the poll, and that record counts as handed out. */
typedef int (*hc_live_fn)(void *ctx, const struct hc_live_rec *rec);

/* Waits up to timeout_ms for records (0: does not wait, -1: for ever) and hands out what is complete: records
 * younger than the watermark stay until the next call. Returns the number of records, what the callback returned
 * when that was not 0, or a negative errno. -EINTR: a signal came. */
int64_t hc_live_poll(struct hc_live *live, int timeout_ms, hc_live_fn fn, void *ctx);
/* Becomes readable (EPOLLIN) when a ring wants to be read. For a loop of the caller's own, edge-triggered: it
 * calls hc_live_poll with timeout 0 then, and every 50 ms at least, as a ring that fills slowly does not wake.
 * Borrowed; -1 where there is none. */
int hc_live_fd(const struct hc_live *live);
/* Hands out everything in the rings, without regard to the watermark. For after hc_live_stop. */
int64_t hc_live_drain(struct hc_live *live, hc_live_fn fn, void *ctx);
/* Hands out one record of type HC_EV_META_STATE with flag HC_WIRE_SNAPSHOT per task alive: TASK, CREDS and NS
 * facts with subject HC_WIRE_SUBJ_ROW. Call it after hc_live_start: what is born in between is in both. */
int64_t hc_live_snapshot(struct hc_live *live, hc_live_fn fn, void *ctx, struct hc_err *err);

/* Losses and the like. Counters only grow; read them at any time. */
unsigned hc_live_n_cpus(const struct hc_live *live);
struct hc_wire_count hc_live_count(const struct hc_live *live, unsigned cpu, unsigned type);
/* Sum over all CPUs. */
struct hc_wire_count hc_live_total(const struct hc_live *live, unsigned type);
/* Whether counters can still be read with the privileges of now: 0, -EPERM or another negative errno. */
int hc_live_usable(const struct hc_live *live);
/* Calls for which no handler was loaded, and runs that the kernel skipped because a program interrupted itself. */
uint64_t hc_live_missed(struct hc_live *live);
/* The first of the two. */
uint64_t hc_live_unhandled(const struct hc_live *live);

/* What the kernel counts of a program that is attached. */
struct hc_live_program {
	const char *name;    /* in the object */
	uint64_t n_skipped;  /* runs that did not happen, because it interrupted itself (since Linux 5.12) */
	uint64_t n_runs, ns; /* and how long they took; 0 while kernel.bpf_stats_enabled is 0 */
};

/* The program of hook i (hc_live_n_hooks); false: it is not loaded. */
bool hc_live_program(const struct hc_live *live, size_t i, struct hc_live_program *ret);

/* How full the rings of the security class, or all others, are now: the fullest one's share of its size, 0 to 1. A
 * ring counts together with those in front of it. */
double hc_live_fill(const struct hc_live *live, bool security);
/* Boot clock of the newest record handed out; 0: none yet. */
uint64_t hc_live_newest_ns(const struct hc_live *live);

/* A gap in a CPU's sequence of records, found while polling: `count` records are missing between two times. */
struct hc_live_gap {
	uint64_t from_ns, until_ns; /* boot clock: the records before and after it */
	uint64_t count;
	unsigned cpu;
	unsigned lane; /* enum hc_wire_lane */
};

/* Takes the oldest gap not yet taken; false when there is none. At most 1024 wait; beyond, the last one grows. */
bool hc_live_gap_next(struct hc_live *live, struct hc_live_gap *ret_gap);

/* ---- recorders that follow each other ----
 *
 * With pin_root, a directory in a BPF file system, programs and rings outlive the process: between a recorder's
 * death and the start of the next one events wait in the rings, and a new recorder takes over from one at work
 * while each event goes to exactly one of the two. */

/* Before hc_live_start, when this process alone may write to the capture (or hc_live_take_over comes next).
 * -ENOTSUP: no BPF file system there; the recording may go on without. */
int hc_live_pin(struct hc_live *live, struct hc_err *err);
bool hc_live_is_pinned(const struct hc_live *live);
/* Instead of hc_live_start: asks the recorder at work to let go of the capture, and turns to its own programs what
 * went to the other's. Returns when the other has nothing more to come; it then reads its rings empty. -EBUSY: no
 * recorder that can hand over answers. */
int hc_live_take_over(struct hc_live *live, int timeout_ms, struct hc_err *err);
/* True when the programs of an earlier recorder were at work until this one started: what happened in between is
 * in its rings (hc_live_left) or counted as lost there. */
bool hc_live_resumes(const struct hc_live *live);
/* True when another recorder has taken over: then drain, and leave the capture to it. To be called every 100 ms or
 * so, because it also answers a recorder that waits in hc_live_take_over. */
bool hc_live_handed_over(struct hc_live *live);
/* Instead of hc_live_stop: the programs stay attached and go on filling the rings for the next recorder. */
void hc_live_leave(struct hc_live *live);
/* Removes what recorders that have ended left below `root`, a directory per capture: *ret_n is how many were
 * removed, *ret_used how many were kept because a recorder is running. */
int hc_live_unpin(const char *root, unsigned *ret_n, unsigned *ret_used, struct hc_err *err);

/* What the writer keeps in memory that outlives the process, for the next recorder. */
struct hc_live_kept {
	struct hc_writer_unsealed unsealed[HC_N_STREAMS], untold;
};
/* Borrowed until close; NULL without hc_live_pin. */
struct hc_live_kept *hc_live_kept(struct hc_live *live);
/* What records may refer to (src/told.h), for each CPU; it belongs to the rings of this recorder. */
struct told_cpu;
struct told_cpu *hc_live_descriptions(struct hc_live *live);
/* Remembers, beyond the process, up to which counters losses are told of in the capture, so that the next recorder
 * does not tell of them again. count: n_cpus times HC_EV_MAX of them. */
void hc_live_told(struct hc_live *live, const struct hc_wire_count *count);

/* The rings of a recorder that ended or was killed, with the records in them that it had not read. */
struct hc_live_left;
/* Looks for them and returns how many there are. To be called after hc_live_start, by the only writer of the
 * capture. */
size_t hc_live_look_left(struct hc_live *live);
/* The i-th, oldest first; NULL with `err` filled when it cannot be opened, which takes CAP_BPF. The caller's, for
 * hc_live_left_remove or hc_live_left_free. */
struct hc_live_left *hc_live_left(struct hc_live *live, size_t i, struct hc_err *err);
/* False when its records are laid out as those of another version: then nothing but hc_live_left_waiting may be
 * asked. */
bool hc_live_left_readable(const struct hc_live_left *left);
/* Number of records that wait in its rings. */
uint64_t hc_live_left_waiting(const struct hc_live_left *left);
/* Hands them out. Returns their number, not counting those that the earlier recorder had handed out already
 * (hc_live_rec.again). */
int64_t hc_live_left_drain(struct hc_live_left *left, hc_live_fn fn, void *ctx);
/* Losses that the earlier recorder had not told of in the capture (see hc_live_told). */
struct hc_wire_count hc_live_left_lost(const struct hc_live_left *left, unsigned cpu, unsigned type);
/* Time (boot clock) after which these losses may have happened, to be asked after hc_live_left_drain. 0: not
 * known. */
uint64_t hc_live_left_lost_from(const struct hc_live_left *left, unsigned cpu, unsigned type);
const struct hc_live_kept *hc_live_left_kept(const struct hc_live_left *left);
/* What its records may refer to; NULL where they cannot be read. */
struct told_cpu *hc_live_left_descriptions(struct hc_live_left *left);
/* Removes its rings for good, and frees. */
struct hc_live_left *hc_live_left_remove(struct hc_live_left *left);
struct hc_live_left *hc_live_left_free(struct hc_live_left *left);

/* Attachment points: what is recorded, and what this kernel does not offer. */
enum hc_hook_state { HC_HOOK_ATTACHED, HC_HOOK_OFF, HC_HOOK_MISSING, HC_HOOK_FAILED };

struct hc_live_hook {
	const char *name; /* tracepoint */
	enum hc_hook_state state;
	const char *reason; /* "" when attached */
};

size_t hc_live_n_hooks(const struct hc_live *live);
struct hc_live_hook hc_live_hook(const struct hc_live *live, size_t i);

/* What is in force, for meta_config. */
const struct hc_type_set *hc_live_types(const struct hc_live *live);
unsigned hc_live_mode(const struct hc_live *live, unsigned type); /* enum hc_mode bits */
unsigned hc_live_snaplen(const struct hc_live *live, unsigned type);
size_t hc_live_ring_bytes(const struct hc_live *live);
/* All rings of the security class, or all others, together. */
size_t hc_live_rings_bytes(const struct hc_live *live, bool security);
uint32_t hc_live_self(const struct hc_live *live); /* own tgid in the initial pid namespace */
bool hc_live_cgroup_v2(const struct hc_live *live);

/* More detail than the options say, for some: on top of them, and less only than what they leave out. Where scopes
 * overlap, the highest detail and the longest payload count. */
enum hc_live_scope {
	HC_LIVE_HOST,   /* everybody */
	HC_LIVE_PID,    /* processes and, from then on, all they bring forth */
	HC_LIVE_CGROUP, /* control groups and all below them */
};

struct hc_live_raise {
	uint64_t id; /* the caller's: the same raise has the same one in each call */
	enum hc_live_scope scope;
	unsigned detail;      /* enum hc_profile + 1; 0: the one there is */
	uint32_t snaplen;     /* payload bytes kept; 0: as many as there are */
	const uint32_t *pids; /* initial pid namespace; read when the raise is new */
	size_t n_pids;
	const uint64_t *cgroups; /* ids, of the hierarchy that hc_live_hierarchy names */
	size_t n_cgroups;
};

#define HC_LIVE_MAX_RAISES 32 /* that are not of everybody */

/* All raises from now on; those of before that are not among them end. Before or after hc_live_start. -E2BIG too
 * many, -ENOSPC scopes too large, -ENOTSUP. */
int hc_live_set_raises(struct hc_live *live, const struct hc_live_raise *v, size_t n, struct hc_err *err);
/* Once a second or so: lets go what raises that have ended held. */
void hc_live_tick(struct hc_live *live);
/* Living processes in a scope of processes. */
uint32_t hc_live_raised(const struct hc_live *live, uint64_t id);
/* Processes that belong to a scope and found no room in it. Only grows. */
uint32_t hc_live_raise_missed(const struct hc_live *live);
/* What is recorded of those who have a detail (as in struct hc_live_raise), how (enum hc_mode bits), and with how
 * much payload when a raise asks for `snaplen`. */
struct hc_type_set hc_live_types_at(const struct hc_live *live, unsigned detail);
unsigned hc_live_mode_at(const struct hc_live *live, unsigned detail, unsigned type);
unsigned hc_live_snaplen_at(const struct hc_live *live, unsigned type, uint32_t snaplen);
/* Name of the controller whose v1 hierarchy tells control groups apart; "": the unified one. */
const char *hc_live_hierarchy(const struct hc_live *live);

/* Less detail than the options say, of everybody, for as long as the recorder has no time for it. Each step has in
 * it those before. What travels in the security stream, all of classes proc, cred, kernel and ctr, name lookups,
 * executable mappings and writes of program files are never shed; nor is what raises have asked for. */
enum hc_shed {
	HC_SHED_NONE,
	HC_SHED_PAYLOAD,  /* bytes of options.snaplen */
	HC_SHED_IO,       /* reads, writes, mappings beyond those of the profile `security` */
	HC_SHED_OTHER,    /* futex, poll and the like, calls without a type of their own */
	HC_SHED_METADATA, /* stat, access, getsockopt and the like */
	HC_SHED_SAMPLES,  /* first reads and writes of each file, first datagrams to each peer */
	HC_N_SHEDS
};

/* "payload", ..; "" for HC_SHED_NONE. */
const char *hc_live_shed_name(enum hc_shed step);
void hc_live_set_shed(struct hc_live *live, enum hc_shed upto);
/* In which mode (enum hc_mode bits) a type is recorded of those for whom nothing is raised, with how much payload
 * (as options.snaplen), when all up to a step is shed; -1: it is not. */
int hc_live_shed_mode(const struct hc_live *live, enum hc_shed upto, unsigned type);
uint32_t hc_live_shed_snaplen(const struct hc_live *live, enum hc_shed upto);

/* Leaves a process out from now on, or takes it in again. 0 or a negative errno (-ENOSPC: too many). */
int hc_live_skip_pid(struct hc_live *live, uint32_t tgid, bool skip);

#endif
