/* bpf/misc.bpf.h: calls whose arguments lie in structures: exec that failed, credentials, limits, clocks, bpf,
 * perf, and the 32-bit multiplexers. */
#ifndef HC_BPF_MISC_H
#define HC_BPF_MISC_H

#include "io.bpf.h"

#define HC_AT_EXECVE_CHECK 0x10000
#define HC_MAX_FAILED_ARGS 64
#define HC_FAILED_ARGS_BYTES (16 * 1024)

/* ---- execve, execveat that failed: pathname argv envp file | dirfd pathname argv envp flags file ---- */

/* The strings of a user's pointer array, as one fact. */
static __always_inline void hc_strings_user(struct hc_scratch *s, u8 kind, u16 subject, u64 array)
{
	struct hc_wire_fact *f = hc_fact(s);
	u32 begin = s->off;
	u8 flags = HC_WIRE_FF_USER;

	if (!f || !array)
		return;
	s->off += sizeof(*f);
	s->g.how = HC_WIRE_FF_TRUNC;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < HC_MAX_FAILED_ARGS; i++) {
		u64 ptr = 0, off;
		long n;

		if (s->compat)
			bpf_probe_read_user(&ptr, 4, (void *)(array + 4 * (u64)i));
		else
			bpf_probe_read_user(&ptr, 8, (void *)(array + 8 * (u64)i));
		if (!ptr) {
			s->g.how = 0;
			break;
		}
		off = s->off;
		if (off - begin > HC_FAILED_ARGS_BYTES)
			break;
		hc_mask(off, HC_WIRE_MAX_BYTES - 1);
		n = hc_read_user_str(s->data + off, 4096, (void *)ptr);
		if (n <= 0)
			break;
		s->off += n;
	}
	flags |= s->g.how;
	u32 bytes = s->off - begin - sizeof(*f);

	s->off = begin;
	hc_fact_end(s, f, kind, flags, subject, bytes);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_exec, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), at;
	struct hc_fileinfo info;
	struct hc_scratch *s;
	u64 *slot;

	s = hc_call(cpu, task, regs, ret);
	if (!s)
		return 0;
	at = s->desc.type == HC_EV_EXECVEAT;
	/* What worked sched_process_exec has told, and the registers are of the new program; but for a question
	 * whether it would work (6.14), which runs nothing. A new program's registers are zeroed. */
	if ((s64)s->ret >= 0 && !(at && s->arg[4] & HC_AT_EXECVE_CHECK)) {
		hc_release(s);
		return 0;
	}
	hc_call_begin(s, task, 0);
	slot = hc_slots(s);
	if (at) {
		slot[0] = (s64)(s32)s->arg[0];
		slot[4] = (s64)(s32)s->arg[4];
	}
	slot[at] = s->arg[at];
	slot[at + 1] = s->arg[at + 1];
	slot[at + 2] = s->arg[at + 2];
	hc_str_user(s, at, s->arg[at], HC_WIRE_PATH_BYTES);
	for (u32 i = 0; i < 2; i++) {
		if (i && !hc_conf.env)
			break;
		hc_strings_user(s, i ? HC_WIRE_F_ENV : HC_WIRE_F_ARGV, at + 1 + i, s->arg[(at + 1 + i) & 7]);
	}
	if (at && (s32)s->arg[0] >= 0)
		hc_fd_fact(s, task, 0, s->arg[0], HC_OBJ_USE, &info);
	hc_done(ctx, s, cpu);
	return 0;
}

/* ---- small structures ---- */

enum {
	PR_SET_DUMPABLE = 4,
	PR_SET_KEEPCAPS = 8,
	PR_SET_NAME = 15,
	PR_SET_SECCOMP = 22,
	PR_CAPBSET_DROP = 24,
	PR_SET_SECUREBITS = 28,
	PR_SET_MM = 35,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_CAP_AMBIENT = 47,
	PR_SET_MDWE = 65,
	PR_SET_PTRACER = 0x59616d61,
};

static __always_inline bool hc_prctl_telling(u32 option)
{
	switch (option) {
	case PR_SET_DUMPABLE:
	case PR_SET_KEEPCAPS:
	case PR_SET_NAME:
	case PR_SET_SECCOMP:
	case PR_CAPBSET_DROP:
	case PR_SET_SECUREBITS:
	case PR_SET_MM:
	case PR_SET_CHILD_SUBREAPER:
	case PR_SET_NO_NEW_PRIVS:
	case PR_CAP_AMBIENT:
	case PR_SET_MDWE:
	case PR_SET_PTRACER:
		return true;
	default:
		return false;
	}
}

/* A timespec or timeval (`unit` ns per fraction) as nanoseconds; absent when it cannot be read. */
static __always_inline u64 hc_time_user(struct hc_scratch *s, u64 at, bool wide, u64 unit)
{
	if (!at)
		return HC_WIRE_ABSENT;
	if (wide) {
		s64 v[2];

		if (bpf_probe_read_user(v, sizeof(v), (void *)at))
			return HC_WIRE_ABSENT;
		return v[0] * 1000000000 + v[1] * unit;
	} else {
		s32 v[2];

		if (bpf_probe_read_user(v, sizeof(v), (void *)at))
			return HC_WIRE_ABSENT;
		return (s64)v[0] * 1000000000 + (s64)v[1] * unit;
	}
}

/* Two limits of either width into slots. */
static __always_inline void hc_limits_user(u64 *slot, u64 at, bool wide)
{
	slot[0] = HC_WIRE_ABSENT;
	slot[1] = HC_WIRE_ABSENT;
	if (!at)
		return;
	if (wide) {
		u64 v[2];

		if (bpf_probe_read_user(v, sizeof(v), (void *)at))
			return;
		slot[0] = v[0];
		slot[1] = v[1];
	} else {
		u32 v[2];

		if (bpf_probe_read_user(v, sizeof(v), (void *)at))
			return;
		slot[0] = v[0] == ~0u ? ~0ULL : v[0];
		slot[1] = v[1] == ~0u ? ~0ULL : v[1];
	}
	/* RLIM_INFINITY is no absent value: they differ in the upper bit only */
}

static __always_inline void hc_gids_user(struct hc_scratch *s, u16 subject, u64 at, u64 n, bool narrow)
{
	struct hc_wire_fact *f = hc_fact(s);
	struct hc_wire_list *l;
	u8 flags = HC_WIRE_FF_USER;

	if (!f || !at)
		return;
	l = (struct hc_wire_list *)(f + 1);
	l->n_total = n;
	l->elem_bytes = 4;
	if (n > HC_WIRE_MAX_GROUPS) {
		n = HC_WIRE_MAX_GROUPS;
		flags |= HC_WIRE_FF_TRUNC;
	}
	s->g.how = 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < HC_WIRE_MAX_GROUPS; i++) {
		u64 have = i;
		u32 gid = 0;

		if (i >= n)
			break;
		if (narrow ? bpf_probe_read_user(&gid, 2, (void *)(at + 2 * (u64)i))
		           : bpf_probe_read_user(&gid, 4, (void *)(at + 4 * (u64)i)))
			break;
		hc_mask(have, HC_WIRE_MAX_GROUPS - 1);
		((u32 *)(l + 1))[have] = gid;
		s->g.how = i + 1;
	}
	hc_fact_end(s, f, HC_WIRE_F_LIST, flags, subject, sizeof(*l) + 4 * (s->g.how & 127));
}

#define HC_SEMCTL_SETVAL 16
#define HC_SECCOMP_SET_MODE_FILTER 1

enum {
	HC_FSCONFIG_STRING = 1,
	HC_FSCONFIG_BINARY = 2,
	HC_FSCONFIG_PATH = 3,
	HC_FSCONFIG_PATH_EMPTY = 4,
};

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_struct, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	s32 fd = -1; /* the descriptor that the call names, and the argument it is */
	u16 mode, fd_slot = 0;
	u8 fd_how = HC_OBJ_USE;
	u64 *slot;

	if (!s)
		return 0;
	mode = hc_mode(s);
	if (mode) {
		bool wanted = mode & HC_WIRE_MODE_FAIL && (s64)s->ret < 0;

		if (mode & HC_WIRE_MODE_VALUES)
			wanted |= s->desc.type == HC_EV_PRCTL       ? hc_prctl_telling(s->arg[0])
			          : s->desc.type == HC_EV_PRLIMIT64 ? s->arg[2] != 0
			                                            : true;
		if (!wanted)
			return hc_sampled_out(s, cpu);
	}
	hc_call_begin(s, task, mode ? HC_WIRE_SAMPLED : 0);
	slot = hc_slots(s);
	slot[0] = (s64)(s32)s->arg[0];
	switch (s->desc.type) {
	case HC_EV_CAPSET: {
		u32 v[6] = {}, head[2] = {};

		/* version, pid; effective, permitted, inheritable: once, or twice for the upper halves */
		bpf_probe_read_user(head, sizeof(head), (void *)s->arg[0]);
		slot[0] = (s64)(s32)head[1];
		if (bpf_probe_read_user(v, sizeof(v), (void *)s->arg[1])) {
			slot[1] = HC_WIRE_ABSENT;
			slot[2] = HC_WIRE_ABSENT;
			slot[3] = HC_WIRE_ABSENT;
			break;
		}
		if (head[0] == 0x19980330) {
			v[3] = 0;
			v[4] = 0;
			v[5] = 0;
		}
		slot[1] = (u64)v[4] << 32 | v[1];
		slot[2] = (u64)v[3] << 32 | v[0];
		slot[3] = (u64)v[5] << 32 | v[2];
		break;
	}
	case HC_EV_SETGROUPS:
		slot[1] = s->arg[1];
		hc_gids_user(s, 1, s->arg[1], (u32)s->arg[0], s->desc.special == 16);
		break;
	case HC_EV_PRCTL:
		slot[1] = s->arg[1];
		slot[2] = s->arg[2];
		slot[3] = s->arg[3];
		slot[4] = s->arg[4];
		if ((u32)s->arg[0] == PR_SET_NAME) {
			slot[5] = s->arg[1];
			hc_str_user(s, 5, s->arg[1], HC_WIRE_COMM_BYTES);
		}
		break;
	case HC_EV_CLONE3: {
		/* flags pidfd child_tid parent_tid exit_signal stack stack_size tls set_tid set_tid_size cgroup */
		u64 v[11] = {};
		u64 size = s->arg[1];

		if (size > sizeof(v))
			size = sizeof(v);
		hc_mask(size, 127);
		if (size > sizeof(v) || bpf_probe_read_user(v, size, (void *)s->arg[0])) {
			slot[0] = HC_WIRE_ABSENT;
			slot[1] = HC_WIRE_ABSENT;
			slot[2] = HC_WIRE_ABSENT;
			slot[3] = HC_WIRE_ABSENT;
			slot[4] = HC_WIRE_ABSENT;
			break;
		}
		slot[0] = v[0];
		slot[1] = v[4];
		slot[2] = v[1];
		slot[3] = ~0ULL;
		if (v[0] & 0x200000000ULL) { /* CLONE_INTO_CGROUP */
			slot[3] = (s64)(s32)v[10];
			fd = v[10];
			fd_slot = 3;
		}
		slot[4] = v[9];
		break;
	}
	case HC_EV_CLOCK_SETTIME:
		slot[1] = hc_time_user(s, s->arg[1], s->desc.special != 32, 1);
		break;
	case HC_EV_SETTIMEOFDAY:
		slot[0] = hc_time_user(s, s->arg[0], !s->compat, 1000);
		break;
	case HC_EV_KEYCTL: {
		u64 text = 0;

		slot[1] = s->arg[1];
		slot[2] = s->arg[2];
		slot[3] = s->arg[3];
		slot[4] = s->arg[4];
		if ((u32)s->arg[0] == 1) /* join a session keyring of that name */
			text = s->arg[1];
		else if ((u32)s->arg[0] == 10) /* search: the description */
			text = s->arg[3];
		slot[5] = text;
		hc_str_user(s, 5, text, 256);
		break;
	}
	case HC_EV_SETRLIMIT:
		hc_limits_user(slot + 1, s->arg[1], !s->compat);
		break;
	case HC_EV_PRLIMIT64:
		slot[1] = (s64)(s32)s->arg[1];
		hc_limits_user(slot + 2, s->arg[2], true);
		hc_limits_user(slot + 4, (s64)s->ret >= 0 ? s->arg[3] : 0, true);
		break;
	case HC_EV_PROCESS_VM_READV:
	case HC_EV_PROCESS_VM_WRITEV:
		slot[1] = s->arg[2];
		slot[2] = s->arg[4];
		slot[3] = s->arg[5];
		slot[4] = hc_iov_sum(s, s->arg[3], s->arg[4]);
		break;
	case HC_EV_NANOSLEEP:
		slot[0] = hc_time_user(s, s->arg[0], !s->compat, 1);
		break;
	case HC_EV_GETRLIMIT:
		hc_limits_user(slot, (s64)s->ret >= 0 ? s->arg[1] : 0, !s->compat);
		slot[2] = (u32)s->arg[0];
		break;
	case HC_EV_SEMOP: {
		/* struct sembuf: number, operation, flags; the first two */
		u16 v[6] = {};
		u64 n = (u32)s->arg[2];

		if ((s64)s->ret >= 0 && n)
			bpf_probe_read_user(v, n > 1 ? 12 : 6, (void *)s->arg[1]);
		slot[0] = n;
		for (u32 i = 0; i < 6; i++)
			slot[1 + i] = i % 3 == 1 ? (u64)(s64)(s16)v[i] : v[i];
		slot[7] = (s64)(s32)s->arg[0];
		break;
	}
	case HC_EV_PPOLL: {
		u32 set = 0;

		slot[0] = 0; /* descriptors: not read */
		slot[1] = hc_time_user(s, s->arg[2], !s->compat, 1);
		if (s->arg[3])
			bpf_probe_read_user(&set, sizeof(set), (void *)s->arg[3]);
		slot[2] = set;
		break;
	}
	case HC_EV_GETRESUID:
	case HC_EV_GETRESGID:
		for (u32 i = 0; i < 3; i++) {
			u32 id = 0;
			u64 at = s->arg[i];

			slot[i] = HC_WIRE_ABSENT;
			if ((s64)s->ret >= 0 && !(s->desc.special == 16 ? bpf_probe_read_user(&id, 2, (void *)at)
			                                                : bpf_probe_read_user(&id, 4, (void *)at)))
				slot[i] = id;
		}
		break;
	case HC_EV_SEMCTL:
		slot[1] = (s64)(s32)s->arg[1];
		slot[2] = (u32)s->arg[2];
		slot[3] = (u16)s->arg[2] == HC_SEMCTL_SETVAL ? (s64)(s32)s->arg[3]
		                                             : 0; /* else no value, or a pointer */
		break;
	case HC_EV_SECCOMP:
		slot[0] = s->arg[0];
		slot[1] = (u32)s->arg[1];
		slot[2] = HC_WIRE_ABSENT;
		if ((u32)s->arg[0] == HC_SECCOMP_SET_MODE_FILTER) {
			u16 len; /* of a struct sock_fprog */

			if (!bpf_probe_read_user(&len, sizeof(len), (void *)s->arg[2]))
				slot[2] = len;
		}
		break;
	case HC_EV_IO_URING_SETUP: {
		/* sq_entries cq_entries flags sq_thread_cpu sq_thread_idle features, as the kernel filled them in
		 */
		u32 v[6] = {};

		bpf_probe_read_user(v, sizeof(v), (void *)s->arg[1]);
		slot[0] = (u32)s->arg[0];
		for (u32 i = 0; i < 6; i++)
			slot[1 + i] = v[i];
		slot[7] = s->ret;
		fd = s->ret;
		fd_slot = 7;
		fd_how = HC_OBJ_NEW;
		break;
	}
	case HC_EV_FSCONFIG: {
		/* fd cmd key value aux: the value is a text, bytes of length aux, or none, by the command */
		u32 cmd = s->arg[1];

		fd = s->arg[0];
		slot[1] = cmd;
		slot[2] = s->arg[2];
		hc_str_user(s, 2, s->arg[2], 256);
		slot[3] = 0;
		slot[4] = 0;
		if (cmd == HC_FSCONFIG_BINARY) {
			slot[3] = s->arg[3];
			hc_bytes_user(s, 3, s->arg[3], (u32)s->arg[4], ~0ULL, 256, 512);
		} else if (cmd == HC_FSCONFIG_STRING || cmd == HC_FSCONFIG_PATH || cmd == HC_FSCONFIG_PATH_EMPTY) {
			slot[4] = s->arg[3];
			hc_str_user(s, 4, s->arg[3], HC_WIRE_PATH_BYTES);
		}
		slot[5] = (s64)(s32)s->arg[4];
		break;
	}
	default:
		break;
	}
	if (fd >= 0) {
		struct hc_fileinfo info;

		hc_fd_fact(s, task, fd_slot, fd, fd_how, &info);
	}
	if ((s64)s->ret >= 0)
		hc_task_facts(s, task, s->desc.facts);
	hc_done(ctx, s, cpu);
	return 0;
}

/* ---- bpf(2) ---- */

enum {
	HC_BPF_MAP_CREATE = 0,
	HC_BPF_PROG_LOAD = 5,
	HC_BPF_OBJ_PIN = 6,
	HC_BPF_OBJ_GET = 7,
	HC_BPF_PROG_ATTACH = 8,
	HC_BPF_PROG_DETACH = 9,
	HC_BPF_PROG_GET_FD_BY_ID = 13,
	HC_BPF_MAP_GET_FD_BY_ID = 14,
	HC_BPF_RAW_TRACEPOINT_OPEN = 17,
	HC_BPF_LINK_CREATE = 28,
	HC_BPF_LINK_UPDATE = 29,
	HC_BPF_LINK_GET_FD_BY_ID = 30,
	HC_BPF_ITER_CREATE = 33,
	HC_BPF_LINK_DETACH = 34,
};

/* Commands that load, create, attach, pin, or reach for what somebody else has loaded. */
#define HC_BPF_TELLING                                                                                            \
	(1ULL << HC_BPF_MAP_CREATE | 1ULL << HC_BPF_PROG_LOAD | 1ULL << HC_BPF_OBJ_PIN | 1ULL << HC_BPF_OBJ_GET | \
	 1ULL << HC_BPF_PROG_ATTACH | 1ULL << HC_BPF_PROG_DETACH | 1ULL << HC_BPF_PROG_GET_FD_BY_ID |             \
	 1ULL << HC_BPF_MAP_GET_FD_BY_ID | 1ULL << HC_BPF_RAW_TRACEPOINT_OPEN | 1ULL << HC_BPF_LINK_CREATE |      \
	 1ULL << HC_BPF_LINK_UPDATE | 1ULL << HC_BPF_LINK_GET_FD_BY_ID | 1ULL << HC_BPF_ITER_CREATE |             \
	 1ULL << HC_BPF_LINK_DETACH)

/* Those whose attributes begin with a descriptor: of elements of a map, and 10 PROG_TEST_RUN, 15
 * OBJ_GET_INFO_BY_FD, 16 PROG_QUERY, 21 MAP_LOOKUP_AND_DELETE_ELEM, 22 MAP_FREEZE, 35 PROG_BIND_MAP. */
#define HC_BPF_FD_FIRST                                                                             \
	(15ULL << 1 | 1ULL << 10 | 1ULL << 15 | 1ULL << 16 | 1ULL << 21 | 1ULL << 22 | 1ULL << 35 | \
	 1ULL << HC_BPF_LINK_UPDATE | 1ULL << HC_BPF_ITER_CREATE | 1ULL << HC_BPF_LINK_DETACH)

#define HC_BPF_MAKES_FD                                                                                       \
	(1ULL << HC_BPF_MAP_CREATE | 1ULL << HC_BPF_PROG_LOAD | 1ULL << HC_BPF_OBJ_GET |                      \
	 1ULL << HC_BPF_PROG_GET_FD_BY_ID | 1ULL << HC_BPF_MAP_GET_FD_BY_ID |                                 \
	 1ULL << HC_BPF_RAW_TRACEPOINT_OPEN | 1ULL << HC_BPF_LINK_CREATE | 1ULL << HC_BPF_LINK_GET_FD_BY_ID | \
	 1ULL << HC_BPF_ITER_CREATE)

static __always_inline void hc_kobj_fact(struct hc_scratch *s, u16 subject, u32 cmd, u64 object)
{
	struct hc_wire_kobj *w;

	if (cmd != HC_BPF_PROG_LOAD && cmd != HC_BPF_PROG_GET_FD_BY_ID && cmd != HC_BPF_MAP_CREATE &&
	    cmd != HC_BPF_MAP_GET_FD_BY_ID && cmd != HC_BPF_LINK_CREATE && cmd != HC_BPF_LINK_GET_FD_BY_ID)
		return;
	w = hc_fact_fixed(s, HC_WIRE_F_KOBJ, 0, subject, sizeof(*w));
	if (!w)
		return;
	__builtin_memset(w, 0, sizeof(*w));
	if (cmd == HC_BPF_PROG_LOAD || cmd == HC_BPF_PROG_GET_FD_BY_ID) {
		struct bpf_prog *p = (struct bpf_prog *)object;
		struct bpf_prog_aux *aux = hc_pr(p, aux);

		w->kind = HC_WIRE_KOBJ_BPF_PROG;
		w->id = hc_pr(aux, id);
		w->subtype = hc_pr(p, type);
		bpf_core_read(w->tag, sizeof(w->tag), &p->tag);
		bpf_core_read(w->name, sizeof(w->name), &aux->name);
	} else if (cmd == HC_BPF_MAP_CREATE || cmd == HC_BPF_MAP_GET_FD_BY_ID) {
		struct bpf_map *m = (struct bpf_map *)object;

		w->kind = HC_WIRE_KOBJ_BPF_MAP;
		w->id = hc_pr(m, id);
		w->subtype = hc_pr(m, map_type);
		bpf_core_read(w->name, sizeof(w->name), &m->name);
	} else if (bpf_core_type_exists(struct bpf_link)) {
		struct bpf_link *l = (struct bpf_link *)object;

		w->kind = HC_WIRE_KOBJ_BPF_LINK;
		w->id = hc_pr(l, id);
		w->subtype = hc_pr(l, type);
	}
}

/* A name of 16 bytes inside the attributes. */
static __always_inline void hc_name16(struct hc_scratch *s, u16 subject, const u8 *at)
{
	hc_str_kernel(s, subject, at, 16);
}

/* cmd prog_type insn_cnt prog_name attach_type expected_attach_type map_type key_size value_size max_entries
 * map_name target_fd flags pathname newfd */
SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_bpf, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), cmd;
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	struct hc_fileinfo info;
	u64 *slot, size;
	u32 *a;
	u16 mode;

	if (!s)
		return 0;
	mode = hc_mode(s);
	cmd = s->arg[0];
	if (mode & HC_WIRE_MODE_VALUES && (cmd > 63 || !(HC_BPF_TELLING >> cmd & 1)))
		return hc_sampled_out(s, cpu);
	hc_call_begin(s, task, mode ? HC_WIRE_SAMPLED : 0);
	slot = hc_slots(s);
	slot[0] = cmd;
	for (u32 i = 1; i < 15; i++)
		slot[i] = HC_WIRE_ABSENT;
	slot[3] = 0;
	slot[10] = 0;
	slot[13] = 0;
	slot[14] = s->ret;
	a = (u32 *)s->name;
	for (u32 i = 0; i < 32; i++)
		((u64 *)s->name)[i] = 0;
	size = s->arg[2];
	if (size > 128)
		size = 128;
	hc_mask(size, 255);
	if (bpf_probe_read_user(s->name, size, (void *)s->arg[1])) {
		hc_done(ctx, s, cpu);
		return 0;
	}
	switch (cmd) {
	case HC_BPF_MAP_CREATE:
		slot[6] = a[0];
		slot[7] = a[1];
		slot[8] = a[2];
		slot[9] = a[3];
		slot[12] = a[4];
		hc_name16(s, 10, s->name + 28);
		break;
	case HC_BPF_PROG_LOAD:
		slot[1] = a[0];
		slot[2] = a[1];
		slot[5] = a[17];
		slot[12] = a[11];
		hc_name16(s, 3, s->name + 48);
		break;
	case HC_BPF_OBJ_PIN:
	case HC_BPF_OBJ_GET:
		slot[13] = *(u64 *)s->name;
		if (cmd == HC_BPF_OBJ_PIN)
			slot[11] = (s64)(s32)a[2];
		slot[12] = a[3];
		hc_str_user(s, 13, *(u64 *)s->name, HC_WIRE_PATH_BYTES);
		break;
	case HC_BPF_PROG_ATTACH:
	case HC_BPF_PROG_DETACH:
		slot[11] = (s64)(s32)a[0];
		slot[4] = a[2];
		slot[12] = a[3];
		break;
	case HC_BPF_LINK_CREATE:
		slot[11] = (s64)(s32)a[1];
		slot[4] = a[2];
		slot[12] = a[3];
		break;
	case HC_BPF_RAW_TRACEPOINT_OPEN:
		/* the tracepoint's name; none for a typed one, which the program knows */
		slot[11] = (s64)(s32)a[2];
		slot[13] = *(u64 *)s->name;
		hc_str_user(s, 13, *(u64 *)s->name, 128);
		break;
	default:
		/* of the others, those whose attributes begin with a descriptor */
		if (cmd < 64 && HC_BPF_FD_FIRST >> cmd & 1)
			slot[11] = (s64)(s32)a[0];
		break;
	}
	if (cmd < 64 && HC_BPF_MAKES_FD >> cmd & 1 && (s64)s->ret >= 0) {
		hc_fd_fact(s, task, 14, s->ret, HC_OBJ_NEW, &info);
		if (info.file)
			hc_kobj_fact(s, 14, s->arg[0], info.private_data);
	}
	hc_done(ctx, s, cpu);
	return 0;
}

/* ---- perf_event_open: pe_type config config1 config2 name attr_flags pid arg_cpu group_fd flags newfd ---- */

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_perf, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	u64 *slot, *a;

	if (!s)
		return 0;
	hc_call_begin(s, task, 0);
	slot = hc_slots(s);
	a = (u64 *)s->name;
	for (u32 i = 0; i < 10; i++)
		a[i] = 0;
	if (bpf_probe_read_user(a, 72, (void *)s->arg[0])) {
		for (u32 i = 0; i < 6; i++)
			slot[i] = HC_WIRE_ABSENT;
	} else {
		slot[0] = (u32)a[0];
		slot[1] = a[1];
		slot[2] = a[7];
		slot[3] = a[8];
		slot[5] = a[5];
		/* beyond the fixed types are the PMUs made at boot, kprobe and uprobe among them: config1 may
		 * point to a function's name or a file's */
		if ((u32)a[0] > 5 && a[7]) {
			slot[4] = a[7];
			hc_str_user(s, 4, a[7], 256);
		}
	}
	slot[4] = slot[4] == HC_WIRE_ABSENT ? 0 : slot[4];
	slot[6] = (s64)(s32)s->arg[1];
	slot[7] = (s64)(s32)s->arg[2];
	slot[8] = (s64)(s32)s->arg[3];
	slot[9] = s->arg[4];
	slot[10] = s->ret;
	/* the group's leader, then the new one */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2; i++) {
		struct hc_fileinfo info;
		s32 fd = i ? s->ret : s->arg[3];

		if (fd >= 0)
			hc_fd_fact(s, task, i ? 10 : 8, fd, i ? HC_OBJ_NEW : HC_OBJ_USE, &info);
	}
	hc_done(ctx, s, cpu);
	return 0;
}

/* ---- the 32-bit multiplexers ---- */

enum {
	HC_MUX_SOCKETCALL = 0,
	HC_MUX_IPC = 1,
};

/* socketcall(call, args *): a call's arguments in user memory; ipc(call, first, second, third, ptr): in other
 * registers. The call's own description and arguments are put where its handler looks; the record keeps the number
 * of the multiplexer. */
SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_mux, struct pt_regs *regs, long ret)
{
	static const volatile u16 number_of[21] = { 0,   359, 361, 362, 363, 364, 367, 368, 360, 369, 371,
		                                    369, 371, 373, 366, 365, 370, 372, 364, 337, 345 };
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), six[6] = {};
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	const volatile u64 *d;
	u64 nr = 0, call;

	if (!s)
		return 0;
	call = s->arg[0];
	if (s->desc.special == HC_MUX_IPC) {
		if ((call & 0xffff) == 21) { /* shmat: first shmid, second flags, ptr address */
			u64 id = s->arg[1], flags = s->arg[2], at = s->arg[4];

			nr = 397;
			s->arg[0] = id;
			s->arg[1] = at;
			s->arg[2] = flags;
		}
	} else if (call < 21) {
		hc_mask(call, 31);
		if (call < 21)
			nr = number_of[call];
		if (nr && bpf_probe_read_user(six, sizeof(six), (void *)s->arg[1]))
			nr = 0;
		if (nr) {
			for (u32 i = 0; i < 6; i++)
				s->arg[i] = six[i];
			if (call == 5) /* accept: no flags */
				s->arg[3] = 0;
			if (call == 9 || call == 10) { /* send, recv: no address */
				s->arg[4] = 0;
				s->arg[5] = 0;
			}
		}
	}
	if (nr) {
		hc_mask(nr, HC_WIRE_MAX_NR - 1);
		d = (const volatile u64 *)&hc_sys32[nr];
		((u64 *)&s->desc)[0] = d[0];
		((u64 *)&s->desc)[1] = d[1];
		if (call == 5 && nr == 364)
			s->desc.type = HC_EV_ACCEPT;
		if (hc_type_on_at(s->detail, s->desc.type)) {
			s->mux = 1;
			bpf_tail_call(ctx, &hc_handlers, s->desc.handler);
			s->mux = 0;
			hc_release(s);
			return 0;
		}
	}
	call = s->detail;
	hc_release(s);
	if (hc_type_on_at(call, HC_EV_SYS))
		bpf_tail_call(ctx, &hc_handlers, HC_H_REGS);
	return 0;
}

#endif
