#include "replay/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/large_pages.h"

enum state { ENDED, WAITS, RUNS };

struct hc_pool {
	pthread_mutex_t lock; /* guards the rest, and the jobs */
	pthread_cond_t begun, ended;
	struct hc_job *first, **end; /* those that wait */
	bool stop;
	unsigned n_jobs, n_idle;      /* jobs that wait, and threads */
	unsigned n_threads, n_others; /* started, and how many there may be */
	cpu_set_t processors;         /* that threads may use; empty: not known */
	pthread_t threads[];
};

/* With the lock. */
static struct hc_job *take(struct hc_pool *p)
{
	struct hc_job *job = p->first;

	p->first = job->next;
	if (!p->first)
		p->end = &p->first;
	p->n_jobs--;
	job->state = RUNS;
	return job;
}

static void *serve(void *arg)
{
	struct hc_pool *p = arg;

	(void)sched_setaffinity(0, sizeof(p->processors), &p->processors); /* from now on any */
	hc_large_pages();
	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct hc_job *job = p->first ? take(p) : NULL;

		if (!job) {
			p->n_idle++;
			pthread_cond_wait(&p->begun, &p->lock);
			p->n_idle--;
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		job->run(job->arg);
		pthread_mutex_lock(&p->lock);
		job->state = ENDED;
		pthread_cond_broadcast(&p->ended);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* On another processor than the caller's: the kernel may begin it on that one, where it waits, and move it only
 * after milliseconds. 0 or an errno. */
static int start_thread(struct hc_pool *p)
{
	pthread_t *thread = &p->threads[p->n_threads];
	cpu_set_t others = p->processors;
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return r;
	CPU_CLR(sched_getcpu(), &others);
	if (CPU_COUNT(&others))
		(void)pthread_attr_setaffinity_np(&attr, sizeof(others), &others);
	r = pthread_create(thread, &attr, serve, p);
	if (r) /* where it begins may not be ours to say */
		r = pthread_create(thread, NULL, serve, p);
	pthread_attr_destroy(&attr);
	return r;
}

struct hc_pool *hc_pool_new(unsigned n_threads)
{
	cpu_set_t processors;
	unsigned n = n_threads;
	struct hc_pool *p;

	if (sched_getaffinity(0, sizeof(processors), &processors) < 0)
		CPU_ZERO(&processors);
	if (!n)
		n = CPU_COUNT(&processors) ? (unsigned)CPU_COUNT(&processors) : 1;
	n = n < HC_POOL_MAX_THREADS ? n : HC_POOL_MAX_THREADS;
	p = calloc(1, sizeof(*p) + n * sizeof(p->threads[0]));
	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->begun, NULL);
	pthread_cond_init(&p->ended, NULL);
	p->end = &p->first;
	p->processors = processors;
	p->n_others = n - 1;
	return p;
}

unsigned hc_pool_n_threads(const struct hc_pool *p)
{
	return p->n_others + 1;
}

int hc_pool_begin(struct hc_pool *p, struct hc_job *job, struct hc_err *err)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->n_jobs >= p->n_idle && p->n_threads < p->n_others) {
		r = start_thread(p);
		p->n_threads += r == 0;
	}
	if (r == 0) {
		job->next = NULL;
		job->state = WAITS;
		*p->end = job;
		p->end = &job->next;
		p->n_jobs++;
		pthread_cond_signal(&p->begun);
	}
	pthread_mutex_unlock(&p->lock);
	return r ? hc_err_set(err, -r, "cannot start a thread: %s", strerror(r)) : 0;
}

/* With the lock: a job that waits is taken back. */
static void take_back(struct hc_pool *p, struct hc_job *job)
{
	struct hc_job **at = &p->first;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (!*at)
		p->end = at;
	p->n_jobs--;
	job->state = ENDED;
}

void hc_pool_end(struct hc_pool *p, struct hc_job *job)
{
	pthread_mutex_lock(&p->lock);
	if (job->state == WAITS)
		take_back(p, job);
	while (job->state != ENDED)
		pthread_cond_wait(&p->ended, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

struct hc_pool *hc_pool_free(struct hc_pool *p)
{
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->begun);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->ended);
	pthread_cond_destroy(&p->begun);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}
