/* Shared by live.c (loading), live_ring.c (reading and merging), live_table.c (system calls), live_detail.c and
 * live_raise.c (what is recorded of whom). */
#ifndef HC_CAPTURE_LIVE_PRIV_H
#define HC_CAPTURE_LIVE_PRIV_H

#include "bpf/conf.h"
#include "capture/live.h"

/* ---- live_table.c ---- */

/* Descriptions of all native and 32-bit numbers; types that have none of their own are HC_EV_SYS. */
void hc_live_table(struct hc_sys_desc native[HC_WIRE_MAX_NR], struct hc_sys_desc compat[HC_WIRE_MAX_NR]);
/* Which ring a type's records travel in. */
enum hc_wire_lane hc_live_lane(unsigned type);

/* ---- live_detail.c ---- */

/* What has a say in what is recorded. */
struct hc_wanted {
	enum hc_profile profile;
	bool has_only;
	struct hc_type_set only, add, remove; /* as in struct hc_live_options */
	uint32_t snaplen;
	unsigned host_detail; /* raised for everybody: profile + 1; 0: not */
	uint32_t host_snaplen;
	unsigned details_used; /* bit n: there is a raise to detail n */
	enum hc_shed shed;     /* of the detail of everybody; raises stay */
};

/* In which mode a type is recorded of everybody when raises are not counted and so many steps are shed; -1: it is
 * not. */
int hc_detail_base(const struct hc_wanted *w, unsigned type, unsigned shed);

/* Fills the part of the dials that says what is recorded with each detail; raises put in theirs themselves.
 * *ret_types: of everybody; *ret_any: of anybody. */
void hc_detail_choose(const struct hc_wanted *w, struct hc_dials *ret, struct hc_type_set *ret_types,
                      struct hc_type_set *ret_any);
/* Copies that part to where the programs read it, while they do. */
void hc_detail_put(struct hc_dials *to, const struct hc_dials *next);

/* ---- live_raise.c ---- */

struct hc_raise_slot { /* by bit in the programs' sets */
	enum { RAISE_FREE, RAISE_USED, RAISE_ENDED } state;
	bool is_new; /* its processes are not in the map yet */
	uint64_t id; /* of its struct hc_live_raise */
	enum hc_live_scope scope;
	unsigned detail;
	uint32_t snaplen;
	uint64_t ended_ns; /* boot clock */
};

struct hc_raises {
	struct hc_raise_slot slot[HC_N_RAISES];
	unsigned host_detail;
	uint32_t host_snaplen;
	int pids_fd, groups_fd; /* maps; borrowed */
	int tree_fd;            /* link of the iterator that adds descendants; borrowed */
};

/* Gives bits to what is new, takes them from what has gone. -E2BIG: too many; nothing has changed then. */
int hc_raises_plan(struct hc_raises *r, const struct hc_live_raise *v, size_t n);
unsigned hc_raises_details(const struct hc_raises *r); /* for hc_wanted.details_used */
void hc_raises_put(const struct hc_raises *r, struct hc_dials *dials);
/* Says who is in the scopes; after hc_raises_put, so that births are counted in from the beginning. -ENOSPC. */
int hc_raises_fill(struct hc_raises *r, struct hc_dials *dials, const struct hc_live_raise *v, size_t n);
/* Frees bits that have ended a while ago. */
void hc_raises_settle(struct hc_raises *r);
/* Processes in the scope, where it is one of processes. */
uint32_t hc_raises_count(const struct hc_raises *r, uint64_t id);

/* ---- live_ring.c ---- */

/* Reads a set of ring buffers in the order of time. The rings are mapped memory: a producer position, a consumer
 * position and data. */
struct hc_ring {
	const unsigned long *producer; /* bytes written so far */
	unsigned long *consumer;       /* bytes read so far */
	const uint8_t *data;
	uint64_t mask;                     /* data bytes - 1 */
	uint64_t pos;                      /* of the next record: ahead of *consumer within a poll */
	uint64_t released;                 /* what *consumer says */
	uint64_t *handed;                  /* where what was handed out ends: outlives the process; or NULL */
	uint64_t again_until;              /* records before this were handed out by a process that is gone */
	uint64_t limit;                    /* producer position seen at the beginning of the poll */
	const struct hc_wire_head *head;   /* next record; NULL when there is none below limit */
	uint64_t next;                     /* position after it */
	void *map_consumer, *map_producer; /* to unmap */
	size_t map_bytes;
	uint8_t *straddle; /* a record that lies at both ends of the data, in one piece */
	int fd;
};

struct hc_merge {
	struct hc_ring *rings;
	unsigned n_rings;
	void *fronts; /* to unmap: all front rings at once */
	size_t fronts_bytes;
	struct hc_merge_head { /* rings with a head, smallest time first */
		uint64_t ts_ns;
		unsigned ring;
	} * heap;
	unsigned n_heap;
	uint64_t last_ts; /* of the last record handed out */
	uint64_t n_bad;   /* records that were no records: impossible lengths */
	/* sequence numbers expected next, and the time of the last record: per CPU and lane */
	uint32_t *seq;
	uint64_t *seq_ts;
	uint8_t *seq_known;
	unsigned n_cpus;
	bool joins;               /* reading begins somewhere in the sequences, not with number 0 */
	struct hc_live_gap *gaps; /* queue */
	unsigned n_gaps, first_gap;
};

#define HC_MERGE_MAX_GAPS 1024

int hc_merge_init(struct hc_merge *m, unsigned n_rings, unsigned n_cpus);
void hc_merge_done(struct hc_merge *m);
/* Maps ring buffer `fd` as ring `i`. */
int hc_merge_map(struct hc_merge *m, unsigned i, int fd, size_t bytes);
/* Maps the n front rings (bpf/conf.h) of map `fd`, of this size each, as rings from `first` on. -EBADMSG: they are
 * none. */
int hc_merge_map_fronts(struct hc_merge *m, unsigned first, int fd, unsigned n, size_t value_bytes);
/* Hands out the records that are at least slack_ns older than now_ns, which must have been read before the call;
 * with UINT64_MAX as now_ns all of them. Returns their number or what the callback returned when not 0. */
int64_t hc_merge_run(struct hc_merge *m, uint64_t now_ns, uint64_t slack_ns, hc_live_fn fn, void *ctx);

#endif
