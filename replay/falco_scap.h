/*
 * Rows as what Falco's driver writes: the events of a scap file in their current form, and its lists of threads
 * and descriptors. Of an imported row the event is the one that it came from, parameter by parameter; a recorded
 * row becomes the event that the driver would have made of the same call.
 */
#ifndef HC_REPLAY_FALCO_SCAP_H
#define HC_REPLAY_FALCO_SCAP_H

#include "replay/value.h"
#include "store/scap.h"

struct hc_falco_event {
	struct hc_scap_event e; /* .param points to the next member */
	struct hc_str param[HC_SCAP_MAX_PARAMS];
};

/* Why a row is no event. */
enum hc_falco_scap_none {
	HC_FALCO_SCAP_OWN,     /* what a recorder says of itself, or what was made of another row */
	HC_FALCO_SCAP_TOLD,    /* a call that made a process: its events are those of the fork's row */
	HC_FALCO_SCAP_UNKNOWN, /* Falco has no such event */
};

#define HC_FALCO_SCAP_MAX_EVENTS 4 /* what is told of a thread that readers know nothing of; of a row, 2 */

/*
 * The events of a row, in their order; 0: none, with the reason. Texts are in the arena or the view's, valid until
 * both are reset. `imported`: the capture was made from a scap file. -ENOMEM. Adds to *n_cut the parameters that
 * were longer than an event can have.
 */
int hc_falco_scap_events(struct hc_view *v, unsigned type, uint32_t entry, bool imported, struct hc_arena *a,
                         struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS], enum hc_falco_scap_none *ret_none,
                         uint64_t *n_cut);

/* A thread by what its process is in this PROC; vtid < 0: not known. false when memory is short. */
bool hc_falco_scap_proc(struct hc_view *v, uint32_t proc, int64_t tid, int64_t vtid, struct hc_arena *a,
                        struct hc_scap_proc *ret);
/* A descriptor; its owner and number are the caller's. */
void hc_falco_scap_fd(struct hc_view *v, uint32_t fdobj, struct hc_scap_fd *ret);
/* No event tells of its like: readers know nothing of it. */
bool hc_falco_scap_fd_unseen(struct hc_view *v, uint32_t fdobj);
/* Events that readers take into account but show nobody: before the row the descriptor is that one. `like` has the
 * time, the processor and the thread. Their number; -ENOMEM. */
int hc_falco_scap_fd_events(struct hc_view *v, unsigned type, uint32_t entry, uint32_t fdobj, int64_t num,
                            const struct hc_scap_event *like, struct hc_arena *a,
                            struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS]);
/* What readers follow of a process, to be compared: equal numbers, equal texts. */
struct hc_falco_known {
	uint64_t image; /* the process's name and arguments */
	uint64_t exe;   /* the program, which a child has from its parent */
	uint64_t cwd;   /* as hc_falco_scap_dir() has it; 0: not known */
	uint32_t uid, gid;
};
void hc_falco_scap_known(struct hc_view *v, uint32_t proc, struct hc_falco_known *ret);
/* The working directory that readers make of a row of CHDIR or FCHDIR; 0: it cannot be told. */
uint64_t hc_falco_scap_dir(struct hc_view *v, unsigned type, uint32_t entry);
/* That of the row's process, by what an open tells where nothing else does; 0: it is not known. */
uint64_t hc_falco_scap_cwd(struct hc_view *v, unsigned type, uint32_t entry);
/* More such events: what the row's task is. Their number; -ENOMEM. */
enum {
	HC_FALCO_TELL_BIRTH = 1,
	HC_FALCO_TELL_IMAGE = 2, /* and the session, and whose it is */
	HC_FALCO_TELL_IDS = 4,
	HC_FALCO_TELL_CWD = 8,
};
int hc_falco_scap_task_events(struct hc_view *v, unsigned type, uint32_t entry, unsigned tell,
                              const struct hc_scap_event *like, struct hc_arena *a,
                              struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS]);
/* Another: the thread has ended. 1; -ENOMEM. */
int hc_falco_scap_end_event(struct hc_view *v, int64_t tid, const struct hc_scap_event *like, struct hc_arena *a,
                            struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS]);
/* Another such event: what is known of the container, which is something (hc_falco_ctr_known()). 1; -ENOMEM. */
int hc_falco_scap_ctr_event(struct hc_view *v, uint32_t ctr, const struct hc_scap_event *like, struct hc_arena *a,
                            struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS]);
/* And another: a user or a group of the container, who has a name. 1; -ENOMEM. */
int hc_falco_scap_user_event(struct hc_view *v, uint32_t user, bool group, uint32_t ctr,
                             const struct hc_scap_event *like, struct hc_arena *a,
                             struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS]);
/* Once Falco knows a container, a field of it that has nothing to tell is empty; until then it is missing. */
bool hc_falco_ctr_known(struct hc_view *v, uint32_t ctr);

#endif
