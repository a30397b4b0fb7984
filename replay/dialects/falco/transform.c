/* Transformers: values made from other values of the same row. */
#include <ctype.h>

#include "replay/dialects/falco/bind.h"

struct tr {
	const struct fx_val *v;
	const struct hc_access *field;
	struct tr **kids;
};

static struct hc_value eval(struct hc_view *v, const struct tr *t, uint32_t row);

static struct hc_value absent(void)
{
	return (struct hc_value){ 0 };
}

static char *room(struct hc_view *v, uint32_t n)
{
	return hc_arena_raw(hc_view_arena(v), n + 1);
}

static struct hc_value changed_case(struct hc_view *v, struct hc_value s, bool upper)
{
	char *p;

	if (s.type == HC_VT_LIST) {
		struct hc_value *items = hc_arena_alloc(hc_view_arena(v), s.list.n * sizeof(*items) + 1);

		for (uint32_t i = 0; items && i < s.list.n; i++)
			items[i] = changed_case(v, s.list.v[i], upper);
		s.list.v = items;
		return items ? s : absent();
	}
	if (s.type != HC_VT_STR)
		return s;
	p = room(v, s.s.len);
	if (!p)
		return absent();
	for (uint32_t i = 0; i < s.s.len; i++)
		p[i] = (char)(upper ? toupper((unsigned char)s.s.p[i]) : tolower((unsigned char)s.s.p[i]));
	return hc_value_str((struct hc_str){ p, s.s.len });
}

static struct hc_value base_name(struct hc_value s)
{
	const char *slash = s.type == HC_VT_STR && s.s.len ? memrchr(s.s.p, '/', s.s.len) : NULL;

	if (slash) {
		s.s.len -= (uint32_t)(slash + 1 - s.s.p);
		s.s.p = slash + 1;
		s.ref = 0;
	}
	return s;
}

static int b64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padding may be left out; anything else that does not belong makes it absent, bits of a last byte that is not
 * there too. */
static struct hc_value decoded(struct hc_view *v, struct hc_value s)
{
	char *p = room(v, s.s.len);
	uint32_t n = 0, bits = 0, held = 0, len = s.s.len;

	while (len && s.s.len - len < 2 && s.s.p[len - 1] == '=')
		len--;
	if (!p || (!len && s.s.len) || len % 4 == 1)
		return absent();
	for (uint32_t i = 0; i < len; i++) {
		int d = b64_digit(s.s.p[i]);

		if (d < 0)
			return absent();
		bits = bits << 6 | (uint32_t)d;
		held += 6;
		if (held >= 8) {
			held -= 8;
			p[n++] = (char)(bits >> held);
		}
	}
	if (bits & ((1u << held) - 1))
		return absent(); /* of the last digit more is used than there is room for */
	if (s.type == HC_VT_STR)
		n = (uint32_t)strnlen(p, n); /* as all that asks for a text takes it */
	s.s = (struct hc_str){ p, n };
	s.ref = 0;
	return s;
}

static struct hc_value length(struct hc_value s)
{
	switch (s.type) {
	case HC_VT_LIST:
		return hc_value_u64(s.list.n);
	case HC_VT_BYTES:
		return hc_value_u64(s.s.len);
	case HC_VT_STR:
		return hc_value_u64(s.s.len ? strnlen(s.s.p, s.s.len) : 0);
	default:
		return absent();
	}
}

static struct hc_value joined(struct hc_view *v, struct hc_str between, const struct hc_value *items, uint32_t n)
{
	struct fjson out = { .arena = hc_view_arena(v) };

	for (uint32_t i = 0; i < n; i++) {
		if (items[i].type != HC_VT_STR)
			return absent();
		if (i)
			fjson_bytes(&out, between.p, between.len);
		fjson_bytes(&out, items[i].s.p, items[i].s.len);
	}
	return falco_out_value(&out);
}

/* Of a word, or of an option in a cluster: what is known about it. */
static const char *option_of(struct hc_str spec, char c)
{
	const char *p = c == ':' ? NULL : spec.len ? memchr(spec.p, c, spec.len) : NULL;

	return p;
}

static bool takes_value(struct hc_str spec, const char *at)
{
	return at + 1 < spec.p + spec.len && at[1] == ':';
}

static struct hc_value got_option(struct hc_view *v, const struct tr *t, struct hc_value argv, struct hc_str spec)
{
	uint32_t n = argv.list.n, n_out = 0, cap = 0;
	struct hc_value last = absent(), *out;

	for (uint32_t i = 0; i < n; i++)
		cap += argv.list.v[i].s.len + 2;
	out = hc_arena_alloc(hc_view_arena(v), (size_t)cap * sizeof(*out) + 1);
	if (!out)
		return absent();
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str w = argv.list.v[i].s;

		if (w.len < 2 || w.p[0] != '-' || hc_str_eq(w, HC_STR("--")))
			break;
		if (w.p[1] == '-')
			continue;
		for (uint32_t k = 1; k < w.len; k++) {
			const char *at = option_of(spec, w.p[k]);
			struct hc_value value = hc_value_str(HC_STR(""));

			out[n_out++] = hc_value_str(at ? (struct hc_str){ w.p + k, 1 } : HC_STR("?"));
			if (at && takes_value(spec, at)) {
				if (k + 1 < w.len)
					value = hc_value_str((struct hc_str){ w.p + k + 1, w.len - k - 1 });
				else if (i + 1 < n)
					value = hc_value_str(argv.list.v[++i].s);
				out[n_out++] = value;
			}
			if (t->v->has_opt && at && w.p[k] == t->v->text.p[0])
				last = value;
			if (at && takes_value(spec, at))
				break;
		}
	}
	if (t->v->has_opt)
		return last;
	return (struct hc_value){ .type = HC_VT_LIST, .list = { out, n_out } };
}

static struct hc_value list_of(struct hc_view *v, const struct tr *t, uint32_t row)
{
	struct hc_value *items = hc_arena_alloc(hc_view_arena(v), t->v->n * sizeof(*items) + 1);

	if (!items)
		return absent();
	for (uint32_t i = 0; i < t->v->n; i++) {
		items[i] = eval(v, t->kids[i], row);
		if (!items[i].type)
			return absent();
	}
	return (struct hc_value){ .type = HC_VT_LIST, .list = { items, t->v->n } };
}

static struct hc_value eval(struct hc_view *v, const struct tr *t, uint32_t row)
{
	struct hc_value first, second;

	switch (t->v->kind) {
	case FVAL_FIELD:
		return t->field ? hc_access_value(v, t->field, row) : absent();
	case FVAL_CONST:
		return hc_value_str((struct hc_str){ t->v->text.p ? t->v->text.p : "", t->v->text.len });
	case FVAL_LIST:
		return list_of(v, t, row);
	default:
		break;
	}
	if (t->v->tr == FTR_CONCAT) {
		struct hc_value all = list_of(v, t, row);

		return all.type ? joined(v, HC_STR(""), all.list.v, all.list.n) : absent();
	}
	first = eval(v, t->kids[0], row);
	if (!first.type)
		return absent();
	switch (t->v->tr) {
	case FTR_TOLOWER:
		return changed_case(v, first, false);
	case FTR_TOUPPER:
		return changed_case(v, first, true);
	case FTR_BASENAME:
		return base_name(first);
	case FTR_B64:
		return first.type == HC_VT_STR || first.type == HC_VT_BYTES ? decoded(v, first) : absent();
	case FTR_LEN:
		return length(first);
	case FTR_JOIN:
		second = eval(v, t->kids[1], row);
		return second.type == HC_VT_LIST ? joined(v, first.s, second.list.v, second.list.n) : absent();
	case FTR_GETOPT:
		second = eval(v, t->kids[1], row);
		return second.type == HC_VT_STR && first.type == HC_VT_LIST ? got_option(v, t, first, second.s)
		                                                            : absent();
	default:
		return first;
	}
}

static struct hc_value transformed(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	(void)dom;
	return eval(v, arg, entry - 1);
}

static const struct hc_leaf text_leaf = {
	.name = "transformed", .dom = HC_DOM_ROWS(0), .type = HC_VT_STR, .get = transformed
};
static const struct hc_leaf bytes_leaf = {
	.name = "transformed", .dom = HC_DOM_ROWS(0), .type = HC_VT_BYTES, .get = transformed
};
static const struct hc_leaf number_leaf = {
	.name = "transformed", .dom = HC_DOM_ROWS(0), .type = HC_VT_U64, .get = transformed
};
static const struct hc_leaf list_leaf = {
	.name = "transformed", .dom = HC_DOM_ROWS(0), .type = HC_VT_LIST, .item = HC_VT_STR, .get = transformed
};

static struct tr *make(struct fbinder *b, const struct fx_val *v)
{
	struct tr *t = hc_arena_alloc(hc_ir_arena(b->ir), sizeof(*t));

	if (!t)
		return NULL;
	t->v = v;
	if (v->kind == FVAL_FIELD)
		t->field = falco_bind(b, &v->field);
	if (!v->n)
		return t;
	t->kids = hc_arena_alloc(hc_ir_arena(b->ir), v->n * sizeof(struct tr *));
	for (uint32_t i = 0; t->kids && i < v->n; i++) {
		t->kids[i] = make(b, v->kids[i]);
		if (!t->kids[i])
			return NULL;
	}
	return t->kids ? t : NULL;
}

const struct hc_access *falco_bind_val(struct fbinder *b, const struct fx_val *v)
{
	const struct hc_leaf *leaf;
	struct tr *t;

	if (v->kind == FVAL_FIELD)
		return falco_bind(b, &v->field);
	if (v->kind == FVAL_TRANSFORM && v->tr == FTR_VAL)
		return falco_bind_val(b, v->kids[0]);
	t = make(b, v);
	if (!t)
		return NULL;
	if (v->list)
		leaf = &list_leaf;
	else if (v->type == FT_BYTEBUF)
		leaf = &bytes_leaf;
	else
		leaf = v->type == FT_UINT64 ? &number_leaf : &text_leaf;
	return hc_access_leaf(b->ir, b->at_row, leaf, t);
}
