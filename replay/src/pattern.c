/* Cautious readers: where a pattern goes beyond what they know for certain, they say that there is no literal. */
#include "pattern.h"

#include <ctype.h>

static bool is_special(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '\\';
}

static bool is_literal(struct hc_str s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (is_special(s.p[i]))
			return false;
	return true;
}

enum hc_glob_form hc_glob_form(struct hc_str p, struct hc_str *ret_literal)
{
	bool front = p.len && p.p[0] == '*', back = p.len > 1 && p.p[p.len - 1] == '*';
	struct hc_str middle = { p.p + front, p.len - front - back };

	if (!is_literal(middle))
		return HC_GLOB_OTHER;
	*ret_literal = middle;
	return front ? back ? HC_GLOB_IN : HC_GLOB_END : back ? HC_GLOB_BEGIN : HC_GLOB_EQUAL;
}

struct hc_str hc_glob_literal(struct hc_str p)
{
	struct hc_str best = { p.p, 0 };
	uint32_t begin = 0;

	for (uint32_t i = 0; i <= p.len; i++) {
		if (i < p.len && !is_special(p.p[i]))
			continue;
		if (i - begin > best.len)
			best = (struct hc_str){ p.p + begin, i - begin };
		if (i < p.len && p.p[i] == '[')
			break; /* where it ends is a science; what stood before is certain */
		if (i < p.len && p.p[i] == '\\')
			i++;
		begin = i + 1;
	}
	return best;
}

/* ---- regular expressions ---- */

struct reader {
	struct hc_str p;
	uint32_t i;
	char *run, *best;
	uint32_t n_run, n_best;
	bool unknown;
};

static void end_run(struct reader *r)
{
	if (r->n_run > r->n_best) {
		memcpy(r->best, r->run, r->n_run);
		r->n_best = r->n_run;
	}
	r->n_run = 0;
}

static bool at(const struct reader *r, char c)
{
	return r->i < r->p.len && r->p.p[r->i] == c;
}

/* r->i is behind '['. */
static void skip_class(struct reader *r)
{
	if (at(r, '^'))
		r->i++;
	if (at(r, ']'))
		r->i++;
	for (; r->i < r->p.len && !at(r, ']'); r->i++) {
		if (at(r, '\\')) {
			r->i++;
		} else if (at(r, '[') && r->i + 1 < r->p.len && strchr(":.=", r->p.p[r->i + 1])) {
			char kind = r->p.p[r->i + 1];

			for (r->i += 2; r->i + 1 < r->p.len && !(at(r, kind) && r->p.p[r->i + 1] == ']'); r->i++)
				;
			r->i++;
		}
	}
	r->i++;
}

/* r->i is behind '('. */
static void skip_group(struct reader *r)
{
	if (at(r, '*') || (at(r, '?') && !(r->i + 1 < r->p.len && r->p.p[r->i + 1] == ':')))
		r->unknown = true; /* flags and verbs change the meaning of the rest */
	for (unsigned depth = 1; depth && r->i < r->p.len;) {
		char c = r->p.p[r->i++];

		if (c == '\\') {
			r->unknown |= at(r, 'Q');
			r->i++;
		} else if (c == '[') {
			skip_class(r);
		} else if (c == '(') {
			r->unknown |=
				at(r, '*') || (at(r, '?') && !(r->i + 1 < r->p.len && r->p.p[r->i + 1] == ':'));
			depth++;
		} else if (c == ')') {
			depth--;
		}
	}
}

/* A quantifier behind one character, group or class. *ret_may_be_absent: it allows for none at all. */
static bool quantifier(struct reader *r, bool *ret_may_be_absent)
{
	*ret_may_be_absent = true;
	if (at(r, '{')) {
		uint32_t end = r->i + 1;

		while (end < r->p.len && (isdigit((unsigned char)r->p.p[end]) || r->p.p[end] == ','))
			end++;
		if (end >= r->p.len || r->p.p[end] != '}') {
			r->unknown = true; /* perhaps a literal brace */
			return true;
		}
		r->i = end + 1;
	} else if (at(r, '*') || at(r, '?') || at(r, '+')) {
		*ret_may_be_absent = !at(r, '+');
		r->i++;
	} else {
		return false;
	}
	if (at(r, '?') || at(r, '+'))
		r->i++;
	return true;
}

static void one_char(struct reader *r, char c)
{
	bool may_be_absent;

	r->run[r->n_run++] = c;
	if (!quantifier(r, &may_be_absent))
		return;
	r->n_run -= may_be_absent;
	end_run(r);
}

static void one_item(struct reader *r)
{
	char c = r->p.p[r->i++];
	bool ignored;

	switch (c) {
	case '|':
		r->unknown = true; /* the other side need not have what this one has */
		return;
	case '(':
		end_run(r);
		skip_group(r);
		quantifier(r, &ignored);
		return;
	case '[':
		end_run(r);
		skip_class(r);
		quantifier(r, &ignored);
		return;
	case '.':
	case '^':
	case '$':
		end_run(r);
		quantifier(r, &ignored);
		return;
	case ')':
	case '*':
	case '+':
	case '?':
	case '{':
		r->unknown = true;
		return;
	case '\\':
		if (r->i >= r->p.len || strchr("dDwWsSbB", r->p.p[r->i])) {
			end_run(r);
			r->i++;
			quantifier(r, &ignored);
			return;
		}
		c = r->p.p[r->i++];
		if (isalnum((unsigned char)c) || (unsigned char)c >= 0x80) {
			r->unknown = true;
			return;
		}
		break;
	default:
		break;
	}
	one_char(r, c);
}

struct hc_str hc_regex_literal(struct hc_str pattern, struct hc_arena *arena)
{
	struct reader r = { .p = pattern };

	r.run = hc_arena_raw(arena, (size_t)pattern.len + 1);
	r.best = hc_arena_raw(arena, (size_t)pattern.len + 1);
	if (!r.run || !r.best)
		return (struct hc_str){ "", 0 };
	while (r.i < pattern.len && !r.unknown)
		one_item(&r);
	end_run(&r);
	return r.unknown ? (struct hc_str){ "", 0 } : (struct hc_str){ r.best, r.n_best };
}
