/*
 * subset PID IN OUT: copies the rows of one process and all that descends from it into a new capture, with what
 * they refer to and nothing else: no other process, no name of the machine beyond its host name. For captures that
 * are shipped; evidence is whole segments (hindcast export --bundle).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/block.h"
#include "store/capture.h"
#include "store/writer.h"

struct subset {
	int64_t pid;
	struct hc_writer *w;
	struct hc_builder *b; /* of the row being copied */
	struct hc_block *from;
	uint32_t *memo[HC_OBJ_MAX][HC_N_STREAMS]; /* by entry of `from`: the copy's reference */
	uint32_t epoch[HC_N_STREAMS];             /* of the memos */
	bool *busy[HC_OBJ_MAX];                   /* being copied: a circle ends here */
	uint64_t n_kept, n_left_out;
};

struct place {
	uint64_t seq;
	uint32_t block, row;
};

static void die(const struct hc_err *err)
{
	char text[1024];

	fprintf(stderr, "subset: %s\n", hc_err_text(err, text, sizeof(text)));
	exit(1);
}

static void *zalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort();
	return p;
}

/* Whether the process is the one asked for or below it, as far as its chain of parents tells. */
static bool is_ours(struct subset *s, uint32_t proc)
{
	struct hc_refs parent;
	struct hc_ints pid;
	struct hc_err err = { 0 };

	if (hc_block_obj_refs(s->from, HC_OBJ_PROC, HC_O_PROC_parent, &parent, &err) < 0 ||
	    hc_block_obj_ints(s->from, HC_OBJ_PROC, HC_O_PROC_pid, &pid, &err) < 0)
		die(&err);
	for (; proc; proc = parent.v[proc - 1]) {
		if (pid.v[proc - 1] == s->pid)
			return true;
	}
	return false;
}

static uint32_t copy(struct subset *s, unsigned obj, uint32_t ref);

static uint32_t copy_list(struct subset *s, unsigned obj, uint32_t ref)
{
	struct hc_lists l;
	struct hc_err err = { 0 };
	uint32_t n, *refs, got;

	if (hc_block_lists(s->from, obj, &l, &err) < 0)
		die(&err);
	n = l.first[ref] - l.first[ref - 1];
	if (obj == HC_OBJ_INTS)
		return hc_build_ints(s->b, l.ints + l.first[ref - 1], n);
	refs = zalloc(n, sizeof(*refs));
	for (uint32_t i = 0; i < n; i++)
		refs[i] = copy(s, HC_OBJ_STR, l.refs[l.first[ref - 1] + i]);
	got = hc_build_strs(s->b, refs, n);
	free(refs);
	return got;
}

/* Column `col` of entry or row `at` (0-based) into cells. */
static void copy_cell(struct subset *s, const struct hc_table_desc *t, bool is_event, unsigned col, uint32_t at,
                      struct hc_cells *cells)
{
	unsigned to = t->cols[col].ref;
	struct hc_err err = { 0 };
	struct hc_refs refs;
	struct hc_ints ints;
	int r;

	if (to == HC_OBJ_NONE) {
		r = is_event ? hc_block_event_ints(s->from, t->number, col, &ints, &err)
		             : hc_block_obj_ints(s->from, t->number, col, &ints, &err);
		if (r < 0)
			die(&err);
		if (hc_ints_valid(&ints, at))
			hc_cell_set(cells, col, (uint64_t)ints.v[at]);
		return;
	}
	r = is_event ? hc_block_event_refs(s->from, t->number, col, &refs, &err)
	             : hc_block_obj_refs(s->from, t->number, col, &refs, &err);
	if (r < 0)
		die(&err);
	cells->v[col] = refs.v[at] ? copy(s, to, refs.v[at]) : 0;
}

static uint32_t copy_obj(struct subset *s, unsigned obj, uint32_t ref)
{
	const struct hc_table_desc *t = hc_obj_desc(obj);
	struct hc_cells cells = { 0 };

	if (obj == HC_OBJ_PROC && !is_ours(s, ref))
		return 0;
	for (unsigned col = 0; col < t->n_cols; col++)
		copy_cell(s, t, false, col, ref - 1, &cells);
	return hc_build_obj(s->b, obj, &cells);
}

/* What an entry of the old block is in the new one. */
static uint32_t copy(struct subset *s, unsigned obj, uint32_t ref)
{
	enum hc_stream stream = hc_build_stream(s->b);
	uint32_t *memo = s->memo[obj][stream], got;
	struct hc_heap h;
	struct hc_err err = { 0 };

	if (!ref || s->busy[obj][ref])
		return 0;
	if (memo[ref])
		return memo[ref];
	s->busy[obj][ref] = true;
	if (obj == HC_OBJ_STR || obj == HC_OBJ_BYTES) {
		if (hc_block_heap(s->from, obj, &h, &err) < 0)
			die(&err);
		got = obj == HC_OBJ_STR ? hc_build_str(s->b, hc_heap_get(&h, ref))
		                        : hc_build_bytes(s->b, hc_heap_get(&h, ref).p, hc_heap_get(&h, ref).len);
	} else if (obj == HC_OBJ_STRS || obj == HC_OBJ_INTS) {
		got = copy_list(s, obj, ref);
	} else {
		got = copy_obj(s, obj, ref);
	}
	s->busy[obj][ref] = false;
	memo[ref] = got;
	return got;
}

/* The memos hold for one block read and one block written. */
static void forget(struct subset *s)
{
	for (unsigned obj = 1; obj < HC_OBJ_MAX; obj++) {
		uint32_t n = hc_block_n_entries(s->from, obj);

		for (unsigned i = 0; i < HC_N_STREAMS; i++) {
			free(s->memo[obj][i]);
			s->memo[obj][i] = zalloc(n + 1, sizeof(uint32_t));
		}
		free(s->busy[obj]);
		s->busy[obj] = zalloc(n + 1, sizeof(bool));
	}
}

/* Rows about the recording itself are kept, those about other processes and their doings are not. */
static bool wanted(struct subset *s, unsigned type, uint32_t at)
{
	struct hc_err err = { 0 };
	struct hc_refs task, proc;

	if (type == HC_EV_META_STATE) {
		if (hc_block_event_refs(s->from, type, HC_C_META_STATE_proc, &proc, &err) < 0)
			die(&err);
		return proc.v[at] && is_ours(s, proc.v[at]);
	}
	if (hc_event_desc(type)->cls == HC_CLASS_META)
		return true;
	if (hc_block_event_refs(s->from, type, HC_COL_TASK, &task, &err) < 0 ||
	    hc_block_obj_refs(s->from, HC_OBJ_TASK, HC_O_TASK_proc, &proc, &err) < 0)
		die(&err);
	return task.v[at] && proc.v[task.v[at] - 1] && is_ours(s, proc.v[task.v[at] - 1]);
}

/* What would tell which machine it was. */
static bool is_identity(unsigned type, unsigned col)
{
	return type == HC_EV_META_START &&
	       (col == HC_C_META_START_machine_id || col == HC_C_META_START_interfaces);
}

static void copy_row(struct subset *s, const struct hc_rows *rows, uint32_t row)
{
	unsigned type = rows->type[row];
	const struct hc_table_desc *t = hc_event_desc(type);
	struct hc_row_head head = { .type = (uint16_t)type, .cpu = rows->cpu[row], .ts_ns = rows->ts_ns[row] };
	struct hc_cells cells = { 0 };
	struct hc_err err = { 0 };
	enum hc_stream stream;

	if (!t || !wanted(s, type, rows->pos[row])) {
		s->n_left_out++;
		return;
	}
	s->b = hc_writer_begin(s->w, type, head.ts_ns, &err);
	if (!s->b)
		die(&err);
	stream = hc_build_stream(s->b);
	if (s->epoch[stream] != hc_build_epoch(s->b)) {
		forget(s);
		s->epoch[stream] = hc_build_epoch(s->b);
	}
	for (unsigned col = 0; col < t->n_cols; col++) {
		if (!is_identity(type, col))
			copy_cell(s, t, true, col, rows->pos[row], &cells);
	}
	if (hc_writer_row(s->w, &head, &cells, &err) < 0)
		die(&err);
	s->n_kept++;
}

static int by_seq(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

int main(int argc, char **argv)
{
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	struct hc_writer_opts opts = { .dir = argc == 4 ? argv[3] : NULL };
	struct hc_capture *c;
	struct hc_block **open;
	struct hc_rows *rows;
	struct place *place = NULL;
	struct subset s = { 0 };
	struct hc_err err = { 0 };
	uint32_t n_blocks, n_segs, last = UINT32_MAX;
	size_t n = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: subset PID IN OUT\n");
		return 2;
	}
	s.pid = atoll(argv[1]);
	if (hc_capture_open(argv[2], 0, &c, &err) < 0)
		die(&err);
	blocks = hc_capture_blocks(c, &n_blocks);
	segs = hc_capture_segs(c, &n_segs);
	open = zalloc(n_blocks, sizeof(struct hc_block *));
	rows = zalloc(n_blocks, sizeof(*rows));
	for (uint32_t i = 0; i < n_blocks; i++) {
		if (hc_capture_load(c, i, &open[i], &err) < 0 || hc_block_rows(open[i], &rows[i], &err) < 0)
			die(&err);
		place = reallocarray(place, n + rows[i].n + 1, sizeof(*place));
		if (!place)
			abort();
		for (uint32_t row = 0; row < rows[i].n; row++)
			place[n++] = (struct place){ rows[i].seq[row], i, row };
	}
	if (!n)
		return 1;
	qsort(place, n, sizeof(*place), by_seq);
	opts.node = segs[0].header.node;
	opts.tool = segs[0].header.tool;
	memcpy(opts.boot_id, segs[0].header.boot_id, sizeof(opts.boot_id));
	memcpy(opts.capture_id, segs[0].header.capture_id, sizeof(opts.capture_id));
	opts.next_seq = 1;
	for (unsigned i = 0; i < HC_N_STREAMS; i++)
		opts.next_number[i] = 1;
	opts.zstd_level = 19;
	opts.block_ns = opts.quiet_block_ns = UINT64_C(60000000000); /* one block: it shall be small */
	if (hc_writer_open(&opts, &s.w, &err) < 0)
		die(&err);
	for (size_t i = 0; i < n; i++) {
		if (place[i].block != last) {
			last = place[i].block;
			s.from = open[last];
			hc_writer_set_wall_offset(s.w, blocks[last].info.wall_offset_ns);
			forget(&s);
		}
		copy_row(&s, &rows[last], place[i].row);
	}
	if (hc_writer_close(s.w, &err) < 0)
		die(&err);
	for (uint32_t i = 0; i < n_blocks; i++)
		hc_block_close(open[i]);
	for (unsigned obj = 1; obj < HC_OBJ_MAX; obj++) {
		for (unsigned i = 0; i < HC_N_STREAMS; i++)
			free(s.memo[obj][i]);
		free(s.busy[obj]);
	}
	free(place);
	free(open);
	free(rows);
	hc_capture_close(c);
	printf("kept %llu rows, left out %llu\n", (unsigned long long)s.n_kept, (unsigned long long)s.n_left_out);
	return s.n_kept ? 0 : 1;
}
