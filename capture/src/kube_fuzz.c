/* Any bytes as a list or a watch of pods. However the bytes are cut, the same values come out; what becomes a pod
 * has its strings terminated and its labels sorted, is found by its ids, and the table stays within its limits. */
#include "kube_priv.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ITEM_BYTES 20000
#define MAX_TABLE_BYTES 60000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t n, sum;
	struct kube_table *table; /* NULL: only counts */
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_str(struct hc_str s)
{
	must(s.p && s.p[s.len] == '\0');
}

static void check_map(const struct hc_kube_kv *kv, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		check_str(kv[i].key);
		check_str(kv[i].value);
		must(i == 0 || hc_str_cmp(kv[i - 1].key, kv[i].key) < 0);
	}
}

static void check_pod(const struct hc_kube_pod *pod)
{
	must(pod->meta.name.len && pod->ns.len && pod->meta.uid.len);
	check_str(pod->meta.name);
	check_str(pod->meta.uid);
	check_str(pod->ip);
	check_map(pod->meta.labels, pod->meta.n_labels);
	check_map(pod->meta.annotations, pod->meta.n_annotations);
	for (uint32_t i = 0; i < pod->n_owners; i++)
		check_str(pod->owners[i].name);
	for (uint32_t i = 0; i < pod->n_containers; i++) {
		const struct hc_kube_container *c = &pod->containers[i];

		check_str(c->name);
		check_str(c->id);
		check_str(c->image_id);
		for (unsigned p = 0; p < HC_KUBE_N_PROBES; p++)
			for (uint32_t k = 0; k < c->probe[p].n; k++)
				check_str(c->probe[p].argv[k]);
	}
}

static void keep_pod(struct kube_table *table, struct json_object *o, size_t json_bytes)
{
	static uint64_t now_ns = 1;
	struct hc_kube_pod *pod;
	struct hc_kube_found found;
	struct hc_str uid;
	int r;

	pod = kube_pod_new(o, json_bytes, ++now_ns, &r);
	if (!pod)
		return;
	check_pod(pod);
	hc_kube_pod_ref(pod);
	uid = pod->meta.uid;
	if (kube_table_set(table, pod, now_ns) == 0) {
		must(kube_table_find_uid(table, uid, &found));
		hc_kube_found_done(&found);
		for (uint32_t i = 0; i < pod->n_containers; i++) {
			if (!pod->containers[i].id.len || !kube_table_find(table, pod->containers[i].id, &found))
				continue;
			check_str(found.pod->meta.name);
			must(found.container_idx < found.pod->n_containers);
			hc_kube_found_done(&found);
		}
	}
	must(table->bytes <= MAX_TABLE_BYTES && table->n <= table->max_pods);
	if (uid.p[0] & 1)
		kube_table_remove(table, uid, now_ns);
	hc_kube_pod_unref(pod);
}

static void keep_ns(struct kube_table *table, struct json_object *o, size_t json_bytes)
{
	struct hc_kube_ns *ns;
	int r;

	ns = kube_ns_new(o, json_bytes, 1, &r);
	if (!ns)
		return;
	must(ns->meta.name.len);
	check_str(ns->meta.name);
	check_str(ns->meta.resource_version);
	check_map(ns->meta.labels, ns->meta.n_labels);
	check_map(ns->meta.annotations, ns->meta.n_annotations);
	kube_space_set(table, ns);
	must(table->space_bytes <= MAX_TABLE_BYTES / KUBE_SPACE_PART);
}

static int on_value(void *ctx, const char *key, const char *p, size_t n)
{
	struct seen *seen = ctx;
	struct json_object *o;
	int r;

	must(p[n] == '\0' && (key || n <= MAX_ITEM_BYTES));
	seen->n++;
	for (size_t i = 0; i < n; i++)
		seen->sum = seen->sum * 31 + (uint8_t)p[i];
	if (key || !seen->table)
		return 0;
	o = kube_parse(p, n, 2000, &r);
	if (o) {
		struct json_object *inner = kube_at(o, "object", NULL);

		keep_pod(seen->table, inner ? inner : o, n);
		keep_ns(seen->table, inner ? inner : o, n);
	}
	json_object_put(o);
	return 0;
}

static int split(const uint8_t *data, size_t size, bool lines, size_t step, struct seen *seen)
{
	struct kube_split s;
	int r = 0;

	kube_split_init(&s, lines, MAX_ITEM_BYTES, on_value, seen);
	for (size_t at = 0; at < size && r == 0; at += step)
		r = kube_split_push(&s, (const char *)data + at, size - at < step ? size - at : step);
	if (r == 0)
		r = kube_split_end(&s);
	kube_split_done(&s);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_table table = {
		.max_pods = 16, .max_bytes = MAX_TABLE_BYTES, .gone_ms = 0, .with_spaces = true
	};
	struct seen whole = { .table = &table }, cut = { 0 };
	int r;

	if (!size)
		return 0;
	r = split(data + 1, size - 1, data[0] & 1, size, &whole);
	must(split(data + 1, size - 1, data[0] & 1, 1 + (data[0] >> 1) % 7, &cut) == r);
	must(whole.n == cut.n && whole.sum == cut.sum);
	kube_table_mark(&table);
	kube_table_sweep(&table, UINT64_MAX / 2);
	must(kube_table_living(&table) == 0);
	kube_table_expire(&table, UINT64_MAX / 2);
	must(table.n == 0 && table.bytes == 0 && table.n_spaces == 0 && table.space_bytes == 0);
	kube_table_done(&table);
	return 0;
}
