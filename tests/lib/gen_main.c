/* hc-gen: a generated capture for scripts. hc-gen DIR [KEY=VALUE...] with the keys below; prints rows, losses and
 * bytes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "store/capture.h"

static int set(struct hc_gen_opts *o, const char *arg)
{
	const char *eq = strchr(arg, '=');
	size_t n = eq ? (size_t)(eq - arg) : 0;
	char *end = NULL;
	uint64_t v = eq ? strtoull(eq + 1, &end, 10) : 0;
	const struct {
		const char *name;
		uint64_t *to;
	} keys[] = {
		{ "seed", &o->seed },
		{ "rows", &o->n_rows },
		{ "step_ns", &o->step_ns },
		{ "start_ns", &o->start_ns },
		{ "flush", &o->flush_rows },
		{ "block_ns", &o->writer.block_ns },
		{ "segment_bytes", &o->writer.segment_bytes },
		{ "next_seq", &o->writer.next_seq },
	};

	if (strcmp(arg, "mix=node") == 0) {
		o->mix = HC_GEN_NODE;
		return 0;
	}
	if (strcmp(arg, "index") == 0) {
		o->index = true;
		return 0;
	}
	if (strcmp(arg, "each") == 0) {
		o->each = true;
		return 0;
	}
	if (strcmp(arg, "abort") == 0) {
		o->abort = true;
		return 0;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (eq && strlen(keys[i].name) == n && strncmp(arg, keys[i].name, n) == 0 && end > eq + 1 &&
		    !*end) {
			*keys[i].to = v;
			return 0;
		}
	}
	return -1;
}

static int list_block(struct hc_capture *c, uint32_t block, struct hc_err *err)
{
	struct hc_block *b = NULL;
	struct hc_rows rows = { 0 };
	uint64_t *hash = NULL;
	int r = hc_capture_load(c, block, &b, err);

	if (r >= 0)
		r = hc_block_rows(b, &rows, err);
	if (r >= 0) {
		hash = calloc(rows.n + 1u, sizeof(*hash));
		r = hash ? hc_gen_block_hashes(b, hash, err) : -ENOMEM;
	}
	for (uint32_t i = 0; r >= 0 && i < rows.n; i++) {
		const struct hc_table_desc *desc = hc_event_desc(rows.type[i]);

		printf("%llu %s %016llx\n", (unsigned long long)rows.seq[i], desc ? desc->name : "?",
		       (unsigned long long)hash[i]);
	}
	free(hash);
	hc_block_close(b);
	return r;
}

static int list(const char *path)
{
	struct hc_block_filter all = { 0 };
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	uint32_t *v = NULL, n = 0;
	char text[1024];
	int r = hc_capture_open(path, 0, &c, &err);

	if (r >= 0)
		r = hc_capture_select(c, &all, &v, &n, &err);
	for (uint32_t i = 0; r >= 0 && i < n; i++)
		r = list_block(c, v[i], &err);
	if (r < 0)
		fprintf(stderr, "hc-gen: %s\n", hc_err_text(&err, text, sizeof(text)));
	free(v);
	hc_capture_close(c);
	return r < 0;
}

int main(int argc, char **argv)
{
	struct hc_gen_opts opts = { .no_hashes = true };
	struct hc_gen_result res;
	struct hc_err err = { 0 };
	char text[1024];

	if (argc < 2) {
		fputs("usage: hc-gen DIR [KEY=VALUE...]\n", stderr);
		return 2;
	}
	if (argc == 3 && strcmp(argv[1], "list") == 0)
		return list(argv[2]);
	for (int i = 2; i < argc; i++) {
		if (set(&opts, argv[i]) < 0) {
			fprintf(stderr, "hc-gen: what is '%s'?\n", argv[i]);
			return 2;
		}
	}
	if (hc_gen_capture(argv[1], &opts, &res, &err) < 0) {
		fprintf(stderr, "hc-gen: %s\n", hc_err_text(&err, text, sizeof(text)));
		return 1;
	}
	printf("rows=%llu lost=%llu bytes=%llu\n", (unsigned long long)res.n_rows, (unsigned long long)res.n_lost,
	       (unsigned long long)res.bytes);
	hc_gen_result_done(&res);
	return 0;
}
