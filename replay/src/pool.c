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
	pthread_t threads[];
};

static unsigned n_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

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

struct hc_pool *hc_pool_new(unsigned n_threads)
{
	unsigned n = n_threads ? n_threads : n_processors();
	struct hc_pool *p;

	n = n < HC_POOL_MAX_THREADS ? n : HC_POOL_MAX_THREADS;
	p = calloc(1, sizeof(*p) + n * sizeof(p->threads[0]));
	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->begun, NULL);
	pthread_cond_init(&p->ended, NULL);
	p->end = &p->first;
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
		r = pthread_create(&p->threads[p->n_threads], NULL, serve, p);
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
