/* Parts of the Kubernetes client: cutting a stream into objects, pods from JSON, the table of pods. */
#ifndef HC_CAPTURE_KUBE_PRIV_H
#define HC_CAPTURE_KUBE_PRIV_H

#include "capture/kube.h"

struct json_object;

/* ---- kube_split.c: bytes as they arrive -> whole values, with bounded memory ---- */

/* key: NULL for an item (an element of a list's "items", or a line of a watch), else the name of another member of
 * the list. p is terminated, borrowed until the return. A negative errno ends the work. */
typedef int (*kube_split_fn)(void *ctx, const char *key, const char *p, size_t n_bytes);

struct kube_split {
	kube_split_fn fn;
	void *ctx;
	size_t max_item_bytes;
	uint64_t n_too_big; /* items passed over */
	bool lines;         /* a watch: one value a line; else one list object */

	char *buf; /* the value being gathered */
	size_t n_buf, buf_bytes;
	bool too_big; /* its rest is passed over */
	/* list only */
	char key[32];
	uint32_t depth;
	uint8_t state, back; /* where to go on after the value */
	bool in_string, escape, scalar, n_key_cut, comma;
};

void kube_split_init(struct kube_split *s, bool lines, size_t max_item_bytes, kube_split_fn fn, void *ctx);
void kube_split_done(struct kube_split *s);
/* 0, -EBADMSG when it is no list, -ENOMEM, or what fn said. */
int kube_split_push(struct kube_split *s, const char *p, size_t n_bytes);
/* -EBADMSG when something has begun and not ended. */
int kube_split_end(const struct kube_split *s);

/* ---- kube_pod.c ---- */

/* Strict JSON with at most max_parts values, 64 deep. NULL: none of ours (*ret: -EBADMSG, -E2BIG). */
struct json_object *kube_parse(const char *p, size_t n_bytes, uint32_t max_parts, int *ret);
/* The member at a path ("metadata", "name", NULL); NULL when something on the way is missing. */
struct json_object *kube_at(struct json_object *o, ...) __attribute__((sentinel));
/* A string member; "" when missing or no string. Borrowed. */
const char *kube_text(struct json_object *o, const char *key);

/* A pod with one reference; NULL: out of memory, or it lacks a name, namespace or uid (*ret: -ENOMEM, -EBADMSG).
 */
struct hc_kube_pod *kube_pod_new(struct json_object *o, size_t json_bytes, uint64_t now_ns, int *ret);
size_t kube_pod_bytes(const struct hc_kube_pod *pod);
/* The same for a namespace; it lacks a name (-EBADMSG). */
struct hc_kube_ns *kube_ns_new(struct json_object *o, size_t json_bytes, uint64_t now_ns, int *ret);
size_t kube_ns_bytes(const struct hc_kube_ns *ns);

struct kube_entry {
	struct hc_kube_pod *pod;
	uint64_t seq, gone_ns;
	bool seen;  /* by the list that is running */
	bool ghost; /* an earlier version that knows containers which the newer does not */
};

struct kube_space {            /* a namespace that has pods here */
	char name[64];         /* a DNS label */
	bool due;              /* to be asked for */
	uint64_t after_ns;     /* but not before: the server refused; 0: at once */
	bool refused;          /* the last time */
	struct hc_kube_ns *ns; /* NULL: not told, or there is none */
};
#define KUBE_SPACE_PART 8 /* of the table's bytes: for all namespaces */

/* A node has some hundred pods, so that all searches go through all of them. Callers hold the client's lock. */
struct kube_table {
	struct kube_entry *e;
	uint32_t n, n_alloc;
	uint32_t max_pods;
	uint64_t bytes, max_bytes, gone_ms;
	uint64_t seq;
	uint64_t n_refused;
	bool with_spaces; /* namespaces are to be known */
	struct kube_space *spaces;
	uint32_t n_spaces, n_spaces_alloc;
	uint64_t space_bytes;
};

/* Takes the reference, also when it is refused (-ENOBUFS, counted) or out of memory. */
int kube_table_set(struct kube_table *t, struct hc_kube_pod *pod, uint64_t now_ns);
void kube_table_remove(struct kube_table *t, struct hc_str uid, uint64_t now_ns);
/* A list begins; and ends: what it did not have is gone. */
void kube_table_mark(struct kube_table *t);
void kube_table_sweep(struct kube_table *t, uint64_t now_ns);
/* Forgets what is gone long enough. */
void kube_table_expire(struct kube_table *t, uint64_t now_ns);
bool kube_table_find(const struct kube_table *t, struct hc_str id, struct hc_kube_found *ret);
bool kube_table_find_uid(const struct kube_table *t, struct hc_str uid, struct hc_kube_found *ret);
/* As hc_kube_pods_since. */
size_t kube_table_since(const struct kube_table *t, uint64_t *seq, struct hc_kube_found *ret, size_t max);
uint32_t kube_table_living(const struct kube_table *t);
void kube_table_done(struct kube_table *t);

/* ---- kube_space.c: as with the table, under the lock ---- */

/* A pod is in it: it is due, unless it is known. */
void kube_space_want(struct kube_table *t, struct hc_str name);
/* Forgets those that no pod of the table is in. */
void kube_space_forget(struct kube_table *t);
/* One that is due now; NULL: none is. */
const struct kube_space *kube_space_due(const struct kube_table *t, uint64_t now_ns);
void kube_space_all_due(struct kube_table *t);
/* The server has answered. */
void kube_space_asked(struct kube_table *t, const char *name);
/* The server has refused: the others go first. It is asked for again after `first_ms`, or `then_ms` when it was
 * refused before. */
void kube_space_put_off(struct kube_table *t, const char *name, uint64_t now_ns, uint64_t first_ms,
                        uint64_t then_ms);
bool kube_space_has(const struct kube_table *t, const char *name);
/* Takes the reference. Its pods count as changed when it has. -ENOBUFS: refused, counted. */
int kube_space_set(struct kube_table *t, struct hc_kube_ns *ns);
/* That of a pod, borrowed. NULL: not told. */
const struct hc_kube_ns *kube_space_of(const struct kube_table *t, const struct hc_kube_pod *pod);
uint32_t kube_space_known(const struct kube_table *t);
void kube_space_done(struct kube_table *t);

#endif
