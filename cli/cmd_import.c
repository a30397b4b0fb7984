/* hindcast import FILE -o DIR */
#include "cmd.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "capture/import.h"

struct opts {
	const char *dir;
	bool quiet;
};

static const struct hc_opt options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct opts, dir),
	  .value = "DIR",
	  .help = "make the capture in DIR",
	  .complete = HC_COMPLETE_DIR },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct opts, quiet),
	  .help = "print nothing but errors" },
	{ 0 },
};

static bool progress(void *ctx, uint64_t bytes, uint64_t total)
{
	(void)ctx;
	if (total)
		fprintf(stderr, "\r%3" PRIu64 "%%", bytes * 100 / total);
	return false;
}

static void summary(const struct hc_import_summary *s)
{
	const struct hc_scap_stats *f = &s->file;

	printf("%" PRIu64 " events imported, %" PRIu64 " rows in %" PRIu64 " segment%s, %" PRIu64 " bytes\n",
	       s->import.n_events, s->n_rows, s->n_segments, s->n_segments == 1 ? "" : "s", s->bytes);
	printf("%" PRIu64 " processes and threads\n", s->import.n_processes);
	if (f->n_newer_events)
		printf("%" PRIu64 " events of a newer writer were left out\n", f->n_newer_events);
	if (f->n_unconverted)
		printf("%" PRIu64 " events of an old form that nothing says how to read were left out\n",
		       f->n_unconverted);
	if (s->import.n_no_type)
		printf("%" PRIu64 " events that have no type here were left out\n", s->import.n_no_type);
}

static int run(int argc, char **argv)
{
	struct opts o = { 0 };
	struct hc_import_summary s;
	struct hc_operands operands;
	struct hc_err err = { 0 };
	bool bar;
	int code = hc_cli_parse(&hc_cmd_import, argc, argv, &o, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n != 1)
		return hc_cli_usage(&hc_cmd_import, operands.n ? "give one file" : "give the file to import");
	if (!o.dir)
		return hc_cli_usage(&hc_cmd_import, "say with -o where the capture shall be");
	bar = !o.quiet && isatty(STDERR_FILENO);
	code = hc_import_scap(&(struct hc_import_opts){ .file = operands.v[0],
	                                                .dir = o.dir,
	                                                .tool = "hindcast " HC_VERSION,
	                                                .progress = bar ? progress : NULL },
	                      &s, &err);
	if (bar)
		fputs("\r    \r", stderr);
	if (code < 0)
		return hc_cli_error(&hc_cmd_import, &err);
	if (!o.quiet)
		summary(&s);
	if (s.file.n_unconverted) {
		hc_cli_print_text(stderr, operands.v[0], strlen(operands.v[0]));
		fprintf(stderr,
		        ": at byte %" PRIu64 ": the first of %" PRIu64
		        " events that are of no form any writer had (code %u): left out\n",
		        s.file.first_unconverted_off, s.file.n_unconverted, s.file.first_unconverted_code);
	}
	if (s.damaged)
		hc_cli_error(&hc_cmd_import, &s.why);
	return s.damaged || s.file.n_unconverted ? HC_EXIT_DAMAGED : HC_EXIT_OK;
}

static const struct hc_example examples[] = {
	{ "take over what Falco, sysdig or Stratoshark wrote", "hindcast import trace.scap -o imported" },
	{ 0 },
};

const struct hc_command hc_cmd_import = {
	.name = "import",
	.args = "FILE -o DIR [--quiet]",
	.summary = "make a capture of a scap file",
	.description = "Reads a capture of Falco, sysdig or Stratoshark, plain or compressed, and makes a capture "
		       "in DIR: the same "
		       "events with the same times, each with what was known of its process, descriptors and "
		       "sockets at that "
		       "moment by the rules of the program that wrote it.\n\n"
		       "Of a file that is damaged or ends too early all that comes before is imported. "
		       "docs/scap.md says what is "
		       "not taken over.",
	.opts = options,
	.examples = examples,
	.exit_notes =
		"3: the file is damaged or ends too early, and what comes before is imported; or some of its "
		"events cannot be read, and the others are imported; or none can, and nothing is.",
	.complete = HC_COMPLETE_FILE,
	.run = run,
};
