/* One HTTP exchange with the API server: TLS with the given roots only, no proxy, no redirect, no compression, the
 * token as it is in its file at that moment. */
#include "kube_client.h"

#include "curl_set.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_TOKEN_BYTES (16u << 10)
#define MAX_KEPT_BYTES (64u << 10)
#define DEAD_PEER_MS 60000u /* sent and never acknowledged */

bool kube_escape(char *to, size_t to_bytes, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = strlen(to);

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		             c == '-' || c == '.' || c == '_' || c == '~';

		if (n + 4 > to_bytes)
			return false;
		if (plain) {
			to[n++] = (char)c;
		} else {
			to[n++] = '%';
			to[n++] = hex[c >> 4];
			to[n++] = hex[c & 15];
		}
	}
	to[n] = '\0';
	return true;
}

/* ---- the token ---- */

/* "Authorization: Bearer TOKEN" into buf; tail: its last bytes. The signature is at a token's end. */
static int read_token(const char *file, char *buf, size_t buf_bytes, char tail[16], char *why, size_t why_bytes)
{
	static const char head[] = "Authorization: Bearer ";
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t n = sizeof(head) - 1, end;
	ssize_t got = 0;

	if (fd < 0) {
		snprintf(why, why_bytes, "cannot read the token: %s: %s", file, strerror(errno));
		return -EINVAL;
	}
	memcpy(buf, head, n);
	while (n < buf_bytes && (got = read(fd, buf + n, buf_bytes - n)) > 0)
		n += (size_t)got;
	close(fd);
	if (got < 0 || n == buf_bytes) {
		snprintf(why, why_bytes, "cannot read the token: %s: %s", file,
		         got < 0 ? strerror(errno) : "more than 16 KiB");
		return -EINVAL;
	}
	while (n > sizeof(head) - 1 && isspace((unsigned char)buf[n - 1]))
		n--;
	buf[n] = '\0';
	for (end = sizeof(head) - 1; end < n; end++)
		if (buf[end] <= ' ' || buf[end] > '~')
			break;
	if (end != n || n == sizeof(head) - 1) {
		snprintf(why, why_bytes, "%s holds no token: one line of printable characters is expected", file);
		return -EINVAL;
	}
	memset(tail, 0, 16);
	for (size_t i = 0; i < 15 && i < n - (sizeof(head) - 1); i++)
		tail[i] = buf[n - 1 - i];
	return 0;
}

static int add_header(struct kube_xfer *x, const char *text)
{
	return curl_add_header(&x->headers, text) ? 0 : -ENOMEM;
}

static int add_token(struct kube_xfer *x)
{
	char buf[MAX_TOKEN_BYTES];
	int r;

	if (!*x->k->token_file)
		return 0;
	r = read_token(x->k->token_file, buf, sizeof(buf), x->token_tail, x->why, sizeof(x->why));
	if (r == 0)
		r = add_header(x, buf);
	explicit_bzero(buf, sizeof(buf));
	if (r == 0 && strcmp(x->k->last_token_tail, x->token_tail) != 0) {
		if (*x->k->last_token_tail) {
			pthread_mutex_lock(&x->k->lock);
			x->k->stats.n_tokens++;
			pthread_mutex_unlock(&x->k->lock);
		}
		memcpy(x->k->last_token_tail, x->token_tail, sizeof(x->token_tail));
	}
	return r;
}

/* ---- callbacks of libcurl ---- */

/* "Sun, 06 Nov 1994 08:49:37 GMT", cut to whole seconds by the server. */
static void take_date(struct hc_kube *k, const char *text)
{
	struct tm tm = { 0 };

	text += strspn(text, " ");
	if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) && tm.tm_year >= 100 && tm.tm_year <= 300)
		atomic_store(&k->server_ns, (int64_t)timegm(&tm) * 1000000000 - (int64_t)kube_now());
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	static const char retry[] = "retry-after:", encoding[] = "content-encoding:", date[] = "date:";
	struct kube_xfer *x = ctx;
	size_t bytes = size * n;
	char line[64];

	snprintf(line, sizeof(line), "%.*s", (int)(bytes < sizeof(line) ? bytes : sizeof(line) - 1), p);
	if (!strncmp(line, "HTTP/", 5)) {
		const char *code = strchr(line, ' ');

		x->status = code ? (int)strtol(code, NULL, 10) : 0; /* 100 Continue comes before the answer's */
	} else if (!strncasecmp(line, retry, sizeof(retry) - 1)) {
		long s = strtol(line + sizeof(retry) - 1, NULL, 10);

		if (s > 0)
			x->retry_after_ms = (uint64_t)(s > 86400 ? 86400 : s) * 1000;
	} else if (!strncasecmp(line, date, sizeof(date) - 1)) {
		take_date(x->k, line + sizeof(date) - 1);
	} else if (!strncasecmp(line, encoding, sizeof(encoding) - 1)) {
		const char *how = line + sizeof(encoding) - 1;

		x->encoded = !strstr(how, "identity");
	} else if (bytes <= 2 && x->status == 200 && x->opened && !x->encoded) {
		x->opened(x->ctx);
	}
	return bytes;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct kube_xfer *x = ctx;
	size_t bytes = size * n;

	if (x->encoded) {
		snprintf(x->why, sizeof(x->why), "the server sent a compressed body, which was not asked for");
		x->body_error = -EBADMSG;
	} else if (x->status >= 200 && x->status < 300 && x->body) {
		x->body_error = x->body(x->ctx, p, bytes);
	} else {
		size_t take = bytes < MAX_KEPT_BYTES - x->n_kept ? bytes : MAX_KEPT_BYTES - x->n_kept;

		if (!x->kept && !(x->kept = malloc(MAX_KEPT_BYTES + 1)))
			x->body_error = -ENOMEM;
		else
			memcpy(x->kept + x->n_kept, p, take);
		x->n_kept += x->body_error ? 0 : take;
		if (take < bytes)
			x->body_error = -EFBIG; /* no Status object is that long: enough is known */
	}
	return x->body_error < 0 ? 0 : bytes;
}

/* Probes find a peer that is gone without a word; what we sent must be acknowledged. */
static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	int on = 1, idle_s = 30, each_s = 10, times = 3;
	unsigned dead_ms = DEAD_PEER_MS;

	(void)ctx, (void)purpose;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &each_s, sizeof(each_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
	return CURL_SOCKOPT_OK;
}

/* ---- start ---- */

static int set_options(struct kube_xfer *x, const struct kube_call *call)
{
	struct hc_kube *k = x->k;
	size_t n = strlen(k->url) + strlen(call->path) + 1;
	char *url = malloc(n);
	struct curl_exchange e = { .easy = x->easy,
		                   .url = url,
		                   .protocol = "https",
		                   .http_version = CURL_HTTP_VERSION_1_1,
		                   .connect_ms = (long)k->o.connect_ms,
		                   .headers = x->headers,
		                   .ctx = x,
		                   .on_header = on_header,
		                   .on_body = on_body,
		                   .body = call->body,
		                   .body_bytes = call->body_bytes,
		                   .why = x->why,
		                   .why_bytes = sizeof(x->why) };

	if (!url)
		return -ENOMEM;
	snprintf(url, n, "%s%s", k->url, call->path);
	curl_set_exchange(&e);
	CURL_SET(&e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	CURL_SET(&e, CURLOPT_SSL_VERIFYPEER, 1L);
	CURL_SET(&e, CURLOPT_SSL_VERIFYHOST, 2L);
	CURL_SET(&e, CURLOPT_CAINFO, k->ca_file);
	CURL_SET(&e, CURLOPT_CAPATH, NULL);
	CURL_SET(&e, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* roots are changed under a running recorder */
	CURL_SET(&e, CURLOPT_SOCKOPTFUNCTION, on_socket);
	CURL_SET(&e, CURLOPT_FRESH_CONNECT, call->fresh ? 1L : 0L);
	CURL_SET(&e, CURLOPT_CUSTOMREQUEST, call->method);
	free(url);
	return e.code;
}

int kube_xfer_start(struct kube_xfer *x, const struct kube_call *call)
{
	struct hc_kube *k = x->k;
	char type[96];
	int r;

	kube_xfer_done(x);
	x->why[0] = '\0';
	x->status = 0;
	x->retry_after_ms = 0;
	x->timed_out = x->encoded = x->renewed = false;
	x->body_error = 0;
	x->n_kept = 0;
	x->verb = call->verb;
	x->deadline_ns = kube_now() + call->total_ms * KUBE_MS;
	r = add_token(x);
	if (r == 0)
		r = add_header(x, "Accept: application/json");
	if (r == 0)
		r = add_header(x, "User-Agent: hindcast");
	if (r == 0)
		r = add_header(x, "Expect:");
	if (r == 0 && call->content_type) {
		snprintf(type, sizeof(type), "Content-Type: %s", call->content_type);
		r = add_header(x, type);
	}
	if (r == 0 && !(x->easy = curl_easy_init()))
		r = -ENOMEM;
	if (r == 0)
		r = set_options(x, call);
	if (r == 0 && curl_multi_add_handle(k->multi, x->easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0) {
		if (x->easy)
			curl_easy_cleanup(x->easy);
		x->easy = NULL;
		kube_xfer_done(x);
	}
	return r;
}

/* ---- end ---- */

bool kube_status_of(struct json_object *o, struct kube_status *ret)
{
	struct json_object *causes = kube_at(o, "details", "causes", NULL), *v;

	memset(ret, 0, sizeof(*ret));
	if (strcmp(kube_text(o, "kind"), "Status") != 0)
		return false;
	v = kube_at(o, "code", NULL);
	ret->code = json_object_is_type(v, json_type_int) ? json_object_get_int(v) : 0;
	v = kube_at(o, "details", "retryAfterSeconds", NULL);
	if (json_object_is_type(v, json_type_int) && json_object_get_int(v) > 0)
		ret->retry_after_s = (uint32_t)json_object_get_int(v);
	snprintf(ret->reason, sizeof(ret->reason), "%s", kube_text(o, "reason"));
	snprintf(ret->message, sizeof(ret->message), "%s", kube_text(o, "message"));
	if (json_object_is_type(causes, json_type_array) && json_object_array_length(causes))
		snprintf(ret->cause, sizeof(ret->cause), "%s",
		         kube_text(json_object_array_get_idx(causes, 0), "reason"));
	for (char *p = ret->message; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return true;
}

static void count(struct hc_kube *k, const char *verb, int code)
{
	struct hc_kube_stats *s = &k->stats;
	uint32_t i = 0;

	pthread_mutex_lock(&k->lock);
	while (i < s->n_codes && (s->codes[i].code != code || strcmp(s->codes[i].verb, verb) != 0))
		i++;
	if (i == s->n_codes && s->n_codes < HC_KUBE_MAX_CODES)
		s->codes[s->n_codes++] = (struct hc_kube_code){ .verb = verb, .code = code };
	s->codes[i < HC_KUBE_MAX_CODES ? i : HC_KUBE_MAX_CODES - 1].n++;
	pthread_mutex_unlock(&k->lock);
}

static bool token_changed(const struct kube_xfer *x)
{
	char buf[MAX_TOKEN_BYTES], tail[16], why[128];
	bool changed = *x->k->token_file &&
	               read_token(x->k->token_file, buf, sizeof(buf), tail, why, sizeof(why)) == 0 &&
	               strcmp(tail, x->token_tail) != 0;

	explicit_bzero(buf, sizeof(buf));
	return changed;
}

/* A failed status, with the words of the server. */
static enum hc_kube_reason explain(struct kube_xfer *x)
{
	struct json_object *o;
	struct kube_status s = { 0 };
	int r;

	if (x->kept)
		x->kept[x->n_kept] = '\0';
	o = x->kept ? kube_parse(x->kept, x->n_kept, 4096, &r) : NULL;
	if (kube_status_of(o, &s) && s.retry_after_s && !x->retry_after_ms)
		x->retry_after_ms = (uint64_t)s.retry_after_s * 1000;
	json_object_put(o);
	snprintf(x->why, sizeof(x->why), "status %d%s%.200s", x->status, s.message[0] ? ": " : "", s.message);
	switch (x->status) {
	case 401:
		x->renewed = token_changed(x);
		return HC_KUBE_R_AUTH;
	case 403:
	case 404:
		return HC_KUBE_R_ABSENT;
	case 410:
		return HC_KUBE_R_EXPIRED;
	case 504:
		return strcmp(s.cause, "ResourceVersionTooLarge") != 0 ? HC_KUBE_R_HTTP : HC_KUBE_R_AHEAD;
	case 429:
	case 503:
		return HC_KUBE_R_THROTTLED;
	default:
		return HC_KUBE_R_HTTP;
	}
}

enum hc_kube_reason kube_xfer_finish(struct kube_xfer *x, CURLcode result, bool *ret_ok)
{
	enum hc_kube_reason why = HC_KUBE_R_NETWORK;

	*ret_ok = false;
	count(x->k, x->verb, x->status);
	if (x->timed_out) {
		snprintf(x->why, sizeof(x->why), "no end of the answer in time (status %d)", x->status);
		why = HC_KUBE_R_TIMEOUT;
	} else if (x->status >= 300 && (result == CURLE_OK || x->body_error == -EFBIG)) {
		why = explain(x);
	} else if (x->body_error < 0) {
		if (!x->why[0] || !x->encoded)
			snprintf(x->why, sizeof(x->why), "the answer is not what was asked for: %s",
			         x->body_error == -EFBIG ? "too long" : strerror(-x->body_error));
		why = HC_KUBE_R_BAD;
	} else if (result == CURLE_OPERATION_TIMEDOUT) {
		why = HC_KUBE_R_TIMEOUT;
	} else if (result == CURLE_OK && x->status >= 200) {
		*ret_ok = true;
	}
	if (!*ret_ok && !x->why[0])
		snprintf(x->why, sizeof(x->why), "%s",
		         result == CURLE_OK ? "no answer" : curl_easy_strerror(result));
	curl_multi_remove_handle(x->k->multi, x->easy);
	curl_easy_cleanup(x->easy);
	x->easy = NULL;
	return why;
}

void kube_xfer_done(struct kube_xfer *x)
{
	if (x->easy) {
		curl_multi_remove_handle(x->k->multi, x->easy);
		curl_easy_cleanup(x->easy);
		x->easy = NULL;
	}
	for (struct curl_slist *h = x->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(x->headers);
	x->headers = NULL;
	free(x->kept);
	x->kept = NULL;
	x->n_kept = 0;
}
