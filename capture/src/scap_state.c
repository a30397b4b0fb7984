/*
 * What is known of threads and descriptors while a scap file is read, by the reference implementation's rules: a
 * thread by its number, a table of descriptors for each process, copied at a fork, state as it is after each
 * event.
 */
#include "scap_priv.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "store/scap_flags.h"

#define L4_UNKNOWN 254
#define L4_NONE 253 /* whatever it sends */
#define AT_FDCWD_NUM (-100)
#define IN_PROGRESS (-115)
#define EXEC_EMPTY_PATH 1u /* AT_EMPTY_PATH */
#define ALL_CAPS UINT64_C(0x1ffffffffff)

/* ---- threads ---- */

static uint64_t hash_of(const struct hc_scap_import *im, int64_t n)
{
	return hash_u64(im->t->seed.a, (uint64_t)n);
}

struct sthr *scap_thread(struct hc_scap_import *im, int64_t tid)
{
	struct sthr *k;

	if (im->found && im->found->tid == tid)
		return im->found;
	TABLE_EACH(&im->threads, hash_of(im, tid), at, k)
	{
		if (k->tid == tid)
			return im->found = k;
	}
	return NULL;
}

struct sthr *scap_main(struct hc_scap_import *im, struct sthr *k)
{
	struct sthr *leader = k->pid == k->tid || k->pid < 0 ? k : scap_thread(im, k->pid);

	return leader ? leader : k;
}

struct sfds *scap_fds(struct hc_scap_import *im, struct sthr *k)
{
	return k->own_fds ? &k->fds : &scap_main(im, k)->fds;
}

/* A descriptor came or went: does a TASK show it? */
static void fds_note(struct hc_scap_import *im, struct sfds *f, int64_t num, const struct tfd *was,
                     const struct tfd *is)
{
	bool seen = num < 3;

	if (is && !f->n_kind[is->kind]++) {
		f->kinds |= UINT64_C(1) << is->kind;
		seen = true;
	}
	if (was && !--f->n_kind[was->kind]) {
		f->kinds &= ~(UINT64_C(1) << was->kind);
		seen = true;
	}
	if (seen)
		f->gen = ++im->state_gen;
}

static void fds_clear(struct hc_scap_import *im, struct sfds *f)
{
	struct sfd *d;

	TABLE_ALL(&f->by_num, at, d)
	{
		fd_unref(im->t, d->fd);
		free(d);
	}
	table_done(&f->by_num);
	*f = (struct sfds){ .gen = ++im->state_gen };
}

/* ---- the threads of a process ---- */

static struct sgroup *group_find(struct hc_scap_import *im, int64_t pid)
{
	struct sgroup *g;

	TABLE_EACH(&im->groups, hash_of(im, pid), at, g)
	{
		if (g->pid == pid)
			return g;
	}
	return NULL;
}

static void group_leave(struct hc_scap_import *im, struct sthr *k)
{
	struct sgroup *g = k->group;
	struct sthr **at;

	if (!g)
		return;
	for (at = &g->first; *at != k; at = &(*at)->group_next)
		;
	*at = k->group_next;
	k->group = NULL;
	k->group_next = NULL;
	if (!k->dead) {
		g->n_alive--;
		g->gen = ++im->state_gen;
	}
	if (--g->n_members)
		return;
	table_remove(&im->groups, hash_of(im, g->pid), g);
	free(g);
}

static void group_join(struct hc_scap_import *im, struct sthr *k)
{
	struct sgroup *g = group_find(im, k->pid);

	if (k->group && k->group == g)
		return;
	group_leave(im, k);
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g)
			return;
		g->pid = k->pid;
		g->reaper = k->pid == 1 || k->vpid == 1;
		if (!table_add(&im->groups, hash_of(im, g->pid), g)) {
			free(g);
			return;
		}
	}
	k->group = g;
	k->group_next = g->first;
	g->first = k;
	g->n_members++;
	g->n_alive += !k->dead;
	g->gen = ++im->state_gen;
}

static void enter_drop(struct hc_scap_import *im, struct sthr *k)
{
	if (k->enter)
		im->enter_bytes -= k->enter->n_bytes;
	free(k->enter);
	k->enter = NULL;
}

/* Those of calls whose ends ask for them: of what enter_of() is called for. */
static bool is_asked_for(uint16_t enter)
{
	switch (enter) {
	case HC_SCAP_SYSCALL_OPEN_E:
	case HC_SCAP_SYSCALL_OPENAT_2_E:
	case HC_SCAP_SYSCALL_OPENAT2_E:
	case HC_SCAP_SYSCALL_CREAT_E:
	case HC_SCAP_SOCKET_CONNECT_E:
	case HC_SCAP_SYSCALL_EXECVE_19_E:
	case HC_SCAP_SYSCALL_EXECVEAT_E:
		return true;
	default:
		return false;
	}
}

static void enter_keep(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e)
{
	unsigned n = e->n_params < SCAP_ENTER_PARAMS ? e->n_params : SCAP_ENTER_PARAMS;
	uint32_t total = 0;
	char *at;

	enter_drop(im, k);
	if (!is_asked_for(e->code))
		return;
	for (unsigned i = 0; i < n; i++)
		total += hc_scap_param(e, i).len;
	if (total > SCAP_MAX_ENTER || im->enter_bytes + total > SCAP_MAX_ENTER_BYTES)
		return;
	k->enter = calloc(1, sizeof(*k->enter) + total);
	if (!k->enter)
		return;
	k->enter->code = e->code;
	k->enter->n_bytes = total;
	im->enter_bytes += total;
	at = k->enter->bytes;
	for (unsigned i = 0; i < n; i++) {
		struct hc_str p = hc_scap_param(e, i);

		if (p.len)
			memcpy(at, p.p, p.len);
		k->enter->param[i] = (struct hc_str){ at, p.len };
		at += p.len;
	}
}

/* The beginning of the call that this event is the end of; NULL: none. */
static const struct senter *enter_of(const struct sevent *s)
{
	const struct senter *in = s->k->enter;

	if (!in || (in->code != s->e->code - 1 &&
	            (s->e->code != HC_SCAP_SYSCALL_EXECVE_19_X || in->code != HC_SCAP_SYSCALL_EXECVEAT_E)))
		return NULL;
	return in;
}

static struct hc_str enter_text(const struct senter *in, unsigned i)
{
	struct hc_str s = in->param[i];

	return s.len ? (struct hc_str){ s.p, (uint32_t)strnlen(s.p, s.len) } : (struct hc_str){ 0 };
}

static uint64_t enter_num(const struct senter *in, unsigned i, uint64_t none)
{
	uint64_t v = 0;

	if (!in->param[i].len)
		return none;
	memcpy(&v, in->param[i].p, in->param[i].len < sizeof(v) ? in->param[i].len : sizeof(v));
	return le64toh(v);
}

static uint32_t *children_of(struct hc_scap_import *im, int64_t tid)
{
	return &im->n_children[hash_of(im, tid) % SCAP_N_PARENTS];
}

/* Numbers that share a place may say that there are some; none are missed. */
static void set_parent(struct hc_scap_import *im, struct sthr *k, int64_t ptid)
{
	if (k->ptid > 0)
		--*children_of(im, k->ptid);
	k->ptid = ptid;
	if (ptid > 0)
		++*children_of(im, ptid);
}

static void thread_free(struct hc_scap_import *im, struct sthr *k)
{
	set_parent(im, k, -1);
	enter_drop(im, k);
	group_leave(im, k);
	fds_clear(im, &k->fds);
	ver_unref(im->t, k->cur);
	free(k);
}

static struct tver *version_new(struct hc_scap_import *im, int64_t pid)
{
	struct tver *v = ver_new(im->t);

	if (!v)
		return NULL;
	v->pid = (uint32_t)pid;
	v->version = 1;
	v->lineage = ++im->next_version;
	v->has = HAS_IMPORTED;
	v->sid = v->vsid = v->pgid = v->vpgid = UINT32_MAX;
	v->creds.loginuid = UINT32_MAX;
	return v;
}

/* A copy to be changed in place, which becomes the thread's version. */
static struct tver *version_next(struct hc_scap_import *im, struct sthr *k, uint8_t cause, uint64_t ns)
{
	struct tver *v = k->cur ? ver_copy(im->t, k->cur) : version_new(im, k->pid);

	if (!v)
		return NULL;
	v->version++;
	v->lineage = ++im->next_version;
	v->cause = cause;
	v->from_ns = ns;
	ver_unref(im->t, k->cur);
	k->cur = v;
	im->tree_gen++;
	return v;
}

static struct sthr *thread_new(struct hc_scap_import *im, int64_t tid)
{
	struct sthr *k;

	if (im->threads.n >= SCAP_MAX_THREADS)
		return NULL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->tid = tid;
	k->pid = k->ptid = k->vtid = k->vpid = -1;
	if (!table_add(&im->threads, hash_of(im, tid), k)) {
		free(k);
		return NULL;
	}
	im->tree_gen++;
	return k;
}

static void thread_remove(struct hc_scap_import *im, struct sthr *k)
{
	table_remove(&im->threads, hash_of(im, k->tid), k);
	im->found = NULL;
	im->tree_gen++;
	thread_free(im, k);
}

static bool in_pidns(const struct sthr *k)
{
	return k->vtid >= 0 && k->vtid != k->tid;
}

static struct sthr *alive_member(const struct sgroup *g, const struct sthr *but)
{
	struct sthr *k = g && g->n_alive ? g->first : NULL;

	while (k && (k->dead || k == but))
		k = k->group_next;
	return k;
}

/* Where the event does not say who takes the children: another thread of the process, or the nearest ancestor that
 * is a reaper, in the same kind of pid namespace. */
static struct sthr *reaper_of(struct hc_scap_import *im, struct sthr *k)
{
	struct sthr *found = alive_member(k->group, k), *up = scap_thread(im, k->ptid);

	for (unsigned i = 0; !found && up && i < SCAP_MAX_DEPTH && in_pidns(up) == in_pidns(k); i++) {
		if (up->group && up->group->reaper)
			found = alive_member(up->group, k);
		up = scap_thread(im, up->ptid);
	}
	return found;
}

static void children_to_reaper(struct hc_scap_import *im, struct sthr *k)
{
	struct sthr *to = k->reaper > 0 ? scap_thread(im, k->reaper) : NULL, *c;

	if (!*children_of(im, k->tid))
		return;

	if (!to || to->invalid || to == k)
		to = reaper_of(im, k);
	if (to && to->group && to->pid != k->pid)
		to->group->reaper = true;
	TABLE_ALL(&im->threads, at, c)
	{
		if (c->ptid == k->tid && c != k)
			set_parent(im, c, to ? to->tid : 0);
	}
	im->tree_gen++;
}

/* A thread's end. The main one stays as long as others of its process live. */
static void thread_end(struct hc_scap_import *im, struct sthr *k)
{
	struct sthr *leader = scap_main(im, k);

	children_to_reaper(im, k);
	if (k->group && !k->dead) {
		k->group->n_alive--;
		k->group->gen = ++im->state_gen;
	}
	k->dead = true;
	if (!k->group || !k->group->n_alive) {
		if (leader != k && leader != im->busy)
			thread_remove(im, leader);
		thread_remove(im, k);
	} else if (k != leader) {
		thread_remove(im, k);
	}
}

static struct sgone *gone_at(struct hc_scap_import *im, int64_t tid, int64_t ptid)
{
	return &im->gone[hash_of(im, (int64_t)((uint64_t)tid ^ (uint64_t)ptid << 32)) % SCAP_N_GONE];
}

/* Did this child of that thread end within the last two seconds? */
static bool gone_lately(struct hc_scap_import *im, int64_t tid, int64_t ptid, uint64_t now_ns)
{
	const struct sgone *g = gone_at(im, tid, ptid);

	return g->tid == tid && g->ptid == ptid && g->ns && now_ns >= g->ns &&
	       now_ns - g->ns < UINT64_C(2000000000);
}

/* Seen without having been told of. */
static struct sthr *thread_invalid(struct hc_scap_import *im, int64_t tid)
{
	struct sthr *k = thread_new(im, tid);
	struct timage *i = image_new(im->t);
	struct tver *v;

	if (!k || !i) {
		image_unref(im->t, i);
		return k;
	}
	i->argc = i->envc = UINT32_MAX;
	i->argv = lst_of_block(im->t, "<NA>", 5);
	k->invalid = true;
	v = k->cur = version_new(im, UINT32_MAX);
	if (!v) {
		image_unref(im->t, i);
		return k;
	}
	v->image = i;
	v->image_comm = txt_get(im->t, "<NA>", 4);
	v->comm = REF(v->image_comm);
	v->creds.euid = v->creds.egid = UINT32_MAX;
	v->flags = HC_PROC_INCOMPLETE;
	return k;
}

/* Containers are called in events by the first twelve characters of whole ids. */
static bool same_id(struct hc_str a, struct hc_str b)
{
	a.len = a.len == 64 ? 12 : a.len;
	b.len = b.len == 64 ? 12 : b.len;
	return hc_str_eq(a, b);
}

static bool same_ctr(const struct txt *a, struct hc_str id)
{
	return same_id(a ? txt_str(a) : HC_STR(""), id);
}

static struct tuser *user_of(struct hc_scap_import *im, uint32_t id, bool group, struct hc_str ctr)
{
	uint64_t h = hash_u64(im->t->seed.b, (uint64_t)id << 1 | group);
	struct tuser *u;

	TABLE_EACH(&im->users, h, at, u)
	{
		if (u->id == id && u->is_group == group && same_ctr(u->ctr, ctr))
			return REF(u);
	}
	return NULL;
}

/* The lists of a file are the host's: a container's users are others, whatever their numbers. */
static void version_users(struct hc_scap_import *im, struct tver *v)
{
	const struct txt *id = v->cgs && v->cgs->ctr ? v->cgs->ctr->id : NULL;
	struct hc_str ctr = { id ? id->p : "", id ? id->len : 0 };

	user_unref(im->t, v->user);
	user_unref(im->t, v->login_user);
	user_unref(im->t, v->group);
	v->user = user_of(im, v->creds.euid, false, ctr);
	v->login_user = user_of(im, v->creds.loginuid, false, ctr);
	v->group = user_of(im, v->creds.egid, true, ctr);
}

static struct sthr *parent_of(struct hc_scap_import *im, struct sthr *k)
{
	struct sthr *up = scap_main(im, k);

	up = up->ptid > 0 ? scap_thread(im, up->ptid) : NULL;
	up = up ? scap_main(im, up) : NULL;
	return up && !up->invalid ? up : NULL; /* of what nobody told of there is nothing to say */
}

static void refresh(struct hc_scap_import *im, struct sthr *k, unsigned depth);

/* The leader with this number, where numbers are the host's; else the last of an unbroken line of ancestors that
 * have it too. NULL where that is the thread itself. */
static struct tver *leader_of(struct hc_scap_import *im, struct sthr *k, uint32_t id, size_t member,
                              bool by_number, unsigned depth)
{
	struct sthr *l = id != UINT32_MAX && by_number ? scap_thread(im, (int32_t)id) : NULL, *up = k;

	for (unsigned i = 0; id != UINT32_MAX && (i || !l) && i < SCAP_MAX_DEPTH; i++) {
		uint32_t has;

		up = parent_of(im, up);
		if (!up || !up->cur)
			break;
		memcpy(&has, (const char *)up->cur + member, sizeof(has));
		if (has != id)
			break;
		l = up;
	}
	if (l && l != k && depth < SCAP_MAX_DEPTH)
		refresh(im, l, depth + 1); /* it is in blocks, too, and has a parent */
	return l && l != k && l->cur != k->cur ? l->cur : NULL;
}

struct leaders {
	struct tver *sid, *vpgid, *pgid; /* borrowed */
};

static struct leaders leaders_of(struct hc_scap_import *im, struct sthr *k, unsigned depth)
{
	const struct tver *v = k->cur;
	bool host = k->tid == k->vtid || k->vtid < 0;

	return (struct leaders){ leader_of(im, k, v->vsid, offsetof(struct tver, vsid), host, depth),
		                 leader_of(im, k, v->vpgid, offsetof(struct tver, vpgid), host, depth),
		                 leader_of(im, k, v->pgid, offsetof(struct tver, pgid), true, depth) };
}

/* What is asked about a leader is its program. */
static bool same_leader(const struct tver *a, const struct tver *b)
{
	return a == b || (a && b && a->image == b->image && a->image_comm == b->image_comm);
}

static void set_leader(struct hc_scap_import *im, struct tver **at, struct tver *leader)
{
	struct tver *old = *at;

	*at = leader ? REF(leader) : NULL;
	ver_unref(im->t, old);
}

static void refresh(struct hc_scap_import *im, struct sthr *k, unsigned depth)
{
	struct sthr *up = depth < SCAP_MAX_DEPTH ? parent_of(im, k) : NULL;
	struct tver *old = k->cur, *v;
	struct leaders l;

	if (k->checked == im->tree_gen || !old)
		return;
	k->checked = im->tree_gen; /* before the ancestors: a circle ends here */
	if (up == k)
		up = NULL;
	if (up)
		refresh(im, up, depth + 1);
	l = leaders_of(im, k, depth);
	if ((up ? up->cur : NULL) == old->parent && same_leader(l.sid, old->sid_leader) &&
	    same_leader(l.vpgid, old->vpgid_leader) && same_leader(l.pgid, old->pgid_leader))
		return;
	for (const struct tver *a = up ? up->cur : NULL; a; a = a->parent)
		if (a == old)
			return; /* never its own ancestor */
	v = ver_copy(im->t, old);
	if (!v)
		return;
	v->version++;
	v->lineage = ++im->next_version;
	v->cause = HC_CAUSE_PARENT;
	ver_unref(im->t, v->parent);
	image_unref(im->t, v->parent_image);
	v->parent = up ? REF(up->cur) : NULL;
	v->parent_image = up && up->cur ? REF(up->cur->image) : NULL;
	v->ppid = up ? (uint32_t)up->pid : (uint32_t)k->ptid;
	set_leader(im, &v->sid_leader, l.sid);
	set_leader(im, &v->vpgid_leader, l.vpgid);
	set_leader(im, &v->pgid_leader, l.pgid);
	ver_unref(im->t, k->cur);
	k->cur = v;
}

struct tver *scap_refresh(struct hc_scap_import *im, struct sthr *k)
{
	if (k->checked != im->tree_gen)
		refresh(im, k, 0);
	return k->cur;
}

/* ---- descriptors ---- */

static struct sfd *fd_entry(struct hc_scap_import *im, const struct sfds *f, int64_t num)
{
	struct sfd *d;

	TABLE_EACH(&f->by_num, hash_of(im, num), at, d)
	{
		if (d->num == num)
			return d;
	}
	return NULL;
}

struct tfd *scap_fd(struct hc_scap_import *im, struct sthr *k, int64_t num)
{
	struct sfd *d = k && num >= 0 ? fd_entry(im, scap_fds(im, k), num) : NULL;

	return d ? d->fd : NULL;
}

/* Takes the reference. */
static void fds_put(struct hc_scap_import *im, struct sfds *f, int64_t num, struct tfd *fd)
{
	struct sfd *d = fd ? fd_entry(im, f, num) : NULL;

	if (!fd)
		return;
	if (d) {
		fds_note(im, f, num, d->fd, fd);
		fd_unref(im->t, d->fd);
		d->fd = fd;
		return;
	}
	d = num >= 0 && f->by_num.n < SCAP_MAX_FDS ? calloc(1, sizeof(*d)) : NULL;
	if (d) {
		d->num = num;
		d->fd = fd;
	}
	if (!d || !table_add(&f->by_num, hash_of(im, num), d)) {
		free(d);
		fd_unref(im->t, fd);
		return;
	}
	fds_note(im, f, num, NULL, fd);
}

static void fd_put(struct hc_scap_import *im, struct sthr *k, int64_t num, struct tfd *fd)
{
	fds_put(im, scap_fds(im, k), num, fd);
}

static void fd_drop(struct hc_scap_import *im, struct sthr *k, int64_t num)
{
	struct sfds *f = scap_fds(im, k);
	struct sfd *d = fd_entry(im, f, num);

	if (!d)
		return;
	table_remove(&f->by_num, hash_of(im, num), d);
	fds_note(im, f, num, d->fd, NULL);
	fd_unref(im->t, d->fd);
	free(d);
}

/* A new process begins with what the other has open. */
static void fds_copy(struct hc_scap_import *im, struct sthr *to, struct sthr *from)
{
	struct sfds *source = scap_fds(im, from);
	struct sfd *d;

	if (source == &to->fds)
		return;
	fds_clear(im, &to->fds);
	TABLE_ALL(&source->by_num, at, d)
	{
		fds_put(im, &to->fds, d->num, REF(d->fd));
	}
}

static void fds_exec(struct hc_scap_import *im, struct sthr *k)
{
	struct sfds *f = scap_fds(im, k);
	struct sfd *d;

	TABLE_SWEEP(&f->by_num, at, d)
	{
		if (!d->fd->cloexec)
			continue;
		TABLE_SWEEP_REMOVE(&f->by_num, at);
		fds_note(im, f, d->num, d->fd, NULL);
		fd_unref(im->t, d->fd);
		free(d);
	}
}

static struct tfd *fd_make(struct hc_scap_import *im, uint8_t kind)
{
	struct tfd *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->kind = kind;
	f->id = ++im->next_fd;
	f->defined = true;
	return f;
}

static struct tfile *file_make(struct hc_scap_import *im, uint32_t dev, uint64_t ino, uint32_t flags)
{
	struct hc_wire_file w = { .ino = ino, .dev = (uint32_t)hc_scap_dev_native(dev) };

	w.layer = flags & HC_SCAP_OPEN_UPPER_LAYER ? 1 : flags & HC_SCAP_OPEN_LOWER_LAYER ? 2 : 0;
	return file_get(im->t, &w);
}

static const uint8_t l4_proto[] = { L4_UNKNOWN, L4_NONE, 6, 17, 1, 255 };

static struct tsock *sock_make(uint16_t family, uint16_t protocol)
{
	struct tsock *s = sock_new();

	if (s) {
		s->w.family = family;
		s->w.protocol = protocol;
	}
	return s;
}

/* As in the reference it shows when the socket gets a role; until then an export has it from the type. */
static void hide_protocol(struct tsock *s, uint32_t protocol)
{
	s->w.protocol = L4_UNKNOWN;
	s->w.extra[0] = protocol == L4_UNKNOWN ? 0 : protocol;
	s->w.type = protocol == IPPROTO_TCP ? SOCK_STREAM : protocol == IPPROTO_UDP ? SOCK_DGRAM : 0;
}

/* IPv4 in IPv6's form; an address of zeros counts as such. */
static bool is_mapped(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, none[16];

	return !memcmp(ip, mapped, 12) || !memcmp(ip, none, 16);
}

static int name_of_addr(const struct hc_scap_addr *addr, char *buf, size_t room)
{
	char ip[INET6_ADDRSTRLEN] = "";

	inet_ntop(addr->family == HC_SCAP_AF_INET6 ? AF_INET6 : AF_INET, addr->ip, ip, sizeof(ip));
	return snprintf(buf, room, "%s:%u", ip, addr->port);
}

static struct hc_scap_tuple turned(const struct hc_scap_tuple *tuple)
{
	struct hc_scap_tuple t = *tuple;

	memcpy(t.sip, tuple->dip, 16);
	memcpy(t.dip, tuple->sip, 16);
	t.sport = tuple->dport;
	t.dport = tuple->sport;
	return t;
}

/* IPv4 in IPv6's form as IPv4. */
static void unmap(struct hc_scap_tuple *tuple)
{
	if (tuple->family != HC_SCAP_AF_INET6 || !is_mapped(tuple->sip) || !is_mapped(tuple->dip))
		return;
	tuple->family = HC_SCAP_AF_INET;
	memmove(tuple->sip, tuple->sip + 12, 4);
	memset(tuple->sip + 4, 0, 12);
	memmove(tuple->dip, tuple->dip + 12, 4);
	memset(tuple->dip + 4, 0, 12);
}

static bool ends_are(const struct tsock *s, const struct hc_scap_tuple *t)
{
	return !memcmp(s->w.laddr, t->sip, 16) && !memcmp(s->w.raddr, t->dip, 16) && s->w.lport == t->sport &&
	       s->w.rport == t->dport;
}

/* Are these the ends already, whichever way round? */
static bool ends_same(const struct tsock *s, const struct hc_scap_tuple *given)
{
	struct hc_scap_tuple tuple = *given, back;

	unmap(&tuple);
	back = turned(&tuple);
	return s && s->w.family == tuple.family && s->near_end != NEAR_BOUND &&
	       (ends_are(s, &tuple) || ends_are(s, &back));
}

static bool is_named(const struct tsock *s)
{
	return s->shown || s->w.lport || s->w.rport || s->near_end;
}

static unsigned l4_of(const struct tsock *s)
{
	return s->w.protocol == L4_UNKNOWN ? s->w.extra[0] : s->w.protocol;
}

struct tsock *scap_tuple_sock(struct hc_scap_import *im, const struct hc_scap_tuple *given, uint8_t role,
                              const struct tsock *like)
{
	struct hc_scap_tuple unmapped = *given;
	const struct hc_scap_tuple *tuple = &unmapped;
	struct tsock *s = like ? sock_copy(like) : sock_make(tuple->family, 0);
	bool server = role == ROLE_SERVER;

	if (!s)
		return NULL;
	unmap(&unmapped);
	s->role = role;
	s->near_end = 0;
	s->serves_here = false;
	txt_unref(im->t, s->shown);
	s->shown = NULL;
	s->w.family = tuple->family;
	if (tuple->family == HC_SCAP_AF_UNIX) {
		s->w.ino = server ? tuple->peer : tuple->source;
		s->peer_ino = server ? tuple->source : tuple->peer;
		txt_unref(im->t, s->peer);
		txt_unref(im->t, s->local);
		s->peer = s->local = NULL;
		*(server ? &s->local : &s->peer) = txt_get(im->t, tuple->path.p, tuple->path.len);
		return s;
	}
	if (tuple->family != HC_SCAP_AF_INET && tuple->family != HC_SCAP_AF_INET6)
		return s;
	memcpy(s->w.laddr, server ? tuple->dip : tuple->sip, 16);
	memcpy(s->w.raddr, server ? tuple->sip : tuple->dip, 16);
	s->w.lport = server ? tuple->dport : tuple->sport;
	s->w.rport = server ? tuple->sport : tuple->dport;
	return s;
}

void scap_add_iface(struct hc_scap_import *im, const struct hc_scap_iface *i)
{
	if (i->first)
		im->n_ifaces = 0;
	if (im->n_ifaces >= SCAP_MAX_IFACES)
		return;
	im->ifaces[im->n_ifaces] = *i;
	im->ifaces[im->n_ifaces].name = (struct hc_str){ 0 }; /* it does not outlive the item */
	snprintf(im->iface_names[im->n_ifaces++], sizeof(im->iface_names[0]), HC_STR_FMT, HC_STR_ARG(i->name));
}

/* Is the address one of the machine's? Of a container's none is known but what was told of it. */
static bool is_here(const struct hc_scap_import *im, const struct sthr *k, const uint8_t ip[16], bool v6)
{
	if (k->cur && k->cur->cgs && k->cur->cgs->ctr)
		return false;
	for (unsigned i = 0; i < im->n_ifaces; i++)
		if (im->ifaces[i].ipv6 == v6 &&
		    !memcmp(im->ifaces[i].addr, ip, v6 ? 8 : 4)) /* of IPv6 the network */
			return true;
	return false;
}

static void near_end(struct hc_scap_import *im, struct sthr *k, struct tsock *s)
{
	bool v6 = s && s->w.family == AF_INET6, server = s && s->role == ROLE_SERVER;

	if (!s || (s->w.family != AF_INET && !v6) || s->near_end == NEAR_BOUND)
		return;
	s->near_end = is_here(im, k, server ? s->w.raddr : s->w.laddr, v6) ? ROLE_CLIENT : ROLE_SERVER;
	s->serves_here = is_here(im, k, server ? s->w.laddr : s->w.raddr, v6);
}

static bool is_zero(const uint8_t ip[16])
{
	static const uint8_t none[16];

	return !memcmp(ip, none, 16);
}

/* The address that the machine would send to `to` from. false: none can be told. */
static bool own_address(const struct hc_scap_import *im, const uint8_t to[16], bool v6, uint8_t ret[16])
{
	static const uint8_t loop4[4] = { 127, 0, 0, 1 }, loop6[16] = { [15] = 1 };
	unsigned bytes = v6 ? 16 : 4;

	memset(ret, 0, 16);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < im->n_ifaces; i++) {
			const struct hc_scap_iface *f = &im->ifaces[i];
			bool fits = f->ipv6 == v6;

			if (turn == 0)
				fits &= !memcmp(f->addr, to, bytes);
			for (unsigned n = 0; turn == 1 && fits && n < (v6 ? 8u : 4u); n++)
				fits = v6 ? f->addr[n] == to[n] : !((f->addr[n] ^ to[n]) & f->mask[n]);
			if (turn == 2)
				fits &= memcmp(f->addr, v6 ? loop6 : loop4, bytes) != 0;
			if (!fits)
				continue;
			memcpy(ret, f->addr, bytes);
			return true;
		}
	}
	return false;
}

/* An address that a message lacks is one of the machine's. */
static void complete(const struct hc_scap_import *im, struct hc_scap_tuple *tuple)
{
	uint8_t own[16], *at;
	const uint8_t *other;
	bool v6;

	unmap(tuple);
	v6 = tuple->family == HC_SCAP_AF_INET6;
	if (!is_zero(tuple->sip) && !is_zero(tuple->dip))
		return;
	at = is_zero(tuple->sip) ? tuple->sip : tuple->dip;
	other = at == tuple->sip ? tuple->dip : tuple->sip;
	own_address(im, other, v6, own);
	if (!memcmp(own, other, 16) && tuple->sport == tuple->dport)
		return;
	memcpy(at, own, 16);
}

static uint8_t kind_of_family(uint16_t family)
{
	switch (family) {
	case AF_INET:
		return HC_FD_IPV4;
	case AF_INET6:
		return HC_FD_IPV6;
	case AF_UNIX:
		return HC_FD_UNIX;
	case AF_NETLINK:
		return HC_FD_NETLINK;
	default:
		return HC_FD_UNKNOWN;
	}
}

/* ---- paths ---- */

/* Below a directory of which itself no more is known than what it is below. Returns the length; 0: too long. */
static uint32_t join_relative(struct hc_str base, struct hc_str given, char *buf, uint32_t room)
{
	char all[SCAP_MAX_PATH + 16];
	int n = snprintf(all, sizeof(all), HC_STR_FMT "/" HC_STR_FMT, HC_STR_ARG(base), HC_STR_ARG(given));
	uint32_t joined;

	if (n < 0 || (size_t)n >= sizeof(all))
		return 0;
	joined = path_join(HC_STR("/"), (struct hc_str){ all, (uint32_t)n }, buf, room);
	memmove(buf, buf + 1, joined ? joined - 1 : 0);
	return joined ? joined - 1 : 0;
}

/* below: the number of the directory's descriptor. */
static struct tpath *path_below(struct hc_scap_import *im, const struct sevent *s, struct hc_str given,
                                int64_t below)
{
	static const struct hc_str too_long = { "/DIR_TOO_LONG/FILENAME_TOO_LONG", 31 };
	struct path_ask ask = { .given = given, .prov = 6 };
	char joined[SCAP_MAX_PATH + 16];
	struct tfd *dir;

	if (!given.p)
		return NULL;
	if (below != AT_FDCWD_NUM) {
		dir = scap_fd(im, s->k, below);
		ask.base = dir && dir->path ? dir->path->abs ? dir->path->abs : dir->path->real : NULL;
	} else if (s->k && s->before && s->before->cwd) {
		ask.base = s->before->cwd->abs ? s->before->cwd->abs : s->before->cwd->real;
	}
	if (given.len + 1 + (given.len && given.p[0] != '/' && ask.base ? ask.base->len + 1 : 0) > SCAP_MAX_PATH)
		ask.abs = too_long; /* as the reference has it */
	else if (given.len && given.p[0] != '/' && ask.base && ask.base->len && ask.base->p[0] != '/')
		ask.abs =
			(struct hc_str){ joined, join_relative(txt_str(ask.base), given, joined, sizeof(joined)) };
	return path_get(im->t, &ask);
}

struct tpath *scap_path(struct hc_scap_import *im, const struct sevent *s, struct hc_str given, int dirfd)
{
	return path_below(im, s, given,
	                  dirfd < 0 ? AT_FDCWD_NUM : hc_scap_i64(s->e, (unsigned)dirfd, AT_FDCWD_NUM));
}

/* What an open has opened: below a descriptor that nobody knows it is named so, as in the reference. */
static struct tpath *opened_path(struct hc_scap_import *im, const struct sevent *s, struct hc_str given,
                                 int64_t num)
{
	struct tpath *path = path_below(im, s, given, num), *unknown;
	char name[SCAP_MAX_PATH + 16], joined[SCAP_MAX_PATH + 16];
	uint32_t n;

	if (!path || path->abs || num == AT_FDCWD_NUM || !given.len || given.p[0] == '/' ||
	    given.len > SCAP_MAX_PATH)
		return path;
	n = (uint32_t)snprintf(name, sizeof(name), "<UNKNOWN>" HC_STR_FMT, HC_STR_ARG(given));
	n = path_join(HC_STR("/"), (struct hc_str){ name, n }, joined, sizeof(joined));
	unknown = path_get(im->t, &(struct path_ask){ .given = given, .real = { joined + 1, n - 1 }, .prov = 6 });
	path_unref(im->t, path);
	return unknown;
}

static struct tpath *dir_path(struct hc_scap_import *im, struct hc_str s)
{
	while (s.len > 1 && s.p[s.len - 1] == '/')
		s.len--;
	return s.p ? path_of_text(im->t, s, 6, 0) : NULL;
}

/* ---- the lists at the beginning ---- */

void scap_begin_section(struct hc_scap_import *im)
{
	struct tuser *u;
	struct sthr *k;

	TABLE_ALL(&im->threads, at, k)
	thread_free(im, k);
	table_done(&im->threads);
	im->found = NULL;
	table_done(&im->groups);
	memset(im->gone, 0, sizeof(im->gone));
	im->busy = NULL;
	TABLE_ALL(&im->users, at, u)
	user_unref(im->t, u);
	table_done(&im->users);
	for (unsigned i = 0; i < SCAP_MAX_TOLD; i++)
		ctr_facts_free(im->told[i].facts);
	memset(im->told, 0, sizeof(im->told));
	for (unsigned i = 0; i < SCAP_N_MET; i++)
		sock_unref(im->t, im->met[i].sock);
	memset(im->met, 0, sizeof(im->met));
	im->gone_tid = im->closed_tid = -1;
	im->begun = im->listed = false;
	im->first_ns = 0;
	im->tree_gen++;
}

/* argv[0] and what follows it, as one list. */
static struct lst *argv_of(struct hc_scap_import *im, struct hc_str exe, struct hc_str args)
{
	char *p = malloc((size_t)exe.len + args.len + 2);
	struct lst *l;

	if (!p)
		return NULL;
	if (args.len == 1 && !args.p[0])
		args.len = 0; /* an end of nothing */
	if (exe.len)
		memcpy(p, exe.p, exe.len);
	p[exe.len] = '\0';
	if (args.len)
		memcpy(p + exe.len + 1, args.p, args.len);
	l = lst_of_block(im->t, p, (size_t)exe.len + 1 + args.len);
	free(p);
	return l;
}

static struct tctr *ctr_find(struct hc_scap_import *im, struct hc_str id)
{
	struct tctr *c;

	TABLE_ALL(&im->t->cgroups, at, c)
	{
		if (same_ctr(c->id, id))
			return c;
	}
	return NULL;
}

/* What is told of a container's network may be told of its sandbox alone, which is a container, too. `c` is in no
 * row yet. */
static void find_sandbox(struct hc_scap_import *im, struct tctr *c)
{
	struct hc_str id = c->facts ? c->facts->sandbox_id : HC_STR("");
	struct tctr *sandbox;

	if (!id.len || c->facts->cni_json.len || same_ctr(c->id, id))
		return;
	sandbox = ctr_find(im, id);
	if (sandbox && sandbox->facts) {
		c->sandbox = ctr_facts_share(sandbox->facts);
		return;
	}
	for (unsigned i = 1; i <= SCAP_MAX_TOLD && !c->sandbox; i++) { /* nothing runs in it, as far as is known */
		const struct stold *told = &im->told[(im->next_told - i) % SCAP_MAX_TOLD];

		if (told->facts && same_id(told->id, id))
			c->sandbox = ctr_facts_share(told->facts);
	}
}

/* The container, with what was told of it before its first process came. Takes a reference, gives one. */
static struct tctr *ctr_with_told(struct hc_scap_import *im, struct tctr *c)
{
	for (unsigned i = 0; c && !c->facts && i < SCAP_MAX_TOLD; i++) {
		struct stold told = im->told[i];
		struct tctr *now;

		if (!told.facts || !same_ctr(c->id, told.id))
			continue;
		im->told[i] = (struct stold){ 0 };
		now = REF(ctr_retold(im->t, c, told.facts, told.ns));
		if (!now)
			continue;
		find_sandbox(im, now);
		ctr_unref(im->t, c);
		c = now;
	}
	return c;
}

static struct tcgs *cgs_of(struct hc_scap_import *im, struct hc_str block)
{
	struct tcgs *c = calloc(1, sizeof(*c));
	struct hc_str rest = block, item;

	if (!c)
		return NULL;
	c->refs = 1;
	c->list = lst_of_block(im->t, block.p ? block.p : "", block.len);
	while (!c->ctr && hc_scap_strings(&rest, &item)) {
		const char *eq = item.len ? memchr(item.p, '=', item.len) : NULL;

		if (eq)
			c->ctr = ctr_with_told(
				im,
				ctr_of_path(im->t,
			                    (struct hc_str){ eq + 1, item.len - (uint32_t)(eq - item.p) - 1 }, 0));
	}
	return c;
}

static bool is_text(const struct txt *t, struct hc_str s)
{
	return t && t->len == s.len && (!s.len || !memcmp(t->p, s.p, s.len));
}

static void user_drop(struct hc_scap_import *im, uint32_t id, bool group, struct hc_str ctr)
{
	struct tuser *old = user_of(im, id, group, ctr);

	if (!old)
		return;
	table_remove(&im->users, hash_u64(im->t->seed.b, (uint64_t)id << 1 | group), old);
	user_unref(im->t, old); /* the table's */
	user_unref(im->t, old);
}

static bool user_put(struct hc_scap_import *im, const struct hc_scap_user *u, bool group, struct hc_str ctr)
{
	uint32_t id = group ? u->gid : u->uid;
	uint64_t h = hash_u64(im->t->seed.b, (uint64_t)id << 1 | group);
	struct tuser *new, *old = user_of(im, id, group, ctr);
	bool same = old && is_text(old->name, u->name) &&
	            (group || (is_text(old->home, u->home) && is_text(old->shell, u->shell)));

	user_unref(im->t, old);
	if (same || im->users.n >= SCAP_MAX_USERS)
		return false;
	user_drop(im, id, group, ctr);
	new = calloc(1, sizeof(*new));
	if (!new)
		return false;
	new->refs = 1;
	new->id = id;
	new->is_group = group;
	new->name = txt_get(im->t, u->name.p, u->name.len);
	new->ctr = ctr.len ? txt_get(im->t, ctr.p, ctr.len) : NULL;
	if (!group) {
		new->home = txt_get(im->t, u->home.p, u->home.len);
		new->shell = txt_get(im->t, u->shell.p, u->shell.len);
	}
	if (!table_add(&im->users, h, new)) {
		user_unref(im->t, new);
		return false;
	}
	return true;
}

void scap_add_user(struct hc_scap_import *im, const struct hc_scap_user *u, bool group)
{
	if (!user_put(im, u, group, HC_STR("")))
		return;
	/* Lists come in any order; before the first event no row has the versions yet. */
	if (!im->stats.n_events && !im->stats.n_enter) {
		struct sthr *k;

		TABLE_ALL(&im->threads, at, k)
		{
			if (k->cur)
				version_users(im, k->cur);
		}
	}
}

void scap_add_proc(struct hc_scap_import *im, const struct hc_scap_proc *p)
{
	struct sthr *k = scap_thread(im, p->tid);
	struct timage *i = image_new(im->t);
	struct hc_wire_file exe = { .ino = p->exe_ino,
		                    .ctime_ns = (int64_t)p->exe_ctime_ns,
		                    .mtime_ns = (int64_t)p->exe_mtime_ns };
	struct tver *v;

	if (!k)
		k = thread_new(im, p->tid);
	v = k && i ? version_new(im, p->pid) : NULL;
	if (!v) {
		image_unref(im->t, i);
		return;
	}
	ver_unref(im->t, k->cur);
	k->cur = v;
	k->pid = p->pid;
	set_parent(im, k, p->ptid);
	k->vtid = p->vtid;
	k->vpid = p->vpid;
	i->argc = i->envc = UINT32_MAX;
	i->argv = argv_of(im, p->exe, p->args);
	i->env = lst_of_block(im->t, p->env.p ? p->env.p : "", p->env.len);
	i->exe = path_of_text(im->t, p->exepath, 6, 0);
	i->exe_file = file_get(im->t, &exe);
	i->has_flags = true;
	i->flags = (p->exe_writable ? HC_IMAGE_WRITABLE : 0u) | (p->exe_upper_layer ? HC_IMAGE_UPPER : 0u) |
	           (p->exe_from_memfd ? HC_IMAGE_MEMFD : 0u) | (p->exe_lower_layer ? HC_IMAGE_LOWER : 0u);
	v->image = i;
	v->comm = txt_get(im->t, p->comm.p, p->comm.len);
	v->image_comm = REF(v->comm);
	v->cwd = dir_path(im, p->cwd);
	v->root = p->root.len ? path_of_text(im->t, p->root, 6, 0) : NULL;
	v->creds.euid = p->uid;
	v->creds.egid = p->gid;
	v->creds.loginuid = p->loginuid;
	v->creds.cap_inheritable = p->cap_inheritable;
	v->creds.cap_permitted = p->cap_permitted;
	v->creds.cap_effective = p->cap_effective;
	v->sid = v->vsid = (uint32_t)p->sid;
	v->pgid = (uint32_t)p->pgid;
	v->vpgid = (uint32_t)p->vpgid;
	v->tty_nr = (uint32_t)hc_scap_dev_native(p->tty);
	v->pidns_ns = p->pidns_init_start_ns;
	v->nofile = (uint64_t)p->fdlimit;
	v->has |= HAS_NOFILE;
	v->cgs = cgs_of(im, p->cgroups);
	if (p->vpid > 0) {
		v->vpids[0] = (uint32_t)p->vpid;
		v->n_vpids = 1;
	}
	k->mem = (struct smem){ p->pfmajor, p->pfminor, p->vmsize_kb, p->vmrss_kb, p->vmswap_kb };
	k->mem_gen = ++im->state_gen;
	group_join(im, k);
	version_users(im, v);
	im->tree_gen++;
	im->stats.n_processes++;
}

void scap_add_fd(struct hc_scap_import *im, const struct hc_scap_fd *f)
{
	static const uint8_t kinds[] = {
		[HC_SCAP_FD_FILE] = HC_FD_FILE,          [HC_SCAP_FD_DIRECTORY] = HC_FD_DIR,
		[HC_SCAP_FD_IPV4_SOCK] = HC_FD_IPV4,     [HC_SCAP_FD_IPV6_SOCK] = HC_FD_IPV6,
		[HC_SCAP_FD_IPV4_SERVSOCK] = HC_FD_IPV4, [HC_SCAP_FD_IPV6_SERVSOCK] = HC_FD_IPV6,
		[HC_SCAP_FD_FIFO] = HC_FD_PIPE,          [HC_SCAP_FD_UNIX_SOCK] = HC_FD_UNIX,
		[HC_SCAP_FD_EVENT] = HC_FD_EVENTFD,      [HC_SCAP_FD_UNSUPPORTED] = HC_FD_UNKNOWN,
		[HC_SCAP_FD_SIGNALFD] = HC_FD_SIGNALFD,  [HC_SCAP_FD_EVENTPOLL] = HC_FD_EVENTPOLL,
		[HC_SCAP_FD_INOTIFY] = HC_FD_INOTIFY,    [HC_SCAP_FD_TIMERFD] = HC_FD_TIMERFD,
		[HC_SCAP_FD_NETLINK] = HC_FD_NETLINK,    [HC_SCAP_FD_FILE_V2] = HC_FD_FILE,
		[HC_SCAP_FD_BPF] = HC_FD_BPF_MAP,        [HC_SCAP_FD_USERFAULTFD] = HC_FD_USERFAULTFD,
		[HC_SCAP_FD_IOURING] = HC_FD_IO_URING,   [HC_SCAP_FD_MEMFD] = HC_FD_MEMFD,
		[HC_SCAP_FD_PIDFD] = HC_FD_PIDFD,
	};
	struct sthr *k = scap_thread(im, f->tid);
	struct hc_scap_tuple tuple = { .sport = f->sport,
		                       .dport = f->dport,
		                       .source = f->unix_source,
		                       .peer = f->unix_peer,
		                       .path = f->name };
	struct tfd *fd;

	if (!k)
		return;
	fd = fd_make(im, f->type < sizeof(kinds) ? kinds[f->type] : HC_FD_UNKNOWN);
	if (!fd)
		return;
	memcpy(tuple.sip, f->src, 16);
	memcpy(tuple.dip, f->dst, 16);
	fd->f_flags = (uint32_t)hc_scap_native(HC_SCAP_TAB_file_flags, f->open_flags);
	fd->cloexec = f->open_flags & HC_SCAP_OPEN_CLOEXEC;
	switch (f->type) {
	case HC_SCAP_FD_IPV4_SOCK:
	case HC_SCAP_FD_IPV6_SOCK:
	case HC_SCAP_FD_IPV4_SERVSOCK:
	case HC_SCAP_FD_IPV6_SERVSOCK:
	case HC_SCAP_FD_UNIX_SOCK:
		tuple.family = fd->kind == HC_FD_IPV4 ? AF_INET : fd->kind == HC_FD_IPV6 ? AF_INET6 : AF_UNIX;
		fd->sock = scap_tuple_sock(im, &tuple,
		                           fd->kind != HC_FD_UNIX ? ROLE_NONE /* its own address stands first */
		                           : f->name.len          ? ROLE_SERVER
		                                                  : ROLE_CLIENT,
		                           NULL);
		if (fd->sock && f->type == HC_SCAP_FD_IPV6_SERVSOCK) { /* whatever its address */
			fd->sock->w.family = AF_INET6;
			memcpy(fd->sock->w.laddr, f->src, 16);
		}
		if (fd->sock && fd->kind != HC_FD_UNIX) {
			fd->kind = kind_of_family(fd->sock->w.family);
			fd->sock->w.protocol = l4_proto[f->l4 < sizeof(l4_proto) ? f->l4 : 0];
			if (f->type == HC_SCAP_FD_IPV6_SOCK && fd->kind == HC_FD_IPV6 && f->l4 != HC_SCAP_L4_RAW &&
			    f->l4 != HC_SCAP_L4_NA)
				hide_protocol(fd->sock, fd->sock->w.protocol);
			if (f->type == HC_SCAP_FD_IPV4_SERVSOCK || f->type == HC_SCAP_FD_IPV6_SERVSOCK)
				fd->sock->near_end = NEAR_BOUND;
			else
				fd->sock->connected = f->l4 == HC_SCAP_L4_TCP;
			near_end(im, k, fd->sock);
		}
		break;
	case HC_SCAP_FD_FILE:
	case HC_SCAP_FD_FILE_V2:
	case HC_SCAP_FD_DIRECTORY:
		if (f->name.p)
			fd->path = path_of_text(im->t, f->name, 6, 0);
		fd->file = file_make(im, f->dev, f->ino, f->open_flags);
		break;
	default:
		if (f->name.len || f->type == HC_SCAP_FD_UNSUPPORTED)
			fd->name = txt_get(im->t, f->name.p ? f->name.p : "", f->name.len);
	}
	if (!fd->file && f->ino)
		fd->file = file_make(im, 0, f->ino, 0);
	fd_put(im, k, f->fd, fd);
}

static bool listens_on(const struct sthr *k, uint16_t port)
{
	const struct sfd *d;

	TABLE_ALL(&k->fds.by_num, at, d)
	{
		const struct tsock *s = d->fd->kind == HC_FD_IPV4 ? d->fd->sock : NULL;

		if (s && s->near_end == NEAR_BOUND && s->w.lport == port)
			return true;
	}
	return false;
}

/* Sockets that were there at the beginning: those on a port at which the process listens are a server's. */
void scap_lists_done(struct hc_scap_import *im)
{
	struct sthr *k;
	struct sfd *d;

	TABLE_ALL(&im->threads, at, k)
	{
		TABLE_ALL(&k->fds.by_num, i, d)
		{
			struct tsock *s = d->fd->kind == HC_FD_IPV4 ? d->fd->sock : NULL;

			if (!s || s->near_end == NEAR_BOUND)
				continue;
			s->role = listens_on(k, s->w.lport) ? ROLE_SERVER : ROLE_CLIENT;
			near_end(im, k, s);
		}
	}
}

/* ---- events ---- */

/* Where the descriptor stands that an event is about. */
static unsigned fd_position(unsigned code)
{
	switch (code) {
	case HC_SCAP_SYSCALL_READ_X:
	case HC_SCAP_SYSCALL_PREAD_X:
	case HC_SCAP_SYSCALL_WRITE_X:
	case HC_SCAP_SYSCALL_PWRITE_X:
	case HC_SCAP_SYSCALL_WRITEV_X:
	case HC_SCAP_SYSCALL_PWRITEV_X:
	case HC_SCAP_SOCKET_BIND_X:
	case HC_SCAP_SOCKET_CONNECT_X:
	case HC_SCAP_SOCKET_SEND_X:
	case HC_SCAP_SOCKET_SENDTO_X:
	case HC_SCAP_SOCKET_SENDMSG_X:
	case HC_SCAP_SOCKET_RECV_X:
	case HC_SCAP_SYSCALL_SENDFILE_X:
	case HC_SCAP_SYSCALL_SPLICE_X:
	case HC_SCAP_SYSCALL_SYMLINKAT_X:
		return 2;
	case HC_SCAP_SOCKET_RECVFROM_X:
	case HC_SCAP_SYSCALL_READV_X:
	case HC_SCAP_SYSCALL_PREADV_X:
		return 3;
	case HC_SCAP_SOCKET_RECVMSG_X:
		return 5;
	case HC_SCAP_SYSCALL_MMAP_X:
	case HC_SCAP_SYSCALL_MMAP2_X:
		return 8;
	default:
		return 1;
	}
}

static struct hc_str block_of(const struct hc_scap_event *e, unsigned i)
{
	struct hc_str s = hc_scap_param(e, i);

	return s.len ? s : (struct hc_str){ "", 0 };
}

/* The event's thread has another version now. */
static void note_change(struct hc_scap_import *im, struct sevent *s)
{
	ver_unref(im->t, s->after);
	s->after = REF(s->k->cur);
}

static struct tver *change(struct hc_scap_import *im, struct sevent *s, uint8_t cause)
{
	struct tver *v = version_next(im, s->k, cause, s->e->ts_ns);

	if (v)
		note_change(im, s);
	return v;
}

static void put_new(struct hc_scap_import *im, struct sevent *s, int64_t num, struct tfd *fd)
{
	if (!fd)
		return;
	fd_unref(im->t, s->newfd);
	s->newfd = REF(fd);
	s->fd_num = num;
	fd_put(im, s->k, num, fd);
}

/* creat tells of layers in a word of its own. */
static uint32_t flags_of_creat(const struct hc_scap_event *e)
{
	uint64_t f = hc_scap_u64(e, 5, 0);

	return f & HC_SCAP_CREAT_UPPER_LAYER   ? HC_SCAP_OPEN_UPPER_LAYER
	       : f & HC_SCAP_CREAT_LOWER_LAYER ? HC_SCAP_OPEN_LOWER_LAYER
	                                       : 0;
}

static void on_open(struct hc_scap_import *im, struct sevent *s, unsigned name, int dirfd, int flags, int dev)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	int64_t below = dirfd < 0 ? AT_FDCWD_NUM : hc_scap_i64(s->e, (unsigned)dirfd, AT_FDCWD_NUM);
	uint32_t f = flags < 0 ? flags_of_creat(s->e) : (uint32_t)hc_scap_u64(s->e, (unsigned)flags, 0);
	const struct senter *in = s->e->code == HC_SCAP_SYSCALL_OPEN_BY_HANDLE_AT_X ? NULL : enter_of(s);
	struct hc_str given = hc_scap_text(s->e, name), passed = { 0 };
	struct tfd *fd;

	if (num < 0)
		return;
	if (in)
		passed = enter_text(in, dirfd < 0 ? 0 : 1);
	if (passed.p && !hc_str_eq(passed, HC_STR("<NA>"))) {
		given = passed;
		if (dirfd >= 0)
			below = (int64_t)enter_num(in, 0, (uint64_t)AT_FDCWD_NUM);
		if (flags >= 0) /* and what the exit alone knows */
			f = (f & ~(uint32_t)(HC_SCAP_OPEN_CREATED - 1)) |
			    (uint32_t)enter_num(in, dirfd < 0 ? 1 : 2, 0);
	}
	fd = fd_make(im, f & HC_SCAP_OPEN_DIRECTORY ? HC_FD_DIR : HC_FD_FILE);
	if (!fd)
		return;
	fd->path = opened_path(im, s, given, below);
	fd->f_flags = (uint32_t)hc_scap_native(HC_SCAP_TAB_file_flags, f);
	fd->cloexec = f & HC_SCAP_OPEN_CLOEXEC;
	fd->created = f & HC_SCAP_OPEN_CREATED;
	if (hc_scap_has(s->e, (unsigned)dev) || hc_scap_has(s->e, (unsigned)dev + 1) ||
	    f & (HC_SCAP_OPEN_UPPER_LAYER | HC_SCAP_OPEN_LOWER_LAYER))
		fd->file = file_make(im, (uint32_t)hc_scap_u64(s->e, (unsigned)dev, 0),
		                     hc_scap_u64(s->e, (unsigned)dev + 1, 0), f);
	put_new(im, s, num, fd);
}

static void on_dup(struct hc_scap_import *im, struct sevent *s, int64_t old, bool cloexec)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	struct tfd *from = num < 0 ? NULL : scap_fd(im, s->k, old), *fd;

	if (!from)
		return;
	fd = fd_copy(from);
	if (!fd)
		return;
	fd->cloexec = cloexec;
	put_new(im, s, num, fd);
}

static void set_cloexec(struct hc_scap_import *im, struct sthr *k, int64_t num, bool cloexec)
{
	struct tfd *fd = scap_fd(im, k, num);

	if (!fd || fd->cloexec == cloexec || (fd = fd_copy(fd)) == NULL)
		return;
	fd->cloexec = cloexec;
	fd_put(im, k, num, fd);
}

static void on_close_range(struct hc_scap_import *im, struct sevent *s)
{
	int64_t first = (int64_t)hc_scap_u64(s->e, 1, 0), last = (int64_t)hc_scap_u64(s->e, 2, 0);
	bool mark = hc_scap_u64(s->e, 3, 0) & HC_SCAP_CLOSE_RANGE_CLOEXEC;
	struct sfds *f = scap_fds(im, s->k);
	struct sfd *d;

	TABLE_SWEEP(&f->by_num, at, d)
	{
		if (d->num < first || d->num > last)
			continue;
		if (mark) {
			set_cloexec(im, s->k, d->num, true); /* in its place */
			continue;
		}
		TABLE_SWEEP_REMOVE(&f->by_num, at);
		fds_note(im, f, d->num, d->fd, NULL);
		fd_unref(im->t, d->fd);
		free(d);
	}
}

/* A descriptor of another process. */
static void on_getfd(struct hc_scap_import *im, struct sevent *s)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	struct tfd *pidfd = num < 0 ? NULL : scap_fd(im, s->k, hc_scap_i64(s->e, 1, -1)), *from, *fd;
	struct sthr *of = pidfd && pidfd->kind == HC_FD_PIDFD ? scap_thread(im, (int64_t)pidfd->target) : NULL;

	from = of ? scap_fd(im, of, hc_scap_i64(s->e, 2, -1)) : NULL;
	fd = from ? fd_copy(from) : NULL;
	if (!fd)
		return;
	fd->cloexec = true;
	put_new(im, s, num, fd);
}

static void on_socket(struct hc_scap_import *im, struct sevent *s)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	uint16_t family = (uint16_t)hc_scap_u64(s->e, 1, 0);
	uint32_t type = (uint32_t)hc_scap_u64(s->e, 2, 0) & 0xf, proto = (uint32_t)hc_scap_u64(s->e, 3, 0);
	struct tfd *fd = num < 0 ? NULL : fd_make(im, kind_of_family(family));

	if (!fd)
		return;
	if (proto == IPPROTO_IP)
		proto = type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : L4_UNKNOWN;
	else if (proto == IPPROTO_RAW ||
	         ((proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_ICMP) && type == SOCK_RAW))
		proto = IPPROTO_RAW;
	else if (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_ICMP)
		proto = L4_UNKNOWN;
	fd->sock = sock_make(family, family == AF_INET || family == AF_INET6 ? L4_UNKNOWN : 0);
	if (fd->sock && fd->sock->w.protocol && proto == IPPROTO_RAW)
		fd->sock->w.protocol = IPPROTO_RAW;
	else if (fd->sock && fd->sock->w.protocol)
		hide_protocol(fd->sock, proto);
	if (fd->sock && family == AF_INET6) /* no address is in the network of the loopback's */
		fd->sock->serves_here = is_here(im, s->k, (const uint8_t[16]){ 0 }, true);
	fd->cloexec = hc_scap_u64(s->e, 4, 0) & HC_SCAP_OPEN_CLOEXEC;
	put_new(im, s, num, fd);
}

/* Of other protocols the reference makes no name. */
static bool has_name(const struct tsock *s)
{
	return s->w.protocol == IPPROTO_TCP || s->w.protocol == IPPROTO_UDP || s->w.protocol == IPPROTO_ICMP ||
	       (s->w.protocol == IPPROTO_RAW && s->w.family == AF_INET);
}

/* A changed descriptor takes the place of the old one. Takes `fd`. */
static void set_fd(struct hc_scap_import *im, struct sevent *s, struct tfd *fd)
{
	if (!fd)
		return;
	fd_unref(im->t, s->fd_after);
	s->fd_after = REF(fd);
	fd_put(im, s->k, s->fd_num, fd);
}

/* The same with another endpoint, which is taken. */
static void set_sock(struct hc_scap_import *im, struct sevent *s, struct tsock *sock)
{
	struct tfd *now = s->fd_after ? s->fd_after : s->fd;
	struct tfd *fd = now && sock ? fd_copy(now) : NULL;

	if (!fd) {
		sock_unref(im->t, sock);
		return;
	}
	sock_unref(im->t, fd->sock);
	fd->sock = sock;
	near_end(im, s->k, sock);
	if (sock->role && sock->w.protocol == L4_UNKNOWN && sock->w.extra[0]) {
		sock->w.protocol = (uint16_t)sock->w.extra[0];
		sock->w.extra[0] = 0;
	}
	if (sock->near_end && sock->near_end != NEAR_BOUND && sock->role && !has_name(sock)) {
		txt_unref(im->t, sock->shown);
		sock->shown = txt_get(im->t, "<unknown>", 9);
	}
	fd->kind = kind_of_family(sock->w.family);
	sock_unref(im->t, s->sock_after);
	s->sock_after = REF(sock);
	set_fd(im, s, fd);
}

/* Where the exit says of the destination what the caller's memory said by then, the call's beginning is believed;
 * not where the kernel's own word is another. */
static void passed_destination(const struct sevent *s, struct hc_scap_tuple *tuple)
{
	const struct senter *in = enter_of(s);
	size_t n = tuple->family == HC_SCAP_AF_INET ? 4 : 16;
	struct hc_scap_addr was, is;

	if (!in || !hc_scap_saddr(in->param[1], &was) || !hc_scap_saddr(hc_scap_param(s->e, 3), &is) ||
	    was.family != tuple->family || is.family != tuple->family)
		return;
	if (tuple->family == HC_SCAP_AF_UNIX && hc_str_eq(tuple->path, is.path)) {
		tuple->path = was.path;
	} else if (tuple->family != HC_SCAP_AF_UNIX && tuple->dport == is.port && !memcmp(tuple->dip, is.ip, n)) {
		memcpy(tuple->dip, was.ip, n);
		tuple->dport = was.port;
	}
}

static void on_connect(struct hc_scap_import *im, struct sevent *s)
{
	int64_t ret = hc_scap_i64(s->e, 0, 0);
	struct hc_scap_tuple tuple;
	struct tsock *sock;
	bool inet, serves;

	if (!s->fd || (ret < 0 && ret != IN_PROGRESS) || !hc_scap_stuple(hc_scap_param(s->e, 1), &tuple))
		return;
	passed_destination(s, &tuple);
	inet = tuple.family == HC_SCAP_AF_INET || tuple.family == HC_SCAP_AF_INET6;
	if (!inet && s->fd->kind != HC_FD_UNIX)
		return;
	serves = s->fd->sock && s->fd->sock->role == ROLE_SERVER;
	if (inet && ends_same(s->fd->sock, &tuple)) {
		sock = sock_copy(s->fd->sock);
		if (sock && !sock->role)
			sock->role = ROLE_CLIENT;
	} else {
		if (inet && serves && l4_of(s->fd->sock) == IPPROTO_UDP)
			tuple = turned(&tuple); /* a server of datagrams that answers */
		sock = scap_tuple_sock(im, &tuple, serves ? ROLE_SERVER : ROLE_CLIENT, s->fd->sock);
	}
	if (sock)
		sock->connected = true;
	set_sock(im, s, sock);
}

static void on_bind(struct hc_scap_import *im, struct sevent *s)
{
	struct hc_scap_addr addr;
	struct tsock *sock;
	char name[80];
	int n;

	if (!s->fd || hc_scap_i64(s->e, 0, 0) < 0 || !hc_scap_saddr(hc_scap_param(s->e, 1), &addr))
		return;
	sock = s->fd->sock ? sock_copy(s->fd->sock) : sock_make(addr.family, 0);
	if (!sock)
		return;
	if (addr.family == HC_SCAP_AF_UNIX) {
		txt_unref(im->t, sock->local);
		sock->local = txt_get(im->t, addr.path.p, addr.path.len);
	} else if (addr.family == HC_SCAP_AF_INET || addr.family == HC_SCAP_AF_INET6) {
		bool v4 = addr.family == HC_SCAP_AF_INET6 && is_mapped(addr.ip);

		n = name_of_addr(&addr, name, sizeof(name));
		if (addr.port) {
			sock->w.family = v4 ? HC_SCAP_AF_INET : addr.family;
			memset(&sock->w.laddr, 0, 16);
			memset(&sock->w.raddr, 0, 16);
			memcpy(sock->w.laddr, addr.ip + (v4 ? 12 : 0),
			       v4 || addr.family == HC_SCAP_AF_INET ? 4 : 16);
			sock->w.lport = addr.port;
			sock->w.rport = 0;
			sock->role = ROLE_SERVER;
			sock->near_end = NEAR_BOUND;
		}
		if (v4 || !addr.port) {
			txt_unref(im->t, sock->shown);
			sock->shown = txt_get(im->t, name, (size_t)n);
		}
	}
	set_sock(im, s, sock);
}

static void on_accept(struct hc_scap_import *im, struct sevent *s)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	struct hc_scap_tuple tuple;
	struct tfd *fd;

	if (num < 0)
		return;
	s->fd_num = num;
	if (!hc_scap_stuple(hc_scap_param(s->e, 1), &tuple) || !kind_of_family(tuple.family))
		return;
	fd = fd_make(im, kind_of_family(tuple.family));
	if (!fd)
		return;
	fd->sock = scap_tuple_sock(im, &tuple, ROLE_SERVER, NULL);
	if (fd->sock) {
		fd->kind = kind_of_family(fd->sock->w.family);
		fd->sock->connected = true;
		fd->sock->w.protocol = tuple.family == HC_SCAP_AF_UNIX ? 0 : IPPROTO_TCP;
		near_end(im, s->k, fd->sock);
	}
	if (s->e->code == HC_SCAP_SOCKET_ACCEPT4_6_X)
		fd->cloexec = hc_scap_u64(s->e, 5, 0) & HC_SCAP_OPEN_CLOEXEC;
	put_new(im, s, num, fd);
}

/* Is an end of an IPv4 connection of this process on the port, as its server's or its client's? */
static bool uses_port(struct hc_scap_import *im, struct sthr *k, uint16_t port, bool as_client)
{
	struct sfds *f = scap_fds(im, k);
	struct sfd *d;

	TABLE_ALL(&f->by_num, at, d)
	{
		const struct tsock *s = d->fd->kind == HC_FD_IPV4 ? d->fd->sock : NULL;
		bool serves = s && s->role == ROLE_SERVER;

		if (!s || (as_client && s->near_end == NEAR_BOUND))
			continue;
		if ((serves == as_client ? s->w.rport : s->w.lport) == port)
			return true;
	}
	return false;
}

/* Who owns the port at which it arrives serves. An IPv4 socket counts among those that own and use its ports, so
 * that what it does first tells; the reference looks for an IPv6 socket's ports where part of its address lies. */
static uint8_t role_by_ports(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_tuple *tuple,
                             bool sent)
{
	const uint8_t *ip = tuple->sip;

	if (tuple->family == HC_SCAP_AF_INET6 && !uses_port(im, k, (uint16_t)(ip[10] | ip[11] << 8), false))
		return ROLE_CLIENT;
	if (tuple->family == HC_SCAP_AF_INET6 && !uses_port(im, k, (uint16_t)(ip[8] | ip[9] << 8), true))
		return ROLE_SERVER;
	return sent ? ROLE_CLIENT : ROLE_SERVER;
}

static struct txt *name_of_unix(struct hc_scap_import *im, const struct hc_scap_tuple *tuple)
{
	char name[40 + 110];
	int n = snprintf(name, sizeof(name), "%" PRIx64 "->%" PRIx64 " %.*s", tuple->source, tuple->peer,
	                 (int)(tuple->path.len < 108 ? tuple->path.len : 108), tuple->path.p ? tuple->path.p : "");

	return n > 0 ? txt_get(im->t, name, strnlen(name, sizeof(name))) : NULL;
}

/* A message's own addresses: of sockets that are no TCP ones, and where there are none yet. */
static void on_tuple(struct hc_scap_import *im, struct sevent *s, struct hc_str param, bool sent)
{
	struct tsock *old = s->fd_after ? s->fd_after->sock : s->fd->sock, *sock;
	struct hc_scap_tuple tuple;
	uint8_t role = old ? old->role : ROLE_NONE;

	if (!hc_scap_stuple(param, &tuple))
		return;
	if (tuple.family == HC_SCAP_AF_UNIX) {
		sock = scap_tuple_sock(im, &tuple, role, NULL);
		if (sock) {
			sock->connected = old && old->connected;
			sock->shown = name_of_unix(im, &tuple);
		}
		set_sock(im, s, sock);
		return;
	}
	if ((tuple.family != HC_SCAP_AF_INET && tuple.family != HC_SCAP_AF_INET6) || ends_same(old, &tuple))
		return;
	complete(im, &tuple);
	if (role == ROLE_NONE)
		role = role_by_ports(im, s->k, &tuple, sent);
	if ((role == ROLE_SERVER) == sent)
		tuple = turned(&tuple);
	sock = scap_tuple_sock(im, &tuple, role, old);
	if (sock) {
		sock->connected = old && old->connected;
		if (!sock->w.protocol || (sock->w.protocol == L4_UNKNOWN && !sock->w.extra[0]))
			sock->w.protocol = IPPROTO_UDP;
	}
	set_sock(im, s, sock);
}

/* Whatever is read or written: it is connected, and datagrams tell who the peer is. tuple_at -1: no addresses. */
static void on_traffic(struct hc_scap_import *im, struct sevent *s, int tuple_at, bool sent)
{
	struct tsock *sock;

	if (!s->fd || hc_scap_i64(s->e, 0, -1) < 0)
		return;
	sock = s->fd->sock;
	if (sock && (s->fd->kind == HC_FD_IPV4 || s->fd->kind == HC_FD_IPV6) && !sock->connected &&
	    sock->near_end != NEAR_BOUND) {
		sock = sock_copy(sock);
		if (sock)
			sock->connected = true;
		set_sock(im, s, sock);
		sock = s->fd_after ? s->fd_after->sock : s->fd->sock;
	}
	if (tuple_at >= 0 && !(sock && is_named(sock) && l4_of(sock) == IPPROTO_TCP))
		on_tuple(im, s, hc_scap_param(s->e, (unsigned)tuple_at), sent);
}

/* Nobody told of the socket that something is sent with: it must be one for datagrams. */
static void infer_socket(struct hc_scap_import *im, struct sevent *s)
{
	struct hc_str tuple = hc_scap_param(s->e, 4);
	uint16_t family = tuple.len ? (uint8_t)tuple.p[0] : 0;
	struct tfd *fd;

	if (s->fd || s->fd_num < 0 || hc_scap_i64(s->e, 0, -1) < 0 ||
	    (family != HC_SCAP_AF_INET && family != HC_SCAP_AF_INET6))
		return;
	fd = fd_make(im, kind_of_family(family));
	if (!fd)
		return;
	fd->sock = sock_make(family, L4_UNKNOWN);
	if (fd->sock)
		hide_protocol(fd->sock, IPPROTO_UDP);
	s->fd = REF(fd);
	fd_put(im, s->k, s->fd_num, fd);
}

/* Events of old forms do not tell what the kernel has run: what the caller passed, if its event was there. */
static struct tpath *passed_program(struct hc_scap_import *im, const struct sevent *s)
{
	const struct senter *in = enter_of(s);
	struct hc_str name;
	int64_t below;
	struct tfd *fd;

	if (!in)
		return NULL;
	if (in->code != HC_SCAP_SYSCALL_EXECVEAT_E)
		return scap_path(im, s, enter_text(in, 0), -1);
	name = enter_text(in, 1);
	below = (int64_t)enter_num(in, 0, (uint64_t)AT_FDCWD_NUM);
	fd = scap_fd(im, s->k, below);
	if (enter_num(in, 2, 0) & EXEC_EMPTY_PATH)
		return fd && fd->path ? REF(fd->path) : path_of_text(im->t, HC_STR("<NA>"), 6, 0);
	if (!name.len || (name.p[0] != '/' && below != AT_FDCWD_NUM && !fd))
		return path_of_text(im->t, HC_STR("<NA>"), 6, 0);
	return path_below(im, s, name, below);
}

static void exec_image(struct hc_scap_import *im, struct sevent *s, struct tver *v)
{
	const struct hc_scap_event *e = s->e;
	struct timage *i = image_new(im->t);
	struct hc_wire_file exe = { .ino = hc_scap_u64(e, 23, 0),
		                    .ctime_ns = hc_scap_i64(e, 24, 0),
		                    .mtime_ns = hc_scap_i64(e, 25, 0) };

	if (!i)
		return;
	i->argc = i->envc = UINT32_MAX;
	i->has_exec_ns = i->has_flags = true;
	i->exec_ns = e->ts_ns;
	i->argv = argv_of(im, hc_scap_text(e, 1), block_of(e, 2));
	i->env = hc_scap_has(e, 15) ? lst_of_block(im->t, block_of(e, 15).p, block_of(e, 15).len)
	         : v->image         ? REF(v->image->env)
	                            : NULL;
	/* what an event of an old form does not tell stays as it was */
	i->flags = hc_scap_has(e, 19) ? (uint32_t)hc_scap_u64(e, 19, 0) & 15 : v->image ? v->image->flags : 0;
	i->exe = hc_scap_has(e, 27) ? path_of_text(im->t, hc_scap_text(e, 27), 6, 0) : passed_program(im, s);
	if (e->code == HC_SCAP_SYSCALL_EXECVE_19_X && hc_scap_has(e, 30))
		i->filename = scap_path(im, s, hc_scap_text(e, 30), -1);
	if (!i->exe && i->filename)
		i->exe = REF(i->filename);
	if (!i->exe && v->image)
		i->exe = REF(v->image->exe);
	i->exe_file = hc_scap_has(e, 23) ? file_get(im->t, &exe) : v->image ? REF(v->image->exe_file) : NULL;
	i->comm = txt_get(im->t, hc_scap_text(e, 13).p, hc_scap_text(e, 13).len);
	image_unref(im->t, v->image);
	v->image = i;
}

static void set_u32(const struct hc_scap_event *e, unsigned i, uint32_t *at)
{
	if (hc_scap_has(e, i))
		*at = (uint32_t)hc_scap_u64(e, i, 0);
}

static void set_comm_text(struct hc_scap_import *im, struct tver *v, struct hc_str s)
{
	struct txt *comm = txt_get(im->t, s.p ? s.p : "", s.len);

	if (!comm)
		return;
	txt_unref(im->t, v->comm);
	txt_unref(im->t, v->image_comm);
	v->comm = comm;
	v->image_comm = REF(comm);
}

static void set_comm(struct hc_scap_import *im, const struct hc_scap_event *e, struct tver *v)
{
	if (hc_scap_has(e, 13))
		set_comm_text(im, v, hc_scap_text(e, 13));
}

/* Events of old forms tell only what it was called by. */
static void set_forked_comm(struct hc_scap_import *im, const struct hc_scap_event *e, struct tver *v)
{
	set_comm_text(im, v, hc_scap_text(e, hc_scap_has(e, 13) ? 13 : 1));
}

static void set_cgroups(struct hc_scap_import *im, const struct hc_scap_event *e, struct tver *v)
{
	struct tcgs *c = hc_scap_has(e, 14) ? cgs_of(im, hc_scap_param(e, 14)) : NULL;

	if (!c)
		return;
	cgs_unref(im->t, v->cgs);
	v->cgs = c;
}

/* The counters in the events that make a process or change its program. */
static void mem_of_image(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e)
{
	if (!hc_scap_has(e, 12))
		return;
	k->mem = (struct smem){ hc_scap_u64(e, 8, 0), hc_scap_u64(e, 9, 0), hc_scap_u64(e, 10, 0),
		                hc_scap_u64(e, 11, 0), hc_scap_u64(e, 12, 0) };
	k->mem_gen = ++im->state_gen;
}

/* Changes of the address space tell the new sizes. */
static void mem_of_map(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e)
{
	struct smem mem = k->mem;

	if (hc_scap_has(e, 1))
		mem.vm_size = hc_scap_u64(e, 1, 0);
	if (hc_scap_has(e, 3)) {
		mem.vm_rss = hc_scap_u64(e, 2, 0);
		mem.vm_swap = hc_scap_u64(e, 3, 0);
	}
	if (!memcmp(&mem, &k->mem, sizeof(mem)))
		return;
	k->mem = mem;
	k->mem_gen = ++im->state_gen;
}

static void mem_of_switch(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e)
{
	struct sthr *leader = scap_main(im, k);

	if (!hc_scap_has(e, 5))
		return;
	k->mem.pgft_maj = hc_scap_u64(e, 1, 0);
	k->mem.pgft_min = hc_scap_u64(e, 2, 0);
	leader->mem.vm_size = hc_scap_u64(e, 3, 0);
	leader->mem.vm_rss = hc_scap_u64(e, 4, 0);
	leader->mem.vm_swap = hc_scap_u64(e, 5, 0);
	k->mem_gen = leader->mem_gen = ++im->state_gen;
}

/* An exec ends all threads but the one that goes on as the process. */
static void alone_after_exec(struct hc_scap_import *im, struct sthr *k)
{
	struct sthr *other = k->group ? k->group->first : NULL, *next;

	for (; other; other = next) {
		next = other->group_next;
		if (other == k || other->tid == other->pid)
			continue;
		other->reaper = -1;
		thread_end(im, other);
	}
}

static void on_exec(struct hc_scap_import *im, struct sevent *s)
{
	const struct hc_scap_event *e = s->e;
	struct tver *v;

	if (hc_scap_i64(e, 0, -1) < 0)
		return;
	if (s->k->dead) { /* the main thread that another one took the place of */
		s->k->dead = false;
		if (s->k->group)
			s->k->group->n_alive++;
	}
	if (hc_scap_has(e, 4))
		s->k->pid = hc_scap_i64(e, 4, -1);
	if (s->k->invalid) {
		set_parent(im, s->k, hc_scap_i64(e, 5, -1));
		s->k->vtid = s->k->tid;
		s->k->vpid = s->k->pid;
		s->k->invalid = false;
	}
	group_join(im, s->k);
	mem_of_image(im, s->k, e);
	fds_exec(im, s->k);
	v = change(im, s, HC_CAUSE_EXEC);
	if (!v)
		return;
	v->pid = (uint32_t)s->k->pid;
	v->n_vpids = s->k->vpid > 0;
	v->vpids[0] = (uint32_t)s->k->vpid;
	v->flags &= ~(uint32_t)HC_PROC_INCOMPLETE;
	exec_image(im, s, v);
	set_comm(im, e, v);
	set_cgroups(im, e, v);
	if (hc_scap_has(e, 7)) {
		v->nofile = hc_scap_u64(e, 7, 0);
		v->has |= HAS_NOFILE;
	}
	if (hc_scap_has(e, 16))
		v->tty_nr = (uint32_t)hc_scap_dev_native((uint32_t)hc_scap_u64(e, 16, 0));
	set_u32(e, 17, &v->vpgid);
	set_u32(e, 18, &v->creds.loginuid);
	if (hc_scap_has(e, 20)) {
		v->creds.cap_inheritable = hc_scap_u64(e, 20, 0);
		v->creds.cap_permitted = hc_scap_u64(e, 21, 0);
		v->creds.cap_effective = hc_scap_u64(e, 22, 0);
	}
	set_u32(e, 26, &v->creds.euid);
	v->pgid = hc_scap_has(e, 28) ? (uint32_t)hc_scap_u64(e, 28, 0) : UINT32_MAX;
	set_u32(e, 29, &v->creds.egid);
	version_users(im, v);
	alone_after_exec(im, s->k);
}

static void child_from(struct hc_scap_import *im, struct sevent *s, struct sthr *from, struct sthr *k,
                       bool child_side)
{
	const struct hc_scap_event *e = s->e;
	bool is_thread = hc_scap_u64(e, 15, 0) & HC_SCAP_CLONE_THREAD;
	struct tver *v = from && from->cur ? ver_copy(im->t, from->cur) : version_new(im, k->tid);
	struct timage *i;

	if (!v)
		return;
	if (child_side) {
		k->pid = hc_scap_i64(e, 4, k->tid);
		set_parent(im, k, hc_scap_i64(e, 5, -1));
		k->vtid = hc_scap_i64(e, 18, hc_scap_has(e, 19) ? -1 : k->tid);
		k->vpid = hc_scap_i64(e, 19, -1);
	} else {
		k->pid = is_thread ? s->k->pid : k->tid;
		set_parent(im, k, is_thread ? s->k->ptid : s->k->tid);
		k->vtid = k->tid;
		k->vpid = k->pid;
	}
	k->clone_ns = e->ts_ns;
	k->by_child = child_side;
	k->mem = (struct smem){ 0 };
	k->mem_gen = ++im->state_gen;
	k->dead = false;
	k->own_fds = k->pid != k->tid && !is_thread && !(hc_scap_u64(e, 15, 0) & HC_SCAP_CLONE_FILES);
	group_join(im, k);
	mem_of_image(im, k, e);
	v->refs = 1;
	v->version = 1;
	v->lineage = ++im->next_version;
	v->cause = HC_CAUSE_FORK;
	v->pid = (uint32_t)k->pid;
	v->from_ns = v->fork_ns = v->start_ns = e->ts_ns;
	v->flags = is_thread ? HC_PROC_THREAD : 0;
	v->n_vpids = k->vpid > 0;
	v->vpids[0] = (uint32_t)k->vpid;
	i = image_new(im->t);
	if (i) {
		if (v->image) {
			*i = *v->image;
			memset(&i->slot, 0, sizeof(i->slot));
			REF(i->filename);
			REF(i->exe);
			REF(i->script);
			REF(i->exe_file);
			REF(i->interp);
			REF(i->comm);
			REF(i->env);
			REF(i->prev);
			for (unsigned n = 0; n < 3; n++)
				REF(i->std[n]);
		}
		i->refs = 1;
		i->argc = i->envc = UINT32_MAX;
		i->argv = argv_of(im, hc_scap_text(e, 1), block_of(e, 2));
		if (!is_thread && from && from->tid != from->pid) {
			/* an environment is the main thread's, and this is no copy of that one */
			lst_unref(im->t, i->env);
			i->env = NULL;
		}
		if (v->image && i->argv == v->image->argv && i->env == v->image->env) {
			image_unref(im->t, i);
		} else {
			image_unref(im->t, v->image);
			v->image = i;
		}
	}
	set_forked_comm(im, e, v);
	cgs_unref(im->t, v->cgs); /* never the other's */
	v->cgs = NULL;
	set_cgroups(im, e, v);
	set_u32(e, 16, &v->creds.euid);
	set_u32(e, 17, &v->creds.egid);
	if (hc_scap_has(e, 7)) {
		v->nofile = hc_scap_u64(e, 7, 0);
		v->has |= HAS_NOFILE;
	}
	/* on the host it stays unknown, and is not since 1970: Falco's reader of files has no boot time to add */
	v->pidns_ns = in_pidns(k) ? hc_scap_u64(e, 20, 0) : 0;
	version_users(im, v);
	ver_unref(im->t, k->cur);
	k->cur = v;
	if (!is_thread && from)
		fds_copy(im, k, from);
	s->child = k;
	im->tree_gen++;
	im->stats.n_processes++;
}

/* Of a thread that nobody told of, a fork of its own, or of its process, tells what it is: its numbers .. */
static void tell_who(struct hc_scap_import *im, struct sthr *k, uint64_t ns)
{
	struct tver *v = version_next(im, k, HC_CAUSE_FORK, ns);
	struct sthr *leader = scap_main(im, k);

	k->invalid = false;
	group_join(im, k);
	if (!v)
		return;
	v->pid = (uint32_t)k->pid;
	v->n_vpids = k->vpid > 0;
	v->vpids[0] = (uint32_t)k->vpid;
	v->flags &= ~(uint32_t)HC_PROC_INCOMPLETE;
	if (leader != k && leader->cur && leader->cur->cwd && !v->cwd)
		v->cwd = REF(leader->cur->cwd); /* the process's */
}

/* .. and its program. */
static void tell_what(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e)
{
	struct timage *i = image_new(im->t);
	struct tver *v = i ? version_next(im, k, HC_CAUSE_FORK, e->ts_ns) : NULL;
	struct sthr *leader = scap_main(im, k);

	if (!v) {
		image_unref(im->t, i);
		return;
	}
	i->argc = i->envc = UINT32_MAX;
	i->argv = argv_of(im, hc_scap_text(e, 1), block_of(e, 2));
	if (leader != k && leader->cur && leader->cur->image)
		i->env = REF(leader->cur->image->env);
	image_unref(im->t, v->image);
	v->image = i;
	set_forked_comm(im, e, v);
}

/* The thread that a new one takes after, by the new one's own event. A process is known by its threads. */
static struct sthr *forked_from(struct hc_scap_import *im, struct sevent *s, bool is_thread)
{
	const struct hc_scap_event *e = s->e;
	int64_t tid = hc_scap_i64(e, is_thread ? 4 : 5, -1);
	struct sthr *k = tid > 0 ? scap_thread(im, tid) : NULL;

	if (k == s->k)
		return NULL;
	if (!is_thread || (k && !k->invalid) || tid <= 0)
		return k;
	if (!k)
		k = thread_invalid(im, tid);
	if (!k)
		return NULL;
	k->pid = tid;
	set_parent(im, k, hc_scap_i64(e, 5, -1));
	k->vtid = k->vpid = hc_scap_i64(e, 19, -1);
	tell_who(im, k, e->ts_ns);
	tell_what(im, k, e);
	return k;
}

static void on_clone(struct hc_scap_import *im, struct sevent *s)
{
	const struct hc_scap_event *e = s->e;
	int64_t ret = hc_scap_i64(e, 0, -1);
	uint64_t flags = hc_scap_u64(e, 15, 0);
	bool known = !s->k->invalid;
	struct sthr *k, *from;

	if (ret < 0)
		return;
	if (ret > 0) {
		if (!known) {
			s->k->pid = hc_scap_i64(e, 4, -1);
			set_parent(im, s->k, hc_scap_i64(e, 5, -1));
			s->k->vtid = hc_scap_i64(e, 18, hc_scap_has(e, 19) ? -1 : s->k->tid);
			s->k->vpid = hc_scap_i64(e, 19, -1);
			tell_who(im, s->k, e->ts_ns);
			note_change(im, s);
		}
		if (flags & (HC_SCAP_CLONE_IN_PIDNS | HC_SCAP_CLONE_NEWPID | HC_SCAP_CLONE_PARENT |
		             HC_SCAP_CLONE_VFORK) ||
		    s->k->tid != s->k->vtid || e->code == HC_SCAP_SYSCALL_VFORK_20_X)
			return;
		if (gone_lately(im, ret, s->k->tid, e->ts_ns))
			return;
		k = scap_thread(im, ret);
		if (k && (k->by_child || k == s->k))
			return;
		if (k)
			thread_end(im, k);
		k = scap_thread(im, ret);
		if (k)
			thread_remove(im, k);
		k = thread_new(im, ret);
		if (k)
			child_from(im, s, s->k, k, false);
		if (k && !known) {
			fds_clear(im, &k->fds); /* nobody knows what the other has open */
			tell_what(im, s->k, e);
			note_change(im, s);
		}
		return;
	}
	if (!s->k->invalid && s->k->clone_ns && e->ts_ns - s->k->clone_ns < UINT64_C(2000000000))
		return;
	from = forked_from(im, s, flags & HC_SCAP_CLONE_THREAD);
	s->k->invalid = false;
	child_from(im, s, from, s->k, true);
}

static void on_procexit(struct hc_scap_import *im, struct sevent *s)
{
	struct sthr *k = s->k;

	if (k->group && !k->dead) {
		k->group->n_alive--;
		k->group->gen = ++im->state_gen;
	}
	k->dead = true;
	k->reaper = hc_scap_i64(s->e, 4, -1); /* older files do not tell */
	im->gone_tid = k->tid;
}

static void set_cwd(struct hc_scap_import *im, struct sevent *s, struct tpath *cwd)
{
	struct tver *v = cwd ? change(im, s, HC_CAUSE_CWD) : NULL;

	if (!v) {
		path_unref(im->t, cwd);
		return;
	}
	path_unref(im->t, v->cwd);
	v->cwd = cwd;
	/* threads have one in common */
	for (struct sthr *k = s->k->group ? s->k->group->first : NULL; k; k = k->group_next) {
		if (k == s->k || !k->cur)
			continue;
		v = version_next(im, k, HC_CAUSE_CWD, s->e->ts_ns);
		if (!v)
			continue;
		path_unref(im->t, v->cwd);
		v->cwd = REF(cwd);
	}
}

static void set_id(struct hc_scap_import *im, struct sevent *s, unsigned at, bool group)
{
	struct tver *v;

	if (hc_scap_i64(s->e, 0, -1) < 0 || !hc_scap_has(s->e, at))
		return;
	v = change(im, s, HC_CAUSE_CREDS);
	if (!v)
		return;
	*(group ? &v->creds.egid : &v->creds.euid) = (uint32_t)hc_scap_u64(s->e, at, 0);
	version_users(im, v);
}

/* Of the calls without a path, by their flags: those that the reference looks at, in the width that it does. */
static bool made_cloexec(const struct hc_scap_event *e)
{
	switch (e->code) {
	case HC_SCAP_SYSCALL_EPOLL_CREATE1_X:
		return hc_scap_u64(e, 1, 0) & 1; /* EPOLL_CLOEXEC */
	case HC_SCAP_SYSCALL_EVENTFD2_X:
	case HC_SCAP_SYSCALL_INOTIFY_INIT1_X:
	case HC_SCAP_SYSCALL_SIGNALFD4_X:
		return hc_scap_u64(e, 1, 0) & HC_SCAP_OPEN_CLOEXEC;
	case HC_SCAP_SYSCALL_MEMFD_CREATE_X:
		return hc_scap_u64(e, 2, 0) & (1 | HC_SCAP_OPEN_CLOEXEC); /* 1: MFD_CLOEXEC */
	case HC_SCAP_SYSCALL_PIDFD_OPEN_X:
		return hc_scap_u64(e, 2, 0) & HC_SCAP_OPEN_CLOEXEC;
	default:
		return false;
	}
}

static void plain_fd(struct hc_scap_import *im, struct sevent *s, uint8_t kind, int name)
{
	int64_t num = hc_scap_i64(s->e, 0, -1);
	struct tfd *fd = num < 0 ? NULL : fd_make(im, kind);

	if (fd && name >= 0)
		fd->name = txt_get(im->t, hc_scap_text(s->e, (unsigned)name).p,
		                   hc_scap_text(s->e, (unsigned)name).len);
	if (fd && kind == HC_FD_PIDFD)
		fd->target = hc_scap_u64(s->e, 1, 0);
	if (fd)
		fd->cloexec = made_cloexec(s->e);
	put_new(im, s, num, fd);
}

static void on_pair(struct hc_scap_import *im, struct sevent *s, uint8_t kind)
{
	int64_t a = hc_scap_i64(s->e, 1, -1), b = hc_scap_i64(s->e, 2, -1);

	if (hc_scap_i64(s->e, 0, -1) < 0 || a == b)
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct tfd *fd = fd_make(im, kind);

		if (fd && kind == HC_FD_UNIX)
			fd->sock = sock_make(AF_UNIX, 0);
		if (fd && kind == HC_FD_PIPE && hc_scap_u64(s->e, 3, 0))
			fd->file = file_make(im, 0, hc_scap_u64(s->e, 3, 0), 0);
		if (fd && s->e->code == HC_SCAP_SYSCALL_PIPE2_X)
			fd->cloexec = hc_scap_u64(s->e, 4, 0) & HC_SCAP_OPEN_CLOEXEC;
		put_new(im, s, i ? b : a, fd);
	}
}

static void on_getcwd(struct hc_scap_import *im, struct sevent *s)
{
	struct tpath *is = scap_path(im, s, hc_scap_text(s->e, 1), -1), *was = s->k->cur ? s->k->cur->cwd : NULL;
	const struct txt *a = is ? is->abs ? is->abs : is->real : NULL;
	const struct txt *b = was ? was->abs ? was->abs : was->real : NULL;

	if (!a || (b && is_text(b, (struct hc_str){ a->p, a->len })))
		path_unref(im->t, is);
	else
		set_cwd(im, s, is);
}

static void on_limit(struct hc_scap_import *im, struct sevent *s, struct sthr *k, int64_t limit)
{
	struct tver *v;

	k = k ? scap_main(im, k) : NULL;
	if (!k || limit < 0 || !k->cur || k->cur->nofile == (uint64_t)limit)
		return;
	v = k == s->k ? change(im, s, HC_CAUSE_LIMIT) : version_next(im, k, HC_CAUSE_LIMIT, s->e->ts_ns);
	if (v) {
		v->nofile = (uint64_t)limit;
		v->has |= HAS_NOFILE;
	}
}

/* Users and groups that come and go while it is recorded, of the host and of containers. */
static void on_user(struct hc_scap_import *im, const struct hc_scap_event *e)
{
	bool group = e->code == HC_SCAP_GROUP_ADDED_E || e->code == HC_SCAP_GROUP_DELETED_E;
	bool added = e->code == HC_SCAP_USER_ADDED_E || e->code == HC_SCAP_GROUP_ADDED_E, changed = true;
	struct hc_str ctr = block_of(e, group ? 2 : 5);
	struct hc_scap_user u = { .uid = (uint32_t)hc_scap_u64(e, 0, 0),
		                  .gid = (uint32_t)hc_scap_u64(e, group ? 0 : 1, 0),
		                  .name = hc_scap_text(e, group ? 1 : 2) };
	struct tver *v;
	struct sthr *k;

	ctr.len = ctr.len ? (uint32_t)strnlen(ctr.p, ctr.len) : 0;
	if (!group) {
		u.home = hc_scap_text(e, 3);
		u.shell = hc_scap_text(e, 4);
	}
	if (added)
		changed = user_put(im, &u, group, ctr);
	else
		user_drop(im, group ? u.gid : u.uid, group, ctr);
	if (!changed)
		return;
	TABLE_ALL(&im->threads, at, k)
	{
		const struct tcgs *cgs = k->cur ? k->cur->cgs : NULL;
		bool is_it = k->cur && (group ? k->cur->creds.egid == u.gid
		                              : k->cur->creds.euid == u.uid || k->cur->creds.loginuid == u.uid);

		if (!is_it || !same_ctr(cgs && cgs->ctr ? cgs->ctr->id : NULL, ctr))
			continue;
		v = version_next(im, k, HC_CAUSE_CREDS, e->ts_ns);
		if (v)
			version_users(im, v);
	}
}

/* The processes of a container that is another version now. */
static void move_to_ctr(struct hc_scap_import *im, const struct tctr *old, struct tctr *now, uint64_t ns)
{
	struct sthr *k;

	TABLE_ALL(&im->threads, at, k)
	{
		struct tcgs *cgs =
			k->cur && k->cur->cgs && k->cur->cgs->ctr == old ? cgs_with_ctr(k->cur->cgs, now) : NULL;
		struct tver *v = cgs ? version_next(im, k, HC_CAUSE_METADATA, ns) : NULL;

		if (!v) {
			cgs_unref(im->t, cgs);
			continue;
		}
		cgs_unref(im->t, v->cgs);
		v->cgs = cgs;
	}
}

static void told_drop(struct hc_scap_import *im, struct hc_str id)
{
	for (unsigned i = 0; i < SCAP_MAX_TOLD; i++) {
		struct stold *told = &im->told[i];

		if (!told->facts || !same_id(told->id, id))
			continue;
		ctr_facts_free(told->facts);
		*told = (struct stold){ 0 };
	}
}

/* An event that has what the container plugin knows of one, as JSON. */
static void on_container(struct hc_scap_import *im, struct sevent *s, struct hc_str json, bool removed)
{
	struct ctr_facts *facts = ctr_facts_new();
	struct tctr *old, *now;
	struct stold *told;
	struct hc_str id;

	json.len = json.len ? (uint32_t)strnlen(json.p, json.len) : 0;
	if (!facts || ctr_parse_falco(json, facts, &id) < 0) {
		ctr_facts_free(facts);
		im->stats.n_bad_ctrs++;
		return;
	}
	im->stats.n_ctrs += !removed;
	im->stats.n_ctr_cut += facts->n_cut;
	old = ctr_find(im, id);
	if (!old && removed) {
		told_drop(im, id);
		ctr_facts_free(facts);
		return;
	}
	if (!old) {
		told = &im->told[im->next_told++ % SCAP_MAX_TOLD];
		ctr_facts_free(told->facts);
		*told = (struct stold){ id, facts, s->e->ts_ns };
		return;
	}
	REF(old);
	if (removed)
		facts = ctr_facts_free(facts);
	now = ctr_retold(im->t, old, facts, s->e->ts_ns);
	if (now) {
		find_sandbox(im, now);
		move_to_ctr(im, old, now, s->e->ts_ns);
	}
	s->ctr = now;
	ctr_unref(im->t, old);
}

static void on_async(struct hc_scap_import *im, struct sevent *s)
{
	struct hc_str name = hc_scap_text(s->e, 1);

	if (hc_str_eq(name, HC_STR("container")))
		on_container(im, s, hc_scap_param(s->e, 2), false);
	else if (hc_str_eq(name, HC_STR("container_removed")))
		on_container(im, s, hc_scap_param(s->e, 2), true);
}

static void set_reaper(struct sthr *k, bool reaper)
{
	if (k->group)
		k->group->reaper = reaper;
}

static void on_change(struct hc_scap_import *im, struct sevent *s, bool worked)
{
	const struct hc_scap_event *e = s->e;
	struct tver *v;

	switch (e->code) {
	case HC_SCAP_SYSCALL_CHDIR_X:
		if (worked)
			set_cwd(im, s, scap_path(im, s, hc_scap_text(e, 1), -1));
		break;
	case HC_SCAP_SYSCALL_GETCWD_X:
		if (worked)
			on_getcwd(im, s);
		break;
	case HC_SCAP_SYSCALL_BRK_4_X:
	case HC_SCAP_SYSCALL_MMAP_X:
	case HC_SCAP_SYSCALL_MMAP2_X:
	case HC_SCAP_SYSCALL_MUNMAP_X:
		mem_of_map(im, s->k, e);
		break;
	case HC_SCAP_SYSCALL_CHROOT_X:
		v = worked ? change(im, s, HC_CAUSE_ROOT) : NULL;
		if (v) {
			path_unref(im->t, v->root);
			v->root = scap_path(im, s, hc_scap_text(e, 1), -1);
		}
		break;
	case HC_SCAP_SYSCALL_PRCTL_X:
		if (worked && (hc_scap_u64(e, 1, 0) == PR_SET_CHILD_SUBREAPER ||
		               hc_scap_u64(e, 1, 0) == PR_GET_CHILD_SUBREAPER))
			set_reaper(s->k, hc_scap_i64(e, 3, 0) != 0);
		break;
	case HC_SCAP_SYSCALL_SETRLIMIT_X:
	case HC_SCAP_SYSCALL_GETRLIMIT_X:
		if (worked && hc_scap_u64(e, 3, 0) == RLIMIT_NOFILE)
			on_limit(im, s, s->k, hc_scap_i64(e, 1, -1));
		break;
	case HC_SCAP_SYSCALL_PRLIMIT_X:
		if (worked && hc_scap_u64(e, 6, 0) == RLIMIT_NOFILE)
			on_limit(im, s, hc_scap_i64(e, 5, 0) > 0 ? scap_thread(im, hc_scap_i64(e, 5, 0)) : s->k,
			         hc_scap_i64(e, 1, -1));
		break;
	case HC_SCAP_SYSCALL_FCHDIR_X:
		if (worked && s->fd)
			set_cwd(im, s, REF(s->fd->path));
		break;
	case HC_SCAP_SYSCALL_SETUID_X:
		set_id(im, s, 1, false);
		break;
	case HC_SCAP_SYSCALL_SETREUID_X:
	case HC_SCAP_SYSCALL_SETRESUID_X:
		set_id(im, s, 2, false);
		break;
	case HC_SCAP_SYSCALL_SETGID_X:
		set_id(im, s, 1, true);
		break;
	case HC_SCAP_SYSCALL_SETREGID_X:
	case HC_SCAP_SYSCALL_SETRESGID_X:
		set_id(im, s, 2, true);
		break;
	case HC_SCAP_SYSCALL_SETSID_X:
		v = worked ? change(im, s, HC_CAUSE_SESSION) : NULL;
		if (v)
			v->sid = v->vsid = (uint32_t)hc_scap_i64(e, 0, -1);
		break;
	case HC_SCAP_SYSCALL_CAPSET_X:
		v = worked ? change(im, s, HC_CAUSE_CREDS) : NULL;
		if (v) {
			v->creds.cap_inheritable = hc_scap_u64(e, 1, 0);
			v->creds.cap_permitted = hc_scap_u64(e, 2, 0);
			v->creds.cap_effective = hc_scap_u64(e, 3, 0);
		}
		break;
	case HC_SCAP_SYSCALL_UNSHARE_X:
	case HC_SCAP_SYSCALL_SETNS_X:
		if (!worked ||
		    !(hc_scap_u64(e, e->code == HC_SCAP_SYSCALL_SETNS_X ? 2 : 1, 0) & HC_SCAP_CLONE_NEWUSER))
			break;
		v = change(im, s, HC_CAUSE_NS);
		if (v)
			v->creds.cap_inheritable = v->creds.cap_permitted = v->creds.cap_effective = ALL_CAPS;
		break;
	default:
		break;
	}
}

static void on_descriptor(struct hc_scap_import *im, struct sevent *s)
{
	const struct hc_scap_event *e = s->e;

	switch (e->code) {
	case HC_SCAP_SYSCALL_OPEN_X:
		on_open(im, s, 1, -1, 2, 4);
		break;
	case HC_SCAP_SYSCALL_OPENAT_2_X:
		on_open(im, s, 2, 1, 3, 5);
		break;
	case HC_SCAP_SYSCALL_OPENAT2_X:
		on_open(im, s, 2, 1, 3, 6);
		break;
	case HC_SCAP_SYSCALL_CREAT_X:
		on_open(im, s, 1, -1, -1, 3);
		break;
	case HC_SCAP_SYSCALL_OPEN_BY_HANDLE_AT_X:
		on_open(im, s, 3, -1, 2, 4);
		break;
	case HC_SCAP_SYSCALL_CLOSE_X:
		if (hc_scap_i64(e, 0, -1) >= 0 && s->fd) {
			im->closed_tid = e->tid;
			im->closed_fd = s->fd_num;
		}
		break;
	case HC_SCAP_SYSCALL_DUP_1_X:
	case HC_SCAP_SYSCALL_DUP2_X:
		on_dup(im, s, hc_scap_i64(e, 1, -1), false);
		break;
	case HC_SCAP_SYSCALL_DUP3_X:
		on_dup(im, s, hc_scap_i64(e, 1, -1), hc_scap_u64(e, 3, 0) & HC_SCAP_OPEN_CLOEXEC);
		break;
	case HC_SCAP_SYSCALL_FCNTL_X:
		if (hc_scap_u64(e, 2, 0) == 1 || hc_scap_u64(e, 2, 0) == 26)
			on_dup(im, s, hc_scap_i64(e, 1, -1), hc_scap_u64(e, 2, 0) == 26);
		else if (hc_scap_u64(e, 2, 0) == 3 && hc_scap_i64(e, 0, -1) >= 0)
			set_cloexec(im, s->k, s->fd_num, hc_scap_u64(e, 3, 0) & FD_CLOEXEC);
		break;
	case HC_SCAP_SYSCALL_CLOSE_RANGE_X:
		if (hc_scap_i64(e, 0, -1) >= 0)
			on_close_range(im, s);
		break;
	case HC_SCAP_SYSCALL_PIDFD_GETFD_X:
		on_getfd(im, s);
		break;
	case HC_SCAP_SYSCALL_PIPE_X:
	case HC_SCAP_SYSCALL_PIPE2_X:
		on_pair(im, s, HC_FD_PIPE);
		break;
	case HC_SCAP_SOCKET_SOCKETPAIR_X:
		on_pair(im, s, HC_FD_UNIX);
		break;
	case HC_SCAP_SOCKET_SOCKET_X:
		on_socket(im, s);
		break;
	case HC_SCAP_SOCKET_BIND_X:
		on_bind(im, s);
		break;
	case HC_SCAP_SOCKET_CONNECT_X:
		on_connect(im, s);
		break;
	case HC_SCAP_SOCKET_ACCEPT_5_X:
	case HC_SCAP_SOCKET_ACCEPT4_6_X:
		on_accept(im, s);
		break;
	case HC_SCAP_SOCKET_SENDTO_X:
	case HC_SCAP_SOCKET_SENDMSG_X:
	case HC_SCAP_SOCKET_SEND_X:
		infer_socket(im, s);
		on_traffic(im, s, 4, true);
		break;
	case HC_SCAP_SOCKET_SENDMMSG_X:
		on_traffic(im, s, 4, true);
		break;
	case HC_SCAP_SYSCALL_WRITE_X:
	case HC_SCAP_SYSCALL_WRITEV_X:
	case HC_SCAP_SYSCALL_PWRITE_X:
	case HC_SCAP_SYSCALL_PWRITEV_X:
		on_traffic(im, s, -1, true);
		break;
	case HC_SCAP_SYSCALL_READ_X:
	case HC_SCAP_SYSCALL_READV_X:
	case HC_SCAP_SYSCALL_PREAD_X:
	case HC_SCAP_SYSCALL_PREADV_X:
		on_traffic(im, s, -1, false);
		break;
	case HC_SCAP_SOCKET_RECVFROM_X:
		on_traffic(im, s, 2, false);
		break;
	case HC_SCAP_SOCKET_RECVMSG_X:
		on_traffic(im, s, 3, false);
		break;
	case HC_SCAP_SOCKET_RECV_X:
	case HC_SCAP_SOCKET_RECVMMSG_X:
		on_traffic(im, s, 4, false);
		break;
	case HC_SCAP_SYSCALL_EVENTFD_X:
	case HC_SCAP_SYSCALL_EVENTFD2_X:
		plain_fd(im, s, HC_FD_EVENTFD, -1);
		break;
	case HC_SCAP_SYSCALL_SIGNALFD_X:
	case HC_SCAP_SYSCALL_SIGNALFD4_X:
		plain_fd(im, s, HC_FD_SIGNALFD, -1);
		break;
	case HC_SCAP_SYSCALL_TIMERFD_CREATE_X:
		plain_fd(im, s, HC_FD_TIMERFD, -1);
		break;
	case HC_SCAP_SYSCALL_INOTIFY_INIT_X:
	case HC_SCAP_SYSCALL_INOTIFY_INIT1_X:
		plain_fd(im, s, HC_FD_INOTIFY, -1);
		break;
	case HC_SCAP_SYSCALL_EPOLL_CREATE_X:
	case HC_SCAP_SYSCALL_EPOLL_CREATE1_X:
		plain_fd(im, s, HC_FD_EVENTPOLL, -1);
		break;
	case HC_SCAP_SYSCALL_BPF_2_X:
		plain_fd(im, s, HC_FD_BPF_MAP, -1);
		break;
	case HC_SCAP_SYSCALL_USERFAULTFD_X:
		plain_fd(im, s, HC_FD_USERFAULTFD, -1);
		break;
	case HC_SCAP_SYSCALL_IO_URING_SETUP_X:
		plain_fd(im, s, HC_FD_IO_URING, -1);
		break;
	case HC_SCAP_SYSCALL_MEMFD_CREATE_X:
		plain_fd(im, s, HC_FD_MEMFD, 1);
		break;
	case HC_SCAP_SYSCALL_PIDFD_OPEN_X:
		plain_fd(im, s, HC_FD_PIDFD, -1);
		break;
	default:
		break;
	}
}

/* What was still to be seen by the event that ended it. */
static void remove_gone(struct hc_scap_import *im, uint64_t now_ns)
{
	struct sthr *k;

	if (im->gone_tid >= 0 && (k = scap_thread(im, im->gone_tid)) != NULL) {
		*gone_at(im, k->tid, k->ptid) = (struct sgone){ k->tid, k->ptid, now_ns };
		thread_end(im, k);
	}
	if (im->closed_tid >= 0 && (k = scap_thread(im, im->closed_tid)) != NULL)
		fd_drop(im, k, im->closed_fd);
	im->gone_tid = im->closed_tid = -1;
}

void scap_apply(struct hc_scap_import *im, struct sevent *s)
{
	const struct hc_scap_event *e = s->e;
	uint32_t flags = e->info->flags;
	bool looks = e->code == HC_SCAP_SCHEDSWITCH_6_E || e->code == HC_SCAP_PROCEXIT_1_E;

	if (im->gone_tid >= 0 || im->closed_tid >= 0)
		remove_gone(im, e->ts_ns);
	s->fd_num = -1;
	im->busy = NULL;
	if (flags & (HC_SCAP_F_METAEVENT | HC_SCAP_F_PLUGIN)) {
		if (scap_tells_of_user(e->code))
			on_user(im, e);
		if (e->code == HC_SCAP_CONTAINER_JSON_2_E)
			on_container(im, s, hc_scap_param(e, 0), false);
		if (e->code == HC_SCAP_ASYNCEVENT_E)
			on_async(im, s);
		if (e->code == HC_SCAP_PROCINFO_E)
			s->k = scap_thread(im, e->tid); /* it is about one, and changes nothing */
		if (s->k)
			s->before = REF(scap_refresh(im, s->k));
		return;
	}
	s->k = scap_thread(im, e->tid);
	if (!s->k && !looks)
		s->k = thread_invalid(im, e->tid);
	if (!s->k)
		return;
	im->busy = s->k;
	s->before = REF(scap_refresh(im, s->k));
	if (flags & HC_SCAP_F_USES && !e->enter) {
		s->fd_num = hc_scap_i64(e, fd_position(e->code), -1);
		s->fd = REF(scap_fd(im, s->k, s->fd_num));
	}
	if (e->enter) {
		enter_keep(im, s->k, e);
		return;
	}
	switch (e->code) {
	case HC_SCAP_SYSCALL_EXECVE_19_X:
	case HC_SCAP_SYSCALL_EXECVEAT_X:
		on_exec(im, s);
		break;
	case HC_SCAP_SYSCALL_CLONE_20_X:
	case HC_SCAP_SYSCALL_FORK_20_X:
	case HC_SCAP_SYSCALL_VFORK_20_X:
	case HC_SCAP_SYSCALL_CLONE3_X:
		on_clone(im, s);
		break;
	case HC_SCAP_PROCEXIT_1_E:
		on_procexit(im, s);
		break;
	case HC_SCAP_SCHEDSWITCH_6_E:
		mem_of_switch(im, s->k, e);
		break;
	default:
		on_descriptor(im, s);
		on_change(im, s, hc_scap_i64(e, 0, -1) >= 0);
	}
	scap_refresh(im, s->k);
	if (s->after) {
		ver_unref(im->t, s->after);
		s->after = REF(s->k->cur);
	}
}

void scap_event_done(struct hc_scap_import *im, struct sevent *s)
{
	ver_unref(im->t, s->before);
	ver_unref(im->t, s->after);
	fd_unref(im->t, s->fd);
	fd_unref(im->t, s->newfd);
	fd_unref(im->t, s->fd_after);
	sock_unref(im->t, s->sock_after);
}
