/* Bundles: the same bytes for the same selection, read like a directory, and no byte of a file changes unseen. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen.h"
#include "query/bundle.h"
#include "query/json.h"
#include "store/capture.h"
#include "store/verify.h"

/* ---- canonical JSON ---- */

static char *canon(const char *text)
{
	struct json_object *o = json_tokener_parse(text);
	char *out = NULL;

	cr_assert_eq(hc_json_canon(o, &out, NULL), 0, "%s", text);
	json_object_put(o);
	return out;
}

Test(json, is_canonical)
{
	static const char *const cases[][2] = {
		{ "{ \"b\": 1, \"a\": [true, null, \"x\"], \"A\": {} }",
		  "{\"A\":{},\"a\":[true,null,\"x\"],\"b\":1}" },
		{ "\"a/b\\u00e9\\u0001\\n\\\"\\\\\\u007f\"", "\"a/b\xc3\xa9\\u0001\\n\\\"\\\\\x7f\"" },
		{ "[9007199254740991, -5, 0]", "[9007199254740991,-5,0]" },
		{ "[]", "[]" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = canon(cases[i][0]);

		cr_assert_str_eq(out, cases[i][1]);
		free(out);
	}
}

Test(json, has_no_canonical_form_for_what_readers_would_round)
{
	static const char *const cases[] = { "1.5", "9007199254740992", "[-9007199254740992]", "{\"a\":1e3}" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *o = json_tokener_parse(cases[i]);
		char *out;

		cr_assert_eq(hc_json_canon(o, &out, NULL), -EINVAL, "%s", cases[i]);
		json_object_put(o);
	}
}

Test(json, makes_text_of_any_bytes)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "a\xc0\xaf", "a\xef\xbf\xbd\xef\xbf\xbd" },               /* not the shortest form */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* beyond the last */
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },                                 /* cut */
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *o = hc_json_text(cases[i].bytes);

		cr_assert_str_eq(json_object_get_string(o), cases[i].text);
		json_object_put(o);
	}
}

/* ---- bundles ---- */

struct fixture {
	char *dir, *capture, *bundle;
	struct hc_gen_result res;
	struct hc_bundle_stats stats;
};

static int export(const struct fixture *f, const char *from, const char *to, const struct hc_bundle_opts *opts,
                  struct hc_bundle_stats *stats)
{
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	int r = hc_capture_open(from, 0, &c, &err);

	(void)f;
	cr_assert_eq(r, 0, "%s", err.msg);
	r = hc_bundle_export(c, to, opts, stats, &err);
	hc_capture_close(c);
	return r;
}

static struct fixture begin(uint64_t n_rows)
{
	struct hc_gen_opts gen = { .seed = 31,
		                   .n_rows = n_rows,
		                   .flush_rows = n_rows / 4,
		                   .index = true,
		                   .writer.segment_bytes = 30000 };
	struct hc_bundle_opts opts = { .tool_version = "0.1.0" };
	struct fixture f = { .dir = hc_gen_tmpdir() };
	struct hc_err err = { 0 };

	setenv("SOURCE_DATE_EPOCH", "1714600000", 1);
	cr_assert(asprintf(&f.capture, "%s/capture", f.dir) > 0);
	cr_assert(asprintf(&f.bundle, "%s/case.hcb", f.dir) > 0);
	cr_assert_eq(hc_gen_capture(f.capture, &gen, &f.res, &err), 0, "%s", err.msg);
	cr_assert_eq(export(&f, f.capture, f.bundle, &opts, &f.stats), 0);
	return f;
}

static void end(struct fixture *f)
{
	hc_gen_result_done(&f->res);
	hc_gen_rm(f->dir);
	free(f->dir);
	free(f->capture);
	free(f->bundle);
}

static uint8_t *slurp(const char *path, size_t *ret_bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	uint8_t *buf;

	cr_assert(fd >= 0 && fstat(fd, &st) == 0, "%s", path);
	buf = malloc((size_t)st.st_size + 1);
	cr_assert_eq(read(fd, buf, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_bytes = (size_t)st.st_size;
	return buf;
}

static void count(void *ctx, const char *path, const char *what)
{
	(void)path;
	(void)what;
	++*(unsigned *)ctx;
}

static void count_damage(void *ctx, const struct hc_verify_finding *f)
{
	*(unsigned *)ctx += f->kind == HC_VERIFY_DAMAGE;
}

/* Findings of both checks; -1 when it cannot even be opened. */
static int n_findings(const char *path)
{
	struct hc_verify_stats stats;
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	unsigned n = 0;

	if (hc_capture_open(path, HC_CAPTURE_EVEN_BROKEN, &c, NULL) < 0)
		return -1;
	cr_assert_geq(hc_bundle_verify(c, count, &n, &err), 0, "%s", err.msg);
	hc_capture_close(c);
	cr_assert_eq(hc_verify(path, count_damage, &n, &stats, &err), 0, "%s", err.msg);
	return (int)n;
}

static uint64_t rows_that_match(const char *path, const struct hc_gen_result *want)
{
	struct hc_capture *c = NULL;
	struct hc_err err = { 0 };
	uint64_t n_rows = 0;
	uint32_t n;

	cr_assert_eq(hc_capture_open(path, 0, &c, &err), 0, "%s", err.msg);
	hc_capture_blocks(c, &n);
	for (uint32_t i = 0; i < n; i++) {
		struct hc_block *b = NULL;
		struct hc_rows rows;
		uint64_t *hash;

		cr_assert_eq(hc_capture_load(c, i, &b, &err), 0, "%s", err.msg);
		cr_assert_eq(hc_block_rows(b, &rows, &err), 0);
		hash = calloc(rows.n + 1, sizeof(*hash));
		cr_assert_eq(hc_gen_block_hashes(b, hash, &err), 0, "%s", err.msg);
		for (uint32_t k = 0; k < rows.n; k++)
			n_rows += hash[k] == want->hash[rows.seq[k] - want->first_seq];
		free(hash);
		hc_block_close(b);
	}
	hc_capture_close(c);
	return n_rows;
}

Test(bundle, holds_the_same_rows_as_the_capture)
{
	struct fixture f = begin(2000);

	cr_assert_eq(f.stats.n_rows, 2000);
	cr_assert_eq(f.stats.n_lost, f.res.n_lost);
	cr_assert_eq(f.stats.n_left_out, 0);
	cr_assert_eq(rows_that_match(f.bundle, &f.res), 2000);
	cr_assert_eq(n_findings(f.bundle), 0);
	end(&f);
}

Test(bundle, is_the_same_again_from_the_capture_and_from_itself)
{
	struct fixture f = begin(1000);
	struct hc_bundle_opts opts = { .tool_version = "0.1.0" };
	struct hc_bundle_stats stats;
	const char *const sources[] = { f.capture, f.bundle };
	size_t n, m;
	uint8_t *a = slurp(f.bundle, &n), *b;
	char *other;

	cr_assert(asprintf(&other, "%s/other.hcb", f.dir) > 0);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(export(&f, sources[i], other, &opts, &stats), 0);
		b = slurp(other, &m);
		cr_assert(n == m && memcmp(a, b, n) == 0, "from %s", sources[i]);
		cr_assert_str_eq(stats.sha256, f.stats.sha256);
		free(b);
		unlink(other);
	}
	free(a);
	free(other);
	end(&f);
}

Test(bundle, takes_whole_segments_that_overlap_the_span)
{
	struct fixture f = begin(4000);
	struct hc_bundle_opts opts = {
		.tool_version = "0.1.0", .has_since = true, .has_until = true, .replace = true
	};
	struct hc_bundle_stats stats;

	opts.since_wall_ns = INT64_C(1714525201000000000); /* from the second second on */
	opts.until_wall_ns = opts.since_wall_ns + 1000000000;
	cr_assert_eq(export(&f, f.capture, f.bundle, &opts, &stats), 0);
	cr_assert(stats.n_segments > 0 && stats.n_left_out > 0);
	cr_assert(stats.n_rows >= 900 && stats.n_rows < 4000);
	cr_assert_eq(rows_that_match(f.bundle, &f.res), stats.n_rows);
	cr_assert_eq(n_findings(f.bundle), 0);
	opts.since_wall_ns += INT64_C(1000000000000);
	opts.until_wall_ns += INT64_C(1000000000000);
	cr_assert_eq(export(&f, f.capture, f.bundle, &opts, &stats), -ENODATA);
	cr_assert_eq(n_findings(f.bundle), 0); /* what was there has stayed */
	opts.replace = false;
	opts.has_since = opts.has_until = false;
	cr_assert_eq(export(&f, f.capture, f.bundle, &opts, &stats), -EEXIST);
	end(&f);
}

Test(bundle, shows_every_change_of_a_file_in_it, .timeout = 120)
{
	struct fixture f = begin(60);
	struct hc_gen_rng rng = { 5 };
	const struct hc_capture_file *files;
	struct hc_capture *c = NULL;
	size_t n_bytes;
	uint8_t *bytes = slurp(f.bundle, &n_bytes);
	bool *matters = calloc(n_bytes, sizeof(*matters));
	int fd = open(f.bundle, O_RDWR);
	uint32_t n;

	cr_assert_eq(hc_capture_open(f.bundle, 0, &c, NULL), 0);
	files = hc_capture_files(c, &n);
	for (uint32_t i = 0; i < n; i++)
		memset(matters + files[i].off, 1, files[i].bytes);
	hc_capture_close(c);
	for (unsigned i = 0; i < 1500; i++) {
		size_t at = hc_gen_below(&rng, n_bytes);
		uint8_t flipped = bytes[at] ^ (uint8_t)(1u << hc_gen_below(&rng, 8));

		cr_assert_eq(pwrite(fd, &flipped, 1, (off_t)at), 1);
		if (n_findings(f.bundle) == 0) /* headers' owners and padding may change: no file does */
			cr_assert_not(matters[at], "nobody saw the change of byte %zu", at);
		cr_assert_eq(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
	}
	close(fd);
	free(matters);
	free(bytes);
	end(&f);
}

Test(bundle, cut_at_any_length_is_found_out)
{
	struct fixture f = begin(60);
	struct hc_gen_rng rng = { 6 };
	size_t n_bytes;

	free(slurp(f.bundle, &n_bytes));
	for (size_t n = n_bytes - 1024; n > 0;
	     n -= n < 200 ? n : 1 + hc_gen_below(&rng, 200)) { /* without its end blocks */
		cr_assert_eq(truncate(f.bundle, (off_t)n), 0);
		if (n < n_bytes - 1024 - 512) /* the last file's padding may go */
			cr_assert_neq(n_findings(f.bundle), 0, "at %zu of %zu bytes", n, n_bytes);
		else
			n_findings(f.bundle);
	}
	end(&f);
}

/* ---- policies ---- */

static const char rules[] = "- rule: openat seen\n"
			    "  desc: any open\n"
			    "  condition: evt.type = openat\n"
			    "  output: opened %evt.num\n"
			    "  priority: WARNING\n"
			    "  tags: [test]\n";

static char *write_file(const char *dir, const char *name, const char *text)
{
	char *path;
	FILE *f;

	cr_assert(asprintf(&path, "%s/%s", dir, name) > 0);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

/* Rows that rules are asked about: of the type, not there for the state only, and such as Falco would see. */
static uint64_t rows_evaluated(const char *path, unsigned type)
{
	struct hc_capture *c = NULL;
	uint64_t n_rows = 0;
	uint32_t n;

	cr_assert_eq(hc_capture_open(path, 0, &c, NULL), 0);
	hc_capture_blocks(c, &n);
	for (uint32_t i = 0; i < n; i++) {
		struct hc_block *b = NULL;
		struct hc_ints flags;

		cr_assert_eq(hc_capture_load(c, i, &b, NULL), 0);
		cr_assert_eq(hc_block_event_ints(b, type, HC_COL_ROW_FLAGS, &flags, NULL), 0);
		for (uint32_t row = 0; row < hc_block_n_rows(b, type); row++)
			n_rows += !(flags.v[row] & (HC_ROW_STATEONLY | HC_ROW_URING | HC_ROW_KERNEL));
		hc_block_close(b);
	}
	hc_capture_close(c);
	return n_rows;
}

Test(bundle, holds_the_policies_and_what_they_find)
{
	struct fixture f = begin(2000);
	char *policy = write_file(f.dir, "my rules.yaml", rules);
	const char *const policies[] = { policy, policy };
	struct hc_bundle_opts opts = {
		.tool_version = "0.1.0", .policies = policies, .n_policies = 1, .replace = true, .n_threads = 2
	};
	struct hc_bundle_stats stats;
	struct hc_capture *c = NULL;
	struct json_object *o;
	uint64_t n = 0, last = 0;
	size_t n_bytes;
	char *text, *save = NULL;
	void *member;

	cr_assert_eq(export(&f, f.capture, f.bundle, &opts, &stats), 0);
	cr_assert_eq(stats.n_findings, rows_evaluated(f.capture, HC_EV_OPENAT));
	cr_assert_gt(stats.n_findings, 0);
	cr_assert_eq(n_findings(f.bundle), 0);
	cr_assert_eq(hc_capture_open(f.bundle, 0, &c, NULL), 0);
	cr_assert_eq(hc_capture_member(c, "results/findings.jsonl", 1 << 20, &member, &n_bytes, NULL), 0);
	for (text = strtok_r(member, "\n", &save); text; text = strtok_r(NULL, "\n", &save), n++) {
		o = json_tokener_parse(text);
		cr_assert_not_null(o, "%s", text);
		cr_assert_str_eq(json_object_get_string(json_object_object_get(o, "rule")), "openat seen");
		cr_assert_str_eq(json_object_get_string(json_object_object_get(o, "type")), "openat");
		cr_assert_gt((uint64_t)json_object_get_int64(json_object_object_get(o, "seq")), last);
		last = (uint64_t)json_object_get_int64(json_object_object_get(o, "seq"));
		json_object_put(o);
	}
	free(member);
	cr_assert_eq(n, stats.n_findings);
	cr_assert_eq(hc_capture_member(c, "policies/index.json", 1 << 20, &member, &n_bytes, NULL), 0);
	cr_assert(strstr(member, "/my_rules.yaml\""), "%s", (char *)member);
	free(member);
	cr_assert_eq(hc_capture_member(c, "results/findings.jsonl", 10, &member, &n_bytes, NULL), -E2BIG);
	cr_assert_eq(hc_capture_member(c, "nothing", 10, &member, &n_bytes, NULL), -ENOENT);
	hc_capture_close(c);
	free(policy);
	end(&f);
}

Test(bundle, is_not_made_with_a_policy_that_does_not_load)
{
	struct fixture f = begin(100);
	char *policy = write_file(f.dir, "bad.yaml", "- rule: x\n  condition: no.such.field = 1\n"), *to;
	const char *const policies[] = { policy };
	struct hc_bundle_opts opts = { .tool_version = "0.1.0", .policies = policies, .n_policies = 1 };
	struct hc_bundle_stats stats;
	struct stat st;

	cr_assert(asprintf(&to, "%s/bad.hcb", f.dir) > 0);
	cr_assert_eq(export(&f, f.capture, to, &opts, &stats), -EINVAL);
	cr_assert_eq(stat(to, &st), -1);
	free(policy);
	free(to);
	end(&f);
}
