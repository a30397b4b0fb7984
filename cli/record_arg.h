/* Options that `record` and `recorder` share: what is masked, who may read the capture, where containers are
 * looked up. */
#ifndef HC_CLI_RECORD_ARG_H
#define HC_CLI_RECORD_ARG_H

#include <sys/types.h>

#include "capture/mask.h"
#include "capture/record.h"
#include "cmd.h"

/* Each returns HC_CLI_GO, or the exit code after the error was printed. */

/* The shipped rules and those of the files; *ret stays NULL with no_mask. */
int hc_cli_mask(const struct hc_command *cmd, const struct hc_strs *files, bool no_mask, struct hc_mask **ret);
/* A name or a number. */
int hc_cli_group(const struct hc_command *cmd, const char *name, gid_t *ret);
/* That --container-root and --runtime-socket do not contradict themselves. */
int hc_cli_containers(const struct hc_command *cmd, const struct hc_strs *roots, const struct hc_strs *sockets);

/* For hc_opt.check: one value of --group, --container-root, --runtime-socket. */
int hc_cli_group_check(const char *name, struct hc_err *err);
int hc_cli_root_check(const char *value, struct hc_err *err);
int hc_cli_socket_check(const char *value, struct hc_err *err);

/* Where containers are looked up, by these two; borrowed. With no place on disk no socket is asked unless it is
 * asked for. */
void hc_cli_containers_put(const struct hc_strs *roots, const struct hc_strs *sockets, struct hc_record_opts *o);

#endif
