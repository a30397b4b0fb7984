/* Masking as the tracker sees it: whose text it is, what was masked before, and how often. */
#include "tracker_priv.h"

#include <stdlib.h>
#include <string.h>

static void count(struct hc_tracker *t, unsigned type, const char *column, uint32_t rule, uint64_t n)
{
	struct mask_count *c;

	for (size_t i = 0; i < t->n_masked; i++) {
		c = &t->masked[i];
		if (c->type == type && c->rule == rule && strcmp(c->column, column) == 0) {
			c->count += n;
			return;
		}
	}
	if (t->n_masked == t->cap_masked) {
		size_t cap = t->cap_masked ? 2 * t->cap_masked : 32;
		struct mask_count *more = reallocarray(t->masked, cap, sizeof(*more));

		if (!more)
			return; /* in the total it is */
		t->masked = more;
		t->cap_masked = cap;
	}
	t->masked[t->n_masked++] = (struct mask_count){ (uint16_t)type, rule, column, n, 0 };
}

void mask_note(struct hc_tracker *t, unsigned type, const char *column, const struct hc_mask_hits *hits)
{
	for (uint32_t i = 0; hits && i < hits->n; i++) {
		t->stats.n_masked += hits->hit[i].count;
		t->stats.masked_by_type[type] += hits->hit[i].count;
		count(t, type, column, hits->hit[i].rule, hits->hit[i].count);
	}
}

bool mask_wanted(const struct hc_tracker *t, const struct tver *v, const struct timage *image)
{
	const struct tcgs *g = v ? v->cgs : NULL;
	struct hc_mask_who who = { 0 };

	if (!t->opts.mask)
		return false;
	if (!hc_mask_has_scopes(t->opts.mask) || !v)
		return true;
	image = image ? image : v->image;
	who.comm = txt_str(v->comm);
	who.exe = image && image->exe ? txt_str(image->exe->real) : who.exe;
	if (g && g->ctr) {
		who.container = txt_str(g->ctr->id);
		who.image = ctr_image_name(g->ctr);
		who.ns = ctr_pod_namespace(g->ctr);
	}
	if (!hc_mask_wants(t->opts.mask, &who))
		return false;
	for (uint32_t i = 0; g && g->list && i < g->list->n; i++) {
		struct hc_str path = cgs_path(txt_str(g->list->txt[i]));

		if (!path.p)
			continue;
		if (!hc_mask_wants(t->opts.mask, &(struct hc_mask_who){ .cgroup = path }))
			return false;
	}
	return true;
}

struct hc_str mask_label(struct hc_tracker *t, const struct tctr *k, const char *column, struct hc_str text)
{
	struct hc_mask_who who = { .container = txt_str(k->id),
		                   .image = ctr_image_name(k),
		                   .ns = ctr_pod_namespace(k),
		                   .cgroup = txt_str(k->path) };
	struct hc_mask_hits hits;
	size_t n;

	if (!t->opts.mask || !hc_mask_wants(t->opts.mask, &who))
		return text;
	text.p = hc_mask_apply(t->opts.mask, HC_MASK_ENV, text.p, text.len, &n, &hits);
	text.len = text.p ? (uint32_t)n : 0; /* else out of memory: rather nothing than a secret */
	if (text.p && !k->mask_told)
		mask_note(t, HC_EV_CTR_START, column, &hits);
	return text;
}

struct lst *lst_masked(struct hc_tracker *t, const struct tver *v, const struct timage *image,
                       enum hc_mask_form form, unsigned type, const char *column, const void *p, size_t bytes)
{
	struct hc_mask_hits hits;
	struct hc_hash128 h;
	struct lst *l;
	const void *to;
	size_t n;

	if (!mask_wanted(t, v, image))
		return lst_of_block(t, p, bytes);
	h = hash_bytes(hash_add(t->seed, 2 + form), p, bytes);
	l = lst_find(t, h);
	if (!l) {
		to = hc_mask_apply(t->opts.mask, form, p, bytes, &n, &hits);
		l = to ? lst_make(t, h, to, n) : NULL;
		if (l && hits.n)
			lst_set_hits(t, l, &hits);
	}
	if (l)
		mask_note(t, type, column, l->hits);
	return l;
}
