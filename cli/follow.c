#include "follow.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;
static int write_code; /* errno */

static void on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

void hc_cli_follow_begin(const char *what)
{
	struct sigaction sa = { .sa_handler = on_stop, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (isatty(STDERR_FILENO)) {
		fputs("following ", stderr);
		hc_cli_print_text(stderr, what, strlen(what));
		fputs("; Ctrl-C stops\n", stderr);
	}
}

int hc_cli_follow_progress(void *ctx, uint64_t done_rows, uint64_t all_rows)
{
	(void)ctx;
	(void)done_rows;
	(void)all_rows;
	errno = 0;
	if (!write_code && fflush(stdout) == EOF)
		write_code = errno ? errno : EIO;
	return write_code || stopped;
}

int hc_cli_follow_end(struct hc_err *err)
{
	if (!write_code || write_code == EPIPE)
		return 0;
	return hc_err_set(err, -write_code, "cannot write to standard output: %s", strerror(write_code));
}
