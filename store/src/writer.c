/*
 * Writing segments: a builder per stream; a block that is due is encoded, hashed and written at the segment's end
 * in one pwrite. A write that fails is undone by truncating to the last whole block. A segment gets its name when
 * its header is in it, so that a kill never leaves a file that is no segment.
 */
#include "store/base/clock.h"
#include "store/base/sha256.h"
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture_priv.h"
#include "segment_priv.h"

#define DEFAULT_LEVEL 3
#define DEFAULT_BLOCK_NS UINT64_C(1000000000)
#define DEFAULT_QUIET_NS UINT64_C(10000000000)
#define DEFAULT_SEGMENT_BYTES (UINT64_C(64) << 20)
#define DEFAULT_SEGMENT_NS (UINT64_C(300) * 1000000000)
#define QUIET_ROWS 512u
#define FOLLOWED_NS UINT64_C(200000000)    /* between two looks whether somebody follows */
#define RETRY_NS UINT64_C(1000000000)      /* between tries to make a segment on a disk that refuses */
#define MAX_FREEING 64                     /* times that room is made for one write */
#define BLOCK_RAW_BYTES ((size_t)48 << 20) /* strings and payloads fill a block before its rows do */

struct stream {
	struct hc_builder *builder;
	int fd; /* -1: no segment open */
	char path[4096];
	struct hc_seg_header header;
	uint64_t off;    /* where the next block goes */
	bool torn;       /* part of one that failed may lie behind it */
	uint32_t number; /* of the next segment */
	struct hc_seg_block *blocks;
	uint32_t n_blocks, cap_blocks;
	bool announcing;                                   /* on_segment is running */
	bool announced;                                    /* ... or has run for this segment */
	uint64_t retry_ns;                                 /* boot clock: no segment is made before */
	struct hc_writer_unsealed *unsealed, own_unsealed; /* the block being built */
};

struct hc_writer {
	struct hc_writer_opts opts;
	char dir[3072], boot[40], node[65], tool[65];
	bool shared;   /* the directory's group may read */
	dev_t dir_dev; /* which directory it is, whatever has its name later */
	ino_t dir_ino;
	struct stream stream[HC_N_STREAMS];
	uint64_t next_seq;
	int64_t wall_offset_ns;
	struct hc_writer_stats stats;
	struct hc_writer_drops drops;
	struct hc_writer_unsealed *untold, own_untold; /* of them */
	struct hc_sha256 *sha;
	uint64_t young_ns;       /* no block is due by its age before */
	uint64_t max_file_bytes; /* as long as a file may become: RLIMIT_FSIZE when it was opened */
	int follow_fd;           /* the directory `segments`: who follows holds a lock on it */
	bool followed;
	uint64_t followed_ns; /* when that was asked; boot clock */
	int failed;           /* first error; nothing is written any more */
};

static const char *const stream_names[HC_N_STREAMS] = { "security", "bulk" };

static int make_dirs(const char *path, bool shared, struct hc_err *err)
{
	char buf[4096];

	snprintf(buf, sizeof(buf), "%s", path);
	for (char *p = buf + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		/* chmod: whatever the umask is */
		if (mkdir(buf, HC_MODE_DIR) == 0 ? shared && chmod(buf, HC_MODE_DIR_SHARED) < 0 : errno != EEXIST)
			return hc_err_set(err, -errno, "cannot make the directory '%s': %s", buf, strerror(errno));
		*p = c;
		if (c == '\0')
			return 0;
	}
}

/* With all above it. */
static int make_segments_dir(const struct hc_writer *w, struct hc_err *err)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/segments/%s/%s", w->dir, w->node, w->boot);
	return make_dirs(path, w->shared, err);
}

static int open_follow(struct hc_writer *w, struct hc_err *err)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/segments", w->dir);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (w->follow_fd >= 0)
		close(w->follow_fd);
	w->follow_fd = fd;
	return 0;
}

void hc_seg_node_clean(char *to, size_t room, const char *from)
{
	size_t n = 0;

	for (; *from && n + 1 < room; from++) {
		char c = *from;
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		            c == '-' || c == '_' || (c == '.' && n > 0);

		to[n++] = (char)(good ? c : '_');
	}
	if (!n)
		to[n++] = '_';
	to[n] = '\0';
}

int hc_writer_open(const struct hc_writer_opts *opts, struct hc_writer **ret, struct hc_err *err)
{
	HC_AUTO(hc_writer_abort) struct hc_writer *w = calloc(1, sizeof(*w));
	const uint8_t *id = opts->boot_id;
	struct rlimit limit;
	struct stat st;
	int r;

	if (!w)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < HC_N_STREAMS; i++)
		w->stream[i].fd = -1;
	w->follow_fd = -1;
	w->opts = *opts;
	if (!w->opts.zstd_level)
		w->opts.zstd_level = DEFAULT_LEVEL;
	if (!w->opts.block_ns)
		w->opts.block_ns = DEFAULT_BLOCK_NS;
	if (!w->opts.quiet_block_ns)
		w->opts.quiet_block_ns = DEFAULT_QUIET_NS;
	w->young_ns = w->opts.block_ns < w->opts.quiet_block_ns ? w->opts.block_ns : w->opts.quiet_block_ns;
	if (!w->opts.segment_bytes)
		w->opts.segment_bytes = DEFAULT_SEGMENT_BYTES;
	if (!w->opts.segment_ns)
		w->opts.segment_ns = DEFAULT_SEGMENT_NS;
	w->max_file_bytes = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
	                            ? limit.rlim_cur
	                            : UINT64_MAX;
	w->next_seq = opts->next_seq ? opts->next_seq : 1;
	w->untold = opts->untold ? opts->untold : &w->own_untold;
	w->drops.untold = w->untold;
	if (strlen(opts->dir) >= sizeof(w->dir))
		return hc_err_set(err, -ENAMETOOLONG, "the name of the capture's directory is too long");
	snprintf(w->dir, sizeof(w->dir), "%s", opts->dir);
	hc_seg_node_clean(w->node, sizeof(w->node), opts->node ? opts->node : "");
	snprintf(w->tool, sizeof(w->tool), "%s", opts->tool ? opts->tool : "hindcast");
	snprintf(w->boot, sizeof(w->boot), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	         id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12],
	         id[13], id[14], id[15]);
	r = hc_sha256_new(&w->sha, err);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < HC_N_STREAMS; i++) {
		w->stream[i].number = opts->next_number[i] ? opts->next_number[i] : 1;
		w->stream[i].unsealed = opts->unsealed ? &opts->unsealed[i] : &w->stream[i].own_unsealed;
		w->stream[i].builder = hc_builder_new((enum hc_stream)i, w->opts.zstd_level);
		if (!w->stream[i].builder)
			return hc_err_set(err, -ENOMEM, "out of memory");
	}
	w->shared = hc_dir_shared(w->dir);
	r = make_segments_dir(w, err);
	if (r < 0)
		return r;
	if (stat(w->dir, &st) < 0)
		return hc_err_set(err, -errno, "cannot look at '%s': %s", w->dir, strerror(errno));
	w->dir_dev = st.st_dev;
	w->dir_ino = st.st_ino;
	r = open_follow(w, err);
	if (r < 0)
		return r;
	*ret = hc_steal(w);
	return 0;
}

static bool no_room(int code)
{
	return code == -ENOSPC || code == -EDQUOT;
}

/* What the disk, not the program, is to blame for: read-only, failing, unmounted, a file as long as it may be. */
static bool disk_refuses(int code)
{
	static const int codes[] = { EROFS,  EIO,   ENOENT,    EUCLEAN,   ESTALE,
		                     ENODEV, ENXIO, EREMOTEIO, ETIMEDOUT, EFBIG };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (code == -codes[i])
			return true;
	return no_room(code);
}

static int write_at(struct hc_writer *w, struct stream *s, const void *p, size_t n_bytes, struct hc_err *err)
{
	size_t done = 0;
	int n_freeing = 0;

	if (s->torn && ftruncate(s->fd, (off_t)s->off) == 0)
		s->torn = false;
	while (done < n_bytes) {
		ssize_t r = pwrite(s->fd, (const uint8_t *)p + done, n_bytes - done, (off_t)(s->off + done));
		int e = r < 0 ? errno : EIO;

		if (r < 0 && e == EINTR)
			continue;
		if (r < 0 && no_room(-e) && w->opts.on_full && n_freeing++ < MAX_FREEING &&
		    w->opts.on_full(w->opts.ctx, n_bytes - done))
			continue;
		if (r <= 0) {
			s->torn = ftruncate(s->fd, (off_t)s->off) < 0;
			if (s->torn)
				hc_err_note(err, "the torn end of %s could not be cut: %s", s->path,
				            strerror(errno));
			return hc_err_set(err, -e, "cannot write %s: %s", s->path, strerror(e));
		}
		done += (size_t)r;
	}
	s->off += n_bytes;
	return 0;
}

/* Where a file is made: a name that no reader looks at. */
static void new_path(const struct hc_writer *w, const struct stream *s, char *buf, size_t room)
{
	snprintf(buf, room, "%s/segments/%s/%s/.%s.new", w->dir, w->node, w->boot, stream_names[s - w->stream]);
}

static int copy_bytes(int from, int to, uint64_t n_bytes)
{
	uint8_t buf[65536];

	for (uint64_t off = 0; off < n_bytes;) {
		size_t want = n_bytes - off < sizeof(buf) ? (size_t)(n_bytes - off) : sizeof(buf);
		ssize_t n = pread(from, buf, want, (off_t)off);

		if (n == 0)
			return -EIO;
		n = n < 0 ? n : pwrite(to, buf, (size_t)n, (off_t)off);
		if (n < 0 && errno != EINTR)
			return -errno;
		off += n < 0 ? 0 : (uint64_t)n;
	}
	return 0;
}

/* The open segment once more, as a file that has its name. */
static int write_anew(struct hc_writer *w, struct stream *s, struct hc_err *err)
{
	struct stat st;
	char path[sizeof(s->path)];
	int fd, r;

	if (stat(w->dir, &st) < 0 || st.st_dev != w->dir_dev || st.st_ino != w->dir_ino)
		return hc_err_set(err, -ENOENT, "the directory '%s' was removed", w->dir);
	r = make_segments_dir(w, err);
	if (r < 0)
		return r;
	new_path(w, s, path, sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, HC_MODE_FILE);
	r = fd < 0 || (w->shared && fchmod(fd, HC_MODE_FILE_SHARED) < 0) ? -errno : copy_bytes(s->fd, fd, s->off);
	if (r == 0 && rename(path, s->path) < 0)
		r = -errno;
	if (r == 0)
		r = open_follow(w, err);
	if (r < 0) {
		if (fd >= 0) {
			close(fd);
			unlink(path);
		}
		return hc_err_set(err, r, "%s was removed, and cannot be written anew: %s", s->path, strerror(-r));
	}
	close(s->fd);
	s->fd = fd;
	s->torn = false;
	w->stats.n_restored++;
	return 0;
}

/* Whoever removes what is being written removes nothing: it is still open, and gets its name again. */
static int segment_restore(struct hc_writer *w, struct stream *s, struct hc_err *err)
{
	struct stat st;

	return fstat(s->fd, &st) == 0 && st.st_nlink == 0 ? write_anew(w, s, err) : 0;
}

/* A file with the header in it. */
static int header_write(struct hc_writer *w, struct stream *s, const char *path, struct hc_err *err)
{
	uint8_t buf[HC_SEG_HEADER_MAX_BYTES];
	int n_freeing = 0, r;
	size_t n;

	do
		s->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, HC_MODE_FILE);
	while (s->fd < 0 && no_room(-errno) && w->opts.on_full && n_freeing++ < MAX_FREEING &&
	       w->opts.on_full(w->opts.ctx, sizeof(buf)));
	if (s->fd < 0 || (w->shared && fchmod(s->fd, HC_MODE_FILE_SHARED) < 0))
		return hc_err_set(err, -errno, "cannot create %s: %s", s->path, strerror(errno));
	s->off = 0;
	s->torn = false;
	n = hc_seg_header_write(&s->header, buf);
	r = write_at(w, s, buf, n, err);
	if (r < 0)
		return r;
	/* one writer only, and its numbers begin behind the last there is */
	if (access(s->path, F_OK) == 0)
		return hc_err_set(err, -EEXIST, "cannot create %s: %s", s->path, strerror(EEXIST));
	if (rename(path, s->path) < 0)
		return hc_err_set(err, -errno, "cannot create %s: %s", s->path, strerror(errno));
	w->stats.bytes += n;
	return 0;
}

static int segment_open(struct hc_writer *w, enum hc_stream which, struct hc_err *err)
{
	struct stream *s = &w->stream[which];
	char path[sizeof(s->path)];
	int r;

	s->header = (struct hc_seg_header){ .format_major = HC_FORMAT_MAJOR,
		                            .format_minor = HC_FORMAT_MINOR,
		                            .stream = (uint8_t)which,
		                            .number = s->number,
		                            .created_wall_ns = hc_wall_ns(),
		                            .created_boot_ns = hc_clock_ns(CLOCK_BOOTTIME) };
	memcpy(s->header.capture_id, w->opts.capture_id, 16);
	memcpy(s->header.boot_id, w->opts.boot_id, 16);
	snprintf(s->header.node, sizeof(s->header.node), "%s", w->node);
	snprintf(s->header.tool, sizeof(s->header.tool), "%s", w->tool);
	snprintf(s->path, sizeof(s->path), "%s/segments/%s/%s/%s-%08u.hcs", w->dir, w->node, w->boot,
	         stream_names[which], s->number);
	new_path(w, s, path, sizeof(path));
	r = header_write(w, s, path, err);
	if (r < 0) {
		if (s->fd >= 0) {
			close(s->fd);
			unlink(path);
		}
		s->fd = -1;
		return r;
	}
	s->n_blocks = 0;
	s->announced = false;
	w->stats.n_segments++;
	w->stats.n_open++;
	s->number++;
	return 0;
}

static void note_time(struct hc_writer_stats *st, uint64_t ns)
{
	static const uint64_t bounds_ms[HC_WRITER_N_TIMES] = HC_WRITER_TIMES_MS;
	unsigned i = 0;

	while (i < HC_WRITER_N_TIMES && ns > bounds_ms[i] * 1000000)
		i++;
	st->n_writes_by_time[i]++;
	st->write_ns += ns;
}

static int segment_close(struct hc_writer *w, struct stream *s, struct hc_err *err)
{
	uint8_t *footer;
	size_t n;
	int r;

	if (s->fd < 0)
		return 0;
	r = segment_restore(w, s, err);
	footer = hc_seg_footer_write(s->blocks, s->n_blocks, s->off, &n);
	if (!footer)
		r = hc_err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = write_at(w, s, footer, n, err);
	free(footer);
	if (r == 0) {
		w->stats.bytes += n;
		if (w->opts.fsync && fsync(s->fd) < 0)
			r = hc_err_set(err, -errno, "cannot sync %s: %s", s->path, strerror(errno));
	}
	close(s->fd);
	s->fd = -1;
	w->stats.n_open--;
	return r;
}

/* Appends the block to the segment: on disk, hashed, in the list. */
static int block_write(struct hc_writer *w, struct stream *s, const struct hc_block_out *out, struct hc_err *err)
{
	struct hc_seg_block block = { .off = s->off, .info = out->info };
	uint64_t begun_ns;
	int r;

	hc_sha256_add(w->sha, out->bytes, out->n_bytes);
	hc_sha256_take(w->sha, block.sha256);
	if (s->n_blocks == s->cap_blocks) {
		uint32_t cap = s->cap_blocks ? s->cap_blocks * 2 : 64;
		struct hc_seg_block *p = realloc(s->blocks, cap * sizeof(*p));

		if (!p)
			return hc_err_set(err, -ENOMEM, "out of memory");
		s->blocks = p;
		s->cap_blocks = cap;
	}
	begun_ns = hc_clock_ns(CLOCK_BOOTTIME);
	r = write_at(w, s, out->bytes, out->n_bytes, err);
	note_time(&w->stats, hc_clock_ns(CLOCK_BOOTTIME) - begun_ns);
	if (r < 0)
		return r;
	s->blocks[s->n_blocks++] = block;
	w->stats.bytes += out->n_bytes;
	w->stats.raw_bytes += out->raw_bytes;
	w->stats.n_blocks++;
	return 0;
}

/* Without a footer: a reader goes from block to block, to the last whole one. */
static void segment_leave(struct hc_writer *w, struct stream *s)
{
	close(s->fd);
	s->fd = -1;
	w->stats.n_open--;
}

/* A limit on the length of files ends a segment while its footer still fits. */
static int segment_for(struct hc_writer *w, enum hc_stream which, size_t n_bytes, struct hc_err *err)
{
	struct stream *s = &w->stream[which];
	int r;

	if (!s->n_blocks || s->off + n_bytes + hc_seg_footer_bytes(s->n_blocks + 1) <= w->max_file_bytes)
		return 0;
	r = segment_close(w, s, w->opts.go_on ? NULL : err);
	if (r < 0 && !(w->opts.go_on && disk_refuses(r)))
		return r;
	return segment_open(w, which, err);
}

/* A file that takes no more (a file system that was mounted anew, a limit on its length that came later, a bad
 * spot) may be the only one: the next segment is another, found by its name. One without a block stays, so that a
 * disk that takes headers and no blocks does not get a file for each. */
static int block_write_elsewhere(struct hc_writer *w, enum hc_stream which, const struct hc_block_out *out,
                                 int code, struct hc_err *err)
{
	struct stream *s = &w->stream[which];
	struct hc_err why = { 0 };

	if (!s->n_blocks || (code != -EFBIG && (!w->opts.go_on || !disk_refuses(code) || no_room(code))))
		return code;
	segment_leave(w, s);
	code = segment_open(w, which, &why);
	if (code == 0)
		code = block_write(w, s, out, &why);
	*err = why;
	return code;
}

/* Of a segment that was removed, and for which there is no other place, the next block tries again. */
static int block_out(struct hc_writer *w, enum hc_stream which, const struct hc_block_out *out, struct hc_err *err)
{
	struct stream *s = &w->stream[which];
	int code = segment_restore(w, s, err);

	if (code < 0)
		return code;
	code = block_write(w, s, out, err);
	return code < 0 ? block_write_elsewhere(w, which, out, code, err) : 0;
}

/* Times of more rows; 0: there are none. */
static void widen(struct hc_writer_unsealed *u, uint64_t first_ns, uint64_t last_ns)
{
	if (first_ns && (!u->first_ns || first_ns < u->first_ns))
		u->first_ns = first_ns;
	if (last_ns > u->last_ns)
		u->last_ns = last_ns;
}

/* The disk did not take it, and writing goes on. */
static void drop(struct hc_writer *w, struct stream *s, const struct hc_block_info *info, const struct hc_err *why)
{
	struct hc_writer_drops *d = &w->drops;

	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		d->rows_by_type[type] += s->unsealed->rows_by_type[type];
		w->untold->rows_by_type[type] += s->unsealed->rows_by_type[type];
		w->stats.rows_by_type[type] -= s->unsealed->rows_by_type[type];
	}
	widen(w->untold, info->first_ns, info->last_ns);
	d->n_blocks++;
	d->failing = true;
	d->err = *why;
}

static int seal(struct hc_writer *w, enum hc_stream which, struct hc_err *err)
{
	struct stream *s = &w->stream[which];
	struct hc_err why = { 0 };
	struct hc_block_out out;
	int r, failed = 0;

	if (!hc_build_head(s->builder)->n_rows)
		return 0;
	if (s->fd < 0)
		failed = segment_open(w, which, &why);
	r = hc_builder_seal(s->builder, w->wall_offset_ns, &out, err);
	if (r < 0)
		return r;
	if (failed == 0)
		failed = segment_for(w, which, out.n_bytes, &why);
	if (failed == 0)
		failed = block_out(w, which, &out, &why);
	if (failed < 0 && (!w->opts.go_on || !disk_refuses(failed))) {
		if (err && !err->code)
			*err = why;
		return failed;
	}
	if (failed < 0)
		drop(w, s, &out.info, &why);
	memset(s->unsealed, 0, sizeof(*s->unsealed));
	if (failed < 0)
		return 0;
	w->drops.failing = false;
	if (w->opts.on_block) {
		r = w->opts.on_block(w->opts.ctx, s->path, &s->header, &s->blocks[s->n_blocks - 1], err);
		if (r < 0)
			return r;
	}
	if (s->off < w->opts.segment_bytes &&
	    hc_clock_ns(CLOCK_BOOTTIME) - s->header.created_boot_ns < w->opts.segment_ns)
		return 0;
	r = segment_close(w, s, w->opts.go_on ? NULL : err);
	return w->opts.go_on && disk_refuses(r) ? 0 : r; /* without a footer it is read block by block */
}

static bool due(const struct hc_writer *w, const struct stream *s, uint64_t now_ns)
{
	const struct hc_builder_head *b = hc_build_head(s->builder);
	uint64_t age = now_ns > b->first_ns ? now_ns - b->first_ns : 0;

	if (b->n_rows == 0)
		return false;
	return b->n_rows >= HC_BLOCK_MAX_ROWS || b->raw_bytes >= BLOCK_RAW_BYTES ||
	       age >= (b->n_rows < QUIET_ROWS && !w->followed ? w->opts.quiet_block_ns : w->opts.block_ns);
}

static int fail(struct hc_writer *w, int r)
{
	if (!w->failed)
		w->failed = r;
	return r;
}

/* Makes sure that there is a segment, and that its first rows are in it. */
static int segment_begin(struct hc_writer *w, struct stream *s, enum hc_stream which, struct hc_err *err)
{
	struct hc_err why = { 0 };
	int r = 0;

	if (s->fd < 0 && (!s->retry_ns || hc_clock_ns(CLOCK_BOOTTIME) >= s->retry_ns)) {
		r = segment_open(w, which, &why);
		s->retry_ns = 0;
		if (r < 0 && w->opts.go_on && disk_refuses(r)) { /* the rows wait: sealing tries again */
			s->retry_ns = hc_clock_ns(CLOCK_BOOTTIME) + RETRY_NS;
			w->drops.failing = true;
			w->drops.err = why;
			return 0;
		}
		if (r < 0 && err && !err->code)
			*err = why;
	}
	if (r == 0 && s->fd >= 0 && !s->announced) {
		s->announced = true;
		s->announcing = true;
		r = w->opts.on_segment ? w->opts.on_segment(w->opts.ctx, which, err) : 0;
		s->announcing = false;
	}
	return r;
}

/* The stream of a type, ready to take its next row; NULL on failure. */
static __attribute__((noinline)) struct stream *stream_ready(struct hc_writer *w, const struct hc_table_desc *desc,
                                                             uint64_t now_ns, struct hc_err *err)
{
	struct stream *s;
	int r;

	if (w->failed || !desc) {
		hc_err_set(err, w->failed ? w->failed : -EINVAL,
		           w->failed ? "writing has failed before" : "no such event type");
		return NULL;
	}
	s = &w->stream[desc->stream];
	if (due(w, s, now_ns)) {
		r = seal(w, (enum hc_stream)desc->stream, err);
		if (r < 0) {
			fail(w, r);
			return NULL;
		}
	}
	if ((s->fd < 0 || !s->announced) && !s->announcing) {
		r = segment_begin(w, s, (enum hc_stream)desc->stream, err);
		if (r < 0) {
			fail(w, r);
			return NULL;
		}
	}
	return s;
}

/* The same, with a short way for most rows: those of a block that has a while to go. */
static inline struct stream *stream_for(struct hc_writer *w, unsigned type, uint64_t now_ns, struct hc_err *err)
{
	const struct hc_table_desc *desc = hc_event_desc(type);
	const struct hc_builder_head *b;
	struct stream *s;

	if (desc && !w->failed) {
		s = &w->stream[desc->stream];
		b = hc_build_head(s->builder);
		if (s->announced && s->fd >= 0 && b->n_rows - 1 < HC_BLOCK_MAX_ROWS - 1 &&
		    b->raw_bytes < BLOCK_RAW_BYTES &&
		    (now_ns <= b->first_ns || now_ns - b->first_ns < w->young_ns))
			return s;
	}
	return stream_ready(w, desc, now_ns, err);
}

struct hc_builder *hc_writer_begin(struct hc_writer *w, unsigned type, uint64_t now_ns, struct hc_err *err)
{
	struct stream *s = stream_for(w, type, now_ns, err);

	return s ? s->builder : NULL;
}

struct hc_cells *hc_writer_cells(struct hc_writer *w, unsigned type, uint64_t now_ns, struct hc_builder **ret,
                                 struct hc_err *err)
{
	struct stream *s = stream_for(w, type, now_ns, err);
	struct hc_cells *c;

	if (!s)
		return NULL;
	*ret = s->builder;
	c = hc_build_cells(s->builder, type);
	if (!c)
		hc_err_set(err, -ENOMEM, "out of memory");
	return c;
}

static void note_unsealed(struct hc_writer_unsealed *u, const struct hc_row_head *head)
{
	u->rows_by_type[head->type]++;
	widen(u, head->ts_ns, head->ts_ns);
}

int hc_writer_row(struct hc_writer *w, struct hc_row_head *head, const struct hc_cells *cells, struct hc_err *err)
{
	const struct hc_table_desc *desc = hc_event_desc(head->type);
	int r;

	if (w->failed || !desc)
		return hc_err_set(err, w->failed ? w->failed : -EINVAL, "%s",
		                  w->failed ? "writing has failed before" : "no such event type");
	head->seq = w->next_seq;
	r = hc_build_row(w->stream[desc->stream].builder, head, cells);
	if (r < 0)
		return hc_err_set(err, fail(w, r), "cannot add a row to the block");
	w->next_seq++;
	w->stats.n_rows++;
	w->stats.rows_by_type[head->type]++;
	note_unsealed(w->stream[desc->stream].unsealed, head);
	return 0;
}

int hc_writer_tick(struct hc_writer *w, uint64_t now_ns, struct hc_err *err)
{
	if (w->failed)
		return hc_err_set(err, w->failed, "writing has failed before");
	if (now_ns - w->followed_ns >= FOLLOWED_NS) {
		w->followed_ns = now_ns;
		w->followed = hc_dir_is_locked(w->follow_fd, true);
	}
	for (unsigned i = 0; i < HC_N_STREAMS; i++) {
		if (due(w, &w->stream[i], now_ns)) {
			int r = seal(w, (enum hc_stream)i, err);

			if (r < 0)
				return fail(w, r);
		}
	}
	return 0;
}

int hc_writer_flush(struct hc_writer *w, struct hc_err *err)
{
	if (w->failed)
		return hc_err_set(err, w->failed, "writing has failed before");
	for (unsigned i = 0; i < HC_N_STREAMS; i++) {
		int r = seal(w, (enum hc_stream)i, err);

		if (r < 0)
			return fail(w, r);
	}
	return 0;
}

void hc_writer_set_wall_offset(struct hc_writer *w, int64_t wall_offset_ns)
{
	w->wall_offset_ns = wall_offset_ns;
}

const struct hc_writer_stats *hc_writer_stats(const struct hc_writer *w)
{
	return &w->stats;
}

const struct hc_writer_drops *hc_writer_drops(const struct hc_writer *w)
{
	return &w->drops;
}

void hc_writer_drops_add(struct hc_writer *w, const struct hc_writer_unsealed *dropped)
{
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		w->untold->rows_by_type[type] += dropped->rows_by_type[type];
	widen(w->untold, dropped->first_ns, dropped->last_ns);
}

void hc_writer_drops_told(struct hc_writer *w, const struct hc_writer_unsealed *told)
{
	uint64_t n_left = 0;

	for (unsigned type = 0; type < HC_EV_MAX; type++)
		n_left += w->untold->rows_by_type[type] -= told->rows_by_type[type];
	w->untold->first_ns = n_left ? told->last_ns : 0;
	w->untold->last_ns = n_left ? w->untold->last_ns : 0;
}

int hc_writer_close(struct hc_writer *w, struct hc_err *err)
{
	int r = w->failed ? w->failed : hc_writer_flush(w, err);

	for (unsigned i = 0; i < HC_N_STREAMS; i++) {
		/* after a failure the footer is still tried: the blocks before are whole, and it says so; a
		 * segment that was begun for the block that failed is none */
		if (r < 0 && w->stream[i].fd >= 0 && !w->stream[i].n_blocks && unlink(w->stream[i].path) == 0) {
			segment_leave(w, &w->stream[i]);
			continue;
		}
		int q = segment_close(w, &w->stream[i], r < 0 || w->opts.go_on ? NULL : err);

		if (q < 0 && !(w->opts.go_on && disk_refuses(q)))
			r = r < 0 ? r : q;
	}
	hc_writer_abort(w);
	return r;
}

struct hc_writer *hc_writer_abort(struct hc_writer *w)
{
	if (!w)
		return NULL;
	for (unsigned i = 0; i < HC_N_STREAMS; i++) {
		struct stream *s = &w->stream[i];

		hc_builder_free(s->builder);
		free(s->blocks);
		if (s->fd >= 0)
			close(s->fd);
	}
	if (w->follow_fd >= 0)
		close(w->follow_fd);
	hc_sha256_free(w->sha);
	free(w);
	return NULL;
}
