/*
 * Segments by name. A directory is read three levels deep and no further; a bundle is listed by libarchive, whose
 * position after a header is where the member's data begins, because nothing compresses a bundle as a whole.
 */
#include "capture_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/late_tar.h"

void hc_boot_id_text(const uint8_t id[16], char buf[HC_BOOT_ID_TEXT])
{
	char *p = buf;

	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p += snprintf(p, 3, "%02x", id[i]);
	}
}

static bool is_name(const char *p, size_t len)
{
	return len > 0 && len <= 255 && p[0] != '.' && !memchr(p, '/', len);
}

bool hc_seg_path_parse(const char *path, uint8_t *ret_stream, uint32_t *ret_number)
{
	const char *node, *boot, *file;
	uint32_t number = 0;
	uint8_t stream;

	if (strncmp(path, "segments/", 9) != 0 || strlen(path) >= HC_SEG_PATH_MAX)
		return false;
	node = path + 9;
	boot = strchr(node, '/');
	file = boot ? strchr(boot + 1, '/') : NULL;
	if (!file || !is_name(node, (size_t)(boot - node)) || !is_name(boot + 1, (size_t)(file - boot - 1)))
		return false;
	file++;
	if (strncmp(file, "security-", 9) == 0) {
		stream = HC_STREAM_SECURITY;
		file += 9;
	} else if (strncmp(file, "bulk-", 5) == 0) {
		stream = HC_STREAM_BULK;
		file += 5;
	} else {
		return false;
	}
	if (strspn(file, "0123456789") < 8 || strspn(file, "0123456789") > 10)
		return false;
	for (; *file >= '0' && *file <= '9'; file++) {
		if (number > (UINT32_MAX - 9) / 10)
			return false;
		number = number * 10 + (uint32_t)(*file - '0');
	}
	if (strcmp(file, ".hcs") != 0)
		return false;
	*ret_stream = stream;
	*ret_number = number;
	return true;
}

/* Room for one more of `size` bytes in an array; false when out of memory. */
static bool grow(void *array, uint32_t n, uint32_t *cap, size_t size)
{
	void *old, *p;

	if (n < *cap)
		return true;
	memcpy(&old, array, sizeof(old)); /* whatever it points to: the arrays are of several types */
	p = realloc(old, (*cap ? *cap * 2u : 64u) * size);
	if (!p)
		return false;
	memcpy(array, &p, sizeof(p));
	*cap = *cap ? *cap * 2u : 64u;
	/* cppcheck-suppress memleak ; the caller's pointer has it */
	return true;
}

static int add_file(struct hc_seg_files *files, const char *path, uint64_t base, uint64_t bytes)
{
	struct hc_seg_file f = { .base = base, .bytes = bytes };

	if (!hc_seg_path_parse(path, &f.stream, &f.number))
		return 0;
	if (files->n >= HC_CAPTURE_MAX_SEGMENTS)
		return -E2BIG;
	f.path = hc_arena_str(&files->arena, hc_str_c(path)).p;
	if (!f.path || !grow(&files->v, files->n, &files->cap, sizeof(*files->v)))
		return -ENOMEM;
	files->v[files->n++] = f;
	return 0;
}

static int __attribute__((format(printf, 3, 4)))
add_problem(struct hc_seg_files *files, const char *path, const char *fmt, ...)
{
	struct hc_capture_problem *p = realloc(files->problems, (files->n_problems + 1u) * sizeof(*p));
	char text[256];
	va_list ap;

	if (!p)
		return -ENOMEM;
	files->problems = p;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p += files->n_problems;
	*p = (struct hc_capture_problem){ .path = hc_arena_str(&files->arena, hc_str_c(path)).p,
		                          .what = hc_arena_str(&files->arena, hc_str_c(text)).p };
	if (!p->path || !p->what)
		return -ENOMEM;
	files->n_problems++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct hc_seg_file *x = a, *y = b;

	int r = strcmp(x->path, y->path);

	return r ? r : (x->base > y->base) - (x->base < y->base);
}

static void sort(struct hc_seg_files *files)
{
	if (files->n)
		qsort(files->v, files->n, sizeof(*files->v), by_path);
}

void hc_seg_files_done(struct hc_seg_files *files)
{
	free(files->v);
	free(files->members);
	free(files->problems);
	hc_arena_done(&files->arena);
	*files = (struct hc_seg_files){ 0 };
}

int hc_open_below(int root_fd, const char *path, struct hc_err *err)
{
	int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st = { 0 };
	int e;

	if (fd < 0)
		return hc_err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		e = EBADMSG;
		close(fd);
		return hc_err_set(err, -e, "%s is not a regular file", path);
	}
	return fd;
}

/* ---- directories ---- */

static int add_entry(struct hc_seg_files *files, int dir_fd, const char *path, const char *name)
{
	char whole[HC_SEG_PATH_MAX];
	uint32_t number;
	struct stat st;
	uint8_t stream;

	if (snprintf(whole, sizeof(whole), "%s/%s", path, name) >= (int)sizeof(whole) ||
	    !hc_seg_path_parse(whole, &stream, &number))
		return 0; /* not ours */
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : add_problem(files, whole, "cannot be read: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return add_problem(files, whole, "is not a regular file");
	return add_file(files, whole, 0, (uint64_t)st.st_size);
}

static int scan_level(struct hc_seg_files *files, int parent_fd, const char *name, const char *path,
                      unsigned level)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (level ? O_NOFOLLOW : 0));
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int r = 0;

	if (!d) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		if (level && (code == ENOTDIR || code == ELOOP || code == ENOENT))
			return 0;
		if (!level)
			return -code;
		return add_problem(files, path, "cannot be read: %s", strerror(code));
	}
	while (r >= 0 && (errno = 0, e = readdir(d))) {
		char below[HC_SEG_PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		if (level == 2)
			r = add_entry(files, dirfd(d), path, e->d_name);
		else if (snprintf(below, sizeof(below), "%s/%s", path, e->d_name) < (int)sizeof(below))
			r = scan_level(files, dirfd(d), e->d_name, below, level + 1);
	}
	if (r >= 0 && errno)
		r = add_problem(files, path, "cannot be read to its end: %s", strerror(errno));
	closedir(d);
	return r;
}

int hc_seg_files_scan_dir(int root_fd, const char *name, struct hc_seg_files *files, struct hc_err *err)
{
	int r = scan_level(files, root_fd, "segments", "segments", 0);

	sort(files);
	if (r == -ENOENT)
		return hc_err_set(err, r, "'%s' is no capture: there is no directory 'segments' in it", name);
	if (r == -E2BIG)
		return hc_err_set(err, r, "'%s' has more than %u segments", name, HC_CAPTURE_MAX_SEGMENTS);
	if (r < 0)
		return hc_err_set(err, r, "cannot read '%s/segments': %s", name, strerror(-r));
	return 0;
}

/* ---- bundles ---- */

static int add_member(struct hc_seg_files *files, struct archive *a, struct archive_entry *e, uint64_t file_bytes)
{
	const char *name = archive_entry_pathname(e);
	int64_t off = archive_filter_bytes(a, -1), bytes = archive_entry_size(e);
	struct hc_member m;
	bool cut;

	if (!name || archive_entry_filetype(e) == AE_IFDIR)
		return 0;
	while (strncmp(name, "./", 2) == 0)
		name += 2;
	if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e) ||
	    archive_entry_sparse_count(e) > 0)
		return add_problem(files, name, "is not a plain file");
	if (off < 0 || bytes < 0 || (uint64_t)off > file_bytes)
		return add_problem(files, name, "lies beyond the end of the bundle");
	cut = (uint64_t)bytes > file_bytes - (uint64_t)off;
	if (cut) {
		if (add_problem(files, name, "is cut: the bundle ends before it does") < 0)
			return -ENOMEM;
		bytes = (int64_t)(file_bytes - (uint64_t)off);
	}
	if (strncmp(name, "segments/", 9) == 0) {
		uint32_t n = files->n;
		int r = add_file(files, name, (uint64_t)off, (uint64_t)bytes);

		if (r < 0 || files->n > n)
			return r;
	}
	if (files->n_members >= HC_BUNDLE_MAX_MEMBERS)
		return -E2BIG;
	m = (struct hc_member){ .name = hc_arena_str(&files->arena, hc_str_c(name)).p,
		                .base = (uint64_t)off,
		                .bytes = (uint64_t)bytes };
	if (!m.name || !grow(&files->members, files->n_members, &files->cap_members, sizeof(m)))
		return -ENOMEM;
	files->members[files->n_members++] = m;
	return 0;
}

int hc_seg_files_scan_tar(int fd, const char *name, struct hc_seg_files *files, struct hc_err *err)
{
	struct archive *a;
	struct archive_entry *e;
	struct stat st;
	int r = hc_late_tar_load(err), s = ARCHIVE_OK;

	if (r < 0)
		return r;
	a = archive_read_new();
	if (!a)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		r = hc_err_set(err, -errno, "cannot read '%s': %s", name, strerror(errno));
		goto out;
	}
	if (archive_read_support_format_tar(a) < ARCHIVE_WARN ||
	    archive_read_open_fd(a, fd, 64u << 10) != ARCHIVE_OK) {
		r = hc_err_off(err, -EBADMSG, name, 0, "not a bundle: %s", archive_error_string(a));
		goto out;
	}
	while (r >= 0 && (s = archive_read_next_header(a, &e)) >= ARCHIVE_WARN && s != ARCHIVE_EOF)
		r = add_member(files, a, e, (uint64_t)st.st_size);
	if (r == -E2BIG)
		hc_err_set(err, r, "'%s' has more than %u members", name, HC_BUNDLE_MAX_MEMBERS);
	else if (r < 0)
		hc_err_set(err, r, "out of memory");
	else if (s != ARCHIVE_EOF && files->n + files->n_members == 0)
		r = hc_err_off(err, -EBADMSG, name, 0, "not a bundle: %s", archive_error_string(a));
	else if (s != ARCHIVE_EOF)
		r = add_problem(files, name, "the bundle is damaged after its first %u members: %s",
		                files->n + files->n_members, archive_error_string(a));
	sort(files);
	for (uint32_t i = 1; r >= 0 && i < files->n; i++) {
		if (strcmp(files->v[i].path, files->v[i - 1].path) != 0)
			continue;
		r = add_problem(files, files->v[i].path, "is there twice: the first one is read");
		memmove(&files->v[i], &files->v[i + 1], (files->n - i - 1) * sizeof(*files->v));
		files->n--;
		i--;
	}
out:
	archive_read_free(a);
	return r;
}
