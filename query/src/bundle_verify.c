/* Checking a bundle: three lists of files must agree, the tar's, SHA256SUMS's and the manifest's, and the bytes
 * with them. */
#include "bundle_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SUMS_BYTES (256u << 20)
#define MAX_JSON_DEPTH 32

/* A line of SHA256SUMS. */
struct sum {
	const char *path; /* in the file's text */
	uint8_t sha256[32];
	bool seen;
};

/* A file of the bundle, by name. */
struct have {
	const struct hc_capture_file *file;
	uint8_t sha256[32];
};

struct check {
	struct hc_capture *c;
	hc_bundle_tell tell;
	void *ctx;
	int n_findings;
	struct sum *sums;
	uint32_t n_sums;
	struct have *have; /* sorted by path */
	uint32_t n_have;
};

static void tell(struct check *k, const char *path, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void tell(struct check *k, const char *path, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	k->n_findings++;
	k->tell(k->ctx, path, text);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_parse(const char *p, size_t len, uint8_t ret[32])
{
	if (len != 64)
		return false;
	for (unsigned i = 0; i < 32; i++) {
		int high = hex_value(p[2 * i]), low = hex_value(p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* ---- the tar's list ---- */

static int by_name(const void *x, const void *y)
{
	const struct have *a = x, *b = y;
	int r = strcmp(a->file->path, b->file->path);

	return r ? r : (a->file->off > b->file->off) - (a->file->off < b->file->off);
}

static struct have *find(struct check *k, const char *path)
{
	uint32_t low = 0, high = k->n_have;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int r = strcmp(k->have[mid].file->path, path);

		if (r == 0)
			return &k->have[mid];
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int hash_all(struct check *k, struct hc_err *err)
{
	const struct hc_capture_file *files = hc_capture_files(k->c, &k->n_have);
	int r = 0;

	k->have = calloc(k->n_have + 1u, sizeof(*k->have));
	if (!k->have)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; r == 0 && i < k->n_have; i++) {
		struct hc_err why = { 0 };
		int fd = hc_capture_file_open(k->c, &files[i], err);

		if (fd < 0)
			return fd;
		k->have[i].file = &files[i];
		r = hc_sha256_file(fd, files[i].off, files[i].bytes, files[i].path, k->have[i].sha256, &why);
		close(fd);
		if (r == -EBADMSG) { /* told below: its digest is not the right one */
			memset(k->have[i].sha256, 0, 32);
			r = 0;
		} else if (r < 0) {
			hc_err_set(err, r, "%s", why.msg);
		}
	}
	if (k->n_have)
		qsort(k->have, k->n_have, sizeof(*k->have), by_name);
	for (uint32_t i = 1; r == 0 && i < k->n_have; i++) {
		if (strcmp(k->have[i].file->path, k->have[i - 1].file->path) == 0)
			tell(k, k->have[i].file->path, "is in the bundle twice");
	}
	return r;
}

/* ---- SHA256SUMS ---- */

static int by_path(const void *x, const void *y)
{
	return strcmp(((const struct sum *)x)->path, ((const struct sum *)y)->path);
}

/* Splits the text into lines, in place. */
static int parse_sums(struct check *k, char *text, size_t n_bytes, struct hc_err *err)
{
	uint32_t cap = 0, line = 0;

	for (char *p = text, *end = text + n_bytes; p < end;) {
		char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = newline ? (size_t)(newline - p) : (size_t)(end - p);

		line++;
		if (k->n_sums == cap) {
			struct sum *q = realloc(k->sums, (cap ? cap * 2 : 64u) * sizeof(*q));

			if (!q)
				return hc_err_set(err, -ENOMEM, "out of memory");
			k->sums = q;
			cap = cap ? cap * 2 : 64;
		}
		k->sums[k->n_sums] = (struct sum){ 0 };
		if (!newline || len < 67 || p[64] != ' ' || p[65] != ' ' || memchr(p, 0, len) ||
		    !hex_parse(p, 64, k->sums[k->n_sums].sha256))
			tell(k, "SHA256SUMS", "line %u is not of the form DIGEST  NAME", line);
		else
			k->sums[k->n_sums++].path = p + 66;
		if (newline)
			*newline = '\0';
		p += len + 1;
	}
	if (k->n_sums)
		qsort(k->sums, k->n_sums, sizeof(*k->sums), by_path);
	return 0;
}

static void compare_sums(struct check *k)
{
	uint32_t i = 0;

	for (uint32_t s = 0; s < k->n_sums; s++) {
		const struct sum *sum = &k->sums[s];

		if (s && strcmp(sum->path, k->sums[s - 1].path) == 0) {
			tell(k, sum->path, "is in SHA256SUMS twice");
			continue;
		}
		for (; i < k->n_have && strcmp(k->have[i].file->path, sum->path) < 0; i++) {
			if (strcmp(k->have[i].file->path, "SHA256SUMS") != 0)
				tell(k, k->have[i].file->path, "is in the bundle, but not in SHA256SUMS");
		}
		if (i == k->n_have || strcmp(k->have[i].file->path, sum->path) != 0)
			tell(k, sum->path, "is missing");
		else if (memcmp(k->have[i].sha256, sum->sha256, 32) != 0)
			tell(k, sum->path, "was changed: its SHA-256 is not the one in SHA256SUMS");
		while (i < k->n_have && strcmp(k->have[i].file->path, sum->path) == 0)
			i++;
	}
	for (; i < k->n_have; i++) {
		if (strcmp(k->have[i].file->path, "SHA256SUMS") != 0)
			tell(k, k->have[i].file->path, "is in the bundle, but not in SHA256SUMS");
	}
}

/* ---- the manifest ---- */

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

/* A file as the manifest has it against the file there is. */
static void compare_file(struct check *k, struct json_object *o, uint32_t i, const char *list)
{
	const char *path = text_of(o, "path"), *hex = text_of(o, "sha256");
	struct json_object *size;
	const struct have *h;
	uint8_t digest[32];

	if (!path || !hex || !hex_parse(hex, strlen(hex), digest)) {
		tell(k, "manifest.json", "entry %u of %s has no path or no SHA-256", i, list);
		return;
	}
	h = find(k, path);
	if (!h)
		tell(k, path, "is missing: the manifest names it");
	else if (memcmp(h->sha256, digest, 32) != 0)
		tell(k, path, "was changed: its SHA-256 is not the one in the manifest");
	else if (json_object_object_get_ex(o, "size", &size) &&
	         (!json_object_is_type(size, json_type_int) ||
	          (uint64_t)json_object_get_int64(size) != h->file->bytes))
		tell(k, path, "has another size than the manifest says");
}

static void compare_manifest(struct check *k, struct json_object *m)
{
	struct json_object *files, *segments;
	uint32_t n_listed;

	if (!text_of(m, "schema") || strcmp(text_of(m, "schema"), "hindcast-bundle/1") != 0)
		tell(k, "manifest.json", "its schema is not hindcast-bundle/1");
	if (!json_object_object_get_ex(m, "files", &files) || !json_object_is_type(files, json_type_array)) {
		tell(k, "manifest.json", "it has no list of files");
		return;
	}
	n_listed = (uint32_t)json_object_array_length(files);
	for (uint32_t i = 0; i < n_listed; i++)
		compare_file(k, json_object_array_get_idx(files, i), i, "files");
	/* it lists all but itself and SHA256SUMS */
	if (k->n_have >= 2 && n_listed + 2 != k->n_have)
		tell(k, "manifest.json", "it lists %u files, and there are %u", n_listed, k->n_have - 2);
	if (!json_object_object_get_ex(m, "segments", &segments) ||
	    !json_object_is_type(segments, json_type_array)) {
		tell(k, "manifest.json", "it has no list of segments");
		return;
	}
	for (uint32_t i = 0; i < json_object_array_length(segments); i++)
		compare_file(k, json_object_array_get_idx(segments, i), i, "segments");
}

static int check_manifest(struct check *k, struct hc_err *err)
{
	struct json_tokener *tok = json_tokener_new_ex(MAX_JSON_DEPTH);
	struct json_object *m = NULL;
	struct hc_err why = { 0 };
	void *text = NULL;
	size_t n_bytes;
	int r = tok ? hc_capture_member(k->c, "manifest.json", HC_BUNDLE_MAX_MANIFEST_BYTES, &text, &n_bytes, &why)
	            : -ENOMEM;

	if (r == -ENOMEM) {
		hc_err_set(err, r, "out of memory");
		goto out;
	}
	if (r < 0) {
		tell(k, "manifest.json", "%s", r == -ENOENT ? "is missing" : why.msg);
		r = 0;
		goto out;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	m = json_tokener_parse_ex(tok, text, (int)n_bytes);
	if (!m && json_tokener_get_error(tok) == json_tokener_continue)
		m = json_tokener_parse_ex(tok, "",
		                          1); /* the end of the text, for a value that only an end completes */
	if (!m || !json_object_is_type(m, json_type_object) || json_tokener_get_parse_end(tok) < n_bytes)
		tell(k, "manifest.json", "is no JSON object: %s",
		     json_tokener_error_desc(json_tokener_get_error(tok)));
	else
		compare_manifest(k, m);
out:
	json_object_put(m);
	if (tok)
		json_tokener_free(tok);
	free(text);
	return r;
}

static int check_sums(struct check *k, struct hc_err *err)
{
	struct hc_err why = { 0 };
	void *text = NULL;
	size_t n_bytes;
	int r = hc_capture_member(k->c, "SHA256SUMS", MAX_SUMS_BYTES, &text, &n_bytes, &why);

	if (r == -ENOMEM)
		return hc_err_set(err, r, "out of memory");
	if (r < 0) {
		tell(k, "SHA256SUMS", "%s", r == -ENOENT ? "is missing" : why.msg);
		return 0;
	}
	r = parse_sums(k, text, n_bytes, err);
	if (r == 0)
		compare_sums(k);
	free(text);
	return r;
}

static int check_version(struct check *k, struct hc_err *err)
{
	char want[64];
	void *text;
	size_t n_bytes;
	int r = hc_capture_member(k->c, "HINDCAST-BUNDLE", 4096, &text, &n_bytes, NULL);

	if (r == -ENOMEM)
		return hc_err_set(err, r, "out of memory");
	if (r < 0) {
		tell(k, "HINDCAST-BUNDLE", "is missing");
		return 0;
	}
	snprintf(want, sizeof(want), "hindcast bundle %d\n", HC_BUNDLE_VERSION);
	if (n_bytes != strlen(want) || memcmp(text, want, n_bytes) != 0)
		tell(k, "HINDCAST-BUNDLE", "the bundle is of another version than %d", HC_BUNDLE_VERSION);
	free(text);
	return 0;
}

int hc_bundle_verify(struct hc_capture *c, hc_bundle_tell tell_one, void *ctx, struct hc_err *err)
{
	struct check k = { .c = c, .tell = tell_one, .ctx = ctx };
	int r = hash_all(&k, err);

	if (r == 0)
		r = check_version(&k, err);
	if (r == 0)
		r = check_sums(&k, err);
	if (r == 0)
		r = check_manifest(&k, err);
	free(k.sums);
	free(k.have);
	return r < 0 ? r : k.n_findings;
}
