/* Rules files: the load cases beside the repository, and what they leave out. */
#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "replay/falco.h"
#include "replay/yaml.h"

static const char *corpus(char *buf, size_t buf_bytes, const char *name)
{
	const char *dir = getenv("HINDCAST_CORPUS");

	snprintf(buf, buf_bytes, "%s/%s", dir ? dir : HC_SOURCE_DIR "/../shared/corpus", name);
	return buf;
}

static struct hc_falco *load(const char *rules, int *ret)
{
	struct hc_falco *f = hc_falco_new(NULL);
	struct hc_err err = { 0 };

	cr_assert_not_null(f);
	*ret = hc_falco_load_text(f, "test.yaml", rules, strlen(rules), &err);
	return f;
}

static void add_code(char *codes, size_t bytes, const char *code)
{
	char all[1024], *words[32], *save, *w;
	size_t n = 0;

	if (strstr(codes, code) && strcmp(code, "LOAD_UNKNOWN_ITEM") != 0) {
		for (char *p = strstr(codes, code); p; p = strstr(p + 1, code))
			if (p[strlen(code)] == ' ' || !p[strlen(code)])
				return;
	} else if (strstr(codes, code)) {
		return;
	}
	snprintf(all, sizeof(all), "%s %s", codes, code);
	for (w = strtok_r(all, " ", &save); w && n < 32; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (strcmp(words[i], words[k]) > 0) {
				w = words[i];
				words[i] = words[k];
				words[k] = w;
			}
	codes[0] = 0;
	for (size_t i = 0; i < n; i++)
		snprintf(codes + strlen(codes), bytes - strlen(codes), "%s%s", i ? " " : "", words[i]);
}

/* Distinct codes, sorted, of what Falco would say. */
static void codes_of(const struct hc_falco *f, char *buf, size_t bytes)
{
	buf[0] = 0;
	for (uint32_t i = 0; i < hc_falco_n_diags(f); i++)
		if (!hc_falco_diag(f, i)->beyond)
			add_code(buf, bytes, hc_falco_diag(f, i)->code);
}

Test(falco_load, gives_the_codes_of_every_load_case)
{
	char path[512], want[1024], got[1024];
	struct hc_yaml *cases = NULL;
	struct hc_err err = { 0 };
	unsigned n_wrong = 0, n = 0;
	const struct hc_yaml_node *root;

	if (hc_yaml_load(corpus(path, sizeof(path), "falco/load_cases.yaml"), &cases, &err) < 0)
		cr_skip_test("SKIPPED: there is no %s (set HINDCAST_CORPUS)", path);
	root = hc_yaml_doc(cases, 0);
	for (uint32_t i = 0; i < root->n; i++) {
		const struct hc_yaml_node *c = root->items[i], *codes = hc_yaml_get(c, "codes");
		const char *expect = hc_yaml_get(c, "expect")->text.p;
		struct hc_falco *f;
		int r;

		want[0] = 0;
		for (uint32_t k = 0; k < codes->n; k++)
			add_code(want, sizeof(want), codes->items[k]->text.p);
		f = load(hc_yaml_get(c, "rules")->text.p, &r);
		codes_of(f, got, sizeof(got));
		n++;
		if (strcmp(want, got) || (r < 0) != !strcmp(expect, "error")) {
			struct hc_arena a = { 0 };

			n_wrong++;
			fprintf(stderr, "%s: expected %s [%s], got %d [%s]\n", hc_yaml_get(c, "name")->text.p,
			        expect, want, r, got);
			for (uint32_t k = 0; k < hc_falco_n_diags(f); k++)
				fprintf(stderr, "    %s\n", hc_falco_diag_text(f, hc_falco_diag(f, k), &a));
			hc_arena_done(&a);
		}
		hc_falco_free(f);
	}
	hc_yaml_free(cases);
	fprintf(stderr, "%u of %u load cases agree\n", n - n_wrong, n);
	cr_assert_eq(n_wrong, 0);
	cr_assert_geq(n, 200);
}

#define RULE "- rule: R\n  desc: d\n  priority: INFO\n  output: o\n  condition: "
#define ERR_COND "LOAD_ERR_COMPILE_CONDITION"
#define ERR_VALID "LOAD_ERR_VALIDATE"
#define ERR_YAML "LOAD_ERR_YAML_VALIDATE"
#define ERR_PARSE "LOAD_ERR_YAML_PARSE"

/* The first diagnostic, and where it points: at the token, however the YAML is written. */
Test(falco_load, points_at_the_token)
{
	static const struct {
		const char *text, *code;
		uint32_t line, column;
	} cases[] = {
		{ RULE ">\n    evt.type = open\n\n    and   gone\n    or proc.name = x\n", ERR_VALID, 8, 11 },
		{ RULE "|\n    evt.type = open\n    and\tgone\n", ERR_VALID, 7, 9 },
		{ RULE "> # folded\r\n    evt.type = open\r\n    and gone\r\n", ERR_VALID, 7, 9 },
		{ RULE "\"evt.type = open and proc.name = \\\"a \\t b\\\" and\n     gone\"\n", ERR_VALID, 6, 6 },
		{ RULE "\"evt.type = open \\\n    and proc.name = \\u00e9\\x41 and gone\"\n", ERR_VALID, 6, 36 },
		{ RULE "'evt.type = open and proc.name = ''a b'' and\n\n     gone'\n", ERR_VALID, 7, 6 },
		{ RULE "&here \"evt.type = open and gone\"\n", ERR_VALID, 5, 41 },
		{ RULE "evt.type = open and proc.name = \"\xc3\xa9\" and gone\n", ERR_VALID, 5, 54 },
		{ "\xef\xbb\xbf[{rule: R, desc: d, priority: INFO, output: o, condition: evt.type = open and "
		  "gone}]\n",
		  ERR_VALID, 1, 79 },
		{ "---\n- list: l\n  items: [a, \"b\nc\"]\n---\n" RULE
		  "evt.type = open and proc.name in (l) and gone\n",
		  ERR_VALID, 10, 55 },
		{ "- list: l\n  items:\n    - a\n    - b=c\n" RULE "evt.type = open and proc.name in (l)\n",
		  ERR_COND, 4, 8 },
		{ RULE "evt.type = open and proc.name = 'a\\q'\n", ERR_COND, 5, 48 },
		{ RULE "\"evt.type=open and proc.name = \\\"a\\0b\\\"\"\n", ERR_COND, 5, 45 },
		{ "- rule: [unclosed\n", ERR_PARSE, 1, 9 },
		{ "- rule: a\n  desc: \x04\n", ERR_PARSE, 2, 9 },
		{ RULE "evt.type = open\n  capture_duration: 4294967296\n", ERR_YAML, 6, 21 },
		{ "- required_engine_version: 4294967295\n", ERR_VALID, 1, 28 },
		{ "- required_engine_version: -5\n", ERR_YAML, 1, 28 },
		{ RULE "evt.type = connect and fd.sip = ::ffff:1.2.3.4\n", ERR_COND, 5, 46 },
		{ RULE "evt.type = open and tolower(tolower(evt.type)) = open\n", ERR_COND, 5, 34 },
		/* an exception that replaces another is not checked by Falco, which then reads behind its
		   operators */
		{ RULE "evt.type = open\n- rule: R\n  exceptions:\n    - name: e\n"
		       "      fields: [proc.name, fd.name]\n      comps: [in]\n      values: [[a, b]]\n"
		       "  override: {exceptions: replace}\n",
		  ERR_VALID, 8, 7 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct hc_falco_diag *d;
		int r;
		struct hc_falco *f = load(cases[i].text, &r);

		cr_expect_lt(r, 0, "%s", cases[i].text);
		d = hc_falco_diag(f, 0);
		if (d) {
			struct hc_arena a = { 0 };
			const char *shown = hc_falco_diag_text(f, d, &a);

			cr_expect(!strcmp(d->code, cases[i].code) && d->line == cases[i].line &&
			                  d->column == cases[i].column && strstr(shown, "^\n"),
			          "%s\nis %s:%u:%u:\n%s", cases[i].text, d->code, d->line, d->column, shown);
			hc_arena_done(&a);
		}
		hc_falco_free(f);
	}
}

#define EXC RULE "evt.type = open\n  exceptions:\n    - name: e\n"

/* What is read more freely, or less, than it looks. */
Test(falco_load, takes_odd_values_as_falco_does)
{
	static const struct {
		const char *text, *codes;
	} cases[] = {
		{ EXC "      fields: proc.name\n      values:\n", ERR_YAML },
		{ EXC "      fields:\n      values: [a]\n", ERR_VALID },
		{ EXC "      fields: {a: b}\n      values: [a]\n", ERR_VALID },
		{ EXC "      fields: [~]\n      values: [[a]]\n", ERR_VALID },
		{ EXC "      fields: ['']\n      values: [[a]]\n", ERR_YAML },
		{ EXC "      fields: proc.name\n      values: [~, {a: b}]\n", ERR_COND },
		{ EXC "      fields: proc.name\n      values: [~]\n", "" },
		{ EXC "      fields: [proc.name]\n      comps: [in]\n      values: [[~]]\n", "" },
		{ EXC "      fields: [proc.name]\n      values: [[~]]\n", ERR_COND },
		{ EXC "      fields: [proc.name]\n      values: [[[a, ['']]]]\n", ERR_YAML },
		{ EXC "      fields: [proc.name]\n      comps: [exists]\n", "" },
		{ EXC "      fields: [proc.name]\n      comps: [exists]\n      values: [[a]]\n", ERR_COND },
		{ EXC "      fields: [proc.name]\n      comps: [in]\n      values: [['a b']]\n", ERR_COND },
		{ EXC "      fields: [proc.name]\n      comps: [in]\n      values: [['a, b']]\n", "" },
		{ RULE "evt.type = open\n- rule: R\n  append: true\n  exceptions: []\n", "LOAD_DEPRECATED_ITEM" },
		{ RULE "evt.type = open\n- rule: R\n  append: true\n  source: [a]\n", ERR_YAML },
		{ "- required_engine_version: 0.63.0.1\n", "" },
		{ "- required_engine_version: 0.1.2-rc1\n", "" },
		{ "- required_engine_version: 0.63\n", ERR_YAML },
		{ "- required_engine_version: ' 0. 63.+0'\n", "" },
		{ "- required_engine_version: '0 .63.0'\n", ERR_YAML },
		/* what an override gives is read before anybody asks whether there is such a rule */
		{ "- rule: R\n  condition: ''\n  override: {condition: replace}\n", ERR_YAML },
		{ "- rule: R\n  condition: a\n  override: {condition: append, tags: replace}\n", ERR_VALID },
		{ "- rule: R\n  exceptions: [{name: e}]\n  override: {exceptions: replace}\n", ERR_YAML },
		{ EXC "      fields: proc.name\n    - name: e\n", ERR_YAML " LOAD_EXCEPTION_NAME_NOT_UNIQUE" },
		{ "- required_engine_version: '63 '\n", "" },
		{ "- required_engine_version: ' -1.0.0'\n", ERR_VALID },
		{ "- required_engine_version: '0.-1.0'\n", ERR_VALID },
		{ "- required_engine_version: '4294967296.63.-0'\n", "" },
		{ "- required_engine_version: '99999999999999999999.0.0'\n", ERR_VALID },
		{ "- required_engine_version: '0.+-1.0'\n", ERR_YAML },
		{ RULE "evt.type = open\n  capture_duration: \"0x10\\t \"\n", "" },
		{ RULE "evt.type = open\n  capture_duration: \"16 x\"\n", ERR_YAML },
		{ RULE "evt.type = open\n- rule: R\n  priority: \"INFO\\0\"\n  override: {priority: replace}\n",
		  "" },
		{ "- list: \"a\\0b\"\n  items: [c]\n", "LOAD_UNUSED_LIST" },
		{ RULE "evt.type = open and evt.buffer regex a\n", ERR_COND },
		{ RULE "evt.type = open and proc.name regex a and fd.num = x\n", ERR_COND },
		{ RULE
		  "evt.type = open and proc.name = proc.exe and fd.gone = 1\n  skip-if-unknown-filter: true\n",
		  "LOAD_UNKNOWN_FILTER" },
		{ RULE "evt.dir = < and proc.name regex a and fd.num = x\n", "LOAD_DEPRECATED_ITEM " ERR_COND },
		{ RULE "evt.type = open\n- rule: R\n  append: true\n  override: {nosuch: append}\n",
		  "LOAD_DEPRECATED_ITEM " ERR_YAML },
		{ RULE "evt.type = connect and fd.snet = '10.0.0.0/ +8'\n", "" },
		{ RULE "evt.type = connect and fd.snet = '2001:db8::/ 32'\n", "" },
		{ RULE "evt.type = connect and fd.snet = '::/0'\n", ERR_COND },
		{ RULE "evt.type = connect and fd.snet = '10.0.0.0/-1'\n", ERR_COND },
		{ RULE "evt.type = open and proc.aname[-1] = a and proc.apid[+1] = 1 and evt.arg[-1] = a\n", "" },
		{ RULE "evt.type = open and evt.arg[name] = a\n  skip-if-unknown-filter: true\n", ERR_COND },
		{ RULE "evt.type = open and evt.rawarg[1] = 1\n  skip-if-unknown-filter: true\n", ERR_COND },
		{ RULE "evt.type = open and thread.cgroup[cpu] = a\n  skip-if-unknown-filter: true\n", ERR_COND },
		{ RULE "evt.type = open and container.label.a = b\n  skip-if-unknown-filter: true\n", ERR_COND },
		{ RULE "evt.type = open and fd.types[x] in (a)\n  skip-if-unknown-filter: true\n", ERR_COND },
		{ RULE "evt.type = open and proc.aname[x] = a\n  skip-if-unknown-filter: true\n",
		  "LOAD_UNKNOWN_FILTER" },
		{ RULE "evt.type = open and toupper(evt.dir) = '<'\n", "LOAD_DEPRECATED_ITEM" },
		{ RULE "evt.type = open and proc.name = val(evt.dir)\n", "" },
		{ "- rule: R\n  desc: d\n  priority: INFO\n  output: '%evt.arg.gone'\n  condition: evt.type = "
		  "open\n"
		  "  skip-if-unknown-filter: true\n",
		  "LOAD_UNKNOWN_FILTER" },
		{ RULE "evt.type = open and evt.arg.gone = 1\n  skip-if-unknown-filter: true\n", ERR_COND },
		/* keys that are no scalars; overrides that are a sequence, or speak of a key twice */
		{ RULE "evt.type = open\n  ? [a]\n  : b\n", ERR_PARSE },
		{ "- ? {a: b}\n  : c\n", ERR_PARSE },
		{ RULE "evt.type = open\n  override: {[a]: append}\n", ERR_PARSE },
		{ EXC "      fields: proc.name\n      ? [a]\n      : b\n", ERR_PARSE },
		{ "- list: l\n  items: [a]\n  override: [items]\n", ERR_VALID },
		{ RULE "evt.type = open\n- rule: R\n  desc: e\n  override: {desc: append, desc: replace}\n",
		  ERR_YAML },
		/* an option is decoded for its own entry of an override alone */
		{ "- rule: R\n  output: x\n  enabled: ~\n  override: {output: replace}\n", ERR_VALID },
		/* fields that have no transformers are still arguments of those that take several */
		{ RULE "evt.type = open and concat(proc.aname[2], \"x\") = a and join(\",\", (proc.acmdline[1], "
		       "\"x\")) = a\n",
		  "" },
		{ RULE "evt.type = open and toupper(proc.aname[2]) = a\n", ERR_COND },
		{ RULE "evt.type = open and concat(\"x\", evt.rawarg.name) = a\n", ERR_COND },
		{ RULE "evt.type = open and concat(\"x\", proc.aname[2]) = toupper(proc.name)\n", "" },
		{ RULE "evt.type = open and proc.name = join(\"\", fd.types)\n", "" },
		{ RULE "evt.type = open and toupper(fd.types) in toupper(fd.types)\n", ERR_COND },
		{ RULE "evt.type = open and join(\",\", getopt(fd.types, \"a\")) = a\n", ERR_COND },
		{ RULE "evt.type = open and getopt(getopt(fd.types, \"a\"), \"b\") in (a)\n", ERR_COND },
		{ RULE "evt.type = open and len(getopt(fd.types, \"a\")) = 1\n", "" },
		/* the event's type chooses the events of a rule with some operators alone, and then it stands
		   alone */
		{ RULE "evt.type = open and evt.type contains val(proc.name)\n", "" },
		{ RULE "evt.type = open and evt.type = val(proc.name)\n", ERR_COND },
		{ RULE "evt.type = open and syscall.type in toupper(proc.name)\n", "" },
		{ RULE "evt.type = open and tolower(evt.type) startswith open\n", "" },
		{ RULE "evt.type = open and toupper(evt.type) startswith OPEN\n", ERR_COND },
		{ RULE "evt.type = open and toupper(syscall.type) = OPEN\n", "" },
		{ RULE "evt.type = open and toupper(syscall.type) exists\n", "" },
		{ RULE "evt.type = open and len(syscall.type) > 3\n", "" },
		{ RULE "evt.type = open and concat(\"x\", evt.type) = xopen\n", "" },
		{ RULE "evt.type = open and concat(\"x\", evt.type) contains open\n", "" },
		{ RULE "evt.type = open and join(\",\", (\"x\", evt.type)) = a\n", "" },
		{ RULE "evt.type = open and join(\",\", (evt.type, \"x\")) = a\n", "" },
		/* names that the table has and no event */
		{ RULE "evt.type in (\"\", NA)\n", "" },
		{ RULE "evt.type != \"\"\n", "LOAD_NO_EVTTYPE" },
		{ RULE "evt.num in ()\n", "" },
		{ RULE "evt.num = anyof (0)\n", "LOAD_NO_EVTTYPE" },
		{ RULE "evt.type = open and evt.outputtime contains a\n", "" },
		{ RULE "evt.type = connect and fd.sport = 2147483647\n", "" },
		{ RULE "evt.type = connect and fd.sport = 2147483648\n", ERR_COND },
		/* arguments end at the first bracket that closes, those of a plugin's fields at a blank too */
		{ RULE "evt.type = open and proc.env[\"a]b\"] = c\n", ERR_COND },
		{ RULE "evt.type = open and proc.env[\"a b\"] = c and proc.args[\" 1\"] = d\n", "" },
		{ RULE "evt.type = open and container.label[\"a]b\"] = c\n  skip-if-unknown-filter: true\n",
		  "LOAD_UNKNOWN_FILTER" },
		{ RULE "evt.type = open and container.label[\"a b\"] = c\n  skip-if-unknown-filter: true\n",
		  ERR_COND },
		{ RULE "evt.type = open and k8s.pod.label[\"\"] = c\n", "" },
		/* what requirements of plugins say is asked once their alternatives are read, entry by entry */
		{ "- required_plugin_versions: [{name: a, version: x, alternatives: [b]}]\n", ERR_YAML },
		{ "- required_plugin_versions: [{name: a, version: x, alternatives: b}]\n", ERR_YAML },
		{ "- required_plugin_versions: [{name: a, version: x}, b]\n", ERR_VALID },
		/* any bytes but NUL and EOT; words and names end where they are no UTF-8, quoted texts do not */
		{ "# \xe9\n" RULE "evt.type = open and proc.name = \"\xe9\x01\"\n", "" },
		{ RULE "evt.type = open and proc.name = a\xe9\n", ERR_COND },
		{ RULE "evt.type = open and proc.name in (\xe9)\n", ERR_COND },
		{ RULE "evt.type = open and proc.name regex \"\xe9\"\n", ERR_COND },
		{ "- list: \xe9\n  items: [a]\n", "LOAD_INVALID_LIST_NAME LOAD_UNUSED_LIST" },
		{ "- list: \xc3\xa9\n  items: [a]\n", "LOAD_UNUSED_LIST" },
		{ "- list: a\x04\n  items: [a]\n", ERR_PARSE },
	};
	char got[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r;
		struct hc_falco *f = load(cases[i].text, &r);

		codes_of(f, got, sizeof(got));
		cr_expect_str_eq(got, cases[i].codes, "%s\ngives '%s'", cases[i].text, got);
		hc_falco_free(f);
	}
}

/* 255 bytes of a text are compared with, not one more; of what is written in hexadecimal digits more are. */
Test(falco_load, bounds_what_a_rule_compares_with)
{
	static const struct {
		const char *before, *after;
		unsigned n;
		bool ok;
	} cases[] = {
		{ "proc.name = ", "", 255, true },           { "proc.name = ", "", 256, false },
		{ "proc.name in (b, ", ")", 256, false },    { "fd.name pmatch (/", ")", 254, true },
		{ "fd.name pmatch (/", ")", 255, false },    { "proc.name regex ", "", 256, false },
		{ "tolower(proc.name) = ", "", 256, false }, { "evt.buffer contains ", "", 255, true },
		{ "evt.buffer contains ", "", 256, false },  { "evt.buffer bcontains ", "", 600, true },
		{ "proc.env[", "] = b", 600, true },         { "concat(proc.name, \"", "\") = b", 600, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char rules[1024], value[601];
		int r;

		memset(value, 'a', cases[i].n);
		value[cases[i].n] = 0;
		snprintf(rules, sizeof(rules), RULE "evt.type = open and %s%s%s\n", cases[i].before, value,
		         cases[i].after);
		hc_falco_free(load(rules, &r));
		cr_expect_eq(r == 0, cases[i].ok, "%s... of %u", cases[i].before, cases[i].n);
	}
}

Test(falco_load, bounds_exceptions_and_finds_lists_with_odd_names)
{
	size_t room = 1u << 20, n;
	char *text = malloc(room);
	struct hc_falco *f;
	int r;

	cr_assert_not_null(text);
	n = (size_t)snprintf(text, room, "%sevt.type = open\n  exceptions:\n", RULE);
	for (unsigned i = 0; i < 10001; i++)
		n += (size_t)snprintf(text + n, room - n, "    - {name: e%u, fields: proc.name}\n", i);
	f = load(text, &r);
	cr_expect_lt(r, 0);
	cr_expect_str_eq(hc_falco_diag(f, 0)->code, ERR_VALID);
	cr_expect(strstr(hc_falco_diag(f, 0)->message, "at most"));
	hc_falco_free(f);
	free(text);
	/* the later list is found in what the earlier one put there; a name may hold blanks */
	f = load("- list: two words\n  items: [inner]\n- list: inner\n  items: [gone(]\n" RULE
	         "evt.type = open and proc.name in (two words)\n",
	         &r);
	cr_expect_lt(r, 0);
	for (uint32_t i = 0; i < hc_falco_n_diags(f); i++)
		if (hc_falco_diag(f, i)->is_error)
			cr_expect_eq(hc_falco_diag(f, i)->line, 4, "%u: %s", hc_falco_diag(f, i)->line,
			             hc_falco_diag(f, i)->message);
	hc_falco_free(f);
}

Test(falco_load, reads_numbers_as_falco_does)
{
	static const char *const good[] = { RULE "evt.type = open\n  capture_duration: 0x10\n",
		                            RULE "evt.type = open\n  capture_duration: 4294967295\n",
		                            "- required_engine_version: 0x20\n",
		                            "- required_engine_version: 0.57.0\n" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int r;
		struct hc_falco *f = load(good[i], &r);

		cr_expect_eq(r, 0, "%s", good[i]);
		hc_falco_free(f);
	}
}

Test(falco_load, takes_the_upstream_files_without_a_warning)
{
	static const struct {
		const char *name;
		unsigned rules, warnings;
	} files[] = {
		{ "falco/rules/falco_rules.yaml", 25, 0 },
		{ "falco/rules/falco-incubating_rules.yaml", 31, 0 },
		{ "falco/rules/falco-sandbox_rules.yaml", 37, 0 },
		{ "falco/rules/falco-deprecated_rules.yaml", 4, 4 },
	};
	char path[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct hc_falco *f = hc_falco_new(NULL);
		struct hc_err err = { 0 };
		int r = hc_falco_load(f, corpus(path, sizeof(path), files[i].name), &err);

		if (r == -ENOENT) {
			hc_falco_free(f);
			cr_skip_test("SKIPPED: there is no %s (set HINDCAST_CORPUS)", path);
		}
		cr_assert_eq(r, 0, "%s", err.msg);
		cr_expect_eq(hc_falco_n_rules(f), files[i].rules);
		cr_expect_eq(hc_falco_n_diags(f), files[i].warnings, "%s: %u", files[i].name, hc_falco_n_diags(f));
		hc_falco_free(f);
	}
}

Test(falco_load, takes_and_refuses_the_filters_that_falco_does)
{
	static const char *const patterns[] = { "scap/*.filters.json", "scap/upstream/*.filters.json" };
	unsigned n = 0, n_wrong = 0;
	char path[512];

	for (unsigned k = 0; k < 2; k++) {
		glob_t files = { 0 };

		if (glob(corpus(path, sizeof(path), patterns[k]), 0, NULL, &files) != 0)
			cr_skip_test("SKIPPED: there is no %s (set HINDCAST_CORPUS)", path);
		for (size_t i = 0; i < files.gl_pathc; i++) {
			struct json_object *list = json_object_from_file(files.gl_pathv[i]);

			cr_assert_not_null(list, "%s", files.gl_pathv[i]);
			for (size_t e = 0; e < json_object_array_length(list); e++) {
				struct json_object *entry = json_object_array_get_idx(list, e), *text, *refused;
				HC_AUTO(hc_ir_free) struct hc_ir *ir = hc_ir_new();
				struct hc_err err = { 0 };
				bool want, got;

				json_object_object_get_ex(entry, "filter", &text);
				want = !json_object_object_get_ex(entry, "compile_error", &refused);
				got = hc_falco_filter_compile(ir, json_object_get_string(text), &err) >= 0;
				n++;
				if (want != got) {
					n_wrong++;
					fprintf(stderr, "%s: %s %s\n", json_object_get_string(text),
					        got ? "is not refused" : "is refused", err.msg);
				}
			}
			json_object_put(list);
		}
		globfree(&files);
	}
	fprintf(stderr, "%u of %u filters agree\n", n - n_wrong, n);
	cr_assert_eq(n_wrong, 0);
}

Test(falco_load, tells_the_rule_of_what_is_within_an_exception)
{
	HC_AUTO(hc_falco_free) struct hc_falco *f;
	struct hc_arena arena = { 0 };
	const char *text;
	int r;

	f = load(EXC "      fields: ['']\n", &r);
	cr_assert_lt(r, 0);
	text = hc_falco_diag_text(f, hc_falco_diag(f, 0), &arena);
	cr_expect(strstr(text, "rule 'R': "), "%s", text);
	text = hc_falco_results_json(f, &arena);
	cr_expect(strstr(text, "\"item_name\":\"R\",\"item_type\":\"rule\""), "%s", text);
	hc_arena_done(&arena);
}

/* One warning for each pair: three exceptions of a name make three. */
Test(falco_load, warns_of_each_pair_of_exceptions_with_one_name)
{
	static const struct {
		const char *names;
		unsigned n_warnings;
	} cases[] = { { "a", 0 }, { "ab", 0 }, { "aa", 1 }, { "aba", 1 }, { "aaa", 3 }, { "abbaa", 4 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		HC_AUTO(hc_falco_free) struct hc_falco *f;
		char rules[1024] = "- rule: R\n  desc: d\n  condition: evt.type = open\n  output: o\n"
				   "  priority: INFO\n  exceptions:\n";
		unsigned n = 0;
		int r;

		for (const char *p = cases[i].names; *p; p++)
			snprintf(rules + strlen(rules), sizeof(rules) - strlen(rules),
			         "  - {name: %c, fields: proc.name, values: [x]}\n", *p);
		f = load(rules, &r);
		cr_assert_geq(r, 0, "%s", rules);
		for (uint32_t k = 0; k < hc_falco_n_diags(f); k++)
			n += strcmp(hc_falco_diag(f, k)->code, "LOAD_EXCEPTION_NAME_NOT_UNIQUE") == 0;
		cr_expect_eq(n, cases[i].n_warnings, "%s: %u", cases[i].names, n);
	}
}

#define R(condition) "- rule: R\n  desc: d\n  condition: " condition "\n  output: o\n  priority: INFO\n"

Test(falco_load, says_what_is_wrong_in_the_words_of_Falco)
{
	static const struct {
		const char *rules, *message;
	} cases[] = {
		{ R("fd.sip = 1.2.3"), "unrecognized IPv4 address 1.2.3" },
		{ R("fd.sip = x"), "unrecognized IPv6 address x" },
		{ R("fd.snet = 1.2.3.4"), "unrecognized IP network 1.2.3.4" },
		{ R("fd.snet = 1.2.3/8"), "unrecognized IP address 1.2.3/8" },
		{ R("fd.snet = 1.2.3.4/33"), "invalid netmask 33" },
		{ R("fd.snet = '1.2.3.4/x'"), "x is not a valid number" },
		{ R("fd.snet = '::'"), "invalid v6 netmask: ::" },
		{ R("fd.snet = '::/0'"), "invalid v6 netmask 0" },
		{ R("fd.rport = http-ish"), "unrecognized protocol http-ish" },
		{ R("evt.failed = 1"), "filter error: unrecognized boolean value 1" },
		{ R("evt.failed < 1"), "filter error: '<' operator not supported for numeric filters" },
		{ R("fd.types = x"), "filter error: '=' operator not supported list filters" },
		{ R("fd.sip contains 1"),
		  "filter error: 'contains' operator not supported for ip address and network filters" },
		{ R("fd.sip contains oneof (1)"),
		  "filter error: 'contains' with modifier not supported for ip address and network filters" },
		{ R("evt.buffer glob x"), "filter error: 'glob' operator not supported for buffer filters" },
		{ R("evt.rawarg.tuple = x"), "filter error: '=' operator not supported for type 'SOCKTUPLE'" },
		{ R("toupper(proc.pid) = 1"),
		  "can't add field transformer: type 'INT64' is not supported by 'toupper' transformer applied on "
		  "field 'proc.pid'" },
		{ R("proc.name = val(proc.pid)"),
		  "field 'proc.name' has type 'CHARBUF' while the right-hand side field 'proc.pid' has "
		  "incompatible type 'INT64'" },
		{ R("fd.sip = val(fd.ip)"), "field 'fd.ip' can't be used as a right-hand side field" },
		{ R("proc.name regex val(proc.exe)"), "operator 'REGEX' doesn't support right-hand side fields" },
		{ R("proc.name regex '[z-a]'"), "invalid regex pattern: invalid character class range: z-a" },
		{ R("proc.name regex 'a{5000}'"), "invalid regex pattern: invalid repetition size: {5000}" },
		{ R("evt.type.is.nothing = 1"), "filter_check called with nonexistent field evt.type.is.nothing" },
		{ R("container.label = x"),
		  "filter 'container.label': container.label requires an argument but none provided" },
		{ R("evt.type = open and and"), "Undefined macro 'and' used in filter." },
		{ "- list: L\n  items:\n", "Value is not a sequence" },
		{ "- macro: a\n  condition: evt.type = open\n- macro: b\n  condition: a\n"
		  "- macro: a\n  condition: or b\n  append: true\n",
		  "reference loop in macro 'b'" },
		{ R("evt.type = open") "- rule: R\n  condition: and proc.name = a\n  output: o\n  desc: d\n"
		                       "  override: {condition: append}\n",
		  "Unexpected key 'desc': no corresponding entry under 'override' is defined." },
		{ R("evt.type = open") "- rule: R\n  condition: and proc.name = a\n"
		                       "  override: {condition: append, output: append}\n",
		  "An append override for 'output' was specified but 'output' is not defined" },
		{ "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [x]}]\n",
		  "Plugin version alternative must be a mapping" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		HC_AUTO(hc_falco_free) struct hc_falco *f;
		const struct hc_falco_diag *error = NULL;
		int r;

		f = load(cases[i].rules, &r);
		cr_expect_lt(r, 0, "%s", cases[i].rules);
		for (uint32_t k = 0; k < hc_falco_n_diags(f) && !error; k++)
			error = hc_falco_diag(f, k)->is_error ? hc_falco_diag(f, k) : NULL;
		cr_assert(error, "%s", cases[i].rules);
		cr_expect_str_eq(error->message, cases[i].message, "%s: %s", cases[i].rules, error->message);
	}
}

/* The items around a place and the line below it, as Falco's own result has them. */
Test(falco_load, has_the_context_of_Falco_in_its_result)
{
	char rules[2000], text[400];
	HC_AUTO(hc_falco_free) struct hc_falco *f;
	struct hc_arena arena = { 0 };
	const char *json;
	int r;

	memset(text, 'x', sizeof(text));
	snprintf(rules, sizeof(rules),
	         "- rule: R\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFO\n"
	         "  exceptions:\n    - {name: n, fields: [proc.name], comment: %.200s, values: ['']} # %.200s\n",
	         text, text);
	f = load(rules, &r);
	cr_assert_lt(r, 0);
	json = hc_falco_results_json(f, &arena);
	cr_expect(strstr(json, "\"item_name\":\"\",\"item_type\":\"rules content\""), "%s", json);
	cr_expect(strstr(json,
	                 "\"item_name\":\"n\",\"item_type\":\"exception\",\"position\":{\"column\":6,\"line\":6,"),
	          "%s", json);
	cr_expect(strstr(json, "\"item_type\":\"exception values\""), "%s", json);
	cr_expect(strstr(json, "\"item_type\":\"exception value\""), "%s", json);
	cr_expect(strstr(json, "\"item_name\":\"\",\"item_type\":\"value for\""), "%s", json);
	cr_expect(strstr(json, "\"snippet\":\"...xxx"), "%s", json);
	cr_expect(strstr(json, "...\\n                                                                            "
	                       "    ^\\n\""),
	          "%s", json);
	cr_expect(strstr(json, "\"codedesc\":\"The YAML does not have the structure of rules.\""), "%s", json);
	hc_arena_done(&arena);
}

/* Loads files until one does not load; what was said of them, to be freed. */
static char *results_of(const char *const *paths, size_t n, bool ahead)
{
	HC_AUTO(hc_pool_free) struct hc_pool *pool = hc_pool_new(4);
	HC_AUTO(hc_falco_free) struct hc_falco *f = hc_falco_new(NULL);
	struct hc_arena arena = { 0 };
	char *results, *all;
	struct hc_err err = { 0 };
	int r = 0;

	if (ahead)
		hc_falco_read_ahead(f, paths, n, pool);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = hc_falco_load(f, paths[i], &err);
	results = strdup(hc_falco_results_json(f, &arena));
	cr_assert_geq(asprintf(&all, "%d %s:%u:%u %s %s", r, err.file, err.line, err.column, err.msg, results), 0);
	free(results);
	hc_arena_done(&arena);
	return all;
}

Test(falco_load, says_the_same_of_files_that_are_read_ahead)
{
	static const char *const texts[] = { "- list: a\n  items: [x, y]\n",
		                             "- macro: m\n  condition: proc.name in (a)\n",
		                             "- rule: r\n  desc: d\n  condition: evt.type=open and m\n"
		                             "  output: x\n  priority: NOTICE\n",
		                             "- macro: open\n  condition: no.such = 1\n", "- list: [a\n" };
	char *dir = hc_gen_tmpdir(), *paths[8] = { 0 };
	size_t n = sizeof(texts) / sizeof(texts[0]);

	for (size_t i = 0; i <= n; i++) {
		FILE *out;

		cr_assert_geq(asprintf(&paths[i], "%s/%zu.yaml", dir, i), 0);
		if (i == n)
			break; /* there is none */
		out = fopen(paths[i], "w");
		cr_assert_not_null(out);
		fputs(texts[i], out);
		fclose(out);
	}
	for (unsigned round = 0; round < 50; round++) {
		/* all that load; one that does not; no YAML; no file; one twice */
		const char *const lists[][5] = { { paths[0], paths[1], paths[2] },
			                         { paths[0], paths[1], paths[2], paths[3], paths[0] },
			                         { paths[0], paths[4], paths[1], paths[2] },
			                         { paths[0], paths[5], paths[1] },
			                         { paths[0], paths[0], paths[1], paths[0], paths[1] } };
		static const size_t counts[] = { 3, 5, 4, 3, 5 };

		for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
			char *want = results_of(lists[k], counts[k], false);
			char *got = results_of(lists[k], counts[k], true);

			cr_assert_str_eq(got, want);
			free(want);
			free(got);
		}
	}
	for (size_t i = 0; i <= n; i++)
		free(paths[i]);
	hc_gen_rm(dir);
	free(dir);
}
