/* The bytes of a scap file, uncompressed: a window that slides over the file and grows to what is asked for at
 * once. */
#include "scap_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#define IN_BYTES (64u << 10)
#define OUT_BYTES (256u << 10)

enum form { PLAIN, GZIP, ZSTD };

struct hc_scap_stream {
	struct hc_scap_window window; /* into `out` */
	int fd;
	enum form form;
	char name[256];
	uint64_t file_bytes, total_bytes;
	struct hc_sha256 *sha; /* of what has been read; NULL: a file, which can be read again */
	uint8_t *in;
	size_t in_pos, in_end;
	bool in_eof, ended; /* no more bytes of the file; no more at all */
	bool member_open;   /* inside a gzip member or a zstd frame */
	uint8_t *out;
	size_t out_cap, out_end;
	z_stream z;
	bool z_ready;
	ZSTD_DStream *zstd;
	int failed; /* found behind bytes that are still to be given out; 0: nothing was */
	struct hc_err why;
};

/* Adds to what is in `in`. */
static int read_on(struct hc_scap_stream *s, struct hc_err *err)
{
	ssize_t n;

	do
		n = read(s->fd, s->in + s->in_end, IN_BYTES - s->in_end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return hc_err_off(err, -errno, s->name, s->file_bytes, "cannot be read: %s", strerror(errno));
	if (s->sha)
		hc_sha256_add(s->sha, s->in + s->in_end, (size_t)n);
	s->in_end += (size_t)n;
	s->in_eof = n == 0;
	s->file_bytes += (uint64_t)n;
	return 0;
}

static int refill(struct hc_scap_stream *s, struct hc_err *err)
{
	if (s->in_pos < s->in_end || s->in_eof)
		return 0;
	s->in_pos = s->in_end = 0;
	return read_on(s, err);
}

static int inflate_some(struct hc_scap_stream *s, struct hc_err *err)
{
	int r;

	s->z.next_in = s->in + s->in_pos;
	s->z.avail_in = (uInt)(s->in_end - s->in_pos);
	s->z.next_out = s->out + s->out_end;
	s->z.avail_out = (uInt)(s->out_cap - s->out_end);
	r = inflate(&s->z, Z_NO_FLUSH);
	s->in_pos = s->in_end - s->z.avail_in;
	s->out_end = s->out_cap - s->z.avail_out;
	s->member_open = true;
	if (r == Z_STREAM_END) {
		inflateReset(&s->z); /* another member may follow */
		s->member_open = false;
	} else if (r != Z_OK && r != Z_BUF_ERROR) {
		return hc_err_off(err, r == Z_MEM_ERROR ? -ENOMEM : -EBADMSG, s->name,
		                  s->file_bytes - s->z.avail_in, "gzip data is damaged%s%s", s->z.msg ? ": " : "",
		                  s->z.msg ? s->z.msg : "");
	}
	return 0;
}

static int unzstd_some(struct hc_scap_stream *s, struct hc_err *err)
{
	ZSTD_inBuffer in = { .src = s->in, .size = s->in_end, .pos = s->in_pos };
	ZSTD_outBuffer out = { .dst = s->out, .size = s->out_cap, .pos = s->out_end };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);

	s->in_pos = in.pos;
	s->out_end = out.pos;
	s->member_open = r != 0;
	if (ZSTD_isError(r))
		return hc_err_off(err, -EBADMSG, s->name, s->file_bytes - (s->in_end - s->in_pos),
		                  "zstd data is damaged: %s", ZSTD_getErrorName(r));
	return 0;
}

/* Adds at least a byte to `out`, which has room, or finds the end. */
static int produce(struct hc_scap_stream *s, struct hc_err *err)
{
	size_t before = s->out_end;

	while (s->out_end == before && !s->ended) {
		int r = s->failed ? s->failed : refill(s, &s->why);

		if (r < 0) {
			if (err && !err->code)
				*err = s->why;
			return r;
		}
		if (s->form == PLAIN) {
			size_t n = s->in_end - s->in_pos, room = s->out_cap - s->out_end;

			n = n < room ? n : room;
			memcpy(s->out + s->out_end, s->in + s->in_pos, n);
			s->in_pos += n;
			s->out_end += n;
		} else if (s->in_pos < s->in_end || s->member_open) {
			s->failed = s->form == GZIP ? inflate_some(s, &s->why) : unzstd_some(s, &s->why);
			if (s->failed)
				continue; /* what came before it first */
		}
		if (s->in_eof && s->out_end == before) {
			s->ended = true;
			if (s->member_open)
				return hc_err_off(err, -EBADMSG, s->name, s->file_bytes,
				                  "ends inside its %s data: the rest of the file is missing",
				                  s->form == GZIP ? "gzip" : "zstd");
		}
	}
	return 0;
}

int64_t hc_scap_stream_more(struct hc_scap_stream *s, size_t n, const uint8_t **ret, struct hc_err *err)
{
	struct hc_scap_window *w = &s->window;

	while (w->n < n && !s->ended) {
		size_t pos = s->out_end - w->n;
		int r;

		if (pos && (n > s->out_cap - pos || s->out_end == s->out_cap)) {
			memmove(s->out, s->out + pos, w->n);
			s->out_end = w->n;
			pos = 0;
		}
		/* No length is believed further than bytes are there for it: the buffer doubles as they come. */
		if (s->out_end == s->out_cap) {
			uint8_t *bigger = realloc(s->out, s->out_cap * 2);

			if (!bigger)
				return hc_err_set(err, -ENOMEM, "out of memory");
			s->out = bigger;
			s->out_cap *= 2;
		}
		r = produce(s, err);
		w->p = s->out + pos;
		w->n = s->out_end - pos;
		if (r < 0)
			return r;
	}
	*ret = w->p;
	return (int64_t)(w->n < n ? w->n : n);
}

void hc_scap_stream_progress(const struct hc_scap_stream *s, uint64_t *ret_bytes, uint64_t *ret_total)
{
	*ret_bytes = s->file_bytes - (s->in_end - s->in_pos);
	*ret_total = s->total_bytes;
}

int hc_scap_stream_digest(struct hc_scap_stream *s, uint8_t ret[HC_SHA256_BYTES], struct hc_err *err)
{
	int r = 0;

	if (!s->sha)
		return hc_sha256_file(s->fd, 0, s->total_bytes, s->name, ret, err);
	while (r == 0 && !s->in_eof) {
		s->in_pos = s->in_end;
		r = refill(s, err);
	}
	if (r == 0)
		hc_sha256_take(s->sha, ret);
	return r;
}

static int begin(struct hc_scap_stream *s, struct hc_err *err)
{
	static const uint8_t zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const uint8_t zstd_skipped[] = { 0x2a, 0x4d, 0x18 }; /* frames without data, as of pzstd */
	int r = 0;

	while (r == 0 && s->in_end < sizeof(zstd_magic) &&
	       !s->in_eof) /* a pipe gives what its writer has written */
		r = read_on(s, err);
	if (r < 0)
		return r;
	if (s->in_end >= 2 && s->in[0] == 0x1f && s->in[1] == 0x8b)
		s->form = GZIP;
	else if (s->in_end >= 4 && (memcmp(s->in, zstd_magic, 4) == 0 ||
	                            (s->in[0] >> 4 == 5 && memcmp(s->in + 1, zstd_skipped, 3) == 0)))
		s->form = ZSTD;
	if (s->form == GZIP) {
		if (inflateInit2(&s->z, 15 + 16) != Z_OK)
			return hc_err_set(err, -ENOMEM, "out of memory");
		s->z_ready = true;
	}
	if (s->form == ZSTD) {
		s->zstd = ZSTD_createDStream();
		if (!s->zstd)
			return hc_err_set(err, -ENOMEM, "out of memory");
		ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, 27); /* zstd --long */
	}
	return 0;
}

int hc_scap_stream_take(int fd, const char *name, struct hc_scap_stream **ret, struct hc_err *err)
{
	struct hc_scap_stream *s = calloc(1, sizeof(*s));
	struct stat st;
	int r = 0;

	if (!s) {
		close(fd);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	s->fd = fd;
	memccpy(s->name, name, 0, sizeof(s->name) - 1);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		s->total_bytes = (uint64_t)st.st_size;
	else
		r = hc_sha256_new(&s->sha, err);
	s->out_cap = OUT_BYTES;
	s->in = calloc(1, IN_BYTES);
	s->window.p = s->out = malloc(OUT_BYTES);
	if (r == 0)
		r = s->in && s->out ? begin(s, err) : hc_err_set(err, -ENOMEM, "out of memory");
	if (r < 0) {
		hc_scap_stream_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct hc_scap_stream *hc_scap_stream_free(struct hc_scap_stream *s)
{
	if (!s)
		return NULL;
	if (s->z_ready)
		inflateEnd(&s->z);
	ZSTD_freeDStream(s->zstd);
	hc_sha256_free(s->sha);
	close(s->fd);
	free(s->in);
	free(s->out);
	free(s);
	return NULL;
}
