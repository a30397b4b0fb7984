/*
 * Blocks that are loaded now. A block that nobody uses any more stays for a while: joins come back to it. How many
 * stay is bounded by number and by the memory that their decoded columns take.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql_priv.h"
#include "store/render.h"

#define MAX_IDLE_BYTES (96u << 20)

struct q_cap *hc_q_cap_new(struct hc_capture *capture, bool owned)
{
	struct q_cap *cap = calloc(1, sizeof(*cap));
	uint32_t n_blocks;

	hc_capture_blocks(capture, &n_blocks);
	if (cap)
		cap->reported = calloc((size_t)n_blocks / 8 + 1, 1);
	if (!cap || !cap->reported) {
		free(cap);
		if (owned)
			hc_capture_close(capture);
		return NULL;
	}
	cap->n_refs = 1;
	cap->capture = capture;
	cap->owns_capture = owned;
	cap->limit = (struct q_range){ INT64_MIN, INT64_MAX };
	cap->max_idle_bytes = MAX_IDLE_BYTES;
	snprintf(cap->path, sizeof(cap->path), "%s", hc_capture_path(capture));
	return cap;
}

struct q_cap *hc_q_cap_ref(struct q_cap *cap)
{
	cap->n_refs++;
	return cap;
}

static void unload(struct q_block *b)
{
	hc_view_free(b->view);
	hc_block_close(b->block);
	free(b);
}

struct q_cap *hc_q_cap_unref(struct q_cap *cap)
{
	if (!cap || --cap->n_refs > 0)
		return NULL;
	hc_q_objs_done(cap);
	for (unsigned i = 0; i < cap->n_idle; i++)
		unload(cap->idle[i]);
	hc_q_buf_done(&cap->scratch);
	if (cap->owns_capture)
		hc_capture_close(cap->capture);
	free(cap->reported);
	free(cap);
	return NULL;
}

static void report(struct q_cap *cap, uint32_t idx, const struct hc_err *err)
{
	uint8_t bit = (uint8_t)(1u << idx % 8);

	if (cap->reported[idx / 8] & bit)
		return;
	cap->reported[idx / 8] |= bit;
	hc_capture_add_problem(cap->capture, idx, err);
}

static struct q_block *take_idle(struct q_cap *cap, uint32_t idx)
{
	for (unsigned i = 0; i < cap->n_idle; i++) {
		struct q_block *b = cap->idle[i];

		if (b->idx != idx)
			continue;
		cap->idle[i] = cap->idle[--cap->n_idle];
		cap->idle_bytes -= hc_block_mem_bytes(b->block);
		return b;
	}
	return NULL;
}

static void drop_oldest(struct q_cap *cap)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < cap->n_idle; i++)
		if (cap->idle[i]->used_at < cap->idle[oldest]->used_at)
			oldest = i;
	cap->idle_bytes -= hc_block_mem_bytes(cap->idle[oldest]->block);
	unload(cap->idle[oldest]);
	cap->idle[oldest] = cap->idle[--cap->n_idle];
}

/* Damage that was met while columns were read: values of the block were absent, and that is said. */
static void check(struct q_cap *cap, const struct q_block *b)
{
	struct hc_err err = { 0 };
	int r = hc_view_error(b->view, &err);

	if (r == -ENOMEM)
		cap->oom = 1;
	else if (r < 0)
		report(cap, b->idx, &err);
}

int hc_q_block_get(struct q_cap *cap, uint32_t idx, struct q_block **ret)
{
	struct q_block *b = take_idle(cap, idx);
	struct hc_err err = { 0 };
	uint32_t n;
	int r;

	if (b) {
		b->n_refs = 1;
		*ret = b;
		return 1;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->view = hc_view_new();
	r = b->view ? hc_capture_load(cap->capture, idx, &b->block, &err) : -ENOMEM;
	cap->n_loads++;
	if (r < 0) {
		if (r != -ENOMEM)
			report(cap, idx, &err);
		unload(b);
		return r == -ENOMEM ? r : 0;
	}
	hc_view_set(b->view, b->block, NULL);
	b->idx = idx;
	b->n_refs = 1;
	b->meta = hc_capture_blocks(cap->capture, &n) + idx;
	b->seg = hc_capture_segs(cap->capture, &n) + b->meta->seg;
	hc_render_hex((struct hc_str){ (const char *)b->seg->header.boot_id, 4 }, b->boot, sizeof(b->boot));
	*ret = b;
	return 1;
}

int hc_q_block_rows(struct q_cap *cap, struct q_block *b)
{
	struct hc_err err = { 0 };
	int r;

	if (b->has_rows)
		return 1;
	r = hc_block_rows(b->block, &b->rows, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		report(cap, b->idx, &err);
		return 0;
	}
	b->has_rows = true;
	return 1;
}

void hc_q_block_put(struct q_cap *cap, struct q_block *b)
{
	if (!b || --b->n_refs > 0)
		return;
	check(cap, b);
	b->used_at = ++cap->tick;
	while (cap->n_idle &&
	       (cap->n_idle == Q_MAX_IDLE || cap->idle_bytes + hc_block_mem_bytes(b->block) > cap->max_idle_bytes))
		drop_oldest(cap);
	cap->idle[cap->n_idle++] = b;
	cap->idle_bytes += hc_block_mem_bytes(b->block);
}
