/*
 * The Kubernetes API: what the server knows of this node's pods, and the objects by which captures are asked for.
 *
 * One thread of its own does all the talking (libcurl's multi interface, TLS); nobody else ever waits for the
 * network. The recorder's loop reads a table under a short lock (hc_kube_find, hc_kube_pods_since), takes events
 * from a bounded queue (hc_kube_next) when hc_kube_fd is readable, and hands in requests (hc_kube_send). The
 * server is not trusted: sizes, times, counts and depths are bounded, what is passed over is counted.
 *
 * The protocol is that of https://kubernetes.io/docs/reference/using-api/api-concepts/: a chunked list, then a
 * watch from the list's resourceVersion with bookmarks; 410 in either form makes a new list.
 */
#ifndef HC_CAPTURE_KUBE_H
#define HC_CAPTURE_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/base/str.h"

#define HC_KUBE_TOKEN_FILE "/var/run/secrets/kubernetes.io/serviceaccount/token"

struct hc_kube;
struct kube_box;

/* What is listed and watched. */
enum hc_kube_resource {
	HC_KUBE_PODS,            /* this node's; they go into the table, not into the queue */
	HC_KUBE_CAPTURES,        /* hindcast.dev/v1alpha1, all namespaces */
	HC_KUBE_CLUSTERCAPTURES, /* hindcast.dev/v1alpha1 */
	HC_KUBE_NAMESPACES,      /* those that this node's pods are in; with HC_KUBE_PODS only */
	HC_KUBE_N_RESOURCES,
};
/* "pods", "captures", "clustercaptures", "namespaces": the label `resource` of the metrics. */
const char *hc_kube_resource_name(enum hc_kube_resource r);

/* Fill with hc_kube_opts_init and change what differs. All is copied. */
struct hc_kube_opts {
	const char *url;        /* "https://HOST[:PORT]"; NULL: KUBERNETES_SERVICE_HOST and _PORT */
	const char *ca_file;    /* PEM, the only roots that are trusted; NULL: the service account's */
	const char *token_file; /* read again for every request and after a 401; NULL: the service account's,
	                           "": none is sent */
	const char *node;       /* spec.nodeName of the pods to see; required with HC_KUBE_PODS */
	uint32_t resources;     /* 1 << enum hc_kube_resource */

	/* Milliseconds. */
	uint32_t start_spread_ms; /* the first request waits a random time up to this, so that the recorders of a
	                             cluster that start together do not list together; 0: at once */
	uint32_t connect_ms;      /* TCP and TLS */
	uint32_t request_ms;      /* everything but a watch, from start to last byte */
	uint32_t watch_ms;        /* a watch is asked to last this to twice this, at random */
	uint32_t watch_grace_ms;  /* and is cut when the server has not ended it this much later: half open */
	uint32_t watch_short_ms;  /* one that ended sooner counts as failed: the next waits */
	uint32_t backoff_min_ms;  /* doubles with each failure, +-50 % */
	uint32_t backoff_max_ms;
	uint32_t healthy_ms;         /* a watch that lasted this long sets the backoff back to its minimum */
	uint32_t absent_ms;          /* next try after 403 and 404: no right, or no such resource */
	uint32_t retry_after_max_ms; /* what the server asks for in Retry-After is kept to, up to this */
	uint32_t give_up_ms;         /* a request of hc_kube_send is answered with its last error after this */
	uint32_t gone_ms;            /* a deleted pod stays in the table */

	/* Limits. */
	uint32_t max_object_bytes; /* one object as JSON; a bigger one is passed over and counted */
	uint32_t max_object_parts; /* values in it; as above */
	uint64_t max_list_bytes;   /* all pages of a list together */
	uint32_t max_objects;      /* of one resource */
	uint64_t max_table_bytes;  /* the pods; those deleted go first, then new ones are refused and counted */
	uint32_t max_events;       /* waiting in the queue; beyond, objects are dropped and listed again later */
	uint64_t max_queue_bytes;  /* of them; beyond, as above, and answers come without their bodies */
};

/* In-cluster addresses, the times and limits that docs/kubernetes.md gives, no resource. */
void hc_kube_opts_init(struct hc_kube_opts *opts);

/* Checks the options and starts the thread. -EINVAL for options, -ENOENT when there is no cluster around (no URL
 * given and none in the environment), -EAGAIN without a thread. That the server cannot be reached is no error
 * here: it is tried until it can. */
int hc_kube_start(const struct hc_kube_opts *opts, struct hc_kube **ret, struct hc_err *err);
/* Stops the thread, at most some ms later; requests still waiting are dropped. Pods found before stay valid. */
struct hc_kube *hc_kube_stop(struct hc_kube *k);
HC_DEFINE_AUTO(struct hc_kube, hc_kube_stop)

/* ---- the pods ---- */

struct hc_kube_kv {
	struct hc_str key, value;
};

struct hc_kube_owner {
	struct hc_str kind, name;
	bool controller;
};

enum hc_kube_container_type { HC_KUBE_CONTAINER, HC_KUBE_INIT, HC_KUBE_EPHEMERAL };
enum hc_kube_probe { HC_KUBE_LIVENESS, HC_KUBE_READINESS, HC_KUBE_STARTUP, HC_KUBE_N_PROBES };

struct hc_kube_container {
	enum hc_kube_container_type type;
	struct hc_str name;
	struct hc_str runtime;     /* "containerd", "cri-o", "docker"; empty while there is no id */
	struct hc_str id;          /* the part behind "://"; empty until the kubelet has reported it */
	struct hc_str last_id;     /* of the instance before a restart; empty: none */
	struct hc_str asked_image; /* spec: as the author wrote it */
	struct hc_str image;       /* status: as the runtime names it */
	struct hc_str image_id;    /* status.imageID: whatever the runtime gives, usually name@digest */
	bool privileged;           /* securityContext.privileged of the spec */
	struct {                   /* the command of an exec probe */
		const struct hc_str *argv;
		uint32_t n;
	} probe[HC_KUBE_N_PROBES];
};

/* Of an object's metadata, what is kept of pods and namespaces alike. */
struct hc_kube_meta {
	struct hc_str name, uid, resource_version;
	const struct hc_kube_kv *labels, *annotations; /* sorted by key */
	uint32_t n_labels, n_annotations;
	uint32_t n_cut; /* annotations left out: longer than HC_KUBE_MAX_VALUE_BYTES, or past 64 KiB in all */
};
#define HC_KUBE_MAX_VALUE_BYTES 4096u

/* Immutable; a change makes a new one. Strings and arrays live as long as the reference. */
struct hc_kube_pod {
	struct hc_kube_meta meta;
	struct hc_str ns;
	struct hc_str
		static_hash; /* annotation kubernetes.io/config.mirror: the uid that a static pod's cgroup has */
	struct hc_str service_account, ip, qos;
	struct hc_str created,
		deleted; /* RFC 3339 as sent; deleted: deletionTimestamp, empty while not asked for */
	bool host_network, host_pid, host_ipc;
	const struct hc_kube_owner *owners;
	const struct hc_kube_container *containers;
	uint32_t n_owners, n_containers;
	uint64_t known_at_ns; /* CLOCK_BOOTTIME when it arrived here */
	struct kube_box *box; /* the memory it lies in */
};

/* Immutable, as a pod. */
struct hc_kube_ns {
	struct hc_kube_meta meta;
	uint64_t known_at_ns;
	struct kube_box *box;
};

struct hc_kube_found {
	const struct hc_kube_pod *pod; /* a reference: hc_kube_found_done */
	const struct hc_kube_ns *ns;   /* its namespace, a reference; NULL: not told of */
	uint32_t container_idx;        /* in pod->containers; UINT32_MAX when found by uid */
	uint64_t gone_ns; /* CLOCK_BOOTTIME when the pod, or this instance of it, was gone; 0: there */
};

/* By the whole container id, also one of an instance that is gone since less than gone_ms. Any thread. */
bool hc_kube_find(struct hc_kube *k, struct hc_str container_id, struct hc_kube_found *ret);
/* By pod uid, or by a static pod's hash, as they are in cgroup paths (with '-'). Any thread. */
bool hc_kube_find_uid(struct hc_kube *k, struct hc_str uid, struct hc_kube_found *ret);
/* Up to max pods that changed, they or their namespaces, or went, after change number *seq, oldest change first;
 * sets *seq to the last one given, so that the next call goes on. Begin with 0. A pod that changed twice is given
 * once. Any thread. */
size_t hc_kube_pods_since(struct hc_kube *k, uint64_t *seq, struct hc_kube_found *ret, size_t max);
void hc_kube_pod_ref(const struct hc_kube_pod *pod);
void hc_kube_pod_unref(const struct hc_kube_pod *pod);
void hc_kube_ns_ref(const struct hc_kube_ns *ns);
void hc_kube_ns_unref(const struct hc_kube_ns *ns);
void hc_kube_found_done(struct hc_kube_found *f);

/* ---- captures: objects, and what is written ---- */

enum hc_kube_event_kind {
	HC_KUBE_SET,    /* the object is there, or has changed; a list gives all again */
	HC_KUBE_GONE,   /* it is not there any more; json may be NULL */
	HC_KUBE_SYNCED, /* all that are there have been given, and what was missing has been told as gone */
	HC_KUBE_ANSWER, /* to a request */
};

struct hc_kube_event {
	enum hc_kube_event_kind kind;
	enum hc_kube_resource resource; /* not of an answer */
	uint64_t request_id;            /* of an answer */
	int status;                     /* of an answer: the HTTP status, 0 when none came */
	char *json; /* terminated; the object without managedFields, or the answer's body; or NULL */
	size_t json_bytes;
	char uid[64], ns[64], name[256]; /* of an object */
	char why[256];                   /* of an answer that failed: one sentence */
};

/* Readable while there is something in the queue, or pods have changed since the last hc_kube_next. */
int hc_kube_fd(const struct hc_kube *k);
/* 1 an event, 0 none. */
int hc_kube_next(struct hc_kube *k, struct hc_kube_event *ret);
void hc_kube_event_done(struct hc_kube_event *ev);

enum hc_kube_verb {
	HC_KUBE_GET,
	HC_KUBE_LIST,   /* a page of a collection */
	HC_KUBE_CREATE, /* POST to the collection; one after the other, in no order with others: APPLY creates too
	                 */
	HC_KUBE_APPLY,  /* server-side apply, with force */
	HC_KUBE_APPLY_STATUS, /* the same on the status subresource */
	HC_KUBE_MERGE_STATUS, /* a JSON merge patch of the status subresource */
	HC_KUBE_UPDATE,       /* PUT: refused with 409 when the body's resourceVersion is not the newest */
	HC_KUBE_DELETE,
};

struct hc_kube_request {
	enum hc_kube_verb verb;
	const char *api;           /* "apis/hindcast.dev/v1alpha1" or "api/v1" */
	const char *resource;      /* "capturenodes" */
	const char *ns;            /* NULL: cluster-scoped */
	const char *name;          /* NULL with HC_KUBE_CREATE and HC_KUBE_LIST */
	const char *body;          /* JSON; NULL with HC_KUBE_GET, HC_KUBE_LIST and HC_KUBE_DELETE */
	const char *field_manager; /* with HC_KUBE_APPLY and HC_KUBE_APPLY_STATUS: "hindcast-NODE" */
	/* with HC_KUBE_LIST */
	const char *labels; /* selector "KEY=VALUE" */
	const char *more;   /* metadata.continue of the page before; NULL: the first */
	uint32_t limit;     /* items of a page */
};

/* Queues a request; everything is copied. Those for one object are sent in order; a newer HC_KUBE_APPLY* or
 * HC_KUBE_MERGE_STATUS takes the place of an older one of its kind that still waits, which is answered with status
 * 0. Network errors, 429 and 5xx are tried again for give_up_ms. *ret_id comes back in the answer.
 * -EINVAL for names that are none, -E2BIG for a body over 1 MiB, -EAGAIN when 256 wait. Any thread. */
int hc_kube_send(struct hc_kube *k, const struct hc_kube_request *req, uint64_t *ret_id, struct hc_err *err);

/* The name of a node's CaptureNode: <capture>-<10 hex digits of SHA-256 over the node's name>, so that each node
 * has its own and finds it again. Those of a ClusterCapture hash "cluster/NODE". -E2BIG when it exceeds 253. */
#define HC_KUBE_NAME_BYTES 254
int hc_kube_capture_node_name(const char *capture, const char *node, bool cluster, char ret[HC_KUBE_NAME_BYTES]);

/* ---- how it goes ---- */

enum hc_kube_reason {                      /* why a list or watch began anew: the label `reason` of the metrics */
	              HC_KUBE_R_ENDED,     /* the server ended the watch in its time */
	              HC_KUBE_R_EXPIRED,   /* 410: the version is too old */
	              HC_KUBE_R_AHEAD,     /* 504 ResourceVersionTooLarge: the server is behind */
	              HC_KUBE_R_THROTTLED, /* 429, 503 */
	              HC_KUBE_R_AUTH,      /* 401 */
	              HC_KUBE_R_ABSENT,    /* 403, 404 */
	              HC_KUBE_R_HTTP,      /* another status */
	              HC_KUBE_R_NETWORK,   /* refused, reset, TLS */
	              HC_KUBE_R_TIMEOUT,   /* ours: slow or half open */
	              HC_KUBE_R_BAD,       /* what came was not what was asked for, or over a limit */
	              HC_KUBE_R_OVERFLOW,  /* the queue was full */
	              HC_KUBE_N_REASONS,
};
const char *hc_kube_reason_name(enum hc_kube_reason r);

struct hc_kube_code {
	const char *verb; /* "list", "watch", "get", "create", "patch", "update", "delete" */
	int code;         /* HTTP status, 0: no answer */
	uint64_t n;
};
#define HC_KUBE_MAX_CODES 48u

struct hc_kube_stats {
	struct {
		bool wanted, connected; /* connected: a watch is open */
		bool synced;            /* has been listed to the end once */
		uint64_t n_events;      /* objects that came, by list or watch */
		uint64_t n_bookmarks, n_lists;
		uint32_t n_objects; /* known now, without those gone */
		char error[256];    /* the last failure; empty after a watch has opened */
	} of[HC_KUBE_N_RESOURCES];
	uint64_t restarts[HC_KUBE_N_REASONS];
	struct hc_kube_code codes[HC_KUBE_MAX_CODES]; /* what does not fit counts in the last */
	uint32_t n_codes;
	uint64_t n_too_big; /* objects passed over: bytes or parts over the limit */
	uint64_t n_foreign; /* pods of other nodes: the server's filter did not work */
	uint64_t n_refused; /* objects beyond max_objects or max_table_bytes */
	uint64_t n_dropped; /* objects, or bodies of answers, that found the queue full */
	uint64_t n_tokens;  /* times the token was another than before */
	uint64_t table_bytes;
	uint32_t n_gone; /* in the table, deleted or replaced */
};

/* Any thread. */
void hc_kube_stats(struct hc_kube *k, struct hc_kube_stats *ret);

/* The server's wall clock at the zero of CLOCK_BOOTTIME, to a second or two: what its objects call a time is told
 * from its own clock, not from this machine's. false: no answer had a Date. Any thread. */
bool hc_kube_server_wall(struct hc_kube *k, int64_t *ret_ns);

#endif
