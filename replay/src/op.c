/*
 * Operators, one value at a time. The vectorised evaluator has kernels for numbers and its own way for sets of
 * texts; for everything else it comes here, once per distinct entry.
 *
 * Regular expressions are bounded by PCRE2's match and heap limits: a subject that exceeds them counts as "no
 * match", and the number of such subjects is reported.
 */
#include "op_priv.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define MATCH_LIMIT 1000000u
#define DEPTH_LIMIT 10000u
#define HEAP_LIMIT_KIB 20480u
#define MAX_PATTERN_BYTES (64u << 10)
#define SET_FROM 5 /* constants: below, comparing each is quicker than hashing */

struct hc_regex {
	pcre2_code *code;
};

/* Patterns of pmatch: the plain ones in a set of prefixes, those with wildcards in a list. */
struct pattern {
	struct hc_str *parts;
	uint32_t n;
	bool *wild; /* by part */
};

struct hc_pmatch {
	struct pattern *patterns;
	uint32_t n;
};

struct hc_match {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	bool has_stack;
	uint64_t n_limits;
};

static const char *const op_names[HC_N_OPS] = {
	[HC_OP_EXISTS] = "exists",
	[HC_OP_EQ] = "=",
	[HC_OP_NE] = "!=",
	[HC_OP_LT] = "<",
	[HC_OP_LE] = "<=",
	[HC_OP_GT] = ">",
	[HC_OP_GE] = ">=",
	[HC_OP_IN] = "in",
	[HC_OP_CONTAINS] = "contains",
	[HC_OP_ICONTAINS] = "icontains",
	[HC_OP_STARTSWITH] = "startswith",
	[HC_OP_ENDSWITH] = "endswith",
	[HC_OP_GLOB] = "glob",
	[HC_OP_IGLOB] = "iglob",
	[HC_OP_REGEX] = "regex",
	[HC_OP_REGEX_FIND] = "regex_find",
	[HC_OP_PMATCH] = "pmatch",
	[HC_OP_NET] = "net",
	[HC_OP_MASK_ANY] = "mask_any",
	[HC_OP_MASK_ALL] = "mask_all",
};

const char *hc_op_name(enum hc_op op)
{
	return op < HC_N_OPS ? op_names[op] : "?";
}

const char *hc_vt_name(enum hc_vt vt)
{
	static const char *const names[] = {
		[HC_VT_NONE] = "nothing",  [HC_VT_I64] = "signed number", [HC_VT_U64] = "number",
		[HC_VT_BOOL] = "boolean",  [HC_VT_STR] = "text",          [HC_VT_BYTES] = "bytes",
		[HC_VT_IP] = "IP address", [HC_VT_LIST] = "list",
	};

	return vt <= HC_VT_LIST ? names[vt] : "?";
}

bool hc_op_fits(enum hc_op op, enum hc_vt vt)
{
	switch (op) {
	case HC_OP_EXISTS:
	case HC_OP_EQ:
	case HC_OP_NE:
	case HC_OP_IN:
		return vt != HC_VT_NONE;
	case HC_OP_LT:
	case HC_OP_LE:
	case HC_OP_GT:
	case HC_OP_GE:
		return vt == HC_VT_I64 || vt == HC_VT_U64 || vt == HC_VT_STR;
	case HC_OP_CONTAINS:
	case HC_OP_STARTSWITH:
	case HC_OP_ENDSWITH:
		return vt == HC_VT_STR || vt == HC_VT_BYTES;
	case HC_OP_ICONTAINS:
	case HC_OP_GLOB:
	case HC_OP_IGLOB:
	case HC_OP_REGEX:
	case HC_OP_REGEX_FIND:
	case HC_OP_PMATCH:
		return vt == HC_VT_STR;
	case HC_OP_NET:
		return vt == HC_VT_IP;
	case HC_OP_MASK_ANY:
	case HC_OP_MASK_ALL:
		return vt == HC_VT_I64 || vt == HC_VT_U64;
	case HC_N_OPS:
		break;
	}
	return false;
}

/* ---- texts ---- */

bool hc_str_contains(struct hc_str s, struct hc_str needle)
{
	if (!needle.len)
		return true;
	return s.len >= needle.len && memmem(s.p, s.len, needle.p, needle.len) != NULL;
}

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : (unsigned char)c;
}

bool hc_str_icontains(struct hc_str s, struct hc_str needle)
{
	if (!needle.len)
		return true;
	for (uint32_t at = 0; s.len >= needle.len && at <= s.len - needle.len; at++) {
		uint32_t i = 0;

		while (i < needle.len && lower(s.p[at + i]) == lower(needle.p[i]))
			i++;
		if (i == needle.len)
			return true;
	}
	return false;
}

static bool in_class(struct hc_str name, unsigned char c)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = {
		{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank }, { "cntrl", iscntrl },
		{ "digit", isdigit }, { "graph", isgraph }, { "lower", islower }, { "print", isprint },
		{ "punct", ispunct }, { "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
	};

	if (c >= 0x80)
		return false; /* as in the C locale */
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (hc_str_eq(name, hc_str_c(classes[i].name)))
			return classes[i].is(c) != 0;
	return false;
}

/* One character of a bracket expression, with its escape. */
static bool bracket_char(struct hc_str p, uint32_t *i, unsigned char *ret)
{
	if (*i < p.len && p.p[*i] == '\\')
		(*i)++;
	if (*i >= p.len)
		return false;
	*ret = (unsigned char)p.p[(*i)++];
	return true;
}

/*
 * p.p[at] is '['. Returns the length of the expression and whether c is in it, or 0 when it has no end: then '['
 * stands for itself.
 */
static uint32_t bracket(struct hc_str p, uint32_t at, unsigned char c, bool fold, bool *ret_in)
{
	uint32_t i = at + 1, begin;
	bool negated = false, in = false;

	if (i < p.len && (p.p[i] == '!' || p.p[i] == '^')) {
		negated = true;
		i++;
	}
	for (begin = i; i < p.len;) {
		unsigned char from, to;

		if (p.p[i] == ']' && i > begin) {
			*ret_in = in != negated;
			return i + 1 - at;
		}
		if (p.p[i] == '[' && i + 1 < p.len && p.p[i + 1] == ':') {
			uint32_t end = i + 2;

			while (end + 1 < p.len && !(p.p[end] == ':' && p.p[end + 1] == ']'))
				end++;
			if (end + 1 < p.len) {
				struct hc_str name = { p.p + i + 2, end - i - 2 };

				in |= in_class(name, c) || (fold && c < 0x80 &&
				                            (in_class(name, (unsigned char)tolower(c)) ||
				                             in_class(name, (unsigned char)toupper(c))));
				i = end + 2;
				continue;
			}
		}
		if (!bracket_char(p, &i, &from))
			return 0;
		to = from;
		if (i + 1 < p.len && p.p[i] == '-' && p.p[i + 1] != ']') {
			i++;
			if (!bracket_char(p, &i, &to))
				return 0;
		}
		in |= c >= from && c <= to;
		if (fold && c < 0x80) {
			unsigned char l = (unsigned char)tolower(c), u = (unsigned char)toupper(c);

			in |= (l >= from && l <= to) || (u >= from && u <= to);
		}
	}
	return 0;
}

/* Whether one character of text matches the pattern's next element, which is not '*'. 0, or the element's length.
 */
static uint32_t glob_one(struct hc_str p, uint32_t at, unsigned char c, bool fold)
{
	unsigned char want = (unsigned char)p.p[at];
	uint32_t len = 1;
	bool in;

	if (want == '?')
		return 1;
	if (want == '[') {
		len = bracket(p, at, c, fold, &in);
		if (len)
			return in ? len : 0;
		len = 1;
	} else if (want == '\\') {
		if (at + 1 >= p.len)
			return 0; /* a lone backslash at the end matches nothing */
		want = (unsigned char)p.p[at + 1];
		len = 2;
	}
	if (want == c || (fold && lower((char)want) == lower((char)c)))
		return len;
	return 0;
}

bool hc_glob(struct hc_str p, struct hc_str s, bool fold)
{
	uint32_t pi = 0, si = 0, star_p = UINT32_MAX, star_s = 0;

	while (si < s.len) {
		uint32_t len;

		if (pi < p.len && p.p[pi] == '*') {
			star_p = ++pi;
			star_s = si;
			continue;
		}
		len = pi < p.len ? glob_one(p, pi, (unsigned char)s.p[si], fold) : 0;
		if (len) {
			pi += len;
			si++;
		} else if (star_p != UINT32_MAX) {
			pi = star_p; /* only the last star need give way: the ones before took as little as they
			                could */
			si = ++star_s;
		} else
			return false;
	}
	while (pi < p.len && p.p[pi] == '*')
		pi++;
	return pi == p.len;
}

/* ---- path prefixes ---- */

static bool next_part(struct hc_str s, uint32_t *at, struct hc_str *ret)
{
	uint32_t begin;

	while (*at < s.len && s.p[*at] == '/')
		(*at)++;
	begin = *at;
	while (*at < s.len && s.p[*at] != '/')
		(*at)++;
	*ret = (struct hc_str){ s.p + begin, *at - begin };
	return *at > begin;
}

static bool is_wild(struct hc_str s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (s.p[i] == '?' || s.p[i] == '*' || s.p[i] == '[')
			return true;
	return false;
}

static int pmatch_init(struct hc_operand *o, struct hc_arena *arena)
{
	struct hc_pmatch *pm = hc_arena_alloc(arena, sizeof(*pm));

	if (!pm)
		return -ENOMEM;
	pm->patterns = hc_arena_alloc(arena, o->n * sizeof(*pm->patterns));
	if (!pm->patterns)
		return -ENOMEM;
	for (uint32_t i = 0; i < o->n; i++) {
		struct pattern *pattern = &pm->patterns[i];
		struct hc_str s = o->consts[i].s, part;

		for (uint32_t at = 0; next_part(s, &at, &part);)
			pattern->n++;
		pattern->parts = hc_arena_alloc(arena, (pattern->n + 1u) * sizeof(*pattern->parts));
		pattern->wild = hc_arena_alloc(arena, pattern->n + 1u);
		if (!pattern->parts || !pattern->wild)
			return -ENOMEM;
		pattern->n = 0;
		for (uint32_t at = 0; next_part(s, &at, &part); pattern->n++) {
			pattern->parts[pattern->n] = part;
			pattern->wild[pattern->n] = is_wild(part);
		}
	}
	pm->n = o->n;
	o->pmatch = pm;
	return 0;
}

bool hc_pmatch_is_plain(struct hc_str pattern)
{
	return !is_wild(pattern);
}

bool hc_pmatch_plain(struct hc_str pattern, struct hc_arena *arena, struct hc_str *ret)
{
	char *p = hc_arena_raw(arena, (size_t)pattern.len + 2);
	struct hc_str part;
	uint32_t n = 0;

	if (!p)
		return false;
	for (uint32_t at = 0; next_part(pattern, &at, &part);) {
		p[n++] = '/';
		memcpy(p + n, part.p, part.len);
		n += part.len;
	}
	if (n)
		p[n++] = '/';
	*ret = (struct hc_str){ p, n };
	return true;
}

/* A part without wildcards is compared before its end is looked for: most texts differ in the first character. */
static bool pmatch_one(const struct pattern *pattern, struct hc_str s)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < pattern->n; i++) {
		struct hc_str want = pattern->parts[i], part;

		if (pattern->wild[i]) {
			if (!next_part(s, &at, &part) || !(hc_str_eq(part, want) || hc_glob(want, part, false)))
				return false;
			continue;
		}
		while (at < s.len && s.p[at] == '/')
			at++;
		if (s.len - at < want.len || s.p[at] != want.p[0] || memcmp(s.p + at, want.p, want.len) != 0)
			return false;
		at += want.len;
		if (at < s.len && s.p[at] != '/')
			return false;
	}
	return true;
}

/* ---- regular expressions ---- */

struct hc_match *hc_match_new(void)
{
	struct hc_match *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->data = pcre2_match_data_create(1, NULL);
	m->context = pcre2_match_context_create(NULL);
	if (!m->data || !m->context)
		return hc_match_free(m);
	pcre2_set_match_limit(m->context, MATCH_LIMIT);
	pcre2_set_depth_limit(m->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
	return m;
}

/* A stack is a mapping of its own, and many that match something never meet a regular expression. */
static void make_stack(struct hc_match *m)
{
	m->has_stack = true; /* or there will be none: expressions that need more than the small one then fail */
	m->stack = pcre2_jit_stack_create(32 << 10, 1 << 20, NULL);
	if (m->stack)
		pcre2_jit_stack_assign(m->context, NULL, m->stack);
}

struct hc_match *hc_match_free(struct hc_match *m)
{
	if (!m)
		return NULL;
	pcre2_match_data_free(m->data);
	pcre2_match_context_free(m->context);
	pcre2_jit_stack_free(m->stack);
	free(m);
	return NULL;
}

uint64_t hc_match_limits(const struct hc_match *m)
{
	return m->n_limits;
}

static int regex_compile(struct hc_regex *re, struct hc_str pattern, bool whole, struct hc_err *err)
{
	uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NO_AUTO_CAPTURE;
	PCRE2_SIZE at;
	int code;

	if (whole)
		options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
	if (pattern.len > MAX_PATTERN_BYTES)
		return hc_err_set(err, -E2BIG, "a regular expression of %u bytes is over the limit of %u",
		                  pattern.len, MAX_PATTERN_BYTES);
	re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.len, options, &code, &at, NULL);
	if (!re->code) {
		char text[160] = "";

		pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
		return hc_err_set(err, -EINVAL, "regular expression '" HC_STR_FMT "': %s at character %zu",
		                  HC_STR_ARG(pattern), text, (size_t)at + 1);
	}
	(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE); /* without it the interpreter does the work */
	return 0;
}

static bool regex_match(const struct hc_regex *re, struct hc_str s, struct hc_match *m)
{
	int r;

	if (!m->has_stack)
		make_stack(m);
	r = pcre2_match(re->code, (PCRE2_SPTR)(s.len ? s.p : ""), s.len, 0, 0, m->data, m->context);
	if (r >= 0)
		return true;
	if (r != PCRE2_ERROR_NOMATCH)
		m->n_limits++;
	return false;
}

/* ---- operands ---- */

int hc_value_order(const struct hc_value *a, const struct hc_value *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	switch (a->type) {
	case HC_VT_I64:
		return (a->i > b->i) - (a->i < b->i);
	case HC_VT_U64:
	case HC_VT_BOOL:
		return (a->u > b->u) - (a->u < b->u);
	case HC_VT_STR:
	case HC_VT_BYTES:
	case HC_VT_IP:
		return hc_str_cmp(a->s, b->s);
	default:
		return 0;
	}
}

bool hc_value_equal(const struct hc_value *a, const struct hc_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case HC_VT_STR:
	case HC_VT_BYTES:
	case HC_VT_IP:
		return hc_str_eq(a->s, b->s);
	case HC_VT_NONE:
		return false;
	case HC_VT_LIST:
		if (a->list.n != b->list.n)
			return false;
		for (uint32_t i = 0; i < a->list.n; i++)
			if (!hc_value_equal(&a->list.v[i], &b->list.v[i]))
				return false;
		return true;
	default:
		return a->u == b->u;
	}
}

static int order_consts(const void *a, const void *b)
{
	return hc_value_order(a, b);
}

static int copy_consts(struct hc_operand *o, struct hc_arena *arena, const struct hc_value *consts, size_t n,
                       struct hc_err *err)
{
	struct hc_value *copy = hc_arena_alloc(arena, (n + 1) * sizeof(*copy));
	uint32_t kept = 0;

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct hc_value v = consts[i];
		bool number = v.type == HC_VT_I64 || v.type == HC_VT_U64;
		bool textual = v.type == HC_VT_STR || v.type == HC_VT_BYTES || v.type == HC_VT_IP;

		if ((number && (o->vt == HC_VT_I64 || o->vt == HC_VT_U64)) ||
		    (textual && (o->vt == HC_VT_STR || o->vt == HC_VT_BYTES || o->vt == HC_VT_IP)))
			v.type = o->vt;
		if (v.type != o->vt)
			return hc_err_set(err, -EINVAL, "a %s cannot be compared with a %s",
			                  hc_vt_name((enum hc_vt)o->vt), hc_vt_name((enum hc_vt)v.type));
		v.ref = 0;
		if (textual) {
			v.s = hc_arena_str(arena, v.s);
			if (!v.s.p)
				return -ENOMEM;
		}
		copy[i] = v;
	}
	if (n > 1)
		qsort(copy, n, sizeof(*copy), order_consts);
	for (size_t i = 0; i < n; i++)
		if (!kept || hc_value_order(&copy[kept - 1], &copy[i]) != 0)
			copy[kept++] = copy[i];
	o->consts = copy;
	o->n = kept;
	return 0;
}

static int make_set(struct hc_operand *o, struct hc_arena *arena)
{
	uint32_t size = 16;

	while (size < o->n * 2u)
		size *= 2;
	o->set = hc_arena_alloc(arena, size * sizeof(*o->set));
	if (!o->set)
		return -ENOMEM;
	o->set_mask = size - 1;
	for (uint32_t i = 0; i < o->n; i++) {
		uint32_t at = (uint32_t)(hc_quick_hash(o->consts[i].s) >> 32) & o->set_mask;

		while (o->set[at])
			at = (at + 1) & o->set_mask;
		o->set[at] = i + 1;
	}
	return 0;
}

static bool is_textual(enum hc_vt vt)
{
	return vt == HC_VT_STR || vt == HC_VT_BYTES || vt == HC_VT_IP;
}

int hc_operand_init(struct hc_operand *o, struct hc_arena *arena, enum hc_op op, enum hc_quant quant,
                    enum hc_vt vt, const struct hc_value *consts, size_t n, struct hc_err *err)
{
	int r;

	*o = (struct hc_operand){ .op = op == HC_OP_EQ ? HC_OP_IN : (uint8_t)op,
		                  .quant = (uint8_t)quant,
		                  .vt = (uint8_t)vt };
	if (!hc_op_fits(op, vt))
		return hc_err_set(err, -EINVAL, "operator '%s' does not fit a %s", hc_op_name(op), hc_vt_name(vt));
	r = copy_consts(o, arena, consts, n, err);
	if (r < 0)
		return r == -ENOMEM ? hc_err_set(err, r, "out of memory") : r;
	if (o->n != 1 && ((op >= HC_OP_LT && op <= HC_OP_GE) || op == HC_OP_MASK_ANY || op == HC_OP_MASK_ALL))
		return hc_err_set(err, -EINVAL, "operator '%s' takes one value", hc_op_name(op));
	if (o->op == HC_OP_NET) {
		for (uint32_t i = 0; i < o->n; i++) {
			struct hc_str s = o->consts[i].s;

			if ((s.len != 5 && s.len != 17) || (uint8_t)s.p[s.len - 1] > (s.len - 1) * 8)
				return hc_err_set(err, -EINVAL, "a network needs an address and a prefix length");
		}
	}
	if (o->op == HC_OP_IN && is_textual(vt) && o->n >= SET_FROM) {
		r = make_set(o, arena);
	} else if (o->op == HC_OP_PMATCH) {
		r = pmatch_init(o, arena);
	} else if (o->op == HC_OP_REGEX || o->op == HC_OP_REGEX_FIND) {
		o->regex = hc_arena_alloc(arena, (o->n + 1u) * sizeof(*o->regex));
		r = o->regex ? 0 : -ENOMEM;
		for (uint32_t i = 0; r == 0 && i < o->n; i++)
			r = regex_compile(&o->regex[i], o->consts[i].s, o->op == HC_OP_REGEX, err);
		if (r < 0)
			hc_operand_done(o);
	}
	return r == -ENOMEM ? hc_err_set(err, r, "out of memory") : r;
}

void hc_operand_done(struct hc_operand *o)
{
	for (uint32_t i = 0; o->regex && i < o->n; i++) {
		pcre2_code_free(o->regex[i].code);
		o->regex[i].code = NULL;
	}
}

static bool in_set(const struct hc_operand *o, struct hc_str s)
{
	if (o->set) {
		uint32_t at = (uint32_t)(hc_quick_hash(s) >> 32) & o->set_mask;

		for (; o->set[at]; at = (at + 1) & o->set_mask)
			if (hc_str_eq(o->consts[o->set[at] - 1].s, s))
				return true;
		return false;
	}
	for (uint32_t i = 0; i < o->n; i++)
		if (hc_str_eq(o->consts[i].s, s))
			return true;
	return false;
}

/* net: address and, in its last byte, the number of leading bits that count. */
static bool in_net(struct hc_str addr, struct hc_str net)
{
	uint32_t n_bytes = net.len - 1, bits = (uint8_t)net.p[n_bytes], whole = bits / 8;

	if (addr.len != n_bytes || memcmp(addr.p, net.p, whole) != 0)
		return false;
	if (bits % 8 == 0)
		return true;
	return (((uint8_t)addr.p[whole] ^ (uint8_t)net.p[whole]) & (0xff00u >> (bits % 8)) & 0xffu) == 0;
}

static bool ordered(int order, enum hc_op op)
{
	switch (op) {
	case HC_OP_LT:
		return order < 0;
	case HC_OP_LE:
		return order <= 0;
	case HC_OP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool one_const(const struct hc_operand *o, uint32_t i, struct hc_str s, struct hc_match *m)
{
	struct hc_str c = o->consts[i].s;

	switch (o->op) {
	case HC_OP_CONTAINS:
		return hc_str_contains(s, c);
	case HC_OP_ICONTAINS:
		return hc_str_icontains(s, c);
	case HC_OP_STARTSWITH:
		return hc_str_starts(s, c);
	case HC_OP_ENDSWITH:
		return hc_str_ends(s, c);
	case HC_OP_GLOB:
	case HC_OP_IGLOB:
		return hc_glob(c, s, o->op == HC_OP_IGLOB);
	case HC_OP_REGEX:
	case HC_OP_REGEX_FIND:
		return regex_match(&o->regex[i], s, m);
	case HC_OP_PMATCH:
		return pmatch_one(&o->pmatch->patterns[i], s);
	case HC_OP_NET:
		return in_net(s, c);
	default:
		return ordered(hc_str_cmp(s, c), (enum hc_op)o->op);
	}
}

bool hc_operand_match_str(const struct hc_operand *o, struct hc_str s, struct hc_match *m)
{
	if (o->op == HC_OP_EXISTS)
		return true;
	if (o->op == HC_OP_IN)
		return in_set(o, s);
	for (uint32_t i = 0; i < o->n; i++)
		if (one_const(o, i, s, m))
			return true;
	return false;
}

static bool match_number(const struct hc_operand *o, const struct hc_value *value)
{
	switch (o->op) {
	case HC_OP_EXISTS:
		return true;
	case HC_OP_IN:
		for (uint32_t i = 0; i < o->n; i++)
			if (o->consts[i].u == value->u)
				return true;
		return false;
	case HC_OP_MASK_ANY:
		return (value->u & o->consts[0].u) != 0;
	case HC_OP_MASK_ALL:
		return (value->u & o->consts[0].u) == o->consts[0].u;
	default:
		return ordered(hc_value_order(value, &o->consts[0]), (enum hc_op)o->op);
	}
}

bool hc_operand_match(const struct hc_operand *o, const struct hc_value *value, struct hc_match *m)
{
	switch (value->type) {
	case HC_VT_NONE:
		return false;
	case HC_VT_STR:
	case HC_VT_BYTES:
	case HC_VT_IP:
		return hc_operand_match_str(o, value->s, m);
	case HC_VT_LIST:
		if (o->op == HC_OP_EXISTS)
			return true;
		for (uint32_t i = 0; i < value->list.n; i++)
			if (hc_operand_match(o, &value->list.v[i], m) == (o->quant == HC_Q_ANY))
				return o->quant == HC_Q_ANY;
		return o->quant == HC_Q_ALL;
	default:
		return match_number(o, value);
	}
}

static bool compare_scalars(const struct hc_value *a, enum hc_op op, const struct hc_value *b)
{
	struct hc_value right = *b;
	bool numbers =
		(a->type == HC_VT_I64 || a->type == HC_VT_U64) && (b->type == HC_VT_I64 || b->type == HC_VT_U64);

	if (a->type == HC_VT_NONE || b->type == HC_VT_NONE)
		return false;
	if (numbers)
		right.type = a->type;
	switch (op) {
	case HC_OP_EQ:
	case HC_OP_IN:
		return hc_value_equal(a, &right);
	case HC_OP_NE:
		return !hc_value_equal(a, &right);
	case HC_OP_LT:
	case HC_OP_LE:
	case HC_OP_GT:
	case HC_OP_GE:
		return a->type == right.type && ordered(hc_value_order(a, &right), op);
	case HC_OP_MASK_ANY:
		return numbers && (a->u & right.u) != 0;
	case HC_OP_MASK_ALL:
		return numbers && (a->u & right.u) == right.u;
	default:
		break;
	}
	if (!is_textual((enum hc_vt)a->type) || !is_textual((enum hc_vt)right.type))
		return false;
	switch (op) {
	case HC_OP_CONTAINS:
		return hc_str_contains(a->s, right.s);
	case HC_OP_ICONTAINS:
		return hc_str_icontains(a->s, right.s);
	case HC_OP_STARTSWITH:
		return hc_str_starts(a->s, right.s);
	case HC_OP_ENDSWITH:
		return hc_str_ends(a->s, right.s);
	case HC_OP_GLOB:
	case HC_OP_IGLOB:
		return hc_glob(right.s, a->s, op == HC_OP_IGLOB);
	default:
		return false;
	}
}

/* A list on the right of IN is a set. */
static bool compare_with(const struct hc_value *a, enum hc_op op, const struct hc_value *b)
{
	if (op != HC_OP_IN || b->type != HC_VT_LIST)
		return compare_scalars(a, op, b);
	for (uint32_t i = 0; i < b->list.n; i++)
		if (compare_scalars(a, HC_OP_EQ, &b->list.v[i]))
			return true;
	return false;
}

bool hc_value_compare(const struct hc_value *a, enum hc_op op, enum hc_quant quant, const struct hc_value *b)
{
	if (a->type == HC_VT_NONE || b->type == HC_VT_NONE)
		return false;
	if (a->type != HC_VT_LIST || ((op == HC_OP_EQ || op == HC_OP_NE) && b->type == HC_VT_LIST))
		return compare_with(a, op, b);
	for (uint32_t i = 0; i < a->list.n; i++)
		if (compare_with(&a->list.v[i], op, b) == (quant == HC_Q_ANY))
			return quant == HC_Q_ANY;
	return quant == HC_Q_ALL;
}
