/* hc-gen: a generated capture for scripts. hc-gen DIR [KEY=VALUE...] with the keys below; prints rows, losses and
 * bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"

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
