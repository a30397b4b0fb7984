/*
 * A value is found in the block's texts again, whole, in part or piece by piece; what the field puts between them
 * is left out. Where that might explain a piece, nothing is known, and the answer is yes. tests/unit/
 * replay_prune_test.c asks all fields about their own values.
 */
#include "replay/dialects/falco/clues.h"

#include <ctype.h>
#include <string.h>

#define MAX_PIECES 24 /* of a joined text */
#define ADDRESS_GLUE "0123456789abcdefABCDEF.:->"

static bool is_one_of(struct hc_str s, const char *const *words)
{
	for (; *words; words++)
		if (hc_str_eq(s, hc_str_c(*words)))
			return true;
	return false;
}

/* Is it a part of what the field itself may write? */
static bool is_within(struct hc_str part, const char *text)
{
	return memmem(text, strlen(text), part.p, part.len) != NULL;
}

static bool is_all_of(struct hc_str s, const char *letters)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (!s.p[i] || !strchr(letters, s.p[i]))
			return false;
	return true;
}

static struct hc_str less_digits(struct hc_str s)
{
	while (s.len && isdigit((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

/* The next piece of a text between separators; false at the end. */
static bool next_piece(struct hc_str *s, char separator, struct hc_str *ret)
{
	const char *end;

	while (s->len && s->p[0] == separator) {
		s->p++;
		s->len--;
	}
	if (!s->len)
		return false;
	end = memchr(s->p, separator, s->len);
	*ret = (struct hc_str){ s->p, end ? (uint32_t)(end - s->p) : s->len };
	s->p += ret->len;
	s->len -= ret->len;
	return true;
}

/* Has the block this text, with something before and behind it? */
static bool has_between(struct hc_prune *p, struct hc_str before, struct hc_str s, struct hc_str behind)
{
	size_t n = (size_t)before.len + s.len + behind.len;
	char buf[4096];

	if (n > sizeof(buf))
		return true;
	memcpy(buf, before.p, before.len);
	memcpy(buf + before.len, s.p, s.len);
	memcpy(buf + before.len + s.len, behind.p, behind.len);
	return hc_prune_str(p, (struct hc_str){ buf, (uint32_t)n });
}

/* ---- plain texts ---- */

bool falco_may_be_text(struct hc_prune *p, const void *arg, struct hc_str s)
{
	(void)arg;
	return !s.len || hc_prune_str(p, s);
}

bool falco_may_contain_text(struct hc_prune *p, const void *arg, struct hc_str part)
{
	(void)arg;
	return hc_prune_part(p, HC_OBJ_STR, part);
}

bool falco_may_be_part(struct hc_prune *p, const void *arg, struct hc_str s)
{
	return falco_may_contain_text(p, arg, s);
}

/* Is there a way to take it apart at spaces into texts of the block? */
bool falco_may_be_joined(struct hc_prune *p, const void *arg, struct hc_str s)
{
	uint32_t ends[MAX_PIECES + 1];
	bool reached[MAX_PIECES + 1] = { false }; /* all before this end is taken apart */
	unsigned n = 0;

	(void)arg;
	for (uint32_t i = 0; i <= s.len; i++) {
		if (i < s.len && s.p[i] != ' ')
			continue;
		if (n == MAX_PIECES)
			return true;
		ends[n++] = i;
	}
	for (unsigned to = 0; to < n; to++) {
		for (unsigned from = 0; from <= to && !reached[to]; from++) {
			uint32_t begin = from ? ends[from - 1] + 1 : 0;

			reached[to] = (!from || reached[from - 1]) &&
			              falco_may_be_text(p, NULL, (struct hc_str){ s.p + begin, ends[to] - begin });
		}
	}
	return reached[n - 1];
}

bool falco_may_contain_joined(struct hc_prune *p, const void *arg, struct hc_str part)
{
	struct hc_str piece;

	(void)arg;
	while (next_piece(&part, ' ', &piece))
		if (!hc_prune_part(p, HC_OBJ_STR, piece))
			return false;
	return true;
}

/* ---- processes ---- */

bool falco_may_be_exepath(struct hc_prune *p, const void *arg, struct hc_str s)
{
	return falco_may_be_text(p, arg, s) || has_between(p, HC_STR(""), s, HC_STR(" (deleted)")) ||
	       (hc_str_starts(s, HC_STR("memfd:")) && has_between(p, HC_STR("/"), s, HC_STR("")));
}

bool falco_may_be_cwd(struct hc_prune *p, const void *arg, struct hc_str s)
{
	if (falco_may_be_text(p, arg, s))
		return true;
	if (s.p[s.len - 1] != '/')
		return false;
	s.len--;
	return falco_may_be_text(p, arg, s);
}

bool falco_may_be_user(struct hc_prune *p, const void *arg, struct hc_str s)
{
	static const char *const own[] = { "root", "/root", "<NA>", NULL };

	return is_one_of(s, own) || falco_may_be_text(p, arg, s);
}

bool falco_may_be_container(struct hc_prune *p, const void *arg, struct hc_str s)
{
	return hc_str_eq(s, HC_STR("host")) || falco_may_be_text(p, arg, s);
}

bool falco_may_contain_container(struct hc_prune *p, const void *arg, struct hc_str part)
{
	return is_within(part, "host") || falco_may_contain_text(p, arg, part);
}

bool falco_may_be_container_id(struct hc_prune *p, const void *arg, struct hc_str s)
{
	if (falco_may_be_container(p, arg, s))
		return true;
	return !arg && s.len == 12 && hc_prune_part(p, HC_OBJ_STR, s); /* the beginning of a whole one */
}

bool falco_may_be_addr(struct hc_prune *p, const void *arg, struct hc_str raw)
{
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	bool zero = true;

	(void)arg;
	for (uint32_t i = 0; i < raw.len; i++)
		zero &= !raw.p[i];
	if (zero || hc_prune_addr(p, raw))
		return true; /* 0.0.0.0 is the beginning of :: too */
	if (raw.len != 4)
		return false;
	memcpy(mapped + 12, raw.p, 4);
	return hc_prune_addr(p, (struct hc_str){ (const char *)mapped, sizeof(mapped) });
}

/* ---- paths and descriptors ---- */

/* A piece of a component, less what stands before a name whose directory is not known. */
static bool may_have_component(struct hc_prune *p, struct hc_str s)
{
	const char *unknown = memrchr(s.p, '>', s.len);

	if (is_within(s, "<UNKNOWN>") || is_within(s, "<NA>"))
		return true;
	if (unknown) {
		s.len -= (uint32_t)(unknown + 1 - s.p);
		s.p = unknown + 1;
	}
	return hc_prune_part(p, HC_OBJ_STR, s);
}

/* A path that is made normal keeps what it keeps of its components. */
bool falco_may_contain_path(struct hc_prune *p, const void *arg, struct hc_str part)
{
	struct hc_str piece;

	(void)arg;
	while (next_piece(&part, '/', &piece))
		if (!may_have_component(p, piece))
			return false;
	return true;
}

bool falco_may_be_path(struct hc_prune *p, const void *arg, struct hc_str s)
{
	return falco_may_contain_path(p, arg, s);
}

/* Of an absolute path each component still stands behind a slash. */
bool falco_may_be_abs(struct hc_prune *p, const void *arg, struct hc_str s)
{
	struct hc_str piece;

	if (!s.len || s.p[0] != '/')
		return falco_may_be_path(p, arg, s);
	while (next_piece(&s, '/', &piece))
		if (!hc_prune_part(p, HC_OBJ_STR, (struct hc_str){ piece.p - 1, piece.len + 1 }))
			return false;
	return true;
}

/* Addresses and ports of sockets, and "/proc/PID" of a descriptor of a process, stand in no heap. */
static bool is_own_name(struct hc_str s)
{
	return is_within(less_digits(s), "/proc/") || is_all_of(s, ADDRESS_GLUE);
}

/* A path is a text of its own, or that of an abstract socket behind zeros. */
bool falco_may_be_fd_name(struct hc_prune *p, const void *arg, struct hc_str s)
{
	char buf[4096];

	if (!s.len || s.p[0] != '/' || s.len >= sizeof(buf))
		return falco_may_contain_fd_name(p, arg, s);
	if (is_own_name(s) || hc_prune_str(p, s))
		return true;
	buf[0] = '\0';
	memcpy(buf + 1, s.p, s.len);
	if (hc_prune_part(p, HC_OBJ_STR, (struct hc_str){ buf, s.len + 1 }))
		return true;
	return has_between(p, HC_STR("memfd:"), s, HC_STR(""));
}

/* Between the addresses of a unix socket and its path is a space. */
bool falco_may_contain_fd_name(struct hc_prune *p, const void *arg, struct hc_str part)
{
	struct hc_str piece;

	(void)arg;
	while (next_piece(&part, ' ', &piece))
		if (!is_own_name(piece) && !hc_prune_part(p, HC_OBJ_STR, piece))
			return false;
	return true;
}

bool falco_may_be_fs_path(struct hc_prune *p, const void *arg, struct hc_str s)
{
	return falco_may_be_path(p, arg, s) || falco_may_be_fd_name(p, arg, s);
}

bool falco_may_be_addr_name(struct hc_prune *p, const void *arg, struct hc_str s)
{
	return falco_may_contain_addr_name(p, arg, s);
}

bool falco_may_contain_addr_name(struct hc_prune *p, const void *arg, struct hc_str part)
{
	(void)arg;
	return is_within(less_digits(part), "family ") || is_all_of(part, ADDRESS_GLUE) ||
	       hc_prune_part(p, HC_OBJ_BYTES, part);
}
