#include "store/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* NULL: it may be read. */
static const char *what_else(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return "nothing that can be read";
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFIFO:
		return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC ? NULL : "a FIFO";
	case S_IFDIR:
		return "a directory";
	case S_IFCHR:
		return st.st_rdev == makedev(1, 3) ? NULL : "a device";
	default:
		return "a device";
	}
}

int hc_file_open(const char *path, struct hc_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = 0;
	const char *what;

	if (fd < 0 && errno == ENXIO)
		return hc_err_set(err, -EINVAL, "cannot read %s: it is a socket or a device, not a file", path);
	if (fd < 0)
		return hc_err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
	what = what_else(fd);
	if (what)
		r = hc_err_set(err, -EINVAL, "cannot read %s: it is %s, not a file", path, what);
	else if (fcntl(fd, F_SETFL, 0) < 0) /* a pipe waits for its writer */
		r = hc_err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
	if (r == 0)
		return fd;
	close(fd);
	return r;
}
