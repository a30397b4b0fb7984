/* hindcast verify CAPTURE */
#include "capture_arg.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "query/bundle.h"
#include "query/json.h"
#include "store/capture.h"
#include "store/verify.h"

struct args {
	bool quiet, json;
};

static const char *const kinds[] = {
	[HC_VERIFY_DAMAGE] = "damaged", [HC_VERIFY_INDEX] = "index", [HC_VERIFY_NOTE] = "note"
};

static void json_finding(const struct hc_verify_finding *f)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "kind", hc_json_text(kinds[f->kind]));
	json_object_object_add(o, "path", hc_json_text(f->path));
	json_object_object_add(o, "offset", f->has_off ? hc_json_u64(f->off) : NULL);
	json_object_object_add(o, "bytes", f->has_off && f->bytes ? hc_json_u64(f->bytes) : NULL);
	json_object_object_add(o, "what", hc_json_text(f->what));
	hc_cli_put_json(stdout, o);
}

static void tell(void *ctx, const struct hc_verify_finding *f)
{
	const struct args *a = ctx;

	if (a->quiet && f->kind == HC_VERIFY_NOTE)
		return;
	if (a->json) {
		json_finding(f);
		return;
	}
	printf("%s: ", kinds[f->kind]);
	if (f->path) {
		hc_cli_print_text(stdout, f->path, strlen(f->path));
		fputs(": ", stdout);
	}
	if (f->has_off)
		printf("at byte %" PRIu64 ": ", f->off);
	hc_cli_print_text(stdout, f->what, strlen(f->what));
	if (f->has_off && f->bytes)
		printf(" (%" PRIu64 " bytes)", f->bytes);
	putchar('\n');
}

static void summary(const struct hc_verify_stats *s)
{
	char rows[32], blocks[32], bytes[32];

	printf("%u segment%s (%u closed", s->n_segments, s->n_segments == 1 ? "" : "s", s->n_sealed);
	if (s->n_open)
		printf(", %u not closed", s->n_open);
	if (s->n_torn)
		printf(", %u torn", s->n_torn);
	if (s->n_unreadable)
		printf(", %u unreadable", s->n_unreadable);
	printf("), %s block%s, %s events, %s read\n", hc_count_text(s->n_blocks, blocks),
	       s->n_blocks == 1 ? "" : "s", hc_count_text(s->n_rows, rows), hc_bytes_text(s->bytes, bytes));
	if (s->n_damage)
		printf("DAMAGED: %" PRIu64 " finding%s\n", s->n_damage, s->n_damage == 1 ? "" : "s");
	else if (s->n_index)
		printf("the segments are whole; the index is not theirs: 'hindcast reindex' makes it anew\n");
	else
		printf("whole: every checksum, length, number and reference is right\n");
}

static void json_summary(const char *path, const struct hc_verify_stats *s)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "kind", hc_json_text("summary"));
	json_object_object_add(o, "capture", hc_json_text(path));
	json_object_object_add(o, "result",
	                       hc_json_text(s->n_damage  ? "damaged"
	                                    : s->n_index ? "index"
	                                                 : "whole"));
	json_object_object_add(o, "damaged", hc_json_u64(s->n_damage));
	json_object_object_add(o, "index", hc_json_u64(s->n_index));
	json_object_object_add(o, "segments", hc_json_u64(s->n_segments));
	json_object_object_add(o, "segments_closed", hc_json_u64(s->n_sealed));
	json_object_object_add(o, "segments_open", hc_json_u64(s->n_open));
	json_object_object_add(o, "segments_torn", hc_json_u64(s->n_torn));
	json_object_object_add(o, "segments_unreadable", hc_json_u64(s->n_unreadable));
	json_object_object_add(o, "blocks", hc_json_u64(s->n_blocks));
	json_object_object_add(o, "events", hc_json_u64(s->n_rows));
	json_object_object_add(o, "bytes", hc_json_u64(s->bytes));
	hc_cli_put_json(stdout, o);
}

static void tell_bundle(void *ctx, const char *path, const char *what)
{
	struct hc_verify_finding f = { .kind = HC_VERIFY_DAMAGE, .path = path, .what = what };

	tell(ctx, &f);
}

/* What the bundle says of its files; adds to the damage. */
static int check_bundle(struct args *a, const char *path, struct hc_verify_stats *stats, struct hc_err *err)
{
	HC_AUTO(hc_capture_close) struct hc_capture *c = NULL;
	int r = hc_capture_open(path, HC_CAPTURE_EVEN_BROKEN, &c, err);

	if (r < 0 || hc_capture_kind(c) != HC_CAPTURE_BUNDLE)
		return r;
	r = hc_bundle_verify(c, tell_bundle, a, err);
	if (r < 0)
		return r;
	if (r == 0 && !a->json)
		puts("bundle: every file is there, no other is, and all have the digests of SHA256SUMS and the "
		     "manifest");
	stats->n_damage += (uint64_t)r;
	return 0;
}

static int run(int argc, char **argv)
{
	static const char *const none = "give a capture's directory, a bundle or a segment";
	struct args a = { 0 };
	struct hc_verify_stats stats;
	struct hc_operands operands;
	struct hc_err err = { 0 };
	int code = hc_cli_parse(&hc_cmd_verify, argc, argv, &a, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n != 1)
		return hc_cli_usage(&hc_cmd_verify, "%s", operands.n ? "give one capture" : none);
	if (hc_verify(operands.v[0], tell, &a, &stats, &err) < 0 ||
	    check_bundle(&a, operands.v[0], &stats, &err) < 0) {
		hc_cli_capture_hint(operands.v[0], &err);
		return hc_cli_error(&hc_cmd_verify, &err);
	}
	if (a.json)
		json_summary(operands.v[0], &stats);
	else
		summary(&stats);
	return stats.n_damage ? HC_EXIT_DAMAGED : stats.n_index ? HC_EXIT_FOUND : HC_EXIT_OK;
}

static const struct hc_opt opts[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, quiet),
	  .help = "print what is wrong only, no notes" },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "print a JSON object for each finding, and one with the result" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "check a capture", "hindcast verify /var/lib/hindcast" },
	{ "check a bundle that somebody gave you", "hindcast verify case.hcb" },
	{ 0 },
};

const struct hc_command hc_cmd_verify = {
	.name = "verify",
	.args = "[-q] [--json] DIR|BUNDLE|SEGMENT",
	.summary = "check that a capture is whole",
	.description = "Reads every byte and checks all checksums and SHA-256 digests, lengths, references and "
		       "the order of rows, "
		       "that no segment is missing between two others, and that the index agrees with the "
		       "segments; of a bundle "
		       "also that every file has the digest of SHA256SUMS and of the manifest, and that there is "
		       "no other. Of "
		       "damage it names the file and the first byte.",
	.opts = opts,
	.examples = examples,
	.exit_notes = "1: the segments are whole, but the index does not agree with them. 3: something is damaged "
		      "or missing.",
	.complete = HC_COMPLETE_FILE,
	.run = run,
};
