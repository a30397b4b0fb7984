/* Rules files that are loaded one after another: what a further file leaves as it was is not compiled again, and
 * nobody notices. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir_priv.h"
#include "replay/dialects/falco/falco_priv.h"
#include "replay/falco.h"

/* Items that change, use and shadow each other; some have something to warn of, some are wrong. */
#define RULE(name, cond) \
	"- rule: " name "\n  desc: d\n  condition: " cond "\n  output: \"%proc.name\"\n  priority: INFO\n"
static const char *const items[] = {
	"- list: a\n  items: [x, y]\n",
	"- list: a\n  items: [x, z]\n",
	"- list: a\n  items: ['x', y] # the same\n",
	"- list: a\n  items: [w]\n  override:\n    items: append\n",
	"- list: b\n  items: [a, v]\n",
	"- list: b\n  items: [v]\n",
	"- list: bash\n  items: [sh, dash]\n", /* the word of a rule becomes a list */
	"- list: \"x y\"\n  items: [q]\n",
	"- list: unused\n  items: []\n",
	"- macro: m\n  condition: proc.name in (a)\n",
	"- macro: m\n  condition: (proc.name in (a))\n",
	"- macro: m\n  condition: proc.name in (a, b) # other\n",
	"- macro: m\n  condition: or proc.name = bash\n  override:\n    condition: append\n",
	"- macro: n\n  condition: m and fd.num > 1\n",
	"- macro: n\n  condition: evt.type = close\n",
	"- macro: o\n  condition: not n\n",
	"- macro: m\n  condition: n\n", /* may lead to itself */
	"- macro: warned\n  condition: evt.dir = < and proc.name = fd.name\n",
	RULE("One", "evt.type = open and m"),
	RULE("Two", "evt.type in (open, close) and n and o"),
	RULE("Three", "evt.type = open and proc.name in (b, bash)"),
	RULE("Three", "evt.type = open and proc.name in (b, bash, 'x y')"),
	RULE("Four", "evt.type = open and warned"),
	RULE("Five", "proc.name = bash"),
	RULE("Six", "evt.type = open and proc.name regex 'ab.*'"),
	RULE("Bad", "evt.type = open and no.such.field = 1"),
	RULE("Bad", "evt.type = open and undefined"),
	"- rule: One\n  condition: and proc.pid > 1\n  override:\n    condition: append\n",
	"- rule: One\n  enabled: false\n",
	"- rule: Two\n  output: \"%evt.latency\"\n  override:\n    output: replace\n",
	"- rule: Three\n  exceptions:\n    - name: e\n      fields: [proc.name]\n      comps: [in]\n      values: "
	"[[a]]\n"
	"  override:\n    exceptions: append\n",
	"- rule: Three\n  tags: [t]\n  priority: ERROR\n  override:\n    tags: replace\n    priority: replace\n",
};
static const char base[] =
	"- list: a\n  items: [x, y]\n"
	"- list: b\n  items: [a, v]\n"
	"- macro: m\n  condition: proc.name in (a)\n"
	"- macro: n\n  condition: m and fd.num > 1\n"
	"- macro: o\n  condition: not n\n"
	"- macro: warned\n  condition: evt.dir = < and proc.name = fd.name\n" RULE("One", "evt.type = open and m")
		RULE("Two", "evt.type in (open, close) and n and o")
			RULE("Three", "evt.type = open and proc.name in (b, bash)")
				RULE("Four", "evt.type = open and warned");
#define N_ITEMS (sizeof(items) / sizeof(items[0]))

static uint32_t lcg(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* All that is known of what was loaded. */
static char *told(struct hc_falco *f)
{
	struct hc_arena arena = { 0 };
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	char *text = NULL;
	size_t n_bytes;
	FILE *out = open_memstream(&text, &n_bytes);

	cr_assert_not_null(out);
	fprintf(out, "%s\n", hc_falco_results_json(f, &arena));
	for (uint32_t i = 0; i < hc_falco_n_diags(f); i++)
		fprintf(out, "%s %d %d\n", hc_falco_diag_text(f, hc_falco_diag(f, i), &arena),
		        hc_falco_diag(f, i)->beyond, hc_falco_diag(f, i)->repeated);
	for (uint32_t i = 0; i < hc_falco_n_rules(f); i++) {
		const struct hc_falco_rule *r = hc_falco_rule(f, i);

		fprintf(out, "%s: %d %s %s %s:%u\n", r->name, r->enabled, r->condition, r->output, r->file,
		        r->line);
	}
	if (hc_falco_build(f, ir, NULL) == 0) {
		for (uint32_t i = 0; i < ir->n_rules; i++)
			for (uint32_t k = 0; k < ir->rules[i].n_when; k++)
				fprintf(out, "%s %u:\n%s", ir->rules[i].opts.name, ir->rules[i].when[k].event_type,
				        hc_node_text(ir, ir->rules[i].when[k].node));
	}
	cr_assert_eq(fclose(out), 0);
	hc_arena_done(&arena);
	return text;
}

Test(falco_further, files_give_what_a_compilation_of_all_gives)
{
	uint32_t state = 7, n_kept = 0, n_good = 0;

	for (unsigned round = 0; round < 600; round++) {
		HC_AUTO(hc_falco_free) struct hc_falco *kept = hc_falco_new(NULL), *whole = hc_falco_new(NULL);
		unsigned n_files = 2 + lcg(&state) % 4;
		char text[8192], *a, *b;

		whole->whole = true;
		for (unsigned file = 0; file < n_files; file++) {
			unsigned n = 1 + lcg(&state) % 3;
			char name[16];
			int r;

			strcpy(text, file ? "" : base);
			for (unsigned i = 0; i < n; i++)
				strcat(text, items[lcg(&state) % N_ITEMS]);
			snprintf(name, sizeof(name), "%u.yaml", file);
			r = hc_falco_load_text(kept, name, text, strlen(text), NULL);
			cr_assert_eq(hc_falco_load_text(whole, name, text, strlen(text), NULL), r);
			n_good += r == 0 && file;
			n_kept += kept->n_kept;
		}
		a = told(kept);
		b = told(whole);
		cr_assert_str_eq(a, b, "round %u", round);
		free(a);
		free(b);
	}
	cr_expect_gt(n_good, 100u, "%u files loaded behind others", n_good);
	cr_expect_gt(n_kept, 1000u, "%u rules were kept", n_kept);
}
