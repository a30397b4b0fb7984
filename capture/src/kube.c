/* The client as its users see it, and the thread's loop: start what is due, let libcurl work, take what has ended,
 * cut what takes too long, sleep until something happens. */
#include "kube_client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/sha256.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount/"
#define MAX_WAIT_MS 1000 /* also how late a deadline may be noticed at most */

static const char *const resource_names[HC_KUBE_N_RESOURCES] = {
	[HC_KUBE_PODS] = "pods",
	[HC_KUBE_CAPTURES] = "captures",
	[HC_KUBE_CLUSTERCAPTURES] = "clustercaptures",
	[HC_KUBE_NAMESPACES] = "namespaces",
};

static const char *const reason_names[HC_KUBE_N_REASONS] = {
	[HC_KUBE_R_ENDED] = "ended",       [HC_KUBE_R_EXPIRED] = "expired",
	[HC_KUBE_R_AHEAD] = "ahead",       [HC_KUBE_R_THROTTLED] = "throttled",
	[HC_KUBE_R_AUTH] = "auth",         [HC_KUBE_R_ABSENT] = "absent",
	[HC_KUBE_R_HTTP] = "http",         [HC_KUBE_R_NETWORK] = "network",
	[HC_KUBE_R_TIMEOUT] = "timeout",   [HC_KUBE_R_BAD] = "bad",
	[HC_KUBE_R_OVERFLOW] = "overflow",
};

const char *hc_kube_resource_name(enum hc_kube_resource r)
{
	return (unsigned)r < HC_KUBE_N_RESOURCES ? resource_names[r] : "unknown";
}

const char *hc_kube_reason_name(enum hc_kube_reason r)
{
	return (unsigned)r < HC_KUBE_N_REASONS ? reason_names[r] : "unknown";
}

/* ---- time and chance ---- */

uint64_t kube_now(void)
{
	return hc_clock_ns(CLOCK_BOOTTIME);
}

uint64_t kube_random(struct hc_kube *k, uint64_t n)
{
	/* xorshift64*: it only spreads load */
	k->random ^= k->random >> 12;
	k->random ^= k->random << 25;
	k->random ^= k->random >> 27;
	return (k->random * UINT64_C(2685821657736338717) >> 16) % n;
}

uint64_t kube_jitter(struct hc_kube *k, uint64_t base)
{
	return base / 2 + kube_random(k, base + 1);
}

uint64_t kube_backoff(struct hc_kube *k, uint64_t *backoff_ms, uint64_t retry_after_ms)
{
	uint64_t wait_ms = kube_jitter(k, *backoff_ms);

	*backoff_ms = *backoff_ms * 2 < k->o.backoff_max_ms ? *backoff_ms * 2 : k->o.backoff_max_ms;
	if (retry_after_ms > k->o.retry_after_max_ms)
		retry_after_ms = k->o.retry_after_max_ms;
	/* All that were told the same time do not come back at the same time. */
	if (retry_after_ms > wait_ms)
		wait_ms = retry_after_ms + kube_random(k, retry_after_ms / 4 + 1);
	return wait_ms;
}

/* ---- the queue ---- */

void kube_wake_reader(struct hc_kube *k)
{
	uint64_t one = 1;

	while (write(k->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

bool kube_queue(struct hc_kube *k, struct hc_kube_event *ev)
{
	struct kube_queued *q = malloc(sizeof(*q));
	bool taken = q != NULL, full;

	pthread_mutex_lock(&k->lock);
	full = k->queued_bytes + ev->json_bytes > k->o.max_queue_bytes;
	if (ev->kind == HC_KUBE_ANSWER && full && ev->json) {
		hc_kube_event_done(ev); /* whoever waits for it is told at least that it is there */
		k->stats.n_dropped++;
	} else if (ev->kind != HC_KUBE_ANSWER && (full || k->n_queued >= k->o.max_events)) {
		taken = false;
	}
	if (taken) {
		*q = (struct kube_queued){ .ev = *ev };
		if (k->last)
			k->last->next = q;
		else
			k->first = q;
		k->last = q;
		k->n_queued++;
		k->queued_bytes += ev->json_bytes;
	} else {
		k->stats.n_dropped++;
	}
	pthread_mutex_unlock(&k->lock);
	if (taken) {
		kube_wake_reader(k);
	} else {
		free(q);
		hc_kube_event_done(ev);
	}
	return taken;
}

int hc_kube_fd(const struct hc_kube *k)
{
	return k->event_fd;
}

int hc_kube_next(struct hc_kube *k, struct hc_kube_event *ret)
{
	struct kube_queued *q;
	uint64_t n;

	/* Before the look: what comes after it makes the descriptor readable again. */
	while (read(k->event_fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&k->lock);
	q = k->first;
	if (q) {
		k->first = q->next;
		if (!k->first)
			k->last = NULL;
		k->n_queued--;
		k->queued_bytes -= q->ev.json_bytes;
		n = k->n_queued;
	} else {
		n = 0;
	}
	pthread_mutex_unlock(&k->lock);
	if (n)
		kube_wake_reader(k); /* there are more */
	if (!q)
		return 0;
	*ret = q->ev;
	free(q);
	return 1;
}

void hc_kube_event_done(struct hc_kube_event *ev)
{
	free(ev->json);
	ev->json = NULL;
	ev->json_bytes = 0;
}

/* ---- the table ---- */

bool hc_kube_find(struct hc_kube *k, struct hc_str container_id, struct hc_kube_found *ret)
{
	bool found;

	pthread_mutex_lock(&k->lock);
	found = kube_table_find(&k->pods, container_id, ret);
	pthread_mutex_unlock(&k->lock);
	return found;
}

bool hc_kube_find_uid(struct hc_kube *k, struct hc_str uid, struct hc_kube_found *ret)
{
	bool found;

	pthread_mutex_lock(&k->lock);
	found = kube_table_find_uid(&k->pods, uid, ret);
	pthread_mutex_unlock(&k->lock);
	return found;
}

size_t hc_kube_pods_since(struct hc_kube *k, uint64_t *seq, struct hc_kube_found *ret, size_t max)
{
	size_t n;

	pthread_mutex_lock(&k->lock);
	n = kube_table_since(&k->pods, seq, ret, max);
	pthread_mutex_unlock(&k->lock);
	return n;
}

void hc_kube_stats(struct hc_kube *k, struct hc_kube_stats *ret)
{
	pthread_mutex_lock(&k->lock);
	*ret = k->stats;
	ret->n_refused += k->pods.n_refused;
	ret->table_bytes = k->pods.bytes;
	ret->of[HC_KUBE_PODS].n_objects = kube_table_living(&k->pods);
	ret->n_gone = k->pods.n - ret->of[HC_KUBE_PODS].n_objects;
	ret->of[HC_KUBE_NAMESPACES].n_objects = kube_space_known(&k->pods);
	ret->of[HC_KUBE_NAMESPACES].wanted = k->pods.n_spaces > 0;
	ret->table_bytes += k->pods.space_bytes;
	pthread_mutex_unlock(&k->lock);
}

bool hc_kube_server_wall(struct hc_kube *k, int64_t *ret_ns)
{
	*ret_ns = atomic_load(&k->server_ns);
	return *ret_ns != 0;
}

int hc_kube_capture_node_name(const char *capture, const char *node, bool cluster, char ret[HC_KUBE_NAME_BYTES])
{
	char text[512], hex[HC_SHA256_HEX];
	uint8_t digest[HC_SHA256_BYTES];
	int n = snprintf(text, sizeof(text), "%s%s", cluster ? "cluster/" : "", node), r;

	if (n < 0 || (size_t)n >= sizeof(text) || strlen(capture) + 11 >= HC_KUBE_NAME_BYTES)
		return -E2BIG;
	r = hc_sha256_of(text, (size_t)n, digest, NULL);
	if (r < 0)
		return r;
	hc_sha256_hex(digest, hex);
	snprintf(ret, HC_KUBE_NAME_BYTES, "%s-%.10s", capture, hex);
	return 0;
}

/* ---- the thread ---- */

static struct kube_stream *stream_of(struct hc_kube *k, const struct kube_xfer *x)
{
	for (unsigned i = 0; i < HC_KUBE_N_RESOURCES; i++)
		if (&k->stream[i].x == x)
			return &k->stream[i];
	return NULL;
}

static void finish(struct hc_kube *k, struct kube_xfer *x, CURLcode result, uint64_t now_ns)
{
	struct kube_stream *st = stream_of(k, x);

	if (st)
		kube_stream_finish(st, result, now_ns);
	else
		kube_job_finish(k, x->ctx, result, now_ns);
}

/* Starts what is due; gives when to wake at the latest. */
static uint64_t start_due(struct hc_kube *k, uint64_t now_ns)
{
	uint64_t next_ns = kube_jobs_start(k, now_ns);

	for (unsigned i = 0; i < HC_KUBE_N_RESOURCES; i++) {
		struct kube_stream *st = &k->stream[i];
		uint64_t at_ns;

		if (!(k->o.resources & 1u << i))
			continue;
		if (!kube_stream_has_work(st, now_ns))
			continue;
		if (!st->x.easy && st->due_ns <= now_ns)
			kube_stream_start(st, now_ns);
		at_ns = st->x.easy ? st->x.deadline_ns : st->due_ns;
		if (at_ns < next_ns)
			next_ns = at_ns;
	}
	for (struct kube_job *job = k->running; job; job = job->next)
		if (job->x.deadline_ns < next_ns)
			next_ns = job->x.deadline_ns;
	return next_ns;
}

static void cut(struct hc_kube *k, struct kube_xfer *x, uint64_t now_ns)
{
	x->timed_out = true;
	finish(k, x, CURLE_OPERATION_TIMEDOUT, now_ns);
}

static void cut_late(struct hc_kube *k, uint64_t now_ns)
{
	struct kube_job *next;

	for (unsigned i = 0; i < HC_KUBE_N_RESOURCES; i++)
		if (k->stream[i].x.easy && k->stream[i].x.deadline_ns <= now_ns)
			cut(k, &k->stream[i].x, now_ns);
	for (struct kube_job *job = k->running; job; job = next) {
		next = job->next;
		if (job->x.deadline_ns <= now_ns)
			cut(k, &job->x, now_ns);
	}
}

static void take_ended(struct hc_kube *k)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(k->multi, &left)) != NULL) {
		CURLcode result = msg->data.result;
		char *x = NULL;

		if (msg->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &x) == CURLE_OK && x)
			finish(k, (struct kube_xfer *)(void *)x, result, kube_now());
	}
}

static void *run(void *ctx)
{
	struct hc_kube *k = ctx;

	while (!atomic_load(&k->stop)) {
		uint64_t now_ns, next_ns, wait_ms;
		int running;

		curl_multi_perform(k->multi, &running);
		take_ended(k);
		now_ns = kube_now();
		cut_late(k, now_ns);
		pthread_mutex_lock(&k->lock);
		kube_table_expire(&k->pods, now_ns);
		pthread_mutex_unlock(&k->lock);
		next_ns = start_due(k, now_ns);
		wait_ms = next_ns <= now_ns ? 0 : (next_ns - now_ns) / KUBE_MS + 1;
		if (wait_ms > MAX_WAIT_MS)
			wait_ms = MAX_WAIT_MS;
		/* What was started just now is due for libcurl at once: it does not wait then. */
		if (curl_multi_poll(k->multi, NULL, 0, (int)wait_ms, NULL) != CURLM_OK)
			usleep(100000); /* out of memory: not round and round */
	}
	return NULL;
}

/* ---- start and stop ---- */

void hc_kube_opts_init(struct hc_kube_opts *opts)
{
	*opts = (struct hc_kube_opts){
		.start_spread_ms = 30000,
		.connect_ms = 10000,
		.request_ms = 60000,
		.watch_ms = 300000,
		.watch_grace_ms = 15000,
		.watch_short_ms = 1000,
		.backoff_min_ms = 1000,
		.backoff_max_ms = 30000,
		.healthy_ms = 120000,
		.absent_ms = 300000,
		.retry_after_max_ms = 300000,
		.give_up_ms = 300000,
		.gone_ms = 600000,
		.max_object_bytes = 4u << 20,
		.max_object_parts = 100000,
		.max_list_bytes = 256u << 20,
		.max_objects = 4096,
		.max_table_bytes = 32u << 20,
		.max_events = 4096,
		.max_queue_bytes = 32u << 20,
	};
}

/* The server's address from the environment of every pod. */
static int url_of_cluster(char **ret, struct hc_err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	char url[512];
	int n;

	if (!host || !*host)
		return hc_err_set(
			err, -ENOENT,
			"not in a Kubernetes cluster: KUBERNETES_SERVICE_HOST is not set and no URL was given");
	n = snprintf(url, sizeof(url), strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host,
	             port && *port ? port : "443");
	if (n < 0 || (size_t)n >= sizeof(url))
		return hc_err_set(err, -EINVAL, "KUBERNETES_SERVICE_HOST is too long");
	*ret = strdup(url);
	return *ret ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
}

static int set_opts(struct hc_kube *k, const struct hc_kube_opts *opts, struct hc_err *err)
{
	int r = 0;

	k->o = *opts;
	if (!(opts->resources & ((1u << HC_KUBE_N_RESOURCES) - 1)))
		return hc_err_set(err, -EINVAL, "nothing to watch at the Kubernetes API");
	if ((opts->resources & 1u << HC_KUBE_PODS) && (!opts->node || !*opts->node || strlen(opts->node) > 253))
		return hc_err_set(
			err, -EINVAL,
			"the name of this node is needed to watch its pods (NODE_NAME from spec.nodeName)");
	if (opts->url && strncmp(opts->url, "https://", 8) != 0)
		return hc_err_set(err, -EINVAL, "the Kubernetes API is reached by https:// only, not by %s",
		                  opts->url);
	if (!opts->max_object_bytes || !opts->backoff_min_ms || opts->backoff_max_ms < opts->backoff_min_ms ||
	    !opts->watch_ms || !opts->request_ms)
		return hc_err_set(err, -EINVAL, "a limit or time of the Kubernetes client is 0 or out of order");
	if (opts->url) {
		k->url = strdup(opts->url);
		while (k->url && k->url[strlen(k->url) - 1] == '/')
			k->url[strlen(k->url) - 1] = '\0';
	} else {
		r = url_of_cluster(&k->url, err);
	}
	if (r < 0)
		return r;
	k->ca_file = strdup(opts->ca_file ? opts->ca_file : ACCOUNT_DIR "ca.crt");
	k->token_file = strdup(opts->token_file ? opts->token_file : HC_KUBE_TOKEN_FILE);
	k->node = strdup(opts->node ? opts->node : "");
	if (!k->url || !k->ca_file || !k->token_file || !k->node)
		return hc_err_set(err, -ENOMEM, "out of memory");
	k->o.url = k->o.ca_file = k->o.token_file = k->o.node = NULL;
	return 0;
}

static int start_thread(struct hc_kube *k, struct hc_err *err)
{
	sigset_t all, old;
	int r;

	/* Signals are for the recorder's own thread; a SIGPIPE of a TLS socket stays blocked here. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&k->thread, NULL, run, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return hc_err_set(err, -EAGAIN, "cannot start the thread of the Kubernetes client: %s",
		                  strerror(r));
	pthread_setname_np(k->thread, "hc-kube");
	return 0;
}

static struct hc_kube *kube_free(struct hc_kube *k)
{
	struct kube_job *job;
	struct hc_kube_event ev;

	for (unsigned i = 0; i < HC_KUBE_N_RESOURCES; i++)
		if (k->stream[i].k)
			kube_stream_done(&k->stream[i]);
	while ((job = k->running) != NULL) {
		k->running = job->next;
		kube_job_free(job);
	}
	while ((job = k->jobs) != NULL) {
		k->jobs = job->next;
		kube_job_free(job);
	}
	if (k->multi)
		curl_multi_cleanup(k->multi);
	while (k->event_fd >= 0 && hc_kube_next(k, &ev))
		hc_kube_event_done(&ev);
	if (k->event_fd >= 0)
		close(k->event_fd);
	kube_table_done(&k->pods);
	pthread_mutex_destroy(&k->lock);
	free(k->url);
	free(k->ca_file);
	free(k->token_file);
	free(k->node);
	free(k);
	return NULL;
}

int hc_kube_start(const struct hc_kube_opts *opts, struct hc_kube **ret, struct hc_err *err)
{
	struct hc_kube *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return hc_err_set(err, -ENOMEM, "out of memory");
	k->event_fd = -1;
	pthread_mutex_init(&k->lock, NULL);
	r = set_opts(k, opts, err);
	if (r == 0)
		r = late_curl(err);
	if (r < 0)
		goto fail;
	r = -ENOMEM;
	if (getrandom(&k->random, sizeof(k->random), GRND_NONBLOCK) != (ssize_t)sizeof(k->random) || !k->random)
		k->random = kube_now() | 1;
	k->pods.max_pods = opts->max_objects;
	k->pods.max_bytes = opts->max_table_bytes;
	k->pods.gone_ms = opts->gone_ms;
	k->pods.with_spaces = opts->resources & 1u << HC_KUBE_NAMESPACES;
	k->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->event_fd < 0 || !(k->multi = curl_multi_init())) {
		hc_err_set(err, r, "cannot set up the Kubernetes client: out of memory or descriptors");
		goto fail;
	}
	curl_multi_setopt(k->multi, CURLMOPT_MAXCONNECTS, 8L);
	for (unsigned i = 0; i < HC_KUBE_N_RESOURCES; i++) {
		uint64_t wait_ms = opts->start_spread_ms ? kube_random(k, opts->start_spread_ms) : 0;

		kube_stream_init(&k->stream[i], k, (enum hc_kube_resource)i, kube_now() + wait_ms * KUBE_MS);
		k->stats.of[i].wanted = opts->resources & 1u << i;
	}
	r = start_thread(k, err);
	if (r < 0)
		goto fail;
	*ret = k;
	return 0;
fail:
	kube_free(k);
	return r;
}

struct hc_kube *hc_kube_stop(struct hc_kube *k)
{
	if (!k)
		return NULL;
	atomic_store(&k->stop, true);
	curl_multi_wakeup(k->multi);
	pthread_join(k->thread, NULL);
	return kube_free(k);
}
