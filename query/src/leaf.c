/*
 * From an entry of a block to a value. Objects are followed to a fixed depth, so that a hostile block whose
 * objects refer to each other in circles costs no more than another. Computed texts go to the capture's scratch
 * buffer.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "sql_priv.h"
#include "store/base/utf8.h"
#include "store/render.h"

static void set_int(struct q_val *ret, int64_t i)
{
	*ret = (struct q_val){ .type = Q_INTEGER, .i = i };
}

static void set_str(struct q_val *ret, struct hc_str s)
{
	*ret = (struct q_val){ .type = s.p ? Q_TEXT : Q_NULL, .s = s };
}

static void set_c(struct q_val *ret, const char *text)
{
	set_str(ret, hc_str_c(text));
}

/* What stands in the scratch buffer. */
static void set_scratch(struct q_cap *cap, struct q_val *ret)
{
	set_str(ret, (struct hc_str){ cap->scratch.p ? cap->scratch.p : "", (uint32_t)cap->scratch.n });
}

static struct q_buf *scratch(struct q_cap *cap)
{
	cap->scratch.n = 0;
	return &cap->scratch;
}

static const struct hc_col_desc *col_desc(unsigned dom, unsigned col)
{
	const struct hc_table_desc *d = HC_DOM_IS_ROWS(dom) ? hc_event_desc(HC_DOM_EVENT(dom)) : hc_obj_desc(dom);

	return d && col < d->n_cols ? &d->cols[col] : NULL;
}

static void render(struct q_cap *cap, const struct hc_col_desc *c, int64_t v, struct q_val *ret)
{
	struct q_buf *b = scratch(cap);
	char text[HC_RENDER_MAX];

	hc_q_put(b, text, hc_render_int(c->fmt, v, c->is_signed, text, sizeof(text)));
	set_scratch(cap, ret);
}

/* ---- texts of objects, appended to a buffer; false where there is nothing to say ---- */

/* Arguments are shown as the caller meant them, what the kernel keeps (executables, directories) as the kernel
 * names it. */
static struct hc_str path_text(const struct q_block *b, uint32_t path, bool real_first)
{
	static const uint8_t orders[2][3] = { { HC_O_PATH_abs, HC_O_PATH_real, HC_O_PATH_given },
		                              { HC_O_PATH_real, HC_O_PATH_abs, HC_O_PATH_given } };
	struct hc_str s = { NULL, 0 };

	for (unsigned i = 0; i < 3 && !s.p && path; i++)
		s = hc_view_text(b->view, HC_OBJ_PATH, orders[real_first][i], path);
	return s;
}

static bool put_end(struct q_buf *out, const struct q_block *b, uint32_t sock, unsigned addr_col,
                    unsigned port_col)
{
	struct hc_str raw = hc_view_bytes(b->view, hc_view_ref(b->view, HC_OBJ_SOCK, addr_col, sock));
	int64_t port = hc_view_int_or(b->view, HC_OBJ_SOCK, port_col, sock, -1);
	char text[HC_RENDER_ADDR_MAX];

	if (!raw.p)
		return false;
	hc_q_put(out, text, hc_render_endpoint(raw, port, text, sizeof(text)));
	return true;
}

/* An abstract name begins with NUL, and is shown with @ in its place. */
static void put_unix(struct q_buf *out, struct hc_str s)
{
	if (s.len && !s.p[0]) {
		hc_q_put_c(out, "@");
		s.p++;
		s.len--;
	}
	hc_q_put(out, s.p, s.len);
}

static bool put_sock(struct q_buf *out, const struct q_block *b, uint32_t sock)
{
	struct hc_str local = hc_view_text(b->view, HC_OBJ_SOCK, HC_O_SOCK_local_path, sock);
	struct hc_str peer = hc_view_text(b->view, HC_OBJ_SOCK, HC_O_SOCK_peer_path, sock);
	int64_t family = hc_view_int_or(b->view, HC_OBJ_SOCK, HC_O_SOCK_family, sock, -1);
	const char *name = hc_enum_name(HC_FMT_EN_AF, family);
	size_t before = out->n;

	if (!sock)
		return false;
	if (local.len || peer.len) {
		hc_q_put_c(out, "unix:");
		put_unix(out, local);
		if (peer.len) {
			hc_q_put_c(out, "->");
			put_unix(out, peer);
		}
		return true;
	}
	if (family == AF_VSOCK && (hc_view_ref(b->view, HC_OBJ_SOCK, HC_O_SOCK_local_addr, sock) ||
	                           hc_view_ref(b->view, HC_OBJ_SOCK, HC_O_SOCK_peer_addr, sock)))
		hc_q_put_c(out, "vsock:");
	put_end(out, b, sock, HC_O_SOCK_local_addr, HC_O_SOCK_local_port);
	if (hc_view_ref(b->view, HC_OBJ_SOCK, HC_O_SOCK_peer_addr, sock)) {
		hc_q_put_c(out, "->");
		put_end(out, b, sock, HC_O_SOCK_peer_addr, HC_O_SOCK_peer_port);
	}
	if (out->n == before && name) { /* not bound, not connected: at least the family */
		hc_q_put_c(out, name);
	}
	return out->n > before;
}

/* The name a person knows an open file by. */
static bool put_fd(struct q_buf *out, const struct q_block *b, uint32_t fd)
{
	uint32_t path = hc_view_ref(b->view, HC_OBJ_FDOBJ, HC_O_FDOBJ_path, fd);
	struct hc_str s = path_text(b, path, false);
	int64_t kind = hc_view_int_or(b->view, HC_OBJ_FDOBJ, HC_O_FDOBJ_what, fd, -1), target;
	const char *kind_name = hc_enum_name(HC_FMT_EN_FD_KIND, kind);
	size_t before = out->n;

	if (!fd)
		return false;
	if (s.p) {
		hc_q_put(out, s.p, s.len);
		return true;
	}
	if (put_sock(out, b, hc_view_ref(b->view, HC_OBJ_FDOBJ, HC_O_FDOBJ_sock, fd)))
		return true;
	s = hc_view_text(b->view, HC_OBJ_FDOBJ, HC_O_FDOBJ_name, fd);
	if (kind_name && kind != HC_FD_UNKNOWN && kind != HC_FD_ANON)
		hc_q_put_c(out, kind_name);
	if (s.len) {
		if (out->n > before)
			hc_q_put_c(out, ":");
		hc_q_put(out, s.p, s.len);
	} else if (hc_view_int(b->view, HC_OBJ_FDOBJ, HC_O_FDOBJ_target, fd, &target) && out->n > before) {
		hc_q_put_c(out, ":[");
		hc_q_put_int(out, target, false);
		hc_q_put_c(out, "]");
	}
	return out->n > before;
}

static bool put_file(struct q_buf *out, const struct q_block *b, uint32_t file)
{
	int64_t dev, ino;
	char text[HC_RENDER_MAX];

	if (!hc_view_int(b->view, HC_OBJ_FILE, HC_O_FILE_ino, file, &ino))
		return false;
	if (hc_view_int(b->view, HC_OBJ_FILE, HC_O_FILE_dev, file, &dev)) {
		hc_q_put(out, text, hc_render_int(HC_FMT_DEV, dev, false, text, sizeof(text)));
		hc_q_put_c(out, "/");
	}
	hc_q_put_int(out, ino, false);
	return true;
}

static void put_strs(struct q_buf *out, const struct q_block *b, uint32_t list)
{
	uint32_t n;
	const uint32_t *refs = hc_view_strs(b->view, list, &n);

	hc_q_put_c(out, "[");
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			hc_q_put_c(out, ",");
		if (refs[i])
			hc_q_put_json(out, hc_view_str(b->view, refs[i]));
		else
			hc_q_put_c(out, "null");
	}
	hc_q_put_c(out, "]");
}

static void put_ints(struct q_buf *out, const struct q_block *b, uint32_t list)
{
	uint32_t n;
	const int64_t *v = hc_view_ints(b->view, list, &n);

	hc_q_put_c(out, "[");
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			hc_q_put_c(out, ",");
		hc_q_put_int(out, v[i], true);
	}
	hc_q_put_c(out, "]");
}

static void guid_text(struct q_buf *out, const struct q_block *b, int64_t pid, uint64_t start_ns)
{
	hc_q_put_c(out, b->boot);
	hc_q_put_c(out, "-");
	hc_q_put_int(out, pid, true);
	hc_q_put_c(out, "-");
	hc_q_put_int(out, (int64_t)start_ns, false);
}

/* ---- leaves ---- */

static void exe_of(const struct q_block *b, uint32_t image, struct q_val *ret)
{
	set_str(ret, path_text(b, hc_view_ref(b->view, HC_OBJ_IMAGE, HC_O_IMAGE_exe, image), true));
}

static void name_or_id(const struct q_block *b, unsigned dom, uint32_t entry, struct q_val *ret)
{
	unsigned name = dom == HC_OBJ_USER ? HC_O_USER_name : HC_O_GROUP_name;
	int64_t id;

	set_str(ret, hc_view_text(b->view, dom, name, entry));
	if (!ret->type &&
	    hc_view_int(b->view, dom, dom == HC_OBJ_USER ? HC_O_USER_uid : HC_O_GROUP_gid, entry, &id))
		set_int(ret, id);
}

static void main_value(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, bool real_first,
                       struct q_val *ret)
{
	int64_t v;

	*ret = (struct q_val){ 0 };
	if (!entry)
		return;
	switch (dom) {
	case HC_OBJ_PATH:
		set_str(ret, path_text(b, entry, real_first));
		break;
	case HC_OBJ_FILE:
		if (put_file(scratch(cap), b, entry))
			set_scratch(cap, ret);
		break;
	case HC_OBJ_SOCK:
		if (put_sock(scratch(cap), b, entry))
			set_scratch(cap, ret);
		break;
	case HC_OBJ_FDOBJ:
		if (put_fd(scratch(cap), b, entry))
			set_scratch(cap, ret);
		break;
	case HC_OBJ_IMAGE:
		exe_of(b, entry, ret);
		break;
	case HC_OBJ_CTR:
		set_str(ret, hc_view_text(b->view, dom, HC_O_CTR_id, entry));
		break;
	case HC_OBJ_USER:
	case HC_OBJ_GROUP:
		name_or_id(b, dom, entry, ret);
		break;
	case HC_OBJ_PROC:
		if (hc_view_int(b->view, dom, HC_O_PROC_pid, entry, &v))
			set_int(ret, v);
		break;
	case HC_OBJ_TASK:
		if (hc_view_int(b->view, dom, HC_O_TASK_tid, entry, &v))
			set_int(ret, v);
		break;
	case HC_OBJ_STR:
		set_str(ret, hc_view_str(b->view, entry));
		break;
	case HC_OBJ_BYTES:
		set_str(ret, hc_view_bytes(b->view, entry));
		ret->type = ret->type ? Q_BLOB : Q_NULL;
		break;
	case HC_OBJ_STRS:
		put_strs(scratch(cap), b, entry);
		set_scratch(cap, ret);
		break;
	case HC_OBJ_INTS:
		put_ints(scratch(cap), b, entry);
		set_scratch(cap, ret);
		break;
	default:
		break;
	}
}

void hc_q_leaf_main(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                    struct q_val *ret)
{
	main_value(cap, b, dom, entry, arg != 0, ret);
}

void hc_q_leaf_json(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                    struct q_val *ret)
{
	(void)arg;
	main_value(cap, b, dom, entry, false, ret);
}

void hc_q_leaf_has(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                   struct q_val *ret)
{
	(void)cap;
	(void)b;
	(void)dom;
	(void)arg;
	*ret = (struct q_val){ 0 };
	if (entry)
		set_int(ret, 1);
}

/* Descriptors are known by the name at open (abs); what processes and images keep, by the kernel's name (real). */
static bool keeps_real(unsigned dom)
{
	return dom == HC_OBJ_PROC || dom == HC_OBJ_IMAGE;
}

void hc_q_leaf_col(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                   struct q_val *ret)
{
	const struct hc_col_desc *c = col_desc(dom, arg);
	int64_t v;

	*ret = (struct q_val){ 0 };
	if (!c || !entry)
		return;
	if (!c->ref) {
		if (hc_view_int(b->view, dom, arg, entry, &v))
			set_int(ret, v);
		return;
	}
	entry = hc_view_ref(b->view, dom, arg, entry);
	if (c->ref == HC_OBJ_BYTES && entry && (c->fmt == HC_FMT_IP || c->fmt == HC_FMT_HEX)) {
		struct hc_str raw = hc_view_bytes(b->view, entry);
		char text[HC_RENDER_MAX];

		hc_q_put(scratch(cap), text,
		         c->fmt == HC_FMT_IP ? hc_render_ip(raw, text, sizeof(text))
		                             : hc_render_hex(raw, text, sizeof(text)));
		set_scratch(cap, ret);
		return;
	}
	main_value(cap, b, c->ref, entry, keeps_real(dom), ret);
}

void hc_q_leaf_col_text(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                        struct q_val *ret)
{
	const struct hc_col_desc *c = col_desc(dom, arg);
	int64_t v;

	*ret = (struct q_val){ 0 };
	if (c && hc_view_int(b->view, dom, arg, entry, &v))
		render(cap, c, v, ret);
}

void hc_q_leaf_col_time(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                        struct q_val *ret)
{
	const struct hc_col_desc *c = col_desc(dom, arg);
	char text[HC_RENDER_TIME_MAX];
	int64_t v;

	*ret = (struct q_val){ 0 };
	if (!c || !hc_view_int(b->view, dom, arg, entry, &v))
		return;
	if (c->fmt == HC_FMT_BOOT)
		v = (int64_t)((uint64_t)v + (uint64_t)b->meta->info.wall_offset_ns);
	hc_q_put(scratch(cap), text, hc_render_time(v, text, sizeof(text)));
	set_scratch(cap, ret);
}

/* Through the reference in the upper byte of arg to another object. */
static uint32_t hop(const struct q_block *b, unsigned *dom, uint32_t entry, unsigned col)
{
	const struct hc_col_desc *c = col_desc(*dom, col);

	if (!c || !c->ref || !entry)
		return 0;
	entry = hc_view_ref(b->view, *dom, col, entry);
	*dom = c->ref;
	return entry;
}

void hc_q_leaf_hop(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                   struct q_val *ret)
{
	entry = hop(b, &dom, entry, arg >> 8);
	hc_q_leaf_col(cap, b, dom, entry, arg & 0xff, ret);
}

void hc_q_leaf_hop_text(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                        struct q_val *ret)
{
	entry = hop(b, &dom, entry, arg >> 8);
	hc_q_leaf_col_text(cap, b, dom, entry, arg & 0xff, ret);
}

void hc_q_leaf_hop2(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                    struct q_val *ret)
{
	entry = hop(b, &dom, entry, arg >> 8);
	entry = hop(b, &dom, entry, HC_O_PROC_image);
	hc_q_leaf_col(cap, b, dom, entry, arg & 0xff, ret);
}

void hc_q_leaf_exe_file(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                        struct q_val *ret)
{
	entry = hop(b, &dom, entry, HC_O_PROC_image);
	entry = hop(b, &dom, entry, HC_O_IMAGE_exe_file);
	hc_q_leaf_col(cap, b, dom, entry, arg, ret);
}

void hc_q_leaf_guid(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                    struct q_val *ret)
{
	int64_t pid, start;

	(void)arg;
	*ret = (struct q_val){ 0 };
	if (dom != HC_OBJ_PROC || !hc_view_int(b->view, dom, HC_O_PROC_pid, entry, &pid) ||
	    !hc_view_int(b->view, dom, HC_O_PROC_start_ns, entry, &start))
		return;
	guid_text(scratch(cap), b, pid, (uint64_t)start);
	set_scratch(cap, ret);
}

void hc_q_leaf_hop_guid(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                        struct q_val *ret)
{
	entry = hop(b, &dom, entry, arg);
	hc_q_leaf_guid(cap, b, dom, entry, 0, ret);
}

/* The arguments as given, joined by spaces; nothing is quoted: argv has them exactly. */
void hc_q_leaf_cmdline(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                       struct q_val *ret)
{
	uint32_t n, image = hop(b, &dom, entry, HC_O_PROC_image);
	uint32_t list = hc_view_ref(b->view, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image);
	const uint32_t *refs = hc_view_strs(b->view, list, &n);
	struct q_buf *out = scratch(cap);

	(void)arg;
	*ret = (struct q_val){ 0 };
	if (!list)
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str s = hc_view_str(b->view, refs[i]);

		if (i)
			hc_q_put_c(out, " ");
		hc_q_put(out, s.p, s.len);
	}
	set_scratch(cap, ret);
}

static void put_printable(struct q_buf *out, struct hc_str s)
{
	for (uint32_t i = 0; i < s.len;) {
		uint32_t c;
		unsigned len = hc_utf8(s.p + i, s.len - i, &c);
		char text[8];

		if (len && (c >= 0x20 || c == '\n' || c == '\t') && c != 0x7f) {
			hc_q_put(out, s.p + i, len);
			i += len;
			continue;
		}
		hc_q_put(out, text, (size_t)snprintf(text, sizeof(text), "\\x%02x", (uint8_t)s.p[i]));
		i++;
	}
}

void hc_q_leaf_bytes_text(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                          struct q_val *ret)
{
	(void)dom;
	(void)arg;
	*ret = (struct q_val){ 0 };
	if (!entry)
		return;
	put_printable(scratch(cap), hc_view_bytes(b->view, entry));
	set_scratch(cap, ret);
}

void hc_q_leaf_sockaddr(struct q_cap *cap, const struct q_block *b, unsigned dom, uint32_t entry, unsigned arg,
                        struct q_val *ret)
{
	struct hc_str raw = hc_view_bytes(b->view, entry);
	char text[HC_RENDER_MAX];
	unsigned family, at, len;
	const uint8_t *p = (const uint8_t *)raw.p;

	(void)dom;
	*ret = (struct q_val){ 0 };
	if (!entry || raw.len < 2)
		return;
	family = (unsigned)(p[0] | p[1] << 8);
	at = family == 2 && raw.len >= 8 ? 4 : family == 10 && raw.len >= 24 ? 8 : 0; /* AF_INET, AF_INET6 */
	len = at == 4 ? 4 : 16;
	switch (arg) {
	case Q_SOCKADDR_FAMILY:
		hc_q_put(scratch(cap), text, hc_render_int(HC_FMT_EN_AF, family, false, text, sizeof(text)));
		break;
	case Q_SOCKADDR_ADDR:
		if (!at)
			return;
		hc_q_put(scratch(cap), text, hc_render_ip((struct hc_str){ raw.p + at, len }, text, sizeof(text)));
		break;
	case Q_SOCKADDR_PORT:
		if (at)
			set_int(ret, p[2] << 8 | p[3]);
		return;
	default:
		hc_q_put(scratch(cap), text, hc_render_sockaddr(raw, text, sizeof(text)));
	}
	set_scratch(cap, ret);
}

/* ---- rows ---- */

/* name=value for every argument that is there: an event on one line. */
static void put_arg(struct q_cap *cap, const struct q_block *b, unsigned type, uint32_t entry, unsigned col)
{
	const struct hc_table_desc *d = hc_event_desc(type);
	const struct hc_col_desc *c = &d->cols[col];
	unsigned dom = HC_DOM_ROWS(type), second = 0;
	struct q_buf *out = &cap->scratch;
	char text[HC_RENDER_MAX];
	struct hc_str s;
	int64_t v;

	if (c->ref) {
		uint32_t ref = hc_view_ref(b->view, dom, col, entry);
		size_t at;

		if (!ref)
			return;
		hc_q_put_c(out, out->n ? " " : "");
		hc_q_put_c(out, c->name);
		hc_q_put_c(out, "=");
		at = out->n;
		switch (c->ref) {
		case HC_OBJ_PATH:
			s = path_text(b, ref, false);
			put_printable(out, s);
			break;
		case HC_OBJ_STR:
			put_printable(out, hc_view_str(b->view, ref));
			break;
		case HC_OBJ_BYTES:
			s = hc_view_bytes(b->view, ref);
			if (c->kind == HC_KIND_ADDR)
				put_printable(out, (struct hc_str){ text, (uint32_t)hc_render_sockaddr(
										  s, text, sizeof(text)) });
			else if (c->fmt == HC_FMT_PLAIN)
				put_printable(out, s);
			else
				hc_q_put(out, text, hc_render_hex(s, text, sizeof(text)));
			break;
		case HC_OBJ_STRS:
			put_strs(out, b, ref);
			break;
		case HC_OBJ_INTS:
			put_ints(out, b, ref);
			break;
		case HC_OBJ_FILE:
			put_file(out, b, ref);
			break;
		case HC_OBJ_SOCK:
			put_sock(out, b, ref);
			break;
		case HC_OBJ_FDOBJ:
			put_fd(out, b, ref);
			break;
		case HC_OBJ_PROC:
			hc_q_put_int(out, hc_view_int_or(b->view, HC_OBJ_PROC, HC_O_PROC_pid, ref, 0), true);
			break;
		case HC_OBJ_CTR:
			s = hc_view_text(b->view, HC_OBJ_CTR, HC_O_CTR_id, ref);
			put_printable(out, s);
			break;
		default:
			break;
		}
		if (out->n == at)
			hc_q_put_c(out, "?");
		return;
	}
	if (!hc_view_int(b->view, dom, col, entry, &v))
		return;
	hc_q_put_c(out, out->n ? " " : "");
	hc_q_put_c(out, c->name);
	hc_q_put_c(out, "=");
	if (c->kind == HC_KIND_FD && v == -100)
		hc_q_put_c(out, "AT_FDCWD");
	else
		hc_q_put(out, text, hc_render_int(c->fmt, v, c->is_signed, text, sizeof(text)));
	if (c->kind != HC_KIND_FD && c->kind != HC_KIND_PID)
		return;
	second = hc_view_ref(b->view, dom, col + 1, entry);
	if (!second)
		return;
	hc_q_put_c(out, "(");
	if (c->kind == HC_KIND_FD)
		put_fd(out, b, second);
	else
		put_printable(out, hc_view_text(b->view, HC_OBJ_PROC, HC_O_PROC_comm, second));
	hc_q_put_c(out, ")");
}

static void args_text(struct q_cap *cap, const struct q_block *b, unsigned type, uint32_t entry, struct q_val *ret)
{
	const struct hc_table_desc *d = hc_event_desc(type);
	int64_t nr;

	hc_q_put(scratch(cap), "", 0);
	if (type == HC_EV_SYS && hc_view_int(b->view, HC_DOM_ROWS(type), HC_COL_NR, entry, &nr)) {
		hc_q_put_c(&cap->scratch, "nr="); /* of which call it is nothing else tells */
		hc_q_put_int(&cap->scratch, nr, false);
	}
	for (unsigned i = 0; d && i < d->n_args; i++)
		put_arg(cap, b, type, entry, d->arg_cols[i]);
	set_scratch(cap, ret);
}

static void error_name(const struct q_block *b, unsigned dom, uint32_t entry, struct q_val *ret)
{
	int64_t v;

	if (hc_view_int(b->view, dom, HC_COL_RET, entry, &v) && v < 0 && v >= -4095)
		set_c(ret, hc_enum_name(HC_FMT_ERRNO, -v));
}

static void row_field(struct q_cap *cap, const struct q_block *b, uint32_t row, const struct q_col *c,
                      struct q_val *ret)
{
	unsigned type = b->rows.type[row], dom = HC_DOM_ROWS(type);
	uint32_t entry = b->rows.pos[row] + 1;
	const struct hc_table_desc *d = hc_event_desc(type);
	int64_t wall = (int64_t)(b->rows.ts_ns[row] + (uint64_t)b->meta->info.wall_offset_ns);
	char text[HC_RENDER_TIME_MAX];

	switch (c->col) {
	case Q_ROW_SEQ:
		set_int(ret, (int64_t)b->rows.seq[row]);
		break;
	case Q_ROW_TIME:
		hc_q_put(scratch(cap), text, hc_render_time(wall, text, sizeof(text)));
		set_scratch(cap, ret);
		break;
	case Q_ROW_TYPE:
		set_c(ret, d ? d->name : NULL);
		break;
	case Q_ROW_CLASS:
		set_c(ret, d ? hc_class_name(d->cls) : NULL);
		break;
	case Q_ROW_CPU:
		set_int(ret, b->rows.cpu[row]);
		break;
	case Q_ROW_TS_NS:
		set_int(ret, (int64_t)b->rows.ts_ns[row]);
		break;
	case Q_ROW_WALL_NS:
		set_int(ret, wall);
		break;
	case Q_ROW_BOOT:
		set_c(ret, b->boot);
		break;
	case Q_ROW_NODE:
		set_c(ret, b->seg->header.node);
		break;
	case Q_ROW_STREAM:
		set_c(ret, hc_stream_name(b->meta->info.stream));
		break;
	case Q_ROW_ERROR:
		error_name(b, dom, entry, ret);
		break;
	case Q_ROW_ARGS:
		args_text(cap, b, type, entry, ret);
		break;
	case Q_ROW_TIME_OF:
		hc_q_leaf_col_time(cap, b, dom, entry, c->arg, ret);
		break;
	case Q_ROW_TEXT_OF:
		hc_q_leaf_col_text(cap, b, dom, entry, c->arg, ret);
		break;
	default:
		break;
	}
}

uint32_t hc_q_row_entry(const struct q_block *b, uint32_t row, const struct q_col *c, unsigned *ret_dom)
{
	unsigned type = b->rows.type[row], dom = HC_DOM_ROWS(type);
	uint32_t entry = b->rows.pos[row] + 1, task;
	int col;

	switch (c->from) {
	case Q_FROM_TASK:
		*ret_dom = HC_OBJ_TASK;
		return hc_view_ref(b->view, dom, HC_COL_TASK, entry);
	case Q_FROM_PROC:
		*ret_dom = HC_OBJ_PROC;
		if (type == HC_EV_PROC_EXEC) {
			uint32_t after = hc_view_ref(b->view, dom, HC_C_PROC_EXEC_proc_after, entry);

			if (after)
				return after;
		}
		task = hc_view_ref(b->view, dom, HC_COL_TASK, entry);
		return hc_view_ref(b->view, HC_OBJ_TASK, HC_O_TASK_proc, task);
	case Q_FROM_REF:
		*ret_dom = hc_event_desc(type)->cols[c->col].ref;
		return hc_view_ref(b->view, dom, c->col, entry);
	case Q_FROM_PATH:
		*ret_dom = HC_OBJ_PATH;
		col = hc_q_path_col(type, c->col);
		return col < 0 ? 0 : hc_view_ref(b->view, dom, (unsigned)col, entry);
	case Q_FROM_FDOBJ:
		*ret_dom = HC_OBJ_FDOBJ;
		col = hc_q_fdobj_col(type);
		return col < 0 ? 0 : hc_view_ref(b->view, dom, (unsigned)col, entry);
	default:
		*ret_dom = 0;
		return 0;
	}
}

void hc_q_row_value(struct q_cap *cap, const struct q_block *b, uint32_t row, const struct q_col *c,
                    struct q_val *ret)
{
	unsigned type = b->rows.type[row], dom = HC_DOM_ROWS(type);
	uint32_t entry = b->rows.pos[row] + 1;
	int col = c->col;
	int64_t v;

	*ret = (struct q_val){ 0 };
	switch (c->from) {
	case Q_FROM_ROW:
		row_field(cap, b, row, c, ret);
		return;
	case Q_FROM_FD:
		if (hc_q_made_col(type) >= 0) {
			if (hc_view_int(b->view, dom, HC_COL_RET, entry, &v) && v >= 0)
				set_int(ret, v);
			return;
		}
		col = hc_q_fd_col(type);
		if (col < 0)
			return;
		__attribute__((fallthrough));
	case Q_FROM_INT:
		if (hc_view_int(b->view, dom, (unsigned)col, entry, &v))
			set_int(ret, v);
		return;
	case Q_FROM_SELF:
	case Q_FROM_LIST:
		return;
	default:
		entry = hc_q_row_entry(b, row, c, &dom);
		if (entry)
			c->leaf(cap, b, dom, entry, c->arg, ret);
	}
}
