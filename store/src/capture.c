/*
 * Opening a capture: the list of files is the truth, the index saves reading their footers. An index row is
 * believed only for a file of exactly its size; every other segment is read itself. Blocks are opened when loaded,
 * each with a descriptor of its own, so that any number of segments and threads works within any limit of open
 * files.
 */
#include "store/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backfill_priv.h"
#include "block_priv.h"
#include "index_priv.h"

/* A segment while the capture is being opened. */
struct entry {
	struct hc_capture_seg seg;
	struct hc_capture_block *blocks; /* malloc'ed */
	uint32_t file;                   /* in files */
	bool counted;                    /* rows by type and losses are known from the index */
	uint64_t first_seq;
	int64_t wall_ns; /* of its first row */
	uint64_t order_seq;
	int64_t order_wall_ns; /* of its capture */
};

struct hc_capture {
	char *path;
	enum hc_capture_kind kind;
	int fd; /* the directory, or the file */
	bool live;
	char *index_note;
	struct hc_seg_files found;
	struct hc_capture_file *files;
	uint32_t n_files;
	struct hc_capture_seg *segs;
	uint32_t *seg_file; /* in files */
	bool *counted;
	uint32_t n_segs, n_boots;
	struct hc_capture_block *blocks;
	uint32_t n_blocks;
	struct hc_backfill *backfill;     /* NULL: none was asked for, or there is nothing late */
	struct hc_capture_totals indexed; /* sums of counted segments: rows by type, losses */
	pthread_mutex_t lock;             /* guards what follows */
	struct hc_arena arena;
	struct hc_capture_problem *problems;
	uint32_t n_problems;
	struct hc_capture_totals totals;
	bool have_totals;
};

/* State of opening. */
struct opening {
	struct hc_capture *c;
	struct entry
		*entries; /* one per segment file; .blocks NULL and .file UINT32_MAX when it could not be read */
	uint32_t n;
	uint32_t n_indexed;
	uint32_t n_closed_missing; /* closed segments that the index does not have, or not as they are */
};

int hc_capture_problem_at(struct hc_capture *c, const char *path, uint64_t off, uint64_t bytes, const char *what)
{
	struct hc_capture_problem *p;
	int r = -ENOMEM;

	pthread_mutex_lock(&c->lock);
	p = realloc(c->problems, (c->n_problems + 1u) * sizeof(*p));
	if (p) {
		c->problems = p;
		p += c->n_problems;
		*p = (struct hc_capture_problem){ .path = hc_arena_str(&c->arena, hc_str_c(path)).p,
			                          .off = off,
			                          .bytes = bytes,
			                          .what = hc_arena_str(&c->arena, hc_str_c(what)).p };
		if (p->path && p->what) {
			c->n_problems++;
			r = 0;
		}
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

static int64_t wall_of(const struct hc_block_info *i, uint64_t boot_ns)
{
	return (int64_t)(boot_ns + (uint64_t)i->wall_offset_ns); /* wraps for nonsense, without being undefined */
}

/* ---- the index ---- */

static int by_path(const void *key, const void *file)
{
	return strcmp(key, ((const struct hc_seg_file *)file)->path);
}

static int take_index_row(void *ctx, const struct hc_index_row *row)
{
	struct opening *o = ctx;
	struct hc_capture *c = o->c;
	const struct hc_seg_file *f =
		c->found.n ? bsearch(row->path, c->found.v, c->found.n, sizeof(*f), by_path) : NULL;
	uint64_t end = 0, seq = 0;
	struct entry *e;

	if (!f || f->bytes != row->bytes || f->stream != row->header.stream || f->number != row->header.number)
		return 0;
	e = &o->entries[f - c->found.v];
	if (e->file != UINT32_MAX)
		return 0; /* a row for it was there before: paths are unique, unless someone made the file */
	e->blocks = malloc(((size_t)row->n_blocks + 1) * sizeof(*e->blocks));
	if (!e->blocks)
		return -ENOMEM;
	for (uint32_t i = 0; i < row->n_blocks; i++) {
		if (!hc_index_block_parse(row, i, &end, &seq, &e->blocks[i])) {
			free(e->blocks);
			e->blocks = NULL;
			return 0; /* this one is read itself */
		}
	}
	e->seg = (struct hc_capture_seg){ .header = row->header,
		                          .state = HC_SEG_SEALED,
		                          .path = f->path,
		                          .bytes = f->bytes,
		                          .n_blocks = row->n_blocks };
	e->file = (uint32_t)(f - c->found.v);
	e->counted = true;
	o->n_indexed++;
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		c->indexed.rows_by_type[type] += row->rows_by_type[type];
	c->indexed.n_lost += row->n_lost;
	return 0;
}

static void set_note(struct hc_capture *c, const char *why, uint32_t n)
{
	free(c->index_note);
	if (asprintf(&c->index_note,
	             "%s: %s; read %u segment%s itself ('hindcast reindex %s' makes the index anew)", c->path, why,
	             n, n == 1 ? "" : "s", c->path) < 0)
		c->index_note = NULL;
}

static int use_index(struct opening *o)
{
	struct hc_capture *c = o->c;
	struct hc_err why = { 0 };
	int r = hc_index_load(c->path, take_index_row, o, &why);

	if (r == -ENOMEM)
		return r;
	if (r == 0)
		return 0;
	/* what was taken before it failed is dropped: half an index is none */
	for (uint32_t i = 0; i < o->n; i++) {
		free(o->entries[i].blocks);
		o->entries[i] = (struct entry){ .file = UINT32_MAX };
	}
	o->n_indexed = 0;
	memset(&c->indexed, 0, sizeof(c->indexed));
	if (c->found.n)
		set_note(c, why.msg, c->found.n);
	return 0;
}

/* ---- segments themselves ---- */

static int seg_fd(const struct hc_capture *c, uint32_t file, struct hc_err *err)
{
	int fd;

	if (c->kind == HC_CAPTURE_DIR)
		return hc_open_below(c->fd, c->files[file].path, err);
	fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? fd : hc_err_set(err, -errno, "cannot open '%s' again: %s", c->path, strerror(errno));
}

/* The newest of its stream in its directory: the one that a live recorder is writing. */
static bool is_newest(const struct hc_capture *c, uint32_t file)
{
	const struct hc_seg_file *f = &c->found.v[file], *next = f + 1;
	size_t dir = (size_t)(strrchr(f->path, '/') - f->path);

	/* sorted by path, numbers are padded: a later number of the stream follows at once */
	return file + 1 == c->found.n || next->stream != f->stream || strncmp(f->path, next->path, dir + 1) != 0;
}

static bool being_written(struct hc_capture *c, uint32_t file)
{
	return c->live && c->kind == HC_CAPTURE_DIR && is_newest(c, file);
}

static int read_segment(struct opening *o, uint32_t file)
{
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	struct hc_capture *c = o->c;
	const struct hc_capture_file *f = &c->files[file];
	struct entry *e = &o->entries[file];
	struct hc_err why = { 0 };
	uint32_t n_damage;
	int fd = seg_fd(c, file, &why);
	int r = fd < 0 ? fd : hc_seg_load(fd, f->off, f->bytes, f->path, &seg, &why);

	if (fd >= 0)
		close(fd);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		if (r == -ENOENT || (r == -EBADMSG && f->bytes < 128 && being_written(c, file)))
			return 0; /* removed by retention, or begun, a moment ago */
		return hc_capture_problem_at(c, f->path, why.has_offset ? why.offset - f->off : 0, f->bytes,
		                             why.msg);
	}
	n_damage = seg->n_damage;
	if (seg->state == HC_SEG_TORN && n_damage && being_written(c, file)) {
		n_damage--; /* a block half written now is no damage */
		seg->state = HC_SEG_OPEN;
	}
	if (seg->state == HC_SEG_OPEN && seg->n_blocks && being_written(c, file)) /* it grows: what it is now */
		c->files[file].bytes =
			seg->blocks[seg->n_blocks - 1].off + seg->blocks[seg->n_blocks - 1].info.bytes;
	for (uint32_t i = 0; i < n_damage; i++) {
		r = hc_capture_problem_at(c, f->path, seg->damage[i].off, seg->damage[i].bytes,
		                          seg->damage[i].what);
		if (r < 0)
			return r;
	}
	e->blocks = malloc(((size_t)seg->n_blocks + 1) * sizeof(*e->blocks));
	if (!e->blocks)
		return -ENOMEM;
	for (uint32_t i = 0; i < seg->n_blocks; i++)
		e->blocks[i] = (struct hc_capture_block){ .off = seg->blocks[i].off, .info = seg->blocks[i].info };
	e->seg = (struct hc_capture_seg){ .header = seg->header,
		                          .state = seg->state,
		                          .path = f->path,
		                          .bytes = f->bytes,
		                          .n_blocks = seg->n_blocks };
	e->file = file;
	o->n_closed_missing += seg->state == HC_SEG_SEALED;
	return 0;
}

/* ---- order ---- */

static int cmp_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int cmp_boot(const struct entry *a, const struct entry *b)
{
	int r = memcmp(a->seg.header.capture_id, b->seg.header.capture_id, 16);

	if (!r)
		r = strcmp(a->seg.header.node, b->seg.header.node);
	return r ? r : memcmp(a->seg.header.boot_id, b->seg.header.boot_id, 16);
}

static int by_identity(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int r = cmp_boot(a, b);

	if (!r)
		r = (int)a->seg.header.stream - (int)b->seg.header.stream;
	if (!r)
		r = cmp_u64(a->seg.header.number, b->seg.header.number);
	return r ? r : strcmp(a->seg.path, b->seg.path);
}

static int by_order(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int r = (a->order_wall_ns > b->order_wall_ns) - (a->order_wall_ns < b->order_wall_ns);

	if (!r)
		r = memcmp(a->seg.header.capture_id, b->seg.header.capture_id, 16);
	if (!r)
		r = cmp_u64(a->order_seq, b->order_seq);
	return r ? r : by_identity(x, y);
}

/* Sorts the entries and numbers their boots. */
static void order(struct hc_capture *c, struct entry *e, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct hc_capture_block *first = e[i].seg.n_blocks ? &e[i].blocks[0] : NULL;

		e[i].first_seq = first ? first->info.first_seq : UINT64_MAX;
		e[i].wall_ns =
			first ? wall_of(&first->info, first->info.first_ns) : e[i].seg.header.created_wall_ns;
	}
	if (n)
		qsort(e, n, sizeof(*e), by_identity);
	for (uint32_t from = 0, to; from < n; from = to) { /* a boot's first number */
		uint64_t seq = UINT64_MAX;

		for (to = from; to < n && cmp_boot(&e[from], &e[to]) == 0; to++)
			seq = e[to].first_seq < seq ? e[to].first_seq : seq;
		for (uint32_t i = from; i < to; i++)
			e[i].order_seq = seq;
	}
	for (uint32_t from = 0, to; from < n; from = to) { /* a capture's first moment */
		int64_t wall = INT64_MAX;

		for (to = from;
		     to < n && memcmp(e[from].seg.header.capture_id, e[to].seg.header.capture_id, 16) == 0; to++)
			wall = e[to].wall_ns < wall ? e[to].wall_ns : wall;
		for (uint32_t i = from; i < to; i++)
			e[i].order_wall_ns = wall;
	}
	if (n)
		qsort(e, n, sizeof(*e), by_order);
	for (uint32_t i = 0; i < n; i++) {
		if (i && cmp_boot(&e[i], &e[i - 1]) != 0)
			c->n_boots++;
		e[i].seg.boot = c->n_boots;
	}
	c->n_boots += n > 0;
}

static int assemble(struct opening *o)
{
	struct hc_capture *c = o->c;
	uint64_t n_blocks = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < o->n; i++) {
		if (o->entries[i].file == UINT32_MAX)
			continue;
		n_blocks += o->entries[i].seg.n_blocks;
		o->entries[n++] = o->entries[i];
		if (n - 1 != i)
			o->entries[i] = (struct entry){ .file = UINT32_MAX };
	}
	if (n_blocks > HC_CAPTURE_MAX_BLOCKS)
		return -E2BIG;
	order(c, o->entries, n);
	c->segs = calloc(n + 1u, sizeof(*c->segs));
	c->seg_file = calloc(n + 1u, sizeof(*c->seg_file));
	c->counted = calloc(n + 1u, sizeof(*c->counted));
	c->blocks = malloc((n_blocks + 1) * sizeof(*c->blocks));
	if (!c->segs || !c->seg_file || !c->counted || !c->blocks)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct entry *e = &o->entries[i];

		e->seg.first_block = c->n_blocks;
		c->segs[i] = e->seg;
		c->seg_file[i] = e->file;
		c->counted[i] = e->counted;
		for (uint32_t k = 0; k < e->seg.n_blocks; k++) {
			e->blocks[k].seg = i;
			e->blocks[k].off += c->files[e->file].off;
			c->blocks[c->n_blocks++] = e->blocks[k];
		}
	}
	c->n_segs = n;
	return 0;
}

/* ---- opening ---- */

static int list_files(struct hc_capture *c)
{
	struct hc_seg_files *found = &c->found;

	c->files = calloc((size_t)found->n + found->n_members + 1, sizeof(*c->files));
	if (!c->files)
		return -ENOMEM;
	for (uint32_t i = 0; i < found->n; i++)
		c->files[c->n_files++] =
			(struct hc_capture_file){ found->v[i].path, found->v[i].base, found->v[i].bytes };
	for (uint32_t i = 0; i < found->n_members; i++)
		c->files[c->n_files++] = (struct hc_capture_file){ found->members[i].name, found->members[i].base,
			                                           found->members[i].bytes };
	for (uint32_t i = 0; i < found->n_problems; i++) {
		int r = hc_capture_problem_at(c, found->problems[i].path, 0, 0, found->problems[i].what);

		if (r < 0)
			return r;
	}
	return 0;
}

static int load_all(struct hc_capture *c, unsigned flags, struct hc_err *err)
{
	struct opening o = { .c = c, .n = c->found.n };
	int r = 0;

	o.entries = calloc(o.n + 1u, sizeof(*o.entries));
	if (!o.entries)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < o.n; i++)
		o.entries[i].file = UINT32_MAX;
	if (c->kind == HC_CAPTURE_DIR && !(flags & HC_CAPTURE_NO_INDEX))
		r = use_index(&o);
	for (uint32_t i = 0; r == 0 && i < o.n; i++) {
		if (o.entries[i].file == UINT32_MAX)
			r = read_segment(&o, i);
	}
	if (o.n_closed_missing && c->kind == HC_CAPTURE_DIR && !(flags & HC_CAPTURE_NO_INDEX) && !c->index_note &&
	    !c->live)
		set_note(c, HC_INDEX_NAME " is not up to date", o.n_closed_missing);
	if (r == 0)
		r = assemble(&o);
	for (uint32_t i = 0; i < o.n; i++)
		free(o.entries[i].blocks);
	free(o.entries);
	if (r == -E2BIG)
		return hc_err_set(err, r, "'%s' has more than %u blocks", c->path, HC_CAPTURE_MAX_BLOCKS);
	if (r < 0)
		return hc_err_set(err, r, "cannot open '%s': %s", c->path, strerror(-r));
	if (c->n_segs == 0 && c->n_problems && !(flags & HC_CAPTURE_EVEN_BROKEN))
		return hc_err_off(err, -EBADMSG, c->problems[0].path, c->problems[0].off, "%s",
		                  c->problems[0].what);
	return 0;
}

/* What kind of file it is, by its first bytes. */
static int sniff(struct hc_capture *c, struct hc_err *err)
{
	static const uint8_t frame[4] = { HC_FRAME_MAGIC & 0xff, HC_FRAME_MAGIC >> 8 & 0xff,
		                          HC_FRAME_MAGIC >> 16 & 0xff, HC_FRAME_MAGIC >> 24 };
	struct stat st = { 0 };
	char head[512];
	ssize_t n;

	if (fstat(c->fd, &st) < 0)
		return hc_err_set(err, -errno, "cannot read '%s': %s", c->path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		c->kind = HC_CAPTURE_DIR;
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return hc_err_set(err, -EINVAL, "'%s' is neither a directory nor a regular file", c->path);
	n = pread(c->fd, head, sizeof(head), 0);
	if (n < 0)
		return hc_err_set(err, -errno, "cannot read '%s': %s", c->path, strerror(errno));
	if (n >= 4 && memcmp(head, frame, 4) == 0) {
		c->kind = HC_CAPTURE_SEGMENT;
		return 0;
	}
	if (n >= 262 && memcmp(head + 257, "ustar", 5) == 0) {
		c->kind = HC_CAPTURE_BUNDLE;
		return 0;
	}
	if (n < 4)
		return hc_err_set(err, -EBADMSG, "'%s' is %s", c->path, n ? "cut after a few bytes" : "empty");
	return hc_err_set(err, -EINVAL,
	                  "'%s' is neither a capture's directory, nor a bundle (.hcb), nor a segment (.hcs)",
	                  c->path);
}

/* A segment by itself is a list of one. */
static int find_single(struct hc_capture *c, struct hc_err *err)
{
	struct stat st = { 0 };

	c->found.v = calloc(1, sizeof(*c->found.v));
	if (!c->found.v)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (fstat(c->fd, &st) < 0)
		return hc_err_set(err, -errno, "cannot read '%s': %s", c->path, strerror(errno));
	c->found.v[0] = (struct hc_seg_file){ .path = c->path, .bytes = (uint64_t)st.st_size };
	c->found.n = 1;
	return 0;
}

int hc_capture_open(const char *path, unsigned flags, struct hc_capture **ret, struct hc_err *err)
{
	HC_AUTO(hc_capture_close) struct hc_capture *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return hc_err_set(err, -ENOMEM, "out of memory");
	c->fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	c->path = strdup(path);
	if (!c->path)
		return hc_err_set(err, -ENOMEM, "out of memory");
	c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (c->fd < 0)
		return hc_err_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	r = sniff(c, err);
	if (r < 0)
		return r;
	if (c->kind == HC_CAPTURE_DIR) {
		struct hc_err why = { 0 };

		c->live = hc_dir_is_locked(c->fd, false);
		r = hc_seg_files_scan_dir(c->fd, path, &c->found, &why);
		if (r == -ENOENT && c->live)
			r = 0; /* a recorder has taken it, and begins a moment from now */
		else if (r < 0 && err)
			*err = why;
	} else if (c->kind == HC_CAPTURE_BUNDLE) {
		r = hc_seg_files_scan_tar(c->fd, path, &c->found, err);
	} else {
		r = find_single(c, err);
	}
	if (r < 0)
		return r;
	r = list_files(c);
	if (r < 0)
		return hc_err_set(err, r, "out of memory");
	r = load_all(c, flags, err);
	if (r < 0)
		return r;
	*ret = hc_steal(c);
	return 0;
}

struct hc_capture *hc_capture_close(struct hc_capture *c)
{
	if (!c)
		return NULL;
	if (c->fd >= 0)
		close(c->fd);
	hc_backfill_free(c->backfill);
	free(c->files);
	free(c->segs);
	free(c->seg_file);
	free(c->counted);
	free(c->blocks);
	free(c->problems);
	free(c->index_note);
	free(c->path);
	hc_seg_files_done(&c->found);
	hc_arena_done(&c->arena);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

/* ---- what it holds ---- */

const char *hc_capture_path(const struct hc_capture *c)
{
	return c->path;
}

enum hc_capture_kind hc_capture_kind(const struct hc_capture *c)
{
	return c->kind;
}

const char *hc_capture_index_note(const struct hc_capture *c)
{
	return c->index_note;
}

bool hc_capture_is_live(const struct hc_capture *c)
{
	return c->live;
}

const struct hc_capture_seg *hc_capture_segs(const struct hc_capture *c, uint32_t *ret_n)
{
	*ret_n = c->n_segs;
	return c->segs;
}

const struct hc_capture_block *hc_capture_blocks(const struct hc_capture *c, uint32_t *ret_n)
{
	*ret_n = c->n_blocks;
	return c->blocks;
}

const struct hc_capture_problem *hc_capture_problems(const struct hc_capture *c, uint32_t *ret_n)
{
	*ret_n = c->n_problems;
	return c->problems;
}

int hc_capture_root(const struct hc_capture *c)
{
	return c->fd;
}

const struct hc_seg_files *hc_capture_found(const struct hc_capture *c)
{
	return &c->found;
}

const struct hc_capture_problem *hc_capture_listing_problems(const struct hc_capture *c, uint32_t *ret_n)
{
	*ret_n = c->found.n_problems;
	return c->found.problems;
}

const struct hc_capture_file *hc_capture_files(const struct hc_capture *c, uint32_t *ret_n)
{
	*ret_n = c->n_files;
	return c->files;
}

const struct hc_capture_file *hc_capture_seg_file(const struct hc_capture *c, uint32_t seg)
{
	return &c->files[c->seg_file[seg]];
}

int hc_capture_file_open(const struct hc_capture *c, const struct hc_capture_file *file, struct hc_err *err)
{
	if (file < c->files || file >= c->files + c->n_files)
		return hc_err_set(err, -EINVAL, "not a file of this capture");
	return seg_fd(c, (uint32_t)(file - c->files), err);
}

int hc_capture_member(const struct hc_capture *c, const char *name, uint64_t max_bytes, void **ret,
                      size_t *ret_bytes, struct hc_err *err)
{
	const struct hc_member *m = NULL;
	uint8_t *buf;
	size_t got = 0;

	for (uint32_t i = 0; i < c->found.n_members && !m; i++)
		m = strcmp(c->found.members[i].name, name) == 0 ? &c->found.members[i] : NULL;
	if (!m)
		return hc_err_set(err, -ENOENT, "%s: there is no %s in it", c->path, name);
	if (m->bytes > max_bytes)
		return hc_err_set(err, -E2BIG, "%s: %s is longer than %llu bytes", c->path, name,
		                  (unsigned long long)max_bytes);
	buf = malloc(m->bytes + 1);
	if (!buf)
		return hc_err_set(err, -ENOMEM, "out of memory");
	while (got < m->bytes) {
		ssize_t n = pread(c->fd, buf + got, m->bytes - got, (off_t)(m->base + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int code = n < 0 ? -errno : -EBADMSG;

			free(buf);
			return hc_err_off(err, code, c->path, m->base + got, "cannot read %s", name);
		}
		got += (size_t)n;
	}
	buf[got] = '\0';
	*ret = buf;
	*ret_bytes = got;
	return 0;
}

/* ---- blocks ---- */

struct pick {
	uint32_t boot, block;
	uint64_t first_seq;
};

static int by_seq(const void *x, const void *y)
{
	const struct pick *a = x, *b = y;

	if (a->boot != b->boot)
		return a->boot < b->boot ? -1 : 1;
	return a->first_seq != b->first_seq ? cmp_u64(a->first_seq, b->first_seq) : cmp_u64(a->block, b->block);
}

bool hc_block_wanted(const struct hc_block_info *i, const struct hc_block_filter *f)
{
	if (f->has_since && wall_of(i, i->last_ns) < f->since_wall_ns)
		return false;
	if (f->has_until && wall_of(i, i->first_ns) >= f->until_wall_ns)
		return false;
	return !f->has_types || hc_type_set_meets(&i->types, &f->types);
}

int hc_capture_select(const struct hc_capture *c, const struct hc_block_filter *filter, uint32_t **ret,
                      uint32_t *ret_n, struct hc_err *err)
{
	struct pick *picks = malloc(((size_t)c->n_blocks + 1) * sizeof(*picks));
	uint32_t *v = malloc(((size_t)c->n_blocks + 1) * sizeof(*v)), n = 0;

	if (!picks || !v) {
		free(picks);
		free(v);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < c->n_blocks; i++) {
		if (hc_block_wanted(&c->blocks[i].info, filter))
			picks[n++] =
				(struct pick){ c->segs[c->blocks[i].seg].boot, i, c->blocks[i].info.first_seq };
	}
	if (n)
		qsort(picks, n, sizeof(*picks), by_seq);
	for (uint32_t i = 0; i < n; i++)
		v[i] = picks[i].block;
	free(picks);
	*ret = v;
	*ret_n = n;
	return 0;
}

static bool same_info(const struct hc_block_info *a, const struct hc_block_info *b)
{
	return a->stream == b->stream && a->n_rows == b->n_rows && a->bytes == b->bytes &&
	       a->first_seq == b->first_seq && a->last_seq == b->last_seq && a->first_ns == b->first_ns &&
	       a->last_ns == b->last_ns && a->wall_offset_ns == b->wall_offset_ns &&
	       memcmp(&a->types, &b->types, sizeof(a->types)) == 0;
}

int hc_capture_load(const struct hc_capture *c, uint32_t block, struct hc_block **ret, struct hc_err *err)
{
	HC_AUTO(hc_block_close) struct hc_block *b = NULL;
	const struct hc_capture_block *what;
	uint32_t file;
	int fd, r;

	if (block >= c->n_blocks)
		return hc_err_set(err, -EINVAL, "there is no block %u", block);
	what = &c->blocks[block];
	file = c->seg_file[what->seg];
	fd = seg_fd(c, file, err);
	if (fd < 0)
		return fd;
	r = hc_block_open(fd, (off_t)what->off, c->files[file].path, &b, err);
	if (r < 0) {
		close(fd);
		/* in a segment of a version that we read, such a block is damage like any other */
		r = r == -ENOTSUP || r == -E2BIG ? -EBADMSG : r;
		if (err && err->code)
			err->code = r;
		return r;
	}
	hc_block_take_fd(b);
	if (!same_info(hc_block_info(b), &what->info))
		return hc_err_off(err, -EBADMSG, c->files[file].path, what->off - c->files[file].off,
		                  "the block is not the one that the %s describes",
		                  c->counted[what->seg] ? "index" : "footer");
	if (c->backfill)
		hc_block_set_backfill(b, c->backfill, c->segs[what->seg].boot);
	*ret = hc_steal(b);
	return 0;
}

int hc_capture_backfill(struct hc_capture *c, bool from_source, uint64_t *ret_n_left_out, struct hc_err *err)
{
	struct hc_backfill *f = NULL;
	int r = c->backfill ? 0 : hc_backfill_load(c, from_source, &f, err);

	if (f)
		c->backfill = f;
	*ret_n_left_out = c->backfill ? hc_backfill_n_left_out(c->backfill) : 0;
	return r;
}

void hc_capture_add_problem(struct hc_capture *c, uint32_t block, const struct hc_err *err)
{
	const struct hc_capture_block *what = &c->blocks[block];
	uint32_t file = c->seg_file[what->seg];

	/* without memory for the problem there is none to go on with either: the caller notices that itself */
	(void)hc_capture_problem_at(c, c->files[file].path, what->off - c->files[file].off, what->info.bytes,
	                            err->msg);
}

static int count_segment(struct hc_capture *c, uint32_t seg, struct hc_capture_totals *t)
{
	for (uint32_t i = 0; i < c->segs[seg].n_blocks; i++) {
		HC_AUTO(hc_block_close) struct hc_block *b = NULL;
		struct hc_err why = { 0 };
		int r = hc_capture_load(c, c->segs[seg].first_block + i, &b, &why);

		if (r == 0)
			r = hc_scan_count(b, t->rows_by_type, &t->n_lost, &why);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			hc_capture_add_problem(c, c->segs[seg].first_block + i, &why);
	}
	return 0;
}

static int count(struct hc_capture *c, struct hc_capture_totals *t)
{
	*t = c->indexed;
	t->n_blocks = c->n_blocks;
	for (uint32_t i = 0; i < c->n_segs; i++) {
		int r = c->counted[i] ? 0 : count_segment(c, i, t);

		if (r < 0)
			return r;
		t->bytes += c->segs[i].bytes;
		t->bytes_by_stream[c->segs[i].header.stream] += c->segs[i].bytes;
	}
	for (uint32_t i = 0; i < c->n_blocks; i++) {
		const struct hc_block_info *b = &c->blocks[i].info;
		int64_t first = wall_of(b, b->first_ns), last = wall_of(b, b->last_ns);

		if (!b->n_rows)
			continue;
		if (!t->n_rows || b->first_seq < t->first_seq)
			t->first_seq = b->first_seq;
		if (!t->n_rows || first < t->first_wall_ns)
			t->first_wall_ns = first;
		if (!t->n_rows || last > t->last_wall_ns)
			t->last_wall_ns = last;
		if (b->last_seq > t->last_seq)
			t->last_seq = b->last_seq;
		t->n_rows += b->n_rows;
		for (unsigned k = 0; k < HC_EV_MAX / 64; k++)
			t->types.w[k] |= b->types.w[k];
	}
	return 0;
}

int hc_capture_totals(struct hc_capture *c, const struct hc_capture_totals **ret, struct hc_err *err)
{
	struct hc_capture_totals t;
	bool have;
	int r;

	pthread_mutex_lock(&c->lock);
	have = c->have_totals;
	pthread_mutex_unlock(&c->lock);
	if (!have) {
		r = count(c, &t);
		if (r < 0)
			return hc_err_set(err, r, "out of memory");
		pthread_mutex_lock(&c->lock);
		if (!c->have_totals)
			c->totals = t;
		c->have_totals = true;
		pthread_mutex_unlock(&c->lock);
	}
	*ret = &c->totals;
	return 0;
}
