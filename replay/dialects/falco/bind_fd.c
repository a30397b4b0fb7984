/* Fields of descriptors and sockets. */
#include "replay/dialects/falco/bind_priv.h"

#include <netinet/in.h>
#include <string.h>

static bool has_fd(struct hc_view *v, uint32_t fd)
{
	return fd && !falco_fd_unseen(v, fd);
}

static struct hc_value fd_name(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	struct fjson out = begin(v);
	char c;

	UNUSED_ARG;
	if (!fd)
		return absent();
	c = falco_fd_typechar(v, fd);
	if (c == 'f' || c == 'd') {
		struct hc_value path = path_value(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fd), false);

		return path.type ? path : hc_value_str(HC_STR(""));
	}
	falco_fd_name(v, fd, &out);
	return falco_out_value(&out);
}
FD_LEAF(fd_name, HC_VT_STR, MAY_BE(fd_name), MAY_CONTAIN(fd_name));

struct hc_value falco_value_of_fd_name(struct hc_view *v, uint32_t fd)
{
	return fd_name(v, HC_OBJ_FDOBJ, fd, NULL);
}

static struct hc_value sock_name(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!sock)
		return absent();
	falco_sock_name(v, sock, &out);
	return falco_out_value(&out);
}
LEAF(sock_name, HC_OBJ_SOCK, HC_VT_STR, MAY_BE(fd_name), MAY_CONTAIN(fd_name));

static bool below_dirfd(unsigned type)
{
	return type == HC_EV_OPENAT || type == HC_EV_OPENAT2;
}

/* What a failed open would have given. Of calls with a directory's descriptor it is put together, of the others an
 * absolute name stands as the caller gave it. */
static struct hc_value name_of_path(struct hc_view *v, uint32_t path, bool dirfd)
{
	struct hc_value abs = heap_text(v, HC_OBJ_PATH, HC_O_PATH_abs, path);
	struct hc_value given = heap_text(v, HC_OBJ_PATH, HC_O_PATH_given, path);
	struct fjson out = begin(v);

	if (!dirfd && given.type && given.s.len && given.s.p[0] == '/')
		return given;
	if (abs.type)
		return abs;
	if (!given.type)
		return path_value(v, path, false);
	falco_put_unknown(v, given.s.len && given.s.p[0] != '/' && dirfd ? "<UNKNOWN>" : "", given.s, &out);
	return falco_out_value(&out);
}

static struct hc_value path_name(struct hc_view *v, unsigned dom, uint32_t path, const void *arg)
{
	UNUSED_ARG;
	return name_of_path(v, path, false);
}
LEAF(path_name, HC_OBJ_PATH, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

static struct hc_value path_name_at(struct hc_view *v, unsigned dom, uint32_t path, const void *arg)
{
	UNUSED_ARG;
	return name_of_path(v, path, true);
}
LEAF(path_name_at, HC_OBJ_PATH, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

static struct hc_value row_addr_name(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fjson out = begin(v);

	falco_addr_text(hc_view_bytes(v, hc_view_ref(v, dom, (unsigned)arg_num(arg), entry)), &out);
	return out.n ? falco_out_value(&out) : absent();
}
ROW_LEAF(row_addr_name, HC_VT_STR, MAY_BE(addr_name), MAY_CONTAIN(addr_name));

static struct hc_value fd_type(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	UNUSED_ARG;
	return has_fd(v, fd) ? word(falco_fd_type(v, fd)) : absent();
}
FD_LEAF(fd_type, HC_VT_STR);

static struct hc_value sock_type(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	UNUSED_ARG;
	return word(falco_sock_type(v, sock));
}
LEAF(sock_type, HC_OBJ_SOCK, HC_VT_STR);

static struct hc_value letter(char c)
{
	static const char letters[] = "fd46upeslitnbrmPoX?";
	const char *p = strchr(letters, c);

	return hc_value_str((struct hc_str){ p ? p : letters + sizeof(letters) - 2, 1 });
}

static char typechar_of(struct hc_view *v, uint32_t fd)
{
	if (!fd)
		return 0;
	return falco_fd_typechar(v, fd);
}

static struct hc_value fd_typechar(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	UNUSED_ARG;
	return fd ? letter(falco_fd_typechar(v, fd)) : absent();
}
FD_LEAF(fd_typechar, HC_VT_STR);

static struct hc_value sock_typechar(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	const char *type = falco_sock_type(v, sock);

	UNUSED_ARG;
	if (!type)
		return absent();
	if (type[0] == '<')
		return letter('o');
	return letter(type[type[0] == 'i' ? 3 : 0]);
}
LEAF(sock_typechar, HC_OBJ_SOCK, HC_VT_STR);

static struct hc_str directory_of(struct hc_str name)
{
	const char *slash = name.p && name.len ? memrchr(name.p, '/', name.len) : NULL;

	if (!slash)
		return HC_STR("/");
	if (slash + 1 < name.p + name.len)
		name.len = (uint32_t)(slash - name.p);
	return name.len ? name : HC_STR("/");
}

static struct hc_value fd_directory(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	char c = typechar_of(v, fd);
	struct hc_str name;

	UNUSED_ARG;
	if (c != 'f' && c != 'd')
		return absent();
	name = falco_path_text(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fd));
	return hc_value_str(c == 'd' && name.p ? name : directory_of(name));
}
FD_LEAF(fd_directory, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

/* Without a descriptor, from the name that the arguments give. */
static struct hc_value row_directory(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct hc_value name = { 0 };

	(void)arg;
	if (fctx_fdobj(&c))
		return absent();
	if (c.row->path_col >= 0)
		name = name_of_path(v, hc_view_ref(v, dom, (unsigned)c.row->path_col, entry), below_dirfd(c.type));
	return hc_value_str(directory_of(name.type ? name.s : HC_STR("")));
}
ROW_LEAF(row_directory, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

static struct hc_value fd_filename(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	struct hc_str name;
	const char *slash;

	UNUSED_ARG;
	if (!fd || falco_fd_typechar(v, fd) != 'f')
		return absent();
	name = falco_path_text(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fd));
	if (!name.p)
		return absent();
	slash = name.len ? memrchr(name.p, '/', name.len) : NULL;
	if (!slash)
		return hc_value_str(HC_STR("/"));
	if (slash + 1 < name.p + name.len) {
		name.len -= (uint32_t)(slash + 1 - name.p);
		name.p = slash + 1;
	}
	return hc_value_str(name);
}
FD_LEAF(fd_filename, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

enum { END_LOCAL, END_PEER, END_CLIENT, END_SERVER, END_ONE, END_OTHER };

/* What fd.ip and the like look at: client and server, or whoever is known where roles are not. */
static unsigned end_of(const struct fends *e, unsigned end)
{
	bool roles = e->client.p || e->server.p || e->client_port >= 0 || e->server_port >= 0;

	if (end == END_ONE)
		return roles ? END_CLIENT : END_LOCAL;
	if (end == END_OTHER)
		return roles ? END_SERVER : END_PEER;
	return end;
}

/* fd.ip and the like look at a socket that has no ends yet as well: its addresses and ports are zero. */
static bool is_blank_end(struct hc_view *v, uint32_t sock, const void *arg)
{
	const char *type = falco_sock_type(v, sock);

	return arg_num(arg) >= END_ONE && type && type[0] == 'i' && !falco_is_listener(v, sock);
}

static struct hc_value sock_ip(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	static const char zeros[16];
	struct fends e;
	struct hc_str ip;
	unsigned end;

	(void)dom;
	if (!sock)
		return absent();
	if (!falco_sock_ends(v, sock, &e))
		memset(&e, 0, sizeof(e));
	if (arg_num(arg) == END_SERVER && falco_is_roleless(v, sock))
		return absent();
	end = end_of(&e, arg_num(arg));
	ip = end == END_LOCAL ? e.near : end == END_PEER ? e.far : end == END_CLIENT ? e.client : e.server;
	if (!ip.len && is_blank_end(v, sock, arg))
		ip = (struct hc_str){ zeros, falco_sock_type(v, sock)[3] == '6' ? 16 : 4 };
	return ip.len ? hc_value_bytes(HC_VT_IP, ip.p, ip.len) : absent();
}
LEAF(sock_ip, HC_OBJ_SOCK, HC_VT_IP, MAY_BE(addr));

static int64_t port_of(struct hc_view *v, uint32_t sock, const void *arg)
{
	struct fends e;
	unsigned end;

	if (!sock || !falco_sock_ends(v, sock, &e))
		return -1;
	end = end_of(&e, arg_num(arg));
	return end == END_LOCAL    ? e.near_port
	       : end == END_PEER   ? e.far_port
	       : end == END_CLIENT ? e.client_port
	                           : e.server_port;
}

static struct hc_value sock_port(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	int64_t port = port_of(v, sock, arg);

	(void)dom;
	if (port < 0 && sock && is_blank_end(v, sock, arg))
		port = 0;
	return port < 0 ? absent() : hc_value_u64((uint64_t)port);
}
LEAF(sock_port, HC_OBJ_SOCK, HC_VT_U64);

/* Of a listener, and as a client's of a unix socket with a role, the original has an empty text. */
static struct hc_value sock_port_text(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	int64_t port = port_of(v, sock, arg), end = arg_num(arg);
	const char *type = falco_sock_type(v, sock);
	struct fjson out = begin(v);

	(void)dom;
	if (type && type[0] == 'i' && falco_is_listener(v, sock) && (end == END_CLIENT || end == END_SERVER))
		return end == END_CLIENT && falco_is_roleless(v, sock) ? absent() : hc_value_str(HC_STR(""));
	if (type && type[0] == 'u' && end == END_CLIENT && hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_role, sock, 0))
		return hc_value_str(HC_STR(""));
	if (port < 0)
		return absent();
	fjson_i64(&out, port);
	return falco_out_value(&out);
}
LEAF(sock_port_text, HC_OBJ_SOCK, HC_VT_STR);

static struct hc_value sock_proto(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	UNUSED_ARG;
	return sock ? word(falco_sock_proto(v, sock)) : absent();
}
LEAF(sock_proto, HC_OBJ_SOCK, HC_VT_STR);

static struct hc_value fd_proto(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	UNUSED_ARG;
	return has_fd(v, fd) ? word(falco_sock_proto(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fd)))
	                     : absent();
}
FD_LEAF(fd_proto, HC_VT_STR);

static struct hc_value sock_family(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	const char *type = falco_sock_type(v, sock);

	UNUSED_ARG;
	if (!type || (type[0] != 'i' && type[0] != 'u'))
		return absent();
	return word(type[0] == 'i' ? "ip" : "unix");
}
LEAF(sock_family, HC_OBJ_SOCK, HC_VT_STR);

/* Whoever connects to an address of the machine's own is taken for its server, too. */
static bool serves_itself(struct hc_view *v, uint32_t sock)
{
	struct fends e;

	if (!falco_sock_ends(v, sock, &e) || !e.server.p || e.server_port <= 0)
		return false;
	return (e.server.len == 4 && e.server.p[0] == 127) ||
	       (e.server.len == 16 && !memcmp(e.server.p, &in6addr_loopback, 16)) || hc_str_eq(e.server, e.client);
}

static struct hc_value sock_is_server(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	const char *type = falco_sock_type(v, sock);

	UNUSED_ARG;
	if (!type)
		return absent();
	if (type[0] == 'i' && (hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_near_end, sock, 0) ||
	                       hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_serves_here, sock, 0)))
		return hc_value_bool(falco_is_listener(v, sock) ||
		                     hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_serves_here, sock, 0));
	return hc_value_bool(type[0] == 'i' && (falco_is_listener(v, sock) || serves_itself(v, sock) ||
	                                        hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_role, sock, 0) == 2));
}
LEAF(sock_is_server, HC_OBJ_SOCK, HC_VT_BOOL);

/* The kinds of all that the process has open, each name once. */
static struct hc_value task_fd_types(struct hc_view *v, unsigned dom, uint32_t task, const void *arg)
{
	struct hc_value list = { .type = HC_VT_LIST }, *items;
	int64_t kinds;
	uint32_t n = 0;

	UNUSED_ARG;
	if (!hc_view_int(v, HC_OBJ_TASK, HC_O_TASK_fd_kinds, task, &kinds))
		return absent();
	items = hc_arena_alloc(hc_view_arena(v), HC_N_FD_KINDS * sizeof(*items));
	for (unsigned kind = 0; items && kind < HC_N_FD_KINDS; kind++) {
		struct hc_value name = word(falco_kind_type(kind));
		uint32_t i = 0;

		if (!((uint64_t)kinds >> kind & 1))
			continue;
		while (i < n && !hc_str_eq(items[i].s, name.s))
			i++;
		if (i == n)
			items[n++] = name;
	}
	list.list.v = items;
	list.list.n = n;
	return items ? list : absent();
}

static const struct hc_leaf leaf_task_fd_types = {
	.name = "task_fd_types", .dom = HC_OBJ_TASK, .type = HC_VT_LIST, .item = HC_VT_STR, .get = task_fd_types
};

static struct hc_value sock_connected(struct hc_view *v, unsigned dom, uint32_t sock, const void *arg)
{
	UNUSED_ARG;
	return sock ? hc_value_bool(hc_view_int_or(v, HC_OBJ_SOCK, HC_O_SOCK_connected, sock, 0)) : absent();
}
LEAF(sock_connected, HC_OBJ_SOCK, HC_VT_BOOL);

/* False for every descriptor that is no socket. */
static struct hc_value fd_false(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	UNUSED_ARG;
	return has_fd(v, fd) ? hc_value_bool(false) : absent();
}
FD_LEAF(fd_false, HC_VT_BOOL);

/* What a call has opened had no name before. */
static struct hc_value fd_is_named(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	struct hc_value name = fd_name(v, dom, fd, NULL);

	(void)arg;
	return name.type ? hc_value_bool(name.s.len) : absent();
}
LEAF(fd_is_named, HC_OBJ_FDOBJ, HC_VT_BOOL);

static struct hc_value fd_no_text(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	UNUSED_ARG;
	return has_fd(v, fd) ? hc_value_str(HC_STR("")) : absent();
}
FD_LEAF(fd_no_text, HC_VT_STR);

static struct hc_value row_name_changed(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	uint32_t fd = fctx_fdobj(&c), after = 0;
	struct fjson was = begin(v), is = begin(v);
	struct hc_str a, b;

	(void)arg;
	if (!fd)
		return absent();
	if (c.row->sock_col >= 0)
		after = hc_view_ref(v, dom, (unsigned)c.row->sock_col, entry);
	if (!after)
		return hc_value_bool(false);
	falco_sock_name(v, hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fd), &was);
	falco_sock_name(v, after, &is);
	a = fjson_end(&was);
	b = fjson_end(&is);
	return hc_value_bool(!hc_str_eq(a, b));
}
ROW_LEAF(row_name_changed, HC_VT_BOOL);

static struct hc_value row_fd_num(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	int64_t fd;

	(void)arg;
	return fctx_fd_num(&c, &fd) ? hc_value_i64(fd) : absent();
}
ROW_LEAF(row_fd_num, HC_VT_I64);

static struct hc_value row_fd_uid(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);
	int64_t fd;

	(void)arg;
	if (!fctx_fd_num(&c, &fd))
		return absent();
	fjson_i64(&out, hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_tid, fctx_task(&c), -1));
	fjson_i64(&out, fd);
	return falco_out_value(&out);
}
ROW_LEAF(row_fd_uid, HC_VT_STR);

/* 0: name, 1: directory */
static struct hc_value row_fd_container(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct hc_value id = falco_value_of_container_id(v, fctx_proc(&c)), name = { 0 }, dir;
	struct fjson out = begin(v);
	uint32_t fd = fctx_fdobj(&c), sock = 0;

	if (!id.type)
		return absent();
	fjson_bytes(&out, id.s.p, hc_str_eq(id.s, HC_STR("host")) ? 0 : id.s.len);
	fjson_char(&out, ':');
	if (!arg && c.row->sock_col >= 0)
		sock = hc_view_ref(v, dom, (unsigned)c.row->sock_col, entry); /* as it is after the call */
	if (!arg && (sock || fd)) {
		if (sock)
			falco_sock_name(v, sock, &out);
		else
			falco_fd_name(v, fd, &out);
		return falco_out_value(&out);
	}
	if (!arg && c.type == HC_EV_CONNECT)
		falco_sock_name(v, hc_view_ref(v, dom, HC_C_CONNECT_tuple, entry), &out);
	if (!arg) { /* the name that the arguments give */
		if (c.row->path_col >= 0)
			name = name_of_path(v, hc_view_ref(v, dom, (unsigned)c.row->path_col, entry),
			                    below_dirfd(c.type));
		if (name.type)
			fjson_bytes(&out, name.s.p, name.s.len);
		return falco_out_value(&out);
	}
	dir = fd ? fd_directory(v, HC_OBJ_FDOBJ, fd, NULL) : row_directory(v, dom, entry, NULL);
	if (!dir.type)
		return absent();
	fjson_bytes(&out, dir.s.p, dir.s.len);
	return falco_out_value(&out);
}
ROW_LEAF(row_fd_container, HC_VT_STR);

static struct hc_value fd_dev(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	int64_t dev;
	uint32_t major, minor;

	(void)dom;
	if (!has_fd(v, fd))
		return absent();
	dev = hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_dev, falco_fd_file(v, fd, true), 0);
	major = (uint32_t)(dev >> 20);
	minor = (uint32_t)(dev & 0xfffff);
	return hc_value_i64(arg_num(arg) == 1   ? major
	                    : arg_num(arg) == 2 ? minor
	                                        : (int64_t)((minor & 0xff) | major << 8 | (minor & ~0xffu) << 12));
}
LEAF(fd_dev, HC_OBJ_FDOBJ, HC_VT_I64);

static struct hc_value fd_ino(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	UNUSED_ARG;
	if (!has_fd(v, fd))
		return absent();
	return hc_value_i64(hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_ino, falco_fd_file(v, fd, false), 0));
}
LEAF(fd_ino, HC_OBJ_FDOBJ, HC_VT_I64);

static struct hc_value fd_layer(struct hc_view *v, unsigned dom, uint32_t fd, const void *arg)
{
	(void)dom;
	if (!has_fd(v, fd))
		return absent();
	return hc_value_bool(hc_view_int_or(v, HC_OBJ_FILE, HC_O_FILE_layer,
	                                    hc_view_ref(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_file, fd), 0) == arg_num(arg));
}
LEAF(fd_layer, HC_OBJ_FDOBJ, HC_VT_BOOL);

/* As given, repeated slashes squeezed. */
static struct hc_value path_squeezed(struct hc_view *v, unsigned dom, uint32_t path, const void *arg)
{
	struct hc_str s = falco_path_given(v, path);
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!s.p)
		return absent();
	if (!s.len || !memmem(s.p, s.len, "//", 2))
		return heap_text(v, HC_OBJ_PATH, HC_O_PATH_given, path);
	for (uint32_t i = 0; i < s.len; i++)
		if (!(i && s.p[i] == '/' && s.p[i - 1] == '/'))
			fjson_char(&out, s.p[i]);
	return falco_out_value(&out);
}
LEAF(path_squeezed, HC_OBJ_PATH, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

/* The same of a call without a directory's descriptor that opened nothing: a relative name is put together. */
static struct hc_value path_squeezed_name(struct hc_view *v, unsigned dom, uint32_t path, const void *arg)
{
	struct hc_str given = falco_path_given(v, path);

	return given.len && given.p[0] == '/' ? path_squeezed(v, dom, path, arg) : path_name(v, dom, path, arg);
}
LEAF(path_squeezed_name, HC_OBJ_PATH, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

/* Without a descriptor the name is made of the other parameters, or is empty. */
static const struct hc_access *or_rebuilt_name(struct fbinder *b, const struct hc_access *a)
{
	if (b->type == HC_EV_CONNECT) { /* a recorder's own rows have no ends of what is not connected */
		a = either(b, a, leaf(b, hop(b, b->at_row, HC_C_CONNECT_tuple), &leaf_sock_name, NULL));
		a = either(b, a, row(b, &leaf_row_addr_name, num_arg(HC_C_CONNECT_addr)));
	}
	if (b->type == HC_EV_ACCEPT)
		a = either(b, a, leaf(b, hop(b, b->at_row, HC_C_ACCEPT_tuple), &leaf_sock_name, NULL));
	if (b->type == HC_EV_ACCEPT4)
		a = either(b, a, leaf(b, hop(b, b->at_row, HC_C_ACCEPT4_tuple), &leaf_sock_name, NULL));
	if (b->type == HC_EV_ACCEPT || b->type == HC_EV_ACCEPT4) /* the text of the ends that are not there */
		return either(b, a, constant(b, hc_value_str(HC_STR("NULL"))));
	return either(b, a, constant(b, hc_value_str(HC_STR(""))));
}

static const struct hc_access *bind_fd_name(struct fbinder *b)
{
	const struct hc_access *a = leaf(b, b->fd, &leaf_fd_name, NULL);

	if (b->row->fd == FD_NONE)
		return NULL;
	if (b->row->sock_col >= 0)
		a = either(b, leaf(b, hop(b, b->at_row, (unsigned)b->row->sock_col), &leaf_sock_name, NULL), a);
	if (b->row->path_col >= 0)
		a = either(b, a,
		           leaf(b, hop(b, b->at_row, (unsigned)b->row->path_col),
		                below_dirfd(b->type) ? &leaf_path_name_at : &leaf_path_name, NULL));
	return or_rebuilt_name(b, a);
}

/* A value of the socket where there is one, else one of the descriptor. */
static const struct hc_access *bind_sock_or_fd(struct fbinder *b, const struct hc_leaf *of_sock,
                                               const struct hc_leaf *of_fd)
{
	const struct hc_access *a = leaf(b, b->fd, of_fd, NULL);

	if (b->row->sock_col >= 0)
		a = either(b, leaf(b, b->sock, of_sock, NULL), a);
	return a;
}

/* Without a descriptor, what the call would have opened; of open the original does not say it. */
static char typechar_of_call(const char *name)
{
	static const struct {
		const char *name;
		char c;
	} calls[] = {
		{ "openat", 'f' },         { "openat2", 'f' },      { "creat", 'f' },         { "socket", '4' },
		{ "accept", '4' },         { "accept4", '4' },      { "pipe", 'p' },          { "pipe2", 'p' },
		{ "eventfd", 'e' },        { "eventfd2", 'e' },     { "signalfd", 's' },      { "signalfd4", 's' },
		{ "timerfd_create", 't' }, { "inotify_init", 'i' }, { "inotify_init1", 'i' },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(name, calls[i].name))
			return calls[i].c;
	return 'o';
}

static const struct hc_access *bind_typechar(struct fbinder *b)
{
	const struct hc_access *a = bind_sock_or_fd(b, &leaf_sock_typechar, &leaf_fd_typechar);

	if (b->row->fd == FD_NONE)
		return NULL;
	return either(b, a, constant(b, letter(typechar_of_call(falco_row_name(b->type)))));
}

#define NO_DNS "names of addresses are not looked up when rules are replayed"

const struct hc_access *falco_bind_end(struct fbinder *b, bool port, bool other)
{
	b->why = (struct fwhy){ .field = port ? F_FD_PORT : F_FD_IP };
	return leaf(b, b->sock, port ? &leaf_sock_port : &leaf_sock_ip, num_arg(other ? END_OTHER : END_ONE));
}

/* Calls that open something that has a name at once. */
static bool gives_name(unsigned type)
{
	switch (type) {
	case HC_EV_OPEN:
	case HC_EV_OPENAT:
	case HC_EV_OPENAT2:
	case HC_EV_OPEN_BY_HANDLE_AT:
	case HC_EV_CREAT:
	case HC_EV_MEMFD_CREATE:
	case HC_EV_PIDFD_OPEN:
	case HC_EV_ACCEPT:
	case HC_EV_ACCEPT4:
		return true;
	default:
		return false;
	}
}

const struct hc_access *falco_bind_fd(struct fbinder *b, const struct fref *f)
{
	const struct hc_access *a;

	switch (f->id) {
	case F_FD_NUM:
		return b->row->fd == FD_ARG && !falco_makes_pair(b->type)
		               ? either(b, col(b, b->at_row, (unsigned)b->row->fd_col),
		                        row(b, &leaf_row_fd_num, NULL))
		       : b->row->fd != FD_NONE ? row(b, &leaf_row_fd_num, NULL)
		                               : NULL;
	case F_FD_TYPE:
		return bind_sock_or_fd(b, &leaf_sock_type, &leaf_fd_type);
	case F_FD_TYPECHAR:
		return bind_typechar(b);
	case F_FD_NAME:
		return bind_fd_name(b);
	case F_FD_DIRECTORY:
		if (b->row->fd == FD_NONE)
			return NULL;
		return either(b, leaf(b, b->fd, &leaf_fd_directory, NULL), row(b, &leaf_row_directory, NULL));
	case F_FD_FILENAME:
		return leaf(b, b->fd, &leaf_fd_filename, NULL);
	case F_FD_CIP:
	case F_FD_CNET:
		return leaf(b, b->sock, &leaf_sock_ip, num_arg(END_CLIENT));
	case F_FD_SIP:
	case F_FD_SNET:
		return leaf(b, b->sock, &leaf_sock_ip, num_arg(END_SERVER));
	case F_FD_LIP:
	case F_FD_LNET:
		return leaf(b, b->sock, &leaf_sock_ip, num_arg(END_LOCAL));
	case F_FD_RIP:
	case F_FD_RNET:
		return leaf(b, b->sock, &leaf_sock_ip, num_arg(END_PEER));
	case F_FD_CPORT:
		return leaf(b, b->sock, &leaf_sock_port, num_arg(END_CLIENT));
	case F_FD_SPORT:
		return leaf(b, b->sock, &leaf_sock_port, num_arg(END_SERVER));
	case F_FD_LPORT:
		return leaf(b, b->sock, &leaf_sock_port, num_arg(END_LOCAL));
	case F_FD_RPORT:
		return leaf(b, b->sock, &leaf_sock_port, num_arg(END_PEER));
	case F_FD_CPROTO:
		return leaf(b, b->sock, &leaf_sock_port_text, num_arg(END_CLIENT));
	case F_FD_SPROTO:
		return leaf(b, b->sock, &leaf_sock_port_text, num_arg(END_SERVER));
	case F_FD_LPROTO:
		return leaf(b, b->sock, &leaf_sock_port_text, num_arg(END_LOCAL));
	case F_FD_RPROTO:
		return leaf(b, b->sock, &leaf_sock_port_text, num_arg(END_PEER));
	case F_FD_L4PROTO:
		return either(b, leaf(b, b->sock, &leaf_sock_proto, NULL), leaf(b, b->fd, &leaf_fd_proto, NULL));
	case F_FD_SOCKFAMILY:
		return leaf(b, b->sock, &leaf_sock_family, NULL);
	case F_FD_IS_SERVER:
		return either(b, leaf(b, b->sock, &leaf_sock_is_server, NULL),
		              leaf(b, b->fd, &leaf_fd_false, NULL));
	case F_FD_UID:
		return row(b, &leaf_row_fd_uid, NULL);
	case F_FD_CONTAINERNAME:
		return b->row->fd == FD_NONE ? NULL : row(b, &leaf_row_fd_container, NULL);
	case F_FD_CONTAINERDIRECTORY:
		return b->row->fd == FD_NONE ? NULL : row(b, &leaf_row_fd_container, "");
	case F_FD_CONNECTED:
		return either(b, leaf(b, b->sock, &leaf_sock_connected, NULL),
		              leaf(b, b->fd, &leaf_fd_false, NULL));
	case F_FD_NAME_CHANGED:
		if (gives_name(b->type))
			return leaf(b, b->fd, &leaf_fd_is_named, NULL);
		if (b->row->sock_col < 0)
			return leaf(b, b->fd, &leaf_fd_false, NULL);
		return row(b, &leaf_row_name_changed, NULL);
	case F_FD_DEV:
		return leaf(b, b->fd, &leaf_fd_dev, NULL);
	case F_FD_DEV_MAJOR:
		return leaf(b, b->fd, &leaf_fd_dev, num_arg(1));
	case F_FD_DEV_MINOR:
		return leaf(b, b->fd, &leaf_fd_dev, num_arg(2));
	case F_FD_INO:
		return leaf(b, b->fd, &leaf_fd_ino, NULL);
	case F_FD_NAMERAW:
		if (b->row->fd == FD_NONE)
			return NULL;
		a = either(b, leaf(b, hop(b, b->fd, HC_O_FDOBJ_path), &leaf_path_squeezed, NULL),
		           leaf(b, b->fd, &leaf_fd_no_text, NULL));
		if (b->row->path_col >= 0)
			a = either(b, a,
			           leaf(b, hop(b, b->at_row, (unsigned)b->row->path_col),
			                below_dirfd(b->type) ? &leaf_path_squeezed : &leaf_path_squeezed_name,
			                NULL));
		return or_rebuilt_name(b, a);
	case F_FD_IS_UPPER_LAYER:
		return leaf(b, b->fd, &leaf_fd_layer, num_arg(1));
	case F_FD_IS_LOWER_LAYER:
		return leaf(b, b->fd, &leaf_fd_layer, num_arg(2));
	case F_FD_CIP_NAME:
	case F_FD_SIP_NAME:
	case F_FD_LIP_NAME:
	case F_FD_RIP_NAME:
		why(b, NO_DNS, NULL, NULL);
		return NULL;
	case F_FD_TYPES:
		why(b, "the table of open descriptors is not recorded", "table of descriptors", NULL);
		if (b->row->fd == FD_NONE)
			return NULL;
		return f->arg == FARG_NONE ? leaf(b, b->task, &leaf_task_fd_types, NULL)
		       : f->index < 3
		               ? leaf(b, hop(b, b->task, HC_O_TASK_std0 + (unsigned)f->index), &leaf_fd_type, NULL)
		               : NULL;
	default:
		return NULL; /* fd.ip, fd.port, fd.net: of filters only */
	}
}

const struct hc_access *falco_bind_std(struct fbinder *b, unsigned which, bool type)
{
	static const unsigned cols[] = { HC_O_IMAGE_std0, HC_O_IMAGE_std1, HC_O_IMAGE_std2 };
	const struct hc_leaf *of = type ? &leaf_fd_type : &leaf_fd_name;

	/* imported captures have what is open now; others know what the program was begun with */
	return either(b, leaf(b, hop(b, b->task, HC_O_TASK_std0 + which), of, NULL),
	              leaf(b, hop(b, b->image, cols[which]), of, NULL));
}
