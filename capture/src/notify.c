#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static uint64_t number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	uint64_t v;

	if (!text || !*text)
		return 0;
	errno = 0;
	v = strtoull(text, &end, 10);
	return errno || *end ? 0 : v;
}

static int connect_to(const char *path, struct hc_err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd;

	/* '@' stands for the NUL of an abstract address */
	if ((path[0] != '/' && path[0] != '@') || n < 2 || n >= sizeof(sa.sun_path))
		return hc_err_set(err, -EINVAL, "NOTIFY_SOCKET='%s' is no address of a socket", path);
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) <
	    0) {
		int code = -errno;

		close(fd);
		return hc_err_set(err, code, "cannot reach NOTIFY_SOCKET '%s': %s", path, strerror(-code));
	}
	return fd;
}

int hc_notify_init(struct hc_notify *n, struct hc_err *err)
{
	const char *path = getenv("NOTIFY_SOCKET");
	uint64_t usec = number_of("WATCHDOG_USEC"), pid = number_of("WATCHDOG_PID");
	int r = 0;

	*n = (struct hc_notify){ .fd = -1 };
	if (path && *path) {
		r = connect_to(path, err);
		if (r >= 0) {
			n->fd = r;
			if (usec && usec < UINT64_MAX / 1000 && (!pid || pid == (uint64_t)getpid()))
				n->watchdog_ns = usec * 1000;
			r = 0;
		}
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return r;
}

void hc_notify(const struct hc_notify *n, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int len;

	if (n->fd < 0)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len > 0 && (size_t)len < sizeof(text))
		(void)!send(n->fd, text, (size_t)len, MSG_NOSIGNAL);
}

#define FIRST_FD 3 /* sd_listen_fds(3) */
#define STORED_NAME "hindcast-bpf"

/* The descriptor of that name among those that the manager passed; -ENOENT. */
static int stored_fd(void)
{
	uint64_t n = number_of("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");

	if (!names || number_of("LISTEN_PID") != (uint64_t)getpid())
		return -ENOENT;
	for (int fd = FIRST_FD; n > 0; n--, fd++) {
		size_t len = strcspn(names, ":");

		if (len == strlen(STORED_NAME) && memcmp(names, STORED_NAME, len) == 0)
			return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : fd;
		names += len + (names[len] == ':');
	}
	return -ENOENT;
}

/* The root directory of a new BPF file system, which lives as long as somebody has it open. It is opened as a
 * directory: systemd polls what it is to keep, and refuses the descriptor of the mount itself, which is an O_PATH
 * one (EBADF). */
static int bpf_fs_new(void)
{
	int fs = (int)syscall(SYS_fsopen, "bpf", FSOPEN_CLOEXEC), mount = -1, fd = -1;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (mount >= 0)
		fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	if (mount >= 0)
		close(mount);
	close(fs);
	return fd;
}

static int store_fd(const struct hc_notify *n, int fd)
{
	static char text[] = "FDSTORE=1\nFDNAME=" STORED_NAME;
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) - 1 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(n->fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int hc_notify_bpf_fs(const struct hc_notify *n)
{
	int fd = stored_fd(), r;

	if (fd != -ENOENT)
		return fd;
	if (n->fd < 0 || !number_of("FDSTORE"))
		return -ENOENT;
	fd = bpf_fs_new();
	r = fd < 0 ? fd : store_fd(n, fd);
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

void hc_notify_done(struct hc_notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}
