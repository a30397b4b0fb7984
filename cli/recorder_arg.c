#include "recorder_arg.h"

#include <errno.h>
#include <string.h>

#include "capture/captures.h"
#include "capture/control.h"
#include "capture/log.h"
#include "capture/metrics.h"
#include "exclude_arg.h"
#include "record_arg.h"
#include "trigger_gate.h"
#include "units.h"

#define DEFAULT_RETAIN_BYTES (UINT64_C(20) << 30)
#define DEFAULT_KEEP_FREE_PERMILLE 50u

#define OFF(member) offsetof(struct hc_recorder_args, member)

static int check_kube(const char *value, struct hc_err *err)
{
	if (strcmp(value, "off") == 0 || strcmp(value, "auto") == 0 ||
	    (strncmp(value, "https://", 8) == 0 && value[8]))
		return 0;
	return hc_err_set(err, -EINVAL, "'%s' is none of auto, off, https://HOST[:PORT]", value);
}

static int check_dir(const char *value, struct hc_err *err)
{
	return *value ? 0 : hc_err_set(err, -EINVAL, "the name of a directory is needed");
}

static int check_control(const char *value, struct hc_err *err)
{
	return strcmp(value, "none") == 0 ? 0 : hc_control_path_check(value, err);
}

static int check_metrics(const char *value, struct hc_err *err)
{
	return strcmp(value, "none") == 0 ? 0 : hc_metrics_address_check(value, err);
}

static int check_max_cpu(const char *value, struct hc_err *err)
{
	size_t n = strlen(value);

	if (strcmp(value, "0") == 0 || (n && value[n - 1] == '%'))
		return 0;
	return hc_err_set(err, -EINVAL, "'%s' is not a share of one processor, such as 5%%", value);
}

const struct hc_opt hc_recorder_opts[] = {
	{ .name = "config",
	  .letter = 'c',
	  .kind = HC_OPT_STR,
	  .off = OFF(config),
	  .value = "FILE",
	  .help = "read options from this file (" HC_RECORDER_CONFIG " where it exists)",
	  .complete = HC_COMPLETE_FILE,
	  .flags = HC_OPT_CMDLINE },
	{ .name = "check-config",
	  .kind = HC_OPT_FLAG,
	  .off = OFF(check_config),
	  .help = "read the options and the file, say what is wrong, and end",
	  .flags = HC_OPT_CMDLINE },
	{ .name = "take-over",
	  .kind = HC_OPT_FLAG,
	  .off = OFF(take_over),
	  .help = "take over from a recorder that is at work on the same directory, without a gap",
	  .flags = HC_OPT_CMDLINE },
	{ .name = "unpin",
	  .kind = HC_OPT_FLAG,
	  .off = OFF(unpin),
	  .help = "remove the BPF programs that recorders which are gone left below --pin, and end",
	  .flags = HC_OPT_CMDLINE },
	{ .name = "dir",
	  .letter = 'd',
	  .kind = HC_OPT_STR,
	  .off = OFF(dir),
	  .value = "DIR",
	  .help = "keep the recording in this directory (/var/lib/hindcast)",
	  .complete = HC_COMPLETE_DIR,
	  .check = check_dir },
	{ .name = "profile",
	  .letter = 'p',
	  .kind = HC_OPT_CHOICE,
	  .off = OFF(profile),
	  .value = "NAME",
	  .words = "minimal|security|full",
	  .help = "choose what is recorded (security)" },
	{ .name = "snaplen",
	  .letter = 's',
	  .kind = HC_OPT_U64,
	  .off = OFF(snaplen),
	  .value = "BYTES",
	  .max = 4096,
	  .help = "keep this much of what is read, written, sent and received (0)" },
	{ .name = "exclude",
	  .letter = 'x',
	  .kind = HC_OPT_STRS,
	  .off = OFF(exclude),
	  .value = "WHAT",
	  .help = "leave out comm=NAME, exe=PATH, uid=N, pid=N, cgroup=PATH or type=NAME",
	  .check = hc_exclude_check },
	{ .name = "hash-exe",
	  .kind = HC_OPT_FLAG,
	  .off = OFF(hash_exe),
	  .help = "keep the SHA-256 of each program file that runs" },
	{ .name = "ring-size",
	  .kind = HC_OPT_SIZE,
	  .off = OFF(ring_bytes),
	  .value = "SIZE",
	  .min = 4096,
	  .max = 1u << 30,
	  .help = "set the size of each CPU's ring buffer" },
	{ .name = "container-root",
	  .kind = HC_OPT_STRS,
	  .off = OFF(container_root),
	  .value = "KIND=DIR",
	  .help = "read the state of container runtimes here, not in the usual places; none: nowhere",
	  .check = hc_cli_root_check },
	{ .name = "runtime-socket",
	  .kind = HC_OPT_STRS,
	  .off = OFF(runtime_socket),
	  .value = "[KIND=]PATH",
	  .help = "ask container runtimes on this socket for what their files lack (auto: on the usual ones; off)",
	  .complete = HC_COMPLETE_FILE,
	  .check = hc_cli_socket_check },
	{ .name = "mask-rules",
	  .kind = HC_OPT_STRS,
	  .off = OFF(mask_rules),
	  .value = "FILE",
	  .help = "mask secrets by the rules of this file too",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "no-mask",
	  .kind = HC_OPT_FLAG,
	  .off = OFF(no_mask),
	  .help = "write arguments, environments and payloads as they are, with secrets" },
	{ .name = "group",
	  .kind = HC_OPT_STR,
	  .off = OFF(group),
	  .value = "NAME",
	  .help = "let this group read the capture (its owner alone)",
	  .check = hc_cli_group_check },
	{ .name = "retain-size",
	  .kind = HC_OPT_SIZE,
	  .off = OFF(retain_bytes),
	  .value = "SIZE",
	  .help = "remove the oldest segments beyond this size in all, bulk first (20GiB; 0: no limit)",
	  .flags = HC_OPT_LIVE },
	{ .name = "retain-age",
	  .kind = HC_OPT_DURATION,
	  .off = OFF(retain_ns),
	  .value = "DURATION",
	  .help = "remove segments older than this (0: no limit)",
	  .flags = HC_OPT_LIVE },
	{ .name = "retain-bulk-size",
	  .kind = HC_OPT_SIZE,
	  .off = OFF(retain_bulk_bytes),
	  .value = "SIZE",
	  .help = "the same for the stream of reads, writes and the like alone (0: no limit)",
	  .flags = HC_OPT_LIVE },
	{ .name = "retain-bulk-age",
	  .kind = HC_OPT_DURATION,
	  .off = OFF(retain_bulk_ns),
	  .value = "DURATION",
	  .help = "the same for the stream of reads, writes and the like alone (0: no limit)",
	  .flags = HC_OPT_LIVE },
	{ .name = "retain-security-size",
	  .kind = HC_OPT_SIZE,
	  .off = OFF(retain_security_bytes),
	  .value = "SIZE",
	  .help = "the same for the stream of all else alone, so that room is left to bulk (0: no limit)",
	  .flags = HC_OPT_LIVE },
	{ .name = "keep-free",
	  .kind = HC_OPT_SHARE,
	  .off = OFF(keep_free),
	  .value = "SHARE",
	  .help = "leave this much of the file system free, by removing old segments (5%; 0: no limit)",
	  .flags = HC_OPT_LIVE },
	{ .name = "max-cpu",
	  .kind = HC_OPT_SHARE,
	  .off = OFF(max_cpu),
	  .value = "SHARE",
	  .help = "shed detail, reads and writes first, while the recorder uses more than this of one processor "
	          "(0: no limit)",
	  .check = check_max_cpu,
	  .flags = HC_OPT_LIVE },
	{ .name = "segment-size",
	  .kind = HC_OPT_SIZE,
	  .off = OFF(segment_bytes),
	  .value = "SIZE",
	  .min = 4096,
	  .max = UINT64_C(1) << 32,
	  .help = "begin a new segment at this size (64MiB)" },
	{ .name = "segment-time",
	  .kind = HC_OPT_DURATION,
	  .off = OFF(segment_ns),
	  .value = "DURATION",
	  .min = 1000000000,
	  .max = UINT64_C(86400) * 1000000000,
	  .help = "begin a new segment after this time (5m)" },
	{ .name = "pin",
	  .kind = HC_OPT_STR,
	  .off = OFF(pin),
	  .value = "DIR",
	  .help = "let programs and rings outlive the process here, in a BPF file system, for the next recorder "
	          "(auto: kept by the service manager, else in " HC_RECORDER_PIN "; none: nowhere)",
	  .complete = HC_COMPLETE_DIR },
	{ .name = "hold",
	  .kind = HC_OPT_FLAG,
	  .off = OFF(hold),
	  .help = "leave the programs attached after SIGTERM, so that a restart loses nothing" },
	{ .name = "control",
	  .kind = HC_OPT_STR,
	  .off = OFF(control),
	  .value = "PATH",
	  .help = "answer `hindcast capture` on this socket (" HC_CONTROL_DEFAULT_PATH "; none: on no socket)",
	  .check = check_control,
	  .complete = HC_COMPLETE_FILE },
	{ .name = "control-group",
	  .kind = HC_OPT_STR,
	  .off = OFF(control_group),
	  .value = "GROUP",
	  .help = "let members of this group ask there too, not only root",
	  .check = hc_cli_group_check },
	{ .name = "metrics",
	  .kind = HC_OPT_STR,
	  .off = OFF(metrics),
	  .value = "ADDRESS",
	  .help = "serve metrics and health on PORT (of 127.0.0.1), IP:PORT, *:PORT or this Unix socket (none)",
	  .complete = HC_COMPLETE_FILE,
	  .check = check_metrics },
	{ .name = "trigger-policy",
	  .kind = HC_OPT_STRS,
	  .off = OFF(trigger.policies),
	  .value = "POLICY",
	  .help = "start a capture when a rule of this file, or of the *.yaml files of this directory, fires",
	  .complete = HC_COMPLETE_FILE,
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-rule",
	  .kind = HC_OPT_STRS,
	  .off = OFF(trigger.rules),
	  .value = "NAME",
	  .help = "of these rules only; * stands for any text (all that are enabled)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-tag",
	  .kind = HC_OPT_STRS,
	  .off = OFF(trigger.tags),
	  .value = "TAG",
	  .help = "of the rules with this tag, and those named",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-min-priority",
	  .kind = HC_OPT_CHOICE,
	  .off = OFF(trigger.min_priority),
	  .value = "PRIORITY",
	  .words = HC_TRIGGER_PRIORITY_WORDS,
	  .help = "leave out rules below this priority (debug)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-pre",
	  .kind = HC_OPT_DURATION,
	  .off = OFF(trigger.what.pre_ns),
	  .value = "DURATION",
	  .help = "keep this much of the past with it (5m)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-for",
	  .kind = HC_OPT_DURATION,
	  .off = OFF(trigger.what.for_ns),
	  .value = "DURATION",
	  .min = 1000000,
	  .help = "end it after this time (10m)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-keep",
	  .kind = HC_OPT_DURATION,
	  .off = OFF(trigger.what.keep_ns),
	  .value = "DURATION",
	  .help = "delete it this long after its end (7d; 0: never)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-detail",
	  .kind = HC_OPT_STR,
	  .off = OFF(trigger.what.detail),
	  .value = "PROFILE",
	  .help = "record its scope with this profile meanwhile (the recorder's)",
	  .check = hc_trigger_detail_check,
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-scope",
	  .kind = HC_OPT_CHOICE,
	  .off = OFF(trigger.what.scope),
	  .value = "SCOPE",
	  .words = HC_TRIGGER_SCOPE_WORDS,
	  .help = "what of the event it is about (auto: its container, else its process)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-cooldown",
	  .kind = HC_OPT_DURATION,
	  .off = OFF(trigger.what.cooldown_ns),
	  .value = "DURATION",
	  .help = "start none by the same rule in the same place for this time (10m)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-max-hour",
	  .kind = HC_OPT_U64,
	  .off = OFF(trigger.max_hour),
	  .value = "N",
	  .min = 1,
	  .max = HC_TRIGGER_MAX_HOUR,
	  .help = "start no more than so many an hour (6)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-max-running",
	  .kind = HC_OPT_U64,
	  .off = OFF(trigger.max_running),
	  .value = "N",
	  .min = 1,
	  .max = HC_CAPTURES_MAX,
	  .help = "let no more than so many run at once (4)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-max-pinned",
	  .kind = HC_OPT_SHARE,
	  .off = OFF(trigger.max_pinned),
	  .value = "SHARE",
	  .help = "start none, and end those that run, while all captures keep more than this (30% of "
	          "retain-size; 0: no limit)",
	  .flags = HC_OPT_LIVE },
	{ .name = "trigger-max-cpu",
	  .kind = HC_OPT_SHARE,
	  .off = OFF(trigger.max_cpu),
	  .value = "SHARE",
	  .help = "evaluate rules with no more than this share of one processor (20%)",
	  .flags = HC_OPT_LIVE },
	{ .name = "triggers",
	  .kind = HC_OPT_STRS,
	  .off = OFF(trigger.each),
	  .value = "RULE",
	  .help = "what is different for a rule: 'rule=NAME; pre=1m; for=1h; keep=, cooldown=, scope=, detail=; "
	          "off'",
	  .check = hc_trigger_each_check,
	  .flags = HC_OPT_LIVE | HC_OPT_MAPS },
	{ .name = "kube",
	  .kind = HC_OPT_STR,
	  .off = OFF(kube),
	  .value = "WHERE",
	  .help = "ask the Kubernetes API for this node's pods and for captures: auto, where this is a pod with a "
	          "token; "
	          "https://HOST[:PORT]; off (off)",
	  .check = check_kube },
	{ .name = "kube-node",
	  .kind = HC_OPT_STR,
	  .off = OFF(kube_node),
	  .value = "NAME",
	  .help = "set the name of this node in the cluster ($NODE_NAME, else the host's name)" },
	{ .name = "kube-token",
	  .kind = HC_OPT_STR,
	  .off = OFF(kube_token),
	  .value = "FILE",
	  .help = "read the token for the API from this file, again for each request (the service account's; "
	          "none: send none)",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "kube-ca",
	  .kind = HC_OPT_STR,
	  .off = OFF(kube_ca),
	  .value = "FILE",
	  .help = "trust the API server by the certificates of this file alone (the service account's)",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "kube-namespace",
	  .kind = HC_OPT_STR,
	  .off = OFF(kube_namespace),
	  .value = "NAME",
	  .help = "tell of captures of the whole cluster in this namespace ($POD_NAMESPACE, else hindcast)" },
	{ .name = "kube-spread",
	  .kind = HC_OPT_DURATION,
	  .off = OFF(kube_spread_ns),
	  .value = "DURATION",
	  .max = UINT64_C(3600) * 1000000000,
	  .help = "wait up to this, at random, before the first request to the API (30s)" },
	{ .name = "log-level",
	  .kind = HC_OPT_CHOICE,
	  .off = OFF(log_level),
	  .value = "LEVEL",
	  .words = "error|warn|info|debug",
	  .help = "log what is at least this important (info)",
	  .flags = HC_OPT_LIVE },
	{ .name = "log-format",
	  .kind = HC_OPT_CHOICE,
	  .off = OFF(log_format),
	  .value = "FORMAT",
	  .words = "logfmt|json",
	  .help = "log key=value lines or JSON objects (logfmt)",
	  .flags = HC_OPT_LIVE },
	{ 0 },
};

void hc_recorder_args_init(struct hc_recorder_args *a)
{
	*a = (struct hc_recorder_args){ .dir = "/var/lib/hindcast",
		                        .control = HC_CONTROL_DEFAULT_PATH,
		                        .kube = "off",
		                        .kube_spread_ns = UINT64_C(30000000000),
		                        .metrics = "none",
		                        .pin = "auto",
		                        .profile = HC_PROFILE_SECURITY,
		                        .log_level = HC_LOG_INFO,
		                        .retain_bytes = DEFAULT_RETAIN_BYTES,
		                        .keep_free.permille = DEFAULT_KEEP_FREE_PERMILLE };
	hc_trigger_args_init(&a->trigger);
}

void hc_recorder_args_done(struct hc_recorder_args *a)
{
	hc_strs_done(&a->exclude);
	hc_strs_done(&a->mask_rules);
	hc_strs_done(&a->container_root);
	hc_strs_done(&a->runtime_socket);
	hc_trigger_args_done(&a->trigger);
}

int hc_recorder_args_check(const struct hc_recorder_args *a, struct hc_err *err)
{
	if (strcmp(a->pin, "none") == 0 && (a->take_over || a->hold || a->unpin))
		return hc_err_set(err, -EINVAL, "%s needs pin",
		                  a->take_over ? "take-over"
		                  : a->hold    ? "hold"
		                               : "unpin");
	if (a->exclude.n > HC_MAX_EXCLUDES)
		return hc_err_set(err, -EINVAL, "exclude: at most %d of them", HC_MAX_EXCLUDES);
	if (a->retain_bytes && a->retain_bulk_bytes > a->retain_bytes)
		return hc_err_set(err, -EINVAL, "retain-bulk-size is more than retain-size");
	if (a->retain_bytes && a->retain_security_bytes > a->retain_bytes)
		return hc_err_set(err, -EINVAL, "retain-security-size is more than retain-size");
	if (a->retain_ns && a->retain_bulk_ns > a->retain_ns)
		return hc_err_set(err, -EINVAL, "retain-bulk-age is more than retain-age");
	return hc_trigger_args_check(&a->trigger, err);
}

/* " name=value"; nothing for a limit that is not there. */
static void put_limit(char *text, size_t room, const char *name, uint64_t v,
                      void (*show)(uint64_t, char *, size_t))
{
	size_t n = strlen(text);
	char value[32];

	if (!v)
		return;
	show(v, value, sizeof(value));
	snprintf(text + n, room - n, "%s%s=%s", n ? " " : "", name, value);
}

struct hc_retain_rules hc_recorder_retain(const struct hc_recorder_args *a, char *text, size_t room)
{
	struct hc_retain_rules r = {
		.all = { a->retain_bytes, a->retain_ns },
		.stream[HC_STREAM_BULK] = { a->retain_bulk_bytes, a->retain_bulk_ns },
		.stream[HC_STREAM_SECURITY] = { a->retain_security_bytes, 0 },
		.keep_free_bytes = a->keep_free.bytes,
		.keep_free_permille = a->keep_free.permille,
	};
	size_t n;

	text[0] = '\0';
	put_limit(text, room, "size", a->retain_bytes, hc_show_size);
	put_limit(text, room, "age", a->retain_ns, hc_show_duration);
	put_limit(text, room, "bulk-size", a->retain_bulk_bytes, hc_show_size);
	put_limit(text, room, "bulk-age", a->retain_bulk_ns, hc_show_duration);
	put_limit(text, room, "security-size", a->retain_security_bytes, hc_show_size);
	put_limit(text, room, "keep-free", a->keep_free.bytes, hc_show_size);
	n = strlen(text);
	if (a->keep_free.permille)
		snprintf(text + n, room - n, "%skeep-free=%u.%u%%", n ? " " : "", a->keep_free.permille / 10,
		         a->keep_free.permille % 10);
	return r;
}
