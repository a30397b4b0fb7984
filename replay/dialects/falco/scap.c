/*
 * Rows as events of a scap file. What an imported row's parameters were is read backwards from the table by which
 * they came in (store/scap_rows.def); what a recorded row has for a parameter is what rules see of it (rows.c).
 */
#include "replay/falco_scap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>

#include "replay/dialects/falco/rows.h"

#define CLONE_THREAD_NATIVE 0x10000u
#define THREAD_FLAGS (HC_SCAP_CLONE_THREAD | HC_SCAP_CLONE_FILES)
#define CLOEXEC_NATIVE 02000000u
#define AT_FDCWD_NATIVE (-100)
#define IMPORTED_L4 254

/* ---- the table of imports, read backwards ---- */

enum how {
	BACK_NUM,
	BACK_RAW,
	BACK_FD,
	BACK_PID,
	BACK_STR,
	BACK_STRS,
	BACK_PATH,
	BACK_BYTES,
	BACK_ADDR,
	BACK_TUPLE,
	BACK_DYN,
	BACK_FDLIST,
	BACK_SOCKTYPE,
};

/* Where the columns of each code begin: counted by an enum, a column takes one place, a code's begin takes none.
 */
enum {
	BACK_POS__before = -1,
#define SCAP_ROW(code, TYPE) BACK_BEGIN_##code, BACK_POS_##code = BACK_BEGIN_##code - 1,
#define SCAP_COL(code, TYPE, column, how, parameter, dirfd) BACK_POS_##code##_##parameter,
#include "store/scap_rows.def"
	BACK_END
};

static const uint16_t back_begin[HC_SCAP_N_CODES] = {
#define SCAP_ROW(code, TYPE) [code] = BACK_BEGIN_##code,
#include "store/scap_rows.def"
};

/* The code of a type plus one; a successful exec has the columns of code 0. */
static const uint16_t back_code[HC_EV_MAX] = {
#define SCAP_ROW(code, TYPE) [HC_EV_##TYPE] = (code) + 1,
#include "store/scap_rows.def"
	[HC_EV_SYS] = HC_SCAP_GENERIC_X + 1,
};

static const struct back {
	uint16_t code, col;
	uint8_t how, param;
} back[] = {
#define SCAP_COL(code_, TYPE, column, how_, parameter, dirfd) \
	{ .code = (code_), .col = HC_C_##TYPE##_##column, .how = BACK_##how_, .param = (parameter) },
#include "store/scap_rows.def"
};

_Static_assert(sizeof(back) / sizeof(back[0]) == BACK_END, "columns and their numbering agree");

/* ---- parameters as bytes ---- */

struct enc {
	struct hc_view *v;
	struct hc_arena *a;
	struct fctx c;
	bool failed; /* memory is short */
};

static char *raw(struct enc *e, size_t n)
{
	char *p = hc_arena_raw(e->a, n ? n : 1);

	e->failed |= !p;
	return p;
}

static struct hc_str number(struct enc *e, uint64_t v, unsigned width)
{
	char *p = raw(e, 8);
	uint64_t le = htole64(v);

	if (!p)
		return (struct hc_str){ 0 };
	memcpy(p, &le, 8);
	return (struct hc_str){ p, width };
}

/* With its NUL. */
static struct hc_str text(struct enc *e, struct hc_str s)
{
	char *p = s.p ? raw(e, (size_t)s.len + 1) : NULL;

	if (!p)
		return (struct hc_str){ 0 };
	if (s.len)
		memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return (struct hc_str){ p, s.len + 1 };
}

/* Items of a list from the given one on, each with its NUL. */
static struct hc_str strings(struct enc *e, uint32_t list, uint32_t from)
{
	uint32_t n;
	const uint32_t *items = hc_view_strs(e->v, list, &n);
	size_t len = 0;
	char *p, *at;

	for (uint32_t i = from; i < n; i++)
		len += (size_t)hc_view_str(e->v, items[i]).len + 1;
	if (!list || !len || len > UINT32_MAX)
		return (struct hc_str){ 0 };
	p = at = raw(e, len);
	for (uint32_t i = from; p && i < n; i++) {
		struct hc_str s = hc_view_str(e->v, items[i]);

		if (s.len)
			memcpy(at, s.p, s.len);
		at[s.len] = '\0';
		at += s.len + 1;
	}
	return (struct hc_str){ p, p ? (uint32_t)len : 0 };
}

/* Buffers of what is put together piece by piece. */
struct bytes {
	char *p;
	uint32_t n;
};

static void add(struct bytes *b, const void *p, uint32_t n)
{
	if (b->p && n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void add_le(struct bytes *b, uint64_t v, uint32_t n)
{
	v = htole64(v);
	add(b, &v, n);
}

static struct hc_str done(const struct bytes *b)
{
	return (struct hc_str){ b->p, b->p ? b->n : 0 };
}

static struct hc_str without_nuls(struct hc_str s)
{
	while (s.len && !s.p[0]) { /* an abstract name */
		s.p++;
		s.len--;
	}
	s.len = s.len ? (uint32_t)strnlen(s.p, s.len) : 0;
	return s;
}

static void add_end(struct enc *e, struct bytes *b, uint32_t sock, bool peer, uint32_t n)
{
	static const uint8_t zeros[16];
	struct hc_str addr = hc_view_bytes(
		e->v, hc_view_ref(e->v, HC_OBJ_SOCK,
	                          peer ? (unsigned)HC_O_SOCK_peer_addr : (unsigned)HC_O_SOCK_local_addr, sock));
	int64_t port = hc_view_int_or(
		e->v, HC_OBJ_SOCK, peer ? (unsigned)HC_O_SOCK_peer_port : (unsigned)HC_O_SOCK_local_port, sock, 0);

	add(b, addr.len == n ? (const void *)addr.p : zeros, n);
	add_le(b, (uint64_t)port, 2);
}

/* Both ends, source first: the peer's when it is who sent. */
static struct hc_str tuple(struct enc *e, uint32_t sock, bool from_peer)
{
	int64_t family = sock ? hc_view_int_or(e->v, HC_OBJ_SOCK, HC_O_SOCK_family, sock, 0) : 0;
	uint64_t ino = (uint64_t)hc_view_int_or(e->v, HC_OBJ_SOCK, HC_O_SOCK_ino, sock, 0);
	uint64_t peer_ino = (uint64_t)hc_view_int_or(e->v, HC_OBJ_SOCK, HC_O_SOCK_peer_ino, sock, 0);
	struct hc_str path = without_nuls(
		hc_view_text(e->v, HC_OBJ_SOCK,
	                     from_peer ? (unsigned)HC_O_SOCK_local_path : (unsigned)HC_O_SOCK_peer_path, sock));
	struct bytes b = { 0 };

	if (!sock || !falco_has_ends(family))
		return (struct hc_str){ 0 };
	b.p = raw(e, 64 + (size_t)path.len);
	add_le(&b, (uint64_t)family, 1);
	if (family == HC_SCAP_AF_INET || family == HC_SCAP_AF_INET6) {
		uint32_t n = family == HC_SCAP_AF_INET ? 4 : 16;

		add_end(e, &b, sock, from_peer, n);
		add_end(e, &b, sock, !from_peer, n);
	} else if (family == HC_SCAP_AF_UNIX) {
		add_le(&b, from_peer ? peer_ino : ino, 8);
		add_le(&b, from_peer ? ino : peer_ino, 8);
		add(&b, path.p, path.len);
		add(&b, "", 1);
	}
	return done(&b);
}

/* A struct sockaddr as it was passed. */
static struct hc_str address(struct enc *e, struct hc_str s)
{
	struct hc_str path = { 0 };
	uint16_t family, port = 0;
	struct bytes b = { 0 };

	if (s.len < 2)
		return (struct hc_str){ 0 };
	memcpy(&family, s.p, 2);
	family = le16toh(family);
	if (!falco_has_ends(family))
		return (struct hc_str){ 0 };
	if (family == HC_SCAP_AF_UNIX)
		path = without_nuls((struct hc_str){ s.p + 2, s.len - 2 });
	if (s.len >= 4)
		memcpy(&port, s.p + 2, 2);
	b.p = raw(e, 32 + (size_t)path.len);
	add_le(&b, family, 1);
	if (family == HC_SCAP_AF_INET && s.len >= 8) {
		add(&b, s.p + 4, 4);
		add_le(&b, ntohs(port), 2);
	} else if (family == HC_SCAP_AF_INET6 && s.len >= 24) {
		add(&b, s.p + 8, 16);
		add_le(&b, ntohs(port), 2);
	} else if (family == HC_SCAP_AF_UNIX) {
		add(&b, path.p, path.len);
		add(&b, "", 1);
	} else {
		return (struct hc_str){ 0 }; /* cut short: nothing is known */
	}
	return done(&b);
}

static struct hc_str fdlist(struct enc *e, const int64_t *v, uint32_t n)
{
	struct bytes b = { .p = raw(e, 2 + (size_t)n / 3 * 10) };

	add_le(&b, n / 3, 2);
	for (uint32_t i = 0; i + 2 < n; i += 3) {
		add_le(&b, (uint64_t)v[i], 8);
		add_le(&b, (uint64_t)v[i + 1], 2);
	}
	return done(&b);
}

static struct hc_str selected(struct enc *e, uint8_t selector, uint64_t v, uint32_t width)
{
	struct bytes b = { .p = raw(e, 9) };

	add_le(&b, selector, 1);
	add_le(&b, v, width);
	return done(&b);
}

static struct hc_str selected_bytes(struct enc *e, uint8_t selector, struct hc_str s)
{
	struct bytes b = { .p = raw(e, (size_t)s.len + 2) };

	add_le(&b, selector, 1);
	add(&b, s.p, s.len);
	return done(&b);
}

static int64_t col_or(struct enc *e, unsigned col, int64_t otherwise)
{
	return hc_view_int_or(e->v, e->c.dom, col, e->c.entry, otherwise);
}

static struct hc_str option_value(struct enc *e, unsigned kind_col, unsigned num_col, unsigned bytes_col)
{
	static const uint8_t widths[] = { 0, 8, 4, 8,
		                          8 }; /* by selector: bytes, errno, 32 and 64 bits, duration */
	int64_t kind = col_or(e, kind_col, -1);
	struct hc_str s = hc_view_bytes(e->v, hc_view_ref(e->v, e->c.dom, bytes_col, e->c.entry));

	if (kind < 0)
		return s.p ? selected_bytes(e, 0, s) : (struct hc_str){ 0 };
	if (kind == 0 && s.p)
		return selected_bytes(e, 0, s);
	return selected(e, (uint8_t)kind, (uint64_t)col_or(e, num_col, 0),
	                (size_t)kind < sizeof(widths) ? widths[kind] : 8);
}

/* Parameters with a selector before the value. */
static struct hc_str dynamic(struct enc *e, unsigned param)
{
	struct hc_str s;
	int64_t v;

	switch (e->c.type) {
	case HC_EV_SETSOCKOPT:
		return option_value(e, HC_C_SETSOCKOPT_val_kind, HC_C_SETSOCKOPT_val_num, HC_C_SETSOCKOPT_value);
	case HC_EV_GETSOCKOPT:
		return option_value(e, HC_C_GETSOCKOPT_val_kind, HC_C_GETSOCKOPT_val_num, HC_C_GETSOCKOPT_value);
	case HC_EV_PTRACE: {
		int64_t kind = col_or(e, param == 1 ? HC_C_PTRACE_addr_kind : HC_C_PTRACE_data_kind, 0);

		if (!hc_view_int(e->v, e->c.dom, param == 1 ? HC_C_PTRACE_addr : HC_C_PTRACE_data, e->c.entry, &v))
			return (struct hc_str){ 0 };
		return selected(e, (uint8_t)kind, (uint64_t)v, kind == 1 ? 1 : 8); /* 1: a signal */
	}
	case HC_EV_KEYCTL:
		s = hc_view_text(e->v, e->c.dom, HC_C_KEYCTL_arg2_str + param - 2, e->c.entry);
		if (s.p)
			return selected_bytes(e, 1, text(e, s));
		if (!hc_view_int(e->v, e->c.dom, HC_C_KEYCTL_arg2 + param - 2, e->c.entry, &v))
			return (struct hc_str){ 0 };
		return selected(e, 0, (uint64_t)v, 8);
	default:
		return (struct hc_str){ 0 };
	}
}

/* ---- processes ---- */

static uint32_t proc_ref(struct enc *e, unsigned col, uint32_t proc)
{
	return hc_view_ref(e->v, HC_OBJ_PROC, col, proc);
}

/* A number in the process's own name space, where that is known. */
static int64_t own_id(struct enc *e, unsigned col, unsigned host_col, uint32_t proc)
{
	int64_t v;

	return hc_view_int(e->v, HC_OBJ_PROC, col, proc, &v)
	               ? v
	               : hc_view_int_or(e->v, HC_OBJ_PROC, host_col, proc, -1);
}

bool hc_falco_scap_proc(struct hc_view *v, uint32_t proc, int64_t tid, int64_t vtid, struct hc_arena *a,
                        struct hc_scap_proc *ret)
{
	struct enc e = { .v = v, .a = a };
	uint32_t image = falco_proc_image(v, proc);
	uint32_t file = hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_exe_file, image);
	uint64_t flags = (uint64_t)hc_view_int_or(v, HC_OBJ_IMAGE, HC_O_IMAGE_flags, image, 0);
	uint32_t argv = hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image);
	int64_t pid = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, tid), ns;

#define OF_PROC(col, otherwise) hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_##col, proc, otherwise)
#define OF_FILE(col) (uint64_t) hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_##col, file, 0)
	*ret = (struct hc_scap_proc){
		.tid = tid,
		.pid = pid,
		.ptid = OF_PROC(ppid, 0),
		.sid = falco_proc_sid(v, proc, -1),
		.vpgid = own_id(&e, HC_O_PROC_vpgid, HC_O_PROC_pgid, proc),
		.pgid = OF_PROC(pgid, -1),
		.vtid = vtid >= 0 ? vtid : tid,
		.vpid = OF_PROC(vpid, pid),
		.comm = hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_image_comm, proc),
		.exe = falco_exe(v, image),
		.exepath = falco_image_exe(v, image),
		.cwd = falco_path_real(v, proc_ref(&e, HC_O_PROC_cwd, proc)),
		.root = falco_path_real(v, proc_ref(&e, HC_O_PROC_root, proc)),
		.args = strings(&e, argv, 1),
		.env = strings(&e, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_env, image), 0),
		.cgroups = strings(&e, proc_ref(&e, HC_O_PROC_cgroups, proc), 0),
		.fdlimit = OF_PROC(nofile, 0),
		.flags = tid != pid ? THREAD_FLAGS : 0,
		.uid = (uint32_t)OF_PROC(euid, UINT32_MAX),
		.gid = (uint32_t)OF_PROC(egid, UINT32_MAX),
		.loginuid = (uint32_t)OF_PROC(loginuid, UINT32_MAX),
		.tty = (uint32_t)OF_PROC(tty_nr, 0),
		.pidns_init_start_ns = hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_pidns_start_ns, proc, &ns)
		                               ? (uint64_t)falco_wall(v, (uint64_t)ns)
		                               : 0,
		.cap_inheritable = (uint64_t)OF_PROC(cap_inh, 0),
		.cap_permitted = (uint64_t)OF_PROC(cap_perm, 0),
		.cap_effective = (uint64_t)OF_PROC(cap_eff, 0),
		.exe_ino = OF_FILE(ino),
		.exe_ctime_ns = OF_FILE(ctime_ns),
		.exe_mtime_ns = OF_FILE(mtime_ns),
		.exe_writable = flags & HC_IMAGE_WRITABLE,
		.exe_upper_layer = flags & HC_IMAGE_UPPER,
		.exe_lower_layer = flags & HC_IMAGE_LOWER,
		.exe_from_memfd = flags & HC_IMAGE_MEMFD,
	};
#undef OF_PROC
#undef OF_FILE
	return !e.failed;
}

/* A parameter that says what a process is. The child's side of a fork is of another process than the row's task.
 */
struct who {
	uint32_t proc;
	int64_t tid, vtid, ptid; /* ptid -1: as the process has it */
};

static struct pval of_process(struct enc *e, enum fproc_param which, const struct who *w, struct hc_str *bytes)
{
	uint32_t image = falco_proc_image(e->v, w->proc);
	uint32_t file = hc_view_ref(e->v, HC_OBJ_IMAGE, HC_O_IMAGE_exe_file, image);
	struct pval p = { .kind = PV_INT };
	bool ok = true;

#define PROC_INT(col) ok = hc_view_int(e->v, HC_OBJ_PROC, HC_O_PROC_##col, w->proc, &p.i)
#define FILE_INT(col) ok = hc_view_int(e->v, HC_OBJ_FILE, HC_O_FILE_##col, file, &p.i)
	switch (which) {
	case PP_exe:
		*bytes = text(e, falco_exe(e->v, image));
		break;
	case PP_args:
		*bytes = strings(e, hc_view_ref(e->v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), 1);
		break;
	case PP_env:
		*bytes = strings(e, hc_view_ref(e->v, HC_OBJ_IMAGE, HC_O_IMAGE_env, image), 0);
		break;
	case PP_cgroups:
		*bytes = strings(e, proc_ref(e, HC_O_PROC_cgroups, w->proc), 0);
		break;
	case PP_cwd:
		*bytes = text(e, falco_path_real(e->v, proc_ref(e, HC_O_PROC_cwd, w->proc)));
		break;
	case PP_comm:
		*bytes = text(e, hc_view_text(e->v, HC_OBJ_PROC, HC_O_PROC_image_comm, w->proc));
		break;
	case PP_trusted_exepath:
		*bytes = text(e, falco_image_exe(e->v, image));
		break;
	case PP_tid:
		p.i = w->tid;
		break;
	case PP_vtid:
		p.i = w->vtid;
		break;
	case PP_pid:
		PROC_INT(pid);
		break;
	case PP_ptid:
		if (w->ptid >= 0)
			p.i = w->ptid;
		else
			PROC_INT(ppid);
		break;
	case PP_fdlimit:
		PROC_INT(nofile);
		break;
	case PP_tty:
		PROC_INT(tty_nr);
		break;
	case PP_vpgid:
		p.i = own_id(e, HC_O_PROC_vpgid, HC_O_PROC_pgid, w->proc);
		break;
	case PP_pgid:
		PROC_INT(pgid);
		break;
	case PP_vpid:
		p.i = own_id(e, HC_O_PROC_vpid, HC_O_PROC_pid, w->proc);
		break;
	case PP_loginuid:
		PROC_INT(loginuid);
		break;
	case PP_uid:
		PROC_INT(euid);
		break;
	case PP_gid:
		PROC_INT(egid);
		break;
	case PP_cap_inheritable:
		PROC_INT(cap_inh);
		break;
	case PP_cap_permitted:
		PROC_INT(cap_perm);
		break;
	case PP_cap_effective:
		PROC_INT(cap_eff);
		break;
	case PP_exe_flags:
		p.i = hc_view_int_or(e->v, HC_OBJ_IMAGE, HC_O_IMAGE_flags, image, 0) &
		      (HC_IMAGE_WRITABLE | HC_IMAGE_UPPER | HC_IMAGE_MEMFD | HC_IMAGE_LOWER);
		break;
	case PP_exe_ino:
		FILE_INT(ino);
		break;
	case PP_exe_ino_ctime:
		FILE_INT(ctime_ns);
		break;
	case PP_exe_ino_mtime:
		FILE_INT(mtime_ns);
		break;
	case PP_pidns_init_start_ts: /* since boot */
		PROC_INT(pidns_start_ns);
		break;
	}
#undef PROC_INT
#undef FILE_INT
	if (!ok)
		p.kind = PV_NONE;
	return p;
}

/* ---- descriptors of the list ---- */

/* An import's socket that has no role yet has IMPORTED_L4 as protocol, and the type that its own goes with. */
static uint8_t l4_of(struct hc_view *v, uint32_t sock)
{
	const char *proto = falco_sock_proto(v, sock);
	int64_t type = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_sock_type, sock, 0);

	switch (proto[0]) {
	case 't':
		return HC_SCAP_L4_TCP;
	case 'u':
		return HC_SCAP_L4_UDP;
	case 'i':
		return HC_SCAP_L4_ICMP;
	case 'r':
		return HC_SCAP_L4_RAW;
	default:
		if (hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_protocol, sock, 0) != IMPORTED_L4)
			return HC_SCAP_L4_NA;
		return type == 1 ? HC_SCAP_L4_TCP : type == 2 ? HC_SCAP_L4_UDP : HC_SCAP_L4_UNKNOWN;
	}
}

static void copy_addr(struct hc_view *v, unsigned col, uint32_t sock, uint8_t to[16])
{
	struct hc_str s = hc_view_bytes(v, hc_view_ref(v, HC_OBJ_SOCK, col, sock));

	if (s.len == 4 || s.len == 16)
		memcpy(to, s.p, s.len);
}

static void inet_fd(struct hc_view *v, uint32_t sock, bool v6, struct hc_scap_fd *ret)
{
	int64_t family = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_family, sock, 0);

	v6 = family ? family == HC_SCAP_AF_INET6 : v6;
	ret->type = v6 ? HC_SCAP_FD_IPV6_SOCK : HC_SCAP_FD_IPV4_SOCK;
	ret->l4 = l4_of(v, sock);
	copy_addr(v, HC_O_SOCK_local_addr, sock, ret->src);
	ret->sport = (uint16_t)hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_local_port, sock, 0);
	if (falco_is_listener(v, sock)) {
		ret->type = v6 ? HC_SCAP_FD_IPV6_SERVSOCK : HC_SCAP_FD_IPV4_SERVSOCK;
		return;
	}
	copy_addr(v, HC_O_SOCK_peer_addr, sock, ret->dst);
	ret->dport = (uint16_t)hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_peer_port, sock, 0);
}

static void unix_fd(struct hc_view *v, uint32_t sock, struct hc_scap_fd *ret)
{
	struct hc_str local = without_nuls(hc_view_text(v, HC_OBJ_SOCK, HC_O_SOCK_local_path, sock));
	struct hc_str peer = without_nuls(hc_view_text(v, HC_OBJ_SOCK, HC_O_SOCK_peer_path, sock));
	bool server = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_role, sock, 0) == 2;
	uint64_t ino = (uint64_t)hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_ino, sock, 0);
	uint64_t peer_ino = (uint64_t)hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_peer_ino, sock, 0);

	ret->type = HC_SCAP_FD_UNIX_SOCK;
	ret->unix_source = server ? peer_ino : ino;
	ret->unix_peer = server ? ino : peer_ino;
	ret->name = server && local.len ? local : peer.len ? peer : local;
}

bool hc_falco_scap_fd_unseen(struct hc_view *v, uint32_t fdobj)
{
	return falco_fd_unseen(v, fdobj);
}

void hc_falco_scap_fd(struct hc_view *v, uint32_t fdobj, struct hc_scap_fd *ret)
{
	static const uint8_t types[] = {
		[HC_FD_UNKNOWN] = HC_SCAP_FD_UNSUPPORTED,
		[HC_FD_FILE] = HC_SCAP_FD_FILE_V2,
		[HC_FD_DIR] = HC_SCAP_FD_DIRECTORY,
		[HC_FD_CHR] = HC_SCAP_FD_FILE_V2,
		[HC_FD_BLK] = HC_SCAP_FD_FILE_V2,
		[HC_FD_FIFO] = HC_SCAP_FD_FILE_V2,
		[HC_FD_PIPE] = HC_SCAP_FD_FIFO,
		[HC_FD_IPV4] = HC_SCAP_FD_IPV4_SOCK,
		[HC_FD_IPV6] = HC_SCAP_FD_IPV6_SOCK,
		[HC_FD_UNIX] = HC_SCAP_FD_UNIX_SOCK,
		[HC_FD_NETLINK] = HC_SCAP_FD_NETLINK,
		[HC_FD_PACKET] = HC_SCAP_FD_UNSUPPORTED,
		[HC_FD_VSOCK] = HC_SCAP_FD_UNSUPPORTED,
		[HC_FD_ALG] = HC_SCAP_FD_UNSUPPORTED,
		[HC_FD_SOCK_OTHER] = HC_SCAP_FD_UNSUPPORTED,
		[HC_FD_EVENTFD] = HC_SCAP_FD_EVENT,
		[HC_FD_EVENTPOLL] = HC_SCAP_FD_EVENTPOLL,
		[HC_FD_SIGNALFD] = HC_SCAP_FD_SIGNALFD,
		[HC_FD_TIMERFD] = HC_SCAP_FD_TIMERFD,
		[HC_FD_INOTIFY] = HC_SCAP_FD_INOTIFY,
		[HC_FD_FANOTIFY] = HC_SCAP_FD_UNSUPPORTED,
		[HC_FD_BPF_MAP] = HC_SCAP_FD_BPF,
		[HC_FD_BPF_PROG] = HC_SCAP_FD_BPF,
		[HC_FD_BPF_LINK] = HC_SCAP_FD_BPF,
		[HC_FD_PERF] = HC_SCAP_FD_UNSUPPORTED,
		[HC_FD_IO_URING] = HC_SCAP_FD_IOURING,
		[HC_FD_USERFAULTFD] = HC_SCAP_FD_USERFAULTFD,
		[HC_FD_MEMFD] = HC_SCAP_FD_MEMFD,
		[HC_FD_PIDFD] = HC_SCAP_FD_PIDFD,
		[HC_FD_NAMESPACE] = HC_SCAP_FD_FILE_V2,
		[HC_FD_MQUEUE] = HC_SCAP_FD_FILE_V2,
		[HC_FD_TTY] = HC_SCAP_FD_FILE_V2,
		[HC_FD_ANON] = HC_SCAP_FD_UNSUPPORTED,
		[HC_FD_LNK] = HC_SCAP_FD_FILE_V2,
	};
	unsigned what = falco_fd_kind(v, fdobj);
	int64_t flags = hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_f_flags, fdobj, 0);
	uint32_t file = hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_file, fdobj);
	uint32_t sock = hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fdobj);
	int64_t layer = hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_layer, file, 0);

	*ret = (struct hc_scap_fd){
		.tid = ret->tid,
		.fd = ret->fd,
		.type = what < sizeof(types) ? types[what] : (uint8_t)HC_SCAP_FD_UNSUPPORTED,
		.ino = (uint64_t)hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_ino, file, 0),
	};
	switch (ret->type) {
	case HC_SCAP_FD_IPV4_SOCK:
	case HC_SCAP_FD_IPV6_SOCK:
		inet_fd(v, sock, ret->type == HC_SCAP_FD_IPV6_SOCK, ret);
		break;
	case HC_SCAP_FD_UNIX_SOCK:
		unix_fd(v, sock, ret);
		break;
	case HC_SCAP_FD_FILE_V2:
		if (hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_cloexec, fdobj, 0))
			flags |= CLOEXEC_NATIVE;
		ret->open_flags = (uint32_t)hc_scap_portable(HC_SCAP_TAB_file_flags, (uint64_t)flags) |
		                  hc_scap_layer_flags(layer);
		if (hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_created, fdobj, 0))
			ret->open_flags |= HC_SCAP_OPEN_CREATED;
		ret->dev = hc_scap_dev_portable((uint64_t)hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_dev, file, 0));
		__attribute__((fallthrough));
	case HC_SCAP_FD_DIRECTORY:
		ret->name = falco_path_text(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fdobj));
		break;
	default:
		ret->name = hc_view_text(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_name, fdobj);
		break;
	}
}

/* ---- events ---- */

/* What stands for a number that nobody recorded: the driver has no other word for it. */
static struct hc_str unknown(struct enc *e, const struct hc_scap_param_info *info)
{
	bool id = info->type == HC_SCAP_T_UID || info->type == HC_SCAP_T_GID ||
	          (info->type == HC_SCAP_T_PID && e->c.type != HC_EV_PROC_EXIT); /* no reaper is 0 */

	if (info->type == HC_SCAP_T_FDLIST)
		return number(e, 0, 2);
	return info->width ? number(e, id ? UINT64_MAX : 0, info->width) : (struct hc_str){ 0 };
}

/* A value as rules see it. */
static struct hc_str encoded(struct enc *e, const struct hc_scap_param_info *info, const struct pval *v)
{
	unsigned code = e->c.row->code;
	bool from_peer = code == HC_SCAP_SOCKET_ACCEPT_5_X || code == HC_SCAP_SOCKET_ACCEPT4_6_X ||
	                 code == HC_SCAP_SOCKET_RECVFROM_X || code == HC_SCAP_SOCKET_RECVMSG_X ||
	                 code == HC_SCAP_SOCKET_RECVMMSG_X || code == HC_SCAP_SOCKET_RECV_X;

	switch ((enum pv_kind)v->kind) {
	case PV_INT:
		return info->width ? number(e, (uint64_t)v->i, info->width) : (struct hc_str){ 0 };
	case PV_TEXT:
	case PV_PATH:
		return text(e, v->s);
	case PV_BYTES:
		return v->s;
	case PV_SOCK:
		return tuple(e, v->ref, from_peer);
	case PV_ADDR:
		return address(e, v->s);
	case PV_NONE:
		break;
	}
	return (struct hc_str){ 0 };
}

static struct hc_str as_seen(struct enc *e, unsigned code, unsigned i)
{
	const struct hc_scap_param_info *info = &hc_scap_events[code].params[i];
	struct pval v = fctx_param(&e->c, &falco_events[code].params[i]);

	return encoded(e, info, &v);
}

/* Whether the imported event lacked this parameter, as types whose columns cannot show it say in one of their own.
 */
static bool was_missing(struct enc *e, unsigned param)
{
	const struct hc_table_desc *d = hc_event_desc(e->c.type);
	int col = d ? hc_col_find(d, HC_STR("missing")) : -1;

	return col >= 0 && (col_or(e, (unsigned)col, 0) >> param & 1);
}

static struct hc_str back_number(struct enc *e, unsigned code, const struct back *b)
{
	const struct hc_scap_param_info *info = &hc_scap_events[code].params[b->param];
	int64_t v;

	if (!hc_view_int(e->v, e->c.dom, b->col, e->c.entry, &v))
		return (struct hc_str){ 0 };
	if (info->table == HC_SCAP_TAB_file_flags) { /* with what the driver adds for what was made */
		struct hc_str seen = as_seen(e, code, b->param);

		if (seen.len)
			return seen;
	}
	return number(e,
	              info->table ? hc_scap_portable((enum hc_scap_table)info->table, (uint64_t)v) : (uint64_t)v,
	              info->width);
}

static struct hc_str back_param(struct enc *e, unsigned code, const struct back *b)
{
	const struct hc_scap_param_info *info = &hc_scap_events[code].params[b->param];
	uint32_t ref, n;
	const int64_t *ints;
	int64_t v;

	switch ((enum how)b->how) {
	case BACK_NUM:
		return back_number(e, code, b);
	case BACK_FD:
	case BACK_PID:
	case BACK_RAW:
	case BACK_SOCKTYPE:
		return hc_view_int(e->v, e->c.dom, b->col, e->c.entry, &v) ? number(e, (uint64_t)v, info->width)
		                                                           : (struct hc_str){ 0 };
	case BACK_STR:
		return text(e, hc_view_text(e->v, e->c.dom, b->col, e->c.entry));
	case BACK_STRS:
		return strings(e, hc_view_ref(e->v, e->c.dom, b->col, e->c.entry), 0);
	case BACK_PATH:
		return text(e, falco_path_given(e->v, hc_view_ref(e->v, e->c.dom, b->col, e->c.entry)));
	case BACK_BYTES:
		return hc_view_bytes(e->v, hc_view_ref(e->v, e->c.dom, b->col, e->c.entry));
	case BACK_ADDR:
		return address(e, hc_view_bytes(e->v, hc_view_ref(e->v, e->c.dom, b->col, e->c.entry)));
	case BACK_TUPLE:
		return tuple(e, hc_view_ref(e->v, e->c.dom, b->col, e->c.entry), false);
	case BACK_DYN:
		return dynamic(e, b->param);
	case BACK_FDLIST:
		ref = hc_view_ref(e->v, e->c.dom, b->col, e->c.entry);
		ints = hc_view_ints(e->v, ref, &n);
		return ref ? fdlist(e, ints, n) : (struct hc_str){ 0 };
	}
	return (struct hc_str){ 0 };
}

static void generic(struct enc *e, struct hc_falco_event *ev, bool imported)
{
	int64_t flags = col_or(e, HC_COL_ROW_FLAGS, 0), nr = col_or(e, HC_COL_NR, -1);
	const char *name = fctx_name(&e->c);
	const char *native = nr < 0 ? NULL : falco_syscall_name((uint64_t)nr, false);

	/* The number of the 64-bit table: that is the one that readers look up. */
	if (!imported && (flags & HC_ROW_COMPAT || !native || strcmp(native, name) != 0)) {
		nr = -1;
		for (uint64_t i = 0; nr < 0 && i < 1024; i++) {
			native = falco_syscall_name(i, false);
			if (native && strcmp(native, name) == 0)
				nr = (int64_t)i;
		}
	}
	ev->param[0] = number(e, falco_syscall_id(hc_str_c(name)), 2);
	if (nr >= 0)
		ev->param[1] = number(e, (uint64_t)nr, 2);
	else
		ev->param[1] = number(e, UINT16_MAX, 2);
}

static void generic_or_result(struct enc *e, struct hc_falco_event *ev)
{
	unsigned code = falco_result_code(&e->c);
	const struct hc_scap_event_info *info = &hc_scap_events[code];

	if (code == CODE_GENERIC) {
		ev->e.n_params = 2;
		generic(e, ev, false);
		return;
	}
	ev->e.code = (uint16_t)code;
	ev->e.n_params = info->n_params;
	for (unsigned i = 0; i < info->n_params; i++) {
		struct pval v = falco_result_param(&e->c, code, i);

		ev->param[i] = v.kind ? encoded(e, &info->params[i], &v) : unknown(e, &info->params[i]);
	}
}

static void imported_event(struct enc *e, struct hc_falco_event *ev)
{
	unsigned plan = back_code[e->c.type] - 1u, code = plan ? plan : HC_SCAP_SYSCALL_EXECVE_19_X;
	const struct hc_scap_event_info *info = &hc_scap_events[code];
	bool has[HC_SCAP_MAX_PARAMS] = { false };
	int64_t ret;

	ev->e.code = (uint16_t)code;
	ev->e.n_params = info->n_params;
	if (code == HC_SCAP_GENERIC_X) {
		generic(e, ev, true);
		return;
	}
	if (info->flags & HC_SCAP_F_SYSCALL && info->n_params) {
		has[0] = true;
		if (hc_view_int(e->v, e->c.dom, HC_COL_RET, e->c.entry, &ret))
			ev->param[0] = number(e, (uint64_t)ret, info->params[0].width);
	}
	for (size_t i = back_begin[plan]; i < BACK_END && back[i].code == plan; i++) {
		has[back[i].param] = true;
		if (!was_missing(e, back[i].param))
			ev->param[back[i].param] = back_param(e, code, &back[i]);
	}
	for (unsigned i = 0; i < info->n_params; i++)
		if (!has[i] && !was_missing(e, i))
			ev->param[i] = as_seen(e, code, i);
}

static struct hc_str process_param(struct enc *e, const struct hc_scap_param_info *info, int what,
                                   const struct who *w)
{
	struct hc_str bytes = { 0 };
	struct pval v = of_process(e, (enum fproc_param)what, w, &bytes);

	return !bytes.p && v.kind == PV_INT && info->width ? number(e, (uint64_t)v.i, info->width) : bytes;
}

static void recorded_params(struct enc *e, struct hc_falco_event *ev, const struct who *w)
{
	const struct hc_scap_event_info *info = &hc_scap_events[ev->e.code];

	ev->e.n_params = info->n_params;
	for (unsigned i = 0; i < info->n_params; i++) {
		const struct hc_scap_param_info *p = &info->params[i];
		const struct ffrom *from = falco_from(e->c.type, hc_str_c(p->name), false);
		struct hc_str bytes = { 0 };

		if (p->type == HC_SCAP_T_DYN) {
			bytes = dynamic(e, i);
		} else if (from && from->how == HOW_PROC) {
			bytes = process_param(e, p, from->what, w);
		} else if (from && from->how == HOW_LIST_REST) {
			bytes = strings(e, hc_view_ref(e->v, e->c.dom, (unsigned)from->what, e->c.entry), 1);
		} else if (from && from->how == HOW_LIST_ALL) {
			bytes = strings(e, hc_view_ref(e->v, e->c.dom, (unsigned)from->what, e->c.entry), 0);
		} else if (from) {
			struct pval v = fctx_param(&e->c, &falco_events[ev->e.code].params[i]);

			bytes = encoded(e, p, &v);
		}
		ev->param[i] = bytes.p ? bytes : unknown(e, p);
	}
}

static int64_t of_task(struct enc *e, unsigned col, int64_t otherwise)
{
	return hc_view_int_or(e->v, HC_OBJ_TASK, col, fctx_task(&e->c), otherwise);
}

static struct who task_who(struct enc *e)
{
	int64_t tid = of_task(e, HC_O_TASK_tid, -1);

	return (struct who){
		.proc = fctx_proc(&e->c), .tid = tid, .vtid = of_task(e, HC_O_TASK_vtid, tid), .ptid = -1
	};
}

/* A fork as both sides see it: the child first, then the caller, to whom it returns. */
static int fork_events(struct enc *e, struct hc_falco_event ret[2])
{
	struct who parent = task_who(e), child = { 0 };
	int64_t via = col_or(e, HC_C_PROC_FORK_via, 56), tid = col_or(e, HC_C_PROC_FORK_child_tid, -1);
	int64_t flags = col_or(e, HC_C_PROC_FORK_clone_flags, 0);
	unsigned code = via == 57    ? HC_SCAP_SYSCALL_FORK_20_X
	                : via == 58  ? HC_SCAP_SYSCALL_VFORK_20_X
	                : via == 435 ? HC_SCAP_SYSCALL_CLONE3_X
	                             : HC_SCAP_SYSCALL_CLONE_20_X;
	bool in_pidns;

	child.proc = hc_view_ref(e->v, e->c.dom, HC_C_PROC_FORK_child, e->c.entry);
	child.tid = tid;
	child.vtid = col_or(e, HC_C_PROC_FORK_child_vtid, tid);
	child.ptid = flags & CLONE_THREAD_NATIVE ? -1 : parent.tid;
	in_pidns = child.vtid != child.tid;
	ret[1].e = ret[0].e;
	for (unsigned i = 0; i < 2; i++) {
		const struct hc_scap_event_info *info = &hc_scap_events[code];

		ret[i].e.code = (uint16_t)code;
		recorded_params(e, &ret[i], i ? &parent : &child);
		for (unsigned p = 0; in_pidns && p < info->n_params; p++)
			if (info->params[p].type == HC_SCAP_T_FLAGS32 &&
			    info->params[p].table == HC_SCAP_TAB_clone_flags)
				ret[i].param[p] =
					number(e,
				               hc_scap_portable(HC_SCAP_TAB_clone_flags,
				                                (uint64_t)flags | HC_SCAP_CLONE_CHILD_IN_PIDNS),
				               4);
	}
	ret[0].e.tid = child.tid;
	ret[0].param[0] = number(e, 0, 8);
	return 2;
}

/* ---- what no event tells of ---- */

/* Of a directory of which nobody knows the name: what the name of a file opened in it and the kernel's name of
 * that file say. */
static struct hc_str dir_of_open(struct hc_view *v, unsigned type, uint32_t entry, int64_t of)
{
	unsigned dom = HC_DOM_ROWS(type);
	struct hc_str given, real;
	uint32_t path;
	int64_t dirfd = AT_FDCWD_NATIVE;

	switch (type) {
	case HC_EV_OPEN:
		path = hc_view_ref(v, dom, HC_C_OPEN_pathname, entry);
		break;
	case HC_EV_CREAT:
		path = hc_view_ref(v, dom, HC_C_CREAT_pathname, entry);
		break;
	case HC_EV_OPENAT:
	case HC_EV_OPENAT2:
		dirfd = hc_view_int_or(v, dom, type == HC_EV_OPENAT ? HC_C_OPENAT_dirfd : HC_C_OPENAT2_dirfd,
		                       entry, -1);
		path = hc_view_ref(v, dom, type == HC_EV_OPENAT ? HC_C_OPENAT_pathname : HC_C_OPENAT2_pathname,
		                   entry);
		break;
	default:
		return (struct hc_str){ 0 };
	}
	given = falco_path_given(v, path);
	real = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_real, path);
	while (given.len > 1 && given.p[0] == '.' && given.p[1] == '/') {
		given.p += 2;
		given.len -= 2;
	}
	if (dirfd != of || !given.len || given.p[0] == '/' || real.len <= given.len ||
	    real.p[real.len - given.len - 1] != '/' ||
	    memcmp(real.p + real.len - given.len, given.p, given.len) != 0)
		return (struct hc_str){ 0 };
	real.len -= given.len + (real.len > given.len + 1); /* without the slash, but the first */
	return real;
}

static void begin_state(struct hc_falco_event *ev, const struct hc_scap_event *like, unsigned code)
{
	*ev = (struct hc_falco_event){ .e = *like };
	ev->e.code = (uint16_t)code;
	ev->e.state_only = true;
	ev->e.info = &hc_scap_events[code];
	ev->e.n_params = ev->e.info->n_params;
}

/* Numbers of no importance here. */
static void fill_state(struct enc *e, struct hc_falco_event *ev)
{
	for (unsigned i = 0; i < ev->e.n_params; i++)
		if (!ev->param[i].p && ev->e.info->params[i].width)
			ev->param[i] = number(e, 0, ev->e.info->params[i].width);
}

static int state_socket(struct enc *e, uint32_t sock, int64_t num, const struct hc_scap_event *like,
                        struct hc_falco_event ret[2])
{
	int64_t family = hc_view_int_or(e->v, HC_OBJ_SOCK, HC_O_SOCK_family, sock, 0);
	bool connected = hc_view_int_or(e->v, HC_OBJ_SOCK, HC_O_SOCK_connected, sock, 0);

	if (connected && hc_view_int_or(e->v, HC_OBJ_SOCK, HC_O_SOCK_role, sock, 0) == 2) {
		begin_state(&ret[0], like, HC_SCAP_SOCKET_ACCEPT4_6_X);
		ret[0].param[0] = number(e, (uint64_t)num, 8);
		ret[0].param[1] = tuple(e, sock, true);
		return 1;
	}
	begin_state(&ret[0], like, HC_SCAP_SOCKET_SOCKET_X);
	ret[0].param[0] = number(e, (uint64_t)num, 8);
	ret[0].param[1] = number(e, (uint64_t)family, 4);
	ret[0].param[2] = number(e, (uint64_t)hc_view_int_or(e->v, HC_OBJ_SOCK, HC_O_SOCK_sock_type, sock, 0), 4);
	ret[0].param[3] = number(e, (uint64_t)hc_view_int_or(e->v, HC_OBJ_SOCK, HC_O_SOCK_protocol, sock, 0), 4);
	if (connected) {
		begin_state(&ret[1], like, HC_SCAP_SOCKET_CONNECT_X);
		ret[1].param[1] = tuple(e, sock, false);
		ret[1].param[2] = number(e, (uint64_t)num, 8);
		return 2;
	}
	if (!falco_is_listener(e->v, sock))
		return 1;
	begin_state(&ret[1], like, HC_SCAP_SOCKET_BIND_X);
	ret[1].param[2] = number(e, (uint64_t)num, 8);
	ret[1].param[1] = tuple(e, sock, false);
	if (ret[1].param[1].len == 13)
		ret[1].param[1].len = 7; /* the first end alone: family, address, port */
	else if (ret[1].param[1].len == 37)
		ret[1].param[1].len = 19;
	else
		return 1;
	return 2;
}

int hc_falco_scap_fd_events(struct hc_view *v, unsigned type, uint32_t entry, uint32_t fdobj, int64_t num,
                            const struct hc_scap_event *like, struct hc_arena *a,
                            struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS])
{
	static const uint16_t makers[] = {
		[HC_SCAP_FD_EVENT] = HC_SCAP_SYSCALL_EVENTFD2_X,
		[HC_SCAP_FD_SIGNALFD] = HC_SCAP_SYSCALL_SIGNALFD4_X,
		[HC_SCAP_FD_EVENTPOLL] = HC_SCAP_SYSCALL_EPOLL_CREATE1_X,
		[HC_SCAP_FD_INOTIFY] = HC_SCAP_SYSCALL_INOTIFY_INIT1_X,
		[HC_SCAP_FD_TIMERFD] = HC_SCAP_SYSCALL_TIMERFD_CREATE_X,
		[HC_SCAP_FD_BPF] = HC_SCAP_SYSCALL_BPF_2_X,
		[HC_SCAP_FD_USERFAULTFD] = HC_SCAP_SYSCALL_USERFAULTFD_X,
		[HC_SCAP_FD_IOURING] = HC_SCAP_SYSCALL_IO_URING_SETUP_X,
		[HC_SCAP_FD_MEMFD] = HC_SCAP_SYSCALL_MEMFD_CREATE_X,
		[HC_SCAP_FD_PIDFD] = HC_SCAP_SYSCALL_PIDFD_OPEN_X,
	};
	struct enc e = { .v = v, .a = a };
	struct hc_scap_fd fd = { 0 };
	int n = 1;

	hc_falco_scap_fd(v, fdobj, &fd);
	switch (fd.type) {
	case HC_SCAP_FD_FILE_V2:
	case HC_SCAP_FD_DIRECTORY:
		if (!fd.name.len)
			fd.name = dir_of_open(v, type, entry, num);
		begin_state(&ret[0], like, HC_SCAP_SYSCALL_OPEN_X);
		ret[0].param[0] = number(&e, (uint64_t)num, 8);
		ret[0].param[1] = text(&e, fd.name);
		ret[0].param[2] = number(
			&e, fd.open_flags | (fd.type == HC_SCAP_FD_DIRECTORY ? HC_SCAP_OPEN_DIRECTORY : 0), 4);
		ret[0].param[4] = number(&e, fd.dev, 4);
		ret[0].param[5] = number(&e, fd.ino, 8);
		break;
	case HC_SCAP_FD_IPV4_SOCK:
	case HC_SCAP_FD_IPV4_SERVSOCK:
	case HC_SCAP_FD_IPV6_SOCK:
	case HC_SCAP_FD_IPV6_SERVSOCK:
	case HC_SCAP_FD_UNIX_SOCK:
	case HC_SCAP_FD_NETLINK:
		n = state_socket(&e, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fdobj), num, like, ret);
		break;
	case HC_SCAP_FD_FIFO: /* one end of a pair: the other one's number is none */
		begin_state(&ret[0], like, HC_SCAP_SYSCALL_PIPE2_X);
		ret[0].param[1] = number(&e, (uint64_t)num, 8);
		ret[0].param[2] = number(&e, UINT64_MAX, 8);
		ret[0].param[3] = number(&e, fd.ino, 8);
		break;
	default:
		if (fd.type < sizeof(makers) / sizeof(makers[0]) && makers[fd.type]) {
			begin_state(&ret[0], like, makers[fd.type]);
			ret[0].param[0] = number(&e, (uint64_t)num, 8);
			if (fd.type == HC_SCAP_FD_MEMFD)
				ret[0].param[1] = text(&e, fd.name);
			if (fd.type == HC_SCAP_FD_PIDFD)
				ret[0].param[1] = number(
					&e, (uint64_t)hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_target, fdobj, 0),
					8);
			break;
		}
		begin_state(&ret[0], like,
		            HC_SCAP_SYSCALL_CLOSE_X); /* better nothing than what was there before */
		ret[0].param[1] = number(&e, (uint64_t)num, 8);
		break;
	}
	for (int i = 0; i < n; i++) {
		fill_state(&e, &ret[i]);
		ret[i].e.param = ret[i].param;
	}
	return e.failed ? -ENOMEM : n;
}

static uint64_t key_add(uint64_t key, struct hc_str s)
{
	return (key ^ (s.p ? hc_str_hash(s.len, s) : 1)) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static uint64_t dir_key(struct hc_str dir)
{
	while (dir.len > 1 && dir.p[dir.len - 1] == '/')
		dir.len--;
	return dir.len ? key_add(0, dir) : 0;
}

void hc_falco_scap_known(struct hc_view *v, uint32_t proc, struct hc_falco_known *ret)
{
	uint32_t image = falco_proc_image(v, proc), n;
	const uint32_t *args = hc_view_strs(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), &n);

	*ret = (struct hc_falco_known){
		.cwd = dir_key(falco_path_real(v, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_cwd, proc))),
		.uid = (uint32_t)hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_euid, proc, UINT32_MAX),
		.gid = (uint32_t)hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_egid, proc, UINT32_MAX),
	};
	ret->exe = key_add(0, falco_path_real(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_exe, image)));
	ret->image = key_add(0, hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_image_comm, proc));
	for (uint32_t i = 0; i < n; i++)
		ret->image = key_add(ret->image, hc_view_str(v, args[i]));
}

uint64_t hc_falco_scap_dir(struct hc_view *v, unsigned type, uint32_t entry)
{
	if (type == HC_EV_CHDIR)
		return dir_key(hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_abs,
		                            hc_view_ref(v, HC_DOM_ROWS(type), HC_C_CHDIR_pathname, entry)));
	return dir_key(
		falco_path_text(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path,
	                                       hc_view_ref(v, HC_DOM_ROWS(type), HC_C_FCHDIR_fd + 1, entry))));
}

static struct hc_str cwd_of_row(struct hc_view *v, unsigned type, uint32_t entry, uint32_t proc)
{
	struct hc_str cwd = falco_path_real(v, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_cwd, proc));

	return cwd.len ? cwd : dir_of_open(v, type, entry, AT_FDCWD_NATIVE);
}

uint64_t hc_falco_scap_cwd(struct hc_view *v, unsigned type, uint32_t entry)
{
	uint32_t task = hc_view_ref(v, HC_DOM_ROWS(type), HC_COL_TASK, entry);

	return dir_key(cwd_of_row(v, type, entry, hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task)));
}

/* Parameters that say what the process is, by the names that they have in the events of a type of rows. */
static void state_process(struct enc *e, unsigned type, const struct who *w, struct hc_falco_event *ev)
{
	for (unsigned i = 0; i < ev->e.n_params; i++) {
		const struct hc_scap_param_info *p = &ev->e.info->params[i];
		const struct ffrom *from = falco_from(type, hc_str_c(p->name), false);
		struct hc_str bytes = { 0 };

		if (from && from->how == HOW_PROC) {
			bytes = process_param(e, p, from->what, w);
			if (!bytes.p) /* without a text readers would keep the one that they have */
				bytes = p->width || p->type == HC_SCAP_T_BUF ? unknown(e, p) : text(e, HC_STR(""));
		}
		ev->param[i] = bytes;
	}
}

int hc_falco_scap_task_events(struct hc_view *v, unsigned type, uint32_t entry, unsigned tell,
                              const struct hc_scap_event *like, struct hc_arena *a,
                              struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS])
{
	struct enc e = { .v = v, .a = a };
	uint32_t task = hc_view_ref(v, HC_DOM_ROWS(type), HC_COL_TASK, entry);
	int64_t tid = hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_tid, task, -1);
	struct who w = { .proc = hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task),
		         .tid = tid,
		         .vtid = hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_vtid, task, tid),
		         .ptid = -1 };
	bool main = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, w.proc, tid) == tid;
	struct hc_str cwd = cwd_of_row(v, type, entry, w.proc);
	struct hc_falco_known is;
	int n = 0;

	hc_falco_scap_known(v, w.proc, &is);
	if (tell & HC_FALCO_TELL_BIRTH) {
		begin_state(&ret[n], like, HC_SCAP_SYSCALL_CLONE_20_X);
		state_process(&e, HC_EV_PROC_FORK, &w, &ret[n]);
		ret[n++].param[15] = number(&e, main ? 0 : THREAD_FLAGS, 4);
	}
	if (tell & HC_FALCO_TELL_IMAGE) {
		begin_state(&ret[n], like, HC_SCAP_SYSCALL_EXECVE_19_X);
		state_process(&e, HC_EV_PROC_EXEC, &w, &ret[n++]);
		begin_state(&ret[n], like, HC_SCAP_SYSCALL_SETSID_X);
		ret[n++].param[0] = number(&e, (uint64_t)falco_proc_sid(v, w.proc, -1), 8);
	} else if (tell & HC_FALCO_TELL_IDS) {
		begin_state(&ret[n], like, HC_SCAP_SYSCALL_SETRESUID_X);
		ret[n++].param[2] = number(&e, is.uid, 4);
		begin_state(&ret[n], like, HC_SCAP_SYSCALL_SETRESGID_X);
		ret[n++].param[2] = number(&e, is.gid, 4);
	}
	if (tell & HC_FALCO_TELL_CWD && cwd.len) {
		begin_state(&ret[n], like, HC_SCAP_SYSCALL_CHDIR_X);
		ret[n++].param[1] = text(&e, cwd);
	}
	for (int i = 0; i < n; i++) {
		fill_state(&e, &ret[i]);
		ret[i].e.param = ret[i].param;
	}
	return e.failed ? -ENOMEM : n;
}

int hc_falco_scap_end_event(struct hc_view *v, int64_t tid, const struct hc_scap_event *like, struct hc_arena *a,
                            struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS])
{
	struct enc e = { .v = v, .a = a };

	begin_state(&ret[0], like, HC_SCAP_PROCEXIT_1_E);
	ret[0].e.tid = tid;
	fill_state(&e, &ret[0]);
	ret[0].e.param = ret[0].param;
	return e.failed ? -ENOMEM : 1;
}

/* ---- containers ---- */

static const struct {
	const char *name;
	unsigned col;
} pod_labels[] = {
	{ "io.kubernetes.pod.name", HC_O_CTR_pod_name },
	{ "io.kubernetes.pod.namespace", HC_O_CTR_pod_namespace },
	{ "io.kubernetes.pod.uid", HC_O_CTR_pod_uid },
};

static void json_member(struct fjson *j, const char *name, struct hc_str s)
{
	if (!s.p)
		return;
	fjson_char(j, ',');
	fjson_text(j, hc_str_c(name));
	fjson_char(j, ':');
	fjson_text(j, s);
}

static void json_flag(struct enc *e, struct fjson *j, const char *name, unsigned col, uint32_t ctr)
{
	int64_t on;

	if (!hc_view_int(e->v, HC_OBJ_CTR, col, ctr, &on))
		return;
	fjson_char(j, ',');
	fjson_text(j, hc_str_c(name));
	fjson_raw(j, on ? ":true" : ":false");
}

/* A list begins with its first member. */
static void json_next(struct fjson *j, bool *first)
{
	if (!*first)
		fjson_char(j, ',');
	*first = false;
}

static void json_label(struct fjson *j, bool *first, struct hc_str key, struct hc_str value)
{
	json_next(j, first);
	fjson_text(j, key);
	fjson_char(j, ':');
	fjson_text(j, value);
}

/* Falco knows a pod by labels of these names alone. */
static void json_pod(struct enc *e, struct fjson *j, bool *first, uint64_t told, uint32_t ctr)
{
	for (size_t i = 0; i < sizeof(pod_labels) / sizeof(pod_labels[0]); i++) {
		struct hc_str s = hc_view_text(e->v, HC_OBJ_CTR, pod_labels[i].col, ctr);

		if (s.len && !(told >> i & 1))
			json_label(j, first, hc_str_c(pod_labels[i].name), s);
	}
}

static bool in_pod(struct enc *e, uint32_t ctr)
{
	for (size_t i = 0; i < sizeof(pod_labels) / sizeof(pod_labels[0]); i++)
		if (hc_view_text(e->v, HC_OBJ_CTR, pod_labels[i].col, ctr).len)
			return true;
	return false;
}

/* A list of key=value as an object. */
static void json_labels(struct enc *e, struct fjson *j, const char *name, unsigned col, uint32_t ctr)
{
	uint32_t list = hc_view_ref(e->v, HC_OBJ_CTR, col, ctr), n;
	const uint32_t *items = hc_view_strs(e->v, list, &n);
	bool first = true;
	uint64_t told = 0;

	if (!list && (col != HC_O_CTR_labels || !in_pod(e, ctr)))
		return;
	fjson_char(j, ',');
	fjson_text(j, hc_str_c(name));
	fjson_raw(j, ":{");
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str s = hc_view_str(e->v, items[i]), key = s;
		const char *eq = s.len ? memchr(s.p, '=', s.len) : NULL;

		if (!eq)
			continue;
		key.len = (uint32_t)(eq - s.p);
		for (size_t k = 0; k < sizeof(pod_labels) / sizeof(pod_labels[0]); k++)
			told |= (uint64_t)hc_str_eq(key, hc_str_c(pod_labels[k].name)) << k;
		json_label(j, &first, key, (struct hc_str){ eq + 1, (uint32_t)(s.p + s.len - eq - 1) });
	}
	if (col == HC_O_CTR_labels)
		json_pod(e, j, &first, told, ctr);
	fjson_char(j, '}');
}

static void json_mounts(struct enc *e, struct fjson *j, uint32_t ctr)
{
	uint32_t list = hc_view_ref(e->v, HC_OBJ_CTR, HC_O_CTR_mounts, ctr), n;
	const uint32_t *items = hc_view_strs(e->v, list, &n);
	bool first = true;

	if (!list)
		return;
	fjson_raw(j, ",\"Mounts\":[");
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str part[FMOUNT_N];

		if (!falco_mount_parts(hc_view_str(e->v, items[i]), part))
			continue;
		json_next(j, &first);
		fjson_raw(j, "{\"RW\":");
		fjson_raw(j, hc_str_eq(part[FMOUNT_RDWR], HC_STR("true")) ? "true" : "false");
		json_member(j, "Source", part[FMOUNT_SOURCE]);
		json_member(j, "Destination", part[FMOUNT_DEST]);
		json_member(j, "Mode", part[FMOUNT_MODE]);
		json_member(j, "Propagation", part[FMOUNT_PROPAGATION]);
		fjson_char(j, '}');
	}
	fjson_char(j, ']');
}

/* Names alone: values are not recorded. */
static void json_env(struct enc *e, struct fjson *j, uint32_t ctr)
{
	uint32_t list = hc_view_ref(e->v, HC_OBJ_CTR, HC_O_CTR_env_names, ctr), n;
	const uint32_t *items = hc_view_strs(e->v, list, &n);
	bool first = true;

	if (!list)
		return;
	fjson_raw(j, ",\"env\":[");
	for (uint32_t i = 0; i < n; i++) {
		json_next(j, &first);
		fjson_text(j, hc_view_str(e->v, items[i]));
	}
	fjson_char(j, ']');
}

static struct hc_str short_id(struct hc_str id)
{
	return (struct hc_str){ id.p, id.len < 12 ? id.len : 12 };
}

/* What Falco's container plugin tells of one, as far as it is known here. */
static struct hc_str container_json(struct enc *e, uint32_t ctr)
{
	struct fjson j = { .arena = e->a };
	struct hc_str id = hc_view_text(e->v, HC_OBJ_CTR, HC_O_CTR_id, ctr), s;
	struct hc_str runtime = hc_view_text(e->v, HC_OBJ_CTR, HC_O_CTR_runtime, ctr);
	int64_t created_ns;
	unsigned type = 0;

	if (hc_str_eq(runtime, HC_STR("crio")))
		runtime = HC_STR("cri-o");
#define MEMBER(name, col) json_member(&j, name, hc_view_text(e->v, HC_OBJ_CTR, HC_O_CTR_##col, ctr))
	for (unsigned i = 0; i < HC_SCAP_N_CTR_TYPES; i++)
		if (hc_scap_ctr_types[i] && hc_str_eq(runtime, hc_str_c(hc_scap_ctr_types[i])))
			type = i;
	fjson_raw(&j, "{\"container\":{\"type\":");
	fjson_i64(&j, type);
	json_member(&j, "id", short_id(id));
	json_member(&j, "full_id", id);
	MEMBER("name", name);
	MEMBER("image", image);
	MEMBER("imageid", image_id);
	MEMBER("imagerepo", image_repo);
	MEMBER("imagetag", image_tag);
	MEMBER("imagedigest", image_digest);
	MEMBER("ip", ip);
	MEMBER("cni_json", cni_json);
	MEMBER("pod_sandbox_id", sandbox_id);
#undef MEMBER
	json_flag(e, &j, "privileged", HC_O_CTR_privileged, ctr);
	json_flag(e, &j, "is_pod_sandbox", HC_O_CTR_is_sandbox, ctr);
	json_flag(e, &j, "host_pid", HC_O_CTR_host_pid, ctr);
	json_flag(e, &j, "host_network", HC_O_CTR_host_net, ctr);
	json_flag(e, &j, "host_ipc", HC_O_CTR_host_ipc, ctr);
	if (hc_view_int(e->v, HC_OBJ_CTR, HC_O_CTR_created_ns, ctr, &created_ns)) {
		fjson_raw(&j, ",\"created_time\":");
		fjson_i64(&j, created_ns / 1000000000);
	}
	json_mounts(e, &j, ctr);
	json_env(e, &j, ctr);
	json_labels(e, &j, "labels", HC_O_CTR_labels, ctr);
	json_labels(e, &j, "pod_sandbox_labels", HC_O_CTR_pod_labels, ctr);
	fjson_raw(&j, "}}");
	s = fjson_end(&j);
	e->failed |= !s.p;
	return s;
}

bool hc_falco_ctr_known(struct hc_view *v, uint32_t ctr)
{
	int64_t at;

	return hc_view_int(v, HC_OBJ_CTR, HC_O_CTR_known_at_ns, ctr, &at);
}

static void container_event(struct enc *e, unsigned type, uint32_t ctr, struct hc_falco_event *ev)
{
	ev->e.n_params = 3;
	ev->e.tid = -1;
	ev->param[0] = number(e, 0, 4);
	ev->param[1] = text(e, hc_str_c(falco_row_name(type)));
	ev->param[2] = container_json(e, ctr);
}

int hc_falco_scap_ctr_event(struct hc_view *v, uint32_t ctr, const struct hc_scap_event *like, struct hc_arena *a,
                            struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS])
{
	struct enc e = { .v = v, .a = a };

	begin_state(&ret[0], like, CODE_ASYNC);
	container_event(&e, HC_EV_CTR_START, ctr, &ret[0]);
	ret[0].e.param = ret[0].param;
	return e.failed ? -ENOMEM : 1;
}

int hc_falco_scap_user_event(struct hc_view *v, uint32_t user, bool group, uint32_t ctr,
                             const struct hc_scap_event *like, struct hc_arena *a,
                             struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS])
{
	struct enc e = { .v = v, .a = a };
	unsigned dom = group ? HC_OBJ_GROUP : HC_OBJ_USER, n = 0;
	int64_t id = hc_view_int_or(v, dom, group ? (unsigned)HC_O_GROUP_gid : (unsigned)HC_O_USER_uid, user, 0);

	begin_state(&ret[0], like, group ? HC_SCAP_GROUP_ADDED_E : HC_SCAP_USER_ADDED_E);
	ret[0].e.tid = -1;
	ret[0].param[n++] = number(&e, (uint64_t)id, 4);
	if (!group)
		ret[0].param[n++] = number(&e, UINT32_MAX, 4); /* a user's own group is not recorded */
	ret[0].param[n++] =
		text(&e, hc_view_text(v, dom, group ? (unsigned)HC_O_GROUP_name : (unsigned)HC_O_USER_name, user));
	if (!group) {
		ret[0].param[n++] = text(&e, hc_view_text(v, dom, HC_O_USER_home, user));
		ret[0].param[n++] = text(&e, hc_view_text(v, dom, HC_O_USER_shell, user));
	}
	ret[0].param[n] = text(&e, short_id(hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_id, ctr)));
	ret[0].e.param = ret[0].param;
	return e.failed ? -ENOMEM : 1;
}

/* The container that the row is about. */
static uint32_t told_ctr(struct enc *e)
{
	unsigned col = e->c.type == HC_EV_CTR_START ? HC_C_CTR_START_container : HC_C_CTR_STOP_container;

	return hc_view_ref(e->v, e->c.dom, col, e->c.entry);
}

/* Nothing is longer than the 16 bits of a length. */
static void cut(struct hc_falco_event *ev, uint64_t *n_cut)
{
	if (hc_scap_events[ev->e.code].flags & HC_SCAP_F_LARGE)
		return;
	for (unsigned i = 0; i < ev->e.n_params; i++)
		if (ev->param[i].len > UINT16_MAX) {
			ev->param[i].len = UINT16_MAX;
			++*n_cut;
		}
}

static bool is_own(unsigned type)
{
	const struct hc_table_desc *d = hc_event_desc(type);

	return d && d->cls == HC_CLASS_META;
}

/* A recorded call that made a process is a fork's row, too. */
static bool is_told(struct enc *e, bool from_file)
{
	int64_t ret;

	return !from_file && falco_makes_process(e->c.type) && fctx_ret(&e->c, &ret) && ret >= 0;
}

int hc_falco_scap_events(struct hc_view *v, unsigned type, uint32_t entry, bool imported, struct hc_arena *a,
                         struct hc_falco_event ret[HC_FALCO_SCAP_MAX_EVENTS], enum hc_falco_scap_none *ret_none,
                         uint64_t *n_cut)
{
	struct enc e = { .v = v, .a = a, .c = falco_ctx(v, type, entry) };
	bool from_file = hc_view_int(v, e.c.dom, HC_COL_SRC_NUM, entry, &(int64_t){ 0 });
	bool own = is_own(type) || (imported && !from_file), told = is_told(&e, from_file);
	int64_t ns = 0, cpu = 0;
	int n = 1;

	*ret_none = own ? HC_FALCO_SCAP_OWN : told ? HC_FALCO_SCAP_TOLD : HC_FALCO_SCAP_UNKNOWN;
	if (own || told || !(from_file ? back_code[type] : e.c.row->code))
		return 0;
	if (!from_file && e.c.row->code == CODE_ASYNC && !hc_falco_ctr_known(v, told_ctr(&e)))
		return 0;                 /* Falco learns that there is one with what it is */
	memset(ret, 0, sizeof(*ret) * 2); /* a fork is seen by both sides */
	hc_view_row_field(v, type, entry, HC_ROWF_WALL_NS, &ns);
	hc_view_row_field(v, type, entry, HC_ROWF_CPU, &cpu);
	ret[0].e = (struct hc_scap_event){
		.ts_ns = (uint64_t)ns,
		.cpu = (uint16_t)cpu,
		.code = e.c.row->code,
		.tid = of_task(&e, HC_O_TASK_tid, -1),
		.state_only = col_or(&e, HC_COL_ROW_FLAGS, 0) & HC_ROW_STATEONLY,
	};
	if (from_file) {
		imported_event(&e, &ret[0]);
	} else if (type == HC_EV_PROC_FORK) {
		n = fork_events(&e, ret);
	} else if (e.c.row->code == CODE_ASYNC) {
		container_event(&e, type, told_ctr(&e), &ret[0]);
	} else if (e.c.row->code == CODE_GENERIC) {
		generic_or_result(&e, &ret[0]);
	} else {
		struct who w = task_who(&e);

		recorded_params(&e, &ret[0], &w);
	}
	for (int i = 0; i < n; i++) {
		ret[i].e.param = ret[i].param;
		ret[i].e.info = &hc_scap_events[ret[i].e.code];
		cut(&ret[i], n_cut);
	}
	return e.failed ? -ENOMEM : n;
}
