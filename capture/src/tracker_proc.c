/*
 * Processes, their versions, and threads.
 *
 * A version is what a process is for a while. Exec and reparenting give new versions to all living descendants:
 * that is done when a descendant is next looked at. Each version has a `lineage`, another one after each such
 * event, and remembers its parent's; `tree_gen` counts these events, so that most looks cost one comparison.
 */
#include "tracker_priv.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#define MAX_SHARED_DIRS 64u /* processes: a change concerns them all */

static uint64_t proc_hash(struct hc_tracker *t, uint32_t tgid)
{
	return hash_u64(t->seed.a, tgid);
}

static uint64_t task_hash(struct hc_tracker *t, uint32_t tid)
{
	return hash_u64(t->seed.b, tid);
}

struct tproc *proc_find(struct hc_tracker *t, uint32_t tgid, uint64_t start_ns)
{
	struct tproc *p, *best = NULL;

	TABLE_EACH(&t->procs, proc_hash(t, tgid), at, p)
	{
		if (p->tgid != tgid)
			continue;
		if (start_ns ? p->start_ns == start_ns : !p->dead_ns)
			return p;
		/* none alive: the one that died last */
		if (!start_ns && (!best || p->dead_ns > best->dead_ns))
			best = p;
	}
	return best;
}

struct ttask *task_find(struct hc_tracker *t, uint32_t tid)
{
	struct ttask *k;

	TABLE_EACH(&t->tasks, task_hash(t, tid), at, k)
	{
		if (k->tid == tid) {
			t->near_task[tid % N_NEAR] = k;
			return k;
		}
	}
	return NULL;
}

void task_drop(struct hc_tracker *t, struct ttask *k)
{
	table_remove(&t->tasks, task_hash(t, k->tid), k);
	if (t->near_task[k->tid % N_NEAR] == k)
		t->near_task[k->tid % N_NEAR] = NULL;
	if (k->prev)
		k->prev->next = k->next;
	else
		k->proc->tasks = k->next;
	if (k->next)
		k->next->prev = k->prev;
	k->proc->n_tasks--;
	ver_unref(t, k->own);
	ver_unref(t, k->pre_name);
	free(k);
}

struct ttask *task_add(struct hc_tracker *t, struct tproc *p, uint32_t tid)
{
	struct ttask *k = task_find(t, tid);

	if (k) {
		if (k->proc == p)
			return k;
		task_drop(t, k); /* the number of a thread that ended unseen */
	}
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->tid = tid;
	k->proc = p;
	if (tid == p->tgid) {
		k->start_ns = p->start_ns;
		k->vtid = p->cur->n_vpids ? p->cur->vpids[p->cur->n_vpids - 1] : 0;
	}
	if (!table_add(&t->tasks, task_hash(t, tid), k)) {
		free(k);
		return NULL;
	}
	k->next = p->tasks;
	if (k->next)
		k->next->prev = k;
	p->tasks = k;
	p->n_tasks++;
	return k;
}

/* ---- the tree ---- */

static void set_parent(struct tproc *p, struct tproc *parent)
{
	if (parent == p || p->parent == parent)
		return;
	for (struct tproc *up = parent; up; up = up->parent)
		if (up == p)
			return; /* what says so is wrong: a tree has no circle */
	if (p->parent) {
		if (p->prev)
			p->prev->next = p->next;
		else
			p->parent->child = p->next;
		if (p->next)
			p->next->prev = p->prev;
		p->parent->n_children--;
	}
	p->parent = parent;
	p->prev = p->next = NULL;
	if (!parent)
		return;
	p->next = parent->child;
	if (p->next)
		p->next->prev = p;
	parent->child = p;
	parent->n_children++;
}

static struct tproc *proc_new(struct hc_tracker *t, uint32_t tgid, uint64_t start_ns)
{
	struct tproc *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tgid = tgid;
	p->start_ns = start_ns;
	p->heard_ns = t->now_ns;
	p->cur = ver_new(t);
	if (!p->cur || !table_add(&t->procs, proc_hash(t, tgid), p)) {
		ver_unref(t, p->cur);
		free(p);
		return NULL;
	}
	p->cur->pid = tgid;
	p->cur->start_ns = start_ns;
	p->cur->version = p->next_version = 1;
	p->cur->lineage = ++t->next_lineage;
	p->cur->from_ns = p->cur->lineage_ns = t->now_ns;
	return p;
}

static void vpid_forget(struct hc_tracker *t, struct tproc *p)
{
	if (p->vpid_hash)
		table_remove(&t->by_vpid, p->vpid_hash, p);
	p->vpid_hash = 0;
}

/* Processes below the initial pid namespace are found by their own numbers too. */
static void vpid_note(struct hc_tracker *t, struct tproc *p)
{
	const struct tver *v = p->cur;

	vpid_forget(t, p);
	if (v->n_vpids < 2 || !v->ns.pid)
		return;
	p->vpid_hash = hash_u64(hash_u64(t->seed.a, v->ns.pid), v->vpids[v->n_vpids - 1]) | 1;
	if (!table_add(&t->by_vpid, p->vpid_hash, p))
		p->vpid_hash = 0;
}

struct tproc *proc_by_number(struct hc_tracker *t, const struct tver *v, int64_t n)
{
	struct tproc *p;
	struct ttask *k;

	if (n <= 0 || n > UINT32_MAX)
		return NULL;
	if (v->n_vpids >= 2 && v->ns.pid) {
		TABLE_EACH(&t->by_vpid, hash_u64(hash_u64(t->seed.a, v->ns.pid), (uint64_t)n) | 1, at, p)
		{
			const struct tver *o = p->cur;

			if (!p->dead_ns && o->ns.pid == v->ns.pid && o->vpids[o->n_vpids - 1] == (uint64_t)n)
				return p;
		}
		return NULL;
	}
	p = proc_find(t, (uint32_t)n, 0);
	if (p)
		return p;
	k = task_find(t, (uint32_t)n);
	return k ? k->proc : NULL;
}

/* ---- what hangs on the fields ---- */

/* At the start versions are completed in place: they refer to older processes only, or they might form a circle.
 */
static bool may_refer(const struct hc_tracker *t, const struct tproc *p, const struct tproc *to)
{
	return !t->in_snapshot || to->start_ns < p->start_ns ||
	       (to->start_ns == p->start_ns && to->tgid < p->tgid);
}

static struct tproc *leader_ok(struct hc_tracker *t, const struct tproc *p, struct tproc *l)
{
	return l && l != p && may_refer(t, p, l) ? l : NULL;
}

void ver_leaders(struct hc_tracker *t, struct tproc *p, struct tver *v)
{
	struct tproc *l, *up;

	if (!(v->has & HAS_IDS))
		return;
	ver_unref(t, v->sid_leader);
	ver_unref(t, v->pgid_leader);
	ver_unref(t, v->vpgid_leader);
	v->sid_leader = v->pgid_leader = v->vpgid_leader = NULL;
	/* the leader, else the oldest in an unbroken line of ancestors with the same number; a leader of itself is
	 * not referred to: an entry cannot contain itself */
	if (v->sid && v->sid != v->pid) {
		l = proc_find(t, v->sid, 0);
		if (!l || l->dead_ns) {
			l = NULL;
			for (up = p->parent; up && up->cur->has & HAS_IDS && up->cur->sid == v->sid;
			     up = up->parent)
				l = up;
		}
		l = leader_ok(t, p, l);
		v->sid_leader = l ? REF(l->cur) : NULL;
	}
	if (v->pgid && v->pgid != v->pid) {
		l = proc_find(t, v->pgid, 0);
		if (!l || l->dead_ns) {
			l = NULL;
			for (up = p->parent; up && up->cur->has & HAS_IDS && up->cur->pgid == v->pgid;
			     up = up->parent)
				l = up;
		}
		l = leader_ok(t, p, l);
		v->pgid_leader = l ? REF(l->cur) : NULL;
		v->vpgid_leader = REF(v->pgid_leader);
	}
}

void ver_users(struct hc_tracker *t, struct tver *v, uint32_t pid)
{
	(void)pid;
	user_unref(t, v->user);
	user_unref(t, v->login_user);
	user_unref(t, v->group);
	v->user = v->login_user = v->group = NULL;
	if (!(v->has & HAS_CREDS))
		return;
	v->user = user_find(t, v, v->creds.euid, false);
	v->group = user_find(t, v, v->creds.egid, true);
	if (v->has & HAS_LOGIN && v->creds.loginuid != UINT32_MAX)
		v->login_user = user_find(t, v, v->creds.loginuid, false);
}

static void ver_parent(struct hc_tracker *t, struct tproc *p, struct tver *v)
{
	/* one that it may not refer to yet is found missing, and put in, by the first refresh after the start */
	struct tver *parent = p->parent && may_refer(t, p, p->parent) ? REF(p->parent->cur) : NULL;

	ver_unref(t, v->parent);
	v->parent = parent;
	v->parent_lineage = parent ? parent->lineage : 0;
	if (p->parent)
		v->ppid = p->parent->tgid;
}

static void ver_phase(struct tver *v)
{
	v->ctr_phase = v->cgs && v->cgs->ctr ? v->cgs->ctr->phase : (uint8_t)CTR_NO_PHASE;
}

/* Its place in the tree of its pid namespace, as that of `from`, whom it comes from, lets one tell; NULL: that is
 * not known. */
static void ver_tree(struct hc_tracker *t, struct tver *v, const struct tver *from)
{
	bool nested = v->n_vpids > 1, first = v->n_vpids && v->vpids[v->n_vpids - 1] == 1;
	bool same = from && ((v->n_vpids == 1 && from->n_vpids == 1) ||
	                     (v->has & from->has & HAS_NS && from->ns.pid == v->ns.pid));
	const struct tproc *init;

	v->in_init_tree = first || (same && from->in_init_tree);
	v->has &= ~(uint32_t)HAS_TREE;
	if (v->n_vpids && (first || (same ? from->has & HAS_TREE : from || !v->ppid)))
		v->has |= HAS_TREE;
	if (v->has & HAS_IMPORTED)
		return; /* the source told it */
	v->pidns_ns = 0;
	if (!nested)
		return;
	init = first ? NULL : proc_by_number(t, v, 1);
	v->pidns_ns = first ? v->start_ns : init ? init->start_ns : same ? from->pidns_ns : 0;
}

/* The same for those that were there before the recording, whose ancestors may not have theirs yet. What stands in
 * the host's mount namespace, or descends from the first process of a pid namespace, has not come there from
 * elsewhere; of the others nobody tells. */
static void settle_tree(struct hc_tracker *t, struct tproc *p)
{
	struct tver *v = p->cur;
	struct tproc *chain[256];
	unsigned n = 0;
	bool on_host = false;

	for (struct tproc *up = p; up && n < 256 && (up == p || !(up->cur->has & HAS_TREE)); up = up->parent)
		chain[n++] = up;
	while (n) {
		const struct tproc *up = chain[--n]->parent;

		ver_tree(t, chain[n]->cur, up ? up->cur : NULL);
	}
	for (uint32_t pid = 1; pid <= 2; pid++) { /* the first process, which may not be readable, or kthreadd */
		const struct tproc *host = proc_find(t, pid, 0);

		on_host = on_host || (host && host->cur->has & v->has & HAS_NS && host->cur->ns.mnt == v->ns.mnt);
	}
	v->entered = on_host || (v->n_vpids > 1 && v->in_init_tree) ? NOT_ENTERED : ENTERED_UNKNOWN;
}

/* Puts a version in force. Takes the reference. */
static void proc_put(struct hc_tracker *t, struct tproc *p, struct tver *v)
{
	ver_unref(t, p->cur);
	p->cur = v;
}

static void refresh_one(struct hc_tracker *t, struct tproc *p)
{
	const struct tver *parent = p->parent ? p->parent->cur : NULL;
	struct tver *v;

	if (!parent || p->dead_ns || parent->lineage == p->cur->parent_lineage)
		return;
	v = ver_copy(t, p->cur);
	if (!v)
		return;
	v->version = ++p->next_version;
	v->cause = HC_CAUSE_PARENT;
	v->from_ns = parent->lineage_ns > v->from_ns ? parent->lineage_ns : v->from_ns;
	v->lineage = ++t->next_lineage;
	v->lineage_ns = v->from_ns;
	ver_phase(v);
	ver_parent(t, p, v);
	ver_leaders(t, p, v);
	proc_put(t, p, v);
}

void proc_refresh(struct hc_tracker *t, struct tproc *p)
{
	struct tproc *chain[256];
	unsigned n = 0;

	if (p->checked_gen == t->tree_gen)
		return;
	for (struct tproc *up = p; up && n < 256 && up->checked_gen != t->tree_gen; up = up->parent)
		chain[n++] = up;
	while (n) {
		refresh_one(t, chain[--n]);
		chain[n]->checked_gen = t->tree_gen;
	}
}

/* ---- processes without a birth ---- */

static void settle_version(struct hc_tracker *t, struct tproc *p)
{
	struct tver *v = p->cur;

	ver_parent(t, p, v);
	ver_leaders(t, p, v);
	ver_users(t, v, p->tgid);
	v->image_comm = v->image_comm ? v->image_comm : REF(v->comm);
	if (!v->cgs_exec)
		v->cgs_exec = REF(v->cgs);
	vpid_note(t, p);
	ver_phase(v);
	settle_tree(t, p);
}

static struct tproc *proc_unborn(struct hc_tracker *t, uint32_t tgid, uint64_t start_ns, unsigned depth)
{
	struct tproc *p = proc_new(t, tgid, start_ns), *parent;
	struct tver *v;

	if (!p)
		return NULL;
	t->stats.n_unborn += !t->in_snapshot;
	v = p->cur;
	v->cause = HC_CAUSE_START;
	v->flags = HC_PROC_SYNTH | HC_PROC_INCOMPLETE;
	v->fork_ns = start_ns;
	if (t->proc_fd >= 0 && tgid != t->opts.own_pid && t->proc_reads < MAX_PROC_READS) {
		t->proc_reads++;
		if (procfs_fill(t, tgid, start_ns, PROCFS_ALL, v))
			v->flags &= ~(uint32_t)HC_PROC_INCOMPLETE;
	}
	parent = v->ppid ? proc_find(t, v->ppid, 0) : NULL;
	if (!parent && v->ppid && depth < 32 && !(v->flags & HC_PROC_INCOMPLETE)) {
		struct tver probe = { 0 };

		/* its start is not known to the nanosecond: what /proc has, until a record tells better */
		if (procfs_fill(t, v->ppid, 0, PROCFS_IDENT, &probe))
			parent = proc_unborn(t, v->ppid, 0, depth + 1);
		txt_unref(t, probe.comm);
		lst_unref(t, probe.groups);
	}
	set_parent(p, parent);
	settle_version(t, p);
	p->excluded = proc_is_excluded(t, p->cur);
	p->checked_gen = t->tree_gen;
	return p;
}

struct tproc *proc_get(struct hc_tracker *t, uint32_t tgid, uint64_t start_ns)
{
	struct tproc *p = proc_find(t, tgid, start_ns);

	if (p || !start_ns)
		return p;
	/* made with an unknown start before: this is it */
	p = proc_find(t, tgid, 0);
	if (p && !p->start_ns && !p->dead_ns) {
		struct tver *v = ver_copy(t, p->cur);

		if (!v)
			return p;
		p->start_ns = start_ns;
		v->start_ns = v->fork_ns = start_ns;
		v->version = ++p->next_version;
		v->lineage = ++t->next_lineage;
		v->lineage_ns = t->now_ns;
		t->tree_gen++;
		proc_put(t, p, v);
		return p;
	}
	return proc_unborn(t, tgid, start_ns, 0);
}

static void drop_dead_namesake(struct hc_tracker *t, uint32_t tgid, uint64_t start_ns);

struct ttask *task_get(struct hc_tracker *t, uint32_t tid, uint32_t tgid, uint64_t start_ns)
{
	struct ttask *k = task_known(t, tid);
	struct tproc *p;

	if (k && k->proc->tgid == tgid && (k->proc->start_ns == start_ns || !start_ns))
		return k;
	drop_dead_namesake(t, tgid, start_ns);
	p = proc_get(t, tgid, start_ns);
	return p ? task_add(t, p, tid) : NULL;
}

/* ---- changes ---- */

bool edit_begin(struct hc_tracker *t, struct edit *e, struct tproc *p, struct ttask *k, uint8_t cause)
{
	e->proc = p;
	e->task = k;
	e->cause = cause;
	e->changed = false;
	e->thread_only = true;
	e->v = ver_copy(t, k && k->own ? k->own : p->cur);
	return e->v != NULL;
}

static bool same_creds(const struct hc_wire_creds *a, const struct hc_wire_creds *b)
{
	/* all but the key, and but the lengths of lists that not every fact brings */
	return a->uid == b->uid && a->gid == b->gid && a->suid == b->suid && a->sgid == b->sgid &&
	       a->euid == b->euid && a->egid == b->egid && a->fsuid == b->fsuid && a->fsgid == b->fsgid &&
	       a->cap_inheritable == b->cap_inheritable && a->cap_permitted == b->cap_permitted &&
	       a->cap_effective == b->cap_effective && a->cap_bset == b->cap_bset &&
	       a->cap_ambient == b->cap_ambient && a->securebits == b->securebits && a->userns == b->userns &&
	       a->userns_level == b->userns_level && a->loginuid == b->loginuid &&
	       a->session_id == b->session_id && a->seccomp == b->seccomp && a->no_new_privs == b->no_new_privs;
}

static bool set_txt(struct hc_tracker *t, struct txt **at, const char *p, size_t len)
{
	struct txt *s = txt_get(t, p, len);

	if (*at == s) {
		txt_unref(t, s);
		return false;
	}
	txt_unref(t, *at);
	*at = s;
	return true;
}

static bool set_path(struct hc_tracker *t, struct tpath **at, struct tpath *p) /* takes p */
{
	bool same = !p || *at == p || (*at && (*at)->real == p->real && (*at)->flags == p->flags);

	if (!p || *at == p) {
		path_unref(t, p);
		return false;
	}
	path_unref(t, *at); /* the same name from a better source is no change, but it is taken */
	*at = p;
	return !same;
}

static void facts_creds(struct hc_tracker *t, struct edit *e, const struct wrec *r, unsigned subject)
{
	const struct hc_wire_creds *w = WREC_GET(r, HC_WIRE_F_CREDS, subject, struct hc_wire_creds);
	const struct wfact *g = wrec_fact(r, HC_WIRE_F_GROUPS, subject);
	struct tver *v = e->v;

	if (w) {
		bool same = v->has & HAS_CREDS && same_creds(&v->creds, w);

		if (!same) {
			v->creds = *w;
			v->has |= HAS_CREDS | HAS_LOGIN;
			e->changed = true;
			ver_users(t, v, e->proc->tgid);
		}
		if (w->dumpable && w->dumpable != v->dumpable) { /* a task that ends has no mm any more */
			v->dumpable = (uint8_t)w->dumpable;
			e->changed = true;
			/* all threads have the mm; credentials that change with it are this one's alone, and
			 * the others learn of it with theirs */
			e->thread_only &= !same;
		}
		if (!w->n_groups && v->groups && v->groups->n) { /* no list comes with none */
			lst_unref(t, v->groups);
			v->groups = NULL;
			e->changed = true;
		}
	}
	if (g) {
		uint32_t n = g->bytes / 4;
		bool same = v->groups && v->groups->n == n;

		for (uint32_t i = 0; same && i < n; i++)
			same = (uint32_t)v->groups->num[i] == ((const uint32_t *)g->p)[i];
		if (!same) {
			lst_unref(t, v->groups);
			v->groups = lst_of_u32(t, g->p, n);
			e->changed = true;
		}
	}
}

/* What a child's record tells of its parent. */
static void parent_reaps(struct hc_tracker *t, struct tproc *p, bool subreaper)
{
	struct edit e;

	if (p->cur->subreaper == subreaper || !edit_begin(t, &e, p, NULL, HC_CAUSE_PRCTL))
		return;
	e.v->subreaper = subreaper;
	e.changed = true;
	e.thread_only = false;
	edit_end(t, &e);
}

static void facts_task(struct hc_tracker *t, struct edit *e, const struct hc_wire_task *w)
{
	struct tproc *parent = e->proc->parent;
	struct tver *v = e->v;
	bool whole = false;

	if (parent && !parent->dead_ns && parent->tgid == w->ppid && parent->start_ns == w->parent_start_ns)
		parent_reaps(t, parent, w->flags & HC_WIRE_TASK_OF_SUBREAPER);
	if (set_txt(t, &v->comm, w->comm, strnlen(w->comm, sizeof(w->comm))))
		e->changed = true;
	if (!(v->has & HAS_IDS) || v->sid != w->sid || v->pgid != w->pgid || v->vsid != w->vsid ||
	    v->vpgid != w->vpgid || v->tty_nr != w->tty_nr ||
	    v->subreaper != !!(w->flags & HC_WIRE_TASK_SUBREAPER)) {
		bool ids = !(v->has & HAS_IDS) || v->sid != w->sid || v->pgid != w->pgid;

		v->sid = w->sid;
		v->pgid = w->pgid;
		v->vsid = w->vsid;
		v->vpgid = w->vpgid;
		v->tty_nr = w->tty_nr;
		v->subreaper = !!(w->flags & HC_WIRE_TASK_SUBREAPER);
		v->has |= HAS_IDS;
		if (ids)
			ver_leaders(t, e->proc, v);
		whole = true;
	}
	if (!(v->has & HAS_NOFILE) || v->nofile != w->nofile) {
		v->nofile = w->nofile;
		v->has |= HAS_NOFILE;
		whole = true;
	}
	if (w->cgroup_id && v->cgroup_id != w->cgroup_id) {
		cgs_moved(t, v, w->tgid, w->cgroup_id, 0, (struct hc_str){ NULL, 0 });
		whole = true;
	}
	if (!v->n_vpids && w->n_levels && w->n_levels <= HC_WIRE_MAX_NSPIDS) {
		v->n_vpids = (uint8_t)w->n_levels;
		memcpy(v->vpids, w->vpid, sizeof(v->vpids));
		whole = true;
	}
	if (w->flags & HC_WIRE_TASK_KTHREAD && !(v->flags & HC_PROC_KTHREAD)) {
		v->flags |= HC_PROC_KTHREAD;
		whole = true;
	}
	if (whole) {
		e->changed = true;
		e->thread_only = false;
	}
}

void edit_facts(struct hc_tracker *t, struct edit *e, const struct wrec *r, unsigned subject)
{
	const struct hc_wire_ns *ns = WREC_GET(r, HC_WIRE_F_NS, subject, struct hc_wire_ns);
	const struct hc_wire_task *task = WREC_GET(r, HC_WIRE_F_TASK, subject, struct hc_wire_task);
	struct tver *v = e->v;
	/* what is there when recording begins has been made by nobody */
	bool moved = ns && ns->mnt != v->ns.mnt && !(r->head->flags & HC_WIRE_SNAPSHOT);

	facts_creds(t, e, r, subject);
	if (moved)
		mnt_ns_changed(t, ns->mnt);
	if (ns && (!(v->has & HAS_NS) || memcmp(&v->ns, ns, sizeof(*ns)) != 0)) {
		v->ns = *ns;
		v->has |= HAS_NS;
		e->changed = true;
	}
	if (task)
		facts_task(t, e, task);
	if (subject == HC_WIRE_SUBJ_ROW && r->kinds >> HC_WIRE_F_PATH & 1) {
		if (set_path(t, &v->cwd, path_of_fact(t, wrec_fact(r, HC_WIRE_F_PATH, HC_WIRE_SUBJ_CWD)))) {
			e->changed = true;
			e->thread_only = false;
		}
		if (set_path(t, &v->root, path_of_fact(t, wrec_fact(r, HC_WIRE_F_PATH, HC_WIRE_SUBJ_ROOT)))) {
			e->changed = true;
			e->thread_only = false;
			moved = true;
		}
	}
	if (e->cause == HC_CAUSE_ROOT) { /* another one, even if it is called the same */
		mnt_ns_changed(t, v->ns.mnt);
		moved = true;
	}
	if (moved) {
		ver_users(t, v, e->proc->tgid);
		e->changed = true;
	}
}

static bool thread_same(const struct tver *a, const struct tver *b)
{
	return same_creds(&a->creds, &b->creds) && a->comm == b->comm &&
	       memcmp(&a->ns, &b->ns, sizeof(a->ns)) == 0 && a->cgroup_id == b->cgroup_id && a->cgs == b->cgs;
}

struct tver *edit_end(struct hc_tracker *t, struct edit *e)
{
	struct tproc *p = e->proc;
	struct ttask *k = e->task;
	struct tver *v = e->v;
	bool thread = k && e->thread_only && p->n_tasks > 1 && k->tid != p->tgid;

	if (!e->changed) {
		ver_unref(t, v);
		return k ? task_ver(k) : p->cur;
	}
	if (thread && thread_same(v, p->cur)) { /* it does as the others have done */
		ver_unref(t, v);
		ver_unref(t, k->own);
		k->own = NULL;
		return p->cur;
	}
	v->version = ++p->next_version;
	v->cause = e->cause;
	v->from_ns = t->now_ns;
	ver_phase(v);
	ver_parent(t, p, v);
	if (thread) {
		v->flags |= HC_PROC_THREAD;
		ver_unref(t, k->own);
		k->own = v;
		return v;
	}
	if (v->flags & HC_PROC_THREAD) { /* a fact of the whole process, told by a deviating thread */
		struct tver *old = p->cur;

		v->flags &= ~(uint32_t)HC_PROC_THREAD;
		v->creds = old->creds;
		v->ns = old->ns;
		txt_unref(t, v->comm);
		v->comm = REF(old->comm);
	}
	v->lineage = p->cur->lineage;
	v->lineage_ns = p->cur->lineage_ns;
	proc_put(t, p, v);
	if (k && k->own && k->own != v) {
		struct tver *own = ver_copy(t, v);

		if (own && !thread_same(k->own, v)) {
			own->creds = k->own->creds;
			own->ns = k->own->ns;
			txt_unref(t, own->comm);
			own->comm = REF(k->own->comm);
			own->flags |= HC_PROC_THREAD;
			own->version = ++p->next_version;
		} else {
			ver_unref(t, own);
			own = NULL;
		}
		ver_unref(t, k->own);
		k->own = own;
	}
	return k ? task_ver(k) : p->cur;
}

/* ---- fork ---- */

/* What stands behind a version are versions of processes long dead too: beyond a number of creators they are let
 * go, at one that is no living process's own. */
static void cut_creators(struct hc_tracker *t, struct tver *v)
{
	struct tver *at = v;

	if (v->dead_depth < MAX_CREATORS)
		return;
	for (unsigned n = 0; at->creator && n < 4 * MAX_CREATORS; n++, at = at->creator) {
		const struct tproc *p = n >= MAX_CREATORS / 2 ? proc_find(t, at->pid, at->start_ns) : NULL;

		if (n < MAX_CREATORS / 2 || (p && !p->dead_ns && p->cur == at))
			continue;
		ver_unref(t, at->creator);
		ver_unref(t, at->parent);
		at->creator = at->parent = NULL;
		v->dead_depth = MAX_CREATORS / 2;
		return;
	}
}

static void child_facts(struct hc_tracker *t, struct tproc *p, const struct wrec *r, unsigned subject)
{
	struct edit e;

	if (!edit_begin(t, &e, p, NULL, p->cur->cause))
		return;
	edit_facts(t, &e, r, subject);
	if (!e.changed) {
		ver_unref(t, e.v);
		return;
	}
	e.v->parent_lineage = p->cur->parent_lineage; /* nobody has seen the version: it is simply corrected */
	proc_put(t, p, e.v);
}

static uint64_t fork_flags(const struct wrec *r)
{
	uint64_t flags = r->n_slots > HC_A_PROC_FORK_clone_flags ? r->slot[HC_A_PROC_FORK_clone_flags] : 0;

	return flags == HC_WIRE_ABSENT ? 0 : flags;
}

/* Both have one cwd and one root from now on. Of who shares them since before the recording nobody tells. */
static void fork_dirs(const struct wrec *r, struct tproc *creator, struct tproc *child)
{
	unsigned n = 1;

	if (!(fork_flags(r) & CLONE_FS) || child == creator || child->dirs_next)
		return;
	for (struct tproc *q = creator->dirs_next; q && q != creator; q = q->dirs_next)
		n++;
	if (n >= MAX_SHARED_DIRS)
		return;
	if (!creator->dirs_next)
		creator->dirs_next = creator->dirs_prev = creator;
	child->dirs_prev = creator;
	child->dirs_next = creator->dirs_next;
	child->dirs_next->dirs_prev = child;
	creator->dirs_next = child;
}

void proc_own_dirs(struct tproc *p)
{
	struct tproc *next = p->dirs_next;

	if (!next)
		return;
	next->dirs_prev = p->dirs_prev;
	p->dirs_prev->dirs_next = next;
	if (next->dirs_next == next)
		next->dirs_next = next->dirs_prev = NULL;
	p->dirs_next = p->dirs_prev = NULL;
}

void proc_share_dirs(struct hc_tracker *t, struct tproc *p)
{
	struct edit e;

	for (struct tproc *q = p->dirs_next; q && q != p; q = q->dirs_next) {
		if (!edit_begin(t, &e, q, NULL, p->cur->cause))
			return;
		if (set_path(t, &e.v->cwd, REF(p->cur->cwd)))
			e.changed = true;
		if (set_path(t, &e.v->root, REF(p->cur->root)))
			e.changed = true;
		e.thread_only = false;
		edit_end(t, &e);
	}
}

static struct tproc *fork_process(struct hc_tracker *t, const struct wrec *r, const struct hc_wire_task *w,
                                  struct ttask *caller)
{
	struct tver *from = task_ver(caller), *v;
	struct tproc *p = proc_find(t, w->tgid, w->leader_start_ns), *parent;

	parent = w->ppid ? proc_find(t, w->ppid, w->parent_start_ns) : NULL;
	if (!parent)
		parent = caller->proc;
	if (p) { /* the snapshot was faster; now its creator is known too */
		v = ver_copy(t, p->cur);
		if (!v)
			return p;
		if (!v->creator && may_refer(t, p, caller->proc))
			v->creator = REF1(from);
		v->parent_image = v->parent_image ? v->parent_image : REF(from->image);
		v->version = ++p->next_version;
		set_parent(p, parent);
		ver_parent(t, p, v);
		proc_put(t, p, v);
		fork_dirs(r, caller->proc, p);
		return p;
	}
	p = proc_new(t, w->tgid, w->leader_start_ns);
	v = p ? ver_copy(t, from) : NULL;
	if (!v)
		return p;
	v->version = 1;
	v->pid = w->tgid;
	v->start_ns = w->leader_start_ns;
	v->fork_ns = v->from_ns = v->lineage_ns = t->now_ns;
	v->cause = HC_CAUSE_FORK;
	v->lineage = p->cur->lineage;
	v->flags &= HC_PROC_KTHREAD;
	v->dead_depth = from->dead_depth < 255 ? (uint8_t)(from->dead_depth + 1) : 255;
	ver_unref(t, v->creator);
	v->creator = may_refer(t, p, caller->proc) ? REF1(from) : NULL;
	cut_creators(t, v);
	image_unref(t, v->parent_image);
	v->parent_image = REF(from->image);
	txt_unref(t, v->image_comm);
	v->image_comm = REF(v->comm);
	cgs_unref(t, v->cgs_exec);
	v->cgs_exec = REF(v->cgs);
	v->n_vpids = 0;
	set_parent(p, parent);
	ver_parent(t, p, v);
	proc_put(t, p, v);
	p->exec_id = w->exec_id;
	p->exec_known = true;
	p->checked_gen = t->tree_gen;
	p->excluded = caller->proc->excluded;
	p->io_worker = !!(w->flags & HC_WIRE_TASK_IO_WORKER);
	fork_dirs(r, caller->proc, p);
	child_facts(t, p, r, HC_WIRE_SUBJ_TARGET);
	/* Born into a group of the unified hierarchy: where that is not the one whose ids records have, /proc
	 * knows. */
	if (fork_flags(r) & CLONE_INTO_CGROUP && t->group_hier != 0)
		cgs_moved(t, p->cur, p->tgid, 0, 0, (struct hc_str){ NULL, 0 });
	if (p->cur->cgs != from->cgs) /* born into another group */
		p->excluded = proc_is_excluded(t, p->cur);
	ver_leaders(t, p, p->cur);
	ver_phase(p->cur);
	vpid_note(t, p);
	ver_tree(t, p->cur, from);
	if (p->cur->ns.mnt != from->ns.mnt) /* made for it */
		p->cur->entered = NOT_ENTERED;
	return p;
}

struct tproc *proc_fork(struct hc_tracker *t, const struct wrec *r, struct ttask *caller)
{
	const struct hc_wire_task *w = WREC_GET(r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_TARGET, struct hc_wire_task);
	struct tproc *p;
	struct ttask *k;

	if (!w || !caller || !w->tgid || !w->tid || w->tid == caller->tid)
		return NULL; /* nobody is their own child: the number would be taken from who is forking */
	drop_dead_namesake(t, w->tgid, w->leader_start_ns);
	if (w->tgid == caller->proc->tgid && w->tid != w->tgid)
		p = caller->proc;
	else if (w->tid != w->tgid)
		p = proc_get(t, w->tgid, w->leader_start_ns);
	else
		p = fork_process(t, r, w, caller);
	k = p ? task_add(t, p, w->tid) : NULL;
	if (!k)
		return p;
	k->start_ns = w->start_ns;
	k->vtid = w->n_levels && w->n_levels <= HC_WIRE_MAX_NSPIDS ? w->vtid[w->n_levels - 1] : 0;
	if (p == caller->proc && caller->own && !k->own) { /* a thread begins as its creator is */
		k->own = ver_copy(t, caller->own);
		if (k->own)
			k->own->version = ++p->next_version;
	}
	return p;
}

/* ---- exec ---- */

static void cut_images(struct hc_tracker *t, struct timage *i)
{
	struct timage *at = i;

	if (i->depth < MAX_IMAGES)
		return;
	for (unsigned n = 0; n < MAX_IMAGES / 2 && at->prev; n++)
		at = at->prev;
	image_unref(t, at->prev);
	at->prev = NULL;
	i->depth = MAX_IMAGES / 2;
}

static const struct wfact *fact_any(const struct wrec *r, unsigned kind, unsigned subject)
{
	const struct wfact *f = wrec_fact(r, kind, subject);

	return f ? f : wrec_fact_of_kind(r, kind);
}

static struct timage *image_of_exec(struct hc_tracker *t, const struct wrec *r, struct tver *v)
{
	const struct wfact *argv = fact_any(r, HC_WIRE_F_ARGV, HC_WIRE_SUBJ_ROW);
	const struct wfact *env = fact_any(r, HC_WIRE_F_ENV, HC_WIRE_SUBJ_ROW);
	const struct wfact *exe = wrec_fact(r, HC_WIRE_F_PATH, HC_WIRE_SUBJ_EXE);
	const struct hc_wire_file *file = WREC_GET(r, HC_WIRE_F_FILE, HC_WIRE_SUBJ_EXE, struct hc_wire_file);
	const struct hc_wire_cut *cut = WREC_GET(r, HC_WIRE_F_CUT, HC_WIRE_SUBJ_ROW, struct hc_wire_cut);
	struct hc_str filename = wrec_str(r, HC_A_PROC_EXEC_filename), interp = wrec_str(r, HC_A_PROC_EXEC_interp);
	struct timage *i = image_new(t);

	if (!i)
		return NULL;
	i->exec_ns = t->now_ns;
	i->has_exec_ns = i->has_flags = true;
	i->exec_seq = r->head->exec_id;
	i->what = v->flags & HC_PROC_KTHREAD ? 2 : 0; /* a kernel thread that runs a program: a helper */
	i->exe = path_of_fact(t, exe);
	if (file)
		i->exe_file = file_get(t, file);
	i->filename = path_get(t, &(struct path_ask){ .given = filename, .base = v->cwd ? v->cwd->real : NULL });
	if (interp.p && !hc_str_eq(interp, filename)) {
		i->interp = txt_get(t, interp.p, interp.len);
		i->script = REF(i->filename); /* a #! file: what was named is not what runs */
	}
	i->argc = r->n_slots > HC_A_PROC_EXEC_argc ? (uint32_t)r->slot[HC_A_PROC_EXEC_argc] : UINT32_MAX;
	i->envc = r->n_slots > HC_A_PROC_EXEC_envc ? (uint32_t)r->slot[HC_A_PROC_EXEC_envc] : UINT32_MAX;
	i->argv_bytes = cut ? cut->argv : 0;
	i->env_bytes = cut ? cut->env : 0;
	if (argv)
		i->argv = lst_masked(t, v, i, HC_MASK_ARGS, HC_EV_PROC_EXEC, "argv", argv->p, argv->bytes);
	if (env)
		i->env = lst_masked(t, v, i, HC_MASK_ENV, HC_EV_PROC_EXEC, "env", env->p, env->bytes);
	if (r->n_slots > HC_A_PROC_EXEC_is_secure && r->slot[HC_A_PROC_EXEC_is_secure] == 1)
		i->flags |= HC_IMAGE_SECURE;
	if (file) {
		const struct hc_wire_creds *c =
			WREC_GET(r, HC_WIRE_F_CREDS, HC_WIRE_SUBJ_ROW, struct hc_wire_creds);
		bool memfd = exe && exe->bytes >= sizeof(struct hc_wire_path) &&
		             ((const struct hc_wire_path *)exe->p)->flags & HC_WIRE_PATH_NAME;
		unsigned w = 0;

		i->flags |= file->layer == HC_WIRE_LAYER_UPPER   ? HC_IMAGE_UPPER
		            : file->layer == HC_WIRE_LAYER_LOWER ? HC_IMAGE_LOWER
		                                                 : 0;
		i->flags |= file->mode & 04000 ? HC_IMAGE_SUID : 0;
		i->flags |= (file->mode & 02010) == 02010 ? HC_IMAGE_SGID : 0;
		i->flags |= memfd ? HC_IMAGE_MEMFD : 0;
		i->flags |= i->exe && i->exe->flags & HC_PATH_DELETED && !memfd ? HC_IMAGE_DELETED : 0;
		if (c) { /* may the new credentials write it: permission bits, or the capability that overrides
			    them */
			w = c->fsuid == file->uid ? file->mode >> 7 & 1 : file->mode >> 1 & 1;
			if (c->fsuid != file->uid && c->fsgid == file->gid)
				w = file->mode >> 4 & 1;
			w |= c->cap_effective >> 1 & 1;
			if (file->sb_flags & 1 || file->mnt_flags & 0x40)
				w = 0;
		}
		i->flags |= w ? HC_IMAGE_WRITABLE : 0;
	}
	for (unsigned n = 0; n < 3; n++)
		i->std[n] = REF(fd_see(t, r, HC_WIRE_SUBJ_STDIN - n, NULL, v, NULL));
	i->prev = REF(v->image);
	i->depth = v->image && v->image->depth < 255 ? v->image->depth + 1 : 1;
	cut_images(t, i);
	return i;
}

void proc_exec(struct hc_tracker *t, const struct wrec *r, struct ttask *k)
{
	struct tproc *p = k->proc;
	struct tver *v;
	struct edit e;
	uint32_t old_tid =
		r->n_slots > HC_A_PROC_EXEC_old_tid ? (uint32_t)r->slot[HC_A_PROC_EXEC_old_tid] : k->tid;
	const struct hc_wire_task *w;

	if (old_tid != k->tid) { /* a thread did it, and is the leader now: what it was stays with it */
		struct ttask *old = task_find(t, old_tid);

		if (old && old->proc == p) {
			ver_unref(t, k->own);
			k->own = REF(old->own);
			task_drop(t, old);
		}
	}
	for (struct ttask *o = p->tasks, *next; o; o = next) { /* all other threads are gone */
		next = o->next;
		if (o != k)
			task_drop(t, o);
	}
	if (!edit_begin(t, &e, p, k, HC_CAUSE_EXEC))
		return;
	e.changed = true;
	e.thread_only = false;
	v = e.v;
	v->flags &= ~(uint32_t)(HC_PROC_THREAD | HC_PROC_INCOMPLETE);
	/* the working directory first: the program's name may be relative to it */
	edit_facts(t, &e, r, HC_WIRE_SUBJ_ROW);
	w = WREC_GET(r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, struct hc_wire_task);
	{
		struct timage *i = image_of_exec(t, r, v);

		if (i) {
			image_unref(t, v->parent_image);
			v->parent_image = REF(v->image); /* the own image before */
			image_unref(t, v->image);
			v->image = i;
			exe_see(t, v);
		}
	}
	v->flags &= ~(uint32_t)HC_PROC_KTHREAD;
	txt_unref(t, v->image_comm);
	v->image_comm = REF(v->comm);
	if (v->image && w)
		v->image->comm = REF(v->comm);
	cgs_unref(t, v->cgs_exec);
	v->cgs_exec = REF(v->cgs);
	ver_unref(t, k->own);
	k->own = NULL;
	v->version = ++p->next_version;
	v->cause = HC_CAUSE_EXEC;
	v->from_ns = v->lineage_ns = t->now_ns;
	v->lineage = ++t->next_lineage;
	if (v->cgs && v->cgs->ctr && v->cgs->ctr->phase == CTR_CREATED && p->parent &&
	    v->has & p->parent->cur->has & HAS_NS && v->ns.mnt != p->parent->cur->ns.mnt)
		v->cgs->ctr->phase = CTR_STARTED;
	ver_phase(v);
	ver_parent(t, p, v);
	ver_leaders(t, p, v);
	if (!v->user)
		ver_users(t, v, p->tgid);
	if (p->n_children)
		t->tree_gen++;
	proc_put(t, p, v);
	p->checked_gen = t->tree_gen;
	p->exec_id = r->head->exec_id;
	p->exec_known = true;
	p->excluded = proc_is_excluded(t, v);
	vpid_note(t, p);
}

/* ---- exit ---- */

/* Who takes the children of a process that is gone: the nearest ancestor that asked for it, else the first process
 * of its pid namespace. */
static struct tproc *reaper_of(struct hc_tracker *t, struct tproc *p)
{
	uint32_t ns = p->cur->has & HAS_NS ? p->cur->ns.pid : 0;
	struct tproc *up, *init = NULL;

	for (up = p->parent; up; up = up->parent) {
		if (up->dead_ns)
			continue;
		if (ns && up->cur->has & HAS_NS && up->cur->ns.pid != ns)
			break; /* nobody outside of the pid namespace */
		if (up->cur->subreaper)
			return up;
		init = up;
	}
	if (init && init->cur->n_vpids && init->cur->vpids[init->cur->n_vpids - 1] == 1)
		return init;
	if (p->cur->n_vpids >= 2) {
		struct tver probe = { .n_vpids = 2 };

		probe.ns.pid = ns;
		init = proc_by_number(t, &probe, 1);
	} else {
		init = proc_find(t, 1, 0);
	}
	return init != p ? init : NULL; /* with the first one all others of its pid namespace end */
}

static void proc_dies(struct hc_tracker *t, struct tproc *p, struct tproc *reaper)
{
	struct tproc *c;

	p->dead_ns = t->now_ns ? t->now_ns : 1;
	if (p->child)
		t->tree_gen++;
	while ((c = p->child) != NULL) {
		set_parent(c, reaper != c ? reaper : NULL);
		if (c->parent == p) /* could not: an orphan */
			set_parent(c, NULL);
	}
	vpid_forget(t, p);
	proc_own_dirs(p);
	p->dead_next = NULL;
	*t->dead_end = p;
	t->dead_end = &p->dead_next;
}

struct tproc *proc_exit(struct hc_tracker *t, const struct wrec *r, struct ttask *k)
{
	struct tproc *p = k->proc, *reaper;
	bool dead = r->n_slots > HC_A_PROC_EXIT_group_dead && r->slot[HC_A_PROC_EXIT_group_dead] == 1;

	if (!dead || p->dead_ns)
		return NULL;
	reaper = p->child ? reaper_of(t, p) : NULL;
	if (p->cur->n_vpids > 1 && p->cur->vpids[p->cur->n_vpids - 1] == 1)
		mnt_ns_changed(t, p->cur->ns.mnt); /* all its pid namespace ends with it: lets go of its root */
	proc_dies(t, p, reaper);
	return reaper;
}

static void proc_free(struct hc_tracker *t, struct tproc *p)
{
	for (struct ttask *k = p->tasks, *next; k; k = next) {
		next = k->next;
		task_drop(t, k);
	}
	while (p->child)
		set_parent(p->child, NULL);
	set_parent(p, NULL);
	vpid_forget(t, p);
	proc_own_dirs(p);
	table_remove(&t->procs, proc_hash(t, p->tgid), p);
	ver_unref(t, p->cur);
	free(p);
}

void proc_reap(struct hc_tracker *t, uint64_t before_ns)
{
	struct tproc *p;

	while ((p = t->dead) != NULL && p->dead_ns < before_ns) {
		t->dead = p->dead_next;
		if (!t->dead)
			t->dead_end = &t->dead;
		proc_free(t, p);
	}
}

/* Lets go of the creators and earlier programs that belong to no living process. */
static void forget_past(struct hc_tracker *t, struct tver *v)
{
	const struct tver *c = v->creator;
	const struct tproc *p = c ? proc_find(t, c->pid, c->start_ns) : NULL;

	if (c && !(p && !p->dead_ns && p->cur == c)) {
		ver_unref(t, v->creator);
		v->creator = NULL;
		v->dead_depth = 0;
	}
	if (v->image) {
		image_unref(t, v->image->prev);
		v->image->prev = NULL;
		v->image->depth = 0;
	}
	if (v->parent_image && !(v->parent && v->parent->image == v->parent_image)) {
		image_unref(t, v->parent_image);
		v->parent_image = NULL;
	}
}

void proc_forget_dead(struct hc_tracker *t)
{
	struct tproc *p;

	proc_reap(t, UINT64_MAX);
	TABLE_ALL(&t->procs, at, p)
	{
		proc_refresh(t, p);
		forget_past(t, p->cur);
		for (struct ttask *k = p->tasks; k; k = k->next) {
			ver_unref(t, k->pre_name);
			k->pre_name = NULL;
			if (k->own)
				forget_past(t, k->own);
		}
	}
}

void proc_evict(struct hc_tracker *t, struct tproc *p)
{
	for (struct tproc *c = p->child; c; c = c->next) { /* or it would be kept for as long as they are */
		ver_unref(t, c->cur->parent);
		c->cur->parent = NULL;
		c->cur->parent_lineage = 0;
	}
	proc_free(t, p);
	t->stats.n_evicted_procs++;
}

/* The number belongs to somebody else now: whoever had it is dead, seen or not. */
static void drop_dead_namesake(struct hc_tracker *t, uint32_t tgid, uint64_t start_ns)
{
	struct tproc *p = proc_find(t, tgid, 0);

	if (p && !p->dead_ns && p->start_ns && start_ns && p->start_ns < start_ns)
		proc_dies(t, p, p->child ? reaper_of(t, p) : NULL);
}

/* ---- the start ---- */

void proc_snapshot(struct hc_tracker *t, const struct wrec *r)
{
	const struct hc_wire_task *w = WREC_GET(r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_ROW, struct hc_wire_task);
	const struct hc_wire_file *exe = WREC_GET(r, HC_WIRE_F_FILE, HC_WIRE_SUBJ_EXE, struct hc_wire_file);
	struct tproc *p;
	struct ttask *k;

	if (!w || !w->tgid || !w->tid)
		return;
	p = proc_find(t, w->tgid, w->leader_start_ns);
	if (!p) {
		p = proc_new(t, w->tgid, w->leader_start_ns);
		if (!p)
			return;
		p->cur->cause = HC_CAUSE_START;
		p->cur->flags = HC_PROC_SYNTH;
		p->cur->fork_ns = w->leader_start_ns;
		p->cur->ppid = w->ppid;
	}
	if (w->tid == w->tgid && !p->seen_live) {
		struct tver *v;

		p->seen_live = true;
		child_facts(t, p, r, HC_WIRE_SUBJ_ROW);
		v = p->cur;
		v->ppid = w->ppid;
		v->n_vpids = 0;
		if (w->n_levels && w->n_levels <= HC_WIRE_MAX_NSPIDS) {
			v->n_vpids = (uint8_t)w->n_levels;
			memcpy(v->vpids, w->vpid, sizeof(v->vpids));
		}
		p->exec_id = w->exec_id;
		p->exec_known = true;
		p->io_worker = !!(w->flags & HC_WIRE_TASK_IO_WORKER);
		if (t->proc_fd >= 0 && !procfs_fill(t, w->tgid, w->leader_start_ns, PROCFS_ALL, v))
			v->flags |= HC_PROC_INCOMPLETE;
		if (exe && v->image) { /* the kernel knows it better than /proc */
			file_unref(t, v->image->exe_file);
			v->image->exe_file = file_get(t, exe);
			exe_see(t, v);
		}
	}
	k = task_add(t, p, w->tid);
	if (k) {
		k->start_ns = w->start_ns;
		k->vtid = w->n_levels && w->n_levels <= HC_WIRE_MAX_NSPIDS ? w->vtid[w->n_levels - 1] : 0;
	}
}

static void settle_one(void *ctx, uint32_t pid)
{
	struct hc_tracker *t = ctx;

	if (!proc_find(t, pid, 0))
		proc_unborn(t, pid, 0, 32);
}

/* All are there now: parents, then what looks at ancestors. */
void proc_settle(struct hc_tracker *t)
{
	struct tproc *p;

	/* what the kernel's list did not have, or what was born just now: known by the next record of it for
	 * certain */
	if (t->proc_fd >= 0)
		procfs_each(t, 0, NULL, settle_one, t);

	TABLE_ALL(&t->procs, at, p)
	{
		struct tproc *parent = p->cur->ppid ? proc_find(t, p->cur->ppid, 0) : NULL;

		if (!p->parent && parent && p->cur->flags & HC_PROC_SYNTH && parent->start_ns <= p->start_ns)
			set_parent(p, parent);
	}
	TABLE_ALL(&t->procs, at, p)
	{
		if (p->cur->flags & HC_PROC_SYNTH) {
			settle_version(t, p);
			p->excluded = proc_is_excluded(t, p->cur);
		}
	}
	t->tree_gen++;
	TABLE_ALL(&t->procs, at, p)
	{
		if (!p->parent || p->cur->parent)
			p->checked_gen = t->tree_gen;
	}
}

void proc_done(struct hc_tracker *t)
{
	struct tproc *p;

	TABLE_SWEEP(&t->procs, at, p)
	{
		TABLE_SWEEP_REMOVE(&t->procs, at);
		proc_free(t, p);
	}
	table_done(&t->procs);
	table_done(&t->tasks);
	table_done(&t->by_vpid);
}

bool proc_is_excluded(struct hc_tracker *t, const struct tver *v)
{
	const struct hc_exclude *x = &t->opts.exclude;

	for (size_t i = 0; i < x->n_exes; i++)
		if (v->image && v->image->exe && txt_is(v->image->exe->real, x->exes[i]))
			return true;
	for (size_t i = 0; i < x->n_comms; i++)
		if (txt_is(v->comm, x->comms[i]))
			return true;
	for (size_t i = 0; i < x->n_uids; i++)
		if (v->has & HAS_CREDS && v->creds.uid == x->uids[i])
			return true;
	for (size_t i = 0; i < x->n_pids; i++)
		if (v->pid == x->pids[i])
			return true;
	for (size_t i = 0; i < x->n_cgroups && v->cgs && v->cgs->list; i++) {
		struct hc_str want = hc_str_c(x->cgroups[i]);

		while (want.len > 1 && want.p[want.len - 1] == '/')
			want.len--;
		for (uint32_t n = 0; n < v->cgs->list->n; n++) {
			struct hc_str have = cgs_path(txt_str(v->cgs->list->txt[n]));

			if (have.p && hc_str_starts(have, want) &&
			    (have.len == want.len || have.p[want.len] == '/' || want.len == 1))
				return true;
		}
	}
	return false;
}
