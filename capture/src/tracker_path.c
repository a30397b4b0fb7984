/*
 * Paths: joining texts, the cache of path objects, and the late look-up of paths that no kernel object names.
 *
 * The late look-up opens the parent directory below the process's own root with openat2(RESOLVE_IN_ROOT |
 * RESOLVE_CACHED): the answer comes from the dentry cache that the caller has just filled, or not at all, so it
 * never waits for a file server. Calls that ask that cache alone (RESOLVE_CACHED) are not looked up in their turn:
 * another recorder's look-ups are such calls, and two that looked up each other's would never end.
 */
#include "tracker_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LATE_KEEP_NS UINT64_C(2000000000)
#define ROOT_KEEP_NS UINT64_C(1000000000) /* an open root keeps the file systems of a container that has ended */
#define MAX_DIRS 8192u
#define MAX_DIR_NAMES (64u << 10) /* of them and all above them */

/* Appends the components of `s` to the text in buf (which has no final '/'), lexically. */
static uint32_t join_more(struct hc_str s, char *buf, uint32_t n, uint32_t room)
{
	const char *p = s.p, *end = s.len ? s.p + s.len : s.p;

	while (p < end) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		uint32_t len = (uint32_t)((slash ? slash : end) - p);

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (n && buf[n - 1] != '/')
				n--;
			if (n)
				n--;
		} else if (len && !(len == 1 && p[0] == '.')) {
			if (n + 1 + len > room)
				return n;
			buf[n++] = '/';
			memcpy(buf + n, p, len);
			n += len;
		}
		p += len + 1;
	}
	return n;
}

uint32_t path_join(struct hc_str base, struct hc_str rel, char *buf, uint32_t room)
{
	uint32_t n = 0;

	if (!rel.len || rel.p[0] != '/') {
		if (!base.len || base.p[0] != '/')
			return 0; /* relative to nobody knows what */
		n = join_more(base, buf, 0, room);
	}
	n = join_more(rel, buf, n, room);
	if (!n && room)
		buf[n++] = '/';
	return n;
}

static uint8_t path_flags(unsigned wire)
{
	return (uint8_t)((wire & HC_WIRE_PATH_DELETED ? HC_PATH_DELETED : 0) |
	                 (wire & (HC_WIRE_PATH_CUT | HC_WIRE_PATH_FAULT) ? HC_PATH_CUT : 0) |
	                 (wire & HC_WIRE_PATH_DETACHED ? HC_PATH_UNREACHABLE : 0) |
	                 (wire & HC_WIRE_PATH_OUTSIDE ? HC_PATH_OUTSIDE_ROOT : 0));
}

bool path_evict(struct hc_tracker *t, uint32_t keep)
{
	struct tpath *p;

	if (t->paths.n <= keep)
		return false;
	TABLE_OLDEST(&t->paths, &t->path_hand, p);
	table_remove_at(&t->paths, t->path_hand);
	path_unref(t, p);
	t->stats.n_evicted_paths++;
	return true;
}

static void path_fill(struct hc_tracker *t, struct tpath *p, const struct path_ask *ask)
{
	uint32_t n;

	p->prov = ask->prov;
	p->flags = ask->flags;
	if (ask->fact) {
		const struct hc_wire_path *w = ask->fact->p;

		n = ask->fact->bytes >= sizeof(*w) ? wpath_text(ask->fact, false, t->buf, sizeof(t->buf)) : 0;
		if (n) {
			p->flags |= path_flags(w->flags);
			p->prov = 1;
			p->real = txt_get(t, t->buf, n);
			n = wpath_text(ask->fact, true, t->buf, sizeof(t->buf));
			p->fsrel = txt_get(t, t->buf, n);
		}
	} else if (ask->real.p) {
		p->real = txt_get(t, ask->real.p, ask->real.len);
	}
	if (ask->given.p) {
		p->given = txt_get(t, ask->given.p, ask->given.len);
		n = ask->abs.p ? 0 : path_join(txt_str(ask->base), ask->given, t->buf, PATH_MAX * 2);
		p->abs = ask->abs.p ? txt_get(t, ask->abs.p, ask->abs.len) : n ? txt_get(t, t->buf, n) : NULL;
	} else {
		p->abs = REF(p->real);
	}
}

struct tpath *path_get(struct hc_tracker *t, const struct path_ask *ask)
{
	struct hc_hash128 h = hash_add(t->seed, 2 + ask->prov + ((uint64_t)ask->flags << 8));
	struct tpath *p;

	if (ask->given.p)
		h = hash_bytes(h, ask->given.p, ask->given.len);
	h = hash_add(h, ask->given.p && ask->base ? ask->base->hash : ask->given.p ? 1 : 0);
	if (ask->abs.p)
		h = hash_bytes(hash_add(h, 4), ask->abs.p, ask->abs.len);
	if (ask->fact)
		h = hash_bytes(h, ask->fact->p, ask->fact->bytes);
	else if (ask->real.p)
		h = hash_bytes(hash_add(h, 3), ask->real.p, ask->real.len);
	TABLE_EACH(&t->paths, h.a, at, p)
	{
		if (p->key_b == h.b) {
			p->used = 1;
			return REF(p);
		}
	}
	path_evict(t, MAX_PATHS - 1);
	p = obj_alloc(sizeof(*p));
	if (!p)
		return NULL;
	p->refs = 1; /* the table's */
	p->used = 1;
	p->key_a = h.a;
	p->key_b = h.b;
	path_fill(t, p, ask);
	if (!table_add(&t->paths, h.a, p)) {
		path_unref(t, p);
		return NULL;
	}
	return REF(p);
}

struct tpath *path_of_fact(struct hc_tracker *t, const struct wfact *f)
{
	return f ? path_get(t, &(struct path_ask){ .fact = f }) : NULL;
}

struct tpath *path_of_text(struct hc_tracker *t, struct hc_str real, uint8_t prov, uint8_t flags)
{
	return path_get(t, &(struct path_ask){ .real = real, .prov = prov, .flags = flags });
}

/* ---- late ---- */

static int openat2_cached(int dirfd, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

/* RESOLVE_CACHED came with 5.12, and who filters system calls cannot see the flags of this one: services and
 * containers may be refused it altogether. */
void path_late_probe(struct hc_tracker *t)
{
	int fd = openat2_cached(t->proc_fd, ".", O_DIRECTORY);

	if (fd >= 0)
		close(fd);
	else if (errno == EINVAL || errno == ENOSYS || errno == EPERM)
		t->late_off = errno;
}

static ssize_t fd_name(int fd, char *buf, size_t room)
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, room - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

static void root_close(struct root_fd *r)
{
	if (r->used_ns)
		close(r->fd);
	r->used_ns = 0;
}

void mnt_ns_changed(struct hc_tracker *t, uint32_t ns_mnt)
{
	bool own = ns_mnt == t->own_mnt_ns; /* lives as long as we do, and "/" there stays what it is */

	for (struct root_fd *r = t->root_fd; r < t->root_fd + N_ROOT_FDS; r++)
		if (r->used_ns && r->ns_mnt == ns_mnt && (!own || r->real[0]))
			root_close(r);
	user_forget_ns(t, ns_mnt);
	t->n_mnt_changes++;
}

void path_roots_tick(struct hc_tracker *t)
{
	for (struct root_fd *r = t->root_fd; r < t->root_fd + N_ROOT_FDS; r++)
		if (r->used_ns && r->used_ns + ROOT_KEEP_NS < t->now_ns)
			root_close(r);
}

/* The root of the process, or of an ancestor that has the same: who ran for a moment only is gone by now. */
static int root_open(struct hc_tracker *t, const struct tver *v, uint32_t ns_mnt, const struct txt *real)
{
	unsigned left = MAX_ANCESTORS;

	for (v = ver_seeing(t, v, ns_mnt, real, &left); v; v = ver_seeing(t, v->parent, ns_mnt, real, &left)) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "%u/root", v->pid);
		fd = openat(t->proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* A descriptor of the process's root, shared by all processes with the same mount namespace and root. */
static struct root_fd *root_of(struct hc_tracker *t, const struct tver *v)
{
	struct root_fd *r, *free_one = &t->root_fd[0];
	uint64_t hash = v->root && v->root->real ? v->root->real->hash : 0;
	bool own = v->has & HAS_NS && v->ns.mnt == t->own_mnt_ns;
	int fd;

	if (!(v->has & HAS_NS) || !hash)
		return NULL;
	for (r = t->root_fd; r < t->root_fd + N_ROOT_FDS; r++) {
		if (r->used_ns && r->ns_mnt == v->ns.mnt && r->root_hash == hash) {
			r->used_ns = t->now_ns + 1;
			return r;
		}
		if (r->used_ns < free_one->used_ns)
			free_one = r;
	}
	fd = own && txt_is(v->root->real, "/") ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
	                                       : root_open(t, v, v->ns.mnt, v->root->real);
	if (fd < 0)
		return NULL; /* the next process with this root may be alive */
	r = free_one;
	root_close(r);
	r->fd = fd;
	r->id = ++t->n_roots;
	r->ns_mnt = v->ns.mnt;
	r->root_hash = hash;
	r->used_ns = t->now_ns + 1;
	r->real[0] = '\0';
	if (fd_name(r->fd, r->real, sizeof(r->real)) < 0 || strcmp(r->real, "/") == 0)
		r->real[0] = '\0';
	return r;
}

/* The parts of /proc that mean the reader: resolved by us they would name ourselves. */
static bool is_selfish(struct hc_str abs)
{
	return hc_str_starts(abs, HC_STR("/proc/self")) || hc_str_starts(abs, HC_STR("/proc/thread-self")) ||
	       hc_str_starts(abs, HC_STR("/dev/fd")) || hc_str_starts(abs, HC_STR("/dev/std"));
}

static struct txt *dir_ask(struct hc_tracker *t, struct root_fd *root, struct hc_str dir)
{
	char *text = t->buf2, own[32];
	size_t cut = strlen(root->real);
	ssize_t n;
	int fd;

	if (dir.len >= PATH_MAX)
		return NULL;
	memcpy(text, dir.p, dir.len);
	text[dir.len] = '\0';
	fd = openat2_cached(root->fd, dir.len > 1 ? text + 1 : ".", O_DIRECTORY);
	if (fd < 0)
		return NULL;
	n = fd_name(fd, text, PATH_MAX);
	close(fd);
	if (n <= 0 || text[0] != '/')
		return NULL;
	snprintf(own, sizeof(own), "/proc/%u/", t->opts.own_pid);
	if (strncmp(text, own, strlen(own)) == 0)
		return NULL; /* through /proc/self: ours, not the caller's */
	if (cut) {
		if (strncmp(text, root->real, cut) != 0 || (text[cut] != '/' && text[cut] != '\0'))
			return NULL;
		text += cut;
		n -= (ssize_t)cut;
	}
	return n ? txt_get(t, text, (size_t)n) : txt_get(t, "/", 1);
}

static void dirs_flush(struct hc_tracker *t)
{
	struct dir_entry *e;

	TABLE_ALL(&t->dirs, at, e)
	{
		txt_unref(t, e->real);
		free(e);
	}
	table_done(&t->dirs);
	table_done(&t->dir_names); /* its entries are hashes alone */
	t->path_flush_n++;
}

/* Remembers a directory and all above it by hash, so that a rename of one of them is noticed. */
static void dir_note(struct hc_tracker *t, struct hc_str dir)
{
	static char present;

	for (uint32_t n = dir.len; n > 1;) {
		uint64_t h = hash_bytes(t->seed, dir.p, n).a;
		void *p;
		bool known = false;

		TABLE_EACH(&t->dir_names, h, at, p)
		{
			known = true;
			break;
		}
		if (known)
			return; /* and so are those above */
		table_add(&t->dir_names, h, &present);
		while (n > 1 && dir.p[n - 1] != '/')
			n--;
		n--;
	}
}

void path_changed(struct hc_tracker *t, const struct tpath *p, bool all)
{
	const struct txt *texts[2] = { p ? p->abs : NULL, p ? p->real : NULL };

	if (!t->dirs.n)
		return;
	for (int i = 0; i < 2 && !all; i++) {
		void *found;

		if (!texts[i])
			continue;
		TABLE_EACH(&t->dir_names, texts[i]->hash, at, found)
		{
			all = true;
			break;
		}
	}
	if (all)
		dirs_flush(t);
}

static struct dir_entry *dir_get(struct hc_tracker *t, struct root_fd *root, struct hc_str dir)
{
	struct hc_hash128 h = hash_bytes(hash_add(t->seed, root->id), dir.p, dir.len);
	struct dir_entry *e, *old = NULL;

	TABLE_EACH(&t->dirs, h.a, at, e)
	{
		if (e->key_b != h.b)
			continue;
		if (e->until_ns > t->now_ns)
			return e;
		old = e;
		break;
	}
	if (!old && (t->dirs.n >= MAX_DIRS || t->dir_names.n >= MAX_DIR_NAMES))
		dirs_flush(t);
	e = old ? old : calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	txt_unref(t, e->real);
	e->real = dir_ask(t, root, dir);
	t->stats.n_late++;
	t->stats.n_late_failed += !e->real;
	e->until_ns = t->now_ns + LATE_KEEP_NS;
	if (!old) {
		e->key_a = h.a;
		e->key_b = h.b;
		if (!table_add(&t->dirs, h.a, e)) {
			txt_unref(t, e->real);
			free(e);
			return NULL;
		}
		dir_note(t, dir);
		if (e->real)
			dir_note(t, txt_str(e->real));
	}
	return e;
}

struct txt *path_late(struct hc_tracker *t, const struct tver *v, struct hc_str abs)
{
	struct root_fd *root;
	struct dir_entry *e;
	struct hc_str dir = abs, last;

	if (!t->opts.late_paths || t->late_off || t->proc_fd < 0 || abs.len < 1 || abs.p[0] != '/' ||
	    is_selfish(abs))
		return NULL;
	if (abs.len == 1)
		return txt_get(t, "/", 1);
	while (dir.len && dir.p[dir.len - 1] != '/')
		dir.len--;
	last = (struct hc_str){ abs.p + dir.len, abs.len - dir.len };
	if (dir.len > 1)
		dir.len--; /* the '/' */
	root = root_of(t, v);
	e = root ? dir_get(t, root, dir) : NULL;
	if (!e || !e->real)
		return NULL;
	if (e->real->len == dir.len && memcmp(e->real->p, dir.p, dir.len) == 0)
		return txt_get(t, abs.p, abs.len);
	if (e->real->len + 1 + last.len >= sizeof(t->buf2))
		return NULL;
	memcpy(t->buf2, e->real->p, e->real->len);
	dir.len = e->real->len;
	if (dir.len > 1)
		t->buf2[dir.len++] = '/';
	memcpy(t->buf2 + dir.len, last.p, last.len);
	return txt_get(t, t->buf2, dir.len + last.len);
}

int path_late_open(struct hc_tracker *t, const struct tver *v, struct hc_str abs, bool follow)
{
	struct root_fd *root;

	if (!t->opts.late_paths || t->late_off || t->proc_fd < 0 || abs.len < 2 || abs.len >= PATH_MAX ||
	    abs.p[0] != '/' || is_selfish(abs))
		return -1;
	root = root_of(t, v);
	if (!root)
		return -1;
	memcpy(t->buf2, abs.p + 1, abs.len - 1);
	t->buf2[abs.len - 1] = '\0';
	return openat2_cached(root->fd, t->buf2, follow ? 0 : O_NOFOLLOW);
}

uint64_t path_late_mount(struct hc_tracker *t, const struct tver *v, struct hc_str abs)
{
	int fd = path_late_open(t, v, abs, true), r;
	struct statx sx;

	if (fd < 0)
		return 0;
	/* the file system is asked for nothing: the number is the mount's */
	r = statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &sx);
	close(fd);
	return r == 0 && sx.stx_mask & STATX_MNT_ID ? sx.stx_mnt_id : 0;
}

struct tfile *path_late_file(struct hc_tracker *t, const struct tver *v, struct hc_str abs, bool follow)
{
	int fd = path_late_open(t, v, abs, follow), r;
	struct hc_wire_file w = { 0 };
	struct statx sx;
	struct tfile *f;

	if (fd < 0)
		return NULL;
	r = statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &sx);
	close(fd);
	if (r < 0)
		return NULL;
	if (sx.stx_mask & STATX_MNT_ID)
		w.mnt_id = (uint32_t)sx.stx_mnt_id;
	w.ino = sx.stx_ino;
	w.size = sx.stx_size;
	w.ctime_ns = (int64_t)sx.stx_ctime.tv_sec * 1000000000 + sx.stx_ctime.tv_nsec;
	w.mtime_ns = (int64_t)sx.stx_mtime.tv_sec * 1000000000 + sx.stx_mtime.tv_nsec;
	w.dev = sx.stx_dev_major << 20 | (sx.stx_dev_minor & 0xfffff);
	w.rdev = sx.stx_rdev_major << 20 | (sx.stx_rdev_minor & 0xfffff);
	w.mode = sx.stx_mode;
	w.nlink = sx.stx_nlink;
	w.uid = sx.stx_uid;
	w.gid = sx.stx_gid;
	f = file_of(&w);
	if (f && sx.stx_mask & STATX_BTIME) {
		f->has_btime = true;
		f->btime_ns = (int64_t)sx.stx_btime.tv_sec * 1000000000 + sx.stx_btime.tv_nsec;
	}
	return f;
}

void path_late_done(struct hc_tracker *t)
{
	struct tpath *p;

	dirs_flush(t);
	for (struct root_fd *r = t->root_fd; r < t->root_fd + N_ROOT_FDS; r++)
		root_close(r);
	TABLE_ALL(&t->paths, at, p)
	path_unref(t, p);
	table_done(&t->paths);
}
