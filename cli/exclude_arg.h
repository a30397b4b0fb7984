/* --exclude WHAT of the commands that record: comm=NAME, exe=PATH, uid=N, pid=N, cgroup=PATH, type=NAME. */
#ifndef HC_CLI_EXCLUDE_ARG_H
#define HC_CLI_EXCLUDE_ARG_H

#include "capture/record.h"
#include "cmd.h"

#define HC_MAX_EXCLUDES 64

/* Taken apart. Texts are borrowed from what was given; the struct must not be moved. */
struct hc_excludes {
	const char *comms[HC_MAX_EXCLUDES], *exes[HC_MAX_EXCLUDES], *cgroups[HC_MAX_EXCLUDES];
	uint32_t uids[HC_MAX_EXCLUDES], pids[HC_MAX_EXCLUDES];
	struct hc_exclude x;
	struct hc_type_set types;
	bool has_types;
	char *text; /* all of them, joined by blanks */
};

/* Whether one of them can be understood; -EINVAL, with a sentence. */
int hc_exclude_check(const char *what, struct hc_err *err);
/* Fills a zeroed struct; -EINVAL, -E2BIG: too many, -ENOMEM. */
int hc_excludes_init(struct hc_excludes *e, const struct hc_strs *given, struct hc_err *err);
void hc_excludes_done(struct hc_excludes *e);

#endif
