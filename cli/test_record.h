/* Runs the scripts of a test file, one after the other, while the machine is recorded. */
#ifndef HC_CLI_TEST_RECORD_H
#define HC_CLI_TEST_RECORD_H

#include "replay/test.h"

/* One script, and what became of it. */
struct hc_test_run {
	const struct hc_test_script *script;
	const char *name; /* of its case, for errors */
	/* filled by hc_test_record: */
	bool ran, timed_out, keeper_killed;
	int wait_status; /* as of waitpid */
	uint64_t took_ns;
	struct hc_test_keeper keeper;
	char *log; /* file with what it printed; malloc'ed */
};

struct hc_test_record_opts {
	const struct hc_test_file *file;
	const char *dir; /* absolute; the capture is made in DIR/capture, the scripts' output in DIR/NAME.log */
	struct hc_test_run *runs;
	size_t n_runs;
	bool (*interrupted)(void); /* asked when a signal came */
};

enum hc_test_recorded {
	HC_TEST_RECORDED,
	HC_TEST_CANNOT_RECORD, /* not here: no right, no BTF, an old kernel, no mount namespace; err says why */
};

/* An enum hc_test_recorded, or a negative errno: -EINTR interrupted. err.file may be the log of a setup that
 * failed. */
int hc_test_record(const struct hc_test_record_opts *opts, struct hc_err *err);

/* Whether there is a program of that name on PATH, or at that path. */
bool hc_test_has_program(const struct hc_test_file *f, const char *name);

/* Removes a directory and all below it; file systems mounted there are left alone. */
void hc_test_remove(const char *dir);

#endif
