/*
 * The recorder as a member of a Kubernetes cluster: a part of the daemon that owns the API client
 * (capture/kube.h).
 *
 * Pods: what the server tells of this node's pods goes into the containers that are recorded.
 *
 * Captures: a Capture or ClusterCapture that selects pods of this node becomes captures here (capture/captures.h),
 * one for each pod, or for each container where containers are named. They are started first, then a CaptureNode
 * object tells of them, at most every 10 s and when the state changes.
 *
 * What is asked for lives in the captures' rows (their `by` has the object's uid): after a restart captures go on
 * without the server, and are joined to their object when it is listed again. An object that is not there any more
 * ends its captures and gives up what they pinned.
 *
 * All on the daemon's thread but the client, which has its own. A server that fails costs nothing but what it
 * would have told; that is logged when it begins, again after growing pauses, and when it is over.
 */
#ifndef HC_CAPTURE_CLUSTER_H
#define HC_CAPTURE_CLUSTER_H

#include "capture/captures.h"
#include "capture/daemon.h"
#include "capture/kube.h"

struct hc_cluster;

/* Fill with hc_cluster_opts_init. Texts are copied, `captures` is borrowed. */
struct hc_cluster_opts {
	struct hc_kube_opts kube; /* kube.node is this node's name; kube.resources is set by hc_cluster_new */
	const char *ns;          /* where the CaptureNodes of a ClusterCapture are: the recorder's own namespace */
	const char *version;     /* of the recorder, for the CaptureNode */
	enum hc_profile profile; /* what is recorded anyway */
	uint32_t snaplen;
	struct hc_captures *captures;
	uint32_t status_ms; /* a CaptureNode is written no more often, but for changes of its state */
};

void hc_cluster_opts_init(struct hc_cluster_opts *opts);
/* The client starts with the daemon, which ends when it cannot (hc_kube_start). -ENOMEM. */
int hc_cluster_new(const struct hc_cluster_opts *opts, struct hc_cluster **ret, struct hc_err *err);
/* After the daemon has ended. */
struct hc_cluster *hc_cluster_free(struct hc_cluster *c);
HC_DEFINE_AUTO(struct hc_cluster, hc_cluster_free)
/* To be added to the daemon behind that of the captures. The recording must have been opened with opts.pods. */
struct hc_daemon_part *hc_cluster_part(struct hc_cluster *c);

struct hc_cluster_stats {
	struct hc_kube_stats kube;
	uint32_t n_objects;                 /* Captures and ClusterCaptures that are there */
	uint32_t n_serving;                 /* of which this node has captures that run */
	uint64_t n_started;                 /* captures started for them */
	uint64_t n_failed;                  /* that could not be started */
	uint64_t n_refused;                 /* objects passed over: too big, or not understood */
	uint64_t n_written, n_write_failed; /* CaptureNodes */
};

/* The client, for its counters; NULL while the daemon does not run. */
struct hc_kube *hc_cluster_kube(const struct hc_cluster *c);
void hc_cluster_stats(struct hc_cluster *c, struct hc_cluster_stats *ret);

#endif
