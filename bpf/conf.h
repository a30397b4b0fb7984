/* bpf/conf.h: what the loader sets and reads: configuration, per-CPU state. Shared by both sides like wire.h. */
#ifndef HC_BPF_CONF_H
#define HC_BPF_CONF_H

#include "wire.h"

/* Fixed before loading. */
struct hc_conf {
	__u64 key;           /* random: scrambles kernel addresses */
	__u32 wake_bytes;    /* wake the consumer each time this much has been written to a ring */
	__u32 cgroup_v2;     /* 1: controllers are on the unified hierarchy */
	__u32 cgroup_subsys; /* else: index of the v1 hierarchy that tells containers apart */
	__u32 cast;          /* the kernel has bpf_rdonly_cast (6.2) */
	__u32 env;           /* record the environment at exec */
	__u32 n_cpus;        /* possible ones; scratch has one place more */
	__u32 front_bytes;   /* data of a front ring, a power of two; 0: there is none */
	__u32 tick_ns;       /* of the kernel's clock tick: what CLOCK_MONOTONIC_COARSE moves by */
};

/* A ring in front of the ring that a CPU's bulk records go to. Only this CPU's hc_sys_exit writes it, and it never
 * interrupts itself, so a record takes no lock and nothing atomic: with the kernel's ring buffer these cost as
 * much as making the record. What finds no room here goes to the other ring. Records lie in it as in the kernel's
 * ring buffers: 8 bytes whose first word is the length, with BPF_RINGBUF_DISCARD_BIT if nobody is to read it, and
 * the record. None lies at both ends of the data. */
struct hc_front {
	__u64 consumer; /* the reader's position */
	__u64 apart[15];
	__u64 producer; /* the program's; on cache lines of its own, as the reader seldom looks */
	__u64 apart_too[15];
	/* hc_conf.front_bytes of data and HC_FRONT_SLACK, which nobody writes: all that the verifier knows is
	 * where a record begins. */
	__u8 data[];
};

#define HC_FRONT_SLACK 512 /* no record in a front ring is longer, with its 8 bytes */

enum hc_filter {
	HC_FILTER_PID = 1 << 0,
	HC_FILTER_UID = 1 << 1,
	HC_FILTER_CGROUP = 1 << 2,
	HC_FILTER_COMM = 1 << 3,
};

/* Changed while running, through the mapping of .bss. */
#define HC_MAX_SNAPLEN 4095

/* Details: 0 is what is recorded of everybody. Of a task in the scope of a raise it is that and a profile on top:
 * 1 minimal, 2 security, 3 full. */
#define HC_N_DETAILS 4 /* a power of two */

struct hc_detail {
	__u64 on[HC_WIRE_MAX_NR / 64];       /* native syscall numbers */
	__u64 on32[HC_WIRE_MAX_NR / 64];     /* numbers of the 32-bit table */
	__u64 types[HC_WIRE_MAX_TYPES / 64]; /* kernel events */
	__u32 on_unknown;                    /* numbers beyond the tables, as type sys */
	__u32 reserved;
	__u16 mode[HC_WIRE_MAX_TYPES]; /* enum hc_wire_mode */
};

/* Raises for a scope that can be in force at the same time: a bit each. */
#define HC_N_RAISES 32
#define HC_RAISE_MAX_PIDS 16384
#define HC_RAISE_MAX_CGROUPS 4096

struct hc_dials {
	__u64 any[HC_WIRE_MAX_NR / 64]; /* `on` or `on32` of a detail that somebody has: most calls end here */
	__u32 any_unknown;              /* `on_unknown` of a detail that somebody has */
	__u32 raising;                  /* sets of raises: in force; 0: everybody has detail 0 */
	__u32 self_tgid;                /* left out; learned by the snapshot program */
	__u32 filters;                  /* enum hc_filter */
	__u32 reader;                   /* changes when another process reads: it must be told of all objects */
	__u32 tcp_all;                  /* every change of TCP state, not only the telling ones */
	struct hc_detail detail[HC_N_DETAILS];
	__u16 snap[HC_WIRE_MAX_TYPES];         /* payload bytes kept of everybody */
	__u64 payload[HC_WIRE_MAX_TYPES / 64]; /* types of which a raise may keep more */
	/* Sets of raises. */
	__u32 raise_pids;              /* in force, of processes */
	__u32 raise_cgroups;           /* in force, of control groups */
	__u32 raise_gen;               /* another one with each change of hc_raised_groups */
	__u32 raise_to[HC_N_DETAILS];  /* to this detail or a higher one; the first is not used */
	__u16 raise_snap[HC_N_RAISES]; /* by raise: payload bytes kept */
	__u32 raise_grown;             /* processes that the last run of hc_raise_tree has added */
	__u32 raise_missed;            /* processes that belong to a scope, and found its map full */
};

/* Written by its own CPU only but for `front`, read through the mapping. */
struct hc_cpu {
	__u32 seq[HC_WIRE_N_LANES];        /* next cpu_seq */
	__u32 since_wake[HC_WIRE_N_LANES]; /* bytes written since the consumer was last woken */
	__u64 unknown;                     /* calls dropped because no handler was loaded */
	__u32 raises;                      /* of the task whose call is under way, while there are any */
	__u32 front;                       /* its front ring, from 1; 0: it has none */
	__u64 number;                      /* a typed pointer on its way to being a number */
	struct hc_wire_count count[HC_WIRE_MAX_TYPES];
};

/* One syscall number. */
struct hc_sys_desc {
	__u16 type;   /* enum hc_event_type; 0: number not in use */
	__u8 handler; /* enum hc_handler */
	__u8 n_slots;
	__u8 lane;    /* enum hc_wire_lane */
	__u8 facts;   /* enum hc_sys_fact */
	__u8 special; /* handler's own */
	__u8 brief;   /* enum hc_brief */
	__u8 arg[8];  /* enum hc_sys_arg << 4 | register (0..5, 6 = ret, 7 = none) */
};

/* Programs behind the dispatcher, by index in the program array. */
enum hc_handler {
	HC_H_REGS,   /* six raw registers, type sys */
	HC_H_GEN,    /* table-driven: arg[] says all */
	HC_H_OPEN,   /* open family: user path, and file and path of the new descriptor */
	HC_H_SOCK,   /* connect, bind, listen, accept */
	HC_H_RW,     /* reads and writes, plain and vectored */
	HC_H_MSG,    /* sendto, recvfrom, sendmsg, recvmsg */
	HC_H_MMSG,   /* sendmmsg, recvmmsg */
	HC_H_EXEC,   /* execve, execveat that failed */
	HC_H_STRUCT, /* arguments in small user structures */
	HC_H_BPF,
	HC_H_PERF,
	HC_H_MAP,    /* mmap, mprotect */
	HC_H_DUP,    /* dup2, dup3 */
	HC_H_MUX,    /* 32-bit socketcall and ipc */
	HC_H_FINISH, /* path walks and output */
	HC_H_RAISE,  /* the dispatcher, once more, while detail is raised for some */
	HC_H_ATTR,   /* attributes, times to set, texts of a given length */
	HC_N_HANDLERS
};

/* Short ways of HC_H_GEN, HC_H_RW, HC_H_MSG. */
enum hc_brief {
	HC_BRIEF_NONE,
	HC_BRIEF_GEN,
	HC_BRIEF_RW,
	HC_BRIEF_MSG,
	HC_BRIEF_NAME, /* of HC_H_GEN, with a text */
};

/* What the table-driven handler does with an argument. */
enum hc_sys_arg {
	HC_SA_NONE, /* slot is 0 */
	HC_SA_U64,
	HC_SA_U32,
	HC_SA_I32,
	HC_SA_FD,     /* i32, FD fact */
	HC_SA_STR,    /* pointer, STR fact */
	HC_SA_NEWFD,  /* ret, FD fact of a new object */
	HC_SA_ADDR,   /* pointer, ADDR fact; its length is the next register */
	HC_SA_PI64,   /* pointer to an i64: the value; absent when NULL */
	HC_SA_FD0,    /* first descriptor of the int[2] pointed to, FD fact of a new object */
	HC_SA_FD1,    /* second */
	HC_SA_BYTES,  /* pointer, BYTES fact; its length is the next register; at most `special`, 0: 256 */
	HC_SA_PAIR,   /* 64-bit value in two 32-bit registers, low one first */
	HC_SA_ABSENT, /* not known here */
	HC_SA_PI32,   /* pointer to an i32: the value; absent when NULL */
	HC_SA_SAMEFD, /* ret, FD fact of an object that was there before (dup) */
};

/* hc_sys_desc.special of reads and writes. */
enum hc_rw {
	HC_RW_VEC = 1 << 0,   /* a vector of buffers */
	HC_RW_POS = 1 << 1,   /* with a position of its own */
	HC_RW_FLAGS = 1 << 2, /* with flags */
};

/* Facts about the acting task after the call, when it succeeded. */
enum hc_sys_fact {
	HC_SF_CREDS = 1 << 0,
	HC_SF_GROUPS = 1 << 1,
	HC_SF_NS = 1 << 2,
	HC_SF_CWD = 1 << 3,
	HC_SF_ROOT = 1 << 4,
	HC_SF_TASK = 1 << 5,
	HC_SF_DIR_OUT = 1 << 6, /* sampling `first`: the descriptor is written to (else read from) */
};

#endif
