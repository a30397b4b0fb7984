/* Alerts that were printed once, as expectations. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/file.h"
#include "test_priv.h"

#define MAX_LINES 65536
#define MAX_LINE (1u << 20)
#define MAX_FIELDS 256

struct hc_str hc_test_value_text(struct json_object *value, struct hc_arena *arena)
{
	size_t n = 0;
	const char *p;

	if (!value)
		return (struct hc_str){ NULL, 0 };
	if (json_object_is_type(value, json_type_string)) {
		p = json_object_get_string(value);
		n = (size_t)json_object_get_string_len(value);
	} else {
		p = json_object_to_json_string_length(value,
		                                      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	}
	return hc_arena_str(arena, (struct hc_str){ p, (uint32_t)n });
}

struct golden {
	const struct hc_test_file *f;
	const struct hc_test_golden *g;
	struct hc_arena *arena;
	const char *path;
	uint32_t line;
	struct hc_test_expect *v;
	size_t n, cap;
	bool *seen; /* by field that is compared: some alert has it */
	struct hc_err *err;
};

static int no_memory(struct golden *r)
{
	return hc_err_set(r->err, -ENOMEM, "out of memory");
}

static int bad(struct golden *r, const char *what)
{
	return hc_err_at(r->err, -EINVAL, r->path, r->line, 1, "%s", what);
}

static bool is_compared(const struct hc_test_golden *g, const char *field)
{
	for (const char *const *f = g->fields; f && *f; f++)
		if (strcmp(*f, field) == 0)
			return true;
	return !g->fields;
}

/* A pattern that is one text, or absence. */
static const struct hc_test_pattern *exactly(struct golden *r, struct hc_str text)
{
	struct hc_test_pattern *p = hc_arena_alloc(r->arena, sizeof(*p));
	struct hc_value value = hc_value_str(text);

	if (p)
		p->terms = hc_arena_alloc(r->arena, sizeof(*p->terms));
	if (!p || !p->terms)
		return NULL;
	p->n = 1;
	p->terms->absent = !text.p;
	p->text = text.p ? hc_arena_printf(r->arena, "'%.200s'", text.p) : "absent";
	if (text.p && hc_operand_init(&p->terms->op, r->arena, HC_OP_IN, HC_Q_ANY, HC_VT_STR, &value, 1, NULL) < 0)
		return NULL; /* nothing in it has to be freed: no regular expression */
	return p->text ? p : NULL;
}

/* A text of JSON in the arena; NULL when it is none. */
static const char *text_of(struct golden *r, struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, json_type_string))
		return NULL;
	return hc_arena_str(r->arena, hc_str_c(json_object_get_string(value))).p;
}

static int add_field(struct golden *r, struct hc_test_field *fields, size_t *n, const char *name,
                     struct json_object *value)
{
	struct hc_str text = hc_test_value_text(value, r->arena);

	if (value && !text.p)
		return no_memory(r);
	fields[*n].name = hc_arena_str(r->arena, hc_str_c(name)).p;
	fields[*n].pattern = exactly(r, text);
	fields[*n].place = r->g->place;
	if (!fields[*n].name || !fields[*n].pattern)
		return no_memory(r);
	(*n)++;
	return 0;
}

static int read_fields(struct golden *r, struct json_object *all, struct hc_test_expect *e)
{
	struct json_object *fields, *number = NULL;
	struct hc_test_field *v;
	size_t n = 0;
	int q = 0;

	if (!json_object_object_get_ex(all, "output_fields", &fields) ||
	    !json_object_is_type(fields, json_type_object))
		return bad(r, "the alert has no output_fields");
	if (json_object_object_length(fields) > MAX_FIELDS)
		return bad(r, "the alert has more than 256 fields");
	v = hc_arena_alloc(r->arena, ((size_t)json_object_object_length(fields) + 1) * sizeof(*v));
	if (!v)
		return no_memory(r);
	/* what tells alerts of one rule apart comes first */
	if (is_compared(r->g, "evt.num") && json_object_object_get_ex(fields, "evt.num", &number))
		q = add_field(r, v, &n, "evt.num", number);
	json_object_object_foreach(fields, name, value)
	{
		if (q == 0 && is_compared(r->g, name) && strcmp(name, "evt.num") != 0)
			q = add_field(r, v, &n, name, value);
	}
	for (size_t i = 0; r->g->fields && r->g->fields[i]; i++)
		r->seen[i] |= json_object_object_get_ex(fields, r->g->fields[i], NULL);
	e->fields = v;
	e->n_fields = n;
	return q;
}

static int read_alert(struct golden *r, struct json_object *o)
{
	struct hc_test_expect *e;

	if (r->n == MAX_LINES)
		return hc_err_set(r->err, -E2BIG, "'%s' has more than %d alerts", r->path, MAX_LINES);
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 256;
		struct hc_test_expect *v = realloc(r->v, cap * sizeof(*v));

		if (!v)
			return no_memory(r);
		r->v = v;
		r->cap = cap;
	}
	e = &r->v[r->n];
	*e = (struct hc_test_expect){ .min = 1, .max = 1, .place = r->g->place };
	e->rule = text_of(r, o, "rule");
	if (!e->rule)
		return bad(r, "the alert has no rule");
	e->priority = text_of(r, o, "priority");
	r->n++;
	return read_fields(r, o, e);
}

static int read_line(struct golden *r, const char *line)
{
	struct json_object *o;
	int q;

	if (!line[strspn(line, " \t\r\n")])
		return 0;
	o = json_tokener_parse(line);
	q = json_object_is_type(o, json_type_object) ? read_alert(r, o) : bad(r, "this is no alert in JSON");
	json_object_put(o);
	return q;
}

/* By all that is said; what is no difference here are the same texts. */
static int by_content(const void *pa, const void *pb)
{
	const struct hc_test_expect *a = pa, *b = pb;
	int order = strcmp(a->rule, b->rule);

	if (!order)
		order = strcmp(a->priority ? a->priority : "", b->priority ? b->priority : "");
	for (size_t i = 0; !order && i < a->n_fields && i < b->n_fields; i++) {
		const struct hc_test_pattern *p = a->fields[i].pattern, *q = b->fields[i].pattern;

		order = strcmp(a->fields[i].name, b->fields[i].name);
		if (!order)
			order = p->terms->absent - q->terms->absent;
		if (!order && !p->terms->absent)
			order = hc_value_order(p->terms->op.consts, q->terms->op.consts);
	}
	return order ? order : (a->n_fields > b->n_fields) - (a->n_fields < b->n_fields);
}

/* Sorted, with the number of equal ones as their count; in the arena. */
static int merge(struct golden *r, const struct hc_test_expect **ret, size_t *ret_n)
{
	struct hc_test_expect *v = hc_arena_alloc(r->arena, (r->n + 1) * sizeof(*v));
	size_t n = 0;

	if (!v)
		return no_memory(r);
	if (r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_content);
	for (size_t i = 0; i < r->n; i++) {
		if (n && by_content(&v[n - 1], &r->v[i]) == 0) {
			v[n - 1].min++;
			v[n - 1].max++;
		} else {
			v[n++] = r->v[i];
		}
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

int hc_test_golden_load(const struct hc_test_file *f, const struct hc_test_golden *g, struct hc_arena *arena,
                        const struct hc_test_expect **ret, size_t *ret_n, struct hc_err *err)
{
	struct golden r = { .f = f, .g = g, .arena = arena, .err = err };
	HC_AUTO(free) char *path = hc_test_file_join(f, g->path), *line = NULL;
	size_t room = 0, n_fields = 0;
	ssize_t got = 0;
	struct hc_err why = { 0 };
	int q = 0, fd;
	FILE *in;

	while (g->fields && g->fields[n_fields])
		n_fields++;
	r.seen = hc_arena_alloc(arena, n_fields + 1);
	if (!path || !r.seen)
		return no_memory(&r);
	r.path = path;
	fd = hc_file_open(path, &why);
	if (fd < 0)
		return hc_test_error(f, g->place, fd, err, "the alerts of this case: %s", why.msg);
	in = fdopen(fd, "r");
	if (!in) {
		close(fd);
		return no_memory(&r);
	}
	while (q == 0 && (got = getline(&line, &room, in)) >= 0) {
		r.line++;
		q = got > (ssize_t)MAX_LINE ? bad(&r, "the line is longer than 1 MiB") : read_line(&r, line);
	}
	if (q == 0 && ferror(in))
		q = hc_test_error(f, g->place, -EIO, err, "cannot read the alerts in '%s'", path);
	fclose(in);
	for (size_t i = 0; q == 0 && r.n && i < n_fields; i++)
		if (!r.seen[i])
			q = hc_test_error(f, g->place, -EINVAL, err, "no alert in '%s' has the field '%s'", path,
			                  g->fields[i]);
	if (q == 0)
		q = merge(&r, ret, ret_n);
	free(r.v);
	return q;
}
