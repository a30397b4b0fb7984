/* hindcast export CAPTURE --bundle -o FILE */
#include "capture_arg.h"
#include "policy_arg.h"

#include <errno.h>
#include <string.h>

#include "query/bundle.h"

struct args {
	bool bundle, force;
	const char *output;
	struct hc_time_arg since, until;
	struct hc_strs policies;
	uint64_t threads;
};

static void summary(const struct args *a, const struct hc_bundle_stats *s)
{
	char n[32], bytes[32];

	hc_cli_print_text(stdout, a->output, strlen(a->output));
	printf(": %s, %u segment%s with %s events", hc_bytes_text(s->bytes, bytes), s->n_segments,
	       s->n_segments == 1 ? "" : "s", hc_count_text(s->n_rows, n));
	if (s->n_left_out)
		printf(" (%u segments outside the span left out)", s->n_left_out);
	putchar('\n');
	if (s->n_lost)
		printf("%s events were lost while it was recorded: the manifest says which\n",
		       hc_count_text(s->n_lost, n));
	if (a->policies.n)
		printf("%s findings\n", hc_count_text(s->n_findings, n));
	if (s->n_unanswerable)
		printf("%u rules cannot be answered from this capture: the manifest says why\n",
		       s->n_unanswerable);
	printf("tell the receiver by another way: %s  SHA256SUMS\n", s->sha256);
}

static int export(const struct args *a, const char *path)
{
	struct hc_policies policies = { 0 };
	struct hc_bundle_stats stats;
	struct hc_bundle_opts opts = { .tool_version = HC_VERSION,
		                       .has_since = a->since.set,
		                       .has_until = a->until.set,
		                       .since_wall_ns = a->since.ns,
		                       .until_wall_ns = a->until.ns,
		                       .n_threads = (unsigned)a->threads,
		                       .replace = a->force };
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	int code = hc_cli_policies(&hc_cmd_export, &a->policies, &policies), r;

	if (code == HC_CLI_GO)
		code = hc_cli_capture_open(&hc_cmd_export, path, 0, &c);
	if (code != HC_CLI_GO)
		goto out;
	opts.policies = (const char *const *)policies.v;
	opts.n_policies = policies.n;
	r = hc_bundle_export(c, a->output, &opts, &stats, &err);
	if (r == -EEXIST)
		hc_err_note(&err, "--force replaces it");
	if (r < 0) {
		code = hc_cli_error(&hc_cmd_export, &err);
	} else {
		summary(a, &stats);
		code = stats.n_unanswerable ? HC_EXIT_FOUND : HC_EXIT_OK;
	}
out:
	hc_policies_done(&policies);
	return hc_cli_capture_close(c, code);
}

static int run(int argc, char **argv)
{
	struct args a = { 0 };
	struct hc_operands operands;
	int code = hc_cli_parse(&hc_cmd_export, argc, argv, &a, &operands);

	if (code == HC_CLI_GO && operands.n != 1)
		code = hc_cli_usage(&hc_cmd_export, "%s",
		                    operands.n ? "give one capture"
		                               : "give a capture's directory, a bundle or a segment");
	if (code == HC_CLI_GO && !a.bundle)
		code = hc_cli_usage(&hc_cmd_export, "say --bundle: it is the form to export to");
	if (code == HC_CLI_GO && !a.output)
		code = hc_cli_usage(&hc_cmd_export, "name the bundle with -o FILE");
	if (code == HC_CLI_GO && a.since.set && a.until.set && a.since.ns >= a.until.ns)
		code = hc_cli_usage(&hc_cmd_export, "--since is not before --until");
	if (code == HC_CLI_GO)
		code = export(&a, operands.v[0]);
	hc_strs_done(&a.policies);
	return code;
}

static const struct hc_opt opts[] = {
	{ .name = "bundle",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, bundle),
	  .help = "make an evidence bundle" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, output),
	  .value = "FILE",
	  .help = "write it here (NAME.hcb)",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "since",
	  .kind = HC_OPT_TIME,
	  .off = offsetof(struct args, since),
	  .value = "TIME",
	  .help = "leave out segments that end before" },
	{ .name = "until",
	  .kind = HC_OPT_TIME,
	  .off = offsetof(struct args, until),
	  .value = "TIME",
	  .help = "leave out segments that begin then or later" },
	{ .name = "policy",
	  .letter = 'p',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, policies),
	  .value = "FILE",
	  .help = "put this policy in, and what it finds in the span",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "threads",
	  .kind = HC_OPT_U64,
	  .off = offsetof(struct args, threads),
	  .value = "N",
	  .max = 1024,
	  .help = "replay with so many threads; 0: one per processor" },
	{ .name = "force",
	  .letter = 'f',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, force),
	  .help = "replace a file that is there" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "hand over the last hour with what the rules find in it",
	  "hindcast export /var/lib/hindcast --since -1h -p policies/falco --bundle -o case.hcb" },
	{ "check it, on any machine", "hindcast verify case.hcb" },
	{ 0 },
};

const struct hc_command hc_cmd_export = {
	.name = "export",
	.args = "--bundle -o FILE [--since TIME] [--until TIME] [-p POLICY...] DIR|BUNDLE|SEGMENT",
	.summary = "make an evidence bundle of a span of time",
	.description =
		"Copies the whole segments that overlap the span, byte for byte, into a tar file, with a manifest "
		"that says where "
		"they come from, what was left out and what was lost, the SHA-256 of every file, the policies "
		"given and "
		"what they find. Whoever gets it can check it with sha256sum alone (VERIFY.txt in it says how); "
		"info, "
		"events, replay, query and verify read it like a capture's directory.\n\n"
		"The same selection gives the same bytes, but for the time of making and an identifier; with "
		"SOURCE_DATE_EPOCH set in the environment these too.",
	.opts = opts,
	.examples = examples,
	.exit_notes = "1: a rule given with -p cannot be answered from this capture. 3: part of the capture is "
		      "damaged, or nothing "
		      "of it is in the span; segments are copied as they are.",
	.complete = HC_COMPLETE_FILE,
	.run = run,
};
