/* Replays the policies of a test file over its capture and holds the alerts against what its cases expect. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "replay/falco.h"
#include "test_priv.h"

#define MAX_ANCESTORS 4096
#define MAX_SHOWN 5         /* alerts of one kind in a finding */
#define MAX_SHOWN_BYTES 240 /* of a message */

/* Fields of one rule that some expectation asks for. */
struct asked {
	const char *const *fields; /* sorted, each once; NULL-terminated */
	size_t n;
};

struct kept {
	struct hc_test_alert a;
	const struct hc_falco_rule *rule;
	const struct hc_str *values; /* of the rule's asked fields, .p NULL where absent */
};

/* One way of matching: cases that want the first rule only, and those that want all. */
struct mode {
	struct judge *j;
	enum hc_matching matching;
	bool used;
	struct hc_falco *falco;
	struct hc_falco_append *appends;
	struct hc_ir *ir;
	struct hc_plan *plan;
	struct hc_answers *answers;
	struct asked *asked; /* by rule */
	struct kept *alerts; /* in order of seq */
	size_t n_alerts, cap;
	struct hc_replay_stats stats;
};

/* A filter of cases: the alerts of a mode that are on its rows. */
struct where {
	const char *filter;
	int rule[2];       /* in the filters' IR */
	uint8_t *holds[2]; /* by mode, by alert */
};

/* What a case expects, those from a file included. */
struct expects {
	const struct hc_test_expect *v;
	size_t n;
};

struct judge {
	const struct hc_test_file *f;
	const struct hc_test_judge_opts *o;
	struct hc_capture *c;
	struct hc_test_verdicts *ret;
	struct hc_arena *arena; /* of the result */
	struct hc_match *match;
	struct mode modes[2];
	struct expects *expects; /* by case */
	struct where *wheres;
	size_t n_wheres;
	struct hc_err *err;
};

static int no_memory(struct hc_err *err)
{
	return hc_err_set(err, -ENOMEM, "out of memory");
}

static bool is_selected(const struct judge *j, size_t i)
{
	return !j->o->selected || j->o->selected[i];
}

/* ---- policies ---- */

/* Index of a rule that is there and not disabled; negative otherwise. */
static int find_rule(const struct mode *m, const char *name)
{
	for (uint32_t i = 0; i < hc_falco_n_rules(m->falco); i++)
		if (strcmp(hc_falco_rule(m->falco, i)->name, name) == 0)
			return (int)i;
	return -1;
}

struct wanted {
	const char *rule, *field;
};

static int by_rule_and_field(const void *pa, const void *pb)
{
	const struct wanted *a = pa, *b = pb;
	int order = strcmp(a->rule, b->rule);

	return order ? order : strcmp(a->field, b->field);
}

/* Calls for each selected expectation of a mode, until one fails. */
static int each_expect(struct judge *j, const struct mode *m,
                       int (*call)(struct judge *j, const struct hc_test_expect *e, void *ctx), void *ctx)
{
	int r = 0;

	for (size_t i = 0; i < j->f->n_cases; i++) {
		const struct hc_test_case *c = &j->f->cases[i];

		if (!is_selected(j, i) || c->match_all != (m->matching == HC_MATCH_ALL))
			continue;
		for (size_t k = 0; r == 0 && k < j->expects[i].n; k++)
			r = call(j, &j->expects[i].v[k], ctx);
	}
	return r;
}

struct wanted_list {
	struct wanted *v;
	size_t n;
	struct hc_ir *ir; /* to try fields */
};

static int count_wanted(struct judge *j, const struct hc_test_expect *e, void *ctx)
{
	(void)j;
	*(size_t *)ctx += e->n_fields;
	return 0;
}

/* Whether a text is a field, said at its place. */
static int check_field(struct judge *j, struct hc_ir *ir, const struct hc_test_field *field)
{
	struct hc_falco_format *format;
	char text[256];
	struct hc_err why = { 0 };
	size_t n = strcspn(field->name, "=% \t\n\"");

	if (field->name[n] || !n || strlen(field->name) > sizeof(text) - 2)
		return hc_test_error(j->f, field->place, -EINVAL, j->err, "'%s' is not the name of a field",
		                     field->name);
	snprintf(text, sizeof(text), "%%%s", field->name);
	if (hc_falco_format_compile(ir, text, &format, &why) == 0)
		return 0;
	if (why.code == -ENOMEM)
		return no_memory(j->err);
	return hc_test_error(j->f, field->place, -EINVAL, j->err, "'%s': %s", field->name, why.msg);
}

static int gather_wanted(struct judge *j, const struct hc_test_expect *e, void *ctx)
{
	struct wanted_list *l = ctx;

	for (size_t i = 0; i < e->n_fields; i++) {
		int r = check_field(j, l->ir, &e->fields[i]);

		if (r < 0)
			return r;
		l->v[l->n++] = (struct wanted){ e->rule, e->fields[i].name };
	}
	return 0;
}

/* The fields that expectations ask for, sorted by rule, each once; *ret_n 0 and NULL when there is none. */
static int list_wanted(struct judge *j, const struct mode *m, struct wanted **ret, size_t *ret_n)
{
	struct wanted_list l = { 0 };
	size_t n = 0, kept = 0;
	int r;

	(void)each_expect(j, m, count_wanted, &n);
	l.v = calloc(n + 1, sizeof(*l.v));
	l.ir = hc_ir_new();
	r = l.v && l.ir ? each_expect(j, m, gather_wanted, &l) : no_memory(j->err);
	hc_ir_free(l.ir);
	if (r < 0) {
		free(l.v);
		return r;
	}
	qsort(l.v, l.n, sizeof(*l.v), by_rule_and_field);
	for (size_t i = 0; i < l.n; i++)
		if (!kept || by_rule_and_field(&l.v[kept - 1], &l.v[i]) != 0)
			l.v[kept++] = l.v[i];
	*ret = l.v;
	*ret_n = kept;
	return 0;
}

/* Lets each rule's alerts carry the fields that are asked for. */
static int make_appends(struct mode *m, const struct wanted *wanted, size_t n, size_t *ret_n)
{
	struct hc_arena *arena = m->j->arena;
	size_t n_appends = 0;

	m->appends = hc_arena_alloc(arena, (n + 1) * sizeof(*m->appends));
	if (!m->appends)
		return no_memory(m->j->err);
	for (size_t i = 0, end; i < n; i = end) {
		const char **fields;

		for (end = i; end < n && strcmp(wanted[end].rule, wanted[i].rule) == 0; end++)
			;
		fields = hc_arena_alloc(arena, (end - i + 1) * sizeof(*fields));
		if (!fields)
			return no_memory(m->j->err);
		for (size_t k = i; k < end; k++)
			fields[k - i] = wanted[k].field;
		m->appends[n_appends++] =
			(struct hc_falco_append){ .rule = wanted[i].rule, .extra_fields = fields };
	}
	*ret_n = n_appends;
	return 0;
}

static int fill_asked(struct mode *m, size_t n_appends)
{
	m->asked = hc_arena_alloc(m->j->arena, (hc_falco_n_rules(m->falco) + 1u) * sizeof(*m->asked));
	if (!m->asked)
		return no_memory(m->j->err);
	for (size_t i = 0; i < n_appends; i++) {
		int rule = find_rule(m, m->appends[i].rule);

		if (rule < 0)
			continue;
		m->asked[rule].fields = m->appends[i].extra_fields;
		while (m->asked[rule].fields[m->asked[rule].n])
			m->asked[rule].n++;
	}
	return 0;
}

static int check_rule(struct judge *j, const struct hc_test_expect *e, void *ctx)
{
	const struct mode *m = ctx;
	int rule = find_rule(m, e->rule);
	const char *near = NULL;

	if (rule >= 0)
		return 0; /* one that is disabled fails its case alone: others are not about it */
	for (uint32_t i = 0; !near && i < hc_falco_n_rules(m->falco); i++) {
		const char *name = hc_falco_rule(m->falco, i)->name;

		if (strcasecmp(name, e->rule) == 0 || strcasestr(name, e->rule) || strcasestr(e->rule, name))
			near = name;
	}
	hc_test_error(j->f, e->place, -EINVAL, j->err, "the policies have no rule '%s'", e->rule);
	if (near)
		hc_err_note(j->err, "there is a rule '%s'", near);
	return -EINVAL;
}

static int mode_load(struct mode *m)
{
	struct judge *j = m->j;
	struct wanted *wanted = NULL;
	struct hc_falco_opts opts = { 0 };
	size_t n_wanted = 0;
	int r = list_wanted(j, m, &wanted, &n_wanted);

	if (r == 0)
		r = make_appends(m, wanted, n_wanted, &opts.n_appends);
	free(wanted);
	opts.appends = m->appends;
	if (r == 0)
		m->falco = hc_falco_new(&opts);
	if (r == 0 && !m->falco)
		r = no_memory(j->err);
	for (size_t i = 0; r == 0 && i < j->o->n_policies; i++)
		r = hc_falco_load(m->falco, j->o->policies[i], j->err);
	if (r == 0)
		r = each_expect(j, m, check_rule, m);
	if (r == 0)
		r = fill_asked(m, opts.n_appends);
	if (r < 0)
		return r;
	m->ir = hc_ir_new();
	r = m->ir ? hc_falco_build(m->falco, m->ir, j->err) : no_memory(j->err);
	return r < 0 ? r : hc_plan_new(m->ir, m->matching, &m->plan, j->err);
}

/* ---- alerts ---- */

static bool is_keeper(const struct hc_test_keeper *k, struct hc_view *v, uint32_t proc)
{
	int64_t start, pid;
	const int64_t *vpids;
	uint32_t n;

	if (!hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_start_ns, proc, &start) || (uint64_t)start < k->from_ns ||
	    (uint64_t)start > k->until_ns)
		return false;
	if (hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, &pid) && pid == k->pid)
		return true;
	vpids = hc_view_ints(v, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_vpids, proc), &n);
	for (uint32_t i = 0; i < n; i++)
		if (vpids[i] == k->pid)
			return true;
	return false;
}

/* The keeper's script among a process and those that a column leads to from it, and from these. */
static const struct hc_test_script *script_along(const struct judge *j, struct hc_view *v, uint32_t proc,
                                                 unsigned col)
{
	for (unsigned depth = 0; proc && depth < MAX_ANCESTORS; depth++) {
		for (size_t i = 0; i < j->o->n_keepers; i++)
			if (is_keeper(&j->o->keepers[i], v, proc))
				return j->o->keepers[i].script;
		proc = hc_view_ref(v, HC_OBJ_PROC, col, proc);
	}
	return NULL;
}

/* The script that the row's process comes from. Who forked it is known also when the parents are gone; the parent
 * also when the one that forked it is no more remembered. */
static const struct hc_test_script *script_of(const struct judge *j, struct hc_view *v, const struct hc_hit *hit)
{
	uint32_t task = hc_view_ref(v, HC_DOM_ROWS(hit->type), HC_COL_TASK, hit->row + 1);
	uint32_t proc = hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task);
	const struct hc_test_script *script = script_along(j, v, proc, HC_O_PROC_parent);

	return script ? script : script_along(j, v, proc, HC_O_PROC_creator);
}

static int read_values(const struct mode *m, const struct hc_alert *alert, const struct asked *asked,
                       struct hc_arena *arena, struct hc_str **ret, struct hc_err *err)
{
	struct hc_str *v = hc_arena_alloc(arena, (asked->n + 1) * sizeof(*v)), line;
	struct json_object *all, *fields = NULL, *value;
	int r = v ? hc_falco_alert(m->falco, alert, HC_FALCO_JSON, arena, &line, err) : no_memory(err);

	if (r < 0)
		return r;
	all = json_tokener_parse(line.p);
	if (!all || !json_object_object_get_ex(all, "output_fields", &fields)) {
		json_object_put(all);
		return hc_err_set(err, -EINVAL, "an alert of '%s' has no fields", alert->rule->name);
	}
	for (size_t i = 0; i < asked->n; i++)
		if (json_object_object_get_ex(fields, asked->fields[i], &value))
			v[i] = hc_test_value_text(value, arena);
	json_object_put(all);
	*ret = v;
	return 0;
}

static const struct asked *asked_of(const struct mode *m, const struct hc_falco_rule *rule)
{
	for (uint32_t i = 0; i < hc_falco_n_rules(m->falco); i++)
		if (hc_falco_rule(m->falco, i) == rule)
			return &m->asked[i];
	return NULL;
}

/* Any worker. */
static int render(void *ctx, const struct hc_alert *alert, struct hc_arena *arena, void **ret, struct hc_err *err)
{
	const struct mode *m = ctx;
	const struct hc_table_desc *type = hc_event_desc(alert->hit->type);
	const struct asked *asked = asked_of(m, alert->rule->user);
	struct kept *k = hc_arena_alloc(arena, sizeof(*k));
	struct hc_str *values = NULL;
	int r = k ? hc_falco_message(m->falco, alert, arena, &k->a.message, err) : no_memory(err);

	if (r == 0 && asked && asked->n)
		r = read_values(m, alert, asked, arena, &values, err);
	if (r < 0)
		return r;
	k->rule = alert->rule->user;
	k->values = values;
	k->a.seq = alert->hit->seq;
	k->a.wall_ns = alert->wall_ns;
	k->a.rule = alert->rule->name;
	k->a.priority = alert->rule->severity;
	k->a.event = type ? type->name : "";
	k->a.script = script_of(m->j, alert->view, alert->hit);
	*ret = k;
	return 0;
}

/* Makes what it points to live as long as the result. */
static int keep(struct mode *m, const struct kept *from, struct kept *to)
{
	struct hc_arena *arena = m->j->arena;
	const struct asked *asked = asked_of(m, from->rule);
	struct hc_str *values;

	*to = *from;
	to->a.message = hc_arena_str(arena, from->a.message);
	to->a.rule = hc_arena_str(arena, hc_str_c(from->a.rule)).p;
	to->a.priority = hc_arena_str(arena, hc_str_c(from->a.priority)).p;
	if (!to->a.message.p || !to->a.rule || !to->a.priority)
		return -ENOMEM;
	if (!from->values)
		return 0;
	values = hc_arena_alloc(arena, (asked->n + 1) * sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < asked->n; i++) {
		if (!from->values[i].p)
			continue;
		values[i] = hc_arena_str(arena, from->values[i]);
		if (!values[i].p)
			return -ENOMEM;
	}
	to->values = values;
	return 0;
}

static int emit(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	struct mode *m = ctx;

	(void)hit;
	(void)wall_ns;
	if (m->n_alerts >= HC_TEST_MAX_ALERTS)
		return hc_err_set(err, -E2BIG, "these rules fire more than %u times on '%s'", HC_TEST_MAX_ALERTS,
		                  hc_capture_path(m->j->c));
	if (m->n_alerts == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 256;
		struct kept *v = realloc(m->alerts, cap * sizeof(*v));

		if (!v)
			return no_memory(err);
		m->alerts = v;
		m->cap = cap;
	}
	if (keep(m, rendered, &m->alerts[m->n_alerts]) < 0)
		return no_memory(err);
	m->n_alerts++;
	return 0;
}

static int is_interrupted(const struct judge *j)
{
	return j->o->interrupted && j->o->interrupted();
}

static int mode_progress(void *ctx, uint64_t done_rows, uint64_t all_rows)
{
	const struct mode *m = ctx;

	(void)done_rows;
	(void)all_rows;
	return is_interrupted(m->j);
}

static int mode_run(struct mode *m, const struct hc_facts *facts)
{
	struct judge *j = m->j;
	struct hc_replay_opts opts = {
		.n_threads = j->o->n_threads, .render = render, .emit = emit, .progress = mode_progress, .ctx = m
	};
	int r = hc_answers_new(m->ir, facts, &m->answers, j->err);

	return r < 0 ? r : hc_replay(m->plan, j->c, &opts, &m->stats, j->err);
}

/* ---- filters of cases ---- */

static struct where *where_of(struct judge *j, const char *filter)
{
	for (size_t i = 0; i < j->n_wheres; i++)
		if (j->wheres[i].filter && strcmp(j->wheres[i].filter, filter) == 0)
			return &j->wheres[i];
	return NULL;
}

/* First alert of that number or a later one. */
static size_t lower_bound(const struct mode *m, uint64_t seq)
{
	size_t from = 0, end = m->n_alerts;

	while (from < end) {
		size_t mid = from + (end - from) / 2;

		if (m->alerts[mid].a.seq < seq)
			from = mid + 1;
		else
			end = mid;
	}
	return from;
}

static int mark(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	struct judge *j = ctx;
	struct where *w = &j->wheres[hit->rule];

	(void)wall_ns;
	(void)rendered;
	(void)err;
	for (unsigned i = 0; i < 2; i++) {
		const struct mode *m = &j->modes[i];

		for (size_t k = w->holds[i] ? lower_bound(m, hit->seq) : m->n_alerts;
		     k < m->n_alerts && m->alerts[k].a.seq == hit->seq; k++)
			w->holds[i][k] = 1;
	}
	return 0;
}

/* Compiles the filter of a case, unless an earlier case has the same. Rules of the IR are numbered like `wheres`.
 */
static int add_where(struct judge *j, const struct hc_test_case *c, struct hc_ir *ir)
{
	struct where *w;
	struct hc_err why = { 0 };
	int r;

	if (!c->where || where_of(j, c->where))
		return 0;
	r = hc_falco_filter_compile(ir, c->where, &why);
	if (r < 0)
		return hc_test_error(j->f, c->where_place, why.code, j->err, "where: %s", why.msg);
	if (hc_ir_rule_reasons(ir, (uint32_t)r)[0])
		return hc_test_error(j->f, c->where_place, -EINVAL, j->err, "where: %s",
		                     hc_ir_rule_reasons(ir, (uint32_t)r)[0]);
	w = &j->wheres[j->n_wheres++];
	w->filter = c->where;
	for (unsigned i = 0; i < 2; i++) {
		w->holds[i] = calloc(j->modes[i].n_alerts + 1, 1);
		if (!w->holds[i])
			return no_memory(j->err);
	}
	return 0;
}

static int wheres_progress(void *ctx, uint64_t done_rows, uint64_t all_rows)
{
	(void)done_rows;
	(void)all_rows;
	return is_interrupted(ctx);
}

/* One pass over the capture for all filters: it finds those of the alerts' events that they hold for. */
static int run_wheres(struct judge *j)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	HC_AUTO(hc_plan_free) struct hc_plan *plan = NULL;
	struct hc_replay_opts opts = {
		.n_threads = j->o->n_threads, .emit = mark, .progress = wheres_progress, .ctx = j
	};
	struct hc_replay_stats stats = { 0 };
	int r = 0;

	j->wheres = calloc(j->f->n_cases + 1, sizeof(*j->wheres));
	if (!ir || !j->wheres)
		return no_memory(j->err);
	for (size_t i = 0; r == 0 && i < j->f->n_cases; i++)
		if (is_selected(j, i))
			r = add_where(j, &j->f->cases[i], ir);
	if (r < 0 || !j->n_wheres)
		return r;
	r = hc_plan_new(ir, HC_MATCH_ALL, &plan, j->err);
	if (r == 0)
		r = hc_replay(plan, j->c, &opts, &stats, j->err);
	j->ret->n_regex_limits += stats.n_regex_limits;
	hc_replay_stats_done(&stats);
	return r;
}

/* ---- verdicts ---- */

struct verdict_maker {
	struct judge *j;
	const struct mode *m;
	const struct hc_test_case *c;
	const struct expects *expects;
	struct hc_test_verdict *v;
	const struct kept **alerts; /* that the case looks at */
	bool *expected, *shown;     /* by alert */
	size_t n;
	struct hc_test_finding *findings;
	bool failed; /* for want of memory */
};

/* Appends a line, or a part of it, to a text. */
static void put(struct verdict_maker *k, const char **text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void put(struct verdict_maker *k, const char **text, const char *fmt, ...)
{
	char part[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(part, sizeof(part), fmt, args);
	va_end(args);
	*text = hc_arena_printf(k->j->arena, "%s%s", *text ? *text : "", part);
	k->failed |= !*text;
}

static void find(struct verdict_maker *k, const struct hc_test_expect *e, const char *what, const char *detail)
{
	k->findings[k->v->n_findings++] = (struct hc_test_finding){ .what = what, .detail = detail, .expect = e };
}

/* An alert is one line, however many its command line has. */
static void put_alert(struct verdict_maker *k, const char **text, const char *lead, const struct kept *a)
{
	char line[MAX_SHOWN_BYTES + 1];
	size_t n = a->a.message.len > MAX_SHOWN_BYTES ? MAX_SHOWN_BYTES : a->a.message.len;

	for (size_t i = 0; i < n; i++)
		line[i] = (char)(strchr("\n\t\r", a->a.message.p[i]) ? ' ' : a->a.message.p[i]);
	line[n] = '\0';
	put(k, text, "%s%s#%" PRIu64 " %s: %s%s", *text ? "\n" : "", lead, a->a.seq, a->a.event, line,
	    n < a->a.message.len ? "..." : "");
}

static const struct hc_str *value_of(const struct kept *a, const struct asked *asked, const char *field)
{
	static const struct hc_str absent;

	for (size_t i = 0; i < asked->n; i++)
		if (strcmp(asked->fields[i], field) == 0)
			return &a->values[i];
	return &absent;
}

/* How many conditions beyond the rule an alert fails, counted up to `enough`; with `text` it is said which. */
static unsigned differs(struct verdict_maker *k, const struct hc_test_expect *e, const struct kept *a,
                        unsigned enough, const char **text)
{
	const struct asked *asked = asked_of(k->m, a->rule);
	unsigned n = 0;

	if (e->priority && strcasecmp(e->priority, a->a.priority) != 0) {
		n++;
		if (text)
			put(k, text, "\n  priority: expected '%s', is '%s'", e->priority, a->a.priority);
	}
	for (size_t i = 0; i < e->n_fields && n < enough; i++) {
		const struct hc_str *v = value_of(a, asked, e->fields[i].name);

		if (hc_test_pattern_match(e->fields[i].pattern, *v, k->j->match))
			continue;
		n++;
		if (text && v->p)
			put(k, text, "\n  %s: expected %s, is '%.*s'", e->fields[i].name,
			    e->fields[i].pattern->text, v->len > 400 ? 400 : (int)v->len, v->p);
		else if (text)
			put(k, text, "\n  %s: expected %s, is absent", e->fields[i].name,
			    e->fields[i].pattern->text);
	}
	if (e->output && n < enough && !hc_test_pattern_match(e->output, a->a.message, k->j->match)) {
		n++;
		if (text)
			put(k, text, "\n  output: expected %s", e->output->text);
	}
	return n;
}

static const char *expect_text(struct verdict_maker *k, const struct hc_test_expect *e)
{
	const char *text = NULL, *lead = " with ";

	put(k, &text, "'%s'", e->rule);
	if (e->min == e->max)
		put(k, &text, e->min == 1 ? " once" : " %" PRIu64 " times", e->min);
	else if (e->max == UINT64_MAX)
		put(k, &text, e->min == 1 ? " at least once" : " at least %" PRIu64 " times", e->min);
	else if (e->min == 0)
		put(k, &text, e->max == 1 ? " at most once" : " at most %" PRIu64 " times", e->max);
	else
		put(k, &text, " %" PRIu64 " to %" PRIu64 " times", e->min, e->max);
	if (e->priority) {
		put(k, &text, "%spriority '%s'", lead, e->priority);
		lead = ", ";
	}
	for (size_t i = 0; i < e->n_fields; i++, lead = ", ")
		put(k, &text, "%s%s %s", lead, e->fields[i].name, e->fields[i].pattern->text);
	if (e->output)
		put(k, &text, "%soutput %s", lead, e->output->text);
	return text;
}

static bool tolerated(struct verdict_maker *k, const struct hc_test_rules *rules, const char *rule)
{
	if (rules->any)
		return true;
	for (size_t i = 0; i < rules->n; i++)
		if (hc_test_pattern_match(rules->patterns[i], hc_str_c(rule), k->j->match))
			return true;
	return false;
}

static const struct hc_answer *answer_of(const struct mode *m, const char *rule)
{
	for (uint32_t i = 0; i < hc_ir_n_rules(m->ir); i++)
		if (strcmp(hc_ir_rule(m->ir, i)->name, rule) == 0)
			return hc_answers_rule(m->answers, i);
	return NULL;
}

/* Why alerts of a rule may be missing. */
static void put_reasons(struct verdict_maker *k, const char **text, const char *rule)
{
	const struct hc_answer *answer = answer_of(k->m, rule);

	for (size_t i = 0; answer && answer->reasons[i]; i++)
		put(k, text, "%s%s: %s", *text ? "\n" : "", answer->answerable ? "note" : "it cannot be answered",
		    answer->reasons[i]);
}

/* Alerts that meet the expectation become expected; says how many there are if that is not right. */
static void hold_against(struct verdict_maker *k, const struct hc_test_expect *e)
{
	const char *what = NULL, *detail = NULL;
	unsigned least = UINT_MAX;
	size_t closest = k->n;
	uint64_t n = 0, n_shown = 0;

	if (!hc_falco_rule(k->m->falco, (uint32_t)find_rule(k->m, e->rule))->enabled) {
		put(k, &what, "the rule '%s' is disabled", e->rule);
		find(k, e, what, NULL);
		return;
	}
	for (size_t i = 0; i < k->n; i++) {
		unsigned n_differ;

		if (strcmp(k->alerts[i]->a.rule, e->rule) != 0)
			continue;
		n_differ = differs(k, e, k->alerts[i], least, NULL);
		if (!n_differ) {
			n++;
			k->expected[i] = true;
		} else if (n_differ < least) {
			least = n_differ;
			closest = i;
		}
	}
	if (n >= e->min && n <= e->max)
		return;
	put(k, &what, "expected %s, got %" PRIu64, expect_text(k, e), n);
	for (size_t i = 0; n > e->max && i < k->n; i++)
		if (strcmp(k->alerts[i]->a.rule, e->rule) == 0 && !differs(k, e, k->alerts[i], 1, NULL) &&
		    n_shown++ < MAX_SHOWN)
			put_alert(k, &detail, "", k->alerts[i]);
	if (n_shown > MAX_SHOWN)
		put(k, &detail, "\n... and %" PRIu64 " more", n_shown - MAX_SHOWN);
	if (n < e->min && closest < k->n) {
		put_alert(k, &detail, "closest: ", k->alerts[closest]);
		differs(k, e, k->alerts[closest], UINT_MAX, &detail);
		k->shown[closest] = true;
	} else if (n < e->min) {
		put_reasons(k, &detail, e->rule);
	}
	find(k, e, what, detail);
}

/* The alerts of one rule from alert `first` on that nothing expects. */
static void find_unexpected(struct verdict_maker *k, size_t first)
{
	const char *what = NULL, *detail = NULL;
	uint64_t n = 0;

	for (size_t i = first; i < k->n; i++) {
		if (k->expected[i] || k->shown[i] || strcmp(k->alerts[i]->a.rule, k->alerts[first]->a.rule) != 0)
			continue;
		k->shown[i] = true;
		if (n++ < MAX_SHOWN)
			put_alert(k, &detail, "", k->alerts[i]);
	}
	if (n > MAX_SHOWN)
		put(k, &detail, "\n... and %" PRIu64 " more", n - MAX_SHOWN);
	put(k, &what, "unexpected: '%s'", k->alerts[first]->a.rule);
	if (n > 1)
		put(k, &what, " %" PRIu64 " times", n);
	find(k, NULL, what, detail);
}

static void find_unanswerable(struct verdict_maker *k)
{
	const char *what = NULL, *detail = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < hc_ir_n_rules(k->m->ir); i++) {
		const struct hc_rule_opts *rule = hc_ir_rule(k->m->ir, i);
		const struct hc_answer *answer = hc_answers_rule(k->m->answers, i);

		if (answer->answerable || rule->more || tolerated(k, &k->c->unanswerable, rule->name))
			continue;
		if (n++ < MAX_SHOWN)
			put(k, &detail, "%s%s: %s", detail ? "\n" : "", rule->name, answer->reasons[0]);
	}
	if (!n)
		return;
	if (n > MAX_SHOWN)
		put(k, &detail, "\n... and %u more", n - MAX_SHOWN);
	put(k, &what, "%u %s cannot be answered", n, n == 1 ? "rule" : "rules");
	find(k, NULL, what, detail);
}

static bool looks_at(const struct verdict_maker *k, const struct where *w, size_t i)
{
	const struct hc_test_alert *a = &k->m->alerts[i].a;
	const struct hc_test_script *script = k->c->script ? k->c->script : k->j->f->script;

	if (k->j->f->record && !k->c->machine && a->script != script)
		return false;
	if ((k->c->has_since && a->wall_ns < k->c->since_wall_ns) ||
	    (k->c->has_until && a->wall_ns >= k->c->until_wall_ns))
		return false;
	return !w || w->holds[k->m->matching == HC_MATCH_ALL][i];
}

static int gather(struct verdict_maker *k)
{
	const struct where *w = k->c->where ? where_of(k->j, k->c->where) : NULL;
	size_t max_findings = k->expects->n + 1;

	for (size_t i = 0; i < k->m->n_alerts; i++)
		k->n += looks_at(k, w, i);
	k->alerts = calloc(k->n + 1, sizeof(*k->alerts));
	k->expected = calloc(k->n + 1, 1);
	k->shown = calloc(k->n + 1, 1);
	max_findings += k->n < hc_falco_n_rules(k->m->falco) ? k->n : hc_falco_n_rules(k->m->falco);
	k->findings = hc_arena_alloc(k->j->arena, (max_findings + 1) * sizeof(*k->findings));
	if (!k->alerts || !k->expected || !k->shown || !k->findings)
		return -ENOMEM;
	for (size_t i = 0, n = 0; i < k->m->n_alerts; i++)
		if (looks_at(k, w, i))
			k->alerts[n++] = &k->m->alerts[i];
	return 0;
}

static int list_alerts(struct verdict_maker *k)
{
	struct hc_test_alert *v = hc_arena_alloc(k->j->arena, (k->n + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < k->n; i++) {
		v[i] = k->alerts[i]->a;
		v[i].expected = k->expected[i];
	}
	k->v->alerts = v;
	k->v->n_alerts = k->n;
	return 0;
}

static int make_verdict(struct judge *j, size_t i, struct hc_test_verdict *v)
{
	const struct hc_test_case *c = &j->f->cases[i];
	struct verdict_maker k = {
		.j = j, .m = &j->modes[c->match_all], .c = c, .expects = &j->expects[i], .v = v
	};
	int r = gather(&k);

	v->findings = k.findings;
	for (size_t e = 0; r == 0 && e < k.expects->n; e++)
		hold_against(&k, &k.expects->v[e]);
	for (size_t a = 0; r == 0 && a < k.n; a++)
		if (!k.expected[a] && !k.shown[a] && !tolerated(&k, &c->allow, k.alerts[a]->a.rule))
			find_unexpected(&k, a);
	if (r == 0) {
		find_unanswerable(&k);
		r = list_alerts(&k);
	}
	free(k.alerts);
	free(k.expected);
	free(k.shown);
	v->judged = true;
	return r < 0 || k.failed ? no_memory(j->err) : 0;
}

/* Alerts that no script caused: told apart, since other things go on in a machine. */
static int list_elsewhere(struct judge *j)
{
	const struct mode *m = &j->modes[j->modes[1].used];
	struct hc_test_alert *first;

	j->ret->n_alerts = m->n_alerts;
	if (!j->f->record)
		return 0;
	first = hc_arena_alloc(j->arena, (MAX_SHOWN + 1) * sizeof(*first));
	if (!first)
		return no_memory(j->err);
	j->ret->elsewhere = first;
	for (size_t i = 0; i < m->n_alerts; i++)
		if (!m->alerts[i].a.script && j->ret->n_elsewhere++ < MAX_SHOWN)
			first[j->ret->n_elsewhere - 1] = m->alerts[i].a;
	return 0;
}

static int judge(struct judge *j)
{
	HC_AUTO(hc_facts_free) struct hc_facts *facts = NULL;
	struct hc_test_verdict *v = hc_arena_alloc(j->arena, (j->f->n_cases + 1) * sizeof(*v));
	int r = 0;

	j->expects = hc_arena_alloc(j->arena, (j->f->n_cases + 1) * sizeof(*j->expects));
	if (!v || !j->expects)
		return no_memory(j->err);
	for (size_t i = 0; r == 0 && i < j->f->n_cases; i++) {
		const struct hc_test_case *c = &j->f->cases[i];

		j->expects[i] = (struct expects){ c->expects, c->n_expects };
		if (c->golden && is_selected(j, i))
			r = hc_test_golden_load(j->f, c->golden, j->arena, &j->expects[i].v, &j->expects[i].n,
			                        j->err);
	}
	for (unsigned i = 0; r == 0 && i < 2; i++)
		r = j->modes[i].used ? mode_load(&j->modes[i]) : 0;
	if (r == 0)
		r = hc_facts_load(j->c, NULL, &facts, j->err);
	for (unsigned i = 0; r == 0 && i < 2; i++) {
		r = j->modes[i].used ? mode_run(&j->modes[i], facts) : 0;
		j->ret->n_regex_limits += j->modes[i].stats.n_regex_limits;
		if (j->modes[i].used)
			j->ret->n_rows = j->modes[i].stats.n_rows;
	}
	if (r == 0)
		r = run_wheres(j);
	for (size_t i = 0; r == 0 && i < j->f->n_cases; i++) {
		v[i].test = &j->f->cases[i];
		if (is_selected(j, i))
			r = make_verdict(j, i, &v[i]);
	}
	if (r == 0)
		r = list_elsewhere(j);
	if (r < 0)
		return r;
	j->ret->v = v;
	j->ret->n = j->f->n_cases;
	j->ret->n_lost = hc_facts_lost(facts);
	j->ret->n_regex_limits += hc_match_limits(j->match);
	return 0;
}

int hc_test_judge(const struct hc_test_file *f, struct hc_capture *c, const struct hc_test_judge_opts *opts,
                  struct hc_test_verdicts *ret, struct hc_err *err)
{
	struct hc_err scratch = { 0 };
	struct judge j = {
		.f = f, .o = opts, .c = c, .ret = ret, .arena = &ret->arena, .err = err ? err : &scratch
	};
	int r;

	*ret = (struct hc_test_verdicts){ 0 };
	for (unsigned i = 0; i < 2; i++) {
		j.modes[i].j = &j;
		j.modes[i].matching = i ? HC_MATCH_ALL : HC_MATCH_FIRST;
	}
	for (size_t i = 0; i < f->n_cases; i++)
		if (is_selected(&j, i))
			j.modes[f->cases[i].match_all].used = true;
	j.match = hc_match_new();
	r = j.match ? judge(&j) : no_memory(j.err);
	hc_match_free(j.match);
	for (size_t i = 0; i < j.n_wheres; i++) {
		free(j.wheres[i].holds[0]);
		free(j.wheres[i].holds[1]);
	}
	free(j.wheres);
	for (unsigned i = 0; i < 2; i++) {
		struct mode *m = &j.modes[i];

		hc_replay_stats_done(&m->stats);
		hc_answers_free(m->answers);
		hc_plan_free(m->plan);
		hc_ir_free(m->ir);
		hc_falco_free(m->falco);
		free(m->alerts);
	}
	if (r < 0)
		hc_test_verdicts_done(ret);
	return r;
}

void hc_test_verdicts_done(struct hc_test_verdicts *v)
{
	hc_arena_done(&v->arena);
	*v = (struct hc_test_verdicts){ 0 };
}
