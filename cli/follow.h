/* What the commands with --follow share: they end when told to, and their output does not wait in a buffer. */
#ifndef HC_CLI_FOLLOW_H
#define HC_CLI_FOLLOW_H

#include "cmd.h"
#include "store/base/err.h"

/* From now on SIGINT and SIGTERM are the normal end; a second one kills. Says on a terminal how to end it. */
void hc_cli_follow_begin(const char *what);
/* Of struct hc_replay_opts, by any ctx: writes out what was printed. */
int hc_cli_follow_progress(void *ctx, uint64_t done_rows, uint64_t all_rows);
/* 0; or standard output could not be written, other than because its reader has had enough. */
int hc_cli_follow_end(struct hc_err *err);

#endif
