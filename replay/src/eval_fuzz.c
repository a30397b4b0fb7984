/*
 * Any bytes as a segment, rules that touch most fields over its blocks: the evaluator, the computed fields and the
 * output stay within the block, hits are in order, and asking again gives the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/falco.h"
#include "replay/plan.h"
#include "store/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] = "- rule: names\n"
			    "  desc: d\n"
			    "  condition: fd.name contains e or proc.cmdline icontains A or proc.exepath glob "
			    "\"*/b*\" or fs.path.name startswith /t\n"
			    "  output: \"%proc.cmdline %proc.exepath %proc.aname[2] %fd.name %fs.path.name "
			    "%user.name %evt.args %proc.env[PATH]\"\n"
			    "  priority: ERROR\n"
			    "- rule: trees\n"
			    "  desc: d\n"
			    "  condition: not proc.aname in (bash, sh) and (proc.name regex \"[a-m].*\" or "
			    "proc.pname = proc.name or proc.cwd pmatch (/usr, /tmp))\n"
			    "  output: \"%proc.pcmdline %proc.sname %container.id %evt.res %evt.num\"\n"
			    "  priority: ERROR\n"
			    "- rule: numbers\n"
			    "  desc: d\n"
			    "  condition: (evt.rawres < 0 or fd.num > 3 or fd.sport in (53, 443) or fd.snet in "
			    "(\"10.0.0.0/8\")) and proc.pid > 1\n"
			    "  output: \"%fd.sip %fd.cport %fd.typechar %evt.type %evt.time %thread.tid\"\n"
			    "  priority: ERROR\n"
			    "- rule: all\n"
			    "  desc: d\n"
			    "  condition: evt.num > 0\n"
			    "  output: \"%evt.type\"\n"
			    "  priority: ERROR\n";

static struct hc_falco *falco;
static struct hc_plan *plan;
static struct hc_eval *eval, *other;

static void prepare(void)
{
	struct hc_ir *ir = hc_ir_new();
	struct hc_err err = { 0 };

	falco = hc_falco_new(NULL);
	if (!ir || !falco || hc_falco_load_text(falco, "fuzz", rules, sizeof(rules) - 1, &err) < 0 ||
	    hc_falco_build(falco, ir, &err) < 0 || hc_plan_new(ir, HC_MATCH_ALL, &plan, &err) < 0 ||
	    hc_eval_new(plan, NULL, &eval, &err) < 0 || hc_eval_new(plan, NULL, &other, &err) < 0)
		abort();
}

static void check_hits(struct hc_block *b, const struct hc_hit *hits, int n)
{
	struct hc_arena arena = { 0 };

	for (int i = 0; i < n; i++) {
		struct hc_alert alert = { .hit = &hits[i],
			                  .rule = hc_plan_rule(plan, hits[i].rule),
			                  .view = hc_eval_view(eval) };
		struct hc_str text;

		if (hits[i].row >= hc_block_n_rows(b, hits[i].type))
			abort();
		if (i && (hits[i].seq < hits[i - 1].seq ||
		          (hits[i].seq == hits[i - 1].seq && hits[i].rule < hits[i - 1].rule)))
			abort();
		if (i < 2000)
			(void)hc_falco_alert(falco, &alert, i % 2 ? HC_FALCO_JSON : HC_FALCO_TEXT, &arena, &text,
			                     NULL);
		hc_arena_reset(&arena);
	}
	hc_arena_done(&arena);
}

static void use_block(struct hc_block *b)
{
	const struct hc_hit *hits, *again;
	int n = hc_eval_block(eval, b, NULL, &hits, NULL), m = hc_eval_block(other, b, NULL, &again, NULL);

	if (n != m && n >= 0 && m >= 0)
		abort();
	if (n < 0)
		return;
	for (int i = 0; i < n && m == n; i++)
		if (hits[i].seq != again[i].seq || hits[i].rule != again[i].rule || hits[i].row != again[i].row)
			abort();
	check_hits(b, hits, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hc_seg *seg = NULL;
	int fd;

	if (!plan)
		prepare();
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || size > (1u << 20) || write(fd, data, size) != (ssize_t)size) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (hc_seg_load(fd, 0, UINT64_MAX, "fuzz", &seg, NULL) == 0) {
		for (uint32_t i = 0; i < seg->n_blocks; i++) {
			struct hc_block *b = NULL;

			if (hc_block_open(fd, (off_t)seg->blocks[i].off, "fuzz", &b, NULL) == 0)
				use_block(b);
			hc_block_close(b);
		}
		hc_seg_free(seg);
	}
	close(fd);
	return 0;
}
