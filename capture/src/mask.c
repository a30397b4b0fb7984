/*
 * The masking engine. One automaton (Aho-Corasick over folded bytes, its failure links resolved, so a table
 * look-up a byte) finds the anchors of all rules in one pass; what stands around an anchor decides whether a value
 * follows, and where it ends. Values found are spans; the text is copied only when there are any.
 *
 * All looks around an anchor are bounded, or end where the last span ends: a hostile text costs a small multiple
 * of its length.
 */
#include "mask_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GAP 8u /* blanks around '=' and ':' */
#define MIN_URL_TOKEN 20u
#define MIN_URL_DIGITS 3u
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

static void programs_make(struct hc_mask *m)
{
	memset(m->program_first, 0, sizeof(m->program_first));
	m->program_bytes = 0;
	for (uint32_t i = 0; i < m->n_rules; i++)
		for (const char *p = m->rule[i].programs; *p && p[1]; p += 1 + strcspn(p + 1, ",")) {
			m->program_first[(unsigned char)p[1]] = true;
			m->program_bytes |= length_bit(strcspn(p + 1, ","));
		}
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
	for (uint32_t i = 0; i < m->n_rules; i++)
		room += strlen(m->rule[i].anchor);
	programs_make(m);
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

/* A text under way. */
struct scan {
	struct hc_mask *m;
	enum hc_mask_form form;
	const char *p;
	size_t n;
	size_t arg_from, arg_to; /* the entry that the anchor is in; a text is one */
	bool failed;
};

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
static bool in_list(const struct scan *s)
{
	return s->form == HC_MASK_ARGS || s->form == HC_MASK_ENV ||
	       (s->form == HC_MASK_BYTES && (s->arg_from > 0 || s->arg_to < s->n));
}

static size_t last_end(const struct hc_mask *m)
{
	return m->n_spans ? m->span[m->n_spans - 1].end : 0;
}

static void span_put(struct scan *s, size_t start, size_t end, uint32_t rule)
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

static void span_add(struct scan *s, size_t start, size_t end, uint32_t rule)
{
	struct hc_mask *m = s->m;

	if (end <= start)
		return;
	/* options are looked at after the text they stand in: what was found inside is part of their value */
	while (m->n_spans && m->span[m->n_spans - 1].start >= start) {
		end = last_end(m) > end ? last_end(m) : end;
		m->n_spans--;
	}
	if (m->n_spans && start < last_end(m)) { /* one value, which goes on */
		if (end > last_end(m))
			m->span[m->n_spans - 1].end = end;
		return;
	}
	span_put(s, start, end, rule);
}

static size_t skip_blanks(const struct scan *s, size_t at)
{
	for (unsigned i = 0; i < MAX_GAP && at < s->arg_to && (s->p[at] == ' ' || s->p[at] == '\t'); i++)
		at++;
	return at;
}

/* The end of a value that begins at `from`. */
static size_t value_end(const struct scan *s, size_t from, bool line)
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

static size_t quoted_end(const struct scan *s, size_t from, char quote, bool escaped)
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

static bool is_quote(const struct scan *s, size_t at)
{
	return at < s->arg_to && (s->p[at] == '"' || s->p[at] == '\'');
}

/* Inside of another text, as a log that quotes JSON has it. */
static bool is_escaped_quote(const struct scan *s, size_t at)
{
	return at + 1 < s->arg_to && s->p[at] == '\\' && s->p[at + 1] == '"';
}

/* Up to the quote of b'..', $'..', @".." and the like. */
static size_t skip_prefix(const struct scan *s, size_t at)
{
	static const char letters[] = "bBfFrRuU$@";
	size_t to = at;

	while (to < s->arg_to && to - at < 2 && memchr(letters, s->p[to], sizeof(letters) - 1))
		to++;
	return is_quote(s, to) ? to : at;
}

static size_t skip_space(const struct scan *s, size_t at)
{
	while (at < s->arg_to && (s->p[at] == ' ' || s->p[at] == '\t' || s->p[at] == '\r' || s->p[at] == '\n'))
		at++;
	return at;
}

/* The value that begins at `at`. Returns where what follows it begins. */
static size_t value_at(struct scan *s, size_t at, bool line, uint32_t rule)
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
	end = quote ? quoted_end(s, at, quote, escaped) : value_end(s, at, line);
	span_add(s, at, end, rule);
	return quote && end < s->arg_to ? end + 1 + escaped : end;
}

/* Whether a list of quoted values begins there. */
static bool is_list(const struct scan *s, size_t at)
{
	if (at >= s->arg_to || s->p[at] != '[')
		return false;
	at = skip_space(s, at + 1);
	return is_escaped_quote(s, at) || is_quote(s, skip_prefix(s, at));
}

/* A value after the name that ends at `at`, as shells, forms, JSON, YAML, HTTP and programs write it. */
static void value_in_text(struct scan *s, size_t at, uint32_t rule)
{
	bool line;

	at += is_escaped_quote(s, at);
	at += is_quote(s, at);
	at = skip_blanks(s, at);
	if (at >= s->arg_to || (s->p[at] != '=' && s->p[at] != ':'))
		return;
	line = s->p[at++] == ':';
	if (at < s->arg_to && (s->p[at] == '=' || (!line && s->p[at] == '>'))) /* := == => */
		at++;
	at = skip_blanks(s, at);
	if (!is_list(s, at)) {
		value_at(s, at, line, rule);
		return;
	}
	do
		at = skip_space(s, value_at(s, skip_space(s, at + 1), false, rule));
	while (at < s->arg_to && s->p[at] == ',');
}

/* The whole next argument, unless it is an option. */
static void value_in_next(struct scan *s, uint32_t rule)
{
	size_t from = s->arg_to + 1, to;

	if (from >= s->n || s->p[from] == '-')
		return;
	to = from + strnlen(s->p + from, s->n - from);
	span_add(s, from, to, rule);
}

static bool is_kept(const struct hc_mask *m, const char *name, size_t bytes)
{
	for (uint32_t i = 0; i < m->n_rules; i++)
		if (m->rule[i].kind == MASK_KEEP && mask_glob(m->rule[i].arg, name, bytes, true))
			return true;
	return false;
}

static void see_name(struct scan *s, size_t from, size_t to, uint32_t rule)
{
	size_t left = from, right = to, name;
	bool option;

	if (to <= last_end(s->m))
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
	if (left == s->arg_from && right < s->arg_to && s->p[right] == '=' && in_list(s)) {
		span_add(s, right + 1, s->arg_to, rule); /* NAME=VALUE is all there is in it */
	} else if (s->form != HC_MASK_ENV && option && left == s->arg_from && right == s->arg_to) {
		value_in_next(s, rule);
	} else if (option && right < s->arg_to && (s->p[right] == ' ' || s->p[right] == '\t')) {
		size_t at = skip_blanks(s, right);

		if (at < s->arg_to && s->p[at] != '-' && s->p[at] != '$') {
			char quote = (char)(s->p[at] == '"' || s->p[at] == '\'' ? s->p[at] : 0);

			at += quote != 0;
			span_add(s, at, quote ? quoted_end(s, at, quote, false) : value_end(s, at, false), rule);
		}
	} else {
		value_in_text(s, right, rule);
	}
}

/* Characters of a token from `at` on; *ret_cut when the payload ends within it. */
static size_t token_run(const struct scan *s, size_t at, bool dots, bool *ret_cut)
{
	size_t from = at;

	while (at < s->arg_to && (is_token_char(s->p[at]) || (dots && strchr(".+/=~", s->p[at]) && s->p[at])))
		at++;
	*ret_cut = s->form == HC_MASK_BYTES && at == s->n;
	return at - from;
}

static bool begins_word(const struct scan *s, size_t at)
{
	return at == s->arg_from || !isalnum((unsigned char)s->p[at - 1]);
}

static void see_token(struct scan *s, size_t from, size_t to, uint32_t rule)
{
	const struct mask_rule *r = &s->m->rule[rule];
	bool cut;
	size_t n;

	if (memcmp(s->p + from, r->arg, r->arg_bytes) != 0 || !begins_word(s, from) || to <= last_end(s->m))
		return;
	n = token_run(s, to, true, &cut);
	if (n >= r->min || (cut && n))
		span_add(s, to, to + n, rule);
}

static void see_after(struct scan *s, size_t from, size_t to, uint32_t rule)
{
	bool cut;
	size_t at, n;

	if (!begins_word(s, from) || to <= last_end(s->m))
		return;
	at = skip_blanks(s, to);
	if (at < s->arg_to && (s->p[at] == '=' || s->p[at] == ':'))
		at = skip_blanks(s, at + 1);
	if (at == to)
		return;
	n = token_run(s, at, true, &cut);
	if (n >= s->m->rule[rule].min || (cut && n))
		span_add(s, at, at + n, rule);
}

static void see_jwt(struct scan *s, size_t from, size_t to, uint32_t rule)
{
	size_t at = to, n;
	bool cut = false;

	if (memcmp(s->p + from, "eyJ", 3) != 0 || !begins_word(s, from) || to <= last_end(s->m))
		return;
	for (unsigned part = 0; part < 3 && !cut; part++) {
		n = token_run(s, at, false, &cut);
		at += n;
		if (!cut && (n < 4 || (part < 2 && (at >= s->arg_to || s->p[at++] != '.'))))
			return;
	}
	span_add(s, to, at, rule);
}

/* A name in a URL that nobody would give himself: long, of letters and digits. */
static bool is_url_token(const struct scan *s, size_t from, size_t to)
{
	unsigned digits = 0;

	for (size_t i = from; i < to; i++) {
		if (!is_token_char(s->p[i]))
			return false;
		digits += s->p[i] >= '0' && s->p[i] <= '9';
	}
	return to - from >= MIN_URL_TOKEN && digits >= MIN_URL_DIGITS;
}

static void see_url(struct scan *s, size_t from, size_t to, uint32_t rule)
{
	size_t colon = 0, at_sign = 0, at = to;

	if (from == s->arg_from || !isalnum((unsigned char)s->p[from - 1]) || to <= last_end(s->m))
		return;
	for (; at < s->arg_to && at - to < 1024; at++) {
		char c = s->p[at];

		if (c == '/' || c == '?' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '>' ||
		    (unsigned char)c <= ' ')
			break;
		if (c == ':' && !colon)
			colon = at;
		if (c == '@')
			at_sign = at;
	}
	if (colon && at_sign > colon && s->p[colon + 1] != '$')
		span_add(s, colon + 1, at_sign, rule);
	else if (!colon && at_sign && is_url_token(s, to, at_sign))
		span_add(s, to, at_sign, rule);
}

static void see_pem(struct scan *s, size_t from, size_t to, uint32_t rule)
{
	static const char tail[] = "PRIVATE KEY-----", end[] = "-----END";
	size_t room = s->arg_to - to < 64 ? s->arg_to - to : 64;
	const char *key, *stop;

	if (to <= last_end(s->m) || memcmp(s->p + from, "-----BEGIN ", 11) != 0)
		return;
	key = memmem(s->p + to, room, tail, sizeof(tail) - 1);
	if (!key)
		return;
	from = (size_t)(key - s->p) + sizeof(tail) - 1;
	while (from < s->arg_to && (s->p[from] == '\r' || s->p[from] == '\n'))
		from++;
	stop = memmem(s->p + from, s->arg_to - from, end, sizeof(end) - 1);
	span_add(s, from, stop ? (size_t)(stop - s->p) : s->arg_to, rule);
}

static void see_rule(struct scan *s, uint32_t rule, size_t to)
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
	case MASK_URL:
		see_url(s, from, to, rule);
		break;
	case MASK_PEM:
		see_pem(s, from, to, rule);
		break;
	default:
		see_jwt(s, from, to, rule);
	}
}

/* ---- options of single programs ---- */

static bool program_is(const struct mask_rule *r, struct hc_str program)
{
	for (const char *p = r->programs + 1; *p; p += strcspn(p, ",") + 1)
		if (strcspn(p, ",") == program.len && memcmp(p, program.p, program.len) == 0)
			return true;
	return false;
}

/* Sets *ret to the program that the entry names, when rules are for its options. */
static void see_program(const struct scan *s, struct hc_str *ret)
{
	const char *arg = s->p + s->arg_from, *slash = memrchr(arg, '/', s->arg_to - s->arg_from);
	struct hc_str name = { slash ? slash + 1 : arg, 0 };

	name.len = (uint32_t)(s->p + s->arg_to - name.p);
	if (!name.len || !(s->m->program_bytes & length_bit(name.len)) ||
	    !s->m->program_first[(unsigned char)*name.p])
		return;
	for (uint32_t i = 0; i < s->m->n_rules; i++)
		if (s->m->rule[i].programs[0] && program_is(&s->m->rule[i], name)) {
			*ret = name;
			return;
		}
}

static bool is_option_of(const struct mask_rule *r, struct hc_str program)
{
	return (r->kind == MASK_OPTION || r->kind == MASK_ATTACHED) && program_is(r, program);
}

/* -su for -s -u VALUE: the letter at the end of a few others. */
static bool ends_cluster(const struct mask_rule *r, const char *arg, size_t n)
{
	if (r->kind != MASK_OPTION || r->arg_bytes != 2 || n < 3 || n > MAX_CLUSTER || arg[n - 1] != r->arg[1])
		return false;
	for (size_t i = 1; i < n; i++)
		if (!isalpha((unsigned char)arg[i]))
			return false;
	return true;
}

/* One entry of an argument list, after the program. */
static void see_option(struct scan *s, struct hc_str program)
{
	const char *arg = s->p + s->arg_from;
	size_t n = s->arg_to - s->arg_from;

	for (uint32_t i = 0; n >= 2 && *arg == '-' && i < s->m->n_rules; i++) {
		const struct mask_rule *r = &s->m->rule[i];

		if (!is_option_of(r, program))
			continue;
		if (ends_cluster(r, arg, n)) {
			value_in_next(s, i);
			continue;
		}
		if (n < r->arg_bytes || memcmp(arg, r->arg, r->arg_bytes) != 0)
			continue;
		if (n > r->arg_bytes && (r->arg[1] != '-' || arg[r->arg_bytes] == '='))
			span_add(s, s->arg_from + r->arg_bytes + (arg[r->arg_bytes] == '='), s->arg_to, i);
		else if (n == r->arg_bytes && r->kind == MASK_OPTION)
			value_in_next(s, i);
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
static size_t shell_word_end(const struct scan *s, size_t from)
{
	size_t at = from;

	while (at < s->arg_to && s->p[at] != ' ' && s->p[at] != '\t' && !ends_command(s->p[at])) {
		if (s->p[at] == '"' || s->p[at] == '\'') {
			size_t close = quoted_end(s, at + 1, s->p[at], false);

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

/* One word of a command line, from `from` to `to`, after the program; returns where what it masks ends, or `to`.
 */
static size_t see_word_option(struct scan *s, struct hc_str program, size_t from, size_t to)
{
	const char *word = s->p + from;
	size_t n = to - from, at, end;

	for (uint32_t i = 0; i < s->m->n_rules; i++) {
		const struct mask_rule *r = &s->m->rule[i];
		bool cluster;

		if (!is_option_of(r, program))
			continue;
		cluster = ends_cluster(r, word, n);
		if (!cluster && (n < r->arg_bytes || memcmp(word, r->arg, r->arg_bytes) != 0))
			continue;
		at = cluster ? to : from + r->arg_bytes;
		if (at < to && r->arg[1] == '-' && s->p[at] != '=')
			continue; /* another option, which begins so */
		at += at < to && s->p[at] == '=';
		if (at == to && (at >= s->arg_to || (s->p[at] != '"' && s->p[at] != '\''))) {
			at = skip_blanks(s, at);
			if (r->kind != MASK_OPTION || at >= s->arg_to || s->p[at] == '-')
				continue;
		}
		if (s->p[at] == '$')
			continue;
		end = shell_word_end(s, at);
		if (end == at)
			continue;
		span_put(s, at, end, i);
		return end;
	}
	return to;
}

/* The arguments of `sh -c` and the like: programs and their options, as shells take them apart. */
static void scan_words(struct scan *s, size_t from, size_t to)
{
	struct hc_str program = { 0 };
	size_t at = from;

	while (at < to) {
		size_t end = at;

		while (end < to && !ends_word(s->p[end]))
			end++;
		if (end == at) {
			if (ends_command(s->p[at]))
				program = (struct hc_str){ 0 };
			at++;
			continue;
		}
		s->arg_from = from;
		s->arg_to = to;
		if (program.p && s->p[at] == '-') {
			at = see_word_option(s, program, at, end);
			continue;
		}
		s->arg_from = at;
		s->arg_to = end;
		see_program(s, &program);
		at = end;
	}
	s->arg_from = from;
	s->arg_to = to;
}

/* Spans from `first` on are in order up to `mid`, and from there on: all of them are then, and apart. */
static void spans_merge(struct scan *s, size_t first, size_t mid)
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

static void scan_part(struct scan *s, size_t from, size_t to)
{
	const struct hc_mask *m = s->m;
	const uint32_t *go = m->go;
	const uint8_t *class = m->class;
	uint32_t at = 0;

	s->arg_from = from;
	s->arg_to = to;
	if (to - from < MASK_MIN_ANCHOR)
		return;
	for (size_t i = from; i < to; i++) {
		at = go[(at & ~MASK_HIT) + class[(unsigned char)s->p[i]]];
		if (!(at & MASK_HIT))
			continue;
		uint32_t state = (at & ~MASK_HIT) / m->n_classes;

		for (uint32_t o = m->out[state] >= 0 ? state : m->link[state]; o; o = m->link[o])
			for (int32_t rule = m->out[o]; rule >= 0; rule = m->rule[rule].next)
				see_rule(s, (uint32_t)rule, i + 1);
	}
}

/* Numbers in a payload are many short entries: no call for each. */
static size_t entry_end(const struct scan *s, size_t from)
{
	size_t to = from;

	while (to < s->n && s->p[to] != '\0' && to - from < MASK_MIN_ANCHOR)
		to++;
	return to - from < MASK_MIN_ANCHOR ? to : to + strnlen(s->p + to, s->n - to);
}

/* Any entry may name the program: behind sudo, env or a container's exec, and in a payload, which may have the
 * arguments of several processes or begin within them. */
static void scan_list(struct scan *s)
{
	struct hc_str program = { 0 };

	for (size_t from = 0; from < s->n;) {
		size_t to = entry_end(s, from);

		size_t first = s->m->n_spans, mid;

		scan_part(s, from, to);
		mid = s->m->n_spans;
		if (s->form == HC_MASK_ARGS && mid >= first && memchr(s->p + from, ' ', to - from)) {
			scan_words(s, from, to);
			spans_merge(s, first, mid);
		}
		if (program.p)
			see_option(s, program);
		if (s->form != HC_MASK_ENV && in_list(s))
			see_program(s, &program);
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
	struct scan s = { .m = m, .form = form, .p = p, .n = n };
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
