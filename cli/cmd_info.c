/* hindcast info CAPTURE: what is in it, without reading more than is needed to say so. */
#include "capture_arg.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "query/json.h"
#include "store/marks.h"
#include "store/render.h"

#define TEXT_BYTES 128
#define MAX_SHEDS_BACK \
	4096 /* a span is told anew in each segment: whether it is listed already is looked for in this many */
#define MAX_SHED_KINDS 16

struct args {
	bool json;
};

/* One boot of one node. */
struct boot {
	const struct hc_seg_header *header; /* of its first segment */
	uint64_t n_rows, bytes;
	int64_t first_wall_ns, last_wall_ns;
	uint32_t n_segs;
	char kernel[TEXT_BYTES], machine[TEXT_BYTES], profile[TEXT_BYTES], last_profile[TEXT_BYTES];
};

/* A span in which some detail was not recorded, for want of processor time. */
struct shed {
	char what[TEXT_BYTES];     /* which detail, the budget, what was used */
	int64_t from_ns, until_ns; /* since boot; until 0: not ended, or the recorder was killed */
	int64_t offset_ns;         /* to the wall clock */
	uint32_t boot;
};

struct info {
	struct hc_capture *c;
	const struct hc_capture_totals *t;
	struct boot *boots;
	uint32_t n_boots;
	uint32_t n_segs, n_open, n_torn, n_of_stream[HC_N_STREAMS];
	uint64_t rows_of_stream[HC_N_STREAMS];
	struct hc_marks marks;
	uint64_t n_masked; /* values, sum of meta_masked rows */
	struct shed *sheds;
	size_t n_sheds;
	/* Numbers of segments that are not here: removed by the recorder's limits, or not selected; of boots that
	 * have any. And the first row that is. */
	uint32_t n_missing[HC_N_STREAMS];
	int64_t first_wall_ns[HC_N_STREAMS];
};

/* ---- gathering ---- */

/* Text in a column of the first row, or the last, of a type in a block; empty when absent. */
static void row_text(struct hc_block *b, unsigned type, unsigned col, bool last, char to[TEXT_BYTES])
{
	struct hc_refs refs;
	struct hc_heap heap;
	struct hc_str s;

	to[0] = '\0';
	if (!hc_block_n_rows(b, type) || hc_block_event_refs(b, type, col, &refs, NULL) < 0 ||
	    hc_block_heap(b, HC_OBJ_STR, &heap, NULL) < 0)
		return;
	s = hc_heap_get(&heap, refs.v[last ? refs.n - 1 : 0]);
	snprintf(to, TEXT_BYTES, HC_STR_FMT, HC_STR_ARG(s));
}

/* The first and last block of a boot that hold a type. */
struct ends {
	uint32_t first, last;
	bool any;
};

static void ends_of(const struct info *in, uint32_t boot, unsigned type, struct ends *e)
{
	uint32_t n_segs, n_blocks;
	const struct hc_capture_seg *segs = hc_capture_segs(in->c, &n_segs);
	const struct hc_capture_block *blocks = hc_capture_blocks(in->c, &n_blocks);

	*e = (struct ends){ 0 };
	for (uint32_t i = 0; i < n_blocks; i++) {
		if (segs[blocks[i].seg].boot != boot || !hc_type_set_has(&blocks[i].info.types, type))
			continue;
		if (!e->any)
			e->first = i;
		e->last = i;
		e->any = true;
	}
}

static void read_facts(struct info *in, uint32_t boot)
{
	struct boot *b = &in->boots[boot];
	struct hc_block *block;
	struct ends e;

	ends_of(in, boot, HC_EV_META_START, &e);
	if (e.any && hc_capture_load(in->c, e.first, &block, NULL) == 0) {
		row_text(block, HC_EV_META_START, HC_C_META_START_kernel_release, false, b->kernel);
		row_text(block, HC_EV_META_START, HC_C_META_START_machine, false, b->machine);
		hc_block_close(block);
	}
	ends_of(in, boot, HC_EV_META_CONFIG, &e);
	if (e.any && hc_capture_load(in->c, e.first, &block, NULL) == 0) {
		row_text(block, HC_EV_META_CONFIG, HC_C_META_CONFIG_profile, false, b->profile);
		hc_block_close(block);
	}
	if (e.any && hc_capture_load(in->c, e.last, &block, NULL) == 0) {
		row_text(block, HC_EV_META_CONFIG, HC_C_META_CONFIG_profile, true, b->last_profile);
		hc_block_close(block);
	}
}

static void count_blocks(struct info *in, const struct hc_capture_seg *segs)
{
	uint32_t n;
	const struct hc_capture_block *blocks = hc_capture_blocks(in->c, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct hc_block_info *info = &blocks[i].info;
		struct boot *b = &in->boots[segs[blocks[i].seg].boot];
		int64_t first = (int64_t)(info->first_ns + (uint64_t)info->wall_offset_ns);
		int64_t last = (int64_t)(info->last_ns + (uint64_t)info->wall_offset_ns);

		if (!info->n_rows)
			continue;
		if (!b->n_rows || first < b->first_wall_ns)
			b->first_wall_ns = first;
		if (!b->n_rows || last > b->last_wall_ns)
			b->last_wall_ns = last;
		b->n_rows += info->n_rows;
		in->rows_of_stream[info->stream] += info->n_rows;
	}
}

/* fn for each block that has rows of the type. What a block cannot tell is a problem of the capture, but for
 * -ENOMEM. */
static int each_block(struct info *in, unsigned type,
                      int (*fn)(struct info *in, const struct hc_capture_block *at, struct hc_block *b,
                                struct hc_err *err),
                      struct hc_err *err)
{
	struct hc_block_filter filter = { .has_types = true };
	uint32_t *which = NULL, n = 0, n_blocks;
	const struct hc_capture_block *blocks = hc_capture_blocks(in->c, &n_blocks);
	int r;

	if (!in->t->rows_by_type[type])
		return 0;
	hc_type_set_add(&filter.types, type);
	r = hc_capture_select(in->c, &filter, &which, &n, err);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		HC_AUTO(hc_block_close) struct hc_block *b = NULL;
		struct hc_err why = { 0 };
		int code = hc_capture_load(in->c, which[i], &b, &why);

		if (code == 0 && hc_block_n_rows(b, type))
			code = fn(in, &blocks[which[i]], b, &why);
		if (code == -ENOMEM)
			r = hc_err_set(err, code, "out of memory");
		else if (code < 0)
			hc_capture_add_problem(in->c, which[i], &why);
	}
	free(which);
	return r;
}

static int block_masked(struct info *in, const struct hc_capture_block *at, struct hc_block *b, struct hc_err *err)
{
	struct hc_ints count;
	int r = hc_block_event_ints(b, HC_EV_META_MASKED, HC_C_META_MASKED_count, &count, err);

	(void)at;
	for (uint32_t k = 0; r == 0 && k < count.n; k++)
		in->n_masked += (uint64_t)count.v[k];
	return r;
}

static int add_shed(struct info *in, const struct shed *shed)
{
	struct shed *v;

	for (size_t i = in->n_sheds; i > 0 && i + MAX_SHEDS_BACK > in->n_sheds; i--) {
		if (in->sheds[i - 1].boot == shed->boot && in->sheds[i - 1].from_ns == shed->from_ns) {
			in->sheds[i - 1] = *shed; /* said again, or its end */
			return 0;
		}
	}
	v = realloc(in->sheds, (in->n_sheds + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	in->sheds = v;
	v[in->n_sheds++] = *shed;
	return 0;
}

static int block_sheds(struct info *in, const struct hc_capture_block *at, struct hc_block *b, struct hc_err *err)
{
	struct hc_ints from = { 0 }, until = { 0 };
	struct hc_refs reason = { 0 }, what = { 0 };
	struct hc_heap heap;
	uint32_t n_segs;
	int r = hc_block_heap(b, HC_OBJ_STR, &heap, err);

	if (r == 0)
		r = hc_block_event_ints(b, HC_EV_META_FILTER, HC_C_META_FILTER_from_ns, &from, err);
	if (r == 0)
		r = hc_block_event_ints(b, HC_EV_META_FILTER, HC_C_META_FILTER_until_ns, &until, err);
	if (r == 0)
		r = hc_block_event_refs(b, HC_EV_META_FILTER, HC_C_META_FILTER_reason, &reason, err);
	if (r == 0)
		r = hc_block_event_refs(b, HC_EV_META_FILTER, HC_C_META_FILTER_expression, &what, err);
	for (uint32_t k = 0; r == 0 && k < from.n && k < until.n && k < reason.n && k < what.n; k++) {
		struct shed shed = { .from_ns = from.v[k],
			             .until_ns = until.v[k],
			             .offset_ns = at->info.wall_offset_ns,
			             .boot = hc_capture_segs(in->c, &n_segs)[at->seg].boot };

		if (!hc_str_eq(hc_heap_get(&heap, reason.v[k]), HC_STR("shed")))
			continue;
		snprintf(shed.what, sizeof(shed.what), HC_STR_FMT, HC_STR_ARG(hc_heap_get(&heap, what.v[k])));
		r = add_shed(in, &shed);
	}
	return r;
}

/* segs[i], by the number of the one before it in its boot and stream. */
static void count_missing(struct info *in, const struct hc_capture_seg *segs, uint32_t i)
{
	uint8_t stream = segs[i].header.stream;
	bool follows = i && segs[i - 1].boot == segs[i].boot && segs[i - 1].header.stream == stream;
	uint32_t want = follows ? segs[i - 1].header.number + 1 : 1, n_blocks;
	const struct hc_capture_block *blocks = hc_capture_blocks(in->c, &n_blocks);

	if (hc_capture_kind(in->c) != HC_CAPTURE_SEGMENT && segs[i].header.number > want)
		in->n_missing[stream] += segs[i].header.number - want;
	if (!in->first_wall_ns[stream] && segs[i].n_blocks) {
		const struct hc_block_info *b = &blocks[segs[i].first_block].info;

		in->first_wall_ns[stream] = (int64_t)(b->first_ns + (uint64_t)b->wall_offset_ns);
	}
}

static int gather(struct info *in, struct hc_err *err)
{
	const struct hc_capture_seg *segs = hc_capture_segs(in->c, &in->n_segs);
	int r = hc_capture_totals(in->c, &in->t, err);

	if (r < 0)
		return r;
	in->n_boots = in->n_segs ? segs[in->n_segs - 1].boot + 1 : 0;
	in->boots = calloc(in->n_boots + 1u, sizeof(*in->boots));
	if (!in->boots)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < in->n_segs; i++) {
		struct boot *b = &in->boots[segs[i].boot];

		if (!b->header)
			b->header = &segs[i].header;
		b->n_segs++;
		b->bytes += segs[i].bytes;
		in->n_of_stream[segs[i].header.stream]++;
		count_missing(in, segs, i);
		in->n_open += segs[i].state == HC_SEG_OPEN;
		in->n_torn += segs[i].state == HC_SEG_TORN;
	}
	count_blocks(in, segs);
	for (uint32_t i = 0; i < in->n_boots; i++)
		read_facts(in, i);
	r = each_block(in, HC_EV_META_MASKED, block_masked, err);
	return r < 0 ? r : each_block(in, HC_EV_META_FILTER, block_sheds, err);
}

static double per_event(const struct info *in)
{
	return in->t->n_rows ? (double)in->t->bytes / (double)in->t->n_rows : 0;
}

/* Types by falling count; n of them. */
static unsigned sorted_types(const struct hc_capture_totals *t, uint16_t types[HC_EV_MAX])
{
	unsigned n = 0;

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		unsigned at = n;

		if (!t->rows_by_type[type])
			continue;
		for (; at && t->rows_by_type[types[at - 1]] < t->rows_by_type[type]; at--)
			types[at] = types[at - 1];
		types[at] = (uint16_t)type;
		n++;
	}
	return n;
}

static const char *type_name(unsigned type, char buf[16])
{
	const struct hc_table_desc *desc = hc_event_desc(type);

	if (desc)
		return desc->name;
	snprintf(buf, 16, "type %u", type); /* of a newer version */
	return buf;
}

/* ---- text ---- */

static void label(const char *name)
{
	printf("%-10s", name);
}

static void print_boots(const struct info *in)
{
	char first[HC_TIME_TEXT], n[32], span[48];

	for (uint32_t i = 0; i < in->n_boots; i++) {
		const struct boot *b = &in->boots[i];

		label(i ? "" : "machines");
		hc_cli_print_text(stdout, b->header->node, strlen(b->header->node));
		if (b->kernel[0]) {
			fputs(", Linux ", stdout);
			hc_cli_print_text(stdout, b->kernel, strlen(b->kernel));
			putchar(' ');
			hc_cli_print_text(stdout, b->machine, strlen(b->machine));
		}
		if (b->profile[0]) {
			fputs(", profile ", stdout);
			hc_cli_print_text(stdout, b->profile, strlen(b->profile));
			if (strcmp(b->profile, b->last_profile) != 0) {
				fputs(", later ", stdout);
				hc_cli_print_text(stdout, b->last_profile, strlen(b->last_profile));
			}
		}
		putchar('\n');
		if (in->n_boots == 1)
			continue;
		label("");
		if (b->n_rows)
			printf("  %s events in %s from %s\n", hc_count_text(b->n_rows, n),
			       hc_span_text((uint64_t)(b->last_wall_ns - b->first_wall_ns), span),
			       hc_time_text(b->first_wall_ns, first));
		else
			printf("  no events\n");
	}
}

static void print_sizes(const struct info *in)
{
	char bytes[32], rows[32], lost[32], gaps[32], first[HC_TIME_TEXT];

	label("size");
	printf("%s in %u segment%s", hc_bytes_text(in->t->bytes, bytes), in->n_segs, in->n_segs == 1 ? "" : "s");
	if (in->t->n_rows)
		printf(", %.2f bytes per event", per_event(in));
	if (in->n_open)
		printf("; %u %s", in->n_open, hc_capture_is_live(in->c) ? "being written" : "not closed");
	putchar('\n');
	for (unsigned s = 0; s < HC_N_STREAMS; s++) {
		if (!in->n_of_stream[s])
			continue;
		label("");
		printf("  %-9s %s events, %s in %u segment%s", hc_stream_name(s),
		       hc_count_text(in->rows_of_stream[s], rows), hc_bytes_text(in->t->bytes_by_stream[s], bytes),
		       in->n_of_stream[s], in->n_of_stream[s] == 1 ? "" : "s");
		if (in->n_missing[s])
			printf(", from %s on; %u more are not here", hc_time_text(in->first_wall_ns[s], first),
			       in->n_missing[s]);
		putchar('\n');
	}
	label("lost");
	if (in->t->n_lost)
		printf("%s events, in %s gaps: hindcast query CAPTURE \"SELECT * FROM gaps\"\n",
		       hc_count_text(in->t->n_lost, lost),
		       hc_count_text(in->t->rows_by_type[HC_EV_META_GAP], gaps));
	else
		puts("nothing that the recorder knows of");
	if (in->n_masked) {
		label("masked");
		printf("%s secrets: hindcast query CAPTURE \"SELECT * FROM meta_masked\"\n",
		       hc_count_text(in->n_masked, rows));
	}
}

static void print_types(const struct info *in)
{
	uint16_t types[HC_EV_MAX];
	unsigned n = sorted_types(in->t, types);
	char name[16], count[32];

	for (unsigned i = 0; i < n; i++) {
		uint64_t rows = in->t->rows_by_type[types[i]];

		label(i ? "" : "events");
		printf("%15s  %5.1f %%  %s\n", hc_count_text(rows, count),
		       100.0 * (double)rows / (double)in->t->n_rows, type_name(types[i], name));
	}
}

/* On-demand captures: those that retention leaves alone. */
static void print_captures(const struct info *in)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < in->marks.n; i++)
		n += in->marks.v[i].state != HC_MARK_DELETED;
	if (!n)
		return;
	label("captures");
	printf("%u: ", n);
	n = 0;
	for (uint32_t i = 0; i < in->marks.n; i++) {
		const struct hc_mark *m = &in->marks.v[i];

		if (m->state == HC_MARK_DELETED)
			continue;
		if (n++)
			fputs(", ", stdout);
		hc_cli_print_text(stdout, m->name, strlen(m->name));
		printf(" (%s)", hc_mark_state_text(m->state));
	}
	putchar('\n');
}

/* Of whom more was recorded than the profile says, and for which capture; also one that is deleted by now. */
static void print_raised(const struct info *in)
{
	bool any = false;

	for (uint32_t i = 0; i < in->marks.n; i++) {
		const struct hc_mark *m = &in->marks.v[i];

		if (!m->detail[0] && !m->snaplen)
			continue;
		label(any ? "" : "raised");
		any = true;
		if (m->detail[0])
			printf("profile %s", m->detail);
		if (m->snaplen)
			printf("%s%" PRIu32 " bytes of payload", m->detail[0] ? ", " : "", m->snaplen);
		fputs(" of ", stdout);
		hc_cli_print_text(stdout, m->scope, strlen(m->scope));
		fputs(", while ", stdout);
		hc_cli_print_text(stdout, m->name, strlen(m->name));
		puts(m->state == HC_MARK_RUNNING ? " runs" : " ran");
	}
}

/* Which detail was given up for want of processor time, a line for each kind. */
static void print_sheds(const struct info *in)
{
	struct {
		const struct shed *last;
		uint64_t ns;
		size_t n, n_open;
	} kinds[MAX_SHED_KINDS] = { 0 };
	char time[HC_TIME_TEXT], span[48];

	for (size_t i = 0; i < in->n_sheds; i++) {
		const struct shed *s = &in->sheds[i];
		size_t len = strcspn(s->what, " "), k = 0;

		while (k < MAX_SHED_KINDS - 1 && kinds[k].last &&
		       (strncmp(s->what, kinds[k].last->what, len) != 0 ||
		        strcspn(kinds[k].last->what, " ") != len))
			k++;
		kinds[k].last = s;
		kinds[k].n++;
		kinds[k].n_open += !s->until_ns;
		kinds[k].ns += s->until_ns > s->from_ns ? (uint64_t)(s->until_ns - s->from_ns) : 0;
	}
	for (size_t k = 0; k < MAX_SHED_KINDS && kinds[k].last; k++) {
		const struct shed *last = kinds[k].last;
		size_t len = strcspn(last->what, " ");

		label(k ? "" : "shed");
		hc_cli_print_text(stdout, last->what, len);
		printf(": %zu time%s, ", kinds[k].n, kinds[k].n == 1 ? "" : "s");
		if (kinds[k].n > kinds[k].n_open)
			printf("%s in all, ", hc_span_text(kinds[k].ns, span));
		if (kinds[k].n_open)
			printf("%zu without an end, ", kinds[k].n_open);
		printf("last from %s (", hc_time_text(last->from_ns + last->offset_ns, time));
		hc_cli_print_text(stdout, last->what + len + (last->what[len] == ' '),
		                  strlen(last->what + len + (last->what[len] == ' ')));
		puts(")");
	}
}

static void print_text(const struct info *in)
{
	static const char *const kinds[] = { [HC_CAPTURE_DIR] = "directory",
		                             [HC_CAPTURE_BUNDLE] = "bundle",
		                             [HC_CAPTURE_SEGMENT] = "one segment" };
	char first[HC_TIME_TEXT], last[HC_TIME_TEXT], span[48], n[32];
	uint32_t n_problems;

	label("capture");
	hc_cli_print_text(stdout, hc_capture_path(in->c), strlen(hc_capture_path(in->c)));
	printf(" (%s%s)\n", kinds[hc_capture_kind(in->c)], hc_capture_is_live(in->c) ? ", being written" : "");
	if (in->n_boots) {
		const struct hc_seg_header *h = in->boots[in->n_boots - 1].header;

		label("format");
		printf("%u.%u, written by ", h->format_major, h->format_minor);
		hc_cli_print_text(stdout, h->tool, strlen(h->tool));
		putchar('\n');
	}
	label("span");
	if (in->t->n_rows)
		printf("%s to %s (%s)\n", hc_time_text(in->t->first_wall_ns, first),
		       hc_time_text(in->t->last_wall_ns, last),
		       hc_span_text((uint64_t)(in->t->last_wall_ns - in->t->first_wall_ns), span));
	else
		puts("no events");
	print_boots(in);
	label("events");
	printf("%s in %" PRIu64 " block%s, numbers %" PRIu64 " to %" PRIu64 "\n", hc_count_text(in->t->n_rows, n),
	       in->t->n_blocks, in->t->n_blocks == 1 ? "" : "s", in->t->first_seq, in->t->last_seq);
	print_sizes(in);
	print_captures(in);
	print_raised(in);
	print_sheds(in);
	print_types(in);
	hc_capture_problems(in->c, &n_problems);
	if (n_problems) {
		label("problems");
		printf("%u, see below\n", n_problems);
	}
}

/* ---- JSON ---- */

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

static void add_u64(struct json_object *to, const char *key, uint64_t v)
{
	add(to, key, json_object_new_uint64(v));
}

static struct json_object *json_decimal(double v, int digits)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%.*f", digits, v);
	return json_object_new_double_s(v, buf);
}

static struct json_object *json_boots(const struct info *in)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < in->n_boots; i++) {
		const struct boot *b = &in->boots[i];
		struct json_object *o = json_object_new_object();
		char boot[HC_BOOT_ID_TEXT];

		add(o, "node", hc_json_text(b->header->node));
		hc_boot_id_text(b->header->boot_id, boot);
		add(o, "boot_id", json_object_new_string(boot));
		add(o, "capture_id", hc_json_hex(b->header->capture_id, 16));
		add(o, "tool", hc_json_text(b->header->tool));
		add(o, "kernel", b->kernel[0] ? hc_json_text(b->kernel) : NULL);
		add(o, "machine", b->machine[0] ? hc_json_text(b->machine) : NULL);
		add(o, "profile", b->last_profile[0] ? hc_json_text(b->last_profile) : NULL);
		add_u64(o, "events", b->n_rows);
		add_u64(o, "bytes", b->bytes);
		add_u64(o, "segments", b->n_segs);
		add(o, "first", b->n_rows ? hc_json_time(b->first_wall_ns) : NULL);
		add(o, "last", b->n_rows ? hc_json_time(b->last_wall_ns) : NULL);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_streams(const struct info *in)
{
	struct json_object *o = json_object_new_object();

	for (unsigned s = 0; s < HC_N_STREAMS; s++) {
		struct json_object *one = json_object_new_object();

		add_u64(one, "events", in->rows_of_stream[s]);
		add_u64(one, "bytes", in->t->bytes_by_stream[s]);
		add_u64(one, "segments", in->n_of_stream[s]);
		add_u64(one, "segments_missing", in->n_missing[s]);
		add(o, hc_stream_name(s), one);
	}
	return o;
}

static struct json_object *json_problems(const struct info *in)
{
	struct json_object *list = json_object_new_array();
	uint32_t n;
	const struct hc_capture_problem *p = hc_capture_problems(in->c, &n);

	for (uint32_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		add(o, "path", hc_json_text(p[i].path));
		add_u64(o, "offset", p[i].off);
		add_u64(o, "bytes", p[i].bytes);
		add(o, "what", hc_json_text(p[i].what));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_captures(const struct info *in)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < in->marks.n; i++) {
		const struct hc_mark *m = &in->marks.v[i];
		struct json_object *o;

		if (m->state == HC_MARK_DELETED)
			continue;
		o = json_object_new_object();
		add(o, "name", hc_json_text(m->name));
		add(o, "id", hc_json_text(m->id));
		add(o, "state", json_object_new_string(hc_mark_state_text(m->state)));
		add(o, "scope", hc_json_text(m->scope));
		add(o, "detail", m->detail[0] ? hc_json_text(m->detail) : NULL);
		add(o, "snaplen", m->snaplen ? hc_json_u64(m->snaplen) : NULL);
		add(o, "by", hc_json_text(m->by));
		add(o, "note", hc_json_text(m->note));
		add(o, "from", hc_json_time(m->from_wall_ns));
		add(o, "until", m->until_wall_ns ? hc_json_time(m->until_wall_ns) : NULL);
		add(o, "expires",
		    m->expires_wall_ns && m->until_wall_ns ? hc_json_time(m->expires_wall_ns) : NULL);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_sheds(const struct info *in)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < in->n_sheds; i++) {
		const struct shed *s = &in->sheds[i];
		struct json_object *o = json_object_new_object();

		add(o, "what", hc_json_text(s->what));
		add(o, "from", hc_json_time(s->from_ns + s->offset_ns));
		add(o, "until", s->until_ns ? hc_json_time(s->until_ns + s->offset_ns) : NULL);
		json_object_array_add(list, o);
	}
	return list;
}

static void print_json(const struct info *in)
{
	static const char *const kinds[] = {
		[HC_CAPTURE_DIR] = "directory", [HC_CAPTURE_BUNDLE] = "bundle", [HC_CAPTURE_SEGMENT] = "segment"
	};
	struct json_object *o = json_object_new_object(), *types = json_object_new_object();
	bool any = in->t->n_rows > 0;
	uint16_t sorted[HC_EV_MAX];
	unsigned n = sorted_types(in->t, sorted);
	char name[16], format[16];
	const char *text;

	add(o, "path", hc_json_text(hc_capture_path(in->c)));
	add(o, "kind", json_object_new_string(kinds[hc_capture_kind(in->c)]));
	add(o, "live", json_object_new_boolean(hc_capture_is_live(in->c)));
	if (in->n_boots)
		snprintf(format, sizeof(format), "%u.%u", in->boots[in->n_boots - 1].header->format_major,
		         in->boots[in->n_boots - 1].header->format_minor);
	add(o, "format", in->n_boots ? json_object_new_string(format) : NULL);
	add(o, "first", any ? hc_json_time(in->t->first_wall_ns) : NULL);
	add(o, "last", any ? hc_json_time(in->t->last_wall_ns) : NULL);
	add(o, "seconds",
	    any ? json_object_new_double((double)(in->t->last_wall_ns - in->t->first_wall_ns) / 1e9) : NULL);
	add(o, "first_seq", any ? json_object_new_uint64(in->t->first_seq) : NULL);
	add(o, "last_seq", any ? json_object_new_uint64(in->t->last_seq) : NULL);
	add(o, "bytes_per_event", any ? json_decimal(per_event(in), 3) : NULL);
	add_u64(o, "events", in->t->n_rows);
	add_u64(o, "lost", in->t->n_lost);
	add_u64(o, "masked", in->n_masked);
	add_u64(o, "bytes", in->t->bytes);
	add_u64(o, "blocks", in->t->n_blocks);
	add_u64(o, "segments", in->n_segs);
	add_u64(o, "segments_open", in->n_open);
	add_u64(o, "segments_torn", in->n_torn);
	add(o, "streams", json_streams(in));
	add(o, "boots", json_boots(in));
	for (unsigned i = 0; i < n; i++)
		add_u64(types, type_name(sorted[i], name), in->t->rows_by_type[sorted[i]]);
	add(o, "types", types);
	add(o, "captures", json_captures(in));
	add(o, "sheds", json_sheds(in));
	add(o, "problems", json_problems(in));
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
	                                                 JSON_C_TO_STRING_NOSLASHESCAPE);
	hc_cli_print_json(stdout, text, strlen(text));
	putchar('\n');
	json_object_put(o);
}

static int run(int argc, char **argv)
{
	struct args a = { 0 };
	struct info in = { 0 };
	struct hc_operands operands;
	struct hc_err err = { 0 };
	int code = hc_cli_parse(&hc_cmd_info, argc, argv, &a, &operands);

	if (code != HC_CLI_GO)
		return code;
	if (operands.n != 1)
		return hc_cli_usage(&hc_cmd_info, "%s",
		                    operands.n ? "give one capture"
		                               : "give a capture's directory, a bundle or a segment");
	code = hc_cli_capture_open(&hc_cmd_info, operands.v[0], 0, &in.c);
	if (code != HC_CLI_GO)
		return code;
	if (gather(&in, &err) < 0 || hc_marks_load(in.c, &in.marks, &err) < 0) {
		code = hc_cli_error(&hc_cmd_info, &err);
	} else {
		code = HC_EXIT_OK;
		if (a.json)
			print_json(&in);
		else
			print_text(&in);
	}
	free(in.boots);
	free(in.sheds);
	hc_marks_done(&in.marks);
	return hc_cli_capture_close(in.c, code);
}

static const struct hc_opt opts[] = {
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "print one JSON object" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "see what a capture holds", "hindcast info /var/lib/hindcast" },
	{ "events per type, for a script", "hindcast info --json /var/lib/hindcast | jq .types" },
	{ 0 },
};

const struct hc_command hc_cmd_info = {
	.name = "info",
	.args = "[--json] DIR|BUNDLE|SEGMENT",
	.summary = "show what a capture holds",
	.description = "Prints the span of time, the machines, events by type, bytes per event, what was lost "
		       "while recording, and what "
		       "of the capture cannot be read.",
	.opts = opts,
	.examples = examples,
	.exit_notes = "3: part of the capture is damaged; what is shown is the rest.",
	.complete = HC_COMPLETE_FILE,
	.run = run,
};
