/*
 * What there is when a segment begins: meta_state rows of processes, mounts and modules, and at the start of a
 * recording of open descriptors, so that any segment can be read alone.
 */
#include "tracker_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_STATE_FDS 20000u
#define MAX_STATE_LINES 4096u
#define MAX_NET_NS 32u
#define MAX_PROC_FILE (8u << 20)

struct state_of {
	const char *what;
	struct tproc *proc; /* NULL: none */
	int fd;             /* -1: none */
	struct tfd *fdobj;
	struct tfile *file;
	struct tctr *ctr;
	struct hc_str name, value;
};

static int state_row(struct hc_tracker *t, const struct state_of *s, uint64_t now_ns, struct hc_err *err)
{
	struct hc_builder *b = row_begin(t, HC_EV_META_STATE, now_ns, err);
	struct hc_cells *c = &t->cells;

	if (!b)
		return err && err->code ? err->code : -EIO;
	cell_ref(c, HC_C_META_STATE_what, hc_build_str(b, hc_str_c(s->what)));
	cell_ref(c, HC_C_META_STATE_name, hc_build_str(b, s->name));
	cell_ref(c, HC_C_META_STATE_value, hc_build_str(b, s->value));
	if (s->proc) {
		struct tver *v = s->proc->cur;

		cell_ref(c, HC_C_META_STATE_proc, in_ver(t, b, v));
		if (v->cgs)
			cell_ref(c, HC_C_META_STATE_container, in_ctr(t, b, v->cgs->ctr));
	}
	if (s->fd >= 0) {
		hc_cell_set(c, HC_C_META_STATE_fd, (uint64_t)s->fd);
		cell_ref(c, HC_C_META_STATE_fd_obj, in_fd(t, b, s->fdobj));
	}
	if (s->ctr)
		cell_ref(c, HC_C_META_STATE_container, in_ctr(t, b, s->ctr));
	cell_ref(c, HC_C_META_STATE_file, in_file(b, s->file));
	return row_end(t, HC_EV_META_STATE, 0, now_ns, NULL, err);
}

int state_file(struct hc_tracker *t, struct tfile *f, uint64_t now_ns, struct hc_err *err)
{
	return state_row(t, &(struct state_of){ .what = "file", .fd = -1, .file = f }, now_ns, err);
}

static int by_start(const void *a, const void *b)
{
	const struct tproc *p = *(struct tproc *const *)a, *q = *(struct tproc *const *)b;

	if (p->start_ns != q->start_ns)
		return p->start_ns < q->start_ns ? -1 : 1;
	return p->tgid < q->tgid ? -1 : p->tgid > q->tgid;
}

/* A whole file of /proc, malloc'ed and terminated; NULL when it cannot be read. */
static char *whole_file(struct hc_tracker *t, uint32_t pid, const char *name)
{
	char *buf = malloc(MAX_PROC_FILE);
	ssize_t n = buf ? procfs_read(t, pid, name, buf, MAX_PROC_FILE) : -1;

	if (n < 0) {
		free(buf);
		return NULL;
	}
	return buf;
}

/* ---- sockets by inode ---- */

struct net_ns {
	uint32_t inum;
	struct table socks; /* struct tsock by inode */
};

struct nets {
	struct net_ns ns[MAX_NET_NS];
	unsigned n;
};

static uint64_t ino_hash(uint64_t ino)
{
	return ino * UINT64_C(0x9e3779b97f4a7c15);
}

static void net_add(struct hc_tracker *t, struct net_ns *ns, struct tsock *s)
{
	if (!table_add(&ns->socks, ino_hash(s->w.ino), s))
		sock_unref(t, s);
}

/* "0100007F:1F90": words in host order, each printed as it lies in memory. */
static bool net_addr(const char *text, unsigned n_words, uint8_t addr[16], uint16_t *ret_port)
{
	char word[9] = { 0 };

	for (unsigned i = 0; i < n_words; i++) {
		uint32_t v;

		if (strnlen(text, 8) < 8)
			return false;
		memcpy(word, text, 8);
		v = (uint32_t)strtoul(word, NULL, 16);
		memcpy(addr + 4 * i, &v, 4);
		text += 8;
	}
	if (*text != ':')
		return false;
	*ret_port = (uint16_t)strtoul(text + 1, NULL, 16);
	return true;
}

static void net_inet(struct hc_tracker *t, uint32_t pid, struct net_ns *ns, const char *file, uint16_t family,
                     uint16_t type, uint16_t protocol)
{
	char *text = whole_file(t, pid, file), *save = NULL, *line;

	line = text ? strtok_r(text, "\n", &save) : NULL; /* the heading */
	while (line && (line = strtok_r(NULL, "\n", &save)) != NULL) {
		char local[48], peer[48];
		unsigned state;
		unsigned long long ino;
		struct tsock *s;

		if (sscanf(line, " %*u: %47s %47s %x %*s %*s %*s %*u %*u %llu", local, peer, &state, &ino) != 4 ||
		    !ino)
			continue;
		s = sock_new();
		if (!s)
			break;
		s->w.family = family;
		s->w.type = type;
		s->w.protocol = protocol;
		s->w.state = (uint8_t)state;
		s->w.ino = ino;
		s->w.netns = ns->inum;
		if (!net_addr(local, family == AF_INET ? 1 : 4, s->w.laddr, &s->w.lport) ||
		    !net_addr(peer, family == AF_INET ? 1 : 4, s->w.raddr, &s->w.rport)) {
			free(s);
			continue;
		}
		s->connected = s->w.rport != 0;
		if (state == 10)
			s->role = ROLE_SERVER;
		net_add(t, ns, s);
	}
	free(text);
}

static void net_unix(struct hc_tracker *t, uint32_t pid, struct net_ns *ns)
{
	char *text = whole_file(t, pid, "net/unix"), *save = NULL, *line;

	line = text ? strtok_r(text, "\n", &save) : NULL;
	while (line && (line = strtok_r(NULL, "\n", &save)) != NULL) {
		unsigned flags, type, state;
		unsigned long long ino;
		int at = 0;
		struct tsock *s;

		if (sscanf(line, "%*[^:]: %*x %*x %x %x %x %llu %n", &flags, &type, &state, &ino, &at) < 4 || !ino)
			continue;
		s = sock_new();
		if (!s)
			break;
		s->w.family = AF_UNIX;
		s->w.type = (uint16_t)type;
		s->w.ino = ino;
		s->w.netns = ns->inum;
		s->w.state = flags & 0x10000 ? 10 : state == 3 ? 1 : 7;
		s->connected = state == 3;
		if (flags & 0x10000) /* accepts connections */
			s->role = ROLE_SERVER;
		if (at && line[at] == '@') { /* NULs of an abstract name are shown as @ */
			line[at] = '\0';
			s->local = txt_get(t, line + at, strlen(line + at + 1) + 1);
		} else if (at && line[at]) {
			s->local = txt_get(t, line + at, strlen(line + at));
		}
		net_add(t, ns, s);
	}
	free(text);
}

static struct tsock *net_find(struct hc_tracker *t, struct nets *nets, const struct tver *v, uint64_t ino)
{
	struct net_ns *ns = NULL;
	struct tsock *s;

	for (unsigned i = 0; i < nets->n && !ns; i++)
		if (nets->ns[i].inum == v->ns.net)
			ns = &nets->ns[i];
	if (!ns) {
		if (nets->n == MAX_NET_NS)
			return NULL;
		ns = &nets->ns[nets->n++];
		ns->inum = v->ns.net;
		net_inet(t, v->pid, ns, "net/tcp", AF_INET, 1, 6);
		net_inet(t, v->pid, ns, "net/tcp6", AF_INET6, 1, 6);
		net_inet(t, v->pid, ns, "net/udp", AF_INET, 2, 17);
		net_inet(t, v->pid, ns, "net/udp6", AF_INET6, 2, 17);
		net_unix(t, v->pid, ns);
	}
	TABLE_EACH(&ns->socks, ino_hash(ino), at, s)
	{
		if (s->w.ino == ino)
			return REF(s);
	}
	return NULL;
}

static void nets_done(struct hc_tracker *t, struct nets *nets)
{
	struct tsock *s;

	for (unsigned i = 0; i < nets->n; i++) {
		TABLE_ALL(&nets->ns[i].socks, at, s)
		sock_unref(t, s);
		table_done(&nets->ns[i].socks);
	}
}

/* ---- descriptors ---- */

struct fd_walk {
	struct hc_tracker *t;
	struct tproc *proc;
	struct nets *nets;
	uint64_t now_ns;
	uint32_t left;
	int code;
	struct hc_err *err;
};

static uint8_t kind_of_sock(const struct tsock *s)
{
	return s->w.family == AF_INET ? HC_FD_IPV4 : s->w.family == AF_INET6 ? HC_FD_IPV6 : HC_FD_UNIX;
}

static void one_fd(void *ctx, uint32_t n)
{
	struct fd_walk *w = ctx;
	struct state_of s = { .what = "descriptor", .proc = w->proc, .fd = (int)n };

	if (w->code < 0 || !w->left)
		return;
	w->left--;
	s.fdobj = fd_from_proc(w->t, w->proc->tgid, (int)n);
	if (!s.fdobj)
		return;
	if (s.fdobj->kind == HC_FD_SOCK_OTHER && w->proc->cur->has & HAS_NS) {
		s.fdobj->sock = net_find(w->t, w->nets, w->proc->cur, s.fdobj->target);
		if (s.fdobj->sock)
			s.fdobj->kind = kind_of_sock(s.fdobj->sock);
	}
	w->code = state_row(w->t, &s, w->now_ns, w->err);
	fd_unref(w->t, s.fdobj);
}

static int all_fds(struct hc_tracker *t, struct tproc **all, uint32_t n, uint64_t now_ns, struct hc_err *err)
{
	struct nets nets = { 0 };
	struct fd_walk w = { .t = t, .nets = &nets, .now_ns = now_ns, .left = MAX_STATE_FDS, .err = err };

	for (uint32_t i = 0; i < n && w.code >= 0 && w.left; i++) {
		if (all[i]->cur->flags & HC_PROC_KTHREAD || all[i]->tgid == t->opts.own_pid)
			continue;
		w.proc = all[i];
		procfs_each(t, all[i]->tgid, "fd", one_fd, &w);
	}
	nets_done(t, &nets);
	return w.code;
}

/* ---- lists of the system ---- */

/* A row per line: its first word is the name, the rest the value. */
static int lines(struct hc_tracker *t, const char *what, char *text, uint64_t now_ns, struct hc_err *err)
{
	char *save = NULL;
	unsigned n = 0;
	int r = 0;

	for (char *line = strtok_r(text, "\n", &save); line && r >= 0 && n < MAX_STATE_LINES;
	     line = strtok_r(NULL, "\n", &save), n++) {
		size_t word = strcspn(line, " ");
		struct state_of s = { .what = what, .fd = -1, .name = { line, (uint32_t)word } };

		if (line[word])
			s.value = hc_str_c(line + word + 1);
		r = state_row(t, &s, now_ns, err);
	}
	return r;
}

/* "36 35 98:0 /root /target options - type source super": named by its target. */
static int mounts(struct hc_tracker *t, char *text, uint64_t now_ns, struct hc_err *err)
{
	char *save = NULL;
	unsigned n = 0;
	int r = 0;

	for (char *line = strtok_r(text, "\n", &save); line && r >= 0 && n < MAX_STATE_LINES;
	     line = strtok_r(NULL, "\n", &save), n++) {
		struct state_of s = { .what = "mount", .fd = -1, .value = hc_str_c(line) };
		char *p = line;

		for (int i = 0; i < 4 && p; i++) {
			p = strchr(p, ' ');
			p = p ? p + 1 : NULL;
		}
		if (p)
			s.name = (struct hc_str){ p, (uint32_t)strcspn(p, " ") };
		r = state_row(t, &s, now_ns, err);
	}
	return r;
}

static int all_containers(struct hc_tracker *t, uint64_t now_ns, struct hc_err *err)
{
	struct tctr *c;
	int r = 0;

	TABLE_ALL(&t->cgroups, at, c)
	{
		struct state_of s = { .what = "container", .fd = -1, .ctr = c, .name = txt_str(c->id) };

		if (r >= 0)
			r = state_row(t, &s, now_ns, err);
	}
	return r;
}

static int all_lists(struct hc_tracker *t, uint64_t now_ns, struct hc_err *err)
{
	char *text;
	int r = 0;

	if (t->proc_fd < 0)
		return 0;
	text = whole_file(t, 1, "mountinfo");
	if (text)
		r = mounts(t, text, now_ns, err);
	free(text);
	if (r < 0)
		return r;
	text = whole_file(t, 0, "modules");
	if (text)
		r = lines(t, "module", text, now_ns, err);
	free(text);
	return r;
}

int hc_tracker_write_state(struct hc_tracker *t, uint64_t now_ns, bool descriptors, struct hc_err *err)
{
	struct tproc **all = calloc(t->procs.n + 1, sizeof(struct tproc *)), *p;
	struct state_of s = { .what = "begin", .fd = -1 };
	uint32_t n = 0;
	int r;

	if (!all)
		return hc_err_set(err, -ENOMEM, "out of memory");
	TABLE_ALL(&t->procs, at, p)
	{
		if (!p->dead_ns && !p->excluded)
			all[n++] = p;
	}
	qsort(all, n, sizeof(struct tproc *), by_start);
	r = state_row(t, &s, now_ns, err);
	s.what = "process";
	for (uint32_t i = 0; i < n && r >= 0; i++) {
		proc_refresh(t, all[i]);
		s.proc = all[i];
		s.name = txt_str(all[i]->cur->comm);
		r = state_row(t, &s, now_ns, err);
	}
	if (r >= 0)
		r = all_containers(t, now_ns, err);
	if (r >= 0 && descriptors && t->proc_fd >= 0)
		r = all_fds(t, all, n, now_ns, err);
	if (r >= 0)
		r = all_lists(t, now_ns, err);
	free(all);
	s = (struct state_of){ .what = "end", .fd = -1 };
	return r < 0 ? r : state_row(t, &s, now_ns, err);
}
