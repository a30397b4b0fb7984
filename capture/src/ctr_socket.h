/*
 * Containers by id, from the sockets of their runtimes: what the files on disk lack.
 *
 * A thread of its own asks, over each socket one thing at a time; nobody waits for it. Docker and Podman are asked
 * by their REST interfaces, containerd, CRI-O and whatever else serves a kubelet by the CRI (ctr_cri.h). A socket
 * that does not answer in time, or not what it should, is left alone for a while that doubles from one second to a
 * minute; what was asked of it waits. All functions are for one thread beside that one.
 */
#ifndef HC_CAPTURE_CTR_SOCKET_H
#define HC_CAPTURE_CTR_SOCKET_H

#include "ctr_facts.h"
#include "store/base/err.h"

enum ctr_socket_kind { CTR_KIND_DOCKER, CTR_KIND_PODMAN, CTR_KIND_CRI, CTR_N_KINDS };

struct ctr_sockets;

/* paths: [KIND=]PATH, KIND as below; n 0: the sockets of root's runtimes where they usually are, as far as they
 * are there when something is to be asked. -EINVAL: a path makes no sense. */
int ctr_sockets_open(const char *const *paths, size_t n, struct ctr_sockets **ret, struct hc_err *err);
/* Starts the thread, once: it has the rights that the caller has by then. */
int ctr_sockets_start(struct ctr_sockets *s, struct hc_err *err);
struct ctr_sockets *ctr_sockets_close(struct ctr_sockets *s);
/* Whether the text is a path that ctr_sockets_open would take; if not, `err` says why. */
int ctr_socket_check(const char *path, struct hc_err *err);
/* "docker", "podman", "cri" */
const char *ctr_socket_kind_name(enum ctr_socket_kind kind);

/* Has the runtimes asked that may know it. sandbox_id: the one that it is in, as far as is known. Asked again
 * while it is being asked, more runtimes are. Too many at once: counted. */
void ctr_sockets_ask(struct ctr_sockets *s, struct hc_str id, struct hc_str runtime, struct hc_str sandbox_id);
/* It is gone: nobody wants to know any more. */
void ctr_sockets_forget(struct ctr_sockets *s, struct hc_str id);

/* What was told of one container. */
struct ctr_told {
	struct ctr_told *next;
	char id[CTR_MAX_ID_BYTES + 1];
	struct ctr_facts *facts;
};
/* The next one, the caller's to free with its facts; NULL: none is there. */
struct ctr_told *ctr_sockets_take(struct ctr_sockets *s);

/* A socket that has ceased to answer, or answers again: once for each change. */
struct ctr_socket_news {
	const char *path; /* until close */
	enum ctr_socket_kind kind;
	bool failing;
	char why[256];
};
bool ctr_sockets_news(struct ctr_sockets *s, struct ctr_socket_news *ret);

struct ctr_socket_stats {
	uint64_t n_known, n_unknown;      /* containers told of; that no runtime asked knows */
	uint64_t n_failures[CTR_N_KINDS]; /* no answer, or a wrong one */
	uint64_t n_unasked;               /* containers: too many at once */
};
struct ctr_socket_stats ctr_sockets_stats(struct ctr_sockets *s);

#endif
