/* The configuration file of the recorder: what is taken, and what is refused where. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "config.h"
#include "recorder_arg.h"
#include "store/schema.h"

const struct hc_command *const hc_commands[] = { NULL };

const struct hc_command *hc_command_find(const char *name)
{
	(void)name;
	return NULL;
}

static int parse(const char *text, struct hc_recorder_args *a, struct hc_config **c, struct hc_err *err)
{
	hc_recorder_args_init(a);
	return hc_config_parse(hc_recorder_opts, "recorder.yaml", text, strlen(text), a, c, err);
}

Test(config, takes_every_kind_of_option)
{
	static const char text[] = "# a comment\n"
				   "dir: /srv/hindcast\n"
				   "profile: full\n"
				   "snaplen: 128\n"
				   "hash-exe: yes\n"
				   "ring-size: 8MiB\n"
				   "exclude:\n  - comm=journald\n  - \"type=mmap\"\n"
				   "retain-size: 50GiB\n"
				   "retain-age: 30d\n"
				   "retain-bulk-age: 1h30m\n"
				   "keep-free: 7.5%\n"
				   "log-format: json\n";
	HC_AUTO(hc_config_free) struct hc_config *c = NULL;
	struct hc_recorder_args a;
	struct hc_err err = { 0 };
	struct hc_retain_rules r;
	char retain[128];

	cr_assert_eq(parse(text, &a, &c, &err), 0, "%s", err.msg);
	cr_assert_str_eq(a.dir, "/srv/hindcast");
	cr_assert_eq(a.profile, HC_PROFILE_FULL);
	cr_assert_eq(a.snaplen, 128);
	cr_assert(a.hash_exe);
	cr_assert_eq(a.ring_bytes, 8u << 20);
	cr_assert_eq(a.exclude.n, 2);
	cr_assert_str_eq(a.exclude.v[1], "type=mmap");
	cr_assert_eq(a.log_format, 1);
	cr_assert_eq(hc_recorder_args_check(&a, &err), 0);
	r = hc_recorder_retain(&a, retain, sizeof(retain));
	cr_assert_str_eq(retain, "size=50GiB age=30d bulk-age=90m keep-free=7.5%");
	cr_assert_eq(r.all.max_bytes, UINT64_C(50) << 30);
	cr_assert_eq(r.stream[HC_STREAM_BULK].max_age_ns, UINT64_C(5400000000000));
	cr_assert_eq(r.keep_free_permille, 75);
	hc_recorder_args_done(&a);
}

Test(config, is_empty_without_options)
{
	static const char *const texts[] = { "", "# nothing\n", "---\n", "{}\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		HC_AUTO(hc_config_free) struct hc_config *c = NULL;
		struct hc_recorder_args a;
		struct hc_err err = { 0 };

		cr_assert_eq(parse(texts[i], &a, &c, &err), 0, "%s: %s", texts[i], err.msg);
		cr_assert_str_eq(a.dir, "/var/lib/hindcast");
		cr_assert_eq(a.retain_bytes, UINT64_C(20) << 30);
		cr_assert_eq(a.keep_free.permille, 50);
		hc_recorder_args_done(&a);
	}
}

Test(config, tells_what_is_wrong_and_where)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "profil: full\n", "recorder.yaml:1:1: unknown key 'profil': did you mean 'profile'?" },
		{ "config: other.yaml\n", "recorder.yaml:1:1: unknown key 'config'" },
		{ "check-config: true\n", "recorder.yaml:1:1: unknown key 'check-config'" },
		{ "profile: all\n", "recorder.yaml:1:10: profile: 'all' is not one of minimal|security|full" },
		{ "snaplen: 10\n\nsnaplen: 11\n",
		  "recorder.yaml:3:1: 'snaplen' is given twice (first in line 1)" },
		{ "snaplen: 5000\n", "recorder.yaml:1:10: snaplen: '5000' is out of range (0 to 4096)" },
		{ "retain-size: 20\n",
		  "recorder.yaml:1:14: retain-size: '20' is not a size with its unit, such as 64MiB" },
		{ "retain-age: 30\n",
		  "recorder.yaml:1:13: retain-age: '30' is not a duration with its unit, such as 10s or 1h30m" },
		{ "retain-age: [30d]\n", "recorder.yaml:1:13: 'retain-age' needs a value, not a list" },
		{ "retain-age:\n", "recorder.yaml:1:12: 'retain-age' needs a value, not nothing" },
		{ "exclude: comm=a\n", "recorder.yaml:1:10: 'exclude' needs a list, not a scalar" },
		{ "exclude:\n  - comm=a\n  - uid=root\n",
		  "recorder.yaml:3:5: exclude: uid= needs a number, not 'root'" },
		{ "hash-exe: maybe\n", "recorder.yaml:1:11: 'hash-exe' is either true or false" },
		{ "hash-exe: 'true'\n", "recorder.yaml:1:11: 'hash-exe' is either true or false" },
		{ "group: no-such-group\n", "recorder.yaml:1:8: group: there is no group 'no-such-group'" },
		{ "control: run/control.sock\n",
		  "recorder.yaml:1:10: control: 'run/control.sock' cannot be a socket: it "
		  "needs an absolute path of at most 107 bytes" },
		{ "control-group: no-such-group\n",
		  "recorder.yaml:1:16: control-group: there is no group 'no-such-group'" },
		{ "container-root:\n  - docker\n", "recorder.yaml:2:5: container-root: 'docker' is no KIND=DIR "
		                                   "with a KIND of docker, podman, crio, "
		                                   "containerd, crun, runc, lxc or nspawn" },
		{ "runtime-socket: [auto, /x/y]\n",
		  "recorder.yaml:1:24: runtime-socket: '/x/y' does not tell what it is the socket of: say "
		  "docker=/x/y, podman=/x/y or cri=/x/y" },
		{ "segment-time: 2d\n", "recorder.yaml:1:15: segment-time: '2d' is out of range (1s to 1d)" },
		{ "segment-size: 5GiB\n",
		  "recorder.yaml:1:15: segment-size: '5GiB' is out of range (4KiB to 4GiB)" },
		{ "keep-free: 120%\n", "recorder.yaml:1:12: keep-free: '120%' is too large" },
		{ "keep-free: 5\n",
		  "recorder.yaml:1:12: keep-free: '5' is not a share or a size, such as 5% or 2GiB" },
		{ "dir: ''\n", "recorder.yaml:1:6: dir: the name of a directory is needed" },
		{ "dir: \"a\\0b\"\n", "recorder.yaml:1:6: 'dir' has a NUL in it" },
		{ "- profile\n",
		  "recorder.yaml:1:1: a configuration is a mapping of options to values, not a list" },
		{ "[a]: b\n", "recorder.yaml:1:1: a key must be a word, not a list" },
		{ "---\nprofile: full\n---\nsnaplen: 1\n",
		  "recorder.yaml:4:1: a second document: there is one configuration in a file" },
		{ "profile: full\n  snaplen: 1\n",
		  "recorder.yaml:2:10: mapping values are not allowed in this context" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hc_config *c = NULL;
		struct hc_recorder_args a;
		struct hc_err err = { 0 };
		char text[600];

		cr_assert_eq(parse(cases[i].text, &a, &c, &err), -EINVAL, "%s", cases[i].text);
		cr_assert_str_eq(hc_err_text(&err, text, sizeof(text)), cases[i].want);
		hc_recorder_args_done(&a);
	}
}

Test(config, options_that_contradict_each_other_are_refused)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "retain-size: 1GiB\nretain-bulk-size: 2GiB\n", "retain-bulk-size is more than retain-size" },
		{ "retain-size: 1GiB\nretain-security-size: 2GiB\n",
		  "retain-security-size is more than retain-size" },
		{ "retain-age: 1d\nretain-bulk-age: 25h\n", "retain-bulk-age is more than retain-age" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		HC_AUTO(hc_config_free) struct hc_config *c = NULL;
		struct hc_recorder_args a;
		struct hc_err err = { 0 };

		cr_assert_eq(parse(cases[i].text, &a, &c, &err), 0);
		cr_assert_eq(hc_recorder_args_check(&a, &err), -EINVAL);
		cr_assert_str_eq(err.msg, cases[i].want);
		hc_recorder_args_done(&a);
	}
}

Test(config, equal_tells_each_kind_of_option_apart)
{
	HC_AUTO(hc_config_free) struct hc_config *c = NULL;
	HC_AUTO(hc_config_free) struct hc_config *d = NULL;
	struct hc_recorder_args a, b;
	struct hc_err err = { 0 };
	char changed[256] = "";

	cr_assert_eq(parse("dir: /a\nexclude: [uid=1]\nsnaplen: 1\n", &a, &c, &err), 0);
	cr_assert_eq(
		parse("dir: /b\nexclude: [uid=2]\nkeep-free: 1GiB\nhash-exe: on\nprofile: minimal\nsnaplen: 1\n",
	              &b, &d, &err),
		0);
	for (const struct hc_opt *opt = hc_recorder_opts; opt->name; opt++)
		if (!hc_opt_equal(opt, &a, &b))
			strcat(strcat(changed, " "), opt->name);
	cr_assert_str_eq(changed, " dir profile exclude hash-exe keep-free");
	hc_recorder_args_done(&a);
	hc_recorder_args_done(&b);
}
