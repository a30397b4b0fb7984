/*
 * More detail for a scope: finds the control groups and processes that a scope names, now and again when control
 * groups or containers come and go, tells the kernel (capture/live.h), and writes into meta_filter rows what is
 * recorded of whom, from when until when.
 */
#include "record_priv.h"
#include "store/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MIN_ID_BYTES 4                /* beginning of a container's id that names it */
#define MAX_CGROUPS 1024              /* of one scope */
#define MAX_SEEDS 4096                /* processes that are there when a raise begins */
#define MAX_ANCESTRY 4096             /* of one process */
#define FRESH_NS INT64_C(10000000000) /* so long ago a process was there when it was asked for, known or not */

struct ids {
	uint64_t *v;
	size_t n;
};

struct record_raise {
	struct hc_record_raise ask; /* its texts are not used */
	char *key, *capture, *scope;
	uint64_t id;
	enum hc_live_scope kind;
	struct ids cgroups;
	uint32_t *pids; /* seeds; NULL once the kernel has them */
	size_t n_pids;
	uint64_t from_ns; /* boot clock */
	bool told;        /* of its beginning */
};

static void raise_done(struct record_raise *k)
{
	free(k->key);
	free(k->capture);
	free(k->scope);
	free(k->cgroups.v);
	free(k->pids);
	memset(k, 0, sizeof(*k));
}

void raise_free(struct hc_record *r)
{
	for (size_t i = 0; i < r->n_raises; i++)
		raise_done(&r->raises[i]);
	free(r->raises);
	r->raises = NULL;
	r->n_raises = 0;
}

/* ---- who is meant ---- */

static int ids_add(struct ids *l, uint64_t id)
{
	uint64_t *v;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == id)
			return 0;
	if (l->n == MAX_CGROUPS)
		return -ENOSPC;
	v = realloc(l->v, (l->n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	l->v = v;
	v[l->n++] = id;
	return 0;
}

bool record_hierarchy_root(const struct hc_record *r, char *path, size_t room)
{
	const char *controller = hc_live_hierarchy(r->live);
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], root[512], at[512], type[32], options[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		const char *dash = strstr(line, " - ");

		if (!dash || sscanf(line, "%*s %*s %*s %511s %511s", root, at) != 2 ||
		    sscanf(dash + 3, "%31s %*s %511s", type, options) != 2 || strcmp(root, "/") != 0)
			continue;
		found = controller[0] ? strcmp(type, "cgroup") == 0 &&
		                                hc_str_listed(hc_str_c(options), hc_str_c(controller))
		                      : strcmp(type, "cgroup2") == 0;
	}
	if (f)
		fclose(f);
	if (found)
		snprintf(path, room, "%s", at);
	return found;
}

static int add_path(struct ids *l, const char *root, struct hc_str path)
{
	char full[PATH_MAX];
	struct stat st;
	int n = snprintf(full, sizeof(full), "%s%.*s", root, (int)path.len, path.p);

	if (n <= 0 || (size_t)n >= sizeof(full) || stat(full, &st) < 0)
		return 0; /* not there, yet or any more */
	return ids_add(l, st.st_ino);
}

static bool is_meant(const struct tctr *c, const char *scope)
{
	const struct ctr_facts *f = c->facts;
	struct hc_str what, id = txt_str(c->id);
	const char *slash;

	if (strncmp(scope, "container=", 10) == 0) {
		what = hc_str_c(scope + 10);
		return hc_str_eq(id, what) || (what.len >= MIN_ID_BYTES && hc_str_starts(id, what)) ||
		       (f && f->name.p && hc_str_eq(f->name, what));
	}
	slash = strchr(scope + 4, '/');
	what = (struct hc_str){ scope + 4, (uint32_t)(slash - scope - 4) };
	if (c->pod && hc_str_eq(c->pod->ns, what) && hc_str_eq(c->pod->meta.name, hc_str_c(slash + 1)))
		return true;
	return f && f->pod_name.p && f->pod_namespace.p && hc_str_eq(f->pod_namespace, what) &&
	       hc_str_eq(f->pod_name, hc_str_c(slash + 1));
}

static int find_cgroups(struct hc_record *r, const char *scope, struct ids *ret)
{
	char root[512];
	struct tctr *c;
	int code = 0;

	if (!record_hierarchy_root(r, root, sizeof(root)))
		return 0;
	if (strncmp(scope, "cgroup=", 7) == 0)
		return add_path(ret, root, hc_str_c(scope + 7));
	TABLE_ALL(&r->tracker->cgroups, at, c)
	{
		if (code == 0 && c->path && is_meant(c, scope))
			code = add_path(ret, root, txt_str(c->path));
	}
	return code;
}

/* Is the version one of process `tgid` that was there at that moment? A number may have been another's since. */
static bool is_of(const struct tver *v, uint32_t tgid, uint64_t asked_ns)
{
	return v->pid == tgid && v->start_ns <= asked_ns;
}

/* Whether it lives: a process, not another one's thread. */
static bool is_process(struct hc_record *r, uint32_t tgid)
{
	char status[1024];
	const char *line;

	return procfs_read(r->tracker, tgid, "status", status, sizeof(status)) > 0 &&
	       (line = strstr(status, "\nTgid:")) && strtoul(line + strlen("\nTgid:"), NULL, 10) == tgid;
}

/* The process, and its living descendants as far as they are known: those whose parents have ended too, which the
 * kernel does not know any more. */
static int find_processes(struct hc_record *r, struct record_raise *k)
{
	uint32_t tgid = (uint32_t)strtoul(k->scope + 4, NULL, 10);
	int64_t asked_ns = k->ask.asked_wall_ns - r->wall_offset_ns;
	bool known = false;
	struct tproc *p;

	k->pids = calloc(MAX_SEEDS, sizeof(*k->pids));
	if (!k->pids)
		return -ENOMEM;
	TABLE_ALL(&r->tracker->procs, at, p)
	{
		unsigned n = 0;

		if (p->dead_ns || !p->cur)
			continue;
		known |= p->tgid == tgid;
		for (const struct tver *v = p->cur; v && n < MAX_ANCESTRY; n++) {
			if (is_of(v, tgid, (uint64_t)asked_ns)) {
				if (k->n_pids == MAX_SEEDS)
					return -ENOSPC;
				k->pids[k->n_pids++] = p->tgid;
				break;
			}
			v = v->creator ? v->creator : v->parent;
		}
	}
	if (!known && (int64_t)record_boot_ns() - asked_ns < FRESH_NS && is_process(r, tgid))
		k->pids[k->n_pids++] = tgid; /* so young that its birth still waits in a ring */
	return 0;
}

static int find(struct hc_record *r, struct record_raise *k)
{
	struct ids cgroups = { 0 };
	int code;

	if (k->kind != HC_LIVE_CGROUP)
		return k->kind == HC_LIVE_PID && !k->told ? find_processes(r, k) : 0;
	code = find_cgroups(r, k->scope, &cgroups);
	if (code < 0) {
		free(cgroups.v);
		return code;
	}
	free(k->cgroups.v);
	k->cgroups = cgroups;
	return 0;
}

/* ---- telling the kernel ---- */

/* What a raise asks for stays while the recorder sheds the payload of all others. */
static uint32_t snaplen_of(const struct hc_record *r, const struct record_raise *k)
{
	return k->ask.snaplen > r->opts.snaplen ? k->ask.snaplen : r->opts.snaplen;
}

static int apply(struct hc_record *r, const struct record_raise *v, size_t n, struct hc_err *err)
{
	struct hc_live_raise *raises = calloc(n + 1, sizeof(*raises));
	int code;

	if (!raises)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		raises[i] = (struct hc_live_raise){ .id = v[i].id,
			                            .scope = v[i].kind,
			                            .detail = v[i].ask.detail,
			                            .snaplen = snaplen_of(r, &v[i]),
			                            .pids = v[i].pids,
			                            .n_pids = v[i].n_pids,
			                            .cgroups = v[i].cgroups.v,
			                            .n_cgroups = v[i].cgroups.n };
	code = hc_live_set_raises(r->live, raises, n, err);
	free(raises);
	return code;
}

static bool same_types(const struct hc_record *r, const struct hc_type_set *was, const unsigned *snaplen)
{
	return memcmp(hc_live_types(r->live), was, sizeof(*was)) == 0 &&
	       hc_live_snaplen(r->live, HC_EV_READ) == *snaplen;
}

/* ---- telling readers ---- */

static uint32_t count(const struct hc_record *r, const struct record_raise *k)
{
	return k->kind == HC_LIVE_PID      ? hc_live_raised(r->live, k->id)
	       : k->kind == HC_LIVE_CGROUP ? (uint32_t)k->cgroups.n
	                                   : 1;
}

static int tell(struct hc_record *r, const struct record_raise *k, bool ended, struct hc_err *err)
{
	struct meta_raise row = { .id = k->id,
		                  .capture = k->capture,
		                  .scope = k->scope,
		                  .detail = k->ask.detail,
		                  .snaplen = k->ask.snaplen,
		                  .keeps = snaplen_of(r, k),
		                  .from_ns = k->from_ns,
		                  .n = count(r, k),
		                  .what = ended                       ? NULL
		                          : k->kind == HC_LIVE_PID    ? "processes"
		                          : k->kind == HC_LIVE_CGROUP ? "control-groups"
		                                                      : NULL };

	return meta_raise(r, &row, ended, err);
}

int raise_rows(struct hc_record *r, bool ended, struct hc_err *err)
{
	int code = 0;

	for (size_t i = 0; i < r->n_raises && code >= 0; i++)
		if (r->raises[i].told)
			code = tell(r, &r->raises[i], ended, err);
	return code;
}

/* ---- changes ---- */

static struct record_raise *of_key(struct record_raise *v, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].key && strcmp(v[i].key, key) == 0)
			return &v[i];
	return NULL;
}

static int raise_new(struct hc_record *r, const struct hc_record_raise *ask, struct record_raise *ret)
{
	struct record_raise k = { .ask = *ask, .from_ns = record_boot_ns() };

	/* another one than those of recorders that ran before */
	r->last_raise_id = k.from_ns > r->last_raise_id ? k.from_ns : r->last_raise_id + 1;
	k.id = r->last_raise_id;
	k.key = strdup(ask->key);
	k.capture = strdup(ask->capture);
	k.scope = strdup(ask->scope);
	k.kind = strcmp(ask->scope, "host") == 0       ? HC_LIVE_HOST
	         : strncmp(ask->scope, "pid=", 4) == 0 ? HC_LIVE_PID
	                                               : HC_LIVE_CGROUP;
	*ret = k;
	return k.key && k.capture && k.scope ? find(r, ret) : -ENOMEM;
}

/* The new list takes over what goes on; `old` keeps the rest. */
static int list_make(struct hc_record *r, const struct hc_record_raise *v, size_t n, struct record_raise *list,
                     struct hc_err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct record_raise *old = of_key(r->raises, r->n_raises, v[i].key);
		int code = 0;

		if (old)
			list[i] = *old;
		else
			code = raise_new(r, &v[i], &list[i]);
		if (code < 0)
			return hc_err_set(err, code, "cannot find out whom '%s' means: %s", v[i].scope,
			                  code == -ENOSPC ? "too many processes or control groups"
			                                  : strerror(-code));
	}
	return 0;
}

static int tell_changes(struct hc_record *r, struct record_raise *gone, size_t n_gone, struct hc_err *err)
{
	int code = 0;

	for (size_t i = 0; i < n_gone && code >= 0; i++)
		if (gone[i].key && gone[i].told)
			code = tell(r, &gone[i], true, err);
	for (size_t i = 0; i < r->n_raises && code >= 0; i++) {
		struct record_raise *k = &r->raises[i];

		if (k->told)
			continue;
		k->told = true;
		free(k->pids); /* the kernel keeps up the scope from now on */
		k->pids = NULL;
		k->n_pids = 0;
		code = tell(r, k, false, err);
	}
	return code;
}

/* Tracepoints to which a raise would have to be attached, and cannot. */
static unsigned n_failed_hooks(const struct hc_record *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < hc_live_n_hooks(r->live); i++)
		n += hc_live_hook(r->live, i).state == HC_HOOK_FAILED;
	return n;
}

int hc_record_set_raises(struct hc_record *r, const struct hc_record_raise *v, size_t n, struct hc_err *err)
{
	struct record_raise *list = calloc(n + 1, sizeof(*list)), *old = r->raises;
	struct hc_type_set was = *hc_live_types(r->live);
	unsigned snaplen = hc_live_snaplen(r->live, HC_EV_READ);
	unsigned failed_hooks = n_failed_hooks(r);
	size_t n_old = r->n_raises;
	int code;

	r->err = err;
	code = list ? list_make(r, v, n, list, err) : hc_err_set(err, -ENOMEM, "out of memory");
	if (code >= 0)
		code = apply(r, list, n, err);
	if (code < 0) {
		struct hc_err again = { 0 };

		for (size_t i = 0; list && i < n; i++)
			if (!of_key(old, n_old, v[i].key))
				raise_done(&list[i]);
		free(list);
		(void)apply(r, old, n_old, &again); /* what was in force stays so */
		return code;
	}
	for (size_t i = 0; i < n; i++) { /* what goes on is the list's now */
		struct record_raise *k = of_key(old, n_old, v[i].key);

		if (k)
			memset(k, 0, sizeof(*k));
	}
	r->raises = list;
	r->n_raises = n;
	r->cgroup_changes_seen = r->tracker->n_cgroup_changes;
	code = tell_changes(r, old, n_old, err);
	if (code >= 0 && !same_types(r, &was, &snaplen))
		code = meta_config(r, err);
	if (code >= 0 && n_failed_hooks(r) > failed_hooks)
		code = meta_blind(r, err);
	for (size_t i = 0; i < n_old; i++)
		raise_done(&old[i]);
	free(old);
	return code < 0 ? r->failed = code : 0;
}

uint32_t hc_record_raised(const struct hc_record *r, const char *key)
{
	const struct record_raise *k = of_key(r->raises, r->n_raises, key);

	return k ? count(r, k) : 0;
}

uint32_t hc_record_scope_size(struct hc_record *r, const char *scope)
{
	struct hc_record_raise ask = { .key = "", .capture = "", .scope = scope, .asked_wall_ns = hc_wall_ns() };
	struct record_raise k;
	uint32_t n = 0;

	if (raise_new(r, &ask, &k) >= 0)
		n = (uint32_t)(k.kind == HC_LIVE_PID ? k.n_pids : k.cgroups.n);
	raise_done(&k);
	return n;
}

static bool same_ids(const struct ids *a, const struct ids *b)
{
	return a->n == b->n && (!a->n || memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

int raise_look(struct hc_record *r, bool second, struct hc_err *err)
{
	uint32_t missed = hc_live_raise_missed(r->live);
	struct hc_err why = { 0 };
	bool any = false;
	int code = 0;

	if (second)
		hc_live_tick(r->live);
	if (missed != r->raise_missed) {
		char what[96];

		snprintf(what, sizeof(what), "more detail of %u processes: too many are in such scopes",
		         missed - r->raise_missed);
		hc_log(r->opts.log, HC_LOG_WARN, "a scope is full: processes in it have no more detail",
		       HC_LOG_U64("processes", missed - r->raise_missed));
		r->raise_missed = missed;
		code = meta_blind_row(r, what, "raise", record_boot_ns(), err);
		if (code < 0)
			return code;
	}
	if (!r->n_raises || r->cgroup_changes_seen == r->tracker->n_cgroup_changes)
		return 0;
	r->cgroup_changes_seen = r->tracker->n_cgroup_changes;
	for (size_t i = 0; i < r->n_raises; i++) {
		struct record_raise *k = &r->raises[i];
		struct ids was = { 0 };

		if (k->kind != HC_LIVE_CGROUP)
			continue;
		was.n = k->cgroups.n;
		was.v = malloc((was.n + 1) * sizeof(*was.v));
		if (!was.v)
			return hc_err_set(err, -ENOMEM, "out of memory");
		if (was.n)
			memcpy(was.v, k->cgroups.v, was.n * sizeof(*was.v));
		if (find(r, k) == 0 && !same_ids(&was, &k->cgroups)) {
			k->told = false; /* of who is in it now */
			any = true;
		}
		free(was.v);
	}
	if (!any)
		return 0;
	if (apply(r, r->raises, r->n_raises, &why) < 0)
		hc_log_err(r->opts.log, HC_LOG_ERROR, "a scope of raised detail cannot be kept up", &why);
	code = tell_changes(r, NULL, 0, err);
	return code;
}
