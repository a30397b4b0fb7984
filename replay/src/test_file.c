/* Test files: what may be in them, and where it is wrong. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/yaml.h"
#include "test_priv.h"

#define MAX_ITEMS 65536 /* of one list */
#define MAX_TEXT (1u << 20)
#define DEFAULT_TIMEOUT_NS UINT64_C(60000000000)

typedef const struct hc_yaml_node node;

/* What a case takes over from its file unless it says otherwise. */
struct defaults {
	struct hc_test_rules allow, unanswerable;
	const char *where;
	struct hc_test_place where_place;
	bool match_all, machine;
	const char *const *interpreter;
	uint64_t timeout_ns;
};

struct reader {
	struct hc_test_file *f;
	const struct hc_test_units *units;
	struct hc_err *err;
};

/* ---- nodes ---- */

static int no_memory(struct reader *r)
{
	return hc_err_set(r->err, -ENOMEM, "out of memory");
}

static struct hc_test_place place_of(node *n)
{
	return (struct hc_test_place){ n->line, n->column };
}

#define BAD(r, n, ...) hc_err_at((r)->err, -EINVAL, (r)->f->path, (n)->line, (n)->column, __VA_ARGS__)

/* Keys are texts that are known (a list that ends with NULL; NULL: any), each once. */
static int check_keys(struct reader *r, node *map, const char *what, const char *const *known)
{
	if (map->kind != HC_YAML_MAP)
		return BAD(r, map, "%s is a mapping", what);
	for (uint32_t i = 0; i < map->n; i++) {
		node *key = map->items[2 * i];
		char all[256] = "";
		size_t at = 0, n = 0;

		if (key->kind != HC_YAML_SCALAR)
			return BAD(r, key, "a key of %s is a text", what);
		for (uint32_t j = 0; known == NULL && j < i; j++) /* few: fields of one expectation */
			if (hc_str_eq(map->items[2 * j]->text, key->text))
				return BAD(r, key, "'" HC_STR_FMT "' is here twice", HC_STR_ARG(key->text));
		while (known && known[n] && !hc_str_eq(key->text, hc_str_c(known[n])))
			n++;
		if (!known)
			continue;
		if (known[n]) {
			if (hc_yaml_get(map, known[n]) != map->items[2 * i + 1])
				return BAD(r, key, "'%s' is here twice", known[n]);
			continue;
		}
		for (n = 0; known[n] && at < sizeof(all); n++)
			at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", n ? ", " : "", known[n]);
		return BAD(r, key, "%s has no key '" HC_STR_FMT "' (it has %s)", what, HC_STR_ARG(key->text), all);
	}
	return 0;
}

/* A value that is there and not null. */
static node *get(node *map, const char *key)
{
	node *n = hc_yaml_get(map, key);

	return n && n->kind != HC_YAML_NULL ? n : NULL;
}

static int text_of(struct reader *r, node *n, const char *what, const char **to)
{
	struct hc_str copy;

	if (n->kind != HC_YAML_SCALAR)
		return BAD(r, n, "%s is a text", what);
	if (memchr(n->text.p, 0, n->text.len))
		return BAD(r, n, "%s holds a NUL", what);
	if (n->text.len > MAX_TEXT)
		return BAD(r, n, "%s is longer than 1 MiB", what);
	copy = hc_arena_str(&r->f->arena, n->text);
	if (!copy.p)
		return no_memory(r);
	*to = copy.p;
	return 0;
}

static int read_text(struct reader *r, node *map, const char *key, const char **to)
{
	node *n = get(map, key);

	return n ? text_of(r, n, key, to) : 0;
}

/* One text or a list of them; NULL-terminated. */
static int read_texts(struct reader *r, node *map, const char *key, const char *const **to)
{
	node *n = get(map, key);
	uint32_t n_items;
	const char **v;
	int q = 0;

	if (!n)
		return 0;
	if (n->kind == HC_YAML_MAP)
		return BAD(r, n, "%s is a text or a list of texts", key);
	n_items = n->kind == HC_YAML_SEQ ? n->n : 1;
	if (n_items > MAX_ITEMS)
		return hc_err_at(r->err, -E2BIG, r->f->path, n->line, n->column, "%s has more than %d items", key,
		                 MAX_ITEMS);
	v = hc_arena_alloc(&r->f->arena, (n_items + 1u) * sizeof(*v));
	if (!v)
		return no_memory(r);
	for (uint32_t i = 0; q == 0 && i < n_items; i++)
		q = text_of(r, n->kind == HC_YAML_SEQ ? n->items[i] : n, key, &v[i]);
	*to = v;
	return q;
}

static int read_u64(struct reader *r, node *map, const char *key, uint64_t max, uint64_t *to)
{
	node *n = get(map, key);
	uint64_t v = 0;

	if (!n)
		return 0;
	if (n->kind != HC_YAML_SCALAR || !n->text.len)
		return BAD(r, n, "%s is a number", key);
	for (uint32_t i = 0; i < n->text.len; i++) {
		unsigned digit = (unsigned)(unsigned char)n->text.p[i] - '0';

		if (digit > 9)
			return BAD(r, n, "%s is a number, not '" HC_STR_FMT "'", key, HC_STR_ARG(n->text));
		if (digit > max || v > (max - digit) / 10)
			return BAD(r, n, "%s is at most %llu", key, (unsigned long long)max);
		v = v * 10 + digit;
	}
	*to = v;
	return 0;
}

static int read_bool(struct reader *r, node *map, const char *key, bool *to)
{
	node *n = get(map, key);

	return !n || hc_yaml_bool(n, to) ? 0 : BAD(r, n, "%s is true or false", key);
}

/* One of two words, the second is true. */
static int read_choice(struct reader *r, node *map, const char *key, const char *no, const char *yes, bool *to)
{
	node *n = get(map, key);

	if (!n)
		return 0;
	if (n->kind == HC_YAML_SCALAR && hc_str_eq(n->text, hc_str_c(yes)))
		*to = true;
	else if (n->kind == HC_YAML_SCALAR && hc_str_eq(n->text, hc_str_c(no)))
		*to = false;
	else
		return BAD(r, n, "%s is '%s' or '%s'", key, no, yes);
	return 0;
}

static bool is_word(node *n, const char *word)
{
	return n && n->kind == HC_YAML_SCALAR && hc_str_eq(n->text, hc_str_c(word));
}

/* Zeroed; items of a list that is not too long. */
static int alloc_list(struct reader *r, node *list, const char *what, uint32_t max, size_t bytes, void *ret)
{
	void **to = ret;

	if (list->kind != HC_YAML_SEQ)
		return BAD(r, list, "%s is a list", what);
	if (list->n > max)
		return hc_err_at(r->err, -E2BIG, r->f->path, list->line, list->column, "%s has more than %u items",
		                 what, max);
	*to = hc_arena_alloc(&r->f->arena, (list->n + 1u) * bytes);
	return *to ? 0 : no_memory(r);
}

/* ---- patterns ---- */

struct pattern_key {
	const char *key;
	enum hc_op op;
	const char *says;
};

static const struct pattern_key pattern_keys[] = {
	{ "is", HC_OP_IN, "" },
	{ "contains", HC_OP_CONTAINS, "with " },
	{ "icontains", HC_OP_ICONTAINS, "with (in any case) " },
	{ "startswith", HC_OP_STARTSWITH, "beginning with " },
	{ "endswith", HC_OP_ENDSWITH, "ending with " },
	{ "glob", HC_OP_GLOB, "like glob " },
	{ "regex", HC_OP_REGEX_FIND, "like regular expression " },
	{ "not", HC_OP_EXISTS, "not " },
};

static int read_pattern(struct reader *r, node *n, const struct hc_test_pattern **ret);

/* Appends to the pattern's text. */
static int say(struct reader *r, struct hc_test_pattern *p, const char *says, const char *text, const char *quote)
{
	bool is_long = p->text && strlen(p->text) > 200;
	const char *with = is_long && !strstr(p->text, ", ...") ? ", ..." : "";

	p->text = is_long ? hc_arena_printf(&r->f->arena, "%s%s", p->text, with)
	                  : hc_arena_printf(&r->f->arena, "%s%s%s%s%.200s%s", p->text ? p->text : "",
	                                    p->text ? ", " : "", says, quote, text, quote);
	return p->text ? 0 : no_memory(r);
}

/* A comparison with one text or any of several; a plain text that begins with ~ is a regular expression where `op`
 * is HC_OP_IN and it stands alone. */
static int add_compare(struct reader *r, struct hc_test_pattern *p, node *n, enum hc_op op, const char *says,
                       uint32_t skip)
{
	struct hc_test_term *t = &p->terms[p->n];
	uint32_t n_texts = n->kind == HC_YAML_SEQ ? n->n : 1;
	struct hc_value *v;
	struct hc_err err = { 0 };
	int q = 0;

	if (!n_texts || n_texts > MAX_ITEMS)
		return BAD(r, n, n_texts ? "too many texts" : "there is no text to compare with");
	v = hc_arena_alloc(&r->f->arena, n_texts * sizeof(*v));
	if (!v)
		return no_memory(r);
	for (uint32_t i = 0; q == 0 && i < n_texts; i++) {
		const char *text = NULL;

		q = text_of(r, n->kind == HC_YAML_SEQ ? n->items[i] : n, "what is compared with", &text);
		if (q < 0)
			return q;
		v[i] = hc_value_str(hc_str_c(text + skip));
		q = say(r, p, i ? i + 1 < n_texts ? "" : "or " : says, text + skip, "'");
	}
	if (q < 0)
		return q;
	t->next_made = r->f->made; /* before: a failure may leave compiled expressions */
	r->f->made = t;
	p->n++;
	q = hc_operand_init(&t->op, &r->f->arena, op, HC_Q_ANY, HC_VT_STR, v, n_texts, &err);
	return q < 0 ? hc_err_at(r->err, q, r->f->path, n->line, n->column, "%s", err.msg) : 0;
}

static int add_absent(struct reader *r, struct hc_test_pattern *p)
{
	p->terms[p->n++].absent = true;
	return say(r, p, "absent", "", "");
}

static int add_not(struct reader *r, struct hc_test_pattern *p, node *n)
{
	const struct hc_test_pattern *of;
	int q = read_pattern(r, n, &of);

	if (q < 0)
		return q;
	p->terms[p->n++].none = of;
	return say(r, p, "not ", of->text, "");
}

static int add_key(struct reader *r, struct hc_test_pattern *p, node *key, node *value)
{
	for (size_t i = 0; i < sizeof(pattern_keys) / sizeof(pattern_keys[0]); i++) {
		const struct pattern_key *k = &pattern_keys[i];

		if (!hc_str_eq(key->text, hc_str_c(k->key)))
			continue;
		if (k->op == HC_OP_EXISTS)
			return add_not(r, p, value);
		if (k->op == HC_OP_IN && value->kind == HC_YAML_NULL)
			return add_absent(r, p);
		return add_compare(r, p, value, k->op, k->says, 0);
	}
	return BAD(r, key, "not a comparison"); /* check_keys has seen to that */
}

static int read_pattern(struct reader *r, node *n, const struct hc_test_pattern **ret)
{
	static const char *const known[] = { "is",   "contains", "icontains", "startswith", "endswith",
		                             "glob", "regex",    "not",       NULL };
	struct hc_test_pattern *p = hc_arena_alloc(&r->f->arena, sizeof(*p));
	uint32_t n_terms = n->kind == HC_YAML_MAP ? n->n : 1;
	int q = 0;

	if (p)
		p->terms = hc_arena_alloc(&r->f->arena, (n_terms + 1u) * sizeof(*p->terms));
	if (!p || !p->terms)
		return no_memory(r);
	if (n->kind == HC_YAML_NULL)
		q = add_absent(r, p);
	else if (n->kind == HC_YAML_SCALAR && n->text.len > 1 && n->text.p[0] == '~')
		q = add_compare(r, p, n, HC_OP_REGEX_FIND, "like regular expression ", 1);
	else if (n->kind != HC_YAML_MAP)
		q = add_compare(r, p, n, HC_OP_IN, "", 0);
	else if (!n->n)
		q = BAD(r, n, "there is nothing to compare with");
	else
		q = check_keys(r, n, "a comparison", known);
	for (uint32_t i = 0; q == 0 && n->kind == HC_YAML_MAP && i < n->n; i++)
		q = add_key(r, p, n->items[2 * i], n->items[2 * i + 1]);
	*ret = p;
	return q;
}

bool hc_test_pattern_match(const struct hc_test_pattern *p, struct hc_str text, struct hc_match *m)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct hc_test_term *t = &p->terms[i];
		bool holds;

		if (t->absent)
			holds = !text.p;
		else if (t->none)
			holds = !hc_test_pattern_match(t->none, text, m);
		else
			holds = text.p && hc_operand_match_str(&t->op, text, m);
		if (!holds)
			return false;
	}
	return true;
}

const char *hc_test_pattern_text(const struct hc_test_pattern *p)
{
	return p->text;
}

/* ---- programs ---- */

/* `run`, `script` or `command` of a mapping; *ret NULL when there is none of them. */
static int read_script(struct reader *r, node *map, const struct defaults *d, const struct hc_test_script **ret)
{
	node *run = get(map, "run"), *script = get(map, "script"), *command = get(map, "command");
	node *any = run      ? run
	            : script ? script
	                     : command,
	     *status = get(map, "status"), *timeout = get(map, "timeout");
	struct hc_test_script *s;
	uint64_t number = 0;
	const char *text = NULL;
	int q;

	*ret = NULL;
	if ((run != NULL) + (script != NULL) + (command != NULL) > 1)
		return BAD(r, any, "only one of run, script and command can be given");
	if (!any) {
		node *stray = status ? status : get(map, "interpreter") ? get(map, "interpreter") : timeout;

		return stray && !d ? BAD(r, stray, "there is no run, script or command that this could be for")
		                   : 0;
	}
	s = hc_arena_alloc(&r->f->arena, sizeof(*s));
	if (!s)
		return no_memory(r);
	*s = (struct hc_test_script){ .interpreter = d ? d->interpreter : NULL,
		                      .timeout_ns = d ? d->timeout_ns : DEFAULT_TIMEOUT_NS,
		                      .place = place_of(any) };
	q = read_text(r, map, "run", &s->text);
	if (q == 0)
		q = read_text(r, map, "script", &s->file);
	if (q == 0 && command && (command->kind != HC_YAML_SEQ || !command->n))
		q = BAD(r, command, "command is a list: the program and its arguments");
	if (q == 0)
		q = read_texts(r, map, "command", &s->argv);
	if (q == 0)
		q = read_texts(r, map, "interpreter", &s->interpreter);
	if (q == 0 && s->interpreter && !s->interpreter[0])
		q = BAD(r, any, "the interpreter is an empty list");
	if (q == 0 && is_word(status, "any"))
		s->status = -1;
	else if (q == 0 && status) {
		q = read_u64(r, map, "status", 255, &number);
		s->status = (int)number;
	}
	if (q == 0)
		q = read_text(r, map, "timeout", &text);
	if (q == 0 && text && (r->units->duration(text, &s->timeout_ns) < 0 || !s->timeout_ns))
		q = BAD(r, timeout, "timeout is a duration (30s, 2m), not '%s'", text);
	*ret = s;
	return q;
}

/* ---- record ---- */

static int read_env(struct reader *r, node *n, struct hc_test_record *rec)
{
	struct hc_test_env *env;
	int q = check_keys(r, n, "env", NULL);

	if (q < 0)
		return q;
	if (n->n > 1024)
		return BAD(r, n, "env has more than 1024 variables");
	env = hc_arena_alloc(&r->f->arena, (n->n + 1u) * sizeof(*env));
	if (!env)
		return no_memory(r);
	for (uint32_t i = 0; q == 0 && i < n->n; i++) {
		q = text_of(r, n->items[2 * i], "the name of a variable", &env[i].name);
		if (q == 0 && (!env[i].name[0] || strchr(env[i].name, '=')))
			q = BAD(r, n->items[2 * i], "no variable can have this name");
		if (q == 0)
			q = text_of(r, n->items[2 * i + 1], "the value of a variable", &env[i].value);
	}
	rec->env = env;
	rec->n_env = n->n;
	return q;
}

static int read_profile(struct reader *r, node *map, unsigned *to)
{
	node *n = get(map, "profile");

	for (unsigned p = HC_PROFILE_MINIMAL; n && p <= HC_PROFILE_FULL; p++) {
		static const char *const names[] = { [HC_PROFILE_MINIMAL] = "minimal",
			                             [HC_PROFILE_SECURITY] = "security",
			                             [HC_PROFILE_FULL] = "full" };

		if (is_word(n, names[p])) {
			*to = p;
			return 0;
		}
	}
	return n ? BAD(r, n, "profile is 'minimal', 'security' or 'full'") : 0;
}

static int read_setup(struct reader *r, node *n, struct hc_test_record *rec)
{
	static const char *const known[] = { "run", "script", "command", "interpreter", "timeout", NULL };
	int q = check_keys(r, n, "setup", known);

	if (q == 0)
		q = read_script(r, n, NULL, &rec->setup);
	return q == 0 && !rec->setup ? BAD(r, n, "setup has no run, script or command") : q;
}

static int read_record(struct reader *r, node *n, struct defaults *d)
{
	static const char *const known[] = { "run",    "script",  "command", "interpreter", "timeout",
		                             "status", "profile", "snaplen", "private",     "setup",
		                             "env",    "needs",   "alerts",  NULL };
	struct hc_test_record *rec = hc_arena_alloc(&r->f->arena, sizeof(*rec));
	node *setup = get(n, "setup"), *env = get(n, "env");
	const char *timeout = NULL;
	uint64_t snaplen = 0;
	int q = check_keys(r, n, "record", known);

	if (!rec)
		return no_memory(r);
	rec->profile = HC_PROFILE_SECURITY;
	rec->place = place_of(n);
	if (q == 0)
		q = read_profile(r, n, &rec->profile);
	if (q == 0)
		q = read_u64(r, n, "snaplen", 4096, &snaplen);
	rec->snaplen = (uint32_t)snaplen;
	if (q == 0)
		q = read_bool(r, n, "private", &rec->private_mounts);
	if (q == 0)
		q = read_choice(r, n, "alerts", "script", "machine", &d->machine);
	if (q == 0)
		q = read_texts(r, n, "needs", &rec->needs);
	if (q == 0 && setup)
		q = read_setup(r, setup, rec);
	if (q == 0 && env)
		q = read_env(r, env, rec);
	if (q == 0)
		q = read_texts(r, n, "interpreter", &d->interpreter);
	if (q == 0)
		q = read_text(r, n, "timeout", &timeout);
	if (q == 0 && timeout && (r->units->duration(timeout, &d->timeout_ns) < 0 || !d->timeout_ns))
		q = BAD(r, get(n, "timeout"), "timeout is a duration (30s, 2m), not '%s'", timeout);
	if (q == 0)
		q = read_script(r, n, d, &r->f->script);
	r->f->record = rec;
	return q;
}

/* ---- cases ---- */

static int read_path(struct reader *r, node *n, const char *what, struct hc_test_path *to)
{
	struct hc_str text, unset = { 0 };
	const char *as_written;
	int q = text_of(r, n, what, &as_written);

	if (q < 0)
		return q;
	to->place = place_of(n);
	q = hc_yaml_env_text(n, MAX_TEXT, &r->f->arena, &text, &unset);
	if (q == -ENOMEM)
		return no_memory(r);
	if (q < 0)
		return BAD(r, n, "the text is larger than 1 MiB once variables are replaced");
	if (unset.p)
		return BAD(r, n, "the environment has no variable '" HC_STR_FMT "'", HC_STR_ARG(unset));
	if (!text.len)
		return BAD(r, n, "%s is empty", what);
	to->path = text.p;
	return 0;
}

/* `word`, or a list of patterns of names of rules. */
static int read_rules(struct reader *r, node *map, const char *key, const char *word, const char *no,
                      struct hc_test_rules *to)
{
	node *n = get(map, key);
	const struct hc_test_pattern **v;
	int q;

	if (!n)
		return 0;
	*to = (struct hc_test_rules){ 0 };
	if (is_word(n, word)) {
		to->any = true;
		return 0;
	}
	if (is_word(n, no))
		return 0;
	if (n->kind != HC_YAML_SEQ)
		return BAD(r, n, "%s is '%s', '%s' or a list of rules", key, word, no);
	q = alloc_list(r, n, key, MAX_ITEMS, sizeof(*v), &v);
	for (uint32_t i = 0; q == 0 && i < n->n; i++)
		q = read_pattern(r, n->items[i], &v[i]);
	if (q < 0)
		return q;
	to->patterns = v;
	to->n = n->n;
	return 0;
}

static int read_fields(struct reader *r, node *n, struct hc_test_expect *e)
{
	struct hc_test_field *v;
	int q = check_keys(r, n, "fields", NULL);

	if (q < 0)
		return q;
	if (n->n > 256)
		return BAD(r, n, "an expectation has at most 256 fields");
	v = hc_arena_alloc(&r->f->arena, (n->n + 1u) * sizeof(*v));
	if (!v)
		return no_memory(r);
	for (uint32_t i = 0; q == 0 && i < n->n; i++) {
		q = text_of(r, n->items[2 * i], "the name of a field", &v[i].name);
		v[i].place = place_of(n->items[2 * i]);
		if (q == 0)
			q = read_pattern(r, n->items[2 * i + 1], &v[i].pattern);
	}
	e->fields = v;
	e->n_fields = n->n;
	return q;
}

static int read_counts(struct reader *r, node *n, struct hc_test_expect *e)
{
	node *count = get(n, "count"), *min = get(n, "min"), *max = get(n, "max");
	int q;

	e->min = 1;
	e->max = UINT64_MAX;
	if (count && (min || max))
		return BAD(r, count, "count is both min and max: give either it, or them");
	if (count) {
		q = read_u64(r, n, "count", UINT64_MAX - 1, &e->min);
		e->max = e->min;
		return q;
	}
	q = read_u64(r, n, "min", UINT64_MAX - 1, &e->min);
	if (q == 0)
		q = read_u64(r, n, "max", UINT64_MAX - 1, &e->max);
	if (q == 0 && max && !min && !e->max)
		e->min = 0;
	return q == 0 && e->min > e->max ? BAD(r, max, "max is less than min%s", min ? "" : ", which is 1") : q;
}

static int read_expect(struct reader *r, node *n, struct hc_test_expect *e)
{
	static const char *const known[] = { "rule", "count", "min", "max", "fields", "output", "priority", NULL };
	node *fields, *output;
	int q = 0;

	e->place = place_of(n);
	if (n->kind == HC_YAML_SCALAR) { /* the name alone */
		e->min = 1;
		e->max = UINT64_MAX;
		return text_of(r, n, "the name of a rule", &e->rule);
	}
	q = check_keys(r, n, "an expectation", known);
	if (q < 0)
		return q;
	if (!get(n, "rule"))
		return BAD(r, n, "an expectation names its rule");
	q = read_text(r, n, "rule", &e->rule);
	if (q == 0)
		q = read_text(r, n, "priority", &e->priority);
	if (q == 0)
		q = read_counts(r, n, e);
	fields = get(n, "fields");
	if (q == 0 && fields)
		q = read_fields(r, fields, e);
	output = get(n, "output");
	if (q == 0 && output)
		q = read_pattern(r, output, &e->output);
	return q;
}

static int read_golden(struct reader *r, node *n, struct hc_test_case *c)
{
	static const char *const known[] = { "alerts", "fields", NULL };
	struct hc_test_golden *g = hc_arena_alloc(&r->f->arena, sizeof(*g));
	struct hc_test_path path = { 0 };
	int q = check_keys(r, n, "expect", known);

	if (!g)
		return no_memory(r);
	if (q == 0 && !get(n, "alerts"))
		q = BAD(r, n, "expect is 'none', a list, or a mapping that names a file of alerts");
	if (q == 0)
		q = read_path(r, get(n, "alerts"), "alerts", &path);
	if (q == 0 && !is_word(get(n, "fields"), "all"))
		q = read_texts(r, n, "fields", &g->fields);
	g->path = path.path;
	g->place = path.place;
	c->golden = g;
	return q;
}

static int read_expects(struct reader *r, node *map, struct hc_test_case *c)
{
	node *n = get(map, "expect");
	struct hc_test_expect *v;
	int q;

	if (!n)
		return BAD(r, map, "the case says not what it expects: a list of alerts, or none");
	if (is_word(n, "none"))
		return 0;
	if (n->kind == HC_YAML_MAP)
		return read_golden(r, n, c);
	if (n->kind != HC_YAML_SEQ)
		return BAD(r, n, "expect is 'none', a list, or a mapping that names a file of alerts");
	if (!n->n)
		return BAD(r, n, "the list is empty; a case in which no alert may come says 'expect: none'");
	q = alloc_list(r, n, "expect", MAX_ITEMS, sizeof(*v), &v);
	for (uint32_t i = 0; q == 0 && i < n->n; i++)
		q = read_expect(r, n->items[i], &v[i]);
	if (q < 0)
		return q;
	c->expects = v;
	c->n_expects = n->n;
	return 0;
}

static int read_moment(struct reader *r, node *map, const char *key, bool *has, int64_t *to)
{
	const char *text = NULL;
	int q = read_text(r, map, key, &text);

	if (q < 0 || !text)
		return q;
	*has = true;
	return r->units->moment(text, to) < 0
	               ? BAD(r, get(map, key), "%s is a moment (2024-05-01T12:00:00Z), not '%s'", key, text)
	               : 0;
}

/* What both a file and a case can say. */
static int read_common(struct reader *r, node *n, struct defaults *d)
{
	node *where = get(n, "where");
	int q = read_text(r, n, "where", &d->where);

	if (where)
		d->where_place = place_of(where);
	if (q == 0)
		q = read_choice(r, n, "matching", "first", "all", &d->match_all);
	if (q == 0)
		q = read_rules(r, n, "allow", "any", "none", &d->allow);
	if (q == 0)
		q = read_rules(r, n, "unanswerable", "allow", "fail", &d->unanswerable);
	return q;
}

static int read_case_script(struct reader *r, node *n, const struct defaults *d, struct hc_test_case *c)
{
	static const char *const of_scripts[] = { "run",     "script", "command", "interpreter",
		                                  "timeout", "status", "alerts",  NULL };

	if (r->f->record)
		return read_script(r, n, d, &c->script);
	for (unsigned i = 0; of_scripts[i]; i++)
		if (get(n, of_scripts[i]))
			return BAD(r, get(n, of_scripts[i]), "%s is for files that record: this one has a capture",
			           of_scripts[i]);
	return 0;
}

static int read_case(struct reader *r, node *n, const struct defaults *from, struct hc_test_case *c)
{
	static const char *const known[] = { "name",        "description",  "run",    "script",   "command",
		                             "interpreter", "timeout",      "status", "alerts",   "expect",
		                             "allow",       "unanswerable", "where",  "matching", "since",
		                             "until",       "needs",        NULL };
	struct defaults d = *from;
	const char *description = NULL;
	int q = check_keys(r, n, "a case", known);

	if (q < 0)
		return q;
	c->place = place_of(n);
	if (!get(n, "name"))
		return BAD(r, n, "the case has no name");
	q = read_text(r, n, "name", &c->name);
	if (q == 0 && !c->name[0])
		q = BAD(r, get(n, "name"), "the name is empty");
	if (q == 0)
		q = read_text(r, n, "description", &description);
	if (q == 0)
		q = read_common(r, n, &d);
	if (q == 0)
		q = read_case_script(r, n, &d, c);
	if (q == 0 && r->f->record && !c->script && !r->f->script)
		q = BAD(r, n, "nothing is run: neither the case nor 'record' has run, script or command");
	if (q == 0)
		q = read_choice(r, n, "alerts", "script", "machine", &d.machine);
	if (q == 0)
		q = read_texts(r, n, "needs", &c->needs);
	if (q == 0)
		q = read_moment(r, n, "since", &c->has_since, &c->since_wall_ns);
	if (q == 0)
		q = read_moment(r, n, "until", &c->has_until, &c->until_wall_ns);
	if (q == 0 && c->has_since && c->has_until && c->since_wall_ns >= c->until_wall_ns)
		q = BAD(r, get(n, "since"), "since is not before until");
	if (q == 0)
		q = read_expects(r, n, c);
	c->where = d.where;
	c->where_place = d.where_place;
	c->machine = d.machine;
	c->match_all = d.match_all;
	c->allow = d.allow;
	c->unanswerable = d.unanswerable;
	return q;
}

static int by_name(const void *pa, const void *pb)
{
	const struct hc_test_case *const *a = pa, *const *b = pb;
	int order = strcmp((*a)->name, (*b)->name);

	return order ? order : *a < *b ? -1 : *a > *b;
}

static int check_names(struct reader *r)
{
	const struct hc_test_file *f = r->f;
	HC_AUTO(free) const struct hc_test_case **v = calloc(f->n_cases + 1, sizeof(*v));

	if (!v)
		return no_memory(r);
	for (size_t i = 0; i < f->n_cases; i++)
		v[i] = &f->cases[i];
	qsort(v, f->n_cases, sizeof(*v), by_name);
	for (size_t i = 1; i < f->n_cases; i++)
		if (strcmp(v[i - 1]->name, v[i]->name) == 0)
			return hc_test_error(f, v[i]->place, -EINVAL, r->err,
			                     "a case in line %u has the name '%s' too", v[i - 1]->place.line,
			                     v[i]->name);
	return 0;
}

/* ---- the file ---- */

static int read_policies(struct reader *r, node *n)
{
	bool is_list = n->kind == HC_YAML_SEQ;
	uint32_t n_items = is_list ? n->n : 1;
	int q = 0;

	if (n_items > MAX_ITEMS)
		return BAD(r, n, "policies has more than %d items", MAX_ITEMS);
	r->f->policies = hc_arena_alloc(&r->f->arena, (n_items + 1u) * sizeof(*r->f->policies));
	if (!r->f->policies)
		return no_memory(r);
	for (uint32_t i = 0; q == 0 && i < n_items; i++)
		q = read_path(r, is_list ? n->items[i] : n, "a policy", &r->f->policies[i]);
	r->f->n_policies = n_items;
	return q;
}

static int read_source(struct reader *r, node *root, struct defaults *d)
{
	node *capture = get(root, "capture"), *record = get(root, "record");

	if (capture && record)
		return BAD(r, record, "a file has either a capture or a record");
	if (record)
		return read_record(r, record, d);
	if (!capture)
		return BAD(r, root, "there is neither a capture nor a record: what are the rules tried on?");
	r->f->capture = hc_arena_alloc(&r->f->arena, sizeof(*r->f->capture));
	return r->f->capture ? read_path(r, capture, "the capture", r->f->capture) : no_memory(r);
}

static int read_root(struct reader *r, node *root)
{
	static const char *const known[] = { "description", "policies",     "capture", "record", "matching",
		                             "allow",       "unanswerable", "where",   "cases",  NULL };
	struct defaults d = { .timeout_ns = DEFAULT_TIMEOUT_NS };
	node *policies, *cases;
	const char *description = NULL;
	int q;

	if (root->kind != HC_YAML_MAP)
		return BAD(r, root, "this is no test file: a mapping with policies and cases is expected");
	q = check_keys(r, root, "a test file", known);
	if (q == 0)
		q = read_text(r, root, "description", &description);
	policies = get(root, "policies");
	cases = get(root, "cases");
	if (q == 0 && policies)
		q = read_policies(r, policies);
	if (q == 0)
		q = read_source(r, root, &d);
	if (q == 0)
		q = read_common(r, root, &d);
	if (q == 0 && (!cases || (cases->kind == HC_YAML_SEQ && !cases->n)))
		q = BAD(r, cases ? cases : root, "there are no cases");
	if (q == 0)
		q = alloc_list(r, cases, "cases", HC_TEST_MAX_CASES, sizeof(*r->f->cases), &r->f->cases);
	for (; q == 0 && r->f->n_cases < cases->n; r->f->n_cases++)
		q = read_case(r, cases->items[r->f->n_cases], &d, &r->f->cases[r->f->n_cases]);
	return q == 0 ? check_names(r) : q;
}

static int read_yaml(const struct hc_yaml *y, const struct hc_test_units *units, struct hc_test_file **ret,
                     struct hc_err *err)
{
	HC_AUTO(hc_test_file_free) struct hc_test_file *f = calloc(1, sizeof(*f));
	struct hc_err scratch = { 0 };
	struct reader r = { .f = f, .units = units, .err = err ? err : &scratch };
	int q;

	if (!f)
		return hc_err_set(err, -ENOMEM, "out of memory");
	f->path = hc_arena_str(&f->arena, hc_str_c(hc_yaml_file(y))).p;
	if (!f->path)
		return no_memory(&r);
	if (hc_yaml_n_docs(y) != 1)
		return hc_err_at(r.err, -EINVAL, f->path, 1, 1, "%s",
		                 hc_yaml_n_docs(y) ? "a test file is one YAML document" : "the file is empty");
	q = read_root(&r, hc_yaml_doc(y, 0));
	if (q < 0)
		return q;
	*ret = hc_steal(f);
	return 0;
}

int hc_test_load(const char *path, const struct hc_test_units *units, struct hc_test_file **ret,
                 struct hc_err *err)
{
	HC_AUTO(hc_yaml_free) struct hc_yaml *y = NULL;
	int q = hc_yaml_load(path, &y, err);

	return q < 0 ? q : read_yaml(y, units, ret, err);
}

int hc_test_load_text(const char *name, const void *text, size_t n_bytes, const struct hc_test_units *units,
                      struct hc_test_file **ret, struct hc_err *err)
{
	HC_AUTO(hc_yaml_free) struct hc_yaml *y = NULL;
	int q = hc_yaml_parse(name, text, n_bytes, &y, err);

	return q < 0 ? q : read_yaml(y, units, ret, err);
}

struct hc_test_file *hc_test_file_free(struct hc_test_file *f)
{
	if (!f)
		return NULL;
	for (struct hc_test_term *t = f->made; t; t = t->next_made)
		hc_operand_done(&t->op);
	hc_arena_done(&f->arena);
	free(f);
	return NULL;
}

const char *hc_test_file_path(const struct hc_test_file *f)
{
	return f->path;
}

const struct hc_test_path *hc_test_file_policies(const struct hc_test_file *f, size_t *ret_n)
{
	*ret_n = f->n_policies;
	return f->policies;
}

const struct hc_test_path *hc_test_file_capture(const struct hc_test_file *f)
{
	return f->capture;
}

const struct hc_test_record *hc_test_file_record(const struct hc_test_file *f)
{
	return f->record;
}

const struct hc_test_script *hc_test_file_script(const struct hc_test_file *f)
{
	return f->script;
}

const struct hc_test_case *hc_test_file_cases(const struct hc_test_file *f, size_t *ret_n)
{
	*ret_n = f->n_cases;
	return f->cases;
}

char *hc_test_file_join(const struct hc_test_file *f, const char *path)
{
	const char *file = f->path, *slash = strrchr(file, '/');
	char *joined;

	if (path[0] == '/')
		return strdup(path);
	if (asprintf(&joined, "%.*s/%s", slash ? (int)(slash - file) : 1, slash ? file : ".", path) < 0)
		return NULL;
	return joined;
}

int hc_test_error(const struct hc_test_file *f, struct hc_test_place at, int code, struct hc_err *err,
                  const char *fmt, ...)
{
	char msg[320];
	va_list args;

	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	return hc_err_at(err, code, f->path, at.line, at.column, "%s", msg);
}
