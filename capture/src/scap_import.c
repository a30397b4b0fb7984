/* Events of a scap file as rows: a plan for each code, made once from scap_rows.def, says where each parameter
 * goes. */
#include <errno.h>

#include "scap_priv.h"
#include "store/scap_flags.h"

enum how {
	HOW_NUM,
	HOW_RAW, /* a number that is the kernel's already */
	HOW_FD,
	HOW_PID,
	HOW_STR,
	HOW_STRS,
	HOW_PATH,
	HOW_BYTES,
	HOW_ADDR,
	HOW_TUPLE,
	HOW_DYN,
	HOW_FDLIST,
	HOW_SOCKTYPE,
};

static const struct col {
	uint16_t code, col;
	uint8_t how, param;
	int8_t dirfd;
} cols[] = {
#define SCAP_COL(code_, TYPE, column, how_, param_, dirfd_) \
	{ .code = (code_),                                  \
	  .col = HC_C_##TYPE##_##column,                    \
	  .how = HOW_##how_,                                \
	  .param = (param_),                                \
	  .dirfd = (dirfd_) },
#include "store/scap_rows.def"
};

#define CODE_EXEC_WORKED 0 /* of PROC_EXEC in scap_rows.def: its own code is that of EXECVE too */

/* Types by code; a successful exec is one of its own. */
static const uint16_t types[HC_SCAP_N_CODES] = {
#define SCAP_ROW(code, TYPE) [code] = HC_EV_##TYPE,
#include "store/scap_rows.def"
	[HC_SCAP_GENERIC_X] = HC_EV_SYS,
};

static size_t first_col(unsigned code)
{
	static uint16_t first[HC_SCAP_N_CODES]; /* plus one; the same whoever fills it */

	if (!first[code]) {
		size_t i = 0;

		while (i < sizeof(cols) / sizeof(cols[0]) && cols[i].code != code)
			i++;
		first[code] = (uint16_t)(i + 1);
	}
	return first[code] - 1u;
}

static const struct made *made_of(struct hc_scap_import *im, unsigned type)
{
	struct made *m = &im->made[type];
	const struct hc_table_desc *d;

	if (m->known)
		return m;
	d = hc_event_desc(type);
	m->newfd = -1;
	for (unsigned i = 0; i < d->n_args && m->newfd < 0; i++) {
		const struct hc_col_desc *desc = &d->cols[d->arg_cols[i]];

		if (desc->kind == HC_KIND_FDOBJ && strncmp(desc->arg, "newfd", 5) == 0)
			m->newfd = (int16_t)d->arg_cols[i];
	}
	m->sock = (int16_t)hc_col_find(d, HC_STR("sock_after"));
	m->proc = (int16_t)hc_col_find(d, HC_STR("proc_after"));
	m->res_proc = (int16_t)hc_col_find(d, HC_STR("res_proc"));
	m->res_fd = (int16_t)hc_col_find(d, HC_STR("res_fd"));
	m->missing = (int16_t)hc_col_find(d, HC_STR("missing"));
	m->known = true;
	return m;
}

/* ---- cells ---- */

static void cell_pid(struct hc_scap_import *im, struct hc_builder *b, unsigned col, int64_t pid)
{
	struct sthr *k = scap_thread(im, pid);

	hc_cell_set(im->cells, col, (uint64_t)pid);
	if (k && k->cur)
		cell_ref(im->cells, col + 1, in_ver(im->t, b, scap_refresh(im, k)));
}

static void cell_addr(struct hc_scap_import *im, struct hc_builder *b, unsigned col, struct hc_str param)
{
	struct hc_scap_addr a;
	uint8_t raw[2 + 108 + 2] = { 0 };
	uint32_t n = 2;

	if (!hc_scap_saddr(param, &a))
		return;
	raw[0] = a.family;
	if (a.family == HC_SCAP_AF_INET || a.family == HC_SCAP_AF_INET6) {
		bool v6 = a.family == HC_SCAP_AF_INET6;

		raw[2] = (uint8_t)(a.port >> 8);
		raw[3] = (uint8_t)a.port;
		memcpy(raw + (v6 ? 8 : 4), a.ip, v6 ? 16 : 4);
		n = v6 ? 28 : 16;
	} else if (a.family == HC_SCAP_AF_UNIX) {
		uint32_t len = a.path.len < 108 ? a.path.len : 108;

		if (len)
			memcpy(raw + 2, a.path.p, len);
		n = 2 + len + 1;
	}
	cell_ref(im->cells, col, hc_build_bytes(b, raw, n));
}

static void cell_fdlist(struct hc_scap_import *im, struct hc_builder *b, const struct sevent *s, unsigned col,
                        struct hc_str param)
{
	static const char letters[] = {
		[HC_FD_FILE] = 'f',      [HC_FD_DIR] = 'd',      [HC_FD_PIPE] = 'p',        [HC_FD_IPV4] = '4',
		[HC_FD_IPV6] = '6',      [HC_FD_UNIX] = 'u',     [HC_FD_NETLINK] = 'n',     [HC_FD_EVENTFD] = 'e',
		[HC_FD_EVENTPOLL] = 'l', [HC_FD_SIGNALFD] = 's', [HC_FD_TIMERFD] = 't',     [HC_FD_INOTIFY] = 'i',
		[HC_FD_BPF_MAP] = 'b',   [HC_FD_IO_URING] = 'r', [HC_FD_USERFAULTFD] = 'u', [HC_FD_MEMFD] = 'm',
		[HC_FD_PIDFD] = 'P',     [HC_FD_UNKNOWN] = 'o'
	};
	int64_t v[3 * 256], fd;
	uint32_t pos = 0, n = 0;
	uint16_t flags;

	while (n + 3 <= sizeof(v) / sizeof(v[0]) && hc_scap_fdlist(param, &pos, &fd, &flags)) {
		const struct tfd *f = scap_fd(im, s->k, fd);

		v[n++] = fd;
		v[n++] = flags;
		v[n++] = !f ? '?' : f->kind < sizeof(letters) && letters[f->kind] ? letters[f->kind] : 'o';
	}
	cell_ref(im->cells, col, hc_build_ints(b, v, n));
}

/* A selector and a value: what the type has columns for. */
static void cell_dyn(struct hc_scap_import *im, struct hc_builder *b, unsigned type, unsigned col, struct hc_str p)
{
	struct hc_cells *c = im->cells;
	uint64_t num = 0;

	if (!p.len)
		return;
	for (uint32_t i = 1; i < p.len && i <= 8; i++)
		num |= (uint64_t)(uint8_t)p.p[i] << 8 * (i - 1);
	if ((type == HC_EV_SETSOCKOPT || type == HC_EV_GETSOCKOPT) && !p.p[0]) {
		cell_ref(c, type == HC_EV_SETSOCKOPT ? HC_C_SETSOCKOPT_value : HC_C_GETSOCKOPT_value,
		         hc_build_bytes(b, p.p + 1, p.len - 1));
		if (type == HC_EV_SETSOCKOPT)
			hc_cell_set(c, HC_C_SETSOCKOPT_value + 1, p.len - 1);
	}
	switch (type) {
	case HC_EV_SETSOCKOPT:
		hc_cell_set(c, HC_C_SETSOCKOPT_val_kind, (uint8_t)p.p[0]);
		hc_cell_set(c, HC_C_SETSOCKOPT_val_num, num);
		break;
	case HC_EV_GETSOCKOPT:
		hc_cell_set(c, HC_C_GETSOCKOPT_val_kind, (uint8_t)p.p[0]);
		hc_cell_set(c, HC_C_GETSOCKOPT_val_num, num);
		break;
	case HC_EV_PTRACE:
		hc_cell_set(c, col, num);
		hc_cell_set(c, col == HC_C_PTRACE_addr ? HC_C_PTRACE_addr_kind : HC_C_PTRACE_data_kind,
		            (uint8_t)p.p[0]);
		break;
	case HC_EV_KEYCTL:
		if (p.p[0] == 1) {
			unsigned text = HC_C_KEYCTL_arg2_str + (col - HC_C_KEYCTL_arg2);

			cell_ref(c, text,
			         hc_build_str(b,
			                      (struct hc_str){ p.p + 1, (uint32_t)strnlen(p.p + 1, p.len - 1) }));
		} else {
			hc_cell_set(c, col, num);
		}
		break;
	default:
		break;
	}
}

static void cell_num(struct hc_scap_import *im, const struct hc_scap_event *e, const struct col *at)
{
	const struct hc_scap_param_info *info = &e->info->params[at->param];
	uint64_t v = info->is_signed ? (uint64_t)hc_scap_i64(e, at->param, 0) : hc_scap_u64(e, at->param, 0);

	if (info->table)
		v = hc_scap_native((enum hc_scap_table)info->table, v);
	hc_cell_set(im->cells, at->col, v);
}

static struct tsock *sock_of_tuple(struct hc_scap_import *im, struct hc_str p)
{
	struct hc_scap_tuple tuple;
	struct tsock *sock = hc_scap_stuple(p, &tuple) ? scap_tuple_sock(im, &tuple, ROLE_CLIENT, NULL) : NULL;

	if (sock) {
		sock->connected = true;
		if (!sock->near_end && sock->w.family != HC_SCAP_AF_UNIX)
			sock->near_end = ROLE_CLIENT; /* it has two ends, whatever their ports */
	}
	return sock;
}

static void cell_tuple(struct hc_scap_import *im, struct hc_builder *b, unsigned col, struct hc_str p)
{
	struct hc_cells *c = im->cells;
	struct tsock *sock;
	struct smet *m;

	if (p.len > SCAP_MET_BYTES) {
		sock = sock_of_tuple(im, p);
		cell_ref(c, col, in_sock(im->t, b, sock));
		sock_unref(im->t, sock);
		return;
	}
	m = &im->met[hash_bytes(im->t->seed, p.p, p.len).a % SCAP_N_MET];
	if (!m->sock || m->n_bytes != p.len || memcmp(m->bytes, p.p, p.len) != 0) {
		sock_unref(im->t, m->sock);
		m->sock = sock_of_tuple(im, p);
		m->n_bytes = p.len;
		memcpy(m->bytes, p.p, p.len);
	}
	cell_ref(c, col, in_sock(im->t, b, m->sock));
}

static void cell_of(struct hc_scap_import *im, struct hc_builder *b, const struct sevent *s, unsigned type,
                    const struct col *at)
{
	const struct hc_scap_event *e = s->e;
	struct hc_cells *c = im->cells;
	struct hc_str p = hc_scap_param(e, at->param), text;
	struct tpath *path;
	struct lst *list;

	if (!p.len && at->how != HOW_STRS)
		return;
	switch ((enum how)at->how) {
	case HOW_NUM:
		cell_num(im, e, at);
		break;
	case HOW_RAW:
		hc_cell_set(c, at->col, hc_scap_u64(e, at->param, 0));
		break;
	case HOW_SOCKTYPE: {
		uint64_t flags = hc_scap_u64(e, e->code == HC_SCAP_SOCKET_SOCKET_X ? 4 : HC_SCAP_MAX_PARAMS, 0);

		hc_cell_set(c, at->col,
		            hc_scap_u64(e, at->param, 0) | (flags & 64 ? 04000u : 0u) |
		                    (flags & 4096 ? 02000000u : 0u));
		break;
	}
	case HOW_FD:
		hc_cell_set(c, at->col, (uint64_t)hc_scap_i64(e, at->param, -1));
		cell_ref(c, at->col + 1,
		         in_fd(im->t, b,
		               hc_scap_i64(e, at->param, -1) == s->fd_num && s->fd
		                       ? s->fd_after && (made_of(im, type)->sock < 0 || !s->fd->sock) ? s->fd_after
		                                                                                      : s->fd
		                       : scap_fd(im, s->k, hc_scap_i64(e, at->param, -1))));
		break;
	case HOW_PID:
		cell_pid(im, b, at->col, hc_scap_i64(e, at->param, -1));
		break;
	case HOW_STR:
		text = hc_scap_text(e, at->param);
		cell_ref(c, at->col, hc_build_str(b, text));
		break;
	case HOW_STRS:
		list = lst_of_block(im->t, p.len ? p.p : "", p.len);
		cell_ref(c, at->col, p.len ? in_lst(b, list) : 0);
		lst_unref(im->t, list);
		break;
	case HOW_PATH:
		path = scap_path(im, s, hc_scap_text(e, at->param), at->dirfd);
		cell_ref(c, at->col, in_path(b, path));
		path_unref(im->t, path);
		break;
	case HOW_BYTES:
		cell_ref(c, at->col, hc_build_bytes(b, p.p, p.len));
		hc_cell_set(c, at->col + 1, p.len);
		break;
	case HOW_ADDR:
		cell_addr(im, b, at->col, p);
		break;
	case HOW_TUPLE:
		cell_tuple(im, b, at->col, p);
		break;
	case HOW_DYN:
		cell_dyn(im, b, type, at->col, p);
		break;
	case HOW_FDLIST:
		cell_fdlist(im, b, s, at->col, p);
		break;
	}
}

static struct tver *known_ver(struct hc_scap_import *im, int64_t tid)
{
	struct sthr *k = tid > 0 ? scap_thread(im, tid) : NULL;

	return k && k->cur ? scap_refresh(im, k) : NULL;
}

static bool is_dup_to(unsigned code)
{
	return code == HC_SCAP_SYSCALL_DUP2_X || code == HC_SCAP_SYSCALL_DUP3_X;
}

/* Columns that say what the call made. */
static void cells_made(struct hc_scap_import *im, struct hc_builder *b, const struct sevent *s, unsigned type)
{
	const struct made *m = made_of(im, type);
	struct hc_cells *c = im->cells;

	if (s->newfd && m->newfd >= 0)
		cell_ref(c, (unsigned)m->newfd, in_fd(im->t, b, s->newfd));
	if (s->sock_after && m->sock >= 0)
		cell_ref(c, (unsigned)m->sock, in_sock(im->t, b, s->sock_after));
	if (s->after && m->proc >= 0)
		cell_ref(c, (unsigned)m->proc, in_ver(im->t, b, s->after));
	if (m->res_proc >= 0)
		cell_ref(c, (unsigned)m->res_proc, in_ver(im->t, b, known_ver(im, hc_scap_i64(s->e, 0, -1))));
	if (m->res_fd >= 0)
		cell_ref(c, (unsigned)m->res_fd,
		         in_fd(im->t, b, scap_fd(im, s->k, hc_scap_i64(s->e, is_dup_to(s->e->code) ? 2 : 0, -1))));
	if (type == HC_EV_SETPGID)
		cell_ref(c, HC_C_SETPGID_pgid_proc, in_ver(im->t, b, known_ver(im, hc_scap_i64(s->e, 2, -1))));
	if (type == HC_EV_TGKILL)
		cell_ref(c, HC_C_TGKILL_arg_tid_proc, in_ver(im->t, b, known_ver(im, hc_scap_i64(s->e, 2, -1))));
	if (m->missing >= 0) {
		uint64_t missing = 0;

		for (unsigned p = 0; p < s->e->info->n_params; p++)
			missing |= (uint64_t)!s->e->param[p].len << p;
		if (missing)
			hc_cell_set(c, (unsigned)m->missing, missing);
	}
}

static __attribute__((noinline)) uint32_t add_task(struct hc_scap_import *im, struct hc_builder *b, struct sthr *k,
                                                   struct tver *v, const struct sfds *fds)
{
	struct hc_cells c;

	hc_cells_clear(&c, HC_OBJ_TASK);
	hc_cell_set(&c, HC_O_TASK_tid, (uint64_t)k->tid);
	if (k->vtid >= 0)
		hc_cell_set(&c, HC_O_TASK_vtid, (uint64_t)k->vtid);
	cell_ref(&c, HC_O_TASK_proc, in_ver(im->t, b, v));
	hc_cell_set(&c, HC_O_TASK_n_threads, k->group ? k->group->n_alive : 0);
	hc_cell_set(&c, HC_O_TASK_vm_size_kib, k->mem.vm_size);
	hc_cell_set(&c, HC_O_TASK_vm_rss_kib, k->mem.vm_rss);
	hc_cell_set(&c, HC_O_TASK_vm_swap_kib, k->mem.vm_swap);
	hc_cell_set(&c, HC_O_TASK_pgft_maj, k->mem.pgft_maj);
	hc_cell_set(&c, HC_O_TASK_pgft_min, k->mem.pgft_min);
	hc_cell_set(&c, HC_O_TASK_fd_kinds, fds->kinds);
	cell_ref(&c, HC_O_TASK_std0, in_fd(im->t, b, scap_fd(im, k, 0)));
	cell_ref(&c, HC_O_TASK_std1, in_fd(im->t, b, scap_fd(im, k, 1)));
	cell_ref(&c, HC_O_TASK_std2, in_fd(im->t, b, scap_fd(im, k, 2)));
	hc_cell_set(&c, HC_O_TASK_source_ns, im->first_ns);
	return hc_slot_put(&k->slot, b, hc_build_obj(b, HC_OBJ_TASK, &c));
}

static uint32_t task_ref(struct hc_scap_import *im, struct hc_builder *b, struct sthr *k, struct tver *v)
{
	const struct sfds *fds = scap_fds(im, k);
	uint64_t gen = k->mem_gen > fds->gen ? k->mem_gen : fds->gen;
	uint32_t ref;

	if (!v)
		return 0;
	if (k->group && k->group->gen > gen)
		gen = k->group->gen;
	if (im->first_gen > gen)
		gen = im->first_gen;
	if (k->slot_version != v->lineage || k->slot_gen != gen) {
		k->slot_version = v->lineage;
		k->slot_gen = gen;
		memset(&k->slot, 0, sizeof(k->slot));
	}
	ref = hc_slot_get(&k->slot, b);
	return ref ? ref : add_task(im, b, k, v, fds);
}

/* Of a thread of which nothing is known but its number. */
static uint32_t bare_task(struct hc_scap_import *im, struct hc_builder *b, int64_t tid)
{
	struct hc_cells c;

	hc_cells_clear(&c, HC_OBJ_TASK);
	hc_cell_set(&c, HC_O_TASK_tid, (uint64_t)tid);
	hc_cell_set(&c, HC_O_TASK_source_ns, im->first_ns);
	return hc_build_obj(b, HC_OBJ_TASK, &c);
}

/* A call that changes its process has the version before; of one that nobody told of there is none. */
static struct tver *version_of_row(struct hc_scap_import *im, const struct sevent *s, unsigned type)
{
	bool before = made_of(im, type)->proc >= 0 && s->before && !(s->before->flags & HC_PROC_INCOMPLETE);

	return before ? s->before : s->k->cur;
}

/* ---- rows ---- */

static int failed(const struct hc_err *err)
{
	return err && err->code ? err->code : -EIO;
}

/* Cells are set in im->cells, which is the row's place in the block. NULL: see err. */
static struct hc_builder *begin_row(struct hc_scap_import *im, unsigned type, uint64_t ts_ns, struct hc_err *err)
{
	struct hc_builder *b = NULL;

	im->cells = row_cells(im->t, type, ts_ns, &b, err);
	return im->cells ? b : NULL;
}

static int end_row(struct hc_scap_import *im, unsigned type, const struct hc_scap_event *e, struct hc_err *err)
{
	struct hc_row_head head = { .type = (uint16_t)type, .cpu = e->cpu, .ts_ns = e->ts_ns };

	im->stats.n_rows++;
	return row_put(im->t, &head, im->cells, err);
}

/* A fork once, as it is recorded here: for all that do not look at it with the eyes of the source. */
static int fork_row(struct hc_scap_import *im, const struct sevent *s, struct hc_err *err)
{
	const struct hc_scap_event *e = s->e;
	struct hc_builder *b = begin_row(im, HC_EV_PROC_FORK, e->ts_ns, err);
	struct hc_cells *c = im->cells;
	struct sthr *k = s->child;
	struct sthr *from = k == s->k ? scap_thread(im, k->ptid) : s->k;

	if (!b)
		return failed(err);
	if (from)
		cell_ref(c, HC_COL_TASK, task_ref(im, b, from, scap_refresh(im, from)));
	hc_cell_set(c, HC_COL_ROW_FLAGS, HC_ROW_SYNTH);
	hc_cell_set(c, HC_C_PROC_FORK_clone_flags, hc_scap_native(HC_SCAP_TAB_clone_flags, hc_scap_u64(e, 15, 0)));
	hc_cell_set(c, HC_C_PROC_FORK_via,
	            e->code == HC_SCAP_SYSCALL_FORK_20_X    ? 57
	            : e->code == HC_SCAP_SYSCALL_VFORK_20_X ? 58
	            : e->code == HC_SCAP_SYSCALL_CLONE3_X   ? 435
	                                                    : 56);
	hc_cell_set(c, HC_C_PROC_FORK_child_tid, (uint64_t)k->tid);
	hc_cell_set(c, HC_C_PROC_FORK_child_pid, (uint64_t)k->pid);
	if (k->vtid >= 0)
		hc_cell_set(c, HC_C_PROC_FORK_child_vtid, (uint64_t)k->vtid);
	hc_cell_set(c, HC_C_PROC_FORK_is_thread, k->tid != k->pid);
	cell_ref(c, HC_C_PROC_FORK_child, in_ver(im->t, b, scap_refresh(im, k)));
	return end_row(im, HC_EV_PROC_FORK, e, err);
}

static int event_row(struct hc_scap_import *im, const struct sevent *s, struct hc_err *err)
{
	const struct hc_scap_event *e = s->e;
	unsigned type = types[e->code], plan = e->code;
	struct hc_builder *b;
	struct hc_cells *c;
	uint32_t flags = 0;

	if (!type) {
		im->stats.n_no_type++;
		return 0;
	}
	if (e->code == HC_SCAP_SYSCALL_EXECVE_19_X) {
		bool worked = hc_scap_i64(e, 0, -1) >= 0;

		type = worked ? HC_EV_PROC_EXEC : HC_EV_EXECVE;
		plan = worked ? CODE_EXEC_WORKED : e->code;
	}
	b = begin_row(im, type, e->ts_ns, err);
	if (!b)
		return failed(err);
	c = im->cells;
	cell_ref(c, HC_COL_TASK,
	         s->k ? task_ref(im, b, s->k, version_of_row(im, s, type)) : bare_task(im, b, e->tid));
	hc_cell_set(c, HC_COL_SRC_NUM, e->num);
	if (e->state_only || !im->begun)
		flags |= HC_ROW_STATEONLY;
	if (e->ts_ns < im->last_ns)
		flags |= HC_ROW_LATE;
	hc_cell_set(c, HC_COL_ROW_FLAGS, flags);
	if (type == HC_EV_SYS) {
		hc_cell_set(c, HC_COL_NR, hc_scap_u64(e, 1, 0));
	} else {
		if (e->info->flags & HC_SCAP_F_SYSCALL && hc_scap_has(e, 0))
			hc_cell_set(c, HC_COL_RET, (uint64_t)hc_scap_i64(e, 0, 0));
		for (size_t i = first_col(plan); i < sizeof(cols) / sizeof(cols[0]) && cols[i].code == plan; i++)
			cell_of(im, b, s, type, &cols[i]);
		cells_made(im, b, s, type);
		if (s->ctr)
			cell_ref(c,
			         type == HC_EV_ASYNC_EVENT ? HC_C_ASYNC_EVENT_container
			                                   : HC_C_CONTAINER_JSON_container,
			         in_ctr(im->t, b, s->ctr));
	}
	return end_row(im, type, e, err);
}

/* What a file may begin with: it tells what there is already, and nobody's rules see it. */
static bool begins_with(unsigned code)
{
	return scap_tells_of_user(code) || code == HC_SCAP_CONTAINER_JSON_2_E || code == HC_SCAP_ASYNCEVENT_E;
}

static int event(struct hc_scap_import *im, const struct hc_scap_event *e, struct hc_err *err)
{
	struct sevent s = { .e = e };
	int r = 0;

	/* of calls' beginnings of old forms no parameter has a name, and no row */
	if (e->code >= HC_SCAP_N_CODES || !e->info || (!e->info->params && !e->enter))
		return 0;
	if (!im->listed)
		scap_lists_done(im);
	im->listed = true;
	if (!im->first_ns && !(e->info->flags & HC_SCAP_F_METAEVENT)) {
		im->first_ns = e->ts_ns;
		im->first_gen = ++im->state_gen;
	}
	im->begun |= !begins_with(e->code);
	scap_apply(im, &s);
	if (e->enter) {
		im->stats.n_enter++;
	} else {
		im->stats.n_events++;
		r = event_row(im, &s, err);
		if (r >= 0 && s.child)
			r = fork_row(im, &s, err);
	}
	if (!im->stats.from_ns)
		im->stats.from_ns = (int64_t)e->ts_ns;
	if (e->ts_ns > im->last_ns)
		im->last_ns = e->ts_ns;
	im->stats.until_ns = (int64_t)im->last_ns;
	scap_event_done(im, &s);
	return r;
}

int hc_scap_import_item(struct hc_scap_import *im, const struct hc_scap_item *item, struct hc_err *err)
{
	switch (item->kind) {
	case HC_SCAP_SECTION:
		scap_begin_section(im);
		return 0;
	case HC_SCAP_MACHINE: /* in the file's header rows already */
		return 0;
	case HC_SCAP_PROC:
		scap_add_proc(im, &item->proc);
		return 0;
	case HC_SCAP_FD:
		scap_add_fd(im, &item->fd);
		return 0;
	case HC_SCAP_IFACE:
		scap_add_iface(im, &item->iface);
		return 0;
	case HC_SCAP_USER:
	case HC_SCAP_GROUP:
		scap_add_user(im, &item->user, item->kind == HC_SCAP_GROUP);
		return 0;
	case HC_SCAP_EVENT:
		return event(im, &item->event, err);
	default:
		return 0;
	}
}

int hc_scap_import_new(struct hc_scap_import **ret, struct hc_err *err)
{
	struct hc_scap_import *im = calloc(1, sizeof(*im));
	int r;

	if (!im)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = hc_tracker_new(&(struct hc_tracker_opts){ 0 }, &im->t, err);
	if (r < 0) {
		free(im);
		return r;
	}
	im->gone_tid = im->closed_tid = -1;
	*ret = im;
	return 0;
}

void hc_scap_import_set_writer(struct hc_scap_import *im, struct hc_writer *w)
{
	im->w = w;
	hc_tracker_set_writer(im->t, w);
	hc_writer_set_wall_offset(w, 0); /* times are those of the file */
}

struct hc_scap_import_stats hc_scap_import_stats(const struct hc_scap_import *im)
{
	return im->stats;
}

struct hc_scap_import *hc_scap_import_free(struct hc_scap_import *im)
{
	if (!im)
		return NULL;
	scap_begin_section(im); /* lets go of all */
	hc_tracker_free(im->t);
	free(im);
	return NULL;
}
