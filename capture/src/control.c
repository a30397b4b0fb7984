/* The control socket's side of the recorder: connections in the daemon's loop, requests in JSON. */
#include "capture/control.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/utf8.h"
#include "unix_listen.h"

#define MAX_PEERS 32
#define MAX_GROUPS 256
#define MAX_OUT_BYTES (4u << 20) /* of answers that a peer has not read; beyond, it is let go */
#define IDLE_SECONDS 60
#define IDLE_MIN_SECONDS 2 /* before it may have to make room for another */
#define DIR_ID_ROOM 40
#define TRY_MS 5000 /* a recorder that is asked which it is */

struct peer {
	struct hc_control *control;
	int fd;
	uint32_t idle_seconds; /* since its last whole request */
	char who[64];
	char *in, *out;
	size_t n_in, n_out, sent;
	bool ended; /* it has said all: let go once it has its answers */
};

struct hc_control {
	struct hc_control_opts opts;
	struct hc_daemon *daemon;
	struct hc_daemon_part part;
	struct peer *peers[MAX_PEERS];
	gid_t group;
	int fd;
	bool unreachable; /* the socket's name is gone, and said so */
	bool pausing;     /* no connection is taken before the next second */
};

/* ---- requests ---- */

/* What of a message was cut within a character, or names a file in another encoding, is '?'. */
static json_object *message_new(const char *message)
{
	char text[sizeof(((struct hc_err *)NULL)->msg)];
	const char *end = message + strnlen(message, sizeof(text));
	int n = 0;

	while (message < end) {
		uint32_t c;
		unsigned len = hc_utf8(message, (size_t)(end - message), &c);

		memcpy(text + n, len ? message : "?", len ? len : 1);
		n += len ? (int)len : 1;
		message += len ? len : hc_utf8_broken(message, (size_t)(end - message));
	}
	return json_object_new_string_len(text, n);
}

static json_object *failure(const char *code, const char *message)
{
	json_object *o = json_object_new_object(), *e = json_object_new_object();

	json_object_object_add(e, "code", json_object_new_string(code));
	json_object_object_add(e, "message", message_new(message));
	json_object_object_add(o, "ok", json_object_new_boolean(false));
	json_object_object_add(o, "error", e);
	return o;
}

static json_object *failure_of(const struct hc_err *err)
{
	const char *code = err->code == -EINVAL   ? "bad_request"
	                   : err->code == -EEXIST ? "exists"
	                   : err->code == -ENOENT ? "not_found"
	                   : err->code == -E2BIG  ? "too_many"
	                   : err->code == -ENOSPC ? "disk_full"
	                                          : "failed";

	return failure(code, err->msg);
}

static json_object *success(void)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "ok", json_object_new_boolean(true));
	return o;
}

static void add_str(json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_u64(json_object *o, const char *key, uint64_t v)
{
	json_object_object_add(o, key, json_object_new_uint64(v));
}

/* Moments are ns since the epoch; null: there is none. */
static void add_time(json_object *o, const char *key, int64_t wall_ns)
{
	json_object_object_add(o, key, wall_ns ? json_object_new_int64(wall_ns) : NULL);
}

static json_object *capture_object(const struct hc_capture_now *k)
{
	json_object *o = json_object_new_object();

	add_str(o, "name", k->name);
	add_str(o, "id", k->id);
	add_str(o, "state", hc_mark_state_text(k->state));
	add_str(o, "scope", k->scope);
	add_str(o, "by", k->by);
	if (k->note[0])
		add_str(o, "note", k->note);
	if (k->detail[0])
		add_str(o, "detail", k->detail);
	if (k->snaplen)
		add_u64(o, "snaplen", k->snaplen);
	add_time(o, "asked_ns", k->asked_wall_ns);
	add_time(o, "from_ns", k->from_wall_ns);
	add_time(o, "past_from_ns", k->past_wall_ns);
	add_time(o, "past_bulk_from_ns", k->past_bulk_wall_ns);
	if (hc_capture_past_text(k->past_limit))
		add_str(o, "past_limit", hc_capture_past_text(k->past_limit));
	add_time(o, "until_ns", k->until_wall_ns);
	add_time(o, "expires_ns", k->until_wall_ns ? k->expires_wall_ns : 0);
	if (hc_capture_keep_ns(k))
		add_u64(o, "keep_ns", hc_capture_keep_ns(k));
	return o;
}

/* What a member must be. */
enum member_kind { MEMBER_STR, MEMBER_U64 };

struct member {
	const char *key;
	enum member_kind kind;
	bool required;
	void *to;
};

/* A string without NUL. */
static bool is_text(json_object *v)
{
	return json_object_is_type(v, json_type_string) &&
	       strlen(json_object_get_string(v)) == (size_t)json_object_get_string_len(v);
}

/* Reads the members of a request; all but "hindcast" and "op" must be known. */
static int read_members(json_object *request, const struct member *members, struct hc_err *err)
{
	json_object_object_foreach(request, key, value)
	{
		const struct member *m = members;

		if (strcmp(key, "hindcast") == 0 || strcmp(key, "op") == 0)
			continue;
		while (m->key && strcmp(m->key, key) != 0)
			m++;
		if (!m->key)
			return hc_err_set(err, -EINVAL, "this op has no member '%.64s'", key);
		if (m->kind == MEMBER_STR) {
			if (!is_text(value))
				return hc_err_set(err, -EINVAL, "'%s' must be a string without NUL", key);
			*(const char **)m->to = json_object_get_string(value);
		} else {
			if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
				return hc_err_set(err, -EINVAL, "'%s' must be a whole number that is not negative",
				                  key);
			*(uint64_t *)m->to = json_object_get_uint64(value);
		}
	}
	for (const struct member *m = members; m->key; m++)
		if (m->required && !json_object_object_get_ex(request, m->key, NULL))
			return hc_err_set(err, -EINVAL, "'%s' is missing", m->key);
	return 0;
}

static json_object *op_start(struct hc_control *c, json_object *request, const char *peer)
{
	struct hc_capture_request q = { .by = peer };
	uint64_t snaplen = 0;
	const struct member members[] = {
		{ "name", MEMBER_STR, true, (void *)&q.name },
		{ "scope", MEMBER_STR, true, (void *)&q.scope },
		{ "detail", MEMBER_STR, false, (void *)&q.detail },
		{ "snaplen", MEMBER_U64, false, &snaplen },
		{ "note", MEMBER_STR, false, (void *)&q.note },
		{ "pre_ns", MEMBER_U64, false, &q.pre_ns },
		{ "for_ns", MEMBER_U64, false, &q.for_ns },
		{ "keep_ns", MEMBER_U64, false, &q.keep_ns },
		{ NULL, MEMBER_STR, false, NULL },
	};
	const struct hc_capture_now *now;
	struct hc_err err = { 0 };
	json_object *o;

	if (read_members(request, members, &err) < 0)
		return failure_of(&err);
	q.snaplen = snaplen < UINT32_MAX ? (uint32_t)snaplen : UINT32_MAX; /* refused there */
	if (hc_captures_start(c->opts.captures, &q, &now, &err) < 0)
		return failure_of(&err);
	o = success();
	json_object_object_add(o, "capture", capture_object(now));
	if (strcmp(now->scope, "host") != 0)
		add_u64(o, "in_scope", now->n_in_scope);
	return o;
}

static json_object *op_by_name(struct hc_control *c, json_object *request, const char *peer, bool is_delete)
{
	const char *name = NULL;
	const struct member members[] = { { "name", MEMBER_STR, true, (void *)&name },
		                          { NULL, MEMBER_STR, false, NULL } };
	const struct hc_capture_now *now = NULL;
	struct hc_err err = { 0 };
	json_object *o;
	int code = read_members(request, members, &err);

	if (code == 0)
		code = is_delete ? hc_captures_delete(c->opts.captures, name, peer, &err)
		                 : hc_captures_stop(c->opts.captures, name, peer, &now, &err);
	if (code < 0)
		return failure_of(&err);
	o = success();
	if (now)
		json_object_object_add(o, "capture", capture_object(now));
	return o;
}

static json_object *op_stop(struct hc_control *c, json_object *request, const char *peer)
{
	return op_by_name(c, request, peer, false);
}

static json_object *op_delete(struct hc_control *c, json_object *request, const char *peer)
{
	return op_by_name(c, request, peer, true);
}

static const struct member no_members[] = { { NULL, MEMBER_STR, false, NULL } };

static json_object *op_list(struct hc_control *c, json_object *request, const char *peer)
{
	struct hc_err err = { 0 };
	json_object *o, *list;
	const struct hc_capture_now *v;
	uint32_t n;

	(void)peer;
	if (read_members(request, no_members, &err) < 0)
		return failure_of(&err);
	o = success();
	list = json_object_new_array();
	v = hc_captures_list(c->opts.captures, &n);
	for (uint32_t i = 0; i < n; i++)
		json_object_array_add(list, capture_object(&v[i]));
	json_object_object_add(o, "captures", list);
	return o;
}

/* A directory as everybody on this machine knows it, whatever his mounts are. */
static void dir_id(const char *dir, char *buf, size_t room)
{
	struct stat st;

	buf[0] = '\0';
	if (stat(dir, &st) == 0)
		snprintf(buf, room, "%llx-%llx", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}

static json_object *op_status(struct hc_control *c, json_object *request, const char *peer)
{
	struct hc_daemon_stats s = { 0 };
	struct hc_err err = { 0 };
	json_object *o;
	uint32_t n;

	(void)peer;
	if (read_members(request, no_members, &err) < 0)
		return failure_of(&err);
	if (c->daemon)
		hc_daemon_stats(c->daemon, &s);
	(void)hc_captures_list(c->opts.captures, &n);
	o = success();
	json_object_object_add(o, "ready", json_object_new_boolean(s.ready));
	add_u64(o, "pid", (uint64_t)getpid());
	if (c->opts.dir) {
		char id[DIR_ID_ROOM];

		dir_id(c->opts.dir, id, sizeof(id));
		add_str(o, "dir", c->opts.dir);
		add_str(o, "dir_id", id);
	}
	add_time(o, "start_ns", (int64_t)s.start_wall_ns);
	add_u64(o, "events", s.record.n_rows);
	add_u64(o, "events_lost", s.record.n_lost);
	add_u64(o, "events_sampled_out", s.record.n_sampled);
	add_u64(o, "events_excluded", s.record.n_filtered);
	add_u64(o, "written_bytes", s.record.bytes);
	add_u64(o, "processes", s.record.n_procs);
	add_u64(o, "captures", n);
	return o;
}

static json_object *op_reload(struct hc_control *c, json_object *request, const char *peer)
{
	struct hc_err err = { 0 };

	(void)peer;
	if (read_members(request, no_members, &err) < 0)
		return failure_of(&err);
	if (c->daemon && hc_daemon_reload(c->daemon, &err) < 0)
		return failure_of(&err);
	return success();
}

static const struct {
	const char *op;
	json_object *(*fn)(struct hc_control *c, json_object *request, const char *peer);
} ops[] = {
	{ "capture.start", op_start }, { "capture.stop", op_stop }, { "capture.delete", op_delete },
	{ "capture.list", op_list },   { "status", op_status },     { "reload", op_reload },
};

static json_object *serve(struct hc_control *c, json_object *request, const char *peer)
{
	json_object *v;

	if (!json_object_is_type(request, json_type_object))
		return failure("bad_request", "a request is one JSON object on one line");
	if (!json_object_object_get_ex(request, "hindcast", &v) || !json_object_is_type(v, json_type_int) ||
	    json_object_get_int64(v) != HC_CONTROL_VERSION)
		return failure("bad_version", "this recorder speaks version 1 of the protocol: \"hindcast\": 1");
	if (!json_object_object_get_ex(request, "op", &v) || !is_text(v))
		return failure("bad_request", "'op' is missing");
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].op, json_object_get_string(v)) == 0)
			return ops[i].fn(c, request, peer);
	return failure("unknown_op",
	               "no such op: capture.start, capture.stop, capture.delete, capture.list, status, reload");
}

char *hc_control_answer(struct hc_control *c, const char *request, size_t n_bytes, const char *peer)
{
	json_tokener *tok = json_tokener_new_ex(8);
	json_object *in = NULL, *out;
	char *text;

	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	if (n_bytes <= HC_CONTROL_MAX_BYTES && !memchr(request, '\0', n_bytes)) /* where it would stop */
		in = json_tokener_parse_ex(tok, request, (int)n_bytes);
	if (json_tokener_get_error(tok) == json_tokener_continue) /* a number may go on: it does not */
		in = json_tokener_parse_ex(tok, "\n", 1);
	out = json_tokener_get_error(tok) == json_tokener_success && in
	              ? serve(c, in, peer)
	              : failure("bad_request", "a request is one JSON object on one line");
	text = strdup(
		json_object_to_json_string_ext(out, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(in);
	json_object_put(out);
	json_tokener_free(tok);
	return text;
}

/* ---- connections ---- */

static void let_go(struct peer *p)
{
	struct hc_control *c = p->control;

	hc_daemon_unwatch(c->daemon, p->fd);
	close(p->fd);
	for (unsigned i = 0; i < MAX_PEERS; i++)
		if (c->peers[i] == p)
			c->peers[i] = NULL;
	free(p->in);
	free(p->out);
	free(p);
}

/* Sends what waits; false: the peer is gone. */
static bool flush_out(struct peer *p)
{
	while (p->sent < p->n_out) {
		ssize_t n = send(p->fd, p->out + p->sent, p->n_out - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n <= 0)
			return false;
		p->sent += (size_t)n;
	}
	p->n_out = p->sent = 0;
	return true;
}

static bool queue(struct peer *p, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	char *out;

	if (!text || p->n_out + n + 1 > MAX_OUT_BYTES)
		return false;
	out = realloc(p->out, p->n_out + n + 1);
	if (!out)
		return false;
	p->out = out;
	memcpy(out + p->n_out, text, n + 1);
	out[p->n_out + n] = '\n'; /* for the NUL */
	p->n_out += n + 1;
	return true;
}

/* Answers each whole line that is in; false: let it go. */
static bool answer_lines(struct peer *p)
{
	char *begin = p->in, *end = p->in + p->n_in, *nl;

	while ((nl = memchr(begin, '\n', (size_t)(end - begin))) != NULL) {
		char *text = hc_control_answer(p->control, begin, (size_t)(nl - begin), p->who);
		bool ok = queue(p, text);

		free(text);
		if (!ok)
			return false;
		begin = nl + 1;
		p->idle_seconds = 0;
	}
	p->n_in = (size_t)(end - begin);
	memmove(p->in, begin, p->n_in);
	if (p->n_in == HC_CONTROL_MAX_BYTES) {
		(void)queue(p, "{\"ok\":false,\"error\":{\"code\":\"too_long\",\"message\":\"a request is at most "
		               "65536 bytes\"}}");
		(void)flush_out(p);
		return false;
	}
	return true;
}

static void on_peer(void *ctx, int fd, uint32_t events)
{
	struct peer *p = ctx;
	bool ok = true;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !p->ended) {
		ssize_t n = recv(fd, p->in + p->n_in, HC_CONTROL_MAX_BYTES - p->n_in, MSG_DONTWAIT);

		if (n < 0)
			ok = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
		else if (n == 0)
			p->ended = true;
		else
			p->n_in += (size_t)n;
		ok = ok && (n <= 0 || answer_lines(p));
	}
	ok = ok && flush_out(p);
	if (!ok || (p->ended && !p->n_out)) {
		let_go(p);
		return;
	}
	/* one that does not read its answers is not read either */
	if (hc_daemon_watch(p->control->daemon, fd, (p->n_out ? EPOLLOUT : EPOLLIN), on_peer, p) < 0)
		let_go(p);
}

/* May the peer ask? Its user, or one of its groups, must be let in. */
static bool is_allowed(const struct hc_control *c, int fd, struct ucred *who)
{
	gid_t groups[MAX_GROUPS];
	socklen_t n = sizeof(*who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, who, &n) < 0)
		return false;
	if (who->uid == 0 || who->uid == geteuid())
		return true;
	if (!c->opts.group)
		return false;
	if (who->gid == c->group)
		return true;
	n = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (unsigned i = 0; i < n / sizeof(groups[0]); i++)
		if (groups[i] == c->group)
			return true;
	return false;
}

static void refuse(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

/* Those that say nothing keep nobody out. The slot that is free now; MAX_PEERS: all have just asked something. */
static unsigned let_idlest_go(struct hc_control *c)
{
	unsigned idlest = 0;

	for (unsigned i = 1; i < MAX_PEERS; i++)
		if (c->peers[i]->idle_seconds > c->peers[idlest]->idle_seconds)
			idlest = i;
	if (c->peers[idlest]->idle_seconds < IDLE_MIN_SECONDS)
		return MAX_PEERS;
	let_go(c->peers[idlest]);
	return idlest;
}

static void on_connect(void *ctx, int listening, uint32_t events)
{
	struct hc_control *c = ctx;
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred who = { 0 };
	struct peer *p = NULL;
	unsigned slot = 0;

	(void)events;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		/* it waits, and the loop would be told of it without end */
		hc_log(hc_daemon_log(c->daemon), HC_LOG_WARN, "a request has to wait",
		       HC_LOG_STR("error", strerror(errno)));
		hc_daemon_unwatch(c->daemon, listening);
		c->pausing = true;
	}
	if (fd < 0)
		return;
	if (!is_allowed(c, fd, &who)) {
		hc_log(hc_daemon_log(c->daemon), HC_LOG_WARN, "a request was refused", HC_LOG_U64("uid", who.uid),
		       HC_LOG_U64("from_pid", (uint64_t)who.pid));
		refuse(fd, "{\"ok\":false,\"error\":{\"code\":\"not_allowed\",\"message\":\"this user may not "
		           "control the "
		           "recorder\"}}\n");
		return;
	}
	while (slot < MAX_PEERS && c->peers[slot])
		slot++;
	if (slot == MAX_PEERS)
		slot = let_idlest_go(c);
	if (slot < MAX_PEERS)
		p = calloc(1, sizeof(*p));
	if (p)
		p->in = malloc(HC_CONTROL_MAX_BYTES);
	if (!p || !p->in) {
		free(p);
		refuse(fd, "{\"ok\":false,\"error\":{\"code\":\"busy\",\"message\":\"too many connections\"}}\n");
		return;
	}
	p->control = c;
	p->fd = fd;
	snprintf(p->who, sizeof(p->who), "uid=%u pid=%d", who.uid, (int)who.pid);
	c->peers[slot] = p;
	if (hc_daemon_watch(c->daemon, fd, EPOLLIN, on_peer, p) < 0)
		let_go(p);
}

/* ---- life ---- */

int hc_control_path_check(const char *path, struct hc_err *err)
{
	return unix_path_check(path, err);
}

int hc_control_new(const struct hc_control_opts *opts, struct hc_control **ret, struct hc_err *err)
{
	struct hc_control *c;
	gid_t group = 0;
	int code = unix_path_check(opts->path, err);

	if (code == 0 && opts->group)
		code = unix_group(opts->group, &group, err);
	if (code < 0)
		return code;
	c = calloc(1, sizeof(*c));
	if (!c)
		return hc_err_set(err, -ENOMEM, "out of memory");
	c->opts = *opts;
	c->group = group;
	c->fd = -1;
	*ret = c;
	return 0;
}

struct hc_control *hc_control_free(struct hc_control *c)
{
	if (c && c->fd >= 0) {
		unlink(c->opts.path);
		close(c->fd);
	}
	free(c);
	return NULL;
}

static struct unix_listen_opts unix_opts(const struct hc_control *c)
{
	return (struct unix_listen_opts){ .path = c->opts.path,
		                          .what = "control socket",
		                          .option = "--control PATH",
		                          .group = c->opts.group ? &c->group : NULL,
		                          .backlog = MAX_PEERS };
}

/* Whether the answer to `status` is that of the recorder that writes into our directory. */
static bool is_of_dir(const struct hc_control *c, const char *answer)
{
	json_object *o = json_tokener_parse(answer), *id;
	char own[DIR_ID_ROOM];
	bool is = json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, "dir_id", &id);

	dir_id(c->opts.dir, own, sizeof(own));
	is = is && strcmp(json_object_get_string(id), own) == 0;
	json_object_put(o);
	return is;
}

int hc_control_try(struct hc_control *c, struct hc_err *err)
{
	const struct unix_listen_opts o = unix_opts(c);
	char *answer = NULL;
	int code = unix_listen_try(&o, err);

	if (code <= 0)
		return code;
	code = hc_control_ask(c->opts.path, "{\"hindcast\":1,\"op\":\"status\"}", TRY_MS, &answer, NULL);
	if (code == 0 && !is_of_dir(c, answer))
		code = hc_err_set(err, -EADDRINUSE,
		                  "the recorder that listens on '%s' does not write into '%s' (--control PATH)",
		                  c->opts.path, c->opts.dir);
	else if (code == -ENOENT || code == -ECONNREFUSED) /* gone meanwhile */
		code = 0;
	else if (code < 0)
		code = hc_err_set(err, -EADDRINUSE, "another program listens on '%s' (--control PATH)",
		                  c->opts.path);
	free(answer);
	return code;
}

int hc_control_listen(struct hc_control *c, struct hc_err *err)
{
	const struct unix_listen_opts o = unix_opts(c);
	int fd = unix_listen(&o, err);

	if (fd < 0)
		return fd;
	c->fd = fd;
	return 0;
}

static int wait_for_requests(struct hc_control *c, struct hc_err *err)
{
	int code = hc_daemon_watch(c->daemon, c->fd, EPOLLIN, on_connect, c);

	return code < 0 ? hc_err_set(err, code, "cannot wait for requests: %s", strerror(-code)) : 0;
}

static int on_start(void *ctx, struct hc_daemon *d, struct hc_err *err)
{
	struct hc_control *c = ctx;

	c->daemon = d;
	return wait_for_requests(c, err);
}

/* Nobody finds a socket that has no name any more. Without CAP_CHOWN the new one is for root alone. */
static void listen_anew(struct hc_control *c)
{
	struct unix_listen_opts o = unix_opts(c);
	struct hc_err err = { 0 };
	int fd;

	o.group = NULL;
	fd = unix_listen(&o, &err);
	if (fd >= 0) {
		hc_daemon_unwatch(c->daemon, c->fd);
		close(c->fd);
		c->fd = fd;
		(void)wait_for_requests(c, &err);
	}
	if (err.code && !c->unreachable)
		hc_log_err(hc_daemon_log(c->daemon), HC_LOG_ERROR,
		           "the control socket was removed; nobody can ask", &err);
	else if (!err.code)
		hc_log(hc_daemon_log(c->daemon), HC_LOG_WARN, "the control socket was removed, and is there again",
		       HC_LOG_STR("open_to", c->opts.group ? "root, not the group any more" : "root"));
	c->unreachable = err.code != 0;
}

static void on_second(void *ctx, struct hc_daemon *d)
{
	struct hc_control *c = ctx;

	(void)d;
	for (unsigned i = 0; i < MAX_PEERS; i++)
		if (c->peers[i] && ++c->peers[i]->idle_seconds > IDLE_SECONDS)
			let_go(c->peers[i]);
	if (access(c->opts.path, F_OK) < 0 && errno == ENOENT)
		listen_anew(c);
	else if (c->pausing)
		(void)wait_for_requests(c, NULL);
	c->pausing = false;
}

static void on_stop(void *ctx, struct hc_daemon *d)
{
	struct hc_control *c = ctx;

	for (unsigned i = 0; i < MAX_PEERS; i++)
		if (c->peers[i])
			let_go(c->peers[i]);
	hc_daemon_unwatch(d, c->fd);
	close(c->fd);
	c->fd = -1;
	unlink(c->opts.path);
}

struct hc_daemon_part *hc_control_part(struct hc_control *c)
{
	c->part = (struct hc_daemon_part){
		.name = "control socket", .ctx = c, .start = on_start, .second = on_second, .stop = on_stop
	};
	return &c->part;
}
