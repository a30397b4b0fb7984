/* hindcast verify CAPTURE */
#include "capture_arg.h"

#include <inttypes.h>
#include <string.h>

#include "query/bundle.h"
#include "store/capture.h"
#include "store/verify.h"

struct args {
	bool quiet;
};

static void tell(void *ctx, const struct hc_verify_finding *f)
{
	static const char *const kinds[] = {
		[HC_VERIFY_DAMAGE] = "damaged", [HC_VERIFY_INDEX] = "index", [HC_VERIFY_NOTE] = "note"
	};
	const struct args *a = ctx;

	if (a->quiet && f->kind == HC_VERIFY_NOTE)
		return;
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
	printf("), %s blocks, %s events, %s read\n", hc_count_text(s->n_blocks, blocks),
	       hc_count_text(s->n_rows, rows), hc_bytes_text(s->bytes, bytes));
	if (s->n_damage)
		printf("DAMAGED: %" PRIu64 " finding%s\n", s->n_damage, s->n_damage == 1 ? "" : "s");
	else if (s->n_index)
		printf("the segments are whole; the index is not theirs: 'hindcast reindex' makes it anew\n");
	else
		printf("whole: every checksum, length, number and reference is right\n");
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
	if (r == 0)
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
	    check_bundle(&a, operands.v[0], &stats, &err) < 0)
		return hc_cli_error(&hc_cmd_verify, &err);
	summary(&stats);
	return stats.n_damage ? HC_EXIT_DAMAGED : stats.n_index ? HC_EXIT_FOUND : HC_EXIT_OK;
}

static const struct hc_opt opts[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, quiet),
	  .help = "print what is wrong only, no notes" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "check a capture", "hindcast verify /var/lib/hindcast" },
	{ "check a bundle that somebody gave you", "hindcast verify case.hcb" },
	{ 0 },
};

const struct hc_command hc_cmd_verify = {
	.name = "verify",
	.args = "[-q] DIR|BUNDLE|SEGMENT",
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
