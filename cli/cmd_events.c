/* hindcast events CAPTURE: rows that a Falco filter matches, printed by a Falco format. */
#include "capture_arg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "follow.h"
#include "replay/falco.h"

struct args {
	const char *filter, *format;
	bool json, follow, in_scope;
	unsigned metadata;
	struct hc_time_arg since, until;
	const char *capture;
	uint64_t count;
};

struct printer {
	const struct hc_falco_format *format;
	bool json;
	uint64_t left; /* lines still wanted; UINT64_MAX: all */
	bool closed;   /* the reader of stdout is gone */
};

/* Any worker: a line in the arena, or nothing where a value is missing that the format insists on. */
static int render(void *ctx, const struct hc_alert *a, struct hc_arena *arena, void **ret, struct hc_err *err)
{
	const struct printer *p = ctx;
	struct hc_str *line = hc_arena_alloc(arena, sizeof(*line));
	int r;

	if (!line)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = p->json ? hc_falco_format_json(p->format, a->view, a->hit->type, a->hit->row, arena, line, err)
	            : hc_falco_format_render(p->format, a->view, a->hit->type, a->hit->row, arena, line, err);
	*ret = r > 0 ? line : NULL;
	return r < 0 ? r : 0;
}

static int emit(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	const struct hc_str *line = rendered;
	struct printer *p = ctx;

	(void)hit;
	(void)wall_ns;
	if (!line)
		return 0;
	if (!p->left)
		return 1;
	if (p->json)
		hc_cli_print_json(stdout, line->p ? line->p : "", line->len);
	else
		hc_cli_print_text(stdout, line->p ? line->p : "", line->len);
	if (putchar('\n') == EOF) {
		if (errno == EPIPE) {
			p->closed = true;
			return 1;
		}
		return hc_err_set(err, -errno, "cannot write: %s", strerror(errno));
	}
	if (p->left != UINT64_MAX)
		p->left--;
	return p->left ? 0 : 1;
}

static int print(struct args *a, struct hc_capture *c, const struct hc_scope *scope, struct hc_err *err)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	HC_AUTO(hc_plan_free) struct hc_plan *plan = NULL;
	struct printer p = { .json = a->json, .left = a->count ? a->count : UINT64_MAX };
	struct hc_falco_format *format;
	struct hc_replay_stats stats = { 0 };
	struct hc_replay_opts opts = {
		.has_since = a->since.set,
		.since_wall_ns = a->since.ns,
		.has_until = a->until.set,
		.until_wall_ns = a->until.ns,
		.scope = scope,
		.render = render,
		.emit = emit,
		.ctx = &p,
	};
	int r;

	if (!ir)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = hc_falco_filter_compile(ir, a->filter, err);
	if (r < 0)
		return r;
	r = hc_falco_format_compile(ir, a->format ? a->format : HC_FALCO_DEFAULT_FORMAT, &format, err);
	if (r < 0)
		return r;
	p.format = format;
	r = hc_plan_new(ir, HC_MATCH_ALL, &plan, err);
	if (r < 0)
		return r;
	if (a->follow) {
		hc_cli_follow_begin(hc_capture_path(c));
		opts.progress = hc_cli_follow_progress;
		r = hc_replay_follow(plan, c, &opts, &stats, err);
		r = r < 0 ? r : hc_cli_follow_end(err);
	} else {
		r = hc_replay(plan, c, &opts, &stats, err);
	}
	if (stats.n_regex_limits)
		hc_cli_warn("%" PRIu64 " values were too much work for a regular expression and count as no match",
		            stats.n_regex_limits);
	hc_replay_stats_done(&stats);
	return r < 0 ? r : 0;
}

static int run(int argc, char **argv)
{
	struct args a = { .metadata = HC_METADATA_NOT_SAID };
	struct hc_cli_scope scope;
	struct hc_operands operands;
	struct hc_capture *c;
	struct hc_err err = { 0 };
	int code = hc_cli_parse(&hc_cmd_events, argc, argv, &a, &operands);
	int r;

	if (code != HC_CLI_GO)
		return code;
	if (operands.n != 1)
		return hc_cli_usage(&hc_cmd_events, operands.n ? "one capture at a time" : "which capture?");
	code = hc_cli_capture_open(&hc_cmd_events, operands.v[0], 0, &c);
	if (code != HC_CLI_GO)
		return code;
	code = hc_cli_capture_range(&hc_cmd_events, c, a.capture, a.in_scope, &a.since, &a.until, &scope);
	if (code == HC_CLI_GO)
		code = hc_cli_capture_metadata(&hc_cmd_events, c, a.metadata, a.follow);
	if (code == HC_CLI_GO) {
		r = print(&a, c, hc_cli_scope(&scope), &err);
		fflush(stdout);
		code = r < 0 ? hc_cli_error(&hc_cmd_events, &err) : HC_EXIT_OK;
	}
	free(scope.text);
	return hc_cli_capture_close(c, code);
}

static const struct hc_opt opts[] = {
	{ .name = "filter",
	  .letter = 'f',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, filter),
	  .value = "EXPR",
	  .help = "print only the events for which this Falco expression is true" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, format),
	  .value = "FORMAT",
	  .help = "print each event by this format, \"*%evt.num %proc.name %evt.type\"" },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "print the format's fields as a JSON object a line" },
	{ .name = "since",
	  .kind = HC_OPT_TIME,
	  .off = offsetof(struct args, since),
	  .value = "TIME",
	  .help = "leave out what happened before" },
	{ .name = "until",
	  .kind = HC_OPT_TIME,
	  .off = offsetof(struct args, until),
	  .value = "TIME",
	  .help = "leave out what happened then and later" },
	{ .name = "follow",
	  .letter = 'F',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, follow),
	  .help = "go on with what a recorder appends, until it ends or SIGINT or SIGTERM comes" },
	HC_CLI_CAPTURE_OPT(capture),
	HC_CLI_SCOPE_OPT(in_scope),
	HC_CLI_METADATA_OPT(metadata),
	{ .name = "count",
	  .letter = 'n',
	  .kind = HC_OPT_U64,
	  .off = offsetof(struct args, count),
	  .value = "N",
	  .min = 1,
	  .help = "stop after this many events" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "shells that were started", "hindcast events DIR -f 'evt.type = execve and proc.name in (sh, bash)'" },
	{ "who wrote below /etc, one line each", "hindcast events DIR -f 'evt.is_open_write = true and fd.name "
	                                         "startswith /etc/' -o '%evt.time %proc.name "
	                                         "%fd.name'" },
	{ "programs as they are started", "hindcast events DIR --follow --since now -f 'evt.type = execve'" },
	{ 0 },
};

const struct hc_command hc_cmd_events = {
	.name = "events",
	.args = "CAPTURE [-f EXPR] [-o FORMAT] [--json] [--since TIME] [--until TIME] [-n N] [--follow]",
	.summary = "print events, filtered and formatted as Falco does",
	.description =
		"Prints the events of a capture in their order, a line each.\n\n"
		"The filter is a condition of Falco's rules language, the format one of its outputs "
		"(docs/falco.md). "
		"Beside Falco's events, evt.type names those that Falco does not have (mod_load, tcp_state, ...: "
		"'hindcast schema' lists them). A format that begins with * prints absent values as <NA>; without "
		"it "
		"a line with an absent value is left out.\n\n"
		"%evt.num is the event's number in the capture: the one it had in the file it was imported from, "
		"where it was.",
	.opts = opts,
	.examples = examples,
	.exit_notes = "3: some of the capture could not be read; the rest was printed",
	.complete = HC_COMPLETE_DIR,
	.run = run,
};
