/*
 * Metrics of a running recorder: what its parts tell of themselves, as text for Prometheus and whoever else reads
 * OpenMetrics (docs/metrics.md has each of them), with /healthz and /readyz, on a TCP or Unix socket.
 *
 * A part adds a function that writes its families; it is called on the daemon's thread each time somebody asks:
 *
 *     static void collect(void *ctx, struct hc_metrics_out *out)
 *     {
 *             const struct triggers *t = ctx;
 *
 *             hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_rule_matches", NULL, "Matches of a rule.");
 *             for (uint32_t i = 0; i < t->n; i++)
 *                     hc_metric_u64(out, t->rule[i].n, "rule", t->rule[i].name, NULL);
 *     }
 *     ...
 *     hc_metrics_add(metrics, collect, &triggers);
 *
 * How many series a family can have must be bounded, and docs/metrics.md says by what. A family whose subject is
 * absent (no API server, no rules) is written without samples: its name and help are there, no value is made up.
 */
#ifndef HC_CAPTURE_METRICS_H
#define HC_CAPTURE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/captures.h"
#include "capture/daemon.h"
#include "store/base/cleanup.h"
#include "store/base/err.h"

/* ---- for parts ---- */

struct hc_metrics_out; /* an answer being written */

enum hc_metric_type { HC_METRIC_COUNTER, HC_METRIC_GAUGE, HC_METRIC_HISTOGRAM, HC_METRIC_INFO };

/* Begins a family; its samples follow. `name`: [a-z0-9_], "hindcast_" first, without the suffix of its type
 * (_total, _info), which is added. `unit`: "seconds", "bytes", "ratio"; the name ends with it; NULL: a number of
 * things. `help`: one sentence. Each name once. All are borrowed until the next family. */
void hc_metric_family(struct hc_metrics_out *out, enum hc_metric_type type, const char *name, const char *unit,
                      const char *help);
/* One sample. Pairs of label and value follow, both strings, NULL at the end; values may hold anything (they are
 * escaped, and what is not UTF-8 is replaced), each set of them once in a family. An info has 1. */
__attribute__((sentinel)) void hc_metric_u64(struct hc_metrics_out *out, uint64_t value, ...);
__attribute__((sentinel)) void hc_metric_f64(struct hc_metrics_out *out, double value, ...);

struct hc_metric_histogram {
	const double *le; /* upper bounds of the buckets, ascending, without the last, which has none */
	size_t n_le;
	const uint64_t *count; /* n_le + 1, each bucket's own */
	double sum;
};
__attribute__((sentinel)) void hc_metric_histogram(struct hc_metrics_out *out,
                                                   const struct hc_metric_histogram *value, ...);

typedef void (*hc_metrics_fn)(void *ctx, struct hc_metrics_out *out);

/* ---- the server ---- */

struct hc_metrics;

struct hc_metrics_opts {
	const char *address; /* hc_metrics_address_check; NULL: served nowhere, only hc_metrics_text */
	const char *group;   /* of a Unix socket, which is 0660 then; NULL: 0600 */
	const char *version; /* of the program */
	struct hc_captures *captures;
};

#define HC_METRICS_MAX_COLLECTORS 16u
#define HC_METRICS_MAX_BYTES (4u << 20) /* an answer; a larger one is refused with 500 */

/* Whether the text is one to listen on: PORT (of 127.0.0.1), IPV4:PORT, [IPV6]:PORT, *:PORT (all addresses), or
 * the absolute path of a Unix socket; if not, `err` says why. */
int hc_metrics_address_check(const char *address, struct hc_err *err);

/* The strings are borrowed as long as it lives. -EINVAL: no such group or address. */
int hc_metrics_new(const struct hc_metrics_opts *opts, struct hc_metrics **ret, struct hc_err *err);
struct hc_metrics *hc_metrics_free(struct hc_metrics *m);
HC_DEFINE_AUTO(struct hc_metrics, hc_metrics_free)
/* Families come in the order in which their collectors were added, after the recorder's own. Before the daemon
 * runs. -ENOSPC: too many. */
int hc_metrics_add(struct hc_metrics *m, hc_metrics_fn fn, void *ctx);
/* Whether hc_metrics_listen will succeed when the recorder that this one is to take over from is gone. What is
 * bound to the address by another recorder of the same user is taken for that one's. */
int hc_metrics_try(struct hc_metrics *m, struct hc_err *err);
/* Opens the socket; while the recorder still has all its privileges. -EADDRINUSE and the like. */
int hc_metrics_listen(struct hc_metrics *m, struct hc_err *err);
/* To be added to the daemon, when it listens. */
struct hc_daemon_part *hc_metrics_part(struct hc_metrics *m);

/* All families as text, OpenMetrics 1.0 or (false) Prometheus' text format 0.0.4: malloc'ed, terminated. -E2BIG.
 */
int hc_metrics_text(struct hc_metrics *m, bool openmetrics, char **ret, size_t *ret_bytes);
/* Whether an Accept header asks for OpenMetrics 1.0 rather than the plain format. Any bytes; NULL: no header. */
bool hc_metrics_wants_openmetrics(const char *accept);

struct hc_kube; /* capture/kube.h */
/* A collector: how the client of the Kubernetes API does. ctx: NULL, there is none. */
void hc_metrics_kube(void *kube, struct hc_metrics_out *out);

#endif
