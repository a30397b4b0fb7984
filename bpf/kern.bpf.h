/* bpf/kern.bpf.h: what the kernel tells of itself: signals, modules, cgroups, TCP states, capability checks, kills
 * for memory, denials by SELinux. */
#ifndef HC_BPF_KERN_H
#define HC_BPF_KERN_H

#include "proc.bpf.h"
#include "sys.bpf.h"

/* ---- signals ---- */

struct hc_rec_signal {
	struct hc_wire_head head;
	u64 slot[5];
	struct hc_wire_fact fact;
	struct hc_wire_taskref target;
};

#define SI_USER 0
#define SI_QUEUE (-1)
#define SI_TKILL (-6)
#define SI_KERNEL 0x80

/* Signals that a task's own error raises. */
#define HC_SIG_SYNC (1ULL << 4 | 1ULL << 5 | 1ULL << 6 | 1ULL << 7 | 1ULL << 8 | 1ULL << 11 | 1ULL << 31)

/* info is 0 (from user space, nothing known) or 1 (from the kernel) or a pointer. */
static __always_inline s32 hc_si_code(const struct kernel_siginfo *info)
{
	u64 number = (u64)info;
	s32 code = 0;

	if (number == 0)
		return SI_USER;
	if (number == 1)
		return SI_KERNEL;
	bpf_core_read(&code, sizeof(code), &info->si_code);
	return code;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(hc_sig_send, int sig, struct kernel_siginfo *info, struct task_struct *target, int group, int result)
{
	u32 cpu = bpf_get_smp_processor_id(), tgid, detail = 0;
	struct hc_cpu *c = hc_cpu(cpu);
	struct hc_rec_signal *r;
	struct task_struct *task = hc_current();
	bool from_user;
	s32 code;
	u16 mode;

	tgid = hc_pr(task, tgid);
	if (hc_dials.raising) /* it is about both */
		detail = hc_raise_detail(hc_raises_of(task, tgid) | hc_raises_of(target, hc_pr(target, tgid)));
	if (!c || !hc_type_on_at(detail, HC_EV_SIG_SEND))
		return 0;
	code = hc_si_code(info);
	from_user = code == SI_USER || code == SI_QUEUE || code == SI_TKILL;
	if (tgid == hc_dials.self_tgid && from_user)
		return 0;
	mode = hc_mode_at(detail, HC_EV_SIG_SEND);
	if (mode) {
		bool other = (u32)hc_pr(target, tgid) != tgid || !from_user;
		bool wanted = mode & HC_WIRE_MODE_FAIL && (result == 3 || result == 4);

		if (mode & HC_WIRE_MODE_FATAL && hc_sig_fatal(sig))
			wanted |= other ? sig < 32 : (bool)(HC_SIG_SYNC >> (sig & 63) & 1);
		if (!wanted) {
			hc_count(c, HC_EV_SIG_SEND)->seen++;
			hc_count(c, HC_EV_SIG_SEND)->sampled++;
			return 0;
		}
	}
	r = hc_reserve(c, cpu, HC_WIRE_LANE_SIGNAL, HC_EV_SIG_SEND, sizeof(*r));
	if (!r)
		return 0;
	hc_head(&r->head, task, HC_EV_SIG_SEND, HC_WIRE_LANE_SIGNAL, 5,
	        HC_WIRE_NORET | (mode ? HC_WIRE_SAMPLED : 0) | (from_user ? 0 : HC_WIRE_KERNEL), 0, ~0u);
	if (!from_user && !(HC_SIG_SYNC >> (sig & 63) & 1) && sig != 17) {
		/* a timer, a terminal: whoever was running here is not the sender (of SIGCHLD it is: the child) */
		r->head.flags |= HC_WIRE_IRQ;
		r->head.tid = 0;
		r->head.tgid = 0;
		r->head.start_ns = 0;
		r->head.exec_id = 0;
		r->head.cgroup_id = 0;
	}
	r->slot[0] = sig;
	r->slot[1] = (s64)code;
	r->slot[2] = (u32)hc_pr(target, pid);
	r->slot[3] = (u32)group != 0;
	r->slot[4] = (u32)result;
	*(u64 *)&r->fact = (u64)sizeof(r->target) << 32 | (u64)2 << 16 | HC_WIRE_F_TASKREF;
	hc_taskref_fill(&r->target, target);
	hc_submit(c, HC_WIRE_LANE_SIGNAL, r, sizeof(*r));
	return 0;
}

struct hc_rec_deliver {
	struct hc_wire_head head;
	u64 slot[4];
};

SEC("tp_btf/signal_deliver")
int BPF_PROG(hc_sig_deliver, int sig, struct kernel_siginfo *info, struct k_sigaction *ka)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), tgid = hc_pr(task, tgid);
	struct hc_cpu *c = hc_cpu(cpu);
	struct hc_rec_deliver *r;
	s32 code, pid = 0;

	if (!c || tgid == hc_dials.self_tgid || !hc_type_on_at(hc_detail_of(task, tgid), HC_EV_SIG_DELIVER))
		return 0;
	r = hc_reserve(c, cpu, HC_WIRE_LANE_SECURITY, HC_EV_SIG_DELIVER, sizeof(*r));
	if (!r)
		return 0;
	hc_head(&r->head, task, HC_EV_SIG_DELIVER, HC_WIRE_LANE_SECURITY, 4, HC_WIRE_NORET, 0, ~0u);
	code = hc_si_code(info);
	/* the sender's number, in the receiver's pid namespace, is the first word of the union for what users send
	 */
	if ((u64)info > 1 && (code <= 0 || sig == 17))
		bpf_probe_read_kernel(&pid, sizeof(pid), (void *)((u64)info + 16));
	r->slot[0] = sig;
	r->slot[1] = (s64)pid;
	r->slot[2] = (u64)hc_pr(ka, sa.sa_handler);
	r->slot[3] = hc_pr(ka, sa.sa_flags);
	hc_submit(c, HC_WIRE_LANE_SECURITY, r, sizeof(*r));
	return 0;
}

/* ---- kernel modules ---- */

/* Recorded of who is running? */
static __always_inline bool hc_kernel_on(u16 type)
{
	struct task_struct *task = hc_current();

	return hc_type_on_at(hc_detail_of(task, hc_pr(task, tgid)), type);
}

static __always_inline struct hc_scratch *hc_kernel_begin(u32 cpu, u16 type, u8 n_slots)
{
	struct hc_scratch *s = hc_take(cpu, type, HC_WIRE_LANE_SECURITY);
	struct task_struct *task = hc_current();
	u16 flags = HC_WIRE_NORET;

	if (!s)
		return NULL;
	if (hc_pr(task, flags) & PF_KTHREAD)
		flags |= HC_WIRE_KERNEL;
	hc_begin(s, task, type, HC_WIRE_LANE_SECURITY, n_slots, flags, 0, ~0u);
	return s;
}

/* name version srcversion taints [size file path] */
static __always_inline int hc_module(struct module *mod, u16 type, u8 n_slots)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_kernel_begin(cpu, type, n_slots);
	u64 *slot;

	if (!s)
		return 0;
	slot = hc_slots(s);
	slot[3] = hc_pr(mod, taints);
	if (n_slots > 4) {
		if (bpf_core_field_exists(struct module___mem, mem)) {
			u64 at = (u64)mod + bpf_core_field_offset(struct module___mem, mem);
			u64 sum = 0;

			/* text, data, read-only data, read-only after init, and the same of init: all but init
			 * stays */
			for (u32 i = 0; i < 4; i++) {
				u32 size = 0;

				bpf_probe_read_kernel(&size, sizeof(size),
				                      (void *)(at + i * bpf_core_type_size(struct module_memory) +
				                               bpf_core_field_offset(struct module_memory, size)));
				sum += size;
			}
			slot[4] = sum;
		} else if (bpf_core_field_exists(struct module___layout, core_layout)) {
			slot[4] = hc_pr((struct module___layout *)mod, core_layout.size);
		}
	}
	hc_str_kernel(s, 0, mod->name, 64);
	hc_str_kernel(s, 1, hc_pr(mod, version), 64);
	hc_str_kernel(s, 2, hc_pr(mod, srcversion), 64);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

SEC("tp_btf/module_load")
int BPF_PROG(hc_mod_load, struct module *mod)
{
	if (!hc_kernel_on(HC_EV_MOD_LOAD))
		return 0;
	return hc_module(mod, HC_EV_MOD_LOAD, 7);
}

SEC("tp_btf/module_free")
int BPF_PROG(hc_mod_free, struct module *mod)
{
	if (!hc_kernel_on(HC_EV_MOD_FREE))
		return 0;
	return hc_module(mod, HC_EV_MOD_FREE, 4);
}

SEC("tp_btf/module_request")
int BPF_PROG(hc_mod_request, char *name, bool wait)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s;

	if (!hc_kernel_on(HC_EV_MOD_REQUEST))
		return 0;
	s = hc_kernel_begin(cpu, HC_EV_MOD_REQUEST, 2);
	if (!s)
		return 0;
	hc_slots(s)[1] = wait;
	hc_str_kernel(s, 0, name, 128);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

/* ---- cgroups: cgroup_id path hierarchy container | target threadgroup proc_after hierarchy ---- */

static __always_inline int hc_cg(struct cgroup *cgrp, const char *path, u16 type, struct task_struct *target,
                                 bool group)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_kernel_begin(cpu, type, target ? 6 : 4);
	struct hc_wire_taskref *ref;
	u64 *slot;

	if (!s)
		return 0;
	slot = hc_slots(s);
	slot[0] = BPF_CORE_READ(cgrp, kn, id);
	hc_str_kernel(s, 1, path, HC_WIRE_PATH_BYTES);
	if (target) {
		slot[3] = group;
		ref = hc_fact_fixed(s, HC_WIRE_F_TASKREF, 0, 2, sizeof(*ref));
		if (ref)
			hc_taskref_fill(ref, target);
	}
	slot[target ? 5 : 2] = BPF_CORE_READ(cgrp, root, hierarchy_id);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(hc_cg_mkdir, struct cgroup *cgrp, const char *path)
{
	if (!hc_type_on(HC_EV_CG_MKDIR))
		return 0;
	return hc_cg(cgrp, path, HC_EV_CG_MKDIR, NULL, false);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(hc_cg_rmdir, struct cgroup *cgrp, const char *path)
{
	if (!hc_type_on(HC_EV_CG_RMDIR))
		return 0;
	return hc_cg(cgrp, path, HC_EV_CG_RMDIR, NULL, false);
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(hc_cg_attach, struct cgroup *cgrp, const char *path, struct task_struct *target, bool threadgroup)
{
	if (!hc_type_on(HC_EV_CG_ATTACH))
		return 0;
	return hc_cg(cgrp, path, HC_EV_CG_ATTACH, target, threadgroup);
}

/* ---- TCP states: old new sock ---- */

struct hc_rec_tcp {
	struct hc_wire_head head;
	u64 slot[3];
	struct hc_wire_fact fact;
	struct hc_wire_sock sock;
};

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_CLOSE = 7, TCP_LISTEN = 10 };

/* Room for a copy of the socket, which scratch has for the sys_exit programs only: this hook interrupts them. */
struct hc_tcp_room {
	u64 number; /* the socket's address, see hc_number */
	u8 blk[HC_BLK];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hc_tcp_room);
} hc_tcp_rooms SEC(".maps");

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(hc_tcp_state, const struct sock *sk, int old, int new)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), zero = 0;
	struct hc_cpu *c = hc_cpu(cpu);
	struct hc_tcp_room *room;
	struct socket *socket;
	struct hc_rec_tcp *r;
	u64 ino = 0, number;

	if (!c || !hc_type_on(HC_EV_TCP_STATE))
		return 0;
	if (new != TCP_SYN_SENT &&new != TCP_ESTABLISHED &&new != TCP_LISTEN &&new != TCP_CLOSE &&
	    !hc_dials.tcp_all)
		return 0;
	room = bpf_map_lookup_elem(&hc_tcp_rooms, &zero);
	if (!room || hc_pr((struct sock *)sk, sk_protocol) != 6)
		return 0;
	r = hc_reserve(c, cpu, HC_WIRE_LANE_TCP, HC_EV_TCP_STATE, sizeof(*r));
	if (!r)
		return 0;
	hc_head(&r->head, task, HC_EV_TCP_STATE, HC_WIRE_LANE_TCP, 3, HC_WIRE_NORET, 0, ~0u);
	if (new != TCP_SYN_SENT &&new != TCP_LISTEN) {
		/* the others come with a packet as well as with a call: who runs here may have nothing to do with
		 * it */
		r->head.flags |= HC_WIRE_KERNEL | HC_WIRE_IRQ;
		r->head.tid = 0;
		r->head.tgid = 0;
		r->head.start_ns = 0;
		r->head.exec_id = 0;
		r->head.cgroup_id = 0;
	}
	r->slot[0] = (u32)old;
	r->slot[1] = (u32) new;
	r->slot[2] = 0;
	*(u64 *)&r->fact = (u64)sizeof(r->sock) << 32 | (u64)2 << 16 | HC_WIRE_F_SOCK;
	socket = hc_pr((struct sock *)sk, sk_socket);
	if (socket) {
		struct file *file = hc_pr(socket, file);

		if (file)
			ino = BPF_CORE_READ(file, f_inode, i_ino);
	}
	*(volatile u64 *)&room->number = (u64)sk;
	number = *(volatile u64 *)&room->number;
	hc_sock_fill(room->blk, &r->sock, number, ino);
	r->sock.state = new;
	hc_submit(c, HC_WIRE_LANE_TCP, r, sizeof(*r));
	return 0;
}

/* ---- capability checks: cap target_userns, ret ---- */

SEC("tp_btf/cap_capable")
int BPF_PROG(hc_cap_check, const struct cred *cred, struct user_namespace *target, struct user_namespace *capable,
             int cap, int ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), tgid = hc_pr(task, tgid), detail;
	struct hc_cpu *c = hc_cpu(cpu);
	struct hc_scratch *s;
	u64 number, who;
	u64 *slot;
	u16 mode;

	if (!c || tgid == hc_dials.self_tgid)
		return 0;
	detail = hc_detail_of(task, tgid);
	if (!hc_type_on_at(detail, HC_EV_CAP_CHECK))
		return 0;
	mode = hc_mode_at(detail, HC_EV_CAP_CHECK);
	s = hc_take(cpu, HC_EV_CAP_CHECK, HC_WIRE_LANE_SECURITY);
	if (!s)
		return 0;
	number = hc_number(s, cred);
	/* Refused ones alone would be a flood: an unprivileged process is refused SYS_ADMIN at each mapping. */
	who = (u64)tgid << 32 | hc_pr(task, self_exec_id);
	if (mode & HC_WIRE_MODE_FIRST) {
		if (!hc_tab_first(HC_TAB_FIRST,
		                  hc_hash(hc_hash(who, number), 0xca9ULL << 32 | (u32)cap << 1 | (ret != 0))))
			goto out;
	} else if (mode & HC_WIRE_MODE_FAIL && !ret) {
		goto out;
	}
	hc_begin(s, task, HC_EV_CAP_CHECK, HC_WIRE_LANE_SECURITY, 2,
	         (mode ? HC_WIRE_SAMPLED : 0) | (hc_pr(task, flags) & PF_KTHREAD ? HC_WIRE_KERNEL : 0), ret, ~0u);
	slot = hc_slots(s);
	slot[0] = (u32)cap;
	slot[1] = hc_pr(target, ns.inum);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
out:
	hc_release(s);
	hc_count(c, HC_EV_CAP_CHECK)->seen++;
	hc_count(c, HC_EV_CAP_CHECK)->sampled++;
	return 0;
}

/* ---- out of memory: target uid ---- */

SEC("tp_btf/mark_victim")
int BPF_PROG(hc_oom_kill, struct task_struct *target, u32 uid)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_wire_taskref *ref;
	struct hc_scratch *s;

	/* of the victim; whoever runs here only wanted memory */
	if (!hc_type_on_at(hc_detail_of(target, hc_pr(target, tgid)), HC_EV_OOM_KILL))
		return 0;
	s = hc_kernel_begin(cpu, HC_EV_OOM_KILL, 2);
	if (!s)
		return 0;
	hc_slots(s)[0] = (u32)hc_pr(target, pid);
	hc_slots(s)[1] = uid;
	ref = hc_fact_fixed(s, HC_WIRE_F_TASKREF, 0, 0, sizeof(*ref));
	if (ref)
		hc_taskref_fill(ref, target);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

/* Before 6.8 the tracepoint has the number only. */
SEC("tp_btf/mark_victim")
int BPF_PROG(hc_oom_kill_pid, int pid)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s;

	if (!hc_kernel_on(HC_EV_OOM_KILL))
		return 0;
	s = hc_kernel_begin(cpu, HC_EV_OOM_KILL, 2);
	if (!s)
		return 0;
	hc_slots(s)[0] = (u32)pid;
	hc_slots(s)[1] = HC_WIRE_ABSENT;
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

/* ---- SELinux: scontext tcontext tclass requested denied result ---- */

SEC("tp_btf/selinux_audited")
int BPF_PROG(hc_lsm_denied, struct selinux_audit_data *data, char *scontext, char *tcontext, const char *tclass)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s;
	u64 *slot;

	if (!hc_pr(data, denied) || !hc_kernel_on(HC_EV_LSM_DENIED))
		return 0;
	s = hc_kernel_begin(cpu, HC_EV_LSM_DENIED, 6);
	if (!s)
		return 0;
	slot = hc_slots(s);
	slot[3] = hc_pr(data, requested);
	slot[4] = hc_pr(data, denied);
	slot[5] = (s64)hc_pr(data, result);
	hc_str_kernel(s, 0, scontext, 256);
	hc_str_kernel(s, 1, tcontext, 256);
	hc_str_kernel(s, 2, tclass, 64);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

#endif
