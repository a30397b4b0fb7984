/* bpf/uring.bpf.h: operations submitted through io_uring, which no system call shows.
 *
 * At submission the kernel has parsed the request and copied its paths; who submits is current (or the ring's
 * poller, a thread of the same process). The result comes with the completion, on any thread. So what is known at
 * submission is kept by the request's address, and the completion makes the row: of the type of the matching
 * system call, with flag URING. A request that completes more than once gives a row each time.
 *
 * Not every completion names its request. Those of a multishot request but the last, and those that find the ring
 * full, say the ring and user_data alone: the oldest request of that ring and user_data is taken for it; of those
 * from before the recorder came, the oldest that the kernel has armed (its table of what can be cancelled). A
 * request that asks for no completion when it works (IOSQE_CQE_SKIP_SUCCESS) has its row when it is submitted,
 * without a result; should it fail, the kernel says so, and there is a row of that too. Of a request that is not
 * known when it completes (submitted before the recorder came, or pushed out by thousands of others) what is left
 * of it in the kernel makes the row, with flag NOENTRY: its names are gone. */
#ifndef HC_BPF_URING_H
#define HC_BPF_URING_H

#include "net.bpf.h"

#define HC_URING_PATH 512 /* of a name, in the request; longer ones lie in a map of their own */
#define HC_URING_ADDR 128
#define HC_NR_IO_URING_ENTER 426
#define HC_CQE_MORE 2
#define HC_CQE_NOTIF 8
#define HC_REQ_FIXED_FILE 1 /* the numbers of IOSQE_FIXED_FILE and IOSQE_CQE_SKIP_SUCCESS, kept in the request */
#define HC_REQ_CQE_SKIP 64
#define HC_ANY_FILE_SLOT (~0u) /* IORING_FILE_INDEX_ALLOC: the result says which */
#define HC_SPLICE_FIXED 0x80000000u
#define HC_NO_SLOT 0xff
#define HC_URING_LAST 4096
#define HC_GOLDEN_RATIO 0x61C8864680B583EBULL /* of the kernel's hash_64() */
#define HC_URING_CHAIN 16 /* so many pending requests of one ring and user_data are told apart */

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
	u32 file_slot;
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
	u32 file_slot;
};

struct io_socket {
	int domain, type, protocol, flags;
	u32 file_slot;
};

struct io_listen {
	int backlog;
};

struct io_connect {
	struct sockaddr *addr;
	int addr_len;
};

struct io_bind {
	int addr_len;
};

struct io_sr_msg {
	int len;
	unsigned int msg_flags;
};

struct io_splice {
	loff_t off_out, off_in;
	u64 len;
	int splice_fd_in;
	unsigned int flags;
};

struct __kernel_sockaddr_storage {
	char data[HC_URING_ADDR];
};

struct msghdr {
	int msg_namelen;
};

struct io_async_msghdr {
	struct msghdr msg;
	struct __kernel_sockaddr_storage addr;
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
	HC_OP_SPLICE = 30,
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
	HC_OP_READV_FIXED = 60,
	HC_OP_WRITEV_FIXED = 61,
	HC_N_OPS = 64, /* a power of two above them */
};

/* The type of an operation's row; the others are `sys`. */
static const u8 hc_op_types[HC_N_OPS] = {
	[HC_OP_READV] = HC_EV_READV,         [HC_OP_WRITEV] = HC_EV_WRITEV,
	[HC_OP_READ_FIXED] = HC_EV_READ,     [HC_OP_WRITE_FIXED] = HC_EV_WRITE,
	[HC_OP_SENDMSG] = HC_EV_SENDMSG,     [HC_OP_RECVMSG] = HC_EV_RECVMSG,
	[HC_OP_ACCEPT] = HC_EV_ACCEPT4,      [HC_OP_CONNECT] = HC_EV_CONNECT,
	[HC_OP_FALLOCATE] = HC_EV_FALLOCATE, [HC_OP_OPENAT] = HC_EV_OPENAT,
	[HC_OP_CLOSE] = HC_EV_CLOSE,         [HC_OP_READ] = HC_EV_READ,
	[HC_OP_WRITE] = HC_EV_WRITE,         [HC_OP_SEND] = HC_EV_SENDTO,
	[HC_OP_RECV] = HC_EV_RECVFROM,       [HC_OP_OPENAT2] = HC_EV_OPENAT2,
	[HC_OP_SPLICE] = HC_EV_SPLICE,       [HC_OP_SHUTDOWN] = HC_EV_SHUTDOWN,
	[HC_OP_RENAMEAT] = HC_EV_RENAMEAT2,  [HC_OP_UNLINKAT] = HC_EV_UNLINKAT,
	[HC_OP_MKDIRAT] = HC_EV_MKDIRAT,     [HC_OP_SYMLINKAT] = HC_EV_SYMLINKAT,
	[HC_OP_LINKAT] = HC_EV_LINKAT,       [HC_OP_SOCKET] = HC_EV_SOCKET,
	[HC_OP_SEND_ZC] = HC_EV_SENDTO,      [HC_OP_SENDMSG_ZC] = HC_EV_SENDMSG,
	[HC_OP_READ_MULTISHOT] = HC_EV_READ, [HC_OP_FTRUNCATE] = HC_EV_FTRUNCATE,
	[HC_OP_BIND] = HC_EV_BIND,           [HC_OP_LISTEN] = HC_EV_LISTEN,
	[HC_OP_READV_FIXED] = HC_EV_READV,   [HC_OP_WRITEV_FIXED] = HC_EV_WRITEV,
};

/* A request between submission and completion. */
struct hc_request {
	u64 user_data, ring, start_ns, cgroup_id;
	u64 newer, older; /* requests of the same entry of hc_uring_last; 0: none */
	u32 tid, tgid, exec_id;
	u32 opcode;
	s32 fd;        /* that the request works on, as passed; -1: none, or a place in the ring's table */
	s32 in_fd;     /* that splice reads */
	u32 file_slot; /* where in the ring's table the new file goes, from 1; 0: it becomes a descriptor */
	u16 type;
	u16 flags; /* of the row */
	u8 n_slots;
	u8 fd_slot;    /* of `fd`; HC_NO_SLOT: none */
	u8 in_slot;    /* of `in_fd` */
	u8 newfd_slot; /* of the descriptor in the result */
	u8 sock_slot;  /* of the endpoint after the call */
	u8 addr_slot;
	u8 path_slot[2];
	u8 write;          /* writes to its file */
	u8 detail;         /* of the task */
	u8 fixed;          /* works on a file of the ring's table */
	u8 quiet;          /* no completion when it works */
	u32 path_bytes[2]; /* without NUL; 0: none */
	u64 addr_bytes;
	u64 slot[8];
	u8 path[2][HC_URING_PATH];
	u8 addr[HC_URING_ADDR];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, u64);
	__type(value, struct hc_request);
} hc_requests SEC(".maps");

struct hc_long_name {
	u8 s[HC_WIRE_PATH_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u64); /* the request's address, plus one for its second name */
	__type(value, struct hc_long_name);
} hc_long_names SEC(".maps");

/* By ring and user_data: the youngest request whose completion may not name it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HC_URING_LAST);
	__type(key, u32);
	__type(value, u64);
} hc_uring_last SEC(".maps");

struct hc_uring_tail {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
};

struct hc_uring_tail hc_uring_next SEC(".maps");
struct hc_uring_tail hc_spill_next SEC(".maps");

/* A name. One that is too long for the request is read behind it in the scratch, which is why a request is made
 * there. */
static __always_inline void hc_request_path(struct hc_request *q, u64 req, const u32 i, u8 slot,
                                            struct filename *name)
{
	void *text = (void *)hc_pr(name, name);
	long n = bpf_probe_read_kernel_str(q->path[i], HC_URING_PATH, text);

	q->path_slot[i] = slot;
	if (n == HC_URING_PATH) {
		struct hc_long_name *whole = (struct hc_long_name *)(q + 1);
		u64 key = req + i;

		n = bpf_probe_read_kernel_str(whole->s, sizeof(whole->s), text);
		bpf_map_update_elem(&hc_long_names, &key, whole, BPF_ANY);
	}
	q->path_bytes[i] = n > 0 ? n - 1 : 0;
}

#define hc_op(req, type, member) hc_pr((struct type *)(req), member)

/* What the request asks for, in the slots of the matching type. Its names are there at submission alone. */
static __always_inline void hc_request_parse(struct hc_request *q, u64 req, const bool names)
{
	switch (q->opcode) {
	case HC_OP_OPENAT:
	case HC_OP_OPENAT2:
		q->n_slots = q->opcode == HC_OP_OPENAT ? 5 : 6;
		q->newfd_slot = q->n_slots - 1;
		q->slot[0] = (s64)hc_op(req, io_open, dfd);
		q->slot[2] = hc_op(req, io_open, how.flags);
		q->slot[3] = hc_op(req, io_open, how.mode);
		if (q->opcode == HC_OP_OPENAT2)
			q->slot[4] = hc_op(req, io_open, how.resolve);
		if (bpf_core_field_exists(struct io_open, file_slot))
			q->file_slot = hc_op(req, io_open, file_slot);
		if (names)
			hc_request_path(q, req, 0, 1, hc_op(req, io_open, filename));
		break;
	case HC_OP_CLOSE:
		q->n_slots = 1;
		q->slot[0] = (s64)hc_op(req, io_close, fd);
		break;
	case HC_OP_READ:
	case HC_OP_READ_FIXED:
	case HC_OP_READ_MULTISHOT:
	case HC_OP_WRITE:
	case HC_OP_WRITE_FIXED:
		q->write = q->opcode == HC_OP_WRITE || q->opcode == HC_OP_WRITE_FIXED;
		q->n_slots = 4;
		q->fd_slot = 0;
		q->slot[1] = hc_op(req, io_rw, len);
		q->slot[2] = hc_op(req, io_rw, kiocb.ki_pos);
		if (q->slot[2] == ~0ULL)
			q->slot[2] = HC_WIRE_ABSENT;
		break;
	case HC_OP_READV:
	case HC_OP_WRITEV:
	case HC_OP_READV_FIXED:
	case HC_OP_WRITEV_FIXED:
		q->write = q->opcode == HC_OP_WRITEV || q->opcode == HC_OP_WRITEV_FIXED;
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
		q->n_slots = 6;
		q->fd_slot = 0;
		q->sock_slot = 4;
		q->addr_slot = q->write ? 3 : HC_NO_SLOT;
		q->slot[1] = (u32)hc_op(req, io_sr_msg, len);
		q->slot[2] = hc_op(req, io_sr_msg, msg_flags);
		break;
	case HC_OP_SENDMSG:
	case HC_OP_SENDMSG_ZC:
		q->write = 1;
		q->n_slots = 8;
		q->fd_slot = 0;
		q->sock_slot = 6;
		q->addr_slot = 2;
		q->slot[1] = hc_op(req, io_sr_msg, msg_flags);
		q->slot[3] = HC_WIRE_ABSENT;
		q->slot[4] = HC_WIRE_ABSENT;
		break;
	case HC_OP_RECVMSG:
		q->n_slots = 7;
		q->fd_slot = 0;
		q->sock_slot = 5;
		q->slot[1] = hc_op(req, io_sr_msg, msg_flags);
		q->slot[3] = HC_WIRE_ABSENT;
		break;
	case HC_OP_ACCEPT:
		q->n_slots = 3;
		q->fd_slot = 0;
		q->newfd_slot = 2;
		q->slot[1] = (u32)hc_op(req, io_accept, flags);
		if (bpf_core_field_exists(struct io_accept, file_slot))
			q->file_slot = hc_op(req, io_accept, file_slot);
		break;
	case HC_OP_CONNECT:
	case HC_OP_BIND:
		q->n_slots = 3;
		q->fd_slot = 0;
		q->addr_slot = q->opcode == HC_OP_CONNECT ? 1 : HC_NO_SLOT;
		q->sock_slot = 2;
		break;
	case HC_OP_LISTEN:
		q->n_slots = 2;
		q->fd_slot = 0;
		q->sock_slot = 0;
		if (bpf_core_type_exists(struct io_listen))
			q->slot[1] = (s64)hc_op(req, io_listen, backlog);
		break;
	case HC_OP_SOCKET:
		q->n_slots = 4;
		q->newfd_slot = 3;
		if (bpf_core_type_exists(struct io_socket)) {
			q->slot[0] = (u32)hc_op(req, io_socket, domain);
			q->slot[1] = (u32)hc_op(req, io_socket, type);
			q->slot[2] = (s64)hc_op(req, io_socket, protocol);
			q->file_slot = hc_op(req, io_socket, file_slot);
		}
		break;
	case HC_OP_SHUTDOWN:
		q->n_slots = 2;
		q->fd_slot = 0;
		q->slot[1] = (s64)hc_op(req, io_shutdown, how);
		break;
	case HC_OP_FALLOCATE:
		q->n_slots = 4;
		q->fd_slot = 0;
		q->write = 1;
		q->slot[1] = (s64)hc_op(req, io_sync, mode);
		q->slot[2] = hc_op(req, io_sync, off);
		q->slot[3] = hc_op(req, io_sync, len);
		break;
	case HC_OP_FTRUNCATE:
		q->n_slots = 2;
		q->fd_slot = 0;
		if (bpf_core_type_exists(struct io_ftrunc))
			q->slot[1] = hc_op(req, io_ftrunc, len);
		break;
	case HC_OP_SPLICE:
		q->n_slots = 6;
		q->fd_slot = 2;
		q->write = 1;
		q->slot[1] = hc_op(req, io_splice, off_in);
		q->slot[3] = hc_op(req, io_splice, off_out);
		q->slot[4] = hc_op(req, io_splice, len);
		q->slot[5] = hc_op(req, io_splice, flags);
		q->slot[0] = HC_WIRE_ABSENT;
		if (!(q->slot[5] & HC_SPLICE_FIXED)) {
			q->in_fd = hc_op(req, io_splice, splice_fd_in);
			q->in_slot = 0;
			q->slot[0] = (s64)q->in_fd;
		}
		break;
	case HC_OP_UNLINKAT:
		q->n_slots = 4;
		q->slot[0] = (s64)hc_op(req, io_unlink, dfd);
		q->slot[2] = (s64)hc_op(req, io_unlink, flags);
		if (names)
			hc_request_path(q, req, 0, 1, hc_op(req, io_unlink, filename));
		break;
	case HC_OP_MKDIRAT:
		q->n_slots = 4;
		q->slot[0] = (s64)hc_op(req, io_mkdir, dfd);
		q->slot[2] = hc_op(req, io_mkdir, mode);
		if (names)
			hc_request_path(q, req, 0, 1, hc_op(req, io_mkdir, filename));
		break;
	case HC_OP_RENAMEAT:
		q->n_slots = 6;
		q->slot[0] = (s64)hc_op(req, io_rename, old_dfd);
		q->slot[2] = (s64)hc_op(req, io_rename, new_dfd);
		q->slot[4] = (u32)hc_op(req, io_rename, flags);
		if (names)
			hc_request_path(q, req, 0, 1, hc_op(req, io_rename, oldpath));
		if (names)
			hc_request_path(q, req, 1, 3, hc_op(req, io_rename, newpath));
		break;
	case HC_OP_LINKAT:
		q->n_slots = 6;
		q->slot[0] = (s64)hc_op(req, io_link, old_dfd);
		q->slot[2] = (s64)hc_op(req, io_link, new_dfd);
		q->slot[4] = (s64)hc_op(req, io_link, flags);
		if (names)
			hc_request_path(q, req, 0, 1, hc_op(req, io_link, oldpath));
		if (names)
			hc_request_path(q, req, 1, 3, hc_op(req, io_link, newpath));
		break;
	case HC_OP_SYMLINKAT:
		q->n_slots = 3;
		q->slot[1] = (s64)hc_op(req, io_link, new_dfd);
		if (names)
			hc_request_path(q, req, 0, 0, hc_op(req, io_link, oldpath));
		if (names)
			hc_request_path(q, req, 1, 2, hc_op(req, io_link, newpath));
		break;
	default:
		q->n_slots = 6;
		q->slot[0] = q->opcode;
		break;
	}
}

/* The address that a request names. Of a connection the caller's own, which may still change (where the kernel
 * keeps its copy is another matter in each version; what came of it is in the endpoint); of a message the
 * kernel's, which is made at submission since 6.11. */
static __always_inline void hc_request_addr(struct hc_request *q, u64 req)
{
	const bool user = q->opcode == HC_OP_CONNECT;
	u64 n, from;

	if (user) {
		n = (u32)hc_op(req, io_connect, addr_len);
		from = (u64)hc_op(req, io_connect, addr);
	} else {
		if (!bpf_core_type_exists(struct io_bind))
			return; /* came with 6.11 */
		from = (u64)hc_pr((struct io_kiocb *)req, async_data);
		n = (u32)hc_pr((struct io_async_msghdr *)from, msg.msg_namelen);
		from += bpf_core_field_offset(struct io_async_msghdr, addr);
	}
	if (n < 2)
		return;
	if (n >= HC_URING_ADDR)
		n = HC_URING_ADDR - 1;
	hc_mask(n, HC_URING_ADDR - 1);
	if (!(user ? bpf_probe_read_user(q->addr, n, (void *)from)
	           : bpf_probe_read_kernel(q->addr, n, (void *)from)))
		q->addr_bytes = n;
}

static __always_inline u64 hc_user_data(u64 req)
{
	if (bpf_core_field_exists(struct io_kiocb, cqe))
		return hc_pr((struct io_kiocb *)req, cqe.user_data);
	return hc_pr((struct io_kiocb___old *)req, user_data);
}

/* A file of the ring's table. */
static __always_inline u64 hc_ring_file(u64 ring, u32 place)
{
	u64 at = 0, file = 0;

	if (bpf_core_field_exists(struct io_file_table, data)) {
		at = hc_word((u64)hc_pr((struct io_ring_ctx *)ring, file_table.data.nodes) + 8 * (u64)place);
		file = at ? hc_pr((struct io_rsrc_node *)at, file_ptr) : 0;
	} else {
		at = (u64)hc_pr((struct io_ring_ctx___old *)ring, file_table.files);
		file = hc_pr((struct io_fixed_file *)(at + 8 * (u64)place), file_ptr);
	}
	return file & ~7ULL;
}

static __always_inline u64 *hc_uring_entry(u64 ring, u64 user_data)
{
	u32 idx = hc_hash(ring, user_data) & (HC_URING_LAST - 1);

	return bpf_map_lookup_elem(&hc_uring_last, &idx);
}

static __always_inline struct hc_request *hc_request_of(u64 req)
{
	return req ? bpf_map_lookup_elem(&hc_requests, &req) : NULL;
}

/* The youngest of its entry, from now on. `q` is not in the map yet. */
static __always_inline void hc_request_link(struct hc_request *q, u64 req)
{
	u64 *last = hc_uring_entry(q->ring, q->user_data);
	struct hc_request *older;

	if (!last)
		return;
	older = *last != req ? hc_request_of(*last) : NULL;
	if (older) {
		q->older = *last;
		older->newer = req;
	}
	*last = req;
}

static __always_inline void hc_request_drop(struct hc_request *q, u64 req)
{
	u64 newer = q->newer, older = q->older, key = req;
	struct hc_request *other = hc_request_of(newer);
	u64 *last = hc_uring_entry(q->ring, q->user_data);
	bool whole = q->path_bytes[0] >= HC_URING_PATH - 1 || q->path_bytes[1] >= HC_URING_PATH - 1;

	if (other)
		other->older = older;
	else if (last && *last == req)
		*last = older;
	other = hc_request_of(older);
	if (other)
		other->newer = newer;
	bpf_map_delete_elem(&hc_requests, &key);
	if (whole) {
		bpf_map_delete_elem(&hc_long_names, &key);
		key++;
		bpf_map_delete_elem(&hc_long_names, &key);
	}
}

/* Which request a completion is of that tells ring and user_data alone; 0: none that is known. */
static __always_inline u64 hc_request_find(u64 ring, u64 user_data)
{
	u64 *last = hc_uring_entry(ring, user_data), req = last ? *last : 0, found = 0;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < HC_URING_CHAIN; i++) {
		struct hc_request *q = hc_request_of(req);

		/* see README: loops */
		asm volatile("" : "+r"(i));
		if (!q)
			break;
		if (q->ring == ring && q->user_data == user_data)
			found = req;
		req = q->older;
	}
	return found;
}

/* The bucket of user_data in one of the two tables of requests that wait for their file; 0: there is no such
 * table. */
static __always_inline u64 hc_armed_bucket(u64 ring, u64 user_data, const bool locked)
{
	u64 buckets, bits;

	if (locked) {
		if (!bpf_core_field_exists(struct io_ring_ctx___locked, cancel_table_locked))
			return 0;
		buckets = (u64)hc_pr((struct io_ring_ctx___locked *)ring, cancel_table_locked.hbs);
		bits = hc_pr((struct io_ring_ctx___locked *)ring, cancel_table_locked.hash_bits);
	} else {
		if (!bpf_core_field_exists(struct io_ring_ctx, cancel_table))
			return 0;
		buckets = (u64)hc_pr((struct io_ring_ctx *)ring, cancel_table.hbs);
		bits = hc_pr((struct io_ring_ctx *)ring, cancel_table.hash_bits);
	}
	if (!buckets || !bits || bits > 32)
		return 0;
	return buckets + (user_data * HC_GOLDEN_RATIO >> (64 - bits)) * bpf_core_type_size(struct io_hash_bucket) +
	       bpf_core_field_offset(struct io_hash_bucket, list);
}

/* The oldest request of that ring and user_data that waits for its file; 0: none does. */
static __always_inline u64 hc_request_armed(u64 ring, u64 user_data)
{
	u64 found = 0, node = 0, bucket = hc_armed_bucket(ring, user_data, false);
	u64 next = hc_armed_bucket(ring, user_data, true);

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2 * HC_URING_CHAIN; i++) {
		u64 req;

		/* see README: loops */
		asm volatile("" : "+r"(i));
		if (!node) {
			if (found || !bucket)
				break;
			node = (u64)hc_pr((struct hlist_head *)bucket, first);
			bucket = next;
			next = 0;
			continue;
		}
		req = node - bpf_core_field_offset(struct io_kiocb, hash_node);
		if (hc_user_data(req) == user_data)
			found = req;
		node = (u64)hc_pr((struct hlist_node *)node, next);
	}
	return found;
}

/* Puts the request at `req` into the map, and in the scratch; false: it is not recorded. */
static __always_inline bool hc_request_make(struct hc_scratch *s, struct task_struct *task, u64 req,
                                            const bool submitted)
{
	struct hc_request *q = (struct hc_request *)s->data;
	u32 tgid = hc_pr(task, tgid), detail = hc_detail_of(task, tgid);
	u64 op = hc_pr((struct io_kiocb *)req, opcode);
	u16 type = HC_EV_SYS;

	if (op < HC_N_OPS) {
		hc_mask(op, HC_N_OPS - 1);
		type = hc_op_types[op] ? hc_op_types[op] : HC_EV_SYS;
	}
	if (tgid == hc_dials.self_tgid || !hc_type_on_at(detail, type))
		return false;
	if (hc_dials.filters && hc_skipped(task, tgid))
		return false;
	__builtin_memset(q, 0, sizeof(*q) - sizeof(q->path) - sizeof(q->addr));
	q->opcode = op;
	q->type = type;
	q->detail = detail;
	q->user_data = hc_user_data(req);
	q->ring = (u64)hc_pr((struct io_kiocb *)req, ctx);
	q->tid = hc_pr(task, pid);
	q->tgid = tgid;
	q->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	q->exec_id = hc_pr(task, self_exec_id);
	q->cgroup_id = hc_conf.cgroup_v2 ? hc_cgroup_any(task) : 0;
	q->fd = -1;
	q->fd_slot = HC_NO_SLOT;
	q->in_slot = HC_NO_SLOT;
	q->newfd_slot = HC_NO_SLOT;
	q->sock_slot = HC_NO_SLOT;
	q->addr_slot = HC_NO_SLOT;
	q->flags = submitted ? 0 : HC_WIRE_NOENTRY;
	hc_request_parse(q, req, submitted);
	if (submitted && q->addr_slot != HC_NO_SLOT)
		hc_request_addr(q, req);
	if (q->fd_slot != HC_NO_SLOT) {
		u64 flags = hc_pr((struct io_kiocb *)req, flags);
		u64 slot = q->fd_slot;

		q->fixed = flags & HC_REQ_FIXED_FILE ? 1 : 0;
		/* until it is issued, a request has the number where the result will be */
		if (submitted && bpf_core_field_exists(struct io_cqe, fd))
			q->fd = hc_pr((struct io_kiocb *)req, cqe.fd);
		hc_mask(slot, 7);
		q->slot[slot] = q->fixed || q->fd < 0 ? HC_WIRE_ABSENT : (u64)(s64)q->fd;
	}
	if (submitted) {
		q->quiet = hc_pr((struct io_kiocb *)req, flags) & HC_REQ_CQE_SKIP ? 1 : 0;
		if (!q->quiet)
			hc_request_link(q, req);
	}
	bpf_map_update_elem(&hc_requests, &req, q, BPF_ANY);
	return true;
}

/* Is this row one that the type's mode leaves out? It is counted then. */
static __always_inline bool hc_request_sampled(const struct hc_request *q, u32 cpu, u16 mode, u64 file)
{
	/* neither of the two: what is left when a recorder without time for more sheds samples */
	if ((!mode || mode & (HC_WIRE_MODE_FIRST | HC_WIRE_MODE_PEER)) &&
	    (!(mode & HC_WIRE_MODE_FIRST) || !file ||
	     hc_tab_first(HC_TAB_FIRST, hc_hash(hc_hash((u64)q->tgid << 32 | q->exec_id, 1 + q->write),
	                                        hc_hash(file, (u64)hc_pr((struct file *)file, f_inode))))))
		return false;
	hc_count_sampled(cpu, q->type);
	return true;
}

/* The record of a request without the files that it is about. */
static __always_inline void hc_request_record(struct hc_scratch *s, struct task_struct *task, struct hc_request *q,
                                              u64 req, u16 flags, s32 res)
{
	struct hc_wire_uring *w;
	struct hc_wire_head *h;
	u64 *slot, n;
	u8 lane = HC_WIRE_LANE_BULK;

	/* the classes that have the rings which reads and writes cannot fill: capture/src/live_table.c */
	switch (q->type) {
	case HC_EV_CONNECT:
	case HC_EV_SOCKET:
	case HC_EV_BIND:
	case HC_EV_LISTEN:
	case HC_EV_ACCEPT4:
		lane = HC_WIRE_LANE_SECURITY;
		break;
	default:
		break;
	}
	h = hc_begin(s, task, q->type, lane, q->n_slots & 15, HC_WIRE_URING | q->flags | flags, res,
	             HC_NR_IO_URING_ENTER);
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
		struct hc_long_name *whole = NULL;
		u64 key = req + i;
		struct hc_wire_fact *f;
		u8 cut = 0;

		n = q->path_bytes[i];
		if (!n)
			continue;
		f = hc_fact(s);
		if (!f)
			break;
		if (n >= HC_URING_PATH - 1) {
			whole = bpf_map_lookup_elem(&hc_long_names, &key);
			cut = !whole || n >= HC_WIRE_PATH_BYTES - 1 ? HC_WIRE_FF_TRUNC : 0;
		}
		if (whole) {
			hc_mask(n, HC_WIRE_PATH_BYTES - 1);
			bpf_probe_read_kernel(f + 1, n, whole->s);
		} else {
			if (n > HC_URING_PATH - 1)
				n = HC_URING_PATH - 1;
			hc_mask(n, HC_URING_PATH - 1);
			bpf_probe_read_kernel(f + 1, n, q->path[i]);
		}
		hc_fact_end(s, f, HC_WIRE_F_STR, cut, q->path_slot[i], n);
	}
	n = q->addr_bytes;
	if (n) {
		struct hc_wire_fact *f = hc_fact(s);

		hc_mask(n, HC_URING_ADDR - 1);
		if (f && !bpf_probe_read_kernel(f + 1, n, q->addr))
			hc_fact_end(s, f, HC_WIRE_F_ADDR, q->opcode == HC_OP_CONNECT ? HC_WIRE_FF_USER : 0,
			            q->addr_slot, n);
	}
}

/* The row of a request whose success nobody will be told of. */
static __always_inline void hc_request_quiet(struct hc_scratch *s, struct task_struct *task, u32 cpu, u64 req)
{
	struct hc_request *q = hc_request_of(req);
	struct hc_fileinfo info;
	u64 file = 0;
	u16 mode;

	if (!q)
		return;
	mode = hc_mode_at(q->detail, q->type);
	if (q->fd_slot != HC_NO_SLOT)
		file = q->fixed ? hc_ring_file(q->ring, q->fd) : hc_file_of(task, q->fd);
	if (hc_request_sampled(q, cpu, mode, file))
		return;
	hc_request_record(s, task, q, req, HC_WIRE_NORET | (mode ? HC_WIRE_SAMPLED : 0), 0);
	if (file) {
		/* to define it would take a walk: the recorder knows it, or looks for it by its number */
		hc_file_obj(s, task, q->fd_slot, q->fixed ? -1 : q->fd, file, HC_OBJ_NODEF, &info);
		if (q->sock_slot != HC_NO_SLOT) {
			u64 sk = hc_sock_of(&info);

			if (sk)
				hc_sock_fact(s, q->sock_slot, sk, info.ino);
		}
	}
	hc_output(s, cpu);
}

static __always_inline int hc_submitted(struct io_kiocb *req_typed)
{
	struct task_struct *task = hc_current();
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_take(cpu, HC_EV_SYS, HC_WIRE_LANE_BULK);
	u64 req;

	if (!s)
		return 0;
	req = hc_number(s, req_typed);
	if (hc_request_make(s, task, req, true) && ((struct hc_request *)s->data)->quiet)
		hc_request_quiet(s, task, cpu, req);
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

/* The request that a completion is of; NULL: none that is recorded. `*req` may be 0. */
static __always_inline struct hc_request *hc_request_done(struct hc_scratch *s, struct task_struct *task, u64 ring,
                                                          u64 *req, u64 user_data)
{
	struct hc_request *q;

	if (!*req) {
		*req = hc_request_find(ring, user_data);
		if (*req)
			return hc_request_of(*req);
		*req = hc_request_armed(ring, user_data);
		if (!*req)
			return NULL;
	}
	q = hc_request_of(*req);
	/* one that was never heard of again has left its place to another */
	if (q && q->user_data == user_data && q->ring == ring &&
	    q->opcode == hc_pr((struct io_kiocb *)*req, opcode))
		return q;
	return hc_request_make(s, task, *req, false) ? hc_request_of(*req) : NULL;
}

/* Makes the record; false: there is none. */
static __always_inline bool hc_completed(struct hc_scratch *s, u32 cpu, u64 ring, u64 req, u64 user_data, s32 res,
                                         u32 cqe_flags)
{
	const bool named = req != 0;
	struct task_struct *task = hc_current();
	struct hc_request *q;
	struct hc_fileinfo info;
	u64 file = 0, slot;
	u16 mode;

	if (cqe_flags & HC_CQE_NOTIF)
		return false; /* of the buffer that a send without copying has used: the send has been told of */
	q = hc_request_done(s, task, ring, &req, user_data);
	if (!q)
		return false;
	mode = hc_mode_at(q->detail, q->type);
	if (q->fd_slot != HC_NO_SLOT)
		file = (u64)hc_pr((struct io_kiocb *)req, file);
	if (hc_request_sampled(q, cpu, mode, file)) {
		if (named || !(cqe_flags & HC_CQE_MORE))
			hc_request_drop(q, req);
		return false;
	}
	hc_request_record(s, task, q, req, mode ? HC_WIRE_SAMPLED : 0, res);
	s->slot_of.name = q->fd_slot;
	s->slot_of.sock = q->sock_slot;
	s->g.fd = q->fixed ? -1 : q->fd;
	/* after it: what splice reads, or what was made */
	s->slot_of.data = q->in_slot;
	s->g.how = HC_OBJ_USE;
	s->fds[0].fd = q->in_fd;
	s->g.value = 0;
	if (q->newfd_slot != HC_NO_SLOT) {
		slot = q->newfd_slot;
		hc_mask(slot, 7);
		hc_slots(s)[slot] = (s64)res;
		s->slot_of.data = q->newfd_slot;
		s->g.how = HC_OBJ_NEW;
		s->fds[0].fd = q->file_slot ? -1 : res;
		if (res >= 0 && q->file_slot)
			s->g.value = hc_ring_file(q->ring,
			                          q->file_slot == HC_ANY_FILE_SLOT ? (u32)res : q->file_slot - 1);
	}
	if (!s->g.value && s->fds[0].fd >= 0 && s->slot_of.data != HC_NO_SLOT && (u32)hc_pr(task, tgid) == q->tgid)
		s->g.value = hc_file_of(task, s->fds[0].fd);
	if (named || !(cqe_flags & HC_CQE_MORE))
		hc_request_drop(q, req);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2; i++) {
		/* the compiler is not to know `i`: it laid the loop out to go back without a jump, see README */
		asm volatile("" : "+r"(i));
		if (i)
			file = s->g.value;
		if (!file)
			continue;
		hc_file_obj(s, task, i ? s->slot_of.data : s->slot_of.name, i ? s->fds[0].fd : s->g.fd, file,
		            i ? s->g.how : HC_OBJ_USE, &info);
		if (!i && s->slot_of.sock != HC_NO_SLOT) {
			u64 sk = hc_sock_of(&info);

			if (sk)
				hc_sock_fact(s, s->slot_of.sock, sk, info.ino);
		}
	}
	return true;
}

static __always_inline void hc_uring_end(void *ctx, void *next, struct hc_scratch *s, u32 cpu, bool made)
{
	if (made) {
		bpf_tail_call(ctx, next, 0);
		hc_output(s, cpu);
	}
	hc_release(s);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(hc_uring_done, struct io_ring_ctx *ring, void *req, struct io_uring_cqe *cqe)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_take(cpu, HC_EV_SYS, HC_WIRE_LANE_BULK);

	if (s)
		hc_uring_end(ctx, &hc_uring_next, s, cpu,
		             hc_completed(s, cpu, hc_number(s, ring), hc_number(s, req), hc_pr(cqe, user_data),
		                          hc_pr(cqe, res), hc_pr(cqe, flags)));
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
		hc_uring_end(
			ctx, &hc_uring_next, s, cpu,
			hc_completed(s, cpu, hc_number(s, ring), hc_number(s, req), user_data, res, cqe_flags));
	return 0;
}

/* A completion that found the ring full: it waits elsewhere, and no other tracepoint tells of it. */
SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(hc_uring_spill, void *ring, u64 user_data, s32 res, u32 cqe_flags)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_take(cpu, HC_EV_SYS, HC_WIRE_LANE_BULK);

	if (s)
		hc_uring_end(ctx, &hc_spill_next, s, cpu,
		             hc_completed(s, cpu, hc_number(s, ring), 0, user_data, res, cqe_flags));
	return 0;
}

static __always_inline int hc_uring_walks(void *ctx, void *next)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct hc_scratch *s = hc_scratch(cpu);

	if (!s)
		return 0;
	if (hc_walk_run(s, hc_current()))
		bpf_tail_call(ctx, next, 0);
	hc_walk_stop(s);
	hc_output(s, cpu);
	hc_release(s);
	return 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(hc_uring_finish, struct io_ring_ctx *ring, void *req)
{
	return hc_uring_walks(ctx, &hc_uring_next);
}

SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(hc_spill_finish, void *ring)
{
	return hc_uring_walks(ctx, &hc_spill_next);
}

#endif
