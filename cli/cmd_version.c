/* hindcast version */
#include "cmd.h"

static int run(int argc, char **argv)
{
	struct hc_operands operands;
	int code = hc_cli_parse(&hc_cmd_version, argc, argv, NULL, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n > 0)
		return hc_cli_usage(&hc_cmd_version, "unexpected operand '%s'", operands.v[0]);
	puts("hindcast " HC_VERSION);
	return HC_EXIT_OK;
}

const struct hc_command hc_cmd_version = {
	.name = "version",
	.args = "",
	.summary = "print the version",
	.description = "Prints the program's name and version on one line.",
	.run = run,
};
