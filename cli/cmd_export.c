/* hindcast export CAPTURE --bundle -o FILE, hindcast export CAPTURE --format scap -o FILE */
#include "capture_arg.h"
#include "policy_arg.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "query/bundle.h"
#include "query/json.h"
#include "query/scap_export.h"
#include "store/schema.h"

/* In the order of the options' words; the last is what stands without the option. */
enum form { FORM_BUNDLE, FORM_SCAP, FORM_NONE };
enum compress { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD, COMPRESS_BY_NAME };

struct args {
	bool bundle, force, in_scope, json;
	unsigned format, compress;
	const char *output;
	struct hc_time_arg since, until;
	const char *capture;
	struct hc_strs policies;
	uint64_t threads;
	unsigned metadata;
};

static void summary(const struct args *a, const struct hc_bundle_stats *s)
{
	char n[32], bytes[32];

	hc_cli_print_text(stdout, a->output, strlen(a->output));
	printf(": %s, %u segment%s with %s events", hc_bytes_text(s->bytes, bytes), s->n_segments,
	       s->n_segments == 1 ? "" : "s", hc_count_text(s->n_rows, n));
	if (s->n_left_out)
		printf(" (%u segment%s outside the span left out)", s->n_left_out, s->n_left_out == 1 ? "" : "s");
	putchar('\n');
	if (s->n_lost)
		printf("%s events were lost while it was recorded: the manifest says which\n",
		       hc_count_text(s->n_lost, n));
	if (a->policies.n)
		printf("%s finding%s\n", hc_count_text(s->n_findings, n), s->n_findings == 1 ? "" : "s");
	if (s->n_unanswerable)
		printf("%u rule%s cannot be answered from this capture: the manifest says why\n",
		       s->n_unanswerable, s->n_unanswerable == 1 ? "" : "s");
	printf("tell the receiver by another way: %s  SHA256SUMS\n", s->sha256);
}

static void json_summary(const struct args *a, const struct hc_bundle_stats *s)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "file", hc_json_text(a->output));
	json_object_object_add(o, "format", hc_json_text("bundle"));
	json_object_object_add(o, "bytes", hc_json_u64(s->bytes));
	json_object_object_add(o, "sha256sums", hc_json_text(s->sha256));
	json_object_object_add(o, "segments", hc_json_u64(s->n_segments));
	json_object_object_add(o, "segments_left_out", hc_json_u64(s->n_left_out));
	json_object_object_add(o, "events", hc_json_u64(s->n_rows));
	json_object_object_add(o, "lost", hc_json_u64(s->n_lost));
	json_object_object_add(o, "findings", a->policies.n ? hc_json_u64(s->n_findings) : NULL);
	json_object_object_add(o, "rules_unanswerable", a->policies.n ? hc_json_u64(s->n_unanswerable) : NULL);
	hc_cli_put_json(stdout, o);
}

static int range_of(struct args *a, struct hc_capture *c, struct hc_cli_scope *scope)
{
	return hc_cli_capture_range(&hc_cmd_export, c, a->capture, a->in_scope, &a->since, &a->until, scope);
}

static int export(struct args *a, const char *path)
{
	struct hc_cli_scope scope = { 0 };
	struct hc_policies policies = { 0 };
	struct hc_bundle_stats stats;
	struct hc_bundle_opts opts = { .tool_version = HC_VERSION,
		                       .n_threads = (unsigned)a->threads,
		                       .replace = a->force };
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	int code = hc_cli_policies(&hc_cmd_export, &a->policies, &policies), r;

	if (code == HC_CLI_GO)
		code = hc_cli_capture_open(&hc_cmd_export, path, 0, &c);
	if (code == HC_CLI_GO)
		code = range_of(a, c, &scope);
	if (code == HC_CLI_GO && policies.n)
		code = hc_cli_capture_metadata(&hc_cmd_export, c, a->metadata, false);
	if (code != HC_CLI_GO)
		goto out;
	opts.has_since = a->since.set;
	opts.has_until = a->until.set;
	opts.since_wall_ns = a->since.ns;
	opts.until_wall_ns = a->until.ns;
	opts.scope = hc_cli_scope(&scope);
	opts.scope_capture = a->capture;
	opts.policies = (const char *const *)policies.v;
	opts.n_policies = policies.n;
	opts.metadata = a->metadata == HC_METADATA_AS_OF ? "as-of" : "known";
	r = hc_bundle_export(c, a->output, &opts, &stats, &err);
	if (r == -EEXIST)
		hc_err_note(&err, "--force replaces it");
	if (r < 0) {
		code = hc_cli_error(&hc_cmd_export, &err);
	} else {
		if (a->json)
			json_summary(a, &stats);
		else
			summary(a, &stats);
		code = stats.n_unanswerable ? HC_EXIT_FOUND : HC_EXIT_OK;
	}
out:
	free(scope.text);
	hc_policies_done(&policies);
	return hc_cli_capture_close(c, code);
}

/* ---- scap ---- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static bool progress(void *ctx, uint64_t done, uint64_t total)
{
	if (*(const bool *)ctx && total)
		fprintf(stderr, "\r%3" PRIu64 "%%", done * 100 / total);
	return interrupted;
}

static unsigned writer_flags(const struct args *a)
{
	size_t n = strlen(a->output);

	switch ((enum compress)a->compress) {
	case COMPRESS_NONE:
		return HC_SCAP_PLAIN;
	case COMPRESS_GZIP:
		return 0;
	case COMPRESS_ZSTD:
		return HC_SCAP_ZSTD;
	case COMPRESS_BY_NAME:
		break;
	}
	if (n > 3 && strcmp(a->output + n - 3, ".gz") == 0)
		return 0;
	return n > 4 && strcmp(a->output + n - 4, ".zst") == 0 ? HC_SCAP_ZSTD : HC_SCAP_PLAIN;
}

static void scap_summary(const struct args *a, const struct hc_scap_export_stats *s)
{
	char n[32], bytes[32];

	hc_cli_print_text(stdout, a->output, strlen(a->output));
	printf(": %s, %s events\n", hc_bytes_text(s->bytes, bytes), hc_count_text(s->n_events, n));
	printf("%s threads, %s descriptors", hc_count_text(s->n_threads, n), hc_count_text(s->n_fds, bytes));
	printf(", %s users and groups before the first event\n", hc_count_text(s->n_users, n));
	if (s->n_state_only)
		printf("%s events beside them tell of processes, descriptors and containers what no other does; "
		       "no rule sees them\n",
		       hc_count_text(s->n_state_only, n));
	if (s->n_sections > 1)
		printf("%" PRIu32 " sections, one for each boot\n", s->n_sections);
	if (s->n_no_event) {
		printf("left out: %s rows that Falco has no event for:", hc_count_text(s->n_no_event, n));
		for (unsigned type = 0; type < HC_EV_MAX; type++)
			if (s->no_event_by_type[type])
				printf(" %s %s", hc_event_desc(type)->name,
				       hc_count_text(s->no_event_by_type[type], n));
		putchar('\n');
	}
	if (s->n_own)
		printf("left out: %s rows in which the capture speaks of itself\n", hc_count_text(s->n_own, n));
	if (s->n_told)
		printf("left out: %s calls that made a process: the fork is the event\n",
		       hc_count_text(s->n_told, n));
	if (s->n_out_of_scope)
		printf("left out: %s rows of others than the scope's\n", hc_count_text(s->n_out_of_scope, n));
	if (s->n_cut)
		printf("cut: %s parameters longer than 65,535 bytes\n", hc_count_text(s->n_cut, n));
	if (s->n_unplaced_fds)
		printf("left out: %s descriptors of processes whose beginning is not in the capture\n",
		       hc_count_text(s->n_unplaced_fds, n));
	if (s->n_over_limit)
		printf("left out: %s threads and descriptors, beyond what readers keep\n",
		       hc_count_text(s->n_over_limit, n));
	if (s->n_lost)
		printf("%s events were lost while it was recorded\n", hc_count_text(s->n_lost, n));
}

static void json_scap_summary(const struct args *a, const struct hc_scap_export_stats *s)
{
	struct json_object *o = json_object_new_object(), *no_event = json_object_new_object();

	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (s->no_event_by_type[type])
			json_object_object_add(no_event, hc_event_desc(type)->name,
			                       hc_json_u64(s->no_event_by_type[type]));
	json_object_object_add(o, "file", hc_json_text(a->output));
	json_object_object_add(o, "format", hc_json_text("scap"));
	json_object_object_add(o, "bytes", hc_json_u64(s->bytes));
	json_object_object_add(o, "sections", hc_json_u64(s->n_sections));
	json_object_object_add(o, "events", hc_json_u64(s->n_events));
	json_object_object_add(o, "state_events", hc_json_u64(s->n_state_only));
	json_object_object_add(o, "threads", hc_json_u64(s->n_threads));
	json_object_object_add(o, "descriptors", hc_json_u64(s->n_fds));
	json_object_object_add(o, "users", hc_json_u64(s->n_users));
	json_object_object_add(o, "lost", hc_json_u64(s->n_lost));
	json_object_object_add(o, "parameters_cut", hc_json_u64(s->n_cut));
	json_object_object_add(o, "rows_without_event", no_event);
	json_object_object_add(o, "rows_of_recorder", hc_json_u64(s->n_own));
	json_object_object_add(o, "rows_told_by_forks", hc_json_u64(s->n_told));
	json_object_object_add(o, "rows_out_of_scope", hc_json_u64(s->n_out_of_scope));
	json_object_object_add(o, "descriptors_unplaced", hc_json_u64(s->n_unplaced_fds));
	json_object_object_add(o, "over_limit", hc_json_u64(s->n_over_limit));
	hc_cli_put_json(stdout, o);
}

static int export_scap(struct args *a, const char *path)
{
	struct hc_cli_scope scope = { 0 };
	struct sigaction act = { .sa_handler = on_interrupt }, before;
	bool bar = isatty(STDERR_FILENO);
	struct hc_scap_export_opts opts = {
		.flags = writer_flags(a), .replace = a->force, .progress = progress, .ctx = &bar
	};
	struct hc_scap_export_stats stats;
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	int code = hc_cli_capture_open(&hc_cmd_export, path, 0, &c), r;

	if (code != HC_CLI_GO)
		return code;
	code = range_of(a, c, &scope);
	if (code == HC_CLI_GO)
		code = hc_cli_capture_metadata(&hc_cmd_export, c, a->metadata, false);
	if (code != HC_CLI_GO)
		goto out;
	opts.has_since = a->since.set;
	opts.has_until = a->until.set;
	opts.since_wall_ns = a->since.ns;
	opts.until_wall_ns = a->until.ns;
	opts.scope = hc_cli_scope(&scope);
	sigaction(SIGINT, &act, &before);
	r = hc_scap_export(c, a->output, &opts, &stats, &err);
	sigaction(SIGINT, &before, NULL);
	if (bar)
		fputs("\r    \r", stderr);
	if (r == -EEXIST)
		hc_err_note(&err, "--force replaces it");
	if (r < 0) {
		code = hc_cli_error(&hc_cmd_export, &err);
	} else {
		if (a->json)
			json_scap_summary(a, &stats);
		else
			scap_summary(a, &stats);
		code = HC_EXIT_OK;
	}
out:
	free(scope.text);
	return hc_cli_capture_close(c, code);
}

/* The form that was asked for, or a usage error's code in *code. */
static enum form form_of(const struct args *a, int *code)
{
	if (a->bundle && a->format == FORM_SCAP)
		*code = hc_cli_usage(&hc_cmd_export, "--bundle and --format scap are two forms: ask for one");
	else if (a->bundle || a->format == FORM_BUNDLE)
		return FORM_BUNDLE;
	else if (a->format == FORM_SCAP)
		return FORM_SCAP;
	else
		*code = hc_cli_usage(&hc_cmd_export, "say --bundle or --format scap: it is the form to export to");
	return FORM_NONE;
}

static int run(int argc, char **argv)
{
	struct args a = { .format = FORM_NONE, .compress = COMPRESS_BY_NAME, .metadata = HC_METADATA_NOT_SAID };
	struct hc_operands operands;
	enum form form = FORM_NONE;
	int code = hc_cli_parse(&hc_cmd_export, argc, argv, &a, &operands);

	if (code == HC_CLI_GO && operands.n != 1)
		code = hc_cli_usage(&hc_cmd_export, "%s",
		                    operands.n ? "give one capture"
		                               : "give a capture's directory, a bundle or a segment");
	if (code == HC_CLI_GO)
		form = form_of(&a, &code);
	if (code == HC_CLI_GO && !a.output)
		code = hc_cli_usage(&hc_cmd_export, "name the %s with -o FILE",
		                    form == FORM_BUNDLE ? "bundle" : "file");
	if (code == HC_CLI_GO && form == FORM_SCAP && a.policies.n)
		code = hc_cli_usage(&hc_cmd_export, "-p goes with --bundle: a scap file holds no policies");
	if (code == HC_CLI_GO && form == FORM_BUNDLE && !a.policies.n && a.metadata != HC_METADATA_NOT_SAID)
		code = hc_cli_usage(&hc_cmd_export,
		                    "--metadata goes with -p: a bundle holds what was recorded as it is");
	if (code == HC_CLI_GO && form == FORM_BUNDLE && a.compress != COMPRESS_BY_NAME)
		code = hc_cli_usage(
			&hc_cmd_export,
			"--compress goes with --format scap: segments in a bundle are compressed already");
	if (code == HC_CLI_GO && form == FORM_BUNDLE && a.in_scope && !a.policies.n)
		code = hc_cli_usage(
			&hc_cmd_export,
			"--in-scope: a bundle holds whole segments, byte for byte, and with them what "
			"everybody did; it goes with --format scap, and with -p for what policies find");
	if (code == HC_CLI_GO && a.since.set && a.until.set && a.since.ns >= a.until.ns)
		code = hc_cli_usage(&hc_cmd_export, "--since is not before --until");
	if (code == HC_CLI_GO && a.output)
		code = form == FORM_SCAP ? export_scap(&a, operands.v[0]) : export(&a, operands.v[0]);
	hc_strs_done(&a.policies);
	return code;
}

static const struct hc_opt opts[] = {
	{ .name = "bundle",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, bundle),
	  .help = "make an evidence bundle" },
	{ .name = "format",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, format),
	  .value = "FORM",
	  .words = "bundle|scap",
	  .help = "make an evidence bundle, or a scap file for Falco, sysdig and Stratoshark" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, output),
	  .value = "FILE",
	  .help = "write it here (NAME.hcb, NAME.scap)",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "since",
	  .kind = HC_OPT_TIME,
	  .off = offsetof(struct args, since),
	  .value = "TIME",
	  .help = "leave out segments that end before; of a scap file, events before" },
	{ .name = "until",
	  .kind = HC_OPT_TIME,
	  .off = offsetof(struct args, until),
	  .value = "TIME",
	  .help = "leave out segments that begin then or later; of a scap file, events then and later" },
	HC_CLI_CAPTURE_OPT(capture),
	HC_CLI_SCOPE_OPT(in_scope),
	{ .name = "compress",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, compress),
	  .value = "HOW",
	  .words = "none|gzip|zstd",
	  .help = "compress a scap file; by default as its name says (.gz, .zst)" },
	{ .name = "policy",
	  .letter = 'p',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, policies),
	  .value = "FILE",
	  .help = "put this policy in, and what it finds in the span",
	  .complete = HC_COMPLETE_FILE },
	HC_CLI_METADATA_OPT(metadata),
	{ .name = "threads",
	  .letter = 'j',
	  .kind = HC_OPT_U64,
	  .off = offsetof(struct args, threads),
	  .value = "N",
	  .min = 1,
	  .max = 256,
	  .help = "replay with so many threads (one per processor)" },
	{ .name = "force",
	  .letter = 'f',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, force),
	  .help = "replace a file that is there" },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "print the summary as one JSON object" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "hand over the last hour with what the rules find in it",
	  "hindcast export /var/lib/hindcast --since -1h -p policies/falco --bundle -o case.hcb" },
	{ "check it, on any machine", "hindcast verify case.hcb" },
	{ "look at ten minutes in Stratoshark",
	  "hindcast export /var/lib/hindcast --since -10m --format scap -o case.scap.gz" },
	{ 0 },
};

const struct hc_command hc_cmd_export = {
	.name = "export",
	.args = "--bundle|--format scap -o FILE [--since TIME] [--until TIME] [-p POLICY...] DIR|BUNDLE|SEGMENT",
	.summary = "make an evidence bundle or a scap file of a span of time",
	.description =
		"With --bundle, copies the whole segments that overlap the span, byte for byte, into a tar file, "
		"with a manifest "
		"that says where "
		"they come from, what was left out and what was lost, the SHA-256 of every file, the policies "
		"given and "
		"what they find. Whoever gets it can check it with sha256sum alone (VERIFY.txt in it says how); "
		"info, "
		"events, replay, query and verify read it like a capture's directory.\n\n"
		"The same selection gives the same bytes, but for the time of making and an identifier; with "
		"SOURCE_DATE_EPOCH set in the environment these too.\n\n"
		"With --format scap, writes what Falco's driver would have written of the events of the span, for "
		"Falco, sysdig and Stratoshark, with the processes, descriptors and users that they speak of. Of "
		"an "
		"imported capture these are the events that it was made of. The summary counts what cannot be "
		"expressed; docs/scap.md has it all.",
	.opts = opts,
	.examples = examples,
	.exit_notes = "1: a rule given with -p cannot be answered from this capture. 3: part of the capture is "
		      "damaged, or nothing "
		      "of it is in the span; segments are copied as they are.",
	.complete = HC_COMPLETE_FILE,
	.run = run,
};
