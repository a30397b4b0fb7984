/*
 * What an event is about comes from Falco's own fields, as formats compiled beside the rules. Of a process that is
 * gone already the nearest ancestor that still runs is taken: what it does next is what one wants to see.
 */
#include "trigger_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy_arg.h"
#include "replay/yaml.h"
#include "store/base/sha256.h"
#include "store/marks.h"

#define MAX_LOOKED_AT 1000u /* matches of a rule in a block; more count for the last place */
#define MAX_FOUND 256u      /* rules and places in a block; more count for the last one of the rule */
#define MAX_OUTPUT 900u     /* bytes of it that are kept */

enum field { FIELD_CONTAINER, FIELD_POD, FIELD_CGROUPS, FIELD_PID, N_FIELDS = FIELD_PID + 6 };

static const char *const field_formats[N_FIELDS] = {
	[FIELD_CONTAINER] = "%container.full_id", [FIELD_POD] = "%k8s.ns.name/%k8s.pod.name",
	[FIELD_CGROUPS] = "%thread.cgroups",      [FIELD_PID] = "%proc.pid",
	[FIELD_PID + 1] = "%proc.ppid",           [FIELD_PID + 2] = "%proc.apid[2]",
	[FIELD_PID + 3] = "%proc.apid[3]",        [FIELD_PID + 4] = "%proc.apid[4]",
	[FIELD_PID + 5] = "%proc.apid[5]",
};

struct rule {
	struct hc_trigger_what what;
	const char *sha256;
	uint64_t n_matches;
	/* in the block under way */
	uint32_t n_looked_at;
	struct hc_trigger_found *last;
};

struct hc_trigger_set {
	struct hc_arena arena; /* args, hashes */
	struct hc_trigger_args args;
	struct hc_policies files;
	const char **sha256; /* by file */
	struct hc_falco *falco;
	struct hc_ir *ir;
	struct hc_plan *plan;
	struct hc_eval *eval;
	struct hc_falco_format *fields[N_FIELDS];
	struct rule *rules; /* by number */
	struct hc_arena scratch;
};

struct hc_trigger_set *hc_trigger_set_free(struct hc_trigger_set *s)
{
	if (!s)
		return NULL;
	hc_eval_free(s->eval);
	hc_plan_free(s->plan);
	hc_ir_free(s->ir);
	hc_falco_free(s->falco);
	hc_policies_done(&s->files);
	free(s->sha256);
	free(s->rules);
	hc_arena_done(&s->scratch);
	hc_arena_done(&s->arena);
	free(s);
	return NULL;
}

/* ---- loading ---- */

/* Which rules run: those chosen, but for those that are off. In the set's memory; NULL without any. */
static struct hc_falco_select *selects(struct hc_trigger_set *s, size_t *ret_n, struct hc_err *err)
{
	const struct hc_trigger_args *a = &s->args;
	struct hc_falco_select *v =
		hc_arena_alloc(&s->arena, (a->rules.n + a->tags.n + a->each.n + 1) * sizeof(*v));
	size_t n = 0;

	if (!v)
		return NULL;
	if (a->rules.n || a->tags.n)
		v[n++] = (struct hc_falco_select){ .rule = "*" };
	for (size_t i = 0; i < a->rules.n; i++)
		v[n++] = (struct hc_falco_select){ .rule = a->rules.v[i], .enable = true };
	for (size_t i = 0; i < a->tags.n; i++)
		v[n++] = (struct hc_falco_select){ .tag = a->tags.v[i], .enable = true };
	for (size_t i = 0; i < a->each.n; i++) {
		const char *rule;
		bool off;

		if (hc_trigger_each_parse(a->each.v[i], &s->arena, &rule, &off, NULL, err) < 0)
			return NULL;
		if (off)
			v[n++] = (struct hc_falco_select){ .rule = rule };
	}
	*ret_n = n;
	return v;
}

static const char *priority_text(struct hc_trigger_set *s)
{
	static const char words[] = HC_TRIGGER_PRIORITY_WORDS;
	const char *word = words;

	for (unsigned i = 0; i < s->args.min_priority; i++)
		word = strchr(word, '|') + 1;
	return hc_arena_printf(&s->arena, "%.*s", (int)strcspn(word, "|"), word);
}

/* The text that is loaded is the one whose digest stands in rows. */
static int load_file(struct hc_trigger_set *s, size_t i, struct hc_err *err)
{
	HC_AUTO(free) char *text = NULL;
	char hex[HC_SHA256_HEX];
	uint8_t digest[HC_SHA256_BYTES];
	size_t n_bytes;
	int r = hc_yaml_read(s->files.v[i], &text, &n_bytes, err);

	if (r == 0)
		r = hc_falco_load_text(s->falco, s->files.v[i], text, n_bytes, err);
	if (r == 0)
		r = hc_sha256_of(text, n_bytes, digest, err);
	if (r < 0)
		return r;
	hc_sha256_hex(digest, hex);
	s->sha256[i] = hc_arena_printf(&s->arena, "%s", hex);
	return s->sha256[i] ? 0 : hc_err_set(err, -ENOMEM, "out of memory");
}

static int load(struct hc_trigger_set *s, struct hc_err *err)
{
	struct hc_falco_opts opts = { .min_priority = priority_text(s) };
	int r = hc_policies_find(&s->args.policies, &s->files, err);

	if (r < 0)
		return r;
	opts.selects = selects(s, &opts.n_selects, err);
	s->sha256 = calloc(s->files.n + 1, sizeof(*s->sha256));
	s->falco = opts.selects && opts.min_priority ? hc_falco_new(&opts) : NULL;
	if (!s->falco || !s->sha256)
		return err && err->code ? err->code : hc_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < s->files.n; i++)
		r = load_file(s, i, err);
	return r;
}

static int compile(struct hc_trigger_set *s, struct hc_err *err)
{
	struct hc_eval_opts eval = { .profile = true };
	int r;

	s->ir = hc_ir_new();
	if (!s->ir)
		return hc_err_set(err, -ENOMEM, "out of memory");
	r = hc_falco_build(s->falco, s->ir, err);
	for (unsigned i = 0; r >= 0 && i < N_FIELDS; i++)
		r = hc_falco_format_compile(s->ir, field_formats[i], &s->fields[i], err);
	if (r >= 0)
		r = hc_plan_new(s->ir, HC_MATCH_FIRST, &s->plan, err);
	if (r >= 0)
		r = hc_eval_new(s->plan, &eval, &s->eval, err);
	return r;
}

/* What captures of each rule are. */
static int settle(struct hc_trigger_set *s, struct hc_err *err)
{
	uint32_t n = hc_ir_n_rules(s->ir);

	s->rules = calloc(n + 1u, sizeof(*s->rules));
	if (!s->rules)
		return hc_err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < n; i++) {
		const struct hc_rule_opts *rule = hc_ir_rule(s->ir, i);

		s->rules[i].what = s->args.what;
		for (size_t k = 0; k < s->files.n; k++)
			if (rule->policy && strcmp(rule->policy, s->files.v[k]) == 0)
				s->rules[i].sha256 = s->sha256[k];
		for (size_t k = 0; k < s->args.each.n; k++) {
			struct hc_trigger_what what = s->rules[i].what;
			const char *pattern;
			bool off;
			int r = hc_trigger_each_parse(s->args.each.v[k], &s->arena, &pattern, &off, &what, err);

			if (r < 0)
				return r;
			if (hc_falco_name_matches(pattern, hc_str_c(rule->name)))
				s->rules[i].what = what;
		}
	}
	return 0;
}

static int make(const struct hc_trigger_args *args, struct hc_trigger_set *s, struct hc_err *err)
{
	int r = hc_trigger_args_copy(args, &s->arena, &s->args);

	if (r < 0)
		return hc_err_set(err, r, "out of memory");
	r = load(s, err);
	if (r >= 0)
		r = compile(s, err);
	return r < 0 ? r : settle(s, err);
}

int hc_trigger_set_new(const struct hc_trigger_args *args, struct hc_trigger_set **ret, struct hc_err *err)
{
	HC_AUTO(hc_trigger_set_free) struct hc_trigger_set *s = calloc(1, sizeof(*s));
	int r = s ? make(args, s, err) : hc_err_set(err, -ENOMEM, "out of memory");

	if (r < 0)
		return r;
	*ret = hc_steal(s);
	return 0;
}

int hc_cli_trigger_set(const struct hc_command *cmd, const struct hc_trigger_args *args, bool warnings,
                       struct hc_trigger_set **ret)
{
	HC_AUTO(hc_trigger_set_free) struct hc_trigger_set *s = calloc(1, sizeof(*s));
	struct hc_err err = { 0 };
	int r = s ? make(args, s, &err) : hc_err_set(&err, -ENOMEM, "out of memory");

	if (s && s->falco && hc_falco_n_diags(s->falco) && (r < 0 || warnings))
		hc_cli_print_diags(s->falco, r < 0);
	else if (r < 0)
		return hc_cli_error(cmd, &err);
	if (r < 0)
		return HC_EXIT_USAGE;
	*ret = hc_steal(s);
	return HC_CLI_GO;
}

void hc_trigger_set_warnings(const struct hc_trigger_set *s, void (*say)(void *ctx, const struct hc_falco_diag *d),
                             void *ctx)
{
	for (uint32_t i = 0; i < hc_falco_n_diags(s->falco); i++)
		if (hc_cli_diag_tells(hc_falco_diag(s->falco, i)))
			say(ctx, hc_falco_diag(s->falco, i));
}

/* ---- asking ---- */

uint32_t hc_trigger_set_n_rules(const struct hc_trigger_set *s)
{
	return hc_ir_n_whole(s->ir);
}

uint64_t hc_trigger_set_cooldown_ns(const struct hc_trigger_set *s, const char *rule)
{
	for (uint32_t i = 0; i < hc_ir_n_rules(s->ir); i++)
		if (strcmp(hc_ir_rule(s->ir, i)->name, rule) == 0)
			return s->rules[i].what.cooldown_ns;
	return s->args.what.cooldown_ns;
}

struct hc_type_set hc_trigger_set_types(const struct hc_trigger_set *s)
{
	return hc_plan_types(s->plan);
}

uint32_t hc_trigger_set_stats(const struct hc_trigger_set *s, struct hc_trigger_rule_stats *ret, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < hc_ir_n_rules(s->ir); i++) {
		const struct hc_rule_opts *rule = hc_ir_rule(s->ir, i);

		if (!rule->more) {
			if (n == max)
				break;
			ret[n++] = (struct hc_trigger_rule_stats){ .rule = rule->name };
		}
		ret[n - 1].n_matches += s->rules[i].n_matches;
		ret[n - 1].ns += hc_eval_costs(s->eval)[i].ns;
	}
	return n;
}

int hc_trigger_set_unanswerable(const struct hc_trigger_set *s, const struct hc_facts *facts,
                                void (*say)(void *ctx, const char *rule, const char *reason), void *ctx,
                                struct hc_err *err)
{
	HC_AUTO(hc_answers_free) struct hc_answers *answers = NULL;
	int r = hc_answers_new(s->ir, facts, &answers, err), n = 0;

	for (uint32_t i = 0; r == 0 && i < hc_ir_n_rules(s->ir); i++) {
		const struct hc_answer *a = hc_answers_rule(answers, i);

		if (a->answerable || hc_ir_rule(s->ir, i)->more)
			continue;
		n++;
		for (const char *const *reason = a->reasons; *reason; reason++)
			say(ctx, hc_ir_rule(s->ir, i)->name, *reason);
	}
	return r < 0 ? r : n;
}

static bool fits(const struct hc_falco_rule *rule, const char *name, const char *tag)
{
	if (name)
		return hc_falco_name_matches(name, hc_str_c(rule->name));
	for (const char *const *t = rule->tags; tag && t && *t; t++)
		if (strcmp(*t, tag) == 0)
			return true;
	return false;
}

/* Rules that are off count: they are there. */
static bool is_there(const struct hc_trigger_set *s, const char *name, const char *tag)
{
	for (uint32_t i = 0; i < hc_falco_n_rules(s->falco); i++)
		if (fits(hc_falco_rule(s->falco, i), name, tag))
			return true;
	return false;
}

unsigned hc_trigger_set_unmatched(struct hc_trigger_set *s,
                                  void (*say)(void *ctx, const char *option, const char *value), void *ctx)
{
	const struct hc_trigger_args *a = &s->args;
	unsigned n = 0;

	for (size_t i = 0; i < a->rules.n; i++)
		if (!is_there(s, a->rules.v[i], NULL) && ++n)
			say(ctx, "trigger-rule", a->rules.v[i]);
	for (size_t i = 0; i < a->tags.n; i++)
		if (!is_there(s, NULL, a->tags.v[i]) && ++n)
			say(ctx, "trigger-tag", a->tags.v[i]);
	for (size_t i = 0; i < a->each.n; i++) {
		const char *name;
		bool off;

		if (hc_trigger_each_parse(a->each.v[i], &s->arena, &name, &off, NULL, NULL) == 0 &&
		    !is_there(s, name, NULL) && ++n)
			say(ctx, "triggers", name);
	}
	return n;
}

/* ---- what it is about ---- */

/* A field of the event, in the set's scratch memory; NULL: it has none. */
static const char *field(struct hc_trigger_set *s, const struct hc_hit *hit, enum field f)
{
	struct hc_str text;

	if (hc_falco_format_render(s->fields[f], hc_eval_view(s->eval), hit->type, hit->row, &s->scratch, &text,
	                           NULL) <= 0)
		return NULL;
	return text.len ? hc_arena_printf(&s->scratch, HC_STR_FMT, HC_STR_ARG(text)) : NULL;
}

/* The process of the event, or else its nearest ancestor, that is alive and not the first of the machine. */
static const char *pid_scope(struct hc_trigger_set *s, const struct hc_hit *hit)
{
	for (unsigned f = FIELD_PID; f < N_FIELDS; f++) {
		const char *pid = field(s, hit, (enum field)f);
		char path[64];

		if (!pid || strspn(pid, "0123456789") != strlen(pid) || strcmp(pid, "1") == 0)
			break;
		snprintf(path, sizeof(path), "/proc/%s", pid);
		if (access(path, F_OK) == 0)
			return hc_arena_printf(&s->scratch, "pid=%s", pid);
	}
	return "host";
}

static const char *container_scope(struct hc_trigger_set *s, const struct hc_hit *hit)
{
	const char *id = field(s, hit, FIELD_CONTAINER);

	return id && strcmp(id, "host") != 0 ? hc_arena_printf(&s->scratch, "container=%s", id) : NULL;
}

/* Of the hierarchies, "name=/path ...", the longest path. */
static const char *cgroup_scope(struct hc_trigger_set *s, const struct hc_hit *hit)
{
	const char *all = field(s, hit, FIELD_CGROUPS), *best = NULL;
	size_t best_len = 1; /* "/" is everything */

	for (const char *p = all; p && (p = strstr(p, "=/")); p++) {
		size_t len = strcspn(p + 1, " ");

		if (len > best_len) {
			best_len = len;
			best = p + 1;
		}
	}
	return best ? hc_arena_printf(&s->scratch, "cgroup=%.*s", (int)best_len, best) : NULL;
}

static const char *scope_of(struct hc_trigger_set *s, const struct hc_hit *hit, unsigned want)
{
	const char *scope = NULL, *pod;

	if (want == HC_TRIGGER_HOST)
		return "host";
	if (want == HC_TRIGGER_POD && (pod = field(s, hit, FIELD_POD)) && pod[0] != '/' &&
	    pod[strlen(pod) - 1] != '/')
		scope = hc_arena_printf(&s->scratch, "pod=%s", pod);
	if (want == HC_TRIGGER_CGROUP)
		scope = cgroup_scope(s, hit);
	if (!scope && want != HC_TRIGGER_PID)
		scope = container_scope(s, hit);
	if (!scope || !hc_mark_scope_ok(scope))
		scope = pid_scope(s, hit);
	return scope;
}

/* ---- finding ---- */

/* No more of a text than fits, cut between characters. */
static const char *cut(struct hc_arena *arena, struct hc_str text, uint32_t max)
{
	if (text.len > max) {
		text.len = max;
		while (text.len && ((unsigned char)text.p[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	return hc_arena_printf(arena, HC_STR_FMT, HC_STR_ARG(text));
}

static const char *message(struct hc_trigger_set *s, const struct hc_hit *hit, int64_t wall_ns,
                           struct hc_arena *arena)
{
	struct hc_alert alert = {
		.hit = hit, .rule = hc_ir_rule(s->ir, hit->rule), .wall_ns = wall_ns, .view = hc_eval_view(s->eval)
	};
	struct hc_str text;

	if (hc_falco_message(s->falco, &alert, &s->scratch, &text, NULL) < 0)
		return "";
	return cut(arena, text, MAX_OUTPUT);
}

/* A match in a place where the block has none of this rule yet. */
static int add_found(struct hc_trigger_set *s, const struct hc_hit *hit, int64_t wall_ns, const char *scope,
                     const char *place, struct hc_trigger_batch *b)
{
	const struct hc_rule_opts *rule = hc_ir_rule(s->ir, hit->rule);
	struct rule *mine = &s->rules[hit->rule];
	struct hc_trigger_found *f = hc_arena_alloc(&b->arena, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct hc_trigger_found){
		.rule = hc_arena_printf(&b->arena, "%s", rule->name),
		.severity = hc_arena_printf(&b->arena, "%s", rule->severity ? rule->severity : ""),
		.dialect = hc_arena_printf(&b->arena, "%s", rule->dialect ? rule->dialect : ""),
		.policy_sha256 = hc_arena_printf(&b->arena, "%s", mine->sha256 ? mine->sha256 : ""),
		.scope = hc_arena_printf(&b->arena, "%s", scope),
		.place = hc_arena_printf(&b->arena, "%s", place),
		.output = message(s, hit, wall_ns, &b->arena),
		.what = mine->what,
		.seq = hit->seq,
		.ts_ns = hit->ts_ns,
		.wall_ns = wall_ns,
		.n = 1,
	};
	if (f->what.detail)
		f->what.detail = hc_arena_printf(&b->arena, "%s", f->what.detail);
	if (!f->rule || !f->severity || !f->dialect || !f->policy_sha256 || !f->scope || !f->place || !f->output ||
	    (mine->what.detail && !f->what.detail))
		return -ENOMEM;
	if (b->last)
		b->last->next = f;
	else
		b->first = f;
	b->last = mine->last = f;
	b->n++;
	return 0;
}

static int take(struct hc_trigger_set *s, const struct hc_hit *hit, int64_t offset_ns, struct hc_trigger_batch *b)
{
	struct rule *mine = &s->rules[hit->rule];
	const char *scope, *place;

	mine->n_matches++;
	if (mine->last && (++mine->n_looked_at >= MAX_LOOKED_AT || b->n >= MAX_FOUND)) {
		mine->last->n++;
		return 0;
	}
	hc_arena_reset(&s->scratch);
	scope = scope_of(s, hit, mine->what.scope);
	if (!scope)
		return -ENOMEM;
	place = strncmp(scope, "pid=", 4) == 0 ? "host" : scope;
	for (struct hc_trigger_found *f = b->first; f; f = f->next) {
		if (strcmp(f->place, place) == 0 && strcmp(f->rule, hc_ir_rule(s->ir, hit->rule)->name) == 0) {
			f->n++;
			mine->last = f;
			return 0;
		}
	}
	return add_found(s, hit, (int64_t)(hit->ts_ns + (uint64_t)offset_ns), scope, place, b);
}

static int evaluate(struct hc_trigger_set *s, struct hc_block *block, struct hc_trigger_batch *b,
                    struct hc_err *err)
{
	const struct hc_hit *hits = NULL;
	int n = hc_eval_block(s->eval, block, NULL, &hits, err), r = 0;

	for (uint32_t i = 0; i < hc_ir_n_rules(s->ir); i++) {
		s->rules[i].n_looked_at = 0;
		s->rules[i].last = NULL;
	}
	for (int i = 0; r == 0 && i < n; i++)
		r = take(s, &hits[i], hc_block_info(block)->wall_offset_ns, b);
	if (r < 0)
		return hc_err_set(err, r, "out of memory");
	return n < 0 ? n : hc_view_error(hc_eval_view(s->eval), err);
}

int hc_trigger_set_block(struct hc_trigger_set *s, const char *path, uint64_t off, struct hc_trigger_batch *ret,
                         struct hc_err *err)
{
	HC_AUTO(hc_block_close) struct hc_block *block = NULL;
	HC_AUTO(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0)
		return hc_err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	r = hc_block_open(fd, (off_t)off, path, &block, err);
	if (r == 0)
		r = evaluate(s, block, ret, err);
	hc_arena_reset(&s->scratch);
	return r;
}
