/* Running rules and filters of Falco's over a capture in a test. */
#ifndef HC_TESTS_UNIT_SUPPORT_FALCO_FILTER_H
#define HC_TESTS_UNIT_SUPPORT_FALCO_FILTER_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/falco.h"
#include "replay/replay.h"

/* One thread; of opts render, emit and ctx hold. */
static inline void falco_run(struct hc_capture *c, struct hc_ir *ir, enum hc_matching matching,
                             struct hc_replay_opts opts)
{
	HC_AUTO(hc_plan_free) struct hc_plan *plan = NULL;
	struct hc_replay_stats stats = { 0 };
	struct hc_err err = { 0 };

	opts.n_threads = 1;
	cr_assert_eq(hc_plan_new(ir, matching, &plan, &err), 0, "%s", err.msg);
	cr_assert_geq(hc_replay(plan, c, &opts, &stats, &err), 0, "%s", err.msg);
	hc_replay_stats_done(&stats);
}

#define FALCO_SEQS_BYTES 4096

static inline int falco_emit_seq(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered,
                                 struct hc_err *err)
{
	char *text = ctx;
	size_t n = strlen(text);

	(void)wall_ns;
	(void)rendered;
	(void)err;
	snprintf(text + n, FALCO_SEQS_BYTES - n, "%s%llu", n ? " " : "", (unsigned long long)hit->seq);
	return 0;
}

/* want: the numbers of the rows for which the filter is true, with blanks between them. */
static inline void falco_expect_rows(struct hc_capture *c, const char *filter, const char *want)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	char seqs[FALCO_SEQS_BYTES] = "";
	struct hc_err err = { 0 };

	cr_assert_geq(hc_falco_filter_compile(ir, filter, &err), 0, "%s: %s", filter, err.msg);
	falco_run(c, ir, HC_MATCH_ALL, (struct hc_replay_opts){ .emit = falco_emit_seq, .ctx = seqs });
	cr_expect_str_eq(seqs, want, "%s: got '%s', not '%s'", filter, seqs, want);
}

#endif
