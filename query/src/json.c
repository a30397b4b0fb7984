#include "query/json.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/utf8.h"
#include "store/render.h"

#define MAX_DEPTH 64

struct json_object *hc_json_str(struct hc_str s)
{
	char *buf = malloc(3 * (size_t)s.len + 1);
	struct json_object *o;
	size_t n = 0;

	for (size_t i = 0; buf && i < s.len;) {
		uint32_t c;
		unsigned len = hc_utf8(s.p + i, s.len - i, &c);

		if (len) {
			for (unsigned k = 0; k < len; k++)
				buf[n++] = s.p[i++];
		} else {
			buf[n++] = '\xef';
			buf[n++] = '\xbf';
			buf[n++] = '\xbd';
			i++;
		}
	}
	o = buf ? json_object_new_string_len(buf, (int)n) : NULL;
	free(buf);
	return o;
}

struct json_object *hc_json_text(const char *text)
{
	return text ? hc_json_str(hc_str_c(text)) : NULL;
}

struct json_object *hc_json_time(int64_t wall_ns)
{
	char buf[HC_RENDER_TIME_MAX];
	size_t n = hc_render_time(wall_ns, buf, sizeof(buf));

	return json_object_new_string_len(buf, (int)n);
}

struct json_object *hc_json_u64(uint64_t v)
{
	char buf[24];

	if (v < HC_JSON_MAX_EXACT)
		return json_object_new_int64((int64_t)v);
	snprintf(buf, sizeof(buf), "%" PRIu64, v);
	return json_object_new_string(buf);
}

struct json_object *hc_json_i64(int64_t v)
{
	char buf[24];

	if (v > -(int64_t)HC_JSON_MAX_EXACT && v < (int64_t)HC_JSON_MAX_EXACT)
		return json_object_new_int64(v);
	snprintf(buf, sizeof(buf), "%" PRId64, v);
	return json_object_new_string(buf);
}

struct json_object *hc_json_hex(const void *p, size_t n_bytes)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = p;
	char *buf = malloc(2 * n_bytes + 1);
	struct json_object *o;

	for (size_t i = 0; buf && i < n_bytes; i++) {
		buf[2 * i] = digits[b[i] >> 4];
		buf[2 * i + 1] = digits[b[i] & 15];
	}
	o = buf ? json_object_new_string_len(buf, (int)(2 * n_bytes)) : NULL;
	free(buf);
	return o;
}

/* ---- canonical form ---- */

struct out {
	char *p;
	size_t n, cap;
	int r;
};

static void put(struct out *o, const char *p, size_t n)
{
	if (o->r < 0)
		return;
	if (o->n + n + 1 > o->cap) {
		size_t cap = o->cap ? o->cap * 2 : 4096;
		char *q;

		while (cap < o->n + n + 1)
			cap *= 2;
		q = realloc(o->p, cap);
		if (!q) {
			o->r = -ENOMEM;
			return;
		}
		o->p = q;
		o->cap = cap;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
	o->p[o->n] = '\0';
}

static void put_text(struct out *o, const char *p, size_t n)
{
	static const char *const shorts[] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"
	};

	put(o, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char esc[HC_JSON_ESCAPE_ROOM];

		if (c == '"' || c == '\\') {
			put(o, "\\", 1);
			put(o, p + i, 1);
		} else if (c >= 0x20) {
			put(o, p + i, 1);
		} else if (c < sizeof(shorts) / sizeof(shorts[0]) && shorts[c]) {
			put(o, shorts[c], 2);
		} else {
			hc_json_escape(c, esc);
			put(o, esc, strlen(esc));
		}
	}
	put(o, "\"", 1);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_value(struct out *o, struct json_object *v, unsigned depth);

/* Keys are our own ASCII names, for which byte order is the order of UTF-16 that the RFC asks for. */
static void put_object(struct out *o, struct json_object *v, unsigned depth)
{
	size_t n = (size_t)json_object_object_length(v), i = 0;
	const char **keys = malloc((n + 1) * sizeof(*keys));

	if (!keys) {
		o->r = -ENOMEM;
		return;
	}
	json_object_object_foreach(v, key, unused)
	{
		(void)unused;
		keys[i++] = key;
	}
	if (n)
		qsort(keys, n, sizeof(*keys), by_key);
	put(o, "{", 1);
	for (i = 0; i < n; i++) {
		if (i)
			put(o, ",", 1);
		put_text(o, keys[i], strlen(keys[i]));
		put(o, ":", 1);
		put_value(o, json_object_object_get(v, keys[i]), depth + 1);
	}
	put(o, "}", 1);
	free(keys);
}

static void put_number(struct out *o, struct json_object *v)
{
	int64_t n = json_object_get_int64(v);
	char buf[24];

	if (n <= -(int64_t)HC_JSON_MAX_EXACT || n >= (int64_t)HC_JSON_MAX_EXACT) {
		o->r = -EINVAL;
		return;
	}
	put(o, buf, (size_t)snprintf(buf, sizeof(buf), "%" PRId64, n));
}

static void put_value(struct out *o, struct json_object *v, unsigned depth)
{
	if (depth > MAX_DEPTH)
		o->r = -EINVAL;
	if (o->r < 0)
		return;
	switch (json_object_get_type(v)) {
	case json_type_null:
		put(o, "null", 4);
		return;
	case json_type_boolean:
		put(o, json_object_get_boolean(v) ? "true" : "false", json_object_get_boolean(v) ? 4 : 5);
		return;
	case json_type_int:
		put_number(o, v);
		return;
	case json_type_string:
		put_text(o, json_object_get_string(v), (size_t)json_object_get_string_len(v));
		return;
	case json_type_array:
		put(o, "[", 1);
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			if (i)
				put(o, ",", 1);
			put_value(o, json_object_array_get_idx(v, i), depth + 1);
		}
		put(o, "]", 1);
		return;
	case json_type_object:
		put_object(o, v, depth);
		return;
	default: /* fractions have no place in evidence */
		o->r = -EINVAL;
	}
}

int hc_json_canon(struct json_object *o, char **ret, size_t *ret_bytes)
{
	struct out out = { 0 };

	put_value(&out, o, 0);
	if (out.r < 0) {
		free(out.p);
		return out.r;
	}
	*ret = out.p;
	if (ret_bytes)
		*ret_bytes = out.n;
	return 0;
}
