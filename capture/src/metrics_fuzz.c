/* Any bytes as what an Accept header, an address, a label and a help text hold: answers without reading past their
 * end, and a text of which every line is whole, whatever is in them. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/metrics.h"

static void collect(void *ctx, struct hc_metrics_out *out)
{
	const char *text = ctx;

	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_x", NULL, text);
	hc_metric_u64(out, 1, "a", text, "b", text, NULL);
}

/* What is left of an escaped text must end where it began: no quote, no newline of its own. */
static const char *skip_escaped(const char *p, char end)
{
	while (*p != end) {
		assert(*p && *p != '\n');
		if (*p == '\\') {
			p++;
			assert(*p == '\\' || *p == 'n' || *p == '"');
		}
		p++;
	}
	return p;
}

static void check_text(char *text, bool openmetrics)
{
	const struct hc_metrics_opts opts = { 0 };
	HC_AUTO(hc_metrics_free) struct hc_metrics *m = NULL;
	char *out;
	const char *p;
	size_t n;

	if (hc_metrics_new(&opts, &m, NULL) < 0)
		return;
	assert(hc_metrics_add(m, collect, text) == 0 && hc_metrics_text(m, openmetrics, &out, &n) == 0);
	assert(strlen(out) == n);
	p = strstr(out, "# HELP hindcast_x");
	assert(p);
	p = skip_escaped(p, '\n') + 1;
	assert(strncmp(p, "hindcast_x_total{a=\"", 20) == 0);
	p = skip_escaped(p + 20, '"');
	assert(strncmp(p, "\",b=\"", 5) == 0);
	p = skip_escaped(p + 5, '"');
	assert(strcmp(p, openmetrics ? "\"} 1\n# EOF\n" : "\"} 1\n") == 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *text = malloc(n_bytes + 1);
	struct hc_err err = { 0 };

	if (!text)
		return 0;
	if (n_bytes)
		memcpy(text, data, n_bytes);
	text[n_bytes] = '\0';
	if (hc_metrics_wants_openmetrics(text))
		assert(strcasestr(text, "application/openmetrics-text"));
	if (hc_metrics_address_check(text, &err) == 0)
		assert(text[0] == '/' || strlen(text) < 60);
	else
		assert(err.code < 0 && err.msg[0]);
	if (strlen(text) < 1u << 16) {
		check_text(text, true);
		check_text(text, false);
	}
	free(text);
	return 0;
}
