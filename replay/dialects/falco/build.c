/* Loaded rules as rules of the IR, and alerts as Falco prints them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/dialects/falco/falco_priv.h"
#include "replay/dialects/falco/lower.h"

/* ---- which rules run ---- */

static bool has_tag(const struct frule *r, const char *tag)
{
	for (uint32_t i = 0; i < r->n_tags; i++)
		if (hc_str_eq(r->tags[i], hc_str_c(tag)))
			return true;
	return false;
}

bool hc_falco_name_matches(const char *pattern, struct hc_str name)
{
	const char *p = pattern, *star = NULL;
	uint32_t i = 0, back = 0;

	while (i < name.len) {
		if (*p == '*') {
			star = p++;
			back = i;
		} else if (*p && *p == name.p[i]) {
			p++;
			i++;
		} else if (star) {
			p = star + 1;
			i = ++back;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

/* Whether it runs, and behind whom: what is switched on comes behind all that ran before. */
static bool is_enabled(const struct hc_falco *f, struct frule *r)
{
	bool on = r->enabled && r->priority <= f->min_priority;

	r->switched = 0;
	for (size_t i = 0; i < f->opts.n_selects; i++) {
		const struct hc_falco_select *s = &f->opts.selects[i];
		bool by_name = s->rule && hc_falco_name_matches(s->rule, r->name);

		if (!by_name && !(s->tag && has_tag(r, s->tag)))
			continue;
		if (s->enable && !on)
			r->switched = 2 * i + (by_name ? 1 : 2);
		on = s->enable;
	}
	return on;
}

/* As they were switched on; of one switch in the order of the table. */
static int order_rules(const void *pa, const void *pb)
{
	const struct frule *a = *(struct frule *const *)pa, *b = *(struct frule *const *)pb;

	if (a->switched != b->switched)
		return a->switched < b->switched ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static const char *c_text(struct hc_falco *f, struct hc_str s)
{
	return hc_arena_str(&f->arena, (struct hc_str){ s.p ? s.p : "", s.len }).p;
}

static bool publish(struct hc_falco *f, struct frule *r)
{
	const char **tags = hc_arena_alloc(&f->arena, (r->n_tags + 1) * sizeof(const char *));

	if (!tags)
		return false;
	for (uint32_t i = 0; i < r->n_tags; i++)
		tags[i] = c_text(f, r->tags[i]);
	r->pub = (struct hc_falco_rule){
		.name = c_text(f, r->name),
		.desc = c_text(f, ftext_str(&r->desc)),
		.output = c_text(f, ftext_str(&r->output)),
		.condition = c_text(f, ftext_str(&r->cond)),
		.priority = falco_priority_name(r->priority),
		.source = c_text(f, r->source),
		.file = hc_yaml_file(r->place.yaml),
		.line = r->place.node->line,
		.tags = tags,
		.enabled = is_enabled(f, r) && !r->dropped,
		.ir_rule = -1,
	};
	return r->pub.name && r->pub.desc && r->pub.output && r->pub.condition && r->pub.source;
}

bool falco_publish(struct hc_falco *f)
{
	for (uint32_t i = 0; i < f->rules.n; i++)
		if (!publish(f, falco_rule_at(f, i)))
			return false;
	return true;
}

/* ---- event types of a rule ---- */

/* Has the recorder a type of its own for it? Those of imported captures are rows of `sys` when they are recorded.
 */
static bool is_typed(unsigned code)
{
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (falco_row_map(type)->code == code && hc_event_desc(type) &&
		    hc_event_desc(type)->profile != HC_PROFILE_IMPORTED)
			return true;
	return false;
}

/* Of the types that it names, those whose rows earlier recorders wrote as `sys`. */
static struct hc_type_set former_types(const struct code_set *codes)
{
	struct hc_type_set set = { 0 };

	for (unsigned type = HC_EV_SEND; type < HC_EV_MAX; type++)
		if (code_set_has(codes, falco_row_map(type)->code) &&
		    falco_former_type(falco_row_map(type)->code) == type)
			hc_type_set_add(&set, type);
	return set;
}

/* Does the condition name events that are rows of this type? */
static bool names_type(const struct code_set *codes, unsigned type)
{
	static const uint16_t forks[] = { 223, 225, 227, 335 };
	unsigned code = falco_row_map(type)->code;
	struct hc_type_set formers;

	if (type == HC_EV_PROC_FORK) {
		for (unsigned i = 0; i < 4; i++)
			if (code_set_has(codes, forks[i]))
				return true;
		return false;
	}
	if (type != HC_EV_SYS)
		return code_set_has(codes, code);
	formers = former_types(codes);
	if (code_set_has(codes, CODE_GENERIC) || hc_type_set_meets(&formers, &formers))
		return true;
	for (unsigned c = 3; c < N_CODES; c += 2) {
		const struct fevent *e = &falco_events[c];
		bool found = false;

		if (!code_set_has(codes, c) || !e->params || !(e->flags & EVF_SYSCALL) || is_typed(c) ||
		    c == 225 || c == 227 || c == 335)
			continue;
		for (uint64_t nr = 0; nr < 512 && !found; nr++) {
			const char *name = falco_syscall_name(nr, false);

			found = name && !strcmp(name, e->name);
		}
		if (found)
			return true;
	}
	return false;
}

/* Rows that Falco would not have: calls made through io_uring, what kernel threads do but running programs, and
 * what another row tells. */
static const struct hc_node *visible(struct fbinder *b, const struct hc_node *n)
{
	/* An imported fork has the rows of its two sides; the one of both together is made by the importer. */
	return falco_without(b, falco_untold(b, n),
	                     HC_ROW_URING | (b->type == HC_EV_PROC_EXEC ? 0 : HC_ROW_KERNEL) |
	                             (b->type == HC_EV_PROC_FORK ? HC_ROW_SYNTH : 0));
}

/* ---- what a rule needs ---- */

struct needs {
	struct hc_falco *f;
	struct fbinder *b;
	int rule;
	bool never; /* it can not fire at all */
	unsigned mark;
	struct {
		uint16_t field;
		const char *text;
	} seen[64];
	unsigned n_seen;
};

static bool is_of_container(const struct fwhy *w)
{
	return w->fact && strncmp(w->fact, "container", strlen("container")) == 0;
}

static void need(struct needs *n, const struct fref *ref, const struct fwhy *w, unsigned type)
{
	if (w->fact) {
		if (!strcmp(w->fact, "env"))
			type = HC_EV_PROC_EXEC; /* environments are read there */
		else if (is_of_container(w))
			type = 0;
		hc_ir_rule_needs(n->b->ir, n->rule, type, w->fact, w->remedy, ref->text);
		return;
	}
	for (unsigned i = 0; i < n->n_seen; i++)
		if (n->seen[i].field == ref->id && n->seen[i].text == w->text)
			return;
	if (n->n_seen < sizeof(n->seen) / sizeof(n->seen[0])) {
		n->seen[n->n_seen].field = ref->id;
		n->seen[n->n_seen++].text = w->text;
	}
	hc_ir_rule_unanswerable(n->b->ir, n->rule, n->never, HC_STR_FMT ": %s", HC_STR_ARG(ref->text), w->text);
}

static void need_val(struct needs *n, const struct fx_val *v, bool positive)
{
	if (v->kind == FVAL_FIELD) {
		falco_bind(n->b, &v->field);
		/* Metadata of containers that is not known makes a test false, also that of "!=": where only a
		 * negation asks for it, the rule fires rather too often than too rarely, as it does in Falco. */
		if (n->b->why.text && (positive || !is_of_container(&n->b->why)))
			need(n, &v->field, &n->b->why, n->b->type);
		return;
	}
	for (uint32_t i = 0; i < v->n; i++)
		need_val(n, v->kids[i], positive);
}

/* Is it asked whether there is a value at all? So rules write it. */
static bool asks_for_absence(const struct fx *x)
{
	for (uint32_t i = 0; i < x->n_consts; i++)
		if (!hc_str_eq(x->texts[i], HC_STR("<NA>")) && !hc_str_eq(x->texts[i], HC_STR("N/A")))
			return false;
	return x->n_consts;
}

static void need_tree(struct needs *n, struct fx *x, bool positive)
{
	if (x->mark[positive] == n->mark)
		return;
	x->mark[positive] = n->mark;
	if (x->kind == FX_TEST) {
		need_val(n, x->lhs, positive || asks_for_absence(x));
		if (x->rhs)
			need_val(n, x->rhs, positive);
	}
	for (uint32_t i = 0; i < x->n; i++)
		need_tree(n, x->kids[i], x->kind == FX_NOT ? !positive : positive);
}

/* ---- building ---- */

struct builder {
	struct hc_falco *f;
	struct hc_ir *ir;
	struct fbinder binder;
	struct flower lower;
	struct hc_type_set types;
	struct hc_err *err;
	uint32_t stamp;
	uint32_t cap;
};

static int add_rule(struct builder *bd, struct frule *r, bool child, bool any_type)
{
	struct hc_falco *f = bd->f;
	const struct hc_rule_opts opts = { .name = r->pub.name,
		                           .policy = r->pub.file,
		                           .line = r->pub.line,
		                           .dialect = "falco",
		                           .severity = r->pub.priority,
		                           .group = child,
		                           .more = child,
		                           .user = &r->pub,
		                           .any_type = any_type };
	int index = hc_ir_rule_add(bd->ir, &opts);
	struct fbuilt *grown;

	if (index < 0)
		return hc_err_set(bd->err, index, "out of memory");
	if ((uint32_t)index >= bd->cap) {
		uint32_t cap = ((uint32_t)index + 16) * 2;

		grown = realloc(f->built, cap * sizeof(*grown));
		if (!grown)
			return hc_err_set(bd->err, -ENOMEM, "out of memory");
		memset(grown + bd->cap, 0, (cap - bd->cap) * sizeof(*grown));
		f->built = grown;
		bd->cap = cap;
	}
	f->built[index] = (struct fbuilt){ .rule = r, .child = child };
	f->n_built = (uint32_t)index + 1;
	return index;
}

static bool bind_formats(struct builder *bd, struct frule *r, bool child)
{
	struct fbound **bound = child ? &r->bound_child : &r->bound;

	if (!*bound)
		*bound = falco_format_bind(hc_ir_arena(bd->ir), r->format);
	if (!*bound || !falco_format_bind_type(*bound, &bd->binder))
		return false;
	for (uint32_t i = 0; i < r->n_extras; i++) {
		bound = child ? &r->extras[i].bound_child : &r->extras[i].bound;
		if (!*bound)
			*bound = falco_format_bind(hc_ir_arena(bd->ir), r->extras[i].format);
		if (!*bound || !falco_format_bind_type(*bound, &bd->binder))
			return false;
	}
	return true;
}

static bool bind_output(struct builder *bd, struct frule *r, bool child)
{
	bool bound;

	fbinder_base64(&bd->binder, bd->f->opts.buffer_base64);
	bound = bind_formats(bd, r, child);
	fbinder_base64(&bd->binder, false);
	return bound;
}

static void begin_type(struct builder *bd, unsigned type, bool child)
{
	if (child)
		fbinder_type_child(&bd->binder);
	else
		fbinder_type(&bd->binder, type);
	bd->lower.stamp = ++bd->stamp;
}

/* One event type for all rules, so that macros are lowered once. Most types no rule asks for. */
static int build_type(struct builder *bd, unsigned type, bool child)
{
	struct hc_falco *f = bd->f;
	bool begun = false;

	for (uint32_t i = 0; i < f->n_built; i++) {
		struct frule *r = f->built[i].rule;
		const struct hc_node *n;
		struct code_set codes;
		bool named;

		if (!r || f->built[i].child != child)
			continue;
		codes = falco_codes(r->tree);
		named = names_type(&codes, type);
		if (!named && type != HC_EV_CTR_START && type != HC_EV_CTR_STOP)
			continue;
		if (!begun)
			begin_type(bd, type, child);
		begun = true;
		n = falco_lower(&bd->lower, r->tree);
		if (!n) {
			hc_err_note(bd->err, "in rule '%s' (%s:%u)", r->pub.name, r->pub.file, r->pub.line);
			return bd->err && bd->err->code ? bd->err->code : -EINVAL;
		}
		/* Codes that stand for many calls (generic, asynchronous) are named by what is left of the
		 * condition. */
		if (hc_node_is_false(n) &&
		    (falco_row_map(type)->code <= CODE_GENERIC || falco_row_map(type)->code == CODE_ASYNC))
			continue;
		if (type == HC_EV_SYS && !hc_ir_rule(bd->ir, i)->any_type)
			hc_ir_rule_also(bd->ir, (int)i, type, visible(&bd->binder, n)); /* and see need_sys() */
		else
			hc_ir_rule_when(bd->ir, (int)i, type, visible(&bd->binder, n));
		if (!bind_output(bd, r, child))
			return hc_err_set(bd->err, -ENOMEM, "out of memory");
	}
	return 0;
}

struct asked {
	const struct fref *field[64];
	unsigned n;
};

static void ask_val(struct asked *a, const struct fx_val *v)
{
	for (unsigned i = 0; v->kind == FVAL_FIELD && i < a->n; i++)
		if (hc_str_eq(a->field[i]->text, v->field.text))
			return;
	if (v->kind == FVAL_FIELD && a->n < sizeof(a->field) / sizeof(a->field[0]))
		a->field[a->n++] = &v->field;
	for (uint32_t i = 0; i < v->n; i++)
		ask_val(a, v->kids[i]);
}

/* The fields that decide on rows of the binder's type. */
static void ask_tree(struct builder *bd, struct asked *a, struct fx *x)
{
	const struct hc_node *n = falco_lower(&bd->lower, x);

	if (!n || hc_node_is_false(n) || hc_node_is_true(n))
		return;
	if (x->kind == FX_TEST) {
		ask_val(a, x->lhs);
		if (x->rhs)
			ask_val(a, x->rhs);
	}
	for (uint32_t i = 0; i < x->n; i++)
		ask_tree(bd, a, x->kids[i]);
}

/* Names of what a rule asks of a type that rows of `sys` do not tell. .p NULL: out of memory. */
static struct hc_str former_lacks(struct builder *bd, struct frule *r, unsigned type)
{
	struct asked asked = { 0 };
	const char *text = "";

	fbinder_type(&bd->binder, type);
	bd->lower.stamp = ++bd->stamp;
	ask_tree(bd, &asked, r->tree);
	for (unsigned i = 0; i < asked.n && text; i++)
		if (falco_former_lacks(&bd->binder, type, asked.field[i]))
			text = hc_arena_printf(&bd->f->arena, "%s%s" HC_STR_FMT, text, *text ? ", " : "",
			                       HC_STR_ARG(asked.field[i]->text));
	return (struct hc_str){ text, text ? (uint32_t)strlen(text) : 0 };
}

/* What a rule asks of calls that it names and that earlier recorders wrote rows of `sys` for. */
static int tell_formers(struct builder *bd, uint32_t i)
{
	struct frule *r = bd->f->built[i].rule;
	struct code_set codes = falco_codes(r->tree);
	struct hc_type_set types = former_types(&codes), fires_on = hc_ir_rule_types(bd->ir, i);

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		struct hc_str lacks;

		if (falco_row_was_sys(type) && hc_type_set_has(&fires_on, type))
			hc_ir_rule_formerly(bd->ir, (int)i, type, HC_EV_SYS, HC_STR(""));
		if (!hc_type_set_has(&types, type))
			continue;
		lacks = former_lacks(bd, r, type);
		if (!lacks.p)
			return hc_err_set(bd->err, -ENOMEM, "out of memory");
		hc_ir_rule_formerly(bd->ir, (int)i, type, HC_EV_SYS, lacks);
	}
	return 0;
}

/* Rules that fire on rows of `sys` need them for calls of which recorders write no others. */
static int need_sys(struct builder *bd)
{
	struct hc_falco *f = bd->f;
	int code = 0;

	fbinder_type(&bd->binder, HC_EV_SYS);
	bd->lower.stamp = ++bd->stamp;
	bd->lower.untyped = true;
	for (uint32_t i = 0; i < f->n_built; i++) {
		struct code_set codes;
		const struct hc_node *n;

		if (!f->built[i].rule || f->built[i].child || hc_ir_rule(bd->ir, i)->any_type)
			continue;
		codes = falco_codes(f->built[i].rule->tree);
		n = names_type(&codes, HC_EV_SYS) ? falco_lower(&bd->lower, f->built[i].rule->tree) : NULL;
		if (n && !hc_node_is_false(n))
			hc_ir_rule_when(bd->ir, (int)i, HC_EV_SYS, NULL);
	}
	bd->lower.untyped = false;
	for (uint32_t i = 0; i < f->n_built && code == 0; i++)
		if (f->built[i].rule && !f->built[i].child && !hc_ir_rule(bd->ir, i)->any_type)
			code = tell_formers(bd, i);
	return code;
}

/* Of rules that fire on rows of the type. */
static void tell_needs_of(struct builder *bd, struct needs *needs, unsigned type)
{
	struct hc_falco *f = bd->f;
	bool begun = false;

	for (uint32_t i = 0; i < f->n_built; i++) {
		struct hc_type_set types = hc_ir_rule_types(bd->ir, i);

		if (!f->built[i].rule || !hc_type_set_has(&types, type))
			continue;
		if (!begun)
			fbinder_type(&bd->binder, type);
		begun = true;
		needs[i].mark = ++f->pass;
		need_tree(&needs[i], f->built[i].rule->tree, true);
	}
}

/* One event type for all rules, so that fields are bound once. */
static int tell_needs(struct builder *bd)
{
	struct hc_falco *f = bd->f;
	HC_AUTO(free) struct needs *needs = calloc(f->n_built + 1u, sizeof(*needs));

	if (!needs)
		return hc_err_set(bd->err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < f->n_built; i++)
		needs[i] = (struct needs){ .f = f, .b = &bd->binder, .rule = (int)i };
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (hc_type_set_has(&bd->types, type))
			tell_needs_of(bd, needs, type);
	for (uint32_t i = 0; i < f->n_built; i++) {
		struct hc_type_set types = hc_ir_rule_types(bd->ir, i);
		struct code_set codes;

		if (!f->built[i].rule || hc_type_set_meets(&types, &types))
			continue;
		codes = falco_codes(f->built[i].rule->tree);
		if (!code_set_count(&codes) || f->built[i].child)
			continue; /* never true, as written */
		hc_ir_rule_unanswerable(bd->ir, (int)i, true, "no recorder writes the events that it names");
	}
	return 0;
}

int hc_falco_build(struct hc_falco *f, struct hc_ir *ir, struct hc_err *err)
{
	static const uint16_t forks[] = { 223, 225, 227, 335 };
	struct builder bd = { .f = f, .ir = ir, .err = err };
	struct frule **rules;
	uint32_t n_rules = 0;
	int r = 0;

	if (f->failed)
		return hc_err_set(err, -EINVAL, "the rules did not load");
	fbinder_init(&bd.binder, ir, false);
	bd.lower = (struct flower){ .b = &bd.binder, .sane = f->opts.sane, .err = err };
	bd.types = falco_event_types(false);
	free(f->built);
	f->built = NULL;
	f->n_built = 0;
	if (!falco_publish(f))
		return hc_err_set(err, -ENOMEM, "out of memory");
	rules = hc_arena_alloc(hc_ir_arena(ir), (f->rules.n + 1) * sizeof(struct frule *));
	if (!rules)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < f->rules.n; i++)
		if (falco_rule_at(f, i)->pub.enabled)
			rules[n_rules++] = falco_rule_at(f, i);
	qsort(rules, n_rules, sizeof(struct frule *), order_rules);
	for (uint32_t i = 0; i < n_rules; i++) {
		struct frule *rule = rules[i];
		struct code_set codes;
		bool many, fork = false;

		rule->bound = rule->bound_child = NULL;
		for (uint32_t k = 0; k < rule->n_extras; k++)
			rule->extras[k].bound = rule->extras[k].bound_child = NULL;
		codes = falco_codes(rule->tree);
		many = code_set_count(&codes) > 100;
		r = add_rule(&bd, rule, false, many);
		if (r < 0)
			return r;
		rule->pub.ir_rule = r;
		for (unsigned k = 0; k < 4; k++)
			fork = fork || code_set_has(&codes, forks[k]);
		/* A fork is two events, that of the parent and that of the child, and each may be an alert. */
		if (fork)
			r = add_rule(&bd, rule, true, many);
		if (r < 0)
			return r;
	}
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		if (!hc_type_set_has(&bd.types, type))
			continue;
		r = build_type(&bd, type, false);
		if (r == 0 && type == HC_EV_PROC_FORK)
			r = build_type(&bd, type, true);
		if (r < 0)
			return r;
	}
	r = need_sys(&bd);
	if (r == 0)
		r = tell_needs(&bd);
	return r < 0 ? r : hc_ir_error(ir, err);
}

/* ---- alerts ---- */

static const struct fbuilt *built_of(const struct hc_falco *f, const struct hc_alert *a)
{
	return a->hit->rule < f->n_built && f->built[a->hit->rule].rule ? &f->built[a->hit->rule] : NULL;
}

static bool put_message(const struct fbuilt *b, const struct hc_alert *a, struct fjson *out)
{
	const struct fbound *bound = b->child ? b->rule->bound_child : b->rule->bound;

	if (bound)
		falco_format_put(bound, a->view, a->hit->type, a->hit->row, out);
	return bound && !out->failed;
}

static void put_prefix(const struct hc_falco *f, const struct frule *r, const struct hc_alert *a,
                       struct fjson *out)
{
	falco_time(a->wall_ns, f->opts.time_iso_8601 ? FTIME_ISO : FTIME_CLOCK, out);
	fjson_raw(out, ": ");
	fjson_raw(out, falco_priority_name(r->priority));
	fjson_char(out, ' ');
}

int hc_falco_message(const struct hc_falco *f, const struct hc_alert *a, struct hc_arena *arena,
                     struct hc_str *ret, struct hc_err *err)
{
	const struct fbuilt *b = built_of(f, a);
	struct fjson out = { .arena = arena, .base64 = f->opts.buffer_base64 };

	if (!b || !put_message(b, a, &out))
		return hc_err_set(err, b ? -ENOMEM : -EINVAL, b ? "out of memory" : "not an alert of these rules");
	*ret = fjson_end(&out);
	return ret->p ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
}

static void put_fields(const struct hc_falco *f, const struct fbuilt *b, const struct hc_alert *a,
                       struct fjson *out)
{
	const struct frule *r = b->rule;
	const struct fbound *bound = b->child ? r->bound_child : r->bound;

	falco_fields_put(&bound, bound ? 1 : 0, r->extras, r->n_extras, b->child,
	                 f->opts.time_iso_8601 ? "evt.time.iso8601" : "evt.time", a->view, a->hit->type,
	                 a->hit->row, a->wall_ns, out);
}

static void put_json_alert(const struct hc_falco *f, const struct fbuilt *b, const struct hc_alert *a,
                           struct hc_str message, struct fjson *out)
{
	const struct frule *r = b->rule;

	fjson_char(out, '{');
	if (f->opts.hostname) {
		fjson_raw(out, "\"hostname\":");
		fjson_text(out, hc_str_c(f->opts.hostname));
		fjson_char(out, ',');
	}
	if (f->opts.json_message) {
		fjson_raw(out, "\"message\":");
		fjson_text(out, message);
		fjson_char(out, ',');
	}
	if (!f->opts.json_no_output) {
		struct fjson whole = { .arena = out->arena };

		put_prefix(f, r, a, &whole);
		fjson_bytes(&whole, message.p, message.len);
		fjson_raw(out, "\"output\":");
		fjson_text(out, (struct hc_str){ whole.p, whole.n });
		fjson_char(out, ',');
	}
	if (!f->opts.json_no_fields) {
		fjson_raw(out, "\"output_fields\":");
		put_fields(f, b, a, out);
		fjson_char(out, ',');
	}
	fjson_raw(out, "\"priority\":\"");
	fjson_raw(out, falco_priority_name(r->priority));
	fjson_raw(out, "\",\"rule\":");
	fjson_text(out, r->name);
	fjson_raw(out, ",\"source\":");
	fjson_text(out, r->source);
	if (!f->opts.json_no_tags) {
		fjson_raw(out, ",\"tags\":[");
		for (uint32_t i = 0; i < r->n_tags; i++) {
			if (i)
				fjson_char(out, ',');
			fjson_text(out, r->tags[i]);
		}
		fjson_char(out, ']');
	}
	fjson_raw(out, ",\"time\":\"");
	falco_time(a->wall_ns, FTIME_JSON, out);
	fjson_raw(out, "\"}");
}

int hc_falco_alert(const struct hc_falco *f, const struct hc_alert *a, enum hc_falco_form form,
                   struct hc_arena *arena, struct hc_str *ret, struct hc_err *err)
{
	const struct fbuilt *b = built_of(f, a);
	struct fjson message = { .arena = arena, .base64 = f->opts.buffer_base64 }, out = message;

	if (!b)
		return hc_err_set(err, -EINVAL, "not an alert of these rules");
	put_message(b, a, &message);
	if (form == HC_FALCO_JSON) {
		put_json_alert(f, b, a, (struct hc_str){ message.p, message.n }, &out);
	} else {
		struct fjson whole = { .arena = arena };

		put_prefix(f, b->rule, a, &whole);
		fjson_bytes(&whole, message.p, message.n);
		fjson_escaped(&out, (struct hc_str){ whole.p, whole.n });
	}
	*ret = fjson_end(&out);
	return ret->p && !message.failed ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
}

int hc_falco_members(const struct hc_falco *f, const struct hc_alert *a, struct hc_arena *arena,
                     struct hc_str *ret, struct hc_err *err)
{
	const struct fbuilt *b = built_of(f, a);
	struct fjson message = { .arena = arena, .base64 = f->opts.buffer_base64 }, out = message;

	if (!b)
		return hc_err_set(err, -EINVAL, "not an alert of these rules");
	if (!put_message(b, a, &message))
		return hc_err_set(err, -ENOMEM, "out of memory");
	fjson_raw(&out, "\"message\":");
	fjson_text(&out, (struct hc_str){ message.p, message.n });
	fjson_raw(&out, ",\"fields\":");
	if (f->opts.json_no_fields)
		fjson_raw(&out, "null");
	else
		put_fields(f, b, a, &out);
	*ret = fjson_end(&out);
	return ret->p ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
}
