/*
 * Reading a block. The header frame (header, directory, sketch) is read at once and checked; chunks are read,
 * checked and decompressed when a column in them is first asked for; columns are decoded once. All lengths come
 * from the file: each is held against the bytes that are there, and all memory of a block against one budget,
 * before anything is allocated.
 */
#include "block_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "backfill_priv.h"
#include "store/base/rd.h"
#include "store/segment.h"

struct chunk {
	uint64_t off; /* of its compressed bytes, from the block's first byte */
	uint32_t comp_bytes, raw_bytes;
	uint64_t sum;
	uint8_t *raw; /* NULL until read; one byte longer than raw_bytes */
};

struct col {
	uint16_t number;
	uint8_t enc, width;
	bool has_valid;
	uint64_t base, step;
	uint32_t chunk, off;
	void *values;    /* decoded: uint32_t (references) or int64_t, padded */
	uint64_t *valid; /* decoded */
};

struct table {
	uint8_t space;
	uint16_t number;
	uint32_t n, n_cols;
	struct col *cols;
};

/* Whether what was learnt late of containers is in what is read (backfill_priv.h). */
enum fill_state { FILL_NOT_ASKED, FILL_PENDING, FILL_UNDER_WAY, FILL_DONE, FILL_FAILED };

struct hc_block {
	int fd;
	bool owns_fd;
	off_t off;
	char name[128];
	struct hc_block_info info;
	uint8_t *payload; /* of the header frame */
	const uint8_t *bloom;
	uint64_t bloom_bits;
	uint32_t bloom_probes;
	struct chunk *chunks;
	uint32_t n_chunks;
	struct table *tables;
	uint32_t n_tables;
	struct table *event[HC_EV_MAX], *obj[HC_OBJ_MAX], *rows_table; /* obj: heaps and lists too */
	struct hc_heap heap[2];
	struct hc_lists list[2];
	struct hc_rows rows;
	bool have_heap[2], have_list[2], have_rows;
	size_t mem_bytes;
	void **owned; /* everything decoded */
	uint32_t n_owned, cap_owned;
	const struct hc_backfill *backfill; /* NULL unless some entry may have to be filled */
	uint32_t boot;
	uint8_t fill_state;       /* enum fill_state */
	struct hc_filled *filled; /* NULL: as in the file */
};

static int damaged(const struct hc_block *b, struct hc_err *err, const char *what)
{
	return hc_err_off(err, -EBADMSG, b->name, (uint64_t)b->off, "damaged block: %s", what);
}

static void *own(struct hc_block *b, size_t n_bytes, bool zero, struct hc_err *err)
{
	void *p;

	if (n_bytes > HC_BLOCK_MAX_MEM_BYTES || b->mem_bytes + n_bytes > HC_BLOCK_MAX_MEM_BYTES) {
		hc_err_off(err, -E2BIG, b->name, (uint64_t)b->off,
		           "block needs more than %u MiB of memory to read", HC_BLOCK_MAX_MEM_BYTES >> 20);
		return NULL;
	}
	if (b->n_owned == b->cap_owned) {
		uint32_t cap = b->cap_owned ? b->cap_owned * 2 : 64;
		void **q = realloc(b->owned, cap * sizeof(*q));

		if (!q) {
			hc_err_set(err, -ENOMEM, "out of memory");
			return NULL;
		}
		b->owned = q;
		b->cap_owned = cap;
	}
	p = zero ? calloc(1, n_bytes + 64) : malloc(n_bytes + 64);
	if (!p) {
		hc_err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	if (!zero)
		memset((uint8_t *)p + n_bytes, 0, 64);
	b->owned[b->n_owned++] = p;
	b->mem_bytes += n_bytes;
	return p;
}

void *hc_block_own(struct hc_block *b, size_t n_bytes, bool zero, struct hc_err *err)
{
	return own(b, n_bytes, zero, err);
}

static int read_at(const struct hc_block *b, void *to, size_t n_bytes, uint64_t off, struct hc_err *err)
{
	size_t got = 0;

	while (got < n_bytes) {
		ssize_t r = pread(b->fd, (uint8_t *)to + got, n_bytes - got, b->off + (off_t)(off + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return hc_err_off(err, -errno, b->name, (uint64_t)b->off + off, "cannot read: %s",
			                  strerror(errno));
		if (r == 0)
			return hc_err_off(err, -EBADMSG, b->name, (uint64_t)b->off + off + got,
			                  "the file ends within a block");
		got += (size_t)r;
	}
	return 0;
}

/* ---- header and directory ---- */

static int parse_tables(struct hc_block *b, struct hc_rd *rd, struct hc_err *err)
{
	uint64_t n_tables = hc_rd_varint(rd);
	uint64_t budget = hc_rd_left(rd); /* a column takes at least one byte of the directory */

	if (rd->bad || n_tables > HC_EV_MAX + HC_OBJ_MAX + 1)
		return damaged(b, err, "the directory's number of tables is impossible");
	b->tables = calloc(n_tables + 1, sizeof(*b->tables));
	if (!b->tables)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < n_tables; i++) {
		struct table *t = &b->tables[i];
		uint64_t space = hc_rd_u8(rd), number = hc_rd_varint(rd), n = hc_rd_varint(rd),
			 n_cols = hc_rd_varint(rd);
		struct table **place = NULL;

		if (rd->bad || n_cols > budget || n > HC_BLOCK_MAX_ENTRIES || number > UINT16_MAX)
			return damaged(b, err, "a table's size in the directory is impossible");
		if (space == HC_SPACE_EVENT && n > HC_BLOCK_MAX_ROWS)
			return damaged(b, err, "a table has too many rows");
		*t = (struct table){ .space = (uint8_t)space, .number = (uint16_t)number, .n = (uint32_t)n };
		t->cols = calloc(n_cols + 1, sizeof(*t->cols));
		if (!t->cols)
			return hc_err_set(err, -ENOMEM, "out of memory");
		t->n_cols = (uint32_t)n_cols;
		b->n_tables = i + 1;
		for (uint32_t k = 0; k < n_cols; k++) {
			struct col *c = &t->cols[k];
			uint64_t col = hc_rd_varint(rd), chunk = 0, off = 0;
			uint8_t enc = hc_rd_u8(rd);

			c->has_valid = (enc & HC_COL_HAS_VALID) != 0;
			c->enc = enc & 0x7f;
			c->width = hc_rd_u8(rd);
			c->base = hc_rd_varint(rd);
			if (c->enc == HC_ENC_DELTA)
				c->step = hc_rd_varint(rd);
			if (c->enc == HC_ENC_RAW ? c->base != 0 : c->width || c->has_valid) {
				chunk = hc_rd_varint(rd);
				off = hc_rd_varint(rd);
			}
			if (rd->bad || col > UINT16_MAX || (k && col <= t->cols[k - 1].number) ||
			    chunk > b->n_chunks || off > UINT32_MAX)
				return damaged(b, err, "a column's entry in the directory is impossible");
			if (c->enc >= HC_N_ENCS || (c->width != 0 && c->width != 1 && c->width != 2 &&
			                            c->width != 4 && (c->width % 8 || c->width > 64)))
				return damaged(b, err, "a column has an unknown encoding");
			c->number = (uint16_t)col;
			c->chunk = (uint32_t)chunk;
			c->off = (uint32_t)off;
		}
		if (space == HC_SPACE_EVENT && number < HC_EV_MAX)
			place = &b->event[number];
		else if ((space == HC_SPACE_OBJ && number < HC_OBJ_END) ||
		         (space == HC_SPACE_HEAP && (number == HC_OBJ_STR || number == HC_OBJ_BYTES)) ||
		         (space == HC_SPACE_LIST && (number == HC_OBJ_STRS || number == HC_OBJ_INTS)))
			place = &b->obj[number];
		else if (space == HC_SPACE_ROWS)
			place = &b->rows_table;
		if (place && *place)
			return damaged(b, err, "the directory names a table twice");
		if (place)
			*place = t;
	}
	return 0;
}

static int parse_directory(struct hc_block *b, const uint8_t *dir, size_t dir_bytes, uint32_t payload_bytes,
                           struct hc_err *err)
{
	struct hc_rd rd = hc_rd_init(dir, dir_bytes);
	uint64_t off = (uint64_t)HC_FRAME_HEAD_BYTES + payload_bytes;

	for (uint32_t i = 0; i < b->n_chunks; i++) {
		struct chunk *c = &b->chunks[i];
		uint64_t comp = hc_rd_varint(&rd), raw = hc_rd_varint(&rd);

		c->sum = hc_rd_u64(&rd);
		if (rd.bad || comp > HC_BLOCK_MAX_BYTES || raw > HC_BLOCK_MAX_BYTES || off + comp > b->info.bytes)
			return damaged(b, err, "a chunk's length is impossible");
		c->off = off;
		c->comp_bytes = (uint32_t)comp;
		c->raw_bytes = (uint32_t)raw;
		off += comp;
	}
	if (off != b->info.bytes)
		return damaged(b, err, "the chunks do not fill the block");
	return parse_tables(b, &rd, err);
}

static int parse_payload(struct hc_block *b, uint32_t payload_bytes, struct hc_err *err)
{
	struct hc_rd rd = hc_rd_init(b->payload, payload_bytes);
	uint32_t dir_bytes, dir_raw_bytes, sketch_bytes;
	uint64_t sum;
	uint16_t major;
	uint8_t *dir;
	int r;

	hc_rd_u32(&rd); /* magic: seen */
	major = hc_rd_u16(&rd);
	hc_rd_u16(&rd);
	if (major != HC_FORMAT_MAJOR)
		return hc_err_off(
			err, -ENOTSUP, b->name, (uint64_t)b->off,
			"block of format version %u; this program reads version %u: use a newer hindcast", major,
			HC_FORMAT_MAJOR);
	b->info.stream = hc_rd_u8(&rd);
	hc_rd_bytes(&rd, 3);
	b->info.n_rows = hc_rd_u32(&rd);
	b->info.bytes = hc_rd_u64(&rd);
	b->info.first_seq = hc_rd_u64(&rd);
	b->info.last_seq = hc_rd_u64(&rd);
	b->info.first_ns = hc_rd_u64(&rd);
	b->info.last_ns = hc_rd_u64(&rd);
	b->info.wall_offset_ns = (int64_t)hc_rd_u64(&rd);
	for (unsigned i = 0; i < HC_EV_WORDS; i++)
		b->info.types.w[i] = hc_rd_u64(&rd);
	dir_bytes = hc_rd_u32(&rd);
	dir_raw_bytes = hc_rd_u32(&rd);
	sketch_bytes = hc_rd_u32(&rd);
	b->n_chunks = hc_rd_u32(&rd);
	hc_rd_u64(&rd);
	sum = hc_rd_u64(&rd);
	memset(b->payload + HC_BLOCK_SUM_AT, 0, 8);
	if (!hc_sum_fits(XXH3_64bits(b->payload, payload_bytes), sum))
		return damaged(b, err, "the header's checksum is wrong");
	if (b->info.stream >= HC_N_STREAMS || b->info.n_rows > HC_BLOCK_MAX_ROWS ||
	    b->n_chunks > HC_BLOCK_MAX_CHUNKS || b->info.bytes > HC_BLOCK_MAX_BYTES ||
	    b->info.bytes < (uint64_t)payload_bytes + HC_FRAME_HEAD_BYTES ||
	    dir_raw_bytes > HC_BLOCK_MAX_DIR_BYTES || sketch_bytes > HC_BLOCK_MAX_SKETCH_BYTES ||
	    (uint64_t)dir_bytes + sketch_bytes != hc_rd_left(&rd) || b->info.first_seq > b->info.last_seq ||
	    b->info.first_ns > b->info.last_ns)
		return damaged(b, err, "a number in the header is impossible");
	b->chunks = calloc((size_t)b->n_chunks + 1, sizeof(*b->chunks));
	if (!b->chunks)
		return hc_err_set(err, -ENOMEM, "out of memory");

	if (dir_raw_bytes == 0) {
		dir = NULL;
		r = parse_directory(b, b->payload + HC_BLOCK_HEADER_BYTES, dir_bytes, payload_bytes, err);
	} else {
		size_t got;

		dir = malloc(dir_raw_bytes);
		if (!dir)
			return hc_err_set(err, -ENOMEM, "out of memory");
		got = ZSTD_decompress(dir, dir_raw_bytes, b->payload + HC_BLOCK_HEADER_BYTES, dir_bytes);
		if (ZSTD_isError(got) || got != dir_raw_bytes)
			r = damaged(b, err, "the directory does not decompress");
		else
			r = parse_directory(b, dir, dir_raw_bytes, payload_bytes, err);
	}
	free(dir);
	if (r < 0)
		return r;

	rd = hc_rd_init(b->payload + HC_BLOCK_HEADER_BYTES + dir_bytes, sketch_bytes);
	b->bloom_probes = hc_rd_u32(&rd);
	{
		uint32_t n = hc_rd_u32(&rd);

		b->bloom = hc_rd_bytes(&rd, n);
		b->bloom_bits = b->bloom ? (uint64_t)n * 8 : 0;
	}
	if (b->bloom_probes > 64)
		b->bloom_bits = 0;
	return 0;
}

int hc_block_open(int fd, off_t off, const char *name, struct hc_block **ret, struct hc_err *err)
{
	HC_AUTO(hc_block_close) struct hc_block *b = calloc(1, sizeof(*b));
	uint8_t head[HC_FRAME_HEAD_BYTES + 4];
	struct hc_rd rd;
	uint32_t frame, payload_bytes, magic;
	size_t name_len = strlen(name);
	int r;

	if (!b)
		return hc_err_set(err, -ENOMEM, "out of memory");
	b->fd = fd;
	b->off = off;
	snprintf(b->name, sizeof(b->name), "%s",
	         name_len < sizeof(b->name) ? name : name + name_len - sizeof(b->name) + 1);
	r = read_at(b, head, sizeof(head), 0, err);
	if (r < 0)
		return r;
	rd = hc_rd_init(head, sizeof(head));
	frame = hc_rd_u32(&rd);
	payload_bytes = hc_rd_u32(&rd);
	magic = hc_rd_u32(&rd);
	if (frame != HC_FRAME_MAGIC || magic != HC_BLOCK_MAGIC)
		return damaged(b, err, "there is no block header");
	if (payload_bytes < HC_BLOCK_HEADER_BYTES ||
	    payload_bytes > HC_BLOCK_HEADER_BYTES + HC_BLOCK_MAX_DIR_BYTES + HC_BLOCK_MAX_SKETCH_BYTES)
		return damaged(b, err, "the header's length is impossible");
	b->payload = malloc(payload_bytes);
	if (!b->payload)
		return hc_err_set(err, -ENOMEM, "out of memory");
	b->mem_bytes += payload_bytes;
	r = read_at(b, b->payload, payload_bytes, HC_FRAME_HEAD_BYTES, err);
	if (r >= 0)
		r = parse_payload(b, payload_bytes, err);
	if (r < 0)
		return r;
	*ret = hc_steal(b);
	return 0;
}

struct hc_block *hc_block_close(struct hc_block *b)
{
	if (!b)
		return NULL;
	if (b->owns_fd)
		close(b->fd);
	for (uint32_t i = 0; i < b->n_owned; i++)
		free(b->owned[i]);
	for (uint32_t i = 0; i < b->n_tables; i++)
		free(b->tables[i].cols);
	free(b->owned);
	free(b->tables);
	free(b->chunks);
	free(b->payload);
	free(b);
	return NULL;
}

void hc_block_take_fd(struct hc_block *b)
{
	b->owns_fd = true;
}

const struct hc_block_info *hc_block_info(const struct hc_block *b)
{
	return &b->info;
}

size_t hc_block_mem_bytes(const struct hc_block *b)
{
	return b->mem_bytes;
}

uint32_t hc_block_n_rows(const struct hc_block *b, unsigned event_type)
{
	return event_type < HC_EV_MAX && b->event[event_type] ? b->event[event_type]->n : 0;
}

/* In the file. */
static uint32_t n_entries(const struct hc_block *b, unsigned obj)
{
	return obj < HC_OBJ_MAX && b->obj[obj] ? b->obj[obj]->n : 0;
}

/* ---- back-filling ---- */

void hc_block_set_backfill(struct hc_block *b, const struct hc_backfill *f, uint32_t boot)
{
	if (!hc_backfill_concerns(f, boot, b))
		return;
	b->backfill = f;
	b->boot = boot;
	b->fill_state = FILL_PENDING;
}

void hc_block_as_written(struct hc_block *b)
{
	b->backfill = NULL;
}

/* Before anything is read that may be filled. While it is under way all reads as in the file. */
static int fill(struct hc_block *b, struct hc_err *err)
{
	int r;

	if (b->fill_state == FILL_FAILED)
		return damaged(b, err, "its containers cannot be read");
	if (b->fill_state != FILL_PENDING)
		return 0;
	b->fill_state = FILL_UNDER_WAY;
	r = hc_backfill_block(b->backfill, b->boot, b, &b->filled, err);
	b->fill_state = r < 0 ? FILL_FAILED : FILL_DONE;
	return r;
}

uint32_t hc_block_n_entries(struct hc_block *b, enum hc_obj_type obj)
{
	if (b->backfill && (obj == HC_OBJ_STR || obj == HC_OBJ_STRS) && fill(b, NULL) == 0 && b->filled)
		return obj == HC_OBJ_STR ? b->filled->heap.n : b->filled->lists.n;
	return n_entries(b, obj);
}

/* ---- columns ---- */

static struct col *find_col(struct table *t, unsigned number)
{
	for (uint32_t i = 0; t && i < t->n_cols; i++)
		if (t->cols[i].number == number)
			return &t->cols[i];
	return NULL;
}

static int chunk_load(struct hc_block *b, uint32_t which, struct hc_err *err)
{
	struct chunk *c = &b->chunks[which];
	uint8_t *comp, *raw;
	size_t got;
	int r;

	if (which >= b->n_chunks)
		return damaged(b, err, "a column names a chunk that is not there");
	if (c->raw)
		return 0;
	raw = own(b, c->raw_bytes, false, err);
	comp = raw ? malloc(c->comp_bytes + 1u) : NULL;
	if (!comp)
		return err && err->code ? err->code : hc_err_set(err, -ENOMEM, "out of memory");
	r = read_at(b, comp, c->comp_bytes, c->off, err);
	if (r == 0 && !hc_sum_fits(XXH3_64bits(comp, c->comp_bytes), c->sum))
		r = hc_err_off(err, -EBADMSG, b->name, (uint64_t)b->off + c->off,
		               "damaged block: a chunk's checksum is wrong");
	if (r == 0) {
		got = ZSTD_decompress(raw, c->raw_bytes, comp, c->comp_bytes);
		if (ZSTD_isError(got) || got != c->raw_bytes)
			r = hc_err_off(err, -EBADMSG, b->name, (uint64_t)b->off + c->off,
			               "damaged block: a chunk does not decompress to its length");
	}
	free(comp);
	if (r < 0)
		return r;
	c->raw = raw;
	return 0;
}

/* The stored bytes of a column of n numbers; *ret_valid NULL when it has no bitmap. */
static int col_bytes(struct hc_block *b, const struct col *c, uint32_t n, const uint8_t **ret,
                     const uint8_t **ret_valid, struct hc_err *err)
{
	uint64_t n_bytes = c->width < 8 ? ((uint64_t)n * c->width + 7) / 8 : (uint64_t)n * (c->width / 8);
	uint64_t n_valid = c->has_valid ? ((uint64_t)n + 7) / 8 : 0;
	int r;

	*ret = *ret_valid = NULL;
	if (n_bytes + n_valid == 0)
		return 0;
	r = chunk_load(b, c->chunk, err);
	if (r < 0)
		return r;
	if (c->off > b->chunks[c->chunk].raw_bytes || n_bytes + n_valid > b->chunks[c->chunk].raw_bytes - c->off)
		return damaged(b, err, "a column reaches beyond its chunk");
	*ret = b->chunks[c->chunk].raw + c->off;
	*ret_valid = c->has_valid ? *ret + n_bytes : NULL;
	return 0;
}

/* u[0..n) from packed bits or planes; the loops over whole planes are what the compilers vectorise. */
#define DEFINE_UNPACK(name, type)                                                                      \
	static void name(const uint8_t *restrict p, uint32_t n, unsigned width, type *restrict u)      \
	{                                                                                              \
		if (width == 0) {                                                                      \
			memset(u, 0, (size_t)n * sizeof(*u));                                          \
		} else if (width < 8) {                                                                \
			unsigned per = 8 / width;                                                      \
			uint8_t mask = (uint8_t)((1u << width) - 1);                                   \
                                                                                                       \
			for (uint32_t i = 0; i < n; i++)                                               \
				u[i] = (type)(p[i / per] >> (i % per * width) & mask);                 \
		} else {                                                                               \
			for (uint32_t i = 0; i < n; i++)                                               \
				u[i] = p[i];                                                           \
			for (unsigned plane = 1; plane < width / 8 && plane < sizeof(type); plane++) { \
				const uint8_t *restrict q = p + (size_t)plane * n;                     \
                                                                                                       \
				for (uint32_t i = 0; i < n; i++)                                       \
					u[i] |= (type)q[i] << (8 * plane);                             \
			}                                                                              \
		}                                                                                      \
	}

DEFINE_UNPACK(unpack_u32, uint32_t)
DEFINE_UNPACK(unpack_u64, uint64_t)

static int get_refs(struct hc_block *b, struct table *t, const struct hc_table_desc *desc, bool is_obj,
                    unsigned number, struct hc_refs *ret, struct hc_err *err);

/* Where a reference is 0 it is the one of an earlier column; only an earlier one, so that there are no circles. */
static int fill_same(struct hc_block *b, struct table *t, const struct col *c, const struct hc_table_desc *desc,
                     bool is_obj, uint32_t *v, struct hc_err *err)
{
	struct hc_refs other;
	int r;

	if (!desc || c->base >= c->number || !find_col(t, (unsigned)c->base) ||
	    desc->cols[c->base].ref != desc->cols[c->number].ref)
		return damaged(b, err, "a column refers to one that is not before it");
	r = get_refs(b, t, desc, is_obj, (unsigned)c->base, &other, err);
	for (uint32_t i = 0; r == 0 && i < t->n; i++)
		v[i] = v[i] ? v[i] - 1 : other.v[i];
	return r;
}

/* desc NULL for the items of lists, which have no other column. */
static int decode_refs(struct hc_block *b, struct table *t, struct col *c, const struct hc_table_desc *desc,
                       bool is_obj, uint32_t n, uint32_t *v, struct hc_err *err)
{
	const uint8_t *p, *valid;
	int r = col_bytes(b, c, n, &p, &valid, err);

	if (r < 0)
		return r;
	if (c->width > 32 || c->enc == HC_ENC_RAW)
		return damaged(b, err, "a column of references is too wide");
	unpack_u32(p, n, c->width, v);
	switch (c->enc) {
	case HC_ENC_FOR:
		for (uint32_t i = 0; i < n; i++)
			v[i] += (uint32_t)c->base;
		break;
	case HC_ENC_DELTA:
		for (uint32_t i = 0, at = (uint32_t)c->base; i < n; i++)
			v[i] = at = i ? at + (uint32_t)c->step + v[i] : at;
		break;
	case HC_ENC_DELTA_Z:
		for (uint32_t i = 0, at = (uint32_t)c->base; i < n; i++)
			v[i] = at = i ? at + ((v[i] >> 1) ^ (0u - (v[i] & 1))) : at;
		break;
	case HC_ENC_SAME:
		return fill_same(b, t, c, desc, is_obj, v, err);
	default:
		break;
	}
	return 0;
}

static int decode_u64(struct hc_block *b, const struct col *c, uint32_t n, uint64_t *v, struct hc_err *err)
{
	const uint8_t *p, *valid;
	int r = col_bytes(b, c, n, &p, &valid, err);

	if (r < 0)
		return r;
	if (c->enc == HC_ENC_RAW || c->enc == HC_ENC_SAME)
		return damaged(b, err, "a column of numbers has the wrong encoding");
	unpack_u64(p, n, c->width, v);
	switch (c->enc) {
	case HC_ENC_FOR:
		for (uint32_t i = 0; i < n; i++)
			v[i] += c->base;
		break;
	case HC_ENC_DELTA:
		for (uint64_t i = 0, at = c->base; i < n; i++)
			v[i] = at = i ? at + c->step + v[i] : at;
		break;
	case HC_ENC_DELTA_Z:
		for (uint64_t i = 0, at = c->base; i < n; i++)
			v[i] = at = i ? at + ((v[i] >> 1) ^ (0 - (v[i] & 1))) : at;
		break;
	default:
		break;
	}
	return 0;
}

/* References into a dictionary of `limit` entries; own_kind: entry i may name only entries before it. */
static int check_refs(const struct hc_block *b, const uint32_t *v, uint32_t n, uint32_t limit, bool own_kind,
                      struct hc_err *err)
{
	uint32_t max = 0, bad = 0;

	for (uint32_t i = 0; i < n; i++)
		max = v[i] > max ? v[i] : max;
	if (max > limit)
		return damaged(b, err, "a reference is beyond its dictionary");
	for (uint32_t i = 0; own_kind && i < n; i++)
		bad |= v[i] > i;
	return bad ? damaged(b, err, "an entry refers to itself or to a later one") : 0;
}

static int get_refs(struct hc_block *b, struct table *t, const struct hc_table_desc *desc, bool is_obj,
                    unsigned number, struct hc_refs *ret, struct hc_err *err)
{
	struct col *c = find_col(t, number);
	uint32_t *v;
	int r;

	if (!t || !desc || number >= desc->n_cols) {
		*ret = (struct hc_refs){ 0 };
		return 0;
	}
	if (c && c->values) {
		*ret = (struct hc_refs){ c->values, t->n };
		return 0;
	}
	v = own(b, hc_padded(t->n) * sizeof(*v), true, err);
	if (!v)
		return err && err->code ? err->code : -ENOMEM;
	if (c) {
		unsigned ref = desc->cols[number].ref;

		r = decode_refs(b, t, c, desc, is_obj, t->n, v, err);
		if (r == 0)
			r = check_refs(b, v, t->n, n_entries(b, ref), is_obj && ref == desc->number, err);
		if (r < 0)
			return r;
		c->values = v;
	}
	*ret = (struct hc_refs){ v, t->n };
	return 0;
}

static int get_ints(struct hc_block *b, struct table *t, const struct hc_table_desc *desc, unsigned number,
                    struct hc_ints *ret, struct hc_err *err)
{
	struct col *c = find_col(t, number);
	const uint8_t *p, *stored;
	uint64_t *v, *valid = NULL;
	int r;

	if (!t || !desc || number >= desc->n_cols) {
		*ret = (struct hc_ints){ 0 };
		return 0;
	}
	if (c && c->values) {
		*ret = (struct hc_ints){ c->values, c->valid, t->n };
		return 0;
	}
	v = own(b, hc_padded(t->n) * sizeof(*v), true, err);
	if (!v)
		return err && err->code ? err->code : -ENOMEM;
	if (!c || c->has_valid) {
		valid = own(b, hc_padded(t->n) / 8, true, err);
		if (!valid)
			return err && err->code ? err->code : -ENOMEM;
	}
	if (c) {
		r = decode_u64(b, c, t->n, v, err);
		if (r == 0)
			r = col_bytes(b, c, t->n, &p, &stored, err);
		if (r < 0)
			return r;
		for (uint32_t i = 0; valid && i < t->n; i++) {
			uint64_t is = stored[i / 8] >> (i % 8) & 1;

			valid[i / 64] |= is << (i % 64);
			v[i] = is ? v[i] : 0;
		}
		c->values = v;
		c->valid = valid;
	}
	*ret = (struct hc_ints){ (int64_t *)v, valid, t->n };
	return 0;
}

int hc_block_event_refs(struct hc_block *b, unsigned event_type, unsigned col, struct hc_refs *ret,
                        struct hc_err *err)
{
	return get_refs(b, event_type < HC_EV_MAX ? b->event[event_type] : NULL, hc_event_desc(event_type), false,
	                col, ret, err);
}

int hc_block_event_ints(struct hc_block *b, unsigned event_type, unsigned col, struct hc_ints *ret,
                        struct hc_err *err)
{
	return get_ints(b, event_type < HC_EV_MAX ? b->event[event_type] : NULL, hc_event_desc(event_type), col,
	                ret, err);
}

/* The column where it was filled; NULL where it is as in the file, or cannot be told: *ret_code. */
static const struct hc_filled_col *filled_col(struct hc_block *b, enum hc_obj_type obj, unsigned col,
                                              int *ret_code, struct hc_err *err)
{
	*ret_code = 0;
	if (!b->backfill || obj != HC_OBJ_CTR || col >= hc_obj_desc(obj)->n_cols)
		return NULL;
	*ret_code = fill(b, err);
	return *ret_code == 0 && b->filled && b->filled->cols[col].values ? &b->filled->cols[col] : NULL;
}

int hc_block_obj_refs(struct hc_block *b, enum hc_obj_type obj, unsigned col, struct hc_refs *ret,
                      struct hc_err *err)
{
	int r;
	const struct hc_filled_col *c = filled_col(b, obj, col, &r, err);

	if (c) {
		*ret = (struct hc_refs){ c->values, n_entries(b, obj) };
		return 0;
	}
	if (r)
		return r;
	return get_refs(b, (unsigned)obj < HC_OBJ_END ? b->obj[obj] : NULL, hc_obj_desc(obj), true, col, ret, err);
}

int hc_block_obj_ints(struct hc_block *b, enum hc_obj_type obj, unsigned col, struct hc_ints *ret,
                      struct hc_err *err)
{
	int r;
	const struct hc_filled_col *c = filled_col(b, obj, col, &r, err);

	if (c) {
		*ret = (struct hc_ints){ c->values, c->valid, n_entries(b, obj) };
		return 0;
	}
	if (r)
		return r;
	return get_ints(b, (unsigned)obj < HC_OBJ_END ? b->obj[obj] : NULL, hc_obj_desc(obj), col, ret, err);
}

/* Lengths or counts as offsets: n + 1 of them, the last at most `limit`. */
static int get_offsets(struct hc_block *b, struct table *t, unsigned number, uint64_t limit, uint32_t **ret,
                       struct hc_err *err)
{
	struct col *c = find_col(t, number);
	uint32_t *off = own(b, hc_padded(t->n + 1) * sizeof(*off), true, err);
	uint64_t *len, at = 0;
	int r;

	if (!off)
		return err && err->code ? err->code : -ENOMEM;
	if (!c)
		return damaged(b, err, "a heap or list has no lengths");
	len = malloc(hc_padded(t->n) * sizeof(*len));
	if (!len)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = decode_u64(b, c, t->n, len, err);
	for (uint32_t i = 0; r == 0 && i < t->n; i++) {
		if (len[i] > limit - at) {
			r = damaged(b, err, "the lengths of a heap or list exceed it");
			break;
		}
		at += len[i];
		off[i + 1] = (uint32_t)at;
	}
	free(len);
	if (r == 0)
		*ret = off;
	return r;
}

/* All bytes of a heap, one entry after the other. */
static int heap_bytes(struct hc_block *b, struct table *t, struct hc_str *ret, struct hc_err *err)
{
	const struct col *c = find_col(t, HC_HEAP_BYTES);
	int r;

	if (!c || c->enc != HC_ENC_RAW || c->base > HC_BLOCK_MAX_BYTES)
		return damaged(b, err, "a heap has no bytes");
	*ret = HC_STR("");
	if (!c->base)
		return 0;
	r = chunk_load(b, c->chunk, err);
	if (r < 0)
		return r;
	if (c->off > b->chunks[c->chunk].raw_bytes || c->base > b->chunks[c->chunk].raw_bytes - c->off)
		return damaged(b, err, "a heap reaches beyond its chunk");
	*ret = (struct hc_str){ (const char *)b->chunks[c->chunk].raw + c->off, (uint32_t)c->base };
	return 0;
}

int hc_block_heap(struct hc_block *b, enum hc_obj_type heap, struct hc_heap *ret, struct hc_err *err)
{
	static const uint32_t zero;
	unsigned which = heap == HC_OBJ_BYTES;
	struct table *t = b->obj[which ? HC_OBJ_BYTES : HC_OBJ_STR];
	struct hc_str bytes;
	uint32_t *off;
	int r;

	if (b->backfill && !which) {
		r = fill(b, err);
		if (r < 0)
			return r;
		if (b->filled) {
			*ret = b->filled->heap;
			return 0;
		}
	}
	if (!t) {
		*ret = (struct hc_heap){ .bytes = "", .off = &zero };
		return 0;
	}
	if (!b->have_heap[which]) {
		r = heap_bytes(b, t, &bytes, err);
		if (r == 0)
			r = get_offsets(b, t, HC_HEAP_LENGTHS, bytes.len, &off, err);
		if (r < 0)
			return r;
		b->heap[which] = (struct hc_heap){ .bytes = bytes.p, .off = off, .n = t->n };
		b->have_heap[which] = true;
	}
	*ret = b->heap[which];
	return 0;
}

int hc_block_lists(struct hc_block *b, enum hc_obj_type lists, struct hc_lists *ret, struct hc_err *err)
{
	static const uint32_t zero;
	unsigned which = lists == HC_OBJ_INTS;
	struct table *t = b->obj[which ? HC_OBJ_INTS : HC_OBJ_STRS];
	struct col *c = find_col(t, HC_LIST_ITEMS);
	uint32_t *first, n_items;
	int r;

	if (b->backfill && !which) {
		r = fill(b, err);
		if (r < 0)
			return r;
		if (b->filled) {
			*ret = b->filled->lists;
			return 0;
		}
	}
	if (!t) {
		*ret = (struct hc_lists){ .first = &zero };
		return 0;
	}
	if (!b->have_list[which]) {
		struct hc_lists l = { .n = t->n };

		r = get_offsets(b, t, HC_LIST_COUNTS, HC_BLOCK_MAX_ENTRIES, &first, err);
		if (r)
			return r;
		n_items = first[t->n];
		l.first = first;
		if (n_items && !c)
			return damaged(b, err, "a list has no items");
		if (which) {
			uint64_t *v = own(b, hc_padded(n_items) * sizeof(*v), true, err);

			if (!v)
				return err && err->code ? err->code : -ENOMEM;
			r = n_items ? decode_u64(b, c, n_items, v, err) : 0;
			l.ints = (int64_t *)v;
		} else {
			uint32_t *v = own(b, hc_padded(n_items) * sizeof(*v), true, err);

			if (!v)
				return err && err->code ? err->code : -ENOMEM;
			r = n_items ? decode_refs(b, t, c, NULL, false, n_items, v, err) : 0;
			if (r == 0)
				r = check_refs(b, v, n_items, n_entries(b, HC_OBJ_STR), false, err);
			l.refs = v;
		}
		if (r < 0)
			return r;
		b->list[which] = l;
		b->have_list[which] = true;
	}
	*ret = b->list[which];
	return 0;
}

static int decode_rows(struct hc_block *b, struct hc_err *err)
{
	struct table *t = b->rows_table;
	uint32_t n = t->n, *pos, next[HC_EV_MAX] = { 0 };
	uint64_t *wide, *seq, *ts;
	uint16_t *type, *cpu;
	struct col *c[HC_ROWS_N_COLS];
	int r = 0;

	if (n != b->info.n_rows)
		return damaged(b, err, "the row list has another length than the header says");
	wide = own(b, hc_padded(n) * 8, false, err);
	seq = wide ? own(b, hc_padded(n) * 8, true, err) : NULL;
	ts = seq ? own(b, hc_padded(n) * 8, true, err) : NULL;
	pos = ts ? own(b, hc_padded(n) * 4, true, err) : NULL;
	type = pos ? own(b, hc_padded(n) * 2, true, err) : NULL;
	cpu = type ? own(b, hc_padded(n) * 2, true, err) : NULL;
	if (!cpu)
		return err && err->code ? err->code : -ENOMEM;
	for (unsigned i = 0; i < HC_ROWS_N_COLS; i++) {
		c[i] = find_col(t, i);
		if (!c[i])
			return damaged(b, err, "the row list lacks a column");
	}
	r = decode_u64(b, c[HC_ROWS_TYPE], n, wide, err);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		if (wide[i] >= HC_EV_MAX || next[wide[i]] >= hc_block_n_rows(b, (unsigned)wide[i]))
			return damaged(b, err, "the row list names a row that its table does not have");
		type[i] = (uint16_t)wide[i];
		pos[i] = next[wide[i]]++;
	}
	for (unsigned i = 0; r == 0 && i < HC_EV_MAX; i++)
		if (next[i] != hc_block_n_rows(b, i))
			return damaged(b, err, "the row list leaves out rows of a table");
	if (r == 0)
		r = decode_u64(b, c[HC_ROWS_CPU], n, wide, err);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		cpu[i] = (uint16_t)wide[i];
	if (r == 0)
		r = decode_u64(b, c[HC_ROWS_SEQ], n, seq, err);
	if (r == 0)
		r = decode_u64(b, c[HC_ROWS_TS], n, ts, err);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		if (seq[i] < b->info.first_seq || seq[i] > b->info.last_seq || (i && seq[i] <= seq[i - 1]))
			return damaged(b, err, "rows are out of order");
		if (ts[i] < b->info.first_ns || ts[i] > b->info.last_ns)
			return damaged(b, err, "a row's time is outside the block's");
	}
	if (r < 0)
		return r;
	b->rows = (struct hc_rows){ .n = n, .type = type, .pos = pos, .seq = seq, .ts_ns = ts, .cpu = cpu };
	b->have_rows = true;
	return 0;
}

int hc_block_rows(struct hc_block *b, struct hc_rows *ret, struct hc_err *err)
{
	int r;

	if (!b->have_rows && b->rows_table) {
		r = decode_rows(b, err);
		if (r < 0)
			return r;
	} else if (!b->rows_table && b->info.n_rows) {
		return damaged(b, err, "there is no row list");
	}
	*ret = b->rows;
	return 0;
}

/* ---- sketch ---- */

static bool may_have(const struct hc_block *b, uint64_t x)
{
	uint64_t step = (x >> 32) | 1;

	if (!b->bloom_bits)
		return true;
	for (unsigned k = 0; k < b->bloom_probes; k++, x += step)
		if (!(b->bloom[x % b->bloom_bits / 8] >> (x % b->bloom_bits % 8) & 1))
			return false;
	return true;
}

bool hc_block_may_have_hash(const struct hc_block *b, uint64_t hash)
{
	return may_have(b, hash);
}

bool hc_block_may_have_str(const struct hc_block *b, struct hc_str s)
{
	return may_have(b, hc_heap_hash(HC_OBJ_STR, s.len ? s.p : "", s.len)) ||
	       (b->backfill && hc_backfill_has_str(b->backfill, s));
}

bool hc_block_may_have_bytes(const struct hc_block *b, const void *p, uint32_t n_bytes)
{
	return may_have(b, hc_heap_hash(HC_OBJ_BYTES, p, n_bytes));
}

bool hc_block_may_contain(struct hc_block *b, enum hc_obj_type heap, struct hc_str part)
{
	struct table *t = b->obj[heap == HC_OBJ_BYTES ? HC_OBJ_BYTES : HC_OBJ_STR];
	struct hc_str bytes;

	if (!part.len)
		return true;
	if (b->backfill && heap != HC_OBJ_BYTES) {
		if (fill(b, NULL) < 0)
			return true;
		if (b->filled)
			return memmem(b->filled->heap.bytes, b->filled->heap.off[b->filled->heap.n], part.p,
			              part.len) != NULL;
	}
	if (!t)
		return false;
	return heap_bytes(b, t, &bytes, NULL) < 0 || memmem(bytes.p, bytes.len, part.p, part.len);
}

/* ---- everything ---- */

static int check_table(struct hc_block *b, struct table *t, const struct hc_table_desc *desc, bool is_obj,
                       struct hc_err *err)
{
	struct hc_refs refs;
	struct hc_ints ints;
	int r = 0;

	for (uint32_t i = 0; desc && r == 0 && i < t->n_cols; i++) {
		unsigned col = t->cols[i].number;

		if (col >= desc->n_cols)
			continue; /* a newer minor version */
		if (desc->cols[col].ref != HC_OBJ_NONE)
			r = get_refs(b, t, desc, is_obj, col, &refs, err);
		else
			r = get_ints(b, t, desc, col, &ints, err);
	}
	return r;
}

int hc_block_check(struct hc_block *b, struct hc_err *err)
{
	struct hc_heap heap;
	struct hc_lists lists;
	struct hc_rows rows;
	int r = 0;

	for (uint32_t i = 0; i < b->n_chunks && r == 0; i++)
		r = chunk_load(b, i, err);
	if (r == 0)
		r = hc_block_heap(b, HC_OBJ_STR, &heap, err);
	if (r == 0)
		r = hc_block_heap(b, HC_OBJ_BYTES, &heap, err);
	if (r == 0)
		r = hc_block_lists(b, HC_OBJ_STRS, &lists, err);
	if (r == 0)
		r = hc_block_lists(b, HC_OBJ_INTS, &lists, err);
	if (r == 0)
		r = hc_block_rows(b, &rows, err);
	for (unsigned i = 0; i < HC_EV_MAX && r == 0; i++) {
		if (b->event[i])
			r = check_table(b, b->event[i], hc_event_desc(i), false, err);
		if (r == 0 && (b->event[i] != NULL) != hc_type_set_has(&b->info.types, i))
			r = damaged(b, err, "the header's set of types is not that of its tables");
	}
	for (unsigned i = 0; i < HC_OBJ_END && r == 0; i++)
		if (b->obj[i])
			r = check_table(b, b->obj[i], hc_obj_desc(i), true, err);
	return r;
}
