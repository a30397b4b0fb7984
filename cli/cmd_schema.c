/* hindcast schema [TYPE...]: the event model as a person, and docs/events.md, read it. */
#include "cmd.h"
#include "store/schema.h"

#include <string.h>

enum format { FORMAT_TEXT, FORMAT_MARKDOWN };

struct args {
	unsigned format;
};

static const char *const class_names[HC_N_CLASSES] = { "meta", "proc", "cred", "kernel", "ctr",
	                                               "net",  "file", "io",   "other" };
static const char *const profile_names[] = { "minimal", "security", "full", "option", "imported" };
static const char *const stream_names[] = { "security", "bulk" };

static const struct {
	unsigned flag;
	const char *name;
} mode_names[] = {
	{ HC_MODE_FIRST, "first" }, { HC_MODE_PEER, "peer" },     { HC_MODE_P53, "p53" },
	{ HC_MODE_MAGIC, "magic" }, { HC_MODE_X, "x" },           { HC_MODE_FAIL, "fail" },
	{ HC_MODE_FATAL, "fatal" }, { HC_MODE_VALUES, "values" },
};

struct text {
	char s[96];
};

static struct text mode_text(unsigned mode)
{
	struct text t = { "all" };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++) {
		if (mode & mode_names[i].flag)
			n += (size_t)snprintf(t.s + n, sizeof(t.s) - n, "%s%s", n ? "+" : "", mode_names[i].name);
	}
	return t;
}

/* What a column holds, in words. */
static const char *value_text(const struct hc_col_desc *col)
{
	static const char *const kinds[HC_N_KINDS] = {
		[HC_KIND_STR] = "text",    [HC_KIND_BYTES] = "bytes",  [HC_KIND_ADDR] = "address",
		[HC_KIND_STRS] = "texts",  [HC_KIND_INTS] = "numbers", [HC_KIND_PATH] = "path",
		[HC_KIND_FILE] = "file",   [HC_KIND_SOCK] = "sock",    [HC_KIND_FDOBJ] = "fd",
		[HC_KIND_IMAGE] = "image", [HC_KIND_PROC] = "process", [HC_KIND_CTR] = "container",
		[HC_KIND_USER] = "user",   [HC_KIND_GROUP] = "group",  [HC_KIND_TASK] = "task",
	};
	static const char *const formats[HC_N_FMTS] = {
		[HC_FMT_DEC] = "number",
		[HC_FMT_HEX] = "hexadecimal",
		[HC_FMT_BOOL] = "boolean",
		[HC_FMT_MODE] = "file mode",
		[HC_FMT_UID] = "uid",
		[HC_FMT_GID] = "gid",
		[HC_FMT_PID] = "pid",
		[HC_FMT_SIGNAL] = "signal",
		[HC_FMT_ERRNO] = "errno",
		[HC_FMT_DEV] = "device",
		[HC_FMT_TIME] = "ns since 1970",
		[HC_FMT_BOOT] = "ns since boot",
		[HC_FMT_DURATION] = "ns",
		[HC_FMT_PORT] = "port",
		[HC_FMT_IP] = "IP address",
		[HC_FMT_CAP] = "capability",
		[HC_FMT_CAPS] = "capabilities",
		[HC_FMT_FL_OPEN] = "open flags",
		[HC_FMT_FL_CLONE] = "clone flags",
		[HC_FMT_FL_AT] = "AT flags",
		[HC_FMT_FL_MSG] = "message flags",
		[HC_FMT_FL_MOUNT] = "mount flags",
		[HC_FMT_FL_UMOUNT] = "umount flags",
		[HC_FMT_FL_PROT] = "protection",
		[HC_FMT_FL_MMAP] = "mmap flags",
		[HC_FMT_FL_RENAME] = "rename flags",
		[HC_FMT_FL_RESOLVE] = "resolve flags",
		[HC_FMT_FL_SOCK_TYPE] = "socket type and flags",
		[HC_FMT_FL_MEMFD] = "memfd flags",
		[HC_FMT_EN_AF] = "address family",
		[HC_FMT_EN_SOCK_TYPE] = "socket type",
		[HC_FMT_EN_IPPROTO] = "IP protocol",
		[HC_FMT_EN_TCP_STATE] = "TCP state",
		[HC_FMT_EN_PTRACE] = "ptrace request",
		[HC_FMT_EN_PRCTL] = "prctl option",
		[HC_FMT_EN_BPF_CMD] = "bpf command",
		[HC_FMT_EN_FCNTL] = "fcntl command",
		[HC_FMT_EN_EXEC_VIA] = "way of exec",
		[HC_FMT_EN_PROV] = "provenance",
		[HC_FMT_EN_LAYER] = "layer",
		[HC_FMT_EN_ROLE] = "role",
		[HC_FMT_EN_FD_KIND] = "kind of descriptor",
		[HC_FMT_EN_IMAGE_KIND] = "kind of image",
		[HC_FMT_EN_CAUSE] = "cause",
	};

	if (col->ref != HC_OBJ_NONE && col->kind == HC_KIND_FD)
		return "fd";
	if (col->ref != HC_OBJ_NONE && col->kind == HC_KIND_PID)
		return "process";
	if (col->ref != HC_OBJ_NONE && col->kind == HC_KIND_BYTES)
		return col->fmt == HC_FMT_IP ? "IP address" : "bytes";
	if (col->ref != HC_OBJ_NONE && kinds[col->kind])
		return kinds[col->kind];
	return formats[col->fmt] ? formats[col->fmt] : "number";
}

static bool is_common(const struct hc_table_desc *t, unsigned col, bool is_event)
{
	return is_event && col < HC_N_COMMON_COLS && t->n_cols > col;
}

static void print_columns(const struct hc_table_desc *t, bool is_event)
{
	for (unsigned i = 0; i < t->n_cols; i++) {
		if (!is_common(t, i, is_event))
			printf("  %-24s %s\n", t->cols[i].name, value_text(&t->cols[i]));
	}
}

static void print_event_line(const struct hc_table_desc *t)
{
	printf("%-22s %-7s %-9s %-9s %s\n", t->name, class_names[t->cls], stream_names[t->stream],
	       profile_names[t->profile], mode_text(t->mode).s);
}

static void print_list(void)
{
	printf("%-22s %-7s %-9s %-9s %s\n", "EVENT TYPE", "CLASS", "STREAM", "PROFILE", "SAMPLING");
	for (unsigned i = 0; i < HC_EV_MAX; i++) {
		if (hc_event_desc(i))
			print_event_line(hc_event_desc(i));
	}
	printf("\nOBJECT\n");
	for (unsigned i = 0; i < HC_OBJ_MAX; i++) {
		if (hc_obj_desc(i))
			printf("%s\n", hc_obj_desc(i)->name);
	}
}

/* In code spans and tables only '|' would need care, and no name of ours has one. */
static void markdown_columns(const struct hc_table_desc *t, bool is_event)
{
	const char *separator = "";

	for (unsigned i = 0; i < t->n_cols; i++) {
		if (is_common(t, i, is_event))
			continue;
		printf("%s`%s` %s", separator, t->cols[i].name, value_text(&t->cols[i]));
		separator = ", ";
	}
	puts(*separator ? " |" : "- |");
}

static void print_markdown(void)
{
	const struct hc_table_desc *common = hc_event_desc(HC_EV_META_START);

	puts("# Event types and objects\n\n"
	     "Made by `hindcast schema --format markdown` from `store/event_types.def` and "
	     "`store/object_types.def`.\n\n"
	     "*Profile* is the smallest recording profile that has the type; *sampling* is how the "
	     "profile `security` thins it out (`full`\nrecords all of them): `first` of a process, "
	     "descriptor and direction, and of a regular file that the process opens again and again\nno "
	     "more than one in 2^30 ns (an eventfd, timerfd or the like that is made where one of its "
	     "kind was, is taken for it); `peer` the first\nmessage of a socket and direction, and each "
	     "to or from another peer than the last; `p53` port 53; `magic` the first bytes of a "
	     "regular\nfile; `x` executable mappings; `fail` failed calls; `fatal` signals that kill "
	     "another process; `values` the values that change state or\npower: `prctl` and `arch_prctl` "
	     "but for what only asks and what each program's start does, `bpf` but for elements of maps "
	     "and\nquestions, `prlimit64` with a new limit, `adjtimex` and `clock_adjtime` with `modes`, "
	     "`ioctl` with TIOCSTI, TIOCLINUX,\nTIOCSCTTY, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, "
	     "PERF_EVENT_IOC_SET_BPF, LOOP_SET_FD, LOOP_CONFIGURE, SIOCSIFFLAGS,\nTUNSETIFF. "
	     "*Stream* says in which files of the capture its rows are.\n");
	puts("Every event has `seq`, `ts_ns`, `type`, `cpu` and:\n\n| column | holds |\n|---|---|");
	for (unsigned i = 0; common && i < HC_N_COMMON_COLS; i++)
		printf("| `%s` | %s |\n", common->cols[i].name, value_text(&common->cols[i]));
	puts("\n## Event types\n\n| type | number | class | stream | profile | sampling | columns "
	     "|\n|---|---|---|---|---|---|---|");
	for (unsigned i = 0; i < HC_EV_MAX; i++) {
		const struct hc_table_desc *t = hc_event_desc(i);

		if (!t)
			continue;
		printf("| `%s` | %u | %s | %s | %s | %s | ", t->name, t->number, class_names[t->cls],
		       stream_names[t->stream], profile_names[t->profile], mode_text(t->mode).s);
		markdown_columns(t, true);
	}
	puts("\n## Objects\n\nWhat events refer to. Every block of a capture has those that its rows use.\n\n"
	     "| object | number | columns |\n|---|---|---|");
	for (unsigned i = 0; i < HC_OBJ_MAX; i++) {
		const struct hc_table_desc *t = hc_obj_desc(i);

		if (!t)
			continue;
		printf("| `%s` | %u | ", t->name, t->number);
		markdown_columns(t, false);
	}
}

static const struct hc_table_desc *find_obj(const char *name)
{
	for (unsigned i = 0; i < HC_OBJ_MAX; i++) {
		if (hc_obj_desc(i) && strcmp(hc_obj_desc(i)->name, name) == 0)
			return hc_obj_desc(i);
	}
	return NULL;
}

static int print_named(const char *name)
{
	const struct hc_table_desc *event = hc_event_desc_by_name(hc_str_c(name)), *obj = find_obj(name);

	if (!event && !obj)
		return hc_cli_usage(&hc_cmd_schema, "there is no event type and no object '%s'", name);
	if (event) {
		print_event_line(event);
		print_columns(event, true);
	}
	if (obj) {
		printf("%s (object)\n", obj->name);
		print_columns(obj, false);
	}
	return HC_EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct args a = { .format = FORMAT_TEXT };
	struct hc_operands operands;
	int code = hc_cli_parse(&hc_cmd_schema, argc, argv, &a, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (a.format == FORMAT_MARKDOWN && operands.n > 0)
		return hc_cli_usage(&hc_cmd_schema, "--format markdown prints all of it: unexpected operand '%s'",
		                    operands.v[0]);
	if (a.format == FORMAT_MARKDOWN)
		print_markdown();
	else if (operands.n == 0)
		print_list();
	for (int i = 0; i < operands.n; i++) {
		code = print_named(operands.v[i]);
		if (code != HC_EXIT_OK)
			return code;
	}
	return HC_EXIT_OK;
}

static const struct hc_opt opts[] = {
	{ .name = "format",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, format),
	  .value = "FORMAT",
	  .help = "print for people, or as the page docs/events.md",
	  .words = "text|markdown" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "list all event types and objects", "hindcast schema" },
	{ "see what an openat row holds, and what its paths are", "hindcast schema openat path" },
	{ 0 },
};

const struct hc_command hc_cmd_schema = {
	.name = "schema",
	.args = "[--format FORMAT] [NAME...]",
	.summary = "explain event types and their columns",
	.description = "Without NAME, lists the event types a capture can hold, with their class, stream, the "
		       "smallest profile that\n"
		       "records them and how the profile security samples them. With NAMEs of event types or "
		       "objects, lists their columns.",
	.opts = opts,
	.examples = examples,
	.run = run,
};
