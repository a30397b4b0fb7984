/* bpf/gate.bpf.c: what stands at the tracepoints when a recorder is to be replaced without a gap. A gate does one
 * thing: it goes on in the program that its array names. The arrays are pinned with the gates' links, so the gates
 * stay while recorders come and go, and replacing a recorder is replacing one array element per tracepoint: every
 * event goes either to the old recorder's program or to the new one's, never to both and never to none.
 *
 * One array per gate: a tail call needs the same kind of program with the same arguments on both sides. Nothing
 * here depends on what the programs behind the gates are, so gates of one version serve any other. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Named like the program behind it, see hook_descs in capture/src/live.c. */
#define GATE(section, name)                               \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);    \
		__uint(max_entries, 1);                   \
		__type(key, __u32);                       \
		__type(value, __u32);                     \
	} to_##name SEC(".maps");                         \
                                                          \
	SEC(section)                                      \
	int at_##name(void *ctx)                          \
	{                                                 \
		bpf_tail_call_static(ctx, &to_##name, 0); \
		return 0; /* nobody records */            \
	}

GATE("tp_btf/sys_exit", hc_sys_exit)
GATE("tracepoint/syscalls/sys_enter_mprotect", hc_ent_mprot)
GATE("tracepoint/syscalls/sys_enter_pkey_mprotect", hc_ent_pkey)
GATE("tracepoint/syscalls/sys_enter_dup2", hc_ent_dup2)
GATE("tracepoint/syscalls/sys_enter_dup3", hc_ent_dup3)
GATE("tp_btf/task_newtask", hc_newtask)
GATE("tp_btf/sched_process_fork", hc_fork)
GATE("tp_btf/sched_process_exec", hc_exec)
GATE("tp_btf/sched_process_exit", hc_exit)
GATE("tp_btf/task_rename", hc_rename)
GATE("tp_btf/signal_generate", hc_sig_send)
GATE("tp_btf/signal_deliver", hc_sig_deliver)
GATE("tp_btf/module_load", hc_mod_load)
GATE("tp_btf/module_free", hc_mod_free)
GATE("tp_btf/module_request", hc_mod_request)
GATE("tp_btf/cgroup_mkdir", hc_cg_mkdir)
GATE("tp_btf/cgroup_rmdir", hc_cg_rmdir)
GATE("tp_btf/cgroup_attach_task", hc_cg_attach)
GATE("tp_btf/inet_sock_set_state", hc_tcp_state)
GATE("tp_btf/cap_capable", hc_cap_check)
GATE("tp_btf/mark_victim", hc_oom_kill)
GATE("tp_btf/mark_victim", hc_oom_kill_pid)
GATE("tp_btf/io_uring_submit_req", hc_uring_req)
GATE("tp_btf/io_uring_submit_sqe", hc_uring_sqe)
GATE("tp_btf/io_uring_complete", hc_uring_done)
GATE("tp_btf/io_uring_complete", hc_uring_done_old)
GATE("tp_btf/io_uring_cqe_overflow", hc_uring_spill)
GATE("tp_btf/selinux_audited", hc_lsm_denied)
