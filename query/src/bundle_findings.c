/* What the policies find in the span: replayed while the bundle is made, so that a reader without Hindcast has it
 * too. */
#include "bundle_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/falco.h"
#include "replay/replay.h"
#include "store/base/file.h"

#define MAX_FINDINGS_BYTES ((size_t)512 << 20)

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

/* ---- policy files ---- */

static int read_policy(const char *path, char **ret, size_t *ret_bytes, struct hc_err *err)
{
	int fd = hc_file_open(path, err), r = 0;
	struct stat st = { 0 };
	size_t n = 0, room;
	char *buf = NULL;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		r = hc_err_set(err, -EINVAL, "'%s' is not a regular file", path);
	else if (st.st_size > (off_t)HC_BUNDLE_MAX_POLICY_BYTES)
		r = hc_err_set(err, -E2BIG, "'%s' is longer than %u MiB", path, HC_BUNDLE_MAX_POLICY_BYTES >> 20);
	room = (size_t)st.st_size;
	if (r == 0) {
		buf = malloc(room + 1);
		r = buf ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
	}
	while (r == 0 && n < room) {
		ssize_t got = read(fd, buf + n, room - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			r = hc_err_set(err, -errno, "cannot read '%s': %s", path, strerror(errno));
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	if (r < 0) {
		free(buf);
		return r;
	}
	buf[n] = '\0';
	*ret = buf;
	*ret_bytes = n;
	return 0;
}

/* The last part of a path as a file name that needs no care anywhere. */
static void plain_name(const char *path, char *to, size_t room)
{
	const char *p = strrchr(path, '/');
	size_t n = 0;

	for (p = p ? p + 1 : path; *p && n + 1 < room; p++) {
		bool good = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
		            *p == '_' || *p == '-' || (*p == '.' && n > 0);

		to[n] = '_';
		if (good)
			to[n] = *p;
		n++;
	}
	if (!n)
		to[n++] = '_';
	to[n] = '\0';
}

static bool has_file(const struct hc_bundle *b, const char *path)
{
	for (uint32_t i = 0; i < b->n_files; i++) {
		if (strcmp(b->files[i].path, path) == 0)
			return true;
	}
	return false;
}

static int add_policy(struct hc_bundle *b, struct hc_falco *f, const char *given, struct hc_err *err)
{
	char name[128], path[256], hex[HC_SHA256_HEX], *text = NULL;
	struct json_object *o;
	uint8_t digest[32];
	size_t n_bytes = 0;
	int r = read_policy(given, &text, &n_bytes, err);

	if (r < 0)
		return r;
	r = hc_falco_load_text(f, given, text, n_bytes, err);
	if (r == 0)
		r = hc_sha256_of(text, n_bytes, digest, err);
	if (r < 0) {
		free(text);
		return r;
	}
	hc_sha256_hex(digest, hex);
	plain_name(given, name, sizeof(name));
	snprintf(path, sizeof(path), "policies/%s/%s", hex, name);
	o = json_object_new_object();
	add(o, "name", json_object_new_string(name));
	add(o, "path", json_object_new_string(path));
	add(o, "sha256", json_object_new_string(hex));
	add(o, "dialect", json_object_new_string("falco"));
	json_object_array_add(b->policies, o);
	if (has_file(b, path)) { /* given twice */
		free(text);
		return 0;
	}
	return hc_bundle_add(b, path, "policy", text, n_bytes, err);
}

/* ---- findings ---- */

struct findings {
	const struct hc_bundle *b;
	const struct hc_falco *falco;
	const struct hc_capture_seg *segs;
	const struct hc_capture_block *blocks;
	FILE *out;
	size_t n_bytes;
	uint64_t n;
};

static int render(void *ctx, const struct hc_alert *alert, struct hc_arena *arena, void **ret, struct hc_err *err)
{
	const struct findings *f = ctx;
	const struct hc_falco_rule *rule = alert->rule->user;
	const struct hc_capture_seg *seg = &f->segs[f->blocks[alert->block].seg];
	const struct hc_table_desc *desc = hc_event_desc(alert->hit->type);
	struct json_object *o, *tags;
	char boot[HC_BOOT_ID_TEXT];
	struct hc_str message;
	size_t n_bytes;
	char *text, *kept;
	int r = hc_falco_message(f->falco, alert, arena, &message, err);

	if (r < 0)
		return r;
	hc_boot_id_text(seg->header.boot_id, boot);
	o = json_object_new_object();
	tags = json_object_new_array();
	add(o, "rule", hc_json_text(alert->rule->name));
	add(o, "priority", hc_json_text(alert->rule->severity));
	for (const char *const *tag = rule ? rule->tags : NULL; tag && *tag; tag++)
		json_object_array_add(tags, hc_json_text(*tag));
	add(o, "tags", tags);
	add(o, "time", hc_json_time(alert->wall_ns));
	add(o, "seq", hc_json_u64(alert->hit->seq));
	add(o, "type", hc_json_text(desc ? desc->name : NULL));
	add(o, "node", hc_json_text(seg->header.node));
	add(o, "boot_id", json_object_new_string(boot));
	add(o, "output", hc_json_str(message));
	r = hc_json_canon(o, &text, &n_bytes);
	json_object_put(o);
	if (r < 0)
		return hc_err_set(err, r, "cannot write a finding");
	kept = hc_arena_raw(arena, n_bytes + 1);
	if (kept)
		memcpy(kept, text, n_bytes + 1);
	free(text);
	if (!kept)
		return hc_err_set(err, -ENOMEM, "out of memory");
	*ret = kept;
	return 0;
}

static int emit(void *ctx, const struct hc_hit *hit, int64_t wall_ns, void *rendered, struct hc_err *err)
{
	struct findings *f = ctx;
	const char *text = rendered;

	(void)hit;
	(void)wall_ns;
	f->n++;
	f->n_bytes += strlen(text) + 1;
	if (f->n_bytes > MAX_FINDINGS_BYTES)
		return hc_err_set(err, -E2BIG,
		                  "the policies find more than %zu MiB of alerts: choose a shorter span",
		                  MAX_FINDINGS_BYTES >> 20);
	fputs(text, f->out);
	fputc('\n', f->out);
	return ferror(f->out) ? hc_err_set(err, -ENOMEM, "out of memory") : 0;
}

/* Rules that cannot be answered, with why. */
static struct json_object *unanswerable(struct hc_bundle *b, const struct hc_plan *plan,
                                        const struct hc_answers *answers)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < hc_plan_n_rules(plan); i++) {
		const struct hc_answer *a = hc_answers_rule(answers, i);
		struct json_object *o, *reasons;

		if (a->answerable || hc_plan_rule(plan, i)->more)
			continue;
		b->stats.n_unanswerable++;
		o = json_object_new_object();
		reasons = json_object_new_array();
		for (const char *const *why = a->reasons; why && *why; why++)
			json_object_array_add(reasons, hc_json_text(*why));
		add(o, "rule", hc_json_text(hc_plan_rule(plan, i)->name));
		add(o, "reasons", reasons);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *by_rule(const struct hc_plan *plan, const struct hc_replay_stats *stats)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; stats->hits_by_rule && i < hc_plan_n_rules(plan); i++) {
		struct json_object *o;

		if (!stats->hits_by_rule[i])
			continue;
		o = json_object_new_object();
		add(o, "rule", hc_json_text(hc_plan_rule(plan, i)->name));
		add(o, "findings", hc_json_u64(stats->hits_by_rule[i]));
		json_object_array_add(list, o);
	}
	return list;
}

static int run(struct hc_bundle *b, struct hc_falco *falco, struct hc_err *err)
{
	HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
	HC_AUTO(hc_plan_free) struct hc_plan *plan = NULL;
	HC_AUTO(hc_facts_free) struct hc_facts *facts = NULL;
	HC_AUTO(hc_answers_free) struct hc_answers *answers = NULL;
	struct hc_block_filter range = { .has_since = b->opts->has_since,
		                         .has_until = b->opts->has_until,
		                         .since_wall_ns = b->opts->since_wall_ns,
		                         .until_wall_ns = b->opts->until_wall_ns };
	struct findings f = { .b = b, .falco = falco };
	struct hc_replay_opts opts = { .n_threads = b->opts->n_threads,
		                       .has_since = range.has_since,
		                       .has_until = range.has_until,
		                       .since_wall_ns = range.since_wall_ns,
		                       .until_wall_ns = range.until_wall_ns,
		                       .scope = b->opts->scope,
		                       .render = render,
		                       .emit = emit,
		                       .ctx = &f };
	struct hc_replay_stats stats = { 0 };
	size_t n_bytes = 0;
	char *text = NULL;
	uint32_t n;
	int r = ir ? hc_falco_build(falco, ir, err) : hc_err_set(err, -ENOMEM, "out of memory");

	if (r == 0)
		r = hc_plan_new(ir, HC_MATCH_FIRST, &plan, err);
	if (r == 0)
		r = hc_facts_load(b->c, &range, &facts, err);
	if (r == 0 && b->opts->scope)
		hc_facts_within(facts, b->opts->scope->text, b->opts->scope_capture);
	if (r == 0)
		r = hc_answers_new(ir, facts, &answers, err);
	if (r < 0)
		return r;
	f.segs = hc_capture_segs(b->c, &n);
	f.blocks = hc_capture_blocks(b->c, &n);
	f.out = open_memstream(&text, &n_bytes);
	if (!f.out)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = hc_replay(plan, b->c, &opts, &stats, err);
	if (fclose(f.out) != 0 && r == 0)
		r = hc_err_set(err, -ENOMEM, "out of memory");
	if (r < 0) {
		free(text);
	} else {
		add(b->results, "path", json_object_new_string("results/findings.jsonl"));
		add(b->results, "engine_version", hc_json_text(b->opts->tool_version));
		if (b->opts->metadata)
			add(b->results, "metadata", hc_json_text(b->opts->metadata));
		if (b->opts->scope)
			add(b->results, "scope", json_object_new_string(b->opts->scope->text));
		add(b->results, "rules", hc_json_u64(hc_ir_n_whole(ir)));
		add(b->results, "findings", hc_json_u64(f.n));
		add(b->results, "by_rule", by_rule(plan, &stats));
		add(b->results, "unanswerable", unanswerable(b, plan, answers));
		add(b->results, "blocks_damaged", hc_json_u64(stats.n_damaged));
		add(b->results, "regex_limits_reached", hc_json_u64(stats.n_regex_limits));
		b->stats.n_findings = f.n;
		r = hc_bundle_add(b, "results/findings.jsonl", "result", text, n_bytes, err);
	}
	hc_replay_stats_done(&stats);
	return r;
}

int hc_bundle_findings(struct hc_bundle *b, struct hc_err *err)
{
	HC_AUTO(hc_falco_free) struct hc_falco *falco = NULL;
	size_t n_bytes;
	char *text;
	int r = 0;

	b->policies = json_object_new_array();
	if (!b->opts->n_policies)
		return 0;
	b->results = json_object_new_object();
	falco = hc_falco_new(NULL);
	if (!falco || !b->policies || !b->results)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < b->opts->n_policies; i++)
		r = add_policy(b, falco, b->opts->policies[i], err);
	if (r == 0)
		r = hc_json_canon(b->policies, &text, &n_bytes);
	if (r == 0)
		r = hc_bundle_add(b, "policies/index.json", "policy", text, n_bytes, err);
	return r == 0 ? run(b, falco, err) : r;
}
