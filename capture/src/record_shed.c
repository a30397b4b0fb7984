/*
 * A budget of processor time: once a second the recorder looks at what it used, sheds detail step by step while
 * that is too much (capture/live.h says what goes in which order) and takes it back later. Each step in force is a
 * meta_filter row with the reason `shed`; meta_config rows say what is recorded meanwhile.
 */
#include "record_priv.h"

#include <stdio.h>
#include <sys/resource.h>

/* Of all threads. */
static uint64_t used_ns(void)
{
	struct rusage u = { 0 };

	getrusage(RUSAGE_SELF, &u);
	return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}

/* Does the step take anything from what the options ask for? */
static bool takes(const struct hc_record *r, unsigned step)
{
	if (hc_live_shed_snaplen(r->live, step) != hc_live_shed_snaplen(r->live, step - 1))
		return true;
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (hc_live_shed_mode(r->live, step, type) != hc_live_shed_mode(r->live, step - 1, type))
			return true;
	return false;
}

static int tell(struct hc_record *r, unsigned step, bool ended, struct hc_err *err)
{
	struct meta_shed row = { .step = step, .id = r->shed_from_ns[step], .expression = r->shed_text[step] };

	return meta_shed(r, &row, ended, err);
}

int shed_rows(struct hc_record *r, bool ended, struct hc_err *err)
{
	int code = 0;

	for (unsigned step = 1; step <= r->shed && code >= 0; step++)
		if (r->shed_from_ns[step])
			code = tell(r, step, ended, err);
	return code;
}

static int shed_next(struct hc_record *r, unsigned step, struct hc_err *err)
{
	int code;

	r->shed_from_ns[step] = record_boot_ns();
	snprintf(r->shed_text[step], sizeof(r->shed_text[step]), "%s max-cpu=%.1f%% used=%.1f%%",
	         hc_live_shed_name(step), r->budget.budget * 100, r->budget.share * 100);
	r->shed = step;
	r->n_sheds++;
	hc_live_set_shed(r->live, step);
	hc_log(r->opts.log, HC_LOG_WARN, "over the budget of processor time: detail is shed",
	       HC_LOG_STR("detail", hc_live_shed_name(step)), HC_LOG_F64("used_percent", r->budget.share * 100),
	       HC_LOG_F64("max_percent", r->budget.budget * 100));
	code = tell(r, step, false, err);
	return code < 0 ? code : meta_config(r, err);
}

static int restore_last(struct hc_record *r, struct hc_err *err)
{
	unsigned step = r->shed, next = step - 1;
	int code;

	while (next && !r->shed_from_ns[next])
		next--;
	hc_live_set_shed(r->live, next);
	hc_log(r->opts.log, HC_LOG_INFO, "detail is recorded again", HC_LOG_STR("detail", hc_live_shed_name(step)),
	       HC_LOG_F64("used_percent", r->budget.share * 100),
	       HC_LOG_F64("max_percent", r->budget.budget * 100));
	r->shed = next; /* a segment that begins with the row does not tell of it as being in force */
	code = tell(r, step, true, err);
	r->shed_from_ns[step] = 0;
	return code < 0 ? code : meta_config(r, err);
}

int shed_look(struct hc_record *r, struct hc_err *err)
{
	int what = cpu_budget_look(&r->budget, record_boot_ns(), used_ns(), r->shed > 0);
	unsigned step = r->shed + 1;

	if (what < 0)
		return restore_last(r, err);
	while (what > 0 && step < HC_N_SHEDS && !takes(r, step))
		step++;
	return what > 0 && step < HC_N_SHEDS ? shed_next(r, step, err) : 0;
}

int hc_record_set_max_cpu(struct hc_record *r, double share, struct hc_err *err)
{
	struct hc_err own = { 0 };
	int code = 0;

	r->err = err ? err : &own;
	r->opts.max_cpu = r->budget.budget = share;
	while (share <= 0 && r->shed && code >= 0)
		code = restore_last(r, r->err);
	return code < 0 ? r->failed = code : 0;
}
