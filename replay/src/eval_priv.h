/* For tests: other kernels, and every block looked at. */
#ifndef HC_REPLAY_EVAL_PRIV_H
#define HC_REPLAY_EVAL_PRIV_H

#include "kernels.h"
#include "replay/plan.h"

/* Borrowed. */
void hc_eval_set_kernels(struct hc_eval *e, const struct hc_kernels *kernels);
void hc_eval_set_pruning(struct hc_eval *e, bool on);

#endif
