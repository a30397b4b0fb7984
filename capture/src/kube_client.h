/* The client's thread: one HTTP exchange, the streams (list and watch of one resource each), the requests.
 * Everything here belongs to that thread, but for what hc_kube.lock covers. */
#ifndef HC_CAPTURE_KUBE_CLIENT_H
#define HC_CAPTURE_KUBE_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "kube_priv.h"
#include "late.h"

#define KUBE_MS UINT64_C(1000000)

/* ---- kube_http.c: one exchange ---- */

struct kube_xfer {
	struct hc_kube *k;
	CURL *easy; /* NULL: idle */
	struct curl_slist *headers;
	const char *verb; /* of the metrics */
	char why[CURL_ERROR_SIZE];
	int status;              /* of the answer, 0: none yet */
	uint64_t retry_after_ms; /* 0: the server did not say */
	uint64_t deadline_ns;    /* CLOCK_BOOTTIME */
	bool timed_out, encoded; /* ours; the server compressed although nobody asked */
	bool renewed;            /* 401, and the token file holds another one now */
	char token_tail[16];     /* tells the token that was used from another, without keeping it */
	/* Body: that of a 2xx goes to `body` as it comes, anything else is kept, up to 64 KiB. */
	int (*body)(void *ctx, const char *p, size_t n);
	void (*opened)(void *ctx); /* a 200's headers are there; may be NULL */
	void *ctx;
	int body_error; /* what `body` returned, or -EFBIG */
	char *kept;
	size_t n_kept;
};

struct kube_call {
	const char *method, *verb; /* "GET", "list" */
	const char *path;          /* from the '/' on, escaped */
	const char *content_type;  /* of body; NULL: none */
	const char *body;          /* borrowed until the end */
	size_t body_bytes;
	uint32_t total_ms;
	bool fresh; /* on a connection of its own making: the last one was found dead */
};

/* 0, -ENOMEM, or -EINVAL when the token file cannot be used (x->why says so). */
int kube_xfer_start(struct kube_xfer *x, const struct kube_call *call);
/* Takes the answer's parts that all share: status, Status object, token after 401, counters. */
enum hc_kube_reason kube_xfer_finish(struct kube_xfer *x, CURLcode result, bool *ret_ok);
void kube_xfer_done(struct kube_xfer *x);
/* Appends text escaped for a query or a path segment; false when it does not fit. */
bool kube_escape(char *to, size_t to_bytes, const char *text);
/* The Status object of a failure: its message, reason and code. */
struct kube_status {
	int code;
	char reason[64], message[256], cause[64];
	uint32_t retry_after_s;
};
bool kube_status_of(struct json_object *o, struct kube_status *ret);

/* ---- kube_watch.c ---- */

enum kube_phase { KUBE_LIST, KUBE_WATCH };

struct kube_known { /* objects that went into the queue: what a later list lacks is gone */
	char uid[64], ns[64], name[256];
	bool seen;
};

struct kube_stream {
	struct hc_kube *k;
	enum hc_kube_resource resource;
	struct kube_xfer x;
	struct kube_split split;
	enum kube_phase phase;
	bool quorum;   /* list past the server's cache */
	bool saw_kind; /* the list says it is one of ours */
	bool open;     /* the watch */
	bool fresh;
	int failed;         /* enum hc_kube_reason found in the body, -1: none */
	uint32_t n_ahead;   /* 504 ResourceVersionTooLarge in a row */
	uint32_t n_put_off; /* namespaces in a row, before one was told of */
	bool put_off;       /* one was just now */
	uint32_t n_pages;
	uint64_t list_bytes;
	uint64_t due_ns, started_ns; /* next start; when the running exchange began */
	uint64_t backoff_ms, retry_after_ms;
	char rv[128]; /* opaque; where the watch begins */
	char *more;   /* the list's continue token: of the page that is asked for */
	char *next;   /* that of the page behind it, which counts when all of this one is there */
	struct kube_known *known;
	uint32_t n_known, n_known_alloc;
	char space[64]; /* the namespace that a list is of */
	char path[2048];
};

void kube_stream_init(struct kube_stream *st, struct hc_kube *k, enum hc_kube_resource r, uint64_t due_ns);
/* False: there is nothing to ask for now. Ends the watch of namespaces when another one is to be listed. */
bool kube_stream_has_work(struct kube_stream *st, uint64_t now_ns);
void kube_stream_start(struct kube_stream *st, uint64_t now_ns);
void kube_stream_finish(struct kube_stream *st, CURLcode result, uint64_t now_ns);
void kube_stream_done(struct kube_stream *st);

/* ---- kube_send.c ---- */

struct kube_job {
	struct kube_job *next;
	struct kube_xfer x;
	uint64_t id, due_ns, give_up_ns, backoff_ms;
	enum hc_kube_verb verb;
	bool replaceable;
	char *path, *body;
	size_t body_bytes, object_len; /* bytes of path that name the object */
	struct {
		char *p;
		size_t n;
	} answer;
};

/* Starts what may start; gives when the next is due. */
uint64_t kube_jobs_start(struct hc_kube *k, uint64_t now_ns);
void kube_job_finish(struct hc_kube *k, struct kube_job *job, CURLcode result, uint64_t now_ns);
void kube_job_free(struct kube_job *job);

/* ---- kube.c ---- */

#define KUBE_MAX_JOBS 256u
#define KUBE_MAX_RUNNING 4u

struct kube_queued {
	struct kube_queued *next;
	struct hc_kube_event ev;
};

struct hc_kube {
	struct hc_kube_opts o; /* strings are copies */
	char *url, *ca_file, *token_file, *node;
	CURLM *multi;
	pthread_t thread;
	atomic_bool stop;
	atomic_int_fast64_t
		server_ns; /* its wall clock at the boot clock's zero, as its last answer had it; 0: none had */
	int event_fd;
	uint64_t random;
	struct kube_stream stream[HC_KUBE_N_RESOURCES];
	struct kube_job *running; /* of the thread alone */
	uint32_t n_running;
	char last_token_tail[16];

	pthread_mutex_t lock;
	struct kube_table pods;
	struct hc_kube_stats stats;
	struct kube_queued *first, *last;
	uint32_t n_queued;
	uint64_t queued_bytes;
	struct kube_job *jobs; /* waiting, oldest first */
	uint32_t n_jobs;
	uint64_t next_id;
};

uint64_t kube_now(void);
/* 0 .. n - 1; n > 0 */
uint64_t kube_random(struct hc_kube *k, uint64_t n);
/* base +-50 % */
uint64_t kube_jitter(struct hc_kube *k, uint64_t base);
/* The next wait, and doubles the one after it; no less than the server asks for. */
uint64_t kube_backoff(struct hc_kube *k, uint64_t *backoff_ms, uint64_t retry_after_ms);
/* Takes ev->json. False: the queue is full (never for an answer) or out of memory. */
bool kube_queue(struct hc_kube *k, struct hc_kube_event *ev);
void kube_wake_reader(struct hc_kube *k);

#endif
