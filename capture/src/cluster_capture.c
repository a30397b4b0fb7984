/*
 * From objects to captures. An object is held against all pods when it comes or changes, a pod against all objects
 * when it changes, so that a second in which nothing changes costs a look at the clock. Starting and ending
 * captures waits for the disk: some of them in a turn, the rest in the next.
 */
#include "cluster_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/clock.h"
#include "store/base/sha256.h"

#define RETRY_NS (10 * SECOND_NS)
#define AGAIN_NS (60 * SECOND_NS)
#define BY_BYTES 512
#define LABELS_NS (15 * SECOND_NS) /* after which a namespace that the server has not told of is an error */
#define NAME_KEPT 40               /* bytes of the object's name in that of a capture */

const char *cluster_kind(const struct cluster_object *o)
{
	return o->cluster ? "ClusterCapture" : "Capture";
}

/* ---- captures of an object ---- */

/* "Capture shop/incident uid=UID": who asks, and how it is found again after a restart. */
static void by_text(const struct cluster_object *o, char buf[BY_BYTES])
{
	snprintf(buf, BY_BYTES, "%s %s%s%s uid=%s", cluster_kind(o), o->ns, o->ns[0] ? "/" : "", o->name, o->uid);
}

static const char *uid_of(const struct hc_capture_now *k, bool *ret_cluster)
{
	const char *uid = strstr(k->by, " uid=");

	*ret_cluster = strncmp(k->by, "ClusterCapture ", 15) == 0;
	return uid && (*ret_cluster || strncmp(k->by, "Capture ", 8) == 0) ? uid + 5 : NULL;
}

static bool is_of(const struct hc_capture_now *k, const struct cluster_object *o)
{
	bool cluster;
	const char *uid = uid_of(k, &cluster);

	return uid && cluster == o->cluster && strcmp(uid, o->uid) == 0;
}

static bool add_scope(struct cluster_object *o, const char *scope, int64_t until_boot_ns)
{
	char **more = realloc(o->scopes, (o->n_scopes + 1u) * sizeof(*more));
	int64_t *times;

	if (!more)
		return false;
	o->scopes = more;
	times = realloc(o->until_boot_ns, (o->n_scopes + 1u) * sizeof(*times));
	if (!times)
		return false;
	o->until_boot_ns = times;
	o->scopes[o->n_scopes] = strdup(scope);
	o->until_boot_ns[o->n_scopes] = until_boot_ns;
	if (!o->scopes[o->n_scopes])
		return false;
	o->n_scopes++;
	return true;
}

struct cluster_object *cluster_object_free(struct cluster_object *o)
{
	if (!o)
		return NULL;
	for (uint32_t i = 0; i < o->n_scopes; i++)
		free(o->scopes[i]);
	free(o->scopes);
	free(o->until_boot_ns);
	free(o->sum_text);
	cluster_spec_free(o->spec);
	free(o);
	return NULL;
}

/* The times that a CaptureNode tells. */
static void note_times(struct cluster_object *o, const struct hc_capture_now *k)
{
	int64_t from = k->past_wall_ns ? k->past_wall_ns : k->asked_wall_ns;

	if (!o->from_wall_ns || k->asked_wall_ns < o->from_wall_ns)
		o->from_wall_ns = k->asked_wall_ns;
	if (!o->pre_from_wall_ns || from < o->pre_from_wall_ns)
		o->pre_from_wall_ns = from;
	if (k->state == HC_MARK_ENDED && k->until_wall_ns > o->to_wall_ns)
		o->to_wall_ns = k->until_wall_ns;
}

static int64_t boot_ns(void)
{
	return (int64_t)record_boot_ns();
}

/* The moment at which it ends was told by the server's wall clock. That is asked once what lies between, or this
 * machine's where the server's is not known; from then on both may be set. */
static void note_deadline(struct hc_cluster *c, struct cluster_object *o)
{
	int64_t wall_ns = o->spec->made_wall_ns + (int64_t)o->spec->for_ns, here_ns = hc_wall_ns() - boot_ns(),
		server_ns;

	if (!o->spec->made_wall_ns)
		return;
	if (!hc_kube_server_wall(c->kube, &server_ns))
		server_ns = here_ns;
	if (!o->deadline_wall_ns) {
		o->deadline_boot_ns = wall_ns - server_ns;
		o->made_here_ns = o->spec->made_wall_ns - server_ns + here_ns;
	} else {
		o->deadline_boot_ns += wall_ns - o->deadline_wall_ns;
	}
	o->deadline_wall_ns = wall_ns;
}

bool cluster_is_past(const struct cluster_object *o)
{
	return boot_ns() >= o->deadline_boot_ns;
}

/* The same for the same object, scope and end, so that one that is there already is not started twice. */
static int capture_name(const struct cluster_object *o, const char *scope, char ret[HC_MARK_NAME_MAX + 1])
{
	uint8_t digest[HC_SHA256_BYTES];
	char text[1024], hex[HC_SHA256_HEX];
	int n = snprintf(text, sizeof(text), "%s %s %" PRId64, o->uid, scope, o->deadline_wall_ns), r;

	if (n < 0 || (size_t)n >= sizeof(text))
		return -E2BIG;
	r = hc_sha256_of(text, (size_t)n, digest, NULL);
	if (r < 0)
		return r;
	hc_sha256_hex(digest, hex);
	snprintf(ret, HC_MARK_NAME_MAX + 1, "%.*s-%.8s", NAME_KEPT, o->name, hex);
	return 0;
}

/* One that runs has kept the time that is left, whatever the wall clock has said since it began. */
static void adopt_deadline(struct cluster_object *o, const struct hc_capture_now *k)
{
	char name[HC_MARK_NAME_MAX + 1];

	if (k->state == HC_MARK_RUNNING && k->until_boot_ns && capture_name(o, k->scope, name) == 0 &&
	    strcmp(k->name, name) == 0)
		o->deadline_boot_ns = k->until_boot_ns;
}

/* What an earlier process, or an earlier list, has started for it. */
static void adopt(struct hc_cluster *c, struct cluster_object *o)
{
	uint32_t n;
	const struct hc_capture_now *v = hc_captures_list(c->o.captures, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (!is_of(&v[i], o) || !add_scope(o, v[i].scope, v[i].until_boot_ns))
			continue;
		adopt_deadline(o, &v[i]);
		note_times(o, &v[i]);
		if (cluster_is_more(c, o) && !v[i].detail[0] && !v[i].snaplen)
			snprintf(o->not_raised, sizeof(o->not_raised),
			         "It could not be raised when the capture began.");
		if (v[i].state == HC_MARK_RUNNING)
			o->state = CLUSTER_RECORDING;
		else if (o->state == CLUSTER_IDLE)
			o->state = CLUSTER_DONE;
	}
	if (!o->n_scopes)
		return;
	if (o->state == CLUSTER_DONE)
		o->ended = "Ended";
	cluster_count_now(c, &o->base);
	cluster_ask(c, o);
	o->dirty = true;
}

static unsigned n_running(struct hc_cluster *c, const struct cluster_object *o, unsigned *ret_all)
{
	uint32_t n;
	const struct hc_capture_now *v = hc_captures_list(c->o.captures, &n);
	unsigned running = 0;

	*ret_all = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!is_of(&v[i], o))
			continue;
		++*ret_all;
		running += v[i].state == HC_MARK_RUNNING;
	}
	return running;
}

/* ---- starting ---- */

static void set_state(struct cluster_object *o, enum cluster_state state, const char *ended)
{
	o->dirty |= o->state != state;
	o->state = state;
	o->ended = ended;
}

static void failed(struct hc_cluster *c, struct cluster_object *o, const char *why)
{
	o->dirty |= strcmp(o->error, why) != 0;
	if (strcmp(o->error, why) != 0)
		hc_log(hc_daemon_log(c->daemon), HC_LOG_WARN,
		       "a capture asked for in the cluster cannot be served", HC_LOG_STR("kind", cluster_kind(o)),
		       HC_LOG_STR("namespace", o->ns[0] ? o->ns : NULL), HC_LOG_STR("name", o->name),
		       HC_LOG_STR("error", why));
	snprintf(o->error, sizeof(o->error), "%s", why);
	if (o->state == CLUSTER_IDLE)
		set_state(o, CLUSTER_FAILED, "Failed");
	c->stats.n_failed++;
}

static bool has_scope(const struct cluster_object *o, const char *scope)
{
	for (uint32_t i = 0; i < o->n_scopes; i++)
		if (strcmp(o->scopes[i], scope) == 0 &&
		    o->until_boot_ns[i] + (int64_t)SECOND_NS >= o->deadline_boot_ns)
			return true;
	return false;
}

static int start_one(struct hc_cluster *c, struct cluster_object *o, const char *scope, struct hc_err *err)
{
	const struct hc_capture_now *now;
	int64_t all = (int64_t)o->spec->for_ns, left = o->deadline_boot_ns - boot_ns(), late;
	char name[HC_MARK_NAME_MAX + 1], by[BY_BYTES];
	struct hc_capture_request q = { .name = name, .scope = scope, .by = by };
	int code = capture_name(o, scope, name);

	if (code < 0)
		return hc_err_set(err, code, "the name of '%s' is too long", scope);
	by_text(o, by);
	left = left < all ? left : all; /* a clock that is behind does not make it longer */
	late = all - left;
	q.pre_ns = o->spec->pre_ns + (late > 0 && o->spec->pre_ns ? (uint64_t)late : 0);
	q.for_ns = left > 0 ? (uint64_t)left : 1;
	q.keep_ns = o->spec->keep_ns ? o->spec->keep_ns : 1;
	if (cluster_is_more(c, o)) {
		q.detail = o->spec->detail;
		q.snaplen = o->spec->snaplen;
	}
	code = hc_captures_start(c->o.captures, &q, &now, err);
	if (code < 0 && code != -EEXIST && (q.detail || q.snaplen)) {
		/* better with the recorder's own detail than not at all */
		snprintf(o->not_raised, sizeof(o->not_raised), "%.255s", err->msg);
		memset(err, 0, sizeof(*err));
		q.detail = NULL;
		q.snaplen = 0;
		code = hc_captures_start(c->o.captures, &q, &now, err);
	}
	if (code < 0)
		return code;
	if (!o->from_wall_ns)
		cluster_count_now(c, &o->base);
	note_times(o, now);
	return 0;
}

static void begin(struct hc_cluster *c, struct cluster_object *o, const char *scope)
{
	struct hc_err err = { 0 };
	int code;

	if (has_scope(o, scope))
		return;
	if (o->n_scopes == CLUSTER_MAX_SCOPES) {
		o->n_left_out++;
		return;
	}
	if (!c->budget) {
		o->rematch = true;
		return;
	}
	c->budget--;
	code = start_one(c, o, scope, &err);
	if (code < 0 && code != -EEXIST) {
		failed(c, o, err.msg);
		o->rematch = true;
		o->retry_ns = record_boot_ns() + RETRY_NS;
		return;
	}
	c->stats.n_started += code >= 0;
	o->error[0] = '\0';
	if (!add_scope(o, scope, o->deadline_boot_ns))
		return;
	set_state(o, CLUSTER_RECORDING, NULL);
	o->dirty = true;
}

/* ---- matching ---- */

/* Which namespace the labels of are not known yet, first of several. */
static void wait_for_labels(struct cluster_object *o, struct hc_str ns)
{
	if (!o->unknown_ns[0])
		snprintf(o->unknown_ns, sizeof(o->unknown_ns), HC_STR_FMT, HC_STR_ARG(ns));
	if (!o->unknown_since_ns)
		o->unknown_since_ns = record_boot_ns();
}

/* The one label that every namespace has is its name: it needs no server that tells it. */
static bool namespace_matches(struct cluster_object *o, const struct hc_kube_found *f)
{
	struct hc_kube_kv name = { HC_STR("kubernetes.io/metadata.name"), f->pod->ns };
	bool unknown = false;

	if (!o->cluster)
		return hc_str_eq(f->pod->ns, hc_str_c(o->ns));
	for (uint32_t i = 0; i < o->spec->ns.n; i++) {
		const struct cluster_labels one = { .v = &o->spec->ns.v[i], .n = 1 };

		if (hc_str_eq(one.v->key, name.key)) {
			if (!cluster_labels_match(&one, &name, 1))
				return false;
		} else if (!f->ns) {
			unknown = true;
		} else if (!cluster_labels_match(&one, f->ns->meta.labels, f->ns->meta.n_labels)) {
			return false;
		}
	}
	if (unknown)
		wait_for_labels(o, f->pod->ns);
	return !unknown;
}

static void match(struct hc_cluster *c, struct cluster_object *o, const struct hc_kube_found *f)
{
	const struct hc_kube_pod *pod = f->pod;
	char scope[512];

	if (!cluster_labels_match(&o->spec->pod, pod->meta.labels, pod->meta.n_labels) || !namespace_matches(o, f))
		return;
	if (o->spec->error[0]) {
		failed(c, o, o->spec->error);
		return;
	}
	if (!o->spec->n_containers) {
		snprintf(scope, sizeof(scope), "pod=" HC_STR_FMT "/" HC_STR_FMT, HC_STR_ARG(pod->ns),
		         HC_STR_ARG(pod->meta.name));
		begin(c, o, scope);
		return;
	}
	for (uint32_t i = 0; i < pod->n_containers; i++) {
		const struct hc_kube_container *k = &pod->containers[i];

		if (!k->id.len || !cluster_spec_has_container(o->spec, k->name))
			continue;
		snprintf(scope, sizeof(scope), "container=" HC_STR_FMT, HC_STR_ARG(k->id));
		begin(c, o, scope);
	}
}

/* Whether captures may be started for it now. */
static bool is_open(const struct cluster_object *o)
{
	return o->spec && o->spec->node && !o->spec->stop && o->spec->made_wall_ns &&
	       (o->ended == NULL || o->state == CLUSTER_FAILED || strcmp(o->ended, "Ended") == 0) &&
	       (o->spec->error[0] || !cluster_is_past(o));
}

static void match_all(struct hc_cluster *c, struct cluster_object *o)
{
	o->rematch = false;
	if (is_open(o)) /* of one that is over it stays as it was */
		o->n_left_out = 0;
	o->unknown_ns[0] = '\0';
	for (uint32_t i = 0; i < c->n_pods && is_open(o) && !o->rematch; i++)
		match(c, o, &c->pods[i]);
	if (!o->unknown_ns[0])
		o->unknown_since_ns = 0;
}

/* Namespaces are asked for when their first pod is seen. Where the server has answered, and has not told of one,
 * who asks by its labels is to know why nothing happens. */
static void look_for_labels(struct hc_cluster *c, struct cluster_object *o)
{
	uint64_t now = record_boot_ns();
	struct hc_kube_stats s;
	char why[256];

	if (now - o->unknown_since_ns < LABELS_NS)
		return;
	match_all(c, o);
	if (!o->unknown_ns[0])
		return;
	o->unknown_since_ns = now;
	if (o->state != CLUSTER_IDLE)
		return;
	hc_kube_stats(c->kube, &s);
	if (!s.of[HC_KUBE_NAMESPACES].synced && !s.of[HC_KUBE_NAMESPACES].error[0])
		return; /* it is not asked yet */
	snprintf(why, sizeof(why),
	         "spec.selector.namespaceSelector: the labels of namespace %.63s are not known here: %.100s",
	         o->unknown_ns,
	         s.of[HC_KUBE_NAMESPACES].error[0] ? s.of[HC_KUBE_NAMESPACES].error
	                                           : "the server has not told of it");
	failed(c, o, why);
}

void cluster_pod_changed(struct hc_cluster *c, const struct hc_kube_found *f)
{
	for (struct cluster_object *o = c->objects; o; o = o->next) {
		if (o->n_left_out)
			o->rematch = true; /* those are counted anew, not once for each change */
		else if (!o->rematch && is_open(o))
			match(c, o, f);
	}
}

/* ---- ending ---- */

/* Tried again a second later, and said once a minute: whoever asks for many captures does not fill the log. */
static void cannot_end(struct hc_cluster *c, const struct hc_err *why)
{
	uint64_t now = record_boot_ns();

	c->ends.n++;
	c->ends.retry_ns = now + SECOND_NS;
	if (c->ends.log_ns && now - c->ends.log_ns < AGAIN_NS)
		return;
	hc_log(hc_daemon_log(c->daemon), HC_LOG_ERROR, "ends of captures cannot be written",
	       HC_LOG_U64("failures", c->ends.n), HC_LOG_STR("error", why->msg));
	c->ends.log_ns = now;
	c->ends.n = 0;
}

/* Ends those that run, or deletes all. False: some are left for another turn. */
static bool end_all(struct hc_cluster *c, const struct cluster_object *o, const char *why, bool delete)
{
	uint32_t n;
	const struct hc_capture_now *v = hc_captures_list(c->o.captures, &n), *now;
	bool may = record_boot_ns() >= c->ends.retry_ns;

	for (uint32_t i = n; i--;) {
		struct hc_err err = { 0 };
		char name[HC_MARK_NAME_MAX + 1];
		int code;

		if (!is_of(&v[i], o) || (!delete &&v[i].state != HC_MARK_RUNNING))
			continue;
		if (!c->budget || !may)
			return false;
		c->budget--;
		snprintf(name, sizeof(name), "%s", v[i].name);
		code = delete ? hc_captures_delete(c->o.captures, name, why, &err)
		              : hc_captures_stop(c->o.captures, name, why, &now, &err);
		if (code < 0) {
			cannot_end(c, &err);
			return false;
		}
		v = hc_captures_list(c->o.captures, &n);
	}
	return true;
}

static void finish(struct hc_cluster *c, struct cluster_object *o, const char *why)
{
	char by[BY_BYTES];

	by_text(o, by);
	if (!end_all(c, o, by, false))
		return;
	o->to_wall_ns = hc_wall_ns();
	set_state(o, CLUSTER_DONE, why);
}

static void look_at(struct hc_cluster *c, struct cluster_object *o)
{
	struct cluster_count now;
	unsigned all, running;

	if (o->rematch && record_boot_ns() >= o->retry_ns)
		match_all(c, o);
	if (o->unknown_ns[0])
		look_for_labels(c, o);
	if (o->state != CLUSTER_RECORDING && o->state != CLUSTER_DONE)
		return;
	running = n_running(c, o, &all);
	if (!all) {
		set_state(o, CLUSTER_EXPIRED, "Expired"); /* its time is over, or somebody has deleted them here */
		return;
	}
	if (o->state == CLUSTER_DONE || !o->spec)
		return;
	cluster_count_now(c, &now);
	if (o->spec->stop)
		finish(c, o, "Stopped");
	else if (!running || cluster_is_past(o))
		finish(c, o, "Ended");
	else if (o->spec->max_bytes && !o->asks &&
	         o->before.bytes + now.bytes - o->base.bytes >= o->spec->max_bytes)
		finish(c, o, "LimitReached");
}

void cluster_turn(struct hc_cluster *c)
{
	for (struct cluster_object *o = c->objects; o; o = o->next) {
		look_at(c, o);
		cluster_tell(c, o);
	}
	cluster_summarise(c);
	for (unsigned r = 0; r < HC_KUBE_N_RESOURCES; r++)
		if (c->listed[r] && c->leftover[r])
			cluster_listed(c, (enum hc_kube_resource)r);
}

/* ---- objects ---- */

static struct cluster_object **place_of(struct hc_cluster *c, bool cluster, const char *uid)
{
	struct cluster_object **at = &c->objects;

	while (*at && !((*at)->cluster == cluster && strcmp((*at)->uid, uid) == 0))
		at = &(*at)->next;
	return at;
}

void cluster_object_set(struct hc_cluster *c, const struct hc_kube_event *ev)
{
	bool cluster = ev->resource == HC_KUBE_CLUSTERCAPTURES, fresh;
	struct cluster_object **at = place_of(c, cluster, ev->uid), *o = *at;
	struct cluster_spec *spec;

	if (!ev->uid[0] || cluster_spec_parse(ev->json, ev->json_bytes, c->node, &spec) < 0) {
		c->stats.n_refused++;
		return;
	}
	fresh = !o;
	if (fresh)
		o = calloc(1, sizeof(*o));
	if (!o) {
		cluster_spec_free(spec);
		return;
	}
	cluster_spec_free(o->spec);
	o->spec = spec;
	note_deadline(c, o);
	if (fresh) {
		o->cluster = cluster;
		memcpy(o->uid, ev->uid, sizeof(o->uid));
		memcpy(o->ns, ev->ns, sizeof(o->ns));
		memcpy(o->name, ev->name, sizeof(o->name));
		o->met_ns = record_boot_ns();
		*at = o;
		adopt(c, o);
	}
	o->retry_ns = 0;
	match_all(c, o);
	look_at(c, o);
	cluster_tell(c, o);
}

void cluster_object_gone(struct hc_cluster *c, const struct hc_kube_event *ev)
{
	bool cluster = ev->resource == HC_KUBE_CLUSTERCAPTURES;
	struct cluster_object **at = place_of(c, cluster, ev->uid), *o = *at;

	if (!o)
		return;
	*at = o->next;
	cluster_object_free(o);
	/* its captures are those of an object that is not there */
	c->leftover[ev->resource] = true;
	if (c->listed[ev->resource])
		cluster_listed(c, ev->resource);
}

void cluster_listed(struct hc_cluster *c, enum hc_kube_resource resource)
{
	bool want = resource == HC_KUBE_CLUSTERCAPTURES, cluster;
	uint32_t n;
	const struct hc_capture_now *v = hc_captures_list(c->o.captures, &n);

	c->leftover[resource] = false;
	for (uint32_t i = n; i--;) {
		const char *uid = uid_of(&v[i], &cluster);
		struct cluster_object gone = { .cluster = want };

		if (!uid || cluster != want || *place_of(c, cluster, uid))
			continue;
		snprintf(gone.uid, sizeof(gone.uid), "%s", uid);
		if (!end_all(c, &gone, "deleted in the cluster", true)) {
			c->leftover[resource] = true;
			return;
		}
		v = hc_captures_list(c->o.captures, &n);
		i = n; /* from the end again: there are fewer */
	}
}
