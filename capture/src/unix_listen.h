/* Unix sockets that the recorder listens on. */
#ifndef HC_CAPTURE_UNIX_LISTEN_H
#define HC_CAPTURE_UNIX_LISTEN_H

#include <sys/types.h>

#include "store/base/err.h"

/* What it is for, in messages. */
struct unix_listen_opts {
	const char *path;   /* absolute; its directory is made when missing, 0755 */
	const char *what;   /* "control socket" */
	const char *option; /* "--control PATH" */
	const gid_t *group; /* may connect too (0660); NULL: the owner alone (0600) */
	int backlog;
};

/* -EINVAL: no path for a socket. */
int unix_path_check(const char *path, struct hc_err *err);
/* -EINVAL: no such group. */
int unix_group(const char *name, gid_t *ret, struct hc_err *err);
/* The descriptor, which does not block. A socket left by a recorder that was killed is replaced; one on which
 * somebody answers is not (-EADDRINUSE). */
int unix_listen(const struct unix_listen_opts *opts, struct hc_err *err);
/* Tries all that unix_listen does, on another name in the same directory, for when whoever listens on it now is
 * gone. 1 somebody does, 0 nobody. */
int unix_listen_try(const struct unix_listen_opts *opts, struct hc_err *err);

#endif
