/* bpf/attr.bpf.h: calls that hand over attributes, times to set, an action, or a text of a given length. */
#ifndef HC_BPF_ATTR_H
#define HC_BPF_ATTR_H

#include "sys.bpf.h"

#define HC_UTIME_NOW 0x3fffffff
#define HC_UTIME_OMIT 0x3ffffffe
#define HC_MOUNT_ATTR_IDMAP 0x100000
#define HC_LANDLOCK_PATH_BENEATH 1
#define HC_LANDLOCK_NET_PORT 2
#define HC_UTS_BYTES 128 /* a power of two; a name may have 64 */

/* A user's text of `n` bytes, which has no NUL at its end, as a STR fact. */
static __always_inline void hc_text_user(struct hc_scratch *s, u16 subject, u64 ptr, u64 n, const u32 max)
{
	struct hc_wire_fact *f = hc_fact(s);
	u8 flags = HC_WIRE_FF_USER;

	if (!f || !ptr)
		return;
	if (n >= max) {
		n = max - 1;
		flags |= HC_WIRE_FF_TRUNC;
	}
	hc_mask(n, max - 1);
	if (n && bpf_probe_read_user(f + 1, n, (void *)ptr))
		return;
	hc_fact_end(s, f, HC_WIRE_F_STR, flags, subject, n);
}

/* Four longs of the caller's width. */
static __always_inline bool hc_longs_user(s64 *v, u64 at, bool wide)
{
	s32 narrow[4];

	if (wide)
		return !bpf_probe_read_user(v, 4 * sizeof(*v), (void *)at);
	if (bpf_probe_read_user(narrow, sizeof(narrow), (void *)at))
		return false;
	for (u32 i = 0; i < 4; i++)
		v[i] = narrow[i];
	return true;
}

/* Times of access and modification to set, and the bits of those that are the time of the call: three slots. A
 * time that stays as it is has neither. */
static __always_inline void hc_times_user(struct hc_scratch *s, u64 *slot, u64 at, bool wide)
{
	bool in_ns = s->desc.type == HC_EV_UTIMENSAT;
	s64 v[4] = {};

	slot[0] = HC_WIRE_ABSENT;
	slot[1] = HC_WIRE_ABSENT;
	slot[2] = at ? 0 : 3;
	if (!at)
		return;
	if (s->desc.type == HC_EV_UTIME) { /* seconds alone */
		s32 narrow[2] = {};

		if (wide ? bpf_probe_read_user(v, 16, (void *)at)
		         : bpf_probe_read_user(narrow, sizeof(narrow), (void *)at))
			return;
		v[2] = wide ? v[1] : narrow[1];
		v[0] = wide ? v[0] : narrow[0];
		v[1] = 0;
	} else if (!hc_longs_user(v, at, wide)) {
		return;
	}
	for (u32 i = 0; i < 2; i++) {
		s64 part = v[2 * i + 1];

		if (in_ns && part == HC_UTIME_NOW)
			slot[2] |= 1 << i;
		else if (!in_ns || part != HC_UTIME_OMIT)
			slot[i] = v[2 * i] * 1000000000 + part * (in_ns ? 1 : 1000);
	}
}

/* modes, offset, freq and status of a struct timex, as the kernel filled it in; false: not readable. */
static __always_inline bool hc_timex_user(u64 *slot, u64 at, bool wide)
{
	u32 modes = 0;

	if (bpf_probe_read_user(&modes, sizeof(modes), (void *)at))
		return false;
	slot[0] = modes;
	if (wide) {
		s64 v[6] = {}; /* modes, offset, freq, maxerror, esterror, status */

		bpf_probe_read_user(v, sizeof(v), (void *)at);
		slot[1] = v[1];
		slot[2] = v[2];
		slot[3] = (u32)v[5];
	} else {
		s32 v[6] = {};

		bpf_probe_read_user(v, sizeof(v), (void *)at);
		slot[1] = (s64)v[1];
		slot[2] = (s64)v[2];
		slot[3] = (u32)v[5];
	}
	return true;
}

/* Requests that type for somebody, change what may be done to a file, attach a program, or set up a device. */
enum {
	HC_IOC_LOOP_SET_FD = 0x4c00,
	HC_IOC_LOOP_CONFIGURE = 0x4c0a,
	HC_IOC_TIOCSCTTY = 0x540e,
	HC_IOC_TIOCSTI = 0x5412,
	HC_IOC_TIOCLINUX = 0x541c,
	HC_IOC_SIOCSIFFLAGS = 0x8914,
	HC_IOC_PERF_SET_BPF = 0x40042408,
	HC_IOC_FS_SETFLAGS32 = 0x40046602,
	HC_IOC_FS_SETFLAGS = 0x40086602,
	HC_IOC_TUNSETIFF = 0x400454ca,
	HC_IOC_FS_SETXATTR = 0x401c5820,
};

static __always_inline bool hc_ioctl_telling(u32 request)
{
	switch (request) {
	case HC_IOC_LOOP_SET_FD:
	case HC_IOC_LOOP_CONFIGURE:
	case HC_IOC_TIOCSCTTY:
	case HC_IOC_TIOCSTI:
	case HC_IOC_TIOCLINUX:
	case HC_IOC_SIOCSIFFLAGS:
	case HC_IOC_PERF_SET_BPF:
	case HC_IOC_FS_SETFLAGS32:
	case HC_IOC_FS_SETFLAGS:
	case HC_IOC_TUNSETIFF:
	case HC_IOC_FS_SETXATTR:
		return true;
	default:
		return false;
	}
}

/* Not what every program's start does, nor what only asks. */
static __always_inline bool hc_arch_prctl_telling(u32 op)
{
	switch (op) {
	case 0x1002: /* SET_FS */
	case 0x1003: /* GET_FS */
	case 0x1004: /* GET_GS */
	case 0x1011: /* GET_CPUID */
	case 0x1021: /* GET_XCOMP_SUPP */
	case 0x1022: /* GET_XCOMP_PERM */
	case 0x1024: /* GET_XCOMP_GUEST_PERM */
	case 0x3001: /* CET_STATUS, as C libraries ask kernels that never had it */
	case 0x4001: /* GET_UNTAG_MASK */
	case 0x4003: /* GET_MAX_TAG_BITS */
	case 0x5005: /* SHSTK_STATUS */
		return false;
	default:
		return true;
	}
}

/* What a request's argument says: a number it is or points to, and a name in front of that. */
static __always_inline void hc_ioctl_value(struct hc_scratch *s, u64 *slot)
{
	u32 request = s->arg[1], size = 4, before = 0, v = 0;
	u64 at = s->arg[2];

	slot[3] = HC_WIRE_ABSENT;
	switch (request) {
	case HC_IOC_LOOP_SET_FD:
	case HC_IOC_TIOCSCTTY:
	case HC_IOC_PERF_SET_BPF:
		slot[3] = (u32)at;
		return;
	case HC_IOC_TIOCSTI:
	case HC_IOC_TIOCLINUX:
		size = 1;
		break;
	case HC_IOC_SIOCSIFFLAGS:
	case HC_IOC_TUNSETIFF:
		slot[4] = at;
		hc_str_user(s, 4, at, 16);
		size = 2;
		before = 16;
		break;
	case HC_IOC_LOOP_CONFIGURE:
	case HC_IOC_FS_SETFLAGS32:
	case HC_IOC_FS_SETFLAGS:
	case HC_IOC_FS_SETXATTR:
		break;
	default:
		return;
	}
	if (!(size == 1   ? bpf_probe_read_user(&v, 1, (void *)at)
	      : size == 2 ? bpf_probe_read_user(&v, 2, (void *)(at + before))
	                  : bpf_probe_read_user(&v, 4, (void *)at)))
		slot[3] = v;
}

/* handler, flags and mask of a struct sigaction as the call has it, with `restorer` between them. */
static __always_inline void hc_sigaction_user(u64 *slot, u64 at, bool wide)
{
	u32 narrow[5];
	u64 v[4];

	for (u32 i = 0; i < 3; i++)
		slot[i] = HC_WIRE_ABSENT;
	if (!at)
		return;
	if (wide) {
		if (bpf_probe_read_user(v, sizeof(v), (void *)at))
			return;
		slot[0] = v[0];
		slot[1] = v[1];
		slot[2] = v[3];
	} else if (!bpf_probe_read_user(narrow, sizeof(narrow), (void *)at)) {
		slot[0] = narrow[0];
		slot[1] = narrow[1];
		slot[2] = (u64)narrow[4] << 32 | narrow[3];
	}
}

static __always_inline void hc_attr_fd(struct hc_scratch *s, u16 subject, s64 fd, u16 how)
{
	u64 q = s->n_fds;

	if (fd < 0)
		return;
	hc_mask(q, 3);
	s->fds[q].fd = fd;
	s->fds[q].how = how;
	s->fds[q].subject = subject;
	s->n_fds++;
}

/* attr_set, attr_clr, propagation, userns_fd of a struct mount_attr. */
static __always_inline void hc_mount_attr_user(struct hc_scratch *s, u64 *slot)
{
	u64 v[4];

	for (u32 i = 3; i < 7; i++)
		slot[i] = HC_WIRE_ABSENT;
	if (s->arg[4] < sizeof(v) || bpf_probe_read_user(v, sizeof(v), (void *)s->arg[3]))
		return;
	for (u32 i = 0; i < 3; i++)
		slot[3 + i] = v[i];
	if (v[0] & HC_MOUNT_ATTR_IDMAP) {
		slot[6] = (s64)(s32)v[3];
		hc_attr_fd(s, 6, (s32)v[3], HC_OBJ_USE);
	}
}

static __always_inline bool hc_attr_wanted(struct hc_scratch *s, u16 mode)
{
	u32 modes = 0;

	if (!mode || (mode & HC_WIRE_MODE_FAIL && (s64)s->ret < 0))
		return true;
	switch (s->desc.type) {
	case HC_EV_IOCTL:
		return hc_ioctl_telling(s->arg[1]);
	case HC_EV_ARCH_PRCTL:
		return hc_arch_prctl_telling(s->arg[0]);
	case HC_EV_ADJTIMEX:
	case HC_EV_CLOCK_ADJTIME: /* or does it ask? */
		return bpf_probe_read_user(&modes, sizeof(modes),
		                           (void *)s->arg[s->desc.type == HC_EV_CLOCK_ADJTIME]) ||
		       modes;
	default:
		return true;
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_attr, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	u32 path_at = 8; /* argument that is a path; 1: behind a directory's descriptor */
	u64 *slot;

	if (!s)
		return 0;
	if (!hc_attr_wanted(s, hc_mode(s)))
		return hc_sampled_out(s, cpu);
	hc_call_begin(s, task, hc_mode(s) ? HC_WIRE_SAMPLED : 0);
	slot = hc_slots(s);
	s->n_fds = 0;
	switch (s->desc.type) {
	case HC_EV_SETXATTRAT:
	case HC_EV_UTIMENSAT:
	case HC_EV_FUTIMESAT:
	case HC_EV_OPEN_TREE_ATTR:
	case HC_EV_MOUNT_SETATTR:
		path_at = 1;
		slot[0] = (s64)(s32)s->arg[0];
		hc_attr_fd(s, 0, (s32)s->arg[0], HC_OBJ_USE);
		break;
	case HC_EV_UTIMES:
	case HC_EV_UTIME:
		path_at = 0;
		break;
	default:
		break;
	}
	if (path_at < 8) {
		slot[path_at & 1] = s->arg[path_at & 1];
		hc_str_user(s, path_at, s->arg[path_at & 1], HC_WIRE_PATH_BYTES);
	}
	switch (s->desc.type) {
	case HC_EV_SETXATTRAT: {
		struct {
			u64 value;
			u32 size, flags;
		} v = {};

		slot[2] = (u32)s->arg[2];
		slot[3] = s->arg[3];
		hc_str_user(s, 3, s->arg[3], 256);
		slot[5] = HC_WIRE_ABSENT;
		if (s->arg[5] < sizeof(v) || bpf_probe_read_user(&v, sizeof(v), (void *)s->arg[4]))
			break;
		slot[4] = v.value;
		slot[5] = v.flags;
		hc_bytes_user(s, 4, v.value, v.size, ~0ULL, 256, 512);
		break;
	}
	case HC_EV_UTIMENSAT:
		hc_times_user(s, slot + 2, s->arg[2], s->desc.special != 32);
		slot[5] = (u32)s->arg[3];
		break;
	case HC_EV_FUTIMESAT:
		hc_times_user(s, slot + 2, s->arg[2], !s->compat);
		break;
	case HC_EV_UTIMES:
	case HC_EV_UTIME:
		hc_times_user(s, slot + 1, s->arg[1], !s->compat);
		break;
	case HC_EV_OPEN_TREE_ATTR:
	case HC_EV_MOUNT_SETATTR:
		slot[2] = (u32)s->arg[2];
		hc_mount_attr_user(s, slot);
		if (s->desc.type == HC_EV_OPEN_TREE_ATTR) {
			slot[7] = s->ret;
			hc_attr_fd(s, 7, s->ret, HC_OBJ_NEW);
		}
		break;
	case HC_EV_SETHOSTNAME:
	case HC_EV_SETDOMAINNAME:
		slot[0] = s->arg[0];
		hc_text_user(s, 0, s->arg[0], (u32)s->arg[1], HC_UTS_BYTES);
		break;
	case HC_EV_CLOCK_ADJTIME:
		slot[0] = (s64)(s32)s->arg[0];
		for (u32 i = 1; i < 5; i++)
			slot[i] = HC_WIRE_ABSENT;
		hc_timex_user(slot + 1, s->arg[1], s->desc.special != 32);
		break;
	case HC_EV_ADJTIMEX:
		for (u32 i = 0; i < 4; i++)
			slot[i] = HC_WIRE_ABSENT;
		hc_timex_user(slot, s->arg[0], s->desc.special != 32);
		break;
	case HC_EV_LANDLOCK_CREATE_RULESET: {
		u64 v[3] = {}, n = s->arg[1];

		for (u32 i = 0; i < 3; i++)
			slot[i] = HC_WIRE_ABSENT;
		slot[3] = (u32)s->arg[2];
		slot[4] = s->ret;
		if (n > sizeof(v))
			n = sizeof(v);
		hc_mask(n, 31);
		if (n <= sizeof(v) && s->arg[0] && !bpf_probe_read_user(v, n, (void *)s->arg[0]))
			for (u32 i = 0; i < 3; i++)
				slot[i] = v[i];
		if (!slot[3]) /* with flags it asks, and the result is a number */
			hc_attr_fd(s, 4, s->ret, HC_OBJ_NEW);
		break;
	}
	case HC_EV_LANDLOCK_ADD_RULE: {
		u32 kind = s->arg[1];
		u64 v[2] = {};
		bool is_path = kind == HC_LANDLOCK_PATH_BENEATH;

		slot[0] = (s64)(s32)s->arg[0];
		hc_attr_fd(s, 0, (s32)s->arg[0], HC_OBJ_USE);
		slot[1] = kind;
		slot[2] = HC_WIRE_ABSENT;
		slot[3] = HC_WIRE_ABSENT;
		slot[4] = HC_WIRE_ABSENT;
		slot[5] = (u32)s->arg[3];
		/* the one is packed: 12 bytes */
		if (is_path ? bpf_probe_read_user(v, 12, (void *)s->arg[2])
		            : kind != HC_LANDLOCK_NET_PORT || bpf_probe_read_user(v, 16, (void *)s->arg[2]))
			break;
		slot[2] = v[0];
		if (is_path) {
			slot[3] = (s64)(s32)v[1];
			hc_attr_fd(s, 3, (s32)v[1], HC_OBJ_USE);
		} else {
			slot[4] = v[1];
		}
		break;
	}
	case HC_EV_LSM_SET_SELF_ATTR: {
		u64 v[4] = {}; /* struct lsm_ctx: id, flags, len, ctx_len; the context behind it */

		slot[0] = (u32)s->arg[0];
		slot[1] = HC_WIRE_ABSENT;
		slot[3] = (u32)s->arg[3];
		if (bpf_probe_read_user(v, sizeof(v), (void *)s->arg[1]))
			break;
		slot[1] = v[0];
		slot[2] = s->arg[1] + sizeof(v);
		hc_bytes_user(s, 2, s->arg[1] + sizeof(v), v[3], ~0ULL, 256, 512);
		break;
	}
	case HC_EV_ARCH_PRCTL:
		slot[0] = (u32)s->arg[0];
		slot[1] = s->arg[1];
		break;
	case HC_EV_RT_SIGACTION:
		slot[0] = (s64)(s32)s->arg[0];
		hc_sigaction_user(slot + 1, s->arg[1], !s->compat);
		break;
	case HC_EV_WAIT4: {
		s32 status;

		slot[0] = (s64)(s32)s->arg[0];
		slot[1] = (u32)s->arg[2];
		slot[2] = HC_WIRE_ABSENT;
		if ((s64)s->ret > 0 && s->arg[1] &&
		    !bpf_probe_read_user(&status, sizeof(status), (void *)s->arg[1]))
			slot[2] = (s64)status;
		break;
	}
	case HC_EV_IOCTL:
		slot[0] = (s64)(s32)s->arg[0];
		hc_attr_fd(s, 0, (s32)s->arg[0], HC_OBJ_USE);
		slot[1] = (u32)s->arg[1];
		slot[2] = s->arg[2];
		hc_ioctl_value(s, slot);
		break;
	default:
		break;
	}
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 3; i++) {
		struct hc_fileinfo info;

		if (i >= s->n_fds)
			break;
		hc_fd_fact(s, task, s->fds[i].subject, s->fds[i].fd, s->fds[i].how, &info);
	}
	if ((s64)s->ret >= 0)
		hc_task_facts(s, task, s->desc.facts);
	hc_done(ctx, s, cpu);
	return 0;
}

#endif
