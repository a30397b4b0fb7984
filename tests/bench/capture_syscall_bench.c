/* What recording costs the recorded: nanoseconds added to a system call, against the same loop untraced and
 * against the floor programs (floor.bpf.c). One process on CPU 0 runs the loops; this one consumes on CPU 1. Every
 * round measures every combination once, so that other load on the machine meets all of them; medians are
 * compared. Then: how many events a second pass without a gap.
 *
 * Figures (name,value,unit,baseline,ratio): ns added per call, held against what the floor adds.
 *
 * With --hold it measures nothing, and keeps the program that does nothing attached; with --hold openat the one
 * that records opens in the plainest way (record_overhead.py). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/live.h"

#if !HC_HAVE_BPF

int main(void)
{
	puts("built without BPF");
	return 77;
}

#else

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/floor.skel.h"

enum { N_ROUNDS = 9, SUSTAIN_S = 10, SUSTAIN_PER_S = 1000000 };

enum loop { LOOP_GETPPID, LOOP_OPENAT, LOOP_CONNECT, LOOP_READ, LOOP_WRITE, LOOP_SUSTAIN, N_LOOPS };
enum state {
	STATE_NONE,
	STATE_EMPTY,
	STATE_FLOOR,
	STATE_IGNORED,
	STATE_IGNORED_ENTRY,
	STATE_RECORDED,
	STATE_SAMPLED,
	N_STATES
};

static const struct {
	const char *name;
	long nr;
	unsigned iterations;
} loops[] = {
	[LOOP_GETPPID] = { "getppid", SYS_getppid, 200000 },
	[LOOP_OPENAT] = { "openat_depth3", SYS_openat, 40000 },
	[LOOP_CONNECT] = { "connect_udp", SYS_connect, 60000 },
	[LOOP_READ] = { "read64", SYS_read, 150000 },
	[LOOP_WRITE] = { "write64", SYS_write, 150000 },
};

static int to_child[2], from_child[2];
static char deep_file[] = "/tmp/hcbenchXXXXXX/b/file";

static uint64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) && cpu == 0)
		perror("sched_setaffinity");
}

/* ---- the process that is recorded ---- */

static double run_loop(enum loop loop)
{
	unsigned n = loops[loop].iterations;
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(9),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char buf[64] = "";
	int fd = -1;
	uint64_t t;

	if (loop == LOOP_CONNECT)
		fd = socket(AF_INET, SOCK_DGRAM, 0);
	else if (loop == LOOP_READ)
		fd = open("/dev/zero", O_RDONLY);
	else if (loop == LOOP_WRITE)
		fd = open("/dev/null", O_WRONLY);
	t = thread_ns();
	switch (loop) {
	case LOOP_GETPPID:
		for (unsigned i = 0; i < n; i++)
			syscall(SYS_getppid);
		break;
	case LOOP_OPENAT:
		for (unsigned i = 0; i < n; i++)
			close((int)syscall(SYS_openat, AT_FDCWD, deep_file, O_RDONLY));
		break;
	case LOOP_CONNECT:
		for (unsigned i = 0; i < n; i++)
			syscall(SYS_connect, fd, &to, sizeof(to));
		break;
	case LOOP_READ:
		for (unsigned i = 0; i < n; i++)
			syscall(SYS_read, fd, buf, sizeof(buf));
		break;
	case LOOP_WRITE:
		for (unsigned i = 0; i < n; i++)
			syscall(SYS_write, fd, buf, sizeof(buf));
		break;
	default:
		break;
	}
	t = thread_ns() - t;
	if (fd >= 0)
		close(fd);
	return (double)t / n;
}

/* SUSTAIN_PER_S calls a second, in bursts of a millisecond's worth. Returns how many were made. */
static double run_sustained(void)
{
	uint64_t start = mono_ns(), n = 0;

	for (;;) {
		uint64_t now = mono_ns() - start, due = now / 1000 * (SUSTAIN_PER_S / 1000) / 1000;

		if (now >= UINT64_C(1000000000) * SUSTAIN_S)
			return (double)n;
		for (; n < due; n++)
			syscall(SYS_getppid);
	}
}

static void child(void)
{
	char loop;

	pin(0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(to_child[0], &loop, 1) == 1) {
		double ns = loop == LOOP_SUSTAIN ? run_sustained() : run_loop((enum loop)loop);

		if (write(from_child[1], &ns, sizeof(ns)) != sizeof(ns))
			break;
	}
	_exit(0);
}

/* ---- the process that records ---- */

static int discard(void *ctx, const struct hc_live_rec *rec)
{
	uint64_t *sum = ctx;

	*sum += rec->head->bytes;
	return 0;
}

static int discard_floor(void *ctx, void *data, size_t bytes)
{
	(void)ctx;
	(void)data;
	(void)bytes;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	double sorted[N_ROUNDS];

	memcpy(sorted, v, sizeof(sorted));
	qsort(sorted, N_ROUNDS, sizeof(*sorted), by_value);
	return sorted[N_ROUNDS / 2];
}

static struct floor_bpf *floor_skel;
static struct ring_buffer *floor_ring;
static uint64_t sum_bytes;

/* Attaches a floor program until standard input ends, for benchmarks of whole programs: the one that does nothing,
 * or with `opens` the one that records 64 bytes of each openat, which are read and thrown away. */
static int hold(bool opens)
{
	struct floor_bpf *skel = geteuid() ? NULL : floor_bpf__open_and_load();
	struct bpf_link *link = NULL;
	struct ring_buffer *ring = NULL;
	struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };

	if (skel) {
		skel->data->floor_nr = SYS_openat;
		link = bpf_program__attach(opens ? skel->progs.floor_record : skel->progs.floor_empty);
		ring = ring_buffer__new(bpf_map__fd(skel->maps.floor_ring), discard_floor, NULL, NULL);
	}
	if (!link || !ring) {
		puts("cannot attach the floor program");
		return 77;
	}
	puts("attached");
	while (poll(&end, 1, opens ? 10 : -1) == 0)
		ring_buffer__consume(ring);
	bpf_link__destroy(link);
	ring_buffer__free(ring);
	floor_bpf__destroy(skel);
	return 0;
}

/* Has the child run `loop` while everything it causes is consumed. */
static double measure(enum loop loop, struct hc_live *live)
{
	char c = (char)loop;
	double ns = 0;

	if (write(to_child[1], &c, 1) != 1)
		exit(1);
	fcntl(from_child[0], F_SETFL, O_NONBLOCK);
	while (read(from_child[0], &ns, sizeof(ns)) != sizeof(ns)) {
		struct timespec pause = { .tv_nsec = 200000 };

		if (live)
			hc_live_poll(live, 0, discard, &sum_bytes);
		else
			ring_buffer__consume(floor_ring);
		nanosleep(&pause, NULL);
	}
	return ns;
}

static struct hc_live *open_live(const unsigned *types, size_t n, bool entry)
{
	struct hc_type_set only = { 0 };
	/* no types: the profile `security` */
	struct hc_live_options opt = { .profile = n ? HC_PROFILE_FULL : HC_PROFILE_SECURITY,
		                       .only = n ? &only : NULL,
		                       .no_entry = !entry };
	struct hc_live *live = NULL;
	struct hc_err err = { 0 };

	for (size_t i = 0; i < n; i++)
		hc_type_set_add(&only, types[i]);
	if (hc_live_open(&opt, &live, &err)) {
		printf("cannot record here: %s\n", err.msg);
		exit(77);
	}
	return live;
}

static double in_state(enum state state, enum loop loop, struct hc_live *live)
{
	struct bpf_link *link = NULL;
	struct hc_err err = { 0 };
	double ns;

	if (state == STATE_EMPTY)
		link = bpf_program__attach(floor_skel->progs.floor_empty);
	if (state == STATE_FLOOR) {
		floor_skel->data->floor_nr = (uint64_t)loops[loop].nr;
		link = bpf_program__attach(floor_skel->progs.floor_record);
	}
	if (live && hc_live_start(live, &err)) {
		printf("cannot record here: %s\n", err.msg);
		exit(77);
	}
	ns = measure(loop, live);
	if (live) {
		hc_live_stop(live);
		hc_live_drain(live, discard, &sum_bytes);
	}
	bpf_link__destroy(link);
	return ns;
}

static void figure(const char *what, const char *loop, double value, const char *unit, double baseline)
{
	printf("%s_%s,%.1f,%s,%.1f,%.3f\n", what, loop, value, unit, baseline,
	       baseline > 0 ? value / baseline : 0);
}

static void sustained(struct hc_live *live)
{
	struct hc_err err = { 0 };
	struct hc_live_gap gap;
	uint64_t lost = 0, seen, cpu;
	double made;

	sum_bytes = 0;
	if (hc_live_start(live, &err))
		exit(77);
	seen = hc_live_total(live, HC_EV_SYS).seen;
	cpu = thread_ns();
	made = 0;
	{
		char c = LOOP_SUSTAIN;

		if (write(to_child[1], &c, 1) != 1)
			exit(1);
		while (read(from_child[0], &made, sizeof(made)) != sizeof(made))
			hc_live_poll(live, 20, discard, &sum_bytes);
	}
	cpu = thread_ns() - cpu;
	hc_live_stop(live);
	hc_live_drain(live, discard, &sum_bytes);
	seen = hc_live_total(live, HC_EV_SYS).seen - seen;
	while (hc_live_gap_next(live, &gap))
		lost += gap.count;
	printf("sustained_events,%.0f,1/s,%d,%.3f\n", (double)seen / SUSTAIN_S, SUSTAIN_PER_S,
	       (double)seen / SUSTAIN_S / SUSTAIN_PER_S);
	printf("sustained_lost,%llu,events,,\n", (unsigned long long)lost);
	printf("sustained_consumer,%.1f,ns/event,,\n", (double)cpu / (double)seen);
}

int main(int argc, char **argv)
{
	static double v[N_LOOPS][N_STATES][N_ROUNDS];
	const unsigned typed[] = { HC_EV_OPENAT, HC_EV_CONNECT, HC_EV_READ, HC_EV_WRITE };
	const unsigned sys[] = { HC_EV_SYS };
	const unsigned entry[] = { HC_EV_MPROTECT, HC_EV_PKEY_MPROTECT };
	struct hc_live *live_typed, *live_sys, *live_entry, *live_security;
	double none, floor_ns, empty;
	pid_t pid;
	char *slash;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc >= 2 && !strcmp(argv[1], "--hold"))
		return hold(argc > 2 && !strcmp(argv[2], "openat"));
	if (geteuid()) {
		puts("needs root");
		return 77;
	}
	/* a file three components deep */
	deep_file[18] = '\0';
	if (!mkdtemp(deep_file) || (deep_file[18] = '/', slash = strrchr(deep_file, '/'), *slash = '\0', 0) ||
	    mkdir(deep_file, 0700) || (*slash = '/', 0) || close(open(deep_file, O_CREAT | O_WRONLY, 0600))) {
		perror(deep_file);
		return 1;
	}
	if (pipe2(to_child, O_CLOEXEC) || pipe2(from_child, O_CLOEXEC))
		return 1;
	pid = fork();
	if (!pid)
		child();
	pin(1);
	live_typed = open_live(typed, sizeof(typed) / sizeof(typed[0]), false);
	live_sys = open_live(sys, 1, false);
	live_entry = open_live(entry, 2, true);
	live_security = open_live(NULL, 0, true);
	floor_skel = floor_bpf__open_and_load();
	if (!floor_skel) {
		puts("cannot load the floor program");
		return 77;
	}
	floor_ring = ring_buffer__new(bpf_map__fd(floor_skel->maps.floor_ring), discard_floor, NULL, NULL);
	if (!floor_ring)
		return 1;
	for (unsigned round = 0; round < N_ROUNDS; round++) {
		for (enum loop loop = 0; loop < LOOP_SUSTAIN; loop++) {
			v[loop][STATE_NONE][round] = in_state(STATE_NONE, loop, NULL);
			v[loop][STATE_FLOOR][round] = in_state(STATE_FLOOR, loop, NULL);
			v[loop][STATE_RECORDED][round] =
				in_state(STATE_RECORDED, loop, loop == LOOP_GETPPID ? live_sys : live_typed);
		}
		v[LOOP_READ][STATE_SAMPLED][round] = in_state(STATE_SAMPLED, LOOP_READ, live_security);
		v[LOOP_GETPPID][STATE_EMPTY][round] = in_state(STATE_EMPTY, LOOP_GETPPID, NULL);
		v[LOOP_GETPPID][STATE_IGNORED][round] = in_state(STATE_IGNORED, LOOP_GETPPID, live_typed);
		v[LOOP_GETPPID][STATE_IGNORED_ENTRY][round] =
			in_state(STATE_IGNORED_ENTRY, LOOP_GETPPID, live_entry);
	}
	for (enum loop loop = 0; loop < LOOP_SUSTAIN; loop++) {
		none = median(v[loop][STATE_NONE]);
		floor_ns = median(v[loop][STATE_FLOOR]) - none;
		printf("untraced_%s,%.1f,ns,,\n", loops[loop].name, none);
		figure("recorded", loops[loop].name, median(v[loop][STATE_RECORDED]) - none, "ns_added", floor_ns);
	}
	none = median(v[LOOP_READ][STATE_NONE]);
	figure("sampled_out", "read64", median(v[LOOP_READ][STATE_SAMPLED]) - none, "ns_added",
	       median(v[LOOP_READ][STATE_FLOOR]) - none);
	none = median(v[LOOP_GETPPID][STATE_NONE]);
	empty = median(v[LOOP_GETPPID][STATE_EMPTY]) - none;
	figure("ignored", "syscall", median(v[LOOP_GETPPID][STATE_IGNORED]) - none, "ns_added", empty);
	figure("ignored", "syscall_entry_images", median(v[LOOP_GETPPID][STATE_IGNORED_ENTRY]) - none, "ns_added",
	       empty);
	sustained(live_sys);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(deep_file);
	*strrchr(deep_file, '/') = '\0';
	rmdir(deep_file);
	*strrchr(deep_file, '/') = '\0';
	rmdir(deep_file);
	hc_live_close(live_typed);
	hc_live_close(live_sys);
	hc_live_close(live_entry);
	hc_live_close(live_security);
	ring_buffer__free(floor_ring);
	floor_bpf__destroy(floor_skel);
	return 0;
}

#endif
