#include "test_report.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "capture_arg.h"
#include "query/json.h"
#include "store/render.h"

static const char *const words[] = { "ok", "FAILED", "skipped", "ERROR" };
static const char *const json_words[] = { "passed", "failed", "skipped", "error" };
static const char *const colours[] = { "\033[32m", "\033[31m", "\033[33m", "\033[31m" };

/* ---- text ---- */

/* Lines of a text, each indented, control characters escaped. */
static void print_lines(FILE *f, const char *text, int indent)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		fprintf(f, "%*s", indent, "");
		hc_cli_print_text(f, text, n);
		fputc('\n', f);
		text += n + (text[n] == '\n');
	}
}

static void print_alert(FILE *f, const struct hc_test_alert *a, const char *lead)
{
	fprintf(f, "%s#%" PRIu64 " ", lead, a->seq);
	hc_cli_print_text(f, a->rule, strlen(a->rule));
	fputs(": ", f);
	hc_cli_print_text(f, a->message.p, a->message.len);
	fputc('\n', f);
}

static void print_entry(FILE *f, enum hc_test_style style, bool colour, const struct hc_test_entry *e)
{
	char count[32], span[48];
	const struct hc_test_verdict *v = e->verdict;

	fprintf(f, "  %s%-7s%s ", colour ? colours[e->outcome] : "", words[e->outcome], colour ? "\033[0m" : "");
	hc_cli_print_text(f, e->name, strlen(e->name));
	if (e->reason) {
		fputs(": ", f);
		hc_cli_print_text(f, e->reason, strlen(e->reason));
	}
	if (v)
		fprintf(f, " (%s %s%s%s)", hc_count_text(v->n_alerts, count),
		        v->n_alerts == 1 ? "alert" : "alerts", e->took_ns ? ", " : "",
		        e->took_ns ? hc_span_text(e->took_ns, span) : "");
	fputc('\n', f);
	if (e->what) {
		print_lines(f, e->what, 10);
		print_lines(f, e->detail, 12);
	}
	for (size_t i = 0; v && i < v->n_findings; i++) {
		print_lines(f, v->findings[i].what, 10);
		print_lines(f, v->findings[i].detail, 12);
	}
	for (size_t i = 0; v && style == HC_TEST_VERBOSE && i < v->n_alerts; i++)
		print_alert(f, &v->alerts[i],
		            v->alerts[i].expected ? "          expected " : "          other    ");
}

static void print_notes(FILE *f, enum hc_test_style style, const struct hc_test_suite *s)
{
	const struct hc_test_verdicts *v = s->verdicts;
	char count[32];

	if (v && v->n_lost)
		fprintf(f,
		        "  note: %s events were lost while recording: what they would have shown is not known\n",
		        hc_count_text(v->n_lost, count));
	if (v && v->n_regex_limits)
		fprintf(f, "  note: %s texts were too hard for a regular expression and count as not matching\n",
		        hc_count_text(v->n_regex_limits, count));
	if (v && v->n_elsewhere) {
		fprintf(f, "  note: %s %s came from other processes of this machine, and count for no script\n",
		        hc_count_text(v->n_elsewhere, count), v->n_elsewhere == 1 ? "alert" : "alerts");
		for (uint64_t i = 0; style == HC_TEST_VERBOSE && i < v->n_elsewhere && i < 5; i++)
			print_alert(f, &v->elsewhere[i], "          ");
	}
	if (s->capture) {
		fputs("  kept: ", f);
		hc_cli_print_text(f, s->capture, strlen(s->capture));
		fputc('\n', f);
	}
}

/* ---- JSON ---- */

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

static void json_failure(struct json_object *list, const char *what, const char *detail, const char *rule)
{
	struct json_object *o = json_object_new_object();

	add(o, "what", hc_json_text(what));
	add(o, "detail", hc_json_text(detail));
	add(o, "rule", hc_json_text(rule));
	json_object_array_add(list, o);
}

static void json_entry(FILE *f, const struct hc_test_suite *s, const struct hc_test_entry *e)
{
	struct json_object *o = json_object_new_object(), *failures = json_object_new_array(),
			   *alerts = json_object_new_array();
	const struct hc_test_verdict *v = e->verdict;

	add(o, "kind", hc_json_text("case"));
	add(o, "file", hc_json_text(s->path));
	add(o, "name", hc_json_text(e->name));
	add(o, "outcome", hc_json_text(json_words[e->outcome]));
	add(o, "reason", hc_json_text(e->reason));
	add(o, "script_ns", hc_json_u64(e->took_ns));
	if (e->what)
		json_failure(failures, e->what, e->detail, NULL);
	for (size_t i = 0; v && i < v->n_findings; i++)
		json_failure(failures, v->findings[i].what, v->findings[i].detail,
		             v->findings[i].expect ? v->findings[i].expect->rule : NULL);
	add(o, "failures", failures);
	for (size_t i = 0; v && i < v->n_alerts; i++) {
		const struct hc_test_alert *a = &v->alerts[i];
		struct json_object *j = json_object_new_object();

		add(j, "time", hc_json_time(a->wall_ns));
		add(j, "seq", hc_json_u64(a->seq));
		add(j, "event", hc_json_text(a->event));
		add(j, "rule", hc_json_text(a->rule));
		add(j, "severity", hc_json_text(a->priority));
		add(j, "message", hc_json_str(a->message));
		add(j, "expected", json_object_new_boolean(a->expected));
		json_object_array_add(alerts, j);
	}
	add(o, "alerts", alerts);
	hc_cli_put_json(f, o);
}

static void json_file(FILE *f, const struct hc_test_suite *s)
{
	struct json_object *o = json_object_new_object();

	add(o, "kind", hc_json_text("file"));
	add(o, "file", hc_json_text(s->path));
	add(o, "time", hc_json_time(s->began_ns));
	add(o, "wall_ns", hc_json_u64(s->took_ns));
	add(o, "capture", hc_json_text(s->capture));
	if (s->verdicts) {
		add(o, "events", hc_json_u64(s->verdicts->n_rows));
		add(o, "lost", hc_json_u64(s->verdicts->n_lost));
		add(o, "regex_limits", hc_json_u64(s->verdicts->n_regex_limits));
		add(o, "alerts", hc_json_u64(s->verdicts->n_alerts));
		add(o, "alerts_elsewhere", hc_json_u64(s->verdicts->n_elsewhere));
	}
	hc_cli_put_json(f, o);
}

void hc_test_print_suite(FILE *f, enum hc_test_style style, bool colour, const struct hc_test_suite *s)
{
	if (style == HC_TEST_JSON) {
		for (size_t i = 0; i < s->n; i++)
			json_entry(f, s, &s->entries[i]);
		json_file(f, s);
		return;
	}
	hc_cli_print_text(f, s->path, strlen(s->path));
	fputc('\n', f);
	for (size_t i = 0; i < s->n; i++)
		if (style != HC_TEST_QUIET || s->entries[i].outcome != HC_TEST_PASSED)
			print_entry(f, style, colour, &s->entries[i]);
	print_notes(f, style, s);
}

void hc_test_print_totals(FILE *f, enum hc_test_style style, bool colour, const struct hc_test_totals *t)
{
	uint64_t all = 0;
	char count[32], span[48];

	for (unsigned i = 0; i < HC_TEST_N_OUTCOMES; i++)
		all += t->n[i];
	if (style == HC_TEST_JSON) {
		struct json_object *o = json_object_new_object();

		add(o, "kind", hc_json_text("summary"));
		add(o, "cases", hc_json_u64(all));
		for (unsigned i = 0; i < HC_TEST_N_OUTCOMES; i++)
			add(o, i == HC_TEST_ERROR ? "errors" : json_words[i], hc_json_u64(t->n[i]));
		add(o, "wall_ns", hc_json_u64(t->took_ns));
		hc_cli_put_json(f, o);
		return;
	}
	fprintf(f, "\n%s %s: ", hc_count_text(all, count), all == 1 ? "case" : "cases");
	fprintf(f, "%s passed", hc_count_text(t->n[HC_TEST_PASSED], count));
	for (unsigned i = HC_TEST_FAILED; i < HC_TEST_N_OUTCOMES; i++)
		if (t->n[i])
			fprintf(f, ", %s%s %s%s", colour ? colours[i] : "", hc_count_text(t->n[i], count),
			        i == HC_TEST_ERROR ? "could not be judged" : json_words[i],
			        colour ? "\033[0m" : "");
	fprintf(f, ", in %s\n", hc_span_text(t->took_ns, span));
}

/* ---- JUnit ---- */

/* The length of a character of UTF-8 that XML allows; 0: it is none. */
static unsigned xml_char(const unsigned char *p, size_t n)
{
	uint32_t c = p[0];
	unsigned len = c < 0x80                ? 1
	               : c >= 0xc2 && c < 0xe0 ? 2
	               : c >= 0xe0 && c < 0xf0 ? 3
	               : c >= 0xf0 && c < 0xf5 ? 4
	                                       : 0;

	if (!len || len > n)
		return 0;
	if (len == 1)
		return c >= 0x20 || c == '\n' || c == '\t' ? 1 : 0;
	c &= 0x7fu >> len;
	for (unsigned i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
	    c == 0xfffe || c == 0xffff)
		return 0;
	return len;
}

/* Text of an element or an attribute: what XML cannot hold becomes \xNN. */
static void xml(FILE *f, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	for (size_t i = 0; i < n;) {
		unsigned len = xml_char((const unsigned char *)text + i, n - i);

		if (!len)
			fprintf(f, "\\x%02x", (unsigned char)text[i]);
		else if (text[i] == '&')
			fputs("&amp;", f);
		else if (text[i] == '<')
			fputs("&lt;", f);
		else if (text[i] == '>')
			fputs("&gt;", f);
		else if (text[i] == '"')
			fputs("&quot;", f);
		else if (text[i] == '\n')
			fputs("&#10;", f);
		else if (text[i] == '\t')
			fputs("&#9;", f);
		else
			fwrite(text + i, 1, len, f);
		i += len ? len : 1;
	}
}

static void seconds(FILE *f, uint64_t ns)
{
	fprintf(f, "%" PRIu64 ".%03" PRIu64, ns / 1000000000, ns / 1000000 % 1000);
}

static void junit_finding(FILE *f, const char *what, const char *detail, bool first)
{
	if (!first)
		fputs("&#10;", f);
	xml(f, what);
	if (detail) {
		fputs("&#10;", f);
		xml(f, detail);
	}
}

/* One <failure>: its message is the first thing that is wrong, its text all of them. */
static void junit_failure(FILE *f, const struct hc_test_entry *e)
{
	const struct hc_test_verdict *v = e->verdict;
	size_t n = v ? v->n_findings : 0;
	bool first = true;

	fputs("      <failure message=\"", f);
	xml(f, e->what ? e->what : n ? v->findings[0].what : "");
	fputs("\">", f);
	if (e->what) {
		junit_finding(f, e->what, e->detail, true);
		first = false;
	}
	for (size_t i = 0; i < n; i++, first = false)
		junit_finding(f, v->findings[i].what, v->findings[i].detail, first);
	fputs("</failure>\n", f);
}

static void junit_entry(FILE *f, const struct hc_test_suite *s, const struct hc_test_entry *e)
{
	fputs("    <testcase classname=\"", f);
	xml(f, s->path);
	fputs("\" name=\"", f);
	xml(f, e->name);
	fputs("\" time=\"", f);
	seconds(f, e->took_ns);
	if (e->outcome == HC_TEST_PASSED) {
		fputs("\"/>\n", f);
		return;
	}
	fputs("\">\n", f);
	if (e->outcome == HC_TEST_FAILED) {
		junit_failure(f, e);
	} else {
		fprintf(f, "      <%s message=\"", e->outcome == HC_TEST_SKIPPED ? "skipped" : "error");
		xml(f, e->reason);
		fputs("\"/>\n", f);
	}
	fputs("    </testcase>\n", f);
}

static void junit_counts(FILE *f, const struct hc_test_totals *t)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < HC_TEST_N_OUTCOMES; i++)
		all += t->n[i];
	fprintf(f,
	        "tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64 "\" skipped=\"%" PRIu64
	        "\" time=\"",
	        all, t->n[HC_TEST_FAILED], t->n[HC_TEST_ERROR], t->n[HC_TEST_SKIPPED]);
	seconds(f, t->took_ns);
	fputc('"', f);
}

void hc_test_junit_suite(FILE *f, const struct hc_test_suite *s)
{
	struct hc_test_totals t = { .took_ns = s->took_ns };
	char time[HC_RENDER_TIME_MAX];

	for (size_t i = 0; i < s->n; i++)
		t.n[s->entries[i].outcome]++;
	hc_render_time(s->began_ns, time, sizeof(time));
	fputs("  <testsuite name=\"", f);
	xml(f, s->path);
	fputs("\" ", f);
	junit_counts(f, &t);
	fprintf(f, " timestamp=\"%.19s\">\n", time); /* UTC; no fraction: that is all the schema allows */
	for (size_t i = 0; i < s->n; i++)
		junit_entry(f, s, &s->entries[i]);
	fputs("  </testsuite>\n", f);
}

void hc_test_junit_begin(FILE *f, const struct hc_test_totals *t)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hindcast\" ", f);
	junit_counts(f, t);
	fputs(">\n", f);
}

void hc_test_junit_end(FILE *f)
{
	fputs("</testsuites>\n", f);
}
