/* What is still possible after privileges were given up, and what is not: each attempt by a process of its own. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/privilege.h"

static char dir[] = "/tmp/hc-privilege-XXXXXX";
static char foreign[64]; /* a file that only its owner, another user, may read */

static void make_files(void)
{
	int fd;

	cr_assert_not_null(mkdtemp(dir));
	snprintf(foreign, sizeof(foreign), "%s/foreign", dir);
	fd = open(foreign, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "x", 1), 1);
	cr_assert_eq(fchown(fd, 65534, 65534), geteuid() == 0 ? 0 : -1);
	close(fd);
}

static void remove_files(void)
{
	unlink(foreign);
	rmdir(dir);
}

/* errno with which `attempt` failed in a child that gave its privileges up, 0 when it worked, -1 when the child
 * was killed. */
static int try(int (*attempt)(void), const struct hc_privilege_opts *opts)
{
	pid_t pid = fork();
	int status;

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		struct hc_privilege p;
		struct hc_err err = { 0 };

		if (hc_privilege_drop(opts, &p, &err) < 0)
			_exit(250);
		errno = 0;
		_exit(attempt() < 0 ? errno : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int fork_process(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int trace_parent(void)
{
	return (int)syscall(SYS_ptrace, PTRACE_SEIZE, getppid(), 0, 0);
}

static int mount_something(void)
{
	return mount("none", dir, "tmpfs", 0, NULL);
}

static int new_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static int become_other(void)
{
	return (int)syscall(SYS_setuid, 65534);
}

static int load_program(void)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };

	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int internet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int kill_parent(void)
{
	return kill(getppid(), 0);
}

static int raise_limit(void)
{
	struct rlimit l = { 1, 1 };

	return prlimit(0, RLIMIT_CORE, &l, NULL);
}

static int load_module(void)
{
	return (int)syscall(SYS_init_module, "", 0, "");
}

static int other_memory(void)
{
	return (int)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static int write_foreign(void)
{
	return open(foreign, O_WRONLY | O_CLOEXEC);
}

static int chmod_foreign(void)
{
	return chmod(foreign, 0666);
}

static int new_ring(void)
{
	return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

Test(privilege, refuses_what_a_recorder_never_does, .init = make_files, .fini = remove_files)
{
	static const struct {
		const char *what;
		int (*attempt)(void);
	} attempts[] = {
		{ "run a program", run_program },
		{ "make a process", fork_process },
		{ "trace another process", trace_parent },
		{ "read another's memory", other_memory },
		{ "mount", mount_something },
		{ "make a namespace", new_namespace },
		{ "become another user", become_other },
		{ "load a BPF program", load_program },
		{ "open an internet socket", internet_socket },
		{ "signal another process", kill_parent },
		{ "set a limit", raise_limit },
		{ "load a module", load_module },
		{ "change another's file mode", chmod_foreign },
		{ "set up io_uring", new_ring },
	};
	struct hc_privilege_opts opts = { .dir = dir };

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
		/* the sanitizers' own checks need these two */
		if (attempts[i].attempt == trace_parent || attempts[i].attempt == fork_process)
			continue;
#endif
		cr_expect_eq(try(attempts[i].attempt, &opts), EPERM, "can still %s", attempts[i].what);
	}
	if (geteuid() == 0)
		cr_expect_eq(try(write_foreign, &opts), EACCES, "can still write another's file");
}

static int read_foreign(void)
{
	char byte;
	int fd = open(foreign, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : read(fd, &byte, 1) == 1 ? 0 : -1;
}

static int look_at_parent(void)
{
	char name[64], to[64];

	snprintf(name, sizeof(name), "/proc/%d/root", (int)getppid());
	return (int)readlink(name, to, sizeof(to));
}

static int write_own(void)
{
	char name[96];
	int fd;

	snprintf(name, sizeof(name), "%s/own", dir);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 || write(fd, "x", 1) != 1 ? -1 : unlink(name);
}

static void *nothing(void *arg)
{
	return arg;
}

static int make_thread(void)
{
	pthread_t t;

	errno = pthread_create(&t, NULL, nothing, NULL);
	return errno || pthread_join(t, NULL) ? -1 : 0;
}

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

Test(privilege, leaves_what_a_recorder_does, .init = make_files, .fini = remove_files)
{
	struct hc_privilege_opts opts = { .dir = dir }, child = { .signals = true }, serving = { .serves = true },
				 online = { .serves = true, .inet = true };

	if (geteuid() == 0)
		cr_expect_eq(try(read_foreign, &opts), 0, "cannot read another's file");
	cr_expect_eq(try(look_at_parent, &opts), 0, "cannot look at another process");
	cr_expect_eq(try(write_own, &opts), 0, "cannot write");
	cr_expect_eq(try(make_thread, &opts), 0, "cannot make a thread");
	cr_expect_eq(try(unix_socket, &opts), 0, "cannot open a Unix socket");
	cr_expect_eq(try(kill_parent, &child), 0, "cannot end a child");
	cr_expect_eq(try(unix_socket, &serving), 0, "cannot serve");
	cr_expect_eq(try(internet_socket, &serving), EPERM, "can serve others than those of this machine");
	cr_expect_eq(try(internet_socket, &online), 0, "cannot serve others");
}

static int refused(void *ctx)
{
	return *(int *)ctx;
}

Test(privilege, keeps_what_proves_to_be_needed, .init = make_files, .fini = remove_files)
{
	struct hc_privilege p;
	struct hc_err err = { 0 };
	int answer = -EPERM;
	bool told = false;

	if (geteuid() != 0)
		cr_skip_test("not root");
	cr_assert_eq(chown(dir, 65534, 65534), 0);
	cr_assert_eq(hc_privilege_drop(&(struct hc_privilege_opts){ .dir = dir, .probe = refused, .ctx = &answer },
	                               &p, &err),
	             0, "%s", err.msg);
	cr_expect(p.no_new_privs && p.filtered && p.bounded);
	cr_expect(p.caps >> 1 & 1, "a directory of another user is to be written to");
	cr_expect(p.caps >> 39 & 1 || p.caps >> 21 & 1, "maps are to be read");
	for (size_t i = 0; i < p.n_lines; i++)
		told |= strstr(p.line[i], "dac_override,sys_ptrace") || strstr(p.line[i], "dac_override kept");
	cr_expect(told, "and it is said");
}
