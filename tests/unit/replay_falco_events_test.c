/* Falco's fields over rows made by hand: which rows a filter takes, and how a format prints them. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "falco_filter.h"
#include "gen.h"
#include "replay/dialects/falco/rows.h"
#include "replay/falco.h"

#define WALL INT64_C(1700000000000000000) /* 2023-11-14T22:13:20Z, at boot */

struct scene {
	char *dir;
	struct hc_writer *w;
	struct hc_builder *b;
	uint64_t now_ns;
	unsigned type;
	struct hc_cells c;
	bool host;  /* not in the container */
	bool inner; /* the first process of a pid namespace of its own */
};

static uint32_t str(struct scene *s, const char *text)
{
	return text ? hc_build_str(s->b, hc_str_c(text)) : 0;
}

static uint32_t strs(struct scene *s, const char *const *v)
{
	uint32_t refs[16], n = 0;

	for (; v[n]; n++)
		refs[n] = str(s, v[n]);
	return hc_build_strs(s->b, refs, n);
}

static uint32_t path(struct scene *s, const char *given, const char *abs)
{
	struct hc_cells c = { 0 };

	c.v[HC_O_PATH_given] = str(s, given);
	c.v[HC_O_PATH_abs] = str(s, abs);
	c.v[HC_O_PATH_real] = str(s, abs);
	return hc_build_obj(s->b, HC_OBJ_PATH, &c);
}

static uint32_t file(struct scene *s, uint64_t ino)
{
	struct hc_cells c = { 0 };

	hc_cell_set(&c, HC_O_FILE_dev, 8u << 20 | 1);
	hc_cell_set(&c, HC_O_FILE_ino, ino);
	hc_cell_set(&c, HC_O_FILE_ctime_ns, (uint64_t)WALL + 5);
	return hc_build_obj(s->b, HC_OBJ_FILE, &c);
}

static uint32_t fd_file(struct scene *s, const char *name, enum hc_fd_kind kind)
{
	struct hc_cells c = { 0 };

	hc_cell_set(&c, HC_O_FDOBJ_what, kind);
	c.v[HC_O_FDOBJ_path] = path(s, name, name);
	c.v[HC_O_FDOBJ_file] = file(s, 77);
	return hc_build_obj(s->b, HC_OBJ_FDOBJ, &c);
}

static uint32_t sock(struct scene *s, const char *local, unsigned lport, const char *peer, unsigned pport,
                     unsigned role)
{
	struct hc_cells c = { 0 };
	uint8_t a[4];

	hc_cell_set(&c, HC_O_SOCK_family, 2);
	hc_cell_set(&c, HC_O_SOCK_sock_type, 1);
	hc_cell_set(&c, HC_O_SOCK_protocol, 6);
	hc_cell_set(&c, HC_O_SOCK_role, role);
	if (local) {
		inet_pton(AF_INET, local, a);
		c.v[HC_O_SOCK_local_addr] = hc_build_bytes(s->b, a, 4);
		hc_cell_set(&c, HC_O_SOCK_local_port, lport);
	}
	if (peer) {
		inet_pton(AF_INET, peer, a);
		c.v[HC_O_SOCK_peer_addr] = hc_build_bytes(s->b, a, 4);
		hc_cell_set(&c, HC_O_SOCK_peer_port, pport);
		hc_cell_set(&c, HC_O_SOCK_connected, 1);
	}
	return hc_build_obj(s->b, HC_OBJ_SOCK, &c);
}

static uint32_t fd_sock(struct scene *s, uint32_t socket)
{
	struct hc_cells c = { 0 };

	hc_cell_set(&c, HC_O_FDOBJ_what, HC_FD_IPV4);
	c.v[HC_O_FDOBJ_sock] = socket;
	return hc_build_obj(s->b, HC_OBJ_FDOBJ, &c);
}

static uint32_t process(struct scene *s, int64_t pid, const char *exe, const char *comm, const char *const *argv,
                        uint32_t parent, uint32_t container)
{
	static const char *const env[] = { "PATH=/bin", "SECRET= x ", NULL };
	static const int64_t inner[] = { 44, 1 };
	struct hc_cells image = { 0 }, c = { 0 }, user = { 0 };

	image.v[HC_O_IMAGE_exe] = path(s, exe, exe);
	image.v[HC_O_IMAGE_exe_file] = file(s, 1234);
	image.v[HC_O_IMAGE_argv] = strs(s, argv);
	image.v[HC_O_IMAGE_env] = strs(s, env);
	hc_cell_set(&image, HC_O_IMAGE_flags, HC_IMAGE_UPPER);
	hc_cell_set(&user, HC_O_USER_uid, 1000);
	user.v[HC_O_USER_name] = str(s, "alice");
	hc_cell_set(&c, HC_O_PROC_pid, (uint64_t)pid);
	hc_cell_set(&c, HC_O_PROC_vpid, (uint64_t)pid);
	c.v[HC_O_PROC_vpids] = hc_build_ints(s->b, s->inner ? inner : &pid, s->inner ? 2 : 1);
	hc_cell_set(&c, HC_O_PROC_start_ns, 1000);
	hc_cell_set(&c, HC_O_PROC_fork_ns, 1000);
	c.v[HC_O_PROC_image] = hc_build_obj(s->b, HC_OBJ_IMAGE, &image);
	c.v[HC_O_PROC_image_comm] = str(s, comm);
	c.v[HC_O_PROC_parent] = parent;
	c.v[HC_O_PROC_cwd] = path(s, NULL, "/home/alice");
	hc_cell_set(&c, HC_O_PROC_euid, 1000);
	c.v[HC_O_PROC_user] = hc_build_obj(s->b, HC_OBJ_USER, &user);
	hc_cell_set(&c, HC_O_PROC_egid, 0);
	hc_cell_set(&c, HC_O_PROC_loginuid, UINT32_MAX);
	hc_cell_set(&c, HC_O_PROC_cap_eff, 1u << 21 | 1);
	hc_cell_set(&c, HC_O_PROC_tty_nr, 34816);
	hc_cell_set(&c, HC_O_PROC_vsid, (uint64_t)pid);
	c.v[HC_O_PROC_container] = container;
	return hc_build_obj(s->b, HC_OBJ_PROC, &c);
}

/* sshd -> bash -> cat, in a container that is known by its id and mounts alone, or on the host */
static uint32_t cat(struct scene *s, const char *name)
{
	static const char *const sshd[] = { "sshd: alice", NULL }, *const bash[] = { "-bash", NULL };
	const char *const argv[] = { name, "-v", "some file", NULL };
	struct hc_cells ctr = { 0 };
	uint32_t container, mounts[2];

	ctr.v[HC_O_CTR_id] = str(s, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	mounts[0] = str(s, "/proc:/host/proc:ro:false:rprivate");
	mounts[1] = str(s, "/srv/a:b:/data:rw:true:rprivate");
	ctr.v[HC_O_CTR_mounts] = hc_build_strs(s->b, mounts, 2);
	container = s->host ? 0 : hc_build_obj(s->b, HC_OBJ_CTR, &ctr);
	return process(s, 30, "/usr/bin/cat", name, argv,
	               process(s, 20, "/bin/bash", "bash", bash,
	                       process(s, 10, "/usr/sbin/sshd", "sshd", sshd, 0, 0), container),
	               container);
}

static void begin(struct scene *s, unsigned type)
{
	struct hc_cells task = { 0 };
	struct hc_err err = { 0 };

	s->now_ns += 1000000;
	s->type = type;
	s->b = hc_writer_begin(s->w, type, s->now_ns, &err);
	cr_assert_not_null(s->b, "%s", err.msg);
	s->c = (struct hc_cells){ 0 };
	hc_cell_set(&task, HC_O_TASK_tid, 31);
	task.v[HC_O_TASK_proc] = cat(s, "cat");
	s->c.v[HC_COL_TASK] = hc_build_obj(s->b, HC_OBJ_TASK, &task);
}

static void end(struct scene *s, int64_t ret, bool has_ret)
{
	struct hc_row_head head = { .type = (uint16_t)s->type, .cpu = 1, .ts_ns = s->now_ns };
	struct hc_err err = { 0 };

	if (has_ret)
		hc_cell_set(&s->c, HC_COL_RET, (uint64_t)ret);
	cr_assert_eq(hc_writer_row(s->w, &head, &s->c, &err), 0, "%s", err.msg);
}

static void set(struct scene *s, unsigned col, uint64_t v)
{
	hc_cell_set(&s->c, col, v);
}

static void write_rows(struct scene *s)
{
	static const uint8_t addr[] = { 2, 0, 0, 22, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 0, 0 };

	begin(s, HC_EV_OPENAT); /* 1: read, relative */
	set(s, HC_C_OPENAT_dirfd, (uint64_t)-100);
	s->c.v[HC_C_OPENAT_pathname] = path(s, "../../etc//shadow", "/etc/shadow");
	set(s, HC_C_OPENAT_flags, O_RDONLY | O_CLOEXEC);
	set(s, HC_C_OPENAT_mode, 0xffff);
	s->c.v[HC_C_OPENAT_newfd] = fd_file(s, "/etc/shadow", HC_FD_FILE);
	end(s, 3, true);

	begin(s, HC_EV_OPENAT); /* 2: failed, to write */
	set(s, HC_C_OPENAT_dirfd, (uint64_t)-100);
	s->c.v[HC_C_OPENAT_pathname] = path(s, "/etc/passwd", "/etc/passwd");
	set(s, HC_C_OPENAT_flags, O_RDWR | O_CREAT);
	set(s, HC_C_OPENAT_mode, 0644);
	end(s, -EACCES, true);

	begin(s, HC_EV_CONNECT); /* 3 */
	set(s, HC_C_CONNECT_sockfd, 4);
	s->c.v[HC_C_CONNECT_sockfd_obj] = fd_sock(s, sock(s, NULL, 0, NULL, 0, 0));
	s->c.v[HC_C_CONNECT_addr] = hc_build_bytes(s->b, addr, sizeof(addr));
	s->c.v[HC_C_CONNECT_sock_after] = sock(s, "10.0.0.5", 40000, "192.0.2.9", 22, 1);
	end(s, 0, true);

	begin(s, HC_EV_ACCEPT4); /* 4 */
	set(s, HC_C_ACCEPT4_sockfd, 5);
	set(s, HC_C_ACCEPT4_flags, 0);
	s->c.v[HC_C_ACCEPT4_newfd] = fd_sock(s, sock(s, "10.0.0.5", 80, "10.9.9.9", 5555, 2));
	end(s, 6, true);

	begin(s, HC_EV_PROC_EXEC); /* 5 */
	s->c.v[HC_C_PROC_EXEC_filename] = path(s, "./ls", "/home/alice/ls");
	s->c.v[HC_C_PROC_EXEC_proc_after] = cat(s, "ls");
	end(s, 0, false);

	begin(s, HC_EV_PROC_FORK); /* 6: vfork */
	set(s, HC_C_PROC_FORK_via, 58);
	set(s, HC_C_PROC_FORK_child_tid, 44);
	set(s, HC_C_PROC_FORK_child_vtid, 1);
	set(s, HC_C_PROC_FORK_clone_flags, 0x4100);
	s->inner = true;
	s->c.v[HC_C_PROC_FORK_child] = cat(s, "child");
	s->inner = false;
	end(s, 0, false);

	begin(s, HC_EV_SYS); /* 7: getcpu */
	set(s, HC_COL_NR, 309);
	end(s, 0, true);

	begin(s, HC_EV_SYS); /* 8: umount of the 32-bit table */
	set(s, HC_COL_NR, 22);
	set(s, HC_COL_ROW_FLAGS, HC_ROW_COMPAT);
	end(s, 0, true);

	begin(s, HC_EV_SYMLINKAT); /* 9 */
	s->c.v[HC_C_SYMLINKAT_target] = str(s, "/etc/shadow");
	set(s, HC_C_SYMLINKAT_newdirfd, (uint64_t)-100);
	s->c.v[HC_C_SYMLINKAT_linkpath] = path(s, "x", "/home/alice/x");
	end(s, 0, true);

	begin(s, HC_EV_WRITE); /* 10 */
	set(s, HC_C_WRITE_fd, 3);
	s->c.v[HC_C_WRITE_fd_obj] = fd_file(s, "/var/log/x.log", HC_FD_FILE);
	set(s, HC_C_WRITE_count, 4);
	s->c.v[HC_C_WRITE_data] = hc_build_bytes(s->b,
	                                         "\x7f"
	                                         "ELF",
	                                         4);
	end(s, 4, true);

	s->host = true;
	begin(s, HC_EV_SETUID); /* 11, on the host */
	set(s, HC_C_SETUID_uid, 0);
	end(s, 0, true);

	begin(s, HC_EV_PROC_EXIT); /* 12 */
	set(s, HC_C_PROC_EXIT_code, 256);
	set(s, HC_C_PROC_EXIT_status, 1);
	end(s, 0, false);

	begin(s, HC_EV_TCP_STATE); /* 13: no event of Falco's */
	end(s, 0, false);
}

/* Sockets bound to IPv6 addresses: 1 to 3 listening, 4 of UDP. */
static void write_bound(struct scene *s)
{
	static const char *const addrs[] = { "::", "::1", "::ffff:10.0.0.5", "::" };

	for (unsigned i = 0; i < 4; i++) {
		struct hc_cells c = { 0 }, fd = { 0 };
		uint8_t a[16];

		begin(s, HC_EV_LISTEN);
		hc_cell_set(&c, HC_O_SOCK_family, AF_INET6);
		hc_cell_set(&c, HC_O_SOCK_sock_type, i == 3 ? SOCK_DGRAM : SOCK_STREAM);
		hc_cell_set(&c, HC_O_SOCK_state, i == 3 ? 7 : 10); /* TCP_CLOSE, TCP_LISTEN */
		inet_pton(AF_INET6, addrs[i], a);
		c.v[HC_O_SOCK_local_addr] = hc_build_bytes(s->b, a, sizeof(a));
		hc_cell_set(&c, HC_O_SOCK_local_port, 80 + i);
		hc_cell_set(&fd, HC_O_FDOBJ_what, HC_FD_IPV6);
		fd.v[HC_O_FDOBJ_sock] = hc_build_obj(s->b, HC_OBJ_SOCK, &c);
		set(s, HC_C_LISTEN_sockfd, 3);
		s->c.v[HC_C_LISTEN_sockfd_obj] = hc_build_obj(s->b, HC_OBJ_FDOBJ, &fd);
		end(s, 0, true);
	}
}

/* Calls that opened nothing: 1 to 3. */
static void write_failed(struct scene *s)
{
	static const unsigned types[] = { HC_EV_OPEN, HC_EV_OPENAT, HC_EV_EVENTFD2 };

	for (unsigned i = 0; i < 3; i++) {
		begin(s, types[i]);
		end(s, -EMFILE, true);
	}
}

/* Names that are relative to AT_FDCWD: 1 to 3; the source of a mount, which is no path: 4. */
static void write_relative(struct scene *s)
{
	static const char *const names[][2] = { { "./y/l", "/home/alice/y/l" },
		                                { "y/../z", "/home/alice/z" },
		                                { "../x", "/home/x" } };

	for (unsigned i = 0; i < 3; i++) {
		begin(s, HC_EV_UNLINKAT);
		set(s, HC_C_UNLINKAT_dirfd, (uint64_t)-100);
		s->c.v[HC_C_UNLINKAT_pathname] = path(s, names[i][0], names[i][1]);
		end(s, 0, true);
	}
	begin(s, HC_EV_MOUNT);
	s->c.v[HC_C_MOUNT_source] = path(s, "none", NULL);
	s->c.v[HC_C_MOUNT_target] = path(s, "/mnt", "/mnt");
	end(s, 0, true);
	begin(s, HC_EV_FCHMOD);
	s->c.v[HC_C_FCHMOD_fd_obj] = fd_sock(s, sock(s, "10.0.0.5", 80, "10.9.9.9", 5555, 2));
	end(s, 0, true);
	begin(s, HC_EV_FCHMOD);
	s->c.v[HC_C_FCHMOD_fd_obj] = fd_file(s, "/etc/shadow", HC_FD_FILE);
	end(s, 0, true);
}

/* As imported: a call that has a type of its own when it is recorded, and none in Falco. */
static void write_generic(struct scene *s)
{
	begin(s, HC_EV_SYS);
	set(s, HC_COL_NR, 14);
	end(s, 0, true);
}

static struct hc_capture *scene_of(struct scene *s, void (*write)(struct scene *s))
{
	struct hc_writer_opts wo = { .node = "n", .tool = "test" };
	struct hc_capture *c;
	struct hc_err err = { 0 };

	*s = (struct scene){ .dir = hc_gen_tmpdir(), .now_ns = 3600000000000 };
	wo.dir = s->dir;
	wo.boot_id[0] = wo.capture_id[0] = 1;
	cr_assert_eq(hc_writer_open(&wo, &s->w, &err), 0, "%s", err.msg);
	hc_writer_set_wall_offset(s->w, WALL - 3600000000000);
	write(s);
	cr_assert_eq(hc_writer_close(s->w, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_capture_open(s->dir, 0, &c, &err), 0, "%s", err.msg);
	return c;
}

static struct hc_capture *scene_make(struct scene *s)
{
	return scene_of(s, write_rows);
}

static void scene_done(struct scene *s, struct hc_capture *c)
{
	hc_capture_close(c);
	hc_gen_rm(s->dir);
	free(s->dir);
}

struct seen {
	char text[4096];
	const struct hc_falco_format *format;
	const struct hc_falco *rules;
	enum hc_falco_form form;
};

static int render(void *ctx, const struct hc_alert *a, struct hc_arena *arena, void **ret, struct hc_err *err)
{
	struct seen *s = ctx;
	struct hc_str line = HC_STR("");
	int r = 1;

	if (s->rules)
		r = hc_falco_alert(s->rules, a, s->form, arena, &line, err) < 0 ? -1 : 1;
	else
		r = hc_falco_format_render(s->format, a->view, a->hit->type, a->hit->row, arena, &line, err);
	*ret = r > 0 ? hc_arena_printf(arena, HC_STR_FMT, HC_STR_ARG(line)) : NULL;
	return r < 0 ? -ENOMEM : 0;
}

static int emit(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	(void)hit;
	(void)wall_ns;
	(void)err;
	if (rendered)
		snprintf(s->text + n, sizeof(s->text) - n, "%s%s", n ? "\n" : "", (const char *)rendered);
	return 0;
}

static void run(struct hc_capture *c, struct hc_ir *ir, struct seen *seen)
{
	falco_run(c, ir, HC_MATCH_FIRST, (struct hc_replay_opts){ .render = render, .emit = emit, .ctx = seen });
}

static void format(struct hc_capture *c, unsigned seq, const char *text, const char *want)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	struct seen seen = { 0 };
	struct hc_falco_format *f;
	struct hc_err err = { 0 };
	char only[64];

	snprintf(only, sizeof(only), "evt.num = %u", seq);
	cr_assert_geq(hc_falco_filter_compile(ir, only, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_falco_format_compile(ir, text, &f, &err), 0, "%s: %s", text, err.msg);
	seen.format = f;
	run(c, ir, &seen);
	cr_expect_str_eq(seen.text, want, "%s on %u: got '%s', not '%s'", text, seq, seen.text, want);
}

Test(falco_filter, takes_the_rows_that_falco_would)
{
	static const char *const cases[][2] = {
		{ "evt.type = openat", "1 2" },
		{ "evt.type != openat and evt.num <= 4", "3 4" },
		{ "evt.type in (execve, getcpu)", "5 7" },
		{ "evt.type = vfork", "6" },
		{ "evt.type = clone", "" },
		{ "evt.type = umount", "8" },
		{ "evt.type = tcp_state", "13" },
		{ "evt.type = proc_exec", "5" },
		{ "evt.dir = >", "12" },
		{ "syscall.type exists and evt.num > 10", "11" },
		/* results */
		{ "evt.res = SUCCESS and evt.num < 5", "1 3 4" },
		{ "evt.res = EACCES", "2" },
		{ "evt.res != SUCCESS", "2" },
		{ "evt.res in (EACCES, ENOENT)", "2" },
		{ "not evt.res exists", "7 12 13" },
		{ "evt.failed = true", "2" },
		{ "evt.rawres >= 3", "1 4 6 10" },
		{ "evt.is_open_read = true", "1 2" },
		{ "evt.is_open_write = true", "2" },
		{ "evt.is_open_read = false and evt.num < 5", "3 4" },
		{ "evt.is_open_create = true", "" },
		/* descriptors */
		{ "fd.num >= 0", "1 3 4 10" },
		{ "fd.num < 0", "2 9" },
		{ "fd.num != 3", "2 3 4 9" },
		{ "fd.name = /etc/shadow", "1" },
		{ "fd.name = /etc/passwd", "2" },
		{ "fd.name startswith /etc/", "1 2" },
		{ "fd.name exists", "1 2 3 4 9 10" },
		{ "fd.typechar = 'f'", "1 2 10" },
		{ "fd.typechar = 4", "3 4" },
		{ "fd.type = ipv4", "3 4" },
		{ "fd.directory = /etc", "1 2" },
		{ "fd.filename = shadow", "1" },
		{ "fd.sip = 192.0.2.9", "3" },
		{ "fd.cip = 10.9.9.9", "4" },
		{ "fd.sport = 22", "3" },
		{ "fd.sport = ssh", "3" },
		{ "fd.sport in (22, 80)", "3 4" },
		{ "fd.lport = 80", "4" },
		{ "fd.rport = 5555", "4" },
		{ "fd.ip = 10.0.0.5", "3 4" },
		{ "fd.ip != 192.0.2.9", "4" },
		{ "fd.net = 192.0.2.0/24", "3" },
		{ "fd.snet in (\"192.0.2.0/24\", \"10.0.0.0/8\")", "3 4" },
		{ "fd.cnet != 10.9.0.0/16", "3" },
		{ "fd.port = 22", "3" },
		{ "fd.port exists and fd.ip exists", "3 4" },
		{ "fd.l4proto = tcp", "3 4" },
		{ "fd.l4proto = <NA>", "1 10" },
		{ "fd.connected = true", "3 4" },
		{ "fd.name_changed = true", "1 3 4" },
		{ "evt.arg[0] = getcpu and evt.arg[1] = 309 and evt.arg.ID = getcpu", "7" },
		{ "evt.rawarg.nativeID = 309 and evt.rawarg.ID exists", "7" },
		{ "evt.count.error.file = 1", "2" },
		{ "evt.count.error.file = 0", "1 10" },
		{ "evt.count.error.net exists", "3 4" },
		{ "evt.count.procinfo = 0 and evt.type = symlinkat", "9" },
		{ "fd.nameraw = ''", "3 4 9" },
		{ "fd.nameraw = /var/log/x.log", "10" },
		{ "thread.exectime = 0 and evt.type = symlinkat", "9" },
		{ "proc.exeline startswith 'cat ' and evt.num = 9", "9" },
		{ "proc.env[0] contains PATH and evt.num = 9", "9" },
		{ "evt.datetime endswith '.009000000'", "9" },
		/* processes */
		{ "proc.name = cat and evt.num < 7", "1 2 3 4 6" },
		{ "proc.name = ls", "5" },
		{ "proc.pname = bash and evt.num = 5", "5" },
		{ "proc.aname[2] = sshd and evt.num = 1", "1" },
		{ "proc.aname = sshd and evt.num = 1", "1" },
		{ "proc.aname = cat", "" },
		{ "proc.aname != bash and evt.num = 1", "1" },
		{ "proc.aname[3] exists", "" },
		{ "proc.cmdline = \"ls -v some file\"", "5" },
		{ "proc.args contains \"some file\" and evt.num = 5", "5" },
		{ "proc.args[0] = -v and evt.num = 5", "5" },
		{ "proc.exepath = /usr/bin/cat and evt.num = 1", "1" },
		{ "proc.env[SECRET] = x and evt.num = 1", "1" },
		{ "proc.env contains \"PATH=/bin\" and evt.num = 1", "1" },
		{ "proc.cwd = /home/alice/ and evt.num = 1", "1" },
		{ "proc.is_exe_upper_layer = true and evt.num = 5", "5" },
		{ "proc.is_sid_leader = true and evt.num = 5", "5" },
		{ "thread.ismain = false and evt.num = 1", "1" },
		{ "thread.cap_effective contains CAP_SYS_ADMIN and evt.num = 1", "1" },
		{ "user.name = alice and evt.num = 1", "1" },
		{ "user.loginuid = -1 and evt.num = 1", "1" },
		{ "user.loginname = <NA> and evt.num = 1", "1" },
		{ "group.name = root and evt.num = 1", "1" },
		/* containers */
		{ "container.id = host", "11 12 13" },
		{ "container.id = 0123456789ab and evt.num < 3", "1 2" },
		{ "container.image.repository exists", "11 12 13" },
		{ "container.privileged = true", "" },
		{ "container.mount.dest[/proc*] = /host/proc and evt.num = 1", "1" },
		{ "container.mount[1] = '/srv/a:b:/data:rw:true:rprivate' and evt.num = 1", "1" },
		{ "container.mount.source[/data] = /srv/a:b and evt.num = 1", "1" },
		{ "container.mount.mode[0] = ro and container.mount.rdwr[/proc] = false and evt.num = 1", "1" },
		{ "container.mount.propagation[/srv/*] = rprivate and evt.num = 1", "1" },
		{ "container.mount.dest[/etc] exists or container.mount[2] exists", "" },
		{ "container.mount.dest[/proc*] exists and evt.num > 10", "" },
		{ "k8s.pod.name exists or k8s.ns.name exists or k8s.pod.id exists or k8s.pod.uid exists", "" },
		{ "k8s.pod.sandbox_id = '' and k8s.pod.full_sandbox_id = '' and k8s.pod.labels = '' and "
		  "k8s.pod.ip = '' and "
		  "k8s.pod.cni.json = ''",
		  "11 12 13" },
		/* parameters and paths */
		{ "evt.arg.flags contains O_CREAT", "2" },
		{ "evt.arg.flags contains O_CLOEXEC", "1" },
		{ "evt.arg.name = /etc/shadow", "1" },
		{ "evt.rawarg.name = \"../../etc//shadow\"", "1" },
		{ "evt.arg.target = /etc/shadow", "9" },
		{ "evt.arg.uid = root", "11" },
		{ "evt.rawarg.size = 4", "10" },
		{ "evt.buffer contains ELF", "10" },
		{ "evt.buffer bstartswith 7f454c46", "10" },
		{ "evt.buflen = 4", "10" },
		{ "fs.path.name = /etc/shadow", "1" },
		{ "fs.path.source = <UNKNOWN>x", "9" }, /* AT_FDCWD is no descriptor of a directory */
		{ "fd.nameraw = /etc/shadow and evt.num = 1", "1" },
		/* operators */
		{ "proc.name in (ls, x)", "5" },
		{ "proc.name in ()", "" },
		{ "proc.name glob l?", "5" },
		{ "proc.name iglob LS", "5" },
		{ "proc.name icontains LS", "5" },
		{ "proc.name endswith s and evt.num = 5", "5" },
		{ "fd.name pmatch (/etc, /usr)", "1 2" },
		{ "fd.name pmatch (/et)", "" },
		{ "proc.name regex \"l.\"", "5" },
		{ "proc.name regex \"l\"", "" },
		{ "proc.name = anyof (ls, dir)", "5" },
		{ "proc.cmdline contains allof (ls, file)", "5" },
		{ "proc.cmdline contains oneof (ls, file) and evt.num in (1, 5)", "1" },
		{ "proc.name != allof (cat, child)", "5" },
		{ "tolower(proc.name) = ls", "5" },
		{ "toupper(proc.name) = LS", "5" },
		{ "basename(fd.name) = shadow", "1" },
		{ "len(proc.name) = 2", "5" },
		{ "proc.name = val(proc.name) and evt.num = 5", "5" },
		{ "proc.name != val(proc.pname) and evt.num = 5", "5" },
		{ "concat(proc.name, \"-\", proc.pname) = ls-bash", "5" },
		{ "join(\"/\", (proc.pname, proc.name)) = bash/ls", "5" },
		{ "getopt((\"-a\", \"-n\", \"v\"), \"an:\")[n] = v and evt.num = 5", "5" },
		/* what is missing makes a test false and its negation true */
		{ "fd.name != /nowhere", "1 2 3 4 9 10" },
		{ "not fd.name = /nowhere", "1 2 3 4 5 6 7 8 9 10 11 12 13" },
		{ "evt.num = 0", "" },
		{ "evt.num in (2, 4)", "2 4" },
	};
	struct scene s;
	struct hc_capture *c = scene_make(&s);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		falco_expect_rows(c, cases[i][0], cases[i][1]);
	scene_done(&s, c);
}

/* One of many thousand values, at the end of the list: where what it costs grows with their square, this does not
 * end. */
Test(falco_filter, takes_modifiers_with_long_lists)
{
	static const struct {
		const char *check;
		unsigned n;
		const char *last, *want;
	} cases[] = {
		{ "proc.name startswith anyof", 20000, "l", "5" },
		{ "proc.name contains anyof", 20000, "s", "5" },
		{ "proc.name glob anyof", 1000, "l?", "5" },
		{ "proc.name startswith oneof", 2000, "l", "5" },
		{ "proc.name startswith oneof", 2000, "l, ls", "" },
		{ "proc.name != allof", 2000, "cat", "5" },
		{ "not proc.name startswith anyof", 2000, "l", "4" },
	};
	struct scene s;
	struct hc_capture *c = scene_make(&s);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		HC_AUTO(free) char *text = NULL;
		size_t n_bytes;
		FILE *f = open_memstream(&text, &n_bytes);

		fputs("evt.num in (4, 5) and ", f);
		fprintf(f, "%s (", cases[i].check);
		for (unsigned k = 0; k < cases[i].n; k++)
			fprintf(f, "no-%u, ", k);
		fprintf(f, "%s)", cases[i].last);
		fclose(f);
		falco_expect_rows(c, text, cases[i].want);
	}
	scene_done(&s, c);
}

Test(falco_filter, tells_the_kind_of_what_was_not_opened_by_the_call)
{
	struct scene s;
	struct hc_capture *c = scene_of(&s, write_failed);

	falco_expect_rows(c, "fd.typechar = o", "1"); /* of open it is not told */
	falco_expect_rows(c, "fd.typechar = f", "2");
	falco_expect_rows(c, "fd.typechar = e", "3");
	scene_done(&s, c);
}

Test(falco_filter, puts_relative_names_where_falco_does)
{
	struct scene s;
	struct hc_capture *c = scene_of(&s, write_relative);

	falco_expect_rows(c, "fs.path.name = \"<UNKNOWN>./y/l\"",
	                  "1"); /* AT_FDCWD is no descriptor of a directory */
	falco_expect_rows(c, "fs.path.name = z", "2");
	falco_expect_rows(c, "fs.path.name = \"<UNKNOWN>../x\"", "3");
	falco_expect_rows(c, "fs.path.source = /home/alice/none and fs.path.target = /mnt", "4");
	/* of a descriptor that has no path its name is taken for one */
	falco_expect_rows(c, "fs.path.name = /home/alice/10.9.9.9:5555->10.0.0.5:80", "5");
	falco_expect_rows(c, "fs.path.nameraw = 10.9.9.9:5555->10.0.0.5:80", "5");
	falco_expect_rows(c, "fs.path.name = /etc/shadow and fs.path.nameraw = val(fs.path.name)", "6");
	scene_done(&s, c);
}

Test(falco_filter, finds_calls_without_an_event_by_name)
{
	struct scene s;
	struct hc_capture *c = scene_of(&s, write_generic);

	falco_expect_rows(c, "evt.type = rt_sigprocmask", "1");
	falco_expect_rows(c, "syscall.type in (read, rt_sigprocmask)", "1");
	falco_expect_rows(c, "evt.type != rt_sigprocmask or evt.type = read", "");
	scene_done(&s, c);
}

Test(falco_format, prints_as_falco_does)
{
	static const struct {
		unsigned seq;
		const char *format, *want;
	} cases[] = {
		{ 1, "%evt.args",
		  "fd=3(<f>/etc/shadow) dirfd=-100(AT_FDCWD) name=../../etc//shadow(/etc/shadow) "
		  "flags=4097(O_RDONLY|O_CLOEXEC) "
		  "mode=0 dev=801 ino=77" },
		{ 2, "%evt.args",
		  "fd=-13(EACCES) dirfd=-100(AT_FDCWD) name=/etc/passwd flags=7(O_CREAT|O_RDWR) mode=0644 dev=0 "
		  "ino=0" },
		{ 3, "%evt.args",
		  "res=0 tuple=10.0.0.5:40000->192.0.2.9:22 fd=4(<4t>10.0.0.5:40000->192.0.2.9:22) "
		  "addr=192.0.2.9:22" },
		{ 4, "%fd.name|%fd.cip:%fd.cport|%fd.sip:%fd.sport|%fd.lip|%fd.rip",
		  "10.9.9.9:5555->10.0.0.5:80|10.9.9.9:5555|10.0.0.5:80|10.0.0.5|10.9.9.9" },
		{ 5, "%evt.type %evt.res %evt.rawres %evt.arg.exe %evt.arg.args",
		  "execve SUCCESS 0 ls -v.some file." },
		{ 5, "%evt.arg.flags %evt.arg.filename", "EXE_UPPER_LAYER /home/alice/ls" },
		{ 6, "%evt.type %evt.rawres %evt.arg.flags", "vfork 44 CLONE_VM|CLONE_VFORK" },
		{ 2, "%fd.containername", "0123456789ab:/etc/passwd" },
		{ 3, "%fd.containername", "0123456789ab:10.0.0.5:40000->192.0.2.9:22" },
		{ 7, "%evt.type [%evt.args]", "getcpu []" },
		{ 1, "%evt.rawarg.flags %evt.rawarg.mode %evt.rawarg.fd", "1001 0 3" },
		{ 2, "%evt.rawarg.mode %evt.datetime", "644 2023-11-14 22:13:20.002000000" },
		{ 7, "%evt.arg[0] %evt.arg.nativeID %evt.rawarg.nativeID", "getcpu 309 309" },
		{ 9, "%evt.args", "res=0 target=/etc/shadow linkdirfd=-100(AT_FDCWD) linkpath=x(/home/alice/x)" },
		{ 10, "%evt.args", "res=4 data=.ELF fd=3(<f>/var/log/x.log) size=4" },
		{ 10, "%evt.buffer %evt.category %evt.io_dir", ".ELF file write" },
		{ 11, "%evt.args", "res=0 uid=0(root)" },
		{ 12, "%evt.args", "status=256 ret=1 sig=<NA> core=<NA> reaper_tid=0" },
		{ 1, "%evt.num %evt.cpu %evt.dir %evt.rawtime %evt.rawtime.ns",
		  "1 1 < 1700000000001000000 001000000" },
		{ 1, "%evt.time.iso8601", "2023-11-14T22:13:20.001000000+0000" },
		{ 1, "%evt.time", "22:13:20.001000000" },
		{ 1, "%proc.name (%proc.pid) %proc.pname %proc.aname[2] %proc.tty", "cat (30) bash sshd 34816" },
		{ 1, "%proc.cmdline|%proc.args|%proc.exe|%proc.exeline|%proc.cmdnargs",
		  "cat -v some file|-v some file|cat|cat -v some file|2" },
		/* an ancestor's field that does not say which is of all, or the process's own */
		{ 1, "*%proc.aname|%proc.acmdline|%proc.aexe|%proc.aargs|%proc.apid",
		  "bash sshd|bash sshd|-bash sshd: alice|<NA>|30" },
		{ 1, "%len(proc.name) %len(fd.type)", "3 4" },
		{ 1, "%user.name %user.loginuid %group.gid %container.id", "alice -1 0 0123456789ab" },
		{ 1, "%thread.cap_effective", "CAP_CHOWN CAP_SYS_ADMIN" },
		{ 1, "%fd.dev %fd.ino %proc.exe_ino %proc.exe_ino.ctime", "801 77 1234 1700000000000000005" },
		{ 1, "%proc.duration", "3600000999000" },
		/* absent values, widths, text around */
		{ 1, "*%proc.aname[7] %fd.sip", "<NA> <NA>" },
		{ 1, "%proc.name %fd.sip", "" },
		{ 1, "%5proc.name|%2proc.name|", "cat  |ca|" },
		{ 1, "%proc.namesake 100", "catsake 100" },
		{ 1, "%toupper(proc.name) %proc.is_exe_upper_layer", "CAT true" },
		{ 13, "%evt.type", "tcp_state" },
	};
	struct hc_capture *c;
	struct scene s;

	setenv("TZ", "UTC", 1);
	tzset();
	c = scene_make(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		format(c, cases[i].seq, cases[i].format, cases[i].want);
	scene_done(&s, c);
}

Test(falco_format, takes_a_socket_bound_to_ipv6_zeros_or_a_mapped_address_for_ipv4)
{
	static const char *const want[] = {
		":::80|ipv4|4|0.0.0.0|80|<NA>|<NA>|<NA>|3(<4t>:::80)",
		"::1:81|ipv6|6|::1|81|<NA>|<NA>|<NA>|3(<6t>::1:81)",
		"::ffff:10.0.0.5:82|ipv4|4|10.0.0.5|82|<NA>|<NA>|<NA>|3(<4t>::ffff:10.0.0.5:82)",
		":::83|ipv4|4|0.0.0.0|83|<NA>|<NA>|<NA>|3(<4u>:::83)",
	};
	struct scene s;
	struct hc_capture *c = scene_of(&s, write_bound);

	for (unsigned i = 0; i < 4; i++)
		format(c, i + 1,
		       "*%fd.name|%fd.type|%fd.typechar|%fd.sip|%fd.sport|%fd.cip|%fd.lip|%fd.lport|"
		       "%evt.rawarg.fd(%evt.arg.fd)",
		       want[i]);
	falco_expect_rows(c, "fd.sip = 0.0.0.0", "1 4");
	falco_expect_rows(c, "fd.type = ipv6", "2");
	scene_done(&s, c);
}

static void alerts(struct hc_capture *c, const char *rules, enum hc_falco_form form, const char *want)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	HC_AUTO(hc_falco_free) struct hc_falco *f = hc_falco_new(NULL);
	struct seen seen = { .rules = f, .form = form };
	struct hc_err err = { 0 };

	cr_assert_eq(hc_falco_load_text(f, "rules.yaml", rules, strlen(rules), &err), 0, "%s", err.msg);
	cr_assert_eq(hc_falco_build(f, ir, &err), 0, "%s", err.msg);
	run(c, ir, &seen);
	cr_expect_str_eq(seen.text, want, "got\n%s\nnot\n%s", seen.text, want);
}

Test(falco_alert, is_falcos_line_and_object)
{
	static const char rules[] =
		"- rule: Read \"it\"\n"
		"  desc: d\n"
		"  condition: evt.type = openat and fd.name = /etc/shadow and fd.num >= 0\n"
		"  output: \"read | file=%fd.name who=\\\"%user.name\\\" gone=%proc.aname[9] tty=%proc.tty\"\n"
		"  priority: WARNING\n"
		"  tags: [z, a]\n"
		"- rule: Also\n"
		"  desc: d\n"
		"  condition: evt.type = openat\n"
		"  output: \"%toupper(proc.name) %concat('a', proc.pname)\"\n"
		"  priority: INFO\n";
	struct hc_capture *c;
	struct scene s;

	setenv("TZ", "UTC", 1);
	tzset();
	c = scene_make(&s);
	alerts(c, rules, HC_FALCO_TEXT,
	       "22:13:20.001000000: Warning read | file=/etc/shadow who=\\\"alice\\\" gone=<NA> tty=34816\n"
	       "22:13:20.002000000: Informational CAT abash");
	alerts(c, rules, HC_FALCO_JSON, /* of a transformer the fields that it is applied to */
	       "{\"output\":\"22:13:20.001000000: Warning read | file=/etc/shadow who=\\\"alice\\\" gone=<NA> "
	       "tty=34816\","
	       "\"output_fields\":{\"evt.time\":1700000000001000000,\"fd.name\":\"/etc/"
	       "shadow\",\"proc.aname[9]\":null,"
	       "\"proc.tty\":34816,\"user.name\":\"alice\"},\"priority\":\"Warning\",\"rule\":\"Read \\\"it\\\"\","
	       "\"source\":\"syscall\",\"tags\":[\"a\",\"z\"],\"time\":\"2023-11-14T22:13:20.001000000Z\"}\n"
	       "{\"output\":\"22:13:20.002000000: Informational "
	       "CAT "
	       "abash\",\"output_fields\":{\"evt.time\":1700000000002000000,\"proc.name\":\"cat\",\"proc.pname\":"
	       "\"bash\"},"
	       "\"priority\":\"Informational\",\"rule\":\"Also\",\"source\":\"syscall\",\"tags\":[],"
	       "\"time\":\"2023-11-14T22:13:20.002000000Z\"}");
	/* blanks of all kinds are cut off; a length is printed where the field itself is a number or says so; a
	 * time is one of JSON */
	alerts(c,
	       "- rule: R\n  desc: d\n  condition: evt.num = 1\n"
	       "  output: \"\\f\\v%len(proc.name) %len(fd.type) %len(concat(proc.name, 'a')) %evt.outputtime "
	       "%evt.rawarg.fd \\f\"\n  priority: INFO\n",
	       HC_FALCO_JSON,
	       "{\"output\":\"22:13:20.001000000: Informational <NA> 4 <NA> 22:13:20.001000000 3\","
	       "\"output_fields\":{\"evt.outputtime\":1700000000001000000,\"evt.rawarg.fd\":3,"
	       "\"evt.time\":1700000000001000000,\"fd.type\":\"file\",\"proc.name\":\"cat\"},\"priority\":"
	       "\"Informational\",\"rule\":\"R\",\"source\":\"syscall\",\"tags\":[],\"time\":"
	       "\"2023-11-14T22:13:20.001000000Z\"}");
	/* addresses that are compared with networks print the name of a type */
	alerts(c,
	       "- rule: R\n  desc: d\n  condition: evt.num in (1, 3)\n  output: \"%fd.snet|%7fd.cnet|%fd.net\"\n"
	       "  priority: INFO\n",
	       HC_FALCO_TEXT,
	       "22:13:20.001000000: Informational <NA>|<NA>   |<NA>\n"
	       "22:13:20.003000000: Informational <IPNET>|<IPNET>|<NA>");
	scene_done(&s, c);
}

Test(falco_alert, comes_for_both_ends_of_a_fork_and_not_for_rows_that_falco_has_not)
{
	struct scene s;
	struct hc_capture *c = scene_make(&s);

	alerts(c,
	       "- rule: Forks\n  desc: d\n  condition: evt.type in (clone, vfork)\n"
	       "  output: \"%proc.name %evt.rawres %thread.tid\"\n  priority: INFO\n",
	       HC_FALCO_TEXT,
	       "22:13:20.006000000: Informational cat 44 31\n22:13:20.006000000: Informational child 0 44");
	/* so it is for a rule that names no event type */
	alerts(c,
	       "- rule: Any\n  desc: d\n  condition: evt.num = 6\n"
	       "  output: \"%proc.name %evt.rawres %thread.tid\"\n  priority: INFO\n",
	       HC_FALCO_TEXT,
	       "22:13:20.006000000: Informational cat 44 31\n22:13:20.006000000: Informational child 0 44");
	/* what looks like a defect is one in Falco, too */
	alerts(c,
	       "- rule: A\n  desc: d\n  condition: evt.rawarg.size in (4) or evt.rawarg.size = 5\n  output: a\n"
	       "  priority: INFO\n"
	       "- rule: B\n  desc: d\n  condition: proc.aname = anyof (nobody, bash) and evt.num < 3\n  output: "
	       "b\n"
	       "  priority: INFO\n"
	       "- rule: C\n  desc: d\n  condition: proc.aname = oneof (bash, sshd) and evt.num = 2\n  output: c\n"
	       "  priority: INFO\n"
	       "- rule: D\n  desc: d\n  condition: evt.rawarg.size intersects (4) or evt.rawarg.size = anyof (5, "
	       "4) or "
	       "proc.apid intersects (1, 30, 31)\n  output: d\n  priority: INFO\n"
	       "- rule: E\n  desc: d\n  condition: fd.ip exists and evt.num > 9 or evt.rawarg.size = allof (4, "
	       "5)\n"
	       "  output: e\n  priority: INFO\n",
	       HC_FALCO_TEXT, "22:13:20.002000000: Informational c\n22:13:20.010000000: Informational e");
	alerts(c, "- rule: All\n  desc: d\n  condition: evt.num > 11\n  output: \"%evt.num\"\n  priority: INFO\n",
	       HC_FALCO_TEXT, "22:13:20.012000000: Informational 12");
	scene_done(&s, c);
}

static bool says(const struct hc_ir *ir, uint32_t rule, const char *text)
{
	for (const char *const *r = hc_ir_rule_reasons(ir, rule); *r; r++)
		if (strstr(*r, text))
			return true;
	return false;
}

Test(falco_build, says_what_cannot_be_answered)
{
	static const char rules[] =
		"- rule: Dns\n  desc: d\n  condition: evt.type = connect and fd.sip.name = host\n  output: x\n  "
		"priority: INFO\n"
		"- rule: Cpu\n  desc: d\n  condition: evt.type = execve and thread.cpu > 1\n  output: x\n  "
		"priority: INFO\n"
		"- rule: Fine\n  desc: d\n  condition: evt.type = execve and not container.image.repository = x\n "
		" output: "
		"\"%proc.vmsize\"\n  priority: INFO\n"
		"- rule: Never recorded\n  desc: d\n  condition: evt.type = page_fault\n  output: x\n  priority: "
		"INFO\n"
		"- rule: Never true\n  desc: d\n  condition: evt.num = 0\n  output: x\n  priority: INFO\n";
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	HC_AUTO(hc_falco_free) struct hc_falco *f = hc_falco_new(NULL);
	struct hc_err err = { 0 };

	cr_assert_eq(hc_falco_load_text(f, "r.yaml", rules, strlen(rules), &err), 0, "%s", err.msg);
	cr_assert_eq(hc_falco_build(f, ir, &err), 0, "%s", err.msg);
	cr_assert_eq(hc_ir_n_rules(ir), 5);
	cr_expect(says(ir, 0, "fd.sip.name"));
	cr_expect(says(ir, 1, "thread.cpu"));
	cr_expect_null(hc_ir_rule_reasons(ir, 2)[0]);
	cr_expect_null(hc_ir_rule_reasons(ir, 3)[0]); /* an imported capture may have it */
	cr_expect_null(hc_ir_rule_reasons(ir, 4)[0]);
}

Test(falco_alert, has_bytes_in_base64_where_the_configuration_says_so)
{
	static const char rules[] =
		"- rule: R\n  desc: d\n  priority: INFO\n"
		"  condition: evt.type = write and evt.args contains .ELF and evt.arg.data = .ELF\n"
		"  output: \"%evt.arg.data %evt.buffer %evt.rawarg.data %evt.info\"\n";
	struct scene s;
	struct hc_capture *c = scene_make(&s);

	for (int on = 0; on < 2; on++) {
		HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
		HC_AUTO(hc_falco_free)
		struct hc_falco *f = hc_falco_new(&(struct hc_falco_opts){ .buffer_base64 = on });
		struct seen seen = { .rules = f, .form = HC_FALCO_TEXT };
		const char *want =
			on ? "f0VMRg== f0VMRg== f0VMRg== res=4 data=f0VMRg== fd=3(<f>/var/log/x.log) size=4"
			   : ".ELF .ELF .ELF res=4 data=.ELF fd=3(<f>/var/log/x.log) size=4";

		cr_assert_eq(hc_falco_load_text(f, "r.yaml", rules, strlen(rules), NULL), 0);
		cr_assert_eq(hc_falco_build(f, ir, NULL), 0);
		run(c, ir, &seen);
		cr_expect(strstr(seen.text, want), "got %s", seen.text);
	}
	scene_done(&s, c);
}

/* echo 'YWIAY2Q=' | base64 -d: a NUL in the middle, which ends a text. */
Test(falco_filter, takes_a_decoded_text_up_to_its_first_nul)
{
	struct scene s;
	struct hc_capture *c = scene_make(&s);

	falco_expect_rows(c, "evt.type = setuid and b64(concat('YWIAY2Q', '')) = ab", "11");
	falco_expect_rows(c, "evt.type = setuid and toupper(b64(concat('YWIAY2Q', ''))) = AB", "11");
	falco_expect_rows(c, "evt.type = setuid and concat(b64(concat('YWIAY2Q', '')), 'x') = abx", "11");
	falco_expect_rows(c, "evt.type = setuid and b64(concat('YWIAY2Q', '')) contains cd", "");
	scene_done(&s, c);
}

Test(falco_filter, is_refused_with_the_place)
{
	static const struct {
		const char *filter;
		unsigned column;
		const char *msg;
	} cases[] = {
		{ "(evt.type=openat", 17, "expected a ')' token" },
		{ "proc.name and evt.type=openat", 11, "expected a valid check operator" },
		{ "proc.nosuchfield=1", 1, "nonexistent field proc.nosuchfield" },
		{ "evt.type=openat and proc.pid contains 1", 21, "not supported for numeric" },
		{ "evt.num=abc", 9, "abc is not a valid number" },
		{ "evt.type=nosuchtype", 10, "unknown event type nosuchtype" },
		{ "fd.snet=300.1.1.1/8", 9, "unrecognized IP" },
		{ "evt.type=openat and some_macro", 21, "unexpected identifier 'some_macro'" },
		{ "proc.name regex \"(?i)x\"", 17, "no argument for repetition operator: ?" },
		{ "proc.name=cat && evt.type=openat", 15, "unexpected token after 'cat'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
		struct hc_err err = { 0 };

		cr_assert_eq(hc_falco_filter_compile(ir, cases[i].filter, &err), -EINVAL, "%s", cases[i].filter);
		cr_expect_eq(err.column, cases[i].column, "%s: column %u", cases[i].filter, err.column);
		cr_expect(strstr(err.msg, cases[i].msg), "%s: %s", cases[i].filter, err.msg);
	}
}

Test(falco_rows, map_every_call_that_falco_has_an_event_for)
{
	for (unsigned type = 96; type < HC_EV_MAX; type++) {
		const struct hc_table_desc *d = hc_event_desc(type);
		struct code_set codes = { 0 };

		if (!d || type == HC_EV_FORK || type == HC_EV_VFORK)
			continue;
		cr_expect(falco_row_map(type)->code, "%s is not in rows.def", d->name);
		if (falco_type_codes(hc_str_c(d->name), &codes) && !code_set_has(&codes, CODE_GENERIC))
			cr_expect(code_set_has(&codes, falco_row_map(type)->code), "%s is mapped to another event",
			          d->name);
	}
}
