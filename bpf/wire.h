/* bpf/wire.h: what the kernel side tells its own recorder. Native byte order, same machine, same build: never on
 * disk. Included by the BPF programs (after bpf/core.bpf.h) and by capture/ (after <linux/types.h>).
 *
 * A record is
 *
 *     struct hc_wire_head            64 bytes
 *     __u64 slot[head.n_slots]       one per argument of the type, in the order of store/event_types.def
 *     facts                          { struct hc_wire_fact, payload padded to 8 bytes } until head.bytes
 *
 * A slot holds the argument's value widened to 64 bits as its C type says (an int is sign-extended, an unsigned
 * int is zero-extended); take it as it is. Only type `sys` has raw registers. An argument that is text, an
 * address, a list or bytes has the user pointer in its slot (or 0) and its content in facts whose `subject` is the
 * index of that argument; so has a descriptor object (FD fact), a socket (SOCK) or a file (FILE, PATH). A fact
 * that is missing was not readable or not recorded: absent, never empty. Facts come in no fixed order and a
 * decoder skips kinds it does not know.
 *
 * Arguments that the tracker makes (`reaper`, `proc_after`, `container`, late file identities ..) have a slot with
 * 0. What a row changed about the acting task has facts with subject HC_WIRE_SUBJ_ROW (CREDS, NS, TASK), .._CWD,
 * .._ROOT. */
#ifndef HC_BPF_WIRE_H
#define HC_BPF_WIRE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define HC_WIRE_MAX_SLOTS 16           /* one more than any type has: the number is masked */
#define HC_WIRE_MAX_BYTES (512 * 1024) /* no record is longer: argv, env, eight paths and the fixed parts */
#define HC_WIRE_PATH_BYTES 4096        /* longest path, user text or walked components */
#define HC_WIRE_ARGV_BYTES \
	(256 * 1024) /* argv of a program that runs is cut here; a single argument has 128 KiB at most */
#define HC_WIRE_ENV_BYTES (64 * 1024)
#define HC_WIRE_ADDR_BYTES 128
#define HC_WIRE_MAX_GROUPS 64
#define HC_WIRE_MAX_NSPIDS 8 /* pid namespace levels kept, from the initial one down */
#define HC_WIRE_COMM_BYTES 16

/* A slot that has no value: an entry image that was lost, a position of something that has none. Only in slots
 * that are no register of the call. */
#define HC_WIRE_ABSENT (1ULL << 63)

/* head.flags */
enum hc_wire_flag {
	HC_WIRE_COMPAT = 1 << 0, /* nr is of the 32-bit table */
	HC_WIRE_X32 = 1 << 1,    /* nr has bit 30 set */
	HC_WIRE_URING =
		1 << 2, /* an io_uring request; nr is io_uring_enter, the opcode is in an HC_WIRE_F_URING */
	HC_WIRE_KERNEL =
		1 << 3, /* no user task stands behind it: kernel thread, interrupt; tid/tgid may be noise */
	HC_WIRE_RESTART =
		1 << 4, /* ret was -512..-516: interrupted, the kernel may restart the call; ret is as seen */
	HC_WIRE_TRUNC = 1 << 5,   /* some fact was cut (its own flag says which) */
	HC_WIRE_TOCTOU = 1 << 6,  /* text at entry and text at exit differ */
	HC_WIRE_NOENTRY = 1 << 7, /* the entry image this type has was lost */
	HC_WIRE_SAMPLED = 1 << 8, /* the type's mode is not `all`: others like it were counted, not recorded */
	HC_WIRE_KILLED = 1 << 9,  /* seccomp killed the call: ret is meaningless */
	HC_WIRE_NORET = 1 << 10,  /* a kernel event, or a result that does not exist: ret is 0 and means nothing */
	HC_WIRE_SNAPSHOT = 1 << 11, /* not an event: a task that was alive at the start (type HC_EV_META_STATE) */
	HC_WIRE_IRQ = 1 << 12,      /* may have been an interrupt: who acted is unknown, tid and tgid are 0 */
	HC_WIRE_STATEONLY =
		1 << 13, /* of a process that is filtered out: updates state (births, execs, ends), no more */
	HC_WIRE_ENTRY = 1 << 14, /* not an event: an open file that the record of this call will name, defined when
	                            the call was entered */
};

/* head.lane: who wrote the sequence number. cpu_seq counts from 0 per (cpu, lane) and also for records that found
 * the ring full, so a jump is a loss at exactly that place. */
enum hc_wire_lane {
	HC_WIRE_LANE_BULK = 0,     /* file, io and other types */
	HC_WIRE_LANE_SECURITY = 1, /* proc, cred, kernel and ctr types, connections: a ring that no flood of
	                            reads and writes can fill */
	HC_WIRE_LANE_TCP = 2,      /* tcp_state (softirq); in the security ring */
	HC_WIRE_LANE_SIGNAL = 3,   /* sig_send (any context); in the security ring */
	HC_WIRE_N_LANES = 4,
};

struct hc_wire_head {
	__u32 bytes;     /* whole record with this head, a multiple of 8 */
	__u16 type;      /* enum hc_event_type */
	__u16 flags;     /* enum hc_wire_flag */
	__u64 ts_ns;     /* boot clock at the hook */
	__u32 tid, tgid; /* initial pid namespace */
	__u64 start_ns;  /* start_boottime of the group leader: the process key is (tgid, start_ns) */
	__s64 ret;       /* as the kernel returned it */
	__u32 nr;        /* number in the table flags name; ~0 for kernel events */
	__u32 cpu_seq;   /* see enum hc_wire_lane */
	__u16 cpu;
	__u8 n_slots;
	__u8 lane;     /* enum hc_wire_lane */
	__u32 exec_id; /* execs of this process so far (low 32 bits): differs from what you know = an exec was lost
	                */
	__u64 cgroup_id; /* cgroup v2 id; 0 on hosts whose controllers are on v1: follow HC_WIRE_F_TASK and
	                    cg_attach */
};

/* fact.subject: whose fact it is. 0..15 is an argument's index. */
#define HC_WIRE_SUBJ_ROW 0xffff   /* the acting task, after the call */
#define HC_WIRE_SUBJ_RET 0xfffe   /* the descriptor in ret */
#define HC_WIRE_SUBJ_CWD 0xfffc   /* fs->pwd */
#define HC_WIRE_SUBJ_ROOT 0xfffb  /* fs->root, walked to the root of the mount namespace */
#define HC_WIRE_SUBJ_EXE 0xfffa   /* mm->exe_file; FILE alone in a snapshot */
#define HC_WIRE_SUBJ_STDIN 0xfff9 /* descriptors 0..2 at exec */
#define HC_WIRE_SUBJ_STDOUT 0xfff8
#define HC_WIRE_SUBJ_STDERR 0xfff7
#define HC_WIRE_SUBJ_TARGET 0xfff6     /* the other task: child, receiver, victim, renamed */
#define HC_WIRE_SUBJ_FILE 0xfff4       /* a file that is no descriptor of the task: mapping, io_uring fixed file */
#define HC_WIRE_SUBJ_CMSG_FIRST 0xffe0 /* to 0xffef: descriptors received by SCM_RIGHTS, in order */

/* fact.flags */
enum hc_wire_fact_flag {
	HC_WIRE_FF_TRUNC = 1 << 0, /* cut; where an original length exists the payload has it */
	HC_WIRE_FF_USER = 1 << 1,  /* read from user memory at exit: another thread may have rewritten it */
	HC_WIRE_FF_ENTRY = 1 << 2, /* read from user memory at entry */
	HC_WIRE_FF_FAULT =
		1 << 3, /* the pointer was bad, or the page not resident: what is there is all there is */
};

struct hc_wire_fact {
	__u8 kind;     /* enum hc_wire_fact_kind */
	__u8 flags;    /* enum hc_wire_fact_flag */
	__u16 subject; /* argument index or HC_WIRE_SUBJ_* */
	__u32 bytes;   /* of the payload, without this head and without padding to 8 */
};

enum hc_wire_fact_kind {
	HC_WIRE_F_END = 0,    /* never written */
	HC_WIRE_F_STR = 1,    /* text without its NUL */
	HC_WIRE_F_PATH = 2,   /* struct hc_wire_path + components, walked from the kernel's object */
	HC_WIRE_F_FILE = 3,   /* struct hc_wire_file */
	HC_WIRE_F_FD = 4,     /* struct hc_wire_fd */
	HC_WIRE_F_SOCK = 5,   /* struct hc_wire_sock */
	HC_WIRE_F_UNIX = 6,   /* struct hc_wire_unix + two names; only for AF_UNIX, beside SOCK */
	HC_WIRE_F_ADDR = 7,   /* struct sockaddr as passed (or as returned), family first, at most 128 bytes */
	HC_WIRE_F_CREDS = 8,  /* struct hc_wire_creds */
	HC_WIRE_F_NS = 9,     /* struct hc_wire_ns */
	HC_WIRE_F_TASK = 10,  /* struct hc_wire_task */
	HC_WIRE_F_ARGV = 11,  /* strings, each with its NUL; the last may lack it when cut */
	HC_WIRE_F_ENV = 12,   /* the same */
	HC_WIRE_F_BYTES = 13, /* struct hc_wire_bytes + payload */
	HC_WIRE_F_LIST = 14,  /* struct hc_wire_list + elements */
	HC_WIRE_F_STRUCT =
		15, /* the user's structure as passed: bpf_attr, perf_event_attr, clone_args, open_how, .. */
	HC_WIRE_F_MAPPING = 16, /* struct hc_wire_mapping: a mapping as it was at entry of mprotect */
	HC_WIRE_F_RUSAGE = 17,  /* struct hc_wire_rusage */
	HC_WIRE_F_KOBJ = 18,    /* struct hc_wire_kobj: bpf program, map or link behind a descriptor */
	HC_WIRE_F_URING = 19,   /* struct hc_wire_uring */
	HC_WIRE_F_TASKREF = 21, /* struct hc_wire_taskref: another task, just its identity */
	HC_WIRE_F_GROUPS = 20,  /* __u32 gids of the credentials, at most HC_WIRE_MAX_GROUPS (FF_TRUNC beyond) */
	HC_WIRE_F_CUT = 22,     /* struct hc_wire_cut; only where ARGV or ENV was cut */
};

/* A path as the kernel walked it: components leaf first, each with its NUL, `n_comps` of them; the root of the
 * walk is not a component, so "/" has none. Join reversed with '/'. */
enum hc_wire_path_flag {
	HC_WIRE_PATH_DELETED = 1 << 0,  /* unlinked */
	HC_WIRE_PATH_OUTSIDE = 1 << 1,  /* the walk ended at the real root without meeting the task's own root */
	HC_WIRE_PATH_DETACHED = 1 << 2, /* ended at a mount that is in no mount namespace */
	HC_WIRE_PATH_CUT = 1 << 3,      /* too deep or too long: components towards the root are missing */
	HC_WIRE_PATH_NAME = 1 << 4,     /* no path but a name: memfd:x, [eventpoll], a pipe or socket ("" there) */
	HC_WIRE_PATH_FAULT = 1 << 5,    /* a kernel read failed under way */
};

struct hc_wire_path {
	__u32 mnt_ns; /* inum of the task's mount namespace */
	__u16 flags;  /* enum hc_wire_path_flag */
	__u16 n_comps;
	__u16 n_fs_comps;  /* how many components lie below the root of the mount that holds the file */
	__u16 reserved[3]; /* zero */
};

enum hc_wire_layer {
	HC_WIRE_LAYER_NONE = 0,
	HC_WIRE_LAYER_UPPER = 1,
	HC_WIRE_LAYER_LOWER = 2,
};

/* What identifies a file and what a rule asks of it. Device numbers are the kernel's: major << 20 | minor. */
struct hc_wire_file {
	__u64 ino;
	__u64 size;
	__s64 ctime_ns, mtime_ns; /* wall clock */
	__u32 dev, rdev;
	__u32 mode; /* type and permission */
	__u32 nlink;
	__u32 uid, gid; /* initial user namespace */
	__u32 fs_magic;
	__u32 mnt_id;
	__u32 mnt_flags;  /* MNT_NOSUID 1, MNT_NODEV 2, MNT_NOEXEC 4, MNT_READONLY 0x40 */
	__u32 sb_flags;   /* SB_RDONLY 1, .. */
	__u8 layer;       /* enum hc_wire_layer */
	__u8 reserved[7]; /* zero */
};

enum hc_wire_fd_flag {
	HC_WIRE_FD_NEW =
		1
		<< 0, /* this row opened the file: forget whatever the key said before. Not dup, nor SCM_RIGHTS */
	HC_WIRE_FD_DEF = 1 << 1,  /* SOCK (a socket), or FILE and, where it has a name, PATH facts with the same
	                           * subject follow in this record: all there is to know about the object */
	HC_WIRE_FD_BAD = 1 << 2,  /* no such descriptor: everything below is 0 but `fd` */
	HC_WIRE_FD_SAME = 1 << 3, /* opened, and FILE and PATH facts would be those of the last record of this CPU
	                           * and lane with HC_WIRE_FD_DEF and the same `place` */
};

/* Places of a CPU and lane, and the longest record that is referred to. */
#define HC_WIRE_N_TOLD 128
#define HC_WIRE_TOLD_BYTES 1024

/* A descriptor's open file. `key`s are scrambled kernel addresses: compare them, never store them. A file that the
 * recorder has been told about comes without HC_WIRE_FD_DEF; the row that told it is earlier in merged order, or
 * was lost. What to make of i_mode and fs_magic: S_ISSOCK: a socket; S_ISFIFO with magic 0x50495045: pipe, else
 * fifo; magic 0x09041934: anonymous inode whose name is the path's ("[eventpoll]"); magic 0x01021994 with
 * HC_WIRE_PATH_NAME: memfd; 0x50494446: pidfd; 0x6e736673: namespace. */
struct hc_wire_fd {
	__u64 key; /* of the struct file */
	__u64 inode_key;
	__u64 ino;
	__u64 pos; /* f_pos after the call */
	__u32 dev;
	__u32 f_flags;
	__u32 f_mode; /* FMODE_READ 1, WRITE 2, EXEC 0x20, PATH 0x4000, CREATED 0x100000 */
	__u32 i_mode;
	__u32 fs_magic;
	__s32 fd;     /* the number; -1 when there is none */
	__u16 flags;  /* enum hc_wire_fd_flag */
	__u16 place;  /* with HC_WIRE_FD_NEW: 1..HC_WIRE_N_TOLD, see HC_WIRE_FD_SAME; else 0 */
	__u32 target; /* pidfd: tgid (6.9+); namespace: inum; else 0 */
};

/* An endpoint. Addresses are raw network order (IPv4 in the first 4 bytes, the rest 0), ports host order. */
struct hc_wire_sock {
	__u64 key;    /* of the struct sock, scrambled as above */
	__u64 cookie; /* 0 until somebody asked for it */
	__u64 ino;    /* of the socket's inode; 0 when it has none (closing, not yet accepted) */
	__u32 netns;  /* inum */
	__u16 family, type, protocol;
	__u8 state;      /* sk_state: TCP_* */
	__u8 sock_state; /* SS_* of struct socket; 0 without one */
	__u16 lport, rport;
	__u8 laddr[16], raddr[16];
	__u32 mark, priority;
	__u32 uid;     /* owner */
	__u32 ifindex; /* bound device; AF_PACKET: the interface */
	/* by family: netlink: portid, destination portid, group mask; vsock: local cid, peer cid, 0 (ports, of 32
	 * bits, begin laddr and raddr);
	 * packet: protocol; listening TCP: queue, maximum queue */
	__u32 extra[3];
	__u32 reserved; /* zero */
};

/* Names of an AF_UNIX socket: `local_bytes` then `peer_bytes` of sun_path (not padded in between). An abstract
 * name starts with a NUL and may hold more; an unnamed socket has 0 bytes. */
struct hc_wire_unix {
	__u64 peer_key;           /* of the peer's struct sock */
	__s32 peer_pid;           /* tgid, initial pid namespace; 0 unknown */
	__u32 peer_uid, peer_gid; /* ~0 unknown */
	__u16 local_bytes, peer_bytes;
};

/* The credentials in force (task->cred). */
struct hc_wire_creds {
	__u64 key;                                            /* of the struct cred, scrambled */
	__u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid; /* initial user namespace */
	__u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	__u32 securebits;
	__u32 userns, userns_level; /* inum; level 0 is the initial one */
	__u32 userns_owner;         /* initial user namespace */
	__u32 loginuid, session_id; /* ~0 when unset or without CONFIG_AUDIT */
	__u32 seccomp;              /* 0, 1 strict, 2 filter */
	__u32 no_new_privs;         /* 0, 1 */
	__u32 n_groups;             /* supplementary groups; list in HC_WIRE_F_GROUPS where the type brings it */
	__u32 dumpable;             /* of the mm, 1 more than PR_GET_DUMPABLE has; 0 without an mm, or not known */
};

struct hc_wire_ns {
	__u32 mnt, pid, pid_for_children, net, ipc, uts, cgroup, time; /* inums; 0 when the kernel has none */
	__u32 time_for_children;
	__u32 mm_userns;
	char uts_node[72]; /* 65 used, NUL-terminated */
};

enum hc_wire_task_flag {
	HC_WIRE_TASK_KTHREAD = 1 << 0,   /* PF_KTHREAD */
	HC_WIRE_TASK_THREAD = 1 << 1,    /* tid != tgid */
	HC_WIRE_TASK_IO_WORKER = 1 << 2, /* PF_IO_WORKER: io_uring, vhost */
	HC_WIRE_TASK_SUBREAPER = 1 << 3,
	HC_WIRE_TASK_EXITING = 1 << 4,
	HC_WIRE_TASK_FORKNOEXEC = 1 << 5,   /* forked and has not called exec since */
	HC_WIRE_TASK_OF_SUBREAPER = 1 << 6, /* its real parent is one: told also where prctl is not recorded */
};

/* A task. Numbers are those of the initial pid namespace unless their name starts with v (its own, innermost). */
struct hc_wire_task {
	__u64 start_ns;        /* start_boottime of this thread */
	__u64 leader_start_ns; /* of its group leader: the process key */
	__u64 parent_start_ns; /* of the real parent's group leader */
	__u64 cgroup_id;       /* v2 id, or the v1 id of the `pids` (else `memory`) hierarchy */
	__u64 nofile;          /* RLIMIT_NOFILE, soft */
	__u32 tid, tgid, ppid;
	__u32 sid, pgid, vsid, vpgid;
	__u32 exec_id;
	__u32 flags;                    /* enum hc_wire_task_flag */
	__s32 exit_signal;              /* -1 for a thread */
	__u32 tty_nr;                   /* major << 20 | minor; 0 none */
	__u32 n_levels;                 /* pid namespace levels of the task, 1 = only the initial one */
	__u32 vtid[HC_WIRE_MAX_NSPIDS]; /* per level, [0] = tid; the innermost is [n_levels - 1] */
	__u32 vpid[HC_WIRE_MAX_NSPIDS];
	char comm[HC_WIRE_COMM_BYTES];
};

struct hc_wire_taskref {
	__u64 leader_start_ns;
	__u32 tid, tgid;
};

/* Lengths before cutting. */
struct hc_wire_cut {
	__u64 argv, env; /* 0: it was not cut */
};

struct hc_wire_bytes {
	__u64 total;  /* length before cutting */
	__u64 offset; /* position in the file, ~0 when there is none */
};

struct hc_wire_list {
	__u32 n_total;    /* elements before cutting */
	__u32 elem_bytes; /* 4 or 8 */
};

struct hc_wire_mapping {
	__u64 start, end;
	__u64 vm_flags; /* VM_READ 1, WRITE 2, EXEC 4, SHARED 8, GROWSDOWN 0x100 */
	__u32 kind;     /* 0 anonymous, 1 file, 2 heap (brk), 3 stack, 4 vdso or other special */
	__u32 prot;     /* PROT_* of vm_flags: prev_prot */
};

struct hc_wire_rusage {
	__u64 utime_ns, stime_ns;      /* of the thread; with group_dead of the whole group */
	__u64 max_rss_bytes;           /* 0 when the mm is gone already */
	__u64 read_bytes, write_bytes; /* storage; 0 without CONFIG_TASK_IO_ACCOUNTING */
	__u64 min_faults, maj_faults;
};

enum hc_wire_kobj_kind {
	HC_WIRE_KOBJ_BPF_PROG = 1,
	HC_WIRE_KOBJ_BPF_MAP = 2,
	HC_WIRE_KOBJ_BPF_LINK = 3,
};

struct hc_wire_kobj {
	__u32 kind; /* enum hc_wire_kobj_kind */
	__u32 id;
	__u32 subtype; /* program, map or link type */
	__u32 reserved;
	char name[16];
	__u8 tag[8];
};

struct hc_wire_uring {
	__u64 user_data;
	__u64 req_key; /* of the request, scrambled: joins submission and completion */
	__u32 opcode;  /* IORING_OP_* */
	__u32 ring_tgid;
};

/* Counters per CPU and event type, in an mmap-able map (struct hc_wire_cpu). Written by their own CPU only. */
struct hc_wire_count {
	__u64 seen;      /* reached the handler: recorded + lost_* + sampled + filtered */
	__u64 lost_full; /* ring full */
	__u64 lost_busy; /* scratch in use (nested), record too big, inner error */
	__u64 sampled;   /* left out by the type's mode */
	__u64 filtered;  /* left out by pid, uid, comm or cgroup filters */
};

#define HC_WIRE_MAX_TYPES 512
#define HC_WIRE_MAX_NR 512

/* Modes of a type: the values are those of enum hc_mode in store/schema.h (checked at compile time where both are
 * seen). 0 keeps every row; otherwise a row is kept when any of the bits wants it. */
enum hc_wire_mode {
	HC_WIRE_MODE_ALL = 0,
	HC_WIRE_MODE_FIRST = 1 << 0, /* first per (process, exec, credentials, open file, direction), and of one
	                                regular file no more than one in 2^30 ns */
	HC_WIRE_MODE_PEER = 1 << 1,  /* the datagram's peer differs from the last one of the socket */
	HC_WIRE_MODE_P53 = 1 << 2,   /* port 53 on either side: recorded with payload */
	HC_WIRE_MODE_MAGIC = 1 << 3, /* write at position 0 of a regular file: recorded with 32 bytes */
	HC_WIRE_MODE_X = 1 << 4,     /* PROT_EXEC, or a file-backed map not yet seen with this protection */
	HC_WIRE_MODE_FAIL = 1 << 5,  /* failed (sig_send: not delivered; cap_check: refused) */
	HC_WIRE_MODE_FATAL = 1 << 6, /* signals whose default action kills, to another process */
	HC_WIRE_MODE_VALUES =
		1 << 7, /* values of the arguments that change state or power; docs/events.md names them */
};

#endif
