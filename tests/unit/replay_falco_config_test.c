/* falco.yaml: what is taken from it, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/falco_config.h"

static char dir[] = "/tmp/hc-config-XXXXXX";

static void make_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	cr_assert_eq(system(cmd), 0);
}

TestSuite(falco_config, .init = make_dir, .fini = remove_dir);

static const char *put(const char *name, const char *text)
{
	static char path[4][256];
	static unsigned at;
	char *p = path[at++ % 4];
	FILE *f;

	snprintf(p, 256, "%s/%s", dir, name);
	f = fopen(p, "w");
	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
	return p;
}

static int load(const char *text, struct hc_falco_config *c, struct hc_err *err)
{
	return hc_falco_config_load(put("falco.yaml", text), NULL, 0, c, err);
}

Test(falco_config, takes_all_that_speaks_of_rules_and_alerts)
{
	struct hc_falco_config c = { 0 };
	struct hc_err err = { 0 };

	setenv("HC_TEST_WHERE", "rack 7", 1);
	cr_assert_eq(load("rules_files:\n  - a.yaml\n  - /b.d\n"
	                  "rules:\n  - disable:\n      tag: network\n  - enable:\n      rule: Shell*\n"
	                  "priority: warning\nrule_matching: all\njson_output: true\ntime_format_iso_8601: "
	                  "yes\nbuffer_format_base64: true\n"
	                  "json_include_output_property: false\njson_include_tags_property: false\n"
	                  "json_include_message_property: true\n"
	                  "append_output:\n"
	                  "  - match:\n      rule: R\n      source: syscall\n      tags: [x, y]\n"
	                  "    extra_output: 'at=${HC_TEST_WHERE} $${kept} ${HC_TEST_NOT_SET}.'\n"
	                  "    extra_fields:\n      - proc.cwd\n      - where: 'in %proc.cwd'\n"
	                  "  - suggested_output: true\n"
	                  "webserver:\n  enabled: true\n",
	                  &c, &err),
	             0, "%s", err.msg);
	cr_expect_str_eq(c.rules_files[0], "a.yaml");
	cr_expect_str_eq(c.rules_files[1], "/b.d");
	cr_expect_null(c.rules_files[2]);
	cr_assert_eq(c.opts.n_selects, 2);
	cr_expect(!c.opts.selects[0].enable && !c.opts.selects[0].rule);
	cr_expect_str_eq(c.opts.selects[0].tag, "network");
	cr_expect(c.opts.selects[1].enable);
	cr_expect_str_eq(c.opts.selects[1].rule, "Shell*");
	cr_expect_str_eq(c.opts.min_priority, "warning");
	cr_expect(c.has_matching && c.match_all && c.json_output && c.opts.time_iso_8601 && c.opts.buffer_base64);
	cr_expect(c.opts.json_no_output && c.opts.json_no_tags && c.opts.json_message && !c.opts.json_no_fields);
	cr_assert_eq(c.opts.n_appends, 2);
	cr_expect_str_eq(c.opts.appends[0].rule, "R");
	cr_expect_str_eq(c.opts.appends[0].source, "syscall");
	cr_expect_str_eq(c.opts.appends[0].tags[1], "y");
	cr_expect_null(c.opts.appends[0].tags[2]);
	cr_expect_str_eq(c.opts.appends[0].extra_output, "at=rack 7 ${kept} .");
	cr_expect_str_eq(c.opts.appends[0].extra_fields[0], "proc.cwd");
	cr_expect_str_eq(c.opts.appends[0].extra_fields[1], "where=in %proc.cwd");
	cr_expect_null(c.opts.appends[0].extra_fields[2]);
	cr_expect(c.opts.appends[1].suggested_output && !c.opts.appends[0].suggested_output);
	cr_expect_null(c.opts.appends[1].rule);
	hc_falco_config_done(&c);
}

Test(falco_config, reads_what_config_files_names_on_top)
{
	struct hc_falco_config c = { 0 };
	struct hc_err err = { 0 };
	char text[512];

	snprintf(text, sizeof(text), "%s/d", dir);
	cr_assert_eq(mkdir(text, 0700), 0);
	put("d/2.yaml", "priority: error\nrules_files: [second.yaml]\n");
	put("d/1.yml", "priority: notice\nrules_files: [first.yaml]\nconfig_files: [/nowhere]\n");
	put("d/no.txt", "priority: {\n");
	snprintf(text, sizeof(text), "config_files:\n  - %s/d\n  - %s/absent.yaml\nrules_files: [own.yaml]\n", dir,
	         dir);
	cr_assert_eq(load(text, &c, &err), 0, "%s", err.msg);
	cr_expect_str_eq(c.opts.min_priority, "error");
	cr_expect_str_eq(c.rules_files[0], "own.yaml");
	cr_expect_str_eq(c.rules_files[1], "first.yaml");
	cr_expect_str_eq(c.rules_files[2], "second.yaml");
	cr_expect_null(c.rules_files[3]);
	hc_falco_config_done(&c);
}

Test(falco_config, replaces_or_leaves_keys_as_config_files_says)
{
	static const struct {
		const char *strategy, *files[4];
		const char *priority;
		bool json;
	} cases[] = {
		{ "append", { "own.yaml", "added.yaml" }, "error", true },
		{ "override", { "added.yaml" }, "error", true },
		{ "add-only", { "own.yaml" }, "notice", true },
	};

	put("added.conf", "rules_files: [added.yaml]\npriority: error\njson_output: true\n"
	                  "rules: [{ disable: { rule: a } }]\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_falco_config c = { 0 };
		struct hc_err err = { 0 };
		char text[512];

		snprintf(text, sizeof(text),
		         "config_files: [{ path: %s/added.conf, strategy: %s }]\nrules_files: [own.yaml]\n"
		         "priority: notice\nrules: [{ disable: { rule: b } }]\n",
		         dir, cases[i].strategy);
		cr_assert_eq(load(text, &c, &err), 0, "%s", err.msg);
		for (unsigned k = 0; k == 0 || cases[i].files[k - 1]; k++)
			cr_expect(cases[i].files[k]
			                  ? c.rules_files[k] && !strcmp(c.rules_files[k], cases[i].files[k])
			                  : !c.rules_files[k],
			          "%s: %u", cases[i].strategy, k);
		cr_expect_str_eq(c.opts.min_priority, cases[i].priority);
		cr_expect_eq(c.json_output, cases[i].json, "a key of its own is added in any case");
		cr_expect_eq(c.opts.n_selects, i == 0 ? 2 : 1);
		cr_expect_str_eq(c.opts.selects[0].rule, i == 1 ? "a" : "b");
		hc_falco_config_done(&c);
	}

	/* what is no sequence takes the place of one */
	put("one.conf", "rules_files: one.yaml\n");
	struct hc_falco_config c = { 0 };
	char text[512];

	snprintf(text, sizeof(text), "config_files: [%s/one.conf]\nrules_files: [own.yaml, more.yaml]\n", dir);
	cr_assert_eq(load(text, &c, NULL), 0);
	cr_expect_str_eq(c.rules_files[0], "one.yaml");
	cr_expect_null(c.rules_files[1]);
	hc_falco_config_done(&c);
}

Test(falco_config, of_nothing_says_nothing)
{
	struct hc_falco_config c = { 0 };
	struct hc_err err = { 0 };

	cr_assert_eq(load("", &c, &err), 0);
	cr_expect(!c.rules_files[0] && !c.opts.n_appends && !c.opts.n_selects && !c.opts.min_priority);
	cr_expect(!c.has_matching && !c.json_output);
	hc_falco_config_done(&c);
}

Test(falco_config, that_is_wrong_is_refused_with_its_place)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *says;
	} cases[] = {
		{ "- rule: x\n", 1, 1, "no configuration of Falco" },
		{ "priority: urgent\n", 1, 11, "unknown priority 'urgent'" },
		{ "priority: [1]\n", 1, 11, "a text is expected" },
		{ "json_output: maybe\n", 1, 14, "json_output is not true or false" },
		{ "json_output: [true]\n", 1, 14, "json_output is not true or false" },
		{ "rule_matching: some\n", 1, 16, "'first' or 'all'" },
		{ "rules:\n  - disable:\n      rul: x\n", 3, 7, "neither a rule nor a tag" },
		{ "rules:\n  - Shell\n", 2, 5, "either 'enable' or 'disable'" },
		{ "rules: x\n", 1, 8, "rules is a sequence" },
		{ "append_output: yes\n", 1, 16, "append_output is a sequence" },
		{ "append_output:\n  - x\n", 2, 5, "is a mapping" },
		{ "append_output:\n  - match: all\n", 2, 12, "match is a mapping" },
		{ "append_output:\n  - extra_fields: x\n", 2, 19, "extra_fields is a sequence" },
		{ "append_output:\n  - extra_fields: [{a=b: c}]\n", 2, 20, "cannot hold '='" },
		{ "append_output:\n  - extra_fields: [{a: b}, {a: c}]\n", 2, 28, "is here already" },
		{ "append_output:\n  - extra_fields: [evt.num, {evt.num: c}]\n", 2, 29, "is here already" },
		{ "append_output:\n  - extra_fields: [{evt.num: c}, evt.num]\n", 2, 34, "is here already" },
		{ "config_files: {}\n", 1, 15, "config_files is a sequence" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hc_falco_config c = { 0 };
		struct hc_err err = { 0 };

		cr_assert_eq(load(cases[i].text, &c, &err), -EINVAL, "%s", cases[i].text);
		cr_expect(strstr(err.msg, cases[i].says), "%s: %s", cases[i].text, err.msg);
		cr_expect(err.line == cases[i].line && err.column == cases[i].column, "%s: %u:%u", cases[i].text,
		          err.line, err.column);
	}
	cr_expect_eq(hc_falco_config_load("/nowhere/falco.yaml", NULL, 0, &(struct hc_falco_config){ 0 }, NULL),
	             -ENOENT);
}

Test(falco_config, takes_what_the_command_line_of_Falco_takes)
{
	static const char *const options[] = {
		"json_output=true",
		"priority=error",
		"rules[].disable.tag=network",
		"rules[].enable.rule=A \"quoted\" \\ rule=x",
		"append_output[]={match: {source: syscall}, extra_fields: [evt.num, {kind: 'a %evt.type'}]}",
		"rules_files[]=more.yaml",
		"webserver.enabled=false",
		"plugins\\.x=y",
	};
	struct hc_falco_config c;
	struct hc_err err = { 0 };

	cr_assert_eq(hc_falco_config_load(put("falco.yaml", "rules_files: [a.yaml]\npriority: info\n"
	                                                    "rules:\n  - disable: {rule: '*'}\n"),
	                                  options, sizeof(options) / sizeof(options[0]), &c, &err),
	             0, "%s", err.msg);
	cr_expect(c.json_output);
	cr_expect_str_eq(c.opts.min_priority, "error");
	cr_expect_eq(c.opts.n_selects, 3);
	cr_expect_str_eq(c.opts.selects[0].rule, "*");
	cr_expect_str_eq(c.opts.selects[1].tag, "network");
	cr_expect_str_eq(c.opts.selects[2].rule, "A \"quoted\" \\ rule=x");
	cr_expect(c.opts.selects[2].enable);
	cr_expect_eq(c.opts.n_appends, 1);
	cr_expect_str_eq(c.opts.appends[0].extra_fields[1], "kind=a %evt.type");
	cr_expect_str_eq(c.rules_files[1], "more.yaml");
	cr_expect_null(c.rules_files[2]);
	hc_falco_config_done(&c);
	cr_assert_eq(hc_falco_config_load(NULL, options, 1, &c, &err), 0, "%s", err.msg);
	cr_expect(c.json_output);
	hc_falco_config_done(&c);
}

Test(falco_config, refuses_options_that_are_none)
{
	static const struct {
		const char *option, *message;
	} cases[] = {
		{ "json_output", "is no option" },
		{ "=true", "is no option" },
		{ "a..b=1", "is no option" },
		{ "a.=1", "is no option" },
		{ "rules[0].disable.rule=x", "is no option" },
		{ "a\\b=1", "is no option" },
		{ "json_output=maybe", "option 'json_output=maybe': json_output is not true or false" },
		{ "append_output[]={match: ", "each item of append_output is a mapping" },
		{ "append_output[]={match: }}", "option 'append_output[]={match: }}': " },
		{ "rules=x", "rules is a sequence" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_falco_config c;
		struct hc_err err = { 0 };

		cr_expect_eq(hc_falco_config_load(NULL, &cases[i].option, 1, &c, &err), -EINVAL, "%s",
		             cases[i].option);
		cr_expect(strstr(err.msg, cases[i].message), "%s: %s", cases[i].option, err.msg);
	}
}
