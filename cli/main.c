/* The table of commands, and the way from argv to one of them. */
#include "cmd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

const struct hc_command *const hc_commands[] = {
#define HC_COMMAND(name) &hc_cmd_##name,
#include "commands.def"
#undef HC_COMMAND
	NULL,
};

const struct hc_command *hc_command_find(const char *name)
{
	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++) {
		if (strcmp((*cmd)->name, name) == 0)
			return *cmd;
	}
	return NULL;
}

int hc_cli_unknown_command(const struct hc_command *by, const char *name)
{
	struct hc_nearest best = { 0 };
	bool is_option = !by && name[0] == '-';

	for (const struct hc_command *const *cmd = hc_commands; *cmd; cmd++)
		if (!(*cmd)->hidden)
			hc_cli_nearest(&best, name, strlen(name), (*cmd)->name);
	fprintf(stderr, "hindcast%s%s: unknown %s '", by ? " " : "", by ? by->name : "",
	        is_option ? "option" : "command");
	hc_cli_print_text(stderr, name, strlen(name));
	if (is_option)
		fputs("': those of a command stand behind its name (hindcast help lists commands)\n", stderr);
	else if (hc_cli_nearest_name(&best))
		fprintf(stderr, "': did you mean '%s'?\n", hc_cli_nearest_name(&best));
	else
		fputs("' (hindcast help lists them)\n", stderr);
	return HC_EXIT_USAGE;
}

/* Is standard output a pipe that nobody reads any more? The write that failed may be long ago, and its errno with
 * it. */
static bool reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

/* Output that could not be written (a full disk behind `> file`) must not look like success. */
static int flush_stdout(int code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno == EPIPE || reader_gone())
		return code; /* `| head` has had enough */
	if (!errno && code == HC_EXIT_REFUSED)
		return code; /* a write that failed earlier, and the command has said why */
	fprintf(stderr, "hindcast: cannot write to standard output: %s\n",
	        errno ? strerror(errno) : "a part of it is missing");
	return hc_exit_max(code, HC_EXIT_REFUSED);
}

int main(int argc, char **argv)
{
	const struct hc_command *cmd;
	const char *name;

	/* a closed pipe, and a file as long as it may be (ulimit -f), are errors of write(), seen where the write
	 * is */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2) {
		hc_help_list(stderr);
		return HC_EXIT_USAGE;
	}
	name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	cmd = hc_command_find(name);
	if (!cmd)
		return hc_cli_unknown_command(NULL, name);
	return flush_stdout(cmd->run(argc - 1, argv + 1));
}
