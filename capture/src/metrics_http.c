/*
 * Who asks for metrics, and what they get. libmicrohttpd has no thread here: its epoll descriptor is watched by
 * the daemon's loop, so /healthz is answered exactly as long as the loop turns.
 *
 * Nobody who connects can hold the recorder up: one request a connection, whose body is not read; a connection
 * ends after three seconds, whatever its pace; of too many the oldest of whoever has most goes, once what it had
 * sent was read, so that a probe always comes through; a text is made at most four times a second.
 */
#include "metrics_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "late.h"
#include "record_priv.h"
#include "unix_listen.h"

/* Of more than these one goes. The library accepts ten at a time; at METRICS_MAX_PEERS it would stop, and go on
 * with the next second only. */
#define MAX_KEPT_PEERS 24
#define MAX_KEPT_OF_ONE 16 /* of one address, or of one user of a Unix socket */
#define PEER_NS UINT64_C(3000000000)
#define UNREAD_MS 10000u /* what a peer does not take of its answer stays with the kernel, so long at most */
#define KEEP_NS UINT64_C(250000000)
#define PEER_MEMORY_BYTES 16384
#define BACKLOG 128

static const char *const content_types[2] = { "text/plain; version=0.0.4; charset=utf-8",
	                                      "application/openmetrics-text; version=1.0.0; charset=utf-8" };

/* ---- addresses ---- */

static int port_of(const char *text, in_port_t *ret)
{
	unsigned long v;
	char *end;

	if (text[0] < '1' || text[0] > '9' || strlen(text) > 5)
		return -EINVAL;
	v = strtoul(text, &end, 10);
	if (*end || v > 65535)
		return -EINVAL;
	*ret = htons((uint16_t)v);
	return 0;
}

/* What to bind to; *ret_all: all addresses, of IPv6 and IPv4. */
static int address_of(const char *text, struct sockaddr_storage *ret, socklen_t *ret_bytes, bool *ret_all)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT };
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	in_port_t port;
	size_t n = colon ? (size_t)(colon - text) : 0;

	*ret_all = false;
	if (port_of(colon ? colon + 1 : text, &port) < 0 || n >= sizeof(host) || (colon && !n))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	v4.sin_port = v6.sin6_port = port;
	if (n && strcmp(host, "*") == 0) {
		*ret_all = true;
	} else if (n && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &v6.sin6_addr) != 1)
			return -EINVAL;
	} else {
		if (n && inet_pton(AF_INET, host, &v4.sin_addr) != 1)
			return -EINVAL;
		memcpy(ret, &v4, sizeof(v4));
		*ret_bytes = sizeof(v4);
		return 0;
	}
	memcpy(ret, &v6, sizeof(v6));
	*ret_bytes = sizeof(v6);
	return 0;
}

int hc_metrics_address_check(const char *address, struct hc_err *err)
{
	struct sockaddr_storage sa;
	socklen_t n;
	bool all;

	if (address[0] == '/')
		return unix_path_check(address, err);
	return address_of(address, &sa, &n, &all) == 0
	               ? 0
	               : hc_err_set(err, -EINVAL,
	                            "'%s' is no address to listen on: PORT, IPV4:PORT, [IPV6]:PORT, *:PORT or the "
	                            "path of a socket",
	                            address);
}

/* Recorders of one user may bind to the same address, one that asks whether it could: see hc_metrics_try. */
static int share_port(int fd)
{
	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
}

/* Connections inherit it. */
static int limit_unread(int fd)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){ UNREAD_MS }, sizeof(unsigned));
}

/* try: bound, and that is all. */
static int bind_tcp(const struct sockaddr_storage *sa, socklen_t n, bool all, bool try)
{
	int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1, v6only = !all,
	    code;

	if (fd < 0)
		return -errno;
	code = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (code == 0 && sa->ss_family == AF_INET6)
		code = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (code == 0 && try)
		code = share_port(fd);
	if (code == 0)
		code = limit_unread(fd);
	if (code == 0)
		code = bind(fd, (const struct sockaddr *)sa, n);
	if (code == 0 && !try)
		code = listen(fd, BACKLOG);
	if (code == 0 && !try) /* from now on: two that listen would not notice each other */
		code = share_port(fd);
	if (code == 0)
		return fd;
	code = -errno;
	close(fd);
	return code;
}

static int listen_tcp(const char *address, bool try, struct hc_err *err)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n;
	bool all;
	int fd = address_of(address, &sa, &n, &all);

	if (fd < 0)
		return hc_metrics_address_check(address, err);
	fd = bind_tcp(&sa, n, all, try);
	if (all && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) { /* without IPv6 */
		struct sockaddr_in v4 = { .sin_family = AF_INET,
			                  .sin_port = ((const struct sockaddr_in6 *)&sa)->sin6_port };

		memset(&sa, 0, sizeof(sa));
		memcpy(&sa, &v4, sizeof(v4));
		fd = bind_tcp(&sa, sizeof(v4), false, try);
	}
	return fd >= 0 ? fd
	               : hc_err_set(err, fd,
	                            "cannot listen on '%s' for requests of metrics: %s (--metrics ADDRESS)",
	                            address, strerror(-fd));
}

/* ---- answers ---- */

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned code, const char *type,
                             struct MHD_Response *response)
{
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	r = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned code, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return MHD_NO;
	return reply(connection, code, "text/plain; charset=utf-8",
	             MHD_create_response_from_buffer(strlen(copy), copy, MHD_RESPMEM_MUST_FREE));
}

static void forget(struct hc_metrics *m)
{
	for (unsigned i = 0; i < 2; i++) {
		if (m->kept[i].response)
			MHD_destroy_response(m->kept[i].response);
		m->kept[i].response = NULL;
	}
}

static enum MHD_Result reply_metrics(struct hc_metrics *m, struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	bool openmetrics = hc_metrics_wants_openmetrics(accept);
	struct MHD_Response *kept = m->kept[openmetrics].response;
	uint64_t now = record_boot_ns();
	char *text;
	size_t n;
	int code;

	m->n_scrapes[openmetrics]++;
	if (kept && now - m->kept[openmetrics].made_ns < KEEP_NS)
		return MHD_queue_response(connection, MHD_HTTP_OK, kept);
	code = hc_metrics_text(m, openmetrics, &text, &n);
	m->text_ns += record_boot_ns() - now;
	if (code < 0)
		return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
		                  code == -E2BIG ? "there are too many metrics\n" : "out of memory\n");
	if (kept)
		MHD_destroy_response(kept);
	kept = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
	m->kept[openmetrics].response = kept;
	m->kept[openmetrics].made_ns = now;
	if (!kept) {
		free(text);
		return MHD_NO;
	}
	(void)MHD_add_response_header(kept, MHD_HTTP_HEADER_CONTENT_TYPE, content_types[openmetrics]);
	(void)MHD_add_response_header(kept, MHD_HTTP_HEADER_CONNECTION, "close");
	return MHD_queue_response(connection, MHD_HTTP_OK, kept);
}

static enum MHD_Result reply_healthy(struct hc_metrics *m, struct MHD_Connection *connection)
{
	(void)m;
	return reply_text(connection, MHD_HTTP_OK, "ok\n");
}

static enum MHD_Result reply_ready(struct hc_metrics *m, struct MHD_Connection *connection)
{
	struct hc_daemon_stats s;

	hc_daemon_stats(m->daemon, &s);
	if (!s.ready || s.stopping)
		return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		                  s.stopping ? "it stops\n" : "it starts\n");
	if (s.record.disk_failing)
		return reply_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		                  "the disk does not take what is recorded\n");
	return reply_text(connection, MHD_HTTP_OK, "ready\n");
}

static const struct {
	const char *url;
	enum MHD_Result (*reply)(struct hc_metrics *m, struct MHD_Connection *connection);
} pages[] = { { "/metrics", reply_metrics }, { "/healthz", reply_healthy }, { "/readyz", reply_ready } };

static struct metrics_peer *peer_of(struct hc_metrics *m, const struct MHD_Connection *connection)
{
	for (unsigned i = 0; i < METRICS_MAX_PEERS; i++)
		if (m->peer[i].connection == connection)
			return &m->peer[i];
	return NULL;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **request)
{
	struct hc_metrics *m = ctx;
	struct metrics_peer *peer = peer_of(m, connection);

	(void)version;
	(void)upload;
	(void)upload_bytes; /* none is read: the answer comes first, and ends the connection */
	(void)request;
	if (peer)
		peer->end = METRICS_PEER_REFUSED;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(url, pages[i].url) != 0)
			continue;
		if (peer)
			peer->end = METRICS_PEER_ANSWERED;
		return pages[i].reply(m, connection);
	}
	return reply_text(connection, MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz and /readyz\n");
}

/* ---- connections ---- */

/* The library then sees that the peer is gone, and forgets it. */
static void cut_peer(struct metrics_peer *p, enum metrics_peer_end why)
{
	p->cut = true;
	p->end = why;
	(void)shutdown(p->fd, SHUT_RDWR);
}

/* Whose it is: the address without its port, or the user at the other end of a Unix socket. */
static void read_owner(int fd, const struct sockaddr *sa, uint8_t ret[METRICS_OWNER_BYTES])
{
	struct ucred peer = { 0 };
	socklen_t n = sizeof(peer);

	memset(ret, 0, METRICS_OWNER_BYTES);
	if (sa && sa->sa_family == AF_INET)
		memcpy(ret, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, sizeof(struct in_addr));
	else if (sa && sa->sa_family == AF_INET6)
		memcpy(ret, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, sizeof(struct in6_addr));
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0)
		memcpy(ret, &peer.uid, sizeof(peer.uid));
}

/* Connections of the same owner that are not cut; *ret_oldest: the first of them. */
static unsigned n_of_owner(struct hc_metrics *m, const uint8_t owner[METRICS_OWNER_BYTES],
                           struct metrics_peer **ret_oldest)
{
	struct metrics_peer *oldest = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < METRICS_MAX_PEERS; i++) {
		struct metrics_peer *p = &m->peer[i];

		if (!p->connection || p->cut || memcmp(p->owner, owner, METRICS_OWNER_BYTES) != 0)
			continue;
		n++;
		if (!oldest || p->begun_ns < oldest->begun_ns)
			oldest = p;
	}
	*ret_oldest = oldest;
	return n;
}

/* The oldest of whoever has most. */
static struct metrics_peer *one_too_many(struct hc_metrics *m)
{
	struct metrics_peer *victim = NULL, *oldest;
	unsigned n = 0, most = 0;

	for (unsigned i = 0; i < METRICS_MAX_PEERS; i++)
		n += m->peer[i].connection && !m->peer[i].cut;
	if (n <= MAX_KEPT_OF_ONE)
		return NULL;
	for (unsigned i = 0; i < METRICS_MAX_PEERS; i++) {
		struct metrics_peer *p = &m->peer[i];
		unsigned of_owner;

		if (!p->connection || p->cut)
			continue;
		of_owner = n_of_owner(m, p->owner, &oldest);
		if (!victim || of_owner > most || (of_owner == most && oldest->begun_ns < victim->begun_ns)) {
			most = of_owner;
			victim = oldest;
		}
	}
	return n > MAX_KEPT_PEERS || most > MAX_KEPT_OF_ONE ? victim : NULL;
}

/* The library accepts first and then reads, of what it accepted before. To cut in between would throw away
 * requests that came while the loop did not turn, when others had connected after them. */
static void run_library(struct hc_metrics *m)
{
	struct metrics_peer *p;

	(void)MHD_run(m->http);
	while ((p = one_too_many(m)) != NULL)
		cut_peer(p, METRICS_PEER_TOO_MANY);
}

static void peer_add(struct hc_metrics *m, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int fd = info ? info->connect_fd : -1;
	struct metrics_peer *slot = peer_of(m, NULL);

	if (!slot || fd < 0)
		return;
	*slot = (struct metrics_peer){ .connection = connection, .fd = fd, .begun_ns = record_boot_ns() };
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	read_owner(fd, info ? info->client_addr : NULL, slot->owner);
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
	struct hc_metrics *m = ctx;
	struct metrics_peer *peer;

	(void)context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		peer_add(m, connection);
		return;
	}
	peer = peer_of(m, connection);
	if (!peer)
		return;
	m->n_peers_ended[peer->end]++;
	peer->connection = NULL;
}

static void run(void *ctx);

/* What the library has to go on with at once does not make its descriptor readable. */
static void run_more(struct hc_metrics *m)
{
	MHD_UNSIGNED_LONG_LONG wait_ms = 1;

	if (m->runs_again || MHD_get_timeout(m->http, &wait_ms) != MHD_YES || wait_ms > 0)
		return;
	m->runs_again = hc_daemon_timer_add(m->daemon, 1000000, 0, run, m) != NULL;
}

static void run(void *ctx)
{
	struct hc_metrics *m = ctx;

	m->runs_again = false;
	if (!m->http) /* stopped meanwhile */
		return;
	run_library(m);
	run_more(m);
}

static void on_readable(void *ctx, int fd, uint32_t events)
{
	struct hc_metrics *m = ctx;

	(void)fd;
	(void)events;
	run_library(m);
	run_more(m);
}

static void on_second(void *ctx, struct hc_daemon *d)
{
	struct hc_metrics *m = ctx;
	uint64_t now = record_boot_ns();

	(void)d;
	for (unsigned i = 0; i < METRICS_MAX_PEERS; i++)
		if (m->peer[i].connection && !m->peer[i].cut && now - m->peer[i].begun_ns > PEER_NS)
			cut_peer(&m->peer[i], METRICS_PEER_SLOW);
	run_library(m);
	run_more(m);
}

/* ---- life ---- */

int hc_metrics_new(const struct hc_metrics_opts *opts, struct hc_metrics **ret, struct hc_err *err)
{
	struct hc_metrics *m;
	gid_t group = 0;
	int code = opts->address ? hc_metrics_address_check(opts->address, err) : 0;

	if (code == 0 && opts->group)
		code = unix_group(opts->group, &group, err);
	if (code < 0)
		return code;
	m = calloc(1, sizeof(*m));
	if (!m)
		return hc_err_set(err, -ENOMEM, "out of memory");
	m->opts = *opts;
	m->group = group;
	m->fd = m->epoll_fd = -1;
	*ret = m;
	return 0;
}

static void close_all(struct hc_metrics *m)
{
	if (m->http)
		MHD_stop_daemon(m->http); /* with the listening socket */
	else if (m->fd >= 0)
		close(m->fd);
	m->http = NULL;
	forget(m);
	if (m->fd >= 0 && m->opts.address[0] == '/')
		unlink(m->opts.address);
	m->fd = -1;
}

struct hc_metrics *hc_metrics_free(struct hc_metrics *m)
{
	if (m)
		close_all(m);
	free(m);
	return NULL;
}

static struct unix_listen_opts unix_opts(const struct hc_metrics *m)
{
	return (struct unix_listen_opts){ .path = m->opts.address,
		                          .what = "socket for metrics",
		                          .option = "--metrics PATH",
		                          .group = m->opts.group ? &m->group : NULL,
		                          .backlog = BACKLOG };
}

int hc_metrics_try(struct hc_metrics *m, struct hc_err *err)
{
	const struct unix_listen_opts o = unix_opts(m);
	int fd = late_mhd(err);

	if (fd < 0)
		return fd;
	if (m->opts.address[0] == '/') {
		fd = unix_listen_try(&o, err);
		return fd < 0 ? fd : 0;
	}
	fd = listen_tcp(m->opts.address, true, err);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int hc_metrics_listen(struct hc_metrics *m, struct hc_err *err)
{
	const struct unix_listen_opts o = unix_opts(m);
	const union MHD_DaemonInfo *info;
	int fd = late_mhd(err);

	if (fd < 0)
		return fd;
	fd = m->opts.address[0] == '/' ? unix_listen(&o, err) : listen_tcp(m->opts.address, false, err);
	if (fd < 0)
		return fd;
	m->fd = fd;
	m->http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, m, MHD_OPTION_LISTEN_SOCKET, fd,
	                           MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_MAX_PEERS,
	                           MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)PEER_MEMORY_BYTES,
	                           MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(PEER_NS / 1000000000) + 2,
	                           MHD_OPTION_NOTIFY_CONNECTION, on_connection, m, MHD_OPTION_END);
	info = m->http ? MHD_get_daemon_info(m->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		close_all(m);
		return hc_err_set(err, -EIO, "cannot serve metrics on '%s'", m->opts.address);
	}
	m->epoll_fd = info->epoll_fd;
	return 0;
}

static int on_start(void *ctx, struct hc_daemon *d, struct hc_err *err)
{
	struct hc_metrics *m = ctx;
	int code = hc_daemon_watch(d, m->epoll_fd, EPOLLIN, on_readable, m);

	m->daemon = d;
	if (code < 0)
		return hc_err_set(err, code, "cannot wait for requests of metrics: %s", strerror(-code));
	hc_log(hc_daemon_log(d), HC_LOG_INFO, "metrics are served", HC_LOG_STR("address", m->opts.address));
	return 0;
}

static void on_stop(void *ctx, struct hc_daemon *d)
{
	struct hc_metrics *m = ctx;

	hc_daemon_unwatch(d, m->epoll_fd);
	close_all(m);
}

struct hc_daemon_part *hc_metrics_part(struct hc_metrics *m)
{
	m->part = (struct hc_daemon_part){
		.name = "metrics", .ctx = m, .start = on_start, .second = on_second, .stop = on_stop
	};
	return &m->part;
}
