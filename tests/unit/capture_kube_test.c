/* The parts of the Kubernetes client by themselves; tests/k8s/client.py has the whole of it. */
#include <criterion/criterion.h>

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "kube_priv.h"

#define MIN UINT64_C(60000000000)

static int collect(void *ctx, const char *key, const char *p, size_t n)
{
	char *out = ctx;

	cr_assert_eq(strlen(p), n);
	sprintf(out + strlen(out), "%s=%s;", key ? key : "", p);
	return 0;
}

static int split(const char *text, bool lines, size_t max, char *out, uint64_t *ret_too_big)
{
	struct kube_split s;
	int r;

	out[0] = '\0';
	kube_split_init(&s, lines, max, collect, out);
	r = kube_split_push(&s, text, strlen(text));
	if (r == 0)
		r = kube_split_end(&s);
	*ret_too_big = s.n_too_big;
	kube_split_done(&s);
	return r;
}

Test(kube_split, gives_members_and_items_of_a_list)
{
	char out[512];
	uint64_t too_big;

	cr_assert_eq(split(" {\"kind\" : \"L\",\"items\":[ {\"a\":[1,\"]}\"]} , 5,\"x\\\"y\"],\"n\":12 }\n", false,
	                   100, out, &too_big),
	             0);
	cr_assert_str_eq(out, "kind=\"L\";={\"a\":[1,\"]}\"]};=5;=\"x\\\"y\";n=12;");
}

Test(kube_split, refuses_what_is_no_list)
{
	static const char *const texts[] = {
		"",         "[]",          "{",          "{\"a\"}",           "{\"a\":}",         "{} {}",
		"{\"a\":1", "{\"a\":1 2}", "{,\"a\":1}", "{\"items\":[1 2]}", "{\"items\":[1,2}", "x"
	};
	char out[512];
	uint64_t too_big;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(split(texts[i], false, 100, out, &too_big), -EBADMSG, "%s", texts[i]);
}

Test(kube_split, passes_over_items_of_one_byte_too_much)
{
	char out[512];
	uint64_t too_big;

	cr_assert_eq(split("{\"items\":[12345,1234,\"12\",\"123\"]}", false, 4, out, &too_big), 0);
	cr_assert_str_eq(out, "=1234;=\"12\";");
	cr_assert_eq(too_big, 2);
	cr_assert_eq(split("12345\n1234\n\n\n99999999\n", true, 4, out, &too_big), 0);
	cr_assert_str_eq(out, "=1234;");
	cr_assert_eq(too_big, 2);
	cr_assert_eq(split("1\n2", true, 4, out, &too_big), -EBADMSG, "the last line is not whole");
}

Test(kube_parse, counts_parts_and_depth)
{
	struct json_object *o;
	char deep[256] = "{\"a\":";
	int r;

	o = kube_parse("{\"a\":[1,2,3]}", 13, 5, &r);
	cr_assert_not_null(o);
	json_object_put(o);
	cr_assert_null(kube_parse("{\"a\":[1,2,3]}", 13, 4, &r));
	cr_assert_eq(r, -E2BIG);
	o = kube_parse("{\"a\":\",,,,[[[\\\"{\"}", 18, 2, &r);
	cr_assert_not_null(o, "what is in a string is no part");
	json_object_put(o);
	memset(deep + strlen(deep), '[', 70);
	cr_assert_null(kube_parse(deep, strlen(deep), 1000, &r));
	cr_assert_eq(r, -EBADMSG);
	cr_assert_null(kube_parse("5", 1, 1000, &r));
	cr_assert_null(kube_parse("{\"a\":\"\xff\"}", 9, 1000, &r));
	cr_assert_null(kube_parse("{} x", 4, 1000, &r));
}

static struct hc_kube_pod *pod(const char *uid, const char *rv, const char *id)
{
	struct hc_kube_pod *p;
	struct json_object *o;
	char text[1024];
	int r;

	snprintf(text, sizeof(text),
	         "{\"metadata\":{\"name\":\"n\",\"namespace\":\"s\",\"uid\":\"%s\",\"resourceVersion\":\"%s\","
	         "\"annotations\":{\"kubernetes.io/"
	         "config.mirror\":\"hash-%s\"}},\"spec\":{\"containers\":[{\"name\":\"c\"}]},"
	         "\"status\":{\"containerStatuses\":[{\"name\":\"c\",\"containerID\":\"x://%s\"}]}}",
	         uid, rv, uid, id);
	o = kube_parse(text, strlen(text), 100, &r);
	cr_assert_not_null(o);
	p = kube_pod_new(o, strlen(text), 7, &r);
	cr_assert_not_null(p);
	json_object_put(o);
	return p;
}

static int found(const struct kube_table *t, const char *id)
{
	struct hc_kube_found f;

	if (!kube_table_find(t, hc_str_c(id), &f))
		return -1;
	hc_kube_found_done(&f);
	return f.gone_ns != 0;
}

Test(kube_table, keeps_what_is_gone_for_its_time)
{
	struct kube_table t = { .max_pods = 10, .max_bytes = 1 << 20, .gone_ms = 600000 };
	struct hc_kube_found f;

	kube_table_set(&t, pod("u1", "1", "aa"), MIN);
	kube_table_set(&t, pod("u1", "2", "bb"), 2 * MIN);
	cr_assert_eq(found(&t, "aa"), 1, "the container before the restart");
	cr_assert_eq(found(&t, "bb"), 0);
	cr_assert_eq(kube_table_living(&t), 1);
	cr_assert(kube_table_find_uid(&t, HC_STR("hash-u1"), &f), "a static pod, by what its cgroup has");
	hc_kube_found_done(&f);
	kube_table_remove(&t, HC_STR("u1"), 3 * MIN);
	cr_assert_eq(found(&t, "bb"), 1);
	kube_table_expire(&t, 12 * MIN);
	cr_assert_eq(found(&t, "aa"), -1);
	cr_assert_eq(found(&t, "bb"), 1);
	kube_table_expire(&t, 13 * MIN);
	cr_assert_eq(t.n, 0);
	cr_assert_eq(t.bytes, 0);
	kube_table_done(&t);
}

Test(kube_table, forgets_the_gone_before_it_refuses_the_new)
{
	struct kube_table t = { .max_pods = 2, .max_bytes = 1 << 20, .gone_ms = 600000 };

	cr_assert_eq(kube_table_set(&t, pod("u1", "1", "a1"), 1), 0);
	cr_assert_eq(kube_table_set(&t, pod("u2", "1", "a2"), 2), 0);
	cr_assert_eq(kube_table_set(&t, pod("u3", "1", "a3"), 3), -ENOBUFS);
	kube_table_remove(&t, HC_STR("u1"), 4);
	cr_assert_eq(kube_table_set(&t, pod("u3", "1", "a3"), 5), 0);
	cr_assert_eq(found(&t, "a1"), -1);
	cr_assert_eq(t.n_refused, 1);
	kube_table_done(&t);
}

Test(kube_table, lets_no_pod_grow_beyond_its_bytes)
{
	struct kube_table t = { .max_pods = 10, .max_bytes = 1 << 20, .gone_ms = 600000 };
	char long_id[400];

	memset(long_id, 'a', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	cr_assert_eq(kube_table_set(&t, pod("u1", "1", ""), 1), 0);
	cr_assert_eq(kube_table_set(&t, pod("u2", "1", "a2"), 2), 0);
	kube_table_remove(&t, HC_STR("u2"), 3);
	t.max_bytes = t.bytes;
	cr_assert_eq(kube_table_set(&t, pod("u1", "2", long_id), 4), 0, "what is gone makes room for it");
	cr_assert_eq(found(&t, "a2"), -1);
	cr_assert_leq(t.bytes, t.max_bytes);
	t.max_bytes = t.bytes - 1;
	cr_assert_eq(kube_table_set(&t, pod("u1", "3", long_id), 5), -ENOBUFS);
	cr_assert_eq(kube_table_set(&t, pod("u1", "4", "bb"), 6), -ENOBUFS);
	cr_assert_eq(found(&t, long_id), 0, "what was known of it stays");
	cr_assert_eq(kube_table_living(&t), 1);
	cr_assert_eq(t.n_refused, 2);
	kube_table_remove(&t, HC_STR("u1"), 7);
	t.max_bytes = t.bytes + 1;
	cr_assert_eq(kube_table_set(&t, pod("u1", "5", long_id), 8), 0,
	             "one that comes again takes its own place");
	cr_assert_eq(kube_table_living(&t), 1);
	kube_table_done(&t);
}

Test(kube_table, tells_changes_once_and_in_order)
{
	struct kube_table t = { .max_pods = 10, .max_bytes = 1 << 20 };
	struct hc_kube_found f[4];
	uint64_t seq = 0;

	kube_table_set(&t, pod("u1", "1", "a1"), 1);
	kube_table_set(&t, pod("u2", "1", "a2"), 2);
	kube_table_set(&t, pod("u1", "2", "a1"), 3);
	cr_assert_eq(kube_table_since(&t, &seq, f, 1), 1);
	cr_assert(hc_str_eq(f[0].pod->meta.uid, HC_STR("u2")));
	hc_kube_found_done(&f[0]);
	cr_assert_eq(kube_table_since(&t, &seq, f, 4), 1);
	cr_assert(hc_str_eq(f[0].pod->meta.resource_version, HC_STR("2")));
	hc_kube_found_done(&f[0]);
	kube_table_set(&t, pod("u1", "2", "a1"), 4);
	cr_assert_eq(kube_table_since(&t, &seq, f, 4), 0, "a list again, and nothing new");
	kube_table_mark(&t);
	kube_table_sweep(&t, 5);
	cr_assert_eq(kube_table_since(&t, &seq, f, 4), 2);
	cr_assert(f[0].gone_ns == 5 && f[1].gone_ns == 5);
	hc_kube_found_done(&f[0]);
	hc_kube_found_done(&f[1]);
	kube_table_done(&t);
}

static struct hc_kube_ns *space(const char *name, const char *rv)
{
	struct hc_kube_ns *ns;
	struct json_object *o;
	char text[256];
	int r;

	snprintf(text, sizeof(text),
	         "{\"metadata\":{\"name\":\"%s\",\"resourceVersion\":\"%s\",\"labels\":{\"rv\":\"%s\"}}}", name,
	         rv, rv);
	o = kube_parse(text, strlen(text), 100, &r);
	ns = kube_ns_new(o, strlen(text), 7, &r);
	cr_assert_not_null(ns);
	json_object_put(o);
	return ns;
}

Test(kube_space, is_asked_for_and_kept_while_a_pod_is_in_it)
{
	struct kube_table t = { .max_pods = 10, .max_bytes = 1 << 20, .gone_ms = 600000, .with_spaces = true };
	struct hc_kube_found f[4];
	uint64_t seq = 0;

	kube_table_set(&t, pod("u1", "1", "aa"), MIN);
	kube_table_set(&t, pod("u2", "1", "bb"), MIN);
	cr_assert_eq(t.n_spaces, 1);
	cr_assert_str_eq(kube_space_due(&t, 0)->name, "s");
	cr_assert_eq(kube_table_since(&t, &seq, f, 4), 2);
	cr_assert(!f[0].ns && !f[1].ns);
	hc_kube_found_done(&f[0]), hc_kube_found_done(&f[1]);
	kube_space_set(&t, space("other", "1"));
	cr_assert_eq(kube_space_known(&t), 0, "nobody is in it");
	kube_space_set(&t, space("s", "1"));
	kube_space_put_off(&t, "s", MIN, 100, 200);
	cr_assert_null(kube_space_due(&t, MIN + 99000000));
	cr_assert_not_null(kube_space_due(&t, MIN + 100000000));
	kube_space_put_off(&t, "s", MIN, 100, 200);
	cr_assert_null(kube_space_due(&t, MIN + 199000000));
	kube_space_asked(&t, "s");
	cr_assert_null(kube_space_due(&t, 2 * MIN));
	cr_assert_eq(kube_table_since(&t, &seq, f, 4), 2, "its pods have changed");
	cr_assert(hc_str_eq(f[0].ns->meta.labels[0].value, HC_STR("1")));
	hc_kube_found_done(&f[0]), hc_kube_found_done(&f[1]);
	kube_space_set(&t, space("s", "1"));
	cr_assert_eq(kube_table_since(&t, &seq, f, 4), 0, "nothing new");
	kube_space_set(&t, space("s", "2"));
	kube_table_remove(&t, HC_STR("u1"), MIN);
	kube_table_remove(&t, HC_STR("u2"), 2 * MIN);
	kube_table_expire(&t, 11 * MIN);
	cr_assert(kube_table_find(&t, HC_STR("bb"), &f[0]));
	cr_assert(hc_str_eq(f[0].ns->meta.labels[0].value, HC_STR("2")), "as long as the pod that is gone");
	kube_table_expire(&t, 12 * MIN);
	cr_assert(t.n_spaces == 0 && t.space_bytes == 0);
	cr_assert(hc_str_eq(f[0].ns->meta.name, HC_STR("s")), "whoever has it keeps it");
	hc_kube_found_done(&f[0]);
	kube_table_done(&t);
}

Test(kube, names_the_part_of_each_node)
{
	char one[HC_KUBE_NAME_BYTES], two[HC_KUBE_NAME_BYTES], big[256];

	cr_assert_eq(hc_kube_capture_node_name("cap", "node-1", false, one), 0);
	/* printf node-1 | sha256sum */
	cr_assert_str_eq(one, "cap-35971be6e9");
	cr_assert_eq(hc_kube_capture_node_name("cap", "node-1", true, two), 0);
	cr_assert_str_neq(one, two);
	memset(big, 'a', 243);
	big[243] = '\0';
	cr_assert_eq(hc_kube_capture_node_name(big, "n", false, one), -E2BIG);
	big[242] = '\0';
	cr_assert_eq(hc_kube_capture_node_name(big, "n", false, one), 0);
}

Test(kube, refuses_options_that_make_no_sense)
{
	struct hc_kube_opts o;
	struct hc_kube *k;
	struct hc_err err = { 0 };

	hc_kube_opts_init(&o);
	o.url = "https://127.0.0.1:1";
	cr_assert_eq(hc_kube_start(&o, &k, &err), -EINVAL, "nothing to watch");
	o.resources = 1u << HC_KUBE_PODS;
	cr_assert_eq(hc_kube_start(&o, &k, &err), -EINVAL, "no node");
	o.node = "n";
	o.backoff_max_ms = 1;
	cr_assert_eq(hc_kube_start(&o, &k, &err), -EINVAL, "times out of order");
	o.backoff_max_ms = 1000;
	cr_assert_eq(hc_kube_start(&o, &k, &err), 0);
	hc_kube_stop(k);
}
