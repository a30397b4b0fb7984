/*
 * kubewatch URL CA TOKEN NODE [OPTION=N...]: the Kubernetes client by itself. Prints a JSON object a line: pods as
 * they change, objects, answers. Options are the numbers of struct hc_kube_opts. Commands on standard input, one a
 * line: find ID | uid UID | stats | send VERB API RESOURCE NS NAME MANAGER BODY ("-" for none) | quit
 */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/kube.h"

static struct json_object *text(struct hc_str s)
{
	return json_object_new_string_len(s.len ? s.p : "", (int)s.len);
}

static void print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	fflush(stdout);
}

static struct json_object *map(const struct hc_kube_kv *kv, uint32_t n)
{
	struct json_object *o = json_object_new_object();

	for (uint32_t i = 0; i < n; i++)
		json_object_object_add(o, kv[i].key.p, text(kv[i].value));
	return o;
}

static struct json_object *container(const struct hc_kube_container *c)
{
	static const char *const types[] = { "main", "init", "ephemeral" };
	struct json_object *o = json_object_new_object(), *argv;

	json_object_object_add(o, "type", json_object_new_string(types[c->type]));
	json_object_object_add(o, "name", text(c->name));
	json_object_object_add(o, "runtime", text(c->runtime));
	json_object_object_add(o, "id", text(c->id));
	json_object_object_add(o, "last_id", text(c->last_id));
	json_object_object_add(o, "asked_image", text(c->asked_image));
	json_object_object_add(o, "image", text(c->image));
	json_object_object_add(o, "image_id", text(c->image_id));
	json_object_object_add(o, "privileged", json_object_new_boolean(c->privileged));
	for (unsigned p = 0; p < HC_KUBE_N_PROBES; p++) {
		static const char *const names[] = { "liveness", "readiness", "startup" };

		if (!c->probe[p].n)
			continue;
		argv = json_object_new_array();
		for (uint32_t i = 0; i < c->probe[p].n; i++)
			json_object_array_add(argv, text(c->probe[p].argv[i]));
		json_object_object_add(o, names[p], argv);
	}
	return o;
}

static struct json_object *pod(struct hc_kube_found *f)
{
	const struct hc_kube_pod *p = f->pod;
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(o, "name", text(p->meta.name));
	json_object_object_add(o, "ns", text(p->ns));
	json_object_object_add(o, "uid", text(p->meta.uid));
	json_object_object_add(o, "static_hash", text(p->static_hash));
	json_object_object_add(o, "service_account", text(p->service_account));
	json_object_object_add(o, "ip", text(p->ip));
	json_object_object_add(o, "qos", text(p->qos));
	json_object_object_add(o, "created", text(p->created));
	json_object_object_add(o, "host_network", json_object_new_boolean(p->host_network));
	json_object_object_add(o, "host_pid", json_object_new_boolean(p->host_pid));
	json_object_object_add(o, "host_ipc", json_object_new_boolean(p->host_ipc));
	json_object_object_add(o, "labels", map(p->meta.labels, p->meta.n_labels));
	json_object_object_add(o, "annotations", map(p->meta.annotations, p->meta.n_annotations));
	json_object_object_add(o, "cut", json_object_new_int64(p->meta.n_cut));
	for (uint32_t i = 0; i < p->n_containers; i++)
		json_object_array_add(list, container(&p->containers[i]));
	json_object_object_add(o, "containers", list);
	list = json_object_new_array();
	for (uint32_t i = 0; i < p->n_owners; i++) {
		struct json_object *owner = json_object_new_object();

		json_object_object_add(owner, "kind", text(p->owners[i].kind));
		json_object_object_add(owner, "name", text(p->owners[i].name));
		json_object_object_add(owner, "controller", json_object_new_boolean(p->owners[i].controller));
		json_object_array_add(list, owner);
	}
	json_object_object_add(o, "owners", list);
	json_object_object_add(o, "gone", json_object_new_boolean(f->gone_ns != 0));
	if (f->container_idx != UINT32_MAX)
		json_object_object_add(o, "container", json_object_new_int64(f->container_idx));
	if (f->ns) {
		json_object_object_add(o, "ns_labels", map(f->ns->meta.labels, f->ns->meta.n_labels));
		json_object_object_add(o, "ns_annotations",
		                       map(f->ns->meta.annotations, f->ns->meta.n_annotations));
	}
	hc_kube_found_done(f);
	return o;
}

static void print_stats(struct hc_kube *k)
{
	struct json_object *o = json_object_new_object(), *part;
	struct hc_kube_stats s;
	char name[64];

	hc_kube_stats(k, &s);
	for (unsigned i = 0; i < HC_KUBE_N_RESOURCES; i++) {
		part = json_object_new_object();
		json_object_object_add(part, "wanted", json_object_new_boolean(s.of[i].wanted));
		json_object_object_add(part, "connected", json_object_new_boolean(s.of[i].connected));
		json_object_object_add(part, "synced", json_object_new_boolean(s.of[i].synced));
		json_object_object_add(part, "events", json_object_new_int64((int64_t)s.of[i].n_events));
		json_object_object_add(part, "bookmarks", json_object_new_int64((int64_t)s.of[i].n_bookmarks));
		json_object_object_add(part, "lists", json_object_new_int64((int64_t)s.of[i].n_lists));
		json_object_object_add(part, "objects", json_object_new_int64(s.of[i].n_objects));
		json_object_object_add(part, "error", json_object_new_string(s.of[i].error));
		json_object_object_add(o, hc_kube_resource_name(i), part);
	}
	part = json_object_new_object();
	for (unsigned i = 0; i < HC_KUBE_N_REASONS; i++)
		if (s.restarts[i])
			json_object_object_add(part, hc_kube_reason_name(i),
			                       json_object_new_int64((int64_t)s.restarts[i]));
	json_object_object_add(o, "restarts", part);
	part = json_object_new_object();
	for (uint32_t i = 0; i < s.n_codes; i++) {
		snprintf(name, sizeof(name), "%s %d", s.codes[i].verb, s.codes[i].code);
		json_object_object_add(part, name, json_object_new_int64((int64_t)s.codes[i].n));
	}
	json_object_object_add(o, "codes", part);
	json_object_object_add(o, "too_big", json_object_new_int64((int64_t)s.n_too_big));
	json_object_object_add(o, "foreign", json_object_new_int64((int64_t)s.n_foreign));
	json_object_object_add(o, "refused", json_object_new_int64((int64_t)s.n_refused));
	json_object_object_add(o, "dropped", json_object_new_int64((int64_t)s.n_dropped));
	json_object_object_add(o, "tokens", json_object_new_int64((int64_t)s.n_tokens));
	json_object_object_add(o, "table_bytes", json_object_new_int64((int64_t)s.table_bytes));
	json_object_object_add(o, "gone", json_object_new_int64(s.n_gone));
	part = json_object_new_object();
	json_object_object_add(part, "stats", o);
	print(part);
}

static void print_found(bool found, struct hc_kube_found *f)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "found", found ? pod(f) : NULL);
	print(o);
}

static void drain(struct hc_kube *k, uint64_t *seq)
{
	static const char *const kinds[] = { "SET", "GONE", "SYNCED", "ANSWER" };
	struct hc_kube_found found;
	struct hc_kube_event ev;

	while (hc_kube_next(k, &ev)) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "event", json_object_new_string(kinds[ev.kind]));
		if (ev.kind == HC_KUBE_ANSWER) {
			json_object_object_add(o, "id", json_object_new_int64((int64_t)ev.request_id));
			json_object_object_add(o, "status", json_object_new_int(ev.status));
			json_object_object_add(o, "why", json_object_new_string(ev.why));
		} else {
			json_object_object_add(o, "resource",
			                       json_object_new_string(hc_kube_resource_name(ev.resource)));
			json_object_object_add(o, "name", json_object_new_string(ev.name));
			json_object_object_add(o, "ns", json_object_new_string(ev.ns));
			json_object_object_add(o, "uid", json_object_new_string(ev.uid));
		}
		json_object_object_add(o, "object", ev.json ? json_tokener_parse(ev.json) : NULL);
		print(o);
		hc_kube_event_done(&ev);
	}
	while (hc_kube_pods_since(k, seq, &found, 1)) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "pod", pod(&found));
		print(o);
	}
}

static const char *word(char **line)
{
	char *w = strsep(line, " ");

	return !w || !strcmp(w, "-") ? NULL : w;
}

static void send_request(struct hc_kube *k, char *line)
{
	static const char *const verbs[] = { "get",          "list",         "create", "apply",
		                             "apply-status", "merge-status", "update", "delete" };
	const char *verb = word(&line);
	struct hc_kube_request req = { 0 };
	struct json_object *o = json_object_new_object();
	struct hc_err err = { 0 };
	uint64_t id = 0;
	unsigned i = 0;

	while (verb && i < sizeof(verbs) / sizeof(verbs[0]) && strcmp(verbs[i], verb) != 0)
		i++;
	req.verb = (enum hc_kube_verb)i;
	req.api = word(&line);
	req.resource = word(&line);
	req.ns = word(&line);
	req.name = word(&line);
	req.field_manager = word(&line);
	req.body = line && strcmp(line, "-") != 0 ? line : NULL;
	json_object_object_add(o, "sent", json_object_new_int(hc_kube_send(k, &req, &id, &err)));
	json_object_object_add(o, "id", json_object_new_int64((int64_t)id));
	json_object_object_add(o, "error", json_object_new_string(err.msg));
	print(o);
}

/* False: the end. */
static bool command(struct hc_kube *k, char *line)
{
	struct hc_kube_found f;

	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "find ", 5))
		print_found(hc_kube_find(k, hc_str_c(line + 5), &f), &f);
	else if (!strncmp(line, "uid ", 4))
		print_found(hc_kube_find_uid(k, hc_str_c(line + 4), &f), &f);
	else if (!strncmp(line, "send ", 5))
		send_request(k, line + 5);
	else if (!strcmp(line, "stats"))
		print_stats(k);
	else
		return false;
	return true;
}

static bool set_number(struct hc_kube_opts *o, const char *arg)
{
#define NUMBER(member)              \
	{                           \
#member, &o->member \
	}
	const struct {
		const char *name;
		uint32_t *to;
	} numbers[] = {
		NUMBER(resources),        NUMBER(start_spread_ms), NUMBER(connect_ms),
		NUMBER(request_ms),       NUMBER(watch_ms),        NUMBER(watch_grace_ms),
		NUMBER(watch_short_ms),   NUMBER(backoff_min_ms),  NUMBER(backoff_max_ms),
		NUMBER(healthy_ms),       NUMBER(absent_ms),       NUMBER(retry_after_max_ms),
		NUMBER(give_up_ms),       NUMBER(gone_ms),         NUMBER(max_object_bytes),
		NUMBER(max_object_parts), NUMBER(max_objects),     NUMBER(max_events),
	};
#undef NUMBER
	const char *eq = strchr(arg, '=');

	for (unsigned i = 0; eq && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strlen(numbers[i].name) != (size_t)(eq - arg) ||
		    strncmp(numbers[i].name, arg, (size_t)(eq - arg)) != 0)
			continue;
		*numbers[i].to = (uint32_t)strtoul(eq + 1, NULL, 10);
		return true;
	}
	if (eq && !strncmp(arg, "max_list_bytes=", 15))
		o->max_list_bytes = strtoull(eq + 1, NULL, 10);
	else if (eq && !strncmp(arg, "max_table_bytes=", 16))
		o->max_table_bytes = strtoull(eq + 1, NULL, 10);
	else if (eq && !strncmp(arg, "max_queue_bytes=", 16))
		o->max_queue_bytes = strtoull(eq + 1, NULL, 10);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	HC_AUTO(hc_kube_stop) struct hc_kube *k = NULL;
	struct hc_kube_opts opts;
	struct hc_err err = { 0 };
	char *line = NULL;
	size_t line_bytes = 0;
	uint64_t seq = 0;
	bool held = false; /* option hold=1: the queue is left alone until the first command */

	hc_kube_opts_init(&opts);
	opts.resources = 1u << HC_KUBE_PODS;
	opts.start_spread_ms = 0;
	if (argc < 5) {
		fprintf(stderr, "usage: kubewatch URL CA TOKEN NODE [OPTION=N...]\n");
		return 2;
	}
	opts.url = strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
	opts.ca_file = strcmp(argv[2], "-") != 0 ? argv[2] : NULL;
	opts.token_file = strcmp(argv[3], "-") != 0 ? argv[3] : NULL;
	opts.node = argv[4];
	for (int i = 5; i < argc; i++) {
		if (!strcmp(argv[i], "hold=1")) {
			held = true;
		} else if (!set_number(&opts, argv[i])) {
			fprintf(stderr, "kubewatch: no such option: %s\n", argv[i]);
			return 2;
		}
	}
	if (hc_kube_start(&opts, &k, &err) < 0) {
		fprintf(stderr, "kubewatch: %s\n", err.msg);
		return 4;
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	for (;;) {
		struct pollfd fds[2] = { { .fd = 0, .events = POLLIN },
			                 { .fd = held ? -1 : hc_kube_fd(k), .events = POLLIN } };

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			drain(k, &seq);
		if (fds[0].revents) {
			if (getline(&line, &line_bytes, stdin) < 0 || !command(k, line))
				break;
			held = false;
		}
	}
	free(line);
	return 0;
}
