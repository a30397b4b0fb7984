/* Requests as they come from a cluster, and the pods that cgroups' paths tell of; tests/k8s/recorder.py has the
 * whole. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_priv.h"
#include "tracker_priv.h"

#define SECOND UINT64_C(1000000000)

static struct cluster_spec *parsed(const char *spec)
{
	struct cluster_spec *s = NULL;
	char json[2048];

	snprintf(json, sizeof(json),
	         "{\"metadata\":{\"name\":\"a\",\"generation\":4,\"creationTimestamp\":\"1970-01-02T00:00:00Z\"},"
	         "\"spec\":%s}",
	         spec);
	cr_assert_eq(cluster_spec_parse(json, strlen(json), "node-1", &s), 0);
	return s;
}

static void wrong(const char *spec, const char *error)
{
	HC_AUTO(cluster_spec_free) struct cluster_spec *s = parsed(spec);

	cr_assert(strstr(s->error, error), "%s: '%s' lacks '%s'", spec, s->error, error);
}

Test(cluster_spec, takes_durations_of_the_schema_and_no_others)
{
	const char *bad[] = {
		"", "1", "s", "1d", "-1s", "1.5h", "1h ", "1h1h1h1h1h", "1000000000s", "999999999h"
	};
	uint64_t ns;

	cr_assert(cluster_duration("1h30m", &ns));
	cr_assert_eq(ns, 5400 * SECOND);
	cr_assert(cluster_duration("250ms", &ns));
	cr_assert_eq(ns, SECOND / 4);
	cr_assert(cluster_duration("1m2s", &ns));
	cr_assert_eq(ns, 62 * SECOND);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert(!cluster_duration(bad[i], &ns), "'%s'", bad[i]);
}

static bool is_understood(const char *head, unsigned n, const char *tail)
{
	HC_AUTO(cluster_spec_free) struct cluster_spec *s = NULL;
	char text[400], spec[1024];

	memset(text, 'x', n);
	text[n] = '\0';
	snprintf(spec, sizeof(spec), "{\"duration\":\"1h\",\"selector\":{%s%s%s}}", head, text, tail);
	s = parsed(spec);
	return s->node && !s->error[0];
}

Test(cluster_spec, stays_within_its_limits_when_it_is_wrong)
{
	HC_AUTO(cluster_spec_free) struct cluster_spec *s = NULL;

	s = parsed("{\"duration\":\"1000000h\",\"preRoll\":\"25h\",\"retention\":\"9000h\",\"detail\":\"all\"}");
	cr_assert(strstr(s->error, "spec.preRoll"), "the first is told: %s", s->error);
	cr_assert(s->for_ns == 0 && s->pre_ns == 0 && s->keep_ns == 720 * 3600 * SECOND);
	cr_assert_str_eq(s->detail, "security");
}

Test(cluster_spec, keeps_texts_of_the_lengths_of_the_schema_and_no_longer_ones)
{
	static const struct {
		const char *head, *tail;
		unsigned longest;
	} of[] = {
		{ "\"podSelector\":{\"matchLabels\":{\"", "\":\"v\"}}", 317 },
		{ "\"namespaceSelector\":{\"matchLabels\":{\"k\":\"", "\"}}", 63 },
		{ "\"containers\":[\"", "\"]", 63 },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		cr_assert(is_understood(of[i].head, of[i].longest, of[i].tail), "%s", of[i].head);
		cr_assert(!is_understood(of[i].head, of[i].longest + 1, of[i].tail), "%s", of[i].head);
	}
}

Test(cluster, tells_of_no_half_characters)
{
	cr_assert_eq(cluster_whole(""), 0);
	cr_assert_eq(cluster_whole("no such namespace"), 17);
	cr_assert_eq(cluster_whole("\xc3\xbc\xe2\x82\xac"), 5);
	cr_assert_eq(cluster_whole("\xc3\xbc\xe2\x82"), 2);
	cr_assert_eq(cluster_whole("a\xff z"), 1);
}

Test(cluster, has_a_field_manager_that_servers_take)
{
	char node[254], *name = cluster_manager("node-1"), *other;

	cr_assert_str_eq(name, "hindcast-node-1");
	free(name);
	memset(node, 'n', 119);
	node[119] = '\0';
	name = cluster_manager(node);
	cr_assert_eq(strlen(name), 128);
	free(name);
	memset(node, 'n', 253);
	node[253] = '\0';
	name = cluster_manager(node);
	node[252] = 'm';
	other = cluster_manager(node);
	cr_assert_leq(strlen(name), 128);
	cr_assert_str_neq(name, other);
	free(name);
	free(other);
}

Test(cluster_spec, has_the_defaults_of_the_schema)
{
	HC_AUTO(cluster_spec_free) struct cluster_spec *s = parsed("{\"duration\":\"30m\"}");

	cr_assert_str_empty(s->error);
	cr_assert_eq(s->for_ns, 1800 * SECOND);
	cr_assert_eq(s->pre_ns, 0);
	cr_assert_eq(s->keep_ns, 720 * 3600 * SECOND);
	cr_assert_eq(s->max_bytes, UINT64_C(2) << 30);
	cr_assert_str_eq(s->detail, "security");
	cr_assert(s->node && !s->stop && s->generation == 4);
	cr_assert_eq(s->made_wall_ns, (int64_t)(86400 * SECOND));
	cr_assert(cluster_spec_has_container(s, HC_STR("any")));
}

Test(cluster_spec, says_what_is_wrong)
{
	wrong("{}", "spec.duration");
	wrong("{\"duration\":\"25h\"}", "spec.duration is not between");
	wrong("{\"duration\":\"1h\",\"preRoll\":\"24h1s\"}", "spec.preRoll");
	wrong("{\"duration\":\"1h\",\"retention\":5}", "spec.retention");
	wrong("{\"duration\":\"1h\",\"detail\":\"all\"}", "spec.detail");
	wrong("{\"duration\":\"1h\",\"payloadBytes\":4097}", "spec.payloadBytes");
	wrong("{\"duration\":\"1h\",\"maxBytesPerNode\":\"2GB\"}", "spec.maxBytesPerNode");
	wrong("[]", "no spec");
}

Test(cluster_spec, selects_nothing_by_what_it_does_not_understand)
{
	const char *selectors[] = { "[]", "{\"podSelector\":{\"matchExpressions\":[]}}",
		                    "{\"containers\":\"web\"}", "{\"podSelector\":{\"matchLabels\":{\"a\":1}}}",
		                    "{\"nodes\":{\"matchNames\":\"x\"}}" };
	char spec[256];

	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		struct cluster_spec *s;

		snprintf(spec, sizeof(spec), "{\"duration\":\"1h\",\"selector\":%s}", selectors[i]);
		s = parsed(spec);
		cr_assert(!s->node && strstr(s->error, "selector"), "%s", selectors[i]);
		cluster_spec_free(s);
	}
}

Test(cluster_spec, selects_by_all_labels_names_and_nodes)
{
	HC_AUTO(cluster_spec_free)
	struct cluster_spec *s = parsed(
		"{\"duration\":\"1h\",\"selector\":{\"podSelector\":{\"matchLabels\":{\"a\":\"1\",\"b\":\"2\"}},"
		"\"containers\":[\"web\"],\"nodes\":{\"matchNames\":[\"node-2\",\"node-1\"]}}}");
	struct hc_kube_kv have[] = { { HC_STR("a"), HC_STR("1") }, { HC_STR("b"), HC_STR("2") } };

	cr_assert_str_empty(s->error);
	cr_assert(s->node);
	cr_assert(cluster_labels_match(&s->pod, have, 2));
	cr_assert(!cluster_labels_match(&s->pod, have, 1));
	have[1].value = HC_STR("3");
	cr_assert(!cluster_labels_match(&s->pod, have, 2));
	cr_assert(cluster_spec_has_container(s, HC_STR("web")) && !cluster_spec_has_container(s, HC_STR("we")));
}

Test(cluster_spec, knows_other_nodes)
{
	HC_AUTO(cluster_spec_free)
	struct cluster_spec *s =
		parsed("{\"duration\":\"1h\",\"selector\":{\"nodes\":{\"matchNames\":[\"node-2\"]}}}");

	cr_assert(!s->node);
	cr_assert_str_empty(s->error);
}

Test(cluster_spec, tells_less_often_where_many_nodes_serve_it)
{
	const struct {
		const char *nodes;
		uint64_t calm_s;
	} cases[] = { { "0", 0 }, { "5000", 50 }, { "999999999999", 200 }, { "-1", 0 }, { "\"9\"", 0 } };
	char json[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cluster_object o = { 0 };

		snprintf(json, sizeof(json), "{\"spec\":{\"duration\":\"1h\"},\"status\":{\"nodesMatched\":%s}}",
		         cases[i].nodes);
		cr_assert_eq(cluster_spec_parse(json, strlen(json), "node-1", &o.spec), 0);
		cr_assert_eq(cluster_calm_ns(&o), cases[i].calm_s * SECOND, "%s", cases[i].nodes);
		cluster_spec_free(o.spec);
	}
}

Test(pod_uid, is_found_in_the_paths_of_both_cgroup_drivers)
{
	const struct {
		const char *path, *uid;
	} cases[] = {
		{ "/kubepods/burstable/pod1f0e-22/aa", "1f0e-22" },
		{ "/kubepods/pod1f0e-22", "1f0e-22" },
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1f0e_22.slice/"
		  "cri-containerd-aa.scope",
		  "1f0e-22" },
		{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1f0e_22.slice/crio-aa.scope",
		  "1f0e-22" },
		{ "/kubepods/pod11-1/aa/kubepods/pod22-2/bb", "22-2" },
		{ "/libpod_parent/pod1f0e-22/aa", "" },
		{ "/kubepods/burstable", "" },
		{ "/kubepods/pod/aa", "" },
		{ "/kubepods/podx%2f/aa", "" },
		{ "/kubepods/pod0123456789012345678901234567890123456789012345678901234567890123456789/aa", "" },
		{ "", "" },
	};
	char uid[POD_UID_BYTES];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(pod_uid_of_path(hc_str_c(cases[i].path), uid), strlen(cases[i].uid), "%s",
		             cases[i].path);
		cr_assert_str_eq(uid, cases[i].uid);
	}
}
