/*
 * Passwords in what protocols and their files write without a name and '=' or ':': commands of FTP, POP3, IRC,
 * IMAP, SMTP and Redis, and netrc(5). A command is one only where its line begins, and ends as the protocol wants
 * it: prose and the output of tests have the same words.
 */
#include "mask_priv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MAX_LINE 512u /* bytes of a command, behind its first word */
#define MAX_TAG 16u
#define MAX_NETRC_WORD 256u
#define MAX_NETRC_GAP 32u
#define MAX_NETRC_PAIRS 4u /* of a machine's, before its password */
#define MAX_BULK_DIGITS 8u

/* Part of a text. */
struct part {
	size_t from, to;
};

static bool is_at(const struct mask_scan *s, size_t at, const char *text)
{
	size_t n = strlen(text);

	return at <= s->arg_to && s->arg_to - at >= n && strncasecmp(s->p + at, text, n) == 0;
}

static bool is_behind(const struct mask_scan *s, size_t at, const char *text)
{
	size_t n = strlen(text);

	return at - s->arg_from >= n && is_at(s, at - n, text);
}

static bool begins_line(const struct mask_scan *s, size_t at)
{
	return at == s->arg_from || s->p[at - 1] == '\n';
}

/* ---- commands ---- */

/* Where the line ends, before its CR LF; *ret_whole: it has these. */
static size_t line_end(const struct mask_scan *s, size_t from, bool *ret_whole)
{
	size_t room = s->arg_to - from < MAX_LINE ? s->arg_to - from : MAX_LINE;
	const char *lf = memchr(s->p + from, '\n', room);
	size_t to = lf ? (size_t)(lf - s->p) : from + room;

	*ret_whole = lf && to > from && s->p[to - 1] == '\r';
	return to - *ret_whole;
}

/* The next word of a line, of a quoted one what is in the quotes; moves *at behind it. Empty at the end. */
static struct part next_word(const struct mask_scan *s, size_t *at, size_t end)
{
	struct part w;

	while (*at < end && s->p[*at] == ' ')
		++*at;
	w.from = *at;
	if (*at < end && s->p[*at] == '"') {
		w.from++;
		w.to = mask_quoted_end(s, w.from, '"', false);
		w.to = w.to < end ? w.to : end;
		*at = w.to + (w.to < end);
		return w;
	}
	while (*at < end && s->p[*at] != ' ')
		++*at;
	w.to = *at;
	return w;
}

static bool is_upper(const struct mask_scan *s, size_t from)
{
	return isupper((unsigned char)s->p[from]) && isupper((unsigned char)s->p[from + 1]);
}

/* Whether the line before this one is USER NAME. */
static bool is_behind_user(const struct mask_scan *s, size_t at)
{
	size_t least = at - s->arg_from < MAX_LINE ? s->arg_from : at - MAX_LINE;

	if (at == s->arg_from)
		return false;
	for (at--; at > least && s->p[at - 1] != '\n';)
		at--;
	return begins_line(s, at) && is_at(s, at, "user ");
}

/* The password is the rest of the line, blanks included. */
void mask_see_pass(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	size_t end;
	bool whole;

	if (s->form != HC_MASK_BYTES || !begins_line(s, from) || to <= mask_last_end(s->m))
		return;
	end = line_end(s, to, &whole);
	if (is_behind_user(s, from) || (whole && (is_upper(s, from) || !memchr(s->p + to, ' ', end - to))))
		mask_span_add(s, to, end, rule);
}

/* The tag of an IMAP command, and the blank behind it, end at `at`. */
static bool is_tagged(const struct mask_scan *s, size_t at, bool *ret_digit)
{
	size_t tag = at - 1;

	*ret_digit = false;
	while (tag > s->arg_from && at - tag <= MAX_TAG && isalnum((unsigned char)s->p[tag - 1]))
		*ret_digit |= isdigit((unsigned char)s->p[--tag]);
	return tag < at - 1 && begins_line(s, tag);
}

void mask_see_login(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	struct part password;
	size_t at = to, end;
	bool whole, digit;

	from++;
	if (s->form != HC_MASK_BYTES || to <= mask_last_end(s->m) || !is_tagged(s, from, &digit) ||
	    !(digit || is_upper(s, from)))
		return;
	end = line_end(s, to, &whole);
	next_word(s, &at, end);
	password = next_word(s, &at, end);
	if (whole && at == end)
		mask_span_add(s, password.from, password.to, rule);
}

/* ---- Redis' protocol ---- */

/* The string behind CR LF at *at: `$6`, CR LF, six bytes; what the payload was cut to of it. Moves *at behind it.
 */
static bool next_bulk(const struct mask_scan *s, size_t *at, struct part *ret)
{
	size_t to = *at, bytes = 0, digits;

	if (!is_at(s, to, "\r\n$"))
		return false;
	to += 3;
	for (digits = to; to < s->arg_to && to - digits < MAX_BULK_DIGITS && isdigit((unsigned char)s->p[to]);
	     to++)
		bytes = bytes * 10 + (size_t)(s->p[to] - '0');
	if (to == digits || !is_at(s, to, "\r\n"))
		return false;
	ret->from = to + 2;
	*at = ret->to = s->arg_to - ret->from < bytes ? s->arg_to : ret->from + bytes;
	return true;
}

bool mask_in_bulk(struct mask_scan *s, size_t name, size_t to, uint32_t rule)
{
	struct part value;

	if (s->form != HC_MASK_BYTES || to >= s->arg_to || s->p[to] != '\r' || !is_behind(s, name, "\r\n") ||
	    !next_bulk(s, &to, &value))
		return false;
	mask_span_add(s, value.from, value.to, rule);
	return true;
}

/* AUTH as a string of its own: a command, or of HELLO, which has a user. */
static void see_auth_bulk(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	struct part user, password;
	size_t head = from - 4; /* "$4\r\n" */
	bool hello =
		is_behind(s, head, "\r\nHELLO\r\n$1\r\n2\r\n") || is_behind(s, head, "\r\nHELLO\r\n$1\r\n3\r\n");
	bool pair = hello || is_behind(s, head, "*3\r\n");

	if ((!pair && !is_behind(s, head, "*2\r\n")) || !next_bulk(s, &to, &user))
		return;
	password = user;
	if (!pair || next_bulk(s, &to, &password))
		mask_span_add(s, password.from, password.to, rule);
}

/* ---- AUTH and AUTHENTICATE ---- */

static bool is_word_of(const struct mask_scan *s, struct part w, const char *const *globs)
{
	for (; *globs; globs++)
		if (mask_glob(*globs, s->p + w.from, w.to - w.from, true))
			return true;
	return false;
}

/* Lines of base64 that answer a server which has not been waited for. */
static void see_answers(struct mask_scan *s, size_t at, unsigned n, uint32_t rule)
{
	static const char more[] = "+/=";
	bool whole;

	while (n-- && at < s->arg_to) {
		size_t end = line_end(s, at, &whole), to = at;

		while (to < end && (isalnum((unsigned char)s->p[to]) || memchr(more, s->p[to], sizeof(more) - 1)))
			to++;
		if (!whole || to < end)
			return;
		mask_span_add(s, at, end, rule);
		at = end + 2;
	}
}

/* What follows the command from `at` to `end`, of a line. */
static void see_mechanism(struct mask_scan *s, size_t at, size_t end, bool plain, uint32_t rule)
{
	static const char *const telling[] = { "plain", "login", "xoauth2", "oauthbearer", NULL };
	static const char *const others[] = { "external",  "anonymous", "gssapi", "gss_spnego", "ntlm",
		                              "tls*",      "ssl",       "*_md5",  "scram_*",    "*_sha1",
		                              "kerberos*", "otp",       "skey",   NULL };
	struct part first = next_word(s, &at, end), second = next_word(s, &at, end);

	if (at < end)
		return;
	if (is_word_of(s, first, telling)) {
		if (second.from < second.to)
			mask_span_add(s, second.from, second.to, rule);
		see_answers(s, end + 2, 1 + (second.from == second.to && first.to - first.from == 5), rule);
	} else if (plain && !is_word_of(s, first, others)) {
		if (second.from < second.to)
			first = second;
		mask_span_add(s, first.from, first.to, rule);
	}
}

void mask_see_auth(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	bool whole, digit, hello, alone = begins_line(s, from);
	struct part password;
	size_t end;

	if (s->form != HC_MASK_BYTES || to >= s->arg_to || to <= mask_last_end(s->m))
		return;
	if (s->p[to] == '\r' && is_behind(s, from, "$4\r\n")) {
		see_auth_bulk(s, from, to, rule);
		return;
	}
	if (is_at(s, to, "enticate"))
		to += 8;
	if (to >= s->arg_to || s->p[to] != ' ' || (!alone && s->p[from - 1] != ' '))
		return;
	hello = is_behind(s, from, "hello 2 ") || is_behind(s, from, "hello 3 ");
	end = line_end(s, to, &whole);
	if (whole && hello) {
		next_word(s, &to, end);
		password = next_word(s, &to, end);
		mask_span_add(s, password.from, password.to, rule);
	} else if (whole && (alone || is_tagged(s, from, &digit))) {
		see_mechanism(s, to, end, alone && is_upper(s, from), rule);
	}
}

/* ---- netrc ---- */

/* A line end and a tab may stand there as a program's text has them. */
static bool is_escaped_gap(const struct mask_scan *s, size_t at)
{
	return at + 1 < s->arg_to && s->p[at] == '\\' && (s->p[at + 1] == 'n' || s->p[at + 1] == 't');
}

static bool is_gap(const struct mask_scan *s, size_t at)
{
	char c = s->p[at];

	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || is_escaped_gap(s, at);
}

/* The word that ends before `at` and the gap there; moves *at to where it begins. Empty when there is none. */
static struct part word_before(const struct mask_scan *s, size_t *at)
{
	struct part w;
	size_t to = *at;

	while (to > s->arg_from && *at - to < MAX_NETRC_GAP) {
		if (to - s->arg_from >= 2 && is_escaped_gap(s, to - 2))
			to -= 2;
		else if (is_gap(s, to - 1))
			to--;
		else
			break;
	}
	w = (struct part){ to, to };
	while (to < *at && w.from > s->arg_from && to - w.from < MAX_NETRC_WORD && !is_gap(s, w.from - 1) &&
	       !(w.from - s->arg_from >= 2 && is_escaped_gap(s, w.from - 2)))
		w.from--;
	*at = w.from;
	return w;
}

/* Also with a quote or the like in front of it. */
static bool is_key(const struct mask_scan *s, struct part w, const char *key)
{
	size_t n = strlen(key), bytes = w.to - w.from;

	return bytes >= n && memcmp(s->p + w.to - n, key, n) == 0 &&
	       (bytes == n || !isalnum((unsigned char)s->p[w.to - n - 1]));
}

/* Whether an entry is what ends at `at`: its machine, and perhaps more of it. */
static bool is_in_entry(const struct mask_scan *s, size_t at)
{
	for (unsigned i = 0; i < MAX_NETRC_PAIRS; i++) {
		struct part value = word_before(s, &at), key;

		if (value.from == value.to)
			return false;
		if (i && is_key(s, value, "default") && (begins_line(s, at) || value.to - value.from > 7))
			return true;
		key = word_before(s, &at);
		if (is_key(s, key, "machine"))
			return true;
		if (!is_key(s, key, "login") && !is_key(s, key, "account") && !is_key(s, key, "port"))
			return false;
	}
	return false;
}

static bool ends_netrc_value(const struct mask_scan *s, size_t at)
{
	static const char after[] = " \t\r\n;|&),}]";
	char c = s->p[at];

	if (is_gap(s, at) || (c == '\\' && at + 1 < s->arg_to && s->p[at + 1] == '"'))
		return true;
	return (c == '"' || c == '\'') && (at + 1 == s->arg_to || memchr(after, s->p[at + 1], sizeof(after) - 1));
}

void mask_see_netrc(struct mask_scan *s, size_t from, size_t to, uint32_t rule)
{
	size_t at = to, end;

	if (to >= s->arg_to || !is_gap(s, to) || to <= mask_last_end(s->m) || !is_in_entry(s, from))
		return;
	while (at < s->arg_to && at - to < MAX_NETRC_GAP && is_gap(s, at))
		at += 1 + is_escaped_gap(s, at);
	if (at < s->arg_to && s->p[at] == '"') {
		end = mask_quoted_end(s, ++at, '"', false);
	} else {
		for (end = at; end < s->arg_to && !ends_netrc_value(s, end);)
			end++;
	}
	if (at < s->arg_to && (s->form == HC_MASK_BYTES || s->p[at] != '$'))
		mask_span_add(s, at, end, rule);
}
