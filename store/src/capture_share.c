/*
 * Who may read a capture: its owner, or also a group. The capture's own directory says so, set-group-ID and
 * readable by its group: whatever writes there later, a continued recording or a rebuilt index, keeps to it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_priv.h"

#define SHARED_BITS (S_ISGID | S_IRGRP | S_IXGRP)
#define MAX_LEVELS 8 /* segments/NODE/BOOT/FILE is four */

bool hc_dir_shared(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & SHARED_BITS) == SHARED_BITS;
}

/* Takes fd. Symbolic links are not followed: nothing outside the capture changes. */
static int share_dir(int fd, gid_t group, unsigned level)
{
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	/* in this order: a change of group takes the set-group-ID bit away */
	if (fchown(fd, (uid_t)-1, group) < 0 || fchmod(fd, HC_MODE_DIR_SHARED) < 0)
		r = -errno;
	while (r == 0 && (e = readdir(d))) {
		struct stat st;
		int sub;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)))
			continue;
		sub = openat(fd, e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (sub < 0) {
			r = -errno;
		} else if (S_ISDIR(st.st_mode)) {
			r = level < MAX_LEVELS ? share_dir(sub, group, level + 1) : -ELOOP;
		} else {
			if (fchown(sub, (uid_t)-1, group) < 0 || fchmod(sub, HC_MODE_FILE_SHARED) < 0)
				r = -errno;
			close(sub);
		}
	}
	closedir(d);
	return r;
}

int hc_capture_share(const char *dir, gid_t group, struct hc_err *err)
{
	int r = share_dir(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), group, 0);

	return r < 0 ? hc_err_set(err, r, "cannot give '%s' to the group: %s", dir, strerror(-r)) : 0;
}
