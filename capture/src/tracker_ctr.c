/*
 * What is known of containers: each is looked up by its id when its first cgroup is seen, and again until its
 * runtime's files have told all. Facts that come later make a new version of the container, and with it new
 * versions of the processes in it, so that a row never changes its meaning.
 */
#include "tracker_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LOOK_NS UINT64_C(10000000)
#define LONGEST_LOOK_NS UINT64_C(2000000000)
#define MAX_LOOKS 12 /* about ten seconds */
#define UNKNOWN_NS UINT64_C(200000000)

int ctr_open(struct hc_tracker *t, struct hc_err *err)
{
	int code = 0;

	if (t->opts.containers)
		code = ctr_disk_open(t->opts.container_roots, t->opts.n_container_roots, true, &t->disk, err);
	if (code >= 0 && t->opts.sockets)
		code = ctr_sockets_open(t->opts.runtime_sockets, t->opts.n_runtime_sockets, &t->sockets, err);
	return code;
}

bool ctr_looks(const struct hc_tracker *t)
{
	return t->disk || t->sockets;
}

void ctr_done(struct hc_tracker *t)
{
	struct ctr_news *n;
	struct tctr *c;

	while ((n = t->ctr_news) != NULL) {
		t->ctr_news = n->next;
		ctr_unref(t, n->ctr);
		free(n);
	}
	TABLE_ALL(&t->cgroups, at, c)
	ctr_unref(t, c);
	table_done(&t->cgroups);
	t->sockets = ctr_sockets_close(t->sockets);
	t->disk = ctr_disk_close(t->disk);
}

/* ---- names that only a runtime can tell to be containers ---- */

/* The name that a runtime would know the component by; false: it is none of a container. */
static bool free_name(struct hc_str c, struct hc_str *ret)
{
	static const char *const prefixes[] = { "machine-", "runc-", "crun-", "nerdctl-", "lxc.payload." };
	static const char *const units[] = { ".slice", ".service", ".mount", ".socket", ".swap" };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (hc_str_ends(c, hc_str_c(units[i])))
			return false;
	if (hc_str_ends(c, HC_STR(".scope"))) {
		struct hc_str whole = c;

		for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
			if (hc_str_starts(c, hc_str_c(prefixes[i]))) {
				c.p += strlen(prefixes[i]);
				c.len -= (uint32_t)strlen(prefixes[i]);
				break;
			}
		if (c.p == whole.p)
			return false;
		c.len -= 6;
	}
	*ret = c;
	return c.len > 0 && c.len <= CTR_MAX_ID_BYTES;
}

/* Asks the runtimes, but not again and again for the same name of an ordinary group. */
static struct ctr_facts *ask_name(struct hc_tracker *t, struct hc_str name)
{
	uint64_t hash = hash_bytes(t->seed, name.p, name.len).a | 1, *known;
	struct ctr_facts *f;

	if (t->now_ns - t->ctr_unknown_ns > UNKNOWN_NS) {
		memset(t->ctr_unknown, 0, sizeof(t->ctr_unknown));
		t->ctr_unknown_ns = t->now_ns;
	}
	known = &t->ctr_unknown[hash % N_CTR_UNKNOWN];
	if (*known == hash)
		return NULL;
	f = ctr_disk_find(t->disk, name);
	if (!f)
		*known = hash;
	return f;
}

bool ctr_by_name(struct hc_tracker *t, struct hc_str path, struct cgroup_ctr *ret, struct ctr_facts **ret_facts)
{
	struct cgroup_ctr found = { 0 };
	struct ctr_facts *facts = NULL;
	const char *end;

	if (!t->disk || !path.len)
		return false;
	end = path.p + path.len;
	while (end > path.p) { /* from the innermost outwards */
		const char *slash = memrchr(path.p, '/', (size_t)(end - path.p));
		const char *begin = slash ? slash + 1 : path.p;
		struct hc_str name;
		struct tctr *c;

		if (free_name((struct hc_str){ begin, (uint32_t)(end - begin) }, &name)) {
			struct ctr_facts *f = NULL;
			bool known = false;

			TABLE_EACH(&t->cgroups, hash_bytes(t->seed, name.p, name.len).a, at, c)
			{
				known |= hc_str_eq(txt_str(c->id), name);
			}
			if (!known)
				f = ask_name(t, name);
			if (known || f) {
				found.outer = name;
				if (!found.id.p) {
					found.id = name;
					found.path = (struct hc_str){ path.p, (uint32_t)(end - path.p) };
					found.runtime = f && f->runtime.p ? f->runtime : HC_STR("oci");
					facts = f;
					f = NULL;
				}
			}
			ctr_facts_free(f);
		}
		end = slash ? slash : path.p;
	}
	if (!found.id.p)
		return false;
	*ret = found;
	*ret_facts = facts;
	return true;
}

/* ---- rows ---- */

static void news_add(struct hc_tracker *t, struct tctr *c, uint16_t type, const char *phase)
{
	struct ctr_news *n;

	t->n_cgroup_changes++;
	if (!ctr_looks(t) && !t->opts.pods)
		return; /* an import has its own rows */
	n = calloc(1, sizeof(*n));
	if (!n)
		return;
	n->ctr = REF(c);
	n->type = type;
	n->phase = phase;
	*t->ctr_news_end = n;
	t->ctr_news_end = &n->next;
}

/* One more of "KIND:name+name,KIND:name", of which n bytes are there. */
static size_t add_source(char *buf, size_t room, size_t n, const char *name)
{
	const char *between = n && buf[n - 1] != ':' ? "+" : "";

	return n + (size_t)snprintf(buf + n, room - n, "%s%s", between, name);
}

static struct hc_str source_of(const struct tctr *k, char *buf, size_t room)
{
	static const char *const names[] = { "docker", "podman", "overlay", "containerd",
		                             "crun",   "runc",   "lxc",     "nspawn" };
	unsigned files = k->facts ? k->facts->files : 0;
	size_t n = 0;

	if (files & CTR_FILE_SCAP)
		return HC_STR("scap");
	if (!files)
		return !k->asked || k->waiting ? HC_STR("cgroup") : HC_STR("none");
	if (files & ~CTR_SOCKETS)
		n = (size_t)snprintf(buf, room, "disk:");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (files >> i & 1)
			n = add_source(buf, room, n, names[i]);
	if (files & CTR_SOCKETS)
		n += (size_t)snprintf(buf + n, room - n, "%ssocket:", n ? "," : "");
	for (unsigned i = 0; i < CTR_N_KINDS; i++)
		if (files & CTR_SOCKET_DOCKER << i)
			n = add_source(buf, room, n, ctr_socket_kind_name(i));
	return (struct hc_str){ buf, (uint32_t)n };
}

static int news_row(struct hc_tracker *t, const struct ctr_news *n, uint64_t now_ns, struct hc_err *err)
{
	struct hc_builder *b = row_begin(t, n->type, now_ns, err);
	struct hc_cells *c = &t->cells;
	char source[128];

	if (!b)
		return err && err->code ? err->code : -EIO;
	/* the three types have the same columns */
	cell_ref(c, HC_C_CTR_START_container, in_ctr(t, b, n->ctr));
	cell_ref(c, HC_C_CTR_START_phase, hc_build_str(b, hc_str_c(n->phase)));
	cell_ref(c, HC_C_CTR_START_source, hc_build_str(b, source_of(n->ctr, source, sizeof(source))));
	return row_end(t, n->type, 0, now_ns, NULL, err);
}

_Static_assert((int)HC_C_CTR_START_container == (int)HC_C_CTR_STOP_container &&
                       (int)HC_C_CTR_START_source == (int)HC_C_CTR_UPDATE_source &&
                       (int)HC_C_CTR_START_phase == (int)HC_C_CTR_STOP_phase,
               "rows about containers are alike");

int ctr_write_news(struct hc_tracker *t, uint64_t now_ns, struct hc_err *err)
{
	int r = 0;

	while (t->ctr_news && r >= 0) {
		struct ctr_news *n = t->ctr_news;

		t->ctr_news = n->next;
		if (!t->ctr_news)
			t->ctr_news_end = &t->ctr_news;
		r = news_row(t, n, now_ns, err);
		ctr_unref(t, n->ctr);
		free(n);
	}
	return r;
}

/* ---- facts ---- */

static void runtime_from(struct hc_tracker *t, struct tctr *c)
{
	struct hc_str told = c->facts->runtime;

	/* what the path says is more than what the program below it says: Docker runs crun too */
	if (told.p &&
	    (c->facts->files & CTR_FILE_SCAP || txt_is(c->runtime, "oci") || txt_is(c->runtime, "cri"))) {
		txt_unref(t, c->runtime);
		c->runtime = txt_get(t, told.p, told.len);
	}
}

/* The first facts about a container have come. */
static void note_known(struct hc_tracker *t, const struct tctr *c)
{
	static const uint64_t bounds_ms[HC_TRACKER_N_TIMES] = HC_TRACKER_TIMES_MS;
	uint64_t after_ns = t->now_ns > c->seen_ns ? t->now_ns - c->seen_ns : 0;
	unsigned i = 0;

	while (i < HC_TRACKER_N_TIMES && after_ns > bounds_ms[i] * 1000000)
		i++;
	t->stats.ctrs_known_after[i]++;
	t->stats.ctrs_known_after_ns += after_ns;
}

static void facts_put(struct hc_tracker *t, struct tctr *c, struct ctr_facts *f)
{
	c->facts = f;
	c->known_at_ns = t->now_ns;
	t->stats.n_ctr_cut += f->n_cut;
	runtime_from(t, c);
}

static void wait_more(struct hc_tracker *t, struct tctr *c)
{
	uint64_t pause = FIRST_LOOK_NS << (c->n_looks < 16 ? c->n_looks : 16);

	if (!c->waiting)
		t->n_ctr_waiting++;
	c->waiting = true;
	c->look_ns = t->now_ns + (pause < LONGEST_LOOK_NS ? pause : LONGEST_LOOK_NS);
}

static bool is_whole(const struct ctr_facts *f)
{
	return f && f->files & CTR_FILE_OCI;
}

/* What the files do not tell, as far as a runtime could. */
static bool lacks(const struct tctr *c)
{
	const struct ctr_facts *f = c->facts;

	return !f || !f->files || (!f->image.p && f->is_sandbox != CTR_YES) || !f->image_digest.p ||
	       !f->has_labels || ((c->pod_uid || f->pod_uid.p) && (!f->has_pod_labels || !f->has_pod_annotations));
}

static void socket_ask(struct hc_tracker *t, const struct tctr *c)
{
	const struct hc_str none = { NULL, 0 };

	if (t->sockets && lacks(c) && !(c->facts && c->facts->files & CTR_SOCKETS))
		ctr_sockets_ask(t->sockets, txt_str(c->id), c->runtime ? txt_str(c->runtime) : none,
		                c->facts ? c->facts->sandbox_id : none);
}

void ctr_born(struct hc_tracker *t, struct tctr *c, struct ctr_facts *facts)
{
	if (!ctr_looks(t) && !t->opts.pods)
		return;
	t->stats.n_ctrs++;
	c->phase = t->in_snapshot ? CTR_EXISTED : CTR_CREATED;
	c->asked = ctr_looks(t);
	c->seen_ns = t->now_ns;
	if (!facts && t->disk)
		facts = ctr_disk_find(t->disk, txt_str(c->id));
	if (facts)
		facts_put(t, c, facts);
	if (facts && facts->files)
		note_known(t, c);
	if (ctr_looks(t) && !is_whole(facts))
		wait_more(t, c);
	pod_born(t, c);
	socket_ask(t, c);
	news_add(t, c, HC_EV_CTR_START, t->in_snapshot ? "existed" : "created");
}

/* The version that takes the place of `old`, which goes on in the rows that have it. */
static struct tctr *renew(struct hc_tracker *t, const struct tctr *old, struct ctr_facts *facts)
{
	struct tctr *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1; /* the table's, once it is there */
	c->id = REF1(old->id);
	c->runtime = REF(old->runtime);
	c->path = REF(old->path);
	c->outer = REF(old->outer);
	c->cgroup_id = old->cgroup_id;
	c->seen_ns = old->seen_ns;
	c->phase = old->phase;
	c->asked = old->asked;
	c->n_looks = old->n_looks;
	if (facts)
		facts_put(t, c, facts);
	pod_inherit(t, c, old);
	return c;
}

struct tctr *ctr_renew(struct hc_tracker *t, const struct tctr *old)
{
	struct tctr *c = renew(t, old, NULL);

	if (!c)
		return NULL;
	c->facts = ctr_facts_share(old->facts);
	c->sandbox = ctr_facts_share(old->sandbox);
	c->known_at_ns = old->known_at_ns;
	if (old->waiting)
		t->n_ctr_waiting++;
	c->waiting = old->waiting;
	c->look_ns = old->look_ns;
	return c;
}

/* The version's container is another now. Returns whether it was `old`. */
static bool move_cgs(struct hc_tracker *t, struct tcgs **at, const struct tctr *old, struct tctr *now)
{
	struct tcgs *cgs;

	if (!*at || (*at)->ctr != old)
		return false;
	cgs = cgs_with_ctr(*at, now);
	if (!cgs)
		return false;
	cgs_unref(t, *at);
	*at = cgs;
	return true;
}

static void move_version(struct hc_tracker *t, struct tproc *p, struct ttask *k, const struct tctr *old,
                         struct tctr *now)
{
	const struct tver *v = k ? k->own : p->cur;
	struct edit e;

	if ((!v->cgs || v->cgs->ctr != old) && (!v->cgs_exec || v->cgs_exec->ctr != old))
		return;
	if (!edit_begin(t, &e, p, k, HC_CAUSE_METADATA))
		return;
	e.changed = move_cgs(t, &e.v->cgs, old, now);
	e.changed |= move_cgs(t, &e.v->cgs_exec, old, now);
	e.thread_only = k != NULL;
	edit_end(t, &e);
}

static void move_processes(struct hc_tracker *t, const struct tctr *old, struct tctr *now)
{
	struct tproc *p;

	TABLE_ALL(&t->procs, at, p)
	{
		if (p->dead_ns)
			continue;
		move_version(t, p, NULL, old, now);
		for (struct ttask *k = p->tasks; k; k = k->next)
			if (k->own)
				move_version(t, p, k, old, now);
	}
}

void ctr_replace(struct hc_tracker *t, struct tctr *old, struct tctr *now, const char *phase)
{
	uint64_t hash = now->id->hash;

	if (!table_remove(&t->cgroups, hash, old)) {
		t->n_ctr_waiting -= now->waiting;
		ctr_unref(t, now);
		return;
	}
	if (old->waiting)
		t->n_ctr_waiting--;
	old->waiting = false;
	news_add(t, now, HC_EV_CTR_UPDATE, phase);
	move_processes(t, old, now);
	if (!table_add(&t->cgroups, hash, now))
		ctr_unref(t, now);
	ctr_unref(t, old);
}

struct tctr *ctr_retold(struct hc_tracker *t, struct tctr *old, struct ctr_facts *facts, uint64_t known_at_ns)
{
	struct tctr *now = renew(t, old, facts);

	if (!now) {
		ctr_facts_free(facts);
		return NULL;
	}
	now->known_at_ns = known_at_ns;
	if (table_remove(&t->cgroups, old->id->hash, old))
		ctr_unref(t, old);
	if (table_add(&t->cgroups, now->id->hash, now))
		return now;
	ctr_unref(t, now);
	return NULL;
}

static void look_again(struct hc_tracker *t, struct tctr *c)
{
	struct ctr_facts *f = t->disk ? ctr_disk_find(t->disk, txt_str(c->id)) : NULL;
	bool more = f && f->files & ~(c->facts ? c->facts->files : 0);
	struct tctr *now;

	c->n_looks++;
	if (more && c->facts && c->facts->files & CTR_SOCKETS) { /* what the socket told stays */
		struct ctr_facts *both = ctr_facts_joined(f, c->facts);

		ctr_facts_free(f);
		f = both;
	}
	if (more) {
		now = f ? renew(t, c, f) : NULL;
		if (!now) {
			ctr_facts_free(f);
			return;
		}
		if (!c->facts || !c->facts->files)
			note_known(t, now);
		if (!is_whole(f))
			wait_more(t, now);
		socket_ask(t, now);
		ctr_replace(t, c, now, "known");
		return;
	}
	ctr_facts_free(f);
	if (c->n_looks < MAX_LOOKS) {
		wait_more(t, c);
		return;
	}
	if (c->facts && c->facts->files) { /* what there is, is all there will be */
		t->n_ctr_waiting--;
		c->waiting = false;
		return;
	}
	t->stats.n_ctrs_unresolved++;
	now = renew(t, c, NULL);
	if (now)
		ctr_replace(t, c, now, "unresolved");
}

/* A runtime's answer fills what is not known. Takes the facts. */
static void socket_told(struct hc_tracker *t, struct hc_str id, struct ctr_facts *told)
{
	struct tctr *c, *old = NULL, *now;
	struct ctr_facts *f = told;

	TABLE_EACH(&t->cgroups, hash_bytes(t->seed, id.p, id.len).a, at, c)
	{
		if (hc_str_eq(txt_str(c->id), id))
			old = c;
	}
	if (old && old->facts) {
		f = ctr_facts_joined(old->facts, told);
		t->stats.n_ctr_cut += told->n_cut;
		ctr_facts_free(told);
	}
	now = old && f ? renew(t, old, f) : NULL; /* or it is gone */
	if (!now) {
		ctr_facts_free(f);
		return;
	}
	if (!old->facts || !old->facts->files)
		note_known(t, now);
	if (old->waiting)
		t->n_ctr_waiting++;
	now->waiting = old->waiting;
	now->look_ns = old->look_ns;
	ctr_replace(t, old, now, "known");
}

static void sockets_look(struct hc_tracker *t)
{
	struct ctr_told *told;

	while (t->sockets && (told = ctr_sockets_take(t->sockets)) != NULL) {
		socket_told(t, hc_str_c(told->id), told->facts);
		free(told);
	}
}

void ctr_socket_counts(const struct hc_tracker *t, struct hc_tracker_stats *ret)
{
	struct ctr_socket_stats s;

	if (!t->sockets)
		return;
	s = ctr_sockets_stats(t->sockets);
	ret->n_socket_known = s.n_known;
	ret->n_socket_unknown = s.n_unknown;
	ret->n_socket_unasked = s.n_unasked;
	memcpy(ret->n_socket_failures, s.n_failures, sizeof(s.n_failures));
}

_Static_assert(HC_TRACKER_N_SOCKET_KINDS == CTR_N_KINDS, "each kind is counted");

const char *hc_tracker_socket_kind(unsigned kind)
{
	return ctr_socket_kind_name(kind);
}

bool hc_tracker_socket_news(struct hc_tracker *t, struct hc_tracker_socket *ret)
{
	struct ctr_socket_news n;

	if (!t->sockets || !ctr_sockets_news(t->sockets, &n))
		return false;
	*ret = (struct hc_tracker_socket){ .path = n.path,
		                           .kind = ctr_socket_kind_name(n.kind),
		                           .failing = n.failing };
	memcpy(ret->why, n.why, sizeof(ret->why));
	return true;
}

int ctr_tick(struct hc_tracker *t, struct hc_err *err)
{
	struct tctr *due[64], *c;
	unsigned n = 0;
	/* not earlier: by now the recorder has given up its privileges */
	int code = t->disk ? ctr_disk_start(t->disk, err) : 0;

	if (code >= 0 && t->sockets)
		code = ctr_sockets_start(t->sockets, err);
	if (code < 0)
		return code;
	sockets_look(t);
	pod_tick(t);
	if (t->n_ctr_waiting) {
		TABLE_ALL(&t->cgroups, at, c)
		{
			if (c->waiting && c->look_ns <= t->now_ns && n < sizeof(due) / sizeof(due[0]))
				due[n++] = c;
		}
		for (unsigned i = 0; i < n; i++)
			look_again(t, due[i]);
	}
	return t->ctr_news && !t->in_snapshot ? ctr_write_news(t, t->now_ns, err) : 0;
}

struct tctr *ctr_gone(struct hc_tracker *t, struct hc_str path)
{
	struct tctr *c, *found = NULL;

	TABLE_ALL(&t->cgroups, at, c)
	{
		if (hc_str_eq(txt_str(c->path), path))
			found = c;
	}
	if (!found || !table_remove(&t->cgroups, found->id->hash, found))
		return NULL;
	if (found->waiting) {
		t->n_ctr_waiting--;
		found->waiting = false;
		t->stats.n_ctrs_unresolved += !found->facts || !found->facts->files;
	}
	if (t->sockets)
		ctr_sockets_forget(t->sockets, txt_str(found->id));
	news_add(t, found, HC_EV_CTR_STOP, "gone");
	return found;
}

size_t hc_tracker_runtimes(const struct hc_tracker *t, struct hc_tracker_runtime ret[HC_TRACKER_MAX_RUNTIMES])
{
	const size_t last = HC_TRACKER_MAX_RUNTIMES - 1;
	const struct tctr *c;
	size_t n = 0;

	memset(ret, 0, sizeof(*ret) * HC_TRACKER_MAX_RUNTIMES);
	TABLE_ALL(&t->cgroups, at, c)
	{
		struct hc_str name = c->runtime ? txt_str(c->runtime) : HC_STR("unknown");
		size_t i = 0;

		while (i < n && !hc_str_eq(name, hc_str_c(ret[i].name)))
			i++;
		if (i >= last || !name.len || name.len >= sizeof(ret[0].name)) {
			ret[last].n++;
			continue;
		}
		if (i == n) {
			memcpy(ret[i].name, name.p, name.len);
			n++;
		}
		ret[i].n++;
	}
	if (ret[last].n) { /* the last of those given */
		ret[n] = ret[last];
		snprintf(ret[n].name, sizeof(ret[n].name), "other");
		n++;
	}
	return n;
}

/* ---- cells ---- */

static void cell_text(struct hc_builder *b, struct hc_cells *c, unsigned col, struct hc_str s)
{
	if (s.p)
		cell_ref(c, col, hc_build_str(b, s));
}

static void cell_strs(struct hc_builder *b, struct hc_cells *c, unsigned col, const struct ctr_strs *list,
                      bool has)
{
	uint32_t refs[CTR_MAX_ITEMS];

	if (!has)
		return;
	for (uint32_t i = 0; i < list->n; i++)
		refs[i] = hc_build_str(b, list->v[i]);
	cell_ref(c, col, hc_build_strs(b, refs, list->n));
}

static void cell_labels(struct hc_tracker *t, struct hc_builder *b, struct hc_cells *c, unsigned col,
                        const struct tctr *k, const char *column, const struct ctr_strs *list, bool has)
{
	uint32_t refs[CTR_MAX_ITEMS];

	if (!has)
		return;
	for (uint32_t i = 0; i < list->n; i++)
		refs[i] = hc_build_str(b, mask_label(t, k, column, list->v[i]));
	cell_ref(c, col, hc_build_strs(b, refs, list->n));
}

static void cell_tri(struct hc_cells *c, unsigned col, uint8_t tri)
{
	if (tri != CTR_UNKNOWN)
		hc_cell_set(c, col, tri == CTR_YES);
}

static void cells_of_files(struct hc_tracker *t, struct hc_builder *b, struct hc_cells *c, const struct tctr *k)
{
	const struct ctr_facts *f = k->facts;

	cell_text(b, c, HC_O_CTR_name, f->name);
	cell_text(b, c, HC_O_CTR_image, f->image);
	cell_text(b, c, HC_O_CTR_image_id, f->image_id);
	cell_text(b, c, HC_O_CTR_image_repo, f->image_repo);
	cell_text(b, c, HC_O_CTR_image_tag, f->image_tag);
	cell_text(b, c, HC_O_CTR_image_digest, f->image_digest);
	if (f->created_ns)
		hc_cell_set(c, HC_O_CTR_created_ns, (uint64_t)f->created_ns);
	if (f->start_ns)
		hc_cell_set(c, HC_O_CTR_start_ns, (uint64_t)f->start_ns);
	cell_tri(c, HC_O_CTR_privileged, f->privileged);
	cell_tri(c, HC_O_CTR_is_sandbox, f->is_sandbox);
	cell_text(b, c, HC_O_CTR_sandbox_id, f->sandbox_id);
	cell_strs(b, c, HC_O_CTR_mounts, &f->mounts, f->has_mounts);
	cell_labels(t, b, c, HC_O_CTR_labels, k, "labels", &f->labels, f->has_labels);
	cell_labels(t, b, c, HC_O_CTR_annotations, k, "annotations", &f->annotations, f->has_annotations);
	cell_strs(b, c, HC_O_CTR_env_names, &f->env_names, f->has_env);
	if (f->has_caps)
		hc_cell_set(c, HC_O_CTR_caps, f->caps);
	cell_tri(c, HC_O_CTR_host_pid, f->host_pid);
	cell_tri(c, HC_O_CTR_host_net, f->host_net);
	cell_tri(c, HC_O_CTR_host_ipc, f->host_ipc);
	cell_tri(c, HC_O_CTR_user_ns, f->user_ns);
	cell_text(b, c, HC_O_CTR_ip, f->ip);
	cell_text(b, c, HC_O_CTR_pod_name, f->pod_name);
	cell_text(b, c, HC_O_CTR_pod_namespace, f->pod_namespace);
	cell_text(b, c, HC_O_CTR_pod_uid, f->pod_uid);
	cell_text(b, c, HC_O_CTR_pod_ip, f->pod_ip);
	cell_labels(t, b, c, HC_O_CTR_pod_labels, k, "pod_labels", &f->pod_labels, f->has_pod_labels);
	cell_labels(t, b, c, HC_O_CTR_pod_annotations, k, "pod_annotations", &f->pod_annotations,
	            f->has_pod_annotations);
	cell_text(b, c, HC_O_CTR_seccomp, f->seccomp);
	cell_text(b, c, HC_O_CTR_apparmor, f->apparmor);
	cell_text(b, c, HC_O_CTR_selinux, f->selinux);
	if (f->has_paths) {
		hc_cell_set(c, HC_O_CTR_masked_paths, f->n_masked_paths);
		hc_cell_set(c, HC_O_CTR_readonly_paths, f->n_readonly_paths);
	}
}

/* A text that is there: empty where nothing is known. */
static void cell_told(struct hc_builder *b, struct hc_cells *c, unsigned col, struct hc_str s)
{
	cell_ref(c, col, hc_build_str(b, s.p ? s : HC_STR("")));
}

/* As Falco's container plugin answers: what was told of the container itself where there is an answer of the
 * network plugin, else what was told of its sandbox. */
static void cells_of_network(struct hc_builder *b, struct hc_cells *c, const struct tctr *k)
{
	const struct ctr_facts *f = k->facts, *of = f->cni_json.len ? f : k->sandbox;
	struct hc_str none = HC_STR("");

	cell_told(b, c, HC_O_CTR_cni_json, f->cni_json);
	if (of || !f->sandbox_id.len) { /* else its sandbox was not told of */
		cell_told(b, c, HC_O_CTR_pod_ip, of ? of->ip : none);
		cell_told(b, c, HC_O_CTR_pod_cni_json, of ? of->cni_json : none);
	}
	if (of == k->sandbox && of)
		cell_strs(b, c, HC_O_CTR_pod_labels, &of->pod_labels, of->has_pod_labels);
}

void cells_of_facts(struct hc_tracker *t, struct hc_builder *b, struct hc_cells *c, struct tctr *k)
{
	char source[128];

	cell_text(b, c, HC_O_CTR_source, source_of(k, source, sizeof(source)));
	if (k->facts && k->facts->files) {
		hc_cell_set(c, HC_O_CTR_known_at_ns, k->known_at_ns);
		cells_of_files(t, b, c, k);
		if (k->facts->files & CTR_FILE_SCAP)
			cells_of_network(b, c, k);
		else if (!k->pod_uid && !k->facts->pod_uid.len)
			cell_told(b, c, HC_O_CTR_pod_ip, HC_STR("")); /* in no pod, as far as is known */
	}
	cells_of_pod(t, b, c, k);
	k->mask_told = true;
}
