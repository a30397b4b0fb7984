/*
 * Replay: events per second over a capture of mixed work, with 1, 30, 100 and 1000 rules, on one thread and on
 * two. The rules are those of our own pack, the first of them or with as many copies as are needed, each with
 * constants of its own. The capture is written to $TMPDIR, about 40 MB, unless one is given as argument. Rates of
 * one thread are by CPU time, of two by the clock; the best of seven rounds, in which each set of rules has its
 * turn.
 *
 * Baselines: of 1000 rules the time of 30 and of 100 (the ratio is the median of the rounds'); of two threads the
 * speed of one.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gen.h"
#include "replay/falco.h"
#include "replay/replay.h"
#include "store/capture.h"
#include "store/writer.h"

enum {
	N_ROWS = 5200000,
	N_PROCS = 400,
	N_PATHS = 6000,
	N_SOCKS = 300,
	N_FDS = 2500,
	N_ROUNDS = 7,
	N_SETS = 5,
	PACK_RULES = 71 /* at least */
};

/* ---- a capture ---- */

static const char *const programs[] = {
	"bash",     "sh",           "cc1",  "ld",      "as",  "make", "python3", "node",    "nginx",
	"postgres", "sshd",         "cron", "systemd", "git", "curl", "dpkg",    "apt-get", "containerd",
	"runc",     "redis-server", "java", "ls",      "cat", "grep", "sed",
};

static const char *const dirs[] = {
	"/usr/lib/x86_64-linux-gnu",
	"/usr/include/linux",
	"/home/user/src/project/build",
	"/var/lib/postgresql/14/main",
	"/proc/self",
	"/etc",
	"/tmp",
	"/var/log/nginx",
	"/usr/share/zoneinfo",
	"/home/user/.cache",
	"/var/lib/dpkg/info",
	"/opt/app/node_modules/lodash",
	"/sys/devices/system/cpu",
	"/dev",
};

struct known {
	struct hc_slot slot;
	char text[160];
	struct known *path, *sock, *proc, *parent;
	uint32_t number;
};

struct world {
	struct hc_gen_rng rng;
	struct known paths[N_PATHS], socks[N_SOCKS], fds[N_FDS], procs[N_PROCS], images[N_PROCS], tasks[N_PROCS];
	uint64_t now_ns;
};

static uint64_t below(struct world *w, uint64_t n)
{
	return hc_gen_below(&w->rng, n);
}

/* Small numbers far more often than large ones. */
static uint64_t skewed(struct world *w, uint64_t n)
{
	uint64_t a = below(w, n), b = below(w, n), c = below(w, n);

	a = a < b ? a : b;
	return a < c ? a : c;
}

static void world_init(struct world *w)
{
	*w = (struct world){ .rng = { 42 }, .now_ns = UINT64_C(3600000000000) };
	for (uint32_t i = 0; i < N_PATHS; i++)
		snprintf(w->paths[i].text, sizeof(w->paths[i].text), "%s/%s%" PRIu64 ".%s",
		         dirs[below(w, sizeof(dirs) / sizeof(dirs[0]))], programs[below(w, 25)], below(w, 5000),
		         i % 3 ? "so" : "conf");
	for (uint32_t i = 0; i < N_FDS; i++) {
		w->fds[i].number = i;
		if (i % 6)
			w->fds[i].path = &w->paths[skewed(w, N_PATHS)];
		else
			w->fds[i].sock = &w->socks[below(w, N_SOCKS)];
	}
	for (uint32_t i = 0; i < N_SOCKS; i++)
		w->socks[i].number = (uint32_t)below(w, 60000);
	for (uint32_t i = 0; i < N_PROCS; i++) {
		w->procs[i].number = 1000 + i;
		w->procs[i].parent = i ? &w->procs[below(w, i)] : NULL;
		snprintf(w->procs[i].text, sizeof(w->procs[i].text), "%s", programs[below(w, 25)]);
		w->tasks[i].proc = &w->procs[i];
		w->images[i].number = i;
	}
}

static uint32_t put(struct hc_builder *b, const char *text)
{
	return hc_build_str(b, hc_str_c(text));
}

static uint32_t path_ref(struct known *k, struct hc_builder *b)
{
	struct hc_cells c = { 0 };
	uint32_t ref = hc_slot_get(&k->slot, b);

	if (ref)
		return ref;
	c.v[HC_O_PATH_given] = c.v[HC_O_PATH_abs] = c.v[HC_O_PATH_real] = put(b, k->text);
	hc_cell_set(&c, HC_O_PATH_prov, 1);
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_PATH, &c));
}

static uint32_t sock_ref(struct known *k, struct hc_builder *b)
{
	uint8_t local[4] = { 10, 0, 0, 5 },
		peer[4] = { (uint8_t)(10 + k->number % 90), 1, (uint8_t)(k->number >> 8), (uint8_t)k->number };
	struct hc_cells c = { 0 };
	uint32_t ref = hc_slot_get(&k->slot, b);

	if (ref)
		return ref;
	hc_cell_set(&c, HC_O_SOCK_family, 2);
	hc_cell_set(&c, HC_O_SOCK_protocol, 6);
	c.v[HC_O_SOCK_local_addr] = hc_build_bytes(b, local, 4);
	c.v[HC_O_SOCK_peer_addr] = hc_build_bytes(b, peer, 4);
	hc_cell_set(&c, HC_O_SOCK_local_port, 30000 + k->number % 3000);
	hc_cell_set(&c, HC_O_SOCK_peer_port, k->number % 7 ? 443 : k->number);
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_SOCK, &c));
}

static uint32_t fd_ref(struct known *k, struct hc_builder *b)
{
	struct hc_cells c = { 0 };
	uint32_t ref = hc_slot_get(&k->slot, b);

	if (ref)
		return ref;
	hc_cell_set(&c, HC_O_FDOBJ_id, k->number);
	hc_cell_set(&c, HC_O_FDOBJ_what, k->path ? HC_FD_FILE : HC_FD_IPV4);
	c.v[HC_O_FDOBJ_path] = k->path ? path_ref(k->path, b) : 0;
	c.v[HC_O_FDOBJ_sock] = k->sock ? sock_ref(k->sock, b) : 0;
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_FDOBJ, &c));
}

static uint32_t image_ref(struct world *w, struct known *k, const char *name, struct hc_builder *b)
{
	uint32_t ref = hc_slot_get(&k->slot, b), argv[4];
	struct hc_cells c = { 0 };
	char text[64];

	if (ref)
		return ref;
	argv[0] = put(b, name);
	snprintf(text, sizeof(text), "--job=%u", k->number);
	argv[1] = put(b, text);
	argv[2] = put(b, w->paths[k->number].text);
	argv[3] = put(b, "-O2");
	c.v[HC_O_IMAGE_exe] = path_ref(&w->paths[k->number], b);
	c.v[HC_O_IMAGE_argv] = hc_build_strs(b, argv, 4);
	hc_cell_set(&c, HC_O_IMAGE_argc, 4);
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_IMAGE, &c));
}

static uint32_t proc_ref(struct world *w, struct known *k, struct hc_builder *b)
{
	uint32_t ref = hc_slot_get(&k->slot, b), parent;
	struct hc_cells c = { 0 };

	if (ref)
		return ref;
	parent = k->parent ? proc_ref(w, k->parent, b) : 0;
	hc_cell_set(&c, HC_O_PROC_pid, k->number);
	c.v[HC_O_PROC_parent] = parent;
	c.v[HC_O_PROC_image] = image_ref(w, &w->images[k->number - 1000], k->text, b);
	c.v[HC_O_PROC_comm] = c.v[HC_O_PROC_image_comm] = put(b, k->text);
	c.v[HC_O_PROC_cwd] = path_ref(&w->paths[k->number % 20], b);
	hc_cell_set(&c, HC_O_PROC_uid, k->number % 3 ? 1000 : 0);
	hc_cell_set(&c, HC_O_PROC_euid, k->number % 3 ? 1000 : 0);
	hc_cell_set(&c, HC_O_PROC_tty_nr, k->number % 5 ? 0 : 34816);
	hc_cell_set(&c, HC_O_PROC_sid, k->number / 10);
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_PROC, &c));
}

static uint32_t task_ref(struct world *w, struct known *k, struct hc_builder *b)
{
	uint32_t ref = hc_slot_get(&k->slot, b);
	struct hc_cells c = { 0 };

	if (ref)
		return ref;
	c.v[HC_O_TASK_proc] = proc_ref(w, k->proc, b);
	hc_cell_set(&c, HC_O_TASK_tid, k->proc->number);
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_TASK, &c));
}

/* Shares in a thousand. */
static const struct {
	uint16_t type, share, nr;
} mix[] = {
	{ HC_EV_READ, 270, 0 },    { HC_EV_WRITE, 150, 1 },    { HC_EV_OPENAT, 150, 257 },
	{ HC_EV_CLOSE, 160, 3 },   { HC_EV_MMAP, 60, 9 },      { HC_EV_FCNTL, 50, 72 },
	{ HC_EV_LSEEK, 40, 8 },    { HC_EV_SENDTO, 30, 44 },   { HC_EV_RECVFROM, 30, 45 },
	{ HC_EV_CONNECT, 10, 42 }, { HC_EV_PROC_EXEC, 6, 59 }, { HC_EV_PROC_EXIT, 6, 231 },
	{ HC_EV_UNLINK, 8, 87 },   { HC_EV_MPROTECT, 20, 10 }, { HC_EV_CHMOD, 3, 90 },
	{ HC_EV_SETUID, 1, 105 },  { HC_EV_RENAME, 6, 82 },
};

static void fill(struct world *w, unsigned type, struct hc_builder *b, struct hc_cells *c)
{
	struct known *fd = &w->fds[skewed(w, N_FDS)];

	switch (type) {
	case HC_EV_READ:
		hc_cell_set(c, HC_C_READ_fd, 3 + fd->number % 20);
		c->v[HC_C_READ_fd_obj] = fd_ref(fd, b);
		hc_cell_set(c, HC_C_READ_count, below(w, 4) ? 4096 : below(w, 65536));
		hc_cell_set(c, HC_COL_RET, below(w, 4096));
		break;
	case HC_EV_WRITE:
		hc_cell_set(c, HC_C_WRITE_fd, 1 + fd->number % 20);
		c->v[HC_C_WRITE_fd_obj] = fd_ref(fd, b);
		hc_cell_set(c, HC_C_WRITE_count, below(w, 4096));
		break;
	case HC_EV_OPENAT:
		fd = &w->fds[below(w, N_FDS)];
		hc_cell_set(c, HC_C_OPENAT_dirfd, (uint64_t)-100);
		hc_cell_set(c, HC_C_OPENAT_flags, below(w, 8) ? 0x80000 : 0x80241);
		hc_cell_set(c, HC_C_OPENAT_mode, 0644);
		if (!fd->path || below(w, 5) == 0) {
			c->v[HC_C_OPENAT_pathname] = path_ref(&w->paths[below(w, N_PATHS)], b);
			hc_cell_set(c, HC_COL_RET, (uint64_t)-2);
		} else {
			c->v[HC_C_OPENAT_pathname] = path_ref(fd->path, b);
			c->v[HC_C_OPENAT_newfd] = fd_ref(fd, b);
			hc_cell_set(c, HC_COL_RET, 3 + fd->number % 20);
		}
		break;
	case HC_EV_CLOSE:
		hc_cell_set(c, HC_C_CLOSE_fd, 3 + fd->number % 20);
		c->v[HC_C_CLOSE_fd_obj] = fd_ref(fd, b);
		break;
	case HC_EV_MMAP:
		hc_cell_set(c, HC_C_MMAP_addr, below(w, 1000) << 12);
		hc_cell_set(c, HC_C_MMAP_length, below(w, 100) << 12);
		hc_cell_set(c, HC_C_MMAP_prot, below(w, 8));
		hc_cell_set(c, HC_C_MMAP_flags, 2);
		c->v[HC_C_MMAP_fd_obj] = fd_ref(fd, b);
		hc_cell_set(c, HC_COL_RET, UINT64_C(0x7f0000000000) + (below(w, 100000) << 12));
		break;
	case HC_EV_SENDTO:
		c->v[HC_C_SENDTO_sockfd_obj] = fd_ref(&w->fds[below(w, N_FDS / 6) * 6], b);
		hc_cell_set(c, HC_C_SENDTO_len, below(w, 1500));
		break;
	case HC_EV_CONNECT:
		c->v[HC_C_CONNECT_sockfd_obj] = fd_ref(&w->fds[below(w, N_FDS / 6) * 6], b);
		c->v[HC_C_CONNECT_sock_after] = sock_ref(&w->socks[below(w, N_SOCKS)], b);
		break;
	case HC_EV_PROC_EXEC:
		c->v[HC_C_PROC_EXEC_filename] = path_ref(&w->paths[below(w, N_PROCS)], b);
		c->v[HC_C_PROC_EXEC_proc_after] = proc_ref(w, &w->procs[below(w, N_PROCS)], b);
		break;
	case HC_EV_UNLINK:
		c->v[HC_C_UNLINK_pathname] = path_ref(&w->paths[below(w, N_PATHS)], b);
		break;
	case HC_EV_RENAME:
		c->v[HC_C_RENAME_oldpath] = path_ref(&w->paths[below(w, N_PATHS)], b);
		c->v[HC_C_RENAME_newpath] = path_ref(&w->paths[below(w, N_PATHS)], b);
		break;
	default:
		break;
	}
}

static int make_capture(const char *dir, struct hc_err *err)
{
	struct world *w = malloc(sizeof(*w));
	struct hc_writer_opts opts = { .dir = dir,
		                       .node = "bench",
		                       .tool = "bench",
		                       .capture_id = { 1 },
		                       .boot_id = { 2 },
		                       .next_seq = 1,
		                       .next_number = { 1, 1 } };
	struct hc_writer *writer;
	uint16_t by_share[1000];
	unsigned n = 0;
	int r;

	if (!w)
		return -ENOMEM;
	world_init(w);
	for (size_t i = 0; i < sizeof(mix) / sizeof(mix[0]); i++)
		for (unsigned k = 0; k < mix[i].share && n < 1000; k++)
			by_share[n++] = (uint16_t)i;
	r = hc_writer_open(&opts, &writer, err);
	for (uint32_t i = 0; r == 0 && i < N_ROWS; i++) {
		unsigned m = by_share[below(w, n)];
		struct hc_row_head head = { .type = mix[m].type,
			                    .cpu = (uint16_t)(i & 1),
			                    .ts_ns = w->now_ns += 500 + below(w, 3000) };
		struct hc_cells c = { 0 };
		struct hc_builder *b = hc_writer_begin(writer, head.type, head.ts_ns, err);

		if (!b) {
			r = err->code;
			break;
		}
		c.v[HC_COL_TASK] = task_ref(w, &w->tasks[skewed(w, N_PROCS)], b);
		hc_cell_set(&c, HC_COL_RET, 0);
		hc_cell_set(&c, HC_COL_NR, mix[m].nr);
		hc_cell_set(&c, HC_COL_ROW_FLAGS, 0);
		fill(w, head.type, b, &c);
		r = hc_writer_row(writer, &head, &c, err);
	}
	free(w);
	return r < 0 ? (hc_writer_abort(writer), r) : hc_writer_close(writer, err);
}

/* ---- rules: our own pack, and copies of it that ask for other files and programs ---- */

struct text {
	char *p;
	size_t n, cap;
};

static int add_text(struct text *t, const char *p, size_t n)
{
	if (t->cap - t->n < n) {
		size_t cap = (t->n + n) * 2;
		char *grown = realloc(t->p, cap);

		if (!grown)
			return -ENOMEM;
		t->p = grown;
		t->cap = cap;
	}
	memcpy(t->p + t->n, p, n);
	t->n += n;
	return 0;
}

/* The file, with the names of rules, macros and lists and most constants made the copy's own. */
static int add_file(struct text *t, const char *path, unsigned copy, struct hc_err *err)
{
	static const char *const words[] = { "hc_",  "- rule: ", "/etc",   "/root",   "/home",  "/var",
		                             "/tmp", "/proc/",   "/dev",   "/usr/",   "bash",   "ssh",
		                             "curl", "nginx",    "python", "systemd", "docker", "passwd" };
	FILE *f = fopen(path, "re");
	char line[4096], mark[16];
	int r = 0;

	if (!f)
		return hc_err_set(err, -errno, "%s: %s", path, strerror(errno));
	snprintf(mark, sizeof(mark), "c%u", copy);
	while (r == 0 && fgets(line, sizeof(line), f)) {
		if (copy && strncmp(line, "- required_engine", 17) == 0)
			continue;
		for (const char *at = line; r == 0 && *at;) {
			size_t n = 1;
			bool own = false;

			for (size_t w = 0; copy && w < sizeof(words) / sizeof(words[0]) && !own; w++) {
				own = strncmp(at, words[w], strlen(words[w])) == 0;
				n = own ? strlen(words[w]) : 1;
			}
			r = add_text(t, at, n);
			if (r == 0 && own)
				r = add_text(t, mark, strlen(mark));
			at += n;
		}
	}
	fclose(f);
	return r < 0 ? hc_err_set(err, r, "out of memory") : 0;
}

static int add_pack(struct text *t, unsigned copy, struct hc_err *err)
{
	const char *source = getenv("HC_SOURCE_DIR");
	char dir[512], path[800];
	struct dirent **names;
	int n, r = 0;

	snprintf(dir, sizeof(dir), "%s/policies/falco", source ? source : HC_SOURCE_DIR);
	n = scandir(dir, &names, NULL, alphasort);
	if (n < 0)
		return hc_err_set(err, -errno, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (r == 0 && strstr(names[i]->d_name, ".yaml")) {
			snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
			r = add_file(t, path, copy, err);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

/* Rules: n of them; 0: the pack. */
static int make_rules(struct hc_falco *falco, struct hc_ir *ir, unsigned n, struct hc_err *err)
{
	struct text t = { 0 };
	int r = 0;

	for (unsigned copy = 0; r == 0 && (copy == 0 || copy * PACK_RULES < n); copy++)
		r = add_pack(&t, copy, err);
	if (r == 0)
		r = hc_falco_load_text(falco, "pack", t.p, t.n, err);
	if (r == 0)
		r = hc_falco_build(falco, ir, err);
	if (r >= 0 && hc_ir_n_rules(ir) < n)
		r = hc_err_set(err, -ERANGE, "%u rules instead of %u", hc_ir_n_rules(ir), n);
	for (unsigned i = n ? n : hc_ir_n_rules(ir); i < hc_ir_n_rules(ir); i++)
		hc_ir_rule_unanswerable(ir, (int)i, true, "not measured");
	free(t.p);
	return r;
}

/* ---- measuring ---- */

struct figure {
	double wall_s, cpu_s;
	uint64_t n_rows, n_hits;
};

static void shorter(double *best, double s)
{
	if (s < *best)
		*best = s;
}

/* Some number of rules, and what each round took. */
struct set {
	unsigned n_rules;
	struct hc_ir *ir;
	struct hc_falco *falco;
	struct hc_plan *plan;
	struct figure best;
	double cpu_s[N_ROUNDS];
};

static int set_new(struct set *s, unsigned n_rules, struct hc_err *err)
{
	int r;

	*s = (struct set){ .n_rules = n_rules, .ir = hc_ir_new(), .falco = hc_falco_new(NULL) };
	s->best = (struct figure){ .wall_s = 1e9, .cpu_s = 1e9 };
	r = make_rules(s->falco, s->ir, n_rules, err);
	return r < 0 ? r : hc_plan_new(s->ir, HC_MATCH_ALL, &s->plan, err);
}

static void set_done(struct set *s)
{
	hc_plan_free(s->plan);
	hc_ir_free(s->ir);
	hc_falco_free(s->falco);
}

static int measure(struct set *s, struct hc_capture *c, unsigned round, struct hc_err *err)
{
	struct hc_replay_opts opts = { .n_threads = 1, .profile = getenv("HC_BENCH_PROFILE") != NULL };
	struct hc_replay_stats stats;
	int r = hc_replay(s->plan, c, &opts, &stats, err);

	if (r < 0)
		return r;
	s->cpu_s[round] = (double)stats.cpu_ns / 1e9;
	shorter(&s->best.wall_s, (double)stats.wall_ns / 1e9);
	shorter(&s->best.cpu_s, s->cpu_s[round]);
	s->best.n_rows = stats.n_rows;
	s->best.n_hits = stats.n_hits;
	for (unsigned i = 0; stats.costs && round == N_ROUNDS - 1 && i < hc_ir_n_rules(s->ir); i++)
		fprintf(stderr, "%u: %u ns %.1f ms, %" PRIu64 " of %" PRIu64 " blocks, %" PRIu64 " hits, %s\n",
		        s->n_rules, i, (double)stats.costs[i].ns / 1e6, stats.costs[i].n_evaluated,
		        stats.costs[i].n_blocks, stats.costs[i].n_hits, hc_ir_rule(s->ir, i)->name);
	hc_replay_stats_done(&stats);
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median over the rounds: the machine is not always as fast, and both were measured in each. */
static double times_as_long(const struct set *many, const struct set *few)
{
	double ratio[N_ROUNDS];

	for (unsigned i = 0; i < N_ROUNDS; i++)
		ratio[i] = many->cpu_s[i] / few->cpu_s[i];
	qsort(ratio, N_ROUNDS, sizeof(ratio[0]), by_size);
	return ratio[N_ROUNDS / 2];
}

static double rate(const struct figure *f)
{
	return (double)f->n_rows / f->cpu_s;
}

/* One replay by one thread, for the thread of its own that it runs in. */
struct alone {
	const struct hc_plan *plan;
	struct hc_capture *capture;
	struct hc_err err;
	int code;
};

static void *replay_alone(void *arg)
{
	struct alone *a = arg;
	struct hc_replay_opts opts = { .n_threads = 1 };
	struct hc_replay_stats stats;

	a->code = hc_replay(a->plan, a->capture, &opts, &stats, &a->err);
	if (a->code == 0)
		hc_replay_stats_done(&stats);
	return NULL;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* One thread, two threads, and two replays at once that share nothing, in turns: the last says what the machine
 * has to give. */
static int scaling(struct hc_capture *c, struct hc_err *err)
{
	double one = 1e9, two = 1e9, both = 1e9;
	struct hc_ir *ir = hc_ir_new();
	struct hc_falco *falco = hc_falco_new(NULL);
	struct hc_plan *plan = NULL;
	uint64_t n_rows = 0;
	int r = make_rules(falco, ir, 1000, err);

	if (r >= 0)
		r = hc_plan_new(ir, HC_MATCH_ALL, &plan, err);
	for (int round = 0; r == 0 && round < 2 * N_ROUNDS; round++) {
		struct alone alone[2] = { { .plan = plan, .capture = c }, { .plan = plan, .capture = c } };
		pthread_t other;
		double begin;

		for (unsigned n = 1; r == 0 && n <= 2; n++) {
			struct hc_replay_opts opts = { .n_threads = n };
			struct hc_replay_stats stats;

			r = hc_replay(plan, c, &opts, &stats, err);
			if (r == 0) {
				shorter(n == 1 ? &one : &two, (double)stats.wall_ns / 1e9);
				n_rows = stats.n_rows;
				hc_replay_stats_done(&stats);
			}
		}
		begin = now_s();
		if (r < 0 || pthread_create(&other, NULL, replay_alone, &alone[1]) != 0)
			break;
		replay_alone(&alone[0]);
		pthread_join(other, NULL);
		shorter(&both, now_s() - begin);
		r = alone[0].code < 0 ? alone[0].code : alone[1].code;
	}
	if (r == 0) {
		printf("replay.two_threads_1000_rules,%.0f,events/s,%.0f,%.2f\n", (double)n_rows / two,
		       (double)n_rows / one, one / two);
		printf("replay.two_replays_1000_rules,%.0f,events/s,%.0f,%.2f\n", 2 * (double)n_rows / both,
		       (double)n_rows / one, 2 * one / both);
	}
	hc_plan_free(plan);
	hc_ir_free(ir);
	hc_falco_free(falco);
	return r;
}

static void print_sets(const struct set *sets, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct figure *f = &sets[i].best;

		if (sets[i].n_rules)
			printf("replay.rate_%u_rules,%.0f,events/s per core,,\n", sets[i].n_rules, rate(f));
		else
			printf("replay.rate_own_pack,%.0f,events/s per core,,\n", rate(f));
		printf("# %u rules: %" PRIu64 " events, %" PRIu64 " hits, %.3f s, cpu %.3f s\n", sets[i].n_rules,
		       f->n_rows, f->n_hits, f->wall_s, f->cpu_s);
	}
}

/* The sets in turns. */
static int rules_each(struct hc_capture *c, struct hc_err *err)
{
	static const unsigned rules[N_SETS] = { 1, 30, 100, 1000, 0 };
	struct set set[N_SETS] = { 0 };
	int r = 0;

	for (unsigned i = 0; r == 0 && i < N_SETS; i++)
		r = set_new(&set[i], rules[i], err);
	for (unsigned round = 0; r == 0 && round < N_ROUNDS; round++)
		for (unsigned i = 0; r == 0 && i < N_SETS; i++)
			r = measure(&set[i], c, round, err);
	if (r == 0) {
		print_sets(set, N_SETS);
		printf("replay.cpu_1000_rules_vs_30,%.4f,s,%.4f,%.2f\n", set[3].best.cpu_s, set[1].best.cpu_s,
		       times_as_long(&set[3], &set[1]));
		printf("replay.cpu_1000_rules_vs_100,%.4f,s,%.4f,%.2f\n", set[3].best.cpu_s, set[2].best.cpu_s,
		       times_as_long(&set[3], &set[2]));
	}
	for (unsigned i = 0; i < N_SETS; i++)
		set_done(&set[i]);
	return r;
}

static int run(const char *path, struct hc_err *err)
{
	struct hc_capture *c;
	int r = hc_capture_open(path, 0, &c, err);

	if (r < 0)
		return r;
	r = rules_each(c, err);
	if (r == 0)
		r = scaling(c, err);
	hc_capture_close(c);
	return r;
}

int main(int argc, char **argv)
{
	struct hc_err err = { 0 };
	char *dir = NULL, text[512];
	int r = 0;

	if (argc < 2) {
		dir = hc_gen_tmpdir();
		r = make_capture(dir, &err);
	}
	if (r == 0)
		r = run(dir ? dir : argv[1], &err);
	if (r < 0)
		fprintf(stderr, "replay_bench: %s\n", hc_err_text(&err, text, sizeof(text)));
	if (dir && !getenv("HC_BENCH_KEEP"))
		hc_gen_rm(dir);
	else if (dir)
		fprintf(stderr, "%s\n", dir);
	free(dir);
	return r < 0 ? 1 : 0;
}
