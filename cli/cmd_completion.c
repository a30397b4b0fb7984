/* hindcast completion SHELL */
#include "cmd.h"

static int run(int argc, char **argv)
{
	struct hc_operands operands;
	int code = hc_cli_parse(&hc_cmd_completion, argc, argv, NULL, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n != 1)
		return hc_cli_usage(&hc_cmd_completion, "say for which shell: bash, zsh or fish");
	if (hc_completion_print(stdout, operands.v[0]) < 0)
		return hc_cli_usage(&hc_cmd_completion, "'%s' is not bash, zsh or fish", operands.v[0]);
	return HC_EXIT_OK;
}

static const struct hc_example examples[] = {
	{ "complete in this shell (bash)", "source <(hindcast completion bash)" },
	{ "complete in every fish", "hindcast completion fish > ~/.config/fish/completions/hindcast.fish" },
	{ 0 },
};

const struct hc_command hc_cmd_completion = {
	.name = "completion",
	.args = "bash|zsh|fish",
	.words = "bash|zsh|fish",
	.summary = "print the completions for a shell",
	.description = "Prints a script that completes hindcast's commands, options and their values. `make "
		       "install` installs the\n"
		       "same scripts for all three shells.",
	.examples = examples,
	.run = run,
};
