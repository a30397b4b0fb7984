/* hindcast man [-o DIR | COMMAND] */
#include "cmd.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "store/base/err.h"

struct args {
	const char *dir;
};

static int write_page(const char *dir, const struct hc_command *cmd)
{
	char path[PATH_MAX];
	bool failed;
	FILE *f;

	snprintf(path, sizeof(path), "%s/hindcast%s%s.1", dir, cmd ? "-" : "", cmd ? cmd->name : "");
	f = fopen(path, "w");
	if (!f)
		return -errno;
	hc_man_print(f, cmd);
	failed = ferror(f);
	return fclose(f) != 0 || failed ? -EIO : 0;
}

static int write_all(const char *dir)
{
	struct hc_err err = { 0 };
	int r = write_page(dir, NULL);

	for (const struct hc_command *const *cmd = hc_commands; *cmd && r == 0; cmd++) {
		if (!(*cmd)->hidden)
			r = write_page(dir, *cmd);
	}
	if (r == 0)
		return HC_EXIT_OK;
	hc_err_set(&err, r, "cannot write to %s: %s", dir, strerror(-r));
	return hc_cli_error(&hc_cmd_man, &err);
}

static int run(int argc, char **argv)
{
	struct args a = { .dir = NULL };
	struct hc_operands operands;
	const struct hc_command *cmd = NULL;
	int code = hc_cli_parse(&hc_cmd_man, argc, argv, &a, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n > 1 || (a.dir && operands.n > 0))
		return hc_cli_usage(&hc_cmd_man, "unexpected operand '%s'", operands.v[operands.n - 1]);
	if (a.dir)
		return write_all(a.dir);
	if (operands.n == 1) {
		cmd = hc_command_find(operands.v[0]);
		if (!cmd)
			return hc_cli_unknown_command(&hc_cmd_man, operands.v[0]);
	}
	hc_man_print(stdout, cmd);
	return HC_EXIT_OK;
}

static const struct hc_opt opts[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, dir),
	  .value = "DIR",
	  .help = "write all pages into this directory",
	  .complete = HC_COMPLETE_DIR },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "read the manual of a command without installing it", "hindcast man record | man -l -" },
	{ 0 },
};

const struct hc_command hc_cmd_man = {
	.name = "man",
	.args = "[-o DIR | COMMAND]",
	.summary = "print a manual page as roff",
	.description = "Prints the page of COMMAND, or of hindcast itself. With -o, writes all pages as "
		       "DIR/hindcast*.1; the\n"
		       "build uses this for what `make install` puts into the manual.",
	.opts = opts,
	.examples = examples,
	.hidden = true,
	.run = run,
};
