/* Writes scap files in their newest form. A block is built in memory; entries of one list share a block until
 * another kind of item, or the descriptors of another process, or its size, ends it. */
#include "scap_priv.h"

#include <errno.h>
#include <stdlib.h>
#define ZLIB_CONST /* it does not write to what it compresses */
#include <zlib.h>
#include <zstd.h>

#define OUT_BYTES (256u << 10)
#define LIST_BYTES (1u << 20) /* a list's block is ended after as much */
#define MAX_PATH_BYTES 1024
#define MAX_ARGS_BYTES 4096
#define MAX_SMALL_BYTES 65536 /* an event's block that is not a large one */

struct hc_scap_writer {
	int fd;
	char name[256];
	bool gzip, failed;
	z_stream z;
	ZSTD_CStream *zstd; /* NULL: not by zstd */
	uint8_t *out;       /* what goes to the file */
	size_t out_n;
	uint64_t n_bytes;
	uint8_t *block; /* body of the list that is being built */
	size_t n, cap;
	uint32_t type; /* of that list; 0: none */
	int64_t tid;
	bool oom;
};

static int flush(struct hc_scap_writer *w, struct hc_err *err)
{
	for (size_t at = 0; at < w->out_n;) {
		ssize_t n = write(w->fd, w->out + at, w->out_n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			w->failed = true;
			return hc_err_set(err, n < 0 ? -errno : -EIO, "%s cannot be written: %s", w->name,
			                  n < 0 ? strerror(errno) : "nothing was taken");
		}
		at += (size_t)n;
		w->n_bytes += (uint64_t)n;
	}
	w->out_n = 0;
	return 0;
}

static int put_plain(struct hc_scap_writer *w, const uint8_t *p, size_t n, struct hc_err *err)
{
	while (n) {
		size_t room = OUT_BYTES - w->out_n, k = n < room ? n : room;

		memcpy(w->out + w->out_n, p, k);
		w->out_n += k;
		p += k;
		n -= k;
		if (w->out_n == OUT_BYTES) {
			int r = flush(w, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int put_gzip(struct hc_scap_writer *w, const uint8_t *p, size_t n, int mode, struct hc_err *err)
{
	int z = Z_OK, r;

	w->z.next_in = p;
	w->z.avail_in = (uInt)n;
	do {
		w->z.next_out = w->out + w->out_n;
		w->z.avail_out = (uInt)(OUT_BYTES - w->out_n);
		z = deflate(&w->z, mode);
		w->out_n = OUT_BYTES - w->z.avail_out;
		if (z == Z_STREAM_ERROR)
			return hc_err_set(err, -EIO, "%s cannot be compressed", w->name);
		r = w->out_n == OUT_BYTES || mode == Z_FINISH ? flush(w, err) : 0;
		if (r < 0)
			return r;
	} while (w->z.avail_in || (mode == Z_FINISH && z != Z_STREAM_END));
	return 0;
}

static int put_zstd(struct hc_scap_writer *w, const uint8_t *p, size_t n, ZSTD_EndDirective mode,
                    struct hc_err *err)
{
	ZSTD_inBuffer in = { .src = p, .size = n };
	size_t left;
	int r;

	do {
		ZSTD_outBuffer out = { .dst = w->out, .size = OUT_BYTES, .pos = w->out_n };

		left = ZSTD_compressStream2(w->zstd, &out, &in, mode);
		w->out_n = out.pos;
		if (ZSTD_isError(left))
			return hc_err_set(err, -EIO, "%s cannot be compressed: %s", w->name,
			                  ZSTD_getErrorName(left));
		r = w->out_n == OUT_BYTES || mode == ZSTD_e_end ? flush(w, err) : 0;
		if (r < 0)
			return r;
	} while (in.pos < in.size || (mode == ZSTD_e_end && left));
	return 0;
}

static int put(struct hc_scap_writer *w, const void *p, size_t n, struct hc_err *err)
{
	if (w->failed)
		return hc_err_set(err, -EIO, "%s could not be written before", w->name);
	if (w->zstd)
		return put_zstd(w, p, n, ZSTD_e_continue, err);
	return w->gzip ? put_gzip(w, p, n, Z_NO_FLUSH, err) : put_plain(w, p, n, err);
}

/* ---- the body that is being built ---- */

static void add(struct hc_scap_writer *w, const void *p, size_t n)
{
	if (w->n + n > w->cap) {
		size_t cap = (w->n + n) * 2;
		uint8_t *bigger = realloc(w->block, cap);

		if (!bigger) {
			w->oom = true;
			return;
		}
		w->block = bigger;
		w->cap = cap;
	}
	if (n)
		memcpy(w->block + w->n, p, n);
	w->n += n;
}

static void add_u8(struct hc_scap_writer *w, uint8_t v)
{
	add(w, &v, 1);
}

static void add_u16(struct hc_scap_writer *w, uint16_t v)
{
	v = htole16(v);
	add(w, &v, 2);
}

static void add_u32(struct hc_scap_writer *w, uint32_t v)
{
	v = htole32(v);
	add(w, &v, 4);
}

static void add_u64(struct hc_scap_writer *w, uint64_t v)
{
	v = htole64(v);
	add(w, &v, 8);
}

static void add_text(struct hc_scap_writer *w, struct hc_str s, uint32_t max)
{
	uint16_t n = (uint16_t)(s.len < max ? s.len : max);

	add_u16(w, n);
	add(w, s.p, n);
}

static int put_block(struct hc_scap_writer *w, uint32_t type, struct hc_err *err)
{
	static const uint8_t zeros[4];
	uint32_t pad = (uint32_t)(-w->n & 3), total = (uint32_t)(w->n + pad + 12);
	uint32_t head[2] = { htole32(type), htole32(total) };
	size_t n = w->n;
	int r;

	w->n = 0;
	w->type = 0;
	if (w->oom) {
		w->oom = false;
		w->failed = true;
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	r = put(w, head, 8, err);
	r = r < 0 ? r : put(w, w->block, n, err);
	r = r < 0 ? r : put(w, zeros, pad, err);
	return r < 0 ? r : put(w, &head[1], 4, err);
}

static int end_list(struct hc_scap_writer *w, struct hc_err *err)
{
	return w->type ? put_block(w, w->type, err) : 0;
}

/* Begins an entry, in the list before if it is of this kind. */
static int begin_entry(struct hc_scap_writer *w, uint32_t type, int64_t tid, struct hc_err *err)
{
	if (w->type != type || w->tid != tid || (w->n > LIST_BYTES && type != HC_SCAP_B_IFACES)) {
		int r = end_list(w, err);

		if (r < 0)
			return r;
		w->type = type;
		w->tid = tid;
		if (type == HC_SCAP_B_FDS)
			add_u64(w, (uint64_t)tid);
	}
	return 0;
}

/* Puts the length of an entry, which began at `at`, before it. */
static void set_length(struct hc_scap_writer *w, size_t at, uint32_t less)
{
	uint32_t n = htole32((uint32_t)(w->n - at) - less);

	if (!w->oom)
		memcpy(w->block + at, &n, 4);
}

int hc_scap_write_machine(struct hc_scap_writer *w, const struct hc_scap_machine *m, struct hc_err *err)
{
	char host[128] = { 0 };
	int r = end_list(w, err);

	if (r < 0)
		return r;
	if (m->hostname.len)
		memcpy(host, m->hostname.p, m->hostname.len < 127 ? m->hostname.len : 127);
	add_u32(w, m->n_cpus);
	add_u64(w, m->memory_bytes);
	add_u64(w, m->max_pid);
	add(w, host, sizeof(host));
	add_u64(w, m->boot_ns);
	add_u64(w, m->flags);
	add_u64(w, 0);
	add_u64(w, 0);
	return put_block(w, HC_SCAP_B_MACHINE, err);
}

int hc_scap_write_iface(struct hc_scap_writer *w, const struct hc_scap_iface *i, struct hc_err *err)
{
	size_t len = i->ipv6 ? 16 : 4, at;
	uint16_t n = (uint16_t)(i->name.len < 256 ? i->name.len : 256);
	int r = begin_entry(w, HC_SCAP_B_IFACES, 0, err);

	if (r < 0)
		return r;
	at = w->n;
	add_u32(w, 0);
	add_u16(w, i->ipv6 ? 2 : 1);
	add_u16(w, n);
	add(w, i->addr, len);
	add(w, i->mask, len);
	add(w, i->bcast, len);
	add_u64(w, i->link_speed);
	add(w, i->name.p, n);
	set_length(w, at, 4);
	return 0;
}

static int write_user(struct hc_scap_writer *w, const struct hc_scap_user *u, bool group, struct hc_err *err)
{
	int r = begin_entry(w, HC_SCAP_B_USERS, 0, err);
	size_t at = w->n;

	if (r < 0)
		return r;
	add_u32(w, 0);
	add_u8(w, group);
	if (!group)
		add_u32(w, u->uid);
	add_u32(w, u->gid);
	add_text(w, u->name, MAX_PATH_BYTES);
	if (!group) {
		add_text(w, u->home, MAX_PATH_BYTES);
		add_text(w, u->shell, MAX_PATH_BYTES);
	}
	set_length(w, at, 0);
	return 0;
}

int hc_scap_write_user(struct hc_scap_writer *w, const struct hc_scap_user *u, struct hc_err *err)
{
	return write_user(w, u, false, err);
}

int hc_scap_write_group(struct hc_scap_writer *w, const struct hc_scap_user *g, struct hc_err *err)
{
	return write_user(w, g, true, err);
}

int hc_scap_write_proc(struct hc_scap_writer *w, const struct hc_scap_proc *p, struct hc_err *err)
{
	int r = begin_entry(w, HC_SCAP_B_PROCS, 0, err);
	size_t at = w->n;

	if (r < 0)
		return r;
	add_u32(w, 0);
	add_u64(w, (uint64_t)p->tid);
	add_u64(w, (uint64_t)p->pid);
	add_u64(w, (uint64_t)p->ptid);
	add_u64(w, (uint64_t)p->sid);
	add_u64(w, (uint64_t)p->vpgid);
	add_text(w, p->comm, MAX_PATH_BYTES);
	add_text(w, p->exe, MAX_PATH_BYTES);
	add_text(w, p->exepath, MAX_PATH_BYTES);
	add_text(w, p->args, MAX_ARGS_BYTES);
	add_text(w, p->cwd, MAX_PATH_BYTES);
	add_u64(w, (uint64_t)p->fdlimit);
	add_u32(w, p->flags);
	add_u32(w, p->uid);
	add_u32(w, p->gid);
	add_u32(w, p->vmsize_kb);
	add_u32(w, p->vmrss_kb);
	add_u32(w, p->vmswap_kb);
	add_u64(w, p->pfmajor);
	add_u64(w, p->pfminor);
	add_text(w, p->env, MAX_ARGS_BYTES);
	add_u64(w, (uint64_t)p->vtid);
	add_u64(w, (uint64_t)p->vpid);
	add_text(w, p->cgroups, MAX_ARGS_BYTES);
	add_text(w, p->root, MAX_PATH_BYTES);
	add_u64(w, p->pidns_init_start_ns);
	add_u32(w, p->tty);
	add_u32(w, p->loginuid);
	add_u8(w, p->exe_writable);
	add_u64(w, p->cap_inheritable);
	add_u64(w, p->cap_permitted);
	add_u64(w, p->cap_effective);
	add_u8(w, p->exe_upper_layer);
	add_u64(w, p->exe_ino);
	add_u64(w, p->exe_ctime_ns);
	add_u64(w, p->exe_mtime_ns);
	add_u8(w, p->exe_from_memfd);
	add_u8(w, p->exe_lower_layer);
	add_u64(w, (uint64_t)p->pgid);
	set_length(w, at, 0);
	return 0;
}

static void add_inet(struct hc_scap_writer *w, const struct hc_scap_fd *f, size_t n, bool pair)
{
	add(w, f->src, n);
	if (pair)
		add(w, f->dst, n);
	add_u16(w, f->sport);
	if (pair)
		add_u16(w, f->dport);
	add_u8(w, f->l4);
}

int hc_scap_write_fd(struct hc_scap_writer *w, const struct hc_scap_fd *f, struct hc_err *err)
{
	size_t at;
	int r = begin_entry(w, HC_SCAP_B_FDS, f->tid, err);

	if (r < 0)
		return r;
	at = w->n;
	add_u32(w, 0);
	add_u64(w, (uint64_t)f->fd);
	add_u64(w, f->ino);
	add_u8(w, f->type);
	switch (f->type) {
	case HC_SCAP_FD_IPV4_SOCK:
	case HC_SCAP_FD_IPV4_SERVSOCK:
		add_inet(w, f, 4, f->type == HC_SCAP_FD_IPV4_SOCK);
		break;
	case HC_SCAP_FD_IPV6_SOCK:
	case HC_SCAP_FD_IPV6_SERVSOCK:
		add_inet(w, f, 16, f->type == HC_SCAP_FD_IPV6_SOCK);
		break;
	case HC_SCAP_FD_UNIX_SOCK:
		add_u64(w, f->unix_source);
		add_u64(w, f->unix_peer);
		add_text(w, f->name, MAX_PATH_BYTES);
		break;
	case HC_SCAP_FD_FILE_V2:
		add_u32(w, f->open_flags);
		add_text(w, f->name, MAX_PATH_BYTES);
		add_u32(w, f->dev);
		break;
	default:
		add_text(w, f->name, MAX_PATH_BYTES);
		break;
	}
	set_length(w, at, 0);
	return 0;
}

int hc_scap_write_event(struct hc_scap_writer *w, const struct hc_scap_event *e, struct hc_err *err)
{
	bool wide = e->code < HC_SCAP_N_CODES && (hc_scap_events[e->code].flags & HC_SCAP_F_LARGE), large;
	uint64_t len = 26;
	int r = end_list(w, err);

	if (r < 0)
		return r;
	if (e->code >= HC_SCAP_N_CODES || e->n_params > HC_SCAP_MAX_PARAMS)
		return hc_err_set(err, -EINVAL, "there is no event %u with %u parameters", e->code, e->n_params);
	for (unsigned i = 0; i < e->n_params; i++) {
		if (!wide && e->param[i].len > UINT16_MAX)
			return hc_err_set(err, -E2BIG, "parameter %u of a %s is longer than 65535 bytes", i,
			                  hc_scap_events[e->code].name);
		len += (wide ? 4 : 2) + (uint64_t)e->param[i].len;
	}
	if (len > HC_SCAP_MAX_BLOCK_BYTES / 2)
		return hc_err_set(err, -E2BIG, "an event is longer than 32 MiB");
	large = len + 32 > MAX_SMALL_BYTES;
	add_u16(w, e->cpu);
	if (e->state_only)
		add_u32(w, 1);
	add_u64(w, e->ts_ns);
	add_u64(w, (uint64_t)e->tid);
	add_u32(w, (uint32_t)len);
	add_u16(w, e->code);
	add_u32(w, e->n_params);
	for (unsigned i = 0; i < e->n_params; i++) {
		if (wide)
			add_u32(w, e->param[i].len);
		else
			add_u16(w, (uint16_t)e->param[i].len);
	}
	for (unsigned i = 0; i < e->n_params; i++)
		add(w, e->param[i].p, e->param[i].len);
	if (large)
		return put_block(w, e->state_only ? HC_SCAP_B_LARGE_FLAGS : HC_SCAP_B_LARGE, err);
	return put_block(w, e->state_only ? HC_SCAP_B_EVENT_FLAGS : HC_SCAP_B_EVENT, err);
}

int hc_scap_writer_new(int fd, const char *name, unsigned flags, struct hc_scap_writer **ret, struct hc_err *err)
{
	struct hc_scap_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return hc_err_set(err, -ENOMEM, "out of memory");
	w->fd = fd;
	memccpy(w->name, name, 0, sizeof(w->name) - 1);
	w->out = malloc(OUT_BYTES);
	if (w->out && flags & HC_SCAP_ZSTD)
		w->zstd = ZSTD_createCStream();
	else if (w->out && !(flags & HC_SCAP_PLAIN))
		w->gzip = deflateInit2(&w->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
		          Z_OK;
	if (!w->out || (!(flags & HC_SCAP_PLAIN) && !w->gzip && !w->zstd)) {
		hc_scap_writer_free(w);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	add_u32(w, HC_SCAP_MAGIC);
	add_u16(w, 1);
	add_u16(w, 2);
	add_u64(w, UINT64_MAX);
	r = put_block(w, HC_SCAP_B_SECTION, err);
	if (r < 0) {
		hc_scap_writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

int hc_scap_writer_finish(struct hc_scap_writer *w, struct hc_err *err)
{
	int r = end_list(w, err);

	if (r < 0)
		return r;
	if (w->zstd)
		return put_zstd(w, NULL, 0, ZSTD_e_end, err);
	return w->gzip ? put_gzip(w, NULL, 0, Z_FINISH, err) : flush(w, err);
}

uint64_t hc_scap_writer_bytes(const struct hc_scap_writer *w)
{
	return w->n_bytes;
}

struct hc_scap_writer *hc_scap_writer_free(struct hc_scap_writer *w)
{
	if (!w)
		return NULL;
	if (w->gzip)
		deflateEnd(&w->z);
	ZSTD_freeCStream(w->zstd);
	free(w->out);
	free(w->block);
	free(w);
	return NULL;
}
