/*
 * A Capture or ClusterCapture object: what it asks for, held against the limits of its schema, which an old server
 * does not enforce. The object is anybody's who may make one in a namespace.
 */
#ifndef HC_CAPTURE_CLUSTER_SPEC_H
#define HC_CAPTURE_CLUSTER_SPEC_H

#include "capture/kube.h"
#include "store/base/arena.h"

#define CLUSTER_MAX_LABELS 32u
#define CLUSTER_MAX_KEY_BYTES 317u /* of a label: a name of 63, below a domain of 253 */
#define CLUSTER_MAX_NAME_BYTES 63u /* of a container, and the value of a label */
#define CLUSTER_MAX_CONTAINERS 32u
#define CLUSTER_MAX_NODES 256u

struct cluster_labels {
	struct hc_kube_kv *v; /* all must be there */
	uint32_t n;
};

struct cluster_spec {
	struct hc_arena arena; /* of all texts and lists */
	char error[256];       /* why it cannot be served, for its author; "": it can */
	struct cluster_labels pod, ns;
	struct hc_str *containers; /* names; none: all */
	uint32_t n_containers;
	bool node;                        /* this node takes part */
	uint64_t pre_ns, for_ns, keep_ns; /* for_ns from its acceptance on */
	uint64_t max_bytes;               /* 0: no limit */
	const char *detail;               /* of "minimal", "security", "full" */
	uint32_t snaplen;
	bool stop;
	int64_t generation;
	int64_t made_wall_ns; /* when it was accepted, else created; 0: not told */
	char phase[16];       /* of its status; "": none yet */
	uint32_t n_nodes;     /* that serve it, as its status has it */
};

/* Parses an object as the API server gives it. 0, -EBADMSG: none of ours, -ENOMEM. `error` is set where one was
 * asked for that cannot be served; all else is within the limits also then, and the selector is valid, or selects
 * nothing. */
int cluster_spec_parse(const char *json, size_t n_bytes, const char *node, struct cluster_spec **ret);
struct cluster_spec *cluster_spec_free(struct cluster_spec *s);
HC_DEFINE_AUTO(struct cluster_spec, cluster_spec_free)

/* Whether each label is there with its value. have: sorted by key or not. */
bool cluster_labels_match(const struct cluster_labels *want, const struct hc_kube_kv *have, uint32_t n);
bool cluster_spec_has_container(const struct cluster_spec *s, struct hc_str name);

/* "1h30m", "250ms": the form of the schema. false: it is none. */
bool cluster_duration(const char *text, uint64_t *ret_ns);

#endif
