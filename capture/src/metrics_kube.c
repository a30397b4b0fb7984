/* How the client of the Kubernetes API does, as metrics. */
#include <stdio.h>

#include "capture/kube.h"
#include "capture/metrics.h"

void hc_metrics_kube(void *kube, struct hc_metrics_out *out)
{
	struct hc_kube_stats s = { 0 };

	if (kube)
		hc_kube_stats(kube, &s);
	hc_metric_family(out, HC_METRIC_GAUGE, "hindcast_kube_watch_connected", NULL,
	                 "1 while a watch of the resource is open at the API server.");
	for (unsigned r = 0; r < HC_KUBE_N_RESOURCES; r++)
		if (s.of[r].wanted)
			hc_metric_u64(out, s.of[r].connected, "resource",
			              hc_kube_resource_name((enum hc_kube_resource)r), NULL);
	hc_metric_family(out, HC_METRIC_GAUGE, "hindcast_kube_objects", NULL,
	                 "Objects of the resource that are known now.");
	for (unsigned r = 0; r < HC_KUBE_N_RESOURCES; r++)
		if (s.of[r].wanted)
			hc_metric_u64(out, s.of[r].n_objects, "resource",
			              hc_kube_resource_name((enum hc_kube_resource)r), NULL);
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_kube_watch_restarts", NULL,
	                 "Lists and watches that began anew, by why.");
	for (unsigned i = 0; kube && i < HC_KUBE_N_REASONS; i++)
		hc_metric_u64(out, s.restarts[i], "reason", hc_kube_reason_name((enum hc_kube_reason)i), NULL);
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_kube_requests", NULL,
	                 "Answers of the API server by HTTP status; 0: none came.");
	for (uint32_t i = 0; i < s.n_codes; i++) {
		char code[12];

		snprintf(code, sizeof(code), "%d", s.codes[i].code);
		hc_metric_u64(out, s.codes[i].n, "verb", s.codes[i].verb, "code", code, NULL);
	}
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_kube_objects_dropped", NULL,
	                 "Objects that were passed over: over a limit, of another node, or behind a full queue.");
	if (kube) {
		hc_metric_u64(out, s.n_too_big, "reason", "too_big", NULL);
		hc_metric_u64(out, s.n_foreign, "reason", "foreign", NULL);
		hc_metric_u64(out, s.n_refused, "reason", "too_many", NULL);
		hc_metric_u64(out, s.n_dropped, "reason", "queue_full", NULL);
	}
}
