/*
 * Building a block. Rows and dictionary entries are added row by row as 64-bit cells, which makes adding one a
 * copy; every TILE_ROWS rows, while they are in a near cache, a table folds them into columns of a few bytes a
 * row. Sealing goes over the columns, picks an encoding for each and compresses. Interning is one open-addressing
 * table per dictionary, over the contents.
 */
#include "block_priv.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL /* most texts are short */
#include <xxhash.h>
#include <zstd.h>

#include "pack.h"

#define OWN_CHUNK_BYTES 4096u     /* an encoded column of this size or more is a chunk of its own */
#define SHARED_CHUNK_BYTES 65536u /* columns below share chunks up to this size */
#define TILE_ROWS 64u

struct buf {
	uint8_t *p;
	size_t n, cap;
	bool failed;
};

/* Open addressing: 0 free, else reference. */
struct index {
	uint32_t *slot;
	uint32_t *hash; /* low bits of each entry's hash, by reference - 1 */
	uint32_t mask, n, hash_cap;
};

#define VALID_WORDS (sizeof(((struct hc_cells *)0)->valid) / sizeof(uint64_t))

/* One word of a tile's rows: their bits that some and that all have, and where they differ, in the bytes of each
 * from the lowest up. */
struct fold {
	uint64_t any, all;
	uint64_t off : 56;  /* among the table's folded bytes */
	uint64_t bytes : 8; /* of each row: 0 (all rows have the same), 1, 2, 4 or 8 */
};

/* Event or object table. A row is as struct hc_cells begins, with as many cells as there are columns. */
struct table {
	const struct hc_table_desc *desc;
	uint64_t *cell;    /* the rows from n_folded on, one after the other */
	uint32_t n;        /* of all rows */
	uint32_t n_folded; /* those in tiles; a multiple of TILE_ROWS until sealing */
	uint32_t cap, stride;
	bool whole;        /* nothing is folded before sealing: entries are compared with new ones */
	struct fold *fold; /* `stride` of them per tile */
	uint32_t fold_cap;
	struct buf folded;
	struct index index; /* objects only */
};

struct heap {
	struct buf bytes;
	uint32_t *end; /* end offset of each entry */
	uint32_t n, cap;
	struct index index;
};

struct list {
	uint64_t *item;
	uint32_t *end;
	uint32_t n, cap, item_cap;
	struct index index;
};

struct rows {
	uint64_t *seq, *ts;
	uint16_t *type, *cpu;
	uint32_t cap;
};

struct hc_builder {
	struct hc_builder_head head;
	bool failed; /* out of memory, or over a limit: something was not kept */
	struct table event[HC_EV_MAX];
	struct table obj[HC_OBJ_END];
	struct heap heap[2];
	struct list list[2];
	struct rows rows;
	struct hc_type_set types;
	ZSTD_CCtx *cctx;
	int level;
	size_t chunk_bytes; /* of the chunks made by sealing, before compression */
	/* sealing */
	struct buf out, dir, shared, chunks, col, comp;
	uint64_t *value;
	uint64_t *valid;
	uint32_t value_cap;
	uint32_t n_chunks, n_tables;
};

uint64_t hc_heap_hash(enum hc_obj_type heap, const void *p, size_t n_bytes)
{
	return XXH3_64bits_withSeed(p, n_bytes, (uint64_t)heap);
}

/* ---- growing ---- */

static bool grow(void **p, uint32_t *cap, uint32_t need, size_t item_bytes)
{
	uint32_t to = *cap ? *cap : 64;
	void *q;

	if (need <= *cap)
		return true;
	while (to < need)
		to *= 2;
	q = realloc(*p, (size_t)to * item_bytes);
	if (!q)
		return false;
	*p = q;
	*cap = to;
	return true;
}

static void *buf_room(struct buf *b, size_t n)
{
	if (b->cap - b->n < n) {
		size_t to = b->cap ? b->cap : 4096;
		uint8_t *q;

		while (to - b->n < n)
			to *= 2;
		q = realloc(b->p, to);
		if (!q) {
			b->failed = true;
			return NULL;
		}
		b->p = q;
		b->cap = to;
	}
	return b->p + b->n;
}

static void buf_put(struct buf *b, const void *p, size_t n)
{
	void *to = n ? buf_room(b, n) : NULL;

	if (to) {
		memcpy(to, p, n);
		b->n += n;
	}
}

static void buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

static void buf_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_put(b, &v, sizeof(v));
}

static void buf_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_put(b, &v, sizeof(v));
}

static void buf_varint(struct buf *b, uint64_t v)
{
	do {
		buf_u8(b, (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0)));
		v >>= 7;
	} while (v);
}

/* ---- interning ---- */

/* Where the hash is looked for is not in a near cache, mostly: it comes while other things are done. */
static inline void index_fetch(const struct index *ix, uint32_t hash)
{
	if (ix->slot)
		__builtin_prefetch(&ix->slot[hash & ix->mask]);
}

static bool index_reserve(struct index *ix)
{
	uint32_t n_slots;
	uint32_t *slot;

	if (!grow((void **)&ix->hash, &ix->hash_cap, ix->n + 1, sizeof(*ix->hash)))
		return false;
	if (ix->slot && ix->n < ix->mask / 2)
		return true;
	n_slots = ix->slot ? (ix->mask + 1) * 2 : 256;
	slot = calloc(n_slots, sizeof(*slot));
	if (!slot)
		return false;
	for (uint32_t i = 0; i < ix->n; i++) {
		uint32_t at = ix->hash[i] & (n_slots - 1);

		while (slot[at])
			at = (at + 1) & (n_slots - 1);
		slot[at] = i + 1;
	}
	free(ix->slot);
	ix->slot = slot;
	ix->mask = n_slots - 1;
	return true;
}

static void index_clear(struct index *ix)
{
	if (ix->slot && ix->mask > 65535 && ix->n < ix->mask / 16) { /* do not carry a storm's table for ever */
		free(ix->slot);
		ix->slot = NULL;
		ix->mask = 0;
	}
	if (ix->slot)
		memset(ix->slot, 0, ((size_t)ix->mask + 1) * sizeof(*ix->slot));
	ix->n = 0;
}

static uint32_t heap_intern(struct hc_builder *b, unsigned which, const void *p, uint32_t len)
{
	struct heap *h = &b->heap[which];
	uint32_t hash = (uint32_t)hc_heap_hash(which ? HC_OBJ_BYTES : HC_OBJ_STR, p, len), at, ref;

	index_fetch(&h->index, hash);
	if (!index_reserve(&h->index) || !grow((void **)&h->end, &h->cap, h->n + 1, sizeof(*h->end)))
		goto lost;
	for (at = hash & h->index.mask; (ref = h->index.slot[at]) != 0; at = (at + 1) & h->index.mask) {
		uint32_t begin = ref > 1 ? h->end[ref - 2] : 0;

		if (h->index.hash[ref - 1] == hash && h->end[ref - 1] - begin == len &&
		    (len == 0 || memcmp(h->bytes.p + begin, p, len) == 0))
			return ref;
	}
	if (h->n >= HC_BLOCK_MAX_ENTRIES || h->bytes.n + len > HC_BLOCK_MAX_BYTES)
		goto lost;
	buf_put(&h->bytes, p, len);
	if (h->bytes.failed)
		goto lost;
	h->end[h->n] = (uint32_t)h->bytes.n;
	h->index.hash[h->n] = hash;
	h->index.slot[at] = ++h->n;
	h->index.n = h->n;
	b->head.raw_bytes += len + 8;
	return h->n;
lost:
	b->failed = true;
	return 0;
}

uint32_t hc_build_str(struct hc_builder *b, struct hc_str s)
{
	return s.p ? heap_intern(b, 0, s.p, s.len) : 0;
}

uint32_t hc_build_bytes(struct hc_builder *b, const void *p, uint32_t n_bytes)
{
	return p ? heap_intern(b, 1, p, n_bytes) : 0;
}

static uint32_t list_intern(struct hc_builder *b, unsigned which, const uint64_t *items, uint32_t n)
{
	struct list *l = &b->list[which];
	uint32_t hash = (uint32_t)XXH3_64bits(items, (size_t)n * sizeof(*items)), at, ref;
	uint32_t used = l->n ? l->end[l->n - 1] : 0;

	if (!index_reserve(&l->index) || !grow((void **)&l->end, &l->cap, l->n + 1, sizeof(*l->end)))
		goto lost;
	for (at = hash & l->index.mask; (ref = l->index.slot[at]) != 0; at = (at + 1) & l->index.mask) {
		uint32_t begin = ref > 1 ? l->end[ref - 2] : 0;

		if (l->index.hash[ref - 1] == hash && l->end[ref - 1] - begin == n &&
		    (n == 0 || memcmp(l->item + begin, items, (size_t)n * sizeof(*items)) == 0))
			return ref;
	}
	if (used + n > HC_BLOCK_MAX_ENTRIES || !grow((void **)&l->item, &l->item_cap, used + n, sizeof(*l->item)))
		goto lost;
	if (n)
		memcpy(l->item + used, items, (size_t)n * sizeof(*items));
	l->end[l->n] = used + n;
	l->index.hash[l->n] = hash;
	l->index.slot[at] = ++l->n;
	l->index.n = l->n;
	b->head.raw_bytes += (size_t)n * 4 + 8;
	return l->n;
lost:
	b->failed = true;
	return 0;
}

uint32_t hc_build_strs(struct hc_builder *b, const uint32_t *str_refs, uint32_t n)
{
	uint64_t few[64], *items = n <= 64 ? few : malloc((size_t)n * sizeof(*items));
	uint32_t ref;

	if (!items) {
		b->failed = true;
		return 0;
	}
	few[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		items[i] = str_refs[i];
	ref = list_intern(b, 0, items, n);
	if (items != few)
		free(items);
	return ref;
}

uint32_t hc_build_ints(struct hc_builder *b, const int64_t *values, uint32_t n)
{
	static const int64_t none;

	return list_intern(b, 1, (const uint64_t *)(n ? values : &none), n);
}

_Static_assert(offsetof(struct hc_cells, v) == VALID_WORDS * sizeof(uint64_t), "rows are laid out like it");

/* Of a row that has not been folded. */
static inline uint64_t *table_row(const struct table *t, uint32_t i)
{
	return t->cell + (size_t)(i - t->n_folded) * t->stride;
}

/* ---- tiles ---- */

static unsigned fold_bytes(uint64_t differ)
{
	return !differ ? 0 : differ <= UINT8_MAX ? 1 : differ <= UINT16_MAX ? 2 : differ <= UINT32_MAX ? 4 : 8;
}

/* The bits that all rows of the tile have outside of the bytes that were kept of each. */
static uint64_t fold_base(const struct fold *f)
{
	return f->bytes == 8 ? 0 : f->all >> (8 * f->bytes) << (8 * f->bytes);
}

#define FOLD_ROWS(type)                                          \
	for (uint32_t i = 0; i < n; i++) {                       \
		type v = (type)from[(size_t)i * stride];         \
		memcpy(to + i * sizeof(type), &v, sizeof(type)); \
	}

/* Word after word of n rows, `stride` words apart: the lowest `bytes` of each. */
static void fold_word(const uint64_t *from, uint32_t stride, uint32_t n, unsigned bytes, uint8_t *to)
{
	switch (bytes) {
	case 1:
		FOLD_ROWS(uint8_t)
		break;
	case 2:
		FOLD_ROWS(uint16_t)
		break;
	case 4:
		FOLD_ROWS(uint32_t)
		break;
	default:
		FOLD_ROWS(uint64_t)
		break;
	}
}

#define UNFOLD_ROWS(type)                                          \
	for (uint32_t i = 0; i < n; i++) {                         \
		type v;                                            \
		memcpy(&v, from + i * sizeof(type), sizeof(type)); \
		to[i] = base | v;                                  \
	}

/* The same word of n rows from `row`, where a tile begins. */
static void unfold_word(const struct table *t, uint32_t row, unsigned word, uint32_t n, uint64_t *to)
{
	const struct fold *f = &t->fold[(size_t)(row / TILE_ROWS) * t->stride + word];
	const uint8_t *from = t->folded.p + f->off;
	uint64_t base = fold_base(f);

	switch (f->bytes) {
	case 0:
		for (uint32_t i = 0; i < n; i++)
			to[i] = base;
		break;
	case 1:
		UNFOLD_ROWS(uint8_t)
		break;
	case 2:
		UNFOLD_ROWS(uint16_t)
		break;
	case 4:
		UNFOLD_ROWS(uint32_t)
		break;
	default:
		UNFOLD_ROWS(uint64_t)
		break;
	}
}

/* The first TILE_ROWS rows of those at `rows`, or what is left at the end, become a tile. */
static bool fold_tile(struct table *t, const uint64_t *rows)
{
	uint32_t n = t->n - t->n_folded < TILE_ROWS ? t->n - t->n_folded : TILE_ROWS, stride = t->stride;
	size_t n_before = (size_t)t->n_folded / TILE_ROWS * stride;
	struct fold *f;
	uint64_t any[VALID_WORDS + HC_MAX_COLS], all[VALID_WORDS + HC_MAX_COLS];
	uint8_t *to = buf_room(&t->folded, (size_t)stride * n * sizeof(*rows));

	if (!to || !grow((void **)&t->fold, &t->fold_cap, (uint32_t)(n_before + stride), sizeof(*t->fold))) {
		t->folded.failed = false;
		return false;
	}
	hc_pack_bits_of_rows(rows, stride, n, any, all);
	f = t->fold + n_before;
	for (uint32_t k = 0; k < stride; k++) {
		unsigned bytes = fold_bytes(any[k] ^ all[k]);

		f[k] = (struct fold){ any[k], all[k], t->folded.n, bytes };
		if (bytes) {
			fold_word(rows + k, stride, n, bytes, t->folded.p + t->folded.n);
			t->folded.n += (size_t)n * bytes;
		}
	}
	t->n_folded += n;
	return true;
}

static __attribute__((noinline)) bool table_grow(struct table *t, const struct hc_table_desc *desc)
{
	if (!t->desc) {
		t->desc = desc;
		t->stride = VALID_WORDS + desc->n_cols;
	}
	if (!t->whole && t->n - t->n_folded >= TILE_ROWS && !fold_tile(t, t->cell))
		return false;
	return t->n - t->n_folded < t->cap ||
	       grow((void **)&t->cell, &t->cap, t->n - t->n_folded + 1, t->stride * sizeof(*t->cell));
}

/* Before a row is added: a place for it. */
static inline bool table_room(struct table *t, const struct hc_table_desc *desc)
{
	uint32_t n = t->n - t->n_folded;

	return (n < t->cap && (n < TILE_ROWS || t->whole)) || table_grow(t, desc);
}

/* Before sealing: all that is left. */
static bool table_fold(struct table *t)
{
	const uint64_t *rows = t->cell;

	while (t->n_folded < t->n) {
		if (!fold_tile(t, rows))
			return false;
		rows += (size_t)TILE_ROWS * t->stride;
	}
	return true;
}

uint32_t hc_build_obj(struct hc_builder *b, enum hc_obj_type obj, const struct hc_cells *cells)
{
	const struct hc_table_desc *desc = hc_obj_desc(obj);
	struct table *t = &b->obj[obj];
	size_t n_bytes = (VALID_WORDS + desc->n_cols) * sizeof(*t->cell);
	uint32_t hash, at, ref;

	if (t->index.n != t->n)
		return hc_build_obj_new(b, obj, cells);
	t->whole = true;
	hash = (uint32_t)XXH3_64bits(cells, n_bytes);
	index_fetch(&t->index, hash);
	if (t->n >= HC_BLOCK_MAX_ENTRIES || !table_room(t, desc) || !index_reserve(&t->index)) {
		b->failed = true;
		return 0;
	}
	memcpy(table_row(t, t->n), cells, n_bytes);
	at = hash & t->index.mask;
	for (; (ref = t->index.slot[at]) != 0; at = (at + 1) & t->index.mask)
		if (t->index.hash[ref - 1] == hash && memcmp(table_row(t, ref - 1), cells, n_bytes) == 0)
			return ref;
	t->index.hash[t->n] = hash;
	t->index.slot[at] = t->index.n = ++t->n;
	b->head.raw_bytes += (desc->n_cols + 1u) * 2u;
	return t->n;
}

static struct hc_cells *table_cells(struct hc_builder *b, struct table *t, const struct hc_table_desc *desc)
{
	uint64_t *row;

	if (!table_room(t, desc)) {
		b->failed = true;
		return NULL;
	}
	row = table_row(t, t->n);
	memset(row, 0, t->stride * sizeof(*row));
	return (struct hc_cells *)row;
}

struct hc_cells *hc_build_cells(struct hc_builder *b, unsigned type)
{
	return table_cells(b, &b->event[type], hc_event_desc(type));
}

struct hc_cells *hc_build_obj_cells(struct hc_builder *b, enum hc_obj_type obj)
{
	return table_cells(b, &b->obj[obj], hc_obj_desc(obj));
}

uint32_t hc_build_obj_new(struct hc_builder *b, enum hc_obj_type obj, const struct hc_cells *cells)
{
	const struct hc_table_desc *desc = hc_obj_desc(obj);
	struct table *t = &b->obj[obj];
	uint64_t *row;

	t->whole = t->whole && t->n > 0;
	if (t->n >= HC_BLOCK_MAX_ENTRIES || !table_room(t, desc)) {
		b->failed = true;
		return 0;
	}
	row = table_row(t, t->n);
	if (row != (const uint64_t *)cells)
		memcpy(row, cells, (VALID_WORDS + desc->n_cols) * sizeof(*row));
	b->head.raw_bytes += (desc->n_cols + 1u) * 2u;
	return ++t->n;
}

static __attribute__((noinline)) bool rows_grow(struct rows *r)
{
	uint32_t need = r->cap + 1, cap[4] = { r->cap, r->cap, r->cap, r->cap };

	if (!grow((void **)&r->seq, &cap[0], need, 8) || !grow((void **)&r->ts, &cap[1], need, 8) ||
	    !grow((void **)&r->type, &cap[2], need, 2) || !grow((void **)&r->cpu, &cap[3], need, 2))
		return false;
	r->cap = cap[0];
	return true;
}

int hc_build_row(struct hc_builder *b, const struct hc_row_head *head, const struct hc_cells *cells)
{
	const struct hc_table_desc *desc = hc_event_desc(head->type);
	struct rows *r = &b->rows;
	struct table *t;

	if (!desc || b->head.n_rows >= HC_BLOCK_MAX_ROWS)
		return -EINVAL;
	t = &b->event[head->type];
	if (b->head.n_rows == r->cap && !rows_grow(r)) {
		b->failed = true;
		return -ENOMEM;
	}
	if (!t->cell || cells != (struct hc_cells *)table_row(t, t->n)) { /* it was not made in its place */
		if (!table_room(t, desc)) {
			b->failed = true;
			return -ENOMEM;
		}
		memcpy(table_row(t, t->n), cells, t->stride * sizeof(*t->cell));
	}
	t->n++;
	if (!b->head.n_rows)
		b->head.first_ns = head->ts_ns;
	r->seq[b->head.n_rows] = head->seq;
	r->ts[b->head.n_rows] = head->ts_ns;
	r->type[b->head.n_rows] = head->type;
	r->cpu[b->head.n_rows] = head->cpu;
	b->head.n_rows++;
	hc_type_set_add(&b->types, head->type);
	b->head.raw_bytes += (size_t)desc->n_cols * 2;
	return 0;
}

struct hc_builder *hc_builder_new(enum hc_stream stream, int zstd_level)
{
	struct hc_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->head.stream = stream;
	b->head.epoch = 1;
	b->level = zstd_level;
	b->cctx = ZSTD_createCCtx();
	if (!b->cctx)
		return hc_builder_free(b);
	return b;
}

static void index_free(struct index *ix)
{
	free(ix->slot);
	free(ix->hash);
}

static void table_free(struct table *t)
{
	free(t->cell);
	free(t->fold);
	free(t->folded.p);
}

struct hc_builder *hc_builder_free(struct hc_builder *b)
{
	if (!b)
		return NULL;
	for (unsigned i = 0; i < HC_EV_MAX; i++)
		table_free(&b->event[i]);
	for (unsigned i = 0; i < HC_OBJ_END; i++) {
		table_free(&b->obj[i]);
		index_free(&b->obj[i].index);
	}
	for (unsigned i = 0; i < 2; i++) {
		free(b->heap[i].bytes.p);
		free(b->heap[i].end);
		index_free(&b->heap[i].index);
		free(b->list[i].item);
		free(b->list[i].end);
		index_free(&b->list[i].index);
	}
	free(b->rows.seq);
	free(b->rows.ts);
	free(b->rows.type);
	free(b->rows.cpu);
	free(b->out.p);
	free(b->dir.p);
	free(b->shared.p);
	free(b->chunks.p);
	free(b->col.p);
	free(b->comp.p);
	free(b->value);
	free(b->valid);
	ZSTD_freeCCtx(b->cctx);
	free(b);
	return NULL;
}

/* ---- sealing: columns ---- */

static unsigned width_of(uint64_t max)
{
	if (max == 0)
		return 0;
	if (max == 1)
		return 1;
	if (max < 4)
		return 2;
	if (max < 16)
		return 4;
	return (64u - (unsigned)__builtin_clzll(max) + 7) / 8 * 8;
}

/* v[0..n) of the given width, appended to b->col. */
static void pack(struct hc_builder *b, const uint64_t *v, uint32_t n, unsigned width)
{
	size_t n_bytes = hc_pack_bytes(n, width);
	uint8_t *to = n_bytes ? buf_room(&b->col, n_bytes) : NULL;

	if (!to)
		return;
	hc_pack_put(v, n, width, to);
	b->col.n += n_bytes;
}

struct choice {
	enum hc_enc enc;
	unsigned width;
	uint64_t base, step;
};

/* Looks at v[0..n) and picks among frame of reference and the deltas by the sum of bits. */
static struct choice choose(const uint64_t *v, uint32_t n, bool is_signed)
{
	uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0; /* signed order in unsigned compares */
	struct hc_pack_span s = hc_pack_span(v, n, flip);
	struct choice c = { .enc = HC_ENC_FOR, .base = s.min ^ flip, .width = width_of(s.max - s.min) };
	bool down = s.dmin < 0;
	uint64_t up, back, for_bits, delta_bits, dmin = (uint64_t)s.dmin, dmax;

	if (n < 8 || c.width == 0)
		return c;
	for_bits = hc_pack_bits_for(v, n, c.base, s.max - s.min);
	if (!down) {
		dmax = (uint64_t)s.dmax - dmin;
		delta_bits = hc_pack_bits_delta(v, n, dmin, dmax);
		if (delta_bits + delta_bits / 4 < for_bits)
			return (struct choice){
				.enc = HC_ENC_DELTA, .base = v[0], .step = dmin, .width = width_of(dmax)
			};
		return c;
	}
	up = hc_pack_zig((uint64_t)s.dmax);
	back = hc_pack_zig(dmin);
	dmax = up > back ? up : back;
	delta_bits = hc_pack_bits_zigzag(v, n, dmax);
	if (delta_bits + delta_bits / 4 < for_bits)
		return (struct choice){ .enc = HC_ENC_DELTA_Z, .base = v[0], .width = width_of(dmax) };
	return c;
}

static void transform(uint64_t *v, uint32_t n, const struct choice *c)
{
	switch (c->enc) {
	case HC_ENC_FOR:
		hc_pack_for(v, n, c->base);
		break;
	case HC_ENC_DELTA:
		hc_pack_delta(v, n, c->step);
		break;
	case HC_ENC_DELTA_Z:
		hc_pack_zigzag(v, n);
		break;
	default:
		break;
	}
}

static void chunk_add(struct hc_builder *b, const uint8_t *p, size_t n)
{
	size_t room = ZSTD_compressBound(n), got;
	void *to;

	to = buf_room(&b->out, room);
	if (!to)
		return;
	got = ZSTD_compressCCtx(b->cctx, to, room, p, n, b->level);
	if (ZSTD_isError(got)) {
		b->out.failed = true;
		return;
	}
	b->chunk_bytes += n;
	buf_varint(&b->chunks, got);
	buf_varint(&b->chunks, n);
	buf_u64(&b->chunks, XXH3_64bits(to, got));
	b->out.n += got;
	b->n_chunks++;
}

static void shared_flush(struct hc_builder *b)
{
	if (b->shared.n) {
		chunk_add(b, b->shared.p, b->shared.n);
		b->shared.n = 0;
	}
}

/* The bytes in b->col become a chunk, or part of the shared one. Writes the place into the directory. A column
 * that gets a chunk of its own would number it before the shared one that is still open: so the shared one is
 * closed first. */
static void col_place(struct hc_builder *b)
{
	if (b->col.n >= OWN_CHUNK_BYTES) {
		shared_flush(b);
		buf_varint(&b->dir, b->n_chunks);
		buf_varint(&b->dir, 0);
		chunk_add(b, b->col.p, b->col.n);
	} else {
		if (b->shared.n + b->col.n > SHARED_CHUNK_BYTES)
			shared_flush(b);
		buf_varint(&b->dir, b->n_chunks);
		buf_varint(&b->dir, b->shared.n);
		buf_put(&b->shared, b->col.p, b->col.n);
	}
}

/* A column of the directory, and what is in b->col of it. */
static void col_entry(struct hc_builder *b, unsigned col, const struct choice *c, bool has_valid)
{
	buf_varint(&b->dir, col);
	buf_u8(&b->dir, (uint8_t)(c->enc | (has_valid ? HC_COL_HAS_VALID : 0)));
	buf_u8(&b->dir, (uint8_t)c->width);
	buf_varint(&b->dir, c->base);
	if (c->enc == HC_ENC_DELTA)
		buf_varint(&b->dir, c->step);
	if (c->width || has_valid)
		col_place(b);
}

/* One column from b->value[0..n); valid NULL or a bitmap with at least one bit set and one clear. same: column to
 * compare with (its values in `other`), or -1. */
static void col_write(struct hc_builder *b, unsigned col, uint32_t n, bool is_signed, const uint64_t *valid,
                      int same, const uint64_t *other)
{
	struct choice c = choose(b->value, n, is_signed);

	if (same >= 0 && c.width > 0) {
		uint32_t n_same = 0;
		uint64_t max = 0;

		for (uint32_t i = 0; i < n; i++) {
			n_same += b->value[i] == other[i];
			max = b->value[i] != other[i] && b->value[i] > max ? b->value[i] : max;
		}
		if (n_same > n / 2 && max < UINT32_MAX) {
			for (uint32_t i = 0; i < n; i++)
				b->value[i] = b->value[i] == other[i] ? 0 : b->value[i] + 1;
			c = (struct choice){ .enc = HC_ENC_SAME,
				             .base = (uint64_t)same,
				             .width = width_of(n_same == n ? 0 : max + 1) };
		}
	}
	b->col.n = 0;
	if (c.width) {
		transform(b->value, n, &c);
		pack(b, b->value, n, c.width);
	}
	if (valid) {
		for (uint32_t i = 0; i < (n + 7) / 8; i++)
			buf_u8(&b->col, (uint8_t)(valid[i / 8] >> (i % 8 * 8)));
	}
	col_entry(b, col, &c, valid != NULL);
}

static bool scratch(struct hc_builder *b, uint32_t n)
{
	uint64_t *v, *w;

	n = (n + 63) & ~63u;
	if (n <= b->value_cap)
		return true;
	v = realloc(b->value, (size_t)n * 2 * sizeof(*v));
	if (v)
		b->value = v;
	w = realloc(b->valid, (size_t)n / 64 * sizeof(*w));
	if (w)
		b->valid = w;
	if (!v || !w)
		return false;
	b->value_cap = n;
	return true;
}

static void table_head(struct hc_builder *b, enum hc_table_space space, unsigned number, uint32_t n,
                       unsigned n_cols)
{
	buf_u8(&b->dir, (uint8_t)space);
	buf_varint(&b->dir, number);
	buf_varint(&b->dir, n);
	buf_varint(&b->dir, n_cols);
	b->n_tables++;
}

/* Loads column `col` into `value`. */
static void col_load(const struct table *t, unsigned col, uint64_t *value)
{
	for (uint32_t i = 0; i < t->n; i += TILE_ROWS)
		unfold_word(t, i, VALID_WORDS + col, t->n - i < TILE_ROWS ? t->n - i : TILE_ROWS, value + i);
}

/* The same of numbers of which some are absent, as b->valid says afterwards: these repeat the number before. */
static void col_load_some(struct hc_builder *b, const struct table *t, unsigned col, uint64_t *value)
{
	uint64_t last = 0, mask[TILE_ROWS];
	bool begun = false;

	col_load(t, col, value);
	memset(b->valid, 0, (t->n + 63) / 64 * sizeof(*b->valid));
	for (uint32_t i = 0; i < t->n; i++) {
		uint64_t is;

		if (i % TILE_ROWS == 0)
			unfold_word(t, i, col / 64, t->n - i < TILE_ROWS ? t->n - i : TILE_ROWS, mask);
		is = mask[i % TILE_ROWS] >> (col % 64) & 1;
		if (is) {
			last = value[i];
			for (uint32_t j = begun ? i : 0; j < i; j++)
				value[j] = last;
			begun = true;
		}
		value[i] = last;
		b->valid[i / 64] |= is << (i % 64);
	}
}

static bool same_domain(const struct hc_col_desc *a, const struct hc_col_desc *b)
{
	return a->ref == b->ref && a->ref != HC_OBJ_NONE;
}

/* Like a row each: the bits that some row has, and those that all have. */
struct bits {
	uint64_t any[VALID_WORDS + HC_MAX_COLS], all[VALID_WORDS + HC_MAX_COLS];
};

static void table_bits(const struct table *t, struct bits *ret)
{
	memset(ret->any, 0, sizeof(ret->any));
	memset(ret->all, 0xff, sizeof(ret->all));
	for (uint32_t i = 0; i < t->n; i += TILE_ROWS) {
		const struct fold *f = t->fold + (size_t)(i / TILE_ROWS) * t->stride;

		for (uint32_t k = 0; k < t->stride; k++) {
			ret->any[k] |= f[k].any;
			ret->all[k] &= f[k].all;
		}
	}
}

static bool col_valid(const uint64_t *row, unsigned col)
{
	return row[col / 64] >> (col % 64) & 1;
}

/* Does any row have it? */
static bool col_wanted(const struct table *t, const struct bits *bits, unsigned col)
{
	return t->desc->cols[col].ref != HC_OBJ_NONE ? bits->any[VALID_WORDS + col] != 0
	                                             : col_valid(bits->any, col);
}

static void table_seal(struct hc_builder *b, struct table *t, enum hc_table_space space)
{
	unsigned n_wanted = 0;
	struct bits bits;
	uint64_t *other;

	if (!scratch(b, t->n) || !table_fold(t)) {
		b->failed = true;
		return;
	}
	other = b->value + b->value_cap;
	table_bits(t, &bits);
	for (unsigned col = 0; col < t->desc->n_cols; col++)
		n_wanted += col_wanted(t, &bits, col);
	table_head(b, space, t->desc->number, t->n, n_wanted);
	for (unsigned col = 0; col < t->desc->n_cols; col++) {
		const struct hc_col_desc *d = &t->desc->cols[col];
		bool full = d->ref != HC_OBJ_NONE || col_valid(bits.all, col);
		int same = -1;

		if (!col_wanted(t, &bits, col))
			continue;
		if (full && bits.any[VALID_WORDS + col] == bits.all[VALID_WORDS + col]) { /* one value */
			col_entry(b, col,
			          &(struct choice){ .enc = HC_ENC_FOR, .base = bits.any[VALID_WORDS + col] },
			          false);
			continue;
		}
		if (space == HC_SPACE_OBJ && col > 0 && col_wanted(t, &bits, col - 1) && same_domain(d, d - 1)) {
			same = (int)col - 1;
			col_load(t, col - 1, other);
		}
		if (full)
			col_load(t, col, b->value);
		else
			col_load_some(b, t, col, b->value);
		col_write(b, col, t->n, d->is_signed, full ? NULL : b->valid, same, other);
	}
}

static void lengths_write(struct hc_builder *b, unsigned col, const uint32_t *end, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		b->value[i] = end[i] - (i ? end[i - 1] : 0);
	col_write(b, col, n, false, NULL, -1, NULL);
}

static void heap_seal(struct hc_builder *b, unsigned which)
{
	struct heap *h = &b->heap[which];

	if (!h->n)
		return;
	if (!scratch(b, h->n)) {
		b->failed = true;
		return;
	}
	table_head(b, HC_SPACE_HEAP, which ? HC_OBJ_BYTES : HC_OBJ_STR, h->n, HC_HEAP_N_COLS);
	lengths_write(b, HC_HEAP_LENGTHS, h->end, h->n);
	buf_varint(&b->dir, HC_HEAP_BYTES);
	buf_u8(&b->dir, HC_ENC_RAW);
	buf_u8(&b->dir, 0);
	buf_varint(&b->dir, h->bytes.n);
	if (h->bytes.n) { /* handed over as the column's bytes without a copy */
		struct buf mine = b->col;

		b->col = h->bytes;
		col_place(b);
		h->bytes = b->col;
		b->col = mine;
	}
}

static void list_seal(struct hc_builder *b, unsigned which)
{
	struct list *l = &b->list[which];
	uint32_t n_items = l->n ? l->end[l->n - 1] : 0;

	if (!l->n)
		return;
	if (!scratch(b, l->n > n_items ? l->n : n_items)) {
		b->failed = true;
		return;
	}
	table_head(b, HC_SPACE_LIST, which ? HC_OBJ_INTS : HC_OBJ_STRS, l->n, n_items ? HC_LIST_N_COLS : 1);
	lengths_write(b, HC_LIST_COUNTS, l->end, l->n);
	if (n_items) {
		memcpy(b->value, l->item, (size_t)n_items * sizeof(*l->item));
		col_write(b, HC_LIST_ITEMS, n_items, which == 1, NULL, -1, NULL);
	}
}

static void rows_seal(struct hc_builder *b)
{
	struct rows *r = &b->rows;

	if (!b->head.n_rows)
		return;
	if (!scratch(b, b->head.n_rows)) {
		b->failed = true;
		return;
	}
	table_head(b, HC_SPACE_ROWS, 0, b->head.n_rows, HC_ROWS_N_COLS);
	for (uint32_t i = 0; i < b->head.n_rows; i++)
		b->value[i] = r->type[i];
	col_write(b, HC_ROWS_TYPE, b->head.n_rows, false, NULL, -1, NULL);
	memcpy(b->value, r->seq, (size_t)b->head.n_rows * 8);
	col_write(b, HC_ROWS_SEQ, b->head.n_rows, false, NULL, -1, NULL);
	memcpy(b->value, r->ts, (size_t)b->head.n_rows * 8);
	col_write(b, HC_ROWS_TS, b->head.n_rows, false, NULL, -1, NULL);
	for (uint32_t i = 0; i < b->head.n_rows; i++)
		b->value[i] = r->cpu[i];
	col_write(b, HC_ROWS_CPU, b->head.n_rows, false, NULL, -1, NULL);
}

/* ---- sealing: the block ---- */

/* x % n without a division. inverse: UINT64_MAX / n; the quotient by it is too small by 2 at most. */
static inline uint64_t rest(uint64_t x, uint64_t n, uint64_t inverse)
{
	uint64_t r = x - (uint64_t)((unsigned __int128)x * inverse >> 64) * n;

	while (r >= n)
		r -= n;
	return r;
}

/* Bloom filter over all strings, and over the addresses among the bytes. Appended to `to`. */
static void sketch_write(struct hc_builder *b, struct buf *to)
{
	uint64_t n_bits = ((uint64_t)b->heap[0].n + b->heap[1].n) * HC_BLOOM_BITS_PER_ENTRY;
	uint64_t inverse;
	uint8_t *bits;

	n_bits = (n_bits + 511) / 512 * 512;
	if (n_bits / 8 > HC_BLOCK_MAX_SKETCH_BYTES - 16)
		n_bits = (HC_BLOCK_MAX_SKETCH_BYTES - 64) / 64 * 512;
	buf_u32(to, HC_BLOOM_PROBES);
	buf_u32(to, (uint32_t)(n_bits / 8));
	bits = n_bits ? buf_room(to, n_bits / 8) : NULL;
	if (!bits)
		return;
	memset(bits, 0, n_bits / 8);
	inverse = UINT64_MAX / n_bits;
	for (unsigned which = 0; which < 2; which++) {
		const struct heap *h = &b->heap[which];

		for (uint32_t i = 0; i < h->n; i++) {
			uint32_t begin = i ? h->end[i - 1] : 0;
			const void *p =
				h->bytes.p ? h->bytes.p + begin : (const uint8_t *)""; /* empty ones only */
			uint64_t x = hc_heap_hash(which ? HC_OBJ_BYTES : HC_OBJ_STR, p, h->end[i] - begin);
			uint64_t step = (x >> 32) | 1;

			for (unsigned k = 0; k < HC_BLOOM_PROBES; k++, x += step) {
				uint64_t at = rest(x, n_bits, inverse);

				bits[at / 8] |= (uint8_t)(1u << (at % 8));
			}
		}
	}
	to->n += n_bits / 8;
}

static void table_clear(struct table *t)
{
	t->n = t->n_folded = 0;
	t->folded.n = 0;
}

static void clear(struct hc_builder *b)
{
	for (unsigned i = 0; i < HC_EV_MAX; i++)
		table_clear(&b->event[i]);
	for (unsigned i = 0; i < HC_OBJ_END; i++) {
		table_clear(&b->obj[i]);
		index_clear(&b->obj[i].index);
	}
	for (unsigned i = 0; i < 2; i++) {
		b->heap[i].n = 0;
		b->heap[i].bytes.n = 0;
		index_clear(&b->heap[i].index);
		b->list[i].n = 0;
		index_clear(&b->list[i].index);
	}
	b->head.n_rows = 0;
	b->types = (struct hc_type_set){ 0 };
	b->head.raw_bytes = 0;
	b->failed = false;
	b->head.epoch = b->head.epoch == UINT32_MAX ? 1 : b->head.epoch + 1;
}

static void info_fill(const struct hc_builder *b, int64_t wall_offset_ns, struct hc_block_info *info)
{
	const struct rows *r = &b->rows;

	*info = (struct hc_block_info){ .stream = (uint8_t)b->head.stream,
		                        .n_rows = b->head.n_rows,
		                        .wall_offset_ns = wall_offset_ns,
		                        .types = b->types,
		                        .first_ns = b->head.n_rows ? UINT64_MAX : 0 };
	if (b->head.n_rows) {
		info->first_seq = r->seq[0];
		info->last_seq = r->seq[b->head.n_rows - 1];
	}
	for (uint32_t i = 0; i < b->head.n_rows; i++) {
		info->first_ns = r->ts[i] < info->first_ns ? r->ts[i] : info->first_ns;
		info->last_ns = r->ts[i] > info->last_ns ? r->ts[i] : info->last_ns;
	}
}

static void header_put(struct buf *to, const struct hc_block_info *info, uint32_t dir_bytes,
                       uint32_t dir_raw_bytes, uint32_t sketch_bytes, uint32_t n_chunks)
{
	buf_u32(to, HC_BLOCK_MAGIC);
	buf_u32(to, 1u | 0u << 16); /* format 1.0 */
	buf_u32(to, info->stream);
	buf_u32(to, info->n_rows);
	buf_u64(to, info->bytes);
	buf_u64(to, info->first_seq);
	buf_u64(to, info->last_seq);
	buf_u64(to, info->first_ns);
	buf_u64(to, info->last_ns);
	buf_u64(to, (uint64_t)info->wall_offset_ns);
	for (unsigned i = 0; i < HC_EV_WORDS; i++)
		buf_u64(to, info->types.w[i]);
	buf_u32(to, dir_bytes);
	buf_u32(to, dir_raw_bytes);
	buf_u32(to, sketch_bytes);
	buf_u32(to, n_chunks);
	buf_u64(to, 0);
	buf_u64(to, 0); /* checksum, filled in last */
}

int hc_builder_seal(struct hc_builder *b, int64_t wall_offset_ns, struct hc_block_out *out, struct hc_err *err)
{
	struct buf *head = &b->comp; /* header frame with directory and sketch; chunks are in b->out */
	size_t dir_room, dir_bytes, sketch_at;
	uint32_t dir_raw;
	uint64_t sum;

	b->out.n = b->dir.n = b->shared.n = b->chunks.n = head->n = 0;
	b->n_chunks = b->n_tables = 0;
	b->chunk_bytes = 0;
	/* What most readers open first stands first: the heaps and objects, then the row list, then the events by
	 * number. */
	heap_seal(b, 0);
	for (unsigned i = 1; i < HC_OBJ_END; i++)
		if (b->obj[i].n)
			table_seal(b, &b->obj[i], HC_SPACE_OBJ);
	list_seal(b, 0);
	list_seal(b, 1);
	heap_seal(b, 1);
	shared_flush(b);
	rows_seal(b);
	shared_flush(b);
	for (unsigned i = 1; i < HC_EV_MAX; i++)
		if (b->event[i].n)
			table_seal(b, &b->event[i], HC_SPACE_EVENT);
	shared_flush(b);

	/* directory: chunks, then tables */
	b->col.n = 0;
	buf_varint(&b->col, b->n_tables);
	buf_put(&b->chunks, b->col.p, b->col.n);
	buf_put(&b->chunks, b->dir.p, b->dir.n);
	dir_raw = (uint32_t)b->chunks.n;

	info_fill(b, wall_offset_ns, &out->info);
	buf_u32(head, HC_FRAME_MAGIC);
	buf_u32(head, 0); /* payload bytes, below */
	header_put(head, &out->info, 0, dir_raw, 0, b->n_chunks);
	dir_room = ZSTD_compressBound(dir_raw);
	if (buf_room(head, dir_room)) {
		dir_bytes =
			ZSTD_compressCCtx(b->cctx, head->p + head->n, dir_room, b->chunks.p, dir_raw, b->level);
		if (ZSTD_isError(dir_bytes))
			head->failed = true;
		else
			head->n += dir_bytes;
	} else {
		dir_bytes = 0;
	}
	sketch_at = head->n;
	sketch_write(b, head);
	if (b->failed || b->out.failed || b->dir.failed || b->shared.failed || b->chunks.failed || b->col.failed ||
	    head->failed) {
		clear(b);
		return hc_err_set(err, -ENOMEM, "out of memory while encoding a block; its rows are lost");
	}
	out->info.bytes = head->n + b->out.n;
	out->raw_bytes = b->chunk_bytes;
	{
		uint8_t *h = head->p + HC_FRAME_HEAD_BYTES;
		uint32_t v32;
		uint64_t v64;

		v32 = htole32((uint32_t)(head->n - HC_FRAME_HEAD_BYTES));
		memcpy(head->p + 4, &v32, 4);
		v64 = htole64(out->info.bytes);
		memcpy(h + 16, &v64, 8);
		v32 = htole32((uint32_t)dir_bytes);
		memcpy(h + HC_BLOCK_DIR_BYTES_AT, &v32, 4);
		v32 = htole32((uint32_t)(head->n - sketch_at));
		memcpy(h + HC_BLOCK_SKETCH_BYTES_AT, &v32, 4);
		sum = htole64(XXH3_64bits(h, head->n - HC_FRAME_HEAD_BYTES));
		memcpy(h + HC_BLOCK_SUM_AT, &sum, 8);
	}
	buf_put(head, b->out.p, b->out.n);
	if (head->failed) {
		head->failed = false;
		clear(b);
		return hc_err_set(err, -ENOMEM, "out of memory while encoding a block; its rows are lost");
	}
	out->bytes = head->p;
	out->n_bytes = head->n;
	clear(b);
	return 0;
}
