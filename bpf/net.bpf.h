/* bpf/net.bpf.h: connections and messages. */
#ifndef HC_BPF_NET_H
#define HC_BPF_NET_H

#include "io.bpf.h"

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define HC_MAX_MMSG 8
#define HC_MAX_RIGHTS 16
#define HC_MAX_RIGHTS_FDS 4 /* received descriptors whose objects are recorded */

/* ---- connect, bind, listen, accept ---- */

SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_sock, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), sock_slot = 0;
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	bool accept;
	u64 *slot;

	if (!s)
		return 0;
	hc_call_begin(s, task, 0);
	slot = hc_slots(s);
	slot[0] = (s64)(s32)s->arg[0];
	accept = s->desc.type == HC_EV_ACCEPT || s->desc.type == HC_EV_ACCEPT4;
	if (accept) {
		slot[1] = s->desc.type == HC_EV_ACCEPT4 ? (u32)s->arg[3] : 0;
		slot[2] = s->ret;
	} else if (s->desc.type == HC_EV_LISTEN) {
		slot[1] = (s64)(s32)s->arg[1];
	} else {
		slot[1] = s->arg[1];
		sock_slot = 2;
		hc_addr_user(s, 1, s->arg[1], s->arg[2]);
	}
	/* The socket itself, then the accepted one. */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2; i++) {
		struct hc_fileinfo info;
		u64 sk;

		if (i && (!accept || (s64)s->ret < 0))
			break;
		hc_fd_fact(s, task, i ? 2 : 0, i ? s->ret : s->arg[0], i ? HC_OBJ_NEW : HC_OBJ_NODEF, &info);
		if (i || !info.file)
			continue;
		sk = hc_sock_of(&info);
		if (!sk)
			continue;
		hc_sock_fact(s, sock_slot, sk, info.ino);
		/* what was told of this socket before is no longer true */
		hc_tab_forget(HC_TAB_DEFS, hc_info_tag(&info));
	}
	hc_done(ctx, s, cpu);
	return 0;
}

/* ---- messages ---- */

/* A user's msghdr, of either width, into s->m. */
static __always_inline bool hc_msghdr(struct hc_scratch *s, u64 at)
{
	if (s->compat) {
		u32 v[6];

		if (bpf_probe_read_user(v, sizeof(v), (void *)at))
			return false;
		s->m.name = v[0];
		s->m.namelen = v[1];
		s->m.iov = v[2];
		s->m.n_iov = v[3];
		s->m.control = v[4];
		s->m.n_control = v[5];
	} else {
		u64 v[6];

		if (bpf_probe_read_user(v, sizeof(v), (void *)at))
			return false;
		s->m.name = v[0];
		s->m.namelen = v[1];
		s->m.iov = v[2];
		s->m.n_iov = v[3];
		s->m.control = v[4];
		s->m.n_control = v[5];
	}
	return true;
}

static __always_inline void hc_msg_clear(struct hc_scratch *s)
{
	s->m.name = 0;
	s->m.namelen = 0;
	s->m.iov = 0;
	s->m.n_iov = 0;
	s->m.control = 0;
	s->m.n_control = 0;
	s->m.buf = 0;
	s->m.n_rights = 0;
}

/* The socket behind the call, what tells its peer, and whether port 53 is involved. */
static __always_inline void hc_msg_peer(struct hc_scratch *s, struct task_struct *task)
{
	u64 file = hc_file_of(task, s->arg[0]);
	u64 *name = (u64 *)s->iov, n = s->m.namelen;

	s->m.sk = 0;
	s->m.ino = 0;
	s->m.inet53 = 0;
	if (file) {
		u64 inode = (u64)hc_pr((struct file *)file, f_inode);
		struct socket *socket = hc_pr((struct file *)file, private_data);

		if ((hc_pr((struct inode *)inode, i_mode) & S_IFMT) == S_IFSOCK) {
			s->m.sk = (u64)hc_pr(socket, sk);
			s->m.ino = hc_pr((struct inode *)inode, i_ino);
		}
	}
	if (s->m.sk && hc_sock_is_dns(s->m.sk))
		s->m.inet53 = 1;
	name[0] = 0;
	name[1] = 0;
	name[2] = 0;
	name[3] = 0;
	if (s->m.name && (s64)s->ret >= 0) {
		u16 family;

		if (n > 31)
			n = 31;
		hc_mask(n, 31);
		bpf_probe_read_user(name, n, (void *)s->m.name);
		family = *(u16 *)s->iov;
		if ((family == AF_INET || family == AF_INET6) && *(u16 *)(s->iov + 2) == bpf_htons(53))
			s->m.inet53 = 1;
	}
	s->m.peer = hc_peer_hash(name[0], name[1], name[2], name[3]);
}

/* Descriptors passed: those of the first control message. */
static __always_inline void hc_msg_rights(struct hc_scratch *s, u16 subject)
{
	u64 len = 0, head;
	u32 level = 0, type = 0;
	struct hc_wire_list *l;
	struct hc_wire_fact *f;

	s->m.n_rights = 0;
	if (!s->m.control || s->m.n_control < 12)
		return;
	if (s->compat) {
		u32 v[3] = {};

		bpf_probe_read_user(v, sizeof(v), (void *)s->m.control);
		len = v[0];
		level = v[1];
		type = v[2];
		head = 12;
	} else {
		u64 v[2] = {};

		bpf_probe_read_user(v, sizeof(v), (void *)s->m.control);
		len = v[0];
		level = v[1];
		type = v[1] >> 32;
		head = 16;
	}
	if (level != SOL_SOCKET || type != SCM_RIGHTS || len <= head || len > s->m.n_control)
		return;
	len = (len - head) & ~3ULL;
	f = hc_fact(s);
	if (!f)
		return;
	l = (struct hc_wire_list *)(f + 1);
	l->n_total = len / 4;
	l->elem_bytes = 4;
	if (len > 4 * HC_MAX_RIGHTS)
		len = 4 * HC_MAX_RIGHTS;
	hc_mask(len, 127);
	if (len > sizeof(s->m.rights) || bpf_probe_read_user(s->m.rights, len, (void *)(s->m.control + head)))
		return;
	if (bpf_probe_read_kernel(l + 1, len, s->m.rights))
		return;
	s->m.n_rights = len / 4;
	hc_fact_end(s, f, HC_WIRE_F_LIST, HC_WIRE_FF_USER, subject, sizeof(*l) + len);
}

/* Does the sampling mode want this message? Sets s->m.want, the payload bytes to keep. */
static __always_inline bool hc_msg_wanted(struct hc_scratch *s)
{
	u16 mode = hc_mode(s);
	bool out = s->desc.facts & HC_SF_DIR_OUT, wanted = !mode;

	s->m.want = hc_snap(s);
	if (s->m.inet53 && (mode & HC_WIRE_MODE_P53 || !mode) && (s64)s->ret > 0) {
		wanted = true;
		if (s->m.want < HC_P53_BYTES)
			s->m.want = HC_P53_BYTES;
	}
	if (mode & HC_WIRE_MODE_PEER) {
		u64 key = hc_peer_key(s->m.sk, s->m.ino, out, s->ret);

		if (hc_tab_changed(HC_TAB_PEER, key, hc_peer_tag(key, s->m.peer, s->ret)))
			wanted = true;
	}
	return wanted;
}

/* sendto:   sockfd len flags dest_addr sock_after data      recvfrom: the same with src_addr
 * sendmsg:  sockfd flags name iovcnt size rights sock_after data
 * recvmsg:  sockfd flags name size rights sock_after data */
SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_msg, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_call(cpu, task, regs, ret);
	u64 *slot;

	if (!s)
		return 0;
	hc_msg_clear(s);
	if (s->desc.type == HC_EV_SENDTO) {
		s->m.buf = s->arg[1];
		s->m.name = s->arg[4];
		s->m.namelen = s->arg[5];
	} else if (s->desc.type == HC_EV_RECVFROM) {
		u32 len = 0;

		s->m.buf = s->arg[1];
		if (s->arg[4] && s->arg[5] && !bpf_probe_read_user(&len, sizeof(len), (void *)s->arg[5])) {
			s->m.name = s->arg[4];
			s->m.namelen = len;
		}
	} else {
		hc_msghdr(s, s->arg[1]);
	}
	hc_msg_peer(s, task);
	if (!hc_msg_wanted(s))
		return hc_sampled_out(s, cpu);
	hc_call_begin(s, task, hc_mode(s) ? HC_WIRE_SAMPLED : 0);
	slot = hc_slots(s);
	slot[0] = (s64)(s32)s->arg[0];
	switch (s->desc.type) {
	case HC_EV_SENDMSG:
		slot[1] = (u32)s->arg[2];
		slot[2] = s->m.name;
		slot[3] = s->m.n_iov;
		slot[4] = hc_iov_sum(s, s->m.iov, s->m.n_iov);
		s->slot_of.name = 2;
		s->slot_of.rights = 5;
		s->slot_of.sock = 6;
		s->slot_of.data = 7;
		break;
	case HC_EV_RECVMSG:
		slot[1] = (u32)s->arg[2];
		slot[2] = s->m.name;
		slot[3] = hc_iov_sum(s, s->m.iov, s->m.n_iov);
		s->slot_of.name = 2;
		s->slot_of.rights = 4;
		s->slot_of.sock = 5;
		s->slot_of.data = 6;
		break;
	default:
		slot[1] = s->arg[2];
		slot[2] = (u32)s->arg[3];
		slot[3] = s->m.name;
		s->slot_of.name = 3;
		s->slot_of.sock = 4;
		s->slot_of.data = 5;
		break;
	}
	if (s->m.name && s->m.namelen && (s->desc.facts & HC_SF_DIR_OUT || (s64)s->ret >= 0))
		hc_addr_user(s, s->slot_of.name, s->m.name, s->m.namelen);
	if (s->m.control && (s64)s->ret >= 0)
		hc_msg_rights(s, s->slot_of.rights);
		/* The socket, then descriptors that arrived. */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 1 + HC_MAX_RIGHTS_FDS; i++) {
		struct hc_fileinfo info;
		s32 fd = s->arg[0];
		u64 sk;

		if (i) {
			if (s->desc.type != HC_EV_RECVMSG || i > s->m.n_rights)
				break;
			fd = s->m.rights[i - 1];
		}
		hc_fd_fact(s, task, i ? HC_WIRE_SUBJ_CMSG_FIRST + i - 1 : 0, fd, i ? HC_OBJ_USE : HC_OBJ_NODEF,
		           &info);
		if (i || !info.file)
			continue;
		sk = hc_sock_of(&info);
		if (sk)
			hc_sock_fact(s, s->slot_of.sock, sk, info.ino);
	}
	if (s->m.want && (s64)s->ret > 0) {
		if (s->m.buf)
			hc_bytes_user(s, s->slot_of.data, s->m.buf, s->ret, ~0ULL, s->m.want, 4096);
		else
			hc_iov_bytes(s, s->slot_of.data, s->m.iov, s->m.n_iov, s->ret, ~0ULL, s->m.want);
	}
	hc_done(ctx, s, cpu);
	return 0;
}

/* A row per message: sockfd vlen flags part name size sock_after data. One message a run; it tail-calls itself. */
SEC("tp_btf/sys_exit")
int BPF_PROG(hc_sys_mmsg, struct pt_regs *regs, long ret)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id(), bytes = 0;
	struct hc_scratch *s = hc_scratch(cpu);
	struct hc_fileinfo info;
	u64 *slot, at, sk;

	if (!s)
		return 0;
	if (!s->part)
		s = hc_call(cpu, task, regs, ret);
	if (!s)
		return 0;
	hc_msg_clear(s);
	at = s->arg[1] + (s->compat ? 32 : 64) * (u64)s->part;
	if ((s64)s->ret > 0) {
		hc_msghdr(s, at);
		bpf_probe_read_user(&bytes, sizeof(bytes), (void *)(at + (s->compat ? 28 : 56)));
	}
	hc_msg_peer(s, task);
	if (hc_msg_wanted(s)) {
		hc_call_begin(s, task, hc_mode(s) ? HC_WIRE_SAMPLED : 0);
		slot = hc_slots(s);
		slot[0] = (s64)(s32)s->arg[0];
		slot[1] = (u32)s->arg[2];
		slot[2] = (u32)s->arg[3];
		slot[3] = s->part;
		slot[4] = s->m.name;
		slot[5] = bytes;
		if (s->m.name && s->m.namelen && (s->desc.facts & HC_SF_DIR_OUT || (s64)s->ret >= 0))
			hc_addr_user(s, 4, s->m.name, s->m.namelen);
		hc_fd_fact(s, task, 0, s->arg[0], HC_OBJ_NODEF, &info);
		if (info.file) {
			sk = hc_sock_of(&info);
			if (sk)
				hc_sock_fact(s, 6, sk, info.ino);
		}
		if (s->m.want && bytes)
			hc_iov_bytes(s, 7, s->m.iov, s->m.n_iov, bytes, ~0ULL, s->m.want);
		hc_output(s, cpu);
	} else {
		hc_count_sampled(cpu, s->desc.type);
	}
	s->part++;
	if (s->part < HC_MAX_MMSG && (s64)s->part < (s64)s->ret)
		bpf_tail_call(ctx, &hc_handlers, HC_H_MMSG);
	s->part = 0;
	hc_release(s);
	return 0;
}

#endif
