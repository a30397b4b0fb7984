/* Fields of the event itself. */
#include "replay/dialects/falco/bind_priv.h"

#include <string.h>

static struct hc_value row_name(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);

	(void)arg;
	return word(fctx_name(&c));
}
ROW_LEAF(row_name, HC_VT_STR);

static struct hc_value row_time(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fjson out = begin(v);
	int64_t wall;

	if (!hc_view_row_field(v, HC_DOM_EVENT(dom), entry, HC_ROWF_WALL_NS, &wall))
		return absent();
	falco_time(wall, (enum ftime)arg_num(arg), &out);
	return falco_out_value(&out);
}
ROW_LEAF(row_time, HC_VT_STR);

/* 0: all ns, 1: seconds, 2: ns of the second */
static struct hc_value row_rawtime(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	int64_t wall;

	if (!hc_view_row_field(v, HC_DOM_EVENT(dom), entry, HC_ROWF_WALL_NS, &wall))
		return absent();
	return hc_value_u64(arg_num(arg) == 1   ? (uint64_t)wall / 1000000000u
	                    : arg_num(arg) == 2 ? (uint64_t)wall % 1000000000u
	                                        : (uint64_t)wall);
}
ROW_LEAF(row_rawtime, HC_VT_U64);

/* Since the first event of an imported file; 0: all ns, 1: seconds, 2: ns of the second. */
static struct hc_value row_reltime(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	int64_t wall, began;
	uint64_t ns;

	if (!hc_view_int(v, HC_OBJ_TASK, HC_O_TASK_source_ns, fctx_task(&c), &began) ||
	    !hc_view_row_field(v, HC_DOM_EVENT(dom), entry, HC_ROWF_WALL_NS, &wall))
		return absent();
	ns = (uint64_t)wall - (uint64_t)falco_wall(v, (uint64_t)began);
	return hc_value_u64(arg_num(arg) == 1 ? ns / 1000000000u : arg_num(arg) == 2 ? ns % 1000000000u : ns);
}
ROW_LEAF(row_reltime, HC_VT_U64);

static struct hc_value row_rawres(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	int64_t ret;

	(void)arg;
	return fctx_ret(&c, &ret) ? hc_value_i64(ret) : absent();
}
ROW_LEAF(row_rawres, HC_VT_I64);

static struct hc_value row_failed(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	int64_t ret;

	(void)arg;
	return fctx_ret(&c, &ret) ? hc_value_bool(ret < 0) : absent();
}
ROW_LEAF(row_failed, HC_VT_BOOL);

static struct hc_value row_res(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);
	const char *name;
	int64_t ret;

	(void)arg;
	if (!fctx_ret(&c, &ret))
		return absent();
	if (ret >= 0)
		return hc_value_str(HC_STR("SUCCESS"));
	name = ret > -4096 && falco_row_names_errors(c.type) ? falco_errno_name(-ret) : NULL;
	if (name)
		return word(name);
	fjson_i64(&out, ret);
	return falco_out_value(&out);
}
ROW_LEAF(row_res, HC_VT_STR);

static const char *const cat_words[] = {
	[CAT_OTHER] = "other",       [CAT_FILE] = "file",
	[CAT_NET] = "net",           [CAT_IPC] = "IPC",
	[CAT_MEMORY] = "memory",     [CAT_PROCESS] = "process",
	[CAT_SLEEP] = "sleep",       [CAT_SYSTEM] = "system",
	[CAT_SIGNAL] = "signal",     [CAT_USER] = "user",
	[CAT_TIME] = "time",         [CAT_IO_READ] = "unknown",
	[CAT_IO_WRITE] = "unknown",  [CAT_IO_OTHER] = "unknown",
	[CAT_WAIT] = "wait",         [CAT_SCHEDULER] = "scheduler",
	[CAT_INTERNAL] = "internal",
};

static unsigned category(const struct fctx *c)
{
	struct code_set codes = { 0 };

	if (c->type != HC_EV_SYS)
		return falco_events[c->row->code].cat;
	if (hc_view_int(c->v, c->dom, HC_COL_SRC_NUM, c->entry, &(int64_t){ 0 }))
		return CAT_OTHER; /* its event was a generic one */
	if (falco_type_codes(hc_str_c(fctx_name(c)), &codes))
		for (unsigned code = 3; code < N_CODES; code += 2)
			if (code_set_has(&codes, code) && falco_events[code].params)
				return falco_events[code].cat;
	return CAT_OTHER;
}

static bool is_io(unsigned cat)
{
	return cat == CAT_IO_READ || cat == CAT_IO_WRITE || cat == CAT_IO_OTHER;
}

static struct hc_value row_category(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	unsigned cat = category(&c);
	uint32_t fd = fctx_fdobj(&c);

	(void)arg;
	if (!is_io(cat) || !fd)
		return word(cat_words[cat]);
	switch (falco_fd_typechar(v, fd)) {
	case 'f':
	case 'd':
		return word("file");
	case '4':
	case '6':
		return word("net");
	case 'u':
	case 'p':
	case 'e':
	case 's':
	case 'i':
		return word("ipc");
	default:
		return word("unknown");
	}
}
ROW_LEAF(row_category, HC_VT_STR);

enum { BUF_ANY, BUF_IN, BUF_OUT, BUF_FILE, BUF_FILE_IN, BUF_FILE_OUT, BUF_NET, BUF_NET_IN, BUF_NET_OUT };

static struct hc_value row_buflen(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	unsigned cat = category(&c), which = (unsigned)arg_num(arg);
	uint32_t fd = fctx_fdobj(&c);
	int64_t ret;
	char t;

	if (!fd || !is_io(cat) || !fctx_ret(&c, &ret) || ret < 0)
		return absent();
	t = falco_fd_typechar(v, fd);
	if ((which == BUF_IN || which == BUF_FILE_IN || which == BUF_NET_IN) && cat != CAT_IO_READ)
		return absent();
	if ((which == BUF_OUT || which == BUF_FILE_OUT || which == BUF_NET_OUT) && cat != CAT_IO_WRITE)
		return absent();
	if (which >= BUF_FILE && which <= BUF_FILE_OUT && t != 'f')
		return absent();
	if (which >= BUF_NET && t != '4' && t != '6')
		return absent();
	return hc_value_u64((uint64_t)ret);
}
ROW_LEAF(row_buflen, HC_VT_U64);

enum { ERR_ANY, ERR_FILE, ERR_NET, ERR_MEMORY, ERR_OTHER };

static struct hc_value row_count_error(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	bool memory = category(&c) == CAT_MEMORY, of_kind;
	uint32_t fd = fctx_fdobj(&c);
	char t = falco_fd_typechar(v, fd); /* looked at where there is one */
	const char *name = fctx_name(&c);
	bool file = fd ? t == 'f' || t == 'd' : !strncmp(name, "open", 4) || !strcmp(name, "creat");
	bool net = fd ? t == '4' || t == '6' || (t == 'u' && falco_fd_kind(v, fd) == HC_FD_UNIX)
	              : !strncmp(name, "accept", 6) || !strcmp(name, "connect");
	int64_t ret;

	switch (arg_num(arg)) {
	case ERR_ANY:
		of_kind = true;
		break;
	case ERR_FILE:
		of_kind = file;
		break;
	case ERR_NET:
		of_kind = net;
		break;
	case ERR_MEMORY:
		of_kind = memory;
		break;
	default:
		of_kind = !file && !net && (fd || !memory);
	}
	return of_kind && fctx_ret(&c, &ret) ? hc_value_u64(ret < 0) : absent();
}
ROW_LEAF(row_count_error, HC_VT_U64);

enum { OPEN_READ, OPEN_WRITE, OPEN_EXEC, OPEN_CREATE };

static bool open_columns(unsigned type, unsigned *flags, unsigned *mode)
{
	switch (type) {
	case HC_EV_OPEN:
		*flags = HC_C_OPEN_flags;
		*mode = HC_C_OPEN_mode;
		return true;
	case HC_EV_OPENAT:
		*flags = HC_C_OPENAT_flags;
		*mode = HC_C_OPENAT_mode;
		return true;
	case HC_EV_OPENAT2:
		*flags = HC_C_OPENAT2_flags;
		*mode = HC_C_OPENAT2_mode;
		return true;
	case HC_EV_OPEN_BY_HANDLE_AT:
		*flags = HC_C_OPEN_BY_HANDLE_AT_flags;
		*mode = 0;
		return true;
	default:
		return false;
	}
}

static struct hc_value row_open(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	unsigned flags_col, mode_col;
	uint64_t flags, mode;
	int64_t ret;

	if (arg_num(arg) == OPEN_EXEC && c.type == HC_EV_CREAT)
		return hc_value_bool(hc_view_int_or(v, dom, HC_C_CREAT_mode, entry, 0) & 0111);
	if (arg_num(arg) == OPEN_CREATE && c.type == HC_EV_CREAT)
		return hc_value_bool(hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_created, fctx_fdobj(&c), 0));
	if (!open_columns(c.type, &flags_col, &mode_col))
		return hc_value_bool(false);
	flags = hc_scap_portable(HC_SCAP_TAB_file_flags, (uint64_t)hc_view_int_or(v, dom, flags_col, entry, 0));
	mode = mode_col ? (uint64_t)hc_view_int_or(v, dom, mode_col, entry, 0) : 0;
	switch (arg_num(arg)) {
	case OPEN_READ:
		return hc_value_bool(flags & 1);
	case OPEN_WRITE:
		return hc_value_bool(flags & 2);
	case OPEN_EXEC:
		return hc_value_bool(mode_col && (flags & (4 | 8192)) && (mode & 0111));
	default:
		if ((flags & 8192) && fctx_ret(&c, &ret) && ret >= 0)
			return hc_value_bool(true);
		return hc_value_bool(hc_view_int_or(v, HC_OBJ_FDOBJ, HC_O_FDOBJ_created, fctx_fdobj(&c), 0));
	}
}
ROW_LEAF(row_open, HC_VT_BOOL);

/* Of an event about a thread: is that a process's main one? */
static struct hc_value row_of_main(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	int64_t tid = hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_tid, fctx_task(&c), -1);

	(void)arg;
	return hc_value_u64(fctx_proc(&c) &&
	                    hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, fctx_proc(&c), -2) == tid);
}
ROW_LEAF(row_of_main, HC_VT_U64);

static struct hc_value row_is_syslog(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);
	struct hc_str name;

	(void)arg;
	falco_fd_name(v, fctx_fdobj(&c), &out);
	name = fjson_end(&out);
	return hc_value_bool(memmem(name.p, name.len, "/dev/log", 8) != NULL);
}
ROW_LEAF(row_is_syslog, HC_VT_BOOL);

static const struct hc_access *flag(struct fbinder *b, uint16_t bits)
{
	return b->row->code ? constant(b, hc_value_bool(event_flags(b) & bits)) : NULL;
}

static const struct hc_access *bind_rawres(struct fbinder *b)
{
	if (b->type == HC_EV_PROC_EXEC || b->child)
		return constant(b, hc_value_i64(0));
	if (b->type == HC_EV_SYS || b->type == HC_EV_PROC_FORK)
		return row(b, &leaf_row_rawres, NULL);
	return falco_row_has_ret(b->type) ? col(b, b->at_row, HC_COL_RET) : NULL;
}

static bool has_ret(const struct fbinder *b)
{
	return b->type == HC_EV_SYS || falco_row_has_ret(b->type);
}

const struct hc_access *falco_bind_evt(struct fbinder *b, const struct fref *f)
{
	const char *name = falco_row_name(b->type);
	/* a meta event of whatever name */
	bool named = b->type == HC_EV_ASYNC_EVENT;
	bool meta = event_flags(b) & EVF_METAEVENT, exits = event_flags(b) & EVF_SYSCALL || b->type == HC_EV_SYS;

	switch (f->id) {
	case F_EVT_NUM:
		return hc_access_else(b->ir, col(b, b->at_row, HC_COL_SRC_NUM),
		                      hc_access_row(b->ir, b->at_row, HC_ROWF_SEQ));
	case F_EVT_TIME:
	case F_EVT_OUTPUTTIME:
		return row(b, &leaf_row_time, num_arg(FTIME_CLOCK));
	case F_EVT_TIME_S:
		return row(b, &leaf_row_time, num_arg(FTIME_CLOCK_S));
	case F_EVT_TIME_ISO8601:
		return row(b, &leaf_row_time, num_arg(FTIME_ISO));
	case F_EVT_DATETIME:
		return row(b, &leaf_row_time, num_arg(FTIME_DATETIME));
	case F_EVT_DATETIME_S:
		return row(b, &leaf_row_time, num_arg(FTIME_DATETIME_S));
	case F_EVT_RAWTIME:
		return row(b, &leaf_row_rawtime, num_arg(0));
	case F_EVT_RAWTIME_S:
		return row(b, &leaf_row_rawtime, num_arg(1));
	case F_EVT_RAWTIME_NS:
		return row(b, &leaf_row_rawtime, num_arg(2));
	case F_EVT_RELTIME:
	case F_EVT_RELTIME_S:
	case F_EVT_RELTIME_NS:
		why(b, "it depends on where a reader begins", "time since a file's beginning", NULL);
		return row(b, &leaf_row_reltime, num_arg((int64_t)f->id - F_EVT_RELTIME));
	case F_EVT_DELTATIME:
	case F_EVT_DELTATIME_S:
	case F_EVT_DELTATIME_NS:
	case F_UTIL_CNT:
		why(b, "it depends on the order in which conditions are evaluated", NULL, NULL);
		return NULL;
	case F_EVT_SOURCE:
		return constant(b, hc_value_str(HC_STR("syscall")));
	case F_EVT_IS_ASYNC:
		return constant(b, hc_value_bool(meta));
	case F_EVT_ASYNCTYPE:
		return named ? col(b, b->at_row, HC_C_ASYNC_EVENT_name) : meta ? constant(b, word(name)) : NULL;
	case F_EVT_HOSTNAME:
		why(b, "the host's name is not part of an event here", NULL, NULL);
		return NULL;
	case F_EVT_LATENCY:
	case F_EVT_LATENCY_S:
	case F_EVT_LATENCY_NS:
	case F_EVT_LATENCY_QUANTIZED:
	case F_EVT_WAIT_LATENCY:
		return constant(b, hc_value_u64(0));
	case F_EVT_LATENCY_HUMAN:
		return constant(b, hc_value_str(HC_STR("0ns")));
	case F_EVT_DIR:
		return constant(b, hc_value_str(exits || !b->row->code ? HC_STR("<") : HC_STR(">")));
	case F_SYSCALL_TYPE:
		return !exits ? NULL : name ? constant(b, word(name)) : row(b, &leaf_row_name, NULL);
	case F_EVT_TYPE:
		return named  ? col(b, b->at_row, HC_C_ASYNC_EVENT_name)
		       : name ? constant(b, word(name))
		              : row(b, &leaf_row_name, NULL);
	case F_EVT_TYPE_IS:
		if (!b->row->code)
			return NULL;
		return constant(b, hc_value_u64(b->row->code == f->index || b->row->code == f->index + 1));
	case F_EVT_CATEGORY:
		return b->row->code ? row(b, &leaf_row_category, NULL) : NULL;
	case F_EVT_CPU:
		return hc_access_row(b->ir, b->at_row, HC_ROWF_CPU);
	case F_EVT_ARGS:
	case F_EVT_INFO:
		return falco_bind_args(b);
	case F_EVT_ARG:
	case F_EVT_RAWARG:
		return falco_bind_arg(b, f);
	case F_EVT_BUFFER:
		return falco_bind_buffer(b);
	case F_EVT_BUFLEN:
		return row(b, &leaf_row_buflen, num_arg(BUF_ANY));
	case F_EVT_BUFLEN_IN:
		return row(b, &leaf_row_buflen, num_arg(BUF_IN));
	case F_EVT_BUFLEN_OUT:
		return row(b, &leaf_row_buflen, num_arg(BUF_OUT));
	case F_EVT_BUFLEN_FILE:
		return row(b, &leaf_row_buflen, num_arg(BUF_FILE));
	case F_EVT_BUFLEN_FILE_IN:
		return row(b, &leaf_row_buflen, num_arg(BUF_FILE_IN));
	case F_EVT_BUFLEN_FILE_OUT:
		return row(b, &leaf_row_buflen, num_arg(BUF_FILE_OUT));
	case F_EVT_BUFLEN_NET:
		return row(b, &leaf_row_buflen, num_arg(BUF_NET));
	case F_EVT_BUFLEN_NET_IN:
		return row(b, &leaf_row_buflen, num_arg(BUF_NET_IN));
	case F_EVT_BUFLEN_NET_OUT:
		return row(b, &leaf_row_buflen, num_arg(BUF_NET_OUT));
	case F_EVT_RES:
		if (b->type == HC_EV_PROC_EXEC || b->child)
			return constant(b, hc_value_str(HC_STR("SUCCESS")));
		return has_ret(b) ? row(b, &leaf_row_res, NULL) : NULL;
	case F_EVT_RAWRES:
		return bind_rawres(b);
	case F_EVT_FAILED:
		if (b->type == HC_EV_PROC_EXEC || b->child)
			return constant(b, hc_value_bool(false));
		return has_ret(b) ? row(b, &leaf_row_failed, NULL) : NULL;
	case F_EVT_IS_IO:
		return flag(b, EVF_READS | EVF_WRITES);
	case F_EVT_IS_IO_READ:
		return flag(b, EVF_READS);
	case F_EVT_IS_IO_WRITE:
		return flag(b, EVF_WRITES);
	case F_EVT_IO_DIR:
		if (event_flags(b) & EVF_WRITES)
			return constant(b, hc_value_str(HC_STR("write")));
		return event_flags(b) & EVF_READS ? constant(b, hc_value_str(HC_STR("read"))) : NULL;
	case F_EVT_IS_WAIT:
		return flag(b, EVF_WAITS);
	case F_EVT_IS_SYSLOG:
		return event_flags(b) & EVF_WRITES ? row(b, &leaf_row_is_syslog, NULL) : flag(b, 0);
	case F_EVT_COUNT:
		return constant(b, hc_value_u64(1));
	case F_EVT_COUNT_ERROR:
		return row(b, &leaf_row_count_error, num_arg(ERR_ANY));
	case F_EVT_COUNT_ERROR_FILE:
		return row(b, &leaf_row_count_error, num_arg(ERR_FILE));
	case F_EVT_COUNT_ERROR_NET:
		return row(b, &leaf_row_count_error, num_arg(ERR_NET));
	case F_EVT_COUNT_ERROR_MEMORY:
		return row(b, &leaf_row_count_error, num_arg(ERR_MEMORY));
	case F_EVT_COUNT_ERROR_OTHER:
		return row(b, &leaf_row_count_error, num_arg(ERR_OTHER));
	case F_EVT_COUNT_EXIT:
		return exits ? constant(b, hc_value_u64(1)) : NULL;
	case F_EVT_COUNT_PROCINFO:
		return b->type == HC_EV_PROC_INFO ? row(b, &leaf_row_of_main, NULL) : constant(b, hc_value_u64(0));
	case F_EVT_COUNT_THREADINFO:
		return constant(b, hc_value_u64(b->type == HC_EV_PROC_INFO));
	case F_EVT_ABSPATH:
		return falco_bind_abspath(b, f);
	case F_EVT_IS_OPEN_READ:
		return row(b, &leaf_row_open, num_arg(OPEN_READ));
	case F_EVT_IS_OPEN_WRITE:
		return row(b, &leaf_row_open, num_arg(OPEN_WRITE));
	case F_EVT_IS_OPEN_EXEC:
		return row(b, &leaf_row_open, num_arg(OPEN_EXEC));
	case F_EVT_IS_OPEN_CREATE:
		return row(b, &leaf_row_open, num_arg(OPEN_CREATE));
	default:
		return NULL; /* plugins' and infrastructure events' fields: there are no such events */
	}
}
