/* bpf/call.bpf.h: what there is of a system call at its exit: table, number, registers. */
#ifndef HC_BPF_CALL_H
#define HC_BPF_CALL_H

#include "rec.bpf.h"

#define TS_COMPAT 2
#define HC_TIF_32BIT (1ul << 22)

/* Is the call of the 32-bit table? Asked per call: 64-bit code may enter it too. */
static __always_inline bool hc_compat(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return hc_rd(task, thread_info.status) & TS_COMPAT;
#else
	return hc_rd(task, thread_info.flags) & HC_TIF_32BIT;
#endif
}

static __always_inline u32 hc_nr(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->orig_ax;
#else
	return regs->syscallno;
#endif
}

static __always_inline void hc_args(u64 *arg, struct pt_regs *regs, bool compat)
{
#if defined(__TARGET_ARCH_x86)
	if (compat) {
		arg[0] = (u32)regs->bx;
		arg[1] = (u32)regs->cx;
		arg[2] = (u32)regs->dx;
		arg[3] = (u32)regs->si;
		arg[4] = (u32)regs->di;
		arg[5] = (u32)regs->bp;
	} else {
		arg[0] = regs->di;
		arg[1] = regs->si;
		arg[2] = regs->dx;
		arg[3] = regs->r10;
		arg[4] = regs->r8;
		arg[5] = regs->r9;
	}
#else
	/* x0 holds the result; what it held before is kept for restarts */
	u64 mask = compat ? 0xffffffff : ~0ULL;

	arg[0] = regs->orig_x0 & mask;
	arg[1] = regs->regs[1] & mask;
	arg[2] = regs->regs[2] & mask;
	arg[3] = regs->regs[3] & mask;
	arg[4] = regs->regs[4] & mask;
	arg[5] = regs->regs[5] & mask;
#endif
}

static __always_inline u16 hc_call_flags(struct task_struct *task, u32 nr, s64 ret, bool compat)
{
	u16 flags = compat ? HC_WIRE_COMPAT : 0;

	if (nr & 0x40000000 && !compat)
		flags |= HC_WIRE_X32;
	if (ret <= -512 && ret >= -516)
		flags |= HC_WIRE_RESTART;
	if (ret == nr && bpf_core_field_exists(struct task_struct, seccomp) && hc_rd(task, seccomp.mode) == 2) {
		u64 pending = 0;

		/* a filter that kills leaves the number in the result register, and SIGSYS on its way */
		bpf_core_read(&pending, sizeof(pending), &task->pending.signal);
		if (pending >> 30 & 1)
			flags |= HC_WIRE_KILLED;
	}
	return flags;
}

#endif
