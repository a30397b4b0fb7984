/* bpf/core.bpf.h: the few kernel types the programs touch, instead of a generated vmlinux.h.
 *
 * Only names, kinds (struct, int, pointer) and nesting count: libbpf rewrites every offset for the running kernel
 * from its BTF, so a struct here has just the members we read, in any order. Members that moved or were renamed
 * have a flavour (name___what) in compat.bpf.h. The layout holds for 5.8 .. 6.18. */
#ifndef HC_BPF_CORE_H
#define HC_BPF_CORE_H

/* libbpf's bpf_tracing.h then takes pt_regs' members by their kernel names (di, not rdi). */
#define __VMLINUX_H__

#include <linux/bpf.h> /* the UAPI of bpf(2): integer types, map types, helper flags */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

typedef u32 dev_t;
typedef u16 umode_t;
typedef s64 loff_t;
typedef int pid_t;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

/* A struct before 6.3 and after it: eight little-endian bytes either way, always read as a block. */
typedef struct {
} kernel_cap_t;

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip;
	unsigned long sp;
};

struct thread_info {
	unsigned long flags;
	u32 status;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
};

struct pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 orig_x0;
	s32 syscallno;
};

struct thread_info {
	unsigned long flags;
};
#else
#error "hindcast records on x86-64 and arm64"
#endif

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	struct user_namespace *parent;
	int level;
	kuid_t owner;
	struct ns_common ns;
};

struct new_utsname {
	char nodename[65];
};

struct uts_namespace {
	struct new_utsname name;
	struct ns_common ns;
};

struct ipc_namespace {
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct pid_namespace {
	unsigned int level;
	struct ns_common ns;
};

struct net {
	struct ns_common ns;
};

struct time_namespace {
	struct ns_common ns;
};

struct cgroup_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct time_namespace *time_ns;
	struct time_namespace *time_ns_for_children;
	struct cgroup_namespace *cgroup_ns;
};

struct group_info {
	int ngroups;
	kgid_t gid[0];
};

struct cred {
	kuid_t uid; /* uid gid suid sgid euid egid fsuid fsgid lie side by side: one 32-byte read */
	kgid_t gid;
	kuid_t suid;
	kgid_t sgid;
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	kgid_t fsgid;
	unsigned int securebits;
	kernel_cap_t cap_inheritable; /* five in a row */
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_effective;
	kernel_cap_t cap_bset;
	kernel_cap_t cap_ambient;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	struct tty_driver *driver;
	int index;
};

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};

struct task_io_accounting {
	u64 read_bytes;
	u64 write_bytes;
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int is_child_subreaper : 1;
	struct pid *pids[4]; /* PID, TGID, PGID, SID */
	struct tty_struct *tty;
	u64 utime, stime; /* of threads that are gone */
	unsigned long min_flt, maj_flt;
	unsigned long maxrss; /* pages */
	struct task_io_accounting ioac;
	struct rlimit rlim[16];
};

struct kernfs_node {
	const char *name;
	u64 id;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};

enum cgroup_subsys_id {
	memory_cgrp_id = 4,
	pids_cgrp_id = 11,
};

typedef struct {
} sigset_t; /* read as a word */

struct sigpending {
	sigset_t signal;
};

struct seccomp {
	int mode;
};

struct qstr {
	u64 hash_len;
	const unsigned char *name;
};

struct dentry {
	unsigned int d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	dev_t s_dev;
	unsigned long s_flags;
	unsigned long s_magic;
	struct file_system_type *s_type;
};

struct inode {
	umode_t i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	dev_t i_rdev;
	loff_t i_size;
	unsigned int i_generation;
	void *i_private;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
	int mnt_id;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
	const void *f_op;
	void *private_data;
	loff_t f_pos;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	int umask;
	struct path root;
	struct path pwd;
};

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long start_brk, brk, start_stack;
	unsigned long hiwater_rss;
	struct file *exe_file;
	struct user_namespace *user_ns;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	struct file *vm_file;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	struct mm_struct *mm;
	int exit_code;
	int exit_signal;
	unsigned int in_execve : 1;
	unsigned long atomic_flags;
	pid_t pid;
	pid_t tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 utime, stime;
	u64 start_boottime;
	unsigned long min_flt, maj_flt;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	kuid_t loginuid;
	unsigned int sessionid;
	struct seccomp seccomp;
	struct sigpending pending;
	u64 self_exec_id;
	struct task_io_accounting ioac;
	struct css_set *cgroups;
};

struct in6_addr {
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport; /* network order */
	u16 skc_num;   /* host order */
	unsigned short skc_family;
	unsigned char skc_state;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
	u32 sk_priority;
	u32 sk_mark;
	kuid_t sk_uid;
	u16 sk_protocol;
	u16 sk_type;
	struct pid *sk_peer_pid;
	const struct cred *sk_peer_cred;
};

typedef enum {
	SS_FREE,
	SS_UNCONNECTED,
	SS_CONNECTING,
	SS_CONNECTED,
	SS_DISCONNECTING,
} socket_state;

struct socket {
	socket_state state;
	short type;
	struct file *file;
	struct sock *sk;
};

struct inet_sock {
	struct sock sk;
	u32 inet_saddr;
	u16 inet_sport;
};

struct sockaddr_un {
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};

struct netlink_sock {
	struct sock sk;
	u32 portid;
	u32 dst_portid;
	u32 dst_group;
};

struct packet_sock {
	struct sock sk;
	int ifindex;
	u16 num;
};

struct sockaddr_vm {
	unsigned int svm_port;
	unsigned int svm_cid;
};

struct vsock_sock {
	struct sock sk;
	struct sockaddr_vm local_addr;
	struct sockaddr_vm remote_addr;
};

struct kernel_siginfo {
	int si_signo;
	int si_errno;
	int si_code;
};

struct sigaction {
	void *sa_handler;
	unsigned long sa_flags;
};

struct k_sigaction {
	struct sigaction sa;
};

struct linux_binprm {
	unsigned int secureexec : 1;
	struct file *executable;
	struct file *interpreter;
	struct file *file;
	int unsafe;
	int argc, envc;
	const char *filename;
	const char *interp;
};

struct filename {
	const char *name;
};

struct io_cqe {
	u64 user_data;
	s32 res;
	union {
		u32 flags;
		int fd; /* until the request is issued */
	};
};

struct io_uring_cqe {
	u64 user_data;
	s32 res;
	u32 flags;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct io_kiocb {
	struct file *file;
	u8 opcode;
	u64 flags; /* u32 before 6.8: the low bits are those of the submitted request */
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	void *async_data;
	struct hlist_node hash_node;
};

struct io_rsrc_node {
	u64 file_ptr; /* with flags in the low bits */
};

struct io_rsrc_data {
	struct io_rsrc_node **nodes;
};

struct io_file_table {
	struct io_rsrc_data data;
};

struct io_hash_bucket {
	struct hlist_head list;
};

struct io_hash_table {
	struct io_hash_bucket *hbs;
	unsigned int hash_bits;
};

struct io_ring_ctx {
	struct io_file_table file_table;
	struct io_hash_table cancel_table; /* since 6.0 */
};

struct module {
	char name[56];
	const char *version;
	const char *srcversion;
	unsigned long taints;
};

struct selinux_audit_data {
	u32 requested;
	u32 audited;
	u32 denied;
	int result;
};

struct bpf_prog_aux {
	u32 id;
	char name[16];
};

struct bpf_prog {
	enum bpf_prog_type type;
	u8 tag[8];
	struct bpf_prog_aux *aux;
};

struct bpf_map {
	enum bpf_map_type map_type;
	u32 id;
	char name[16];
};

struct bpf_link {
	u32 id;
	enum bpf_link_type type;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

#endif
