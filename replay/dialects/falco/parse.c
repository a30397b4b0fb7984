/*
 * The condition grammar by recursive descent. Alternatives are tried in a fixed order and words are matched as
 * beginnings
 * ("proc.name inside" is `in` with the identifier "side"), because rules out there depend on it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "replay/dialects/falco/ast.h"
#include "store/base/utf8.h"

struct parser {
	const char *p;
	uint32_t len, at, prev; /* prev: length of the last token, which ends at `last_end` */
	uint32_t last_end;
	unsigned depth, max_depth;
	struct hc_arena *arena;
	const struct ftext *text;
	struct fparse_err *e;
	int r;
};

static const char *const op_names[FOP_N] = {
	[FOP_NONE] = "",
	[FOP_EXISTS] = "exists",
	[FOP_LE] = "<=",
	[FOP_LT] = "<",
	[FOP_GE] = ">=",
	[FOP_GT] = ">",
	[FOP_EQ] = "=",
	[FOP_NE] = "!=",
	[FOP_GLOB] = "glob",
	[FOP_IGLOB] = "iglob",
	[FOP_CONTAINS] = "contains",
	[FOP_ICONTAINS] = "icontains",
	[FOP_BCONTAINS] = "bcontains",
	[FOP_STARTSWITH] = "startswith",
	[FOP_BSTARTSWITH] = "bstartswith",
	[FOP_ENDSWITH] = "endswith",
	[FOP_REGEX] = "regex",
	[FOP_INTERSECTS] = "intersects",
	[FOP_IN] = "in",
	[FOP_PMATCH] = "pmatch",
};

static const char *const tr_names[FTR_N] = {
	[FTR_VAL] = "val",   [FTR_TOLOWER] = "tolower",   [FTR_TOUPPER] = "toupper",
	[FTR_B64] = "b64",   [FTR_BASENAME] = "basename", [FTR_LEN] = "len",
	[FTR_JOIN] = "join", [FTR_CONCAT] = "concat",     [FTR_GETOPT] = "getopt",
};

#define TRANSFORMERS                                                                                        \
	"a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', " \
	"'concat', 'getopt'"

const char *fop_name(enum fop op)
{
	return op_names[op];
}

enum fop fop_find(struct hc_str word)
{
	if (hc_str_eq(word, HC_STR("==")))
		return FOP_EQ;
	for (unsigned op = FOP_EXISTS; op < FOP_N; op++)
		if (hc_str_eq(word, hc_str_c(op_names[op])))
			return op;
	return FOP_NONE;
}

const char *ftr_name(enum ftr t)
{
	return tr_names[t];
}

__attribute__((format(printf, 2, 3))) static bool fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	if (p->r)
		return false;
	p->r = -EINVAL;
	if (p->e) {
		p->e->pos = p->at;
		va_start(ap, fmt);
		vsnprintf(p->e->msg, sizeof(p->e->msg), fmt, ap);
		va_end(ap);
	}
	return false;
}

static void *mem(struct parser *p, size_t n_bytes)
{
	void *m = hc_arena_alloc(p->arena, n_bytes);

	if (!m && !p->r)
		p->r = -ENOMEM;
	return m;
}

static bool push(struct parser *p)
{
	if (++p->depth > p->max_depth)
		return fail(p, "exceeded max depth limit of %u", p->max_depth);
	return true;
}

/* ---- lexer ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_alpha(c) || is_digit(c) || c == '_';
}

static char peek(const struct parser *p, uint32_t ahead)
{
	if (p->len - p->at <= ahead)
		return 0;
	return p->p[p->at + ahead];
}

static bool more(const struct parser *p)
{
	return p->at < p->len;
}

static bool blanks(struct parser *p)
{
	uint32_t from = p->at;

	while (more(p) && is_blank(p->p[p->at]))
		p->at++;
	return p->at > from;
}

static bool take(struct parser *p, uint32_t n)
{
	p->at += n;
	p->last_end = p->at;
	p->prev = n;
	return true;
}

static bool word(struct parser *p, const char *w)
{
	uint32_t n = (uint32_t)strlen(w);

	return p->len - p->at >= n && !memcmp(p->p + p->at, w, n) && take(p, n);
}

/* A word that needs a blank after it, which is taken too. */
static bool word_blank(struct parser *p, const char *w)
{
	uint32_t n = (uint32_t)strlen(w);

	if (p->len - p->at <= n || memcmp(p->p + p->at, w, n) != 0 || !is_blank(p->p[p->at + n]))
		return false;
	take(p, n);
	return blanks(p);
}

static struct hc_str last(const struct parser *p)
{
	return (struct hc_str){ p->p + p->last_end - p->prev, p->prev };
}

static uint32_t identifier_len(const struct parser *p, uint32_t from)
{
	uint32_t n = from;

	if (!is_alpha(peek(p, n)))
		return 0;
	while (is_word(peek(p, n)))
		n++;
	return n - from;
}

static bool identifier(struct parser *p)
{
	uint32_t n = identifier_len(p, 0);

	return n && take(p, n);
}

static bool field_name(struct parser *p)
{
	uint32_t n = identifier_len(p, 0), dots = 0;

	if (!n)
		return false;
	while (peek(p, n) == '.') {
		uint32_t part = identifier_len(p, n + 1);

		if (!part)
			break;
		n += 1 + part;
		dots++;
	}
	return dots && take(p, n);
}

static bool in_set(char c, const char *set)
{
	return c && strchr(set, c);
}

/* Ends where a character is not UTF-8. */
static bool bare(struct parser *p, const char *excluded)
{
	uint32_t n = 0, c;
	unsigned len = 1;

	while (len && p->at + n < p->len && !is_space(p->p[p->at + n]) && !in_set(p->p[p->at + n], excluded)) {
		const char *at = p->p + p->at + n;

		len = (uint8_t)*at < 0x80 ? 1 : hc_utf8(at, p->len - p->at - n, &c);
		n += len;
	}
	return n && take(p, n);
}

static bool hex_number(struct parser *p)
{
	uint32_t n = 2;

	if (peek(p, 0) != '0' || (peek(p, 1) != 'x' && peek(p, 1) != 'X'))
		return false;
	while (is_digit(peek(p, n)) || (peek(p, n) >= 'a' && peek(p, n) <= 'f') ||
	       (peek(p, n) >= 'A' && peek(p, n) <= 'F'))
		n++;
	return n > 2 && take(p, n);
}

static bool number(struct parser *p)
{
	uint32_t n = peek(p, 0) == '+' || peek(p, 0) == '-', from = n;

	while (is_digit(peek(p, n)))
		n++;
	if (n == from)
		return false;
	if (peek(p, n) == '.')
		n++;
	while (is_digit(peek(p, n)))
		n++;
	if ((peek(p, n) == 'e' || peek(p, n) == 'E') && (peek(p, n + 1) == '+' || peek(p, n + 1) == '-') &&
	    is_digit(peek(p, n + 2))) {
		n += 2;
		while (is_digit(peek(p, n)))
			n++;
	}
	return take(p, n);
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* What a quoted string stands for. */
static bool unescape(struct parser *p, struct hc_str raw, char quote, struct hc_str *ret)
{
	char *out = mem(p, raw.len + 1);
	uint32_t n = 0;

	if (!out)
		return false;
	for (uint32_t i = 0; i < raw.len; i++) {
		char c = raw.p[i];
		int high, low;

		if (c != '\\') {
			out[n++] = c;
			continue;
		}
		c = 0;
		if (++i < raw.len)
			c = raw.p[i];
		switch (c) {
		case 'b':
			out[n++] = '\b';
			break;
		case 'f':
			out[n++] = '\f';
			break;
		case 'n':
			out[n++] = '\n';
			break;
		case 'r':
			out[n++] = '\r';
			break;
		case 't':
			out[n++] = '\t';
			break;
		case '/':
			out[n++] = '/';
			break;
		case ' ':
		case '\\':
			out[n++] = '\\';
			break;
		case 'x':
			high = i + 2 < raw.len ? hex_digit(raw.p[i + 1]) : -1;
			low = high >= 0 ? hex_digit(raw.p[i + 2]) : -1;
			if (low < 0) {
				p->at = (uint32_t)(raw.p - p->p) + i - 1;
				if (i + 2 >= raw.len)
					return fail(p, "truncated hex char escape sequence");
				return fail(p, "invalid hex char escape sequence: %.2s", raw.p + i + 1);
			}
			out[n++] = (char)(high * 16 + low);
			i += 2;
			break;
		default:
			if (!c || c != quote) {
				p->at = (uint32_t)(raw.p - p->p) + i - 1;
				if (c == '"' || c == '\'')
					return fail(p, "invalid \\%c escape in %c-quoted string", c, quote);
				return fail(p, "unsupported string escape sequence: \\%c", c ? c : ' ');
			}
			out[n++] = c;
		}
	}
	*ret = (struct hc_str){ out, n };
	return true;
}

/* 1 a string, 0 none here (or no end), -1 failed */
static int quoted(struct parser *p, struct hc_str *ret)
{
	char quote = peek(p, 0);
	uint32_t begin = p->at + 1, end = begin;

	if (quote != '\'' && quote != '"')
		return 0;
	while (end < p->len && !(p->p[end] == quote && p->p[end - 1] != '\\'))
		end++;
	if (end >= p->len)
		return 0;
	take(p, end + 1 - p->at);
	return unescape(p, (struct hc_str){ p->p + begin, end - begin }, quote, ret) ? 1 : -1;
}

/* ---- values ---- */

static struct fval *new_val(struct parser *p, enum fval_kind kind, uint32_t pos)
{
	struct fval *v = mem(p, sizeof(*v));

	if (v) {
		v->kind = kind;
		v->pos = pos;
	}
	return v;
}

static struct fval *const_val(struct parser *p, uint32_t pos, struct hc_str text)
{
	struct fval *v = new_val(p, FVAL_CONST, pos);

	if (v) {
		v->name = text;
		v->end = p->at;
	}
	return v;
}

struct val_list {
	const struct fval **v;
	uint32_t n, cap;
};

static bool add_val(struct parser *p, struct val_list *l, const struct fval *v)
{
	if (!v)
		return false;
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 8;
		const struct fval **grown = mem(p, cap * sizeof(const struct fval *));

		if (!grown)
			return false;
		if (l->n)
			memcpy(grown, l->v, l->n * sizeof(const struct fval *));
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n++] = v;
	return true;
}

/* [arg] right behind a field or a transformer's parenthesis. */
static bool field_arg(struct parser *p, struct fval *v)
{
	struct hc_str text;
	int r;

	v->end = p->at;
	if (!word(p, "["))
		return true;
	r = quoted(p, &text);
	if (r < 0)
		return false;
	if (!r) {
		if (!bare(p, "][\"'"))
			return fail(p, "expected a valid field argument: a quoted string or a bare string");
		text = last(p);
	}
	v->arg = text;
	v->has_arg = true;
	if (!word(p, "]"))
		return fail(p, "expected a ']' token");
	v->end = p->at;
	return true;
}

static struct fval *parse_field(struct parser *p)
{
	struct fval *v = new_val(p, FVAL_FIELD, p->at - p->prev);

	if (!v)
		return NULL;
	v->name = last(p);
	return field_arg(p, v) ? v : NULL;
}

static bool transformer_name(struct parser *p, enum ftr *ret)
{
	for (unsigned t = FTR_TOLOWER; t < FTR_N; t++) {
		uint32_t n = (uint32_t)strlen(tr_names[t]);

		if (p->len - p->at > n && !memcmp(p->p + p->at, tr_names[t], n) && p->p[p->at + n] == '(') {
			take(p, n + 1);
			*ret = t;
			return true;
		}
	}
	return false;
}

static struct fval *parse_transformer(struct parser *p, enum ftr t, uint32_t pos);
static struct fval *parse_arg(struct parser *p, bool in_list);

/* A list, behind its opening parenthesis. */
static struct fval *parse_list(struct parser *p, uint32_t pos)
{
	struct fval *list = new_val(p, FVAL_LIST, pos);
	struct val_list l = { 0 };

	if (!list || !push(p))
		return NULL;
	blanks(p);
	if (!word(p, ")")) {
		do {
			if (!add_val(p, &l, parse_arg(p, true)))
				return NULL;
			blanks(p);
		} while (word(p, ","));
		if (!word(p, ")")) {
			fail(p, "expected ')'");
			return NULL;
		}
	}
	p->depth--;
	list->kids = l.v;
	list->n = l.n;
	list->end = p->at;
	return list;
}

/* A literal number or string, a list of these, fields and transformers, a transformer, a field. */
static struct fval *parse_arg(struct parser *p, bool in_list)
{
	uint32_t pos;
	struct hc_str text;
	enum ftr t;
	int r;

	blanks(p);
	pos = p->at;
	if (in_list && field_name(p))
		return parse_field(p);
	if (hex_number(p) || number(p))
		return const_val(p, pos, last(p));
	r = quoted(p, &text);
	if (r)
		return r < 0 ? NULL : const_val(p, pos, text);
	if (!in_list && word(p, "("))
		return parse_list(p, pos);
	if (transformer_name(p, &t))
		return parse_transformer(p, t, pos);
	if (!field_name(p)) {
		fail(p,
		     in_list ? "expected transformer list argument: field, transformer, quoted string, or number"
		             : "expected field transformer argument: field, transformer, quoted string, number, "
		               "or "
		               "transformer list");
		return NULL;
	}
	return parse_field(p);
}

/* Behind its opening parenthesis. */
static struct fval *parse_transformer(struct parser *p, enum ftr t, uint32_t pos)
{
	struct fval *v = new_val(p, FVAL_TRANSFORM, pos);
	struct val_list l = { 0 };

	if (!v || !push(p))
		return NULL;
	v->tr = (uint8_t)t;
	if (t == FTR_VAL) {
		struct fval *f;

		blanks(p);
		if (!field_name(p)) {
			fail(p, "expected a field within '%s' transformer", tr_names[t]);
			return NULL;
		}
		f = parse_field(p);
		if (!add_val(p, &l, f))
			return NULL;
		blanks(p);
	} else {
		do {
			if (!add_val(p, &l, parse_arg(p, false)))
				return NULL;
			blanks(p);
		} while (word(p, ","));
	}
	if (!word(p, ")")) {
		fail(p, "expected a ')' token closing the transformer");
		return NULL;
	}
	v->kids = l.v;
	v->n = l.n;
	p->depth--;
	return field_arg(p, v) ? v : NULL;
}

/* 1 found, 0 none here, -1 failed */
static int rhs_transformer(struct parser *p, const struct fval **ret)
{
	uint32_t pos = p->at;
	enum ftr t;

	if (p->len - p->at > 3 && !memcmp(p->p + p->at, "val(", 4)) {
		take(p, 4);
		t = FTR_VAL;
	} else if (!transformer_name(p, &t)) {
		return 0;
	}
	*ret = parse_transformer(p, t, pos);
	return *ret ? 1 : -1;
}

/* ---- conditions ---- */

static struct fast *new_node(struct parser *p, enum fast_kind kind, uint32_t pos)
{
	struct fast *n = mem(p, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->pos = pos;
		n->text = p->text;
	}
	return n;
}

struct kids {
	struct fast **v;
	uint32_t n, cap;
};

static bool add_kid(struct parser *p, struct kids *k, struct fast *kid)
{
	if (!kid)
		return false;
	if (k->n == k->cap) {
		uint32_t cap = k->cap ? k->cap * 2 : 4;
		struct fast **grown = mem(p, cap * sizeof(struct fast *));

		if (!grown)
			return false;
		if (k->n)
			memcpy(grown, k->v, k->n * sizeof(struct fast *));
		k->v = grown;
		k->cap = cap;
	}
	k->v[k->n++] = kid;
	return true;
}

static struct fast *join(struct parser *p, enum fast_kind kind, const struct kids *k)
{
	struct fast *n;

	if (k->n == 1)
		return k->v[0];
	n = new_node(p, kind, k->v[0]->pos);
	if (n) {
		n->kids = k->v;
		n->n = k->n;
	}
	return n;
}

static struct fast *parse_or(struct parser *p);

/* Behind an opening parenthesis. */
static struct fast *parse_rest(struct parser *p)
{
	struct fast *n;

	if (!push(p))
		return NULL;
	n = parse_or(p);
	if (!n)
		return NULL;
	blanks(p);
	if (!word(p, ")")) {
		fail(p, "expected a ')' token");
		return NULL;
	}
	p->depth--;
	return n;
}

/* Falco takes a list whose first value is none for an empty one that is not closed. */
static bool list_literal(struct parser *p, struct val_list *l)
{
	bool first = true;

	blanks(p);
	if (word(p, ")"))
		return true;
	do {
		struct hc_str text;
		uint32_t pos;
		int r;

		blanks(p);
		pos = p->at;
		r = quoted(p, &text);
		if (r < 0)
			return false;
		if (!r) {
			if (!bare(p, "()\"'=,"))
				return fail(p, first ? "expected a ')' token" : "expected a string value");
			text = last(p);
		}
		if (!add_val(p, l, const_val(p, pos, text)))
			return false;
		first = false;
		blanks(p);
	} while (word(p, ","));
	if (!word(p, ")"))
		return fail(p, "expected a ')' token");
	return true;
}

static bool one_const(struct parser *p, struct fast *n, uint32_t pos, struct hc_str text)
{
	struct val_list l = { 0 };

	if (!add_val(p, &l, const_val(p, pos, text)))
		return false;
	n->consts = l.v;
	n->n_consts = l.n;
	return true;
}

static bool list_rhs(struct parser *p, struct fast *n, bool transformers)
{
	struct val_list l = { 0 };
	uint32_t pos = p->at;
	int r = 0;

	n->list = true;
	if (word(p, "(")) {
		if (!list_literal(p, &l))
			return false;
		n->consts = l.v;
		n->n_consts = l.n;
		return true;
	}
	if (transformers)
		r = rhs_transformer(p, &n->rhs);
	if (r)
		return r > 0;
	if (identifier(p))
		return one_const(p, n, pos, last(p));
	return fail(p, transformers ? "expected a list, an identifier, or " TRANSFORMERS
	                            : "expected a list or an identifier");
}

/* oneof, anyof or allof before a list or an identifier that is no boolean word; else the word is the value. */
static enum fmod modifier(struct parser *p)
{
	static const char *const words[] = { NULL, "oneof", "anyof", "allof" };
	static const char *const booleans[] = { "and", "or", "not" };
	uint32_t back = p->at;

	for (unsigned m = FMOD_ONEOF; m <= FMOD_ALLOF; m++) {
		uint32_t n;

		if (!word_blank(p, words[m]))
			continue;
		if (peek(p, 0) == '(')
			return m;
		n = identifier_len(p, 0);
		for (unsigned i = 0; n && i < 3; i++)
			if (hc_str_eq((struct hc_str){ p->p + p->at, n }, hc_str_c(booleans[i])))
				n = 0;
		if (n)
			return m;
		p->at = back;
		return FMOD_NONE;
	}
	return FMOD_NONE;
}

static bool str_rhs(struct parser *p, struct fast *n, bool had_blank)
{
	struct hc_str text;
	uint32_t pos;
	int r;

	n->mod = had_blank ? (uint8_t)modifier(p) : FMOD_NONE;
	if (n->mod)
		return list_rhs(p, n, false);
	pos = p->at;
	r = rhs_transformer(p, &n->rhs);
	if (r)
		return r > 0;
	r = quoted(p, &text);
	if (r < 0)
		return false;
	if (!r) {
		if (!bare(p, "()\"'=,"))
			return fail(p, "expected a string value or " TRANSFORMERS);
		text = last(p);
	}
	return one_const(p, n, pos, text);
}

static bool num_rhs(struct parser *p, struct fast *n)
{
	uint32_t pos = p->at;
	int r = rhs_transformer(p, &n->rhs);

	if (r)
		return r > 0;
	if (hex_number(p) || number(p))
		return one_const(p, n, pos, last(p));
	return fail(p, "expected a number value or " TRANSFORMERS);
}

static bool parse_condition(struct parser *p, struct fast *n)
{
	static const uint8_t num_ops[] = { FOP_LE, FOP_LT, FOP_GE, FOP_GT };
	static const uint8_t word_ops[] = { FOP_GLOB,        FOP_IGLOB,     FOP_CONTAINS,
		                            FOP_ICONTAINS,   FOP_BCONTAINS, FOP_STARTSWITH,
		                            FOP_BSTARTSWITH, FOP_ENDSWITH,  FOP_REGEX };
	static const uint8_t list_ops[] = { FOP_INTERSECTS, FOP_IN, FOP_PMATCH };
	bool ok = false, found = false;

	if (!push(p))
		return false;
	blanks(p);
	if (word(p, "exists")) {
		n->op = FOP_EXISTS;
		p->depth--;
		return true;
	}
	if (!push(p)) /* the value */
		return false;
	for (unsigned i = 0; !found && i < sizeof(num_ops); i++)
		if (word(p, op_names[num_ops[i]])) {
			n->op = num_ops[i];
			found = true;
			blanks(p);
			ok = num_rhs(p, n);
		}
	if (!found && (word(p, "==") || word(p, "="))) {
		n->op = FOP_EQ;
		found = true;
	} else if (!found && word(p, "!=")) {
		n->op = FOP_NE;
		found = true;
	} else if (found) {
		goto done;
	}
	if (found) {
		bool had_blank = blanks(p);

		ok = str_rhs(p, n, had_blank);
		goto done;
	}
	for (unsigned i = 0; i < sizeof(word_ops); i++)
		if (word_blank(p, op_names[word_ops[i]])) {
			n->op = word_ops[i];
			ok = str_rhs(p, n, true);
			goto done;
		}
	for (unsigned i = 0; i < sizeof(list_ops); i++)
		if (word(p, op_names[list_ops[i]])) {
			n->op = list_ops[i];
			blanks(p);
			ok = list_rhs(p, n, true);
			goto done;
		}
	return fail(
		p,
		"expected a valid check operator: one of 'exists', '<=', '<', '>=', '>', '==', '=', '!=', 'glob', "
		"'iglob', 'contains', 'icontains', 'bcontains', 'startswith', 'bstartswith', 'endswith', 'regex', "
		"'intersects', 'in', 'pmatch'");
done:
	p->depth -= 2;
	return ok;
}

static struct fast *parse_check(struct parser *p)
{
	struct fast *n;
	uint32_t pos;
	enum ftr t;

	if (!push(p))
		return NULL;
	blanks(p);
	pos = p->at;
	if (word(p, "(")) {
		n = parse_rest(p);
		p->depth--;
		return n;
	}
	n = new_node(p, FAST_CHECK, pos);
	if (!n)
		return NULL;
	if (field_name(p)) {
		n->lhs = parse_field(p);
	} else if (transformer_name(p, &t)) {
		n->lhs = parse_transformer(p, t, pos);
	} else if (identifier(p)) {
		n->kind = FAST_MACRO;
		n->name = last(p);
		p->depth--;
		return n;
	} else {
		fail(p, "expected a '(' token, a field check, or an identifier");
		return NULL;
	}
	if (!n->lhs || !parse_condition(p, n))
		return NULL;
	p->depth--;
	return n;
}

static struct fast *negated(struct parser *p, struct fast *kid, bool negate, uint32_t pos)
{
	struct kids k = { 0 };
	struct fast *n;

	if (!kid || !negate)
		return kid;
	n = new_node(p, FAST_NOT, pos);
	if (!n || !add_kid(p, &k, kid))
		return NULL;
	n->kids = k.v;
	n->n = 1;
	return n;
}

static struct fast *parse_not(struct parser *p)
{
	bool negate = false;
	struct fast *n;
	uint32_t pos;

	if (!push(p))
		return NULL;
	blanks(p);
	pos = p->at;
	for (;;) {
		if (p->len - p->at > 3 && !memcmp(p->p + p->at, "not(", 4)) {
			take(p, 4);
			n = negated(p, parse_rest(p), !negate, pos);
			p->depth--;
			return n;
		}
		if (!word_blank(p, "not"))
			break;
		negate = !negate;
	}
	n = negated(p, parse_check(p), negate, pos);
	p->depth--;
	return n;
}

/* Operands joined by `word`: after it a blank and an operand, or a parenthesis and what it holds. */
static struct fast *parse_chain(struct parser *p, const char *op, enum fast_kind kind,
                                struct fast *(*operand)(struct parser *))
{
	struct kids k = { 0 };
	struct fast *n;

	if (!push(p))
		return NULL;
	blanks(p);
	if (!add_kid(p, &k, operand(p)))
		return NULL;
	blanks(p);
	while (word(p, op)) {
		if (blanks(p)) {
			n = operand(p);
		} else if (word(p, "(")) {
			n = parse_rest(p);
		} else {
			fail(p, "expected blank or '(' after '%s'", op);
			return NULL;
		}
		if (!add_kid(p, &k, n))
			return NULL;
		blanks(p);
	}
	p->depth--;
	return join(p, kind, &k);
}

static struct fast *parse_and(struct parser *p)
{
	return parse_chain(p, "and", FAST_AND, parse_not);
}

static struct fast *parse_or(struct parser *p)
{
	return parse_chain(p, "or", FAST_OR, parse_and);
}

int falco_parse(const struct ftext *text, struct hc_arena *arena, struct fast **ret, struct fparse_err *e)
{
	struct parser p = {
		.p = text->p, .len = text->len, .arena = arena, .text = text, .e = e, .max_depth = FPARSE_MAX_DEPTH
	};
	struct fast *n;

	if (text->failed)
		return -ENOMEM;
	n = parse_or(&p);
	if (!n)
		return p.r ? p.r : -ENOMEM;
	blanks(&p);
	if (more(&p)) {
		fail(&p, "unexpected token after '" HC_STR_FMT "', expecting 'or', 'and'", HC_STR_ARG(last(&p)));
		return p.r;
	}
	*ret = n;
	return 0;
}

/* Reads a field or a transformer from the beginning of s; NULL when there is none that is whole. */
static const struct fval *token(struct hc_str s, struct hc_arena *arena, uint32_t *ret_len)
{
	struct parser p = { .p = s.p, .len = s.len, .arena = arena, .max_depth = FPARSE_TOKEN_DEPTH };
	const struct fval *v = NULL;
	enum ftr t;

	if (field_name(&p))
		v = parse_field(&p);
	else if (transformer_name(&p, &t))
		v = parse_transformer(&p, t, 0);
	*ret_len = p.at;
	return v;
}

#define TOKEN_MAX_BYTES 4096 /* longer ones are no tokens */
#define TOKEN_MAX_TRIES 64

/*
 * A shorter beginning reads differently only where it cuts off an argument, or something of the name: of a field
 * the name alone, then one character less each time; of a transformer what ends with a parenthesis.
 */
bool falco_parse_token(struct hc_str s, struct hc_arena *arena, bool (*accept)(void *ctx, const struct fval *v),
                       void *ctx, const struct fval **ret, uint32_t *ret_len)
{
	struct parser name = { .p = s.p, .len = s.len };
	bool is_field = field_name(&name);
	struct hc_str rest = { s.p, s.len > TOKEN_MAX_BYTES ? TOKEN_MAX_BYTES : s.len };

	for (unsigned tries = 0; rest.len && tries < TOKEN_MAX_TRIES; tries++) {
		const struct fval *v = token(rest, arena, ret_len);

		if (v && accept(ctx, v)) {
			*ret = v;
			return true;
		}
		if (v && *ret_len < rest.len)
			rest.len = *ret_len;
		if (is_field && rest.len > name.at) {
			rest.len = name.at;
			continue;
		}
		rest.len--;
		while (!is_field && rest.len && rest.p[rest.len - 1] != ')')
			rest.len--;
	}
	return false;
}
