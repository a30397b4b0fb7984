/* Tables about the capture itself: its files, its blocks, what could not be read, and the types of events there
 * are. */
#include <stdio.h>

#include "sql_priv.h"
#include "store/render.h"

enum { LIST_SEGMENTS, LIST_BLOCKS, LIST_PROBLEMS, LIST_TYPES };

struct list_col {
	const char *name, *decl;
};

enum {
	SEG_PATH,
	SEG_NODE,
	SEG_BOOT,
	SEG_STREAM,
	SEG_NUMBER,
	SEG_STATE,
	SEG_BYTES,
	SEG_N_BLOCKS,
	SEG_N_ROWS,
	SEG_FIRST_SEQ,
	SEG_LAST_SEQ,
	SEG_FIRST_TIME,
	SEG_LAST_TIME,
	SEG_CREATED_TIME,
	SEG_BOOT_ID,
	SEG_CAPTURE_ID,
	SEG_TOOL,
	SEG_FORMAT,
};

static const struct list_col seg_cols[] = {
	[SEG_PATH] = { "path", "TEXT" },
	[SEG_NODE] = { "node", "TEXT" },
	[SEG_BOOT] = { "boot", "TEXT" },
	[SEG_STREAM] = { "stream", "TEXT" },
	[SEG_NUMBER] = { "number", "INTEGER" },
	[SEG_STATE] = { "state", "TEXT" },
	[SEG_BYTES] = { "bytes", "INTEGER" },
	[SEG_N_BLOCKS] = { "n_blocks", "INTEGER" },
	[SEG_N_ROWS] = { "n_rows", "INTEGER" },
	[SEG_FIRST_SEQ] = { "first_seq", "INTEGER" },
	[SEG_LAST_SEQ] = { "last_seq", "INTEGER" },
	[SEG_FIRST_TIME] = { "first_time", Q_DECL_TIME },
	[SEG_LAST_TIME] = { "last_time", Q_DECL_TIME },
	[SEG_CREATED_TIME] = { "created_time", Q_DECL_TIME },
	[SEG_BOOT_ID] = { "boot_id", "TEXT" },
	[SEG_CAPTURE_ID] = { "capture_id", "TEXT" },
	[SEG_TOOL] = { "tool", "TEXT" },
	[SEG_FORMAT] = { "format", "TEXT" },
};

enum {
	BLK_BLOCK,
	BLK_SEGMENT,
	BLK_OFF,
	BLK_BYTES,
	BLK_STREAM,
	BLK_N_ROWS,
	BLK_FIRST_SEQ,
	BLK_LAST_SEQ,
	BLK_FIRST_TIME,
	BLK_LAST_TIME,
	BLK_FIRST_NS,
	BLK_LAST_NS,
	BLK_TYPES,
};

static const struct list_col blk_cols[] = {
	[BLK_BLOCK] = { "block", "INTEGER" },
	[BLK_SEGMENT] = { "segment", "TEXT" },
	[BLK_OFF] = { "off", "INTEGER" },
	[BLK_BYTES] = { "bytes", "INTEGER" },
	[BLK_STREAM] = { "stream", "TEXT" },
	[BLK_N_ROWS] = { "n_rows", "INTEGER" },
	[BLK_FIRST_SEQ] = { "first_seq", "INTEGER" },
	[BLK_LAST_SEQ] = { "last_seq", "INTEGER" },
	[BLK_FIRST_TIME] = { "first_time", Q_DECL_TIME },
	[BLK_LAST_TIME] = { "last_time", Q_DECL_TIME },
	[BLK_FIRST_NS] = { "first_ns", "INTEGER" },
	[BLK_LAST_NS] = { "last_ns", "INTEGER" },
	[BLK_TYPES] = { "types", "TEXT" },
};

static const struct list_col problem_cols[] = {
	{ "path", "TEXT" }, { "off", "INTEGER" }, { "bytes", "INTEGER" }, { "what", "TEXT" }
};

static const struct list_col type_cols[] = {
	{ "type", "TEXT" },   { "number", "INTEGER" }, { "class", "TEXT" },
	{ "stream", "TEXT" }, { "profile", "TEXT" },   { "n_rows", "INTEGER" },
};

static const struct {
	const struct list_col *cols;
	unsigned n;
} lists[] = {
	[LIST_SEGMENTS] = { seg_cols, sizeof(seg_cols) / sizeof(seg_cols[0]) },
	[LIST_BLOCKS] = { blk_cols, sizeof(blk_cols) / sizeof(blk_cols[0]) },
	[LIST_PROBLEMS] = { problem_cols, sizeof(problem_cols) / sizeof(problem_cols[0]) },
	[LIST_TYPES] = { type_cols, sizeof(type_cols) / sizeof(type_cols[0]) },
};

void hc_q_list_cols(struct q_table *t)
{
	for (unsigned i = 0; i < lists[t->type].n; i++)
		hc_q_col_add(t, lists[t->type].cols[i].name, lists[t->type].cols[i].decl, Q_FROM_LIST, i, false);
}

/* The n-th event type that is assigned. */
static const struct hc_table_desc *nth_type(uint32_t n)
{
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (hc_event_desc(type) && n-- == 0)
			return hc_event_desc(type);
	return NULL;
}

uint32_t hc_q_list_rows(struct q_cap *cap, unsigned list)
{
	uint32_t n = 0;

	switch (list) {
	case LIST_SEGMENTS:
		hc_capture_segs(cap->capture, &n);
		break;
	case LIST_BLOCKS:
		hc_capture_blocks(cap->capture, &n);
		break;
	case LIST_PROBLEMS:
		hc_capture_problems(cap->capture, &n);
		break;
	default:
		while (nth_type(n))
			n++;
	}
	return n;
}

static void set_int(struct q_val *ret, uint64_t v)
{
	*ret = (struct q_val){ .type = Q_INTEGER, .i = (int64_t)v };
}

static void set_c(struct q_val *ret, const char *text)
{
	*ret = (struct q_val){ .type = text ? Q_TEXT : Q_NULL, .s = hc_str_c(text) };
}

static void set_scratch(struct q_cap *cap, struct q_val *ret)
{
	*ret = (struct q_val){ .type = Q_TEXT, .s = { cap->scratch.p, (uint32_t)cap->scratch.n } };
}

static void set_time(struct q_cap *cap, int64_t wall_ns, struct q_val *ret)
{
	char text[HC_RENDER_TIME_MAX];

	hc_q_put(&cap->scratch, text, hc_render_time(wall_ns, text, sizeof(text)));
	set_scratch(cap, ret);
}

static void set_hex(struct q_cap *cap, const uint8_t *p, uint32_t n, struct q_val *ret)
{
	char text[64];

	hc_q_put(&cap->scratch, text, hc_render_hex((struct hc_str){ (const char *)p, n }, text, sizeof(text)));
	set_scratch(cap, ret);
}

static void put_uuid(struct q_buf *out, const uint8_t id[16])
{
	for (unsigned i = 0; i < 16; i++) {
		char text[4];
		bool dash = i == 4 || i == 6 || i == 8 || i == 10;

		hc_q_put(out, text, (size_t)snprintf(text, sizeof(text), "%s%02x", dash ? "-" : "", id[i]));
	}
}

static int64_t wall(const struct hc_block_info *info, uint64_t ns)
{
	return (int64_t)(ns + (uint64_t)info->wall_offset_ns);
}

/* Over a segment's blocks: counts, and the ends. */
static void seg_span(struct q_cap *cap, const struct hc_capture_seg *s, unsigned col, struct q_val *ret)
{
	uint32_t n;
	const struct hc_capture_block *b = hc_capture_blocks(cap->capture, &n) + s->first_block;
	uint64_t rows = 0;
	int64_t first = INT64_MAX, last = INT64_MIN;

	if (!s->n_blocks && col != SEG_N_ROWS)
		return;
	for (uint32_t i = 0; i < s->n_blocks; i++) {
		const struct hc_block_info *info = &b[i].info;

		rows += info->n_rows;
		first = wall(info, info->first_ns) < first ? wall(info, info->first_ns) : first;
		last = wall(info, info->last_ns) > last ? wall(info, info->last_ns) : last;
	}
	switch (col) {
	case SEG_N_ROWS:
		set_int(ret, rows);
		break;
	case SEG_FIRST_SEQ:
		set_int(ret, b[0].info.first_seq);
		break;
	case SEG_LAST_SEQ:
		set_int(ret, b[s->n_blocks - 1].info.last_seq);
		break;
	case SEG_FIRST_TIME:
		set_time(cap, first, ret);
		break;
	default:
		set_time(cap, last, ret);
	}
}

static void seg_value(struct q_cap *cap, uint32_t row, unsigned col, struct q_val *ret)
{
	static const char *const states[] = {
		[HC_SEG_SEALED] = "sealed", [HC_SEG_OPEN] = "open", [HC_SEG_TORN] = "torn"
	};
	uint32_t n;
	const struct hc_capture_seg *s = hc_capture_segs(cap->capture, &n) + row;
	char text[64];

	switch (col) {
	case SEG_PATH:
		set_c(ret, s->path);
		break;
	case SEG_NODE:
		set_c(ret, s->header.node);
		break;
	case SEG_BOOT:
		set_hex(cap, s->header.boot_id, 4, ret);
		break;
	case SEG_STREAM:
		set_c(ret, hc_stream_name(s->header.stream));
		break;
	case SEG_NUMBER:
		set_int(ret, s->header.number);
		break;
	case SEG_STATE:
		set_c(ret, states[s->state]);
		break;
	case SEG_BYTES:
		set_int(ret, s->bytes);
		break;
	case SEG_N_BLOCKS:
		set_int(ret, s->n_blocks);
		break;
	case SEG_CREATED_TIME:
		set_time(cap, s->header.created_wall_ns, ret);
		break;
	case SEG_BOOT_ID:
		put_uuid(&cap->scratch, s->header.boot_id);
		set_scratch(cap, ret);
		break;
	case SEG_CAPTURE_ID:
		put_uuid(&cap->scratch, s->header.capture_id);
		set_scratch(cap, ret);
		break;
	case SEG_TOOL:
		set_c(ret, s->header.tool);
		break;
	case SEG_FORMAT:
		hc_q_put(&cap->scratch, text,
		         (size_t)snprintf(text, sizeof(text), "%u.%u", s->header.format_major,
		                          s->header.format_minor));
		set_scratch(cap, ret);
		break;
	default:
		seg_span(cap, s, col, ret);
	}
}

static void put_types(struct q_buf *out, const struct hc_type_set *types)
{
	bool any = false;

	hc_q_put_c(out, "[");
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		if (!hc_type_set_has(types, type) || !hc_event_desc(type))
			continue;
		hc_q_put_c(out, any ? ",\"" : "\"");
		hc_q_put_c(out, hc_event_desc(type)->name);
		hc_q_put_c(out, "\"");
		any = true;
	}
	hc_q_put_c(out, "]");
}

static void block_value(struct q_cap *cap, uint32_t row, unsigned col, struct q_val *ret)
{
	uint32_t n;
	const struct hc_capture_block *b = hc_capture_blocks(cap->capture, &n) + row;
	const struct hc_block_info *info = &b->info;

	switch (col) {
	case BLK_BLOCK:
		set_int(ret, row);
		break;
	case BLK_SEGMENT:
		set_c(ret, hc_capture_segs(cap->capture, &n)[b->seg].path);
		break;
	case BLK_OFF:
		set_int(ret, b->off);
		break;
	case BLK_BYTES:
		set_int(ret, info->bytes);
		break;
	case BLK_STREAM:
		set_c(ret, hc_stream_name(info->stream));
		break;
	case BLK_N_ROWS:
		set_int(ret, info->n_rows);
		break;
	case BLK_FIRST_SEQ:
		set_int(ret, info->first_seq);
		break;
	case BLK_LAST_SEQ:
		set_int(ret, info->last_seq);
		break;
	case BLK_FIRST_TIME:
		set_time(cap, wall(info, info->first_ns), ret);
		break;
	case BLK_LAST_TIME:
		set_time(cap, wall(info, info->last_ns), ret);
		break;
	case BLK_FIRST_NS:
		set_int(ret, info->first_ns);
		break;
	case BLK_LAST_NS:
		set_int(ret, info->last_ns);
		break;
	default:
		put_types(&cap->scratch, &info->types);
		set_scratch(cap, ret);
	}
}

static void problem_value(struct q_cap *cap, uint32_t row, unsigned col, struct q_val *ret)
{
	uint32_t n;
	const struct hc_capture_problem *p = hc_capture_problems(cap->capture, &n) + row;

	switch (col) {
	case 0:
		set_c(ret, p->path);
		break;
	case 1:
		set_int(ret, p->off);
		break;
	case 2:
		set_int(ret, p->bytes);
		break;
	default:
		set_c(ret, p->what);
	}
}

static void type_value(struct q_cap *cap, uint32_t row, unsigned col, struct q_val *ret)
{
	const struct hc_table_desc *d = nth_type(row);
	const struct hc_capture_totals *totals;

	switch (col) {
	case 0:
		set_c(ret, d->name);
		break;
	case 1:
		set_int(ret, d->number);
		break;
	case 2:
		set_c(ret, hc_class_name(d->cls));
		break;
	case 3:
		set_c(ret, hc_stream_name(d->stream));
		break;
	case 4:
		set_c(ret, hc_profile_name(d->profile));
		break;
	default:
		if (hc_capture_totals(cap->capture, &totals, NULL) == 0)
			set_int(ret, totals->rows_by_type[d->number]);
	}
}

void hc_q_list_value(struct q_cap *cap, unsigned list, uint32_t row, unsigned col, struct q_val *ret)
{
	*ret = (struct q_val){ 0 };
	cap->scratch.n = 0;
	switch (list) {
	case LIST_SEGMENTS:
		seg_value(cap, row, col, ret);
		break;
	case LIST_BLOCKS:
		block_value(cap, row, col, ret);
		break;
	case LIST_PROBLEMS:
		problem_value(cap, row, col, ret);
		break;
	default:
		type_value(cap, row, col, ret);
	}
}
