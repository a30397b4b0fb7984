/* Blocks and segments: what is written is what is read, and no damaged byte goes unnoticed or does harm. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "store/block.h"
#include "store/segment.h"
#include "store/writer.h"

struct rng {
	uint64_t s;
};

static uint64_t rnd(struct rng *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return r->s;
}

/* Numbers of every shape: constants, runs, small, wide, negative. */
static uint64_t shaped(struct rng *r, unsigned shape, uint32_t i)
{
	switch (shape % 7) {
	case 0:
		return 42;
	case 1:
		return i * 3u;
	case 2:
		return rnd(r) % 3;
	case 3:
		return rnd(r);
	case 4:
		return (uint64_t) - (int64_t)(rnd(r) % 1000);
	case 5:
		return UINT64_C(1700000000000000000) + i * 1000u + rnd(r) % 900;
	default:
		return rnd(r) % 100000;
	}
}

enum { N_TEXTS = 50, N_MODEL = 6000 };

/* A model of what was pushed, kept the obvious way. */
struct model_row {
	unsigned type;
	uint64_t seq, ts;
	uint16_t cpu;
	struct hc_cells cells;
};

struct model {
	struct model_row *rows;
	uint32_t n;
	char dir[64], seg[HC_N_STREAMS][512];
};

static struct hc_str text(char *buf, size_t room, unsigned i)
{
	int n = i == 0 ? 0 : snprintf(buf, room, "/usr/lib/some%u/text-%u", i % 7, i);

	return (struct hc_str){ buf, (uint32_t)n };
}

static int note_path(void *ctx, const char *path, const struct hc_seg_header *seg,
                     const struct hc_seg_block *block, struct hc_err *err)
{
	struct model *m = ctx;

	(void)block;
	(void)err;
	if (!m->seg[seg->stream][0])
		snprintf(m->seg[seg->stream], sizeof(m->seg[0]), "%s", path);
	return 0;
}

/* Random rows of some types; references are remembered as the number of the text, list or object they stand for.
 */
static void write_model(struct model *m, uint64_t seed, uint32_t n_rows)
{
	static const unsigned types[] = { HC_EV_OPENAT,   HC_EV_PROC_EXEC, HC_EV_READ, HC_EV_FORK,
		                          HC_EV_META_GAP, HC_EV_CONNECT,   HC_EV_SYS };
	struct rng r = { seed | 1 };
	struct hc_writer_opts opts = {
		.dir = m->dir, .node = "no/de", .tool = "test", .on_block = note_path, .ctx = m
	};
	struct hc_writer *w = NULL;
	struct hc_err err = { 0 };
	unsigned shape[HC_EV_MAX];

	snprintf(m->dir, sizeof(m->dir), "/tmp/hc-block-test-XXXXXX");
	cr_assert(mkdtemp(m->dir));
	memset(opts.boot_id, 0xab, 16);
	cr_assert_eq(hc_writer_open(&opts, &w, &err), 0, "%s", err.msg);
	hc_writer_set_wall_offset(w, 1234567);
	m->rows = calloc(n_rows, sizeof(*m->rows));
	m->n = n_rows;
	for (unsigned i = 0; i < HC_EV_MAX; i++)
		shape[i] = (unsigned)(rnd(&r) % 1000);
	for (uint32_t i = 0; i < n_rows; i++) {
		struct model_row *row = &m->rows[i];
		const struct hc_table_desc *d;
		struct hc_builder *b;
		struct hc_cells own = { 0 }, *cells = &own;
		struct hc_row_head head;

		row->type = types[rnd(&r) % (sizeof(types) / sizeof(types[0]))];
		row->ts = 1000000 + i * 700u + rnd(&r) % 500;
		row->cpu = (uint16_t)(rnd(&r) % 2);
		d = hc_event_desc(row->type);
		b = hc_writer_begin(w, row->type, row->ts, &err);
		cr_assert(b, "%s", err.msg);
		if (i % 2)
			cells = hc_build_cells(b, row->type); /* in their place */
		cr_assert_not_null(cells);
		for (unsigned c = 0; c < d->n_cols; c++) {
			char buf[64];

			if (d->cols[c].ref == HC_OBJ_NONE) {
				if ((shape[row->type] + c) % 5 == 0 && rnd(&r) % 3 == 0)
					continue; /* absent */
				hc_cell_set(&row->cells, c, shaped(&r, shape[row->type] + c, i));
				hc_cell_set(cells, c, row->cells.v[c]);
			} else if (d->cols[c].ref == HC_OBJ_STR || d->cols[c].ref == HC_OBJ_BYTES) {
				row->cells.v[c] = rnd(&r) % N_TEXTS; /* 0: absent; else text of that number - 1 */
				if (!row->cells.v[c])
					continue;
				struct hc_str s = text(buf, sizeof(buf), (unsigned)row->cells.v[c] - 1);

				cells->v[c] = d->cols[c].ref == HC_OBJ_STR ? hc_build_str(b, s)
				                                           : hc_build_bytes(b, s.p, s.len);
			} else if (d->cols[c].ref == HC_OBJ_PATH) {
				struct hc_cells path = { 0 };
				unsigned k = (unsigned)(rnd(&r) % N_TEXTS);

				row->cells.v[c] = k;
				path.v[HC_O_PATH_given] = hc_build_str(b, text(buf, sizeof(buf), k));
				path.v[HC_O_PATH_abs] = k % 4 ? path.v[HC_O_PATH_given] : 0;
				path.v[HC_O_PATH_real] =
					k % 3 ? path.v[HC_O_PATH_given] : hc_build_str(b, HC_STR("/else"));
				hc_cell_set(&path, HC_O_PATH_prov, k % 8);
				/* with a search for an equal one, and in some blocks from some row on without */
				cells->v[c] =
					(rnd(&r) % 64 ? hc_build_obj : hc_build_obj_new)(b, HC_OBJ_PATH, &path);
			} else if (d->cols[c].ref == HC_OBJ_FDOBJ) {
				struct hc_cells *fd = hc_build_obj_cells(b, HC_OBJ_FDOBJ); /* in their place */

				cr_assert_not_null(fd);
				row->cells.v[c] = i + c;
				hc_cell_set(fd, HC_O_FDOBJ_id,
				            (i + c) * (i % 3 ? UINT64_C(1) : UINT64_C(1) << 33));
				if (i % 5)
					hc_cell_set(fd, HC_O_FDOBJ_f_flags, i % 7);
				cells->v[c] = hc_build_obj_new(b, HC_OBJ_FDOBJ, fd);
			} else if (d->cols[c].ref == HC_OBJ_PROC) {
				struct hc_cells proc = { 0 };
				uint32_t parent = 0;
				unsigned depth = (unsigned)(rnd(&r) % 5);

				row->cells.v[c] = depth;
				for (unsigned k = 0; k <= depth; k++) {
					hc_cell_set(&proc, HC_O_PROC_pid, 100 + k);
					proc.v[HC_O_PROC_parent] = parent;
					parent = hc_build_obj(b, HC_OBJ_PROC, &proc);
				}
				cells->v[c] = parent;
			} else if (d->cols[c].ref == HC_OBJ_STRS) {
				uint32_t items[300];
				unsigned n = (unsigned)(rnd(&r) % 70);

				row->cells.v[c] = n;
				for (unsigned k = 0; k < n; k++)
					items[k] = hc_build_str(b, text(buf, sizeof(buf), k % N_TEXTS));
				cells->v[c] = hc_build_strs(b, items, n);
			}
		}
		head = (struct hc_row_head){ .type = (uint16_t)row->type, .cpu = row->cpu, .ts_ns = row->ts };
		cr_assert_eq(hc_writer_row(w, &head, cells, &err), 0, "%s", err.msg);
		row->seq = head.seq;
		if (rnd(&r) % 2000 == 0)
			cr_assert_eq(hc_writer_flush(w, &err), 0);
	}
	cr_assert_eq(hc_writer_close(w, &err), 0, "%s", err.msg);
}

static void drop_model(struct model *m)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", m->dir);
	cr_assert_eq(system(cmd), 0);
	free(m->rows);
}

static void expect_text(struct hc_str got, uint64_t number)
{
	char buf[64];

	cr_assert(hc_str_eq(got, text(buf, sizeof(buf), (unsigned)number)), "got '" HC_STR_FMT "' for %llu",
	          HC_STR_ARG(got), (unsigned long long)number);
}

static void compare_row(struct hc_block *b, const struct model_row *want, uint32_t pos)
{
	const struct hc_table_desc *d = hc_event_desc(want->type);
	struct hc_err err = { 0 };

	for (unsigned c = 0; c < d->n_cols; c++) {
		unsigned ref = d->cols[c].ref;
		struct hc_ints ints;
		struct hc_refs refs, sub;
		struct hc_heap heap;

		if (ref == HC_OBJ_NONE) {
			bool valid = want->cells.valid[c / 64] >> (c % 64) & 1;

			cr_assert_eq(hc_block_event_ints(b, want->type, c, &ints, &err), 0, "%s", err.msg);
			cr_assert_eq(hc_ints_valid(&ints, pos), valid, "%s.%s", d->name, d->cols[c].name);
			cr_assert_eq((uint64_t)ints.v[pos], valid ? want->cells.v[c] : 0, "%s.%s", d->name,
			             d->cols[c].name);
			continue;
		}
		cr_assert_eq(hc_block_event_refs(b, want->type, c, &refs, &err), 0, "%s", err.msg);
		if (ref == HC_OBJ_STR || ref == HC_OBJ_BYTES) {
			cr_assert_eq(hc_block_heap(b, ref, &heap, &err), 0);
			cr_assert_eq(refs.v[pos] == 0, want->cells.v[c] == 0);
			if (refs.v[pos])
				expect_text(hc_heap_get(&heap, refs.v[pos]), want->cells.v[c] - 1);
		} else if (ref == HC_OBJ_PATH) {
			uint32_t p = refs.v[pos] - 1, given;

			cr_assert(refs.v[pos]);
			cr_assert_eq(hc_block_heap(b, HC_OBJ_STR, &heap, &err), 0);
			cr_assert_eq(hc_block_obj_refs(b, HC_OBJ_PATH, HC_O_PATH_given, &sub, &err), 0);
			given = sub.v[p];
			expect_text(hc_heap_get(&heap, given), want->cells.v[c]);
			cr_assert_eq(hc_block_obj_refs(b, HC_OBJ_PATH, HC_O_PATH_abs, &sub, &err), 0);
			cr_assert_eq(sub.v[p], want->cells.v[c] % 4 ? given : 0);
			cr_assert_eq(hc_block_obj_refs(b, HC_OBJ_PATH, HC_O_PATH_real, &sub, &err), 0);
			if (want->cells.v[c] % 3)
				cr_assert_eq(sub.v[p], given);
			else
				cr_assert(hc_str_eq(hc_heap_get(&heap, sub.v[p]), HC_STR("/else")));
			cr_assert_eq(hc_block_obj_refs(b, HC_OBJ_PATH, HC_O_PATH_fsrel, &sub, &err), 0);
			cr_assert_eq(sub.v[p], 0);
		} else if (ref == HC_OBJ_FDOBJ) {
			uint32_t p = refs.v[pos] - 1;
			uint64_t i = want->cells.v[c] - c;

			cr_assert(refs.v[pos]);
			cr_assert_eq(hc_block_obj_ints(b, HC_OBJ_FDOBJ, HC_O_FDOBJ_id, &ints, &err), 0);
			cr_assert_eq((uint64_t)ints.v[p], (i + c) << (i % 3 ? 0 : 33));
			cr_assert_eq(hc_block_obj_ints(b, HC_OBJ_FDOBJ, HC_O_FDOBJ_f_flags, &ints, &err), 0);
			cr_assert_eq(hc_ints_valid(&ints, p), i % 5 != 0);
			cr_assert_eq(ints.v[p], i % 5 ? (int64_t)(i % 7) : 0);
		} else if (ref == HC_OBJ_PROC) {
			uint32_t p = refs.v[pos];

			cr_assert_eq(hc_block_obj_ints(b, HC_OBJ_PROC, HC_O_PROC_pid, &ints, &err), 0);
			cr_assert_eq(hc_block_obj_refs(b, HC_OBJ_PROC, HC_O_PROC_parent, &sub, &err), 0);
			for (int64_t pid = 100 + (int64_t)want->cells.v[c]; pid >= 100; pid--) {
				cr_assert(p);
				cr_assert_eq(ints.v[p - 1], pid);
				p = sub.v[p - 1];
			}
			cr_assert_eq(p, 0);
		} else if (ref == HC_OBJ_STRS) {
			struct hc_lists l;
			uint32_t p = refs.v[pos];

			cr_assert_eq(hc_block_lists(b, HC_OBJ_STRS, &l, &err), 0);
			cr_assert_eq(l.first[p] - l.first[p - 1], want->cells.v[c]);
			cr_assert_eq(hc_block_heap(b, HC_OBJ_STR, &heap, &err), 0);
			for (uint32_t k = 0; k < want->cells.v[c]; k++)
				expect_text(hc_heap_get(&heap, l.refs[l.first[p - 1] + k]), k % N_TEXTS);
		}
	}
}

static uint32_t compare_segment(const struct model *m, enum hc_stream stream)
{
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	struct hc_err err = { 0 };
	int fd = open(m->seg[stream], O_RDONLY | O_CLOEXEC);
	uint32_t n_seen = 0;

	cr_assert_eq(hc_seg_load(fd, 0, UINT64_MAX, m->seg[stream], &seg, &err), 0, "%s", err.msg);
	cr_assert_eq(seg->state, HC_SEG_SEALED);
	cr_assert_eq(seg->n_damage, 0);
	cr_assert_str_eq(seg->header.node, "no_de");
	for (uint32_t i = 0; i < seg->n_blocks; i++) {
		HC_AUTO(hc_block_close) struct hc_block *b = NULL;
		struct hc_rows rows;

		cr_assert_eq(hc_block_open(fd, (off_t)seg->blocks[i].off, "seg", &b, &err), 0, "%s", err.msg);
		cr_assert_eq(hc_block_info(b)->wall_offset_ns, 1234567);
		cr_assert_eq(hc_block_rows(b, &rows, &err), 0, "%s", err.msg);
		for (uint32_t k = 0; k < rows.n; k++) {
			const struct model_row *want = &m->rows[rows.seq[k] - 1];

			cr_assert_eq(want->type, rows.type[k]);
			cr_assert_eq(want->ts, rows.ts_ns[k]);
			cr_assert_eq(want->cpu, rows.cpu[k]);
			cr_assert_eq(hc_event_desc(want->type)->stream, stream);
			compare_row(b, want, rows.pos[k]);
		}
		cr_assert_eq(hc_block_check(b, &err), 0, "%s", err.msg);
		n_seen += rows.n;
	}
	close(fd);
	return n_seen;
}

Test(block, reads_back_what_was_written)
{
	for (uint64_t seed = 1; seed < 4; seed++) {
		struct model m = { 0 };

		write_model(&m, seed * 0x9e3779b97f4a7c15u, N_MODEL);
		cr_assert_eq(compare_segment(&m, HC_STREAM_SECURITY) + compare_segment(&m, HC_STREAM_BULK),
		             N_MODEL);
		drop_model(&m);
	}
}

static uint8_t *slurp(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *p;

	cr_assert(f);
	cr_assert_eq(fstat(fileno(f), &st), 0);
	p = malloc((size_t)st.st_size + 1);
	cr_assert_eq(fread(p, 1, (size_t)st.st_size, f), (size_t)st.st_size);
	fclose(f);
	*ret_n = (size_t)st.st_size;
	return p;
}

static int temp_with(const uint8_t *p, size_t n)
{
	char path[] = "/tmp/hc-block-test-fileXXXXXX";
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	unlink(path);
	cr_assert_eq(write(fd, p, n), (ssize_t)n);
	return fd;
}

Test(segment, is_a_valid_zstd_file)
{
	struct model m = { 0 };
	char cmd[600];

	write_model(&m, 77, 500);
	snprintf(cmd, sizeof(cmd), "zstd -tq %s", m.seg[0]);
	if (system("command -v zstd >/dev/null") == 0) {
		cr_assert_eq(system(cmd), 0);
	} else { /* the library instead of the tool */
		size_t n, at = 0;
		uint8_t *p = slurp(m.seg[0], &n);

		while (at < n) {
			size_t len = ZSTD_findFrameCompressedSize(p + at, n - at);

			cr_assert(!ZSTD_isError(len), "at %zu", at);
			at += len;
		}
		cr_assert_eq(at, n);
		free(p);
	}
	drop_model(&m);
}

Test(segment, cut_at_any_length_keeps_all_whole_blocks)
{
	struct model m = { 0 };
	size_t n, last_rows = 0;
	uint8_t *p;

	write_model(&m, 5, 800);
	p = slurp(m.seg[HC_STREAM_BULK], &n);
	for (size_t len = 0; len <= n; len += len < 400 || len > n - 300 ? 1 : 61) {
		HC_AUTO(hc_seg_free) struct hc_seg *s = NULL;
		struct hc_err err = { 0 };
		int fd = temp_with(p, len), r = hc_seg_load(fd, 0, UINT64_MAX, "cut", &s, &err);
		size_t rows = 0;

		if (r < 0) {
			cr_assert_eq(r, -EBADMSG, "%s", err.msg);
			cr_assert_lt(len, 200);
		} else {
			uint64_t covered = 0;

			for (uint32_t i = 0; i < s->n_blocks; i++) {
				rows += s->blocks[i].info.n_rows;
				covered = s->blocks[i].off + s->blocks[i].info.bytes;
			}
			cr_assert_geq(rows, last_rows, "a longer file never gives less");
			last_rows = rows;
			if (len == n)
				cr_assert_eq(s->state, HC_SEG_SEALED);
			else if (covered && covered < len)
				cr_assert(s->n_damage == 1 && s->state == HC_SEG_TORN,
				          "what is cut is reported, at %zu", len);
		}
		close(fd);
	}
	free(p);
	drop_model(&m);
}

Test(segment, any_flipped_bit_is_noticed_and_the_rest_is_read)
{
	struct model m = { 0 };
	struct rng r = { 99 };
	size_t n;
	uint8_t *p;

	write_model(&m, 11, 3000);
	p = slurp(m.seg[HC_STREAM_BULK], &n);
	for (unsigned k = 0; k < 400; k++) {
		HC_AUTO(hc_seg_free) struct hc_seg *s = NULL;
		struct hc_err err = { 0 };
		size_t at = rnd(&r) % n;
		uint8_t bit = (uint8_t)(1u << rnd(&r) % 8);
		bool noticed;
		int fd, q;

		p[at] ^= bit;
		fd = temp_with(p, n);
		q = hc_seg_walk(fd, 0, UINT64_MAX, "flipped", true, &s, &err);
		noticed = q < 0;
		if (q == 0) {
			noticed = s->n_damage > 0 || s->state != HC_SEG_SEALED;
			for (uint32_t i = 0; i < s->n_blocks; i++) {
				HC_AUTO(hc_block_close) struct hc_block *b = NULL;

				err = (struct hc_err){ 0 };
				if (hc_block_open(fd, (off_t)s->blocks[i].off, "flipped", &b, &err) < 0 ||
				    hc_block_check(b, &err) < 0)
					noticed = true;
			}
		}
		cr_assert(noticed, "bit %u of byte %zu of %zu", bit, at, n);
		close(fd);
		p[at] ^= bit;
	}
	free(p);
	drop_model(&m);
}

Test(segment, of_a_newer_format_is_refused_with_the_remedy)
{
	struct model m = { 0 };
	struct hc_err err = { 0 };
	struct hc_seg *s = NULL;
	size_t n;
	uint8_t *p;
	int fd;

	write_model(&m, 3, 50);
	p = slurp(m.seg[0], &n);
	p[8 + 4] = 2;
	fd = temp_with(p, n);
	cr_assert_eq(hc_seg_load(fd, 0, UINT64_MAX, "new", &s, &err), -ENOTSUP);
	cr_assert(strstr(err.msg, "newer hindcast"));
	close(fd);
	free(p);
	drop_model(&m);
}

Test(block, may_not_have_what_it_does_not_have)
{
	struct model m = { 0 };
	struct hc_err err = { 0 };
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	unsigned n_false = 0;
	int fd;

	write_model(&m, 21, 2000);
	fd = open(m.seg[0], O_RDONLY | O_CLOEXEC);
	cr_assert_eq(hc_seg_load(fd, 0, UINT64_MAX, "s", &seg, &err), 0);
	for (uint32_t i = 0; i < seg->n_blocks; i++) {
		HC_AUTO(hc_block_close) struct hc_block *b = NULL;
		struct hc_heap heap;
		char buf[64];

		cr_assert_eq(hc_block_open(fd, (off_t)seg->blocks[i].off, "s", &b, &err), 0);
		cr_assert_eq(hc_block_heap(b, HC_OBJ_STR, &heap, &err), 0);
		for (uint32_t k = 1; k <= heap.n; k++)
			cr_assert(hc_block_may_have_str(b, hc_heap_get(&heap, k)));
		for (unsigned k = 0; k < 500; k++)
			n_false += hc_block_may_have_str(
				b, (struct hc_str){ buf, (uint32_t)snprintf(buf, sizeof(buf), "/absent/%u", k) });
	}
	cr_assert_lt(n_false, 500 * seg->n_blocks / 20, "%u of %u", n_false, 500 * seg->n_blocks);
	close(fd);
	drop_model(&m);
}
