/* Fields of processes, threads and programs, and of what they descend from. */
#include "replay/dialects/falco/bind_priv.h"

#include <string.h>

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
	if (path.s.len > deleted.len && hc_str_ends(path.s, deleted)) {
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

		if (hc_str_ends(comm, HC_STR("sh")))
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

/* Of a pid namespace on the host, too. */
const struct hc_access *falco_bind_container_start(struct fbinder *b)
{
	return leaf(b, b->proc, &leaf_proc_pidns_start, NULL);
}

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

const struct hc_access *falco_bind_duration(struct fbinder *b, int which)
{
	return row(b, &leaf_row_duration, num_arg(which));
}

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

	if (name.len > suffix.len && hc_str_ends(name, suffix))
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

#define NO_COUNTS "memory, descriptor and thread counts of processes are not recorded"
#define NO_COUNTS_FACT "memory use and number of threads" /* only imported captures have them */

static const struct hc_access *number_of_task(struct fbinder *b, unsigned column)
{
	why(b, NO_COUNTS, NO_COUNTS_FACT, NULL);
	return leaf(b, b->task, &leaf_task_number, num_arg(column));
}

const struct hc_access *falco_bind_proc(struct fbinder *b, const struct fref *f)
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
		return falco_bind_duration(b, 0);
	case F_PROC_PPID_DURATION:
		return falco_bind_duration(b, 1);
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
		return falco_bind_std(b, f->id - F_PROC_STDIN_TYPE, true);
	case F_PROC_STDIN_NAME:
	case F_PROC_STDOUT_NAME:
	case F_PROC_STDERR_NAME:
		return falco_bind_std(b, f->id - F_PROC_STDIN_NAME, false);
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
