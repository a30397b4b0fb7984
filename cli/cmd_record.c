/* hindcast record: from the running kernel into a capture, until told to stop. */
#include "capture_arg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/mask.h"
#include "capture/record.h"
#include "exclude_arg.h"
#include "query/json.h"
#include "record_arg.h"
#include "store/base/clock.h"

#define STEP_MS 50

struct args {
	const char *dir;
	uint64_t for_ns;
	unsigned profile;
	uint64_t snaplen, ring_bytes;
	struct hc_strs exclude, container_root, runtime_socket;
	const char *group;
	struct hc_strs mask_rules;
	bool no_mask, hash_exe, quiet, json;
};

static const struct hc_opt opts[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, dir),
	  .value = "DIR",
	  .help = "write the capture into this directory",
	  .complete = HC_COMPLETE_DIR },
	{ .name = "for",
	  .kind = HC_OPT_DURATION,
	  .off = offsetof(struct args, for_ns),
	  .value = "DURATION",
	  .help = "stop after this time",
	  .min = 1 },
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
	{ .name = "container-root",
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, container_root),
	  .value = "KIND=DIR",
	  .help = "read the state of container runtimes here, not in the usual places; none: nowhere",
	  .check = hc_cli_root_check },
	{ .name = "runtime-socket",
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, runtime_socket),
	  .value = "[KIND=]PATH",
	  .help = "ask container runtimes on this socket for what their files lack (auto: on the usual ones; off)",
	  .complete = HC_COMPLETE_FILE,
	  .check = hc_cli_socket_check },
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
	{ .name = "mask-rules",
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, mask_rules),
	  .value = "FILE",
	  .help = "mask secrets by the rules of this file too",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "no-mask",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, no_mask),
	  .help = "write arguments, environments and payloads as they are, with secrets" },
	{ .name = "group",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, group),
	  .value = "NAME",
	  .help = "let this group read the capture (its owner alone)",
	  .check = hc_cli_group_check },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, quiet),
	  .help = "print neither progress nor summary" },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "print the summary as one JSON object" },
	{ 0 },
};

static volatile sig_atomic_t stop_signal, child_changed;

static void on_signal(int sig)
{
	if (sig == SIGCHLD)
		child_changed = 1;
	else
		stop_signal = sig;
}

static void catch_signals(bool on)
{
	struct sigaction sa = { .sa_handler = on ? on_signal : SIG_DFL }; /* no SA_RESTART: waiting ends */
	struct sigaction old;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* nohup */
		sigaction(SIGHUP, &sa, NULL);
	sa.sa_flags = SA_NOCLDSTOP;
	sigaction(SIGCHLD, &sa, NULL);
}

/* ---- the command to run ---- */

struct child {
	pid_t pid;   /* 0: none, or ended */
	int go_fd;   /* a byte lets it exec; -1 */
	int fail_fd; /* errno of an exec that failed comes here; -1 */
	int status;
	bool ended;
};

/* Forks now, so that it is there when recording begins, and waits for the word. */
static int child_fork(struct child *c, char **argv)
{
	int go[2], fail[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(fail, O_CLOEXEC) < 0) {
		int code = -errno;

		close(go[0]);
		close(go[1]);
		return code;
	}
	fflush(NULL);
	c->pid = fork();
	if (c->pid == 0) {
		char byte;
		int code;

		close(go[1]);
		signal(SIGPIPE, SIG_DFL);
		signal(SIGXFSZ, SIG_DFL);
		if (read(go[0], &byte, 1) != 1)
			_exit(127); /* the recorder ended before it began */
		execvp(argv[0], argv);
		code = errno;
		(void)!write(fail[1], &code, sizeof(code));
		_exit(127);
	}
	c->go_fd = go[1];
	c->fail_fd = fail[0];
	close(go[0]);
	close(fail[1]);
	return c->pid < 0 ? -errno : 0;
}

/* Lets it go; 0, or the errno with which exec failed. */
static int child_go(struct child *c)
{
	int code = 0;

	(void)!write(c->go_fd, "", 1);
	close(c->go_fd);
	c->go_fd = -1;
	while (read(c->fail_fd, &code, sizeof(code)) < 0 && errno == EINTR)
		;
	close(c->fail_fd);
	c->fail_fd = -1;
	return code;
}

static void child_look(struct child *c)
{
	if (c->pid > 0 && waitpid(c->pid, &c->status, WNOHANG) == c->pid) {
		c->ended = true;
		c->pid = 0;
	}
}

static void child_done(struct child *c)
{
	if (c->go_fd >= 0)
		close(c->go_fd);
	if (c->fail_fd >= 0)
		close(c->fail_fd);
	if (c->pid > 0) { /* the recording ends: so does what it was made for */
		kill(c->pid, SIGTERM);
		while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
			;
		c->ended = true;
	}
}

static void child_text(const struct child *c, char *buf, size_t room)
{
	if (WIFEXITED(c->status))
		snprintf(buf, room, "ended with status %d", WEXITSTATUS(c->status));
	else if (WIFSIGNALED(c->status))
		snprintf(buf, room, "was killed by signal %d (%s)", WTERMSIG(c->status),
		         strsignal(WTERMSIG(c->status)));
	else
		snprintf(buf, room, "ended");
}

/* ---- what it says ---- */

static void progress(struct hc_record *r, bool last)
{
	struct hc_record_summary s;
	char events[32], lost[32], bytes[32], span[48];

	if (last) {
		fputs("\r\033[K", stderr);
		return;
	}
	s = hc_record_summary(r);
	fprintf(stderr, "\r\033[Krecording %s: %s events, %s lost, %s", hc_span_text(s.lasted_ns, span),
	        hc_count_text(s.n_rows, events), hc_count_text(s.n_lost, lost), hc_bytes_text(s.bytes, bytes));
	fflush(stderr);
}

struct class_line {
	const char *name, *what;
	unsigned cls;
};

static const struct class_line classes[] = {
	{ "proc", "exec, fork, exit, signals", HC_CLASS_PROC },
	{ "cred", "users, capabilities, namespaces", HC_CLASS_CRED },
	{ "kernel", "modules, bpf, ptrace, mounts", HC_CLASS_KERNEL },
	{ "ctr", "cgroups, containers, accounts", HC_CLASS_CTR },
	{ "net", "connections, sockets, names", HC_CLASS_NET },
	{ "file", "opens, renames, permissions", HC_CLASS_FILE },
	{ "io", "reads, writes, mappings", HC_CLASS_IO },
	{ "other", "other system calls", HC_CLASS_OTHER },
};

static uint64_t of_class(const uint64_t *by_type, unsigned cls)
{
	uint64_t n = 0;

	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (hc_event_desc(type) && hc_event_desc(type)->cls == cls)
			n += by_type[type];
	return n;
}

static void write_text(FILE *f, const struct args *a, const struct hc_record_summary *s, const struct child *c,
                       char **argv)
{
	char one[48], two[48], three[48];

	fprintf(f, "Recorded %s into %s%s\n\n", hc_span_text(s->lasted_ns, one), a->dir,
	        s->continued ? " (continued)" : "");
	fprintf(f, "  %-8s %12s %10s %12s\n", "class", "events", "lost", "sampled out");
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const struct class_line *k = &classes[i];
		uint64_t n = of_class(s->rows_by_type, k->cls), lost = of_class(s->lost_by_type, k->cls),
			 sampled = of_class(s->sampled_by_type, k->cls);

		if (n || lost || sampled)
			fprintf(f, "  %-8s %12s %10s %12s   %s\n", k->name, hc_count_text(n, one),
			        hc_count_text(lost, two), hc_count_text(sampled, three), k->what);
	}
	fprintf(f, "  %-8s %12s %10s %12s\n\n", "all", hc_count_text(s->n_rows, one),
	        hc_count_text(s->n_lost, two), hc_count_text(s->n_sampled, three));
	fprintf(f, "  written  %s in %s", hc_bytes_text(s->bytes, one), hc_count_text(s->n_blocks, two));
	fprintf(f, " blocks");
	if (s->n_rows)
		fprintf(f, ", %.1f bytes per event", (double)s->bytes / (double)s->n_rows);
	fputc('\n', f);
	if (s->n_filtered)
		fprintf(f, "  excluded %s events\n", hc_count_text(s->n_filtered, one));
	if (s->tracker.n_masked)
		fprintf(f, "  masked   %s secrets (hindcast query %s \"SELECT * FROM meta_masked\")\n",
		        hc_count_text(s->tracker.n_masked, one), a->dir);
	if (s->tracker.n_unhashed)
		fprintf(f,
		        "  unhashed %s files that ran: gone or changed before they were read, too large, too many "
		        "at once, or not yet read at the end\n",
		        hc_count_text(s->tracker.n_unhashed, one));
	if (s->tracker.n_ctrs)
		fprintf(f, "  containers %s, of which %s stayed unknown to every runtime\n",
		        hc_count_text(s->tracker.n_ctrs, one), hc_count_text(s->tracker.n_ctrs_unresolved, two));
	if (s->n_hooks_missing)
		fprintf(f,
		        "  %u of %u hooks are not offered by this kernel (hindcast query %s \"SELECT hooks FROM "
		        "meta_config\")\n",
		        s->n_hooks_missing, s->n_hooks, a->dir);
	if (s->late_off)
		fprintf(f,
		        "  paths were not looked up, nor programs that had ended: openat2 is refused here: %s\n",
		        strerror(s->late_off));
	if (c->ended) {
		child_text(c, one, sizeof(one));
		fprintf(f, "  '%s' %s\n", argv[0], one);
	}
	fprintf(f,
	        "\nNext:\n  hindcast info %s\n  hindcast events %s -f 'evt.type = proc_exec'\n"
	        "  hindcast replay -p policies/falco %s\n",
	        a->dir, a->dir, a->dir);
}

/* With the names of files in it printed so that a terminal does not obey them. */
static void print_text(FILE *f, const struct args *a, const struct hc_record_summary *s, const struct child *c,
                       char **argv)
{
	HC_AUTO(free) char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return;
	write_text(to, a, s, c, argv);
	if (fclose(to) == 0)
		hc_cli_print_lines(f, "", text);
}

static void json_text(const char *text)
{
	struct json_object *o = hc_json_text(text);
	const char *json = json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE);

	hc_cli_print_json(stdout, json, strlen(json));
	json_object_put(o);
}

static void json_status(const char *key, bool there, int status)
{
	if (there)
		printf(",\"%s\":%d", key, status);
	else
		printf(",\"%s\":null", key);
}

static void print_json(const struct args *a, const struct hc_record_summary *s, const struct child *c)
{
	uint64_t n_socket_failures = 0;
	bool first = true;

	for (unsigned i = 0; i < HC_TRACKER_N_SOCKET_KINDS; i++)
		n_socket_failures += s->tracker.n_socket_failures[i];
	printf("{\"capture\":");
	json_text(a->dir);
	printf(",\"continued\":%s,\"duration_ns\":%" PRIu64 ",\"events\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"sampled_out\":%" PRIu64 ",\"excluded\":%" PRIu64 ",\"late\":%" PRIu64 ",\"malformed\":%" PRIu64
	       ",\"unhashed\":%" PRIu64 ",\"masked\":%" PRIu64 ",\"containers\":%" PRIu64
	       ",\"containers_unresolved\":%" PRIu64 ",\"container_files_refused\":%" PRIu64
	       ",\"container_values_cut\":%" PRIu64 ",\"runtime_socket_failures\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"blocks\":%" PRIu64 ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"openat2_error\":",
	       s->continued ? "true" : "false", s->lasted_ns, s->n_rows, s->n_lost, s->n_sampled, s->n_filtered,
	       s->n_late, s->n_bad, s->tracker.n_unhashed, s->tracker.n_masked, s->tracker.n_ctrs,
	       s->tracker.n_ctrs_unresolved, s->tracker.n_ctr_refused, s->tracker.n_ctr_cut, n_socket_failures,
	       s->bytes, s->n_blocks, s->first_seq, s->last_seq);
	if (s->late_off)
		json_text(strerror(s->late_off));
	else
		printf("null");
	printf(",\"types\":{");
	for (unsigned type = 32; type < HC_EV_MAX; type++) {
		if (!s->rows_by_type[type] && !s->lost_by_type[type] && !s->sampled_by_type[type])
			continue;
		printf("%s\"%s\":{\"events\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"sampled_out\":%" PRIu64 "}",
		       first ? "" : ",", hc_event_desc(type)->name, s->rows_by_type[type], s->lost_by_type[type],
		       s->sampled_by_type[type]);
		first = false;
	}
	printf("}");
	json_status("command_status", c->ended && WIFEXITED(c->status), WEXITSTATUS(c->status));
	json_status("command_signal", c->ended && WIFSIGNALED(c->status), WTERMSIG(c->status));
	printf("}\n");
}

/* ---- recording ---- */

static void warn_sockets(struct hc_record *r)
{
	struct hc_tracker_socket s;

	while (hc_record_socket_news(r, &s))
		if (s.failing)
			hc_cli_warn("the socket '%s' (%s) does not answer as it should: %s", s.path, s.kind,
			            s.why);
}

static int loop(struct hc_record *r, const struct args *a, struct child *c, const char **reason,
                struct hc_err *err)
{
	bool tty = !a->quiet && hc_cli_obeys(stderr), run = c->pid > 0;
	uint64_t start = hc_clock_ns(CLOCK_BOOTTIME), shown = start, now, end = 0;
	int code;

	for (;;) {
		code = hc_record_step(r, STEP_MS, err);
		if (code < 0 && code != -EINTR)
			break;
		code = 0;
		warn_sockets(r);
		now = hc_clock_ns(CLOCK_BOOTTIME);
		if (child_changed) {
			child_changed = 0;
			child_look(c);
		}
		if (stop_signal) {
			*reason = stop_signal == SIGINT ? "SIGINT" : stop_signal == SIGTERM ? "SIGTERM" : "SIGHUP";
			break;
		}
		if (a->for_ns && now - start >= a->for_ns) {
			*reason = "time";
			break;
		}
		if (run && c->ended && !end)
			end = now + 200000000; /* its last events are on their way */
		if (end && now >= end) {
			*reason = "command ended";
			break;
		}
		if (tty && now - shown >= 500000000) {
			progress(r, false);
			shown = now;
		}
	}
	if (tty)
		progress(r, true);
	return code;
}

static int record(const struct args *a, const struct hc_excludes *e, const gid_t *group, struct hc_mask *mask,
                  char **argv, int argc)
{
	struct hc_privilege_opts keep = { .signals = argc > 0 };
	struct hc_record_opts o = {
		.dir = a->dir,
		.tool = "hindcast " HC_VERSION,
		.profile = (enum hc_profile)a->profile,
		.snaplen = (uint32_t)a->snaplen,
		.hash_exe = a->hash_exe,
		.ring_bytes = a->ring_bytes,
		.exclude = e->x,
		.exclude_types = e->has_types ? &e->types : NULL,
		.exclude_text = e->text,
		.group = group,
		.privilege = &keep,
		.mask = mask,
	};
	HC_AUTO(hc_record_abort) struct hc_record *r = NULL;
	struct hc_record_summary s = { 0 };
	struct child child = { .go_fd = -1, .fail_fd = -1 };
	struct hc_err err = { 0 };
	const char *reason = "error";
	int code, failed;

	hc_cli_containers_put(&a->container_root, &a->runtime_socket, &o);
	catch_signals(true);
	code = hc_record_open(&o, &r, &err);
	if (code < 0)
		return hc_cli_error(&hc_cmd_record, &err);
	if (argc) {
		code = child_fork(&child, argv);
		if (code < 0)
			return hc_cli_error(&hc_cmd_record,
			                    (hc_err_set(&err, code, "cannot fork: %s", strerror(-code)), &err));
	}
	/* a machine so busy that the recorder does not get to run is just what one wants to see; the command is
	 * not meant */
	(void)setpriority(PRIO_PROCESS, 0, -10);
	code = hc_record_start(r, &err);
	if (code >= 0 && argc) {
		int failed_exec = child_go(&child);

		if (failed_exec) {
			child_done(&child);
			hc_record_stop(hc_steal(r), "command not run", &s, NULL);
			hc_err_set(&err, -failed_exec, "cannot run '%s': %s", argv[0], strerror(failed_exec));
			return hc_cli_error(&hc_cmd_record, &err);
		}
	}
	if (code >= 0) {
		if (!a->quiet && isatty(STDERR_FILENO) && !argc && !a->for_ns)
			fputs("recording; Ctrl-C stops\n", stderr);
		code = loop(r, a, &child, &reason, &err);
	}
	failed = code;
	code = hc_record_stop(hc_steal(r), reason, &s, &err);
	child_done(&child);
	catch_signals(false);
	if (failed >= 0 || s.n_rows) {
		if (a->json)
			print_json(a, &s, &child);
		else if (!a->quiet)
			/* a command's own output has stdout for itself */
			print_text(argc ? stderr : stdout, a, &s, &child, argv);
	}
	if (failed < 0 || code < 0) {
		if (err.code == -EFBIG)
			hc_err_note(&err, "one block is longer than a file may be: ulimit -f");
		if (err.code == -ENOSPC || err.code == -EDQUOT || err.code == -EFBIG)
			hc_err_note(&err, "what was written before is kept: hindcast verify %s", a->dir);
		hc_cli_error(&hc_cmd_record, &err);
		return HC_EXIT_REFUSED;
	}
	return HC_EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct args a = { .profile = HC_PROFILE_SECURITY };
	struct hc_excludes e = { 0 };
	struct hc_err err = { 0 };
	struct hc_operands operands;
	HC_AUTO(hc_mask_free) struct hc_mask *mask = NULL;
	gid_t group;
	int code = hc_cli_parse(&hc_cmd_record, argc, argv, &a, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (!a.dir)
		code = hc_cli_usage(&hc_cmd_record, "where to? -o DIR names the capture's directory");
	else if (operands.n && operands.after_dash > 0)
		code = hc_cli_usage(&hc_cmd_record, "unexpected operand '%s' (a command to run goes behind --)",
		                    operands.v[0]);
	else if (operands.saw_dash && !operands.n)
		code = hc_cli_usage(&hc_cmd_record, "no command behind --");
	else if (hc_excludes_init(&e, &a.exclude, &err) < 0)
		code = hc_cli_usage(&hc_cmd_record, "--exclude: %s", err.msg);
	if (code == HC_CLI_GO && a.group)
		code = hc_cli_group(&hc_cmd_record, a.group, &group);
	if (code == HC_CLI_GO)
		code = hc_cli_containers(&hc_cmd_record, &a.container_root, &a.runtime_socket);
	if (code == HC_CLI_GO)
		code = hc_cli_mask(&hc_cmd_record, &a.mask_rules, a.no_mask, &mask);
	if (code == HC_CLI_GO)
		code = record(&a, &e, a.group ? &group : NULL, mask, operands.v, operands.n);
	hc_strs_done(&a.exclude);
	hc_strs_done(&a.mask_rules);
	hc_strs_done(&a.container_root);
	hc_strs_done(&a.runtime_socket);
	hc_excludes_done(&e);
	return code;
}

static const struct hc_example examples[] = {
	{ .what = "record ten seconds of this machine", .command = "hindcast record -o /tmp/capture --for 10s" },
	{ .what = "record a build, every system call",
	  .command = "hindcast record -o build.cap -p full -- make -j2" },
	{ .what = "leave out a noisy daemon",
	  .command = "hindcast record -o /var/lib/hindcast -x comm=journald -x type=mmap" },
	{ 0 },
};

const struct hc_command hc_cmd_record = {
	.name = "record",
	.args = "-o DIR [--for DURATION] [--profile NAME] [--snaplen BYTES] [--hash-exe] [--exclude WHAT]... "
		"[--mask-rules FILE]... [--no-mask] [--group NAME] [-- COMMAND...]",
	.summary = "record this machine's events",
	.description =
		"Records what the processes of this machine do into a capture, a directory that every other "
		"command reads. It "
		"stops after --for, when COMMAND has ended, or on SIGINT or SIGTERM, and prints what was "
		"recorded, lost and "
		"written.\n\n"
		"A capture of this machine is continued; a directory with anything else in it is refused.\n\n"
		"Profiles: minimal (exec, fork, exit, connections, containers), security (what detection rules "
		"ask for; the "
		"default), full (every system call). Nothing is left out silently: losses, exclusions and "
		"sampling are rows of "
		"the capture.\n\n"
		"Containers are looked up in the files of their runtimes (docker, podman, crio, containerd, crun, "
		"runc, lxc, "
		"nspawn). --container-root names other directories instead, as containerd=/run/k3s/containerd/"
		"io.containerd.runtime.v2.task; DIR may be a pattern. What these files lack (labels, digests) the "
		"runtimes are asked for on their sockets; --runtime-socket names others instead, with KIND "
		"docker, podman "
		"or cri where the file's name does not tell.\n\n"
		"Needs Linux 5.8 or later with BTF, and root or CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and "
		"CAP_DAC_READ_SEARCH.",
	.opts = opts,
	.examples = examples,
	.complete = HC_COMPLETE_COMMAND,
	.run = run,
};
