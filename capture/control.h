/*
 * The recorder's control socket: a Unix stream socket on which other programs of this machine ask for captures and
 * for how the recorder does. docs/control.md has the protocol; `hindcast capture` speaks it.
 *
 * One request is one line of JSON, an object of at most HC_CONTROL_MAX_BYTES with "hindcast": 1 (the protocol's
 * version) and "op"; the answer is one line, {"ok":true,...} or {"ok":false,"error":{"code":...,"message":...}},
 * in the order of the requests. Who may ask: user 0, the recorder's own user, and members of `group` (SO_PEERCRED
 * and SO_PEERGROUPS, as of when the peer connected). The daemon's loop serves it: nothing here waits, and a peer
 * that neither reads nor writes is let go.
 */
#ifndef HC_CAPTURE_CONTROL_H
#define HC_CAPTURE_CONTROL_H

#include "capture/captures.h"

#define HC_CONTROL_VERSION 1
#define HC_CONTROL_MAX_BYTES (64u << 10) /* a request; answers are bounded by what there is to tell */
#define HC_CONTROL_DEFAULT_PATH "/run/hindcast/control.sock"

struct hc_control;

struct hc_control_opts {
	const char *path;  /* of the socket; its directory is made when missing, 0755 */
	const char *group; /* whose members may ask too; NULL: nobody else */
	const char *dir;   /* of the capture, as `status` tells; NULL: it does not */
	struct hc_captures *captures;
};

/* Whether there can be a socket of this name. -EINVAL. */
int hc_control_path_check(const char *path, struct hc_err *err);
/* The strings are borrowed as long as it lives. -EINVAL: no such group, or a path that is too long. */
int hc_control_new(const struct hc_control_opts *opts, struct hc_control **ret, struct hc_err *err);
struct hc_control *hc_control_free(struct hc_control *c);
HC_DEFINE_AUTO(struct hc_control, hc_control_free)
/* Whether hc_control_listen will succeed when the recorder that this one is to take over from is gone: the one
 * that writes into opts.dir. -EADDRINUSE: another one answers. */
int hc_control_try(struct hc_control *c, struct hc_err *err);
/* Makes the socket; while the recorder still has all its privileges. One on which another recorder answers is not
 * taken over (-EADDRINUSE). */
int hc_control_listen(struct hc_control *c, struct hc_err *err);
/* To be added to the daemon, after the captures' own and when it listens. */
struct hc_daemon_part *hc_control_part(struct hc_control *c);

/* The answer to one request, without the newline: malloc'ed. `peer`: who asks, as it is to stand in rows and log.
 */
char *hc_control_answer(struct hc_control *c, const char *request, size_t n_bytes, const char *peer);

/* ---- the other side ---- */

/* Sends one request (a JSON text without newline) and waits up to timeout_ms for the answer: malloc'ed, without
 * the newline. -ENOENT or -ECONNREFUSED no recorder there, -EACCES not allowed, -ETIMEDOUT, -EPROTO. */
int hc_control_ask(const char *path, const char *request, int timeout_ms, char **ret, struct hc_err *err);

#endif
