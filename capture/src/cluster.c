/* The loop's side: the client's life, its events, the list of this node's pods, and the log of how it goes. */
#include "cluster_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "late.h"
#include "store/base/sha256.h"

#define MANAGER "hindcast-"
#define MAX_MANAGER_BYTES 128
#define MAX_EVENTS 8                /* of the client, in one turn of the loop */
#define MAX_CHANGED 32              /* pods */
#define MAX_MARKS 4                 /* captures started or ended: each waits for the disk */
#define MAX_OBJECT_BYTES (1u << 19) /* of a Capture: it is parsed in the loop, some ms for this */
#define BRIEF_NS (3 * SECOND_NS)
#define FIRST_PAUSE_NS (60 * SECOND_NS)
#define LONGEST_PAUSE_NS (3600 * SECOND_NS)

void hc_cluster_opts_init(struct hc_cluster_opts *opts)
{
	*opts = (struct hc_cluster_opts){ .ns = "hindcast", .version = "", .status_ms = 10000 };
	hc_kube_opts_init(&opts->kube);
}

static char *copy(const char *text, bool *ok)
{
	char *p = text ? strdup(text) : NULL;

	*ok &= !text || p;
	return p;
}

/* The server takes no name of a field manager that is longer; a node's may be twice as long. */
char *cluster_manager(const char *node)
{
	char hex[HC_SHA256_HEX];
	uint8_t digest[HC_SHA256_BYTES];
	char *name;

	if (strlen(node) > MAX_MANAGER_BYTES - strlen(MANAGER)) {
		if (hc_sha256_of(node, strlen(node), digest, NULL) < 0)
			return NULL;
		hc_sha256_hex(digest, hex);
		node = hex;
	}
	return asprintf(&name, MANAGER "%s", node) < 0 ? NULL : name;
}

int hc_cluster_new(const struct hc_cluster_opts *opts, struct hc_cluster **ret, struct hc_err *err)
{
	HC_AUTO(hc_cluster_free) struct hc_cluster *c = calloc(1, sizeof(*c));
	struct hc_kube_opts *k;
	bool ok = true;
	FILE *f;
	int code;

	if (!c)
		return hc_err_set(err, -ENOMEM, "out of memory");
	code = late_curl(err); /* now, so that a library that is missing is told of at the start */
	if (code < 0)
		return code;
	c->o = *opts;
	k = &c->o.kube;
	k->url = c->url = copy(k->url, &ok);
	k->ca_file = c->ca_file = copy(k->ca_file, &ok);
	k->token_file = c->token_file = copy(k->token_file, &ok);
	k->node = c->node = copy(k->node ? k->node : "", &ok);
	c->o.ns = c->ns = copy(opts->ns, &ok);
	c->o.version = c->version = copy(opts->version, &ok);
	k->resources = 1u << HC_KUBE_PODS | 1u << HC_KUBE_CAPTURES | 1u << HC_KUBE_CLUSTERCAPTURES |
	               1u << HC_KUBE_NAMESPACES;
	if (!ok || !(c->manager = cluster_manager(c->node)))
		return hc_err_set(err, -ENOMEM, "out of memory");
	f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (f) {
		if (!fgets(c->boot_id, sizeof(c->boot_id), f))
			c->boot_id[0] = '\0';
		c->boot_id[strcspn(c->boot_id, "\n")] = '\0';
		fclose(f);
	}
	*ret = hc_steal(c);
	return 0;
}

static void drop_pods(struct hc_cluster *c)
{
	while (c->n_pods)
		hc_kube_found_done(&c->pods[--c->n_pods]);
	free(c->pods);
	c->pods = NULL;
	c->n_pods_alloc = 0;
}

struct hc_cluster *hc_cluster_free(struct hc_cluster *c)
{
	if (!c)
		return NULL;
	while (c->objects) {
		struct cluster_object *o = c->objects;

		c->objects = o->next;
		cluster_object_free(o);
	}
	drop_pods(c);
	hc_kube_stop(c->kube);
	free(c->sum.more);
	free(c->url);
	free(c->ca_file);
	free(c->token_file);
	free(c->node);
	free(c->ns);
	free(c->version);
	free(c->manager);
	free(c);
	return NULL;
}

/* ---- pods ---- */

static void pod_changed(struct hc_cluster *c, const struct hc_kube_found *f)
{
	uint32_t i = 0;

	while (i < c->n_pods && !hc_str_eq(c->pods[i].pod->meta.uid, f->pod->meta.uid))
		i++;
	if (i < c->n_pods) {
		hc_kube_found_done(&c->pods[i]);
		c->pods[i] = c->pods[--c->n_pods];
	}
	if (f->gone_ns)
		return;
	if (c->n_pods == c->n_pods_alloc) {
		uint32_t n = c->n_pods_alloc ? c->n_pods_alloc * 2 : 64;
		struct hc_kube_found *more = realloc(c->pods, n * sizeof(*more));

		if (!more)
			return;
		c->pods = more;
		c->n_pods_alloc = n;
	}
	hc_kube_pod_ref(f->pod);
	if (f->ns)
		hc_kube_ns_ref(f->ns);
	c->pods[c->n_pods++] = *f;
	cluster_pod_changed(c, f);
}

/* ---- events ---- */

static void on_event(struct hc_cluster *c, const struct hc_kube_event *ev)
{
	switch (ev->kind) {
	case HC_KUBE_SET:
		if (!ev->json || ev->json_bytes > MAX_OBJECT_BYTES)
			c->stats.n_refused++;
		else
			cluster_object_set(c, ev);
		break;
	case HC_KUBE_GONE:
		cluster_object_gone(c, ev);
		break;
	case HC_KUBE_SYNCED:
		if (!c->listed[ev->resource])
			cluster_listed(c, ev->resource);
		c->listed[ev->resource] = true;
		break;
	case HC_KUBE_ANSWER:
		cluster_answer(c, ev);
		break;
	}
}

static void go_on(void *ctx);

static void soon(struct hc_cluster *c)
{
	if (!c->timer)
		c->timer = hc_daemon_timer_add(c->daemon, 50000000, 0, go_on, c);
}

static void take_pods(struct hc_cluster *c)
{
	struct hc_kube_found changed[MAX_CHANGED];
	size_t n = hc_kube_pods_since(c->kube, &c->pods_seq, changed, MAX_CHANGED);

	for (size_t i = 0; i < n; i++) {
		pod_changed(c, &changed[i]);
		hc_kube_found_done(&changed[i]);
	}
	if (n == MAX_CHANGED || !c->budget)
		soon(c);
}

static void turn(struct hc_cluster *c)
{
	c->budget = MAX_MARKS;
	take_pods(c);
	cluster_turn(c);
	if (!c->budget)
		soon(c);
}

static void go_on(void *ctx)
{
	struct hc_cluster *c = ctx;

	c->timer = NULL; /* it frees itself */
	turn(c);
}

static void on_readable(void *ctx, int fd, uint32_t events)
{
	struct hc_cluster *c = ctx;
	struct hc_kube_event ev;

	(void)fd;
	(void)events;
	c->budget = MAX_MARKS;
	for (unsigned i = 0; i < MAX_EVENTS && hc_kube_next(c->kube, &ev); i++) {
		on_event(c, &ev);
		hc_kube_event_done(&ev);
	}
	take_pods(c);
}

/* ---- how it goes ---- */

static void look_at(struct hc_cluster *c, unsigned r, const struct hc_kube_stats *s, uint64_t now)
{
	struct hc_log *log = hc_daemon_log(c->daemon);

	if (!s->of[r].error[0]) {
		c->trouble[r].since_ns = 0;
		if (c->trouble[r].failing && s->of[r].connected) {
			hc_log(log, HC_LOG_INFO, "the Kubernetes API answers again",
			       HC_LOG_STR("resource", hc_kube_resource_name(r)));
			c->trouble[r].failing = false;
		}
		return;
	}
	if (!c->trouble[r].since_ns)
		c->trouble[r].since_ns = now;
	/* that a watch has expired, or was cut, is mended by the next list */
	if (now - c->trouble[r].since_ns < BRIEF_NS ||
	    (c->trouble[r].failing && now - c->trouble[r].log_ns < c->trouble[r].pause_ns))
		return;
	c->trouble[r].pause_ns = !c->trouble[r].failing ? FIRST_PAUSE_NS : c->trouble[r].pause_ns * 2;
	if (c->trouble[r].pause_ns > LONGEST_PAUSE_NS)
		c->trouble[r].pause_ns = LONGEST_PAUSE_NS;
	c->trouble[r].failing = true;
	c->trouble[r].log_ns = now;
	hc_log(log, HC_LOG_WARN,
	       "the Kubernetes API does not answer; the recording goes on, and it is tried again",
	       HC_LOG_STR("resource", hc_kube_resource_name(r)), HC_LOG_STR("error", s->of[r].error));
}

static void on_second(void *ctx, struct hc_daemon *d)
{
	struct hc_cluster *c = ctx;
	struct hc_kube_stats s;

	(void)d;
	hc_kube_stats(c->kube, &s);
	for (unsigned r = 0; r < HC_KUBE_N_RESOURCES; r++)
		look_at(c, r, &s, record_boot_ns());
	if (c->n_pods > s.of[HC_KUBE_PODS].n_objects) { /* some were forgotten before they were told as gone */
		drop_pods(c);
		c->pods_seq = 0;
	}
	turn(c);
}

struct hc_kube *hc_cluster_kube(const struct hc_cluster *c)
{
	return c->kube;
}

void hc_cluster_stats(struct hc_cluster *c, struct hc_cluster_stats *ret)
{
	*ret = c->stats;
	ret->n_objects = ret->n_serving = 0;
	for (const struct cluster_object *o = c->objects; o; o = o->next) {
		ret->n_objects++;
		ret->n_serving += o->state == CLUSTER_RECORDING;
	}
	if (c->kube)
		hc_kube_stats(c->kube, &ret->kube);
}

/* ---- life ---- */

static int on_start(void *ctx, struct hc_daemon *d, struct hc_err *err)
{
	struct hc_cluster *c = ctx;
	int code = hc_kube_start(&c->o.kube, &c->kube, err);

	if (code < 0)
		return code;
	c->daemon = d;
	code = hc_daemon_watch(d, hc_kube_fd(c->kube), EPOLLIN, on_readable, c);
	if (code < 0)
		return hc_err_set(err, code, "cannot wait for the Kubernetes client: %s", strerror(-code));
	hc_record_set_kube(hc_daemon_record(d), c->kube);
	hc_log(hc_daemon_log(d), HC_LOG_INFO, "asking the Kubernetes API", HC_LOG_STR("node", c->node));
	return 0;
}

static void on_stop(void *ctx, struct hc_daemon *d)
{
	struct hc_cluster *c = ctx;

	hc_record_set_kube(hc_daemon_record(d), NULL);
	hc_daemon_unwatch(d, hc_kube_fd(c->kube));
	c->timer = hc_daemon_timer_free(d, c->timer);
	c->kube = hc_kube_stop(c->kube);
	c->daemon = NULL;
}

struct hc_daemon_part *hc_cluster_part(struct hc_cluster *c)
{
	c->part = (struct hc_daemon_part){
		.name = "Kubernetes", .ctx = c, .start = on_start, .second = on_second, .stop = on_stop
	};
	return &c->part;
}
