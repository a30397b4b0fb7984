/*
 * Falco's regular expressions are RE2's in POSIX syntax: no \d, no (?:...), no lazy repetition; repetitions stack;
 * ^ and $ match at lines; classes hold newlines, the dot does not. This reads that syntax and writes the same for
 * PCRE2, every literal escaped, so that nothing means something else there. PCRE2 works on bytes here, RE2 on
 * UTF-8 characters: what can be a character of several bytes is written out as such, except under * and +, where
 * bytes give the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "replay/dialects/falco/check.h"

#define MAX_REPEAT 1000
#define MAX_DEPTH 200
#define MAX_PATTERN 8192

struct rx {
	const char *p;
	uint32_t len, at;
	char *out;
	uint32_t n, cap;
	unsigned depth;
	uint32_t times; /* how often what was read last is repeated, at the most, counting repetitions with numbers
	                 */
	struct hc_arena *arena;
	char *msg;
	size_t msg_bytes;
};

static bool fail(struct rx *r, const char *what, const char *detail, uint32_t detail_len)
{
	if (!r->msg[0])
		snprintf(r->msg, r->msg_bytes, "invalid regex pattern: %s%.*s", what, (int)detail_len, detail);
	return false;
}

static bool put(struct rx *r, char c)
{
	if (r->n + 1 >= r->cap)
		return fail(r, "too long", "", 0);
	r->out[r->n++] = c;
	return true;
}

static bool put_text(struct rx *r, const char *s)
{
	while (*s)
		if (!put(r, *s++))
			return false;
	return true;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool put_byte(struct rx *r, uint8_t c)
{
	char hex[8];

	if (c >= 0x80 || is_alnum((char)c))
		return put(r, (char)c);
	if (c > ' ' && c < 0x7f)
		return put(r, '\\') && put(r, (char)c);
	snprintf(hex, sizeof(hex), "\\x%02x", c);
	return put_text(r, hex);
}

static unsigned utf8(uint32_t c, uint8_t *to)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xc0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xe0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		to[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (uint8_t)(0xf0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	to[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* A character, as one atom. */
static bool put_code(struct rx *r, uint32_t c)
{
	uint8_t bytes[4];
	unsigned n = utf8(c, bytes);

	if (n > 1 && !put_text(r, "(?:"))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!put_byte(r, bytes[i]))
			return false;
	return n == 1 || put(r, ')');
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After a backslash: the character it stands for. */
static bool escape(struct rx *r, uint32_t *ret)
{
	uint32_t begin = r->at - 1, v = 0;
	char c;

	if (r->at >= r->len)
		return fail(r, "trailing \\", "", 0);
	c = r->p[r->at++];
	if ((uint8_t)c < 0x80 && !is_alnum(c)) {
		*ret = (uint8_t)c;
		return true;
	}
	switch (c) {
	case 'a':
		*ret = 7;
		return true;
	case 'f':
		*ret = '\f';
		return true;
	case 'n':
		*ret = '\n';
		return true;
	case 'r':
		*ret = '\r';
		return true;
	case 't':
		*ret = '\t';
		return true;
	case 'v':
		*ret = '\v';
		return true;
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
		if (r->at >= r->len || r->p[r->at] < '0' || r->p[r->at] > '7')
			break; /* a back reference */
		__attribute__((fallthrough));
	case '0':
		v = (uint32_t)(c - '0');
		for (unsigned i = 0; i < 2 && r->at < r->len && r->p[r->at] >= '0' && r->p[r->at] <= '7'; i++)
			v = v * 8 + (uint32_t)(r->p[r->at++] - '0');
		*ret = v;
		return true;
	case 'x':
		if (r->at < r->len && r->p[r->at] == '{') {
			unsigned digits = 0;

			r->at++;
			while (r->at < r->len && hex_value(r->p[r->at]) >= 0 && digits++ < 6)
				v = v * 16 + (uint32_t)hex_value(r->p[r->at++]);
			if (!digits || v > 0x10ffff || r->at >= r->len || r->p[r->at++] != '}')
				break;
			*ret = v;
			return true;
		}
		if (r->at + 1 < r->len && hex_value(r->p[r->at]) >= 0 && hex_value(r->p[r->at + 1]) >= 0) {
			*ret = (uint32_t)(hex_value(r->p[r->at]) * 16 + hex_value(r->p[r->at + 1]));
			r->at += 2;
			return true;
		}
		break;
	default:
		break;
	}
	return fail(r, "invalid escape sequence: ", r->p + begin, r->at - begin);
}

/* One character, of more than one byte where it is UTF-8. */
static bool literal(struct rx *r, uint32_t *ret)
{
	uint8_t c = (uint8_t)r->p[r->at++];
	unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	uint32_t v;

	if (c < 0x80) {
		*ret = c;
		return true;
	}
	v = more == 3 ? c & 7u : more == 2 ? c & 15u : c & 31u;
	for (unsigned i = 0; i < more; i++) {
		if (r->at >= r->len || ((uint8_t)r->p[r->at] & 0xc0) != 0x80)
			more = 0;
		else
			v = v << 6 | ((uint8_t)r->p[r->at++] & 0x3fu);
	}
	if (!more)
		return fail(r, "invalid UTF-8", "", 0);
	*ret = v;
	return true;
}

struct range {
	uint32_t low, high;
};

struct set {
	struct range *v; /* sorted, apart from each other, once tidy() has been over it */
	uint32_t n, cap;
};

#define MAX_CODE 0x10ffff

static bool set_add(struct rx *r, struct set *s, uint32_t low, uint32_t high)
{
	if (s->n == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 32;
		struct range *grown = hc_arena_raw(r->arena, cap * sizeof(*grown));

		if (!grown)
			return fail(r, "out of memory", "", 0);
		if (s->n)
			memcpy(grown, s->v, s->n * sizeof(*grown));
		s->v = grown;
		s->cap = cap;
	}
	s->v[s->n++] = (struct range){ low, high };
	return true;
}

static int by_low(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

static bool set_tidy(struct rx *r, struct set *s, bool negate)
{
	struct set out = { 0 };
	uint32_t from = 0;

	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_low);
	for (uint32_t i = 0; i < s->n;) {
		uint32_t low = s->v[i].low, high = s->v[i].high;

		for (i++; i < s->n && s->v[i].low <= high + 1; i++)
			if (s->v[i].high > high)
				high = s->v[i].high;
		if (!negate) {
			if (!set_add(r, &out, low, high))
				return false;
			continue;
		}
		if (low > from && !set_add(r, &out, from, low - 1))
			return false;
		from = high + 1;
	}
	if (negate && from <= MAX_CODE && !set_add(r, &out, from, MAX_CODE))
		return false;
	*s = out;
	return true;
}

static bool named_set(struct rx *r, const char *name, struct set *s)
{
	static const struct {
		const char *name;
		uint8_t pairs[10];
		uint8_t n;
	} sets[] = {
		{ "alnum", "09AZaz", 3 },
		{ "alpha", "AZaz", 2 },
		{ "ascii", "\0\177", 1 },
		{ "blank", "\t\t  ", 2 },
		{ "cntrl", "\0\037\177\177", 2 },
		{ "digit", "09", 1 },
		{ "graph", "!~", 1 },
		{ "lower", "az", 1 },
		{ "print", " ~", 1 },
		{ "punct", "!/:@[`{~", 4 },
		{ "space", "\t\r  ", 2 },
		{ "upper", "AZ", 1 },
		{ "word", "09AZaz__", 4 },
		{ "xdigit", "09AFaf", 3 },
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (strcmp(sets[i].name, name) != 0)
			continue;
		for (unsigned k = 0; k < sets[i].n; k++)
			if (!set_add(r, s, sets[i].pairs[2 * k], sets[i].pairs[2 * k + 1]))
				return false;
		return true;
	}
	return false;
}

/* [:name:] within a class. */
static bool class_name(struct rx *r, struct set *to, bool *ret_found)
{
	uint32_t begin = r->at, end;
	struct set s = { 0 };
	bool negated;
	char name[16];

	*ret_found = false;
	if (r->len - r->at < 4 || r->p[r->at + 1] != ':')
		return true;
	for (end = r->at + 2; end + 1 < r->len && !(r->p[end] == ':' && r->p[end + 1] == ']'); end++)
		;
	if (end + 1 >= r->len)
		return true;
	negated = r->p[begin + 2] == '^';
	snprintf(name, sizeof(name), "%.*s", (int)(end - begin - 2 - negated), r->p + begin + 2 + negated);
	if (!named_set(r, name, &s))
		return fail(r, "invalid character class range: ", r->p + begin, end + 2 - begin);
	if (!set_tidy(r, &s, negated))
		return false;
	for (uint32_t i = 0; i < s.n; i++)
		if (!set_add(r, to, s.v[i].low, s.v[i].high))
			return false;
	*ret_found = true;
	r->at = end + 2;
	return true;
}

static bool class_char(struct rx *r, uint32_t begin, uint32_t *ret)
{
	if (r->at >= r->len)
		return fail(r, "missing ]: ", r->p + begin, r->len - begin);
	if (r->p[r->at] == '\\') {
		r->at++;
		return escape(r, ret);
	}
	return literal(r, ret);
}

static bool put_byte_range(struct rx *r, uint8_t low, uint8_t high)
{
	char text[16];

	snprintf(text, sizeof(text), low == high ? "\\x%02x" : "\\x%02x-\\x%02x", low, high);
	return put_text(r, text);
}

/* Characters of equally many bytes whose bytes differ in the last places only, one alternative each. */
static bool put_utf8_range(struct rx *r, uint32_t low, uint32_t high)
{
	static const uint32_t last_of[] = { 0x7f, 0x7ff, 0xffff };
	uint8_t a[4], b[4];
	unsigned n;

	for (unsigned i = 0; i < 3; i++)
		if (low <= last_of[i] && high > last_of[i])
			return put_utf8_range(r, low, last_of[i]) && put_utf8_range(r, last_of[i] + 1, high);
	for (unsigned bits = 6; bits < 24; bits += 6) {
		uint32_t mask = (1u << bits) - 1;

		if ((low & ~mask) == (high & ~mask))
			break;
		if (low & mask)
			return put_utf8_range(r, low, low | mask) && put_utf8_range(r, (low | mask) + 1, high);
		if ((high & mask) != mask)
			return put_utf8_range(r, low, (high & ~mask) - 1) && put_utf8_range(r, high & ~mask, high);
	}
	n = utf8(low, a);
	if (utf8(high, b) != n || !put(r, '|'))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!put(r, '[') || !put_byte_range(r, a[i], b[i]) || !put(r, ']'))
			return false;
	return true;
}

/* Any one of the set, as one atom. */
static bool put_set(struct rx *r, const struct set *s)
{
	bool ascii = s->n && s->v[0].low < 0x80;
	bool rest = s->n && s->v[s->n - 1].high >= 0x80;
	bool all_rest = rest && s->v[s->n - 1].low <= 0x80 && s->v[s->n - 1].high == MAX_CODE;
	bool repeated = r->at < r->len && (r->p[r->at] == '*' || r->p[r->at] == '+');
	bool bytes = !rest || (all_rest && repeated);

	if (!s->n)
		return put_text(r, "(?!)");
	if (!bytes && !put_text(r, "(?:"))
		return false;
	if (ascii || bytes) {
		if (!put(r, '['))
			return false;
		for (uint32_t i = 0; i < s->n && s->v[i].low < 0x80; i++)
			if (!put_byte_range(r, (uint8_t)s->v[i].low,
			                    s->v[i].high < 0x80 ? (uint8_t)s->v[i].high : 0x7f))
				return false;
		if (bytes && rest && !put_byte_range(r, 0x80, 0xff))
			return false;
		if (!put(r, ']'))
			return false;
	} else if (!put_text(r, "(?!)")) {
		return false;
	}
	if (bytes)
		return true;
	if (all_rest) /* bytes that are no UTF-8 count as one character */
		return put_text(r, "|[\\xc0-\\xff][\\x80-\\xbf]*+|[\\x80-\\xbf])");
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i].high >= 0x80 &&
		    !put_utf8_range(r, s->v[i].low < 0x80 ? 0x80 : s->v[i].low, s->v[i].high))
			return false;
	return put(r, ')');
}

/* At the opening bracket. */
static bool char_class(struct rx *r)
{
	uint32_t begin = r->at++;
	bool first = true, negate = false;
	struct set s = { 0 };

	if (r->at < r->len && r->p[r->at] == '^') {
		r->at++;
		negate = true;
	}
	while (first || r->at >= r->len || r->p[r->at] != ']') {
		uint32_t low = 0, high = 0, from = r->at;
		bool found = false;

		if (r->at >= r->len)
			return fail(r, "missing ]: ", r->p + begin, r->len - begin);
		if (r->p[r->at] == '[' && !class_name(r, &s, &found))
			return false;
		first = false;
		if (found)
			continue;
		if (!class_char(r, begin, &low))
			return false;
		high = low;
		if (r->len - r->at >= 2 && r->p[r->at] == '-' && r->p[r->at + 1] != ']') {
			r->at++;
			if (!class_char(r, begin, &high))
				return false;
			if (high < low)
				return fail(r, "invalid character class range: ", r->p + from, r->at - from);
		}
		if (!set_add(r, &s, low, high))
			return false;
	}
	r->at++;
	return set_tidy(r, &s, negate) && put_set(r, &s);
}

/* Any character but a newline. */
static bool dot(struct rx *r)
{
	struct range parts[] = { { 0, '\n' - 1 }, { '\n' + 1, MAX_CODE } };
	struct set s = { .v = parts, .n = 2 };

	r->at++;
	if (r->at < r->len && (r->p[r->at] == '*' || r->p[r->at] == '+'))
		return put(r, '.');
	return put_set(r, &s);
}

/* {n}, {n,} or {n,m}; anything else is text. */
static bool repeat(struct rx *r, int *ret_min, int *ret_max)
{
	uint32_t at = r->at + 1;
	int v[2] = { -1, -1 };
	unsigned part = 0;

	for (; at < r->len; at++) {
		char c = r->p[at];

		if (c >= '0' && c <= '9') {
			if (v[part] < 0)
				v[part] = 0;
			v[part] = v[part] * 10 + (c - '0');
			if (v[part] > 100000)
				v[part] = 100000;
		} else if (c == ',' && !part && v[0] >= 0) {
			part = 1;
		} else if (c == '}' && v[0] >= 0) {
			r->at = at + 1;
			*ret_min = v[0];
			*ret_max = part ? v[1] : v[0];
			return true;
		} else {
			return false;
		}
	}
	return false;
}

static bool alternation(struct rx *r);

/* One atom; *ret_none where an alternative or a group ends. */
static bool atom(struct rx *r, bool *ret_none)
{
	char c = r->p[r->at];
	uint32_t code;
	int low, high;

	*ret_none = false;
	r->times = 1;
	switch (c) {
	case '(':
		if (++r->depth > MAX_DEPTH)
			return fail(r, "nested too deep", "", 0);
		r->at++;
		if (!put_text(r, "(?:") || !alternation(r))
			return false;
		if (r->at >= r->len || r->p[r->at] != ')')
			return fail(r, "missing ): ", r->p, r->len);
		r->at++;
		r->depth--;
		return put(r, ')');
	case ')':
		if (!r->depth)
			return fail(r, "unexpected ): ", r->p, r->len);
		*ret_none = true;
		return true;
	case '|':
		*ret_none = true;
		return true;
	case '[':
		return char_class(r);
	case '^':
	case '$':
		r->at++; /* in a group, because it may be repeated */
		return put_text(r, "(?:") && put(r, c) && put(r, ')');
	case '.':
		return dot(r);
	case '*':
	case '+':
	case '?':
		return fail(r, "no argument for repetition operator: ", r->p + r->at, 1);
	case '{':
		low = (int)r->at;
		if (repeat(r, &low, &high))
			return fail(r, "no argument for repetition operator: {", "", 0);
		break;
	case '\\':
		r->at++;
		return escape(r, &code) && put_code(r, code);
	default:
		break;
	}
	return literal(r, &code) && put_code(r, code);
}

/* Repetitions within each other multiply. */
static bool multiplied(struct rx *r, int low, int high)
{
	int times = high < 0 ? low : high;

	if (times > 0)
		r->times *= (uint32_t)times; /* each at most MAX_REPEAT */
	return r->times <= MAX_REPEAT;
}

static bool quantifiers(struct rx *r, uint32_t from)
{
	bool stacked = false;

	while (r->at < r->len) {
		uint32_t begin = r->at;
		char c = r->p[begin], text[32];
		int low, high;

		if (c == '*' || c == '+' || c == '?') {
			r->at++;
			snprintf(text, sizeof(text), "%c", c);
		} else if (c == '{' && repeat(r, &low, &high)) {
			if (low > MAX_REPEAT || high > MAX_REPEAT || (high >= 0 && high < low) ||
			    !multiplied(r, low, high))
				return fail(r, "invalid repetition size: ", r->p + begin, r->at - begin);
			if (high < 0)
				snprintf(text, sizeof(text), "{%d,}", low);
			else
				snprintf(text, sizeof(text), "{%d,%d}", low, high);
		} else {
			return true;
		}
		if (stacked) { /* PCRE2 would read the second as lazy or possessive */
			if (r->n + 4 >= r->cap)
				return fail(r, "too long", "", 0);
			memmove(r->out + from + 3, r->out + from, r->n - from);
			memcpy(r->out + from, "(?:", 3);
			r->n += 3;
			if (!put(r, ')'))
				return false;
		}
		stacked = true;
		if (!put_text(r, text))
			return false;
	}
	return true;
}

static bool alternation(struct rx *r)
{
	uint32_t times = 1;

	while (r->at < r->len) {
		uint32_t from = r->n;
		bool none;

		if (!atom(r, &none))
			return false;
		if (!none) {
			if (!quantifiers(r, from))
				return false;
			times = r->times > times ? r->times : times;
			continue;
		}
		if (r->p[r->at] != '|')
			break;
		r->at++;
		if (!put(r, '|'))
			return false;
	}
	r->times = times;
	return true;
}

bool falco_regex_translate(struct hc_str pattern, struct hc_arena *arena, struct hc_str *ret, char *msg,
                           size_t msg_bytes)
{
	struct rx r = { .p = pattern.p, .len = pattern.len, .arena = arena, .msg = msg, .msg_bytes = msg_bytes };

	msg[0] = 0;
	if (pattern.len > MAX_PATTERN)
		return fail(&r, "too long", "", 0);
	r.cap = pattern.len * 64 + 4096;
	r.out = hc_arena_raw(arena, r.cap);
	if (!r.out)
		return fail(&r, "out of memory", "", 0);
	if (!put_text(&r, "(?m:") || !alternation(&r) || !put(&r, ')'))
		return false;
	*ret = (struct hc_str){ r.out, r.n };
	return true;
}
