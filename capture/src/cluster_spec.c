/* Objects to requests. Each member is looked at by itself: the first that makes no sense is the error that is
 * told. */
#include "cluster_spec.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctr_facts.h"
#include "kube_priv.h"

#define MAX_PARTS 20000u
#define MAX_NODES 20000u /* more of them do not make anything rarer still */
#define HOUR_NS UINT64_C(3600000000000)
#define MAX_DURATION_NS (1000000 * HOUR_NS)

struct cluster_spec *cluster_spec_free(struct cluster_spec *s)
{
	if (s)
		hc_arena_done(&s->arena);
	free(s);
	return NULL;
}

__attribute__((format(printf, 2, 3))) static void wrong(struct cluster_spec *s, const char *fmt, ...)
{
	va_list ap;

	if (s->error[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, ap);
	va_end(ap);
}

/* ---- values ---- */

bool cluster_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "ms", 1000000 }, { "s", 1000000000 }, { "m", HOUR_NS / 60 }, { "h", HOUR_NS } };
	uint64_t sum = 0, n;
	unsigned parts = 0;

	while (*text && parts++ < 4) {
		size_t digits = strspn(text, "0123456789"), i = 0;

		if (!digits || digits > 9)
			return false;
		while (i < 4 && strncmp(text + digits, units[i].unit, strlen(units[i].unit)) != 0)
			i++;
		if (i == 4)
			return false;
		n = strtoull(text, NULL, 10);
		if (n > MAX_DURATION_NS / units[i].ns)
			return false;
		sum += n * units[i].ns;
		if (sum > MAX_DURATION_NS)
			return false;
		text += digits + strlen(units[i].unit);
	}
	*ret_ns = sum;
	return parts > 0 && !*text;
}

static uint64_t duration(struct cluster_spec *s, struct json_object *spec, const char *key, uint64_t def_ns,
                         uint64_t min_ns, uint64_t max_ns)
{
	struct json_object *v = kube_at(spec, key, NULL);
	uint64_t ns = def_ns;

	if (v && (!json_object_is_type(v, json_type_string) || !cluster_duration(json_object_get_string(v), &ns)))
		wrong(s, "spec.%s is no duration such as 90s, 10m or 1h30m", key);
	if (ns >= min_ns && ns <= max_ns)
		return ns;
	wrong(s, "spec.%s is not between %gs and %gh", key, (double)min_ns / 1e9,
	      (double)max_ns / (double)HOUR_NS);
	return def_ns;
}

static uint64_t size_of(struct cluster_spec *s, struct json_object *spec, const char *key, uint64_t def)
{
	static const char *const units[] = { "KiB", "MiB", "GiB" };
	struct json_object *v = kube_at(spec, key, NULL);
	const char *text = v ? kube_text(spec, key) : "";
	size_t digits = strspn(text, "0123456789");

	if (!v)
		return def;
	for (unsigned i = 0; i < 3; i++)
		if (digits && digits <= 10 && text[0] != '0' && strcmp(text + digits, units[i]) == 0)
			return strtoull(text, NULL, 10) << (10 * (i + 1));
	wrong(s, "spec.%s is no size such as 512MiB or 2GiB", key);
	return def;
}

static struct hc_str keep_text(struct cluster_spec *s, const char *p, size_t n)
{
	return hc_arena_str(&s->arena, (struct hc_str){ p, (uint32_t)n });
}

/* ---- the selector ---- */

/* One that cannot be understood must not select all. */
static bool read_labels(struct cluster_spec *s, struct json_object *selector, const char *key,
                        struct cluster_labels *ret)
{
	struct json_object *one = kube_at(selector, key, NULL), *labels = kube_at(one, "matchLabels", NULL);

	if (!one)
		return true;
	if (!json_object_is_type(one, json_type_object))
		return false;
	if (!labels)
		return json_object_object_length(one) == 0;
	if (!json_object_is_type(labels, json_type_object) || json_object_object_length(one) != 1 ||
	    json_object_object_length(labels) > (int)CLUSTER_MAX_LABELS)
		return false;
	ret->v = hc_arena_alloc(&s->arena, CLUSTER_MAX_LABELS * sizeof(*ret->v));
	json_object_object_foreach(labels, name, value)
	{
		if (!ret->v || !json_object_is_type(value, json_type_string) ||
		    strlen(name) > CLUSTER_MAX_KEY_BYTES ||
		    (size_t)json_object_get_string_len(value) > CLUSTER_MAX_NAME_BYTES)
			return false;
		ret->v[ret->n].key = keep_text(s, name, strlen(name));
		ret->v[ret->n++].value =
			keep_text(s, json_object_get_string(value), (size_t)json_object_get_string_len(value));
	}
	return true;
}

static bool read_containers(struct cluster_spec *s, struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	if (!list)
		return true;
	if (!n || n > CLUSTER_MAX_CONTAINERS)
		return json_object_is_type(list, json_type_array) && n == 0;
	s->containers = hc_arena_alloc(&s->arena, n * sizeof(*s->containers));
	for (size_t i = 0; i < n; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);

		if (!s->containers || !json_object_is_type(v, json_type_string) ||
		    (size_t)json_object_get_string_len(v) > CLUSTER_MAX_NAME_BYTES)
			return false;
		s->containers[s->n_containers++] =
			keep_text(s, json_object_get_string(v), (size_t)json_object_get_string_len(v));
	}
	return true;
}

static bool read_nodes(struct cluster_spec *s, struct json_object *names, const char *node)
{
	size_t n = json_object_is_type(names, json_type_array) ? json_object_array_length(names) : 0;

	s->node = n == 0;
	if (names && !json_object_is_type(names, json_type_array))
		return false;
	for (size_t i = 0; i < n && i < CLUSTER_MAX_NODES; i++) {
		struct json_object *v = json_object_array_get_idx(names, i);

		s->node |=
			json_object_is_type(v, json_type_string) && strcmp(json_object_get_string(v), node) == 0;
	}
	return n <= CLUSTER_MAX_NODES;
}

static void read_selector(struct cluster_spec *s, struct json_object *selector, const char *node)
{
	bool ok = !selector || json_object_is_type(selector, json_type_object);

	ok = ok && read_nodes(s, kube_at(selector, "nodes", "matchNames", NULL), node);
	ok = ok && read_labels(s, selector, "podSelector", &s->pod);
	ok = ok && read_labels(s, selector, "namespaceSelector", &s->ns);
	ok = ok && read_containers(s, kube_at(selector, "containers", NULL));
	if (!ok) {
		s->node = false;
		wrong(s, "spec.selector is not understood");
	}
}

/* ---- the object ---- */

static void read_numbers(struct cluster_spec *s, struct json_object *spec)
{
	static const char *const details[] = { "minimal", "security", "full" };
	struct json_object *v = kube_at(spec, "payloadBytes", NULL);
	const char *detail = kube_text(spec, "detail");

	s->pre_ns = duration(s, spec, "preRoll", 0, 0, 24 * HOUR_NS);
	s->for_ns = duration(s, spec, "duration", 0, 1000000, 24 * HOUR_NS);
	s->keep_ns = duration(s, spec, "retention", 720 * HOUR_NS, 0, 8784 * HOUR_NS);
	s->max_bytes = size_of(s, spec, "maxBytesPerNode", UINT64_C(2) << 30);
	s->detail = kube_at(spec, "detail", NULL) ? NULL : "security";
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(detail, details[i]) == 0)
			s->detail = details[i];
	if (!s->detail) {
		wrong(s, "spec.detail is none of minimal, security, full");
		s->detail = "security";
	}
	if (v && (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0 ||
	          json_object_get_int64(v) > 4096))
		wrong(s, "spec.payloadBytes is not between 0 and 4096");
	else if (v)
		s->snaplen = (uint32_t)json_object_get_int64(v);
	v = kube_at(spec, "stop", NULL);
	s->stop = json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
}

int cluster_spec_parse(const char *json, size_t n_bytes, const char *node, struct cluster_spec **ret)
{
	struct json_object *o, *spec, *v;
	struct cluster_spec *s;
	int r;

	o = kube_parse(json, n_bytes, MAX_PARTS, &r);
	if (!o)
		return r == -ENOMEM ? r : -EBADMSG;
	s = calloc(1, sizeof(*s));
	if (!s) {
		json_object_put(o);
		return -ENOMEM;
	}
	s->arena.tight = true;
	spec = kube_at(o, "spec", NULL);
	if (!json_object_is_type(spec, json_type_object))
		wrong(s, "it has no spec");
	read_selector(s, kube_at(spec, "selector", NULL), node);
	read_numbers(s, spec);
	v = kube_at(o, "metadata", "generation", NULL);
	s->generation = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : 0;
	snprintf(s->phase, sizeof(s->phase), "%s", kube_text(kube_at(o, "status", NULL), "phase"));
	v = kube_at(o, "status", "nodesMatched", NULL);
	if (json_object_is_type(v, json_type_int) && json_object_get_int64(v) > 0)
		s->n_nodes = json_object_get_int64(v) < MAX_NODES ? (uint32_t)json_object_get_int64(v) : MAX_NODES;
	s->made_wall_ns = ctr_time(hc_str_c(kube_text(kube_at(o, "status", NULL), "acceptedAt")));
	if (!s->made_wall_ns)
		s->made_wall_ns = ctr_time(hc_str_c(kube_text(kube_at(o, "metadata", NULL), "creationTimestamp")));
	json_object_put(o);
	*ret = s;
	return 0;
}

/* ---- matching ---- */

bool cluster_labels_match(const struct cluster_labels *want, const struct hc_kube_kv *have, uint32_t n)
{
	for (uint32_t i = 0; i < want->n; i++) {
		bool is = false;

		for (uint32_t k = 0; k < n && !is; k++)
			is = hc_str_eq(want->v[i].key, have[k].key) && hc_str_eq(want->v[i].value, have[k].value);
		if (!is)
			return false;
	}
	return true;
}

bool cluster_spec_has_container(const struct cluster_spec *s, struct hc_str name)
{
	bool is = s->n_containers == 0;

	for (uint32_t i = 0; i < s->n_containers && !is; i++)
		is = hc_str_eq(s->containers[i], name);
	return is;
}
