/*
 * What only its content tells of a file that runs: interpreter, build id, and on request its SHA-256. Read once
 * per identity (device, inode, times, size), late: an identity that is not found again, or has changed, tells
 * nothing.
 *
 * Nobody is waited for. Only regular files of file systems that live on this machine are opened, the headers that
 * exec has just read are read at once, and hashing has a budget of bytes per second, spent between the rounds of
 * the recorder's loop and only on what is in the page cache already. A hash that comes after its file's entry has
 * been written gets a row of its own (meta_state, `file`).
 */
#include "elf_facts.h"
#include "tracker_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/base/sha256.h"

#define MAX_EXES 4096u     /* known; beyond, those not used lately go */
#define MAX_EXE_READS 500u /* files opened per second */
#define MAX_QUEUE 1024u    /* waiting to be hashed */
#define MAX_QUEUE_FDS 32u  /* of them held open; the rest is opened when its turn comes */
#define HASH_BYTES_PER_S (64u << 20)
#define HASH_BURST_BYTES (16u << 20)  /* saved up while there is nothing to hash */
#define HASH_RESERVE_BYTES (8u << 20) /* left by those that wait, for small files that run just now */
#define HASH_STEP_BYTES (2u << 20)    /* between two looks at the rings */
#define HASH_AT_ONCE_BYTES (4u << 20) /* a file that is no larger is hashed before its row is written */
#define HASH_CHUNK_BYTES (128u << 10)
#define MAX_HASH_WAITS 40 /* times that its next bytes were not in the page cache, 50 ms apart */
#define INTERP_KEEP_NS UINT64_C(2000000000)

#define MAGIC_OVERLAY 0x794c7630u
#define MAGIC_BTRFS 0x9123683eu

struct texe {
	uint32_t refs;
	uint8_t used, n_build_id;
	uint8_t build_id[ELF_MAX_BUILD_ID], sha256[HC_SHA256_BYTES];
	uint64_t key_a, key_b;
	bool hashed;        /* sha256 is there */
	bool told;          /* an entry without it has been written */
	struct txt *interp; /* as the file names it */
	/* the interpreter as it was found last, for one root */
	struct tpath *path;
	struct tfile *file;
	uint64_t root_hash, until_ns, mnt_changes;
	uint32_t ns_mnt;
	/* while it waits */
	struct texe *next;
	struct tfile *of; /* the file it is of */
	struct tver *ver; /* who ran it */
	struct hc_sha256 *sum;
	uint64_t off;
	unsigned n_waits;
	int fd;
};

/* Reading these waits for a disk at worst: none asks another machine or a process. */
static bool is_local(uint32_t magic)
{
	static const uint32_t local[] = {
		0xef53,     0x58465342, MAGIC_BTRFS, 0x01021994, MAGIC_OVERLAY, 0x858458f6,
		0x73717368, 0xe0f5e1e2, 0xf2f52010,  0x2fc12fc1, 0x4d44,        0x9660,
		0x2011bab0, 0xca451a4e, 0x52654973,  0x3153464a, 0x28cd3d45,    0x7366746e,
	};

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (local[i] == magic)
			return true;
	return false;
}

/* Is what stat tells the file that the kernel told of? Overlays and btrfs show numbers of their own to stat; times
 * to the nanosecond and the size are the same everywhere. */
static bool same_file(const struct hc_wire_file *w, const struct stat *st)
{
	bool overlay = w->fs_magic == MAGIC_OVERLAY, own_dev = overlay || w->fs_magic == MAGIC_BTRFS;

	return S_ISREG(st->st_mode) && (uint64_t)st->st_size == w->size && (st->st_ino == w->ino || overlay) &&
	       (own_dev || w->dev == ((uint32_t)major(st->st_dev) << 20 | (minor(st->st_dev) & 0xfffff))) &&
	       (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec == w->ctime_ns &&
	       (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec == w->mtime_ns;
}

/* Opens the place `fd` (which it closes) for reading, if it is the file of `w`. */
static int reopen(int fd, const struct hc_wire_file *w)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;
	char name[40];
	int r = -1;

	if (fd < 0)
		return -1;
	if (fstatat(fd, "", &st, AT_EMPTY_PATH | AT_STATX_DONT_SYNC) == 0 && same_file(w, &st)) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		r = open(name, flags | O_NOATIME);
		if (r < 0 && errno == EPERM)
			r = open(name, flags);
	}
	close(fd);
	return r;
}

/* The file that runs as `v`: as the process has it, or by its name below the process's root; -1 when it is gone.
 */
static int exe_open(struct hc_tracker *t, const struct timage *i, const struct tver *v)
{
	const struct hc_wire_file *w = &i->exe_file->w;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%u/exe", v->pid);
	fd = reopen(openat(t->proc_fd, name, O_PATH | O_CLOEXEC), w);
	if (fd < 0 && i->exe && i->exe->real)
		fd = reopen(path_late_open(t, v, txt_str(i->exe->real), true), w);
	return fd;
}

static ssize_t read_at(void *ctx, void *buf, size_t n, uint64_t off)
{
	return pread(*(int *)ctx, buf, n, (off_t)off);
}

/* ---- hashing ---- */

static bool hash_begin(struct hc_tracker *t, struct texe *e, struct tfile *f, struct tver *v, int fd)
{
	if (hc_sha256_new(&e->sum, NULL) < 0) {
		close(fd);
		return false;
	}
	e->fd = fd;
	t->exe_fds++;
	e->of = REF1(f);
	e->ver = REF1(v);
	return true;
}

/* Lets go of all that hashing needs but the file, whose reference is given to the caller. */
static struct tfile *hash_end(struct hc_tracker *t, struct texe *e)
{
	if (e->fd >= 0) {
		close(e->fd);
		t->exe_fds--;
	}
	e->fd = -1;
	e->sum = hc_sha256_free(e->sum);
	ver_unref(t, hc_steal(e->ver));
	return hc_steal(e->of);
}

/* Into the queue, which has a reference; false when it is full. What runs just now goes first: its file may soon
 * be gone, those alive at the start have time. */
static bool queue_put(struct hc_tracker *t, struct texe *e)
{
	if (t->n_exe_queue >= MAX_QUEUE)
		return false;
	if (t->exe_fds > MAX_QUEUE_FDS) { /* from the start again when its turn comes */
		close(e->fd);
		e->fd = -1;
		e->off = 0;
		t->exe_fds--;
		hc_sha256_take(e->sum, e->sha256);
	}
	e->refs++;
	t->n_exe_queue++;
	if (t->in_snapshot || !t->exe_queue || t->exe_fds > MAX_QUEUE_FDS) {
		*t->exe_queue_end = e;
		t->exe_queue_end = &e->next;
	} else {
		e->next = t->exe_queue;
		t->exe_queue = e;
	}
	return true;
}

static struct texe *queue_take(struct hc_tracker *t) /* there is one */
{
	struct texe *e = t->exe_queue;

	t->exe_queue = e->next;
	if (!t->exe_queue)
		t->exe_queue_end = &t->exe_queue;
	e->next = NULL;
	t->n_exe_queue--;
	return e;
}

/* Up to `max` more bytes. 1: done, 0: to be continued, -1: cannot be had. */
static int hash_more(struct hc_tracker *t, struct texe *e, uint64_t max)
{
	static uint8_t buf[HASH_CHUNK_BYTES];
	const struct hc_wire_file *w = &e->of->w;
	bool plain = false;

	while (e->off < w->size) {
		uint64_t want = w->size - e->off < sizeof(buf) ? w->size - e->off : sizeof(buf);
		struct iovec iov = { buf, want < max ? want : max };
		ssize_t n;

		if (!iov.iov_len)
			return 0;
		n = plain ? pread(e->fd, buf, iov.iov_len, (off_t)e->off)
		          : preadv2(e->fd, &iov, 1, (off_t)e->off, RWF_NOWAIT);
		if (n < 0 && errno == EOPNOTSUPP && !plain) {
			plain = true;
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			posix_fadvise(e->fd, (off_t)e->off, HASH_STEP_BYTES, POSIX_FADV_WILLNEED);
			return ++e->n_waits > MAX_HASH_WAITS ? -1 : 0;
		}
		if (n <= 0)
			return -1; /* shorter than it was */
		hc_sha256_add(e->sum, buf, (size_t)n);
		e->off += (uint64_t)n;
		max -= (uint64_t)n;
		t->hash_budget -= (int64_t)n;
	}
	return 1;
}

/* The digest counts when the file is still the one it was. */
static void hash_take(struct texe *e)
{
	struct stat st;

	if (fstat(e->fd, &st) < 0 || !same_file(&e->of->w, &st))
		return;
	hc_sha256_take(e->sum, e->sha256);
	e->hashed = true;
}

static void hash_refill(struct hc_tracker *t)
{
	uint64_t passed = t->now_ns > t->hash_ns ? t->now_ns - t->hash_ns : 0;

	passed = passed < 1000000000 ? passed : 1000000000;
	t->hash_budget += (int64_t)(passed * HASH_BYTES_PER_S / 1000000000);
	if (t->hash_budget > HASH_BURST_BYTES)
		t->hash_budget = HASH_BURST_BYTES;
	t->hash_ns = t->now_ns;
}

/* Up to `max` more bytes of what has waited longest. 1: it waits no more, 0: to be continued, < 0: its row could
 * not be written. */
static int queue_step(struct hc_tracker *t, uint64_t max, bool last, struct hc_err *err)
{
	struct texe *e = t->exe_queue;
	struct tfile *f;
	int r;

	if (e->fd < 0 && max) {
		struct timage i = { .exe_file = e->of, .exe = e->ver->image ? e->ver->image->exe : NULL };

		e->fd = exe_open(t, &i, e->ver);
		t->exe_fds += e->fd >= 0;
	}
	r = e->fd < 0 ? -1 : hash_more(t, e, max);
	if (!r && !last)
		return 0;
	if (r > 0)
		hash_take(e);
	t->stats.n_unhashed += !e->hashed;
	queue_take(t);
	f = hash_end(t, e);
	r = 1;
	if (e->hashed && e->told && t->w) {
		memset(&f->slot, 0, sizeof(f->slot)); /* a new entry, with what is known now */
		r = state_file(t, f, t->now_ns, err);
		r = r < 0 ? r : 1;
	}
	file_unref(t, f);
	exe_unref(t, e);
	return r;
}

int exe_tick(struct hc_tracker *t, struct hc_err *err)
{
	int r;

	hash_refill(t);
	if (!t->exe_queue || t->hash_budget <= HASH_RESERVE_BYTES)
		return 0;
	r = queue_step(t, HASH_STEP_BYTES, false, err);
	return r < 0 ? r : 0;
}

int exe_end(struct hc_tracker *t, struct hc_err *err)
{
	int r = 0;

	hash_refill(t);
	while (r >= 0 && t->exe_queue)
		r = queue_step(t, t->hash_budget > 0 ? (uint64_t)t->hash_budget : 0, true, err);
	return r < 0 ? r : 0;
}

/* ---- what is known of a file ---- */

size_t exe_bytes(void)
{
	return sizeof(struct texe) + sizeof(struct tpath) + sizeof(struct tfile) + 3 * HEAP_BYTES;
}

void exe_unref(struct hc_tracker *t, struct texe *e)
{
	if (!e || --e->refs)
		return;
	txt_unref(t, e->interp);
	path_unref(t, e->path);
	file_unref(t, e->file);
	free(e);
}

static void exe_sweep(struct hc_tracker *t)
{
	struct texe *e;

	TABLE_SWEEP(&t->exes, at, e)
	{
		if (e->used) {
			e->used = 0;
		} else {
			TABLE_SWEEP_REMOVE(&t->exes, at);
			exe_unref(t, e);
		}
	}
}

void exe_done(struct hc_tracker *t)
{
	struct texe *e;

	while (t->exe_queue) {
		e = queue_take(t);
		file_unref(t, hash_end(t, e));
		exe_unref(t, e);
	}
	TABLE_ALL(&t->exes, at, e)
	exe_unref(t, e);
	table_done(&t->exes);
}

static struct texe *exe_find(struct hc_tracker *t, const struct hc_wire_file *w, struct hc_hash128 *ret_key)
{
	struct hc_hash128 h = hash_add(hash_add(t->seed, w->dev), w->ino);
	struct texe *e;

	h = hash_add(hash_add(hash_add(h, (uint64_t)w->ctime_ns), (uint64_t)w->mtime_ns), w->size);
	*ret_key = h;
	TABLE_EACH(&t->exes, h.a, at, e)
	{
		if (e->key_b == h.b)
			return e;
	}
	return NULL;
}

static struct texe *exe_new(struct hc_tracker *t, struct hc_hash128 key)
{
	struct texe *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	if (t->exes.n >= MAX_EXES)
		exe_sweep(t);
	e->refs = 1; /* the table's */
	e->key_a = key.a;
	e->key_b = key.b;
	e->fd = -1;
	if (!table_add(&t->exes, key.a, e)) {
		free(e);
		return NULL;
	}
	return e;
}

static struct texe *exe_read(struct hc_tracker *t, const struct timage *i, struct tver *v, struct hc_hash128 key)
{
	static struct elf_facts facts;
	struct texe *e;
	int fd;

	if (t->exe_reads >= MAX_EXE_READS)
		return NULL;
	t->exe_reads++;
	fd = exe_open(t, i, v);
	e = fd >= 0 ? exe_new(t, key) : NULL;
	if (!e) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (elf_read(read_at, &fd, &facts) == 0) {
		e->interp = facts.n_interp ? txt_get(t, facts.interp, facts.n_interp) : NULL;
		e->n_build_id = (uint8_t)facts.n_build_id;
		memcpy(e->build_id, facts.build_id, facts.n_build_id);
	}
	if (!t->opts.hash_exe || i->exe_file->w.size > HC_TRACKER_MAX_HASH_BYTES) {
		close(fd);
		t->stats.n_unhashed += t->opts.hash_exe;
		return e;
	}
	if (!hash_begin(t, e, i->exe_file, v, fd)) {
		t->stats.n_unhashed++;
		return e;
	}
	hash_refill(t);
	if (i->exe_file->w.size <= HASH_AT_ONCE_BYTES && (int64_t)i->exe_file->w.size <= t->hash_budget &&
	    hash_more(t, e, HASH_AT_ONCE_BYTES) > 0)
		hash_take(e);
	if (e->hashed) {
		file_unref(t, hash_end(t, e));
	} else if (!queue_put(t, e)) {
		t->stats.n_unhashed++;
		file_unref(t, hash_end(t, e));
	}
	return e;
}

/* The interpreter, as the process would find it. */
static void find_interp(struct hc_tracker *t, struct texe *e, const struct tver *v)
{
	struct path_ask ask = { .given = txt_str(e->interp), .base = v->cwd ? v->cwd->real : NULL };
	uint64_t root = v->root && v->root->real ? v->root->real->hash : 0;
	struct txt *late = NULL;

	if (e->path && e->until_ns > t->now_ns && e->root_hash == root && e->ns_mnt == v->ns.mnt &&
	    e->mnt_changes == t->n_mnt_changes)
		return;
	path_unref(t, hc_steal(e->path));
	file_unref(t, hc_steal(e->file));
	if (ask.given.p[0] == '/') {
		late = path_late(t, v, ask.given);
		ask.real = late ? txt_str(late) : ask.given;
		ask.prov = late ? 4 : 5;
		e->file = path_late_file(t, v, ask.given, true);
	}
	e->path = path_get(t, &ask);
	txt_unref(t, late);
	e->root_hash = root;
	e->ns_mnt = v->ns.mnt;
	e->mnt_changes = t->n_mnt_changes;
	e->until_ns = t->now_ns + INTERP_KEEP_NS;
}

void exe_see(struct hc_tracker *t, struct tver *v)
{
	struct timage *i = v->image;
	struct hc_hash128 key;
	struct texe *e;

	if (t->proc_fd < 0 || !i || !i->exe_file || !S_ISREG(i->exe_file->w.mode) ||
	    !is_local(i->exe_file->w.fs_magic))
		return;
	/* whoever makes a user namespace may put an overlay over a file system that a process of his serves */
	if (i->exe_file->w.fs_magic == MAGIC_OVERLAY && v->creds.userns_level)
		return;
	e = exe_find(t, &i->exe_file->w, &key);
	if (!e)
		e = exe_read(t, i, v, key);
	if (!e) {
		t->stats.n_unhashed += t->opts.hash_exe;
		return;
	}
	e->used = 1;
	if (!i->exe_file->exe) {
		e->refs++;
		i->exe_file->exe = e;
		memset(&i->exe_file->slot, 0, sizeof(i->exe_file->slot)); /* what was written of it knew less */
	}
	if (!e->interp || i->elf_interp)
		return;
	find_interp(t, e, v);
	i->elf_interp = REF(e->path);
	i->elf_interp_file = REF(e->file);
}

void cells_of_exe(struct hc_builder *b, struct hc_cells *c, struct texe *e)
{
	if (e->n_build_id)
		cell_ref(c, HC_O_FILE_build_id, hc_build_bytes(b, e->build_id, e->n_build_id));
	if (e->hashed)
		cell_ref(c, HC_O_FILE_sha256, hc_build_bytes(b, e->sha256, sizeof(e->sha256)));
	else
		e->told = true;
}
