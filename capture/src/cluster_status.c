/*
 * A CaptureNode: this node's part of a capture, made and written by server-side apply under a field manager of
 * this node's own, so that nobody else's fields are touched. What is counted is what the recorder wrote, of the
 * whole machine, while the capture ran.
 */
#include "cluster_priv.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctr_facts.h"
#include "kube_priv.h"
#include "store/base/utf8.h"

#define COUNT_NS (SECOND_NS / 5) /* for so long a count is new enough: of many captures each asks every second */
#define ASK_NS (30 * SECOND_NS)  /* how long the first status waits for what an earlier process had told */
#define MAX_SEGMENTS 32u         /* as in the schema */
#define LONGEST_PAUSE_NS (300 * SECOND_NS)

static const char *const class_names[] = {
	[HC_CLASS_META] = "meta",     [HC_CLASS_PROC] = "proc", [HC_CLASS_CRED] = "cred",
	[HC_CLASS_KERNEL] = "kernel", [HC_CLASS_CTR] = "ctr",   [HC_CLASS_NET] = "net",
	[HC_CLASS_FILE] = "file",     [HC_CLASS_IO] = "io",     [HC_CLASS_OTHER] = "other",
};
#define N_CLASSES (sizeof(class_names) / sizeof(class_names[0]))

static const char *const states[] = { "Pending", "Recording", "Done", "Failed", "Expired" };

static const char *const condition_types[N_CONDS] = { "Accepted", "PreRollComplete", "Recording", "LossFree",
	                                              "DetailRaised" };

void cluster_count_now(struct hc_cluster *c, struct cluster_count *ret)
{
	uint64_t now = record_boot_ns();
	struct hc_record_summary s;

	*ret = c->count;
	if (c->counted_ns && now - c->counted_ns < COUNT_NS)
		return;
	s = hc_record_summary(hc_daemon_record(c->daemon));
	*ret = (struct cluster_count){ .bytes = s.bytes, .events = s.n_rows };
	for (unsigned type = 0; type < HC_EV_MAX; type++) {
		const struct hc_table_desc *d = hc_event_desc(type);

		if (d && d->cls < N_CLASSES)
			ret->lost[d->cls] += s.lost_by_type[type];
	}
	c->count = *ret;
	c->counted_ns = now;
}

/* What the object's captures have by now; as it was when they ended. */
static void count(struct hc_cluster *c, struct cluster_object *o)
{
	struct cluster_count now;

	if (o->state != CLUSTER_RECORDING && !o->counting)
		return;
	cluster_count_now(c, &now);
	o->total.bytes = o->before.bytes + now.bytes - o->base.bytes;
	o->total.events = o->before.events + now.events - o->base.events;
	for (unsigned i = 0; i < N_CLASSES; i++)
		o->total.lost[i] = o->before.lost[i] + now.lost[i] - o->base.lost[i];
	o->counting = o->state == CLUSTER_RECORDING;
}

/* ---- JSON ---- */

size_t cluster_whole(const char *text)
{
	size_t n = strlen(text), at = 0;
	unsigned bytes = 1;
	uint32_t c;

	while (at < n && bytes) {
		bytes = hc_utf8(text + at, n - at, &c);
		at += bytes;
	}
	return at;
}

static void add_text(json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string_len(text, (int)cluster_whole(text)));
}

static void add_number(json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key, json_object_new_uint64(n));
}

static void add_time(json_object *o, const char *key, int64_t wall_ns)
{
	char buf[32];

	if (record_time_text(wall_ns, buf, sizeof(buf)))
		add_text(o, key, buf);
}

static void add_condition(json_object *list, struct cluster_object *o, unsigned which, bool is, const char *reason,
                          const char *message)
{
	struct cluster_condition *cond = &o->cond[which];
	json_object *one = json_object_new_object();

	if (!cond->set || cond->is != is) {
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		*cond = (struct cluster_condition){ .since_wall_ns = (int64_t)ts.tv_sec * 1000000000,
			                            .set = true,
			                            .is = is };
	}
	add_text(one, "type", condition_types[which]);
	add_text(one, "status", is ? "True" : "False");
	if (o->spec && o->spec->generation > 0)
		add_number(one, "observedGeneration", (uint64_t)o->spec->generation);
	add_time(one, "lastTransitionTime", cond->since_wall_ns);
	add_text(one, "reason", reason);
	add_text(one, "message", message);
	json_object_array_add(list, one);
}

static void add_pre_roll(json_object *list, struct cluster_object *o)
{
	int64_t made = o->made_here_ns, asked = made - (int64_t)o->spec->pre_ns;
	bool whole =
		!o->spec->pre_ns || (o->pre_from_wall_ns && o->pre_from_wall_ns <= asked + (int64_t)SECOND_NS);
	char text[128];

	snprintf(text, sizeof(text), "Of the %" PRIu64 " s before the request, %" PRId64 " s are there.",
	         o->spec->pre_ns / SECOND_NS,
	         o->pre_from_wall_ns && o->pre_from_wall_ns < made
	                 ? (made - o->pre_from_wall_ns) / (int64_t)SECOND_NS
	                 : 0);
	add_condition(list, o, COND_PRE_ROLL, whole, whole ? "Complete" : "PastTooShort",
	              whole ? "All of the past that was asked for is there." : text);
}

static unsigned detail_rank(const char *detail)
{
	return strcmp(detail, "full") == 0       ? HC_PROFILE_FULL
	       : strcmp(detail, "security") == 0 ? HC_PROFILE_SECURITY
	                                         : HC_PROFILE_MINIMAL;
}

bool cluster_is_more(const struct hc_cluster *c, const struct cluster_object *o)
{
	return detail_rank(o->spec->detail) > (unsigned)c->o.profile || o->spec->snaplen > c->o.snaplen;
}

static void add_detail(json_object *list, const struct hc_cluster *c, struct cluster_object *o)
{
	if (!cluster_is_more(c, o))
		add_condition(list, o, COND_DETAIL, true, "Enough",
		              "The recorder's own profile has the detail that was asked for.");
	else if (o->not_raised[0])
		add_condition(list, o, COND_DETAIL, false, "NotRaised", o->not_raised);
	else
		add_condition(list, o, COND_DETAIL, true, "Raised",
		              "The detail that was asked for is recorded of them.");
}

/* A later end makes another capture of the same pod. */
static uint32_t n_followed(const struct cluster_object *o)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < o->n_scopes; i++) {
		uint32_t k = 0;

		while (k < i && strcmp(o->scopes[k], o->scopes[i]) != 0)
			k++;
		n += k == i;
	}
	return n;
}

static json_object *conditions_of(const struct hc_cluster *c, struct cluster_object *o)
{
	json_object *list = json_object_new_array();
	bool recording = o->state == CLUSTER_RECORDING;
	uint64_t lost = 0;
	char text[160];

	if (!o->from_wall_ns) {
		add_condition(list, o, COND_ACCEPTED, false, o->spec->error[0] ? "Invalid" : "Failed", o->error);
		add_condition(list, o, COND_RECORDING, false, "Failed", o->error);
		return list;
	}
	if (o->n_left_out)
		snprintf(text, sizeof(text),
		         "%u pods or containers are followed; %u more match and are not: one capture follows %u "
		         "on a node.",
		         n_followed(o), o->n_left_out, CLUSTER_MAX_SCOPES);
	else
		snprintf(text, sizeof(text), "%u pods or containers of this node are followed.", n_followed(o));
	add_condition(list, o, COND_ACCEPTED, true, "Started", text);
	add_pre_roll(list, o);
	add_condition(list, o, COND_RECORDING, recording,
	              recording  ? "Running"
	              : o->ended ? o->ended
	                         : "Ended",
	              recording ? "It is being recorded." : "It is not recorded any more.");
	for (unsigned i = 0; i < N_CLASSES; i++)
		lost += o->total.lost[i];
	snprintf(text, sizeof(text), "%" PRIu64 " events were lost on this node while it was recorded.", lost);
	add_condition(list, o, COND_LOSS_FREE, !lost, lost ? "EventsLost" : "NothingLost", text);
	add_detail(list, c, o);
	return list;
}

/* BOOT/STREAM-NUMBER.hcs: the store's name of a file, less the node's, which is the object's own. */
static const char *segment_id(const char *path)
{
	const char *file = strrchr(path, '/');
	const char *boot = file ? memrchr(path, '/', (size_t)(file - path)) : NULL;

	return boot ? boot + 1 : path;
}

/* The files that its captures keep from retention. */
static void add_segments(json_object *s, const struct hc_cluster *c, const struct cluster_object *o)
{
	struct hc_retain_segment held[MAX_SEGMENTS];
	struct hc_retain_pin span = { .from_ns = o->pre_from_wall_ns,
		                      .until_ns = o->state == CLUSTER_RECORDING ? INT64_MAX : o->to_wall_ns,
		                      .streams = (1u << HC_N_STREAMS) - 1 };
	json_object *list = json_object_new_array();
	uint32_t total = 0;

	if (o->state == CLUSTER_RECORDING || o->state == CLUSTER_DONE)
		total = hc_record_held(hc_daemon_record(c->daemon), &span, held, MAX_SEGMENTS);
	for (uint32_t i = 0; i < total && i < MAX_SEGMENTS; i++) {
		json_object *one = json_object_new_object();

		add_text(one, "id", segment_id(held[i].path));
		add_time(one, "from", held[i].from_wall_ns);
		add_time(one, "to", held[i].until_wall_ns);
		add_number(one, "bytes", held[i].bytes);
		json_object_array_add(list, one);
	}
	json_object_object_add(s, "segments", list);
	add_number(s, "segmentsTotal", total);
}

static json_object *status_of(const struct hc_cluster *c, struct cluster_object *o)
{
	json_object *s = json_object_new_object(), *lost = json_object_new_array(),
		    *rec = json_object_new_object();

	add_text(s, "state", states[o->state]);
	if (o->from_wall_ns) {
		add_time(s, "preRollFrom", o->pre_from_wall_ns);
		add_time(s, "from", o->from_wall_ns);
		if (o->state != CLUSTER_RECORDING)
			add_time(s, "to", o->to_wall_ns);
		add_number(s, "bytes", o->total.bytes);
		add_number(s, "events", o->total.events);
		add_segments(s, c, o);
	}
	for (unsigned i = 0; i < N_CLASSES; i++) {
		json_object *one;

		if (!o->total.lost[i])
			continue;
		one = json_object_new_object();
		add_text(one, "class", class_names[i]);
		add_number(one, "count", o->total.lost[i]);
		json_object_array_add(lost, one);
	}
	json_object_object_add(s, "lost", lost);
	if (o->error[0])
		add_text(s, "error", o->error);
	add_text(rec, "version", c->version);
	add_text(rec, "bootId", c->boot_id);
	json_object_object_add(s, "recorder", rec);
	json_object_object_add(s, "conditions", conditions_of(c, o));
	return s;
}

static json_object *head_of(const char *name)
{
	json_object *o = json_object_new_object(), *meta = json_object_new_object();

	add_text(o, "apiVersion", "hindcast.dev/v1alpha1");
	add_text(o, "kind", "CaptureNode");
	add_text(meta, "name", name);
	json_object_object_add(o, "metadata", meta);
	return o;
}

/* Who it belongs to: the server removes it with the capture. */
static json_object *object_of(const struct hc_cluster *c, const struct cluster_object *o, const char *name)
{
	json_object *node = head_of(name), *spec = json_object_new_object(), *ref = json_object_new_object(),
		    *labels = json_object_new_object(), *owner = json_object_new_object(),
		    *owners = json_object_new_array(), *meta = kube_at(node, "metadata", NULL);

	add_text(labels, "hindcast.dev/capture", o->uid);
	json_object_object_add(meta, "labels", labels);
	add_text(owner, "apiVersion", "hindcast.dev/v1alpha1");
	add_text(owner, "kind", cluster_kind(o));
	add_text(owner, "name", o->name);
	add_text(owner, "uid", o->uid);
	json_object_array_add(owners, owner);
	json_object_object_add(meta, "ownerReferences", owners);
	add_text(ref, "kind", cluster_kind(o));
	add_text(ref, "name", o->name);
	add_text(ref, "uid", o->uid);
	json_object_object_add(spec, "captureRef", ref);
	add_text(spec, "nodeName", c->node);
	json_object_object_add(node, "spec", spec);
	return node;
}

/* ---- requests ---- */

static bool request_of(const struct hc_cluster *c, const struct cluster_object *o, char name[HC_KUBE_NAME_BYTES],
                       struct hc_kube_request *ret)
{
	if (hc_kube_capture_node_name(o->name, c->node, o->cluster, name) < 0)
		return false;
	*ret = (struct hc_kube_request){ .api = CLUSTER_API,
		                         .resource = "capturenodes",
		                         .ns = o->cluster ? c->ns : o->ns,
		                         .name = name,
		                         .field_manager = c->manager };
	return true;
}

void cluster_ask(struct hc_cluster *c, struct cluster_object *o)
{
	char name[HC_KUBE_NAME_BYTES];
	struct hc_kube_request req;

	o->sent_ns = record_boot_ns();
	o->asks = request_of(c, o, name, &req) && hc_kube_send(c->kube, &req, &o->get_id, NULL) == 0;
}

/* Takes the body. */
static uint64_t post(struct hc_cluster *c, struct hc_kube_request *req, enum hc_kube_verb verb, json_object *body)
{
	uint64_t id = 0;

	req->verb = verb;
	req->body = json_object_to_json_string_ext(body, CLUSTER_JSON);
	if (!req->body || hc_kube_send(c->kube, req, &id, NULL) < 0)
		id = 0;
	json_object_put(body);
	return id;
}

static bool is_due(const struct hc_cluster *c, const struct cluster_object *o, uint64_t now)
{
	if (o->state == CLUSTER_IDLE || o->apply_id || o->status_id)
		return false;
	if (o->asks)
		return now - o->sent_ns >= ASK_NS;
	if (o->backoff_ns) /* the last could not be written */
		return now - o->sent_ns >= o->backoff_ns;
	return o->dirty || (o->state == CLUSTER_RECORDING &&
	                    now - o->sent_ns >= c->o.status_ms * UINT64_C(1000000) + cluster_calm_ns(o));
}

void cluster_tell(struct hc_cluster *c, struct cluster_object *o)
{
	uint64_t now = record_boot_ns();
	char name[HC_KUBE_NAME_BYTES];
	struct hc_kube_request req;
	json_object *body;

	count(c, o);
	if (!is_due(c, o, now) || !o->spec || !request_of(c, o, name, &req))
		return;
	o->asks = o->dirty = false;
	o->sent_ns = now;
	if (!o->written)
		o->apply_id = post(c, &req, HC_KUBE_APPLY, object_of(c, o, name));
	body = head_of(name);
	json_object_object_add(body, "status", status_of(c, o));
	o->status_id = post(c, &req, HC_KUBE_APPLY_STATUS, body);
	if (!o->status_id)
		o->dirty = true; /* too many wait: later */
}

static uint64_t number_at(json_object *o, const char *key)
{
	json_object *v = kube_at(o, key, NULL);
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : 0;

	return n > 0 ? (uint64_t)n : 0;
}

/* Since when its conditions are as they are. */
static void take_conditions(struct cluster_object *o, json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		json_object *one = json_object_array_get_idx(list, i);
		int64_t since_wall_ns = ctr_time(hc_str_c(kube_text(one, "lastTransitionTime")));

		for (unsigned k = 0; k < N_CONDS && since_wall_ns; k++)
			if (!strcmp(kube_text(one, "type"), condition_types[k]))
				o->cond[k] = (struct cluster_condition){ .since_wall_ns = since_wall_ns,
					                                 .set = true,
					                                 .is = !strcmp(kube_text(one, "status"),
					                                               "True") };
	}
}

/* What an earlier process of this node counted, and told. */
static void take_before(struct cluster_object *o, const struct hc_kube_event *ev)
{
	int r;
	json_object *node = ev->json && ev->status == 200 ? kube_parse(ev->json, ev->json_bytes, 20000, &r) : NULL,
		    *status = kube_at(node, "status", NULL), *lost = kube_at(status, "lost", NULL);
	size_t n = json_object_is_type(lost, json_type_array) ? json_object_array_length(lost) : 0;

	o->asks = false;
	if (node && strcmp(kube_text(kube_at(node, "spec", "captureRef", NULL), "uid"), o->uid) == 0) {
		o->before.bytes = number_at(status, "bytes");
		o->before.events = number_at(status, "events");
		for (size_t i = 0; i < n; i++)
			for (unsigned k = 0; k < N_CLASSES; k++)
				if (!strcmp(kube_text(json_object_array_get_idx(lost, i), "class"),
				            class_names[k]))
					o->before.lost[k] = number_at(json_object_array_get_idx(lost, i), "count");
		take_conditions(o, kube_at(status, "conditions", NULL));
		if (o->state != CLUSTER_RECORDING)
			o->total = o->before;
		/* whoever starts all recorders anew has not changed what they told of captures that are over */
		if (o->state == CLUSTER_DONE && strcmp(kube_text(status, "state"), states[o->state]) == 0)
			o->dirty = false;
	}
	json_object_put(node);
}

static void write_failed(struct hc_cluster *c, struct cluster_object *o, const struct hc_kube_event *ev)
{
	c->stats.n_write_failed++;
	o->written = false; /* perhaps somebody has removed it */
	o->dirty = true;
	o->backoff_ns = o->backoff_ns ? o->backoff_ns * 2 : c->o.status_ms * UINT64_C(1000000);
	if (o->backoff_ns > LONGEST_PAUSE_NS)
		o->backoff_ns = LONGEST_PAUSE_NS;
	if (!c->told_write_failure)
		hc_log(hc_daemon_log(c->daemon), HC_LOG_WARN,
		       "a CaptureNode cannot be written; the capture goes on, and it is tried again",
		       HC_LOG_STR("kind", cluster_kind(o)), HC_LOG_STR("name", o->name),
		       HC_LOG_I64("status", ev->status), HC_LOG_STR("error", ev->why));
	c->told_write_failure = true;
}

void cluster_answer(struct hc_cluster *c, const struct hc_kube_event *ev)
{
	bool ok = ev->status >= 200 && ev->status < 300;
	struct cluster_object *o = c->objects;

	if (cluster_summary_answer(c, ev))
		return;
	while (o && o->get_id != ev->request_id && o->apply_id != ev->request_id && o->status_id != ev->request_id)
		o = o->next;
	if (!o)
		return; /* of a capture that is gone */
	if (o->get_id == ev->request_id) {
		o->get_id = 0;
		take_before(o, ev);
	} else if (o->apply_id == ev->request_id) {
		o->apply_id = 0;
		o->written = ok;
		if (!ok)
			write_failed(c, o, ev);
	} else {
		o->status_id = 0;
		if (!ok && !(o->backoff_ns && !o->written)) /* once for both */
			write_failed(c, o, ev);
		if (ok) {
			c->stats.n_written++;
			o->told_ns = record_boot_ns();
			o->sum_ns = 0; /* this node's part is another now */
			c->told_write_failure = false;
			o->backoff_ns = 0;
		}
	}
}
