/* Insides of the metrics, shared by metrics.c (text) and metrics_http.c (the server). */
#ifndef HC_CAPTURE_METRICS_PRIV_H
#define HC_CAPTURE_METRICS_PRIV_H

#include "capture/metrics.h"

#include <stdarg.h>
#include <strings.h>

struct hc_metrics_out {
	bool openmetrics;
	char *text;
	size_t n, room;
	int code;         /* -ENOMEM, -E2BIG: nothing more is written */
	const char *name; /* of the family being written */
	enum hc_metric_type type;
};

struct metrics_collector {
	hc_metrics_fn fn;
	void *ctx;
};

struct hc_metrics {
	struct hc_metrics_opts opts;
	struct metrics_collector collector[HC_METRICS_MAX_COLLECTORS];
	uint32_t n_collectors;
};

#endif
