/* An import's insides: the reference implementation's tables of threads and descriptors, and the row being made.
 */
#ifndef HC_CAPTURE_SCAP_PRIV_H
#define HC_CAPTURE_SCAP_PRIV_H

#include "capture/import.h"

#include "tracker_priv.h"

#define SCAP_MAX_FDS 4096u /* of a process; what comes then is not entered, as in the reference implementation */
#define SCAP_MAX_THREADS 131072u /* what comes then is not entered */
#define SCAP_MAX_USERS 65536u    /* and groups; what comes then stays a number */
#define SCAP_MAX_IFACES 256u     /* of the machine; what comes then is not known as local */
#define SCAP_MAX_DEPTH 256u      /* of the process tree */
#define SCAP_MAX_PATH 1024u      /* longer ones have no name, as in the reference implementation */

#define SCAP_N_MET 256u
#define SCAP_MET_BYTES 40u /* of a tuple that is remembered: those of addresses and ports */

/* Open descriptors of a process, by number. */
struct sfds {
	struct table by_num; /* struct sfd */
	uint16_t n_kind[HC_N_FD_KINDS];
	uint64_t kinds; /* bit per enum hc_fd_kind that is there */
	uint64_t gen;   /* of the last change that a TASK shows */
};

/* The threads of a process. */
struct sgroup {
	int64_t pid;
	uint32_t n_members, n_alive;
	bool reaper;        /* of orphans */
	uint64_t gen;       /* of the last change of n_alive */
	struct sthr *first; /* linked by group_next */
};

struct sfd {
	int64_t num;
	struct tfd *fd;
};

/* The last event of a call's beginning: what it passed cannot have been changed by another thread. */
#define SCAP_ENTER_PARAMS 5u
#define SCAP_MAX_ENTER 4096u                      /* bytes of one; of a longer one the exit's own word stands */
#define SCAP_MAX_ENTER_BYTES (UINT64_C(32) << 20) /* of all: what comes then is not kept either */
struct senter {
	uint16_t code;
	uint32_t n_bytes;
	struct hc_str param[SCAP_ENTER_PARAMS]; /* into the bytes */
	char bytes[];
};

/* What the kernel's counters were when an event told. */
struct smem {
	uint64_t pgft_maj, pgft_min, vm_size, vm_rss, vm_swap; /* vm: KiB */
};

/* A thread. */
struct sthr {
	int64_t tid, pid, ptid, vtid, vpid; /* ptid: by scap_set_parent() alone */
	int64_t reaper; /* who gets the children, by the event of its end; 0 or less: not told */
	uint64_t clone_ns;
	bool invalid; /* seen, but never told of */
	bool dead, by_child;
	bool own_fds;         /* a thread that does not share the process's descriptors */
	struct senter *enter; /* NULL: none was there */
	struct tver *cur;     /* what is known of it */
	struct sfds fds;      /* of the main thread */
	struct sgroup *group; /* NULL: nothing is known of one */
	struct sthr *group_next;
	struct smem mem;
	uint64_t mem_gen;    /* of the last change of mem */
	uint64_t checked;    /* the tree's generation that cur's parent is of */
	struct hc_slot slot; /* as a TASK, with version slot_version and what changed until slot_gen */
	uint64_t slot_version, slot_gen;
};

/* A thread that ended lately: who made it may tell of it only now. */
struct sgone {
	int64_t tid, ptid;
	uint64_t ns;
};

#define SCAP_N_GONE 1024u
#define SCAP_N_PARENTS 4096u

/* What an event told of a container of which no process is known yet. */
struct stold {
	struct hc_str id; /* borrowed from the facts */
	struct ctr_facts *facts;
	uint64_t ns;
};

/* The endpoint made of what a tuple parameter says. Few tuples are in most events. */
struct smet {
	struct tsock *sock; /* a reference; NULL: free */
	uint32_t n_bytes;
	uint8_t bytes[SCAP_MET_BYTES];
};

#define SCAP_MAX_TOLD 256u /* what comes then takes the place of the oldest */

struct sevent {
	const struct hc_scap_event *e;
	struct sthr *k;              /* NULL: none */
	struct tver *before, *after; /* references */
	int64_t fd_num;              /* of the descriptor that it is about; -1: none */
	struct tfd *fd, *newfd;      /* references */
	struct tfd *fd_after;        /* what took the place of fd: a reference; NULL: nothing */
	struct tsock *sock_after;    /* a reference */
	struct sthr *child;          /* made by this fork */
	struct tctr *ctr;            /* that the event tells of; borrowed */
};

/* Columns of a type that no parameter tells of; -1: it has none. */
struct made {
	bool known;
	int16_t newfd, sock, proc, res_proc, res_fd, missing;
};

struct hc_scap_import {
	struct hc_tracker *t; /* its objects alone */
	struct hc_writer *w;
	struct hc_cells *cells; /* of the row being made */
	struct hc_scap_import_stats stats;
	struct table threads;                /* struct sthr */
	struct sthr *found;                  /* what scap_thread answered last; NULL: nothing */
	struct table groups;                 /* struct sgroup */
	uint32_t n_children[SCAP_N_PARENTS]; /* by hash of the parent's number: 0: it has none */
	struct made made[HC_EV_MAX];         /* filled as types are met */
	struct sgone gone[SCAP_N_GONE];      /* by number */
	struct table users;                  /* struct tuser */
	struct stold told[SCAP_MAX_TOLD];    /* facts NULL: free */
	unsigned next_told;
	struct smet met[SCAP_N_MET];                  /* by hash */
	struct hc_scap_iface ifaces[SCAP_MAX_IFACES]; /* without their names, which are: */
	char iface_names[SCAP_MAX_IFACES][16];
	unsigned n_ifaces;
	uint64_t tree_gen, state_gen, next_version, next_fd;
	uint64_t enter_bytes;
	uint64_t last_ns;
	uint64_t first_gen; /* when first_ns was set */
	uint64_t first_ns;  /* of the first event that is about a thread; 0: none yet */
	struct sthr *busy;  /* the event in hand is its; not to be removed */
	bool listed;        /* the lists at the beginning are over */
	bool begun;         /* an event that is not of the state at the beginning was there, in this section */
	int64_t gone_tid;   /* to be removed before the next event; -1 */
	int64_t closed_tid, closed_fd; /* the same, of descriptors; -1 */
};

/* Does the event tell of a user or a group that came or went? */
static inline bool scap_tells_of_user(unsigned code)
{
	return code == HC_SCAP_USER_ADDED_E || code == HC_SCAP_USER_DELETED_E || code == HC_SCAP_GROUP_ADDED_E ||
	       code == HC_SCAP_GROUP_DELETED_E;
}

struct sthr *scap_thread(struct hc_scap_import *im, int64_t tid);
struct sthr *scap_main(struct hc_scap_import *im, struct sthr *k); /* itself when there is none */
struct sfds *scap_fds(struct hc_scap_import *im, struct sthr *k);
struct tfd *scap_fd(struct hc_scap_import *im, struct sthr *k, int64_t num); /* borrowed, or NULL */
/* Makes the version follow what its parents have become; returns it. */
struct tver *scap_refresh(struct hc_scap_import *im, struct sthr *k);
void scap_begin_section(struct hc_scap_import *im);
void scap_add_proc(struct hc_scap_import *im, const struct hc_scap_proc *p);
void scap_add_fd(struct hc_scap_import *im, const struct hc_scap_fd *f);
void scap_add_iface(struct hc_scap_import *im, const struct hc_scap_iface *i);
void scap_lists_done(struct hc_scap_import *im); /* before the first event */
void scap_add_user(struct hc_scap_import *im, const struct hc_scap_user *u, bool group);
/* What the event does; fills `s`. */
void scap_apply(struct hc_scap_import *im, struct sevent *s);
void scap_event_done(struct hc_scap_import *im, struct sevent *s);
/* A path parameter: given, and joined with the directory that parameter `dirfd` names, or with the working one. */
struct tpath *scap_path(struct hc_scap_import *im, const struct sevent *s, struct hc_str given, int dirfd);
struct tsock *scap_tuple_sock(struct hc_scap_import *im, const struct hc_scap_tuple *tuple, uint8_t role,
                              const struct tsock *like);

#endif
