/* bpf/sys.bpf.h: system calls. One program at sys_exit looks the number up in a bitmap and tail-calls the handler
 * of its description (struct hc_sys_desc); registers at exit are those of entry. */
#ifndef HC_BPF_SYS_H
#define HC_BPF_SYS_H

#include "told.bpf.h"
#include "raise.bpf.h"
#include "early.bpf.h"
#include "brief.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, HC_N_HANDLERS);
	__type(key, u32);
	__type(value, u32);
} hc_handlers SEC(".maps");

/* What every scratch-built handler begins with: the call's description, registers and result in scratch. */
static __always_inline struct hc_scratch *hc_call(u32 cpu, struct task_struct *task, struct pt_regs *regs, s64 ret)
{
	struct hc_scratch *s = hc_scratch(cpu);
	const volatile struct hc_sys_desc *d;
	u64 idx = hc_nr(regs);
	bool compat;

	if (s && s->mux) {
		s->mux = 0;
		return s;
	}
	hc_mask(idx, HC_WIRE_MAX_NR - 1);
	compat = hc_compat(task);
	d = compat ? &hc_sys32[idx] : &hc_sys[idx];
	s = hc_take_by(cpu, d->type, d->lane, (u64)(u32)hc_rd(task, tgid) << 32 | (u32)hc_rd(task, pid));
	if (!s)
		return NULL;
	((u64 *)&s->desc)[0] = ((const volatile u64 *)d)[0];
	((u64 *)&s->desc)[1] = ((const volatile u64 *)d)[1];
	s->raises = 0;
	if (hc_dials.raising) {
		struct hc_cpu *c = hc_cpu(cpu);

		if (c)
			s->raises = c->raises;
	}
	s->detail = hc_raise_detail(s->raises);
	s->nr = hc_nr(regs);
	s->ret = ret;
	s->compat = compat;
	hc_args(s->arg, regs, compat);
	s->arg[6] = ret;
	s->arg[7] = 0;
	return s;
}

/* struct trace_event_raw_sys_enter of one call's own tracepoint: 8 bytes of header, the number, the arguments. */
struct hc_enter_ctx {
	u64 header;
	long nr;
	unsigned long arg[6];
};

/* Head and slots of the call's record. */
static __always_inline void hc_call_begin(struct hc_scratch *s, struct task_struct *task, u16 flags)
{
	hc_begin(s, task, s->desc.type, s->desc.lane, s->desc.n_slots,
	         flags | hc_call_flags(task, s->nr, s->ret, s->compat), s->ret, s->nr);
}

/* ---- the dispatcher ---- */

/* The rest of it, for a caller with this detail; `brief`: by the short way, where there is one. */
static __always_inline int hc_dispatch(void *ctx, struct task_struct *task, u32 tgid, struct pt_regs *regs,
                                       s64 ret, u64 detail, const bool brief)
{
	u32 handler = HC_H_REGS, nr = hc_nr(regs);
	bool native = false;
	struct hc_cpu *c;
	u64 idx = nr;

	hc_mask(detail, HC_N_DETAILS - 1);
	if (nr < HC_WIRE_MAX_NR) {
		hc_mask(idx, HC_WIRE_MAX_NR - 1);
		if (hc_compat(task)) {
			if (!hc_bit(hc_dials.detail[detail].on32, HC_WIRE_MAX_NR / 64 - 1, nr))
				return 0;
			handler = hc_sys32[idx].handler;
		} else {
			if (!hc_bit(hc_dials.detail[detail].on, HC_WIRE_MAX_NR / 64 - 1, nr))
				return 0;
			handler = hc_sys[idx].handler;
			native = true;
		}
	} else if (!hc_dials.detail[detail].on_unknown) {
		return 0;
	}
	if (tgid == hc_dials.self_tgid)
		return 0;
	if (hc_dials.filters && hc_skipped(task, tgid)) {
		u16 type = HC_EV_SYS;

		c = hc_cpu(bpf_get_smp_processor_id());
		if (nr < HC_WIRE_MAX_NR) {
			hc_mask(idx, HC_WIRE_MAX_NR - 1);
			type = hc_compat(task) ? hc_sys32[idx].type : hc_sys[idx].type;
		}
		if (c) {
			hc_count(c, type)->seen++;
			hc_count(c, type)->filtered++;
		}
		return 0;
	}
	if (native && !detail) {
		const volatile struct hc_sys_desc *d;
		u16 mode;

		hc_mask(idx, HC_WIRE_MAX_NR - 1);
		d = &hc_sys[idx];
		mode = hc_mode_at(0, d->type);
		if (mode && (handler == HC_H_RW || handler == HC_H_MSG)) {
			u64 arg[6];

			hc_args(arg, regs, false);
			if (hc_conf.cast ? hc_left_out(true, task, d, arg, ret, mode)
			                 : hc_left_out(false, task, d, arg, ret, mode))
				return 0;
		}
		/* Who is raised may have payload kept on top. */
		if (!mode && brief && hc_conf.cast && hc_brief(task, regs, d, ret))
			return 0;
	}
	bpf_tail_call(ctx, &hc_handlers, handler);
	c = hc_cpu(bpf_get_smp_processor_id());
	if (c)
		c->unknown++;
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task;
	u32 nr = hc_nr(regs);

	if (nr < HC_WIRE_MAX_NR) {
		/* Wanted in neither table? Then there is no need to ask which one it is. */
		if (!hc_bit(hc_dials.any, HC_WIRE_MAX_NR / 64 - 1, nr))
			return 0;
	} else if (nr == (u32)-1 || !hc_dials.any_unknown) { /* -1: rt_sigreturn */
		return 0;
	}
	if (hc_dials.raising)
		bpf_tail_call(ctx, &hc_handlers, HC_H_RAISE);
	task = hc_current();
	return hc_dispatch(ctx, task, hc_rd(task, tgid), regs, ret, 0, true);
}

/* The same while detail is raised for some: is the caller one of them? */
SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_raise, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	struct hc_cpu *c = hc_cpu(bpf_get_smp_processor_id());
	u32 tgid = hc_rd(task, tgid), raises;

	if (!c || tgid == hc_dials.self_tgid)
		return 0;
	raises = hc_raises_of(task, tgid);
	c->raises = raises;
	return hc_dispatch(ctx, task, tgid, regs, ret, hc_raise_detail(raises), false);
}

/* Paths and output; tail-calls itself once per path. */
SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_finish, struct pt_regs *regs, long ret)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_scratch(cpu);

	if (!s)
		return 0;
	if (hc_walk_run(s, hc_current()))
		bpf_tail_call(ctx, &hc_handlers, HC_H_FINISH);
	hc_walk_stop(s);
	hc_told_output(s, cpu);
	hc_release(s);
	return 0;
}

/* Ends a handler that built its record in scratch. */
#define hc_done(ctx, s, cpu)                                           \
	do {                                                           \
		if ((s)->n_walks)                                      \
			bpf_tail_call(ctx, &hc_handlers, HC_H_FINISH); \
		hc_output(s, cpu);                                     \
		hc_release(s);                                         \
	} while (0)

static __always_inline void hc_count_sampled(u32 cpu, u16 type)
{
	struct hc_cpu *c = hc_cpu(cpu);

	if (c) {
		hc_count(c, type)->seen++;
		hc_count(c, type)->sampled++;
	}
}

/* Ends a handler whose call the type's mode does not want. */
static __always_inline int hc_sampled_out(struct hc_scratch *s, u32 cpu)
{
	hc_count_sampled(cpu, s->desc.type);
	hc_release(s);
	return 0;
}

/* How the call under way is sampled. */
static __always_inline u16 hc_mode(const struct hc_scratch *s)
{
	return hc_mode_at(s->detail, s->desc.type);
}

/* Payload bytes kept of it. */
static __always_inline u32 hc_snap(const struct hc_scratch *s)
{
	u64 type = s->desc.type;
	u32 snap, more;

	hc_mask(type, HC_WIRE_MAX_TYPES - 1);
	snap = hc_dials.snap[type];
	if (!s->raises || !hc_bit(hc_dials.payload, HC_WIRE_MAX_TYPES / 64 - 1, type))
		return snap;
	more = hc_raise_snap(s->raises);
	return more > snap ? more : snap;
}

/* ---- any call: six registers ---- */

struct hc_rec_regs {
	struct hc_wire_head head;
	u64 slot[6];
};

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_regs, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), nr = hc_nr(regs);
	struct hc_cpu *c = hc_cpu(cpu);
	bool compat = hc_compat(task);
	struct hc_rec_regs *r;

	if (!c)
		return 0;
	r = hc_reserve(c, cpu, HC_WIRE_LANE_BULK, HC_EV_SYS, sizeof(*r));
	if (!r)
		return 0;
	hc_head(&r->head, task, HC_EV_SYS, HC_WIRE_LANE_BULK, 6, hc_call_flags(task, nr, ret, compat), ret, nr);
	hc_args(r->slot, regs, compat);
	hc_submit(c, HC_WIRE_LANE_BULK, r, sizeof(*r));
	return 0;
}

/* ---- by the table ---- */

static __always_inline bool hc_sig_fatal(u32 sig)
{
	/* by default ignored, or stopping and continuing: CHLD CONT TSTP TTIN TTOU URG WINCH */
	const u64 harmless =
		1ULL << 17 | 1ULL << 18 | 1ULL << 20 | 1ULL << 21 | 1ULL << 22 | 1ULL << 23 | 1ULL << 28;

	return sig && sig <= 64 && !(harmless >> sig & 1);
}

/* The number a task knows itself by. */
static __always_inline u32 hc_own_vpid(struct task_struct *task)
{
	struct pid *pid = hc_pr(hc_pr(task, group_leader), thread_pid);

	return hc_pid_nr(pid, hc_pr(pid, level));
}

/* Does the sampling mode of the type want this call? For the table-driven handler. */
static __always_inline bool hc_gen_wanted(struct hc_scratch *s, struct task_struct *task, u16 mode)
{
	const struct hc_sys_desc *d = &s->desc;

	if (!mode)
		return true;
	if (mode & HC_WIRE_MODE_FAIL && (s64)s->ret < 0)
		return true;
	if (mode & HC_WIRE_MODE_FATAL) {
		/* special: register of the signal, of the pid (7: none, a pidfd) */
		u64 sig = d->special & 7, who = d->special >> 4 & 7;

		if (hc_sig_fatal(s->arg[sig]) && (who == 7 || (u32)s->arg[who] != hc_own_vpid(task)))
			return true;
	}
	if (mode & HC_WIRE_MODE_VALUES && d->special < 8 && s->arg[d->special & 7])
		return true; /* special: register that must not be 0 */
	if (mode & HC_WIRE_MODE_FIRST) {
		bool wanted = false;

		/* special: bit n: argument n is written to */
		for (u32 i = 0; i < 4; i++) {
			u8 a = d->arg[i];
			u64 file;

			if (a >> 4 != HC_SA_FD)
				continue;
			file = hc_file_of(task, s->arg[a & 7]);
			if (hc_first(s, task, file, (u64)hc_pr((struct file *)file, f_inode), d->special >> i & 1))
				wanted = true;
		}
		return wanted;
	}
	return false;
}

static __always_inline void hc_task_facts(struct hc_scratch *s, struct task_struct *task, u32 facts)
{
	struct fs_struct *fs;

	if (facts & HC_SF_CREDS)
		hc_creds_fact(s, HC_WIRE_SUBJ_ROW, task, facts & HC_SF_GROUPS);
	if (facts & HC_SF_NS)
		hc_ns_fact(s, HC_WIRE_SUBJ_ROW, task);
	if (facts & HC_SF_TASK)
		hc_task_fact(s, HC_WIRE_SUBJ_ROW, task);
	if (facts & (HC_SF_CWD | HC_SF_ROOT)) {
		fs = hc_pr(task, fs);
		if (facts & HC_SF_CWD)
			hc_walk_later(s, HC_WIRE_SUBJ_CWD, (u64)hc_pr(fs, pwd.dentry), (u64)hc_pr(fs, pwd.mnt),
			              false);
		if (facts & HC_SF_ROOT)
			hc_walk_later(s, HC_WIRE_SUBJ_ROOT, (u64)hc_pr(fs, root.dentry), (u64)hc_pr(fs, root.mnt),
			              true);
	}
}

static __always_inline void hc_gen(struct hc_scratch *s, struct task_struct *task)
{
	const struct hc_sys_desc *d = &s->desc;
	u32 n = d->n_slots;

	s->n_fds = 0;

	/* What a kind decides goes through memory, about which the verifier knows nothing: so all kinds leave the
	 * switch in one state, and a turn of the loop is verified once. */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 8; i++) {
		u64 v, idx = i, reg;
		u32 kind;
		s32 fd;

		if (i >= n)
			break;
		hc_mask(idx, 7);
		kind = d->arg[idx];
		reg = kind & 7;
		kind >>= 4;
		v = s->arg[reg];
		s->g.fd = -1;
		s->g.how = HC_OBJ_USE;
		s->g.value = v;
		switch (kind) {
		case HC_SA_NONE:
			s->g.value = 0;
			break;
		case HC_SA_U32:
			s->g.value = (u32)v;
			break;
		case HC_SA_I32:
			s->g.value = (s64)(s32)v;
			break;
		case HC_SA_FD:
			s->g.value = (s64)(s32)v;
			s->g.fd = v;
			break;
		case HC_SA_NEWFD:
		case HC_SA_SAMEFD:
			s->g.value = (s64)s->ret;
			s->g.fd = (s64)s->ret >= 0 ? (s64)s->ret : -1;
			if (kind == HC_SA_NEWFD)
				s->g.how = HC_OBJ_NEW;
			break;
		case HC_SA_STR:
			hc_str_user(s, i, v, HC_WIRE_PATH_BYTES);
			break;
		case HC_SA_ADDR:
			hc_addr_user(s, i, v, s->arg[(reg + 1) & 7]);
			break;
		case HC_SA_PI64:
			s->g.value = HC_WIRE_ABSENT;
			if (v && bpf_probe_read_user(&s->g.value, 8, (void *)v))
				s->g.value = HC_WIRE_ABSENT;
			break;
		case HC_SA_PI32:
			s->g.value = HC_WIRE_ABSENT;
			if (v && !bpf_probe_read_user(&fd, sizeof(fd), (void *)v))
				s->g.value = (s64)fd;
			break;
		case HC_SA_FD0:
		case HC_SA_FD1:
			s->g.value = HC_WIRE_ABSENT;
			if ((s64)s->ret >= 0 &&
			    !bpf_probe_read_user(&fd, sizeof(fd), (void *)(v + (kind == HC_SA_FD1 ? 4 : 0)))) {
				s->g.value = (s64)fd;
				s->g.fd = fd;
				s->g.how = HC_OBJ_NEW;
			}
			break;
		case HC_SA_BYTES:
			hc_bytes_user(s, i, v, (u32)s->arg[(reg + 1) & 7], ~0ULL, d->special ? d->special : 256,
			              512);
			break;
		case HC_SA_PAIR:
			s->g.value = (u32)v | s->arg[(reg + 1) & 7] << 32;
			break;
		case HC_SA_ABSENT:
			s->g.value = HC_WIRE_ABSENT;
			break;
		default:
			break;
		}
		asm volatile("" ::: "memory");
		hc_slots(s)[idx] = s->g.value;
		if (s->g.fd >= 0) {
			u64 q = s->n_fds;

			hc_mask(q, 1);
			s->fds[q].fd = s->g.fd;
			s->fds[q].how = s->g.how;
			s->fds[q].subject = i;
			s->n_fds++;
		}
	}
	/* No call names more than two descriptors. */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2; i++) {
		struct hc_fileinfo info;

		if (i >= s->n_fds)
			break;
		hc_fd_fact(s, task, s->fds[i].subject, s->fds[i].fd, s->fds[i].how, &info);
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_gen, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);

	if (!s)
		return 0;
	if (!hc_gen_wanted(s, task, hc_mode(s)))
		return hc_sampled_out(s, cpu);
	hc_call_begin(s, task, hc_mode(s) ? HC_WIRE_SAMPLED : 0);
	hc_gen(s, task);
	if ((s64)s->ret >= 0)
		hc_task_facts(s, task, s->desc.facts);
	hc_done(ctx, s, cpu);
	return 0;
}

/* ---- the open family ---- */

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_open, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	struct hc_told_found told = { .how = HC_OBJ_NEW };
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_fileinfo opened, info;
	u32 path_slot, fd_slot;
	struct hc_scratch *s;
	u64 *slot;

	hc_file_none(&opened);
	if (hc_conf.cast && ret >= 0) {
		u64 file = hc_file_of(task, ret);

		if (file) {
			hc_file_cast(file, &opened);
			hc_told_find(task, cpu, HC_WIRE_LANE_BULK, &opened, &told);
			if (told.how == HC_OBJ_SAME && hc_brief_open(cpu, task, regs, ret, &opened, told.place))
				return 0;
		}
	}
	s = hc_call(cpu, task, regs, ret);
	if (!s)
		return 0;
	hc_call_begin(s, task, 0);
	slot = hc_slots(s);
	path_slot = 1;
	switch (s->desc.type) {
	case HC_EV_OPENAT:
		slot[0] = (s64)(s32)s->arg[0];
		slot[1] = s->arg[1];
		slot[2] = (u32)s->arg[2];
		slot[3] = (u16)s->arg[3];
		fd_slot = 4;
		break;
	case HC_EV_OPEN:
		slot[0] = s->arg[0];
		slot[1] = (u32)s->arg[1];
		slot[2] = (u16)s->arg[2];
		path_slot = 0;
		fd_slot = 3;
		break;
	case HC_EV_CREAT:
		slot[0] = s->arg[0];
		slot[1] = (u16)s->arg[1];
		path_slot = 0;
		fd_slot = 2;
		break;
	case HC_EV_OPENAT2: {
		u64 how[3] = {};

		slot[0] = (s64)(s32)s->arg[0];
		slot[1] = s->arg[1];
		slot[2] = HC_WIRE_ABSENT;
		slot[3] = HC_WIRE_ABSENT;
		slot[4] = HC_WIRE_ABSENT;
		if (!bpf_probe_read_user(how, sizeof(how), (void *)s->arg[2])) {
			slot[2] = how[0];
			slot[3] = how[1];
			slot[4] = how[2];
		}
		fd_slot = 5;
		break;
	}
	case HC_EV_OPEN_BY_HANDLE_AT: {
		u32 handle[2] = {}; /* handle_bytes, handle_type */

		slot[0] = (s64)(s32)s->arg[0];
		slot[1] = s->arg[1];
		slot[2] = (u32)s->arg[2];
		path_slot = 8;
		fd_slot = 3;
		if (!bpf_probe_read_user(handle, sizeof(handle), (void *)s->arg[1]))
			hc_bytes_user(s, 1, s->arg[1], 8 + (u64)handle[0], ~0ULL, 136, 256);
		break;
	}
	default:
		hc_release(s);
		return 0;
	}
	if (path_slot < 8)
		hc_str_user(s, path_slot, s->arg[path_slot & 1], HC_WIRE_PATH_BYTES);
		/* Both descriptors by the same code: the directory, then what was opened. */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2; i++) {
		s32 fd = i ? ret : (s64)s->arg[0];

		if (i ? ret < 0 : !path_slot || fd < 0)
			continue;
		if (i && opened.file) {
			info = opened;
			hc_told_by(s, &told);
		} else {
			u64 file = hc_file_of(task, fd);

			hc_file_none(&info);
			if (file)
				hc_file_load(s, file, &info);
		}
		hc_obj_fact(s, task, i ? fd_slot : 0, fd, i ? told.how : HC_OBJ_USE, &info);
	}
	/* Opens are so many that they walk here, as far as one run goes. */
	if (hc_walk_run(s, task))
		bpf_tail_call(ctx, &hc_handlers, HC_H_FINISH);
	hc_walk_stop(s);
	hc_told_output(s, cpu);
	hc_release(s);
	return 0;
}

#endif
