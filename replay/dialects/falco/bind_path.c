/* Paths that calls name: fs.path.* and evt.abspath. */
#include "replay/dialects/falco/bind_priv.h"

#include <fcntl.h>

void falco_put_unknown(struct hc_view *v, const char *base, struct hc_str path, struct fjson *out)
{
	struct fjson all = begin(v);

	fjson_raw(&all, base);
	fjson_bytes(&all, path.p, path.len);
	falco_path_normal(fjson_end(&all), out);
}

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
	falco_put_unknown(v, relative ? "<UNKNOWN>/" : "", given, &out);
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
			falco_put_unknown(v, "<UNKNOWN>", s, &out);
			return falco_out_value(&out);
		}
		falco_path_normal(below_cwd(&c, s), &out);
		return falco_out_value(&out);
	}
	s = falco_path_given(v, hc_view_ref(v, dom, at, entry));
	abs = hc_view_text(v, HC_OBJ_PATH, HC_O_PATH_abs, hc_view_ref(v, dom, at, entry));
	/* of a relative name that failed, the original does not say more */
	if ((c.type == HC_EV_OPENAT || c.type == HC_EV_OPENAT2) && s.p && (!s.len || s.p[0] != '/')) {
		struct hc_value name = fctx_fdobj(&c) ? falco_value_of_fd_name(v, fctx_fdobj(&c))
		                                      : hc_value_str(HC_STR("<UNKNOWN>"));

		if (name.type != HC_VT_STR || !name.s.len || name.s.p[0] == '/')
			return name;
		falco_path_normal(name.s, &out);
		return falco_out_value(&out);
	}
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
	falco_put_unknown(v, s.len && s.p[0] != '/' ? "<UNKNOWN>" : "", s, &out);
	return falco_out_value(&out);
}
ROW_LEAF(fs_path, HC_VT_STR, MAY_BE(fs_path));

/* Of the descriptor itself. Names that are no paths, as those of sockets, are put below the working directory all
 * the same. */
static struct hc_value fs_path_fd_raw(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct fctx c = ctx_of(v, dom, entry);

	(void)arg;
	if (!fs_path_applies(&c))
		return absent();
	return fctx_fdobj(&c) ? falco_value_of_fd_name(v, fctx_fdobj(&c)) : hc_value_str(HC_STR(""));
}
ROW_LEAF(fs_path_fd_raw, HC_VT_STR, MAY_BE(fd_name), MAY_CONTAIN(fd_name));

static struct hc_value fs_path_fd(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg)
{
	struct hc_value name = fs_path_fd_raw(v, dom, entry, arg);
	struct fctx c = ctx_of(v, dom, entry);
	struct fjson out = begin(v);

	if (name.type != HC_VT_STR || !name.s.len || name.s.p[0] == '/')
		return name;
	falco_path_normal(below_cwd(&c, name.s), &out);
	return falco_out_value(&out);
}
ROW_LEAF(fs_path_fd, HC_VT_STR);

/* fs.path.*: which column, for which type. */
const struct hc_access *falco_bind_fs_path(struct fbinder *b, const struct fref *f)
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
		return which < 2 ? row(b, which ? &leaf_fs_path_fd_raw : &leaf_fs_path_fd, NULL) : NULL;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int c = which < 2 ? paths[i].name : which < 4 ? paths[i].source : paths[i].target;

		if (paths[i].type == b->type)
			return c < 0 ? NULL : row(b, which % 2 ? &leaf_fs_path_raw : &leaf_fs_path, num_arg(c));
	}
	return NULL;
}

const struct hc_access *falco_bind_abspath(struct fbinder *b, const struct fref *f)
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
