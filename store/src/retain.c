/*
 * A list of segments per stream in order of their rows' numbers, made once from the directory and then kept by
 * what the writer says. The file goes first, its rows in the index after it: killed in between, the index has rows
 * of a file that is not there, which readers pass over and the next writer removes.
 */
#include "store/retain.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "block_priv.h"
#include "index_priv.h"

#define MAX_REMOVED 256u                   /* runs that wait to be taken; beyond, the last one grows */
#define FREE_PAUSE_NS UINT64_C(5000000000) /* some file systems give room back late: not everything at once */

struct seg {
	char *path; /* below the root */
	uint8_t boot_id[16];
	uint32_t number;
	uint64_t bytes, n_rows;
	uint64_t first_seq; /* 0: no block, or not readable */
	uint64_t last_seq;
	uint64_t order_seq;        /* when they are listed: the same, or that of a neighbour */
	int64_t from_ns, until_ns; /* wall, inclusive; of a file without rows, its mtime */
	uint64_t until_boot_ns;    /* of its boot's clock */
	bool this_boot, stuck;     /* stuck: could not be removed */
};

struct list {
	struct seg *v;
	uint32_t n, cap;
};

struct hc_retain {
	char *dir;
	int root_fd;
	uint8_t boot_id[16];
	struct list list[HC_N_STREAMS];
	struct hc_retain_pin *pins;
	size_t n_pins;
	struct hc_index_writer *index;
	struct hc_retain_removed removed[MAX_REMOVED];
	unsigned first_removed, n_removed;
	uint64_t freed_boot_ns; /* when room was made last; 0: never */
	struct hc_retain_stats stats;
	struct hc_err *err; /* of the call under way */
	int failed;
};

const char *hc_retain_reason_text(enum hc_retain_reason reason)
{
	static const char *const text[] = { "age", "size", "free", "full" };

	return text[reason];
}

static int64_t wall_of(const struct hc_block_info *i, uint64_t boot_ns)
{
	return (int64_t)(boot_ns + (uint64_t)i->wall_offset_ns);
}

/* ---- the list ---- */

static struct seg *add(struct list *l)
{
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 64;
		struct seg *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	assert(l->v); /* full when empty, so it has been made */
	l->v[l->n] = (struct seg){ .path = NULL };
	return &l->v[l->n++];
}

/* One more block, in the order of the file. */
static void take_block(struct seg *s, const struct hc_block_info *info)
{
	int64_t from = wall_of(info, info->first_ns), until = wall_of(info, info->last_ns);

	if (!s->first_seq) {
		s->first_seq = info->first_seq;
		s->from_ns = from;
		s->until_ns = until;
	}
	s->from_ns = from < s->from_ns ? from : s->from_ns;
	s->until_ns = until > s->until_ns ? until : s->until_ns;
	s->until_boot_ns = info->last_ns > s->until_boot_ns ? info->last_ns : s->until_boot_ns;
	s->last_seq = info->last_seq > s->last_seq ? info->last_seq : s->last_seq;
	s->n_rows += info->n_rows;
}

static void take_header(const struct hc_retain *r, struct seg *s, const struct hc_seg_header *h)
{
	memcpy(s->boot_id, h->boot_id, sizeof(s->boot_id));
	s->number = h->number;
	s->this_boot = memcmp(h->boot_id, r->boot_id, sizeof(r->boot_id)) == 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct seg *)a)->path, ((const struct seg *)b)->path);
}

static int by_seq(const void *a, const void *b)
{
	const struct seg *x = a, *y = b;

	if (x->order_seq != y->order_seq)
		return x->order_seq < y->order_seq ? -1 : 1;
	if (!x->order_seq && x->until_ns != y->until_ns)
		return x->until_ns < y->until_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

static bool same_boot(const struct seg *x, const struct seg *y)
{
	return strncmp(x->path, y->path, (size_t)(strrchr(x->path, '/') + 1 - x->path)) == 0;
}

/* In the order of their rows. One without any, as a kill can leave it, stays where its number says. */
static void sort(struct list *l)
{
	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof(*l->v), by_path);
	for (uint32_t i = 0; i < l->n; i++) {
		struct seg *s = &l->v[i];

		s->order_seq = s->first_seq;
		if (!s->first_seq && i && same_boot(s, s - 1))
			s->order_seq = s[-1].order_seq;
	}
	for (uint32_t i = l->n - 1; i--;)
		if (!l->v[i].order_seq && same_boot(&l->v[i], &l->v[i + 1]))
			l->v[i].order_seq = l->v[i + 1].order_seq;
	qsort(l->v, l->n, sizeof(*l->v), by_seq);
}

struct opening {
	struct hc_retain *r;
	struct hc_seg_files files;
	bool *have;
};

static int file_of(const void *key, const void *file)
{
	return strcmp(key, ((const struct hc_seg_file *)file)->path);
}

static int take_index_row(void *ctx, const struct hc_index_row *row)
{
	struct opening *o = ctx;
	const struct hc_seg_file *f =
		o->files.n ? bsearch(row->path, o->files.v, o->files.n, sizeof(*f), file_of) : NULL;
	struct hc_capture_block b;
	uint64_t end = 0, seq = 0;
	struct seg s = { 0 }, *to;

	if (!f || f->bytes != row->bytes || f->stream != row->header.stream || o->have[f - o->files.v])
		return 0;
	take_header(o->r, &s, &row->header);
	for (uint32_t i = 0; i < row->n_blocks; i++) {
		if (!hc_index_block_parse(row, i, &end, &seq, &b))
			return 0; /* read the segment itself */
		take_block(&s, &b.info);
	}
	s.bytes = f->bytes;
	s.path = strdup(f->path);
	to = s.path ? add(&o->r->list[f->stream]) : NULL;
	if (!to) {
		free(s.path);
		return -ENOMEM;
	}
	*to = s;
	o->have[f - o->files.v] = true;
	return 0;
}

/* The time of one without rows. */
static void take_mtime(const struct hc_retain *r, struct seg *s)
{
	struct stat st;

	if (!s->first_seq && fstatat(r->root_fd, s->path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		s->from_ns = s->until_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static int take_file(struct hc_retain *r, const struct hc_seg_file *f)
{
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	int fd = hc_open_below(r->root_fd, f->path, NULL);
	int code = fd < 0 ? fd : hc_seg_load(fd, 0, UINT64_MAX, f->path, &seg, NULL);
	struct seg *s = code == -ENOMEM ? NULL : add(&r->list[f->stream]);

	if (fd >= 0)
		close(fd);
	if (!s)
		return -ENOMEM;
	s->number = f->number;
	s->bytes = f->bytes;
	s->path = strdup(f->path);
	if (!s->path) {
		r->list[f->stream].n--;
		return -ENOMEM;
	}
	if (code >= 0)
		take_header(r, s, &seg->header);
	for (uint32_t i = 0; code >= 0 && i < seg->n_blocks; i++)
		take_block(s, &seg->blocks[i].info);
	take_mtime(r, s);
	return 0;
}

/* Numbers that are not there: something was removed in an earlier run. */
static void look_for_missing(struct hc_retain *r, enum hc_stream stream)
{
	struct hc_retain_stream_stats *st = &r->stats.stream[stream];
	const struct list *l = &r->list[stream];
	bool missing = false;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct seg *s = &l->v[i];

		missing |= s->number != (i && same_boot(s, s - 1) ? s[-1].number + 1 : 1);
		if (missing && s->first_seq)
			st->removed_until_wall_ns = s->from_ns;
		missing = missing && !s->first_seq;
	}
}

static int list_all(struct hc_retain *r, struct hc_err *err)
{
	struct opening o = { .r = r };
	int code = hc_seg_files_scan_dir(r->root_fd, r->dir, &o.files, err);

	if (code == -ENOENT) {
		if (err)
			*err = (struct hc_err){ 0 };
		hc_seg_files_done(&o.files);
		return 0; /* a new capture */
	}
	o.have = code < 0 ? NULL : calloc(o.files.n + 1u, sizeof(*o.have));
	if (code >= 0 && !o.have)
		code = -ENOMEM;
	if (code >= 0 && hc_index_load(r->dir, take_index_row, &o, NULL) == -ENOMEM)
		code = -ENOMEM;
	for (uint32_t i = 0; code >= 0 && i < o.files.n; i++)
		if (!o.have[i])
			code = take_file(r, &o.files.v[i]);
	for (unsigned i = 0; code >= 0 && i < HC_N_STREAMS; i++) {
		sort(&r->list[i]);
		look_for_missing(r, (enum hc_stream)i);
	}
	free(o.have);
	hc_seg_files_done(&o.files);
	return code == -ENOMEM ? hc_err_set(err, code, "out of memory") : code;
}

int hc_retain_open(const char *dir, const uint8_t boot_id[16], struct hc_retain **ret, struct hc_err *err)
{
	struct hc_retain *r = calloc(1, sizeof(*r));
	int code = 0;

	if (!r)
		return hc_err_set(err, -ENOMEM, "out of memory");
	memcpy(r->boot_id, boot_id, sizeof(r->boot_id));
	r->dir = strdup(dir);
	r->root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!r->dir)
		code = hc_err_set(err, -ENOMEM, "out of memory");
	else if (r->root_fd < 0)
		code = hc_err_set(err, -errno, "cannot open the directory '%s': %s", dir, strerror(errno));
	else
		code = list_all(r, err);
	if (code < 0)
		hc_retain_free(r);
	else
		*ret = r;
	return code;
}

struct hc_retain *hc_retain_free(struct hc_retain *r)
{
	if (!r)
		return NULL;
	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		for (uint32_t i = 0; i < r->list[k].n; i++)
			free(r->list[k].v[i].path);
		free(r->list[k].v);
	}
	free(r->pins);
	free(r->dir);
	if (r->root_fd >= 0)
		close(r->root_fd);
	free(r);
	return NULL;
}

int hc_retain_block(struct hc_retain *r, const char *seg_path, const struct hc_seg_header *seg,
                    const struct hc_seg_block *block)
{
	struct list *l = &r->list[seg->stream];
	struct seg *s = l->n ? &l->v[l->n - 1] : NULL;
	const char *below = strstr(seg_path, "segments/");
	size_t root = strlen(r->dir);
	struct stat st;

	if (strncmp(seg_path, r->dir, root) == 0)
		below = seg_path + root + strspn(seg_path + root, "/");
	if (!below)
		return 0;
	if (!s || strcmp(s->path, below) != 0) {
		char *path = strdup(below);

		if (s && fstatat(r->root_fd, s->path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			s->bytes = (uint64_t)st.st_size; /* with its footer */
		s = path ? add(l) : NULL;
		if (!s) {
			free(path);
			return -ENOMEM;
		}
		s->path = path;
		take_header(r, s, seg);
	}
	take_block(s, &block->info);
	s->bytes = block->off + block->info.bytes;
	return 0;
}

/* ---- pins ---- */

int hc_retain_set_pins(struct hc_retain *r, const struct hc_retain_pin *pins, size_t n)
{
	struct hc_retain_pin *copy = n ? calloc(n, sizeof(*copy)) : NULL;

	if (n && !copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, pins, n * sizeof(*copy));
	free(r->pins);
	r->pins = copy;
	r->n_pins = n;
	return 0;
}

void hc_retain_set_index(struct hc_retain *r, struct hc_index_writer *index)
{
	r->index = index;
}

void hc_retain_set_unrecorded(struct hc_retain *r, int64_t until_wall_ns)
{
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		r->stats.stream[k].unrecorded_until_wall_ns = until_wall_ns;
}

static bool holds(const struct hc_retain_pin *p, enum hc_stream stream, const struct seg *s)
{
	if (!(p->streams & 1u << stream))
		return false;
	if (p->seq)
		return s->first_seq && s->first_seq <= p->seq && s->last_seq >= p->seq;
	return s->from_ns < p->until_ns && s->until_ns >= p->from_ns;
}

static bool one_holds(const struct hc_retain_pin *pins, size_t n, enum hc_stream stream, const struct seg *s)
{
	for (size_t i = 0; i < n; i++)
		if (holds(&pins[i], stream, s))
			return true;
	return false;
}

static bool is_pinned(const struct hc_retain *r, enum hc_stream stream, const struct seg *s)
{
	return one_holds(r->pins, r->n_pins, stream, s);
}

bool hc_retain_keeps(const struct hc_retain *r, const struct hc_retain_pin *row, const struct hc_retain_pin *pins,
                     size_t n)
{
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		for (uint32_t i = 0; i < r->list[k].n; i++) {
			const struct seg *s = &r->list[k].v[i];

			if (holds(row, (enum hc_stream)k, s) && one_holds(pins, n, (enum hc_stream)k, s))
				return true;
		}
	return false;
}

/* Into a list of at most max, newest first, that has n. */
static uint32_t insert_newest(struct hc_retain_segment *v, uint32_t n, uint32_t max,
                              const struct hc_retain_segment *one)
{
	uint32_t at = n;

	while (at && v[at - 1].until_wall_ns < one->until_wall_ns)
		at--;
	if (at == max)
		return n;
	n += n < max;
	memmove(&v[at + 1], &v[at], (n - at - 1) * sizeof(*v));
	v[at] = *one;
	return n;
}

uint32_t hc_retain_held(const struct hc_retain *r, const struct hc_retain_pin *pin, struct hc_retain_segment *ret,
                        uint32_t max)
{
	uint32_t total = 0, n = 0;

	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		for (uint32_t i = r->list[k].n; i--;) {
			const struct seg *s = &r->list[k].v[i];

			if (!holds(pin, (enum hc_stream)k, s))
				continue;
			total++;
			n = insert_newest(ret, n, max,
			                  &(struct hc_retain_segment){ .path = s->path,
			                                               .stream = (enum hc_stream)k,
			                                               .from_wall_ns = s->from_ns,
			                                               .until_wall_ns = s->until_ns,
			                                               .bytes = s->bytes });
		}
	return total;
}

/* ---- removing ---- */

static void tell_removed(struct hc_retain *r, enum hc_stream stream, const struct seg *s,
                         enum hc_retain_reason reason)
{
	struct hc_retain_stream_stats *st = &r->stats.stream[stream];
	struct hc_retain_removed *last =
		r->n_removed ? &r->removed[(r->first_removed + r->n_removed - 1) % MAX_REMOVED] : NULL;
	bool joins = last && last->reason == reason && last->stream == stream &&
	             s->number == last->last_number + 1 &&
	             memcmp(last->boot_id, s->boot_id, sizeof(s->boot_id)) == 0;

	if (!joins && r->n_removed < MAX_REMOVED) {
		last = &r->removed[(r->first_removed + r->n_removed++) % MAX_REMOVED];
		*last = (struct hc_retain_removed){
			.reason = reason, .stream = stream, .first_number = s->number, .last_number = s->number
		};
		memcpy(last->boot_id, s->boot_id, sizeof(s->boot_id));
	}
	if (s->first_seq || !last->until_wall_ns) {
		last->from_wall_ns =
			last->n_rows && last->from_wall_ns < s->from_ns ? last->from_wall_ns : s->from_ns;
		last->until_wall_ns =
			last->n_rows && last->until_wall_ns > s->until_ns ? last->until_wall_ns : s->until_ns;
	}
	if (s->first_seq && s->until_ns > st->removed_until_wall_ns)
		st->removed_until_wall_ns = s->until_ns;
	last->last_number = s->number;
	last->n_rows += s->n_rows;
	last->bytes += s->bytes;
	st->removed_bytes += s->bytes;
	st->removed_rows += s->n_rows;
	st->n_removed++;
}

/* A boot's directory that is empty now goes too; one that is not stays by itself. */
static void remove_parent(const struct hc_retain *r, const char *path)
{
	char dir[HC_SEG_PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash && snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path) < (int)sizeof(dir))
		unlinkat(r->root_fd, dir, AT_REMOVEDIR);
}

/* The bytes that are free now; 0 when it could not be removed. */
static uint64_t remove_at(struct hc_retain *r, enum hc_stream stream, uint32_t i, enum hc_retain_reason reason)
{
	struct list *l = &r->list[stream];
	struct seg s = l->v[i];

	if (unlinkat(r->root_fd, s.path, 0) < 0 && errno != ENOENT) {
		l->v[i].stuck = true;
		if (!r->failed)
			r->failed = hc_err_set(r->err, -errno, "cannot remove '%s/%s': %s", r->dir, s.path,
			                       strerror(errno));
		return 0;
	}
	if (r->index)
		hc_index_writer_remove(r->index, s.path);
	if (!s.this_boot)
		remove_parent(r, s.path);
	tell_removed(r, stream, &s, reason);
	memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(*l->v));
	l->n--;
	free(s.path);
	return s.bytes ? s.bytes : 1;
}

/* The oldest that may go, from *at on; false when there is none. */
static bool oldest(const struct hc_retain *r, enum hc_stream stream, uint32_t *at)
{
	const struct list *l = &r->list[stream];

	for (; *at + 1 < l->n; ++*at)
		if (!l->v[*at].stuck && !is_pinned(r, stream, &l->v[*at]))
			return true;
	return false;
}

static uint64_t bytes_of(const struct hc_retain *r, enum hc_stream stream)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->list[stream].n; i++)
		n += r->list[stream].v[i].bytes;
	return n;
}

/* Removes oldest ones of a stream until *excess is not more than 0. */
static void shrink(struct hc_retain *r, enum hc_stream stream, uint64_t *excess, enum hc_retain_reason reason)
{
	uint32_t at = 0;

	while (*excess && oldest(r, stream, &at)) {
		uint64_t n = remove_at(r, stream, at, reason);

		*excess -= n < *excess ? n : *excess;
	}
}

static uint64_t shorter(uint64_t a, uint64_t b)
{
	return !a ? b : !b || a < b ? a : b;
}

static void by_age(struct hc_retain *r, enum hc_stream stream, uint64_t max_ns, int64_t now_wall,
                   uint64_t now_boot)
{
	for (uint32_t at = 0; max_ns && oldest(r, stream, &at);) {
		const struct seg *s = &r->list[stream].v[at];
		bool old = s->this_boot && s->first_seq
		                   ? now_boot > s->until_boot_ns && now_boot - s->until_boot_ns > max_ns
		                   : now_wall > s->until_ns && (uint64_t)now_wall - (uint64_t)s->until_ns > max_ns;

		if (!old || !remove_at(r, stream, at, HC_RETAIN_AGE))
			at++;
	}
}

static void look_at_disk(struct hc_retain *r)
{
	struct statvfs vfs;

	r->stats.disk_bytes = r->stats.disk_free_bytes = 0;
	if (fstatvfs(r->root_fd, &vfs) < 0)
		return;
	r->stats.disk_bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	r->stats.disk_free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
}

static bool by_free(struct hc_retain *r, const struct hc_retain_rules *rules, uint64_t now_boot)
{
	uint64_t want = rules->keep_free_bytes, share, excess, left;

	share = r->stats.disk_bytes / 1000 * (rules->keep_free_permille < 1000 ? rules->keep_free_permille : 1000);
	want = share > want ? share : want;
	if (!want || !r->stats.disk_bytes || r->stats.disk_free_bytes >= want)
		return true;
	if (r->freed_boot_ns && now_boot - r->freed_boot_ns < FREE_PAUSE_NS)
		return true;
	r->freed_boot_ns = now_boot;
	excess = left = want - r->stats.disk_free_bytes;
	shrink(r, HC_STREAM_BULK, &left, HC_RETAIN_FREE);
	/* security goes only below half of what is wanted, after counting the room that bulk has given */
	if (r->stats.disk_free_bytes + (excess - left) < want / 2) {
		uint64_t half = want / 2 - (r->stats.disk_free_bytes + (excess - left));

		shrink(r, HC_STREAM_SECURITY, &half, HC_RETAIN_FREE);
	}
	return left == 0;
}

int hc_retain_apply(struct hc_retain *r, const struct hc_retain_rules *rules, int64_t now_wall_ns,
                    uint64_t now_boot_ns, struct hc_err *err)
{
	uint64_t all = 0;
	bool over = false;

	r->err = err;
	r->failed = 0;
	for (unsigned k = HC_N_STREAMS; k-- > 0;) {
		enum hc_stream stream = (enum hc_stream)k;
		uint64_t bytes, excess;

		by_age(r, stream, shorter(rules->all.max_age_ns, rules->stream[k].max_age_ns), now_wall_ns,
		       now_boot_ns);
		bytes = bytes_of(r, stream);
		excess = rules->stream[k].max_bytes && bytes > rules->stream[k].max_bytes
		                 ? bytes - rules->stream[k].max_bytes
		                 : 0;
		shrink(r, stream, &excess, HC_RETAIN_SIZE);
		over |= excess > 0;
		all += bytes_of(r, stream);
	}
	if (rules->all.max_bytes && all > rules->all.max_bytes) {
		uint64_t excess = all - rules->all.max_bytes;

		shrink(r, HC_STREAM_BULK, &excess, HC_RETAIN_SIZE);
		shrink(r, HC_STREAM_SECURITY, &excess, HC_RETAIN_SIZE);
		over |= excess > 0;
	}
	look_at_disk(r);
	over |= !by_free(r, rules, now_boot_ns);
	r->stats.limit_bytes = rules->all.max_bytes;
	r->stats.over = over;
	r->err = NULL;
	return r->failed;
}

uint64_t hc_retain_make_room(struct hc_retain *r, uint64_t need_bytes)
{
	uint64_t left = need_bytes ? need_bytes : 1, freed = 0;

	for (unsigned k = HC_N_STREAMS; k-- > 0 && left;) {
		enum hc_stream stream = (enum hc_stream)k;

		for (uint32_t at = 0; left && oldest(r, stream, &at);) {
			uint64_t n = remove_at(r, stream, at, HC_RETAIN_FULL);

			freed += n;
			left -= n < left ? n : left;
		}
	}
	return freed;
}

bool hc_retain_removed_next(struct hc_retain *r, struct hc_retain_removed *ret)
{
	if (!r->n_removed)
		return false;
	*ret = r->removed[r->first_removed];
	r->first_removed = (r->first_removed + 1) % MAX_REMOVED;
	r->n_removed--;
	return true;
}

int64_t hc_retain_since(const struct hc_retain_stats *st, enum hc_stream stream)
{
	const struct hc_retain_stream_stats *s = &st->stream[stream];
	int64_t since = s->removed_until_wall_ns;

	for (unsigned k = 0; k < HC_N_STREAMS && !s->removed_until_wall_ns; k++) {
		int64_t oldest = st->stream[k].oldest_wall_ns;

		if (oldest && (!since || oldest < since))
			since = oldest;
	}
	return since && s->unrecorded_until_wall_ns > since ? s->unrecorded_until_wall_ns : since;
}

void hc_retain_stats(const struct hc_retain *r, struct hc_retain_stats *ret)
{
	*ret = r->stats;
	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		struct hc_retain_stream_stats *st = &ret->stream[k];

		for (uint32_t i = 0; i < r->list[k].n; i++) {
			const struct seg *s = &r->list[k].v[i];
			bool pinned = is_pinned(r, (enum hc_stream)k, s);

			st->n_segments++;
			st->bytes += s->bytes;
			st->n_pinned += pinned;
			st->pinned_bytes += pinned ? s->bytes : 0;
			if (s->first_seq && (!st->oldest_wall_ns || s->from_ns < st->oldest_wall_ns))
				st->oldest_wall_ns = s->from_ns;
		}
	}
}
