/*
 * The state tracker: wire records in, enriched rows out.
 *
 * Every source (the running kernel, a scap file, another tool's stream) pushes records of bpf/wire.h in order of
 * time. The tracker keeps processes and their versions, threads, open files, sockets, paths, users and containers,
 * applies what each record changes, and writes one row per record through the writer with references to what
 * things were at that moment. One thread. Nothing is borrowed after a call returns.
 */
#ifndef HC_CAPTURE_TRACKER_H
#define HC_CAPTURE_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/schema.h"
#include "store/writer.h"

struct hc_tracker;
struct hc_wire_head; /* bpf/wire.h */
struct hc_mask;      /* capture/mask.h */
struct hc_kube;      /* capture/kube.h */

/* What is left out by request; rows left out are counted. */
struct hc_exclude {
	const char *const *comms; /* exact, at most 15 bytes */
	size_t n_comms;
	const char *const *exes; /* exact path of the executable */
	size_t n_exes;
	const uint32_t *uids; /* real user id */
	size_t n_uids;
	const uint32_t *pids; /* initial pid namespace */
	size_t n_pids;
	const char *const *cgroups; /* path, with all below it */
	size_t n_cgroups;
};

#define HC_TRACKER_MAX_BYTES (UINT64_C(256) << 20)
#define HC_TRACKER_MAX_HASH_BYTES (UINT64_C(256) << 20)

struct hc_tracker_opts {
	const char *proc; /* "/proc" of the machine the records come from; NULL: it is not here, nothing is looked
	                     up */
	bool late_paths;  /* resolve paths that no kernel object names, by openat2 below the process's root */
	bool hash_exe;    /* SHA-256 of files that run, of HC_TRACKER_MAX_HASH_BYTES at most */
	/* Containers are looked up in the files of their runtimes, below these directories: KIND=DIR, where DIR
	 * may be a pattern of glob(7) and KIND is docker, podman, crio, containerd, crun, runc, lxc or nspawn.
	 * None given: where the runtimes keep them. Borrowed until free. */
	bool containers;
	const char *const *container_roots;
	size_t n_container_roots;
	/* What these files lack is asked for on the sockets of runtimes: [KIND=]PATH, where KIND is docker, podman
	 * or cri and else goes by the file's name. None given: where root's runtimes have them. Borrowed until
	 * free. */
	bool sockets;
	const char *const *runtime_sockets;
	size_t n_runtime_sockets;
	bool pods; /* hc_tracker_set_kube will follow */
	/* The hierarchy by which the records' ids tell control groups apart: as hc_live_hierarchy has it, and
	 * where it is mounted. NULL: not known, ids are not looked up. Borrowed until free. */
	const char *hierarchy, *hierarchy_root;
	uint32_t own_pid;          /* asked about in /proc at the start alone */
	struct hc_exclude exclude; /* borrowed until free */
	struct hc_mask *mask;      /* borrowed until free; NULL: nothing is masked */
	uint64_t max_bytes;        /* of what is known; 0: HC_TRACKER_MAX_BYTES */
};

/* A fresh one has no writer: set it before the first push. */
int hc_tracker_new(const struct hc_tracker_opts *opts, struct hc_tracker **ret, struct hc_err *err);
struct hc_tracker *hc_tracker_free(struct hc_tracker *t);
HC_DEFINE_AUTO(struct hc_tracker, hc_tracker_free)
void hc_tracker_set_writer(struct hc_tracker *t, struct hc_writer *w);
/* Where containers' pods are looked up from now on, those known already too; NULL: nowhere any more. Borrowed
 * until the next call. Only with opts.pods. */
void hc_tracker_set_kube(struct hc_tracker *t, struct hc_kube *k);

/* One record of `bytes` bytes, 8-aligned. late: an earlier record had a later time. Rows go out; a failed write is
 * returned. A record that makes no sense is counted (stats.n_bad) and passed over. */
int hc_tracker_push(struct hc_tracker *t, const struct hc_wire_head *rec, size_t bytes, bool late,
                    struct hc_err *err);
/* The same of a record that has its row elsewhere, or is counted as gone: what it says is known from then on. */
int hc_tracker_recall(struct hc_tracker *t, const struct hc_wire_head *rec, size_t bytes, struct hc_err *err);
/* Between two looks at the records: goes on hashing, and once a second or so forgets the dead and looks at the
 * user files. Tells by rows what changed. */
int hc_tracker_tick(struct hc_tracker *t, uint64_t now_ns, struct hc_err *err);
/* After the last record: hashes what still waits for it as far as the budget of bytes goes, and counts the rest
 * (stats.n_unhashed). */
int hc_tracker_end(struct hc_tracker *t, uint64_t now_ns, struct hc_err *err);
/* After the snapshot's records: reads the descriptors of all processes from /proc, settles parents and leaders. */
int hc_tracker_snapshot_done(struct hc_tracker *t, struct hc_err *err);
/* meta_state rows for the beginning of a segment: living processes, mounts, modules; with descriptors what each
 * has open too (a look through all of /proc). */
int hc_tracker_write_state(struct hc_tracker *t, uint64_t now_ns, bool descriptors, struct hc_err *err);

/* Bounds of all buckets but the last. */
#define HC_TRACKER_TIMES_MS                     \
	{                                       \
		1, 10, 50, 100, 500, 1000, 5000 \
	}
#define HC_TRACKER_N_TIMES 7

#define HC_TRACKER_N_SOCKET_KINDS 3 /* of sockets of container runtimes */

struct hc_tracker_stats {
	uint64_t n_records, n_rows;
	uint64_t n_bad;                                              /* records that made no sense */
	uint64_t n_excluded, excluded_by_type[HC_EV_MAX];            /* rows left out by request */
	uint64_t n_unborn;                                           /* processes seen without their birth */
	uint64_t n_procs, n_tasks, n_fds, n_socks, n_paths, n_texts; /* in the tables now */
	uint64_t n_bytes;                                            /* of all that, by its own count */
	/* Forgotten to make room; n_limited: times that all of it was too much. */
	uint64_t n_evicted_procs, n_evicted_fds, n_evicted_socks, n_evicted_paths, n_limited;
	/* Files that ran, were to be hashed, and were gone, changed, too large, too many, or in turn too late. */
	uint64_t n_unhashed;
	uint64_t n_late, n_late_failed; /* late path look-ups that went to the kernel; those that stayed lexical */
	uint64_t n_masked;              /* values overwritten by masking rules */
	uint64_t n_ctrs, n_ctrs_unresolved; /* containers seen; those of which only the cgroup is known */
	uint64_t n_ctrs_podless;            /* containers of pods that the API server does not know */
	/* Those that became known by their runtimes' files, by how long after they were seen first. */
	uint64_t ctrs_known_after[HC_TRACKER_N_TIMES + 1], ctrs_known_after_ns;
	uint64_t n_ctr_refused; /* files of runtimes that were no regular files, or too big */
	uint64_t n_ctr_cut;     /* values in them that were too long or too many */
	/* Of the sockets of runtimes: containers that they told of and did not know, those that were not asked
	 * for, being too many at once, and requests without an answer or with a wrong one. */
	uint64_t n_socket_known, n_socket_unknown, n_socket_unasked, n_socket_failures[HC_TRACKER_N_SOCKET_KINDS];
	uint64_t rows_by_type[HC_EV_MAX], masked_by_type[HC_EV_MAX];
};

struct hc_tracker_stats hc_tracker_stats(const struct hc_tracker *t);

/* "docker", "podman", "cri" */
const char *hc_tracker_socket_kind(unsigned kind);

/* A socket of a runtime that has ceased to answer, or answers again: once for each change; false: there is none.
 */
struct hc_tracker_socket {
	const char *path, *kind; /* until free */
	bool failing;
	char why[256]; /* of the failure */
};
bool hc_tracker_socket_news(struct hc_tracker *t, struct hc_tracker_socket *ret);

/* Containers that are known now, by runtime. */
struct hc_tracker_runtime {
	char name[32];
	uint64_t n;
};
#define HC_TRACKER_MAX_RUNTIMES 16u /* the last one has all that are left over, and is named "other" */
size_t hc_tracker_runtimes(const struct hc_tracker *t, struct hc_tracker_runtime ret[HC_TRACKER_MAX_RUNTIMES]);

#endif
