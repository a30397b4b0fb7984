#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

void hc_notify_done(struct hc_notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}
