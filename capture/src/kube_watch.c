/* List and watch of one resource: a list from the server's cache, page by page, then a watch from its version on,
 * for as long as versions can be followed; a new list when they cannot. What fails is tried again, slower each
 * time. */
#include "kube_client.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_OBJECTS 500
#define MAX_PAGES 200u
#define SPACES_TRIES 8u /* of namespaces before it is taken for granted that all are refused */
#define SPACES_PAUSE_NS UINT64_C(1000000000) /* a watch of namespaces is not left for another one sooner */
#define MAX_CONTINUE_BYTES 1024u             /* escaped it is thrice as long at most */

static const struct {
	const char *path, *kind;
} resources[HC_KUBE_N_RESOURCES] = {
	[HC_KUBE_PODS] = { "/api/v1/pods", "Pod" },
	[HC_KUBE_CAPTURES] = { "/apis/hindcast.dev/v1alpha1/captures", "Capture" },
	[HC_KUBE_CLUSTERCAPTURES] = { "/apis/hindcast.dev/v1alpha1/clustercaptures", "ClusterCapture" },
	[HC_KUBE_NAMESPACES] = { "/api/v1/namespaces", "Namespace" },
};

void kube_stream_init(struct kube_stream *st, struct hc_kube *k, enum hc_kube_resource r, uint64_t due_ns)
{
	*st = (struct kube_stream){ .k = k, .x.k = k, .resource = r, .due_ns = due_ns };
	st->backoff_ms = k->o.backoff_min_ms;
}

void kube_stream_done(struct kube_stream *st)
{
	kube_xfer_done(&st->x);
	kube_split_done(&st->split);
	free(st->more);
	free(st->next);
	free(st->known);
	st->more = st->next = NULL;
	st->known = NULL;
	st->n_known = st->n_known_alloc = 0;
}

/* ---- objects of the queue ---- */

static bool is_queued(const struct kube_stream *st)
{
	return st->resource == HC_KUBE_CAPTURES || st->resource == HC_KUBE_CLUSTERCAPTURES;
}

static struct kube_known *known(struct kube_stream *st, const char *uid)
{
	for (uint32_t i = 0; i < st->n_known; i++)
		if (!strcmp(st->known[i].uid, uid))
			return &st->known[i];
	return NULL;
}

static struct kube_known *know(struct kube_stream *st)
{
	if (st->n_known == st->n_known_alloc) {
		uint32_t n = st->n_known_alloc ? st->n_known_alloc * 2 : 16;
		struct kube_known *more = realloc(st->known, n * sizeof(*more));

		if (!more)
			return NULL;
		st->known = more;
		st->n_known_alloc = n;
	}
	return &st->known[st->n_known++];
}

static int overflow(struct kube_stream *st)
{
	st->failed = HC_KUBE_R_OVERFLOW;
	snprintf(st->x.why, sizeof(st->x.why), "the queue of events is full: all are listed again later");
	return -ENOBUFS;
}

/* kind SET or GONE, of what is known as `o`; json may be NULL. */
static int queue_object(struct kube_stream *st, enum hc_kube_event_kind kind, const struct kube_known *o,
                        struct json_object *json)
{
	struct hc_kube_event ev = { .kind = kind, .resource = st->resource };
	const char *text;

	memcpy(ev.uid, o->uid, sizeof(ev.uid));
	memcpy(ev.ns, o->ns, sizeof(ev.ns));
	memcpy(ev.name, o->name, sizeof(ev.name));
	if (json) {
		static const char *const unused[] = { "managedFields", "annotations", "labels" };
		struct json_object *meta = kube_at(json, "metadata", NULL);

		/* its schema bounds the rest: thousands that somebody has hung much on do not fill the queue */
		for (unsigned i = 0; i < sizeof(unused) / sizeof(unused[0]); i++)
			json_object_object_del(meta, unused[i]);
		text = json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, &ev.json_bytes);
		ev.json = text ? strdup(text) : NULL;
		if (!ev.json)
			return -ENOMEM;
	}
	return kube_queue(st->k, &ev) ? 0 : overflow(st);
}

static int take_object(struct kube_stream *st, struct json_object *o, bool gone)
{
	struct json_object *meta = kube_at(o, "metadata", NULL);
	const char *uid = kube_text(meta, "uid"), *name = kube_text(meta, "name"),
		   *ns = kube_text(meta, "namespace");
	struct kube_known *at, one;
	int r;

	if (!*uid || !*name || strlen(uid) >= sizeof(at->uid) || strlen(name) >= sizeof(at->name) ||
	    strlen(ns) >= sizeof(at->ns) || (!*ns && st->resource == HC_KUBE_CAPTURES))
		return -EBADMSG;
	at = known(st, uid);
	if (!at && !gone) {
		if (st->n_known >= st->k->o.max_objects) {
			pthread_mutex_lock(&st->k->lock);
			st->k->stats.n_refused++;
			pthread_mutex_unlock(&st->k->lock);
			return 0;
		}
		at = know(st);
		if (!at)
			return -ENOMEM;
		snprintf(at->uid, sizeof(at->uid), "%s", uid);
		snprintf(at->ns, sizeof(at->ns), "%s", ns);
		snprintf(at->name, sizeof(at->name), "%s", name);
	}
	if (!at)
		return 0;
	at->seen = true;
	one = *at;
	if (gone)
		*at = st->known[--st->n_known];
	r = queue_object(st, gone ? HC_KUBE_GONE : HC_KUBE_SET, &one, o);
	return r;
}

/* What the list that has ended did not have is gone. */
static int sweep_objects(struct kube_stream *st)
{
	struct hc_kube_event synced = { .kind = HC_KUBE_SYNCED, .resource = st->resource };

	for (uint32_t i = 0; i < st->n_known;) {
		int r;

		if (st->known[i].seen) {
			i++;
			continue;
		}
		r = queue_object(st, HC_KUBE_GONE, &st->known[i], NULL);
		if (r < 0)
			return r;
		st->known[i] = st->known[--st->n_known];
	}
	return kube_queue(st->k, &synced) ? 0 : overflow(st);
}

/* ---- pods ---- */

static int take_pod(struct kube_stream *st, struct json_object *o, size_t json_bytes, bool gone)
{
	struct hc_kube *k = st->k;
	const char *uid = kube_text(kube_at(o, "metadata", NULL), "uid");
	struct hc_kube_pod *pod;
	int r = 0;

	if (!*uid)
		return -EBADMSG;
	if (gone) {
		pthread_mutex_lock(&k->lock);
		kube_table_remove(&k->pods, hc_str_c(uid), kube_now());
		pthread_mutex_unlock(&k->lock);
		kube_wake_reader(k);
		return 0;
	}
	if (strcmp(kube_text(kube_at(o, "spec", NULL), "nodeName"), k->node) != 0) {
		pthread_mutex_lock(&k->lock);
		k->stats.n_foreign++;
		pthread_mutex_unlock(&k->lock);
		return 0;
	}
	pod = kube_pod_new(o, json_bytes, kube_now(), &r);
	if (!pod)
		return r;
	pthread_mutex_lock(&k->lock);
	kube_table_set(&k->pods, pod, kube_now()); /* refused: counted there */
	pthread_mutex_unlock(&k->lock);
	kube_wake_reader(k);
	return 0;
}

/* ---- namespaces ---- */

/* A cluster may have thousands, and each of its nodes would list them all: one list for each that has pods here
 * costs the server a look-up. Their watch begins where the first of these lists was, so that nothing falls
 * between; what it tells of other namespaces is passed over. */

static int take_ns(struct kube_stream *st, struct json_object *o, size_t json_bytes, bool gone)
{
	struct hc_kube *k = st->k;
	const char *name = kube_text(kube_at(o, "metadata", NULL), "name");
	struct hc_kube_ns *ns;
	bool has;
	int r;

	if (!*name)
		return -EBADMSG;
	pthread_mutex_lock(&k->lock);
	has = kube_space_has(&k->pods, name);
	if (st->phase == KUBE_LIST && strcmp(name, st->space) != 0) {
		k->stats.n_foreign++;
		has = false;
	}
	pthread_mutex_unlock(&k->lock);
	if (!has || gone) /* its pods are gone, or go: they keep what was known */
		return 0;
	ns = kube_ns_new(o, json_bytes, kube_now(), &r);
	if (!ns)
		return r;
	pthread_mutex_lock(&k->lock);
	kube_space_set(&k->pods, ns); /* refused: counted there */
	pthread_mutex_unlock(&k->lock);
	kube_wake_reader(k);
	return 0;
}

/* The namespace that is to be asked for next, into st->space. */
static bool next_space(struct kube_stream *st, uint64_t now_ns)
{
	const struct kube_space *s;

	pthread_mutex_lock(&st->k->lock);
	s = kube_space_due(&st->k->pods, now_ns);
	if (s)
		memcpy(st->space, s->name, sizeof(st->space));
	pthread_mutex_unlock(&st->k->lock);
	return s != NULL;
}

/* One was asked for. The watch begins when no other is to be asked for now, and the server has told of any. */
static void space_ended(struct kube_stream *st, uint64_t now_ns)
{
	bool more;

	pthread_mutex_lock(&st->k->lock);
	more = kube_space_due(&st->k->pods, now_ns) != NULL || !*st->rv;
	st->k->stats.of[st->resource].synced |= !more;
	pthread_mutex_unlock(&st->k->lock);
	st->phase = more ? KUBE_LIST : KUBE_WATCH;
}

/* A namespace that may not be read, or of which there is no sound answer, does not keep the others waiting. */
static void put_off_space(struct kube_stream *st, uint64_t now_ns)
{
	struct hc_kube *k = st->k;
	uint64_t first_ms = k->o.backoff_max_ms < k->o.absent_ms ? k->o.backoff_max_ms : k->o.absent_ms;

	pthread_mutex_lock(&k->lock);
	kube_space_put_off(&k->pods, st->space, now_ns, kube_jitter(k, first_ms), kube_jitter(k, k->o.absent_ms));
	pthread_mutex_unlock(&k->lock);
	st->n_put_off++;
	st->put_off = true;
	space_ended(st, now_ns);
}

bool kube_stream_has_work(struct kube_stream *st, uint64_t now_ns)
{
	if (st->resource != HC_KUBE_NAMESPACES || (st->phase == KUBE_LIST && st->x.easy))
		return true;
	if (!next_space(st, now_ns))
		return st->phase == KUBE_WATCH;
	if (st->phase == KUBE_WATCH && (!st->x.easy || now_ns - st->started_ns >= SPACES_PAUSE_NS)) {
		/* a new one: the watch goes on from where it is when that is known */
		kube_xfer_done(&st->x);
		st->open = false;
		st->phase = KUBE_LIST;
		pthread_mutex_lock(&st->k->lock);
		st->k->stats.of[st->resource].connected = false;
		pthread_mutex_unlock(&st->k->lock);
	}
	return true;
}

/* ---- lines and items ---- */

static int take(struct kube_stream *st, struct json_object *o, size_t json_bytes, bool in_list, bool gone)
{
	const char *kind = kube_text(o, "kind");

	/* Items of a list may lack their kind, lines of a watch have it. */
	if (strcmp(kind, resources[st->resource].kind) != 0 && (!in_list || *kind))
		return -EBADMSG;
	pthread_mutex_lock(&st->k->lock);
	st->k->stats.of[st->resource].n_events++;
	pthread_mutex_unlock(&st->k->lock);
	if (st->resource == HC_KUBE_PODS)
		return take_pod(st, o, json_bytes, gone);
	if (st->resource == HC_KUBE_NAMESPACES)
		return take_ns(st, o, json_bytes, gone);
	return take_object(st, o, gone);
}

static bool set_version(struct kube_stream *st, struct json_object *meta)
{
	const char *rv = kube_text(meta, "resourceVersion");

	if (!*rv || strlen(rv) >= sizeof(st->rv))
		return false;
	snprintf(st->rv, sizeof(st->rv), "%s", rv);
	return true;
}

static int take_error(struct kube_stream *st, struct json_object *o)
{
	struct kube_status s;

	if (!kube_status_of(o, &s))
		return -EBADMSG;
	snprintf(st->x.why, sizeof(st->x.why), "the watch was ended with code %d: %.200s", s.code, s.message);
	st->retry_after_ms = (uint64_t)(s.retry_after_s < 86400 ? s.retry_after_s : 86400) * 1000;
	if (s.code == 410)
		st->failed = HC_KUBE_R_EXPIRED;
	else if (s.code == 429 || s.code == 503)
		st->failed = HC_KUBE_R_THROTTLED;
	else if (s.code == 504 && !strcmp(s.cause, "ResourceVersionTooLarge"))
		st->failed = HC_KUBE_R_AHEAD;
	else
		st->failed = HC_KUBE_R_HTTP;
	return -ECANCELED;
}

static int take_line(struct kube_stream *st, struct json_object *line, size_t json_bytes)
{
	const char *type = kube_text(line, "type");
	struct json_object *o = kube_at(line, "object", NULL), *meta = kube_at(o, "metadata", NULL);
	bool gone = !strcmp(type, "DELETED");
	int r = 0;

	if (!strcmp(type, "ERROR"))
		return take_error(st, o);
	if (!strcmp(type, "BOOKMARK")) {
		if (!set_version(st, meta))
			return -EBADMSG;
		pthread_mutex_lock(&st->k->lock);
		st->k->stats.of[st->resource].n_bookmarks++;
		pthread_mutex_unlock(&st->k->lock);
		return 0;
	}
	if (!gone && strcmp(type, "ADDED") != 0 && strcmp(type, "MODIFIED") != 0)
		return -EBADMSG;
	r = take(st, o, json_bytes, false, gone);
	if (r == 0 && !set_version(st, meta))
		r = -EBADMSG;
	return r;
}

static int take_item(struct kube_stream *st, const char *p, size_t n_bytes)
{
	int r;
	struct json_object *o = kube_parse(p, n_bytes, st->k->o.max_object_parts, &r);

	if (!o && r == -E2BIG) {
		st->split.n_too_big++;
		return 0;
	}
	if (!o)
		return r;
	r = st->phase == KUBE_WATCH ? take_line(st, o, n_bytes) : take(st, o, n_bytes, true, false);
	json_object_put(o);
	return r;
}

/* The list's own members. */
static int take_member(struct kube_stream *st, const char *key, const char *p, size_t n_bytes)
{
	struct json_object *o;
	const char *more;
	int r;

	if (!strcmp(key, "kind")) {
		char want[64];

		snprintf(want, sizeof(want), "\"%sList\"", resources[st->resource].kind);
		st->saw_kind = n_bytes == strlen(want) && !memcmp(p, want, n_bytes);
		return st->saw_kind ? 0 : -EBADMSG;
	}
	if (strcmp(key, "metadata") != 0)
		return 0;
	o = kube_parse(p, n_bytes, 1024, &r);
	if (!o)
		return r;
	more = st->resource != HC_KUBE_NAMESPACES ? kube_text(o, "continue") : "";
	if (st->resource == HC_KUBE_NAMESPACES && *st->rv)
		r = 0; /* the watch is to begin at the first of several lists, or goes on where it was */
	else
		r = set_version(st, o) && strlen(more) <= MAX_CONTINUE_BYTES ? 0 : -EBADMSG;
	free(st->next);
	st->next = r == 0 && *more ? strdup(more) : NULL;
	if (r == 0 && *more && !st->next)
		r = -ENOMEM; /* not the end of the list */
	json_object_put(o);
	return r;
}

static int on_value(void *ctx, const char *key, const char *p, size_t n_bytes)
{
	struct kube_stream *st = ctx;

	return key ? take_member(st, key, p, n_bytes) : take_item(st, p, n_bytes);
}

static int count_too_big(struct kube_stream *st, int r)
{
	if (st->split.n_too_big) {
		pthread_mutex_lock(&st->k->lock);
		st->k->stats.n_too_big += st->split.n_too_big;
		pthread_mutex_unlock(&st->k->lock);
		st->split.n_too_big = 0;
	}
	return r;
}

static int on_body(void *ctx, const char *p, size_t n)
{
	struct kube_stream *st = ctx;

	if (st->phase == KUBE_LIST) {
		st->list_bytes += n;
		if (st->list_bytes > st->k->o.max_list_bytes)
			return -EFBIG;
	}
	return count_too_big(st, kube_split_push(&st->split, p, n));
}

static void on_opened(void *ctx)
{
	struct kube_stream *st = ctx;

	if (st->phase != KUBE_WATCH)
		return;
	st->open = true;
	pthread_mutex_lock(&st->k->lock);
	st->k->stats.of[st->resource].connected = true;
	st->k->stats.of[st->resource].error[0] = '\0';
	pthread_mutex_unlock(&st->k->lock);
}

/* ---- beginning ---- */

static bool build_path(struct kube_stream *st, uint32_t watch_ms)
{
	char *to = st->path;
	size_t size = sizeof(st->path);
	const char *end = "";
	int n;

	if (st->phase == KUBE_WATCH)
		n = snprintf(to, size, "%s?watch=1&allowWatchBookmarks=true&timeoutSeconds=%u&resourceVersion=",
		             resources[st->resource].path, (watch_ms + 999) / 1000);
	else if (st->resource == HC_KUBE_NAMESPACES)
		n = snprintf(to, size, "%s?fieldSelector=metadata.name%%3D", resources[st->resource].path);
	else
		n = snprintf(to, size, "%s?limit=%d%s", resources[st->resource].path, PAGE_OBJECTS,
		             st->more     ? "&continue="
		             : st->quorum ? ""
		                          : "&resourceVersion=0");
	if (st->phase == KUBE_WATCH)
		end = st->rv;
	else if (st->resource == HC_KUBE_NAMESPACES)
		end = st->space;
	else if (st->more)
		end = st->more;
	if (n < 0 || !kube_escape(to, size, end))
		return false;
	if (st->resource != HC_KUBE_PODS)
		return true;
	n = (int)strlen(to);
	snprintf(to + n, size - (size_t)n, "&fieldSelector=spec.nodeName%%3D");
	return kube_escape(to, size, st->k->node);
}

static void begin_list(struct kube_stream *st)
{
	st->n_pages = 0;
	st->list_bytes = 0;
	st->saw_kind = false;
	for (uint32_t i = 0; i < st->n_known; i++)
		st->known[i].seen = false;
	if (st->resource == HC_KUBE_PODS) {
		pthread_mutex_lock(&st->k->lock);
		kube_table_mark(&st->k->pods);
		pthread_mutex_unlock(&st->k->lock);
	}
}

static void failed(struct kube_stream *st, enum hc_kube_reason why, uint64_t now_ns);

void kube_stream_start(struct kube_stream *st, uint64_t now_ns)
{
	const struct hc_kube_opts *o = &st->k->o;
	bool watch = st->phase == KUBE_WATCH;
	uint32_t ms =
		watch ? o->watch_ms + (uint32_t)kube_random(st->k, (uint64_t)o->watch_ms + 1) : o->request_ms;
	struct kube_call call = { .method = "GET",
		                  .verb = watch ? "watch" : "list",
		                  .path = st->path,
		                  .total_ms = watch ? ms + o->watch_grace_ms : ms,
		                  .fresh = st->fresh };
	int r;

	if (!watch && !st->more)
		begin_list(st);
	free(st->next);
	st->next = NULL;
	st->failed = -1;
	st->open = false;
	st->retry_after_ms = 0;
	st->started_ns = now_ns;
	st->x.body = on_body;
	st->x.opened = on_opened;
	st->x.ctx = st;
	kube_split_done(&st->split);
	kube_split_init(&st->split, watch, o->max_object_bytes, on_value, st);
	r = build_path(st, ms) ? kube_xfer_start(&st->x, &call) : -EBADMSG;
	if (r < 0) {
		if (!st->x.why[0])
			snprintf(st->x.why, sizeof(st->x.why), "cannot ask the server: %s", strerror(-r));
		failed(st, r == -EINVAL ? HC_KUBE_R_AUTH : HC_KUBE_R_BAD, now_ns);
	}
}

/* ---- the end, and what comes then ---- */

static void failed(struct kube_stream *st, enum hc_kube_reason why, uint64_t now_ns)
{
	struct hc_kube *k = st->k;
	uint64_t wait_ms;

	st->fresh = why == HC_KUBE_R_TIMEOUT || why == HC_KUBE_R_NETWORK;
	/* A server that starts refuses for some seconds what it will allow: only before the first list is it an
	 * answer. Of a namespace it is one to that alone, until many have been refused. */
	if (st->put_off && *st->rv)
		wait_ms = kube_jitter(k, k->o.backoff_min_ms);
	else if (why == HC_KUBE_R_ABSENT && !*st->rv && (!st->put_off || st->n_put_off > SPACES_TRIES))
		wait_ms = kube_jitter(k, k->o.absent_ms);
	else
		wait_ms = kube_backoff(k, &st->backoff_ms, st->retry_after_ms);
	st->put_off = false;
	st->due_ns = now_ns + wait_ms * KUBE_MS;
	pthread_mutex_lock(&k->lock);
	k->stats.restarts[why]++;
	snprintf(k->stats.of[st->resource].error, sizeof(k->stats.of[st->resource].error), "%s", st->x.why);
	pthread_mutex_unlock(&k->lock);
}

/* From the beginning; quorum: not from the server's cache, which gave us a version that cannot be followed. */
static void list_again(struct kube_stream *st, bool quorum)
{
	if (st->resource == HC_KUBE_NAMESPACES) {
		st->rv[0] = '\0';
		pthread_mutex_lock(&st->k->lock);
		kube_space_all_due(&st->k->pods);
		pthread_mutex_unlock(&st->k->lock);
	}
	free(st->more);
	st->more = NULL;
	st->phase = KUBE_LIST;
	st->quorum = quorum;
	st->n_ahead = 0;
}

static void list_ended(struct kube_stream *st, uint64_t now_ns)
{
	struct hc_kube *k = st->k;
	int r = 0;

	if (kube_split_end(&st->split) < 0 || !st->saw_kind || !*st->rv) {
		snprintf(st->x.why, sizeof(st->x.why), "the answer is no whole list of %s",
		         hc_kube_resource_name(st->resource));
		if (st->resource == HC_KUBE_NAMESPACES)
			put_off_space(st, now_ns);
		else
			list_again(st, false);
		failed(st, HC_KUBE_R_BAD, now_ns);
		return;
	}
	free(st->more);
	st->more = hc_steal(st->next);
	if (st->more) {
		if (++st->n_pages >= MAX_PAGES) {
			snprintf(st->x.why, sizeof(st->x.why), "the list has no end: %u pages", st->n_pages);
			list_again(st, false);
			failed(st, HC_KUBE_R_BAD, now_ns);
			return;
		}
		st->saw_kind = false;
		st->due_ns = now_ns;
		return;
	}
	if (is_queued(st))
		r = sweep_objects(st);
	pthread_mutex_lock(&k->lock);
	if (st->resource == HC_KUBE_PODS)
		kube_table_sweep(&k->pods, now_ns);
	if (st->resource == HC_KUBE_NAMESPACES)
		kube_space_asked(&k->pods, st->space);
	else
		k->stats.of[st->resource].synced |= r == 0;
	k->stats.of[st->resource].n_objects = st->n_known; /* of those in the table others tell */
	k->stats.of[st->resource].n_lists++;
	pthread_mutex_unlock(&k->lock);
	if (r < 0) {
		failed(st, HC_KUBE_R_OVERFLOW, now_ns);
		return;
	}
	kube_wake_reader(k);
	st->n_put_off = 0;
	if (st->resource == HC_KUBE_NAMESPACES)
		space_ended(st, now_ns);
	else
		st->phase = KUBE_WATCH;
	st->due_ns = now_ns;
}

static void next_phase(struct kube_stream *st, enum hc_kube_reason why, uint64_t now_ns)
{
	if (st->resource == HC_KUBE_NAMESPACES && st->phase == KUBE_LIST &&
	    (why == HC_KUBE_R_ABSENT || why == HC_KUBE_R_BAD)) {
		put_off_space(st, now_ns);
		return;
	}
	switch (why) {
	case HC_KUBE_R_EXPIRED:
		/* Of a list: its continue token, or the cache's version. Of a watch: the version we were at. */
		list_again(st, st->phase == KUBE_LIST);
		break;
	case HC_KUBE_R_AHEAD:
		if (st->phase == KUBE_LIST || ++st->n_ahead >= 3)
			list_again(st, true);
		break;
	case HC_KUBE_R_BAD:
	case HC_KUBE_R_OVERFLOW:
		list_again(st, false); /* something was missed */
		break;
	default:
		/* A watch goes on from its version; a list's page is asked for again. */
		break;
	}
}

void kube_stream_finish(struct kube_stream *st, CURLcode result, uint64_t now_ns)
{
	struct hc_kube *k = st->k;
	char why_text[CURL_ERROR_SIZE];
	bool ok, watched = st->open, lasted;
	enum hc_kube_reason why;

	snprintf(why_text, sizeof(why_text), "%s", st->x.why);
	why = kube_xfer_finish(&st->x, result, &ok);
	if (st->x.retry_after_ms)
		st->retry_after_ms = st->x.retry_after_ms;
	if (st->failed >= 0) {
		why = (enum hc_kube_reason)st->failed;
		snprintf(st->x.why, sizeof(st->x.why), "%s", why_text);
		ok = false;
	}
	lasted = watched && now_ns - st->started_ns >= k->o.watch_short_ms * KUBE_MS;
	if (watched && now_ns - st->started_ns >= k->o.healthy_ms * KUBE_MS)
		st->backoff_ms = k->o.backoff_min_ms;
	pthread_mutex_lock(&k->lock);
	k->stats.of[st->resource].connected = false;
	k->stats.of[st->resource].n_objects = st->n_known;
	pthread_mutex_unlock(&k->lock);
	st->open = false;
	if (ok && st->phase == KUBE_LIST) {
		st->fresh = false;
		list_ended(st, now_ns);
		return;
	}
	if (ok && kube_split_end(&st->split) < 0) {
		/* Cut within a line: as a broken connection, the next watch gives that object again. */
		why = HC_KUBE_R_NETWORK;
		snprintf(st->x.why, sizeof(st->x.why), "the watch ended within an object");
	} else if (ok) {
		why = HC_KUBE_R_ENDED;
		snprintf(st->x.why, sizeof(st->x.why), "the server ended the watch at once");
	}
	if (why != HC_KUBE_R_AHEAD)
		st->n_ahead = 0;
	if (why == HC_KUBE_R_AUTH && st->x.renewed) {
		pthread_mutex_lock(&k->lock);
		k->stats.restarts[why]++;
		pthread_mutex_unlock(&k->lock);
		st->due_ns = now_ns;
		return;
	}
	next_phase(st, why, now_ns);
	if (lasted && (why == HC_KUBE_R_ENDED || why == HC_KUBE_R_EXPIRED)) {
		pthread_mutex_lock(&k->lock);
		k->stats.restarts[why]++;
		pthread_mutex_unlock(&k->lock);
		st->due_ns = now_ns;
		st->fresh = false;
		return;
	}
	failed(st, why, now_ns);
}
