/* A growing text in an arena. */
#include "replay/dialects/falco/json.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/base/utf8.h"

void fjson_bytes(struct fjson *j, const char *p, uint32_t n)
{
	if (j->failed)
		return;
	if (n > UINT32_MAX / 2 - 64 - j->n) {
		j->failed = true;
		return;
	}
	if (j->n + n + 1 > j->cap) {
		uint32_t cap = (j->n + n + 64) * 2;
		char *grown = hc_arena_raw(j->arena, cap);

		if (!grown) {
			j->failed = true;
			return;
		}
		if (j->n)
			memcpy(grown, j->p, j->n);
		j->p = grown;
		j->cap = cap;
	}
	if (n)
		memcpy(j->p + j->n, p, n);
	j->n += n;
}

void fjson_raw(struct fjson *j, const char *s)
{
	fjson_bytes(j, s, (uint32_t)strlen(s));
}

void fjson_char(struct fjson *j, char c)
{
	fjson_bytes(j, &c, 1);
}

void fjson_base64(struct fjson *j, const char *p, uint32_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (uint32_t i = 0; i < n; i += 3) {
		uint32_t left = n - i, bits = 0;

		for (uint32_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < left ? (uint8_t)p[i + k] : 0);
		for (uint32_t k = 0; k < 4; k++) {
			if (k <= left)
				fjson_char(j, digits[bits >> (18 - 6 * k) & 63]);
			else
				fjson_char(j, '=');
		}
	}
}

/* Stands for itself in JSON. */
static bool is_plain(uint8_t c)
{
	return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

void fjson_escaped(struct fjson *j, struct hc_str s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	for (uint32_t i = 0; i < s.len;) {
		uint32_t from = i, c;
		unsigned n;
		char esc[HC_JSON_ESCAPE_ROOM];

		while (i < s.len && is_plain(p[i]))
			i++;
		fjson_bytes(j, s.p + from, i - from);
		if (i == s.len)
			return;
		n = hc_utf8(s.p + i, s.len - i, &c);
		if (!n) {
			fjson_raw(j, "\xef\xbf\xbd");
			i += hc_utf8_broken(s.p + i, s.len - i);
			continue;
		}
		switch (p[i]) {
		case '"':
			fjson_raw(j, "\\\"");
			break;
		case '\\':
			fjson_raw(j, "\\\\");
			break;
		case '\b':
			fjson_raw(j, "\\b");
			break;
		case '\f':
			fjson_raw(j, "\\f");
			break;
		case '\n':
			fjson_raw(j, "\\n");
			break;
		case '\r':
			fjson_raw(j, "\\r");
			break;
		case '\t':
			fjson_raw(j, "\\t");
			break;
		default:
			if (p[i] < ' ') {
				hc_json_escape(p[i], esc);
				fjson_raw(j, esc);
			} else {
				fjson_bytes(j, s.p + i, n);
			}
		}
		i += n;
	}
}

void fjson_text(struct fjson *j, struct hc_str s)
{
	fjson_char(j, '"');
	fjson_escaped(j, s);
	fjson_char(j, '"');
}

void fjson_u64(struct fjson *j, uint64_t v)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRIu64, v);
	fjson_raw(j, buf);
}

void fjson_i64(struct fjson *j, int64_t v)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRId64, v);
	fjson_raw(j, buf);
}

struct hc_str fjson_end(struct fjson *j)
{
	fjson_bytes(j, "", 1);
	if (j->failed)
		return (struct hc_str){ 0 };
	return (struct hc_str){ j->p, --j->n };
}
