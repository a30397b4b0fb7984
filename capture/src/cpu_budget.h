/* When a recorder that uses more of a processor than it may gives up detail, and when it takes it back. Only
 * arithmetic: who measures and what is shed is record_shed.c's. */
#ifndef HC_CAPTURE_CPU_BUDGET_H
#define HC_CAPTURE_CPU_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define CPU_BUDGET_SMOOTH_NS UINT64_C(2000000000)      /* what was measured so long ago counts for a third */
#define CPU_BUDGET_OVER_NS UINT64_C(3000000000)        /* over the budget for so long: one step less */
#define CPU_BUDGET_UNDER_NS UINT64_C(30000000000)      /* far below it for so long: one step more */
#define CPU_BUDGET_MAX_UNDER_NS UINT64_C(600000000000) /* the longest wait, after steps that had to be undone */
#define CPU_BUDGET_UNDER_PERCENT 60                    /* of the budget is far below it */

struct cpu_budget {
	double budget;            /* share of one processor; 0: no limit */
	double share;             /* used, smoothed */
	uint64_t now_ns, used_ns; /* of the last look; 0: none yet */
	uint64_t over_ns;         /* since when share is over the budget; 0: it is not */
	uint64_t under_ns;        /* since when it is far below; 0: it is not */
	uint64_t restored_ns;     /* when the last step was taken back; 0: none was */
	uint64_t wait_ns;         /* how long it must be below now; 0: CPU_BUDGET_UNDER_NS */
};

/* A look, about once a second: the clock and the processor time used till now. 1: shed one step; -1: take one back
 * (there are some when `any`); 0: all stays. */
int cpu_budget_look(struct cpu_budget *b, uint64_t now_ns, uint64_t used_ns, bool any);

#endif
