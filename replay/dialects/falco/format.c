/* Output formats: text with % tokens. */
#include <stdio.h>

#include "replay/dialects/falco/falco_priv.h"

#define MAX_FORMAT_BYTES (1u << 20)
#define MAX_WIDTH 1023

struct tokens {
	struct ftoken *v;
	uint32_t n, cap;
};

static bool add(struct tokens *t, struct hc_arena *arena, const struct ftoken *token)
{
	if (t->n == t->cap) {
		uint32_t cap = t->cap ? t->cap * 2 : 32;
		struct ftoken *grown = hc_arena_alloc(arena, cap * sizeof(*grown));

		if (!grown)
			return false;
		if (t->n)
			memcpy(grown, t->v, t->n * sizeof(*grown));
		t->v = grown;
		t->cap = cap;
	}
	t->v[t->n++] = *token;
	return true;
}

struct acceptor {
	struct hc_arena *arena;
	const struct fx_val *val;
	char msg[512]; /* of the longest reading */
};

static bool accept(void *ctx, const struct fval *v)
{
	struct acceptor *a = ctx;
	struct fcheck c = { .arena = a->arena };

	a->val = falco_check_val(&c, v);
	if (!a->val && !a->msg[0])
		snprintf(a->msg, sizeof(a->msg), "%s", c.msg);
	return a->val != NULL;
}

static bool fail(struct fcheck *c, uint32_t pos, const char *msg, struct hc_str detail)
{
	c->pos = pos;
	snprintf(c->msg, sizeof(c->msg), "%s" HC_STR_FMT, msg, HC_STR_ARG(detail));
	return false;
}

/* The fields that a transformer is applied to. */
static bool add_inner(struct tokens *t, struct hc_arena *arena, const struct fx_val *val)
{
	for (uint32_t i = 0; val->kind != FVAL_FIELD && i < val->n; i++) {
		const struct ftoken inner = { .val = val->kids[i], .inner = true };

		if (val->kids[i]->kind == FVAL_FIELD ? !add(t, arena, &inner) : !add_inner(t, arena, val->kids[i]))
			return false;
	}
	return true;
}

/* At a percent sign. */
static bool token(struct hc_str text, uint32_t *at, struct fcheck *c, struct tokens *out)
{
	struct acceptor a = { .arena = c->arena };
	struct ftoken t = { 0 };
	const struct fval *val;
	uint32_t from = *at + 1, len;
	struct hc_str rest;

	while (from < text.len && text.p[from] >= '0' && text.p[from] <= '9') {
		t.width = t.width * 10 + (uint32_t)(text.p[from++] - '0');
		if (t.width > MAX_WIDTH)
			return fail(c, *at, "invalid formatting token: the width is over 1023", HC_STR(""));
	}
	if (from >= text.len)
		return fail(c, *at, "invalid formatting syntax: formatting cannot end with a ",
		            from == *at + 1 ? HC_STR("%") : HC_STR("number"));
	rest = (struct hc_str){ text.p + from, text.len - from };
	if (!falco_parse_token(rest, c->arena, accept, &a, &val, &len)) {
		uint32_t n = 0;

		while (n < rest.len && n < 60 && rest.p[n] != ' ' && rest.p[n] != '\n')
			n++;
		c->skippable = true;
		fail(c, *at, "unknown filter: ", (struct hc_str){ rest.p, n });
		if (a.msg[0]) {
			size_t used = strlen(c->msg);

			snprintf(c->msg + used, sizeof(c->msg) - used, " (%.200s)", a.msg);
		}
		return false;
	}
	t.val = a.val;
	t.text = (struct hc_str){ rest.p, len };
	*at = from + len;
	return (add(out, c->arena, &t) && add_inner(out, c->arena, a.val)) ||
	       fail(c, *at, "out of memory", HC_STR(""));
}

bool falco_format_parse(struct hc_str text, struct fcheck *c, struct fformat **ret)
{
	struct tokens out = { 0 };
	struct fformat *f = hc_arena_alloc(c->arena, sizeof(*f));
	uint32_t at = 0;

	if (!f) {
		c->no_memory = true;
		return false;
	}
	if (!text.len)
		return fail(c, 0, "empty formatting token", HC_STR(""));
	if (text.len > MAX_FORMAT_BYTES)
		return fail(c, 0, "the output is larger than 1 MiB", HC_STR(""));
	if (text.p[0] == '*') {
		f->keep = true;
		at = 1;
	}
	while (at < text.len) {
		uint32_t from = at;
		struct ftoken literal = { 0 };

		if (text.p[at] == '%') {
			if (!token(text, &at, c, &out))
				return false;
			continue;
		}
		while (at < text.len && text.p[at] != '%')
			at++;
		literal.text = (struct hc_str){ text.p + from, at - from };
		if (!add(&out, c->arena, &literal)) {
			c->no_memory = true;
			return false;
		}
	}
	f->tokens = out.v;
	f->n = out.n;
	*ret = f;
	return true;
}
