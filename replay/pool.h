/* Threads that wait for something to do. One that waits is at work at once; a new one has to be made, and put on a
 * processor. */
#ifndef HC_REPLAY_POOL_H
#define HC_REPLAY_POOL_H

#include "store/base/cleanup.h"
#include "store/base/err.h"

#define HC_POOL_MAX_THREADS 256u

struct hc_pool;

/* Something to do. It must not be moved or freed between hc_pool_begin() and hc_pool_end(). */
struct hc_job {
	void (*run)(void *arg);
	void *arg;
	/* the pool's */
	struct hc_job *next;
	unsigned char state;
};

/* n_threads: that of the caller included, HC_POOL_MAX_THREADS at most; 0: one per processor that this process may
 * use. They are started when they are needed. NULL: out of memory. */
struct hc_pool *hc_pool_new(unsigned n_threads);
unsigned hc_pool_n_threads(const struct hc_pool *p); /* that of the caller included */
/* Has a thread run it as soon as one is free; jobs are run in the order in which they were begun. A negative errno
 * when no thread can be started: then the job will not be run, and need not be ended. */
int hc_pool_begin(struct hc_pool *p, struct hc_job *job, struct hc_err *err);
/* Waits until it has been run, or takes it back when no thread has begun it. Does nothing for a zero-initialised
 * job, which was never begun. */
void hc_pool_end(struct hc_pool *p, struct hc_job *job);
/* Every job must have been ended. */
struct hc_pool *hc_pool_free(struct hc_pool *p);
HC_DEFINE_AUTO(struct hc_pool, hc_pool_free)

#endif
