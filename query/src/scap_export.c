/*
 * Exporting to a scap file goes through the rows twice: once to learn what was there before the first event, which
 * stands first in the file, and once to write the events. Only the blocks that are being read are in memory.
 */
#include "query/scap_export.h"

#include <errno.h>
#include <stdlib.h>

#include "query/out_file.h"
#include "replay/falco_scap.h"
#include "scap_lists.h"

#define PROGRESS_ROWS 16384u

/* A block that rows are being taken from. */
struct cursor {
	uint32_t number; /* in hc_capture_blocks() */
	struct hc_block *block;
	struct hc_view *view;
	struct hc_rows rows;
	uint32_t at;
	struct scap_seen seen; /* for scap_lists_row() */
	struct hc_scope_block scope;
};

struct job {
	struct hc_capture *c;
	const struct hc_scap_export_opts *o;
	const char *path;
	struct hc_scap_export_stats stats;
	const struct hc_capture_seg *segs;
	const struct hc_capture_block *blocks;
	uint32_t n_blocks;
	uint32_t *selected, n_selected;
	bool *bad; /* by block: damaged, as the first pass has found */
	uint64_t done_rows, all_rows;
	/* Of the boot that is being written. */
	struct scap_lists *lists;
	struct hc_scap_writer *w;
	struct hc_arena arena; /* of an event */
	bool imported, writing;
};

/* ---- rows in their order ---- */

static void cursor_close(struct cursor *k)
{
	hc_view_free(k->view);
	hc_block_close(k->block);
	free(k->seen.proc);
	free(k->seen.known);
	hc_scope_block_done(&k->scope);
	*k = (struct cursor){ 0 };
}

/* 1 opened, 0 nothing in it that can be read. */
static int cursor_open(struct job *j, struct cursor *k, uint32_t number, struct hc_err *err)
{
	struct hc_err why = { 0 };
	uint32_t n_procs;
	int r;

	*k = (struct cursor){ .number = number, .view = hc_view_new() };
	if (!k->view)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = hc_capture_load(j->c, number, &k->block, &why);
	if (r == 0 && !j->writing)
		r = hc_block_check(k->block, &why); /* so that no half of an event is written later */
	if (r == 0)
		r = hc_block_rows(k->block, &k->rows, &why);
	if (r < 0) {
		cursor_close(k);
		if (r == -ENOMEM)
			return hc_err_set(err, r, "out of memory");
		hc_capture_add_problem(j->c, number, &why);
		j->bad[number] = true;
		return 0;
	}
	hc_view_set(k->view, k->block, NULL);
	n_procs = hc_view_n(k->view, HC_OBJ_PROC) + 1;
	k->seen = (struct scap_seen){ calloc(n_procs / 64 + 1, sizeof(*k->seen.proc)),
		                      calloc(n_procs, sizeof(*k->seen.known)) };
	r = k->seen.proc && k->seen.known ? hc_scope_block_init(&k->scope, j->o->scope, k->view) : -ENOMEM;
	if (r == 0 && !j->writing)
		r = scap_lists_block(j->lists, k->view);
	if (r < 0) {
		cursor_close(k);
		return hc_err_set(err, r, "out of memory");
	}
	return 1;
}

static bool in_span(const struct job *j, int64_t wall_ns)
{
	return !(j->o->has_since && wall_ns < j->o->since_wall_ns) &&
	       !(j->o->has_until && wall_ns >= j->o->until_wall_ns);
}

static int write_state(struct job *j, const struct hc_falco_event *events, int n, struct hc_err *err)
{
	int r = n < 0 ? hc_err_set(err, n, "out of memory") : 0;

	for (int i = 0; r == 0 && i < n; i++) {
		r = hc_scap_write_event(j->w, &events[i].e, err);
		j->stats.n_state_only++;
	}
	return r;
}

/* Threads that readers have something wrong of, as records that came late or calls that move a process to another
 * directory leave it; descriptors that came to be what they are by a call that was not recorded, containers that
 * were there before or are known better now, and their users: readers are told, not shown. */
static int write_fixes(struct job *j, struct cursor *k, unsigned type, uint32_t entry,
                       const struct hc_scap_event *like, struct hc_err *err)
{
	struct hc_falco_event events[HC_FALCO_SCAP_MAX_EVENTS];
	const struct scap_fix *fixes;
	const struct scap_name *names;
	uint32_t n_fixes, n_names, ctr;
	int64_t end;
	unsigned tell;
	int r = scap_lists_row(j->lists, k->view, type, entry, &k->seen);

	if (r < 0)
		return hc_err_set(err, r, "out of memory");
	tell = scap_lists_tell(j->lists, &end);
	if (end >= 0)
		r = write_state(j, events, hc_falco_scap_end_event(k->view, end, like, &j->arena, events), err);
	if (r == 0 && tell)
		r = write_state(j, events,
		                hc_falco_scap_task_events(k->view, type, entry, tell, like, &j->arena, events),
		                err);
	ctr = scap_lists_container(j->lists);
	if (r == 0 && ctr)
		r = write_state(j, events, hc_falco_scap_ctr_event(k->view, ctr, like, &j->arena, events), err);
	names = scap_lists_names(j->lists, &n_names);
	for (uint32_t i = 0; r == 0 && i < n_names; i++)
		r = write_state(j, events,
		                hc_falco_scap_user_event(k->view, names[i].ref, names[i].group, names[i].ctr, like,
		                                         &j->arena, events),
		                err);
	fixes = scap_lists_fixes(j->lists, &n_fixes);
	for (uint32_t f = 0; r == 0 && f < n_fixes; f++)
		r = write_state(j, events,
		                hc_falco_scap_fd_events(k->view, type, entry, fixes[f].fdobj, fixes[f].num, like,
		                                        &j->arena, events),
		                err);
	return r;
}

static int write_row(struct job *j, struct cursor *k, unsigned type, uint32_t entry, struct hc_err *err)
{
	struct hc_falco_event events[HC_FALCO_SCAP_MAX_EVENTS];
	enum hc_falco_scap_none none;
	int n, r = 0;

	hc_arena_reset(&j->arena);
	n = hc_falco_scap_events(k->view, type, entry, j->imported, &j->arena, events, &none, &j->stats.n_cut);
	if (n < 0)
		return hc_err_set(err, n, "out of memory");
	if (n == 0 && none == HC_FALCO_SCAP_OWN) {
		j->stats.n_own++;
	} else if (n == 0 && none == HC_FALCO_SCAP_TOLD) {
		j->stats.n_told++;
	} else if (n == 0) {
		j->stats.n_no_event++;
		j->stats.no_event_by_type[type]++;
	}
	if (n > 0 && !j->imported)
		r = write_fixes(j, k, type, entry, &events[n - 1].e, err);
	for (int i = 0; r == 0 && i < n; i++) {
		r = hc_scap_write_event(j->w, &events[i].e, err);
		j->stats.n_events++;
	}
	return r;
}

/* The row that the cursor is at, then one further. */
static int take_row(struct job *j, struct cursor *k, struct hc_err *err)
{
	unsigned type = k->rows.type[k->at];
	uint32_t entry = k->rows.pos[k->at] + 1;
	int64_t offset = hc_block_info(k->block)->wall_offset_ns;
	bool wanted = in_span(j, (int64_t)k->rows.ts_ns[k->at] + offset);
	int r = 0;

	if (wanted && !hc_scope_block_has(&k->scope, type, entry - 1)) {
		wanted = false;
		j->stats.n_out_of_scope += j->writing;
	}
	k->at++;
	if (wanted && j->writing)
		r = write_row(j, k, type, entry, err);
	else if (wanted && scap_lists_row(j->lists, k->view, type, entry, &k->seen) < 0)
		r = hc_err_set(err, -ENOMEM, "out of memory");
	if (r == 0 && ++j->done_rows % PROGRESS_ROWS == 0 && j->o->progress &&
	    j->o->progress(j->o->ctx, j->done_rows, 2 * j->all_rows))
		r = hc_err_set(err, -EINTR, "interrupted");
	return r;
}

/* All rows of the selected blocks from `from` up to `until`, which are one boot's, by seq. */
static int each_row(struct job *j, uint32_t from, uint32_t until, struct hc_err *err)
{
	struct cursor *open = NULL;
	uint32_t n = 0, cap = 0, next = from;
	int r = 0;

	while (r >= 0 && (next < until || n)) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < n; i++)
			if (open[i].rows.seq[open[i].at] < open[best].rows.seq[open[best].at])
				best = i;
		if (next < until &&
		    (!n || j->blocks[j->selected[next]].info.first_seq <= open[best].rows.seq[open[best].at])) {
			uint32_t number = j->selected[next++];

			if (n == cap) {
				uint32_t more = cap ? cap * 2 : 4;
				struct cursor *bigger = realloc(open, more * sizeof(*open));

				if (!bigger) {
					r = hc_err_set(err, -ENOMEM, "out of memory");
					break;
				}
				open = bigger;
				cap = more;
			}
			if (j->bad[number])
				continue;
			r = cursor_open(j, &open[n], number, err);
			if (r > 0 && open[n].rows.n)
				n++;
			else if (r > 0)
				cursor_close(&open[n]);
			continue;
		}
		if (!n)
			continue;
		r = take_row(j, &open[best], err);
		if (open[best].at == open[best].rows.n) {
			cursor_close(&open[best]);
			open[best] = open[--n];
		}
	}
	while (n)
		cursor_close(&open[--n]);
	free(open);
	return r < 0 ? r : 0;
}

/* ---- a boot ---- */

static uint32_t boot_of(const struct job *j, uint32_t at)
{
	return j->segs[j->blocks[j->selected[at]].seg].boot;
}

/* What the recorder or the importer said of the machine when it began, wherever that is. */
static int machine(struct job *j, uint32_t boot, const char *node, struct hc_err *err)
{
	for (uint32_t i = 0; i < j->n_blocks; i++) {
		const struct hc_block_info *info = &j->blocks[i].info;
		struct cursor k;
		int r;

		if (j->segs[j->blocks[i].seg].boot != boot || !hc_type_set_has(&info->types, HC_EV_META_START))
			continue;
		r = cursor_open(j, &k, i, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		r = scap_lists_machine(j->lists, k.view, 1, node);
		cursor_close(&k);
		return r < 0 ? hc_err_set(err, r, "out of memory") : 0;
	}
	return 0;
}

static int write_boot(struct job *j, uint32_t from, uint32_t until, int fd, struct hc_err *err)
{
	uint32_t boot = boot_of(j, from);
	const char *node = "";
	int r;

	j->imported = false;
	for (uint32_t i = 0; i < j->n_blocks; i++)
		if (j->segs[j->blocks[i].seg].boot == boot) {
			j->imported |= hc_type_set_has(&j->blocks[i].info.types, HC_EV_META_IMPORT);
			node = j->segs[j->blocks[i].seg].header.node;
		}
	j->lists = scap_lists_new(j->imported);
	if (!j->lists)
		return hc_err_set(err, -ENOMEM, "out of memory");
	j->writing = false;
	r = machine(j, boot, node, err);
	if (r == 0)
		r = each_row(j, from, until, err);
	if (r == 0)
		r = hc_scap_writer_new(fd, j->path, j->o->flags, &j->w, err);
	if (r == 0)
		r = scap_lists_write(j->lists, j->w, &j->stats, err);
	if (r == 0 && scap_lists_again(j->lists) < 0)
		r = hc_err_set(err, -ENOMEM, "out of memory");
	j->writing = true;
	if (r == 0)
		r = each_row(j, from, until, err);
	if (r == 0)
		r = hc_scap_writer_finish(j->w, err);
	if (r == 0) {
		j->stats.bytes += hc_scap_writer_bytes(j->w);
		j->stats.n_sections++;
	}
	j->w = hc_scap_writer_free(j->w);
	j->lists = scap_lists_free(j->lists);
	return r;
}

static int write_file(void *ctx, int fd, struct hc_err *err)
{
	struct job *j = ctx;
	int r = 0;

	for (uint32_t from = 0, until; r == 0 && from < j->n_selected; from = until) {
		for (until = from + 1; until < j->n_selected && boot_of(j, until) == boot_of(j, from);)
			until++;
		r = write_boot(j, from, until, fd, err);
	}
	if (r == 0 && !j->stats.n_events)
		r = hc_err_set(err, -ENODATA, "'%s' has no event in this span that a scap file can hold",
		               hc_capture_path(j->c));
	return r;
}

int hc_scap_export(struct hc_capture *c, const char *path, const struct hc_scap_export_opts *opts,
                   struct hc_scap_export_stats *ret, struct hc_err *err)
{
	struct hc_block_filter filter = { .has_since = opts->has_since,
		                          .has_until = opts->has_until,
		                          .since_wall_ns = opts->since_wall_ns,
		                          .until_wall_ns = opts->until_wall_ns };
	const struct hc_capture_totals *totals;
	struct job j = { .c = c, .o = opts, .path = path };
	uint32_t n_segs;
	int r = hc_out_file_free(path, opts->replace, err);

	if (r < 0)
		return r;
	j.segs = hc_capture_segs(c, &n_segs);
	j.blocks = hc_capture_blocks(c, &j.n_blocks);
	r = hc_capture_totals(c, &totals, err);
	if (r < 0)
		return r;
	j.stats.n_lost = totals->n_lost;
	r = hc_capture_select(c, &filter, &j.selected, &j.n_selected, err);
	if (r < 0)
		return r;
	j.bad = calloc(j.n_blocks + 1u, sizeof(*j.bad));
	for (uint32_t i = 0; i < j.n_selected; i++)
		j.all_rows += j.blocks[j.selected[i]].info.n_rows;
	r = j.bad ? hc_out_file_write(path, opts->replace, write_file, &j, err)
	          : hc_err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		*ret = j.stats;
	hc_arena_done(&j.arena);
	free(j.bad);
	free(j.selected);
	return r;
}
