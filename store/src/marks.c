/* On-demand captures, put together from their meta_mark rows. */
#include "store/marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index_priv.h"

#define FIELD(name) (HC_C_META_MARK_##name - HC_N_COMMON_COLS)

const char *hc_mark_state_text(enum hc_mark_state state)
{
	static const char *const text[] = { "running", "ended", "deleted" };

	return text[state];
}

bool hc_mark_name_ok(const char *name)
{
	static const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strspn(name, letters);

	return n && n <= HC_MARK_NAME_MAX && !name[n] && name[0] != '.' && name[0] != '-';
}

bool hc_mark_scope_ok(const char *scope)
{
	const char *slash;

	for (const unsigned char *p = (const unsigned char *)scope; *p; p++)
		if (*p <= ' ' || *p == 0x7f)
			return false;
	if (strlen(scope) > 4096)
		return false;
	if (strcmp(scope, "host") == 0)
		return true;
	if (strncmp(scope, "container=", 10) == 0)
		return scope[10] && !strchr(scope + 10, '/');
	if (strncmp(scope, "cgroup=", 7) == 0)
		return scope[7] == '/';
	if (strncmp(scope, "pid=", 4) == 0)
		return scope[4] >= '1' && strspn(scope + 4, "0123456789") == strlen(scope + 4) &&
		       strlen(scope + 4) <= 10;
	if (strncmp(scope, "pod=", 4) != 0)
		return false;
	slash = strchr(scope + 4, '/');
	return slash && slash != scope + 4 && slash[1] && !strchr(slash + 1, '/');
}

static const char *text_of(struct hc_marks *m, const struct hc_scan_meta *row, unsigned field)
{
	if (!row->valid[field])
		return "";
	return hc_arena_str(&m->arena, row->text[field]).p;
}

static int64_t number_of(const struct hc_scan_meta *row, unsigned field)
{
	return row->valid[field] ? row->number[field] : 0;
}

static struct hc_mark *mark_of(struct hc_marks *m, struct hc_str id)
{
	for (uint32_t i = m->n; i--;)
		if (hc_str_eq(hc_str_c(m->v[i].id), id))
			return &m->v[i];
	return NULL;
}

static int begin(struct hc_marks *m, const struct hc_scan_meta *row, int64_t wall_ns)
{
	struct hc_mark *v = realloc(m->v, (m->n + 1u) * sizeof(*v)), *k;

	if (!v)
		return -ENOMEM;
	m->v = v;
	k = &m->v[m->n];
	*k = (struct hc_mark){
		.id = text_of(m, row, FIELD(id)),
		.name = text_of(m, row, FIELD(name)),
		.by = text_of(m, row, FIELD(by)),
		.note = text_of(m, row, FIELD(note)),
		.scope = text_of(m, row, FIELD(scope)),
		.detail = text_of(m, row, FIELD(detail)),
		.snaplen = (uint32_t)number_of(row, FIELD(snaplen)),
		.begin_seq = row->seq,
		.state_seq = row->seq,
		.asked_wall_ns = wall_ns,
		.from_wall_ns = row->valid[FIELD(from_wall_ns)] ? row->number[FIELD(from_wall_ns)] : wall_ns,
		.until_wall_ns = number_of(row, FIELD(until_wall_ns)),
		.expires_wall_ns = number_of(row, FIELD(expires_wall_ns)),
	};
	if (!k->id || !k->name || !k->by || !k->note || !k->scope || !k->detail)
		return -ENOMEM;
	m->n++;
	return 0;
}

static int apply(struct hc_marks *m, const struct hc_scan_meta *row, int64_t wall_ns)
{
	struct hc_str op = row->valid[FIELD(op)] ? row->text[FIELD(op)] : HC_STR("");
	struct hc_mark *k;

	if (!row->valid[FIELD(id)] || !row->valid[FIELD(name)])
		return 0;
	k = mark_of(m, row->text[FIELD(id)]);
	if (hc_str_eq(op, HC_STR("begin")))
		return k ? 0 : begin(m, row, wall_ns);
	if (!k) /* its beginning is not in this part of the recording, or cannot be read */
		return 0;
	if (hc_str_eq(op, HC_STR("clock"))) {
		int64_t from = row->valid[FIELD(from_wall_ns)] ? row->number[FIELD(from_wall_ns)] : wall_ns;

		k->clock_seq = row->seq;
		k->from_wall_ns = from < k->from_wall_ns ? from : k->from_wall_ns;
		k->until_wall_ns = number_of(row, FIELD(until_wall_ns));
		k->expires_wall_ns = number_of(row, FIELD(expires_wall_ns));
	} else if (hc_str_eq(op, HC_STR("end"))) {
		k->state = HC_MARK_ENDED;
		k->state_seq = row->seq;
		k->until_wall_ns = row->valid[FIELD(until_wall_ns)] ? row->number[FIELD(until_wall_ns)] : wall_ns;
		k->expires_wall_ns = number_of(row, FIELD(expires_wall_ns));
		k->end_seq = row->seq;
	} else if (hc_str_eq(op, HC_STR("unpin"))) {
		k->state = HC_MARK_DELETED;
		k->state_seq = row->seq;
		if (!k->end_seq)
			k->end_seq = row->seq;
	}
	return 0;
}

static int load_block(struct hc_capture *c, uint32_t at, struct hc_marks *m, struct hc_scan *scan,
                      struct hc_err *err)
{
	HC_AUTO(hc_block_close) struct hc_block *b = NULL;
	int64_t offset;
	int r;

	hc_scan_reset(scan);
	r = hc_capture_load(c, at, &b, err);
	if (r == 0)
		r = hc_scan_metas(scan, b, HC_EV_META_MARK, err);
	if (r < 0)
		return r;
	offset = hc_block_info(b)->wall_offset_ns;
	for (uint32_t i = 0; i < scan->n_metas && r == 0; i++)
		r = apply(m, &scan->metas[i], (int64_t)scan->metas[i].ts_ns + offset);
	return r < 0 ? hc_err_set(err, r, "out of memory") : 0;
}

int hc_marks_load(struct hc_capture *c, struct hc_marks *ret, struct hc_err *err)
{
	struct hc_block_filter filter = { .has_types = true };
	HC_AUTO(free) uint32_t *blocks = NULL;
	struct hc_scan scan = { 0 };
	uint32_t n;
	int r;

	*ret = (struct hc_marks){ 0 };
	hc_type_set_add(&filter.types, HC_EV_META_MARK);
	r = hc_capture_select(c, &filter, &blocks, &n, err);
	for (uint32_t i = 0; i < n && r == 0; i++) {
		struct hc_err why = { 0 };

		r = load_block(c, blocks[i], ret, &scan, &why);
		if (r < 0 && r != -ENOMEM) {
			hc_capture_add_problem(c, blocks[i], &why);
			r = 0;
		} else if (r < 0) {
			hc_err_set(err, r, "out of memory");
		}
	}
	hc_scan_done(&scan);
	if (r < 0)
		hc_marks_done(ret);
	return r;
}

const struct hc_mark *hc_marks_find(const struct hc_marks *m, const char *name)
{
	for (uint32_t i = m->n; i--;)
		if (m->v[i].state != HC_MARK_DELETED && strcmp(m->v[i].name, name) == 0)
			return &m->v[i];
	return NULL;
}

void hc_marks_done(struct hc_marks *m)
{
	free(m->v);
	hc_arena_done(&m->arena);
	*m = (struct hc_marks){ 0 };
}
