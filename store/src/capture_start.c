/* What a recorder needs to know of a directory before it writes there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture_priv.h"
#include "segment_priv.h"
#include "store/holes.h"
#include "store/index.h"

#define LOCK_TRIES 20 /* of 50 ms: a reader that looks whether somebody writes holds the lock for a moment */

static int make_dirs(const char *path, struct hc_err *err)
{
	char *buf = strdup(path), *p = buf;
	int r = buf ? 0 : hc_err_set(err, -ENOMEM, "out of memory");

	while (r == 0) {
		char c;

		p += strspn(p, "/");
		p += strcspn(p, "/");
		c = *p;
		*p = '\0';
		if (*buf && mkdir(buf, 0700) < 0 && errno != EEXIST)
			r = hc_err_set(err, -errno, "cannot make the directory '%s': %s", buf, strerror(errno));
		*p = c;
		if (c == '\0')
			break;
	}
	free(buf);
	return r;
}

int hc_dir_lock(int fd, const char *dir, struct hc_err *err)
{
	struct timespec nap = { .tv_nsec = 50000000 };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return hc_err_set(err, -errno, "cannot lock '%s': %s", dir, strerror(errno));
		nanosleep(&nap, NULL);
	}
	return hc_err_set(err, -EBUSY, "another process writes into '%s'", dir);
}

bool hc_dir_is_locked(int fd, bool shared_too)
{
	if (flock(fd, (shared_too ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

/* Calls with each name in a directory below dir_fd; the callee's first negative value ends it. */
static int each_name(int dir_fd, const char *below, int (*f)(void *ctx, const char *name), void *ctx)
{
	int fd = openat(dir_fd, below, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (!d) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = f(ctx, e->d_name);
	}
	closedir(d);
	return r;
}

struct look {
	char stranger[256]; /* a name that does not belong */
	const char *node;
	bool has_segments;
};

static int look_root(void *ctx, const char *name)
{
	struct look *l = ctx;

	if (strcmp(name, "segments") == 0)
		l->has_segments = true;
	else if (strncmp(name, HC_INDEX_NAME, strlen(HC_INDEX_NAME)) != 0 && strcmp(name, "lost+found") != 0)
		snprintf(l->stranger, sizeof(l->stranger), "%s", name);
	return 0;
}

static int look_node(void *ctx, const char *name)
{
	struct look *l = ctx;

	if (strcmp(name, l->node) != 0)
		snprintf(l->stranger, sizeof(l->stranger), "%s", name);
	return 0;
}

/* Said here, not by the first of many that fail. */
static int check_writable(int fd, const char *dir, const char *below, struct hc_err *err)
{
	if (faccessat(fd, below, W_OK, AT_EACCESS) == 0 || errno == ENOENT)
		return 0;
	return hc_err_set(err, -errno, "cannot write into '%s%s%s': %s", dir, below[0] == '.' ? "" : "/",
	                  below[0] == '.' ? "" : below, strerror(errno));
}

/* 1 a capture of this node, 0 empty, < 0 something else, or not to be written by us. */
static int look_at(int fd, const char *dir, const char *node, const uint8_t boot_id[16], struct hc_err *err)
{
	struct look l = { .node = node };
	char below[HC_SEG_PATH_MAX], boot[HC_BOOT_ID_TEXT];
	int r = check_writable(fd, dir, ".", err);

	if (r < 0)
		return r;
	r = each_name(fd, ".", look_root, &l);
	if (r < 0)
		return hc_err_set(err, r, "cannot read the directory '%s': %s", dir, strerror(-r));
	if (l.stranger[0]) {
		hc_err_set(err, -ENOTEMPTY, "'%s' holds '%s', which is no part of a capture", dir, l.stranger);
		hc_err_note(err, "give a new or empty directory, or one with a capture of this machine");
		return -ENOTEMPTY;
	}
	if (!l.has_segments)
		return 0;
	r = each_name(fd, "segments", look_node, &l);
	if (r < 0)
		return hc_err_set(err, r, "cannot read '%s/segments': %s", dir, strerror(-r));
	if (l.stranger[0]) {
		hc_err_set(err, -ENOTEMPTY, "'%s' is a capture of the node '%s', and this one is '%s'", dir,
		           l.stranger, node);
		hc_err_note(err, "give a directory of its own");
		return -ENOTEMPTY;
	}
	hc_boot_id_text(boot_id, boot);
	snprintf(below, sizeof(below), "segments/%s", node);
	r = check_writable(fd, dir, below, err);
	snprintf(below, sizeof(below), "segments/%s/%s", node, boot);
	if (r == 0)
		r = check_writable(fd, dir, below, err);
	return r < 0 ? r : 1;
}

/* Numbers of this boot by the names of its files, so that also an unreadable one is not written over. */
static int last_numbers(int fd, const char *node, const uint8_t boot_id[16], struct hc_capture_start *s,
                        struct hc_err *err)
{
	struct hc_seg_files files = { 0 };
	char prefix[HC_SEG_PATH_MAX], boot[HC_BOOT_ID_TEXT];
	int r = hc_seg_files_scan_dir(fd, "the capture", &files, err);

	hc_boot_id_text(boot_id, boot);
	snprintf(prefix, sizeof(prefix), "segments/%s/%s/", node, boot);
	for (uint32_t i = 0; r == 0 && i < files.n; i++) {
		const struct hc_seg_file *f = &files.v[i];

		if (strncmp(f->path, prefix, strlen(prefix)) == 0 && f->number >= s->next_number[f->stream])
			s->next_number[f->stream] = f->number + 1;
	}
	hc_seg_files_done(&files);
	return r;
}

static int continue_capture(int fd, const char *dir, const char *node, const uint8_t boot_id[16],
                            struct hc_capture_start *s, struct hc_err *err)
{
	HC_AUTO(hc_capture_close) struct hc_capture *c = NULL;
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	uint32_t n_segs, n_blocks;
	struct hc_holes holes;
	int r = last_numbers(fd, node, boot_id, s, err);

	if (r < 0)
		return r;
	r = hc_capture_open(dir, HC_CAPTURE_EVEN_BROKEN, &c, err);
	if (r < 0) {
		hc_err_note(err, "while looking where to continue the capture in '%s'", dir);
		return r;
	}
	segs = hc_capture_segs(c, &n_segs);
	blocks = hc_capture_blocks(c, &n_blocks);
	if (n_segs) {
		s->continues = true;
		memcpy(s->capture_id, segs[n_segs - 1].header.capture_id, 16);
	}
	for (uint32_t i = 0; i < n_segs; i++) { /* the last of this boot decides */
		if (memcmp(segs[i].header.boot_id, boot_id, 16) == 0 &&
		    segs[i].header.number + 1 == s->next_number[segs[i].header.stream])
			s->killed |= segs[i].state != HC_SEG_SEALED;
	}
	for (uint32_t i = 0; i < n_blocks; i++) {
		const struct hc_block_info *b = &blocks[i].info;

		if (b->last_seq >= s->next_seq)
			s->next_seq = b->last_seq + 1;
		if (memcmp(segs[blocks[i].seg].header.boot_id, boot_id, 16) == 0 && b->last_ns > s->last_boot_ns)
			s->last_boot_ns = b->last_ns;
	}
	if (!s->next_seq)
		return hc_err_set(err, -EBADMSG, "the capture in '%s' has used up all numbers", dir);
	r = hc_holes_load(c, &holes, err);
	if (r == 0)
		s->since_wall_ns = hc_holes_since(&holes, HC_STREAM_SECURITY, INT64_MAX);
	hc_holes_done(&holes);
	return r;
}

int hc_capture_prepare(const char *dir, const char *node, const uint8_t boot_id[16], struct hc_capture_start *ret,
                       struct hc_err *err)
{
	struct hc_capture_start s = { .next_seq = 1, .next_number = { 1, 1 }, .lock_fd = -1 };
	char clean[65];
	int fd, r = make_dirs(dir, err);

	if (r < 0)
		return r;
	hc_seg_node_clean(clean, sizeof(clean), node ? node : "");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot open the directory '%s': %s", dir, strerror(errno));
	r = look_at(fd, dir, clean, boot_id, err);
	if (r >= 0) {
		int locked = hc_dir_lock(fd, dir, err);

		r = locked < 0 ? locked : r;
	}
	if (r >= 0 && getrandom(s.capture_id, sizeof(s.capture_id), 0) != sizeof(s.capture_id))
		r = hc_err_set(err, -errno, "no random numbers: %s", strerror(errno));
	if (r > 0)
		r = continue_capture(fd, dir, clean, boot_id, &s, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	s.lock_fd = fd;
	*ret = s;
	return 0;
}
