/*
 * Dictionary entries as tables. Each block has its own copy of the entries its rows use: one pass over the blocks
 * finds each thing once (or each of its versions once) and remembers where it stands; values are read from there
 * when asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql_priv.h"
#include "store/render.h"

#define MAX_OBJS (8u << 20)

enum extra { X_EXIT_TIME, X_EXIT_STATUS, X_EXIT_SIG, X_EXIT_SIG_TEXT, X_N_VERSIONS, X_IS_THREAD };

/* ---- finding them ---- */

struct finder {
	struct q_cap *cap;
	unsigned obj;
	bool versions;
	struct q_obj *v;
	uint32_t n, room;
	uint32_t *slots; /* index + 1 in v; a power of two, at most half full */
	uint32_t n_slots;
};

static uint64_t hash_u64(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ (h >> 32);
}

static uint64_t hash_str(uint64_t h, struct hc_str s)
{
	return hash_u64(hc_str_hash(h, s), s.len);
}

static int grow(struct finder *f)
{
	uint32_t room = f->room ? f->room * 2 : 256, n_slots = room * 2;
	struct q_obj *v = realloc(f->v, room * sizeof(*v));
	uint32_t *slots;

	if (!v)
		return -ENOMEM;
	f->v = v;
	slots = calloc(n_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(f->slots);
	f->slots = slots;
	f->n_slots = n_slots;
	f->room = room;
	for (uint32_t i = 0; i < f->n; i++) {
		uint32_t at = (uint32_t)v[i].key[0] & (n_slots - 1);

		while (slots[at])
			at = (at + 1) & (n_slots - 1);
		slots[at] = i + 1;
	}
	return 0;
}

/* The entry with this key, NULL where there is none; *ret_at is where it would be. */
static struct q_obj *lookup(const struct finder *f, const uint64_t key[2], uint32_t *ret_at)
{
	uint32_t at;

	if (!f->n_slots)
		return NULL;
	for (at = (uint32_t)key[0] & (f->n_slots - 1); f->slots[at]; at = (at + 1) & (f->n_slots - 1)) {
		struct q_obj *o = &f->v[f->slots[at] - 1];

		if (o->key[0] == key[0] && o->key[1] == key[1])
			return o;
	}
	*ret_at = at;
	return NULL;
}

static int take(struct finder *f, const struct q_obj *o)
{
	uint32_t at = 0;
	struct q_obj *have = lookup(f, o->key, &at);
	int r;

	if (!have) {
		if (f->n >= MAX_OBJS)
			return -E2BIG;
		if (f->n == f->room) {
			r = grow(f);
			if (r < 0)
				return r;
			lookup(f, o->key, &at);
		}
		f->v[f->n] = *o;
		f->slots[at] = ++f->n;
		return 0;
	}
	have->n_versions += o->version != have->version;
	/* The latest version of the whole process: one thread that deviates does not speak for it. */
	if (have->is_thread == o->is_thread ? o->version >= have->version : have->is_thread) {
		have->block = o->block;
		have->entry = o->entry;
		have->version = o->version;
		have->is_thread = o->is_thread;
	}
	return 0;
}

static void proc_key(const struct finder *f, const struct q_block *b, struct q_obj *o)
{
	uint64_t id = hash_u64(hash_u64(hash_u64(1, b->seg->boot), (uint64_t)o->pid), o->start_ns);

	if (f->versions)
		id = hash_u64(hash_u64(id, o->version), o->is_thread);
	o->key[0] = id;
	o->key[1] = hash_u64(o->start_ns, (uint64_t)o->pid) ^ (f->versions ? o->version << 32 : 0);
}

static void proc_of(const struct finder *f, const struct q_block *b, uint32_t entry, struct q_obj *o)
{
	int64_t flags = hc_view_int_or(b->view, HC_OBJ_PROC, HC_O_PROC_flags, entry, 0);

	*o = (struct q_obj){ .block = b->idx, .entry = entry, .n_versions = 1 };
	o->pid = hc_view_int_or(b->view, HC_OBJ_PROC, HC_O_PROC_pid, entry, -1);
	o->start_ns = (uint64_t)hc_view_int_or(b->view, HC_OBJ_PROC, HC_O_PROC_start_ns, entry, 0);
	o->version = (uint64_t)hc_view_int_or(b->view, HC_OBJ_PROC, HC_O_PROC_version, entry, 0);
	o->is_thread = (flags & HC_PROC_THREAD) != 0;
	memcpy(o->boot, b->boot, sizeof(o->boot));
	proc_key(f, b, o);
}

static void ctr_of(const struct q_block *b, uint32_t entry, struct q_obj *o)
{
	struct hc_str id = hc_view_text(b->view, HC_OBJ_CTR, HC_O_CTR_id, entry);
	struct hc_str cgroup = hc_view_text(b->view, HC_OBJ_CTR, HC_O_CTR_cgroup_path, entry);
	static const unsigned known_at[] = { HC_O_CTR_known_at_ns, HC_O_CTR_pod_known_at_ns,
		                             HC_O_CTR_pod_ns_known_at_ns };

	*o = (struct q_obj){ .block = b->idx, .entry = entry, .n_versions = 1 };
	for (unsigned i = 0; i < sizeof(known_at) / sizeof(known_at[0]); i++) {
		uint64_t at = (uint64_t)hc_view_int_or(b->view, HC_OBJ_CTR, known_at[i], entry, 0);

		o->version = at > o->version ? at : o->version;
	}
	if (!id.len)
		id = cgroup;
	o->key[0] = hash_str(hash_u64(2, b->seg->boot), id);
	o->key[1] = hash_str(UINT64_C(0xcbf29ce484222325), id);
}

/* Exits that end a process, not just one of its threads. */
static void note_exits(struct finder *f, const struct q_block *b)
{
	unsigned dom = HC_DOM_ROWS(HC_EV_PROC_EXIT);

	for (uint32_t row = 0; row < b->rows.n; row++) {
		uint32_t entry = b->rows.pos[row] + 1, task, proc, at;
		struct q_obj o, *have;

		if (b->rows.type[row] != HC_EV_PROC_EXIT ||
		    hc_view_int_or(b->view, dom, HC_C_PROC_EXIT_group_dead, entry, 1) == 0)
			continue;
		task = hc_view_ref(b->view, dom, HC_COL_TASK, entry);
		proc = hc_view_ref(b->view, HC_OBJ_TASK, HC_O_TASK_proc, task);
		if (!proc)
			continue;
		proc_of(f, b, proc, &o);
		have = lookup(f, o.key, &at);
		if (!have)
			continue;
		have->has_exit = true;
		have->exit_wall_ns = (int64_t)(b->rows.ts_ns[row] + (uint64_t)b->meta->info.wall_offset_ns);
		have->exit_status = hc_view_int_or(b->view, dom, HC_C_PROC_EXIT_status, entry, INT64_MIN);
		have->exit_sig = hc_view_int_or(b->view, dom, HC_C_PROC_EXIT_sig, entry, 0);
	}
}

static int find_in_block(struct finder *f, struct q_block *b)
{
	uint32_t n = hc_block_n_entries(b->block, (enum hc_obj_type)f->obj);
	int r = 0;

	for (uint32_t entry = 1; entry <= n && r >= 0; entry++) {
		struct q_obj o;

		if (f->obj == HC_OBJ_PROC)
			proc_of(f, b, entry, &o);
		else
			ctr_of(b, entry, &o);
		r = take(f, &o);
	}
	if (r < 0 || f->obj != HC_OBJ_PROC || f->versions || !hc_block_n_rows(b->block, HC_EV_PROC_EXIT))
		return r;
	r = hc_q_block_rows(f->cap, b);
	if (r > 0)
		note_exits(f, b);
	return r;
}

static int by_place(const void *a, const void *b)
{
	const struct q_obj *x = a, *y = b;

	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

static int find_all(struct finder *f)
{
	static const struct hc_block_filter all;
	uint32_t *blocks = NULL, n = 0;
	int r = hc_capture_select(f->cap->capture, &all, &blocks, &n, NULL);

	for (uint32_t i = 0; i < n && r >= 0; i++) {
		struct q_block *b;

		if (f->cap->stop && f->cap->stop(f->cap->stop_ctx)) {
			r = -EINTR;
			break;
		}
		r = hc_q_block_get(f->cap, blocks[i], &b);
		if (r <= 0)
			continue;
		r = find_in_block(f, b);
		hc_q_block_put(f->cap, b);
	}
	free(blocks);
	return r;
}

int hc_q_objs_get(struct q_cap *cap, unsigned obj, bool versions, const struct q_obj_list **ret)
{
	struct finder f = { .cap = cap, .obj = obj, .versions = versions };
	struct q_obj_list *list = cap->objs[obj][versions];
	int r;

	if (!list) {
		list = calloc(1, sizeof(*list));
		r = list ? find_all(&f) : -ENOMEM;
		free(f.slots);
		if (r < 0) {
			free(f.v);
			free(list);
			return r;
		}
		list->v = f.v;
		list->n = f.n;
		if (f.n)
			qsort(f.v, f.n, sizeof(*f.v), by_place);
		cap->objs[obj][versions] = list;
	}
	*ret = list;
	return 0;
}

void hc_q_objs_done(struct q_cap *cap)
{
	for (unsigned obj = 0; obj < HC_OBJ_END; obj++) {
		for (unsigned i = 0; i < 2; i++) {
			if (cap->objs[obj][i])
				free(cap->objs[obj][i]->v);
			free(cap->objs[obj][i]);
			cap->objs[obj][i] = NULL;
		}
	}
}

/* ---- columns ---- */

static void add(struct q_table *t, const char *name, const char *decl, hc_q_leaf_fn *leaf, unsigned arg,
                bool hidden)
{
	struct q_col *c = hc_q_col_add(t, name, decl, Q_FROM_SELF, 0, hidden);

	c->leaf = leaf;
	c->arg = (uint16_t)arg;
}

static bool has(const struct q_table *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_cols; i++)
		if (strcmp(t->cols[i].name, name) == 0)
			return true;
	return false;
}

/* Every field of the object that has no column yet. hop: the object is reached through this column, or -1. */
static void add_fields(struct q_table *t, const struct hc_table_desc *d, const char *prefix, int first)
{
	for (unsigned i = 0; i < d->n_cols; i++) {
		const struct hc_col_desc *c = &d->cols[i];
		unsigned arg = first < 0 ? i : Q_HOP(first, i);
		bool is_time = c->fmt == HC_FMT_BOOT || c->fmt == HC_FMT_TIME;
		char name[80];

		snprintf(name, sizeof(name), "%s%s", prefix, c->name);
		if (has(t, name))
			continue;
		if (c->ref == HC_OBJ_IMAGE || (c->ref == HC_OBJ_PROC && first >= 0))
			continue;
		if (c->kind == HC_KIND_BYTES && c->name != c->arg && strcmp(c->name, c->arg) != 0)
			continue; /* the length beside */
		add(t, name, c->ref ? "TEXT" : "INTEGER", first < 0 ? hc_q_leaf_col : hc_q_leaf_hop, arg, true);
		if (c->ref == HC_OBJ_PROC) {
			t->cols[t->n_cols - 1].decl = "INTEGER";
			snprintf(name, sizeof(name), "%s%s_guid", prefix, c->name);
			if (!has(t, name))
				add(t, name, "TEXT", hc_q_leaf_hop_guid, i, true);
		}
		if (is_time && first < 0) {
			size_t len = strlen(c->name);

			snprintf(name, sizeof(name), "%.*s_time", (int)(len > 3 ? len - 3 : len), c->name);
			if (!has(t, name))
				add(t, name, Q_DECL_TIME, hc_q_leaf_col_time, arg, true);
		} else if (!c->ref && hc_fmt_is_named(c->fmt)) {
			snprintf(name, sizeof(name), "%s%s_text", prefix, c->name);
			if (!has(t, name))
				add(t, name, "TEXT", first < 0 ? hc_q_leaf_col_text : hc_q_leaf_hop_text, arg,
				    true);
		}
	}
}

static void proc_cols(struct q_table *t)
{
	add(t, "guid", "TEXT", hc_q_leaf_guid, 0, false);
	if (t->versions) {
		add(t, "version", "INTEGER", hc_q_leaf_col, HC_O_PROC_version, false);
		add(t, "cause", "TEXT", hc_q_leaf_col_text, HC_O_PROC_cause, false);
		add(t, "from_time", Q_DECL_TIME, hc_q_leaf_col_time, HC_O_PROC_from_ns, false);
	}
	add(t, "pid", "INTEGER", hc_q_leaf_col, HC_O_PROC_pid, false);
	add(t, "ppid", "INTEGER", hc_q_leaf_col, HC_O_PROC_ppid, false);
	add(t, "comm", "TEXT", hc_q_leaf_col, HC_O_PROC_comm, false);
	add(t, "exe", "TEXT", hc_q_leaf_hop, Q_HOP(HC_O_PROC_image, HC_O_IMAGE_exe), false);
	add(t, "cmdline", "TEXT", hc_q_leaf_cmdline, 0, false);
	add(t, "uid", "INTEGER", hc_q_leaf_col, HC_O_PROC_uid, false);
	add(t, "user", "TEXT", hc_q_leaf_col, HC_O_PROC_user, false);
	add(t, "container", "TEXT", hc_q_leaf_col, HC_O_PROC_container, false);
	add(t, "start_time", Q_DECL_TIME, hc_q_leaf_col_time, HC_O_PROC_start_ns, t->versions);
	if (!t->versions) {
		hc_q_col_add(t, "exit_time", Q_DECL_TIME, Q_FROM_LIST, X_EXIT_TIME, false);
		hc_q_col_add(t, "exit_status", "INTEGER", Q_FROM_LIST, X_EXIT_STATUS, false);
		hc_q_col_add(t, "exit_sig", "INTEGER", Q_FROM_LIST, X_EXIT_SIG, true);
		hc_q_col_add(t, "exit_sig_text", "TEXT", Q_FROM_LIST, X_EXIT_SIG_TEXT, true);
		hc_q_col_add(t, "n_versions", "INTEGER", Q_FROM_LIST, X_N_VERSIONS, true);
	}
	hc_q_col_add(t, "is_thread", "INTEGER", Q_FROM_LIST, X_IS_THREAD, true);
	add(t, "parent_guid", "TEXT", hc_q_leaf_hop_guid, HC_O_PROC_parent, true);
	add(t, "parent_comm", "TEXT", hc_q_leaf_hop, Q_HOP(HC_O_PROC_parent, HC_O_PROC_comm), true);
	add(t, "parent_exe", "TEXT", hc_q_leaf_hop2, Q_HOP(HC_O_PROC_parent, HC_O_IMAGE_exe), true);
	add(t, "exe_sha256", "TEXT", hc_q_leaf_exe_file, HC_O_FILE_sha256, true);
	add(t, "exe_build_id", "TEXT", hc_q_leaf_exe_file, HC_O_FILE_build_id, true);
	add(t, "argv", "TEXT", hc_q_leaf_hop, Q_HOP(HC_O_PROC_image, HC_O_IMAGE_argv), true);
	add(t, "env", "TEXT", hc_q_leaf_hop, Q_HOP(HC_O_PROC_image, HC_O_IMAGE_env), true);
	add_fields(t, hc_obj_desc(HC_OBJ_PROC), "", -1);
	add_fields(t, hc_obj_desc(HC_OBJ_IMAGE), "image_", HC_O_PROC_image);
}

static void ctr_cols(struct q_table *t)
{
	static const unsigned shown[] = { HC_O_CTR_id,        HC_O_CTR_name,     HC_O_CTR_runtime,
		                          HC_O_CTR_image,     HC_O_CTR_pod_name, HC_O_CTR_pod_namespace,
		                          HC_O_CTR_privileged };
	const struct hc_table_desc *d = hc_obj_desc(HC_OBJ_CTR);

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		add(t, d->cols[shown[i]].name, d->cols[shown[i]].ref ? "TEXT" : "INTEGER", hc_q_leaf_col, shown[i],
		    false);
	add_fields(t, d, "", -1);
}

void hc_q_objs_cols(struct q_table *t)
{
	if (t->type == HC_OBJ_PROC)
		proc_cols(t);
	else
		ctr_cols(t);
}

void hc_q_obj_value(struct q_cap *cap, const struct q_block *b, const struct q_obj *o, unsigned obj,
                    const struct q_col *c, struct q_val *ret)
{
	char text[HC_RENDER_MAX];

	*ret = (struct q_val){ 0 };
	if (c->from == Q_FROM_SELF) {
		if (b)
			c->leaf(cap, b, obj, o->entry, c->arg, ret);
		return;
	}
	if (c->col == X_N_VERSIONS || c->col == X_IS_THREAD) {
		*ret = (struct q_val){ .type = Q_INTEGER,
			               .i = c->col == X_IS_THREAD ? o->is_thread : o->n_versions };
		return;
	}
	if (!o->has_exit)
		return;
	cap->scratch.n = 0;
	switch (c->col) {
	case X_EXIT_TIME:
		hc_q_put(&cap->scratch, text, hc_render_time(o->exit_wall_ns, text, sizeof(text)));
		break;
	case X_EXIT_STATUS:
		if (o->exit_status != INT64_MIN)
			*ret = (struct q_val){ .type = Q_INTEGER, .i = o->exit_status };
		return;
	case X_EXIT_SIG:
		*ret = (struct q_val){ .type = Q_INTEGER, .i = o->exit_sig };
		return;
	default:
		if (!o->exit_sig)
			return;
		hc_q_put(&cap->scratch, text, hc_render_int(HC_FMT_SIGNAL, o->exit_sig, true, text, sizeof(text)));
	}
	*ret = (struct q_val){ .type = Q_TEXT, .s = { cap->scratch.p, (uint32_t)cap->scratch.n } };
}
