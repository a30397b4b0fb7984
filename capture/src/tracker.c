/* The tracker as a whole: making it, what it does each second and at the end, and its counts. */
#include "tracker_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int hc_tracker_new(const struct hc_tracker_opts *opts, struct hc_tracker **ret, struct hc_err *err)
{
	struct hc_tracker *t = calloc(1, sizeof(*t));
	char link[64];
	ssize_t n;

	if (!t)
		return hc_err_set(err, -ENOMEM, "out of memory");
	t->opts = *opts;
	if (!t->opts.max_bytes)
		t->opts.max_bytes = HC_TRACKER_MAX_BYTES;
	t->dead_end = &t->dead;
	t->exe_queue_end = &t->exe_queue;
	t->ctr_news_end = &t->ctr_news;
	t->proc_fd = -1;
	t->group_hier = opts->hierarchy && !opts->hierarchy[0] ? 0 : -1;
	if (getrandom(&t->seed, sizeof(t->seed), 0) != (ssize_t)sizeof(t->seed)) {
		hc_tracker_free(t);
		return hc_err_set(err, -EIO, "no random numbers to be had");
	}
	plans_make(t);
	if (opts->proc) {
		t->proc_fd = open(opts->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (t->proc_fd < 0) {
			int code = -errno;

			hc_tracker_free(t);
			return hc_err_set(err, code, "cannot open '%s': %s", opts->proc, strerror(-code));
		}
		n = readlinkat(t->proc_fd, "self/ns/mnt", link, sizeof(link) - 1);
		if (n > 5) {
			link[n] = '\0';
			t->own_mnt_ns =
				(uint32_t)strtoul(strchr(link, '[') ? strchr(link, '[') + 1 : "0", NULL, 10);
		}
		if (opts->late_paths)
			path_late_probe(t);
	}
	t->in_snapshot = true;
	if (opts->containers || opts->sockets) {
		int code = ctr_open(t, err);

		if (code < 0) {
			hc_tracker_free(t);
			return code;
		}
	}
	*ret = t;
	return 0;
}

struct hc_tracker *hc_tracker_free(struct hc_tracker *t)
{
	if (!t)
		return NULL;
	fd_done(t);
	proc_done(t);
	user_done(t);
	group_done(t);
	ctr_done(t);
	exe_done(t);
	for (unsigned i = 0; i < N_FILES; i++)
		file_unref(t, t->files[i]);
	path_late_done(t);
	table_done(&t->lists);
	assert(t->txts.n == 0 && t->lists.n == 0); /* somebody forgot a reference */
	assert(t->text_bytes == 0 && t->n_vers == 0 && t->n_images == 0);
	table_done(&t->txts);
	free(t->masked);
	told_free(&t->told);
	if (t->proc_fd >= 0)
		close(t->proc_fd);
	free(t);
	return NULL;
}

void hc_tracker_set_writer(struct hc_tracker *t, struct hc_writer *w)
{
	t->w = w;
}

int hc_tracker_snapshot_done(struct hc_tracker *t, struct hc_err *err)
{
	(void)err;
	proc_settle(t);
	t->in_snapshot = false;
	return 0;
}

int hc_tracker_tick(struct hc_tracker *t, uint64_t now_ns, struct hc_err *err)
{
	int r;

	if (now_ns > t->now_ns)
		t->now_ns = now_ns;
	r = exe_tick(t, err);
	if (r >= 0)
		r = ctr_tick(t, err);
	if (r < 0)
		return r;
	if (now_ns - t->last_tick_ns < 900000000 && t->last_tick_ns)
		return 0;
	t->last_tick_ns = now_ns;
	t->proc_reads = t->exe_reads = 0;
	path_roots_tick(t);
	t->ctr_bytes = ctrs_bytes(t);
	if (now_ns > DEAD_KEEP_NS)
		proc_reap(t, now_ns - DEAD_KEEP_NS);
	r = user_watch(t, err);
	return r;
}

int hc_tracker_end(struct hc_tracker *t, uint64_t now_ns, struct hc_err *err)
{
	if (now_ns > t->now_ns)
		t->now_ns = now_ns;
	return exe_end(t, err);
}

struct hc_tracker_stats hc_tracker_stats(const struct hc_tracker *t)
{
	struct hc_tracker_stats s = t->stats;

	s.n_procs = t->procs.n;
	s.n_tasks = t->tasks.n;
	s.n_fds = t->fds.n;
	s.n_socks = t->socks.n;
	s.n_paths = t->paths.n;
	s.n_texts = t->txts.n;
	s.n_bytes = tracker_bytes(t);
	s.n_ctr_refused = ctr_disk_n_refused(t->disk);
	ctr_socket_counts(t, &s);
	return s;
}
