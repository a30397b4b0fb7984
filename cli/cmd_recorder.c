/* hindcast recorder: the recorder that always runs, as a service. Options come from a file and from the command
 * line, which counts more; both are read again on SIGHUP. */
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/captures.h"
#include "capture/cluster.h"
#include "capture/control.h"
#include "capture/daemon.h"
#include "capture/metrics.h"
#include "capture/record.h"
#include "config.h"
#include "exclude_arg.h"
#include "record_arg.h"
#include "recorder_arg.h"
#include "store/base/file.h"
#include "trigger.h"

/* Options in force, and what their texts lie in. */
struct settings {
	struct hc_recorder_args args;
	struct hc_config *config; /* NULL: no file */
	char retain_text[256];
	struct hc_retain_rules retain;
};

/* All that the daemon refers to. */
struct recorder {
	int argc;
	char **argv;         /* as given */
	struct settings set; /* what the recording was begun with ... */
	struct settings now; /* ... and what live options are since a reload; nothing before the first */
	bool reloaded;
	struct hc_excludes excludes;
	struct hc_trigger *trigger; /* NULL until the recording begins */
	struct hc_log log;
};

static void settings_done(struct settings *s)
{
	hc_recorder_args_done(&s->args);
	s->config = hc_config_free(s->config);
}

/* The command line alone; a usage error is printed. HC_CLI_GO or an exit code. */
static int parse_argv(int argc, char **argv, struct hc_recorder_args *args)
{
	char **copy = calloc((size_t)argc + 1, sizeof(*copy)); /* the parser reorders */
	struct hc_operands operands;
	int code;

	if (!copy)
		return hc_cli_usage(&hc_cmd_recorder, "out of memory");
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	code = hc_cli_parse(&hc_cmd_recorder, argc, copy, args, &operands);
	if (code == HC_CLI_GO && operands.n)
		code = hc_cli_usage(&hc_cmd_recorder, "unexpected operand '%s'", operands.v[0]);
	free(copy);
	return code;
}

/* The file's options, and those of the command line over them. *ret_exit: HC_CLI_GO, or the exit code after a
 * usage error or --help. */
static int settings_read(struct settings *s, int argc, char **argv, int *ret_exit, struct hc_err *err)
{
	struct hc_recorder_args first;
	const char *path;
	int code;

	memset(s, 0, sizeof(*s));
	hc_recorder_args_init(&first);
	*ret_exit = parse_argv(argc, argv, &first);
	if (*ret_exit != HC_CLI_GO)
		return 0;
	path = first.config ? first.config : access(HC_RECORDER_CONFIG, F_OK) == 0 ? HC_RECORDER_CONFIG : NULL;
	hc_recorder_args_done(&first);
	hc_recorder_args_init(&s->args);
	code = path ? hc_config_load(hc_recorder_opts, path, &s->args, &s->config, err) : 0;
	if (code < 0)
		return code;
	*ret_exit = parse_argv(argc, argv, &s->args);
	if (*ret_exit != HC_CLI_GO)
		return 0;
	s->retain = hc_recorder_retain(&s->args, s->retain_text, sizeof(s->retain_text));
	return hc_recorder_args_check(&s->args, err);
}

/* ---- reloading ---- */

static const struct settings *in_force(const struct recorder *rec)
{
	return rec->reloaded ? &rec->now : &rec->set;
}

/* Logs each option whose value has changed, and whether that takes effect before the next start. */
static void log_changes(struct recorder *rec, const struct hc_recorder_args *new)
{
	for (const struct hc_opt *opt = hc_recorder_opts; opt->name; opt++) {
		bool live = opt->flags & HC_OPT_LIVE;

		if (hc_opt_equal(opt, live ? &in_force(rec)->args : &rec->set.args, new))
			continue;
		if (live)
			hc_log(&rec->log, HC_LOG_INFO, "an option was changed", HC_LOG_STR("option", opt->name));
		else
			hc_log(&rec->log, HC_LOG_WARN, "an option was changed that takes effect at the next start",
			       HC_LOG_STR("option", opt->name));
	}
}

/* Puts the live options of a reload into force. The others are in `now` with their new values as well, but those
 * are read from `set` alone, which the recording was begun with. */
static int apply(struct recorder *rec, struct hc_daemon *d, struct settings *take_new, struct hc_err *err)
{
	bool changed = strcmp(take_new->retain_text, in_force(rec)->retain_text) != 0;
	int code;

	rec->log.level = (enum hc_log_level)take_new->args.log_level;
	rec->log.format = (enum hc_log_format)take_new->args.log_format;
	log_changes(rec, &take_new->args);
	settings_done(&rec->now);
	rec->now = *take_new;
	rec->reloaded = true;
	code = hc_record_set_max_cpu(hc_daemon_record(d), rec->now.args.max_cpu.permille / 1000.0, err);
	if (code == 0 && changed)
		code = hc_record_set_retain(hc_daemon_record(d), &rec->now.retain, rec->now.retain_text, err);
	/* last, because how that ends is known later, and is to be counted once */
	return code < 0 ? code : hc_trigger_reload(rec->trigger, &rec->now.args.trigger, err);
}

static int reload(void *ctx, struct hc_daemon *d, struct hc_err *err)
{
	struct recorder *rec = ctx;
	struct settings new;
	int exit_code, code = settings_read(&new, rec->argc, rec->argv, &exit_code, err);

	if (code == 0 && exit_code != HC_CLI_GO)
		code = hc_err_set(err, -ENOMEM, "the options cannot be read again");
	if (code == 0)
		return apply(rec, d, &new, err);
	settings_done(&new);
	return code;
}

/* ---- running ---- */

static const char *first_of(const char *given, const char *env, const char *otherwise)
{
	const char *value = given ? given : getenv(env);

	return value && *value ? value : otherwise;
}

/* The API client that the options ask for; *ret stays NULL where there is none to be. */
static int cluster_new(struct recorder *rec, struct hc_captures *captures, struct hc_cluster **ret,
                       struct hc_err *err)
{
	const struct hc_recorder_args *a = &rec->set.args;
	bool is_auto = strcmp(a->kube, "auto") == 0;
	struct hc_cluster_opts o;
	char host[256] = "";

	if (strcmp(a->kube, "off") == 0)
		return 0;
	hc_cluster_opts_init(&o);
	if (is_auto && (!getenv("KUBERNETES_SERVICE_HOST") ||
	                access(a->kube_token ? a->kube_token : HC_KUBE_TOKEN_FILE, R_OK) < 0)) {
		hc_log(&rec->log, HC_LOG_INFO, "the Kubernetes API is not asked: this is no pod with a token");
		return 0;
	}
	(void)gethostname(host, sizeof(host) - 1);
	o.kube.url = is_auto ? NULL : a->kube;
	o.kube.node = first_of(a->kube_node, "NODE_NAME", host);
	o.kube.ca_file = a->kube_ca;
	o.kube.token_file = a->kube_token && strcmp(a->kube_token, "none") == 0 ? "" : a->kube_token;
	o.kube.start_spread_ms = (uint32_t)(a->kube_spread_ns / 1000000);
	o.ns = first_of(a->kube_namespace, "POD_NAMESPACE", "hindcast");
	o.version = HC_VERSION;
	o.profile = (enum hc_profile)a->profile;
	o.snaplen = (uint32_t)a->snaplen;
	o.captures = captures;
	return hc_cluster_new(&o, ret, err);
}

/* cluster NULL: no API server is asked, and the metrics say so. */
static void kube_metrics(void *cluster, struct hc_metrics_out *out)
{
	hc_metrics_kube(cluster ? hc_cluster_kube(cluster) : NULL, out);
}

static const char *pin_root(const struct hc_recorder_args *a)
{
	return strcmp(a->pin, "none") == 0 ? NULL : strcmp(a->pin, "auto") == 0 ? HC_RECORDER_PIN : a->pin;
}

/* Tries, while another recorder is still at work, what would end this one if it failed after the take-over: then
 * nobody would record. */
static int try_before_take_over(const char *dir, struct hc_control *control, struct hc_metrics *metrics,
                                struct hc_err *err)
{
	HC_AUTO(hc_captures_free) struct hc_captures *captures = hc_captures_new();
	int code = captures ? hc_captures_load(captures, dir, err) : hc_err_set(err, -ENOMEM, "out of memory");

	if (code >= 0 && control)
		code = hc_control_try(control, err);
	if (code >= 0 && metrics)
		code = hc_metrics_try(metrics, err);
	return code;
}

/* Takes the rules of triggers; NULL: none. */
static int record(struct recorder *rec, struct hc_mask *mask, const gid_t *group, struct hc_trigger_set *rules)
{
	const struct hc_recorder_args *a = &rec->set.args;
	struct hc_privilege_opts keep = { .serves = true, .raises = true };
	HC_AUTO(hc_captures_free) struct hc_captures *captures = NULL;
	HC_AUTO(hc_control_free) struct hc_control *control = NULL;
	HC_AUTO(hc_cluster_free) struct hc_cluster *cluster = NULL;
	HC_AUTO(hc_metrics_free) struct hc_metrics *metrics = NULL;
	HC_AUTO(hc_trigger_free) struct hc_trigger *trigger = NULL;
	HC_AUTO(hc_daemon_free) struct hc_daemon *d = NULL;
	struct hc_metrics_opts mo = { .address = a->metrics, .group = a->control_group, .version = HC_VERSION };
	struct hc_control_opts co = { .path = a->control, .group = a->control_group, .dir = a->dir };
	struct hc_daemon_opts o = {
		.record = { .dir = a->dir,
		            .tool = "hindcast " HC_VERSION,
		            .profile = (enum hc_profile)a->profile,
		            .snaplen = (uint32_t)a->snaplen,
		            .hash_exe = a->hash_exe,
		            .ring_bytes = a->ring_bytes,
		            .mask = mask,
		            .group = group,
		            .may_raise = true,
		            .max_cpu = a->max_cpu.permille / 1000.0,
		            .privilege = &keep,
		            .exclude = rec->excludes.x,
		            .exclude_types = rec->excludes.has_types ? &rec->excludes.types : NULL,
		            .exclude_text = rec->excludes.text,
		            .retain = &rec->set.retain,
		            .retain_text = rec->set.retain_text,
		            .go_on = true,
		            .segment_bytes = a->segment_bytes,
		            .segment_ns = a->segment_ns,
		            .pin_root = pin_root(a),
		            .take_over = a->take_over,
		            .hold = a->hold,
		            .log = &rec->log },
		.pin_by_manager = strcmp(a->pin, "auto") == 0,
		.log = &rec->log,
		.reload = reload,
		.ctx = rec,
	};
	struct hc_err err = { 0 };
	int code;

	rec->log = (struct hc_log){ .fd = STDERR_FILENO,
		                    .level = (enum hc_log_level)a->log_level,
		                    .format = (enum hc_log_format)a->log_format };
	hc_cli_containers_put(&a->container_root, &a->runtime_socket, &o.record);
	captures = hc_captures_new();
	co.captures = mo.captures = captures;
	code = captures ? 0 : hc_err_set(&err, -ENOMEM, "out of memory");
	if (code >= 0)
		code = hc_trigger_new(hc_steal(rules), &a->trigger, a->dir, captures, &rec->log, &trigger, &err);
	rec->trigger = trigger;
	hc_trigger_set_free(rules);
	if (code >= 0 && strcmp(a->control, "none") != 0)
		code = hc_control_new(&co, &control, &err);
	if (code >= 0 && strcmp(a->metrics, "none") != 0)
		code = hc_metrics_new(&mo, &metrics, &err);
	if (code >= 0)
		code = cluster_new(rec, captures, &cluster, &err);
	o.record.pods = cluster != NULL;
	keep.inet = cluster || (metrics && a->metrics[0] != '/');
	if (code >= 0 && a->take_over)
		code = try_before_take_over(a->dir, control, metrics, &err);
	if (code >= 0)
		code = hc_daemon_new(&o, &d, &err);
	if (code >= 0) /* not before: another recorder may have written there till now */
		code = hc_captures_load(captures, a->dir, &err);
	if (code >= 0 && control)
		code = hc_control_listen(control, &err);
	if (code >= 0 && metrics)
		code = hc_metrics_listen(metrics, &err);
	if (code >= 0) {
		hc_daemon_add(d, hc_captures_part(captures));
		hc_daemon_add(d, hc_trigger_part(trigger));
		if (control)
			hc_daemon_add(d, hc_control_part(control));
		if (cluster)
			hc_daemon_add(d, hc_cluster_part(cluster));
		if (metrics) {
			(void)hc_metrics_add(metrics, hc_trigger_metrics, trigger);
			(void)hc_metrics_add(metrics, kube_metrics, cluster);
			hc_daemon_add(d, hc_metrics_part(metrics));
		}
		code = hc_captures_pin(captures, hc_daemon_record(d));
		if (code < 0)
			hc_err_set(&err, code, "out of memory");
	}
	if (code < 0 && d)
		hc_record_note_waiting(hc_daemon_record(d), &err);
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

static void say_unanswerable(void *ctx, const char *rule, const char *reason)
{
	(void)ctx;
	hc_cli_warn("the rule '%s' cannot be answered: %s", rule, reason);
}

static void say_unmatched(void *ctx, const char *option, const char *value)
{
	(void)ctx;
	hc_cli_warn("%s: '%s' fits no rule", option, value);
}

/* What --check-config says of the rules of triggers: those that the profile leaves without an answer, and what is
 * about rules that are not there. */
static int check_rules(const struct hc_recorder_args *a, struct hc_trigger_set *rules)
{
	HC_AUTO(hc_facts_free) struct hc_facts *facts = NULL;
	struct hc_err err = { 0 };
	int r = hc_facts_planned(a->profile, &facts, &err);

	if (r == 0)
		r = hc_trigger_set_unanswerable(rules, facts, say_unanswerable, NULL, &err);
	if (r < 0)
		return hc_cli_error(&hc_cmd_recorder, &err);
	r += (int)hc_trigger_set_unmatched(rules, say_unmatched, NULL);
	return r ? HC_EXIT_FOUND : HC_EXIT_OK;
}

/* --unpin */
static int unpin(const struct hc_recorder_args *a)
{
	struct hc_err err = { 0 };
	unsigned n, n_used;

	if (hc_record_unpin(pin_root(a), &n, &n_used, &err) < 0)
		return hc_cli_error(&hc_cmd_recorder, &err);
	hc_cli_print_text(stdout, pin_root(a), strlen(pin_root(a)));
	printf(": %u removed, %u in use\n", n, n_used);
	return HC_EXIT_OK;
}

/* Token and certificates are read again and again while recording, and may not be there yet. What is there must
 * be a file that can be read without waiting, not a directory or a FIFO. */
static int check_kube_files(const struct hc_recorder_args *a)
{
	const char *const files[] = { a->kube_token, a->kube_ca };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct hc_err err = { 0 };
		int fd = files[i] && strcmp(files[i], "none") != 0 ? hc_file_open(files[i], &err) : -ENOENT;

		if (fd >= 0)
			close(fd);
		if (fd == -EINVAL)
			return hc_cli_error(&hc_cmd_recorder, &err);
	}
	return HC_CLI_GO;
}

/* What the options name: files, a group, directories. */
static int run_with(struct recorder *rec)
{
	const struct hc_recorder_args *a = &rec->set.args;
	HC_AUTO(hc_mask_free) struct hc_mask *mask = NULL;
	HC_AUTO(hc_trigger_set_free) struct hc_trigger_set *rules = NULL;
	gid_t group;
	int code;

	if (a->unpin)
		return unpin(a);
	code = hc_cli_containers(&hc_cmd_recorder, &a->container_root, &a->runtime_socket);
	if (code == HC_CLI_GO && a->group)
		code = hc_cli_group(&hc_cmd_recorder, a->group, &group);
	if (code == HC_CLI_GO)
		code = hc_cli_mask(&hc_cmd_recorder, &a->mask_rules, a->no_mask, &mask);
	if (code == HC_CLI_GO)
		code = check_kube_files(a);
	if (code == HC_CLI_GO && a->trigger.policies.n)
		code = hc_cli_trigger_set(&hc_cmd_recorder, &a->trigger, a->check_config, &rules);
	if (code != HC_CLI_GO)
		return code;
	if (a->check_config)
		return rules ? check_rules(a, rules) : HC_EXIT_OK;
	return record(rec, mask, a->group ? &group : NULL, hc_steal(rules));
}

static int run(int argc, char **argv)
{
	struct recorder rec = { .argc = argc, .argv = argv };
	struct hc_err err = { 0 };
	int exit_code, code = settings_read(&rec.set, argc, argv, &exit_code, &err);

	if (code == 0 && exit_code == HC_CLI_GO)
		code = hc_excludes_init(&rec.excludes, &rec.set.args.exclude, &err);
	if (code < 0)
		exit_code = hc_cli_error(&hc_cmd_recorder, &err);
	else if (exit_code == HC_CLI_GO)
		exit_code = run_with(&rec);
	hc_excludes_done(&rec.excludes);
	settings_done(&rec.set);
	settings_done(&rec.now);
	return exit_code;
}

static const struct hc_example examples[] = {
	{ .what = "keep recording into /var/lib/hindcast, until stopped", .command = "hindcast recorder" },
	{ .what = "keep a month, reads and writes for a day, in 50 GiB at most",
	  .command = "hindcast recorder --retain-age 30d --retain-bulk-age 24h --retain-size 50GiB" },
	{ .what = "keep what leads to an alert and what follows it",
	  .command = "hindcast recorder --trigger-policy rules.yaml --trigger-pre 5m --trigger-for 30m" },
	{ .what = "see whether a configuration file is right",
	  .command = "hindcast recorder --config recorder.yaml --check-config" },
	{ 0 },
};

const struct hc_command hc_cmd_recorder = {
	.name = "recorder",
	.args = "[--config FILE] [--dir DIR] [--profile NAME] [--retain-size SIZE] [--retain-age DURATION] "
		"[--exclude WHAT]... [--trigger-policy POLICY]...",
	.summary = "record for months, as a service",
	.description =
		"Records what the processes of this machine do until SIGTERM or SIGINT, and removes the oldest of "
		"it "
		"as the limits say: whole segments, those of the bulk stream (reads, writes, mappings) first. "
		"What was "
		"removed stands in meta_filter rows. A capture of this machine in DIR is continued; a second "
		"recorder "
		"on the same directory is refused, or takes over from the first with --take-over. What happens "
		"between a kill or a restart and the next start waits in the kernel (--pin, --hold).\n\n"
		"Every option is also a key of the configuration file, `retain-age: 30d`; options given here "
		"count "
		"more. SIGHUP reads both again: the limits, the budget and the log change at once, other options "
		"at the next "
		"start, which the log says.\n\n"
		"A disk that is full or does not take what is written does not end the recording: bulk is "
		"removed, and "
		"what cannot be written is counted and stands in meta_gap rows.\n\n"
		"While it runs, `hindcast capture` keeps spans of the recording under a name, the last minutes "
		"included; and so does each rule of --trigger-policy that fires.\n\n"
		"It logs to standard error, one line a message, and tells the service manager of its state "
		"(sd_notify, watchdog). It needs what `hindcast record` needs.",
	.opts = hc_recorder_opts,
	.examples = examples,
	.exit_notes =
		"1: --check-config found rules of --trigger-policy that cannot be answered by what the profile "
		"records, or options about rules that are not there. 2: an option, the configuration or a policy "
		"is wrong",
	.run = run,
};
