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

/* Open descriptors of a process, by number. */
struct sfds {
	struct table by_num; /* struct sfd */
};

struct sfd {
	int64_t num;
	struct tfd *fd;
};

/* A thread. */
struct sthr {
	int64_t tid, pid, ptid, vtid, vpid;
	uint64_t clone_ns;
	bool invalid; /* seen, but never told of */
	bool subreaper, dead, by_child;
	struct tver *cur; /* what is known of it */
	struct sfds fds;  /* of the main thread */
	uint64_t checked; /* the tree's generation that cur's parent is of */
	uint32_t n_threads;
	struct hc_slot slot; /* as a TASK, with version slot_version */
	uint64_t slot_version;
};

struct sevent {
	const struct hc_scap_event *e;
	struct sthr *k;              /* NULL: none */
	struct tver *before, *after; /* references */
	int64_t fd_num;              /* of the descriptor that it is about; -1: none */
	struct tfd *fd, *newfd;      /* references */
	struct tsock *sock_after;    /* a reference */
	struct sthr *child;          /* made by this fork */
};

struct hc_scap_import {
	struct hc_tracker *t; /* its objects alone */
	struct hc_writer *w;
	struct hc_scap_import_stats stats;
	struct table threads;                         /* struct sthr */
	struct table users;                           /* struct tuser */
	struct hc_scap_iface ifaces[SCAP_MAX_IFACES]; /* without their names, which are: */
	char iface_names[SCAP_MAX_IFACES][16];
	unsigned n_ifaces;
	uint64_t tree_gen, next_version, next_fd;
	uint64_t boot_ns; /* since 1970 */
	uint64_t last_ns;
	bool begun;       /* an event that is not of the state at the beginning was there, in this section */
	int64_t gone_tid; /* to be removed before the next event; -1 */
	int64_t closed_tid, closed_fd; /* the same, of descriptors; -1 */
};

/* Does the event tell of a user or a group that came or went? */
static inline bool scap_tells_of_user(unsigned code)
{
	return code == HC_SCAP_USER_ADDED_E || code == HC_SCAP_USER_DELETED_E || code == HC_SCAP_GROUP_ADDED_E ||
	       code == HC_SCAP_GROUP_DELETED_E;
}

struct sthr *scap_thread(struct hc_scap_import *im, int64_t tid);
struct sthr *scap_main(struct hc_scap_import *im, struct sthr *k);           /* itself when there is none */
struct tfd *scap_fd(struct hc_scap_import *im, struct sthr *k, int64_t num); /* borrowed, or NULL */
/* Makes the version follow what its parents have become; returns it. */
struct tver *scap_refresh(struct hc_scap_import *im, struct sthr *k);
void scap_begin_section(struct hc_scap_import *im);
void scap_add_proc(struct hc_scap_import *im, const struct hc_scap_proc *p);
void scap_add_fd(struct hc_scap_import *im, const struct hc_scap_fd *f);
void scap_add_iface(struct hc_scap_import *im, const struct hc_scap_iface *i);
void scap_add_user(struct hc_scap_import *im, const struct hc_scap_user *u, bool group);
/* What the event does; fills `s`. */
void scap_apply(struct hc_scap_import *im, struct sevent *s);
void scap_event_done(struct hc_scap_import *im, struct sevent *s);
/* A path parameter: given, and joined with the directory that parameter `dirfd` names, or with the working one. */
struct tpath *scap_path(struct hc_scap_import *im, const struct sevent *s, struct hc_str given, int dirfd);
struct tsock *scap_tuple_sock(struct hc_scap_import *im, const struct hc_scap_tuple *tuple, uint8_t role,
                              const struct tsock *like);

#endif
