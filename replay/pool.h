/*
 * Threads that wait for something to do. A new thread is at work only after milliseconds: the kernel begins it on
 * the processor of the one that asked for it, and moves it later. One that waits is there at once.
 */
#ifndef HC_REPLAY_POOL_H
#define HC_REPLAY_POOL_H

#include "store/base/cleanup.h"
#include "store/base/err.h"

#define HC_POOL_MAX_THREADS 256u

struct hc_pool;

/* Something to do; where it is, it stays from hc_pool_begin() to hc_pool_end(). */
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
/* A thread will run it, when one has nothing else to do: in order of their beginning. A negative errno when a
 * thread cannot be started for it: then it has ended. */
int hc_pool_begin(struct hc_pool *p, struct hc_job *job, struct hc_err *err);
/* Waits until it has been run, or takes it back when no thread has begun it. A job of zeroes has ended. */
void hc_pool_end(struct hc_pool *p, struct hc_job *job);
/* All jobs have ended. */
struct hc_pool *hc_pool_free(struct hc_pool *p);
HC_DEFINE_AUTO(struct hc_pool, hc_pool_free)

#endif
