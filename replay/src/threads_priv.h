/* How many threads to work with. */
#ifndef HC_REPLAY_THREADS_PRIV_H
#define HC_REPLAY_THREADS_PRIV_H

#include <sched.h>

/* As many as asked for; 0: one per processor that this process may use. */
static inline unsigned hc_n_threads(unsigned asked)
{
	cpu_set_t set;

	if (asked)
		return asked;
	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

#endif
