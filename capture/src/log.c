/* A line is put together in a buffer on the stack; what does not fit is cut, and the line says so. */
#include "capture/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/base/utf8.h"

#define LINE_BYTES 4096
#define TAIL_BYTES 32 /* kept free for what closes a line */

struct line {
	char buf[LINE_BYTES];
	size_t n;
	bool cut;
};

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static void put(struct line *l, const char *p, size_t n)
{
	if (l->cut || n > sizeof(l->buf) - TAIL_BYTES - l->n) {
		l->cut = true;
		return;
	}
	memcpy(l->buf + l->n, p, n);
	l->n += n;
}

static void put_c(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

/* In quotes, the same escapes in both formats: no byte of it can end the line or act on a terminal. */
static void put_quoted(struct line *l, const char *text)
{
	const char *end = text + strlen(text);

	put_c(l, "\"");
	for (const char *p = text; p < end;) {
		uint32_t c;
		unsigned n = hc_utf8(p, (size_t)(end - p), &c);
		char esc[HC_JSON_ESCAPE_ROOM];

		if (!n) {
			put_c(l, "\\ufffd");
		} else if (c == '"' || c == '\\') {
			snprintf(esc, sizeof(esc), "\\%c", (char)c);
			put_c(l, esc);
		} else if (hc_char_is_control(c)) {
			hc_json_escape(c, esc);
			put_c(l, esc);
		} else {
			put(l, p, n);
		}
		p += n ? n : 1;
	}
	put_c(l, "\"");
}

static bool is_bare(const char *text)
{
	if (!*text)
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '=' || *p == '\\')
			return false;
	return true;
}

static void put_text(const struct hc_log *log, struct line *l, const char *text)
{
	if (log->format == HC_LOG_LOGFMT && is_bare(text))
		put_c(l, text);
	else
		put_quoted(l, text);
}

static void put_key(const struct hc_log *log, struct line *l, const char *key)
{
	if (log->format == HC_LOG_JSON) {
		put_c(l, l->n > 1 ? ",\"" : "\"");
		put_c(l, key);
		put_c(l, "\":");
	} else {
		put_c(l, l->n ? " " : "");
		put_c(l, key);
		put_c(l, "=");
	}
}

static void put_field(const struct hc_log *log, struct line *l, const struct hc_log_field *f)
{
	size_t n = l->n;
	char text[32];

	if (f->kind == HC_LOG_K_STR && !f->s)
		return;
	put_key(log, l, f->key);
	switch (f->kind) {
	case HC_LOG_K_STR:
		put_text(log, l, f->s);
		break;
	case HC_LOG_K_I64:
		snprintf(text, sizeof(text), "%" PRId64, f->i);
		put_c(l, text);
		break;
	case HC_LOG_K_F64:
		snprintf(text, sizeof(text), "%.3f", f->f);
		put_c(l, text);
		break;
	case HC_LOG_K_BOOL:
		put_c(l, f->u ? "true" : "false");
		break;
	default:
		snprintf(text, sizeof(text), "%" PRIu64, f->u);
		put_c(l, text);
	}
	if (l->cut)
		l->n = n; /* no half fields */
}

static void now_text(char *buf, size_t room)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, room, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, room - n, ".%03ldZ", ts.tv_nsec / 1000000);
}

void hc_log_write(struct hc_log *log, enum hc_log_level level, const char *msg, const struct hc_log_field *fields)
{
	struct line l = { .n = 0 };
	char now[40];
	ssize_t r;

	if (!log || level > log->level)
		return;
	now_text(now, sizeof(now));
	if (log->format == HC_LOG_JSON)
		put_c(&l, "{");
	put_field(log, &l, &HC_LOG_STR("time", now));
	put_field(log, &l, &HC_LOG_STR("level", level_names[level]));
	put_field(log, &l, &HC_LOG_STR("msg", msg));
	for (; fields->kind != HC_LOG_END; fields++)
		put_field(log, &l, fields);
	if (l.cut) {
		l.cut = false;
		memcpy(l.buf + l.n, log->format == HC_LOG_JSON ? ",\"cut\":true" : " cut=true",
		       log->format == HC_LOG_JSON ? 11 : 9);
		l.n += log->format == HC_LOG_JSON ? 11 : 9;
	}
	if (log->format == HC_LOG_JSON)
		l.buf[l.n++] = '}';
	l.buf[l.n++] = '\n';
	do
		r = write(log->fd, l.buf, l.n);
	while (r < 0 && errno == EINTR);
	if (r != (ssize_t)l.n)
		log->n_lost++;
}

void hc_log_err(struct hc_log *log, enum hc_log_level level, const char *msg, const struct hc_err *err)
{
	char text[sizeof(err->file) + sizeof(err->msg) + 64];

	hc_err_text(err, text, sizeof(text));
	hc_log(log, level, msg, HC_LOG_STR("error", text), HC_LOG_STR("note", err->notes[0] ? err->notes : NULL));
}
