/* The tracker's objects. All are reference counted, immutable once others refer to them, and remember their
 * reference in the block being built (struct hc_slot): a change makes a new one. */
#ifndef HC_CAPTURE_TRACKER_PRIV_H
#define HC_CAPTURE_TRACKER_PRIV_H

#include "capture/mask.h"
#include "capture/tracker.h"

#include <limits.h>
#include <linux/openat2.h>

#include "capture/kube.h"
#include "ctr_disk.h"
#include "ctr_socket.h"
#include "decode.h"
#include "told.h"
#include "table.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif

#define MAX_DEPTH 160   /* of references followed when an entry is written: what is beyond is absent */
#define MAX_CREATORS 64 /* dead creators kept behind a version */
#define MAX_IMAGES 16   /* earlier images kept behind an image */
#define DEAD_KEEP_NS UINT64_C(5000000000) /* a dead process is known for so long: records may come late */
#define MAX_PATHS 65536u                  /* cached; beyond, those not used lately go */
#define MAX_FDS (64u << 10)               /* open files known; beyond, those not used lately go */
#define MAX_SOCKS (64u << 10)
#define N_FILES 4096u /* identities kept to be found again, by device and inode */
#define N_CTR_UNKNOWN 512u
#define N_NEAR 512u         /* in front of a table, where a busy machine's few stay in a near cache */
#define HEAP_BYTES 16u      /* that the heap adds to each piece */
#define MAX_PROC_READS 2000 /* /proc look-ups of processes without a birth, per second */

struct txt {
	uint32_t refs, len;
	uint64_t hash;
	struct hc_slot slot;
	char p[]; /* not terminated */
};

/* A list of texts or of numbers. */
struct lst {
	uint32_t refs, n;
	struct hc_slot slot;
	uint64_t key_a, key_b;     /* of the raw bytes it was made of; 0 and 0: not in the table */
	struct txt **txt;          /* n, or NULL */
	int64_t *num;              /* n, or NULL */
	struct hc_mask_hits *hits; /* what was masked in it; NULL: nothing */
};

struct tpath {
	uint32_t refs;
	uint8_t prov, flags, used;
	struct hc_slot slot;
	uint64_t key_a, key_b;
	struct txt *given, *abs, *real, *fsrel; /* NULL: nobody could tell */
};

struct tfile {
	uint32_t refs;
	struct hc_slot slot;
	bool has_btime;
	int64_t btime_ns;
	struct texe *exe; /* what its content told; NULL: nothing */
	struct hc_wire_file w;
};

enum sock_role { ROLE_NONE, ROLE_CLIENT, ROLE_SERVER };
#define NEAR_BOUND 3 /* a socket that has its own address alone */

struct tver;

struct tsock {
	uint32_t refs;
	uint8_t role, connected, used;
	uint8_t near_end; /* of imports: a role, or NEAR_BOUND */
	bool serves_here; /* of imports */
	struct hc_slot slot;
	struct hc_wire_sock w;
	struct txt *local, *peer; /* unix */
	struct txt *shown;        /* of imports: its name where that is not made of the addresses */
	uint64_t peer_ino;
	struct tver *creator, *peer_proc;
};

struct tfd {
	uint32_t refs;
	uint8_t kind; /* enum hc_fd_kind */
	uint8_t used;
	bool created, cloexec, defined;
	struct hc_slot slot;
	uint64_t id, key, inode_key, ino;
	uint64_t target;
	uint32_t f_flags, f_mode;
	struct tpath *path, *path_now;
	struct tfile *file;
	struct tsock *sock;
	struct txt *name;
	struct tver *opened_by, *target_proc;
};

struct timage {
	uint32_t refs;
	uint8_t what, depth;
	bool has_exec_ns, has_flags;
	struct hc_slot slot;
	uint64_t exec_ns;
	uint32_t exec_seq, flags;
	struct tpath *filename, *exe, *script, *elf_interp;
	struct tfile *exe_file, *elf_interp_file;
	struct txt *interp, *comm;
	struct lst *argv, *env;
	uint32_t argc, envc;            /* ~0 unknown */
	uint64_t argv_bytes, env_bytes; /* before they were cut; 0: they were not */
	struct tfd *std[3];
	struct timage *prev;
};

struct tuser {
	uint32_t refs, id;
	struct hc_slot slot;
	struct txt *name, *home, *shell;
	struct txt *ctr; /* of imports: the container whose user it is; NULL: the host */
	bool is_group;
};

struct tctr {
	uint32_t refs;
	struct hc_slot slot;
	struct txt *id, *runtime, *path;
	struct txt *outer;           /* id of the outermost container around it; NULL: it is that itself */
	uint64_t cgroup_id, seen_ns; /* seen_ns: when it was seen first */
	struct ctr_facts *facts;     /* NULL: nothing is known but the path */
	struct ctr_facts *sandbox;   /* of an import: of its pod's sandbox; NULL: that was not told of before */
	uint64_t known_at_ns;        /* when the facts came; 0: none did */
	uint8_t phase;               /* enum ctr_phase */
	bool asked;                  /* the runtimes' files have been looked at */
	bool mask_told;              /* what is masked of this version has been counted */
	/* of the newest version, which is the one in the table */
	bool waiting; /* more may come */
	uint8_t n_looks;
	uint64_t look_ns; /* next */
	/* of its pod (tracker_pod.c) */
	const struct hc_kube_pod *pod;   /* a reference; NULL: the API server has told nothing */
	const struct hc_kube_ns *pod_ns; /* its namespace, a reference; NULL: not told */
	struct txt *pod_uid;             /* NULL: it is in none, as far as is known */
	uint32_t pod_idx;                /* this container in it; UINT32_MAX: the pod alone is known */
	bool pod_asked, pod_none;        /* the server is to tell of it; it does not know it */
};

/* A row about a container that is still to be written. */
struct ctr_news {
	struct ctr_news *next;
	struct tctr *ctr;
	uint16_t type; /* HC_EV_CTR_START .. _STOP */
	const char *phase;
};

/* The control groups of a process: "subsystem=path" in order, and the container they tell of. */
struct tcgs {
	uint32_t refs, n;
	struct lst *list;
	uint16_t hier[16]; /* hierarchy number per item */
	struct tctr *ctr;
};

/* A control group of the hierarchy that ids are of, by its id. */
struct tgroup {
	uint64_t id;
	struct txt *path;
	bool used;
};

enum ver_has {
	HAS_CREDS = 1 << 0,
	HAS_NS = 1 << 1,
	HAS_IDS = 1 << 2, /* session, group, tty */
	HAS_NOFILE = 1 << 3,
	HAS_CGROUP = 1 << 4,
	HAS_LOGIN = 1 << 5,    /* loginuid and session id are meaningful */
	HAS_TREE = 1 << 7,     /* in_init_tree is known */
	HAS_IMPORTED = 1 << 6, /* what other recorders keep: effective ids and three sets of capabilities, ids that
	                          may be -1, pidns_ns; instead of HAS_CREDS and HAS_IDS */
};

/* How far a container has come: what there is of it, until a program runs in a mount namespace of its own; from
 * the start of the recording on. As numbers in the column ctr_phase. */
enum ctr_phase { CTR_NO_PHASE, CTR_CREATED, CTR_STARTED, CTR_EXISTED };

/* Whether it, or whom it descends from, came into its mount namespace by setns: else that was made for it. */
enum entered { NOT_ENTERED, ENTERED, ENTERED_UNKNOWN };

#define HC_UNKNOWN UINT32_MAX /* a level or an owner of a user namespace that /proc does not tell */

/* A process version. */
struct tver {
	uint32_t refs, pid, version, ppid;
	struct hc_slot slot;
	uint8_t cause, n_vpids, dead_depth;
	uint8_t subreaper, entered, ctr_phase; /* enum entered; enum ctr_phase */
	bool in_init_tree; /* it descends from the first process of its pid namespace, or is that */
	uint8_t dumpable;  /* 1 more than the value; 0: not known, or no mm */
	uint32_t has, flags;
	uint64_t start_ns, from_ns, fork_ns;
	uint64_t lineage, parent_lineage; /* change with exec, reparenting and those of ancestors */
	uint64_t lineage_ns;
	uint32_t vpids[HC_WIRE_MAX_NSPIDS];
	struct timage *image, *parent_image;
	struct tver *parent, *creator;
	struct txt *comm, *image_comm;
	struct tpath *cwd, *root;
	struct hc_wire_creds creds;
	struct lst *groups;
	struct hc_wire_ns ns;
	uint64_t cgroup_id, nofile;
	uint64_t pidns_ns; /* start of the pid namespace's first process; 0: not known, or the initial one */
	struct tcgs *cgs, *cgs_exec;
	uint32_t sid, pgid, vsid, vpgid, tty_nr;
	struct tver *sid_leader, *pgid_leader, *vpgid_leader;
	struct tuser *user, *login_user, *group;
	struct txt *lsm_label;
};

struct tproc;

struct ttask {
	uint32_t tid, vtid; /* vtid 0: unknown */
	uint64_t start_ns;  /* 0: unknown */
	struct tproc *proc;
	struct tver *own;          /* a deviating thread's version; NULL: the process's */
	struct tver *pre_name;     /* the version before a new name, until the call that gave it returns; NULL */
	struct ttask *prev, *next; /* of the process */
	struct hc_slot slot;
	uint32_t slot_version; /* number of the version that `slot` is about */
};

struct tproc {
	uint32_t tgid;
	uint32_t exec_id, n_tasks, n_children, next_version;
	uint64_t start_ns, dead_ns; /* dead_ns 0: alive */
	uint64_t heard_ns;          /* last record of it */
	uint64_t checked_gen;
	uint64_t vpid_hash; /* in by_vpid; 0: not */
	struct tver *cur;
	struct tproc *parent;                /* NULL: none, or unknown */
	struct tproc *child, *prev, *next;   /* first child; siblings */
	struct tproc *dirs_prev, *dirs_next; /* a ring of those that share one cwd and root (CLONE_FS); NULL:
	                                        nobody else has these */
	struct ttask *tasks;
	struct tproc *dead_next;
	bool exec_known; /* exec_id is */
	bool excluded, io_worker, seen_live;
};

enum arg_role { ROLE_PLAIN, ROLE_PROC_AFTER, ROLE_CHILD, ROLE_TARGET };

/* Of a plain row: a cell that an argument fills by itself. */
struct plan_cell {
	uint8_t arg, col;
	bool is_fd; /* a descriptor's number */
	bool absent_ok;
};

struct plan_arg {
	uint8_t kind;     /* enum hc_kind */
	uint8_t role;     /* enum arg_role */
	bool absent_ok;   /* HC_WIRE_ABSENT means absent */
	bool is_dev;      /* a device number as programs encode it */
	int16_t named_by; /* argument with the name that this is the value of, as a secret may have one; -1: none
	                   */
	int16_t dirfd;    /* PATH: argument that it is relative to; -1: the working directory */
	uint16_t col;
	const char *name;
};

struct plan {
	const struct hc_table_desc *desc;
	uint8_t n_args;
	/* bit per argument */
	uint16_t of_kind[HC_N_KINDS];
	uint16_t numbers; /* INT and UINT that are copied as they are */
	uint16_t others;  /* the rest */
	uint16_t procs;   /* name a process by themselves */
	uint16_t fds;     /* FD and FDOBJ */
	uint16_t held;    /* have an object of their own while a record is in hand; with the first of all */
	bool opens;       /* the path of the first PATH argument is that of the new descriptor */
	bool late;        /* paths are resolved late */
	bool plain;       /* a call that brings no facts but names and known descriptors changes nothing */
	/* of a plain one, with the cells that every row has */
	uint8_t n_cells;
	struct plan_cell cell[HC_WIRE_MAX_SLOTS];
	uint64_t valid[(HC_MAX_COLS + 63) / 64];
	int16_t newfd; /* argument of kind FDOBJ that is the call's result; -1 */
	int16_t sock_after;
	struct plan_arg arg[HC_WIRE_MAX_SLOTS];
};

struct user_db {
	uint64_t ns_mnt;
	struct txt *root;
	struct table by_id;             /* struct tuser */
	uint64_t passwd_sig, group_sig; /* of the files' stat */
	uint64_t checked_ns;
};

struct dir_entry { /* of the late path cache */
	uint64_t key_a, key_b;
	struct txt *real; /* NULL: could not be told */
	uint64_t until_ns;
};

struct root_fd {
	uint64_t id; /* of this opening */
	uint32_t ns_mnt;
	uint64_t root_hash; /* of its text */
	int fd;
	uint64_t used_ns; /* 0: none is open here */
	char real[256];   /* its name as we see it, to be cut off; "" for "/" */
};

#define N_ROOT_FDS 32
#define N_USER_DBS 64
#define MAX_ANCESTORS 8 /* that are asked for what a process has in common with them */

/* How often a rule masked something in a column. */
struct mask_count {
	uint16_t type;
	uint32_t rule;
	const char *column;
	uint64_t count, told; /* told of by meta_masked rows */
};

struct hc_tracker {
	struct hc_tracker_opts opts;
	struct hc_writer *w;
	struct hc_hash128 seed;
	struct plan plan[HC_EV_MAX];
	struct hc_tracker_stats stats;
	struct hc_cells cells; /* of the row being made; clean between rows */

	struct table txts, lists, paths, procs, tasks, fds, socks, by_vpid, cgroups, groups, dirs, dir_names, exes;
	uint64_t text_bytes; /* of texts and lists */
	uint64_t ctr_bytes;  /* of containers, as of the last second */
	uint64_t n_vers, n_images;
	uint32_t path_hand, fd_hand, sock_hand,
		group_hand; /* where each table was looked at last for what may go */
	int group_hier;     /* number of the hierarchy of `groups`; -1: not known yet */
	struct tproc *dead; /* in order of death */
	struct tproc **dead_end;
	uint64_t tree_gen, next_lineage, next_fd_id;
	uint64_t now_ns;             /* time of the record in hand */
	struct told told;            /* what records may refer to */
	struct tfd *near_fd[N_NEAR]; /* of the tables, those asked for last; NULL */
	struct ttask *near_task[N_NEAR];
	uint32_t depth;                          /* of the entry being written */
	uint32_t proc_reads;                     /* in this second */
	uint32_t exe_reads;                      /* the same of files that run */
	struct texe *exe_queue, **exe_queue_end; /* to be hashed */
	uint32_t n_exe_queue, exe_fds;
	int64_t hash_budget; /* bytes */
	uint64_t hash_ns;    /* when it was filled last */
	uint32_t own_mnt_ns;
	int proc_fd;  /* opts.proc; -1 without */
	int late_off; /* errno of openat2 with RESOLVE_CACHED where that is not to be had; 0 */
	bool in_snapshot;
	uint64_t last_tick_ns;
	struct tfile *files[N_FILES];
	struct root_fd root_fd[N_ROOT_FDS];
	uint64_t n_roots;       /* opened so far */
	uint64_t n_mnt_changes; /* how often the kernel may have given the number of a mount namespace anew */
	struct user_db *user_db[N_USER_DBS];
	uint32_t n_user_dbs;
	uint64_t path_flush_n;
	struct mask_count *masked;
	size_t n_masked, cap_masked;
	uint64_t host_user_sig;
	struct ctr_disk *disk;       /* NULL: containers are not looked up */
	struct ctr_sockets *sockets; /* NULL: none is asked */
	struct ctr_news *ctr_news, **ctr_news_end;
	uint32_t n_ctr_waiting;
	uint32_t n_cgroup_changes;           /* control groups and containers that came, went, or became known */
	uint64_t ctr_unknown[N_CTR_UNKNOWN]; /* hashes of names that were no containers just now */
	uint64_t ctr_unknown_ns;             /* since when they are kept */
	struct hc_kube *kube;                /* NULL: the API server is not asked */
	uint64_t pods_seq;                   /* the last change of a pod that was seen */
	uint64_t pods_look_ns, pods_settle_ns, pods_synced_ns;
	char buf[2 * PATH_MAX + 1024];
	char buf2[2 * PATH_MAX + 1024];
};

/* ---- tracker_obj.c: objects ---- */

/* Zeroed, like calloc's, which glibc before 2.41 does not serve from its thread's cache. */
static inline void *obj_alloc(size_t bytes)
{
	void *p = malloc(bytes);

	__asm__ volatile("" : : "r"(p) : "memory"); /* or else compilers make it a calloc */
	return p ? memset(p, 0, bytes) : NULL;
}

#define REF(p)                             \
	({                                 \
		__typeof__(p) ref_p = (p); \
		if (ref_p)                 \
			ref_p->refs++;     \
		ref_p;                     \
	})

/* The same where there surely is one. */
#define REF1(p) ((p)->refs++, (p))

struct txt *txt_get(struct hc_tracker *t, const char *p, size_t len); /* a reference; NULL when p is */
/* x_free is the end of x_unref: nobody refers to it any more. */
#define UNREF(name, type)                                                     \
	void name##_free(struct hc_tracker *t, struct type *p);               \
	static inline void name##_unref(struct hc_tracker *t, struct type *p) \
	{                                                                     \
		if (p && !--p->refs)                                          \
			name##_free(t, p);                                    \
	}
UNREF(txt, txt)
UNREF(path, tpath)
UNREF(file, tfile)
UNREF(sock, tsock)
UNREF(fd, tfd)
UNREF(ver, tver)

static inline struct hc_str txt_str(const struct txt *s)
{
	return s ? (struct hc_str){ s->p, s->len } : (struct hc_str){ NULL, 0 };
}
bool txt_is(const struct txt *s, const char *literal);

/* NUL-separated strings (the last may lack its NUL). */
struct lst *lst_of_block(struct hc_tracker *t, const void *p, size_t bytes);
/* The two halves of it, for texts that are not stored as they came: the list made of what `h` is the hash of, a
 * reference or NULL; and a new one. */
struct lst *lst_find(struct hc_tracker *t, struct hc_hash128 h);
struct lst *lst_make(struct hc_tracker *t, struct hc_hash128 h, const void *p, size_t bytes);
struct lst *lst_of_u32(struct hc_tracker *t, const uint32_t *v, uint32_t n);
struct lst *lst_of_txts(struct hc_tracker *t, struct txt **txts, uint32_t n); /* takes the references */
void lst_unref(struct hc_tracker *t, struct lst *l);
/* What was masked in a list that has no hits yet. */
void lst_set_hits(struct hc_tracker *t, struct lst *l, const struct hc_mask_hits *hits);

struct tfile *file_of(const struct hc_wire_file *w);
/* The one that was seen last, when nothing about it changed. */
struct tfile *file_get(struct hc_tracker *t, const struct hc_wire_file *w);
struct tsock *sock_new(void);
struct tsock *sock_copy(const struct tsock *from);
void sock_drop(struct hc_tracker *t, struct tsock *s); /* what it refers to */
struct tfd *fd_copy(const struct tfd *from);           /* same identity, no slot */
void image_unref(struct hc_tracker *t, struct timage *i);
void user_unref(struct hc_tracker *t, struct tuser *u);
void ctr_unref(struct hc_tracker *t, struct tctr *c);
void cgs_unref(struct hc_tracker *t, struct tcgs *c);
struct timage *image_new(struct hc_tracker *t);
struct tver *ver_new(struct hc_tracker *t);
struct tver *ver_copy(struct hc_tracker *t, const struct tver *from); /* no slot, one reference */

/* References in the block that `b` builds; 0 for NULL. */
uint32_t in_txt(struct hc_builder *b, struct txt *s);
uint32_t in_lst(struct hc_builder *b, struct lst *l);
uint32_t in_path(struct hc_builder *b, struct tpath *p);
uint32_t in_file(struct hc_builder *b, struct tfile *f);
uint32_t in_sock(struct hc_tracker *t, struct hc_builder *b, struct tsock *s);
uint32_t in_fd_new(struct hc_tracker *t, struct hc_builder *b, struct tfd *f);
static inline uint32_t in_fd(struct hc_tracker *t, struct hc_builder *b, struct tfd *f)
{
	uint32_t ref = f ? hc_slot_get(&f->slot, b) : 0;

	return ref || !f ? ref : in_fd_new(t, b, f);
}
uint32_t in_task_new(struct hc_tracker *t, struct hc_builder *b, struct ttask *k, struct tver *v);
static inline uint32_t in_task(struct hc_tracker *t, struct hc_builder *b, struct ttask *k, struct tver *v)
{
	uint32_t ref = v && k->slot_version == v->version ? hc_slot_get(&k->slot, b) : 0;

	return ref || !v ? ref : in_task_new(t, b, k, v);
}
uint32_t in_image(struct hc_tracker *t, struct hc_builder *b, struct timage *i);
uint32_t in_user(struct hc_builder *b, struct tuser *u);
uint32_t in_ctr(struct hc_tracker *t, struct hc_builder *b, struct tctr *c);
uint32_t in_ver(struct hc_tracker *t, struct hc_builder *b, struct tver *v);

static inline void cell_ref(struct hc_cells *c, unsigned col, uint32_t ref)
{
	c->v[col] = ref;
}

/* ---- tracker_path.c: paths ---- */

/* a joined with b by the rules of a shell without symbolic links: . .. // and a final / removed. */
uint32_t path_join(struct hc_str base, struct hc_str rel, char *buf, uint32_t room);

struct path_ask {
	struct hc_str given;      /* .p NULL: none */
	struct txt *base;         /* what `given` is relative to; NULL: unknown */
	const struct wfact *fact; /* the kernel's path; NULL: none */
	struct hc_str real;       /* known otherwise, with `prov`; .p NULL: none */
	struct hc_str abs;        /* instead of `given` below `base`; .p NULL: that */
	uint8_t prov, flags;
};

/* From the cache or new; a reference. NULL only when out of memory. */
struct tpath *path_get(struct hc_tracker *t, const struct path_ask *ask);
/* The path of a kernel walk alone. */
struct tpath *path_of_fact(struct hc_tracker *t, const struct wfact *f);
/* A path known as text. */
struct tpath *path_of_text(struct hc_tracker *t, struct hc_str real, uint8_t prov, uint8_t flags);
/* What the directory part of `abs` is for the process, with the last component kept; a reference or NULL. */
struct txt *path_late(struct hc_tracker *t, const struct tver *v, struct hc_str abs);
/* The identity of what `abs` names for the process, without waiting for anybody; NULL when it cannot be told. */
struct tfile *path_late_file(struct hc_tracker *t, const struct tver *v, struct hc_str abs, bool follow);
/* What `abs` names for the process, opened as a place only; -1 when the caches cannot tell. */
int path_late_open(struct hc_tracker *t, const struct tver *v, struct hc_str abs, bool follow);
/* The id of the mount that `abs` leads to for the process; 0 when it cannot be told. */
uint64_t path_late_mount(struct hc_tracker *t, const struct tver *v, struct hc_str abs);
/* A name was moved, made or removed: forget what depends on it. all: everything (mounts). */
void path_changed(struct hc_tracker *t, const struct tpath *p, bool all);
/* What is known of a mount namespace by its number is not true any more: a process has come into it, which may
 * have been made with the number of one that is gone, or what lies at its root is another. */
void mnt_ns_changed(struct hc_tracker *t, uint32_t ns_mnt);
/* Lets go of roots that nobody asked for lately. */
void path_roots_tick(struct hc_tracker *t);
/* Learns at the start whether late look-ups are to be had. */
void path_late_probe(struct hc_tracker *t);
void path_late_done(struct hc_tracker *t);

/* ---- tracker_fd.c: open files and sockets ---- */

/* The object of the FD fact with this subject; borrowed from the table, NULL when there is none. `given` as it was
 * named by an open, else NULL. */
struct tfd *fd_see(struct hc_tracker *t, const struct wrec *r, unsigned subject, struct ttask *task,
                   struct tver *ver, struct tpath *opened);
/* The object of an FD fact that tells nothing new of it, borrowed from the table; NULL: it does, or it is not
 * known. */
struct tfd *fd_known(struct hc_tracker *t, const struct hc_wire_fd *w);
/* `s` with another role, which the endpoint has from now on; takes and returns a reference. */
struct tsock *sock_role(struct hc_tracker *t, struct tsock *s, uint8_t role);
struct tsock *sock_see(struct hc_tracker *t, const struct wrec *r, unsigned subject,
                       struct tver *ver); /* a reference */
/* Replaces the descriptor's endpoint; returns the object in force. */
struct tfd *fd_set_sock(struct hc_tracker *t, struct tfd *f, struct tsock *s);
void fd_done(struct hc_tracker *t);
/* From /proc at the start. */
struct tfd *fd_from_proc(struct hc_tracker *t, uint32_t pid, int fd);

/* ---- tracker_proc.c: processes ---- */

struct tproc *proc_find(struct hc_tracker *t, uint32_t tgid, uint64_t start_ns); /* start_ns 0: the living one */
struct tproc *proc_get(struct hc_tracker *t, uint32_t tgid, uint64_t start_ns);  /* made from /proc when unknown */
struct ttask *task_find(struct hc_tracker *t, uint32_t tid);
static inline struct ttask *task_known(struct hc_tracker *t, uint32_t tid)
{
	struct ttask *k = t->near_task[tid % N_NEAR];

	return k && k->tid == tid ? k : task_find(t, tid);
}
struct ttask *task_get(struct hc_tracker *t, uint32_t tid, uint32_t tgid, uint64_t start_ns);
struct ttask *task_add(struct hc_tracker *t, struct tproc *p, uint32_t tid);
void task_drop(struct hc_tracker *t, struct ttask *k);
static inline struct tver *task_ver(const struct ttask *k)
{
	return k->own ? k->own : k->proc->cur;
}
/* Makes the version follow what ancestors have become. */
void proc_refresh(struct hc_tracker *t, struct tproc *p);

/* A change under way: fields of `v` are set, then it is committed or dropped. */
struct edit {
	struct tproc *proc;
	struct ttask *task; /* whose facts they are */
	struct tver *v;     /* a copy */
	uint8_t cause;
	bool changed, thread_only; /* only facts that a thread may have of its own */
};

bool edit_begin(struct hc_tracker *t, struct edit *e, struct tproc *p, struct ttask *k, uint8_t cause);
void edit_facts(struct hc_tracker *t, struct edit *e, const struct wrec *r, unsigned subject);
/* Returns the version now in force (borrowed). */
struct tver *edit_end(struct hc_tracker *t, struct edit *e);

/* What a process did to its cwd and root it did to those of the processes that share them. */
void proc_share_dirs(struct hc_tracker *t, struct tproc *p);
/* It has its own from now on. */
void proc_own_dirs(struct tproc *p);
struct tproc *proc_fork(struct hc_tracker *t, const struct wrec *r, struct ttask *caller);
void proc_exec(struct hc_tracker *t, const struct wrec *r, struct ttask *k);
/* The end of a thread; of the process when it was the last. Returns who takes the children, or NULL. */
struct tproc *proc_exit(struct hc_tracker *t, const struct wrec *r, struct ttask *k);
void proc_snapshot(struct hc_tracker *t, const struct wrec *r);
void proc_settle(struct hc_tracker *t);
void proc_reap(struct hc_tracker *t, uint64_t before_ns);
/* The dead, and what is known of them through the living. */
void proc_forget_dead(struct hc_tracker *t);
/* One that lives: the next record of it finds it without a birth. */
void proc_evict(struct hc_tracker *t, struct tproc *p);
void proc_done(struct hc_tracker *t);
/* The process that number `n` means for `v`: its own pid namespace first. */
struct tproc *proc_by_number(struct hc_tracker *t, const struct tver *v, int64_t n);
void ver_leaders(struct hc_tracker *t, struct tproc *p, struct tver *v);
void ver_users(struct hc_tracker *t, struct tver *v, uint32_t pid);
bool proc_is_excluded(struct hc_tracker *t, const struct tver *v);

/* ---- tracker_exe.c: what files that run contain ---- */

/* For a version with a new image, whose file the kernel told of: its build id, interpreter, and hash if wanted. */
void exe_see(struct hc_tracker *t, struct tver *v);
/* Often: goes on hashing, within its budget. */
int exe_tick(struct hc_tracker *t, struct hc_err *err);
/* The last time: what its budget does not reach is counted as not hashed. */
int exe_end(struct hc_tracker *t, struct hc_err *err);
void cells_of_exe(struct hc_builder *b, struct hc_cells *c, struct texe *e);
void exe_unref(struct hc_tracker *t, struct texe *e);
void exe_done(struct hc_tracker *t);

/* ---- tracker_mask.c: secrets ---- */

/* Whether texts of this process are masked; image: the one it is about to have, or NULL. */
bool mask_wanted(const struct hc_tracker *t, const struct tver *v, const struct timage *image);
/* Counts what was masked in a column (a literal) of a type; hits NULL: nothing. */
void mask_note(struct hc_tracker *t, unsigned type, const char *column, const struct hc_mask_hits *hits);
/* A label or annotation ("key=value") as it may be written; borrowed until the next one. */
struct hc_str mask_label(struct hc_tracker *t, const struct tctr *k, const char *column, struct hc_str text);
/* lst_of_block with secrets masked, and counted; what was masked before is not looked at again. */
struct lst *lst_masked(struct hc_tracker *t, const struct tver *v, const struct timage *image,
                       enum hc_mask_form form, unsigned type, const char *column, const void *p, size_t bytes);

/* ---- tracker_state.c ---- */

/* A meta_state row of a file about which more is known now. */
int state_file(struct hc_tracker *t, struct tfile *f, uint64_t now_ns, struct hc_err *err);

/* ---- tracker_procfs.c: /proc ---- */

enum procfs_want { PROCFS_IDENT = 1, PROCFS_IMAGE = 2, PROCFS_DIRS = 4, PROCFS_CGROUP = 8, PROCFS_ALL = 15 };

/* Fills what /proc/PID tells into `v`; false when there is no such process, or another one wears the number. */
bool procfs_fill(struct hc_tracker *t, uint32_t pid, uint64_t start_ns, unsigned want, struct tver *v);
ssize_t procfs_read(struct hc_tracker *t, uint32_t pid, const char *name, void *buf, size_t room);
ssize_t procfs_link(struct hc_tracker *t, uint32_t pid, const char *name, char *buf, size_t room);
/* v or the next of its ancestors that has this root in this mount namespace, unless its number is that of a
 * process elsewhere by now; NULL: none. *left: how many may still be looked at. */
const struct tver *ver_seeing(struct hc_tracker *t, const struct tver *v, uint32_t ns_mnt, const struct txt *root,
                              unsigned *left);
/* Calls fn for each number below /proc (which NULL) or of /proc/PID/WHICH. */
int procfs_each(struct hc_tracker *t, uint32_t pid, const char *which, void (*fn)(void *ctx, uint32_t n),
                void *ctx);

/* ---- tracker_cgroup.c ---- */

/* Whether such a text is of a process that has ended: in the root of every hierarchy, or in groups that are no
 * more. What is known of it is better then. */
bool cgs_is_nowhere(const char *text, size_t n_bytes);
struct tcgs *cgs_of_proc_text(struct hc_tracker *t, const char *text, size_t len, uint64_t cgroup_id);
/* The path of an item of its list, NAME=/PATH; .p NULL: it is none. A name has no slash; who makes cgroups may put
 * an '=' into their names, and one below it that is called like another's. */
struct hc_str cgs_path(struct hc_str item);
/* The same with the path of one hierarchy replaced. */
struct tcgs *cgs_with(struct hc_tracker *t, const struct tcgs *old, unsigned hier, struct hc_str path,
                      uint64_t cgroup_id);
/* What is known of control groups by id: a process that ends at once cannot be asked for its path. */
void group_made(struct hc_tracker *t, uint64_t id, uint64_t hier, struct hc_str path);
void group_gone(struct hc_tracker *t, uint64_t id, uint64_t hier);
bool group_evict(struct hc_tracker *t, uint32_t keep); /* as fd_evict */
void group_done(struct hc_tracker *t);
uint64_t group_bytes(const struct hc_tracker *t);
/* The process is in this group now. path: in that hierarchy; .p NULL: by the id alone, of the hierarchy that ids
 * are of, or, 0, in whichever /proc says. Whether that changed v->cgs. */
bool cgs_moved(struct hc_tracker *t, struct tver *v, uint32_t tgid, uint64_t id, unsigned hier,
               struct hc_str path);
/* What a cgroup path alone tells: the innermost container, whose id and place lie in the path, its runtime, and
 * the id of the outermost one; id.p NULL: none. */
struct cgroup_ctr {
	struct hc_str id, runtime, path, outer;
};
struct cgroup_ctr cgroup_container(struct hc_str path);
struct tctr *ctr_of_path(struct hc_tracker *t, struct hc_str path, uint64_t cgroup_id); /* a reference or NULL */
struct tcgs *cgs_with_ctr(const struct tcgs *old, struct tctr *ctr); /* a copy, with one reference */

/* ---- tracker_ctr.c: what is known of containers ---- */

int ctr_open(struct hc_tracker *t, struct hc_err *err);
void ctr_done(struct hc_tracker *t);
/* The component of a path that is a container because a runtime knows it by that name. */
bool ctr_by_name(struct hc_tracker *t, struct hc_str path, struct cgroup_ctr *ret, struct ctr_facts **ret_facts);
/* A new one in the table. facts: taken; NULL: it is asked for. */
void ctr_born(struct hc_tracker *t, struct tctr *c, struct ctr_facts *facts);
/* The cgroup of this path is gone; with it the container whose own it was: the table's reference, or NULL. */
struct tctr *ctr_gone(struct hc_tracker *t, struct hc_str path);
/* Of an import: takes the place of `old` in the table with what an event told, which is taken; NULL: nothing is
 * known any more. The new version, borrowed from the table; its processes are the caller's to move, who has a
 * reference to `old`. NULL: out of memory. */
struct tctr *ctr_retold(struct hc_tracker *t, struct tctr *old, struct ctr_facts *facts, uint64_t known_at_ns);
/* Writes the rows that wait. */
int ctr_write_news(struct hc_tracker *t, uint64_t now_ns, struct hc_err *err);
/* Whether containers are looked up, on disk or elsewhere: they are of this machine, and live. */
bool ctr_looks(const struct hc_tracker *t);
/* What the sockets of runtimes did. */
void ctr_socket_counts(const struct hc_tracker *t, struct hc_tracker_stats *ret);
/* Often: asks again for those of which not all is known. */
int ctr_tick(struct hc_tracker *t, struct hc_err *err);
void cells_of_facts(struct hc_tracker *t, struct hc_builder *b, struct hc_cells *c, struct tctr *k);
/* A version to take the place of `old`, with the same facts; NULL: out of memory. ctr_replace takes it. */
struct tctr *ctr_renew(struct hc_tracker *t, const struct tctr *old);
/* Puts the new version into the table and the processes; a row tells of it. */
void ctr_replace(struct hc_tracker *t, struct tctr *old, struct tctr *now, const char *phase);

/* ---- tracker_pod.c: what the API server knows of their pods ---- */

#define POD_UID_BYTES 65
/* The uid of the innermost pod that a cgroup's path tells of; its length, 0: none. */
size_t pod_uid_of_path(struct hc_str path, char ret[POD_UID_BYTES]);
void pod_born(struct hc_tracker *t, struct tctr *c);
void pod_inherit(struct hc_tracker *t, struct tctr *c, const struct tctr *old);
void pod_done(struct hc_tracker *t, struct tctr *c);
/* Often: pods that have changed. */
void pod_tick(struct hc_tracker *t);
/* As its columns have them; .p NULL: not known. */
struct hc_str ctr_image_name(const struct tctr *k);
struct hc_str ctr_pod_namespace(const struct tctr *k);
void cells_of_pod(struct hc_tracker *t, struct hc_builder *b, struct hc_cells *c, const struct tctr *k);

/* ---- tracker_limit.c ---- */

/* What all that is known takes, or somewhat less than it would be reckoned to: paths, files and sockets that
 * others share are counted once for each. */
uint64_t tracker_bytes(const struct hc_tracker *t);
#define LIMIT_RECORDS 16u /* between two looks: what these bring at most is part of the slack */
/* Makes room when it is more than opts.max_bytes. */
void tracker_make_room(struct hc_tracker *t);
/* Before a record. */
static inline void tracker_limit(struct hc_tracker *t)
{
	if (t->stats.n_records % LIMIT_RECORDS == 0)
		tracker_make_room(t);
}
/* Lets one go that was not used lately, if there are more than `keep`. */
bool path_evict(struct hc_tracker *t, uint32_t keep);
bool fd_evict(struct hc_tracker *t, uint32_t keep);
bool sock_evict(struct hc_tracker *t, uint32_t keep);
/* Containers of which no process is known. */
void ctr_sweep(struct hc_tracker *t);
uint64_t ctrs_bytes(const struct hc_tracker *t);
/* Of one in the table. */
size_t exe_bytes(void);

/* ---- tracker_user.c ---- */

/* All but the host's. */
void user_forget(struct hc_tracker *t);
/* Those of a mount namespace. */
void user_forget_ns(struct hc_tracker *t, uint32_t ns_mnt);

struct tuser *user_find(struct hc_tracker *t, const struct tver *v, uint32_t id,
                        bool group); /* a reference or NULL */
int user_watch(struct hc_tracker *t, struct hc_err *err);
void user_done(struct hc_tracker *t);

/* ---- tracker_row.c ---- */

/* A row that no record stands behind. Cells by hc_tracker.cells. */
struct hc_builder *row_begin(struct hc_tracker *t, unsigned type, uint64_t ts_ns, struct hc_err *err);
/* The same for cells that are filled where the row will be (hc_writer_cells). */
struct hc_cells *row_cells(struct hc_tracker *t, unsigned type, uint64_t ts_ns, struct hc_builder **ret,
                           struct hc_err *err);
void plans_make(struct hc_tracker *t);
int row_end(struct hc_tracker *t, unsigned type, uint16_t cpu, uint64_t ts_ns, uint64_t *ret_seq,
            struct hc_err *err);
/* The same of other cells than the tracker's, which stay as they are. Sets head->seq. */
int row_put(struct hc_tracker *t, struct hc_row_head *head, const struct hc_cells *cells, struct hc_err *err);

#endif
