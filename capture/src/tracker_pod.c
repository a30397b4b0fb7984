/*
 * What the API server knows of the pods whose containers are here (capture/kube.h). A container is joined to its
 * pod by its id, which the server has a while after the container runs, and until then by the pod's uid in the
 * path of its cgroup. What comes late, or changes, makes a new version of the container as late facts of its
 * runtime do.
 */
#include "tracker_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LOOK_NS UINT64_C(200000000)      /* between two looks for pods that have changed */
#define SETTLE_NS UINT64_C(1000000000)   /* between two looks for containers that have waited enough */
#define PATIENCE_NS UINT64_C(3000000000) /* the server knows a pod before its first container is made */
#define MAX_CHANGED 32                   /* pods in one look */
#define MAX_MINE 128                     /* containers of a pod; of more, the rest keep what is known */

/* ---- the uid in a path ---- */

static bool is_uid(struct hc_str s)
{
	bool ok = s.len > 0 && s.len < POD_UID_BYTES;

	for (uint32_t i = 0; i < s.len && ok; i++)
		ok = isalnum((unsigned char)s.p[i]) || s.p[i] == '-' || s.p[i] == '_';
	return ok;
}

/* "podUID" of the driver cgroupfs, "kubepods-burstable-podUID.slice" of systemd. */
static bool component_uid(struct hc_str c, struct hc_str *ret)
{
	static const char slice[] = ".slice";
	struct hc_str s = c;

	if (s.len > sizeof(slice) - 1 && hc_str_ends(s, hc_str_c(slice))) {
		const char *pod = memmem(s.p, s.len, "-pod", 4);

		if (!pod)
			return false;
		s = (struct hc_str){ pod + 4, (uint32_t)(s.p + s.len - (sizeof(slice) - 1) - (pod + 4)) };
	} else if (hc_str_starts(s, HC_STR("pod"))) {
		s = (struct hc_str){ s.p + 3, s.len - 3 };
	} else {
		return false;
	}
	if (!is_uid(s))
		return false;
	*ret = s;
	return true;
}

size_t pod_uid_of_path(struct hc_str path, char ret[POD_UID_BYTES])
{
	const char *p = path.p, *end = path.len ? path.p + path.len : path.p;
	struct hc_str found = { NULL, 0 };
	bool below = false;

	while (p < end) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		struct hc_str c = { p, (uint32_t)((slash ? slash : end) - p) };

		below |= memmem(c.p, c.len, "kubepods", 8) != NULL;
		if (below)
			component_uid(c, &found);
		p += c.len + 1;
	}
	for (uint32_t i = 0; i < found.len; i++) /* no uid has a '_'; systemd's names have no '-' */
		ret[i] = (char)(found.p[i] == '_' ? '-' : found.p[i]);
	ret[found.len] = '\0';
	return found.len;
}

/* ---- joining ---- */

void hc_tracker_set_kube(struct hc_tracker *t, struct hc_kube *k)
{
	t->kube = k;
	t->pods_seq = 0;
}

static void set_uid(struct hc_tracker *t, struct tctr *c)
{
	char uid[POD_UID_BYTES];
	size_t n = pod_uid_of_path(txt_str(c->path), uid);

	if (c->pod_uid)
		return;
	if (n)
		c->pod_uid = txt_get(t, uid, n);
	else if (c->facts && c->facts->pod_uid.p)
		c->pod_uid = txt_get(t, c->facts->pod_uid.p, c->facts->pod_uid.len);
}

/* The pod's, or this container's part of it; a reference in *ret. */
static bool find(struct hc_tracker *t, const struct tctr *c, struct hc_kube_found *ret)
{
	return hc_kube_find(t->kube, txt_str(c->id), ret) ||
	       (c->pod_uid && hc_kube_find_uid(t->kube, txt_str(c->pod_uid), ret));
}

static void put(struct tctr *c, const struct hc_kube_found *f)
{
	c->pod = f->pod;
	c->pod_ns = f->ns;
	c->pod_idx = f->container_idx;
}

void pod_born(struct hc_tracker *t, struct tctr *c)
{
	struct hc_kube_found f;

	set_uid(t, c);
	c->pod_idx = UINT32_MAX;
	c->pod_asked = t->opts.pods && c->pod_uid;
	if (t->kube && find(t, c, &f))
		put(c, &f);
}

void pod_inherit(struct hc_tracker *t, struct tctr *c, const struct tctr *old)
{
	c->pod_uid = REF(old->pod_uid);
	set_uid(t, c); /* its files may have told by now */
	c->pod_asked = t->opts.pods && c->pod_uid;
	c->pod_none = old->pod_none;
	c->pod_idx = old->pod_idx;
	c->pod = old->pod;
	c->pod_ns = old->pod_ns;
	if (c->pod)
		hc_kube_pod_ref(c->pod);
	if (c->pod_ns)
		hc_kube_ns_ref(c->pod_ns);
}

void pod_done(struct hc_tracker *t, struct tctr *c)
{
	txt_unref(t, c->pod_uid);
	hc_kube_pod_unref(c->pod);
	hc_kube_ns_unref(c->pod_ns);
}

/* ---- what is stored, and whether it has changed ---- */

static const struct hc_kube_container *container_of(const struct tctr *c)
{
	return c->pod && c->pod_idx < c->pod->n_containers ? &c->pod->containers[c->pod_idx] : NULL;
}

static const struct hc_kube_owner *owner_of(const struct hc_kube_pod *p)
{
	for (uint32_t i = 0; i < p->n_owners; i++)
		if (p->owners[i].controller)
			return &p->owners[i];
	return p->n_owners ? &p->owners[0] : NULL;
}

/* It repeats the whole object as it was applied, with the values of environment variables. */
static bool is_kept(const struct hc_kube_kv *kv)
{
	return !hc_str_eq(kv->key, HC_STR("kubectl.kubernetes.io/last-applied-configuration"));
}

static bool same_kvs(const struct hc_kube_kv *a, uint32_t n_a, const struct hc_kube_kv *b, uint32_t n_b)
{
	bool same = n_a == n_b;

	for (uint32_t i = 0; i < n_a && same; i++)
		same = hc_str_eq(a[i].key, b[i].key) && hc_str_eq(a[i].value, b[i].value);
	return same;
}

static bool same_owner(const struct hc_kube_owner *a, const struct hc_kube_owner *b)
{
	return a == b || (a && b && hc_str_eq(a->kind, b->kind) && hc_str_eq(a->name, b->name));
}

static bool same_container(const struct hc_kube_container *a, const struct hc_kube_container *b)
{
	return a == b ||
	       (a && b && a->type == b->type && a->privileged == b->privileged && hc_str_eq(a->name, b->name) &&
	        hc_str_eq(a->asked_image, b->asked_image) && hc_str_eq(a->image_id, b->image_id));
}

static bool same_ns(const struct hc_kube_ns *a, const struct hc_kube_ns *b)
{
	return a == b ||
	       (a && b && same_kvs(a->meta.labels, a->meta.n_labels, b->meta.labels, b->meta.n_labels) &&
	        same_kvs(a->meta.annotations, a->meta.n_annotations, b->meta.annotations, b->meta.n_annotations));
}

/* Most changes of a pod are of its conditions and tell nothing of what is stored. */
static bool same(const struct tctr *c, const struct hc_kube_found *f)
{
	struct tctr now = { .pod = f->pod, .pod_idx = f->container_idx };
	const struct hc_kube_pod *a = c->pod, *b = f->pod;

	if (!same_ns(c->pod_ns, f->ns))
		return false;
	return a == b ||
	       (a && same_kvs(a->meta.labels, a->meta.n_labels, b->meta.labels, b->meta.n_labels) &&
	        same_kvs(a->meta.annotations, a->meta.n_annotations, b->meta.annotations, b->meta.n_annotations) &&
	        same_owner(owner_of(a), owner_of(b)) && same_container(container_of(c), container_of(&now)) &&
	        hc_str_eq(a->meta.uid, b->meta.uid) && hc_str_eq(a->ip, b->ip) && hc_str_eq(a->qos, b->qos) &&
	        hc_str_eq(a->service_account, b->service_account));
}

/* ---- changes ---- */

static void take(struct hc_tracker *t, struct tctr *c)
{
	const char *phase;
	struct hc_kube_found f;
	struct tctr *now;

	if (!find(t, c, &f))
		return;
	phase = c->pod && (c->pod_ns || !f.ns) ? "changed" : "known";
	/* a container that has ended keeps what was known of it when it ran */
	if ((f.container_idx == UINT32_MAX && container_of(c)) || (f.container_idx == c->pod_idx && same(c, &f)) ||
	    !(now = ctr_renew(t, c))) {
		hc_kube_found_done(&f);
		return;
	}
	hc_kube_pod_unref(now->pod);
	hc_kube_ns_unref(now->pod_ns);
	put(now, &f);
	now->pod_none = false;
	ctr_replace(t, c, now, phase);
}

/* Those of the pod that are here: few, so they are gathered before any of them is replaced. */
static void take_changed(struct hc_tracker *t, const struct hc_kube_pod *pod)
{
	struct tctr *mine[MAX_MINE], *c;
	unsigned n = 0;

	TABLE_ALL(&t->cgroups, at, c)
	{
		bool is =
			c->pod_uid && (hc_str_eq(txt_str(c->pod_uid), pod->meta.uid) ||
		                       (pod->static_hash.len && hc_str_eq(txt_str(c->pod_uid), pod->static_hash)));

		for (uint32_t i = 0; i < pod->n_containers && !is && !c->pod_uid; i++)
			is = hc_str_eq(txt_str(c->id), pod->containers[i].id);
		if (is && n < MAX_MINE)
			mine[n++] = c;
	}
	for (unsigned i = 0; i < n; i++)
		take(t, mine[i]);
}

/* Says of containers of pods that the server, which answers, does not know them. */
static void settle(struct hc_tracker *t)
{
	struct hc_kube_stats s;
	struct tctr *mine[64], *c;
	unsigned n = 0;

	hc_kube_stats(t->kube, &s);
	if (!s.of[HC_KUBE_PODS].synced || !s.of[HC_KUBE_PODS].connected)
		return;
	if (!t->pods_synced_ns)
		t->pods_synced_ns = t->now_ns;
	if (t->now_ns - t->pods_synced_ns < PATIENCE_NS)
		return;
	TABLE_ALL(&t->cgroups, at, c)
	{
		if (c->pod_uid && !c->pod && !c->pod_none && t->now_ns - c->seen_ns >= PATIENCE_NS &&
		    n < sizeof(mine) / sizeof(mine[0]))
			mine[n++] = c;
	}
	for (unsigned i = 0; i < n; i++) {
		struct tctr *now = ctr_renew(t, mine[i]);

		if (!now)
			continue;
		now->pod_none = true;
		t->stats.n_ctrs_podless++;
		ctr_replace(t, mine[i], now, "unresolved");
	}
}

void pod_tick(struct hc_tracker *t)
{
	struct hc_kube_found changed[MAX_CHANGED];
	size_t n;

	if (!t->kube || t->now_ns - t->pods_look_ns < LOOK_NS)
		return;
	n = hc_kube_pods_since(t->kube, &t->pods_seq, changed, MAX_CHANGED);
	if (n < MAX_CHANGED) /* else the rest at the next tick */
		t->pods_look_ns = t->now_ns;
	for (size_t i = 0; i < n; i++) {
		take_changed(t, changed[i].pod);
		hc_kube_found_done(&changed[i]);
	}
	if (t->now_ns - t->pods_settle_ns < SETTLE_NS)
		return;
	t->pods_settle_ns = t->now_ns;
	settle(t);
}

/* ---- cells ---- */

static void cell_some(struct hc_builder *b, struct hc_cells *c, unsigned col, struct hc_str s)
{
	if (s.len)
		cell_ref(c, col, hc_build_str(b, s));
}

static void cell_kvs(struct hc_tracker *t, struct hc_builder *b, struct hc_cells *c, unsigned col,
                     const struct tctr *of, const char *column, const struct hc_kube_kv *kv, uint32_t n)
{
	char text[512 + HC_KUBE_MAX_VALUE_BYTES];
	uint32_t refs[CTR_MAX_ITEMS], k = 0;

	for (uint32_t i = 0; i < n && k < CTR_MAX_ITEMS; i++) {
		int bytes = snprintf(text, sizeof(text), HC_STR_FMT "=" HC_STR_FMT, HC_STR_ARG(kv[i].key),
		                     HC_STR_ARG(kv[i].value));

		if (is_kept(&kv[i]) && bytes > 0 && (size_t)bytes < sizeof(text))
			refs[k++] = hc_build_str(
				b, mask_label(t, of, column, (struct hc_str){ text, (uint32_t)bytes }));
	}
	cell_ref(c, col, hc_build_strs(b, refs, k));
}

/* Whatever the runtime gives: "[scheme://]name@sha256:digest", "[scheme://]sha256:id". */
static void cell_image_id(struct hc_builder *b, struct hc_cells *c, struct hc_str s, bool has_id, bool has_digest)
{
	const char *scheme = s.len ? memmem(s.p, s.len, "://", 3) : NULL, *at;

	if (scheme)
		s = (struct hc_str){ scheme + 3, s.len - (uint32_t)(scheme + 3 - s.p) };
	at = s.len ? memchr(s.p, '@', s.len) : NULL;
	if (at && !has_digest)
		cell_some(b, c, HC_O_CTR_image_digest,
		          (struct hc_str){ at + 1, s.len - (uint32_t)(at + 1 - s.p) });
	else if (!at && !has_id && hc_str_starts(s, HC_STR("sha256:")))
		cell_some(b, c, HC_O_CTR_image_id, (struct hc_str){ s.p + 7, s.len - 7 });
}

static void cells_of_container(struct hc_builder *b, struct hc_cells *c, const struct ctr_facts *f,
                               const struct hc_kube_container *k)
{
	static const char *const types[] = { "container", "init", "ephemeral" };

	cell_some(b, c, HC_O_CTR_pod_container, hc_str_c(types[k->type]));
	if (!f->name.p)
		cell_some(b, c, HC_O_CTR_name, k->name);
	if (f->privileged == CTR_UNKNOWN)
		hc_cell_set(c, HC_O_CTR_privileged, k->privileged);
	cell_image_id(b, c, k->image_id, f->image_id.p != NULL, f->image_digest.p != NULL);
	if (!f->image.p) {
		struct ctr_image i = ctr_image_split(k->asked_image);

		cell_some(b, c, HC_O_CTR_image, k->asked_image);
		cell_some(b, c, HC_O_CTR_image_repo, i.repo);
		cell_some(b, c, HC_O_CTR_image_tag, i.tag);
	}
}

struct hc_str ctr_image_name(const struct tctr *k)
{
	if (k->facts && k->facts->image.p)
		return k->facts->image;
	return k->pod && container_of(k) ? container_of(k)->asked_image : (struct hc_str){ NULL, 0 };
}

struct hc_str ctr_pod_namespace(const struct tctr *k)
{
	if (k->facts && k->facts->pod_namespace.p)
		return k->facts->pod_namespace;
	return k->pod ? k->pod->ns : (struct hc_str){ NULL, 0 };
}

/* The server's word counts for what changes while a pod lives; else that of the runtime's files, where there is
 * one. */
void cells_of_pod(struct hc_tracker *t, struct hc_builder *b, struct hc_cells *c, const struct tctr *k)
{
	static const struct ctr_facts none;
	const struct ctr_facts *f = k->facts ? k->facts : &none;
	const struct hc_kube_pod *p = k->pod;
	const struct hc_kube_ns *ns = k->pod_ns;
	const struct hc_kube_owner *owner;

	if (p || k->pod_asked)
		cell_some(b, c, HC_O_CTR_pod_source,
		          p             ? HC_STR("api")
		          : k->pod_none ? HC_STR("none")
		                        : HC_STR("waiting"));
	if (!p)
		return;
	hc_cell_set(c, HC_O_CTR_pod_known_at_ns, p->known_at_ns);
	if (ns) {
		hc_cell_set(c, HC_O_CTR_pod_ns_known_at_ns, ns->known_at_ns);
		cell_kvs(t, b, c, HC_O_CTR_pod_ns_labels, k, "pod_ns_labels", ns->meta.labels, ns->meta.n_labels);
		cell_kvs(t, b, c, HC_O_CTR_pod_ns_annotations, k, "pod_ns_annotations", ns->meta.annotations,
		         ns->meta.n_annotations);
	}
	cell_kvs(t, b, c, HC_O_CTR_pod_labels, k, "pod_labels", p->meta.labels, p->meta.n_labels);
	cell_kvs(t, b, c, HC_O_CTR_pod_annotations, k, "pod_annotations", p->meta.annotations,
	         p->meta.n_annotations);
	cell_some(b, c, HC_O_CTR_service_account, p->service_account);
	cell_some(b, c, HC_O_CTR_pod_qos, p->qos);
	owner = owner_of(p);
	if (owner) {
		cell_some(b, c, HC_O_CTR_owner_kind, owner->kind);
		cell_some(b, c, HC_O_CTR_owner_name, owner->name);
	}
	cell_some(b, c, HC_O_CTR_pod_ip, p->ip);
	if (!f->ip.p)
		cell_some(b, c, HC_O_CTR_ip, p->ip);
	if (!f->pod_name.p)
		cell_some(b, c, HC_O_CTR_pod_name, p->meta.name);
	if (!f->pod_namespace.p)
		cell_some(b, c, HC_O_CTR_pod_namespace, p->ns);
	if (!f->pod_uid.p)
		cell_some(b, c, HC_O_CTR_pod_uid, p->meta.uid);
	if (f->host_pid == CTR_UNKNOWN)
		hc_cell_set(c, HC_O_CTR_host_pid, p->host_pid);
	if (f->host_net == CTR_UNKNOWN)
		hc_cell_set(c, HC_O_CTR_host_net, p->host_network);
	if (f->host_ipc == CTR_UNKNOWN)
		hc_cell_set(c, HC_O_CTR_host_ipc, p->host_ipc);
	if (container_of(k))
		cells_of_container(b, c, f, container_of(k));
}
