/* hindcast query: SQL over a capture. */
#include "capture_arg.h"
#include "cmd.h"
#include "query/query.h"
#include "store/base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_STDIN_BYTES (1u << 20)

enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV, FORMAT_MARKDOWN };

struct args {
	unsigned format;
	bool json, csv, tables, no_header, in_scope;
	unsigned metadata;
	uint64_t timeout_ns;
	const char *capture;
};

static const struct hc_opt opts[] = {
	{ .name = "format",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, format),
	  .value = "FORMAT",
	  .words = "table|json|jsonl|csv|markdown",
	  .help = "print rows as table (default), json, jsonl, csv or markdown" },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "same as --format json" },
	{ .name = "csv", .kind = HC_OPT_FLAG, .off = offsetof(struct args, csv), .help = "same as --format csv" },
	{ .name = "no-header",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, no_header),
	  .help = "leave out the names of columns in tables and CSV" },
	{ .name = "timeout",
	  .kind = HC_OPT_DURATION,
	  .off = offsetof(struct args, timeout_ns),
	  .value = "DURATION",
	  .help = "give up after this time" },
	HC_CLI_CAPTURE_OPT(capture),
	HC_CLI_METADATA_OPT(metadata),
	HC_CLI_SCOPE_OPT(in_scope),
	{ .name = "tables",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, tables),
	  .help = "list the tables, or the columns of TABLE" },
	{ 0 },
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* When the statement has to end; 0: never. */
struct deadline {
	uint64_t ns;
	bool passed;
};

static bool stop(void *ctx)
{
	struct deadline *d = ctx;

	if (d->ns && hc_clock_ns(CLOCK_MONOTONIC) >= d->ns)
		d->passed = true;
	return interrupted || d->passed;
}

/* The statement on standard input; free() *ret. */
static int read_stdin(char **ret, size_t *ret_n)
{
	char *buf = malloc(MAX_STDIN_BYTES + 1);
	size_t n = 0;

	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t got = read(STDIN_FILENO, buf + n, MAX_STDIN_BYTES + 1 - n);

		if (got < 0 && errno == EINTR && !interrupted)
			continue;
		if (got < 0) {
			int r = -errno;

			free(buf);
			return r;
		}
		n += (size_t)got;
		if (got == 0)
			break;
		if (n > MAX_STDIN_BYTES) {
			free(buf);
			return -E2BIG;
		}
	}
	*ret = buf;
	*ret_n = n;
	return 0;
}

static unsigned terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
		return size.ws_col;
	return 80;
}

static enum hc_query_format format_of(const struct args *a)
{
	static const enum hc_query_format formats[] = {
		[FORMAT_TABLE] = HC_QUERY_TABLE,       [FORMAT_JSON] = HC_QUERY_JSON,
		[FORMAT_JSONL] = HC_QUERY_JSONL,       [FORMAT_CSV] = HC_QUERY_CSV,
		[FORMAT_MARKDOWN] = HC_QUERY_MARKDOWN,
	};

	return a->json ? HC_QUERY_JSON : a->csv ? HC_QUERY_CSV : formats[a->format];
}

static int exit_of_query(struct hc_err *err, const struct deadline *d)
{
	if (err->code == -EPIPE) { /* `| head` has had enough */
		clearerr(stdout);
		return HC_EXIT_OK;
	}
	if (err->code == -EINTR && d->passed) {
		hc_cli_warn("the time of --timeout is over: the answer is not complete");
		return HC_EXIT_REFUSED;
	}
	if (strstr(err->msg, "no such table: "))
		hc_err_note(err, "'hindcast query --tables' lists the tables");
	else if (strstr(err->msg, "no such column: "))
		hc_err_note(err, "'hindcast query --tables TABLE' lists the columns of a table");
	return hc_cli_error(&hc_cmd_query, err);
}

static int answer(struct hc_capture *capture, const struct args *a, struct hc_str sql, const char *what)
{
	HC_AUTO(hc_query_close) struct hc_query *q = NULL;
	struct hc_cli_scope scope;
	struct hc_query_print print = { .format = format_of(a),
		                        .width = terminal_width(),
		                        .no_header = a->no_header };
	struct deadline d = { .ns = a->timeout_ns ? hc_clock_ns(CLOCK_MONOTONIC) + a->timeout_ns : 0 };
	struct hc_time_arg since = { .ns = INT64_MIN }, until = { .ns = INT64_MAX };
	struct hc_err err = { 0 };
	int code = hc_cli_capture_range(&hc_cmd_query, capture, a->capture, a->in_scope, &since, &until, &scope),
	    r;

	if (code == HC_CLI_GO)
		code = hc_cli_capture_metadata(&hc_cmd_query, capture, a->metadata, false);
	if (code != HC_CLI_GO) {
		free(scope.text);
		return code;
	}
	code = HC_EXIT_OK;
	r = hc_query_open(capture, 0, &q, &err);
	if (r == 0) {
		hc_query_limit(q, since.ns, until.ns);
		hc_query_limit_scope(q, hc_cli_scope(&scope));
		hc_query_set_stop(q, stop, &d);
		r = hc_query_prepare(q, sql, what, &err);
	}
	if (r == 0)
		r = hc_query_print(q, stdout, &print, &err);
	fflush(stdout);
	if (r < 0)
		code = exit_of_query(&err, &d);
	free(scope.text);
	return code;
}

static int list_tables(const struct hc_operands *operands)
{
	int r;

	if (operands->n > 1)
		return hc_cli_usage(&hc_cmd_query, "unexpected operand '%s'", operands->v[1]);
	r = hc_query_print_tables(stdout, operands->n ? operands->v[0] : NULL);
	if (r == -ENOENT)
		return hc_cli_usage(&hc_cmd_query, "there is no table '%s' (--tables lists them)", operands->v[0]);
	return r < 0 ? HC_EXIT_REFUSED : HC_EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct hc_capture *capture = NULL;
	struct args a = { .format = FORMAT_TABLE, .metadata = HC_METADATA_NOT_SAID };
	struct sigaction on = { .sa_handler = on_signal };
	struct hc_operands operands;
	struct hc_err err = { 0 };
	char *text = NULL;
	struct hc_str sql;
	size_t n = 0;
	int code = hc_cli_parse(&hc_cmd_query, argc, argv, &a, &operands), r;

	if (code != HC_CLI_GO)
		return code;
	if (a.tables)
		return list_tables(&operands);
	if (operands.n == 0)
		return hc_cli_usage(&hc_cmd_query, "which capture? give a directory, a bundle or a segment");
	if (operands.n > 2)
		return hc_cli_usage(&hc_cmd_query, "unexpected operand '%s' (quote the SQL)", operands.v[2]);
	if (operands.n == 1 && isatty(STDIN_FILENO))
		return hc_cli_usage(&hc_cmd_query, "no SQL: give it as the second operand, or on standard input");
	sigaction(SIGINT, &on, NULL);
	if (operands.n == 1 || strcmp(operands.v[1], "-") == 0) {
		r = read_stdin(&text, &n);
		if (r < 0) {
			hc_err_set(&err, r, "cannot read the SQL from standard input: %s",
			           r == -E2BIG ? "more than 1 MiB" : strerror(-r));
			return hc_cli_error(&hc_cmd_query, &err);
		}
		sql = (struct hc_str){ text, (uint32_t)n };
	} else {
		sql = hc_str_c(operands.v[1]);
	}
	code = hc_cli_capture_open(&hc_cmd_query, operands.v[0], 0, &capture);
	if (code == HC_CLI_GO)
		code = hc_cli_capture_close(capture, answer(capture, &a, sql, text ? "standard input" : "SQL"));
	free(text);
	return code;
}

static const struct hc_example examples[] = {
	{ "see what there is", "hindcast query --tables" },
	{ "the programs started last",
	  "hindcast query DIR \"SELECT time, user, cmdline FROM execs ORDER BY seq DESC LIMIT 20\"" },
	{ "who read a file in the last hour", "hindcast query DIR \"SELECT time, comm, exe, user FROM openat "
	                                      "WHERE pathname = '/etc/shadow' AND time > ago('1h')\"" },
	{ "where this machine connects to", "hindcast query --csv DIR \"SELECT exe, peer_addr, count(*) n FROM "
	                                    "connections GROUP BY 1, 2 ORDER BY n DESC\"" },
	{ NULL, NULL },
};

const struct hc_command hc_cmd_query = {
	.name = "query",
	.args = "[--format FORMAT] CAPTURE [SQL|-] | --tables [TABLE]",
	.summary = "ask a capture in SQL",
	.description = "Runs one SELECT over the events of a capture: a directory, a bundle or a segment. Without "
		       "SQL, or with `-`, it "
		       "is read from standard input. The tables are `events`, one for each type of event, "
		       "`processes` and more: "
		       "`--tables` lists them, docs/sql.md describes them. The statement can only read.\n\n"
		       "Constraints on time, seq, type, pid, and on texts such as comm, exe and paths decide "
		       "which blocks are read at "
		       "all. `ORDER BY seq` costs nothing, in both directions.\n\n"
		       "Tables are cut to the width of a terminal; elsewhere nothing is cut. Control characters "
		       "are shown escaped.",
	.opts = opts,
	.examples = examples,
	.exit_notes = "2: the SQL is wrong. 3: part of the capture could not be read; the rest was answered. 4: "
		      "the time of "
		      "--timeout is over.",
	.complete = HC_COMPLETE_FILE,
	.run = run,
};
