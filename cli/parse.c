/*
 * The option parser. Our own rather than getopt_long, because the same table also makes the help, the manual and
 * the completions, and because a usage error shall name the one thing that is wrong in one way everywhere.
 */
#include "cmd.h"
#include "units.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A message of ours in which there may be text of others. */
__attribute__((format(printf, 2, 0))) static void print_message(FILE *f, const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	hc_cli_print_text(f, text ? text : "out of memory", text ? strlen(text) : 13);
	free(text);
	fputc('\n', f);
}

int hc_cli_usage(const struct hc_command *cmd, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "hindcast %s: ", cmd->name);
	va_start(ap, fmt);
	print_message(stderr, fmt, ap);
	va_end(ap);
	return HC_EXIT_USAGE;
}

/* Bytes from p on that may be printed as they are. */
static size_t plain_bytes(const char *p, size_t len)
{
	uint32_t c;
	unsigned n;

	for (size_t i = 0; i < len; i += n) {
		n = hc_utf8(p + i, len - i, &c);
		if (!n || hc_char_is_control(c))
			return i;
	}
	return len;
}

void hc_cli_print_text(FILE *f, const char *text, size_t len)
{
	while (len) {
		size_t n = plain_bytes(text, len);
		uint32_t c;

		fwrite(text, 1, n, f);
		text += n;
		len -= n;
		if (!len)
			return;
		n = hc_utf8(text, len, &c);
		if (n > 1)
			fprintf(f, "\\u{%x}", (unsigned)c);
		else
			fprintf(f, "\\x%02x", (unsigned char)*text);
		text += n ? n : 1;
		len -= n ? n : 1;
	}
}

void hc_cli_print_lines(FILE *f, const char *lead, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fputs(lead, f);
		hc_cli_print_text(f, text, len);
		fputc('\n', f);
		text += len + (text[len] == '\n');
	}
}

void hc_cli_print_json(FILE *f, const char *json, size_t len)
{
	while (len) {
		size_t n = plain_bytes(json, len);
		char esc[HC_JSON_ESCAPE_ROOM];
		uint32_t c;

		fwrite(json, 1, n, f);
		json += n;
		len -= n;
		if (!len)
			return;
		n = hc_utf8(json, len, &c);
		if (n && c >= ' ') { /* below it is white space between tokens */
			hc_json_escape(c, esc);
			fputs(esc, f);
		} else if (n) {
			fputc((int)c, f);
		} else {
			fputs("\\ufffd", f);
		}
		json += n ? n : 1;
		len -= n ? n : 1;
	}
}

int hc_cli_error(const struct hc_command *cmd, const struct hc_err *err)
{
	char text[sizeof(err->file) + sizeof(err->msg) + 64];

	hc_err_text(err, text, sizeof(text));
	if (!err->file[0])
		fprintf(stderr, "hindcast %s: ", cmd->name);
	hc_cli_print_text(stderr, text, strlen(text));
	fputc('\n', stderr);
	hc_cli_print_lines(stderr, "  ", err->notes);
	return hc_exit_of(err->code);
}

enum hc_exit hc_exit_of(int code)
{
	switch (code) {
	case 0:
		return HC_EXIT_OK;
	case -EBADMSG:
	case -ENODATA:
		return HC_EXIT_DAMAGED;
	case -EINVAL:
	case -ENOTSUP:
	case -E2BIG:
		return HC_EXIT_USAGE;
	case -EINTR:
		return HC_EXIT_INTERRUPTED;
	default:
		return HC_EXIT_REFUSED;
	}
}

void hc_cli_warn(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "hindcast: warning: ");
	va_start(ap, fmt);
	print_message(stderr, fmt, ap);
	va_end(ap);
}

bool hc_cli_obeys(FILE *f)
{
	const char *term = getenv("TERM");

	return isatty(fileno(f)) && term && strcmp(term, "dumb") != 0;
}

bool hc_cli_colour(FILE *f)
{
	const char *no_color = getenv("NO_COLOR");

	return hc_cli_obeys(f) && !(no_color && *no_color);
}

void hc_strs_done(struct hc_strs *strs)
{
	if (!strs)
		return;
	free(strs->v);
	*strs = (struct hc_strs){ 0 };
}

static int strs_add(struct hc_strs *strs, const char *s)
{
	const char **v = reallocarray(strs->v, strs->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v[strs->n++] = s;
	strs->v = v;
	return 0;
}

/* How an option is shown in messages: as the user wrote it. */
struct shown {
	char text[80];
};

static struct shown show(const struct hc_opt *opt, bool long_form)
{
	struct shown s;

	if (long_form)
		snprintf(s.text, sizeof(s.text), "--%s", opt->name);
	else
		snprintf(s.text, sizeof(s.text), "-%c", opt->letter);
	return s;
}

static int word_index(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0;; i++) {
		size_t n = strcspn(words, "|");

		if (n == len && memcmp(words, word, n) == 0)
			return i;
		if (!words[n])
			return -1;
		words += n + 1;
	}
}

static int number(const struct hc_opt *opt, const char *value, uint64_t *ret)
{
	uint64_t v;
	int r;

	if (opt->kind == HC_OPT_SIZE)
		r = hc_parse_size(value, &v);
	else if (opt->kind == HC_OPT_DURATION)
		r = hc_parse_duration(value, &v);
	else
		r = hc_parse_u64(value, &v);
	if (r < 0)
		return r;
	if (v < opt->min || (opt->max && v > opt->max))
		return -ERANGE;
	*ret = v;
	return 0;
}

static const char *expected(enum hc_opt_kind kind)
{
	switch (kind) {
	case HC_OPT_SIZE:
		return "a size with its unit, such as 64MiB";
	case HC_OPT_DURATION:
		return "a duration with its unit, such as 10s or 1h30m";
	case HC_OPT_TIME:
		return "a time: 2024-05-01T12:00:00Z, @1714564800.5, -10m for ten minutes ago, or now";
	case HC_OPT_SHARE:
		return "a share or a size, such as 5% or 2GiB";
	default:
		return "a number";
	}
}

/* The allowed range as the user would write it. */
static void show_limit(char *buf, size_t buf_bytes, const struct hc_opt *opt, uint64_t v)
{
	if (opt->kind == HC_OPT_DURATION)
		hc_show_duration(v, buf, buf_bytes);
	else if (opt->kind == HC_OPT_SIZE)
		hc_show_size(v, buf, buf_bytes);
	else
		snprintf(buf, buf_bytes, "%" PRIu64, v);
}

static int out_of_range(const struct hc_opt *opt, const char *value, struct hc_err *err)
{
	char min[32], max[32];

	show_limit(min, sizeof(min), opt, opt->min);
	show_limit(max, sizeof(max), opt, opt->max);
	if (opt->max)
		return hc_err_set(err, -ERANGE, "'%s' is out of range (%s to %s)", value, min, max);
	if (opt->min)
		return hc_err_set(err, -ERANGE, "'%s' is out of range (%s or more)", value, min);
	return hc_err_set(err, -ERANGE, "'%s' is too large", value);
}

static int store_time(const char *value, struct hc_time_arg *arg)
{
	int r = hc_parse_time(value, hc_wall_ns(), &arg->ns);

	if (r == 0)
		arg->set = true;
	return r;
}

/* 5%, 0.5%, 2GiB */
static int store_share(const char *value, struct hc_share_arg *arg)
{
	size_t n = strlen(value), whole = strspn(value, "0123456789");
	struct hc_share_arg share = { 0 };
	int r = 0;

	if (!n || value[n - 1] != '%') {
		r = hc_parse_size(value, &share.bytes);
	} else {
		bool tenths = value[whole] == '.' && whole + 3 == n && value[whole + 1] >= '0' &&
		              value[whole + 1] <= '9';

		if (!whole || whole > 3 || (whole != n - 1 && !tenths))
			return -EINVAL;
		share.permille = (uint32_t)strtoul(value, NULL, 10) * 10 +
		                 (tenths ? (uint32_t)(value[whole + 1] - '0') : 0);
	}
	if (r == 0 && share.permille > 1000)
		r = -ERANGE;
	if (r == 0)
		*arg = share;
	return r;
}

int hc_opt_set(const struct hc_opt *opt, const char *value, void *opts, struct hc_err *err)
{
	void *at = (char *)opts + opt->off;
	int r = 0, i;

	if (value && opt->check) {
		r = opt->check(value, err);
		if (r < 0)
			return r;
	}
	switch (opt->kind) {
	case HC_OPT_FLAG:
		*(bool *)at = true;
		break;
	case HC_OPT_STR:
		*(const char **)at = value;
		break;
	case HC_OPT_STRS:
		r = strs_add(at, value);
		break;
	case HC_OPT_TIME:
		r = store_time(value, at);
		break;
	case HC_OPT_SHARE:
		r = store_share(value, at);
		if (r == -ERANGE)
			return hc_err_set(err, r, "'%s' is too large", value);
		break;
	case HC_OPT_CHOICE:
		i = word_index(opt->words, value);
		if (i < 0)
			return hc_err_set(err, -EINVAL, "'%s' is not one of %s", value, opt->words);
		*(unsigned *)at = (unsigned)i;
		break;
	default:
		r = number(opt, value, at);
	}
	if (r == -ENOMEM)
		return hc_err_set(err, r, "out of memory");
	if (r == -ERANGE)
		return out_of_range(opt, value, err);
	if (r < 0)
		return hc_err_set(err, r, "'%s' is not %s", value, expected(opt->kind));
	return 0;
}

static bool strs_equal(const struct hc_strs *a, const struct hc_strs *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return a->n == b->n;
}

bool hc_opt_equal(const struct hc_opt *opt, const void *a, const void *b)
{
	const void *x = (const char *)a + opt->off, *y = (const char *)b + opt->off;
	const char *s, *t;

	switch (opt->kind) {
	case HC_OPT_FLAG:
		return *(const bool *)x == *(const bool *)y;
	case HC_OPT_STR:
		s = *(const char *const *)x;
		t = *(const char *const *)y;
		return s && t ? strcmp(s, t) == 0 : s == t;
	case HC_OPT_STRS:
		return strs_equal(x, y);
	case HC_OPT_TIME:
		return ((const struct hc_time_arg *)x)->set == ((const struct hc_time_arg *)y)->set &&
		       ((const struct hc_time_arg *)x)->ns == ((const struct hc_time_arg *)y)->ns;
	case HC_OPT_SHARE:
		return ((const struct hc_share_arg *)x)->bytes == ((const struct hc_share_arg *)y)->bytes &&
		       ((const struct hc_share_arg *)x)->permille == ((const struct hc_share_arg *)y)->permille;
	case HC_OPT_CHOICE:
		return *(const unsigned *)x == *(const unsigned *)y;
	default:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	}
}

/* HC_CLI_GO or an exit code. */
static int store(const struct hc_command *cmd, const struct hc_opt *opt, const char *name, const char *value,
                 void *opts)
{
	struct hc_err err = { 0 };

	if (hc_opt_set(opt, value, opts, &err) == 0)
		return HC_CLI_GO;
	return hc_cli_usage(cmd, "%s: %s", name, err.msg);
}

static const struct hc_opt *find_long(const struct hc_command *cmd, const char *name, size_t len)
{
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++) {
		if (strlen(opt->name) == len && memcmp(opt->name, name, len) == 0)
			return opt;
	}
	return NULL;
}

static const struct hc_opt *find_letter(const struct hc_command *cmd, char letter)
{
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++) {
		if (opt->letter && opt->letter == letter)
			return opt;
	}
	return NULL;
}

struct parser {
	const struct hc_command *cmd;
	int argc, i; /* argv[i] is being looked at */
	char **argv;
	void *opts;
};

static int unknown_option(const struct hc_command *cmd, const char *dashes, const char *name, size_t len)
{
	struct hc_nearest best = { 0 };
	const char *nearest;

	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++)
		hc_cli_nearest(&best, name, len, opt->name);
	nearest = hc_cli_nearest_name(&best);
	if (nearest)
		return hc_cli_usage(cmd, "unknown option '%s%.*s': did you mean '--%s'?", dashes, (int)len, name,
		                    nearest);
	return hc_cli_usage(cmd, "unknown option '%s%.*s' (hindcast %s --help lists them)", dashes, (int)len, name,
	                    cmd->name);
}

/* --name, --name=value, --name value */
static int parse_long(struct parser *p)
{
	const char *arg = p->argv[p->i] + 2, *eq = strchrnul(arg, '='), *value;
	const struct hc_opt *opt = find_long(p->cmd, arg, (size_t)(eq - arg));
	struct shown name;

	if (!opt)
		return unknown_option(p->cmd, "--", arg, (size_t)(eq - arg));
	name = show(opt, true);
	if (opt->kind == HC_OPT_FLAG) {
		if (*eq)
			return hc_cli_usage(p->cmd, "%s takes no value", name.text);
		return store(p->cmd, opt, name.text, NULL, p->opts);
	}
	if (*eq)
		value = eq + 1;
	else if (p->i + 1 < p->argc)
		value = p->argv[++p->i];
	else
		return hc_cli_usage(p->cmd, "%s needs a value (%s)", name.text, opt->value);
	return store(p->cmd, opt, name.text, value, p->opts);
}

/* -a, -ab, -ovalue, -o value */
static int parse_letters(struct parser *p)
{
	for (const char *c = p->argv[p->i] + 1; *c; c++) {
		const struct hc_opt *opt = find_letter(p->cmd, *c);
		struct shown name;
		int code;

		if (!opt)
			return unknown_option(p->cmd, "-", c, 1);
		name = show(opt, false);
		if (opt->kind == HC_OPT_FLAG) {
			code = store(p->cmd, opt, name.text, NULL, p->opts);
			if (code != HC_CLI_GO)
				return code;
			continue;
		}
		if (c[1])
			return store(p->cmd, opt, name.text, c + 1, p->opts);
		if (p->i + 1 < p->argc)
			return store(p->cmd, opt, name.text, p->argv[++p->i], p->opts);
		return hc_cli_usage(p->cmd, "%s needs a value (%s)", name.text, opt->value);
	}
	return HC_CLI_GO;
}

/* What a command did not get to see it cannot free. */
static void forget_strs(const struct hc_command *cmd, void *opts)
{
	for (const struct hc_opt *opt = cmd->opts; opt && opt->name; opt++) {
		if (opt->kind == HC_OPT_STRS)
			hc_strs_done((struct hc_strs *)((char *)opts + opt->off));
	}
}

/* The option at argv[p->i]. */
static int parse_option(struct parser *p)
{
	const char *arg = p->argv[p->i];
	int code;

	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
		hc_help_print(stdout, p->cmd);
		code = HC_EXIT_OK;
	} else
		code = arg[1] == '-' ? parse_long(p) : parse_letters(p);
	if (code != HC_CLI_GO)
		forget_strs(p->cmd, p->opts);
	return code;
}

int hc_cli_parse(const struct hc_command *cmd, int argc, char **argv, void *opts, struct hc_operands *ret_operands)
{
	struct parser p = { .cmd = cmd, .argc = argc, .i = 1, .argv = argv, .opts = opts };
	int n = 0; /* operands so far: they are moved to the front, behind argv[0] */
	int after_dash = -1;

	for (; p.i < argc; p.i++) {
		const char *arg = argv[p.i];
		int code;

		if (after_dash >= 0 || arg[0] != '-' || !arg[1]) {
			argv[1 + n++] = argv[p.i];
			continue;
		}
		if (strcmp(arg, "--") == 0) {
			after_dash = n;
			continue;
		}
		code = parse_option(&p);
		if (code != HC_CLI_GO)
			return code;
	}
	if (1 + n < argc)
		argv[1 + n] = NULL;
	*ret_operands = (struct hc_operands){
		.v = argv + 1, .n = n, .after_dash = after_dash < 0 ? n : after_dash, .saw_dash = after_dash >= 0
	};
	return HC_CLI_GO;
}
