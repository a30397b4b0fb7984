/*
 * The bound of all that is known. Tables of open files, sockets and paths have bounds of their own; how much
 * texts, versions and programs take depends on what runs, and is bounded here, by bytes. What goes first is what
 * is needed least, and what can be read again from /proc: open files, sockets and paths not used lately; what is
 * known of processes that have ended; then processes of which nothing was heard lately. Between two records, as a
 * record in hand borrows.
 */
#include "tracker_priv.h"

#define CACHES_KEEP 4096u /* of each table, while there is something else to let go of */
#define FREE_SHARE 8u     /* so much of the bound is made room for at once */

static uint64_t slots(const struct table *table)
{
	return table->slot ? (table->mask + UINT64_C(1)) * sizeof(struct table_slot) : 0;
}

static uint64_t cached_bytes(const struct hc_tracker *t)
{
	return t->paths.n * (sizeof(struct tpath) + HEAP_BYTES) +
	       t->socks.n * (sizeof(struct tsock) + HEAP_BYTES) +
	       t->fds.n * (sizeof(struct tfd) + sizeof(struct tfile) + 2 * HEAP_BYTES) + t->exes.n * exe_bytes() +
	       t->dirs.n * (sizeof(struct dir_entry) + HEAP_BYTES) + N_FILES * (sizeof(struct tfile) + HEAP_BYTES);
}

/* A version with its working directory and root, a program with all that it alone may refer to. */
static uint64_t process_bytes(const struct hc_tracker *t)
{
	const uint64_t of_path = sizeof(struct tpath) + HEAP_BYTES, of_file = sizeof(struct tfile) + HEAP_BYTES,
		       of_fd = sizeof(struct tfd) + HEAP_BYTES;

	return t->procs.n * (sizeof(struct tproc) + HEAP_BYTES) +
	       t->tasks.n * (sizeof(struct ttask) + HEAP_BYTES) +
	       t->n_vers * (sizeof(struct tver) + HEAP_BYTES + 2 * of_path) +
	       t->n_images * (sizeof(struct timage) + HEAP_BYTES + 4 * of_path + 2 * of_file + 3 * of_fd);
}

uint64_t tracker_bytes(const struct hc_tracker *t)
{
	const struct table *const tables[] = { &t->txts, &t->lists,   &t->paths,   &t->procs, &t->tasks,
		                               &t->fds,  &t->socks,   &t->by_vpid, &t->dirs,  &t->dir_names,
		                               &t->exes, &t->cgroups, &t->groups };
	uint64_t n =
		sizeof(*t) + t->text_bytes + t->ctr_bytes + cached_bytes(t) + process_bytes(t) + group_bytes(t);

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		n += slots(tables[i]);
	for (uint32_t i = 0; i < t->n_user_dbs; i++)
		n += slots(&t->user_db[i]->by_id) + t->user_db[i]->by_id.n * (sizeof(struct tuser) + HEAP_BYTES);
	return n;
}

static bool is_over(const struct hc_tracker *t)
{
	return tracker_bytes(t) > t->opts.max_bytes - t->opts.max_bytes / FREE_SHARE;
}

static void evict_caches(struct hc_tracker *t, uint32_t keep)
{
	bool any = true;

	while (any && is_over(t)) {
		any = false;
		for (unsigned i = 0; i < 64; i++) {
			any |= fd_evict(t, keep);
			any |= sock_evict(t, keep);
			any |= path_evict(t, keep);
			any |= group_evict(t, keep);
		}
	}
}

static int by_heard(const void *a, const void *b)
{
	const struct tproc *x = *(struct tproc *const *)a, *y = *(struct tproc *const *)b;

	return x->heard_ns < y->heard_ns ? -1 : x->heard_ns > y->heard_ns;
}

/* The longest silent first. All of them live. */
static void evict_processes(struct hc_tracker *t)
{
	struct tproc **all = calloc(t->procs.n + 1, sizeof(struct tproc *)), *p;
	uint32_t n = 0;

	if (!all)
		return; /* again soon */
	TABLE_ALL(&t->procs, at, p)
	all[n++] = p;
	qsort(all, n, sizeof(all[0]), by_heard);
	for (uint32_t i = 0; i < n && is_over(t);) {
		for (uint32_t until = i + n / 8 + 1; i < n && i < until; i++)
			proc_evict(t, all[i]);
		proc_forget_dead(t); /* as they are now, for those that are left */
	}
	free(all);
}

void tracker_make_room(struct hc_tracker *t)
{
	if (tracker_bytes(t) <= t->opts.max_bytes)
		return;
	t->stats.n_limited++;
	evict_caches(t, CACHES_KEEP);
	if (is_over(t)) {
		ctr_sweep(t);
		user_forget(t);
		proc_forget_dead(t);
	}
	evict_caches(t, 0);
	if (is_over(t))
		evict_processes(t);
}
