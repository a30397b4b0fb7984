/* Texts with places. */
#include <errno.h>
#include <string.h>

#include "replay/dialects/falco/ast.h"

void ftext_init(struct ftext *t, struct hc_arena *arena)
{
	*t = (struct ftext){ .arena = arena, .p = hc_arena_alloc(arena, 1) };
	t->failed = !t->p;
}

static bool reserve(struct ftext *t, uint32_t n_bytes, uint32_t n_spans)
{
	if (t->failed || n_bytes > FTEXT_MAX_BYTES - t->len)
		goto fail;
	if (!t->cap || t->len + n_bytes > t->cap - 1) {
		uint32_t cap = (t->len + n_bytes + 64) * 2;
		char *grown = hc_arena_raw(t->arena, cap);

		if (!grown)
			goto fail;
		memcpy(grown, t->p, t->len);
		t->p = grown;
		t->cap = cap;
	}
	if (t->n_spans + n_spans > t->cap_spans) {
		uint32_t cap = (t->n_spans + n_spans) * 2;
		struct fspan *grown = hc_arena_raw(t->arena, cap * sizeof(*grown));

		if (!grown)
			goto fail;
		if (t->n_spans)
			memcpy(grown, t->spans, t->n_spans * sizeof(*grown));
		t->spans = grown;
		t->cap_spans = cap;
	}
	return true;
fail:
	t->failed = true;
	return false;
}

void ftext_expect(struct ftext *t, size_t n_bytes, size_t n_pieces)
{
	char *p;
	struct fspan *spans;

	if (t->len || t->failed || n_bytes >= FTEXT_MAX_BYTES || n_pieces >= FTEXT_MAX_BYTES)
		return;
	p = hc_arena_raw(t->arena, n_bytes + 1);
	spans = hc_arena_raw(t->arena, n_pieces * sizeof(*spans));
	if (!p || !spans)
		return;
	p[0] = 0;
	t->p = p;
	t->cap = (uint32_t)n_bytes + 1;
	t->spans = spans;
	t->cap_spans = (uint32_t)n_pieces;
}

static void append(struct ftext *t, struct hc_str s)
{
	if (s.len)
		memcpy(t->p + t->len, s.p, s.len);
	t->len += s.len;
	t->p[t->len] = 0;
}

void ftext_add(struct ftext *t, struct hc_str s, const struct hc_yaml *yaml, const struct hc_yaml_node *node,
               uint32_t off, bool fixed)
{
	if (!s.len || !reserve(t, s.len, 1))
		return;
	t->spans[t->n_spans++] =
		(struct fspan){ .at = t->len, .off = off, .yaml = yaml, .node = node, .fixed = fixed };
	append(t, s);
}

void ftext_add_node(struct ftext *t, const struct hc_yaml *yaml, const struct hc_yaml_node *node)
{
	ftext_add(t, node->text, yaml, node, 0, false);
}

static uint32_t span_of(const struct ftext *t, uint32_t at)
{
	uint32_t lo = 0, hi = t->n_spans;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->spans[mid].at <= at)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

void ftext_add_part(struct ftext *t, const struct ftext *from, uint32_t begin, uint32_t end)
{
	if (from->failed)
		t->failed = true;
	if (begin >= end)
		return;
	for (uint32_t i = span_of(from, begin); i < from->n_spans && from->spans[i].at < end; i++) {
		const struct fspan *s = &from->spans[i];
		uint32_t a = s->at > begin ? s->at : begin;
		uint32_t b = i + 1 < from->n_spans && from->spans[i + 1].at < end ? from->spans[i + 1].at : end;

		ftext_add(t, (struct hc_str){ from->p + a, b - a }, s->yaml, s->node,
		          s->fixed ? s->off : s->off + (a - s->at), s->fixed);
	}
}

struct hc_str ftext_str(const struct ftext *t)
{
	return (struct hc_str){ t->p, t->len };
}

bool ftext_place(const struct ftext *t, uint32_t at, const struct hc_yaml **ret_yaml, uint32_t *ret_line,
                 uint32_t *ret_column)
{
	const struct fspan *s;
	uint32_t i;

	if (!t->n_spans)
		return false;
	i = span_of(t, at);
	if (!t->spans[i].node && i) /* a separator of ours: the piece before it */
		i--;
	s = &t->spans[i];
	if (!s->node)
		return false;
	*ret_yaml = s->yaml;
	hc_yaml_place(s->yaml, s->node, s->fixed ? s->off : s->off + (at - s->at), ret_line, ret_column);
	return true;
}
