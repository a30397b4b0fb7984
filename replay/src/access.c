/* One value for one entry: what output, comparisons of two accesses and computed leaves need. */
#include "access_priv.h"

static uint32_t walk(struct hc_view *v, const struct hc_path *p, uint32_t entry, unsigned skip)
{
	const struct hc_step *step;

	if (!p->prev || p->n_steps <= skip)
		return entry;
	entry = walk(v, p->prev, entry, skip);
	if (!entry)
		return 0;
	if (p->any)
		return hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, entry);
	step = p->step;
	if (step->kind == HC_STEP_COL)
		return hc_view_ref(v, step->from, step->col, entry);
	return walk(v, step->a, entry, 0) ?: walk(v, step->b, entry, 0);
}

static struct hc_value at_end(struct hc_view *v, const struct hc_access *a, uint32_t entry)
{
	unsigned dom = a->path->dom;
	int64_t number;

	if (!entry)
		return (struct hc_value){ 0 };
	switch (a->kind) {
	case HC_ACCESS_COL:
		return hc_view_value(v, dom, a->col, entry);
	case HC_ACCESS_ROW:
		if (!hc_view_row_field(v, HC_DOM_EVENT(dom), entry, (enum hc_row_field)a->col, &number))
			return (struct hc_value){ 0 };
		return (struct hc_value){ .type = a->vt, .i = number };
	default:
		return a->leaf->get(v, dom, entry, a->arg);
	}
}

/* The process to which the part of the path before "any ancestor" leads; the rest of the path after it is tried
 * for each. */
static struct hc_value nearest(struct hc_view *v, const struct hc_access *a, uint32_t row_entry)
{
	const struct hc_path *any = a->path;
	struct hc_value value = { 0 };
	uint32_t proc;

	while (!any->any)
		any = any->prev;
	proc = walk(v, any->prev, row_entry, 0);
	for (unsigned n = 0; proc && n < HC_MAX_ANCESTORS && value.type == HC_VT_NONE; n++) {
		proc = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
		if (proc)
			value = at_end(v, a, walk(v, a->path, proc, any->n_steps));
	}
	return value;
}

struct hc_value hc_access_from(struct hc_view *v, const struct hc_access *a, uint32_t entry, unsigned skip)
{
	struct hc_value value;

	switch (a->kind) {
	case HC_ACCESS_CONST:
		return a->value;
	case HC_ACCESS_ELSE:
		value = hc_access_from(v, a->a, entry, skip);
		return value.type != HC_VT_NONE ? value : hc_access_from(v, a->b, entry, skip);
	default:
		if (a->path->has_any)
			return nearest(v, a, entry);
		return at_end(v, a, walk(v, a->path, entry, skip));
	}
}

struct hc_value hc_access_value(struct hc_view *v, const struct hc_access *a, uint32_t row)
{
	if (!a || row >= hc_view_n(v, HC_DOM_ROWS(a->event_type)))
		return (struct hc_value){ 0 };
	return hc_access_from(v, a, row + 1, 0);
}
