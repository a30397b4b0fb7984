#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "replay/yaml.h"
#include "store/base/arena.h"

#define MAX_OPTS 128
#define MAX_MAP 16 /* keys of a mapping in a list */

struct hc_config {
	struct hc_yaml *yaml;  /* owns the texts */
	struct hc_arena arena; /* ... and this those that were put together */
};

struct reader {
	const struct hc_opt *opts;
	const char *file;
	void *args;
	struct hc_arena *arena;
	struct hc_err *err;
	uint32_t seen[MAX_OPTS]; /* line of the key; 0: not yet */
};

static int fail_at(const struct reader *rd, const struct hc_yaml_node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail_at(const struct reader *rd, const struct hc_yaml_node *n, const char *fmt, ...)
{
	char text[sizeof(rd->err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return hc_err_at(rd->err, -EINVAL, rd->file, n->line, n->column, "%s", text);
}

static const char *kind_text(const struct hc_yaml_node *n)
{
	switch (n->kind) {
	case HC_YAML_NULL:
		return "nothing";
	case HC_YAML_SEQ:
		return "a list";
	case HC_YAML_MAP:
		return "a mapping";
	default:
		return "a scalar";
	}
}

/* One value of the option; `name` is its key. */
static int set_value(struct reader *rd, const struct hc_opt *opt, const struct hc_yaml_node *n)
{
	struct hc_err why = { 0 };
	int r;

	if (n->kind != HC_YAML_SCALAR)
		return fail_at(rd, n, "'%s' needs a value, not %s", opt->name, kind_text(n));
	if (memchr(n->text.p, '\0', n->text.len))
		return fail_at(rd, n, "'%s' has a NUL in it", opt->name);
	r = hc_opt_set(opt, n->text.p, rd->args, &why);
	if (r == -ENOMEM)
		return hc_err_set(rd->err, r, "out of memory");
	return r < 0 ? fail_at(rd, n, "%s: %s", opt->name, why.msg) : 0;
}

static int set_flag(struct reader *rd, const struct hc_opt *opt, const struct hc_yaml_node *n)
{
	bool on;

	if (n->kind != HC_YAML_SCALAR || !n->plain || !hc_yaml_bool(n, &on))
		return fail_at(rd, n, "'%s' is either true or false", opt->name);
	*(bool *)((char *)rd->args + opt->off) = on;
	return 0;
}

/* A mapping of scalars as the text "key=value; key=value". */
static int set_map(struct reader *rd, const struct hc_opt *opt, const struct hc_yaml_node *n)
{
	struct hc_yaml_node text = { .kind = HC_YAML_SCALAR, .line = n->line, .column = n->column };
	const char *all = "";

	if (n->n > MAX_MAP)
		return fail_at(rd, n, "'%s' has more than %d keys here", opt->name, MAX_MAP);
	for (uint32_t i = 0; i < 2 * n->n; i++) {
		const struct hc_yaml_node *item = n->items[i];

		if (item->kind != HC_YAML_SCALAR)
			return fail_at(rd, item, "'%s' needs words and values here, not %s", opt->name,
			               kind_text(item));
		if (memchr(item->text.p, ';', item->text.len) || memchr(item->text.p, '\0', item->text.len))
			return fail_at(rd, item, "'%s' has a ';' or NUL in it", opt->name);
		if (all)
			all = hc_arena_printf(rd->arena, "%s" HC_STR_FMT "%s", all, HC_STR_ARG(item->text),
			                      i % 2 ? "; " : "=");
	}
	if (!all)
		return hc_err_set(rd->err, -ENOMEM, "out of memory");
	text.text = hc_str_c(all);
	return set_value(rd, opt, &text);
}

static int set_list(struct reader *rd, const struct hc_opt *opt, const struct hc_yaml_node *n)
{
	if (n->kind != HC_YAML_SEQ)
		return fail_at(rd, n, "'%s' needs a list, not %s", opt->name, kind_text(n));
	for (uint32_t i = 0; i < n->n; i++) {
		bool is_map = opt->flags & HC_OPT_MAPS && n->items[i]->kind == HC_YAML_MAP;
		int r = is_map ? set_map(rd, opt, n->items[i]) : set_value(rd, opt, n->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int unknown_key(struct reader *rd, const struct hc_yaml_node *key)
{
	int shown = (int)(key->text.len < 64 ? key->text.len : 64);
	struct hc_nearest best = { 0 };
	const char *nearest;

	for (const struct hc_opt *opt = rd->opts; opt->name; opt++)
		if (!(opt->flags & HC_OPT_CMDLINE))
			hc_cli_nearest(&best, key->text.p, key->text.len, opt->name);
	nearest = hc_cli_nearest_name(&best);
	if (nearest)
		return fail_at(rd, key, "unknown key '%.*s': did you mean '%s'?", shown, key->text.p, nearest);
	return fail_at(rd, key, "unknown key '%.*s'", shown, key->text.p);
}

static int set_key(struct reader *rd, const struct hc_yaml_node *key, const struct hc_yaml_node *value)
{
	const struct hc_opt *opt = rd->opts;

	if (key->kind != HC_YAML_SCALAR)
		return fail_at(rd, key, "a key must be a word, not %s", kind_text(key));
	while (opt->name && !(hc_str_eq(key->text, hc_str_c(opt->name)) && !(opt->flags & HC_OPT_CMDLINE)))
		opt++;
	if (!opt->name || opt - rd->opts >= MAX_OPTS)
		return unknown_key(rd, key);
	if (rd->seen[opt - rd->opts])
		return fail_at(rd, key, "'%s' is given twice (first in line %u)", opt->name,
		               rd->seen[opt - rd->opts]);
	rd->seen[opt - rd->opts] = key->line;
	if (opt->kind == HC_OPT_FLAG)
		return set_flag(rd, opt, value);
	return opt->kind == HC_OPT_STRS ? set_list(rd, opt, value) : set_value(rd, opt, value);
}

static int read_doc(struct reader *rd, const struct hc_yaml *y)
{
	const struct hc_yaml_node *root = hc_yaml_n_docs(y) ? hc_yaml_doc(y, 0) : NULL;

	if (hc_yaml_n_docs(y) > 1)
		return fail_at(rd, hc_yaml_doc(y, 1), "a second document: there is one configuration in a file");
	if (!root || root->kind == HC_YAML_NULL)
		return 0; /* all comments */
	if (root->kind != HC_YAML_MAP)
		return fail_at(rd, root, "a configuration is a mapping of options to values, not %s",
		               kind_text(root));
	for (uint32_t i = 0; i < root->n; i++) {
		int r = set_key(rd, root->items[2 * i], root->items[2 * i + 1]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Takes the document. */
static int read_yaml(const struct hc_opt *opts, struct hc_yaml *y, void *args, struct hc_config **ret,
                     struct hc_err *err)
{
	HC_AUTO(hc_config_free) struct hc_config *c = calloc(1, sizeof(*c));
	struct reader rd = { .opts = opts, .file = hc_yaml_file(y), .args = args, .err = err };
	int r;

	if (!c) {
		hc_yaml_free(y);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	c->yaml = y;
	rd.arena = &c->arena;
	r = read_doc(&rd, y);
	if (r == 0)
		*ret = hc_steal(c);
	return r;
}

int hc_config_load(const struct hc_opt *opts, const char *path, void *args, struct hc_config **ret,
                   struct hc_err *err)
{
	struct hc_yaml *y = NULL;
	int r = hc_yaml_load(path, &y, err);

	return r < 0 ? r : read_yaml(opts, y, args, ret, err);
}

int hc_config_parse(const struct hc_opt *opts, const char *file, const void *text, size_t n_bytes, void *args,
                    struct hc_config **ret, struct hc_err *err)
{
	struct hc_yaml *y = NULL;
	int r = hc_yaml_parse(file, text, n_bytes, &y, err);

	return r < 0 ? r : read_yaml(opts, y, args, ret, err);
}

struct hc_config *hc_config_free(struct hc_config *c)
{
	if (!c)
		return NULL;
	hc_yaml_free(c->yaml);
	hc_arena_done(&c->arena);
	free(c);
	return NULL;
}
