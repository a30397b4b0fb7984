#include "store/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_priv.h"
#include "segment_priv.h"
#include "store/index.h"
#include "store/render.h"

#define MAX_INDEX_DIFFS 20

/* Span of numbers of one capture. */
struct span {
	uint8_t capture_id[16];
	uint64_t first, last, n_rows;
};

/* Numbers that are missing within a stream: whether that is damage only the meta_filter rows of all segments tell.
 */
struct missing {
	char path[HC_SEG_PATH_MAX]; /* of the segment behind them */
	uint8_t stream;
	uint32_t after, number;
	int64_t after_wall_ns; /* of the last row before them */
};

struct verify {
	struct hc_capture *c;
	void (*tell)(void *ctx, const struct hc_verify_finding *f);
	void *ctx;
	struct hc_verify_stats stats;
	struct span *spans;
	uint32_t n_spans;
	/* the stream that is gone through: files come by name, so its segments follow each other */
	char stream_dir[HC_SEG_PATH_MAX];
	uint8_t stream;
	uint32_t number;
	uint64_t last_seq;
	int64_t last_wall_ns;
	bool any_seq;
	struct missing *missing;
	uint32_t n_missing;
	int64_t removed_until_ns[HC_N_STREAMS]; /* by retention, as rows tell; 0: nothing */
};

static void tell(struct verify *v, enum hc_verify_kind kind, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void tell_at(struct verify *v, const char *path, uint64_t off, uint64_t bytes, const char *what)
{
	struct hc_verify_finding f = {
		.kind = HC_VERIFY_DAMAGE, .path = path, .has_off = true, .off = off, .bytes = bytes, .what = what
	};

	v->stats.n_damage++;
	v->tell(v->ctx, &f);
}

static void tell(struct verify *v, enum hc_verify_kind kind, const char *path, const char *fmt, ...)
{
	char text[512];
	struct hc_verify_finding f = { .kind = kind, .path = path, .what = text };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->stats.n_damage += kind == HC_VERIFY_DAMAGE;
	v->stats.n_index += kind == HC_VERIFY_INDEX;
	v->tell(v->ctx, &f);
}

static int span_add(struct verify *v, const uint8_t id[16], const struct hc_block_info *b)
{
	struct span *s = NULL;

	for (uint32_t i = v->n_spans; i-- > 0 && !s;)
		s = memcmp(v->spans[i].capture_id, id, 16) == 0 ? &v->spans[i] : NULL;
	if (!s) {
		s = realloc(v->spans, (v->n_spans + 1u) * sizeof(*s));
		if (!s)
			return -ENOMEM;
		v->spans = s;
		s += v->n_spans++;
		*s = (struct span){ .first = b->first_seq, .last = b->last_seq };
		memcpy(s->capture_id, id, 16);
	}
	s->first = b->first_seq < s->first ? b->first_seq : s->first;
	s->last = b->last_seq > s->last ? b->last_seq : s->last;
	s->n_rows += b->n_rows;
	return 0;
}

/* ---- one segment ---- */

/* Does the file lie where its header says it belongs? */
static void check_place(struct verify *v, const char *path, const struct hc_seg_header *h)
{
	char want[HC_SEG_PATH_MAX], boot[HC_BOOT_ID_TEXT];

	if (hc_capture_kind(v->c) == HC_CAPTURE_SEGMENT)
		return;
	hc_boot_id_text(h->boot_id, boot);
	snprintf(want, sizeof(want), "segments/%s/%s/%s-%08u.hcs", h->node, boot,
	         h->stream == HC_STREAM_SECURITY ? "security" : "bulk", h->number);
	if (strcmp(want, path) != 0)
		tell(v, HC_VERIFY_DAMAGE, path, "by its header this is %s", want);
}

/* Numbers of a stream follow each other; rows of a stream are in order over all its segments. */
static int check_number(struct verify *v, const char *path, const struct hc_seg_header *h)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	bool same = strlen(v->stream_dir) == n && strncmp(v->stream_dir, path, n) == 0 && v->stream == h->stream &&
	            v->number != 0;

	if (same && h->number != v->number + 1) {
		struct missing *m = realloc(v->missing, (v->n_missing + 1u) * sizeof(*m));

		if (!m)
			return -ENOMEM;
		v->missing = m;
		m += v->n_missing++;
		*m = (struct missing){ .stream = h->stream,
			               .after = v->number,
			               .number = h->number,
			               .after_wall_ns = v->last_wall_ns };
		snprintf(m->path, sizeof(m->path), "%s", path);
	}
	if (!same && h->number != 1 && hc_capture_kind(v->c) != HC_CAPTURE_SEGMENT)
		tell(v, HC_VERIFY_NOTE, path, "its stream begins with number %u: the segments before are not here",
		     h->number);
	if (!same) {
		snprintf(v->stream_dir, sizeof(v->stream_dir), "%.*s", (int)n, path);
		v->stream = h->stream;
		v->any_seq = false;
		v->last_wall_ns = 0;
	}
	v->number = h->number;
	return 0;
}

/* What the block's rows say of segments that were removed on purpose. Damage in it is told by others. */
static void take_removed(struct verify *v, struct hc_block *b)
{
	struct hc_ints until;
	struct hc_refs of;
	struct hc_heap str;

	if (!hc_block_n_rows(b, HC_EV_META_FILTER) ||
	    hc_block_event_ints(b, HC_EV_META_FILTER, HC_C_META_FILTER_until_wall_ns, &until, NULL) < 0 ||
	    hc_block_event_refs(b, HC_EV_META_FILTER, HC_C_META_FILTER_of_stream, &of, NULL) < 0 ||
	    hc_block_heap(b, HC_OBJ_STR, &str, NULL) < 0)
		return;
	for (uint32_t i = 0; i < until.n && i < of.n; i++) {
		struct hc_str name = hc_heap_get(&str, of.v[i]);

		for (unsigned k = 0; k < HC_N_STREAMS && hc_ints_valid(&until, i); k++)
			if (hc_str_eq(name, hc_str_c(hc_stream_name(k))) && until.v[i] > v->removed_until_ns[k])
				v->removed_until_ns[k] = until.v[i];
	}
}

static void check_missing(struct verify *v)
{
	for (uint32_t i = 0; i < v->n_missing; i++) {
		const struct missing *m = &v->missing[i];
		bool removed = v->removed_until_ns[m->stream] > m->after_wall_ns;

		tell(v, removed ? HC_VERIFY_NOTE : HC_VERIFY_DAMAGE, m->path,
		     removed ? "number %u follows number %u: the recorder removed those between, as its limits say"
		             : "segments are missing: number %u follows number %u",
		     m->number, m->after);
	}
}

static int check_block(struct verify *v, int fd, uint64_t base, const char *path, const struct hc_seg_block *b)
{
	HC_AUTO(hc_block_close) struct hc_block *block = NULL;
	struct hc_err why = { 0 };
	int r = hc_block_open(fd, (off_t)(base + b->off), path, &block, &why);

	if (r == 0)
		r = hc_block_check(block, &why);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		v->stats.n_bad_blocks++;
		tell_at(v, path, why.has_offset ? why.offset - base : b->off, b->info.bytes, why.msg);
		return 0;
	}
	v->stats.n_rows += b->info.n_rows;
	if (v->any_seq && b->info.first_seq <= v->last_seq) {
		char text[160];

		snprintf(text, sizeof(text), "the rows begin with number %llu, after number %llu before",
		         (unsigned long long)b->info.first_seq, (unsigned long long)v->last_seq);
		tell_at(v, path, b->off, b->info.bytes, text);
	}
	v->any_seq = true;
	v->last_seq = b->info.last_seq;
	v->last_wall_ns = (int64_t)(b->info.last_ns + (uint64_t)b->info.wall_offset_ns);
	take_removed(v, block);
	return 0;
}

static int check_segment(struct verify *v, const struct hc_capture_file *f, bool newest, struct hc_err *err)
{
	HC_AUTO(hc_seg_free) struct hc_seg *seg = NULL;
	struct hc_err why = { 0 };
	int fd = hc_capture_file_open(v->c, f, &why);
	int r = fd < 0 ? fd : hc_seg_walk(fd, f->off, f->bytes, f->path, true, &seg, &why);

	v->stats.n_segments++;
	v->stats.bytes += f->bytes;
	if (r < 0 && r != -ENOMEM) {
		v->stats.n_unreadable++;
		tell_at(v, f->path, why.has_offset ? why.offset - f->off : 0, f->bytes, why.msg);
		r = 0;
		goto out;
	}
	if (r < 0)
		goto out;
	check_place(v, f->path, &seg->header);
	r = check_number(v, f->path, &seg->header);
	v->stats.n_sealed += seg->state == HC_SEG_SEALED;
	v->stats.n_open += seg->state == HC_SEG_OPEN;
	v->stats.n_torn += seg->state == HC_SEG_TORN;
	if (seg->state == HC_SEG_OPEN)
		tell(v, HC_VERIFY_NOTE, f->path, "%s",
		     hc_capture_is_live(v->c) && newest ? "is being written"
		     : hc_capture_kind(v->c) == HC_CAPTURE_BUNDLE
		             ? "was not closed: it was being written when it was exported, or its recorder was "
		               "killed; the block being built then is not in it"
		             : "was not closed: its recorder was killed, and the block being built then is lost");
	for (uint32_t i = 0; i < seg->n_damage; i++) {
		if (seg->state == HC_SEG_TORN && i + 1 == seg->n_damage && hc_capture_is_live(v->c) && newest)
			break;
		tell_at(v, f->path, seg->damage[i].off, seg->damage[i].bytes, seg->damage[i].what);
	}
	for (uint32_t i = 0; r == 0 && i < seg->n_blocks; i++) {
		v->stats.n_blocks++;
		r = check_block(v, fd, f->off, f->path, &seg->blocks[i]);
		if (r == 0)
			r = span_add(v, seg->header.capture_id, &seg->blocks[i].info);
	}
out:
	if (fd >= 0)
		close(fd);
	return r < 0 ? hc_err_set(err, r, "out of memory") : 0;
}

/* ---- the capture ---- */

static void tell_index(void *ctx, const char *what)
{
	tell(ctx, HC_VERIFY_INDEX, NULL, "%s", what);
}

static int check_index(struct verify *v, struct hc_err *err)
{
	struct hc_err why = { 0 };
	int r;

	if (hc_capture_kind(v->c) != HC_CAPTURE_DIR)
		return 0;
	if (hc_capture_is_live(v->c)) {
		tell(v, HC_VERIFY_NOTE, NULL, "a recorder is writing: the index is not compared");
		return 0;
	}
	r = hc_index_check(hc_capture_path(v->c), MAX_INDEX_DIFFS, tell_index, v, &why);
	if (r == -ENOMEM)
		return hc_err_set(err, r, "out of memory");
	if (r == -ENOENT)
		tell(v, HC_VERIFY_NOTE, NULL, "there is no index; nothing is missing but time when opening");
	else if (r < 0)
		tell(v, HC_VERIFY_INDEX, NULL, "%s", why.msg);
	else if (r > MAX_INDEX_DIFFS)
		tell(v, HC_VERIFY_INDEX, NULL, "%s: and %d differences more", HC_INDEX_NAME, r - MAX_INDEX_DIFFS);
	return 0;
}

static bool newest_of_stream(const struct hc_capture_file *files, uint32_t i, uint32_t n)
{
	const char *dash = strrchr(files[i].path, '-');

	return i + 1 == n || !dash ||
	       strncmp(files[i].path, files[i + 1].path, (size_t)(dash - files[i].path) + 1) != 0;
}

/* Files that could not even be listed; what is wrong within segments comes from the walk. */
static void check_listing(struct verify *v)
{
	uint32_t n;
	const struct hc_capture_problem *p = hc_capture_listing_problems(v->c, &n);

	for (uint32_t i = 0; i < n; i++)
		tell(v, HC_VERIFY_DAMAGE, p[i].path, "%s", p[i].what);
}

int hc_verify(const char *path, void (*tell_one)(void *ctx, const struct hc_verify_finding *f), void *ctx,
              struct hc_verify_stats *ret, struct hc_err *err)
{
	HC_AUTO(hc_capture_close) struct hc_capture *c = NULL;
	struct verify v = { .tell = tell_one, .ctx = ctx };
	const struct hc_capture_file *files;
	uint32_t n;
	int r = hc_capture_open(path, HC_CAPTURE_NO_INDEX | HC_CAPTURE_EVEN_BROKEN, &c, err);

	if (r < 0)
		return r;
	v.c = c;
	check_listing(&v);
	files = hc_capture_files(c, &n);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint32_t number;
		uint8_t stream;

		if (hc_capture_kind(c) == HC_CAPTURE_SEGMENT || hc_seg_path_parse(files[i].path, &stream, &number))
			r = check_segment(&v, &files[i], newest_of_stream(files, i, n), err);
	}
	check_missing(&v);
	for (uint32_t i = 0; r == 0 && i < v.n_spans; i++) {
		struct span *s = &v.spans[i];
		uint64_t n_numbers = s->last - s->first + 1;

		v.stats.n_numbers += n_numbers;
		if (s->n_rows != n_numbers && !hc_capture_is_live(c))
			tell(&v, HC_VERIFY_NOTE, NULL,
			     "of the numbers %llu to %llu, %llu are in no segment: segments were removed or not "
			     "selected, or "
			     "a recorder was killed",
			     (unsigned long long)s->first, (unsigned long long)s->last,
			     (unsigned long long)(n_numbers - s->n_rows));
	}
	if (r == 0)
		r = check_index(&v, err);
	free(v.spans);
	free(v.missing);
	if (r < 0)
		return r;
	*ret = v.stats;
	return 0;
}
