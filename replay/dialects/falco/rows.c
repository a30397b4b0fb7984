/*
 * Values of rows for Falco's eyes. Everything reads through the view: what is absent there is absent here, and
 * every renderer writes nothing rather than guess.
 */
#include "replay/dialects/falco/rows.h"

#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "store/render.h"

#define AT_FDCWD_NUM (-100)
#define TCP_LISTEN_STATE 10
#define MAX_PID_ANCESTORS 64
#define NEAR_BOUND 3 /* of imports: in SOCK.near_end */

/* Each type's parameters lie together: counted by an enum, a parameter takes one place, a type's begin takes none.
 */
enum {
	FROM_POS__before = -1,
#define FALCO_ROW(type, code, fd, fd_col, after, sock, path) \
	FROM_BEGIN_##type, FROM_POS_##type = FROM_BEGIN_##type - 1,
#define FALCO_FROM(type, param, how, what) FROM_POS_##type##_##param,
#define FALCO_IMPORTED(type, param, how, what) FROM_POS_##type##_imported_##param,
#include "replay/dialects/falco/rows.def"
	FROM_END
};

static const struct frow map[HC_EV_MAX] = {
#define FALCO_ROW(type, code_, fd_, fd_col_, after_, sock_, path_) \
	[HC_EV_##type] = { .code = (code_),                        \
		           .fd = (fd_),                            \
		           .fd_col = (fd_col_),                    \
		           .after_col = (after_),                  \
		           .sock_col = (sock_),                    \
		           .path_col = (path_),                    \
		           .first_from = FROM_BEGIN_##type },
#include "replay/dialects/falco/rows.def"
};

static const struct ffrom froms[] = {
#define FALCO_FROM(type_, param_, how_, what_) { HC_EV_##type_, #param_, HOW_##how_, what_, false },
#define FALCO_IMPORTED(type_, param_, how_, what_) { HC_EV_##type_, #param_, HOW_##how_, what_, true },
#include "replay/dialects/falco/rows.def"
};

/* What rows of `sys` tell of calls that have a type by now. */
static const struct {
	uint16_t type;
	const char *param;
	uint8_t col;
	enum { FORMER_U32, FORMER_I32, FORMER_U64 } kind;
} formers[] = {
#define FALCO_FORMER(type_, param_, arg_, kind_) { HC_EV_##type_, #param_, HC_C_SYS_arg##arg_, FORMER_##kind_ },
#include "replay/dialects/falco/rows.def"
};

_Static_assert(sizeof(froms) / sizeof(froms[0]) == FROM_END, "parameters and their numbering agree");

const struct frow *falco_row_map(unsigned type)
{
	static const struct frow none = { .fd_col = -1, .after_col = -1, .sock_col = -1, .path_col = -1 };

	return type < HC_EV_MAX && map[type].code ? &map[type] : &none;
}

const struct ffrom *falco_from(unsigned type, struct hc_str param, bool imported)
{
	const struct frow *row = falco_row_map(type);
	const struct ffrom *found = NULL;

	for (size_t i = row->first_from; row->code && i < FROM_END && froms[i].type == type; i++)
		if ((imported || !froms[i].imported) && hc_str_eq(param, hc_str_c(froms[i].param)))
			found = &froms[i]; /* the imported ones come last */
	return found;
}

/* Types from that number on were at first those of imported captures alone. */
unsigned falco_former_type(unsigned code)
{
	for (unsigned type = HC_EV_SEND; code != CODE_GENERIC && type < HC_EV_MAX; type++)
		if (map[type].code == code && code && hc_event_desc(type)->profile != HC_PROFILE_IMPORTED)
			return type;
	return 0;
}

bool falco_row_was_sys(unsigned type)
{
	return type >= HC_EV_SETXATTR && type < HC_EV_MAX && map[type].code == CODE_GENERIC;
}

const char *falco_row_name(unsigned type)
{
	const struct hc_table_desc *d = hc_event_desc(type);
	const struct frow *row = falco_row_map(type);

	if (type == HC_EV_SYS || type == HC_EV_PROC_FORK)
		return NULL;
	if (type == HC_EV_CTR_START)
		return "container";
	if (type == HC_EV_CTR_STOP)
		return "container_removed";
	if (!row->code || row->code == CODE_GENERIC)
		return d ? d->name : "";
	return falco_events[row->code].name;
}

bool falco_row_has_ret(unsigned type)
{
	const struct frow *row = falco_row_map(type);

	const struct fevent *e = &falco_events[row->code];

	return row->code && row->code != CODE_GENERIC && (e->flags & EVF_SYSCALL) && e->params && e->params->name;
}

bool falco_row_names_errors(unsigned type)
{
	unsigned code = falco_row_map(type)->code;
	const struct fparam *p = code != CODE_GENERIC ? falco_events[code].params : NULL;

	return !p || p->type == PT_ERRNO || p->type == PT_FD;
}

bool falco_makes_process(unsigned type)
{
	return type == HC_EV_CLONE || type == HC_EV_FORK || type == HC_EV_VFORK || type == HC_EV_CLONE3;
}

struct fctx falco_ctx(struct hc_view *v, unsigned type, uint32_t entry)
{
	return (struct fctx){
		.v = v, .type = type, .dom = HC_DOM_ROWS(type), .entry = entry, .row = falco_row_map(type)
	};
}

static const char *fork_name(const struct fctx *c)
{
	int64_t nr = hc_view_int_or(c->v, c->dom, HC_C_PROC_FORK_via, c->entry, 56);

	return nr == 57 ? "fork" : nr == 58 ? "vfork" : nr == 435 ? "clone3" : "clone";
}

static const char *sys_name(const struct fctx *c)
{
	int64_t nr = hc_view_int_or(c->v, c->dom, HC_COL_NR, c->entry, -1);
	int64_t flags = hc_view_int_or(c->v, c->dom, HC_COL_ROW_FLAGS, c->entry, 0);
	const char *name = nr < 0 ? NULL : falco_syscall_name((uint64_t)nr, flags & HC_ROW_COMPAT);

	return name ? name : "unknown";
}

const char *fctx_name(const struct fctx *c)
{
	const char *name = falco_row_name(c->type);

	if (name)
		return name;
	return c->type == HC_EV_PROC_FORK ? fork_name(c) : sys_name(c);
}

/* The number that whoever made a pid namespace's first process has got: of its own namespace. */
static bool child_in_new_ns(const struct fctx *c, int64_t *ret)
{
	uint32_t child = hc_view_ref(c->v, c->dom, HC_C_PROC_FORK_child, c->entry), n, own;
	const int64_t *pids = hc_view_ints(c->v, hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_vpids, child), &n);

	hc_view_ints(c->v, hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_vpids, fctx_proc(c)), &own);
	if (!own || own >= n)
		return false;
	*ret = pids[own - 1];
	return true;
}

bool fctx_ret(const struct fctx *c, int64_t *ret)
{
	switch (c->type) {
	case HC_EV_PROC_EXEC:
		*ret = 0;
		return true;
	case HC_EV_PROC_FORK:
		return child_in_new_ns(c, ret) ||
		       hc_view_int(c->v, c->dom, HC_C_PROC_FORK_child_vtid, c->entry, ret) ||
		       hc_view_int(c->v, c->dom, HC_C_PROC_FORK_child_tid, c->entry, ret);
	case HC_EV_SYS: {
		struct code_set codes = { 0 };

		if (!falco_type_codes(hc_str_c(sys_name(c)), &codes) || code_set_has(&codes, CODE_GENERIC))
			return false;
		break;
	}
	default:
		if (!falco_row_has_ret(c->type))
			return false;
	}
	return hc_view_int(c->v, c->dom, HC_COL_RET, c->entry, ret);
}

uint32_t fctx_task(const struct fctx *c)
{
	return hc_view_ref(c->v, c->dom, HC_COL_TASK, c->entry);
}

uint32_t fctx_proc(const struct fctx *c)
{
	uint32_t after =
		c->row->after_col < 0 ? 0 : hc_view_ref(c->v, c->dom, (unsigned)c->row->after_col, c->entry);

	return after ? after : hc_view_ref(c->v, HC_OBJ_TASK, HC_O_TASK_proc, fctx_task(c));
}

uint32_t fctx_fdobj(const struct fctx *c)
{
	uint32_t obj;
	int64_t ret;

	if (c->row->fd == FD_NONE || (c->row->fd == FD_NEW && !(fctx_ret(c, &ret) && ret >= 0)))
		return 0;
	obj = hc_view_ref(c->v, c->dom, (unsigned)c->row->fd_col + (c->row->fd != FD_NEW), c->entry);
	return falco_fd_unseen(c->v, obj) ? 0 : obj;
}

/* fcntl is one by its command alone. */
static bool is_dup(const struct fctx *c)
{
	int64_t cmd;

	if (c->type != HC_EV_FCNTL)
		return true;
	return hc_view_int(c->v, c->dom, HC_C_FCNTL_cmd, c->entry, &cmd) &&
	       (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC);
}

bool fctx_is_imported(const struct fctx *c)
{
	return hc_view_int(c->v, c->dom, HC_COL_SRC_NUM, c->entry, &(int64_t){ 0 });
}

bool falco_makes_pair(unsigned type)
{
	return type == HC_EV_PIPE || type == HC_EV_PIPE2 || type == HC_EV_SOCKETPAIR;
}

bool fctx_fd_num(const struct fctx *c, int64_t *ret)
{
	if (c->row->fd == FD_NONE)
		return false;
	if (c->row->fd == FD_DUP && fctx_fdobj(c) && fctx_ret(c, ret) && *ret >= 0 && is_dup(c))
		return true;
	if (c->row->fd != FD_NEW) {
		int64_t made;

		if (falco_makes_pair(c->type) && fctx_ret(c, &made) && made < 0) {
			*ret = -1;
			return true;
		}
		if (hc_view_int(c->v, c->dom, (unsigned)c->row->fd_col, c->entry, ret))
			return true;
		*ret = -1; /* an event of other recorders that lacks it is about no descriptor */
		return fctx_is_imported(c);
	}
	if (!fctx_ret(c, ret))
		return false;
	if (*ret < 0)
		*ret = -1;
	return true;
}

int64_t falco_wall(struct hc_view *v, uint64_t boot_ns)
{
	return (int64_t)(boot_ns + (uint64_t)hc_block_info(hc_view_block(v))->wall_offset_ns);
}

struct hc_value falco_out_value(struct fjson *out)
{
	struct hc_str s = fjson_end(out);

	return hc_value_str(s);
}

/* ---- paths and processes ---- */

struct hc_str falco_path_given(struct hc_view *v, uint32_t path)
{
	return hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_given, path);
}

struct hc_str falco_path_text(struct hc_view *v, uint32_t path)
{
	struct hc_str s = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_abs, path);

	if (!s.p)
		s = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_real, path);
	return s.p ? s : falco_path_given(v, path);
}

struct hc_str falco_image_exe(struct hc_view *v, uint32_t image)
{
	static const struct hc_str deleted = { " (deleted)", 10 };
	struct hc_str s = falco_path_real(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_exe, image));

	if (hc_view_int_or(v, HC_OBJ_IMAGE, HC_O_IMAGE_flags, image, 0) & HC_IMAGE_MEMFD &&
	    hc_str_starts(s, HC_STR("/memfd:")) && !hc_str_ends(s, deleted)) {
		s.p++;
		s.len--;
	}
	return s;
}

struct hc_str falco_path_real(struct hc_view *v, uint32_t path)
{
	struct hc_str s = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_real, path);

	if (!s.p)
		s = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_abs, path);
	return s.p ? s : falco_path_given(v, path);
}

void falco_path_normal(struct hc_str s, struct fjson *out)
{
	uint32_t begin = out->n, i = 0;
	bool rooted = s.len && s.p[0] == '/';

	if (rooted)
		fjson_char(out, '/');
	while (i < s.len && !out->failed) {
		uint32_t from = i;

		while (i < s.len && s.p[i] != '/')
			i++;
		if (i - from == 2 && s.p[from] == '.' && s.p[from + 1] == '.') {
			while (out->n > begin + rooted && out->p[out->n - 1] != '/')
				out->n--;
			if (out->n > begin + rooted)
				out->n--; /* the slash */
		} else if (i > from && !(i - from == 1 && s.p[from] == '.')) {
			if (out->n > begin + rooted)
				fjson_char(out, '/');
			fjson_bytes(out, s.p + from, i - from);
		}
		i++;
	}
}

uint32_t falco_proc_image(struct hc_view *v, uint32_t proc)
{
	return hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_image, proc);
}

struct hc_str falco_exe(struct hc_view *v, uint32_t image)
{
	uint32_t n;
	const uint32_t *argv = hc_view_strs(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), &n);

	return n ? hc_view_str(v, argv[0]) : (struct hc_str){ 0 };
}

void falco_join(struct hc_view *v, uint32_t list, uint32_t from, struct fjson *out)
{
	uint32_t n;
	const uint32_t *items = hc_view_strs(v, list, &n);

	for (uint32_t i = from; i < n; i++) {
		struct hc_str s = hc_view_str(v, items[i]);

		if (i > from)
			fjson_char(out, ' ');
		fjson_bytes(out, s.p, s.len);
	}
}

void falco_caps(uint64_t caps, struct fjson *out)
{
	bool any = false;

	for (unsigned i = 0; i < 64; i++) {
		const char *name = caps >> i & 1 ? hc_enum_name(HC_FMT_CAP, i) : NULL;

		if (!name)
			continue;
		if (any)
			fjson_char(out, ' ');
		fjson_raw(out, name);
		any = true;
	}
}

/* By number, among those that the block knows. */
static struct hc_str name_of_id(struct hc_view *v, bool group, uint32_t id)
{
	unsigned dom = group ? HC_OBJ_GROUP : HC_OBJ_USER;
	uint32_t n = hc_view_n(v, dom);

	if (id == UINT32_MAX)
		return HC_STR("<NONE>");
	for (uint32_t i = 1; i <= n; i++) {
		struct hc_str s;

		if (hc_view_int_or(v, dom, group ? (unsigned)HC_O_GROUP_gid : (unsigned)HC_O_USER_uid, i, -1) !=
		    (int64_t)id)
			continue;
		s = hc_view_text(v, dom, group ? (unsigned)HC_O_GROUP_name : (unsigned)HC_O_USER_name, i);
		if (s.p)
			return s;
	}
	return id ? HC_STR("<NA>") : HC_STR("root");
}

/* ---- sockets ---- */

static struct hc_str unmapped(struct hc_str a)
{
	static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (a.len == 16 && !memcmp(a.p, prefix, sizeof(prefix)))
		return (struct hc_str){ a.p + 12, 4 };
	return a;
}

static bool is_zero(struct hc_str a)
{
	for (uint32_t i = 0; i < a.len; i++)
		if (a.p[i])
			return false;
	return true;
}

static struct hc_str sock_addr(struct hc_view *v, uint32_t sock, unsigned col)
{
	return hc_view_bytes(v, hc_view_ref(v, HC_OBJ_SOCK, col, sock));
}

static int64_t family_of(struct hc_view *v, uint32_t sock)
{
	return hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_family, sock, -1);
}

bool falco_is_listener(struct hc_view *v, uint32_t sock)
{
	int64_t peer = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_peer_port, sock, 0), near;

	if (hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_state, sock, 0) == TCP_LISTEN_STATE)
		return true;
	near = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_near_end, sock, 0);
	if (near)
		return near == NEAR_BOUND;
	return !peer && hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_local_port, sock, 0) > 0;
}

bool falco_is_roleless(struct hc_view *v, uint32_t sock)
{
	return hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_near_end, sock, 0) == NEAR_BOUND &&
	       !hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_role, sock, 0);
}

bool falco_sock_ends(struct hc_view *v, uint32_t sock, struct fends *e)
{
	int64_t role = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_role, sock, 0);
	int64_t family = family_of(v, sock), near;
	static const char none[16];

	*e = (struct fends){ .local_port = -1,
		             .peer_port = -1,
		             .client_port = -1,
		             .server_port = -1,
		             .near_port = -1,
		             .far_port = -1 };
	if (family != AF_INET && family != AF_INET6)
		return false;
	e->local = unmapped(sock_addr(v, sock, HC_O_SOCK_local_addr));
	e->peer = unmapped(sock_addr(v, sock, HC_O_SOCK_peer_addr));
	e->local_port = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_local_port, sock, -1);
	e->peer_port = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_peer_port, sock, -1);
	/* A v4-mapped peer makes the unspecified local address an IPv4 one too. */
	if (e->peer.len == 4 && e->local.len == 16 && is_zero(e->local))
		e->local.len = 4;
	if (e->local.len == 4 && e->peer.len == 16 && is_zero(e->peer))
		e->peer.len = 4;
	if (falco_is_listener(v, sock)) {
		if (e->local.len == 16 && is_zero(e->local) && !falco_is_roleless(v, sock))
			e->local.len =
				4; /* Falco takes bound zeros for IPv4, and gives what listens no near end */
		e->peer = (struct hc_str){ 0 };
		e->peer_port = -1;
		e->server = e->local;
		e->server_port = e->local_port;
		return true;
	}
	near = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_near_end, sock, 0);
	if (near) { /* zeros are kept as absent */
		if (!e->peer.p)
			e->peer = (struct hc_str){ none, e->local.p ? e->local.len : family == AF_INET ? 4 : 16 };
		if (!e->local.p)
			e->local = (struct hc_str){ none, e->peer.len };
		e->peer_port = e->peer_port < 0 ? 0 : e->peer_port;
		e->local_port = e->local_port < 0 ? 0 : e->local_port;
	} else if (!near && e->peer_port <= 0 && (!e->peer.p || is_zero(e->peer))) {
		e->peer = (struct hc_str){ 0 };
		e->peer_port = -1;
	}
	if (role == 1) {
		e->client = e->local;
		e->client_port = e->local_port;
		e->server = e->peer;
		e->server_port = e->peer_port;
	} else if (role == 2) {
		e->client = e->peer;
		e->client_port = e->peer_port;
		e->server = e->local;
		e->server_port = e->local_port;
	}
	if (near && role) {
		e->near = near == 1 ? e->client : e->server;
		e->near_port = near == 1 ? e->client_port : e->server_port;
		e->far = near == 1 ? e->server : e->client;
		e->far_port = near == 1 ? e->server_port : e->client_port;
	} else if (!near) {
		e->near = e->local;
		e->near_port = e->local_port;
		e->far = e->peer;
		e->far_port = e->peer_port;
	}
	return true;
}

void falco_ip_text(struct hc_str raw, struct fjson *out)
{
	char buf[INET6_ADDRSTRLEN];

	if ((raw.len == 4 || raw.len == 16) &&
	    inet_ntop(raw.len == 4 ? AF_INET : AF_INET6, raw.p, buf, sizeof(buf)))
		fjson_raw(out, buf);
}

static void endpoint(struct hc_str addr, int64_t port, bool with_port, struct fjson *out)
{
	falco_ip_text(addr.p ? addr : HC_STR("\0\0\0\0"), out);
	if (with_port) {
		fjson_char(out, ':');
		fjson_i64(out, port < 0 ? 0 : port);
	}
}

static struct hc_str visible_path(struct hc_str s)
{
	while (s.len && !s.p[0]) { /* abstract */
		s.p++;
		s.len--;
	}
	return s;
}

static void unix_name(struct hc_view *v, uint32_t sock, struct fjson *out)
{
	struct hc_str local = hc_view_text(v, HC_OBJ_SOCK, HC_O_SOCK_local_path, sock);
	struct hc_str peer = hc_view_text(v, HC_OBJ_SOCK, HC_O_SOCK_peer_path, sock);
	int64_t role = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_role, sock, 0);
	uint64_t ino = (uint64_t)hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_ino, sock, 0);
	uint64_t peer_ino = (uint64_t)hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_peer_ino, sock, 0);
	struct hc_str path = visible_path(peer.len ? peer : local);
	char buf[64];

	if (!hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_connected, sock, 0)) {
		fjson_bytes(out, path.p, path.len); /* bound, or nothing */
		return;
	}
	snprintf(buf, sizeof(buf), "%" PRIx64 "->%" PRIx64, role == 2 ? peer_ino : ino,
	         role == 2 ? ino : peer_ino);
	fjson_raw(out, buf);
	fjson_char(out, ' ');
	fjson_bytes(out, path.p, path.len);
}

const char *falco_sock_proto(struct hc_view *v, uint32_t sock)
{
	int64_t family = family_of(v, sock);
	int64_t proto = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_protocol, sock, 0);
	int64_t type = hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_sock_type, sock, 0);

	if (family != AF_INET && family != AF_INET6)
		return "<NA>";
	switch (proto) {
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 1:
	case 58:
		return "icmp";
	case 0:
		return type == 1 ? "tcp" : type == 2 ? "udp" : type == 3 ? "raw" : "<NA>";
	default:
		return type == 3 || proto == 255 ? "raw" : "<NA>";
	}
}

static void put_ends(struct hc_view *v, uint32_t sock, const struct fends *e, bool peer_first, struct fjson *out)
{
	const char *proto = falco_sock_proto(v, sock);
	bool ports = proto[0] != 'i' && proto[0] != 'r';

	endpoint(peer_first ? e->peer : e->local, peer_first ? e->peer_port : e->local_port, ports, out);
	fjson_raw(out, "->");
	endpoint(peer_first ? e->local : e->peer, peer_first ? e->local_port : e->peer_port, ports, out);
}

void falco_sock_name(struct hc_view *v, uint32_t sock, struct fjson *out)
{
	struct hc_str shown;
	struct fends e;

	shown = hc_view_text(v, HC_OBJ_SOCK, HC_O_SOCK_shown, sock);
	if (shown.p) {
		fjson_bytes(out, shown.p, shown.len);
		return;
	}
	if (family_of(v, sock) == AF_UNIX) {
		unix_name(v, sock, out);
		return;
	}
	if (!falco_sock_ends(v, sock, &e))
		return;
	if (!e.peer.p) {
		if (e.local_port > 0) /* as it was bound: "::" also where its type is IPv4 */
			endpoint(sock_addr(v, sock, HC_O_SOCK_local_addr), e.local_port, true, out);
		return;
	}
	put_ends(v, sock, &e, hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_role, sock, 0) == 2, out);
}

const char *falco_sock_type(struct hc_view *v, uint32_t sock)
{
	struct fends e;

	if (!sock)
		return NULL;
	switch (family_of(v, sock)) {
	case AF_INET:
		return "ipv4";
	case AF_INET6:
		return falco_sock_ends(v, sock, &e) && (e.peer.len == 4 || e.local.len == 4) ? "ipv4" : "ipv6";
	case AF_UNIX:
		return "unix";
	case AF_NETLINK:
		return "netlink";
	default:
		return "<NA>";
	}
}

void falco_addr_text(struct hc_str raw, struct fjson *out)
{
	uint16_t family, port;

	if (raw.len < 2)
		return;
	memcpy(&family, raw.p, 2);
	if (family == AF_INET && raw.len >= 8) {
		memcpy(&port, raw.p + 2, 2);
		endpoint((struct hc_str){ raw.p + 4, 4 }, ntohs(port), true, out);
	} else if (family == AF_INET6 && raw.len >= 24) {
		memcpy(&port, raw.p + 2, 2);
		endpoint((struct hc_str){ raw.p + 8, 16 }, ntohs(port), true, out);
	} else if (family == AF_UNIX) {
		struct hc_str path = visible_path((struct hc_str){ raw.p + 2, raw.len - 2 });

		fjson_bytes(out, path.p, (uint32_t)strnlen(path.p, path.len));
	} else {
		fjson_raw(out, "family ");
		fjson_u64(out, family);
	}
}

/* ---- descriptors ---- */

static const struct {
	const char *type;
	char letter;
} fd_kinds[] = {
	[HC_FD_UNKNOWN] = { "<NA>", 'o' },
	[HC_FD_FILE] = { "file", 'f' },
	[HC_FD_DIR] = { "directory", 'd' },
	[HC_FD_CHR] = { "file", 'f' },
	[HC_FD_BLK] = { "file", 'f' },
	[HC_FD_FIFO] = { "file", 'f' },
	[HC_FD_PIPE] = { "pipe", 'p' },
	[HC_FD_IPV4] = { "ipv4", '4' },
	[HC_FD_IPV6] = { "ipv6", '6' },
	[HC_FD_UNIX] = { "unix", 'u' },
	[HC_FD_NETLINK] = { "netlink", 'n' },
	[HC_FD_PACKET] = { "<NA>", 'o' },
	[HC_FD_VSOCK] = { "<NA>", 'o' },
	[HC_FD_ALG] = { "<NA>", 'o' },
	[HC_FD_SOCK_OTHER] = { "<NA>", 'o' },
	[HC_FD_EVENTFD] = { "event", 'e' },
	[HC_FD_EVENTPOLL] = { "eventpoll", 'l' },
	[HC_FD_SIGNALFD] = { "signalfd", 's' },
	[HC_FD_TIMERFD] = { "timerfd", 't' },
	[HC_FD_INOTIFY] = { "inotify", 'i' },
	[HC_FD_FANOTIFY] = { "<NA>", 'o' },
	[HC_FD_BPF_MAP] = { "bpf", 'b' },
	[HC_FD_BPF_PROG] = { "bpf", 'b' },
	[HC_FD_BPF_LINK] = { "bpf", 'b' },
	[HC_FD_PERF] = { "<NA>", 'o' },
	[HC_FD_IO_URING] = { "io_uring", 'r' },
	[HC_FD_USERFAULTFD] = { "userfaultfd", 'u' },
	[HC_FD_MEMFD] = { "memfd", 'm' },
	[HC_FD_PIDFD] = { "pidfd", 'P' },
	[HC_FD_NAMESPACE] = { "file", 'f' },
	[HC_FD_MQUEUE] = { "file", 'f' },
	[HC_FD_TTY] = { "file", 'f' },
	[HC_FD_ANON] = { "<NA>", 'o' },
	[HC_FD_LNK] = { "file", 'f' },
};

/* Of one that was opened before its eyes Falco knows the flags alone: a directory
 * is one if it was asked for, as it is for O_TMPFILE, which makes a file without a name in it. */
unsigned falco_fd_kind(struct hc_view *v, uint32_t fdobj)
{
	int64_t what = hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_what, fdobj, HC_FD_UNKNOWN), flags;

	if (what == HC_FD_PIPE && hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fdobj))
		return HC_FD_FILE; /* opened anew by a name */
	if ((what == HC_FD_DIR || what == HC_FD_FILE) &&
	    hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_opened_by, fdobj) &&
	    hc_view_int(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_f_flags, fdobj, &flags))
		return flags & O_DIRECTORY_NATIVE ? HC_FD_DIR : HC_FD_FILE;
	return what >= 0 && (size_t)what < sizeof(fd_kinds) / sizeof(fd_kinds[0]) ? (unsigned)what : HC_FD_UNKNOWN;
}

bool falco_fd_unseen(struct hc_view *v, uint32_t fdobj)
{
	int64_t what = hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_what, fdobj, HC_FD_UNKNOWN);

	return what == HC_FD_ANON || what == HC_FD_PERF || what == HC_FD_FANOTIFY;
}

static bool is_socket(unsigned kind)
{
	return kind >= HC_FD_IPV4 && kind <= HC_FD_SOCK_OTHER;
}

/* The name that the lists of an imported capture have for what is no file: the text of the link to it. */
static struct hc_str listed_name(struct hc_view *v, unsigned kind, uint32_t fdobj)
{
	struct hc_str s = hc_view_text(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_name, fdobj);

	if (kind == HC_FD_PIPE || kind == HC_FD_NETLINK || kind == HC_FD_UNKNOWN ||
	    hc_str_starts(s, HC_STR("anon_inode:")))
		return s;
	return (struct hc_str){ 0 };
}

uint32_t falco_fd_file(struct hc_view *v, uint32_t fdobj, bool dev)
{
	unsigned kind = falco_fd_kind(v, fdobj);

	uint32_t file = hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_file, fdobj);

	/* what was open before an imported capture began has an inode there, and no device */
	if ((is_socket(kind) || (kind >= HC_FD_EVENTFD && kind <= HC_FD_PIDFD)) &&
	    hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_dev, file, 0))
		return 0;
	return dev && kind == HC_FD_PIPE ? 0 : file;
}

const char *falco_fd_type(struct hc_view *v, uint32_t fdobj)
{
	unsigned kind = falco_fd_kind(v, fdobj);

	if (kind == HC_FD_IPV6) {
		const char *by_sock = falco_sock_type(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fdobj));

		return by_sock ? by_sock : "ipv6";
	}
	return fd_kinds[kind].type;
}

const char *falco_kind_type(unsigned kind)
{
	return kind < sizeof(fd_kinds) / sizeof(fd_kinds[0]) ? fd_kinds[kind].type : fd_kinds[HC_FD_UNKNOWN].type;
}

char falco_fd_typechar(struct hc_view *v, uint32_t fdobj)
{
	unsigned kind = falco_fd_kind(v, fdobj);

	if (kind == HC_FD_IPV6)
		return falco_fd_type(v, fdobj)[3]; /* ipv4, ipv6 */
	if (kind == HC_FD_UNKNOWN && hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_name, fdobj))
		return 'X'; /* what the recorder's own list calls unsupported */
	return fd_kinds[kind].letter;
}

void falco_fd_name(struct hc_view *v, uint32_t fdobj, struct fjson *out)
{
	unsigned kind = falco_fd_kind(v, fdobj);
	struct hc_str s;

	if (is_socket(kind) && kind != HC_FD_NETLINK) {
		falco_sock_name(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fdobj), out);
		return;
	}
	if (kind == HC_FD_MEMFD) {
		s = hc_view_text(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_name, fdobj);
		if (s.p) {
			if (hc_str_starts(s, HC_STR("memfd:"))) { /* the kernel's */
				s.p += 6;
				s.len -= 6;
			}
			fjson_bytes(out, s.p, s.len);
			return;
		}
	}
	if (kind == HC_FD_PIDFD) {
		int64_t pid;

		if (hc_view_int(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_target, fdobj, &pid)) {
			fjson_raw(out, "/proc/");
			fjson_i64(out, pid);
		}
		return;
	}
	if (fd_kinds[kind].letter != 'f' && fd_kinds[kind].letter != 'd') {
		s = listed_name(v, kind, fdobj);
		fjson_bytes(out, s.p, s.len);
		return;
	}
	s = falco_path_text(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fdobj));
	fjson_bytes(out, s.p, s.len);
}

/* ---- containers ---- */

bool falco_mount_parts(struct hc_str s, struct hc_str part[FMOUNT_N])
{
	const char *colon;

	part[FMOUNT_WHOLE] = s;
	for (unsigned i = FMOUNT_PROPAGATION; i >= FMOUNT_MODE; i--) {
		colon = s.len ? memrchr(s.p, ':', s.len) : NULL;
		if (!colon)
			return false;
		part[i] = (struct hc_str){ colon + 1, s.len - (uint32_t)(colon + 1 - s.p) };
		s.len = (uint32_t)(colon - s.p);
	}
	colon = s.len ? memmem(s.p, s.len, ":/", 2) : NULL;
	if (!colon)
		colon = s.len ? memchr(s.p, ':', s.len) : NULL;
	if (!colon)
		return false;
	part[FMOUNT_SOURCE] = (struct hc_str){ s.p, (uint32_t)(colon - s.p) };
	part[FMOUNT_DEST] = (struct hc_str){ colon + 1, s.len - (uint32_t)(colon + 1 - s.p) };
	return true;
}

/* ---- parameters ---- */

static struct pval int_val(int64_t i)
{
	return (struct pval){ .kind = PV_INT, .i = i };
}

static struct pval text_val(struct hc_str s)
{
	return (struct pval){ .kind = s.p ? PV_TEXT : PV_NONE, .s = s };
}

static struct pval int_col(const struct fctx *c, unsigned dom, unsigned col, uint32_t entry)
{
	int64_t i;

	return hc_view_int(c->v, dom, col, entry, &i) ? int_val(i) : (struct pval){ 0 };
}

/* Items behind one another, each with a NUL, as Falco's buffers have them. */
static struct pval list_val(const struct fctx *c, uint32_t list, uint32_t from)
{
	struct fjson out = { .arena = hc_view_arena(c->v) };
	uint32_t n;
	const uint32_t *items = hc_view_strs(c->v, list, &n);
	struct hc_str s;

	if (!list)
		return (struct pval){ 0 };
	for (uint32_t i = from; i < n; i++) {
		s = hc_view_str(c->v, items[i]);
		fjson_bytes(&out, s.p, s.len);
		fjson_char(&out, 0);
	}
	s = fjson_end(&out);
	return (struct pval){ .kind = s.p ? PV_BYTES : PV_NONE, .s = s };
}

/* The process that has this number on the host: it or an ancestor; 0 where it is none of them. */
static uint32_t proc_of_pid(struct hc_view *v, uint32_t proc, int64_t pid)
{
	for (unsigned i = 0; proc && i < MAX_PID_ANCESTORS; i++) {
		if (hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, -1) == pid)
			return proc;
		proc = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
	}
	return 0;
}

/* A number of a process as a value that has its name. */
static struct pval pid_val(const struct fctx *c, unsigned dom, unsigned col, uint32_t entry, uint32_t proc)
{
	struct pval p = int_col(c, dom, col, entry);

	if (p.kind == PV_INT)
		p.ref = proc_of_pid(c->v, proc, p.i);
	return p;
}

static struct pval proc_val(const struct fctx *c, enum fproc_param which)
{
	uint32_t proc = fctx_proc(c), image = falco_proc_image(c->v, proc), task = fctx_task(c);
	uint32_t file = hc_view_ref(c->v, HC_OBJ_IMAGE, HC_O_IMAGE_exe_file, image);
	struct pval p;
	int64_t i;

	switch (which) {
	case PP_exe:
		return text_val(falco_exe(c->v, image));
	case PP_args:
		return list_val(c, hc_view_ref(c->v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), 1);
	case PP_env:
		return list_val(c, hc_view_ref(c->v, HC_OBJ_IMAGE, HC_O_IMAGE_env, image), 0);
	case PP_cgroups:
		return list_val(c, hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_cgroups, proc), 0);
	case PP_tid:
		p = int_col(c, HC_OBJ_TASK, HC_O_TASK_tid, task);
		p.ref = proc;
		return p;
	case PP_pid:
		p = int_col(c, HC_OBJ_PROC, HC_O_PROC_pid, proc);
		p.ref = proc;
		return p;
	case PP_ptid:
		p = int_col(c, HC_OBJ_PROC, HC_O_PROC_ppid, proc);
		p.ref = hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
		return p;
	case PP_cwd:
		return text_val(falco_path_real(c->v, hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_cwd, proc)));
	case PP_fdlimit:
		return int_col(c, HC_OBJ_PROC, HC_O_PROC_nofile, proc);
	case PP_comm:
		return text_val(hc_view_text(c->v, HC_OBJ_PROC, HC_O_PROC_image_comm, proc));
	case PP_tty:
		return int_col(c, HC_OBJ_PROC, HC_O_PROC_tty_nr, proc);
	case PP_vpgid:
		return pid_val(c, HC_OBJ_PROC, HC_O_PROC_vpgid, proc, proc);
	case PP_pgid:
		return pid_val(c, HC_OBJ_PROC, HC_O_PROC_pgid, proc, proc);
	case PP_vpid:
		return pid_val(c, HC_OBJ_PROC, HC_O_PROC_vpid, proc, proc);
	case PP_vtid:
		p = pid_val(c, HC_OBJ_TASK, HC_O_TASK_vtid, task, proc);
		if (p.kind == PV_INT && p.i == hc_view_int_or(c->v, HC_OBJ_TASK, HC_O_TASK_tid, task, -1))
			p.ref = proc;
		return p;
	case PP_loginuid:
		return int_col(c, HC_OBJ_PROC, HC_O_PROC_loginuid, proc);
	case PP_uid:
		return int_col(c, HC_OBJ_PROC, HC_O_PROC_euid, proc);
	case PP_gid:
		return int_col(c, HC_OBJ_PROC, HC_O_PROC_egid, proc);
	case PP_exe_flags:
		p = int_col(c, HC_OBJ_IMAGE, HC_O_IMAGE_flags, image);
		p.i &= HC_IMAGE_WRITABLE | HC_IMAGE_UPPER | HC_IMAGE_MEMFD | HC_IMAGE_LOWER; /* the same bits */
		return p;
	case PP_cap_inheritable:
		return int_col(c, HC_OBJ_PROC, HC_O_PROC_cap_inh, proc);
	case PP_cap_permitted:
		return int_col(c, HC_OBJ_PROC, HC_O_PROC_cap_perm, proc);
	case PP_cap_effective:
		return int_col(c, HC_OBJ_PROC, HC_O_PROC_cap_eff, proc);
	case PP_exe_ino:
		return int_col(c, HC_OBJ_FILE, HC_O_FILE_ino, file);
	case PP_exe_ino_ctime:
		return int_col(c, HC_OBJ_FILE, HC_O_FILE_ctime_ns, file);
	case PP_exe_ino_mtime:
		return int_col(c, HC_OBJ_FILE, HC_O_FILE_mtime_ns, file);
	case PP_trusted_exepath:
		return text_val(falco_image_exe(c->v, image));
	case PP_pidns_init_start_ts:
		if (c->type == HC_EV_PROC_FORK)
			return int_val(0); /* the child's side has it */
		if (!hc_view_int(c->v, HC_OBJ_PROC, HC_O_PROC_pidns_start_ns, proc, &i))
			return (struct pval){ 0 };
		return int_val(falco_wall(c->v, (uint64_t)i));
	}
	return (struct pval){ 0 };
}

static struct pval new_file(const struct fctx *c, enum fhow how)
{
	uint32_t obj = fctx_fdobj(c);
	uint32_t file = hc_view_ref(c->v, HC_OBJ_FDOBJ, HC_O_FDOBJ_file, obj);
	struct pval p;

	switch (how) {
	case HOW_NEWDEV:
		p = int_col(c, HC_OBJ_FILE, HC_O_FILE_dev, file);
		p.kind = PV_INT;
		p.i = hc_scap_dev_portable((uint64_t)p.i);
		return p;
	case HOW_NEWINO:
		p = int_col(c, HC_OBJ_FILE, HC_O_FILE_ino, file);
		p.kind = PV_INT;
		return p;
	case HOW_NEWLAYER:
		return int_val(hc_view_int_or(c->v, HC_OBJ_FILE, HC_O_FILE_layer, file, 0)); /* the same values */
	default:
		return text_val(falco_path_real(c->v, hc_view_ref(c->v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, obj)));
	}
}

/* Bits that Falco adds to the flags of an open: made, overlay layer. */
static uint64_t open_facts(const struct fctx *c)
{
	uint32_t obj = fctx_fdobj(c);
	int64_t layer = hc_view_int_or(c->v, HC_OBJ_FILE, HC_O_FILE_layer,
	                               hc_view_ref(c->v, HC_OBJ_FDOBJ, HC_O_FDOBJ_file, obj), 0);

	return (hc_view_int_or(c->v, HC_OBJ_FDOBJ, HC_O_FDOBJ_created, obj, 0) ? HC_SCAP_OPEN_CREATED : 0) |
	       hc_scap_layer_flags(layer);
}

/* A number of flags as the original's driver makes them. */
static int64_t as_driver(const struct fctx *c, const struct fparam *p, int64_t i)
{
	i = (int64_t)hc_scap_portable(p->table, (uint64_t)i);
	return p->table && !fctx_is_imported(c) ? (int64_t)hc_scap_driver(p->table, (uint64_t)i) : i;
}

static struct pval number(const struct fctx *c, const struct fparam *p, unsigned col)
{
	struct pval v = int_col(c, c->dom, col, c->entry);

	if (v.kind != PV_INT)
		return v;
	v.i = as_driver(c, p, v.i);
	if (!fctx_is_imported(c) && c->type == HC_EV_PRCTL && col == HC_C_PRCTL_arg2 &&
	    hc_view_int_or(c->v, c->dom, HC_C_PRCTL_option, c->entry, 0) == PR_SET_NAME)
		v.i = 0; /* a pointer to arg2_str */
	if (p->table == HC_SCAP_TAB_file_flags && c->row->path_col < 0 && c->type != HC_EV_OPEN_BY_HANDLE_AT)
		v.i &= ~INT64_C(3); /* no open: there is no access mode in these flags */
	else if (p->table == HC_SCAP_TAB_file_flags)
		v.i |= (int64_t)open_facts(c);
	return v;
}

/* Of a call that fills several buffers: how much it was, at most their sizes. */
static struct pval read_size(const struct fctx *c, unsigned col)
{
	struct pval v = int_col(c, c->dom, col, c->entry);
	int64_t ret;

	if (!fctx_is_imported(c) && v.kind == PV_INT && fctx_ret(c, &ret) && ret >= 0 && v.i > ret)
		v.i = ret;
	return v;
}

/* The mode of an open counts only where a file may be made. */
static struct pval open_mode(const struct fctx *c, unsigned col)
{
	int64_t flags = hc_view_int_or(c->v, c->dom, col - 1, c->entry, 0);
	struct pval p = int_col(c, c->dom, col, c->entry);

	if (!(flags & 0100) && (flags & 020200000) != 020200000)
		p.i = 0;
	p.kind = PV_INT;
	return p;
}

int64_t falco_proc_sid(struct hc_view *v, uint32_t proc, int64_t none)
{
	int64_t vsid = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_vsid, proc, 0);

	return vsid ? vsid : hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_sid, proc, none);
}

bool falco_has_ends(int64_t family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

static int64_t family_of_addr(struct hc_str raw)
{
	uint16_t family = AF_UNSPEC;

	if (raw.len >= 2)
		memcpy(&family, raw.p, 2);
	return family;
}

static uint32_t tuple_sock(const struct fctx *c)
{
	int64_t ret = c->type == HC_EV_CONNECT ? hc_view_int_or(c->v, c->dom, HC_COL_RET, c->entry, 0) : 0;
	uint32_t sock = c->row->sock_col < 0 ? 0 : hc_view_ref(c->v, c->dom, (unsigned)c->row->sock_col, c->entry);

	if (ret < 0 && ret != -EINPROGRESS)
		return 0; /* no connection: no ends of one */
	return sock ? sock : hc_view_ref(c->v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fctx_fdobj(c));
}

/* Descriptor, poll flags and the letter of its type, in turns: as text. */
static struct pval fdlist(const struct fctx *c, uint32_t list)
{
	struct fjson out = { .arena = hc_view_arena(c->v) };
	uint32_t n;
	const int64_t *items = hc_view_ints(c->v, list, &n);
	char buf[64];

	for (uint32_t i = 0; list && i + 2 < n; i += 3) {
		snprintf(buf, sizeof(buf), "%s%" PRIu64 ":%c%" PRIx64, i ? " " : "", (uint64_t)items[i],
		         (char)items[i + 2], (uint64_t)items[i + 1]);
		fjson_raw(&out, buf);
	}
	return text_val(fjson_end(&out));
}

/* An argument of keyctl: text or a number. */
static struct pval key_arg(const struct fctx *c, unsigned col)
{
	struct pval v =
		text_val(hc_view_text(c->v, c->dom, HC_C_KEYCTL_arg2_str + (col - HC_C_KEYCTL_arg2), c->entry));

	if (v.kind == PV_NONE)
		v = int_col(c, c->dom, col, c->entry);
	v.dyn = 1 + (v.kind == PV_INT ? PT_I64 : PT_STR);
	if (v.kind == PV_TEXT && !v.s.len)
		v.s = HC_STR("(null)");
	return v;
}

/* An argument of ptrace: a signal, or a number. */
static struct pval traced_arg(const struct fctx *c, unsigned col)
{
	unsigned kind = col == HC_C_PTRACE_addr ? HC_C_PTRACE_addr_kind : HC_C_PTRACE_data_kind;
	struct pval v = int_col(c, c->dom, col, c->entry);

	if (hc_view_int_or(c->v, c->dom, kind, c->entry, 0) == 1)
		v.dyn = 1 + PT_SIG;
	return v;
}

/* The value of a socket's option, by what the import says of its kind. */
static struct pval option_value(const struct fctx *c)
{
	static const uint8_t types[] = { PT_BUF, PT_ERRNO, PT_U32, PT_U64, PT_REL };
	bool get = c->type == HC_EV_GETSOCKOPT;
	int64_t kind = hc_view_int_or(c->v, c->dom, get ? HC_C_GETSOCKOPT_val_kind : HC_C_SETSOCKOPT_val_kind,
	                              c->entry, -1);
	struct pval v = { 0 };

	if (kind < 0 || kind >= (int64_t)sizeof(types))
		return v;
	if (kind == 0) {
		v.s = hc_view_bytes(
			c->v,
			hc_view_ref(c->v, c->dom, get ? HC_C_GETSOCKOPT_value : HC_C_SETSOCKOPT_value, c->entry));
		v.kind = v.s.p ? PV_BYTES : PV_NONE;
		return v;
	}
	v = int_col(c, c->dom, get ? HC_C_GETSOCKOPT_val_num : HC_C_SETSOCKOPT_val_num, c->entry);
	v.dyn = types[kind] + 1;
	return v;
}

static int64_t socket_flags(const struct fparam *p, int64_t i)
{
	i = (int64_t)hc_scap_portable(HC_SCAP_TAB_file_flags, (uint64_t)i & 02004000) & ~INT64_C(3);
	return p->type == PT_U8 ? (uint8_t)i : i; /* of timerfd_create: there is no room for them */
}

static struct pval param_from(const struct fctx *c, const struct fparam *p, const struct ffrom *f)
{
	unsigned col;
	struct pval v = { 0 };
	int64_t i;

	if (!f)
		return v;
	col = (unsigned)f->what;
	switch (f->how) {
	case HOW_FORKRET:
		if (!fctx_ret(c, &i))
			return v;
		v = int_val(i);
		if (i == hc_view_int_or(c->v, c->dom, HC_C_PROC_FORK_child_tid, c->entry, -1) &&
		    i == hc_view_int_or(c->v, c->dom, HC_C_PROC_FORK_child_vtid, c->entry, i))
			v.ref = hc_view_ref(c->v, c->dom, HC_C_PROC_FORK_child, c->entry);
		return v;
	case HOW_RET:
		if (!fctx_ret(c, &i))
			return v;
		v = int_val(i);
		if (p->type == PT_FD && (c->row->fd == FD_NEW || (c->row->fd == FD_DUP && is_dup(c))))
			v.ref = fctx_fdobj(c);
		else if (c->type == HC_EV_FCNTL && i >= 0 && i < 3) /* a flag, to Falco a descriptor's number */
			v.ref = hc_view_ref(c->v, HC_OBJ_IMAGE, HC_O_IMAGE_std0 + (unsigned)i,
			                    falco_proc_image(c->v, fctx_proc(c)));
		return v;
	case HOW_ZERO:
		return int_val(0);
	case HOW_NUM:
		return number(c, p, col);
	case HOW_READSIZE:
		return read_size(c, col);
	case HOW_TGTID:
		v = int_col(c, c->dom, HC_C_TGKILL_arg_tid, c->entry);
		v.ref = hc_view_ref(c->v, c->dom, HC_C_TGKILL_tgid + 1, c->entry);
		return v;
	case HOW_FD:
		v = int_col(c, c->dom, col, c->entry);
		v.ref = hc_view_ref(c->v, c->dom, col + 1, c->entry);
		if (falco_fd_unseen(c->v, v.ref))
			v.ref = 0;
		return v;
	case HOW_PID:
		v = int_col(c, c->dom, col, c->entry);
		v.ref = hc_view_ref(c->v, c->dom, col + 1, c->entry);
		if (c->type == HC_EV_SIG_DELIVER && !fctx_is_imported(c) &&
		    hc_view_int_or(c->v, c->dom, HC_C_SIG_DELIVER_sig, c->entry, 0) == SIGCHLD)
			v.ref = 0; /* whose end it tells has none any more */
		return v;
	case HOW_PIDOR0:
		v = int_col(c, c->dom, col, c->entry);
		v.ref = hc_view_ref(c->v, c->dom, col + 1, c->entry);
		v.kind = PV_INT;
		return v;
	case HOW_NUMOR0:
		v = int_col(c, c->dom, col, c->entry);
		v.kind = PV_INT;
		return v;
	case HOW_PIDBYNUM:
		return pid_val(c, c->dom, col, c->entry, fctx_proc(c));
	case HOW_PIPEINO:
		return int_col(c, HC_OBJ_FDOBJ, HC_O_FDOBJ_target, fctx_fdobj(c));
	case HOW_NEWFD:
		v = int_col(c, c->dom, col, c->entry);
		v.ref = fctx_fdobj(c);
		return v;
	case HOW_TID:
		v = int_col(c, HC_OBJ_TASK, HC_O_TASK_tid, fctx_task(c));
		v.ref = fctx_proc(c);
		return v;
	case HOW_STR:
		return text_val(hc_view_text(c->v, c->dom, col, c->entry));
	case HOW_PATH:
		v.ref = hc_view_ref(c->v, c->dom, col, c->entry);
		v.s = falco_path_given(c->v, v.ref);
		if (!v.s.p)
			v.s = falco_path_text(c->v, v.ref);
		v.kind = v.s.p ? PV_PATH : PV_NONE;
		return v;
	case HOW_BYTES:
		v.s = hc_view_bytes(c->v, hc_view_ref(c->v, c->dom, col, c->entry));
		v.kind = v.s.p ? PV_BYTES : PV_NONE;
		return v;
	case HOW_ADDR:
		v.s = hc_view_bytes(c->v, hc_view_ref(c->v, c->dom, col, c->entry));
		v.kind = v.s.p && (fctx_is_imported(c) || falco_has_ends(family_of_addr(v.s))) ? PV_ADDR : PV_NONE;
		return v;
	case HOW_TUPLE:
		v.ref = tuple_sock(c);
		v.kind = v.ref && (fctx_is_imported(c) || falco_has_ends(family_of(c->v, v.ref))) ? PV_SOCK
		                                                                                  : PV_NONE;
		return v;
	case HOW_NEWDEV:
	case HOW_NEWINO:
	case HOW_NEWLAYER:
	case HOW_NEWPATH:
		return new_file(c, f->how);
	case HOW_SOCKFLAGS:
		v = int_col(c, c->dom, col, c->entry);
		v.i = socket_flags(p, v.i);
		return v;
	case HOW_OPENMODE:
		return open_mode(c, col);
	case HOW_LEN:
		return int_col(c, c->dom, col, c->entry);
	case HOW_LIST_FIRST: {
		uint32_t n;
		const uint32_t *items = hc_view_strs(c->v, hc_view_ref(c->v, c->dom, col, c->entry), &n);

		return n ? text_val(hc_view_str(c->v, items[0])) : v;
	}
	case HOW_LIST_REST:
		return list_val(c, hc_view_ref(c->v, c->dom, col, c->entry), 1);
	case HOW_LIST_ALL:
		return list_val(c, hc_view_ref(c->v, c->dom, col, c->entry), 0);
	case HOW_PROC:
		return proc_val(c, (enum fproc_param)f->what);
	case HOW_ALSOREF:
		v = param_from(c, p, falco_from(c->type, hc_str_c(p->name), false)); /* which is not ALSOREF */
		v.ref = hc_view_ref(c->v, c->dom, col, c->entry);
		return v;
	case HOW_RETREF:
		v = int_col(c, c->dom, HC_COL_RET, c->entry);
		v.ref = hc_view_ref(c->v, c->dom, col, c->entry);
		return v;
	case HOW_SOCKCOL:
		v.ref = hc_view_ref(c->v, c->dom, col, c->entry);
		v.kind = v.ref ? PV_SOCK : PV_NONE;
		return v;
	case HOW_FDLIST:
		return fdlist(c, hc_view_ref(c->v, c->dom, col, c->entry));
	case HOW_DYN:
		return c->type == HC_EV_KEYCTL   ? key_arg(c, col)
		       : c->type == HC_EV_PTRACE ? traced_arg(c, col)
		                                 : option_value(c);
	default:
		return v;
	}
}

/* Was it not in the imported event? Types whose columns cannot tell have one that does. */
static bool is_missing(const struct fctx *c, const struct fparam *p)
{
	int64_t missing = 0;
	unsigned col;

	switch (c->type) {
	case HC_EV_OPEN:
		col = HC_C_OPEN_missing;
		break;
	case HC_EV_OPENAT:
		col = HC_C_OPENAT_missing;
		break;
	case HC_EV_OPENAT2:
		col = HC_C_OPENAT2_missing;
		break;
	case HC_EV_CREAT:
		col = HC_C_CREAT_missing;
		break;
	case HC_EV_OPEN_BY_HANDLE_AT:
		col = HC_C_OPEN_BY_HANDLE_AT_missing;
		break;
	default:
		return false;
	}
	hc_view_int(c->v, c->dom, col, c->entry, &missing);
	return missing >> (p - falco_events[c->row->code].params) & 1;
}

struct pval fctx_param(const struct fctx *c, const struct fparam *p)
{
	if (is_missing(c, p))
		return (struct pval){ 0 };
	return param_from(c, p, falco_from(c->type, hc_str_c(p->name), fctx_is_imported(c)));
}

/* ---- calls that had no type of their own when they were recorded ---- */

/* Its place in `formers`; -1: it was no number, or none of the call's arguments. */
static int former_at(unsigned type, const struct fparam *p)
{
	for (size_t i = 0; i < sizeof(formers) / sizeof(formers[0]); i++)
		if (formers[i].type == type && strcmp(formers[i].param, p->name) == 0)
			return (int)i;
	return -1;
}

static uint8_t how_of(unsigned type, const struct fparam *p)
{
	const struct ffrom *from = falco_from(type, hc_str_c(p->name), false);

	return from ? from->how : HOW_DYN;
}

bool falco_former_tells(unsigned type, const struct fparam *p)
{
	uint8_t how = how_of(type, p);

	return how == HOW_RET || how == HOW_ZERO || former_at(type, p) >= 0;
}

static struct pval former_val(const struct fctx *c, unsigned type, const struct fparam *p)
{
	uint8_t how = how_of(type, p);
	int at = former_at(type, p);
	struct pval v;
	int64_t ret;

	if (how == HOW_RET && fctx_ret(c, &ret))
		return int_val(ret);
	if (how == HOW_ZERO)
		return int_val(0);
	if (at < 0)
		return (struct pval){ 0 };
	v = int_col(c, c->dom, formers[at].col, c->entry);
	if (v.kind != PV_INT)
		return v;
	if (formers[at].kind != FORMER_U64)
		v.i = formers[at].kind == FORMER_I32 ? (int64_t)(int32_t)v.i : (int64_t)(uint32_t)v.i;
	if (how == HOW_SOCKFLAGS)
		v.i = socket_flags(p, v.i);
	else if (how == HOW_NUM)
		v.i = as_driver(c, p, v.i) & (p->table == HC_SCAP_TAB_file_flags ? ~INT64_C(3) : -1);
	return v;
}

/* The type that the call of a row of `sys` has by now; 0: none. */
static unsigned former_type(const struct fctx *c)
{
	const char *name = sys_name(c);
	unsigned type = 0;

	if (c->type != HC_EV_SYS || fctx_is_imported(c))
		return 0;
	for (unsigned code = CODE_GENERIC + 2; code < N_CODES && !type; code += 2)
		if (falco_events[code].name && falco_events[code].name[0] == name[0] &&
		    strcmp(falco_events[code].name, name) == 0)
			type = falco_former_type(code);
	return type;
}

const struct fparam *falco_former_param(const struct fctx *c, struct hc_str which, struct pval *ret)
{
	unsigned type = former_type(c), at = 0;
	const struct fparam *p = type ? falco_events[map[type].code].params : NULL;
	bool is_number = which.len && which.p[0] >= '0' && which.p[0] <= '9';

	for (uint32_t i = 0; is_number && i < which.len && at < MAX_PARAMS; i++)
		at = at * 10 + (unsigned)(which.p[i] - '0');
	for (unsigned i = 0; p && p[i].name; i++) {
		if (is_number ? i != at : !hc_str_eq(which, hc_str_c(p[i].name)))
			continue;
		*ret = former_val(c, type, &p[i]);
		return ret->kind == PV_NONE ? NULL : &p[i];
	}
	return NULL;
}

/* ---- rendering of parameters ---- */

/* Of a result; NULL when it is none of an error. */
static const char *errno_of(int64_t ret)
{
	return ret < 0 && ret > -4096 ? falco_errno_name(-ret) : NULL;
}

static void put_number(const struct fparam *p, int64_t i, struct fjson *out)
{
	bool is_signed = p->type == PT_I8 || p->type == PT_I16 || p->type == PT_I32 || p->type == PT_I64 ||
	                 p->type == PT_ERRNO || p->type == PT_FD || p->type == PT_PID || p->type == PT_U64;
	char buf[32];

	if (p->type == PT_U32 && p->base == PB_DEC)
		i = (int32_t)i; /* as the original prints it */
	is_signed |= p->type == PT_U32;
	if (p->type == PT_ERRNO || p->type == PT_FD || p->base == PB_DEC || p->base == PB_TEXT)
		snprintf(buf, sizeof(buf), is_signed ? "%" PRId64 : "%" PRIu64, i);
	else if (p->base == PB_HEX)
		snprintf(buf, sizeof(buf), "%" PRIX64, p->type == PT_I32 ? (uint64_t)(uint32_t)i : (uint64_t)i);
	else
		snprintf(buf, sizeof(buf), "%#" PRIo64, (uint64_t)i);
	fjson_raw(out, buf);
}

static void put_bytes(struct hc_str s, struct fjson *out)
{
	if (out->base64) {
		fjson_base64(out, s.p, s.len);
		return;
	}
	for (uint32_t i = 0; i < s.len; i++)
		fjson_char(out, (char)(s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : '.'));
}

static void empty_raw(const struct fparam *p, struct fjson *out)
{
	bool null = p->type == PT_BUF || p->type == PT_STUPLE || p->type == PT_FDLIST || p->type == PT_DYN ||
	            p->type == PT_STRARR;

	fjson_raw(out, null ? "NULL" : "<NA>");
}

/* The sender first; other recorders' events have it so. */
static void put_tuple(const struct fctx *c, uint32_t sock, struct fjson *out)
{
	bool received = false;
	struct fends e;

	switch (c->type) {
	case HC_EV_RECVFROM:
	case HC_EV_RECVMSG:
	case HC_EV_RECVMMSG:
	case HC_EV_RECV:
		received = true;
		break;
	case HC_EV_SENDTO:
	case HC_EV_SENDMSG:
	case HC_EV_SENDMMSG:
	case HC_EV_SEND:
		break;
	default:
		falco_sock_name(c->v, sock, out);
		return;
	}
	if (fctx_is_imported(c) || !falco_sock_ends(c->v, sock, &e) || !e.peer.p)
		falco_sock_name(c->v, sock, out);
	else
		put_ends(c->v, sock, &e, received, out);
}

void falco_param_raw(const struct fctx *c, const struct fparam *p, const struct pval *v, struct fjson *out)
{
	char buf[32];

	if (v->kind == PV_NONE || (p->type == PT_BUF && !v->s.len && v->kind != PV_INT)) {
		empty_raw(p, out);
		return;
	}
	switch (p->type) {
	case PT_STR:
	case PT_PATH:
	case PT_RPATH:
		if (v->kind == PV_INT)
			put_number(p, v->i, out);
		else
			fjson_bytes(out, v->s.p, v->s.len);
		return;
	case PT_FDLIST:
		fjson_bytes(out, v->s.p, v->s.len);
		return;
	case PT_BUF:
		put_bytes(v->s, out);
		return;
	case PT_SADDR:
		falco_addr_text(v->s, out);
		return;
	case PT_STUPLE:
		if (falco_sock_type(c->v, v->ref)[0] == '<') {
			fjson_raw(out, "family ");
			fjson_i64(out, hc_view_int_or(c->v, HC_OBJ_SOCK, HC_O_SOCK_family, v->ref, 0));
			return;
		}
		put_tuple(c, v->ref, out);
		return;
	case PT_UID:
	case PT_GID:
		fjson_i64(out, (uint32_t)v->i == UINT32_MAX ? -1 : (int64_t)(uint32_t)v->i);
		return;
	case PT_MODE:
		snprintf(buf, sizeof(buf), "%#" PRIo64, (uint64_t)v->i);
		fjson_raw(out, buf);
		return;
	case PT_FLAGS:
	case PT_ENUM:
		fjson_u64(out, (uint32_t)v->i);
		return;
	case PT_REL:
		if ((uint64_t)v->i == UINT64_MAX) {
			fjson_raw(out, "none");
			return;
		}
		fjson_u64(out, (uint64_t)v->i);
		return;
	case PT_SIGSET:
		for (unsigned sig = 1, n = 0; sig <= 32; sig++) {
			if (!((uint64_t)v->i >> (sig - 1) & 1) || !falco_signal_name(sig))
				continue;
			fjson_raw(out, n++ ? " " : "");
			fjson_raw(out, falco_signal_name(sig));
		}
		return;
	case PT_ABS:
		falco_time(v->i, FTIME_PARAM, out);
		return;
	case PT_DYN:
		if (v->dyn)
			falco_param_raw(c, &(struct fparam){ .type = v->dyn - 1, .base = PB_DEC }, v, out);
		else if (v->kind == PV_BYTES)
			put_bytes(v->s, out);
		else
			put_number(p, v->i, out);
		return;
	default:
		put_number(p, v->i, out);
	}
}

static void put_flags(unsigned table, uint64_t value, struct fjson *out)
{
	unsigned n;
	const struct fname *names = falco_table_names(table, &n);
	uint64_t left = value;
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		uint64_t bits = names[i].value;

		/* what is the whole value is named also where a part of it was */
		if (bits != value && (!bits || (left & bits) != bits))
			continue;
		if (any)
			fjson_char(out, '|');
		fjson_raw(out, names[i].name);
		any = true;
		left &= ~bits;
		if (bits == value)
			return;
	}
}

static void put_fd(const struct fctx *c, const struct pval *v, struct fjson *out)
{
	const char *proto, *name;
	uint32_t sock;
	bool changed; /* by the row itself */
	char type;

	if (v->i == AT_FDCWD_NUM) {
		fjson_raw(out, "AT_FDCWD");
		return;
	}
	if (v->i < 0) {
		name = errno_of(v->i);
		if (name)
			fjson_raw(out, name);
		return;
	}
	if (!v->ref)
		return;
	changed = v->ref == fctx_fdobj(c) && c->row->sock_col >= 0 &&
	          hc_view_ref(c->v, c->dom, (unsigned)c->row->sock_col, c->entry);
	sock = changed ? tuple_sock(c) : hc_view_ref(c->v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, v->ref);
	fjson_char(out, '<');
	name = changed ? falco_sock_type(c->v, sock) : NULL;
	type = falco_fd_typechar(c->v, v->ref);
	if (name && name[0] == 'i')
		type = name[3];
	fjson_char(out, type);
	proto = falco_sock_proto(c->v, sock);
	if (proto[0] != '<')
		fjson_char(out, proto[0]);
	fjson_char(out, '>');
	if (changed)
		falco_sock_name(c->v, sock, out);
	else
		falco_fd_name(c->v, v->ref, out);
}

static void put_path(const struct fctx *c, const struct pval *v, struct fjson *out)
{
	struct hc_str abs = hc_view_text(c->v, HC_OBJ_PATH, HC_O_PATH_abs, v->ref);

	if (!v->s.len || v->s.p[0] == '/')
		return;
	if (abs.p)
		fjson_bytes(out, abs.p, abs.len);
	else
		falco_path_normal(v->s, out);
}

/* Falco takes the name of a memfd for a relative path. */
static void put_in_cwd(const struct fctx *c, struct hc_str name, struct fjson *out)
{
	struct hc_str cwd = falco_path_real(c->v, hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_cwd, fctx_proc(c)));

	if (!cwd.len)
		return;
	fjson_bytes(out, cwd.p, cwd.len);
	if (cwd.len > 1)
		fjson_raw(out, "/");
	fjson_bytes(out, name.p, name.len);
}

static bool in_container(const struct fctx *c)
{
	return hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_container, fctx_proc(c)) != 0;
}

/* The block's users are mostly the host's: only those that the process itself is are surely the container's. */
static struct hc_str name_in_container(const struct fctx *c, bool group, uint32_t id)
{
	unsigned dom = group ? HC_OBJ_GROUP : HC_OBJ_USER;
	uint32_t ref = hc_view_ref(c->v, HC_OBJ_PROC, group ? HC_O_PROC_group : HC_O_PROC_user, fctx_proc(c));
	struct hc_str s = { 0 };

	if (hc_view_int_or(c->v, dom, group ? (unsigned)HC_O_GROUP_gid : (unsigned)HC_O_USER_uid, ref, -1) ==
	    (int64_t)id)
		s = hc_view_text(c->v, dom, group ? (unsigned)HC_O_GROUP_name : (unsigned)HC_O_USER_name, ref);
	return s.p ? s : HC_STR("<NA>");
}

void falco_param_resolved(const struct fctx *c, const struct fparam *p, const struct pval *v, struct fjson *out)
{
	const char *name;
	struct hc_str s;
	unsigned n;

	if (v->kind == PV_NONE)
		return;
	switch (p->type) {
	case PT_ERRNO:
		name = errno_of(v->i);
		if (name)
			fjson_raw(out, name);
		return;
	case PT_FD:
		put_fd(c, v, out);
		return;
	case PT_PID:
		s = hc_view_text(c->v, HC_OBJ_PROC, HC_O_PROC_image_comm, v->ref);
		if (s.len && v->i) /* 0, the caller or its group, is no process */
			fjson_bytes(out, s.p, s.len);
		return;
	case PT_UID:
	case PT_GID:
		if (in_container(c) && (uint32_t)v->i != UINT32_MAX)
			s = name_in_container(c, p->type == PT_GID, (uint32_t)v->i);
		else
			s = name_of_id(c->v, p->type == PT_GID, (uint32_t)v->i);
		fjson_bytes(out, s.p, s.len);
		return;
	case PT_PATH:
	case PT_RPATH:
		if (v->kind == PV_PATH)
			put_path(c, v, out);
		else if (v->kind == PV_TEXT && hc_str_starts(v->s, HC_STR("memfd:")))
			put_in_cwd(c, v->s, out);
		return;
	case PT_FLAGS:
	case PT_MODE:
		put_flags(p->table, (uint32_t)v->i, out);
		return;
	case PT_ENUM: {
		const struct fname *names = falco_table_names(p->table, &n);
		bool any = false;

		for (unsigned i = 0; i < n; i++) {
			if (names[i].value != (uint32_t)v->i)
				continue;
			if (any)
				fjson_char(out, '|');
			fjson_raw(out, names[i].name);
			any = true;
		}
		return;
	}
	case PT_SIG:
		name = falco_signal_name(v->i);
		if (name)
			fjson_raw(out, name);
		return;
	case PT_DYN:
		if (v->dyn)
			falco_param_resolved(c, &(struct fparam){ .type = v->dyn - 1 }, v, out);
		return;
	case PT_REL:
		if ((uint64_t)v->i != UINT64_MAX) {
			char buf[48];

			snprintf(buf, sizeof(buf), "%lgs", (double)(uint64_t)v->i / 1e9);
			fjson_raw(out, buf);
		}
		return;
	default:
		return;
	}
}

/* Readers take no path or descriptor from it: missing arguments change nothing that they know. */
static bool tells_numbers(const struct hc_scap_event_info *info)
{
	const unsigned telling =
		HC_SCAP_F_CREATES | HC_SCAP_F_USES | HC_SCAP_F_DESTROYS | HC_SCAP_F_MODIFIES | HC_SCAP_F_OLD;

	if (!info->n_params || !(info->flags & HC_SCAP_F_SYSCALL) || info->flags & telling)
		return false;
	for (unsigned i = 1; i < info->n_params; i++)
		if (!info->params[i].width && info->params[i].type != HC_SCAP_T_FDLIST)
			return false;
	return info->n_params == 1 || strcmp(info->params[0].name, "res") == 0;
}

/* What getcwd gave, where its result is the length of the directory's path as it is known. */
static struct hc_str given_cwd(const struct fctx *c)
{
	struct hc_str cwd = falco_path_real(c->v, hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_cwd, fctx_proc(c)));
	int64_t ret;

	return fctx_ret(c, &ret) && ret == (int64_t)cwd.len + 1 ? cwd : (struct hc_str){ 0 };
}

struct pval falco_result_param(const struct fctx *c, unsigned code, unsigned i)
{
	int64_t ret;

	if (code == HC_SCAP_SYSCALL_GETCWD_X && i == 1)
		return text_val(given_cwd(c));
	return i == 0 && fctx_ret(c, &ret) ? int_val(ret) : (struct pval){ 0 };
}

unsigned falco_result_code(const struct fctx *c)
{
	const char *name;
	int64_t ret;

	if (c->type != HC_EV_SYS || fctx_is_imported(c) || !fctx_ret(c, &ret))
		return c->row->code;
	name = sys_name(c);
	if (strcmp(name, "getcwd") == 0 && given_cwd(c).p)
		return HC_SCAP_SYSCALL_GETCWD_X;
	for (unsigned code = CODE_GENERIC + 2; code < HC_SCAP_N_CODES; code += 2) {
		const struct hc_scap_event_info *info = &hc_scap_events[code];

		if (info->name && info->name[0] == name[0] && tells_numbers(info) && strcmp(info->name, name) == 0)
			return code;
	}
	return c->row->code;
}

void falco_args(const struct fctx *c, struct fjson *out)
{
	unsigned former = former_type(c), code = former ? map[former].code : falco_result_code(c);
	const struct fparam *p = falco_events[code].params;

	if (code == CODE_GENERIC || (code == CODE_ASYNC && c->type != HC_EV_ASYNC_EVENT))
		return;
	for (unsigned i = 0; p && p[i].name; i++) {
		struct pval v = former                 ? former_val(c, former, &p[i])
		                : code == c->row->code ? fctx_param(c, &p[i])
		                                       : falco_result_param(c, code, i);
		uint32_t at;

		if (i)
			fjson_char(out, ' ');
		fjson_raw(out, p[i].name);
		fjson_char(out, '=');
		falco_param_raw(c, &p[i], &v, out);
		at = out->n;
		fjson_char(out, '(');
		falco_param_resolved(c, &p[i], &v, out);
		if (out->n == at + 1)
			out->n = at;
		else
			fjson_char(out, ')');
	}
}

/* ---- times ---- */

void falco_time(int64_t wall_ns, enum ftime form, struct fjson *out)
{
	bool is_unsigned = form == FTIME_PARAM;
	int64_t s = is_unsigned ? (int64_t)((uint64_t)wall_ns / 1000000000) : wall_ns / 1000000000;
	int64_t ns = is_unsigned ? (int64_t)((uint64_t)wall_ns % 1000000000) : wall_ns % 1000000000;
	char buf[80], frac[16];
	struct tm tm;
	time_t t;
	size_t n;

	if (ns < 0) {
		ns += 1000000000;
		s--;
	}
	t = (time_t)s;
	if (form == FTIME_ISO || form == FTIME_JSON ? !gmtime_r(&t, &tm) : !localtime_r(&t, &tm))
		return;
	if (form == FTIME_CLOCK || form == FTIME_CLOCK_S)
		n = strftime(buf, sizeof(buf), "%H:%M:%S", &tm);
	else if (form == FTIME_ISO || form == FTIME_JSON)
		n = strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &tm);
	else
		n = strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S", &tm);
	fjson_bytes(out, buf, (uint32_t)n);
	if (form == FTIME_CLOCK_S || form == FTIME_DATETIME_S)
		return;
	snprintf(frac, sizeof(frac), ".%09" PRId64, ns);
	fjson_raw(out, frac);
	if (form == FTIME_ISO) {
		fjson_raw(out, "+0000");
	} else if (form == FTIME_JSON) {
		fjson_char(out, 'Z');
	}
}
