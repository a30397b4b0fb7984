/* Threads that wait for something to do. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "replay/pool.h"

#define N_JOBS 40u

static atomic_uint n_run, n_inside;
static atomic_bool let_go;

static void count(void *arg)
{
	(void)arg;
	atomic_fetch_add(&n_run, 1);
}

static void wait_inside(void *arg)
{
	(void)arg;
	atomic_fetch_add(&n_inside, 1);
	while (!atomic_load(&let_go))
		usleep(100);
	atomic_fetch_add(&n_run, 1);
}

static void until(const atomic_uint *what, unsigned n)
{
	while (atomic_load(what) < n)
		usleep(100);
}

Test(pool, runs_jobs_on_other_threads)
{
	struct hc_pool *p = hc_pool_new(3);
	struct hc_job jobs[N_JOBS] = { 0 };

	cr_assert_eq(hc_pool_n_threads(p), 3);
	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < N_JOBS; i++) {
			jobs[i].run = count;
			cr_assert_eq(hc_pool_begin(p, &jobs[i], NULL), 0);
		}
		until(&n_run, N_JOBS * round);
		for (unsigned i = 0; i < N_JOBS; i++)
			hc_pool_end(p, &jobs[i]);
		cr_assert_eq(n_run, N_JOBS * round, "a job has run twice");
	}
	hc_pool_free(p);
}

static void note_processors(void *set)
{
	cr_assert_eq(sched_getaffinity(0, sizeof(cpu_set_t), set), 0);
	atomic_fetch_add(&n_run, 1);
}

Test(pool, has_its_threads_use_all_processors_of_the_one_that_made_it)
{
	struct hc_pool *p = hc_pool_new(2);
	cpu_set_t own, seen;
	struct hc_job job = { .run = note_processors, .arg = &seen };

	cr_assert_eq(sched_getaffinity(0, sizeof(own), &own), 0);
	cr_assert_eq(hc_pool_begin(p, &job, NULL), 0);
	until(&n_run, 1);
	hc_pool_end(p, &job);
	cr_assert(CPU_EQUAL(&own, &seen));
	hc_pool_free(p);
}

Test(pool, runs_as_many_at_once_as_it_has_threads_and_takes_the_rest_back)
{
	struct hc_pool *p = hc_pool_new(3);
	struct hc_job jobs[5] = { 0 };

	for (unsigned i = 0; i < 5; i++) {
		jobs[i].run = wait_inside;
		cr_assert_eq(hc_pool_begin(p, &jobs[i], NULL), 0);
	}
	until(&n_inside, 2);
	hc_pool_end(p, &jobs[3]); /* in the middle, then the last, then one behind which nothing is left */
	hc_pool_end(p, &jobs[4]);
	hc_pool_end(p, &jobs[2]);
	cr_assert_eq(n_inside, 2);
	cr_assert_eq(hc_pool_begin(p, &jobs[4], NULL), 0);
	atomic_store(&let_go, true);
	until(&n_run, 3);
	for (unsigned i = 0; i < 5; i++)
		hc_pool_end(p, &jobs[i]);
	cr_assert_eq(n_run, 3, "a job that was taken back has run");
	hc_pool_free(p);
}

static void note_self(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	atomic_fetch_add(&n_run, 1);
}

Test(pool, keeps_its_threads_for_the_next_job)
{
	struct hc_pool *p = hc_pool_new(8);
	pthread_t by[4];

	for (unsigned i = 0; i < 4; i++) {
		struct hc_job job = { .run = note_self, .arg = &by[i] };

		cr_assert_eq(hc_pool_begin(p, &job, NULL), 0);
		until(&n_run, i + 1);
		hc_pool_end(p, &job);
		cr_assert(pthread_equal(by[i], by[0]));
		cr_assert_not(pthread_equal(by[i], pthread_self()));
	}
	hc_pool_free(p);
}

Test(pool, of_one_thread_runs_nothing)
{
	struct hc_pool *p = hc_pool_new(1);
	struct hc_job job = { .run = count }, none = { 0 };

	cr_assert_eq(hc_pool_n_threads(p), 1);
	cr_assert_eq(hc_pool_begin(p, &job, NULL), 0);
	usleep(20000);
	hc_pool_end(p, &job);
	hc_pool_end(p, &none);
	cr_assert_eq(n_run, 0);
	hc_pool_free(p);
}
