/*
 * Giving up what a recorder needs no more, once its programs are attached.
 *
 * Loading and attaching need CAP_BPF and CAP_PERFMON. Afterwards counters and rings are memory, and what is left
 * is looking at other processes below /proc (CAP_SYS_PTRACE) and at their files (CAP_DAC_READ_SEARCH). Everything
 * else goes: the other capabilities from all five sets, new privileges by exec (no_new_privs), and by a seccomp
 * filter every system call that the recorder does not make; such a call fails with EPERM, and the kernel's log
 * names it where the machine logs refused calls (kernel.seccomp.actions_logged). The filter ends no process: a
 * library that tries something new must not end a recording.
 */
#ifndef HC_CAPTURE_PRIVILEGE_H
#define HC_CAPTURE_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/err.h"

#define HC_PRIVILEGE_LINES 12

struct hc_privilege_opts {
	const char *dir; /* the capture, written to later; NULL: none. A directory that only CAP_DAC_OVERRIDE lets
	                    us write into keeps that */
	bool signals; /* a child of ours, perhaps another user by then, is to be ended: keeps CAP_KILL, and kill(2)
	               */
	bool serves;  /* listens on sockets, and calls others */
	bool inet;    /* on internet sockets too */
	bool asks;    /* calls others on Unix sockets by libcurl */
	bool raises;  /* attaches programs that are loaded, and lists processes by one of them */
	/* Whether what is held can still be used without CAP_BPF: 0 or a negative errno. With -EPERM (kernels
	 * before 5.19 where kernel.unprivileged_bpf_disabled is set) CAP_BPF, or else CAP_SYS_ADMIN, is kept.
	 * NULL: yes */
	int (*probe)(void *ctx);
	void *ctx;
};

/* What is left, for meta_config and for whoever reads it. */
struct hc_privilege {
	uint64_t caps;                      /* bit per capability that is effective */
	bool bounded;                       /* the bounding set is empty */
	bool no_new_privs, filtered;        /* filtered: by seccomp */
	char line[HC_PRIVILEGE_LINES][128]; /* "capabilities dac_read_search,sys_ptrace", "bounding empty" ..., and
	                                      what could not be given up, with the reason */
	size_t n_lines;
};

/*
 * Of the calling thread and those that it makes later; the filter is of all threads. Children made before keep
 * what they have. Call it after everything is attached, before anything foreign is read. What cannot be given up
 * (an old kernel, no CAP_SETPCAP) is a line of *ret. Fails only when it would leave a state that cannot be told.
 */
int hc_privilege_drop(const struct hc_privilege_opts *opts, struct hc_privilege *ret, struct hc_err *err);

#endif
