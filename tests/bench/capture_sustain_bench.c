/*
 * A million events a second for ten seconds: a child on one CPU makes them, the recorder on the other writes them
 * all (profile full) to a capture below $TMPDIR. Prints what was offered, lost, paid and kept.
 *
 * Two loads. `record`: operations submitted through io_uring in batches, each a row of its own, with system calls
 * between them: one core can offer a million a second whatever a traced system call costs here. `record_calls`:
 * system calls alone, as many as the core can make up to the same pace. Both are fixed mixes of cheap operations
 * (reads of /dev/zero, writes to /dev/null, lseek, getppid), so that the pace, not the work, is the load.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/io_uring.h>

#include "capture/record.h"

enum { RATE = 1000000, SECONDS = 10, BATCH = 1000, RING_ENTRIES = 256, CALLS_PER_RING = 24 };

struct shared {
	volatile int go;
	volatile uint64_t made;              /* events offered */
	volatile uint64_t lasted_ns, cpu_ns; /* of the generator */
	volatile int done;                   /* 1, or -1: this load cannot be made here */
};

struct uring {
	int fd;
	unsigned *sq_tail, *cq_head, *cq_tail;
	unsigned sq_mask, *sq_array;
	struct io_uring_sqe *sqe;
};

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int uring_open(struct uring *u)
{
	struct io_uring_params p = { 0 };
	uint8_t *sq, *cq;

	u->fd = (int)syscall(SYS_io_uring_setup, RING_ENTRIES, &p);
	if (u->fd < 0)
		return -1;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned), PROT_READ | PROT_WRITE,
	          MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
	          MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_CQ_RING);
	u->sqe = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
	              MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || u->sqe == MAP_FAILED)
		return -1;
	u->sq_tail = (unsigned *)(void *)(sq + p.sq_off.tail);
	u->sq_mask = *(unsigned *)(void *)(sq + p.sq_off.ring_mask);
	u->sq_array = (unsigned *)(void *)(sq + p.sq_off.array);
	u->cq_head = (unsigned *)(void *)(cq + p.cq_off.head);
	u->cq_tail = (unsigned *)(void *)(cq + p.cq_off.tail);
	return 0;
}

/* One batch: reads and writes in turn, all done when this returns. Returns the events made, 0 on failure. */
static unsigned uring_batch(struct uring *u, int zero, int null, char *buf, size_t bytes)
{
	unsigned tail = *u->sq_tail;

	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		unsigned at = (tail + i) & u->sq_mask;
		struct io_uring_sqe *q = &u->sqe[at];

		memset(q, 0, sizeof(*q));
		q->opcode = i & 1 ? IORING_OP_WRITE : IORING_OP_READ;
		q->fd = i & 1 ? null : zero;
		q->addr = (uint64_t)(uintptr_t)buf;
		q->len = (unsigned)bytes;
		u->sq_array[at] = at;
	}
	__atomic_store_n(u->sq_tail, tail + RING_ENTRIES, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, u->fd, RING_ENTRIES, RING_ENTRIES, IORING_ENTER_GETEVENTS, NULL, 0) !=
	    RING_ENTRIES)
		return 0;
	__atomic_store_n(u->cq_head, __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	return RING_ENTRIES + 1; /* io_uring_enter itself is one */
}

static unsigned calls(unsigned n, int zero, int null, char *buf, size_t bytes)
{
	for (unsigned i = 0; i < n / 4; i++) {
		if (read(zero, buf, bytes) < 0 || write(null, buf, bytes) < 0)
			return 0;
		lseek(zero, i, SEEK_SET);
		syscall(SYS_getppid);
	}
	return n / 4 * 4;
}

/* Batches are begun at the pace by a clock that needs no system call. */
static void load(struct shared *s, bool with_uring)
{
	char buf[64];
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct uring u = { .fd = -1 };
	uint64_t start, end, at, cpu;

	pin(0);
	if (with_uring && uring_open(&u) < 0) {
		s->done = -1;
		_exit(1);
	}
	while (!s->go)
		usleep(1000);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	start = at = now(CLOCK_MONOTONIC);
	end = start + (uint64_t)SECONDS * 1000000000u;
	while (at < end) {
		unsigned a = with_uring ? uring_batch(&u, zero, null, buf, sizeof(buf)) : 0;
		unsigned b = calls(with_uring ? CALLS_PER_RING : BATCH, zero, null, buf, sizeof(buf));

		if (!b || (with_uring && !a)) {
			s->done = -1;
			_exit(1);
		}
		s->made += a + b;
		while ((at = now(CLOCK_MONOTONIC)) < start + s->made * 1000 * (1000000 / RATE))
			;
	}
	s->lasted_ns = at - start;
	s->cpu_ns = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	s->done = 1;
	_exit(0);
}

static void figure(const char *set, const char *name, double value, const char *unit, double baseline)
{
	if (baseline > 0)
		printf("%s.%s,%.3f,%s,%.3f,%.3f\n", set, name, value, unit, baseline, value / baseline);
	else
		printf("%s.%s,%.3f,%s,,\n", set, name, value, unit);
}

/* One load in processes of its own: the figures of memory are of one recording. */
static int measure(const char *set, bool with_uring)
{
	char dir[512], cmd[600];
	const char *tmp = getenv("TMPDIR");
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct hc_record_opts opts = { .dir = dir, .tool = "hindcast bench", .profile = HC_PROFILE_FULL };
	struct hc_record_summary sum;
	struct hc_record *r = NULL;
	struct hc_err err = { 0 };
	struct rusage ru;
	uint64_t cpu0, cpu;
	pid_t child;
	int q, status;

	if (s == MAP_FAILED)
		return 1;
	snprintf(dir, sizeof(dir), "%s/hindcast-sustain-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		load(s, with_uring);
	pin(1);
	q = hc_record_open(&opts, &r, &err);
	if (q == 0)
		q = hc_record_start(r, &err);
	if (q < 0) {
		kill(child, SIGKILL);
		printf("cannot record here: %s\n", err.msg);
		return 77;
	}
	cpu0 = now(CLOCK_PROCESS_CPUTIME_ID);
	s->go = 1;
	while (!s->done && (q = hc_record_step(r, 50, &err)) == 0)
		;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu0;
	getrusage(RUSAGE_SELF, &ru);
	if (q < 0 || hc_record_stop(r, "bench", &sum, &err) < 0) {
		fprintf(stderr, "recording failed: %s\n", err.msg);
		kill(child, SIGKILL);
		return 1;
	}
	waitpid(child, &status, 0);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	if (system(cmd) != 0)
		return 1;
	if (s->done < 0) {
		printf("the load cannot be made here%s\n", with_uring ? ": is io_uring allowed?" : "");
		return 77;
	}
	figure(set, "offered_rate", (double)s->made / ((double)s->lasted_ns / 1e9), "events/s", RATE);
	figure(set, "rows", (double)sum.n_rows, "rows", (double)s->made);
	figure(set, "lost", (double)sum.n_lost, "events", 0);
	figure(set, "cpu_per_event", (double)cpu / (double)(sum.n_rows ? sum.n_rows : 1), "ns", 1e9 / RATE);
	figure(set, "generator_cpu_per_event", (double)s->cpu_ns / (double)s->made, "ns", 0);
	figure(set, "rss", (double)ru.ru_maxrss / 1024, "MiB", 150);
	figure(set, "bytes_per_event", (double)sum.bytes / (double)(sum.n_rows ? sum.n_rows : 1), "bytes", 5);
	return 0;
}

int main(void)
{
	static const char *const sets[] = { "record", "record_calls" };

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("needs two CPUs\n");
		return 77;
	}
	for (int i = 0; i < 2; i++) {
		pid_t child;
		int status;

		fflush(NULL);
		child = fork();
		if (child < 0)
			return 1;
		if (child == 0)
			exit(measure(sets[i], i == 0));
		if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
			return 1;
		if (WEXITSTATUS(status))
			return WEXITSTATUS(status);
	}
	return 0;
}
