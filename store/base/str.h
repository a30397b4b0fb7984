/* Text that is borrowed and not terminated. */
#ifndef HC_STORE_BASE_STR_H
#define HC_STORE_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct hc_str {
	const char *p; /* may be NULL when len is 0 */
	uint32_t len;
};

#define HC_STR(literal) ((struct hc_str){ "" literal, sizeof(literal) - 1 })
#define HC_STR_FMT "%.*s"
#define HC_STR_ARG(s) (int)(s).len, (s).len ? (s).p : ""

static inline struct hc_str hc_str_c(const char *text)
{
	return (struct hc_str){ text, text ? (uint32_t)strlen(text) : 0 };
}

static inline bool hc_str_eq(struct hc_str a, struct hc_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool hc_str_starts(struct hc_str s, struct hc_str prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

static inline bool hc_str_ends(struct hc_str s, struct hc_str suffix)
{
	return s.len >= suffix.len &&
	       (suffix.len == 0 || memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len) == 0);
}

/* Whether the word is one of "a,b,c". */
static inline bool hc_str_listed(struct hc_str list, struct hc_str word)
{
	for (;;) {
		const char *comma = list.len ? memchr(list.p, ',', list.len) : NULL;
		uint32_t n = comma ? (uint32_t)(comma - list.p) : list.len;

		if (hc_str_eq((struct hc_str){ list.p, n }, word))
			return true;
		if (!comma)
			return false;
		list = (struct hc_str){ comma + 1, list.len - n - 1 };
	}
}

/* FNV-1a from a start of one's own: for tables in memory, where nobody gains by texts that meet. */
static inline uint64_t hc_str_hash(uint64_t h, struct hc_str s)
{
	for (uint32_t i = 0; i < s.len; i++)
		h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Byte order, a shorter string first: <0, 0, >0. */
static inline int hc_str_cmp(struct hc_str a, struct hc_str b)
{
	uint32_t n = a.len < b.len ? a.len : b.len;
	int r = n ? memcmp(a.p, b.p, n) : 0;

	return r ? r : (a.len > b.len) - (a.len < b.len);
}

#endif
