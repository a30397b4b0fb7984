/* The asking side of the control socket. */
#include "capture/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_ANSWER_BYTES (16u << 20)

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits until it can go on; -ETIMEDOUT. */
static int wait_for(int fd, short events, int64_t until_ms)
{
	for (;;) {
		int64_t left = until_ms - now_ms();
		struct pollfd p = { .fd = fd, .events = events };
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int send_all(int fd, const char *text, size_t n, int64_t until_ms)
{
	while (n) {
		ssize_t k = send(fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k > 0) {
			text += k;
			n -= (size_t)k;
			continue;
		}
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		k = wait_for(fd, POLLOUT, until_ms);
		if (k < 0)
			return (int)k;
	}
	return 0;
}

static int receive_line(int fd, int64_t until_ms, char **ret)
{
	size_t room = 4096, have = 0;
	char *buf = malloc(room), *nl = NULL;
	int code = buf ? 0 : -ENOMEM;

	while (code == 0 && !nl) {
		ssize_t n;

		if (have + 1 == room) {
			char *more = room < MAX_ANSWER_BYTES ? realloc(buf, room * 2) : NULL;

			if (!more) {
				code = room < MAX_ANSWER_BYTES ? -ENOMEM : -EPROTO;
				break;
			}
			buf = more;
			room *= 2;
		}
		n = recv(fd, buf + have, room - 1 - have, MSG_DONTWAIT);
		if (n > 0) {
			nl = memchr(buf + have, '\n', (size_t)n);
			have += (size_t)n;
		} else if (n == 0) {
			code = -EPROTO;
		} else if (errno == EAGAIN || errno == EINTR) {
			code = wait_for(fd, POLLIN, until_ms);
		} else {
			code = -errno;
		}
	}
	if (code == 0) {
		*nl = '\0';
		*ret = buf;
	} else {
		free(buf);
	}
	return code;
}

int hc_control_ask(const char *path, const char *request, int timeout_ms, char **ret, struct hc_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t until_ms = now_ms() + timeout_ms;
	int fd, code;

	if (strlen(path) >= sizeof(address.sun_path))
		return hc_err_set(err, -EINVAL, "'%s' is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	code = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	if (code == 0)
		code = send_all(fd, request, strlen(request), until_ms);
	if (code == 0)
		code = send_all(fd, "\n", 1, until_ms);
	if (code == 0 || code == -EPIPE) /* one that is refused is told why before it has asked */
		code = receive_line(fd, until_ms, ret);
	close(fd);
	if (code == -ENOENT || code == -ECONNREFUSED)
		return hc_err_set(err, code, "no recorder listens on '%s' (is `hindcast recorder` running?)",
		                  path);
	if (code == -EPROTO)
		return hc_err_set(err, code, "the recorder on '%s' gave no answer that can be read", path);
	return code < 0 ? hc_err_set(err, code, "cannot ask the recorder on '%s': %s", path, strerror(-code)) : 0;
}
