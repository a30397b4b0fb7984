/*
 * Pools of random objects per kind, made in the order of reference, so that the graph has no cycles; rows pick
 * from the pools. Objects are immutable and remember their reference in a slot, as the recorder's do.
 */
#include "gen.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/arena.h"
#include "store/index.h"

#define MAX_DEPTH 14
#define POOL_MAX 512

/* The model of one dictionary entry. */
struct obj {
	struct hc_slot slot;
	uint64_t hash;
	uint8_t kind; /* enum hc_obj_type */
	uint8_t depth;
	uint32_t n;    /* bytes of a heap entry, items of a list */
	const void *p; /* bytes, const struct obj *[], int64_t[] */
	uint64_t valid[(HC_MAX_COLS + 63) / 64];
	union {
		uint64_t v;
		struct obj *ref;
	} cell[]; /* by column */
};

struct pool {
	struct obj *v[POOL_MAX];
	uint32_t n, max;
};

#define ROW_BYTES (sizeof(struct obj) + HC_MAX_COLS * sizeof(((struct obj *)0)->cell[0]))

struct gen {
	struct obj *row; /* the row being made: an object of its own kind, for its cells */
	struct hc_gen_rng rng;
	struct hc_arena arena;
	struct pool pool[HC_OBJ_MAX];
	uint64_t now_ns;
	uint64_t next_id;
};

uint64_t hc_gen_next(struct hc_gen_rng *rng)
{
	uint64_t z = rng->s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t hc_gen_below(struct hc_gen_rng *rng, uint64_t n)
{
	return n ? hc_gen_next(rng) % n : 0;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 32;
	return (h + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xc4ceb9fe1a85ec53);
}

static uint64_t mix_bytes(uint64_t h, const void *p, uint32_t n)
{
	const uint8_t *b = p;

	h = mix(h, n);
	for (uint32_t i = 0; i < n; i++)
		h = mix(h, b[i]);
	return h;
}

#define ABSENT UINT64_C(0x5bd1e995)

/* An absent cell leaves the hash as it is, so that columns which later versions append do not change it. */
static uint64_t mix_cell(uint64_t h, unsigned col, uint64_t cell)
{
	return cell == ABSENT ? h : mix(mix(h, col), cell);
}

static uint64_t hash_heap(unsigned kind, const void *p, uint32_t n)
{
	return mix_bytes(mix(1, kind), p, n);
}

/* ---- objects ---- */

static const char *const comms[] = { "bash",    "sh",   "cat",     "sshd", "nginx",       "curl", "python3",
	                             "systemd", "cron", "dockerd", "runc", "kworker/0:1", "wget", "nc",
	                             "perl",    "ls",   "find",    "cc1",  "make" };
static const char *const dirs[] = { "/etc",       "/usr/bin",       "/usr/lib/x86_64-linux-gnu",
	                            "/tmp",       "/root/.ssh",     "/var/log",
	                            "/proc/self", "/home/user/src", "/dev",
	                            "/opt/app" };
static const char *const files[] = { "shadow", "passwd",          "ld.so.cache", "libc.so.6",
	                             "id_rsa", "authorized_keys", "bash",        "main.c",
	                             "main.o", "syslog",          "null",        "config.yaml",
	                             "a b",    "caf\xc3\xa9" };

#define PICK(g, table) (table)[hc_gen_below(&(g)->rng, sizeof(table) / sizeof((table)[0]))]

static bool chance(struct gen *g, unsigned percent)
{
	return hc_gen_below(&g->rng, 100) < percent;
}

static struct obj *obj_alloc(struct gen *g, unsigned kind, unsigned n_cols)
{
	struct obj *o = hc_arena_alloc(&g->arena, sizeof(*o) + n_cols * sizeof(o->cell[0]));

	if (!o)
		abort();
	o->kind = (uint8_t)kind;
	return o;
}

static struct obj *heap_obj(struct gen *g, unsigned kind, const void *p, uint32_t n)
{
	struct obj *o = obj_alloc(g, kind, 0);
	struct hc_str copy = hc_arena_str(&g->arena, (struct hc_str){ p, n });

	if (!copy.p)
		abort();
	o->p = copy.p;
	o->n = n;
	o->hash = hash_heap(kind, copy.p, n);
	return o;
}

static struct obj *obj_make(struct gen *g, unsigned kind, unsigned level);

/* One of the pool or, by a small chance, a new one that joins it: dictionaries keep growing as on a real node. */
static struct obj *obj_pick(struct gen *g, unsigned kind, unsigned level)
{
	struct pool *p = &g->pool[kind];
	struct obj *o;

	if (level >= 3 || !chance(g, p->n < p->max ? 20 : 1))
		return p->v[hc_gen_below(&g->rng, p->n)];
	o = obj_make(g, kind, level + 1);
	p->v[p->n < p->max ? p->n++ : hc_gen_below(&g->rng, p->n)] = o;
	return o;
}

static struct obj *make_str(struct gen *g)
{
	char buf[5000];
	int n;

	switch (hc_gen_below(&g->rng, 24)) {
	case 0: /* not text at all */
		n = (int)hc_gen_below(&g->rng, 40);
		for (int i = 0; i < n; i++)
			buf[i] = (char)hc_gen_next(&g->rng);
		break;
	case 1:
		n = 0;
		break;
	case 2:
		if (!chance(g, 5)) {
			n = snprintf(buf, sizeof(buf), "%s", PICK(g, comms));
			break;
		}
		n = 4096;
		memset(buf, 'a' + (int)hc_gen_below(&g->rng, 26), (size_t)n);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		n = snprintf(buf, sizeof(buf), "%s", PICK(g, comms));
		break;
	case 7:
	case 8:
		n = snprintf(buf, sizeof(buf), "-%c%u", 'a' + (int)hc_gen_below(&g->rng, 26),
		             (unsigned)hc_gen_below(&g->rng, 100));
		break;
	case 9:
		n = snprintf(buf, sizeof(buf), "%s/%s.%llu", PICK(g, dirs), PICK(g, files),
		             (unsigned long long)g->next_id++);
		break;
	default:
		n = snprintf(buf, sizeof(buf), "%s/%s", PICK(g, dirs), PICK(g, files));
	}
	return heap_obj(g, HC_OBJ_STR, buf, (uint32_t)n);
}

static struct obj *make_bytes(struct gen *g)
{
	static const uint8_t sizes[] = { 4, 4, 16, 32, 20, 0, 80 };
	uint8_t buf[256];
	uint32_t n = PICK(g, sizes);

	for (uint32_t i = 0; i < n; i++)
		buf[i] = (uint8_t)(chance(g, 50) ? 0 : hc_gen_next(&g->rng));
	return heap_obj(g, HC_OBJ_BYTES, buf, n);
}

static uint64_t random_int(struct gen *g, const struct hc_col_desc *c)
{
	switch (c->fmt) {
	case HC_FMT_BOOL:
		return hc_gen_below(&g->rng, 2);
	case HC_FMT_PORT:
		return chance(g, 70) ? 443 : hc_gen_below(&g->rng, 65536);
	case HC_FMT_UID:
	case HC_FMT_GID:
		return chance(g, 60) ? 0 : chance(g, 90) ? 1000 : hc_gen_below(&g->rng, UINT32_MAX);
	case HC_FMT_PID:
		return 1 + hc_gen_below(&g->rng, 40000);
	case HC_FMT_BOOT:
		return g->now_ns - hc_gen_below(&g->rng, 1000000000);
	case HC_FMT_TIME:
		return UINT64_C(1714521600000000000) + hc_gen_below(&g->rng, UINT64_C(1000000000000));
	case HC_FMT_MODE:
		return 0100000 | hc_gen_below(&g->rng, 01000);
	default:
		break;
	}
	if (strcmp(c->name, "row_flags") == 0) { /* flags that leave a row an ordinary one */
		static const uint16_t flags[] = { HC_ROW_TRUNC, HC_ROW_TOCTOU, HC_ROW_SAMPLED, HC_ROW_LATE,
			                          HC_ROW_URING };

		return chance(g, 85) ? 0 : PICK(g, flags);
	}
	if (c->kind == HC_KIND_FD)
		return chance(g, 10) ? (uint64_t)INT64_C(-100) : hc_gen_below(&g->rng, 64);
	switch (hc_gen_below(&g->rng, 16)) {
	case 0: /* the whole width */
		return hc_gen_next(&g->rng);
	case 1:
		return c->is_signed ? (uint64_t) - (int64_t)hc_gen_below(&g->rng, 200)
		                    : hc_gen_below(&g->rng, 1 << 20);
	case 2:
		return c->is_signed ? (uint64_t)INT64_MIN : UINT64_MAX;
	default:
		return hc_gen_below(&g->rng, 256);
	}
}

static struct obj *make_list(struct gen *g, unsigned kind, unsigned level)
{
	struct obj *o = obj_alloc(g, kind, 0);
	uint32_t n = (uint32_t)hc_gen_below(&g->rng, 6);

	o->n = n;
	o->hash = mix(mix(2, kind), n);
	if (kind == HC_OBJ_STRS) {
		struct obj **items = hc_arena_alloc(&g->arena, (n + 1) * sizeof(struct obj *));

		for (uint32_t i = 0; i < n; i++) {
			items[i] = obj_pick(g, HC_OBJ_STR, level);
			o->hash = mix(o->hash, items[i]->hash);
		}
		o->p = items;
	} else {
		int64_t *items = hc_arena_alloc(&g->arena, (n + 1) * sizeof(int64_t));

		for (uint32_t i = 0; i < n; i++) {
			items[i] = chance(g, 90) ? (int64_t)hc_gen_below(&g->rng, 70000)
			                         : (int64_t)hc_gen_next(&g->rng);
			o->hash = mix(o->hash, (uint64_t)items[i]);
		}
		o->p = items;
	}
	return o;
}

/* A value for a column: sets the cell and returns its hash. */
static uint64_t fill_cell(struct gen *g, const struct hc_col_desc *c, struct obj *o, unsigned col, unsigned level)
{
	/* what nearly every row has on a real node is nearly always there */
	bool often = c->ref == HC_OBJ_TASK || c->fmt == HC_FMT_PID || c->kind == HC_KIND_PATH ||
	             !strcmp(c->name, "comm");

	if (!chance(g, often ? 97 : 75))
		return ABSENT;
	if (c->ref) {
		struct obj *ref = NULL;

		for (int tries = 0; tries < 4 && (!ref || ref->depth >= MAX_DEPTH); tries++)
			ref = obj_pick(g, c->ref, level);
		if (ref->depth >= MAX_DEPTH)
			return ABSENT;
		o->cell[col].ref = ref;
		if (o->depth <= ref->depth)
			o->depth = (uint8_t)(ref->depth + 1);
		return ref->hash;
	}
	o->valid[col / 64] |= UINT64_C(1) << (col % 64);
	o->cell[col].v = random_int(g, c);
	return mix(3, o->cell[col].v);
}

static struct obj *obj_make(struct gen *g, unsigned kind, unsigned level)
{
	const struct hc_table_desc *desc;
	struct obj *o;

	if (kind == HC_OBJ_STR)
		return make_str(g);
	if (kind == HC_OBJ_BYTES)
		return make_bytes(g);
	if (kind == HC_OBJ_STRS || kind == HC_OBJ_INTS)
		return make_list(g, kind, level);
	desc = hc_obj_desc(kind);
	o = obj_alloc(g, kind, desc->n_cols);
	o->hash = mix(4, kind);
	for (unsigned col = 0; col < desc->n_cols; col++) {
		const struct hc_col_desc *c = &desc->cols[col];
		bool absent = c->ref && c->ref < HC_OBJ_STR && g->pool[c->ref].n == 0; /* the first of its kind */

		o->hash = mix_cell(o->hash, col, absent ? ABSENT : fill_cell(g, c, o, col, level));
	}
	return o;
}

/* First objects of each kind, so that every kind can be referred to. */
static void pools_init(struct gen *g)
{
	static const struct {
		uint8_t kind;
		uint16_t max, first;
	} sizes[] = {
		{ HC_OBJ_STR, 512, 200 }, { HC_OBJ_BYTES, 128, 60 }, { HC_OBJ_STRS, 128, 30 },
		{ HC_OBJ_INTS, 64, 10 },  { HC_OBJ_PATH, 256, 60 },  { HC_OBJ_FILE, 128, 30 },
		{ HC_OBJ_USER, 8, 4 },    { HC_OBJ_GROUP, 8, 4 },    { HC_OBJ_CTR, 8, 3 },
		{ HC_OBJ_PROC, 96, 4 },   { HC_OBJ_SOCK, 96, 10 },   { HC_OBJ_FDOBJ, 256, 20 },
		{ HC_OBJ_IMAGE, 48, 8 },  { HC_OBJ_TASK, 128, 10 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		g->pool[sizes[i].kind].max = sizes[i].max;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pool *p = &g->pool[sizes[i].kind];

		while (p->n < sizes[i].first) {
			p->v[p->n] = obj_make(g, sizes[i].kind, 3);
			p->n++;
		}
	}
}

static uint32_t intern(struct obj *o, struct hc_builder *b)
{
	struct hc_cells cells = { 0 };
	uint32_t ref = hc_slot_get(&o->slot, b);

	if (ref)
		return ref;
	switch (o->kind) {
	case HC_OBJ_STR:
		return hc_slot_put(&o->slot, b, hc_build_str(b, (struct hc_str){ o->p, o->n }));
	case HC_OBJ_BYTES:
		return hc_slot_put(&o->slot, b, hc_build_bytes(b, o->p, o->n));
	case HC_OBJ_STRS: {
		struct obj *const *items = o->p;
		uint32_t refs[8];

		for (uint32_t i = 0; i < o->n; i++)
			refs[i] = intern(items[i], b);
		return hc_slot_put(&o->slot, b, hc_build_strs(b, refs, o->n));
	}
	case HC_OBJ_INTS:
		return hc_slot_put(&o->slot, b, hc_build_ints(b, o->p, o->n));
	default:
		break;
	}
	const struct hc_table_desc *desc = hc_obj_desc(o->kind);

	for (unsigned col = 0; col < desc->n_cols; col++) {
		if (desc->cols[col].ref)
			cells.v[col] = o->cell[col].ref ? intern(o->cell[col].ref, b) : 0;
		else
			cells.v[col] = o->cell[col].v;
	}
	memcpy(cells.valid, o->valid, sizeof(cells.valid));
	return hc_slot_put(&o->slot, b, hc_build_obj(b, o->kind, &cells));
}

/* ---- rows ---- */

/* Shares of a busy node under `full`, in tenths of a percent; other types get what is left. */
static const struct {
	uint16_t type, share;
} node_mix[] = {
	{ HC_EV_READ, 230 },    { HC_EV_WRITE, 120 },   { HC_EV_OPENAT, 140 },  { HC_EV_CLOSE, 140 },
	{ HC_EV_MMAP, 60 },     { HC_EV_MPROTECT, 25 }, { HC_EV_LSEEK, 40 },    { HC_EV_FCNTL, 20 },
	{ HC_EV_SYS, 150 },     { HC_EV_PROC_FORK, 4 }, { HC_EV_PROC_EXEC, 4 }, { HC_EV_PROC_EXIT, 4 },
	{ HC_EV_CONNECT, 6 },   { HC_EV_SENDTO, 15 },   { HC_EV_RECVFROM, 15 }, { HC_EV_SOCKET, 6 },
	{ HC_EV_TCP_STATE, 6 }, { HC_EV_UNLINK, 3 },    { HC_EV_PIPE2, 4 },
};

struct types {
	uint16_t v[1024];
	unsigned n;
};

static void types_init(struct types *t, const struct hc_gen_opts *opts)
{
	bool all = true;

	for (unsigned i = 0; i < HC_EV_MAX / 64; i++)
		all &= opts->types.w[i] == 0;
	if (opts->mix == HC_GEN_NODE) {
		for (size_t i = 0; i < sizeof(node_mix) / sizeof(node_mix[0]); i++) {
			for (unsigned k = 0; k < node_mix[i].share; k += 2) {
				if (all || hc_type_set_has(&opts->types, node_mix[i].type))
					t->v[t->n++] = node_mix[i].type;
			}
		}
		return;
	}
	for (unsigned type = 1; type < HC_EV_MAX; type++) {
		if (hc_event_desc(type) && (all || hc_type_set_has(&opts->types, type)))
			t->v[t->n++] = (uint16_t)type;
	}
}

static uint64_t row_hash_begin(unsigned type, uint64_t seq, uint64_t ts_ns, unsigned cpu)
{
	return mix(mix(mix(mix(5, type), seq), ts_ns), cpu);
}

static int add_row(struct gen *g, struct hc_writer *w, unsigned type, struct hc_gen_result *res, bool hashes,
                   struct hc_err *err)
{
	static const uint16_t lost_cols[] = { HC_C_META_GAP_count };
	const struct hc_table_desc *desc = hc_event_desc(type);
	struct hc_builder *b = hc_writer_begin(w, type, g->now_ns, err);
	struct hc_row_head head = { .type = (uint16_t)type,
		                    .cpu = (uint16_t)hc_gen_below(&g->rng, 4),
		                    .ts_ns = g->now_ns };
	uint64_t hash[HC_MAX_COLS], h;
	struct hc_cells cells = { 0 };
	struct obj *row;
	uint64_t idx = res->n_rows;
	int r;

	if (!b)
		return err && err->code ? err->code : -EIO;
	row = g->row;
	memset(row, 0, ROW_BYTES);
	for (unsigned col = 0; col < desc->n_cols; col++) {
		const struct hc_col_desc *c = &desc->cols[col];

		if (type == HC_EV_META_GAP && col == lost_cols[0]) { /* sums must not overflow */
			hc_cell_set(&cells, col, 1 + hc_gen_below(&g->rng, 1000));
			res->n_lost += cells.v[col];
			hash[col] = mix(3, cells.v[col]);
			continue;
		}
		hash[col] = fill_cell(g, c, row, col, 0);
		if (c->ref)
			cells.v[col] = hash[col] != ABSENT ? intern(row->cell[col].ref, b) : 0;
		else if (hash[col] != ABSENT)
			hc_cell_set(&cells, col, row->cell[col].v);
	}
	r = hc_writer_row(w, &head, &cells, err);
	if (r < 0)
		return r;
	if (idx == 0)
		res->first_seq = head.seq;
	if (head.seq != res->first_seq + idx)
		return hc_err_set(err, -EINVAL, "row %llu got the number %llu", (unsigned long long)idx,
		                  (unsigned long long)head.seq);
	res->n_rows++;
	res->rows_by_type[type]++;
	if (!hashes)
		return 0;
	h = row_hash_begin(type, head.seq, head.ts_ns, head.cpu);
	for (unsigned col = 0; col < desc->n_cols; col++)
		h = mix_cell(h, col, hash[col]);
	res->hash[idx] = h;
	return 0;
}

static int rows(struct gen *g, struct hc_writer *w, const struct hc_gen_opts *opts, struct hc_gen_result *res,
                struct hc_err *err)
{
	uint64_t n = opts->n_rows ? opts->n_rows : 1000, step = opts->step_ns ? opts->step_ns : 1000000;
	struct types *types = calloc(1, sizeof(*types));
	int r = 0;

	if (!types)
		return -ENOMEM;
	types_init(types, opts);
	for (uint64_t i = 0; i < n && r >= 0; i++) {
		unsigned type = types->v[opts->each && i < types->n ? i : hc_gen_below(&g->rng, types->n)];

		r = add_row(g, w, type, res, !opts->no_hashes, err);
		if (r >= 0 && opts->flush_rows && (i + 1) % opts->flush_rows == 0)
			r = hc_writer_flush(w, err);
		g->now_ns += hc_gen_below(&g->rng, 2 * step);
	}
	free(types);
	return r;
}

static int take_block(void *ctx, const char *seg_path, const struct hc_seg_header *seg,
                      const struct hc_seg_block *block, struct hc_err *err)
{
	struct hc_index_writer **iw = ctx; /* opened after the writer, which makes the directory */

	return hc_index_writer_block(*iw, seg_path, seg, block, err);
}

int hc_gen_capture(const char *dir, const struct hc_gen_opts *opts, struct hc_gen_result *ret, struct hc_err *err)
{
	static const uint8_t capture_id[16] = { 0xc0, 1, 2, 3 },
			     boot_id[16] = { 0xb0, 1, 2, 3, 4, 5, 0x46, 7, 0x88 };
	struct hc_writer_opts wo = opts->writer;
	struct gen *g = calloc(1, sizeof(*g));
	struct hc_gen_result res = { 0 };
	struct hc_writer *w = NULL;
	struct hc_index_writer *iw = NULL;
	static const uint8_t zero[16];
	int r = -ENOMEM;

	if (!g)
		return -ENOMEM;
	g->rng.s = opts->seed;
	g->now_ns = opts->start_ns ? opts->start_ns : UINT64_C(3600000000000);
	g->row = hc_arena_alloc(&g->arena, ROW_BYTES);
	if (!g->row)
		goto out;
	pools_init(g);
	wo.dir = dir;
	wo.node = wo.node ? wo.node : "gen";
	wo.tool = wo.tool ? wo.tool : "hindcast 0.1.0";
	wo.next_seq = wo.next_seq ? wo.next_seq : 1;
	for (unsigned s = 0; s < HC_N_STREAMS; s++)
		wo.next_number[s] = wo.next_number[s] ? wo.next_number[s] : 1;
	if (!memcmp(wo.capture_id, zero, 16))
		memcpy(wo.capture_id, capture_id, 16);
	if (!memcmp(wo.boot_id, zero, 16))
		memcpy(wo.boot_id, boot_id, 16);
	if (!opts->no_hashes) {
		res.hash = calloc(opts->n_rows ? opts->n_rows : 1000, sizeof(*res.hash));
		if (!res.hash)
			goto out;
	}
	if (opts->index) {
		wo.on_block = take_block;
		wo.ctx = &iw;
	}
	r = hc_writer_open(&wo, &w, err);
	if (r >= 0 && opts->index)
		r = hc_index_writer_open(dir, &iw, err);
	if (r < 0)
		goto out;
	hc_writer_set_wall_offset(w, opts->wall_offset_ns ? opts->wall_offset_ns : INT64_C(1714521600000000000));
	r = rows(g, w, opts, &res, err);
	if (r >= 0 && !opts->abort) {
		r = hc_writer_flush(w, err);
		res.bytes = hc_writer_stats(w)->bytes;
		if (r >= 0) {
			r = hc_writer_close(w, err);
			w = NULL;
			if (r >= 0 && iw) {
				r = hc_index_writer_close(iw, err);
				iw = NULL;
			}
		}
	} else if (r >= 0) {
		res.bytes = hc_writer_stats(w)->bytes;
	}
out:
	hc_index_writer_abort(iw);
	hc_writer_abort(w);
	hc_arena_done(&g->arena);
	free(g);
	if (r < 0) {
		hc_gen_result_done(&res);
		return r;
	}
	*ret = res;
	return 0;
}

void hc_gen_result_done(struct hc_gen_result *r)
{
	free(r->hash);
	*r = (struct hc_gen_result){ 0 };
}

/* ---- reading back ---- */

/* A column of a table as decoded. */
struct column {
	struct hc_refs refs;
	struct hc_ints ints;
};

struct reader {
	struct hc_block *b;
	struct hc_heap heap[2];   /* strings, bytes */
	struct hc_lists lists[2]; /* strings, integers */
	struct column *cols[HC_OBJ_MAX];
	uint64_t *hash[HC_OBJ_MAX]; /* per entry; 0 unknown, 1 being made */
	struct hc_err *err;
};

static int load_obj(struct reader *rd, unsigned kind)
{
	const struct hc_table_desc *desc = hc_obj_desc(kind);
	int r = 0;

	rd->hash[kind] = calloc((size_t)hc_block_n_entries(rd->b, kind) + 1, sizeof(uint64_t));
	if (!rd->hash[kind])
		return -ENOMEM;
	if (!desc || kind >= HC_OBJ_STR)
		return 0;
	rd->cols[kind] = calloc(desc->n_cols, sizeof(*rd->cols[kind]));
	if (!rd->cols[kind])
		return -ENOMEM;
	for (unsigned col = 0; col < desc->n_cols && r >= 0; col++) {
		struct column *c = &rd->cols[kind][col];

		r = desc->cols[col].ref ? hc_block_obj_refs(rd->b, kind, col, &c->refs, rd->err)
		                        : hc_block_obj_ints(rd->b, kind, col, &c->ints, rd->err);
	}
	return r;
}

static uint64_t entry_hash(struct reader *rd, unsigned kind, uint32_t ref);

static uint64_t cell_hash(struct reader *rd, const struct hc_col_desc *desc, const struct column *c, uint32_t row)
{
	if (desc->ref)
		return c->refs.v[row] ? entry_hash(rd, desc->ref, c->refs.v[row]) : ABSENT;
	return hc_ints_valid(&c->ints, row) ? mix(3, (uint64_t)c->ints.v[row]) : ABSENT;
}

static uint64_t entry_hash(struct reader *rd, unsigned kind, uint32_t ref)
{
	uint64_t h = rd->hash[kind][ref];

	if (h)
		return h;
	rd->hash[kind][ref] = 1; /* a cycle ends here */
	if (kind == HC_OBJ_STR || kind == HC_OBJ_BYTES) {
		struct hc_str s = hc_heap_get(&rd->heap[kind == HC_OBJ_BYTES], ref);

		h = hash_heap(kind, s.p, s.len);
	} else if (kind == HC_OBJ_STRS || kind == HC_OBJ_INTS) {
		const struct hc_lists *l = &rd->lists[kind == HC_OBJ_INTS];
		uint32_t from = l->first[ref - 1], to = l->first[ref];

		h = mix(mix(2, kind), to - from);
		for (uint32_t i = from; i < to; i++)
			h = mix(h, kind == HC_OBJ_INTS
			                   ? (uint64_t)l->ints[i]
			                   : (l->refs[i] ? entry_hash(rd, HC_OBJ_STR, l->refs[i]) : ABSENT));
	} else {
		const struct hc_table_desc *desc = hc_obj_desc(kind);

		h = mix(4, kind);
		for (unsigned col = 0; col < desc->n_cols; col++)
			h = mix_cell(h, col, cell_hash(rd, &desc->cols[col], &rd->cols[kind][col], ref - 1));
	}
	rd->hash[kind][ref] = h;
	return h;
}

static int hash_type(struct reader *rd, const struct hc_rows *all, unsigned type, uint64_t *ret_hash)
{
	const struct hc_table_desc *desc = hc_event_desc(type);
	struct column cols[HC_MAX_COLS] = { 0 };
	int r = 0;

	for (unsigned col = 0; col < desc->n_cols && r >= 0; col++)
		r = desc->cols[col].ref ? hc_block_event_refs(rd->b, type, col, &cols[col].refs, rd->err)
		                        : hc_block_event_ints(rd->b, type, col, &cols[col].ints, rd->err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < all->n; i++) {
		uint64_t h;

		if (all->type[i] != type)
			continue;
		h = row_hash_begin(type, all->seq[i], all->ts_ns[i], all->cpu[i]);
		for (unsigned col = 0; col < desc->n_cols; col++)
			h = mix_cell(h, col, cell_hash(rd, &desc->cols[col], &cols[col], all->pos[i]));
		ret_hash[i] = h;
	}
	return 0;
}

int hc_gen_block_hashes(struct hc_block *b, uint64_t *ret_hash, struct hc_err *err)
{
	struct reader rd = { .b = b, .err = err };
	struct hc_rows all;
	int r = hc_block_rows(b, &all, err);

	if (r >= 0)
		r = hc_block_heap(b, HC_OBJ_STR, &rd.heap[0], err);
	if (r >= 0)
		r = hc_block_heap(b, HC_OBJ_BYTES, &rd.heap[1], err);
	if (r >= 0)
		r = hc_block_lists(b, HC_OBJ_STRS, &rd.lists[0], err);
	if (r >= 0)
		r = hc_block_lists(b, HC_OBJ_INTS, &rd.lists[1], err);
	for (unsigned kind = 1; kind < HC_OBJ_MAX && r >= 0; kind++)
		r = load_obj(&rd, kind);
	for (unsigned type = 1; type < HC_EV_MAX && r >= 0; type++) {
		if (hc_event_desc(type) && hc_block_n_rows(b, type))
			r = hash_type(&rd, &all, type, ret_hash);
	}
	for (unsigned kind = 0; kind < HC_OBJ_MAX; kind++) {
		free(rd.cols[kind]);
		free(rd.hash[kind]);
	}
	return r;
}

/* ---- scratch ---- */

char *hc_gen_tmpdir(void)
{
	const char *base = getenv("TMPDIR");
	char *name = NULL;

	if (asprintf(&name, "%s/hindcast-test-XXXXXX", base && *base ? base : "/tmp") < 0 || !mkdtemp(name))
		abort();
	return name;
}

static int rm_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void hc_gen_rm(const char *dir)
{
	if (dir)
		nftw(dir, rm_one, 16, FTW_DEPTH | FTW_PHYS);
}
