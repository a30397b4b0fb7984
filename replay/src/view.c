/*
 * Columns are kept by domain and number in arrays that are made when first asked for. When a column cannot be
 * decoded the view answers from a page of zeros: everything is absent, and the first error is kept.
 */
#include "replay/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view_priv.h"

struct dom {
	uint32_t n;
	unsigned n_cols;
	struct hc_view_col cols[];
};

struct hc_view {
	struct hc_block *block;
	const void *user;
	struct hc_arena arena; /* until the next block */
	struct hc_err err;
	struct dom *dom[HC_DOM_MAX];
	struct hc_heap heap[2]; /* HC_OBJ_STR, HC_OBJ_BYTES */
	struct hc_lists lists[2];
	bool has_heap[2], has_lists[2], has_rows;
	struct hc_rows rows;
	uint32_t *places; /* of all rows, grouped by type */
	uint32_t first[HC_EV_MAX];
};

struct hc_view *hc_view_new(void)
{
	return calloc(1, sizeof(struct hc_view));
}

struct hc_view *hc_view_free(struct hc_view *v)
{
	if (!v)
		return NULL;
	hc_arena_done(&v->arena);
	free(v);
	return NULL;
}

void hc_view_set(struct hc_view *v, struct hc_block *block, const void *user)
{
	hc_arena_reset(&v->arena);
	v->block = block;
	v->user = user;
	v->err = (struct hc_err){ 0 };
	memset(v->dom, 0, sizeof(v->dom));
	memset(v->has_heap, 0, sizeof(v->has_heap));
	memset(v->has_lists, 0, sizeof(v->has_lists));
	v->has_rows = false;
	v->places = NULL;
}

struct hc_block *hc_view_block(const struct hc_view *v)
{
	return v->block;
}

const void *hc_view_user(const struct hc_view *v)
{
	return v->user;
}

struct hc_arena *hc_view_arena(struct hc_view *v)
{
	return &v->arena;
}

static void failed(struct hc_view *v, int code, const struct hc_err *err)
{
	if (v->err.code)
		return;
	if (err && err->code)
		v->err = *err;
	else
		hc_err_set(&v->err, code, code == -ENOMEM ? "out of memory" : "a damaged block");
}

int hc_view_error(const struct hc_view *v, struct hc_err *err)
{
	if (v->err.code && err && !err->code)
		*err = v->err;
	return v->err.code;
}

const struct hc_table_desc *hc_dom_desc(unsigned dom)
{
	if (HC_DOM_IS_ROWS(dom))
		return hc_event_desc(HC_DOM_EVENT(dom));
	return dom < HC_OBJ_END ? hc_obj_desc(dom) : NULL;
}

const char *hc_dom_name(unsigned dom)
{
	const struct hc_table_desc *desc = hc_dom_desc(dom);

	if (desc)
		return desc->name;
	switch (dom) {
	case HC_OBJ_STR:
		return "str";
	case HC_OBJ_BYTES:
		return "bytes";
	case HC_OBJ_STRS:
		return "strs";
	case HC_OBJ_INTS:
		return "ints";
	default:
		return "?";
	}
}

static struct dom *dom_get(struct hc_view *v, unsigned dom)
{
	const struct hc_table_desc *desc;
	struct dom *d;

	if (dom >= HC_DOM_MAX)
		return NULL;
	if (v->dom[dom])
		return v->dom[dom];
	desc = hc_dom_desc(dom);
	if (!desc)
		return NULL;
	d = hc_arena_alloc(&v->arena, sizeof(*d) + desc->n_cols * sizeof(d->cols[0]));
	if (!d) {
		failed(v, -ENOMEM, NULL);
		return NULL;
	}
	d->n = HC_DOM_IS_ROWS(dom) ? hc_block_n_rows(v->block, HC_DOM_EVENT(dom))
	                           : hc_block_n_entries(v->block, (enum hc_obj_type)dom);
	d->n_cols = desc->n_cols;
	v->dom[dom] = d;
	return d;
}

uint32_t hc_view_n(const struct hc_view *v, unsigned dom)
{
	if (HC_DOM_IS_ROWS(dom))
		return hc_block_n_rows(v->block, HC_DOM_EVENT(dom));
	return hc_block_n_entries(v->block, (enum hc_obj_type)dom);
}

static int load(struct hc_view *v, unsigned dom, unsigned col, bool is_ref, struct hc_view_col *c)
{
	struct hc_refs refs;
	struct hc_ints ints;
	struct hc_err err = { 0 };
	int r;

	if (is_ref) {
		r = HC_DOM_IS_ROWS(dom) ? hc_block_event_refs(v->block, HC_DOM_EVENT(dom), col, &refs, &err)
		                        : hc_block_obj_refs(v->block, (enum hc_obj_type)dom, col, &refs, &err);
		if (r == 0)
			c->refs = refs.v;
	} else {
		r = HC_DOM_IS_ROWS(dom) ? hc_block_event_ints(v->block, HC_DOM_EVENT(dom), col, &ints, &err)
		                        : hc_block_obj_ints(v->block, (enum hc_obj_type)dom, col, &ints, &err);
		if (r == 0) {
			c->ints = ints.v;
			c->valid = ints.valid;
		}
	}
	if (r < 0)
		failed(v, r, &err);
	return r;
}

static const struct hc_view_col nothing = { 0 };

const struct hc_view_col *hc_view_column(struct hc_view *v, unsigned dom, unsigned col)
{
	struct dom *d = dom_get(v, dom);
	struct hc_view_col *c;
	bool is_ref;

	if (!d || col >= d->n_cols)
		return &nothing;
	c = &d->cols[col];
	if (c->loaded)
		return c;
	is_ref = hc_dom_desc(dom)->cols[col].ref != HC_OBJ_NONE;
	c->loaded = true;
	if (load(v, dom, col, is_ref, c) < 0) {
		size_t padded = ((size_t)d->n + 127) / 64 * 64;
		void *zeros = hc_arena_alloc(&v->arena, padded * sizeof(int64_t));

		if (!zeros) {
			failed(v, -ENOMEM, NULL);
			d->n_cols = 0; /* nothing of this domain can be asked for any more */
			d->n = 0;
			return &nothing;
		}
		if (is_ref)
			c->refs = zeros;
		else {
			c->ints = zeros;
			c->valid = zeros;
		}
	}
	return c;
}

static const uint32_t no_offsets[2];

bool hc_view_has_heap(const struct hc_view *v, unsigned heap)
{
	return v->has_heap[heap == HC_OBJ_BYTES];
}

/* The ways that decode something are apart: an error's room on the stack is large, and clearing it takes longer
 * than the rest of the way that is usual. */
static void load_heap(struct hc_view *v, unsigned heap)
{
	unsigned i = heap == HC_OBJ_BYTES;
	struct hc_err err = { 0 };
	int r = hc_block_heap(v->block, (enum hc_obj_type)heap, &v->heap[i], &err);

	if (r < 0) {
		failed(v, r, &err);
		v->heap[i] = (struct hc_heap){ .bytes = "", .off = no_offsets };
	}
	v->has_heap[i] = true;
}

const struct hc_heap *hc_view_heap(struct hc_view *v, unsigned heap)
{
	if (!v->has_heap[heap == HC_OBJ_BYTES])
		load_heap(v, heap);
	return &v->heap[heap == HC_OBJ_BYTES];
}

static void load_lists(struct hc_view *v, unsigned lists)
{
	unsigned i = lists == HC_OBJ_INTS;
	struct hc_err err = { 0 };
	int r = hc_block_lists(v->block, (enum hc_obj_type)lists, &v->lists[i], &err);

	if (r < 0) {
		failed(v, r, &err);
		v->lists[i] = (struct hc_lists){ .first = no_offsets };
	}
	v->has_lists[i] = true;
}

const struct hc_lists *hc_view_lists(struct hc_view *v, unsigned lists)
{
	if (!v->has_lists[lists == HC_OBJ_INTS])
		load_lists(v, lists);
	return &v->lists[lists == HC_OBJ_INTS];
}

uint32_t hc_view_ref(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry)
{
	const struct hc_view_col *c;

	if (!entry)
		return 0;
	c = hc_view_column(v, dom, col);
	return c->refs ? c->refs[entry - 1] : 0;
}

bool hc_view_int(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry, int64_t *ret)
{
	const struct hc_view_col *c;

	if (!entry)
		return false;
	c = hc_view_column(v, dom, col);
	entry--;
	if (!c->ints || (c->valid && !(c->valid[entry / 64] >> (entry % 64) & 1)))
		return false;
	*ret = c->ints[entry];
	return true;
}

int64_t hc_view_int_or(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry, int64_t otherwise)
{
	int64_t value;

	return hc_view_int(v, dom, col, entry, &value) ? value : otherwise;
}

static struct hc_str heap_str(const struct hc_heap *h, uint32_t ref)
{
	if (!ref || ref > h->n)
		return (struct hc_str){ NULL, 0 };
	return hc_heap_get(h, ref);
}

struct hc_str hc_view_str(struct hc_view *v, uint32_t str_ref)
{
	return str_ref ? heap_str(hc_view_heap(v, HC_OBJ_STR), str_ref) : (struct hc_str){ NULL, 0 };
}

struct hc_str hc_view_bytes(struct hc_view *v, uint32_t bytes_ref)
{
	return bytes_ref ? heap_str(hc_view_heap(v, HC_OBJ_BYTES), bytes_ref) : (struct hc_str){ NULL, 0 };
}

struct hc_str hc_view_text(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry)
{
	return hc_view_str(v, hc_view_ref(v, dom, col, entry));
}

const uint32_t *hc_view_strs(struct hc_view *v, uint32_t list_ref, uint32_t *ret_n)
{
	const struct hc_lists *l = list_ref ? hc_view_lists(v, HC_OBJ_STRS) : NULL;

	if (!l || list_ref > l->n) {
		*ret_n = 0;
		return NULL;
	}
	*ret_n = l->first[list_ref] - l->first[list_ref - 1];
	return l->refs + l->first[list_ref - 1];
}

const int64_t *hc_view_ints(struct hc_view *v, uint32_t list_ref, uint32_t *ret_n)
{
	const struct hc_lists *l = list_ref ? hc_view_lists(v, HC_OBJ_INTS) : NULL;

	if (!l || list_ref > l->n) {
		*ret_n = 0;
		return NULL;
	}
	*ret_n = l->first[list_ref] - l->first[list_ref - 1];
	return l->ints + l->first[list_ref - 1];
}

static void load_rows(struct hc_view *v)
{
	struct hc_err err = { 0 };
	int r = hc_block_rows(v->block, &v->rows, &err);

	if (r < 0) {
		failed(v, r, &err);
		v->rows = (struct hc_rows){ 0 };
	}
	v->has_rows = true;
}

const struct hc_rows *hc_view_rows(struct hc_view *v)
{
	if (!v->has_rows)
		load_rows(v);
	return &v->rows;
}

const uint32_t *hc_view_row_places(struct hc_view *v, unsigned event_type)
{
	const struct hc_rows *rows = hc_view_rows(v);
	uint32_t total = 0;

	if (v->places)
		return v->places + v->first[event_type];
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		v->first[type] = total;
		total += hc_block_n_rows(v->block, type);
	}
	v->places = hc_arena_alloc(&v->arena, ((size_t)total + 1) * sizeof(uint32_t));
	if (!v->places) {
		failed(v, -ENOMEM, NULL);
		return NULL;
	}
	for (uint32_t i = 0; i < rows->n; i++) {
		unsigned type = rows->type[i];

		if (type < HC_EV_MAX && rows->pos[i] < hc_block_n_rows(v->block, type))
			v->places[v->first[type] + rows->pos[i]] = i;
	}
	return v->places + v->first[event_type];
}

bool hc_view_row_field(struct hc_view *v, unsigned event_type, uint32_t entry, enum hc_row_field f, int64_t *ret)
{
	const struct hc_rows *rows = hc_view_rows(v);
	const uint32_t *places;
	uint32_t at;

	if (!entry || event_type >= HC_EV_MAX || entry > hc_block_n_rows(v->block, event_type))
		return false;
	places = hc_view_row_places(v, event_type);
	if (!places || places[entry - 1] >= rows->n || !rows->seq || !rows->ts_ns || !rows->cpu)
		return false;
	at = places[entry - 1];
	switch (f) {
	case HC_ROWF_SEQ:
		*ret = (int64_t)rows->seq[at];
		return true;
	case HC_ROWF_TS_NS:
		*ret = (int64_t)rows->ts_ns[at];
		return true;
	case HC_ROWF_WALL_NS:
		*ret = (int64_t)(rows->ts_ns[at] + (uint64_t)hc_block_info(v->block)->wall_offset_ns);
		return true;
	case HC_ROWF_CPU:
		*ret = rows->cpu[at];
		return true;
	case HC_N_ROWFS:
		break;
	}
	return false;
}

static struct hc_value strs_value(struct hc_view *v, uint32_t ref)
{
	uint32_t n;
	const uint32_t *refs = hc_view_strs(v, ref, &n);
	struct hc_value *items = hc_arena_alloc(&v->arena, ((size_t)n + 1) * sizeof(*items));

	if (!items || !ref)
		return (struct hc_value){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		items[i] = hc_value_str(hc_view_str(v, refs[i]));
		items[i].ref = refs[i];
	}
	return (struct hc_value){ .type = HC_VT_LIST, .ref = ref, .list = { items, n } };
}

static struct hc_value ints_value(struct hc_view *v, uint32_t ref, bool is_signed)
{
	uint32_t n;
	const int64_t *ints = hc_view_ints(v, ref, &n);
	struct hc_value *items = hc_arena_alloc(&v->arena, ((size_t)n + 1) * sizeof(*items));

	if (!items || !ref)
		return (struct hc_value){ 0 };
	for (uint32_t i = 0; i < n; i++)
		items[i] = is_signed ? hc_value_i64(ints[i]) : hc_value_u64((uint64_t)ints[i]);
	return (struct hc_value){ .type = HC_VT_LIST, .ref = ref, .list = { items, n } };
}

struct hc_value hc_view_value(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry)
{
	const struct hc_table_desc *desc = hc_dom_desc(dom);
	const struct hc_col_desc *cd;
	struct hc_value value = { 0 };
	int64_t number;
	uint32_t ref;

	if (!desc || col >= desc->n_cols || !entry)
		return value;
	cd = &desc->cols[col];
	if (cd->ref == HC_OBJ_NONE) {
		if (!hc_view_int(v, dom, col, entry, &number))
			return value;
		if (cd->fmt == HC_FMT_BOOL)
			return hc_value_bool(number != 0);
		return cd->is_signed ? hc_value_i64(number) : hc_value_u64((uint64_t)number);
	}
	ref = hc_view_ref(v, dom, col, entry);
	if (!ref)
		return value;
	switch (cd->ref) {
	case HC_OBJ_STR:
		value = hc_value_str(hc_view_str(v, ref));
		break;
	case HC_OBJ_BYTES: {
		struct hc_str s = hc_view_bytes(v, ref);

		value = hc_value_bytes(cd->fmt == HC_FMT_IP ? HC_VT_IP : HC_VT_BYTES, s.p, s.len);
		break;
	}
	case HC_OBJ_STRS:
		return strs_value(v, ref);
	case HC_OBJ_INTS:
		return ints_value(v, ref, true);
	default:
		return value;
	}
	value.ref = ref;
	return value;
}
