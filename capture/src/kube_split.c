/* A list of 500 pods or a watch of hours is never held as a whole: bytes go in as they arrive, and each value
 * comes out when its last byte is there. Only as much JSON is understood here as finding the ends takes; whether a
 * value is well formed is for the parser that gets it. */
#include "kube_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MEMBER_BYTES (64u << 10) /* "metadata", "kind" of a list */
#define KEEP_BUF_BYTES (256u << 10)  /* a larger buffer is given back after its value */

enum { BEGIN, KEY, IN_KEY, COLON, VALUE, ITEM, GATHER, END };

void kube_split_init(struct kube_split *s, bool lines, size_t max_item_bytes, kube_split_fn fn, void *ctx)
{
	*s = (struct kube_split){ .lines = lines, .max_item_bytes = max_item_bytes, .fn = fn, .ctx = ctx };
}

void kube_split_done(struct kube_split *s)
{
	free(s->buf);
	s->buf = NULL;
	s->n_buf = s->buf_bytes = 0;
}

static int gather(struct kube_split *s, size_t max_bytes, const char *p, size_t n)
{
	if (s->too_big || !n)
		return 0;
	if (n > max_bytes - s->n_buf) {
		s->too_big = true;
		kube_split_done(s);
		return 0;
	}
	if (!s->buf || s->n_buf + n + 1 > s->buf_bytes) {
		size_t want = s->buf_bytes ? s->buf_bytes : 8192;
		char *buf;

		while (want < s->n_buf + n + 1)
			want *= 2;
		buf = realloc(s->buf, want);
		if (!buf)
			return -ENOMEM;
		s->buf = buf;
		s->buf_bytes = want;
	}
	memcpy(s->buf + s->n_buf, p, n);
	s->n_buf += n;
	return 0;
}

/* The value is complete: hands it out. */
static int give(struct kube_split *s, const char *key)
{
	int r = 0;

	if (s->too_big) {
		if (key)
			return -EBADMSG; /* a list's metadata of 64 KiB */
		s->n_too_big++;
	} else {
		s->buf[s->n_buf] = '\0';
		r = s->fn(s->ctx, key, s->buf, s->n_buf);
	}
	s->too_big = false;
	s->n_buf = 0;
	if (s->buf_bytes > KEEP_BUF_BYTES)
		kube_split_done(s);
	return r < 0 ? r : 0;
}

static int push_lines(struct kube_split *s, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		int r = gather(s, s->max_item_bytes, p, (size_t)((nl ? nl : end) - p));

		if (r < 0 || !nl)
			return r;
		if (s->n_buf || s->too_big) {
			r = give(s, NULL);
			if (r < 0)
				return r;
		}
		p = nl + 1;
	}
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int begin_value(struct kube_split *s, char c, uint8_t back)
{
	if (strchr(",:]}", c))
		return -EBADMSG;
	s->back = back;
	s->state = GATHER;
	s->depth = c == '{' || c == '[';
	s->in_string = c == '"';
	s->scalar = !s->depth && !s->in_string;
	s->escape = false;
	return gather(s, 1, &c, 1);
}

/* How many bytes at p belong to the value; *ret_ended when it ends behind them. */
static size_t value_run(struct kube_split *s, const char *p, size_t n, bool *ret_ended)
{
	size_t i;

	*ret_ended = false;
	for (i = 0; i < n; i++) {
		char c = p[i];

		if (s->in_string) {
			if (s->escape)
				s->escape = false;
			else if (c == '\\')
				s->escape = true;
			else if (c == '"')
				s->in_string = false;
			else
				continue;
			if (!s->in_string && !s->depth) {
				*ret_ended = true;
				return i + 1;
			}
			continue;
		}
		if (s->scalar) {
			if (is_space(c) || c == ',' || c == ']' || c == '}') {
				*ret_ended = true;
				return i; /* c is not the value's */
			}
			continue;
		}
		if (c == '"') {
			s->in_string = true;
		} else if (c == '{' || c == '[') {
			s->depth++;
		} else if ((c == '}' || c == ']') && --s->depth == 0) {
			*ret_ended = true;
			return i + 1;
		}
	}
	return n;
}

/* The structure between values. */
static int step(struct kube_split *s, char c)
{
	size_t n_key = strlen(s->key);

	if (s->state != IN_KEY && is_space(c))
		return 0;
	switch (s->state) {
	case BEGIN:
		s->state = KEY;
		return c == '{' ? 0 : -EBADMSG;
	case KEY:
		if (c == '}') {
			s->state = END;
		} else if (c == ',' && s->comma) {
			s->comma = false;
		} else if (c == '"' && !s->comma) {
			s->state = IN_KEY;
			s->key[0] = '\0';
			s->n_key_cut = false;
		} else {
			return -EBADMSG;
		}
		return 0;
	case IN_KEY:
		if (c == '"') {
			s->state = COLON;
			if (s->n_key_cut)
				s->key[0] = '\0'; /* none that we know is so long or has escapes */
		} else if (c == '\\' || n_key + 1 >= sizeof(s->key)) {
			s->n_key_cut = true;
			if (c == '\\')
				return -EBADMSG;
		} else {
			s->key[n_key] = c;
			s->key[n_key + 1] = '\0';
		}
		return 0;
	case COLON:
		s->state = VALUE;
		return c == ':' ? 0 : -EBADMSG;
	case VALUE:
		s->comma = true;
		if (c == '[' && !strcmp(s->key, "items")) {
			s->state = ITEM;
			s->comma = false;
			return 0;
		}
		return begin_value(s, c, KEY);
	case ITEM:
		if (c == ']') {
			s->state = KEY;
			s->comma = true;
			return 0;
		}
		if (c == ',' && s->comma) {
			s->comma = false;
			return 0;
		}
		if (s->comma)
			return -EBADMSG;
		s->comma = true;
		return begin_value(s, c, ITEM);
	default:
		return -EBADMSG; /* bytes behind the end */
	}
}

int kube_split_push(struct kube_split *s, const char *p, size_t n)
{
	int r;

	if (s->lines)
		return push_lines(s, p, n);
	while (n) {
		bool ended;
		size_t run;

		if (s->state != GATHER) {
			r = step(s, *p);
			if (r < 0)
				return r;
			p++, n--;
			continue;
		}
		run = value_run(s, p, n, &ended);
		r = gather(s, s->back == ITEM ? s->max_item_bytes : MAX_MEMBER_BYTES, p, run);
		if (r < 0)
			return r;
		p += run, n -= run;
		if (!ended)
			return 0;
		s->state = s->back;
		r = give(s, s->back == ITEM ? NULL : s->key);
		if (r < 0)
			return r;
	}
	return 0;
}

int kube_split_end(const struct kube_split *s)
{
	if (s->lines)
		return s->n_buf || s->too_big ? -EBADMSG : 0;
	return s->state == END ? 0 : -EBADMSG;
}
