/* -p FILE...: a directory stands for its *.yaml. */
#ifndef HC_CLI_POLICY_ARG_H
#define HC_CLI_POLICY_ARG_H

#include "cmd.h"
#include "replay/falco.h"

struct hc_policies {
	char **v; /* n file names, malloc'ed */
	size_t n;
};

/* In the order given, a directory's files by name. HC_CLI_GO, or the exit code after the error was printed. */
int hc_cli_policies(const struct hc_command *cmd, const struct hc_strs *given, struct hc_policies *ret);
/* The same without printing: -EINVAL, or why a directory cannot be read. */
int hc_policies_find(const struct hc_strs *given, struct hc_policies *ret, struct hc_err *err);
void hc_policies_done(struct hc_policies *p);

/* What is wrong with rules that were loaded, with its line, a caret, and what can be done. False: out of memory.
 */
bool hc_cli_print_diag(FILE *to, const struct hc_falco *f, const struct hc_falco_diag *d);
/* All that is wrong, to stderr. */
void hc_cli_print_diags(const struct hc_falco *f, bool errors_only);
/* Whether a diagnostic matters to whoever uses the policy. Those of unused macros and lists matter to its author
 * alone, and those that were printed for an earlier file to nobody. */
bool hc_cli_diag_tells(const struct hc_falco_diag *d);

#endif
