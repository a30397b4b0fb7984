/* What events of a scap file do to processes: forks, execs, ends, what they use of memory. */
#include "scap_state.h"

#include <string.h>

#include "store/scap_flags.h"

#define EXEC_EMPTY_PATH 1u /* AT_EMPTY_PATH */

/* Events of old forms do not tell what the kernel has run: what the caller passed, if its event was there. */
static struct tpath *passed_program(struct hc_scap_import *im, const struct sevent *s)
{
	const struct senter *in = scap_enter(s);
	bool at = in && in->code == HC_SCAP_SYSCALL_EXECVEAT_E, unread;
	struct hc_str name;
	int64_t below;
	struct tfd *fd;

	if (!in)
		return NULL;
	name = scap_enter_text(in, at ? 1 : 0);
	unread = hc_str_eq(name, HC_STR("<NA>"));
	if (!at)
		return unread ? path_of_text(im->t, name, 6, 0) : scap_path(im, s, name, -1);
	below = (int64_t)scap_enter_num(in, 0, (uint64_t)SCAP_AT_FDCWD);
	fd = scap_fd(im, s->k, below);
	if (scap_enter_num(in, 2, 0) & EXEC_EMPTY_PATH)
		return fd && fd->path ? REF(fd->path) : path_of_text(im->t, HC_STR("<NA>"), 6, 0);
	if (!name.len || unread || (name.p[0] != '/' && below != SCAP_AT_FDCWD && !fd))
		return path_of_text(im->t, HC_STR("<NA>"), 6, 0);
	return scap_path_below(im, s, name, below);
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
	i->argv = scap_argv_of(im, hc_scap_text(e, 1), scap_block_of(e, 2));
	i->env = hc_scap_has(e, 15) ? lst_of_block(im->t, scap_block_of(e, 15).p, scap_block_of(e, 15).len)
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

/* Events of old forms tell only what it was called by. */
static void set_comm(struct hc_scap_import *im, const struct hc_scap_event *e, struct tver *v)
{
	set_comm_text(im, v, hc_scap_text(e, hc_scap_has(e, 13) ? 13 : 1));
}

static void set_cgroups(struct hc_scap_import *im, const struct hc_scap_event *e, struct tver *v)
{
	struct tcgs *c = hc_scap_has(e, 14) ? scap_cgs_of(im, hc_scap_param(e, 14)) : NULL;

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

void scap_mem_of_map(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e)
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

void scap_mem_of_switch(struct hc_scap_import *im, struct sthr *k, const struct hc_scap_event *e)
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
		scap_thread_end(im, other);
	}
}

void scap_on_exec(struct hc_scap_import *im, struct sevent *s)
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
		scap_set_parent(im, s->k, hc_scap_i64(e, 5, -1));
		s->k->vtid = s->k->tid;
		s->k->vpid = s->k->pid;
		s->k->invalid = false;
	}
	scap_group_join(im, s->k);
	mem_of_image(im, s->k, e);
	scap_fds_exec(im, s->k);
	v = scap_change(im, s, HC_CAUSE_EXEC);
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
	scap_version_users(im, v);
	alone_after_exec(im, s->k);
}

static void child_from(struct hc_scap_import *im, struct sevent *s, struct sthr *from, struct sthr *k,
                       bool child_side)
{
	const struct hc_scap_event *e = s->e;
	bool is_thread = hc_scap_u64(e, 15, 0) & HC_SCAP_CLONE_THREAD;
	struct tver *v = from && from->cur ? ver_copy(im->t, from->cur) : scap_version_new(im, k->tid);
	struct timage *i;

	if (!v)
		return;
	if (child_side) {
		k->pid = hc_scap_i64(e, 4, k->tid);
		scap_set_parent(im, k, hc_scap_i64(e, 5, -1));
		k->vtid = hc_scap_i64(e, 18, hc_scap_has(e, 19) ? -1 : k->tid);
		k->vpid = hc_scap_i64(e, 19, -1);
	} else {
		k->pid = is_thread ? s->k->pid : k->tid;
		scap_set_parent(im, k, is_thread ? s->k->ptid : s->k->tid);
		k->vtid = k->tid;
		k->vpid = k->pid;
	}
	k->clone_ns = e->ts_ns;
	k->by_child = child_side;
	k->mem = (struct smem){ 0 };
	k->mem_gen = ++im->state_gen;
	k->dead = false;
	k->own_fds = k->pid != k->tid && !is_thread && !(hc_scap_u64(e, 15, 0) & HC_SCAP_CLONE_FILES);
	scap_group_join(im, k);
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
		i->argv = scap_argv_of(im, hc_scap_text(e, 1), scap_block_of(e, 2));
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
	set_comm(im, e, v);
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
	v->pidns_ns = scap_in_pidns(k) ? hc_scap_u64(e, 20, 0) : 0;
	scap_version_users(im, v);
	ver_unref(im->t, k->cur);
	k->cur = v;
	if (!is_thread && from)
		scap_fds_copy(im, k, from);
	s->child = k;
	im->tree_gen++;
	im->stats.n_processes++;
}

/* Of a thread that nobody told of, a fork of its own, or of its process, tells what it is: its numbers .. */
static void tell_who(struct hc_scap_import *im, struct sthr *k, uint64_t ns)
{
	struct tver *v = scap_version_next(im, k, HC_CAUSE_FORK, ns);
	struct sthr *leader = scap_main(im, k);

	k->invalid = false;
	scap_group_join(im, k);
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
	struct tver *v = i ? scap_version_next(im, k, HC_CAUSE_FORK, e->ts_ns) : NULL;
	struct sthr *leader = scap_main(im, k);

	if (!v) {
		image_unref(im->t, i);
		return;
	}
	i->argc = i->envc = UINT32_MAX;
	i->argv = scap_argv_of(im, hc_scap_text(e, 1), scap_block_of(e, 2));
	if (leader != k && leader->cur && leader->cur->image)
		i->env = REF(leader->cur->image->env);
	image_unref(im->t, v->image);
	v->image = i;
	set_comm(im, e, v);
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
		k = scap_thread_invalid(im, tid);
	if (!k)
		return NULL;
	k->pid = tid;
	scap_set_parent(im, k, hc_scap_i64(e, 5, -1));
	k->vtid = k->vpid = hc_scap_i64(e, 19, -1);
	tell_who(im, k, e->ts_ns);
	tell_what(im, k, e);
	return k;
}

void scap_on_clone(struct hc_scap_import *im, struct sevent *s)
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
			scap_set_parent(im, s->k, hc_scap_i64(e, 5, -1));
			s->k->vtid = hc_scap_i64(e, 18, hc_scap_has(e, 19) ? -1 : s->k->tid);
			s->k->vpid = hc_scap_i64(e, 19, -1);
			tell_who(im, s->k, e->ts_ns);
			scap_note_change(im, s);
		}
		if (flags & (HC_SCAP_CLONE_IN_PIDNS | HC_SCAP_CLONE_NEWPID | HC_SCAP_CLONE_PARENT |
		             HC_SCAP_CLONE_VFORK) ||
		    s->k->tid != s->k->vtid || e->code == HC_SCAP_SYSCALL_VFORK_20_X)
			return;
		if (scap_gone_lately(im, ret, s->k->tid, e->ts_ns))
			return;
		k = scap_thread(im, ret);
		if (k && (k->by_child || k == s->k))
			return;
		if (k)
			scap_thread_end(im, k);
		k = scap_thread(im, ret);
		if (k)
			scap_thread_remove(im, k);
		k = scap_thread_new(im, ret);
		if (k)
			child_from(im, s, s->k, k, false);
		if (k && !known) {
			scap_fds_clear(im, &k->fds); /* nobody knows what the other has open */
			tell_what(im, s->k, e);
			scap_note_change(im, s);
		}
		return;
	}
	if (!s->k->invalid && s->k->clone_ns && e->ts_ns - s->k->clone_ns < UINT64_C(2000000000))
		return;
	from = forked_from(im, s, flags & HC_SCAP_CLONE_THREAD);
	s->k->invalid = false;
	child_from(im, s, from, s->k, true);
}

void scap_on_procexit(struct hc_scap_import *im, struct sevent *s)
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

void scap_on_limit(struct hc_scap_import *im, struct sevent *s, struct sthr *k, int64_t limit)
{
	struct tver *v;

	k = k ? scap_main(im, k) : NULL;
	if (!k || limit < 0 || !k->cur || k->cur->nofile == (uint64_t)limit)
		return;
	v = k == s->k ? scap_change(im, s, HC_CAUSE_LIMIT) : scap_version_next(im, k, HC_CAUSE_LIMIT, s->e->ts_ns);
	if (v) {
		v->nofile = (uint64_t)limit;
		v->has |= HAS_NOFILE;
	}
}
