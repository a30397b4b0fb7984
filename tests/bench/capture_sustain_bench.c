/*
 * A million events a second for ten seconds: a child on one CPU makes system calls at that pace, the recorder on
 * the other writes them all (profile full) to a capture below $TMPDIR. Prints what was offered, lost, paid and
 * kept. The calls are a fixed mix of cheap ones (read, write, lseek, getppid), so that the pace, not the work, is
 * the load.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/record.h"

enum { RATE = 1000000, SECONDS = 10, BATCH = 1000 };

struct shared {
	volatile int go;
	volatile uint64_t made;
	volatile int done;
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

/* One batch is BATCH calls, begun every BATCH / RATE seconds by a clock that needs no system call. */
static void load(struct shared *s)
{
	char buf[64];
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	uint64_t next, end;

	pin(0);
	while (!s->go)
		usleep(1000);
	next = now(CLOCK_MONOTONIC);
	end = next + (uint64_t)SECONDS * 1000000000u;
	while (next < end) {
		for (int i = 0; i < BATCH / 4; i++) {
			if (read(zero, buf, sizeof(buf)) < 0 || write(null, buf, sizeof(buf)) < 0)
				_exit(1);
			lseek(zero, i, SEEK_SET);
			syscall(SYS_getppid);
		}
		s->made += BATCH;
		next += (uint64_t)BATCH * 1000000000u / RATE;
		while (now(CLOCK_MONOTONIC) < next)
			;
	}
	s->done = 1;
	_exit(0);
}

static void figure(const char *name, double value, const char *unit, double baseline)
{
	if (baseline > 0)
		printf("%s,%.3f,%s,%.3f,%.3f\n", name, value, unit, baseline, value / baseline);
	else
		printf("%s,%.3f,%s,,\n", name, value, unit);
}

int main(void)
{
	char dir[512], cmd[600];
	const char *tmp = getenv("TMPDIR");
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct hc_record_opts opts = { .dir = dir, .tool = "hindcast bench", .profile = HC_PROFILE_FULL };
	struct hc_record_summary sum;
	struct hc_record *r = NULL;
	struct hc_err err = { 0 };
	struct rusage ru;
	uint64_t cpu0, cpu, from, lasted;
	pid_t child;
	int q, status;

	if (s == MAP_FAILED)
		return 1;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("needs two CPUs\n");
		return 77;
	}
	snprintf(dir, sizeof(dir), "%s/hindcast-sustain-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return 1;
	child = fork();
	if (child == 0)
		load(s);
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
	from = now(CLOCK_MONOTONIC);
	s->go = 1;
	while (!s->done && (q = hc_record_step(r, 50, &err)) == 0)
		;
	lasted = now(CLOCK_MONOTONIC) - from;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu0;
	getrusage(RUSAGE_SELF, &ru);
	if (q < 0 || hc_record_stop(r, "bench", &sum, &err) < 0) {
		fprintf(stderr, "recording failed: %s\n", err.msg);
		kill(child, SIGKILL);
		return 1;
	}
	waitpid(child, &status, 0);
	figure("record.offered_rate", (double)s->made / ((double)lasted / 1e9), "events/s", RATE);
	figure("record.rows", (double)sum.n_rows, "rows", (double)s->made);
	figure("record.lost", (double)sum.n_lost, "events", 0);
	figure("record.cpu_per_event", (double)cpu / (double)(sum.n_rows ? sum.n_rows : 1), "ns", 600);
	figure("record.rss", (double)ru.ru_maxrss / 1024, "MiB", 150);
	figure("record.bytes_per_event", (double)sum.bytes / (double)(sum.n_rows ? sum.n_rows : 1), "bytes", 5);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd) == 0 ? 0 : 1;
}
