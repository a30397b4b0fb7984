/* Answers of container runtimes on their sockets, by bytes written here; and what hostile ones must not do. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctr_cri.h"
#include "ctr_socket.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

/* ---- messages, written the slow way ---- */

struct msg {
	uint8_t p[65536];
	size_t n;
};

static void put_varint(struct msg *m, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		m->p[m->n++] = (uint8_t)(v | 0x80);
	m->p[m->n++] = (uint8_t)v;
}

static void put_number(struct msg *m, unsigned field, uint64_t v)
{
	put_varint(m, (uint64_t)field << 3);
	put_varint(m, v);
}

static void put_bytes(struct msg *m, unsigned field, const void *p, size_t n)
{
	put_varint(m, (uint64_t)field << 3 | 2);
	put_varint(m, n);
	memcpy(m->p + m->n, p, n);
	m->n += n;
}

static void put_text(struct msg *m, unsigned field, const char *text)
{
	put_bytes(m, field, text, strlen(text));
}

static void put_message(struct msg *m, unsigned field, const struct msg *inner)
{
	put_bytes(m, field, inner->p, inner->n);
}

static void put_pair(struct msg *m, unsigned field, const char *key, const char *value)
{
	struct msg e = { .n = 0 };

	put_text(&e, 1, key);
	put_text(&e, 2, value);
	put_message(m, field, &e);
}

/* A body: gRPC's head and the message. */
static struct msg *body_of(const struct msg *m)
{
	static struct msg b;

	b.n = 5 + m->n;
	b.p[0] = 0;
	for (unsigned i = 0; i < 4; i++)
		b.p[1 + i] = (uint8_t)(m->n >> (24 - 8 * i));
	memcpy(b.p + 5, m->p, m->n);
	return &b;
}

static bool is(struct hc_str s, const char *want)
{
	return hc_str_eq(s, hc_str_c(want)) && (s.p != NULL) == (want != NULL);
}

/* A ContainerStatusResponse of the container. */
static void container_answer(struct msg *ret, const char *id, const char *image_ref)
{
	struct msg status = { .n = 0 }, part = { .n = 0 };

	ret->n = 0;
	put_text(&status, 1, id);
	put_text(&part, 1, "web");
	put_message(&status, 2, &part);
	put_number(&status, 4, 1714551630000000000);
	part.n = 0;
	put_text(&part, 1, "reg/web:1");
	put_message(&status, 8, &part);
	put_text(&status, 9, image_ref);
	put_pair(&status, 12, "io.kubernetes.pod.name", "web-0");
	put_pair(&status, 12, "empty", "");
	part.n = 0;
	put_text(&part, 1, "/data");
	put_text(&part, 2, "/srv");
	put_number(&part, 3, 1);
	put_number(&part, 5, 2);
	put_message(&status, 14, &part);
	put_varint(&status, 200 << 3 | 5); /* a field of later, four bytes */
	put_varint(&status, 1), put_varint(&status, 2), put_varint(&status, 3), put_varint(&status, 4);
	put_message(ret, 1, &status);
	put_pair(ret, 2, "info",
	         "{\"sandboxID\":\"" POD "\",\"privileged\":true,\"runtimeSpec\":{\"ociVersion\":\"1\"}}");
}

Test(cri, requests_are_messages_with_the_head_of_grpc)
{
	uint8_t p[CTR_CRI_MAX_ASK_BYTES];
	static char text[CTR_MAX_TEXT_BYTES + 1];
	size_t n = ctr_cri_ask_container(HC_STR("ab"), p);

	cr_assert_eq(n, 11);
	cr_assert_arr_eq(p, ((uint8_t[]){ 0, 0, 0, 0, 6, 0x0a, 2, 'a', 'b', 0x10, 1 }), 11);
	n = ctr_cri_ask_sandbox(HC_STR("ab"), p);
	cr_assert_arr_eq(p, ((uint8_t[]){ 0, 0, 0, 0, 4, 0x0a, 2, 'a', 'b' }), n);
	n = ctr_cri_ask_image(HC_STR("ab"), p);
	cr_assert_arr_eq(p, ((uint8_t[]){ 0, 0, 0, 0, 6, 0x0a, 4, 0x0a, 2, 'a', 'b' }), n);
	memset(text, 'x', sizeof(text));
	cr_assert_eq(ctr_cri_ask_image((struct hc_str){ text, sizeof(text) }, p), 0);
	n = ctr_cri_ask_image((struct hc_str){ text, sizeof(text) - 1 }, p);
	cr_assert_leq(n, sizeof(p));
	cr_assert_eq(p[4] | p[3] << 8, n - 5);
}

Test(cri, a_container_is_told_of)
{
	struct ctr_facts *f = ctr_facts_new();
	struct msg m, *b;

	container_answer(&m, ID, "reg/web@sha256:12");
	b = body_of(&m);
	cr_assert_eq(ctr_cri_parse_container(b->p, b->n, HC_STR(ID), f), 0);
	cr_assert_eq(f->files, CTR_SOCKET_CRI);
	cr_assert(is(f->name, "web") && is(f->image, "reg/web:1") && is(f->pod_name, "web-0"));
	cr_assert(is(f->image_digest, "sha256:12") && is(f->image_id, NULL), "a digest is no id");
	cr_assert(is(f->sandbox_id, POD) && f->is_sandbox == CTR_NO && f->privileged == CTR_YES);
	cr_assert_eq(f->created_ns, 1714551630000000000);
	cr_assert(f->has_labels && f->labels.n == 2 && is(f->labels.v[1], "empty="));
	cr_assert(f->has_mounts && f->mounts.n == 1 && is(f->mounts.v[0], "/srv:/data::false:rshared"));
	ctr_facts_free(f);
}

Test(cri, an_answer_cut_anywhere_or_about_another_tells_nothing)
{
	struct msg m, *b;

	container_answer(&m, ID, "sha256:34");
	for (size_t n = 0; n < m.n; n++) { /* with a head that fits, too */
		struct ctr_facts *f = ctr_facts_new();
		struct msg cut = m;
		int r;

		cut.n = n;
		b = body_of(&cut);
		r = ctr_cri_parse_container(b->p, b->n, HC_STR(ID), f);
		/* whole messages behind one that is cut off are another's matter */
		cr_assert(r == -EBADMSG ? f->files == 0 : r == 0, "at %zu: %d", n, r);
		b = body_of(&m);
		cr_assert_eq(ctr_cri_parse_container(b->p, 5 + n, HC_STR(ID), f), -EBADMSG);
		ctr_facts_free(f);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct ctr_facts *f = ctr_facts_new();

		b = body_of(&m);
		b->p[0] = i == 1; /* compressed */
		cr_assert_eq(ctr_cri_parse_container(b->p, b->n, i ? HC_STR(ID) : HC_STR(POD), f),
		             i ? -EBADMSG : -ENOENT);
		cr_assert(!f->files && !f->name.p && !f->has_labels);
		ctr_facts_free(f);
	}
}

Test(cri, the_sandbox_tells_of_the_pod)
{
	struct msg status = { .n = 0 }, part = { .n = 0 }, in = { .n = 0 }, m = { .n = 0 }, *b;

	put_text(&status, 1, POD);
	put_text(&part, 1, "web-0"), put_text(&part, 2, "1-2"), put_text(&part, 3, "shop");
	put_message(&status, 2, &part);
	part.n = 0;
	put_text(&part, 1, "10.0.0.1");
	put_message(&status, 5, &part);
	part.n = 0;
	put_number(&part, 1, 2);
	put_message(&in, 2, &part);
	part.n = 0;
	put_message(&part, 1, &in);
	put_message(&status, 6, &part);
	put_pair(&status, 7, "app", "web");
	put_message(&m, 1, &status);
	for (unsigned own = 0; own < 2; own++) {
		struct ctr_facts *f = ctr_facts_new();

		b = body_of(&m);
		cr_assert_eq(ctr_cri_parse_sandbox(b->p, b->n, HC_STR(ID), own, f), -ENOENT);
		cr_assert_eq(ctr_cri_parse_sandbox(b->p, b->n, HC_STR(POD), own, f), 0);
		cr_assert(is(f->pod_name, "web-0") && is(f->pod_uid, "1-2") && is(f->pod_namespace, "shop"));
		cr_assert(is(f->ip, "10.0.0.1") && is(f->pod_ip, "10.0.0.1") && f->host_net == CTR_YES &&
		          f->host_pid == CTR_NO);
		cr_assert(f->has_pod_labels && f->pod_labels.n == 1 && is(f->pod_labels.v[0], "app=web"));
		cr_assert(f->has_pod_annotations && f->pod_annotations.n == 0);
		cr_assert_eq(f->has_labels, own == 1);
		cr_assert_eq(f->is_sandbox, own ? CTR_YES : CTR_UNKNOWN);
		ctr_facts_free(f);
	}
}

Test(cri, a_sandbox_without_an_address_has_none_of_its_own)
{
	struct msg status = { .n = 0 }, m = { .n = 0 }, *b;
	struct ctr_facts *f = ctr_facts_new();

	put_text(&status, 1, POD);
	put_message(&m, 1, &status);
	b = body_of(&m);
	cr_assert_eq(ctr_cri_parse_sandbox(b->p, b->n, HC_STR(POD), false, f), 0);
	cr_assert(f->pod_ip.p && !f->pod_ip.len && !f->ip.p);
	ctr_facts_free(f);
}

Test(cri, of_an_images_digests_that_of_the_repository_counts)
{
	struct msg image = { .n = 0 }, m = { .n = 0 }, *b;
	struct ctr_facts *f = ctr_facts_new();

	put_text(&image, 1, "sha256:34");
	put_text(&image, 3, "other/web@sha256:0"), put_text(&image, 3, "reg/web@sha256:1");
	put_message(&m, 1, &image);
	b = body_of(&m);
	f->image_id = HC_STR("35");
	cr_assert_eq(ctr_cri_parse_image(b->p, b->n, f), -ENOENT);
	f->image_id = HC_STR("34");
	f->image_repo = HC_STR("reg/web");
	cr_assert_eq(ctr_cri_parse_image(b->p, b->n, f), 0);
	cr_assert(is(f->image_digest, "sha256:1"));
	f->image_digest = f->image_repo = (struct hc_str){ NULL, 0 };
	cr_assert_eq(ctr_cri_parse_image(b->p, b->n, f), 0);
	cr_assert(is(f->image_digest, "sha256:0") && is(f->image_repo, "other/web"));
	ctr_facts_free(f);
}

Test(cri, many_and_long_labels_are_cut)
{
	struct msg status = { .n = 0 }, m = { .n = 0 }, *b;
	struct ctr_facts *f = ctr_facts_new();
	static char longer[CTR_MAX_TEXT_BYTES + 1];

	memset(longer, 'x', sizeof(longer) - 1);
	put_text(&status, 1, ID);
	put_pair(&status, 12, "long", longer);
	for (unsigned i = 0; i < CTR_MAX_ITEMS + 44; i++)
		put_pair(&status, 12, "k", "v");
	put_message(&m, 1, &status);
	b = body_of(&m);
	cr_assert_eq(ctr_cri_parse_container(b->p, b->n, HC_STR(ID), f), 0);
	cr_assert_eq(f->labels.n, CTR_MAX_ITEMS);
	cr_assert_eq(f->n_cut, 45 + 1, "%u", f->n_cut);
	ctr_facts_free(f);
}

/* ---- facts of two sources ---- */

Test(cri, what_one_source_lacks_the_other_fills)
{
	static const char oci[] =
		"{\"ociVersion\":\"1\",\"annotations\":{\"a\":\"b\"},\"process\":{},\"linux\":{}}";
	static const char docker[] = "{\"Id\":\"" ID "\",\"Name\":\"/n\",\"Config\":{\"Labels\":{\"c\":\"d\"}},"
				     "\"HostConfig\":{\"Privileged\":false,\"NetworkMode\":\"host\"}}";
	struct ctr_facts *first = ctr_facts_new(), *second = ctr_facts_new(), *f;

	cr_assert_eq(ctr_parse_oci(hc_str_c(oci), first), 0);
	cr_assert_eq(ctr_parse_docker_api(hc_str_c(docker), HC_STR(POD), second), -ENOENT);
	cr_assert_eq(ctr_parse_docker_api(hc_str_c(docker), HC_STR(ID), second), 0);
	f = ctr_facts_joined(first, second);
	cr_assert_eq(f->files, CTR_FILE_OCI | CTR_SOCKET_DOCKER);
	ctr_facts_free(first);
	ctr_facts_free(second);
	cr_assert(is(f->name, "n") && f->labels.n == 1 && is(f->labels.v[0], "c=d"));
	cr_assert(f->annotations.n == 1 && is(f->annotations.v[0], "a=b"));
	cr_assert(is(f->seccomp, "") && is(f->image, NULL), "told to be none is told");
	cr_assert(f->privileged == CTR_YES && f->host_net == CTR_YES, "the first one counts");
	cr_assert(f->has_caps && f->caps == 0 && f->has_paths);
	ctr_facts_free(f);
}

/* ---- sockets ---- */

Test(cri, paths_of_sockets_tell_their_kind_or_are_refused)
{
	static const char *const good[] = { "/run/docker.sock",
		                            "/run/podman/podman.sock",
		                            "/run/crio/crio.sock",
		                            "/run/cri-dockerd.sock",
		                            "/run/containerd/containerd.sock",
		                            "cri=/run/x.sock",
		                            "docker=/x" };
	static const char *const bad[] = {
		"", "docker.sock", "/run/x.sock", "cri=x", "oci=/run/docker.sock", "cri=", "/run/docker/x.sock"
	};
	char path[256] = "cri=/";
	struct hc_err err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_assert_eq(ctr_socket_check(good[i], &(struct hc_err){ 0 }), 0, "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct hc_err){ 0 };
		cr_assert_eq(ctr_socket_check(bad[i], &err), -EINVAL, "%s", bad[i]);
		cr_assert(strstr(err.msg, "docker"), "%s", err.msg);
	}
	memset(path + 5, 'x', 106);
	cr_assert_eq(ctr_socket_check(path, &err), 0);
	memset(path + 5, 'x', 107);
	cr_assert_eq(ctr_socket_check(path, &err), -EINVAL, "longer than an address holds");
}

Test(cri, a_thread_that_has_nobody_to_ask_ends)
{
	static const char *const paths[] = { "docker=/nowhere/docker.sock", "cri=/nowhere/cri.sock" };
	struct ctr_socket_news news;
	struct ctr_sockets *s = NULL;
	struct hc_err err = { 0 };
	bool told = false;

	cr_assert_eq(ctr_sockets_open(paths, 2, &s, &err), 0, "%s", err.msg);
	for (unsigned i = 0; i < 2000; i++) { /* more than are kept */
		char id[65];

		snprintf(id, sizeof(id), "%064x", i);
		ctr_sockets_ask(s, hc_str_c(id), HC_STR("oci"), HC_STR(""));
		ctr_sockets_ask(s, hc_str_c(id), HC_STR("podman"), HC_STR(""));
		ctr_sockets_ask(s, hc_str_c(id + 1), HC_STR("docker"), HC_STR(""));
	}
	cr_assert_eq(ctr_sockets_stats(s).n_unasked, 2000 - 1024);
	cr_assert_eq(ctr_sockets_start(s, &err), 0);
	for (unsigned i = 0; i < 1000 && !told; i++) {
		told = ctr_sockets_news(s, &news);
		usleep(10000);
	}
	cr_assert(told && news.failing && news.why[0] && strstr(news.path, "/nowhere/"));
	cr_assert_null(ctr_sockets_take(s));
	for (unsigned i = 0; i < 2000; i++) {
		char id[65];

		snprintf(id, sizeof(id), "%064x", i);
		ctr_sockets_forget(s, hc_str_c(id));
	}
	ctr_sockets_close(s);
}
