#include "cmd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/err.h"

struct args {
	bool flag, other;
	const char *str;
	struct hc_strs many;
	uint64_t n, size, duration;
	struct hc_time_arg since;
	unsigned format;
};

static const struct hc_opt opts[] = {
	{ .name = "flag", .letter = 'f', .kind = HC_OPT_FLAG, .off = offsetof(struct args, flag), .help = "h" },
	{ .name = "other", .letter = 'x', .kind = HC_OPT_FLAG, .off = offsetof(struct args, other), .help = "h" },
	{ .name = "str",
	  .letter = 's',
	  .kind = HC_OPT_STR,
	  .off = offsetof(struct args, str),
	  .value = "S",
	  .help = "h" },
	{ .name = "many",
	  .letter = 'm',
	  .kind = HC_OPT_STRS,
	  .off = offsetof(struct args, many),
	  .value = "S",
	  .help = "h" },
	{ .name = "n",
	  .kind = HC_OPT_U64,
	  .off = offsetof(struct args, n),
	  .value = "N",
	  .help = "h",
	  .min = 2,
	  .max = 9 },
	{ .name = "size", .kind = HC_OPT_SIZE, .off = offsetof(struct args, size), .value = "SIZE", .help = "h" },
	{ .name = "for",
	  .kind = HC_OPT_DURATION,
	  .off = offsetof(struct args, duration),
	  .value = "D",
	  .help = "h" },
	{ .name = "since", .kind = HC_OPT_TIME, .off = offsetof(struct args, since), .value = "T", .help = "h" },
	{ .name = "format",
	  .kind = HC_OPT_CHOICE,
	  .off = offsetof(struct args, format),
	  .value = "F",
	  .help = "h",
	  .words = "text|json|falco-json" },
	{ 0 },
};

static const struct hc_command cmd = { .name = "t", .args = "", .summary = "s", .description = "d", .opts = opts };

const struct hc_command *const hc_commands[] = { &cmd, NULL };

const struct hc_command *hc_command_find(const char *name)
{
	(void)name;
	return NULL;
}

/* Parses words separated by one space; the words live until the next call. */
static int parse(const char *line, struct args *a, struct hc_operands *operands)
{
	static char text[512];
	static char *argv[64];
	int argc = 0;
	char *save = NULL;

	*a = (struct args){ 0 };
	snprintf(text, sizeof(text), "t %s", line);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	return hc_cli_parse(&cmd, argc, argv, a, operands);
}

Test(options, may_be_written_long_short_joined_and_between_operands)
{
	struct hc_operands operands;
	struct args a;

	cr_assert_eq(parse("one -fx --str=v -m a two -mb --many c --n 5", &a, &operands), HC_CLI_GO);
	cr_assert(a.flag && a.other);
	cr_assert_str_eq(a.str, "v");
	cr_assert_eq(a.many.n, 3);
	cr_assert_str_eq(a.many.v[0], "a");
	cr_assert_str_eq(a.many.v[1], "b");
	cr_assert_str_eq(a.many.v[2], "c");
	cr_assert_eq(a.n, 5);
	cr_assert_eq(operands.n, 2);
	cr_assert_str_eq(operands.v[0], "one");
	cr_assert_str_eq(operands.v[1], "two");
	cr_assert_null(operands.v[2]);
	cr_assert_not(operands.saw_dash);
	hc_strs_done(&a.many);
}

Test(options, end_at_a_double_dash)
{
	struct hc_operands operands;
	struct args a;

	cr_assert_eq(parse("one -- -f -- --str", &a, &operands), HC_CLI_GO);
	cr_assert_not(a.flag);
	cr_assert_eq(operands.n, 4);
	cr_assert_eq(operands.after_dash, 1);
	cr_assert(operands.saw_dash);
	cr_assert_str_eq(operands.v[2], "--");
}

Test(options, take_a_value_that_begins_with_a_dash)
{
	struct hc_operands operands;
	struct args a;

	cr_assert_eq(parse("--since -10m -s -f - ", &a, &operands), HC_CLI_GO);
	cr_assert(a.since.set);
	cr_assert_str_eq(a.str, "-f");
	cr_assert_eq(operands.n, 1);
	cr_assert_str_eq(operands.v[0], "-");
}

Test(options, parse_sizes_durations_and_choices)
{
	struct hc_operands operands;
	struct args a;

	cr_assert_eq(parse("--size 64MiB --for 1h30m --format falco-json --since @1.5", &a, &operands), HC_CLI_GO);
	cr_assert_eq(a.size, 64u << 20);
	cr_assert_eq(a.duration, 5400000000000);
	cr_assert_eq(a.format, 2);
	cr_assert_eq(a.since.ns, 1500000000);
}

Test(options, that_are_wrong_are_usage_errors_and_leak_nothing)
{
	static const char *const bad[] = {
		"--nope",
		"-q",
		"--flag=1",
		"--str",
		"-s",
		"--n 1",
		"--n 10",
		"--n x",
		"--n -1",
		"--size 5",
		"--for 10",
		"--since then",
		"--format xml",
		"--format jso",
		"--format |json",
		"-m a -fq",
		"-m a -m b --for",
		"--fla",
		"--strx=1",
		"--=1",
		"-f-",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hc_operands operands;
		struct args a;

		cr_assert_eq(parse(bad[i], &a, &operands), HC_EXIT_USAGE, "%s", bad[i]);
		cr_assert_null(a.many.v);
	}
}

Test(exit_code, follows_from_the_errno)
{
	cr_assert_eq(hc_exit_of(0), HC_EXIT_OK);
	cr_assert_eq(hc_exit_of(-EBADMSG), HC_EXIT_DAMAGED);
	cr_assert_eq(hc_exit_of(-EINVAL), HC_EXIT_USAGE);
	cr_assert_eq(hc_exit_of(-EACCES), HC_EXIT_REFUSED);
	cr_assert_eq(hc_exit_of(-ENOSPC), HC_EXIT_REFUSED);
	cr_assert_eq(hc_exit_of(-EINTR), HC_EXIT_INTERRUPTED);
}

static void expect_printed(void (*print)(FILE *f, const char *text, size_t len), const char *text,
                           const char *want)
{
	char *got = NULL;
	size_t n;
	FILE *f = open_memstream(&got, &n);

	cr_assert_not_null(f);
	print(f, text, strlen(text));
	fclose(f);
	cr_assert_str_eq(got, want);
	free(got);
}

Test(text, is_printed_so_that_no_terminal_obeys_it)
{
	expect_printed(hc_cli_print_text, "a caf\xc3\xa9", "a caf\xc3\xa9");
	expect_printed(hc_cli_print_text, "\x1b[31m\n\x7f", "\\x1b[31m\\x0a\\x7f");
	expect_printed(hc_cli_print_text,
	               "\xc2\x9b"
	               "A\xe2\x80\xae"
	               "b\xff\xc3",
	               "\\u{9b}A\\u{202e}b\\xff\\xc3");
	expect_printed(hc_cli_print_json, "{\"a\":\n\"\\u001b\x7f\xc2\x9b\xf3\xa0\x80\x81\xff\"}",
	               "{\"a\":\n\"\\u001b\\u007f\\u009b\\udb40\\udc01\\ufffd\"}");
}

static const char *nearest(const char *word)
{
	static const char *const names[] = { "json", "format", "since", "retain-size", "retain-age", "follow" };
	struct hc_nearest best = { 0 };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		hc_cli_nearest(&best, word, strlen(word), names[i]);
	return hc_cli_nearest_name(&best);
}

Test(nearest, finds_the_one_name_that_a_misspelt_word_stands_for)
{
	char longest[200];

	cr_expect_str_eq(nearest("jsn"), "json");      /* missing */
	cr_expect_str_eq(nearest("sincce"), "since");  /* too many */
	cr_expect_str_eq(nearest("fromat"), "format"); /* changed places */
	cr_expect_null(nearest("fo"), "two begin so");
	cr_expect_str_eq(nearest("retain-s"), "retain-size");
	cr_expect_str_eq(nearest("retain_size"), "retain-size");
	cr_expect_null(nearest("xxxx"));
	cr_expect_null(nearest("j"));
	cr_expect_null(nearest(""));
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	cr_expect_null(nearest(longest));
}
