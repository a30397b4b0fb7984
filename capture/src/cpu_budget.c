/* Some seconds over the budget shed a step of detail; a much longer time well below it takes one back. When a step
 * has to be shed again soon after it was taken back, the next wait is twice as long: under a steady load the
 * recording would otherwise change for ever. */
#include "cpu_budget.h"

static int shed(struct cpu_budget *b, uint64_t now_ns)
{
	uint64_t wait = b->wait_ns ? b->wait_ns : CPU_BUDGET_UNDER_NS;

	if (b->restored_ns && now_ns - b->restored_ns < wait)
		b->wait_ns = wait * 2 < CPU_BUDGET_MAX_UNDER_NS ? wait * 2 : CPU_BUDGET_MAX_UNDER_NS;
	else if (b->restored_ns)
		b->wait_ns = 0;
	b->restored_ns = 0;
	b->over_ns = now_ns; /* the next step waits until the effect of this one can be seen */
	return 1;
}

static int restore(struct cpu_budget *b, uint64_t now_ns)
{
	b->restored_ns = now_ns;
	b->under_ns = now_ns;
	return -1;
}

int cpu_budget_look(struct cpu_budget *b, uint64_t now_ns, uint64_t used_ns, bool any)
{
	uint64_t wait = b->wait_ns ? b->wait_ns : CPU_BUDGET_UNDER_NS;
	bool first = !b->now_ns;
	double apart = (double)(now_ns - b->now_ns), share;

	if (!first && now_ns <= b->now_ns)
		return 0;
	share = first ? 0 : (double)(used_ns - b->used_ns) / apart;
	b->now_ns = now_ns;
	b->used_ns = used_ns;
	if (first)
		return 0;
	b->share += (share - b->share) * apart / (apart + (double)CPU_BUDGET_SMOOTH_NS);
	if (b->budget <= 0 || b->share <= b->budget)
		b->over_ns = 0;
	else if (!b->over_ns)
		b->over_ns = now_ns;
	if (b->budget > 0 && b->share >= b->budget * CPU_BUDGET_UNDER_PERCENT / 100)
		b->under_ns = 0;
	else if (!b->under_ns)
		b->under_ns = now_ns;
	/* `share` too: a peak that has passed still shows in the smoothed b->share, and is no reason to shed */
	if (b->over_ns && share > b->budget && now_ns - b->over_ns >= CPU_BUDGET_OVER_NS)
		return shed(b, now_ns);
	if (any && b->under_ns && now_ns - b->under_ns >= wait)
		return restore(b, now_ns);
	return 0;
}
