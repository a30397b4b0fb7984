/* libyaml's events, composed into nodes of an arena. An anchor is known once its node is complete: no cycle can be
 * made. */
#include "replay/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <yaml.h>

#include "store/base/arena.h"
#include "store/base/file.h"
#include "store/base/utf8.h"

struct anchor {
	struct anchor *next;
	const char *name;
	struct hc_yaml_node *node;
};

struct hc_yaml {
	struct hc_arena arena;
	const char *file;
	struct hc_str text;
	bool odd;        /* has bytes that libyaml gets in disguise */
	uint32_t *lines; /* byte of each line's begin */
	uint32_t n_lines, n_docs;
	struct hc_yaml_node **docs;
};

struct composer {
	struct hc_yaml *y;
	yaml_parser_t parser;
	struct anchor *anchors;
	uint32_t n_nodes;
	unsigned depth;
	uint32_t at_line, at_column, at_byte; /* of the last node */
	struct hc_err *err;
};

/* ---- any bytes ---- */

/* libyaml refuses what is not UTF-8 and most control characters, breaks lines where other libraries do not, and
 * has no plain scalars that begin with a colon ([::1]). Each such byte is shown to it as a character of a private
 * range, and taken back from the scalars. Characters of that range go byte by byte themselves. */
#define DISGUISE 0x10fe00u
#define DISGUISE_BYTES 4u

static bool is_odd_char(uint32_t c)
{
	return (c < ' ' && c != 0 && c != 4 && !(c >= '\t' && c <= '\n') && c != '\r') ||
	       (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe ||
	       c == 0xffff || (c & ~0xffu) == DISGUISE;
}

/* Bytes of the character at p, of n that are there; 0: the byte there is odd. */
static unsigned plain_char(const char *p, size_t n)
{
	uint32_t c;
	unsigned len = hc_utf8(p, n, &c);

	return len && !is_odd_char(c) ? len : 0;
}

/* Whether the character at a place ends a plain scalar's colon, or is none. */
static bool ends_colon(struct hc_str text, uint32_t at)
{
	return at >= text.len || strchr(" \t\r\n,[]{}", text.p[at]);
}

static bool begins_with_colon(struct hc_str text, uint32_t at)
{
	if (text.p[at] != ':' || !at || !strchr(" \t\r\n,[{", text.p[at - 1]) || ends_colon(text, at + 1))
		return false;
	return text.p[at + 1] != ':' || !ends_colon(text, at + 2);
}

static size_t count_odd(struct hc_str text)
{
	size_t n = 0;

	for (uint32_t i = 0; i < text.len;) {
		unsigned len;

		while (i < text.len && text.p[i] >= ' ' && text.p[i] <= '~' &&
		       text.p[i] != ':') /* nearly all of a file */
			i++;
		if (i == text.len)
			break;
		if (text.p[i] == ':') {
			n += begins_with_colon(text, i++);
			continue;
		}
		len = plain_char(text.p + i, text.len - i);
		n += len == 0;
		i += len ? len : 1;
	}
	return n;
}

/* The text as libyaml is to see it, which the caller frees; NULL without memory. */
static char *disguise(struct hc_str text, size_t *ret_bytes)
{
	char *to = malloc(text.len + count_odd(text) * (DISGUISE_BYTES - 1) + 1);
	size_t n = 0;

	for (uint32_t i = 0; to && i < text.len;) {
		unsigned len = begins_with_colon(text, i) ? 0 : plain_char(text.p + i, text.len - i);

		if (len) {
			memcpy(to + n, text.p + i, len);
		} else {
			uint8_t b = (uint8_t)text.p[i];
			const uint8_t as[DISGUISE_BYTES] = { 0xf4, 0x8f, (uint8_t)(0xb8 | b >> 6),
				                             (uint8_t)(0x80 | (b & 0x3f)) };

			memcpy(to + n, as, DISGUISE_BYTES);
		}
		n += len ? len : DISGUISE_BYTES;
		i += len ? len : 1;
	}
	*ret_bytes = n;
	return to;
}

/* In place; the new length. */
static uint32_t undisguise(char *p, uint32_t n)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < n;) {
		uint32_t c;

		if (hc_utf8(p + i, n - i, &c) == DISGUISE_BYTES && (c & ~0xffu) == DISGUISE) {
			p[to++] = (char)c;
			i += DISGUISE_BYTES;
		} else {
			p[to++] = p[i++];
		}
	}
	return to;
}

/* ---- documents ---- */

struct line {
	char *p;
	size_t n;
};

static bool is_marker(struct line l, const char *marker)
{
	return l.n >= 3 && memcmp(l.p, marker, 3) == 0 && (l.n == 3 || strchr(" \t", l.p[3]));
}

/* Whether there is nothing but a comment from a place on. */
static bool is_bare(struct line l, size_t at)
{
	while (at < l.n && strchr(" \t", l.p[at]))
		at++;
	return at == l.n || l.p[at] == '#';
}

/* libyaml wants each document but the first to begin with ---, where others take one that follows on ... too. The
 * dots that end a document become dashes where one without them follows, other dots comments. */
static void open_documents(char *text, size_t n)
{
	char *end = NULL; /* the dots of the last document, which nothing has followed yet */
	bool within = false;
	struct line l;

	for (size_t i = 0; i < n; i += l.n + 1) {
		l = (struct line){ text + i, 0 };
		while (i + l.n < n && l.p[l.n] != '\n' && l.p[l.n] != '\r')
			l.n++;
		if (is_marker(l, "...") && is_bare(l, 3)) {
			if (within)
				end = l.p;
			else
				l.p[0] = '#';
			within = false;
		} else if (!is_bare(l, 0)) {
			if (!within && end && !is_marker(l, "---") && l.p[0] != '%')
				memset(end, '-', 3);
			within |= l.p[0] != '%';
			end = NULL;
		}
	}
}

/* ---- places ---- */

static int out_of_memory(struct composer *c)
{
	return hc_err_set(c->err, -ENOMEM, "out of memory");
}

/* Bytes of the character at a place, as libyaml's marks count characters. */
static uint32_t char_bytes(const struct hc_yaml *y, uint32_t at)
{
	uint32_t n = 1;

	if (y->odd) {
		n = plain_char(y->text.p + at, y->text.len - at);
		return n ? n : 1;
	}
	while (at + n < y->text.len && ((uint8_t)y->text.p[at + n] & 0xc0) == 0x80)
		n++;
	return n;
}

static uint32_t line_begin(const struct hc_yaml *y, uint32_t line)
{
	if (!line || line > y->n_lines)
		return y->text.len;
	return y->lines[line - 1];
}

static void place_of_byte(const struct hc_yaml *y, size_t at, uint32_t *ret_line, uint32_t *ret_column)
{
	uint32_t lo = 1, hi = y->n_lines;

	while (lo < hi) { /* the last line that begins at or before the byte */
		uint32_t mid = lo + (hi - lo + 1) / 2;

		if (y->lines[mid - 1] <= at)
			lo = mid;
		else
			hi = mid - 1;
	}
	*ret_line = lo;
	*ret_column = 1;
	for (uint32_t i = y->lines[lo - 1]; i < at && i < y->text.len; i += char_bytes(y, i))
		++*ret_column;
}

static int next_event(struct composer *c, yaml_event_t *ev)
{
	const yaml_parser_t *p = &c->parser;
	const yaml_mark_t *mark = &p->problem_mark;
	uint32_t line, column;

	if (yaml_parser_parse(&c->parser, ev))
		return 0;
	if (p->error == YAML_MEMORY_ERROR)
		return out_of_memory(c);
	if (p->error == YAML_READER_ERROR) {
		place_of_byte(c->y, p->problem_offset, &line, &column);
		return hc_err_at(c->err, -EINVAL, c->y->file, line, column, "%s",
		                 p->problem ? p->problem : "not text");
	}
	/* What is not closed at the end of the file is shown where it begins. */
	line = (uint32_t)mark->line + 1;
	if (p->context && line_begin(c->y, line) == c->y->text.len)
		mark = &p->context_mark;
	hc_err_at(c->err, -EINVAL, c->y->file, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1, "%s",
	          p->problem ? p->problem : "not YAML");
	if (p->context)
		hc_err_note(c->err, "%s (line %zu)", p->context, p->context_mark.line + 1);
	return -EINVAL;
}

/* Marks count characters, files are bytes. Nodes come in order: counting goes on from the last one. */
static uint32_t byte_of(struct composer *c, uint32_t line, uint32_t column)
{
	const struct hc_yaml *y = c->y;

	if (line != c->at_line || column < c->at_column) {
		c->at_line = line;
		c->at_column = 1;
		c->at_byte = line_begin(y, line);
	}
	for (; c->at_column < column && c->at_byte < y->text.len; c->at_column++)
		c->at_byte += char_bytes(y, c->at_byte);
	return c->at_byte;
}

static struct hc_yaml_node *new_node(struct composer *c, const yaml_event_t *ev, enum hc_yaml_kind kind)
{
	struct hc_yaml_node *n;

	if (++c->n_nodes > HC_YAML_MAX_NODES) {
		hc_err_at(c->err, -E2BIG, c->y->file, (uint32_t)ev->start_mark.line + 1,
		          (uint32_t)ev->start_mark.column + 1, "more than %u nodes in one file",
		          HC_YAML_MAX_NODES);
		return NULL;
	}
	n = hc_arena_alloc(&c->y->arena, sizeof(*n));
	if (!n) {
		out_of_memory(c);
		return NULL;
	}
	n->kind = kind;
	n->weight = 1;
	n->line = (uint32_t)ev->start_mark.line + 1;
	n->column = (uint32_t)ev->start_mark.column + 1;
	n->off = byte_of(c, n->line, n->column);
	return n;
}

static bool is_null_word(struct hc_str s)
{
	return s.len == 0 || hc_str_eq(s, HC_STR("~")) || hc_str_eq(s, HC_STR("null")) ||
	       hc_str_eq(s, HC_STR("Null")) || hc_str_eq(s, HC_STR("NULL"));
}

static int add_anchor(struct composer *c, const yaml_char_t *name, struct hc_yaml_node *node)
{
	struct anchor *a;

	if (!name)
		return 0;
	a = hc_arena_alloc(&c->y->arena, sizeof(*a));
	if (!a)
		return out_of_memory(c);
	a->name = hc_arena_str(&c->y->arena, hc_str_c((const char *)name)).p;
	if (!a->name)
		return out_of_memory(c);
	a->node = node;
	a->next = c->anchors;
	c->anchors = a;
	return 0;
}

static int compose(struct composer *c, yaml_event_t *ev, struct hc_yaml_node **ret);

/* Children up to the end event; mappings count pairs. */
static int compose_items(struct composer *c, struct hc_yaml_node *n, yaml_event_type_t end, unsigned step)
{
	struct hc_yaml_node **items = NULL;
	size_t n_items = 0, cap = 0;
	int r = 0;

	for (;;) {
		struct hc_yaml_node *child;
		yaml_event_t ev;

		r = next_event(c, &ev);
		if (r < 0)
			break;
		if (ev.type == end) {
			yaml_event_delete(&ev);
			break;
		}
		if (n_items == cap) {
			size_t more = cap ? cap * 2 : 8;
			struct hc_yaml_node **grown = realloc(items, more * sizeof(struct hc_yaml_node *));

			if (!grown) {
				yaml_event_delete(&ev);
				r = out_of_memory(c);
				break;
			}
			items = grown;
			cap = more;
		}
		r = compose(c, &ev, &child); /* takes ev */
		if (r < 0)
			break;
		items[n_items++] = child;
		if (child->weight > HC_YAML_MAX_NODES - n->weight) {
			r = hc_err_at(c->err, -E2BIG, c->y->file, child->line, child->column,
			              "aliases unfold to more than %u nodes", HC_YAML_MAX_NODES);
			break;
		}
		n->weight += child->weight;
	}
	if (!r && n_items) {
		n->items = hc_arena_raw(&c->y->arena, n_items * sizeof(struct hc_yaml_node *));
		if (n->items)
			memcpy(n->items, items, n_items * sizeof(struct hc_yaml_node *));
		else
			r = out_of_memory(c);
	}
	n->n = (uint32_t)(n_items / step);
	free(items);
	return r;
}

static int compose_scalar(struct composer *c, const yaml_event_t *ev, struct hc_yaml_node **ret)
{
	struct hc_yaml_node *n = new_node(c, ev, HC_YAML_SCALAR);
	char *text;

	if (!n)
		return c->err && c->err->code ? c->err->code : -ENOMEM;
	text = hc_arena_raw(&c->y->arena, ev->data.scalar.length + 1);
	if (!text)
		return out_of_memory(c);
	memcpy(text, ev->data.scalar.value, ev->data.scalar.length);
	n->text.p = text;
	n->text.len = (uint32_t)ev->data.scalar.length;
	if (c->y->odd)
		n->text.len = undisguise(text, n->text.len);
	text[n->text.len] = 0;
	n->plain =
		ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE || ev->data.scalar.style == YAML_ANY_SCALAR_STYLE;
	n->block = ev->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
	           ev->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
	if (n->plain && is_null_word(n->text) && ev->data.scalar.plain_implicit)
		n->kind = HC_YAML_NULL;
	*ret = n;
	return 0;
}

static int compose_alias(struct composer *c, const yaml_event_t *ev, struct hc_yaml_node **ret)
{
	const char *name = (const char *)ev->data.alias.anchor;

	for (const struct anchor *a = c->anchors; a; a = a->next)
		if (!strcmp(a->name, name)) {
			*ret = a->node;
			return 0;
		}
	return hc_err_at(c->err, -EINVAL, c->y->file, (uint32_t)ev->start_mark.line + 1,
	                 (uint32_t)ev->start_mark.column + 1, "there is no anchor '%.80s' before this alias",
	                 name);
}

/* One node from its first event, which is consumed in any case. */
static int compose(struct composer *c, yaml_event_t *ev, struct hc_yaml_node **ret)
{
	const yaml_char_t *anchor = NULL;
	struct hc_yaml_node *n = NULL;
	int r;

	if (++c->depth > HC_YAML_MAX_DEPTH) {
		r = hc_err_at(c->err, -E2BIG, c->y->file, (uint32_t)ev->start_mark.line + 1,
		              (uint32_t)ev->start_mark.column + 1, "nested deeper than %d levels",
		              HC_YAML_MAX_DEPTH);
		goto out;
	}
	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		r = compose_alias(c, ev, &n);
		break;
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		r = compose_scalar(c, ev, &n);
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		n = new_node(c, ev, HC_YAML_SEQ);
		r = n ? compose_items(c, n, YAML_SEQUENCE_END_EVENT, 1) : -E2BIG;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		n = new_node(c, ev, HC_YAML_MAP);
		r = n ? compose_items(c, n, YAML_MAPPING_END_EVENT, 2) : -E2BIG;
		break;
	default:
		r = hc_err_set(c->err, -EINVAL, "unexpected event in a YAML document");
	}
	if (!r)
		r = add_anchor(c, anchor, n);
out:
	c->depth--;
	yaml_event_delete(ev);
	*ret = n;
	return r;
}

static int add_doc(struct composer *c, struct hc_yaml_node *root)
{
	struct hc_yaml *y = c->y;

	if (!(y->n_docs & (y->n_docs - 1))) { /* 0 or a power of two: full */
		uint32_t cap = y->n_docs ? y->n_docs * 2 : 1;
		struct hc_yaml_node **grown = hc_arena_raw(&y->arena, cap * sizeof(struct hc_yaml_node *));

		if (!grown)
			return out_of_memory(c);
		if (y->n_docs)
			memcpy(grown, y->docs, y->n_docs * sizeof(struct hc_yaml_node *));
		y->docs = grown;
	}
	y->docs[y->n_docs++] = root;
	return 0;
}

static int compose_stream(struct composer *c)
{
	for (;;) {
		struct hc_yaml_node *root = NULL;
		yaml_event_t ev;
		int r = next_event(c, &ev);

		if (r < 0)
			return r;
		switch (ev.type) {
		case YAML_STREAM_END_EVENT:
			yaml_event_delete(&ev);
			return 0;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			yaml_event_delete(&ev);
			break;
		case YAML_DOCUMENT_START_EVENT:
			c->anchors = NULL;
			yaml_event_delete(&ev);
			break;
		default:
			r = compose(c, &ev, &root);
			if (!r)
				r = add_doc(c, root);
			if (r < 0)
				return r;
		}
	}
}

/* Bytes of the line break at a place, 0 for none: those that libyaml counts. */
static uint32_t break_len(struct hc_str s, uint32_t at, bool odd)
{
	const uint8_t *p = (const uint8_t *)s.p + at;
	uint32_t left = s.len - at;

	if (!left)
		return 0;
	if (p[0] == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (p[0] == '\n')
		return 1;
	if (odd)
		return 0;
	if (left > 1 && p[0] == 0xc2 && p[1] == 0x85)
		return 2;
	return left > 2 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9) ? 3 : 0;
}

/* Goes through the line breaks of a text: next[i] is where the i-th of first_bytes comes next. */
struct breaks {
	struct hc_str s;
	bool odd;
	uint32_t next[4];
};

static void breaks_skip(struct breaks *b, uint32_t to)
{
	static const uint8_t first_bytes[] = { '\n', '\r', 0xc2, 0xe2 };

	for (unsigned i = 0; i < sizeof(first_bytes); i++) {
		const char *p = NULL;

		if (to && b->next[i] >= to)
			continue;
		if (to < b->s.len)
			p = memchr(b->s.p + to, first_bytes[i], b->s.len - to);
		b->next[i] = p ? (uint32_t)(p - b->s.p) : b->s.len;
	}
}

/* The place behind the next line break; 0: there is none. */
static uint32_t breaks_next(struct breaks *b)
{
	for (;;) {
		uint32_t at = b->next[0], len;

		for (unsigned i = 1; i < sizeof(b->next) / sizeof(b->next[0]); i++)
			at = b->next[i] < at ? b->next[i] : at;
		if (at == b->s.len)
			return 0;
		len = break_len(b->s, at, b->odd);
		breaks_skip(b, at + (len ? len : 1));
		if (len)
			return at + len;
	}
}

static int index_lines(struct hc_yaml *y)
{
	struct breaks all = { .s = y->text, .odd = y->odd }, again;
	uint32_t n = 1, at;

	breaks_skip(&all, 0);
	again = all;
	while (breaks_next(&all))
		n++;
	y->lines = hc_arena_raw(&y->arena, n * sizeof(*y->lines));
	if (!y->lines)
		return -ENOMEM;
	y->lines[0] = 0;
	y->n_lines = 1;
	while ((at = breaks_next(&again)))
		y->lines[y->n_lines++] = at;
	return 0;
}

/* A file's text and its lines, no documents yet. */
static struct hc_yaml *new_text(const char *file, const void *text, size_t n_bytes, bool any_bytes)
{
	struct hc_yaml *y = calloc(1, sizeof(*y));

	if (!y)
		return NULL;
	if (n_bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) { /* a byte order mark is in no column */
		text = (const char *)text + 3;
		n_bytes -= 3;
	}
	y->file = hc_arena_str(&y->arena, hc_str_c(file)).p;
	y->text = hc_arena_str(&y->arena, (struct hc_str){ n_bytes ? text : "", (uint32_t)n_bytes });
	y->odd = any_bytes && y->text.p && count_odd(y->text) > 0;
	return y->file && y->text.p && index_lines(y) == 0 ? y : hc_yaml_free(y);
}

struct hc_yaml *hc_yaml_lines(const char *file, const void *text, size_t n_bytes)
{
	return new_text(file, text, n_bytes < HC_YAML_MAX_BYTES ? n_bytes : HC_YAML_MAX_BYTES, true);
}

static int parse(const char *file, const void *text, size_t n_bytes, bool any_bytes, struct hc_yaml **ret,
                 struct hc_err *err)
{
	HC_AUTO(hc_yaml_free) struct hc_yaml *y = NULL;
	char *shown = NULL;
	struct composer c = { .err = err };
	size_t n_shown;
	int r;

	if (n_bytes > HC_YAML_MAX_BYTES)
		return hc_err_set(err, -E2BIG, "%s is larger than %u MiB", file, HC_YAML_MAX_BYTES >> 20);
	y = new_text(file, text, n_bytes, any_bytes);
	if (!y)
		return hc_err_set(err, -ENOMEM, "out of memory");
	c.y = y;
	n_shown = y->text.len;
	if (y->odd || memmem(y->text.p, y->text.len, "...", 3)) {
		shown = y->odd ? disguise(y->text, &n_shown) : malloc(n_shown);
		if (!shown)
			return out_of_memory(&c);
		if (!y->odd)
			memcpy(shown, y->text.p, n_shown);
		open_documents(shown, n_shown);
	}
	if (!yaml_parser_initialize(&c.parser)) {
		free(shown);
		return out_of_memory(&c);
	}
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)(shown ? shown : y->text.p), n_shown);
	yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
	r = compose_stream(&c);
	yaml_parser_delete(&c.parser);
	free(shown);
	if (r < 0)
		return r;
	*ret = hc_steal(y);
	return 0;
}

int hc_yaml_parse(const char *file, const void *text, size_t n_bytes, struct hc_yaml **ret, struct hc_err *err)
{
	return parse(file, text, n_bytes, false, ret, err);
}

int hc_yaml_parse_any(const char *file, const void *text, size_t n_bytes, struct hc_yaml **ret, struct hc_err *err)
{
	return parse(file, text, n_bytes, true, ret, err);
}

int hc_yaml_read(const char *path, char **ret_text, size_t *ret_bytes, struct hc_err *err)
{
	__attribute__((cleanup(hc_auto_close))) int fd = hc_file_open(path, err);
	__attribute__((cleanup(hc_auto_free))) char *buf = NULL;
	size_t n = 0, cap = 0;

	if (fd < 0)
		return fd;
	for (;;) {
		ssize_t got;

		if (n == cap) {
			size_t more = cap ? cap * 2 : 64u << 10;
			char *grown;

			if (cap > HC_YAML_MAX_BYTES)
				return hc_err_set(err, -E2BIG, "%s is larger than %u MiB", path,
				                  HC_YAML_MAX_BYTES >> 20);
			grown = realloc(buf, more);
			if (!grown)
				return hc_err_set(err, -ENOMEM, "out of memory");
			buf = grown;
			cap = more;
		}
		got = read(fd, buf + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return hc_err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
		if (!got)
			break;
		n += (size_t)got;
	}
	*ret_text = hc_steal(buf);
	*ret_bytes = n;
	return 0;
}

int hc_yaml_load(const char *path, struct hc_yaml **ret, struct hc_err *err)
{
	__attribute__((cleanup(hc_auto_free))) char *text = NULL;
	size_t n = 0;
	int r = hc_yaml_read(path, &text, &n, err);

	return r < 0 ? r : hc_yaml_parse(path, text, n, ret, err);
}

static int is_yaml(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int hc_yaml_dir(const char *dir, struct hc_arena *arena, const char *const **ret_paths, struct hc_err *err)
{
	const char *slash = dir[0] && dir[strlen(dir) - 1] == '/' ? "" : "/";
	struct dirent **found;
	int n = scandir(dir, &found, is_yaml, by_bytes);
	const char **paths;
	bool failed;

	if (n < 0)
		return hc_err_set(err, -errno, "cannot open '%s': %s", dir, strerror(errno));
	paths = hc_arena_alloc(arena, ((size_t)n + 1) * sizeof(*paths));
	failed = !paths;
	for (int i = 0; i < n; i++) {
		if (!failed) {
			paths[i] = hc_arena_printf(arena, "%s%s%s", dir, slash, found[i]->d_name);
			failed = !paths[i];
		}
		free(found[i]);
	}
	free(found);
	if (failed)
		return hc_err_set(err, -ENOMEM, "out of memory");
	*ret_paths = paths;
	return 0;
}

struct hc_yaml *hc_yaml_free(struct hc_yaml *y)
{
	if (y) {
		hc_arena_done(&y->arena);
		free(y);
	}
	return NULL;
}

const char *hc_yaml_file(const struct hc_yaml *y)
{
	return y->file;
}

uint32_t hc_yaml_n_docs(const struct hc_yaml *y)
{
	return y->n_docs;
}

const struct hc_yaml_node *hc_yaml_doc(const struct hc_yaml *y, uint32_t i)
{
	return y->docs[i];
}

const struct hc_yaml_node *hc_yaml_get(const struct hc_yaml_node *map, const char *key)
{
	struct hc_str want = hc_str_c(key);

	if (!map || map->kind != HC_YAML_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->n; i++)
		if (map->items[2 * i]->kind == HC_YAML_SCALAR && hc_str_eq(map->items[2 * i]->text, want))
			return map->items[2 * i + 1];
	return NULL;
}

bool hc_yaml_bool(const struct hc_yaml_node *n, bool *ret)
{
	static const char *const words[][3] = {
		{ "y", "Y", "Y" },    { "n", "N", "N" },          { "yes", "Yes", "YES" },
		{ "no", "No", "NO" }, { "true", "True", "TRUE" }, { "false", "False", "FALSE" },
		{ "on", "On", "ON" }, { "off", "Off", "OFF" },
	};

	if (!n || n->kind != HC_YAML_SCALAR)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (unsigned form = 0; form < 3; form++)
			if (hc_str_eq(n->text, hc_str_c(words[i][form]))) {
				*ret = i % 2 == 0;
				return true;
			}
	return false;
}

/* The next piece of a text at *at: the text itself, or a variable's value. Moves *at behind it. */
static struct hc_str env_piece(struct hc_str s, uint32_t *at, struct hc_arena *arena, struct hc_str *unset,
                               bool *ok)
{
	const char *p = s.p + *at, *end = s.p + s.len, *dollar = memchr(p, '$', (size_t)(end - p)), *close, *name;
	struct hc_str value;

	if (dollar && dollar > p) /* what comes before */
		end = dollar;
	if (!dollar || dollar > p) {
		*at += (uint32_t)(end - p);
		return (struct hc_str){ p, (uint32_t)(end - p) };
	}
	if (end - p >= 3 && p[1] == '$' && p[2] == '{') {
		*at += 3;
		return (struct hc_str){ p + 1, 2 };
	}
	close = end - p >= 2 && p[1] == '{' ? memchr(p, '}', (size_t)(end - p)) : NULL;
	if (!close) {
		*at += 1;
		return (struct hc_str){ p, 1 };
	}
	*at += (uint32_t)(close + 1 - p);
	name = hc_arena_str(arena, (struct hc_str){ p + 2, (uint32_t)(close - p - 2) }).p;
	*ok &= name != NULL;
	value = hc_str_c(name ? getenv(name) : NULL);
	if (name && !value.p && unset && !unset->p)
		*unset = hc_str_c(name);
	return value;
}

int hc_yaml_env_text(const struct hc_yaml_node *n, size_t max_bytes, struct hc_arena *arena, struct hc_str *ret,
                     struct hc_str *ret_unset)
{
	struct hc_str unset = { 0 };
	size_t room = n->text.len + 256u, len = 0;
	HC_AUTO(free) char *text = malloc(room);
	bool ok = text != NULL;

	for (uint32_t at = 0; ok && at < n->text.len;) {
		struct hc_str piece = env_piece(n->text, &at, arena, &unset, &ok);

		if (len + piece.len > max_bytes)
			return -E2BIG;
		if (len + piece.len > room) {
			char *more = realloc(text, room = 2 * (len + piece.len));

			ok &= more != NULL;
			text = more ? more : text;
		}
		if (ok && piece.len)
			memcpy(text + len, piece.p, piece.len);
		len += piece.len;
	}
	if (!ok)
		return -ENOMEM;
	*ret = hc_arena_str(arena, (struct hc_str){ text, (uint32_t)len });
	if (ret_unset)
		*ret_unset = unset;
	return ret->p ? 0 : -ENOMEM;
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

/* Moves behind an escape of a double-quoted text: bytes of source, and how many bytes of text it stands for. */
static void pass_escape(struct hc_str source, struct hc_str text, uint32_t *at, uint32_t *i)
{
	uint32_t digits = 0, n_text = 1;
	char c = (char)(*at + 1 < source.len ? source.p[*at + 1] : 0);

	if (c == '\n' || c == '\r') { /* the next line's text follows */
		*at += c == '\r' && *at + 2 < source.len && source.p[*at + 2] == '\n' ? 3 : 2;
		while (*at < source.len && (source.p[*at] == ' ' || source.p[*at] == '\t'))
			++*at;
		return;
	}
	if (c && strchr("xuUN_LP", c)) { /* perhaps more than one byte */
		digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
		while (*i + n_text < text.len && ((uint8_t)text.p[*i + n_text] & 0xc0) == 0x80)
			n_text++;
	}
	*at += 2 + digits;
	*i += n_text;
}

/* Moves behind blanks of a quoted text: as many in the text, or what line breaks fold to. */
static void pass_blanks(struct hc_str source, uint32_t off, uint32_t *at, uint32_t *i)
{
	uint32_t end = *at, n_breaks = 0;

	for (; end < source.len && is_blank(source.p[end]); end++)
		n_breaks += source.p[end] == '\n' ||
		            (source.p[end] == '\r' && !(end + 1 < source.len && source.p[end + 1] == '\n'));
	if (n_breaks) {
		*i += n_breaks == 1 ? 1 : n_breaks - 1;
		*at = end;
		return;
	}
	for (; *at < end && *i < off; ++*at)
		++*i;
}

static uint32_t place_in_double_quotes(struct hc_str source, struct hc_str text, uint32_t at, uint32_t off)
{
	uint32_t i = 0;

	while (at < source.len && i < off) {
		if (source.p[at] == '\\')
			pass_escape(source, text, &at, &i);
		else if (is_blank(source.p[at]))
			pass_blanks(source, off, &at, &i);
		else
			at++, i++;
	}
	while (at + 1 < source.len && source.p[at] == '\\' && strchr("\r\n", source.p[at + 1]))
		pass_escape(source, text, &at, &i);
	return at < source.len ? at : source.len;
}

/* YAML folds and indents only blanks, so the k-th other character of a text is the k-th other one of its source;
 * false when it is not. */
static bool place_by_count(struct hc_str source, struct hc_str text, bool doubled_quotes, uint32_t *at,
                           uint32_t off)
{
	for (uint32_t i = 0;; i++) {
		while (*at < source.len && is_blank(source.p[*at]) && i < text.len && !is_blank(text.p[i]))
			++*at;
		if (i >= off)
			return true;
		if (is_blank(text.p[i]))
			continue;
		if (doubled_quotes && *at + 1 < source.len && source.p[*at] == '\'' && source.p[*at + 1] == '\'')
			++*at;
		if (*at >= source.len || source.p[*at] != text.p[i])
			return false;
		++*at;
	}
}

void hc_yaml_place(const struct hc_yaml *y, const struct hc_yaml_node *n, uint32_t off, uint32_t *ret_line,
                   uint32_t *ret_column)
{
	uint32_t at = n->off;
	char quote = 0;

	*ret_line = n->line;
	*ret_column = n->column;
	if (n->kind != HC_YAML_SCALAR)
		return;
	if (off > n->text.len)
		off = n->text.len;
	while (at < y->text.len && strchr("&!", y->text.p[at])) { /* an anchor or a tag before it */
		at += (uint32_t)strcspn(y->text.p + at, " \t\r\n");
		at += (uint32_t)strspn(y->text.p + at, " \t\r\n");
	}
	if (n->block) {
		while (at < y->text.len && y->text.p[at] != '\n')
			at++;
	} else if (!n->plain && at < y->text.len) {
		quote = y->text.p[at++];
	}
	if (quote == '"')
		at = place_in_double_quotes(y->text, n->text, at, off);
	else if (!place_by_count(y->text, n->text, quote, &at, off))
		return;
	place_of_byte(y, at, ret_line, ret_column);
}

struct hc_str hc_yaml_line(const struct hc_yaml *y, uint32_t line)
{
	uint32_t from = line_begin(y, line), until = from;

	while (until < y->text.len && !break_len(y->text, until, y->odd))
		until++;
	return (struct hc_str){ y->text.p + from, until - from };
}
