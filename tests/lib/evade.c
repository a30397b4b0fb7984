/*
 * evade DEED ARG...: does one thing in a way that a recorder of system call entries does not see, or sees wrongly.
 * Exit code 77: this kernel or machine has no such way; 1: it failed.
 *
 *   uring|sqpoll FILE PORT   opens FILE for writing, writes, connects to 127.0.0.1:PORT, all by io_uring
 *   uring-quiet FILE         the same without a completion where it works; its name is as long as a path may be
 *   uring-full FILE          opens FILE by io_uring while no completion finds room
 *   uring-direct FILE        opens FILE by io_uring without a descriptor, reads from it
 *   uring-accept             accepts two connections by one request
 *   uring-wait PORT-FILE     waits by io_uring for a connection to the port that it writes into PORT-FILE
 *   uring-many PORT-FILE     the same for two, with one request
 *   uring-single PORT-FILE   the same with a ring that says that one thread alone submits to it
 *   uring-refused PORT       connects to 127.0.0.1:PORT by io_uring, where nobody listens
 *   int80-open FILE          opens by the 32-bit call from 64-bit code
 *   int80-exec PROGRAM       the same for execve
 *   int80-utimes FILE        the same for utimes, whose times are narrow
 *   thread-open FILE         opens in a thread
 *   thread-exec PROGRAM      a thread that is not the leader runs a program
 *   vfork-exec PROGRAM
 *   memfd-exec PROGRAM       runs a copy of it that has no name
 *   deleted-exec PROGRAM     removes it, and runs it by its descriptor
 *   handle-open FILE DIR     opens by handle, not by name; DIR is on the same file system
 *   caps-set FILE            gives FILE the capability NET_RAW
 *   race-open LINK A B       opens LINK, which leads to A; makes it lead to B at once
 *   wait-open GO FILE        waits until GO exists, then opens FILE
 *   noise SECONDS            makes records of the security classes as fast as it can, in a process for each CPU
 *   storm SECONDS            reads and writes as fast as it can, in a process for each CPU
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? 77 : 1;
}

/* ---- io_uring ---- */

struct uring {
	int fd;
	bool polls;
	uint32_t *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
};

static int uring_make(struct uring *u, uint32_t flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 1000 };
	uint8_t *sq, *cq;

	u->polls = flags & IORING_SETUP_SQPOLL;
	u->fd = (int)syscall(SYS_io_uring_setup, 8, &p);
	if (u->fd < 0)
		return -1;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
	          u->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*u->cqe), PROT_READ | PROT_WRITE,
	          MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_CQ_RING);
	u->sqe = mmap(NULL, p.sq_entries * sizeof(*u->sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
	              u->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || u->sqe == MAP_FAILED)
		return -1;
	u->sq_tail = (uint32_t *)(void *)(sq + p.sq_off.tail);
	u->sq_mask = (uint32_t *)(void *)(sq + p.sq_off.ring_mask);
	u->sq_array = (uint32_t *)(void *)(sq + p.sq_off.array);
	u->sq_flags = (uint32_t *)(void *)(sq + p.sq_off.flags);
	u->cq_head = (uint32_t *)(void *)(cq + p.cq_off.head);
	u->cq_tail = (uint32_t *)(void *)(cq + p.cq_off.tail);
	u->cq_mask = (uint32_t *)(void *)(cq + p.cq_off.ring_mask);
	u->cqe = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
	return 0;
}

/* One request, and its result. */
static int uring_do(struct uring *u, const struct io_uring_sqe *sqe)
{
	uint32_t tail = *u->sq_tail, idx = tail & *u->sq_mask, head = *u->cq_head;
	unsigned flags = IORING_ENTER_GETEVENTS;
	int r;

	u->sqe[idx] = *sqe;
	u->sq_array[idx] = idx;
	__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_SEQ_CST);
	if (u->polls && __atomic_load_n(u->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	while (__atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE) == head)
		if (syscall(SYS_io_uring_enter, u->fd, u->polls ? 0 : 1, 1, flags, NULL, 0) < 0 && errno != EINTR)
			return -errno;
	r = u->cqe[head & *u->cq_mask].res;
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return r;
}

static int uring(char **a, bool polls)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons((uint16_t)atoi(a[1])),
		                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int sock = socket(AF_INET, SOCK_STREAM, 0), fd, r;
	struct uring u;

	if (uring_make(&u, polls ? IORING_SETUP_SQPOLL : 0) < 0)
		return fail("io_uring_setup");
	fd = uring_do(&u, &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
	                                          .fd = AT_FDCWD,
	                                          .addr = (uintptr_t)a[0],
	                                          .len = 0600,
	                                          .open_flags = O_WRONLY | O_CREAT });
	if (fd < 0)
		return fprintf(stderr, "open: %s\n", strerror(-fd)), 1;
	r = uring_do(&u, &(struct io_uring_sqe){
				 .opcode = IORING_OP_WRITE, .fd = fd, .addr = (uintptr_t) "by ring\n", .len = 8 });
	if (r != 8)
		return fprintf(stderr, "write: %d\n", r), 1;
	r = uring_do(&u,
	             &(struct io_uring_sqe){
			     .opcode = IORING_OP_CONNECT, .fd = sock, .addr = (uintptr_t)&to, .off = sizeof(to) });
	return r < 0 ? (fprintf(stderr, "connect: %s\n", strerror(-r)), 1) : 0;
}

static int do_uring(char **a)
{
	return uring(a, false);
}

static int do_sqpoll(char **a)
{
	return uring(a, true);
}

/* Hands requests over, and does not look for what comes of them. */
static int uring_put(struct uring *u, const struct io_uring_sqe *sqe, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t tail = *u->sq_tail, idx = tail & *u->sq_mask;

		u->sqe[idx] = sqe[i];
		u->sq_array[idx] = idx;
		__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_SEQ_CST);
	}
	return (int)syscall(SYS_io_uring_enter, u->fd, n, 0, 0, NULL, 0) == (int)n ? 0 : -errno;
}

static struct io_uring_sqe open_sqe(const char *name, int flags)
{
	return (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
		                      .fd = AT_FDCWD,
		                      .addr = (uintptr_t)name,
		                      .len = 0600,
		                      .open_flags = (uint32_t)flags };
}

static int do_uring_quiet(char **a)
{
	char name[4096];
	size_t n = strlen(a[0]);
	struct io_uring_sqe sqe;
	struct uring u;

	if (uring_make(&u, 0) < 0)
		return fail("io_uring_setup");
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = (sizeof(name) - 1 - n - i) % 2 ? '/' : '.';
	memcpy(name + sizeof(name) - 1 - n, a[0], n + 1);
	sqe = open_sqe(name + (name[0] == '/'), O_WRONLY | O_CREAT);
	sqe.flags = IOSQE_CQE_SKIP_SUCCESS;
	if (uring_put(&u, &sqe, 1) < 0)
		return fail("io_uring_enter");
	for (int i = 0; i < 1000 && access(a[0], F_OK) < 0; i++)
		usleep(1000);
	return access(a[0], F_OK) < 0 ? fail(a[0]) : 0;
}

static int do_uring_full(char **a)
{
	struct io_uring_sqe nop[8] = { { .opcode = IORING_OP_NOP } }, sqe = open_sqe(a[0], O_WRONLY | O_CREAT);
	struct uring u;

	if (uring_make(&u, 0) < 0)
		return fail("io_uring_setup");
	if (uring_put(&u, nop, 8) < 0 || uring_put(&u, nop, 8) < 0 || uring_put(&u, &sqe, 1) < 0)
		return fail("io_uring_enter");
	for (int i = 0; i < 1000 && access(a[0], F_OK) < 0; i++)
		usleep(1000);
	return access(a[0], F_OK) < 0 ? fail(a[0]) : 0;
}

static int do_uring_direct(char **a)
{
	int none[2] = { -1, -1 }, r;
	char buf[8];
	struct io_uring_sqe sqe = open_sqe(a[0], O_RDONLY);
	struct uring u;

	if (uring_make(&u, 0) < 0)
		return fail("io_uring_setup");
	if (syscall(SYS_io_uring_register, u.fd, IORING_REGISTER_FILES, none, 2) < 0)
		return fail("io_uring_register");
	sqe.file_index = 2;
	r = uring_do(&u, &sqe);
	if (r < 0)
		return fprintf(stderr, "open: %s\n", strerror(-r)), 1;
	r = uring_do(&u, &(struct io_uring_sqe){ .opcode = IORING_OP_READ,
	                                         .flags = IOSQE_FIXED_FILE,
	                                         .fd = 1,
	                                         .addr = (uintptr_t)buf,
	                                         .len = sizeof(buf) });
	return r < 0 ? (fprintf(stderr, "read: %s\n", strerror(-r)), 1) : 0;
}

/* A port of 127.0.0.1 that listens. */
static int listening(struct sockaddr_in *ret_at)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int server = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof(at);

	if (bind(server, (struct sockaddr *)&at, n) < 0 || listen(server, 9) < 0 ||
	    getsockname(server, (struct sockaddr *)&at, &n) < 0)
		return -1;
	*ret_at = at;
	return server;
}

/* Asks a new ring for connections to a new socket. */
static int uring_accept(struct uring *u, struct io_uring_sqe *sqe, struct sockaddr_in *at, uint32_t flags)
{
	sqe->fd = listening(at);
	if (sqe->fd < 0)
		return fail("listen");
	if (uring_make(u, flags) < 0)
		return flags && errno == EINVAL ? 77 : fail("io_uring_setup");
	return uring_put(u, sqe, 1) < 0 ? fail("io_uring_enter") : 0;
}

static int do_uring_accept(char **a)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_ACCEPT,
		                    .ioprio = IORING_ACCEPT_MULTISHOT,
		                    .user_data = 7 };
	struct sockaddr_in at;
	struct uring u;
	int code;

	(void)a;
	code = uring_accept(&u, &sqe, &at, 0);
	if (code)
		return code;
	for (uint32_t i = 0; i < 2; i++) {
		int s = socket(AF_INET, SOCK_STREAM, 0), r;

		if (connect(s, (struct sockaddr *)&at, sizeof(at)) < 0)
			return fail("connect");
		while (__atomic_load_n(u.cq_tail, __ATOMIC_ACQUIRE) == i)
			if (syscall(SYS_io_uring_enter, u.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
				return fail("io_uring_enter");
		r = u.cqe[i & *u.cq_mask].res;
		if (r < 0)
			return fprintf(stderr, "accept: %s\n", strerror(-r)), r == -EINVAL ? 77 : 1;
	}
	return 0;
}

/* Asks for connections, for one or for any number; says at which port, and waits until so many have come. */
static int wait_for(const char *port_file, uint32_t n, uint32_t flags)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_ACCEPT,
		                    .ioprio = n > 1 ? IORING_ACCEPT_MULTISHOT : 0,
		                    .user_data = n };
	struct sockaddr_in at;
	struct uring u;
	FILE *f;
	int code;

	code = uring_accept(&u, &sqe, &at, flags);
	if (code)
		return code;
	if (__atomic_load_n(u.cq_tail, __ATOMIC_ACQUIRE) && u.cqe[0].res == -EINVAL)
		return 77; /* a kernel without such */
	f = fopen(port_file, "w");
	if (!f || fprintf(f, "%d\n", ntohs(at.sin_port)) < 0 || fclose(f) != 0)
		return fail(port_file);
	for (uint32_t i = 0; i < n; i++) {
		while (__atomic_load_n(u.cq_tail, __ATOMIC_ACQUIRE) == i)
			if (syscall(SYS_io_uring_enter, u.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 &&
			    errno != EINTR)
				return fail("io_uring_enter");
		if (u.cqe[i & *u.cq_mask].res < 0)
			return 1;
	}
	return 0;
}

static int do_uring_wait(char **a)
{
	return wait_for(a[0], 1, 0);
}

static int do_uring_many(char **a)
{
	return wait_for(a[0], 2, 0);
}

static int do_uring_single(char **a)
{
	return wait_for(a[0], 2, IORING_SETUP_SINGLE_ISSUER);
}

static int do_uring_refused(char **a)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons((uint16_t)atoi(a[0])),
		                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_CONNECT,
		                    .fd = socket(AF_INET, SOCK_STREAM, 0),
		                    .addr = (uintptr_t)&to,
		                    .off = sizeof(to) };
	struct uring u;

	if (uring_make(&u, 0) < 0)
		return fail("io_uring_setup");
	return uring_do(&u, &sqe) == -ECONNREFUSED ? 0 : fail("connect");
}

/* ---- 32-bit calls ---- */

#ifdef __x86_64__

static long int80(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80"
	                 : "=a"(ret)
	                 : "a"(nr), "b"(a), "c"(b), "d"(c)
	                 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

/* Memory that 32 bits reach. */
static char *low(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int do_int80_open(char **a)
{
	char *p = low();

	if (!p)
		return fail("mmap");
	strcpy(p, a[0]);
	errno = ENOSYS; /* a kernel without 32-bit calls sends SIGSEGV */
	signal(SIGSEGV, SIG_DFL);
	return int80(5, (long)p, O_RDONLY, 0) < 0 ? fail("open") : 0;
}

static int do_int80_utimes(char **a)
{
	static const int32_t times[] = { 104, 7, 204, 8 };
	char *p = low();

	if (!p)
		return fail("mmap");
	strcpy(p, a[0]);
	memcpy(p + 4096, times, sizeof(times));
	errno = ENOSYS;
	return int80(271, (long)p, (long)(p + 4096), 0) < 0 ? fail("utimes") : 0;
}

static int do_int80_exec(char **a)
{
	char *p = low();
	uint32_t *argv;

	if (!p)
		return fail("mmap");
	strcpy(p, a[0]);
	strcpy(p + 4000, "by-int80");
	argv = (uint32_t *)(void *)(p + 4096);
	argv[0] = (uint32_t)(uintptr_t)p;
	argv[1] = (uint32_t)(uintptr_t)(p + 4000);
	argv[2] = 0;
	int80(11, (long)p, (long)argv, (long)(argv + 2));
	errno = ENOSYS;
	return fail("execve");
}

#else

static int do_int80_open(char **a)
{
	(void)a;
	return 77;
}

static int do_int80_exec(char **a)
{
	(void)a;
	return 77;
}

static int do_int80_utimes(char **a)
{
	(void)a;
	return 77;
}

#endif

/* ---- threads and processes ---- */

static void *open_it(void *name)
{
	return open(name, O_RDONLY) < 0 ? name : NULL;
}

static int do_thread_open(char **a)
{
	pthread_t t;
	void *failed = a;

	if (pthread_create(&t, NULL, open_it, a[0]) || pthread_join(t, &failed))
		return fail("thread");
	return failed ? fail(a[0]) : 0;
}

static void *exec_it(void *name)
{
	execl(name, name, "by-thread", NULL);
	return NULL;
}

static int do_thread_exec(char **a)
{
	pthread_t t;

	if (pthread_create(&t, NULL, exec_it, a[0]))
		return fail("thread");
	pthread_join(t, NULL);
	return fail(a[0]);
}

static int do_vfork_exec(char **a)
{
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execl(a[0], a[0], "by-vfork", NULL);
		_exit(1);
	}
	return pid < 0 || waitpid(pid, &status, 0) < 0 ? fail("vfork") : WEXITSTATUS(status);
}

static int do_memfd_exec(char **a)
{
	char *argv[] = { a[0], (char[]){ "by-memfd" }, NULL }, *none[] = { NULL };
	int from = open(a[0], O_RDONLY | O_CLOEXEC), to = memfd_create("evade", MFD_CLOEXEC);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		return fail("memfd");
	for (off_t left = st.st_size; left > 0;) {
		char buf[65536];
		ssize_t n = read(from, buf, sizeof(buf));

		if (n <= 0 || write(to, buf, (size_t)n) != n)
			return fail("copy");
		left -= n;
	}
	fexecve(to, argv, none);
	return fail("fexecve");
}

static int do_deleted_exec(char **a)
{
	char *argv[] = { a[0], (char[]){ "by-descriptor" }, NULL }, *none[] = { NULL };
	int fd = open(a[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || unlink(a[0]) < 0)
		return fail(a[0]);
	fexecve(fd, argv, none);
	return fail("fexecve");
}

/* ---- files ---- */

static int do_handle_open(char **a)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = { .h = { .handle_bytes = MAX_HANDLE_SZ } };
	int mount_id, dir = open("/", O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, a[0], &u.h, &mount_id, 0) < 0)
		return fail("name_to_handle_at");
	close(dir);
	dir = open(a[1], O_RDONLY | O_DIRECTORY);
	return open_by_handle_at(dir, &u.h, O_RDONLY) < 0 ? fail("open_by_handle_at") : 0;
}

static int do_caps_set(char **a)
{
	/* version 2, permitted and effective: CAP_NET_RAW */
	static const uint32_t caps[5] = { 0x02000001, 1u << 13, 0, 0, 0 };

	return setxattr(a[0], "security.capability", caps, sizeof(caps), 0) < 0 ? fail(a[0]) : 0;
}

static int do_race_open(char **a)
{
	char tmp[4096];

	if (open(a[0], O_RDONLY) < 0)
		return fail(a[0]);
	snprintf(tmp, sizeof(tmp), "%s.new", a[0]);
	return symlink(a[2], tmp) < 0 || rename(tmp, a[0]) < 0 ? fail(tmp) : 0;
}

static int do_wait_open(char **a)
{
	for (int i = 0; i < 3000 && access(a[0], F_OK) < 0; i++)
		usleep(10000);
	return open(a[1], O_RDONLY) < 0 ? fail(a[1]) : 0;
}

static void read_and_write(void)
{
	static int in = -1, out;
	char buf[64];

	if (in < 0) {
		in = open("/dev/zero", O_RDONLY);
		out = open("/dev/null", O_WRONLY);
	}
	if (read(in, buf, sizeof(buf)) < 0 || write(out, buf, sizeof(buf)) < 0)
		_exit(1);
}

static void cry(void)
{
	prctl(PR_SET_NAME, "cry", 0, 0, 0);
	prctl(PR_SET_NAME, "weep", 0, 0, 0);
}

static void repeat(void (*what)(void), double seconds)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		for (int i = 0; i < 1000; i++)
			what();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - from.tv_sec) + (double)(now.tv_nsec - from.tv_nsec) / 1e9 < seconds);
	_exit(0);
}

static int on_all_cpus(void (*what)(void), const char *seconds)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	int status, code = 0;

	for (long i = 0; i < n; i++)
		if (fork() == 0)
			repeat(what, strtod(seconds, NULL));
	while (wait(&status) > 0)
		code |= status;
	return code ? 1 : 0;
}

static int do_storm(char **a)
{
	return on_all_cpus(read_and_write, a[0]);
}

static int do_noise(char **a)
{
	return on_all_cpus(cry, a[0]);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **args);
		int n_args;
	} deeds[] = {
		{ "uring", do_uring, 2 },
		{ "sqpoll", do_sqpoll, 2 },
		{ "uring-quiet", do_uring_quiet, 1 },
		{ "uring-full", do_uring_full, 1 },
		{ "uring-direct", do_uring_direct, 1 },
		{ "uring-accept", do_uring_accept, 0 },
		{ "uring-wait", do_uring_wait, 1 },
		{ "uring-many", do_uring_many, 1 },
		{ "uring-single", do_uring_single, 1 },
		{ "uring-refused", do_uring_refused, 1 },
		{ "int80-open", do_int80_open, 1 },
		{ "int80-exec", do_int80_exec, 1 },
		{ "int80-utimes", do_int80_utimes, 1 },
		{ "thread-open", do_thread_open, 1 },
		{ "thread-exec", do_thread_exec, 1 },
		{ "vfork-exec", do_vfork_exec, 1 },
		{ "memfd-exec", do_memfd_exec, 1 },
		{ "deleted-exec", do_deleted_exec, 1 },
		{ "handle-open", do_handle_open, 2 },
		{ "caps-set", do_caps_set, 1 },
		{ "race-open", do_race_open, 3 },
		{ "wait-open", do_wait_open, 2 },
		{ "noise", do_noise, 1 },
		{ "storm", do_storm, 1 },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strcmp(argv[1], deeds[i].name) == 0 && argc == 2 + deeds[i].n_args)
			return deeds[i].run(argv + 2);
	fprintf(stderr, "evade: no such deed, or not so many arguments\n");
	return 2;
}
