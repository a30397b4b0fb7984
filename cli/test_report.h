/* What `hindcast test` says: text or JSON on standard output, and JUnit's XML. */
#ifndef HC_CLI_TEST_REPORT_H
#define HC_CLI_TEST_REPORT_H

#include <stdio.h>

#include "replay/test.h"

enum hc_test_outcome { HC_TEST_PASSED, HC_TEST_FAILED, HC_TEST_SKIPPED, HC_TEST_ERROR, HC_TEST_N_OUTCOMES };

struct hc_test_entry {
	const char *name;
	enum hc_test_outcome outcome;
	const char *reason;                    /* why it was skipped or could not be judged */
	const struct hc_test_verdict *verdict; /* NULL: not judged */
	const char *what, *detail;             /* of the script, where it went wrong; NULL otherwise */
	uint64_t took_ns;                      /* its script; 0 without one */
};

struct hc_test_suite {
	const char *path; /* of the test file */
	const struct hc_test_entry *entries;
	size_t n;
	const struct hc_test_verdicts *verdicts; /* NULL: not judged */
	const char *capture;                     /* where it is kept; NULL */
	int64_t began_ns;                        /* wall clock */
	uint64_t took_ns;
};

struct hc_test_totals {
	uint64_t n[HC_TEST_N_OUTCOMES];
	uint64_t took_ns;
};

enum hc_test_style { HC_TEST_TEXT, HC_TEST_QUIET, HC_TEST_VERBOSE, HC_TEST_JSON };

void hc_test_print_suite(FILE *f, enum hc_test_style style, bool colour, const struct hc_test_suite *s);
void hc_test_print_totals(FILE *f, enum hc_test_style style, bool colour, const struct hc_test_totals *t);

/* A <testsuite> element; the file around them is written at the end. */
void hc_test_junit_suite(FILE *f, const struct hc_test_suite *s);
void hc_test_junit_begin(FILE *f, const struct hc_test_totals *t);
void hc_test_junit_end(FILE *f);

#endif
