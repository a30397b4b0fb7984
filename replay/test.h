/*
 * Tests of detection rules. A test file (YAML) names policies, what they are tried on (a capture, or scripts that
 * are recorded while they run), and for each case the alerts that shall come of it: docs/testing.md.
 *
 *     hc_test_load("shell.yaml", &units, &file, &err);
 *     ... records the scripts of the cases, where the file has any; opens the capture
 *     hc_test_judge(file, capture, &opts, &verdicts, &err);
 *
 * One thread reads and judges; judging replays on as many as asked for.
 */
#ifndef HC_REPLAY_TEST_H
#define HC_REPLAY_TEST_H

#include "replay/replay.h"

#define HC_TEST_MAX_CASES 8192
#define HC_TEST_MAX_ALERTS 1000000u /* of one capture that a file's cases keep */

struct hc_test_file;
struct hc_test_pattern; /* what a text must be like */

struct hc_test_place {
	uint32_t line, column;
};

/* How texts of the file become numbers: 0, or a negative errno. */
struct hc_test_units {
	int (*duration)(const char *text, uint64_t *ret_ns);
	int (*moment)(const char *text, int64_t *ret_wall_ns);
};

/* A program to run: one of file, text and argv is set. */
struct hc_test_script {
	const char *file;        /* as written: relative to the test file's directory */
	const char *text;        /* of a script */
	const char *const *argv; /* NULL-terminated */
	const char *const
		*interpreter; /* of file and text, with arguments; NULL: a file is run itself, a text by sh */
	uint64_t timeout_ns;
	int status; /* that it must end with; -1: any */
	struct hc_test_place place;
};

struct hc_test_env {
	const char *name, *value;
};

struct hc_test_record {
	unsigned profile; /* enum hc_profile */
	uint32_t snaplen;
	bool private_mounts; /* a mount namespace of the scripts' own, scratch on an empty file system */
	const struct hc_test_script *setup; /* NULL: none */
	const struct hc_test_env *env;
	size_t n_env;
	const char *const *needs; /* programs that must be there; NULL-terminated */
	struct hc_test_place place;
};

struct hc_test_field {
	const char *name;
	const struct hc_test_pattern *pattern;
	struct hc_test_place place;
};

/* Between min and max alerts of the rule for which all else that is said holds. */
struct hc_test_expect {
	const char *rule;
	uint64_t min, max;                    /* UINT64_MAX: any number */
	const char *priority;                 /* NULL: not asked */
	const struct hc_test_pattern *output; /* NULL: not asked */
	const struct hc_test_field *fields;
	size_t n_fields;
	struct hc_test_place place;
};

/* Alerts as JSON, a line each, as Falco prints them: each must come once, and no other. */
struct hc_test_golden {
	const char *path;          /* variables replaced; relative to the test file's directory */
	const char *const *fields; /* of output_fields, that are compared; NULL: all that the line has */
	struct hc_test_place place;
};

/* Rules of which something is tolerated. */
struct hc_test_rules {
	bool any;
	const struct hc_test_pattern *const *patterns;
	size_t n;
};

struct hc_test_case {
	const char *name;
	const char *where; /* a filter: only alerts on events it is true for count; NULL: all */
	struct hc_test_place where_place;
	const struct hc_test_script *script; /* NULL: the capture, or the file's script */
	bool machine;                        /* alerts of all processes count, not only of the script's */
	bool match_all;
	bool has_since, has_until;
	int64_t since_wall_ns, until_wall_ns; /* inclusive, exclusive */
	const struct hc_test_expect *expects; /* none, and no golden: no alert may come */
	size_t n_expects;
	const struct hc_test_golden *golden; /* or NULL */
	struct hc_test_rules allow, unanswerable;
	const char *const *needs; /* as in the record */
	struct hc_test_place place;
};

struct hc_test_path {
	const char *path; /* as written, variables replaced; relative to the test file's directory */
	struct hc_test_place place;
};

/* Places in errors are in `path`. -EINVAL: not a test file, -E2BIG: over a limit, -errno: cannot be read. */
int hc_test_load(const char *path, const struct hc_test_units *units, struct hc_test_file **ret,
                 struct hc_err *err);
int hc_test_load_text(const char *name, const void *text, size_t n_bytes, const struct hc_test_units *units,
                      struct hc_test_file **ret, struct hc_err *err);
struct hc_test_file *hc_test_file_free(struct hc_test_file *f);
HC_DEFINE_AUTO(struct hc_test_file, hc_test_file_free)

/* Everything lives as long as the file. */
const char *hc_test_file_path(const struct hc_test_file *f);
/* NULL: the file has none. */
const struct hc_test_path *hc_test_file_policies(const struct hc_test_file *f, size_t *ret_n);
const struct hc_test_path *hc_test_file_capture(const struct hc_test_file *f);  /* NULL: scripts are recorded */
const struct hc_test_record *hc_test_file_record(const struct hc_test_file *f); /* NULL: there is a capture */
const struct hc_test_script *
hc_test_file_script(const struct hc_test_file *f); /* of all cases without one of their own */
const struct hc_test_case *hc_test_file_cases(const struct hc_test_file *f, size_t *ret_n);
/* A path of the file, relative to its directory unless absolute; malloc'ed, NULL when out of memory. */
char *hc_test_file_join(const struct hc_test_file *f, const char *path);
/* hc_err_at in this file. */
int hc_test_error(const struct hc_test_file *f, struct hc_test_place at, int code, struct hc_err *err,
                  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Whether a text (absent: .p NULL) is like that; the same for a thread's own `m`. */
struct hc_match;
bool hc_test_pattern_match(const struct hc_test_pattern *p, struct hc_str text, struct hc_match *m);
/* For people: "'bash'", "like regular expression '^ba'"; memory of the file. */
const char *hc_test_pattern_text(const struct hc_test_pattern *p);

/* ---- judging ---- */

/* The process below which a script ran. */
struct hc_test_keeper {
	const struct hc_test_script *script;
	uint32_t pid;               /* in the namespace of whoever started it */
	uint64_t from_ns, until_ns; /* boot clock: it was started between these */
};

struct hc_test_judge_opts {
	const char *const *policies; /* files, in the order in which they are loaded */
	size_t n_policies;
	const struct hc_test_keeper *keepers;
	size_t n_keepers;
	const bool *selected; /* by case; NULL: all */
	unsigned n_threads;   /* 0: one per processor */
	/* Asked after each block that was read; true ends it with -EINTR. NULL: nobody interrupts. */
	bool (*interrupted)(void);
};

struct hc_test_alert {
	uint64_t seq;
	int64_t wall_ns;
	const char *rule, *priority, *event; /* event: name of its type */
	struct hc_str message;
	const struct hc_test_script *script; /* whose processes caused it; NULL: none's */
	bool expected;                       /* by the case it is listed with */
};

struct hc_test_finding {
	const char *what;                    /* one line */
	const char *detail;                  /* lines, or NULL */
	const struct hc_test_expect *expect; /* that was not met, or NULL */
};

struct hc_test_verdict {
	const struct hc_test_case *test;
	bool judged; /* it was selected */
	const struct hc_test_finding *findings;
	size_t n_findings;                  /* 0: it passed */
	const struct hc_test_alert *alerts; /* that it looked at, in order */
	size_t n_alerts;
};

struct hc_test_verdicts {
	const struct hc_test_verdict *v; /* one for each case */
	size_t n;
	uint64_t n_alerts, n_elsewhere; /* in all; of these, of none of the scripts' processes */
	uint64_t n_rows, n_lost, n_regex_limits;
	const struct hc_test_alert *elsewhere; /* the first of them */
	struct hc_arena arena;
};

/*
 * -EINVAL: the file or a policy is wrong (a rule that is not there, a field that is none); err has the place. What
 * of the capture could not be read is in its problems.
 */
int hc_test_judge(const struct hc_test_file *f, struct hc_capture *c, const struct hc_test_judge_opts *opts,
                  struct hc_test_verdicts *ret, struct hc_err *err);
void hc_test_verdicts_done(struct hc_test_verdicts *v);

#endif
