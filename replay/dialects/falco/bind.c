/*
 * One function per field that is computed, one case per field that is reached. A field is bound to a column where
 * it is one, to a leaf of the dictionary entry where it is made from that alone, and to a leaf of the row where
 * only the row decides.
 */
#include "replay/dialects/falco/bind.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "replay/dialects/falco/clues.h"
#include "replay/falco_scap.h"

struct fkeep {
	struct fkeep *next;
	struct hc_str s;
};

void fbinder_init(struct fbinder *b, struct hc_ir *ir, bool own_events)
{
	*b = (struct fbinder){ .ir = ir, .own_events = own_events };
}

const struct hc_str *fbinder_keep(struct fbinder *b, struct hc_str s)
{
	struct fkeep *k;

	for (k = b->kept; k; k = k->next)
		if (hc_str_eq(k->s, s))
			return &k->s;
	k = hc_arena_alloc(hc_ir_arena(b->ir), sizeof(*k));
	if (!k)
		return NULL;
	k->s = hc_arena_str(hc_ir_arena(b->ir), s);
	k->next = b->kept;
	b->kept = k;
	return &k->s;
}

void fbinder_type(struct fbinder *b, unsigned type)
{
	const struct hc_path *now, *after;

	b->stamp++;
	b->type = type;
	b->child = false;
	b->row = falco_row_map(type);
	b->at_row = hc_path_row(b->ir, type);
	b->task = hc_path_hop(b->ir, b->at_row, HC_COL_TASK);
	now = hc_path_hop(b->ir, b->task, HC_O_TASK_proc);
	b->proc = now;
	if (b->row->after_col >= 0) {
		after = hc_path_hop(b->ir, b->at_row, (unsigned)b->row->after_col);
		b->proc = hc_path_else(b->ir, after, now);
	}
	b->image = hc_path_hop(b->ir, b->proc, HC_O_PROC_image);
	b->fd = b->sock = NULL;
	if (b->row->fd != FD_NONE) {
		b->fd = hc_path_hop(b->ir, b->at_row, (unsigned)b->row->fd_col + (b->row->fd != FD_NEW));
		b->sock = hc_path_hop(b->ir, b->fd, HC_O_FDOBJ_sock);
	}
	if (b->row->sock_col >= 0) {
		after = hc_path_hop(b->ir, b->at_row, (unsigned)b->row->sock_col);
		b->sock = b->sock ? hc_path_else(b->ir, after, b->sock) : after;
	}
}

void fbinder_base64(struct fbinder *b, bool base64)
{
	if (b->base64 != base64)
		b->stamp++;
	b->base64 = base64;
}

void fbinder_type_child(struct fbinder *b)
{
	fbinder_type(b, HC_EV_PROC_FORK);
	b->child = true;
	b->task = NULL;
	b->proc = hc_path_hop(b->ir, b->at_row, HC_C_PROC_FORK_child);
	b->image = hc_path_hop(b->ir, b->proc, HC_O_PROC_image);
}

struct hc_type_set falco_event_types(bool own)
{
	struct hc_type_set set = { 0 };

	for (unsigned type = 0; type < HC_EV_MAX; type++)
		if (hc_event_desc(type) &&
		    (falco_row_map(type)->code || (own && hc_event_desc(type)->cls != HC_CLASS_META)))
			hc_type_set_add(&set, type);
	return set;
}

/* ---- what all leaves need ---- */

static struct fjson begin(struct hc_view *v)
{
	return (struct fjson){ .arena = hc_view_arena(v) };
}

static struct hc_value absent(void)
{
	return (struct hc_value){ 0 };
}

static struct hc_value word(const char *s)
{
	return s ? hc_value_str(hc_str_c(s)) : absent();
}

static struct hc_value heap_text(struct hc_view *v, unsigned dom, unsigned col, uint32_t entry)
{
	struct hc_value value = hc_value_str(hc_view_text(v, dom, col, entry));

	value.ref = hc_view_ref(v, dom, col, entry);
	return value;
}

/* A path's text with its place in the heap, which makes comparing it cheap. */
static struct hc_value path_value(struct hc_view *v, uint32_t path, bool real)
{
	static const unsigned orders[2][3] = { { HC_O_PATH_abs, HC_O_PATH_real, HC_O_PATH_given },
		                               { HC_O_PATH_real, HC_O_PATH_abs, HC_O_PATH_given } };
	struct hc_value value = absent();

	for (unsigned i = 0; i < 3 && !value.type; i++)
		value = heap_text(v, HC_OBJ_PATH, orders[real][i], path);
	return value;
}

static int64_t arg_num(const void *arg)
{
	return (int64_t)(intptr_t)arg;
}

static const void *num_arg(int64_t n)
{
	return (const void *)(intptr_t)n; /* NOLINT: leaves' arguments are compared by address */
}

static struct fctx ctx_of(struct hc_view *v, unsigned dom, uint32_t entry)
{
	return falco_ctx(v, HC_DOM_EVENT(dom), entry);
}

/* Behind the type: what a block must hold for its values (clues.h). */
#define LEAF(fn, dom_, type_, ...)                                                  \
	static const struct hc_leaf leaf_##fn = {                                   \
		.name = #fn, .dom = (dom_), .type = (type_), .get = fn, __VA_ARGS__ \
	}
/* Of a descriptor: what it is, and is to rules (falco_fd_type), and what it leads to tell the value, not who
 * opened it when. */
#define FD_LEAF(fn, type_, ...)                                            \
	static const struct hc_leaf leaf_##fn = { .name = #fn,             \
		                                  .dom = HC_OBJ_FDOBJ,     \
		                                  .type = (type_),         \
		                                  .reads = FALCO_FD_READS, \
		                                  .get = fn,               \
		                                  __VA_ARGS__ }
#define ROW_LEAF(fn, type_, ...) LEAF(fn, HC_DOM_ROWS(0), type_, __VA_ARGS__)
#define MAY_BE(what) .may_be = falco_may_be_##what
#define MAY_CONTAIN(what) .may_contain = falco_may_contain_##what
#define UNUSED_ARG (void)dom, (void)arg

/* ---- processes ---- */

static struct hc_value image_exe(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	uint32_t n;
	const uint32_t *argv = hc_view_strs(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), &n);
	struct hc_value value;

	UNUSED_ARG;
	if (!n)
		return absent();
	value = hc_value_str(hc_view_str(v, argv[0]));
	value.ref = argv[0];
	return value;
}
LEAF(image_exe, HC_OBJ_IMAGE, HC_VT_STR, MAY_BE(text), MAY_CONTAIN(text));

static struct hc_value image_exepath(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	struct hc_value path = path_value(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_exe, image), true);
	static const struct hc_str deleted = { " (deleted)", 10 };
	struct hc_str exe;

	UNUSED_ARG;
	if (!path.type)
		return image ? hc_value_str(HC_STR("")) : absent();
	exe = falco_image_exe(v, image);
	if (exe.len < path.s.len)
		return hc_value_str(exe);
	if (path.s.len > deleted.len && !memcmp(path.s.p + path.s.len - deleted.len, deleted.p, deleted.len)) {
		path.s.len -= deleted.len;
		path.ref = 0;
	}
	return path;
}
LEAF(image_exepath, HC_OBJ_IMAGE, HC_VT_STR, MAY_BE(exepath), MAY_CONTAIN(text));

static struct hc_value image_args(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!image)
		return absent();
	falco_join(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), 1, &out);
	return falco_out_value(&out);
}
LEAF(image_args, HC_OBJ_IMAGE, HC_VT_STR, MAY_BE(joined), MAY_CONTAIN(joined));

static struct hc_value image_arg_at(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	uint32_t n;
	const uint32_t *argv = hc_view_strs(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), &n);
	int64_t at = arg_num(arg) + 1;

	(void)dom;
	if (!image)
		return absent();
	return hc_value_str(at < n ? hc_view_str(v, argv[at]) : HC_STR(""));
}
LEAF(image_arg_at, HC_OBJ_IMAGE, HC_VT_STR, MAY_BE(text), MAY_CONTAIN(text));

static struct hc_value proc_cmdline(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t list = hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, falco_proc_image(v, proc)), n;
	struct hc_str comm = hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_image_comm, proc);
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!proc)
		return absent();
	fjson_bytes(&out, comm.p, comm.len);
	hc_view_strs(v, list, &n);
	if (n > 1) {
		fjson_char(&out, ' ');
		falco_join(v, list, 1, &out);
	}
	return falco_out_value(&out);
}
LEAF(proc_cmdline, HC_OBJ_PROC, HC_VT_STR, MAY_BE(joined), MAY_CONTAIN(joined));

/* A blank stands behind the program also where no argument follows. */
static struct hc_value image_exeline(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	uint32_t list = hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), n;
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!image)
		return absent();
	hc_view_strs(v, list, &n);
	falco_join(v, list, 0, &out);
	if (n < 2)
		fjson_char(&out, ' ');
	return falco_out_value(&out);
}
LEAF(image_exeline, HC_OBJ_IMAGE, HC_VT_STR, MAY_BE(joined), MAY_CONTAIN(joined));

static struct hc_value image_n_args(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	uint32_t n;
	const uint32_t *argv = hc_view_strs(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_argv, image), &n);
	uint64_t bytes = 0;

	(void)dom;
	if (!image)
		return absent();
	if (!arg)
		return hc_value_u64(n ? n - 1 : 0);
	for (uint32_t i = 1; i < n; i++)
		bytes += hc_view_str(v, argv[i]).len;
	return hc_value_u64(bytes);
}
LEAF(image_n_args, HC_OBJ_IMAGE, HC_VT_U64);

static struct hc_value image_env(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!image)
		return absent();
	falco_join(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_env, image), 0, &out);
	return falco_out_value(&out);
}
LEAF(image_env, HC_OBJ_IMAGE, HC_VT_STR, MAY_BE(joined), MAY_CONTAIN(joined));

static struct hc_str env_value(struct hc_view *v, uint32_t image, struct hc_str name)
{
	uint32_t n;
	const uint32_t *env = hc_view_strs(v, hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_env, image), &n);

	for (uint32_t i = 0; i < n; i++) {
		struct hc_str s = hc_view_str(v, env[i]);

		if (!hc_str_starts(s, name) || s.len == name.len || s.p[name.len] != '=')
			continue;
		s.p += name.len + 1;
		s.len -= name.len + 1;
		while (s.len && s.p[0] == ' ') {
			s.p++;
			s.len--;
		}
		while (s.len && s.p[s.len - 1] == ' ')
			s.len--;
		return s;
	}
	return HC_STR("");
}

static struct hc_value image_env_named(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	(void)dom;
	return image ? hc_value_str(env_value(v, image, *(const struct hc_str *)arg)) : absent();
}
LEAF(image_env_named, HC_OBJ_IMAGE, HC_VT_STR, MAY_BE(part), MAY_CONTAIN(text));

#define MAX_ENV_ANCESTORS 20

static struct hc_value proc_aenv_named(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	(void)dom;
	if (!proc)
		return absent();
	for (unsigned i = 0; i < MAX_ENV_ANCESTORS; i++) {
		struct hc_str s;

		proc = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
		if (!proc)
			break;
		s = env_value(v, falco_proc_image(v, proc), *(const struct hc_str *)arg);
		if (s.len)
			return hc_value_str(s);
	}
	return hc_value_str(HC_STR(""));
}
LEAF(proc_aenv_named, HC_OBJ_PROC, HC_VT_STR, MAY_BE(part), MAY_CONTAIN(text));

#define MAX_ANCESTORS 1024

/* What is asked of a process and of its ancestors. */
enum pkind { PK_NAME, PK_EXE, PK_EXEPATH, PK_CMDLINE, PK_ARGS, PK_PID, PK_ENV };

static struct hc_value text_of_process(struct hc_view *v, enum pkind k, uint32_t proc)
{
	switch (k) {
	case PK_NAME:
		return hc_value_str(hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_image_comm, proc));
	case PK_EXE:
		return image_exe(v, HC_OBJ_IMAGE, falco_proc_image(v, proc), NULL);
	case PK_EXEPATH:
		return image_exepath(v, HC_OBJ_IMAGE, falco_proc_image(v, proc), NULL);
	case PK_CMDLINE:
		return proc_cmdline(v, HC_OBJ_PROC, proc, NULL);
	default:
		return image_args(v, HC_OBJ_IMAGE, falco_proc_image(v, proc), NULL);
	}
}

/* Of all ancestors, with blanks between them: how a field of an ancestor is printed that does not say which. */
static struct hc_value proc_lineage(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	struct fjson out = begin(v);

	(void)dom;
	if (!proc)
		return absent();
	for (unsigned i = 0; i < MAX_ANCESTORS; i++) {
		struct hc_value text;

		proc = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
		if (!proc)
			break;
		text = text_of_process(v, (enum pkind)arg_num(arg), proc);
		if (out.n)
			fjson_char(&out, ' ');
		if (text.type == HC_VT_STR)
			fjson_bytes(&out, text.s.p, text.s.len);
	}
	return out.n ? falco_out_value(&out) : absent();
}
LEAF(proc_lineage, HC_OBJ_PROC, HC_VT_STR);

static struct hc_value proc_aargs(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	(void)arg;
	return proc_lineage(v, dom, proc, num_arg(PK_ARGS));
}
LEAF(proc_aargs, HC_OBJ_PROC, HC_VT_STR, MAY_BE(joined), MAY_CONTAIN(joined));

static struct hc_value path_cwd(struct hc_view *v, unsigned dom, uint32_t path, const void *arg)
{
	struct hc_str s = falco_path_real(v, path);
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!s.p)
		return absent();
	fjson_bytes(&out, s.p, s.len);
	if (!s.len || s.p[s.len - 1] != '/')
		fjson_char(&out, '/');
	return falco_out_value(&out);
}
LEAF(path_cwd, HC_OBJ_PATH, HC_VT_STR, MAY_BE(cwd), MAY_CONTAIN(path));

/* Where nobody knows the directory: of a process that nobody told of the original says this. */
static struct hc_value proc_no_cwd(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t flags = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_flags, proc, 0);

	UNUSED_ARG;
	if (!proc)
		return absent();
	return hc_value_str(flags & HC_PROC_INCOMPLETE ? HC_STR("./") : HC_STR(""));
}
LEAF(proc_no_cwd, HC_OBJ_PROC, HC_VT_STR);

static struct hc_value proc_loginshell(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t found = -1;

	UNUSED_ARG;
	for (unsigned i = 0; proc && i < MAX_ANCESTORS; i++) {
		struct hc_str comm = hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_image_comm, proc);

		if (comm.len >= 2 && !memcmp(comm.p + comm.len - 2, "sh", 2))
			found = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, -1);
		proc = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
	}
	return found < 0 ? absent() : hc_value_i64(found);
}
LEAF(proc_loginshell, HC_OBJ_PROC, HC_VT_I64);

/* A number of the process, -1 counting as none. */
static struct hc_value proc_id(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t i;

	(void)dom;
	return hc_view_int(v, HC_OBJ_PROC, (unsigned)arg_num(arg), proc, &i) && i >= 0 ? hc_value_i64(i)
	                                                                               : absent();
}
LEAF(proc_id, HC_OBJ_PROC, HC_VT_I64);

/* Where no version of the parent is at hand; nobody is the parent of the first process. */
static struct hc_value proc_ppid(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t i;

	UNUSED_ARG;
	return hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_ppid, proc, &i) && i > 0 ? hc_value_i64(i) : absent();
}
LEAF(proc_ppid, HC_OBJ_PROC, HC_VT_I64);

/* An imported capture's process without a version of its parent has none for the original either. */
static struct hc_value task_ppid(struct hc_view *v, unsigned dom, uint32_t task, const void *arg)
{
	int64_t ns;

	if (hc_view_int(v, HC_OBJ_TASK, HC_O_TASK_source_ns, task, &ns))
		return absent();
	return proc_ppid(v, dom, hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task), arg);
}
LEAF(task_ppid, HC_OBJ_TASK, HC_VT_I64);

static struct hc_value proc_sid(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t sid = falco_proc_sid(v, proc, INT64_MIN);

	UNUSED_ARG;
	return sid == INT64_MIN ? absent() : hc_value_i64(sid);
}
LEAF(proc_sid, HC_OBJ_PROC, HC_VT_I64);

/* Is it the leader itself? Numbers of its own namespace say so only where that is the host's; a process group's is
 * the host's. */
static bool leads(struct hc_view *v, uint32_t proc, unsigned col)
{
	int64_t pid = hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, -1);

	return pid > 0 && hc_view_int_or(v, HC_OBJ_PROC, col, proc, -1) == pid &&
	       (col == HC_O_PROC_pgid || hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_vpid, proc, pid) == pid);
}

/* Leaders' texts: present and empty when there is no such process. */
static struct hc_value proc_leader(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	unsigned which = (unsigned)arg_num(arg);
	static const unsigned cols[][2] = { { HC_O_PROC_sid_leader, HC_O_PROC_vsid },
		                            { HC_O_PROC_vpgid_leader, HC_O_PROC_vpgid },
		                            { HC_O_PROC_pgid_leader, HC_O_PROC_pgid } };
	uint32_t leader = hc_view_ref(v, HC_OBJ_PROC, cols[which / 3][0], proc);
	struct hc_value value;

	if (!proc)
		return absent();
	if (!leader && leads(v, proc, cols[which / 3][1]))
		leader = proc;
	if (!leader)
		return hc_value_str(HC_STR(""));
	switch (which % 3) {
	case 0:
		value = heap_text(v, HC_OBJ_PROC, HC_O_PROC_image_comm, leader);
		break;
	case 1:
		value = image_exe(v, dom, falco_proc_image(v, leader), NULL);
		break;
	default:
		value = image_exepath(v, dom, falco_proc_image(v, leader), NULL);
	}
	return value.type ? value : hc_value_str(HC_STR(""));
}
LEAF(proc_leader, HC_OBJ_PROC, HC_VT_STR, MAY_BE(exepath), MAY_CONTAIN(text));

static struct hc_value proc_same(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	static const unsigned pairs[][2] = { { HC_O_PROC_vsid, HC_O_PROC_vpid },
		                             { HC_O_PROC_vpgid, HC_O_PROC_vpid },
		                             { HC_O_PROC_pgid, HC_O_PROC_pid } };
	const unsigned *cols = pairs[arg_num(arg)];
	int64_t a, b;

	(void)dom;
	if (!proc)
		return absent();
	a = hc_view_int_or(v, HC_OBJ_PROC, cols[0], proc, -1); /* as the original has it where nobody knows */
	b = hc_view_int_or(v, HC_OBJ_PROC, cols[1], proc, -1);
	return hc_value_bool(a == b);
}
LEAF(proc_same, HC_OBJ_PROC, HC_VT_BOOL);

static struct hc_value image_flag(struct hc_view *v, unsigned dom, uint32_t image, const void *arg)
{
	if (!image)
		return absent();
	(void)dom;
	return hc_value_bool(hc_view_int_or(v, HC_OBJ_IMAGE, HC_O_IMAGE_flags, image, 0) & arg_num(arg));
}
LEAF(image_flag, HC_OBJ_IMAGE, HC_VT_BOOL);

/* Missing where 0. */
static struct hc_value file_ino(struct hc_view *v, unsigned dom, uint32_t file, const void *arg)
{
	int64_t i;

	UNUSED_ARG;
	return hc_view_int(v, HC_OBJ_FILE, HC_O_FILE_ino, file, &i) && i ? hc_value_i64(i) : absent();
}
LEAF(file_ino, HC_OBJ_FILE, HC_VT_I64);

static struct hc_value file_time(struct hc_view *v, unsigned dom, uint32_t file, const void *arg)
{
	int64_t i;

	(void)dom;
	return hc_view_int(v, HC_OBJ_FILE, (unsigned)arg_num(arg), file, &i) && i ? hc_value_u64((uint64_t)i)
	                                                                          : absent();
}
LEAF(file_time, HC_OBJ_FILE, HC_VT_U64);

static bool clone_wall(struct hc_view *v, uint32_t proc, int64_t *ret)
{
	int64_t boot;

	/* A process that was there before the recording began has no moment of cloning in Falco, but the kernel
	 * knows it. */
	if (!hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_fork_ns, proc, &boot) &&
	    !hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_start_ns, proc, &boot))
		return false;
	*ret = falco_wall(v, (uint64_t)boot);
	return boot != 0;
}

static struct hc_value proc_exe_age(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t file = hc_view_ref(v, HC_OBJ_IMAGE, HC_O_IMAGE_exe_file, falco_proc_image(v, proc));
	int64_t ctime, start;

	(void)dom;
	if (!hc_view_int(v, HC_OBJ_FILE, HC_O_FILE_ctime_ns, file, &ctime) || !ctime)
		return absent();
	if (!arg) {
		if (!clone_wall(v, proc, &start) || start <= ctime)
			return absent();
		return hc_value_u64((uint64_t)(start - ctime));
	}
	if (!hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_pidns_start_ns, proc, &start))
		return absent();
	return ctime > start ? hc_value_u64((uint64_t)(ctime - start)) : absent();
}
LEAF(proc_exe_age, HC_OBJ_PROC, HC_VT_U64);

/* With an argument: 0 where it is unknown. */
static struct hc_value proc_clone_ts(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t wall;

	(void)dom;
	if (clone_wall(v, proc, &wall))
		return hc_value_u64((uint64_t)wall);
	return proc && arg ? hc_value_u64(0) : absent();
}
LEAF(proc_clone_ts, HC_OBJ_PROC, HC_VT_U64);

/* Since the machine's start, as the original has it: not a moment, though it is printed like one. */
static struct hc_value proc_pidns_start(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t boot;

	UNUSED_ARG;
	if (!hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_pidns_start_ns, proc, &boot))
		return absent();
	return hc_value_u64((uint64_t)boot);
}
LEAF(proc_pidns_start, HC_OBJ_PROC, HC_VT_U64);

/* The host is no container. */
static struct hc_value proc_container_start(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	return hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc) ? proc_pidns_start(v, dom, proc, arg)
	                                                              : absent();
}
LEAF(proc_container_start, HC_OBJ_PROC, HC_VT_U64);

/* 0: the process, 1: its parent, 2: its pid namespace's first process. */
static struct hc_value row_duration(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	uint32_t proc = fctx_proc(&c);
	int64_t wall, start;

	if (arg_num(arg) == 1)
		proc = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
	if (arg_num(arg) == 2) {
		if (!hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_pidns_start_ns, proc, &start))
			return absent();
	} else if (!clone_wall(v, proc, &start)) {
		return absent();
	}
	if (!hc_view_row_field(v, c.type, entry, HC_ROWF_WALL_NS, &wall))
		return absent();
	return hc_value_u64((uint64_t)(wall - start));
}
ROW_LEAF(row_duration, HC_VT_U64);

static struct hc_value proc_caps(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	struct fjson out = begin(v);
	int64_t caps;

	(void)dom;
	if (!hc_view_int(v, HC_OBJ_PROC, (unsigned)arg_num(arg), proc, &caps))
		return absent();
	falco_caps((uint64_t)caps, &out);
	return falco_out_value(&out);
}
LEAF(proc_caps, HC_OBJ_PROC, HC_VT_STR);

/* Kernels that call a subsystem otherwise are put right. */
static struct hc_str subsystem_name(struct hc_str name)
{
	static const struct {
		struct hc_str was, is;
	} others[] = { { { "io", 2 }, { "blkio", 5 } },
		       { { "perf", 4 }, { "perf_event", 10 } },
		       { { "mem", 3 }, { "memory", 6 } } };
	static const struct hc_str suffix = { "_cgroup", 7 };

	if (name.len > suffix.len && !memcmp(name.p + name.len - suffix.len, suffix.p, suffix.len))
		name.len -= suffix.len;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (hc_str_eq(name, others[i].was))
			return others[i].is;
	return name;
}

static struct hc_value proc_cgroups(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t list = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_cgroups, proc), n;
	const uint32_t *items = hc_view_strs(v, list, &n);
	const struct hc_str *subsystem = arg;
	struct fjson out = begin(v);

	(void)dom;
	if (!n)
		return absent();
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str s = hc_view_str(v, items[i]), name = s, path;
		const char *eq = memchr(s.p, '=', s.len);

		name.len = eq ? (uint32_t)(eq - s.p) : s.len;
		path = (struct hc_str){ s.p + name.len, s.len - name.len };
		name = subsystem_name(name);
		if (subsystem && eq && hc_str_eq(name, *subsystem))
			return hc_value_str((struct hc_str){ path.p + 1, path.len - 1 });
		if (i)
			fjson_char(&out, ' ');
		fjson_bytes(&out, name.p, name.len);
		fjson_bytes(&out, path.p, path.len);
	}
	return subsystem ? absent() : falco_out_value(&out);
}
LEAF(proc_cgroups, HC_OBJ_PROC, HC_VT_STR);

static struct hc_value task_is_main(struct hc_view *v, unsigned dom, uint32_t task, const void *arg)
{
	int64_t tid, pid;

	UNUSED_ARG;
	if (!hc_view_int(v, HC_OBJ_TASK, HC_O_TASK_tid, task, &tid) ||
	    !hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_pid, hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task), &pid))
		return absent();
	return hc_value_bool(tid == pid);
}
LEAF(task_is_main, HC_OBJ_TASK, HC_VT_BOOL);

/* A counter that only imported captures have. */
static struct hc_value task_number(struct hc_view *v, unsigned dom, uint32_t task, const void *arg)
{
	int64_t i;

	(void)dom;
	return hc_view_int(v, HC_OBJ_TASK, (unsigned)arg_num(arg), task, &i) ? hc_value_u64((uint64_t)i)
	                                                                     : absent();
}
LEAF(task_number, HC_OBJ_TASK, HC_VT_U64);

/* Threads but the main one. */
static struct hc_value task_n_others(struct hc_view *v, unsigned dom, uint32_t task, const void *arg)
{
	int64_t i;

	UNUSED_ARG;
	return hc_view_int(v, HC_OBJ_TASK, HC_O_TASK_n_threads, task, &i) ? hc_value_u64((uint64_t)(i ? i - 1 : 0))
	                                                                  : absent();
}
LEAF(task_n_others, HC_OBJ_TASK, HC_VT_U64);

struct mem_arg {
	unsigned col;
	uint64_t times;
};

/* Sizes of memory as thread.* has them: of a main thread; 0 of the others. */
static struct hc_value task_memory(struct hc_view *v, unsigned dom, uint32_t task, const void *arg)
{
	static const struct mem_arg which[] = { { HC_O_TASK_vm_size_kib, 1 },
		                                { HC_O_TASK_vm_rss_kib, 1 },
		                                { HC_O_TASK_vm_size_kib, 1024 },
		                                { HC_O_TASK_vm_rss_kib, 1024 } };
	const struct mem_arg *m = &which[arg_num(arg)];
	int64_t i, tid;

	(void)dom;
	if (!hc_view_int(v, HC_OBJ_TASK, m->col, task, &i) ||
	    !hc_view_int(v, HC_OBJ_TASK, HC_O_TASK_tid, task, &tid))
		return absent();
	if (hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task), -1) !=
	    tid)
		i = 0;
	return hc_value_u64((uint64_t)i * m->times);
}
LEAF(task_memory, HC_OBJ_TASK, HC_VT_U64);

static struct hc_value task_vtid(struct hc_view *v, unsigned dom, uint32_t task, const void *arg)
{
	int64_t vtid;

	UNUSED_ARG;
	return hc_view_int(v, HC_OBJ_TASK, HC_O_TASK_vtid, task, &vtid) && vtid >= 0 ? hc_value_i64(vtid)
	                                                                             : absent();
}
LEAF(task_vtid, HC_OBJ_TASK, HC_VT_I64);

static struct hc_value row_nametid(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct hc_str comm = hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_image_comm, fctx_proc(&c));
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!comm.p)
		return absent();
	fjson_bytes(&out, comm.p, comm.len);
	fjson_i64(&out, hc_view_int_or(v, HC_OBJ_TASK, HC_O_TASK_tid, fctx_task(&c), -1));
	return falco_out_value(&out);
}
ROW_LEAF(row_nametid, HC_VT_STR);

/* ---- users, containers ---- */

enum { USER_NAME, USER_HOME, USER_SHELL, USER_LOGIN, USER_GROUP };

static struct hc_value proc_user(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t which = arg_num(arg);
	unsigned ref_col = which == USER_LOGIN ? (unsigned)HC_O_PROC_login_user : (unsigned)HC_O_PROC_user;
	unsigned id_col = which == USER_LOGIN ? (unsigned)HC_O_PROC_loginuid : (unsigned)HC_O_PROC_euid;
	uint32_t user = hc_view_ref(v, HC_OBJ_PROC, ref_col, proc);
	struct hc_value value;
	int64_t id;

	(void)dom;
	if (!proc)
		return absent();
	if (which == USER_GROUP) {
		value = heap_text(v, HC_OBJ_GROUP, HC_O_GROUP_name,
		                  hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_group, proc));
		id_col = HC_O_PROC_egid;
	} else {
		value = heap_text(v, HC_OBJ_USER,
		                  which == USER_HOME    ? (unsigned)HC_O_USER_home
		                  : which == USER_SHELL ? (unsigned)HC_O_USER_shell
		                                        : (unsigned)HC_O_USER_name,
		                  user);
	}
	if (value.type)
		return value;
	id = hc_view_int_or(v, HC_OBJ_PROC, id_col, proc, -1);
	if (id == 0 && which != USER_SHELL)
		return hc_value_str(which == USER_HOME ? HC_STR("/root") : HC_STR("root"));
	return hc_value_str(HC_STR("<NA>"));
}
LEAF(proc_user, HC_OBJ_PROC, HC_VT_STR, MAY_BE(user));

static struct hc_value proc_loginuid(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	int64_t id;

	UNUSED_ARG;
	if (!hc_view_int(v, HC_OBJ_PROC, HC_O_PROC_loginuid, proc, &id))
		return absent();
	return hc_value_i64((uint32_t)id == UINT32_MAX ? -1 : (int64_t)(uint32_t)id);
}
LEAF(proc_loginuid, HC_OBJ_PROC, HC_VT_I64);

static bool is_hex64(struct hc_str s)
{
	if (s.len != 64)
		return false;
	for (uint32_t i = 0; i < s.len; i++)
		if (!isxdigit((unsigned char)s.p[i]))
			return false;
	return true;
}

static struct hc_value proc_container_id(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	struct hc_str id = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_id, ctr);

	(void)dom;
	if (!proc)
		return absent();
	if (!id.p)
		return hc_value_str(HC_STR("host"));
	if (!arg && id.len > 12 &&
	    (is_hex64(id) || hc_str_eq(hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_runtime, ctr), HC_STR("containerd"))))
		id.len = 12;
	return hc_value_str(id);
}
LEAF(proc_container_id, HC_OBJ_PROC, HC_VT_STR, MAY_BE(container_id));

/* On the host: "host" for names, else empty; in a container what is known, which may be nothing. */
static struct hc_value proc_container_text(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	unsigned col = (unsigned)arg_num(arg);

	(void)dom;
	if (!proc)
		return absent();
	if (!ctr)
		return hc_value_str(col == HC_O_CTR_name || col == HC_O_CTR_runtime ? HC_STR("host") : HC_STR(""));
	if (hc_falco_ctr_known(v, ctr) && !hc_view_text(v, HC_OBJ_CTR, col, ctr).p)
		return hc_value_str(HC_STR(""));
	return heap_text(v, HC_OBJ_CTR, col, ctr);
}
LEAF(proc_container_text, HC_OBJ_PROC, HC_VT_STR, MAY_BE(container), MAY_CONTAIN(container));

/* Labels that a kubelet gives its containers: missing on the host, and where there are none. */
static struct hc_value proc_pod_text(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);

	(void)dom;
	return heap_text(v, HC_OBJ_CTR, (unsigned)arg_num(arg), ctr);
}
LEAF(proc_pod_text, HC_OBJ_PROC, HC_VT_STR, MAY_BE(text), MAY_CONTAIN(text));

/* Where there is none it may be in a pod whose network is not known: nothing is empty but what says so. */
static struct hc_value proc_pod_network(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);

	(void)dom;
	if (!proc || ctr)
		return heap_text(v, HC_OBJ_CTR, (unsigned)arg_num(arg), ctr);
	return hc_value_str(HC_STR(""));
}
LEAF(proc_pod_network, HC_OBJ_PROC, HC_VT_STR, MAY_BE(text), MAY_CONTAIN(text));

static struct hc_value proc_sandbox_id(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	struct hc_str id = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_sandbox_id, ctr);

	UNUSED_ARG;
	if (!proc || (ctr && !id.p && !hc_falco_ctr_known(v, ctr)))
		return absent();
	return hc_value_str((struct hc_str){ id.p ? id.p : "", id.len < 12 ? id.len : 12 });
}
LEAF(proc_sandbox_id, HC_OBJ_PROC, HC_VT_STR);

static struct hc_value proc_container_flag(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	int64_t i;

	(void)dom;
	if (!proc)
		return absent();
	if (!ctr)
		return hc_value_bool(false);
	if (hc_view_int(v, HC_OBJ_CTR, (unsigned)arg_num(arg), ctr, &i))
		return hc_value_bool(i);
	return hc_falco_ctr_known(v, ctr) ? hc_value_bool(false) : absent();
}
LEAF(proc_container_flag, HC_OBJ_PROC, HC_VT_BOOL);

/* Lists of a container as one text; labels are kept as key=value and shown as key:value. */
static struct hc_value proc_container_list(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc), n;
	unsigned col = (unsigned)arg_num(arg);
	uint32_t list = hc_view_ref(v, HC_OBJ_CTR, col, ctr);
	const uint32_t *items = hc_view_strs(v, list, &n);
	struct fjson out = begin(v);
	bool labels = col != HC_O_CTR_mounts, any = false;

	(void)dom;
	if (!proc || (ctr && !list && !hc_falco_ctr_known(v, ctr)))
		return absent();
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str s = hc_view_str(v, items[i]);
		const char *eq = labels && s.len ? memchr(s.p, '=', s.len) : NULL;

		if (labels &&
		    (hc_str_starts(s, HC_STR("io.kubernetes.")) || hc_str_starts(s, HC_STR("annotation."))))
			continue; /* the runtime's own: to be asked for by name */
		if (any)
			fjson_raw(&out, labels ? ", " : ",");
		any = true;
		if (eq == s.p + s.len - 1) {
			fjson_bytes(&out, s.p, s.len - 1); /* without a value */
		} else if (eq) {
			fjson_bytes(&out, s.p, (uint32_t)(eq - s.p));
			fjson_char(&out, ':');
			fjson_bytes(&out, eq + 1, s.len - (uint32_t)(eq - s.p) - 1);
		} else {
			fjson_bytes(&out, s.p, s.len);
		}
	}
	return falco_out_value(&out);
}
LEAF(proc_container_list, HC_OBJ_PROC, HC_VT_STR);

struct label_arg {
	unsigned col;
	struct hc_str key;
};

static struct hc_value proc_label(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	const struct label_arg *a = arg;
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc), n;
	const uint32_t *items = hc_view_strs(v, hc_view_ref(v, HC_OBJ_CTR, a->col, ctr), &n);

	(void)dom;
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str s = hc_view_str(v, items[i]);

		if (hc_str_starts(s, a->key) && s.len > a->key.len && s.p[a->key.len] == '=')
			return hc_value_str((struct hc_str){ s.p + a->key.len + 1, s.len - a->key.len - 1 });
	}
	return absent();
}
LEAF(proc_label, HC_OBJ_PROC, HC_VT_STR, MAY_BE(part), MAY_CONTAIN(text));

struct mount_arg {
	/* FMOUNT_WHOLE ...: in the order of the fields container.mount, container.mount.source ... */
	unsigned part;
	bool by_index;
	uint32_t index;
	const char *glob; /* of the source; for FMOUNT_SOURCE of the destination */
};

static struct hc_value proc_mount(struct hc_view *v, unsigned dom, uint32_t proc, const void *arg)
{
	const struct mount_arg *a = arg;
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc), n;
	const uint32_t *items = hc_view_strs(v, hc_view_ref(v, HC_OBJ_CTR, HC_O_CTR_mounts, ctr), &n);
	unsigned by = a->part == FMOUNT_SOURCE ? FMOUNT_DEST : FMOUNT_SOURCE;

	(void)dom;
	for (uint32_t i = a->by_index ? a->index : 0; i < n; i++) {
		struct hc_str part[FMOUNT_N], key;

		if (falco_mount_parts(hc_view_str(v, items[i]), part)) {
			key = hc_arena_str(hc_view_arena(v), part[by]); /* terminated */
			if (a->by_index || (key.p && fnmatch(a->glob, key.p, 0) == 0))
				return hc_value_str(part[a->part]);
		}
		if (a->by_index)
			break;
	}
	return absent();
}
LEAF(proc_mount, HC_OBJ_PROC, HC_VT_STR);

/* ---- descriptors ---- */

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

/* A relative path below what is not known; normal, which "<UNKNOWN>" is a part of: it goes with a ".." behind it.
 */
static void put_unknown(struct hc_view *v, const char *base, struct hc_str path, struct fjson *out)
{
	struct fjson all = begin(v);

	fjson_raw(&all, base);
	fjson_bytes(&all, path.p, path.len);
	falco_path_normal(fjson_end(&all), out);
}

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
	put_unknown(v, given.s.len && given.s.p[0] != '/' && dirfd ? "<UNKNOWN>" : "", given.s, &out);
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
	struct hc_value id = proc_container_id(v, HC_OBJ_PROC, fctx_proc(&c), NULL), name = { 0 }, dir;
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

/* ---- events ---- */

static struct hc_value row_name(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);

	(void)arg;
	return word(fctx_name(&c));
}
ROW_LEAF(row_name, HC_VT_STR);

static bool is_generic(const struct fctx *c)
{
	struct code_set codes = { 0 };

	if (fctx_is_imported(c))
		return true; /* also where the call has an event of its own by now */
	return falco_type_codes(hc_str_c(fctx_name(c)), &codes) && code_set_has(&codes, CODE_GENERIC);
}

/* The two parameters of a call without an event of its own: what it is called, and the kernel's number for it. */
static struct hc_value row_generic_arg(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);
	int64_t nr;

	if (!is_generic(&c))
		return absent();
	if (!arg)
		return word(fctx_name(&c));
	if (!hc_view_int(v, dom, HC_COL_NR, entry, &nr))
		return absent();
	fjson_i64(&out, nr);
	return falco_out_value(&out);
}
ROW_LEAF(row_generic_arg, HC_VT_STR);

static struct hc_value row_generic_rawarg(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	int64_t nr;

	if (!is_generic(&c))
		return absent();
	if (!arg)
		return hc_value_u64(falco_syscall_id(hc_str_c(fctx_name(&c))));
	return hc_view_int(v, dom, HC_COL_NR, entry, &nr) ? hc_value_u64((uint64_t)nr) : absent();
}
ROW_LEAF(row_generic_rawarg, HC_VT_U64);

/* Of a call that was recorded without a type of its own: arg is the parameter's name, or its place. */
static struct hc_value row_former_arg(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);
	struct pval val;
	const struct fparam *p = falco_former_param(&c, *(const struct hc_str *)arg, &val);

	if (!p)
		return absent();
	falco_param_resolved(&c, p, &val, &out);
	if (!out.n)
		falco_param_raw(&c, p, &val, &out);
	return falco_out_value(&out);
}
ROW_LEAF(row_former_arg, HC_VT_STR);

static struct hc_value row_former_num(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val;

	return falco_former_param(&c, *(const struct hc_str *)arg, &val) ? hc_value_i64(val.i) : absent();
}
ROW_LEAF(row_former_num, HC_VT_I64);

static struct hc_value row_former_unum(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val;

	return falco_former_param(&c, *(const struct hc_str *)arg, &val) ? hc_value_u64((uint64_t)val.i)
	                                                                 : absent();
}
ROW_LEAF(row_former_unum, HC_VT_U64);

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

/* Our own events have no layout of Falco's: their columns as name=value. */
static void own_args(struct hc_view *v, unsigned dom, uint32_t entry, struct fjson *out)
{
	const struct hc_table_desc *d = hc_event_desc(HC_DOM_EVENT(dom));
	struct fparam plain = { .type = PT_I64 };

	for (unsigned i = 0; d && i < d->n_args; i++) {
		unsigned col = d->arg_cols[i];
		const struct hc_col_desc *desc = &d->cols[col];
		struct hc_value value = hc_view_value(v, dom, col, entry);
		struct fctx c = falco_ctx(v, HC_DOM_EVENT(dom), entry);
		struct pval p = { .kind = PV_INT };
		uint32_t ref = desc->ref ? hc_view_ref(v, dom, col, entry) : 0;
		struct hc_str s = { 0 };

		if (desc->ref == HC_OBJ_PATH)
			s = falco_path_real(v, ref);
		else if (desc->ref == HC_OBJ_CTR)
			s = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_id, ref);
		else if (desc->ref == HC_OBJ_PROC)
			s = hc_view_text(v, HC_OBJ_PROC, HC_O_PROC_comm, ref);
		else if (value.type == HC_VT_STR)
			s = value.s;
		if (!s.p && desc->ref == HC_OBJ_SOCK && ref) {
			if (out->n)
				fjson_char(out, ' ');
			fjson_raw(out, desc->arg);
			fjson_char(out, '=');
			falco_sock_name(v, ref, out);
			continue;
		}
		if (!s.p && value.type != HC_VT_I64 && value.type != HC_VT_U64 && value.type != HC_VT_LIST)
			continue;
		if (out->n)
			fjson_char(out, ' ');
		fjson_raw(out, desc->arg);
		fjson_char(out, '=');
		if (s.p) {
			fjson_bytes(out, s.p, s.len);
		} else if (value.type == HC_VT_LIST) {
			for (uint32_t k = 0; k < value.list.n; k++) {
				if (k)
					fjson_char(out, ',');
				if (value.list.v[k].type == HC_VT_STR)
					fjson_bytes(out, value.list.v[k].s.p, value.list.v[k].s.len);
				else
					fjson_i64(out, value.list.v[k].i);
			}
		} else {
			p.i = value.i;
			falco_param_raw(&c, &plain, &p, out);
		}
	}
}

static struct hc_value row_args(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);

	out.base64 = arg_num(arg);
	if (c.row->code)
		falco_args(&c, &out);
	else
		own_args(v, dom, entry, &out);
	return falco_out_value(&out);
}
ROW_LEAF(row_args, HC_VT_STR);

static struct hc_value arg_text(struct hc_view *v, unsigned dom, uint32_t entry, const struct fparam *p,
                                bool base64)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, p);
	struct fjson out = begin(v);

	out.base64 = base64;
	falco_param_resolved(&c, p, &val, &out);
	if (!out.n)
		falco_param_raw(&c, p, &val, &out);
	return falco_out_value(&out);
}

/* arg: the parameter */
static struct hc_value row_arg(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	return arg_text(v, dom, entry, arg, false);
}
ROW_LEAF(row_arg, HC_VT_STR);

static struct hc_value row_arg_base64(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	return arg_text(v, dom, entry, arg, true);
}
ROW_LEAF(row_arg_base64, HC_VT_STR);

/* Of "3:f1 4:p1", which is what poll was given, the numbers. */
static struct hc_value row_fdlist_nums(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);
	struct fjson text = begin(v), out = begin(v);

	falco_param_raw(&c, arg, &val, &text);
	for (uint32_t i = 0; i < text.n;) {
		uint64_t fd = 0;

		for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
			fd = fd * 10 + (uint64_t)(text.p[i] - '0');
		if (out.n)
			fjson_char(&out, ',');
		fjson_i64(&out, (int64_t)fd); /* -1 is written without its sign there */
		while (i < text.n && text.p[i++] != ' ')
			;
	}
	return out.n ? falco_out_value(&out) : absent();
}
ROW_LEAF(row_fdlist_nums, HC_VT_STR);

/* evt.arg of a path, from the path alone: resolved where it is relative, as given where it is not. */
static struct hc_value path_arg(struct hc_view *v, unsigned dom, uint32_t path, const void *arg)
{
	struct hc_value given = heap_text(v, HC_OBJ_PATH, HC_O_PATH_given, path), abs;
	struct fjson out = begin(v);

	UNUSED_ARG;
	if (!path)
		return absent();
	if (!given.type)
		given = path_value(v, path, false);
	if (!given.type)
		return hc_value_str(HC_STR("<NA>"));
	if (!given.s.len || given.s.p[0] == '/')
		return given;
	abs = heap_text(v, HC_OBJ_PATH, HC_O_PATH_abs, path);
	if (abs.type)
		return abs;
	falco_path_normal(given.s, &out);
	return out.n ? falco_out_value(&out) : given;
}
LEAF(path_arg, HC_OBJ_PATH, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

static struct hc_value row_rawarg_num(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);

	return val.kind == PV_INT ? hc_value_i64(val.i) : absent();
}
ROW_LEAF(row_rawarg_num, HC_VT_I64);

static struct hc_value row_rawarg_unum(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);

	return val.kind == PV_INT ? hc_value_u64((uint64_t)val.i) : absent();
}
ROW_LEAF(row_rawarg_unum, HC_VT_U64);

static struct hc_value row_rawarg_text(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);

	if (val.kind != PV_TEXT && val.kind != PV_PATH)
		return absent();
	return hc_value_str(val.s.len ? val.s : HC_STR("<NA>"));
}
ROW_LEAF(row_rawarg_text, HC_VT_STR);

static struct hc_value row_rawarg_bytes(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	struct pval val = fctx_param(&c, arg);

	return val.kind == PV_BYTES ? hc_value_bytes(HC_VT_BYTES, val.s.p, val.s.len) : absent();
}
ROW_LEAF(row_rawarg_bytes, HC_VT_BYTES);

/* What was imported without data had none. */
static struct hc_value row_no_data(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	int64_t num;

	(void)arg;
	return hc_view_int(v, dom, HC_COL_SRC_NUM, entry, &num) ? hc_value_bytes(HC_VT_BYTES, "", 0) : absent();
}
ROW_LEAF(row_no_data, HC_VT_BYTES);

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
	char t = typechar_of(v, fd);
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

/* Paths that are relative to a descriptor: its number's column, the object is in the next; dirfd 0: none. */
struct at_path {
	uint16_t type;
	int16_t path, dirfd;
};

static uint32_t dir_object(struct hc_view *v, unsigned dom, uint32_t entry, int dirfd, bool *ret_is_cwd)
{
	*ret_is_cwd = dirfd <= 0 || hc_view_int_or(v, dom, (unsigned)dirfd, entry, AT_FDCWD) == AT_FDCWD;
	return *ret_is_cwd ? 0 : hc_view_ref(v, dom, (unsigned)dirfd + 1, entry);
}

/* A path of a call with directory descriptors, absolute. The original puts a slash behind the directory's name
 * also where that ends in one. */
static struct hc_value row_abspath(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	const struct at_path *at = arg;
	uint32_t path = hc_view_ref(v, dom, (unsigned)at->path, entry), dir;
	struct hc_str abs = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_abs, path), given = falco_path_given(v, path);
	struct fjson out = begin(v), name = begin(v);
	struct hc_str base;
	bool is_cwd, relative = given.p && given.len && given.p[0] != '/';

	if (!path)
		return absent();
	if (given.p && !given.len)
		return hc_value_str(HC_STR(""));
	dir = dir_object(v, dom, entry, at->dirfd, &is_cwd);
	if (relative && dir) {
		falco_fd_name(v, dir, &name);
		base = fjson_end(&name);
		if (!base.len || base.p[base.len - 1] == '/') {
			fjson_bytes(&out, base.p, base.len);
			fjson_char(&out, '/');
			falco_path_normal(given, &out);
			return falco_out_value(&out);
		}
	}
	if (abs.p)
		return hc_value_str(abs);
	put_unknown(v, relative ? "<UNKNOWN>/" : "", given, &out);
	return falco_out_value(&out);
}
ROW_LEAF(row_abspath, HC_VT_STR, MAY_BE(path), MAY_CONTAIN(path));

static struct hc_value path_abs(struct hc_view *v, unsigned dom, uint32_t path, const void *arg)
{
	UNUSED_ARG;
	return heap_text(v, HC_OBJ_PATH, HC_O_PATH_abs, path);
}
LEAF(path_abs, HC_OBJ_PATH, HC_VT_STR, MAY_BE(text), MAY_CONTAIN(text));

/* fs.path: only of calls that did something; the opens also where they failed, but not with EPERM. */
static bool fs_path_applies(const struct fctx *c)
{
	int64_t ret;

	if (!fctx_ret(c, &ret))
		return false;
	return c->row->fd == FD_NEW ? ret != -1 : ret == 0;
}

static struct hc_value fs_path_raw(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	unsigned at = (unsigned)arg_num(arg);
	const struct hc_table_desc *d = hc_event_desc(c.type);
	struct hc_str s;

	if (!fs_path_applies(&c))
		return absent();
	if (d->cols[at].ref == HC_OBJ_STR)
		s = hc_view_text(v, dom, at, entry);
	else
		s = falco_path_given(v, hc_view_ref(v, dom, at, entry));
	return hc_value_str(s);
}
ROW_LEAF(fs_path_raw, HC_VT_STR, MAY_BE(abs), MAY_CONTAIN(path));

/* Where the name is relative to a descriptor that has to be a directory's for the original. */
static int dirfd_of_name(unsigned type, unsigned path)
{
	switch (type) {
	case HC_EV_FCHOWNAT:
		return HC_C_FCHOWNAT_dirfd;
	case HC_EV_FCHMODAT:
		return HC_C_FCHMODAT_dirfd;
	case HC_EV_MKDIRAT:
		return HC_C_MKDIRAT_dirfd;
	case HC_EV_UNLINKAT:
		return HC_C_UNLINKAT_dirfd;
	case HC_EV_SYMLINKAT:
		return path == HC_C_SYMLINKAT_linkpath ? HC_C_SYMLINKAT_newdirfd : 0;
	default:
		return 0;
	}
}

/* Of these two the original does not look at the descriptors: names are relative to the working directory. */
static bool ignores_dirfds(unsigned type)
{
	return type == HC_EV_RENAMEAT || type == HC_EV_LINKAT;
}

/* A relative text below the working directory, where that is known. */
static struct hc_str below_cwd(const struct fctx *c, struct hc_str s)
{
	struct hc_str cwd = falco_path_real(c->v, hc_view_ref(c->v, HC_OBJ_PROC, HC_O_PROC_cwd, fctx_proc(c)));
	struct fjson out = begin(c->v);

	if (!s.len || s.p[0] == '/' || !cwd.len)
		return s;
	fjson_bytes(&out, cwd.p, cwd.len);
	fjson_char(&out, '/');
	fjson_bytes(&out, s.p, s.len);
	return fjson_end(&out);
}

static struct hc_value fs_path(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);
	unsigned at = (unsigned)arg_num(arg);
	const struct hc_table_desc *d = hc_event_desc(c.type);
	struct fjson out = begin(v);
	struct hc_str s, abs;
	uint32_t dir;
	int dirfd;
	bool is_cwd;

	if (!fs_path_applies(&c))
		return absent();
	if (d->cols[at].ref == HC_OBJ_STR) { /* a symbolic link's text: relative to nothing that is known */
		s = hc_view_text(v, dom, at, entry);
		if (!s.p)
			return absent();
		if (s.len && s.p[0] != '/' && c.type == HC_EV_SYMLINKAT) {
			put_unknown(v, "<UNKNOWN>", s, &out);
			return falco_out_value(&out);
		}
		falco_path_normal(below_cwd(&c, s), &out);
		return falco_out_value(&out);
	}
	s = falco_path_given(v, hc_view_ref(v, dom, at, entry));
	abs = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_abs, hc_view_ref(v, dom, at, entry));
	/* of a relative name that failed, the original does not say more */
	if ((c.type == HC_EV_OPENAT || c.type == HC_EV_OPENAT2) && s.len && s.p[0] != '/')
		return fctx_fdobj(&c) ? fd_name(v, HC_OBJ_FDOBJ, fctx_fdobj(&c), NULL)
		                      : hc_value_str(HC_STR("<UNKNOWN>"));
	if (s.p && !s.len)
		return hc_value_str(HC_STR(""));
	if (s.p && s.p[0] != '/' && ignores_dirfds(c.type)) {
		falco_path_normal(below_cwd(&c, s), &out);
		return falco_out_value(&out);
	}
	dirfd = dirfd_of_name(c.type, at);
	dir = dir_object(v, dom, entry, dirfd, &is_cwd); /* AT_FDCWD is no descriptor of a directory */
	if (!dirfd || (!is_cwd && falco_fd_typechar(v, dir) == 'd') || (s.p && s.len && s.p[0] == '/')) {
		if (abs.p)
			return hc_value_str(abs);
	}
	if (!s.p)
		return absent();
	/* not even a path, as the source of a mount may be; of a directory that nobody knows a name says so */
	if (!dirfd && c.type != HC_EV_RENAMEAT2)
		s = below_cwd(&c, s);
	put_unknown(v, s.len && s.p[0] != '/' ? "<UNKNOWN>" : "", s, &out);
	return falco_out_value(&out);
}
ROW_LEAF(fs_path, HC_VT_STR, MAY_BE(fs_path));

static struct hc_value fs_path_fd(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);

	(void)arg;
	if (!fs_path_applies(&c))
		return absent();
	return fctx_fdobj(&c) ? fd_name(v, HC_OBJ_FDOBJ, fctx_fdobj(&c), NULL) : hc_value_str(HC_STR(""));
}
ROW_LEAF(fs_path_fd, HC_VT_STR, MAY_BE(fd_name), MAY_CONTAIN(fd_name));

/* ---- binding ---- */

static void why(struct fbinder *b, const char *text, const char *fact, const char *remedy)
{
	b->why.text = text;
	b->why.fact = fact;
	b->why.remedy = remedy;
}

static const struct hc_access *col(struct fbinder *b, const struct hc_path *p, unsigned c)
{
	return p ? hc_access_col(b->ir, p, c) : NULL;
}

static const struct hc_access *leaf(struct fbinder *b, const struct hc_path *p, const struct hc_leaf *l,
                                    const void *arg)
{
	return p ? hc_access_leaf(b->ir, p, l, arg) : NULL;
}

static const struct hc_access *row(struct fbinder *b, const struct hc_leaf *l, const void *arg)
{
	return leaf(b, b->at_row, l, arg);
}

static const struct hc_access *constant(struct fbinder *b, struct hc_value v)
{
	return hc_access_const(b->ir, b->type, &v);
}

static const struct hc_access *either(struct fbinder *b, const struct hc_access *a, const struct hc_access *other)
{
	if (!a || !other)
		return a ? a : other;
	return hc_access_else(b->ir, a, other);
}

static const struct hc_path *hop(struct fbinder *b, const struct hc_path *p, unsigned c)
{
	return p ? hc_path_hop(b->ir, p, c) : NULL;
}

static uint32_t event_flags(const struct fbinder *b)
{
	return b->row->code ? falco_events[b->row->code].flags : 0;
}

/* What a process field is about, reached over any process. */
static const struct hc_access *process(struct fbinder *b, enum pkind k, const struct hc_path *proc)
{
	const struct hc_path *image = hop(b, proc, HC_O_PROC_image);

	switch (k) {
	case PK_NAME:
		return col(b, proc, HC_O_PROC_image_comm);
	case PK_EXE:
		return leaf(b, image, &leaf_image_exe, NULL);
	case PK_EXEPATH:
		return leaf(b, image, &leaf_image_exepath, NULL);
	case PK_CMDLINE:
		return leaf(b, proc, &leaf_proc_cmdline, NULL);
	case PK_ARGS:
		return leaf(b, image, &leaf_image_args, NULL);
	case PK_PID:
		return col(b, proc, HC_O_PROC_pid);
	default:
		why(b, "environments are not recorded", "env", NULL);
		return leaf(b, image, &leaf_image_env, NULL);
	}
}

static bool ancestor_kind(unsigned field, enum pkind *ret)
{
	switch (field) {
	case F_PROC_ANAME:
		*ret = PK_NAME;
		return true;
	case F_PROC_AEXE:
		*ret = PK_EXE;
		return true;
	case F_PROC_AEXEPATH:
		*ret = PK_EXEPATH;
		return true;
	case F_PROC_ACMDLINE:
		*ret = PK_CMDLINE;
		return true;
	case F_PROC_AARGS:
		*ret = PK_ARGS;
		return true;
	case F_PROC_APID:
		*ret = PK_PID;
		return true;
	case F_PROC_AENV:
		*ret = PK_ENV;
		return true;
	default:
		return false;
	}
}

bool falco_is_ancestor_field(const struct fref *f)
{
	enum pkind k;

	return f->arg == FARG_NONE && f->id != F_PROC_AARGS && ancestor_kind(f->id, &k);
}

const struct hc_access *falco_bind_any_ancestor(struct fbinder *b, const struct fref *f)
{
	enum pkind k;

	b->why = (struct fwhy){ .field = f->id };
	if (!falco_is_ancestor_field(f) || !ancestor_kind(f->id, &k) || !b->proc)
		return NULL;
	return process(b, k, hc_path_any_ancestor(b->ir, b->proc));
}

#define MAX_INDEX 4096u

static const struct hc_access *bind_ancestor(struct fbinder *b, const struct fref *f, enum pkind k)
{
	if (f->id == F_PROC_AENV && f->arg == FARG_NAME) {
		why(b, "environments are not recorded", "env", NULL);
		return leaf(b, b->proc, &leaf_proc_aenv_named, fbinder_keep(b, f->name));
	}
	if (f->arg == FARG_NONE && k == PK_ARGS)
		return leaf(b, b->proc, &leaf_proc_aargs, NULL);
	if (f->arg == FARG_NONE && (k == PK_PID || k == PK_ENV)) /* its own */
		return process(b, k, b->proc);
	if (f->arg == FARG_NONE)
		return leaf(b, b->proc, &leaf_proc_lineage, num_arg(k));
	if (f->index > MAX_INDEX)
		return NULL;
	return process(b, k, hc_path_ancestor(b->ir, b->proc, f->index));
}

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

static const struct hc_access *bind_fd(struct fbinder *b, const struct fref *f)
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

static const struct hc_access *bind_std(struct fbinder *b, unsigned which, bool type)
{
	static const unsigned cols[] = { HC_O_IMAGE_std0, HC_O_IMAGE_std1, HC_O_IMAGE_std2 };
	const struct hc_leaf *of = type ? &leaf_fd_type : &leaf_fd_name;

	/* imported captures have what is open now; others know what the program was begun with */
	return either(b, leaf(b, hop(b, b->task, HC_O_TASK_std0 + which), of, NULL),
	              leaf(b, hop(b, b->image, cols[which]), of, NULL));
}

#define NO_COUNTS "memory, descriptor and thread counts of processes are not recorded"
#define NO_COUNTS_FACT "memory use and number of threads" /* only imported captures have them */

static const struct hc_access *number_of_task(struct fbinder *b, unsigned column)
{
	why(b, NO_COUNTS, NO_COUNTS_FACT, NULL);
	return leaf(b, b->task, &leaf_task_number, num_arg(column));
}

static const struct hc_access *bind_proc(struct fbinder *b, const struct fref *f)
{
	const struct hc_path *parent = b->proc ? hc_path_ancestor(b->ir, b->proc, 1) : NULL;
	const struct hc_path *exe_file = hop(b, b->image, HC_O_IMAGE_exe_file);
	enum pkind k;

	if (ancestor_kind(f->id, &k))
		return bind_ancestor(b, f, k);
	switch (f->id) {
	case F_PROC_EXE:
		return process(b, PK_EXE, b->proc);
	case F_PROC_PEXE:
		return process(b, PK_EXE, parent);
	case F_PROC_EXEPATH:
		return process(b, PK_EXEPATH, b->proc);
	case F_PROC_PEXEPATH:
		return process(b, PK_EXEPATH, parent);
	case F_PROC_NAME:
		return process(b, PK_NAME, b->proc);
	case F_PROC_PNAME:
		return process(b, PK_NAME, parent);
	case F_PROC_ARGS:
		return f->arg == FARG_INDEX ? leaf(b, b->image, &leaf_image_arg_at, num_arg(f->index))
		                            : process(b, PK_ARGS, b->proc);
	case F_PROC_CMDLINE:
		return process(b, PK_CMDLINE, b->proc);
	case F_PROC_PCMDLINE:
		return process(b, PK_CMDLINE, parent);
	case F_PROC_CMDNARGS:
		return leaf(b, b->image, &leaf_image_n_args, NULL);
	case F_PROC_CMDLENARGS:
		return leaf(b, b->image, &leaf_image_n_args, num_arg(1));
	case F_PROC_EXELINE:
		return leaf(b, b->image, &leaf_image_exeline, NULL);
	case F_PROC_ENV:
		why(b, "environments are not recorded", "env", NULL);
		return f->arg != FARG_NAME ? leaf(b, b->image, &leaf_image_env, NULL)
		                           : leaf(b, b->image, &leaf_image_env_named, fbinder_keep(b, f->name));
	case F_PROC_CWD:
		return either(b, leaf(b, hop(b, b->proc, HC_O_PROC_cwd), &leaf_path_cwd, NULL),
		              leaf(b, b->proc, &leaf_proc_no_cwd, NULL));
	case F_PROC_LOGINSHELLID:
		return leaf(b, b->proc, &leaf_proc_loginshell, NULL);
	case F_PROC_TTY:
		return col(b, b->proc, HC_O_PROC_tty_nr);
	case F_PROC_PID:
		return process(b, PK_PID, b->proc);
	case F_PROC_PPID:
		return either(b, process(b, PK_PID, parent),
		              b->task ? leaf(b, b->task, &leaf_task_ppid, NULL)
		                      : leaf(b, b->proc, &leaf_proc_ppid, NULL));
	case F_PROC_VPID:
		return leaf(b, b->proc, &leaf_proc_id, num_arg(HC_O_PROC_vpid));
	case F_PROC_PVPID:
		return leaf(b, parent, &leaf_proc_id, num_arg(HC_O_PROC_vpid));
	case F_PROC_SID:
		return leaf(b, b->proc, &leaf_proc_sid, NULL);
	case F_PROC_VPGID:
		return col(b, b->proc, HC_O_PROC_vpgid);
	case F_PROC_PGID:
		return col(b, b->proc, HC_O_PROC_pgid);
	case F_PROC_SNAME:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(0));
	case F_PROC_SID_EXE:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(1));
	case F_PROC_SID_EXEPATH:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(2));
	case F_PROC_VPGID_NAME:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(3));
	case F_PROC_VPGID_EXE:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(4));
	case F_PROC_VPGID_EXEPATH:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(5));
	case F_PROC_PGID_NAME:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(6));
	case F_PROC_PGID_EXE:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(7));
	case F_PROC_PGID_EXEPATH:
		return leaf(b, b->proc, &leaf_proc_leader, num_arg(8));
	case F_PROC_DURATION:
		return row(b, &leaf_row_duration, num_arg(0));
	case F_PROC_PPID_DURATION:
		return row(b, &leaf_row_duration, num_arg(1));
	case F_PROC_PID_TS:
		return leaf(b, b->proc, &leaf_proc_clone_ts, NULL);
	case F_PROC_PPID_TS:
		return leaf(b, parent, &leaf_proc_clone_ts, "");
	case F_PROC_IS_EXE_WRITABLE:
		return leaf(b, b->image, &leaf_image_flag, num_arg(HC_IMAGE_WRITABLE));
	case F_PROC_IS_EXE_UPPER_LAYER:
		return leaf(b, b->image, &leaf_image_flag, num_arg(HC_IMAGE_UPPER));
	case F_PROC_IS_EXE_LOWER_LAYER:
		return leaf(b, b->image, &leaf_image_flag, num_arg(HC_IMAGE_LOWER));
	case F_PROC_IS_EXE_FROM_MEMFD:
		return leaf(b, b->image, &leaf_image_flag, num_arg(HC_IMAGE_MEMFD));
	case F_PROC_IS_SID_LEADER:
		return leaf(b, b->proc, &leaf_proc_same, num_arg(0));
	case F_PROC_IS_VPGID_LEADER:
		return leaf(b, b->proc, &leaf_proc_same, num_arg(1));
	case F_PROC_IS_PGID_LEADER:
		return leaf(b, b->proc, &leaf_proc_same, num_arg(2));
	case F_PROC_EXE_INO:
		return leaf(b, exe_file, &leaf_file_ino, NULL);
	case F_PROC_EXE_INO_CTIME:
		return leaf(b, exe_file, &leaf_file_time, num_arg(HC_O_FILE_ctime_ns));
	case F_PROC_EXE_INO_MTIME:
		return leaf(b, exe_file, &leaf_file_time, num_arg(HC_O_FILE_mtime_ns));
	case F_PROC_EXE_INO_CTIME_DURATION_PROC_START:
		return leaf(b, b->proc, &leaf_proc_exe_age, NULL);
	case F_PROC_EXE_INO_CTIME_DURATION_PIDNS_START:
		return leaf(b, b->proc, &leaf_proc_exe_age, num_arg(1));
	case F_PROC_PIDNS_INIT_START_TS:
		return leaf(b, b->proc, &leaf_proc_pidns_start, NULL);
	case F_THREAD_CAP_PERMITTED:
		return leaf(b, b->proc, &leaf_proc_caps, num_arg(HC_O_PROC_cap_perm));
	case F_THREAD_CAP_INHERITABLE:
		return leaf(b, b->proc, &leaf_proc_caps, num_arg(HC_O_PROC_cap_inh));
	case F_THREAD_CAP_EFFECTIVE:
		return leaf(b, b->proc, &leaf_proc_caps, num_arg(HC_O_PROC_cap_eff));
	case F_PROC_FDLIMIT:
		return leaf(b, b->proc, &leaf_proc_id, num_arg(HC_O_PROC_nofile));
	case F_THREAD_TID:
		if (b->child)
			return col(b, b->at_row, HC_C_PROC_FORK_child_tid);
		return col(b, b->task, HC_O_TASK_tid);
	case F_THREAD_ISMAIN:
		return leaf(b, b->task, &leaf_task_is_main, NULL);
	case F_THREAD_VTID:
		if (b->child)
			return col(b, b->at_row, HC_C_PROC_FORK_child_vtid);
		return leaf(b, b->task, &leaf_task_vtid, NULL);
	case F_THREAD_NAMETID:
		return row(b, &leaf_row_nametid, NULL);
	case F_THREAD_CGROUPS:
		return leaf(b, b->proc, &leaf_proc_cgroups, NULL);
	case F_THREAD_CGROUP:
		return leaf(b, b->proc, &leaf_proc_cgroups, fbinder_keep(b, f->name));
	case F_PROC_STDIN_TYPE:
	case F_PROC_STDOUT_TYPE:
	case F_PROC_STDERR_TYPE:
		return bind_std(b, f->id - F_PROC_STDIN_TYPE, true);
	case F_PROC_STDIN_NAME:
	case F_PROC_STDOUT_NAME:
	case F_PROC_STDERR_NAME:
		return bind_std(b, f->id - F_PROC_STDIN_NAME, false);
	case F_PROC_NTHREADS:
		return number_of_task(b, HC_O_TASK_n_threads);
	case F_PROC_NCHILDS:
		why(b, NO_COUNTS, NO_COUNTS_FACT, NULL);
		return leaf(b, b->task, &leaf_task_n_others, NULL);
	case F_PROC_VMSIZE:
		return number_of_task(b, HC_O_TASK_vm_size_kib);
	case F_PROC_VMRSS:
		return number_of_task(b, HC_O_TASK_vm_rss_kib);
	case F_PROC_VMSWAP:
		return number_of_task(b, HC_O_TASK_vm_swap_kib);
	case F_THREAD_PFMAJOR:
		return number_of_task(b, HC_O_TASK_pgft_maj);
	case F_THREAD_PFMINOR:
		return number_of_task(b, HC_O_TASK_pgft_min);
	case F_THREAD_VMSIZE:
	case F_THREAD_VMRSS:
	case F_THREAD_VMSIZE_B:
	case F_THREAD_VMRSS_B:
		why(b, NO_COUNTS, NO_COUNTS_FACT, NULL);
		return leaf(b, b->task, &leaf_task_memory, num_arg((int64_t)f->id - F_THREAD_VMSIZE));
	case F_THREAD_EXECTIME:
		if (b->type != HC_EV_SCHED_SWITCH)
			return constant(b, hc_value_u64(0));
		__attribute__((fallthrough));
	case F_THREAD_TOTEXECTIME:
	case F_THREAD_CPU:
	case F_THREAD_CPU_USER:
	case F_THREAD_CPU_SYSTEM:
		why(b, "scheduling and processor time are not recorded", NULL, NULL);
		return NULL;
	default:
		why(b, NO_COUNTS, NULL, NULL);
		return NULL;
	}
}

static const struct hc_access *bind_user(struct fbinder *b, const struct fref *f)
{
	switch (f->id) {
	case F_USER_UID:
		return col(b, b->proc, HC_O_PROC_euid);
	case F_USER_NAME:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_NAME));
	case F_USER_HOMEDIR:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_HOME));
	case F_USER_SHELL:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_SHELL));
	case F_USER_LOGINUID:
		return leaf(b, b->proc, &leaf_proc_loginuid, NULL);
	case F_USER_LOGINNAME:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_LOGIN));
	case F_GROUP_GID:
		return col(b, b->proc, HC_O_PROC_egid);
	default:
		return leaf(b, b->proc, &leaf_proc_user, num_arg(USER_GROUP));
	}
}

/* The part of what a runtime knows that a field is from, as a recorder names it among the facts of a type. */
static const char *container_fact(unsigned field)
{
	switch (field) {
	case F_CONTAINER_IMAGE:
	case F_CONTAINER_IMAGE_ID:
	case F_CONTAINER_IMAGE_REPOSITORY:
	case F_CONTAINER_IMAGE_TAG:
	case F_CONTAINER_IMAGE_DIGEST:
		return "container.image";
	case F_CONTAINER_MOUNTS:
	case F_CONTAINER_MOUNT:
	case F_CONTAINER_MOUNT_SOURCE:
	case F_CONTAINER_MOUNT_DEST:
	case F_CONTAINER_MOUNT_MODE:
	case F_CONTAINER_MOUNT_RDWR:
	case F_CONTAINER_MOUNT_PROPAGATION:
		return "container.mounts";
	case F_CONTAINER_LABEL:
	case F_CONTAINER_LABELS:
		return "container.labels";
	case F_CONTAINER_CNI_JSON:
	case F_K8S_POD_CNI_JSON:
		return "cni"; /* no runtime has it in a file */
	default:
		return falco_fields[field].name[0] == 'k' ? "container.pod" : "container";
	}
}

static const struct hc_access *bind_mount(struct fbinder *b, const struct fref *f)
{
	struct mount_arg *a = hc_arena_alloc(hc_ir_arena(b->ir), sizeof(*a));

	if (!a)
		return NULL;
	a->part = f->id - F_CONTAINER_MOUNT;
	a->by_index = f->arg == FARG_INDEX;
	a->index = f->index;
	a->glob = hc_arena_str(hc_ir_arena(b->ir), f->name).p;
	return a->glob ? leaf(b, b->proc, &leaf_proc_mount, a) : NULL;
}

static const struct hc_access *bind_label(struct fbinder *b, const struct fref *f, unsigned c)
{
	struct label_arg *a = hc_arena_alloc(hc_ir_arena(b->ir), sizeof(*a));

	if (!a)
		return NULL;
	a->col = c;
	a->key = hc_arena_str(hc_ir_arena(b->ir), f->name);
	return leaf(b, b->proc, &leaf_proc_label, a);
}

static const struct hc_access *bind_container(struct fbinder *b, const struct fref *f)
{
	static const struct {
		uint16_t field;
		uint8_t col;
	} texts[] = {
		{ F_CONTAINER_NAME, HC_O_CTR_name },
		{ F_CONTAINER_IMAGE, HC_O_CTR_image },
		{ F_CONTAINER_IMAGE_ID, HC_O_CTR_image_id },
		{ F_CONTAINER_TYPE, HC_O_CTR_runtime },
		{ F_CONTAINER_IMAGE_REPOSITORY, HC_O_CTR_image_repo },
		{ F_CONTAINER_IMAGE_TAG, HC_O_CTR_image_tag },
		{ F_CONTAINER_IMAGE_DIGEST, HC_O_CTR_image_digest },
		{ F_CONTAINER_IP, HC_O_CTR_ip },
		{ F_K8S_POD_FULL_SANDBOX_ID, HC_O_CTR_sandbox_id },
	};

	switch (f->id) {
	case F_CONTAINER_ID:
		return leaf(b, b->proc, &leaf_proc_container_id, NULL);
	case F_CONTAINER_FULL_ID:
		return leaf(b, b->proc, &leaf_proc_container_id, "");
	case F_CONTAINER_START_TS:
		return leaf(b, b->proc, &leaf_proc_container_start, NULL);
	case F_CONTAINER_DURATION:
		return row(b, &leaf_row_duration, num_arg(2));
	default:
		break;
	}
	if (falco_fields[f->id].flags & FF_DEAD)
		return NULL;
	why(b, "facts about containers are not recorded", container_fact(f->id), NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].field == f->id)
			return leaf(b, b->proc, &leaf_proc_container_text, num_arg(texts[i].col));
	switch (f->id) {
	case F_CONTAINER_PRIVILEGED:
		return leaf(b, b->proc, &leaf_proc_container_flag, num_arg(HC_O_CTR_privileged));
	case F_CONTAINER_HOST_PID:
		return leaf(b, b->proc, &leaf_proc_container_flag, num_arg(HC_O_CTR_host_pid));
	case F_CONTAINER_HOST_NETWORK:
		return leaf(b, b->proc, &leaf_proc_container_flag, num_arg(HC_O_CTR_host_net));
	case F_CONTAINER_HOST_IPC:
		return leaf(b, b->proc, &leaf_proc_container_flag, num_arg(HC_O_CTR_host_ipc));
	case F_K8S_POD_NAME:
		return leaf(b, b->proc, &leaf_proc_pod_text, num_arg(HC_O_CTR_pod_name));
	case F_K8S_NS_NAME:
		return leaf(b, b->proc, &leaf_proc_pod_text, num_arg(HC_O_CTR_pod_namespace));
	case F_K8S_POD_ID:
	case F_K8S_POD_UID:
		return leaf(b, b->proc, &leaf_proc_pod_text, num_arg(HC_O_CTR_pod_uid));
	case F_K8S_POD_SANDBOX_ID:
		return leaf(b, b->proc, &leaf_proc_sandbox_id, NULL);
	case F_K8S_POD_IP:
		return leaf(b, b->proc, &leaf_proc_pod_network, num_arg(HC_O_CTR_pod_ip));
	case F_CONTAINER_CNI_JSON:
		return leaf(b, b->proc, &leaf_proc_pod_network, num_arg(HC_O_CTR_cni_json));
	case F_K8S_POD_CNI_JSON:
		return leaf(b, b->proc, &leaf_proc_pod_network, num_arg(HC_O_CTR_pod_cni_json));
	case F_CONTAINER_MOUNTS:
		return leaf(b, b->proc, &leaf_proc_container_list, num_arg(HC_O_CTR_mounts));
	case F_CONTAINER_MOUNT:
	case F_CONTAINER_MOUNT_SOURCE:
	case F_CONTAINER_MOUNT_DEST:
	case F_CONTAINER_MOUNT_MODE:
	case F_CONTAINER_MOUNT_RDWR:
	case F_CONTAINER_MOUNT_PROPAGATION:
		return bind_mount(b, f);
	case F_CONTAINER_LABELS:
		return leaf(b, b->proc, &leaf_proc_container_list, num_arg(HC_O_CTR_labels));
	case F_K8S_POD_LABELS:
		return leaf(b, b->proc, &leaf_proc_container_list, num_arg(HC_O_CTR_pod_labels));
	case F_CONTAINER_LABEL:
		return bind_label(b, f, HC_O_CTR_labels);
	case F_K8S_POD_LABEL:
		return bind_label(b, f, HC_O_CTR_pod_labels);
	default:
		return NULL;
	}
}

/* fs.path.*: which column, for which type. */
static const struct hc_access *bind_fs_path(struct fbinder *b, const struct fref *f)
{
	static const struct {
		uint16_t type;
		int16_t name, source, target; /* columns; -1: none */
	} paths[] = {
		{ HC_EV_MKDIR, HC_C_MKDIR_pathname, -1, -1 },
		{ HC_EV_MKDIRAT, HC_C_MKDIRAT_pathname, -1, -1 },
		{ HC_EV_RMDIR, HC_C_RMDIR_pathname, -1, -1 },
		{ HC_EV_UNLINK, HC_C_UNLINK_pathname, -1, -1 },
		{ HC_EV_UNLINKAT, HC_C_UNLINKAT_pathname, -1, -1 },
		{ HC_EV_OPEN, HC_C_OPEN_pathname, -1, -1 },
		{ HC_EV_OPENAT, HC_C_OPENAT_pathname, -1, -1 },
		{ HC_EV_OPENAT2, HC_C_OPENAT2_pathname, -1, -1 },
		{ HC_EV_UMOUNT, HC_C_UMOUNT_name, -1, -1 },
		{ HC_EV_UMOUNT2, HC_C_UMOUNT2_target, -1, -1 },
		{ HC_EV_QUOTACTL, HC_C_QUOTACTL_special, -1, -1 },
		{ HC_EV_CHMOD, HC_C_CHMOD_pathname, -1, -1 },
		{ HC_EV_FCHMODAT, HC_C_FCHMODAT_pathname, -1, -1 },
		{ HC_EV_CHOWN, HC_C_CHOWN_pathname, -1, -1 },
		{ HC_EV_LCHOWN, HC_C_LCHOWN_pathname, -1, -1 },
		{ HC_EV_FCHOWNAT, HC_C_FCHOWNAT_pathname, -1, -1 },
		{ HC_EV_RENAME, -1, HC_C_RENAME_oldpath, HC_C_RENAME_newpath },
		{ HC_EV_RENAMEAT, -1, HC_C_RENAMEAT_oldpath, HC_C_RENAMEAT_newpath },
		{ HC_EV_RENAMEAT2, -1, HC_C_RENAMEAT2_oldpath, HC_C_RENAMEAT2_newpath },
		{ HC_EV_LINK, -1, HC_C_LINK_newpath, HC_C_LINK_oldpath },
		{ HC_EV_LINKAT, -1, HC_C_LINKAT_newpath, HC_C_LINKAT_oldpath },
		{ HC_EV_SYMLINK, -1, HC_C_SYMLINK_linkpath, HC_C_SYMLINK_target },
		{ HC_EV_SYMLINKAT, -1, HC_C_SYMLINKAT_linkpath, HC_C_SYMLINKAT_target },
		{ HC_EV_MOUNT, -1, HC_C_MOUNT_source, HC_C_MOUNT_target },
	};
	unsigned which = (unsigned)(f->id - F_FS_PATH_NAME);

	if (b->type == HC_EV_FCHMOD || b->type == HC_EV_FCHOWN)
		return which < 2 ? row(b, &leaf_fs_path_fd, NULL) : NULL;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int c = which < 2 ? paths[i].name : which < 4 ? paths[i].source : paths[i].target;

		if (paths[i].type == b->type)
			return c < 0 ? NULL : row(b, which % 2 ? &leaf_fs_path_raw : &leaf_fs_path, num_arg(c));
	}
	return NULL;
}

static const struct hc_access *bind_abspath(struct fbinder *b, const struct fref *f)
{
	static const struct at_path first[] = {
		{ HC_EV_RENAMEAT, HC_C_RENAMEAT_oldpath, HC_C_RENAMEAT_olddirfd },
		{ HC_EV_RENAMEAT2, HC_C_RENAMEAT2_oldpath, HC_C_RENAMEAT2_olddirfd },
		{ HC_EV_LINKAT, HC_C_LINKAT_oldpath, HC_C_LINKAT_olddirfd },
		{ HC_EV_SYMLINKAT, HC_C_SYMLINKAT_linkpath, HC_C_SYMLINKAT_newdirfd },
		{ HC_EV_OPENAT, HC_C_OPENAT_pathname, HC_C_OPENAT_dirfd },
		{ HC_EV_OPENAT2, HC_C_OPENAT2_pathname, HC_C_OPENAT2_dirfd },
		{ HC_EV_UNLINKAT, HC_C_UNLINKAT_pathname, HC_C_UNLINKAT_dirfd },
		{ HC_EV_MKDIRAT, HC_C_MKDIRAT_pathname, HC_C_MKDIRAT_dirfd },
		{ HC_EV_FCHMODAT, HC_C_FCHMODAT_pathname, HC_C_FCHMODAT_dirfd },
		{ HC_EV_FCHOWNAT, HC_C_FCHOWNAT_pathname, HC_C_FCHOWNAT_dirfd },
	};
	static const struct at_path second[] = {
		{ HC_EV_RENAMEAT, HC_C_RENAMEAT_newpath, HC_C_RENAMEAT_newdirfd },
		{ HC_EV_RENAMEAT2, HC_C_RENAMEAT2_newpath, HC_C_RENAMEAT2_newdirfd },
		{ HC_EV_LINKAT, HC_C_LINKAT_newpath, HC_C_LINKAT_newdirfd },
	};
	bool is_second = f->arg == FARG_NAME && hc_str_eq(f->name, HC_STR("dst"));

	for (size_t i = 0; is_second && i < sizeof(second) / sizeof(second[0]); i++)
		if (second[i].type == b->type)
			return row(b, &leaf_row_abspath, &second[i]);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (first[i].type == b->type)
			return row(b, &leaf_row_abspath, &first[i]);
	if (b->type == HC_EV_OPEN_BY_HANDLE_AT)
		return leaf(b, hop(b, b->fd, HC_O_FDOBJ_path), &leaf_path_abs, NULL);
	return NULL;
}

static const struct fparam *param_of(const struct fbinder *b, const struct fref *f)
{
	const struct fparam *p = falco_events[b->row->code].params;
	int i = f->arg == FARG_NAME ? falco_param_find(b->row->code, f->name) : (int)f->index;

	if (!p || b->row->code <= CODE_GENERIC || b->row->code == CODE_ASYNC || i < 0 || i >= MAX_PARAMS)
		return NULL;
	for (int k = 0; k <= i; k++)
		if (!p[k].name)
			return NULL;
	return &p[i];
}

static const struct hc_access *bind_former_arg(struct fbinder *b, const struct fref *f)
{
	const struct hc_str *which;
	bool any = f->arg != FARG_NAME;

	for (unsigned type = HC_EV_SEND; type < HC_EV_MAX && !any; type++)
		any = falco_former_type(falco_row_map(type)->code) == type &&
		      falco_param_find(falco_row_map(type)->code, f->name) >= 0;
	which = any ? fbinder_keep(b, f->name) : NULL;
	if (!which)
		return NULL;
	if (f->id == F_EVT_ARG || f->type == FT_UNCOMPARABLE)
		return row(b, &leaf_row_former_arg, which);
	switch (f->type) {
	case FT_CHARBUF:
	case FT_FSPATH:
	case FT_BYTEBUF:
	case FT_IPADDR:
		return NULL;
	case FT_INT64:
		return row(b, &leaf_row_former_num, which);
	default:
		return row(b, &leaf_row_former_unum, which);
	}
}

static const struct hc_access *bind_generic_arg(struct fbinder *b, const struct fref *f)
{
	int i = f->arg == FARG_NAME ? falco_param_find(CODE_GENERIC, f->name) : (int)f->index;
	const struct hc_access *a = NULL, *former = b->type == HC_EV_SYS ? bind_former_arg(b, f) : NULL;

	if (i >= 0 && i <= 1)
		a = row(b, f->id == F_EVT_ARG ? &leaf_row_generic_arg : &leaf_row_generic_rawarg, i ? "" : NULL);
	return a && former ? hc_access_else(b->ir, a, former) : a ? a : former;
}

static const struct hc_access *bind_evt_arg(struct fbinder *b, const struct fref *f)
{
	const struct fparam *p = param_of(b, f);
	const struct ffrom *from = p ? falco_from(b->type, hc_str_c(p->name), false) : NULL;
	const struct ffrom *imported = p ? falco_from(b->type, hc_str_c(p->name), true) : NULL;

	if (!p)
		return NULL;
	if (!from) {
		why(b, "this parameter is not recorded", NULL, NULL);
		if (!imported)
			return NULL;
		from = imported; /* captures of other recorders have it */
	}
	if (from->how == HOW_BYTES)
		why(b, "payloads are not recorded", "data", "--snaplen 80");
	if (f->id == F_EVT_ARG) {
		if (from->how == HOW_PATH && from == imported && (p->type == PT_PATH || p->type == PT_RPATH))
			return either(b, leaf(b, hop(b, b->at_row, (unsigned)from->what), &leaf_path_arg, NULL),
			              constant(b, hc_value_str(HC_STR("<NA>"))));
		return row(b, b->base64 ? &leaf_row_arg_base64 : &leaf_row_arg, p);
	}
	switch (f->type) {
	case FT_CHARBUF:
	case FT_FSPATH:
		return row(b, &leaf_row_rawarg_text, p);
	case FT_BYTEBUF:
		return row(b, &leaf_row_rawarg_bytes, p);
	case FT_INT64:
		return row(b, &leaf_row_rawarg_num, p);
	case FT_IPADDR:
		return NULL;
	case FT_UNCOMPARABLE:
		return row(b, &leaf_row_arg, p); /* exists, and printing */
	default:
		return row(b, &leaf_row_rawarg_unum, p);
	}
}

static const struct hc_access *bind_buffer(struct fbinder *b)
{
	const struct ffrom *from = falco_from(b->type, HC_STR("data"), false);

	if (!from || from->how != HOW_BYTES)
		return NULL;
	why(b, "payloads are not recorded", "data", "--snaplen 80");
	return either(b, col(b, b->at_row, (unsigned)from->what), row(b, &leaf_row_no_data, NULL));
}

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

static const struct hc_access *bind_evt(struct fbinder *b, const struct fref *f)
{
	const char *name = falco_row_name(b->type);
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
		return meta ? constant(b, word(name)) : NULL;
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
		return name ? constant(b, word(name)) : row(b, &leaf_row_name, NULL);
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
		return row(b, &leaf_row_args, num_arg(b->base64));
	case F_EVT_ARG:
	case F_EVT_RAWARG:
		return b->row->code == CODE_GENERIC ? bind_generic_arg(b, f) : bind_evt_arg(b, f);
	case F_EVT_BUFFER:
		return bind_buffer(b);
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
		return bind_abspath(b, f);
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

static const struct hc_access *bind_fdlist(struct fbinder *b, const struct fref *f)
{
	int i = falco_param_find(b->row->code, HC_STR("fds"));

	if (i < 0)
		return NULL;
	why(b, "the descriptors given to poll are not recorded",
	    f->id == F_FDLIST_NUMS ? "descriptors of poll" : NULL, NULL);
	return f->id == F_FDLIST_NUMS && falco_from(b->type, HC_STR("fds"), true)
	               ? row(b, &leaf_row_fdlist_nums, &falco_events[b->row->code].params[i])
	               : NULL;
}

static const struct hc_access *bind_new(struct fbinder *b, const struct fref *f)
{
	switch (falco_fields[f->id].cls) {
	case FCLASS_EVT:
	case FCLASS_SYSCALL:
	case FCLASS_UTIL:
		return bind_evt(b, f);
	case FCLASS_PROC:
		return bind_proc(b, f);
	case FCLASS_USER:
	case FCLASS_GROUP:
		return bind_user(b, f);
	case FCLASS_FD:
		return bind_fd(b, f);
	case FCLASS_FSPATH:
		return bind_fs_path(b, f);
	case FCLASS_CONTAINER:
		return bind_container(b, f);
	default:
		return bind_fdlist(b, f);
	}
}

static struct fknown *known_place(struct fbinder *b, const struct fref *f)
{
	uint32_t h = f->id * 31u + f->arg * 7u + f->index;

	for (uint32_t i = 0; i < f->name.len; i++)
		h = h * 31 + (uint8_t)f->name.p[i];
	return &b->known[h % FBINDER_KNOWN];
}

const struct hc_access *falco_bind(struct fbinder *b, const struct fref *f)
{
	struct fknown *k = known_place(b, f);

	if (k->stamp != b->stamp || k->field.id != f->id || k->field.arg != f->arg || k->field.type != f->type ||
	    k->field.index != f->index || !hc_str_eq(k->field.name, f->name)) {
		b->why = (struct fwhy){ .field = f->id };
		*k = (struct fknown){ .stamp = b->stamp, .field = *f, .access = bind_new(b, f) };
		k->why = b->why;
	}
	b->why = k->why;
	return k->access;
}

/* What stands for a descriptor or a process in words. */
static bool has_name(const struct fparam *p)
{
	return p->type == PT_FD || p->type == PT_PID || p->type == PT_FD32 || p->type == PT_PID32;
}

bool falco_former_lacks(struct fbinder *b, unsigned type, const struct fref *f)
{
	const struct fparam *p = NULL;
	bool waits, there;

	fbinder_type(b, type);
	there = falco_bind(b, f) != NULL;
	waits = event_flags(b) & EVF_WAITS;
	if (f->id == F_EVT_ARG || f->id == F_EVT_RAWARG)
		p = param_of(b, f);
	fbinder_type(b, HC_EV_SYS);
	if (!there)
		return false;
	switch (f->id) {
	case F_EVT_ARG:
		return !p || !falco_former_tells(type, p) || has_name(p);
	case F_EVT_RAWARG:
		return !p || !falco_former_tells(type, p);
	case F_EVT_ARGS:
	case F_EVT_INFO:
		return true;
	case F_EVT_IS_WAIT:
		return waits;
	case F_EVT_TYPE_IS:
		return true;
	default:
		return !falco_bind(b, f);
	}
}
