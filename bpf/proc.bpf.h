/* bpf/proc.bpf.h: births, execs, ends and names of tasks, and the snapshot of those alive at the start. */
#ifndef HC_BPF_PROC_H
#define HC_BPF_PROC_H

#include "walk.bpf.h"
#include "raise.bpf.h"

/* Tail-called programs must have the caller's attach point, so each tracepoint with paths has an array of its own.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} hc_exec_next SEC(".maps");

/* Clone flags between task_newtask, which has them, and sched_process_fork, which has the rest; by parent thread.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u64);
} hc_newtask_flags SEC(".maps");

/* The registers of the call a task is in; its number, ~0 when unknown. */
static __always_inline u32 hc_current_nr(struct task_struct *task)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs) && HC_TYPED) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

#if defined(__TARGET_ARCH_x86)
		return regs->orig_ax;
#else
		return regs->syscallno;
#endif
	}
	return ~0u;
}

/* Ours, or of a process that is left out? Births, execs and ends of the latter are recorded for those who come
 * after. */
static __always_inline u16 hc_state_flags(struct task_struct *task, u32 tgid)
{
	if (tgid == hc_dials.self_tgid || (hc_dials.filters && hc_skipped(task, tgid)))
		return HC_WIRE_STATEONLY;
	return 0;
}

/* ---- fork ---- */

static __always_inline void hc_birth(struct task_struct *child, u64 clone_flags)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), tgid = hc_pr(task, tgid), pf, tid, child_tgid;
	u16 flags = HC_WIRE_NORET;
	struct hc_scratch *s;
	struct pid *pid;
	u64 *slot;

	tid = hc_pr(child, pid);
	child_tgid = hc_pr(child, tgid);
	if (child_tgid == hc_dials.self_tgid)
		return; /* our own threads */
	s = hc_take(cpu, HC_EV_PROC_FORK, HC_WIRE_LANE_SECURITY);
	if (!s)
		return;
	flags |= hc_state_flags(task, tgid);
	pf = hc_pr(child, flags);
	if (pf & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		flags |= HC_WIRE_KERNEL;
	hc_begin(s, task, HC_EV_PROC_FORK, HC_WIRE_LANE_SECURITY, 8, flags, 0, ~0u);
	slot = hc_slots(s);
	slot[0] = clone_flags;
	slot[1] = pf & PF_KTHREAD ? HC_WIRE_ABSENT : hc_current_nr(task);
	if ((u32)slot[1] == ~0u)
		slot[1] = HC_WIRE_ABSENT;
	slot[2] = (s64)hc_pr(child, exit_signal);
	slot[3] = tid;
	pid = hc_pr(child, thread_pid);
	slot[4] = hc_pid_nr(pid, hc_pr(pid, level));
	slot[5] = child_tgid;
	slot[6] = tid != child_tgid;
	hc_task_fact(s, HC_WIRE_SUBJ_TARGET, child);
	if (tid == child_tgid) {
		hc_creds_fact(s, HC_WIRE_SUBJ_TARGET, child, true);
		hc_ns_fact(s, HC_WIRE_SUBJ_TARGET, child);
	}
	hc_output(s, cpu);
	hc_release(s);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(hc_newtask, struct task_struct *child, u64 clone_flags)
{
	u64 id = bpf_get_current_pid_tgid();

	if (!hc_type_on(HC_EV_PROC_FORK))
		return 0;
	/* io_uring's and vhost's workers come with this tracepoint only */
	if (hc_pr(child, flags) & (PF_IO_WORKER | PF_USER_WORKER)) {
		hc_birth(child, clone_flags);
		return 0;
	}
	bpf_map_update_elem(&hc_newtask_flags, &id, &clone_flags, BPF_ANY);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(hc_fork, struct task_struct *parent, struct task_struct *child)
{
	u64 id = bpf_get_current_pid_tgid(), *known, clone_flags = HC_WIRE_ABSENT;

	hc_raise_fork(child);
	if (!hc_type_on(HC_EV_PROC_FORK))
		return 0;
	known = bpf_map_lookup_elem(&hc_newtask_flags, &id);
	if (known) {
		clone_flags = *known;
		bpf_map_delete_elem(&hc_newtask_flags, &id);
	}
	hc_birth(child, clone_flags);
	return 0;
}

/* ---- exec ---- */

/* [start, end) of the new program's memory, behind `f`, of which `room` (a power of two) is kept. The kernel has
 * just written these pages, so they are here; should one have gone, the first half is tried. */
static __always_inline void hc_args_fact(struct hc_scratch *s, struct hc_wire_fact *f, u8 kind, u64 room,
                                         u64 start, u64 end)
{
	u64 n = end - start;
	u8 flags = 0;

	if (!f || end <= start)
		return;
	if (n >= room) {
		n = room - 1;
		flags = HC_WIRE_FF_TRUNC;
	}
	hc_mask(n, room - 1);
	if (bpf_probe_read_user(f + 1, n, (void *)start)) {
		n >>= 1;
		flags = HC_WIRE_FF_TRUNC | HC_WIRE_FF_FAULT;
		hc_mask(n, room - 1);
		if (bpf_probe_read_user(f + 1, n, (void *)start))
			n = 0;
	}
	hc_fact_end(s, f, kind, flags, HC_WIRE_SUBJ_ROW, n);
}

/* Arguments may be longer than any other fact: they come early, so that they fit. */
static __always_inline void hc_argv_fact(struct hc_scratch *s, u64 start, u64 end)
{
	u64 off = s->off;

	if (off >= 64 * 1024) {
		hc_set_flag(s, HC_WIRE_TRUNC);
		return;
	}
	hc_mask(off, 64 * 1024 - 1);
	hc_args_fact(s, (struct hc_wire_fact *)(s->data + off), HC_WIRE_F_ARGV, HC_WIRE_ARGV_BYTES, start, end);
}

_Static_assert(64 * 1024 + HC_WIRE_ARGV_BYTES + HC_WIRE_ENV_BYTES + 32 < HC_DATA_LAST, "paths follow");

/* How long what was cut has been. */
static __always_inline void hc_cut_fact(struct hc_scratch *s, u64 argv, u64 env)
{
	struct hc_wire_cut *w;

	if (argv < HC_WIRE_ARGV_BYTES && env < HC_WIRE_ENV_BYTES)
		return;
	w = hc_fact_fixed(s, HC_WIRE_F_CUT, 0, HC_WIRE_SUBJ_ROW, sizeof(*w));
	if (!w)
		return;
	w->argv = argv < HC_WIRE_ARGV_BYTES ? 0 : argv;
	w->env = env < HC_WIRE_ENV_BYTES ? 0 : env;
}

static __always_inline bool hc_is_dev_fd(const char *name)
{
	u64 w = 0;

	bpf_probe_read_kernel(&w, sizeof(w), name);
	return w == 0x2f64662f7665642fULL; /* "/dev/fd/", little endian */
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(hc_exec, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
{
	struct task_struct *task = hc_current(), *parent;
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_fileinfo info;
	struct hc_scratch *s;
	struct fs_struct *fs;
	struct mm_struct *mm;
	u64 *slot, file, filename, interp, env_bytes = 0;
	u32 tgid;

	if (!hc_type_on(HC_EV_PROC_EXEC))
		return 0;
	s = hc_take(cpu, HC_EV_PROC_EXEC, HC_WIRE_LANE_SECURITY);
	if (!s)
		return 0;
	tgid = hc_pr(task, tgid);
	hc_begin(s, task, HC_EV_PROC_EXEC, HC_WIRE_LANE_SECURITY, 9, HC_WIRE_NORET | hc_state_flags(task, tgid), 0,
	         ~0u);
	slot = hc_slots(s);
	filename = (u64)hc_pr(bprm, filename);
	interp = (u64)hc_pr(bprm, interp);
	parent = hc_pr(task, real_parent);
	if (hc_is_dev_fd((const char *)filename))
		slot[0] = 1;
	else if (hc_pr(parent, flags) & PF_KTHREAD && hc_pr(parent, pid))
		slot[0] = 2;
	slot[3] = (s64)hc_pr(bprm, argc);
	slot[4] = (s64)hc_pr(bprm, envc);
	slot[5] = (s64)old_pid;
	slot[6] = BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec);
	slot[7] = (s64)hc_pr(bprm, unsafe);
	hc_str_kernel(s, 1, (void *)filename, HC_WIRE_PATH_BYTES);
	if (interp != filename)
		hc_str_kernel(s, 2, (void *)interp, HC_WIRE_PATH_BYTES);
	mm = hc_pr(task, mm);
	hc_argv_fact(s, hc_pr(mm, arg_start), hc_pr(mm, arg_end));
	if (hc_conf.env) {
		env_bytes = hc_pr(mm, env_end) - hc_pr(mm, env_start);
		hc_args_fact(s, hc_fact(s), HC_WIRE_F_ENV, HC_WIRE_ENV_BYTES, hc_pr(mm, env_start),
		             hc_pr(mm, env_end));
	}
	hc_cut_fact(s, hc_pr(mm, arg_end) - hc_pr(mm, arg_start), env_bytes);
	hc_creds_fact(s, HC_WIRE_SUBJ_ROW, task, true);
	hc_ns_fact(s, HC_WIRE_SUBJ_ROW, task);
	hc_task_fact(s, HC_WIRE_SUBJ_ROW, task);
	hc_file_none(&info);
	file = (u64)hc_pr(mm, exe_file);
	if (file) {
		hc_file_load(s, file, &info);
		hc_file_super(&info);
		hc_file_fact(s, HC_WIRE_SUBJ_EXE, &info);
		hc_walk_later(s, HC_WIRE_SUBJ_EXE, info.dentry, info.vfsmnt, false);
	}
	fs = hc_pr(task, fs);
	hc_walk_later(s, HC_WIRE_SUBJ_CWD, (u64)hc_pr(fs, pwd.dentry), (u64)hc_pr(fs, pwd.mnt), false);
	hc_walk_later(s, HC_WIRE_SUBJ_ROOT, (u64)hc_pr(fs, root.dentry), (u64)hc_pr(fs, root.mnt), true);
#pragma clang loop unroll(disable)
	for (u32 fd = 0; fd < 3; fd++)
		hc_fd_fact(s, task, HC_WIRE_SUBJ_STDIN - fd, fd, HC_OBJ_USE, &info);
	bpf_tail_call(ctx, &hc_exec_next, 0);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(hc_exec_finish, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_scratch(cpu);

	if (!s)
		return 0;
	if (hc_walk_run(s, hc_current()))
		bpf_tail_call(ctx, &hc_exec_next, 0);
	hc_walk_stop(s);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

/* ---- end ---- */

struct hc_rec_exit {
	struct hc_wire_head head;
	u64 slot[10];
	struct hc_wire_fact fact;
	struct hc_wire_rusage use;
};

SEC("tp_btf/sched_process_exit")
int BPF_PROG(hc_exit, struct task_struct *p)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), tgid, code, group;
	struct hc_cpu *c = hc_cpu(cpu);
	struct signal_struct *sig;
	struct hc_rec_exit *r;
	bool dead;

	hc_raise_exit(task);
	if (!c || !hc_type_on(HC_EV_PROC_EXIT))
		return 0;
	tgid = hc_pr(task, tgid);
	sig = hc_pr(task, signal);
	dead = hc_pr(sig, live.counter) == 0;
	if (tgid == hc_dials.self_tgid) {
		/* what is pinned goes on: for the next recorder, which knows nothing */
		if (dead) {
			hc_dials.reader++;
			hc_dials.self_tgid = ~0u;
		}
		return 0;
	}
	r = hc_reserve(c, cpu, HC_WIRE_LANE_SECURITY, HC_EV_PROC_EXIT, sizeof(*r));
	if (!r)
		return 0;
	hc_head(&r->head, task, HC_EV_PROC_EXIT, HC_WIRE_LANE_SECURITY, 10,
	        HC_WIRE_NORET | hc_state_flags(task, tgid) |
	                (hc_pr(task, flags) & PF_KTHREAD ? HC_WIRE_KERNEL : 0),
	        0, ~0u);
	code = hc_pr(task, exit_code);
	group = hc_pr(sig, group_exit_code);
	if (dead && group && !(code & 0x7f))
		code = group; /* exit_group's, or the signal that ended the group */
	r->slot[0] = code;
	r->slot[1] = code >> 8 & 0xff;
	r->slot[2] = code & 0x7f;
	r->slot[3] = code >> 7 & 1;
	r->slot[4] = dead;
	r->slot[5] = hc_current_nr(task);
	if ((u32)r->slot[5] == ~0u)
		r->slot[5] = HC_WIRE_ABSENT;
	r->slot[6] = 0;
	r->use.utime_ns = hc_pr(task, utime);
	r->use.stime_ns = hc_pr(task, stime);
	r->use.min_faults = hc_pr(task, min_flt);
	r->use.maj_faults = hc_pr(task, maj_flt);
	r->use.read_bytes = 0;
	r->use.write_bytes = 0;
	r->use.max_rss_bytes = 0;
	if (bpf_core_field_exists(struct task_io_accounting, read_bytes)) {
		r->use.read_bytes = hc_pr(task, ioac.read_bytes);
		r->use.write_bytes = hc_pr(task, ioac.write_bytes);
	}
	if (dead) {
		r->use.utime_ns += hc_pr(sig, utime);
		r->use.stime_ns += hc_pr(sig, stime);
		r->use.min_faults += hc_pr(sig, min_flt);
		r->use.maj_faults += hc_pr(sig, maj_flt);
		if (bpf_core_field_exists(struct task_io_accounting, read_bytes)) {
			r->use.read_bytes += hc_pr(sig, ioac.read_bytes);
			r->use.write_bytes += hc_pr(sig, ioac.write_bytes);
		}
		r->use.max_rss_bytes = (u64)hc_pr(sig, maxrss) << 12;
	}
	r->slot[7] = r->use.utime_ns;
	r->slot[8] = r->use.stime_ns;
	r->slot[9] = r->use.max_rss_bytes ? r->use.max_rss_bytes : HC_WIRE_ABSENT;
	*(u64 *)&r->fact = (u64)sizeof(r->use) << 32 | (u64)HC_WIRE_SUBJ_ROW << 16 | HC_WIRE_F_RUSAGE;
	hc_submit(c, HC_WIRE_LANE_SECURITY, r, sizeof(*r));
	return 0;
}

/* ---- name ---- */

#if defined(__TARGET_ARCH_x86)
#define HC_NR_PRCTL 157
#else
#define HC_NR_PRCTL 167
#endif
#define HC_NR_PRCTL_32 172

enum { HC_RENAME_KERNEL, HC_RENAME_EXEC, HC_RENAME_PRCTL, HC_RENAME_PROCFS };

/* Why the target gets another name. Who writes its own into procfs is told from prctl by the call under way. */
static __always_inline u64 hc_rename_cause(struct task_struct *task, struct task_struct *target)
{
	u32 nr;

	if (hc_pr(target, flags) & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		return HC_RENAME_KERNEL;
	if (hc_pr(target, pid) != hc_pr(task, pid))
		return HC_RENAME_PROCFS;
	if (BPF_CORE_READ_BITFIELD_PROBED(target, in_execve))
		return HC_RENAME_EXEC;
	nr = hc_current_nr(task);
	return nr == ~0u || nr == (hc_compat(task) ? HC_NR_PRCTL_32 : HC_NR_PRCTL) ? HC_RENAME_PRCTL
	                                                                           : HC_RENAME_PROCFS;
}

SEC("tp_btf/task_rename")
int BPF_PROG(hc_rename, struct task_struct *target, const char *comm)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), tgid = hc_pr(task, tgid);
	struct hc_wire_taskref *ref;
	struct hc_scratch *s;
	u64 *slot;

	if (tgid == hc_dials.self_tgid || !hc_type_on_at(hc_detail_of(task, tgid), HC_EV_PROC_RENAME))
		return 0;
	s = hc_take(cpu, HC_EV_PROC_RENAME, HC_WIRE_LANE_SECURITY);
	if (!s)
		return 0;
	hc_begin(s, task, HC_EV_PROC_RENAME, HC_WIRE_LANE_SECURITY, 5,
	         HC_WIRE_NORET | hc_state_flags(task, tgid) |
	                 (hc_pr(task, flags) & PF_KTHREAD ? HC_WIRE_KERNEL : 0),
	         0, ~0u);
	slot = hc_slots(s);
	hc_str_kernel(s, 0, target->comm, HC_WIRE_COMM_BYTES);
	hc_str_kernel(s, 1, comm, HC_WIRE_COMM_BYTES);
	slot[3] = hc_rename_cause(task, target);
	ref = hc_fact_fixed(s, HC_WIRE_F_TASKREF, 0, HC_WIRE_SUBJ_TARGET, sizeof(*ref));
	if (ref)
		hc_taskref_fill(ref, target);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

/* ---- those alive at the start ---- */

SEC("iter/task")
int hc_snapshot(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	struct hc_scratch *s = hc_scratch(hc_conf.n_cpus); /* one more than there are CPUs: ours alone */
	struct hc_wire_head *h;
	struct hc_fileinfo info;
	struct mm_struct *mm;
	u64 bytes, file;

	if (!hc_dials.self_tgid)
		hc_dials.self_tgid = bpf_get_current_pid_tgid() >> 32;
	if (!task || !s)
		return 0;
	h = (struct hc_wire_head *)s->data;
	__builtin_memset(h, 0, sizeof(*h));
	h->type = HC_EV_META_STATE;
	h->flags = HC_WIRE_SNAPSHOT | HC_WIRE_NORET | (hc_pr(task, flags) & PF_KTHREAD ? HC_WIRE_KERNEL : 0);
	h->ts_ns = bpf_ktime_get_boot_ns();
	h->tid = hc_pr(task, pid);
	h->tgid = hc_pr(task, tgid);
	h->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	h->exec_id = hc_pr(task, self_exec_id);
	h->nr = ~0u;
	h->cgroup_id = hc_conf.cgroup_v2 ? hc_cgroup_any(task) : 0;
	s->off = sizeof(*h);
	hc_task_fact(s, HC_WIRE_SUBJ_ROW, task);
	hc_creds_fact(s, HC_WIRE_SUBJ_ROW, task, true);
	hc_ns_fact(s, HC_WIRE_SUBJ_ROW, task);
	mm = hc_pr(task, mm);
	file = h->tid == h->tgid && mm ? (u64)hc_pr(mm, exe_file) : 0;
	if (file) {
		hc_file_none(&info);
		hc_file_load(s, file, &info);
		hc_file_super(&info);
		hc_file_fact(s, HC_WIRE_SUBJ_EXE, &info);
	}
	bytes = s->off;
	hc_mask(bytes, HC_WIRE_MAX_BYTES - 1);
	h->bytes = bytes;
	bpf_seq_write(seq, s->data, bytes);
	return 0;
}

#endif
