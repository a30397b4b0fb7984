/*
 * Making a bundle. Everything but the segments is in memory; segments are hashed first, because their digests
 * stand in the manifest before them, and hashed again while they are copied, because nobody must be able to change
 * them in between.
 */
#include "bundle_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "query/out_file.h"
#include "store/base/late_tar.h"

#define COPY_BYTES (256u << 10)

static const char verify_text[] =
	"How to check this bundle with nothing but tar and sha256sum\n"
	"===========================================================\n"
	"\n"
	"1. Unpack it into an empty directory:\n"
	"\n"
	"       mkdir case && tar -xf NAME.hcb -C case && cd case\n"
	"\n"
	"2. Check every file. Each line must end with OK, and there must be no warning:\n"
	"\n"
	"       sha256sum --strict --check SHA256SUMS\n"
	"\n"
	"3. Check that there is no other file. This must print SHA256SUMS and nothing else:\n"
	"\n"
	"       find . -type f | sed 's|^\\./||' | sort > /tmp/have\n"
	"       sed 's|^[0-9a-f]*  ||' SHA256SUMS | sort | comm -13 - /tmp/have\n"
	"\n"
	"4. The digests are only as good as the way they came to you. Compare the digest of the list itself with "
	"the one\n"
	"   that was told to you by another way (the exporting command printed it):\n"
	"\n"
	"       sha256sum SHA256SUMS\n"
	"\n"
	"What is what: manifest.json says which machine this comes from, which span of time, what was left out "
	"and what was\n"
	"lost while recording. segments/ holds the recording as it lay on that machine, byte for byte; each file "
	"is a valid\n"
	"zstd file (zstd --test). results/ holds what the policies in policies/ find in it.\n"
	"\n"
	"With Hindcast, 'hindcast verify NAME.hcb' does the same checks and more, and 'hindcast info', 'events', "
	"'replay' and\n"
	"'query' read the bundle as it is, or the unpacked directory.\n";

int hc_bundle_add(struct hc_bundle *b, const char *path, const char *role, void *take_data, size_t n_bytes,
                  struct hc_err *err)
{
	struct hc_bundle_file f = { .role = role, .bytes = n_bytes, .data = take_data, .owned = take_data };
	int r;

	f.path = hc_arena_str(&b->arena, hc_str_c(path)).p;
	if (b->n_files == b->cap_files) {
		uint32_t cap = b->cap_files ? b->cap_files * 2 : 64;
		struct hc_bundle_file *p = realloc(b->files, cap * sizeof(*p));

		if (p) {
			b->files = p;
			b->cap_files = cap;
		}
	}
	r = f.path && b->n_files < b->cap_files ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
	if (r == 0 && take_data)
		r = hc_sha256_of(take_data, n_bytes, f.sha256, err);
	if (r < 0) {
		free(take_data);
		return r;
	}
	b->files[b->n_files++] = f;
	return 0;
}

static int add_text(struct hc_bundle *b, const char *path, const char *text, struct hc_err *err)
{
	char *copy = strdup(text);

	return copy ? hc_bundle_add(b, path, "info", copy, strlen(copy), err)
	            : hc_err_set(err, -ENOMEM, "out of memory");
}

/* ---- which segments ---- */

static int64_t wall(const struct hc_block_info *i, uint64_t boot_ns)
{
	return (int64_t)(boot_ns + (uint64_t)i->wall_offset_ns);
}

static bool overlaps(const struct hc_bundle_opts *o, int64_t first, int64_t last)
{
	return !(o->has_since && last < o->since_wall_ns) && !(o->has_until && first >= o->until_wall_ns);
}

static int choose(struct hc_bundle *b, struct hc_err *err)
{
	const struct hc_capture_block *blocks;
	const struct hc_capture_seg *segs;
	uint32_t n_segs, n_blocks;
	bool any = false;

	segs = hc_capture_segs(b->c, &n_segs);
	blocks = hc_capture_blocks(b->c, &n_blocks);
	b->segs = malloc((n_segs + 1u) * sizeof(*b->segs));
	if (!b->segs)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < n_segs; i++) {
		int64_t first = INT64_MAX, last = INT64_MIN;
		uint64_t n_rows = 0;

		for (uint32_t k = 0; k < segs[i].n_blocks; k++) {
			const struct hc_block_info *info = &blocks[segs[i].first_block + k].info;

			if (!info->n_rows)
				continue;
			first = wall(info, info->first_ns) < first ? wall(info, info->first_ns) : first;
			last = wall(info, info->last_ns) > last ? wall(info, info->last_ns) : last;
			n_rows += info->n_rows;
		}
		if (!n_rows || !overlaps(b->opts, first, last)) {
			b->stats.n_left_out++;
			continue;
		}
		if (!any || first < b->first_wall_ns)
			b->first_wall_ns = first;
		if (!any || last > b->last_wall_ns)
			b->last_wall_ns = last;
		any = true;
		b->stats.n_rows += n_rows;
		b->segs[b->n_segs++] = i;
	}
	b->stats.n_segments = b->n_segs;
	return b->n_segs ? 0 : hc_err_set(err, -ENODATA, "'%s' has no events in that span", hc_capture_path(b->c));
}

static int add_segments(struct hc_bundle *b, struct hc_err *err)
{
	uint32_t n_segs;
	const struct hc_capture_seg *segs = hc_capture_segs(b->c, &n_segs);
	int r = 0;

	b->first_seg_file = b->n_files;
	for (uint32_t i = 0; r == 0 && i < b->n_segs; i++) {
		const struct hc_capture_seg *s = &segs[b->segs[i]];
		const struct hc_capture_file *from = hc_capture_seg_file(b->c, b->segs[i]);
		struct hc_bundle_file *f;
		char path[512], *slash;
		int fd;

		if (hc_capture_kind(b->c) == HC_CAPTURE_SEGMENT) { /* it gets the place that its header names */
			char boot[HC_BOOT_ID_TEXT];

			hc_boot_id_text(s->header.boot_id, boot);
			snprintf(path, sizeof(path), "segments/%s/%s/%s-%08u.hcs", s->header.node, boot,
			         s->header.stream ? "bulk" : "security", s->header.number);
			slash = strchr(path + 9, '/');
			if (!s->header.node[0] || strchr(s->header.node, '/') || s->header.node[0] == '.' ||
			    !slash)
				return hc_err_set(err, -EBADMSG, "%s: its header names an impossible node",
				                  s->path);
		} else {
			snprintf(path, sizeof(path), "%s", s->path);
		}
		r = hc_bundle_add(b, path, "segment", NULL, s->bytes, err);
		if (r < 0)
			return r;
		f = &b->files[b->n_files - 1];
		f->from = from;
		fd = hc_capture_file_open(b->c, from, err);
		if (fd < 0)
			return fd;
		r = hc_sha256_file(fd, from->off, f->bytes, s->path, f->sha256, err);
		close(fd);
	}
	return r;
}

/* ---- the lists ---- */

static int by_path(const void *x, const void *y)
{
	const struct hc_bundle_file *a = x, *b = y;

	return strcmp(a->path, b->path);
}

static int add_manifest(struct hc_bundle *b, struct hc_err *err)
{
	struct json_object *o = NULL;
	size_t n_bytes = 0;
	char *text = NULL;
	int r = hc_bundle_manifest(b, &o, err);

	if (r < 0)
		return r;
	r = hc_json_canon(o, &text, &n_bytes);
	json_object_put(o);
	if (r < 0)
		return hc_err_set(err, r, "cannot write the manifest");
	return hc_bundle_add(b, "manifest.json", "info", text, n_bytes, err);
}

static int add_sums(struct hc_bundle *b, struct hc_err *err)
{
	size_t n_bytes = 0, room = 1;
	uint8_t digest[32];
	char *text;
	int r;

	qsort(b->files, b->n_files, sizeof(*b->files), by_path);
	for (uint32_t i = 0; i < b->n_files; i++)
		room += 64 + 2 + strlen(b->files[i].path) + 1;
	text = malloc(room);
	if (!text)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < b->n_files; i++) {
		char hex[HC_SHA256_HEX];

		hc_sha256_hex(b->files[i].sha256, hex);
		n_bytes += (size_t)snprintf(text + n_bytes, room - n_bytes, "%s  %s\n", hex, b->files[i].path);
	}
	r = hc_sha256_of(text, n_bytes, digest, err);
	if (r < 0) {
		free(text);
		return r;
	}
	hc_sha256_hex(digest, b->stats.sha256);
	r = hc_bundle_add(b, "SHA256SUMS", "info", text, n_bytes, err);
	qsort(b->files, b->n_files, sizeof(*b->files), by_path);
	return r;
}

/* ---- the tar ---- */

static int tar_error(struct archive *a, struct hc_err *err)
{
	int code = archive_errno(a) > 0 ? archive_errno(a) : EIO;

	return hc_err_set(err, -code, "cannot write the bundle: %s: %s", archive_error_string(a), strerror(code));
}

static int copy_data(struct archive *a, const struct hc_bundle *b, const struct hc_bundle_file *f,
                     struct hc_err *err)
{
	struct hc_sha256 *sha = NULL;
	uint8_t *buf = malloc(COPY_BYTES), digest[32];
	uint64_t done = 0;
	int fd = hc_capture_file_open(b->c, f->from, err);
	int r = fd < 0 ? fd : buf ? 0 : hc_err_set(err, -ENOMEM, "out of memory");

	if (r == 0)
		r = hc_sha256_new(&sha, err);
	while (r == 0 && done < f->bytes) {
		size_t want = f->bytes - done < COPY_BYTES ? (size_t)(f->bytes - done) : COPY_BYTES;
		ssize_t got = pread(fd, buf, want, (off_t)(f->from->off + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			r = hc_err_off(err, got < 0 ? -errno : -EBADMSG, f->path, done, "%s",
			               got < 0 ? strerror(errno) : "the file became shorter");
			break;
		}
		hc_sha256_add(sha, buf, (size_t)got);
		if (archive_write_data(a, buf, (size_t)got) != got)
			r = tar_error(a, err);
		done += (uint64_t)got;
	}
	if (r == 0) {
		hc_sha256_take(sha, digest);
		if (memcmp(digest, f->sha256, sizeof(digest)) != 0)
			r = hc_err_set(err, -EBADMSG, "%s changed while it was copied", f->path);
	}
	if (fd >= 0)
		close(fd);
	hc_sha256_free(sha);
	free(buf);
	return r;
}

static int write_file(struct archive *a, const struct hc_bundle *b, const struct hc_bundle_file *f,
                      struct hc_err *err)
{
	struct archive_entry *e = archive_entry_new();
	int64_t seconds = b->last_wall_ns / 1000000000;
	int r = 0;

	if (!e)
		return hc_err_set(err, -ENOMEM, "out of memory");
	archive_entry_set_pathname(e, f->path);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_size(e, (int64_t)f->bytes);
	archive_entry_set_mtime(e, seconds > 0 ? (time_t)seconds : 0, 0);
	if (archive_write_header(a, e) != ARCHIVE_OK ||
	    (f->data && archive_write_data(a, f->data, f->bytes) != (ssize_t)f->bytes))
		r = tar_error(a, err);
	else if (!f->data)
		r = copy_data(a, b, f, err);
	archive_entry_free(e);
	return r;
}

static int write_tar(void *ctx, int fd, struct hc_err *err)
{
	struct hc_bundle *b = ctx;
	struct archive *a;
	struct stat st = { 0 };
	int r = hc_late_tar_load(err);

	if (r < 0)
		return r;
	a = archive_write_new();
	if (!a)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
	    archive_write_add_filter_none(a) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(a, 10240) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 512) != ARCHIVE_OK ||
	    archive_write_open_fd(a, fd) != ARCHIVE_OK)
		r = tar_error(a, err);
	for (uint32_t i = 0; r == 0 && i < b->n_files; i++)
		r = write_file(a, b, &b->files[i], err);
	if (r == 0 && archive_write_close(a) != ARCHIVE_OK)
		r = tar_error(a, err);
	archive_write_free(a);
	if (r == 0 && fstat(fd, &st) < 0)
		r = hc_err_set(err, -errno, "cannot write the bundle: %s", strerror(errno));
	if (r == 0)
		b->stats.bytes = (uint64_t)st.st_size;
	return r;
}

static void bundle_done(struct hc_bundle *b)
{
	for (uint32_t i = 0; i < b->n_files; i++)
		free(b->files[i].owned);
	free(b->files);
	free(b->segs);
	json_object_put(b->policies);
	json_object_put(b->results);
	hc_arena_done(&b->arena);
}

int hc_bundle_export(struct hc_capture *c, const char *path, const struct hc_bundle_opts *opts,
                     struct hc_bundle_stats *ret, struct hc_err *err)
{
	struct hc_bundle b = { .c = c, .opts = opts };
	char version[64];
	int r;

	r = hc_out_file_free(path, opts->replace, err);
	if (r < 0)
		return r;
	snprintf(version, sizeof(version), "hindcast bundle %d\n", HC_BUNDLE_VERSION);
	r = choose(&b, err);
	if (r == 0)
		r = add_text(&b, "HINDCAST-BUNDLE", version, err);
	if (r == 0)
		r = add_text(&b, "VERIFY.txt", verify_text, err);
	if (r == 0)
		r = hc_bundle_findings(&b, err);
	if (r == 0)
		r = add_segments(&b, err);
	if (r == 0)
		r = add_manifest(&b, err);
	if (r == 0)
		r = add_sums(&b, err);
	if (r == 0)
		r = hc_out_file_write(path, opts->replace, write_tar, &b, err);
	if (r == 0)
		*ret = b.stats;
	bundle_done(&b);
	return r;
}
