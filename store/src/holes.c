#include "store/holes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index_priv.h"

#define FIELD(name) (HC_C_META_GAP_##name - HC_N_COMMON_COLS)
#define BEGINNING 8u /* blocks of a segment: a recorder says there that nobody recorded before it */

static int64_t wall_of(const struct hc_block_info *i, uint64_t boot_ns)
{
	return (int64_t)(boot_ns + (uint64_t)i->wall_offset_ns);
}

static int add(struct hc_holes *h, enum hc_stream stream, int64_t end)
{
	int64_t *v = reallocarray(h->end[stream], h->n[stream] + 1u, sizeof(*v));

	if (!v)
		return -ENOMEM;
	h->end[stream] = v;
	v[h->n[stream]++] = end;
	return 0;
}

static bool is_text(const struct hc_scan_meta *m, unsigned field, const char *text)
{
	return m->valid[field] && hc_str_eq(m->text[field], hc_str_c(text));
}

/* A row of a time in which nobody recorded, or of which nobody knows what was recorded. */
static bool is_pause(const struct hc_scan_meta *m)
{
	return !m->valid[FIELD(of_type)] && m->valid[FIELD(until_ns)] &&
	       (is_text(m, FIELD(cause), "stopped") || is_text(m, FIELD(cause), "crash") ||
	        is_text(m, FIELD(cause), "other_version"));
}

static int take_block(struct hc_capture *c, uint32_t at, struct hc_scan *scan, struct hc_holes *h,
                      struct hc_err *err)
{
	HC_AUTO(hc_block_close) struct hc_block *b = NULL;
	int r;

	hc_scan_reset(scan);
	r = hc_capture_load(c, at, &b, err);
	if (r == 0)
		r = hc_scan_metas(scan, b, HC_EV_META_GAP, err);
	for (uint32_t i = 0; r == 0 && i < scan->n_metas; i++)
		if (is_pause(&scan->metas[i]))
			r = add(h, HC_STREAM_SECURITY,
			        wall_of(hc_block_info(b), (uint64_t)scan->metas[i].number[FIELD(until_ns)]));
	return r;
}

static int pauses(struct hc_capture *c, struct hc_holes *h)
{
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	struct hc_scan scan = { 0 };
	uint32_t n_blocks, n_segs;
	int r = 0;

	segs = hc_capture_segs(c, &n_segs);
	blocks = hc_capture_blocks(c, &n_blocks);
	for (uint32_t i = 0; i < n_blocks && r != -ENOMEM; i++) {
		struct hc_err why = { 0 };

		if (i - segs[blocks[i].seg].first_block >= BEGINNING ||
		    !hc_type_set_has(&blocks[i].info.types, HC_EV_META_GAP))
			continue;
		r = take_block(c, i, &scan, h, &why);
		if (r < 0 && r != -ENOMEM)
			hc_capture_add_problem(c, i, &why);
	}
	hc_scan_done(&scan);
	return r == -ENOMEM ? r : 0;
}

/* The earliest row of a segment and of those behind it in its stream and boot: what a recorder had in its rings
 * when it was killed is in the segment of the next one, and may be older than the first that it had written
 * itself. */
static int64_t begins(const struct hc_capture_seg *segs, uint32_t i, uint32_t n_segs,
                      const struct hc_capture_block *blocks)
{
	const struct hc_seg_header *of = &segs[i].header;
	int64_t first = INT64_MAX;

	for (; i < n_segs; i++) {
		const struct hc_seg_header *h = &segs[i].header;

		if (h->stream != of->stream || memcmp(h->boot_id, of->boot_id, sizeof(h->boot_id)) != 0)
			continue;
		for (uint32_t k = 0; k < segs[i].n_blocks; k++) {
			const struct hc_block_info *b = &blocks[segs[i].first_block + k].info;
			int64_t at = wall_of(b, b->first_ns);

			first = at < first ? at : first;
		}
	}
	return first;
}

/* Numbers that are not there. Bulk may begin later than its boot: it is the security stream that says when. */
static int missing(struct hc_capture *c, struct hc_holes *h)
{
	const struct hc_capture_seg *before[HC_N_STREAMS] = { NULL }, *segs;
	const struct hc_capture_block *blocks;
	bool hole[HC_N_STREAMS] = { false };
	uint32_t n_segs, n_blocks;
	int r = 0;

	segs = hc_capture_segs(c, &n_segs);
	blocks = hc_capture_blocks(c, &n_blocks);
	for (uint32_t i = 0; i < n_segs && r == 0; i++) {
		const struct hc_capture_seg *s = &segs[i], *b = before[s->header.stream];
		bool same = b && memcmp(b->header.boot_id, s->header.boot_id, sizeof(s->header.boot_id)) == 0;

		hole[s->header.stream] |= s->header.number != (same ? b->header.number + 1 : 1) ||
		                          (!same && s->header.stream == HC_STREAM_SECURITY);
		before[s->header.stream] = s;
		if (!s->n_blocks || !hole[s->header.stream]) /* one without rows, of a kill, is no hole itself */
			continue;
		hole[s->header.stream] = false;
		r = add(h, s->header.stream, begins(segs, i, n_segs, blocks));
	}
	return r;
}

int hc_holes_load(struct hc_capture *c, struct hc_holes *ret, struct hc_err *err)
{
	int r;

	*ret = (struct hc_holes){ 0 };
	r = missing(c, ret);
	if (r == 0)
		r = pauses(c, ret);
	if (r < 0)
		hc_holes_done(ret);
	return r < 0 ? hc_err_set(err, r, "out of memory") : 0;
}

void hc_holes_done(struct hc_holes *h)
{
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		free(h->end[k]);
	*h = (struct hc_holes){ 0 };
}

static int64_t latest(const struct hc_holes *h, enum hc_stream stream, int64_t at)
{
	int64_t since = 0;

	for (uint32_t i = 0; i < h->n[stream]; i++)
		if (h->end[stream][i] <= at && h->end[stream][i] > since)
			since = h->end[stream][i];
	return since;
}

int64_t hc_holes_since(const struct hc_holes *h, enum hc_stream stream, int64_t at_wall_ns)
{
	int64_t all = latest(h, HC_STREAM_SECURITY, at_wall_ns), own = latest(h, stream, at_wall_ns);

	return own > all ? own : all;
}
