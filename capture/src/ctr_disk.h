/*
 * Containers by id, from the state that their runtimes keep on disk.
 *
 * Two readers: a thread of its own that inotify tells of new state, which reads it at once and keeps it (a
 * container may live for a millisecond), and the caller's, which reads what the thread has not. Directories that
 * belong to users (below /home and /run/user, and what a pattern names) are read by a second thread alone: whoever
 * owns them can make reading wait, and fill them. What they tell counts where the system's directories do not know
 * the id.
 */
#ifndef HC_CAPTURE_CTR_DISK_H
#define HC_CAPTURE_CTR_DISK_H

#include "ctr_facts.h"
#include "store/base/err.h"

struct ctr_disk;

/* roots: KIND=DIR, where DIR may be a pattern of glob(7); n 0: the places that runtimes use. -EINVAL: a root makes
 * no sense. watch: what appears from now on waits for ctr_disk_start. */
int ctr_disk_open(const char *const *roots, size_t n, bool watch, struct ctr_disk **ret, struct hc_err *err);
/* Starts the thread, once: it has the rights that the caller has by then. */
int ctr_disk_start(struct ctr_disk *d, struct hc_err *err);
struct ctr_disk *ctr_disk_close(struct ctr_disk *d);
/* Whether the text is a root that ctr_disk_open would take; if not, `err` says why. */
int ctr_disk_root_check(const char *root, struct hc_err *err);
/* What is known; the caller's to free. NULL: no runtime knows the id. In the facts, `exists` alone means that
 * there is a place for it and nothing readable in it yet. */
struct ctr_facts *ctr_disk_find(struct ctr_disk *d, struct hc_str id);
/* Files that were refused: no regular file, too big, not what they should be. */
uint64_t ctr_disk_n_refused(struct ctr_disk *d);

#endif
