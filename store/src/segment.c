/*
 * Reading the structure of a segment: by its footer, or by walking from block to block. The walk is what makes a
 * torn or damaged file readable: after a header that does not check out it searches the next one that does.
 */
#include "segment_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/base/rd.h"
#include "store/base/sha256.h"

#define SEARCH_BYTES (1u << 20)

struct reader {
	int fd;
	uint64_t base, bytes; /* the segment within the file */
	const char *name;
};

static int read_full(const struct reader *rd, void *to, size_t n_bytes, uint64_t off, struct hc_err *err)
{
	size_t got = 0;

	while (got < n_bytes) {
		ssize_t r = pread(rd->fd, (uint8_t *)to + got, n_bytes - got, (off_t)(rd->base + off + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return hc_err_off(err, -errno, rd->name, rd->base + off + got, "cannot read: %s",
			                  strerror(errno));
		if (r == 0)
			return hc_err_off(err, -EBADMSG, rd->name, rd->base + off + got,
			                  "the file became shorter");
		got += (size_t)r;
	}
	return 0;
}

static int damage_add(struct hc_seg *s, uint64_t off, uint64_t bytes, const char *what)
{
	struct hc_seg_damage *d = s->n_damage ? &s->damage[s->n_damage - 1] : NULL;

	if (d && bytes && d->bytes && d->off + d->bytes == off && strcmp(d->what, what) == 0) {
		d->bytes += bytes; /* more of the same */
		return 0;
	}
	d = realloc(s->damage, (s->n_damage + 1u) * sizeof(*d));
	if (!d)
		return -ENOMEM;
	s->damage = d;
	d += s->n_damage++;
	*d = (struct hc_seg_damage){ .off = off, .bytes = bytes };
	snprintf(d->what, sizeof(d->what), "%.*s", (int)sizeof(d->what) - 1, what);
	return 0;
}

static int block_add(struct hc_seg *s, const struct hc_seg_block *block)
{
	if ((s->n_blocks & (s->n_blocks - 1)) == 0) { /* room is a power of two */
		struct hc_seg_block *p = realloc(s->blocks, (s->n_blocks ? s->n_blocks * 2u : 1u) * sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->blocks = p;
	}
	s->blocks[s->n_blocks++] = *block;
	return 0;
}

static void copy_text(char *to, size_t room, struct hc_rd *rd)
{
	uint32_t n = hc_rd_u8(rd);
	const uint8_t *p = hc_rd_bytes(rd, n);

	if (p && n < room)
		memcpy(to, p, n);
}

/* Header frame at the segment's begin. *ret_next: offset of what follows it. */
static int header_read(const struct reader *in, struct hc_seg_header *h, uint64_t *ret_next, struct hc_err *err)
{
	uint8_t buf[HC_SEG_HEADER_MAX_BYTES];
	uint32_t payload_bytes;
	struct hc_rd rd;
	uint64_t sum;
	int r;

	memset(h, 0, sizeof(*h));
	if (in->bytes < HC_FRAME_HEAD_BYTES + 16)
		return hc_err_off(err, -EBADMSG, in->name, in->base, "not a segment: %llu bytes are too few",
		                  (unsigned long long)in->bytes);
	r = read_full(in, buf, HC_FRAME_HEAD_BYTES + 8, 0, err);
	if (r < 0)
		return r;
	rd = hc_rd_init(buf, HC_FRAME_HEAD_BYTES + 8);
	if (hc_rd_u32(&rd) != HC_FRAME_MAGIC)
		return hc_err_off(err, -EBADMSG, in->name, in->base, "not a segment of a capture");
	payload_bytes = hc_rd_u32(&rd);
	if (hc_rd_u32(&rd) != HC_SEG_HEADER_MAGIC)
		return hc_err_off(err, -EBADMSG, in->name, in->base, "not a segment of a capture");
	h->format_major = hc_rd_u16(&rd);
	h->format_minor = hc_rd_u16(&rd);
	if (h->format_major != HC_FORMAT_MAJOR)
		return hc_err_off(
			err, -ENOTSUP, in->name, in->base,
			"segment of format version %u.%u; this program reads version %u: use a newer hindcast",
			h->format_major, h->format_minor, HC_FORMAT_MAJOR);
	if (payload_bytes < 80 || payload_bytes > sizeof(buf) || payload_bytes + HC_FRAME_HEAD_BYTES > in->bytes)
		return hc_err_off(err, -EBADMSG, in->name, in->base,
		                  "the segment's header has an impossible length");
	r = read_full(in, buf, payload_bytes, HC_FRAME_HEAD_BYTES, err);
	if (r < 0)
		return r;
	rd = hc_rd_init(buf + payload_bytes - 8, 8);
	sum = hc_rd_u64(&rd);
	if (!hc_sum_fits(XXH3_64bits(buf, payload_bytes - 8), sum))
		return hc_err_off(err, -EBADMSG, in->name, in->base,
		                  "the checksum of the segment's header is wrong");
	rd = hc_rd_init(buf + 8, payload_bytes - 16);
	h->stream = hc_rd_u8(&rd);
	hc_rd_bytes(&rd, 3);
	h->number = hc_rd_u32(&rd);
	hc_rd_copy(&rd, h->capture_id, 16);
	hc_rd_copy(&rd, h->boot_id, 16);
	h->created_wall_ns = (int64_t)hc_rd_u64(&rd);
	h->created_boot_ns = hc_rd_u64(&rd);
	copy_text(h->node, sizeof(h->node), &rd);
	copy_text(h->tool, sizeof(h->tool), &rd);
	if (rd.bad || h->stream >= HC_N_STREAMS)
		return hc_err_off(err, -EBADMSG, in->name, in->base, "the segment's header is damaged");
	*ret_next = HC_FRAME_HEAD_BYTES + (uint64_t)payload_bytes;
	return 0;
}

size_t hc_seg_header_write(const struct hc_seg_header *h, uint8_t *buf)
{
	size_t node_len = strlen(h->node), tool_len = strlen(h->tool);
	uint8_t *p = buf + HC_FRAME_HEAD_BYTES;
	uint32_t v;
	uint64_t sum;

	v = htole32(HC_SEG_HEADER_MAGIC);
	memcpy(p, &v, 4);
	v = htole32(HC_FORMAT_MAJOR | (uint32_t)HC_FORMAT_MINOR << 16);
	memcpy(p + 4, &v, 4);
	v = htole32(h->stream);
	memcpy(p + 8, &v, 4);
	v = htole32(h->number);
	memcpy(p + 12, &v, 4);
	memcpy(p + 16, h->capture_id, 16);
	memcpy(p + 32, h->boot_id, 16);
	sum = htole64((uint64_t)h->created_wall_ns);
	memcpy(p + 48, &sum, 8);
	sum = htole64(h->created_boot_ns);
	memcpy(p + 56, &sum, 8);
	p[64] = (uint8_t)node_len;
	memcpy(p + 65, h->node, node_len);
	p += 65 + node_len;
	*p++ = (uint8_t)tool_len;
	memcpy(p, h->tool, tool_len);
	p += tool_len;
	while ((size_t)(p - buf - HC_FRAME_HEAD_BYTES) < 72)
		*p++ = 0; /* the shortest payload is 80 bytes */
	sum = htole64(XXH3_64bits(buf + HC_FRAME_HEAD_BYTES, (size_t)(p - buf) - HC_FRAME_HEAD_BYTES));
	memcpy(p, &sum, 8);
	p += 8;
	v = htole32(HC_FRAME_MAGIC);
	memcpy(buf, &v, 4);
	v = htole32((uint32_t)(p - buf) - HC_FRAME_HEAD_BYTES);
	memcpy(buf + 4, &v, 4);
	return (size_t)(p - buf);
}

/* ---- footer ---- */

static void put_u32(uint8_t **p, uint32_t v)
{
	v = htole32(v);
	memcpy(*p, &v, 4);
	*p += 4;
}

static void put_u64(uint8_t **p, uint64_t v)
{
	v = htole64(v);
	memcpy(*p, &v, 8);
	*p += 8;
}

static size_t footer_payload(uint32_t n_blocks)
{
	return HC_SEG_FOOTER_HEAD_BYTES + (size_t)n_blocks * HC_SEG_FOOTER_BLOCK_BYTES + 8 + HC_SEG_TRAILER_BYTES;
}

size_t hc_seg_footer_bytes(uint32_t n_blocks)
{
	return HC_FRAME_HEAD_BYTES + footer_payload(n_blocks);
}

uint8_t *hc_seg_footer_write(const struct hc_seg_block *blocks, uint32_t n_blocks, uint64_t footer_off,
                             size_t *ret_bytes)
{
	size_t payload = footer_payload(n_blocks);
	uint8_t *buf = calloc(1, HC_FRAME_HEAD_BYTES + payload), *p = buf;

	if (!buf)
		return NULL;
	put_u32(&p, HC_FRAME_MAGIC);
	put_u32(&p, (uint32_t)payload);
	put_u32(&p, HC_SEG_FOOTER_MAGIC);
	put_u32(&p, n_blocks);
	for (uint32_t i = 0; i < n_blocks; i++) {
		const struct hc_seg_block *b = &blocks[i];

		put_u64(&p, b->off);
		put_u64(&p, b->info.bytes);
		put_u32(&p, b->info.n_rows);
		put_u32(&p, b->info.stream);
		put_u64(&p, b->info.first_seq);
		put_u64(&p, b->info.last_seq);
		put_u64(&p, b->info.first_ns);
		put_u64(&p, b->info.last_ns);
		put_u64(&p, (uint64_t)b->info.wall_offset_ns);
		for (unsigned k = 0; k < HC_EV_WORDS; k++)
			put_u64(&p, b->info.types.w[k]);
		memcpy(p, b->sha256, 32);
		p += 32;
	}
	put_u64(&p, XXH3_64bits(buf + HC_FRAME_HEAD_BYTES, (size_t)(p - buf) - HC_FRAME_HEAD_BYTES));
	put_u64(&p, footer_off);
	put_u32(&p, (uint32_t)payload);
	put_u32(&p, HC_SEG_TRAILER_MAGIC);
	*ret_bytes = (size_t)(p - buf);
	return buf;
}

/* 1 the footer is there and right, 0 there is none, < 0 it cannot be read. Fills blocks. */
static int footer_read(const struct reader *in, uint64_t first_off, struct hc_seg *s, struct hc_err *err)
{
	uint8_t tail[HC_SEG_TRAILER_BYTES], *buf = NULL;
	uint64_t off, sum, expect = first_off;
	uint32_t payload, n;
	struct hc_rd rd;
	int r;

	if (in->bytes < first_off + HC_FRAME_HEAD_BYTES + HC_SEG_FOOTER_HEAD_BYTES + 8 + HC_SEG_TRAILER_BYTES)
		return 0;
	r = read_full(in, tail, sizeof(tail), in->bytes - sizeof(tail), err);
	if (r < 0)
		return r;
	rd = hc_rd_init(tail, sizeof(tail));
	off = hc_rd_u64(&rd);
	payload = hc_rd_u32(&rd);
	if (hc_rd_u32(&rd) != HC_SEG_TRAILER_MAGIC || off < first_off || off > in->bytes ||
	    in->bytes - off < (uint64_t)payload + HC_FRAME_HEAD_BYTES ||
	    payload < HC_SEG_FOOTER_HEAD_BYTES + 8 + HC_SEG_TRAILER_BYTES || payload > HC_SEG_FOOTER_MAX_BYTES)
		return 0;
	buf = malloc(payload);
	if (!buf)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = read_full(in, buf, payload, off + HC_FRAME_HEAD_BYTES, err);
	if (r < 0)
		goto out;
	rd = hc_rd_init(buf + payload - HC_SEG_TRAILER_BYTES - 8, 8);
	sum = hc_rd_u64(&rd);
	if (!hc_sum_fits(XXH3_64bits(buf, payload - HC_SEG_TRAILER_BYTES - 8), sum))
		goto out; /* r is 0: treated as if there were none, and the walk tells */
	rd = hc_rd_init(buf, payload - HC_SEG_TRAILER_BYTES - 8);
	if (hc_rd_u32(&rd) != HC_SEG_FOOTER_MAGIC)
		goto out;
	n = hc_rd_u32(&rd);
	if ((uint64_t)n * HC_SEG_FOOTER_BLOCK_BYTES != hc_rd_left(&rd))
		goto out;
	for (uint32_t i = 0; i < n; i++) {
		struct hc_seg_block b = { 0 };

		b.off = hc_rd_u64(&rd);
		b.info.bytes = hc_rd_u64(&rd);
		b.info.n_rows = hc_rd_u32(&rd);
		b.info.stream = (uint8_t)hc_rd_u32(&rd);
		b.info.first_seq = hc_rd_u64(&rd);
		b.info.last_seq = hc_rd_u64(&rd);
		b.info.first_ns = hc_rd_u64(&rd);
		b.info.last_ns = hc_rd_u64(&rd);
		b.info.wall_offset_ns = (int64_t)hc_rd_u64(&rd);
		for (unsigned k = 0; k < HC_EV_WORDS; k++)
			b.info.types.w[k] = hc_rd_u64(&rd);
		hc_rd_copy(&rd, b.sha256, 32);
		if (b.off != expect || b.info.bytes > off - b.off ||
		    b.info.bytes < HC_FRAME_HEAD_BYTES + HC_BLOCK_HEADER_BYTES ||
		    b.info.stream != s->header.stream || b.info.n_rows > HC_BLOCK_MAX_ROWS ||
		    b.info.first_seq > b.info.last_seq || b.info.first_ns > b.info.last_ns) {
			s->n_blocks = 0;
			goto out;
		}
		expect += b.info.bytes;
		r = block_add(s, &b);
		if (r < 0) {
			hc_err_set(err, r, "out of memory");
			goto out;
		}
	}
	r = expect == off;
	if (!r)
		s->n_blocks = 0;
out:
	free(buf);
	return r;
}

/* ---- walking ---- */

/* Offset of the next block header or footer frame at or after `from`, or the segment's length. */
static int search(const struct reader *in, uint64_t from, uint64_t *ret, struct hc_err *err)
{
	uint8_t *buf = malloc(SEARCH_BYTES);
	uint32_t frame = htole32(HC_FRAME_MAGIC), block = htole32(HC_BLOCK_MAGIC),
		 footer = htole32(HC_SEG_FOOTER_MAGIC);
	int r = 0;

	if (!buf)
		return hc_err_set(err, -ENOMEM, "out of memory");
	*ret = in->bytes;
	while (r == 0 && from + 12 <= in->bytes) {
		size_t n = in->bytes - from < SEARCH_BYTES ? (size_t)(in->bytes - from) : SEARCH_BYTES;

		r = read_full(in, buf, n, from, err);
		for (size_t i = 0; r == 0 && i + 12 <= n; i++) {
			const uint8_t *p = memchr(buf + i, (int)(frame & 0xff), n - i - 11);

			if (!p)
				break;
			i = (size_t)(p - buf);
			if (memcmp(p, &frame, 4) == 0 &&
			    (memcmp(p + 8, &block, 4) == 0 || memcmp(p + 8, &footer, 4) == 0)) {
				*ret = from + i;
				free(buf);
				return 0;
			}
		}
		from += n - 11;
		if (n < SEARCH_BYTES)
			break;
	}
	free(buf);
	return r;
}

static int hash_block(const struct reader *in, struct hc_seg_block *b, struct hc_err *err)
{
	struct hc_sha256 *sha = NULL;
	uint8_t *buf = malloc(1u << 16);
	uint64_t done = 0;
	int r = buf ? hc_sha256_new(&sha, err) : hc_err_set(err, -ENOMEM, "out of memory");

	while (r == 0 && done < b->info.bytes) {
		size_t n = b->info.bytes - done < (1u << 16) ? (size_t)(b->info.bytes - done) : 1u << 16;

		r = read_full(in, buf, n, b->off + done, err);
		if (r == 0)
			hc_sha256_add(sha, buf, n);
		done += n;
	}
	if (r == 0)
		hc_sha256_take(sha, b->sha256);
	hc_sha256_free(sha);
	free(buf);
	return r;
}

/* The frame at `off` is a footer? Its whole length, or 0. */
static uint64_t footer_bytes_at(const struct reader *in, uint64_t off)
{
	uint8_t head[HC_FRAME_HEAD_BYTES + 4];
	struct hc_rd rd;
	uint32_t payload;

	if (in->bytes - off < sizeof(head) || read_full(in, head, sizeof(head), off, NULL) < 0)
		return 0;
	rd = hc_rd_init(head, sizeof(head));
	if (hc_rd_u32(&rd) != HC_FRAME_MAGIC)
		return 0;
	payload = hc_rd_u32(&rd);
	return hc_rd_u32(&rd) == HC_SEG_FOOTER_MAGIC ? (uint64_t)payload + HC_FRAME_HEAD_BYTES : 0;
}

/*
 * After damage every place that looks like a header is tried, and trying one may read MAX_BYTES. A file made to
 * look like headers all over must not keep us for hours: reading ends where more was tried in vain than accidents
 * can explain.
 */
#define MAX_IN_VAIN 65536u
#define MAX_BYTES_IN_VAIN(file_bytes) ((UINT64_C(256) << 20) + 8 * (file_bytes))

struct patience {
	uint32_t n_tried;
	uint64_t bytes_tried;
};

static bool patience_ends(struct patience *p, const struct reader *in, uint64_t off)
{
	uint8_t head[HC_FRAME_HEAD_BYTES] = { 0 };
	struct hc_rd rd = hc_rd_init(head, sizeof(head));
	uint64_t left = in->bytes - off;

	if (left > sizeof(head) && read_full(in, head, sizeof(head), off, NULL) == 0) {
		uint32_t payload_bytes;

		hc_rd_u32(&rd);
		payload_bytes = hc_rd_u32(&rd);
		p->bytes_tried += payload_bytes < left ? payload_bytes : left;
	}
	return ++p->n_tried > MAX_IN_VAIN || p->bytes_tried > MAX_BYTES_IN_VAIN(in->bytes);
}

/* footer_ok: the footer was read before; another one that is met is then no news. */
static int walk_blocks(const struct reader *in, uint64_t off, bool hash, bool footer_ok, struct hc_seg *s,
                       struct hc_err *err)
{
	struct patience patience = { 0 };
	bool after_footer = false;
	int r = 0;

	s->state = HC_SEG_OPEN;
	while (r == 0 && off < in->bytes) {
		HC_AUTO(hc_block_close) struct hc_block *block = NULL;
		struct hc_seg_block b = { .off = off };
		struct hc_err why = { 0 };
		uint64_t n = footer_bytes_at(in, off), next = off;

		if (n && n <= in->bytes - off) { /* the end */
			if (!footer_ok)
				r = damage_add(s, off, n,
				               "the footer is damaged; the blocks were found without it");
			off += n;
			after_footer = true;
			continue;
		}
		r = hc_block_open(in->fd, (off_t)(in->base + off), in->name, &block, &why);
		if (r == -ENOMEM || r == -EIO)
			return hc_err_set(err, r, "%s", why.msg);
		if (r == 0) {
			b.info = *hc_block_info(block);
			if (b.info.bytes <= in->bytes - off && b.info.stream == s->header.stream) {
				r = hash ? hash_block(in, &b, err) : 0;
				if (r == 0)
					r = block_add(s, &b);
				off += b.info.bytes;
				continue;
			}
			snprintf(why.msg, sizeof(why.msg), "%s",
			         b.info.stream == s->header.stream ? "the block is cut at the end of the file"
			                                           : "damaged block: it is of another stream");
		}
		if (n)
			snprintf(why.msg, sizeof(why.msg), "the footer is cut at the end of the file");
		if (patience_ends(&patience, in, off)) {
			snprintf(why.msg, sizeof(why.msg),
			         "too much here only looks like blocks: the rest is not read");
			next = in->bytes;
			r = 0;
		} else {
			r = search(in, off + 1, &next, err);
		}
		if (r < 0)
			return r;
		if (next >= in->bytes && !after_footer)
			s->state = HC_SEG_TORN;
		r = damage_add(s, off, next - off, why.msg);
		off = next;
	}
	return r;
}

static bool info_eq(const struct hc_block_info *a, const struct hc_block_info *b)
{
	return a->stream == b->stream && a->n_rows == b->n_rows && a->bytes == b->bytes &&
	       a->first_seq == b->first_seq && a->last_seq == b->last_seq && a->first_ns == b->first_ns &&
	       a->last_ns == b->last_ns && a->wall_offset_ns == b->wall_offset_ns &&
	       memcmp(&a->types, &b->types, sizeof(a->types)) == 0;
}

/* The walk's blocks against the footer's; all three lists are in order of offset. */
static int compare_footer(struct hc_seg *s, const struct hc_seg_block *told, uint32_t n_told, uint64_t first,
                          bool hash)
{
	uint32_t n_walked = s->n_damage;
	int r = 0;

	for (uint32_t i = 0, k = 0, d = 0; r == 0 && i < n_told; i++) {
		const struct hc_seg_block *found;

		while (k < s->n_blocks && s->blocks[k].off < told[i].off)
			k++;
		while (d < n_walked && s->damage[d].off + s->damage[d].bytes <= told[i].off)
			d++;
		if (k == s->n_blocks || s->blocks[k].off != told[i].off) {
			bool listed = d < n_walked && s->damage[d].off < told[i].off + told[i].info.bytes;

			if (!listed)
				r = damage_add(s, told[i].off, told[i].info.bytes,
				               "the footer names a block that is not there");
			continue;
		}
		found = &s->blocks[k];
		if (hash && memcmp(found->sha256, told[i].sha256, 32) != 0)
			r = damage_add(s, told[i].off, told[i].info.bytes,
			               "the block's SHA-256 is not the one in the footer");
		else if (!info_eq(&found->info, &told[i].info))
			r = damage_add(s, told[i].off, 0, "the footer describes another block");
	}
	if (r == 0 && s->n_blocks > n_told)
		r = damage_add(s, first, 0, "the footer leaves out blocks");
	return r;
}

static int load(int fd, uint64_t base, uint64_t limit, const char *name, bool walk, bool hash, struct hc_seg **ret,
                struct hc_err *err)
{
	HC_AUTO(hc_seg_free) struct hc_seg *s = calloc(1, sizeof(*s));
	struct reader in = { .fd = fd, .base = base, .name = name };
	struct stat st;
	uint64_t first = 0;
	int r, footer;

	if (!s)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (fstat(fd, &st) < 0)
		return hc_err_set(err, -errno, "cannot read '%s': %s", name, strerror(errno));
	in.bytes = (uint64_t)st.st_size > base ? (uint64_t)st.st_size - base : 0;
	if (in.bytes > limit)
		in.bytes = limit;
	s->file_bytes = in.bytes;
	r = header_read(&in, &s->header, &first, err);
	if (r < 0)
		return r;
	footer = footer_read(&in, first, s, err);
	if (footer < 0)
		return footer;
	s->state = HC_SEG_SEALED;
	if (footer == 0 || walk) {
		struct hc_seg_block *told = s->blocks;
		uint32_t n_told = s->n_blocks;

		s->blocks = NULL;
		s->n_blocks = 0;
		r = walk_blocks(&in, first, hash, footer != 0, s, err);
		if (r == 0 && footer) {
			s->state = HC_SEG_SEALED;
			r = compare_footer(s, told, n_told, first, hash);
		}
		free(told);
		if (r < 0)
			return err && err->code ? r : hc_err_set(err, r, "out of memory");
	}
	*ret = hc_steal(s);
	return 0;
}

int hc_seg_load(int fd, uint64_t base, uint64_t limit, const char *name, struct hc_seg **ret, struct hc_err *err)
{
	return load(fd, base, limit, name, false, false, ret, err);
}

int hc_seg_walk(int fd, uint64_t base, uint64_t limit, const char *name, bool hash, struct hc_seg **ret,
                struct hc_err *err)
{
	return load(fd, base, limit, name, true, hash, ret, err);
}

int hc_seg_load_more(int fd, uint64_t off, uint8_t stream, const char *name, struct hc_seg **ret,
                     struct hc_err *err)
{
	HC_AUTO(hc_seg_free) struct hc_seg *s = calloc(1, sizeof(*s));
	struct reader in = { .fd = fd, .name = name };
	struct stat st;
	uint64_t end = off;
	int r;

	if (!s)
		return hc_err_set(err, -ENOMEM, "out of memory");
	if (fstat(fd, &st) < 0)
		return hc_err_set(err, -errno, "cannot read '%s': %s", name, strerror(errno));
	in.bytes = s->file_bytes = (uint64_t)st.st_size;
	s->header.stream = stream;
	r = walk_blocks(&in, off, false, true, s, err);
	if (r < 0)
		return err && err->code ? r : hc_err_set(err, r, "out of memory");
	if (s->n_blocks)
		end = s->blocks[s->n_blocks - 1].off + s->blocks[s->n_blocks - 1].info.bytes;
	if (s->state == HC_SEG_OPEN && end < in.bytes && footer_bytes_at(&in, end))
		s->state = HC_SEG_SEALED;
	*ret = hc_steal(s);
	return 0;
}

struct hc_seg *hc_seg_free(struct hc_seg *s)
{
	if (!s)
		return NULL;
	free(s->blocks);
	free(s->damage);
	free(s);
	return NULL;
}
