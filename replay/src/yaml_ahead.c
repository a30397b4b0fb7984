/*
 * Threads take files from a list; who asks for one takes it too when no thread has begun it, and waits when one
 * has. The first file is left for last: the one who asks wants it at once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "replay/yaml.h"

enum state { WAITS, BEGUN, READ, TAKEN };

struct file {
	char *path;
	enum state state;
	struct hc_yaml_source source;
};

struct hc_yaml_ahead {
	pthread_mutex_t lock; /* guards states, and with them the sources */
	pthread_cond_t read;
	bool stop;
	struct file *files;
	size_t n_files;
	struct hc_pool *pool;
	struct hc_job *jobs;
	size_t n_jobs;
};

void hc_yaml_source_read(const char *path, struct hc_yaml_source *ret)
{
	*ret = (struct hc_yaml_source){ 0 };
	ret->read = hc_yaml_read(path, &ret->text, &ret->n_bytes, &ret->why);
	if (ret->read == 0)
		ret->parsed = hc_yaml_parse_any(path, ret->text, ret->n_bytes, &ret->yaml, &ret->why);
}

void hc_yaml_source_done(struct hc_yaml_source *s)
{
	hc_yaml_free(s->yaml);
	free(s->text);
	*s = (struct hc_yaml_source){ 0 };
}

/* With the lock: a file that nobody has begun. */
static struct file *next_file(struct hc_yaml_ahead *a)
{
	for (size_t i = 1; i <= a->n_files && !a->stop; i++)
		if (a->files[i % a->n_files].state == WAITS)
			return &a->files[i % a->n_files];
	return NULL;
}

static void work(void *arg)
{
	struct hc_yaml_ahead *a = arg;
	struct file *f;

	pthread_mutex_lock(&a->lock);
	while ((f = next_file(a))) {
		f->state = BEGUN;
		pthread_mutex_unlock(&a->lock);
		hc_yaml_source_read(f->path, &f->source);
		pthread_mutex_lock(&a->lock);
		f->state = READ;
		pthread_cond_broadcast(&a->read);
	}
	pthread_mutex_unlock(&a->lock);
}

/* False when there is no memory. */
static bool list_files(struct hc_yaml_ahead *a, const char *const *paths, size_t n)
{
	a->files = calloc(n, sizeof(*a->files));
	for (size_t i = 0; a->files && i < n; i++, a->n_files++) {
		a->files[i].path = strdup(paths[i]);
		if (!a->files[i].path)
			return false;
	}
	return a->files;
}

struct hc_yaml_ahead *hc_yaml_ahead_new(const char *const *paths, size_t n, struct hc_pool *pool)
{
	struct hc_yaml_ahead *a;
	size_t n_others = hc_pool_n_threads(pool) - 1;

	if (n_others >= n)
		n_others = n ? n - 1 : 0;
	a = n_others ? calloc(1, sizeof(*a)) : NULL;
	if (!a)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->read, NULL);
	a->pool = pool;
	a->jobs = calloc(n_others, sizeof(*a->jobs));
	if (!a->jobs || !list_files(a, paths, n))
		return hc_yaml_ahead_free(a);
	for (; a->n_jobs < n_others; a->n_jobs++) {
		a->jobs[a->n_jobs] = (struct hc_job){ .run = work, .arg = a };
		if (hc_pool_begin(pool, &a->jobs[a->n_jobs], NULL) < 0)
			break;
	}
	return a;
}

struct hc_yaml_ahead *hc_yaml_ahead_free(struct hc_yaml_ahead *a)
{
	if (!a)
		return NULL;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < a->n_jobs; i++)
		hc_pool_end(a->pool, &a->jobs[i]);
	for (size_t i = 0; i < a->n_files; i++) {
		hc_yaml_source_done(&a->files[i].source);
		free(a->files[i].path);
	}
	free(a->files);
	free(a->jobs);
	pthread_cond_destroy(&a->read);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return NULL;
}

bool hc_yaml_ahead_take(struct hc_yaml_ahead *a, const char *path, struct hc_yaml_source *ret)
{
	bool found = false;

	if (!a)
		return false;
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->n_files; i++) {
		struct file *f = &a->files[i];

		if (f->state == TAKEN || strcmp(f->path, path) != 0)
			continue;
		while (f->state == BEGUN)
			pthread_cond_wait(&a->read, &a->lock);
		found = f->state == READ;
		if (found) {
			*ret = f->source;
			f->source = (struct hc_yaml_source){ 0 };
		}
		f->state = TAKEN;
		break;
	}
	pthread_mutex_unlock(&a->lock);
	return found;
}
