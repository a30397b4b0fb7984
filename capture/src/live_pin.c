/* The set in the BPF file system: gates, generations, and what the dead left. See live_pin.h. */
#include "live_pin.h"

#include <errno.h>

#if HC_HAVE_BPF /* else: live_none.c */

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/gate.skel.h"
#include "store/base/clock.h"
#include "told.h"

static_assert(HC_EV_MAX == HC_WIRE_MAX_TYPES, "counters have the same types on both sides");

#define PIN_VERSION 1
#define MAX_LEFT 16
#define MAX_GATES 64
#define MAX_RINGS_LEFT 1024
#define GIVEN_UP_NS UINT64_C(10000000000) /* a recorder that asked and then did nothing has failed */
#define COMMITTED UINT32_MAX

/* What this version's records, counters and tables are laid out like; anything else is not read. */
static const uint64_t layout = HC_WIRE_LAYOUT;

/* Changes hands in these steps: a new recorder sets `want`, the one at work `ready` (both to the new generation),
 * the new one turns the gates and commits: `ready` to COMMITTED, `active` to itself, the rest to 0. Until then the
 * one at work may take back its word. */
struct pin_state {
	uint32_t version;
	uint32_t active; /* generation that the gates lead to; 0: none */
	uint32_t want, ready;
	uint64_t key;
	uint64_t missed_told;
};

struct pin_info {
	uint64_t layout;
	uint32_t n_cpus, reserved;
	struct hc_live_kept kept;
	uint64_t handed[MAX_RINGS_LEFT]; /* by ring: what ends before this was handed out */
};

struct gate {
	const char *program;
	int prog_fd;               /* ours behind it; -1: not recorded */
	int to_fd, at_fd, link_fd; /* array, gate program, link; -1: there is none yet */
};

/* An array map that is mapped. */
struct mapped {
	void *p;
	size_t bytes;
};

struct live_pin {
	char root[PATH_MAX], path[PATH_MAX];
	int dir_fd; /* locked: somebody lives here */
	struct mapped state_map, info_map, told_map, descriptions_map;
	struct pin_state *state;
	struct pin_info *info; /* NULL: not prepared */
	struct pin_made made;
	struct gate_bpf *skel; /* of new gates */
	struct gate gates[MAX_GATES];
	uint32_t gen;
	uint32_t left[MAX_LEFT];
	size_t n_left;
	uint32_t promised; /* to which generation */
	uint64_t promised_ns;
	uint64_t missed_base; /* misses that earlier generations had told of */
	bool resumes, turned;
};

struct hc_live_left {
	char path[PATH_MAX];
	bool readable;
	uint64_t n_waiting;
	unsigned n_cpus;
	struct mapped info_map, told_map, cpus_map, descriptions_map;
	struct pin_info *info;
	struct hc_merge merge;
	uint64_t *last_ns, *gap_ns; /* by CPU and kind of ring, see ring_of */
};

/* Maps that programs use from the beginning of a call to its end. */
static const char *const shared_maps[] = { "hc_replaced", "hc_entries", "hc_newtask_flags", "hc_requests" };

/* ---- files of the set ---- */

__attribute__((format(printf, 3, 4))) static const char *in_set(const struct live_pin *p, char buf[PATH_MAX],
                                                                const char *fmt, ...)
{
	size_t n = strlen(p->path);
	va_list ap;

	memcpy(buf, p->path, n);
	buf[n++] = '/';
	va_start(ap, fmt);
	vsnprintf(buf + n, PATH_MAX - n, fmt, ap);
	va_end(ap);
	return buf;
}

static const char *in_gen(const struct live_pin *p, char buf[PATH_MAX], uint32_t gen, const char *name)
{
	return in_set(p, buf, "g%u/%s", gen, name);
}

/* A directory of the BPF file system with all that is below it. */
static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char below[PATH_MAX];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, e->d_name) >= sizeof(below))
			continue;
		if (e->d_type == DT_DIR)
			remove_tree(below);
		else
			unlink(below);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static void unmap(struct mapped *m)
{
	if (m->p)
		munmap(m->p, m->bytes);
	*m = (struct mapped){ 0 };
}

/* Maps a map of values of at least `value_bytes`. Takes the descriptor. */
static int map_values(int fd, size_t value_bytes, uint32_t n, bool writable, struct mapped *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (((value_bytes + 7) & ~(size_t)7) * n + page - 1) & ~(page - 1);
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	void *p;
	int r = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r == 0 && (info.value_size != value_bytes || info.max_entries < n))
		r = -ESTALE; /* another version's */
	if (r == 0) {
		p = mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
		r = p == MAP_FAILED ? -errno : 0;
		if (r == 0)
			*ret = (struct mapped){ p, bytes };
	}
	if (fd >= 0)
		close(fd);
	return r;
}

/* A new map of values, pinned. */
static int new_values(const char *path, const char *name, size_t value_bytes, uint32_t n, struct mapped *ret)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), (uint32_t)value_bytes, n, &opts);
	int r = fd < 0 ? fd : bpf_obj_pin(fd, path);

	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : map_values(fd, value_bytes, n, true, ret);
}

/* ---- the set ---- */

static int refused(struct hc_err *err, const char *root, const char *why)
{
	return hc_err_set(err, -ENOTSUP, "'%s' cannot hold BPF programs: %s", root, why);
}

static bool in_bpf_fs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

static int make_root(const char *root, struct hc_err *err)
{
	char parent[PATH_MAX];
	char *slash;
	int code = 0;

	snprintf(parent, sizeof(parent), "%s", root);
	slash = strrchr(parent, '/');
	if (slash && slash > parent)
		*slash = '\0';
	if (in_bpf_fs(slash ? parent : ".") && mkdir(root, 0700) < 0 && errno != EEXIST)
		code = errno;
	if (code || !in_bpf_fs(root))
		return refused(err, root,
		               code ? strerror(code)
		                    : "it is in no BPF file system (mount -t bpf bpf /sys/fs/bpf)");
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void list_generations(struct live_pin *p, uint32_t *ret_last)
{
	DIR *d = opendir(p->path);
	struct dirent *e;

	p->n_left = 0;
	*ret_last = 0;
	while (d && (e = readdir(d))) {
		char *end;
		uint32_t gen = e->d_name[0] == 'g' ? (uint32_t)strtoul(e->d_name + 1, &end, 10) : 0;

		if (!gen || *end)
			continue;
		*ret_last = gen > *ret_last ? gen : *ret_last;
		if (gen != p->gen && p->n_left < MAX_LEFT)
			p->left[p->n_left++] = gen;
	}
	if (d)
		closedir(d);
	qsort(p->left, p->n_left, sizeof(p->left[0]), by_number);
}

static int open_state(struct live_pin *p, struct hc_err *err)
{
	char buf[PATH_MAX];
	int fd = bpf_obj_get(in_set(p, buf, "state"));
	int r = fd == -ENOENT ? new_values(buf, "hc_pin_state", sizeof(struct pin_state), 1, &p->state_map)
	                      : map_values(fd, sizeof(struct pin_state), 1, true, &p->state_map);

	if (r == -EEXIST) /* another one was faster */
		r = map_values(bpf_obj_get(buf), sizeof(struct pin_state), 1, true, &p->state_map);
	p->state = p->state_map.p;
	if (r == 0 && !p->state->version) {
		p->state->version = PIN_VERSION;
		if (getrandom(&p->state->key, sizeof(p->state->key), 0) != (ssize_t)sizeof(p->state->key))
			p->state->key = hc_clock_ns(CLOCK_BOOTTIME) * UINT64_C(0x9e3779b97f4a7c15);
	}
	if (r == 0 && p->state->version != PIN_VERSION)
		r = -ESTALE;
	if (r == -ESTALE)
		return hc_err_set(err, r, "'%s' is another version's; `hindcast recorder --unpin` removes it",
		                  p->path);
	return r < 0 ? refused(err, p->root, strerror(-r)) : 0;
}

int pin_open(const char *root, const char *dir, struct live_pin **ret, struct hc_err *err)
{
	struct live_pin *p = calloc(1, sizeof(*p));
	struct stat st;
	int r;

	if (!p)
		return hc_err_set(err, -ENOMEM, "out of memory");
	p->dir_fd = -1;
	for (size_t i = 0; i < MAX_GATES; i++)
		p->gates[i] = (struct gate){ .prog_fd = -1, .to_fd = -1, .at_fd = -1, .link_fd = -1 };
	r = make_root(root, err);
	if (r == 0 && stat(dir, &st) < 0)
		r = hc_err_set(err, -errno, "cannot open the directory '%s': %s", dir, strerror(errno));
	if (r == 0 &&
	    (size_t)snprintf(p->path, sizeof(p->path), "%s/%llx-%llx", root, (unsigned long long)st.st_dev,
	                     (unsigned long long)st.st_ino) >= sizeof(p->path) - 128)
		r = refused(err, root, "its name is too long");
	if (r == 0) {
		snprintf(p->root, sizeof(p->root), "%s", root);
		if (mkdir(p->path, 0700) < 0 && errno != EEXIST)
			r = refused(err, root, strerror(errno));
	}
	if (r == 0) {
		p->dir_fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (p->dir_fd < 0 || flock(p->dir_fd, LOCK_SH | LOCK_NB) < 0)
			r = refused(err, root, strerror(errno));
	}
	r = r ? r : open_state(p, err);
	if (r < 0) {
		pin_close(p);
		return r;
	}
	*ret = p;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct live_pin *pin_close(struct live_pin *p)
{
	if (!p)
		return NULL;
	if (!p->turned)
		pin_remove_own(p);
	for (size_t i = 0; i < MAX_GATES; i++) {
		close_fd(&p->gates[i].link_fd);
		close_fd(&p->gates[i].at_fd);
		close_fd(&p->gates[i].to_fd);
	}
	gate_bpf__destroy(p->skel);
	unmap(&p->state_map);
	unmap(&p->info_map);
	unmap(&p->told_map);
	unmap(&p->descriptions_map);
	close_fd(&p->dir_fd);
	free(p);
	return NULL;
}

uint64_t pin_key(const struct live_pin *p)
{
	return p->state->key;
}

/* ---- a generation ---- */

static const char *shared_path(const struct live_pin *p, char buf[PATH_MAX], const char *map)
{
	return in_set(p, buf, "%016llx_%s", (unsigned long long)layout, map);
}

void pin_share(struct live_pin *p, struct bpf_object *obj)
{
	for (size_t i = 0; i < sizeof(shared_maps) / sizeof(shared_maps[0]); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, shared_maps[i]);
		char buf[PATH_MAX];
		int fd = bpf_obj_get(shared_path(p, buf, shared_maps[i]));

		if (fd >= 0 && map)
			bpf_map__reuse_fd(map, fd); /* dups it */
		if (fd >= 0)
			close(fd);
	}
}

static int pin_maps(struct live_pin *p, const struct pin_made *made, struct hc_err *err)
{
	char buf[PATH_MAX], name[32];
	struct bpf_map *map;
	int r = 0;

	for (size_t i = 0; i < sizeof(shared_maps) / sizeof(shared_maps[0]) && !r; i++) {
		map = bpf_object__find_map_by_name(made->obj, shared_maps[i]);
		r = map ? bpf_obj_pin(bpf_map__fd(map), shared_path(p, buf, shared_maps[i])) : 0;
		r = r == -EEXIST ? 0 : r;
	}
	/* The kernel empties a program array when no process and no pin holds it, whatever programs do. */
	bpf_object__for_each_map(map, made->obj)
	{
		if (bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY && !r)
			r = bpf_obj_pin(bpf_map__fd(map), in_gen(p, buf, p->gen, bpf_map__name(map)));
	}
	map = bpf_object__find_map_by_name(made->obj, "hc_cpus");
	r = r ? r : bpf_obj_pin(bpf_map__fd(map), in_gen(p, buf, p->gen, "cpus"));
	for (unsigned i = 0; i < made->n_ring_maps && !r; i++) {
		snprintf(name, sizeof(name), "ring_%u", i);
		r = bpf_obj_pin(made->ring_fds[i], in_gen(p, buf, p->gen, name));
	}
	r = r ? r
	      : new_values(in_gen(p, buf, p->gen, "info"), "hc_pin_info", sizeof(struct pin_info), 1,
	                   &p->info_map);
	r = r ? r
	      : new_values(in_gen(p, buf, p->gen, "told"), "hc_pin_told", HC_EV_MAX * sizeof(struct hc_wire_count),
	                   made->n_cpus, &p->told_map);
	r = r ? r
	      : new_values(in_gen(p, buf, p->gen, "descriptions"), "hc_pin_descr", sizeof(struct told_cpu),
	                   made->n_cpus, &p->descriptions_map);
	return r ? refused(err, p->root, strerror(-r)) : 0;
}

/* Loads the gates that are not there yet. */
static int load_gates(struct live_pin *p, struct hc_err *err)
{
	struct bpf_program *prog;
	int r;

	p->skel = gate_bpf__open();
	if (!p->skel)
		return hc_err_set(err, -errno, "cannot read the recorder's own BPF object: %s", strerror(errno));
	bpf_object__for_each_program(prog, p->skel->obj) bpf_program__set_autoload(prog, false);
	for (size_t i = 0; i < p->made.n_hooks; i++) {
		struct gate *g = &p->gates[i];
		char name[64];

		if (g->prog_fd < 0 || g->link_fd >= 0)
			continue;
		snprintf(name, sizeof(name), "at_%s", g->program);
		prog = bpf_object__find_program_by_name(p->skel->obj, name);
		if (!prog)
			return hc_err_set(err, -ENOENT, "there is no gate for '%s'", g->program);
		bpf_program__set_autoload(prog, true);
	}
	r = gate_bpf__load(p->skel);
	return r ? hc_err_set(err, -ENOTSUP, "the kernel does not take gates before programs: %s", strerror(-r))
	         : 0;
}

static void find_gates(struct live_pin *p)
{
	for (size_t i = 0; i < p->made.n_hooks; i++) {
		struct gate *g = &p->gates[i];
		char buf[PATH_MAX];

		g->program = p->made.hooks[i].program;
		g->prog_fd = p->made.hooks[i].prog_fd;
		g->link_fd = bpf_obj_get(in_set(p, buf, "link_%s", g->program));
		g->at_fd = bpf_obj_get(in_set(p, buf, "at_%s", g->program));
		g->to_fd = bpf_obj_get(in_set(p, buf, "to_%s", g->program));
		if (g->link_fd >= 0 && g->at_fd >= 0 && g->to_fd >= 0)
			continue;
		/* half a gate: of a recorder that was killed while it made it */
		close_fd(&g->link_fd);
		close_fd(&g->at_fd);
		close_fd(&g->to_fd);
		unlink(in_set(p, buf, "link_%s", g->program));
		unlink(in_set(p, buf, "at_%s", g->program));
		unlink(in_set(p, buf, "to_%s", g->program));
	}
}

static uint64_t misses(const struct live_pin *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->made.n_hooks; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (p->gates[i].at_fd >= 0 && !bpf_obj_get_info_by_fd(p->gates[i].at_fd, &info, &len))
			n += info.recursion_misses;
	}
	return n;
}

int pin_prepare(struct live_pin *p, const struct pin_made *made, struct hc_err *err)
{
	char buf[PATH_MAX];
	uint32_t last;
	int r = 0;

	if (made->n_hooks > MAX_GATES)
		return hc_err_set(err, -E2BIG, "there are more hooks than gates");
	p->made = *made;
	list_generations(p, &last);
	do { /* of two that begin at once each has its own */
		p->gen = ++last;
	} while (mkdir(in_set(p, buf, "g%u", p->gen), 0700) < 0 && errno == EEXIST);
	if (access(buf, W_OK) < 0)
		r = refused(err, p->root, strerror(errno));
	find_gates(p);
	r = r ? r : pin_maps(p, made, err);
	r = r ? r : load_gates(p, err);
	if (r < 0) {
		remove_tree(in_set(p, buf, "g%u", p->gen));
		p->gen = 0;
		return r;
	}
	p->info = p->info_map.p;
	p->info->layout = layout;
	p->info->n_cpus = made->n_cpus;
	return 0;
}

bool pin_prepared(const struct live_pin *p)
{
	return p && p->info;
}

/* ---- the gates ---- */

static int new_gate(struct live_pin *p, size_t i, struct bpf_link *(*attach)(void *, size_t, struct bpf_program *),
                    void *ctx)
{
	struct gate *g = &p->gates[i];
	char name[64], buf[PATH_MAX];
	struct bpf_program *at;
	struct bpf_link *link;
	uint32_t zero = 0;
	int r;

	snprintf(name, sizeof(name), "to_%s", g->program);
	g->to_fd = dup(bpf_object__find_map_fd_by_name(p->skel->obj, name));
	snprintf(name, sizeof(name), "at_%s", g->program);
	at = bpf_object__find_program_by_name(p->skel->obj, name);
	g->at_fd = dup(bpf_program__fd(at));
	if (g->to_fd < 0 || g->at_fd < 0)
		return -errno;
	r = bpf_map_update_elem(g->to_fd, &zero, &g->prog_fd, BPF_ANY);
	r = r ? r : bpf_obj_pin(g->to_fd, in_set(p, buf, "to_%s", g->program));
	r = r ? r : bpf_obj_pin(g->at_fd, in_set(p, buf, "at_%s", g->program));
	if (r)
		return r;
	link = attach(ctx, i, at);
	if (!link)
		return -errno;
	g->link_fd = dup(bpf_link__fd(link));
	r = bpf_obj_pin(g->link_fd, in_set(p, buf, "link_%s", g->program));
	bpf_link__destroy(link); /* g->link_fd holds it */
	return r;
}

static void drop_gate(struct live_pin *p, const char *program)
{
	char buf[PATH_MAX];
	uint32_t zero = 0;
	int to = bpf_obj_get(in_set(p, buf, "to_%s", program));

	if (to >= 0) {
		(void)bpf_map_delete_elem(to, &zero);
		close(to);
	}
	unlink(in_set(p, buf, "link_%s", program));
	unlink(in_set(p, buf, "at_%s", program));
	unlink(in_set(p, buf, "to_%s", program));
}

static void close_gate(struct gate *g)
{
	close_fd(&g->link_fd);
	close_fd(&g->at_fd);
	close_fd(&g->to_fd);
}

/* Gates that this recorder has no program for: their events are not to be recorded any more. */
static void drop_strange_gates(struct live_pin *p)
{
	DIR *d = opendir(p->path);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct gate *g = NULL;

		if (strncmp(e->d_name, "link_", 5) != 0)
			continue;
		for (size_t i = 0; i < p->made.n_hooks && !g; i++)
			g = strcmp(p->gates[i].program, e->d_name + 5) == 0 ? &p->gates[i] : NULL;
		if (g && g->prog_fd >= 0)
			continue;
		drop_gate(p, e->d_name + 5);
		if (g)
			close_gate(g);
	}
	if (d)
		closedir(d);
}

/* Not before programs that were at work have ended may a ring be called complete: they run under RCU, and this
 * command waits for all who do. */
static void wait_for_programs(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
}

/* On failure gates that were there may be left turned: the recorder that they led to turns them back. */
static int turn(struct live_pin *p, struct bpf_link *(*attach)(void *, size_t, struct bpf_program *), void *ctx,
                struct hc_err *err)
{
	bool made[MAX_GATES] = { false };

	for (size_t i = 0; i < p->made.n_hooks; i++) {
		struct gate *g = &p->gates[i];
		uint32_t zero = 0;
		int r;

		if (g->prog_fd < 0)
			continue;
		made[i] = g->link_fd < 0;
		r = made[i] ? new_gate(p, i, attach, ctx)
		            : bpf_map_update_elem(g->to_fd, &zero, &g->prog_fd, BPF_ANY);
		if (r < 0 && made[i] && p->made.hooks[i].optional) {
			drop_gate(p, g->program);
			close_gate(g);
			g->prog_fd = -1;
			continue;
		}
		if (r < 0) {
			for (size_t k = 0; k <= i; k++)
				if (made[k]) {
					drop_gate(p, p->gates[k].program);
					close_gate(&p->gates[k]);
				}
			return hc_err_set(err, r, "cannot attach '%s' by way of '%s': %s", g->program, p->path,
			                  strerror(-r));
		}
	}
	wait_for_programs();
	return 0;
}

/* Whoever asked for the capture before and did not get it. */
static void forget_askers(struct live_pin *p)
{
	__atomic_store_n(&p->state->want, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&p->state->ready, 0, __ATOMIC_RELEASE);
}

int pin_turn(struct live_pin *p, struct bpf_link *(*attach)(void *, size_t, struct bpf_program *), void *ctx,
             struct hc_err *err)
{
	bool asked = p->gen == __atomic_load_n(&p->state->ready, __ATOMIC_ACQUIRE);
	uint32_t mine = p->gen;
	int r;

	p->resumes = p->state->active != 0;
	r = turn(p, attach, ctx, err);
	if (r == 0 && asked &&
	    !__atomic_compare_exchange_n(&p->state->ready, &mine, COMMITTED, false, __ATOMIC_ACQ_REL,
	                                 __ATOMIC_ACQUIRE))
		r = hc_err_set(err, -EBUSY, "the other recorder has waited too long and goes on");
	if (r < 0) {
		if (asked) /* it turns the gates back at once */
			__atomic_store_n(&p->state->want, 0, __ATOMIC_RELEASE);
		return r;
	}
	if (!p->resumes)
		p->state->missed_told = misses(p);
	p->missed_base = p->state->missed_told;
	p->turned = true;
	__atomic_store_n(&p->state->active, p->gen, __ATOMIC_RELEASE);
	forget_askers(p);
	drop_strange_gates(p);
	return 0;
}

int pin_gate_fd(const struct live_pin *p, size_t hook)
{
	return p->gates[hook].at_fd;
}

bool pin_has_gate(const struct live_pin *p, size_t hook)
{
	return p->gates[hook].link_fd >= 0;
}

bool pin_resumes(const struct live_pin *p)
{
	return p->resumes;
}

int pin_ask(struct live_pin *p, int timeout_ms, struct hc_err *err)
{
	uint32_t none = 0;
	bool asked = p->state->active && __atomic_compare_exchange_n(&p->state->want, &none, p->gen, false,
	                                                             __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);

	for (int waited = 0; asked && waited < timeout_ms; waited += 10) {
		if (__atomic_load_n(&p->state->ready, __ATOMIC_ACQUIRE) == p->gen)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	if (asked)
		__atomic_store_n(&p->state->want, 0, __ATOMIC_RELEASE);
	return hc_err_set(err, -EBUSY, "the recorder that writes there does not hand over: %s",
	                  !p->state->active ? "it keeps nothing in the BPF file system"
	                  : !asked          ? "it does so to another one already"
	                                    : "it does not answer");
}

bool pin_handed_over(struct live_pin *p)
{
	struct pin_state *s = p->state;
	uint32_t want = __atomic_load_n(&s->want, __ATOMIC_ACQUIRE);
	uint32_t promised = p->promised;

	if (__atomic_load_n(&s->active, __ATOMIC_ACQUIRE) != p->gen)
		return true;
	if (!promised && want && want != p->gen) {
		p->promised = want;
		p->promised_ns = hc_clock_ns(CLOCK_BOOTTIME);
		__atomic_store_n(&s->ready, want, __ATOMIC_RELEASE);
	} else if (promised && (want != promised || hc_clock_ns(CLOCK_BOOTTIME) - p->promised_ns > GIVEN_UP_NS)) {
		if (!__atomic_compare_exchange_n(&s->ready, &promised, 0, false, __ATOMIC_ACQ_REL,
		                                 __ATOMIC_ACQUIRE))
			return false; /* it commits just now */
		p->promised = 0;
		for (size_t i = 0; i < p->made.n_hooks; i++) {
			uint32_t zero = 0;

			if (p->gates[i].prog_fd >= 0)
				(void)bpf_map_update_elem(p->gates[i].to_fd, &zero, &p->gates[i].prog_fd, BPF_ANY);
		}
		__atomic_store_n(&s->want, 0, __ATOMIC_RELEASE);
	}
	return false;
}

void pin_remove(struct live_pin *p)
{
	for (size_t i = 0; i < p->made.n_hooks; i++) {
		drop_gate(p, p->gates[i].program);
		close_gate(&p->gates[i]);
	}
	remove_tree(p->path);
	rmdir(p->root); /* the last one */
}

void pin_remove_own(struct live_pin *p)
{
	char buf[PATH_MAX];

	if (p->gen)
		remove_tree(in_set(p, buf, "g%u", p->gen));
}

uint64_t pin_missed(const struct live_pin *p)
{
	uint64_t n = misses(p);

	return n > p->missed_base ? n - p->missed_base : 0;
}

struct hc_live_kept *pin_kept(struct live_pin *p)
{
	return &p->info->kept;
}

struct told_cpu *pin_descriptions(struct live_pin *p)
{
	return p->descriptions_map.p;
}

uint64_t *pin_handed(struct live_pin *p, unsigned ring)
{
	return ring < MAX_RINGS_LEFT ? &p->info->handed[ring] : NULL;
}

void pin_told(struct live_pin *p, const struct hc_wire_count *count)
{
	memcpy(p->told_map.p, count, (size_t)p->made.n_cpus * HC_EV_MAX * sizeof(*count));
	p->state->missed_told = misses(p);
}

int hc_live_unpin(const char *root, unsigned *ret_n, unsigned *ret_used, struct hc_err *err)
{
	DIR *d = opendir(root);
	struct dirent *e;

	*ret_n = *ret_used = 0;
	if (!d)
		return errno == ENOENT ? 0
		                       : hc_err_set(err, -errno, "cannot read '%s': %s", root, strerror(errno));
	while ((e = readdir(d))) {
		struct live_pin p = { 0 };
		int fd;

		if (e->d_name[0] == '.' || e->d_type != DT_DIR ||
		    (size_t)snprintf(p.path, sizeof(p.path), "%s/%s", root, e->d_name) >= sizeof(p.path) - 128)
			continue;
		fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
			remove_tree(p.path);
			++*ret_n;
		} else {
			++*ret_used;
		}
		if (fd >= 0)
			close(fd);
	}
	closedir(d);
	rmdir(root);
	return 0;
}

/* ---- what the dead left ---- */

size_t pin_look_left(struct live_pin *p)
{
	uint32_t last;

	list_generations(p, &last);
	return p->n_left;
}

/* Records in a ring, by the kernel's own headers alone: whatever they are. */
static uint64_t count_waiting(const struct hc_ring *r)
{
	uint64_t end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE), n = 0;

	for (uint64_t pos = r->pos > r->again_until ? r->pos : r->again_until; pos < end;) {
		uint32_t len = *(const uint32_t *)(const void *)(r->data + (pos & r->mask));
		uint32_t bytes = len & ~(uint32_t)(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		n += !(len & (BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT));
		pos += (bytes + BPF_RINGBUF_HDR_SZ + 7) & ~(uint64_t)7;
	}
	return n;
}

static size_t ring_of(unsigned cpu, unsigned lane)
{
	return 2 * (size_t)cpu + (lane != HC_WIRE_LANE_BULK);
}

static void take_ring(struct hc_live_left *l, unsigned i)
{
	if (l->readable) { /* this reader may be killed, too */
		l->merge.rings[i].handed = &l->info->handed[i];
		l->merge.rings[i].again_until = l->info->handed[i];
	}
	l->n_waiting += count_waiting(&l->merge.rings[i]);
}

/* l->info is there where it can be read. */
static int left_rings(struct hc_live_left *l, unsigned n_cpus)
{
	int r = hc_merge_init(&l->merge, MAX_RINGS_LEFT, n_cpus);

	l->merge.joins = true;
	for (unsigned i = 0, n = 1; i < MAX_RINGS_LEFT && !r; i += n) {
		char path[PATH_MAX + 32];
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd;

		snprintf(path, sizeof(path), "%s/ring_%u", l->path, i);
		fd = bpf_obj_get(path);
		if (fd < 0)
			return i && fd == -ENOENT ? 0 : fd;
		r = bpf_obj_get_info_by_fd(fd, &info, &len);
		if (!r && info.type == BPF_MAP_TYPE_ARRAY) {
			n = info.max_entries;
			r = hc_merge_map_fronts(&l->merge, i, fd, n, info.value_size);
		} else if (!r) {
			r = info.type == BPF_MAP_TYPE_RINGBUF ? hc_merge_map(&l->merge, i, fd, info.max_entries)
			                                      : -EBADMSG;
		}
		close(fd);
		for (unsigned k = i; k < i + n && !r; k++)
			take_ring(l, k);
	}
	return r;
}

static int get_values(const struct hc_live_left *l, const char *name, size_t bytes, uint32_t n, bool writable,
                      struct mapped *ret)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", l->path, name);
	return map_values(bpf_obj_get(path), bytes, n, writable, ret);
}

struct hc_live_left *pin_left(struct live_pin *p, size_t i, struct hc_err *err)
{
	struct hc_live_left *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	if (!l)
		goto failed;
	l->n_cpus = p->made.n_cpus;
	l->last_ns = calloc(ring_of(l->n_cpus, 0), sizeof(*l->last_ns));
	l->gap_ns = calloc(ring_of(l->n_cpus, 0), sizeof(*l->gap_ns));
	if (!l->last_ns || !l->gap_ns)
		goto failed;
	in_set(p, l->path, "g%u", p->left[i]);
	l->readable = get_values(l, "info", sizeof(struct pin_info), 1, true, &l->info_map) == 0;
	l->info = l->info_map.p;
	l->readable = l->readable && l->info->layout == layout && l->info->n_cpus == l->n_cpus;
	r = left_rings(l, l->n_cpus);
	if (r == 0 || r == -ENOENT) { /* killed before it had rings: nothing is there */
		l->readable = l->readable &&
		              get_values(l, "told", HC_EV_MAX * sizeof(struct hc_wire_count), l->n_cpus, false,
		                         &l->told_map) == 0 &&
		              get_values(l, "cpus", sizeof(struct hc_cpu), l->n_cpus, false, &l->cpus_map) == 0 &&
		              get_values(l, "descriptions", sizeof(struct told_cpu), l->n_cpus, true,
		                         &l->descriptions_map) == 0;
		return l;
	}
failed:
	hc_live_left_free(l);
	hc_err_set(err, r, "cannot read what an earlier recorder left in '%s': %s", p->path, strerror(-r));
	return NULL;
}

bool hc_live_left_readable(const struct hc_live_left *l)
{
	return l->readable;
}

uint64_t hc_live_left_waiting(const struct hc_live_left *l)
{
	return l->n_waiting;
}

struct draining {
	struct hc_live_left *left;
	hc_live_fn fn;
	void *ctx;
};

static int drained(void *ctx, const struct hc_live_rec *rec)
{
	struct draining *d = ctx;

	d->left->last_ns[ring_of(rec->head->cpu, rec->head->lane)] = rec->head->ts_ns;
	return d->fn(d->ctx, rec);
}

int64_t hc_live_left_drain(struct hc_live_left *l, hc_live_fn fn, void *ctx)
{
	struct draining d = { l, fn, ctx };
	int64_t n;

	if (!l->readable)
		return 0;
	n = hc_merge_run(&l->merge, UINT64_MAX, 0, drained, &d);
	for (unsigned i = 0; i < l->merge.n_gaps; i++) {
		const struct hc_live_gap *g = &l->merge.gaps[(l->merge.first_gap + i) % HC_MERGE_MAX_GAPS];
		uint64_t *from = &l->gap_ns[ring_of(g->cpu, g->lane)];

		if (!*from || g->from_ns < *from)
			*from = g->from_ns;
	}
	return n;
}

static const struct hc_cpu *left_cpu(const struct hc_live_left *l, unsigned cpu)
{
	size_t stride = (sizeof(struct hc_cpu) + 7) & ~(size_t)7;

	return (const struct hc_cpu *)(const void *)((const uint8_t *)l->cpus_map.p + stride * cpu);
}

struct hc_wire_count hc_live_left_lost(const struct hc_live_left *l, unsigned cpu, unsigned type)
{
	const struct hc_wire_count *now, *told;

	if (!l->readable || cpu >= l->n_cpus || type >= HC_EV_MAX)
		return (struct hc_wire_count){ 0 };
	now = &left_cpu(l, cpu)->count[type];
	told = (const struct hc_wire_count *)l->told_map.p + (size_t)cpu * HC_EV_MAX + type;
	return (struct hc_wire_count){ .seen = now->seen - told->seen,
		                       .lost_full = now->lost_full - told->lost_full,
		                       .lost_busy = now->lost_busy - told->lost_busy,
		                       .sampled = now->sampled - told->sampled,
		                       .filtered = now->filtered - told->filtered };
}

uint64_t hc_live_left_lost_from(const struct hc_live_left *l, unsigned cpu, unsigned type)
{
	size_t ring = ring_of(cpu, hc_live_lane(type));

	return cpu < l->n_cpus ? (l->gap_ns[ring] ? l->gap_ns[ring] : l->last_ns[ring]) : 0;
}

const struct hc_live_kept *hc_live_left_kept(const struct hc_live_left *l)
{
	return l->readable ? &l->info->kept : NULL;
}

struct told_cpu *hc_live_left_descriptions(struct hc_live_left *l)
{
	return l->readable ? l->descriptions_map.p : NULL;
}

struct hc_live_left *hc_live_left_remove(struct hc_live_left *l)
{
	if (l)
		remove_tree(l->path);
	return hc_live_left_free(l);
}

struct hc_live_left *hc_live_left_free(struct hc_live_left *l)
{
	if (!l)
		return NULL;
	hc_merge_done(&l->merge);
	unmap(&l->info_map);
	unmap(&l->told_map);
	unmap(&l->cpus_map);
	unmap(&l->descriptions_map);
	free(l->last_ns);
	free(l->gap_ns);
	free(l);
	return NULL;
}

#endif /* HC_HAVE_BPF */
