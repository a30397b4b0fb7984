/* Control groups of a process, and the container that their paths tell of. */
#include "tracker_priv.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_GROUPS 8192u

static bool is_hex64(struct hc_str s)
{
	if (s.len != 64)
		return false;
	for (uint32_t i = 0; i < 64; i++)
		if (!isxdigit((unsigned char)s.p[i]))
			return false;
	return true;
}

static struct hc_str cut_end(struct hc_str s, const char *suffix)
{
	if (hc_str_ends(s, hc_str_c(suffix)))
		s.len -= (uint32_t)strlen(suffix);
	return s;
}

/* One component of a cgroup path. above: the one before it. */
static bool component_container(struct hc_str c, struct hc_str above, struct hc_str *ret_id,
                                struct hc_str *ret_runtime)
{
	static const struct {
		const char *prefix, *runtime;
	} scopes[] = {
		{ "docker-", "docker" },      { "cri-containerd-", "containerd" },
		{ "crio-", "cri-o" },         { "libpod-payload-", "podman" },
		{ "libpod-", "podman" },      { "nerdctl-", "containerd" },
		{ "cri-dockerd-", "docker" },
	};
	struct hc_str name = cut_end(c, ".scope");
	const char *colon;

	if (hc_str_starts(c, HC_STR("crio-conmon-")) || hc_str_starts(c, HC_STR("libpod-conmon-")))
		return false;
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		struct hc_str prefix = hc_str_c(scopes[i].prefix), id;

		if (!hc_str_starts(name, prefix))
			continue;
		id = (struct hc_str){ name.p + prefix.len, name.len - prefix.len };
		if (is_hex64(id)) {
			*ret_id = id;
			*ret_runtime = hc_str_c(scopes[i].runtime);
			return true;
		}
	}
	if (is_hex64(c)) {
		*ret_id = c;
		*ret_runtime = hc_str_eq(above, HC_STR("docker"))              ? HC_STR("docker")
		               : hc_str_starts(above, HC_STR("kubepods"))      ? HC_STR("cri")
		               : hc_str_starts(above, HC_STR("pod"))           ? HC_STR("cri")
		               : hc_str_starts(above, HC_STR("libpod_parent")) ? HC_STR("podman")
		                                                               : HC_STR("oci");
		return true;
	}
	/* slice:cri-containerd:ID, made when systemd's parent meets a runtime that does not use systemd */
	colon = memrchr(c.p, ':', c.len);
	if (colon) {
		struct hc_str id = { colon + 1, c.len - (uint32_t)(colon + 1 - c.p) };

		if (is_hex64(id)) {
			*ret_id = id;
			*ret_runtime = HC_STR("containerd");
			return true;
		}
	}
	if (hc_str_starts(c, HC_STR("lxc.payload.")) && c.len > 12) {
		*ret_id = (struct hc_str){ c.p + 12, c.len - 12 };
		*ret_runtime = HC_STR("lxc");
		return true;
	}
	if ((hc_str_eq(above, HC_STR("lxc")) || hc_str_eq(above, HC_STR("lxc.payload"))) && c.len) {
		*ret_id = c;
		*ret_runtime = HC_STR("lxc");
		return true;
	}
	if (hc_str_starts(c, HC_STR("systemd-nspawn@")) && c.len > 15) {
		*ret_id = cut_end((struct hc_str){ c.p + 15, c.len - 15 }, ".service");
		*ret_runtime = HC_STR("nspawn");
		return true;
	}
	return false;
}

struct cgroup_ctr cgroup_container(struct hc_str path)
{
	const char *p = path.p, *end = path.len ? path.p + path.len : path.p;
	struct hc_str above = { NULL, 0 };
	struct cgroup_ctr ret = { 0 };

	while (p < end) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		struct hc_str c = { p, (uint32_t)((slash ? slash : end) - p) };

		/* the innermost container wins: one may run in another */
		if (c.len) {
			if (component_container(c, above, &ret.id, &ret.runtime)) {
				ret.path = (struct hc_str){ path.p, (uint32_t)(c.p + c.len - path.p) };
				if (!ret.outer.p)
					ret.outer = ret.id;
			}
			above = c;
		}
		p += c.len + 1;
	}
	return ret;
}

/* Containers of long ago make room for those of now. */
void ctr_sweep(struct hc_tracker *t)
{
	struct tctr *old;

	TABLE_SWEEP(&t->cgroups, at, old)
	{
		if (old->refs == 1) {
			TABLE_SWEEP_REMOVE(&t->cgroups, at);
			t->n_ctr_waiting -= old->waiting;
			if (t->sockets)
				ctr_sockets_forget(t->sockets, txt_str(old->id));
			ctr_unref(t, old);
		}
	}
}

uint64_t ctrs_bytes(const struct hc_tracker *t)
{
	const struct tctr *c;
	uint64_t n = 0;

	TABLE_ALL(&t->cgroups, at, c)
	n += sizeof(*c) + HEAP_BYTES + (c->facts ? sizeof(*c->facts) + c->facts->arena.used_bytes : 0);
	return n;
}

struct tctr *ctr_of_path(struct hc_tracker *t, struct hc_str path, uint64_t cgroup_id)
{
	struct cgroup_ctr found = cgroup_container(path);
	struct ctr_facts *facts = NULL;
	struct tctr *c;

	if (!found.id.p && !ctr_by_name(t, path, &found, &facts))
		return NULL;
	/* one object per container: keyed by id, kept while anybody refers to it */
	TABLE_EACH(&t->cgroups, hash_bytes(t->seed, found.id.p, found.id.len).a, at, c)
	{
		if (hc_str_eq(txt_str(c->id), found.id)) {
			ctr_facts_free(facts);
			return REF(c);
		}
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		ctr_facts_free(facts);
		return NULL;
	}
	c->refs = 1;
	c->id = txt_get(t, found.id.p, found.id.len);
	c->runtime = txt_get(t, found.runtime.p, found.runtime.len);
	c->path = txt_get(t, found.path.p, found.path.len);
	if (!hc_str_eq(found.outer, found.id))
		c->outer = txt_get(t, found.outer.p, found.outer.len);
	c->cgroup_id = cgroup_id;
	if (t->cgroups.n >= 4096)
		ctr_sweep(t);
	if (table_add(&t->cgroups, c->id->hash, c))
		REF(c);
	ctr_born(t, c, facts);
	return c;
}

struct tcgs *cgs_with_ctr(const struct tcgs *old, struct tctr *ctr)
{
	struct tcgs *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = *old;
	c->refs = 1;
	REF(c->list);
	c->ctr = REF(ctr);
	return c;
}

struct hc_str cgs_path(struct hc_str item)
{
	const char *at = item.len ? memmem(item.p, item.len, "=/", 2) : NULL;

	if (!at)
		return (struct hc_str){ NULL, 0 };
	return (struct hc_str){ at + 1, item.len - (uint32_t)(at + 1 - item.p) };
}

/* ---- by id ---- */

static uint64_t group_hash(const struct hc_tracker *t, uint64_t id)
{
	return hash_u64(t->seed.a, id);
}

static struct tgroup *group_find(struct hc_tracker *t, uint64_t id)
{
	struct tgroup *g;

	TABLE_EACH(&t->groups, group_hash(t, id), at, g)
	{
		if (g->id == id) {
			g->used = true;
			return g;
		}
	}
	return NULL;
}

static void group_free(struct hc_tracker *t, struct tgroup *g)
{
	txt_unref(t, g->path);
	free(g);
}

static void group_forget(struct hc_tracker *t, struct tgroup *g)
{
	table_remove(&t->groups, group_hash(t, g->id), g);
	group_free(t, g);
}

bool group_evict(struct hc_tracker *t, uint32_t keep)
{
	struct tgroup *g;

	if (t->groups.n <= keep)
		return false;
	TABLE_OLDEST(&t->groups, &t->group_hand, g);
	group_forget(t, g);
	return true;
}

static void group_put(struct hc_tracker *t, uint64_t id, struct hc_str path)
{
	struct tgroup *g = group_find(t, id);

	if (g)
		group_forget(t, g);
	group_evict(t, MAX_GROUPS - 1);
	g = calloc(1, sizeof(*g));
	if (!g)
		return;
	g->id = id;
	g->path = txt_get(t, path.p, path.len);
	if (!g->path || !table_add(&t->groups, group_hash(t, id), g))
		group_free(t, g);
}

/* Whether that is the hierarchy that ids are of. */
static bool is_group_hier(const struct hc_tracker *t, uint64_t hier)
{
	return t->group_hier >= 0 && hier == (uint64_t)t->group_hier;
}

void group_made(struct hc_tracker *t, uint64_t id, uint64_t hier, struct hc_str path)
{
	if (is_group_hier(t, hier) && path.len)
		group_put(t, id, path);
}

void group_gone(struct hc_tracker *t, uint64_t id, uint64_t hier)
{
	struct tgroup *g = is_group_hier(t, hier) ? group_find(t, id) : NULL;

	if (g)
		group_forget(t, g);
}

/* What /proc says of a process now is the path of the id that a record gave only if the process has not moved
 * since: the file system knows. */
static void group_seen(struct hc_tracker *t, uint64_t id, struct hc_str path)
{
	char full[PATH_MAX];
	struct stat st;
	int n;

	if (!id || path.len < 2 || !t->opts.hierarchy_root || group_find(t, id))
		return;
	n = snprintf(full, sizeof(full), "%s%.*s", t->opts.hierarchy_root, (int)path.len, path.p);
	if (n > 0 && (size_t)n < sizeof(full) && stat(full, &st) == 0 && st.st_ino == id)
		group_put(t, id, path);
}

void group_done(struct hc_tracker *t)
{
	struct tgroup *g;

	TABLE_ALL(&t->groups, at, g)
	group_free(t, g);
	table_done(&t->groups);
}

uint64_t group_bytes(const struct hc_tracker *t)
{
	return t->groups.n * (sizeof(struct tgroup) + HEAP_BYTES);
}

/* ---- the groups of a process ---- */

static struct tcgs *cgs_make(struct hc_tracker *t, struct txt **items, const uint16_t *hier, uint32_t n,
                             uint64_t cgroup_id)
{
	struct tcgs *c = calloc(1, sizeof(*c));

	if (!c) {
		for (uint32_t i = 0; i < n; i++)
			txt_unref(t, items[i]);
		return NULL;
	}
	c->refs = 1;
	c->n = n;
	memcpy(c->hier, hier, n * sizeof(*hier));
	for (uint32_t i = 0; i < n && !c->ctr; i++) {
		struct hc_str path = cgs_path(txt_str(items[i]));

		if (path.p)
			c->ctr = ctr_of_path(t, path, cgroup_id);
	}
	c->list = lst_of_txts(t, items, n);
	return c;
}

/* Lines "7:cpu,cpuacct:/path"; the unified hierarchy is "0::/path" and gets the name of its file system. */
struct tcgs *cgs_of_proc_text(struct hc_tracker *t, const char *text, size_t len, uint64_t cgroup_id)
{
	struct txt *items[16];
	uint16_t hier[16];
	uint32_t n = 0;
	const char *p = text, *end = text + len;

	while (p < end && n < 16) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *line_end = nl ? nl : end;
		const char *names = memchr(p, ':', (size_t)(line_end - p));
		const char *path = names ? memchr(names + 1, ':', (size_t)(line_end - names - 1)) : NULL;

		if (path) {
			unsigned long h = strtoul(p, NULL, 10);
			int room = path - names > 1 ? (int)(path - names - 1) : 0;
			int k;

			path++;
			if (t->opts.hierarchy && hc_str_listed((struct hc_str){ names + 1, (uint32_t)room },
			                                       hc_str_c(t->opts.hierarchy))) {
				t->group_hier = (int)h;
				group_seen(t, cgroup_id, (struct hc_str){ path, (uint32_t)(line_end - path) });
			}
			if (room)
				k = snprintf(t->buf, sizeof(t->buf), "%.*s=%.*s", room, names + 1,
				             (int)(line_end - path), path);
			else
				k = snprintf(t->buf, sizeof(t->buf), "unified=%.*s", (int)(line_end - path), path);
			if (k > 0 && (size_t)k < sizeof(t->buf)) {
				items[n] = txt_get(t, t->buf, (size_t)k);
				hier[n] = (uint16_t)h;
				n += items[n] != NULL;
			}
		}
		p = line_end + 1;
	}
	return n ? cgs_make(t, items, hier, n, cgroup_id) : NULL;
}

bool cgs_is_nowhere(const char *text, size_t n_bytes)
{
	const char *end = text + n_bytes;

	for (const char *p = text, *nl; p < end; p = nl + 1) {
		struct hc_str line;

		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			nl = end;
		line = (struct hc_str){ p, (uint32_t)(nl - p) };
		if (!hc_str_ends(line, HC_STR(":/")) && !hc_str_ends(line, HC_STR(" (deleted)")))
			return false;
	}
	return true;
}

struct tcgs *cgs_with(struct hc_tracker *t, const struct tcgs *old, unsigned hier, struct hc_str path,
                      uint64_t cgroup_id)
{
	struct txt *items[16];
	uint16_t hiers[16];
	uint32_t n = 0;
	bool found = false;

	for (uint32_t i = 0; old && old->list && i < old->n && n < 16; i++) {
		struct txt *was = old->list->txt[i];
		struct hc_str before = cgs_path(txt_str(was));

		hiers[n] = old->hier[i];
		if (old->hier[i] == hier && before.p) {
			int k = snprintf(t->buf, sizeof(t->buf), "%.*s%.*s", (int)(was->len - before.len), was->p,
			                 (int)path.len, path.p);

			items[n] = k > 0 && (size_t)k < sizeof(t->buf) ? txt_get(t, t->buf, (size_t)k) : REF(was);
			found = true;
		} else {
			items[n] = REF(was);
		}
		n += items[n] != NULL;
	}
	if (!found && n < 16) {
		int k = hier ? snprintf(t->buf, sizeof(t->buf), "%u=%.*s", hier, (int)path.len, path.p)
		             : snprintf(t->buf, sizeof(t->buf), "unified=%.*s", (int)path.len, path.p);

		hiers[n] = (uint16_t)hier;
		items[n] = k > 0 && (size_t)k < sizeof(t->buf) ? txt_get(t, t->buf, (size_t)k) : NULL;
		n += items[n] != NULL;
	}
	return n ? cgs_make(t, items, hiers, n, cgroup_id) : NULL;
}

static bool cgs_has(const struct tcgs *c, unsigned hier)
{
	for (uint32_t i = 0; c && c->list && i < c->n; i++) {
		if (c->hier[i] == hier)
			return true;
	}
	return false;
}

/* The groups of a process that is in the group `id` now, by what else there is than a record that tells all. g:
 * that group, where it is known. */
static struct tcgs *cgs_asked(struct hc_tracker *t, const struct tver *v, uint32_t tgid, uint64_t id,
                              unsigned hier, struct hc_str path, const struct tgroup *g)
{
	/* /proc tells of all hierarchies, as long as the process is there, but as of now: it may have moved on */
	bool only = g && v->cgs && v->cgs->n == 1 && v->cgs->hier[0] == t->group_hier;
	char buf[4096];
	ssize_t n = !only && t->proc_fd >= 0 ? procfs_read(t, tgid, "cgroup", buf, sizeof(buf)) : -1;

	if (n > 0 && !((path.p ? path.len > 1 : g || v->cgs) && cgs_is_nowhere(buf, (size_t)n)))
		return cgs_of_proc_text(t, buf, (size_t)n, id);
	if (path.p)
		return cgs_with(t, v->cgs, hier, path, id);
	return g ? cgs_with(t, v->cgs, (unsigned)t->group_hier, txt_str(g->path), id) : NULL;
}

bool cgs_moved(struct hc_tracker *t, struct tver *v, uint32_t tgid, uint64_t id, unsigned hier, struct hc_str path)
{
	bool of_ids = !path.p || is_group_hier(t, hier);
	const struct tgroup *g = of_ids ? group_find(t, id) : NULL;
	struct tcgs *now;

	if (of_ids && id) {
		v->cgroup_id = id;
		v->has |= HAS_CGROUP;
	}
	now = path.p && cgs_has(v->cgs, hier) ? cgs_with(t, v->cgs, hier, path, id)
	                                      : cgs_asked(t, v, tgid, id, hier, path, g);
	if (!now)
		return false;
	cgs_unref(t, v->cgs);
	v->cgs = now;
	return true;
}
