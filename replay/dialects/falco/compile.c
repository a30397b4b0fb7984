/*
 * From the tables to typed trees, after each file over all that was read: lists into texts, texts into trees,
 * macros into trees, fields and constants looked up, warnings. Rules are taken in order of their first definition.
 * As long as nothing is wrong, what a further file leaves as it was is not compiled again.
 */
#include <errno.h>
#include <stdio.h>

#include "replay/dialects/falco/falco_priv.h"

#define E_COND "LOAD_ERR_COMPILE_CONDITION"
#define E_OUTPUT "LOAD_ERR_COMPILE_OUTPUT"
#define E_VALIDATE "LOAD_ERR_VALIDATE"

static const char *const deprecated_fields[] = { "evt.dir",        "evt.latency",       "evt.latency.s",
	                                         "evt.latency.ns", "evt.latency.human", "evt.wait_latency" };
#define N_DEPRECATED (sizeof(deprecated_fields) / sizeof(deprecated_fields[0]))

static struct fcontext of_rule(const struct frule *r)
{
	return (struct fcontext){ .type = "rule", .name = r->name, .place = r->place };
}

static struct fcontext of_output(const struct frule *r, const struct fcontext *rule)
{
	return (struct fcontext){ .type = "rule output", .place = r->output_place, .in = rule };
}

static struct fcontext of_expression(struct fplace place, const struct fcontext *in)
{
	return (struct fcontext){ .type = "condition expression", .place = place, .in = in };
}

static bool over_budget(struct hc_falco *f, const struct fcontext *c)
{
	if (f->work.used_bytes <= MAX_COMPILE_BYTES)
		return false;
	if (f->keeps) {
		f->failed = true; /* once more, without what was kept and is not needed any more */
		return true;
	}
	return !falco_diag(f, true, E_VALIDATE, c, "the rules unfold to more than %u MiB",
	                   MAX_COMPILE_BYTES >> 20);
}

/* ---- lists ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* All are below 64; texts are gone through byte by byte. */
static bool is_delimiter(char c)
{
#define BIT(c) (UINT64_C(1) << (c))
	const uint64_t delimiters =
		BIT(' ') | BIT('\t') | BIT('\n') | BIT('\r') | BIT('(') | BIT(')') | BIT(',') | BIT('=');

	return (uint8_t)c < 64 && delimiters >> c & 1;
#undef BIT
}

static void unfold_list(struct hc_falco *f, struct flist *l)
{
	struct fcontext c = { .type = "list", .name = l->name, .place = l->place };
	const struct fitem *old = l->full;
	uint32_t at = 0, n_old = l->n_full;
	uint64_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		struct flist *ref = falco_list(f, l->items[i].text);

		n += ref && ref->index < l->visibility ? ref->n : 1;
	}
	l->full = NULL;
	l->n_full = 0;
	l->same = false;
	if (n > MAX_LIST_ITEMS) {
		falco_diag_put(f, true, E_VALIDATE, &c, "the list unfolds to more than %u items", MAX_LIST_ITEMS);
		return;
	}
	if (over_budget(f, &c))
		return;
	l->full = hc_arena_alloc(&f->work, n * sizeof(*l->full) + 1);
	if (!l->full) {
		f->no_memory = true;
		return;
	}
	for (uint32_t i = 0; i < l->n; i++) {
		struct flist *ref = falco_list(f, l->items[i].text);

		if (ref && ref->index < l->visibility) {
			ref->used = true;
			for (uint32_t k = 0; k < ref->n; k++)
				l->full[at++] = ref->items[k];
		} else {
			l->full[at++] = l->items[i];
		}
	}
	l->n_full = at;
	l->same = f->keeps && l->index < f->compiled && at == n_old;
	for (uint32_t i = 0; l->same && i < at; i++)
		l->same = hc_str_eq(l->full[i].text, old[i].text);
}

/* A value with a blank in it is quoted unless it begins with a quote. */
static void add_quoted(struct ftext *t, struct hc_str s, struct fplace place, bool at_place)
{
	bool quote = s.len && memchr(s.p, ' ', s.len) && s.p[0] != '"' && s.p[0] != '\'';

	if (quote)
		ftext_add(t, HC_STR("\""), NULL, NULL, 0, true);
	ftext_add(t, s, place.yaml, at_place ? place.node : NULL, 0, false);
	if (quote)
		ftext_add(t, HC_STR("\""), NULL, NULL, 0, true);
}

/* The next occurrence of a list's name that stands alone; t->len when there is none. */
static uint32_t find_name(const struct ftext *t, uint32_t from, struct hc_str name)
{
	while (from < t->len) {
		const char *p = memmem(t->p + from, t->len - from, name.p, name.len);
		uint32_t at;

		if (!p)
			break;
		at = (uint32_t)(p - t->p);
		if ((!at || is_delimiter(t->p[at - 1])) &&
		    (at + name.len == t->len || is_delimiter(t->p[at + name.len])))
			return at;
		from = at + 1;
	}
	return t->len;
}

/* What the text will need when the list's name stands in it once, as it mostly does. */
static void expect_list(struct ftext *out, const struct ftext *t, const struct flist *l)
{
	size_t n_bytes = t->len + 2;

	for (uint32_t i = 0; i < l->n_full; i++)
		n_bytes += l->full[i].text.len + 2; /* ", "; quotes are rare */
	ftext_expect(out, n_bytes, t->n_spans + (size_t)l->n_full * 2 + 3);
}

/* Replaces one list's name in a text. */
static void put_list(struct hc_falco *f, struct ftext *t, struct flist *l)
{
	struct hc_arena *pieces = &f->pieces[t->arena == &f->pieces[0]];
	uint32_t copied = 0, at = find_name(t, 0, l->name);
	struct ftext out;

	if (at == t->len || !l->name.len)
		return;
	l->used = true;
	hc_arena_reset(pieces);
	ftext_init(&out, pieces);
	expect_list(&out, t, l);
	while (at < t->len) {
		uint32_t begin = at, end = at + l->name.len;

		while (begin > copied && is_blank(t->p[begin - 1]))
			begin--;
		while (end < t->len && is_blank(t->p[end]))
			end++;
		if (!l->n_full) {
			if (begin > copied && t->p[begin - 1] == ',')
				begin--;
			else if (end < t->len && t->p[end] == ',')
				end++;
		}
		ftext_add_part(&out, t, copied, begin);
		ftext_add(&out, HC_STR(" "), NULL, NULL, 0, true);
		for (uint32_t i = 0; i < l->n_full && !out.failed; i++) {
			if (i)
				ftext_add(&out, HC_STR(", "), NULL, NULL, 0, true);
			add_quoted(&out, l->full[i].text, l->full[i].place, true);
		}
		ftext_add(&out, HC_STR(" "), NULL, NULL, 0, true);
		copied = end;
		at = find_name(t, end, l->name);
	}
	ftext_add_part(&out, t, copied, t->len);
	if (t->failed)
		out.failed = true;
	*t = out;
}

/* A text made of pieces stays, as large as it is. */
static void keep(struct hc_falco *f, struct ftext *t)
{
	struct ftext kept;

	if (t->arena != &f->pieces[0] && t->arena != &f->pieces[1])
		return;
	ftext_init(&kept, &f->work);
	ftext_expect(&kept, t->len, t->n_spans);
	ftext_add_part(&kept, t, 0, t->len);
	*t = kept;
}

static bool is_word(struct hc_str s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (is_delimiter(s.p[i]))
			return false;
	return s.len;
}

/* Most words of a condition share with no list how they begin and how long they are. */
static bool may_be_list(const struct hc_falco *f, const char *word, uint32_t len)
{
	return f->list_lengths[(uint8_t)word[0]] >> len % 64 & 1;
}

/* The first list behind another, in the order of definition, that the text names; NULL: none. Names are looked up,
 * because there may be many lists and many texts; those that are no words are searched. */
static struct flist *next_list(const struct hc_falco *f, const struct ftext *t, int64_t after)
{
	struct flist *best = NULL, *l;

	for (uint32_t at = 0, end; at < t->len; at = end + 1) {
		for (end = at; end < t->len && !is_delimiter(t->p[end]);)
			end++;
		l = end > at && may_be_list(f, t->p + at, end - at)
		            ? falco_list(f, (struct hc_str){ t->p + at, end - at })
		            : NULL;
		if (l && l->index > after && (!best || l->index < best->index))
			best = l;
	}
	for (uint32_t i = 0; f->has_odd_lists && i < f->lists.n; i++) {
		l = falco_list_at(f, i);
		if (l->index > after && (!best || l->index < best->index) && !is_word(l->name) &&
		    find_name(t, 0, l->name) < t->len)
			best = l;
	}
	return best;
}

static bool put_lists(struct hc_falco *f, struct ftext *t, struct flist_use **uses, const struct fcontext *c)
{
	*uses = NULL;
	for (struct flist *l = next_list(f, t, -1); l && !t->failed; l = next_list(f, t, l->index)) {
		struct flist_use *use = hc_arena_alloc(&f->work, sizeof(*use));

		if (!use) {
			f->no_memory = true;
			return false;
		}
		*use = (struct flist_use){ *uses, l };
		*uses = use;
		put_list(f, t, l);
	}
	keep(f, t);
	if (t->failed)
		return falco_diag(f, true, E_COND, c, "the condition is larger than %u MiB with its lists",
		                  FTEXT_MAX_BYTES >> 20);
	return !over_budget(f, c);
}

/* Would they be put into the text as they were? `full` has them in it. */
static bool same_lists(const struct hc_falco *f, const struct ftext *full, const struct flist_use *uses)
{
	for (const struct flist_use *u = uses; u; u = u->next)
		if (!u->list->same)
			return false;
	return !next_list(f, full, (int64_t)f->compiled - 1); /* of those that are new */
}

static void mark_lists(const struct flist_use *uses)
{
	for (; uses; uses = uses->next)
		uses->list->used = true;
}

/* ---- macros ---- */

struct resolver {
	struct hc_falco *f;
	uint32_t visibility;
	uint32_t depth;
	/* the first problem; loops win */
	bool undefined, loop, too_deep;
	struct hc_str name;
	const struct ftext *text;
	uint32_t pos;
};

static uint32_t resolve(struct resolver *r, struct fast *n);

static void problem(struct resolver *r, const struct fast *n, bool *flag)
{
	if (r->loop || r->too_deep || (r->undefined && flag == &r->undefined))
		return;
	*flag = true;
	r->name = n->name;
	r->text = n->text;
	r->pos = n->pos;
}

static uint32_t resolve_name(struct resolver *r, struct fast *n)
{
	struct fmacro *m = falco_macro(r->f, n->name);

	if (!m || m->index >= r->visibility) {
		problem(r, n, &r->undefined);
		return 1;
	}
	m->used = true;
	if (m->on_path) {
		problem(r, n, &r->loop);
		return 1;
	}
	if (!m->tree) /* it did not parse: reported there */
		return 1;
	if (!m->done && m->pass != r->f->pass) {
		m->on_path = true;
		m->pass = r->f->pass;
		m->depth = resolve(r, m->tree);
		m->on_path = false;
	}
	n->macro = m->tree;
	n->kids = &m->tree;
	n->n = 1;
	return 1 + m->depth;
}

/* Depth of the tree with macros in it. */
static uint32_t resolve(struct resolver *r, struct fast *n)
{
	uint32_t depth = 0;

	if (++r->depth > MAX_TREE_DEPTH)
		problem(r, n, &r->too_deep);
	if (r->too_deep) {
		r->depth--;
		return 1;
	}
	if (n->kind == FAST_MACRO) {
		depth = resolve_name(r, n);
	} else if (n->kind != FAST_CHECK) {
		for (uint32_t i = 0; i < n->n; i++) {
			uint32_t kid = resolve(r, n->kids[i]);

			depth = kid > depth ? kid : depth;
		}
		depth++;
	}
	r->depth--;
	if (depth > MAX_TREE_DEPTH)
		problem(r, n, &r->too_deep);
	return depth ? depth : 1;
}

static bool resolved(struct resolver *r, const struct fcontext *c)
{
	struct hc_falco *f = r->f;

	if (r->loop)
		return falco_diag_text(f, true, E_VALIDATE, c, r->text, r->pos,
		                       "reference loop in macro '" HC_STR_FMT "'", HC_STR_ARG(r->name));
	if (r->too_deep)
		return falco_diag(f, true, E_VALIDATE, c, "macros nest the condition deeper than %d levels",
		                  MAX_TREE_DEPTH);
	if (!r->undefined)
		return true;
	if (falco_is_broken(f, r->name))
		return false;
	return falco_diag_text(f, true, E_VALIDATE, c, r->text, r->pos,
	                       "Undefined macro '" HC_STR_FMT "' used in filter.", HC_STR_ARG(r->name));
}

static void parse_macro(struct hc_falco *f, struct fmacro *m)
{
	const struct fcontext macro = { .type = "macro", .name = m->name, .place = m->place };
	const struct fcontext cond = { .type = "macro condition", .place = m->cond_place, .in = &macro };
	const struct fcontext c = of_expression(m->cond_place, &cond);
	struct fparse_err e = { 0 };
	int r;

	m->tree = NULL;
	m->done = m->failed = m->on_path = false;
	m->pass = 0;
	m->full = m->cond;
	if (!put_lists(f, &m->full, &m->uses, &c)) {
		m->failed = true;
		return;
	}
	r = falco_parse(&m->full, &f->work, &m->tree, &e);
	if (r == -ENOMEM) {
		f->no_memory = true;
	} else if (r < 0) {
		m->failed = true;
		falco_diag_text_put(f, true, E_COND, &c, &m->full, e.pos, "%s", e.msg);
	}
}

static void resolve_macro(struct hc_falco *f, struct fmacro *m)
{
	const struct fcontext macro = { .type = "macro", .name = m->name, .place = m->place };
	const struct fcontext c = of_expression(m->cond_place, &macro);
	struct resolver r = { .f = f, .visibility = m->visibility };

	if (!m->tree)
		return;
	f->pass++;
	m->depth = resolve(&r, m->tree); /* of a loop the macro is told that comes back first, as Falco does */
	m->done = true;
	if (!resolved(&r, &c)) {
		m->failed = true;
		m->tree = NULL; /* there may be a loop in it */
	}
}

/* ---- what is kept ---- */

static bool deep_same(struct hc_falco *f, struct fmacro *m);

/* Are the macros in it what they were? */
static bool same_macros(struct hc_falco *f, const struct fast *n)
{
	if (n->kind == FAST_MACRO) {
		struct fmacro *m = falco_macro(f, n->name);

		return m && deep_same(f, m);
	}
	for (uint32_t i = 0; n->kind != FAST_CHECK && i < n->n; i++)
		if (!same_macros(f, n->kids[i]))
			return false;
	return true;
}

static bool deep_same(struct hc_falco *f, struct fmacro *m)
{
	if (m->deep_in != f->n_compilations) {
		m->deep_in = f->n_compilations;
		m->deep = false; /* if it leads to itself */
		m->deep = m->same && m->tree && same_macros(f, m->tree);
	}
	return m->deep;
}

static void mark_macros(struct hc_falco *f, const struct fast *n)
{
	if (n->kind == FAST_MACRO) {
		struct fmacro *m = falco_macro(f, n->name);

		if (m)
			m->used = true;
		return;
	}
	for (uint32_t i = 0; n->kind != FAST_CHECK && i < n->n; i++)
		mark_macros(f, n->kids[i]);
}

static void compile_macro(struct hc_falco *f, struct fmacro *m)
{
	struct ftext old = m->full;
	bool had = f->keeps && m->index < f->compiled && m->tree;

	m->kept = had && m->visibility < f->compiled && same_lists(f, &m->full, m->uses);
	m->same = m->kept;
	if (m->kept)
		return;
	parse_macro(f, m);
	m->same = had && m->tree && old.len == m->full.len && !memcmp(old.p, m->full.p, old.len);
}

/* A tree that is kept has in it what its macros were. */
static void compile_macros(struct hc_falco *f)
{
	for (uint32_t i = 0; i < f->macros.n && !f->no_memory; i++)
		compile_macro(f, falco_macro_at(f, i));
	for (uint32_t i = 0; i < f->macros.n && !f->no_memory; i++)
		deep_same(f, falco_macro_at(f, i));
	for (uint32_t i = 0; i < f->macros.n && !f->no_memory; i++) {
		struct fmacro *m = falco_macro_at(f, i);

		if (m->kept && !m->deep) {
			m->kept = false;
			parse_macro(f, m);
		} else if (m->kept) {
			mark_lists(m->uses);
			mark_macros(f, m->tree);
		}
	}
	for (uint32_t i = 0; i < f->macros.n && !f->no_memory; i++)
		if (!falco_macro_at(f, i)->kept)
			resolve_macro(f, falco_macro_at(f, i));
}

/* ---- exceptions ---- */

static void add_plain(struct ftext *t, const char *s)
{
	ftext_add(t, hc_str_c(s), NULL, NULL, 0, true);
}

static bool wants_list(struct hc_str comp)
{
	enum fop op = fop_find(comp);

	return op == FOP_IN || op == FOP_INTERSECTS || op == FOP_PMATCH ||
	       (op == FOP_NONE && memchr(comp.p, ' ', comp.len));
}

/* A value; what is neither text nor a sequence counts as an empty text. */
static struct hc_str value_text(const struct hc_yaml_node *v)
{
	return v->kind == HC_YAML_SCALAR ? v->text : (struct hc_str){ 0 };
}

static void add_exception_value(struct ftext *t, const struct hc_yaml *yaml, const struct hc_yaml_node *v,
                                struct hc_str comp)
{
	struct hc_str text = value_text(v);
	bool parens;

	if (v->kind == HC_YAML_SEQ) {
		add_plain(t, "(");
		for (uint32_t i = 0; i < v->n; i++) {
			if (i)
				add_plain(t, ", ");
			add_quoted(t, value_text(v->items[i]), (struct fplace){ yaml, v->items[i] }, true);
		}
		add_plain(t, ")");
		return;
	}
	/* in parentheses it stands as it is, also with blanks in it: it may be several values */
	if (wants_list(comp)) {
		parens = !text.len || text.p[0] != '(';
		if (parens)
			add_plain(t, "(");
		ftext_add(t, text, yaml, v, 0, false);
		if (parens)
			add_plain(t, ")");
		return;
	}
	add_quoted(t, text, (struct fplace){ yaml, v }, true);
}

static bool add_exception(struct hc_falco *f, const struct frule *r, const struct fexception *e, struct ftext *t)
{
	const struct fcontext rule = of_rule(r);
	struct fcontext c = { .type = "exception", .name = e->name, .place = e->place, .in = &rule };

	if (!e->n_values)
		return true;
	add_plain(t, " and not (");
	if (e->single) {
		ftext_add(t, e->fields[0].text, e->fields[0].place.yaml, e->fields[0].place.node, 0, false);
		add_plain(t, " ");
		ftext_add(t, e->comps[0].text, e->comps[0].place.yaml, e->comps[0].place.node, 0, false);
		add_plain(t, " (");
		for (uint32_t i = 0; i < e->n_values; i++) {
			c.point = e->value_places[i].node;
			if (e->values[i]->kind == HC_YAML_SEQ)
				return falco_diag(f, true, E_VALIDATE, &c,
				                  "Expected values array to contain a list of strings");
			if (i)
				add_plain(t, ", ");
			add_quoted(t, value_text(e->values[i]), e->value_places[i], true);
		}
		add_plain(t, "))");
		return true;
	}
	for (uint32_t i = 0; i < e->n_values; i++) {
		const struct hc_yaml_node *v = e->values[i];

		c.point = e->value_places[i].node;
		if (v->kind != HC_YAML_SEQ || v->n != e->n_fields)
			return falco_diag(f, true, E_VALIDATE, &c,
			                  "Fields and values lists must have equal length");
		add_plain(t, i ? " or (" : "(");
		for (uint32_t k = 0; k < v->n; k++) {
			if (k)
				add_plain(t, " and ");
			ftext_add(t, e->fields[k].text, e->fields[k].place.yaml, e->fields[k].place.node, 0,
			          false);
			add_plain(t, " ");
			ftext_add(t, e->comps[k].text, e->comps[k].place.yaml, e->comps[k].place.node, 0, false);
			add_plain(t, " ");
			add_exception_value(t, e->value_places[i].yaml, v->items[k], e->comps[k].text);
		}
		add_plain(t, ")");
	}
	add_plain(t, ")");
	return true;
}

static bool with_exceptions(struct hc_falco *f, struct frule *r)
{
	if (!r->n_exceptions) {
		r->full = r->cond;
		return true;
	}
	ftext_init(&r->full, &f->work);
	add_plain(&r->full, "(");
	ftext_add_part(&r->full, &r->cond, 0, r->cond.len);
	add_plain(&r->full, ")");
	for (uint32_t i = 0; i < r->n_exceptions; i++)
		if (!add_exception(f, r, &r->exceptions[i], &r->full))
			return false;
	return true;
}

bool falco_is_field(struct hc_str text, struct hc_arena *arena)
{
	struct fparse_err e;
	struct fref ref;
	char msg[200];

	if (!memchr(text.p, '(', text.len)) {
		uint32_t open = 0;

		while (open < text.len && text.p[open] != '[')
			open++;
		if (open < text.len && text.p[text.len - 1] == ']')
			return falco_field_find((struct hc_str){ text.p, open }, true,
			                        (struct hc_str){ text.p + open + 1, text.len - open - 2 }, arena,
			                        &ref, msg, sizeof(msg)) == FLOOKUP_OK;
		return falco_field_find(text, false, (struct hc_str){ 0 }, arena, &ref, msg, sizeof(msg)) ==
		       FLOOKUP_OK;
	}
	{
		struct fcheck check = { .arena = arena };
		struct fast *tree;
		struct ftext t;

		ftext_init(&t, arena);
		ftext_add(&t, text, NULL, NULL, 0, true);
		add_plain(&t, " exists");
		return falco_parse(&t, arena, &tree, &e) == 0 && falco_check(&check, tree) != NULL;
	}
}

/* ---- output ---- */

static bool matches_append(const struct frule *r, const struct hc_falco_append *a)
{
	if (a->rule && !hc_str_eq(r->name, hc_str_c(a->rule)))
		return false;
	if (a->source && !hc_str_eq(r->source, hc_str_c(a->source)))
		return false;
	for (unsigned i = 0; a->tags && a->tags[i]; i++) {
		bool found = false;

		for (uint32_t k = 0; k < r->n_tags && !found; k++)
			found = hc_str_eq(r->tags[k], hc_str_c(a->tags[i]));
		if (!found)
			return false;
	}
	return true;
}

#define SUGGESTED                                                                                          \
	" container_id=%container.id container_name=%container.name container_image_repository="           \
	"%container.image.repository container_image_tag=%container.image.tag k8s_pod_name=%k8s.pod.name " \
	"k8s_ns_name=%k8s.ns.name"

/* The output as it is compiled: with what the configuration appends, without the token that is no more. */
static bool put_output(struct hc_falco *f, struct frule *r, struct ftext *out)
{
	static const struct hc_str old = { "%container.info", 15 };
	uint32_t from = 0;
	struct ftext all;
	bool told = false;

	ftext_init(&all, &f->work);
	ftext_add_part(&all, &r->output, 0, r->output.len);
	for (size_t i = 0; i < f->opts.n_appends; i++) {
		const struct hc_falco_append *a = &f->opts.appends[i];

		if (!matches_append(r, a))
			continue;
		if (a->extra_output) {
			add_plain(&all, " ");
			add_plain(&all, a->extra_output);
		}
		if (a->suggested_output)
			add_plain(&all, SUGGESTED);
	}
	ftext_init(out, &f->work);
	for (;;) {
		const char *p = memmem(all.p + from, all.len - from, old.p, old.len);
		struct fcontext c = of_rule(r);

		if (!p)
			break;
		c.point = r->output_place.node;
		if (!told)
			falco_diag_put(f, false, "LOAD_DEPRECATED_ITEM", &c,
			               "%%container.info is deprecated and no more part of the output");
		told = true;
		ftext_add_part(out, &all, from, (uint32_t)(p - all.p));
		from = (uint32_t)(p - all.p) + old.len;
	}
	ftext_add_part(out, &all, from, all.len);
	out->failed = out->failed || all.failed;
	return !out->failed;
}

/* extra_fields of the configuration: "field", or "key=format". */
static bool compile_extra(struct hc_falco *f, struct frule *r, const char *spec)
{
	const struct fcontext rule = of_rule(r), c = of_output(r, &rule);
	struct fcheck check = { .arena = &f->work };
	const char *eq = strchr(spec, '=');
	struct fextra *e = &r->extras[r->n_extras];
	const char *format = eq ? eq + 1 : hc_arena_printf(&f->work, "%%%s", spec);

	*e = (struct fextra){ .key = eq ? (struct hc_str){ spec, (uint32_t)(eq - spec) } : hc_str_c(spec),
		              .raw = !eq };
	if (!format || !falco_format_parse(hc_arena_str(&f->work, hc_str_c(format)), &check, &e->format))
		return falco_diag(f, true, E_OUTPUT, &c, "extra field '%s': %s", spec, check.msg);
	if (e->raw && (!e->format->tokens[0].val || (e->format->n > 1 && !e->format->tokens[1].inner)))
		return falco_diag(f, true, E_OUTPUT, &c, "extra field '%s' is no field", spec);
	e->format->keep = true;
	e->format->with_defects = !f->opts.sane;
	r->n_extras++;
	return true;
}

static bool compile_extras(struct hc_falco *f, struct frule *r)
{
	uint32_t n = 0;

	r->n_extras = 0;
	r->extras = NULL;
	for (size_t i = 0; i < f->opts.n_appends; i++)
		for (unsigned k = 0; f->opts.appends[i].extra_fields && f->opts.appends[i].extra_fields[k]; k++)
			n++;
	if (!n)
		return true;
	r->extras = hc_arena_alloc(&f->work, n * sizeof(*r->extras));
	if (!r->extras) {
		f->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < f->opts.n_appends; i++) {
		const struct hc_falco_append *a = &f->opts.appends[i];

		for (unsigned k = 0; matches_append(r, a) && a->extra_fields && a->extra_fields[k]; k++)
			if (!compile_extra(f, r, a->extra_fields[k]))
				return false;
	}
	return true;
}

/* False: the rule is out, reported or passed over. */
static bool compile_output(struct hc_falco *f, struct frule *r)
{
	const struct fcontext rule = of_rule(r), c = of_output(r, &rule);
	struct fcheck check = { .arena = &f->work };
	struct ftext out;

	if (!put_output(f, r, &out)) {
		f->no_memory = true;
		return false;
	}
	if (!falco_format_parse(ftext_str(&out), &check, &r->format)) {
		if (check.no_memory) {
			f->no_memory = true;
			return false;
		}
		if (check.skippable && r->skip_if_unknown) {
			falco_diag_text_put(f, false, "LOAD_UNKNOWN_FILTER", &c, &out, check.pos, "%s", check.msg);
			return false;
		}
		return falco_diag_text(f, true, E_OUTPUT, &c, &out, check.pos, "%s", check.msg);
	}
	r->format->keep = true; /* an alert is never left out for a missing value */
	r->format->with_defects = !f->opts.sane;
	if (!compile_extras(f, r))
		return false;
	for (unsigned i = 0; i < N_DEPRECATED; i++) {
		const char *p = memmem(out.p, out.len, deprecated_fields[i], strlen(deprecated_fields[i]));

		if (p) {
			falco_diag_text_put(f, false, "LOAD_DEPRECATED_ITEM", &c, &out, (uint32_t)(p - out.p),
			                    "usage of deprecated field '%s' has been detected in the rule output",
			                    deprecated_fields[i]);
			falco_diag_field(f, deprecated_fields[i]);
		}
	}
	return true;
}

/* ---- warnings ---- */

struct warner {
	struct hc_falco *f;
	struct fcontext c;
	unsigned mark;
	bool of_consts; /* asked once the condition is known to compile; all others before */
	/* where each of the deprecated fields is used first */
	unsigned deprecated;
	const struct fast *first[N_DEPRECATED];
};

static struct hc_str without_blanks(struct hc_str s, char *buf, size_t buf_bytes)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s.len && n + 1 < buf_bytes; i++)
		if (!is_blank(s.p[i]) && s.p[i] != '\b')
			buf[n++] = s.p[i];
	buf[n] = 0;
	return (struct hc_str){ buf, n };
}

static bool looks_transformed(struct hc_str s)
{
	if (!s.len || s.p[s.len - 1] != ')')
		return false;
	for (unsigned t = 0; t < FTR_N; t++) {
		struct hc_str name = hc_str_c(ftr_name(t));

		if (hc_str_starts(s, name) && s.len > name.len + 1 && s.p[name.len] == '(')
			return true;
	}
	return false;
}

/* A regular expression that could be a simpler operator: an anchor at either end does not count, nor any number of
 * characters there, but not both at one end. */
static bool plain_regex(struct hc_str s)
{
	for (uint32_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if ((i == 0 && c == '^') || (i + 1 == s.len && c == '$'))
			continue;
		if (c == '.' && i + 1 < s.len && (i == 0 || i + 2 == s.len) && strchr("+*?", s.p[i + 1]))
			i++;
		else if (strchr(".+*?^$()[]{}|\\", c))
			return false;
	}
	return true;
}

static void warn_const(struct warner *w, const struct fast *n, const struct fval *k)
{
	char buf[512];
	struct hc_str bare = without_blanks(k->name, buf, sizeof(buf));

	if (n->op == FOP_REGEX && plain_regex(k->name))
		falco_diag_text_put(w->f, false, "LOAD_COMPILE_CONDITION", &w->c, n->text, k->pos,
		                    "'" HC_STR_FMT "' is a regular expression that a simpler operator can do",
		                    HC_STR_ARG(k->name));
	else if (k->name.len < sizeof(buf) && looks_transformed(bare))
		falco_diag_text_put(w->f, false, "LOAD_COMPILE_CONDITION", &w->c, n->text, k->pos,
		                    "'" HC_STR_FMT "' is written like a transformer, but is text here",
		                    HC_STR_ARG(k->name));
	else if (k->name.len < sizeof(buf) && memchr(bare.p, '.', bare.len) && falco_is_field(bare, &w->f->work))
		falco_diag_text_put(w->f, false, "LOAD_COMPILE_CONDITION", &w->c, n->text, k->pos,
		                    "'" HC_STR_FMT "' is a field's name: val(...) compares with its value",
		                    HC_STR_ARG(k->name));
}

/* Of the left side, also within transformers. */
static void warn_deprecated(struct warner *w, const struct fast *n, const struct fval *lhs)
{
	for (uint32_t i = 0; lhs->kind == FVAL_TRANSFORM && i < lhs->n; i++)
		warn_deprecated(w, n, lhs->kids[i]);
	for (unsigned i = 0; lhs->kind == FVAL_FIELD && i < N_DEPRECATED; i++) {
		if (!hc_str_eq(lhs->name, hc_str_c(deprecated_fields[i])) || w->deprecated >> i & 1)
			continue;
		w->deprecated |= 1u << i;
		w->first[i] = n;
	}
}

/* In Falco's order, once all of the condition was seen. */
static void tell_deprecated(struct warner *w)
{
	for (unsigned i = 0; i < N_DEPRECATED; i++) {
		if (!w->first[i])
			continue;
		falco_diag_text_put(
			w->f, false, "LOAD_DEPRECATED_ITEM", &w->c, w->first[i]->text, w->first[i]->pos,
			i ? "'%s' is deprecated: only the ends of calls are events, which have none"
			  : "'%s' is deprecated: only the ends of calls are events, so '<' is always true",
			deprecated_fields[i]);
		falco_diag_field(w->f, deprecated_fields[i]);
	}
}

static void warn_check(struct warner *w, struct fast *n)
{
	const struct fval *lhs = n->lhs;

	if (!w->of_consts)
		warn_deprecated(w, n, lhs);
	for (uint32_t i = 0; i < n->n_consts; i++) {
		bool na = hc_str_eq(n->consts[i]->name, HC_STR("<NA>"));

		if (w->of_consts) {
			warn_const(w, n, n->consts[i]);
			continue;
		}
		if (na && lhs->kind == FVAL_FIELD &&
		    (hc_str_starts(lhs->name, HC_STR("ka.")) || hc_str_starts(lhs->name, HC_STR("jevt."))) &&
		    (n->op == FOP_EQ || n->op == FOP_NE || n->op == FOP_IN || n->op == FOP_INTERSECTS ||
		     n->op == FOP_PMATCH))
			falco_diag_text_put(w->f, false, "LOAD_UNSAFE_NA_CHECK", &w->c, n->text, n->pos,
			                    "comparing a field value with <NA> is unsafe");
	}
}

/* Rules share macros: where a walk found nothing to warn of, the next ones need not look. */
static void warn_tree(struct warner *w, struct fast *n)
{
	uint32_t n_diags = w->f->n_diags;
	bool quiet = true;

	if (!n)
		return; /* of a macro that did not compile */
	if (n->mark == w->mark || n->quiet[w->of_consts])
		return;
	n->mark = w->mark;
	if (n->kind == FAST_CHECK) {
		warn_check(w, n);
		quiet = w->f->n_diags == n_diags && !w->deprecated && falco_diags_all(w->f);
	}
	for (uint32_t i = 0; n->kind != FAST_CHECK && i < n->n; i++) {
		warn_tree(w, n->kids[i]);
		quiet = quiet && n->kids[i] && n->kids[i]->quiet[w->of_consts];
	}
	n->quiet[w->of_consts] = quiet;
}

/* ---- rules ---- */

static bool compile_condition(struct hc_falco *f, struct frule *r)
{
	struct fcontext rule = of_rule(r);
	const struct fcontext cond = { .type = "rule condition", .place = r->cond_place, .in = &rule };
	const struct fcontext c = of_expression(r->cond_place, &cond);
	const struct fcontext unresolved = of_expression(r->cond_place, &rule);
	struct resolver res = { .f = f, .visibility = UINT32_MAX };
	struct fcheck check = { .arena = &f->work, .any_length = f->opts.sane };
	struct fparse_err e = { 0 };
	struct warner w = { .f = f, .c = c };
	struct code_set codes;
	struct fast *tree;
	int got;

	if (!put_lists(f, &r->full, &r->uses, &c))
		return false;
	got = falco_parse(&r->full, &f->work, &tree, &e);
	if (got == -ENOMEM) {
		f->no_memory = true;
		return false;
	}
	if (got < 0)
		return falco_diag_text(f, true, E_COND, &c, &r->full, e.pos, "%s", e.msg);
	r->ast = tree;
	f->pass++;
	resolve(&res, tree);
	if (!resolved(&res, &unresolved))
		return false;
	w.mark = f->pass;
	warn_tree(&w, tree);
	tell_deprecated(&w);
	r->tree = falco_check(&check, tree);
	if (!r->tree) {
		if (check.no_memory) {
			f->no_memory = true;
			return false;
		}
		if (!check.msg[0])
			return false; /* in a macro that did not parse: reported there */
		if (check.skippable && r->skip_if_unknown) {
			falco_diag_text_put(f, false, "LOAD_UNKNOWN_FILTER", &c, check.text, check.pos, "%s",
			                    check.msg);
			return false;
		}
		return falco_diag_text(f, true, E_COND, &c, check.text, check.pos, "%s", check.msg);
	}
	w.of_consts = true;
	w.mark = ++f->pass;
	warn_tree(&w, tree);
	codes = falco_codes(r->tree);
	if (r->warn_evttypes && code_set_count(&codes) > 100) {
		rule.point = r->cond_place.node;
		falco_diag_put(
			f, false, "LOAD_NO_EVTTYPE", &rule,
			"Rule matches too many evt.type values. This has a significant performance penalty.");
	}
	return true;
}

static bool same_rule(struct hc_falco *f, const struct frule *r)
{
	return f->keeps && r->visibility < f->compiled && r->clean && same_lists(f, &r->full, r->uses) &&
	       same_macros(f, r->ast);
}

static void compile_rule(struct hc_falco *f, struct frule *r)
{
	r->tree = NULL;
	r->format = NULL;
	r->dropped = false;
	if (r->unknown_source) {
		r->dropped = true;
		return;
	}
	if (!with_exceptions(f, r)) {
		r->dropped = true;
		return;
	}
	/* One problem of a rule does not hide another: the condition is read also when the output did not compile.
	 */
	if (!compile_output(f, r))
		r->dropped = true;
	if (r->dropped && !f->file_failed)
		return; /* passed over */
	if (!compile_condition(f, r))
		r->dropped = true;
}

static void warn_unused(struct hc_falco *f)
{
	for (uint32_t i = 0; i < f->macros.n; i++) {
		struct fmacro *m = falco_macro_at(f, i);
		struct fcontext c = { .type = "macro", .name = m->name, .place = m->place };

		if (!m->used)
			falco_diag_put(f, false, "LOAD_UNUSED_MACRO", &c,
			               "Macro not referred to by any other rule/macro");
	}
	for (uint32_t i = 0; i < f->lists.n; i++) {
		struct flist *l = falco_list_at(f, i);
		struct fcontext c = { .type = "list", .name = l->name, .place = l->place };

		if (!l->used)
			falco_diag_put(f, false, "LOAD_UNUSED_LIST", &c,
			               "List not referred to by any other rule/macro");
	}
}

static void compile_all(struct hc_falco *f)
{
	f->n_compilations++;
	f->n_kept = 0;
	f->has_odd_lists = false;
	memset(f->list_lengths, 0, sizeof(f->list_lengths));
	for (uint32_t i = 0; i < f->lists.n; i++) {
		struct hc_str name = falco_list_at(f, i)->name;

		falco_list_at(f, i)->used = false;
		f->has_odd_lists |= !is_word(name);
		if (name.len)
			f->list_lengths[(uint8_t)name.p[0]] |= UINT64_C(1) << name.len % 64;
	}
	for (uint32_t i = 0; i < f->macros.n; i++)
		falco_macro_at(f, i)->used = false;
	for (uint32_t i = 0; i < f->lists.n && !f->no_memory; i++)
		unfold_list(f, falco_list_at(f, i));
	compile_macros(f);
	for (uint32_t i = 0; i < f->rules.n && !f->no_memory; i++) {
		struct frule *r = falco_rule_at(f, i);
		uint32_t n = f->n_diags;

		if (same_rule(f, r)) {
			f->n_kept++;
			mark_lists(r->uses);
			mark_macros(f, r->ast);
			continue;
		}
		compile_rule(f, r);
		r->clean = r->tree && r->format && !r->dropped && f->n_diags == n && falco_diags_all(f);
	}
}

bool falco_compile(struct hc_falco *f)
{
	uint32_t n_diags = f->n_diags;

	f->keeps = !f->whole && !f->failed && f->compiled && !f->n_built &&
	           f->work.used_bytes < MAX_COMPILE_BYTES / 16;
	if (f->keeps)
		compile_all(f);
	/* What is wrong is told by a compilation of all. */
	if (!f->keeps || (f->failed && !f->no_memory)) {
		if (f->keeps) {
			f->n_diags = n_diags;
			f->failed = f->file_failed = false;
		}
		f->keeps = false;
		hc_arena_reset(&f->work);
		compile_all(f);
	}
	f->compiled = f->counter;
	if (!f->file_failed && !f->no_memory)
		warn_unused(f);
	return !f->file_failed;
}
