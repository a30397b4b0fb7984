/* capdump [-DEPTH] CAPTURE [TYPE...]: all rows of a capture in order, every column with what it refers to, DEPTH
 * references deep (1). For looking at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/block.h"
#include "store/capture.h"
#include "store/render.h"

static unsigned max_depth = 1; /* of references that are followed */

static void put_str(struct hc_str s)
{
	for (uint32_t i = 0; i < s.len; i++) {
		unsigned char ch = (unsigned char)s.p[i];

		if (ch >= 0x20 && ch < 0x7f)
			putchar(ch);
		else
			printf("\\x%02x", ch);
	}
}

static void put_obj(struct hc_block *b, unsigned obj, uint32_t ref, unsigned depth);

static void put_ref(struct hc_block *b, unsigned kind, unsigned to, uint32_t ref, unsigned fmt, unsigned depth)
{
	struct hc_heap h;
	struct hc_lists l;
	char text[HC_RENDER_MAX];

	switch (to) {
	case HC_OBJ_STR:
	case HC_OBJ_BYTES:
		if (hc_block_heap(b, to, &h, NULL) < 0)
			return;
		if (fmt == HC_FMT_IP) {
			hc_render_ip(hc_heap_get(&h, ref), text, sizeof(text));
			fputs(text, stdout);
		} else if (kind == HC_KIND_ADDR) {
			hc_render_sockaddr(hc_heap_get(&h, ref), text, sizeof(text));
			fputs(text, stdout);
		} else {
			putchar('"');
			put_str(hc_heap_get(&h, ref));
			putchar('"');
		}
		return;
	case HC_OBJ_STRS:
	case HC_OBJ_INTS:
		if (hc_block_lists(b, to, &l, NULL) < 0)
			return;
		putchar('[');
		for (uint32_t i = l.first[ref - 1]; i < l.first[ref] && i < l.first[ref - 1] + 40; i++) {
			if (i > l.first[ref - 1])
				putchar(' ');
			if (to == HC_OBJ_INTS)
				printf("%lld", (long long)l.ints[i]);
			else
				put_ref(b, HC_KIND_STR, HC_OBJ_STR, l.refs[i], HC_FMT_PLAIN, depth);
		}
		putchar(']');
		return;
	default:
		put_obj(b, to, ref, depth + 1);
	}
}

static void put_obj(struct hc_block *b, unsigned obj, uint32_t ref, unsigned depth)
{
	const struct hc_table_desc *d = hc_obj_desc(obj);
	struct hc_refs r;
	struct hc_ints n;
	char text[HC_RENDER_MAX];

	printf("%s#%u", d->name, ref);
	if (depth > max_depth)
		return;
	putchar('{');
	for (unsigned c = 0; c < d->n_cols; c++) {
		if (d->cols[c].ref) {
			if (hc_block_obj_refs(b, obj, c, &r, NULL) < 0 || !r.v[ref - 1])
				continue;
			printf("%s=", d->cols[c].name);
			if (obj == HC_OBJ_IMAGE && c == HC_O_IMAGE_env)
				fputs("..", stdout);
			else
				put_ref(b, d->cols[c].kind, d->cols[c].ref, r.v[ref - 1], d->cols[c].fmt, depth);
		} else {
			if (hc_block_obj_ints(b, obj, c, &n, NULL) < 0 || !hc_ints_valid(&n, ref - 1))
				continue;
			hc_render_int(d->cols[c].fmt, n.v[ref - 1], d->cols[c].is_signed, text, sizeof(text));
			printf("%s=%s", d->cols[c].name, text);
		}
		putchar(' ');
	}
	putchar('}');
}

static void put_row(struct hc_block *b, unsigned type, uint32_t pos)
{
	const struct hc_table_desc *d = hc_event_desc(type);
	struct hc_refs r;
	struct hc_ints n;
	char text[HC_RENDER_MAX];

	for (unsigned c = 0; c < d->n_cols; c++) {
		if (d->cols[c].ref) {
			if (hc_block_event_refs(b, type, c, &r, NULL) < 0 || !r.v[pos])
				continue;
			printf(" %s=", d->cols[c].name);
			put_ref(b, d->cols[c].kind, d->cols[c].ref, r.v[pos], d->cols[c].fmt, 0);
		} else {
			if (hc_block_event_ints(b, type, c, &n, NULL) < 0 || !hc_ints_valid(&n, pos))
				continue;
			hc_render_int(d->cols[c].fmt, n.v[pos], d->cols[c].is_signed, text, sizeof(text));
			printf(" %s=%s", d->cols[c].name, text);
		}
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct hc_capture *c;
	struct hc_err err = { 0 };
	uint32_t *sel, n_sel;
	char text[1024];

	if (argc > 1 && argv[1][0] == '-') {
		max_depth = (unsigned)atoi(argv[1] + 1);
		argc--;
		argv++;
	}
	if (argc < 2 || hc_capture_open(argv[1], 0, &c, &err) < 0 ||
	    hc_capture_select(c, &(struct hc_block_filter){ 0 }, &sel, &n_sel, &err) < 0) {
		fprintf(stderr, "capdump: %s\n",
		        argc < 2 ? "which capture?" : hc_err_text(&err, text, sizeof(text)));
		return 1;
	}
	for (uint32_t i = 0; i < n_sel; i++) {
		struct hc_block *b;
		struct hc_rows rows;

		if (hc_capture_load(c, sel[i], &b, &err) < 0 || hc_block_rows(b, &rows, &err) < 0) {
			fprintf(stderr, "capdump: %s\n", hc_err_text(&err, text, sizeof(text)));
			return 1;
		}
		for (uint32_t k = 0; k < rows.n; k++) {
			bool wanted = argc < 3;

			for (int a = 2; a < argc; a++)
				wanted |= strcmp(argv[a], hc_event_desc(rows.type[k])->name) == 0;
			if (!wanted)
				continue;
			printf("%llu %llu.%09llu %u %s", (unsigned long long)rows.seq[k],
			       (unsigned long long)rows.ts_ns[k] / 1000000000,
			       (unsigned long long)rows.ts_ns[k] % 1000000000, rows.cpu[k],
			       hc_event_desc(rows.type[k])->name);
			put_row(b, rows.type[k], rows.pos[k]);
		}
		hc_block_close(b);
	}
	free(sel);
	hc_capture_close(c);
	return 0;
}
