/* hindcast test FILE...: rules are tried on captures and scripts, and must give the alerts that are expected. */
#include "capture_arg.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/import.h"
#include "policy_arg.h"
#include "query/out_file.h"
#include "test_record.h"
#include "test_report.h"
#include "units.h"
#include "store/base/clock.h"

#define LOG_TAIL 2000 /* bytes of a script's output that are shown */

struct args {
	struct hc_strs policies, filters;
	const char *junit, *keep;
	uint64_t threads;
	unsigned metadata;
	bool json, quiet, verbose, list, require_record;
};

/* All of one call. */
struct session {
	const struct args *a;
	enum hc_test_style style;
	struct hc_test_totals totals;
	char *suites; /* JUnit's, so far */
	size_t suites_bytes;
	FILE *junit;
	unsigned n_kept;
	uint64_t n_selected;
	int code;
};

/* All of one test file. */
struct suite {
	struct session *s;
	struct hc_test_file *file;
	const struct hc_test_case *cases;
	size_t n_cases;
	bool *selected;                /* and not skipped */
	struct hc_test_entry *entries; /* by case; name NULL: not selected */
	struct hc_policies policies;
	char *dir; /* of its own, for a capture; NULL: needs none */
	bool kept;
	struct hc_test_run *runs;
	size_t n_runs;
	struct hc_test_verdicts verdicts;
	bool judged;
	struct hc_arena arena;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static bool is_stopped(void)
{
	return stopped;
}

static int out_of_memory(void)
{
	struct hc_err err = { 0 };

	hc_err_set(&err, -ENOMEM, "out of memory");
	return hc_cli_error(&hc_cmd_test, &err);
}

static int moment(const char *text, int64_t *ret_wall_ns)
{
	return *text == '-' ? -EINVAL : hc_parse_time(text, 0, ret_wall_ns);
}

/* ---- selection ---- */

/* A part of the name, with the wildcards of a shell. */
static bool is_selected(const struct args *a, const char *name)
{
	for (size_t i = 0; i < a->filters.n; i++) {
		char *pattern;
		bool found;

		if (asprintf(&pattern, "*%s*", a->filters.v[i]) < 0)
			return true;
		found = fnmatch(pattern, name, 0) == 0;
		free(pattern);
		if (found)
			return true;
	}
	return !a->filters.n;
}

static void skip(struct suite *u, size_t i, const char *reason)
{
	bool fails = u->s->a->require_record;

	u->entries[i].outcome = fails ? HC_TEST_FAILED : HC_TEST_SKIPPED;
	if (fails) {
		u->entries[i].what = hc_arena_printf(&u->arena, "it was not run: %s", reason);
	} else {
		u->entries[i].reason = reason;
	}
	u->selected[i] = false;
}

/* The first program that is missing, as a reason to skip; NULL: all are there. */
static const char *missing(struct suite *u, const char *const *needs)
{
	for (; needs && *needs; needs++)
		if (!hc_test_has_program(u->file, *needs))
			return hc_arena_printf(&u->arena, "there is no program '%s' here", *needs);
	return NULL;
}

/* Number of cases to run. */
static size_t select_cases(struct suite *u)
{
	const struct hc_test_record *rec = hc_test_file_record(u->file);
	const char *none = rec ? missing(u, rec->needs) : NULL;
	size_t n = 0;

	for (size_t i = 0; i < u->n_cases; i++) {
		const char *name = u->cases[i].name, *reason;

		if (!is_selected(u->s->a, name))
			continue;
		u->s->n_selected++;
		u->entries[i].name = name;
		u->selected[i] = true;
		reason = none ? none : missing(u, u->cases[i].needs);
		if (reason)
			skip(u, i, reason);
		n += u->selected[i];
	}
	return n;
}

/* All that are still to be judged: not here. */
static void skip_rest(struct suite *u, const char *reason)
{
	for (size_t i = 0; i < u->n_cases; i++)
		if (u->selected[i])
			skip(u, i, reason);
}

/* The file as a whole went wrong, which has been printed: no case of it can be judged. */
static void fail_rest(struct suite *u, const char *reason, int code)
{
	for (size_t i = 0; i < u->n_cases; i++) {
		if (!u->selected[i])
			continue;
		u->entries[i].outcome = HC_TEST_ERROR;
		u->entries[i].reason = hc_arena_printf(&u->arena, "%s", reason);
		u->selected[i] = false;
	}
	u->s->code = hc_exit_max(u->s->code, code);
}

static int fail_with(struct suite *u, const struct hc_err *err)
{
	char text[768];
	int code = hc_cli_error(&hc_cmd_test, err);

	fail_rest(u, hc_err_text(err, text, sizeof(text)), code);
	return code;
}

/* ---- policies, directories ---- */

/* The file's policies, then those of the command line, which may change them. */
static int find_policies(struct suite *u)
{
	size_t n;
	const struct hc_test_path *of_file = hc_test_file_policies(u->file, &n);
	struct hc_strs named = { .v = calloc(n + u->s->a->policies.n + 1, sizeof(*named.v)) };
	struct hc_err err = { 0 };
	int code = HC_CLI_GO;

	for (size_t i = 0; named.v && i < n; i++) {
		char *path = hc_test_file_join(u->file, of_file[i].path);

		named.v[named.n++] = hc_arena_printf(&u->arena, "%s", path ? path : "");
		free(path);
		if (named.v[i] && access(named.v[i], R_OK) < 0) {
			hc_test_error(u->file, of_file[i].place, -EINVAL, &err, "cannot read the policy '%s': %s",
			              named.v[i], strerror(errno));
			free(named.v);
			return fail_with(u, &err);
		}
	}
	for (size_t i = 0; named.v && i < u->s->a->policies.n; i++)
		named.v[named.n++] = u->s->a->policies.v[i];
	if (!named.v)
		code = out_of_memory();
	else if (!named.n)
		code = fail_with(u, (hc_test_error(u->file, (struct hc_test_place){ 1, 1 }, -EINVAL, &err,
		                                   "the file names no policies, and none are given with -p"),
		                     &err));
	else
		code = hc_cli_policies(&hc_cmd_test, &named, &u->policies);
	free(named.v);
	if (code != HC_CLI_GO)
		fail_rest(u, "the policies cannot be read", code);
	return code;
}

/* A directory of the file's own: a new one below --keep, else a temporary one. */
static int make_dir(struct suite *u)
{
	const char *keep = u->s->a->keep, *tmp = getenv("TMPDIR"), *path = hc_test_file_path(u->file),
		   *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct hc_err err = { 0 };
	char *dir = NULL;

	if (keep && mkdir(keep, 0755) < 0 && errno != EEXIST)
		return fail_with(u,
		                 (hc_err_set(&err, -errno, "cannot make '%s': %s", keep, strerror(errno)), &err));
	if (keep ? asprintf(&dir, "%s/%u-%.*s.XXXXXX", keep, ++u->s->n_kept, (int)strcspn(base, "."), base) < 0
	         : asprintf(&dir, "%s/hindcast-test.XXXXXX", tmp && *tmp ? tmp : "/var/tmp") < 0)
		return out_of_memory();
	if (!mkdtemp(dir))
		hc_err_set(&err, -errno, "cannot make '%s': %s", dir, strerror(errno));
	else if (chmod(dir, 0755) == 0) /* scripts may become other users */
		u->dir = realpath(dir, NULL);
	free(dir);
	if (u->dir)
		return HC_CLI_GO;
	hc_err_set(&err, -errno, "cannot make a directory: %s", strerror(errno));
	return fail_with(u, &err);
}

/* ---- captures ---- */

static bool is_regular(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool import_progress(void *ctx, uint64_t bytes, uint64_t total_bytes)
{
	(void)ctx;
	(void)bytes;
	(void)total_bytes;
	return stopped;
}

/* A file that is no capture may be one of another recorder: it is imported. */
static int import(struct suite *u, const char *file, struct hc_capture **ret, struct hc_err *err)
{
	struct hc_import_summary sum;
	char *to = NULL;
	int code = make_dir(u), r;

	if (code != HC_CLI_GO)
		return code;
	if (asprintf(&to, "%s/capture", u->dir) < 0)
		return out_of_memory();
	r = hc_import_scap(
		&(struct hc_import_opts){
			.file = file, .dir = to, .tool = "hindcast " HC_VERSION, .progress = import_progress },
		&sum, err);
	if (r == 0 && sum.damaged) {
		*err = sum.why;
		r = -EBADMSG;
	}
	if (r == 0 && sum.file.n_unconverted + sum.file.n_newer_events)
		hc_cli_warn("%s: %" PRIu64 " events of an old form and %" PRIu64
		            " of a newer writer could not be imported: what they would have shown is not known",
		            file, sum.file.n_unconverted, sum.file.n_newer_events);
	if (r == 0)
		r = hc_capture_open(to, 0, ret, err);
	free(to);
	return r < 0 ? fail_with(u, err) : HC_CLI_GO;
}

static int open_capture(struct suite *u, struct hc_capture **ret)
{
	const struct hc_test_path *named = hc_test_file_capture(u->file);
	HC_AUTO(free) char *path = hc_test_file_join(u->file, named->path);
	struct hc_err err = { 0 }, other = { 0 };
	int r;

	if (!path)
		return out_of_memory();
	if (access(path, F_OK) < 0)
		return fail_with(u, (hc_test_error(u->file, named->place, -errno, &err, "the capture '%s': %s",
		                                   path, strerror(errno)),
		                     &err));
	r = hc_capture_open(path, 0, ret, &err);
	if (r == 0)
		return HC_CLI_GO;
	if (is_regular(path)) {
		int code;

		*ret = NULL;
		code = import(u, path, ret, &other);
		return code;
	}
	return fail_with(u, &err);
}

/* ---- scripts ---- */

static int list_runs(struct suite *u)
{
	const struct hc_test_script *shared = hc_test_file_script(u->file);
	bool needs_shared = false;

	u->runs = calloc(u->n_cases + 1, sizeof(*u->runs));
	if (!u->runs)
		return out_of_memory();
	for (size_t i = 0; i < u->n_cases; i++)
		needs_shared |= u->selected[i] && !u->cases[i].script;
	if (needs_shared)
		u->runs[u->n_runs++] = (struct hc_test_run){ .script = shared, .name = "record" };
	for (size_t i = 0; i < u->n_cases; i++)
		if (u->selected[i] && u->cases[i].script)
			u->runs[u->n_runs++] =
				(struct hc_test_run){ .script = u->cases[i].script, .name = u->cases[i].name };
	return HC_CLI_GO;
}

/* The end of a file, in the arena; NULL when there is nothing. */
static const char *tail_of(struct suite *u, const char *path)
{
	char buf[LOG_TAIL + 1];
	FILE *f = path ? fopen(path, "re") : NULL;
	size_t n = 0;

	if (!f)
		return NULL;
	if (fseek(f, -LOG_TAIL, SEEK_END) < 0)
		rewind(f);
	n = fread(buf, 1, LOG_TAIL, f);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		if (!buf[i])
			buf[i] = ' ';
	buf[n] = '\0';
	return n ? hc_arena_printf(&u->arena, "it printed:\n%s", buf) : NULL;
}

static int record(struct suite *u, struct hc_capture **ret)
{
	struct hc_test_record_opts opts = { .file = u->file, .interrupted = is_stopped };
	HC_AUTO(free) char *capture = NULL, *log = NULL;
	struct hc_err err = { 0 };
	int r = make_dir(u);

	if (r == HC_CLI_GO)
		r = list_runs(u);
	if (r != HC_CLI_GO)
		return r;
	opts.dir = u->dir;
	opts.runs = u->runs;
	opts.n_runs = u->n_runs;
	r = hc_test_record(&opts, &err);
	if (r == HC_TEST_CANNOT_RECORD) {
		skip_rest(u, hc_arena_printf(&u->arena, "cannot record here: %s", err.msg));
		return HC_EXIT_OK;
	}
	if (asprintf(&capture, "%s/capture", u->dir) < 0 || asprintf(&log, "%s/setup.log", u->dir) < 0)
		return out_of_memory();
	if (r < 0) {
		const char *tail = r == -ECANCELED ? tail_of(u, log) : NULL;
		int code;

		if (r == -ECANCELED)
			err.code = -EINVAL; /* the test file's own fault */
		code = fail_with(u, &err);
		while (tail && *tail) {
			size_t n = strcspn(tail, "\n");

			hc_cli_print_text(stderr, tail, n);
			fputc('\n', stderr);
			tail += n + (tail[n] == '\n');
		}
		return code;
	}
	r = hc_capture_open(capture, 0, ret, &err);
	return r < 0 ? fail_with(u, &err) : HC_CLI_GO;
}

static const struct hc_test_run *run_of(const struct suite *u, size_t i)
{
	const struct hc_test_script *script =
		u->cases[i].script ? u->cases[i].script : hc_test_file_script(u->file);

	for (size_t k = 0; k < u->n_runs; k++)
		if (u->runs[k].script == script)
			return &u->runs[k];
	return NULL;
}

/* A script that did not end as it should fails its cases. */
static void judge_script(struct suite *u, size_t i)
{
	const struct hc_test_run *run = run_of(u, i);
	struct hc_test_entry *e = &u->entries[i];

	if (!run)
		return;
	e->took_ns = run->took_ns;
	if (run->timed_out)
		e->what = hc_arena_printf(&u->arena, "the script was ended after %" PRIu64 " ms: its time was up",
		                          run->took_ns / 1000000);
	else if (run->keeper_killed)
		e->what = "the process that looks after the script was killed";
	else if (run->script->status < 0)
		return;
	else if (WIFSIGNALED(run->wait_status))
		e->what = hc_arena_printf(&u->arena, "the script was killed by signal %d (%s)",
		                          WTERMSIG(run->wait_status), strsignal(WTERMSIG(run->wait_status)));
	else if (WEXITSTATUS(run->wait_status) != run->script->status)
		e->what = hc_arena_printf(&u->arena, "the script ended with status %d instead of %d",
		                          WEXITSTATUS(run->wait_status), run->script->status);
	if (e->what)
		e->detail = tail_of(u, run->log);
}

/* ---- judging ---- */

static void judge(struct suite *u, struct hc_capture *c)
{
	HC_AUTO(free) struct hc_test_keeper *keepers = calloc(u->n_runs + 1, sizeof(*keepers));
	HC_AUTO(free) const char **policies = calloc(u->policies.n + 1, sizeof(*policies));
	struct hc_test_judge_opts opts = { .policies = policies,
		                           .n_policies = u->policies.n,
		                           .keepers = keepers,
		                           .n_keepers = u->n_runs,
		                           .selected = u->selected,
		                           .n_threads = (unsigned)u->s->a->threads,
		                           .interrupted = is_stopped };
	struct hc_err err = { 0 };

	if (!keepers || !policies) {
		fail_rest(u, "out of memory", out_of_memory());
		return;
	}
	for (size_t i = 0; i < u->n_runs; i++)
		keepers[i] = u->runs[i].keeper;
	for (size_t i = 0; i < u->policies.n; i++)
		policies[i] = u->policies.v[i];
	if (hc_test_judge(u->file, c, &opts, &u->verdicts, &err) < 0) {
		fail_with(u, &err);
		return;
	}
	u->judged = true;
	for (size_t i = 0; i < u->n_cases; i++) {
		struct hc_test_entry *e = &u->entries[i];

		if (!u->selected[i])
			continue;
		judge_script(u, i);
		e->verdict = &u->verdicts.v[i];
		e->outcome = e->what || e->verdict->n_findings ? HC_TEST_FAILED : HC_TEST_PASSED;
	}
}

static void run_cases(struct suite *u)
{
	struct hc_capture *c = NULL;
	int code = find_policies(u);

	if (code != HC_CLI_GO)
		return;
	code = hc_test_file_record(u->file) ? record(u, &c) : open_capture(u, &c);
	if (code == HC_CLI_GO && c)
		code = hc_cli_capture_metadata(&hc_cmd_test, c, u->s->a->metadata, false);
	if (code == HC_CLI_GO)
		judge(u, c);
	else if (code != HC_EXIT_OK)
		fail_rest(u, "the capture cannot be read", code); /* where nothing better has been said */
	code = hc_cli_capture_close(c, HC_EXIT_OK);
	if (code != HC_EXIT_OK)
		for (size_t i = 0; i < u->n_cases; i++)
			if (u->entries[i].outcome == HC_TEST_PASSED && u->selected[i]) {
				u->entries[i].outcome = HC_TEST_ERROR;
				u->entries[i].reason = "a part of the capture could not be read";
			}
	u->s->code = hc_exit_max(u->s->code, code);
}

/* ---- reports ---- */

static void report(struct suite *u, int64_t began_ns, uint64_t took_ns)
{
	struct session *s = u->s;
	struct hc_test_suite suite = { .path = hc_test_file_path(u->file),
		                       .verdicts = u->judged ? &u->verdicts : NULL,
		                       .capture = u->dir && s->a->keep ? u->dir : NULL,
		                       .began_ns = began_ns,
		                       .took_ns = took_ns };

	for (size_t i = 0; i < u->n_cases; i++)
		if (u->entries[i].name)
			u->entries[suite.n++] = u->entries[i];
	suite.entries = u->entries;
	if (!suite.n)
		return;
	for (size_t i = 0; i < suite.n; i++) {
		s->totals.n[u->entries[i].outcome]++;
		if (u->entries[i].outcome == HC_TEST_FAILED)
			s->code = hc_exit_max(s->code, HC_EXIT_FOUND);
	}
	hc_test_print_suite(stdout, s->style, hc_cli_colour(stdout), &suite);
	fflush(stdout);
	if (s->junit)
		hc_test_junit_suite(s->junit, &suite);
}

static void suite_done(struct suite *u)
{
	if (u->dir && !u->s->a->keep)
		hc_test_remove(u->dir);
	for (size_t i = 0; i < u->n_runs; i++)
		free(u->runs[i].log);
	hc_test_verdicts_done(&u->verdicts);
	hc_policies_done(&u->policies);
	hc_arena_done(&u->arena);
	hc_test_file_free(u->file);
	free(u->runs);
	free(u->entries);
	free(u->selected);
	free(u->dir);
}

/* A file that cannot be read counts as a case that could not be judged. */
static void bad_file(struct session *s, const char *path, const struct hc_err *err)
{
	char text[768];
	struct hc_test_entry e = { .name = path, .outcome = HC_TEST_ERROR };
	struct hc_test_suite suite = { .path = path, .entries = &e, .n = 1, .began_ns = hc_wall_ns() };

	s->code = hc_exit_max(s->code, hc_cli_error(&hc_cmd_test, err));
	s->totals.n[HC_TEST_ERROR]++;
	s->n_selected++;
	e.reason = hc_err_text(err, text, sizeof(text));
	if (s->style == HC_TEST_JSON)
		hc_test_print_suite(stdout, s->style, false, &suite);
	if (s->junit)
		hc_test_junit_suite(s->junit, &suite);
}

static void list_cases(const struct suite *u)
{
	for (size_t i = 0; i < u->n_cases; i++) {
		if (!u->entries[i].name)
			continue;
		hc_cli_print_text(stdout, hc_test_file_path(u->file), strlen(hc_test_file_path(u->file)));
		fputs(": ", stdout);
		hc_cli_print_text(stdout, u->cases[i].name, strlen(u->cases[i].name));
		putchar('\n');
	}
}

static void test_file(struct session *s, const char *path)
{
	static const struct hc_test_units units = { .duration = hc_parse_duration, .moment = moment };
	struct suite u = { .s = s };
	struct hc_err err = { 0 };
	int64_t began = hc_wall_ns();
	uint64_t start = hc_clock_ns(CLOCK_MONOTONIC);
	size_t n;

	if (hc_test_load(path, &units, &u.file, &err) < 0) {
		bad_file(s, path, &err);
		return;
	}
	u.cases = hc_test_file_cases(u.file, &u.n_cases);
	u.entries = calloc(u.n_cases + 1, sizeof(*u.entries));
	u.selected = calloc(u.n_cases + 1, sizeof(*u.selected));
	if (!u.entries || !u.selected) {
		s->code = hc_exit_max(s->code, out_of_memory());
		suite_done(&u);
		return;
	}
	n = select_cases(&u);
	if (s->a->list) {
		list_cases(&u);
	} else {
		if (n)
			run_cases(&u);
		if (!stopped)
			report(&u, began, hc_clock_ns(CLOCK_MONOTONIC) - start);
	}
	suite_done(&u);
}

static int put_junit(void *ctx, int fd, struct hc_err *err)
{
	const struct session *s = ctx;
	int copy = dup(fd);
	FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
	bool ok = f;

	if (f) {
		hc_test_junit_begin(f, &s->totals);
		fwrite(s->suites, 1, s->suites_bytes, f);
		hc_test_junit_end(f);
		ok = !ferror(f);
		ok = fclose(f) == 0 && ok;
	} else if (copy >= 0) {
		close(copy);
	}
	return ok ? 0
	          : hc_err_set(err, errno ? -errno : -EIO, "cannot write '%s': %s", s->a->junit,
	                       strerror(errno ? errno : EIO));
}

/* Of the mode that it had if it were made under its name: it is for others to read. */
static int put_junit_file(void *ctx, int fd, struct hc_err *err)
{
	mode_t mask = umask(0);

	umask(mask);
	if (fchmod(fd, 0666 & ~mask) < 0)
		return hc_err_set(err, -errno, "cannot write: %s", strerror(errno));
	return put_junit(ctx, fd, err);
}

/* A file is there whole or not at all; a pipe, a terminal or what a link leads to is written to. */
static int write_junit(struct session *s)
{
	const char *path = s->a->junit;
	struct hc_err err = { 0 };
	struct stat st;
	int fd, r;

	if (fclose(s->junit) != 0 || !s->suites)
		return out_of_memory();
	if (lstat(path, &st) < 0 || S_ISREG(st.st_mode)) {
		r = hc_out_file_write(path, true, put_junit_file, s, &err);
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		r = fd < 0 ? hc_err_set(&err, -errno, "cannot write '%s': %s", path, strerror(errno))
		           : put_junit(s, fd, &err);
		if (fd >= 0)
			close(fd);
	}
	return r < 0 ? hc_cli_error(&hc_cmd_test, &err) : HC_EXIT_OK;
}

/* A file, or those of a directory. One that is not there does not keep the others from being run. */
static void test_operand(struct session *s, char *name)
{
	const struct hc_strs given = { .v = (const char *[]){ name }, .n = 1 };
	struct hc_policies files = { 0 };
	struct hc_err err = { 0 };

	if (hc_policies_find(&given, &files, &err) < 0)
		bad_file(s, name, &err);
	for (size_t i = 0; i < files.n && !stopped; i++)
		test_file(s, files.v[i]);
	hc_policies_done(&files);
}

static int run_operands(const struct args *a, const struct hc_operands *operands)
{
	struct session s = { .a = a,
		             .style = a->json      ? HC_TEST_JSON
		                      : a->quiet   ? HC_TEST_QUIET
		                      : a->verbose ? HC_TEST_VERBOSE
		                                   : HC_TEST_TEXT };
	struct sigaction sa = { .sa_handler = on_signal }; /* no SA_RESTART: waiting ends */
	uint64_t start = hc_clock_ns(CLOCK_MONOTONIC);

	if (a->junit)
		s.junit = open_memstream(&s.suites, &s.suites_bytes);
	if (a->junit && !s.junit)
		return out_of_memory();
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	for (int i = 0; i < operands->n && !stopped; i++)
		test_operand(&s, operands->v[i]);
	s.totals.took_ns = hc_clock_ns(CLOCK_MONOTONIC) - start;
	if (!a->list && !stopped)
		hc_test_print_totals(stdout, s.style, hc_cli_colour(stdout), &s.totals);
	if (s.junit)
		s.code = hc_exit_max(s.code, write_junit(&s));
	free(s.suites);
	if (stopped)
		return HC_EXIT_INTERRUPTED;
	if (!s.n_selected)
		return hc_cli_usage(&hc_cmd_test, "no case has such a name (--list shows them)");
	return s.code;
}

static int run(int argc, char **argv)
{
	struct args a = { .metadata = HC_METADATA_NOT_SAID };
	struct hc_operands operands;
	int code = hc_cli_parse(&hc_cmd_test, argc, argv, &a, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (!operands.n)
		code = hc_cli_usage(&hc_cmd_test, "FILE is missing: which tests shall be run?");
	else if (a.json + a.quiet + a.verbose > 1)
		code = hc_cli_usage(&hc_cmd_test, "only one of --json, --quiet and --verbose can be given");
	else if (a.list && a.junit)
		code = hc_cli_usage(&hc_cmd_test, "--list runs nothing: there are no results for --junit");
	if (code == HC_CLI_GO)
		code = run_operands(&a, &operands);
	hc_strs_done(&a.policies);
	hc_strs_done(&a.filters);
	return code;
}

static const struct hc_opt opts[] = {
	{ .name = "filter",
	  .letter = 'f',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, filters),
	  .value = "NAME",
	  .help = "run only cases with this in their name, * and ? are wildcards; may be repeated" },
	{ .name = "policy",
	  .letter = 'p',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, policies),
	  .value = "POLICY",
	  .help = "load this file or directory of rules after those of the test file; may be repeated",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "junit",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, junit),
	  .value = "FILE",
	  .help = "write the results as JUnit XML too",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "keep",
	  .letter = 'k',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, keep),
	  .value = "DIR",
	  .help = "keep captures and what scripts printed below this directory",
	  .complete = HC_COMPLETE_DIR },
	{ .name = "list",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, list),
	  .help = "list the cases, run none" },
	{ .name = "require-record",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, require_record),
	  .help = "let cases fail that would be skipped because they cannot be run here" },
	HC_CLI_METADATA_OPT(metadata),
	{ .name = "threads",
	  .letter = 'j',
	  .kind = HC_OPT_U64,
	  .off = offsetof(struct args, threads),
	  .value = "N",
	  .min = 1,
	  .max = 256,
	  .help = "replay with so many threads (one per processor)" },
	{ .name = "verbose",
	  .letter = 'v',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, verbose),
	  .help = "print the alerts of each case" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, quiet),
	  .help = "print only what did not pass, and the totals" },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "print a JSON object for each case and file, and one with the totals" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "run all tests of a directory, for a CI server too", "hindcast test --junit results.xml tests/" },
	{ "see which alerts a case gives", "hindcast test -v -f 'reverse shell' shell.yaml" },
	{ "try the tests of a pack with rules of one's own on top",
	  "hindcast test -p 99_local.yaml /usr/local/share/hindcast/tests/detect" },
	{ 0 },
};

const struct hc_command hc_cmd_test = {
	.name = "test",
	.args = "FILE... [--filter NAME]... [--policy POLICY]... [--junit FILE] [--keep DIR]",
	.summary = "test detection rules",
	.description =
		"Runs test files: each names policies, what they are tried on, and the alerts that must come of "
		"it, or "
		"that none may. They are tried on a capture (one of ours, a bundle, or a scap file), or on "
		"scripts that "
		"are run while this machine is recorded. All cases of a file share one recording; an alert "
		"belongs to "
		"the script that its process descends from. A directory stands for its *.yaml. docs/testing.md "
		"says "
		"what can be in a test file.\n\n"
		"For a case that fails it is told what was expected and what came, with the closest alert and the "
		"fields in which it differs.\n\n"
		"Recording needs what 'hindcast record' needs. Where it is not to be had, the cases are skipped, "
		"and it "
		"is said why.",
	.opts = opts,
	.examples = examples,
	.exit_notes =
		"0: no case failed (some may have been skipped). 1: a case failed. 2: a test file or a policy "
		"is wrong. 3: a capture is damaged. 4: a file is not there. The other files have been run in "
		"each case",
	.complete = HC_COMPLETE_FILE,
	.run = run,
};
