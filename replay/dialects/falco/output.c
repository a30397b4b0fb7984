/* Values as text and JSON, formats rendered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/dialects/falco/bind.h"
#include "replay/dialects/falco/falco_priv.h"

#define MAX_LIST_TEXT 1023

struct fbound *falco_format_bind(struct hc_arena *arena, const struct fformat *f)
{
	struct fbound *b = hc_arena_alloc(arena, sizeof(*b));

	if (b)
		b->format = f;
	return b;
}

bool falco_format_bind_type(struct fbound *bound, struct fbinder *b)
{
	const struct fformat *f = bound->format;
	const struct hc_access **v;

	if (bound->by_type[b->type])
		return true;
	v = hc_arena_alloc(hc_ir_arena(b->ir), f->n * sizeof(const struct hc_access *) + 1);
	if (!v)
		return false;
	for (uint32_t i = 0; i < f->n; i++)
		if (f->tokens[i].val)
			v[i] = falco_bind_val(b, f->tokens[i].val);
	bound->by_type[b->type] = v;
	return true;
}

/* How numbers of a field are written; of evt.rawarg as the event's table says of the parameter. */
static unsigned print_of(const struct fx_val *val, unsigned type)
{
	const struct frow *row = type < HC_EV_MAX ? falco_row_map(type) : NULL;
	const struct fparam *params = row ? falco_events[row->code].params : NULL;
	static const uint8_t prints[] = {
		[PB_DEC] = FP_DEC, [PB_HEX] = FP_HEX, [PB_OCT] = FP_OCT, [PB_TEXT] = FP_TEXT
	};
	int i;

	if (val->kind != FVAL_FIELD)
		return FP_DEC;
	if (val->field.id != F_EVT_RAWARG || !params)
		return falco_fields[val->field.id].print;
	i = falco_param_find(row->code, val->field.name);
	return i < 0 ? FP_DEC : prints[params[i].base];
}

/* Of len() the original writes the number as the field itself says, and nothing where that says nothing. */
static bool shows_nothing(const struct fx_val *val)
{
	const struct ffield *f;

	if (val->kind != FVAL_TRANSFORM || val->tr != FTR_LEN)
		return false;
	while (val->kind == FVAL_TRANSFORM && val->n == 1)
		val = val->kids[0];
	if (val->kind != FVAL_FIELD)
		return true;
	f = &falco_fields[val->field.id];
	return f->cls != FCLASS_CONTAINER && (f->print == FP_NA || f->print == FP_DIR);
}

static void put_value(const struct fx_val *val, const struct hc_value *v, unsigned print, struct fjson *out)
{
	char buf[32];

	switch (v->type) {
	case HC_VT_BOOL:
		fjson_raw(out, v->u ? "true" : "false");
		return;
	case HC_VT_I64:
	case HC_VT_U64:
		if (print == FP_HEX)
			snprintf(buf, sizeof(buf), "%" PRIX64, v->u);
		else if (print == FP_OCT)
			snprintf(buf, sizeof(buf), "%" PRIo64, v->u);
		else if (print == FP_PADDED)
			snprintf(buf, sizeof(buf), "%09" PRIu64, v->u);
		else
			snprintf(buf, sizeof(buf), v->type == HC_VT_I64 ? "%" PRId64 : "%" PRIu64, v->u);
		fjson_raw(out, buf);
		return;
	case HC_VT_IP:
		falco_ip_text(v->s, out);
		return;
	case HC_VT_BYTES:
		if (out->base64)
			fjson_base64(out, v->s.p, v->s.len);
		else
			for (uint32_t i = 0; i < v->s.len; i++)
				fjson_char(out, (char)(v->s.p[i] >= ' ' && v->s.p[i] < 0x7f ? v->s.p[i] : '.'));
		return;
	case HC_VT_STR:
		fjson_bytes(out, v->s.p, v->s.len);
		return;
	case HC_VT_LIST: {
		uint32_t from = out->n;

		fjson_char(out, '(');
		for (uint32_t i = 0; i < v->list.n && out->n - from <= MAX_LIST_TEXT; i++) {
			if (i)
				fjson_char(out, ',');
			put_value(val, &v->list.v[i], print, out);
		}
		fjson_char(out, ')');
		if (out->n - from > MAX_LIST_TEXT)
			out->n = from + MAX_LIST_TEXT;
		return;
	}
	default:
		fjson_raw(out, "<NA>");
	}
}

static struct hc_value token_value(const struct fbound *f, uint32_t i, struct hc_view *v, unsigned type,
                                   uint32_t row)
{
	const struct hc_access *const *accesses = type < HC_EV_MAX ? f->by_type[type] : NULL;
	const struct fx_val *val = f->format->tokens[i].val;
	struct hc_value value = { 0 }, *item;

	if (!accesses || !accesses[i])
		return value;
	value = hc_access_value(v, accesses[i], row);
	if (val && val->type == FT_IPNET && value.type && f->format->with_defects)
		return hc_value_str(HC_STR("<IPNET>"));
	if (!val || val->kind != FVAL_FIELD || !val->list || !value.type || value.type == HC_VT_LIST)
		return value;
	item = hc_arena_alloc(hc_view_arena(v),
	                      sizeof(*item)); /* a list of one value, which is kept as the value */
	if (!item)
		return value;
	*item = value;
	return (struct hc_value){ .type = HC_VT_LIST, .list = { item, 1 } };
}

bool falco_format_put(const struct fbound *f, struct hc_view *v, unsigned type, uint32_t row, struct fjson *out)
{
	for (uint32_t i = 0; i < f->format->n; i++) {
		const struct ftoken *t = &f->format->tokens[i];
		uint32_t from = out->n;
		struct hc_value value;

		if (!t->val) {
			fjson_bytes(out, t->text.p, t->text.len);
			continue;
		}
		if (t->inner)
			continue;
		value = token_value(f, i, v, type, row);
		if (f->format->with_defects && shows_nothing(t->val))
			value.type = HC_VT_NONE;
		if (!value.type && !f->format->keep)
			return false;
		put_value(t->val, &value, print_of(t->val, type), out);
		if (!t->width)
			continue;
		if (out->n - from > t->width)
			out->n = from + t->width;
		while (out->n - from < t->width && !out->failed)
			fjson_char(out, ' ');
	}
	return true;
}

/* ---- JSON ---- */

static bool is_time(unsigned id)
{
	return id == F_EVT_TIME || id == F_EVT_TIME_S || id == F_EVT_TIME_ISO8601 || id == F_EVT_DATETIME ||
	       id == F_EVT_DATETIME_S || id == F_EVT_OUTPUTTIME;
}

static void put_json(const struct fx_val *val, const struct hc_value *v, unsigned print, int64_t wall_ns,
                     struct fjson *out)
{
	struct fjson text = { .arena = out->arena, .base64 = out->base64 };

	if (val->kind == FVAL_FIELD && is_time(val->field.id)) {
		fjson_i64(out, wall_ns);
		return;
	}
	switch (v->type) {
	case HC_VT_NONE:
		fjson_raw(out, "null");
		return;
	case HC_VT_BOOL:
		fjson_raw(out, v->u ? "true" : "false");
		return;
	case HC_VT_I64:
	case HC_VT_U64:
		if (print == FP_HEX || print == FP_OCT || print == FP_TEXT ||
		    (print == FP_PADDED && val->kind != FVAL_FIELD))
			break;
		if (v->type == HC_VT_I64)
			fjson_i64(out, v->i);
		else
			fjson_u64(out, v->u);
		return;
	case HC_VT_LIST:
		fjson_char(out, '[');
		for (uint32_t i = 0; i < v->list.n; i++) {
			if (i)
				fjson_char(out, ',');
			put_json(val, &v->list.v[i], print, wall_ns, out);
		}
		fjson_char(out, ']');
		return;
	default:
		break;
	}
	put_value(val, v, print, &text);
	fjson_text(out, (struct hc_str){ text.p, text.n });
}

struct pair {
	struct hc_str key;
	const struct fx_val *val; /* NULL: text, or the time */
	struct hc_value value;
	bool is_time_key;
};

struct pairs {
	struct hc_arena *arena;
	struct pair *v;
	uint32_t n, cap;
};

/* In the place of what has that key already. */
static void add_pair(struct pairs *p, const struct pair *pair)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (hc_str_eq(p->v[i].key, pair->key)) {
			p->v[i] = *pair;
			return;
		}
	if (p->n == p->cap) {
		uint32_t cap = p->cap ? p->cap * 2 : 32;
		struct pair *grown = hc_arena_alloc(p->arena, cap * sizeof(*grown));

		if (!grown)
			return;
		if (p->n)
			memcpy(grown, p->v, p->n * sizeof(*grown));
		p->v = grown;
		p->cap = cap;
	}
	p->v[p->n++] = *pair;
}

static int by_key(const void *a, const void *b)
{
	return hc_str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void add_format(struct pairs *p, const struct fbound *f, struct hc_view *v, unsigned type, uint32_t row)
{
	for (uint32_t i = 0; i < f->format->n; i++) {
		const struct fx_val *val = f->format->tokens[i].val;

		if (val && val->kind == FVAL_FIELD)
			add_pair(p, &(struct pair){ .key = val->field.text,
			                            .val = val,
			                            .value = token_value(f, i, v, type, row) });
	}
}

void falco_fields_put(const struct fbound *const *formats, uint32_t n, const struct fextra *extras,
                      uint32_t n_extras, bool child, const char *time_key, struct hc_view *v, unsigned type,
                      uint32_t row, int64_t wall_ns, struct fjson *out)
{
	struct pairs p = { .arena = out->arena };

	for (uint32_t i = 0; i < n; i++)
		add_format(&p, formats[i], v, type, row);
	if (time_key)
		add_pair(&p, &(struct pair){ .key = hc_str_c(time_key), .is_time_key = true });
	for (uint32_t i = 0; i < n_extras; i++) {
		const struct fextra *e = &extras[i];
		const struct fbound *f = child ? e->bound_child : e->bound;
		struct pair pair = { .key = e->key };
		struct fjson text = { .arena = out->arena, .base64 = out->base64 };

		if (e->raw) {
			pair.val = f->format->tokens[0].val;
			pair.value = token_value(f, 0, v, type, row);
		} else {
			falco_format_put(f, v, type, row, &text);
			pair.value = falco_out_value(&text);
		}
		add_pair(&p, &pair);
	}
	if (p.n)
		qsort(p.v, p.n, sizeof(*p.v), by_key);
	fjson_char(out, '{');
	for (uint32_t i = 0; i < p.n; i++) {
		if (i)
			fjson_char(out, ',');
		fjson_text(out, p.v[i].key);
		fjson_char(out, ':');
		if (p.v[i].is_time_key)
			fjson_i64(out, wall_ns);
		else if (p.v[i].val)
			put_json(p.v[i].val, &p.v[i].value, print_of(p.v[i].val, type), wall_ns, out);
		else
			fjson_text(out, p.v[i].value.type ? p.v[i].value.s : HC_STR(""));
	}
	fjson_char(out, '}');
}
