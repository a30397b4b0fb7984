/* -p FILE...: a directory stands for its *.yaml. */
#ifndef HC_CLI_POLICY_ARG_H
#define HC_CLI_POLICY_ARG_H

#include "cmd.h"

struct hc_policies {
	char **v; /* n file names, malloc'ed */
	size_t n;
};

/* In the order given, a directory's files by name. HC_CLI_GO, or the exit code after the error was printed. */
int hc_cli_policies(const struct hc_command *cmd, const struct hc_strs *given, struct hc_policies *ret);
void hc_policies_done(struct hc_policies *p);

#endif
