/* The event model as data: types, objects and their columns, made from event_types.def and object_types.def. */
#ifndef HC_STORE_SCHEMA_H
#define HC_STORE_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/str.h"

#define HC_EV_MAX 512                /* event type numbers are below this */
#define HC_EV_WORDS (HC_EV_MAX / 64) /* of a set of types */

enum hc_event_type {
	HC_EV_NONE = 0,
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) HC_EV_##ID = (number),
#include "store/event_types.def"
};

enum hc_obj_type {
	HC_OBJ_NONE = 0,
#define HC_OBJ(ID, number, name) HC_OBJ_##ID = (number),
#include "store/object_types.def"
	HC_OBJ_END,
	/* heaps and lists, addressed like objects */
	HC_OBJ_STR = 24,
	HC_OBJ_BYTES = 25,
	HC_OBJ_STRS = 26,
	HC_OBJ_INTS = 27,
	HC_OBJ_MAX = 32,
};

enum hc_stream { HC_STREAM_SECURITY, HC_STREAM_BULK, HC_N_STREAMS };

enum hc_class {
	HC_CLASS_META,
	HC_CLASS_PROC,
	HC_CLASS_CRED,
	HC_CLASS_KERNEL,
	HC_CLASS_CTR,
	HC_CLASS_NET,
	HC_CLASS_FILE,
	HC_CLASS_IO,
	HC_CLASS_OTHER,
	HC_N_CLASSES
};

enum hc_profile {
	HC_PROFILE_MINIMAL,
	HC_PROFILE_SECURITY,
	HC_PROFILE_FULL,
	HC_PROFILE_OPTION,
	HC_PROFILE_IMPORTED
};

/* How a profile samples a type. Named in meta_config; what a mode leaves out is counted in meta_sampled rows. */
enum hc_mode {
	HC_MODE_ALL = 0,
	/* first per process, descriptor object and direction; where a process opens a regular file again and
	 * again, the first in 2^30 ns */
	HC_MODE_FIRST = 1 << 0,
	HC_MODE_PEER = 1 << 1,   /* only when the datagram's peer differs from the last one on the socket */
	HC_MODE_P53 = 1 << 2,    /* port 53 on either side, payload 512 */
	HC_MODE_MAGIC = 1 << 3,  /* regular file, position 0, payload 32 */
	HC_MODE_X = 1 << 4,      /* PROT_EXEC asked for, or a file map not yet seen with this protection */
	HC_MODE_FAIL = 1 << 5,   /* failed with any errno (sig_send, cap_check: refused) */
	HC_MODE_FATAL = 1 << 6,  /* signals whose default action kills, to another process */
	HC_MODE_VALUES = 1 << 7, /* values of the arguments that change state or power (docs/events.md has them) */
};

enum hc_kind {
	HC_KIND_INT,   /* int64_t */
	HC_KIND_UINT,  /* uint64_t */
	HC_KIND_STR,   /* reference into the string heap */
	HC_KIND_BYTES, /* reference into the bytes heap, plus a column NAME_len with the original length */
	HC_KIND_ADDR,  /* struct sockaddr as passed (family little-endian), a reference into the bytes heap */
	HC_KIND_STRS,  /* list of strings */
	HC_KIND_INTS,  /* list of int64_t */
	HC_KIND_PATH,
	HC_KIND_FILE,
	HC_KIND_SOCK,
	HC_KIND_FDOBJ,
	HC_KIND_FD, /* int64_t number NAME, plus a column NAME_obj with a reference to the descriptor object */
	HC_KIND_IMAGE,
	HC_KIND_PROC,
	HC_KIND_PID, /* int64_t as passed NAME, plus a column NAME_proc with the process it resolved to */
	HC_KIND_CTR,
	HC_KIND_USER,
	HC_KIND_GROUP,
	HC_KIND_TASK,
	HC_N_KINDS
};

enum hc_fmt {
	HC_FMT_PLAIN,
	HC_FMT_DEC,
	HC_FMT_HEX,
	HC_FMT_BOOL,
	HC_FMT_MODE,
	HC_FMT_UID,
	HC_FMT_GID,
	HC_FMT_PID,
	HC_FMT_SIGNAL,
	HC_FMT_ERRNO,
	HC_FMT_DEV,
	HC_FMT_TIME /* ns since the epoch */,
	HC_FMT_BOOT /* ns of the boot clock */,
	HC_FMT_DURATION,
	HC_FMT_PORT,
	HC_FMT_IP,
	HC_FMT_CAP,
	HC_FMT_CAPS,
	HC_FMT_FL_OPEN,
	HC_FMT_FL_CLONE,
	HC_FMT_FL_AT,
	HC_FMT_FL_MSG,
	HC_FMT_FL_MOUNT,
	HC_FMT_FL_UMOUNT,
	HC_FMT_FL_PROT,
	HC_FMT_FL_MMAP,
	HC_FMT_FL_RENAME,
	HC_FMT_FL_RESOLVE,
	HC_FMT_FL_SOCK_TYPE,
	HC_FMT_FL_MEMFD,
	HC_FMT_EN_AF,
	HC_FMT_EN_SOCK_TYPE,
	HC_FMT_EN_IPPROTO,
	HC_FMT_EN_TCP_STATE,
	HC_FMT_EN_PTRACE,
	HC_FMT_EN_PRCTL,
	HC_FMT_EN_BPF_CMD,
	HC_FMT_EN_FCNTL,
	HC_FMT_EN_EXEC_VIA,
	HC_FMT_EN_PROV,
	HC_FMT_EN_LAYER,
	HC_FMT_EN_ROLE,
	HC_FMT_EN_FD_KIND,
	HC_FMT_EN_IMAGE_KIND,
	HC_FMT_EN_CAUSE,
	HC_N_FMTS
};

/* The column row_flags, which every row has. */
enum hc_row_flag {
	HC_ROW_COMPAT = 1 << 0,    /* came through the 32-bit syscall table; nr is of that table */
	HC_ROW_X32 = 1 << 1,       /* a call of the x32 ABI */
	HC_ROW_URING = 1 << 2,     /* submitted through io_uring */
	HC_ROW_KERNEL = 1 << 3,    /* kernel thread or usermode helper */
	HC_ROW_RESTART = 1 << 4,   /* interrupted; the restarted call gives its own row */
	HC_ROW_TRUNC = 1 << 5,     /* some text or payload was cut */
	HC_ROW_TOCTOU = 1 << 6,    /* what the caller passed changed while the call ran */
	HC_ROW_NOENTRY = 1 << 7,   /* the beginning of the call was not seen: what only that tells is absent */
	HC_ROW_SYNTH = 1 << 8,     /* made by the tracker or an importer */
	HC_ROW_STATEONLY = 1 << 9, /* updates state, not evaluated */
	HC_ROW_LATE = 1 << 10, /* arrived after the merge window: its place among its neighbours is by arrival */
	HC_ROW_PENDING = 1 << 11, /* reserved; no recorder sets it */
	HC_ROW_MASKED = 1 << 12,  /* a value in it was overwritten by a masking rule */
	HC_ROW_SAMPLED = 1 << 13, /* the type's mode is other than all */
};

enum hc_path_flag {
	HC_PATH_DELETED = 1 << 0,
	HC_PATH_CUT =
		1 << 1, /* text longer than the limit: the end of `real` is right, of `given` the beginning */
	HC_PATH_UNREACHABLE = 1 << 2,  /* detached mount */
	HC_PATH_OUTSIDE_ROOT = 1 << 3, /* not below the process's root: text is from the real root */
};

enum hc_image_flag {
	HC_IMAGE_WRITABLE = 1 << 0, /* the caller may write the executable */
	HC_IMAGE_UPPER = 1 << 1,    /* in the upper layer of an overlay: written since the container began */
	HC_IMAGE_MEMFD = 1 << 2,    /* in memory alone */
	HC_IMAGE_LOWER = 1 << 3,    /* in a lower layer of an overlay: of the container's image */
	HC_IMAGE_SECURE = 1 << 4,   /* AT_SECURE */
	HC_IMAGE_SUID = 1 << 5,
	HC_IMAGE_SGID = 1 << 6,
	HC_IMAGE_FILECAPS = 1 << 7,
	HC_IMAGE_DELETED = 1 << 8,
};

enum hc_proc_flag {
	HC_PROC_THREAD = 1 << 0, /* version of one deviating thread */
	HC_PROC_KTHREAD = 1 << 1,
	HC_PROC_SYNTH = 1 << 2,
	HC_PROC_INCOMPLETE =
		1 << 3, /* alive before the start and /proc did not give everything; absent fields are absent */
};

enum hc_fd_kind {
	HC_FD_UNKNOWN,
	HC_FD_FILE,
	HC_FD_DIR,
	HC_FD_CHR,
	HC_FD_BLK,
	HC_FD_FIFO,
	HC_FD_PIPE,
	HC_FD_IPV4,
	HC_FD_IPV6,
	HC_FD_UNIX,
	HC_FD_NETLINK,
	HC_FD_PACKET,
	HC_FD_VSOCK,
	HC_FD_ALG,
	HC_FD_SOCK_OTHER,
	HC_FD_EVENTFD,
	HC_FD_EVENTPOLL,
	HC_FD_SIGNALFD,
	HC_FD_TIMERFD,
	HC_FD_INOTIFY,
	HC_FD_FANOTIFY,
	HC_FD_BPF_MAP,
	HC_FD_BPF_PROG,
	HC_FD_BPF_LINK,
	HC_FD_PERF,
	HC_FD_IO_URING,
	HC_FD_USERFAULTFD,
	HC_FD_MEMFD,
	HC_FD_PIDFD,
	HC_FD_NAMESPACE,
	HC_FD_MQUEUE,
	HC_FD_TTY,
	HC_FD_ANON,
	HC_FD_LNK,
	HC_N_FD_KINDS,
};

enum hc_cause {
	HC_CAUSE_START,
	HC_CAUSE_FORK,
	HC_CAUSE_EXEC,
	HC_CAUSE_CREDS,
	HC_CAUSE_CWD,
	HC_CAUSE_ROOT,
	HC_CAUSE_NS,
	HC_CAUSE_COMM,
	HC_CAUSE_SESSION,
	HC_CAUSE_CGROUP,
	HC_CAUSE_PARENT,
	HC_CAUSE_PRCTL,
	HC_CAUSE_LIMIT,
	HC_CAUSE_METADATA,
};

/* One stored column. A column is a vector of integers: numbers, or references (0 absent) to an object, heap or
 * list entry. */
struct hc_col_desc {
	const char *name;
	const char *arg; /* logical argument it belongs to; equals name for its first column */
	uint8_t kind;    /* enum hc_kind of the logical argument */
	uint8_t fmt;     /* enum hc_fmt */
	uint8_t ref;     /* enum hc_obj_type it refers to; HC_OBJ_NONE for a number */
	bool is_signed;  /* of a number */
};

/* Columns that every event table has, before its arguments. seq, ts_ns, cpu and type stand in the block's row
 * list. */
enum hc_common_col {
	HC_COL_TASK, /* ref to TASK; absent for meta rows and where no task is known */
	HC_COL_RET,  /* absent for kernel events */
	HC_COL_NR,
	HC_COL_ROW_FLAGS,
	HC_COL_DUR_NS,  /* exit minus entry, where an entry image was taken */
	HC_COL_SRC_NUM, /* the event's number in an imported file */
	HC_N_COMMON_COLS
};

#define HC_MAX_COLS 96 /* of any table */

struct hc_table_desc {
	const char *name;                   /* also the SQL table (the type `select` would need another) */
	uint16_t number;                    /* enum hc_event_type or enum hc_obj_type */
	uint8_t stream, cls, profile, mode; /* events only */
	uint16_t n_args;                    /* logical arguments, events only */
	uint16_t n_wire;                    /* the first of them, for which a wire record has slots */
	uint16_t n_cols;
	const struct hc_col_desc *cols; /* n_cols, common columns first for events */
	const uint16_t *arg_cols;       /* per logical argument: index of its first column */
};

/* By number; without a name where none is assigned. */
extern const struct hc_table_desc hc_event_descs[HC_EV_MAX];
extern const struct hc_table_desc hc_obj_descs[HC_OBJ_MAX];

/* NULL for a number that is not assigned. The returned tables are constants. */
static inline const struct hc_table_desc *hc_event_desc(unsigned type)
{
	return type < HC_EV_MAX && hc_event_descs[type].name ? &hc_event_descs[type] : NULL;
}

static inline const struct hc_table_desc *hc_obj_desc(unsigned obj)
{
	return obj < HC_OBJ_MAX && hc_obj_descs[obj].name ? &hc_obj_descs[obj] : NULL;
}

/* By name; NULL when there is none. */
const struct hc_table_desc *hc_event_desc_by_name(struct hc_str name);
/* Index of a column, or -1. */
int hc_col_find(const struct hc_table_desc *table, struct hc_str name);

/* Column numbers as constants: HC_C_OPENAT_pathname, HC_C_OPENAT_dirfd, HC_C_OPENAT_dirfd_obj, HC_O_PROC_parent.
 */
#define HC_COLS_1(P, ID, name) P##_##ID##_##name,
#define HC_COLS_2(P, ID, name, second) P##_##ID##_##name, P##_##ID##_##name##second,
#define HC_COLENUM_INT(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_UINT(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_STR(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_ADDR(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_STRS(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_INTS(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_PATH(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_FILE(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_SOCK(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_FDOBJ(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_IMAGE(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_PROC(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_CTR(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_USER(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_GROUP(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_TASK(P, ID, name) HC_COLS_1(P, ID, name)
#define HC_COLENUM_BYTES(P, ID, name) HC_COLS_2(P, ID, name, _len)
#define HC_COLENUM_FD(P, ID, name) HC_COLS_2(P, ID, name, _obj)
#define HC_COLENUM_PID(P, ID, name) HC_COLS_2(P, ID, name, _proc)

enum hc_event_col {
	HC_C__before = -1,
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) HC_C_##ID##__reset = HC_N_COMMON_COLS - 1,
#define HC_ARG(ID, name, kind, format) HC_COLENUM_##kind(HC_C, ID, name)
#include "store/event_types.def"
};

enum hc_obj_col {
	HC_O__before = -1,
#define HC_OBJ(ID, number, name) HC_O_##ID##__reset = -1,
#define HC_FIELD(ID, name, kind, format) HC_COLENUM_##kind(HC_O, ID, name)
#include "store/object_types.def"
};

/* Logical argument numbers (wire slots): HC_A_OPENAT_pathname. */
enum hc_event_arg {
	HC_A__before = -1,
#define HC_EVENT(ID, number, name, stream, cls, profile, mode) HC_A_##ID##__reset = -1,
#define HC_ARG(ID, name, kind, format) HC_A_##ID##_##name,
#include "store/event_types.def"
};

/* A set of event types. */
struct hc_type_set {
	uint64_t w[HC_EV_WORDS];
};

static inline void hc_type_set_add(struct hc_type_set *s, unsigned type)
{
	s->w[type / 64 % HC_EV_WORDS] |= UINT64_C(1) << (type % 64);
}

static inline bool hc_type_set_has(const struct hc_type_set *s, unsigned type)
{
	return type < HC_EV_MAX && (s->w[type / 64] >> (type % 64) & 1);
}

static inline bool hc_type_set_meets(const struct hc_type_set *a, const struct hc_type_set *b)
{
	uint64_t both = 0;

	for (unsigned i = 0; i < HC_EV_WORDS; i++)
		both |= a->w[i] & b->w[i];
	return both != 0;
}

#endif
