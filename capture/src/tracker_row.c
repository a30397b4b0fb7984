/*
 * From a record to a row: what it changes, what its arguments are, and the cells.
 *
 * A plan per event type, made once from the event table, says for each argument what kind it is and where it goes;
 * only what a call does to processes, sockets and names is code of its own. Effects come first, with what was
 * before kept; then the row is begun and everything it refers to is put into its block.
 */
#include "nargs.h"
#include "tracker_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "dns.h"

#define MASK_MIN_TEXT 8u /* a shorter text has no room for a name and its value */

/* What an argument is: one of these, by its kind; references. */
struct row_arg {
	struct tfd *fd;
	struct tpath *path;
	struct tfile *file;
	struct tver *proc;
	struct tsock *sock;
};

struct row {
	struct wrec r;
	/* from here on zeroed for each record */
	const struct hc_wire_head *head;
	const struct plan *plan;
	struct ttask *task;
	struct tver *before, *after, *target; /* references */
	struct tproc *reaper;
	struct tctr *ctr;
	struct txt *old_comm;
	struct hc_cells *cells; /* of the row, in its place in the block */
	bool late;
	/* those that plan.held says */
	struct row_arg arg[HC_WIRE_MAX_SLOTS];
};

/* ---- plans ---- */

static bool name_is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Types of which arguments lie in a structure, which may not be readable. */
static bool is_from_struct(unsigned type)
{
	switch (type) {
	case HC_EV_BPF:
	case HC_EV_PERF_EVENT_OPEN:
	case HC_EV_CLONE3:
	case HC_EV_SETXATTRAT:
	case HC_EV_OPEN_TREE_ATTR:
	case HC_EV_MOUNT_SETATTR:
	case HC_EV_ADJTIMEX:
	case HC_EV_CLOCK_ADJTIME:
	case HC_EV_LANDLOCK_CREATE_RULESET:
	case HC_EV_LANDLOCK_ADD_RULE:
	case HC_EV_RT_SIGACTION:
	case HC_EV_WAIT4:
		return true;
	default:
		return false;
	}
}

static bool absent_allowed(const struct hc_table_desc *d, const struct hc_col_desc *col)
{
	/* raw registers may hold any number; what the recorder fills in, or reads where they point, may be missing
	 */
	return col->fmt != HC_FMT_HEX || is_from_struct(d->number) || strncmp(col->arg, "map_", 4) == 0 ||
	       ((d->number == HC_EV_SIGNALFD || d->number == HC_EV_SIGNALFD4) && name_is(col->arg, "mask")) ||
	       (d->number == HC_EV_IOCTL && name_is(col->arg, "value"));
}

/* Whether a call of the type changes nothing that brings no facts but names and known descriptors. */
static bool is_plain(const struct plan *p)
{
	static const enum hc_kind kinds[] = { HC_KIND_FILE, HC_KIND_FDOBJ, HC_KIND_PID, HC_KIND_PROC,
		                              HC_KIND_CTR };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (p->of_kind[kinds[i]])
			return false;
	for (unsigned i = 0; i < p->n_args; i++)
		if (p->arg[i].is_dev)
			return false;
	if (p->of_kind[HC_KIND_PATH] && p->late)
		return false;
	/* these two do something to their socket all the same */
	return p->desc->number != HC_EV_CONNECT && p->desc->number != HC_EV_LISTEN;
}

static void plan_valid(struct plan *p, unsigned col)
{
	p->valid[col / 64] |= UINT64_C(1) << (col % 64);
}

static void plan_cells(struct plan *p)
{
	plan_valid(p, HC_COL_RET);
	plan_valid(p, HC_COL_NR);
	plan_valid(p, HC_COL_ROW_FLAGS);
	for (unsigned i = 0; i < p->n_args; i++) {
		const struct plan_arg *a = &p->arg[i];
		bool is_fd = a->kind == HC_KIND_FD;

		if (!is_fd && !(p->numbers >> i & 1))
			continue;
		p->cell[p->n_cells++] = (struct plan_cell){ .arg = (uint8_t)i,
			                                    .col = (uint8_t)a->col,
			                                    .is_fd = is_fd,
			                                    .absent_ok = is_fd || a->absent_ok };
		plan_valid(p, a->col);
	}
}

_Static_assert(HC_MAX_COLS <= UINT8_MAX, "a column's number is a byte");

/* Argument that has the name of which this one is the value; -1: none. */
static int16_t named_by(unsigned type, unsigned i)
{
	static const struct {
		uint16_t type, name, value;
	} named[] = {
		{ HC_EV_FSCONFIG, HC_A_FSCONFIG_key_name, HC_A_FSCONFIG_value_charbuf },
		{ HC_EV_FSCONFIG, HC_A_FSCONFIG_key_name, HC_A_FSCONFIG_value_bytebuf },
		{ HC_EV_SETXATTR, HC_A_SETXATTR_name, HC_A_SETXATTR_value },
		{ HC_EV_LSETXATTR, HC_A_LSETXATTR_name, HC_A_LSETXATTR_value },
		{ HC_EV_FSETXATTR, HC_A_FSETXATTR_name, HC_A_FSETXATTR_value },
		{ HC_EV_SETXATTRAT, HC_A_SETXATTRAT_name, HC_A_SETXATTRAT_value },
	};

	for (size_t k = 0; k < sizeof(named) / sizeof(named[0]); k++)
		if (named[k].type == type && named[k].value == i)
			return (int16_t)named[k].name;
	return -1;
}

static void plan_make(struct plan *p, const struct hc_table_desc *d)
{
	p->desc = d;
	p->n_args = (uint8_t)(d->n_wire < HC_WIRE_MAX_SLOTS ? d->n_wire : HC_WIRE_MAX_SLOTS);
	p->newfd = p->sock_after = -1;
	p->opens = d->number == HC_EV_OPEN || d->number == HC_EV_OPENAT || d->number == HC_EV_OPENAT2 ||
	           d->number == HC_EV_CREAT;
	/* not for what only looks: too many, and nothing hangs on it */
	p->late = d->number >= HC_EV_EXECVE && d->profile != HC_PROFILE_FULL && d->number != HC_EV_MPROTECT &&
	          d->number != HC_EV_PKEY_MPROTECT;
	for (int i = 0; i < p->n_args; i++) {
		struct plan_arg *a = &p->arg[i];
		const struct hc_col_desc *col = &d->cols[d->arg_cols[i]];

		a->kind = col->kind;
		p->of_kind[col->kind] |= (uint16_t)(1u << i);
		a->col = d->arg_cols[i];
		a->name = col->arg;
		a->absent_ok = absent_allowed(d, col);
		a->is_dev = col->fmt == HC_FMT_DEV;
		a->named_by = named_by(d->number, (unsigned)i);
		a->dirfd = -1;
		if (a->kind == HC_KIND_PATH && i > 0 && p->arg[i - 1].kind == HC_KIND_FD &&
		    (strstr(p->arg[i - 1].name, "dirfd") || strstr(p->arg[i - 1].name, "dfd")))
			a->dirfd = (int16_t)(i - 1);
		if (a->kind == HC_KIND_FDOBJ && (name_is(a->name, "newfd") || name_is(a->name, "newfd_obj")))
			p->newfd = (int16_t)i;
		if (a->kind == HC_KIND_SOCK)
			p->sock_after = (int16_t)i;
		a->role = name_is(a->name, "proc_after") ? ROLE_PROC_AFTER
		          : name_is(a->name, "child")    ? ROLE_CHILD
		          : name_is(a->name, "target")   ? ROLE_TARGET
		                                         : ROLE_PLAIN;
		if ((a->kind == HC_KIND_INT || a->kind == HC_KIND_UINT) && !a->is_dev)
			p->numbers |= (uint16_t)(1u << i);
		if ((a->kind == HC_KIND_PID && d->number != HC_EV_PROC_EXIT) ||
		    (a->kind == HC_KIND_PROC && a->role == ROLE_PLAIN))
			p->procs |= (uint16_t)(1u << i);
	}
	p->fds = p->of_kind[HC_KIND_FD] | p->of_kind[HC_KIND_FDOBJ];
	p->held = p->fds | p->of_kind[HC_KIND_PATH] | p->of_kind[HC_KIND_FILE] | p->of_kind[HC_KIND_SOCK] |
	          p->of_kind[HC_KIND_PID] | p->of_kind[HC_KIND_PROC] | 1u;
	p->others = (uint16_t)(((1u << p->n_args) - 1) & ~(unsigned)p->numbers);
	p->plain = is_plain(p);
	if (p->plain)
		plan_cells(p);
}

void plans_make(struct hc_tracker *t)
{
	for (unsigned type = 32; type < HC_EV_MAX; type++)
		if (hc_event_desc(type))
			plan_make(&t->plan[type], hc_event_desc(type));
}

_Static_assert(HC_WIRE_MAX_SLOTS <= 16, "a bit per argument");

/* Goes over the arguments of a mask, in their order. */
#define EACH_ARG(mask, i)                                                                              \
	for (unsigned i##_left = (mask), i; i##_left && (i = (unsigned)__builtin_ctz(i##_left), true); \
	     i##_left &= i##_left - 1)

static uint64_t slot(const struct row *w, unsigned i)
{
	return i < w->r.n_slots ? w->r.slot[i] : 0;
}

static bool has_slot(const struct row *w, unsigned i)
{
	return i < w->r.n_slots && w->r.slot[i] != HC_WIRE_ABSENT;
}

static bool worked(const struct row *w)
{
	return w->head->ret >= 0;
}

/* ---- rows in general ---- */

static bool has_writer(const struct hc_tracker *t, struct hc_err *err)
{
	if (!t->w)
		hc_err_set(err, -EINVAL, "the tracker has no writer");
	return t->w;
}

struct hc_builder *row_begin(struct hc_tracker *t, unsigned type, uint64_t ts_ns, struct hc_err *err)
{
	return has_writer(t, err) ? hc_writer_begin(t->w, type, ts_ns, err) : NULL;
}

struct hc_cells *row_cells(struct hc_tracker *t, unsigned type, uint64_t ts_ns, struct hc_builder **ret,
                           struct hc_err *err)
{
	return has_writer(t, err) ? hc_writer_cells(t->w, type, ts_ns, ret, err) : NULL;
}

int row_put(struct hc_tracker *t, struct hc_row_head *head, const struct hc_cells *cells, struct hc_err *err)
{
	t->stats.n_rows++;
	t->stats.rows_by_type[head->type]++;
	return hc_writer_row(t->w, head, cells, err);
}

int row_end(struct hc_tracker *t, unsigned type, uint16_t cpu, uint64_t ts_ns, uint64_t *ret_seq,
            struct hc_err *err)
{
	struct hc_row_head head = { .type = (uint16_t)type, .cpu = cpu, .ts_ns = ts_ns };
	const struct hc_table_desc *d = hc_event_desc(type);
	int r = row_put(t, &head, &t->cells, err);

	memset(t->cells.valid, 0, sizeof(t->cells.valid));
	memset(t->cells.v, 0, d->n_cols * sizeof(t->cells.v[0]));
	if (ret_seq)
		*ret_seq = head.seq;
	return r;
}

/* ---- processes that arguments name ---- */

static struct tver *proc_of_arg(struct hc_tracker *t, const struct row *w, unsigned i)
{
	const struct hc_wire_taskref *ref = WREC_GET(&w->r, HC_WIRE_F_TASKREF, i, struct hc_wire_taskref);
	const struct hc_wire_task *task;
	struct tproc *p = NULL;
	int64_t n = (int32_t)slot(w, i);

	if (!ref)
		ref = WREC_GET(&w->r, HC_WIRE_F_TASKREF, HC_WIRE_SUBJ_TARGET, struct hc_wire_taskref);
	task = WREC_GET(&w->r, HC_WIRE_F_TASK, HC_WIRE_SUBJ_TARGET, struct hc_wire_task);
	if (ref && ref->tgid) {
		p = proc_get(t, ref->tgid, ref->leader_start_ns);
	} else if (task && task->tgid) {
		p = proc_get(t, task->tgid, task->leader_start_ns);
	} else if (n == 0 && w->task &&
	           (w->head->type == HC_EV_SETPGID || w->head->type == HC_EV_CAPSET ||
	            w->head->type == HC_EV_PRLIMIT64 || w->head->type == HC_EV_PERF_EVENT_OPEN)) {
		p = w->task->proc;
	} else if (w->head->type == HC_EV_OOM_KILL || w->head->type == HC_EV_SIG_SEND) {
		p = n > 0 ? proc_find(t, (uint32_t)n, 0) : NULL; /* numbers of the initial pid namespace */
	} else if (w->before) {
		p = proc_by_number(t, w->before, n);
	}
	if (!p)
		return NULL;
	proc_refresh(t, p);
	return REF(p->cur);
}

/* ---- effects on processes ---- */

static uint8_t cause_of(unsigned type)
{
	switch (type) {
	case HC_EV_CHDIR:
	case HC_EV_FCHDIR:
		return HC_CAUSE_CWD;
	case HC_EV_CHROOT:
	case HC_EV_PIVOT_ROOT:
		return HC_CAUSE_ROOT;
	case HC_EV_UNSHARE:
	case HC_EV_SETNS:
	case HC_EV_SETHOSTNAME:
		return HC_CAUSE_NS;
	case HC_EV_PRCTL:
		return HC_CAUSE_PRCTL;
	case HC_EV_SETSID:
	case HC_EV_SETPGID:
		return HC_CAUSE_SESSION;
	case HC_EV_SETRLIMIT:
	case HC_EV_PRLIMIT64:
		return HC_CAUSE_LIMIT;
	case HC_EV_PROC_RENAME:
		return HC_CAUSE_COMM;
	case HC_EV_CG_ATTACH:
		return HC_CAUSE_CGROUP;
	default:
		return HC_CAUSE_CREDS;
	}
}

static void effect_setpgid(struct hc_tracker *t, struct row *w)
{
	int64_t pid = (int32_t)slot(w, HC_A_SETPGID_pid), pgid = (int32_t)slot(w, HC_A_SETPGID_pgid);
	struct tproc *p = pid ? proc_by_number(t, w->before, pid) : w->task->proc, *l;
	struct edit e;

	if (!p || !worked(w))
		return;
	l = pgid ? proc_by_number(t, w->before, pgid) : p;
	if (!edit_begin(t, &e, p, p == w->task->proc ? w->task : NULL, HC_CAUSE_SESSION))
		return;
	if (l && e.v->has & HAS_IDS && e.v->pgid != l->tgid) {
		e.v->pgid = l->tgid;
		e.v->vpgid = l->cur->n_vpids ? l->cur->vpids[l->cur->n_vpids - 1] : l->tgid;
		e.changed = true;
		e.thread_only = false;
		ver_leaders(t, p, e.v);
	}
	if (p == w->task->proc)
		edit_facts(t, &e, &w->r, HC_WIRE_SUBJ_ROW);
	w->after = REF(edit_end(t, &e));
}

/* A limit of somebody else; the caller's own is a fact of the record. */
static void effect_prlimit(struct hc_tracker *t, const struct row *w)
{
	int64_t pid = (int32_t)slot(w, HC_A_PRLIMIT64_pid);
	struct tproc *p = pid ? proc_by_number(t, w->before, pid) : NULL;
	uint64_t nofile = slot(w, HC_A_PRLIMIT64_new_cur);
	struct edit e;

	if (!p || p == w->task->proc || !worked(w) || slot(w, HC_A_PRLIMIT64_resource) != RLIMIT_NOFILE ||
	    !has_slot(w, HC_A_PRLIMIT64_new_cur))
		return;
	proc_refresh(t, p);
	if (!edit_begin(t, &e, p, NULL, HC_CAUSE_LIMIT))
		return;
	if (!(e.v->has & HAS_NOFILE) || e.v->nofile != nofile) {
		e.v->nofile = nofile;
		e.v->has |= HAS_NOFILE;
		e.changed = true;
		e.thread_only = false;
	}
	edit_end(t, &e);
}

/* Whom a change of directories concerns. */
static void effect_dirs(struct hc_tracker *t, const struct row *w)
{
	struct tproc *p = w->task->proc;

	if (!p->dirs_next || !worked(w))
		return;
	switch (w->head->type) {
	case HC_EV_CHDIR:
	case HC_EV_FCHDIR:
	case HC_EV_CHROOT:
	case HC_EV_PIVOT_ROOT:
		proc_share_dirs(t, p);
		break;
	case HC_EV_UNSHARE:
		if (slot(w, HC_A_UNSHARE_flags) & (CLONE_FS | CLONE_NEWNS | CLONE_NEWUSER))
			proc_own_dirs(p);
		break;
	default:
		break;
	}
}

static void effect_rename(struct hc_tracker *t, struct row *w)
{
	const struct hc_wire_taskref *ref =
		WREC_GET(&w->r, HC_WIRE_F_TASKREF, HC_WIRE_SUBJ_TARGET, struct hc_wire_taskref);
	struct hc_str comm = wrec_str(&w->r, HC_A_PROC_RENAME_new_comm);
	struct ttask *k = w->task;
	struct txt *s;
	struct edit e;

	if (!ref)
		ref = WREC_GET(&w->r, HC_WIRE_F_TASKREF, HC_A_PROC_RENAME_target, struct hc_wire_taskref);
	/* one that names itself is the caller, whatever else the record says of it: it must not be taken for
	 * another with its number, whose place it would lose in the middle of its own row */
	if (ref && ref->tid && (!k || ref->tid != k->tid))
		k = task_get(t, ref->tid, ref->tgid, ref->leader_start_ns);
	if (!k || !comm.p)
		return;
	proc_refresh(t, k->proc);
	w->target = REF1(task_ver(k));
	w->old_comm = REF(w->target->comm);
	if (k == w->task && !k->pre_name)
		k->pre_name = REF1(w->target);
	if (!edit_begin(t, &e, k->proc, k, HC_CAUSE_COMM))
		return;
	s = txt_get(t, comm.p, comm.len);
	if (s != e.v->comm) {
		txt_unref(t, e.v->comm);
		e.v->comm = REF(s);
		e.changed = true;
	}
	txt_unref(t, s);
	w->after = REF(edit_end(t, &e));
}

static void effect_attach(struct hc_tracker *t, struct row *w)
{
	const struct hc_wire_taskref *ref =
		WREC_GET(&w->r, HC_WIRE_F_TASKREF, HC_WIRE_SUBJ_TARGET, struct hc_wire_taskref);
	struct hc_str path = wrec_str(&w->r, HC_A_CG_ATTACH_path);
	uint64_t id = slot(w, HC_A_CG_ATTACH_cgroup_id);
	struct ttask *k = NULL;
	struct tproc *p;
	struct edit e;

	if (!ref)
		ref = WREC_GET(&w->r, HC_WIRE_F_TASKREF, HC_A_CG_ATTACH_target, struct hc_wire_taskref);
	p = ref && ref->tgid ? proc_get(t, ref->tgid, ref->leader_start_ns) : NULL;
	if (!p)
		return;
	if (!slot(w, HC_A_CG_ATTACH_threadgroup) &&
	    ref->tid != ref->tgid) /* one thread, by a v1 hierarchy's `tasks` */
		k = task_get(t, ref->tid, ref->tgid, ref->leader_start_ns);
	proc_refresh(t, p);
	w->target = REF(k ? task_ver(k) : p->cur);
	if (!edit_begin(t, &e, p, k, HC_CAUSE_CGROUP))
		return;
	if (cgs_moved(t, e.v, p->tgid, id, (unsigned)slot(w, HC_A_CG_ATTACH_hierarchy), path)) {
		e.changed = true;
		e.thread_only = k != NULL;
	}
	w->after = REF(edit_end(t, &e));
	p->excluded = proc_is_excluded(t, p->cur);
}

/* An exec that no record told of: the running image is read from /proc. */
static void exec_missed(struct hc_tracker *t, struct ttask *k, uint32_t exec_id)
{
	struct tproc *p = k->proc;
	struct edit e;

	p->exec_id = exec_id;
	if (!edit_begin(t, &e, p, NULL, HC_CAUSE_EXEC))
		return;
	e.v->flags |= HC_PROC_SYNTH | HC_PROC_INCOMPLETE;
	if (t->proc_reads < MAX_PROC_READS) {
		t->proc_reads++;
		if (procfs_fill(t, p->tgid, p->start_ns, PROCFS_IMAGE | PROCFS_DIRS, e.v))
			e.v->flags &= ~(uint32_t)HC_PROC_INCOMPLETE;
	}
	e.changed = true;
	e.thread_only = false;
	edit_end(t, &e);
	p->cur->lineage = ++t->next_lineage; /* not seen by anybody yet */
	p->cur->lineage_ns = t->now_ns;
	if (p->n_children)
		t->tree_gen++;
}

static bool tells_state(const struct wrec *r)
{
	static const uint32_t kinds =
		1u << HC_WIRE_F_CREDS | 1u << HC_WIRE_F_NS | 1u << HC_WIRE_F_TASK | 1u << HC_WIRE_F_GROUPS;

	if (r->kinds & kinds)
		return true;
	return r->kinds >> HC_WIRE_F_PATH & 1 &&
	       (wrec_fact(r, HC_WIRE_F_PATH, HC_WIRE_SUBJ_CWD) || wrec_fact(r, HC_WIRE_F_PATH, HC_WIRE_SUBJ_ROOT));
}

static void effect_process(struct hc_tracker *t, struct row *w)
{
	struct tproc *p;
	struct edit e;
	uint32_t ns_mnt;

	switch (w->head->type) {
	case HC_EV_PROC_FORK:
		p = w->task ? proc_fork(t, &w->r, w->task) : NULL;
		if (p)
			w->target = REF(p->cur);
		return;
	case HC_EV_PROC_EXEC:
		if (w->task) {
			proc_exec(t, &w->r, w->task);
			w->after = REF(w->task->proc->cur);
		}
		return;
	case HC_EV_PROC_EXIT:
		w->reaper = w->task ? proc_exit(t, &w->r, w->task) : NULL;
		return;
	case HC_EV_PROC_RENAME:
		effect_rename(t, w);
		return;
	case HC_EV_CG_ATTACH:
		effect_attach(t, w);
		return;
	case HC_EV_SETPGID:
		if (w->task)
			effect_setpgid(t, w);
		return;
	case HC_EV_PRLIMIT64:
		if (w->task)
			effect_prlimit(t, w);
		break;
	default:
		break;
	}
	if (!w->task || !tells_state(&w->r) || !edit_begin(t, &e, w->task->proc, w->task, cause_of(w->head->type)))
		return;
	ns_mnt = e.v->ns.mnt;
	edit_facts(t, &e, &w->r, HC_WIRE_SUBJ_ROW);
	if (e.v->ns.mnt != ns_mnt)
		e.v->entered = w->head->type == HC_EV_SETNS ? ENTERED : NOT_ENTERED;
	w->after = REF(edit_end(t, &e));
	effect_dirs(t, w);
}

/* ---- descriptors and sockets ---- */

/* The peer that a datagram's address names, where the socket has none of its own. */
static bool peer_from_addr(struct hc_wire_sock *w, const struct wfact *f)
{
	const uint8_t *p = f ? f->p : NULL;
	uint16_t family;

	if (!p || f->bytes < 8 || w->rport)
		return false;
	memcpy(&family, p, 2);
	if (family != w->family)
		return false;
	if (family == 2) {
		w->rport = (uint16_t)(p[2] << 8 | p[3]);
		memset(w->raddr, 0, sizeof(w->raddr));
		memcpy(w->raddr, p + 4, 4);
		return true;
	}
	if (family == 10 && f->bytes >= 24) {
		w->rport = (uint16_t)(p[2] << 8 | p[3]);
		memcpy(w->raddr, p + 8, 16);
		return true;
	}
	return false;
}

static const struct wfact *addr_fact(const struct row *w)
{
	EACH_ARG(w->plan->of_kind[HC_KIND_ADDR], i)
	return wrec_fact(&w->r, HC_WIRE_F_ADDR, i);
	return NULL;
}

/* Whether `old` has these ends. */
static bool peer_same(const struct tsock *old, const struct hc_wire_sock *w, const struct tsock *s)
{
	return old && old->w.rport == w->rport && memcmp(old->w.raddr, w->raddr, 16) == 0 &&
	       old->w.lport == w->lport && memcmp(old->w.laddr, w->laddr, 16) == 0 && old->peer == s->peer &&
	       old->local == s->local;
}

/* The object of argument `i` and the table follow a new endpoint. */
static void fd_follows(struct hc_tracker *t, struct row *w, int i, struct tsock *s)
{
	if (i >= 0 && w->arg[i].fd)
		fd_set_sock(t, w->arg[i].fd, s);
}

static void effect_datagram(struct hc_tracker *t, struct row *w, int after)
{
	struct tsock *s = sock_see(t, &w->r, (unsigned)after, NULL), *n,
		     *old = w->arg[0].fd ? w->arg[0].fd->sock : NULL;
	struct hc_wire_sock ends;

	if (!s)
		s = REF(old);
	if (!s)
		return;
	ends = s->w;
	peer_from_addr(&ends, addr_fact(w));
	if (!worked(w) || peer_same(old, &ends, s)) {
		sock_unref(t, s);
		return;
	}
	n = sock_copy(s);
	sock_unref(t, s);
	if (!n)
		return;
	n->w = ends;
	if (n->role == ROLE_NONE)
		n->role = old && old->role ? old->role : ROLE_CLIENT;
	if (n->w.rport)
		n->connected = 1;
	w->arg[after].sock = n;
	fd_follows(t, w, 0, n);
}

static void effect_socket(struct hc_tracker *t, struct row *w)
{
	int after = w->plan->sock_after;
	struct tsock *s;

	switch (w->head->type) {
	case HC_EV_CONNECT:
		s = sock_see(t, &w->r, (unsigned)after, NULL);
		if (!s && w->arg[0].fd)
			s = REF(w->arg[0].fd->sock);
		if (s && (worked(w) || w->head->ret == -EINPROGRESS)) {
			if (s->role == ROLE_NONE)
				s = sock_role(t, s, ROLE_CLIENT);
			fd_follows(t, w, 0, s);
		}
		w->arg[after].sock = s;
		return;
	case HC_EV_BIND:
		s = sock_see(t, &w->r, (unsigned)after, NULL);
		if (s && worked(w)) {
			if (s->w.lport && s->role == ROLE_NONE)
				s = sock_role(t, s, ROLE_SERVER);
			fd_follows(t, w, 0, s);
		}
		w->arg[after].sock = s;
		return;
	case HC_EV_LISTEN:
		if (w->arg[0].fd && w->arg[0].fd->sock && worked(w)) {
			s = sock_role(t, REF(w->arg[0].fd->sock), ROLE_SERVER);
			fd_follows(t, w, 0, s);
			sock_unref(t, s);
		}
		return;
	case HC_EV_ACCEPT:
	case HC_EV_ACCEPT4:
		if (w->plan->newfd >= 0 && w->arg[w->plan->newfd].fd && w->arg[w->plan->newfd].fd->sock) {
			struct tfd *f = w->arg[w->plan->newfd].fd;

			s = sock_role(t, REF(f->sock), ROLE_SERVER);
			w->arg[w->plan->newfd].fd = REF(fd_set_sock(t, f, s));
			fd_unref(t, f);
			sock_unref(t, s);
		}
		return;
	case HC_EV_TCP_STATE: {
		uint64_t old = slot(w, HC_A_TCP_STATE_old), new = slot(w, HC_A_TCP_STATE_new);

		s = sock_see(t, &w->r, HC_A_TCP_STATE_sock, w->before);
		if (!s)
			s = sock_see(t, &w->r, HC_WIRE_SUBJ_ROW, w->before);
		if (s && s->role == ROLE_NONE)
			s = sock_role(t, s,
			              new == 2 || old == 2                             ? ROLE_CLIENT
			              : new == 10 || new == 3 || old == 3 || old == 12 ? ROLE_SERVER
			                                                               : ROLE_NONE);
		w->arg[HC_A_TCP_STATE_sock].sock = s;
		return;
	}
	default:
		if (after >= 0)
			effect_datagram(t, w, after);
	}
}

static void see_fds(struct hc_tracker *t, struct row *w)
{
	if (!wrec_has(&w->r, HC_WIRE_F_FD))
		return;
	EACH_ARG(w->plan->of_kind[HC_KIND_FD], i)
	w->arg[i].fd = REF(fd_see(t, &w->r, i, w->task, w->before, NULL));
}

/* After the paths are known: the new descriptor carries the name it was opened by. */
static void see_new_fds(struct hc_tracker *t, struct row *w)
{
	const struct plan *p = w->plan;

	if (!wrec_has(&w->r, HC_WIRE_F_FD))
		return;
	EACH_ARG(p->of_kind[HC_KIND_FDOBJ], i)
	{
		struct tpath *opened = NULL;
		struct tfd *f;

		EACH_ARG(p->opens ? p->of_kind[HC_KIND_PATH] : 0u, k)
		opened = opened ? opened : w->arg[k].path;
		f = fd_see(t, &w->r, i, w->task, w->before, opened);
		if (!f && (int)i == p->newfd)
			f = fd_see(t, &w->r, HC_WIRE_SUBJ_RET, w->task, w->before, opened);
		w->arg[i].fd = REF(f);
	}
}

/* ---- paths ---- */

/* What names are relative to; f: the directory that `dirfd` is, NULL: not known. */
static struct txt *base_of(const struct tver *v, uint64_t dirfd, const struct tfd *f)
{
	if (!v)
		return NULL;
	if ((int32_t)dirfd == AT_FDCWD)
		return v->cwd ? v->cwd->real : NULL;
	if (!f || !f->path)
		return NULL;
	return f->path->abs ? f->path->abs : f->path->real;
}

static bool worth_late(const struct row *w)
{
	if (w->head->type == HC_EV_OPENAT2 && slot(w, HC_A_OPENAT2_resolve) & RESOLVE_CACHED)
		return false;
	switch (w->head->ret) {
	case -ENOENT:
	case -ENOTDIR:
	case -EFAULT:
	case -ENAMETOOLONG:
	case -EBADF:
	case -EINVAL:
	case -ELOOP:
		return false;
	default:
		return true;
	}
}

static bool is_url(unsigned type, const struct row *w, struct hc_str given)
{
	/* the source of a mount is a path only for some file systems */
	return type == HC_EV_MOUNT && (!given.p || given.len == 0 || given.p[0] != '/') &&
	       !(slot(w, HC_A_MOUNT_flags) & 4096 /* bind */);
}

static const struct wfact *kernel_path(const struct row *w, unsigned i)
{
	const struct wfact *f = wrec_fact(&w->r, HC_WIRE_F_PATH, i);

	if (f || !wrec_has(&w->r, HC_WIRE_F_PATH))
		return f;
	switch (w->head->type) {
	case HC_EV_CHDIR:
		return worked(w) ? wrec_fact(&w->r, HC_WIRE_F_PATH, HC_WIRE_SUBJ_CWD) : NULL;
	case HC_EV_CHROOT:
		return NULL; /* the new root is walked from the real one: another text than the caller's */
	case HC_EV_MPROTECT:
	case HC_EV_PKEY_MPROTECT:
	case HC_EV_MOD_LOAD:
		return wrec_fact(&w->r, HC_WIRE_F_PATH, HC_WIRE_SUBJ_FILE);
	default:
		break;
	}
	if (w->plan->opens && worked(w)) {
		f = wrec_fact(&w->r, HC_WIRE_F_PATH, HC_WIRE_SUBJ_RET);
		if (!f && w->plan->newfd >= 0)
			f = wrec_fact(&w->r, HC_WIRE_F_PATH, (unsigned)w->plan->newfd);
	}
	return f;
}

static void see_path(struct hc_tracker *t, struct row *w, unsigned i)
{
	const struct plan_arg *a = &w->plan->arg[i];
	struct path_ask ask = { .given = wrec_str(&w->r, i), .fact = kernel_path(w, i) };
	struct txt *late = NULL;
	char abs[PATH_MAX + 256];
	uint32_t n;

	if (!ask.given.p && !ask.fact)
		return;
	if (ask.fact && ask.fact->bytes >= sizeof(struct hc_wire_path) &&
	    ((const struct hc_wire_path *)ask.fact->p)->flags & HC_WIRE_PATH_NAME)
		ask.fact = NULL;
	ask.base = a->dirfd < 0 ? base_of(w->before, (uint64_t)AT_FDCWD, NULL)
	                        : base_of(w->before, slot(w, (unsigned)a->dirfd), w->arg[a->dirfd].fd);
	if (is_url(w->head->type, w, ask.given) && a->col == HC_C_MOUNT_source)
		ask.base = NULL;
	if (w->head->type == HC_EV_PROC_EXEC && w->after && w->after->image) {
		w->arg[i].path = REF(w->after->image->filename);
		return;
	}
	if (!ask.fact && w->plan->late && w->before && ask.given.p && worth_late(w)) {
		n = path_join(txt_str(ask.base), ask.given, abs, sizeof(abs));
		if (n) {
			struct hc_str text = { abs, n };

			late = path_late(t, w->before, text);
			ask.real = late ? txt_str(late) : text;
			ask.prov = late ? 4 : 5;
		}
	}
	w->arg[i].path = path_get(t, &ask);
	txt_unref(t, late);
}

static void see_paths(struct hc_tracker *t, struct row *w)
{
	EACH_ARG(w->plan->of_kind[HC_KIND_PATH], i)
	see_path(t, w, i);
}

/* What a change of names makes of the cache. */
static void effect_names(struct hc_tracker *t, struct row *w)
{
	bool all = false;

	switch (w->head->type) {
	case HC_EV_MOUNT:
	case HC_EV_UMOUNT2:
	case HC_EV_MOVE_MOUNT:
	case HC_EV_PIVOT_ROOT:
	case HC_EV_CHROOT:
	case HC_EV_SETNS:
	case HC_EV_UNSHARE:
		all = true;
		break;
	case HC_EV_RENAME:
	case HC_EV_RENAMEAT:
	case HC_EV_RENAMEAT2:
	case HC_EV_RMDIR:
	case HC_EV_UNLINK:
	case HC_EV_UNLINKAT:
	case HC_EV_SYMLINK:
	case HC_EV_SYMLINKAT:
	case HC_EV_MKDIR:
	case HC_EV_MKDIRAT:
		break;
	default:
		return;
	}
	if (!worked(w))
		return;
	if (all)
		path_changed(t, NULL, true);
	EACH_ARG(w->plan->of_kind[HC_KIND_PATH], i)
	if (w->arg[i].path)
		path_changed(t, w->arg[i].path, false);
}

static struct hc_str parent_dir(struct hc_str abs)
{
	while (abs.len > 1 && abs.p[abs.len - 1] != '/')
		abs.len--;
	if (abs.len > 1)
		abs.len--;
	return abs;
}

/* Whether the call was about what the name p leads to, and not about a symbolic link of that name. */
static bool follows(const struct row *w, const struct tpath *p)
{
	uint64_t flags;

	switch (w->head->type) {
	case HC_EV_LCHOWN:
	case HC_EV_RENAME:
	case HC_EV_RENAMEAT:
	case HC_EV_RENAMEAT2:
	case HC_EV_LINK:
	case HC_EV_LINKAT:
	case HC_EV_LSETXATTR:
	case HC_EV_LREMOVEXATTR:
		return false;
	case HC_EV_SETXATTRAT:
		flags = slot(w, HC_A_SETXATTRAT_at_flags);
		break;
	case HC_EV_REMOVEXATTRAT:
		flags = slot(w, HC_A_REMOVEXATTRAT_at_flags);
		break;
	case HC_EV_UTIMENSAT:
		flags = slot(w, HC_A_UTIMENSAT_flags);
		break;
	case HC_EV_FCHOWNAT:
		flags = slot(w, HC_A_FCHOWNAT_flags);
		break;
	case HC_EV_FCHMODAT2:
		flags = slot(w, HC_A_FCHMODAT2_flags);
		break;
	case HC_EV_EXECVEAT:
		flags = slot(w, HC_A_EXECVEAT_flags);
		break;
	default:
		return true;
	}
	if (flags & AT_EMPTY_PATH && p->given && !p->given->len)
		return false; /* the name of what is open, which may be a link itself */
	return !(flags & AT_SYMLINK_NOFOLLOW);
}

static void see_files(struct hc_tracker *t, struct row *w)
{
	EACH_ARG(w->plan->of_kind[HC_KIND_FILE], i)
	{
		const struct plan_arg *a = &w->plan->arg[i];
		const struct hc_wire_file *f;
		const struct tpath *p = NULL;
		unsigned type = w->head->type;

		f = WREC_GET(&w->r, HC_WIRE_F_FILE, i, struct hc_wire_file);
		if (!f)
			f = WREC_GET(&w->r, HC_WIRE_F_FILE, HC_WIRE_SUBJ_FILE, struct hc_wire_file);
		if (f) {
			w->arg[i].file = file_get(t, f);
			continue;
		}
		/* late: the last path is the one that names it now (the new name of a rename) */
		EACH_ARG(w->plan->of_kind[HC_KIND_PATH], k)
		p = k < i && w->arg[k].path ? w->arg[k].path : p;
		if (!w->plan->late || !w->before || !p || !p->abs || type == HC_EV_UNLINK ||
		    type == HC_EV_UNLINKAT)
			continue;
		if (type == HC_EV_EXECVE || type == HC_EV_EXECVEAT ? !worth_late(w) : !worked(w))
			continue;
		if (name_is(a->name, "parent"))
			w->arg[i].file = path_late_file(t, w->before, parent_dir(txt_str(p->abs)), true);
		else
			w->arg[i].file = path_late_file(t, w->before, txt_str(p->abs), follows(w, p));
	}
}

/* ---- the cells ---- */

static uint32_t row_flags(const struct hc_wire_head *h, bool late)
{
	uint32_t wire = h->flags;
	uint32_t flags = wire & (HC_WIRE_COMPAT | HC_WIRE_X32 | HC_WIRE_URING | HC_WIRE_KERNEL | HC_WIRE_RESTART |
	                         HC_WIRE_TRUNC | HC_WIRE_TOCTOU | HC_WIRE_NOENTRY);

	return flags | (wire & HC_WIRE_SAMPLED ? HC_ROW_SAMPLED : 0u) | (late ? HC_ROW_LATE : 0u);
}

_Static_assert((int)HC_WIRE_COMPAT == (int)HC_ROW_COMPAT && (int)HC_WIRE_KERNEL == (int)HC_ROW_KERNEL &&
                       (int)HC_WIRE_NOENTRY == (int)HC_ROW_NOENTRY,
               "the first eight flags are the same in records and rows");

static void cell_list(struct hc_builder *b, const struct row *w, unsigned i, unsigned col)
{
	const struct wfact *f = wrec_fact(&w->r, HC_WIRE_F_LIST, i);
	const struct hc_wire_list *l = f ? f->p : NULL;
	int64_t v[256];
	uint32_t n;

	if (!l && w->head->type == HC_EV_SETGROUPS)
		f = wrec_fact_of_kind(&w->r, HC_WIRE_F_GROUPS);
	if (!f || !f->p)
		return;
	if (!l) {
		const uint32_t *ids = f->p;

		n = f->bytes / 4 < 256 ? f->bytes / 4 : 256;
		for (uint32_t k = 0; k < n; k++)
			v[k] = ids[k];
	} else {
		if (f->bytes < sizeof(*l) || (l->elem_bytes != 4 && l->elem_bytes != 8))
			return;
		n = (f->bytes - (uint32_t)sizeof(*l)) / l->elem_bytes;
		n = n < 256 ? n : 256;
		for (uint32_t k = 0; k < n; k++)
			v[k] = l->elem_bytes == 4 ? ((const int32_t *)(l + 1))[k] : ((const int64_t *)(l + 1))[k];
	}
	cell_ref(w->cells, col, hc_build_ints(b, v, n));
}

static void row_masked(struct hc_tracker *t, const struct row *w, const char *column,
                       const struct hc_mask_hits *hits)
{
	if (!hits->n)
		return;
	mask_note(t, w->head->type, column, hits);
	w->cells->v[HC_COL_ROW_FLAGS] |= HC_ROW_MASKED;
}

/* What another argument calls the value of this one; .p NULL: nothing does. */
static struct hc_str name_of_value(const struct row *w, unsigned i)
{
	struct hc_str name = { 0 };

	if (w->plan->arg[i].named_by >= 0)
		name = wrec_str(&w->r, (unsigned)w->plan->arg[i].named_by);
	return name;
}

/* Masks a value as that of NAME=VALUE. NULL: out of memory, or the name itself was masked. Valid until the next
 * call. */
static const char *mask_named(struct hc_tracker *t, enum hc_mask_form form, struct hc_str name, const char *p,
                              size_t n, size_t *ret_n, struct hc_mask_hits *hits)
{
	size_t before = name.len + 1u, n_masked = 0;
	char *whole = malloc(before + n);
	const char *masked = NULL;

	hits->n = 0;
	*ret_n = 0;
	if (!whole)
		return NULL;
	memcpy(whole, name.p, name.len);
	whole[name.len] = '=';
	memcpy(whole + before, p, n);
	masked = hc_mask_apply(t->opts.mask, form, whole, before + n, &n_masked, hits);
	if (masked == whole) {
		masked = p;
		*ret_n = n;
	} else if (masked && n_masked >= before && memcmp(masked, whole, before) == 0) {
		masked += before;
		*ret_n = n_masked - before;
	} else {
		masked = NULL;
	}
	free(whole);
	return masked;
}

static void cell_bytes(struct hc_tracker *t, struct hc_builder *b, const struct row *w, unsigned i, unsigned col)
{
	const struct wfact *f = wrec_fact(&w->r, HC_WIRE_F_BYTES, i);
	const struct hc_wire_bytes *h;
	struct hc_mask_hits hits;
	const void *p;
	size_t n;

	if (!f || !f->p || f->bytes < sizeof(*h))
		return;
	h = f->p;
	p = h + 1;
	n = f->bytes - sizeof(*h);
	if (n && mask_wanted(t, w->before, NULL)) {
		struct hc_str name = name_of_value(w, i);

		p = name.p ? mask_named(t, HC_MASK_BYTES, name, p, n, &n, &hits)
		           : hc_mask_apply(t->opts.mask, HC_MASK_BYTES, p, n, &n, &hits);
		row_masked(t, w, w->plan->arg[i].name, &hits);
	}
	if (p) /* else out of memory: rather nothing than a secret */
		cell_ref(w->cells, col, hc_build_bytes(b, p, (uint32_t)n));
	hc_cell_set(w->cells, col + 1, h->total);
}

static void cell_str(struct hc_tracker *t, struct hc_builder *b, const struct row *w, unsigned i, unsigned col)
{
	struct hc_str s = wrec_str(&w->r, i), name = name_of_value(w, i);
	struct hc_mask_hits hits;
	size_t n;

	if (name.p && s.len && mask_wanted(t, w->before, NULL)) {
		s.p = mask_named(t, HC_MASK_ENV, name, s.p, s.len, &n, &hits);
		s.len = s.p ? (uint32_t)n : 0;
		row_masked(t, w, w->plan->arg[i].name, &hits);
	} else if (s.len >= MASK_MIN_TEXT && mask_wanted(t, w->before, NULL)) {
		s.p = hc_mask_apply(t->opts.mask, HC_MASK_TEXT, s.p, s.len, &n, &hits);
		s.len = s.p ? (uint32_t)n : 0;
		row_masked(t, w, w->plan->arg[i].name, &hits);
	}
	cell_ref(w->cells, col, hc_build_str(b, s));
}

static void cell_strs(struct hc_tracker *t, struct hc_builder *b, const struct row *w, unsigned i, unsigned col)
{
	const struct wfact *f = wrec_fact(&w->r, HC_WIRE_F_ARGV, i);
	enum hc_mask_form form = f ? HC_MASK_ARGS : HC_MASK_ENV;
	const char *name = w->plan->arg[i].name;
	struct lst *l = NULL;

	f = f ? f : wrec_fact(&w->r, HC_WIRE_F_ENV, i);
	if (f)
		l = lst_masked(t, w->before, NULL, form, w->head->type, name, f->p, f->bytes);
	if (l && l->hits)
		w->cells->v[HC_COL_ROW_FLAGS] |= HC_ROW_MASKED;
	cell_ref(w->cells, col, in_lst(b, l));
	lst_unref(t, l);
}

static struct tver *arg_proc(const struct row *w, const struct plan_arg *a, unsigned i)
{
	switch (a->role) {
	case ROLE_PROC_AFTER:
		/* a call that failed, or changed nothing, leaves the version as it was */
		return w->after ? w->after : w->before;
	case ROLE_CHILD:
		return w->target;
	case ROLE_TARGET:
		return w->target ? w->target : w->arg[i].proc;
	default:
		return w->arg[i].proc;
	}
}

/* mknod's argument is split otherwise than the kernel's own numbers, which is what columns have. */
static uint64_t kernel_dev(uint64_t v)
{
	return (v >> 8 & 0xfff) << 20 | (v & 0xff) | (v >> 12 & 0xfff00);
}

static void cells_of_arg(struct hc_tracker *t, struct hc_builder *b, const struct row *w, unsigned i)
{
	const struct plan_arg *a = &w->plan->arg[i];
	struct hc_cells *c = w->cells;
	const struct wfact *f;

	switch (a->kind) {
	case HC_KIND_INT:
	case HC_KIND_UINT: /* a device number */
		if (i < w->r.n_slots && !(a->absent_ok && w->r.slot[i] == HC_WIRE_ABSENT))
			hc_cell_set(c, a->col, kernel_dev(w->r.slot[i]));
		break;
	case HC_KIND_STR:
		cell_str(t, b, w, i, a->col);
		break;
	case HC_KIND_BYTES:
		cell_bytes(t, b, w, i, a->col);
		break;
	case HC_KIND_ADDR:
		f = wrec_fact(&w->r, HC_WIRE_F_ADDR, i);
		if (f)
			cell_ref(c, a->col, hc_build_bytes(b, f->p, f->bytes));
		break;
	case HC_KIND_STRS:
		cell_strs(t, b, w, i, a->col);
		break;
	case HC_KIND_INTS:
		cell_list(b, w, i, a->col);
		break;
	case HC_KIND_PATH:
		cell_ref(c, a->col, in_path(b, w->arg[i].path));
		break;
	case HC_KIND_FILE:
		cell_ref(c, a->col, in_file(b, w->arg[i].file));
		break;
	case HC_KIND_SOCK:
		cell_ref(c, a->col, in_sock(t, b, w->arg[i].sock));
		break;
	case HC_KIND_FDOBJ:
		cell_ref(c, a->col, in_fd(t, b, w->arg[i].fd));
		break;
	case HC_KIND_FD:
		if (has_slot(w, i))
			hc_cell_set(c, a->col, (uint64_t)(int64_t)(int32_t)w->r.slot[i]);
		cell_ref(c, a->col + 1u, in_fd(t, b, w->arg[i].fd));
		break;
	case HC_KIND_PID:
		if (has_slot(w, i))
			hc_cell_set(c, a->col, (uint64_t)(int64_t)(int32_t)w->r.slot[i]);
		cell_ref(c, a->col + 1u, in_ver(t, b, w->arg[i].proc));
		break;
	case HC_KIND_PROC:
		cell_ref(c, a->col, in_ver(t, b, arg_proc(w, a, i)));
		break;
	case HC_KIND_CTR:
		cell_ref(c, a->col, in_ctr(t, b, w->ctr));
		break;
	default:
		break;
	}
}

/* Arguments that mean something: what follows those of a raw call are registers. */
static unsigned n_meant(const struct hc_wire_head *h)
{
	unsigned n = h->n_slots;

	if (h->type == HC_EV_SYS && !(h->flags & HC_WIRE_COMPAT) && sys_n_args(h->nr) < n)
		n = sys_n_args(h->nr);
	return n;
}

/* Numbers that are copied as they are: most arguments are. */
static void cells_of_numbers(const struct row *w)
{
	unsigned n = n_meant(w->head);

	EACH_ARG(w->plan->numbers & ((1u << n) - 1), i)
	{
		const struct plan_arg *a = &w->plan->arg[i];

		if (!a->absent_ok || w->r.slot[i] != HC_WIRE_ABSENT)
			hc_cell_set(w->cells, a->col, w->r.slot[i]);
	}
}

static void cells_special(struct hc_tracker *t, struct hc_builder *b, const struct row *w)
{
	const struct hc_wire_rusage *u;
	struct hc_cells *c = w->cells;

	switch (w->head->type) {
	case HC_EV_PROC_EXIT:
		u = WREC_GET(&w->r, HC_WIRE_F_RUSAGE, HC_WIRE_SUBJ_ROW, struct hc_wire_rusage);
		if (u) {
			hc_cell_set(c, HC_C_PROC_EXIT_utime_ns, u->utime_ns);
			hc_cell_set(c, HC_C_PROC_EXIT_stime_ns, u->stime_ns);
			if (u->max_rss_bytes)
				hc_cell_set(c, HC_C_PROC_EXIT_max_rss_bytes, u->max_rss_bytes);
		}
		if (w->reaper) {
			hc_cell_set(c, HC_C_PROC_EXIT_reaper, w->reaper->tgid);
			cell_ref(c, HC_C_PROC_EXIT_reaper_proc, in_ver(t, b, w->reaper->cur));
		} else { /* nobody was left behind, or nobody knows who takes them */
			c->valid[HC_C_PROC_EXIT_reaper / 64] &= ~(UINT64_C(1) << HC_C_PROC_EXIT_reaper % 64);
			c->v[HC_C_PROC_EXIT_reaper] = 0;
		}
		break;
	case HC_EV_PROC_EXEC: {
		const struct timage *image = w->after ? w->after->image : NULL;

		if (image && ((image->argv && image->argv->hits) || (image->env && image->env->hits)))
			c->v[HC_COL_ROW_FLAGS] |= HC_ROW_MASKED;
		break;
	}
	case HC_EV_MOUNT: {
		const struct tpath *target = w->arg[HC_A_MOUNT_target].path;
		uint64_t id = 0;

		if (worked(w) && w->before && target && target->abs)
			id = path_late_mount(t, w->before, txt_str(target->abs));
		if (id)
			hc_cell_set(c, HC_C_MOUNT_mount_id, id);
		break;
	}
	case HC_EV_PROC_RENAME: {
		static const char *const causes[] = { NULL, "exec", "prctl", "procfs" };
		uint64_t cause = slot(w, HC_A_PROC_RENAME_cause);

		if (cause < sizeof(causes) / sizeof(causes[0]) && causes[cause])
			cell_ref(c, HC_C_PROC_RENAME_cause, hc_build_str(b, hc_str_c(causes[cause])));
		if (!wrec_str(&w->r, HC_A_PROC_RENAME_old_comm).p)
			cell_ref(c, HC_C_PROC_RENAME_old_comm, in_txt(b, w->old_comm));
		break;
	}
	default:
		break;
	}
}

/* ---- net_dns ---- */

static int dns_row(struct hc_tracker *t, const struct row *w, struct tsock *s, const struct dns_msg *m,
                   const char *transport, uint64_t from_seq, struct hc_err *err)
{
	struct hc_builder *b = row_begin(t, HC_EV_NET_DNS, w->head->ts_ns, err);
	struct hc_cells *c = &t->cells;
	uint32_t refs[DNS_MAX_ANSWERS];

	if (!b)
		return -EIO;
	cell_ref(c, HC_COL_TASK, w->task ? in_task(t, b, w->task, w->before) : 0);
	hc_cell_set(c, HC_COL_ROW_FLAGS,
	            (row_flags(w->head, w->late) & ~(uint32_t)HC_ROW_TRUNC) | (m->truncated ? HC_ROW_TRUNC : 0u));
	hc_cell_set(c, HC_C_NET_DNS_qr, m->qr);
	hc_cell_set(c, HC_C_NET_DNS_id, m->id);
	hc_cell_set(c, HC_C_NET_DNS_opcode, m->opcode);
	hc_cell_set(c, HC_C_NET_DNS_rcode, m->rcode);
	if (m->has_question) {
		cell_ref(c, HC_C_NET_DNS_qname, hc_build_str(b, hc_str_c(m->qname)));
		hc_cell_set(c, HC_C_NET_DNS_qtype, m->qtype);
		hc_cell_set(c, HC_C_NET_DNS_qclass, m->qclass);
	}
	for (uint32_t i = 0; i < m->n_answers; i++) {
		const struct dns_answer *a = &m->answer[i];
		int n = snprintf(t->buf, sizeof(t->buf), "%s %u %u %s", a->name, a->type, a->ttl, a->data);

		refs[i] = hc_build_str(b, (struct hc_str){ t->buf, n > 0 ? (uint32_t)n : 0 });
	}
	cell_ref(c, HC_C_NET_DNS_answers, hc_build_strs(b, refs, m->n_answers));
	hc_cell_set(c, HC_C_NET_DNS_truncated, m->truncated);
	cell_ref(c, HC_C_NET_DNS_transport, hc_build_str(b, hc_str_c(transport)));
	cell_ref(c, HC_C_NET_DNS_sock, in_sock(t, b, s));
	hc_cell_set(c, HC_C_NET_DNS_from_seq, from_seq);
	return row_end(t, HC_EV_NET_DNS, w->head->cpu, w->head->ts_ns, NULL, err);
}

static int see_dns(struct hc_tracker *t, const struct row *w, uint64_t seq, struct hc_err *err)
{
	const struct wfact *f;
	const struct hc_wire_bytes *h;
	struct dns_msg m;
	struct hc_wire_sock peer;
	struct tsock *s = NULL;
	const uint8_t *p;
	uint32_t n;
	bool tcp;

	if (w->plan->sock_after >= 0)
		s = w->arg[w->plan->sock_after].sock;
	if (!s && w->arg[0].fd)
		s = w->arg[0].fd->sock;
	if (!s || (s->w.family != 2 && s->w.family != 10))
		return 0;
	peer = s->w;
	peer_from_addr(&peer, addr_fact(w));
	if (peer.lport != 53 && peer.rport != 53)
		return 0;
	f = wrec_fact_of_kind(&w->r, HC_WIRE_F_BYTES);
	if (!f || f->bytes < sizeof(*h))
		return 0;
	h = f->p;
	p = (const uint8_t *)(h + 1);
	n = f->bytes - (uint32_t)sizeof(*h);
	tcp = s->w.type == 1;
	if (tcp) { /* a length goes before the message */
		if (n < 2 + 12)
			return 0;
		p += 2;
		n -= 2;
	}
	if (dns_parse(p, n, &m) < 0)
		return 0;
	if (h->total > f->bytes - sizeof(*h))
		m.truncated = true;
	return dns_row(t, w, s, &m, tcp ? "tcp" : "udp", seq, err);
}

/* ---- one record ---- */

static int emit(struct hc_tracker *t, struct row *w, struct hc_err *err)
{
	const struct hc_wire_head *h = w->head;
	struct hc_row_head head = { .type = h->type, .cpu = h->cpu, .ts_ns = h->ts_ns };
	struct hc_builder *b;
	struct hc_cells *c = w->cells = row_cells(t, h->type, h->ts_ns, &b, err);
	int r;

	if (!c)
		return err && err->code ? err->code : -EIO;
	if (w->task)
		cell_ref(c, HC_COL_TASK, in_task(t, b, w->task, w->before));
	if (!(h->flags & (HC_WIRE_NORET | HC_WIRE_KILLED)))
		hc_cell_set(c, HC_COL_RET, (uint64_t)h->ret);
	if (h->nr != UINT32_MAX)
		hc_cell_set(c, HC_COL_NR, h->nr);
	hc_cell_set(c, HC_COL_ROW_FLAGS, row_flags(w->head, w->late));
	cells_of_numbers(w);
	EACH_ARG(w->plan->others, i)
	cells_of_arg(t, b, w, i);
	cells_special(t, b, w);
	r = row_put(t, &head, c, err);
	if (r < 0 || !wrec_has(&w->r, HC_WIRE_F_BYTES) || !worked(w) || w->plan->desc->cls != HC_CLASS_IO)
		return r;
	return see_dns(t, w, head.seq, err);
}

static void row_done(struct hc_tracker *t, struct row *w)
{
	ver_unref(t, w->before);
	ver_unref(t, w->after);
	ver_unref(t, w->target);
	ctr_unref(t, w->ctr);
	txt_unref(t, w->old_comm);
	EACH_ARG(w->plan->fds, i)
	fd_unref(t, w->arg[i].fd);
	EACH_ARG(w->plan->of_kind[HC_KIND_PATH], i)
	path_unref(t, w->arg[i].path);
	EACH_ARG(w->plan->of_kind[HC_KIND_FILE], i)
	file_unref(t, w->arg[i].file);
	EACH_ARG(w->plan->of_kind[HC_KIND_SOCK], i)
	sock_unref(t, w->arg[i].sock);
	EACH_ARG(w->plan->procs, i)
	ver_unref(t, w->arg[i].proc);
}

static void see_procs(struct hc_tracker *t, struct row *w)
{
	EACH_ARG(w->plan->procs, i)
	w->arg[i].proc = proc_of_arg(t, w, i);
	if (w->head->type == HC_EV_CG_MKDIR || w->head->type == HC_EV_CG_RMDIR) {
		struct hc_str path = wrec_str(&w->r, HC_A_CG_MKDIR_path);
		uint64_t id = slot(w, HC_A_CG_MKDIR_cgroup_id), hier = slot(w, HC_A_CG_MKDIR_hierarchy);

		t->n_cgroup_changes++;
		if (w->head->type == HC_EV_CG_MKDIR)
			group_made(t, id, hier, path);
		else
			group_gone(t, id, hier);
		if (w->head->type == HC_EV_CG_MKDIR || !ctr_looks(t)) {
			w->ctr = ctr_of_path(t, path, id);
		} else {
			/* every hierarchy tells of the end; it is that of one container, once */
			w->ctr = ctr_gone(t, path);
		}
	}
}

/* An exec names the task before it tells of itself: what was before the exec is what was before that name. */
static void before_exec(struct hc_tracker *t, struct row *w)
{
	struct ttask *k = w->task;

	if (!k->pre_name)
		return;
	if (w->head->type == HC_EV_PROC_EXEC) {
		ver_unref(t, w->before);
		w->before = k->pre_name;
		k->pre_name = NULL;
	} else if (w->head->nr != UINT32_MAX) {
		ver_unref(t, k->pre_name);
		k->pre_name = NULL;
	}
}

/* ---- a record that changes nothing ---- */

/* A record of this kind, taken apart. */
struct plain {
	const struct hc_wire_head *head;
	const struct plan *plan;
	const uint64_t *slot;
	struct ttask *task;
	unsigned fds, names; /* bit per argument: those that there is a fact about */
	struct tfd *fd[HC_WIRE_MAX_SLOTS];
	struct hc_str name[HC_WIRE_MAX_SLOTS];
};

/* The open files and names that the record's facts are about; false: there are other facts, or something about a
 * file that is not known yet. */
static bool plain_facts(struct hc_tracker *t, struct plain *p)
{
	const uint8_t *at = (const uint8_t *)(p->slot + p->head->n_slots);
	size_t left = (size_t)p->head->bytes - sizeof(*p->head) - p->head->n_slots * sizeof(uint64_t);

	p->fds = p->names = 0;
	while (left) {
		const struct hc_wire_fact *f = (const void *)at;
		unsigned arg, bit;
		size_t n;

		if (left < sizeof(*f))
			return false;
		n = sizeof(*f) + ((size_t)f->bytes + 7) / 8 * 8;
		arg = f->subject;
		if (n > left || arg >= HC_WIRE_MAX_SLOTS)
			return false;
		bit = 1u << arg;
		if (f->kind == HC_WIRE_F_FD && f->bytes == sizeof(struct hc_wire_fd)) {
			if (!(p->plan->of_kind[HC_KIND_FD] & ~p->fds & bit))
				return false;
			p->fd[arg] = fd_known(t, (const void *)(f + 1));
			if (!p->fd[arg])
				return false;
			p->fds |= bit;
		} else if (f->kind == HC_WIRE_F_STR && p->plan->of_kind[HC_KIND_PATH] & ~p->names & bit) {
			const char *text = (const char *)(f + 1);

			p->name[arg] = (struct hc_str){ text, (uint32_t)strnlen(text, f->bytes) };
			p->names |= bit;
		} else {
			return false;
		}
		at += n;
		left -= n;
	}
	return true;
}

/* Most of what a busy machine does are calls of this kind: numbers, names, descriptors that are known. None
 * of what push does for the others is needed, nor has anything to be held while the row is made. Fills `p`; false:
 * it is not of this kind, and nothing has been done. */
static inline bool plain_see(struct hc_tracker *t, const struct hc_wire_head *rec, size_t bytes, struct plain *p)
{
	const unsigned others = HC_WIRE_SNAPSHOT | HC_WIRE_IRQ | HC_WIRE_STATEONLY | HC_WIRE_ENTRY |
	                        HC_WIRE_NORET | HC_WIRE_KILLED;
	struct tproc *proc;

	if (bytes < sizeof(*rec) || rec->bytes > bytes || rec->type >= HC_EV_MAX)
		return false;
	p->plan = &t->plan[rec->type];
	if (!p->plan->plain || rec->n_slots != p->plan->n_args || rec->flags & others || rec->nr == UINT32_MAX ||
	    !rec->tid || rec->bytes < sizeof(*rec) + rec->n_slots * sizeof(uint64_t) || t->ctr_news)
		return false;
	p->task = task_known(t, rec->tid);
	if (!p->task || p->task->pre_name)
		return false;
	proc = p->task->proc;
	if (proc->tgid != rec->tgid || (proc->start_ns != rec->start_ns && rec->start_ns) ||
	    proc->checked_gen != t->tree_gen || proc->excluded || !proc->exec_known ||
	    (int32_t)(rec->exec_id - proc->exec_id) > 0)
		return false;
	p->head = rec;
	p->slot = (const uint64_t *)(rec + 1);
	if (!plain_facts(t, p))
		return false;
	proc->heard_ns = rec->ts_ns;
	return true;
}

static void plain_name(struct hc_tracker *t, struct hc_builder *b, const struct plain *p, unsigned i,
                       struct hc_cells *c)
{
	const struct plan_arg *a = &p->plan->arg[i];
	bool has_dir = a->dirfd >= 0;
	struct path_ask ask = {
		.given = p->name[i],
		.base = base_of(task_ver(p->task), has_dir ? p->slot[a->dirfd] : (uint64_t)AT_FDCWD,
		                has_dir && p->fds >> a->dirfd & 1 ? p->fd[a->dirfd] : NULL),
	};
	struct tpath *path = path_get(t, &ask);

	cell_ref(c, a->col, in_path(b, path));
	path_unref(t, path);
}

static void plain_cells(struct hc_tracker *t, struct hc_builder *b, const struct plain *p, bool late,
                        struct hc_cells *c)
{
	const struct plan *plan = p->plan;
	unsigned n_args = n_meant(p->head);

	memcpy(c->valid, plan->valid, sizeof(c->valid));
	cell_ref(c, HC_COL_TASK, in_task(t, b, p->task, task_ver(p->task)));
	c->v[HC_COL_RET] = (uint64_t)p->head->ret;
	c->v[HC_COL_NR] = p->head->nr;
	c->v[HC_COL_ROW_FLAGS] = row_flags(p->head, late);
	for (unsigned i = 0; i < plan->n_cells; i++) {
		const struct plan_cell *a = &plan->cell[i];
		uint64_t v = p->slot[a->arg];

		if ((a->absent_ok && v == HC_WIRE_ABSENT) || a->arg >= n_args) {
			c->valid[a->col / 64] &= ~(UINT64_C(1) << (a->col % 64));
			continue;
		}
		c->v[a->col] = a->is_fd ? (uint64_t)(int64_t)(int32_t)v : v;
	}
	EACH_ARG(p->fds | p->names, i)
	{
		if (p->names >> i & 1)
			plain_name(t, b, p, i, c);
		else
			cell_ref(c, plan->arg[i].col + 1u, in_fd(t, b, p->fd[i]));
	}
}

/* 1: its row is made; 0: it is of another kind. again: without a row. */
static int plain_push(struct hc_tracker *t, const struct hc_wire_head *rec, size_t bytes, bool late, bool again,
                      struct hc_err *err)
{
	struct hc_row_head head;
	struct hc_builder *b;
	struct hc_cells *c;
	struct plain p;
	int r;

	if (!plain_see(t, rec, bytes, &p))
		return 0;
	t->now_ns = rec->ts_ns;
	if (again)
		return 1;
	c = row_cells(t, rec->type, rec->ts_ns, &b, err);
	if (!c)
		return err && err->code ? err->code : -EIO;
	plain_cells(t, b, &p, late, c);
	head = (struct hc_row_head){ .type = rec->type, .cpu = rec->cpu, .ts_ns = rec->ts_ns };
	r = row_put(t, &head, c, err);
	return r < 0 ? r : 1;
}

static __attribute__((noinline)) int push_other(struct hc_tracker *t, const struct hc_wire_head *rec, size_t bytes,
                                                bool late, bool again, struct hc_err *err)
{
	struct row w;
	bool wanted;
	int r = 0;

	memset(&w.head, 0, offsetof(struct row, arg) - offsetof(struct row, head));
	w.late = late;
	if (wrec_parse(rec, bytes, &w.r) < 0) {
		t->stats.n_bad++;
		return 0;
	}
	t->now_ns = rec->ts_ns;
	if (told_facts(&t->told, &w.r) == -EBADMSG && !again)
		t->stats.n_bad++; /* its row is made all the same, of what it says itself */
	if (rec->flags & HC_WIRE_SNAPSHOT) {
		proc_snapshot(t, &w.r);
		return 0;
	}
	if (rec->type >= HC_EV_MAX || !t->plan[rec->type].desc) {
		t->stats.n_bad++;
		return 0;
	}
	w.head = rec;
	w.plan = &t->plan[rec->type];
	EACH_ARG(w.plan->held, i)
	w.arg[i] = (struct row_arg){ 0 };
	if (rec->tid && !(rec->flags & HC_WIRE_IRQ))
		w.task = task_get(t, rec->tid, rec->tgid, rec->start_ns);
	if (w.task) {
		struct tproc *p = w.task->proc;

		p->heard_ns = t->now_ns;
		proc_refresh(t, p);
		/* the count goes up a little before the exec is told: only a call that returned proves one missed
		 */
		if (p->exec_known && rec->nr != UINT32_MAX && (int32_t)(rec->exec_id - p->exec_id) > 0)
			exec_missed(t, w.task, rec->exec_id);
		p->exec_id = p->exec_known ? p->exec_id : rec->exec_id;
		p->exec_known = true;
		w.before = REF(task_ver(w.task));
		before_exec(t, &w);
	}
	see_fds(t, &w);
	if (w.plan->desc->cls != HC_CLASS_IO)
		see_procs(t, &w);
	effect_process(t, &w);
	see_paths(t, &w);
	see_new_fds(t, &w);
	effect_socket(t, &w);
	see_files(t, &w);
	effect_names(t, &w);
	wanted = !(rec->flags & HC_WIRE_STATEONLY) && !(w.task && w.task->proc->excluded);
	if (t->ctr_news) {
		r = ctr_write_news(t, rec->ts_ns, err);
		if (r < 0) {
			row_done(t, &w);
			return r;
		}
	}
	if (rec->flags & HC_WIRE_ENTRY || again)
		r = 0; /* what it told is known now; its row comes when the call returns, or is there */
	else if (wanted)
		r = emit(t, &w, err);
	else {
		t->stats.n_excluded++;
		t->stats.excluded_by_type[rec->type]++;
	}
	if (rec->type == HC_EV_PROC_EXIT && w.task)
		task_drop(t, w.task);
	row_done(t, &w);
	return r;
}

/* again: without a row. */
static inline int push(struct hc_tracker *t, const struct hc_wire_head *rec, size_t bytes, bool late, bool again,
                       struct hc_err *err)
{
	int r;

	t->stats.n_records += !again;
	tracker_limit(t);
	r = plain_push(t, rec, bytes, late, again, err);
	if (r == 0)
		return push_other(t, rec, bytes, late, again, err);
	return r < 0 ? r : 0;
}

int hc_tracker_push(struct hc_tracker *t, const struct hc_wire_head *rec, size_t bytes, bool late,
                    struct hc_err *err)
{
	return push(t, rec, bytes, late, false, err);
}

int hc_tracker_recall(struct hc_tracker *t, const struct hc_wire_head *rec, size_t bytes, struct hc_err *err)
{
	return push(t, rec, bytes, false, true, err);
}
