#include "trigger_arg.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "replay/yaml.h"
#include "store/base/err.h"
#include "trigger_gate.h"

#define MINUTE_NS UINT64_C(60000000000)

struct each {
	const char *rule;
	struct hc_trigger_what what;
};

static const struct hc_opt each_opts[] = {
	{ .name = "rule", .kind = HC_OPT_STR, .off = offsetof(struct each, rule) },
	{ .name = "pre", .kind = HC_OPT_DURATION, .off = offsetof(struct each, what.pre_ns) },
	{ .name = "for", .kind = HC_OPT_DURATION, .off = offsetof(struct each, what.for_ns), .min = 1000000 },
	{ .name = "keep", .kind = HC_OPT_DURATION, .off = offsetof(struct each, what.keep_ns) },
	{ .name = "cooldown", .kind = HC_OPT_DURATION, .off = offsetof(struct each, what.cooldown_ns) },
	{ .name = "scope",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct each, what.scope),
	  .words = HC_TRIGGER_SCOPE_WORDS },
	{ .name = "detail",
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct each, what.detail),
	  .check = hc_trigger_detail_check },
};

int hc_trigger_detail_check(const char *text, struct hc_err *err)
{
	if (strcmp(text, "security") == 0 || strcmp(text, "full") == 0)
		return 0;
	return hc_err_set(err, -EINVAL, "'%s' is not one of security|full", text);
}

static char *trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

static int set_off(const char *value, bool *off, struct hc_err *err)
{
	struct hc_yaml_node node = { .kind = HC_YAML_SCALAR, .text = hc_str_c(value) };

	return hc_yaml_bool(&node, off) ? 0
	                                : hc_err_set(err, -EINVAL, "off: '%s' is neither true nor false", value);
}

/* "key=value", or "off". *seen has a bit for each key so far. */
static int set_item(struct each *e, char *item, bool *off, unsigned *seen, struct hc_err *err)
{
	char *eq = strchr(item, '='), *value = eq ? trim(eq + 1) : NULL;
	size_t n = sizeof(each_opts) / sizeof(each_opts[0]), i = 0;
	struct hc_err why = { 0 };
	bool is_off;

	if (eq)
		*eq = '\0';
	item = trim(item);
	is_off = strcmp(item, "off") == 0;
	while (i < n && strcmp(item, each_opts[i].name) != 0)
		i++;
	if (!is_off && (i == n || !value))
		return hc_err_set(err, -EINVAL,
		                  "'%s' is none of rule=NAME, off, pre=, for=, keep=, cooldown=, scope=, detail=, "
		                  "with ';' between them",
		                  item);
	if (*seen & 1u << i)
		return hc_err_set(err, -EINVAL, "'%s' is given twice", item);
	*seen |= 1u << i; /* `off` is the n-th */
	if (is_off)
		return set_off(value ? value : "true", off, err);
	if (hc_opt_set(&each_opts[i], value, e, &why) < 0)
		return hc_err_set(err, -EINVAL, "%s: %s", item, why.msg);
	return 0;
}

int hc_trigger_each_parse(const char *text, struct hc_arena *arena, const char **ret_rule, bool *ret_off,
                          struct hc_trigger_what *what, struct hc_err *err)
{
	char *copy = hc_arena_printf(arena, "%s", text), *save = NULL;
	struct each e = { 0 };
	unsigned seen = 0;
	bool off = false;

	if (!copy)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (what)
		e.what = *what;
	for (char *item = strtok_r(copy, ";", &save); item; item = strtok_r(NULL, ";", &save)) {
		int r = *trim(item) ? set_item(&e, item, &off, &seen, err) : 0;

		if (r < 0)
			return r;
	}
	if (!e.rule || !*e.rule)
		return hc_err_set(err, -EINVAL, "which rule? (rule=NAME)");
	*ret_rule = e.rule;
	*ret_off = off;
	if (what)
		*what = e.what;
	return 0;
}

int hc_trigger_each_check(const char *text, struct hc_err *err)
{
	struct hc_arena arena = { 0 };
	const char *rule;
	bool off;
	int r = hc_trigger_each_parse(text, &arena, &rule, &off, NULL, err);

	hc_arena_done(&arena);
	return r;
}

void hc_trigger_args_init(struct hc_trigger_args *a)
{
	*a = (struct hc_trigger_args){
		.min_priority = 7,
		.what = { .pre_ns = 5 * MINUTE_NS,
		          .for_ns = 10 * MINUTE_NS,
		          .keep_ns = UINT64_C(7) * 24 * 60 * MINUTE_NS,
		          .cooldown_ns = 10 * MINUTE_NS },
		.max_hour = 6,
		.max_running = 4,
		.max_pinned = { .permille = 300 },
		.max_cpu = { .permille = 200 },
	};
}

void hc_trigger_args_done(struct hc_trigger_args *a)
{
	hc_strs_done(&a->policies);
	hc_strs_done(&a->rules);
	hc_strs_done(&a->tags);
	hc_strs_done(&a->each);
}

int hc_trigger_args_check(const struct hc_trigger_args *a, struct hc_err *err)
{
	if (a->max_cpu.bytes || !a->max_cpu.permille)
		return hc_err_set(err, -EINVAL, "trigger-max-cpu is a share of one processor, such as 20%%");
	return 0;
}

static bool copy_text(const char **text, struct hc_arena *arena)
{
	if (*text)
		*text = hc_arena_str(arena, (struct hc_str){ *text, (uint32_t)strlen(*text) }).p;
	return *text != NULL;
}

static bool copy_strs(struct hc_strs *s, struct hc_arena *arena)
{
	const char **v = hc_arena_alloc(arena, (s->n + 1) * sizeof(*v));
	bool ok = v != NULL;

	for (size_t i = 0; ok && i < s->n; i++) {
		v[i] = s->v[i];
		ok = copy_text(&v[i], arena);
	}
	s->v = v;
	return ok;
}

int hc_trigger_args_copy(const struct hc_trigger_args *a, struct hc_arena *arena, struct hc_trigger_args *ret)
{
	struct hc_trigger_args c = *a;

	if ((c.what.detail && !copy_text(&c.what.detail, arena)) || !copy_strs(&c.policies, arena) ||
	    !copy_strs(&c.rules, arena) || !copy_strs(&c.tags, arena) || !copy_strs(&c.each, arena))
		return -ENOMEM;
	*ret = c;
	return 0;
}
