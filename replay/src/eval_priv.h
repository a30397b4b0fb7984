/* For tests: other kernels. */
#ifndef HC_REPLAY_EVAL_PRIV_H
#define HC_REPLAY_EVAL_PRIV_H

#include "kernels.h"
#include "replay/plan.h"

/* Borrowed. */
void hc_eval_set_kernels(struct hc_eval *e, const struct hc_kernels *kernels);

#endif
