/* hindcast reindex DIR */
#include "cmd.h"

#include "store/index.h"

static int run(int argc, char **argv)
{
	struct hc_index_stats stats;
	struct hc_operands operands;
	struct hc_err err = { 0 };
	int code = hc_cli_parse(&hc_cmd_reindex, argc, argv, NULL, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n != 1)
		return hc_cli_usage(&hc_cmd_reindex,
		                    operands.n ? "give one directory" : "give the capture's directory");
	if (hc_index_rebuild(operands.v[0], &stats, &err) < 0)
		return hc_cli_error(&hc_cmd_reindex, &err);
	printf("%u segment%s indexed\n", stats.n_segments, stats.n_segments == 1 ? "" : "s");
	if (stats.n_unsealed)
		printf("%u without a footer: they are read themselves\n", stats.n_unsealed);
	if (stats.n_unreadable)
		hc_cli_warn("%u segments could not be read ('hindcast verify' says why)", stats.n_unreadable);
	if (stats.n_bad_blocks)
		hc_cli_warn("%u blocks are damaged ('hindcast verify' says where)", stats.n_bad_blocks);
	return stats.n_unreadable || stats.n_bad_blocks ? HC_EXIT_DAMAGED : HC_EXIT_OK;
}

static const struct hc_example examples[] = {
	{ "make the index anew", "hindcast reindex /var/lib/hindcast" },
	{ 0 },
};

const struct hc_command hc_cmd_reindex = {
	.name = "reindex",
	.args = "DIR",
	.summary = "make a capture's index anew from its segments",
	.description =
		"The index (index.db) is a cache of what the segments hold: it makes opening fast, and losing it "
		"loses nothing. "
		"This reads all closed segments and puts a new index in the place of the old one.\n\n"
		"While a recorder writes into the directory it keeps the index itself, and reindex is refused.",
	.examples = examples,
	.exit_notes = "3: a segment or block could not be read; the index holds the rest.",
	.complete = HC_COMPLETE_DIR,
	.run = run,
};
