/* What recorded system calls are held against: a program that records 64 bytes of one number in the plainest way,
 * and one that does nothing. */
#include "core.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} floor_ring SEC(".maps");

struct floor_rec {
	u64 ts_ns, pid_tgid, ret, nr, arg[4];
};

__u64 floor_nr = ~0ULL;
__u64 floor_lost = 0;

SEC("tp_btf/sys_exit")
int BPF_PROG(floor_empty, struct pt_regs *regs, long ret)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(floor_record, struct pt_regs *regs, long ret)
{
	struct floor_rec *r;
#if defined(__TARGET_ARCH_x86)
	u64 nr = regs->orig_ax;
#else
	u64 nr = regs->syscallno;
#endif

	if (nr != floor_nr)
		return 0;
	r = bpf_ringbuf_reserve(&floor_ring, sizeof(*r), 0);
	if (!r) {
		floor_lost++;
		return 0;
	}
	r->ts_ns = bpf_ktime_get_boot_ns();
	r->pid_tgid = bpf_get_current_pid_tgid();
	r->ret = ret;
	r->nr = nr;
#if defined(__TARGET_ARCH_x86)
	r->arg[0] = regs->di;
	r->arg[1] = regs->si;
	r->arg[2] = regs->dx;
	r->arg[3] = regs->r10;
#else
	r->arg[0] = regs->orig_x0;
	r->arg[1] = regs->regs[1];
	r->arg[2] = regs->regs[2];
	r->arg[3] = regs->regs[3];
#endif
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}
