/* A scap file as a whole: a new capture, its beginning and end, and what the capture says of where it comes from.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "scap_priv.h"
#include "store/base/sha256.h"
#include "store/capture.h"
#include "store/index.h"

#define PROGRESS_EVENTS 65536u

struct job {
	const struct hc_import_opts *o;
	struct hc_scap_import *im;
	struct hc_scap_reader *in;
	struct hc_writer *w;
	struct hc_index_writer *index;
	struct hc_capture_start start;
	struct hc_scap_machine machine;
	char node[65], digest[HC_SHA256_HEX];
};

static int on_block(void *ctx, const char *path, const struct hc_seg_header *seg, const struct hc_seg_block *block,
                    struct hc_err *err)
{
	struct job *j = ctx;

	return j->index ? hc_index_writer_block(j->index, path, seg, block, err) : 0;
}

static int is_free(const char *path, struct hc_err *err)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int code = 0;

	if (!d)
		return errno == ENOENT ? 0
		                       : hc_err_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	while (code == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			code = hc_err_set(err, -ENOTEMPTY,
			                  "'%s' is not empty: an import makes a capture of its own", path);
	closedir(d);
	return code;
}

static int digest_of(struct job *j, struct hc_err *err)
{
	uint8_t digest[HC_SHA256_BYTES];
	int code = hc_scap_digest(j->in, digest, err);

	if (code >= 0)
		hc_sha256_hex(digest, j->digest);
	return code;
}

static char word_char(char c)
{
	return (char)(c > ' ' && c < 0x7f && c != '/' ? c : '_');
}

static void node_of(struct job *j)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < j->machine.hostname.len && n < sizeof(j->node) - 1; i++)
		j->node[n++] = word_char(j->machine.hostname.p[i]);
	if (!n || j->node[0] == '.')
		memcpy(j->node, "imported", sizeof("imported"));
}

static int begin(struct job *j, struct hc_err *err)
{
	struct hc_writer_opts wo = { .dir = j->o->dir, .node = j->node, .tool = j->o->tool };
	uint8_t boot_id[16];
	int code;

	node_of(j);
	if (getrandom(boot_id, sizeof(boot_id), 0) != (ssize_t)sizeof(boot_id))
		return hc_err_set(err, -EIO, "no random numbers to be had");
	code = hc_capture_prepare(j->o->dir, j->node, boot_id, &j->start, err);
	if (code < 0)
		return code;
	memcpy(wo.capture_id, j->start.capture_id, 16);
	memcpy(wo.boot_id, boot_id, 16);
	wo.next_seq = j->start.next_seq;
	memcpy(wo.next_number, j->start.next_number, sizeof(wo.next_number));
	wo.segment_ns = UINT64_MAX / 2; /* by size alone */
	wo.on_block = on_block;
	wo.ctx = j;
	code = hc_writer_open(&wo, &j->w, err);
	if (code < 0)
		return code;
	hc_scap_import_set_writer(j->im, j->w);
	return hc_index_writer_open(j->o->dir, &j->index, err);
}

static struct hc_builder *meta(struct job *j, unsigned type, uint64_t ns, struct hc_err *err)
{
	return row_begin(j->im->t, type, ns, err);
}

static int meta_end(struct job *j, unsigned type, uint64_t ns, struct hc_err *err)
{
	return row_end(j->im->t, type, 0, ns, NULL, err);
}

static void text(struct job *j, struct hc_builder *b, unsigned col, const char *s)
{
	cell_ref(&j->im->t->cells, col, hc_build_str(b, hc_str_c(s)));
}

/* As a recorder lists its own. The file numbers none. */
static uint32_t interfaces(const struct hc_scap_import *im, struct hc_builder *b)
{
	uint32_t refs[SCAP_MAX_IFACES];

	for (unsigned i = 0; i < im->n_ifaces; i++) {
		const struct hc_scap_iface *f = &im->ifaces[i];
		char name[sizeof(im->iface_names[0])] = "_", addr[INET6_ADDRSTRLEN] = "", line[96];
		unsigned bits = 0;

		for (unsigned k = 0; im->iface_names[i][k]; k++)
			name[k] = word_char(im->iface_names[i][k]);
		inet_ntop(f->ipv6 ? AF_INET6 : AF_INET, f->addr, addr, sizeof(addr));
		for (unsigned k = 0; k < (f->ipv6 ? 16 : 4); k++)
			bits += (unsigned)__builtin_popcount(f->mask[k]);
		snprintf(line, sizeof(line), "%s %u %s/%u", name, i + 1, addr, bits);
		refs[i] = hc_build_str(b, hc_str_c(line));
	}
	return hc_build_strs(b, refs, im->n_ifaces);
}

static int start_row(struct job *j, uint64_t ns, struct hc_err *err)
{
	struct hc_builder *b = meta(j, HC_EV_META_START, ns, err);
	struct hc_cells *c = &j->im->t->cells;

	if (!b)
		return err->code ? err->code : -EIO;
	text(j, b, HC_C_META_START_recorder, j->o->tool);
	text(j, b, HC_C_META_START_node, j->node);
	text(j, b, HC_C_META_START_why, "start");
	if (j->im->n_ifaces)
		cell_ref(c, HC_C_META_START_interfaces, interfaces(j->im, b));
	if (j->machine.n_cpus)
		hc_cell_set(c, HC_C_META_START_n_cpus, j->machine.n_cpus);
	if (j->machine.memory_bytes)
		hc_cell_set(c, HC_C_META_START_mem_bytes, j->machine.memory_bytes);
	if (j->machine.boot_ns)
		hc_cell_set(c, HC_C_META_START_boot_wall_ns, j->machine.boot_ns);
	return meta_end(j, HC_EV_META_START, ns, err);
}

__attribute__((format(printf, 5, 6))) static void counted(struct hc_builder *b, uint32_t *refs, uint32_t *n,
                                                          uint64_t count, const char *fmt, ...)
{
	char line[160];
	int len;
	va_list ap;

	if (!count)
		return;
	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (len > 0)
		refs[(*n)++] = hc_build_str(b, (struct hc_str){ line, (uint32_t)strlen(line) });
}

/* Where it comes from, and what was not understood. */
static int import_row(struct job *j, struct hc_err *err)
{
	struct hc_scap_import_stats im = hc_scap_import_stats(j->im);
	const struct hc_scap_stats *f = hc_scap_stats(j->in);
	uint64_t ns = im.until_ns > 0 ? (uint64_t)im.until_ns : 0;
	struct hc_builder *b = meta(j, HC_EV_META_IMPORT, ns, err);
	struct hc_cells *c = &j->im->t->cells;
	uint32_t refs[8], n = 0;

	if (!b)
		return err->code ? err->code : -EIO;
	text(j, b, HC_C_META_IMPORT_format, "scap");
	text(j, b, HC_C_META_IMPORT_file_sha256, j->digest);
	text(j, b, HC_C_META_IMPORT_tool, j->o->tool);
	hc_cell_set(c, HC_C_META_IMPORT_from_ns, (uint64_t)im.from_ns);
	hc_cell_set(c, HC_C_META_IMPORT_until_ns, (uint64_t)im.until_ns);
	counted(b, refs, &n, f->n_newer_events, "%llu events of a newer writer",
	        (unsigned long long)f->n_newer_events);
	counted(b, refs, &n, f->n_unconverted, "%llu events of an old form", (unsigned long long)f->n_unconverted);
	counted(b, refs, &n, f->n_unknown_blocks, "%llu blocks", (unsigned long long)f->n_unknown_blocks);
	counted(b, refs, &n, f->n_cut_params, "%llu parameters cut", (unsigned long long)f->n_cut_params);
	counted(b, refs, &n, im.n_no_type, "%llu events without a type", (unsigned long long)im.n_no_type);
	counted(b, refs, &n, im.n_bad_ctrs, "%llu events about containers", (unsigned long long)im.n_bad_ctrs);
	counted(b, refs, &n, im.n_ctr_cut, "%llu facts about containers", (unsigned long long)im.n_ctr_cut);
	cell_ref(c, HC_C_META_IMPORT_not_understood, hc_build_strs(b, refs, n));
	refs[0] = hc_build_str(b, HC_STR(":container"));
	refs[1] = hc_build_str(b, HC_STR(":cni"));
	if (!im.n_ctrs) /* nobody told of any */
		cell_ref(c, HC_C_META_IMPORT_cannot_hold, hc_build_strs(b, refs, 2));
	return meta_end(j, HC_EV_META_IMPORT, ns, err);
}

static int gap_row(struct job *j, struct hc_err *err)
{
	uint64_t ns = j->im->last_ns;
	struct hc_builder *b = meta(j, HC_EV_META_GAP, ns, err);

	if (!b)
		return err->code ? err->code : -EIO;
	hc_cell_set(&j->im->t->cells, HC_C_META_GAP_from_ns, ns);
	text(j, b, HC_C_META_GAP_cause, "source");
	return meta_end(j, HC_EV_META_GAP, ns, err);
}

/* Readers refuse a file without a block of events; one with such blocks that nobody here can read is no better. */
static int no_events(struct job *j, struct hc_err *err)
{
	const struct hc_scap_stats *f = hc_scap_stats(j->in);
	uint64_t left_out = f->n_newer_events + f->n_unused_events + f->n_unconverted;

	if (!left_out)
		return hc_err_set(err, -EBADMSG, "'%s' has no events", j->o->file);
	return hc_err_set(err, -EBADMSG,
	                  "'%s' has no events that can be read: %llu are of a newer writer, %llu of codes nobody "
	                  "writes, %llu of an old form that nothing says how to read",
	                  j->o->file, (unsigned long long)f->n_newer_events,
	                  (unsigned long long)f->n_unused_events, (unsigned long long)f->n_unconverted);
}

static int each(struct job *j, struct hc_import_summary *ret, struct hc_err *err)
{
	const struct hc_scap_item *item;
	uint64_t n = 0;
	int more, code = 0;

	while ((more = hc_scap_next(j->in, &item, &ret->why)) > 0) {
		if (item->kind == HC_SCAP_MACHINE && !j->w) {
			j->machine = item->machine;
			node_of(j);
			j->machine.hostname = (struct hc_str){ 0 };
		}
		if (item->kind == HC_SCAP_EVENT && !j->w) {
			code = begin(j, err);
			if (code >= 0)
				code = start_row(j, item->event.ts_ns, err);
			if (code < 0)
				return code;
		}
		code = hc_scap_import_item(j->im, item, err);
		if (code < 0)
			return code;
		if (j->o->progress && ++n % PROGRESS_EVENTS == 0 &&
		    j->o->progress(j->o->ctx, hc_scap_stats(j->in)->file_bytes,
		                   hc_scap_stats(j->in)->file_total_bytes))
			return hc_err_set(err, -EINTR, "interrupted");
	}
	if (!j->w) { /* nothing to begin a capture with */
		*err = ret->why;
		return more < 0 ? more : no_events(j, err);
	}
	ret->damaged = more < 0;
	return 0;
}

int hc_import_scap(const struct hc_import_opts *opts, struct hc_import_summary *ret, struct hc_err *err)
{
	struct job j = { .o = opts, .start.lock_fd = -1 };
	struct hc_err own = { 0 };
	int code;

	if (!err)
		err = &own;
	memset(ret, 0, sizeof(*ret));
	code = is_free(opts->dir, err);
	if (code >= 0)
		code = hc_scap_open(opts->file, &j.in, err);
	if (code >= 0)
		code = hc_scap_import_new(&j.im, err);
	if (code >= 0)
		code = each(&j, ret, err);
	if (code >= 0 && ret->damaged)
		code = gap_row(&j, err);
	if (code >= 0)
		code = digest_of(&j, err);
	if (code >= 0)
		code = import_row(&j, err);
	if (j.in)
		ret->file = *hc_scap_stats(j.in);
	if (j.im)
		ret->import = hc_scap_import_stats(j.im);
	if (j.w) {
		const struct hc_writer_stats *w;
		int closed = code < 0 ? 0 : hc_writer_flush(j.w, err);

		code = code < 0 ? code : closed;
		w = hc_writer_stats(j.w);
		ret->n_rows = w->n_rows;
		ret->bytes = w->bytes;
		ret->n_segments = w->n_segments;
		closed = hc_writer_close(j.w, code < 0 ? NULL : err);
		code = code < 0 ? code : closed;
	}
	if (j.index && code >= 0)
		code = hc_index_writer_close(j.index, err);
	else
		hc_index_writer_abort(j.index);
	if (j.start.lock_fd >= 0)
		close(j.start.lock_fd);
	hc_scap_import_free(j.im);
	hc_scap_close(j.in);
	return code < 0 ? code : 0;
}
