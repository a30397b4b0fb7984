/* Loading and attaching the BPF programs. Every hook is looked up in the kernel's BTF first: what this kernel does
 * not offer is left out, and hc_live_hook says so. A program that this kernel's verifier refuses is left out too
 * when it is optional, and the load is tried again. */
#include "live_priv.h"

#include <errno.h>

#if HC_HAVE_BPF /* else: live_none.c */

#include <assert.h>
#include <ctype.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/recorder.skel.h"
#include "live_pin.h"
#include "store/base/clock.h"

static_assert((int)HC_WIRE_MODE_FIRST == (int)HC_MODE_FIRST && (int)HC_WIRE_MODE_PEER == (int)HC_MODE_PEER &&
                      (int)HC_WIRE_MODE_P53 == (int)HC_MODE_P53 && (int)HC_WIRE_MODE_MAGIC == (int)HC_MODE_MAGIC &&
                      (int)HC_WIRE_MODE_X == (int)HC_MODE_X && (int)HC_WIRE_MODE_FAIL == (int)HC_MODE_FAIL &&
                      (int)HC_WIRE_MODE_FATAL == (int)HC_MODE_FATAL &&
                      (int)HC_WIRE_MODE_VALUES == (int)HC_MODE_VALUES && HC_WIRE_MAX_TYPES == HC_EV_MAX,
              "sampling modes have the same values on both sides");

#define SEC_RING_BYTES (2 * 1024 * 1024)
#define RINGS_TOTAL_BYTES (64 * 1024 * 1024)
#define RING_MIN_BYTES (512 * 1024)
#define RING_MAX_BYTES (256 * 1024 * 1024)
#define RING_DEFAULT_BYTES (16 * 1024 * 1024) /* 80 ms of a million events a second */
#define MAX_SEC_RINGS 8
#define MAX_RINGS 128
#define MAX_FRONTS 512
#define SLACK_NS (10 * 1000 * 1000)     /* longest time between a record's time and its appearance */
#define SLACK_FULL_NS (1 * 1000 * 1000) /* the same when a ring is half full: order is worth less than loss */
#define MAX_RETRIES 8

/* A tracepoint and the program on it. */
struct hook_desc {
	const char *program;
	const char *tracepoint; /* in BTF as btf_trace_NAME, but for a classic one */
	bool classic;           /* "group:name" in tracefs */
	bool optional;
	unsigned types[4];           /* recorded with its help; 0 ends; all zero: system calls */
	unsigned min_args, max_args; /* arguments the tracepoint must have; 0: any */
	const char *finish;          /* program of the same tracepoint that it goes on in; NULL: none of its own */
};

static const struct hook_desc hook_descs[] = {
	{ .program = "hc_sys_exit", .tracepoint = "sys_exit" },
	{ .program = "hc_ent_mprot",
	  .tracepoint = "syscalls:sys_enter_mprotect",
	  .classic = true,
	  .optional = true,
	  .types = { HC_EV_MPROTECT } },
	{ .program = "hc_ent_pkey",
	  .tracepoint = "syscalls:sys_enter_pkey_mprotect",
	  .classic = true,
	  .optional = true,
	  .types = { HC_EV_PKEY_MPROTECT } },
	{ .program = "hc_ent_dup2",
	  .tracepoint = "syscalls:sys_enter_dup2",
	  .classic = true,
	  .optional = true,
	  .types = { HC_EV_DUP2 } },
	{ .program = "hc_ent_dup3",
	  .tracepoint = "syscalls:sys_enter_dup3",
	  .classic = true,
	  .optional = true,
	  .types = { HC_EV_DUP3 } },
	{ .program = "hc_newtask", .tracepoint = "task_newtask", .types = { HC_EV_PROC_FORK } },
	{ .program = "hc_fork", .tracepoint = "sched_process_fork", .types = { HC_EV_PROC_FORK } },
	{ .program = "hc_exec", .tracepoint = "sched_process_exec", .types = { HC_EV_PROC_EXEC } },
	{ .program = "hc_exit", .tracepoint = "sched_process_exit", .types = { HC_EV_PROC_EXIT } },
	{ .program = "hc_rename", .tracepoint = "task_rename", .types = { HC_EV_PROC_RENAME } },
	{ .program = "hc_sig_send",
	  .tracepoint = "signal_generate",
	  .optional = true,
	  .types = { HC_EV_SIG_SEND } },
	{ .program = "hc_sig_deliver",
	  .tracepoint = "signal_deliver",
	  .optional = true,
	  .types = { HC_EV_SIG_DELIVER } },
	{ .program = "hc_mod_load", .tracepoint = "module_load", .optional = true, .types = { HC_EV_MOD_LOAD } },
	{ .program = "hc_mod_free", .tracepoint = "module_free", .optional = true, .types = { HC_EV_MOD_FREE } },
	{ .program = "hc_mod_request",
	  .tracepoint = "module_request",
	  .optional = true,
	  .types = { HC_EV_MOD_REQUEST } },
	{ .program = "hc_cg_mkdir", .tracepoint = "cgroup_mkdir", .optional = true, .types = { HC_EV_CG_MKDIR } },
	{ .program = "hc_cg_rmdir", .tracepoint = "cgroup_rmdir", .optional = true, .types = { HC_EV_CG_RMDIR } },
	{ .program = "hc_cg_attach",
	  .tracepoint = "cgroup_attach_task",
	  .optional = true,
	  .types = { HC_EV_CG_ATTACH } },
	{ .program = "hc_tcp_state",
	  .tracepoint = "inet_sock_set_state",
	  .optional = true,
	  .types = { HC_EV_TCP_STATE } },
	{ .program = "hc_cap_check", .tracepoint = "cap_capable", .optional = true, .types = { HC_EV_CAP_CHECK } },
	{ .program = "hc_oom_kill",
	  .tracepoint = "mark_victim",
	  .optional = true,
	  .types = { HC_EV_OOM_KILL },
	  .min_args = 2 },
	{ .program = "hc_oom_kill_pid",
	  .tracepoint = "mark_victim",
	  .optional = true,
	  .types = { HC_EV_OOM_KILL },
	  .max_args = 1 },
	{ .program = "hc_uring_req", .tracepoint = "io_uring_submit_req", .optional = true },
	{ .program = "hc_uring_sqe",
	  .tracepoint = "io_uring_submit_sqe",
	  .optional = true,
	  .min_args = 2,
	  .max_args = 2 },
	{ .program = "hc_uring_done", .tracepoint = "io_uring_complete", .optional = true, .max_args = 3 },
	{ .program = "hc_uring_done_old", .tracepoint = "io_uring_complete", .optional = true, .min_args = 7 },
	{ .program = "hc_uring_spill",
	  .tracepoint = "io_uring_cqe_overflow",
	  .optional = true,
	  .min_args = 5,
	  .max_args = 5,
	  .finish = "hc_spill_finish" },
	{ .program = "hc_lsm_denied",
	  .tracepoint = "selinux_audited",
	  .optional = true,
	  .types = { HC_EV_LSM_DENIED },
	  .min_args = 4,
	  .max_args = 4 },
};

#define N_HOOKS (sizeof(hook_descs) / sizeof(hook_descs[0]))

struct hook {
	enum hc_hook_state state;
	bool loaded; /* when OFF: it can be attached later */
	char reason[128];
	struct bpf_link *link;
};

/* Programs reached by tail calls: array, index, program. */
static const struct {
	const char *map, *program;
	uint32_t index;
} tails[] = {
	{ "hc_handlers", "hc_sys_regs", HC_H_REGS },   { "hc_handlers", "hc_sys_gen", HC_H_GEN },
	{ "hc_handlers", "hc_sys_open", HC_H_OPEN },   { "hc_handlers", "hc_sys_rw", HC_H_RW },
	{ "hc_handlers", "hc_sys_map", HC_H_MAP },     { "hc_handlers", "hc_sys_sock", HC_H_SOCK },
	{ "hc_handlers", "hc_sys_msg", HC_H_MSG },     { "hc_handlers", "hc_sys_mmsg", HC_H_MMSG },
	{ "hc_handlers", "hc_sys_exec", HC_H_EXEC },   { "hc_handlers", "hc_sys_struct", HC_H_STRUCT },
	{ "hc_handlers", "hc_sys_bpf", HC_H_BPF },     { "hc_handlers", "hc_sys_perf", HC_H_PERF },
	{ "hc_handlers", "hc_sys_mux", HC_H_MUX },     { "hc_handlers", "hc_sys_finish", HC_H_FINISH },
	{ "hc_handlers", "hc_sys_raise", HC_H_RAISE }, { "hc_handlers", "hc_sys_dup", HC_H_DUP },
	{ "hc_handlers", "hc_sys_attr", HC_H_ATTR },   { "hc_exec_next", "hc_exec_finish", 0 },
	{ "hc_dup_next", "hc_dup_finish", 0 },         { "hc_uring_next", "hc_uring_finish", 0 },
	{ "hc_spill_next", "hc_spill_finish", 0 },
};

struct hc_live {
	struct recorder_bpf *skel;
	struct hook hooks[N_HOOKS];
	char refused[MAX_RETRIES][64]; /* programs the verifier did not take */
	unsigned n_refused;
	struct hc_dials *dials; /* the programs' .bss, mapped */
	struct hc_cpu *cpus;    /* mapped */
	size_t cpus_bytes;
	size_t cpu_stride;
	unsigned n_cpus;        /* possible ones */
	unsigned n_bulk, n_sec; /* rings */
	unsigned n_fronts;      /* in front of bulk rings, one per CPU; 0: this kernel's programs use none */
	size_t ring_bytes, front_bytes;
	int *ring_fds; /* bulk rings, then security rings, then the map of all front rings */
	int epoll_fd;
	struct hc_merge merge;
	struct hc_wanted wanted;
	struct hc_type_set types; /* recorded of everybody */
	struct hc_raises raises;
	struct bpf_link *tree; /* iterator of hc_raise_tree */
	bool may_raise;
	const char *hierarchy; /* v1 controller by which cgroups are told apart; "" for v2 */
	bool started;
	bool cgroup_v2;
	int tracefs_fd; /* root of a tracefs; -1: there is none to be had */
	const char *pin_root, *pin_dir;
	struct live_pin *pin; /* NULL: nothing outlives the process */
	struct pin_hook pin_hooks[N_HOOKS];
	bool handed_over; /* the gates lead to another recorder */
};

/* libbpf reports through one function for the whole process. What it says is kept for the error message of the
 * load that is under way on this thread. */
static _Thread_local struct {
	char text[4096];
	size_t len;
	char program[64]; /* the last one whose load failed */
} said;

__attribute__((format(printf, 2, 0))) static int keep_output(enum libbpf_print_level level, const char *format,
                                                             va_list args)
{
	char line[1024];
	const char *p;
	int n;

	if (level == LIBBPF_DEBUG && !strstr(format, "BEGIN PROG LOAD LOG"))
		return 0;
	if (getenv("HINDCAST_BPF_LOG")) {
		va_list again;

		va_copy(again, args);
		vfprintf(stderr, format, again);
		va_end(again);
	}
	if (level == LIBBPF_DEBUG)
		return 0;
	n = vsnprintf(line, sizeof(line), format, args);
	if (n < 0)
		return 0;
	p = strstr(line, "prog '");
	if (p && strstr(line, "failed to load")) {
		size_t len = strcspn(p + 6, "'");

		if (len < sizeof(said.program)) {
			memcpy(said.program, p + 6, len);
			said.program[len] = '\0';
		}
	}
	n = snprintf(said.text + said.len, sizeof(said.text) - said.len, "%s", line);
	if (n > 0)
		said.len = said.len + (size_t)n < sizeof(said.text) ? said.len + (size_t)n : sizeof(said.text) - 1;
	return 0;
}

/* ---- what this kernel is ---- */

static bool kernel_at_least(unsigned major, unsigned minor)
{
	struct utsname u;
	unsigned a = 0, b = 0;

	if (uname(&u) || sscanf(u.release, "%u.%u", &a, &b) != 2)
		return true; /* an unreadable version is no reason to give up: loading will tell */
	return a > major || (a == major && b >= minor);
}

/* Number of arguments of a tracepoint's typed form, without the leading pointer; -1 when the kernel lacks it. */
static int tracepoint_args(const struct btf *btf, const char *name)
{
	char type_name[128];
	const struct btf_type *t;
	int id;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -1;
	t = btf__type_by_id(btf, (uint32_t)id);
	t = btf__type_by_id(btf, t->type); /* pointer */
	if (t)
		t = btf__type_by_id(btf, t->type); /* function */
	if (!t || !btf_is_func_proto(t))
		return -1;
	return (int)btf_vlen(t) - 1;
}

/* Where classic tracepoints have their numbers. A tracefs that nobody has mounted is opened without a place in any
 * mount tree, which changes nothing for anybody else. */
static int tracefs_open(void)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int fs, fd = -1;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		fd = open(roots[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && !faccessat(fd, "events", F_OK, 0))
			return fd;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -1;
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	return fd;
}

/* The number of the classic tracepoint "group:name"; -1 when there is none to attach to. */
static int classic_id(const struct hc_live *live, const char *name)
{
	const char *colon = strchr(name, ':');
	char path[256], text[24];
	ssize_t n = -1;
	int fd;

	if (live->tracefs_fd < 0)
		return -1;
	snprintf(path, sizeof(path), "events/%.*s/%s/id", (int)(colon - name), name, colon + 1);
	fd = openat(live->tracefs_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return isdigit((unsigned char)text[0]) ? (int)strtoul(text, NULL, 10) : -1;
}

static struct bpf_link *attach_classic(const struct hc_live *live, struct bpf_program *p, const char *name)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .sample_period = 1 };
	struct bpf_link *link;
	int id = classic_id(live, name), fd;

	if (id < 0) {
		errno = ENOENT;
		return NULL;
	}
	attr.config = (uint64_t)id;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(p, fd);
	if (!link) {
		int code = errno;

		close(fd);
		errno = code;
	}
	return link;
}

/* Do resource controllers live on the unified hierarchy? Where all are on v1, a task's v2 cgroup says nothing. */
static bool controllers_on_v2(void)
{
	char line[512];
	bool v2 = false;
	FILE *f;

	f = fopen("/sys/fs/cgroup/cgroup.controllers", "re");
	if (f) {
		v2 = fgets(line, sizeof(line), f) && line[0] != '\n';
		fclose(f);
		if (v2)
			return true;
	}
	/* No v1 hierarchy with a controller at all: systemd's hybrid mode has them in /proc/cgroups with id != 0.
	 */
	f = fopen("/proc/cgroups", "re");
	if (!f)
		return true;
	v2 = true;
	while (fgets(line, sizeof(line), f)) {
		unsigned hierarchy = 0;

		if (line[0] != '#' && sscanf(line, "%*s %u", &hierarchy) == 1 && hierarchy)
			v2 = false;
	}
	fclose(f);
	return v2;
}

/* How far the kernel's clock moves with each of its ticks, 1 to 10 ms. */
static uint32_t tick_ns(void)
{
	struct timespec t;

	return clock_getres(CLOCK_MONOTONIC_COARSE, &t) ? 4000000 : (uint32_t)t.tv_nsec;
}

/* Index of the v1 hierarchy by which containers are told apart: every runtime makes a directory in pids and
 * memory. */
static uint32_t v1_subsys(const struct btf *btf, const char **ret_name)
{
	static const char *const names[] = { "pids_cgrp_id", "memory_cgrp_id", "cpu_cgrp_id", "devices_cgrp_id" };
	static const char *const controllers[] = { "pids", "memory", "cpu", "devices" };
	int id = btf__find_by_name_kind(btf, "cgroup_subsys_id", BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (size_t n = 0; t && n < sizeof(names) / sizeof(names[0]); n++) {
		const struct btf_enum *e = btf_enum(t);

		for (unsigned i = 0; i < btf_vlen(t); i++) {
			if (!strcmp(btf__name_by_offset(btf, e[i].name_off), names[n])) {
				*ret_name = controllers[n];
				return (uint32_t)e[i].val;
			}
		}
	}
	*ret_name = "cpuset"; /* the first of all */
	return 0;
}

/* CPUs that are online, as numbers below n_cpus. */
static unsigned online_cpus(unsigned n_cpus, bool *online)
{
	unsigned n = 0, from, to;
	char text[1024], *p = text;
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");

	memset(online, 0, n_cpus);
	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = '\0';
		fclose(f);
		while (isdigit((unsigned char)*p)) {
			from = (unsigned)strtoul(p, &p, 10);
			to = *p == '-' ? (unsigned)strtoul(p + 1, &p, 10) : from;
			for (unsigned i = from; i <= to && i < n_cpus; i++, n++)
				online[i] = true;
			p += *p == ',';
		}
	}
	if (!n) {
		memset(online, 1, n_cpus);
		n = n_cpus;
	}
	return n;
}

/* ---- configuration ---- */

static void want(struct hc_live *live, const struct hc_live_options *opt)
{
	struct hc_wanted *w = &live->wanted;

	w->profile = opt->profile;
	w->has_only = opt->only != NULL;
	if (opt->only)
		w->only = *opt->only;
	if (opt->add)
		w->add = *opt->add;
	if (opt->remove)
		w->remove = *opt->remove;
	w->snaplen = opt->snaplen;
}

/* Makes the programs record what is wanted now, or nothing. */
static void turn_on(struct hc_live *live, bool on)
{
	static struct hc_dials next;
	struct hc_type_set any;

	hc_detail_choose(&live->wanted, &next, &live->types, &any);
	if (!on) {
		/* modes and lengths stay: they can still be asked for */
		memset(next.any, 0, sizeof(next.any));
		next.any_unknown = 0;
		for (unsigned i = 0; i < HC_N_DETAILS; i++)
			memset(next.detail[i].types, 0, sizeof(next.detail[i].types));
	}
	hc_detail_put(live->dials, &next);
}

static size_t round_ring(size_t bytes)
{
	size_t n = (size_t)sysconf(_SC_PAGESIZE);

	while (n < bytes && n < RING_MAX_BYTES)
		n *= 2;
	return n;
}

static void size_rings(struct hc_live *live, const struct hc_live_options *opt, unsigned n_online)
{
	size_t bytes = opt->ring_bytes ? round_ring(opt->ring_bytes) : RING_DEFAULT_BYTES;

	live->n_bulk = n_online < MAX_RINGS ? n_online : MAX_RINGS;
	live->n_sec = n_online < MAX_SEC_RINGS ? n_online : MAX_SEC_RINGS;
	while (!opt->ring_bytes && bytes > RING_MIN_BYTES && bytes * live->n_bulk > RINGS_TOTAL_BYTES)
		bytes /= 2;
	live->ring_bytes = bytes;
	live->front_bytes = bytes / 4;
	live->n_fronts = n_online < MAX_FRONTS ? n_online : MAX_FRONTS;
}

/* The programs have records for front rings only where they can cast pointers. */
static bool can_cast(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
}

/* As HC_FRONT in bpf/rec.bpf.h. */
static bool has_fronts(const struct btf *btf)
{
#if defined(__x86_64__)
	return can_cast(btf);
#else
	(void)btf;
	return false;
#endif
}

/* Maps that hold rings, see ring_fds. */
static unsigned n_ring_maps(const struct hc_live *live)
{
	return live->n_bulk + live->n_sec + (live->n_fronts > 0);
}

/* ---- loading ---- */

static int explain_load(int r, struct hc_err *err)
{
	if (r == -EPERM || r == -EACCES) {
		if (strstr(said.text, "lockdown") || access("/sys/kernel/security/lockdown", R_OK) == 0) {
			char text[128] = "";
			FILE *f = fopen("/sys/kernel/security/lockdown", "re");

			if (f) {
				if (!fgets(text, sizeof(text), f))
					text[0] = '\0';
				fclose(f);
			}
			if (strstr(text, "[confidentiality]"))
				return hc_err_set(err, -EPERM,
				                  "kernel lockdown mode 'confidentiality' forbids BPF to read "
				                  "kernel memory");
		}
		if (!strstr(said.text, "-- BEGIN PROG LOAD LOG --") || r == -EPERM) {
			hc_err_set(err, -EPERM, "no right to load BPF programs");
			hc_err_note(err, "run as root, or with the capabilities BPF and PERFMON (or SYS_ADMIN)");
			return -EPERM;
		}
	}
	if (r == -ENOMEM)
		return hc_err_set(err, r, "not enough memory for the recorder's rings and buffers");
	hc_err_set(err, r, "cannot load BPF program '%s': %s", said.program[0] ? said.program : "?", strerror(-r));
	hc_err_note(err, "HINDCAST_BPF_LOG=1 shows what the kernel said");
	return r;
}

static bool refused(const struct hc_live *live, const char *program)
{
	for (unsigned i = 0; i < live->n_refused; i++) {
		if (!strcmp(live->refused[i], program))
			return true;
	}
	return false;
}

static bool may_refuse(const char *program)
{
	for (size_t i = 0; i < N_HOOKS; i++) {
		if (!strcmp(hook_descs[i].program, program))
			return hook_descs[i].optional;
	}
	/* a handler: its calls are then counted as missed */
	return strcmp(program, "hc_uring_finish") != 0 && strcmp(program, "hc_sys_finish") != 0 &&
	       strcmp(program, "hc_exec_finish") != 0 && strcmp(program, "hc_snapshot") != 0;
}

static bool hook_wanted(const struct hook_desc *d, const struct hc_type_set *types)
{
	bool wanted = !d->types[0];

	for (unsigned t = 0; t < 4 && d->types[t]; t++)
		wanted |= hc_type_set_has(types, d->types[t]);
	return wanted;
}

/* Can a raise need it while others do not? Births and ends keep up its scope; a classic tracepoint cannot be
 * attached to any more once privileges are given up. */
static bool may_raise_hook(const struct hook_desc *d)
{
	return !d->classic;
}

static bool keeps_scopes(const struct hook_desc *d)
{
	return d->types[0] == HC_EV_PROC_EXIT || strcmp(d->program, "hc_fork") == 0;
}

static void say_off(struct hook *h)
{
	h->state = HC_HOOK_OFF;
	snprintf(h->reason, sizeof(h->reason), "no recorded type needs it");
}

/* Decides per hook whether its program is loaded. */
static void choose_hooks(struct hc_live *live, const struct hc_live_options *opt, const struct btf *btf)
{
	for (size_t i = 0; i < N_HOOKS; i++) {
		const struct hook_desc *d = &hook_descs[i];
		struct hook *h = &live->hooks[i];
		struct bpf_program *p = bpf_object__find_program_by_name(live->skel->obj, d->program);
		bool wanted = hook_wanted(d, &live->types) || (opt->may_raise && keeps_scopes(d));
		int n_args;

		h->loaded = false;
		h->state = HC_HOOK_ATTACHED;
		h->reason[0] = '\0';
		n_args = d->classic ? classic_id(live, d->tracepoint) : tracepoint_args(btf, d->tracepoint);
		if (d->classic && opt->no_entry) {
			h->state = HC_HOOK_OFF;
			snprintf(h->reason, sizeof(h->reason), "entry images were switched off");
		} else if (!wanted && !(opt->may_raise && may_raise_hook(d))) {
			say_off(h);
		} else if (n_args < 0) {
			h->state = HC_HOOK_MISSING;
			snprintf(h->reason, sizeof(h->reason), "%s",
			         d->classic ? "this kernel has no such tracepoint, or tracefs cannot be opened"
			                    : "this kernel has no such tracepoint");
		} else if ((d->min_args && (unsigned)n_args < d->min_args) ||
		           (d->max_args && (unsigned)n_args > d->max_args)) {
			h->state = HC_HOOK_OFF;
			snprintf(h->reason, sizeof(h->reason), "another variant fits this kernel");
		} else if (refused(live, d->program)) {
			h->state = HC_HOOK_FAILED;
			snprintf(h->reason, sizeof(h->reason), "the kernel's verifier refused it");
		} else {
			h->loaded = true;
		}
		if (!wanted)
			say_off(h);
		if (p && !h->loaded)
			bpf_program__set_autoload(p, false);
		p = d->finish ? bpf_object__find_program_by_name(live->skel->obj, d->finish) : NULL;
		if (p && !h->loaded)
			bpf_program__set_autoload(p, false);
	}
	if (!opt->may_raise) {
		bpf_program__set_autoload(live->skel->progs.hc_sys_raise, false);
		bpf_program__set_autoload(live->skel->progs.hc_raise_tree, false);
	}
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct bpf_program *p = bpf_object__find_program_by_name(live->skel->obj, tails[i].program);

		if (p && refused(live, tails[i].program))
			bpf_program__set_autoload(p, false);
	}
}

static int set_size(struct bpf_object *obj, const char *map, uint32_t max_entries)
{
	return bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, map), max_entries);
}

static int no_ring(int r, size_t bytes, struct hc_err *err)
{
	if (r == -EPERM)
		return explain_load(r, err);
	hc_err_set(err, r, "cannot create a ring buffer of %zu bytes: %s", bytes, strerror(-r));
	hc_err_note(err, "a smaller --ring-size needs less memory");
	return r;
}

static int make_fronts(struct hc_live *live, struct hc_err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	size_t value_bytes = sizeof(struct hc_front) + live->front_bytes + HC_FRONT_SLACK;
	unsigned first = live->n_bulk + live->n_sec;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "hc_fronts", sizeof(uint32_t), (uint32_t)value_bytes,
	                        live->n_fronts, &opts);
	int r;

	if (fd < 0)
		return no_ring(fd, live->front_bytes, err);
	live->ring_fds[first] = fd;
	r = hc_merge_map_fronts(&live->merge, first, fd, live->n_fronts, value_bytes);
	return r ? hc_err_set(err, r, "cannot map ring buffers of %zu bytes: %s", live->front_bytes, strerror(-r))
	         : 0;
}

static int make_rings(struct hc_live *live, struct hc_err *err)
{
	unsigned n = live->n_bulk + live->n_sec;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int r;

	live->ring_fds = malloc((n + 1) * sizeof(*live->ring_fds));
	if (!live->ring_fds)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (unsigned i = 0; i <= n; i++)
		live->ring_fds[i] = -1;
	r = hc_merge_init(&live->merge, n + live->n_fronts, live->n_cpus);
	if (r)
		return hc_err_set(err, r, "out of memory");
	live->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (live->epoll_fd < 0)
		return hc_err_set(err, -errno, "cannot create an epoll descriptor: %s", strerror(errno));
	for (unsigned i = 0; i < n; i++) {
		size_t bytes = i < live->n_bulk ? live->ring_bytes : SEC_RING_BYTES;
		int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "hc_ring", 0, 0, (uint32_t)bytes, NULL);

		if (fd < 0)
			return no_ring(fd, bytes, err);
		live->ring_fds[i] = fd;
		r = hc_merge_map(&live->merge, i, fd, bytes);
		if (r)
			return hc_err_set(err, r, "cannot map a ring buffer of %zu bytes: %s", bytes,
			                  strerror(-r));
		event.data.u32 = i;
		if (epoll_ctl(live->epoll_fd, EPOLL_CTL_ADD, fd, &event))
			return hc_err_set(err, -errno, "cannot wait for a ring buffer: %s", strerror(errno));
	}
	return live->n_fronts ? make_fronts(live, err) : 0;
}

/* Opens the object and sets what must be set before loading. */
static int prepare(struct hc_live *live, const struct hc_live_options *opt, const struct btf *btf,
                   struct hc_err *err)
{
	/* HINDCAST_BPF_LOG=stats: what each program costs the verifier */
	const char *log = getenv("HINDCAST_BPF_LOG");
	LIBBPF_OPTS(bpf_object_open_opts, open_opts, .kernel_log_level = log && strcmp(log, "stats") == 0 ? 4 : 0);
	static const char *const raise_maps[] = { "hc_raised_pids", "hc_raised_groups", "hc_raise_cache" };
	struct recorder_bpf *skel = recorder_bpf__open_opts(&open_opts);
	struct hc_conf *conf;
	int r;

	if (!skel)
		return hc_err_set(err, -errno, "cannot read the recorder's own BPF object: %s", strerror(errno));
	live->skel = skel;
	conf = (struct hc_conf *)&skel->rodata->hc_conf;
	if (live->pin)
		conf->key = pin_key(live->pin);
	else if (getrandom(&conf->key, sizeof(conf->key), 0) != (ssize_t)sizeof(conf->key))
		conf->key = (uint64_t)time(NULL) * UINT64_C(0x9e3779b97f4a7c15);
	conf->wake_bytes = (uint32_t)(live->ring_bytes / 8 < 256 * 1024 ? live->ring_bytes / 8 : 256 * 1024);
	live->cgroup_v2 = controllers_on_v2();
	conf->cgroup_v2 = live->cgroup_v2;
	conf->cgroup_subsys = v1_subsys(btf, &live->hierarchy);
	if (live->cgroup_v2)
		live->hierarchy = "";
	conf->cast = can_cast(btf);
	conf->front_bytes = live->n_fronts ? (uint32_t)live->front_bytes : 0;
	conf->env = !opt->no_env;
	conf->tick_ns = tick_ns();
	conf->n_cpus = live->n_cpus;
	hc_live_table((struct hc_sys_desc *)skel->rodata->hc_sys, (struct hc_sys_desc *)skel->rodata->hc_sys32);
	choose_hooks(live, opt, btf);
	r = set_size(skel->obj, "hc_rings", live->n_cpus);
	r = r ? r : set_size(skel->obj, "hc_rings_sec", live->n_cpus);
	r = r ? r : set_size(skel->obj, "hc_cpus", live->n_cpus);
	r = r ? r : set_size(skel->obj, "hc_told_map", live->n_cpus);
	r = r ? r : set_size(skel->obj, "hc_scratch_map", live->n_cpus + 1);
	for (size_t i = 0; !opt->may_raise && !r && i < sizeof(raise_maps) / sizeof(raise_maps[0]); i++)
		r = set_size(skel->obj, raise_maps[i], 1);
	r = r ? r : bpf_map__set_inner_map_fd(skel->maps.hc_rings, live->ring_fds[0]);
	r = r ? r : bpf_map__set_inner_map_fd(skel->maps.hc_rings_sec, live->ring_fds[live->n_bulk]);
	if (live->n_fronts && !r)
		r = bpf_map__reuse_fd(skel->maps.hc_fronts, live->ring_fds[live->n_bulk + live->n_sec]);
	if (r)
		return hc_err_set(err, r, "cannot size the recorder's maps: %s", strerror(-r));
	if (live->pin)
		pin_share(live->pin, skel->obj);
	return 0;
}

static int load(struct hc_live *live, const struct hc_live_options *opt, const struct btf *btf, struct hc_err *err)
{
	for (;;) {
		int r = prepare(live, opt, btf, err);

		if (r)
			return r;
		memset(&said, 0, sizeof(said));
		r = recorder_bpf__load(live->skel);
		if (!r)
			return 0;
		recorder_bpf__destroy(live->skel);
		live->skel = NULL;
		if (!said.program[0] || r == -EPERM || live->n_refused == MAX_RETRIES ||
		    !may_refuse(said.program) || refused(live, said.program))
			return explain_load(r, err);
		snprintf(live->refused[live->n_refused++], sizeof(live->refused[0]), "%s", said.program);
	}
}

static int map_fd(struct hc_live *live, const char *name)
{
	return bpf_object__find_map_fd_by_name(live->skel->obj, name);
}

/* Puts the rings where the programs look for them. */
static int hang_rings(struct hc_live *live, const bool *online, struct hc_err *err)
{
	int bulk = map_fd(live, "hc_rings"), sec = map_fd(live, "hc_rings_sec"), r;
	struct hc_cpu state = { 0 };
	unsigned next = 0;

	/* CPUs that are online have their own; one that comes later shares, and has none in front. */
	for (uint32_t cpu = 0; cpu < live->n_cpus; cpu++) {
		unsigned i = online[cpu] ? next++ : cpu;

		state.front = online[cpu] && next <= live->n_fronts ? next : 0;

		r = bpf_map_update_elem(bulk, &cpu, &live->ring_fds[i % live->n_bulk], BPF_ANY);
		r = r ? r
		      : bpf_map_update_elem(sec, &cpu, &live->ring_fds[live->n_bulk + i % live->n_sec], BPF_ANY);
		r = r ? r : bpf_map_update_elem(map_fd(live, "hc_cpus"), &cpu, &state, BPF_ANY);
		if (r)
			return hc_err_set(err, r, "cannot give CPU %u its ring buffer: %s", cpu, strerror(-r));
	}
	return 0;
}

static int wire_up(struct hc_live *live, struct hc_err *err)
{
	struct bpf_object *obj = live->skel->obj;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(obj, tails[i].program);
		int fd = prog ? bpf_program__fd(prog) : -1, r;

		if (fd < 0)
			continue;
		r = bpf_map_update_elem(map_fd(live, tails[i].map), &tails[i].index, &fd, BPF_ANY);
		if (r)
			return hc_err_set(err, r, "cannot install BPF program '%s': %s", tails[i].program,
			                  strerror(-r));
	}
	live->dials = &live->skel->bss->hc_dials;
	live->raises.pids_fd = map_fd(live, "hc_raised_pids");
	live->raises.groups_fd = map_fd(live, "hc_raised_groups");
	live->raises.tree_fd = -1;
	if (live->may_raise && bpf_program__fd(live->skel->progs.hc_raise_tree) >= 0) {
		live->tree = bpf_program__attach_iter(live->skel->progs.hc_raise_tree, NULL);
		live->raises.tree_fd = live->tree ? bpf_link__fd(live->tree) : -1;
	}
	live->cpu_stride = (sizeof(struct hc_cpu) + 7) & ~(size_t)7;
	live->cpus_bytes = (live->cpu_stride * live->n_cpus + page - 1) & ~(page - 1);
	p = mmap(NULL, live->cpus_bytes, PROT_READ, MAP_SHARED, map_fd(live, "hc_cpus"), 0);
	if (p == MAP_FAILED)
		return hc_err_set(err, -errno, "cannot map the recorder's counters: %s", strerror(errno));
	live->cpus = p;
	return 0;
}

static int fill_sets(struct hc_live *live, const struct hc_live_options *opt, struct hc_err *err)
{
	uint8_t one = 1;
	int r = 0;

	for (size_t i = 0; i < opt->n_skip_pids && !r; i++)
		r = bpf_map_update_elem(map_fd(live, "hc_skip_pids"), &opt->skip_pids[i], &one, BPF_ANY);
	for (size_t i = 0; i < opt->n_skip_uids && !r; i++)
		r = bpf_map_update_elem(map_fd(live, "hc_skip_uids"), &opt->skip_uids[i], &one, BPF_ANY);
	for (size_t i = 0; i < opt->n_skip_cgroups && !r; i++)
		r = bpf_map_update_elem(map_fd(live, "hc_skip_cgroups"), &opt->skip_cgroups[i], &one, BPF_ANY);
	for (size_t i = 0; i < opt->n_skip_comms && !r; i++) {
		char comm[HC_WIRE_COMM_BYTES] = "";

		if (strlen(opt->skip_comms[i]) >= sizeof(comm))
			return hc_err_set(err, -EINVAL, "'%s' is longer than a process name can be (15 bytes)",
			                  opt->skip_comms[i]);
		memcpy(comm, opt->skip_comms[i], strlen(opt->skip_comms[i]));
		r = bpf_map_update_elem(map_fd(live, "hc_skip_comms"), comm, &one, BPF_ANY);
	}
	if (r)
		return hc_err_set(err, r, "cannot install the filters: %s",
		                  r == -E2BIG ? "too many" : strerror(-r));
	live->dials->filters = (opt->n_skip_pids ? HC_FILTER_PID : 0u) | (opt->n_skip_uids ? HC_FILTER_UID : 0u) |
	                       (opt->n_skip_cgroups ? HC_FILTER_CGROUP : 0u) |
	                       (opt->n_skip_comms ? HC_FILTER_COMM : 0u);
	return 0;
}

/* Our own number in the initial pid namespace: getpid() is another one inside a container. */
static int learn_self(struct hc_live *live, struct hc_err *err)
{
	struct bpf_link *link = bpf_program__attach_iter(live->skel->progs.hc_snapshot, NULL);
	char byte;
	int fd;

	if (!link)
		return hc_err_set(err, -errno, "cannot list the kernel's tasks: %s", strerror(errno));
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd >= 0) {
		if (read(fd, &byte, 1) < 0)
			live->dials->self_tgid = 0;
		close(fd);
	}
	bpf_link__destroy(link);
	if (!live->dials->self_tgid)
		return hc_err_set(err, -EIO, "cannot find out the recorder's own process number");
	return 0;
}

int hc_live_open(const struct hc_live_options *opt, struct hc_live **ret_live, struct hc_err *err)
{
	struct hc_live *live;
	struct btf *btf;
	bool *online;
	int n_cpus, r;

	if (!kernel_at_least(5, 8))
		return hc_err_set(err, -ENOTSUP, "this kernel is older than 5.8, which has no BPF ring buffers");
	libbpf_set_print(keep_output);
	memset(&said, 0, sizeof(said));
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		hc_err_set(err, -ENOTSUP,
		           "this kernel does not describe its types (no BTF in /sys/kernel/btf/vmlinux)");
		hc_err_note(err, "recording needs a kernel built with CONFIG_DEBUG_INFO_BTF=y, and /sys mounted");
		return -ENOTSUP;
	}
	n_cpus = libbpf_num_possible_cpus();
	live = calloc(1, sizeof(*live));
	online = n_cpus > 0 ? calloc((size_t)n_cpus, sizeof(*online)) : NULL;
	if (!live || !online) {
		r = hc_err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	live->epoll_fd = -1;
	live->tracefs_fd = opt->no_entry ? -1 : tracefs_open();
	live->n_cpus = (unsigned)n_cpus;
	size_rings(live, opt, online_cpus(live->n_cpus, online));
	if (!has_fronts(btf))
		live->n_fronts = 0;
	live->may_raise = opt->may_raise;
	want(live, opt);
	{
		/* which types: needed before loading, to leave programs out */
		static struct hc_dials unused;
		struct hc_type_set any;

		hc_detail_choose(&live->wanted, &unused, &live->types, &any);
	}
	live->pin_root = opt->pin_root;
	live->pin_dir = opt->pin_dir;
	/* Without the directory nobody can have pinned anything for it; what else hinders is said by hc_live_pin.
	 */
	if (opt->pin_root && !access(opt->pin_dir, F_OK))
		(void)pin_open(opt->pin_root, opt->pin_dir, &live->pin, NULL);
	r = make_rings(live, err);
	r = r ? r : load(live, opt, btf, err);
	r = r ? r : wire_up(live, err);
	if (!r)
		turn_on(live, false);
	r = r ? r : hang_rings(live, online, err);
	r = r ? r : fill_sets(live, opt, err);
	r = r ? r : learn_self(live, err);
out:
	free(online);
	btf__free(btf);
	if (r) {
		hc_live_close(live);
		return r;
	}
	*ret_live = live;
	return 0;
}

int hc_live_pin(struct hc_live *live, struct hc_err *err)
{
	struct pin_made made = { .obj = live->skel->obj,
		                 .ring_fds = live->ring_fds,
		                 .n_rings = live->merge.n_rings,
		                 .n_ring_maps = n_ring_maps(live),
		                 .n_cpus = live->n_cpus,
		                 .hooks = live->pin_hooks,
		                 .n_hooks = N_HOOKS };
	int r = live->pin ? 0 : pin_open(live->pin_root, live->pin_dir, &live->pin, err);

	for (size_t i = 0; i < N_HOOKS; i++) {
		struct bpf_program *p = bpf_object__find_program_by_name(live->skel->obj, hook_descs[i].program);
		bool on = live->hooks[i].state == HC_HOOK_ATTACHED;

		live->pin_hooks[i] = (struct pin_hook){ .program = hook_descs[i].program,
			                                .prog_fd = on ? bpf_program__fd(p) : -1,
			                                .optional = hook_descs[i].optional };
	}
	r = r ? r : pin_prepare(live->pin, &made, err);
	if (r) {
		live->pin = pin_close(live->pin);
		return r;
	}
	for (unsigned i = 0; i < made.n_rings; i++)
		live->merge.rings[i].handed = pin_handed(live->pin, i);
	return 0;
}

static struct bpf_link *attach_hook(struct hc_live *live, size_t i, struct bpf_program *p)
{
	struct hook *h = &live->hooks[i];
	struct bpf_link *link =
		hook_descs[i].classic ? attach_classic(live, p, hook_descs[i].tracepoint) : bpf_program__attach(p);

	if (!link && hook_descs[i].optional) {
		h->state = HC_HOOK_FAILED;
		snprintf(h->reason, sizeof(h->reason), "%s", strerror(errno));
	}
	return link;
}

static struct bpf_link *attach_gate(void *ctx, size_t hook, struct bpf_program *gate)
{
	return attach_hook(ctx, hook, gate);
}

static int start_pinned(struct hc_live *live, struct hc_err *err)
{
	int r;

	turn_on(live, true); /* before the first event comes through a gate */
	r = pin_turn(live->pin, attach_gate, live, err);
	live->started = r == 0;
	for (size_t i = 0; i < N_HOOKS && r == 0; i++) {
		struct hook *h = &live->hooks[i];

		if (h->state != HC_HOOK_ATTACHED || pin_has_gate(live->pin, i))
			continue;
		h->state = HC_HOOK_FAILED;
		snprintf(h->reason, sizeof(h->reason), "its link cannot be pinned on this kernel");
	}
	return r;
}

int hc_live_take_over(struct hc_live *live, int timeout_ms, struct hc_err *err)
{
	int r = pin_ask(live->pin, timeout_ms, err);

	return r ? r : start_pinned(live, err);
}

/* Those of the hooks whose state says so, and that are not attached yet. */
static int attach_hooks(struct hc_live *live, struct hc_err *err)
{
	for (size_t i = 0; i < N_HOOKS; i++) {
		struct hook *h = &live->hooks[i];
		struct bpf_program *p = bpf_object__find_program_by_name(live->skel->obj, hook_descs[i].program);

		if (h->state != HC_HOOK_ATTACHED || h->link ||
		    (hc_live_is_pinned(live) && pin_has_gate(live->pin, i)))
			continue;
		h->link = attach_hook(live, i, p);
		if (!h->link && !hook_descs[i].optional)
			return hc_err_set(err, -errno, "cannot attach to tracepoint '%s': %s",
			                  hook_descs[i].tracepoint, strerror(errno));
	}
	return 0;
}

int hc_live_start(struct hc_live *live, struct hc_err *err)
{
	int r;

	if (live->started)
		return 0;
	if (hc_live_is_pinned(live))
		return start_pinned(live, err);
	r = attach_hooks(live, err);
	if (r < 0)
		return r;
	turn_on(live, true);
	live->started = true;
	return 0;
}

/* ---- more detail for some ---- */

/* Hooks that are needed by types of anybody, from now on; those of raises that have ended are detached. */
static int change_hooks(struct hc_live *live, const struct hc_type_set *any, struct hc_err *err)
{
	for (size_t i = 0; i < N_HOOKS; i++) {
		const struct hook_desc *d = &hook_descs[i];
		struct hook *h = &live->hooks[i];
		bool wanted = hook_wanted(d, any) || keeps_scopes(d);

		if (!h->loaded || !may_raise_hook(d))
			continue;
		if (wanted && h->state == HC_HOOK_OFF) {
			h->state = HC_HOOK_ATTACHED;
			h->reason[0] = '\0';
		} else if (!wanted && h->state == HC_HOOK_ATTACHED) {
			bpf_link__destroy(h->link);
			h->link = NULL;
			say_off(h);
		}
	}
	return live->started ? attach_hooks(live, err) : 0;
}

int hc_live_set_raises(struct hc_live *live, const struct hc_live_raise *v, size_t n, struct hc_err *err)
{
	static struct hc_dials unused;
	struct hc_type_set types, any;
	bool scoped = false;
	int r;

	for (size_t i = 0; i < n; i++)
		scoped |= v[i].scope != HC_LIVE_HOST;
	if (!live->may_raise ||
	    (scoped && (bpf_program__fd(live->skel->progs.hc_sys_raise) < 0 || live->raises.tree_fd < 0)))
		return hc_err_set(err, -ENOTSUP, "this kernel refuses the program that raises detail for some");
	r = hc_raises_plan(&live->raises, v, n);
	if (r < 0)
		return hc_err_set(err, r, "detail is raised for %d scopes, or was a second ago; end one first",
		                  HC_LIVE_MAX_RAISES);
	live->wanted.host_detail = live->raises.host_detail;
	live->wanted.host_snaplen = live->raises.host_snaplen;
	live->wanted.details_used = hc_raises_details(&live->raises);
	hc_detail_choose(&live->wanted, &unused, &types, &any);
	r = change_hooks(live, &any, err);
	turn_on(live, live->started);
	hc_raises_put(&live->raises, live->dials);
	if (r < 0)
		return r;
	r = hc_raises_fill(&live->raises, live->dials, v, n);
	return r < 0 ? hc_err_set(err, r, "cannot tell the kernel for whom detail is raised: %s",
	                          r == -ENOSPC ? "too many processes or control groups" : strerror(-r))
	             : 0;
}

void hc_live_tick(struct hc_live *live)
{
	hc_raises_settle(&live->raises);
}

void hc_live_set_shed(struct hc_live *live, enum hc_shed upto)
{
	/* all that is shed comes through the hook of system calls, which stays */
	live->wanted.shed = upto;
	turn_on(live, live->started);
}

int hc_live_shed_mode(const struct hc_live *live, enum hc_shed upto, unsigned type)
{
	return hc_detail_base(&live->wanted, type, upto);
}

uint32_t hc_live_shed_snaplen(const struct hc_live *live, enum hc_shed upto)
{
	return upto >= HC_SHED_PAYLOAD ? 0 : live->wanted.snaplen;
}

uint32_t hc_live_raised(const struct hc_live *live, uint64_t id)
{
	return hc_raises_count(&live->raises, id);
}

uint32_t hc_live_raise_missed(const struct hc_live *live)
{
	return live->dials->raise_missed;
}

struct hc_type_set hc_live_types_at(const struct hc_live *live, unsigned detail)
{
	struct hc_type_set set;

	memcpy(set.w, live->dials->detail[detail % HC_N_DETAILS].types, sizeof(set.w));
	return set;
}

unsigned hc_live_mode_at(const struct hc_live *live, unsigned detail, unsigned type)
{
	return type < HC_WIRE_MAX_TYPES ? live->dials->detail[detail % HC_N_DETAILS].mode[type] : 0;
}

unsigned hc_live_snaplen_at(const struct hc_live *live, unsigned type, uint32_t snaplen)
{
	unsigned base = hc_live_snaplen(live, type);

	snaplen = snaplen < HC_MAX_SNAPLEN ? snaplen : HC_MAX_SNAPLEN;
	return type < HC_WIRE_MAX_TYPES && live->dials->payload[type / 64] >> type % 64 & 1 && snaplen > base
	               ? snaplen
	               : base;
}

const char *hc_live_hierarchy(const struct hc_live *live)
{
	return live->hierarchy;
}

/* ---- recorders that follow each other ---- */

static void detach_hooks(struct hc_live *live)
{
	for (size_t i = 0; i < N_HOOKS; i++) {
		bpf_link__destroy(live->hooks[i].link);
		live->hooks[i].link = NULL;
	}
}

bool hc_live_is_pinned(const struct hc_live *live)
{
	return pin_prepared(live->pin);
}

bool hc_live_resumes(const struct hc_live *live)
{
	return hc_live_is_pinned(live) && pin_resumes(live->pin);
}

bool hc_live_handed_over(struct hc_live *live)
{
	if (hc_live_is_pinned(live) && live->started && !live->handed_over)
		live->handed_over = pin_handed_over(live->pin);
	return live->handed_over;
}

void hc_live_leave(struct hc_live *live)
{
	if (!hc_live_is_pinned(live)) {
		hc_live_stop(live);
		return;
	}
	live->dials->reader++;
	detach_hooks(live); /* gates stay; what has none, because it was attached for a raise alone, ends with this
	                       process */
	live->started = false;
}

struct hc_live_kept *hc_live_kept(struct hc_live *live)
{
	return hc_live_is_pinned(live) ? pin_kept(live->pin) : NULL;
}

struct told_cpu *hc_live_descriptions(struct hc_live *live)
{
	return hc_live_is_pinned(live) ? pin_descriptions(live->pin) : NULL;
}

void hc_live_told(struct hc_live *live, const struct hc_wire_count *count)
{
	if (hc_live_is_pinned(live))
		pin_told(live->pin, count);
}

size_t hc_live_look_left(struct hc_live *live)
{
	return hc_live_is_pinned(live) ? pin_look_left(live->pin) : 0;
}

struct hc_live_left *hc_live_left(struct hc_live *live, size_t i, struct hc_err *err)
{
	return pin_left(live->pin, i, err);
}

void hc_live_stop(struct hc_live *live)
{
	if (!live->started)
		return;
	turn_on(live, false);
	if (hc_live_is_pinned(live) && !live->handed_over)
		pin_remove(live->pin);
	detach_hooks(live);
	live->started = false;
}

struct hc_live *hc_live_close(struct hc_live *live)
{
	if (!live)
		return NULL;
	/* not ended by hc_live_stop: what waits, the next start may still read */
	if (live->dials && !hc_live_resumes(live))
		hc_live_stop(live);
	if (live->handed_over)
		pin_remove_own(live->pin);
	pin_close(live->pin);
	hc_merge_done(&live->merge);
	for (unsigned i = 0; live->ring_fds && i < n_ring_maps(live); i++) {
		if (live->ring_fds[i] >= 0)
			close(live->ring_fds[i]);
	}
	free(live->ring_fds);
	if (live->epoll_fd >= 0)
		close(live->epoll_fd);
	if (live->tracefs_fd >= 0)
		close(live->tracefs_fd);
	if (live->cpus)
		munmap(live->cpus, live->cpus_bytes);
	bpf_link__destroy(live->tree);
	recorder_bpf__destroy(live->skel);
	free(live);
	return NULL;
}

/* ---- reading ---- */

/* Front rings do not count: what finds no room there is not lost. */
static bool half_full(const struct hc_live *live)
{
	for (unsigned i = 0; i < live->n_bulk + live->n_sec; i++) {
		const struct hc_ring *r = &live->merge.rings[i];

		if (__atomic_load_n(r->producer, __ATOMIC_RELAXED) - r->pos > (r->mask + 1) / 2)
			return true;
	}
	return false;
}

int64_t hc_live_poll(struct hc_live *live, int timeout_ms, hc_live_fn fn, void *ctx)
{
	struct epoll_event events[8];
	uint64_t now;

	if (timeout_ms && epoll_wait(live->epoll_fd, events, 8, timeout_ms) < 0)
		return -errno;
	now = hc_clock_ns(CLOCK_BOOTTIME);
	return hc_merge_run(&live->merge, now, half_full(live) ? SLACK_FULL_NS : SLACK_NS, fn, ctx);
}

static uint64_t waiting(const struct hc_ring *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_RELAXED) - r->pos;
}

double hc_live_fill(const struct hc_live *live, bool security)
{
	unsigned from = security ? live->n_bulk : 0, n = security ? live->n_sec : live->n_bulk;
	double most = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct hc_ring *r = &live->merge.rings[from + i];
		uint64_t used = waiting(r), size = r->mask + 1;
		double fill = (double)used / (double)size;

		most = fill > most ? fill : most;
		for (unsigned k = i; k < live->n_fronts && !security; k += live->n_bulk) {
			used += waiting(&live->merge.rings[live->n_bulk + live->n_sec + k]);
			size += live->front_bytes;
		}
		fill = (double)used / (double)size;
		most = fill > most ? fill : most;
	}
	return most;
}

uint64_t hc_live_newest_ns(const struct hc_live *live)
{
	return live->merge.last_ts;
}

int hc_live_fd(const struct hc_live *live)
{
	return live->epoll_fd;
}

int64_t hc_live_drain(struct hc_live *live, hc_live_fn fn, void *ctx)
{
	return hc_merge_run(&live->merge, UINT64_MAX, 0, fn, ctx);
}

int64_t hc_live_snapshot(struct hc_live *live, hc_live_fn fn, void *ctx, struct hc_err *err)
{
	enum { CAPACITY = 256 * 1024 };
	struct bpf_link *link = bpf_program__attach_iter(live->skel->progs.hc_snapshot, NULL);
	uint8_t *buf = malloc(CAPACITY);
	size_t have = 0, at;
	int64_t n = 0;
	ssize_t got;
	int fd = -1, stop = 0;

	if (!link || !buf) {
		n = hc_err_set(err, link ? -ENOMEM : -errno, "cannot list the kernel's tasks: %s",
		               strerror(errno));
		goto out;
	}
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		n = hc_err_set(err, fd, "cannot list the kernel's tasks: %s", strerror(-fd));
		goto out;
	}
	while (!stop && (got = read(fd, buf + have, CAPACITY - have)) != 0) {
		if (got < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			n = hc_err_set(err, -errno, "cannot list the kernel's tasks: %s", strerror(errno));
			goto out;
		}
		have += (size_t)got;
		for (at = 0; have - at >= sizeof(struct hc_wire_head) && !stop;) {
			const struct hc_wire_head *h = (const struct hc_wire_head *)(const void *)(buf + at);
			struct hc_live_rec rec = { .head = h };

			if (h->bytes < sizeof(*h) || h->bytes > HC_WIRE_MAX_BYTES || h->bytes & 7) {
				n = hc_err_set(err, -EBADMSG, "the kernel's list of tasks is malformed");
				goto out;
			}
			if (have - at < h->bytes)
				break;
			stop = fn(ctx, &rec);
			n++;
			at += h->bytes;
		}
		memmove(buf, buf + at, have - at);
		have -= at;
	}
	if (stop)
		n = stop;
out:
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	free(buf);
	return n;
}

bool hc_live_gap_next(struct hc_live *live, struct hc_live_gap *ret_gap)
{
	struct hc_merge *m = &live->merge;

	if (!m->n_gaps)
		return false;
	*ret_gap = m->gaps[m->first_gap];
	m->first_gap = (m->first_gap + 1) % HC_MERGE_MAX_GAPS;
	m->n_gaps--;
	return true;
}

/* ---- asking ---- */

unsigned hc_live_n_cpus(const struct hc_live *live)
{
	return live->n_cpus;
}

static const struct hc_cpu *cpu_at(const struct hc_live *live, unsigned cpu)
{
	return (const struct hc_cpu *)(const void *)((const uint8_t *)live->cpus + live->cpu_stride * cpu);
}

struct hc_wire_count hc_live_count(const struct hc_live *live, unsigned cpu, unsigned type)
{
	if (cpu >= live->n_cpus || type >= HC_WIRE_MAX_TYPES)
		return (struct hc_wire_count){ 0 };
	return cpu_at(live, cpu)->count[type];
}

struct hc_wire_count hc_live_total(const struct hc_live *live, unsigned type)
{
	struct hc_wire_count sum = { 0 };

	for (unsigned cpu = 0; cpu < live->n_cpus; cpu++) {
		struct hc_wire_count c = hc_live_count(live, cpu, type);

		sum.seen += c.seen;
		sum.lost_full += c.lost_full;
		sum.lost_busy += c.lost_busy;
		sum.sampled += c.sampled;
		sum.filtered += c.filtered;
	}
	return sum;
}

int hc_live_usable(const struct hc_live *live)
{
	for (size_t i = 0; i < N_HOOKS; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);
		struct bpf_program *p = bpf_object__find_program_by_name(live->skel->obj, hook_descs[i].program);

		if (p && bpf_program__fd(p) >= 0)
			return bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &len) ? -errno : 0;
	}
	return 0;
}

static bool program_info(const struct hc_live *live, size_t i, struct bpf_prog_info *ret)
{
	struct bpf_program *p = bpf_object__find_program_by_name(live->skel->obj, hook_descs[i].program);
	int fd = p ? bpf_program__fd(p) : -1;
	uint32_t len = sizeof(*ret);

	if (hc_live_is_pinned(live) &&
	    pin_gate_fd(live->pin, i) >=
	            0) /* runs are counted by the program at the tracepoint, which is the gate */
		fd = pin_gate_fd(live->pin, i);
	memset(ret, 0, sizeof(*ret));
	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, ret, &len);
}

uint64_t hc_live_unhandled(const struct hc_live *live)
{
	uint64_t n = 0;

	for (unsigned cpu = 0; cpu < live->n_cpus; cpu++)
		n += cpu_at(live, cpu)->unknown;
	return n;
}

bool hc_live_program(const struct hc_live *live, size_t i, struct hc_live_program *ret)
{
	struct bpf_prog_info info;

	if (!program_info(live, i, &info))
		return false;
	*ret = (struct hc_live_program){ .name = hook_descs[i].program,
		                         .n_skipped = info.recursion_misses,
		                         .n_runs = info.run_cnt,
		                         .ns = info.run_time_ns };
	return true;
}

uint64_t hc_live_missed(struct hc_live *live)
{
	uint64_t n = hc_live_unhandled(live);
	struct bpf_prog_info info;

	if (hc_live_is_pinned(live))
		n += pin_missed(live->pin);
	for (size_t i = 0; i < N_HOOKS; i++) {
		if (hc_live_is_pinned(live) && pin_has_gate(live->pin, i))
			continue;
		if (program_info(live, i, &info))
			n += info.recursion_misses;
	}
	return n;
}

size_t hc_live_n_hooks(const struct hc_live *live)
{
	(void)live;
	return N_HOOKS;
}

struct hc_live_hook hc_live_hook(const struct hc_live *live, size_t i)
{
	return (struct hc_live_hook){ .name = hook_descs[i].tracepoint,
		                      .state = live->hooks[i].state,
		                      .reason = live->hooks[i].reason };
}

const struct hc_type_set *hc_live_types(const struct hc_live *live)
{
	return &live->types;
}

unsigned hc_live_mode(const struct hc_live *live, unsigned type)
{
	return type < HC_WIRE_MAX_TYPES ? live->dials->detail[0].mode[type] : 0;
}

unsigned hc_live_snaplen(const struct hc_live *live, unsigned type)
{
	return type < HC_WIRE_MAX_TYPES ? live->dials->snap[type] : 0;
}

size_t hc_live_ring_bytes(const struct hc_live *live)
{
	return live->ring_bytes;
}

size_t hc_live_rings_bytes(const struct hc_live *live, bool security)
{
	return security ? (size_t)live->n_sec * SEC_RING_BYTES
	                : live->n_bulk * live->ring_bytes + live->n_fronts * live->front_bytes;
}

uint32_t hc_live_self(const struct hc_live *live)
{
	return live->dials->self_tgid;
}

bool hc_live_cgroup_v2(const struct hc_live *live)
{
	return live->cgroup_v2;
}

int hc_live_skip_pid(struct hc_live *live, uint32_t tgid, bool skip)
{
	uint8_t one = 1;
	int r;

	if (!skip)
		r = bpf_map_delete_elem(map_fd(live, "hc_skip_pids"), &tgid);
	else
		r = bpf_map_update_elem(map_fd(live, "hc_skip_pids"), &tgid, &one, BPF_ANY);
	if (r)
		return r == -E2BIG ? -ENOSPC : r;
	if (skip)
		__atomic_fetch_or(&live->dials->filters, HC_FILTER_PID, __ATOMIC_RELAXED);
	return 0;
}

#endif /* HC_HAVE_BPF */
