/*
 * Replay: events per second over a capture of mixed work, with 1, 30, 100 and 1000 rules, on one thread and on
 * two. The rules are made after the pattern of real ones: programs started with certain names or command lines,
 * files of certain directories opened for writing by others than package managers, connections to certain ports
 * and networks, a few rules over reads and writes, a few over everything; and our own pack. The capture is written
 * to $TMPDIR, about 40 MB, unless one is given as argument. Rates of one thread are by CPU time, of two by the
 * clock; the best of seven.
 *
 * Baselines: of 1000 rules the time of 30 and of 100; of two threads the speed of one.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen.h"
#include "replay/falco.h"
#include "replay/replay.h"
#include "store/capture.h"
#include "store/writer.h"

enum { N_ROWS = 5200000, N_PROCS = 400, N_PATHS = 6000, N_SOCKS = 300, N_FDS = 2500, N_ROUNDS = 7 };

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

/* ---- rules ---- */

static struct hc_value get_cmdline(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	uint32_t image = hc_view_ref(v, dom, HC_O_PROC_image, entry), n;
	const uint32_t *argv = hc_view_strs(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), &n);
	struct hc_str comm = hc_view_text(v, dom, HC_O_PROC_image_comm, entry);
	char buf[1024];
	uint32_t len = comm.len < 64 ? comm.len : 64;

	(void)arg;
	memcpy(buf, comm.p ? comm.p : "", len);
	for (uint32_t i = 1; i < n; i++) {
		struct hc_str s = hc_view_str(v, argv[i]);

		if (len + s.len + 1 > sizeof(buf))
			break;
		buf[len++] = ' ';
		memcpy(buf + len, s.p, s.len);
		len += s.len;
	}
	return hc_value_str(hc_arena_str(hc_view_arena(v), (struct hc_str){ buf, len }));
}

static const struct hc_leaf cmdline = { "cmdline", HC_OBJ_PROC, HC_VT_STR, HC_VT_NONE, get_cmdline };

/* The fields of one event type. */
struct fields {
	struct hc_ir *ir;
	unsigned type;
	const struct hc_path *row, *proc;
};

static const struct hc_node *texts(struct hc_ir *ir, const struct hc_access *a, enum hc_op op,
                                   const char *const *list, size_t n)
{
	struct hc_value v[32];
	struct hc_err err = { 0 };
	const struct hc_node *node;

	for (size_t i = 0; i < n; i++)
		v[i] = hc_value_str(hc_str_c(list[i]));
	node = hc_node_atom(ir, a, op, HC_Q_ANY, 0, v, n, &err);
	if (!node)
		fprintf(stderr, "%s\n", err.msg);
	return node;
}

static const struct hc_node *number(struct hc_ir *ir, const struct hc_access *a, enum hc_op op, uint64_t want)
{
	struct hc_value v = hc_value_u64(want);

	return hc_node_atom(ir, a, op, HC_Q_ANY, 0, &v, 1, NULL);
}

static struct fields fields_of(struct hc_ir *ir, unsigned type)
{
	struct fields f = { .ir = ir, .type = type, .row = hc_path_row(ir, type) };
	int after = hc_col_find(hc_event_desc(type), HC_STR("proc_after"));

	f.proc = hc_path_hop(ir, hc_path_hop(ir, f.row, HC_COL_TASK), HC_O_TASK_proc);
	if (after >= 0)
		f.proc = hc_path_else(ir, hc_path_hop(ir, f.row, (unsigned)after), f.proc);
	return f;
}

static const struct hc_node *proc_name_in(struct fields *f, const struct hc_path *proc, const char *const *list,
                                          size_t n)
{
	return texts(f->ir, hc_access_col(f->ir, proc, HC_O_PROC_image_comm), HC_OP_IN, list, n);
}

static const struct hc_path *fd_of(struct fields *f)
{
	const struct hc_table_desc *d = hc_event_desc(f->type);

	for (unsigned i = HC_N_COMMON_COLS; i < d->n_cols; i++)
		if (d->cols[i].ref == HC_OBJ_FDOBJ)
			return hc_path_hop(f->ir, f->row, i);
	return NULL;
}

static const char *const package_managers[] = {
	"dpkg", "apt-get", "rpm", "dnf", "yum", "apk", "pacman", "zypper"
};
static const char *const servers[] = { "nginx", "httpd", "postgres", "redis-server", "mysqld", "java" };
static const char *const shells[] = { "bash", "sh", "zsh", "dash", "ksh", "csh", "fish", "ash" };

static void add_rule(struct hc_ir *ir, unsigned i)
{
	static const unsigned opens[] = { HC_EV_OPEN, HC_EV_OPENAT, HC_EV_OPENAT2, HC_EV_CREAT };
	static const unsigned io[] = { HC_EV_READ, HC_EV_WRITE, HC_EV_SENDTO, HC_EV_RECVFROM };
	char a[64], b[64], c[64];
	const char *own[3] = { a, b, c };
	const struct hc_node *kids[5];
	int rule = hc_ir_rule_add(ir, &(struct hc_rule_opts){ .name = "rule", .dialect = "bench" });

	snprintf(a, sizeof(a), "tool%u", i);
	snprintf(b, sizeof(b), "scan-%u", i);
	snprintf(c, sizeof(c), "%s",
	         i % 3 ? programs[i % 25] : "miner"); /* most rules name something that runs here */
	if (i % 16 == 15) {                           /* over everything */
		for (unsigned type = HC_EV_PROC_EXEC; type < HC_EV_MAX; type++) {
			struct fields f;

			if (!hc_event_desc(type))
				continue;
			f = fields_of(ir, type);
			kids[0] = proc_name_in(&f, f.proc, own, 3);
			kids[1] = number(ir, hc_access_col(ir, f.proc, HC_O_PROC_euid), HC_OP_EQ, 0);
			kids[2] = number(ir, hc_access_col(ir, f.row, HC_COL_RET), HC_OP_EQ, (uint64_t)-13);
			hc_ir_rule_when(ir, rule, type, hc_node_and(ir, kids, 3));
		}
		return;
	}
	if (i % 16 == 7) { /* over reads and writes */
		for (size_t t = 0; t < 4; t++) {
			struct fields f = fields_of(ir, io[t]);
			const struct hc_path *sock = hc_path_hop(ir, fd_of(&f), HC_O_FDOBJ_sock);

			kids[0] = number(ir, hc_access_col(ir, sock, HC_O_SOCK_peer_port), HC_OP_EQ,
			                 i % 2 ? 443 : 1000 + i);
			kids[1] = hc_node_not(ir, proc_name_in(&f, f.proc, servers, 6));
			kids[2] = proc_name_in(&f, hc_path_ancestor(ir, f.proc, 1), own, 3);
			kids[3] = number(ir, hc_access_col(ir, f.proc, HC_O_PROC_sid), HC_OP_EQ, i);
			hc_ir_rule_when(ir, rule, io[t], hc_node_and(ir, kids, 4));
		}
		return;
	}
	if (i % 3 == 0) { /* a program started */
		struct fields f = fields_of(ir, HC_EV_PROC_EXEC);
		const struct hc_access *line = hc_access_leaf(ir, f.proc, &cmdline, NULL);

		kids[0] = i % 2 ? texts(ir, line, HC_OP_CONTAINS, own, 2) : proc_name_in(&f, f.proc, own, 3);
		kids[1] = hc_node_not(ir, proc_name_in(&f, hc_path_ancestor(ir, f.proc, 1), package_managers, 8));
		kids[2] = proc_name_in(&f, hc_path_any_ancestor(ir, f.proc), i % 5 ? shells : servers, 6);
		if (i % 9 == 0) {
			snprintf(a, sizeof(a), ".*(--output|-o) +/tmp/x%u.*", i);
			kids[0] = texts(ir, line, HC_OP_REGEX, own, 1);
		}
		hc_ir_rule_when(ir, rule, HC_EV_PROC_EXEC, hc_node_and(ir, kids, 3));
		return;
	}
	if (i % 3 == 1) { /* a file opened */
		snprintf(a, sizeof(a), "%s/%s%u", dirs[i % 14], programs[i / 2 % 25], 1 + i % 9);
		snprintf(b, sizeof(b), "/etc/%s%u.conf", programs[i % 25], i);
		for (size_t t = 0; t < 4; t++) {
			struct fields f = fields_of(ir, opens[t]);
			const struct hc_path *path = hc_path_hop(ir, fd_of(&f), HC_O_FDOBJ_path);
			int flags = hc_col_find(hc_event_desc(opens[t]), HC_STR("flags"));

			kids[0] = flags < 0 ? hc_node_const(ir, true)
			                    : number(ir, hc_access_col(ir, f.row, (unsigned)flags), HC_OP_MASK_ANY,
			                             3);
			kids[1] = texts(ir, hc_access_col(ir, path, HC_O_PATH_real),
			                i % 2 ? HC_OP_STARTSWITH : HC_OP_IN, own, 2);
			kids[2] = hc_node_not(ir, proc_name_in(&f, f.proc, package_managers, 8));
			kids[3] = hc_node_not(ir, proc_name_in(&f, hc_path_ancestor(ir, f.proc, 1), servers, 6));
			kids[4] = number(ir, hc_access_col(ir, f.proc, HC_O_PROC_tty_nr), HC_OP_NE, 0);
			hc_ir_rule_when(ir, rule, opens[t], hc_node_and(ir, kids, 5));
		}
		return;
	}
	{ /* a connection */
		struct fields f = fields_of(ir, HC_EV_CONNECT);
		const struct hc_path *sock = hc_path_hop(ir, f.row, HC_C_CONNECT_sock_after);
		char net[5] = { (char)(i % 200), (char)(i / 200), 0, 0, 16 };
		struct hc_value v = hc_value_bytes(HC_VT_IP, net, 5);

		kids[0] =
			number(ir, hc_access_col(ir, sock, HC_O_SOCK_peer_port), HC_OP_EQ, i % 4 ? 4444 + i : 443);
		kids[1] = hc_node_atom(ir, hc_access_col(ir, sock, HC_O_SOCK_peer_addr), HC_OP_NET, HC_Q_ANY, 0,
		                       &v, 1, NULL);
		kids[2] = proc_name_in(&f, f.proc, i % 2 ? shells : own, 3);
		hc_ir_rule_when(ir, rule, HC_EV_CONNECT, hc_node_and(ir, kids, 3));
	}
}

/* Our own pack. */
static int add_pack(struct hc_falco *f, struct hc_ir *ir, struct hc_err *err)
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
			r = hc_falco_load(f, path, err);
		}
		free(names[i]);
	}
	free(names);
	return r < 0 ? r : hc_falco_build(f, ir, err);
}

/* ---- measuring ---- */

struct figure {
	double wall_s, cpu_s;
	uint64_t n_rows, n_hits;
};

/* n_rules 0: the pack. */
static int measure(struct hc_capture *c, unsigned n_rules, unsigned n_threads, struct figure *ret,
                   struct hc_err *err)
{
	struct hc_ir *ir = hc_ir_new();
	struct hc_falco *falco = n_rules ? NULL : hc_falco_new(NULL);
	struct hc_plan *plan = NULL;
	int r = n_rules ? 0 : add_pack(falco, ir, err);

	for (unsigned i = 0; i < n_rules; i++)
		add_rule(ir, i);
	if (r >= 0)
		r = hc_plan_new(ir, HC_MATCH_ALL, &plan, err);
	*ret = (struct figure){ .wall_s = 1e9, .cpu_s = 1e9 };
	for (int round = 0; r == 0 && round < N_ROUNDS; round++) {
		struct hc_replay_opts opts = { .n_threads = n_threads,
			                       .profile = getenv("HC_BENCH_PROFILE") != NULL };
		struct hc_replay_stats stats;

		r = hc_replay(plan, c, &opts, &stats, err);
		if (r == 0 && (double)stats.wall_ns / 1e9 < ret->wall_s)
			ret->wall_s = (double)stats.wall_ns / 1e9;
		if (r == 0 && (double)stats.cpu_ns / 1e9 < ret->cpu_s)
			ret->cpu_s = (double)stats.cpu_ns / 1e9;
		ret->n_rows = stats.n_rows;
		ret->n_hits = stats.n_hits;
		for (unsigned i = 0; r == 0 && stats.costs && round == N_ROUNDS - 1 && i < hc_ir_n_rules(ir); i++)
			fprintf(stderr,
			        "%u: %u ns %.1f ms, %" PRIu64 " of %" PRIu64 " blocks, %" PRIu64 " hits, %s\n",
			        n_rules, i, (double)stats.costs[i].ns / 1e6, stats.costs[i].n_evaluated,
			        stats.costs[i].n_blocks, stats.costs[i].n_hits, hc_ir_rule(ir, i)->name);
		if (r == 0)
			hc_replay_stats_done(&stats);
	}
	hc_plan_free(plan);
	hc_ir_free(ir);
	hc_falco_free(falco);
	return r;
}

static double rate(const struct figure *f)
{
	return (double)f->n_rows / f->cpu_s;
}

static int run(const char *path, struct hc_err *err)
{
	static const unsigned rules[] = { 1, 30, 100, 1000, 0 };
	struct figure one[5], two;
	struct hc_capture *c;
	int r = hc_capture_open(path, 0, &c, err);

	if (r < 0)
		return r;
	for (unsigned i = 0; r == 0 && i < 5; i++) {
		r = measure(c, rules[i], 1, &one[i], err);
		if (r < 0)
			break;
		if (rules[i])
			printf("replay.rate_%u_rules,%.0f,events/s per core,,\n", rules[i], rate(&one[i]));
		else
			printf("replay.rate_own_pack,%.0f,events/s per core,,\n", rate(&one[i]));
		printf("# %u rules: %" PRIu64 " events, %" PRIu64 " hits, %.3f s, cpu %.3f s\n", rules[i],
		       one[i].n_rows, one[i].n_hits, one[i].wall_s, one[i].cpu_s);
	}
	if (r == 0) {
		printf("replay.cpu_1000_rules_vs_30,%.4f,s,%.4f,%.2f\n", one[3].cpu_s, one[1].cpu_s,
		       one[3].cpu_s / one[1].cpu_s);
		printf("replay.cpu_1000_rules_vs_100,%.4f,s,%.4f,%.2f\n", one[3].cpu_s, one[2].cpu_s,
		       one[3].cpu_s / one[2].cpu_s);
		r = measure(c, 1000, 2, &two, err);
	}
	if (r == 0)
		printf("replay.two_threads_1000_rules,%.0f,events/s,%.0f,%.2f\n", (double)two.n_rows / two.wall_s,
		       (double)one[3].n_rows / one[3].wall_s, one[3].wall_s / two.wall_s);
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
