/* bpf/obj.bpf.h: facts read from kernel objects: files, descriptors, sockets, credentials, namespaces, tasks.
 *
 * A probe read costs about as much as reading ten words, so neighbouring members are copied in one block and
 * picked out of the copy. Where a kernel has a member elsewhere, hc_blk falls back to a read of its own: the
 * offsets are constants at load time, and the verifier drops the branch not taken. */
#ifndef HC_BPF_OBJ_H
#define HC_BPF_OBJ_H

#include "rec.bpf.h"

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFREG 0100000
#define S_IFDIR 0040000

#define HC_MAGIC_PIPEFS 0x50495045
#define HC_MAGIC_OVERLAY 0x794c7630
#define HC_MAGIC_PIDFS 0x50494446
#define HC_MAGIC_NSFS 0x6e736673

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define AF_VSOCK 40

/* type.member out of `blk`, a copy of HC_BLK bytes from offset `base` of the object at `ptr`. */
#define HC_BLK 128
#define hc_blk(blk, base, ptr, type, member)                                                        \
	({                                                                                          \
		typeof(((struct type *)0)->member) hc_b_;                                           \
		u32 hc_o_ = bpf_core_field_offset(struct type, member);                             \
		if (hc_o_ >= (base) && hc_o_ + sizeof(hc_b_) <= (base) + HC_BLK)                    \
			hc_b_ = *(typeof(hc_b_) *)((blk) + hc_o_ - (base));                         \
		else                                                                                \
			bpf_probe_read_kernel(&hc_b_, sizeof(hc_b_), (void *)((u64)(ptr) + hc_o_)); \
		hc_b_;                                                                              \
	})

/* ---- text ---- */

/* A user string as a STR fact; false when it cannot be read. */
static __always_inline bool hc_str_user(struct hc_scratch *s, u16 subject, u64 ptr, const u32 max)
{
	struct hc_wire_fact *f;
	long n;

	if (!ptr)
		return false;
	f = hc_fact(s);
	if (!f)
		return false;
	n = hc_read_user_str(f + 1, max, (void *)ptr);
	if (n <= 0) {
		/* The page is not here: absent. An empty string has length 1. */
		return false;
	}
	hc_fact_end(s, f, HC_WIRE_F_STR, HC_WIRE_FF_USER | (n == max ? HC_WIRE_FF_TRUNC : 0), subject, n - 1);
	return true;
}

static __always_inline void hc_str_kernel(struct hc_scratch *s, u16 subject, const void *ptr, const u32 max)
{
	struct hc_wire_fact *f;
	long n;

	if (!ptr)
		return;
	f = hc_fact(s);
	if (!f)
		return;
	n = bpf_probe_read_kernel_str(f + 1, max, ptr);
	if (n <= 0)
		return;
	hc_fact_end(s, f, HC_WIRE_F_STR, n == max ? HC_WIRE_FF_TRUNC : 0, subject, n - 1);
}

/* User memory as a fact of `kind` with at most `max` bytes (a power of two), behind a payload head that is there.
 */
static __always_inline void hc_bytes_user(struct hc_scratch *s, u16 subject, u64 ptr, u64 total, u64 offset,
                                          u64 want, const u32 max)
{
	struct hc_wire_fact *f = hc_fact(s);
	struct hc_wire_bytes *b;
	u64 n = want < total ? want : total;
	u8 flags = HC_WIRE_FF_USER;

	if (!f || !ptr)
		return;
	b = (struct hc_wire_bytes *)(f + 1);
	b->total = total;
	b->offset = offset;
	if (n >= max)
		n = max - 1;
	hc_mask(n, max - 1);
	if (n && bpf_probe_read_user(b + 1, n, (void *)ptr)) {
		n = 0;
		flags |= HC_WIRE_FF_FAULT;
	}
	if (n < total)
		flags |= HC_WIRE_FF_TRUNC;
	/* A payload that was cut on purpose is no truncated row. */
	f->kind = HC_WIRE_F_BYTES;
	hc_fact_end(s, f, HC_WIRE_F_BYTES, flags & ~HC_WIRE_FF_TRUNC, subject, sizeof(*b) + n);
	f->flags = flags;
}

static __always_inline void hc_addr_user(struct hc_scratch *s, u16 subject, u64 ptr, u32 len)
{
	struct hc_wire_fact *f;
	u64 n = len;

	if (!ptr || len < 2 || len > HC_WIRE_ADDR_BYTES)
		return;
	f = hc_fact(s);
	if (!f)
		return;
	hc_mask(n, 255);
	if (bpf_probe_read_user(f + 1, n, (void *)ptr))
		return;
	hc_fact_end(s, f, HC_WIRE_F_ADDR, HC_WIRE_FF_USER, subject, n);
}

/* A user's structure of `size` bytes (below 512) as it is. Returns the copy or NULL. */
static __always_inline void *hc_struct_user(struct hc_scratch *s, u16 subject, u64 ptr, u64 size)
{
	struct hc_wire_fact *f = hc_fact(s);

	if (!f || !ptr)
		return NULL;
	hc_mask(size, 511);
	if (bpf_probe_read_user(f + 1, size, (void *)ptr))
		return NULL;
	hc_fact_end(s, f, HC_WIRE_F_STRUCT, HC_WIRE_FF_USER, subject, size);
	return f + 1;
}

/* ---- files ---- */

/* A typed pointer as a number: the verifier forbids arithmetic on it, but forgets its type in a map's memory. */
static __always_inline u64 hc_number_by(u64 *room, const void *p)
{
	*(volatile u64 *)room = (u64)p;
	return *(volatile u64 *)room;
}

static __always_inline u64 hc_number(struct hc_scratch *s, const void *p)
{
	return hc_number_by(&s->number, p);
}

static __always_inline u64 hc_file_of_if(const bool cast, struct task_struct *task, s32 fd)
{
	struct files_struct *files = hc_rd(task, files);
	struct fdtable *fdt = hc_rd(files, fdt);

	if ((u32)fd >= hc_rd(fdt, max_fds))
		return 0;
	return hc_word_if(cast, (u64)hc_rd(fdt, fd) + 8 * (u64)(u32)fd);
}

static __always_inline u64 hc_file_of(struct task_struct *task, s32 fd)
{
	return hc_file_of_if(hc_conf.cast, task, fd);
}

/* Overlay: the inode's upper dentry follows struct inode in struct ovl_inode (a type that is in vmlinux' BTF only
 * when overlay is built in; the place is the same since 4.8). */
static __always_inline u8 hc_layer(u64 inode, u32 magic)
{
	u64 upper = 0;

	if (magic != HC_MAGIC_OVERLAY)
		return HC_WIRE_LAYER_NONE;
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)(inode + bpf_core_type_size(struct inode)));
	return upper ? HC_WIRE_LAYER_UPPER : HC_WIRE_LAYER_LOWER;
}

/* A member of the inode that hc_file_load has looked at: by a load, or out of its copy. */
#define hc_in(s, i, type, member)                                                    \
	({                                                                           \
		typeof(((struct type *)0)->member) hc_y_;                            \
		if (hc_conf.cast)                                                    \
			hc_y_ = ((struct type *)hc_cast(inode, (i)->inode))->member; \
		else                                                                 \
			hc_y_ = hc_blk((s)->inode, 0, (i)->inode, type, member);     \
		hc_y_;                                                               \
	})

struct hc_fileinfo {
	u64 file, inode, dentry, vfsmnt, sb; /* addresses; file 0: there is none */
	u64 ino, pos;
	u64 id; /* hc_file_id */
	u32 mode;
	u32 dev, magic; /* 0 unless asked for: hc_file_super */
	u32 f_mode, f_flags;
	u64 private_data;
};

static __always_inline void hc_file_none(struct hc_fileinfo *i)
{
	__builtin_memset(i, 0, sizeof(*i));
}

/* The inode of an open file, told from others that were at its address before: pipes and sockets have a number of
 * their own each, anonymous files of all kinds share one inode. Not every creation is recorded. */
static __always_inline u64 hc_file_id(u64 inode, u64 ino, u64 f_op)
{
	return (inode ^ f_op) + ino * 0x9e3779b97f4a7c15ULL;
}

static __always_inline u64 hc_file_id_if(const bool cast, u64 file, u64 inode)
{
	return hc_file_id(inode, hc_word_of_if(cast, inode, inode, i_ino), hc_word_of_if(cast, file, file, f_op));
}

/* What everybody needs of a file and its inode. For kernels that can cast pointers. */
static __always_inline void hc_file_cast(u64 address, struct hc_fileinfo *i)
{
	struct file *file = hc_cast_if(true, file, address);
	struct inode *inode;

	i->file = address;
	i->dev = 0;
	i->magic = 0;
	i->f_mode = file->f_mode;
	i->f_flags = file->f_flags;
	i->pos = file->f_pos;
	i->private_data = hc_word_of_if(true, file, address, private_data);
	i->vfsmnt = hc_word_of_if(true, file, address, f_path.mnt);
	i->dentry = hc_word_of_if(true, file, address, f_path.dentry);
	i->inode = hc_word_of_if(true, file, address, f_inode);
	inode = hc_cast_if(true, inode, i->inode);
	i->mode = inode->i_mode;
	i->ino = inode->i_ino;
	i->id = hc_file_id(i->inode, i->ino, hc_word_of_if(true, file, address, f_op));
	i->sb = hc_word_of_if(true, inode, i->inode, i_sb);
}

/* The same for all. */
static __always_inline void hc_file_load(struct hc_scratch *s, u64 address, struct hc_fileinfo *i)
{
	if (hc_conf.cast) {
		hc_file_cast(address, i);
		return;
	}
	i->file = address;
	i->dev = 0;
	i->magic = 0;
	bpf_probe_read_kernel(s->file, HC_BLK, (void *)address);
	i->inode = (u64)hc_blk(s->file, 0, address, file, f_inode);
	i->vfsmnt = (u64)hc_blk(s->file, 0, address, file, f_path.mnt);
	i->dentry = (u64)hc_blk(s->file, 0, address, file, f_path.dentry);
	i->f_mode = hc_blk(s->file, 0, address, file, f_mode);
	i->f_flags = hc_blk(s->file, 0, address, file, f_flags);
	i->pos = hc_blk(s->file, 0, address, file, f_pos);
	i->private_data = (u64)hc_blk(s->file, 0, address, file, private_data);
	bpf_probe_read_kernel(s->inode, HC_BLK, (void *)i->inode);
	i->mode = hc_blk(s->inode, 0, i->inode, inode, i_mode);
	i->ino = hc_blk(s->inode, 0, i->inode, inode, i_ino);
	i->id = hc_file_id(i->inode, i->ino, (u64)hc_blk(s->file, 0, address, file, f_op));
	i->sb = (u64)hc_blk(s->inode, 0, i->inode, inode, i_sb);
}

static __always_inline void hc_file_super(struct hc_fileinfo *i)
{
	struct super_block *sb = hc_cast(super_block, i->sb);

	i->dev = hc_ld(sb, s_dev);
	i->magic = hc_ld(sb, s_magic);
}

static __always_inline void hc_file_times(struct hc_scratch *s, const struct hc_fileinfo *i,
                                          struct hc_wire_file *w)
{
	struct timespec64 t = {};

	if (bpf_core_field_exists(struct inode___sec, i_ctime_sec)) {
		/* bit 31 of the nanoseconds says that the time has been asked for (6.13) */
		w->ctime_ns = hc_in(s, i, inode___sec, i_ctime_sec) * 1000000000 +
		              (hc_in(s, i, inode___sec, i_ctime_nsec) & 0x7fffffff);
		w->mtime_ns = hc_in(s, i, inode___sec, i_mtime_sec) * 1000000000 +
		              (hc_in(s, i, inode___sec, i_mtime_nsec) & 0x7fffffff);
		return;
	}
	if (bpf_core_field_exists(struct inode___uts, __i_ctime))
		bpf_probe_read_kernel(&t, sizeof(t),
		                      (void *)(i->inode + bpf_core_field_offset(struct inode___uts, __i_ctime)));
	else if (bpf_core_field_exists(struct inode___ts, i_ctime))
		bpf_probe_read_kernel(&t, sizeof(t),
		                      (void *)(i->inode + bpf_core_field_offset(struct inode___ts, i_ctime)));
	w->ctime_ns = t.tv_sec * 1000000000 + t.tv_nsec;
	if (bpf_core_field_exists(struct inode___uts, __i_mtime))
		bpf_probe_read_kernel(&t, sizeof(t),
		                      (void *)(i->inode + bpf_core_field_offset(struct inode___uts, __i_mtime)));
	else if (bpf_core_field_exists(struct inode___ts, i_mtime))
		bpf_probe_read_kernel(&t, sizeof(t),
		                      (void *)(i->inode + bpf_core_field_offset(struct inode___ts, i_mtime)));
	w->mtime_ns = t.tv_sec * 1000000000 + t.tv_nsec;
}

/* After hc_file_super. */
static __always_inline void hc_file_fact(struct hc_scratch *s, u16 subject, const struct hc_fileinfo *i)
{
	struct hc_wire_file *w = hc_fact_fixed(s, HC_WIRE_F_FILE, 0, subject, sizeof(*w));
	struct super_block *sb = hc_cast(super_block, i->sb);

	if (!w)
		return;
	w->ino = i->ino;
	w->size = hc_in(s, i, inode, i_size);
	hc_file_times(s, i, w);
	w->dev = i->dev;
	w->rdev = hc_in(s, i, inode, i_rdev);
	w->mode = i->mode;
	w->nlink = hc_in(s, i, inode, i_nlink);
	w->uid = hc_in(s, i, inode, i_uid.val);
	w->gid = hc_in(s, i, inode, i_gid.val);
	w->fs_magic = i->magic;
	w->mnt_flags = 0;
	w->mnt_id = 0;
	if (i->vfsmnt) {
		struct mount *m = hc_cast(mount, i->vfsmnt - bpf_core_field_offset(struct mount, mnt));

		w->mnt_flags = hc_ld(m, mnt.mnt_flags);
		w->mnt_id = hc_ld(m, mnt_id);
	}
	w->sb_flags = hc_ld(sb, s_flags);
	*(u64 *)&w->layer = hc_layer(i->inode, i->magic);
}

/* ---- sockets ---- */

static __always_inline u64 hc_sock_of(const struct hc_fileinfo *i)
{
	struct socket *socket = (struct socket *)i->private_data;

	if ((i->mode & S_IFMT) != S_IFSOCK)
		return 0;
	return (u64)hc_pr(socket, sk);
}

/* Port 53 on either side of an internet socket. */
static __always_inline bool hc_sock_is_dns_if(const bool cast, u64 sk)
{
	struct sock_common *c = hc_cast_if(cast, sock_common, sk); /* the first member */
	u16 family = hc_ld_if(cast, c, skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       (hc_ld_if(cast, c, skc_num) == 53 || hc_ld_if(cast, c, skc_dport) == bpf_htons(53));
}

static __always_inline bool hc_sock_is_dns(u64 sk)
{
	return hc_sock_is_dns_if(hc_conf.cast, sk);
}

static __always_inline u16 hc_sock_family(u64 sk)
{
	return hc_pr(&((struct sock *)sk)->__sk_common, skc_family);
}

/* A member of sock_common: by a load, or out of the copy in `blk`. */
#define hc_sc(cast, blk, k, c, member)                                  \
	({                                                              \
		typeof(((struct sock_common *)0)->member) hc_y_;        \
		if (cast)                                               \
			hc_y_ = (k)->__sk_common.member;                \
		else                                                    \
			hc_y_ = hc_blk(blk, 0, c, sock_common, member); \
		hc_y_;                                                  \
	})

/* Fills `w`; `ino` is the socket's, 0 when unknown. Works in any context. `blk` is HC_BLK bytes of room. */
static __always_inline void hc_sock_fill_if(const bool cast, u8 *blk, struct hc_wire_sock *w, u64 sk, u64 ino)
{
	struct sock *k = hc_cast_if(cast, sock, sk);
	struct socket *socket;
	u64 c = sk; /* sock_common is the first member */
	struct net *net;
	u16 family;

	if (!cast)
		bpf_probe_read_kernel(blk, HC_BLK, (void *)sk);
	family = hc_sc(cast, blk, k, c, skc_family);
	w->key = hc_key(sk);
	w->cookie = hc_sc(cast, blk, k, c, skc_cookie.counter);
	w->ino = ino;
	net = hc_sc(cast, blk, k, c, skc_net.net);
	w->netns = hc_ld_if(cast, net, ns.inum);
	w->family = family;
	w->state = hc_sc(cast, blk, k, c, skc_state);
	w->ifindex = hc_sc(cast, blk, k, c, skc_bound_dev_if);
	w->lport = 0;
	w->rport = 0;
	((u64 *)w->laddr)[0] = 0;
	((u64 *)w->laddr)[1] = 0;
	((u64 *)w->raddr)[0] = 0;
	((u64 *)w->raddr)[1] = 0;
	w->extra[0] = 0;
	w->extra[1] = 0;
	w->extra[2] = 0;
	w->reserved = 0;
	w->sock_state = 0;
	w->priority = hc_ld_if(cast, k, sk_priority);
	w->mark = hc_ld_if(cast, k, sk_mark);
	w->uid = hc_ld_if(cast, k, sk_uid.val);
	w->protocol = hc_ld_if(cast, k, sk_protocol);
	w->type = hc_ld_if(cast, k, sk_type);
	if (family == AF_INET || family == AF_INET6) {
		w->lport = hc_sc(cast, blk, k, c, skc_num);
		w->rport = bpf_ntohs(hc_sc(cast, blk, k, c, skc_dport));
		if (!w->lport) /* given back already, or not looked up yet */
			w->lport = bpf_ntohs(hc_pr((struct inet_sock *)sk, inet_sport));
		if (family == AF_INET) {
			*(u32 *)w->laddr = hc_sc(cast, blk, k, c, skc_rcv_saddr);
			*(u32 *)w->raddr = hc_sc(cast, blk, k, c, skc_daddr);
		} else {
			bpf_probe_read_kernel(
				w->laddr, 16,
				(void *)(sk + bpf_core_field_offset(struct sock_common, skc_v6_rcv_saddr)));
			bpf_probe_read_kernel(
				w->raddr, 16,
				(void *)(sk + bpf_core_field_offset(struct sock_common, skc_v6_daddr)));
		}
		if (w->state == 10) { /* LISTEN: how full the queue is */
			w->extra[0] = hc_ld_if(cast, k, sk_ack_backlog);
			w->extra[1] = hc_ld_if(cast, k, sk_max_ack_backlog);
		}
	} else if (family == AF_NETLINK) {
		struct netlink_sock *n = (struct netlink_sock *)sk;

		w->extra[0] = hc_pr(n, portid);
		w->extra[1] = hc_pr(n, dst_portid);
		w->extra[2] = hc_pr(n, dst_group);
	} else if (family == AF_PACKET) {
		struct packet_sock *p = (struct packet_sock *)sk;

		if (bpf_core_type_exists(struct packet_sock)) {
			w->ifindex = hc_pr(p, ifindex);
			w->extra[0] = bpf_ntohs(hc_pr(p, num));
		}
	} else if (family == AF_VSOCK) {
		struct vsock_sock *v = (struct vsock_sock *)sk;

		if (bpf_core_type_exists(struct vsock_sock)) {
			w->extra[0] = hc_pr(v, local_addr.svm_cid);
			w->extra[1] = hc_pr(v, remote_addr.svm_cid);
			*(u32 *)w->laddr = hc_pr(v, local_addr.svm_port);
			*(u32 *)w->raddr = hc_pr(v, remote_addr.svm_port);
		}
	}
	socket = hc_ld_if(cast, k, sk_socket);
	if (socket)
		w->sock_state = hc_ld_if(cast, socket, state);
}

static __always_inline void hc_sock_fill(u8 *blk, struct hc_wire_sock *w, u64 sk, u64 ino)
{
	hc_sock_fill_if(hc_conf.cast, blk, w, sk, ino);
}

/* The name of a unix socket at `at`; returns its bytes, 0..108. */
static __always_inline u32 hc_unix_name(u8 *at, u64 sk)
{
	struct unix_sock *u = (struct unix_sock *)sk;
	struct unix_address *addr = hc_pr(u, addr);
	u64 len;

	if (!addr)
		return 0;
	len = hc_pr(addr, len);
	if (len <= 2 || len > 2 + 108)
		return 0;
	len -= 2;
	hc_mask(len, 127);
	if (bpf_probe_read_kernel(at, len,
	                          (void *)((u64)addr + bpf_core_field_offset(struct unix_address, name) + 2)))
		return 0;
	if (len && at[0]) { /* a path ends at its NUL; only an abstract name has all its bytes */
		long n = bpf_probe_read_kernel_str(
			at, len, (void *)((u64)addr + bpf_core_field_offset(struct unix_address, name) + 2));

		if (n > 0 && (u64)n <= len && at[(n - 1) & 127] == 0 && (u64)n < len)
			len = n - 1;
		else if (n > 0)
			len = len - 1;
	}
	return len;
}

static __always_inline void hc_unix_fact(struct hc_scratch *s, u16 subject, u64 sk)
{
	struct unix_sock *u = (struct unix_sock *)sk;
	struct hc_wire_fact *f = hc_fact(s);
	struct hc_wire_unix *w;
	const struct cred *cred;
	struct pid *pid;
	u64 peer, n, m = 0;
	u8 *names;

	if (!f)
		return;
	w = (struct hc_wire_unix *)(f + 1);
	names = (u8 *)(w + 1);
	peer = (u64)hc_pr(u, peer);
	w->peer_key = hc_key(peer);
	w->peer_pid = 0;
	w->peer_uid = ~0u;
	w->peer_gid = ~0u;
	pid = hc_pr(&u->sk, sk_peer_pid);
	if (pid)
		w->peer_pid = hc_pr(&pid->numbers[0], nr);
	cred = hc_pr(&u->sk, sk_peer_cred);
	if (cred) {
		w->peer_uid = hc_pr(cred, euid.val);
		w->peer_gid = hc_pr(cred, egid.val);
	}
	n = hc_unix_name(names, sk);
	w->local_bytes = n;
	hc_mask(n, 127);
	if (peer)
		m = hc_unix_name(names + n, peer);
	w->peer_bytes = m;
	hc_fact_end(s, f, HC_WIRE_F_UNIX, 0, subject, sizeof(*w) + n + m);
}

static __always_inline void hc_sock_fact(struct hc_scratch *s, u16 subject, u64 sk, u64 ino)
{
	struct hc_wire_sock *w = hc_fact_fixed(s, HC_WIRE_F_SOCK, 0, subject, sizeof(*w));

	if (!w || !sk)
		return;
	hc_sock_fill(s->sock, w, sk, ino);
	if (w->family == AF_UNIX)
		hc_unix_fact(s, subject, sk);
}

/* ---- descriptors ---- */

/* A tag under which this open file is known to the recorder. `id`: hc_file_id. */
static __always_inline u64 hc_def_tag(u64 file, u64 id, u64 dentry)
{
	return hc_hash(hc_hash(file, id), dentry + hc_dials.reader);
}

/* Under which HC_TAB_FIRST has a process and an open file. Reading (dir 0) and writing (dir 1) differ in one bit,
 * so that both lie in one line of the caches: they are forgotten together. */
#define HC_FIRST_WRITES 2

static __always_inline u64 hc_first_tag_by(u64 *room, struct task_struct *task, u64 file, u64 id, u32 dir)
{
	u64 who = (u64)hc_rd(task, tgid) << 32 | (u32)hc_rd(task, self_exec_id);

	return hc_hash(hc_hash(who, hc_number_by(room, hc_rd(task, cred))), hc_hash(file ^ (dir & ~1u), id)) ^
	       (dir & 1 ? HC_FIRST_WRITES : 0);
}

static __always_inline u64 hc_first_tag(const bool cast, u64 *room, struct task_struct *task, u64 file, u64 inode,
                                        u32 dir)
{
	return hc_first_tag_by(room, task, file, hc_file_id_if(cast, file, inode), dir);
}

/* Under which the small table has a regular file that a process reads or writes through one open file after
 * another, as a server does with its pages: the file by its name and its identity, and the second, so that a row
 * in a second is kept of what may be thousands. 0 for anything else. */
static __always_inline u64 hc_again_tag(const bool cast, u64 *room, struct task_struct *task, u64 file, u64 inode,
                                        u32 dir)
{
	struct inode *i = hc_cast_if(cast, inode, inode);
	u64 dentry, which;

	if ((hc_ld_if(cast, i, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	dentry = hc_word_of_if(cast, file, file, f_path.dentry);
	which = hc_hash(hc_word_of_if(cast, inode, inode, i_ino), hc_ld_if(cast, i, i_generation)) ^
	        hc_word_of_if(cast, dentry, dentry, d_name.hash_len);
	return hc_hash(hc_first_tag_by(room, task, dentry, inode, dir), which + (hc_about_ns() >> 30));
}

/* The two tags of a read (dir 1: write) of an open file. */
struct hc_first_tags {
	u64 file, again; /* again: 0 unless it was needed and there is one */
};

/* Does the small table say that the process has read of the open file (dir 1: written to it), or in this second of
 * that regular file through another? */
static __always_inline bool hc_first_known(const bool cast, u64 *room, struct task_struct *task, u64 file,
                                           u64 inode, u32 dir, struct hc_first_tags *ret)
{
	ret->again = 0;
	ret->file = hc_first_tag(cast, room, task, file, inode, dir);
	if (*hc_near_at(HC_TAB_FIRST, ret->file) == (ret->file | 1))
		return true;
	ret->again = hc_again_tag(cast, room, task, file, inode, dir);
	return ret->again && *hc_near_at(HC_TAB_FIRST, ret->again) == (ret->again | 1);
}

/* Is it the first? It is known then. */
static __always_inline bool hc_first(struct hc_scratch *s, struct task_struct *task, u64 file, u64 inode, u32 dir)
{
	struct hc_first_tags t;

	if (hc_first_known(hc_conf.cast, &s->number, task, file, inode, dir, &t) ||
	    !hc_tab_first(HC_TAB_FIRST, t.file))
		return false;
	if (t.again)
		*hc_near_at(HC_TAB_FIRST, t.again) = t.again | 1;
	return true;
}

/* What HC_TAB_PEER goes by, and what it holds: the last peer of a socket in one direction. Failures have no peer:
 * once per socket. `ino`: the socket's, as another may have been at its address. */
static __always_inline u64 hc_peer_key(u64 sk, u64 ino, bool out, s64 ret)
{
	return hc_hash(sk, ino << 2 | (out ? 1 : 0) | (ret < 0 ? 2 : 0));
}

/* Of the first 32 bytes of its address. */
static __always_inline u64 hc_peer_hash(u64 a, u64 b, u64 c, u64 d)
{
	return hc_hash(hc_hash(a, b), hc_hash(c, d));
}

static __always_inline u64 hc_peer_tag(u64 key, u64 peer, s64 ret)
{
	return hc_hash(key, ret < 0 ? 0 : peer);
}

enum hc_fd_how {
	HC_OBJ_USE,   /* used: defined only when not known */
	HC_OBJ_NEW,   /* created by this call */
	HC_OBJ_NODEF, /* used, and not to be defined here (a fact beside it says all) */
	HC_OBJ_SAME,  /* created, and what it is has been told (told.bpf.h) */
};

static __always_inline u64 hc_info_tag(const struct hc_fileinfo *i)
{
	return hc_def_tag(i->file, i->id, i->dentry);
}

/* A file was opened: whatever was known of its address before is forgotten, and the recorder is being told. */
static __always_inline void hc_obj_begins(u64 *room, struct task_struct *task, const struct hc_fileinfo *i)
{
	u64 tag = hc_first_tag_by(room, task, i->file, i->id, 0);

	hc_tab_first(HC_TAB_DEFS, hc_info_tag(i));
	hc_tab_forget(HC_TAB_FIRST, tag);
	hc_tab_forget(HC_TAB_FIRST, tag ^ HC_FIRST_WRITES);
}

static __always_inline void hc_fd_fill(struct hc_wire_fd *w, s32 fd, u16 flags, u16 place,
                                       const struct hc_fileinfo *i)
{
	w->key = hc_key(i->file);
	w->inode_key = hc_key(i->inode);
	w->ino = i->ino;
	w->pos = i->pos;
	w->dev = i->dev;
	w->f_flags = i->f_flags;
	w->f_mode = i->f_mode;
	w->i_mode = i->mode;
	w->fs_magic = i->magic;
	w->fd = fd;
	w->flags = flags;
	w->place = place;
	w->target = 0;
}

/* The FD fact of the open file in `i` (i->file 0: no such descriptor), and what defines the object when the
 * recorder has not been told. */
static __always_inline void hc_obj_fact(struct hc_scratch *s, struct task_struct *task, u16 subject, s32 fd,
                                        u8 how, struct hc_fileinfo *i)
{
	struct hc_wire_fd *w = hc_fact_fixed(s, HC_WIRE_F_FD, 0, subject, sizeof(*w));
	u16 flags = 0;

	if (!w)
		return;
	if (!i->file) {
		__builtin_memset(w, 0, sizeof(*w));
		w->fd = fd;
		w->flags = HC_WIRE_FD_BAD;
		return;
	}
	if (how == HC_OBJ_NEW || how == HC_OBJ_SAME) {
		flags = HC_WIRE_FD_NEW | (how == HC_OBJ_NEW ? HC_WIRE_FD_DEF : HC_WIRE_FD_SAME);
		hc_obj_begins(&s->number, task, i);
	} else if (how == HC_OBJ_USE && hc_tab_first(HC_TAB_DEFS, hc_info_tag(i))) {
		flags = HC_WIRE_FD_DEF;
	}
	if (flags & HC_WIRE_FD_DEF)
		hc_file_super(i);
	hc_fd_fill(w, fd, flags, flags & HC_WIRE_FD_NEW ? s->told_place : 0, i);
	if (i->magic == HC_MAGIC_NSFS) {
		/* the inode number of a namespace file is the namespace's */
		w->target = i->ino;
	} else if (i->magic == HC_MAGIC_PIDFS) {
		struct pid *pid = (struct pid *)hc_pr((struct inode *)i->inode, i_private);

		w->target = hc_pr(&pid->numbers[0], nr);
	}
	if (flags & HC_WIRE_FD_DEF) {
		u64 n = s->n_tags;

		if (n < HC_N_TAGS) {
			hc_mask(n, HC_N_TAGS - 1);
			s->tags[n] = hc_info_tag(i) & (HC_TAB_SIZE - 1);
			s->n_tags = n + 1;
		}
		if ((i->mode & S_IFMT) == S_IFSOCK) {
			hc_sock_fact(s, subject, hc_sock_of(i), i->ino);
		} else {
			hc_file_fact(s, subject, i);
			if (i->magic != HC_MAGIC_PIPEFS)
				hc_walk_later(s, subject, i->dentry, i->vfsmnt, false);
		}
	}
}

/* The same for a file by its address. `i` is filled. */
static __always_inline void hc_file_obj(struct hc_scratch *s, struct task_struct *task, u16 subject, s32 fd,
                                        u64 file, u8 how, struct hc_fileinfo *i)
{
	hc_file_none(i);
	if (file)
		hc_file_load(s, file, i);
	hc_obj_fact(s, task, subject, fd, how, i);
}

/* The same by number. */
static __always_inline void hc_fd_fact(struct hc_scratch *s, struct task_struct *task, u16 subject, s32 fd, u8 how,
                                       struct hc_fileinfo *i)
{
	hc_file_obj(s, task, subject, fd, hc_file_of(task, fd), how, i);
}

/* ---- credentials, namespaces, tasks ---- */

/* As hc_wire_creds has it. */
static __always_inline u32 hc_dumpable(struct mm_struct *mm)
{
	u64 flags = 0, at = (u64)mm;

	if (bpf_core_field_exists(struct mm_struct___old, flags))
		at += bpf_core_field_offset(struct mm_struct___old, flags);
	else if (bpf_core_field_exists(struct mm_struct___bitmap, flags))
		at += bpf_core_field_offset(struct mm_struct___bitmap, flags);
	else
		return 0;
	if (!mm || bpf_probe_read_kernel(&flags, sizeof(flags), (void *)at))
		return 0;
	return (flags & 3) + 1; /* MMF_DUMPABLE_MASK */
}

static __always_inline void hc_creds_fact(struct hc_scratch *s, u16 subject, struct task_struct *task, bool groups)
{
	struct hc_wire_creds *w = hc_fact_fixed(s, HC_WIRE_F_CREDS, 0, subject, sizeof(*w));
	const struct cred *cred = hc_pr(task, cred);
	struct user_namespace *ns;
	struct group_info *gi;
	u64 n;

	if (!w)
		return;
	w->key = hc_key((u64)cred);
	bpf_probe_read_kernel(&w->uid, 32, (void *)((u64)cred + bpf_core_field_offset(struct cred, uid)));
	bpf_probe_read_kernel(&w->cap_inheritable, 40,
	                      (void *)((u64)cred + bpf_core_field_offset(struct cred, cap_inheritable)));
	w->securebits = hc_pr(cred, securebits);
	ns = hc_pr(cred, user_ns);
	w->userns = hc_pr(ns, ns.inum);
	w->userns_level = hc_pr(ns, level);
	w->userns_owner = hc_pr(ns, owner.val);
	w->dumpable = hc_dumpable(hc_pr(task, mm));
	w->loginuid = ~0u;
	w->session_id = ~0u;
	if (bpf_core_field_exists(struct task_struct, loginuid)) {
		w->loginuid = hc_pr(task, loginuid.val);
		w->session_id = hc_pr(task, sessionid);
	}
	w->seccomp = 0;
	if (bpf_core_field_exists(struct task_struct, seccomp))
		w->seccomp = hc_pr(task, seccomp.mode);
	w->no_new_privs = hc_pr(task, atomic_flags) & 1;
	gi = hc_pr(cred, group_info);
	n = hc_pr(gi, ngroups);
	w->n_groups = n;
	if (groups) {
		struct hc_wire_fact *f = hc_fact(s);
		u8 flags = 0;

		if (!f)
			return;
		if (n > HC_WIRE_MAX_GROUPS) {
			n = HC_WIRE_MAX_GROUPS;
			flags = HC_WIRE_FF_TRUNC;
		}
		n *= 4;
		hc_mask(n, 511);
		if (!bpf_probe_read_kernel(f + 1, n,
		                           (void *)((u64)gi + bpf_core_field_offset(struct group_info, gid))))
			hc_fact_end(s, f, HC_WIRE_F_GROUPS, flags, subject, n);
	}
}

#define hc_inum(proxy, member)                                         \
	({                                                             \
		u32 hc_n_ = 0;                                         \
		typeof((proxy)->member) hc_ns_ = hc_pr(proxy, member); \
		if (hc_ns_)                                            \
			hc_n_ = hc_pr(hc_ns_, ns.inum);                \
		hc_n_;                                                 \
	})

static __always_inline void hc_ns_fact(struct hc_scratch *s, u16 subject, struct task_struct *task)
{
	struct hc_wire_ns *w = hc_fact_fixed(s, HC_WIRE_F_NS, 0, subject, sizeof(*w));
	struct nsproxy *proxy = hc_pr(task, nsproxy);
	struct mm_struct *mm = hc_pr(task, mm);
	struct uts_namespace *uts;
	struct pid_namespace *pidns = NULL;
	struct pid *pid;
	u32 level;

	if (!w)
		return;
	__builtin_memset(w, 0, sizeof(*w));
	if (!proxy)
		return;
	w->mnt = hc_inum(proxy, mnt_ns);
	w->pid_for_children = hc_inum(proxy, pid_ns_for_children);
	w->net = hc_inum(proxy, net_ns);
	w->ipc = hc_inum(proxy, ipc_ns);
	w->uts = hc_inum(proxy, uts_ns);
	if (bpf_core_field_exists(struct nsproxy, cgroup_ns))
		w->cgroup = hc_inum(proxy, cgroup_ns);
	if (bpf_core_field_exists(struct nsproxy, time_ns)) {
		w->time = hc_inum(proxy, time_ns);
		w->time_for_children = hc_inum(proxy, time_ns_for_children);
	}
	pid = hc_pr(task, thread_pid);
	level = hc_pr(pid, level);
	bpf_probe_read_kernel(&pidns, sizeof(pidns),
	                      (void *)((u64)pid + bpf_core_field_offset(struct pid, numbers) +
	                               (u64)(level & 63) * bpf_core_type_size(struct upid) +
	                               bpf_core_field_offset(struct upid, ns)));
	if (pidns)
		w->pid = hc_pr(pidns, ns.inum);
	if (mm)
		w->mm_userns = BPF_CORE_READ(mm, user_ns, ns.inum);
	uts = hc_pr(proxy, uts_ns);
	bpf_probe_read_kernel_str(w->uts_node, 65,
	                          (void *)((u64)uts + bpf_core_field_offset(struct uts_namespace, name.nodename)));
}

/* Number of `pid` at namespace level `level`; 0 when it is of a namespace further out and has none there. */
static __always_inline u32 hc_pid_nr(struct pid *pid, u32 level)
{
	u32 nr = 0;

	if (level > hc_pr(pid, level))
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
	                      (void *)((u64)pid + bpf_core_field_offset(struct pid, numbers) +
	                               (u64)(level & 63) * bpf_core_type_size(struct upid) +
	                               bpf_core_field_offset(struct upid, nr)));
	return nr;
}

static __always_inline struct pid *hc_signal_pid(struct signal_struct *sig, u32 type)
{
	struct pid *pid = NULL;

	bpf_probe_read_kernel(&pid, sizeof(pid),
	                      (void *)((u64)sig + bpf_core_field_offset(struct signal_struct, pids) + 8 * type));
	return pid;
}

#define PF_EXITING 0x4
#define PF_IO_WORKER 0x10
#define PF_FORKNOEXEC 0x40
#define PF_USER_WORKER 0x4000
#define PF_KTHREAD 0x200000

/* Does it take the children of its descendants that end? */
static __always_inline bool hc_subreaper(struct signal_struct *sig)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sig, is_child_subreaper);
}

static __always_inline void hc_task_fact(struct hc_scratch *s, u16 subject, struct task_struct *task)
{
	struct hc_wire_task *w = hc_fact_fixed(s, HC_WIRE_F_TASK, 0, subject, sizeof(*w));
	struct task_struct *leader, *parent;
	struct signal_struct *sig;
	struct tty_struct *tty;
	struct pid *pid, *lpid, *other;
	u32 level, pf;

	if (!w)
		return;
	__builtin_memset(w, 0, sizeof(*w));
	leader = hc_pr(task, group_leader);
	parent = hc_pr(task, real_parent);
	sig = hc_pr(task, signal);
	pf = hc_pr(task, flags);
	w->start_ns = hc_pr(task, start_boottime);
	w->leader_start_ns = hc_pr(leader, start_boottime);
	w->parent_start_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	w->cgroup_id = hc_cgroup_any(task);
	bpf_probe_read_kernel(&w->nofile, 8,
	                      (void *)((u64)sig + bpf_core_field_offset(struct signal_struct, rlim) + 7 * 16));
	w->tid = hc_pr(task, pid);
	w->tgid = hc_pr(task, tgid);
	w->ppid = hc_pr(parent, tgid);
	w->exec_id = hc_pr(task, self_exec_id);
	w->flags = (pf & PF_KTHREAD ? HC_WIRE_TASK_KTHREAD : 0) | (pf & PF_EXITING ? HC_WIRE_TASK_EXITING : 0) |
	           (pf & PF_FORKNOEXEC ? HC_WIRE_TASK_FORKNOEXEC : 0) |
	           (pf & (PF_IO_WORKER | PF_USER_WORKER) ? HC_WIRE_TASK_IO_WORKER : 0) |
	           (w->tid != w->tgid ? HC_WIRE_TASK_THREAD : 0) |
	           (hc_subreaper(sig) ? HC_WIRE_TASK_SUBREAPER : 0) |
	           (hc_subreaper(hc_pr(parent, signal)) ? HC_WIRE_TASK_OF_SUBREAPER : 0);
	w->exit_signal = hc_pr(task, exit_signal);
	tty = hc_pr(sig, tty);
	if (tty) {
		struct tty_driver *drv = hc_pr(tty, driver);

		w->tty_nr = (u32)hc_pr(drv, major) << 20 | ((u32)hc_pr(drv, minor_start) + (u32)hc_pr(tty, index));
	}
	pid = hc_pr(task, thread_pid);
	lpid = hc_pr(leader, thread_pid);
	level = hc_pr(pid, level);
	w->n_levels = level + 1;
	for (u32 n = 0; n < HC_WIRE_MAX_NSPIDS; n++) {
		if (n > level)
			break;
		w->vtid[n] = hc_pid_nr(pid, n);
		w->vpid[n] = hc_pid_nr(lpid, n);
	}
	other = hc_signal_pid(sig, 3);
	w->sid = hc_pid_nr(other, 0);
	w->vsid = hc_pid_nr(other, level);
	other = hc_signal_pid(sig, 2);
	w->pgid = hc_pid_nr(other, 0);
	w->vpgid = hc_pid_nr(other, level);
	bpf_core_read(&w->comm, sizeof(w->comm), &task->comm);
}

static __always_inline void hc_taskref_fill(struct hc_wire_taskref *w, struct task_struct *task)
{
	w->tid = hc_rd(task, pid);
	w->tgid = hc_rd(task, tgid);
	w->leader_start_ns = hc_rd(hc_rd(task, group_leader), start_boottime);
}

#endif
