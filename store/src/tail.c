/*
 * What is there when the tail is opened comes from the capture, index included. What comes later is read from the
 * newest segment of each stream, from the end of the last whole block on; whether there is another segment or boot
 * is asked of the directories when their times have changed.
 *
 * Order. Each stream gives its blocks in order; of the two next ones that with the smaller first_seq is given.
 * Rows that are on their way in a block which is not written yet show as holes in the numbering: as long as there
 * are any, only what lies before the end of both streams is complete. Holes that are not filled in HC_TAIL_WAIT_NS
 * are forgiven: retention or damage made them, or they are late.
 */
#include "store/base/clock.h"
#include "store/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_priv.h"
#include "segment_priv.h"

#define LOOK_NS (UINT64_C(50) * 1000000)       /* not more often */
#define ALIVE_NS (UINT64_C(300) * 1000000)     /* between two looks whether somebody writes */
#define LOST_NS (UINT64_C(5) * 1000000000)     /* a writer with rows has long noticed that its segment is gone */
#define LIST_NS (UINT64_C(10) * 1000000000)    /* at the latest: directories of some file systems tell little */
#define SETTLED_NS (UINT64_C(15) * 1000000000) /* what is older was written, even of a quiet stream */
/* Past filter->until_wall_ns: the time that a block takes to the disk, without and with a writer that sees us. */
#define UNTIL_QUIET_NS (INT64_C(12) * 1000000000)
#define UNTIL_NS (INT64_C(3) * 1000000000)
#define REMOVED "was removed before it was read"

struct stream {
	int fd; /* of the segment that is read; -1: none */
	char path[HC_SEG_PATH_MAX];
	uint8_t kind;     /* of its blocks: enum hc_stream, as its header says */
	uint32_t number;  /* of it, or of the last one that was; 0: none yet */
	bool grows;       /* not read to its end */
	uint64_t lost_ns; /* when its file was found removed; 0: it is there */
	bool lost_is_said;
	uint64_t off;               /* of what is not read yet; 0: all of it */
	uint64_t seen_bytes;        /* its length when it was read last */
	struct hc_seg_block *queue; /* read, not given yet: from `next` on */
	uint32_t n, next;
	uint64_t last_seq; /* of all that was read; 0: nothing */
	int64_t last_wall_ns;
};

struct hc_tail {
	struct hc_capture *c;
	struct hc_block_filter filter;
	int lock_fd;
	bool locked;
	/* what was there */
	uint32_t *selected, n_selected, next_selected;
	uint32_t removed_seg[HC_N_STREAMS]; /* the last one that was found removed, + 1 */
	uint64_t settled_seq;               /* of the last boot: up to it all is on disk */
	/* what comes: one boot at a time */
	struct hc_arena arena;
	const char **dirs; /* segments/NODE/BOOT of boots that are done or begun */
	uint32_t n_dirs;
	const char *dir; /* the boot that is read; NULL: none yet */
	struct stream stream[HC_N_STREAMS];
	struct hc_seg_files files; /* those that are new at the last look */
	uint32_t n_dir_problems;
	uint64_t dirs_sum; /* of the times of directories then */
	bool dirs_settled;
	bool writer_gone;
	uint64_t looked_ns, listed_ns, alive_ns; /* when; monotonic */
	/* numbering of the boot */
	uint64_t base_seq, n_rows, max_seq; /* of blocks given; n_rows 0: none */
	uint64_t forgiven;                  /* holes that are not waited for */
	uint64_t complete_seq;
	uint64_t waiting_for_seq, waiting_since_ns; /* 0: not waiting */
};

static int64_t last_wall_ns(const struct hc_block_info *i)
{
	return (int64_t)(i->last_ns + (uint64_t)i->wall_offset_ns);
}

/* ---- segments that grow ---- */

static bool in_dir(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

/* The next segment of a stream, as far as was looked. */
static const struct hc_seg_file *next_file(const struct hc_tail *t, unsigned stream)
{
	const struct hc_seg_file *best = NULL;

	for (uint32_t i = 0; t->dir && i < t->files.n; i++) {
		const struct hc_seg_file *f = &t->files.v[i];

		if (f->stream == stream && f->number > t->stream[stream].number && in_dir(f->path, t->dir) &&
		    (!best || f->number < best->number))
			best = f;
	}
	return best;
}

static bool is_known(const struct hc_tail *t, const char *path)
{
	for (uint32_t i = 0; i < t->n_dirs; i++)
		if (in_dir(path, t->dirs[i]))
			return true;
	return false;
}

/* A segment of a boot that was not there before. */
static const struct hc_seg_file *next_boot(const struct hc_tail *t)
{
	for (uint32_t i = 0; i < t->files.n; i++)
		if (!is_known(t, t->files.v[i].path))
			return &t->files.v[i];
	return NULL;
}

/* Names the directory of a segment's path as known. */
static const char *add_dir(struct hc_tail *t, const char *path)
{
	size_t n = (size_t)(strrchr(path, '/') - path);
	const char **dirs = realloc(t->dirs, (t->n_dirs + 1u) * sizeof(*dirs));
	const char *dir = hc_arena_str(&t->arena, (struct hc_str){ path, (uint32_t)n }).p;

	if (dirs)
		t->dirs = dirs;
	if (dirs && dir)
		dirs[t->n_dirs++] = dir;
	return dirs ? dir : NULL;
}

static void stream_reset(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->queue);
	*s = (struct stream){ .fd = -1 };
}

static int add_problems(struct hc_tail *t, const struct stream *s, const struct hc_seg *seg, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct hc_seg_damage *d = &seg->damage[i];

		if (hc_capture_problem_at(t->c, s->path, d->off, d->bytes, d->what) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The footer has come: it is what it should be? */
static int check_footer(struct hc_tail *t, const struct stream *s, uint64_t off)
{
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	int r = hc_seg_load(s->fd, 0, UINT64_MAX, s->path, &seg, NULL);

	if (r == -ENOMEM || (r == 0 && seg->state == HC_SEG_SEALED))
		return r;
	return hc_capture_problem_at(t->c, s->path, off, 0,
	                             "the footer is damaged; the blocks were found without it");
}

static int take_segment(struct hc_tail *t, struct stream *s, struct hc_seg *seg, bool is_final)
{
	uint64_t end = s->off;
	bool torn = seg->state == HC_SEG_TORN && seg->n_damage;
	int r;

	if (seg->n_blocks)
		end = seg->blocks[seg->n_blocks - 1].off + seg->blocks[seg->n_blocks - 1].info.bytes;
	if (torn) /* damage with blocks behind it is over; an end that is no block may become one */
		end = seg->damage[seg->n_damage - 1].off;
	s->kind = seg->header.stream;
	r = add_problems(t, s, seg, seg->n_damage - (torn && !is_final));
	if (r == 0 && seg->state == HC_SEG_SEALED && s->off)
		r = check_footer(t, s, end);
	free(s->queue);
	s->queue = hc_steal(seg->blocks);
	s->n = seg->n_blocks;
	s->next = 0;
	s->off = end;
	s->seen_bytes = seg->file_bytes;
	s->grows = seg->state != HC_SEG_SEALED && !is_final;
	if (s->n) {
		s->last_seq = s->queue[s->n - 1].info.last_seq;
		s->last_wall_ns = last_wall_ns(&s->queue[s->n - 1].info);
	}
	return r;
}

/* Whether a file begins as the one that is read, and has what was read of it. */
static bool is_same_segment(const struct stream *s, int fd)
{
	uint8_t old[HC_SEG_HEADER_MAX_BYTES], new[HC_SEG_HEADER_MAX_BYTES];
	ssize_t n_old = pread(s->fd, old, sizeof(old), 0), n_new = pread(fd, new, sizeof(new), 0);
	ssize_t n = n_old < n_new ? n_old : n_new;
	struct stat st;

	if (n < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size < s->off)
		return false;
	if (s->off && (uint64_t)n > s->off)
		n = (ssize_t)s->off; /* behind that the old one may have what was never finished */
	return memcmp(old, new, (size_t)n) == 0;
}

/* The file that is read was removed. Its writer writes it anew when it notices: then that one is gone on with. */
static bool find_restored(struct hc_tail *t, struct stream *s)
{
	int fd = hc_open_below(hc_capture_root(t->c), s->path, NULL);

	if (fd < 0)
		return false;
	if (!is_same_segment(s, fd)) {
		close(fd);
		return false;
	}
	close(s->fd);
	s->fd = fd;
	s->seen_bytes = 0;
	s->lost_ns = 0;
	return true;
}

/* It was removed, and may not come back: what is appended then is seen by nobody. */
static int say_lost(struct hc_tail *t, struct stream *s, bool is_final)
{
	uint64_t now_ns = hc_clock_ns(CLOCK_MONOTONIC);

	if (!s->lost_ns)
		s->lost_ns = now_ns;
	if (s->lost_is_said || (!is_final && now_ns - s->lost_ns < LOST_NS))
		return 0;
	s->lost_is_said = true;
	return hc_capture_problem_at(t->c, s->path, s->off, 0, "was removed while it was written");
}

/* Reads what was appended. is_final: nobody writes it any more, an end that is no whole block stays one. */
static int grow(struct hc_tail *t, struct stream *s, bool is_final, struct hc_err *err)
{
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	struct hc_err why = { 0 };
	struct stat st;
	bool removed;
	int r;

	if (fstat(s->fd, &st) < 0 || (st.st_nlink == 0 && find_restored(t, s) && fstat(s->fd, &st) < 0))
		return hc_err_set(err, -errno, "cannot read '%s': %s", s->path, strerror(errno));
	/* at the end, a segment that was there until then is whole */
	removed = st.st_nlink == 0 && (!is_final || s->lost_ns);
	if ((uint64_t)st.st_size == s->seen_bytes && !is_final)
		return removed && say_lost(t, s, false) < 0 ? hc_err_set(err, -ENOMEM, "out of memory") : 0;
	r = s->off ? hc_seg_load_more(s->fd, s->off, s->kind, s->path, &seg, &why)
	           : hc_seg_load(s->fd, 0, UINT64_MAX, s->path, &seg, &why);
	if (r == 0)
		r = take_segment(t, s, seg, is_final);
	else if (r == -EBADMSG && !is_final)
		r = 0; /* its header is not all there yet */
	else if (r != -ENOMEM) {
		s->grows = false;
		r = hc_capture_problem_at(t->c, s->path, why.has_offset ? why.offset : 0, (uint64_t)st.st_size,
		                          why.msg);
	}
	if (r == 0 && removed && !(seg && seg->state == HC_SEG_SEALED))
		r = say_lost(t, s, is_final);
	return r < 0 ? hc_err_set(err, r, "out of memory") : 0;
}

/* Goes on to a segment; those of the numbers between were removed before they were seen. */
static int begin(struct hc_tail *t, struct stream *s, const struct hc_seg_file *f, struct hc_err *err)
{
	struct hc_err why = { 0 };
	uint32_t n_missing = s->number ? f->number - s->number - 1 : 0;
	char text[96];
	int r = 0;

	if (s->fd >= 0)
		close(s->fd);
	snprintf(s->path, sizeof(s->path), "%s", f->path);
	s->number = f->number;
	s->off = s->seen_bytes = s->lost_ns = 0;
	s->lost_is_said = false;
	s->fd = hc_open_below(hc_capture_root(t->c), s->path, &why);
	s->grows = s->fd >= 0;
	snprintf(text, sizeof(text), "%u segments before it were removed before they were read", n_missing);
	if (n_missing)
		r = hc_capture_problem_at(t->c, s->path, 0, 0,
		                          n_missing == 1 ? "the segment before it was removed "
		                                           "before it was read"
		                                         : text);
	if (why.code == -EMFILE || why.code == -ENFILE || why.code == -ENOMEM)
		return hc_err_set(err, why.code, "%s", why.msg);
	if (r == 0 && why.code)
		r = hc_capture_problem_at(t->c, s->path, 0, 0, why.code == -ENOENT ? REMOVED : why.msg);
	return r < 0 ? hc_err_set(err, r, "out of memory") : 0;
}

/* Puts the stream's next blocks into its queue, if there are any. */
static int fill(struct hc_tail *t, unsigned stream, struct hc_err *err)
{
	struct stream *s = &t->stream[stream];
	int r = 0;

	while (r == 0 && s->next == s->n) {
		const struct hc_seg_file *f = next_file(t, stream);

		if (s->grows) {
			r = grow(t, s, t->writer_gone || f || next_boot(t), err);
			if (s->grows)
				break;
		} else if (f) {
			r = begin(t, s, f, err);
		} else {
			break;
		}
	}
	return r;
}

/* ---- directories ---- */

static uint64_t time_of(struct hc_tail *t, const char *path)
{
	struct stat st;
	uint64_t mtime_ns, now_ns = hc_clock_ns(CLOCK_REALTIME);

	if (fstatat(hc_capture_root(t->c), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	if (mtime_ns + 1000000000 > now_ns) /* such a time may stay the same over another change */
		t->dirs_settled = false;
	return mtime_ns;
}

static bool is_new(const struct hc_tail *t, const struct hc_seg_file *f)
{
	if (t->dir && in_dir(f->path, t->dir))
		return f->number > t->stream[f->stream].number;
	return !is_known(t, f->path);
}

/* Lists the segments anew when something in the directories has changed. */
static int list(struct hc_tail *t, bool force, struct hc_err *err)
{
	struct hc_err why = { 0 };
	uint32_t n = 0;
	bool was_settled = t->dirs_settled;
	uint64_t sum = 0;
	int r = 0;

	t->dirs_settled = t->dir != NULL;
	if (t->dir) {
		char node[HC_SEG_PATH_MAX];

		snprintf(node, sizeof(node), "%s", t->dir);
		*strrchr(node, '/') = '\0';
		sum = time_of(t, "segments") + 3 * time_of(t, node) + 5 * time_of(t, t->dir);
	}
	if (was_settled && sum == t->dirs_sum && !force)
		return 0;
	t->dirs_sum = sum;
	t->listed_ns = hc_clock_ns(CLOCK_MONOTONIC);
	hc_seg_files_done(&t->files);
	r = hc_seg_files_scan_dir(hc_capture_root(t->c), hc_capture_path(t->c), &t->files, &why);
	if (r < 0 && r != -ENOENT)
		return hc_err_set(err, r, "%s", why.msg);
	for (; t->n_dir_problems < t->files.n_problems; t->n_dir_problems++) {
		const struct hc_capture_problem *p = &t->files.problems[t->n_dir_problems];

		if (hc_capture_problem_at(t->c, p->path, 0, 0, p->what) < 0)
			return hc_err_set(err, -ENOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < t->files.n; i++)
		if (is_new(t, &t->files.v[i]))
			t->files.v[n++] = t->files.v[i];
	t->files.n = n;
	return 0;
}

static void hold_lock(struct hc_tail *t)
{
	struct stat st;

	if (t->lock_fd >= 0 && fstat(t->lock_fd, &st) == 0 && st.st_nlink == 0) { /* removed: no writer asks it */
		close(t->lock_fd);
		t->lock_fd = -1;
		t->locked = false;
	}
	if (t->lock_fd < 0)
		t->lock_fd =
			openat(hc_capture_root(t->c), "segments", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (t->lock_fd >= 0 && !t->locked)
		t->locked = flock(t->lock_fd, LOCK_SH | LOCK_NB) == 0;
}

/* Whether somebody writes is asked first: what is found after the answer "nobody" is all there will be. */
static int look(struct hc_tail *t, struct hc_err *err)
{
	uint64_t now_ns = hc_clock_ns(CLOCK_MONOTONIC);
	bool ends = false;
	int r;

	if (t->writer_gone || now_ns - t->looked_ns < LOOK_NS)
		return 0;
	t->looked_ns = now_ns;
	hold_lock(t);
	if (now_ns - t->alive_ns >= ALIVE_NS) {
		t->alive_ns = now_ns;
		ends = !hc_dir_is_locked(hc_capture_root(t->c), false);
	}
	r = list(t, ends || now_ns - t->listed_ns >= LIST_NS, err);
	t->writer_gone = ends;
	return r;
}

/* ---- numbering ---- */

static void count(struct hc_tail *t, const struct hc_block_info *i)
{
	if (!t->n_rows || i->first_seq < t->base_seq)
		t->base_seq = i->first_seq;
	if (!t->n_rows || i->last_seq > t->max_seq)
		t->max_seq = i->last_seq;
	t->n_rows += i->n_rows;
}

static uint64_t n_holes(const struct hc_tail *t)
{
	uint64_t span = t->max_seq - t->base_seq + 1;

	return t->n_rows && span > t->n_rows ? span - t->n_rows : 0;
}

/* How far it is complete, by what was given up to now. */
static uint64_t complete(struct hc_tail *t)
{
	uint64_t both = UINT64_MAX, known = UINT64_MAX, holes = n_holes(t), now_ns;

	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		const struct stream *s = &t->stream[k];
		bool more = s->next < s->n;
		uint64_t first = more ? s->queue[s->next].info.first_seq : 0;
		uint64_t end = more ? first - (first > 0) : s->last_seq;

		both = end < both ? end : both;
		if (more)
			known = end < known ? end : known;
	}
	if (known > t->max_seq)
		known = t->max_seq;
	if (holes < t->forgiven)
		t->forgiven = holes;
	if (both > t->complete_seq)
		t->complete_seq = both;
	if (holes <= t->forgiven && known > t->complete_seq)
		t->complete_seq = known;
	if (t->complete_seq >= t->waiting_for_seq) {
		t->waiting_for_seq = t->max_seq;
		t->waiting_since_ns = 0;
	}
	if (t->complete_seq >= t->max_seq)
		return t->complete_seq;
	now_ns = hc_clock_ns(CLOCK_MONOTONIC);
	if (!t->waiting_since_ns)
		t->waiting_since_ns = now_ns;
	if (now_ns - t->waiting_since_ns >= HC_TAIL_WAIT_NS) {
		t->forgiven = holes;
		if (known > t->complete_seq)
			t->complete_seq = known;
	}
	return t->complete_seq;
}

/* ---- what was there ---- */

/*
 * Where the streams of the last boot end, and what can be missing behind that: rows in blocks that are being
 * built.
 */
static void number_last_boot(struct hc_tail *t)
{
	uint32_t n_segs, n;
	const struct hc_capture_seg *segs = hc_capture_segs(t->c, &n_segs);
	const struct hc_capture_block *blocks = hc_capture_blocks(t->c, &n);
	uint64_t newest_ns = 0, settled = UINT64_MAX;

	for (uint32_t i = 0; i < n; i++) {
		const struct hc_block_info *info = &blocks[i].info;
		struct stream *s = &t->stream[segs[blocks[i].seg].header.stream];

		if (segs[blocks[i].seg].boot != segs[n_segs - 1].boot)
			continue;
		count(t, info);
		newest_ns = info->last_ns > newest_ns ? info->last_ns : newest_ns;
		if (info->last_seq >= s->last_seq) {
			s->last_seq = info->last_seq;
			s->last_wall_ns = last_wall_ns(info);
		}
	}
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		settled = t->stream[k].last_seq < settled ? t->stream[k].last_seq : settled;
	for (uint32_t i = 0; i < n; i++) {
		const struct hc_block_info *info = &blocks[i].info;

		if (segs[blocks[i].seg].boot == segs[n_segs - 1].boot && info->last_seq > settled &&
		    newest_ns > SETTLED_NS && info->last_ns <= newest_ns - SETTLED_NS)
			settled = info->last_seq;
	}
	t->settled_seq = t->complete_seq = settled;
}

/* The segment of a listed file; NULL when it could not be read. */
static const struct hc_capture_seg *seg_of(const struct hc_capture *c, uint32_t file)
{
	uint32_t n_segs, n_files;
	const struct hc_capture_seg *segs = hc_capture_segs(c, &n_segs);
	const struct hc_capture_file *files = hc_capture_files(c, &n_files);

	for (uint32_t i = 0; i < n_segs; i++)
		if (hc_capture_seg_file(c, i) == &files[file])
			return &segs[i];
	return NULL;
}

/* Goes on in the newest segment of a stream where the capture has stopped reading. */
static int resume(struct hc_tail *t, struct stream *s, uint32_t file, bool is_final, struct hc_err *err)
{
	const struct hc_seg_file *f = &hc_capture_found(t->c)->v[file];
	const struct hc_capture_seg *seg = seg_of(t->c, file);
	struct hc_err why = { 0 };
	uint32_t n;

	snprintf(s->path, sizeof(s->path), "%s", f->path);
	s->number = f->number;
	if (seg ? seg->state == HC_SEG_SEALED : f->bytes >= 128) /* whole; or a problem that is listed already */
		return 0;
	if (seg && seg->n_blocks) {
		const struct hc_capture_block *last =
			&hc_capture_blocks(t->c, &n)[seg->first_block + seg->n_blocks - 1];

		s->off = last->off + last->info.bytes;
		s->kind = seg->header.stream;
	}
	s->fd = hc_open_below(hc_capture_root(t->c), s->path, &why);
	if (s->fd < 0)
		return why.code == -ENOENT ? 0 : hc_err_set(err, why.code, "%s", why.msg);
	s->grows = true;
	return is_final ? grow(t, s, true, err) : 0;
}

/* The newest segments of the last boot grow; those of the boots before have ended, whole or not. */
static int resume_all(struct hc_tail *t, struct hc_err *err)
{
	const struct hc_seg_files *found = hc_capture_found(t->c);
	uint32_t n_segs;
	const struct hc_capture_seg *segs = hc_capture_segs(t->c, &n_segs);
	int r = 0;

	if (n_segs)
		t->dir = add_dir(t, segs[n_segs - 1].path);
	if (n_segs && !t->dir)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; r == 0 && n_segs && i < found->n; i++) {
		const struct hc_seg_file *f = &found->v[i], *next = i + 1 < found->n ? f + 1 : NULL;
		size_t dir = (size_t)(strrchr(f->path, '/') - f->path);
		struct stream old = { .fd = -1 };

		if (!is_known(t, f->path) && !add_dir(t, f->path))
			return hc_err_set(err, -ENOMEM, "out of memory");
		if (next && next->stream == f->stream && strncmp(f->path, next->path, dir + 1) == 0)
			continue; /* not the newest */
		if (in_dir(f->path, t->dir)) {
			r = resume(t, &t->stream[f->stream], i, false, err);
		} else {
			r = resume(t, &old, i, true, err);
			stream_reset(&old);
		}
	}
	return r;
}

int hc_tail_open(struct hc_capture *c, const struct hc_block_filter *filter, struct hc_tail **ret,
                 struct hc_err *err)
{
	HC_AUTO(hc_tail_close) struct hc_tail *t = calloc(1, sizeof(*t));
	uint32_t n_segs;
	int r;

	if (!t)
		return hc_err_set(err, -ENOMEM, "out of memory");
	t->lock_fd = -1;
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		t->stream[k].fd = -1;
	if (hc_capture_kind(c) != HC_CAPTURE_DIR)
		return hc_err_set(err, -EINVAL, "'%s' is a %s: only the directory of a capture can be followed",
		                  hc_capture_path(c),
		                  hc_capture_kind(c) == HC_CAPTURE_BUNDLE ? "bundle" : "single segment");
	t->c = c;
	t->filter = *filter;
	t->filter.has_types = false;
	t->writer_gone = !hc_capture_is_live(c);
	t->settled_seq = UINT64_MAX;
	r = hc_capture_select(c, &t->filter, &t->selected, &t->n_selected, err);
	if (r < 0)
		return r;
	hc_capture_segs(c, &n_segs);
	if (!t->writer_gone) {
		hold_lock(t);
		if (n_segs)
			number_last_boot(t);
		r = resume_all(t, err);
		if (r < 0)
			return r;
	}
	*ret = hc_steal(t);
	return 0;
}

struct hc_tail *hc_tail_close(struct hc_tail *t)
{
	if (!t)
		return NULL;
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		stream_reset(&t->stream[k]);
	if (t->lock_fd >= 0)
		close(t->lock_fd);
	hc_seg_files_done(&t->files);
	hc_arena_done(&t->arena);
	free(t->dirs);
	free(t->selected);
	free(t);
	return NULL;
}

/* ---- giving ---- */

static struct hc_tail_block *block_new(const char *path, uint64_t off, const struct hc_block_info *info)
{
	size_t n = strlen(path) + 1;
	struct hc_tail_block *b = malloc(sizeof(*b) + n);

	if (!b)
		return NULL;
	memcpy(b + 1, path, n);
	*b = (struct hc_tail_block){
		.info = *info, .path = (const char *)(b + 1), .off = off, .index = UINT32_MAX, .fd = -1
	};
	return b;
}

struct hc_tail_block *hc_tail_block_free(struct hc_tail_block *b)
{
	if (b && b->fd >= 0)
		close(b->fd);
	free(b);
	return NULL;
}

static int give_old(struct hc_tail *t, struct hc_tail_block **ret, uint64_t *ret_complete_seq, struct hc_err *err)
{
	uint32_t n, n_segs, index = t->selected[t->next_selected++];
	const struct hc_capture_block *blocks = hc_capture_blocks(t->c, &n), *b = &blocks[index], *next;
	const struct hc_capture_seg *segs = hc_capture_segs(t->c, &n_segs);
	uint64_t complete_seq = UINT64_MAX;

	if (t->next_selected < t->n_selected) {
		next = &blocks[t->selected[t->next_selected]];
		if (segs[next->seg].boot == segs[b->seg].boot)
			complete_seq = next->info.first_seq - (next->info.first_seq > 0);
	}
	if (segs[b->seg].boot == segs[n_segs - 1].boot && complete_seq > t->settled_seq)
		complete_seq = t->settled_seq;
	*ret = block_new(segs[b->seg].path, b->off, &b->info);
	if (!*ret)
		return hc_err_set(err, -ENOMEM, "out of memory");
	(*ret)->index = index;
	*ret_complete_seq = complete_seq;
	return HC_TAIL_BLOCK;
}

/* The block that is next by number, out of a queue; NULL when both are empty. */
static int pop(struct hc_tail *t, struct hc_tail_block **ret, struct hc_err *err)
{
	struct stream *from = NULL;
	const struct hc_seg_block *b;

	for (unsigned k = 0; k < HC_N_STREAMS; k++) {
		struct stream *s = &t->stream[k];

		if (s->next < s->n &&
		    (!from || s->queue[s->next].info.first_seq < from->queue[from->next].info.first_seq))
			from = s;
	}
	*ret = NULL;
	if (!from)
		return 0;
	b = &from->queue[from->next++];
	count(t, &b->info);
	*ret = block_new(from->path, b->off, &b->info);
	if (!*ret)
		return hc_err_set(err, -ENOMEM, "out of memory");
	(*ret)->fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0); /* it can be read also when the file is gone */
	return 0;
}

/* All of the boot is read, and there is another. */
static bool boot_ends(const struct hc_tail *t)
{
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		if (t->stream[k].grows || t->stream[k].next < t->stream[k].n || next_file(t, k))
			return false;
	return next_boot(t) != NULL;
}

static int next_boot_begin(struct hc_tail *t, struct hc_err *err)
{
	t->dir = add_dir(t, next_boot(t)->path);
	if (!t->dir)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		stream_reset(&t->stream[k]);
	t->base_seq = t->n_rows = t->max_seq = t->forgiven = t->complete_seq = 0;
	t->waiting_for_seq = t->waiting_since_ns = 0;
	return 0;
}

static bool until_is_past(const struct hc_tail *t)
{
	int64_t until = t->filter.until_wall_ns, now_ns = hc_wall_ns() - (t->locked ? UNTIL_NS : UNTIL_QUIET_NS);

	if (!t->filter.has_until)
		return false;
	if (now_ns >= until)
		return true;
	for (unsigned k = 0; k < HC_N_STREAMS; k++)
		if (!t->stream[k].last_seq || t->stream[k].last_wall_ns < until)
			return false;
	return true;
}

int hc_tail_next(struct hc_tail *t, struct hc_tail_block **ret_block, uint64_t *ret_complete_seq,
                 struct hc_err *err)
{
	struct hc_tail_block *b = NULL;
	int r = 0;

	if (t->next_selected < t->n_selected)
		return give_old(t, ret_block, ret_complete_seq, err);
	do {
		b = hc_tail_block_free(b);
		r = look(t, err);
		for (unsigned k = 0; r == 0 && k < HC_N_STREAMS; k++)
			r = fill(t, k, err);
		if (r == 0)
			r = pop(t, &b, err);
	} while (r == 0 && b && !hc_block_wanted(&b->info, &t->filter));
	if (r < 0)
		return r;
	if (b) {
		*ret_complete_seq = complete(t);
		*ret_block = b;
		return HC_TAIL_BLOCK;
	}
	*ret_complete_seq = UINT64_MAX;
	if (boot_ends(t)) {
		r = next_boot_begin(t, err);
		return r < 0 ? r : HC_TAIL_IDLE;
	}
	if (t->writer_gone || until_is_past(t))
		return HC_TAIL_END;
	*ret_complete_seq = complete(t);
	return HC_TAIL_IDLE;
}

int hc_tail_load(const struct hc_tail *t, const struct hc_tail_block *b, struct hc_block **ret, struct hc_err *err)
{
	HC_AUTO(hc_block_close) struct hc_block *block = NULL;
	struct hc_err why = { 0 };
	int fd, r;

	if (b->index != UINT32_MAX) {
		r = hc_capture_load(t->c, b->index, ret, &why);
	} else {
		fd = b->fd >= 0 ? fcntl(b->fd, F_DUPFD_CLOEXEC, 0)
		                : hc_open_below(hc_capture_root(t->c), b->path, &why);
		if (fd < 0 && !why.code)
			return hc_err_set(err, -errno, "cannot open %s again: %s", b->path, strerror(errno));
		r = fd < 0 ? why.code : hc_block_open(fd, (off_t)b->off, b->path, &block, &why);
		if (r == 0) {
			hc_block_take_fd(block);
			*ret = hc_steal(block);
		} else if (fd >= 0) {
			close(fd);
		}
	}
	if (r == 0)
		return 0;
	if (r == -ENOENT)
		return hc_err_set(err, -EBADMSG, REMOVED);
	if (r == -ENOTSUP || r == -E2BIG)
		r = why.code = -EBADMSG; /* in a segment of a version that we read it is damage */
	if (err)
		*err = why;
	return r;
}

void hc_tail_add_problem(struct hc_tail *t, const struct hc_tail_block *b, const struct hc_err *err)
{
	uint32_t n, seg, *said;

	if (b->index == UINT32_MAX) {
		(void)hc_capture_problem_at(t->c, b->path, b->off, b->info.bytes, err->msg);
		return;
	}
	if (strcmp(err->msg, REMOVED) == 0) { /* said once for all its blocks */
		seg = hc_capture_blocks(t->c, &n)[b->index].seg;
		said = &t->removed_seg[hc_capture_segs(t->c, &n)[seg].header.stream];
		if (*said == seg + 1)
			return;
		*said = seg + 1;
		(void)hc_capture_problem_at(t->c, b->path, 0, 0, err->msg);
		return;
	}
	hc_capture_add_problem(t->c, b->index, err);
}
