/* hindcast help [COMMAND] */
#include "cmd.h"

static int run(int argc, char **argv)
{
	struct hc_operands operands;
	const struct hc_command *cmd;
	int code = hc_cli_parse(&hc_cmd_help, argc, argv, NULL, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n > 1)
		return hc_cli_usage(&hc_cmd_help, "unexpected operand '%s'", operands.v[1]);
	if (operands.n == 0) {
		hc_help_list(stdout);
		return HC_EXIT_OK;
	}
	cmd = hc_command_find(operands.v[0]);
	if (!cmd)
		return hc_cli_unknown_command(&hc_cmd_help, operands.v[0]);
	hc_help_print(stdout, cmd);
	return HC_EXIT_OK;
}

const struct hc_command hc_cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "explain a command, or list them all",
	.description =
		"Without COMMAND, lists the commands. With it, prints the same text as hindcast COMMAND --help.",
	.run = run,
};
