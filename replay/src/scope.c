/* Who is in a scope, by what the rows' processes are known to be. */
#include "replay/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/block.h"

#define MIN_ID_BYTES 4      /* beginning of a container's id that names it */
#define MAX_ANCESTORS 4096u /* a hostile file may have a circle */

static bool id_is(struct hc_str id, struct hc_str what)
{
	return id.p && (hc_str_eq(id, what) || (what.len >= MIN_ID_BYTES && hc_str_starts(id, what)));
}

static bool in_container(struct hc_view *v, uint32_t proc, const char *what)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	struct hc_str name;

	if (!ctr)
		return false;
	name = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_name, ctr);
	return id_is(hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_id, ctr), hc_str_c(what)) ||
	       id_is(hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_outer_id, ctr), hc_str_c(what)) ||
	       (name.p && hc_str_eq(name, hc_str_c(what)));
}

static bool in_pod(struct hc_view *v, uint32_t proc, const char *what)
{
	uint32_t ctr = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_container, proc);
	const char *slash = strchr(what, '/');
	struct hc_str space, name;

	if (!ctr || !slash)
		return false;
	space = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_pod_namespace, ctr);
	name = hc_view_text(v, HC_OBJ_CTR, HC_O_CTR_pod_name, ctr);
	return space.p && name.p && hc_str_eq(name, hc_str_c(slash + 1)) &&
	       hc_str_eq(space, (struct hc_str){ what, (uint32_t)(slash - what) });
}

/* "subsystem=path": the path itself, or one below it. */
static bool in_cgroup(struct hc_view *v, uint32_t proc, const char *path)
{
	struct hc_str want = hc_str_c(path);
	uint32_t n;
	const uint32_t *items = hc_view_strs(v, hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_cgroups, proc), &n);

	while (want.len && want.p[want.len - 1] == '/')
		want.len--;
	for (uint32_t i = 0; i < n; i++) {
		struct hc_str item = hc_view_str(v, items[i]);
		const char *at = item.len ? memchr(item.p, '/', item.len) : NULL;
		struct hc_str is = { at, at ? item.len - (uint32_t)(at - item.p) : 0 };

		if (at && is.len >= want.len && memcmp(is.p, want.p, want.len) == 0 &&
		    (is.len == want.len || is.p[want.len] == '/'))
			return true;
	}
	return false;
}

static bool in_tree(struct hc_view *v, uint32_t proc, const struct hc_scope *s)
{
	int64_t want = (int64_t)strtoull(s->text + 4, NULL, 10);
	uint64_t offset = (uint64_t)hc_block_info(hc_view_block(v))->wall_offset_ns;

	for (unsigned n = 0; proc && n < MAX_ANCESTORS; n++) {
		uint32_t from;

		if (hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_pid, proc, -1) == want) {
			uint64_t start = (uint64_t)hc_view_int_or(v, HC_OBJ_PROC, HC_O_PROC_start_ns, proc, 0);

			if ((int64_t)(start + offset) <= s->asked_wall_ns)
				return true;
		}
		from = hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_creator, proc);
		proc = from ? from : hc_view_ref(v, HC_OBJ_PROC, HC_O_PROC_parent, proc);
	}
	return false;
}

static uint32_t proc_of(struct hc_view *v, unsigned type, uint32_t row)
{
	uint32_t task = hc_view_ref(v, HC_DOM_ROWS(type), HC_COL_TASK, row + 1);

	return task ? hc_view_ref(v, HC_OBJ_TASK, HC_O_TASK_proc, task) : 0;
}

static bool is_host(const struct hc_scope *s)
{
	return strcmp(s->text, "host") == 0;
}

static bool has_proc(const struct hc_scope *s, struct hc_view *v, uint32_t proc)
{
	if (strncmp(s->text, "container=", 10) == 0)
		return in_container(v, proc, s->text + 10);
	if (strncmp(s->text, "pod=", 4) == 0)
		return in_pod(v, proc, s->text + 4);
	if (strncmp(s->text, "cgroup=", 7) == 0)
		return in_cgroup(v, proc, s->text + 7);
	return strncmp(s->text, "pid=", 4) == 0 && in_tree(v, proc, s);
}

bool hc_scope_has(const struct hc_scope *s, struct hc_view *v, unsigned type, uint32_t row)
{
	uint32_t proc = is_host(s) ? 0 : proc_of(v, type, row);

	return is_host(s) || (proc && has_proc(s, v, proc));
}

/* ---- all rows of a block ---- */

enum { UNKNOWN, OUT, IN };

int hc_scope_block_init(struct hc_scope_block *b, const struct hc_scope *scope, struct hc_view *v)
{
	*b = (struct hc_scope_block){ .scope = scope && !is_host(scope) ? scope : NULL, .view = v };
	if (!b->scope)
		return 0;
	b->known = calloc((size_t)hc_view_n(v, HC_OBJ_PROC) + 1, sizeof(*b->known));
	return b->known ? 0 : -ENOMEM;
}

bool hc_scope_block_has(struct hc_scope_block *b, unsigned type, uint32_t row)
{
	uint32_t proc;

	if (!b->scope)
		return true;
	proc = proc_of(b->view, type, row);
	if (!proc || proc > hc_view_n(b->view, HC_OBJ_PROC))
		return false;
	if (b->known[proc] == UNKNOWN)
		b->known[proc] = has_proc(b->scope, b->view, proc) ? IN : OUT;
	return b->known[proc] == IN;
}

void hc_scope_block_done(struct hc_scope_block *b)
{
	free(b->known);
	*b = (struct hc_scope_block){ 0 };
}
