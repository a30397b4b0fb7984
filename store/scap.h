/*
 * Scap files, as Falco, sysdig and Stratoshark write and read them: one reader and one writer for all of this
 * project.
 *
 * A reader yields what is in a file in its order: section headers, the machine, the lists of processes,
 * descriptors, interfaces, users and groups, then events. Events of older captures come out in the current layout,
 * so that only the newest forms (scap_events.def) need to be understood. Files may be plain, or gzip or zstd
 * compressed; their first bytes tell. Memory is bounded by the largest block.
 *
 *     HC_AUTO(hc_scap_close) struct hc_scap_reader *scap = NULL;
 *     const struct hc_scap_item *item;
 *
 *     r = hc_scap_open(path, &scap, err);
 *     while (r >= 0 && (r = hc_scap_next(scap, &item, err)) > 0)
 *             use(item);
 *
 * Not shared between threads.
 */
#ifndef HC_STORE_SCAP_H
#define HC_STORE_SCAP_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/base/sha256.h"
#include "store/base/str.h"

/* ---- the event table ---- */

#define HC_SCAP_N_CODES 454
#define HC_SCAP_MAX_PARAMS 32

/* HC_SCAP_SYSCALL_OPENAT_2_X and so on: the codes. */
enum hc_scap_code {
#define SCAP_EVENT(code, ID, name, category, flags) HC_SCAP_##ID = (code),
#define SCAP_OLD(code, ID, name, n_params, flags) HC_SCAP_##ID = (code),
#include "store/scap_events.def"
};

enum {
	HC_SCAP_F_CREATES = 1 << 0, /* a descriptor */
	HC_SCAP_F_USES = 1 << 1,
	HC_SCAP_F_DESTROYS = 1 << 2,
	HC_SCAP_F_READS = 1 << 3,
	HC_SCAP_F_WRITES = 1 << 4,
	HC_SCAP_F_MODIFIES = 1 << 5, /* what is known of processes and descriptors */
	HC_SCAP_F_WAITS = 1 << 6,
	HC_SCAP_F_SKIPS = 1 << 7,
	HC_SCAP_F_LARGE = 1 << 8, /* lengths of parameters have 32 bits */
	HC_SCAP_F_UNUSED = 1 << 9,
	HC_SCAP_F_OLD = 1 << 10,
	HC_SCAP_F_SYSCALL = 1 << 11,
	HC_SCAP_F_TRACEPOINT = 1 << 12,
	HC_SCAP_F_METAEVENT = 1 << 13,
	HC_SCAP_F_PLUGIN = 1 << 14,
	HC_SCAP_F_ITER = 1 << 15,
	HC_SCAP_F_CONVERTED = 1 << 16, /* has older forms */
};

/* Encodings of parameters; the widths are those of the file. All numbers are little-endian. */
#define HC_SCAP_TYPES(T)                                                                  \
	T(ERRNO, 8, true) /* a result: negative is an error */                            \
	T(FD, 8, true)    /* a descriptor's number, or a negative error; -100 AT_FDCWD */ \
	T(PID, 8, true)                                                                   \
	T(STR, 0, false)   /* text with its NUL */                                        \
	T(BUF, 0, false)   /* bytes; of execve and clone strings that each end in NUL */  \
	T(PATH, 0, false)  /* text with its NUL */                                        \
	T(RPATH, 0, false) /* the same, relative to a descriptor */                       \
	T(SADDR, 0, false)                                                                \
	T(STUPLE, 0, false)                                                               \
	T(FDLIST, 0, false)                                                               \
	T(SIGSET, 4, false)                                                               \
	T(MODE, 4, false)                                                                 \
	T(UID, 4, false)                                                                  \
	T(GID, 4, false)                                                                  \
	T(PORT, 2, false)                                                                 \
	T(SCID, 2, false) /* Falco's number of a system call */                           \
	T(SIG, 1, false)                                                                  \
	T(REL, 8, false) /* duration, ns */                                               \
	T(ABS, 8, false) /* ns since 1970 */                                              \
	T(DYN, 0, false) /* a byte that selects, and a value */                           \
	T(PID32, 4, true)                                                                 \
	T(FD32, 4, true)                                                                  \
	T(STRARR, 0, false)                                                               \
	T(IP4, 4, false)                                                                  \
	T(IP6, 16, false)                                                                 \
	T(U8, 1, false)                                                                   \
	T(U16, 2, false)                                                                  \
	T(U32, 4, false)                                                                  \
	T(U64, 8, false)                                                                  \
	T(I8, 1, true)                                                                    \
	T(I16, 2, true)                                                                   \
	T(I32, 4, true)                                                                   \
	T(I64, 8, true)                                                                   \
	T(FLAGS8, 1, false)                                                               \
	T(FLAGS16, 2, false)                                                              \
	T(FLAGS32, 4, false)                                                              \
	T(ENUM8, 1, false)                                                                \
	T(ENUM16, 2, false)                                                               \
	T(ENUM32, 4, false)

enum hc_scap_type {
#define HC_SCAP_TYPE(t, width, is_signed) HC_SCAP_T_##t,
	HC_SCAP_TYPES(HC_SCAP_TYPE)
#undef HC_SCAP_TYPE
		HC_SCAP_N_TYPES
};

struct hc_scap_param_info {
	const char *name;
	uint8_t type;  /* enum hc_scap_type */
	uint8_t width; /* bytes of a number; 0: as long as it is */
	bool is_signed;
	uint8_t table; /* enum hc_scap_table, scap_flags.h */
};

struct hc_scap_event_info {
	const char *name; /* of the system call or event; NULL for an unused code */
	uint32_t flags;   /* HC_SCAP_F_ */
	uint8_t n_params;
	const struct hc_scap_param_info *params; /* NULL for old forms, whose layouts are not needed */
};

extern const struct hc_scap_event_info hc_scap_events[HC_SCAP_N_CODES];

/* Kinds of containers, as events named container number them. NULL where a number has none. */
#define HC_SCAP_N_CTR_TYPES 12u
extern const char *const hc_scap_ctr_types[HC_SCAP_N_CTR_TYPES];

/* ---- what a file holds ---- */

enum hc_scap_kind {
	HC_SCAP_SECTION, /* begins a capture; another one forgets all lists of the one before, and goes on counting
	                    events */
	HC_SCAP_MACHINE,
	HC_SCAP_PROC,
	HC_SCAP_FD,    /* of the process in .tid: after the processes, by process */
	HC_SCAP_IFACE, /* .first: begins a list, which replaces the one before */
	HC_SCAP_USER,
	HC_SCAP_GROUP,
	HC_SCAP_EVENT,
};

struct hc_scap_section {
	uint16_t major, minor; /* 1.2 is the newest */
};

struct hc_scap_machine {
	uint32_t n_cpus;
	uint64_t memory_bytes;
	uint64_t max_pid;
	struct hc_str hostname; /* at most 127 bytes */
	uint64_t boot_ns;       /* since 1970; 0 when not known */
	uint64_t flags;
};

/* What a process list of a version before has not is absent: see `has`, and the value it has then. */
enum {
	HC_SCAP_HAS_SID = 1 << 0,      /* V6; -1 */
	HC_SCAP_HAS_VPGID = 1 << 1,    /* V8; -1 */
	HC_SCAP_HAS_EXEPATH = 1 << 2,  /* V7; empty */
	HC_SCAP_HAS_MEMORY = 1 << 3,   /* V2: sizes and page faults; 0 */
	HC_SCAP_HAS_ENV = 1 << 4,      /* V3; empty */
	HC_SCAP_HAS_VPID = 1 << 5,     /* V4: vtid, vpid and cgroups; -1 and empty */
	HC_SCAP_HAS_ROOT = 1 << 6,     /* V5; empty */
	HC_SCAP_HAS_PIDNS = 1 << 7,    /* V9, and so below: pidns_init_start_ns and tty; 0 */
	HC_SCAP_HAS_LOGINUID = 1 << 8, /* 2^32-1 */
	HC_SCAP_HAS_WRITABLE = 1 << 9, /* false */
	HC_SCAP_HAS_CAPS = 1 << 10,    /* 0 */
	HC_SCAP_HAS_UPPER = 1 << 11,   /* false */
	HC_SCAP_HAS_EXE_INO = 1 << 12, /* number and times; 0 */
	HC_SCAP_HAS_MEMFD = 1 << 13,   /* false */
	HC_SCAP_HAS_LOWER = 1 << 14,   /* false */
	HC_SCAP_HAS_PGID = 1 << 15,    /* -1 */
};

/* A thread. Text is as it is in the file: `cwd` may lack its last slash, cgroups the names of today (`mem` for
 * `memory`). */
struct hc_scap_proc {
	uint32_t has;    /* HC_SCAP_HAS_; the writer ignores it */
	uint8_t version; /* of its list, 1 to 9; the writer ignores it */
	int64_t tid, pid, ptid, sid, vpgid, pgid, vtid, vpid;
	struct hc_str comm, exe, exepath, cwd, root;
	struct hc_str args, env, cgroups; /* strings that each end in NUL */
	int64_t fdlimit;
	uint32_t flags; /* portable clone flags */
	uint32_t uid, gid, loginuid, tty;
	uint32_t vmsize_kb, vmrss_kb, vmswap_kb;
	uint64_t pfmajor, pfminor;
	uint64_t pidns_init_start_ns;
	uint64_t cap_inheritable, cap_permitted, cap_effective;
	uint64_t exe_ino, exe_ctime_ns, exe_mtime_ns;
	bool exe_writable, exe_upper_layer, exe_lower_layer, exe_from_memfd;
};

/* Types of descriptors. */
enum hc_scap_fd_type {
	HC_SCAP_FD_FILE = 1, /* of old lists: a name alone */
	HC_SCAP_FD_DIRECTORY = 2,
	HC_SCAP_FD_IPV4_SOCK = 3,
	HC_SCAP_FD_IPV6_SOCK = 4,
	HC_SCAP_FD_IPV4_SERVSOCK = 5, /* listens */
	HC_SCAP_FD_IPV6_SERVSOCK = 6,
	HC_SCAP_FD_FIFO = 7,
	HC_SCAP_FD_UNIX_SOCK = 8,
	HC_SCAP_FD_EVENT = 9,
	HC_SCAP_FD_UNSUPPORTED = 10,
	HC_SCAP_FD_SIGNALFD = 11,
	HC_SCAP_FD_EVENTPOLL = 12,
	HC_SCAP_FD_INOTIFY = 13,
	HC_SCAP_FD_TIMERFD = 14,
	HC_SCAP_FD_NETLINK = 15,
	HC_SCAP_FD_FILE_V2 = 16, /* with flags */
	HC_SCAP_FD_BPF = 17,
	HC_SCAP_FD_USERFAULTFD = 18,
	HC_SCAP_FD_IOURING = 19,
	HC_SCAP_FD_MEMFD = 20,
	HC_SCAP_FD_PIDFD = 21,
};

enum hc_scap_l4 {
	HC_SCAP_L4_UNKNOWN,
	HC_SCAP_L4_NA,
	HC_SCAP_L4_TCP,
	HC_SCAP_L4_UDP,
	HC_SCAP_L4_ICMP,
	HC_SCAP_L4_RAW
};

struct hc_scap_fd {
	int64_t tid; /* whose */
	int64_t fd;
	uint64_t ino;
	uint8_t type;        /* enum hc_scap_fd_type; others are delivered without a name */
	uint8_t l4;          /* enum hc_scap_l4, of inet sockets */
	struct hc_str name;  /* of all but inet sockets; may be empty */
	uint32_t open_flags; /* of FILE_V2: portable */
	uint32_t dev;        /* of FILE_V2; 0 when not known */
	uint8_t src[16],
		dst[16]; /* of inet sockets, in network order, IPv4 in the first four; of SERVSOCK src alone */
	uint16_t sport, dport;
	uint64_t unix_source, unix_peer; /* of unix sockets: addresses in the kernel */
};

struct hc_scap_iface {
	bool ipv6;
	bool first;                            /* of its list */
	uint8_t addr[16], mask[16], bcast[16]; /* network order, IPv4 in the first four */
	uint64_t link_speed;                   /* 0 when not known */
	struct hc_str name;
};

struct hc_scap_user {
	uint32_t uid; /* of users */
	uint32_t gid;
	struct hc_str name, home, shell; /* of groups name alone */
};

/* An event of the current layout: what scap_events.def says of .code. */
struct hc_scap_event {
	uint64_t ts_ns; /* since 1970 */
	int64_t tid;    /* -1: of no thread */
	/* Number of the event as Falco and sysdig count them (evt.num): 1 for the first one that is delivered.
	 * Enter events count; those that only complete an exit, and codes that are not known, do not. Going on
	 * over the sections of a file. */
	uint64_t num;
	uint16_t cpu;
	uint16_t code; /* enum hc_scap_code */
	/* The one before the call: open, openat, openat2, creat, connect, execve, execveat of older captures. It
	 * feeds state (what was asked for when the exit does not say) and counts, but no rule sees it. Of
	 * SYSCALL_EXECVE_19_E parameter 0 is the file's name; of SYSCALL_EXECVEAT_E they are directory's
	 * descriptor, name, flags. */
	bool enter;
	bool state_only;  /* rules must not see it */
	uint8_t n_params; /* that the file had or conversion made, at most info->n_params; those after are there,
	                     but absent */
	const struct hc_scap_event_info *info;
	const struct hc_str *param; /* HC_SCAP_MAX_PARAMS; .len 0: not available */
};

struct hc_scap_item {
	enum hc_scap_kind kind;
	uint64_t off; /* of its block, in the uncompressed file */
	union {
		struct hc_scap_section section;
		struct hc_scap_machine machine;
		struct hc_scap_proc proc;
		struct hc_scap_fd fd;
		struct hc_scap_iface iface;
		struct hc_scap_user user; /* and group */
		struct hc_scap_event event;
	};
};

/* ---- reading ---- */

struct hc_scap_reader;

/* -EBADMSG when it is not a scap file, -ENOTSUP when of another byte order or newer major version. */
int hc_scap_open(const char *path, struct hc_scap_reader **ret, struct hc_err *err);
/* The same of an open file or pipe; the descriptor is the reader's from then on, also when it fails. */
int hc_scap_take_fd(int fd, const char *name, struct hc_scap_reader **ret, struct hc_err *err);
struct hc_scap_reader *hc_scap_close(struct hc_scap_reader *r);
HC_DEFINE_AUTO(struct hc_scap_reader, hc_scap_close)

/* 1 with an item, which is borrowed until the next call with all it points to; 0 at the end. -EBADMSG, with the
 * place in the uncompressed file, where it is damaged or ends too early: all before has been delivered, and every
 * further call says the same. */
int hc_scap_next(struct hc_scap_reader *r, const struct hc_scap_item **ret, struct hc_err *err);

/* The SHA-256 of the file as it is on disk, or of all that came out of the pipe: reads that to its end, so this is
 * the last call before hc_scap_close (and hc_scap_stats). */
int hc_scap_digest(struct hc_scap_reader *r, uint8_t ret[HC_SHA256_BYTES], struct hc_err *err);

/* What has been read so far. Nothing is left out that is not counted here. */
struct hc_scap_stats {
	uint64_t file_bytes, file_total_bytes; /* of the file as it is on disk, for progress; total 0: a pipe */
	uint64_t raw_bytes;                    /* uncompressed */
	uint64_t n_sections, n_procs, n_fds, n_events;
	uint64_t n_enter_merged;   /* enter events that completed their exit, or say nothing that it does not */
	uint64_t n_newer_events;   /* of codes that are not known: a newer writer's */
	uint64_t n_unused_events;  /* of codes that nobody writes */
	uint64_t n_unknown_blocks; /* skipped by their length */
	uint64_t n_unconverted;    /* events of older captures that have no current form, left out */
	uint64_t first_unconverted_off;
	uint16_t first_unconverted_code;
	uint64_t n_forgotten;  /* enter events that were thrown away because too many waited for their exits */
	uint64_t n_cut_params; /* longer than their type allows: cut; or more than the table knows: left out */
};
const struct hc_scap_stats *hc_scap_stats(struct hc_scap_reader *r);

/* ---- parameters: no length of the file is trusted ---- */

static inline struct hc_str hc_scap_param(const struct hc_scap_event *e, unsigned i)
{
	return i < HC_SCAP_MAX_PARAMS ? e->param[i] : (struct hc_str){ 0 };
}

static inline bool hc_scap_has(const struct hc_scap_event *e, unsigned i)
{
	return hc_scap_param(e, i).len != 0;
}

/* A number of 1, 2, 4 or 8 bytes; `absent` when there is none. */
static inline uint64_t hc_scap_u64(const struct hc_scap_event *e, unsigned i, uint64_t absent)
{
	struct hc_str s = hc_scap_param(e, i);
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (s.len) {
	case 8:
		memcpy(&v64, s.p, 8);
		return le64toh(v64);
	case 4:
		memcpy(&v32, s.p, 4);
		return le32toh(v32);
	case 2:
		memcpy(&v16, s.p, 2);
		return le16toh(v16);
	case 1:
		return (uint8_t)s.p[0];
	default:
		return absent;
	}
}

/* The same, sign extended. */
static inline int64_t hc_scap_i64(const struct hc_scap_event *e, unsigned i, int64_t absent)
{
	uint64_t v = hc_scap_u64(e, i, (uint64_t)absent);

	switch (hc_scap_param(e, i).len) {
	case 4:
		return (int32_t)v;
	case 2:
		return (int16_t)v;
	case 1:
		return (int8_t)v;
	default:
		return (int64_t)v;
	}
}

/* Text up to its NUL, .p NULL when there is none. */
static inline struct hc_str hc_scap_text(const struct hc_scap_event *e, unsigned i)
{
	struct hc_str s = hc_scap_param(e, i);

	if (s.len)
		s.len = (uint32_t)strnlen(s.p, s.len);
	return s;
}

/* Families as they are in files: Linux's numbers. */
enum { HC_SCAP_AF_UNIX = 1, HC_SCAP_AF_INET = 2, HC_SCAP_AF_INET6 = 10 };

/* One end; .family 0: none, or damaged. */
struct hc_scap_addr {
	uint8_t family; /* HC_SCAP_AF_, or another, with nothing else known */
	uint8_t ip[16]; /* network order, IPv4 in the first four */
	uint16_t port;
	struct hc_str path; /* of unix sockets; borrowed from the event */
};

struct hc_scap_tuple {
	uint8_t family;
	uint8_t sip[16], dip[16]; /* network order, IPv4 in the first four */
	uint16_t sport, dport;
	uint64_t source, peer; /* of unix sockets: addresses in the kernel */
	struct hc_str path;    /* of unix sockets; borrowed from the event */
};

/* false: absent or damaged. */
bool hc_scap_saddr(struct hc_str param, struct hc_scap_addr *ret);
bool hc_scap_stuple(struct hc_str param, struct hc_scap_tuple *ret);

/* Descriptors of poll: begins with *pos = 0; false at the end. */
bool hc_scap_fdlist(struct hc_str param, uint32_t *pos, int64_t *ret_fd, uint16_t *ret_flags);

/* The next of several strings that each end in NUL, in *rest; false at the end. */
bool hc_scap_strings(struct hc_str *rest, struct hc_str *ret);

/* ---- writing ---- */

struct hc_scap_writer;

/* Otherwise gzip, which all readers take. */
enum {
	HC_SCAP_PLAIN = 1 << 0, /* not compressed */
	HC_SCAP_ZSTD = 1 << 1,  /* smaller and quicker; Falco and sysdig do not read it as it is */
};

/* Begins a file in the newest form; the descriptor stays the caller's. `name` is for messages. */
int hc_scap_writer_new(int fd, const char *name, unsigned flags, struct hc_scap_writer **ret, struct hc_err *err);
/* In this order: the machine, interfaces, users and groups, processes, descriptors by process, events. Text is cut
 * to what readers take (1024 bytes for paths, 4096 for arguments, environment and cgroups). 0, or a negative
 * errno. */
int hc_scap_write_machine(struct hc_scap_writer *w, const struct hc_scap_machine *m, struct hc_err *err);
int hc_scap_write_iface(struct hc_scap_writer *w, const struct hc_scap_iface *i, struct hc_err *err);
int hc_scap_write_user(struct hc_scap_writer *w, const struct hc_scap_user *u, struct hc_err *err);
int hc_scap_write_group(struct hc_scap_writer *w, const struct hc_scap_user *g, struct hc_err *err);
int hc_scap_write_proc(struct hc_scap_writer *w, const struct hc_scap_proc *p, struct hc_err *err);
int hc_scap_write_fd(struct hc_scap_writer *w, const struct hc_scap_fd *fd, struct hc_err *err);
/* Of .ts_ns, .tid, .cpu, .code, .state_only, .n_params and .param. */
int hc_scap_write_event(struct hc_scap_writer *w, const struct hc_scap_event *e, struct hc_err *err);
/* Writes what is left: a file is whole only when this gave 0. */
int hc_scap_writer_finish(struct hc_scap_writer *w, struct hc_err *err);
uint64_t hc_scap_writer_bytes(const struct hc_scap_writer *w); /* written to the file so far */
struct hc_scap_writer *hc_scap_writer_free(struct hc_scap_writer *w);
HC_DEFINE_AUTO(struct hc_scap_writer, hc_scap_writer_free)

#endif
