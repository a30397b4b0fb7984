/* bpf/dup.bpf.h: dup2 and dup3, with what stood at the new number before.
 *
 * When the call returns, the kernel may have freed the file that it replaced. So the call's own entry tracepoint
 * looks at it, and the handler at exit copies from there. An open file that the recorder has not been told about
 * is told at entry, in a record of its own (HC_WIRE_ENTRY). The tracepoints of other calls are not touched. */
#ifndef HC_BPF_DUP_H
#define HC_BPF_DUP_H

#include "sys.bpf.h"

/* The open file at newfd when the call was entered; key 0: there was none. By thread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct hc_wire_fd);
} hc_replaced SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} hc_dup_next SEC(".maps");

/* Walks the path of the file that the entry record defines, and writes that record. */
SEC("tracepoint")
int hc_dup_finish(void *ctx)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_scratch(cpu);

	if (!s)
		return 0;
	if (hc_walk_run(s, hc_current()))
		bpf_tail_call(ctx, &hc_dup_next, 0);
	hc_walk_stop(s);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

static __always_inline int hc_enter_dup(struct hc_enter_ctx *ctx, u16 type, u16 subject)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 cpu = bpf_get_smp_processor_id(), tgid = id >> 32;
	struct task_struct *task = hc_current();
	struct hc_wire_fact *f;
	struct hc_fileinfo info;
	struct hc_scratch *s;
	struct hc_wire_fd fd;

	if (!hc_type_on(type) || tgid == hc_dials.self_tgid || (hc_dials.filters && hc_skipped(task, tgid)))
		return 0;
	s = hc_take(cpu, type, HC_WIRE_LANE_BULK);
	if (!s)
		return 0;
	hc_begin(s, task, type, HC_WIRE_LANE_BULK, 0, HC_WIRE_ENTRY | HC_WIRE_NORET, 0, ~0u);
	f = (struct hc_wire_fact *)(s->data + sizeof(struct hc_wire_head));
	hc_fd_fact(s, task, subject, ctx->arg[1], HC_OBJ_USE, &info);
	__builtin_memcpy(&fd, f + 1, sizeof(fd));
	s->g.how = fd.flags & HC_WIRE_FD_DEF;
	fd.flags &= HC_WIRE_FD_BAD;
	bpf_map_update_elem(&hc_replaced, &id, &fd, BPF_ANY);
	if (s->g.how) { /* not told before */
		bpf_tail_call(ctx, &hc_dup_next, 0);
		hc_output(s, cpu); /* without its path, if the kernel refused the program that walks */
	}
	hc_release(s);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_dup2")
int hc_ent_dup2(struct hc_enter_ctx *ctx)
{
	return hc_enter_dup(ctx, HC_EV_DUP2, 3);
}

SEC("tracepoint/syscalls/sys_enter_dup3")
int hc_ent_dup3(struct hc_enter_ctx *ctx)
{
	return hc_enter_dup(ctx, HC_EV_DUP3, 4);
}

/* oldfd newfd [flags] newfd_obj replaced */
SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_dup, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	u64 *slot, id = bpf_get_current_pid_tgid();
	struct hc_wire_fd *was, *w;

	if (!s)
		return 0;
	hc_call_begin(s, task, 0);
	slot = hc_slots(s);
	slot[0] = (s64)(s32)s->arg[0];
	slot[1] = (s64)(s32)s->arg[1];
	s->g.value = 2;
	if (s->desc.type == HC_EV_DUP3) {
		slot[2] = (u32)s->arg[2];
		s->g.value = 3;
	}
	slot[s->g.value & 3] = ret;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2; i++) {
		struct hc_fileinfo info;
		s32 fd = i ? ret : (s64)s->arg[0];

		if (fd >= 0)
			hc_fd_fact(s, task, i ? s->g.value : 0, fd, HC_OBJ_USE, &info);
	}
	was = bpf_map_lookup_elem(&hc_replaced, &id);
	if (!was) {
		hc_set_flag(s, HC_WIRE_NOENTRY);
	} else {
		if ((s64)s->ret >= 0 && was->key) {
			w = hc_fact_fixed(s, HC_WIRE_F_FD, HC_WIRE_FF_ENTRY, s->g.value + 1, sizeof(*w));
			if (w)
				*w = *was;
		}
		bpf_map_delete_elem(&hc_replaced, &id);
	}
	hc_done(ctx, s, cpu);
	return 0;
}

#endif
