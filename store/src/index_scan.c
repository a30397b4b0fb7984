/* What the index takes from blocks: per segment, processes and containers seen, gaps, marks and alerts. */
#include "index_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more in s->what; 0 or -ENOMEM. */
#define GROW(s, what, err)                                                                           \
	({                                                                                           \
		int grow_r = 0;                                                                      \
		if ((s)->n_##what == (s)->cap_##what) {                                              \
			uint32_t grow_n = (s)->cap_##what ? (s)->cap_##what * 2u : 32u;              \
			__typeof__((s)->what) grow_p = realloc((s)->what, grow_n * sizeof(*grow_p)); \
			if (grow_p) {                                                                \
				(s)->what = grow_p;                                                  \
				(s)->cap_##what = grow_n;                                            \
			} else {                                                                     \
				grow_r = hc_err_set(err, -ENOMEM, "out of memory");                  \
			}                                                                            \
		}                                                                                    \
		grow_r;                                                                              \
	})

int hc_scan_add(struct hc_scan *s, const struct hc_seg_block *block)
{
	int r = GROW(s, blocks, (struct hc_err *)NULL);

	if (r < 0)
		return r;
	s->blocks[s->n_blocks++] = *block;
	return 0;
}

/* ---- processes ---- */

static uint32_t proc_hash(int64_t pid, uint64_t start_ns)
{
	uint64_t h = ((uint64_t)pid * UINT64_C(0x9e3779b97f4a7c15)) ^ (start_ns * UINT64_C(0xff51afd7ed558ccd));

	return (uint32_t)(h >> 32);
}

static int proc_slots_grow(struct hc_scan *s)
{
	uint32_t n = s->n_proc_slots ? s->n_proc_slots * 2 : 256;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_procs; i++) {
		uint32_t h = proc_hash(s->procs[i].pid, s->procs[i].start_ns);

		while (slots[h & (n - 1)])
			h++;
		slots[h & (n - 1)] = i + 1;
	}
	free(s->proc_slots);
	s->proc_slots = slots;
	s->n_proc_slots = n;
	return 0;
}

/* The entry of a process, a new one when it was not seen in this segment. NULL when out of memory. */
static struct hc_scan_proc *proc_get(struct hc_scan *s, int64_t pid, uint64_t start_ns)
{
	uint32_t h = proc_hash(pid, start_ns);

	if (s->n_procs * 2 >= s->n_proc_slots && proc_slots_grow(s) < 0)
		return NULL;
	for (;; h++) {
		uint32_t *slot = &s->proc_slots[h & (s->n_proc_slots - 1)];

		if (!*slot) {
			if (GROW(s, procs, (struct hc_err *)NULL) < 0)
				return NULL;
			s->procs[s->n_procs] =
				(struct hc_scan_proc){ .pid = pid, .start_ns = start_ns, .first_seq = UINT64_MAX };
			*slot = ++s->n_procs;
			return &s->procs[s->n_procs - 1];
		}
		if (s->procs[*slot - 1].pid == pid && s->procs[*slot - 1].start_ns == start_ns)
			return &s->procs[*slot - 1];
	}
}

/* Keeps a copy when it differs from what is kept already. */
static int keep(struct hc_scan *s, struct hc_str *to, struct hc_str from)
{
	if (!from.p || hc_str_eq(*to, from))
		return 0;
	*to = hc_arena_str(&s->arena, from);
	return to->p ? 0 : -ENOMEM;
}

static uint32_t at(const struct hc_refs *r, uint32_t ref)
{
	return ref && ref <= r->n ? r->v[ref - 1] : 0;
}

static int scan_procs(struct hc_scan *s, struct hc_block *b, const struct hc_heap *str, struct hc_err *err)
{
	const struct hc_block_info *info = hc_block_info(b);
	uint32_t n = hc_block_n_entries(b, HC_OBJ_PROC);
	struct hc_ints pid, start;
	struct hc_refs comm, image, exe, real, abs, given;
	int r;

	/* every process is born, runs something or ends in the security stream, and what is kept of it is kept
	 * once */
	if (!n || info->stream != HC_STREAM_SECURITY)
		return 0;
	r = hc_block_obj_ints(b, HC_OBJ_PROC, HC_O_PROC_pid, &pid, err);
	if (r == 0)
		r = hc_block_obj_ints(b, HC_OBJ_PROC, HC_O_PROC_start_ns, &start, err);
	if (r == 0)
		r = hc_block_obj_refs(b, HC_OBJ_PROC, HC_O_PROC_comm, &comm, err);
	if (r == 0)
		r = hc_block_obj_refs(b, HC_OBJ_PROC, HC_O_PROC_image, &image, err);
	if (r == 0)
		r = hc_block_obj_refs(b, HC_OBJ_IMAGE, HC_O_IMAGE_exe, &exe, err);
	if (r == 0)
		r = hc_block_obj_refs(b, HC_OBJ_PATH, HC_O_PATH_real, &real, err);
	if (r == 0)
		r = hc_block_obj_refs(b, HC_OBJ_PATH, HC_O_PATH_abs, &abs, err);
	if (r == 0)
		r = hc_block_obj_refs(b, HC_OBJ_PATH, HC_O_PATH_given, &given, err);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint32_t path = at(&exe, at(&image, i + 1));
		uint32_t text = at(&real, path)  ? at(&real, path)
		                : at(&abs, path) ? at(&abs, path)
		                                 : at(&given, path);
		struct hc_scan_proc *p;

		if (!hc_ints_valid(&pid, i) || !hc_ints_valid(&start, i))
			continue;
		p = proc_get(s, pid.v[i], (uint64_t)start.v[i]);
		if (!p)
			return hc_err_set(err, -ENOMEM, "out of memory");
		if (p->first_seq > info->first_seq)
			p->first_seq = info->first_seq;
		if (p->last_seq < info->last_seq)
			p->last_seq = info->last_seq;
		if (keep(s, &p->comm, hc_heap_get(str, at(&comm, i + 1))) < 0 ||
		    keep(s, &p->exe, hc_heap_get(str, text)) < 0)
			return hc_err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

/* ---- containers: few, so a list ---- */

static int scan_ctrs(struct hc_scan *s, struct hc_block *b, const struct hc_heap *str, struct hc_err *err)
{
	static const uint16_t cols[] = { HC_O_CTR_id, HC_O_CTR_name, HC_O_CTR_image, HC_O_CTR_pod_name,
		                         HC_O_CTR_pod_namespace };
	const struct hc_block_info *info = hc_block_info(b);
	uint32_t n = hc_block_n_entries(b, HC_OBJ_CTR);
	struct hc_refs c[5];
	int r = 0;

	for (unsigned k = 0; n && r == 0 && k < 5; k++)
		r = hc_block_obj_refs(b, HC_OBJ_CTR, cols[k], &c[k], err);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		struct hc_str id = hc_heap_get(str, c[0].v[i]);
		struct hc_scan_ctr *x = NULL;

		if (!id.p)
			continue;
		for (uint32_t k = 0; k < s->n_ctrs && !x; k++)
			x = hc_str_eq(s->ctrs[k].id, id) ? &s->ctrs[k] : NULL;
		if (!x) {
			r = GROW(s, ctrs, err);
			if (r < 0)
				break;
			x = &s->ctrs[s->n_ctrs++];
			*x = (struct hc_scan_ctr){ .id = hc_arena_str(&s->arena, id),
				                   .first_seq = info->first_seq };
		}
		x->last_seq = info->last_seq;
		if (!x->id.p || keep(s, &x->name, hc_heap_get(str, c[1].v[i])) < 0 ||
		    keep(s, &x->image, hc_heap_get(str, c[2].v[i])) < 0 ||
		    keep(s, &x->pod, hc_heap_get(str, c[3].v[i])) < 0 ||
		    keep(s, &x->pod_namespace, hc_heap_get(str, c[4].v[i])) < 0)
			r = hc_err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

/* ---- meta rows ---- */

/* Gaps, marks and alerts: their own columns as they are, lists left out. */
static int scan_metas(struct hc_scan *s, struct hc_block *b, unsigned type, const struct hc_rows *rows,
                      const struct hc_heap *str, struct hc_err *err)
{
	const struct hc_table_desc *desc = hc_event_desc(type);
	struct hc_refs refs[HC_SCAN_MAX_FIELDS] = { 0 };
	struct hc_ints ints[HC_SCAN_MAX_FIELDS] = { 0 };
	unsigned n = desc->n_cols - HC_N_COMMON_COLS;
	int r = 0;

	if (n > HC_SCAN_MAX_FIELDS)
		n = HC_SCAN_MAX_FIELDS;
	for (unsigned k = 0; r == 0 && k < n; k++) {
		unsigned col = HC_N_COMMON_COLS + k;

		if (desc->cols[col].ref == HC_OBJ_STR)
			r = hc_block_event_refs(b, type, col, &refs[k], err);
		else if (desc->cols[col].ref == HC_OBJ_NONE)
			r = hc_block_event_ints(b, type, col, &ints[k], err);
	}
	for (uint32_t i = 0; r == 0 && i < rows->n; i++) {
		struct hc_scan_meta m = { .seq = rows->seq[i], .ts_ns = rows->ts_ns[i], .type = (uint16_t)type };
		uint32_t pos = rows->pos[i];

		if (rows->type[i] != type)
			continue;
		for (unsigned k = 0; k < n; k++) {
			const struct hc_col_desc *c = &desc->cols[HC_N_COMMON_COLS + k];

			m.is_text[k] = c->ref == HC_OBJ_STR;
			if (refs[k].v) {
				if (keep(s, &m.text[k], hc_heap_get(str, refs[k].v[pos])) < 0)
					return hc_err_set(err, -ENOMEM, "out of memory");
				m.valid[k] = refs[k].v[pos] != 0;
			} else if (ints[k].v) {
				m.valid[k] = hc_ints_valid(&ints[k], pos);
				m.number[k] = ints[k].v[pos];
			}
		}
		r = GROW(s, metas, err);
		if (r == 0)
			s->metas[s->n_metas++] = m;
	}
	return r;
}

int hc_scan_count(struct hc_block *b, uint64_t rows_by_type[HC_EV_MAX], uint64_t *n_lost, struct hc_err *err)
{
	struct hc_ints count;
	int r;

	for (unsigned type = 0; type < HC_EV_MAX; type++)
		rows_by_type[type] += hc_block_n_rows(b, type);
	if (!hc_block_n_rows(b, HC_EV_META_GAP))
		return 0;
	r = hc_block_event_ints(b, HC_EV_META_GAP, HC_C_META_GAP_count, &count, err);
	for (uint32_t i = 0; r == 0 && i < count.n; i++) {
		uint64_t v = (uint64_t)count.v[i];

		*n_lost = v > UINT64_MAX - *n_lost ? UINT64_MAX : *n_lost + v;
	}
	return r;
}

int hc_scan_metas(struct hc_scan *s, struct hc_block *b, unsigned type, struct hc_err *err)
{
	struct hc_rows rows;
	struct hc_heap str;
	int r = hc_block_heap(b, HC_OBJ_STR, &str, err);

	if (r == 0)
		r = hc_block_rows(b, &rows, err);
	return r == 0 ? scan_metas(s, b, type, &rows, &str, err) : r;
}

int hc_scan_rows(struct hc_scan *s, struct hc_block *b, struct hc_err *err)
{
	static const uint16_t metas[] = { HC_EV_META_GAP, HC_EV_META_MARK, HC_EV_META_ALERT };
	uint64_t counts[HC_EV_MAX] = { 0 }, n_lost = s->n_lost;
	struct hc_rows rows;
	struct hc_heap str;
	int r = hc_scan_count(b, counts, &n_lost, err);

	if (r == 0)
		r = hc_block_heap(b, HC_OBJ_STR, &str, err);
	if (r == 0)
		r = scan_procs(s, b, &str, err);
	if (r == 0)
		r = scan_ctrs(s, b, &str, err);
	for (unsigned k = 0; r == 0 && k < 3; k++) {
		if (!hc_block_n_rows(b, metas[k]))
			continue;
		r = hc_block_rows(b, &rows, err);
		if (r == 0)
			r = scan_metas(s, b, metas[k], &rows, &str, err);
	}
	if (r < 0)
		return r;
	for (unsigned type = 0; type < HC_EV_MAX; type++)
		s->rows_by_type[type] += counts[type];
	s->n_lost = n_lost;
	return 0;
}

void hc_scan_reset(struct hc_scan *s)
{
	hc_arena_reset(&s->arena);
	s->n_blocks = s->n_procs = s->n_ctrs = s->n_metas = 0;
	if (s->n_proc_slots)
		memset(s->proc_slots, 0, s->n_proc_slots * sizeof(*s->proc_slots));
	memset(s->rows_by_type, 0, sizeof(s->rows_by_type));
	s->n_lost = 0;
}

void hc_scan_done(struct hc_scan *s)
{
	free(s->blocks);
	free(s->procs);
	free(s->proc_slots);
	free(s->ctrs);
	free(s->metas);
	hc_arena_done(&s->arena);
	*s = (struct hc_scan){ 0 };
}
