/* Families and samples as text. One function a line, so that the two formats differ in one place each. */
#include "metrics_priv.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/base/str.h"
#include "store/base/utf8.h"

/* ---- text ---- */

static void put(struct hc_metrics_out *o, const char *p, size_t n)
{
	if (o->code < 0)
		return;
	if (o->n + n > HC_METRICS_MAX_BYTES) {
		o->code = -E2BIG;
		return;
	}
	if (o->n + n > o->room) {
		size_t room = o->room ? o->room * 2 : 65536;
		char *grown;

		while (room < o->n + n)
			room *= 2;
		grown = realloc(o->text, room);
		if (!grown) {
			o->code = -ENOMEM;
			return;
		}
		o->text = grown;
		o->room = room;
	}
	memcpy(o->text + o->n, p, n);
	o->n += n;
}

static void put_c(struct hc_metrics_out *o, const char *text)
{
	put(o, text, strlen(text));
}

/* A label's value, or (quotes false) a help text in the plain format. */
static void put_escaped(struct hc_metrics_out *o, const char *text, bool quotes)
{
	for (const char *p = text, *end = text + strlen(text); p < end;) {
		uint32_t c;
		unsigned n = hc_utf8(p, (size_t)(end - p), &c);

		if (*p == '\\' || (*p == '"' && quotes)) {
			put(o, "\\", 1);
			put(o, p, 1);
		} else if (*p == '\n') {
			put(o, "\\n", 2);
		} else if (n) {
			put(o, p, n);
		} else {
			put(o, "\xef\xbf\xbd", 3); /* U+FFFD */
		}
		p += n ? n : 1;
	}
}

static void put_u64(struct hc_metrics_out *o, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	put_c(o, text);
}

static void put_f64(struct hc_metrics_out *o, double v)
{
	char text[40];

	if (isnan(v))
		snprintf(text, sizeof(text), "NaN");
	else if (isinf(v))
		snprintf(text, sizeof(text), "%s", v > 0 ? "+Inf" : "-Inf");
	else if (v == floor(v) && fabs(v) < 1e15) /* canonical in OpenMetrics: 1.0 */
		snprintf(text, sizeof(text), "%.1f", v);
	else if (snprintf(text, sizeof(text), "%.15g", v) > 0 && strtod(text, NULL) != v)
		snprintf(text, sizeof(text), "%.17g", v);
	put_c(o, text);
}

/* ---- families ---- */

static const struct {
	const char *name, *plain_name, *suffix;
} types[] = {
	[HC_METRIC_COUNTER] = { "counter", "counter", "_total" },
	[HC_METRIC_GAUGE] = { "gauge", "gauge", "" },
	[HC_METRIC_HISTOGRAM] = { "histogram", "histogram", "" },
	[HC_METRIC_INFO] = { "info", "gauge", "_info" },
};

/* OpenMetrics names the family, the plain format its samples. */
static void put_about(struct hc_metrics_out *o, const char *what)
{
	put_c(o, "# ");
	put_c(o, what);
	put(o, " ", 1);
	put_c(o, o->name);
	if (!o->openmetrics)
		put_c(o, types[o->type].suffix);
	put(o, " ", 1);
}

void hc_metric_family(struct hc_metrics_out *out, enum hc_metric_type type, const char *name, const char *unit,
                      const char *help)
{
	assert(!unit || (strlen(name) > strlen(unit) && strcmp(name + strlen(name) - strlen(unit), unit) == 0));
	out->type = type;
	out->name = name;
	put_about(out, "TYPE");
	put_c(out, out->openmetrics ? types[type].name : types[type].plain_name);
	put(out, "\n", 1);
	if (unit && out->openmetrics) {
		put_about(out, "UNIT");
		put_c(out, unit);
		put(out, "\n", 1);
	}
	put_about(out, "HELP");
	put_escaped(out, help, out->openmetrics);
	put(out, "\n", 1);
}

/* NAME{label="value",...} and a space; le NULL: no bucket. */
static void put_series(struct hc_metrics_out *o, const char *suffix, const char *le, va_list labels)
{
	const char *key, *before = "{";
	va_list ap;

	assert(o->name);
	put_c(o, o->name);
	put_c(o, suffix);
	va_copy(ap, labels);
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);

		put_c(o, before);
		put_c(o, key);
		put(o, "=\"", 2);
		put_escaped(o, value ? value : "", true);
		put(o, "\"", 1);
		before = ",";
	}
	va_end(ap);
	if (le) {
		put_c(o, before);
		put_c(o, "le=\"");
		put_c(o, le);
		put(o, "\"", 1);
		before = ",";
	}
	put_c(o, *before == ',' ? "} " : " ");
}

void hc_metric_u64(struct hc_metrics_out *out, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	put_series(out, types[out->type].suffix, NULL, labels);
	va_end(labels);
	put_u64(out, value);
	put(out, "\n", 1);
}

void hc_metric_f64(struct hc_metrics_out *out, double value, ...)
{
	va_list labels;

	va_start(labels, value);
	put_series(out, types[out->type].suffix, NULL, labels);
	va_end(labels);
	put_f64(out, value);
	put(out, "\n", 1);
}

static void put_bucket(struct hc_metrics_out *o, const char *le, uint64_t n, va_list labels)
{
	put_series(o, "_bucket", le, labels);
	put_u64(o, n);
	put(o, "\n", 1);
}

void hc_metric_histogram(struct hc_metrics_out *out, const struct hc_metric_histogram *value, ...)
{
	uint64_t n = 0;
	va_list labels;
	char le[40];

	va_start(labels, value);
	for (size_t i = 0; i < value->n_le; i++) {
		n += value->count[i];
		snprintf(le, sizeof(le), value->le[i] == floor(value->le[i]) ? "%.1f" : "%.10g", value->le[i]);
		put_bucket(out, le, n, labels);
	}
	n += value->count[value->n_le];
	put_bucket(out, "+Inf", n, labels);
	put_series(out, "_count", NULL, labels);
	put_u64(out, n);
	put(out, "\n", 1);
	put_series(out, "_sum", NULL, labels);
	put_f64(out, value->sum);
	put(out, "\n", 1);
	va_end(labels);
}

/* ---- all of them ---- */

int hc_metrics_add(struct hc_metrics *m, hc_metrics_fn fn, void *ctx)
{
	if (m->n_collectors == HC_METRICS_MAX_COLLECTORS)
		return -ENOSPC;
	m->collector[m->n_collectors++] = (struct metrics_collector){ fn, ctx };
	return 0;
}

int hc_metrics_text(struct hc_metrics *m, bool openmetrics, char **ret, size_t *ret_bytes)
{
	struct hc_metrics_out o = { .openmetrics = openmetrics };

	if (m->daemon)
		metrics_recorder(m, &o);
	for (uint32_t i = 0; i < m->n_collectors; i++)
		m->collector[i].fn(m->collector[i].ctx, &o);
	if (openmetrics)
		put_c(&o, "# EOF\n");
	put(&o, "", 1); /* terminated, for whoever prints it */
	if (o.code < 0) {
		free(o.text);
		return o.code;
	}
	*ret = o.text;
	*ret_bytes = o.n - 1;
	return 0;
}

/* ---- which of the two ---- */

static struct hc_str trim(struct hc_str s)
{
	while (s.len && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* The part before `at`, which is taken off *rest with it. */
static struct hc_str cut(struct hc_str *rest, char at)
{
	const char *p = memchr(rest->p, at, rest->len);
	struct hc_str head = { rest->p, p ? (uint32_t)(p - rest->p) : rest->len };

	rest->p += head.len + (p != NULL);
	rest->len -= head.len + (p != NULL);
	return trim(head);
}

static bool is(struct hc_str s, const char *lower)
{
	return s.len == strlen(lower) && strncasecmp(s.p, lower, s.len) == 0;
}

/* A weight (RFC 9110, 12.4.2) in thousandths; what is none counts as 0. */
static unsigned weight(struct hc_str s)
{
	unsigned v = 0, place = 1000;

	if (!s.len || s.len > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.len > 1 && s.p[1] != '.'))
		return 0;
	v = s.p[0] == '1' ? 1000 : 0;
	for (uint32_t i = 2; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		place /= 10;
		v += (unsigned)(s.p[i] - '0') * place;
	}
	return v <= 1000 ? v : 0;
}

bool hc_metrics_wants_openmetrics(const char *accept)
{
	struct hc_str rest = hc_str_c(accept);
	unsigned open = 0, plain = 0;

	while (rest.len) {
		struct hc_str params = cut(&rest, ','), type = { 0 };
		bool known_version = true;
		unsigned q = 1000;

		if (!params.len)
			continue;
		type = cut(&params, ';');
		while (params.len) {
			struct hc_str value = cut(&params, ';');
			struct hc_str key = cut(&value, '=');

			value = trim(value);
			if (is(key, "q"))
				q = weight(value);
			else if (is(key, "version"))
				known_version = is(value, "1.0.0");
		}
		if (is(type, "application/openmetrics-text") && known_version)
			open = q > open ? q : open;
		else if ((is(type, "text/plain") || is(type, "text/*")) && q > plain)
			plain = q; /* what takes anything gets the plain one only if it does not name the other */
	}
	return open > 0 && open >= plain;
}
