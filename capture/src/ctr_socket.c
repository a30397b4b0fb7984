/*
 * One thread, one libcurl multi handle, one exchange per socket. A container is asked for in steps (it, the pod's
 * sandbox, its image); what it told when a later step fails is handed out all the same. libcurl is loaded when the
 * first socket is there.
 */
#include "ctr_socket.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctr_cri.h"
#include "curl_set.h"
#include "late.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"

#define MAX_SOCKETS 16u
#define MAX_ASKS 1024u
#define MAX_ROUNDS 4u /* that no runtime knows it: it may be told of a moment after it began */
#define ID_BYTES 64u  /* hexadecimal digits, as all of these runtimes have them */
#define CONNECT_MS 1000L
#define TOTAL_MS 3000L
#define MAX_HEADER_BYTES (64u << 10)
#define MS UINT64_C(1000000)
#define MIN_BACKOFF_MS 1000u
#define MAX_BACKOFF_MS 60000u

static const char *const kind_names[CTR_N_KINDS] = { "docker", "podman", "cri" };

static const struct {
	enum ctr_socket_kind kind;
	const char *path;
} usual[] = {
	{ CTR_KIND_DOCKER, "/run/docker.sock" },
	{ CTR_KIND_PODMAN, "/run/podman/podman.sock" },
	{ CTR_KIND_CRI, "/run/containerd/containerd.sock" },
	{ CTR_KIND_CRI, "/run/crio/crio.sock" },
	{ CTR_KIND_CRI, "/run/k3s/containerd/containerd.sock" },
	{ CTR_KIND_CRI, "/run/k0s/containerd.sock" },
	{ CTR_KIND_CRI, "/var/snap/microk8s/common/run/containerd.sock" },
};

enum step { STEP_CONTAINER, STEP_SANDBOX, STEP_POD, STEP_IMAGE };

/* A container that is asked for. */
struct ask {
	struct ask *next;
	char id[ID_BYTES + 1], sandbox[ID_BYTES + 1]; /* sandbox: "" when it is not known */
	bool gone;                                    /* nobody wants to know any more */
	uint32_t kinds;                               /* bits: runtimes that may know it */
	/* the thread's */
	bool running, answered; /* answered: somebody did in this round, and does not know it */
	uint32_t tried;         /* bits: sockets that were asked in this round */
	unsigned n_rounds, n_failures;
	uint64_t due_ns;
};

struct sock {
	struct ctr_sockets *all;
	enum ctr_socket_kind kind;
	char *path;
	bool usual; /* may be missing */
	/* the exchange */
	CURL *easy; /* NULL: idle */
	struct curl_slist *headers;
	struct ask *ask;
	enum step step;
	struct ctr_facts *facts;
	uint8_t request[CTR_CRI_MAX_ASK_BYTES];
	char *body;
	size_t n_body, n_alloc, n_header_bytes;
	int grpc_status;                              /* -1: none came */
	char error[CURL_ERROR_SIZE + 256], said[200]; /* the first: libcurl's, or ours */
	/* what became of it */
	uint64_t retry_ns;
	unsigned backoff_ms; /* 0: it answers */
	/* both's */
	bool failing, news;
	char why[256];
};

struct ctr_sockets {
	struct sock sock[MAX_SOCKETS];
	unsigned n_socks;
	CURLM *multi; /* NULL: libcurl is not there yet */
	pthread_t thread;
	bool running;
	int wake_fd;
	atomic_bool stop;
	/* both's */
	pthread_mutex_t lock;
	struct ask *asks;
	unsigned n_asks;
	struct ctr_told *told, **told_end;
	struct ctr_socket_stats stats;
};

/* ---- sockets by name ---- */

const char *ctr_socket_kind_name(enum ctr_socket_kind kind)
{
	return kind_names[kind];
}

/* The kind that the name of a socket's file tells of; CTR_N_KINDS: none. */
static enum ctr_socket_kind kind_of(const char *path)
{
	static const struct {
		const char *word;
		enum ctr_socket_kind kind;
	} words[] = {
		{ "cri-dockerd", CTR_KIND_CRI }, { "containerd", CTR_KIND_CRI }, { "crio", CTR_KIND_CRI },
		{ "podman", CTR_KIND_PODMAN },   { "docker", CTR_KIND_DOCKER },
	};
	const char *name = strrchr(path, '/');

	for (size_t i = 0; name && i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(name, words[i].word))
			return words[i].kind;
	return CTR_N_KINDS;
}

static int path_parse(const char *text, enum ctr_socket_kind *ret_kind, const char **ret_path, struct hc_err *err)
{
	const char *path = text;
	enum ctr_socket_kind kind = CTR_N_KINDS;

	for (unsigned k = 0; k < CTR_N_KINDS && text[0] != '/'; k++) {
		size_t n = strlen(kind_names[k]);

		if (strncmp(text, kind_names[k], n) == 0 && text[n] == '=') {
			kind = k;
			path = text + n + 1;
		}
	}
	if (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return hc_err_set(
			err, -EINVAL,
			"'%s' is no [KIND=]PATH with an absolute path of at most 107 bytes and a KIND of "
			"docker, podman or cri",
			text);
	if (kind == CTR_N_KINDS)
		kind = kind_of(path);
	if (kind == CTR_N_KINDS)
		return hc_err_set(
			err, -EINVAL,
			"'%s' does not tell what it is the socket of: say docker=%s, podman=%s or cri=%s", text,
			path, path, path);
	*ret_kind = kind;
	*ret_path = path;
	return 0;
}

int ctr_socket_check(const char *path, struct hc_err *err)
{
	enum ctr_socket_kind kind;
	const char *p;

	return path_parse(path, &kind, &p, err);
}

static bool is_there(const struct sock *s)
{
	struct stat st;

	return !s->usual || (stat(s->path, &st) == 0 && S_ISSOCK(st.st_mode));
}

/* ---- one exchange ---- */

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	static const char status[] = "grpc-status:", message[] = "grpc-message:";
	struct sock *s = ctx;
	size_t bytes = size * n;
	char line[160];

	s->n_header_bytes += bytes;
	if (s->n_header_bytes > MAX_HEADER_BYTES)
		return 0;
	snprintf(line, sizeof(line), "%.*s", (int)(bytes < sizeof(line) ? bytes : sizeof(line) - 1), p);
	if (strncasecmp(line, status, sizeof(status) - 1) == 0)
		s->grpc_status = (int)strtol(line + sizeof(status) - 1, NULL, 10);
	else if (strncasecmp(line, message, sizeof(message) - 1) == 0)
		snprintf(s->said, sizeof(s->said), "%.*s", (int)strcspn(line + sizeof(message) - 1, "\r\n"),
		         line + sizeof(message) - 1);
	return bytes;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct sock *s = ctx;
	size_t bytes = size * n, need = s->n_body + bytes;
	char *more;

	if (need > CTR_MAX_SHARED_BYTES) {
		snprintf(s->said, sizeof(s->said), " an answer of more than %u MiB", CTR_MAX_SHARED_BYTES >> 20);
		return 0;
	}
	if (need > s->n_alloc) {
		size_t room = s->n_alloc ? s->n_alloc : 16384;

		while (room < need)
			room *= 2;
		more = realloc(s->body, room);
		if (!more)
			return 0;
		s->body = more;
		s->n_alloc = room;
	}
	memcpy(s->body + s->n_body, p, bytes);
	s->n_body = need;
	return bytes;
}

static void exchange_done(struct sock *s)
{
	if (s->easy) {
		curl_multi_remove_handle(s->all->multi, s->easy);
		curl_easy_cleanup(s->easy);
	}
	if (s->headers)
		curl_slist_free_all(s->headers);
	s->easy = NULL;
	s->headers = NULL;
	free(s->body);
	s->body = NULL;
	s->n_body = s->n_alloc = 0;
}

static bool add_headers(struct sock *s)
{
	bool ok = curl_add_header(&s->headers, "User-Agent: hindcast") && curl_add_header(&s->headers, "Expect:");

	if (s->kind == CTR_KIND_CRI)
		ok = ok && curl_add_header(&s->headers, "Content-Type: application/grpc") &&
		     curl_add_header(&s->headers, "TE: trailers") &&
		     curl_add_header(&s->headers, "grpc-timeout: 3S");
	return ok;
}

/* What the step asks for; 0: it cannot be asked. */
static size_t url_of(struct sock *s, char *url, size_t room, size_t *ret_request_bytes)
{
	static const char *const calls[] = { [STEP_CONTAINER] = "RuntimeService/ContainerStatus",
		                             [STEP_SANDBOX] = "RuntimeService/PodSandboxStatus",
		                             [STEP_POD] = "RuntimeService/PodSandboxStatus",
		                             [STEP_IMAGE] = "ImageService/ImageStatus" };
	char image[sizeof("sha256:") + 2 * ID_BYTES];
	int n;

	snprintf(image, sizeof(image), "sha256:" HC_STR_FMT, HC_STR_ARG(s->facts->image_id));
	*ret_request_bytes = 0;
	switch (s->kind) {
	case CTR_KIND_DOCKER:
		n = s->step == STEP_IMAGE ? snprintf(url, room, "http://localhost/images/%s/json", image)
		                          : snprintf(url, room, "http://localhost/containers/%s/json", s->ask->id);
		break;
	case CTR_KIND_PODMAN:
		n = snprintf(url, room, "http://localhost/v4.0.0/libpod/containers/%s/json", s->ask->id);
		break;
	default:
		*ret_request_bytes =
			s->step == STEP_CONTAINER ? ctr_cri_ask_container(hc_str_c(s->ask->id), s->request)
			: s->step == STEP_SANDBOX ? ctr_cri_ask_sandbox(hc_str_c(s->ask->id), s->request)
			: s->step == STEP_POD     ? ctr_cri_ask_sandbox(s->facts->sandbox_id, s->request)
						  : ctr_cri_ask_image(hc_str_c(image), s->request);
		n = *ret_request_bytes ? snprintf(url, room, "http://localhost/runtime.v1.%s", calls[s->step]) : 0;
	}
	return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

static bool set_options(struct sock *s, const char *url, size_t request_bytes)
{
	bool is_grpc = s->kind == CTR_KIND_CRI;
	struct curl_exchange e = { .easy = s->easy,
		                   .url = url,
		                   .protocol = "http",
		                   .http_version =
		                           is_grpc ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1,
		                   .connect_ms = CONNECT_MS,
		                   .headers = s->headers,
		                   .ctx = s,
		                   .on_header = on_header,
		                   .on_body = on_body,
		                   .body = request_bytes ? s->request : NULL,
		                   .body_bytes = request_bytes,
		                   .why = s->error,
		                   .why_bytes = sizeof(s->error) };

	curl_set_exchange(&e);
	CURL_SET(&e, CURLOPT_UNIX_SOCKET_PATH, s->path);
	CURL_SET(&e, CURLOPT_FORBID_REUSE, 1L); /* a connection that nobody uses would have to be watched */
	CURL_SET(&e, CURLOPT_TIMEOUT_MS, TOTAL_MS);
	return e.code == 0;
}

static bool exchange_start(struct sock *s)
{
	char url[256];
	size_t request_bytes;

	exchange_done(s);
	s->error[0] = s->said[0] = '\0';
	s->grpc_status = -1;
	s->n_header_bytes = 0;
	if (!url_of(s, url, sizeof(url), &request_bytes))
		return false;
	s->easy = curl_easy_init();
	if (s->easy && add_headers(s) && set_options(s, url, request_bytes) &&
	    curl_multi_add_handle(s->all->multi, s->easy) == CURLM_OK)
		return true;
	if (s->easy)
		curl_easy_cleanup(s->easy);
	s->easy = NULL;
	return false;
}

/* ---- what comes of it ---- */

enum outcome {
	TOLD,
	UNKNOWN, /* it does not know what was asked for */
	WRONG,   /* an answer that is none, about this container */
	FAILED,  /* the socket's failure: others would fare no better */
};

static enum outcome wrong(struct sock *s, enum outcome how, const char *why)
{
	if (!s->error[0])
		snprintf(s->error, sizeof(s->error), "%s%s%s", why, s->said[0] ? ":" : "", s->said);
	return how;
}

static enum outcome grpc_outcome(struct sock *s, long status)
{
	char why[96];

	if (status != 200 || s->grpc_status < 0) {
		snprintf(why, sizeof(why), "HTTP status %ld and no gRPC status: no CRI socket", status);
		return wrong(s, FAILED, why);
	}
	switch (s->grpc_status) {
	case 0:
		return TOLD;
	case 5: /* NOT_FOUND */
		return UNKNOWN;
	case 12: /* UNIMPLEMENTED */
		return wrong(
			s, FAILED,
			"the runtime does not serve runtime.v1 of the CRI: its CRI plugin is off, or it is older "
			"than containerd 1.6 or CRI-O 1.20");
	case 4:  /* DEADLINE_EXCEEDED */
	case 7:  /* PERMISSION_DENIED */
	case 14: /* UNAVAILABLE */
	case 16: /* UNAUTHENTICATED */
		snprintf(why, sizeof(why), "gRPC status %d", s->grpc_status);
		return wrong(s, FAILED, why);
	default:
		snprintf(why, sizeof(why), "gRPC status %d", s->grpc_status);
		return wrong(s, WRONG, why);
	}
}

static enum outcome parse(struct sock *s)
{
	struct hc_str id = hc_str_c(s->ask->id), text = { s->body ? s->body : "", (uint32_t)s->n_body };
	int code;

	switch (s->step) {
	case STEP_CONTAINER:
		code = s->kind == CTR_KIND_DOCKER   ? ctr_parse_docker_api(text, id, s->facts)
		       : s->kind == CTR_KIND_PODMAN ? ctr_parse_podman_api(text, id, s->facts)
		                                    : ctr_cri_parse_container(text.p, text.len, id, s->facts);
		break;
	case STEP_SANDBOX:
		code = ctr_cri_parse_sandbox(text.p, text.len, id, true, s->facts);
		break;
	case STEP_POD:
		code = ctr_cri_parse_sandbox(text.p, text.len, s->facts->sandbox_id, false, s->facts);
		break;
	default:
		code = s->kind == CTR_KIND_DOCKER ? ctr_parse_docker_image(text, s->facts)
		                                  : ctr_cri_parse_image(text.p, text.len, s->facts);
		if (code == -ENOENT)
			return UNKNOWN; /* the image was removed below the container */
	}
	if (code == 0)
		return TOLD;
	return wrong(s, WRONG,
	             code == -ENOENT ? "an answer about another container than was asked for"
	                             : "an answer that is not what it should be");
}

static enum outcome outcome_of(struct sock *s, CURLcode result)
{
	long status = 0;
	enum outcome how;
	char why[64];

	if (result != CURLE_OK) {
		if (s->said[0]) {
			s->error[0] = '\0';
			return wrong(s, WRONG, "refused");
		}
		return wrong(s, FAILED,
		             result == CURLE_OPERATION_TIMEDOUT ? "no answer in time"
		                                                : curl_easy_strerror(result));
	}
	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	if (s->kind == CTR_KIND_CRI) {
		how = grpc_outcome(s, status);
		return how == TOLD ? parse(s) : how;
	}
	if (status == 200)
		return parse(s);
	if (status == 404)
		return UNKNOWN;
	snprintf(why, sizeof(why), "HTTP status %ld", status);
	return wrong(s, status == 500 ? WRONG : FAILED, why);
}

/* The step after one that told; false: that was the last. */
static bool next_step(struct sock *s)
{
	const struct ctr_facts *f = s->facts;

	switch (s->step) {
	case STEP_CONTAINER:
		if (s->kind == CTR_KIND_CRI && f->sandbox_id.len == ID_BYTES) {
			s->step = STEP_POD;
			return true;
		}
		__attribute__((fallthrough));
	case STEP_POD:
		s->step = STEP_IMAGE;
		return s->kind != CTR_KIND_PODMAN && !f->image_digest.len && f->image_id.len == ID_BYTES;
	default:
		return false;
	}
}

/* ---- asks ---- */

static uint64_t pause_of(unsigned n_rounds)
{
	static const unsigned ms[] = { 200, 1000, 5000 };

	return ms[n_rounds - 1 < 3 ? n_rounds - 1 : 2] * MS;
}

/* With the lock. */
static void ask_remove(struct ctr_sockets *all, struct ask *a)
{
	struct ask **at = &all->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	all->n_asks--;
	free(a);
}

/* With the lock: who could be asked in this round has been. */
static bool round_over(const struct ctr_sockets *all, const struct ask *a)
{
	for (unsigned i = 0; i < all->n_socks; i++)
		if (a->kinds >> all->sock[i].kind & 1 && !(a->tried >> i & 1))
			return false;
	return true;
}

/* With the lock: nobody knows it, in this round or at all. */
static void round_end(struct ctr_sockets *all, struct ask *a)
{
	a->n_rounds++;
	if (a->n_rounds == MAX_ROUNDS) {
		all->stats.n_unknown += a->answered;
		ask_remove(all, a);
		return;
	}
	a->tried = 0;
	a->due_ns = hc_clock_ns(CLOCK_MONOTONIC) + pause_of(a->n_rounds);
}

static void told_put(struct ctr_sockets *all, struct ask *a, struct ctr_facts *f)
{
	struct ctr_told *t = calloc(1, sizeof(*t));

	if (!t) {
		ctr_facts_free(f);
		return;
	}
	ctr_image_parts(f);
	snprintf(t->id, sizeof(t->id), "%s", a->id);
	t->facts = f;
	*all->told_end = t;
	all->told_end = &t->next;
	all->stats.n_known++;
}

/* With the lock. Counts, and is told of once. */
static void sock_failed(struct sock *s, bool leave_alone)
{
	s->all->stats.n_failures[s->kind]++;
	if (leave_alone) {
		s->backoff_ms = s->backoff_ms ? s->backoff_ms * 2 : MIN_BACKOFF_MS;
		if (s->backoff_ms > MAX_BACKOFF_MS)
			s->backoff_ms = MAX_BACKOFF_MS;
		s->retry_ns = hc_clock_ns(CLOCK_MONOTONIC) + s->backoff_ms * MS;
	}
	if (!s->failing) {
		s->failing = s->news = true;
		snprintf(s->why, sizeof(s->why), "%.255s", s->error[0] ? s->error : "out of memory");
		for (char *p = s->why; *p; p++)
			if (!isprint((unsigned char)*p))
				*p = ' ';
	}
}

/* With the lock. */
static void sock_answers(struct sock *s)
{
	s->backoff_ms = 0;
	if (s->failing) {
		s->failing = false;
		s->news = true;
	}
}

/* The exchange of the last step is over. */
static void ask_end(struct sock *s, enum outcome how)
{
	struct ctr_sockets *all = s->all;
	struct ctr_facts *f = s->facts;
	struct ask *a = s->ask;

	exchange_done(s);
	s->ask = NULL;
	s->facts = NULL;
	pthread_mutex_lock(&all->lock);
	a->running = false;
	if (how == FAILED || how == WRONG)
		sock_failed(s, how == FAILED);
	else
		sock_answers(s);
	a->answered |= how == UNKNOWN;
	if (f->files && !a->gone) {
		told_put(all, a, hc_steal(f));
		ask_remove(all, a);
	} else if (how != FAILED) {
		a->tried |= 1u << (s - all->sock);
		if (round_over(all, a))
			round_end(all, a);
	} else {
		a->n_failures++; /* it may be the reason: others first */
	}
	pthread_mutex_unlock(&all->lock);
	ctr_facts_free(f);
}

static void step_end(struct sock *s, CURLcode result)
{
	enum outcome how = outcome_of(s, result);
	bool more = how == TOLD && next_step(s);

	if (how == UNKNOWN && s->kind == CTR_KIND_CRI && s->step == STEP_CONTAINER) {
		s->step = STEP_SANDBOX;
		more = true;
	} else if (how == UNKNOWN && s->step == STEP_POD) { /* it is being removed: what it told counts */
		more = next_step(s);
	}
	if (more && exchange_start(s))
		return;
	ask_end(s, more ? FAILED : how);
}

static bool is_before(const struct ask *a, const struct ask *b)
{
	return a->n_failures != b->n_failures ? a->n_failures < b->n_failures : a->due_ns < b->due_ns;
}

/* With the lock: the ask that this socket is for next. */
static struct ask *ask_next(struct sock *s, uint64_t now)
{
	unsigned bit = 1u << (s - s->all->sock);
	struct ask *best = NULL;

	for (struct ask *a = s->all->asks; a; a = a->next)
		if (!a->running && !a->gone && a->due_ns <= now && a->kinds >> s->kind & 1 && !(a->tried & bit) &&
		    (!best || is_before(a, best)))
			best = a;
	return best;
}

static bool curl_ready(struct sock *s)
{
	struct hc_err err = { 0 };

	if (s->all->multi)
		return true;
	if (late_curl(&err) < 0)
		snprintf(s->error, sizeof(s->error), "%.*s", (int)sizeof(s->error) - 1, err.msg);
	else
		s->all->multi = curl_multi_init();
	return s->all->multi != NULL;
}

static void sock_start(struct sock *s, uint64_t now)
{
	struct ctr_sockets *all = s->all;
	char sandbox[ID_BYTES + 1] = "";
	bool there = is_there(s);
	struct ask *a;

	pthread_mutex_lock(&all->lock);
	while ((a = ask_next(s, now)) != NULL && !there) {
		a->tried |= 1u << (s - all->sock);
		if (round_over(all, a))
			round_end(all, a);
	}
	if (a) {
		a->running = true;
		memcpy(sandbox, a->sandbox, sizeof(sandbox));
	}
	pthread_mutex_unlock(&all->lock);
	if (!a)
		return;
	s->ask = a;
	s->step = STEP_CONTAINER;
	s->error[0] = '\0';
	s->facts = ctr_facts_new();
	if (s->facts && sandbox[0])
		s->facts->sandbox_id = hc_arena_str(&s->facts->arena, hc_str_c(sandbox));
	if (s->facts && curl_ready(s) && exchange_start(s))
		return;
	if (s->facts) {
		ask_end(s, FAILED);
		return;
	}
	pthread_mutex_lock(&all->lock);
	a->running = false;
	sock_failed(s, true);
	pthread_mutex_unlock(&all->lock);
	s->ask = NULL;
}

/* Starts what may start, and tells when the next is due. */
static uint64_t start_all(struct ctr_sockets *all)
{
	uint64_t now = hc_clock_ns(CLOCK_MONOTONIC), due = now + 3600 * UINT64_C(1000000000);

	for (unsigned i = 0; i < all->n_socks; i++)
		if (!all->sock[i].ask && all->sock[i].retry_ns <= now)
			sock_start(&all->sock[i], now);
	pthread_mutex_lock(&all->lock);
	for (struct ask *a = all->asks, *next; a; a = next) {
		next = a->next;
		if (a->gone && !a->running)
			ask_remove(all, a);
	}
	for (unsigned i = 0; i < all->n_socks; i++) {
		const struct sock *s = &all->sock[i];

		for (const struct ask *a = all->asks; a && !s->ask; a = a->next) {
			uint64_t at = a->due_ns > s->retry_ns ? a->due_ns : s->retry_ns;

			if (!a->running && a->kinds >> s->kind & 1 && !(a->tried >> i & 1) && at < due)
				due = at;
		}
	}
	pthread_mutex_unlock(&all->lock);
	return due;
}

static void finish_all(struct ctr_sockets *all)
{
	int running, left;
	CURLMsg *msg;

	curl_multi_perform(all->multi, &running);
	while ((msg = curl_multi_info_read(all->multi, &left)) != NULL) {
		struct sock *s = NULL;

		if (msg->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &s) == CURLE_OK && s)
			step_end(s, msg->data.result);
	}
}

static void wait_all(struct ctr_sockets *all, uint64_t due_ns)
{
	uint64_t now = hc_clock_ns(CLOCK_MONOTONIC), ms = due_ns > now ? (due_ns - now) / MS + 1 : 0;
	struct curl_waitfd extra = { .fd = all->wake_fd, .events = CURL_WAIT_POLLIN };
	struct pollfd fd = { .fd = all->wake_fd, .events = POLLIN };
	eventfd_t n;

	if (ms > 60000)
		ms = 60000;
	if (all->multi)
		curl_multi_poll(all->multi, &extra, 1, (int)ms, NULL);
	else
		poll(&fd, 1, (int)ms);
	eventfd_read(all->wake_fd, &n); /* does not wait */
}

static void *ask_thread(void *ctx)
{
	struct ctr_sockets *all = ctx;

	while (!all->stop) {
		wait_all(all, start_all(all));
		if (all->multi)
			finish_all(all);
	}
	for (unsigned i = 0; i < all->n_socks; i++) {
		exchange_done(&all->sock[i]);
		ctr_facts_free(all->sock[i].facts);
	}
	if (all->multi)
		curl_multi_cleanup(all->multi);
	return NULL;
}

/* ---- the other thread's ---- */

static uint32_t kinds_of(struct hc_str runtime)
{
	static const struct {
		const char *name;
		uint32_t kinds;
	} of[] = {
		{ "docker", 1u << CTR_KIND_DOCKER },
		{ "podman", 1u << CTR_KIND_PODMAN },
		{ "containerd", 1u << CTR_KIND_CRI },
		{ "cri-o", 1u << CTR_KIND_CRI },
		{ "cri", 1u << CTR_KIND_CRI },
		{ "lxc", 0 },
		{ "nspawn", 0 },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		if (hc_str_eq(runtime, hc_str_c(of[i].name)))
			return of[i].kinds;
	/* not Podman: its containers say that they are, and to ask may start it */
	return 1u << CTR_KIND_DOCKER | 1u << CTR_KIND_CRI;
}

static bool is_id(struct hc_str s)
{
	bool ok = s.len == ID_BYTES;

	for (uint32_t i = 0; i < s.len && ok; i++)
		ok = isxdigit((unsigned char)s.p[i]);
	return ok;
}

static void wake(struct ctr_sockets *s)
{
	eventfd_write(s->wake_fd, 1);
}

void ctr_sockets_ask(struct ctr_sockets *s, struct hc_str id, struct hc_str runtime, struct hc_str sandbox_id)
{
	uint32_t kinds = kinds_of(runtime), have = 0;
	struct ask *a;

	for (unsigned i = 0; i < s->n_socks; i++)
		have |= 1u << s->sock[i].kind;
	if (!is_id(id) || !(kinds & have))
		return;
	pthread_mutex_lock(&s->lock);
	for (a = s->asks; a && !hc_str_eq(hc_str_c(a->id), id);)
		a = a->next;
	if (!a && s->n_asks < MAX_ASKS && (a = calloc(1, sizeof(*a))) != NULL) {
		memcpy(a->id, id.p, ID_BYTES);
		a->next = s->asks;
		s->asks = a;
		s->n_asks++;
	}
	if (a) {
		a->gone = false;
		a->kinds |= kinds;
		if (is_id(sandbox_id))
			memcpy(a->sandbox, sandbox_id.p, ID_BYTES);
	} else {
		s->stats.n_unasked++;
	}
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

void ctr_sockets_forget(struct ctr_sockets *s, struct hc_str id)
{
	pthread_mutex_lock(&s->lock);
	for (struct ask *a = s->asks; a; a = a->next)
		a->gone |= hc_str_eq(hc_str_c(a->id), id);
	pthread_mutex_unlock(&s->lock);
}

struct ctr_told *ctr_sockets_take(struct ctr_sockets *s)
{
	struct ctr_told *t;

	pthread_mutex_lock(&s->lock);
	t = s->told;
	if (t)
		s->told = t->next;
	if (!s->told)
		s->told_end = &s->told;
	pthread_mutex_unlock(&s->lock);
	return t;
}

bool ctr_sockets_news(struct ctr_sockets *s, struct ctr_socket_news *ret)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_socks && !found; i++) {
		struct sock *k = &s->sock[i];

		if (!k->news)
			continue;
		found = true;
		k->news = false;
		*ret = (struct ctr_socket_news){ .path = k->path, .kind = k->kind, .failing = k->failing };
		memcpy(ret->why, k->why, sizeof(ret->why));
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

struct ctr_socket_stats ctr_sockets_stats(struct ctr_sockets *s)
{
	struct ctr_socket_stats stats;

	pthread_mutex_lock(&s->lock);
	stats = s->stats;
	pthread_mutex_unlock(&s->lock);
	return stats;
}

static int sock_add(struct ctr_sockets *s, enum ctr_socket_kind kind, const char *path, bool is_usual)
{
	struct sock *k = &s->sock[s->n_socks];

	if (s->n_socks == MAX_SOCKETS)
		return -E2BIG;
	*k = (struct sock){ .all = s, .kind = kind, .path = strdup(path), .usual = is_usual };
	if (!k->path)
		return -ENOMEM;
	s->n_socks++;
	return 0;
}

int ctr_sockets_open(const char *const *paths, size_t n, struct ctr_sockets **ret, struct hc_err *err)
{
	struct ctr_sockets *s = calloc(1, sizeof(*s));
	int code = 0;

	if (!s)
		return hc_err_set(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	s->told_end = &s->told;
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0)
		code = hc_err_set(err, -errno, "cannot make an eventfd: %s", strerror(errno));
	for (size_t i = 0; i < n && code >= 0; i++) {
		enum ctr_socket_kind kind;
		const char *path;

		code = path_parse(paths[i], &kind, &path, err);
		if (code >= 0 && (code = sock_add(s, kind, path, false)) < 0)
			hc_err_set(err, code, "more than %u sockets of runtimes, or no memory for them",
			           MAX_SOCKETS);
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]) && !n && code >= 0; i++)
		if ((code = sock_add(s, usual[i].kind, usual[i].path, true)) < 0)
			hc_err_set(err, code, "out of memory");
	if (code < 0) {
		ctr_sockets_close(s);
		return code;
	}
	*ret = s;
	return 0;
}

/* Signals are for the others. */
int ctr_sockets_start(struct ctr_sockets *s, struct hc_err *err)
{
	sigset_t all, old;
	int r;

	if (s->running)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&s->thread, NULL, ask_thread, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->running = r == 0;
	return r ? hc_err_set(err, -r, "cannot ask container runtimes: %s", strerror(r)) : 0;
}

struct ctr_sockets *ctr_sockets_close(struct ctr_sockets *s)
{
	struct ctr_told *t;
	struct ask *a;

	if (!s)
		return NULL;
	if (s->running) {
		s->stop = true;
		wake(s);
		pthread_join(s->thread, NULL); /* it waits for nobody */
	}
	while ((t = ctr_sockets_take(s)) != NULL) {
		ctr_facts_free(t->facts);
		free(t);
	}
	while ((a = s->asks) != NULL) {
		s->asks = a->next;
		free(a);
	}
	for (unsigned i = 0; i < s->n_socks; i++)
		free(s->sock[i].path);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}
