/*
 * A block is never passed over that holds a value asked for: every computed field of Falco's, of every event type,
 * is asked about its own values in random blocks, whole, in part and by components. That conditions made of them
 * agree with the slow evaluator is seen in replay_eval_test.c.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "ir_priv.h"
#include "prune_priv.h"
#include "replay/dialects/falco/bind.h"
#include "store/capture.h"

enum { MAX_LEAVES = 2048, MAX_ARGS = 12, N_ENTRIES = 60 };

struct asked {
	const struct hc_leaf *leaf;
	const void *arg;
	unsigned dom;
};

struct fields {
	struct hc_ir *ir;
	struct hc_arena arena;
	struct asked v[MAX_LEAVES];
	unsigned n;
};

struct tally {
	uint64_t n_values, n_parts, n_absent_refused;
};

static void add_leaves(struct fields *f, const struct hc_access *a)
{
	unsigned n_args = 0;

	if (!a)
		return;
	if (a->kind == HC_ACCESS_ELSE) {
		add_leaves(f, a->a);
		add_leaves(f, a->b);
		return;
	}
	if (a->kind != HC_ACCESS_LEAF || (!a->leaf->may_be && !a->leaf->may_contain))
		return;
	for (unsigned i = 0; i < f->n; i++) {
		if (f->v[i].leaf != a->leaf || f->v[i].dom != a->path->dom)
			continue;
		if (f->v[i].arg == a->arg || ++n_args == MAX_ARGS)
			return;
	}
	cr_assert_lt(f->n, MAX_LEAVES);
	f->v[f->n++] = (struct asked){ a->leaf, a->arg, a->path->dom };
}

/* Arguments that fields may take, and that random captures have. */
static const char *const args[] = { NULL, "0", "1", "2", "3", "name", "path", "PATH", "src", "dst", "linkpath" };

static void bind_all(struct fields *f)
{
	struct hc_type_set types = falco_event_types(true);
	struct fbinder b;
	char msg[256];

	f->ir = hc_ir_new();
	fbinder_init(&b, f->ir, true);
	for (unsigned id = 0; id < N_FIELDS; id++) {
		for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
			struct hc_str name = { falco_fields[id].name, falco_fields[id].len };
			struct fref ref;

			if (falco_field_find(name, args[i], args[i] ? hc_str_c(args[i]) : HC_STR(""), &f->arena,
			                     &ref, msg, sizeof(msg)) != FLOOKUP_OK)
				continue;
			for (unsigned type = 0; type < HC_EV_MAX; type++) {
				if (!hc_type_set_has(&types, type))
					continue;
				fbinder_type(&b, type);
				add_leaves(f, falco_bind(&b, &ref));
			}
		}
	}
	cr_assert_eq(hc_ir_error(f->ir, NULL), 0);
	cr_assert_gt(f->n, 40);
}

static struct hc_prune deep(struct hc_block *block)
{
	return (struct hc_prune){ .block = block, .deep = true };
}

static void ask_text(const struct asked *a, struct hc_block *block, struct hc_str s, struct hc_gen_rng *rng,
                     struct tally *t)
{
	struct hc_prune p = deep(block);
	const char *slash;

	if (a->leaf->may_be)
		cr_assert(a->leaf->may_be(&p, a->arg, s), "%s = '" HC_STR_FMT "' of a block that has it",
		          a->leaf->name, HC_STR_ARG(s));
	t->n_values++;
	if (!a->leaf->may_contain)
		return;
	for (unsigned i = 0; i < 4 && s.len; i++) {
		uint32_t from = (uint32_t)hc_gen_below(rng, s.len);
		struct hc_str part = { s.p + from, (uint32_t)(1 + hc_gen_below(rng, s.len - from)) };

		p.n_parts = 0;
		cr_assert(a->leaf->may_contain(&p, a->arg, part),
		          "'" HC_STR_FMT "' contains '" HC_STR_FMT "', which %s does not know", HC_STR_ARG(s),
		          HC_STR_ARG(part), a->leaf->name);
		t->n_parts++;
	}
	slash = s.len ? memrchr(s.p, '/', s.len) : NULL;
	if (slash) {
		struct hc_str last = { slash + 1, (uint32_t)(s.p + s.len - slash - 1) };

		p.n_parts = 0;
		cr_assert(a->leaf->may_contain(&p, a->arg, last));
	}
}

static void ask_leaf(const struct asked *a, struct hc_view *v, struct hc_block *block, struct hc_gen_rng *rng,
                     struct tally *t)
{
	uint32_t n = hc_view_n(v, a->dom);
	struct hc_prune p = deep(block);

	for (uint32_t i = 0; i < n && i < N_ENTRIES; i++) {
		uint32_t entry = n <= N_ENTRIES ? i + 1 : 1 + (uint32_t)hc_gen_below(rng, n);
		struct hc_value value = a->leaf->get(v, a->dom, entry, a->arg);

		if (value.type == HC_VT_STR) {
			ask_text(a, block, value.s, rng, t);
		} else if (value.type == HC_VT_IP) {
			cr_assert(a->leaf->may_be(&p, a->arg, value.s), "%s of a block that has it",
			          a->leaf->name);
			t->n_values++;
		}
	}
	p.n_parts = 0;
	if (a->leaf->may_be && a->leaf->type == HC_VT_STR)
		t->n_absent_refused += !a->leaf->may_be(&p, a->arg, HC_STR("/surely/not-in-this-block/x"));
}

Test(prune, never_refuses_a_value_that_the_block_has)
{
	struct fields f = { 0 };
	struct tally t = { 0 };

	bind_all(&f);
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct hc_gen_opts opts = { .seed = seed, .n_rows = 3000, .no_hashes = true, .each = true };
		struct hc_view *view = hc_view_new();
		struct hc_gen_rng rng = { seed };
		struct hc_gen_result result;
		struct hc_err err = { 0 };
		struct hc_capture *c;
		char *dir = hc_gen_tmpdir();
		uint32_t *blocks, n_blocks;

		cr_assert_eq(hc_gen_capture(dir, &opts, &result, &err), 0, "%s", err.msg);
		cr_assert_eq(hc_capture_open(dir, 0, &c, &err), 0, "%s", err.msg);
		cr_assert_eq(hc_capture_select(c, &(struct hc_block_filter){ 0 }, &blocks, &n_blocks, &err), 0);
		for (uint32_t i = 0; i < n_blocks && i < 3; i++) {
			struct hc_block *block;

			cr_assert_eq(hc_capture_load(c, blocks[i], &block, &err), 0, "%s", err.msg);
			hc_view_set(view, block, NULL);
			for (unsigned k = 0; k < f.n; k++)
				ask_leaf(&f.v[k], view, block, &rng, &t);
			hc_view_set(view, NULL, NULL);
			hc_block_close(block);
		}
		free(blocks);
		hc_capture_close(c);
		hc_gen_result_done(&result);
		hc_gen_rm(dir);
		free(dir);
		hc_view_free(view);
	}
	cr_assert_gt(t.n_values, 10000, "%llu", (unsigned long long)t.n_values);
	cr_assert_gt(t.n_parts, 10000, "%llu", (unsigned long long)t.n_parts);
	cr_assert_gt(t.n_absent_refused, 6u * f.n / 2, "%llu", (unsigned long long)t.n_absent_refused);
	hc_arena_done(&f.arena);
	hc_ir_free(f.ir);
}
