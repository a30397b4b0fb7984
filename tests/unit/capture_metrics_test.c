/* Metrics as text, in both formats, and which of the two a client gets. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "capture/metrics.h"

static void sample_families(void *ctx, struct hc_metrics_out *out)
{
	static const double le[] = { 0.001, 1 };
	const struct hc_metric_histogram h = {
		.le = le, .n_le = 2, .count = (const uint64_t[]){ 3, 0, 2 }, .sum = 20.5
	};

	(void)ctx;
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_x_bytes", "bytes", "What \"it\" is:\n a \\.");
	hc_metric_u64(out, 18446744073709551615u, NULL);
	hc_metric_family(out, HC_METRIC_GAUGE, "hindcast_y", NULL, "Y.");
	hc_metric_f64(out, 1.5, "a", "1", "b", "q\" b\\ n\n \xff\xc3\xa4", NULL);
	hc_metric_f64(out, 2, "a", "", "b", "", NULL);
	hc_metric_f64(out, -INFINITY, "a", "2", "b", "", NULL);
	hc_metric_family(out, HC_METRIC_INFO, "hindcast_i", NULL, "I.");
	hc_metric_u64(out, 1, "v", "1", NULL);
	hc_metric_family(out, HC_METRIC_HISTOGRAM, "hindcast_h_seconds", "seconds", "H.");
	hc_metric_histogram(out, &h, "k", "v", NULL);
	hc_metric_family(out, HC_METRIC_GAUGE, "hindcast_none", NULL, "Nothing.");
}

static char *text_of(hc_metrics_fn fn, void *ctx, bool openmetrics)
{
	const struct hc_metrics_opts opts = { 0 };
	HC_AUTO(hc_metrics_free) struct hc_metrics *m = NULL;
	char *text = NULL;
	size_t n;

	cr_assert_eq(hc_metrics_new(&opts, &m, NULL), 0);
	cr_assert_eq(hc_metrics_add(m, fn, ctx), 0);
	cr_assert_eq(hc_metrics_text(m, openmetrics, &text, &n), 0);
	cr_assert_eq(strlen(text), n);
	return text;
}

Test(metrics, are_openmetrics)
{
	char *text = text_of(sample_families, NULL, true);

	cr_expect_str_eq(text, "# TYPE hindcast_x_bytes counter\n"
	                       "# UNIT hindcast_x_bytes bytes\n"
	                       "# HELP hindcast_x_bytes What \\\"it\\\" is:\\n a \\\\.\n"
	                       "hindcast_x_bytes_total 18446744073709551615\n"
	                       "# TYPE hindcast_y gauge\n"
	                       "# HELP hindcast_y Y.\n"
	                       "hindcast_y{a=\"1\",b=\"q\\\" b\\\\ n\\n \xef\xbf\xbd\xc3\xa4\"} 1.5\n"
	                       "hindcast_y{a=\"\",b=\"\"} 2.0\n"
	                       "hindcast_y{a=\"2\",b=\"\"} -Inf\n"
	                       "# TYPE hindcast_i info\n"
	                       "# HELP hindcast_i I.\n"
	                       "hindcast_i_info{v=\"1\"} 1\n"
	                       "# TYPE hindcast_h_seconds histogram\n"
	                       "# UNIT hindcast_h_seconds seconds\n"
	                       "# HELP hindcast_h_seconds H.\n"
	                       "hindcast_h_seconds_bucket{k=\"v\",le=\"0.001\"} 3\n"
	                       "hindcast_h_seconds_bucket{k=\"v\",le=\"1.0\"} 3\n"
	                       "hindcast_h_seconds_bucket{k=\"v\",le=\"+Inf\"} 5\n"
	                       "hindcast_h_seconds_count{k=\"v\"} 5\n"
	                       "hindcast_h_seconds_sum{k=\"v\"} 20.5\n"
	                       "# TYPE hindcast_none gauge\n"
	                       "# HELP hindcast_none Nothing.\n"
	                       "# EOF\n");
	free(text);
}

Test(metrics, are_plain_text_for_who_knows_no_other)
{
	char *text = text_of(sample_families, NULL, false);

	cr_expect(strstr(text, "# TYPE hindcast_x_bytes_total counter\n"
	                       "# HELP hindcast_x_bytes_total What \"it\" is:\\n a \\\\.\n"
	                       "hindcast_x_bytes_total 18446744073709551615\n"));
	cr_expect(strstr(text, "# TYPE hindcast_i_info gauge\n"));
	cr_expect_not(strstr(text, "UNIT"));
	cr_expect_not(strstr(text, "EOF"));
	free(text);
}

static void too_many(void *ctx, struct hc_metrics_out *out)
{
	char label[1024];

	(void)ctx;
	memset(label, 'x', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	hc_metric_family(out, HC_METRIC_COUNTER, "hindcast_x", NULL, "X.");
	for (unsigned i = 0; i < HC_METRICS_MAX_BYTES / sizeof(label); i++)
		hc_metric_u64(out, i, "l", label, NULL);
}

Test(metrics, stop_at_a_size)
{
	const struct hc_metrics_opts opts = { 0 };
	HC_AUTO(hc_metrics_free) struct hc_metrics *m = NULL;
	char *text = NULL;
	size_t n;

	cr_assert_eq(hc_metrics_new(&opts, &m, NULL), 0);
	cr_assert_eq(hc_metrics_add(m, too_many, NULL), 0);
	cr_expect_eq(hc_metrics_text(m, true, &text, &n), -E2BIG);
	cr_expect_null(text);
	for (unsigned i = 1; i < HC_METRICS_MAX_COLLECTORS; i++)
		cr_expect_eq(hc_metrics_add(m, too_many, NULL), 0);
	cr_expect_eq(hc_metrics_add(m, too_many, NULL), -ENOSPC);
}

Test(metrics, come_in_the_format_that_is_asked_for)
{
	static const struct {
		const char *accept;
		bool openmetrics;
	} cases[] = {
		{ NULL, false },
		{ "", false },
		{ "*/*", false },
		{ "text/html, */*;q=0.1", false },
		{ "application/openmetrics-text", true },
		{ "Application/OpenMetrics-Text ; Version=1.0.0 ; charset=utf-8", true },
		{ "application/openmetrics-text;version=1.0.0;q=0", false },
		{ "application/openmetrics-text;version=2.0.0", false },
		{ "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.4",
		  true },
		/* Prometheus 2 and 3 */
		{ "application/openmetrics-text;version=1.0.0;q=0.5,application/"
		  "openmetrics-text;version=0.0.1;q=0.4,"
		  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		  true },
		{ "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
		  "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
		  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		  true },
		{ "text/plain;q=0.7,application/openmetrics-text;version=1.0.0;q=0.55", false },
		{ "text/plain;version=0.0.4", false },
		{ ",,;;=,q=1;;,application/openmetrics-text;q=9", false },
		{ "application/openmetrics-text;q=1.001", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(hc_metrics_wants_openmetrics(cases[i].accept), cases[i].openmetrics, "%s",
		             cases[i].accept);
}

Test(metrics, are_served_where_the_address_says)
{
	static const struct {
		const char *address;
		int code;
	} cases[] = {
		{ "9817", 0 },
		{ "127.0.0.1:9817", 0 },
		{ "*:65535", 0 },
		{ "[::1]:1", 0 },
		{ "/run/hindcast/metrics.sock", 0 },
		{ "", -EINVAL },
		{ ":9817", -EINVAL },
		{ "0", -EINVAL },
		{ "65536", -EINVAL },
		{ "09817", -EINVAL },
		{ "9817x", -EINVAL },
		{ "localhost:9817", -EINVAL },
		{ "::1:9817", -EINVAL },
		{ "[::1]", -EINVAL },
		{ "[::1:9817", -EINVAL },
		{ "1.2.3:9817", -EINVAL },
		{ "metrics.sock", -EINVAL },
		{ "/run/a/path/that/is/longer/than/what/the/kernel/takes/for/a/socket/which/is/one/hundred/and/"
		  "seven/"
		  "bytes/at/most",
		  -EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_err err = { 0 };

		cr_expect_eq(hc_metrics_address_check(cases[i].address, &err), cases[i].code, "%s",
		             cases[i].address);
		cr_expect_eq(err.code, cases[i].code);
	}
}
