/* Single expressions and formats, for commands that print events. */
#include <errno.h>
#include <stdio.h>

#include "replay/dialects/falco/falco_priv.h"
#include "replay/dialects/falco/lower.h"

struct hc_falco_format {
	struct hc_ir *ir;
	struct fbound *bound;
};

static int filter_error(struct hc_err *err, const char *what, const char *text, uint32_t pos, const char *msg)
{
	size_t len = strlen(text), from = pos > 60 ? pos - 60 : 0;
	char line[128];
	size_t n = 0;

	hc_err_at(err, -EINVAL, what, 1, pos + 1, "%s", msg);
	for (size_t i = from; i < len && n < 100; i++)
		line[n++] = (char)((unsigned char)text[i] < ' ' ? ' ' : text[i]);
	line[n] = 0;
	hc_err_note(err, "    %s", line);
	hc_err_note(err, "    %*s^", (int)(pos > len ? len - from : pos - from), "");
	return -EINVAL;
}

/* The first macro in the tree: there are none in a filter. */
static const struct fast *find_macro(const struct fast *n)
{
	if (n->kind == FAST_MACRO)
		return n;
	for (uint32_t i = 0; i < n->n; i++) {
		const struct fast *found = find_macro(n->kids[i]);

		if (found)
			return found;
	}
	return NULL;
}

static int filter_tree(struct hc_ir *ir, const char *filter, struct fx **ret, struct hc_err *err)
{
	struct hc_arena *arena = hc_ir_arena(ir);
	struct ftext *text = hc_arena_alloc(arena, sizeof(*text));
	struct fcheck check = { .arena = arena, .own_events = true, .any_length = true };
	struct fparse_err e = { 0 };
	const struct fast *macro;
	struct fast *tree;
	char msg[300];
	int r;

	if (!text)
		return hc_err_set(err, -ENOMEM, "out of memory");
	ftext_init(text, arena);
	ftext_add(text, hc_str_c(filter), NULL, NULL, 0, false);
	r = falco_parse(text, arena, &tree, &e);
	if (r == -ENOMEM)
		return hc_err_set(err, r, "out of memory");
	if (r < 0)
		return filter_error(err, "filter", filter, e.pos, e.msg);
	macro = find_macro(tree);
	if (macro) {
		snprintf(msg, sizeof(msg),
		         "unexpected identifier '" HC_STR_FMT "': a filter compares fields, as in proc.name = "
		         "bash",
		         HC_STR_ARG(macro->name));
		return filter_error(err, "filter", filter, macro->pos, msg);
	}
	*ret = falco_check(&check, tree);
	if (*ret)
		return 0;
	if (check.no_memory)
		return hc_err_set(err, -ENOMEM, "out of memory");
	return filter_error(err, "filter", filter, check.pos, check.msg);
}

int hc_falco_filter_compile(struct hc_ir *ir, const char *filter, struct hc_err *err)
{
	const struct hc_rule_opts opts = {
		.name = filter ? filter : "", .dialect = "falco", .severity = "", .any_type = true
	};
	struct hc_type_set types = falco_event_types(true);
	struct fbinder b;
	struct flower l = { .b = &b, .sane = true, .err = err };
	struct fx *tree = NULL;
	int r = filter && *filter ? filter_tree(ir, filter, &tree, err) : 0;
	int rule;

	if (r < 0)
		return r;
	rule = hc_ir_rule_add(ir, &opts);
	if (rule < 0)
		return hc_err_set(err, rule, "out of memory");
	fbinder_init(&b, ir, true);
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		const struct hc_node *n;

		if (!hc_type_set_has(&types, type))
			continue;
		fbinder_type(&b, type);
		l.stamp = type + 1;
		n = tree ? falco_lower(&l, tree) : hc_node_const(ir, true);
		if (n && type == HC_EV_PROC_FORK)
			n = falco_without(&b, n, HC_ROW_SYNTH);
		if (!n)
			return err && err->code ? err->code
			                        : hc_err_set(err, -EINVAL, "the filter does not compile");
		if (!hc_node_is_false(n))
			hc_ir_rule_when(ir, rule, type, n);
	}
	r = hc_ir_error(ir, err);
	return r < 0 ? r : rule;
}

int hc_falco_format_compile(struct hc_ir *ir, const char *format, struct hc_falco_format **ret, struct hc_err *err)
{
	struct hc_arena *arena = hc_ir_arena(ir);
	struct hc_falco_format *f = hc_arena_alloc(arena, sizeof(*f));
	struct hc_str text = hc_arena_str(arena, hc_str_c(format));
	struct fcheck check = { .arena = arena };
	struct hc_type_set types = falco_event_types(true);
	struct fformat *parsed;
	struct fbinder b;

	if (!f || !text.p)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (!falco_format_parse(text, &check, &parsed)) {
		if (check.no_memory)
			return hc_err_set(err, -ENOMEM, "out of memory");
		return filter_error(err, "format", format, check.pos, check.msg);
	}
	f->ir = ir;
	f->bound = falco_format_bind(arena, parsed);
	fbinder_init(&b, ir, true);
	for (unsigned type = 0; f->bound && type < HC_EV_MAX; type++) {
		if (!hc_type_set_has(&types, type))
			continue;
		fbinder_type(&b, type);
		if (!falco_format_bind_type(f->bound, &b))
			return hc_err_set(err, -ENOMEM, "out of memory");
	}
	*ret = f;
	return f->bound ? hc_ir_error(ir, err) : hc_err_set(err, -ENOMEM, "out of memory");
}

int hc_falco_format_render(const struct hc_falco_format *f, struct hc_view *v, unsigned event_type, uint32_t row,
                           struct hc_arena *arena, struct hc_str *ret, struct hc_err *err)
{
	struct fjson out = { .arena = arena };

	if (!falco_format_put(f->bound, v, event_type, row, &out))
		return 0;
	*ret = fjson_end(&out);
	return ret->p ? 1 : hc_err_set(err, -ENOMEM, "out of memory");
}

int hc_falco_format_json(const struct hc_falco_format *f, struct hc_view *v, unsigned event_type, uint32_t row,
                         struct hc_arena *arena, struct hc_str *ret, struct hc_err *err)
{
	const struct fbound *bound = f->bound;
	struct fjson out = { .arena = arena };
	int64_t wall = 0;

	hc_view_row_field(v, event_type, row + 1, HC_ROWF_WALL_NS, &wall);
	falco_fields_put(&bound, 1, NULL, 0, false, NULL, v, event_type, row, wall, &out);
	*ret = fjson_end(&out);
	return ret->p ? 1 : hc_err_set(err, -ENOMEM, "out of memory");
}
