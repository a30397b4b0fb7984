/* bpf/uring.bpf.h: operations submitted through io_uring, which no system call shows.
 *
 * At submission the kernel has parsed the request and copied its paths; who submits is current (or the ring's
 * poller, a thread of the same process). The result comes with the completion, on any thread. So what is known at
 * submission is kept by the request's address, and the completion makes the row: of the type of the matching
 * system call, with flag URING. A request that completes more than once gives a row each time. */
#ifndef HC_BPF_URING_H
#define HC_BPF_URING_H

#include "net.bpf.h"

#define HC_URING_PATH 512
#define HC_NR_IO_URING_ENTER 426
#define HC_CQE_MORE 2
#define HC_NO_SLOT 0xff

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kiocb {
	loff_t ki_pos;
};

struct io_rw {
	struct kiocb kiocb;
	u32 len;
};

struct open_how {
	u64 flags, mode, resolve;
};

struct io_open {
	int dfd;
	struct filename *filename;
	struct open_how how;
};

struct io_close {
	int fd;
};

struct io_rename {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

struct io_link {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

struct io_unlink {
	int dfd, flags;
	struct filename *filename;
};

struct io_mkdir {
	int dfd;
	umode_t mode;
	struct filename *filename;
};

struct io_sync {
	loff_t len, off;
	int mode;
};

struct io_ftrunc {
	loff_t len;
};

struct io_shutdown {
	int how;
};

struct io_accept {
	int flags;
};

struct io_socket {
	int domain, type, protocol, flags;
};

struct io_listen {
	int backlog;
};

struct io_connect {
	struct sockaddr *addr;
	int addr_len;
};

struct io_sr_msg {
	int len;
	unsigned int msg_flags;
};

#pragma clang attribute pop

enum hc_uring_op {
	HC_OP_READV = 1,
	HC_OP_WRITEV = 2,
	HC_OP_READ_FIXED = 4,
	HC_OP_WRITE_FIXED = 5,
	HC_OP_SENDMSG = 9,
	HC_OP_RECVMSG = 10,
	HC_OP_ACCEPT = 13,
	HC_OP_CONNECT = 16,
	HC_OP_FALLOCATE = 17,
	HC_OP_OPENAT = 18,
	HC_OP_CLOSE = 19,
	HC_OP_READ = 22,
	HC_OP_WRITE = 23,
	HC_OP_SEND = 26,
	HC_OP_RECV = 27,
	HC_OP_OPENAT2 = 28,
	HC_OP_SHUTDOWN = 34,
	HC_OP_RENAMEAT = 35,
	HC_OP_UNLINKAT = 36,
	HC_OP_MKDIRAT = 37,
	HC_OP_SYMLINKAT = 38,
	HC_OP_LINKAT = 39,
	HC_OP_SOCKET = 45,
	HC_OP_SEND_ZC = 47,
	HC_OP_SENDMSG_ZC = 48,
	HC_OP_READ_MULTISHOT = 49,
	HC_OP_FTRUNCATE = 55,
	HC_OP_BIND = 56,
	HC_OP_LISTEN = 57,
};

/* A request between submission and completion. */
struct hc_request {
	u64 user_data, start_ns, cgroup_id;
	u32 tid, tgid, exec_id;
	u32 opcode;
	s32 fd; /* that the request works on, as passed */
	u16 type;
	u8 n_slots;
	u8 fd_slot;    /* of `fd`; HC_NO_SLOT: none */
	u8 newfd_slot; /* of the descriptor in the result */
	u8 sock_slot;  /* of the endpoint after the call */
	u8 path_slot[2];
	u8 write;  /* writes to its file */
	u8 detail; /* of the task */
	u8 reserved[2];
	u32 path_bytes[2]; /* without NUL; 0: none */
	u64 slot[8];
	u8 path[2][HC_URING_PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, u64);
	__type(value, struct hc_request);
} hc_requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} hc_uring_next SEC(".maps");

static __always_inline void hc_request_path(struct hc_request *q, const u32 i, u8 slot, struct filename *name)
{
	long n = bpf_probe_read_kernel_str(q->path[i], HC_URING_PATH, (void *)hc_pr(name, name));

	q->path_slot[i] = slot;
	q->path_bytes[i] = n > 0 ? n - 1 : 0;
}

#define hc_op(req, type, member) hc_pr((struct type *)(req), member)

/* What the request asks for, in the slots of the matching type. */
static __always_inline void hc_request_parse(struct hc_request *q, u64 req)
{
	switch (q->opcode) {
	case HC_OP_OPENAT:
	case HC_OP_OPENAT2:
		q->type = q->opcode == HC_OP_OPENAT ? HC_EV_OPENAT : HC_EV_OPENAT2;
		q->n_slots = q->opcode == HC_OP_OPENAT ? 5 : 6;
		q->newfd_slot = q->n_slots - 1;
		q->slot[0] = (s64)hc_op(req, io_open, dfd);
		q->slot[2] = hc_op(req, io_open, how.flags);
		q->slot[3] = hc_op(req, io_open, how.mode);
		if (q->opcode == HC_OP_OPENAT2)
			q->slot[4] = hc_op(req, io_open, how.resolve);
		hc_request_path(q, 0, 1, hc_op(req, io_open, filename));
		break;
	case HC_OP_CLOSE:
		q->type = HC_EV_CLOSE;
		q->n_slots = 1;
		q->slot[0] = (s64)hc_op(req, io_close, fd);
		break;
	case HC_OP_READ:
	case HC_OP_READ_FIXED:
	case HC_OP_READ_MULTISHOT:
	case HC_OP_WRITE:
	case HC_OP_WRITE_FIXED:
		q->write = q->opcode == HC_OP_WRITE || q->opcode == HC_OP_WRITE_FIXED;
		q->type = q->write ? HC_EV_WRITE : HC_EV_READ;
		q->n_slots = 4;
		q->fd_slot = 0;
		q->slot[1] = hc_op(req, io_rw, len);
		q->slot[2] = hc_op(req, io_rw, kiocb.ki_pos);
		if (q->slot[2] == ~0ULL)
			q->slot[2] = HC_WIRE_ABSENT;
		break;
	case HC_OP_READV:
	case HC_OP_WRITEV:
		q->write = q->opcode == HC_OP_WRITEV;
		q->type = q->write ? HC_EV_WRITEV : HC_EV_READV;
		q->n_slots = 5;
		q->fd_slot = 0;
		q->slot[1] = hc_op(req, io_rw, len);
		q->slot[2] = HC_WIRE_ABSENT;
		q->slot[3] = hc_op(req, io_rw, kiocb.ki_pos);
		if (q->slot[3] == ~0ULL)
			q->slot[3] = HC_WIRE_ABSENT;
		break;
	case HC_OP_SEND:
	case HC_OP_SEND_ZC:
	case HC_OP_RECV:
		q->write = q->opcode != HC_OP_RECV;
		q->type = q->write ? HC_EV_SENDTO : HC_EV_RECVFROM;
		q->n_slots = 6;
		q->fd_slot = 0;
		q->sock_slot = 4;
		q->slot[1] = (u32)hc_op(req, io_sr_msg, len);
		q->slot[2] = hc_op(req, io_sr_msg, msg_flags);
		break;
	case HC_OP_SENDMSG:
	case HC_OP_SENDMSG_ZC:
		q->write = 1;
		q->type = HC_EV_SENDMSG;
		q->n_slots = 8;
		q->fd_slot = 0;
		q->sock_slot = 6;
		q->slot[1] = hc_op(req, io_sr_msg, msg_flags);
		q->slot[3] = HC_WIRE_ABSENT;
		q->slot[4] = HC_WIRE_ABSENT;
		break;
	case HC_OP_RECVMSG:
		q->type = HC_EV_RECVMSG;
		q->n_slots = 7;
		q->fd_slot = 0;
		q->sock_slot = 5;
		q->slot[1] = hc_op(req, io_sr_msg, msg_flags);
		q->slot[3] = HC_WIRE_ABSENT;
		break;
	case HC_OP_ACCEPT:
		q->type = HC_EV_ACCEPT4;
		q->n_slots = 3;
		q->fd_slot = 0;
		q->newfd_slot = 2;
		q->slot[1] = (u32)hc_op(req, io_accept, flags);
		break;
	case HC_OP_CONNECT:
	case HC_OP_BIND:
		q->type = q->opcode == HC_OP_BIND ? HC_EV_BIND : HC_EV_CONNECT;
		q->n_slots = 3;
		q->fd_slot = 0;
		q->sock_slot = 2;
		break;
	case HC_OP_LISTEN:
		q->type = HC_EV_LISTEN;
		q->n_slots = 2;
		q->fd_slot = 0;
		q->sock_slot = 0;
		if (bpf_core_type_exists(struct io_listen))
			q->slot[1] = (s64)hc_op(req, io_listen, backlog);
		break;
	case HC_OP_SOCKET:
		q->type = HC_EV_SOCKET;
		q->n_slots = 4;
		q->newfd_slot = 3;
		if (bpf_core_type_exists(struct io_socket)) {
			q->slot[0] = (u32)hc_op(req, io_socket, domain);
			q->slot[1] = (u32)hc_op(req, io_socket, type);
			q->slot[2] = (s64)hc_op(req, io_socket, protocol);
		}
		break;
	case HC_OP_SHUTDOWN:
		q->type = HC_EV_SHUTDOWN;
		q->n_slots = 2;
		q->fd_slot = 0;
		q->slot[1] = (s64)hc_op(req, io_shutdown, how);
		break;
	case HC_OP_FALLOCATE:
		q->type = HC_EV_FALLOCATE;
		q->n_slots = 4;
		q->fd_slot = 0;
		q->write = 1;
		q->slot[1] = (s64)hc_op(req, io_sync, mode);
		q->slot[2] = hc_op(req, io_sync, off);
		q->slot[3] = hc_op(req, io_sync, len);
		break;
	case HC_OP_FTRUNCATE:
		q->type = HC_EV_FTRUNCATE;
		q->n_slots = 2;
		q->fd_slot = 0;
		if (bpf_core_type_exists(struct io_ftrunc))
			q->slot[1] = hc_op(req, io_ftrunc, len);
		break;
	case HC_OP_UNLINKAT:
		q->type = HC_EV_UNLINKAT;
		q->n_slots = 4;
		q->slot[0] = (s64)hc_op(req, io_unlink, dfd);
		q->slot[2] = (s64)hc_op(req, io_unlink, flags);
		hc_request_path(q, 0, 1, hc_op(req, io_unlink, filename));
		break;
	case HC_OP_MKDIRAT:
		q->type = HC_EV_MKDIRAT;
		q->n_slots = 4;
		q->slot[0] = (s64)hc_op(req, io_mkdir, dfd);
		q->slot[2] = hc_op(req, io_mkdir, mode);
		hc_request_path(q, 0, 1, hc_op(req, io_mkdir, filename));
		break;
	case HC_OP_RENAMEAT:
		q->type = HC_EV_RENAMEAT2;
		q->n_slots = 6;
		q->slot[0] = (s64)hc_op(req, io_rename, old_dfd);
		q->slot[2] = (s64)hc_op(req, io_rename, new_dfd);
		q->slot[4] = (u32)hc_op(req, io_rename, flags);
		hc_request_path(q, 0, 1, hc_op(req, io_rename, oldpath));
		hc_request_path(q, 1, 3, hc_op(req, io_rename, newpath));
		break;
	case HC_OP_LINKAT:
		q->type = HC_EV_LINKAT;
		q->n_slots = 6;
		q->slot[0] = (s64)hc_op(req, io_link, old_dfd);
		q->slot[2] = (s64)hc_op(req, io_link, new_dfd);
		q->slot[4] = (s64)hc_op(req, io_link, flags);
		hc_request_path(q, 0, 1, hc_op(req, io_link, oldpath));
		hc_request_path(q, 1, 3, hc_op(req, io_link, newpath));
		break;
	case HC_OP_SYMLINKAT:
		q->type = HC_EV_SYMLINKAT;
		q->n_slots = 3;
		q->slot[1] = (s64)hc_op(req, io_link, new_dfd);
		hc_request_path(q, 0, 0, hc_op(req, io_link, oldpath));
		hc_request_path(q, 1, 2, hc_op(req, io_link, newpath));
		break;
	default:
		q->type = HC_EV_SYS;
		q->n_slots = 6;
		q->slot[0] = q->opcode;
		break;
	}
}

static __always_inline int hc_submitted(struct io_kiocb *req_typed)
{
	struct task_struct *task = hc_current();
	struct hc_request *q;
	struct hc_scratch *s;
	u64 req;

	if ((u32)hc_pr(task, tgid) == hc_dials.self_tgid)
		return 0;
	if (hc_dials.filters && hc_skipped(task, hc_pr(task, tgid)))
		return 0;
	s = hc_take(bpf_get_smp_processor_id(), HC_EV_SYS, HC_WIRE_LANE_BULK);
	if (!s)
		return 0;
	req = hc_number(s, req_typed);
	q = (struct hc_request *)s->data;
	__builtin_memset(q, 0, sizeof(*q) - sizeof(q->path));
	q->opcode = hc_pr((struct io_kiocb *)req, opcode);
	if (bpf_core_field_exists(struct io_kiocb, cqe))
		q->user_data = hc_pr((struct io_kiocb *)req, cqe.user_data);
	else
		q->user_data = hc_pr((struct io_kiocb___old *)req, user_data);
	q->tid = hc_pr(task, pid);
	q->tgid = hc_pr(task, tgid);
	q->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	q->exec_id = hc_pr(task, self_exec_id);
	q->cgroup_id = hc_conf.cgroup_v2 ? hc_cgroup_any(task) : 0;
	q->fd = -1;
	q->fd_slot = HC_NO_SLOT;
	q->newfd_slot = HC_NO_SLOT;
	q->sock_slot = HC_NO_SLOT;
	hc_request_parse(q, req);
	q->detail = hc_detail_of(task, q->tgid);
	if (!hc_type_on_at(q->detail, q->type)) {
		hc_release(s);
		return 0;
	}
	if (q->fd_slot != HC_NO_SLOT) {
		/* until it is issued, a request has the number where the result will be */
		if (bpf_core_field_exists(struct io_cqe, fd))
			q->fd = hc_pr((struct io_kiocb *)req, cqe.fd);
		q->slot[0] = (s64)q->fd;
	}
	bpf_map_update_elem(&hc_requests, &req, q, BPF_ANY);
	hc_release(s);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(hc_uring_req, struct io_kiocb *req)
{
	return hc_submitted(req);
}

/* 6.0 .. 6.2 */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(hc_uring_sqe, struct io_kiocb *req)
{
	return hc_submitted(req);
}

static __always_inline void hc_completed(void *ctx, struct hc_scratch *s, u32 cpu, u64 req, s32 res, u32 cqe_flags)
{
	struct hc_request *q = bpf_map_lookup_elem(&hc_requests, &req);
	struct task_struct *task = hc_current();
	struct hc_wire_head *h;
	struct hc_wire_uring *w;
	struct hc_fileinfo info;
	u64 *slot, file = 0;
	u16 mode;

	if (!q) {
		hc_release(s);
		return;
	}
	mode = hc_mode_at(q->detail, q->type);
	if (q->fd_slot != HC_NO_SLOT)
		file = (u64)hc_pr((struct io_kiocb *)req, file);
	/* neither of the two: what is left when a recorder without time for more sheds samples */
	if ((mode && !(mode & (HC_WIRE_MODE_FIRST | HC_WIRE_MODE_PEER))) ||
	    (mode & HC_WIRE_MODE_FIRST && file &&
	     !hc_tab_first(HC_TAB_FIRST, hc_hash(hc_hash((u64)q->tgid << 32 | q->exec_id, 1 + q->write),
	                                         hc_hash(file, (u64)hc_pr((struct file *)file, f_inode)))))) {
		hc_count_sampled(cpu, q->type);
		hc_release(s);
		if (!(cqe_flags & HC_CQE_MORE))
			bpf_map_delete_elem(&hc_requests, &req);
		return;
	}
	/* none of these types is of a security class */
	h = hc_begin(s, task, q->type, HC_WIRE_LANE_BULK, q->n_slots & 15,
	             HC_WIRE_URING | (mode ? HC_WIRE_SAMPLED : 0), res, HC_NR_IO_URING_ENTER);
	h->tid = q->tid;
	h->tgid = q->tgid;
	h->start_ns = q->start_ns;
	h->exec_id = q->exec_id;
	h->cgroup_id = q->cgroup_id;
	slot = hc_slots(s);
	for (u32 i = 0; i < 8; i++)
		slot[i] = q->slot[i];
	w = hc_fact_fixed(s, HC_WIRE_F_URING, 0, HC_WIRE_SUBJ_ROW, sizeof(*w));
	if (w) {
		w->user_data = q->user_data;
		w->req_key = hc_key(req);
		w->opcode = q->opcode;
		w->ring_tgid = q->tgid;
	}
	for (u32 i = 0; i < 2; i++) {
		u64 n = q->path_bytes[i];
		struct hc_wire_fact *f;

		if (!n)
			continue;
		f = hc_fact(s);
		if (!f)
			break;
		hc_mask(n, HC_URING_PATH - 1);
		bpf_probe_read_kernel(f + 1, n, q->path[i]);
		hc_fact_end(s, f, HC_WIRE_F_STR, n == HC_URING_PATH - 1 ? HC_WIRE_FF_TRUNC : 0, q->path_slot[i],
		            n);
	}
	s->g.fd = q->newfd_slot != HC_NO_SLOT && res >= 0 ? res : -1;
	s->slot_of.name = q->newfd_slot;
	s->slot_of.sock = q->sock_slot;
	if (q->newfd_slot != HC_NO_SLOT)
		slot[q->newfd_slot & 7] = (s64)res;
		/* The file the request works on, then the descriptor it made. */
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2; i++) {
		/* the compiler is not to know `i`: it laid the loop out to go back without a jump, see README */
		asm volatile("" : "+r"(i));
		if (i) {
			if (s->g.fd < 0 || (u32)hc_pr(task, tgid) != h->tgid)
				break;
			file = hc_file_of(task, s->g.fd);
		}
		if (!file)
			continue;
		hc_file_obj(s, task, i ? s->slot_of.name : 0, i ? s->g.fd : (s64)slot[0], file,
		            i ? HC_OBJ_NEW : HC_OBJ_USE, &info);
		if (!i && s->slot_of.sock != HC_NO_SLOT) {
			u64 sk = hc_sock_of(&info);

			if (sk)
				hc_sock_fact(s, s->slot_of.sock, sk, info.ino);
		}
	}
	if (!(cqe_flags & HC_CQE_MORE))
		bpf_map_delete_elem(&hc_requests, &req);
	bpf_tail_call(ctx, &hc_uring_next, 0);
	hc_output(s, cpu);
	hc_release(s);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(hc_uring_done, struct io_ring_ctx *ring, void *req, struct io_uring_cqe *cqe)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_take(cpu, HC_EV_SYS, HC_WIRE_LANE_BULK);

	if (s)
		hc_completed(ctx, s, cpu, hc_number(s, req), hc_pr(cqe, res), hc_pr(cqe, flags));
	return 0;
}

/* before 6.14 */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(hc_uring_done_old, struct io_ring_ctx *ring, void *req, u64 user_data, int res,
             unsigned int cqe_flags)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_take(cpu, HC_EV_SYS, HC_WIRE_LANE_BULK);

	if (s)
		hc_completed(ctx, s, cpu, hc_number(s, req), res, cqe_flags);
	return 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(hc_uring_finish, struct io_ring_ctx *ring, void *req)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_scratch(cpu);

	if (!s)
		return 0;
	if (hc_walk_run(s, hc_current()))
		bpf_tail_call(ctx, &hc_uring_next, 0);
	hc_walk_stop(s);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

#endif
