/* Threads and processes of a scap file, by the reference implementation's rules: a thread by its number, a version
 * of its process for each state, parents and leaders, who has gone. And the beginnings of calls, kept until their
 * ends. */
#include "scap_state.h"

#include <stdlib.h>
#include <string.h>

struct sthr *scap_thread(struct hc_scap_import *im, int64_t tid)
{
	struct sthr *k;

	if (im->found && im->found->tid == tid)
		return im->found;
	TABLE_EACH(&im->threads, scap_hash(im, tid), at, k)
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

static struct sgroup *group_find(struct hc_scap_import *im, int64_t pid)
{
	struct sgroup *g;

	TABLE_EACH(&im->groups, scap_hash(im, pid), at, g)
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
	table_remove(&im->groups, scap_hash(im, g->pid), g);
	free(g);
}

void scap_group_join(struct hc_scap_import *im, struct sthr *k)
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
		if (!table_add(&im->groups, scap_hash(im, g->pid), g)) {
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

/* Those of calls whose ends ask for them: of what scap_enter() is called for. */
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

void scap_enter_keep(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e)
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

const struct senter *scap_enter(const struct sevent *s)
{
	const struct senter *in = s->k->enter;

	if (!in || (in->code != s->e->code - 1 &&
	            (s->e->code != HC_SCAP_SYSCALL_EXECVE_19_X || in->code != HC_SCAP_SYSCALL_EXECVEAT_E)))
		return NULL;
	return in;
}

struct hc_str scap_enter_text(const struct senter *in, unsigned i)
{
	struct hc_str s = in->param[i];

	return s.len ? (struct hc_str){ s.p, (uint32_t)strnlen(s.p, s.len) } : (struct hc_str){ 0 };
}

uint64_t scap_enter_num(const struct senter *in, unsigned i, uint64_t none)
{
	uint64_t v = 0;

	if (!in->param[i].len)
		return none;
	memcpy(&v, in->param[i].p, in->param[i].len < sizeof(v) ? in->param[i].len : sizeof(v));
	return le64toh(v);
}

static uint32_t *children_of(struct hc_scap_import *im, int64_t tid)
{
	return &im->n_children[scap_hash(im, tid) % SCAP_N_PARENTS];
}

void scap_set_parent(struct hc_scap_import *im, struct sthr *k, int64_t ptid)
{
	if (k->ptid > 0)
		--*children_of(im, k->ptid);
	k->ptid = ptid;
	if (ptid > 0)
		++*children_of(im, ptid);
}

void scap_thread_free(struct hc_scap_import *im, struct sthr *k)
{
	scap_set_parent(im, k, -1);
	enter_drop(im, k);
	group_leave(im, k);
	scap_fds_clear(im, &k->fds);
	ver_unref(im->t, k->cur);
	free(k);
}

struct tver *scap_version_new(struct hc_scap_import *im, int64_t pid)
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

struct tver *scap_version_next(struct hc_scap_import *im, struct sthr *k, uint8_t cause, uint64_t ns)
{
	struct tver *v = k->cur ? ver_copy(im->t, k->cur) : scap_version_new(im, k->pid);

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

struct sthr *scap_thread_new(struct hc_scap_import *im, int64_t tid)
{
	struct sthr *k;

	if (im->threads.n >= SCAP_MAX_THREADS)
		return NULL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->tid = tid;
	k->pid = k->ptid = k->vtid = k->vpid = -1;
	if (!table_add(&im->threads, scap_hash(im, tid), k)) {
		free(k);
		return NULL;
	}
	im->tree_gen++;
	return k;
}

void scap_thread_remove(struct hc_scap_import *im, struct sthr *k)
{
	table_remove(&im->threads, scap_hash(im, k->tid), k);
	im->found = NULL;
	im->tree_gen++;
	scap_thread_free(im, k);
}

bool scap_in_pidns(const struct sthr *k)
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

	for (unsigned i = 0; !found && up && i < SCAP_MAX_DEPTH && scap_in_pidns(up) == scap_in_pidns(k); i++) {
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
			scap_set_parent(im, c, to ? to->tid : 0);
	}
	im->tree_gen++;
}

void scap_thread_end(struct hc_scap_import *im, struct sthr *k)
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
			scap_thread_remove(im, leader);
		scap_thread_remove(im, k);
	} else if (k != leader) {
		scap_thread_remove(im, k);
	}
}

struct sgone *scap_gone_at(struct hc_scap_import *im, int64_t tid, int64_t ptid)
{
	return &im->gone[scap_hash(im, (int64_t)((uint64_t)tid ^ (uint64_t)ptid << 32)) % SCAP_N_GONE];
}

bool scap_gone_lately(struct hc_scap_import *im, int64_t tid, int64_t ptid, uint64_t now_ns)
{
	const struct sgone *g = scap_gone_at(im, tid, ptid);

	return g->tid == tid && g->ptid == ptid && g->ns && now_ns >= g->ns &&
	       now_ns - g->ns < UINT64_C(2000000000);
}

struct sthr *scap_thread_invalid(struct hc_scap_import *im, int64_t tid)
{
	struct sthr *k = scap_thread_new(im, tid);
	struct timage *i = image_new(im->t);
	struct tver *v;

	if (!k || !i) {
		image_unref(im->t, i);
		return k;
	}
	i->argc = i->envc = UINT32_MAX;
	i->argv = lst_of_block(im->t, "<NA>", 5);
	k->invalid = true;
	v = k->cur = scap_version_new(im, UINT32_MAX);
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
