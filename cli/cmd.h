/*
 * What a command of the binary is made of. One cmd_<name>.c holds a `struct hc_command`, listed in commands.def.
 * The parser, the help, the man pages and the shell completions all read that one table.
 */
#ifndef HC_CLI_CMD_H
#define HC_CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The highest of 1 to 4 that applies is returned: combine with hc_exit_max(). */
enum hc_exit {
	HC_EXIT_OK = 0,           /* done */
	HC_EXIT_FOUND = 1,        /* done, and the check asked for found something */
	HC_EXIT_USAGE = 2,        /* bad command line, SQL, filter or policy */
	HC_EXIT_DAMAGED = 3,      /* capture damaged or incomplete */
	HC_EXIT_REFUSED = 4,      /* refused by the system */
	HC_EXIT_INTERRUPTED = 130 /* SIGINT before the work was done */
};

/* How the value of an option is parsed and where it goes: the type of the member at `off` is in the comment. */
enum hc_opt_kind {
	HC_OPT_FLAG,     /* bool; takes no value */
	HC_OPT_STR,      /* const char *; borrowed from argv */
	HC_OPT_STRS,     /* struct hc_strs; the option may be repeated */
	HC_OPT_U64,      /* uint64_t; decimal, held against min and max */
	HC_OPT_SIZE,     /* uint64_t bytes; 64MiB, 4KiB, 1GB, 512B */
	HC_OPT_DURATION, /* uint64_t ns; 10s, 5m, 1h30m, 250ms */
	HC_OPT_TIME,     /* struct hc_time_arg; RFC 3339 with zone, @SECONDS[.FRACTION], -10m */
	HC_OPT_CHOICE,   /* unsigned; index of the word in `words` */
	HC_OPT_SHARE     /* struct hc_share_arg; 5% or 2GiB */
};

enum hc_opt_flags {
	HC_OPT_CMDLINE = 1 << 0, /* not a key of a configuration file */
	HC_OPT_LIVE = 1 << 1,    /* a running service takes over another value when it reloads */
	HC_OPT_MAPS = 1 << 2, /* STRS: an item may be a mapping in a file, for the text "key=value; key=value" */
};

/* What completes an option's value or an operand in a shell. */
enum hc_complete {
	HC_COMPLETE_NONE,
	HC_COMPLETE_FILE,
	HC_COMPLETE_DIR,
	HC_COMPLETE_COMMAND /* a program and its arguments */
};

/* Values of a repeated option, in the order given; freed by hc_strs_done. */
struct hc_strs {
	const char **v; /* n pointers, borrowed from argv */
	size_t n;
};

/* A moment on the command line. */
struct hc_time_arg {
	bool set;   /* false while the option was not given */
	int64_t ns; /* UTC, since the epoch; `-10m` has been taken off the time of the call already */
};

/* A part of something whose size is not known yet: one of the two, the other 0. */
struct hc_share_arg {
	uint64_t bytes;
	uint32_t permille;
};

struct hc_err;

struct hc_opt {
	const char *name; /* long name without dashes */
	char letter;      /* short form, or 0 */
	enum hc_opt_kind kind;
	size_t off;        /* of the member in the command's own struct */
	const char *value; /* name of the value in the help, e.g. "DIR"; NULL for a flag */
	const char *help;  /* one line in the imperative, no final period */
	const char *words; /* HC_OPT_CHOICE: "text|json|csv" */
	uint64_t min, max; /* HC_OPT_U64, _SIZE, _DURATION: allowed range; max 0 means no limit */
	enum hc_complete complete;
	unsigned flags; /* enum hc_opt_flags */
	/* Of a STR or of each of STRS: -EINVAL with a sentence when it cannot be understood; NULL: any text will
	 * do. */
	int (*check)(const char *value, struct hc_err *err);
};

struct hc_example {
	const char *what;    /* "record ten seconds of this machine" */
	const char *command; /* "hindcast record -o /var/lib/hindcast --for 10s" */
};

struct hc_command {
	const char *name;
	const char *args;                  /* synopsis: "[-o DIR] [--for DURATION] [-- COMMAND...]" */
	const char *summary;               /* one line in the imperative */
	const char *description;           /* paragraphs separated by an empty line, for --help and the manual */
	const struct hc_opt *opts;         /* ends with .name == NULL; NULL when there are none */
	const struct hc_example *examples; /* ends with .command == NULL */
	const char *exit_notes;            /* what 1 and 3 mean for this command; or NULL */
	const char *words;                 /* that the first operand may be: "start|stop"; or NULL */
	enum hc_complete complete;         /* operands */
	bool hidden;                       /* not in the list of `hindcast help` */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an enum hc_exit */
};

/* Operands that are left after the options. */
struct hc_operands {
	char **v;       /* NULL-terminated, borrowed from argv (which is reordered) */
	int n;          /* all of them */
	int after_dash; /* index of the first that came after `--`; n when there was none */
	bool saw_dash;  /* `--` was given, even with nothing behind it */
};

/* hc_cli_parse returns this when the command shall go on; anything else is its exit code (--help, usage error). */
#define HC_CLI_GO (-1)

/*
 * Parses argv by the table of `cmd` into `opts`, which the caller has filled with the defaults. Options and
 * operands may be mixed until `--`. Handles -h and --help. A usage error is printed, naming the one thing that is
 * wrong.
 */
int hc_cli_parse(const struct hc_command *cmd, int argc, char **argv, void *opts,
                 struct hc_operands *ret_operands);

/* Puts one value into the command's struct, as if it had been given on the command line; value NULL: of a flag.
 * Text is borrowed. -EINVAL, -ERANGE or -ENOMEM with a sentence that does not name the option. */
int hc_opt_set(const struct hc_opt *opt, const char *value, void *opts, struct hc_err *err);
/* Whether an option has the same value in both structs. */
bool hc_opt_equal(const struct hc_opt *opt, const void *a, const void *b);

/* Prints "hindcast COMMAND: message" to stderr and returns HC_EXIT_USAGE. */
int hc_cli_usage(const struct hc_command *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Prints an error of a library to stderr, "file:line:column: message" or "hindcast COMMAND: message", its notes
 * below, with control characters escaped. Returns the exit code that err->code stands for (hc_exit_of).
 */
int hc_cli_error(const struct hc_command *cmd, const struct hc_err *err);

/*
 * 0 done; -EBADMSG, -ENODATA damaged or incomplete; -EINVAL, -ENOTSUP, -E2BIG a bad request; -EINTR interrupted;
 * any other errno: refused by the system. A command that knows better (a policy over a limit, a capture of a newer
 * version) says so itself.
 */
enum hc_exit hc_exit_of(int code);

/* "hindcast: warning: ..." to stderr. */
void hc_cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Text that may hold bytes of a file or a path: what a terminal would obey, and what is not UTF-8, as \xNN or
 * \u{NNNN}. All of the functions above print what they are given this way.
 */
void hc_cli_print_text(FILE *f, const char *text, size_t len);

/* The same of each line of a text, with `lead` before it; all of them end with a newline. */
void hc_cli_print_lines(FILE *f, const char *lead, const char *text);

/* JSON, with the characters that only a terminal obeys as \uNNNN. */
void hc_cli_print_json(FILE *f, const char *json, size_t len);
struct json_object;
/* The same of an object, as a line, which takes it. */
void hc_cli_put_json(FILE *f, struct json_object *take);

void hc_strs_done(struct hc_strs *strs);

static inline int hc_exit_max(int a, int b)
{
	return a > b ? a : b;
}

/* Whether the stream is a terminal that obeys escape sequences: not with TERM=dumb, nor without TERM. */
bool hc_cli_obeys(FILE *f);
/* The same, and colours are wanted: NO_COLOR is respected. */
bool hc_cli_colour(FILE *f);

/* All commands, ends with NULL; in main.c, from commands.def. */
extern const struct hc_command *const hc_commands[];
const struct hc_command *hc_command_find(const char *name);
/* Prints that there is no such command, and which one may be meant; returns HC_EXIT_USAGE. cmd: who was given the
 * name; NULL: hindcast itself. In main.c. */
int hc_cli_unknown_command(const struct hc_command *cmd, const char *name);

/* The one of several names that a misspelt word stands for. Zero-initialise, call hc_cli_nearest() with each name,
 * which is borrowed, then ask. */
struct hc_nearest {
	const char *name;
	unsigned changes; /* of a character; 0: the word is the beginning of the name */
	bool ambiguous;   /* another name is as near */
};
void hc_cli_nearest(struct hc_nearest *best, const char *word, size_t len, const char *name);
/* NULL: no name is near enough, or several are. */
const char *hc_cli_nearest_name(const struct hc_nearest *best);

void hc_help_print(FILE *f, const struct hc_command *cmd);
void hc_help_list(FILE *f);

/* One page in roff: of a command, or of hindcast itself when cmd is NULL. */
void hc_man_print(FILE *f, const struct hc_command *cmd);

/* shell: "bash", "zsh" or "fish". */
int hc_completion_print(FILE *f, const char *shell);

#define HC_COMMAND(name) extern const struct hc_command hc_cmd_##name;
#include "commands.def"
#undef HC_COMMAND

#endif
