/* From YAML items to the tables of lists, macros and rules. A bad item is reported and left out, the next one is
 * read. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/dialects/falco/falco_priv.h"
#include "store/base/utf8.h"

#define E_YAML "LOAD_ERR_YAML_VALIDATE"
#define E_VALIDATE "LOAD_ERR_VALIDATE"

/* ---- diagnostics ---- */

#define MAX_DIAGS 1000 /* of a file; what comes after is counted by nobody */

static struct fdiag *new_diag(struct hc_falco *f)
{
	if (f->n_diags == f->cap_diags) {
		uint32_t cap = f->cap_diags ? f->cap_diags * 2 : 32;
		struct fdiag *grown = realloc(f->diags, cap * sizeof(*grown));

		if (!grown) {
			f->no_memory = true;
			return NULL;
		}
		f->diags = grown;
		f->cap_diags = cap;
	}
	f->diags[f->n_diags] = (struct fdiag){ 0 };
	return &f->diags[f->n_diags++];
}

static const char *keep_text(struct hc_falco *f, struct hc_str s)
{
	const char *p = hc_arena_str(&f->arena, s).p;

	if (!p)
		f->no_memory = true;
	return p ? p : "";
}

static void find_repeated(const struct hc_falco *f, struct fdiag *d)
{
	for (uint32_t i = 0; d->node && i < f->first_diag && !d->pub.repeated; i++)
		d->pub.repeated = !strcmp(f->diags[i].pub.code, d->pub.code) && f->diags[i].node == d->node &&
		                  !strcmp(f->diags[i].pub.message, d->pub.message);
}

static void keep_levels(struct hc_falco *f, struct fdiag *d, const struct fcontext *c)
{
	uint32_t n = 0;

	for (const struct fcontext *at = c; at && at->type; at = at->in)
		n++;
	d->levels = hc_arena_alloc(&f->arena, n * sizeof(*d->levels) + 1);
	if (!d->levels) {
		f->no_memory = true;
		return;
	}
	d->n_levels = n;
	for (const struct fcontext *at = c; at && at->type; at = at->in) {
		struct flevel *l = &d->levels[--n];

		*l = (struct flevel){ .type = at->type, .name = at->name.p ? at->name.p : "", .file = f->file };
		if (!at->place.node)
			continue;
		l->file = hc_yaml_file(at->place.yaml);
		l->line = at->place.node->line;
		l->column = at->place.node->column;
		l->off = at->place.node->off;
	}
	d->pub.item_type = d->n_levels ? d->levels[0].type : NULL;
	d->pub.item_name = d->n_levels ? d->levels[0].name : "";
}

__attribute__((format(printf, 5, 0))) static void diag_v(struct hc_falco *f, bool is_error, const char *code,
                                                         const struct fcontext *c, const char *fmt, va_list ap)
{
	bool full = f->n_diags - f->first_diag >= MAX_DIAGS && !(is_error && !f->file_failed);
	struct fdiag *d = full ? NULL : new_diag(f);
	char msg[4096];

	if (is_error) {
		if (d)
			d->pub.beyond = f->file_failed;
		f->file_failed = true;
		f->failed = true;
	}
	if (!d)
		return;
	if (!is_error)
		d->pub.beyond = f->file_failed;
	d->pub.is_error = is_error;
	d->pub.code = code;
	vsnprintf(msg, sizeof(msg), fmt, ap);
	d->pub.message = keep_text(f, hc_str_c(msg));
	d->pub.file = f->file;
	d->pub.place_file = f->file;
	keep_levels(f, d, c);
	d->node = c->point ? c->point : c->place.node;
	if (d->node) {
		d->pub.place_file = hc_yaml_file(c->place.yaml);
		d->pub.line = d->node->line;
		d->pub.column = d->node->column;
	}
	find_repeated(f, d);
}

void falco_diag_put(struct hc_falco *f, bool is_error, const char *code, const struct fcontext *c, const char *fmt,
                    ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_v(f, is_error, code, c, fmt, ap);
	va_end(ap);
}

/* Of a condition's parts the place is told that they have in the file: a position in the text that it was unfolded
 * to helps nobody. */
static void level_in_text(struct fdiag *d)
{
	struct flevel *l = d->n_levels ? &d->levels[d->n_levels - 1] : NULL;

	if (!l || strcmp(l->type, "condition expression") != 0)
		return;
	l->file = d->pub.place_file;
	l->line = d->pub.line;
	l->column = d->pub.column;
}

void falco_diag_text_put(struct hc_falco *f, bool is_error, const char *code, const struct fcontext *c,
                         const struct ftext *text, uint32_t pos, const char *fmt, ...)
{
	const struct hc_yaml *yaml;
	uint32_t n = f->n_diags;
	va_list ap;

	va_start(ap, fmt);
	diag_v(f, is_error, code, c, fmt, ap);
	va_end(ap);
	if (f->n_diags > n) {
		struct hc_falco_diag *d = &f->diags[n].pub;

		if (ftext_place(text, pos, &yaml, &d->line, &d->column)) {
			d->place_file = hc_yaml_file(yaml);
			level_in_text(&f->diags[n]);
		}
	}
}

void falco_diag_field(struct hc_falco *f, const char *field)
{
	if (f->n_diags > f->first_diag && !strcmp(f->diags[f->n_diags - 1].pub.code, "LOAD_DEPRECATED_ITEM"))
		f->diags[f->n_diags - 1].pub.deprecated_field = field;
}

bool falco_diags_all(const struct hc_falco *f)
{
	return f->n_diags - f->first_diag < MAX_DIAGS;
}

/* ---- tables ---- */

static uint32_t hash_name(struct hc_str s)
{
	uint32_t h = 2166136261u;

	for (uint32_t i = 0; i < s.len; i++)
		h = (h ^ (uint8_t)s.p[i]) * 16777619u;
	return h;
}

static struct hc_str name_at(const struct fnames *t, uint32_t i)
{
	return *(const struct hc_str *)t->v[i];
}

static void *table_find(const struct fnames *t, struct hc_str name)
{
	uint32_t mask = t->hash_size - 1;

	if (!t->hash_size)
		return NULL;
	for (uint32_t at = hash_name(name) & mask; t->hash[at]; at = (at + 1) & mask)
		if (hc_str_eq(name_at(t, t->hash[at] - 1), name))
			return t->v[t->hash[at] - 1];
	return NULL;
}

static void hash_put(uint32_t *hash, uint32_t size, struct hc_str name, uint32_t value)
{
	uint32_t at = hash_name(name) & (size - 1);

	while (hash[at])
		at = (at + 1) & (size - 1);
	hash[at] = value;
}

static bool table_grow(struct fnames *t)
{
	uint32_t size = t->hash_size ? t->hash_size * 2 : 128, *grown;

	if (t->n == t->cap) {
		uint32_t cap = t->cap ? t->cap * 2 : 64;
		void **v = realloc(t->v, cap * sizeof(void *));

		if (!v)
			return false;
		t->v = v;
		t->cap = cap;
	}
	if (t->hash_size > t->n * 2 + 2)
		return true;
	grown = calloc(size, sizeof(*grown));
	if (!grown)
		return false;
	for (uint32_t i = 0; i < t->n; i++)
		hash_put(grown, size, name_at(t, i), i + 1);
	free(t->hash);
	t->hash = grown;
	t->hash_size = size;
	return true;
}

/* Appends a zeroed entry with its name; the caller fills in the rest. */
static void *table_add(struct hc_falco *f, struct fnames *t, struct hc_str name, size_t bytes)
{
	void *entry = hc_arena_alloc(&f->arena, bytes);

	if (!entry || !table_grow(t)) {
		f->no_memory = true;
		return NULL;
	}
	*(struct hc_str *)entry = name;
	t->v[t->n++] = entry;
	hash_put(t->hash, t->hash_size, name, t->n);
	return entry;
}

struct flist *falco_list(const struct hc_falco *f, struct hc_str name)
{
	return table_find(&f->lists, name);
}

struct fmacro *falco_macro(const struct hc_falco *f, struct hc_str name)
{
	return table_find(&f->macros, name);
}

struct frule *falco_rule(const struct hc_falco *f, struct hc_str name)
{
	return table_find(&f->rules, name);
}

static const char *const priorities[] = { "Emergency", "Alert",  "Critical",      "Error",
	                                  "Warning",   "Notice", "Informational", "Debug" };

const char *falco_priority_name(unsigned priority)
{
	return priorities[priority & 7];
}

bool falco_priority_parse(struct hc_str word, uint8_t *ret)
{
	word.len = (uint32_t)strnlen(word.p, word.len); /* what is behind a NUL is not looked at */
	for (unsigned i = 0; i < 8; i++)
		if (word.len == strlen(priorities[i]) && !strncasecmp(word.p, priorities[i], word.len)) {
			*ret = (uint8_t)i;
			return true;
		}
	if (word.len == 4 && !strncasecmp(word.p, "info", 4)) {
		*ret = 6;
		return true;
	}
	return false;
}

bool hc_falco_is_priority(const char *word)
{
	uint8_t priority;

	return falco_priority_parse(hc_str_c(word), &priority);
}

/* ---- decoding ---- */

/* An item being read. */
struct item {
	struct hc_falco *f;
	const struct hc_yaml *yaml;
	const struct hc_yaml_node *map;
	struct fcontext c;
};

/* Of a part of the item. */
static struct fcontext at_node(const struct item *it, const char *type, const struct hc_yaml_node *node)
{
	return (struct fcontext){ .type = type, .place = { it->yaml, node ? node : it->map }, .in = &it->c };
}

__attribute__((format(printf, 4, 5))) static void
put_bad_value(const struct item *it, const char *key, const struct hc_yaml_node *node, const char *fmt, ...)
{
	struct fcontext c = at_node(it, "value for", node);
	va_list ap;

	c.name = hc_str_c(key);
	va_start(ap, fmt);
	diag_v(it->f, true, E_YAML, &c, fmt, ap);
	va_end(ap);
}

/* Reports, and is false. */
#define bad_value(...) (put_bad_value(__VA_ARGS__), false)

/* What is not there is told of what lacks it. */
static bool lacks(const struct item *it, const char *key, const struct hc_yaml_node *node)
{
	struct fcontext c = it->c;

	c.point = node;
	if (node)
		return falco_diag(it->f, true, E_YAML, &c, "Mapping for key '%s' is empty", key);
	return falco_diag(it->f, true, E_YAML, &c, "Item has no mapping for key '%s'", key);
}

/* Text of a key. Absent: false and *ret_absent, reported only when required. */
static bool get_text(const struct item *it, const char *key, bool required, struct hc_str *ret,
                     const struct hc_yaml_node **ret_node, bool *ret_absent)
{
	const struct hc_yaml_node *n = hc_yaml_get(it->map, key);

	*ret = (struct hc_str){ 0 };
	if (ret_node)
		*ret_node = n;
	*ret_absent = !n;
	if (!n)
		return required && lacks(it, key, NULL);
	if (n->kind == HC_YAML_NULL)
		return lacks(it, key, n);
	if (n->kind != HC_YAML_SCALAR)
		return bad_value(it, key, n, "Value is not a scalar value");
	if (!n->text.len)
		return bad_value(it, key, n, "Value must be non-empty");
	*ret = n->text;
	return true;
}

/* Keeps the default when absent; false only when bad. */
static bool get_bool(const struct item *it, const char *key, bool required, bool *ret)
{
	const struct hc_yaml_node *n = NULL;
	struct hc_str s;
	bool absent;

	if (!get_text(it, key, required, &s, &n, &absent))
		return absent && !required;
	return hc_yaml_bool(n, ret) || bad_value(it, key, n, "Can't decode YAML scalar value");
}

/* A number as yaml-cpp reads it: decimal, 0x hexadecimal, or octal after a 0; no minus sign; blanks behind it. */
static bool parse_u32(struct hc_str s, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	if (!s.len || !strchr("+0123456789", s.p[0]) || strlen(s.p) != s.len)
		return false;
	errno = 0;
	v = strtoull(s.p, &end, 0);
	if (end == s.p || errno || v > UINT32_MAX)
		return false;
	while (isspace((unsigned char)*end))
		end++;
	if (*end)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool get_u32(const struct item *it, const char *key, uint32_t *ret)
{
	const struct hc_yaml_node *n;
	struct hc_str s;
	bool absent;

	if (!get_text(it, key, false, &s, &n, &absent))
		return absent;
	return parse_u32(s, ret) || bad_value(it, key, n, "Can't decode YAML scalar value");
}

static bool items_of(const struct item *it, const char *key, const struct hc_yaml_node *n, struct fitem **ret,
                     uint32_t *ret_n)
{
	struct fitem *v;

	*ret = NULL;
	*ret_n = 0;
	if (n->kind != HC_YAML_SEQ)
		return bad_value(it, key, n, "Value is not a sequence");
	v = hc_arena_alloc(&it->f->arena, n->n * sizeof(*v) + 1);
	if (!v) {
		it->f->no_memory = true;
		return false;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->items[i]->kind != HC_YAML_SCALAR) {
			struct fcontext seq = at_node(it, "value for", n);
			const struct fcontext c = { .type = "list item",
				                    .place = { it->yaml, n->items[i] },
				                    .in = &seq };

			seq.name = hc_str_c(key);
			return falco_diag(it->f, true, E_YAML, &c, "sequence value is not scalar");
		}
		v[i] = (struct fitem){ n->items[i]->text, { it->yaml, n->items[i] } };
	}
	*ret = v;
	*ret_n = n->n;
	return true;
}

static bool get_items(const struct item *it, const char *key, bool required, struct fitem **ret, uint32_t *ret_n,
                      bool *ret_absent)
{
	const struct hc_yaml_node *n = hc_yaml_get(it->map, key);

	*ret = NULL;
	*ret_n = 0;
	*ret_absent = !n;
	if (!n)
		return required && lacks(it, key, NULL);
	return items_of(it, key, n, ret, ret_n);
}

static void warn_unknown_keys(const struct item *it, const char *const *known)
{
	for (uint32_t i = 0; i < it->map->n; i++) {
		const struct hc_yaml_node *key = it->map->items[2 * i];
		bool found = false;

		for (unsigned k = 0; known[k] && !found; k++)
			found = key->kind == HC_YAML_SCALAR && hc_str_eq(key->text, hc_str_c(known[k]));
		if (!found) {
			struct fcontext c = it->c;

			c.point = key;
			falco_diag_put(it->f, false, "LOAD_UNKNOWN_KEY", &c,
			               "Unknown key '" HC_STR_FMT "'. The key will be ignored.",
			               HC_STR_ARG(key->kind == HC_YAML_NULL ? HC_STR("null") : key->text));
		}
	}
}

/* Falco's YAML library has no sequences and mappings as keys. */
static bool has_odd_key(struct hc_falco *f, const struct fcontext *c, const struct hc_yaml_node *map)
{
	for (uint32_t i = 0; i < map->n; i++) {
		const struct hc_yaml_node *key = map->items[2 * i];
		struct fcontext at = *c;

		if (key->kind != HC_YAML_SEQ && key->kind != HC_YAML_MAP)
			continue;
		at.point = key;
		falco_diag_put(f, true, "LOAD_ERR_YAML_PARSE", &at, "A key must be a scalar value");
		return true;
	}
	return false;
}

static bool name_matches(struct hc_str s, bool macro)
{
	for (uint32_t i = 0; i < s.len; i++) {
		char ch = s.p[i];
		bool alpha = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
		uint32_t c;

		if (macro && !alpha && (i == 0 || !((ch >= '0' && ch <= '9') || ch == '_')))
			return false;
		if (!macro && ((ch && strchr("()\"'=,", ch)) || ch == ' ' || (ch >= '\t' && ch <= '\r')))
			return false;
		if ((uint8_t)ch >= 0x80) { /* of a list: any character, but one it must be */
			unsigned len = hc_utf8(s.p + i, s.len - i, &c);

			if (!len)
				return false;
			i += len - 1;
		}
	}
	return s.len;
}

/* ---- override ---- */

enum {
	K_ITEMS = 1 << 0,
	K_CONDITION = 1 << 1,
	K_OUTPUT = 1 << 2,
	K_DESC = 1 << 3,
	K_TAGS = 1 << 4,
	K_EXCEPTIONS = 1 << 5,
	K_PRIORITY = 1 << 6,
	K_CAPTURE = 1 << 7,
	K_CAPTURE_DURATION = 1 << 8,
	K_ENABLED = 1 << 9,
	K_WARN = 1 << 10,
	K_SKIP = 1 << 11,
};

static const char *const override_keys[] = { "items",    "condition",     "output",
	                                     "desc",     "tags",          "exceptions",
	                                     "priority", "capture",       "capture_duration",
	                                     "enabled",  "warn_evttypes", "skip-if-unknown-filter" };
#define LAST_KEYS (K_CAPTURE | K_CAPTURE_DURATION | K_ENABLED | K_WARN | K_SKIP) /* to be read */
#define N_KEYS (sizeof(override_keys) / sizeof(override_keys[0]))

struct override {
	bool any;
	unsigned append, replace;
};

static bool override_entries(const struct item *it, unsigned may_append, unsigned may_replace,
                             struct override *ret)
{
	const struct hc_yaml_node *n = hc_yaml_get(it->map, "override");
	struct fcontext all = at_node(it, "overrides", NULL);

	*ret = (struct override){ 0 };
	if (n && n->kind == HC_YAML_SEQ && n->n) {
		struct fcontext c = all;

		c.point = n;
		return falco_diag(it->f, true, E_VALIDATE, &c, "Value of 'override' must be a mapping");
	}
	if (!n || n->kind != HC_YAML_MAP)
		return true;
	if (has_odd_key(it->f, &it->c, n))
		return false;
	for (uint32_t i = 0; i < n->n; i++) {
		const struct hc_yaml_node *key = n->items[2 * i], *op = n->items[2 * i + 1];
		struct fcontext c = {
			.type = "overrides", .name = key->text, .place = { it->yaml, key }, .in = &all
		};
		bool append = op->kind == HC_YAML_SCALAR && hc_str_eq(op->text, HC_STR("append"));
		bool replace = op->kind == HC_YAML_SCALAR && hc_str_eq(op->text, HC_STR("replace"));
		unsigned bit = 0;

		for (unsigned k = 0; k < N_KEYS; k++)
			if (key->kind == HC_YAML_SCALAR && hc_str_eq(key->text, hc_str_c(override_keys[k])))
				bit = 1u << k;
		if (op->kind == HC_YAML_SEQ || op->kind == HC_YAML_MAP)
			return falco_diag(it->f, true, E_VALIDATE, &c,
			                  "The override operation for key '" HC_STR_FMT "' is not a word",
			                  HC_STR_ARG(key->text));
		if (!append && !replace) {
			c.type = "value for";
			c.place.node = op;
			return falco_diag(it->f, true, E_YAML, &c,
			                  "Invalid override operation for key '" HC_STR_FMT "': '" HC_STR_FMT
			                  "'. Allowed values are: %s%s",
			                  HC_STR_ARG(key->text),
			                  HC_STR_ARG(op->kind == HC_YAML_NULL ? HC_STR("null") : op->text),
			                  bit & may_append ? "append " : "", bit & may_replace ? "replace " : "");
		}
		if (append && !(bit & may_append))
			return falco_diag(it->f, true, E_YAML, &c,
			                  "Key '" HC_STR_FMT "' cannot be appended to, use 'replace' instead",
			                  HC_STR_ARG(key->text));
		if (replace && !(bit & may_replace))
			return falco_diag(it->f, true, E_YAML, &c, "Key '" HC_STR_FMT "' cannot be replaced",
			                  HC_STR_ARG(key->text));
		ret->any = true;
		ret->append |= append ? bit : 0;
		ret->replace |= replace ? bit : 0;
	}
	return true;
}

/* The values that an override speaks of must be there. */
static bool has_overridden(const struct item *it, unsigned keys, const char *what)
{
	for (unsigned k = 0; k < N_KEYS; k++)
		if ((keys >> k & 1) && !hc_yaml_get(it->map, override_keys[k]))
			return falco_diag(it->f, true, E_YAML, &it->c,
			                  "An %s override for '%s' was specified but '%s' is not defined", what,
			                  override_keys[k], override_keys[k]);
	return true;
}

/* The key `override`, and the older one `append`, which is looked at first. */
static bool get_override(const struct item *it, unsigned may_append, unsigned may_replace, struct override *ret,
                         bool *ret_append)
{
	*ret_append = false;
	if (!get_bool(it, "append", false, ret_append))
		return false;
	if (*ret_append)
		falco_diag_put(
			it->f, false, "LOAD_DEPRECATED_ITEM", &it->c,
			"'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under "
			"'override' instead.");
	if (!override_entries(it, may_append, may_replace, ret))
		return false;
	if (*ret_append && ret->any)
		return falco_diag(
			it->f, true, E_YAML, &it->c,
			"Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. "
			"'condition: append') under 'override' instead.");
	return true;
}

/* Room for `more` behind n items, so that many small additions do not fill the arena with copies. */
static void *grow(struct hc_falco *f, void *v, uint32_t *cap, uint32_t n, uint32_t more, size_t item_bytes)
{
	size_t want = (size_t)n + more;
	void *grown = v;

	if (!v || want > *cap) {
		want = want * 2 < UINT32_MAX ? want * 2 : want;
		grown = hc_arena_alloc(&f->arena, want * item_bytes + 1);
		if (!grown) {
			f->no_memory = true;
			return NULL;
		}
		if (n && v)
			memcpy(grown, v, n * item_bytes);
		*cap = (uint32_t)want;
	}
	return grown;
}

/* ---- lists and macros ---- */

static void read_list(struct item *it)
{
	static const char *const known[] = { "list", "items", "append", "override", NULL };
	struct hc_falco *f = it->f;
	struct fitem *items;
	struct override o;
	struct flist *l;
	struct hc_str name;
	uint32_t n;
	bool absent, append;

	it->c.type = "list";
	if (!get_text(it, "list", true, &name, NULL, &absent))
		return;
	it->c.name = name;
	if (!name_matches(name, false))
		falco_diag_put(f, false, "LOAD_INVALID_LIST_NAME", &it->c,
		               "List has an invalid name. List names should match a regular "
		               "expression: ([^()\"'[:space:]=,]+)");
	if (!get_items(it, "items", true, &items, &n, &absent) || !get_override(it, K_ITEMS, K_ITEMS, &o, &append))
		return;
	append = append || (o.append & K_ITEMS);
	l = falco_list(f, name);
	if (append && !l) {
		falco_diag_put(f, true, E_VALIDATE, &it->c,
		               "List uses 'append' or 'override.items: append' but no list by that name "
		               "already exists");
		return;
	}
	if (!l) {
		l = table_add(f, &f->lists, name, sizeof(*l));
		if (!l)
			return;
		l->index = f->counter;
	}
	l->visibility = f->counter++;
	if (append) {
		struct fitem *all = grow(f, l->items, &l->cap, l->n, n, sizeof(*all));

		if (!all)
			return;
		if (n)
			memcpy(all + l->n, items, n * sizeof(*all));
		l->items = all;
		l->n += n;
	} else {
		l->items = items;
		l->n = l->cap = n;
		l->place = it->c.place;
	}
	warn_unknown_keys(it, known);
}

static void append_node(struct ftext *t, const struct item *it, const struct hc_yaml_node *n)
{
	if (!n->text.len)
		return;
	if (t->len)
		ftext_add(t, HC_STR(" "), NULL, NULL, 0, true);
	ftext_add_node(t, it->yaml, n);
}

static bool read_macro(struct item *it)
{
	static const char *const known[] = { "macro", "condition", "append", "override", NULL };
	struct hc_falco *f = it->f;
	const struct hc_yaml_node *node;
	struct hc_str name, cond;
	struct override o;
	struct fmacro *m;
	bool absent, append;

	it->c.type = "macro";
	if (!get_text(it, "macro", true, &name, NULL, &absent))
		return false;
	it->c.name = name;
	if (!name_matches(name, true))
		falco_diag_put(f, false, "LOAD_INVALID_MACRO_NAME", &it->c,
		               "Macro has an invalid name. Macro names should match a "
		               "regular expression: ([a-zA-Z]+[a-zA-Z0-9_]*)");
	if (!get_text(it, "condition", true, &cond, &node, &absent) ||
	    !get_override(it, K_CONDITION, K_CONDITION, &o, &append))
		return false;
	append = append || (o.append & K_CONDITION);
	m = falco_macro(f, name);
	if (append && !m) {
		falco_diag_put(f, true, E_VALIDATE, &it->c,
		               "Macro uses 'append' or 'override.condition: append' but no macro by that "
		               "name already exists");
		return false;
	}
	if (!m) {
		m = table_add(f, &f->macros, name, sizeof(*m));
		if (!m)
			return false;
		m->index = f->counter;
	}
	m->visibility = f->counter++;
	if (!append) {
		ftext_init(&m->cond, &f->arena);
		m->place = it->c.place;
		m->cond_place = (struct fplace){ it->yaml, node };
	}
	append_node(&m->cond, it, node);
	warn_unknown_keys(it, known);
	return true;
}

/* ---- exceptions ---- */

static struct hc_str trimmed(struct hc_str s)
{
	while (s.len && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool is_empty_text(const struct hc_yaml_node *n)
{
	return n->kind == HC_YAML_SCALAR && !n->text.len;
}

static bool empty_part(const struct item *it, const char *key, const struct hc_yaml_node *all,
                       const struct hc_yaml_node *part)
{
	struct fcontext value = at_node(it, "value for", all);
	struct fcontext inner = { .type = "exception", .place = { it->yaml, part }, .in = &value };
	const struct fcontext text = { .type = "value for", .place = { it->yaml, part }, .in = &inner };

	value.name = hc_str_c(key);
	return falco_diag(it->f, true, E_YAML, part == all ? &value : &text, "Value must be non-empty");
}

/* A scalar or a sequence of scalars; null and a mapping are as good as absent, and as an item an empty text. */
static bool get_exception_part(const struct item *it, const char *key, bool *ret_has, bool *ret_single,
                               struct fitem **ret, uint32_t *ret_n)
{
	const struct hc_yaml_node *n = hc_yaml_get(it->map, key);

	*ret_single = n && n->kind != HC_YAML_SEQ;
	*ret_n = !n ? 0 : n->kind == HC_YAML_SEQ ? n->n : n->kind == HC_YAML_SCALAR;
	*ret_has = *ret_n;
	if (!*ret_has)
		return true;
	*ret = hc_arena_alloc(&it->f->arena, *ret_n * sizeof(**ret));
	if (!*ret) {
		it->f->no_memory = true;
		return false;
	}
	for (uint32_t i = 0; i < *ret_n; i++) {
		const struct hc_yaml_node *part = n->kind == HC_YAML_SEQ ? n->items[i] : n;

		if (is_empty_text(part))
			return empty_part(it, key, n, part);
		(*ret)[i] = (struct fitem){ part->kind == HC_YAML_SCALAR ? part->text : HC_STR(""),
			                    { it->yaml, part } };
	}
	return true;
}

/* No text in a value, however deep, is empty. */
static bool no_empty_text(struct hc_falco *f, const struct fcontext *in, const struct hc_yaml_node *v)
{
	const struct fcontext value = { .type = "value for", .place = { in->place.yaml, v }, .in = in };

	if (is_empty_text(v))
		return falco_diag(f, true, E_YAML, &value, "Value must be non-empty");
	for (uint32_t i = 0; v->kind == HC_YAML_SEQ && i < v->n; i++) {
		const struct fcontext part = { .type = "exception",
			                       .place = { in->place.yaml, v->items[i] },
			                       .in = &value };

		if (!no_empty_text(f, &part, v->items[i]))
			return false;
	}
	return true;
}

/* Into e; first .. e - 1 are the item's exceptions before it, all that they are told of. */
static bool get_exception(struct item *it, const struct fcontext *all, const struct hc_yaml_node *node,
                          bool fields_required, const struct fexception *first, struct fexception *e)
{
	const struct hc_yaml_node *values;
	struct item sub = { .f = it->f, .yaml = it->yaml, .map = node };
	struct fcontext of_values;
	bool absent;

	sub.c = (struct fcontext){ .type = "exception", .place = { it->yaml, node }, .in = all };
	*e = (struct fexception){ .place = { it->yaml, node } };
	if (node->kind != HC_YAML_MAP)
		return falco_diag(it->f, true, E_YAML, &sub.c, "Rule exception must be a mapping");
	if (has_odd_key(it->f, &sub.c, node))
		return false;
	if (!get_text(&sub, "name", true, &e->name, NULL, &absent))
		return false;
	sub.c.name = e->name;
	sub.c.in = &it->c;         /* once it has a name, Falco tells it of the rule and not of its exceptions */
	for (; first < e; first++) /* of three there are three pairs */
		if (hc_str_eq(first->name, e->name))
			falco_diag_put(it->f, false, "LOAD_EXCEPTION_NAME_NOT_UNIQUE", &sub.c,
			               "Multiple definitions of exception '" HC_STR_FMT "' in the same rule",
			               HC_STR_ARG(e->name));
	if (fields_required && !hc_yaml_get(node, "fields"))
		return lacks(&sub, "fields", NULL);
	if (!get_exception_part(&sub, "fields", &e->has_fields, &e->single, &e->fields, &e->n_fields) ||
	    !get_exception_part(&sub, "comps", &e->has_comps, &e->comps_single, &e->comps, &e->n_comps))
		return false;
	for (uint32_t i = 0; i < e->n_comps; i++)
		e->comps[i].text = trimmed(e->comps[i].text);
	values = hc_yaml_get(node, "values");
	if (!values)
		return true;
	of_values = at_node(&sub, "exception values", values);
	if (values->kind != HC_YAML_SEQ)
		return falco_diag(it->f, true, E_YAML, &of_values, "Rule exception values must be a sequence");
	e->values = hc_arena_alloc(&it->f->arena, values->n * sizeof(const struct hc_yaml_node *) + 1);
	e->value_places = hc_arena_alloc(&it->f->arena, values->n * sizeof(struct fplace) + 1);
	if (!e->values || !e->value_places) {
		it->f->no_memory = true;
		return false;
	}
	for (uint32_t i = 0; i < values->n; i++) {
		const struct hc_yaml_node *v = values->items[i];

		if (!no_empty_text(it->f,
		                   &(struct fcontext){
					   .type = "exception value", .place = { it->yaml, v }, .in = &of_values },
		                   v))
			return false;
		e->values[i] = v;
		e->value_places[i] = (struct fplace){ it->yaml, v };
	}
	e->n_values = e->cap_values = values->n;
	return true;
}

#define MAX_EXCEPTIONS 10000 /* of a rule: names are held against each other */

static bool too_many_exceptions(struct hc_falco *f, const struct fcontext *c, uint32_t n)
{
	return n > MAX_EXCEPTIONS &&
	       !falco_diag(f, true, E_VALIDATE, c, "a rule has at most %d exceptions", MAX_EXCEPTIONS);
}

static bool get_exceptions(struct item *it, bool append, struct fexception **ret, uint32_t *ret_n)
{
	const struct hc_yaml_node *n = hc_yaml_get(it->map, "exceptions");
	const struct fcontext all = at_node(it, "exceptions", n);
	struct fexception *v;

	*ret_n = 0;
	if (!n || n->kind == HC_YAML_NULL)
		return true;
	if (n->kind != HC_YAML_SEQ)
		return falco_diag(it->f, true, E_YAML, &all, "Rule exceptions must be a sequence");
	if (too_many_exceptions(it->f, &all, n->n))
		return false;
	v = hc_arena_alloc(&it->f->arena, n->n * sizeof(*v) + 1);
	if (!v) {
		it->f->no_memory = true;
		return false;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		if (!get_exception(it, &all, n->items[i], !append, v, &v[i]))
			return false;
		if (append && !hc_yaml_get(n->items[i], "values")) {
			struct fcontext c = at_node(it, "exception", n->items[i]);

			c.name = v[i].name;
			falco_diag_put(it->f, false, "LOAD_APPEND_NO_VALUES", &c,
			               "Overriding/appending exception with no values");
		}
	}
	*ret = v;
	*ret_n = n->n;
	return true;
}

/* BASE or BASE MODIFIER with one space. */
static bool comp_known(struct hc_str s, bool *ret_modified)
{
	static const char *const mods[] = { " oneof", " anyof", " allof" };
	enum fop op;

	*ret_modified = false;
	for (unsigned i = 0; i < 3; i++) {
		struct hc_str mod = hc_str_c(mods[i]), base = s;

		if (s.len == mod.len || !hc_str_ends(s, mod))
			continue;
		base.len -= mod.len;
		op = fop_find(base);
		*ret_modified = op >= FOP_EQ && op <= FOP_REGEX;
		return *ret_modified;
	}
	op = fop_find(s);
	return op != FOP_NONE;
}

static bool default_comps(struct hc_falco *f, struct fexception *e)
{
	if (e->has_comps && e->n_comps)
		return true;
	e->comps_single = e->single;
	e->n_comps = e->single ? 1 : e->n_fields;
	e->comps = hc_arena_alloc(&f->arena, e->n_comps * sizeof(*e->comps) + 1);
	if (!e->comps) {
		f->no_memory = true;
		return false;
	}
	for (uint32_t i = 0; i < e->n_comps; i++)
		e->comps[i] = (struct fitem){ e->single ? HC_STR("in") : HC_STR("="), e->place };
	return true;
}

/* As many operators as fields, and both in one form. */
static bool comps_fit(const struct item *it, const struct fexception *e)
{
	struct fcontext c = at_node(it, "exception", e->place.node);

	c.name = e->name;
	if (e->single != e->comps_single)
		return falco_diag(it->f, true, E_VALIDATE, &c,
		                  e->single ? "Fields and comps must both be strings"
		                            : "Fields and comps lists must have equal length");
	return e->n_fields == e->n_comps ||
	       falco_diag(it->f, true, E_VALIDATE, &c, "Fields and comps lists must have equal length");
}

/* Of a new exception of a rule; source_known: its fields can be checked. */
static bool valid_exception(const struct item *it, struct fexception *e, bool source_known)
{
	struct fcontext c = at_node(it, "exception", e->place.node);
	bool modified;

	c.name = e->name;
	if (!e->n_fields)
		return falco_diag(it->f, true, E_VALIDATE, &c,
		                  "Rule exception item must have fields property with a list of fields");
	if (!default_comps(it->f, e) || !comps_fit(it, e))
		return false;
	for (uint32_t i = 0; i < e->n_comps; i++) {
		struct hc_str comp = e->comps[i].text;

		c.point = e->comps[i].place.node;
		if (!comp_known(comp, &modified) && !e->single)
			return falco_diag(it->f, true, E_VALIDATE, &c,
			                  "'" HC_STR_FMT "' is not a supported comparison operator",
			                  HC_STR_ARG(comp));
		if (e->single && !modified && fop_find(comp) != FOP_IN && fop_find(comp) != FOP_PMATCH &&
		    fop_find(comp) != FOP_INTERSECTS)
			return falco_diag(it->f, true, E_VALIDATE, &c,
			                  "When fields is a single value, comps must be one of (in, pmatch, "
			                  "intersects) or a modifier operator (e.g. startswith oneof)");
	}
	for (uint32_t i = 0; source_known && i < e->n_fields; i++) {
		c.point = e->fields[i].place.node;
		if (!falco_is_field(e->fields[i].text, &it->f->arena))
			return falco_diag(it->f, true, E_VALIDATE, &c,
			                  "'" HC_STR_FMT "' is not a supported filter field",
			                  HC_STR_ARG(e->fields[i].text));
	}
	return true;
}

static bool add_exception(struct hc_falco *f, struct frule *r, const struct fexception *e)
{
	const struct fcontext c = { .type = "exception", .name = e->name, .place = e->place };

	if (too_many_exceptions(f, &c, r->n_exceptions + 1))
		return false;
	if (r->n_exceptions == r->cap_exceptions) {
		uint32_t cap = r->cap_exceptions ? r->cap_exceptions * 2 : 4;
		struct fexception *grown = hc_arena_alloc(&f->arena, cap * sizeof(*grown));

		if (!grown) {
			f->no_memory = true;
			return false;
		}
		if (r->n_exceptions)
			memcpy(grown, r->exceptions, r->n_exceptions * sizeof(*grown));
		r->exceptions = grown;
		r->cap_exceptions = cap;
	}
	r->exceptions[r->n_exceptions++] = *e;
	return true;
}

static bool append_values(struct hc_falco *f, struct fexception *to, const struct fexception *from)
{
	uint32_t cap = to->cap_values;
	const struct hc_yaml_node **values =
		grow(f, to->values, &cap, to->n_values, from->n_values, sizeof(const struct hc_yaml_node *));
	struct fplace *places =
		grow(f, to->value_places, &to->cap_values, to->n_values, from->n_values, sizeof(*places));

	if (!values || !places)
		return false;
	for (uint32_t i = 0; i < from->n_values; i++) {
		values[to->n_values + i] = from->values[i];
		places[to->n_values + i] = from->value_places[i];
	}
	to->values = values;
	to->value_places = places;
	to->n_values += from->n_values;
	return true;
}

static bool append_exceptions(const struct item *it, struct frule *r, struct fexception *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct fcontext c = at_node(it, "exception", v[i].place.node);
		struct fexception *found = NULL;

		c.name = v[i].name;
		for (uint32_t k = 0; k < r->n_exceptions && !found; k++)
			if (hc_str_eq(r->exceptions[k].name, v[i].name))
				found = &r->exceptions[k];
		if (found) {
			if (v[i].has_fields || v[i].has_comps)
				return falco_diag(it->f, true, E_VALIDATE, &c,
				                  "Can not append exception %s to existing exception, only values",
				                  v[i].has_fields ? "fields" : "comps");
			if (!append_values(it->f, found, &v[i]))
				return false;
			continue;
		}
		if (!v[i].n_fields)
			return falco_diag(it->f, true, E_VALIDATE, &c,
			                  "Rule exception must have fields property with a list of fields");
		if (!v[i].n_values)
			return falco_diag(it->f, true, E_VALIDATE, &c,
			                  "Rule exception must have values property with a list of values");
		if (!valid_exception(it, &v[i], !r->unknown_source) || !add_exception(it->f, r, &v[i]))
			return false;
	}
	return true;
}

/* ---- rules ---- */

/* A sorted set, joined with what is there. */
static bool add_tags(struct hc_falco *f, struct frule *r, const struct fitem *items, uint32_t n)
{
	struct hc_str *all = grow(f, r->tags, &r->cap_tags, r->n_tags, n, sizeof(*all));

	if (!all)
		return false;
	r->tags = all;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t lo = 0, hi = r->n_tags;

		while (lo < hi) {
			uint32_t mid = lo + (hi - lo) / 2;

			if (hc_str_cmp(all[mid], items[i].text) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo < r->n_tags && hc_str_eq(all[lo], items[i].text))
			continue;
		memmove(all + lo + 1, all + lo, (r->n_tags++ - lo) * sizeof(*all));
		all[lo] = items[i].text;
	}
	return true;
}

static bool get_priority(const struct item *it, bool required, uint8_t *ret)
{
	const struct hc_yaml_node *n;
	struct hc_str s;
	bool absent;

	if (!get_text(it, "priority", required, &s, &n, &absent))
		return absent && !required;
	if (!falco_priority_parse(s, ret)) {
		const struct fcontext c = at_node(it, "rule priority", n);

		return falco_diag(it->f, true, E_YAML, &c, "Invalid priority");
	}
	return true;
}

/* Null and empty mean "not given" where the rule need not be defined here. */
static bool get_source(const struct item *it, bool lenient, struct hc_str *ret)
{
	const struct hc_yaml_node *n = hc_yaml_get(it->map, "source");
	bool absent;

	*ret = (struct hc_str){ 0 };
	if (lenient && n && (n->kind == HC_YAML_NULL || (n->kind == HC_YAML_SCALAR && !n->text.len)))
		return true;
	return get_text(it, "source", false, ret, NULL, &absent) || absent;
}

static bool same_source(const struct item *it, const struct frule *r, struct hc_str source)
{
	if (!r || !source.len || !r->source.len || hc_str_eq(r->source, source))
		return true;
	return falco_diag(it->f, true, E_VALIDATE, &it->c, "Rule has been re-defined with a different source");
}

static void set_text(struct hc_falco *f, struct ftext *t, const struct item *it, const struct hc_yaml_node *n,
                     bool trim)
{
	struct hc_str s = trim ? trimmed(n->text) : n->text;

	ftext_init(t, &f->arena);
	ftext_add(t, s, it->yaml, n, (uint32_t)(s.p - n->text.p), false);
}

/* Optional keys that both a definition and a replacement have; of them those in `keys` alone. */
static bool get_options(const struct item *it, unsigned keys, struct frule *r)
{
	return (!(keys & K_ENABLED) || get_bool(it, "enabled", false, &r->enabled)) &&
	       (!(keys & K_CAPTURE) || get_bool(it, "capture", false, &r->capture)) &&
	       (!(keys & K_CAPTURE_DURATION) || get_u32(it, "capture_duration", &r->capture_duration)) &&
	       (!(keys & K_WARN) || get_bool(it, "warn_evttypes", false, &r->warn_evttypes)) &&
	       (!(keys & K_SKIP) || get_bool(it, "skip-if-unknown-filter", false, &r->skip_if_unknown));
}

static bool define_rule(struct item *it)
{
	struct hc_falco *f = it->f;
	const struct hc_yaml_node *cond = NULL, *output = NULL, *desc = NULL;
	struct frule r = { .enabled = true, .warn_evttypes = true }, *old = falco_rule(f, it->c.name);
	struct fexception *exceptions = NULL;
	struct fitem *tags = NULL;
	uint32_t n_exceptions, n_tags = 0;
	struct hc_str s;
	bool absent;

	if (!get_text(it, "condition", true, &s, &cond, &absent) ||
	    !get_text(it, "output", true, &s, &output, &absent) ||
	    !get_text(it, "desc", true, &s, &desc, &absent) || !get_priority(it, true, &r.priority) ||
	    !get_source(it, false, &r.source) || !get_options(it, UINT_MAX, &r))
		return false;
	if (!get_items(it, "tags", false, &tags, &n_tags, &absent) && !absent)
		return false;
	if (!get_exceptions(it, false, &exceptions, &n_exceptions))
		return false;
	if (!r.source.len)
		r.source = HC_STR("syscall");
	if (!same_source(it, old, r.source))
		return false;
	r.unknown_source = !hc_str_eq(r.source, HC_STR("syscall"));
	if (r.unknown_source)
		falco_diag_put(f, false, "LOAD_UNKNOWN_SOURCE", &it->c, "Unknown source " HC_STR_FMT ", skipping",
		               HC_STR_ARG(r.source));
	for (uint32_t i = 0; i < n_exceptions; i++)
		if (!valid_exception(it, &exceptions[i], !r.unknown_source) ||
		    !add_exception(f, &r, &exceptions[i]))
			return false;
	set_text(f, &r.cond, it, cond, false);
	set_text(f, &r.output, it, output, true);
	set_text(f, &r.desc, it, desc, false);
	r.place = it->c.place;
	r.cond_place = (struct fplace){ it->yaml, cond };
	r.output_place = (struct fplace){ it->yaml, output };
	if (!add_tags(f, &r, tags, n_tags))
		return false;
	r.name = it->c.name;
	r.index = f->counter;
	if (old) {
		r.index = old->index;
	} else {
		old = table_add(f, &f->rules, r.name, sizeof(*old));
		if (!old)
			return false;
	}
	r.visibility = f->counter++;
	*old = r;
	return true;
}

static bool enable_rule(struct item *it)
{
	struct frule *r = falco_rule(it->f, it->c.name);
	bool enabled;

	if (!get_bool(it, "enabled", true, &enabled))
		return false;
	falco_diag_put(it->f, false, "LOAD_DEPRECATED_ITEM", &it->c,
	               "The standalone 'enabled' key usage is deprecated. The correct approach requires also a "
	               "'replace' entry under "
	               "the 'override' key (i.e. 'enabled: replace').");
	if (!r)
		return falco_diag(it->f, true, E_VALIDATE, &it->c,
		                  "Rule has 'enabled' key but no rule by that name already exists");
	r->enabled = enabled;
	return true;
}

#define NO_RULE_APPEND "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"

/* append: true */
static bool append_rule(struct item *it)
{
	struct hc_falco *f = it->f;
	const struct hc_yaml_node *cond = NULL;
	struct fexception *exceptions = NULL;
	struct frule *r = falco_rule(f, it->c.name);
	uint32_t n = 0;
	struct hc_str s, source;
	bool absent;

	if (!get_text(it, "condition", false, &s, &cond, &absent) && !absent)
		return false;
	if (!get_exceptions(it, true, &exceptions, &n) || !get_source(it, true, &source))
		return false;
	if (!r)
		return falco_diag(f, true, E_VALIDATE, &it->c, NO_RULE_APPEND);
	if (!same_source(it, r, source))
		return false;
	if (!cond && !hc_yaml_get(it->map, "exceptions"))
		return falco_diag(f, true, E_VALIDATE, &it->c,
		                  "Appended rule must have exceptions or condition property");
	if (cond)
		append_node(&r->cond, it, cond);
	r->visibility = f->counter++;
	return append_exceptions(it, r, exceptions, n);
}

/* What an override gives, decoded before anybody asks whether there is such a rule. */
struct overridden {
	const struct hc_yaml_node *cond, *output, *desc; /* NULL: not overridden */
	struct fexception *exceptions;
	struct fitem *tags;
	uint32_t n_exceptions, n_tags;
};

static bool get_overridden(struct item *it, unsigned keys, bool append, struct overridden *ret)
{
	const char *what = append ? "append" : "replace";
	struct hc_str s;
	bool absent;

	*ret = (struct overridden){ 0 };
	return has_overridden(it, keys & K_CONDITION, what) &&
	       (!(keys & K_CONDITION) || get_text(it, "condition", true, &s, &ret->cond, &absent)) &&
	       has_overridden(it, keys & K_EXCEPTIONS, what) &&
	       (!(keys & K_EXCEPTIONS) || get_exceptions(it, append, &ret->exceptions, &ret->n_exceptions)) &&
	       has_overridden(it, keys & K_OUTPUT, what) &&
	       (!(keys & K_OUTPUT) || get_text(it, "output", true, &s, &ret->output, &absent)) &&
	       has_overridden(it, keys & K_DESC, what) &&
	       (!(keys & K_DESC) || get_text(it, "desc", true, &s, &ret->desc, &absent)) &&
	       has_overridden(it, keys & K_TAGS, what) &&
	       (!(keys & K_TAGS) || get_items(it, "tags", true, &ret->tags, &ret->n_tags, &absent));
}

static bool override_append(struct item *it, struct frule *r, unsigned keys, struct hc_str source)
{
	struct hc_falco *f = it->f;
	struct overridden o;

	if (!get_overridden(it, keys, true, &o))
		return false;
	if (!r)
		return falco_diag(f, true, E_VALIDATE, &it->c, NO_RULE_APPEND);
	if (o.cond && !same_source(it, r, source))
		return false;
	if (o.cond)
		append_node(&r->cond, it, o.cond);
	if (!append_exceptions(it, r, o.exceptions, o.n_exceptions))
		return false;
	if (o.output)
		append_node(&r->output, it, o.output);
	if (o.desc)
		append_node(&r->desc, it, o.desc);
	if (!add_tags(f, r, o.tags, o.n_tags))
		return false;
	r->visibility = f->counter++;
	return true;
}

static bool override_replace(struct item *it, struct frule *r, unsigned keys, struct hc_str source)
{
	struct hc_falco *f = it->f;
	struct frule options = { 0 };
	struct overridden o;

	if (!get_overridden(it, keys, false, &o) || !has_overridden(it, keys & K_PRIORITY, "replace") ||
	    (keys & K_PRIORITY && !get_priority(it, true, &options.priority)) ||
	    !has_overridden(it, keys & LAST_KEYS, "replace") || !get_options(it, keys, &options))
		return false;
	if (!r)
		return falco_diag(f, true, E_VALIDATE, &it->c,
		                  "An 'override.<key>: replace' to a rule was requested but no rule by that name "
		                  "already exists");
	if (o.cond && !same_source(it, r, source))
		return false;
	if (o.cond) {
		set_text(f, &r->cond, it, o.cond, false);
		r->cond_place = (struct fplace){ it->yaml, o.cond };
	}
	if (o.output) {
		set_text(f, &r->output, it, o.output, false);
		r->output_place = (struct fplace){ it->yaml, o.output };
	}
	if (o.desc)
		set_text(f, &r->desc, it, o.desc, false);
	if (keys & K_TAGS) {
		r->n_tags = 0;
		if (!add_tags(f, r, o.tags, o.n_tags))
			return false;
	}
	if (keys & K_EXCEPTIONS) {
		r->n_exceptions = r->cap_exceptions = 0;
		for (uint32_t i = 0; i < o.n_exceptions; i++)
			if (!default_comps(f, &o.exceptions[i]) || !comps_fit(it, &o.exceptions[i]) ||
			    !add_exception(f, r, &o.exceptions[i]))
				return false;
	}
	r->priority = keys & K_PRIORITY ? options.priority : r->priority;
	r->enabled = keys & K_ENABLED ? options.enabled : r->enabled;
	r->capture = keys & K_CAPTURE ? options.capture : r->capture;
	r->capture_duration = keys & K_CAPTURE_DURATION ? options.capture_duration : r->capture_duration;
	r->warn_evttypes = keys & K_WARN ? options.warn_evttypes : r->warn_evttypes;
	r->skip_if_unknown = keys & K_SKIP ? options.skip_if_unknown : r->skip_if_unknown;
	r->visibility = f->counter++;
	return true;
}

/* What was appended is taken away, and is not there to replace anything. */
static bool replaces_what_it_appends(const struct item *it, const struct override *o)
{
	const char *key = NULL;

	for (unsigned k = 0; !key && k < N_KEYS; k++)
		if ((o->append & o->replace) >> k & 1)
			key = override_keys[k];
	return key && !falco_diag(it->f, true, E_YAML, &it->c,
	                          "An replace override for '%s' was specified but '%s' is not defined", key, key);
}

/* What the item has beside; of several keys the first in the alphabet is told. */
static bool no_more_than_overridden(const struct item *it, unsigned overridden)
{
	const char *key = NULL;
	struct fcontext c;

	for (unsigned k = 1; k < N_KEYS; k++)
		if (!(overridden >> k & 1) && hc_yaml_get(it->map, override_keys[k]) &&
		    (!key || strcmp(override_keys[k], key) < 0))
			key = override_keys[k];
	if (!key)
		return true;
	c = at_node(it, "overrides", hc_yaml_get(it->map, key));
	c.name = hc_str_c(key);
	return falco_diag(it->f, true, E_YAML, &c,
	                  "Unexpected key '%s': no corresponding entry under 'override' is defined.", key);
}

static bool override_rule(struct item *it, const struct override *o)
{
	struct frule *r = falco_rule(it->f, it->c.name);
	struct hc_str source;

	if (!get_source(it, true, &source) || (o->append && !override_append(it, r, o->append, source)) ||
	    replaces_what_it_appends(it, o) || (o->replace && !override_replace(it, r, o->replace, source)))
		return false;
	return no_more_than_overridden(it, o->append | o->replace);
}

static void read_rule(struct item *it)
{
	static const char *const known[] = { "rule",
		                             "condition",
		                             "output",
		                             "desc",
		                             "priority",
		                             "source",
		                             "enabled",
		                             "capture",
		                             "capture_duration",
		                             "warn_evttypes",
		                             "skip-if-unknown-filter",
		                             "tags",
		                             "exceptions",
		                             "append",
		                             "override",
		                             NULL };
	const unsigned may_append = K_CONDITION | K_OUTPUT | K_DESC | K_TAGS | K_EXCEPTIONS;
	const unsigned may_replace =
		may_append | K_PRIORITY | K_CAPTURE | K_CAPTURE_DURATION | K_ENABLED | K_WARN | K_SKIP;
	struct override o;
	bool append, ok, absent;
	struct hc_str name, source;

	it->c.type = "rule";
	if (!get_text(it, "rule", true, &name, NULL, &absent))
		return;
	it->c.name = name;
	if (!get_source(it, true, &source) || !get_override(it, may_append, may_replace, &o, &append))
		return;
	if (o.any)
		ok = override_rule(it, &o);
	else if (append)
		ok = append_rule(it);
	else if (!hc_yaml_get(it->map, "condition") && !hc_yaml_get(it->map, "output") &&
	         !hc_yaml_get(it->map, "desc") && !hc_yaml_get(it->map, "priority"))
		ok = enable_rule(it);
	else
		ok = define_rule(it);
	if (ok)
		warn_unknown_keys(it, known);
}

/* ---- versions ---- */

/* Three numbers with dots between them, as scanf() reads them: each with blanks and a sign before it or not, of a
 * large or a negative one the lowest 32 bits; what follows is not looked at. The text ends with a NUL. */
static bool parse_version(struct hc_str s, uint32_t v[3])
{
	const char *p = s.p;

	for (unsigned part = 0; part < 3; part++) {
		char *end;

		v[part] = (uint32_t)strtoull(p, &end, 10);
		if (end == p || (part < 2 && *end != '.'))
			return false;
		p = end + 1;
	}
	return true;
}

static void read_engine_version(struct item *it)
{
	static const char *const known[] = { "required_engine_version", NULL };
	const struct hc_yaml_node *n;
	uint32_t v[3] = { 0 };
	struct hc_str s;
	bool absent;

	it->c.type = "required_engine_version";
	if (!get_text(it, "required_engine_version", true, &s, &n, &absent))
		return;
	it->c.point = n;
	if (!parse_u32(s, &v[1]) && !parse_version(s, v)) {
		falco_diag_put(it->f, true, E_YAML, &it->c,
		               "Unable to parse engine version '" HC_STR_FMT
		               "' as a semver string. Expected \"x.y.z\" semver format.",
		               HC_STR_ARG(s));
		return;
	}
	if (v[0] != ENGINE_MAJOR || v[1] > ENGINE_MINOR || (v[1] == ENGINE_MINOR && v[2] > ENGINE_PATCH)) {
		falco_diag_put(it->f, true, E_VALIDATE, &it->c,
		               "Rules require engine version %u.%u.%u, but engine version is %d.%d.%d", v[0], v[1],
		               v[2], ENGINE_MAJOR, ENGINE_MINOR, ENGINE_PATCH);
		return;
	}
	warn_unknown_keys(it, known);
}

#define MAX_COMPARED_PLUGINS 1000 /* of a requirement: names are held against each other */

struct requirement {
	struct fcontext c;
	struct hc_str name, version;
};

static bool read_plugin(struct item *it, const struct hc_yaml_node *node, const struct fcontext *in,
                        struct requirement *ret)
{
	struct item sub = { .f = it->f, .yaml = it->yaml, .map = node };
	bool alternative = in != &it->c, absent;

	sub.c = (struct fcontext){ .type = alternative ? "required plugin versions alternative"
		                                       : "required plugin versions entry",
		                   .place = { it->yaml, node },
		                   .in = in };
	if (node->kind != HC_YAML_MAP)
		return falco_diag(it->f, true, E_YAML, &sub.c, "Plugin version %smust be a mapping",
		                  alternative ? "alternative " : "");
	if (!get_text(&sub, "name", true, &ret->name, NULL, &absent))
		return false;
	sub.c.name = ret->name;
	ret->c = sub.c;
	return get_text(&sub, "version", true, &ret->version, NULL, &absent);
}

/* What an entry and its alternatives say is asked once all of them are read. */
static bool check_requirements(struct item *it, const struct requirement *all, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t v[3];

		if (!parse_version(all[i].version, v))
			return falco_diag(it->f, true, E_VALIDATE, &all->c,
			                  "Invalid required version '" HC_STR_FMT "' for plugin '" HC_STR_FMT "'",
			                  HC_STR_ARG(all[i].version), HC_STR_ARG(all[i].name));
		for (uint32_t k = 0; k < i && n <= MAX_COMPARED_PLUGINS; k++)
			if (hc_str_eq(all[i].name, all[k].name))
				return falco_diag(it->f, true, E_VALIDATE, &all->c,
				                  "Defined multiple alternative version requirements for plugin "
				                  "'" HC_STR_FMT "'",
				                  HC_STR_ARG(all[i].name));
	}
	return true;
}

/* Whether the plugins are there is not a matter of loading: what a rule needs of a capture is told per rule. */
static bool read_requirement(struct item *it, const struct hc_yaml_node *node)
{
	const struct hc_yaml_node *alternatives = hc_yaml_get(node, "alternatives");
	uint32_t n_alternatives = alternatives && alternatives->kind == HC_YAML_SEQ ? alternatives->n : 0;
	struct requirement *all = hc_arena_alloc(&it->f->arena, (1 + n_alternatives) * sizeof(*all));

	if (!all) {
		it->f->no_memory = true;
		return false;
	}
	if (!read_plugin(it, node, &it->c, &all[0]))
		return false;
	if (alternatives && alternatives->kind != HC_YAML_SEQ)
		return falco_diag(it->f, true, E_YAML, &all[0].c,
		                  "Value of plugin version alternatives must be a sequence");
	for (uint32_t i = 0; i < n_alternatives; i++)
		if (!read_plugin(it, alternatives->items[i], &all[0].c, &all[1 + i]))
			return false;
	return check_requirements(it, all, 1 + n_alternatives);
}

static void read_plugin_versions(struct item *it)
{
	static const char *const known[] = { "required_plugin_versions", NULL };
	const struct hc_yaml_node *n = hc_yaml_get(it->map, "required_plugin_versions");

	it->c.type = "required plugin versions";
	it->c.place.node = n;
	if (n->kind != HC_YAML_SEQ) {
		falco_diag_put(it->f, true, E_YAML, &it->c,
		               "Value of required_plugin_versions must be a sequence");
		return;
	}
	for (uint32_t i = 0; i < n->n; i++)
		if (!read_requirement(it, n->items[i]))
			return;
	it->c.place.node = it->map;
	warn_unknown_keys(it, known);
}

/* ---- documents ---- */

/* A macro that is there but did not load: that it is missing need not be said again. */
static void keep_broken(struct hc_falco *f, struct hc_str name)
{
	struct fbroken *b = hc_arena_alloc(&f->arena, sizeof(*b));

	if (!b) {
		f->no_memory = true;
		return;
	}
	b->name = name;
	b->next = f->broken;
	f->broken = b;
}

bool falco_is_broken(const struct hc_falco *f, struct hc_str name)
{
	for (const struct fbroken *b = f->broken; b; b = b->next)
		if (!b->name.len || hc_str_eq(b->name, name))
			return true;
	return false;
}

static void read_item(struct hc_falco *f, const struct hc_yaml *yaml, const struct hc_yaml_node *node)
{
	struct item it = { .f = f, .yaml = yaml, .map = node };
	struct fcontext c = { .type = "rules content item", .place = { yaml, node } };

	if (node->kind == HC_YAML_NULL)
		return;
	if (node->kind != HC_YAML_MAP) {
		falco_diag_put(f, true, E_YAML, &c,
		               "Unexpected element type. Each element should be a yaml associative array.");
		return;
	}
	it.c.place = (struct fplace){ yaml, node };
	if (has_odd_key(f, &c, node)) {
		return;
	} else if (hc_yaml_get(node, "required_engine_version")) {
		read_engine_version(&it);
	} else if (hc_yaml_get(node, "required_plugin_versions")) {
		read_plugin_versions(&it);
	} else if (hc_yaml_get(node, "list")) {
		read_list(&it);
	} else if (hc_yaml_get(node, "macro")) {
		if (!read_macro(&it))
			keep_broken(f, it.c.name);
	} else if (hc_yaml_get(node, "rule")) {
		read_rule(&it);
	} else {
		falco_diag_put(f, false, "LOAD_UNKNOWN_ITEM", &c, "Unknown top level item");
	}
}

static bool stops(const struct hc_falco *f)
{
	return f->file_failed && f->opts.first_error;
}

static void read_documents(struct hc_falco *f, const struct hc_yaml *yaml)
{
	for (uint32_t i = 0; i < hc_yaml_n_docs(yaml) && !stops(f); i++) {
		const struct hc_yaml_node *root = hc_yaml_doc(yaml, i);
		struct fcontext c = { .place = { yaml, root } };

		if (root->kind == HC_YAML_SCALAR)
			falco_diag_put(f, true, E_YAML, &c, "Rules content is not yaml");
		else if (root->kind == HC_YAML_MAP)
			falco_diag_put(f, true, E_YAML, &c, "Rules content is not yaml array of objects");
		for (uint32_t k = 0; root->kind == HC_YAML_SEQ && k < root->n && !stops(f); k++)
			read_item(f, yaml, root->items[k]);
	}
}

static int first_error(const struct hc_falco *f, struct hc_err *err)
{
	uint32_t n = 0;

	for (uint32_t i = f->first_diag; i < f->n_diags; i++) {
		const struct hc_falco_diag *d = &f->diags[i].pub;

		if (!d->is_error)
			continue;
		if (!n++)
			hc_err_at(err, -EINVAL, d->place_file, d->line, d->column, "%s [%s]", d->message, d->code);
	}
	if (n > 1)
		hc_err_note(err, "%u more errors in the same file", n - 1);
	return -EINVAL;
}

static int keep_yaml(struct hc_falco *f, struct hc_yaml *take, struct hc_err *err)
{
	struct hc_yaml **grown = take ? realloc(f->yamls, (f->n_yamls + 1) * sizeof(struct hc_yaml *)) : NULL;

	if (!grown) {
		hc_yaml_free(take);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	f->yamls = grown;
	f->yamls[f->n_yamls++] = take;
	return 0;
}

/* A file that could not be read, or is no YAML; text NULL: there is none to show. */
static int load_failed(struct hc_falco *f, const char *text, size_t n_bytes, int r, const struct hc_err *why,
                       struct hc_err *err)
{
	struct fcontext c = { .type = text ? "value for" : NULL };
	uint32_t n = f->n_diags;

	if (r == -ENOMEM)
		return hc_err_set(err, -ENOMEM, "out of memory");
	falco_diag_put(f, true, text ? "LOAD_ERR_YAML_PARSE" : "LOAD_ERR_FILE_READ", &c, "%s", why->msg);
	if (f->n_diags > n) {
		f->diags[n].pub.line = why->line;
		f->diags[n].pub.column = why->column;
		for (uint32_t i = 0; i < f->diags[n].n_levels; i++) {
			f->diags[n].levels[i].line = why->line;
			f->diags[n].levels[i].column = why->column;
		}
	}
	if (err && !err->code)
		*err = *why;
	if (text && keep_yaml(f, hc_yaml_lines(f->file, text, n_bytes), err) < 0)
		return -ENOMEM;
	return r;
}

static int load_yaml(struct hc_falco *f, struct hc_yaml *yaml, struct hc_err *err)
{
	if (keep_yaml(f, yaml, err) < 0)
		return -ENOMEM;
	f->file = hc_yaml_file(yaml);
	read_documents(f, yaml);
	if (!f->no_memory && !stops(f))
		falco_compile(f);
	if (!f->no_memory && !falco_publish(f))
		f->no_memory = true;
	if (f->no_memory)
		return hc_err_set(err, -ENOMEM, "out of memory");
	return f->file_failed ? first_error(f, err) : 0;
}

static int begin_file(struct hc_falco *f, const char *name, struct hc_err *err)
{
	struct ffile *grown;

	grown = realloc(f->files, (f->n_files + 1) * sizeof(*grown));
	if (!grown)
		return hc_err_set(err, -ENOMEM, "out of memory");
	f->files = grown;
	f->file = keep_text(f, hc_str_c(name));
	f->file_failed = false;
	f->first_diag = f->n_diags;
	f->files[f->n_files++] = (struct ffile){ f->file, f->n_diags };
	return f->no_memory ? hc_err_set(err, -ENOMEM, "out of memory") : 0;
}

static int load_bytes(struct hc_falco *f, const char *name, const void *text, size_t n_bytes, struct hc_err *err)
{
	struct hc_yaml *yaml = NULL;
	struct hc_err why = { 0 };
	int r = hc_yaml_parse_any(name, text, n_bytes, &yaml, &why);

	return r < 0 ? load_failed(f, text, n_bytes, r, &why, err) : load_yaml(f, yaml, err);
}

void hc_falco_read_ahead(struct hc_falco *f, const char *const *paths, size_t n, struct hc_pool *pool)
{
	hc_yaml_ahead_free(f->ahead);
	f->ahead = hc_yaml_ahead_new(paths, n, pool);
}

int hc_falco_load(struct hc_falco *f, const char *path, struct hc_err *err)
{
	struct hc_yaml_source s;
	int r = begin_file(f, path, err);

	if (r < 0)
		return r;
	if (!hc_yaml_ahead_take(f->ahead, path, &s))
		hc_yaml_source_read(path, &s);
	if (s.read < 0)
		r = load_failed(f, NULL, 0, s.read, &s.why, err);
	else if (s.parsed < 0)
		r = load_failed(f, s.text, s.n_bytes, s.parsed, &s.why, err);
	else
		r = load_yaml(f, hc_steal(s.yaml), err);
	hc_yaml_source_done(&s);
	return r;
}

int hc_falco_load_text(struct hc_falco *f, const char *name, const void *text, size_t n_bytes, struct hc_err *err)
{
	int r = begin_file(f, name, err);

	return r < 0 ? r : load_bytes(f, name, text, n_bytes, err);
}

struct hc_falco *hc_falco_new(const struct hc_falco_opts *opts)
{
	struct hc_falco *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->arena.tight = true;
	f->work.tight = f->pieces[0].tight = f->pieces[1].tight = true;
	f->min_priority = 7;
	if (opts) {
		f->opts = *opts;
		if (opts->min_priority)
			falco_priority_parse(hc_str_c(opts->min_priority), &f->min_priority);
	}
	return f;
}

struct hc_falco *hc_falco_free(struct hc_falco *f)
{
	if (!f)
		return NULL;
	hc_yaml_ahead_free(f->ahead);
	for (uint32_t i = 0; i < f->n_yamls; i++)
		hc_yaml_free(f->yamls[i]);
	free(f->yamls);
	free(f->lists.v);
	free(f->lists.hash);
	free(f->macros.v);
	free(f->macros.hash);
	free(f->rules.v);
	free(f->rules.hash);
	free(f->diags);
	free(f->files);
	free(f->built);
	hc_arena_done(&f->pieces[0]);
	hc_arena_done(&f->pieces[1]);
	hc_arena_done(&f->work);
	hc_arena_done(&f->arena);
	free(f);
	return NULL;
}
