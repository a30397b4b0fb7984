/* hindcast recorder: the recorder that always runs, as a service. */
#include "cmd.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/daemon.h"
#include "exclude_arg.h"

struct args {
	const char *dir;
	unsigned profile, log_level, log_format;
	uint64_t snaplen, ring_bytes;
	struct hc_strs exclude;
	bool hash_exe;
};

static const struct hc_opt opts[] = {
	{ .name = "dir",
	  .letter = 'd',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, dir),
	  .value = "DIR",
	  .help = "keep the recording in this directory (/var/lib/hindcast)",
	  .complete = HC_COMPLETE_DIR },
	{ .name = "profile",
	  .letter = 'p',
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, profile),
	  .value = "NAME",
	  .words = "minimal|security|full",
	  .help = "choose what is recorded (security)" },
	{ .name = "snaplen",
	  .letter = 's',
	  .kind = HC_OPT_U64,
	  .off = offsetof(struct args, snaplen),
	  .value = "BYTES",
	  .max = 4096,
	  .help = "keep this much of what is read, written, sent and received (0)" },
	{ .name = "exclude",
	  .letter = 'x',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, exclude),
	  .value = "WHAT",
	  .help = "leave out comm=NAME, exe=PATH, uid=N, pid=N, cgroup=PATH or type=NAME" },
	{ .name = "hash-exe",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, hash_exe),
	  .help = "keep the SHA-256 of each program file that runs" },
	{ .name = "ring-size",
	  .kind = HC_OPT_SIZE,
	  .off = offsetof(struct args, ring_bytes),
	  .value = "SIZE",
	  .min = 4096,
	  .max = 1u << 30,
	  .help = "set the size of each CPU's ring buffer" },
	{ .name = "log-level",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, log_level),
	  .value = "LEVEL",
	  .words = "error|warn|info|debug",
	  .help = "log what is at least this important (info)" },
	{ .name = "log-format",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, log_format),
	  .value = "FORMAT",
	  .words = "logfmt|json",
	  .help = "log key=value lines or JSON objects (logfmt)" },
	{ 0 },
};

/* All that the daemon refers to. */
struct recorder {
	struct args args;
	struct hc_excludes excludes;
	struct hc_log log;
};

static int record(struct recorder *rec)
{
	const struct args *a = &rec->args;
	HC_AUTO(hc_daemon_free) struct hc_daemon *d = NULL;
	struct hc_daemon_opts o = {
		.record = { .dir = a->dir,
		            .tool = "hindcast " HC_VERSION,
		            .profile = (enum hc_profile)a->profile,
		            .snaplen = (uint32_t)a->snaplen,
		            .hash_exe = a->hash_exe,
		            .ring_bytes = a->ring_bytes,
		            .exclude = rec->excludes.x,
		            .exclude_types = rec->excludes.has_types ? &rec->excludes.types : NULL,
		            .exclude_text = rec->excludes.text },
		.log = &rec->log,
	};
	struct hc_err err = { 0 };
	int code;

	rec->log = (struct hc_log){ .fd = STDERR_FILENO,
		                    .level = (enum hc_log_level)a->log_level,
		                    .format = (enum hc_log_format)a->log_format };
	code = hc_daemon_new(&o, &d, &err);
	if (code >= 0) {
		/* as with `record`: a busy machine is just what one wants to see */
		(void)setpriority(PRIO_PROCESS, 0, -10);
		code = hc_daemon_run(d, NULL, &err);
	}
	if (code >= 0)
		return HC_EXIT_OK;
	hc_log_err(&rec->log, HC_LOG_ERROR, "the recorder cannot go on", &err);
	return HC_EXIT_REFUSED;
}

static int run(int argc, char **argv)
{
	struct recorder rec = {
		.args = { .dir = "/var/lib/hindcast", .profile = HC_PROFILE_SECURITY, .log_level = HC_LOG_INFO }
	};
	struct hc_operands operands;
	struct hc_err err = { 0 };
	int code = hc_cli_parse(&hc_cmd_recorder, argc, argv, &rec.args, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n)
		code = hc_cli_usage(&hc_cmd_recorder, "unexpected operand '%s'", operands.v[0]);
	else if (hc_excludes_init(&rec.excludes, &rec.args.exclude, &err) < 0)
		code = hc_cli_usage(&hc_cmd_recorder, "--exclude: %s", err.msg);
	else
		code = record(&rec);
	hc_strs_done(&rec.args.exclude);
	hc_excludes_done(&rec.excludes);
	return code;
}

static const struct hc_example examples[] = {
	{ .what = "keep recording into a directory, until stopped",
	  .command = "hindcast recorder --dir /var/lib/hindcast" },
	{ 0 },
};

const struct hc_command hc_cmd_recorder = {
	.name = "recorder",
	.args = "[--dir DIR] [--profile NAME] [--exclude WHAT]...",
	.summary = "record for months, as a service",
	.description =
		"Records what the processes of this machine do, until it is told to stop by SIGTERM or SIGINT. "
		"A capture of this machine in DIR is continued; a second recorder on the same directory is "
	        "refused.\n\n"
		"It logs to standard error, one line a message, and tells the service manager of its state "
	        "(sd_notify).\n\n"
		"Needs what `hindcast record` needs.",
	.opts = opts,
	.examples = examples,
	.run = run,
};
