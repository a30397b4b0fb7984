#include "query/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int hc_out_file_free(const char *path, bool replace, struct hc_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return hc_err_set(err, -EISDIR, "'%s' is a directory: give the name of a file", path);
	return replace ? 0 : hc_err_set(err, -EEXIST, "'%s' is there already", path);
}

int hc_out_file_write(const char *path, bool replace, int (*write)(void *ctx, int fd, struct hc_err *err),
                      void *ctx, struct hc_err *err)
{
	char *tmp = NULL;
	int fd, r;

	if (asprintf(&tmp, "%s.part-XXXXXX", path) < 0)
		return hc_err_set(err, -ENOMEM, "out of memory");
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		r = hc_err_set(err, -errno, "cannot create '%s': %s", path, strerror(errno));
		free(tmp);
		return r;
	}
	r = write(ctx, fd, err);
	if (r == 0 && fsync(fd) < 0)
		r = hc_err_set(err, -errno, "cannot write '%s': %s", path, strerror(errno));
	close(fd);
	if (r == 0) {
		r = renameat2(AT_FDCWD, tmp, AT_FDCWD, path, replace ? 0 : RENAME_NOREPLACE);
		if (r < 0 && errno == EINVAL) /* a file system that cannot; the caller has looked before */
			r = rename(tmp, path);
		if (r < 0)
			r = hc_err_set(err, -errno, "cannot create '%s': %s", path, strerror(errno));
	}
	if (r < 0) {
		unlink(tmp);
		hc_err_note(err, "nothing was left at '%s'", path);
	}
	free(tmp);
	return r;
}
