/* SQL over a generated capture: rows/s of full scans, and how much a selective answer has to read. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "gen.h"
#include "query/query.h"

#define ROWS 2000000u

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct figure {
	double seconds;
	uint64_t n_rows, n_loads;
};

static int run(struct hc_capture *c, unsigned flags, const char *sql, struct figure *ret)
{
	HC_AUTO(hc_query_close) struct hc_query *q = NULL;
	struct hc_err err = { 0 };
	double from = now();
	int r = hc_query_open(c, flags, &q, &err);

	*ret = (struct figure){ 0 };
	if (r == 0)
		r = hc_query_prepare(q, hc_str_c(sql), NULL, &err);
	while (r == 0 && (r = hc_query_step(q, &err)) > 0) {
		ret->n_rows++;
		r = 0;
	}
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", sql, err.msg);
		return r;
	}
	ret->seconds = now() - from;
	ret->n_loads = hc_query_n_loads(q);
	return 0;
}

/* Scans of everything: rows of the capture each second. */
static int scans(struct hc_capture *c)
{
	static const char *const v[][2] = {
		{ "query.scan.count", "SELECT count(*) FROM events" },
		{ "query.scan.columns", "SELECT seq, time, type, pid, comm, ret FROM events" },
		{ "query.scan.group", "SELECT comm, count(*) FROM events GROUP BY comm" },
		{ "query.scan.like", "SELECT count(*) FROM events WHERE cmdline LIKE '%nothing has this%'" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct figure fast, slow;

		if (run(c, 0, v[i][1], &fast) < 0 || run(c, HC_QUERY_NO_PUSHDOWN, v[i][1], &slow) < 0)
			return 1;
		printf("%s,%.0f,rows/s,%.0f,%.2f\n", v[i][0], ROWS / fast.seconds, ROWS / slow.seconds,
		       slow.seconds / fast.seconds);
	}
	return 0;
}

/* Answers that need little: milliseconds from opening the connection to the last row, and blocks read. */
static int answers(struct hc_capture *c)
{
	static const char *const v[][2] = {
		{ "query.answer.seq", "SELECT * FROM events WHERE seq = 1234567" },
		{ "query.answer.last", "SELECT time, type, comm, args FROM events ORDER BY seq DESC LIMIT 20" },
		{ "query.answer.time", "SELECT count(*) FROM events WHERE time BETWEEN '2024-05-01 01:00:10' AND "
		                       "'2024-05-01 01:00:10.1'" },
		{ "query.answer.path", "SELECT seq, comm FROM openat WHERE pathname = '/nowhere/at/all'" },
		{ "query.answer.execs", "SELECT time, comm, exe, cmdline FROM execs" },
	};
	uint32_t n_blocks;

	hc_capture_blocks(c, &n_blocks);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct figure fast, slow;

		if (run(c, 0, v[i][1], &fast) < 0 || run(c, HC_QUERY_NO_PUSHDOWN, v[i][1], &slow) < 0)
			return 1;
		printf("%s,%.2f,ms,%.2f,%.3f\n", v[i][0], fast.seconds * 1e3, slow.seconds * 1e3,
		       fast.seconds / slow.seconds);
		printf("%s.blocks,%lu,blocks,%u,%.3f\n", v[i][0], (unsigned long)fast.n_loads, n_blocks,
		       (double)fast.n_loads / n_blocks);
	}
	return 0;
}

int main(void)
{
	struct hc_gen_opts opts = { .n_rows = ROWS, .mix = HC_GEN_NODE, .no_hashes = true, .step_ns = 10000 };
	struct hc_gen_result made = { 0 };
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	char *dir = hc_gen_tmpdir();
	int code = 1;

	if (hc_gen_capture(dir, &opts, &made, &err) < 0 || hc_capture_open(dir, 0, &c, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	else
		code = scans(c) || answers(c);
	hc_capture_close(c);
	hc_gen_rm(dir);
	free(dir);
	return code;
}
