/*
 * What the manifest says of the capture is read from the meta rows of the segments taken: machines from
 * meta_start, coverage from meta_config and meta_filter, clocks from meta_clock, losses from meta_gap and
 * meta_sampled. What a bundle of this version cannot say is null, with the reason in "absent".
 */
#include "bundle_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MAX_LISTED 10000 /* single gaps and filters; sums are always complete */

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

static struct json_object *boot_text(const uint8_t id[16])
{
	char buf[HC_BOOT_ID_TEXT];

	hc_boot_id_text(id, buf);
	return json_object_new_string(buf);
}

/* One type's columns in one block. */
struct columns {
	const struct hc_table_desc *desc;
	struct hc_refs refs[HC_MAX_COLS];
	struct hc_ints ints[HC_MAX_COLS];
	struct hc_heap str;
	struct hc_lists strs;
	uint32_t n;
};

static int columns_load(struct hc_block *b, unsigned type, struct columns *c, struct hc_err *err)
{
	int r = hc_block_heap(b, HC_OBJ_STR, &c->str, err);

	c->desc = hc_event_desc(type);
	c->n = hc_block_n_rows(b, type);
	if (r == 0)
		r = hc_block_lists(b, HC_OBJ_STRS, &c->strs, err);
	for (unsigned i = HC_N_COMMON_COLS; r == 0 && i < c->desc->n_cols; i++) {
		unsigned ref = c->desc->cols[i].ref;

		if (ref == HC_OBJ_NONE)
			r = hc_block_event_ints(b, type, i, &c->ints[i], err);
		else if (ref == HC_OBJ_STR || ref == HC_OBJ_STRS)
			r = hc_block_event_refs(b, type, i, &c->refs[i], err);
	}
	return r;
}

static struct hc_str text_at(const struct columns *c, unsigned col, uint32_t row)
{
	return hc_heap_get(&c->str, c->refs[col].v[row]);
}

/* The cell as JSON: null when absent. */
static struct json_object *cell(const struct columns *c, unsigned col, uint32_t row)
{
	const struct hc_col_desc *d = &c->desc->cols[col];

	if (d->ref == HC_OBJ_STR)
		return c->refs[col].v[row] ? hc_json_str(text_at(c, col, row)) : NULL;
	if (d->ref == HC_OBJ_STRS) {
		uint32_t ref = c->refs[col].v[row];
		struct json_object *list;

		if (!ref)
			return NULL;
		list = json_object_new_array();
		for (uint32_t i = c->strs.first[ref - 1]; i < c->strs.first[ref]; i++)
			json_object_array_add(list, hc_json_str(hc_heap_get(&c->str, c->strs.refs[i])));
		return list;
	}
	if (d->ref != HC_OBJ_NONE || !hc_ints_valid(&c->ints[col], row))
		return NULL;
	if (d->fmt == HC_FMT_BOOL)
		return json_object_new_boolean(c->ints[col].v[row] != 0);
	if (d->fmt == HC_FMT_TIME)
		return hc_json_time(c->ints[col].v[row]);
	return d->is_signed ? hc_json_i64(c->ints[col].v[row]) : hc_json_u64((uint64_t)c->ints[col].v[row]);
}

/* All columns of a row under their own names. */
static struct json_object *whole_row(const struct columns *c, uint32_t row)
{
	struct json_object *o = json_object_new_object();

	for (unsigned col = HC_N_COMMON_COLS; col < c->desc->n_cols; col++)
		add(o, c->desc->cols[col].name, cell(c, col, row));
	return o;
}

/* ---- gathering ---- */

/* Losses of one type by one cause. */
struct loss {
	struct hc_str type, cause; /* in the bundle's arena */
	uint64_t count, n_gaps;
	int64_t first_wall_ns, last_wall_ns;
	bool exact;
};

struct gather {
	struct hc_bundle *b;
	struct json_object *nodes, *clocks, *configs, *filters, *gaps, *sampled;
	struct loss *losses;
	uint32_t n_losses;
	struct json_object *first_clock, *last_clock; /* of the boot at hand */
	struct json_object *last_config;
	int64_t wall_offset_ns;             /* of the block at hand */
	const struct hc_seg_header *header; /* of the segment at hand */
	uint32_t boot;
	bool any_boot, have_node;
};

static int take_loss(struct gather *g, const struct columns *c, uint32_t row)
{
	struct hc_str type = text_at(c, HC_C_META_GAP_of_type, row), cause = text_at(c, HC_C_META_GAP_cause, row);
	uint64_t count = (uint64_t)c->ints[HC_C_META_GAP_count].v[row];
	uint64_t offset = (uint64_t)g->wall_offset_ns; /* sums wrap for nonsense, without being undefined */
	int64_t from = (int64_t)((uint64_t)c->ints[HC_C_META_GAP_from_ns].v[row] + offset);
	int64_t until = (int64_t)((uint64_t)c->ints[HC_C_META_GAP_until_ns].v[row] + offset);
	struct loss *l = NULL;

	for (uint32_t i = 0; i < g->n_losses && !l; i++)
		l = hc_str_eq(g->losses[i].type, type) && hc_str_eq(g->losses[i].cause, cause) ? &g->losses[i]
		                                                                               : NULL;
	if (!l) {
		l = realloc(g->losses, (g->n_losses + 1u) * sizeof(*l));
		if (!l)
			return -ENOMEM;
		g->losses = l;
		l += g->n_losses++;
		*l = (struct loss){ .type = hc_arena_str(&g->b->arena, type),
			            .cause = hc_arena_str(&g->b->arena, cause),
			            .first_wall_ns = from,
			            .last_wall_ns = until,
			            .exact = true };
	}
	l->count = count > UINT64_MAX - l->count ? UINT64_MAX : l->count + count;
	l->n_gaps++;
	l->first_wall_ns = from < l->first_wall_ns ? from : l->first_wall_ns;
	l->last_wall_ns = until > l->last_wall_ns ? until : l->last_wall_ns;
	l->exact &= c->ints[HC_C_META_GAP_exact].v[row] != 0;
	g->b->stats.n_lost = count > UINT64_MAX - g->b->stats.n_lost ? UINT64_MAX : g->b->stats.n_lost + count;
	return 0;
}

/* Only when it says something else than the last one: recorders repeat it at the beginning of each segment. */
static void take_config(struct gather *g, struct json_object *o)
{
	json_object_object_del(o, "from_seq");
	if (g->last_config && json_object_equal(g->last_config, o)) {
		json_object_put(o);
		return;
	}
	g->last_config = o;
	json_object_array_add(g->configs, o);
}

static void list_capped(struct json_object *list, struct json_object *o)
{
	if (json_object_array_length(list) < MAX_LISTED)
		json_object_array_add(list, o);
	else
		json_object_put(o);
}

/* Raised detail is told anew in each segment, with all that it records: once is enough. */
static void take_filter(struct gather *g, const struct columns *c, uint32_t row)
{
	struct json_object *o = whole_row(c, row);
	bool told = false;

	if (hc_str_eq(text_at(c, HC_C_META_FILTER_reason, row), HC_STR("raise")))
		for (size_t i = 0; i < json_object_array_length(g->filters) && !told; i++)
			told = json_object_equal(json_object_array_get_idx(g->filters, i), o);
	if (told)
		json_object_put(o);
	else
		list_capped(g->filters, o);
}

static int take_row(struct gather *g, unsigned type, const struct columns *c, uint32_t row)
{
	struct json_object *o;

	switch (type) {
	case HC_EV_META_START:
		if (g->have_node)
			return 0;
		g->have_node = true;
		o = whole_row(c, row);
		json_object_object_del(o, "why");
		json_object_array_add(g->nodes, o);
		return 0;
	case HC_EV_META_CONFIG:
		take_config(g, whole_row(c, row));
		return 0;
	case HC_EV_META_FILTER:
		take_filter(g, c, row);
		return 0;
	case HC_EV_META_CLOCK:
		o = whole_row(c, row);
		if (!g->first_clock) {
			g->first_clock = o;
			return 0;
		}
		json_object_put(g->last_clock);
		g->last_clock = o;
		return 0;
	case HC_EV_META_GAP:
		list_capped(g->gaps, whole_row(c, row));
		return take_loss(g, c, row);
	case HC_EV_META_SAMPLED:
		list_capped(g->sampled, whole_row(c, row));
		return 0;
	default:
		return 0;
	}
}

static const uint16_t wanted[] = { HC_EV_META_START, HC_EV_META_CONFIG, HC_EV_META_FILTER,
	                           HC_EV_META_CLOCK, HC_EV_META_GAP,    HC_EV_META_SAMPLED };

static int take_block(struct gather *g, uint32_t block, struct hc_err *err)
{
	HC_AUTO(hc_block_close) struct hc_block *b = NULL;
	struct columns *c = calloc(1, sizeof(*c));
	int r = c ? hc_capture_load(g->b->c, block, &b, err) : hc_err_set(err, -ENOMEM, "out of memory");

	for (unsigned i = 0; r == 0 && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (!hc_block_n_rows(b, wanted[i]))
			continue;
		r = columns_load(b, wanted[i], c, err);
		for (uint32_t row = 0; r == 0 && row < c->n; row++)
			r = take_row(g, wanted[i], c, row);
	}
	free(c);
	return r;
}

/* The clock's samples of the boot that ends here. */
static void end_boot(struct gather *g)
{
	struct json_object *o;

	if (!g->any_boot)
		return;
	o = json_object_new_object();
	add(o, "node", hc_json_text(g->header->node));
	add(o, "boot_id", boot_text(g->header->boot_id));
	add(o, "first", g->first_clock);
	add(o, "last", g->last_clock ? g->last_clock : json_object_get(g->first_clock));
	json_object_array_add(g->clocks, o);
	if (!g->have_node) { /* no meta_start in what was taken: what the segments' headers say */
		o = json_object_new_object();
		add(o, "node", hc_json_text(g->header->node));
		add(o, "boot_id", boot_text(g->header->boot_id));
		add(o, "capture_id", hc_json_hex(g->header->capture_id, 16));
		add(o, "recorder", hc_json_text(g->header->tool));
		json_object_array_add(g->nodes, o);
	}
	g->first_clock = g->last_clock = NULL;
	g->have_node = false;
}

static int gather_all(struct gather *g, struct hc_err *err)
{
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	struct hc_type_set types = { 0 };
	uint32_t n;

	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		hc_type_set_add(&types, wanted[i]);
	segs = hc_capture_segs(g->b->c, &n);
	blocks = hc_capture_blocks(g->b->c, &n);
	for (uint32_t i = 0; i < g->b->n_segs; i++) {
		const struct hc_capture_seg *s = &segs[g->b->segs[i]];

		if (!g->any_boot || s->boot != g->boot)
			end_boot(g);
		g->boot = s->boot;
		g->any_boot = true;
		g->header = &s->header;
		for (uint32_t k = s->first_block; k < s->first_block + s->n_blocks; k++) {
			struct hc_err why = { 0 };
			int r;

			if (!hc_type_set_meets(&blocks[k].info.types, &types))
				continue;
			g->wall_offset_ns = blocks[k].info.wall_offset_ns;
			r = take_block(g, k, &why);
			if (r == -ENOMEM)
				return hc_err_set(err, r, "out of memory");
			if (r < 0)
				hc_capture_add_problem(g->b->c, k, &why);
		}
	}
	end_boot(g);
	return 0;
}

/* ---- the parts of the manifest ---- */

static struct json_object *losses(const struct gather *g)
{
	struct json_object *o = json_object_new_object(), *sums = json_object_new_array();

	for (uint32_t i = 0; i < g->n_losses; i++) {
		const struct loss *l = &g->losses[i];
		struct json_object *one = json_object_new_object();

		add(one, "type", l->type.p ? hc_json_str(l->type) : NULL);
		add(one, "cause", l->cause.p ? hc_json_str(l->cause) : NULL);
		add(one, "count", hc_json_u64(l->count));
		add(one, "exact", json_object_new_boolean(l->exact));
		add(one, "gaps", hc_json_u64(l->n_gaps));
		add(one, "first", hc_json_time(l->first_wall_ns));
		add(one, "last", hc_json_time(l->last_wall_ns));
		json_object_array_add(sums, one);
	}
	add(o, "events", hc_json_u64(g->b->stats.n_lost));
	add(o, "by_type_and_cause", sums);
	add(o, "gaps", json_object_get(g->gaps));
	add(o, "sampled", json_object_get(g->sampled));
	return o;
}

static struct json_object *segments(const struct hc_bundle *b)
{
	static const char *const states[] = {
		[HC_SEG_SEALED] = "closed", [HC_SEG_OPEN] = "open", [HC_SEG_TORN] = "torn"
	};
	struct json_object *list = json_object_new_array();
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	uint32_t n;

	segs = hc_capture_segs(b->c, &n);
	blocks = hc_capture_blocks(b->c, &n);
	for (uint32_t i = 0; i < b->n_segs; i++) {
		const struct hc_capture_seg *s = &segs[b->segs[i]];
		const struct hc_bundle_file *f = &b->files[b->first_seg_file + i];
		const struct hc_block_info *first = &blocks[s->first_block].info;
		const struct hc_block_info *last = &blocks[s->first_block + s->n_blocks - 1].info;
		struct json_object *o = json_object_new_object();
		uint64_t n_rows = 0;

		for (uint32_t k = 0; k < s->n_blocks; k++)
			n_rows += blocks[s->first_block + k].info.n_rows;
		add(o, "path", hc_json_text(f->path));
		add(o, "sha256", hc_json_hex(f->sha256, 32));
		add(o, "bytes", hc_json_u64(f->bytes));
		add(o, "node", hc_json_text(s->header.node));
		add(o, "boot_id", boot_text(s->header.boot_id));
		add(o, "capture_id", hc_json_hex(s->header.capture_id, 16));
		add(o, "stream", json_object_new_string(s->header.stream == HC_STREAM_BULK ? "bulk" : "security"));
		add(o, "number", hc_json_u64(s->header.number));
		add(o, "state", json_object_new_string(states[s->state]));
		add(o, "blocks", hc_json_u64(s->n_blocks));
		add(o, "events", hc_json_u64(n_rows));
		add(o, "first_seq", hc_json_u64(first->first_seq));
		add(o, "last_seq", hc_json_u64(last->last_seq));
		add(o, "first", hc_json_time((int64_t)(first->first_ns + (uint64_t)first->wall_offset_ns)));
		add(o, "last", hc_json_time((int64_t)(last->last_ns + (uint64_t)last->wall_offset_ns)));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *file_list(struct hc_bundle *b)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < b->n_files; i++) {
		const struct hc_bundle_file *f = &b->files[i];
		struct json_object *o = json_object_new_object();

		add(o, "path", hc_json_text(f->path));
		add(o, "size", hc_json_u64(f->bytes));
		add(o, "sha256", hc_json_hex(f->sha256, 32));
		add(o, "role", json_object_new_string(f->role));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *selection(const struct hc_bundle *b)
{
	const struct hc_bundle_opts *o = b->opts;
	struct json_object *s = json_object_new_object();

	add(s, "complete", json_object_new_boolean(b->stats.n_left_out == 0));
	add(s, "excluded_reason",
	    b->stats.n_left_out ? json_object_new_string("segments without a row in the requested span") : NULL);
	add(s, "since", o->has_since ? hc_json_time(o->since_wall_ns) : NULL);
	add(s, "until", o->has_until ? hc_json_time(o->until_wall_ns) : NULL);
	add(s, "first", hc_json_time(b->first_wall_ns));
	add(s, "last", hc_json_time(b->last_wall_ns));
	add(s, "events", hc_json_u64(b->stats.n_rows));
	add(s, "segments", hc_json_u64(b->stats.n_segments));
	add(s, "segments_left_out", hc_json_u64(b->stats.n_left_out));
	return s;
}

static struct json_object *problems(const struct hc_bundle *b)
{
	struct json_object *list = json_object_new_array();
	uint32_t n;
	const struct hc_capture_problem *p = hc_capture_problems(b->c, &n);

	for (uint32_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		add(o, "path", hc_json_text(p[i].path));
		add(o, "offset", hc_json_u64(p[i].off));
		add(o, "bytes", hc_json_u64(p[i].bytes));
		add(o, "what", hc_json_text(p[i].what));
		json_object_array_add(list, o);
	}
	return list;
}

/* UUIDv7: 48 bits of ms, then random; or, for reproducible bundles, all from the digests of the files. */
static int bundle_id(const struct hc_bundle *b, bool reproducible, int64_t now_ms, char ret[37],
                     struct hc_err *err)
{
	uint8_t id[32];

	if (reproducible) {
		struct hc_sha256 *s;
		int r = hc_sha256_new(&s, err);

		if (r < 0)
			return r;
		for (uint32_t i = 0; i < b->n_files; i++) {
			hc_sha256_add(s, b->files[i].path, strlen(b->files[i].path) + 1);
			hc_sha256_add(s, b->files[i].sha256, 32);
		}
		hc_sha256_take(s, id);
		hc_sha256_free(s);
	} else if (getrandom(id, 16, 0) != 16) {
		return hc_err_set(err, -errno, "no random numbers: %s", strerror(errno));
	}
	for (unsigned i = 0; i < 6; i++)
		id[i] = (uint8_t)(now_ms >> (40 - 8 * i));
	id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
	id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
	snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0], id[1],
	         id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14],
	         id[15]);
	return 0;
}

static int add_identity(struct hc_bundle *b, struct json_object *m, struct hc_err *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char *end = NULL, id[37];
	struct timespec now;
	int64_t seconds = epoch && *epoch ? strtoll(epoch, &end, 10) : 0;
	bool reproducible = end && *end == '\0' && seconds >= 0 && seconds < INT64_C(9000000000);
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	if (reproducible)
		now = (struct timespec){ .tv_sec = seconds };
	r = bundle_id(b, reproducible, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, id, err);
	if (r < 0)
		return r;
	add(m, "bundle_id", json_object_new_string(id));
	add(m, "created_utc", hc_json_time((int64_t)now.tv_sec * 1000000000 + now.tv_nsec));
	return 0;
}

/* Members of the manifest's final form that this version has nothing for. */
static const struct {
	const char *name, *why;
} absent[] = {
	{ "authority", "not asked for by this version" },
	{ "case_id", "not asked for by this version" },
	{ "operator", "not asked for by this version" },
	{ "previous_bundle", "bundles are not chained by this version" },
	{ "redactions", "nothing is masked by this version" },
	{ "signatures", "bundles are not signed by this version" },
	{ "tree", "segments are not sealed by this version" },
};

static void add_absent(struct json_object *m)
{
	struct json_object *why = json_object_new_object();

	for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		add(m, absent[i].name, NULL);
		add(why, absent[i].name, json_object_new_string(absent[i].why));
	}
	add(m, "absent", why);
}

int hc_bundle_manifest(struct hc_bundle *b, struct json_object **ret, struct hc_err *err)
{
	struct gather g = { .b = b };
	struct json_object *m = json_object_new_object(), *coverage = json_object_new_object(),
			   *tool = json_object_new_object();
	int r;

	g.nodes = json_object_new_array();
	g.clocks = json_object_new_array();
	g.configs = json_object_new_array();
	g.filters = json_object_new_array();
	g.gaps = json_object_new_array();
	g.sampled = json_object_new_array();
	r = m && g.sampled ? gather_all(&g, err) : hc_err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = add_identity(b, m, err);
	add(m, "schema", json_object_new_string("hindcast-bundle/1"));
	add(tool, "name", json_object_new_string("hindcast"));
	add(tool, "version", hc_json_text(b->opts->tool_version));
	add(m, "tool", tool);
	add(coverage, "configs", g.configs);
	add(coverage, "filters", g.filters);
	add(m, "coverage", coverage);
	add(m, "nodes", g.nodes);
	add(m, "clock", g.clocks);
	add(m, "loss", losses(&g));
	add(m, "selection", selection(b));
	add(m, "problems", problems(b));
	add(m, "segments", segments(b));
	add(m, "files", file_list(b));
	add(m, "policies", json_object_get(b->policies));
	add(m, "results", json_object_get(b->results));
	add_absent(m);
	json_object_put(g.gaps);
	json_object_put(g.sampled);
	free(g.losses);
	if (r < 0) {
		json_object_put(g.first_clock);
		json_object_put(g.last_clock);
		json_object_put(m);
		return r;
	}
	*ret = m;
	return 0;
}
