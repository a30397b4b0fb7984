/* Growing texts and JSON strings. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql_priv.h"
#include "store/base/utf8.h"

void hc_q_put(struct q_buf *b, const char *p, size_t n)
{
	if (b->n + n + 1 > b->cap) {
		size_t cap = b->cap ? b->cap : 256;
		char *q;

		while (cap < b->n + n + 1)
			cap *= 2;
		q = realloc(b->p, cap);
		if (!q) {
			b->oom = true;
			return;
		}
		b->p = q;
		b->cap = cap;
	}
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = 0;
}

void hc_q_put_c(struct q_buf *b, const char *text)
{
	hc_q_put(b, text, strlen(text));
}

void hc_q_put_int(struct q_buf *b, int64_t v, bool is_signed)
{
	char text[24];
	int n = is_signed ? snprintf(text, sizeof(text), "%" PRId64, v)
	                  : snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)v);

	hc_q_put(b, text, (size_t)n);
}

void hc_q_buf_done(struct q_buf *b)
{
	free(b->p);
	*b = (struct q_buf){ 0 };
}

void hc_q_put_json(struct q_buf *b, struct hc_str s)
{
	uint32_t plain = 0; /* beginning of what can be copied as it is */

	hc_q_put(b, "\"", 1);
	if (!s.p)
		s = hc_str_c("");
	for (uint32_t i = 0; i < s.len;) {
		uint32_t c;
		unsigned len = hc_utf8(s.p + i, s.len - i, &c);
		char esc[HC_JSON_ESCAPE_ROOM];

		if (len && c >= 0x20 && (c < 0x7f || c >= 0xa0) && c != '"' && c != '\\') {
			i += len;
			continue;
		}
		hc_q_put(b, s.p + plain, i - plain);
		if (!len) {
			hc_q_put_c(b, "\\ufffd");
		} else if (c == '"' || c == '\\') {
			hc_q_put(b, (const char[]){ '\\', (char)c }, 2);
		} else if (c == '\n' || c == '\t') {
			hc_q_put_c(b, c == '\n' ? "\\n" : "\\t");
		} else {
			hc_json_escape(c, esc);
			hc_q_put_c(b, esc);
		}
		i += len ? len : 1;
		plain = i;
	}
	hc_q_put(b, s.p + plain, s.len - plain);
	hc_q_put(b, "\"", 1);
}
