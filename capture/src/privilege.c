/*
 * Capabilities by libcap, the filter by libseccomp. The order matters: the capabilities first, as far as they are
 * needed to give up others (CAP_SETPCAP for the bounding set), then no_new_privs, which a filter needs, then the
 * filter, which refuses all of this from then on.
 */
#include "capture/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

#define BIT(n) (UINT64_C(1) << (n))

__attribute__((format(printf, 2, 3))) static void say(struct hc_privilege *p, const char *fmt, ...)
{
	va_list ap;

	if (p->n_lines == HC_PRIVILEGE_LINES)
		return;
	va_start(ap, fmt);
	vsnprintf(p->line[p->n_lines++], sizeof(p->line[0]), fmt, ap);
	va_end(ap);
}

/* ---- capabilities ---- */

static uint64_t caps_now(cap_flag_t flag)
{
	cap_t c = cap_get_proc();
	uint64_t bits = 0;

	for (int n = 0; c && n < 64 && CAP_IS_SUPPORTED(n); n++) {
		cap_flag_value_t on = CAP_CLEAR;

		if (cap_get_flag(c, n, flag, &on) == 0 && on == CAP_SET)
			bits |= BIT(n);
	}
	if (c)
		cap_free(c);
	return bits;
}

static int set_bits(cap_t c, cap_flag_t flag, uint64_t bits)
{
	int r = 0;

	for (cap_value_t n = 0; n < 64 && r == 0; n++)
		if (bits & BIT(n))
			r = cap_set_flag(c, flag, 1, &n, CAP_SET);
	return r;
}

/* Nothing is inheritable. */
static int caps_set(uint64_t permitted, uint64_t effective)
{
	cap_t c = cap_init();
	int r = -1;

	if (c && set_bits(c, CAP_PERMITTED, permitted) == 0 && set_bits(c, CAP_EFFECTIVE, effective) == 0)
		r = cap_set_proc(c);
	r = r < 0 ? -(errno ? errno : ENOMEM) : 0;
	if (c)
		cap_free(c);
	return r;
}

static void caps_text(uint64_t caps, char *buf, size_t room)
{
	size_t n = 0;

	snprintf(buf, room, "none");
	for (int i = 0; i < 64 && n < room; i++) {
		char *name;

		if (!(caps & BIT(i)))
			continue;
		name = cap_to_name(i);
		n += (size_t)snprintf(buf + n, room - n, "%s%s", n ? "," : "",
		                      name && strncmp(name, "cap_", 4) == 0 ? name + 4
		                      : name                                ? name
		                                                            : "?");
		cap_free(name);
	}
}

/* Nobody below gets them back by exec. Needs CAP_SETPCAP. */
static void bounding_drop(struct hc_privilege *p)
{
	int code = 0;

	p->bounded = true;
	for (int n = 0; n < 64 && CAP_IS_SUPPORTED(n); n++) {
		if (cap_get_bound(n) != CAP_SET)
			continue;
		if (cap_drop_bound(n) < 0) {
			code = errno;
			p->bounded = false;
		}
	}
	if (p->bounded)
		say(p, "bounding empty");
	else
		say(p, "bounding kept: %s (CAP_SETPCAP is missing)", strerror(code));
}

static bool writable(const char *dir)
{
	return !dir || faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0 || errno == ENOENT || errno == EROFS;
}

static int capabilities_drop(const struct hc_privilege_opts *o, struct hc_privilege *p, struct hc_err *err)
{
	uint64_t had = caps_now(CAP_PERMITTED), keep;
	char text[96];
	int r;

	keep = had & (BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_PTRACE) | (o->signals ? BIT(CAP_KILL) : 0));
	bounding_drop(p);
	cap_reset_ambient();
	/* permitted stays for a moment: what proves to be needed can be taken back */
	r = caps_set(had, keep);
	if (r == 0 && !writable(o->dir) && had & BIT(CAP_DAC_OVERRIDE)) {
		keep |= BIT(CAP_DAC_OVERRIDE);
		say(p, "dac_override kept: the capture's directory is another user's");
	}
	if (r == 0 && o->probe && o->probe(o->ctx) == -EPERM) {
		keep |= had & (had & BIT(CAP_BPF) ? BIT(CAP_BPF) : BIT(CAP_SYS_ADMIN));
		say(p, "bpf kept: this kernel refuses the recorder's own maps without it");
	}
	if (r == 0)
		r = caps_set(keep, keep);
	if (r < 0) {
		say(p, "capabilities kept: %s", strerror(-r));
		keep = caps_now(CAP_EFFECTIVE);
	}
	p->caps = caps_now(CAP_EFFECTIVE);
	if (p->caps != keep)
		return hc_err_set(err, -EIO, "the kernel did not take the recorder's capabilities");
	caps_text(keep, text, sizeof(text));
	say(p, "capabilities %s", text);
	return 0;
}

/* ---- the filter ---- */

#define NR(name) SCMP_SYS(name)

/* By name; libseccomp gives negative numbers to those that this machine does not have. */

/* clang-format off */
static const int always[] = {
	/* files */
	NR(read), NR(write), NR(pread64), NR(pwrite64), NR(readv), NR(writev), NR(preadv), NR(pwritev),
	NR(preadv2), NR(open), NR(openat), NR(openat2), NR(close), NR(close_range), NR(stat), NR(fstat),
	NR(lstat), NR(newfstatat), NR(statx), NR(statfs), NR(fstatfs), NR(lseek), NR(access), NR(faccessat),
	NR(faccessat2), NR(readlink), NR(readlinkat), NR(getdents64), NR(fcntl), NR(flock), NR(ftruncate),
	NR(fallocate), NR(fsync), NR(fdatasync), NR(sync_file_range), NR(unlink), NR(unlinkat), NR(rename),
	NR(renameat), NR(renameat2), NR(mkdir), NR(mkdirat), NR(rmdir), NR(fchmod), NR(fadvise64),
	NR(readahead), NR(dup), NR(dup2), NR(dup3), NR(pipe2), NR(umask), NR(getcwd), NR(getxattr),
	NR(fgetxattr), NR(name_to_handle_at),
	/* waiting */
	NR(poll), NR(ppoll), NR(select), NR(pselect6), NR(epoll_create1), NR(epoll_ctl), NR(epoll_wait),
	NR(epoll_pwait), NR(epoll_pwait2), NR(eventfd2), NR(signalfd4), NR(timerfd_create),
	NR(timerfd_settime), NR(timerfd_gettime), NR(inotify_init1), NR(inotify_add_watch),
	NR(inotify_rm_watch), NR(wait4), NR(waitid),
	/* memory and threads */
	NR(mmap), NR(munmap), NR(mprotect), NR(mremap), NR(madvise), NR(mincore), NR(msync), NR(brk),
	NR(membarrier), NR(futex), NR(set_robust_list), NR(set_tid_address), NR(rseq), NR(sched_yield),
	NR(sched_getaffinity), NR(sched_setaffinity), NR(gettid), NR(exit), NR(exit_group), NR(arch_prctl),
	NR(restart_syscall),
	/* signals: rt_sigreturn comes with each handler, tgkill with abort */
	NR(rt_sigaction), NR(rt_sigprocmask), NR(rt_sigreturn), NR(rt_sigpending), NR(rt_sigtimedwait),
	NR(rt_sigsuspend), NR(sigaltstack), NR(tgkill),
	/* clocks and facts; adjtimex only reads without CAP_SYS_TIME */
	NR(clock_gettime), NR(clock_getres), NR(clock_nanosleep), NR(nanosleep), NR(gettimeofday), NR(time),
	NR(adjtimex), NR(clock_adjtime), NR(times), NR(getrusage), NR(sysinfo), NR(uname), NR(getrandom),
	NR(getcpu), NR(getpid), NR(getppid), NR(getuid), NR(geteuid), NR(getgid), NR(getegid), NR(getresuid),
	NR(getresgid), NR(getgroups), NR(getpgrp), NR(getpgid), NR(getsid), NR(getpriority), NR(getrlimit),
	NR(capget),
	/* the interfaces' addresses, by netlink; name services and logs, by a Unix socket */
	NR(bind), NR(connect), NR(sendto), NR(sendmsg), NR(recvfrom), NR(recvmsg), NR(getsockname),
	NR(getsockopt),
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* the search for leaks at the end stops the process as a debugger does */
	NR(ptrace), NR(prctl), NR(clone), NR(getdents),
#endif
};

static const int serving[] = {
	NR(listen), NR(accept), NR(accept4), NR(sendmmsg), NR(recvmmsg), NR(fchmodat), NR(chmod),
};

static const int asking[] = { NR(getpeername), NR(setsockopt), NR(shutdown), NR(socketpair) };
/* clang-format on */

static int allow(scmp_filter_ctx f, const int *nrs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, nrs[i], 0);

		/* -EDOM, -EFAULT: not a call of this machine */
		if (r < 0 && r != -EDOM && r != -EFAULT)
			return r;
	}
	return 0;
}

static int allow_if(scmp_filter_ctx f, int nr, unsigned arg, uint64_t value)
{
	struct scmp_arg_cmp is = { .arg = arg, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0 };

	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, nr, 1, &is);
}

/* What depends on an argument. */
static int allow_some(scmp_filter_ctx f, const struct hc_privilege_opts *o)
{
	static const int families[] = { AF_UNIX, AF_NETLINK, AF_INET, AF_INET6 };
	/* not: loading, pinning, or getting at others' by their number */
	static const int bpf_cmds[] = { BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM,
		                        BPF_MAP_GET_NEXT_KEY, BPF_OBJ_GET_INFO_BY_FD };
	/* attaching programs that are loaded already, of which the recorder has the only descriptors: detail is
	 * raised so; and reading the list of processes again */
	static const int raise_cmds[] = { BPF_LINK_CREATE, BPF_RAW_TRACEPOINT_OPEN, BPF_ITER_CREATE };
	static const unsigned prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ,
		                           PR_SET_VMA };
	struct scmp_arg_cmp is_thread = {
		.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = CLONE_THREAD
	};
	const struct scmp_arg_cmp is_self[] = {
		{ .arg = 0, .op = SCMP_CMP_EQ, .datum_a = PRIO_PROCESS, .datum_b = 0 },
		{ .arg = 1, .op = SCMP_CMP_EQ, .datum_a = 0, .datum_b = 0 }
	};
	int r;

	/* threads, not processes; glibc tries clone3 first, whose flags a filter cannot see */
	r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, NR(clone), 1, &is_thread);
	r = r < 0 ? r : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), NR(clone3), 0);
	for (size_t i = 0; r >= 0 && i < (o->inet ? 4 : 2); i++)
		r = allow_if(f, NR(socket), 0, (uint64_t)families[i]);
	for (size_t i = 0; r >= 0 && i < sizeof(bpf_cmds) / sizeof(bpf_cmds[0]); i++)
		r = allow_if(f, NR(bpf), 0, (uint64_t)bpf_cmds[i]);
	for (size_t i = 0; r >= 0 && o->raises && i < sizeof(raise_cmds) / sizeof(raise_cmds[0]); i++)
		r = allow_if(f, NR(bpf), 0, (uint64_t)raise_cmds[i]);
	for (size_t i = 0; r >= 0 && i < sizeof(prctls) / sizeof(prctls[0]); i++)
		r = allow_if(f, NR(prctl), 0, prctls[i]);
	/* limits are read, never set; a terminal's width, an interface's number, and switching a perf event off */
	r = r < 0 ? r : allow_if(f, NR(prlimit64), 2, 0);
	r = r < 0 ? r : allow_if(f, NR(ioctl), 1, TIOCGWINSZ);
	r = r < 0 ? r : allow_if(f, NR(ioctl), 1, TCGETS);
	r = r < 0 ? r : allow_if(f, NR(ioctl), 1, FIONREAD);
	r = r < 0 ? r : allow_if(f, NR(ioctl), 1, SIOCGIFINDEX);
	r = r < 0 ? r : allow_if(f, NR(ioctl), 1, 0x2401 /* PERF_EVENT_IOC_DISABLE */);
	r = r < 0 ? r : allow_if(f, NR(kill), 0, (uint64_t)getpid());
	/* a thread that is less urgent than the recorder; no more urgent without CAP_SYS_NICE */
	r = r < 0 ? r : seccomp_rule_add_array(f, SCMP_ACT_ALLOW, NR(setpriority), 2, is_self);
	if (o->signals && r >= 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, NR(kill), 0);
	return r == -EEXIST ? 0 : r;
}

static int filter_make(const struct hc_privilege_opts *o)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = f ? 0 : -ENOMEM;

	if (r == 0)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1); /* needs 4.14 */
	if (r == 0)
		seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree: some ten comparisons a call */
	if (r == 0)
		r = allow(f, always, sizeof(always) / sizeof(always[0]));
	if (r == 0 && o->serves)
		r = allow(f, serving, sizeof(serving) / sizeof(serving[0]));
	if (r == 0 && (o->serves || o->asks))
		r = allow(f, asking, sizeof(asking) / sizeof(asking[0]));
	if (r == 0)
		r = allow_some(f, o);
	if (r == 0)
		r = seccomp_load(f);
	if (f)
		seccomp_release(f);
	return r;
}

int hc_privilege_drop(const struct hc_privilege_opts *opts, struct hc_privilege *ret, struct hc_err *err)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = capabilities_drop(opts, ret, err);
	if (r < 0)
		return r;
	ret->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	if (ret->no_new_privs)
		say(ret, "no_new_privs");
	else
		say(ret, "no_new_privs not set: %s", strerror(errno));
	r = filter_make(opts);
	ret->filtered = r == 0;
	if (r == 0)
		say(ret, "seccomp");
	else
		say(ret, "seccomp not set: %s", strerror(-r));
	return 0;
}
