#include "unix_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int unix_path_check(const char *path, struct hc_err *err)
{
	const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);

	return path[0] == '/' && strlen(path) < room
	               ? 0
	               : hc_err_set(err, -EINVAL,
	                            "'%s' cannot be a socket: it needs an absolute path of at most %zu bytes",
	                            path, room - 1);
}

int unix_group(const char *name, gid_t *ret, struct hc_err *err)
{
	const struct group *g = getgrnam(name);

	if (!g)
		return hc_err_set(err, -EINVAL, "there is no group '%s'", name);
	*ret = g->gr_gid;
	return 0;
}

/* The directory that the socket is to lie in, made when missing. */
static void dir_of(const struct unix_listen_opts *o, char *buf, size_t room)
{
	snprintf(buf, room, "%.*s", (int)(strrchr(o->path, '/') - o->path), o->path);
}

/* 1 when somebody listens there, 0 nobody; *ret_there: there is a socket. */
static int look_at_path(const struct unix_listen_opts *o, bool *ret_there, struct hc_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char dir[sizeof(address.sun_path)];
	struct stat st;
	int fd, code;

	dir_of(o, dir, sizeof(dir));
	*ret_there = false;
	if (dir[0] && mkdir(dir, 0755) < 0 && errno != EEXIST)
		return hc_err_set(err, -errno, "cannot make the directory '%s' for the %s: %s", dir, o->what,
		                  strerror(errno));
	if (lstat(o->path, &st) < 0)
		return errno == ENOENT
		               ? 0
		               : hc_err_set(err, -errno, "cannot look at '%s': %s", o->path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return hc_err_set(err, -EEXIST, "'%s' is there and is no socket", o->path);
	*ret_there = true;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	memcpy(address.sun_path, o->path, strlen(o->path) + 1);
	code = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	close(fd);
	return code == 0 || code == EAGAIN;
}

/* A socket that listens at `at`, which stands for o->path. */
static int listen_at(const struct unix_listen_opts *o, const char *at, struct hc_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), code, bound;
	mode_t mask;

	if (fd < 0)
		return hc_err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	memcpy(address.sun_path, at, strlen(at) + 1);
	mask = umask(o->group ? 0117 : 0177);
	bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	code = bound < 0 ? -errno : 0;
	umask(mask);
	if (code == 0 && o->group && chown(at, (uid_t)-1, *o->group) < 0)
		code = -errno;
	if (code == 0 && listen(fd, o->backlog) < 0)
		code = -errno;
	if (code == 0)
		return fd;
	if (bound == 0)
		unlink(at);
	close(fd);
	return hc_err_set(err, code, "cannot listen on '%s': %s", o->path, strerror(-code));
}

int unix_listen(const struct unix_listen_opts *o, struct hc_err *err)
{
	bool there;
	int code = unix_path_check(o->path, err);

	if (code == 0)
		code = look_at_path(o, &there, err);
	if (code < 0)
		return code;
	if (code)
		return hc_err_set(err, -EADDRINUSE, "another recorder listens on '%s' (%s, or stop it)", o->path,
		                  o->option);
	if (there && unlink(o->path) < 0 && errno != ENOENT)
		return hc_err_set(err, -errno, "cannot remove the old socket '%s': %s", o->path, strerror(errno));
	return listen_at(o, o->path, err);
}

int unix_listen_try(const struct unix_listen_opts *o, struct hc_err *err)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)], at[64];
	int answers = unix_path_check(o->path, err), dir_fd, fd;
	bool there;

	if (answers == 0)
		answers = look_at_path(o, &there, err);
	if (answers < 0)
		return answers;
	dir_of(o, dir, sizeof(dir));
	dir_fd = open(dir[0] ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return hc_err_set(err, -errno, "cannot open '%s': %s", dir, strerror(errno));
	/* by way of the descriptor: the name of a socket that just fits may be shorter than ours */
	snprintf(at, sizeof(at), "/proc/self/fd/%d/.hindcast-%d", dir_fd, (int)getpid());
	fd = listen_at(o, at, err);
	if (fd >= 0) {
		unlink(at);
		close(fd);
	}
	close(dir_fd);
	return fd < 0 ? fd : answers;
}
