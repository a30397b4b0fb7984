/* falco.yaml: what it says of rules and alerts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "replay/dialects/falco/falco_priv.h"
#include "replay/falco_config.h"
#include "replay/yaml.h"
#include "store/base/utf8.h"

#define MAX_TEXT (1u << 20)
#define MAX_ENTRIES 65536
#define MAX_FILES 256 /* that config_files names, directories unfolded */

struct growing {
	void *v;
	size_t n, cap, bytes; /* of one */
};

/* What becomes of keys that are there already; words of Falco. */
enum strategy {
	STRATEGY_APPEND,   /* sequences are joined, anything else is replaced */
	STRATEGY_OVERRIDE, /* replaced */
	STRATEGY_ADD_ONLY  /* left as they are */
};

struct include {
	const char *path;
	enum strategy strategy;
};

struct config_reader {
	struct hc_falco_config *c;
	struct hc_arena *arena;
	struct hc_err *err;
	const char *file; /* being read */
	bool may_include; /* a file that is included includes no more */
	struct growing rules_files, selects, appends;
	struct growing includes; /* struct include */
	enum strategy strategy;  /* of the file being read */
	struct growing keys;     /* const char *: at the root of what has been read */
};

static int no_memory(struct config_reader *r)
{
	return hc_err_set(r->err, -ENOMEM, "out of memory");
}

static int bad(struct config_reader *r, const struct hc_yaml_node *n, const char *what)
{
	return hc_err_at(r->err, -EINVAL, r->file, n->line, n->column, "%s", what);
}

/* Room for one more, zeroed; NULL with the error set. */
static void *grow(struct config_reader *r, struct growing *g)
{
	if (g->n >= MAX_ENTRIES) {
		hc_err_set(r->err, -E2BIG, "a list in '%s' has more than %d entries", r->file, MAX_ENTRIES);
		return NULL;
	}
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 16;
		char *v = hc_arena_alloc(r->arena,
		                         (cap + 1) * g->bytes); /* one more: lists of pointers end with NULL */

		if (!v) {
			no_memory(r);
			return NULL;
		}
		if (g->n)
			memcpy(v, g->v, g->n * g->bytes);
		g->v = v;
		g->cap = cap;
	}
	return (char *)g->v + g->n++ * g->bytes;
}

/* `text`, NULL for want of memory, at the end of a list of pointers. */
static int put(struct config_reader *r, struct growing *to, const char *text)
{
	const char **slot;

	if (!text)
		return no_memory(r);
	slot = grow(r, to);
	if (!slot)
		return r->err->code;
	*slot = text;
	return 0;
}

static int text_of(struct config_reader *r, const struct hc_yaml_node *n, const char **to)
{
	struct hc_str all;
	int q;

	if (n->kind != HC_YAML_SCALAR)
		return bad(r, n, "a text is expected here");
	q = hc_yaml_env_text(n, MAX_TEXT, r->arena, &all, NULL);
	if (q == -E2BIG)
		return bad(r, n, "the text is larger than 1 MiB once variables are replaced");
	if (q < 0)
		return no_memory(r);
	*to = all.p;
	return 0;
}

static int read_bool(struct config_reader *r, const struct hc_yaml_node *root, const char *key, bool negate,
                     bool *to)
{
	const struct hc_yaml_node *n = hc_yaml_get(root, key);
	struct hc_yaml_node replaced;
	bool value;

	if (!n)
		return 0;
	if (n->kind == HC_YAML_SCALAR) {
		const char *text;
		int q = text_of(r, n, &text);

		if (q < 0)
			return q;
		replaced = *n;
		replaced.text = hc_str_c(text);
		n = &replaced;
	}
	if (n->kind != HC_YAML_SCALAR || !hc_yaml_bool(n, &value))
		return hc_err_at(r->err, -EINVAL, r->file, n->line, n->column, "%s is not true or false", key);
	*to = value != negate;
	return 0;
}

static int read_text(struct config_reader *r, const struct hc_yaml_node *map, const char *key, const char **to)
{
	const struct hc_yaml_node *n = hc_yaml_get(map, key);

	return n && n->kind != HC_YAML_NULL ? text_of(r, n, to) : 0;
}

/* A text, or a sequence of them, added to a list of pointers. */
static int read_texts(struct config_reader *r, const struct hc_yaml_node *n, struct growing *to)
{
	uint32_t n_items = n->kind == HC_YAML_SEQ ? n->n : 1;
	int q = 0;

	if (n->kind == HC_YAML_NULL)
		return 0;
	for (uint32_t i = 0; q == 0 && i < n_items; i++) {
		const char *text = NULL;

		q = text_of(r, n->kind == HC_YAML_SEQ ? n->items[i] : n, &text);
		if (q == 0)
			q = put(r, to, text);
	}
	return q;
}

/* ---- rules: enable and disable ---- */

static int read_select(struct config_reader *r, const struct hc_yaml_node *item)
{
	const struct hc_yaml_node *enable = hc_yaml_get(item, "enable"), *disable = hc_yaml_get(item, "disable");
	const struct hc_yaml_node *what = enable ? enable : disable;
	struct hc_falco_select *s;
	int q;

	if (item->kind != HC_YAML_MAP || !what || (enable && disable))
		return bad(r, item,
		           "each item of rules is either 'enable' or 'disable' with a rule or a tag below it");
	s = grow(r, &r->selects);
	if (!s)
		return r->err->code;
	s->enable = enable != NULL;
	q = read_text(r, what, "rule", &s->rule);
	if (q == 0)
		q = read_text(r, what, "tag", &s->tag);
	if (q < 0)
		return q;
	return s->rule || s->tag ? 0 : bad(r, what, "neither a rule nor a tag is named");
}

/* ---- append_output ---- */

static int read_extra_field(struct config_reader *r, const struct hc_yaml_node *n, struct growing *to)
{
	bool has_format = n->kind == HC_YAML_MAP && n->n == 1;
	const char *name = NULL, *format = NULL;
	int q = text_of(r, has_format ? n->items[0] : n, &name);

	if (q == 0 && has_format) {
		q = text_of(r, n->items[1], &format);
		if (q == 0 && strchr(name, '='))
			return bad(r, n, "the name of an extra field cannot hold '='");
	}
	for (size_t i = 0; q == 0 && i < to->n; i++) {
		const char *other = ((const char **)to->v)[i];
		size_t n_bytes = strcspn(other, "=");

		if ((format || other[n_bytes]) && strncmp(other, name, n_bytes) == 0 && !name[n_bytes])
			return bad(r, n, "an extra field of this name is here already");
	}
	if (q == 0 && format)
		name = hc_arena_printf(r->arena, "%s=%s", name, format);
	return q < 0 ? q : put(r, to, name);
}

static int read_append(struct config_reader *r, const struct hc_yaml_node *item)
{
	const struct hc_yaml_node *match = hc_yaml_get(item, "match"), *fields = hc_yaml_get(item, "extra_fields"),
				  *tags;
	struct growing tag_list = { .bytes = sizeof(char *) }, field_list = { .bytes = sizeof(char *) };
	struct hc_falco_append *a;
	int q;

	if (item->kind != HC_YAML_MAP)
		return bad(r, item, "each item of append_output is a mapping");
	a = grow(r, &r->appends);
	if (!a)
		return r->err->code;
	if (match && match->kind == HC_YAML_MAP) {
		tags = hc_yaml_get(match, "tags");
		if (read_text(r, match, "rule", &a->rule) < 0 || read_text(r, match, "source", &a->source) < 0 ||
		    (tags && read_texts(r, tags, &tag_list) < 0))
			return -EINVAL;
		a->tags = tag_list.v;
	} else if (match && match->kind != HC_YAML_NULL) {
		return bad(r, match, "match is a mapping with rule, source or tags");
	}
	q = read_text(r, item, "extra_output", &a->extra_output);
	if (q == 0)
		q = read_bool(r, item, "suggested_output", false, &a->suggested_output);
	if (q == 0 && fields && fields->kind != HC_YAML_SEQ && fields->kind != HC_YAML_NULL)
		return bad(r, fields, "extra_fields is a sequence");
	for (uint32_t i = 0; q == 0 && fields && fields->kind == HC_YAML_SEQ && i < fields->n; i++)
		q = read_extra_field(r, fields->items[i], &field_list);
	a->extra_fields = field_list.v;
	return q;
}

/* A key of the root that holds a sequence: is it added to what was read before, or instead of it? */
static void begin_list(const struct config_reader *r, const struct hc_yaml_node *n, struct growing *to)
{
	if (r->strategy == STRATEGY_OVERRIDE || n->kind != HC_YAML_SEQ)
		*to = (struct growing){ .bytes = to->bytes }; /* and not what lies there: entries begin zeroed */
}

static int read_items(struct config_reader *r, const struct hc_yaml_node *root, const char *key,
                      struct growing *to,
                      int (*read_item)(struct config_reader *r, const struct hc_yaml_node *item))
{
	const struct hc_yaml_node *n = hc_yaml_get(root, key);
	int q = 0;

	if (n)
		begin_list(r, n, to);
	if (!n || n->kind == HC_YAML_NULL)
		return 0;
	if (n->kind != HC_YAML_SEQ)
		return hc_err_at(r->err, -EINVAL, r->file, n->line, n->column, "%s is a sequence", key);
	for (uint32_t i = 0; q == 0 && i < n->n; i++)
		q = read_item(r, n->items[i]);
	return q;
}

/* ---- one file ---- */

static int read_matching(struct config_reader *r, const struct hc_yaml_node *root)
{
	const struct hc_yaml_node *n = hc_yaml_get(root, "rule_matching");
	const char *word = NULL;

	if (read_text(r, root, "rule_matching", &word) < 0)
		return -EINVAL;
	if (!word)
		return 0;
	if (strcmp(word, "first") != 0 && strcmp(word, "all") != 0)
		return bad(r, n, "rule_matching is 'first' or 'all'");
	r->c->has_matching = true;
	r->c->match_all = word[0] == 'a';
	return 0;
}

static int read_priority(struct config_reader *r, const struct hc_yaml_node *root)
{
	const struct hc_yaml_node *n = hc_yaml_get(root, "priority");
	const char *word = NULL;
	uint8_t priority;

	if (read_text(r, root, "priority", &word) < 0)
		return -EINVAL;
	if (!word)
		return 0;
	if (!falco_priority_parse(hc_str_c(word), &priority))
		return hc_err_at(r->err, -EINVAL, r->file, n->line, n->column, "unknown priority '%s'", word);
	r->c->opts.min_priority = word;
	return 0;
}

/* An item of config_files: a path, or a mapping of it and what becomes of keys that are there already. */
static int read_include(struct config_reader *r, const struct hc_yaml_node *item)
{
	const struct hc_yaml_node *path = hc_yaml_get(item, "path");
	struct include *in = grow(r, &r->includes);
	const char *word = NULL;
	int q;

	if (!in)
		return r->err->code;
	q = text_of(r, path ? path : item, &in->path);
	if (q == 0)
		q = read_text(r, item, "strategy", &word);
	if (q == 0 && word)
		in->strategy = strcmp(word, "override") == 0   ? STRATEGY_OVERRIDE
		               : strcmp(word, "add-only") == 0 ? STRATEGY_ADD_ONLY
		                                               : STRATEGY_APPEND;
	return q;
}

/* One file need not be a sequence. */
static int read_includes(struct config_reader *r, const struct hc_yaml_node *root)
{
	const struct hc_yaml_node *n = hc_yaml_get(root, "config_files");

	return n && n->kind == HC_YAML_SCALAR ? read_include(r, n)
	                                      : read_items(r, root, "config_files", &r->includes, read_include);
}

static bool has_key(const struct config_reader *r, struct hc_str key)
{
	for (size_t i = 0; i < r->keys.n; i++)
		if (hc_str_eq(hc_str_c(((const char **)r->keys.v)[i]), key))
			return true;
	return false;
}

/* Notes which keys are there from now on. With STRATEGY_ADD_ONLY *ret is the root without those that were. */
static int take_keys(struct config_reader *r, const struct hc_yaml_node *root, struct hc_yaml_node *ret)
{
	*ret = *root;
	ret->n = 0;
	ret->items = hc_arena_alloc(r->arena, (2 * (size_t)root->n + 1) * sizeof(*ret->items));
	if (!ret->items)
		return no_memory(r);
	for (uint32_t i = 0; i < root->n; i++) {
		const struct hc_yaml_node *key = root->items[2 * i];
		bool is_new = key->kind == HC_YAML_SCALAR && !has_key(r, key->text);

		if (is_new || r->strategy != STRATEGY_ADD_ONLY) {
			memcpy(&ret->items[2 * ret->n], &root->items[2 * i], 2 * sizeof(*ret->items));
			ret->n++;
		}
		if (is_new && put(r, &r->keys, hc_arena_str(r->arena, key->text).p) < 0)
			return r->err->code;
	}
	return 0;
}

static int read_root(struct config_reader *r, const struct hc_yaml_node *all)
{
	struct hc_falco_opts *o = &r->c->opts;
	static const char *const rules_keys[] = { "rules_files", "rules_file" };
	struct hc_yaml_node taken;
	const struct hc_yaml_node *root = &taken;
	int q;

	if (all->kind == HC_YAML_NULL)
		return 0;
	if (all->kind != HC_YAML_MAP)
		return bad(r, all, "this is no configuration of Falco: a mapping is expected");
	q = take_keys(r, all, &taken);
	for (unsigned i = 0; q == 0 && i < 2; i++) {
		const struct hc_yaml_node *n = hc_yaml_get(root, rules_keys[i]);

		if (n)
			begin_list(r, n, &r->rules_files);
		q = n ? read_texts(r, n, &r->rules_files) : 0;
	}
	if (q == 0)
		q = read_items(r, root, "rules", &r->selects, read_select);
	if (q == 0)
		q = read_items(r, root, "append_output", &r->appends, read_append);
	if (q == 0)
		q = read_priority(r, root);
	if (q == 0)
		q = read_matching(r, root);
	if (q == 0)
		q = read_bool(r, root, "time_format_iso_8601", false, &o->time_iso_8601);
	if (q == 0)
		q = read_bool(r, root, "buffer_format_base64", false, &o->buffer_base64);
	if (q == 0)
		q = read_bool(r, root, "json_output", false, &r->c->json_output);
	if (q == 0)
		q = read_bool(r, root, "json_include_output_property", true, &o->json_no_output);
	if (q == 0)
		q = read_bool(r, root, "json_include_output_fields_property", true, &o->json_no_fields);
	if (q == 0)
		q = read_bool(r, root, "json_include_tags_property", true, &o->json_no_tags);
	if (q == 0)
		q = read_bool(r, root, "json_include_message_property", false, &o->json_message);
	return q == 0 && r->may_include ? read_includes(r, root) : q;
}

static int read_docs(struct config_reader *r, const char *file, const struct hc_yaml *y)
{
	int q = 0;

	r->file = file;
	for (uint32_t i = 0; q == 0 && i < hc_yaml_n_docs(y); i++)
		q = read_root(r, hc_yaml_doc(y, i));
	return q;
}

static int read_file(struct config_reader *r, const char *path)
{
	HC_AUTO(hc_yaml_free) struct hc_yaml *y = NULL;
	int q = hc_yaml_load(path, &y, r->err);

	return q < 0 ? q : read_docs(r, path, y);
}

/* A file of config_files, or of a directory there the *.yaml and *.yml, in order of their names. What is not there
 * is no error, as for Falco. */
static int read_one_include(struct config_reader *r, const struct include *in, unsigned *n_files)
{
	const char *const one[] = { in->path, NULL }, *const *files = one;
	struct stat st;
	int q = 0;

	if (stat(in->path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		q = hc_yaml_dir(in->path, r->arena, &files, r->err);
	r->strategy = in->strategy;
	for (; q == 0 && *files; files++) {
		if (++*n_files > MAX_FILES)
			return hc_err_set(r->err, -E2BIG, "config_files names more than %d files", MAX_FILES);
		q = read_file(r, *files);
	}
	return q;
}

static int read_included(struct config_reader *r)
{
	unsigned n_files = 0;
	int q = 0;

	r->may_include = false;
	for (size_t i = 0; q == 0 && i < r->includes.n; i++)
		q = read_one_include(r, (const struct include *)r->includes.v + i, &n_files);
	return q;
}

/* ---- options: KEY=VALUE ---- */

/* Text within a JSON string. */
static void put_escaped(FILE *f, const char *text, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++) {
		char esc[HC_JSON_ESCAPE_ROOM];

		if ((unsigned char)text[i] < ' ' || text[i] == '"' || text[i] == '\\') {
			hc_json_escape((unsigned char)text[i], esc);
			fputs(esc, f);
		} else {
			fputc(text[i], f);
		}
	}
}

/* One name of a key, up to a dot or a bracket that no backslash stands before; NULL: there is none. */
static const char *put_name(FILE *f, const char *key, const char *end)
{
	const char *begin = key;

	fputs("{\"", f);
	while (key < end && *key != '.' && *key != '[') {
		if (*key == '\\' && (++key == end || !strchr(".[]\\", *key)))
			return NULL;
		put_escaped(f, key++, 1);
	}
	fputs("\": ", f);
	return key > begin ? key : NULL;
}

/* "a[].b=c" is {"a": [{"b": "c"}]}: a value in braces stands as it is. False: it is no option. */
static bool put_option(FILE *f, const char *option)
{
	const char *end = strchr(option, '='), *key = option;
	struct hc_str value;
	char closing[64];
	size_t n = 0;

	if (!end)
		return false;
	value = hc_str_c(end + 1);
	while (key && key < end && n + 2 < sizeof(closing)) {
		key = put_name(f, key, end);
		closing[n++] = '}';
		if (key && end - key >= 2 && key[0] == '[' && key[1] == ']') {
			fputc('[', f);
			closing[n++] = ']';
			key += 2;
		}
		if (key && key < end && (*key++ != '.' || key == end))
			return false;
	}
	if (key != end || !n)
		return false;
	if (value.len && value.p[0] == '{' && value.p[value.len - 1] == '}') {
		fwrite(value.p, 1, value.len, f);
	} else {
		fputc('"', f);
		put_escaped(f, value.p, value.len);
		fputc('"', f);
	}
	while (n > 0)
		fputc(closing[--n], f);
	return true;
}

/* What is wrong with an option has no place but the option. */
static int read_option(struct config_reader *r, const char *option)
{
	HC_AUTO(hc_yaml_free) struct hc_yaml *y = NULL;
	HC_AUTO(free) char *text = NULL;
	struct hc_err own = { 0 }, *err = r->err;
	size_t n_bytes = 0;
	FILE *f = open_memstream(&text, &n_bytes);
	bool understood = f && put_option(f, option);
	int q = 0;

	if (!f || fclose(f) != 0)
		return no_memory(r);
	if (!understood)
		return hc_err_set(err, -EINVAL,
		                  "'%s' is no option: KEY=VALUE, KEY.KEY=VALUE or KEY[]=VALUE is expected",
		                  option);
	r->err = &own;
	r->strategy = STRATEGY_APPEND;
	q = hc_yaml_parse(option, text, n_bytes, &y, &own);
	q = q < 0 ? q : read_docs(r, option, y);
	r->err = err;
	return q < 0 ? hc_err_set(err, own.code, "option '%s': %s", option, own.msg) : 0;
}

/* Files that options name are read with those that the configuration names, all other options behind them. */
static int read_options(struct config_reader *r, const char *const *options, size_t n, bool includes)
{
	int q = 0;

	for (size_t i = 0; q == 0 && i < n; i++)
		if ((strncmp(options[i], "config_files", 12) == 0) == includes)
			q = read_option(r, options[i]);
	return q;
}

/* text NULL: the file of that name, and what it includes; name NULL: none. */
static int load(const char *name, const void *text, size_t n_bytes, const char *const *options, size_t n_options,
                struct hc_falco_config *ret_config, struct hc_err *err)
{
	struct hc_falco_config c = { 0 };
	struct hc_err own = { 0 };
	struct config_reader r = {
		.c = &c,
		.arena = &c.arena,
		.err = err ? err : &own,
		.may_include = !text,
		.rules_files = { .bytes = sizeof(char *) },
		.selects = { .bytes = sizeof(struct hc_falco_select) },
		.appends = { .bytes = sizeof(struct hc_falco_append) },
		.includes = { .bytes = sizeof(struct include) },
		.keys = { .bytes = sizeof(char *) },
	};
	int q;

	if (text) {
		HC_AUTO(hc_yaml_free) struct hc_yaml *y = NULL;

		q = hc_yaml_parse(name, text, n_bytes, &y, r.err);
		q = q < 0 ? q : read_docs(&r, name, y);
	} else {
		q = name ? read_file(&r, name) : 0;
		q = q < 0 ? q : read_options(&r, options, n_options, true);
		q = q < 0 ? q : read_included(&r);
		q = q < 0 ? q : read_options(&r, options, n_options, false);
	}
	c.rules_files = r.rules_files.v;
	if (q == 0 && !c.rules_files) {
		c.rules_files = hc_arena_alloc(&c.arena, sizeof(char *));
		q = c.rules_files ? 0 : no_memory(&r);
	}
	if (q < 0) {
		hc_arena_done(&c.arena);
		return q;
	}
	c.opts.selects = r.selects.v;
	c.opts.n_selects = r.selects.n;
	c.opts.appends = r.appends.v;
	c.opts.n_appends = r.appends.n;
	*ret_config = c;
	return 0;
}

int hc_falco_config_load(const char *path, const char *const *options, size_t n_options,
                         struct hc_falco_config *ret_config, struct hc_err *err)
{
	return load(path, NULL, 0, options, n_options, ret_config, err);
}

int hc_falco_config_load_text(const char *name, const void *text, size_t n_bytes,
                              struct hc_falco_config *ret_config, struct hc_err *err)
{
	return load(name, text, n_bytes, NULL, 0, ret_config, err);
}

void hc_falco_config_done(struct hc_falco_config *c)
{
	hc_arena_done(&c->arena);
	*c = (struct hc_falco_config){ 0 };
}
