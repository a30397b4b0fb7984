/* hindcast replay -p POLICY... CAPTURE...: which rules would have fired, and which cannot be answered. */
#include "capture_arg.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "follow.h"
#include "policy_arg.h"
#include "query/json.h"
#include "replay/falco_config.h"
#include "replay/replay.h"
#include "replay/yaml.h"
#include "store/base/large_pages.h"
#include "store/render.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_FALCO_JSON, FORMAT_NOT_SAID };
enum matching { MATCHING_FIRST, MATCHING_ALL, MATCHING_NOT_SAID };

struct args {
	struct hc_strs policies, falco_options;
	unsigned format, matching;
	uint64_t threads;
	struct hc_time_arg since, until;
	const char *capture;
	const char *priority, *falco_config;
	unsigned metadata;
	bool json, in_scope, iso_time, keep_going, profile_rules, quiet, follow;
};

struct run {
	const struct args *a;
	struct hc_falco_config config; /* of --falco-config and --falco-option */
	struct hc_pool *pool;
	struct hc_falco *falco;
	struct hc_ir *ir;
	struct hc_str *heads; /* by rule, for --format json; the IR's */
	struct hc_plan *plan;
	const struct hc_operands *captures;
	int n_begun;                /* of them */
	struct hc_cli_capture next; /* the one after these, when it has been opened */
	struct hc_job opening;      /* of the first */
	struct hc_capture *capture;
	struct hc_facts *facts;     /* of the capture under way */
	struct hc_answers *answers; /* the same */
	bool tty;
	uint64_t shown_percent;
	struct hc_time_arg since, until; /* of the capture under way */
	struct hc_cli_scope scope;       /* the same; text NULL: all */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* ---- policies ---- */

static bool has_error_diag(const struct hc_falco *f)
{
	for (uint32_t i = 0; i < hc_falco_n_diags(f); i++)
		if (hc_falco_diag(f, i)->is_error)
			return true;
	return false;
}

/* Loads all files that are not known to be bad. After an error nothing can be built, so the first bad one ends it.
 */
static int load_once(struct run *run, const struct hc_policies *p, const bool *bad, size_t *ret_bad,
                     struct hc_err *err)
{
	struct hc_falco_opts opts = run->config.opts;

	if (run->a->priority)
		opts.min_priority = run->a->priority;
	if (run->a->iso_time)
		opts.time_iso_8601 = true;
	run->falco = hc_falco_new(&opts);
	if (!run->falco)
		return hc_err_set(err, -ENOMEM, "out of memory");
	hc_falco_read_ahead(run->falco, (const char *const *)p->v, p->n, run->pool);
	for (size_t i = 0; i < p->n; i++) {
		int r = bad[i] ? 0 : hc_falco_load(run->falco, p->v[i], err);

		if (r < 0) {
			*ret_bad = i;
			return r;
		}
	}
	return 0;
}

/* HC_CLI_GO or an exit code; with --keep-going *ret_code is raised for each file that was left out. */
static int load(struct run *run, const struct hc_policies *p, bool *bad, int *ret_code)
{
	for (;;) {
		size_t at = p->n;
		struct hc_err err = { 0 };
		int r = load_once(run, p, bad, &at, &err), code;

		if (r == 0) {
			if (!run->a->quiet)
				hc_cli_print_diags(run->falco, false);
			return HC_CLI_GO;
		}
		if (run->falco && has_error_diag(run->falco)) {
			hc_cli_print_diags(run->falco, true);
			code = HC_EXIT_USAGE;
		} else {
			code = hc_cli_error(&hc_cmd_replay, &err);
		}
		run->falco = hc_falco_free(run->falco);
		if (!run->a->keep_going || !p->v || at >= p->n) {
			if (p->n > 1)
				fprintf(stderr,
				        "hindcast replay: nothing has run (--keep-going runs the other files)\n");
			return code;
		}
		hc_cli_warn("going on without %s", p->v[at]);
		bad[at] = true;
		*ret_code = hc_exit_max(*ret_code, code);
	}
}

/* ---- alerts ---- */

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

static struct hc_str put_json(struct hc_arena *arena, struct json_object *o)
{
	size_t n = 0;
	const char *text =
		json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

	return text ? hc_arena_str(arena, (struct hc_str){ text, (uint32_t)n }) : (struct hc_str){ NULL, 0 };
}

static struct json_object *json_strings(const char *const *list)
{
	struct json_object *a = json_object_new_array();

	for (; *list; list++)
		json_object_array_add(a, hc_json_text(*list));
	return a;
}

/* What the alerts of each rule have in common, for --format json: made once, as there may be millions of alerts.
 */
static int make_heads(struct run *run, struct hc_err *err)
{
	uint32_t n = hc_ir_n_rules(run->ir);

	run->heads = hc_arena_alloc(hc_ir_arena(run->ir), n * sizeof(*run->heads) + 1);
	for (uint32_t i = 0; run->heads && i < n; i++) {
		const struct hc_rule_opts *rule = hc_ir_rule(run->ir, i);
		const struct hc_falco_rule *falco = rule->user;
		struct json_object *o = json_object_new_object();
		struct hc_str *head = &run->heads[i];

		add(o, "rule", hc_json_text(rule->name));
		add(o, "severity", hc_json_text(rule->severity));
		add(o, "dialect", hc_json_text(rule->dialect));
		add(o, "policy", hc_json_text(rule->policy));
		add(o, "line", hc_json_u64(rule->line));
		add(o, "tags", falco ? json_strings(falco->tags) : json_object_new_array());
		*head = put_json(hc_ir_arena(run->ir), o);
		json_object_put(o);
		if (!head->p)
			return hc_err_set(err, -ENOMEM, "out of memory");
		head->p++; /* without its braces */
		head->len -= 2;
	}
	return run->heads ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
}

static int render_json(const struct run *run, const struct hc_alert *alert, struct hc_arena *arena,
                       struct hc_str *ret, struct hc_err *err)
{
	const struct hc_table_desc *type = hc_event_desc(alert->hit->type);
	struct hc_str head = run->heads[alert->hit->rule], members;
	const char *quote = alert->hit->seq < HC_JSON_MAX_EXACT ? "" : "\"";
	char time[HC_RENDER_TIME_MAX];
	int r = hc_falco_members(run->falco, alert, arena, &members, err);

	if (r < 0)
		return r;
	hc_render_time(alert->wall_ns, time, sizeof(time));
	ret->p = hc_arena_printf(arena,
	                         "{\"kind\":\"alert\",\"time\":\"%s\",\"seq\":%s%" PRIu64
	                         "%s,\"event\":\"%s\"," HC_STR_FMT "," HC_STR_FMT "}",
	                         time, quote, alert->hit->seq, quote, type ? type->name : "", HC_STR_ARG(head),
	                         HC_STR_ARG(members));
	if (!ret->p)
		return hc_err_set(err, -ENOMEM, "out of memory");
	ret->len = (uint32_t)strlen(ret->p);
	return 0;
}

/* Any worker: the line of one alert. Of the memory it is made in only the line is kept: there may be millions. */
static int render(void *ctx, const struct hc_alert *alert, struct hc_arena *arena, void **ret, struct hc_err *err)
{
	const struct run *run = ctx;
	struct hc_str *line = hc_arena_alloc(arena, sizeof(*line));
	struct hc_arena scratch = { 0 };
	int r;

	if (!line)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (run->a->format == FORMAT_JSON)
		r = render_json(run, alert, &scratch, line, err);
	else
		r = hc_falco_alert(run->falco, alert,
		                   run->a->format == FORMAT_FALCO_JSON ? HC_FALCO_JSON : HC_FALCO_TEXT, &scratch,
		                   line, err);
	if (r >= 0) {
		*line = hc_arena_str(arena, *line);
		r = line->p ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
	}
	hc_arena_done(&scratch);
	*ret = line;
	return r;
}

static void clear_progress(struct run *run)
{
	if (run->tty && run->shown_percent)
		fputs("\r\033[K", stderr);
	run->shown_percent = 0;
}

static int emit(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	const struct hc_str *line = rendered;
	struct run *run = ctx;

	(void)hit;
	(void)wall_ns;
	clear_progress(run);
	if (ferror(stdout))
		return 1; /* an earlier write has failed, and whoever made it says so */
	errno = 0;
	if (run->a->format == FORMAT_TEXT)
		hc_cli_print_text(stdout, line->p, line->len);
	else
		hc_cli_print_json(stdout, line->p, line->len);
	if (!ferror(stdout) && putchar('\n') != EOF)
		return 0;
	if (errno == EPIPE) { /* the reader has had enough, which is no error */
		clearerr(stdout);
		return 1;
	}
	return hc_err_set(err, errno ? -errno : -EIO, "cannot write to standard output: %s",
	                  strerror(errno ? errno : EIO));
}

static int progress(void *ctx, uint64_t done_rows, uint64_t all_rows)
{
	struct run *run = ctx;
	uint64_t percent = all_rows ? done_rows * 100 / all_rows : 100;

	if (run->tty && percent != run->shown_percent) {
		fprintf(stderr, "\r%3" PRIu64 " %%", percent);
		fflush(stderr);
		run->shown_percent = percent;
	}
	return interrupted;
}

/* ---- summary ---- */

/* Of rules as people count them. */
static bool is_unanswerable(const struct run *run, uint32_t i)
{
	return !hc_ir_rule(run->ir, i)->more && !hc_answers_rule(run->answers, i)->answerable;
}

static uint32_t n_unanswerable(const struct run *run)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < hc_ir_n_rules(run->ir); i++)
		n += is_unanswerable(run, i);
	return n;
}

struct order {
	uint32_t rule;
	uint64_t key;
};

static int by_key(const void *pa, const void *pb)
{
	const struct order *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static void put(const char *text)
{
	hc_cli_print_text(stderr, text, strlen(text));
}

static void print_place(const struct hc_rule_opts *rule)
{
	if (!rule->policy)
		return;
	fputs(" (", stderr);
	put(rule->policy);
	if (rule->line)
		fprintf(stderr, ":%u", rule->line);
	fputc(')', stderr);
}

static void print_hits(const struct run *run, const struct hc_replay_stats *s)
{
	uint32_t n_rules = hc_ir_n_rules(run->ir), n = 0;
	struct order *order = calloc(n_rules + 1u, sizeof(*order));
	char count[32];

	for (uint32_t i = 0; order && i < n_rules; i++)
		if (s->hits_by_rule[i])
			order[n++] = (struct order){ i, s->hits_by_rule[i] };
	if (n)
		qsort(order, n, sizeof(*order), by_key);
	for (uint32_t i = 0; i < n; i++) {
		const struct hc_rule_opts *rule = hc_ir_rule(run->ir, order[i].rule);

		fprintf(stderr, "%10s  %-13s ", hc_count_text(order[i].key, count),
		        rule->severity ? rule->severity : "");
		put(rule->name);
		fputc('\n', stderr);
	}
	free(order);
}

static void print_unanswerable(const struct run *run)
{
	uint32_t n = n_unanswerable(run);

	if (!n)
		return;
	fprintf(stderr, "\n%u %s cannot be answered from this capture:\n", n, n == 1 ? "rule" : "rules");
	for (uint32_t i = 0; i < hc_ir_n_rules(run->ir); i++) {
		const struct hc_answer *answer = hc_answers_rule(run->answers, i);

		if (!is_unanswerable(run, i))
			continue;
		fputs("  ", stderr);
		put(hc_ir_rule(run->ir, i)->name);
		print_place(hc_ir_rule(run->ir, i));
		fputc('\n', stderr);
		for (const char *const *reason = answer->reasons; *reason; reason++) {
			fputs("    ", stderr);
			put(*reason);
			fputc('\n', stderr);
		}
	}
}

/* What holds for rules that are answered, each text once. */
static void print_notes(const struct run *run)
{
	uint32_t n_rules = hc_ir_n_rules(run->ir);

	for (uint32_t i = 0; i < n_rules; i++) {
		const struct hc_answer *answer = hc_answers_rule(run->answers, i);

		for (const char *const *note = answer->reasons; answer->answerable && *note; note++) {
			uint32_t n = 0, first = n_rules;

			for (uint32_t j = 0; j < n_rules; j++) {
				const struct hc_answer *other = hc_answers_rule(run->answers, j);
				bool same = false;

				for (const char *const *t = other->reasons; other->answerable && *t; t++)
					same |= strcmp(*t, *note) == 0;
				n += same && !hc_ir_rule(run->ir, j)->more;
				if (same && first == n_rules)
					first = j;
			}
			if (first != i)
				continue; /* said already */
			fprintf(stderr, "note: %u %s: ", n, n == 1 ? "rule" : "rules");
			put(*note);
			fputc('\n', stderr);
		}
	}
}

static void print_costs(const struct run *run, const struct hc_replay_stats *s)
{
	uint32_t n_rules = hc_ir_n_rules(run->ir), n = 0;
	struct order *order = calloc(n_rules + 1u, sizeof(*order));

	for (uint32_t i = 0; order && i < n_rules; i++)
		if (!hc_ir_rule(run->ir, i)->more)
			order[n++] = (struct order){ i, s->costs[i].ns };
	if (order)
		qsort(order, n, sizeof(*order), by_key);
	fprintf(stderr, "\n%10s %8s %8s %10s %10s  rule\n", "time", "blocks", "read", "candidates", "alerts");
	for (uint32_t i = 0; i < n; i++) {
		const struct hc_rule_cost *c = &s->costs[order[i].rule];

		fprintf(stderr, "%7.2f ms %8" PRIu64 " %8" PRIu64 " %10" PRIu64 " %10" PRIu64 "  ",
		        (double)c->ns / 1e6, c->n_blocks, c->n_evaluated, c->n_candidates,
		        s->hits_by_rule[order[i].rule]);
		put(hc_ir_rule(run->ir, order[i].rule)->name);
		fputc('\n', stderr);
	}
	free(order);
}

static void print_summary(const struct run *run, const struct hc_replay_stats *s)
{
	char alerts[32], rows[32], lost[32], span[48];
	uint32_t n_fired = 0;

	for (uint32_t i = 0; i < hc_ir_n_rules(run->ir); i++)
		n_fired += s->hits_by_rule[i] != 0;
	fflush(stdout);
	fprintf(stderr, "%s%s %s from %u of %u rules; %s events in %s (%.1f M events/s, %u %s)\n",
	        s->n_hits ? "\n" : "", hc_count_text(s->n_hits, alerts), s->n_hits == 1 ? "alert" : "alerts",
	        n_fired, hc_ir_n_whole(run->ir), hc_count_text(s->n_rows, rows), hc_span_text(s->wall_ns, span),
	        s->wall_ns ? (double)s->n_rows * 1e3 / (double)s->wall_ns : 0, s->n_threads,
	        s->n_threads == 1 ? "thread" : "threads");
	print_hits(run, s);
	print_unanswerable(run);
	print_notes(run);
	if (hc_facts_lost(run->facts))
		fprintf(stderr,
		        "note: %s events were lost while recording: what they would have shown is not known\n",
		        hc_count_text(hc_facts_lost(run->facts), lost));
	if (s->n_regex_limits)
		fprintf(stderr,
		        "note: %" PRIu64
		        " texts were too hard for a regular expression and count as not matching\n",
		        s->n_regex_limits);
	if (s->costs)
		print_costs(run, s);
}

static struct json_object *json_rule(const struct run *run, const struct hc_replay_stats *s, uint32_t i)
{
	const struct hc_rule_opts *rule = hc_ir_rule(run->ir, i);
	const struct hc_answer *answer = hc_answers_rule(run->answers, i);
	struct json_object *o = json_object_new_object();

	add(o, "rule", hc_json_text(rule->name));
	add(o, "policy", hc_json_text(rule->policy));
	add(o, "line", hc_json_u64(rule->line));
	add(o, "severity", hc_json_text(rule->severity));
	add(o, "alerts", hc_json_u64(s->hits_by_rule[i]));
	add(o, "answerable", json_object_new_boolean(answer->answerable));
	add(o, answer->answerable ? "notes" : "reasons", json_strings(answer->reasons));
	if (s->costs) {
		add(o, "ns", hc_json_u64(s->costs[i].ns));
		add(o, "blocks", hc_json_u64(s->costs[i].n_blocks));
		add(o, "blocks_read", hc_json_u64(s->costs[i].n_evaluated));
		add(o, "candidates", hc_json_u64(s->costs[i].n_candidates));
	}
	return o;
}

static void print_json_summary(const struct run *run, const struct hc_replay_stats *s)
{
	struct json_object *o = json_object_new_object(), *rules = json_object_new_array();

	add(o, "kind", hc_json_text("summary"));
	add(o, "capture", hc_json_text(hc_capture_path(run->capture)));
	add(o, "alerts", hc_json_u64(s->n_hits));
	add(o, "events", hc_json_u64(s->n_rows));
	add(o, "blocks", hc_json_u64(s->n_blocks));
	add(o, "blocks_skipped", hc_json_u64(s->n_skipped));
	add(o, "blocks_damaged", hc_json_u64(s->n_damaged));
	add(o, "lost", hc_json_u64(hc_facts_lost(run->facts)));
	add(o, "regex_limits", hc_json_u64(s->n_regex_limits));
	add(o, "unanswerable", hc_json_u64(n_unanswerable(run)));
	add(o, "wall_ns", hc_json_u64(s->wall_ns));
	add(o, "cpu_ns", hc_json_u64(s->cpu_ns));
	add(o, "threads", hc_json_u64(s->n_threads));
	for (uint32_t i = 0; i < hc_ir_n_rules(run->ir); i++)
		if (!hc_ir_rule(run->ir, i)->more)
			json_object_array_add(rules, json_rule(run, s, i));
	add(o, "rules", rules);
	hc_cli_put_json(stdout, o);
}

/* ---- running ---- */

static void forget_answers(struct run *run)
{
	run->answers = hc_answers_free(run->answers);
	run->facts = hc_facts_free(run->facts);
}

/* What the capture can answer. */
static int load_answers(struct run *run, struct hc_capture *c, struct hc_err *err)
{
	struct hc_block_filter range = { .has_since = run->since.set,
		                         .has_until = run->until.set,
		                         .since_wall_ns = run->since.ns,
		                         .until_wall_ns = run->until.ns };
	int r;

	forget_answers(run);
	r = hc_facts_load(c, &range, &run->facts, err);
	if (r == 0 && run->scope.text)
		hc_facts_within(run->facts, run->scope.text, run->a->capture);
	return r < 0 ? r : hc_answers_new(run->ir, run->facts, &run->answers, err);
}

/* While other threads evaluate blocks. */
static int begun(void *ctx, struct hc_err *err)
{
	struct run *run = ctx;

	return load_answers(run, run->capture, err);
}

/* What was recorded up to the end of following is known when it has ended. */
static int load_answers_again(struct run *run, struct hc_err *err)
{
	HC_AUTO(hc_capture_close) struct hc_capture *c = NULL;
	struct hc_err why = { 0 };

	/* a directory that is gone: what was known at the beginning stands */
	if (hc_capture_open(hc_capture_path(run->capture), HC_CAPTURE_EVEN_BROKEN, &c, &why) < 0)
		return 0;
	return load_answers(run, c, err);
}

/* Any thread: at most one capture is open before its turn. */
static void open_next(void *ctx)
{
	struct run *run = ctx;

	if (run->n_begun < run->captures->n)
		hc_cli_capture_ahead(&run->next, run->captures->v[run->n_begun], 0);
}

/* HC_CLI_GO or an exit code. */
static int begin_next(struct run *run)
{
	hc_pool_end(run->pool, &run->opening);
	if (!run->next.path)
		open_next(run);
	run->n_begun++;
	return hc_cli_capture_take(&hc_cmd_replay, &run->next, &run->capture);
}

static int follow(struct run *run, struct hc_replay_opts *opts, struct hc_replay_stats *stats, struct hc_err *err)
{
	const struct args *a = run->a;
	int r = load_answers(run, run->capture, err);

	if (r < 0)
		return r;
	if (a->format != FORMAT_JSON && !a->quiet)
		print_unanswerable(run); /* what will never be found, now that it can be changed */
	hc_cli_follow_begin(hc_capture_path(run->capture));
	opts->progress = hc_cli_follow_progress;
	r = hc_replay_follow(run->plan, run->capture, opts, stats, err);
	clear_progress(run);
	if (r == 0)
		r = hc_cli_follow_end(err);
	return r < 0 ? r : load_answers_again(run, err);
}

static int replay_capture(struct run *run, struct hc_err *err)
{
	const struct args *a = run->a;
	struct hc_replay_opts opts = {
		.pool = run->pool,
		.profile = a->profile_rules,
		.begun = begun,
		.ending = open_next,
		.render = render,
		.emit = emit,
		.progress = progress,
		.ctx = run,
	};
	struct hc_replay_stats stats = { 0 };
	int code, r = 0;

	run->since = a->since;
	run->until = a->until;
	code = hc_cli_capture_range(&hc_cmd_replay, run->capture, a->capture, a->in_scope, &run->since,
	                            &run->until, &run->scope);
	if (code != HC_CLI_GO)
		goto out;
	code = hc_cli_capture_metadata(&hc_cmd_replay, run->capture, a->metadata, a->follow);
	if (code != HC_CLI_GO)
		goto out;
	opts.scope = hc_cli_scope(&run->scope);
	code = HC_EXIT_OK;
	opts.has_since = run->since.set;
	opts.has_until = run->until.set;
	opts.since_wall_ns = run->since.ns;
	opts.until_wall_ns = run->until.ns;
	r = a->follow ? follow(run, &opts, &stats, err) : hc_replay(run->plan, run->capture, &opts, &stats, err);
	clear_progress(run);
	if (r == 0) {
		if (a->format == FORMAT_JSON)
			print_json_summary(run, &stats);
		else if (!a->quiet)
			print_summary(run, &stats);
		code = n_unanswerable(run) ? HC_EXIT_FOUND : HC_EXIT_OK;
	}
out:
	forget_answers(run);
	free(run->scope.text);
	run->scope = (struct hc_cli_scope){ 0 };
	hc_replay_stats_done(&stats);
	return r < 0 ? r : code;
}

static int run_captures(struct run *run, int code)
{
	while (run->n_begun < run->captures->n) {
		struct hc_err err = { 0 };
		int r = begin_next(run);

		if (r != HC_CLI_GO) {
			code = hc_exit_max(code, r);
			continue;
		}
		r = replay_capture(run, &err);
		if (r == -EINTR)
			code = HC_EXIT_INTERRUPTED;
		else if (r < 0)
			code = hc_exit_max(code, hc_cli_error(&hc_cmd_replay, &err));
		else
			code = hc_exit_max(code, r);
		if (r == -EINTR) {
			hc_capture_close(run->capture);
			return code;
		}
		code = hc_cli_capture_close(run->capture, code);
	}
	return code;
}

/* What is loaded, over all captures; code: of the loading. */
static int run_loaded(struct run *run, int code)
{
	struct sigaction sa = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND };
	struct hc_err err = { 0 };
	int r;

	run->ir = hc_ir_new();
	r = run->ir ? hc_falco_build(run->falco, run->ir, &err) : hc_err_set(&err, -ENOMEM, "out of memory");
	if (r >= 0)
		r = hc_plan_new(run->ir, run->a->matching == MATCHING_ALL ? HC_MATCH_ALL : HC_MATCH_FIRST,
		                &run->plan, &err);
	if (r >= 0 && run->a->format == FORMAT_JSON)
		r = make_heads(run, &err);
	if (r < 0)
		return hc_exit_max(code, hc_cli_error(&hc_cmd_replay, &err));
	if (!hc_ir_n_rules(run->ir))
		hc_cli_warn("there is no enabled rule in these policies");
	sigaction(SIGINT, &sa, NULL); /* a second one kills */
	return run_captures(run, code);
}

static int run_policies(struct run *run, const struct hc_policies *p)
{
	HC_AUTO(free) bool *bad = calloc(p->n + 1, sizeof(*bad));
	int code = HC_EXIT_OK, r;

	if (!bad)
		return hc_cli_usage(&hc_cmd_replay, "out of memory");
	r = load(run, p, bad, &code);
	if (r != HC_CLI_GO)
		return r;
	/* One that is followed is opened when that begins. Without a thread for it the first one has its turn,
	 * too. */
	if (!run->a->follow) {
		run->opening = (struct hc_job){ .run = open_next, .arg = run };
		(void)hc_pool_begin(run->pool, &run->opening, NULL);
	}
	code = run_loaded(run, code);
	hc_pool_end(run->pool, &run->opening);
	hc_capture_close(run->next.capture);
	return code;
}

/* What the configuration says holds where the command line says nothing. */
static int read_config(struct run *run, struct args *a)
{
	struct hc_err err = { 0 };
	int r = hc_falco_config_load(a->falco_config, a->falco_options.v, a->falco_options.n, &run->config, &err);

	if (r < 0)
		return hc_cli_error(&hc_cmd_replay, &err);
	if (a->format == FORMAT_NOT_SAID)
		a->format = run->config.json_output ? FORMAT_FALCO_JSON : FORMAT_TEXT;
	if (a->matching == MATCHING_NOT_SAID)
		a->matching = run->config.match_all ? MATCHING_ALL : MATCHING_FIRST;
	return HC_CLI_GO;
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static bool is_empty_dir(const char *path)
{
	struct hc_arena arena = { 0 };
	const char *const *files;
	bool empty = hc_yaml_dir(path, &arena, &files, NULL) == 0 && !*files;

	hc_arena_done(&arena);
	return empty;
}

/* What Falco itself leaves out of rules_files: what is not there (said, for it may be a slip), and directories
 * without rules, as an installation has one for local rules. */
static int find_policies(const struct run *run, const struct args *a, struct hc_policies *p)
{
	struct hc_strs named = { 0 };
	size_t n = 0;
	int code;

	if (a->policies.n || !a->falco_config)
		return hc_cli_policies(&hc_cmd_replay, &a->policies, p);
	while (run->config.rules_files[n])
		n++;
	if (!n)
		return hc_cli_usage(&hc_cmd_replay, "%s names no rules_files: give them with -p", a->falco_config);
	named.v = calloc(n, sizeof(*named.v));
	if (!named.v)
		return hc_cli_usage(&hc_cmd_replay, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *path = run->config.rules_files[i];

		if (!is_there(path))
			hc_cli_warn("%s: '%s' of rules_files is not there, and is left out as Falco does",
			            a->falco_config, path);
		else if (!is_empty_dir(path))
			named.v[named.n++] = path;
	}
	code = named.n ? hc_cli_policies(&hc_cmd_replay, &named, p)
	               : hc_cli_usage(&hc_cmd_replay,
	                              "there are no rules in the rules_files of %s: give them with -p",
	                              a->falco_config);
	hc_strs_done(&named);
	return code;
}

static int run(int argc, char **argv)
{
	struct args a = { .format = FORMAT_NOT_SAID,
		          .matching = MATCHING_NOT_SAID,
		          .metadata = HC_METADATA_NOT_SAID };
	struct hc_operands operands;
	struct run run = { .a = &a, .captures = &operands, .tty = hc_cli_obeys(stderr) };
	struct hc_policies p = { 0 };
	int code = hc_cli_parse(&hc_cmd_replay, argc, argv, &a, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (a.json)
		a.format = FORMAT_JSON;
	/* Memory of one block, and of one capture, is that of the next: to give it back in between costs more than
	 * to clear it. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_TOP_PAD, HC_LARGE_PAGES_AHEAD);
	hc_large_pages();
	if (!a.policies.n && !a.falco_config)
		code = hc_cli_usage(&hc_cmd_replay, "-p POLICY is missing: which rules shall be evaluated?");
	else if (!operands.n)
		code = hc_cli_usage(&hc_cmd_replay, "CAPTURE is missing: what shall be replayed?");
	else if (a.follow && operands.n > 1)
		code = hc_cli_usage(&hc_cmd_replay, "--follow: one capture at a time");
	else if (a.since.set && a.until.set && a.since.ns >= a.until.ns)
		code = hc_cli_usage(&hc_cmd_replay, "--since is not before --until");
	else if (a.priority && !hc_falco_is_priority(a.priority))
		code = hc_cli_usage(&hc_cmd_replay, "--min-priority: unknown priority '%s'", a.priority);
	run.pool = hc_pool_new((unsigned)a.threads);
	if (code == HC_CLI_GO && !run.pool)
		code = hc_cli_usage(&hc_cmd_replay, "out of memory");
	if (code == HC_CLI_GO)
		code = read_config(&run, &a);
	if (code == HC_CLI_GO)
		code = find_policies(&run, &a, &p);
	if (code == HC_CLI_GO)
		code = run_policies(&run, &p);
	hc_plan_free(run.plan);
	hc_ir_free(run.ir);
	hc_falco_free(run.falco);
	hc_pool_free(run.pool);
	hc_falco_config_done(&run.config);
	hc_policies_done(&p);
	hc_strs_done(&a.policies);
	hc_strs_done(&a.falco_options);
	return code;
}

static const struct hc_opt opts[] = {
	{ .name = "policy",
	  .letter = 'p',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, policies),
	  .value = "POLICY",
	  .help = "evaluate this file of rules, or the *.yaml files of this directory; may be repeated",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "falco-config",
	  .letter = 'c',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, falco_config),
	  .value = "FILE",
	  .help = "take rules, their selection, append_output and the form of alerts from this falco.yaml",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "falco-option",
	  .letter = 'o',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, falco_options),
	  .value = "KEY=VALUE",
	  .help = "set a key of falco.yaml as 'falco -o' does, as in 'rules[].disable.tag=network'; may be "
	          "repeated" },
	{ .name = "format",
	  .letter = 'f',
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, format),
	  .value = "FORMAT",
	  .words = "text|json|falco-json",
	  .help = "print alerts as lines, as our JSON, or as Falco's JSON" },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "same as --format json" },
	{ .name = "follow",
	  .letter = 'F',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, follow),
	  .help = "go on with what a recorder appends, until it ends or SIGINT or SIGTERM comes" },
	{ .name = "since",
	  .kind = HC_OPT_TIME,
	  .off = offsetof(struct args, since),
	  .value = "TIME",
	  .help = "leave out events before this moment" },
	{ .name = "until",
	  .kind = HC_OPT_TIME,
	  .off = offsetof(struct args, until),
	  .value = "TIME",
	  .help = "leave out events from this moment on" },
	HC_CLI_CAPTURE_OPT(capture),
	HC_CLI_SCOPE_OPT(in_scope),
	HC_CLI_METADATA_OPT(metadata),
	{ .name = "matching",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, matching),
	  .value = "WHICH",
	  .words = "first|all",
	  .help = "let the first rule that matches an event win, or all (first)" },
	{ .name = "min-priority",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, priority),
	  .value = "PRIORITY",
	  .help = "leave out rules below this priority (debug)" },
	{ .name = "iso-time",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, iso_time),
	  .help = "print the time of alerts as Falco does with time_format_iso_8601" },
	{ .name = "threads",
	  .letter = 'j',
	  .kind = HC_OPT_U64,
	  .off = offsetof(struct args, threads),
	  .value = "N",
	  .min = 1,
	  .max = 256,
	  .help = "work with so many threads (one per processor)" },
	{ .name = "keep-going",
	  .letter = 'k',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, keep_going),
	  .help = "leave out policy files that do not load, instead of running nothing" },
	{ .name = "profile-rules",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, profile_rules),
	  .help = "show what each rule cost" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, quiet),
	  .help = "print alerts only: no summary, no warnings about the policies" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "see what a pack of rules finds in a capture", "hindcast replay -p policies/falco /var/lib/hindcast" },
	{ "the last hour, as Falco would have printed it",
	  "hindcast replay -p rules.yaml --since -1h --format falco-json /var/lib/hindcast" },
	{ "alerts as they happen, about a second after the event",
	  "hindcast replay -p policies/falco --follow --since now /var/lib/hindcast" },
	{ "what the Falco of this machine would have said",
	  "hindcast replay -c /etc/falco/falco.yaml /var/lib/hindcast" },
	{ 0 },
};

const struct hc_command hc_cmd_replay = {
	.name = "replay",
	.args = "-p POLICY... [--format FORMAT] [--since TIME] [--until TIME] [--follow] CAPTURE...",
	.summary = "evaluate policies over captures",
	.description =
		"Evaluates rules over what was recorded and prints an alert for each event on which one "
		"fires, in the "
		"order of the events. The result is the same for any number of threads.\n\n"
		"A rule that needs something the capture does not hold is reported as one that cannot be "
		"answered, with "
		"the reason and the recorder's option that would have captured it.\n\n"
		"Alerts are printed to standard output, the summary to standard error; with --format json "
		"the summary is the "
		"last object on standard output.\n\n"
		"--follow evaluates the directory of a capture that is being written: all that is there "
		"(--since now: nothing of it), then what comes, with about a second of delay. It ends with the "
		"recorder, or on SIGINT or SIGTERM, and prints the summary.",
	.opts = opts,
	.examples = examples,
	.exit_notes =
		"1: a rule cannot be answered from the capture. 2: a policy does not load; nothing has run then, "
		"unless "
		"--keep-going was given. 3: a part of the capture could not be read, or was removed before it "
		"was. "
		"Alerts alone leave it at 0, and so do the signals that end --follow.",
	.complete = HC_COMPLETE_DIR,
	.run = run,
};
