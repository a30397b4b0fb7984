/* hindcast check -p POLICY...: load rules and say all that is wrong with them. */
#include "policy_arg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/falco.h"

struct args {
	struct hc_strs policies;
	bool json, quiet;
};

static int out_of_memory(const struct hc_command *cmd)
{
	struct hc_err err = { 0 };

	hc_err_set(&err, -ENOMEM, "out of memory");
	return hc_cli_error(cmd, &err);
}

/* What was said for an earlier file is not said again; what an earlier file leaves unused a later one may use. */
static bool is_news(const struct hc_falco *f, const struct hc_falco_diag *d)
{
	if (strncmp(d->code, "LOAD_UNUSED_", strlen("LOAD_UNUSED_")) == 0)
		return hc_falco_in_last_file(f, d);
	return !d->repeated;
}

/* Findings with their lines and carets. */
static bool print_text(const struct hc_falco *f, bool quiet)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < hc_falco_n_diags(f); i++) {
		const struct hc_falco_diag *d = hc_falco_diag(f, i);

		if (is_news(f, d) && (d->is_error || !quiet))
			ok = hc_cli_print_diag(stdout, f, d);
	}
	return ok;
}

static bool print_json(const struct hc_falco *f)
{
	struct hc_arena arena = { 0 };
	const char *text = hc_falco_results_json(f, &arena);

	if (text) {
		hc_cli_print_json(stdout, text, strlen(text));
		putchar('\n');
	}
	hc_arena_done(&arena);
	return text != NULL;
}

static void summary(const struct hc_falco *f, size_t n_files, bool loads)
{
	unsigned n_rules = 0, n_off = 0, n_errors = 0, n_warnings = 0;

	for (uint32_t i = 0; i < hc_falco_n_rules(f); i++) {
		n_rules++;
		n_off += !hc_falco_rule(f, i)->enabled;
	}
	for (uint32_t i = 0; i < hc_falco_n_diags(f); i++) {
		const struct hc_falco_diag *d = hc_falco_diag(f, i);

		n_errors += d->is_error && is_news(f, d);
		n_warnings += !d->is_error && is_news(f, d);
	}
	fflush(stdout);
	if (loads)
		fprintf(stderr, "%zu file%s, %u rule%s (%u disabled), %u warning%s: loads\n", n_files,
		        n_files == 1 ? "" : "s", n_rules, n_rules == 1 ? "" : "s", n_off, n_warnings,
		        n_warnings == 1 ? "" : "s");
	else
		fprintf(stderr, "%u error%s, %u warning%s: does not load\n", n_errors, n_errors == 1 ? "" : "s",
		        n_warnings, n_warnings == 1 ? "" : "s");
}

/* One more file: *ret_load is the code of the first that does not load. What cannot be read does not load either.
 */
static void load(struct hc_falco *f, const char *path, size_t *n_loaded, int *ret_load)
{
	int r;

	if (*ret_load == -ENOMEM)
		return;
	++*n_loaded;
	r = hc_falco_load(f, path, NULL);
	if (*ret_load == 0 || r == -ENOMEM)
		*ret_load = r;
}

/* The files of one -p. */
static int load_given(const struct hc_command *cmd, struct hc_falco *f, struct hc_pool *pool, const char *name,
                      size_t *n_loaded, int *ret_load)
{
	const struct hc_strs one = { .v = (const char *[]){ name }, .n = 1 };
	struct hc_policies files;
	int code;

	if (access(name, R_OK) < 0) {
		load(f, name, n_loaded, ret_load);
		return HC_CLI_GO;
	}
	code = hc_cli_policies(cmd, &one, &files);
	if (code != HC_CLI_GO)
		return code;
	hc_falco_read_ahead(f, (const char *const *)files.v, files.n, pool);
	for (size_t i = 0; i < files.n; i++)
		load(f, files.v[i], n_loaded, ret_load);
	hc_policies_done(&files);
	return HC_CLI_GO;
}

static int check(const struct hc_command *cmd, const struct args *a)
{
	const struct hc_falco_opts opts = { .first_error = a->json };
	HC_AUTO(hc_pool_free) struct hc_pool *pool = hc_pool_new(0);
	HC_AUTO(hc_falco_free) struct hc_falco *f = hc_falco_new(&opts);
	size_t n_loaded = 0;
	int r = 0;

	if (!pool || !f)
		return out_of_memory(cmd);
	for (size_t i = 0; i < a->policies.n; i++) {
		int code = load_given(cmd, f, pool, a->policies.v[i], &n_loaded, &r);

		if (code != HC_CLI_GO)
			return code;
	}
	if (r == -ENOMEM || !(a->json ? print_json(f) : print_text(f, a->quiet)))
		return out_of_memory(cmd);
	if (!a->json && !a->quiet)
		summary(f, n_loaded, r == 0);
	return r == 0 ? HC_EXIT_OK : HC_EXIT_USAGE;
}

static int run(int argc, char **argv)
{
	struct args a = { 0 };
	struct hc_operands operands;
	int code = hc_cli_parse(&hc_cmd_check, argc, argv, &a, &operands);

	if (code == HC_CLI_GO) {
		if (operands.n || !a.policies.n)
			code = hc_cli_usage(&hc_cmd_check, operands.n ? "files of rules are given with -p"
			                                              : "which rules? (-p FILE)");
		else
			code = check(&hc_cmd_check, &a);
	}
	hc_strs_done(&a.policies);
	return code;
}

static const struct hc_opt opts[] = {
	{ .name = "policy",
	  .letter = 'p',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, policies),
	  .value = "POLICY",
	  .help = "check this file of rules, or the *.yaml files of this directory; may be repeated",
	  .complete = HC_COMPLETE_FILE },
	{ .name = "json",
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, json),
	  .help = "print one object in the shape of Falco's validation result" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = HC_OPT_FLAG,
	  .off = offsetof(struct args, quiet),
	  .help = "print errors only" },
	{ 0 },
};

static const struct hc_example examples[] = {
	{ "check a rules file before it is used", "hindcast check -p rules.yaml" },
	{ "a file that appends to another", "hindcast check -p falco_rules.yaml -p local.yaml" },
	{ 0 },
};

const struct hc_command hc_cmd_check = {
	.name = "check",
	.args = "-p POLICY... [--json]",
	.summary = "check files of rules",
	.description =
		"Loads files of rules in the order given, each on top of those before it, and prints what is "
		"wrong: errors and warnings with their place, Falco's code for them and the line with a caret. "
		"Loading goes on behind an error, so that one bad rule does not hide the next, nor one bad file; "
		"with --json it does so with the next file, as Falco does.\n\n"
		"Whether a capture can answer the rules is another question: 'hindcast replay' tells.",
	.opts = opts,
	.examples = examples,
	.exit_notes = "0: the rules load, with or without warnings. 2: they do not, or a file cannot be "
		      "read",
	.run = run,
};
