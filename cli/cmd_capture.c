/* hindcast capture: keeps a part of what the running recorder records under a name. */
#include "cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "capture/control.h"
#include "capture_arg.h"
#include "store/base/utf8.h"

#define ANSWER_MS 10000

static void json_done(json_object **o)
{
	json_object_put(*o);
}

struct args {
	const char *control, *container, *pod, *pid, *cgroup, *note;
	bool host, json, quiet;
	unsigned detail; /* enum hc_profile; HC_PROFILE_OPTION: not given */
	uint64_t pre_ns, for_ns, keep_ns, snaplen;
};

static const struct hc_opt opts[] = {
	{ .name = "container",
	  .letter = 'c',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, container),
	  .value = "ID",
	  .help = "is about this container (id, the beginning of one, or name)" },
	{ .name = "pod",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, pod),
	  .value = "NAMESPACE/NAME",
	  .help = "is about the containers of this pod" },
	{ .name = "pid",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, pid),
	  .value = "N",
	  .help = "is about this process and those it starts" },
	{ .name = "cgroup",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, cgroup),
	  .value = "PATH",
	  .help = "is about the processes of this control group" },
	{ .name = "host",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, host),
	  .help = "is about the whole machine (the default)" },
	{ .name = "pre",
	  .kind = HC_OPT_DURATION,
	  .off = offsetof(struct args, pre_ns),
	  .value = "DURATION",
	  .help = "keep this much of the past too (0)" },
	{ .name = "for",
	  .kind = HC_OPT_DURATION,
	  .off = offsetof(struct args, for_ns),
	  .value = "DURATION",
	  .help = "end after this time (when it is stopped)" },
	{ .name = "keep",
	  .kind = HC_OPT_DURATION,
	  .off = offsetof(struct args, keep_ns),
	  .value = "DURATION",
	  .help = "delete it this long after its end (never)" },
	{ .name = "detail",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, detail),
	  .value = "PROFILE",
	  .words = "minimal|security|full",
	  .help = "record the scope in this much detail at least, while the capture runs (the recorder's)" },
	{ .name = "snaplen",
	  .kind = HC_OPT_U64,
	  .off = offsetof(struct args, snaplen),
	  .value = "BYTES",
	  .max = 4096,
	  .help = "keep this much of what the scope reads, writes, sends and receives (the recorder's)" },
	{ .name = "note",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, note),
	  .value = "TEXT",
	  .help = "say why; it stands in the recording" },
	{ .name = "control",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, control),
	  .value = "PATH",
	  .help = "ask the recorder on this socket (/run/hindcast/control.sock)",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "print the answer as JSON" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, quiet),
	  .help = "print nothing but errors" },
	{ 0 },
};

/* ---- answers ---- */

static const char *str_of(json_object *o, const char *key)
{
	json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string)
	               ? json_object_get_string(v)
	               : "";
}

static int64_t num_of(json_object *o, const char *key)
{
	json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_int)
	               ? json_object_get_int64(v)
	               : 0;
}

static void print_str(json_object *o, const char *key)
{
	const char *text = str_of(o, key);

	hc_cli_print_text(stdout, text, strlen(text));
}

static const char *past_text(int64_t asked, int64_t past, char buf[48])
{
	return hc_span_text(past && past < asked ? (uint64_t)(asked - past) : 0, buf);
}

static const char *past_limit(json_object *k)
{
	const char *limit = str_of(k, "past_limit");

	if (strcmp(limit, "unrecorded") == 0)
		return "nobody recorded before then; what there is from earlier is kept too";
	if (strcmp(limit, "removed") == 0)
		return "retention has removed what came before; what there is from earlier is kept too";
	return "the recording begins then";
}

/* What is missing of the past that was asked for. */
static void print_past(json_object *k)
{
	int64_t from = num_of(k, "from_ns"), asked = num_of(k, "asked_ns"), past = num_of(k, "past_from_ns");
	int64_t bulk = num_of(k, "past_bulk_from_ns"), some = from + 1000000000;
	char wanted[48], got[48];

	if (from >= asked)
		return;
	hc_span_text((uint64_t)(asked - from), wanted);
	if (!past || past > some)
		printf("         of the %s before it was asked for, %s are there: %s\n", wanted,
		       past_text(asked, past, got), past_limit(k));
	if (past && (!bulk || bulk > (past > some ? past + 1000000000 : some)))
		printf("         of reads, writes, mappings and the like %s: older ones are removed\n",
		       past_text(asked, bulk, got));
}

static void print_span(json_object *k)
{
	char text[HC_TIME_TEXT], span[48];

	printf("  from   %s\n", hc_time_text(num_of(k, "from_ns"), text));
	print_past(k);
	if (num_of(k, "until_ns"))
		printf("  until  %s\n", hc_time_text(num_of(k, "until_ns"), text));
	else
		puts("  until  it is stopped");
	if (num_of(k, "expires_ns"))
		printf("  kept   until %s\n", hc_time_text(num_of(k, "expires_ns"), text));
	else if (num_of(k, "keep_ns"))
		printf("  kept   for %s after its end\n", hc_span_text((uint64_t)num_of(k, "keep_ns"), span));
	else
		puts("  kept   until it is deleted");
}

static void print_detail(json_object *k)
{
	const char *detail = str_of(k, "detail");
	int64_t snaplen = num_of(k, "snaplen");

	if (!*detail && !snaplen)
		return;
	fputs("  detail ", stdout);
	if (*detail)
		print_str(k, "detail");
	else
		fputs("as everywhere", stdout);
	if (snaplen)
		printf(", %" PRId64 " bytes of payload", snaplen);
	putchar('\n');
}

/* The answer to its start knows how many are in its scope. */
static void print_scope(json_object *k, json_object *answer)
{
	static const char *const processes[] = { "process", "processes" };
	static const char *const groups[] = { "control group", "control groups" };
	const char *scope = str_of(k, "scope");
	bool is_pid = strncmp(scope, "pid=", 4) == 0;
	const char *const *names = is_pid ? processes : groups;
	int64_t n = num_of(answer, "in_scope");

	if (strcmp(scope, "host") == 0 || !json_object_object_get_ex(answer, "in_scope", NULL))
		return;
	printf("  scope  %" PRId64 " %s now\n", n, n == 1 ? names[0] : names[1]);
	if (n)
		return;
	fflush(stdout);
	if (is_pid)
		hc_cli_warn("no process has the number %s now; is it the right one?", scope + 4);
	else
		hc_cli_warn(
			"nothing is in the scope '%s' now; is it the right name? What comes under it later will "
			"belong to it",
			scope);
}

static void print_capture(json_object *k, json_object *answer)
{
	print_str(k, "name");
	fputs(": ", stdout);
	print_str(k, "state");
	fputs(", ", stdout);
	print_str(k, "scope");
	putchar('\n');
	print_span(k);
	print_detail(k);
	print_scope(k, answer);
}

/* Who asked for it, when it goes by itself, and why it is there. */
static void print_origin(json_object *k)
{
	char text[HC_TIME_TEXT];

	fputs("  by ", stdout);
	print_str(k, "by");
	if (num_of(k, "expires_ns"))
		printf(", deleted at %s", hc_time_text(num_of(k, "expires_ns"), text));
	if (*str_of(k, "note")) {
		fputs(": ", stdout);
		print_str(k, "note");
	}
	putchar('\n');
}

static void print_column(json_object *o, const char *key, int width)
{
	int n = width - (int)strlen(str_of(o, key));

	print_str(o, key);
	printf("%*s ", n > 0 ? n : 0, "");
}

static void print_list(json_object *answer)
{
	json_object *list;
	size_t n;

	if (!json_object_object_get_ex(answer, "captures", &list) || !json_object_is_type(list, json_type_array))
		return;
	n = json_object_array_length(list);
	if (!n) {
		puts("no captures");
		return;
	}
	printf("%-20s %-8s %-27s %-27s %s\n", "NAME", "STATE", "FROM", "UNTIL", "SCOPE");
	for (size_t i = 0; i < n; i++) {
		json_object *k = json_object_array_get_idx(list, i);
		char from[HC_TIME_TEXT], until[HC_TIME_TEXT];

		print_column(k, "name", 20);
		print_column(k, "state", 8);
		printf("%-27s %-27s ", hc_time_text(num_of(k, "from_ns"), from),
		       num_of(k, "until_ns") ? hc_time_text(num_of(k, "until_ns"), until) : "-");
		print_str(k, "scope");
		putchar('\n');
		print_origin(k);
	}
}

static int print_answer(const struct args *a, const char *verb, const char *text)
{
	__attribute__((cleanup(json_done))) json_object *answer = json_tokener_parse(text);
	json_object *ok, *error, *k;

	if (!answer || !json_object_object_get_ex(answer, "ok", &ok)) {
		struct hc_err err = { 0 };

		hc_err_set(&err, -EPROTO, "the recorder gave an answer that is no answer");
		return hc_cli_error(&hc_cmd_capture, &err);
	}
	if (a->json) {
		hc_cli_print_json(stdout, text, strlen(text));
		putchar('\n');
	}
	if (!json_object_get_boolean(ok)) {
		const char *code;

		if (!json_object_object_get_ex(answer, "error", &error))
			error = NULL;
		code = str_of(error, "code");
		if (!a->json)
			(void)hc_cli_usage(&hc_cmd_capture, "%s", str_of(error, "message"));
		return strcmp(code, "bad_request") == 0 || strcmp(code, "exists") == 0 ||
		                       strcmp(code, "not_found") == 0
		               ? HC_EXIT_USAGE
		               : HC_EXIT_REFUSED;
	}
	if (a->json || a->quiet)
		return HC_EXIT_OK;
	if (strcmp(verb, "list") == 0)
		print_list(answer);
	else if (json_object_object_get_ex(answer, "capture", &k))
		print_capture(k, answer);
	return HC_EXIT_OK;
}

/* ---- requests ---- */

static int scope_of(const struct args *a, char **ret)
{
	const struct {
		const char *value, *prefix;
	} scopes[] = {
		{ a->container, "container=" },
		{ a->pod, "pod=" },
		{ a->pid, "pid=" },
		{ a->cgroup, "cgroup=" },
	};
	const char *value = NULL, *prefix = "host";
	unsigned n = a->host;
	size_t room;

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (scopes[i].value) {
			value = scopes[i].value;
			prefix = scopes[i].prefix;
			n++;
		}
	}
	if (n > 1)
		return hc_cli_usage(&hc_cmd_capture,
		                    "--container, --pod, --pid, --cgroup and --host exclude each other");
	room = strlen(prefix) + (value ? strlen(value) : 0) + 1;
	*ret = malloc(room);
	if (!*ret)
		return hc_cli_usage(&hc_cmd_capture, "out of memory");
	snprintf(*ret, room, "%s%s", prefix, value ? value : "");
	if (hc_mark_scope_ok(*ret))
		return HC_CLI_GO;
	return hc_cli_usage(&hc_cmd_capture,
	                    "'%s' is no scope: --container ID, --pod NAMESPACE/NAME, --pid N, --cgroup /PATH",
	                    *ret);
}

/* Options that only `start` heeds are refused elsewhere: whoever gave them expects them to do something. */
static int check_idle(const struct args *a, const char *verb)
{
	if (!a->container && !a->pod && !a->pid && !a->cgroup && !a->host && !a->note && !a->pre_ns &&
	    !a->for_ns && !a->keep_ns && !a->snaplen && a->detail >= HC_PROFILE_OPTION)
		return HC_CLI_GO;
	return hc_cli_usage(&hc_cmd_capture, "%s takes no scope, time, detail or note: these are for start", verb);
}

/* The request is JSON, which can hold no other text. */
static int check_text(const char *what, const char *text)
{
	size_t n = strlen(text);
	unsigned len;
	uint32_t c;

	for (; n; n -= len, text += len) {
		len = hc_utf8(text, n, &c);
		if (!len)
			return hc_cli_usage(&hc_cmd_capture, "%s is not UTF-8", what);
	}
	return HC_CLI_GO;
}

static json_object *request_new(const char *op, const char *name)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "hindcast", json_object_new_int(HC_CONTROL_VERSION));
	json_object_object_add(o, "op", json_object_new_string(op));
	if (name)
		json_object_object_add(o, "name", json_object_new_string(name));
	return o;
}

static int add_start(const struct args *a, json_object *o)
{
	static const char *const details[] = { "minimal", "security", "full" };
	HC_AUTO(free) char *scope = NULL;
	int code = scope_of(a, &scope);

	if (code == HC_CLI_GO)
		code = check_text("the scope", scope);
	if (code == HC_CLI_GO && a->note)
		code = check_text("the note", a->note);
	if (code != HC_CLI_GO)
		return code;
	json_object_object_add(o, "scope", json_object_new_string(scope));
	if (a->note)
		json_object_object_add(o, "note", json_object_new_string(a->note));
	if (a->detail < HC_PROFILE_OPTION)
		json_object_object_add(o, "detail", json_object_new_string(details[a->detail]));
	if (a->snaplen)
		json_object_object_add(o, "snaplen", json_object_new_uint64(a->snaplen));
	json_object_object_add(o, "pre_ns", json_object_new_uint64(a->pre_ns));
	json_object_object_add(o, "for_ns", json_object_new_uint64(a->for_ns));
	json_object_object_add(o, "keep_ns", json_object_new_uint64(a->keep_ns));
	return HC_CLI_GO;
}

static int run(int argc, char **argv)
{
	struct args a = { .control = HC_CONTROL_DEFAULT_PATH, .detail = HC_PROFILE_OPTION };
	__attribute__((cleanup(json_done))) json_object *request = NULL;
	HC_AUTO(free) char *answer = NULL;
	struct hc_operands operands;
	struct hc_err err = { 0 };
	const char *verb, *name;
	char op[32];
	int code = hc_cli_parse(&hc_cmd_capture, argc, argv, &a, &operands);

	if (code != HC_CLI_GO)
		return code;
	verb = operands.n ? operands.v[0] : "";
	name = operands.n > 1 ? operands.v[1] : NULL;
	if (strcmp(verb, "start") != 0 && strcmp(verb, "stop") != 0 && strcmp(verb, "delete") != 0 &&
	    strcmp(verb, "list") != 0)
		return hc_cli_usage(&hc_cmd_capture, "say start NAME, list, stop NAME or delete NAME");
	if (operands.n != (strcmp(verb, "list") == 0 ? 1 : 2))
		return hc_cli_usage(&hc_cmd_capture, name ? "unexpected operand '%s'" : "%s: name the capture",
		                    name ? operands.v[operands.n - 1] : verb);
	if (name && !hc_mark_name_ok(name))
		return hc_cli_usage(
			&hc_cmd_capture,
			"'%s' is no name for a capture: 1 to %d letters, digits, dots, underscores and hyphens, "
			"not first a dot or hyphen",
			name, HC_MARK_NAME_MAX);
	snprintf(op, sizeof(op), "capture.%s", verb);
	request = request_new(op, name);
	code = strcmp(verb, "start") == 0 ? add_start(&a, request) : check_idle(&a, verb);
	if (code != HC_CLI_GO)
		return code;
	code = hc_control_ask(a.control, json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN),
	                      ANSWER_MS, &answer, &err);
	return code < 0 ? hc_cli_error(&hc_cmd_capture, &err) : print_answer(&a, verb, answer);
}

static const struct hc_example examples[] = {
	{ "keep the last ten minutes of a pod, and its next half hour",
	  "hindcast capture start shop-case-7 --pod shop/web-0 --pre 10m --for 30m" },
	{ "record all that a container does from now on, with what it sends and writes",
	  "hindcast capture start web-1 --container web --for 10m --detail full --snaplen 512" },
	{ "see what is kept", "hindcast capture list" },
	{ "replay rules over it", "hindcast replay -p policies/falco --capture shop-case-7 /var/lib/hindcast" },
	{ "hand it over", "hindcast export --bundle --capture shop-case-7 -o case-7.hcb /var/lib/hindcast" },
	{ 0 },
};

const struct hc_command hc_cmd_capture = {
	.name = "capture",
	.args = "start NAME [--pre DURATION] [--for DURATION] [--container ID | --pod NS/NAME | --pid N | "
		"--cgroup PATH] [--detail PROFILE] [--snaplen BYTES] | "
		"list | stop NAME | delete NAME",
	.words = "start|list|stop|delete",
	.summary = "keep a part of what is recorded, the past included",
	.description = "Asks the running `hindcast recorder` to keep a span of its recording under a name: from "
		       "--pre before now until "
		       "--for is over, or until it is stopped. What it spans is left alone by retention until the "
		       "capture is deleted, or "
		       "--keep after its end. Captures may overlap, and go on over a restart of the recorder.\n\n"
		       "`replay`, `events`, `query` and `export` take --capture NAME. The answer says how much of "
		       "the past is there.\n\n"
		       "The scope says what the capture is about. With --detail or --snaplen the kernel records "
		       "more of it, "
		       "and of it alone, until the capture ends: of processes that its processes start, of "
		       "control groups "
		       "below its own, and of containers that come later, too. Where captures overlap, the "
		       "highest detail "
		       "counts. Rows of meta_filter say what was recorded of whom.\n\n"
		       "Root and the members of the recorder's "
		       "--control-group may ask.",
	.opts = opts,
	.examples = examples,
	.run = run,
};
