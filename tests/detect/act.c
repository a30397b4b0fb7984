/*
 * The hands of the detection tests: does one thing that a shell cannot, harmlessly. Started with a first argument
 * that begins with "do:" it does that thing; started with anything else, or with nothing, it ends at once with
 * success, so that a copy under another name stands in for a program that is not installed here.
 *
 * Exit status: 0 done; 1 the kernel refused (printed); 2 no such thing. Targets are own children and files given
 * by the caller.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char secret[16] = "nothing secret";

static int check(long r, const char *what)
{
	if (r >= 0)
		return 0;
	fprintf(stderr, "act: %s: %s\n", what, strerror(errno));
	return 1;
}

static int do_open(char **a, int flags)
{
	int fd = open(a[0], flags | O_CLOEXEC, 0644);
	char c;

	if (check(fd, a[0]))
		return 1;
	if ((flags & O_ACCMODE) == O_RDONLY && read(fd, &c, 1) < 0 && errno != EIO)
		return check(-1, "read");
	close(fd);
	return 0;
}

static int do_read(char **a)
{
	return do_open(a, O_RDONLY);
}

static int do_write(char **a)
{
	return do_open(a, O_WRONLY | O_CREAT);
}

/* do:late MILLISECONDS FILE: reads the file some time after the start. */
static int do_late(char **a)
{
	usleep((useconds_t)strtoul(a[0], NULL, 10) * 1000);
	return do_read(a + 1);
}

/* do:run PROGRAM ARG...: runs it as a child. */
static int do_run(char **a)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		execv(a[0], a);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

/* Opens for writing and writes nothing. */
static int do_touch(char **a)
{
	return do_open(a, O_WRONLY);
}

static int do_unlink(char **a)
{
	return check(unlink(a[0]), "unlink");
}

/* A child that waits to be looked at, and is killed by the caller. */
static pid_t victim(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static int end_victim(pid_t pid, int r)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r;
}

static int do_peek(char **a)
{
	pid_t pid = victim();
	char copy[sizeof(secret)];
	struct iovec here = { copy, sizeof(copy) }, there = { secret, sizeof(secret) };

	(void)a;
	return end_victim(pid, check(process_vm_readv(pid, &here, 1, &there, 1, 0), "process_vm_readv"));
}

static int do_poke(char **a)
{
	pid_t pid = victim();
	struct iovec here = { secret, sizeof(secret) }, there = { secret, sizeof(secret) };

	(void)a;
	return end_victim(pid, check(process_vm_writev(pid, &here, 1, &there, 1, 0), "process_vm_writev"));
}

/* Opens the memory file of a child for writing. */
static int do_openmem(char **a)
{
	pid_t pid = victim();
	char path[64];
	int fd;

	(void)a;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return end_victim(pid, check(fd, path));
}

static int do_attach(char **a)
{
	pid_t pid = victim();
	int r = check(ptrace(PTRACE_ATTACH, pid, NULL, NULL), "ptrace");

	(void)a;
	return end_victim(pid, r);
}

static int do_traceme(char **a)
{
	pid_t pid = fork();

	(void)a;
	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0);
	waitpid(pid, NULL, 0);
	return 0;
}

static int do_packet(char **a)
{
	(void)a;
	return check(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), "packet socket");
}

static int do_netlink(char **a)
{
	(void)a;
	return check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), "netlink socket");
}

/* do:memfd PROGRAM ARG...: runs a copy of the program from memory. */
static int do_memfd(char **a)
{
	int from = open(a[0], O_RDONLY | O_CLOEXEC);
	int to = memfd_create("act", MFD_CLOEXEC);
	struct stat st;
	char path[32];

	if (check(from, a[0]) || check(to, "memfd_create") || check(fstat(from, &st), "fstat"))
		return 1;
	for (off_t off = 0; off < st.st_size;) {
		char buf[65536];
		ssize_t n = pread(from, buf, sizeof(buf), off);

		if (n <= 0 || write(to, buf, (size_t)n) != n)
			return check(-1, "copy");
		off += n;
	}
	if (a[1] && strcmp(a[1], "--no-exec") == 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
	execv(path, a);
	return check(-1, "execv");
}

/* do:module FILE: offers the file to the kernel as a module; it is none, so that the kernel refuses. */
static int do_module(char **a)
{
	int fd = open(a[0], O_RDONLY | O_CLOEXEC);

	if (check(fd, a[0]))
		return 1;
	return syscall(SYS_finit_module, fd, "", 0) == 0; /* done when refused */
}

static int do_bpf(char **a)
{
	/* r0 = 0; exit */
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)program,
		.insn_cnt = 2,
		.license = (uintptr_t) "GPL",
	};

	(void)a;
	return check(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), "bpf program");
}

static int do_bpfmap(char **a)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1 };

	(void)a;
	return check(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)), "bpf map");
}

/* Enters the namespace that it is in. */
static int do_setns(char **a)
{
	(void)a;
	return check(setns(open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC), CLONE_NEWUTS), "setns");
}

static int do_setuid(char **a)
{
	return check(setuid((uid_t)strtoul(a[0], NULL, 10)), "setuid");
}

/* The attempt counts: many machines do not let service accounts do the next two. */
static int do_userns(char **a)
{
	(void)a;
	(void)unshare(CLONE_NEWUSER);
	return 0;
}

static int do_userfault(char **a)
{
	(void)a;
	(void)syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */);
	return 0;
}

/* do:bindmount SOURCE TARGET */
static int do_bindmount(char **a)
{
	return check(mount(a[0], a[1], NULL, MS_BIND, NULL), "mount");
}

/* do:loopback [ADDRESS...]: brings up lo, in a network namespace of its own, with more addresses. */
static int do_loopback(char **a)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo" };
	struct sockaddr_in *sin = (struct sockaddr_in *)(void *)&ifr.ifr_addr;

	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (check(ioctl(fd, SIOCSIFFLAGS, &ifr), "lo up"))
		return 1;
	for (int i = 0; a[i]; i++) {
		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "lo:%d", i + 1);
		*sin = (struct sockaddr_in){ .sin_family = AF_INET };
		inet_pton(AF_INET, a[i], &sin->sin_addr);
		if (check(ioctl(fd, SIOCSIFADDR, &ifr), "address of lo"))
			return 1;
	}
	return 0;
}

static struct sockaddr_in in_addr_of(const char *address, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, address, &sin.sin_addr);
	return sin;
}

static int listen_at(const char *address, struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	socklen_t len = sizeof(*ret);

	*ret = in_addr_of(address, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (check(bind(fd, (struct sockaddr *)ret, len), "bind") || check(listen(fd, 4), "listen"))
		return -1;
	getsockname(fd, (struct sockaddr *)ret, &len);
	return fd;
}

static int do_listen(char **a)
{
	struct sockaddr_in sin;

	return listen_at(a[0], &sin) < 0;
}

/* do:hold PORT...: listens at these ports of all addresses until it is killed. */
static int do_hold(char **a)
{
	for (; *a; a++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct sockaddr_in sin = in_addr_of("0.0.0.0", (int)strtol(*a, NULL, 10));

		if (check(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), *a) || check(listen(fd, 64), *a))
			return 1;
	}
	for (;;)
		pause();
}

/* do:serve ADDRESS COMMAND...: listens, and runs the command with $PORT. */
static int do_serve(char **a)
{
	struct sockaddr_in sin;
	char port[8];
	int status = 1;
	pid_t pid;

	if (listen_at(a[0], &sin) < 0)
		return 1;
	snprintf(port, sizeof(port), "%d", ntohs(sin.sin_port));
	setenv("PORT", port, 1);
	pid = fork();
	if (pid == 0) {
		execvp(a[1], a + 1);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

/* do:connect ADDRESS [PORT]: PORT defaults to $PORT */
static int do_connect(char **a)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *port = a[1] ? a[1] : getenv("PORT");
	struct sockaddr_in sin = in_addr_of(a[0], port ? (int)strtol(port, NULL, 10) : 0);

	return check(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), "connect");
}

/* do:udp ADDRESS PORT: connects a datagram socket, which sends nothing. */
static int do_udp(char **a)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in sin = in_addr_of(a[0], (int)strtol(a[1], NULL, 10));

	return check(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), "connect");
}

/* do:receive HEX: gets these bytes over a connection with itself. */
static int do_receive(char **a)
{
	struct sockaddr_in sin;
	int server = listen_at("127.0.0.1", &sin), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = strlen(a[0]) / 2;
	char bytes[64];

	if (server < 0 || n > sizeof(bytes) || check(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), "connect"))
		return 1;
	for (size_t i = 0; i < n; i++) {
		const char digits[3] = { a[0][2 * i], a[0][2 * i + 1] };

		bytes[i] = (char)strtoul(digits, NULL, 16);
	}
	server = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	return check(send(fd, bytes, n, 0), "send") || check(recv(server, bytes, n, 0), "recv");
}

static int connected(void)
{
	struct sockaddr_in sin;
	int server = listen_at("127.0.0.1", &sin), fd = socket(AF_INET, SOCK_STREAM, 0);

	if (server < 0 || check(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), "connect"))
		return -1;
	close(server); /* the other end is gone: whoever reads sees the end */
	return fd;
}

/* do:stdio PROGRAM ARG...: runs the program with a connection as its standard streams. */
static int do_stdio(char **a)
{
	int fd = connected();

	if (fd < 0)
		return 1;
	for (int std = 0; std < 3; std++)
		dup2(fd, std);
	execv(a[0], a);
	return 1;
}

/* Duplicates a connection, but not to a standard stream. */
static int do_dup(char **a)
{
	(void)a;
	return check(dup2(connected(), 17), "dup2");
}

/* do:unix PATH: listens there in a child and connects to it. */
static int do_unix(char **a)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
	    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(a[0]) >= sizeof(sun.sun_path)) {
		fprintf(stderr, "act: %s is too long for a socket\n", a[0]);
		return 1;
	}
	strcpy(sun.sun_path, a[0]);
	unlink(a[0]);
	if (check(bind(server, (struct sockaddr *)&sun, sizeof(sun)), "bind") ||
	    check(listen(server, 1), "listen"))
		return 1;
	return check(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), "connect");
}

static const struct deed {
	const char *name;
	int (*run)(char **args);
	int n_args; /* at least */
} deeds[] = {
	{ "attach", do_attach, 0 },   { "bindmount", do_bindmount, 2 },
	{ "bpf", do_bpf, 0 },         { "bpfmap", do_bpfmap, 0 },
	{ "connect", do_connect, 1 }, { "dup", do_dup, 0 },
	{ "hold", do_hold, 1 },       { "late", do_late, 2 },
	{ "listen", do_listen, 1 },   { "loopback", do_loopback, 0 },
	{ "memfd", do_memfd, 1 },     { "module", do_module, 1 },
	{ "netlink", do_netlink, 0 }, { "openmem", do_openmem, 0 },
	{ "packet", do_packet, 0 },   { "peek", do_peek, 0 },
	{ "poke", do_poke, 0 },       { "read", do_read, 1 },
	{ "receive", do_receive, 1 }, { "run", do_run, 1 },
	{ "serve", do_serve, 2 },     { "setns", do_setns, 0 },
	{ "setuid", do_setuid, 1 },   { "stdio", do_stdio, 1 },
	{ "touch", do_touch, 1 },     { "traceme", do_traceme, 0 },
	{ "udp", do_udp, 2 },         { "unix", do_unix, 1 },
	{ "unlink", do_unlink, 1 },   { "userfault", do_userfault, 0 },
	{ "userns", do_userns, 0 },   { "write", do_write, 1 },
};

int main(int argc, char **argv)
{
	if (argc < 2 || strncmp(argv[1], "do:", 3) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		if (strcmp(argv[1] + 3, deeds[i].name) == 0 && argc - 2 >= deeds[i].n_args)
			return deeds[i].run(argv + 2);
	}
	fprintf(stderr, "act: %s with %d arguments: no such thing\n", argv[1], argc - 2);
	return 2;
}
