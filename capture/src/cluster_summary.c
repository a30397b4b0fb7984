/*
 * The status of a Capture: all nodes' CaptureNodes added up, by one recorder, so that an object has one writer.
 * Which one is settled by a Lease, as controllers settle it: whoever finds it free, or not renewed for its time by
 * this machine's own clock, takes it, and the server refuses the second of two. Only recorders that serve a
 * capture take part, until its end is told; of one that nobody serves any may say so. Nothing depends on it but
 * what people see of a capture as a whole.
 */
#include "cluster_priv.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kube_priv.h"

#define LEASE_NAME "hindcast-captures"
#define LEASE_SECONDS 40
#define RENEW_NS (10 * SECOND_NS)
#define LOOK_NS (20 * SECOND_NS) /* by those who do not hold it; up to half more */
#define FAILED_NS (60 * SECOND_NS)
#define UNTOLD_NS (5 * SECOND_NS)
#define SILENT_NS (300 * SECOND_NS) /* behind its end */
#define NEWS_NS (600 * SECOND_NS)   /* for so long what a node has told may not be in the sum yet */
#define PAGE_ITEMS 200              /* some hundred KiB, which are parsed in the loop */
#define MAX_PAGES 200u              /* of one sum: a server that never comes to an end is not followed */
#define MAX_PARTS 100000u

/* ---- the Lease ---- */

/* One that is over, whose end somebody has told. */
static bool is_told(const struct cluster_object *o)
{
	return (cluster_is_past(o) || o->spec->stop) && o->spec->phase[0] &&
	       strcmp(o->spec->phase, "Recording") != 0 && strcmp(o->spec->phase, "Pending") != 0;
}

/* A part of a pause that is this node's own: not all do the same at once. */
static uint64_t share_of(const struct hc_cluster *c, uint64_t pause_ns, unsigned parts)
{
	uint64_t share = 0;

	for (const char *p = c->node; *p; p++)
		share = share * 31 + (uint8_t)*p;
	return share % parts * (pause_ns / parts);
}

/* One that no node serves: that it waits, and then that it was in vain, is said by whoever is first to see that
 * nobody has. */
static bool is_untold(const struct hc_cluster *c, const struct cluster_object *o, uint64_t now)
{
	uint64_t wait_ns = UNTOLD_NS + share_of(c, c->o.kube.start_spread_ms * UINT64_C(1000000), 4096);

	if (o->state != CLUSTER_IDLE || !o->spec->made_wall_ns || now - o->met_ns < wait_ns)
		return false;
	return !o->spec->phase[0] ||
	       (strcmp(o->spec->phase, "Pending") == 0 && (int64_t)now - o->deadline_boot_ns >= (int64_t)wait_ns);
}

static bool takes_part(const struct hc_cluster *c)
{
	uint64_t now = record_boot_ns();

	for (const struct cluster_object *o = c->objects; o; o = o->next) {
		if (!o->spec)
			continue;
		if (is_untold(c, o, now))
			return true;
		if (o->state != CLUSTER_IDLE && (!is_told(o) || (o->told_ns && now - o->told_ns < NEWS_NS)))
			return true;
	}
	return false;
}

/* How much less often the Lease is looked at where many take part. */
static uint64_t calm_ns(const struct hc_cluster *c)
{
	uint64_t most_ns = 0;

	for (const struct cluster_object *o = c->objects; o; o = o->next)
		if (o->state != CLUSTER_IDLE && cluster_calm_ns(o) > most_ns)
			most_ns = cluster_calm_ns(o);
	return most_ns;
}

static json_object *lease_body(struct hc_cluster *c)
{
	json_object *o = json_object_new_object(), *meta = json_object_new_object(),
		    *spec = json_object_new_object();
	char now[40], text[64];
	struct timespec ts;
	struct tm tm;
	bool again = strcmp(c->lease.holder, c->node) == 0;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(now, sizeof(now), "%.19s.%06ldZ", text, ts.tv_nsec / 1000);
	json_object_object_add(meta, "name", json_object_new_string(LEASE_NAME));
	if (c->lease.version[0])
		json_object_object_add(meta, "resourceVersion", json_object_new_string(c->lease.version));
	json_object_object_add(spec, "holderIdentity", json_object_new_string(c->node));
	json_object_object_add(spec, "leaseDurationSeconds", json_object_new_int(LEASE_SECONDS));
	json_object_object_add(spec, "renewTime", json_object_new_string(now));
	json_object_object_add(
		spec, "leaseTransitions",
		json_object_new_int64(c->lease.transitions + (!again && c->lease.transitions < INT32_MAX)));
	json_object_object_add(o, "apiVersion", json_object_new_string("coordination.k8s.io/v1"));
	json_object_object_add(o, "kind", json_object_new_string("Lease"));
	json_object_object_add(o, "metadata", meta);
	json_object_object_add(o, "spec", spec);
	return o;
}

static void lease_ask(struct hc_cluster *c, enum hc_kube_verb verb, json_object *body)
{
	struct hc_kube_request req = { .verb = verb,
		                       .api = "apis/coordination.k8s.io/v1",
		                       .resource = "leases",
		                       .ns = c->ns,
		                       .name = verb == HC_KUBE_CREATE ? NULL : LEASE_NAME };

	req.body = body ? json_object_to_json_string_ext(body, CLUSTER_JSON) : NULL;
	c->lease.verb = verb;
	if (hc_kube_send(c->kube, &req, &c->lease.id, NULL) < 0)
		c->lease.id = 0;
	json_object_put(body);
}

static void lease_later(struct hc_cluster *c, uint64_t pause_ns)
{
	pause_ns += calm_ns(c);
	c->lease.next_ns = record_boot_ns() + pause_ns + share_of(c, pause_ns / 2, 4096);
}

/* What the Lease says; true: it is ours to take. */
static bool lease_is_free(struct hc_cluster *c, json_object *o)
{
	json_object *spec = kube_at(o, "spec", NULL), *n = kube_at(spec, "leaseTransitions", NULL);
	const char *renew = kube_text(spec, "renewTime");
	uint64_t now = record_boot_ns();

	if (strcmp(renew, c->lease.renew) != 0 || !c->lease.seen_ns)
		c->lease.seen_ns = now;
	snprintf(c->lease.renew, sizeof(c->lease.renew), "%s", renew);
	snprintf(c->lease.holder, sizeof(c->lease.holder), "%s", kube_text(spec, "holderIdentity"));
	snprintf(c->lease.version, sizeof(c->lease.version), "%s",
	         kube_text(kube_at(o, "metadata", NULL), "resourceVersion"));
	c->lease.transitions = json_object_is_type(n, json_type_int) ? json_object_get_int(n) : 0;
	return !c->lease.holder[0] || strcmp(c->lease.holder, c->node) == 0 ||
	       now - c->lease.seen_ns > LEASE_SECONDS * SECOND_NS;
}

static void lease_answer(struct hc_cluster *c, const struct hc_kube_event *ev)
{
	json_object *o = NULL;
	int r;

	c->lease.id = 0;
	if (c->lease.verb == HC_KUBE_GET && ev->status == 404) {
		c->lease.version[0] = c->lease.holder[0] = '\0';
		lease_ask(c, HC_KUBE_CREATE, lease_body(c));
	} else if (c->lease.verb == HC_KUBE_GET && ev->status == 200) {
		o = ev->json ? kube_parse(ev->json, ev->json_bytes, MAX_PARTS, &r) : NULL;
		if (o && lease_is_free(c, o)) {
			lease_ask(c, HC_KUBE_UPDATE, lease_body(c));
		} else {
			c->lease.held = false;
			lease_later(c, LOOK_NS);
		}
		json_object_put(o);
	} else if (c->lease.verb != HC_KUBE_GET && ev->status >= 200 && ev->status < 300) {
		c->lease.held = true;
		c->lease.until_ns = record_boot_ns() + (LEASE_SECONDS - 5) * SECOND_NS;
		c->lease.next_ns = record_boot_ns() + RENEW_NS;
	} else { /* 409: another was faster */
		c->lease.held = false;
		lease_later(c, ev->status == 409 ? LOOK_NS : FAILED_NS);
	}
}

/* ---- the sum ---- */

static struct cluster_object *object_of(struct hc_cluster *c)
{
	struct cluster_object *o = c->objects;

	while (o && !(o->cluster == c->sum.cluster && strcmp(o->uid, c->sum.uid) == 0))
		o = o->next;
	return o;
}

static void ask_page(struct hc_cluster *c, const struct cluster_object *o)
{
	struct hc_kube_request req = { .verb = HC_KUBE_LIST,
		                       .api = CLUSTER_API,
		                       .resource = "capturenodes",
		                       .ns = o->cluster ? c->ns : o->ns,
		                       .labels = c->sum.labels,
		                       .more = c->sum.more,
		                       .limit = PAGE_ITEMS };

	if (hc_kube_send(c->kube, &req, &c->sum.id, NULL) < 0)
		c->sum.id = 0;
}

static void begin(struct hc_cluster *c, struct cluster_object *o)
{
	free(c->sum.more);
	c->sum = (struct cluster_sum){ .cluster = o->cluster };
	memcpy(c->sum.uid, o->uid, sizeof(c->sum.uid));
	snprintf(c->sum.labels, sizeof(c->sum.labels), "hindcast.dev/capture=%s", o->uid);
	o->sum_ns = record_boot_ns() + FAILED_NS; /* if no answer comes */
	ask_page(c, o);
}

static uint64_t number_of(json_object *o, const char *key)
{
	json_object *v = kube_at(o, key, NULL);
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : 0;

	return n > 0 && n < INT64_MAX / 100000 ? (uint64_t)n : 0;
}

static void add_node(struct cluster_sum *s, json_object *node)
{
	static const char *const states[] = { "Pending", "Recording", "Done", "Failed", "Expired" };
	json_object *status = kube_at(node, "status", NULL), *lost = kube_at(status, "lost", NULL);
	size_t n = json_object_is_type(lost, json_type_array) ? json_object_array_length(lost) : 0;

	if (strcmp(kube_text(kube_at(node, "spec", "captureRef", NULL), "uid"), s->uid) != 0)
		return;
	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		s->n[i] += strcmp(kube_text(status, "state"), states[i]) == 0;
	s->bytes += number_of(status, "bytes");
	s->events += number_of(status, "events");
	for (size_t i = 0; i < n; i++)
		s->lost += number_of(json_object_array_get_idx(lost, i), "count");
}

static const char *phase_of(const struct cluster_object *o, const struct cluster_sum *s)
{
	return s->n[CLUSTER_RECORDING] ? "Recording"
	       : s->n[CLUSTER_DONE]    ? "Done"
	       : s->n[CLUSTER_EXPIRED] ? "Expired"
	       : s->n[CLUSTER_FAILED]  ? "Failed"
	       : cluster_is_past(o)    ? "Expired" /* it has met no pod */
	                               : "Pending";
}

static void add_time(json_object *o, const char *key, int64_t wall_ns)
{
	char buf[32];

	if (record_time_text(wall_ns, buf, sizeof(buf)))
		json_object_object_add(o, key, json_object_new_string(buf));
}

static json_object *status_of(const struct cluster_object *o, const struct cluster_sum *s)
{
	json_object *body = json_object_new_object(), *st = json_object_new_object();
	const struct {
		const char *key;
		uint64_t n;
	} numbers[] = {
		{ "nodesMatched",
		  s->n[CLUSTER_RECORDING] + s->n[CLUSTER_DONE] + s->n[CLUSTER_FAILED] + s->n[CLUSTER_EXPIRED] },
		{ "nodesRecording", s->n[CLUSTER_RECORDING] },
		{ "nodesDone", s->n[CLUSTER_DONE] + s->n[CLUSTER_EXPIRED] },
		{ "nodesFailed", s->n[CLUSTER_FAILED] },
		{ "bytes", s->bytes },
		{ "events", s->events },
		{ "lost", s->lost },
		{ "observedGeneration", o->spec->generation > 0 ? (uint64_t)o->spec->generation : 0 },
	};

	json_object_object_add(st, "phase", json_object_new_string(phase_of(o, s)));
	add_time(st, "acceptedAt", o->spec->made_wall_ns);
	add_time(st, "until", o->spec->made_wall_ns + (int64_t)o->spec->for_ns);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_object_add(st, numbers[i].key, json_object_new_uint64(numbers[i].n));
	json_object_object_add(body, "status", st);
	return body;
}

/* A node that is gone, with all it had, does not tell that it has ended. */
static void end_silent(const struct cluster_object *o, struct cluster_sum *s)
{
	if ((int64_t)record_boot_ns() - o->deadline_boot_ns < (int64_t)SILENT_NS)
		return;
	s->n[CLUSTER_FAILED] += s->n[CLUSTER_RECORDING];
	s->n[CLUSTER_RECORDING] = 0;
}

static void write_sum(struct hc_cluster *c, struct cluster_object *o)
{
	json_object *body = status_of(o, &c->sum);
	const char *text = json_object_to_json_string_ext(body, CLUSTER_JSON);
	struct hc_kube_request req = { .verb = HC_KUBE_MERGE_STATUS,
		                       .api = CLUSTER_API,
		                       .resource = o->cluster ? "clustercaptures" : "captures",
		                       .ns = o->cluster ? NULL : o->ns,
		                       .name = o->name,
		                       .body = text };
	uint64_t all = c->sum.n[CLUSTER_RECORDING] + c->sum.n[CLUSTER_DONE] + c->sum.n[CLUSTER_FAILED];
	bool over = !c->sum.n[CLUSTER_RECORDING] && (cluster_is_past(o) || o->spec->stop);

	/* a sum that comes from many nodes is sent to as many, so it is made less often */
	o->sum_ns = record_boot_ns() + c->o.status_ms * UINT64_C(1000000) + all * (SECOND_NS / 100);
	if (text && (!o->sum_text || strcmp(text, o->sum_text) != 0)) {
		if (hc_kube_send(c->kube, &req, &o->merge_id, NULL) == 0) {
			free(o->sum_text);
			o->sum_text = strdup(text);
		}
	} else if (over) {
		o->sum_ns = record_boot_ns() + NEWS_NS / 2; /* some node may have been away */
	}
	json_object_put(body);
}

static void sum_answer(struct hc_cluster *c, const struct hc_kube_event *ev)
{
	struct cluster_object *o = object_of(c);
	json_object *page, *items;
	size_t n;
	int r;

	c->sum.id = 0;
	page = o && o->spec && ev->status == 200 && ev->json ? kube_parse(ev->json, ev->json_bytes, MAX_PARTS, &r)
	                                                     : NULL;
	if (!page)
		return; /* 410 too: it is begun anew */
	items = kube_at(page, "items", NULL);
	n = json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
	for (size_t i = 0; i < n; i++)
		add_node(&c->sum, json_object_array_get_idx(items, i));
	free(c->sum.more);
	c->sum.more = strdup(kube_text(kube_at(page, "metadata", NULL), "continue"));
	if (n && c->sum.more && *c->sum.more) {
		if (++c->sum.n_pages < MAX_PAGES)
			ask_page(c, o);
	} else if (c->lease.held) {
		end_silent(o, &c->sum);
		write_sum(c, o);
	}
	json_object_put(page);
}

bool cluster_summary_answer(struct hc_cluster *c, const struct hc_kube_event *ev)
{
	if (c->lease.id == ev->request_id) {
		lease_answer(c, ev);
		return true;
	}
	if (c->sum.id == ev->request_id) {
		sum_answer(c, ev);
		cluster_summarise(c); /* the next one */
		return true;
	}
	for (struct cluster_object *o = c->objects; o; o = o->next) {
		if (o->merge_id != ev->request_id)
			continue;
		o->merge_id = 0;
		if (ev->status < 200 || ev->status >= 300) {
			free(o->sum_text); /* it is not what the server has */
			o->sum_text = NULL;
		}
		return true;
	}
	return false;
}

void cluster_summarise(struct hc_cluster *c)
{
	uint64_t now = record_boot_ns();

	if (c->lease.held && now >= c->lease.until_ns)
		c->lease.held = false;
	if (!c->lease.id && now >= c->lease.next_ns && takes_part(c))
		lease_ask(c, HC_KUBE_GET, NULL);
	if (!c->lease.held || c->sum.id)
		return;
	for (struct cluster_object *o = c->objects; o; o = o->next) {
		if (o->spec && now >= o->sum_ns && !(o->state == CLUSTER_IDLE && is_told(o))) {
			begin(c, o);
			return;
		}
	}
}
