/*
 * Open files and sockets, keyed by what the kernel calls them (scrambled addresses of file and inode). A row that
 * creates a descriptor begins a new object whatever the key says, because the kernel reuses addresses at once.
 */
#include "tracker_priv.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAGIC_PIPE 0x50495045u
#define MAGIC_ANON 0x09041934u
#define MAGIC_PIDFS 0x50494446u
#define MAGIC_NSFS 0x6e736673u
#define MAGIC_MQUEUE 0x19800202u

#define AF_UNIX_ 1
#define AF_INET_ 2
#define AF_INET6_ 10

static uint8_t kind_of_family(unsigned family)
{
	switch (family) {
	case AF_INET_:
		return HC_FD_IPV4;
	case AF_INET6_:
		return HC_FD_IPV6;
	case AF_UNIX_:
		return HC_FD_UNIX;
	case 16:
		return HC_FD_NETLINK;
	case 17:
		return HC_FD_PACKET;
	case 38:
		return HC_FD_ALG;
	case 40:
		return HC_FD_VSOCK;
	default:
		return HC_FD_SOCK_OTHER;
	}
}

static uint8_t kind_of_anon(struct hc_str name)
{
	static const struct {
		const char *name;
		uint8_t kind;
	} kinds[] = {
		{ "[eventfd]", HC_FD_EVENTFD },
		{ "[eventpoll]", HC_FD_EVENTPOLL },
		{ "[signalfd]", HC_FD_SIGNALFD },
		{ "[timerfd]", HC_FD_TIMERFD },
		{ "inotify", HC_FD_INOTIFY },
		{ "[fanotify]", HC_FD_FANOTIFY },
		{ "bpf-map", HC_FD_BPF_MAP },
		{ "bpf-prog", HC_FD_BPF_PROG },
		{ "bpf_link", HC_FD_BPF_LINK },
		{ "bpf-link", HC_FD_BPF_LINK },
		{ "[perf_event]", HC_FD_PERF },
		{ "[io_uring]", HC_FD_IO_URING },
		{ "[userfaultfd]", HC_FD_USERFAULTFD },
		{ "[pidfd]", HC_FD_PIDFD },
		{ "anon_inode:inotify", HC_FD_INOTIFY },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (hc_str_eq(name, hc_str_c(kinds[i].name)))
			return kinds[i].kind;
	return HC_FD_ANON;
}

static uint8_t kind_of_mode(uint32_t mode, uint32_t magic)
{
	if (magic == MAGIC_PIDFS)
		return HC_FD_PIDFD;
	if (magic == MAGIC_NSFS)
		return HC_FD_NAMESPACE;
	if (magic == MAGIC_ANON)
		return HC_FD_ANON;
	switch (mode & S_IFMT) {
	case S_IFSOCK:
		return HC_FD_SOCK_OTHER;
	case S_IFIFO:
		return magic == MAGIC_PIPE ? HC_FD_PIPE : HC_FD_FIFO;
	case S_IFDIR:
		return HC_FD_DIR;
	case S_IFCHR:
		return HC_FD_CHR;
	case S_IFBLK:
		return HC_FD_BLK;
	case S_IFLNK:
		return HC_FD_LNK;
	case S_IFREG:
		return magic == MAGIC_MQUEUE ? HC_FD_MQUEUE : HC_FD_FILE;
	default:
		return magic == 0 && !mode ? HC_FD_ANON : HC_FD_UNKNOWN;
	}
}

static uint64_t fd_hash(struct hc_tracker *t, uint64_t key, uint64_t inode_key)
{
	return hash_u64(t->seed.a ^ inode_key, key);
}

static struct tfd *fd_find(struct hc_tracker *t, uint64_t hash, uint64_t key, uint64_t inode_key)
{
	struct tfd *f;

	TABLE_EACH(&t->fds, hash, at, f)
	{
		if (f->key == key && f->inode_key == inode_key)
			return f;
	}
	return NULL;
}

/* Keys are scrambled: any of their bits will do. */
static struct tfd **fd_near(struct hc_tracker *t, uint64_t key)
{
	return &t->near_fd[key >> 32 & (N_NEAR - 1)];
}

/* Before it leaves the table. */
static void fd_leaves(struct hc_tracker *t, const struct tfd *f)
{
	struct tfd **near = fd_near(t, f->key);

	if (*near == f)
		*near = NULL;
}

struct tfd *fd_known(struct hc_tracker *t, const struct hc_wire_fd *w)
{
	struct tfd **near = fd_near(t, w->key), *f = *near;

	if (w->flags || w->place || !w->key)
		return NULL;
	if (!f || f->key != w->key || f->inode_key != w->inode_key) {
		f = fd_find(t, fd_hash(t, w->key, w->inode_key), w->key, w->inode_key);
		if (!f)
			return NULL;
		*near = f;
	}
	if (f->f_flags != w->f_flags || f->ino != w->ino)
		return NULL;
	f->used = 1;
	return f;
}

bool fd_evict(struct hc_tracker *t, uint32_t keep)
{
	struct tfd *f;

	if (t->fds.n <= keep)
		return false;
	TABLE_OLDEST(&t->fds, &t->fd_hand, f);
	table_remove_at(&t->fds, t->fd_hand);
	fd_leaves(t, f);
	fd_unref(t, f);
	t->stats.n_evicted_fds++;
	return true;
}

/* Takes f's reference. */
static void fd_replace(struct hc_tracker *t, uint64_t hash, struct tfd *old, struct tfd *f)
{
	for (uint32_t at = (uint32_t)hash & t->fds.mask; old && t->fds.slot[at].p; at = (at + 1) & t->fds.mask) {
		if (t->fds.slot[at].p == old) {
			t->fds.slot[at].p = f;
			fd_leaves(t, old);
			fd_unref(t, old);
			return;
		}
	}
	fd_evict(t, MAX_FDS - 1);
	if (!table_add(&t->fds, hash, f))
		fd_unref(t, f);
}

void fd_done(struct hc_tracker *t)
{
	struct tfd *f;
	struct tsock *s;

	TABLE_ALL(&t->fds, at, f)
	fd_unref(t, f);
	table_done(&t->fds);
	TABLE_ALL(&t->socks, at, s)
	sock_unref(t, s);
	table_done(&t->socks);
}

/* ---- sockets ---- */

bool sock_evict(struct hc_tracker *t, uint32_t keep)
{
	struct tsock *s;

	if (t->socks.n <= keep)
		return false;
	TABLE_OLDEST(&t->socks, &t->sock_hand, s);
	table_remove_at(&t->socks, t->sock_hand);
	sock_unref(t, s);
	t->stats.n_evicted_socks++;
	return true;
}

static void sock_remember(struct hc_tracker *t, struct tsock *s)
{
	uint64_t hash = hash_u64(t->seed.b, s->w.key);
	struct tsock *old;

	if (!s->w.key)
		return;
	TABLE_EACH(&t->socks, hash, at, old)
	{
		if (old->w.key == s->w.key) {
			t->socks.slot[at].p = REF(s);
			sock_unref(t, old);
			return;
		}
	}
	sock_evict(t, MAX_SOCKS - 1);
	if (table_add(&t->socks, hash, s))
		REF(s);
}

static struct tsock *sock_known(struct hc_tracker *t, uint64_t key)
{
	struct tsock *s;

	TABLE_EACH(&t->socks, hash_u64(t->seed.b, key), at, s)
	{
		if (s->w.key == key)
			return s;
	}
	return NULL;
}

/* What the kernel says of an endpoint now, with what is known of it from before. */
static bool sock_same(const struct tsock *a, const struct tsock *b)
{
	return memcmp(&a->w, &b->w, sizeof(a->w)) == 0 && a->local == b->local && a->peer == b->peer &&
	       a->role == b->role;
}

/* Whether the socket at an address is another than the one known there. A connection has no inode until it is
 * accepted, and none any more once it is closed, when it keeps its addresses until the end. */
static bool sock_replaced(const struct hc_wire_sock *known, const struct hc_wire_sock *now)
{
	bool has_peers = known->rport && now->rport;

	if (known->cookie && now->cookie && known->cookie != now->cookie)
		return true;
	if (known->ino && now->ino)
		return known->ino != now->ino;
	if (now->protocol != IPPROTO_TCP || known->ino == now->ino)
		return false;
	if (now->ino)
		return now->state == TCP_SYN_SENT || now->state == TCP_CLOSE || now->state == TCP_LISTEN;
	return now->state == TCP_ESTABLISHED || now->state == TCP_SYN_RECV ||
	       (has_peers && (known->lport != now->lport || known->rport != now->rport ||
	                      memcmp(known->raddr, now->raddr, sizeof(now->raddr)) != 0));
}

struct tsock *sock_see(struct hc_tracker *t, const struct wrec *r, unsigned subject, struct tver *ver)
{
	const struct hc_wire_sock *w = WREC_GET(r, HC_WIRE_F_SOCK, subject, struct hc_wire_sock);
	const struct wfact *uf = wrec_fact(r, HC_WIRE_F_UNIX, subject);
	struct tsock now = { 0 }, *s = &now, *old;

	if (!w)
		return NULL;
	s->w = *w;
	s->used = 1;
	if (uf && uf->bytes >= sizeof(struct hc_wire_unix)) {
		const struct hc_wire_unix *u = uf->p;
		const char *names = (const char *)(u + 1);

		if ((size_t)u->local_bytes + u->peer_bytes <= uf->bytes - sizeof(*u)) {
			if (u->local_bytes)
				s->local = txt_get(t, names, u->local_bytes);
			if (u->peer_bytes)
				s->peer = txt_get(t, names + u->local_bytes, u->peer_bytes);
		}
		if (u->peer_pid > 0) {
			struct tproc *p = proc_find(t, (uint32_t)u->peer_pid, 0);

			if (p) {
				proc_refresh(t, p);
				s->peer_proc = REF(p->cur);
			}
		}
	}
	s->connected = w->rport != 0 || (w->family == AF_UNIX_ && w->sock_state == 3);
	old = w->key ? sock_known(t, w->key) : NULL;
	if (old && sock_replaced(&old->w, w))
		old = NULL;
	if (old) {
		old->used = 1;
		s->role = old->role;
		if (!s->peer_proc)
			s->peer_proc = REF(old->peer_proc);
		s->creator = REF(old->creator);
		if (!w->ino)
			s->w.ino = old->w.ino;
		if (sock_same(s, old)) { /* as most are: so it is made only now */
			sock_drop(t, s);
			return REF1(old);
		}
	} else if (ver) {
		s->creator = REF(ver);
	}
	if (w->state == TCP_LISTEN)
		s->role = ROLE_SERVER;
	s = sock_new();
	if (!s) {
		sock_drop(t, &now);
		return NULL;
	}
	*s = now;
	s->refs = 1;
	sock_remember(t, s);
	return s;
}

struct tsock *sock_role(struct hc_tracker *t, struct tsock *s, uint8_t role)
{
	struct tsock *n;

	if (!s || s->role == role)
		return s;
	n = sock_copy(s);
	if (!n)
		return s;
	n->role = role;
	sock_remember(t, n);
	sock_unref(t, s);
	return n;
}

struct tfd *fd_set_sock(struct hc_tracker *t, struct tfd *f, struct tsock *s)
{
	struct tfd *n;

	if (!f || f->sock == s)
		return f;
	n = fd_copy(f);
	if (!n)
		return f;
	sock_unref(t, n->sock);
	n->sock = REF(s);
	n->kind = kind_of_family(s->w.family);
	fd_replace(t, fd_hash(t, n->key, n->inode_key), f, n);
	return n;
}

/* ---- descriptors ---- */

/* What an open file without a path is called; empty: it has a path, or there is nothing. In t->buf. */
static struct hc_str name_of_fact(struct hc_tracker *t, const struct wfact *pf)
{
	const struct hc_wire_path *p = pf && pf->bytes >= sizeof(*p) ? pf->p : NULL;
	uint32_t n = p && p->flags & HC_WIRE_PATH_NAME ? wpath_text(pf, false, t->buf, sizeof(t->buf)) : 0;

	return (struct hc_str){ t->buf + (n && t->buf[0] == '/'), n - (n && t->buf[0] == '/') };
}

static void fd_define(struct hc_tracker *t, struct tfd *f, const struct wrec *r, unsigned subject,
                      struct tver *ver, struct tpath *opened)
{
	const struct wfact *pf = wrec_fact(r, HC_WIRE_F_PATH, subject);
	const struct hc_wire_file *w = WREC_GET(r, HC_WIRE_F_FILE, subject, struct hc_wire_file);
	const struct hc_wire_kobj *k = WREC_GET(r, HC_WIRE_F_KOBJ, subject, struct hc_wire_kobj);
	struct tsock *s = sock_see(t, r, subject, ver);

	if (s) {
		sock_unref(t, f->sock);
		f->sock = s;
		f->kind = kind_of_family(s->w.family);
		f->defined = true;
	}
	if (w) {
		file_unref(t, f->file);
		f->file = file_get(t, w);
		f->defined = true;
	}
	if (pf && pf->bytes >= sizeof(struct hc_wire_path)) {
		const struct hc_wire_path *p = pf->p;

		if (p->flags & HC_WIRE_PATH_NAME) {
			struct hc_str name = name_of_fact(t, pf);

			if (f->kind == HC_FD_ANON)
				f->kind = kind_of_anon(name);
			else if (hc_str_starts(name, HC_STR("memfd:")))
				f->kind = HC_FD_MEMFD;
			if (name.len) {
				txt_unref(t, f->name);
				f->name = txt_get(t, name.p, name.len);
			}
		} else {
			struct tpath *now = opened ? REF(opened) : path_of_fact(t, pf);

			if (!f->path) {
				f->path = now;
			} else if (now && f->path->real != now->real) {
				path_unref(t, f->path_now);
				f->path_now = now;
			} else {
				path_unref(t, now);
			}
		}
		f->defined = true;
	}
	if (k) {
		f->kind = k->kind == HC_WIRE_KOBJ_BPF_PROG  ? HC_FD_BPF_PROG
		          : k->kind == HC_WIRE_KOBJ_BPF_MAP ? HC_FD_BPF_MAP
		                                            : HC_FD_BPF_LINK;
		f->target = k->id;
		txt_unref(t, f->name);
		f->name = txt_get(t, k->name, strnlen(k->name, sizeof(k->name)));
		f->defined = true;
	}
}

/* Whether what is told of now is another open file than the one known at its address. Pipes and sockets have an
 * inode number each; anonymous files share theirs, and are told apart by their kind. */
static bool fd_replaced(struct hc_tracker *t, const struct tfd *known, const struct hc_wire_fd *w,
                        const struct wrec *r, unsigned subject)
{
	const struct wfact *pf = wrec_fact(r, HC_WIRE_F_PATH, subject);
	const struct hc_wire_kobj *k = WREC_GET(r, HC_WIRE_F_KOBJ, subject, struct hc_wire_kobj);
	struct hc_str name;
	uint8_t kind;

	if (known->ino != w->ino)
		return true;
	if (!(w->flags & HC_WIRE_FD_DEF) || w->fs_magic != MAGIC_ANON || !known->defined)
		return false;
	if (k && known->target && known->target != k->id)
		return true;
	name = name_of_fact(t, pf);
	kind = kind_of_anon(name);
	if (kind != HC_FD_ANON)
		return known->kind != kind;
	return name.len && !hc_str_eq(txt_str(known->name), name);
}

/* The same open file seen again: a new entry when something about it is different. */
static struct tfd *fd_again(struct hc_tracker *t, struct tfd *f, const struct hc_wire_fd *w, const struct wrec *r,
                            unsigned subject, struct tver *ver)
{
	struct tfd *n;

	f->used = 1;
	if (f->f_flags == w->f_flags && !(w->flags & HC_WIRE_FD_DEF))
		return f;
	n = fd_copy(f);
	if (!n)
		return f;
	n->f_flags = w->f_flags;
	n->f_mode = w->f_mode;
	if (w->flags & HC_WIRE_FD_DEF)
		fd_define(t, n, r, subject, ver, NULL);
	fd_replace(t, fd_hash(t, n->key, n->inode_key), f, n);
	return n;
}

struct tfd *fd_see(struct hc_tracker *t, const struct wrec *r, unsigned subject, struct ttask *task,
                   struct tver *ver, struct tpath *opened)
{
	const struct hc_wire_fd *w = WREC_GET(r, HC_WIRE_F_FD, subject, struct hc_wire_fd);
	struct tfd *f, *old;
	uint64_t hash;

	(void)task;
	if (!w || w->flags & HC_WIRE_FD_BAD || !w->key)
		return NULL;
	hash = fd_hash(t, w->key, w->inode_key);
	old = fd_find(t, hash, w->key, w->inode_key);
	if (old && !(w->flags & HC_WIRE_FD_NEW) && !fd_replaced(t, old, w, r, subject))
		return fd_again(t, old, w, r, subject, ver);
	f = obj_alloc(sizeof(*f));
	if (!f)
		return NULL;
	f->refs = 1;
	f->used = 1;
	f->id = ++t->next_fd_id;
	f->key = w->key;
	f->inode_key = w->inode_key;
	f->ino = w->ino;
	f->kind = kind_of_mode(w->i_mode, w->fs_magic);
	f->f_flags = w->f_flags;
	f->f_mode = w->f_mode;
	f->created = w->f_mode >> 20 & 1;
	f->cloexec = w->flags & HC_WIRE_FD_NEW && w->f_flags & O_CLOEXEC;
	f->target = w->target ? w->target : f->kind == HC_FD_PIPE ? w->ino : 0;
	if (w->flags & HC_WIRE_FD_NEW)
		f->opened_by = REF(ver);
	if (f->kind == HC_FD_CHR && opened && opened->real &&
	    (hc_str_starts(txt_str(opened->real), HC_STR("/dev/pts/")) || txt_is(opened->real, "/dev/tty")))
		f->kind = HC_FD_TTY;
	if (w->flags & (HC_WIRE_FD_DEF | HC_WIRE_FD_SAME))
		fd_define(t, f, r, subject, ver, opened);
	if ((f->kind == HC_FD_PIPE || f->kind == HC_FD_NAMESPACE) && !f->path)
		/* it has no name of its own, but one that it was opened by */
		f->path = REF(opened);
	if (f->kind == HC_FD_PIDFD && w->target) {
		struct tproc *p = proc_find(t, w->target, 0);

		if (p) {
			proc_refresh(t, p);
			f->target_proc = REF(p->cur);
		}
	}
	if (w->flags & HC_WIRE_FD_NEW || !f->defined) {
		/* what the recorder was told and lost: the next DEF, or /proc, fills it in */
		if (!f->defined && !(w->flags & HC_WIRE_FD_NEW) && t->proc_fd >= 0 && ver && w->fd >= 0 &&
		    t->proc_reads < MAX_PROC_READS) {
			struct tfd *p;

			t->proc_reads++;
			p = fd_from_proc(t, ver->pid, w->fd);
			if (p && p->file && p->file->w.ino == w->ino) {
				f->path = REF(p->path);
				f->file = REF(p->file);
				f->name = REF(p->name);
				if (f->kind == HC_FD_ANON || p->kind == HC_FD_MEMFD)
					f->kind = p->kind;
			}
			fd_unref(t, p);
		}
	}
	fd_replace(t, hash, old, f);
	return f;
}

static uint32_t wire_dev(dev_t dev)
{
	return (uint32_t)major(dev) << 20 | (minor(dev) & 0xfffff);
}

struct tfd *fd_from_proc(struct hc_tracker *t, uint32_t pid, int fd)
{
	char name[40], link[PATH_MAX];
	struct hc_str text;
	struct stat st;
	struct tfd *f;
	ssize_t n;

	snprintf(name, sizeof(name), "fd/%d", fd);
	n = procfs_link(t, pid, name, link, sizeof(link));
	if (n <= 0)
		return NULL;
	snprintf(name, sizeof(name), "%u/fd/%d", pid, fd);
	f = obj_alloc(sizeof(*f));
	if (!f)
		return NULL;
	f->refs = 1;
	f->id = ++t->next_fd_id;
	text = (struct hc_str){ link, (uint32_t)n };
	f->kind = HC_FD_UNKNOWN;
	if (link[0] == '/') {
		uint8_t flags = 0;

		/* stat would wait for a dead file server; what is in the caches is enough */
		if (fstatat(t->proc_fd, name, &st, AT_STATX_DONT_SYNC) == 0) {
			struct hc_wire_file w = {
				.ino = st.st_ino,
				.size = (uint64_t)st.st_size,
				.ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
				.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
				.dev = wire_dev(st.st_dev),
				.rdev = wire_dev(st.st_rdev),
				.mode = st.st_mode,
				.nlink = (uint32_t)st.st_nlink,
				.uid = st.st_uid,
				.gid = st.st_gid,
			};

			f->file = file_of(&w);
			f->kind = kind_of_mode(st.st_mode, 0);
		}
		if (hc_str_starts(text, HC_STR("/memfd:"))) {
			f->kind = HC_FD_MEMFD;
			f->name = txt_get(t, text.p + 1, text.len - 1);
		}
		if (text.len > 10 && hc_str_ends(text, HC_STR(" (deleted)"))) {
			text.len -= 10;
			flags = HC_PATH_DELETED;
		}
		f->path = path_of_text(t, text, 4, flags);
		f->defined = true;
		return f;
	}
	if (hc_str_starts(text, HC_STR("pipe:["))) {
		f->kind = HC_FD_PIPE;
		f->target = strtoull(link + 6, NULL, 10);
	} else if (hc_str_starts(text, HC_STR("socket:["))) {
		f->kind = HC_FD_SOCK_OTHER;
		f->target = strtoull(link + 8, NULL, 10);
	} else if (hc_str_starts(text, HC_STR("anon_inode:"))) {
		text.p += 11;
		text.len -= 11;
		f->kind = kind_of_anon(text);
		f->name = txt_get(t, text.p, text.len);
	} else {
		f->name = txt_get(t, text.p, text.len);
	}
	return f;
}
