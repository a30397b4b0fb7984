/*
 * What was learnt late of containers, put where it was not known yet. A container is in many blocks, in one
 * version for each time that something new was learnt; what a version lacks is taken from the first one that has
 * it. So only the unknown is filled: what was known and has changed stays as it was.
 *
 * Versions are ordered by the moments at which their parts became known. That of a version which lacks something
 * has to be before that of the one which has it: else it was there, and is no more.
 *
 * A recorder that begins anew knows nothing of what the one before it knew: what it lacks is the last that was
 * known before.
 */
#include "backfill_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block_priv.h"

#define MAX_CTRS (1u << 18)
#define MAX_CHANGES 64u             /* of a column of a container */
#define MAX_TEXT_BYTES (512u << 20) /* of all containers */
#define MAX_ASKED 512u              /* more than these are not asked for one by one in a Bloom filter */

/* What a version is made of, by who tells it. */
enum part { PART_FILES, PART_POD, PART_NS, N_PARTS };

/* Its time of knowledge. */
static const unsigned known_at[N_PARTS] = {
	[PART_FILES] = HC_O_CTR_known_at_ns,
	[PART_POD] = HC_O_CTR_pod_known_at_ns,
	[PART_NS] = HC_O_CTR_pod_ns_known_at_ns,
};

/* When the parts of a version became known; 0: not yet. */
struct moment {
	uint64_t ns[N_PARTS];
};

/* The first known value of a column, then those that it changed to; by the column's kind one of the three. */
struct value {
	bool is_set;
	struct moment at;
	struct hc_str s;
	uint64_t hash; /* of s */
	int64_t i;
	const struct value *items; /* of a list: texts */
	uint32_t n_items;
	struct value *later; /* the next one in order of time */
};

struct run {
	uint32_t boot;
	uint64_t from_ns;
};

struct ctr {
	uint32_t next; /* with the same slot: index + 1 */
	uint32_t boot;
	struct hc_str id;
	uint64_t id_hash, cgroup_id;
	bool has_cgroup_id;
	struct moment last; /* of the version that source and pod_source are of */
	struct value v[];   /* by column */
};

struct hc_backfill {
	struct hc_arena arena;
	const struct hc_table_desc *desc; /* of containers */
	struct ctr **ctrs;
	uint32_t n_ctrs, cap_ctrs;
	uint32_t *slots, n_slots; /* by id_hash */
	uint64_t *texts;          /* hashes of all texts, open addressing; 0 is free */
	uint32_t n_text_slots, n_texts;
	struct run *runs; /* of recorders */
	uint32_t n_runs;
	bool has_changes; /* some value has later ones */
	uint64_t n_left_out;
};

/* ---- reading entries of containers ---- */

struct reader {
	struct hc_block *b;
	const struct hc_table_desc *desc;
	struct hc_heap heap;
	struct hc_lists lists;
	uint32_t n;
	struct hc_refs refs[HC_MAX_COLS]; /* by column, those that are references */
	struct hc_ints ints[HC_MAX_COLS]; /* the others */
};

static int reader_init(struct reader *rd, struct hc_block *b, const struct hc_table_desc *desc, struct hc_err *err)
{
	int r = hc_block_heap(b, HC_OBJ_STR, &rd->heap, err);

	if (r == 0)
		r = hc_block_lists(b, HC_OBJ_STRS, &rd->lists, err);
	rd->b = b;
	rd->desc = desc;
	rd->n = hc_block_n_entries(b, HC_OBJ_CTR);
	for (unsigned col = 0; r == 0 && col < desc->n_cols; col++)
		r = desc->cols[col].ref ? hc_block_obj_refs(b, HC_OBJ_CTR, col, &rd->refs[col], err)
		                        : hc_block_obj_ints(b, HC_OBJ_CTR, col, &rd->ints[col], err);
	return r;
}

static struct hc_str text_of(const struct reader *rd, unsigned col, uint32_t entry)
{
	return hc_heap_get(&rd->heap, rd->refs[col].v[entry]);
}

static int64_t number_of(const struct reader *rd, unsigned col, uint32_t entry)
{
	return hc_ints_valid(&rd->ints[col], entry) ? rd->ints[col].v[entry] : 0;
}

static struct moment moment_of(const struct reader *rd, uint32_t entry)
{
	struct moment m;

	for (unsigned part = 0; part < N_PARTS; part++)
		m.ns[part] = (uint64_t)number_of(rd, known_at[part], entry);
	return m;
}

static bool is_before(struct moment a, struct moment b)
{
	bool sooner = false;

	for (unsigned part = 0; part < N_PARTS; part++) {
		if (a.ns[part] > b.ns[part])
			return false;
		sooner |= a.ns[part] < b.ns[part];
	}
	return sooner;
}

static uint64_t when(struct moment m)
{
	uint64_t last = 0;

	for (unsigned part = 0; part < N_PARTS; part++)
		last = m.ns[part] > last ? m.ns[part] : last;
	return last;
}

/* A text that says as much as none: "not known yet". */
static bool is_no_answer(unsigned col, struct hc_str s)
{
	switch (col) {
	case HC_O_CTR_runtime: /* what a path alone tells, until the files do */
		return hc_str_eq(s, HC_STR("oci")) || hc_str_eq(s, HC_STR("cri"));
	case HC_O_CTR_source:
		return hc_str_eq(s, HC_STR("cgroup")) || hc_str_eq(s, HC_STR("none"));
	case HC_O_CTR_pod_source:
		return hc_str_eq(s, HC_STR("waiting")) || hc_str_eq(s, HC_STR("none"));
	default:
		return false;
	}
}

static bool is_known(const struct reader *rd, unsigned col, uint32_t entry)
{
	const struct hc_col_desc *c = &rd->desc->cols[col];

	if (!c->ref)
		return hc_ints_valid(&rd->ints[col], entry);
	if (!rd->refs[col].v[entry])
		return false;
	return c->ref != HC_OBJ_STR || !is_no_answer(col, text_of(rd, col, entry));
}

/* Somebody is still looking. */
static bool is_open(unsigned col, struct hc_str s)
{
	return hc_str_eq(s, col == HC_O_CTR_source ? HC_STR("cgroup") : HC_STR("waiting"));
}

/* Which container an entry is of, and what a path tells of it, is never late. */
static bool is_identity(unsigned col)
{
	return col == HC_O_CTR_id || col == HC_O_CTR_cgroup_path || col == HC_O_CTR_cgroup_id ||
	       col == HC_O_CTR_outer_id || col == HC_O_CTR_known_at_ns || col == HC_O_CTR_pod_known_at_ns ||
	       col == HC_O_CTR_pod_ns_known_at_ns;
}

static bool is_source(unsigned col)
{
	return col == HC_O_CTR_source || col == HC_O_CTR_pod_source;
}

/* What the API server tells of each pod that it knows: absent then means that there is none. */
static bool is_of_pod(unsigned col)
{
	return col == HC_O_CTR_pod_labels || col == HC_O_CTR_pod_annotations || col == HC_O_CTR_owner_kind ||
	       col == HC_O_CTR_owner_name || col == HC_O_CTR_service_account || col == HC_O_CTR_pod_qos;
}

/* ---- finding a container ---- */

/* 64 hexadecimal digits are given once. A name may be that of another container later. */
static bool is_unique(struct hc_str id)
{
	for (uint32_t i = 0; i < id.len; i++)
		if (!(id.p[i] >= '0' && id.p[i] <= '9') && !(id.p[i] >= 'a' && id.p[i] <= 'f'))
			return false;
	return id.len == 64;
}

static struct ctr *find(const struct hc_backfill *f, uint32_t boot, const struct reader *rd, uint32_t entry,
                        uint64_t *ret_hash)
{
	struct hc_str id = text_of(rd, HC_O_CTR_id, entry);
	bool has_cgroup = hc_ints_valid(&rd->ints[HC_O_CTR_cgroup_id], entry) && !is_unique(id);
	uint64_t cgroup = has_cgroup ? (uint64_t)rd->ints[HC_O_CTR_cgroup_id].v[entry] : 0;

	*ret_hash = hc_heap_hash(HC_OBJ_STR, id.len ? id.p : "", id.len);
	if (!id.len || !f->n_slots)
		return NULL;
	for (uint32_t at = f->slots[*ret_hash & (f->n_slots - 1)]; at; at = f->ctrs[at - 1]->next) {
		struct ctr *c = f->ctrs[at - 1];

		if (c->boot == boot && c->id_hash == *ret_hash && hc_str_eq(c->id, id) &&
		    !(has_cgroup && c->has_cgroup_id && cgroup != c->cgroup_id))
			return c;
	}
	return NULL;
}

static int grow(struct hc_backfill *f)
{
	uint32_t cap = f->cap_ctrs ? f->cap_ctrs * 2 : 64;
	struct ctr **v = realloc(f->ctrs, cap * sizeof(struct ctr *));
	uint32_t *slots;

	if (!v)
		return -ENOMEM;
	f->ctrs = v;
	f->cap_ctrs = cap;
	slots = calloc(cap, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(f->slots);
	f->slots = slots;
	f->n_slots = cap;
	for (uint32_t i = 0; i < f->n_ctrs; i++) {
		uint32_t *slot = &slots[v[i]->id_hash & (cap - 1)];

		v[i]->next = *slot;
		*slot = i + 1;
	}
	return 0;
}

static int add(struct hc_backfill *f, uint32_t boot, const struct reader *rd, uint32_t entry, uint64_t hash,
               struct ctr **ret)
{
	struct ctr *c;
	uint32_t *slot;
	int r = f->n_ctrs == f->cap_ctrs ? grow(f) : 0;

	if (r < 0)
		return r;
	c = hc_arena_alloc(&f->arena, sizeof(*c) + f->desc->n_cols * sizeof(c->v[0]));
	if (!c)
		return -ENOMEM;
	c->boot = boot;
	c->id = hc_arena_str(&f->arena, text_of(rd, HC_O_CTR_id, entry));
	c->id_hash = hash;
	c->has_cgroup_id = hc_ints_valid(&rd->ints[HC_O_CTR_cgroup_id], entry);
	c->cgroup_id = (uint64_t)number_of(rd, HC_O_CTR_cgroup_id, entry);
	if (!c->id.p)
		return -ENOMEM;
	slot = &f->slots[hash & (f->n_slots - 1)];
	c->next = *slot;
	f->ctrs[f->n_ctrs++] = c;
	*slot = f->n_ctrs;
	*ret = c;
	return 0;
}

/* ---- what was learnt ---- */

static int take_text(struct hc_backfill *f, struct value *v, struct hc_str s)
{
	v->s = hc_arena_str(&f->arena, s);
	v->hash = hc_heap_hash(HC_OBJ_STR, s.len ? s.p : "", s.len);
	return v->s.p ? 0 : -ENOMEM;
}

static int take_list(struct hc_backfill *f, struct value *v, const struct reader *rd, uint32_t ref)
{
	uint32_t first = rd->lists.first[ref - 1], n = rd->lists.first[ref] - first;
	struct value *items = hc_arena_alloc(&f->arena, (n + 1u) * sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		if (take_text(f, &items[i], hc_heap_get(&rd->heap, rd->lists.refs[first + i])) < 0)
			return -ENOMEM;
	v->items = items;
	v->n_items = n;
	return 0;
}

static int take_value(struct hc_backfill *f, struct value *ret, const struct reader *rd, unsigned col,
                      uint32_t entry, struct moment at)
{
	const struct hc_col_desc *d = &rd->desc->cols[col];
	struct value v = { .is_set = true, .at = at };
	int r = 0;

	if (d->ref == HC_OBJ_STR)
		r = take_text(f, &v, text_of(rd, col, entry));
	else if (d->ref == HC_OBJ_STRS)
		r = take_list(f, &v, rd, rd->refs[col].v[entry]);
	else if (!d->ref)
		v.i = rd->ints[col].v[entry];
	else
		return 0;
	if (r == 0)
		*ret = v;
	return r;
}

static bool is_same(const struct value *v, const struct reader *rd, unsigned col, uint32_t entry)
{
	const struct hc_col_desc *d = &rd->desc->cols[col];
	uint32_t first, n;

	if (d->ref == HC_OBJ_STR)
		return hc_str_eq(v->s, text_of(rd, col, entry));
	if (d->ref != HC_OBJ_STRS)
		return d->ref || v->i == rd->ints[col].v[entry];
	first = rd->lists.first[rd->refs[col].v[entry] - 1];
	n = rd->lists.first[rd->refs[col].v[entry]] - first;
	if (n != v->n_items)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!hc_str_eq(v->items[i].s, hc_heap_get(&rd->heap, rd->lists.refs[first + i])))
			return false;
	return true;
}

/* A value that a version has: the first one, an earlier one than that, or a later one where it has changed. */
static int learn(struct hc_backfill *f, struct ctr *c, const struct reader *rd, unsigned col, uint32_t entry,
                 struct moment at)
{
	struct value *have = &c->v[col], *behind = have, *more, *rest;
	unsigned n = 0;

	if (!have->is_set || is_source(col))
		return take_value(f, have, rd, col, entry, at);
	if (when(at) == when(have->at))
		return 0;
	for (; behind->later && when(behind->later->at) <= when(at); n++)
		behind = behind->later;
	if (when(at) > when(have->at) && is_same(behind, rd, col, entry))
		return 0;
	if (n == MAX_CHANGES) {
		f->n_left_out++;
		return 0;
	}
	more = hc_arena_alloc(&f->arena, sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (when(at) > when(have->at)) {
		rest = behind->later;
		behind->later = more;
		have = more;
	} else { /* what was the first goes behind the new first */
		*more = *have;
		rest = more;
	}
	if (take_value(f, have, rd, col, entry, at) < 0)
		return -ENOMEM;
	have->later = rest;
	f->has_changes = true;
	return 0;
}

/* Of the words on where facts are from the last answer counts, and only where there is none, that there is none.
 */
static bool says_more(const struct value *have, const struct reader *rd, unsigned col, uint32_t entry,
                      bool is_last)
{
	struct hc_str s = text_of(rd, col, entry);

	if (!s.len || !have->is_set)
		return s.len > 0;
	if (is_no_answer(col, s))
		return is_no_answer(col, have->s) && !is_open(col, s);
	return is_last || is_no_answer(col, have->s);
}

static int take_entry(struct hc_backfill *f, uint32_t boot, const struct reader *rd, uint32_t entry)
{
	struct moment at = moment_of(rd, entry);
	uint64_t hash;
	struct ctr *c = find(f, boot, rd, entry, &hash);
	bool is_last;
	int r = 0;

	if (!text_of(rd, HC_O_CTR_id, entry).len)
		return 0;
	if (f->arena.used_bytes >= MAX_TEXT_BYTES || (!c && f->n_ctrs >= MAX_CTRS)) {
		f->n_left_out += !c;
		return 0;
	}
	if (!c)
		r = add(f, boot, rd, entry, hash, &c);
	is_last = r == 0 && !is_before(at, c->last);
	for (unsigned col = 0; r == 0 && col < rd->desc->n_cols; col++) {
		const struct value *have = &c->v[col];

		if (is_identity(col))
			continue;
		if (is_source(col) ? says_more(have, rd, col, entry, is_last) : is_known(rd, col, entry))
			r = learn(f, c, rd, col, entry, at);
	}
	if (is_last)
		c->last = at;
	return r;
}

/* When recorders began. */
static int take_runs(struct hc_backfill *f, uint32_t boot, struct hc_block *b, struct hc_err *err)
{
	struct hc_heap heap;
	struct hc_refs why;
	struct hc_rows rows = { 0 };
	int r = hc_block_heap(b, HC_OBJ_STR, &heap, err);

	if (r == 0)
		r = hc_block_rows(b, &rows, err);
	if (r == 0)
		r = hc_block_event_refs(b, HC_EV_META_START, HC_C_META_START_why, &why, err);
	for (uint32_t i = 0; r == 0 && i < rows.n; i++) {
		struct run *runs;

		if (rows.type[i] != HC_EV_META_START ||
		    hc_str_eq(hc_heap_get(&heap, why.v[rows.pos[i]]), HC_STR("segment")))
			continue;
		runs = realloc(f->runs, (f->n_runs + 1u) * sizeof(*runs));
		if (!runs)
			return hc_err_set(err, -ENOMEM, "out of memory");
		f->runs = runs;
		f->runs[f->n_runs++] = (struct run){ boot, rows.ts_ns[i] };
	}
	return r;
}

static int take_block(struct hc_backfill *f, uint32_t boot, struct hc_block *b, struct hc_err *err)
{
	struct reader *rd = calloc(1, sizeof(*rd));
	int r = rd ? reader_init(rd, b, f->desc, err) : hc_err_set(err, -ENOMEM, "out of memory");

	for (uint32_t entry = 0; r == 0 && entry < rd->n; entry++)
		r = take_entry(f, boot, rd, entry);
	free(rd);
	return r;
}

/* ---- texts ---- */

/* Where a hash stands, or would. */
static uint64_t *text_slot(const struct hc_backfill *f, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & (f->n_text_slots - 1);

	while (f->texts[at] && f->texts[at] != hash)
		at = (at + 1) & (f->n_text_slots - 1);
	return &f->texts[at];
}

static void text_put(struct hc_backfill *f, uint64_t hash)
{
	*text_slot(f, hash) = hash;
}

static void each_text(struct hc_backfill *f, void (*fn)(struct hc_backfill *f, uint64_t hash))
{
	for (uint32_t i = 0; i < f->n_ctrs; i++) {
		for (unsigned col = 0; col < f->desc->n_cols; col++) {
			for (const struct value *v = &f->ctrs[i]->v[col]; v; v = v->later) {
				if (v->s.p)
					fn(f, v->hash);
				for (uint32_t k = 0; k < v->n_items; k++)
					fn(f, v->items[k].hash);
			}
		}
	}
}

static void text_count(struct hc_backfill *f, uint64_t hash)
{
	(void)hash;
	f->n_texts++;
}

static int index_texts(struct hc_backfill *f)
{
	each_text(f, text_count);
	f->n_text_slots = 64;
	while (f->n_text_slots < (UINT32_C(1) << 31) && f->n_text_slots / 2 < f->n_texts)
		f->n_text_slots *= 2;
	f->texts = calloc(f->n_text_slots, sizeof(*f->texts));
	if (!f->texts)
		return -ENOMEM;
	each_text(f, text_put);
	return 0;
}

bool hc_backfill_has_str(const struct hc_backfill *f, struct hc_str s)
{
	return *text_slot(f, hc_heap_hash(HC_OBJ_STR, s.len ? s.p : "", s.len)) != 0;
}

/* ---- a capture ---- */

/* New versions come with rows of these types; those of a recorder that has begun anew with the containers that it
 * found. */
static bool may_tell(const struct hc_type_set *types, bool from_source)
{
	if (hc_type_set_has(types, HC_EV_CTR_UPDATE) ||
	    (hc_type_set_has(types, HC_EV_META_START) && hc_type_set_has(types, HC_EV_CTR_START)))
		return true;
	return from_source &&
	       (hc_type_set_has(types, HC_EV_CONTAINER_JSON) || hc_type_set_has(types, HC_EV_ASYNC_EVENT));
}

enum pass { PASS_CONTAINERS, PASS_RUNS };

/* Reads the blocks that a pass is about. Whoever reads a damaged one for itself says so. */
static int read_blocks(struct hc_backfill *f, struct hc_capture *c, const uint32_t *order, uint32_t n,
                       enum pass pass, bool from_source)
{
	const struct hc_capture_seg *segs;
	const struct hc_capture_block *blocks;
	uint32_t n_all;
	int r = 0;

	segs = hc_capture_segs(c, &n_all);
	blocks = hc_capture_blocks(c, &n_all);
	for (uint32_t i = 0; r != -ENOMEM && i < n; i++) {
		HC_AUTO(hc_block_close) struct hc_block *b = NULL;
		const struct hc_capture_block *what = &blocks[order[i]];
		const struct hc_type_set *types = &what->info.types;
		struct hc_err damage = { 0 };

		if (!(pass == PASS_RUNS ? hc_type_set_has(types, HC_EV_META_START) : may_tell(types, from_source)))
			continue;
		r = hc_capture_load(c, order[i], &b, &damage);
		if (r == 0)
			r = pass == PASS_RUNS ? take_runs(f, segs[what->seg].boot, b, &damage)
			                      : take_block(f, segs[what->seg].boot, b, &damage);
	}
	return r == -ENOMEM ? r : 0;
}

int hc_backfill_load(struct hc_capture *c, bool from_source, struct hc_backfill **ret, struct hc_err *err)
{
	HC_AUTO(hc_backfill_free) struct hc_backfill *f = calloc(1, sizeof(*f));
	HC_AUTO(free) uint32_t *order = NULL;
	uint32_t n;
	int r;

	if (!f)
		return hc_err_set(err, -ENOMEM, "out of memory");
	f->desc = hc_obj_desc(HC_OBJ_CTR);
	r = hc_capture_select(c, &(struct hc_block_filter){ 0 }, &order, &n, err);
	if (r < 0)
		return r;
	r = read_blocks(f, c, order, n, PASS_CONTAINERS, from_source);
	if (r == 0 && f->has_changes) /* only then it matters what was known when */
		r = read_blocks(f, c, order, n, PASS_RUNS, from_source);
	if (r == 0 && f->n_ctrs)
		r = index_texts(f);
	if (r < 0)
		return hc_err_set(err, -ENOMEM, "out of memory");
	*ret = f->n_ctrs ? hc_steal(f) : NULL;
	return 0;
}

struct hc_backfill *hc_backfill_free(struct hc_backfill *f)
{
	if (!f)
		return NULL;
	hc_arena_done(&f->arena);
	free(f->ctrs);
	free(f->slots);
	free(f->texts);
	free(f->runs);
	free(f);
	return NULL;
}

uint64_t hc_backfill_n_left_out(const struct hc_backfill *f)
{
	return f->n_left_out;
}

bool hc_backfill_concerns(const struct hc_backfill *f, uint32_t boot, struct hc_block *b)
{
	if (!hc_block_n_entries(b, HC_OBJ_CTR))
		return false;
	if (f->n_ctrs > MAX_ASKED)
		return true;
	for (uint32_t i = 0; i < f->n_ctrs; i++)
		if (f->ctrs[i]->boot == boot && hc_block_may_have_hash(b, f->ctrs[i]->id_hash))
			return true;
	return false;
}

/* ---- filling a block ---- */

/* What is added to a heap or to the lists, each once. */
struct added {
	const void *key; /* of a text its bytes, of a list the value */
	uint64_t hash;
	uint32_t n_bytes, ref;
	const struct value *list;
};

struct adds {
	struct added *v;
	uint32_t n, cap;
	uint32_t *slots, n_slots; /* open addressing: index + 1 */
	uint64_t n_new, n_parts;  /* entries behind those of the file, and their bytes or items */
};

struct filler {
	const struct hc_backfill *f;
	struct reader rd;
	struct hc_filled *out;
	struct adds texts, lists;
	uint64_t run_ns;                    /* when the recorder began that wrote the block; 0: not known */
	uint32_t *heap_slots, n_heap_slots; /* texts of the file, open addressing: reference; NULL: not yet */
	bool changed;
};

static int adds_grow(struct adds *a)
{
	uint32_t cap = a->cap ? a->cap * 2 : 32;
	struct added *v = realloc(a->v, cap * sizeof(*v));
	uint32_t *slots = v ? calloc(cap * 2u, sizeof(*slots)) : NULL;

	if (v)
		a->v = v;
	if (!slots)
		return -ENOMEM;
	free(a->slots);
	a->slots = slots;
	a->cap = cap;
	a->n_slots = cap * 2;
	for (uint32_t i = 0; i < a->n; i++) {
		uint32_t at = (uint32_t)v[i].hash & (a->n_slots - 1);

		while (slots[at])
			at = (at + 1) & (a->n_slots - 1);
		slots[at] = i + 1;
	}
	return 0;
}

static uint64_t list_hash(const struct value *v)
{
	return (uint64_t)(uintptr_t)v / sizeof(void *) * UINT64_C(0x9e3779b97f4a7c15) >> 16;
}

/* The entry; a new one has no ref yet. NULL: out of memory. */
static struct added *adds_get(struct adds *a, uint64_t hash, const void *key, uint32_t n_bytes, bool is_text)
{
	struct added x = { .key = key, .hash = hash, .n_bytes = n_bytes };
	uint32_t at;

	if (a->n == a->cap && adds_grow(a) < 0)
		return NULL;
	for (at = (uint32_t)hash & (a->n_slots - 1); a->slots[at]; at = (at + 1) & (a->n_slots - 1)) {
		struct added *have = &a->v[a->slots[at] - 1];

		if (have->hash == hash && have->n_bytes == n_bytes &&
		    (is_text ? n_bytes == 0 || memcmp(have->key, key, n_bytes) == 0 : have->key == key))
			return have;
	}
	a->v[a->n++] = x;
	a->slots[at] = a->n;
	return &a->v[a->n - 1];
}

/* Where the texts of the file are; made when the first is looked for, since most blocks need none. */
static int index_heap(struct filler *fl)
{
	const struct hc_heap *h = &fl->rd.heap;

	fl->n_heap_slots = 64;
	while (fl->n_heap_slots / 2 < h->n)
		fl->n_heap_slots *= 2;
	fl->heap_slots = calloc(fl->n_heap_slots, sizeof(*fl->heap_slots));
	if (!fl->heap_slots)
		return -ENOMEM;
	for (uint32_t i = 1; i <= h->n; i++) {
		struct hc_str s = hc_heap_get(h, i);
		uint32_t at = (uint32_t)hc_heap_hash(HC_OBJ_STR, s.p, s.len) & (fl->n_heap_slots - 1);

		while (fl->heap_slots[at] && !hc_str_eq(hc_heap_get(h, fl->heap_slots[at]), s))
			at = (at + 1) & (fl->n_heap_slots - 1);
		if (!fl->heap_slots[at]) /* of a text that is there twice, the first */
			fl->heap_slots[at] = i;
	}
	return 0;
}

/* The same text in the file, so that equal references go on to mean equal texts. 0: there is none. */
static int in_file(struct filler *fl, const struct value *v, uint32_t *ret)
{
	const struct hc_heap *h = &fl->rd.heap;
	uint32_t i;

	if (!hc_block_may_have_hash(fl->rd.b, v->hash))
		return 0;
	if (!fl->heap_slots && index_heap(fl) < 0)
		return -ENOMEM;
	for (uint32_t at = (uint32_t)v->hash & (fl->n_heap_slots - 1); (i = fl->heap_slots[at]) != 0;
	     at = (at + 1) & (fl->n_heap_slots - 1)) {
		if (hc_str_eq(hc_heap_get(h, i), v->s)) {
			*ret = i;
			break;
		}
	}
	return 0;
}

/* A negative errno, or 0 and the reference. */
static int text_ref(struct filler *fl, const struct value *v, uint32_t *ret)
{
	struct adds *a = &fl->texts;
	struct added *x = adds_get(a, v->hash, v->s.p, v->s.len, true);

	if (!x || (!x->ref && in_file(fl, v, &x->ref) < 0))
		return -ENOMEM;
	if (!x->ref) {
		uint32_t end = fl->rd.heap.off[fl->rd.heap.n];

		if (fl->rd.heap.n + a->n_new >= HC_BLOCK_MAX_ENTRIES ||
		    end + a->n_parts + v->s.len > HC_BLOCK_MAX_BYTES)
			return -E2BIG;
		a->n_parts += v->s.len;
		x->ref = fl->rd.heap.n + (uint32_t)++a->n_new;
	}
	*ret = x->ref;
	return 0;
}

static int list_ref(struct filler *fl, const struct value *v, uint32_t *ret)
{
	struct adds *a = &fl->lists;
	struct added *x = adds_get(a, list_hash(v), v, 0, false);

	if (!x)
		return -ENOMEM;
	if (!x->ref) {
		if (fl->rd.lists.n + a->n_new >= HC_BLOCK_MAX_ENTRIES ||
		    fl->rd.lists.first[fl->rd.lists.n] + a->n_parts + v->n_items > HC_BLOCK_MAX_ENTRIES)
			return -E2BIG;
		a->n_parts += v->n_items;
		x->list = v;
		x->ref = fl->rd.lists.n + (uint32_t)++a->n_new;
	}
	*ret = x->ref;
	return 0;
}

/* A column to write into. */
static int own_col(struct filler *fl, unsigned col, struct hc_err *err)
{
	struct hc_filled_col *c = &fl->out->cols[col];
	size_t n = hc_padded(fl->rd.n);

	fl->changed = true;
	if (c->values)
		return 0;
	if (fl->rd.desc->cols[col].ref) {
		c->values = hc_block_own(fl->rd.b, n * sizeof(uint32_t), true, err);
		if (c->values)
			memcpy(c->values, fl->rd.refs[col].v, fl->rd.n * sizeof(uint32_t));
		return c->values ? 0 : -ENOMEM;
	}
	c->values = hc_block_own(fl->rd.b, n * sizeof(int64_t), true, err);
	c->valid = c->values ? hc_block_own(fl->rd.b, n / 8, true, err) : NULL;
	if (!c->valid)
		return -ENOMEM;
	memcpy(c->values, fl->rd.ints[col].v, fl->rd.n * sizeof(int64_t));
	for (uint32_t i = 0; i < fl->rd.n; i++)
		c->valid[i / 64] |= (uint64_t)hc_ints_valid(&fl->rd.ints[col], i) << i % 64;
	return 0;
}

static int put_int(struct filler *fl, unsigned col, uint32_t entry, int64_t i, struct hc_err *err)
{
	int r = own_col(fl, col, err);

	if (r == 0) {
		((int64_t *)fl->out->cols[col].values)[entry] = i;
		fl->out->cols[col].valid[entry / 64] |= UINT64_C(1) << entry % 64;
	}
	return r;
}

static int no_room(int code, struct hc_err *err)
{
	return hc_err_set(err, code, "%s",
	                  code == -E2BIG ? "a block has no room for what was learnt of its containers"
	                                 : "out of memory");
}

static int put(struct filler *fl, unsigned col, uint32_t entry, const struct value *v, struct hc_err *err)
{
	uint32_t ref = 0;
	int r;

	if (!fl->rd.desc->cols[col].ref)
		return put_int(fl, col, entry, v->i, err);
	r = v->s.p ? text_ref(fl, v, &ref) : list_ref(fl, v, &ref);
	if (r == 0)
		r = own_col(fl, col, err);
	if (r == 0)
		((uint32_t *)fl->out->cols[col].values)[entry] = ref;
	return r < 0 ? no_room(r, err) : 0;
}

/* Where the facts of a version are from, once some of a later one are among them. */
static int fill_source(struct filler *fl, const struct ctr *c, uint32_t entry, unsigned col, bool raised,
                       struct hc_err *err)
{
	const struct value *v = &c->v[col];

	if (!v->is_set || (!raised && is_known(&fl->rd, col, entry)))
		return 0;
	if (fl->rd.refs[col].v[entry] && hc_str_eq(text_of(&fl->rd, col, entry), v->s))
		return 0;
	return put(fl, col, entry, v, err);
}

/* What a column without a value had: the last that recorders before this one knew, else the first that was learnt
 * later. */
static const struct value *choose(const struct filler *fl, const struct ctr *c, unsigned col, struct moment at)
{
	const struct value *v = &c->v[col], *pick = NULL;

	if (!v->is_set)
		return NULL;
	for (; v && when(v->at) <= fl->run_ns; v = v->later)
		pick = v;
	return pick || !v || !is_before(at, v->at) ? pick : v;
}

static int fill_entry(struct filler *fl, const struct ctr *c, uint32_t entry, struct hc_err *err)
{
	struct moment at = moment_of(&fl->rd, entry), now = at;
	bool pod_is_known = fl->rd.refs[HC_O_CTR_pod_source].v[entry] &&
	                    hc_str_eq(text_of(&fl->rd, HC_O_CTR_pod_source, entry), HC_STR("api"));
	int r = 0;

	for (unsigned col = 0; r == 0 && col < fl->rd.desc->n_cols; col++) {
		const struct value *v;

		if (is_source(col) || is_known(&fl->rd, col, entry) || (pod_is_known && is_of_pod(col)))
			continue;
		v = choose(fl, c, col, at);
		if (!v)
			continue;
		r = put(fl, col, entry, v, err);
		for (unsigned part = 0; part < N_PARTS; part++)
			now.ns[part] = v->at.ns[part] > now.ns[part] ? v->at.ns[part] : now.ns[part];
	}
	for (unsigned part = 0; r == 0 && part < N_PARTS; part++)
		if (now.ns[part] != at.ns[part])
			r = put_int(fl, known_at[part], entry, (int64_t)now.ns[part], err);
	if (r == 0)
		r = fill_source(fl, c, entry, HC_O_CTR_source, now.ns[PART_FILES] != at.ns[PART_FILES], err);
	if (r == 0)
		r = fill_source(fl, c, entry, HC_O_CTR_pod_source, now.ns[PART_POD] != at.ns[PART_POD], err);
	return r;
}

static int build_heap(struct filler *fl, struct hc_err *err)
{
	const struct hc_heap *was = &fl->rd.heap;
	const struct adds *a = &fl->texts;
	uint32_t n = was->n + (uint32_t)a->n_new, end = was->off[was->n];
	char *bytes;
	uint32_t *off;

	fl->out->heap = *was;
	if (!a->n_new)
		return 0;
	bytes = hc_block_own(fl->rd.b, end + a->n_parts, false, err);
	off = bytes ? hc_block_own(fl->rd.b, hc_padded(n + 1u) * sizeof(*off), true, err) : NULL;
	if (!off)
		return -ENOMEM;
	memcpy(bytes, was->bytes, end);
	memcpy(off, was->off, (was->n + 1u) * sizeof(*off));
	for (uint32_t i = 0, at = was->n; i < a->n; i++) { /* in the order in which they got their references */
		if (a->v[i].ref <= was->n)
			continue;
		if (a->v[i].n_bytes)
			memcpy(bytes + end, a->v[i].key, a->v[i].n_bytes);
		end += a->v[i].n_bytes;
		off[++at] = end;
	}
	fl->out->heap = (struct hc_heap){ .bytes = bytes, .off = off, .n = n };
	return 0;
}

static int build_lists(struct filler *fl, struct hc_err *err)
{
	const struct hc_lists *was = &fl->rd.lists;
	const struct adds *a = &fl->lists;
	uint32_t n = was->n + (uint32_t)a->n_new, end = was->first[was->n];
	uint32_t *first, *refs;

	fl->out->lists = *was;
	if (!a->n_new)
		return 0;
	first = hc_block_own(fl->rd.b, hc_padded(n + 1u) * sizeof(*first), true, err);
	refs = first ? hc_block_own(fl->rd.b, hc_padded(end + a->n_parts) * sizeof(*refs), true, err) : NULL;
	if (!refs)
		return -ENOMEM;
	memcpy(first, was->first, (was->n + 1u) * sizeof(*first));
	if (end)
		memcpy(refs, was->refs, end * sizeof(*refs));
	for (uint32_t i = 0; i < a->n; i++) {
		const struct value *list = a->v[i].list;

		for (uint32_t k = 0; k < list->n_items; k++) {
			int r = text_ref(fl, &list->items[k], &refs[end++]);

			if (r < 0)
				return r;
		}
		first[was->n + i + 1] = end;
	}
	fl->out->lists = (struct hc_lists){ .first = first, .refs = refs, .n = n };
	return 0;
}

static int fill(struct filler *fl, uint32_t boot, struct hc_err *err)
{
	int r = 0;

	fl->out = hc_block_own(fl->rd.b, sizeof(*fl->out), true, err);
	if (fl->out)
		fl->out->cols = hc_block_own(fl->rd.b, fl->rd.desc->n_cols * sizeof(*fl->out->cols), true, err);
	if (!fl->out || !fl->out->cols)
		return -ENOMEM;
	for (uint32_t entry = 0; r == 0 && entry < fl->rd.n; entry++) {
		uint64_t hash;
		const struct ctr *c = find(fl->f, boot, &fl->rd, entry, &hash);

		if (c)
			r = fill_entry(fl, c, entry, err);
	}
	if (r == 0 && fl->changed) {
		r = build_lists(fl, err); /* first: their items are texts, too */
		if (r == 0)
			r = build_heap(fl, err);
		if (r < 0)
			no_room(r, err);
	}
	return r;
}

int hc_backfill_block(const struct hc_backfill *f, uint32_t boot, struct hc_block *b, struct hc_filled **ret,
                      struct hc_err *err)
{
	struct filler *fl = calloc(1, sizeof(*fl));
	int r;

	if (!fl)
		return hc_err_set(err, -ENOMEM, "out of memory");
	fl->f = f;
	for (uint32_t i = 0; i < f->n_runs; i++)
		if (f->runs[i].boot == boot && f->runs[i].from_ns <= hc_block_info(b)->last_ns &&
		    f->runs[i].from_ns > fl->run_ns)
			fl->run_ns = f->runs[i].from_ns;
	r = reader_init(&fl->rd, b, f->desc, err);
	if (r == 0)
		r = fill(fl, boot, err);
	*ret = r == 0 && fl->changed ? fl->out : NULL;
	free(fl->texts.v);
	free(fl->texts.slots);
	free(fl->lists.v);
	free(fl->lists.slots);
	free(fl->heap_slots);
	free(fl);
	return r;
}
