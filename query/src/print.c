/*
 * Rows as tables, JSON, CSV and Markdown. A table's widths are those of its first rows (all of them, when there
 * are not very many): memory stays bounded and endless answers begin to show at once.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "query/query.h"
#include "sql_priv.h"
#include "store/base/utf8.h"
#include "store/render.h"

#define BATCH_ROWS 2000u
#define BATCH_BYTES (8u << 20)
#define MIN_WIDTH 8u
#define TIME_WIDTH 30u /* 2024-05-01T12:00:00.000000000Z */
#define TIME_LEAST 20u /* up to the seconds, and the mark that something is missing */

/* ---- characters ---- */

struct span {
	uint32_t first, last;
};

static bool within(const struct span *v, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= v[i].first && c <= v[i].last)
			return true;
	return false;
}

/* Columns that a character takes on a terminal: 0, 1 or 2. */
static unsigned char_width(uint32_t c)
{
	static const struct span none[] = { { 0x300, 0x36f },   { 0x483, 0x489 },    { 0x591, 0x5bd },
		                            { 0x610, 0x61a },   { 0x64b, 0x65f },    { 0x1ab0, 0x1aff },
		                            { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff },  { 0xfe00, 0xfe0f },
		                            { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef } };
	static const struct span wide[] = { { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x4dbf },
		                            { 0x4e00, 0xa4cf },   { 0xa960, 0xa97c },   { 0xac00, 0xd7a3 },
		                            { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
		                            { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff },
		                            { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd } };

	if (c < 0x300)
		return 1;
	if (within(none, sizeof(none) / sizeof(none[0]), c))
		return 0;
	return within(wide, sizeof(wide) / sizeof(wide[0]), c) ? 2 : 1;
}

/* Appends the text as it may be shown; returns its width. */
static unsigned put_safe(struct q_buf *out, struct hc_str s)
{
	unsigned width = 0;

	for (uint32_t i = 0; i < s.len;) {
		uint32_t c;
		unsigned len = hc_utf8(s.p + i, s.len - i, &c);
		char text[16];
		int n;

		if (len && !hc_char_is_control(c)) {
			hc_q_put(out, s.p + i, len);
			width += char_width(c);
			i += len;
			continue;
		}
		if (!len)
			n = snprintf(text, sizeof(text), "\\x%02x", (uint8_t)s.p[i]);
		else if (c == '\n' || c == '\t' || c == '\r')
			n = snprintf(text, sizeof(text), "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
		else if (c < 0x80)
			n = snprintf(text, sizeof(text), "\\x%02x", (unsigned)c);
		else
			n = snprintf(text, sizeof(text), "\\u{%x}", (unsigned)c);
		hc_q_put(out, text, (size_t)n);
		width += (unsigned)n;
		i += len ? len : 1;
	}
	return width;
}

static void put_hex(struct q_buf *out, struct hc_str s)
{
	static const char digits[] = "0123456789abcdef";

	for (uint32_t i = 0; i < s.len; i++)
		hc_q_put(out, (const char[]){ digits[(uint8_t)s.p[i] >> 4], digits[s.p[i] & 15] }, 2);
}

/* The shortest decimal that reads back as the same number. */
static void put_real(struct q_buf *out, double v)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	hc_q_put_c(out, text);
	if (!strpbrk(text, ".eEni"))
		hc_q_put_c(out, ".0");
}

/* ---- tables ---- */

struct cell {
	size_t at, len; /* in the batch's text */
	unsigned width;
	bool is_number;
};

struct batch {
	struct q_buf text;
	struct cell *cells; /* n_rows * n_cols */
	size_t n_rows, room;
	unsigned n_cols;
	unsigned *widths;
};

static struct cell add_cell(struct q_buf *text, const struct hc_query_cell *c)
{
	struct cell ret = { .at = text->n };

	switch (c->type) {
	case HC_QUERY_INTEGER:
		hc_q_put_int(text, c->i, true);
		ret.is_number = true;
		break;
	case HC_QUERY_REAL:
		put_real(text, c->real);
		ret.is_number = true;
		break;
	case HC_QUERY_TEXT:
		ret.width = put_safe(text, c->s);
		break;
	case HC_QUERY_BLOB:
		put_hex(text, c->s);
		break;
	default:
		break;
	}
	ret.len = text->n - ret.at;
	if (c->type != HC_QUERY_TEXT)
		ret.width = (unsigned)ret.len;
	return ret;
}

static int add_row(struct batch *b, const struct hc_query *q)
{
	if (b->n_rows == b->room) {
		size_t room = b->room ? b->room * 2 : 64;
		struct cell *cells = realloc(b->cells, room * b->n_cols * sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		b->cells = cells;
		b->room = room;
	}
	for (unsigned i = 0; i < b->n_cols; i++) {
		struct hc_query_cell c = hc_query_cell(q, i);

		b->cells[b->n_rows * b->n_cols + i] = add_cell(&b->text, &c);
	}
	b->n_rows++;
	return b->text.oom ? -ENOMEM : 0;
}

/* A column that cannot give: moments keep their seconds, short columns all they have. */
static unsigned least_width(const struct batch *b, unsigned col)
{
	for (size_t row = 0; row < b->n_rows; row++) {
		const struct cell *c = &b->cells[row * b->n_cols + col];

		if (c->len != 0 && (c->len != TIME_WIDTH || b->text.p[c->at + 10] != 'T'))
			return MIN_WIDTH;
	}
	return b->n_rows ? TIME_LEAST : MIN_WIDTH;
}

/* Makes columns narrower until the table fits, or nothing is left to give: the widest give first. */
static int fit(struct batch *b, unsigned total)
{
	unsigned n = b->n_cols, *widths = b->widths, *least = calloc(n, sizeof(*least));

	if (!least)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		least[i] = least_width(b, i);
		if (widths[i] > total)
			widths[i] = total;
	}
	for (;;) {
		unsigned sum = 2 * (n - 1), widest = n;

		for (unsigned i = 0; i < n; i++) {
			sum += widths[i];
			if (widths[i] > least[i] && (widest == n || widths[i] > widths[widest]))
				widest = i;
		}
		if (sum <= total || widest == n)
			break;
		widths[widest]--;
	}
	free(least);
	return 0;
}

static void pad(FILE *f, unsigned n)
{
	while (n--)
		putc(' ', f);
}

/* A text that was made safe, cut to the width, with an ellipsis where something is missing. */
static void put_cut(FILE *f, const char *p, size_t len, unsigned room)
{
	unsigned width = 0;
	size_t i = 0;

	while (i < len) {
		uint32_t c;
		unsigned n = hc_utf8(p + i, len - i, &c), w = n ? char_width(c) : 1;

		if (width + w > room - 1)
			break;
		width += w;
		i += n ? n : 1;
	}
	fwrite(p, 1, i, f);
	fputs("\xe2\x80\xa6", f);
	pad(f, room - 1 - width);
}

static void print_line(FILE *f, const struct batch *b, const char *text, const struct cell *cells, bool cut)
{
	for (unsigned i = 0; i < b->n_cols; i++) {
		const struct cell *c = &cells[i];
		unsigned room = b->widths[i];

		if (i)
			fputs("  ", f);
		if (cut && c->width > room) {
			put_cut(f, text + c->at, c->len, room);
			continue;
		}
		if (c->is_number && c->width < room)
			pad(f, room - c->width);
		fwrite(text + c->at, 1, c->len, f);
		if (!c->is_number && c->width < room && i + 1 < b->n_cols)
			pad(f, room - c->width);
	}
	putc('\n', f);
}

static int print_head(FILE *f, struct batch *b, const struct hc_query *q, const struct hc_query_print *opts)
{
	struct q_buf names = { 0 };
	struct cell *head = calloc(b->n_cols, sizeof(*head));

	if (!head)
		return -ENOMEM;
	for (unsigned i = 0; i < b->n_cols; i++) {
		struct hc_query_cell name = { .type = HC_QUERY_TEXT, .s = hc_str_c(hc_query_col_name(q, i)) };
		unsigned widest = 0;

		head[i] = add_cell(&names, &name);
		for (size_t row = 0; row < b->n_rows; row++) {
			const struct cell *c = &b->cells[row * b->n_cols + i];

			widest = c->width > widest ? c->width : widest;
			if (!row)
				head[i].is_number = c->is_number; /* names of numbers stand right, as they do */
		}
		b->widths[i] = widest > head[i].width || opts->no_header ? widest : head[i].width;
		if (!b->widths[i])
			b->widths[i] = 1;
	}
	if (opts->width && fit(b, opts->width) < 0) {
		free(head);
		hc_q_buf_done(&names);
		return -ENOMEM;
	}
	if (!opts->no_header && !names.oom) {
		print_line(f, b, names.p ? names.p : "", head, opts->width != 0);
		for (unsigned i = 0; i < b->n_cols; i++) {
			if (i)
				fputs("  ", f);
			for (unsigned k = 0; k < b->widths[i]; k++)
				putc('-', f);
		}
		putc('\n', f);
	}
	free(head);
	hc_q_buf_done(&names);
	return 0;
}

static void print_batch(FILE *f, struct batch *b, bool cut)
{
	for (size_t row = 0; row < b->n_rows; row++)
		print_line(f, b, b->text.p ? b->text.p : "", &b->cells[row * b->n_cols], cut);
	b->n_rows = 0;
	b->text.n = 0;
}

static int print_table(struct hc_query *q, FILE *f, struct hc_query_print *opts, struct hc_err *err)
{
	struct batch b = { .n_cols = hc_query_n_cols(q) };
	bool has_head = false;
	int r = 0, out = 0;

	b.widths = calloc(b.n_cols, sizeof(*b.widths));
	if (!b.widths)
		return hc_err_set(err, -ENOMEM, "out of memory");
	while (out == 0 && !ferror(f) && (r = hc_query_step(q, err)) > 0) {
		out = add_row(&b, q);
		opts->n_rows++;
		if (out == 0 && (has_head || b.n_rows >= BATCH_ROWS || b.text.n >= BATCH_BYTES)) {
			if (!has_head)
				out = print_head(f, &b, q, opts);
			has_head = true;
			print_batch(f, &b, opts->width != 0);
		}
	}
	if (out == 0 && !has_head && (r >= 0 || b.n_rows))
		out = print_head(f, &b, q, opts);
	if (out == 0)
		print_batch(f, &b, opts->width != 0);
	hc_q_buf_done(&b.text);
	free(b.cells);
	free(b.widths);
	if (out < 0)
		return hc_err_set(err, out, "out of memory");
	return r;
}

/* ---- the other formats ---- */

static void put_json_cell(struct q_buf *out, const struct hc_query_cell *c)
{
	switch (c->type) {
	case HC_QUERY_INTEGER:
		hc_q_put_int(out, c->i, true);
		break;
	case HC_QUERY_REAL:
		if (isfinite(c->real))
			put_real(out, c->real);
		else
			hc_q_put_c(out, "null");
		break;
	case HC_QUERY_TEXT:
		hc_q_put_json(out, c->s);
		break;
	case HC_QUERY_BLOB:
		hc_q_put_c(out, "\"");
		put_hex(out, c->s);
		hc_q_put_c(out, "\"");
		break;
	default:
		hc_q_put_c(out, "null");
	}
}

static void put_json_row(struct q_buf *out, const struct hc_query *q)
{
	hc_q_put_c(out, "{");
	for (unsigned i = 0; i < hc_query_n_cols(q); i++) {
		struct hc_query_cell c = hc_query_cell(q, i);

		hc_q_put_c(out, i ? ", " : "");
		hc_q_put_json(out, hc_str_c(hc_query_col_name(q, i)));
		hc_q_put_c(out, ": ");
		put_json_cell(out, &c);
	}
	hc_q_put_c(out, "}");
}

/* On a terminal as it may be shown, in a file byte for byte. */
static void put_csv_text(struct q_buf *out, struct hc_str s, bool safe)
{
	struct q_buf shown = { 0 };
	bool quote = false;

	if (safe) {
		put_safe(&shown, s);
		s = (struct hc_str){ shown.p ? shown.p : "", (uint32_t)shown.n };
		out->oom |= shown.oom;
	}
	for (uint32_t i = 0; i < s.len && !quote; i++)
		quote = s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\n' || s.p[i] == '\r';
	quote |= s.len == 0; /* an empty text, unlike NULL, has its quotes */
	if (quote)
		hc_q_put_c(out, "\"");
	for (uint32_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"')
			hc_q_put_c(out, "\"");
		hc_q_put(out, s.p + i, 1);
	}
	if (quote)
		hc_q_put_c(out, "\"");
	hc_q_buf_done(&shown);
}

static void put_csv_row(struct q_buf *out, const struct hc_query *q, bool safe)
{
	for (unsigned i = 0; i < hc_query_n_cols(q); i++) {
		struct hc_query_cell c = hc_query_cell(q, i);

		hc_q_put_c(out, i ? "," : "");
		if (c.type == HC_QUERY_TEXT)
			put_csv_text(out, c.s, safe);
		else if (c.type == HC_QUERY_BLOB)
			put_hex(out, c.s);
		else if (c.type != HC_QUERY_NULL)
			put_json_cell(out, &c);
	}
}

/* In a Markdown table a bar ends the cell. */
static void put_md_cell(struct q_buf *out, const struct hc_query_cell *c)
{
	struct q_buf text = { 0 };

	add_cell(&text, c);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '|' || text.p[i] == '\\')
			hc_q_put_c(out, "\\");
		hc_q_put(out, text.p + i, 1);
	}
	out->oom |= text.oom;
	hc_q_buf_done(&text);
}

static void put_md_row(struct q_buf *out, const struct hc_query *q)
{
	hc_q_put_c(out, "|");
	for (unsigned i = 0; i < hc_query_n_cols(q); i++) {
		struct hc_query_cell c = hc_query_cell(q, i);

		hc_q_put_c(out, " ");
		put_md_cell(out, &c);
		hc_q_put_c(out, " |");
	}
}

static void put_header(struct q_buf *out, const struct hc_query *q, const struct hc_query_print *opts)
{
	unsigned n = hc_query_n_cols(q);

	if (opts->format == HC_QUERY_CSV && !opts->no_header) {
		for (unsigned i = 0; i < n; i++) {
			hc_q_put_c(out, i ? "," : "");
			put_csv_text(out, hc_str_c(hc_query_col_name(q, i)), opts->width != 0);
		}
		hc_q_put_c(out, "\r\n");
	} else if (opts->format == HC_QUERY_MARKDOWN) {
		hc_q_put_c(out, "|");
		for (unsigned i = 0; i < n; i++) {
			struct hc_query_cell name = { .type = HC_QUERY_TEXT,
				                      .s = hc_str_c(hc_query_col_name(q, i)) };

			hc_q_put_c(out, " ");
			put_md_cell(out, &name);
			hc_q_put_c(out, " |");
		}
		hc_q_put_c(out, "\n|");
		for (unsigned i = 0; i < n; i++)
			hc_q_put_c(out, "---|");
		hc_q_put_c(out, "\n");
	}
}

static int print_lines(struct hc_query *q, FILE *f, struct hc_query_print *opts, struct hc_err *err)
{
	struct q_buf out = { 0 };
	bool oom;
	int r = 0;

	put_header(&out, q, opts);
	if (opts->format == HC_QUERY_JSON)
		hc_q_put_c(&out, "[");
	while (!out.oom && !ferror(f) && (r = hc_query_step(q, err)) > 0) {
		switch (opts->format) {
		case HC_QUERY_JSON:
			hc_q_put_c(&out, opts->n_rows ? ",\n" : "\n");
			put_json_row(&out, q);
			break;
		case HC_QUERY_CSV:
			put_csv_row(&out, q, opts->width != 0);
			hc_q_put_c(&out, "\r\n");
			break;
		case HC_QUERY_MARKDOWN:
			put_md_row(&out, q);
			hc_q_put_c(&out, "\n");
			break;
		default:
			put_json_row(&out, q);
			hc_q_put_c(&out, "\n");
		}
		opts->n_rows++;
		if (out.oom)
			break;
		fwrite(out.p, 1, out.n, f);
		out.n = 0;
	}
	if (opts->format == HC_QUERY_JSON) /* closed also after an error: what is there can be read */
		hc_q_put_c(&out, opts->n_rows ? "\n]\n" : "]\n");
	if (!out.oom && out.n)
		fwrite(out.p, 1, out.n, f);
	oom = out.oom;
	hc_q_buf_done(&out);
	return oom ? hc_err_set(err, -ENOMEM, "out of memory") : r;
}

int hc_query_print(struct hc_query *q, FILE *f, struct hc_query_print *opts, struct hc_err *err)
{
	int r;

	opts->n_rows = 0;
	errno = 0;
	r = opts->format == HC_QUERY_TABLE ? print_table(q, f, opts, err) : print_lines(q, f, opts, err);
	if (r >= 0 && ferror(f)) {
		r = errno ? -errno : -EIO;
		return hc_err_set(err, r, "cannot write the answer: %s", strerror(-r));
	}
	return r > 0 ? 0 : r;
}

/* ---- what tables there are ---- */

static void print_columns(FILE *f, const struct q_table *t)
{
	unsigned widest = 4;

	for (uint32_t i = 0; i < t->n_cols; i++)
		widest = strlen(t->cols[i].name) > widest ? (unsigned)strlen(t->cols[i].name) : widest;
	for (unsigned hidden = 0; hidden < 2; hidden++) {
		for (uint32_t i = 0; i < t->n_cols; i++) {
			const struct q_col *c = &t->cols[i];

			if (c->hidden == (hidden != 0))
				fprintf(f, "  %-*s  %-*.*s%s\n", (int)widest, c->name, hidden ? 9 : 0,
				        (int)strcspn(c->decl, " "), c->decl, hidden ? "not in *" : "");
		}
	}
}

static const char *fixed_summary(const char *name)
{
	static const char *const v[][2] = {
		{ "events", "every event, with what all types have in common" },
		{ "processes", "every process, as it was last seen" },
		{ "process_versions", "every state that a process was seen in" },
		{ "containers", "every container" },
		{ "segments", "the capture's files" },
		{ "blocks", "the blocks in them" },
		{ "problems", "what could not be read" },
		{ "event_types", "every type of event, and how many there are" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (strcmp(v[i][0], name) == 0)
			return v[i][1];
	return "";
}

static void print_all(FILE *f)
{
	static const char *const views[][2] = {
		{ "execs", "programs that were started" },
		{ "connections", "connections out and in, over IPv4 and IPv6" },
		{ "files", "files opened, made, renamed, removed, and changes of mode and owner" },
		{ "gaps", "events that the recorder lost" },
	};
	const struct q_table *t;

	for (unsigned i = 0; (t = hc_q_table_at(i)); i++)
		if (t->kind != Q_KIND_EVENTS || !t->type)
			fprintf(f, "%-18s%s\n", t->name, fixed_summary(t->name));
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		fprintf(f, "%-18s%s (a view)\n", views[i][0], views[i][1]);
	for (unsigned cls = 0; cls < HC_N_CLASSES; cls++) {
		unsigned column = 0;

		fprintf(f, "\n%s:\n", hc_class_name(cls));
		for (unsigned i = 0; (t = hc_q_table_at(i)); i++) {
			if (t->kind != Q_KIND_EVENTS || !t->type || hc_event_desc(t->type)->cls != cls)
				continue;
			if (column + strlen(t->name) + 2 > 78) {
				fputs("\n", f);
				column = 0;
			}
			column += (unsigned)fprintf(f, "  %s", t->name);
		}
		fputs("\n", f);
	}
}

int hc_query_print_tables(FILE *f, const char *table)
{
	const struct q_table *plan;
	struct q_table *t;

	if (!table) {
		print_all(f);
		return 0;
	}
	plan = hc_q_table_find(hc_str_c(table));
	if (plan) {
		t = hc_q_table_new(plan);
		if (!t)
			return -ENOMEM;
		fprintf(f, "%s\n", t->name);
		print_columns(f, t);
		hc_q_table_free(t);
		return 0;
	}
	for (const struct q_view *v = hc_q_views; v->name; v++) {
		if (sqlite3_stricmp(v->name, table) != 0)
			continue;
		fprintf(f, "%s is a view:\n  ", v->name);
		for (const char *p = v->sql; *p; p++)
			if (*p != '$')
				putc(*p, f);
		putc('\n', f);
		return 0;
	}
	return -ENOENT;
}
