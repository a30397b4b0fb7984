/*
 * The masking engine. One automaton (Aho-Corasick over folded bytes, its failure links resolved, so a table
 * look-up a byte) finds the anchors of all rules in one pass; what stands around an anchor decides whether a value
 * follows, and where it ends. Values found are spans; the text is copied only when there are any.
 *
 * All looks around an anchor are bounded, or end where the last span ends: a hostile text costs a small multiple
 * of its length. What protocols' commands look like is in mask_proto.c.
 */
#include "mask_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_GAP 8u /* blanks around '=' and ':' */
#define MIN_URL_TOKEN 20u
#define MIN_URL_DIGITS 3u
#define MAX_PAIR 256u  /* bytes between a name and the value that another member has */
#define MAX_HERE 8192u /* bytes that a command line has for a program to read */
#define MAX_CLUSTER 8u /* bytes of an argument that is several options of a letter */

/* ---- the automaton ---- */

bool mask_glob(const char *glob, const char *name, size_t bytes, bool fold)
{
	const char *star = NULL, *end = name + bytes, *back = name;

	while (name < end) {
		if (*glob == '*') {
			star = ++glob;
			back = name;
		} else if (*glob == '?' ||
		           (*glob && (unsigned char)*glob ==
		                             (fold ? mask_fold((unsigned char)*name) : (unsigned char)*name))) {
			glob++;
			name++;
		} else if (star) {
			glob = star;
			name = ++back;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

static uint64_t length_bit(size_t n)
{
	return UINT64_C(1) << (n < 63 ? n : 63);
}

static int compare(struct hc_str a, struct hc_str b)
{
	int c = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
	const struct mask_program *x = a, *y = b;
	int c = compare(x->name, y->name);

	return c ? c : (x->rule > y->rule) - (x->rule < y->rule);
}

static void program_put(struct hc_mask *m, const char *text, uint32_t rule)
{
	uint32_t n = (uint32_t)strcspn(text, ":");

	m->program[m->n_programs++] =
		(struct mask_program){ { text, n }, text[n] ? text + n + 1 : text + n, rule };
	m->program_first[(unsigned char)*text] = true;
	m->program_bytes |= length_bit(n);
}

static int programs_make(struct hc_mask *m)
{
	size_t room = 1;

	memset(m->program_first, 0, sizeof(m->program_first));
	m->program_bytes = 0;
	m->n_programs = 0;
	for (uint32_t i = 0; i < m->n_rules; i++)
		for (const char *p = m->rule[i].programs; *p; p += strlen(p) + 1)
			room++;
	free(m->program);
	m->program = calloc(room, sizeof(*m->program));
	if (!m->program)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->n_rules; i++)
		for (const char *p = m->rule[i].programs; *p; p += strlen(p) + 1)
			program_put(m, p, i);
	qsort(m->program, m->n_programs, sizeof(*m->program), by_name);
	return 0;
}

static int keeps_make(struct hc_mask *m)
{
	free(m->keep);
	m->keep = calloc(m->n_rules + 1, sizeof(*m->keep));
	m->n_keep = 0;
	if (!m->keep)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->n_rules; i++)
		if (m->rule[i].kind == MASK_KEEP)
			m->keep[m->n_keep++] = i;
	return 0;
}

/* Byte classes: those that anchors have, and 0 for all others. */
static void classes_make(struct hc_mask *m)
{
	memset(m->class, 0, sizeof(m->class));
	m->n_classes = 1;
	for (uint32_t i = 0; i < m->n_rules; i++)
		for (const char *a = m->rule[i].anchor; *a; a++)
			if (!m->class[(unsigned char)*a])
				m->class[(unsigned char)*a] = (uint8_t)m->n_classes++;
	for (unsigned c = 0; c < 256; c++)
		m->class[c] = m->class[mask_fold((unsigned char)c)];
}

static void trie_add(struct hc_mask *m, uint32_t rule)
{
	uint32_t state = 0;

	for (const char *a = m->rule[rule].anchor; *a; a++) {
		uint16_t *to = &m->next[state * m->n_classes + m->class[(unsigned char)*a]];

		if (!*to)
			*to = (uint16_t)m->n_states++;
		state = *to;
	}
	m->rule[rule].next = m->out[state];
	m->out[state] = (int32_t)rule;
}

/* Breadth first: a state's failure is known before those of its children. */
static int links_make(struct hc_mask *m)
{
	uint16_t *queue = malloc(m->n_states * sizeof(*queue)), *fail = calloc(m->n_states, sizeof(*fail));
	uint32_t head = 0, tail = 0;

	if (!queue || !fail) {
		free(queue);
		free(fail);
		return -ENOMEM;
	}
	for (uint32_t c = 0; c < m->n_classes; c++)
		if (m->next[c])
			queue[tail++] = m->next[c];
	while (head < tail) {
		uint16_t s = queue[head++];

		m->link[s] = m->out[fail[s]] >= 0 ? fail[s] : m->link[fail[s]];
		for (uint32_t c = 0; c < m->n_classes; c++) {
			uint16_t *to = &m->next[s * m->n_classes + c], f = m->next[fail[s] * m->n_classes + c];

			if (*to) {
				fail[*to] = f;
				queue[tail++] = *to;
			} else {
				*to = f;
			}
		}
	}
	free(queue);
	free(fail);
	return 0;
}

int mask_build(struct hc_mask *m, struct hc_err *err)
{
	size_t room = 1;
	int r = -ENOMEM;

	free(m->go);
	free(m->out);
	free(m->link);
	m->go = NULL;
	m->out = NULL;
	m->link = NULL;
	for (uint32_t i = 0; i < m->n_rules; i++)
		room += strlen(m->rule[i].anchor);
	if (programs_make(m) < 0 || keeps_make(m) < 0)
		return hc_err_set(err, -ENOMEM, "out of memory");
	classes_make(m);
	m->next = calloc(room * m->n_classes, sizeof(*m->next));
	m->go = malloc(room * m->n_classes * sizeof(*m->go));
	m->out = malloc(room * sizeof(*m->out));
	m->link = calloc(room, sizeof(*m->link));
	m->n_states = 1;
	if (room <= UINT16_MAX && m->next && m->go && m->out && m->link) {
		memset(m->out, 0xff, room * sizeof(*m->out));
		for (uint32_t i = m->n_rules; i-- > 0;) /* so that an anchor's first rule comes first */
			if (m->rule[i].anchor[0])
				trie_add(m, i);
		r = links_make(m);
	}
	for (uint32_t i = 0; r == 0 && i < m->n_states * m->n_classes; i++) {
		uint32_t to = m->next[i];

		m->go[i] = to * m->n_classes | (m->out[to] >= 0 || m->link[to] ? MASK_HIT : 0);
	}
	free(m->next);
	m->next = NULL;
	if (room > UINT16_MAX)
		return hc_err_set(err, -E2BIG, "the masking rules are too long in all");
	return r < 0 ? hc_err_set(err, r, "out of memory") : 0;
}

/* ---- what stands around an anchor ---- */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Whether what the anchor is in is an entry of a list. A payload shows by a NUL that it is one
 * (/proc/PID/environ). */
static bool in_list(const struct mask_scan *s)
{
	return s->form == HC_MASK_ARGS || s->form == HC_MASK_ENV ||
	       (s->form == HC_MASK_BYTES && (s->arg_from > 0 || s->arg_to < s->n));
}

static void span_put(struct mask_scan *s, size_t start, size_t end, uint32_t rule)
{
	struct hc_mask *m = s->m;

	if (m->n_spans == m->cap_spans) {
		size_t cap = m->cap_spans ? 2 * m->cap_spans : 64;
		struct mask_span *more = reallocarray(m->span, cap, sizeof(*more));

		if (!more) {
			s->failed = true;
			return;
		}
		m->span = more;
		m->cap_spans = cap;
	}
	m->span[m->n_spans++] = (struct mask_span){ start, end, rule };
}

/* As span_put, also before spans that are there already. */
static void span_insert(struct mask_scan *s, size_t start, size_t end, uint32_t rule)
{
	struct mask_span *v;

	span_put(s, start, end, rule);
	if (s->failed)
		return;
	v = s->m->span;
	for (size_t i = s->m->n_spans - 1; i > s->floor && v[i - 1].start > start; i--) {
		v[i] = v[i - 1];
		v[i - 1] = (struct mask_span){ start, end, rule };
	}
}

/* "keep pwd=/x*": what is called so is no secret when it looks so. */
static bool is_kept_value(const struct mask_scan *s, size_t start, size_t end)
{
	for (uint32_t i = 0; s->name.p && i < s->m->n_keep; i++) {
		const struct mask_rule *r = &s->m->rule[s->m->keep[i]];

		if (r->value[0] && mask_glob(r->value, s->p + start, end - start, true) &&
		    mask_glob(r->arg, s->name.p, s->name.len, true))
			return true;
	}
	return false;
}

static void span_join(struct mask_scan *s, size_t start, size_t end, uint32_t rule)
{
	struct hc_mask *m = s->m;

	/* options are looked at after the text they stand in: what was found inside is part of their value */
	while (m->n_spans && m->span[m->n_spans - 1].start >= start) {
		end = mask_last_end(m) > end ? mask_last_end(m) : end;
		m->n_spans--;
	}
	if (m->n_spans && start < mask_last_end(m)) { /* one value, which goes on */
		if (end > mask_last_end(m))
			m->span[m->n_spans - 1].end = end;
		return;
	}
	span_put(s, start, end, rule);
}

void mask_span_add(struct mask_scan *s, size_t start, size_t end, uint32_t rule)
{
	struct hc_mask *m = s->m;
	struct mask_span next;

	if (end <= start || is_kept_value(s, start, end))
		return;
	if (start >= s->arg_to || !m->n_spans || m->span[m->n_spans - 1].start < s->arg_to) {
		span_join(s, start, end, rule);
		return;
	}
	/* the next entry's value, which an option in this one has announced */
	next = m->span[--m->n_spans];
	span_join(s, start, end, rule);
	span_put(s, next.start, next.end, next.rule);
}

static size_t skip_blanks(const struct mask_scan *s, size_t at)
{
	for (unsigned i = 0; i < MAX_GAP && at < s->arg_to && (s->p[at] == ' ' || s->p[at] == '\t'); i++)
		at++;
	return at;
}

/* The end of a value that begins at `from`. */
static size_t value_end(const struct mask_scan *s, size_t from, bool line)
{
	static const char ends[] = "&;,\"'<>|)}]\\`";

	for (; from < s->arg_to; from++) {
		char c = s->p[from];

		if (c == '\n' || c == '\r' || c == '\0')
			break;
		if (line ? c == '"' || c == '\'' : c == ' ' || c == '\t' || memchr(ends, c, sizeof(ends) - 1))
			break;
	}
	return from;
}

size_t mask_quoted_end(const struct mask_scan *s, size_t from, char quote, bool escaped)
{
	for (; from < s->arg_to && s->p[from] != '\0'; from++) {
		if (s->p[from] == '\\' && from + 1 < s->arg_to && s->p[from + 1] == quote && escaped)
			break;
		if (s->p[from] == '\\')
			from++;
		else if (s->p[from] == quote)
			break;
	}
	return from < s->arg_to ? from : s->arg_to;
}

static bool is_quote(const struct mask_scan *s, size_t at)
{
	return at < s->arg_to && (s->p[at] == '"' || s->p[at] == '\'');
}

/* Inside of another text, as a log that quotes JSON has it. */
static bool is_escaped_quote(const struct mask_scan *s, size_t at)
{
	return at + 1 < s->arg_to && s->p[at] == '\\' && s->p[at + 1] == '"';
}

/* Up to the quote of b'..', $'..', @".." and the like. */
static size_t skip_prefix(const struct mask_scan *s, size_t at)
{
	static const char letters[] = "bBfFrRuU$@";
	size_t to = at;

	while (to < s->arg_to && to - at < 2 && memchr(letters, s->p[to], sizeof(letters) - 1))
		to++;
	return is_quote(s, to) ? to : at;
}

static size_t skip_space(const struct mask_scan *s, size_t at)
{
	while (at < s->arg_to && (s->p[at] == ' ' || s->p[at] == '\t' || s->p[at] == '\r' || s->p[at] == '\n'))
		at++;
	return at;
}

/* The value that begins at `at`. Returns where what follows it begins. */
static size_t value_at(struct mask_scan *s, size_t at, bool line, uint32_t rule)
{
	bool escaped = is_escaped_quote(s, at);
	char quote = 0;
	size_t end;

	at = escaped ? at + 1 : skip_prefix(s, at);
	if (is_quote(s, at)) {
		quote = s->p[at++];
		line = false;
	}
	/* a shell's variable is no secret, a second slash or colon makes it something else */
	if (at >= s->arg_to || (s->form != HC_MASK_BYTES && s->p[at] == '$') || (line && s->p[at] == '/') ||
	    s->p[at] == ':')
		return at;
	end = quote ? mask_quoted_end(s, at, quote, escaped) : value_end(s, at, line);
	if (!quote && end > at && is_quote(s, end) && s->p[end - 1] == '(') { /* f('x') */
		quote = s->p[end];
		at = end + 1;
		end = mask_quoted_end(s, at, quote, false);
	}
	mask_span_add(s, at, end, rule);
	return quote && end < s->arg_to ? end + 1 + escaped : end;
}

/* Whether a list of quoted values begins there. */
static bool is_list(const struct mask_scan *s, size_t at)
{
	if (at >= s->arg_to || s->p[at] != '[')
		return false;
	at = skip_space(s, at + 1);
	return is_escaped_quote(s, at) || is_quote(s, skip_prefix(s, at));
}

/* What stands between a name and its value, as in `"a": "b"`. */
static size_t skip_quote(const struct mask_scan *s, size_t at)
{
	return is_escaped_quote(s, at) ? at + 2 : at + is_quote(s, at);
}

/* `read -p "Password: " x`: the quote ends what the name stands in. */
static bool is_closing_quote(const struct mask_scan *s, size_t at)
{
	static const char after[] = " \t\r\n;|&)";

	return is_quote(s, at) && (at + 1 == s->arg_to || memchr(after, s->p[at + 1], sizeof(after) - 1));
}

/* `<password>x</password>` */
static bool value_in_element(struct mask_scan *s, size_t name, size_t at, uint32_t rule)
{
	const char *end;

	if (at >= s->arg_to || s->p[at] != '>' || name == s->arg_from ||
	    (s->p[name - 1] != '<' && s->p[name - 1] != ':'))
		return false;
	end = memchr(s->p + at, '<', s->arg_to - at);
	mask_span_add(s, at + 1, end ? (size_t)(end - s->p) : s->arg_to, rule);
	return true;
}

/* `PASSWORD 'x'`, `PASSWORD('x')` and `IDENTIFIED BY 'x'` of SQL. */
static bool value_in_sql(struct mask_scan *s, size_t at, uint32_t rule)
{
	size_t to = skip_blanks(s, at);

	if (to > at && s->arg_to - to > 3 && strncasecmp(s->p + to, "by ", 3) == 0)
		to = skip_blanks(s, to + 3);
	to += to < s->arg_to && s->p[to] == '(';
	if (to == at || !is_quote(s, to) || is_closing_quote(s, to))
		return false;
	value_at(s, to, false, rule);
	return true;
}

/* A value after the name from `name` to `at`, as shells, forms, JSON, YAML, HTTP and programs write it. False when
 * nothing there could be one. */
static bool value_in_text(struct mask_scan *s, size_t name, size_t at, uint32_t rule)
{
	size_t quote = skip_quote(s, at), gap;
	bool line, quoted = quote > at;

	if (!quoted && (value_in_element(s, name, at, rule) || value_in_sql(s, at, rule)))
		return true;
	at = skip_blanks(s, quote);
	if (at >= s->arg_to || (s->p[at] != '=' && s->p[at] != ':'))
		return false;
	line = s->p[at++] == ':';
	if (at < s->arg_to && (s->p[at] == '=' || (!line && s->p[at] == '>'))) /* := == => */
		at++;
	gap = at;
	at = skip_blanks(s, at);
	if (line && !quoted && at > gap && is_closing_quote(s, at))
		return true;
	if (quoted && at < s->arg_to && s->p[at] == '{') /* an object; what is in it has names of its own */
		return true;
	if (!is_list(s, at)) {
		value_at(s, at, line, rule);
		return true;
	}
	do
		at = skip_space(s, value_at(s, skip_space(s, at + 1), false, rule));
	while (at < s->arg_to && s->p[at] == ',');
	return true;
}

/* ---- a name and a value that are members of one thing ---- */

/* Whether the name at `at` is what another one is given: `"name":"X"`, `name: X`, `ParameterKey=X`, `<name>X`;
 * sets *ret_element for the last of them. */
static bool is_given(const struct mask_scan *s, size_t at, bool *ret_element)
{
	while (at > s->arg_from && (is_name_char(s->p[at - 1]) || s->p[at - 1] == '/'))
		at--;
	if (at > s->arg_from && (s->p[at - 1] == '"' || s->p[at - 1] == '\''))
		at--;
	if (at > s->arg_from && s->p[at - 1] == '\\')
		at--;
	for (unsigned i = 0; i < MAX_GAP && at > s->arg_from && (s->p[at - 1] == ' ' || s->p[at - 1] == '\t'); i++)
		at--;
	*ret_element = at > s->arg_from && s->p[at - 1] == '>';
	return *ret_element || (at > s->arg_from && (s->p[at - 1] == ':' || s->p[at - 1] == '='));
}

static bool is_value_key(const struct mask_scan *s, size_t at)
{
	static const char word[] = "value";

	for (size_t i = 0; i < sizeof(word) - 1; i++)
		if (at + i >= s->arg_to || mask_fold((unsigned char)s->p[at + i]) != (unsigned char)word[i])
			return false;
	at += sizeof(word) - 1;
	return at < s->arg_to && !is_name_char(s->p[at]);
}

/* Where a member that is called value or .._value begins, between the two; `to` when there is none. */
static size_t find_value_key(const struct mask_scan *s, size_t from, size_t to)
{
	for (; from < to; from++)
		if (is_value_key(s, from))
			return from;
	return to;
}

/* How far the object, the list's item or the element goes on behind a name. */
static size_t member_end(const struct mask_scan *s, size_t from)
{
	size_t to = s->arg_to - from < MAX_PAIR ? s->arg_to : from + MAX_PAIR;

	for (size_t at = from; at < to; at++) {
		if (s->p[at] == '{' || s->p[at] == '}' || s->p[at] == ';')
			return at;
		if (s->p[at] == '\n') {
			size_t item = skip_space(s, at);

			if (item + 1 < s->arg_to && s->p[item] == '-' && s->p[item + 1] == ' ')
				return at;
		}
	}
	return to;
}

/* Where the object that has the name in it begins. */
static size_t object_begin(const struct mask_scan *s, size_t name)
{
	size_t least = name - s->arg_from < MAX_PAIR ? s->arg_from : name - MAX_PAIR;

	for (size_t at = name; at > least; at--)
		if (s->p[at - 1] == '{' || s->p[at - 1] == '}')
			return s->p[at - 1] == '{' ? at : name;
	return name;
}

/* `"name":"DB_PASSWORD","value":"x"` and the like: of Kubernetes, of clouds' templates, of Hadoop's files. */
static void value_in_pair(struct mask_scan *s, size_t name, size_t right, uint32_t rule)
{
	static const size_t key_bytes = 5; /* value */
	size_t end, key;
	bool element;

	if (!is_given(s, name, &element))
		return;
	end = member_end(s, right);
	key = find_value_key(s, right, end);
	if (key == end) {
		end = name;
		key = find_value_key(s, object_begin(s, name), end);
	}
	if (key < end && (!element || s->p[key - 1] == '<'))
		value_in_text(s, key, key + key_bytes, rule);
}

/* "logon * sqlplus" and "logon @ exp": whatever stands before it. */
static bool is_anywhere(const struct mask_rule *r)
{
	return strcmp(r->arg, "*") == 0 || strcmp(r->arg, "@") == 0;
}

/* What follows the argument is NAME=VALUE. */
static bool is_before_parameter(const struct mask_scan *s, size_t at)
{
	size_t from;

	while (at < s->n && (s->p[at] == '\0' || s->p[at] == ' '))
		at++;
	for (from = at; at < s->n && (isalpha((unsigned char)s->p[at]) || s->p[at] == '_');)
		at++;
	return at > from && at < s->n && s->p[at] == '=';
}

/* USER/PASSWORD or USER/PASSWORD@DATABASE, narrowed to the password; false when it is none. */
static bool narrow_logon(const struct mask_scan *s, const struct mask_rule *r, size_t *from, size_t *to)
{
	static const char more[] = "_$#.[]\"";
	const char *p = s->p + *from, *end = s->p + *to, *slash = p, *database, *blank;

	while (slash < end && (*slash == '"' || *slash == '\''))
		slash++;
	if (slash > p && slash < end && end[-1] == *p)
		end--;
	while (slash < end && (isalnum((unsigned char)*slash) || memchr(more, *slash, sizeof(more) - 1)))
		slash++;
	if (slash == p || slash == end || *slash != '/')
		return false;
	slash++;
	database = memrchr(slash, '@', (size_t)(end - slash)); /* a password may have one, too */
	if (!database && *r->arg == '@' && !is_before_parameter(s, *to))
		return false;
	blank = database || slash == end ? NULL : memchr(slash, ' ', (size_t)(end - slash)); /* as sysdba */
	*from = (size_t)(slash - s->p);
	*to = (size_t)((database ? database : blank && *slash != '"' ? blank : end) - s->p);
	return *from < *to && s->p[*from + (*slash == '"' && *from + 1 < *to)] != '$'; /* a shell's variable */
}

/* What a rule hides of the value from *from to *to; false: nothing. */
static bool narrow(const struct mask_scan *s, const struct mask_rule *r, size_t *from, size_t *to)
{
	return r->kind != MASK_LOGON || narrow_logon(s, r, from, to);
}

/* The whole next argument; empty when there is none, or it is an option. */
static struct hc_str next_value(const struct mask_scan *s)
{
	size_t from = s->arg_to + 1;

	if (from >= s->n || s->p[from] == '-')
		return (struct hc_str){ s->p + s->n, 0 };
	return (struct hc_str){ s->p + from, (uint32_t)strnlen(s->p + from, s->n - from) };
}

static void value_in_next(struct mask_scan *s, uint32_t rule)
{
	struct hc_str value = next_value(s);
	size_t from = (size_t)(value.p - s->p), to = from + value.len;

	if (narrow(s, &s->m->rule[rule], &from, &to))
		mask_span_add(s, from, to, rule);
}

static bool is_kept(const struct hc_mask *m, const char *name, size_t bytes)
{
	for (uint32_t i = 0; i < m->n_keep; i++) {
		const struct mask_rule *r = &m->rule[m->keep[i]];

		if (!r->value[0] && mask_glob(r->arg, name, bytes, true))
			return true;
	}
	return false;
}

static void see_name(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	size_t left = from, right = to, name;
	bool option;

	if (to <= mask_last_end(s->m))
		return;
	while (left > s->arg_from && to - left < MASK_MAX_NAME && is_name_char(s->p[left - 1]))
		left--;
	while (right < s->arg_to && right - from < MASK_MAX_NAME && is_name_char(s->p[right]))
		right++;
	if (right - left >= MASK_MAX_NAME)
		return;
	name = left;
	while (name < right && s->p[name] == '-')
		name++;
	option = name > left;
	if (right <= name || !mask_glob(s->m->rule[rule].arg, s->p + name, right - name, true) ||
	    is_kept(s->m, s->p + name, right - name))
		return;
	s->name = (struct hc_str){ s->p + name, (uint32_t)(right - name) };
	if (left == s->arg_from && right < s->arg_to && s->p[right] == '=' && in_list(s)) {
		mask_span_add(s, right + 1, s->arg_to, rule); /* NAME=VALUE is all there is in it */
	} else if (s->form != HC_MASK_ENV && option && left == s->arg_from && right == s->arg_to) {
		value_in_next(s, rule);
	} else if (option && right < s->arg_to && (s->p[right] == ' ' || s->p[right] == '\t')) {
		size_t at = skip_blanks(s, right);

		if (at < s->arg_to && s->p[at] != '-' && s->p[at] != '$') {
			char quote = (char)(s->p[at] == '"' || s->p[at] == '\'' ? s->p[at] : 0);

			at += quote != 0;
			mask_span_add(s, at,
			              quote ? mask_quoted_end(s, at, quote, false) : value_end(s, at, false),
			              rule);
		}
	} else if (!mask_in_bulk(s, name, right, rule) && !value_in_text(s, name, right, rule)) {
		value_in_pair(s, name, right, rule);
	}
	s->name = (struct hc_str){ 0 };
}

/* Characters of a token from `at` on, letters and digits and those of `more`; *ret_cut when the payload ends
 * within it. */
static size_t token_run(const struct mask_scan *s, size_t at, const char *more, bool *ret_cut)
{
	size_t from = at;

	while (at < s->arg_to && (is_token_char(s->p[at]) || (s->p[at] && strchr(more, s->p[at]))))
		at++;
	*ret_cut = s->form == HC_MASK_BYTES && at == s->n;
	return at - from;
}

static const char token_more[] = ".+/=~%";

static bool begins_word(const struct mask_scan *s, size_t at)
{
	return at == s->arg_from || !isalnum((unsigned char)s->p[at]) || !isalnum((unsigned char)s->p[at - 1]);
}

static void see_token(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	const struct mask_rule *r = &s->m->rule[rule];
	/* a prefix with a slash is part of a URL, one with a dollar of what crypt(3) makes */
	const char *more = memchr(r->arg, '/', r->arg_bytes)   ? ".+/=~%:@,"
	                   : memchr(r->arg, '$', r->arg_bytes) ? ".+/=$,"
	                                                       : token_more;
	bool cut;
	size_t n;

	if (memcmp(s->p + from, r->arg, r->arg_bytes) != 0 || !begins_word(s, from) || to <= mask_last_end(s->m))
		return;
	n = token_run(s, to, more, &cut);
	if (n >= r->min || (cut && n))
		mask_span_add(s, to, to + n, rule);
}

static void see_after(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	bool cut;
	size_t at, n;

	if (!begins_word(s, from) || to <= mask_last_end(s->m) || mask_in_bulk(s, from, to, rule))
		return;
	at = skip_blanks(s, skip_quote(s, to));
	if (at < s->arg_to && (s->p[at] == '=' || s->p[at] == ':'))
		at = skip_quote(s, skip_blanks(s, at + 1));
	if (at == to)
		return;
	n = token_run(s, at, token_more, &cut);
	if (n >= s->m->rule[rule].min || (cut && n))
		mask_span_add(s, at, at + n, rule);
}

/* ?NAME=VALUE and &NAME=VALUE */
static void see_query(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	if (from > s->arg_from && (s->p[from - 1] == '?' || s->p[from - 1] == '&') && to > mask_last_end(s->m))
		value_at(s, to, false, rule);
}

static void see_jwt(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	size_t at = to, n;
	bool cut = false;

	if (memcmp(s->p + from, "eyJ", 3) != 0 || !begins_word(s, from) || to <= mask_last_end(s->m))
		return;
	for (unsigned part = 0; part < 3 && !cut; part++) {
		n = token_run(s, at, "", &cut);
		at += n;
		if (!cut && (n < 4 || (part < 2 && (at >= s->arg_to || s->p[at++] != '.'))))
			return;
	}
	mask_span_add(s, to, at, rule);
}

/* A name in a URL that nobody would give himself: long, of letters and digits. */
static bool is_url_token(const struct mask_scan *s, size_t from, size_t to)
{
	unsigned digits = 0;

	for (size_t i = from; i < to; i++) {
		if (!is_token_char(s->p[i]))
			return false;
		digits += s->p[i] >= '0' && s->p[i] <= '9';
	}
	return to - from >= MIN_URL_TOKEN && digits >= MIN_URL_DIGITS;
}

static bool ends_authority(const struct mask_scan *s, size_t at, size_t colon, size_t at_sign)
{
	char c = s->p[at];

	if (c == '"' || c == '\'' || c == '<' || c == '>' || (unsigned char)c <= ' ')
		return true;
	if (c != '/' && c != '?' && c != '#')
		return false;
	/* a password may have these, too, as people write them; a port has digits alone */
	while (colon && !at_sign && ++colon < at)
		if (!isdigit((unsigned char)s->p[colon]))
			return false;
	return true;
}

/* IMAGE:TAG@sha256:.. */
static bool is_digest(const struct mask_scan *s, size_t at_sign)
{
	return s->arg_to - at_sign > 7 &&
	       (memcmp(s->p + at_sign, "@sha256:", 8) == 0 || memcmp(s->p + at_sign, "@sha512:", 8) == 0);
}

static void see_url(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	size_t colon = 0, at_sign = 0, at = to;

	if (from == s->arg_from || !isalnum((unsigned char)s->p[from - 1]) || to <= mask_last_end(s->m) ||
	    to >= s->arg_to || s->p[to] == '[')
		return;
	for (; at < s->arg_to && at - to < 1024 && !ends_authority(s, at, colon, at_sign); at++) {
		char c = s->p[at];

		if (c == ':' && !colon)
			colon = at;
		if (c == '@')
			at_sign = at;
	}
	if (at_sign && is_digest(s, at_sign))
		return;
	if (colon && at_sign > colon && s->p[colon + 1] != '$')
		mask_span_add(s, colon + 1, at_sign, rule);
	else if ((!colon || colon > at_sign) && at_sign && is_url_token(s, to, at_sign))
		mask_span_add(s, to, at_sign, rule);
}

static void see_pem(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	static const char tail[] = "PRIVATE KEY", block[] = " BLOCK", dashes[] = "-----", end[] = "-----END";
	size_t room = s->arg_to - to < 64 ? s->arg_to - to : 64;
	const char *key, *stop;

	if (to <= mask_last_end(s->m) || memcmp(s->p + from, "-----BEGIN ", 11) != 0)
		return;
	key = memmem(s->p + to, room, tail, sizeof(tail) - 1);
	if (!key)
		return;
	from = (size_t)(key - s->p) + sizeof(tail) - 1;
	if (s->arg_to - from >= sizeof(block) - 1 && memcmp(s->p + from, block, sizeof(block) - 1) == 0)
		from += sizeof(block) - 1; /* of OpenPGP */
	if (s->arg_to - from < sizeof(dashes) - 1 || memcmp(s->p + from, dashes, sizeof(dashes) - 1) != 0)
		return;
	from += sizeof(dashes) - 1;
	while (from < s->arg_to && (s->p[from] == '\r' || s->p[from] == '\n'))
		from++;
	stop = memmem(s->p + from, s->arg_to - from, end, sizeof(end) - 1);
	mask_span_add(s, from, stop ? (size_t)(stop - s->p) : s->arg_to, rule);
}

static void see_rule(struct mask_scan *s, uint32_t rule, size_t to)
{
	const struct mask_rule *r = &s->m->rule[rule];
	size_t from = to - strlen(r->anchor);

	switch (r->kind) {
	case MASK_NAME:
		see_name(s, from, to, rule);
		break;
	case MASK_AFTER:
		see_after(s, from, to, rule);
		break;
	case MASK_TOKEN:
		see_token(s, from, to, rule);
		break;
	case MASK_QUERY:
		see_query(s, from, to, rule);
		break;
	case MASK_URL:
		see_url(s, from, to, rule);
		break;
	case MASK_PEM:
		see_pem(s, from, to, rule);
		break;
	case MASK_NETRC:
		mask_see_netrc(s, from, to, rule);
		break;
	case MASK_PASS:
		mask_see_pass(s, from, to, rule);
		break;
	case MASK_LOGIN:
		mask_see_login(s, from, to, rule);
		break;
	case MASK_AUTH:
		mask_see_auth(s, from, to, rule);
		break;
	default:
		see_jwt(s, from, to, rule);
	}
}

/* ---- arguments of single programs ---- */

/* The program whose arguments follow. */
struct program {
	uint32_t from, to; /* its entries in hc_mask.program; none when no rule is for it */
	uint64_t given;    /* a bit for each, of the first 64, whose word it has been given */
};

/* The entries of a program; none, with from == to, when no rule is for it. */
static struct program find_program(const struct hc_mask *m, struct hc_str name)
{
	struct program found = { 0 };
	uint32_t low = 0, high = m->n_programs;

	if (!name.len || !(m->program_bytes & length_bit(name.len)) || !m->program_first[(unsigned char)*name.p])
		return found;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (compare(m->program[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (found.from = found.to = low; found.to < m->n_programs && hc_str_eq(m->program[found.to].name, name);)
		found.to++;
	return found;
}

/* Takes note when the entry names a program for which there are rules, or is a word that they ask for. */
static void see_program(const struct hc_mask *m, struct hc_str arg, struct program *program)
{
	const char *slash = memrchr(arg.p, '/', arg.len);
	struct hc_str name = { slash ? slash + 1 : arg.p, 0 };
	struct program found;
	bool is_word = false;

	for (uint32_t i = program->from; i < program->to && i - program->from < 64; i++)
		if (*m->program[i].with && mask_glob(m->program[i].with, arg.p, arg.len, false)) {
			program->given |= UINT64_C(1) << (i - program->from);
			is_word = true;
		}
	if (is_word) /* `openssl passwd` is not passwd */
		return;
	name.len = (uint32_t)(arg.p + arg.len - name.p);
	found = find_program(m, name);
	if (found.from < found.to)
		*program = found;
}

/* The rule of an entry; NULL when it asks for a word that the program has not been given. */
static const struct mask_rule *rule_of(const struct hc_mask *m, const struct program *program, uint32_t entry)
{
	uint32_t bit = entry - program->from;

	if (*m->program[entry].with && (bit >= 64 || !(program->given >> bit & 1)))
		return NULL;
	return &m->rule[m->program[entry].rule];
}

/* The first entry, from `from` on, with a rule of this kind that holds; program->to when there is none. */
static uint32_t entry_of(const struct hc_mask *m, const struct program *program, enum mask_kind kind)
{
	for (uint32_t i = program->from; i < program->to; i++) {
		const struct mask_rule *r = rule_of(m, program, i);

		if (r && r->kind == kind)
			return i;
	}
	return program->to;
}

/* -su for -s -u VALUE: the letter at the end of a few others. */
static bool ends_cluster(const struct mask_rule *r, const char *arg, size_t n)
{
	if (r->kind != MASK_OPTION || r->arg_bytes != 2 || n < 3 || n > MAX_CLUSTER || *arg != '-' ||
	    arg[n - 1] != r->arg[1])
		return false;
	for (size_t i = 1; i < n; i++)
		if (!isalpha((unsigned char)arg[i]))
			return false;
	return true;
}

enum where { NOT_HERE, HERE, IN_NEXT };

/* Where a value is when the word is this one; *ret_at: how far into it. What is next to an option that has its
 * value attached is none in a list, and is one in a command line when it is a quote. */
static enum where where_value(const struct mask_rule *r, const char *word, size_t n, size_t *ret_at)
{
	const char *equals;

	*ret_at = n;
	switch (r->kind) {
	case MASK_WORD:
		return mask_glob(r->arg, word, n, true) ? IN_NEXT : NOT_HERE;
	case MASK_LOGON:
		if (is_anywhere(r)) {
			*ret_at = 0;
			return *word == '-' ? NOT_HERE : HERE;
		}
		equals = memchr(word, '=', n);
		if (!mask_glob(r->arg, word, equals ? (size_t)(equals - word) : n, true))
			return NOT_HERE;
		*ret_at = equals ? (size_t)(equals - word) + 1 : n;
		return equals ? HERE : IN_NEXT;
	case MASK_VALUES:
		equals = *word == '-' ? NULL : memchr(word, '=', n);
		*ret_at = equals ? (size_t)(equals - word) + 1 : n;
		return equals ? HERE : NOT_HERE;
	case MASK_OPTION:
	case MASK_ATTACHED:
		break;
	default:
		return NOT_HERE;
	}
	if (ends_cluster(r, word, n))
		return IN_NEXT;
	if (n < r->arg_bytes || memcmp(word, r->arg, r->arg_bytes) != 0)
		return NOT_HERE;
	if (n == r->arg_bytes)
		return IN_NEXT;
	if (r->arg[1] == '-' && word[r->arg_bytes] != '=')
		return NOT_HERE; /* another option, which begins so */
	*ret_at = r->arg_bytes + (word[r->arg_bytes] == '=');
	return HERE;
}

/* HOST:CONTAINER or ADDRESS:HOST:CONTAINER: behind the name of an image as of a program, -p is one of docker's. */
static bool is_ports(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (isdigit((unsigned char)p[i]) || p[i] == '.' || p[i] == ':'))
		i++;
	return memchr(p, ':', i) && (i == n || p[i] == '/');
}

static bool is_ports_of(const struct mask_rule *r, struct hc_str value)
{
	return strcmp(r->arg, "-p") == 0 && is_ports(value.p, value.len);
}

/* Whether nothing but NULs follows the entry. */
static bool is_last(const struct mask_scan *s)
{
	for (size_t at = s->arg_to; at < s->n; at++)
		if (s->p[at] != '\0')
			return false;
	return true;
}

/* One entry of an argument list, after the program. */
static void see_argument(struct mask_scan *s, const struct program *program)
{
	const char *arg = s->p + s->arg_from;
	size_t n = s->arg_to - s->arg_from, at, to;

	for (uint32_t i = program->from; n && i < program->to; i++) {
		const struct mask_rule *r = rule_of(s->m, program, i);
		uint32_t rule = s->m->program[i].rule;

		if (!r)
			continue;
		if (r->kind == MASK_LAST && *arg != '-' && is_last(s))
			mask_span_add(s, s->arg_from, s->arg_to, rule);
		switch (where_value(r, arg, n, &at)) {
		case HERE:
			at += s->arg_from;
			to = s->arg_to;
			if (narrow(s, r, &at, &to))
				mask_span_add(s, at, to, rule);
			break;
		case IN_NEXT:
			if (r->kind != MASK_ATTACHED && !is_ports_of(r, next_value(s)))
				value_in_next(s, rule);
			break;
		default:
			break;
		}
	}
}

/* ---- command lines in an argument ---- */

static bool ends_command(char c)
{
	return c == '\n' || c == ';' || c == '|' || c == '&' || c == '(' || c == ')' || c == '`';
}

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '"' || c == '\'' || ends_command(c);
}

/* The end of a shell's word, quotes and what is in them included; a quote within it that nothing closes is the end
 * of what the whole command line stands in. */
static size_t shell_word_end(const struct mask_scan *s, size_t from)
{
	size_t at = from;

	while (at < s->arg_to && s->p[at] != ' ' && s->p[at] != '\t' && !ends_command(s->p[at])) {
		if (s->p[at] == '"' || s->p[at] == '\'') {
			size_t close = mask_quoted_end(s, at + 1, s->p[at], false);

			if (close == s->arg_to && at > from)
				break;
			at = close;
		} else if (s->p[at] == '\\') {
			at++;
		}
		at += at < s->arg_to;
	}
	return at;
}

/* A command line under way: its program, and the last word that is no option of it. */
struct line {
	struct program program;
	size_t last_from, last_end; /* last_end 0: none yet */
	bool to_file;               /* the next word is where output goes */
	/* what echo printed, and the '|' behind it */
	size_t print_from, print_end, pipe;
	size_t printed; /* how far it has been looked for */
	bool piped;     /* it goes to this command */
};

static bool is_variable(const struct mask_scan *s, size_t at)
{
	at += at < s->arg_to && s->p[at] == '"';
	return at < s->arg_to && s->p[at] == '$';
}

/* One word of a command line, from `from` to `to`, after the program; returns where what it masks ends, or `to`.
 */
static size_t see_word(struct mask_scan *s, const struct program *program, size_t from, size_t to)
{
	size_t at, end;

	for (uint32_t i = program->from; i < program->to; i++) {
		const struct mask_rule *r = rule_of(s->m, program, i);
		enum where where = r ? where_value(r, s->p + from, to - from, &at) : NOT_HERE;

		at += from;
		if (where == NOT_HERE || at >= s->arg_to)
			continue;
		if (where == IN_NEXT && !is_quote(s, at)) {
			at = skip_blanks(s, at);
			end = shell_word_end(s, at);
			if (r->kind == MASK_ATTACHED || at == end || s->p[at] == '-' ||
			    is_ports_of(r, (struct hc_str){ s->p + at, (uint32_t)(end - at) }))
				continue;
		}
		end = shell_word_end(s, at);
		if (s->p[at] == '$' || end == at || !narrow(s, r, &at, &end))
			continue;
		span_insert(s, at, end, s->m->program[i].rule);
		return end;
	}
	return to;
}

/* A command ends at `at`: what its rules say of its last argument, and what goes on to the next one. */
static void see_end(struct mask_scan *s, struct line *line, size_t at)
{
	uint32_t entry = entry_of(s->m, &line->program, MASK_LAST);

	if (line->last_end && entry < line->program.to && !is_variable(s, line->last_from))
		span_insert(s, line->last_from, line->last_end, s->m->program[entry].rule);
	line->program = (struct program){ 0 };
	line->last_end = 0;
	line->to_file = false;
	line->piped = line->pipe && at == line->pipe;
}

/* The words of `echo`, up to a '|'. */
static void see_print(const struct mask_scan *s, struct line *line, size_t at)
{
	size_t from = 0, end = at;

	for (;;) {
		size_t word = at;

		while (word < s->arg_to && (s->p[word] == ' ' || s->p[word] == '\t'))
			word++;
		at = shell_word_end(s, word);
		if (at == word)
			break;
		if (!from && s->p[word] != '-')
			from = word;
		end = at;
	}
	while (at < s->arg_to && (s->p[at] == ' ' || s->p[at] == '\t'))
		at++;
	line->printed = at;
	if (from && at + 1 < s->arg_to && s->p[at] == '|' && s->p[at + 1] != '|' && !is_variable(s, from)) {
		line->print_from = from;
		line->print_end = end;
		line->pipe = at;
	}
}

/* `<<<WORD` and `<<END`, lines, `END`. */
static void see_here(struct mask_scan *s, size_t at, uint32_t rule)
{
	bool text = at + 2 < s->arg_to && s->p[at + 2] == '<';
	size_t from = at + 2 + text, end, mark_bytes, room;
	const char *mark, *p;

	from += !text && from < s->arg_to && s->p[from] == '-';
	from = skip_blanks(s, from);
	end = shell_word_end(s, from);
	if (text) {
		if (end > from && !is_variable(s, from))
			span_insert(s, from, end, rule);
		return;
	}
	from += is_quote(s, from);
	mark = s->p + from;
	for (mark_bytes = 0; from + mark_bytes < s->arg_to && is_name_char(mark[mark_bytes]);)
		mark_bytes++;
	room = s->arg_to - from < MAX_HERE ? s->arg_to - from : MAX_HERE;
	p = memchr(mark, '\n', room);
	if (!p || !mark_bytes)
		return;
	room -= (size_t)(p - mark) + 1;
	from = (size_t)(p - s->p) + 1;
	p = memmem(s->p + from, room, mark, mark_bytes);
	end = p ? (size_t)(p - s->p) : from + room;
	end -= end > from && s->p[end - 1] == '\n';
	if (end > from)
		span_insert(s, from, end, rule);
}

static bool is_print(const char *word, size_t n)
{
	return (n == 4 && memcmp(word, "echo", 4) == 0) || (n == 6 && memcmp(word, "printf", 6) == 0);
}

/* Where it is said what a command reads or writes, and no argument; *ret_next: in the next word. */
static bool is_redirection(const char *word, size_t n, bool *ret_next)
{
	size_t at = n && isdigit((unsigned char)*word);

	*ret_next = n && (word[n - 1] == '>' || word[n - 1] == '<');
	return at < n && (word[at] == '>' || word[at] == '<');
}

/* The word is noted as the last one so far, when it is an argument. */
static void see_last(const struct mask_scan *s, struct line *line, size_t at, size_t end)
{
	bool next;

	if (line->to_file) {
		line->to_file = false;
		return;
	}
	if (at < line->last_end || s->p[at] == '-')
		return;
	if (is_redirection(s->p + at, end - at, &next)) {
		line->to_file = next;
		return;
	}
	line->last_from = at;
	line->last_end = shell_word_end(s, at);
}

/* Returns where the next word may begin. */
static size_t see_line_word(struct mask_scan *s, struct line *line, size_t at, size_t end)
{
	size_t masked = see_word(s, &line->program, at, end);
	struct program before = line->program;
	uint32_t entry;

	see_program(s->m, (struct hc_str){ s->p + at, (uint32_t)(end - at) }, &line->program);
	if (is_print(s->p + at, end - at) && at >= line->printed)
		see_print(s, line, end);
	if (line->program.from != before.from)
		line->last_end = 0;
	else if (line->program.to && line->program.given == before.given)
		see_last(s, line, at, end);
	entry = entry_of(s->m, &line->program, MASK_STDIN);
	if (entry == line->program.to)
		return masked;
	if (line->piped)
		span_insert(s, line->print_from, line->print_end, s->m->program[entry].rule);
	line->piped = false;
	if (end - at >= 2 && s->p[at] == '<' && s->p[at + 1] == '<')
		see_here(s, at, s->m->program[entry].rule);
	return masked;
}

/* The arguments of `sh -c` and the like: programs and their options, as shells take them apart. */
static void scan_words(struct mask_scan *s, size_t from, size_t to)
{
	struct line line = { 0 };
	size_t at = from;

	s->arg_from = from;
	s->arg_to = to;
	s->floor = s->m->n_spans;
	while (at < to) {
		size_t end = at;

		while (end < to && !ends_word(s->p[end]))
			end++;
		if (end > at) {
			at = see_line_word(s, &line, at, end);
			continue;
		}
		if (ends_command(s->p[at]))
			see_end(s, &line, at);
		else if (line.program.to && is_quote(s, at))
			see_last(s, &line, at, at + 1);
		at++;
	}
	see_end(s, &line, to);
}

/* Spans from `first` on are in order up to `mid`, and from there on: all of them are then, and apart. */
static void spans_merge(struct mask_scan *s, size_t first, size_t mid)
{
	struct hc_mask *m = s->m;
	size_t n = m->n_spans - first, a = first, b = mid, k = 0;
	struct mask_span *all;

	if (mid == m->n_spans || s->failed)
		return;
	all = malloc(n * sizeof(*all));
	if (!all) {
		s->failed = true;
		return;
	}
	while (a < mid || b < m->n_spans) {
		bool left = b == m->n_spans || (a < mid && m->span[a].start <= m->span[b].start);
		const struct mask_span *v = &m->span[left ? a++ : b++];

		if (k && v->start < all[k - 1].end)
			all[k - 1].end = v->end > all[k - 1].end ? v->end : all[k - 1].end;
		else
			all[k++] = *v;
	}
	memcpy(m->span + first, all, k * sizeof(*all));
	m->n_spans = first + k;
	free(all);
}

/* ---- all of it ---- */

/* Anchors end before `to`. Not inlined: what is rare would take the loop's registers. */
static __attribute__((noinline)) void see_hits(struct mask_scan *s, uint32_t state, size_t to)
{
	const struct hc_mask *m = s->m;

	for (uint32_t o = m->out[state] >= 0 ? state : m->link[state]; o; o = m->link[o])
		for (int32_t rule = m->out[o]; rule >= 0; rule = m->rule[rule].next)
			see_rule(s, (uint32_t)rule, to);
}

static void scan_part(struct mask_scan *s, size_t from, size_t to)
{
	const uint32_t *go = s->m->go;
	const uint8_t *class = s->m->class;
	const char *p = s->p;
	uint32_t at = 0;

	s->arg_from = from;
	s->arg_to = to;
	if (to - from < MASK_MIN_ANCHOR)
		return;
	for (size_t i = from; i < to; i++) {
		at = go[(at & ~MASK_HIT) + class[(unsigned char)p[i]]];
		if (at & MASK_HIT)
			see_hits(s, (at & ~MASK_HIT) / s->m->n_classes, i + 1);
	}
}

/* Numbers in a payload are many short entries: no call for each. */
static size_t entry_end(const struct mask_scan *s, size_t from)
{
	size_t to = from;

	while (to < s->n && s->p[to] != '\0' && to - from < MASK_MIN_ANCHOR)
		to++;
	return to - from < MASK_MIN_ANCHOR ? to : to + strnlen(s->p + to, s->n - to);
}

/* Any entry may name the program: behind sudo, env or a container's exec, and in a payload, which may have the
 * arguments of several processes or begin within them. */
static void scan_list(struct mask_scan *s)
{
	struct program program = { 0 };

	for (size_t from = 0; from < s->n;) {
		size_t to = entry_end(s, from), first = s->m->n_spans, mid;

		scan_part(s, from, to);
		mid = s->m->n_spans;
		if (s->form == HC_MASK_ARGS && mid >= first && memchr(s->p + from, ' ', to - from)) {
			scan_words(s, from, to);
			spans_merge(s, first, mid);
		}
		if (program.to)
			see_argument(s, &program);
		if (s->form != HC_MASK_ENV && in_list(s))
			see_program(s->m, (struct hc_str){ s->p + from, (uint32_t)(to - from) }, &program);
		for (from = to + 1; from < s->n && s->p[from] == '\0';)
			from++;
	}
}

static void count_hits(const struct hc_mask *m, struct hc_mask_hits *hits)
{
	for (size_t i = 0; i < m->n_spans; i++) {
		uint32_t k = 0;

		while (k < hits->n && hits->hit[k].rule != m->span[i].rule && k + 1 < HC_MASK_MAX_HITS)
			k++;
		if (k == hits->n) {
			hits->hit[k].rule = m->span[i].rule;
			hits->hit[k].count = 0;
			hits->n++;
		}
		hits->hit[k].count++;
	}
}

/* Into m->buf; the length of the result. */
static size_t overwrite(struct hc_mask *m, enum hc_mask_form form, const char *p, size_t n)
{
	size_t at = 0, to = 0;

	for (size_t i = 0; i < m->n_spans; i++) {
		const struct mask_span *v = &m->span[i];
		size_t stars = form == HC_MASK_BYTES ? v->end - v->start : 3;

		memcpy(m->buf + to, p + at, v->start - at);
		to += v->start - at;
		memset(m->buf + to, '*', stars);
		to += stars;
		at = v->end;
	}
	memcpy(m->buf + to, p + at, n - at);
	return to + n - at;
}

const void *hc_mask_apply(struct hc_mask *m, enum hc_mask_form form, const void *p, size_t n, size_t *ret_bytes,
                          struct hc_mask_hits *hits)
{
	struct mask_scan s = { .m = m, .form = form, .p = p, .n = n };
	size_t room;

	hits->n = 0;
	*ret_bytes = n;
	m->n_spans = 0;
	if (form == HC_MASK_TEXT)
		scan_part(&s, 0, n);
	else
		scan_list(&s);
	if (s.failed)
		return NULL;
	if (!m->n_spans)
		return p;
	room = n + 3 * m->n_spans;
	if (room > m->cap_buf) {
		char *more = realloc(m->buf, room);

		if (!more)
			return NULL;
		m->buf = more;
		m->cap_buf = room;
	}
	count_hits(m, hits);
	*ret_bytes = overwrite(m, form, p, n);
	return m->buf;
}
