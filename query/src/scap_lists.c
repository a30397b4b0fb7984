/*
 * A row says what its process and its descriptors were before it. So what is first seen of a thread that no fork
 * of the span made was there at its beginning; and so was a descriptor that no event of the span made, in the
 * process that was there at the beginning and that the one which uses it descends from.
 */
#include "scap_lists.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/falco_scap.h"

#define MAX_THREADS 131072u /* what readers keep */
#define MAX_FDS 1048576u
#define MAX_FIXES 8  /* for a row */
#define MAX_NAMES 3  /* for a row */
#define MAX_DEPTH 64 /* of leaders behind leaders */
#define F_DUPFD_NUM 0
#define F_DUPFD_CLOEXEC_NUM 1030
#define IMPORTED_UNKNOWN_PID UINT32_MAX

/* Numbers, each with a pointer. */
struct map {
	int64_t *keys;
	void **vals; /* NULL: the place is free */
	uint32_t n, cap;
};

enum { THREAD_INITIAL, THREAD_BORN, THREAD_GONE, THREAD_UNKNOWN };

/* A thread that was there at the beginning. */
struct first {
	struct hc_scap_proc proc;
	struct hc_falco_known is;
	bool guessed;    /* by what is known of another thread of its process */
	bool has_memory; /* a row of its own has told how much it uses */
	struct map known;
	struct hc_scap_fd *fds;
	uint32_t n_fds, cap_fds;
};

struct thread {
	uint8_t state;
	int64_t pid;
	struct map fds; /* numbers whose descriptor the span has told of, with identity_of(); of the main thread */
	struct first *origin;     /* whose descriptors the others are; NULL: nobody knows */
	struct hc_falco_known is; /* what readers believe; .cwd of the main thread */
	uint32_t n_execs;         /* of its process, as it came to it: an exec ends all but one */
	bool over;                /* it has ended before the others */
	bool back;                /* it has ended, and readers were told of it again */
};

struct process {
	uint32_t n_others; /* threads that live beside the main one */
	uint32_t n_execs;  /* while there were some */
};

/* What the events so far tell of a container. */
struct told {
	struct hc_str id;      /* in the arena */
	int64_t at_ns, pod_ns; /* when it became known, and when its pod did; INT64_MIN: it is not */
};

struct user {
	bool group;
	struct hc_scap_user u;
};

struct scap_lists {
	struct hc_arena arena; /* texts, for as long as this lives */
	struct map threads, users, groups, told, named;
	struct map processes; /* that have had threads beside their main one */
	struct first **first;
	uint32_t n_first, cap_first;
	uint64_t n_fds, n_unplaced, n_over;
	struct hc_scap_machine machine;
	bool has_machine;
	struct hc_scap_iface *ifaces;
	uint32_t n_ifaces;
	bool imported;
	bool again; /* the second pass */
	struct scap_fix fixes[MAX_FIXES];
	uint32_t n_fixes;
	uint32_t ctr; /* of the row, to be told of */
	struct scap_name names[MAX_NAMES];
	uint32_t n_names;
	unsigned tell;    /* of the row's thread, HC_FALCO_TELL_* */
	int64_t tell_end; /* the thread that the row makes had this number before; -1: nobody */
};

/* ---- maps ---- */

static uint32_t place_of(const struct map *m, int64_t key)
{
	uint64_t h = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i = (uint32_t)(h >> 32) & (m->cap - 1);

	while (m->vals[i] && m->keys[i] != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

static void *map_get(const struct map *m, int64_t key)
{
	return m->n ? m->vals[place_of(m, key)] : NULL;
}

static void map_done(struct map *m)
{
	free(m->keys);
	free(m->vals);
	*m = (struct map){ 0 };
}

static int map_sized(struct map *m, uint32_t cap)
{
	m->keys = calloc(cap, sizeof(*m->keys));
	m->vals = calloc(cap, sizeof(*m->vals));
	m->cap = cap;
	if (m->keys && m->vals)
		return 0;
	map_done(m);
	return -ENOMEM;
}

static int map_put(struct map *m, int64_t key, void *val)
{
	uint32_t i;

	if ((m->n + 1) * 4 > m->cap * 3) {
		struct map bigger = { 0 };

		if (map_sized(&bigger, m->cap ? m->cap * 2 : 16) < 0)
			return -ENOMEM;
		for (uint32_t k = 0; k < m->cap; k++)
			if (m->vals[k]) {
				i = place_of(&bigger, m->keys[k]);
				bigger.keys[i] = m->keys[k];
				bigger.vals[i] = m->vals[k];
			}
		bigger.n = m->n;
		map_done(m);
		*m = bigger;
	}
	i = place_of(m, key);
	m->n += !m->vals[i];
	m->keys[i] = key;
	m->vals[i] = val;
	return 0;
}

static int map_copy(struct map *to, const struct map *from)
{
	map_done(to);
	if (!from->n)
		return 0;
	if (map_sized(to, from->cap) < 0)
		return -ENOMEM;
	memcpy(to->keys, from->keys, from->cap * sizeof(*from->keys));
	memcpy(to->vals, from->vals, from->cap * sizeof(*from->vals));
	to->n = from->n;
	return 0;
}

/* ---- threads ---- */

static int keep(struct scap_lists *l, struct hc_str *s)
{
	if (!s->p)
		return 0;
	*s = hc_arena_str(&l->arena, *s);
	return s->p ? 0 : -ENOMEM;
}

static int keep_proc(struct scap_lists *l, struct hc_scap_proc *p)
{
	struct hc_str *texts[] = { &p->comm, &p->exe,  &p->exepath, &p->cwd,
		                   &p->root, &p->args, &p->env,     &p->cgroups };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		r = keep(l, texts[i]);
	return r;
}

static struct process *process_of(const struct scap_lists *l, int64_t pid)
{
	return map_get(&l->processes, pid);
}

static void is_gone(struct thread *t)
{
	t->state = THREAD_GONE;
	t->origin = NULL;
	map_done(&t->fds);
}

static struct thread *thread_of(struct scap_lists *l, int64_t tid)
{
	struct thread *t = map_get(&l->threads, tid);

	if (t && tid != t->pid && t->state != THREAD_GONE) {
		const struct process *p = process_of(l, t->pid);

		if (p && p->n_execs != t->n_execs)
			is_gone(t);
	}
	return t;
}

static struct thread *thread_new(struct scap_lists *l, int64_t tid, int64_t pid, uint8_t state)
{
	struct thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->state = state;
	t->pid = pid;
	if (map_put(&l->threads, tid, t) < 0) {
		free(t);
		return NULL;
	}
	return t;
}

/* A thread is there beside the main one. */
static int joins(struct scap_lists *l, int64_t tid, struct thread *t)
{
	struct process *p;

	if (tid == t->pid)
		return 0;
	p = process_of(l, t->pid);
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p || map_put(&l->processes, t->pid, p) < 0) {
			free(p);
			return -ENOMEM;
		}
	}
	p->n_others++;
	t->n_execs = p->n_execs;
	return 0;
}

static int first_add(struct scap_lists *l, struct first *f)
{
	if (l->n_first == l->cap_first) {
		uint32_t cap = l->cap_first ? l->cap_first * 2 : 64;
		struct first **bigger = realloc(l->first, cap * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		l->first = bigger;
		l->cap_first = cap;
	}
	l->first[l->n_first++] = f;
	return 0;
}

static int describe(struct scap_lists *l, struct hc_view *v, struct first *f, uint32_t proc, int64_t tid,
                    int64_t vtid)
{
	struct hc_arena tmp = { 0 };
	int r = hc_falco_scap_proc(v, proc, tid, vtid, &tmp, &f->proc) ? keep_proc(l, &f->proc) : -ENOMEM;

	hc_arena_done(&tmp);
	hc_falco_scap_known(v, proc, &f->is);
	return r;
}

static int add_first(struct scap_lists *l, struct hc_view *v, uint32_t proc, int64_t tid, int64_t vtid,
                     bool guessed)
{
	int64_t pid = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, tid);
	struct thread *t = thread_new(l, tid, pid, THREAD_INITIAL);
	struct first *f = NULL;
	int r;

	if (!t)
		return -ENOMEM;
	if ((uint32_t)pid == IMPORTED_UNKNOWN_PID)
		t->pid = tid;
	if (joins(l, tid, t) < 0)
		return -ENOMEM;
	if (!proc || (uint32_t)pid == IMPORTED_UNKNOWN_PID ||
	    l->again) { /* never told of: it is not in the list either */
		t->state = THREAD_UNKNOWN;
		return 0;
	}
	if (l->n_first >= MAX_THREADS) {
		l->n_over++;
		return 0;
	}
	f = calloc(1, sizeof(*f));
	r = f ? describe(l, v, f, proc, tid, vtid) : -ENOMEM;
	if (r == 0)
		r = first_add(l, f);
	if (r < 0) {
		free(f);
		return r;
	}
	f->guessed = guessed;
	t->origin = f;
	return 0;
}

/* What it used at its first event: that is of the list, or the event says it again. */
static void add_memory(struct first *f, struct hc_view *v, uint32_t task)
{
#define OF_TASK(col) (uint64_t) hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_##col, task, 0)
	f->proc.vmsize_kb = (uint32_t)OF_TASK(vm_size_kib);
	f->proc.vmrss_kb = (uint32_t)OF_TASK(vm_rss_kib);
	f->proc.vmswap_kb = (uint32_t)OF_TASK(vm_swap_kib);
	f->proc.pfmajor = OF_TASK(pgft_maj);
	f->proc.pfminor = OF_TASK(pgft_min);
#undef OF_TASK
	f->has_memory = true;
}

/* The main thread of the process, and of all that it descends from or is led by. */
static int see_proc(struct scap_lists *l, struct hc_view *v, uint32_t proc, int64_t not_tid, uint64_t *seen,
                    unsigned depth)
{
	static const unsigned leaders[] = { HC_O_PROC_sid_leader, HC_O_PROC_pgid_leader, HC_O_PROC_vpgid_leader };
	int r = 0;

	while (r == 0 && proc && !(seen[proc / 64] >> proc % 64 & 1)) {
		int64_t pid = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, 0);
		int64_t flags = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_flags, proc, 0);

		if (pid != not_tid) {
			seen[proc / 64] |= UINT64_C(1) << proc % 64;
			if (pid > 0 && (uint32_t)pid != IMPORTED_UNKNOWN_PID && !thread_of(l, pid))
				r = add_first(l, v, proc, pid,
				              hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_vpid, proc, -1),
				              flags & HC_PROC_THREAD);
		}
		for (unsigned i = 0; r == 0 && depth < MAX_DEPTH && i < 3; i++)
			r = see_proc(l, v, hc_view_ref(v, HC_OBJ_PROC, leaders[i], proc), not_tid, seen,
			             depth + 1);
		proc = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
	}
	return r;
}

/* The main thread, whose the descriptors are. */
static struct thread *main_of(struct scap_lists *l, struct thread *t)
{
	struct thread *leader = t ? thread_of(l, t->pid) : NULL;

	return leader ? leader : t;
}

/* Readers forget a thread when it has ended, the main one when the last of its process has. */
static void ends(struct scap_lists *l, int64_t tid, struct thread *t)
{
	struct thread *leader = main_of(l, t);
	struct process *p = process_of(l, t->pid);

	if (t->state == THREAD_GONE || t->over)
		return;
	if (tid == t->pid && p && p->n_others) {
		t->over = true;
		return;
	}
	is_gone(t);
	if (tid == t->pid || !p || !p->n_others)
		return;
	if (!--p->n_others && leader->over)
		is_gone(leader);
}

/* An exec ends all threads but the one that goes on, in the place of the main one. */
static void ends_others(struct scap_lists *l, struct thread *t)
{
	struct process *p = process_of(l, t->pid);

	t->over = false;
	if (!p || !p->n_others)
		return;
	p->n_others = main_of(l, t) != t;
	t->n_execs = ++p->n_execs;
}

/* ---- descriptors ---- */

/* What a descriptor's number stands for: the open file, or that nothing is known. */
static void *identity_of(struct hc_view *v, uint32_t fdobj)
{
	uint64_t id = (uint64_t)hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_id, fdobj, 0);

	return (void *)(uintptr_t)(id + 1 ? id + 1 : 1); /* NOLINT: a key, never followed */
}

static int fd_told(struct scap_lists *l, struct thread *t, int64_t num, void *identity)
{
	t = main_of(l, t);
	return t && num >= 0 ? map_put(&t->fds, num, identity) : 0;
}

static int add_fd(struct scap_lists *l, struct hc_view *v, struct first *f, int64_t num, uint32_t fdobj)
{
	struct hc_scap_fd *fd;

	if (map_get(&f->known, num))
		return 0;
	if (l->n_fds >= MAX_FDS) {
		l->n_over++;
		return 0;
	}
	if (f->n_fds == f->cap_fds) {
		uint32_t cap = f->cap_fds ? f->cap_fds * 2 : 8;
		struct hc_scap_fd *bigger = realloc(f->fds, cap * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		f->fds = bigger;
		f->cap_fds = cap;
	}
	fd = &f->fds[f->n_fds];
	fd->tid = f->proc.tid;
	fd->fd = num;
	hc_falco_scap_fd(v, fdobj, fd);
	if (keep(l, &fd->name) < 0 || map_put(&f->known, num, identity_of(v, fdobj)) < 0)
		return -ENOMEM;
	f->n_fds++;
	l->n_fds++;
	return 0;
}

static int see_fd(struct scap_lists *l, struct hc_view *v, struct thread *t, int64_t num, uint32_t fdobj)
{
	void *is = identity_of(v, fdobj), *was;
	int r;

	t = main_of(l, t);
	if (hc_falco_scap_fd_unseen(v, fdobj)) {
		is = identity_of(v, 0);
		fdobj = 0;
	}
	if (!t || num < 0 || (!fdobj && !l->again))
		return 0;
	was = map_get(&t->fds, num);
	if (l->again) {
		if (!was && t->origin)
			was = map_get(&t->origin->known, num);
		if (was == is || (!was && !fdobj))
			return 0;
		if (l->n_fixes < MAX_FIXES)
			l->fixes[l->n_fixes++] = (struct scap_fix){ .num = num, .fdobj = fdobj };
		return fd_told(l, t, num, is);
	}
	if (was)
		return 0;
	r = fd_told(l, t, num, is);
	if (r < 0)
		return r;
	if (!t->origin) {
		l->n_unplaced++;
		return 0;
	}
	return add_fd(l, v, t->origin, num, fdobj);
}

/* ---- containers ---- */

static int64_t key_of(struct hc_str id)
{
	return (int64_t)hc_str_hash(id.len, id);
}

/* 1: the events so far tell less than what is known now. */
static int see_ctr(struct scap_lists *l, struct hc_view *v, uint32_t ctr)
{
	struct hc_str id = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_id, ctr);
	int64_t at_ns = hc_view_int_or(v, HC_OBJ_CTR, HC_O_CTR_known_at_ns, ctr, INT64_MIN);
	int64_t pod_ns = hc_view_int_or(v, HC_OBJ_CTR, HC_O_CTR_pod_known_at_ns, ctr, INT64_MIN);
	struct told *t;

	if (!id.len || !hc_falco_ctr_known(v, ctr))
		return 0;
	t = map_get(&l->told, key_of(id));
	if (!t) {
		t = hc_arena_alloc(&l->arena, sizeof(*t));
		if (!t || map_put(&l->told, key_of(id), t) < 0)
			return -ENOMEM;
	} else if (hc_str_eq(t->id, id)) {
		if (at_ns <= t->at_ns && pod_ns <= t->pod_ns)
			return 0;
		*t = (struct told){ t->id, at_ns > t->at_ns ? at_ns : t->at_ns,
			            pod_ns > t->pod_ns ? pod_ns : t->pod_ns };
		return 1;
	}
	*t = (struct told){ hc_arena_str(&l->arena, id), at_ns, pod_ns };
	return t->id.p ? 1 : -ENOMEM;
}

/* By their numbers: that a name changes is not followed. */
static int see_name(struct scap_lists *l, struct hc_view *v, uint32_t ctr, uint32_t ref, bool group)
{
	unsigned dom = group ? HC_OBJ_GROUP : HC_OBJ_USER;
	int64_t id = hc_view_int_or(v, dom, group ? (unsigned)HC_O_GROUP_gid : (unsigned)HC_O_USER_uid, ref, -1);
	int64_t key = key_of(hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_id, ctr)) ^ (int64_t)((uint64_t)id << 1 | group);

	if (id < 0 || map_get(&l->named, key) ||
	    !hc_view_text(v, dom, group ? (unsigned)HC_O_GROUP_name : (unsigned)HC_O_USER_name, ref).len)
		return 0;
	l->names[l->n_names++] = (struct scap_name){ .ref = ref, .ctr = ctr, .group = group };
	return map_put(&l->named, key, l); /* anything but NULL */
}

/* ---- rows ---- */

static int64_t row_int(struct hc_view *v, unsigned type, unsigned col, uint32_t entry, int64_t otherwise)
{
	return hc_view_int_or(v, HC_DOM_ROWS(type), col, entry, otherwise);
}

static int on_state(struct scap_lists *l, struct hc_view *v, uint32_t entry, uint64_t *seen)
{
	uint32_t proc = hc_view_ref(v, HC_DOM_ROWS(HC_EV_META_STATE), HC_C_META_STATE_proc, entry);
	int64_t pid = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, -1);
	int r = see_proc(l, v, proc, -1, seen, 0);

	if (r < 0 || pid < 0)
		return r;
	return see_fd(l, v, thread_of(l, pid), row_int(v, HC_EV_META_STATE, HC_C_META_STATE_fd, entry, -1),
	              hc_view_ref(v, HC_DOM_ROWS(HC_EV_META_STATE), HC_C_META_STATE_fd_obj, entry));
}

static int on_fork(struct scap_lists *l, struct hc_view *v, uint32_t entry, struct thread *parent)
{
	int64_t tid = row_int(v, HC_EV_PROC_FORK, HC_C_PROC_FORK_child_tid, entry, -1);
	int64_t pid = row_int(v, HC_EV_PROC_FORK, HC_C_PROC_FORK_child_pid, entry, tid);
	struct thread *t = thread_of(l, tid);
	bool met = t != NULL;

	if (tid < 0)
		return 0;
	if (!t)
		t = thread_new(l, tid, pid, THREAD_BORN);
	if (!t)
		return -ENOMEM;
	met = met && t->state != THREAD_GONE;
	if (met)
		ends(l, tid, t);
	if (met && t->back) {
		l->tell_end = tid;
		met = false;
	}
	t->state = THREAD_BORN;
	t->pid = pid;
	t->over = t->back = false;
	map_done(&t->fds);
	if (joins(l, tid, t) < 0)
		return -ENOMEM;
	/* readers that know the thread already may take the fork for a second one and pass over it: for these,
	 * what it is counts as unknown, and is told in full before its next event */
	t->is = (struct hc_falco_known){ 0 };
	if (l->again && !met && parent && parent->state != THREAD_UNKNOWN) {
		hc_falco_scap_known(v, hc_view_ref(v, HC_DOM_ROWS(HC_EV_PROC_FORK), HC_C_PROC_FORK_child, entry),
		                    &t->is);
		t->is.exe = parent->is.exe; /* the fork's parameters do not have these two: readers copy them from
		                               the parent */
		t->is.cwd = main_of(l, parent)->is.cwd;
	}
	parent = main_of(l, parent);
	t->origin = parent ? parent->origin : NULL;
	if (row_int(v, HC_EV_PROC_FORK, HC_C_PROC_FORK_is_thread, entry, 0) || !parent || parent == t)
		return 0;
	return map_copy(&t->fds, &parent->fds);
}

/* Holds what readers of the export believe of the thread against what the row says it was before its event. Sets
 * l->tell to the differences, which have to be written first, and remembers them as told. */
static int to_tell(struct scap_lists *l, struct hc_view *v, unsigned type, uint32_t entry, int64_t tid,
                   struct thread *t, const struct hc_falco_known *is)
{
	struct thread *leader = main_of(l, t);
	uint64_t cwd = is->cwd ? is->cwd : hc_falco_scap_cwd(v, type, entry);
	unsigned tell = 0;
	int r = 0;

	if (t->state == THREAD_UNKNOWN)
		return 0;
	if (t->state == THREAD_GONE) {
		bool alone = leader == t || leader->state == THREAD_GONE;

		tell = HC_FALCO_TELL_BIRTH;
		if (alone)
			leader->is.cwd = 0; /* readers will take the directory of the parent, if they know it */
		if (alone || leader->is.exe != is->exe)
			tell |= HC_FALCO_TELL_IMAGE;
		t->state = THREAD_BORN;
		t->over = false;
		t->back = true;
		r = joins(l, tid, t);
	} else if (t->is.image != is->image || t->is.exe != is->exe) {
		tell = HC_FALCO_TELL_IMAGE;
	} else if (t->is.uid != is->uid || t->is.gid != is->gid) {
		tell = HC_FALCO_TELL_IDS;
	}
	if (r == 0 && tell & HC_FALCO_TELL_IMAGE) {
		ends_others(l, t);
		map_done(&leader->fds); /* some are closed by it */
		leader->origin = NULL;
	}
	if (cwd && leader->is.cwd != cwd)
		tell |= HC_FALCO_TELL_CWD;
	cwd = cwd ? cwd : leader->is.cwd;
	t->is = *is;
	leader->is.cwd = cwd;
	l->tell = tell;
	return r;
}

/* The identity that the call gave, as readers take it from its event. */
static void on_ids(struct hc_view *v, unsigned type, uint32_t entry, struct thread *t)
{
	switch (type) {
	case HC_EV_SETUID:
		t->is.uid = (uint32_t)row_int(v, type, HC_C_SETUID_uid, entry, t->is.uid);
		break;
	case HC_EV_SETREUID:
		t->is.uid = (uint32_t)row_int(v, type, HC_C_SETREUID_euid, entry, t->is.uid);
		break;
	case HC_EV_SETRESUID:
		t->is.uid = (uint32_t)row_int(v, type, HC_C_SETRESUID_euid, entry, t->is.uid);
		break;
	case HC_EV_SETGID:
		t->is.gid = (uint32_t)row_int(v, type, HC_C_SETGID_gid, entry, t->is.gid);
		break;
	case HC_EV_SETREGID:
		t->is.gid = (uint32_t)row_int(v, type, HC_C_SETREGID_egid, entry, t->is.gid);
		break;
	case HC_EV_SETRESGID:
		t->is.gid = (uint32_t)row_int(v, type, HC_C_SETRESGID_egid, entry, t->is.gid);
		break;
	default:
		break;
	}
}

/* What readers make of the row's event. */
static void on_changes(struct scap_lists *l, struct hc_view *v, unsigned type, uint32_t entry, struct thread *t)
{
	uint64_t cwd = t->is.cwd;

	if (type == HC_EV_PROC_EXEC) {
		hc_falco_scap_known(v, hc_view_ref(v, HC_DOM_ROWS(type), HC_C_PROC_EXEC_proc_after, entry),
		                    &t->is);
		t->is.cwd = cwd;
		ends_others(l, t);
		return;
	}
	if (row_int(v, type, HC_COL_RET, entry, -1) < 0)
		return;
	if (type == HC_EV_CHDIR || type == HC_EV_FCHDIR)
		main_of(l, t)->is.cwd = hc_falco_scap_dir(v, type, entry);
	else
		on_ids(v, type, entry, t);
}

/* Descriptors that the call made have two columns that look like any argument. */
static bool is_made(unsigned type, unsigned col)
{
	return (type == HC_EV_PIPE && (col == HC_C_PIPE_fd0 || col == HC_C_PIPE_fd1)) ||
	       (type == HC_EV_PIPE2 && (col == HC_C_PIPE2_fd0 || col == HC_C_PIPE2_fd1)) ||
	       (type == HC_EV_SOCKETPAIR && (col == HC_C_SOCKETPAIR_fd0 || col == HC_C_SOCKETPAIR_fd1));
}

/* A socket that is first met by what it sends, without an address or an inode: that event told of it, and readers
 * of the export will make it of the same event. */
static bool is_inferred(const struct scap_lists *l, struct hc_view *v, unsigned type, uint32_t entry,
                        uint32_t fdobj)
{
	unsigned tuple = type == HC_EV_SENDTO    ? HC_C_SENDTO_tuple
	                 : type == HC_EV_SENDMSG ? HC_C_SENDMSG_tuple
	                 : type == HC_EV_SEND    ? HC_C_SEND_tuple
	                                         : 0;
	uint32_t sock = hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fdobj);
	uint32_t file = hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_file, fdobj);
	int64_t family = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_family, sock, 0);

	return l->imported && tuple && (family == HC_SCAP_AF_INET || family == HC_SCAP_AF_INET6) &&
	       row_int(v, type, HC_COL_RET, entry, -1) >= 0 && hc_view_ref(v, HC_DOM_ROWS(type), tuple, entry) &&
	       hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_ino, file, 0) == 0 &&
	       !hc_view_ref(v, HC_OBJ_SOCK, HC_O_SOCK_local_addr, sock) &&
	       !hc_view_ref(v, HC_OBJ_SOCK, HC_O_SOCK_peer_addr, sock);
}

/* What pidfd_getfd copied the other process has under that number. */
static int see_copied(struct scap_lists *l, struct hc_view *v, uint32_t entry, int64_t unborn, uint64_t *seen)
{
	uint32_t pidfd = hc_view_ref(v, HC_DOM_ROWS(HC_EV_PIDFD_GETFD), HC_C_PIDFD_GETFD_pid_fd + 1, entry);
	uint32_t newfd = hc_view_ref(v, HC_DOM_ROWS(HC_EV_PIDFD_GETFD), HC_C_PIDFD_GETFD_newfd, entry);
	int64_t pid = hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_target, pidfd, -1);
	int r;

	if (l->again || !newfd)
		return 0;
	r = see_proc(l, v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_target_proc, pidfd), unborn, seen, 0);
	return r < 0 ? r
	             : see_fd(l, v, thread_of(l, pid),
	                      row_int(v, HC_EV_PIDFD_GETFD, HC_C_PIDFD_GETFD_target_fd, entry, -1), newfd);
}

static int see_args(struct scap_lists *l, struct hc_view *v, unsigned type, uint32_t entry, struct thread *t,
                    int64_t unborn, uint64_t *seen)
{
	const struct hc_table_desc *d = hc_event_desc(type);
	int64_t ret = row_int(v, type, HC_COL_RET, entry, -1);
	int r = 0;

	for (unsigned i = 0; r == 0 && i < d->n_args; i++) {
		unsigned col = d->arg_cols[i];
		const struct hc_col_desc *c = &d->cols[col];
		uint32_t fdobj;

		switch ((enum hc_kind)c->kind) {
		case HC_KIND_FD: {
			int64_t num = row_int(v, type, col, entry, -1);

			fdobj = hc_view_ref(v, HC_DOM_ROWS(type), col + 1, entry);
			if (type == HC_EV_PIDFD_GETFD && col == HC_C_PIDFD_GETFD_target_fd && !fdobj)
				r = see_copied(l, v, entry, unborn, seen);
			else
				r = is_made(type, col) || is_inferred(l, v, type, entry, fdobj)
				            ? fd_told(l, t, num, identity_of(v, fdobj))
				            : see_fd(l, v, t, num, fdobj);
			break;
		}
		case HC_KIND_FDOBJ:
			fdobj = hc_view_ref(v, HC_DOM_ROWS(type), col, entry);
			if (strncmp(c->arg, "newfd", 5) == 0 && ret >= 0 && !hc_falco_scap_fd_unseen(v, fdobj))
				r = fd_told(l, t, ret, identity_of(v, fdobj));
			break;
		case HC_KIND_PID:
			r = see_proc(l, v, hc_view_ref(v, HC_DOM_ROWS(type), col + 1, entry), unborn, seen, 0);
			break;
		case HC_KIND_PROC:
			if (strcmp(c->arg, "proc_after") != 0 && strcmp(c->arg, "child") != 0)
				r = see_proc(l, v, hc_view_ref(v, HC_DOM_ROWS(type), col, entry), unborn, seen, 0);
			break;
		default:
			break;
		}
	}
	if (r == 0 && type == HC_EV_FCNTL && ret >= 0) {
		int64_t cmd = row_int(v, type, HC_C_FCNTL_cmd, entry, -1);

		if (cmd == F_DUPFD_NUM || cmd == F_DUPFD_CLOEXEC_NUM)
			r = fd_told(l, t, ret,
			            identity_of(v, hc_view_ref(v, HC_DOM_ROWS(type), HC_C_FCNTL_fd + 1, entry)));
	}
	return r;
}

/* That a container has started is told by its own event. */
static int see_ctrs(struct scap_lists *l, struct hc_view *v, unsigned type, uint32_t entry, uint32_t proc)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	int r;

	if (type == HC_EV_CTR_START) {
		r = see_ctr(l, v, hc_view_ref(v, HC_DOM_ROWS(type), HC_C_CTR_START_container, entry));
		return r < 0 ? r : 0;
	}
	if (!ctr)
		return 0;
	r = see_ctr(l, v, ctr);
	l->ctr = r > 0 ? ctr : 0;
	if (r >= 0)
		r = see_name(l, v, ctr, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_user, proc), false);
	if (r >= 0)
		r = see_name(l, v, ctr, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_login_user, proc), false);
	if (r >= 0)
		r = see_name(l, v, ctr, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_group, proc), true);
	return r < 0 ? r : 0;
}

static bool child_side(struct hc_view *v, unsigned type, uint32_t entry)
{
	return (type == HC_EV_CLONE || type == HC_EV_FORK || type == HC_EV_VFORK || type == HC_EV_CLONE3) &&
	       row_int(v, type, HC_COL_RET, entry, -1) == 0;
}

static const struct hc_falco_known *known_of(struct hc_view *v, uint32_t proc, struct scap_seen *seen)
{
	if (!seen->known[proc].image)
		hc_falco_scap_known(v, proc, &seen->known[proc]);
	return &seen->known[proc];
}

int scap_lists_row(struct scap_lists *l, struct hc_view *v, unsigned type, uint32_t entry, struct scap_seen *s)
{
	uint64_t *seen = s->proc;
	const bool tells = l->again && !l->imported;
	const struct hc_table_desc *d = hc_event_desc(type);
	uint32_t task = hc_view_ref(v, HC_DOM_ROWS(type), HC_COL_TASK, entry);
	uint32_t proc = hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task);
	int64_t tid = hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_tid, task, -1), unborn = -1;
	struct thread *t = tid < 0 ? NULL : thread_of(l, tid);
	int r = 0;

	l->n_fixes = 0;
	l->ctr = l->n_names = l->tell = 0;
	l->tell_end = -1;
	if (type == HC_EV_META_STATE)
		return l->again ? 0 : on_state(l, v, entry, seen);
	if (!d || d->cls == HC_CLASS_META)
		return 0;
	if (l->imported && child_side(v, type, entry) && !t)
		unborn = tid; /* the row that follows makes it */
	if (tid >= 0 && unborn < 0) {
		int64_t vtid = hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_vtid, task, -1);

		if (!t)
			r = add_first(l, v, proc, tid, vtid, false);
		else if (t->state == THREAD_INITIAL && t->origin && t->origin->guessed) {
			r = describe(l, v, t->origin, proc, tid, vtid);
			t->origin->guessed = false;
		}
		t = thread_of(l, tid);
		if (r == 0 && t && t->state == THREAD_INITIAL && t->origin && !t->origin->has_memory)
			add_memory(t->origin, v, task);
	}
	if (r == 0 && t && proc && tells)
		r = to_tell(l, v, type, entry, tid, t, known_of(v, proc, s));
	if (r == 0)
		r = see_proc(l, v, proc, unborn, seen, 0);
	if (r == 0)
		r = see_args(l, v, type, entry, t, unborn, seen);
	if (r == 0 && type == HC_EV_PROC_FORK)
		r = on_fork(l, v, entry, t);
	if (r == 0 && tells)
		r = see_ctrs(l, v, type, entry, proc);
	if (r == 0 && t && tells)
		on_changes(l, v, type, entry, t);
	if (r == 0 && t && type == HC_EV_PROC_EXIT)
		ends(l, tid, t);
	return r;
}

/* ---- users: those of the host, as processes have them ---- */

static int add_user(struct scap_lists *l, struct hc_view *v, uint32_t ref, bool group)
{
	struct map *m = group ? &l->groups : &l->users;
	unsigned dom = group ? HC_OBJ_GROUP : HC_OBJ_USER;
	int64_t id = hc_view_int_or(v, dom, group ? (unsigned)HC_O_GROUP_gid : (unsigned)HC_O_USER_uid, ref, -1);
	struct user *u;

	if (!ref || id < 0 || map_get(m, id))
		return 0;
	u = hc_arena_alloc(&l->arena, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->group = group;
	u->u.uid = (uint32_t)id;
	u->u.gid = group ? (uint32_t)id : UINT32_MAX; /* a user's own group is not recorded */
	u->u.name = hc_view_text(v, dom, group ? (unsigned)HC_O_GROUP_name : (unsigned)HC_O_USER_name, ref);
	if (!group) {
		u->u.home = hc_view_text(v, dom, HC_O_USER_home, ref);
		u->u.shell = hc_view_text(v, dom, HC_O_USER_shell, ref);
	}
	if (keep(l, &u->u.name) < 0 || keep(l, &u->u.home) < 0 || keep(l, &u->u.shell) < 0)
		return -ENOMEM;
	return map_put(m, id, u);
}

int scap_lists_block(struct scap_lists *l, struct hc_view *v)
{
	uint32_t n = hc_view_n(v, HC_OBJ_PROC);
	int r = 0;

	for (uint32_t p = 1; r == 0 && p <= n; p++) {
		if (hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, p))
			continue;
		r = add_user(l, v, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_user, p), false);
		if (r == 0)
			r = add_user(l, v, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_login_user, p), false);
		if (r == 0)
			r = add_user(l, v, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_group, p), true);
	}
	return r;
}

/* ---- the machine ---- */

/* "name index address/prefix" */
static bool iface_of(struct hc_str line, struct hc_scap_iface *ret, char name[64])
{
	char addr[64];
	unsigned index, prefix;
	char buf[160];
	uint8_t n;

	if (line.len >= sizeof(buf))
		return false;
	memcpy(buf, line.p, line.len);
	buf[line.len] = '\0';
	if (sscanf(buf, "%63s %u %63[^/]/%u", name, &index, addr, &prefix) != 4)
		return false;
	ret->ipv6 = strchr(addr, ':') != NULL;
	n = ret->ipv6 ? 16 : 4;
	if (inet_pton(ret->ipv6 ? AF_INET6 : AF_INET, addr, ret->addr) != 1 || prefix > n * 8u)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned bits = prefix > i * 8 ? prefix - i * 8 : 0;

		ret->mask[i] = (uint8_t)(bits >= 8 ? 0xff : 0xff00u >> bits);
		ret->bcast[i] = (uint8_t)(ret->addr[i] | ~ret->mask[i]);
	}
	ret->name = hc_str_c(name);
	return true;
}

int scap_lists_machine(struct scap_lists *l, struct hc_view *v, uint32_t entry, const char *node)
{
	uint32_t n;
	const uint32_t *lines = hc_view_strs(
		v, hc_view_ref(v, HC_DOM_ROWS(HC_EV_META_START), HC_C_META_START_interfaces, entry), &n);

	l->has_machine = true;
	l->machine = (struct hc_scap_machine){
		.n_cpus = (uint32_t)row_int(v, HC_EV_META_START, HC_C_META_START_n_cpus, entry, 0),
		.memory_bytes = (uint64_t)row_int(v, HC_EV_META_START, HC_C_META_START_mem_bytes, entry, 0),
		.boot_ns = (uint64_t)row_int(v, HC_EV_META_START, HC_C_META_START_boot_wall_ns, entry, 0),
		.hostname = hc_str_c(node),
	};
	if (keep(l, &l->machine.hostname) < 0)
		return -ENOMEM;
	l->ifaces = hc_arena_alloc(&l->arena, (n ? n : 1) * sizeof(*l->ifaces));
	l->n_ifaces = 0;
	for (uint32_t i = 0; l->ifaces && i < n; i++) {
		struct hc_scap_iface *to = &l->ifaces[l->n_ifaces];
		char name[64];

		*to = (struct hc_scap_iface){ 0 };
		if (!iface_of(hc_view_str(v, lines[i]), to, name))
			continue;
		if (keep(l, &to->name) < 0)
			return -ENOMEM;
		l->n_ifaces++;
	}
	return l->ifaces ? 0 : -ENOMEM;
}

/* ---- the second pass ---- */

static void forget_threads(struct scap_lists *l)
{
	for (uint32_t i = 0; i < l->threads.cap; i++) {
		struct thread *t = l->threads.vals[i];

		if (t) {
			map_done(&t->fds);
			free(t);
		}
	}
	map_done(&l->threads);
	for (uint32_t i = 0; i < l->processes.cap; i++)
		free(l->processes.vals[i]);
	map_done(&l->processes);
}

int scap_lists_again(struct scap_lists *l)
{
	forget_threads(l);
	l->again = true;
	for (uint32_t i = 0; i < l->n_first; i++) {
		const struct hc_scap_proc *p = &l->first[i]->proc;
		struct thread *t = thread_new(l, p->tid, p->pid, THREAD_INITIAL);

		if (!t)
			return -ENOMEM;
		t->origin = l->first[i];
		t->is = l->first[i]->is;
		l->first[i]->guessed = false;
		if (joins(l, p->tid, t) < 0)
			return -ENOMEM;
	}
	return 0;
}

const struct scap_fix *scap_lists_fixes(const struct scap_lists *l, uint32_t *ret_n)
{
	*ret_n = l->n_fixes;
	return l->fixes;
}

unsigned scap_lists_tell(const struct scap_lists *l, int64_t *ret_end)
{
	*ret_end = l->tell_end;
	return l->tell;
}

uint32_t scap_lists_container(const struct scap_lists *l)
{
	return l->ctr;
}

const struct scap_name *scap_lists_names(const struct scap_lists *l, uint32_t *ret_n)
{
	*ret_n = l->n_names;
	return l->names;
}

/* ---- writing ---- */

static int by_id(const void *a, const void *b)
{
	const struct user *u = *(struct user *const *)a, *w = *(struct user *const *)b;

	return u->u.uid != w->u.uid ? u->u.uid < w->u.uid ? -1 : 1 : 0;
}

static int write_users(const struct map *m, struct hc_scap_writer *w, uint64_t *n_users, struct hc_err *err)
{
	struct user **all = calloc(m->n ? m->n : 1, sizeof(*all));
	uint32_t n = 0;
	int r = 0;

	if (!all)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < m->cap; i++)
		if (m->vals[i])
			all[n++] = m->vals[i];
	qsort(all, n, sizeof(struct user *), by_id);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = all[i]->group ? hc_scap_write_group(w, &all[i]->u, err)
		                  : hc_scap_write_user(w, &all[i]->u, err);
	*n_users += n;
	free(all);
	return r;
}

static int by_tid(const void *a, const void *b)
{
	const struct first *f = *(struct first *const *)a, *g = *(struct first *const *)b;

	return f->proc.tid != g->proc.tid ? f->proc.tid < g->proc.tid ? -1 : 1 : 0;
}

static int by_num(const void *a, const void *b)
{
	const struct hc_scap_fd *f = a, *g = b;

	return f->fd != g->fd ? f->fd < g->fd ? -1 : 1 : 0;
}

int scap_lists_write(struct scap_lists *l, struct hc_scap_writer *w, struct hc_scap_export_stats *stats,
                     struct hc_err *err)
{
	int r = hc_scap_write_machine(w, &l->machine, err);

	for (uint32_t i = 0; r == 0 && i < l->n_ifaces; i++)
		r = hc_scap_write_iface(w, &l->ifaces[i], err);
	if (r == 0)
		r = write_users(&l->users, w, &stats->n_users, err);
	if (r == 0)
		r = write_users(&l->groups, w, &stats->n_users, err);
	qsort(l->first, l->n_first, sizeof(struct first *), by_tid);
	for (uint32_t i = 0; r == 0 && i < l->n_first; i++)
		r = hc_scap_write_proc(w, &l->first[i]->proc, err);
	for (uint32_t i = 0; r == 0 && i < l->n_first; i++) {
		struct first *f = l->first[i];

		if (f->n_fds)
			qsort(f->fds, f->n_fds, sizeof(*f->fds), by_num);
		for (uint32_t k = 0; r == 0 && k < f->n_fds; k++)
			r = hc_scap_write_fd(w, &f->fds[k], err);
	}
	stats->n_threads += l->n_first;
	stats->n_fds += l->n_fds;
	stats->n_unplaced_fds += l->n_unplaced;
	stats->n_over_limit += l->n_over;
	return r;
}

struct scap_lists *scap_lists_new(bool imported)
{
	struct scap_lists *l = calloc(1, sizeof(*l));

	if (l)
		l->imported = imported;
	return l;
}

struct scap_lists *scap_lists_free(struct scap_lists *l)
{
	if (!l)
		return NULL;
	forget_threads(l);
	map_done(&l->users);
	map_done(&l->groups);
	map_done(&l->told);
	map_done(&l->named);
	for (uint32_t i = 0; i < l->n_first; i++) {
		map_done(&l->first[i]->known);
		free(l->first[i]->fds);
		free(l->first[i]);
	}
	free(l->first);
	hc_arena_done(&l->arena);
	free(l);
	return NULL;
}
