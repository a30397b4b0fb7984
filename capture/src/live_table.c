/* System calls by number: which type a row gets, which handler makes it, and what each argument is. Arguments
 * stand in the order of store/event_types.def; a number without a line is recorded as type `sys`, six raw
 * registers. */
#include "live_priv.h"

#include <string.h>
#include <sys/syscall.h>

/* Newer than the oldest headers we build with. */
#if defined(__x86_64__) || defined(__aarch64__)
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif
#ifndef __NR_lsm_set_self_attr
#define __NR_lsm_set_self_attr 460
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463
#endif
#ifndef __NR_getxattrat
#define __NR_getxattrat 464
#endif
#ifndef __NR_listxattrat
#define __NR_listxattrat 465
#endif
#ifndef __NR_removexattrat
#define __NR_removexattrat 466
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif
#endif

/* What an argument is: kind, register. */
#define U64(r) (HC_SA_U64 << 4 | (r))
#define U32(r) (HC_SA_U32 << 4 | (r))
#define I32(r) (HC_SA_I32 << 4 | (r))
#define FD(r) (HC_SA_FD << 4 | (r))
#define STR(r) (HC_SA_STR << 4 | (r))
#define PID(r) I32(r)
#define NEWFD (HC_SA_NEWFD << 4 | 6)
#define SAMEFD (HC_SA_SAMEFD << 4 | 6)
#define PI64(r) (HC_SA_PI64 << 4 | (r))
#define PI32(r) (HC_SA_PI32 << 4 | (r))
#define FD0(r) (HC_SA_FD0 << 4 | (r))
#define FD1(r) (HC_SA_FD1 << 4 | (r))
#define BYTES(r) (HC_SA_BYTES << 4 | (r))
#define PAIR(r) (HC_SA_PAIR << 4 | (r))
#define NONE (HC_SA_NONE << 4 | 7)
#define ABSENT (HC_SA_ABSENT << 4 | 7)

#define CREDS HC_SF_CREDS
#define GROUPS (HC_SF_CREDS | HC_SF_GROUPS)
#define NS HC_SF_NS
#define CWD HC_SF_CWD
#define ROOT HC_SF_ROOT
#define TASK HC_SF_TASK

/* `special` of the fatal-signal mode: register of the signal, of the pid (7: a descriptor). */
#define SIGPID(sig, pid) ((sig) | (pid) << 4)

/* `special` of reads and writes. */
#define VEC HC_RW_VEC
#define POS HC_RW_POS
#define FLAGS HC_RW_FLAGS

#define D(EV, H, FACTS, SPECIAL, ...)                                                            \
	{                                                                                        \
		.type = HC_EV_##EV, .handler = HC_H_##H, .facts = (FACTS), .special = (SPECIAL), \
		.arg = { __VA_ARGS__ }                                                           \
	}
#define N(name, ...) [__NR_##name] = D(__VA_ARGS__)

static const struct hc_sys_desc native_table[HC_WIRE_MAX_NR] = {
	N(execve, EXECVE, EXEC, 0, 0, 0),
	N(execveat, EXECVEAT, EXEC, 0, 0, 0),
#ifdef __NR_open
	N(open, OPEN, OPEN, 0, 0, 0),
	N(creat, CREAT, OPEN, 0, 0, 0),
#endif
	N(openat, OPENAT, OPEN, 0, 0, 0),
#ifdef __NR_openat2
	N(openat2, OPENAT2, OPEN, 0, 0, 0),
#endif
	N(open_by_handle_at, OPEN_BY_HANDLE_AT, OPEN, 0, 0, 0),
	N(connect, CONNECT, SOCK, 0, 0, 0),
	N(socket, SOCKET, GEN, 0, 0, U32(0), U32(1), I32(2), NEWFD),
	N(bind, BIND, SOCK, 0, 0, 0),
	N(listen, LISTEN, SOCK, 0, 0, 0),
	N(accept, ACCEPT, SOCK, 0, 0, 0),
	N(accept4, ACCEPT4, SOCK, 0, 0, 0),
	N(sendto, SENDTO, MSG, HC_SF_DIR_OUT, 0, 0),
	N(sendmsg, SENDMSG, MSG, HC_SF_DIR_OUT, 0, 0),
	N(sendmmsg, SENDMMSG, MMSG, HC_SF_DIR_OUT, 0, 0),
	N(recvfrom, RECVFROM, MSG, 0, 0, 0),
	N(recvmsg, RECVMSG, MSG, 0, 0, 0),
	N(recvmmsg, RECVMMSG, MMSG, 0, 0, 0),
	N(ptrace, PTRACE, GEN, 0, 0, I32(0), PID(1), U64(2), U64(3)),
	N(process_vm_writev, PROCESS_VM_WRITEV, STRUCT, 0, 0, 0),
	N(process_vm_readv, PROCESS_VM_READV, STRUCT, 0, 0, 0),
	N(dup, DUP, GEN, 0, 0, FD(0), SAMEFD),
#ifdef __NR_dup2
	N(dup2, DUP2, DUP, 0, 0, 0),
#endif
	N(dup3, DUP3, DUP, 0, 0, 0),
	N(mount, MOUNT, GEN, 0, 0, STR(0), STR(1), STR(2), U64(3), STR(4), ABSENT),
	N(umount2, UMOUNT2, GEN, 0, 0, STR(0), I32(1)),
#ifdef __NR_move_mount
	N(move_mount, MOVE_MOUNT, GEN, 0, 0, FD(0), STR(1), FD(2), STR(3), U32(4)),
#endif
	N(init_module, INIT_MODULE, GEN, 0, 32, U64(1), STR(2), BYTES(0)),
	N(finit_module, FINIT_MODULE, GEN, 0, 0, FD(0), STR(1), I32(2)),
#ifdef __NR_kexec_file_load
	N(kexec_file_load, KEXEC_FILE_LOAD, GEN, 0, 0, FD(0), FD(1), STR(3), U64(4)),
#endif
	N(bpf, BPF, BPF, 0, 0, 0),
	N(perf_event_open, PERF_EVENT_OPEN, PERF, 0, 0, 0),
	N(setuid, SETUID, GEN, CREDS, 0, U32(0), NONE),
	N(setgid, SETGID, GEN, CREDS, 0, U32(0), NONE),
	N(setreuid, SETREUID, GEN, CREDS, 0, U32(0), U32(1), NONE),
	N(setregid, SETREGID, GEN, CREDS, 0, U32(0), U32(1), NONE),
	N(setresuid, SETRESUID, GEN, CREDS, 0, U32(0), U32(1), U32(2), NONE),
	N(setresgid, SETRESGID, GEN, CREDS, 0, U32(0), U32(1), U32(2), NONE),
	N(setfsuid, SETFSUID, GEN, CREDS, 0, U32(0), NONE),
	N(setfsgid, SETFSGID, GEN, CREDS, 0, U32(0), NONE),
	N(setgroups, SETGROUPS, STRUCT, GROUPS, 0, 0),
	N(capset, CAPSET, STRUCT, CREDS, 0, 0),
	N(prctl, PRCTL, STRUCT, CREDS | TASK, 0, 0),
	N(unshare, UNSHARE, GEN, CREDS | NS | CWD | ROOT, 0, U32(0), NONE),
	N(setns, SETNS, GEN, CREDS | NS | CWD | ROOT, 0, FD(0), U32(1), NONE),
#if defined(__x86_64__)
	N(clone, CLONE, GEN, 0, 0, U64(0), U64(1), U64(2), U64(3), U64(4)),
#else
	N(clone, CLONE, GEN, 0, 0, U64(0), U64(1), U64(2), U64(4), U64(3)),
#endif
#ifdef __NR_fork
	N(fork, FORK, GEN, 0, 0, 0),
	N(vfork, VFORK, GEN, 0, 0, 0),
#endif
#ifdef __NR_clone3
	N(clone3, CLONE3, STRUCT, 0, 0, 0),
#endif
	N(chdir, CHDIR, GEN, CWD, 0, STR(0), NONE),
	N(fchdir, FCHDIR, GEN, CWD, 0, FD(0), NONE),
	N(chroot, CHROOT, GEN, CWD | ROOT, 0, STR(0), NONE),
	N(pivot_root, PIVOT_ROOT, GEN, CWD | ROOT, 0, STR(0), STR(1), NONE),
	N(setsid, SETSID, GEN, TASK, 0, NONE),
	N(setpgid, SETPGID, GEN, TASK, 0, PID(0), I32(1), NONE),
#ifdef __NR_unlink
	N(unlink, UNLINK, GEN, 0, 0, STR(0), NONE),
	N(rmdir, RMDIR, GEN, 0, 0, STR(0)),
	N(rename, RENAME, GEN, 0, 0, STR(0), STR(1), NONE),
	N(link, LINK, GEN, 0, 0, STR(0), STR(1), NONE),
	N(symlink, SYMLINK, GEN, 0, 0, STR(0), STR(1)),
	N(mkdir, MKDIR, GEN, 0, 0, STR(0), U32(1), NONE),
	N(mknod, MKNOD, GEN, 0, 0, STR(0), U32(1), U32(2), NONE),
	N(chmod, CHMOD, GEN, 0, 0, STR(0), U32(1), NONE),
	N(chown, CHOWN, GEN, 0, 0, STR(0), U32(1), U32(2), NONE),
	N(lchown, LCHOWN, GEN, 0, 0, STR(0), U32(1), U32(2), NONE),
#endif
	N(unlinkat, UNLINKAT, GEN, 0, 0, FD(0), STR(1), I32(2), NONE),
#ifdef __NR_renameat
	N(renameat, RENAMEAT, GEN, 0, 0, FD(0), STR(1), FD(2), STR(3), NONE),
#endif
	N(renameat2, RENAMEAT2, GEN, 0, 0, FD(0), STR(1), FD(2), STR(3), U32(4), NONE),
	N(linkat, LINKAT, GEN, 0, 0, FD(0), STR(1), FD(2), STR(3), I32(4), NONE),
	N(symlinkat, SYMLINKAT, GEN, 0, 0, STR(0), FD(1), STR(2)),
	N(mkdirat, MKDIRAT, GEN, 0, 0, FD(0), STR(1), U32(2), NONE),
	N(mknodat, MKNODAT, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3), NONE),
	N(fchmod, FCHMOD, GEN, 0, 0, FD(0), U32(1)),
	N(fchmodat, FCHMODAT, GEN, 0, 0, FD(0), STR(1), U32(2), NONE, NONE),
	N(fchmodat2, FCHMODAT2, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3), NONE),
	N(fchown, FCHOWN, GEN, 0, 0, FD(0), U32(1), U32(2)),
	N(fchownat, FCHOWNAT, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3), I32(4), NONE),
	N(truncate, TRUNCATE, GEN, 0, 0, STR(0), U64(1), NONE),
	N(ftruncate, FTRUNCATE, GEN, 0, 0, FD(0), U64(1)),
	N(mmap, MMAP, MAP, 0, 0, 0),
	N(mprotect, MPROTECT, MAP, 0, 0, 0),
	N(pkey_mprotect, PKEY_MPROTECT, MAP, 0, 0, 0),
	N(shmat, SHMAT, GEN, 0, 0, I32(0), U64(1), I32(2)),
	N(read, READ, RW, 0, 0, 0),
	N(pread64, PREAD64, RW, 0, POS, 0),
	N(readv, READV, RW, 0, VEC, 0),
	N(preadv, PREADV, RW, 0, VEC | POS, 0),
	N(preadv2, PREADV2, RW, 0, VEC | POS | FLAGS, 0),
	N(write, WRITE, RW, HC_SF_DIR_OUT, 0, 0),
	N(pwrite64, PWRITE64, RW, HC_SF_DIR_OUT, POS, 0),
	N(writev, WRITEV, RW, HC_SF_DIR_OUT, VEC, 0),
	N(pwritev, PWRITEV, RW, HC_SF_DIR_OUT, VEC | POS, 0),
	N(pwritev2, PWRITEV2, RW, HC_SF_DIR_OUT, VEC | POS | FLAGS, 0),
#ifdef __NR_getdents
	N(getdents, GETDENTS, GEN, 0, 0, FD(0), U32(2)),
#endif
	N(getdents64, GETDENTS64, GEN, 0, 0, FD(0), U32(2)),
	N(sendfile, SENDFILE, GEN, 0, 1 << 0, FD(0), FD(1), PI64(2), U64(3)),
	N(splice, SPLICE, GEN, 0, 1 << 2, FD(0), PI64(1), FD(2), PI64(3), U64(4), U32(5)),
	N(copy_file_range, COPY_FILE_RANGE, GEN, 0, 1 << 2, FD(0), PI64(1), FD(2), PI64(3), U64(4), U32(5)),
	N(fallocate, FALLOCATE, GEN, 0, 1 << 0, FD(0), I32(1), U64(2), U64(3)),
	N(userfaultfd, USERFAULTFD, GEN, 0, 0, U32(0), NEWFD),
	N(memfd_create, MEMFD_CREATE, GEN, 0, 0, STR(0), U32(1), NEWFD),
	N(delete_module, DELETE_MODULE, GEN, 0, 0, STR(0), U32(1)),
	N(kexec_load, KEXEC_LOAD, GEN, 0, 0, U64(0), U64(1), U64(3)),
	N(clock_settime, CLOCK_SETTIME, STRUCT, 0, 0, 0),
	N(settimeofday, SETTIMEOFDAY, STRUCT, 0, 0, 0),
	N(kill, KILL, GEN, 0, SIGPID(1, 0), PID(0), I32(1)),
	N(tkill, TKILL, GEN, 0, SIGPID(1, 0), PID(0), I32(1)),
	N(tgkill, TGKILL, GEN, 0, SIGPID(2, 0), PID(0), I32(1), I32(2)),
	N(rt_sigqueueinfo, RT_SIGQUEUEINFO, GEN, 0, SIGPID(1, 0), PID(0), I32(1)),
	N(rt_tgsigqueueinfo, RT_TGSIGQUEUEINFO, GEN, 0, SIGPID(2, 0), PID(0), I32(1), I32(2)),
#ifdef __NR_pidfd_send_signal
	N(pidfd_send_signal, PIDFD_SEND_SIGNAL, GEN, 0, SIGPID(1, 7), FD(0), I32(1)),
#endif
	N(fanotify_mark, FANOTIFY_MARK, GEN, 0, 0, FD(0), U32(1), U64(2), FD(3), STR(4)),
	N(inotify_add_watch, INOTIFY_ADD_WATCH, GEN, 0, 0, FD(0), STR(1), U32(2)),
	N(setsockopt, SETSOCKOPT, GEN, 0, 64, FD(0), I32(1), I32(2), BYTES(3)),
	N(shutdown, SHUTDOWN, GEN, 0, 0, FD(0), I32(1)),
	N(socketpair, SOCKETPAIR, GEN, 0, 0, U32(0), U32(1), I32(2), FD0(3), FD1(3)),
#ifdef __NR_pipe
	N(pipe, PIPE, GEN, 0, 0, FD0(0), FD1(0)),
#endif
	N(pipe2, PIPE2, GEN, 0, 0, U32(1), FD0(0), FD1(0)),
	N(close, CLOSE, GEN, 0, 0, I32(0)),
#ifdef __NR_close_range
	N(close_range, CLOSE_RANGE, GEN, 0, 0, U32(0), U32(1), U32(2)),
#endif
	N(fcntl, FCNTL, GEN, 0, 0, FD(0), I32(1), U64(2)),
	N(lseek, LSEEK, GEN, 0, 0, FD(0), U64(1), I32(2)),
	N(keyctl, KEYCTL, STRUCT, CREDS, 0, 0),
	N(setrlimit, SETRLIMIT, STRUCT, TASK, 0, 0),
	N(prlimit64, PRLIMIT64, STRUCT, TASK, 2, 0),
	N(personality, PERSONALITY, GEN, 0, 0, U32(0)),
	N(syslog, SYSLOG, GEN, 0, 0, I32(0), I32(2)),
#ifdef __NR_stat
	N(stat, STAT, GEN, 0, 0, STR(0)),
	N(lstat, LSTAT, GEN, 0, 0, STR(0)),
	N(access, ACCESS, GEN, 0, 0, STR(0), U32(1)),
	N(readlink, READLINK, GEN, 0, 0, STR(0), U32(2)),
	N(poll, POLL, GEN, 0, 0, U32(1), I32(2)),
	N(epoll_wait, EPOLL_WAIT, GEN, 0, 0, FD(0), I32(2), I32(3)),
#endif
	N(fstat, FSTAT, GEN, 0, 0, FD(0)),
	N(newfstatat, NEWFSTATAT, GEN, 0, 0, FD(0), STR(1), U32(3)),
	N(statx, STATX, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3)),
	N(faccessat, FACCESSAT, GEN, 0, 0, FD(0), STR(1), U32(2)),
#ifdef __NR_faccessat2
	N(faccessat2, FACCESSAT2, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3)),
#endif
	N(readlinkat, READLINKAT, GEN, 0, 0, FD(0), STR(1), U32(3)),
	N(statfs, STATFS, GEN, 0, 0, STR(0)),
	N(fstatfs, FSTATFS, GEN, 0, 0, FD(0)),
	N(munmap, MUNMAP, GEN, 0, 0, U64(0), U64(1)),
	N(brk, BRK, GEN, 0, 0, U64(0)),
	N(ioctl, IOCTL, ATTR, 0, 0, 0),
	N(futex, FUTEX, GEN, 0, 0, U64(0), U32(1), U32(2)),
	N(epoll_pwait, EPOLL_PWAIT, GEN, 0, 0, FD(0), I32(2), I32(3)),
	N(epoll_ctl, EPOLL_CTL, GEN, 0, 0, FD(0), I32(1), FD(2)),
	N(epoll_create1, EPOLL_CREATE1, GEN, 0, 0, U32(0), NEWFD),
	N(eventfd2, EVENTFD2, GEN, 0, 0, U32(0), U32(1), NEWFD),
#ifdef __NR_epoll_create
	N(epoll_create, EPOLL_CREATE, GEN, 0, 0, I32(0), NEWFD),
	N(eventfd, EVENTFD, GEN, 0, 0, U32(0), NONE, NEWFD),
	N(signalfd, SIGNALFD, GEN, 0, 0, FD(0), PI64(1), NONE, NEWFD),
	N(inotify_init, INOTIFY_INIT, GEN, 0, 0, NONE, NEWFD),
#endif
#ifdef __NR_getrlimit
	N(getrlimit, GETRLIMIT, STRUCT, 0, 0, 0),
#endif
	N(signalfd4, SIGNALFD4, GEN, 0, 0, U32(3), FD(0), PI64(1), NEWFD),
	N(timerfd_create, TIMERFD_CREATE, GEN, 0, 0, U32(0), U32(1), NEWFD),
	N(inotify_init1, INOTIFY_INIT1, GEN, 0, 0, U32(0), NEWFD),
#ifdef __NR_io_uring_setup
	N(io_uring_setup, IO_URING_SETUP, STRUCT, 0, 0, 0),
	N(io_uring_enter, IO_URING_ENTER, GEN, 0, 0, FD(0), U32(1), U32(2), U32(3), U64(4)),
	N(io_uring_register, IO_URING_REGISTER, GEN, 0, 0, FD(0), U32(1), U64(2), U32(3)),
#endif
#ifdef __NR_fsconfig
	N(fsconfig, FSCONFIG, STRUCT, 0, 0, 0),
#endif
#ifdef __NR_pidfd_open
	N(pidfd_open, PIDFD_OPEN, GEN, 0, 0, PID(0), U32(1), NEWFD),
#endif
#ifdef __NR_pidfd_getfd /* the second number is another process's */
	N(pidfd_getfd, PIDFD_GETFD, GEN, 0, 0, FD(0), I32(1), U32(2), NEWFD),
#endif
#ifdef __NR_select
	N(select, SELECT, GEN, 0, 0, 0),
#endif
	N(getuid, GETUID, GEN, 0, 0, 0),
	N(geteuid, GETEUID, GEN, 0, 0, 0),
	N(getgid, GETGID, GEN, 0, 0, 0),
	N(getegid, GETEGID, GEN, 0, 0, 0),
	N(ppoll, PPOLL, STRUCT, 0, 0, 0),
	N(nanosleep, NANOSLEEP, STRUCT, 0, 0, 0),
	N(seccomp, SECCOMP, STRUCT, CREDS, 0, 0),
	N(semget, SEMGET, GEN, 0, 0, I32(0), I32(1), U32(2)),
	N(semop, SEMOP, STRUCT, 0, 0, 0),
	N(semctl, SEMCTL, STRUCT, 0, 0, 0),
	N(mlock, MLOCK, GEN, 0, 0, U64(0), U64(1)),
	N(mlock2, MLOCK2, GEN, 0, 0, U64(0), U64(1), U32(2)),
	N(munlock, MUNLOCK, GEN, 0, 0, U64(0), U64(1)),
	N(mlockall, MLOCKALL, GEN, 0, 0, U32(0)),
	N(munlockall, MUNLOCKALL, GEN, 0, 0, NONE),
	N(getresuid, GETRESUID, STRUCT, 0, 0, 0),
	N(getresgid, GETRESGID, STRUCT, 0, 0, 0),
	N(getsockopt, GETSOCKOPT, GEN, 0, 0, FD(0), I32(1), I32(2)),
	N(getsockname, GETSOCKNAME, GEN, 0, 0, FD(0)),
	N(getpeername, GETPEERNAME, GEN, 0, 0, FD(0)),
	N(wait4, WAIT4, ATTR, 0, 0, 0),
	N(rt_sigaction, RT_SIGACTION, ATTR, 0, 0, 0),
	N(rt_sigprocmask, RT_SIGPROCMASK, GEN, 0, 0, I32(0)),
	N(fsync, FSYNC, GEN, 0, 0, FD(0)),
	N(flock, FLOCK, GEN, 0, 0, FD(0), I32(1)),
	N(madvise, MADVISE, GEN, 0, 0, U64(0), U64(1), I32(2)),
	N(setxattr, SETXATTR, GEN, 0, 0, STR(0), STR(1), BYTES(2), U32(4), NONE),
	N(lsetxattr, LSETXATTR, GEN, 0, 0, STR(0), STR(1), BYTES(2), U32(4), NONE),
	N(fsetxattr, FSETXATTR, GEN, 0, 0, FD(0), STR(1), BYTES(2), U32(4)),
	N(setxattrat, SETXATTRAT, ATTR, 0, 0, 0),
	N(removexattr, REMOVEXATTR, GEN, 0, 0, STR(0), STR(1), NONE),
	N(lremovexattr, LREMOVEXATTR, GEN, 0, 0, STR(0), STR(1), NONE),
	N(fremovexattr, FREMOVEXATTR, GEN, 0, 0, FD(0), STR(1)),
	N(removexattrat, REMOVEXATTRAT, GEN, 0, 0, FD(0), STR(1), U32(2), STR(3), NONE),
	N(utimensat, UTIMENSAT, ATTR, 0, 0, 0),
	N(fsopen, FSOPEN, GEN, 0, 0, STR(0), U32(1), NEWFD),
	N(fsmount, FSMOUNT, GEN, 0, 0, FD(0), U32(1), U32(2), NEWFD),
	N(fspick, FSPICK, GEN, 0, 0, FD(0), STR(1), U32(2), NEWFD),
	N(open_tree, OPEN_TREE, GEN, 0, 0, FD(0), STR(1), U32(2), NEWFD),
	N(open_tree_attr, OPEN_TREE_ATTR, ATTR, 0, 0, 0),
	N(mount_setattr, MOUNT_SETATTR, ATTR, 0, 0, 0),
	N(reboot, REBOOT, GEN, 0, 0, U32(2)),
	N(sethostname, SETHOSTNAME, ATTR, NS, 0, 0),
	N(setdomainname, SETDOMAINNAME, ATTR, 0, 0, 0),
	N(swapon, SWAPON, GEN, 0, 0, STR(0), U32(1)),
	N(swapoff, SWAPOFF, GEN, 0, 0, STR(0)),
	N(acct, ACCT, GEN, 0, 0, STR(0)),
	N(adjtimex, ADJTIMEX, ATTR, 0, 0, 0),
	N(clock_adjtime, CLOCK_ADJTIME, ATTR, 0, 0, 0),
	N(landlock_create_ruleset, LANDLOCK_CREATE_RULESET, ATTR, 0, 0, 0),
	N(landlock_add_rule, LANDLOCK_ADD_RULE, ATTR, 0, 0, 0),
	N(landlock_restrict_self, LANDLOCK_RESTRICT_SELF, GEN, 0, 0, FD(0), U32(1)),
	N(lsm_set_self_attr, LSM_SET_SELF_ATTR, ATTR, 0, 0, 0),
	N(add_key, ADD_KEY, GEN, 0, 0, STR(0), STR(1), U64(3), I32(4)),
	N(request_key, REQUEST_KEY, GEN, 0, 0, STR(0), STR(1), STR(2), I32(3)),
	N(fanotify_init, FANOTIFY_INIT, GEN, 0, 0, U32(0), U32(1), NEWFD),
	N(memfd_secret, MEMFD_SECRET, GEN, 0, 0, U32(0), NEWFD),
	N(getxattr, GETXATTR, GEN, 0, 0, STR(0), STR(1), U64(3)),
	N(lgetxattr, LGETXATTR, GEN, 0, 0, STR(0), STR(1), U64(3)),
	N(fgetxattr, FGETXATTR, GEN, 0, 0, FD(0), STR(1), U64(3)),
	N(getxattrat, GETXATTRAT, GEN, 0, 0, FD(0), STR(1), U32(2), STR(3)),
	N(listxattr, LISTXATTR, GEN, 0, 0, STR(0), U64(2)),
	N(llistxattr, LLISTXATTR, GEN, 0, 0, STR(0), U64(2)),
	N(flistxattr, FLISTXATTR, GEN, 0, 0, FD(0), U64(2)),
	N(listxattrat, LISTXATTRAT, GEN, 0, 0, FD(0), STR(1), U32(2), U64(4)),
	N(name_to_handle_at, NAME_TO_HANDLE_AT, GEN, 0, 0, FD(0), STR(1), U32(4)),
	N(mq_open, MQ_OPEN, GEN, 0, 0, STR(0), U32(1), U32(2), NEWFD),
	N(mq_unlink, MQ_UNLINK, GEN, 0, 0, STR(0)),
	N(fdatasync, FDATASYNC, GEN, 0, 0, FD(0)),
	N(inotify_rm_watch, INOTIFY_RM_WATCH, GEN, 0, 0, FD(0), I32(1)),
	N(tee, TEE, GEN, 0, 0, FD(0), FD(1), U64(2), U32(3)),
	N(vmsplice, VMSPLICE, GEN, 0, 0, FD(0), U64(2), U32(3)),
	N(timerfd_settime, TIMERFD_SETTIME, GEN, 0, 0, FD(0), U32(1)),
	N(kcmp, KCMP, GEN, 0, 0, PID(0), PID(1), I32(2), U64(3), U64(4)),
	N(process_madvise, PROCESS_MADVISE, GEN, 0, 0, FD(0), U64(2), I32(3), U32(4)),
	N(process_mrelease, PROCESS_MRELEASE, GEN, 0, 0, FD(0), U32(1)),
	N(setpriority, SETPRIORITY, GEN, 0, 0, I32(0), I32(1), I32(2)),
	N(sched_setscheduler, SCHED_SETSCHEDULER, GEN, 0, 0, PID(0), I32(1)),
	N(sched_setparam, SCHED_SETPARAM, GEN, 0, 0, PID(0)),
	N(sched_setattr, SCHED_SETATTR, GEN, 0, 0, PID(0), U32(2)),
	N(sched_setaffinity, SCHED_SETAFFINITY, GEN, 0, 0, PID(0), U32(1)),
	N(ioprio_set, IOPRIO_SET, GEN, 0, 0, I32(0), I32(1), U32(2)),
	N(waitid, WAITID, GEN, 0, 0, I32(0), I32(1), U32(3)),
	N(quotactl_fd, QUOTACTL_FD, GEN, 0, 0, FD(0), U32(1), U32(2)),
#ifdef __NR_utime
	N(futimesat, FUTIMESAT, ATTR, 0, 0, 0),
	N(utimes, UTIMES, ATTR, 0, 0, 0),
	N(utime, UTIME, ATTR, 0, 0, 0),
	N(uselib, USELIB, GEN, 0, 0, STR(0)),
#endif
#ifdef __NR_arch_prctl
	N(arch_prctl, ARCH_PRCTL, ATTR, 0, 0, 0),
	N(modify_ldt, MODIFY_LDT, GEN, 0, 0, I32(0), U64(2)),
	N(iopl, IOPL, GEN, 0, 0, U32(0)),
	N(ioperm, IOPERM, GEN, 0, 0, U64(0), U64(1), I32(2)),
#endif
};

#if defined(__x86_64__)
/* The i386 table. Offsets of 64 bits take two registers; the *16 calls take 16-bit ids, for which -1 is 0xffff. */
static const struct hc_sys_desc compat_table[HC_WIRE_MAX_NR] = {
	[2] = D(FORK, GEN, 0, 0, 0),
	[3] = D(READ, RW, 0, 0, 0),
	[4] = D(WRITE, RW, HC_SF_DIR_OUT, 0, 0),
	[5] = D(OPEN, OPEN, 0, 0, 0),
	[6] = D(CLOSE, GEN, 0, 0, I32(0)),
	[8] = D(CREAT, OPEN, 0, 0, 0),
	[9] = D(LINK, GEN, 0, 0, STR(0), STR(1), NONE),
	[10] = D(UNLINK, GEN, 0, 0, STR(0), NONE),
	[11] = D(EXECVE, EXEC, 0, 0, 0),
	[12] = D(CHDIR, GEN, CWD, 0, STR(0), NONE),
	[14] = D(MKNOD, GEN, 0, 0, STR(0), U32(1), U32(2), NONE),
	[15] = D(CHMOD, GEN, 0, 0, STR(0), U32(1), NONE),
	[16] = D(LCHOWN, GEN, 0, 0, STR(0), U32(1), U32(2), NONE),
	[19] = D(LSEEK, GEN, 0, 0, FD(0), I32(1), I32(2)),
	[21] = D(MOUNT, GEN, 0, 0, STR(0), STR(1), STR(2), U32(3), STR(4), ABSENT),
	[22] = D(UMOUNT2, GEN, 0, 0, STR(0), NONE),
	[23] = D(SETUID, GEN, CREDS, 0, U32(0), NONE),
	[26] = D(PTRACE, GEN, 0, 0, I32(0), PID(1), U32(2), U32(3)),
	[37] = D(KILL, GEN, 0, SIGPID(1, 0), PID(0), I32(1)),
	[38] = D(RENAME, GEN, 0, 0, STR(0), STR(1), NONE),
	[39] = D(MKDIR, GEN, 0, 0, STR(0), U32(1), NONE),
	[40] = D(RMDIR, GEN, 0, 0, STR(0)),
	[41] = D(DUP, GEN, 0, 0, FD(0), SAMEFD),
	[42] = D(PIPE, GEN, 0, 0, FD0(0), FD1(0)),
	[46] = D(SETGID, GEN, CREDS, 0, U32(0), NONE),
	[52] = D(UMOUNT2, GEN, 0, 0, STR(0), I32(1)),
	[55] = D(FCNTL, GEN, 0, 0, FD(0), I32(1), U32(2)),
	[57] = D(SETPGID, GEN, TASK, 0, PID(0), I32(1), NONE),
	[61] = D(CHROOT, GEN, CWD | ROOT, 0, STR(0), NONE),
	[63] = D(DUP2, DUP, 0, 0, 0),
	[66] = D(SETSID, GEN, TASK, 0, NONE),
	[70] = D(SETREUID, GEN, CREDS, 0, U32(0), U32(1), NONE),
	[71] = D(SETREGID, GEN, CREDS, 0, U32(0), U32(1), NONE),
	[75] = D(SETRLIMIT, STRUCT, TASK, 0, 0),
	[79] = D(SETTIMEOFDAY, STRUCT, 0, 0, 0),
	[81] = D(SETGROUPS, STRUCT, GROUPS, 16, 0),
	[83] = D(SYMLINK, GEN, 0, 0, STR(0), STR(1)),
	[90] = D(MMAP, MAP, 0, 1, 0),
	[92] = D(TRUNCATE, GEN, 0, 0, STR(0), I32(1), NONE),
	[93] = D(FTRUNCATE, GEN, 0, 0, FD(0), I32(1)),
	[94] = D(FCHMOD, GEN, 0, 0, FD(0), U32(1)),
	[95] = D(FCHOWN, GEN, 0, 0, FD(0), U32(1), U32(2)),
	[102] = D(SYS, MUX, 0, 0, 0), /* socketcall */
	[103] = D(SYSLOG, GEN, 0, 0, I32(0), I32(2)),
	[117] = D(SYS, MUX, 0, 1, 0), /* ipc */
	[120] = D(CLONE, GEN, 0, 0, U32(0), U32(1), U32(2), U32(4), U32(3)),
	[125] = D(MPROTECT, MAP, 0, 0, 0),
	[128] = D(INIT_MODULE, GEN, 0, 32, U32(1), STR(2), BYTES(0)),
	[129] = D(DELETE_MODULE, GEN, 0, 0, STR(0), U32(1)),
	[133] = D(FCHDIR, GEN, CWD, 0, FD(0), NONE),
	[136] = D(PERSONALITY, GEN, 0, 0, U32(0)),
	[138] = D(SETFSUID, GEN, CREDS, 0, U32(0), NONE),
	[139] = D(SETFSGID, GEN, CREDS, 0, U32(0), NONE),
	[141] = D(GETDENTS, GEN, 0, 0, FD(0), U32(2)),
	[145] = D(READV, RW, 0, VEC, 0),
	[146] = D(WRITEV, RW, HC_SF_DIR_OUT, VEC, 0),
	[164] = D(SETRESUID, GEN, CREDS, 0, U32(0), U32(1), U32(2), NONE),
	[170] = D(SETRESGID, GEN, CREDS, 0, U32(0), U32(1), U32(2), NONE),
	[172] = D(PRCTL, STRUCT, CREDS | TASK, 0, 0),
	[178] = D(RT_SIGQUEUEINFO, GEN, 0, SIGPID(1, 0), PID(0), I32(1)),
	[180] = D(PREAD64, RW, 0, POS, 0),
	[181] = D(PWRITE64, RW, HC_SF_DIR_OUT, POS, 0),
	[182] = D(CHOWN, GEN, 0, 0, STR(0), U32(1), U32(2), NONE),
	[185] = D(CAPSET, STRUCT, CREDS, 0, 0),
	[187] = D(SENDFILE, GEN, 0, 1 << 0, FD(0), FD(1), PI32(2), U32(3)),
	[190] = D(VFORK, GEN, 0, 0, 0),
	[192] = D(MMAP, MAP, 0, 2, 0),
	[193] = D(TRUNCATE, GEN, 0, 0, STR(0), PAIR(1), NONE),
	[194] = D(FTRUNCATE, GEN, 0, 0, FD(0), PAIR(1)),
	[198] = D(LCHOWN, GEN, 0, 0, STR(0), U32(1), U32(2), NONE),
	[203] = D(SETREUID, GEN, CREDS, 0, U32(0), U32(1), NONE),
	[204] = D(SETREGID, GEN, CREDS, 0, U32(0), U32(1), NONE),
	[206] = D(SETGROUPS, STRUCT, GROUPS, 32, 0),
	[207] = D(FCHOWN, GEN, 0, 0, FD(0), U32(1), U32(2)),
	[208] = D(SETRESUID, GEN, CREDS, 0, U32(0), U32(1), U32(2), NONE),
	[210] = D(SETRESGID, GEN, CREDS, 0, U32(0), U32(1), U32(2), NONE),
	[212] = D(CHOWN, GEN, 0, 0, STR(0), U32(1), U32(2), NONE),
	[213] = D(SETUID, GEN, CREDS, 0, U32(0), NONE),
	[214] = D(SETGID, GEN, CREDS, 0, U32(0), NONE),
	[215] = D(SETFSUID, GEN, CREDS, 0, U32(0), NONE),
	[216] = D(SETFSGID, GEN, CREDS, 0, U32(0), NONE),
	[217] = D(PIVOT_ROOT, GEN, CWD | ROOT, 0, STR(0), STR(1), NONE),
	[220] = D(GETDENTS64, GEN, 0, 0, FD(0), U32(2)),
	[221] = D(FCNTL, GEN, 0, 0, FD(0), I32(1), U32(2)),
	[238] = D(TKILL, GEN, 0, SIGPID(1, 0), PID(0), I32(1)),
	[239] = D(SENDFILE, GEN, 0, 1 << 0, FD(0), FD(1), PI64(2), U32(3)),
	[264] = D(CLOCK_SETTIME, STRUCT, 0, 32, 0),
	[270] = D(TGKILL, GEN, 0, SIGPID(2, 0), PID(0), I32(1), I32(2)),
	[283] = D(KEXEC_LOAD, GEN, 0, 0, U32(0), U32(1), U32(3)),
	[288] = D(KEYCTL, STRUCT, CREDS, 0, 0),
	[292] = D(INOTIFY_ADD_WATCH, GEN, 0, 0, FD(0), STR(1), U32(2)),
	[295] = D(OPENAT, OPEN, 0, 0, 0),
	[296] = D(MKDIRAT, GEN, 0, 0, FD(0), STR(1), U32(2), NONE),
	[297] = D(MKNODAT, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3), NONE),
	[298] = D(FCHOWNAT, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3), I32(4), NONE),
	[301] = D(UNLINKAT, GEN, 0, 0, FD(0), STR(1), I32(2), NONE),
	[302] = D(RENAMEAT, GEN, 0, 0, FD(0), STR(1), FD(2), STR(3), NONE),
	[303] = D(LINKAT, GEN, 0, 0, FD(0), STR(1), FD(2), STR(3), I32(4), NONE),
	[304] = D(SYMLINKAT, GEN, 0, 0, STR(0), FD(1), STR(2)),
	[306] = D(FCHMODAT, GEN, 0, 0, FD(0), STR(1), U32(2), NONE, NONE),
	[310] = D(UNSHARE, GEN, CREDS | NS | CWD | ROOT, 0, U32(0), NONE),
	[313] = D(SPLICE, GEN, 0, 1 << 2, FD(0), PI64(1), FD(2), PI64(3), U32(4), U32(5)),
	[324] = D(FALLOCATE, GEN, 0, 1 << 0, FD(0), I32(1), PAIR(2), PAIR(4)),
	[330] = D(DUP3, DUP, 0, 0, 0),
	[331] = D(PIPE2, GEN, 0, 0, U32(1), FD0(0), FD1(0)),
	[333] = D(PREADV, RW, 0, VEC | POS, 0),
	[334] = D(PWRITEV, RW, HC_SF_DIR_OUT, VEC | POS, 0),
	[335] = D(RT_TGSIGQUEUEINFO, GEN, 0, SIGPID(2, 0), PID(0), I32(1), I32(2)),
	[336] = D(PERF_EVENT_OPEN, PERF, 0, 0, 0),
	[337] = D(RECVMMSG, MMSG, 0, 0, 0),
	[339] = D(FANOTIFY_MARK, GEN, 0, 0, FD(0), U32(1), PAIR(2), FD(4), STR(5)),
	[340] = D(PRLIMIT64, STRUCT, TASK, 2, 0),
	[342] = D(OPEN_BY_HANDLE_AT, OPEN, 0, 0, 0),
	[345] = D(SENDMMSG, MMSG, HC_SF_DIR_OUT, 0, 0),
	[346] = D(SETNS, GEN, CREDS | NS | CWD | ROOT, 0, FD(0), U32(1), NONE),
	[347] = D(PROCESS_VM_READV, STRUCT, 0, 0, 0),
	[348] = D(PROCESS_VM_WRITEV, STRUCT, 0, 0, 0),
	[350] = D(FINIT_MODULE, GEN, 0, 0, FD(0), STR(1), I32(2)),
	[353] = D(RENAMEAT2, GEN, 0, 0, FD(0), STR(1), FD(2), STR(3), U32(4), NONE),
	[356] = D(MEMFD_CREATE, GEN, 0, 0, STR(0), U32(1), NEWFD),
	[357] = D(BPF, BPF, 0, 0, 0),
	[358] = D(EXECVEAT, EXEC, 0, 0, 0),
	[359] = D(SOCKET, GEN, 0, 0, U32(0), U32(1), I32(2), NEWFD),
	[360] = D(SOCKETPAIR, GEN, 0, 0, U32(0), U32(1), I32(2), FD0(3), FD1(3)),
	[361] = D(BIND, SOCK, 0, 0, 0),
	[362] = D(CONNECT, SOCK, 0, 0, 0),
	[363] = D(LISTEN, SOCK, 0, 0, 0),
	[364] = D(ACCEPT4, SOCK, 0, 0, 0),
	[366] = D(SETSOCKOPT, GEN, 0, 64, FD(0), I32(1), I32(2), BYTES(3)),
	[369] = D(SENDTO, MSG, HC_SF_DIR_OUT, 0, 0),
	[370] = D(SENDMSG, MSG, HC_SF_DIR_OUT, 0, 0),
	[371] = D(RECVFROM, MSG, 0, 0, 0),
	[372] = D(RECVMSG, MSG, 0, 0, 0),
	[373] = D(SHUTDOWN, GEN, 0, 0, FD(0), I32(1)),
	[374] = D(USERFAULTFD, GEN, 0, 0, U32(0), NEWFD),
	[377] = D(COPY_FILE_RANGE, GEN, 0, 1 << 2, FD(0), PI64(1), FD(2), PI64(3), U32(4), U32(5)),
	[378] = D(PREADV2, RW, 0, VEC | POS | FLAGS, 0),
	[379] = D(PWRITEV2, RW, HC_SF_DIR_OUT, VEC | POS | FLAGS, 0),
	[380] = D(PKEY_MPROTECT, MAP, 0, 0, 0),
	[397] = D(SHMAT, GEN, 0, 0, I32(0), U32(1), I32(2)),
	[404] = D(CLOCK_SETTIME, STRUCT, 0, 64, 0),
	[417] = D(RECVMMSG, MMSG, 0, 0, 0),
	[424] = D(PIDFD_SEND_SIGNAL, GEN, 0, SIGPID(1, 7), FD(0), I32(1)),
	[429] = D(MOVE_MOUNT, GEN, 0, 0, FD(0), STR(1), FD(2), STR(3), U32(4)),
	[435] = D(CLONE3, STRUCT, 0, 0, 0),
	[436] = D(CLOSE_RANGE, GEN, 0, 0, U32(0), U32(1), U32(2)),
	[437] = D(OPENAT2, OPEN, 0, 0, 0),
	[33] = D(ACCESS, GEN, 0, 0, STR(0), U32(1)),
	[45] = D(BRK, GEN, 0, 0, U32(0)),
	[54] = D(IOCTL, ATTR, 0, 0, 0),
	[85] = D(READLINK, GEN, 0, 0, STR(0), U32(2)),
	[91] = D(MUNMAP, GEN, 0, 0, U32(0), U32(1)),
	[99] = D(STATFS, GEN, 0, 0, STR(0)),
	[100] = D(FSTATFS, GEN, 0, 0, FD(0)),
	[106] = D(STAT, GEN, 0, 0, STR(0)),
	[107] = D(LSTAT, GEN, 0, 0, STR(0)),
	[108] = D(FSTAT, GEN, 0, 0, FD(0)),
	[114] = D(WAIT4, ATTR, 0, 0, 0),
	[118] = D(FSYNC, GEN, 0, 0, FD(0)),
	[143] = D(FLOCK, GEN, 0, 0, FD(0), I32(1)),
	[168] = D(POLL, GEN, 0, 0, U32(1), I32(2)),
	[174] = D(RT_SIGACTION, ATTR, 0, 0, 0),
	[175] = D(RT_SIGPROCMASK, GEN, 0, 0, I32(0)),
	[195] = D(STAT, GEN, 0, 0, STR(0)),  /* stat64 */
	[196] = D(LSTAT, GEN, 0, 0, STR(0)), /* lstat64 */
	[197] = D(FSTAT, GEN, 0, 0, FD(0)),  /* fstat64 */
	[219] = D(MADVISE, GEN, 0, 0, U32(0), U32(1), I32(2)),
	[240] = D(FUTEX, GEN, 0, 0, U32(0), U32(1), U32(2)),
	[255] = D(EPOLL_CTL, GEN, 0, 0, FD(0), I32(1), FD(2)),
	[256] = D(EPOLL_WAIT, GEN, 0, 0, FD(0), I32(2), I32(3)),
	[268] = D(STATFS, GEN, 0, 0, STR(0)),                    /* statfs64 */
	[269] = D(FSTATFS, GEN, 0, 0, FD(0)),                    /* fstatfs64 */
	[300] = D(NEWFSTATAT, GEN, 0, 0, FD(0), STR(1), U32(3)), /* fstatat64 */
	[305] = D(READLINKAT, GEN, 0, 0, FD(0), STR(1), U32(3)),
	[307] = D(FACCESSAT, GEN, 0, 0, FD(0), STR(1), U32(2)),
	[319] = D(EPOLL_PWAIT, GEN, 0, 0, FD(0), I32(2), I32(3)),
	[328] = D(EVENTFD2, GEN, 0, 0, U32(0), U32(1), NEWFD),
	[329] = D(EPOLL_CREATE1, GEN, 0, 0, U32(0), NEWFD),
	[254] = D(EPOLL_CREATE, GEN, 0, 0, I32(0), NEWFD),
	[323] = D(EVENTFD, GEN, 0, 0, U32(0), NONE, NEWFD),
	[321] = D(SIGNALFD, GEN, 0, 0, FD(0), PI64(1), NONE, NEWFD),
	[327] = D(SIGNALFD4, GEN, 0, 0, U32(3), FD(0), PI64(1), NEWFD),
	[322] = D(TIMERFD_CREATE, GEN, 0, 0, U32(0), U32(1), NEWFD),
	[291] = D(INOTIFY_INIT, GEN, 0, 0, NONE, NEWFD),
	[332] = D(INOTIFY_INIT1, GEN, 0, 0, U32(0), NEWFD),
	[425] = D(IO_URING_SETUP, STRUCT, 0, 0, 0),
	[426] = D(IO_URING_ENTER, GEN, 0, 0, FD(0), U32(1), U32(2), U32(3), U32(4)),
	[427] = D(IO_URING_REGISTER, GEN, 0, 0, FD(0), U32(1), U32(2), U32(3)),
	[431] = D(FSCONFIG, STRUCT, 0, 0, 0),
	[434] = D(PIDFD_OPEN, GEN, 0, 0, PID(0), U32(1), NEWFD),
	[438] = D(PIDFD_GETFD, GEN, 0, 0, FD(0), I32(1), U32(2), NEWFD),
	[24] = D(GETUID, GEN, 0, 0, 0),
	[47] = D(GETGID, GEN, 0, 0, 0),
	[49] = D(GETEUID, GEN, 0, 0, 0),
	[50] = D(GETEGID, GEN, 0, 0, 0),
	[76] = D(GETRLIMIT, STRUCT, 0, 0, 0),
	[191] = D(GETRLIMIT, STRUCT, 0, 0, 0),
	[165] = D(GETRESUID, STRUCT, 0, 16, 0),
	[171] = D(GETRESGID, STRUCT, 0, 16, 0),
	[82] = D(SELECT, GEN, 0, 0, 0),
	[142] = D(SELECT, GEN, 0, 0, 0),
	[199] = D(GETUID, GEN, 0, 0, 0),
	[201] = D(GETEUID, GEN, 0, 0, 0),
	[200] = D(GETGID, GEN, 0, 0, 0),
	[202] = D(GETEGID, GEN, 0, 0, 0),
	[309] = D(PPOLL, STRUCT, 0, 0, 0),
	[162] = D(NANOSLEEP, STRUCT, 0, 0, 0),
	[354] = D(SECCOMP, STRUCT, CREDS, 0, 0),
	[150] = D(MLOCK, GEN, 0, 0, U32(0), U32(1)),
	[376] = D(MLOCK2, GEN, 0, 0, U32(0), U32(1), U32(2)),
	[151] = D(MUNLOCK, GEN, 0, 0, U32(0), U32(1)),
	[152] = D(MLOCKALL, GEN, 0, 0, U32(0)),
	[153] = D(MUNLOCKALL, GEN, 0, 0, NONE),
	[209] = D(GETRESUID, STRUCT, 0, 0, 0),
	[211] = D(GETRESGID, STRUCT, 0, 0, 0),
	[393] = D(SEMGET, GEN, 0, 0, I32(0), I32(1), U32(2)),
	[394] = D(SEMCTL, STRUCT, 0, 0, 0),
	[365] = D(GETSOCKOPT, GEN, 0, 0, FD(0), I32(1), I32(2)),
	[367] = D(GETSOCKNAME, GEN, 0, 0, FD(0)),
	[368] = D(GETPEERNAME, GEN, 0, 0, FD(0)),
	[383] = D(STATX, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3)),
	[422] = D(FUTEX, GEN, 0, 0, U32(0), U32(1), U32(2)), /* futex_time64 */
	[439] = D(FACCESSAT2, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3)),
	[452] = D(FCHMODAT2, GEN, 0, 0, FD(0), STR(1), U32(2), U32(3), NONE),
	[30] = D(UTIME, ATTR, 0, 0, 0),
	[51] = D(ACCT, GEN, 0, 0, STR(0)),
	[74] = D(SETHOSTNAME, ATTR, NS, 0, 0),
	[86] = D(USELIB, GEN, 0, 0, STR(0)),
	[87] = D(SWAPON, GEN, 0, 0, STR(0), U32(1)),
	[88] = D(REBOOT, GEN, 0, 0, U32(2)),
	[97] = D(SETPRIORITY, GEN, 0, 0, I32(0), I32(1), I32(2)),
	[101] = D(IOPERM, GEN, 0, 0, U32(0), U32(1), I32(2)),
	[110] = D(IOPL, GEN, 0, 0, U32(0)),
	[115] = D(SWAPOFF, GEN, 0, 0, STR(0)),
	[121] = D(SETDOMAINNAME, ATTR, 0, 0, 0),
	[123] = D(MODIFY_LDT, GEN, 0, 0, I32(0), U32(2)),
	[124] = D(ADJTIMEX, ATTR, 0, 32, 0),
	[148] = D(FDATASYNC, GEN, 0, 0, FD(0)),
	[154] = D(SCHED_SETPARAM, GEN, 0, 0, PID(0)),
	[156] = D(SCHED_SETSCHEDULER, GEN, 0, 0, PID(0), I32(1)),
	[226] = D(SETXATTR, GEN, 0, 0, STR(0), STR(1), BYTES(2), U32(4), NONE),
	[227] = D(LSETXATTR, GEN, 0, 0, STR(0), STR(1), BYTES(2), U32(4), NONE),
	[228] = D(FSETXATTR, GEN, 0, 0, FD(0), STR(1), BYTES(2), U32(4)),
	[229] = D(GETXATTR, GEN, 0, 0, STR(0), STR(1), U32(3)),
	[230] = D(LGETXATTR, GEN, 0, 0, STR(0), STR(1), U32(3)),
	[231] = D(FGETXATTR, GEN, 0, 0, FD(0), STR(1), U32(3)),
	[232] = D(LISTXATTR, GEN, 0, 0, STR(0), U32(2)),
	[233] = D(LLISTXATTR, GEN, 0, 0, STR(0), U32(2)),
	[234] = D(FLISTXATTR, GEN, 0, 0, FD(0), U32(2)),
	[235] = D(REMOVEXATTR, GEN, 0, 0, STR(0), STR(1), NONE),
	[236] = D(LREMOVEXATTR, GEN, 0, 0, STR(0), STR(1), NONE),
	[237] = D(FREMOVEXATTR, GEN, 0, 0, FD(0), STR(1)),
	[241] = D(SCHED_SETAFFINITY, GEN, 0, 0, PID(0), U32(1)),
	[271] = D(UTIMES, ATTR, 0, 0, 0),
	[277] = D(MQ_OPEN, GEN, 0, 0, STR(0), U32(1), U32(2), NEWFD),
	[278] = D(MQ_UNLINK, GEN, 0, 0, STR(0)),
	[284] = D(WAITID, GEN, 0, 0, I32(0), I32(1), U32(3)),
	[286] = D(ADD_KEY, GEN, 0, 0, STR(0), STR(1), U32(3), I32(4)),
	[287] = D(REQUEST_KEY, GEN, 0, 0, STR(0), STR(1), STR(2), I32(3)),
	[289] = D(IOPRIO_SET, GEN, 0, 0, I32(0), I32(1), U32(2)),
	[293] = D(INOTIFY_RM_WATCH, GEN, 0, 0, FD(0), I32(1)),
	[299] = D(FUTIMESAT, ATTR, 0, 0, 0),
	[315] = D(TEE, GEN, 0, 0, FD(0), FD(1), U32(2), U32(3)),
	[316] = D(VMSPLICE, GEN, 0, 0, FD(0), U32(2), U32(3)),
	[320] = D(UTIMENSAT, ATTR, 0, 32, 0),
	[325] = D(TIMERFD_SETTIME, GEN, 0, 0, FD(0), U32(1)),
	[338] = D(FANOTIFY_INIT, GEN, 0, 0, U32(0), U32(1), NEWFD),
	[341] = D(NAME_TO_HANDLE_AT, GEN, 0, 0, FD(0), STR(1), U32(4)),
	[343] = D(CLOCK_ADJTIME, ATTR, 0, 32, 0),
	[349] = D(KCMP, GEN, 0, 0, PID(0), PID(1), I32(2), U32(3), U32(4)),
	[351] = D(SCHED_SETATTR, GEN, 0, 0, PID(0), U32(2)),
	[384] = D(ARCH_PRCTL, ATTR, 0, 0, 0),
	[405] = D(CLOCK_ADJTIME, ATTR, 0, 0, 0),
	[411] = D(TIMERFD_SETTIME, GEN, 0, 0, FD(0), U32(1)),
	[412] = D(UTIMENSAT, ATTR, 0, 0, 0),
	[428] = D(OPEN_TREE, GEN, 0, 0, FD(0), STR(1), U32(2), NEWFD),
	[430] = D(FSOPEN, GEN, 0, 0, STR(0), U32(1), NEWFD),
	[432] = D(FSMOUNT, GEN, 0, 0, FD(0), U32(1), U32(2), NEWFD),
	[433] = D(FSPICK, GEN, 0, 0, FD(0), STR(1), U32(2), NEWFD),
	[440] = D(PROCESS_MADVISE, GEN, 0, 0, FD(0), U32(2), I32(3), U32(4)),
	[442] = D(MOUNT_SETATTR, ATTR, 0, 0, 0),
	[443] = D(QUOTACTL_FD, GEN, 0, 0, FD(0), U32(1), U32(2)),
	[444] = D(LANDLOCK_CREATE_RULESET, ATTR, 0, 0, 0),
	[445] = D(LANDLOCK_ADD_RULE, ATTR, 0, 0, 0),
	[446] = D(LANDLOCK_RESTRICT_SELF, GEN, 0, 0, FD(0), U32(1)),
	[447] = D(MEMFD_SECRET, GEN, 0, 0, U32(0), NEWFD),
	[448] = D(PROCESS_MRELEASE, GEN, 0, 0, FD(0), U32(1)),
	[460] = D(LSM_SET_SELF_ATTR, ATTR, 0, 0, 0),
	[463] = D(SETXATTRAT, ATTR, 0, 0, 0),
	[464] = D(GETXATTRAT, GEN, 0, 0, FD(0), STR(1), U32(2), STR(3)),
	[465] = D(LISTXATTRAT, GEN, 0, 0, FD(0), STR(1), U32(2), U32(4)),
	[466] = D(REMOVEXATTRAT, GEN, 0, 0, FD(0), STR(1), U32(2), STR(3), NONE),
	[467] = D(OPEN_TREE_ATTR, ATTR, 0, 0, 0),
};
#else
/* 32-bit calls on arm64 are recorded by number, as type sys. */
static const struct hc_sys_desc compat_table[HC_WIRE_MAX_NR];
#endif

enum hc_wire_lane hc_live_lane(unsigned type)
{
	const struct hc_table_desc *d = hc_event_desc(type);

	if (d && (d->cls == HC_CLASS_PROC || d->cls == HC_CLASS_CRED || d->cls == HC_CLASS_KERNEL ||
	          d->cls == HC_CLASS_CTR || (d->cls == HC_CLASS_NET && d->profile != HC_PROFILE_FULL)))
		return HC_WIRE_LANE_SECURITY;
	return HC_WIRE_LANE_BULK;
}

/* Which short way (bpf/brief.bpf.h) a native call has. */
static uint8_t brief_of(const struct hc_sys_desc *d)
{
	bool named = false;

	if (d->lane != HC_WIRE_LANE_BULK)
		return 0;
	if (d->handler == HC_H_RW && !(d->special & HC_RW_FLAGS))
		return HC_BRIEF_RW;
	if (d->type == HC_EV_SENDTO || d->type == HC_EV_RECVFROM)
		return HC_BRIEF_MSG;
	if (d->handler != HC_H_GEN || d->facts)
		return 0;
	for (unsigned i = 0; i < d->n_slots; i++) {
		switch (d->arg[i] >> 4) {
		case HC_SA_NONE:
		case HC_SA_U64:
		case HC_SA_U32:
		case HC_SA_I32:
			break;
		case HC_SA_FD:
			if ((d->arg[i] & 7) != i || named || !(i == 0 || (i == 2 && d->arg[0] >> 4 == HC_SA_FD)))
				return 0;
			break;
		case HC_SA_STR: /* one, the first argument or behind a descriptor */
			if ((d->arg[i] & 7) != i || !(i == 0 || (i == 1 && d->arg[0] >> 4 == HC_SA_FD)))
				return 0;
			named = true;
			break;
		default:
			return 0;
		}
	}
	if (named)
		return d->n_slots <= 5 ? HC_BRIEF_NAME : 0;
	return d->n_slots <= 3 ? HC_BRIEF_GEN : 0;
}

static void complete(struct hc_sys_desc *table)
{
	for (unsigned nr = 0; nr < HC_WIRE_MAX_NR; nr++) {
		struct hc_sys_desc *d = &table[nr];
		const struct hc_table_desc *t;

		if (!d->type) {
			d->type = HC_EV_SYS;
			d->handler = HC_H_REGS;
		}
		t = hc_event_desc(d->type);
		d->n_slots = t ? (uint8_t)t->n_wire : 6;
		d->lane = (uint8_t)hc_live_lane(d->type);
	}
}

void hc_live_table(struct hc_sys_desc native[HC_WIRE_MAX_NR], struct hc_sys_desc compat[HC_WIRE_MAX_NR])
{
	memcpy(native, native_table, sizeof(native_table));
	memcpy(compat, compat_table, sizeof(compat_table));
	complete(native);
	complete(compat);
	for (unsigned nr = 0; nr < HC_WIRE_MAX_NR; nr++)
		native[nr].brief = brief_of(&native[nr]);
}
