/* On-demand captures: a short list, one row for each change, and a look at the clock each second. */
#include "capture/captures.h"
#include "store/base/clock.h"
#include "store/holes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "wall_clock.h"

#define AGAIN_NS INT64_C(60000000000)

/* One that was deleted, as long as the row of its beginning is there. */
struct deleted {
	uint64_t begin_seq;        /* of that row */
	uint64_t end_seq, own_seq; /* of those that tell of its end, and that it was deleted */
};

struct hc_captures {
	struct hc_capture_now v[HC_CAPTURES_MAX];
	uint32_t n;
	struct deleted *deleted;
	size_t n_deleted;
	int64_t deleted_boot_ns;  /* when they were looked at last */
	struct hc_daemon *daemon; /* NULL until it runs */
	bool raised;              /* the recorder records more than its profile for one of them */
	int64_t log_boot_ns;      /* when it was last said that an end cannot be written; 0: never */
	struct wall_clock clock;
	struct hc_daemon_part part;
};

static int64_t plus(int64_t t, uint64_t ns)
{
	return ns > (uint64_t)INT64_MAX - (uint64_t)t ? INT64_MAX : t + (int64_t)ns;
}

static int64_t boot_ns(void)
{
	return (int64_t)hc_clock_ns(CLOCK_BOOTTIME);
}

const char *hc_capture_past_text(enum hc_capture_past past)
{
	static const char *const text[] = { NULL, "beginning", "unrecorded", "removed" };

	return text[past];
}

uint64_t hc_capture_keep_ns(const struct hc_capture_now *k)
{
	int64_t keep =
		k->until_wall_ns ? k->expires_boot_ns - k->until_boot_ns : k->expires_wall_ns - k->asked_wall_ns;

	return !k->expires_wall_ns ? 0 : keep > 0 ? (uint64_t)keep : 1;
}

static struct hc_capture_now *find(struct hc_captures *c, const char *name)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].name, name) == 0)
			return &c->v[i];
	return NULL;
}

static void clear(struct hc_capture_now *k)
{
	free(k->scope);
	free(k->by);
	free(k->note);
	free(k->detail);
	*k = (struct hc_capture_now){ 0 };
}

static void drop(struct hc_captures *c, struct hc_capture_now *k)
{
	size_t at = (size_t)(k - c->v);

	clear(k);
	c->n--;
	memmove(&c->v[at], &c->v[at + 1], (c->n - at) * sizeof(*c->v));
	c->v[c->n] = (struct hc_capture_now){ 0 };
}

/* Takes copies; false when out of memory. */
static bool set_texts(struct hc_capture_now *k, const char *scope, const char *by, const char *note,
                      const char *detail)
{
	k->scope = strdup(scope ? scope : "");
	k->by = strdup(by ? by : "");
	k->note = strdup(note ? note : "");
	k->detail = strdup(detail ? detail : "");
	return k->scope && k->by && k->note && k->detail;
}

/* Where the past that a capture asked for really begins, in a recording that has no hole from `since` on; 0: not
 * known, or there is no past. */
static int64_t past_of(const struct hc_capture_now *k, int64_t since)
{
	if (!since || since >= k->asked_wall_ns)
		return 0;
	return since > k->from_wall_ns ? since : k->from_wall_ns;
}

/* ---- what was there ---- */

/* Was the clock set since a row was written? */
static bool clock_was_set(const struct hc_capture_block *blocks, uint32_t n, uint64_t since_seq)
{
	int64_t least = INT64_MAX, most = INT64_MIN;

	for (uint32_t i = 0; i < n; i++) {
		int64_t offset = blocks[i].info.wall_offset_ns;

		if (blocks[i].info.last_seq < since_seq)
			continue;
		least = offset < least ? offset : least;
		most = offset > most ? offset : most;
	}
	return most > least && most - least >= WALL_STEP_NS;
}

/* A capture that still runs, read back after a restart: where the wall clock was set since it began, rows of it
 * stand under times before its beginning or after its end. Its span is made to cover these, too. */
static void widen(struct hc_capture_now *k, struct hc_capture *past, uint64_t begin_seq)
{
	const struct hc_capture_block *blocks;
	uint32_t n;

	blocks = hc_capture_blocks(past, &n);
	if (!clock_was_set(blocks, n, begin_seq))
		return;
	for (uint32_t i = 0; i < n; i++) {
		const struct hc_block_info *b = &blocks[i].info;
		int64_t first = (int64_t)(b->first_ns + (uint64_t)b->wall_offset_ns),
			last = (int64_t)(b->last_ns + (uint64_t)b->wall_offset_ns);

		if (b->last_seq < begin_seq)
			continue;
		if (b->first_seq >= begin_seq && first < k->from_wall_ns)
			k->from_wall_ns = first;
		if (last > k->latest_wall_ns)
			k->latest_wall_ns = last;
	}
}

static int add_deleted(struct hc_captures *c, const struct deleted *d)
{
	struct deleted *v = realloc(c->deleted, (c->n_deleted + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	v[c->n_deleted++] = *d;
	c->deleted = v;
	return 0;
}

static int take(struct hc_captures *c, struct hc_capture *past, const struct hc_mark *m,
                const struct hc_holes *holes)
{
	struct hc_capture_now *k = &c->v[c->n];

	if (m->state == HC_MARK_DELETED)
		return add_deleted(c, &(struct deleted){ m->begin_seq, m->end_seq, m->state_seq });
	if (c->n == HC_CAPTURES_MAX)
		return 0;
	c->n++;
	snprintf(k->id, sizeof(k->id), "%s", m->id);
	snprintf(k->name, sizeof(k->name), "%s", m->name);
	k->state = m->state;
	k->snaplen = m->snaplen;
	k->begin_seq = m->begin_seq;
	k->end_seq = m->end_seq;
	k->state_seq = m->state_seq;
	k->clock_seq = m->clock_seq;
	k->asked_wall_ns = m->asked_wall_ns;
	k->from_wall_ns = m->from_wall_ns;
	k->until_wall_ns = m->until_wall_ns;
	k->expires_wall_ns = m->expires_wall_ns;
	k->asked_boot_ns = m->asked_wall_ns - c->clock.offset_ns;
	if (k->asked_boot_ns > boot_ns()) /* the clock was set back since */
		k->asked_boot_ns = boot_ns();
	k->until_boot_ns = m->until_wall_ns ? m->until_wall_ns - c->clock.offset_ns : 0;
	k->expires_boot_ns = m->expires_wall_ns ? m->expires_wall_ns - c->clock.offset_ns : 0;
	if (k->state == HC_MARK_RUNNING)
		widen(k, past, m->begin_seq);
	/* the past is pinned: what is there of it has not changed since the capture was asked for */
	k->past_wall_ns = past_of(k, hc_holes_since(holes, HC_STREAM_SECURITY, k->asked_wall_ns));
	k->past_bulk_wall_ns = past_of(k, hc_holes_since(holes, HC_STREAM_BULK, k->asked_wall_ns));
	return set_texts(k, m->scope, m->by, m->note, m->detail) ? 0 : -ENOMEM;
}

struct hc_captures *hc_captures_new(void)
{
	return calloc(1, sizeof(struct hc_captures));
}

int hc_captures_load(struct hc_captures *c, const char *dir, struct hc_err *err)
{
	HC_AUTO(hc_capture_close) struct hc_capture *past = NULL;
	struct hc_marks marks = { 0 };
	struct hc_holes holes = { 0 };
	struct hc_err why = { 0 };
	int code = hc_capture_open(dir, HC_CAPTURE_EVEN_BROKEN, &past, &why);

	if (code == -ENOMEM)
		return hc_err_set(err, code, "out of memory");
	if (code < 0) /* nothing was recorded yet; what is wrong with the directory the recorder says itself */
		return 0;
	(void)wall_clock_look(&c->clock, boot_ns(), hc_wall_ns());
	code = hc_marks_load(past, &marks, err);
	if (code >= 0)
		code = hc_holes_load(past, &holes, err);
	for (uint32_t i = 0; i < marks.n && code >= 0; i++)
		code = take(c, past, &marks.v[i], &holes);
	hc_holes_done(&holes);
	hc_marks_done(&marks);
	if (code < 0)
		return err && err->code ? code : hc_err_set(err, code, "out of memory");
	return 0;
}

struct hc_captures *hc_captures_free(struct hc_captures *c)
{
	if (!c)
		return NULL;
	for (uint32_t i = 0; i < c->n; i++)
		clear(&c->v[i]);
	free(c->deleted);
	free(c);
	return NULL;
}

/* ---- what must be kept ---- */

static struct hc_retain_pin row_pin(uint64_t seq)
{
	return (struct hc_retain_pin){ .seq = seq, .streams = 1u << HC_STREAM_SECURITY };
}

/* Rows about a capture may come after its end. Without them it would run again, or be there again, for the next
 * recorder and for readers: they stay as long as the one of its beginning. */
static size_t add_row_pins(const struct hc_captures *c, const struct hc_record *r, struct hc_retain_pin *pins,
                           size_t n)
{
	size_t n_kept;

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->v[i].given_up)
			continue;
		pins[n++] = row_pin(c->v[i].state_seq);
		if (c->v[i].clock_seq)
			pins[n++] = row_pin(c->v[i].clock_seq);
	}
	n_kept = n;
	for (size_t i = 0; i < c->n_deleted; i++) {
		struct hc_retain_pin beginning = row_pin(c->deleted[i].begin_seq);

		if (!hc_record_keeps(r, &beginning, pins, n_kept)) /* the row of its beginning may go, and goes
		                                                      before these, which are younger */
			continue;
		pins[n++] = row_pin(c->deleted[i].end_seq);
		pins[n++] = row_pin(c->deleted[i].own_seq);
	}
	return n;
}

int hc_captures_pin(const struct hc_captures *c, struct hc_record *r)
{
	HC_AUTO(free) struct hc_retain_pin *pins = calloc(3u * c->n + 2 * c->n_deleted + 1, sizeof(*pins));
	size_t n = 0;

	if (!pins)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->n; i++) {
		bool ended = c->v[i].state == HC_MARK_ENDED && c->v[i].until_wall_ns;

		if (c->v[i].given_up)
			continue;
		pins[n++] = (struct hc_retain_pin){ .from_ns = c->v[i].from_wall_ns,
			                            .until_ns = ended ? c->v[i].until_wall_ns : INT64_MAX,
			                            .streams = (1u << HC_N_STREAMS) - 1 };
	}
	return hc_record_set_pins(r, pins, add_row_pins(c, r, pins, n));
}

/* After each change. */
static void pin(struct hc_captures *c)
{
	if (hc_captures_pin(c, hc_daemon_record(c->daemon)) < 0)
		hc_log(hc_daemon_log(c->daemon), HC_LOG_ERROR,
		       "out of memory: a capture's past may be removed before it is kept");
}

/* ---- changes ---- */

static const char *const details[] = { "minimal", "security", "full" }; /* enum hc_profile */

/* As in struct hc_record_raise. */
static unsigned detail_of(const char *text)
{
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(text, details[i]) == 0)
			return i + 1;
	return 0;
}

/* Has the recorder record in the detail that the first n captures ask for, as far as they run. */
static int raise_detail(struct hc_captures *c, uint32_t n, struct hc_err *err)
{
	struct hc_record_raise v[HC_CAPTURES_MAX];
	size_t n_raises = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct hc_capture_now *k = &c->v[i];
		unsigned detail = detail_of(k->detail);

		if (k->state == HC_MARK_RUNNING && (detail || k->snaplen))
			v[n_raises++] =
				(struct hc_record_raise){ .key = k->id,
				                          .capture = k->name,
				                          .scope = k->scope,
				                          .detail = detail,
				                          .snaplen = k->snaplen,
				                          .asked_wall_ns = k->asked_boot_ns + c->clock.offset_ns };
	}
	if (!n_raises && !c->raised)
		return 0;
	c->raised = n_raises > 0;
	return hc_record_set_raises(hc_daemon_record(c->daemon), v, n_raises, err);
}

/* The same after a capture has ended. That it has ended stands, whether detail can be lowered or not. */
static void lower_detail(struct hc_captures *c)
{
	struct hc_err err = { 0 };

	if (raise_detail(c, c->n, &err) < 0)
		hc_log_err(hc_daemon_log(c->daemon), HC_LOG_ERROR, "detail cannot be lowered", &err);
}

static int write_row(struct hc_captures *c, const struct hc_capture_now *k, const char *op, const char *by,
                     uint64_t *ret_seq, struct hc_err *err)
{
	struct hc_record_mark m = {
		.op = op,
		.id = k->id,
		.name = k->name,
		.by = by,
		.scope = k->scope,
		.from_wall_ns = k->from_wall_ns,
		.until_wall_ns = k->until_wall_ns,
		.expires_wall_ns = k->expires_wall_ns,
		.pinned = strcmp(op, "unpin") != 0,
	};

	if (!c->daemon)
		return hc_err_set(err, -EAGAIN, "the recorder has not begun to record yet");
	if (strcmp(op, "begin") == 0) {
		m.note = k->note[0] ? k->note : NULL;
		m.detail = k->detail[0] ? k->detail : NULL;
		m.snaplen = k->snaplen;
	}
	return hc_record_mark(hc_daemon_record(c->daemon), &m, ret_seq, err);
}

static int check(struct hc_captures *c, const struct hc_capture_request *q, struct hc_err *err)
{
	if (!hc_mark_name_ok(q->name))
		return hc_err_set(
			err, -EINVAL,
			"a capture's name has 1 to %d letters, digits, dots, underscores and hyphens, and does "
			"not begin with a dot or hyphen",
			HC_MARK_NAME_MAX);
	if (!hc_mark_scope_ok(q->scope))
		return hc_err_set(
			err, -EINVAL,
			"the scope is none of host, container=ID, pod=NAMESPACE/NAME, pid=N, cgroup=/PATH");
	if (q->detail && !detail_of(q->detail))
		return hc_err_set(err, -EINVAL, "the detail is none of minimal, security, full");
	if (q->snaplen > 4096)
		return hc_err_set(err, -EINVAL, "the snaplen is at most 4096 bytes");
	if (q->note && strlen(q->note) > 1024)
		return hc_err_set(err, -EINVAL, "the note is longer than 1024 bytes");
	if (find(c, q->name))
		return hc_err_set(err, -EEXIST, "there is a capture '%s' already", q->name);
	if (c->n == HC_CAPTURES_MAX)
		return hc_err_set(err, -E2BIG, "there are %d captures; delete one first", HC_CAPTURES_MAX);
	return 0;
}

static int new_id(char id[33])
{
	uint8_t random[16];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -errno;
	for (unsigned i = 0; i < 16; i++)
		snprintf(id + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static enum hc_capture_past limit_of(const struct hc_retain_stream_stats *st, int64_t since)
{
	if (!st->oldest_wall_ns || st->oldest_wall_ns >= since)
		return st->removed_until_wall_ns ? HC_CAPTURE_PAST_REMOVED : HC_CAPTURE_PAST_BEGINNING;
	return st->unrecorded_until_wall_ns >= since ? HC_CAPTURE_PAST_UNRECORDED : HC_CAPTURE_PAST_REMOVED;
}

/* How far back the recording reaches now: what is pinned may be older, with a hole behind it. */
static void set_past(const struct hc_captures *c, struct hc_capture_now *k)
{
	struct hc_daemon_stats s = { 0 };
	const struct hc_retain_stream_stats *st = &s.record.retain.stream[HC_STREAM_SECURITY];
	int64_t since, bulk;

	if (c->daemon)
		hc_daemon_stats(c->daemon, &s);
	since = hc_retain_since(&s.record.retain, HC_STREAM_SECURITY);
	bulk = hc_retain_since(&s.record.retain, HC_STREAM_BULK);
	if (!since)
		since = (int64_t)s.start_wall_ns;
	k->past_wall_ns = past_of(k, since);
	k->past_bulk_wall_ns = past_of(k, bulk > since ? bulk : since);
	k->past_limit = since > k->from_wall_ns ? limit_of(st, since) : HC_CAPTURE_PAST_WHOLE;
}

/* The wall clock was set by so much: what is still to come keeps its distance, and what comes now belongs to those
 * that run, whatever time it has. */
static void follow(struct hc_captures *c, int64_t step, int64_t now)
{
	struct hc_err err = { 0 };

	hc_log(hc_daemon_log(c->daemon), HC_LOG_WARN, "the wall clock was set",
	       HC_LOG_F64("step_seconds", (double)step / 1e9));
	for (uint32_t i = 0; i < c->n; i++) {
		struct hc_capture_now *k = &c->v[i];
		bool runs = k->state == HC_MARK_RUNNING;
		const struct hc_capture_now before = *k;

		if (runs && now < k->from_wall_ns)
			k->from_wall_ns = now;
		if (runs && k->until_wall_ns)
			k->until_wall_ns = k->until_boot_ns + c->clock.offset_ns;
		if (k->expires_wall_ns && (!runs || k->until_wall_ns))
			k->expires_wall_ns = k->expires_boot_ns + c->clock.offset_ns;
		if (before.from_wall_ns == k->from_wall_ns && before.until_wall_ns == k->until_wall_ns &&
		    before.expires_wall_ns == k->expires_wall_ns)
			continue;
		if (write_row(c, k, "clock", "clock", &k->clock_seq, &err) < 0)
			hc_log_err(hc_daemon_log(c->daemon), HC_LOG_ERROR,
			           "the times of a capture cannot be written", &err);
	}
	pin(c);
}

/* Takes what the clocks say now. Whoever looks first after a step has those that run follow it. */
static void see_clock(struct hc_captures *c, int64_t boot, int64_t wall)
{
	int64_t step = wall_clock_look(&c->clock, boot, wall);

	if (step)
		follow(c, step, wall - WALL_STEP_NS); /* rows of the last second may have come later */
}

/* The past is as long as it was, whatever the wall clock said in it. */
static void set_times(struct hc_captures *c, struct hc_capture_now *k, const struct hc_capture_request *q)
{
	int64_t now = hc_wall_ns(), boot = boot_ns(), from;

	see_clock(c, boot, now);
	from = q->pre_ns > (uint64_t)now ? 1 : wall_clock_first(&c->clock, boot - (int64_t)q->pre_ns, boot);
	k->asked_wall_ns = now;
	k->asked_boot_ns = boot;
	k->from_wall_ns = from > 0 ? from : 1;
	k->until_wall_ns = q->for_ns ? plus(now, q->for_ns) : 0;
	k->until_boot_ns = q->for_ns ? plus(boot, q->for_ns) : 0;
	k->expires_wall_ns = q->keep_ns ? plus(q->for_ns ? k->until_wall_ns : now, q->keep_ns) : 0;
	k->expires_boot_ns = q->keep_ns ? plus(q->for_ns ? k->until_boot_ns : boot, q->keep_ns) : 0;
}

static uint32_t scope_size(const struct hc_captures *c, const struct hc_capture_now *k)
{
	struct hc_record *r = hc_daemon_record(c->daemon);

	return k->detail[0] || k->snaplen ? hc_record_raised(r, k->id) : hc_record_scope_size(r, k->scope);
}

/* What it asks for is recorded from now on, and that it was asked for is on disk. */
static int begin(struct hc_captures *c, struct hc_capture_now *k, const struct hc_capture_request *q,
                 struct hc_err *err)
{
	int code;

	if (!c->daemon)
		return hc_err_set(err, -EAGAIN, "the recorder has not begun to record yet");
	code = raise_detail(c, c->n + 1, err);
	if (code < 0)
		return code;
	set_times(c, k, q); /* from here on its scope is recorded as it wants it */
	code = write_row(c, k, "begin", k->by, &k->begin_seq, err);
	k->state_seq = k->begin_seq;
	if (code < 0)
		lower_detail(c);
	else
		set_past(c, k); /* on a full disk some of it went for the row */
	return code;
}

int hc_captures_start(struct hc_captures *c, const struct hc_capture_request *q, const struct hc_capture_now **ret,
                      struct hc_err *err)
{
	struct hc_capture_now *k = &c->v[c->n];
	int code = check(c, q, err);

	if (code < 0)
		return code;
	snprintf(k->name, sizeof(k->name), "%s", q->name);
	k->state = HC_MARK_RUNNING;
	k->snaplen = q->snaplen;
	set_times(c, k, q);
	code = new_id(k->id);
	if (code >= 0 && !set_texts(k, q->scope, q->by, q->note, q->detail))
		code = -ENOMEM;
	if (code < 0)
		hc_err_set(err, code, "cannot start a capture: %s", strerror(-code));
	else
		code = begin(c, k, q, err);
	if (code < 0) {
		clear(k);
		return code;
	}
	c->n++;
	pin(c);
	if (strcmp(k->scope, "host") != 0)
		k->n_in_scope = scope_size(c, k);
	hc_log(hc_daemon_log(c->daemon), HC_LOG_INFO, "a capture was started", HC_LOG_STR("capture", k->name),
	       HC_LOG_STR("scope", k->scope), HC_LOG_STR("by", k->by), HC_LOG_STR("detail", k->detail),
	       HC_LOG_U64("snaplen", k->snaplen), HC_LOG_U64("in_scope", k->n_in_scope),
	       HC_LOG_F64("pre_seconds", (double)q->pre_ns / 1e9),
	       HC_LOG_F64("for_seconds", (double)q->for_ns / 1e9));
	*ret = k;
	return 0;
}

/* The end of one that runs, at a moment of the boot clock. */
static int end(struct hc_captures *c, struct hc_capture_now *k, int64_t at_boot_ns, const char *by,
               struct hc_err *err)
{
	const struct hc_capture_now before = *k;
	int64_t at = wall_clock_last(&c->clock, k->asked_boot_ns, at_boot_ns);
	int code;

	if (!k->until_wall_ns || at_boot_ns != k->until_boot_ns || at > k->until_wall_ns + WALL_STEP_NS)
		k->until_wall_ns = at;
	if (k->latest_wall_ns > k->until_wall_ns + WALL_STEP_NS)
		k->until_wall_ns = k->latest_wall_ns + 1;
	k->until_boot_ns = at_boot_ns;
	if (k->expires_boot_ns) { /* it is kept as long after its end as was asked for */
		k->expires_boot_ns = plus(at_boot_ns, hc_capture_keep_ns(&before));
		k->expires_wall_ns = k->expires_boot_ns + c->clock.offset_ns;
	}
	code = write_row(c, k, "end", by, &k->end_seq, err);
	k->state_seq = k->end_seq;
	if (code < 0) {
		*k = before;
		return code;
	}
	k->state = HC_MARK_ENDED;
	lower_detail(c);
	pin(c);
	hc_log(hc_daemon_log(c->daemon), HC_LOG_INFO, "a capture has ended", HC_LOG_STR("capture", k->name),
	       HC_LOG_STR("by", by));
	return 0;
}

static int unknown(const char *name, struct hc_err *err)
{
	return hc_err_set(err, -ENOENT, "there is no capture '%s'", hc_mark_name_ok(name) ? name : "?");
}

int hc_captures_stop(struct hc_captures *c, const char *name, const char *by, const struct hc_capture_now **ret,
                     struct hc_err *err)
{
	struct hc_capture_now *k = find(c, name);
	int code;

	if (!k)
		return unknown(name, err);
	code = k->state == HC_MARK_RUNNING ? end(c, k, boot_ns(), by, err) : 0;
	if (code >= 0)
		*ret = k;
	return code;
}

/* The rows about it, and what it pinned is given up. One that runs ends at a moment of the boot clock. */
static int give_up(struct hc_captures *c, struct hc_capture_now *k, int64_t end_boot_ns, const char *end_by,
                   const char *by, struct hc_err *err)
{
	struct deleted deleted = { 0 };
	int code = 0;

	k->given_up = true; /* first: on a disk that captures have filled, the only room for the rows below is what
	                       it kept */
	pin(c);
	if (k->state == HC_MARK_RUNNING)
		code = end(c, k, end_boot_ns, end_by, err);
	if (code >= 0)
		code = write_row(c, k, "unpin", by, &deleted.own_seq, err);
	deleted.begin_seq = k->begin_seq;
	deleted.end_seq = k->end_seq;
	if (code >= 0 && add_deleted(c, &deleted) < 0)
		code = hc_err_set(err, -ENOMEM, "out of memory");
	if (code < 0) {
		k->given_up = false;
		pin(c);
		return code;
	}
	hc_log(hc_daemon_log(c->daemon), HC_LOG_INFO, "a capture was deleted", HC_LOG_STR("capture", k->name),
	       HC_LOG_STR("by", by));
	drop(c, k);
	pin(c);
	return 0;
}

int hc_captures_delete(struct hc_captures *c, const char *name, const char *by, struct hc_err *err)
{
	struct hc_capture_now *k = find(c, name);

	return k ? give_up(c, k, boot_ns(), by, by, err) : unknown(name, err);
}

const struct hc_capture_now *hc_captures_list(const struct hc_captures *c, uint32_t *ret_n)
{
	*ret_n = c->n;
	return c->v;
}

/* ---- in the loop ---- */

/* Tried again each second, and said once a minute. */
static void cannot_end(struct hc_captures *c, int64_t boot, const struct hc_err *why)
{
	if (c->log_boot_ns && boot - c->log_boot_ns < AGAIN_NS)
		return;
	c->log_boot_ns = boot;
	hc_log_err(hc_daemon_log(c->daemon), HC_LOG_ERROR, "the end of a capture cannot be written", why);
}

/* Those of which nothing is there any more. */
static void forget_deleted(struct hc_captures *c, int64_t boot)
{
	size_t n = 0;

	if (!c->n_deleted || boot - c->deleted_boot_ns < AGAIN_NS)
		return;
	c->deleted_boot_ns = boot;
	for (size_t i = 0; i < c->n_deleted; i++) {
		struct hc_retain_pin beginning = row_pin(c->deleted[i].begin_seq);

		if (hc_record_held(hc_daemon_record(c->daemon), &beginning, NULL, 0))
			c->deleted[n++] = c->deleted[i];
	}
	c->n_deleted = n;
	pin(c);
}

static void look(struct hc_captures *c)
{
	int64_t boot = boot_ns();

	see_clock(c, boot, hc_wall_ns());
	forget_deleted(c, boot);
	for (uint32_t i = c->n; i--;) {
		struct hc_capture_now *k = &c->v[i];
		bool runs = k->state == HC_MARK_RUNNING,
		     over = !runs || (k->until_boot_ns && boot >= k->until_boot_ns);
		struct hc_err err = { 0 };
		int code = 0;

		if (over && k->expires_boot_ns && boot >= k->expires_boot_ns)
			code = give_up(c, k, k->until_boot_ns, "time", "expiry", &err);
		else if (over && runs)
			code = end(c, k, k->until_boot_ns, "time", &err);
		if (code < 0)
			cannot_end(c, boot, &err);
	}
}

static int on_start(void *ctx, struct hc_daemon *d, struct hc_err *err)
{
	struct hc_captures *c = ctx;
	struct hc_err why = { 0 };

	(void)err;
	c->daemon = d;
	if (c->n)
		hc_log(hc_daemon_log(d), HC_LOG_INFO, "captures of before go on", HC_LOG_U64("captures", c->n));
	look(c); /* those whose time came while nobody recorded */
	if (raise_detail(c, c->n, &why) < 0)
		hc_log_err(hc_daemon_log(d), HC_LOG_ERROR, "captures of before go on without more detail", &why);
	return 0;
}

static void on_second(void *ctx, struct hc_daemon *d)
{
	(void)d;
	look(ctx);
}

static void on_stop(void *ctx, struct hc_daemon *d)
{
	(void)d;
	((struct hc_captures *)ctx)->daemon = NULL;
}

struct hc_daemon_part *hc_captures_part(struct hc_captures *c)
{
	c->part = (struct hc_daemon_part){
		.name = "captures", .ctx = c, .start = on_start, .second = on_second, .stop = on_stop
	};
	return &c->part;
}
