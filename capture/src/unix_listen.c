#include "unix_listen.h"

#include <errno.h>
#include <grp.h>
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

static int clear_path(const struct unix_listen_opts *o, const struct sockaddr_un *address, struct hc_err *err)
{
	const char *slash = strrchr(o->path, '/');
	char dir[sizeof(address->sun_path)];
	struct stat st;
	int fd, code;

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - o->path), o->path);
	if (dir[0] && mkdir(dir, 0755) < 0 && errno != EEXIST)
		return hc_err_set(err, -errno, "cannot make the directory '%s' for the %s: %s", dir, o->what,
		                  strerror(errno));
	if (lstat(o->path, &st) < 0)
		return errno == ENOENT
		               ? 0
		               : hc_err_set(err, -errno, "cannot look at '%s': %s", o->path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return hc_err_set(err, -EEXIST, "'%s' is there and is no socket", o->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	code = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	if (code == 0 || code == EAGAIN)
		return hc_err_set(err, -EADDRINUSE, "another recorder listens on '%s' (%s, or stop it)", o->path,
		                  o->option);
	return unlink(o->path) < 0 && errno != ENOENT
	               ? hc_err_set(err, -errno, "cannot remove the old socket '%s': %s", o->path, strerror(errno))
	               : 0;
}

int unix_listen(const struct unix_listen_opts *o, struct hc_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int code = unix_path_check(o->path, err), fd, bound;
	mode_t mask;

	if (code < 0)
		return code;
	memcpy(address.sun_path, o->path, strlen(o->path) + 1);
	code = clear_path(o, &address, err);
	if (code < 0)
		return code;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	mask = umask(o->group ? 0117 : 0177);
	bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	code = bound < 0 ? -errno : 0;
	umask(mask);
	if (code == 0 && o->group && chown(o->path, (uid_t)-1, *o->group) < 0)
		code = -errno;
	if (code == 0 && listen(fd, o->backlog) < 0)
		code = -errno;
	if (code == 0)
		return fd;
	if (bound == 0)
		unlink(o->path);
	close(fd);
	return hc_err_set(err, code, "cannot listen on '%s': %s", o->path, strerror(-code));
}
