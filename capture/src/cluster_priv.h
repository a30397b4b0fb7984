/* The parts of cluster.h: the loop's side (cluster.c), requests and what is done for them (cluster_capture.c),
 * what is told of that (cluster_status.c). */
#ifndef HC_CAPTURE_CLUSTER_PRIV_H
#define HC_CAPTURE_CLUSTER_PRIV_H

#include "capture/cluster.h"
#include "cluster_spec.h"
#include "record_priv.h"

#define CLUSTER_MAX_SCOPES 64u /* captures for one object on a node; what is beyond is told in its status */
#define CLUSTER_API "apis/hindcast.dev/v1alpha1"
/* For json_object_to_json_string_ext: what is applied is read as YAML, which knows no "\/". */
#define CLUSTER_JSON (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
#define SECOND_NS UINT64_C(1000000000)

enum cluster_state { CLUSTER_IDLE, CLUSTER_RECORDING, CLUSTER_DONE, CLUSTER_FAILED, CLUSTER_EXPIRED };

/* Since when, by the wall clock, a condition is as it is. */
struct cluster_condition {
	int64_t since_wall_ns;
	bool set, is;
};

enum { COND_ACCEPTED, COND_PRE_ROLL, COND_RECORDING, COND_LOSS_FREE, COND_DETAIL, N_CONDS };

struct cluster_count {
	uint64_t bytes, events, lost[HC_CLASS_OTHER + 1];
};

/* A Capture or ClusterCapture. */
struct cluster_object {
	struct cluster_object *next;
	bool cluster; /* a ClusterCapture */
	char uid[64], ns[64], name[256];
	struct cluster_spec *spec; /* NULL: not understood */
	int64_t deadline_wall_ns;  /* as the object tells it; 0: not known */
	int64_t deadline_boot_ns;  /* the same moment, by the clock that nobody sets: this counts */
	int64_t made_here_ns; /* when it was accepted, by this machine's wall clock as it was when it was met */
	enum cluster_state state;
	const char *ended; /* why, for a condition: "Ended", "Stopped", "LimitReached", "Expired" */
	char error[256];
	char not_raised[256]; /* why detail was not raised for a pod or container of it; "": it was, or need not be
	                       */
	char **scopes;        /* that captures were started for, by this process or one before */
	int64_t *until_boot_ns;
	uint32_t n_scopes, n_left_out;
	bool rematch;              /* not all pods have been looked at since it changed */
	uint64_t retry_ns;         /* boot clock: not before */
	char unknown_ns[64];       /* a namespace whose labels are asked for and not known; "": there is none */
	uint64_t unknown_since_ns; /* boot clock */
	int64_t from_wall_ns, pre_from_wall_ns, to_wall_ns;
	struct cluster_count base, before; /* the recording's counts when it began; what an earlier process had */
	struct cluster_count total;        /* as last told */
	bool counting;                     /* total is not yet that of the end */
	/* what has been written */
	bool asks, written, dirty; /* asks: for what an earlier process had written */
	uint64_t get_id, apply_id, status_id;
	uint64_t sent_ns, backoff_ns; /* boot clock */
	struct cluster_condition cond[N_CONDS];
	uint64_t met_ns;  /* boot clock: when it was first seen */
	uint64_t told_ns; /* the same: when this node's part was last written; 0: never */
	/* of the summary of all nodes, where this recorder writes it */
	uint64_t sum_ns; /* boot clock: when it is due */
	uint64_t merge_id;
	char *sum_text; /* as last written */
};

/* Who writes the summaries: the recorder that holds the Lease. */
struct cluster_lease {
	bool held, exists;
	uint64_t id;                         /* of the request under way; 0: none */
	enum hc_kube_verb verb;              /* of that */
	uint64_t next_ns, until_ns, seen_ns; /* boot clock: next look; held until; when `renew` was first seen */
	char holder[254], renew[40], version[64];
	int32_t transitions;
};

/* A summary in the making: the CaptureNodes of one capture, page by page. */
struct cluster_sum {
	uint64_t id; /* of the request under way; 0: none */
	bool cluster;
	char uid[64], labels[96];
	char *more;
	uint32_t n_pages;
	uint64_t n[CLUSTER_EXPIRED + 1], bytes, events, lost;
};

struct hc_cluster {
	struct hc_cluster_opts o; /* texts are copies */
	char *url, *ca_file, *token_file, *node, *ns, *version, *manager;
	char boot_id[40];
	struct hc_kube *kube;
	struct hc_daemon *daemon; /* NULL until it runs */
	struct hc_daemon_part part;
	struct hc_daemon_timer *timer; /* to go on soon */
	struct cluster_object *objects;
	bool listed[HC_KUBE_N_RESOURCES];   /* all objects of it are known */
	bool leftover[HC_KUBE_N_RESOURCES]; /* captures of objects that are gone may be left */
	struct hc_kube_found *pods;         /* this node's, without those gone */
	uint32_t n_pods, n_pods_alloc;
	uint64_t pods_seq;
	unsigned budget; /* captures that may still be started or ended in this turn */
	struct {
		bool failing;
		uint64_t since_ns, log_ns, pause_ns; /* boot clock */
	} trouble[HC_KUBE_N_RESOURCES];
	bool told_write_failure;
	struct {
		uint64_t n, log_ns, retry_ns; /* failures since the last line; boot clock: of it, next try */
	} ends;
	struct cluster_lease lease;
	struct cluster_sum sum;
	struct cluster_count count; /* when last counted */
	uint64_t counted_ns;        /* boot clock; 0: never */
	struct hc_cluster_stats stats;
};

/* ---- cluster.c ---- */

/* The field manager under which a node writes; to be freed. NULL: out of memory. */
char *cluster_manager(const char *node);

/* ---- cluster_capture.c ---- */

void cluster_object_set(struct hc_cluster *c, const struct hc_kube_event *ev);
void cluster_object_gone(struct hc_cluster *c, const struct hc_kube_event *ev);
/* All objects of a resource are known: captures of others end. */
void cluster_listed(struct hc_cluster *c, enum hc_kube_resource resource);
void cluster_pod_changed(struct hc_cluster *c, const struct hc_kube_found *f);
/* Once a second, and soon after a turn that had too much to do. */
void cluster_turn(struct hc_cluster *c);
struct cluster_object *cluster_object_free(struct cluster_object *o);
/* Whether the time that it asks for is over. */
bool cluster_is_past(const struct cluster_object *o);
const char *cluster_kind(const struct cluster_object *o);

/* ---- cluster_status.c ---- */

/* Bytes of text before the first that is no UTF-8. What others said was cut to fit, perhaps within a character,
 * and a server refuses an object with half of one. */
size_t cluster_whole(const char *text);

/* Whether more is asked for than the recorder records anyway. */
bool cluster_is_more(const struct hc_cluster *c, const struct cluster_object *o);
/* How much longer than usual is waited between two words about it: what one node tells a server now and then,
 * thousands tell it all the time. */
static inline uint64_t cluster_calm_ns(const struct cluster_object *o)
{
	return o->spec ? o->spec->n_nodes * (SECOND_NS / 100) : 0;
}
/* What the recorder has written so far. */
void cluster_count_now(struct hc_cluster *c, struct cluster_count *ret);
/* Writes the object's CaptureNode when that is due. */
void cluster_tell(struct hc_cluster *c, struct cluster_object *o);
/* Asks for what an earlier process has told of it. */
void cluster_ask(struct hc_cluster *c, struct cluster_object *o);
void cluster_answer(struct hc_cluster *c, const struct hc_kube_event *ev);

/* ---- cluster_summary.c ---- */

/* Once a second: looks after the Lease and, with it, the summaries. */
void cluster_summarise(struct hc_cluster *c);
/* false: the answer is not to a request of its. */
bool cluster_summary_answer(struct hc_cluster *c, const struct hc_kube_event *ev);

#endif
