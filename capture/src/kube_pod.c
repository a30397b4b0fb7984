/* A pod as the API server has it, cut down to what a recording uses; and the table of those of this node. Each pod
 * is one piece of memory, counted, never changed. */
#include "kube_priv.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "json_few.h"

#define MAX_DEPTH 64
#define MAX_ANNOTATION_BYTES (64u << 10)
#define MAX_LABELS 1024u
#define MAX_OWNERS 64u
#define MAX_CONTAINERS 256u
#define MAX_ARGV 256u

struct kube_box {
	atomic_uint refs;
	size_t bytes, used;
	union {
		struct hc_kube_pod pod;
		struct hc_kube_ns ns;
	};
	char mem[];
};

/* ---- JSON ---- */

struct json_object *kube_parse(const char *p, size_t n, uint32_t max_parts, int *ret)
{
	struct json_tokener *tok;
	struct json_object *o;

	*ret = -E2BIG;
	if (n > INT32_MAX || !json_has_few(p, n, max_parts))
		return NULL;
	*ret = -ENOMEM;
	tok = json_tokener_new_ex(MAX_DEPTH);
	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, p, (int)n);
	/* The end of a number is only known behind it. */
	if (!o && json_tokener_get_error(tok) == json_tokener_continue)
		o = json_tokener_parse_ex(tok, "", 1);
	*ret = 0;
	if (json_tokener_get_error(tok) != json_tokener_success || !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
		*ret = -EBADMSG;
	}
	json_tokener_free(tok);
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return v;
}

struct json_object *kube_at(struct json_object *o, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, o);
	while ((key = va_arg(ap, const char *)) != NULL)
		o = member(o, key);
	va_end(ap);
	return o;
}

const char *kube_text(struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

static bool flag(struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key);

	return json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
}

static uint32_t array_length(struct json_object *a, uint32_t max)
{
	size_t n = json_object_is_type(a, json_type_array) ? json_object_array_length(a) : 0;

	return n > max ? max : (uint32_t)n;
}

/* ---- taking from a box, whose size was counted before ---- */

static void *take(struct kube_box *b, size_t n)
{
	void *p = b->mem + b->used;

	n = (n + 15) & ~(size_t)15;
	if (n > b->bytes - b->used)
		return NULL;
	b->used += n;
	return p;
}

static struct hc_str take_str(struct kube_box *b, const char *p, size_t n)
{
	char *to = n ? take(b, n + 1) : NULL;

	if (!to)
		return (struct hc_str){ "", 0 };
	memcpy(to, p, n);
	to[n] = '\0';
	return (struct hc_str){ to, (uint32_t)n };
}

static struct hc_str take_text(struct kube_box *b, struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key);

	if (!json_object_is_type(v, json_type_string))
		return (struct hc_str){ "", 0 };
	return take_str(b, json_object_get_string(v), (size_t)json_object_get_string_len(v));
}

static int by_key(const void *a, const void *b)
{
	return hc_str_cmp(((const struct hc_kube_kv *)a)->key, ((const struct hc_kube_kv *)b)->key);
}

/* A map of strings, without values that are too long (counted in *n_cut; NULL: none is). */
static const struct hc_kube_kv *take_map(struct kube_box *b, struct json_object *map, uint32_t *ret_n,
                                         uint32_t *n_cut)
{
	size_t n_all = json_object_is_type(map, json_type_object) ? (size_t)json_object_object_length(map) : 0;
	size_t room = MAX_ANNOTATION_BYTES;
	struct hc_kube_kv *kv;
	uint32_t n = 0;

	*ret_n = 0;
	if (!n_all)
		return NULL;
	if (n_all > MAX_LABELS) {
		if (n_cut)
			*n_cut += (uint32_t)(n_all - MAX_LABELS);
		n_all = MAX_LABELS;
	}
	kv = take(b, n_all * sizeof(*kv));
	if (!kv)
		return NULL;
	json_object_object_foreach(map, key, value)
	{
		size_t n_key = strlen(key), n_value;

		if (n == n_all)
			break;
		if (!json_object_is_type(value, json_type_string))
			continue;
		n_value = (size_t)json_object_get_string_len(value);
		if (n_cut && (n_value > HC_KUBE_MAX_VALUE_BYTES || n_key + n_value > room)) {
			(*n_cut)++;
			continue;
		}
		room -= n_cut ? n_key + n_value : 0;
		kv[n].key = take_str(b, key, n_key);
		kv[n].value = take_str(b, json_object_get_string(value), n_value);
		n++;
	}
	qsort(kv, n, sizeof(*kv), by_key);
	*ret_n = n;
	return kv;
}

/* "containerd://ID" */
static struct hc_str take_id(struct kube_box *b, struct json_object *status, struct hc_str *ret_runtime)
{
	const char *id = kube_text(status, "containerID"), *sep = strstr(id, "://");

	if (!sep)
		return (struct hc_str){ "", 0 };
	if (ret_runtime)
		*ret_runtime = take_str(b, id, (size_t)(sep - id));
	return take_str(b, sep + 3, strlen(sep + 3));
}

static struct json_object *named(struct json_object *array, const char *name)
{
	uint32_t n = array_length(array, MAX_CONTAINERS);

	for (uint32_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(array, i);

		if (*name && !strcmp(kube_text(o, "name"), name))
			return o;
	}
	return NULL;
}

static const char *const probe_keys[HC_KUBE_N_PROBES] = { "livenessProbe", "readinessProbe", "startupProbe" };

static void take_container(struct kube_box *b, struct hc_kube_container *c, struct json_object *spec,
                           struct json_object *status)
{
	c->name = take_text(b, spec, "name");
	c->asked_image = take_text(b, spec, "image");
	c->privileged = flag(kube_at(spec, "securityContext", NULL), "privileged");
	for (unsigned i = 0; i < HC_KUBE_N_PROBES; i++) {
		struct json_object *command = kube_at(spec, probe_keys[i], "exec", "command", NULL);
		uint32_t n = array_length(command, MAX_ARGV);
		struct hc_str *argv = n ? take(b, n * sizeof(*argv)) : NULL;

		for (uint32_t k = 0; argv && k < n; k++) {
			struct json_object *v = json_object_array_get_idx(command, k);

			argv[k] = json_object_is_type(v, json_type_string)
			                  ? take_str(b, json_object_get_string(v),
			                             (size_t)json_object_get_string_len(v))
			                  : (struct hc_str){ "", 0 };
		}
		c->probe[i].argv = argv;
		c->probe[i].n = argv ? n : 0;
	}
	c->image = take_text(b, status, "image");
	c->image_id = take_text(b, status, "imageID");
	c->id = take_id(b, status, &c->runtime);
	c->last_id = take_id(b, kube_at(status, "lastState", "terminated", NULL), NULL);
}

static const struct {
	const char *spec, *status;
} lists[] = {
	[HC_KUBE_CONTAINER] = { "containers", "containerStatuses" },
	[HC_KUBE_INIT] = { "initContainers", "initContainerStatuses" },
	[HC_KUBE_EPHEMERAL] = { "ephemeralContainers", "ephemeralContainerStatuses" },
};
#define N_LISTS (sizeof(lists) / sizeof(lists[0]))

static void take_containers(struct kube_box *b, struct json_object *o)
{
	struct json_object *spec = member(o, "spec"), *status = member(o, "status");
	struct hc_kube_container *c;
	uint32_t n = 0, at = 0;

	for (unsigned i = 0; i < N_LISTS; i++)
		n += array_length(member(spec, lists[i].spec), MAX_CONTAINERS);
	c = n ? take(b, n * sizeof(*c)) : NULL;
	if (!c)
		return;
	memset(c, 0, n * sizeof(*c));
	for (unsigned i = 0; i < N_LISTS; i++) {
		struct json_object *specs = member(spec, lists[i].spec);
		struct json_object *statuses = member(status, lists[i].status);
		uint32_t n_list = array_length(specs, MAX_CONTAINERS);

		for (uint32_t k = 0; k < n_list; k++) {
			struct json_object *one = json_object_array_get_idx(specs, k);

			c[at].type = (enum hc_kube_container_type)i;
			take_container(b, &c[at++], one, named(statuses, kube_text(one, "name")));
		}
	}
	b->pod.containers = c;
	b->pod.n_containers = at;
}

static void take_owners(struct kube_box *b, struct json_object *refs)
{
	uint32_t n = array_length(refs, MAX_OWNERS);
	struct hc_kube_owner *owners = n ? take(b, n * sizeof(*owners)) : NULL;

	for (uint32_t i = 0; owners && i < n; i++) {
		struct json_object *o = json_object_array_get_idx(refs, i);

		owners[i].kind = take_text(b, o, "kind");
		owners[i].name = take_text(b, o, "name");
		owners[i].controller = flag(o, "controller");
	}
	b->pod.owners = owners;
	b->pod.n_owners = owners ? n : 0;
}

/* What building the pod takes at most: each string is no longer than its JSON, with its NUL and its alignment,
 * and has at least 3 bytes of JSON around it. */
static size_t bytes_for(struct json_object *o, size_t json_bytes)
{
	static const char *const maps[] = { "labels", "annotations" };
	struct json_object *spec = member(o, "spec");
	size_t structs = 4096, strings = 32;

	for (unsigned i = 0; i < 2; i++) {
		struct json_object *map = kube_at(o, "metadata", maps[i], NULL);

		if (!json_object_is_type(map, json_type_object))
			continue;
		structs += (size_t)json_object_object_length(map) * sizeof(struct hc_kube_kv);
		strings += 2 * (size_t)json_object_object_length(map);
	}
	structs += array_length(kube_at(o, "metadata", "ownerReferences", NULL), MAX_OWNERS) *
	           sizeof(struct hc_kube_owner);
	strings += 2 * MAX_OWNERS;
	for (unsigned i = 0; i < N_LISTS; i++) {
		struct json_object *specs = member(spec, lists[i].spec);
		uint32_t n = array_length(specs, MAX_CONTAINERS);

		structs += n * sizeof(struct hc_kube_container);
		strings += 8 * (size_t)n;
		for (uint32_t k = 0; k < n; k++) {
			for (unsigned j = 0; j < HC_KUBE_N_PROBES; j++) {
				uint32_t n_argv = array_length(kube_at(json_object_array_get_idx(specs, k),
				                                       probe_keys[j], "exec", "command", NULL),
				                               MAX_ARGV);

				structs += 16 + n_argv * sizeof(struct hc_str);
				strings += n_argv;
			}
		}
	}
	return structs + strings * 17 + json_bytes;
}

static struct kube_box *box_new(size_t bytes)
{
	struct kube_box *b = malloc(sizeof(*b) + bytes);

	if (!b)
		return NULL;
	memset(b, 0, sizeof(*b));
	atomic_init(&b->refs, 1);
	b->bytes = bytes;
	return b;
}

static struct hc_kube_meta take_meta(struct kube_box *b, struct json_object *meta)
{
	struct hc_kube_meta m = {
		.name = take_text(b, meta, "name"),
		.uid = take_text(b, meta, "uid"),
		.resource_version = take_text(b, meta, "resourceVersion"),
	};

	m.labels = take_map(b, member(meta, "labels"), &m.n_labels, NULL);
	m.annotations = take_map(b, member(meta, "annotations"), &m.n_annotations, &m.n_cut);
	return m;
}

static void fill_pod(struct kube_box *b, struct json_object *o, uint64_t now_ns)
{
	struct json_object *meta = member(o, "metadata"), *spec = member(o, "spec");
	struct json_object *status = member(o, "status");
	struct hc_kube_pod *pod = &b->pod;

	pod->box = b;
	pod->meta = take_meta(b, meta);
	pod->ns = take_text(b, meta, "namespace");
	pod->created = take_text(b, meta, "creationTimestamp");
	pod->deleted = take_text(b, meta, "deletionTimestamp");
	pod->static_hash = take_text(b, member(meta, "annotations"), "kubernetes.io/config.mirror");
	pod->service_account = take_text(b, spec, "serviceAccountName");
	pod->host_network = flag(spec, "hostNetwork");
	pod->host_pid = flag(spec, "hostPID");
	pod->host_ipc = flag(spec, "hostIPC");
	pod->ip = take_text(b, status, "podIP");
	pod->qos = take_text(b, status, "qosClass");
	take_owners(b, member(meta, "ownerReferences"));
	take_containers(b, o);
	pod->known_at_ns = now_ns;
}

static void fill_ns(struct kube_box *b, struct json_object *o, uint64_t now_ns)
{
	struct hc_kube_ns *ns = &b->ns;

	ns->box = b;
	ns->meta = take_meta(b, member(o, "metadata"));
	ns->known_at_ns = now_ns;
}

/* Most of the JSON is managedFields and the like: made once to see what is used, and again in just that. */
static struct kube_box *box_of(struct json_object *o, size_t json_bytes, uint64_t now_ns,
                               void (*fill)(struct kube_box *b, struct json_object *o, uint64_t now_ns))
{
	struct kube_box *roomy = box_new(bytes_for(o, json_bytes)), *fit = NULL;

	if (roomy) {
		fill(roomy, o, now_ns);
		fit = box_new(roomy->used);
	}
	if (fit)
		fill(fit, o, now_ns);
	free(roomy);
	return fit;
}

struct hc_kube_pod *kube_pod_new(struct json_object *o, size_t json_bytes, uint64_t now_ns, int *ret)
{
	struct json_object *meta = member(o, "metadata");
	struct kube_box *b;

	*ret = -EBADMSG;
	if (!*kube_text(meta, "name") || !*kube_text(meta, "namespace") || !*kube_text(meta, "uid"))
		return NULL;
	b = box_of(o, json_bytes, now_ns, fill_pod);
	*ret = b ? 0 : -ENOMEM;
	return b ? &b->pod : NULL;
}

struct hc_kube_ns *kube_ns_new(struct json_object *o, size_t json_bytes, uint64_t now_ns, int *ret)
{
	struct kube_box *b;

	*ret = -EBADMSG;
	if (!*kube_text(member(o, "metadata"), "name"))
		return NULL;
	b = box_of(o, json_bytes, now_ns, fill_ns);
	*ret = b ? 0 : -ENOMEM;
	return b ? &b->ns : NULL;
}

static void box_ref(struct kube_box *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

static void box_unref(struct kube_box *b)
{
	if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
		free(b);
}

void hc_kube_pod_ref(const struct hc_kube_pod *pod)
{
	box_ref(pod->box);
}

void hc_kube_pod_unref(const struct hc_kube_pod *pod)
{
	if (pod)
		box_unref(pod->box);
}

void hc_kube_ns_ref(const struct hc_kube_ns *ns)
{
	box_ref(ns->box);
}

void hc_kube_ns_unref(const struct hc_kube_ns *ns)
{
	if (ns)
		box_unref(ns->box);
}

void hc_kube_found_done(struct hc_kube_found *f)
{
	hc_kube_pod_unref(f->pod);
	hc_kube_ns_unref(f->ns);
	f->pod = NULL;
	f->ns = NULL;
}

size_t kube_pod_bytes(const struct hc_kube_pod *pod)
{
	return sizeof(struct kube_box) + pod->box->bytes;
}

size_t kube_ns_bytes(const struct hc_kube_ns *ns)
{
	return sizeof(struct kube_box) + ns->box->bytes;
}

/* ---- the table ---- */

static void drop(struct kube_table *t, uint32_t i)
{
	t->bytes -= kube_pod_bytes(t->e[i].pod);
	hc_kube_pod_unref(t->e[i].pod);
	t->e[i] = t->e[--t->n];
}

static void set_gone(struct kube_table *t, struct kube_entry *e, uint64_t now_ns)
{
	e->gone_ns = now_ns ? now_ns : 1;
	e->seq = ++t->seq;
}

/* Makes room for a pod by forgetting those gone longest; have: of these bytes it takes the place, 0: of none. */
static bool make_room(struct kube_table *t, size_t bytes, size_t have)
{
	while ((!have && t->n >= t->max_pods) || t->bytes - have + bytes > t->max_bytes) {
		uint32_t oldest = UINT32_MAX;

		for (uint32_t i = 0; i < t->n; i++)
			if (t->e[i].gone_ns && (oldest == UINT32_MAX || t->e[i].gone_ns < t->e[oldest].gone_ns))
				oldest = i;
		if (oldest == UINT32_MAX)
			return false;
		drop(t, oldest);
	}
	if (t->n == t->n_alloc) {
		uint32_t n = t->n_alloc ? t->n_alloc * 2 : 64;
		struct kube_entry *e = realloc(t->e, n * sizeof(*e));

		if (!e)
			return false;
		t->e = e;
		t->n_alloc = n;
	}
	return true;
}

static bool has_container(const struct hc_kube_pod *pod, struct hc_str id, uint32_t *ret_idx)
{
	for (uint32_t i = 0; id.len && i < pod->n_containers; i++) {
		if (hc_str_eq(pod->containers[i].id, id) || hc_str_eq(pod->containers[i].last_id, id)) {
			*ret_idx = i;
			return true;
		}
	}
	return false;
}

static bool loses_containers(const struct hc_kube_pod *old, const struct hc_kube_pod *new)
{
	uint32_t idx;

	for (uint32_t i = 0; i < old->n_containers; i++) {
		const struct hc_kube_container *c = &old->containers[i];

		if ((c->id.len && !has_container(new, c->id, &idx)) ||
		    (c->last_id.len && !has_container(new, c->last_id, &idx)))
			return true;
	}
	return false;
}

static struct kube_entry *newest(struct kube_table *t, struct hc_str uid)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!t->e[i].ghost && hc_str_eq(t->e[i].pod->meta.uid, uid))
			return &t->e[i];
	return NULL;
}

int kube_table_set(struct kube_table *t, struct hc_kube_pod *pod, uint64_t now_ns)
{
	struct kube_entry *e = newest(t, pod->meta.uid);
	uint64_t gone_ns = e ? e->gone_ns : 0;
	bool in_place = e && !loses_containers(e->pod, pod), room;

	if (e) {
		e->seen = true;
		if (e->pod->meta.resource_version.len && !gone_ns &&
		    hc_str_eq(e->pod->meta.resource_version, pod->meta.resource_version)) {
			hc_kube_pod_unref(pod); /* a list again: nothing new */
			return 0;
		}
		e->gone_ns = 0; /* it is not forgotten to make room for itself */
	}
	room = make_room(t, kube_pod_bytes(pod), in_place ? kube_pod_bytes(e->pod) : 0);
	e = newest(t, pod->meta.uid);
	if (e)
		e->gone_ns = gone_ns;
	if (!room) { /* what was known of it stays */
		hc_kube_pod_unref(pod);
		t->n_refused++;
		return -ENOBUFS;
	}
	t->bytes += kube_pod_bytes(pod);
	if (in_place) {
		assert(e); /* as one that is there it was not forgotten */
		t->bytes -= kube_pod_bytes(e->pod);
		hc_kube_pod_unref(e->pod);
	} else {
		if (e) {
			e->ghost = true;
			e->gone_ns = now_ns ? now_ns : 1;
		}
		e = &t->e[t->n++];
	}
	*e = (struct kube_entry){ .pod = pod, .seq = ++t->seq, .seen = true };
	kube_space_want(t, pod->ns);
	return 0;
}

void kube_table_remove(struct kube_table *t, struct hc_str uid, uint64_t now_ns)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!t->e[i].gone_ns && hc_str_eq(t->e[i].pod->meta.uid, uid))
			set_gone(t, &t->e[i], now_ns);
}

void kube_table_mark(struct kube_table *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->e[i].seen = false;
}

void kube_table_sweep(struct kube_table *t, uint64_t now_ns)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!t->e[i].seen && !t->e[i].gone_ns)
			set_gone(t, &t->e[i], now_ns);
}

void kube_table_expire(struct kube_table *t, uint64_t now_ns)
{
	uint32_t n = t->n;

	for (uint32_t i = 0; i < t->n;) {
		if (t->e[i].gone_ns && t->e[i].gone_ns + t->gone_ms * UINT64_C(1000000) <= now_ns)
			drop(t, i);
		else
			i++;
	}
	if (t->n < n)
		kube_space_forget(t);
}

static bool found(const struct kube_table *t, const struct kube_entry *e, uint32_t idx, struct hc_kube_found *ret)
{
	if (!e)
		return false;
	*ret = (struct hc_kube_found){
		.pod = e->pod, .ns = kube_space_of(t, e->pod), .container_idx = idx, .gone_ns = e->gone_ns
	};
	hc_kube_pod_ref(e->pod);
	if (ret->ns)
		hc_kube_ns_ref(ret->ns);
	return true;
}

/* Of several, one that is there comes before those gone, and a later one before an earlier. */
static bool better(const struct kube_entry *e, const struct kube_entry *than)
{
	if (!than || !e->gone_ns != !than->gone_ns)
		return !than || !e->gone_ns;
	return e->gone_ns > than->gone_ns;
}

bool kube_table_find(const struct kube_table *t, struct hc_str id, struct hc_kube_found *ret)
{
	const struct kube_entry *best = NULL;
	uint32_t idx, best_idx = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		if (has_container(t->e[i].pod, id, &idx) && better(&t->e[i], best)) {
			best = &t->e[i];
			best_idx = idx;
		}
	}
	return found(t, best, best_idx, ret);
}

bool kube_table_find_uid(const struct kube_table *t, struct hc_str uid, struct hc_kube_found *ret)
{
	const struct kube_entry *best = NULL;

	for (uint32_t i = 0; uid.len && i < t->n; i++)
		if ((hc_str_eq(t->e[i].pod->meta.uid, uid) || hc_str_eq(t->e[i].pod->static_hash, uid)) &&
		    better(&t->e[i], best))
			best = &t->e[i];
	return found(t, best, UINT32_MAX, ret);
}

uint32_t kube_table_living(const struct kube_table *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += !t->e[i].gone_ns;
	return n;
}

size_t kube_table_since(const struct kube_table *t, uint64_t *seq, struct hc_kube_found *ret, size_t max)
{
	size_t n = 0;

	while (n < max) {
		const struct kube_entry *next = NULL;

		for (uint32_t i = 0; i < t->n; i++)
			if (!t->e[i].ghost && t->e[i].seq > *seq && (!next || t->e[i].seq < next->seq))
				next = &t->e[i];
		if (!found(t, next, UINT32_MAX, &ret[n]))
			break;
		*seq = next->seq;
		n++;
	}
	return n;
}

void kube_table_done(struct kube_table *t)
{
	while (t->n)
		drop(t, t->n - 1);
	kube_space_done(t);
	free(t->e);
	t->e = NULL;
	t->n_alloc = 0;
}
