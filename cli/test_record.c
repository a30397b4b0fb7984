/*
 * Three kinds of processes beside the command itself, which only waits:
 *
 *   the recorder   capture/record.h, until it is told to stop
 *   the driver     starts the scripts one after the other, in a mount namespace of its own where that is asked for
 *   a keeper       for each script: what the script leaves behind becomes the keeper's child (it is a subreaper),
 * so that all its processes are below the keeper for as long as they live, and end with it
 *
 * All are forks of the command without exec, and talk to it over pipes; each ends when the other end is gone.
 */
#include "test_record.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/record.h"
#include "store/base/clock.h"

#define STEP_MS 50
#define LAST_EVENTS_NS UINT64_C(200000000) /* of a script that has ended are on their way for so long */
#define END_NS UINT64_C(5000000000)        /* that what a script leaves behind may take to die */
#define PATH_ROOM 4096

/* ---- pipes ---- */

/* 0, or a negative errno; -EPIPE at the end of the file. */
static int read_all(int fd, void *to, size_t n)
{
	for (char *p = to; n;) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got < 0)
			return -EINTR;
		if (got == 0)
			return -EPIPE;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

/* Less than PIPE_BUF: written at once or not at all. */
static int write_all(int fd, const void *from, size_t n)
{
	ssize_t put;

	do
		put = write(fd, from, n);
	while (put < 0 && errno == EINTR);
	return put == (ssize_t)n ? 0 : -EPIPE;
}

/* A process of ours with a pipe each way. */
struct helper {
	pid_t pid;
	int to, from; /* -1: closed */
};

/* What a helper says. */
struct said {
	int code;    /* 0, or a negative errno with err */
	bool cannot; /* it is this machine that cannot */
	struct hc_err err;
};

static void say(int fd, int code, bool cannot, const struct hc_err *err)
{
	struct said s = { .code = code, .cannot = cannot };

	if (err)
		s.err = *err;
	if (code < 0 && !s.err.code)
		hc_err_set(&s.err, code, "%s", strerror(-code));
	(void)write_all(fd, &s, sizeof(s));
}

static int hear(const struct helper *h, struct said *s)
{
	int r = read_all(h->from, s, sizeof(*s));

	return r == -EPIPE ? -ECHILD : r;
}

static void helper_close(struct helper *h)
{
	if (h->to >= 0)
		close(h->to);
	if (h->from >= 0)
		close(h->from);
	h->to = h->from = -1;
}

/* Closes the pipes, which ends it, and waits. */
static void helper_end(struct helper *h)
{
	helper_close(h);
	while (h->pid > 0 && waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
	h->pid = 0;
}

/* In the child run(ctx, in, out) is called, and the child ends. `other`: a helper whose pipes the child shall not
 * hold. */
static int helper_start(struct helper *h, const struct helper *other, void (*run)(void *ctx, int in, int out),
                        void *ctx)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(from, O_CLOEXEC) < 0) {
		int code = -errno;

		close(to[0]);
		close(to[1]);
		return code;
	}
	fflush(NULL);
	h->pid = fork();
	if (h->pid == 0) {
		close(to[1]);
		close(from[0]);
		if (other && other->to >= 0)
			close(other->to);
		if (other && other->from >= 0)
			close(other->from);
		signal(SIGPIPE, SIG_IGN);
		run(ctx, to[0], from[1]);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	h->to = to[1];
	h->from = from[0];
	if (h->pid > 0)
		return 0;
	helper_close(h);
	return -EAGAIN;
}

/* ---- the recorder ---- */

static bool is_about_this_machine(int code)
{
	return code == -EPERM || code == -EACCES || code == -ENOTSUP || code == -ENOSYS || code == -ENOENT;
}

/* Whether there is something to read, or the other end is gone. */
static bool has_input(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static int step_until_told(struct hc_record *r, int in, struct hc_err *err)
{
	uint64_t end = 0;

	for (;;) {
		int code = hc_record_step(r, STEP_MS, err);

		if (code < 0 && code != -EINTR)
			return code;
		if (!end && has_input(in))
			end = hc_clock_ns(CLOCK_BOOTTIME) + LAST_EVENTS_NS;
		if (end && hc_clock_ns(CLOCK_BOOTTIME) >= end)
			return 0;
	}
}

/* Opens and says so; starts when told to and says so; stops when told to and says so. */
static void recorder(void *ctx, int in, int out)
{
	const struct hc_test_record_opts *o = ctx;
	const struct hc_test_record *rec = hc_test_file_record(o->file);
	struct hc_record_summary sum;
	struct hc_record *r = NULL;
	struct hc_err err = { 0 };
	char dir[PATH_ROOM], byte;
	int code;

	signal(SIGINT, SIG_IGN); /* the end of the pipe is the signal */
	signal(SIGTERM, SIG_IGN);
	snprintf(dir, sizeof(dir), "%s/capture", o->dir);
	code = hc_record_open(&(struct hc_record_opts){ .dir = dir,
	                                                .tool = "hindcast " HC_VERSION,
	                                                .profile = (enum hc_profile)rec->profile,
	                                                .snaplen = rec->snaplen },
	                      &r, &err);
	say(out, code < 0 ? code : 0, is_about_this_machine(code), &err);
	if (code < 0 || read_all(in, &byte, 1) < 0) {
		hc_record_abort(r);
		return;
	}
	(void)setpriority(PRIO_PROCESS, 0, -10); /* a machine busy with the scripts must not starve it */
	code = hc_record_start(r, &err);
	say(out, code < 0 ? code : 0, is_about_this_machine(code), &err);
	if (code >= 0)
		code = step_until_told(r, in, &err);
	else
		(void)read_all(in, &byte, 1);
	if (code < 0)
		(void)hc_record_stop(r, "error", &sum, NULL);
	else
		code = hc_record_stop(r, "test ended", &sum, &err);
	say(out, code < 0 ? code : 0, false, &err);
}

/* ---- a script ---- */

struct place {
	char scratch[PATH_ROOM / 2]; /* of all scripts */
	char test_dir[PATH_ROOM];    /* of the test file */
};

/* What its keeper tells the driver. */
struct kept {
	int wait_status;
	bool timed_out;
	bool killed; /* the keeper, so that nothing is known of the script's end */
};

static void set_environment(const struct hc_test_record *rec, const struct place *p, const char *scratch)
{
	setenv("HINDCAST_SCRATCH", scratch, 1);
	setenv("HINDCAST_SHARED", p->scratch, 1);
	setenv("HINDCAST_TEST_DIR", p->test_dir, 1);
	for (size_t i = 0; i < rec->n_env; i++)
		setenv(rec->env[i].name, rec->env[i].value, 1);
}

/* A program: a name is looked for on PATH, a relative path starts at the test file. */
static char *program(const struct place *p, const char *name)
{
	char *path;

	if (name[0] == '/' || !strchr(name, '/'))
		return strdup(name);
	return asprintf(&path, "%s/%s", p->test_dir, name) < 0 ? NULL : path;
}

/* The command line of a script: its interpreter, itself, its scratch directory. */
static char **make_argv(const struct hc_test_script *s, const struct place *p, const char *text_path,
                        const char *scratch)
{
	static const char *const sh[] = { "/bin/sh", NULL };
	const char *const *words = s->argv ? s->argv : s->interpreter ? s->interpreter : s->text ? sh : NULL;
	size_t n = 0, n_words = 0;
	char **argv;

	while (words && words[n_words])
		n_words++;
	argv = calloc(n_words + 3, sizeof(*argv));
	if (!argv)
		return NULL;
	for (; n < n_words; n++)
		argv[n] = n ? strdup(words[n]) : program(p, words[n]);
	if (s->argv)
		return argv;
	if (s->text)
		argv[n++] = strdup(text_path);
	else if (s->file[0] == '/')
		argv[n++] = strdup(s->file);
	else if (asprintf(&argv[n++], "%s/%s", p->test_dir, s->file) < 0)
		argv[n - 1] = NULL;
	argv[n] = strdup(scratch);
	return argv;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	size_t n = strlen(text);
	bool ok = fd >= 0;

	for (size_t at = 0; ok && at < n;) {
		ssize_t put = write(fd, text + at, n - at);

		ok = put > 0;
		at += ok ? (size_t)put : 0;
	}
	if (fd >= 0)
		close(fd);
	return ok ? 0 : -EIO;
}

/* The script itself, from the keeper's child: does not return. Descriptor 2 is its log already. */
static void become_script(const struct hc_test_file *f, const struct hc_test_script *s, const struct place *p,
                          const char *text_path, const char *scratch, const sigset_t *mask)
{
	char **argv = make_argv(s, p, text_path, scratch);

	setsid();
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	set_environment(hc_test_file_record(f), p, scratch);
	if (chdir(scratch) < 0)
		dprintf(2, "cannot enter '%s': %s\n", scratch, strerror(errno));
	else if (!argv || !argv[0])
		dprintf(2, "out of memory\n");
	else {
		execvp(argv[0], argv);
		dprintf(2, "cannot run '%s': %s\n", argv[0], strerror(errno));
	}
	_exit(127);
}

/* Kills all children, and theirs as they become ours. */
static void end_children(void)
{
	char path[64];
	uint64_t end = hc_clock_ns(CLOCK_BOOTTIME) + END_NS;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	while (hc_clock_ns(CLOCK_BOOTTIME) < end) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);
		FILE *f;
		int child;

		if (pid > 0)
			continue;
		if (pid < 0)
			return;
		f = fopen(path, "re");
		while (f && fscanf(f, "%d", &child) == 1)
			kill(child, SIGKILL);
		if (f)
			fclose(f);
		else
			return; /* a kernel without this file: they become init's */
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* The process between driver and script. Ends with what became of the script written to `out`. */
static void keeper(const struct hc_test_file *f, const struct hc_test_script *s, const struct place *p,
                   const char *text_path, const char *scratch, int out)
{
	struct kept k = { 0 };
	sigset_t wanted, mask;
	uint64_t end = hc_clock_ns(CLOCK_BOOTTIME) + s->timeout_ns;
	pid_t script;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	signal(SIGINT, SIG_IGN); /* it ends the driver, and that ends this */
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGTERM); /* the driver is gone */
	sigprocmask(SIG_BLOCK, &wanted, &mask);
	script = fork();
	if (script == 0)
		become_script(f, s, p, text_path, scratch, &mask);
	k.wait_status = 127 << 8;
	while (script > 0) {
		uint64_t now = hc_clock_ns(CLOCK_BOOTTIME), left = now < end ? end - now : 0;
		struct timespec wait = { .tv_sec = (time_t)(left / 1000000000u),
			                 .tv_nsec = (long)(left % 1000000000u) };
		pid_t pid;

		while ((pid = waitpid(-1, &k.wait_status, WNOHANG)) > 0 && pid != script)
			;
		if (pid == script)
			break;
		if (!left) {
			k.timed_out = true;
			kill(-script, SIGKILL);
			kill(script, SIGKILL);
			break;
		}
		if (sigtimedwait(&wanted, NULL, &wait) == SIGTERM) {
			k.killed = true;
			break;
		}
	}
	end_children();
	(void)write_all(out, &k, sizeof(k));
	_exit(0);
}

/* ---- the driver ---- */

struct driver {
	const struct hc_test_record_opts *o;
	struct place place;
};

/* What it says of each script. */
struct ran {
	int code; /* 0: it was started */
	struct kept kept;
	uint32_t pid;
	uint64_t from_ns, until_ns, took_ns;
};

/*
 * Log, scratch directory and text of a script; `at` numbers them. The name of its case is in no path: it would be
 * in command lines, and rules might see it.
 */
static int prepare_script(const struct driver *d, const struct hc_test_script *s, const char *log, size_t at,
                          char text_path[PATH_ROOM], char scratch[PATH_ROOM])
{
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), code = 0;

	if (fd < 0)
		return -errno;
	snprintf(scratch, PATH_ROOM, "%s/%zu", d->place.scratch, at);
	snprintf(text_path, PATH_ROOM, "%s/%zu.script", d->place.scratch, at);
	if (mkdir(scratch, 0755) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		code = -errno;
	close(fd);
	return code == 0 && s->text ? write_text(text_path, s->text) : code;
}

static struct ran run_script(const struct driver *d, const struct hc_test_script *s, const char *log, size_t at)
{
	char text_path[PATH_ROOM], scratch[PATH_ROOM];
	struct ran ran = { .code = prepare_script(d, s, log, at, text_path, scratch) };
	int out[2] = { -1, -1 };
	pid_t pid;

	if (ran.code == 0 && pipe2(out, O_CLOEXEC) < 0)
		ran.code = -errno;
	if (ran.code < 0)
		return ran;
	ran.from_ns = hc_clock_ns(CLOCK_BOOTTIME);
	pid = fork();
	if (pid == 0) {
		close(out[0]);
		keeper(d->o->file, s, &d->place, text_path, scratch, out[1]);
	}
	close(out[1]);
	ran.until_ns = hc_clock_ns(CLOCK_BOOTTIME);
	ran.pid = (uint32_t)pid;
	if (pid < 0) {
		ran.code = -EAGAIN;
	} else if (read_all(out[0], &ran.kept, sizeof(ran.kept)) < 0) {
		ran.kept.killed = true;
		end_children(); /* what was the keeper's is ours */
	}
	close(out[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	ran.took_ns = hc_clock_ns(CLOCK_BOOTTIME) - ran.from_ns;
	return ran;
}

/* An empty file system of the driver's own, over a directory that most machines have empty, and that does not hide
 * the test file. */
static int mount_scratch(struct driver *d, struct hc_err *err)
{
	static const char *const bases[] = { "/srv", "/mnt", "/media" };

	if (unshare(CLONE_NEWNS) < 0)
		return hc_err_set(err, -errno, "no mount namespace can be made here: %s", strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return hc_err_set(err, -errno, "mounts cannot be made private: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		size_t n = strlen(bases[i]);

		if (access(bases[i], F_OK) < 0 ||
		    (strncmp(d->place.test_dir, bases[i], n) == 0 && d->place.test_dir[n] == '/') ||
		    (strncmp(d->o->dir, bases[i], n) == 0 && d->o->dir[n] == '/'))
			continue;
		if (mount("none", bases[i], "tmpfs", 0, "mode=755") < 0)
			return hc_err_set(err, -errno, "cannot mount a file system over %s: %s", bases[i],
			                  strerror(errno));
		snprintf(d->place.scratch, sizeof(d->place.scratch), "%s/test", bases[i]);
		return mkdir(d->place.scratch, 0755) < 0
		               ? hc_err_set(err, -errno, "cannot make '%s': %s", d->place.scratch, strerror(errno))
		               : 0;
	}
	return hc_err_set(err, -ENOENT, "there is no /srv, /mnt or /media to mount a scratch file system over");
}

static int make_scratch(struct driver *d, struct hc_err *err)
{
	if (hc_test_file_record(d->o->file)->private_mounts)
		return mount_scratch(d, err);
	if (snprintf(d->place.scratch, sizeof(d->place.scratch), "%s/scratch", d->o->dir) >=
	    (int)sizeof(d->place.scratch))
		return hc_err_set(err, -ENAMETOOLONG, "the path '%s' is too long", d->o->dir);
	if (mkdir(d->place.scratch, 0755) < 0)
		return hc_err_set(err, -errno, "cannot make '%s': %s", d->place.scratch, strerror(errno));
	return 0;
}

static int run_setup(struct driver *d, const struct hc_test_script *setup, struct hc_err *err)
{
	char log[PATH_ROOM];
	struct ran ran;

	if (!setup)
		return 0;
	snprintf(log, sizeof(log), "%s/setup.log", d->o->dir);
	ran = run_script(d, setup, log, 0);
	if (ran.code < 0)
		return hc_err_set(err, ran.code, "cannot run the setup: %s", strerror(-ran.code));
	if (ran.kept.timed_out)
		return hc_err_set(err, -ETIMEDOUT, "the setup did not end in time");
	if (ran.kept.killed)
		return hc_err_set(err, -ECANCELED, "the setup killed the process that looks after it");
	if (!WIFEXITED(ran.kept.wait_status) || WEXITSTATUS(ran.kept.wait_status) != 0)
		return hc_err_set(err, -ECANCELED, "the setup failed");
	return 0;
}

/* Prepares and says so; when told to, runs the scripts and says what became of each. */
static void driver(void *ctx, int in, int out)
{
	struct driver d = { .o = ctx };
	struct hc_err err = { 0 };
	char *dir = hc_test_file_join(d.o->file, "."), byte;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), code = 0;
	bool cannot = false;

	if (!dir || !realpath(dir, d.place.test_dir) || null < 0 || dup2(null, 0) < 0)
		code = hc_err_set(&err, -errno, "cannot enter the directory of the test file: %s",
		                  strerror(errno));
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0); /* no script outlives a command that was killed */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* nor a keeper that was */
	umask(022);
	if (code == 0) {
		code = make_scratch(&d, &err);
		cannot = code < 0 && hc_test_file_record(d.o->file)->private_mounts;
	}
	if (code == 0)
		code = run_setup(&d, hc_test_file_record(d.o->file)->setup, &err);
	say(out, code, cannot, &err);
	if (code < 0 || read_all(in, &byte, 1) < 0)
		return;
	for (size_t i = 0; i < d.o->n_runs; i++) {
		struct ran ran = run_script(&d, d.o->runs[i].script, d.o->runs[i].log, i + 1);

		if (write_all(out, &ran, sizeof(ran)) < 0)
			return; /* nobody listens any more */
	}
}

/* ---- the command's part ---- */

/* A helper's word that it is ready; 0, 1 (this machine cannot) or what went wrong. */
static int hear_ready(const struct helper *h, struct hc_err *err)
{
	struct said s;
	int r = hear(h, &s);

	if (r == -EINTR)
		return hc_err_set(err, r, "interrupted");
	if (r < 0)
		return hc_err_set(err, r, "a process of this command has died");
	if (s.code == 0)
		return 0;
	*err = s.err;
	return s.cannot ? HC_TEST_CANNOT_RECORD : s.code;
}

static int tell(const struct helper *h, struct hc_err *err)
{
	return write_all(h->to, "", 1) < 0 ? hc_err_set(err, -ECHILD, "a process of this command has died") : 0;
}

static int hear_scripts(const struct hc_test_record_opts *o, const struct helper *h, struct hc_err *err)
{
	for (size_t i = 0; i < o->n_runs; i++) {
		struct hc_test_run *run = &o->runs[i];
		struct ran ran;
		int r;

		do
			r = read_all(h->from, &ran, sizeof(ran));
		while (r == -EINTR && !o->interrupted());
		if (r < 0)
			return hc_err_set(err, r == -EINTR ? r : -ECHILD, "%s",
			                  r == -EINTR ? "interrupted"
			                              : "the process that runs the scripts has died");
		if (ran.code < 0)
			return hc_err_set(err, ran.code, "cannot run the script of '%s': %s", run->name,
			                  strerror(-ran.code));
		run->ran = true;
		run->timed_out = ran.kept.timed_out;
		run->keeper_killed = ran.kept.killed;
		run->wait_status = ran.kept.wait_status;
		run->took_ns = ran.took_ns;
		run->keeper = (struct hc_test_keeper){
			.script = run->script, .pid = ran.pid, .from_ns = ran.from_ns, .until_ns = ran.until_ns
		};
	}
	return 0;
}

static int record(const struct hc_test_record_opts *o, struct helper *rec, struct helper *drv, struct hc_err *err)
{
	union {
		const struct hc_test_record_opts *from;
		void *to;
	} ctx = { .from = o };
	int r = helper_start(rec, NULL, recorder, ctx.to);

	if (r < 0)
		return hc_err_set(err, r, "cannot fork: %s", strerror(-r));
	r = hear_ready(rec, err);
	if (r)
		return r;
	r = helper_start(drv, rec, driver, ctx.to);
	if (r < 0)
		return hc_err_set(err, r, "cannot fork: %s", strerror(-r));
	r = hear_ready(drv, err);
	if (r == 0)
		r = tell(rec, err);
	if (r == 0)
		r = hear_ready(rec, err);
	if (r == 0)
		r = tell(drv, err);
	if (r == 0)
		r = hear_scripts(o, drv, err);
	if (r == 0)
		r = tell(rec, err);
	return r ? r : hear_ready(rec, err);
}

int hc_test_record(const struct hc_test_record_opts *opts, struct hc_err *err)
{
	struct helper rec = { .to = -1, .from = -1 }, drv = { .to = -1, .from = -1 };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	int r;

	for (size_t i = 0; i < opts->n_runs; i++)
		if (!opts->runs[i].log && asprintf(&opts->runs[i].log, "%s/%zu.log", opts->dir, i + 1) < 0)
			return hc_err_set(err, -ENOMEM, "out of memory");
	sigaction(SIGPIPE, &ignore, &before);
	r = record(opts, &rec, &drv, err);
	if (r && drv.pid > 0)
		kill(drv.pid, SIGTERM); /* its keeper ends the script */
	helper_end(&drv);
	helper_end(&rec);
	sigaction(SIGPIPE, &before, NULL);
	return r;
}

/* ---- paths ---- */

bool hc_test_has_program(const struct hc_test_file *f, const char *name)
{
	const char *at = getenv("PATH");
	char *path;
	bool found = false;

	if (strchr(name, '/')) {
		path = hc_test_file_join(f, name);
		found = path && access(path, X_OK) == 0;
		free(path);
		return found;
	}
	if (!at)
		at = "/usr/local/bin:/usr/bin:/bin";
	while (!found && *at) {
		size_t n = strcspn(at, ":");

		if (n && asprintf(&path, "%.*s/%s", (int)n, at, name) >= 0) {
			found = access(path, X_OK) == 0;
			free(path);
		}
		at += n + (at[n] == ':');
	}
	return found;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	(void)remove(path);
	return 0;
}

void hc_test_remove(const char *dir)
{
	(void)nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
