/*
 * What a capture says about itself, against what a rule needs. Each meta_config row is in force until the next one
 * of its boot; an imported capture has meta_import rows, which list what the source cannot hold: "type", or
 * "type:fact", or ":fact".
 */
#include "replay/replay.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir_priv.h"
#include "store/render.h"

#define MAX_FACT_BYTES 512        /* of one type: the longest list that is kept */
#define MAX_ITEMS (4 * HC_EV_MAX) /* of one row */
#define MAX_LACKS 65536u          /* more are taken together with the last */
#define MAX_CONFIGS 4096u         /* different ones; more are taken together with the last */

struct config {
	uint32_t boot;
	int64_t wall_ns;
	uint64_t seq;
	struct hc_type_set types;
	bool is_import;
	bool is_plan;                 /* what is known of a recording that has not begun */
	const char *mode[HC_EV_MAX];  /* NULL: not recorded, or imported */
	const char *facts[HC_EV_MAX]; /* ",env,data," ; of an import: what is missing */
	const char *no_facts;         /* of an import: missing in every type */
	int profile;                  /* enum hc_profile; -1: not said */
	struct hc_type_set known;     /* to the recorder, as far as it ever said so */
	const char *recorder;         /* "hindcast VERSION"; NULL: not said */
};

/* A recorder began, or went on with another segment. */
struct start {
	uint32_t boot;
	uint64_t seq;
	bool is_segment;
	const char *recorder;
};

/* More was recorded of a scope than of all else, for an on-demand capture. */
struct raise {
	struct raise *next;
	int64_t id;
	const char *expression;    /* "SCOPE capture=NAME .." */
	struct config as;          /* how; the moments are not set */
	int64_t from_ns, until_ns; /* wall clock; INT64_MAX: it has not ended */
	bool in_range;
};

/* Less was recorded: of everybody, because the recorder had no time for more (a shed); or on request, or for want
 * of room. */
struct lack {
	struct lack *next;
	int64_t id;
	uint64_t began_ns; /* since boot: with boot and id it names a lack */
	uint32_t boot;
	bool is_shed, by_user;
	const char *why;
	struct hc_type_set off, thinned; /* of a filter: some rows of `off`; by the user none: of all types */
	int64_t from_ns, until_ns;       /* wall clock; INT64_MAX: it has not ended */
};

struct hc_facts {
	struct hc_arena arena;
	struct lack *lacks; /* the last one first */
	uint32_t n_lacks;
	struct raise *raises;
	struct config **configs;
	uint32_t n_configs;
	struct start *starts;
	uint32_t n_starts;
	uint64_t n_lost;
	const char *shed[HC_EV_MAX]; /* why rows of the type are missing although nobody asked for that; NULL: none
	                                are */
	const char
		*over[HC_EV_MAX]; /* why rows of the type are missing for want of processor time; NULL: none are */
	struct hc_type_set thinned; /* sampled for a while only, for want of processor time */
	const char *user_filter;    /* what the user asked to be left out; NULL: nothing */
	int64_t since_ns, until_ns; /* wall clock: of the range that is asked about; INT64_MIN, INT64_MAX: all */
	uint32_t n_unresolved;      /* containers of which only the cgroup is known */
};

struct reader {
	struct hc_facts *f;
	struct hc_capture *capture;
	const struct hc_block_filter *range;
	struct hc_view *view;
	const struct hc_capture_block *block;
	uint32_t boot;
	int64_t begin_ns; /* wall: of the range, or of the first row there is */
	int code;
};

/* ---- reading ---- */

static const char *text_copy(struct reader *rd, struct hc_str s)
{
	const char *p = hc_arena_str(&rd->f->arena, s).p;

	if (!p)
		rd->code = -ENOMEM;
	return p;
}

static struct hc_str next_word(struct hc_str *s)
{
	struct hc_str word;

	while (s->len && *s->p == ' ') {
		s->p++;
		s->len--;
	}
	word = (struct hc_str){ s->p, 0 };
	while (word.len < s->len && s->p[word.len] != ' ')
		word.len++;
	s->p += word.len;
	s->len -= word.len;
	return word;
}

/* "name mode fact,fact" */
static void read_type(struct reader *rd, struct config *c, struct hc_str item)
{
	struct hc_str name = next_word(&item), mode = next_word(&item), facts = next_word(&item);
	const struct hc_table_desc *desc = hc_event_desc_by_name(name);

	if (!desc)
		return; /* of a newer version */
	hc_type_set_add(&c->types, desc->number);
	c->mode[desc->number] = text_copy(rd, mode.len ? mode : HC_STR("all"));
	if (facts.len > MAX_FACT_BYTES)
		facts.len = MAX_FACT_BYTES;
	c->facts[desc->number] = hc_arena_printf(&rd->f->arena, "," HC_STR_FMT ",", HC_STR_ARG(facts));
}

/* "type", "type:fact", ":fact" of what the source of an import cannot hold. */
static void read_lack(struct reader *rd, struct config *c, struct hc_str item)
{
	const char *colon = item.len ? memchr(item.p, ':', item.len) : NULL;
	struct hc_str name = { item.p, colon ? (uint32_t)(colon - item.p) : item.len };
	struct hc_str fact = { colon ? colon + 1 : NULL, colon ? item.len - name.len - 1 : 0 };
	const struct hc_table_desc *desc = hc_event_desc_by_name(name);
	const char **list = desc ? &c->facts[desc->number] : &c->no_facts;

	if (desc && !colon)
		c->types.w[desc->number / 64] &= ~(UINT64_C(1) << desc->number % 64);
	else if (colon && (desc || !name.len) && (!*list || strlen(*list) < MAX_FACT_BYTES))
		*list = hc_arena_printf(&rd->f->arena, "%s" HC_STR_FMT ",", *list ? *list : ",", HC_STR_ARG(fact));
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Each segment begins with what is in force: most of these rows say nothing new. */
static bool says_the_same(const struct config *a, const struct config *b)
{
	if (a->boot != b->boot || a->is_import != b->is_import || a->profile != b->profile ||
	    memcmp(&a->types, &b->types, sizeof(a->types)) != 0 || !text_equal(a->no_facts, b->no_facts))
		return false;
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (!text_equal(a->mode[type], b->mode[type]) || !text_equal(a->facts[type], b->facts[type]))
			return false;
	return true;
}

static void add_config(struct reader *rd, const struct config *c)
{
	struct hc_facts *f = rd->f;
	struct config **configs, *last = f->n_configs ? f->configs[f->n_configs - 1] : NULL;

	if (rd->code < 0 || (last && says_the_same(last, c)))
		return;
	if (last && f->n_configs == MAX_CONFIGS) {
		for (unsigned w = 0; w < HC_EV_MAX / 64; w++)
			last->types.w[w] &= c->types.w[w];
		return;
	}
	configs = realloc(f->configs, (f->n_configs + 1u) * sizeof(struct config *));
	if (configs)
		f->configs = configs;
	last = configs ? hc_arena_alloc(&f->arena, sizeof(*last)) : NULL;
	if (!last) {
		rd->code = -ENOMEM;
		return;
	}
	*last = *c;
	f->configs[f->n_configs++] = last;
}

static const char *const profile_words[] = { "minimal", "security", "full" };

static int profile_of(const struct reader *rd, uint32_t row)
{
	struct hc_str word = hc_view_text(rd->view, HC_DOM_ROWS(HC_EV_META_CONFIG), HC_C_META_CONFIG_profile, row);

	for (int i = 0; i < 3; i++)
		if (hc_str_eq(word, hc_str_c(profile_words[i])))
			return i;
	return -1;
}

static void read_config(struct reader *rd, unsigned type, uint32_t row)
{
	unsigned dom = HC_DOM_ROWS(type);
	bool is_import = type == HC_EV_META_IMPORT;
	struct config config = { 0 }, *c = &config;
	int64_t seq = 0, wall = 0;
	const uint32_t *items;
	uint32_t n;

	hc_view_row_field(rd->view, type, row, HC_ROWF_SEQ, &seq);
	hc_view_row_field(rd->view, type, row, HC_ROWF_WALL_NS, &wall);
	c->boot = rd->boot;
	c->seq = (uint64_t)seq;
	c->wall_ns = wall;
	c->is_import = is_import;
	c->profile = is_import ? -1 : profile_of(rd, row);
	if (is_import)
		memset(&c->types, 0xff, sizeof(c->types));
	items = hc_view_strs(
		rd->view,
		hc_view_ref(rd->view, dom, is_import ? HC_C_META_IMPORT_cannot_hold : HC_C_META_CONFIG_types, row),
		&n);
	for (uint32_t i = 0; i < n && i < MAX_ITEMS; i++) {
		if (is_import)
			read_lack(rd, c, hc_view_str(rd->view, items[i]));
		else
			read_type(rd, c, hc_view_str(rd->view, items[i]));
	}
	add_config(rd, c);
}

static int64_t wall_of(const struct reader *rd, uint64_t boot_ns)
{
	return (int64_t)(boot_ns + (uint64_t)rd->block->info.wall_offset_ns);
}

static void read_gap(struct reader *rd, uint32_t row)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_META_GAP);
	int64_t until = hc_view_int_or(rd->view, dom, HC_C_META_GAP_until_ns, row, 0), from;

	if (!until)
		hc_view_row_field(rd->view, HC_EV_META_GAP, row, HC_ROWF_TS_NS, &until);
	if (!hc_view_int(rd->view, dom, HC_C_META_GAP_from_ns, row, &from))
		from = until;
	if (wall_of(rd, (uint64_t)until) >= rd->f->since_ns && wall_of(rd, (uint64_t)from) < rd->f->until_ns)
		rd->f->n_lost += (uint64_t)hc_view_int_or(rd->view, dom, HC_C_META_GAP_count, row, 0);
}

/* Segments that were removed since: they matter when the range reaches back to them. True when the row is of that
 * kind. */
static bool read_removed(struct reader *rd, uint32_t row)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_META_FILTER);
	struct hc_str stream = hc_view_text(rd->view, dom, HC_C_META_FILTER_of_stream, row);
	int64_t until = hc_view_int_or(rd->view, dom, HC_C_META_FILTER_until_wall_ns, row, 0);
	int64_t from = hc_view_int_or(rd->view, dom, HC_C_META_FILTER_from_wall_ns, row, INT64_MIN);
	const struct hc_block_filter *r = rd->range;
	const char *why;

	if (!stream.len || !until)
		return false;
	if (until <= rd->begin_ns || (r && r->has_until && from >= r->until_wall_ns))
		return true;
	why = hc_arena_printf(&rd->f->arena, "some were not kept that long (" HC_STR_FMT ")",
	                      HC_STR_ARG(hc_view_text(rd->view, dom, HC_C_META_FILTER_expression, row)));
	if (!why)
		rd->code = -ENOMEM;
	for (unsigned type = 32; type < HC_EV_MAX; type++) {
		const struct hc_table_desc *desc = hc_event_desc(type);

		if (desc && hc_str_eq(stream, hc_str_c(hc_stream_name(desc->stream))))
			rd->f->shed[type] = why;
	}
	return true;
}

/* Each says all there is to say by then: the last row of a raise counts. */
static void read_raise(struct reader *rd, uint32_t row)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_META_FILTER);
	int64_t id = hc_view_int_or(rd->view, dom, HC_C_META_FILTER_id, row, 0);
	int64_t from = hc_view_int_or(rd->view, dom, HC_C_META_FILTER_from_ns, row, 0), until;
	struct hc_facts *f = rd->f;
	struct raise *k = f->raises;
	const uint32_t *types;
	uint32_t n;

	while (k && !(k->as.boot == rd->boot && k->id == id))
		k = k->next;
	if (!k) {
		k = hc_arena_alloc(&f->arena, sizeof(*k));
		if (!k) {
			rd->code = -ENOMEM;
			return;
		}
		*k = (struct raise){ .next = f->raises, .id = id, .as.boot = rd->boot };
		k->expression = text_copy(rd, hc_view_text(rd->view, dom, HC_C_META_FILTER_expression, row));
		f->raises = k;
		if (rd->code < 0)
			return;
	}
	k->from_ns = wall_of(rd, (uint64_t)from);
	k->until_ns = hc_view_int(rd->view, dom, HC_C_META_FILTER_until_ns, row, &until)
	                      ? wall_of(rd, (uint64_t)until)
	                      : INT64_MAX;
	k->in_range = k->until_ns >= f->since_ns && k->from_ns < f->until_ns;
	types = hc_view_strs(rd->view, hc_view_ref(rd->view, dom, HC_C_META_FILTER_types, row), &n);
	for (uint32_t i = 0; i < n && i < MAX_ITEMS; i++)
		read_type(rd, &k->as, hc_view_str(rd->view, types[i]));
}

static bool set_empty(const struct hc_type_set *s)
{
	uint64_t any = 0;

	for (unsigned w = 0; w < HC_EV_MAX / 64; w++)
		any |= s->w[w];
	return !any;
}

static struct lack *find_lack(struct reader *rd, bool is_shed, int64_t id, uint64_t began_ns)
{
	struct lack *k = rd->f->lacks;

	while (k && !(k->is_shed == is_shed && k->boot == rd->boot && k->id == id && k->began_ns == began_ns))
		k = k->next;
	return k;
}

static const char *why_lack(struct hc_arena *arena, bool is_shed, struct hc_str reason, struct hc_str expression)
{
	if (is_shed)
		return hc_arena_printf(
			arena, "left out for a time, as the recorder was over its budget (shed: " HC_STR_FMT ")",
			HC_STR_ARG(expression));
	return hc_arena_printf(arena, "some were left out while recording (" HC_STR_FMT "%s" HC_STR_FMT ")",
	                       HC_STR_ARG(reason), expression.len ? ": " : "", HC_STR_ARG(expression));
}

/* As with a raise, the last row counts. What is in force meanwhile meta_config rows say of a shed too: this tells
 * why.
 */
static void read_lack_row(struct reader *rd, struct hc_str reason, uint32_t row)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_META_FILTER);
	int64_t id = hc_view_int_or(rd->view, dom, HC_C_META_FILTER_id, row, 0);
	uint64_t from = (uint64_t)hc_view_int_or(rd->view, dom, HC_C_META_FILTER_from_ns, row, 0);
	bool is_shed = hc_str_eq(reason, HC_STR("shed")), merged = false;
	struct lack *k = find_lack(rd, is_shed, id, from);
	struct hc_facts *f = rd->f;
	const uint32_t *types;
	int64_t until;
	uint32_t n;

	if (!k && f->n_lacks >= MAX_LACKS) {
		k = f->lacks; /* taken for one long one */
		k->until_ns = INT64_MAX;
		merged = true;
	} else if (!k) {
		k = hc_arena_alloc(&f->arena, sizeof(*k));
		if (!k) {
			rd->code = -ENOMEM;
			return;
		}
		f->n_lacks++;
		*k = (struct lack){ .next = f->lacks,
			            .id = id,
			            .began_ns = from,
			            .boot = rd->boot,
			            .is_shed = is_shed,
			            .by_user = hc_str_eq(reason, HC_STR("user")),
			            .until_ns = INT64_MAX };
		k->why = why_lack(&f->arena, is_shed, reason,
		                  hc_view_text(rd->view, dom, HC_C_META_FILTER_expression, row));
		if (!k->why)
			rd->code = -ENOMEM;
		f->lacks = k;
	}
	if (!merged) {
		k->from_ns = wall_of(rd, from);
		if (hc_view_int(rd->view, dom, HC_C_META_FILTER_until_ns, row, &until))
			k->until_ns = wall_of(rd, (uint64_t)until);
	}
	types = hc_view_strs(rd->view, hc_view_ref(rd->view, dom, HC_C_META_FILTER_types, row), &n);
	for (uint32_t i = 0; i < n && i < MAX_ITEMS; i++) {
		struct hc_str item = hc_view_str(rd->view, types[i]), name = next_word(&item);
		const struct hc_table_desc *desc = hc_event_desc_by_name(name);

		if (desc) /* with a mode: some are recorded */
			hc_type_set_add(next_word(&item).len ? &k->thinned : &k->off, desc->number);
	}
	if (!n && !is_shed && (merged || !k->by_user))
		memset(&k->off, 0xff, sizeof(k->off));
}

static void add_start(struct reader *rd, uint32_t row, bool is_segment)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_META_START);
	struct hc_str recorder = hc_view_text(rd->view, dom, HC_C_META_START_recorder, row);
	struct start *starts = realloc(rd->f->starts, (rd->f->n_starts + 1u) * sizeof(*starts)), *s;
	int64_t seq = 0;

	if (!starts) {
		rd->code = -ENOMEM;
		return;
	}
	rd->f->starts = starts;
	hc_view_row_field(rd->view, HC_EV_META_START, row, HC_ROWF_SEQ, &seq);
	s = &starts[rd->f->n_starts++];
	*s = (struct start){ .boot = rd->boot, .seq = (uint64_t)seq, .is_segment = is_segment };
	if (recorder.len)
		s->recorder = text_copy(rd, recorder);
}

/* A recorder that was killed does not say when its lacks end: the one after it begins without any. */
static void read_start(struct reader *rd, uint32_t row)
{
	struct hc_str why = hc_view_text(rd->view, HC_DOM_ROWS(HC_EV_META_START), HC_C_META_START_why, row);
	int64_t wall = 0;

	add_start(rd, row, hc_str_eq(why, HC_STR("segment")));
	if (hc_str_eq(why, HC_STR("segment")))
		return;
	hc_view_row_field(rd->view, HC_EV_META_START, row, HC_ROWF_WALL_NS, &wall);
	for (struct lack *k = rd->f->lacks; k; k = k->next)
		if (k->until_ns == INT64_MAX && k->from_ns < wall)
			k->until_ns = wall;
}

/* What the lacks of the range mean for it. */
static void apply_lacks(struct hc_facts *f)
{
	for (const struct lack *k = f->lacks; k; k = k->next) {
		const char **missing = k->is_shed ? f->over : f->shed;

		if (k->until_ns < f->since_ns || k->from_ns >= f->until_ns)
			continue;
		if (k->by_user && set_empty(&k->off))
			f->user_filter = k->why;
		for (unsigned type = 0; type < HC_EV_MAX; type++) {
			if (hc_type_set_has(&k->off, type))
				missing[type] = k->why;
			else if (hc_type_set_has(&k->thinned, type))
				hc_type_set_add(&f->thinned, type);
		}
	}
}

static void read_filter(struct reader *rd, uint32_t row)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_META_FILTER);
	struct hc_str reason = hc_view_text(rd->view, dom, HC_C_META_FILTER_reason, row);

	if (hc_str_eq(reason, HC_STR("self")))
		return; /* the recorder leaves itself out: always, and it is documented */
	if (hc_str_eq(reason, HC_STR("raise")))
		read_raise(rd, row);
	else if (!read_removed(rd, row))
		read_lack_row(rd, reason, row);
}

/* A container that nothing is known of but its cgroup. */
static void read_container(struct reader *rd, uint32_t row)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_CTR_UPDATE);

	/* a pod that the API server does not know is "unresolved", too, whatever the runtime's files tell */
	if (hc_str_eq(hc_view_text(rd->view, dom, HC_C_CTR_UPDATE_phase, row), HC_STR("unresolved")) &&
	    hc_str_eq(hc_view_text(rd->view, dom, HC_C_CTR_UPDATE_source, row), HC_STR("none")))
		rd->f->n_unresolved++;
}

static void read_block(struct reader *rd, struct hc_block *block)
{
	static const unsigned kinds[] = { HC_EV_META_START, HC_EV_META_CONFIG, HC_EV_META_IMPORT,
		                          HC_EV_META_GAP,   HC_EV_META_FILTER, HC_EV_CTR_UPDATE };

	hc_block_as_written(block); /* none of these rows says anything of a container that may be late */
	hc_view_set(rd->view, block, NULL);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		uint32_t n = hc_block_n_rows(block, kinds[k]);

		for (uint32_t row = 1; row <= n && rd->code == 0; row++) {
			if (kinds[k] == HC_EV_META_START)
				read_start(rd, row);
			else if (kinds[k] == HC_EV_META_GAP)
				read_gap(rd, row);
			else if (kinds[k] == HC_EV_META_FILTER)
				read_filter(rd, row);
			else if (kinds[k] == HC_EV_CTR_UPDATE)
				read_container(rd, row);
			else
				read_config(rd, kinds[k], row);
		}
	}
}

static int order_config(const void *pa, const void *pb)
{
	const struct config *a = *(struct config *const *)pa, *b = *(struct config *const *)pb;

	if (a->boot != b->boot)
		return a->boot < b->boot ? -1 : 1;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

static int order_start(const void *pa, const void *pb)
{
	const struct start *a = pa, *b = pb;

	if (a->boot != b->boot)
		return a->boot < b->boot ? -1 : 1;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

static void set_join(struct hc_type_set *to, const struct hc_type_set *more)
{
	for (unsigned w = 0; w < HC_EV_MAX / 64; w++)
		to->w[w] |= more->w[w];
}

/* Types that rows of a boot name without their being recorded all the time. */
static struct hc_type_set named_apart(const struct hc_facts *f, uint32_t boot)
{
	struct hc_type_set set = { 0 };

	for (const struct raise *k = f->raises; k; k = k->next)
		if (k->as.boot == boot)
			set_join(&set, &k->as.types);
	for (const struct lack *k = f->lacks; k; k = k->next) {
		if (k->boot == boot) {
			set_join(&set, &k->off);
			set_join(&set, &k->thinned);
		}
	}
	return set;
}

/*
 * Which recorder wrote what, and which types it knew: what one of its rows names, from when it was started until
 * another was. What it recorded of no one, and does not say it left out, is of later versions.
 */
static void know_recorders(struct hc_facts *f)
{
	struct hc_type_set apart = { 0 }, known = { 0 };
	const struct start *last = NULL;
	uint32_t at = 0, first = 0, i;

	if (f->n_starts)
		qsort(f->starts, f->n_starts, sizeof(*f->starts), order_start);
	for (i = 0; i < f->n_configs; i++) {
		struct config *c = f->configs[i];
		bool begins = i == 0 || c->boot != f->configs[i - 1]->boot;

		if (begins) {
			apart = named_apart(f, c->boot);
			last = NULL;
		}
		for (; at < f->n_starts && (f->starts[at].boot < c->boot ||
		                            (f->starts[at].boot == c->boot && f->starts[at].seq <= c->seq));
		     at++) {
			if (f->starts[at].boot != c->boot)
				continue;
			last = &f->starts[at];
			begins |= !last->is_segment;
		}
		if (begins) {
			for (; first < i; first++)
				f->configs[first]->known = known;
			known = apart;
		}
		set_join(&known, &c->types);
		c->recorder = last ? last->recorder : NULL;
	}
	for (; first < i; first++)
		f->configs[first]->known = known;
}

/* Leaves out what was not in force in the range. */
static void keep_range(struct hc_facts *f, const struct hc_block_filter *range)
{
	uint32_t n = 0;

	for (uint32_t i = 0; range && i < f->n_configs; i++) {
		struct config *c = f->configs[i], *next = i + 1 < f->n_configs ? f->configs[i + 1] : NULL;
		bool over = c && next && next->boot == c->boot && range->has_since &&
		            next->wall_ns <= range->since_wall_ns;

		if (c && !over && !(range->has_until && c->wall_ns >= range->until_wall_ns && n))
			f->configs[n++] = c;
	}
	if (range)
		f->n_configs = n;
}

int hc_facts_load(struct hc_capture *c, const struct hc_block_filter *range, struct hc_facts **ret,
                  struct hc_err *err)
{
	struct hc_block_filter filter = { .has_types = true };
	HC_AUTO(hc_facts_free) struct hc_facts *f = calloc(1, sizeof(*f));
	HC_AUTO(hc_view_free) struct hc_view *view = hc_view_new();
	struct reader rd = { .f = f, .capture = c, .range = range, .view = view };
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	uint32_t *selected, n_selected, n;
	int r;

	if (!f || !view)
		return hc_err_set(err, -ENOMEM, "out of memory");
	hc_type_set_add(&filter.types, HC_EV_META_START);
	hc_type_set_add(&filter.types, HC_EV_META_CONFIG);
	hc_type_set_add(&filter.types, HC_EV_META_IMPORT);
	hc_type_set_add(&filter.types, HC_EV_META_GAP);
	hc_type_set_add(&filter.types, HC_EV_META_FILTER);
	hc_type_set_add(&filter.types, HC_EV_CTR_UPDATE);
	f->since_ns = range && range->has_since ? range->since_wall_ns : INT64_MIN;
	f->until_ns = range && range->has_until ? range->until_wall_ns : INT64_MAX;
	blocks = hc_capture_blocks(c, &n);
	rd.begin_ns = range && range->has_since ? range->since_wall_ns : INT64_MAX;
	for (uint32_t i = 0; !(range && range->has_since) && i < n; i++) {
		int64_t wall = (int64_t)(blocks[i].info.first_ns + (uint64_t)blocks[i].info.wall_offset_ns);

		rd.begin_ns = wall < rd.begin_ns ? wall : rd.begin_ns;
	}
	segs = hc_capture_segs(c, &n);
	r = hc_capture_select(c, &filter, &selected, &n_selected, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n_selected && rd.code == 0; i++) {
		HC_AUTO(hc_block_close) struct hc_block *block = NULL;
		struct hc_err damage = { 0 };

		rd.block = &blocks[selected[i]];
		rd.boot = segs[rd.block->seg].boot;
		if (hc_capture_load(c, selected[i], &block, &damage) == 0) {
			read_block(&rd, block);
			hc_view_error(view, &damage);
		}
		if (damage.code)
			hc_capture_add_problem(c, selected[i], &damage);
	}
	free(selected);
	apply_lacks(f);
	if (rd.code < 0)
		return hc_err_set(err, rd.code, "out of memory");
	if (f->n_configs)
		qsort(f->configs, f->n_configs, sizeof(*f->configs), order_config);
	know_recorders(f);
	keep_range(f, range);
	*ret = hc_steal(f);
	return 0;
}

static bool is_for(const struct raise *k, const char *scope, const char *capture)
{
	size_t n = strlen(scope), m = strlen(capture);
	const char *at = k->expression + n + strlen(" capture=");

	return strncmp(k->expression, scope, n) == 0 && strncmp(k->expression + n, " capture=", 9) == 0 &&
	       strncmp(at, capture, m) == 0 && (at[m] == ' ' || !at[m]);
}

void hc_facts_within(struct hc_facts *f, const char *scope, const char *capture)
{
	int64_t from = INT64_MAX, until = INT64_MIN;

	/* one for each time that the recorder was started: that nobody recorded in between, gaps tell */
	for (const struct raise *k = f->raises; k; k = k->next) {
		if (!is_for(k, scope, capture))
			continue;
		from = k->from_ns < from ? k->from_ns : from;
		until = k->until_ns > until ? k->until_ns : until;
	}
	if (from > f->since_ns || until < f->until_ns)
		return; /* not in all of the range, which may begin in the past of the capture */
	for (const struct raise *k = f->raises; k; k = k->next) {
		for (uint32_t i = 0; is_for(k, scope, capture) && i < f->n_configs; i++) {
			struct config *c = f->configs[i];

			for (unsigned type = 0; c->boot == k->as.boot && !c->is_import && type < HC_EV_MAX;
			     type++) {
				if (!hc_type_set_has(&k->as.types, type))
					continue;
				hc_type_set_add(&c->types, type);
				c->mode[type] = k->as.mode[type];
				c->facts[type] = k->as.facts[type];
				if (strstr(k->expression, " detail=full")) { /* nothing of that is ever shed */
					f->over[type] = NULL;
					f->thinned.w[type / 64] &= ~(UINT64_C(1) << type % 64);
				}
			}
		}
	}
}

int hc_facts_planned(unsigned profile, struct hc_facts **ret, struct hc_err *err)
{
	HC_AUTO(hc_facts_free) struct hc_facts *f = calloc(1, sizeof(*f));
	struct config *c = f ? hc_arena_alloc(&f->arena, sizeof(*c)) : NULL;

	if (c)
		f->configs = calloc(1, sizeof(struct config *));
	if (!c || !f->configs)
		return hc_err_set(err, -ENOMEM, "out of memory");
	c->is_plan = true;
	c->profile = -1;
	f->configs[f->n_configs++] = c;
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (hc_event_desc(type) && hc_event_desc(type)->profile <= profile)
			hc_type_set_add(&c->types, type);
	*ret = hc_steal(f);
	return 0;
}

struct hc_facts *hc_facts_free(struct hc_facts *f)
{
	if (!f)
		return NULL;
	free(f->configs);
	free(f->starts);
	hc_arena_done(&f->arena);
	free(f);
	return NULL;
}

/* ---- asking ---- */

static bool is_meta(unsigned type)
{
	const struct hc_table_desc *desc = hc_event_desc(type);

	return desc && desc->cls == HC_CLASS_META;
}

static const char *mode_of(const struct hc_facts *f, unsigned type)
{
	for (uint32_t i = 0; i < f->n_configs; i++) {
		const char *mode = f->configs[i]->mode[type];

		if (mode && strcmp(mode, "all") != 0)
			return mode;
	}
	return NULL;
}

enum hc_recorded hc_facts_type(const struct hc_facts *f, unsigned type)
{
	uint32_t n = 0;

	if (type >= HC_EV_MAX)
		return HC_RECORDED_NO;
	if (!f->n_configs)
		return HC_RECORDED_UNKNOWN;
	if (is_meta(type))
		return HC_RECORDED_ALL;
	for (uint32_t i = 0; i < f->n_configs; i++)
		n += hc_type_set_has(&f->configs[i]->types, type);
	if (!n)
		return HC_RECORDED_NO;
	if (n < f->n_configs || f->shed[type] || f->over[type])
		return HC_RECORDED_PARTLY;
	return mode_of(f, type) || hc_type_set_has(&f->thinned, type) ? HC_RECORDED_SAMPLED : HC_RECORDED_ALL;
}

static bool list_has_word(const char *list, const char *fact, size_t len)
{
	for (const char *p = list; p && (p = strchr(p, ',')); p++)
		if (strncmp(p + 1, fact, len) == 0 && (p[1 + len] == ',' || p[1 + len] == '='))
			return true;
	return false;
}

/* "fact" or "fact=VALUE" among the facts; of "whole.part" the whole will do. */
static bool list_has(const char *list, const char *fact)
{
	size_t whole = strcspn(fact, ".");

	return list_has_word(list, fact, strlen(fact)) || (fact[whole] && list_has_word(list, fact, whole));
}

bool hc_facts_has_fact(const struct hc_facts *f, unsigned type, const char *fact)
{
	if (type >= HC_EV_MAX)
		return false;
	for (uint32_t i = 0; i < f->n_configs; i++) {
		const struct config *c = f->configs[i];

		if (!hc_type_set_has(&c->types, type) || c->is_plan)
			continue;
		if (c->is_import ? list_has(c->facts[type], fact) || list_has(c->no_facts, fact)
		                 : !list_has(c->facts[type], fact))
			return false;
	}
	return true;
}

uint64_t hc_facts_lost(const struct hc_facts *f)
{
	return f->n_lost;
}

/* ---- answers ---- */

struct hc_answers {
	struct hc_arena arena;
	struct hc_answer *v;
	uint32_t n;
};

struct reasons {
	struct hc_answers *a;
	const char **v;
	uint32_t n, cap;
	bool bad;
};

static void reason_add(struct reasons *r, const char *text)
{
	for (uint32_t i = 0; text && i < r->n; i++)
		if (strcmp(r->v[i], text) == 0)
			return; /* several conditions of a rule may lack the same */
	if (r->n + 1 >= r->cap) {
		uint32_t cap = r->cap ? r->cap * 2 : 4;
		const char **v = hc_arena_alloc(&r->a->arena, cap * sizeof(*v));

		if (!v) {
			r->bad = true;
			return;
		}
		if (r->n)
			memcpy(v, r->v, r->n * sizeof(*v));
		r->v = v;
		r->cap = cap;
	}
	if (!text) {
		r->bad = true;
		return;
	}
	r->v[r->n++] = text;
	r->v[r->n] = NULL;
}

/* Names of the types of a set, at most a handful. */
static const char *type_names(struct hc_arena *arena, const struct hc_type_set *set)
{
	char text[256] = "";
	size_t at = 0;
	unsigned n = 0;

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		if (!hc_type_set_has(set, type))
			continue;
		if (n < 6)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", n ? ", " : "",
			                       hc_event_desc(type)->name);
		n++;
	}
	if (n > 6)
		snprintf(text + at, sizeof(text) - at, " and %u more", n - 6);
	return hc_arena_printf(arena, "%s", text);
}

/* "; of SCOPE it was (capture NAME)": for whom types that were not recorded of everybody were. */
static const char *of_whom(struct hc_arena *arena, const struct hc_facts *f, const struct hc_type_set *types)
{
	const char *text = "";
	unsigned n = 0;

	for (const struct raise *k = f->raises; k && text; k = k->next) {
		const char *capture = strstr(k->expression, " capture="), *one;
		bool any = false;

		for (unsigned w = 0; w < HC_EV_MAX / 64; w++)
			any |= (k->as.types.w[w] & types->w[w]) != 0;
		if (!k->in_range || !any || !capture || n == 3)
			continue;
		one = hc_arena_printf(arena, "; of %.*s it was (capture %.*s)", (int)(capture - k->expression),
		                      k->expression, (int)strcspn(capture + 9, " "), capture + 9);
		if (!one || strstr(text, one)) /* once, however often the recorder was started meanwhile */
			continue;
		text = hc_arena_printf(arena, "%s%s", text, one);
		n++;
	}
	return text;
}

/* The recorder would have recorded it, had it known it. */
static bool is_unknown(const struct config *c, unsigned type)
{
	return c->profile >= hc_event_desc(type)->profile && !hc_type_set_has(&c->known, type);
}

/* What recorders to which types of a rule are unknown make of it. */
struct formers {
	struct hc_type_set told;   /* their rows of another type have all that is asked for */
	struct hc_type_set untold; /* they wrote no rows of such calls */
	const char *general, *recorder;
	bool lacking; /* rows do not tell all */
};

static const struct hc_former *former_of(const struct hc_ir_rule *rule, unsigned type)
{
	for (uint32_t i = 0; i < rule->n_formers; i++)
		if (rule->formers[i].type == type)
			return &rule->formers[i];
	return NULL;
}

/* "the recorder (hindcast 1.2)" */
static const char *recorder_words(struct hc_arena *arena, const char *recorder)
{
	return recorder ? hc_arena_printf(arena, "the recorder (%s)", recorder) : "the recorder";
}

/* Where a type that is not recorded all the time has been written as another. True: in all of the time it was
 * either, or unknown; nothing else is to be said of it. */
static bool check_former(struct reasons *r, const struct hc_facts *f, const struct hc_former *k,
                         struct formers *ret)
{
	const char *name = hc_event_desc(k->type)->name, *words = NULL;
	bool is_general = false, is_nothing = false;

	for (uint32_t i = 0; i < f->n_configs; i++) {
		const struct config *c = f->configs[i];

		if (hc_type_set_has(&c->types, k->type))
			continue;
		if (!is_unknown(c, k->type))
			return false;
		if (hc_type_set_has(&c->types, k->general))
			is_general = true;
		else
			is_nothing = true;
		ret->recorder = c->recorder;
	}
	ret->general = hc_event_desc(k->general)->name;
	if (is_nothing)
		hc_type_set_add(&ret->untold, k->type);
	if (is_general && !k->lacks)
		hc_type_set_add(&ret->told, k->type);
	if (is_general && k->lacks) {
		ret->lacking = true;
		words = recorder_words(&r->a->arena, ret->recorder);
		reason_add(r, !words ? NULL
		                     : hc_arena_printf(&r->a->arena,
		                                       "%s: not told by rows of %s, as which %s wrote %s, unknown "
		                                       "to it by name",
		                                       k->lacks, ret->general, words, name));
	}
	return true;
}

/* What is to be said of them; false when a lack means that there is no answer. */
static bool tell_formers(struct reasons *r, const struct formers *k)
{
	struct hc_arena *arena = &r->a->arena;
	const char *words = recorder_words(arena, k->recorder);

	if (!words)
		reason_add(r, NULL);
	if (words && !set_empty(&k->untold))
		reason_add(r, hc_arena_printf(arena, "not recorded: %s, unknown to %s, which wrote no rows of %s",
		                              type_names(arena, &k->untold), words, k->general));
	if (words && !set_empty(&k->told))
		reason_add(r, hc_arena_printf(arena, "%s: unknown to %s by name, looked for in its rows of %s",
		                              type_names(arena, &k->told), words, k->general));
	return set_empty(&k->untold) && !k->lacking;
}

/* What the types of a rule lack; false when a lack means that there is no answer. */
static bool check_types(struct reasons *r, const struct hc_facts *f, const struct hc_ir_rule *rule)
{
	const struct hc_type_set *types = &rule->types;
	struct formers formers = { 0 };
	struct hc_type_set never = { 0 }, partly = { 0 }, sampled = { 0 }, thinned = { 0 };
	unsigned profile = HC_PROFILE_MINIMAL;
	const char *shed = NULL, *missing;
	const struct hc_former *former;
	enum hc_recorded recorded;
	bool unknown = false, any = false, told;

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		const struct hc_table_desc *desc = hc_event_desc(type);

		if (!hc_type_set_has(types, type) || !desc)
			continue;
		if (desc->profile == HC_PROFILE_IMPORTED && hc_facts_type(f, type) == HC_RECORDED_NO &&
		    !f->configs[0]->is_import)
			continue; /* recorded as another type, if at all */
		any = true;
		recorded = hc_facts_type(f, type);
		former = former_of(rule, type);
		if (former && (recorded == HC_RECORDED_NO || recorded == HC_RECORDED_PARTLY) && !f->shed[type] &&
		    !f->over[type] && check_former(r, f, former, &formers)) {
			missing = f->shed[former->general] ? f->shed[former->general] : f->over[former->general];
			if (missing) {
				hc_type_set_add(&partly, former->general);
				shed = missing;
			} else if (hc_type_set_has(&f->thinned, former->general)) {
				hc_type_set_add(&thinned, former->general);
			}
			continue;
		}
		switch (recorded) {
		case HC_RECORDED_UNKNOWN:
			unknown = true;
			break;
		case HC_RECORDED_NO:
			if (f->over[type]) { /* in all of the range */
				hc_type_set_add(&partly, type);
				shed = f->over[type];
				break;
			}
			hc_type_set_add(&never, type);
			if (desc->profile > profile)
				profile = desc->profile;
			break;
		case HC_RECORDED_PARTLY:
			hc_type_set_add(&partly, type);
			if (f->shed[type] || f->over[type])
				shed = f->shed[type] ? f->shed[type] : f->over[type];
			break;
		case HC_RECORDED_SAMPLED:
			hc_type_set_add(hc_type_set_has(&f->thinned, type) ? &thinned : &sampled, type);
			break;
		case HC_RECORDED_ALL:
			break;
		}
	}
	if (!any && !set_empty(types)) {
		reason_add(r, "no recorder writes the events that it names");
		return false;
	}
	told = tell_formers(r, &formers);
	if (!set_empty(&never)) {
		const char *names = type_names(&r->a->arena, &never);

		if (f->configs[0]->is_import)
			reason_add(r, hc_arena_printf(&r->a->arena, "the imported format cannot hold %s", names));
		else if (profile >= HC_PROFILE_OPTION)
			reason_add(r, hc_arena_printf(&r->a->arena, "not recorded: %s", names));
		else
			reason_add(r, hc_arena_printf(&r->a->arena,
			                              "not recorded: %s (hindcast record --profile %s)%s", names,
			                              profile_words[profile], of_whom(&r->a->arena, f, &never)));
	}
	if (!set_empty(&partly))
		reason_add(r, hc_arena_printf(&r->a->arena, "%s: %s", type_names(&r->a->arena, &partly),
		                              shed ? shed : "recorded in a part of the time only"));
	if (!set_empty(&sampled))
		reason_add(r, hc_arena_printf(
				      &r->a->arena,
				      "sampled, so that an alert means at least once: %s (all: hindcast record "
				      "--profile full)",
				      type_names(&r->a->arena, &sampled)));
	if (!set_empty(&thinned))
		reason_add(r,
		           hc_arena_printf(&r->a->arena,
		                           "sampled for a time, as the recorder was over its budget, so that an "
		                           "alert means at least once: %s",
		                           type_names(&r->a->arena, &thinned)));
	if (unknown)
		reason_add(r, hc_arena_printf(&r->a->arena, "the capture does not say what was recorded"));
	return set_empty(&never) && set_empty(&partly) && told;
}

static bool same_need(const struct hc_need *a, const struct hc_need *b)
{
	return a->event_type == b->event_type && strcmp(a->fact, b->fact) == 0;
}

/* "a, b: " of what in the rule has this need; NULL without memory. */
static const char *asked_by(struct hc_arena *arena, const struct hc_ir_rule *rule, const struct hc_need *need)
{
	const char *text = "";

	for (uint32_t i = 0; text && i < rule->n_needs; i++)
		if (rule->needs[i].asked && same_need(&rule->needs[i], need))
			text = hc_arena_printf(arena, "%s%s%s", text, *text ? ", " : "", rule->needs[i].asked);
	return text && *text ? hc_arena_printf(arena, "%s: ", text) : text;
}

/* A fact as people say it. */
static const char *fact_words(struct hc_arena *arena, const char *fact)
{
	if (strncmp(fact, "container", strlen("container")) != 0)
		return fact;
	fact += strlen("container");
	return hc_arena_printf(arena, *fact ? "container metadata (%s)" : "container metadata%s",
	                       fact + (*fact == '.'));
}

/* The fact is missing with at least one of the rule's types that is recorded. */
static bool check_need(struct reasons *r, const struct hc_facts *f, const struct hc_ir_rule *rule, uint32_t which)
{
	const struct hc_need *need = &rule->needs[which];
	struct hc_type_set types = rule->types, lack = { 0 };
	const char *asked, *words;

	for (uint32_t i = 0; i < which; i++)
		if (same_need(&rule->needs[i], need))
			return true; /* told there, for all that ask for it */
	for (uint32_t i = 0; i < rule->n_formers; i++)
		for (uint32_t k = 0; k < f->n_configs; k++)
			if (is_unknown(f->configs[k], rule->formers[i].type))
				hc_type_set_add(&types, rule->formers[i].general);

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		bool wanted = need->event_type ? type == need->event_type : hc_type_set_has(&types, type);

		if (wanted && hc_event_desc(type) && hc_facts_type(f, type) > HC_RECORDED_NO &&
		    !hc_facts_has_fact(f, type, need->fact))
			hc_type_set_add(&lack, type);
	}
	if (set_empty(&lack) && f->n_unresolved && strncmp(need->fact, "container", strlen("container")) == 0)
		reason_add(r,
		           hc_arena_printf(
				   &r->a->arena,
				   "of %u container%s only the cgroup is known: no condition about what they are "
				   "holds for %s",
				   f->n_unresolved, f->n_unresolved == 1 ? "" : "s",
				   f->n_unresolved == 1 ? "it" : "them"));
	if (set_empty(&lack))
		return true;
	asked = asked_by(&r->a->arena, rule, need);
	words = fact_words(&r->a->arena, need->fact);
	if (!asked || !words)
		reason_add(r, NULL);
	else
		reason_add(r, hc_arena_printf(&r->a->arena, "%s%s was not recorded with %s%s%s%s", asked, words,
		                              type_names(&r->a->arena, &lack),
		                              need->remedy ? " (hindcast record " : "",
		                              need->remedy ? need->remedy : "", need->remedy ? ")" : ""));
	return false;
}

static int answer_rule(struct hc_answers *a, const struct hc_ir_rule *rule, const struct hc_facts *f,
                       struct hc_answer *ret)
{
	static const char *const none[] = { NULL };
	struct reasons r = { .a = a };
	bool answerable = rule->n_reasons == 0;

	for (uint32_t i = 0; i < rule->n_reasons; i++)
		reason_add(&r, hc_arena_printf(&a->arena, "%s", rule->reasons[i]));
	if (!rule->opts.any_type && !check_types(&r, f, rule))
		answerable = false;
	if (f->user_filter)
		reason_add(&r, hc_arena_printf(&a->arena, "%s", f->user_filter));
	for (uint32_t i = 0; i < rule->n_needs; i++)
		if (!check_need(&r, f, rule, i))
			answerable = false;
	*ret = (struct hc_answer){ .answerable = answerable, .reasons = r.v ? r.v : none };
	return r.bad ? -ENOMEM : 0;
}

int hc_answers_new(const struct hc_ir *ir, const struct hc_facts *f, struct hc_answers **ret, struct hc_err *err)
{
	HC_AUTO(hc_answers_free) struct hc_answers *a = calloc(1, sizeof(*a));
	int r = 0;

	if (!a)
		return hc_err_set(err, -ENOMEM, "out of memory");
	a->n = ir->n_rules;
	a->v = calloc(a->n + 1u, sizeof(*a->v));
	if (!a->v)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; r == 0 && i < a->n; i++) {
		r = answer_rule(a, &ir->rules[i], f, &a->v[i]);
		if (r == 0 && ir->rules[i].opts.more && !a->v[i].answerable && a->v[i - 1].answerable)
			a->v[i - 1] = a->v[i];
	}
	if (r < 0)
		return hc_err_set(err, r, "out of memory");
	*ret = hc_steal(a);
	return 0;
}

struct hc_answers *hc_answers_free(struct hc_answers *a)
{
	if (!a)
		return NULL;
	free(a->v);
	hc_arena_done(&a->arena);
	free(a);
	return NULL;
}

const struct hc_answer *hc_answers_rule(const struct hc_answers *a, uint32_t rule)
{
	return rule < a->n ? &a->v[rule] : NULL;
}
