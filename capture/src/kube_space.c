/* The namespaces that pods of this node are in, as far as the server has told of them. Those of a node are few,
 * whatever the cluster has: only these are asked for, and kept. */
#include "kube_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct kube_space *space_of(const struct kube_table *t, struct hc_str name)
{
	for (uint32_t i = 0; i < t->n_spaces; i++)
		if (hc_str_eq(hc_str_c(t->spaces[i].name), name))
			return &t->spaces[i];
	return NULL;
}

static void put(struct kube_table *t, struct kube_space *s, struct hc_kube_ns *ns)
{
	if (s->ns)
		t->space_bytes -= kube_ns_bytes(s->ns);
	if (ns)
		t->space_bytes += kube_ns_bytes(ns);
	hc_kube_ns_unref(s->ns);
	s->ns = ns;
}

void kube_space_want(struct kube_table *t, struct hc_str name)
{
	struct kube_space *s;

	if (!t->with_spaces || !name.len || name.len >= sizeof(s->name) || t->n_spaces >= t->max_pods ||
	    space_of(t, name))
		return;
	if (t->n_spaces == t->n_spaces_alloc) {
		uint32_t n = t->n_spaces_alloc ? t->n_spaces_alloc * 2 : 16;
		struct kube_space *more = realloc(t->spaces, n * sizeof(*more));

		if (!more)
			return; /* the next pod in it asks again */
		t->spaces = more;
		t->n_spaces_alloc = n;
	}
	s = &t->spaces[t->n_spaces++];
	*s = (struct kube_space){ .due = true };
	memcpy(s->name, name.p, name.len);
}

void kube_space_forget(struct kube_table *t)
{
	for (uint32_t i = 0; i < t->n_spaces;) {
		struct hc_str name = hc_str_c(t->spaces[i].name);
		uint32_t k = 0;

		while (k < t->n && !hc_str_eq(t->e[k].pod->ns, name))
			k++;
		if (k < t->n) {
			i++;
			continue;
		}
		put(t, &t->spaces[i], NULL);
		t->spaces[i] = t->spaces[--t->n_spaces];
	}
}

const struct kube_space *kube_space_due(const struct kube_table *t, uint64_t now_ns)
{
	for (uint32_t i = 0; i < t->n_spaces; i++)
		if (t->spaces[i].due && t->spaces[i].after_ns <= now_ns)
			return &t->spaces[i];
	return NULL;
}

void kube_space_all_due(struct kube_table *t)
{
	for (uint32_t i = 0; i < t->n_spaces; i++)
		t->spaces[i].due = true;
}

void kube_space_asked(struct kube_table *t, const char *name)
{
	struct kube_space *s = space_of(t, hc_str_c(name));

	if (!s)
		return;
	s->due = s->refused = false;
	s->after_ns = 0;
}

void kube_space_put_off(struct kube_table *t, const char *name, uint64_t now_ns, uint64_t first_ms,
                        uint64_t then_ms)
{
	struct kube_space *s = space_of(t, hc_str_c(name));

	if (!s)
		return;
	s->after_ns = now_ns + (s->refused ? then_ms : first_ms) * UINT64_C(1000000);
	s->refused = true;
}

bool kube_space_has(const struct kube_table *t, const char *name)
{
	return space_of(t, hc_str_c(name)) != NULL;
}

int kube_space_set(struct kube_table *t, struct hc_kube_ns *ns)
{
	struct kube_space *s = space_of(t, ns->meta.name);
	size_t have = s && s->ns ? kube_ns_bytes(s->ns) : 0;
	bool news = s && !(s->ns && ns->meta.resource_version.len &&
	                   hc_str_eq(s->ns->meta.resource_version, ns->meta.resource_version));

	if (news && t->space_bytes - have + kube_ns_bytes(ns) > t->max_bytes / KUBE_SPACE_PART) {
		t->n_refused++;
		hc_kube_ns_unref(ns);
		return -ENOBUFS;
	}
	if (!news) {
		hc_kube_ns_unref(ns);
		return 0;
	}
	put(t, s, ns);
	for (uint32_t i = 0; i < t->n; i++) /* whoever follows the pods is to see it */
		if (!t->e[i].gone_ns && hc_str_eq(t->e[i].pod->ns, ns->meta.name))
			t->e[i].seq = ++t->seq;
	return 0;
}

const struct hc_kube_ns *kube_space_of(const struct kube_table *t, const struct hc_kube_pod *pod)
{
	const struct kube_space *s = space_of(t, pod->ns);

	return s ? s->ns : NULL;
}

uint32_t kube_space_known(const struct kube_table *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_spaces; i++)
		n += t->spaces[i].ns != NULL;
	return n;
}

void kube_space_done(struct kube_table *t)
{
	while (t->n_spaces)
		put(t, &t->spaces[--t->n_spaces], NULL);
	free(t->spaces);
	t->spaces = NULL;
	t->n_spaces_alloc = 0;
}
