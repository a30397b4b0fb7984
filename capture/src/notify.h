/* Telling systemd (or whoever set NOTIFY_SOCKET) how a service is: the protocol of sd_notify(3), one datagram with
 * lines NAME=VALUE. Its manual page guarantees the protocol to programs that speak it themselves. */
#ifndef HC_CAPTURE_NOTIFY_H
#define HC_CAPTURE_NOTIFY_H

#include <stdint.h>

#include "store/base/err.h"

struct hc_notify {
	int fd;               /* -1: nobody listens */
	uint64_t watchdog_ns; /* to be told of us more often than this; 0: not asked for */
};

/* From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which are removed from the environment: no child of ours is
 * meant. -EINVAL: the address is none. */
int hc_notify_init(struct hc_notify *n, struct hc_err *err);
/* What cannot be told is not: a recorder does not stop because nobody listens. */
void hc_notify(const struct hc_notify *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A BPF file system that no directory shows and the service manager keeps (its file descriptor store): over
 * restarts, and until it stops the service for good, when the kernel frees what is in it. The one that it hands
 * back to us, else a new one given to it. -ENOENT: it keeps none (FDSTORE is not set). The caller closes it. */
int hc_notify_bpf_fs(const struct hc_notify *n);
void hc_notify_done(struct hc_notify *n);

#endif
