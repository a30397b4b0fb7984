/* Requests that the recorder hands in: sent a few at a time, those for one object one after the other, tried again
 * while that makes sense, and answered through the queue. */
#include "kube_client.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY_BYTES (1u << 20)
#define MAX_PATH_BYTES 4096u

static const struct {
	const char *method, *verb, *type;
	bool status, manager, replaceable, body, name, list;
} verbs[] = {
	[HC_KUBE_GET] = { .method = "GET", .verb = "get", .name = true },
	[HC_KUBE_LIST] = { .method = "GET", .verb = "list", .list = true },
	[HC_KUBE_CREATE] = { .method = "POST", .verb = "create", .type = "application/json", .body = true },
	[HC_KUBE_APPLY] = { .method = "PATCH",
	                    .verb = "patch",
	                    .type = "application/apply-patch+yaml",
	                    .manager = true,
	                    .replaceable = true,
	                    .body = true,
	                    .name = true },
	[HC_KUBE_APPLY_STATUS] = { .method = "PATCH",
	                           .verb = "patch",
	                           .type = "application/apply-patch+yaml",
	                           .status = true,
	                           .manager = true,
	                           .replaceable = true,
	                           .body = true,
	                           .name = true },
	[HC_KUBE_MERGE_STATUS] = { .method = "PATCH",
	                           .verb = "patch",
	                           .type = "application/merge-patch+json",
	                           .status = true,
	                           .replaceable = true,
	                           .body = true,
	                           .name = true },
	[HC_KUBE_UPDATE] = { .method = "PUT",
	                     .verb = "update",
	                     .type = "application/json",
	                     .body = true,
	                     .name = true },
	[HC_KUBE_DELETE] = { .method = "DELETE", .verb = "delete", .name = true },
};

void kube_job_free(struct kube_job *job)
{
	if (!job)
		return;
	kube_xfer_done(&job->x);
	free(job->path);
	free(job->body);
	free(job->answer.p);
	free(job);
}

/* A path segment, or the "apis/GROUP/VERSION" of an API. */
static bool is_name(const char *s, bool slashes)
{
	if (!s || !*s || *s == '.' || *s == '/' || strlen(s) > 253)
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' || *s == '.' ||
		      (*s == '/' && slashes)))
			return false;
	return true;
}

/* false: no room. */
static bool add_query(char *path, const struct hc_kube_request *req)
{
	size_t n = strlen(path);

	snprintf(path + n, MAX_PATH_BYTES - n, "?limit=%u&labelSelector=", req->limit);
	if (!kube_escape(path, MAX_PATH_BYTES, req->labels ? req->labels : ""))
		return false;
	n = strlen(path);
	if (!req->more)
		return true;
	if (n + sizeof("&continue=") > MAX_PATH_BYTES)
		return false;
	memcpy(path + n, "&continue=", sizeof("&continue="));
	return kube_escape(path, MAX_PATH_BYTES, req->more);
}

static int build_path(struct kube_job *job, const struct hc_kube_request *req, struct hc_err *err)
{
	char path[MAX_PATH_BYTES];
	int n;

	if (!is_name(req->api, true) || !is_name(req->resource, false) || (req->ns && !is_name(req->ns, false)) ||
	    (verbs[req->verb].name && !is_name(req->name, false)))
		return hc_err_set(err, -EINVAL, "not the name of a Kubernetes object: %s %s/%s", req->resource,
		                  req->ns ? req->ns : "", req->name ? req->name : "");
	n = snprintf(path, sizeof(path), "/%s%s%s/%s%s%s", req->api, req->ns ? "/namespaces/" : "",
	             req->ns ? req->ns : "", req->resource, verbs[req->verb].name ? "/" : "",
	             verbs[req->verb].name ? req->name : "");
	job->object_len = (size_t)n;
	if (n > 0 && (size_t)n < sizeof(path) - 320) {
		if (verbs[req->verb].list && !add_query(path, req))
			n = -1;
		if (verbs[req->verb].status)
			n += snprintf(path + n, sizeof(path) - (size_t)n, "/status");
		if (verbs[req->verb].manager) {
			snprintf(path + n, sizeof(path) - (size_t)n, "?force=true&fieldManager=");
			if (!req->field_manager || !*req->field_manager ||
			    !kube_escape(path, sizeof(path), req->field_manager))
				n = -1;
		}
	} else {
		n = -1;
	}
	if (n < 0)
		return hc_err_set(err, -EINVAL, "no field manager, or names too long, in a request for %s",
		                  req->resource);
	job->path = strdup(path);
	return job->path ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
}

static int job_new(struct hc_kube *k, const struct hc_kube_request *req, struct kube_job **ret, struct hc_err *err)
{
	struct kube_job *job;
	int r;

	if ((unsigned)req->verb >= sizeof(verbs) / sizeof(verbs[0]) ||
	    verbs[req->verb].body != (req->body != NULL))
		return hc_err_set(err, -EINVAL, "a request for %s %s", req->resource ? req->resource : "nothing",
		                  req->body ? "has a body and may have none" : "lacks its body");
	job = calloc(1, sizeof(*job));
	if (!job)
		return hc_err_set(err, -ENOMEM, "out of memory");
	job->x.k = k;
	job->verb = req->verb;
	job->replaceable = verbs[req->verb].replaceable;
	job->backoff_ms = k->o.backoff_min_ms;
	job->due_ns = kube_now();
	job->give_up_ns = job->due_ns + k->o.give_up_ms * KUBE_MS;
	r = build_path(job, req, err);
	if (r == 0 && req->body) {
		job->body_bytes = strlen(req->body);
		job->body = job->body_bytes > MAX_BODY_BYTES ? NULL : strdup(req->body);
		if (!job->body)
			r = job->body_bytes > MAX_BODY_BYTES
			            ? hc_err_set(err, -E2BIG, "a request of %zu bytes for %s: over 1 MiB",
			                         job->body_bytes, req->resource)
			            : hc_err_set(err, -ENOMEM, "out of memory");
	}
	if (r < 0) {
		kube_job_free(job);
		return r;
	}
	*ret = job;
	return 0;
}

/* The server has asked to wait with what it says of an object, not with one version of that. */
static void inherit(struct kube_job *newer, const struct kube_job *job)
{
	newer->due_ns = job->due_ns;
	newer->backoff_ms = job->backoff_ms;
}

int hc_kube_send(struct hc_kube *k, const struct hc_kube_request *req, uint64_t *ret_id, struct hc_err *err)
{
	struct hc_kube_event ev = { .kind = HC_KUBE_ANSWER };
	struct kube_job *job = NULL, **at, *old = NULL;
	int r = job_new(k, req, &job, err);

	if (r < 0)
		return r;
	pthread_mutex_lock(&k->lock);
	for (at = &k->jobs; *at; at = &(*at)->next) {
		if (job->replaceable && (*at)->verb == job->verb && !strcmp((*at)->path, job->path)) {
			old = *at;
			job->next = old->next;
			inherit(job, old);
			break;
		}
	}
	if (!old && k->n_jobs >= KUBE_MAX_JOBS) {
		pthread_mutex_unlock(&k->lock);
		kube_job_free(job);
		return hc_err_set(err, -EAGAIN, "%u requests to the Kubernetes API wait already", KUBE_MAX_JOBS);
	}
	*ret_id = job->id = ++k->next_id;
	*at = job;
	k->n_jobs += !old;
	pthread_mutex_unlock(&k->lock);
	if (old) {
		ev.request_id = old->id;
		snprintf(ev.why, sizeof(ev.why), "a newer request took its place");
		kube_queue(k, &ev);
		kube_job_free(old);
	}
	curl_multi_wakeup(k->multi);
	return 0;
}

static int on_answer(void *ctx, const char *p, size_t n)
{
	struct kube_job *job = ctx;
	char *more;

	if (n > job->x.k->o.max_object_bytes - job->answer.n)
		return -EFBIG;
	more = realloc(job->answer.p, job->answer.n + n + 1);
	if (!more)
		return -ENOMEM;
	memcpy(more + job->answer.n, p, n);
	job->answer.p = more;
	job->answer.n += n;
	more[job->answer.n] = '\0';
	return 0;
}

static bool same_object(const struct kube_job *a, const struct kube_job *b)
{
	return a->object_len == b->object_len && !memcmp(a->path, b->path, a->object_len);
}

/* Must wait for one before it: running, or earlier in the line. */
static bool must_wait(const struct hc_kube *k, const struct kube_job *job)
{
	const struct kube_job *other;

	for (other = k->running; other; other = other->next)
		if (same_object(other, job))
			return true;
	for (other = k->jobs; other && other != job; other = other->next)
		if (same_object(other, job))
			return true;
	return false;
}

static void answer(struct hc_kube *k, struct kube_job *job, bool ok)
{
	struct hc_kube_event ev = { .kind = HC_KUBE_ANSWER, .request_id = job->id, .status = job->x.status };

	if (!ok)
		snprintf(ev.why, sizeof(ev.why), "%s", job->x.why);
	ev.json = hc_steal(job->answer.p);
	ev.json_bytes = ev.json ? job->answer.n : 0;
	if (!ok && !ev.json && job->x.kept) {
		ev.json = strndup(job->x.kept, job->x.n_kept);
		ev.json_bytes = ev.json ? strlen(ev.json) : 0;
	}
	kube_queue(k, &ev);
	kube_job_free(job);
}

/* Back into the line, at its front: it was there before those that wait. */
static void again(struct hc_kube *k, struct kube_job *job)
{
	struct kube_job **at, *newer = NULL;

	pthread_mutex_lock(&k->lock);
	for (at = &k->jobs; *at && !newer; at = &(*at)->next)
		if (job->replaceable && (*at)->verb == job->verb && !strcmp((*at)->path, job->path))
			newer = *at;
	if (newer) {
		inherit(newer, job);
	} else {
		job->next = k->jobs;
		k->jobs = job;
		k->n_jobs++;
	}
	pthread_mutex_unlock(&k->lock);
	if (newer) {
		job->x.status = 0;
		snprintf(job->x.why, sizeof(job->x.why), "a newer request took its place");
		answer(k, job, false);
	}
}

static void failed(struct hc_kube *k, struct kube_job *job, enum hc_kube_reason why, uint64_t now_ns)
{
	bool retry = why == HC_KUBE_R_NETWORK || why == HC_KUBE_R_TIMEOUT || why == HC_KUBE_R_THROTTLED ||
	             why == HC_KUBE_R_AUTH || (why == HC_KUBE_R_HTTP && job->x.status >= 500);
	uint64_t wait_ms = 0;

	if (!(why == HC_KUBE_R_AUTH && job->x.renewed))
		wait_ms = kube_backoff(k, &job->backoff_ms, job->x.retry_after_ms);
	job->due_ns = now_ns + wait_ms * KUBE_MS;
	if (!retry || job->due_ns >= job->give_up_ns)
		answer(k, job, false);
	else
		again(k, job);
}

static void start(struct hc_kube *k, struct kube_job *job, uint64_t now_ns)
{
	struct kube_call call = { .method = verbs[job->verb].method,
		                  .verb = verbs[job->verb].verb,
		                  .path = job->path,
		                  .content_type = verbs[job->verb].type,
		                  .body = job->body,
		                  .body_bytes = job->body_bytes,
		                  .total_ms = k->o.request_ms,
		                  .fresh = job->backoff_ms > k->o.backoff_min_ms };
	int r;

	job->x.body = on_answer;
	job->x.ctx = job;
	job->answer.n = 0;
	r = kube_xfer_start(&job->x, &call);
	if (r < 0) {
		if (!job->x.why[0])
			snprintf(job->x.why, sizeof(job->x.why), "cannot ask the server: %s", strerror(-r));
		failed(k, job, r == -EINVAL ? HC_KUBE_R_AUTH : HC_KUBE_R_BAD, now_ns);
		return;
	}
	job->next = k->running;
	k->running = job;
	k->n_running++;
}

uint64_t kube_jobs_start(struct hc_kube *k, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	while (k->n_running < KUBE_MAX_RUNNING) {
		struct kube_job **at, *job = NULL;

		next_ns = UINT64_MAX;
		pthread_mutex_lock(&k->lock);
		for (at = &k->jobs; *at; at = &(*at)->next) {
			if (must_wait(k, *at))
				continue;
			if ((*at)->due_ns <= now_ns) {
				job = *at;
				*at = job->next;
				k->n_jobs--;
				break;
			}
			if ((*at)->due_ns < next_ns)
				next_ns = (*at)->due_ns;
		}
		pthread_mutex_unlock(&k->lock);
		if (!job)
			break;
		start(k, job, now_ns);
	}
	return next_ns;
}

void kube_job_finish(struct hc_kube *k, struct kube_job *job, CURLcode result, uint64_t now_ns)
{
	struct kube_job **at = &k->running;
	enum hc_kube_reason why;
	bool ok;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	k->n_running--;
	why = kube_xfer_finish(&job->x, result, &ok);
	if (ok)
		answer(k, job, true);
	else
		failed(k, job, why, now_ns);
}
