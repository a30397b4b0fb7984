/* Blocks of a scap file, one item at a time. Lists are read entry by entry, events as whole blocks. */
#include "scap_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "store/base/file.h"
#include "store/base/rd.h"

struct hc_scap_reader {
	struct hc_scap_stream *in;
	struct hc_scap_conv *conv;
	char name[256];
	struct hc_scap_item item;
	struct hc_scap_stats stats;
	struct hc_str param[HC_SCAP_MAX_PARAMS]; /* those from n_param on are empty */
	uint32_t n_param;
	bool begun;          /* a section header was read */
	uint32_t list;       /* type of the list that is being read; 0: none */
	uint32_t list_total; /* its block's total length */
	uint32_t list_left;  /* bytes of its body that are to come, padding included */
	int64_t list_tid;
	bool list_first;
	size_t consumed; /* of the stream, by the item that was given out last */
	int failed;
	struct hc_err why;
};

static int damaged(struct hc_scap_reader *r, uint64_t off, struct hc_err *err, const char *what)
{
	return hc_err_off(err, -EBADMSG, r->name, off, "%s (offset in the uncompressed file)", what);
}

/* n bytes at the next place, all of them. */
static int need(struct hc_scap_reader *r, size_t n, const uint8_t **ret, struct hc_err *err)
{
	int64_t got = hc_scap_stream_need(r->in, n, ret, err);

	if (got < 0)
		return (int)got;
	if ((size_t)got < n)
		return hc_err_off(err, -EBADMSG, r->name, hc_scap_stream_off(r->in),
		                  "the file ends here inside a block: %zu more bytes are missing at least "
		                  "(offset in the uncompressed file)",
		                  n - (size_t)got);
	return 0;
}

static uint8_t list_version(uint32_t type)
{
	switch (type) {
	case HC_SCAP_B_PROCS:
		return 9;
	case 0x214:
		return 8;
	case 0x213:
		return 7;
	case 0x212:
		return 6;
	case 0x211:
		return 5;
	case 0x210:
		return 4;
	case 0x209:
	case 0x8014ABCD:
		return 3;
	case 0x207:
	case 0x8013ABCD:
		return 2;
	case 0x202:
	case 0x8000ABCD:
		return 1;
	default:
		return 0;
	}
}

enum block { UNKNOWN, SECTION, MACHINE, PROCS, FDS, IFACES, USERS, EVENT };

static enum block block_of(uint32_t type, bool *ret_v2, bool *ret_flags)
{
	*ret_v2 = *ret_flags = false;
	switch (type) {
	case HC_SCAP_B_SECTION:
		return SECTION;
	case HC_SCAP_B_MACHINE:
	case 0x8002ABCD:
		return MACHINE;
	case HC_SCAP_B_EVENT_FLAGS:
	case HC_SCAP_B_LARGE_FLAGS:
		*ret_flags = true;
		__attribute__((fallthrough));
	case HC_SCAP_B_EVENT:
	case HC_SCAP_B_LARGE:
		*ret_v2 = true;
		return EVENT;
	case 0x208:
		*ret_flags = true;
		__attribute__((fallthrough));
	case 0x204:
	case 0x8010ABCD:
		return EVENT;
	case HC_SCAP_B_FDS:
		*ret_v2 = true;
		__attribute__((fallthrough));
	case 0x203:
	case 0x8001ABCD:
		return FDS;
	case HC_SCAP_B_IFACES:
		*ret_v2 = true;
		__attribute__((fallthrough));
	case 0x205:
	case 0x8011ABCD:
		return IFACES;
	case HC_SCAP_B_USERS:
		*ret_v2 = true;
		__attribute__((fallthrough));
	case 0x206:
	case 0x8012ABCD:
		return USERS;
	default:
		return list_version(type) ? PROCS : UNKNOWN;
	}
}

static struct hc_str text16(struct hc_rd *rd)
{
	uint16_t n = hc_rd_u16(rd);
	const uint8_t *p = hc_rd_bytes(rd, n);

	return (struct hc_str){ (const char *)p, p ? n : 0 };
}

/* ---- entries of lists: from `rd`, which is left after them ---- */

static void parse_proc_tail(struct hc_rd *rd, struct hc_scap_proc *p)
{
	if (hc_rd_left(rd) > 29) {
		p->pidns_init_start_ns = hc_rd_u64(rd);
		p->tty = hc_rd_u32(rd);
		p->has |= HC_SCAP_HAS_PIDNS;
	}
	if (hc_rd_left(rd)) {
		p->loginuid = hc_rd_u32(rd);
		p->has |= HC_SCAP_HAS_LOGINUID;
	}
	if (hc_rd_left(rd)) {
		p->exe_writable = hc_rd_u8(rd);
		p->has |= HC_SCAP_HAS_WRITABLE;
	}
	if (hc_rd_left(rd)) {
		p->cap_inheritable = hc_rd_u64(rd);
		p->cap_permitted = hc_rd_u64(rd);
		p->cap_effective = hc_rd_u64(rd);
		p->has |= HC_SCAP_HAS_CAPS;
	}
	if (hc_rd_left(rd)) {
		p->exe_upper_layer = hc_rd_u8(rd);
		p->has |= HC_SCAP_HAS_UPPER;
	}
	if (hc_rd_left(rd)) {
		p->exe_ino = hc_rd_u64(rd);
		p->exe_ctime_ns = hc_rd_u64(rd);
		p->exe_mtime_ns = hc_rd_u64(rd);
		p->has |= HC_SCAP_HAS_EXE_INO;
	}
	if (hc_rd_left(rd)) {
		p->exe_from_memfd = hc_rd_u8(rd);
		p->has |= HC_SCAP_HAS_MEMFD;
	}
	if (hc_rd_left(rd)) {
		p->exe_lower_layer = hc_rd_u8(rd);
		p->has |= HC_SCAP_HAS_LOWER;
	}
	if (hc_rd_left(rd)) {
		p->pgid = (int64_t)hc_rd_u64(rd);
		p->has |= HC_SCAP_HAS_PGID;
	}
}

static void parse_proc(struct hc_rd *rd, unsigned version, struct hc_scap_proc *p)
{
	static const uint16_t has[] = {
		[2] = HC_SCAP_HAS_MEMORY, [3] = HC_SCAP_HAS_ENV, [4] = HC_SCAP_HAS_VPID,
		[5] = HC_SCAP_HAS_ROOT,   [6] = HC_SCAP_HAS_SID, [7] = HC_SCAP_HAS_EXEPATH,
		[8] = HC_SCAP_HAS_VPGID,
	};

	*p = (struct hc_scap_proc){
		.version = (uint8_t)version,
		.sid = -1,
		.vpgid = -1,
		.pgid = -1,
		.vtid = -1,
		.vpid = -1,
		.loginuid = UINT32_MAX,
	};
	for (unsigned v = 2; v <= 8 && v <= version; v++)
		p->has |= has[v];
	p->tid = (int64_t)hc_rd_u64(rd);
	p->pid = (int64_t)hc_rd_u64(rd);
	p->ptid = (int64_t)hc_rd_u64(rd);
	if (version >= 6)
		p->sid = (int64_t)hc_rd_u64(rd);
	if (version >= 8)
		p->vpgid = (int64_t)hc_rd_u64(rd);
	p->comm = text16(rd);
	p->exe = text16(rd);
	if (version >= 7)
		p->exepath = text16(rd);
	p->args = text16(rd);
	p->cwd = text16(rd);
	p->fdlimit = (int64_t)hc_rd_u64(rd);
	p->flags = hc_rd_u32(rd);
	p->uid = hc_rd_u32(rd);
	p->gid = hc_rd_u32(rd);
	if (version >= 2) {
		p->vmsize_kb = hc_rd_u32(rd);
		p->vmrss_kb = hc_rd_u32(rd);
		p->vmswap_kb = hc_rd_u32(rd);
		p->pfmajor = hc_rd_u64(rd);
		p->pfminor = hc_rd_u64(rd);
	}
	if (version >= 3)
		p->env = text16(rd);
	if (version >= 4) {
		p->vtid = (int64_t)hc_rd_u64(rd);
		p->vpid = (int64_t)hc_rd_u64(rd);
		p->cgroups = text16(rd);
	}
	if (version >= 5)
		p->root = text16(rd);
	if (version >= 9)
		parse_proc_tail(rd, p);
}

static void parse_inet(struct hc_rd *rd, size_t n, bool pair, struct hc_scap_fd *f)
{
	hc_rd_copy(rd, f->src, n);
	if (pair)
		hc_rd_copy(rd, f->dst, n);
	f->sport = hc_rd_u16(rd);
	if (pair)
		f->dport = hc_rd_u16(rd);
	f->l4 = hc_rd_u8(rd);
}

static void parse_fd(struct hc_rd *rd, bool v2, int64_t tid, struct hc_scap_fd *f)
{
	*f = (struct hc_scap_fd){ .tid = tid };
	f->fd = (int64_t)hc_rd_u64(rd);
	f->ino = hc_rd_u64(rd);
	f->type = hc_rd_u8(rd);
	switch (f->type) {
	case HC_SCAP_FD_IPV4_SOCK:
		parse_inet(rd, 4, true, f);
		break;
	case HC_SCAP_FD_IPV4_SERVSOCK:
		parse_inet(rd, 4, false, f);
		break;
	case HC_SCAP_FD_IPV6_SOCK:
		parse_inet(rd, 16, true, f);
		break;
	case HC_SCAP_FD_IPV6_SERVSOCK:
		parse_inet(rd, 16, false, f);
		break;
	case HC_SCAP_FD_UNIX_SOCK:
		f->unix_source = hc_rd_u64(rd);
		f->unix_peer = hc_rd_u64(rd);
		f->name = text16(rd);
		break;
	case HC_SCAP_FD_FILE_V2:
		f->open_flags = hc_rd_u32(rd);
		f->name = text16(rd);
		if (v2 && hc_rd_left(rd) >= 4)
			f->dev = hc_rd_u32(rd);
		break;
	default:
		if (f->type && f->type <= HC_SCAP_FD_PIDFD)
			f->name = text16(rd);
		break;
	}
}

static void parse_iface(struct hc_rd *rd, struct hc_scap_iface *i)
{
	uint16_t type = hc_rd_u16(rd), n_name = hc_rd_u16(rd);
	size_t n = type == 2 || type == 4 ? 16 : 4;
	const uint8_t *name;

	*i = (struct hc_scap_iface){ .ipv6 = n == 16 };
	if (type < 1 || type > 4)
		rd->bad = true;
	hc_rd_copy(rd, i->addr, n);
	hc_rd_copy(rd, i->mask, n);
	hc_rd_copy(rd, i->bcast, n);
	if (type <= 2)
		i->link_speed = hc_rd_u64(rd);
	name = hc_rd_bytes(rd, n_name);
	i->name = (struct hc_str){ (const char *)name, name ? n_name : 0 };
}

static enum hc_scap_kind parse_user(struct hc_rd *rd, struct hc_scap_user *u)
{
	uint8_t kind = hc_rd_u8(rd);

	*u = (struct hc_scap_user){ 0 };
	if (kind > 1)
		rd->bad = true;
	if (kind == 0)
		u->uid = hc_rd_u32(rd);
	u->gid = hc_rd_u32(rd);
	u->name = text16(rd);
	if (kind == 0) {
		u->home = text16(rd);
		u->shell = text16(rd);
	}
	return kind == 0 ? HC_SCAP_USER : HC_SCAP_GROUP;
}

static void parse_entry(struct hc_scap_reader *r, struct hc_rd *rd, enum block b, bool v2)
{
	struct hc_scap_item *item = &r->item;

	switch (b) {
	case PROCS:
		item->kind = HC_SCAP_PROC;
		parse_proc(rd, list_version(r->list), &item->proc);
		r->stats.n_procs++;
		break;
	case FDS:
		item->kind = HC_SCAP_FD;
		parse_fd(rd, v2, r->list_tid, &item->fd);
		r->stats.n_fds++;
		break;
	case IFACES:
		item->kind = HC_SCAP_IFACE;
		parse_iface(rd, &item->iface);
		item->iface.first = r->list_first;
		break;
	default:
		item->kind = parse_user(rd, &item->user);
		break;
	}
	r->list_first = false;
}

static int end_list(struct hc_scap_reader *r, struct hc_err *err)
{
	const uint8_t *p;
	uint32_t trailer;
	uint64_t off;
	int e = need(r, r->list_left + 4, &p, err);

	if (e < 0)
		return e;
	off = hc_scap_stream_off(r->in) + r->list_left;
	memcpy(&trailer, p + r->list_left, 4);
	if (le32toh(trailer) != r->list_total)
		return damaged(r, off, err, "the length at the end of a block is not that at its beginning");
	hc_scap_stream_skip(r->in, r->list_left + 4);
	r->list = 0;
	return 0;
}

/* 1 an entry, 0 the list has ended. */
static int next_entry(struct hc_scap_reader *r, struct hc_err *err)
{
	bool v2, flags, sized;
	enum block b = block_of(r->list, &v2, &flags);
	uint32_t n = r->list_left, own = 0;
	const uint8_t *p;
	struct hc_rd rd;
	int e;

	if (r->list_left < 4) {
		e = end_list(r, err);
		return e < 0 ? e : 0;
	}
	/* Entries have their length from format 1.2 on: in V9 process lists and the second forms of the others. */
	sized = b == PROCS ? list_version(r->list) == 9 : v2;
	e = need(r, sized ? 4 : (n = n < HC_SCAP_MAX_ENTRY_BYTES ? n : HC_SCAP_MAX_ENTRY_BYTES), &p, err);
	if (e < 0)
		return e;
	if (sized) {
		memcpy(&own, p, 4);
		own = le32toh(own);
		if (own > HC_SCAP_MAX_ENTRY_BYTES || (b != IFACES && own < 4))
			return damaged(r, hc_scap_stream_off(r->in), err,
			               "an entry of a list has an impossible length");
		own += b == IFACES ? 4 : 0;
		if (own > r->list_left)
			return damaged(r, hc_scap_stream_off(r->in), err,
			               "an entry of a list is longer than its block");
		e = need(r, own, &p, err);
		if (e < 0)
			return e;
		n = own;
	}
	rd = hc_rd_init(p + (sized ? 4 : 0), n - (sized ? 4 : 0));
	parse_entry(r, &rd, b, v2);
	if (rd.bad)
		return damaged(r, hc_scap_stream_off(r->in), err,
		               "an entry of a list is shorter than what it should hold");
	r->item.off = hc_scap_stream_off(r->in);
	r->consumed = sized ? own : (size_t)(rd.p - p);
	r->list_left -= (uint32_t)r->consumed;
	return 1;
}

static int begin_list(struct hc_scap_reader *r, uint32_t type, enum block b, uint32_t total, struct hc_err *err)
{
	const uint8_t *p;
	uint64_t tid;
	int e;

	hc_scap_stream_skip(r->in, 8);
	r->list_left = total - 12;
	r->list_total = total;
	r->list_first = true;
	if (b == FDS) {
		if (r->list_left < 8)
			return damaged(r, hc_scap_stream_off(r->in), err, "a list of descriptors is too short");
		e = need(r, 8, &p, err);
		if (e < 0)
			return e;
		memcpy(&tid, p, 8);
		r->list_tid = (int64_t)le64toh(tid);
		hc_scap_stream_skip(r->in, 8);
		r->list_left -= 8;
	}
	r->list = type;
	return 0;
}

/* ---- events ---- */

static inline uint32_t len16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t len32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* How many parameters an event of the first form has: the most with which the lengths add up; -1: none. */
static int count_params(const uint8_t *lens, uint32_t n_bytes, const struct hc_scap_event_info *info)
{
	unsigned size = info->flags & HC_SCAP_F_LARGE ? 4 : 2;

	for (int n = info->n_params; n >= 0; n--) {
		uint64_t sum = (uint64_t)n * size;

		if (sum > n_bytes)
			continue;
		for (int i = 0; i < n; i++)
			sum += size == 4 ? len32(lens + i * 4) : len16(lens + i * 2);
		if (sum == n_bytes)
			return n;
	}
	return -1;
}

static bool split_params(struct hc_scap_reader *r, struct hc_rd *rd, uint32_t n, bool large)
{
	uint32_t size = large ? 4 : 2;
	const uint8_t *p, *lens = rd->p;
	size_t left;

	if (n > hc_rd_left(rd) / size)
		return false;
	hc_rd_bytes(rd, (size_t)n * size);
	p = rd->p;
	left = hc_rd_left(rd);
	for (uint32_t i = 0; i < n; i++, lens += size) {
		uint32_t len = large ? len32(lens) : len16(lens);

		if (len > left)
			return false;
		if (i < HC_SCAP_MAX_PARAMS)
			r->param[i] = (struct hc_str){ (const char *)p, len };
		p += len;
		left -= len;
	}
	rd->p = p;
	return true;
}

/* How old writers spelt a pointer to nothing: readers take it for an empty parameter. */
static bool is_null(const struct hc_scap_param_info *info, struct hc_str param)
{
	static const char null[] = "(NULL)";

	return (info->type == HC_SCAP_T_STR || info->type == HC_SCAP_T_PATH || info->type == HC_SCAP_T_RPATH) &&
	       param.len == sizeof(null) && memcmp(param.p, null, sizeof(null)) == 0;
}

/* Numbers are cut to their width, and what the table does not know is left out. */
static void fit_params(struct hc_scap_reader *r, struct hc_scap_raw *raw, const struct hc_scap_event_info *info)
{
	if (info->params && raw->n > info->n_params) {
		r->stats.n_cut_params += raw->n - info->n_params;
		raw->n = info->n_params;
	}
	for (unsigned i = 0; info->params && i < raw->n; i++) {
		if (info->params[i].width && r->param[i].len > info->params[i].width) {
			r->param[i].len = info->params[i].width;
			r->stats.n_cut_params++;
		}
		if (is_null(&info->params[i], r->param[i]))
			r->param[i] = (struct hc_str){ 0 };
	}
	if (r->n_param > raw->n) /* of the event before */
		memset(&r->param[raw->n], 0, (r->n_param - raw->n) * sizeof(r->param[0]));
	r->n_param = raw->n;
}

/* 1 an event, 0 one that is not delivered. */
static int parse_event(struct hc_scap_reader *r, const uint8_t *p, uint32_t n_bytes, bool v2, bool has_flags,
                       uint64_t off, struct hc_err *err)
{
	struct hc_rd rd = hc_rd_init(p, n_bytes);
	struct hc_scap_event *e = &r->item.event;
	uint16_t cpu = hc_rd_u16(&rd);
	uint32_t flags = has_flags ? hc_rd_u32(&rd) : 0, head = v2 ? 26 : 22, n;
	uint64_t ts = hc_rd_u64(&rd);
	struct hc_scap_raw raw = { .tid = (int64_t)hc_rd_u64(&rd), .param = r->param };
	uint32_t len = hc_rd_u32(&rd);
	const struct hc_scap_event_info *info;
	int c;

	raw.code = hc_rd_u16(&rd);
	n = v2 ? hc_rd_u32(&rd) : 0;
	if (rd.bad || len < head || len - head > hc_rd_left(&rd))
		return damaged(r, off, err, "an event is longer than its block");
	if (raw.code >= HC_SCAP_N_CODES) {
		r->stats.n_newer_events++;
		return 0;
	}
	info = &hc_scap_events[raw.code];
	if (info->flags & HC_SCAP_F_UNUSED) {
		r->stats.n_unused_events++;
		return 0;
	}
	rd.end = rd.p + (len - head);
	if (!v2) {
		if ((raw.code == HC_SCAP_NOTIFICATION_E || raw.code == HC_SCAP_INFRASTRUCTURE_EVENT_E) &&
		    hc_rd_left(&rd) >= 3)
			rd.end -= 3;
		c = count_params(rd.p, (uint32_t)hc_rd_left(&rd), info);
		if (c < 0)
			return damaged(r, off, err, "the lengths of an event's parameters do not add up");
		n = (uint32_t)c;
	}
	if (!split_params(r, &rd, n, info->flags & HC_SCAP_F_LARGE))
		return damaged(r, off, err, "the parameters of an event are longer than it");
	if (n > HC_SCAP_MAX_PARAMS) {
		r->stats.n_cut_params += n - HC_SCAP_MAX_PARAMS;
		n = HC_SCAP_MAX_PARAMS;
	}
	raw.n = (uint16_t)n;
	r->n_param = n > r->n_param ? n : r->n_param;
	c = hc_scap_is_current(&raw) ? 1 : hc_scap_convert(r->conv, &raw);
	if (c == -EBADMSG) {
		if (r->stats.n_unconverted++ == 0) {
			r->stats.first_unconverted_off = off;
			r->stats.first_unconverted_code = raw.code;
		}
		return 0;
	}
	if (c < 0)
		return hc_err_set(err, c, "out of memory");
	if (c == 0) {
		r->stats.n_enter_merged++;
		return 0;
	}
	info = &hc_scap_events[raw.code];
	fit_params(r, &raw, info);
	*e = (struct hc_scap_event){
		.ts_ns = ts,
		.tid = raw.tid,
		.num = ++r->stats.n_events,
		.cpu = cpu,
		.code = raw.code,
		.enter = !(raw.code & 1) && (info->flags & (HC_SCAP_F_SYSCALL | HC_SCAP_F_OLD)),
		.state_only = flags & 1,
		.n_params = (uint8_t)raw.n,
		.info = info,
		.param = r->param,
	};
	r->item.kind = HC_SCAP_EVENT;
	r->item.off = off;
	return 1;
}

static int read_section(struct hc_scap_reader *r, const uint8_t *p, uint32_t n, uint64_t off, struct hc_err *err)
{
	struct hc_rd rd = hc_rd_init(p, n);
	uint32_t magic = hc_rd_u32(&rd);
	uint16_t major = hc_rd_u16(&rd), minor = hc_rd_u16(&rd);

	if (magic == __builtin_bswap32(HC_SCAP_MAGIC))
		return hc_err_off(err, -ENOTSUP, r->name, off, "written on a machine of the other byte order");
	if (rd.bad || magic != HC_SCAP_MAGIC)
		return damaged(r, off, err, "not a section header of a scap file");
	if (major > 1)
		return hc_err_off(err, -ENOTSUP, r->name, off, "format %u.%u is newer than 1.2", major, minor);
	hc_scap_conv_reset(r->conv);
	r->begun = true;
	r->stats.n_sections++;
	r->item.kind = HC_SCAP_SECTION;
	r->item.off = off;
	r->item.section = (struct hc_scap_section){ major, minor };
	return 1;
}

static int read_machine(struct hc_scap_reader *r, const uint8_t *p, uint32_t n, uint64_t off, struct hc_err *err)
{
	struct hc_rd rd = hc_rd_init(p, n);
	struct hc_scap_machine m = { .n_cpus = hc_rd_u32(&rd) };
	const char *host;

	m.memory_bytes = hc_rd_u64(&rd);
	m.max_pid = hc_rd_u64(&rd);
	host = (const char *)hc_rd_bytes(&rd, 128);
	m.boot_ns = hc_rd_u64(&rd);
	m.flags = hc_rd_u64(&rd);
	if (rd.bad || !host)
		return damaged(r, off, err, "the block about the machine is too short");
	m.hostname = (struct hc_str){ host, (uint32_t)strnlen(host, 127) };
	r->item.kind = HC_SCAP_MACHINE;
	r->item.off = off;
	r->item.machine = m;
	return 1;
}

/* Skips an unknown block piece by piece: its length may be anything. */
static int skip_block(struct hc_scap_reader *r, uint32_t total, struct hc_err *err)
{
	const uint8_t *p;

	for (uint32_t n = 0; n < total;) {
		uint32_t piece = total - n < 65536 ? total - n : 65536;
		int e = need(r, piece, &p, err);

		if (e < 0)
			return e;
		hc_scap_stream_skip(r->in, piece);
		n += piece;
	}
	r->stats.n_unknown_blocks++;
	return 0;
}

/* 1 an item, 0 a block without one, -ENODATA the end. */
static int next_block(struct hc_scap_reader *r, struct hc_err *err)
{
	const uint8_t *p;
	uint64_t off = hc_scap_stream_off(r->in);
	int64_t got = hc_scap_stream_need(r->in, 8, &p, err);
	uint32_t type, total, trailer;
	bool v2, flags;
	enum block b;
	int e;

	if (got == 0 && r->begun)
		return -ENODATA;
	e = got < 0 ? (int)got : need(r, 8, &p, err);
	if (e < 0)
		return e;
	memcpy(&type, p, 4);
	memcpy(&total, p + 4, 4);
	type = le32toh(type);
	total = le32toh(total);
	b = block_of(type, &v2, &flags);
	if (!r->begun && b != SECTION)
		return damaged(r, off, err, "not a scap file: it does not begin with a section header");
	if (b == SECTION && total == __builtin_bswap32(28))
		return hc_err_off(err, -ENOTSUP, r->name, off, "written on a machine of the other byte order");
	if (total < 12 || total % 4)
		return damaged(r, off, err, "a block has an impossible length");
	if (b == UNKNOWN)
		return skip_block(r, total, err);
	if (b == PROCS || b == FDS || b == IFACES || b == USERS)
		return begin_list(r, type, b, total, err);
	if (total > HC_SCAP_MAX_BLOCK_BYTES)
		return damaged(r, off, err, "a block is longer than 64 MiB");
	e = need(r, total, &p, err);
	if (e < 0)
		return e;
	memcpy(&trailer, p + total - 4, 4);
	if (le32toh(trailer) != total)
		return damaged(r, off + total - 4, err,
		               "the length at the end of a block is not that at its beginning");
	r->consumed = total;
	if (b == EVENT)
		return parse_event(r, p + 8, total - 12, v2, flags, off, err);
	return b == SECTION ? read_section(r, p + 8, total - 12, off, err)
	                    : read_machine(r, p + 8, total - 12, off, err);
}

int hc_scap_next(struct hc_scap_reader *r, const struct hc_scap_item **ret, struct hc_err *err)
{
	int e = 0;

	if (r->failed) {
		if (err && !err->code)
			*err = r->why;
		return r->failed;
	}
	while (e == 0) {
		hc_scap_stream_skip(r->in, r->consumed);
		r->consumed = 0;
		e = r->list ? next_entry(r, &r->why) : next_block(r, &r->why);
	}
	if (e == 1) {
		*ret = &r->item;
		return 1;
	}
	if (e == -ENODATA)
		return 0;
	r->failed = e;
	if (err && !err->code)
		*err = r->why;
	return e;
}

int hc_scap_take_fd(int fd, const char *name, struct hc_scap_reader **ret, struct hc_err *err)
{
	struct hc_scap_reader *r = calloc(1, sizeof(*r));
	const uint8_t *p;
	uint32_t type;
	int64_t n;
	int e;

	if (!r) {
		close(fd);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	memccpy(r->name, name, 0, sizeof(r->name) - 1);
	e = hc_scap_stream_take(fd, name, &r->in, err);
	if (e == 0) {
		r->conv = hc_scap_conv_new();
		e = r->conv ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
	}
	if (e == 0) {
		n = hc_scap_stream_need(r->in, 4, &p, err);
		if (n < 0)
			e = (int)n;
		else if (n < 4 || (memcpy(&type, p, 4), le32toh(type)) != HC_SCAP_B_SECTION)
			e = hc_err_off(err, -EBADMSG, name, 0,
			               "not a scap file: it does not begin with a section header");
	}
	if (e < 0) {
		hc_scap_close(r);
		return e;
	}
	*ret = r;
	return 0;
}

int hc_scap_open(const char *path, struct hc_scap_reader **ret, struct hc_err *err)
{
	int fd = hc_file_open(path, err);

	if (fd < 0)
		return fd;
	return hc_scap_take_fd(fd, path, ret, err);
}

struct hc_scap_reader *hc_scap_close(struct hc_scap_reader *r)
{
	if (r) {
		hc_scap_stream_free(r->in);
		hc_scap_conv_free(r->conv);
	}
	free(r);
	return NULL;
}

int hc_scap_digest(struct hc_scap_reader *r, uint8_t ret[HC_SHA256_BYTES], struct hc_err *err)
{
	return hc_scap_stream_digest(r->in, ret, err);
}

const struct hc_scap_stats *hc_scap_stats(struct hc_scap_reader *r)
{
	hc_scap_stream_progress(r->in, &r->stats.file_bytes, &r->stats.file_total_bytes);
	r->stats.raw_bytes = hc_scap_stream_off(r->in);
	r->stats.n_forgotten = hc_scap_conv_forgotten(r->conv);
	return &r->stats;
}
