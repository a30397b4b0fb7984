/* Any text as a condition: a parsed one is in its limits, and the same text gives the same answer again. */
#include <stdlib.h>
#include <string.h>

#include "replay/dialects/falco/check.h"
#include "replay/falco.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const struct fast *n, uint32_t len, unsigned depth)
{
	if (n->pos > len || depth > FPARSE_MAX_DEPTH)
		abort();
	for (uint32_t i = 0; i < n->n; i++)
		visit(n->kids[i], len, depth + 1);
	for (uint32_t i = 0; i < n->n_consts; i++)
		if (n->consts[i]->pos > len)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fparse_err e = { 0 }, again = { 0 };
	struct hc_arena arena = { 0 };
	struct fast *tree, *same;
	struct ftext text;
	int r;

	if (size > 16384)
		return 0;
	ftext_init(&text, &arena);
	ftext_add(&text, (struct hc_str){ (const char *)data, (uint32_t)size }, NULL, NULL, 0, true);
	r = falco_parse(&text, &arena, &tree, &e);
	if (r != falco_parse(&text, &arena, &same, &again) ||
	    (r < 0 && (e.pos > size || strcmp(e.msg, again.msg) != 0)))
		abort();
	if (r == 0)
		visit(tree, text.len, 1);
	if (r == 0 && size < 512 && !memchr(data, 0, size)) {
		HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
		struct hc_err err = { 0 };

		if (hc_falco_filter_compile(ir, text.p, &err) < 0 && !err.code)
			abort();
	}
	hc_arena_done(&arena);
	return 0;
}
