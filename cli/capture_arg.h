/* The capture that a command reads: opening it, and telling in the end what of it could not be read. */
#ifndef HC_CLI_CAPTURE_ARG_H
#define HC_CLI_CAPTURE_ARG_H

#include "cmd.h"
#include "replay/scope.h"
#include "store/capture.h"

/* HC_CLI_GO, or the exit code after the error was printed. That the index was of no use is a warning. */
int hc_cli_capture_open(const struct hc_command *cmd, const char *path, unsigned flags, struct hc_capture **ret);
/*
 * The same in two steps: the first says nothing, and may be done by another thread while there is something else
 * to do; what is to be said comes with the second. One that is not taken is closed by hc_capture_close().
 */
struct hc_cli_capture {
	const char *path; /* borrowed; NULL: nothing was opened */
	struct hc_capture *capture;
	int result;
	struct hc_err err;
};
void hc_cli_capture_ahead(struct hc_cli_capture *ahead, const char *path, unsigned flags);
int hc_cli_capture_take(const struct hc_command *cmd, struct hc_cli_capture *ahead, struct hc_capture **ret);
/* Adds to the error of opening `path` what can be done about it. */
void hc_cli_capture_hint(const char *path, struct hc_err *err);
/* Prints the capture's problems to stderr, closes it, and returns the higher of `code` and 3 if there were any. */
int hc_cli_capture_close(struct hc_capture *c, int code);

/* Whose events are asked for. */
struct hc_cli_scope {
	struct hc_scope scope;
	char *text; /* of scope, the caller's to free; NULL: everybody's */
};
static inline const struct hc_scope *hc_cli_scope(const struct hc_cli_scope *s)
{
	return s->text ? &s->scope : NULL;
}

/*
 * --capture NAME: narrows [*since, *until) to the span of the on-demand capture of that name in `c`, and with
 * in_scope the events to those of its scope: *ret_scope, which is filled in any case. name NULL: leaves them as
 * they are. HC_CLI_GO, or the exit code after the error was printed: there is no such capture (the ones there are,
 * are named).
 */
int hc_cli_capture_range(const struct hc_command *cmd, struct hc_capture *c, const char *name, bool in_scope,
                         struct hc_time_arg *since, struct hc_time_arg *until, struct hc_cli_scope *ret_scope);
#define HC_CLI_CAPTURE_OPT(member)                                                                            \
	{                                                                                                     \
		.name = "capture", .kind = HC_OPT_STR, .off = offsetof(struct args, member), .value = "NAME", \
		.help = "leave out what is not of the time of this on-demand capture"                         \
	}

#define HC_CLI_SCOPE_OPT(member)                                                               \
	{                                                                                      \
		.name = "in-scope", .kind = HC_OPT_FLAG, .off = offsetof(struct args, member), \
		.help = "with --capture: leave out what others did than its scope"             \
	}

/*
 * --metadata known|as-of: what is known of containers. Initialise the member with HC_METADATA_NOT_SAID: it means
 * known, but of an import as its recorder knew it, and as-of with --follow, which cannot know what comes.
 */
enum hc_cli_metadata { HC_METADATA_KNOWN, HC_METADATA_AS_OF, HC_METADATA_NOT_SAID };
#define HC_CLI_METADATA_OPT(member)                                                                               \
	{                                                                                                         \
		.name = "metadata", .kind = HC_OPT_CHOICE, .off = offsetof(struct args, member), .value = "WHEN", \
		.words = "known|as-of",                                                                           \
		.help = "take of containers and pods what was ever learnt (known), or what the recorder knew at " \
			"each event (as-of)"                                                                      \
	}
/* Before blocks are read. HC_CLI_GO, or the exit code after the error was printed. */
int hc_cli_capture_metadata(const struct hc_command *cmd, struct hc_capture *c, unsigned metadata, bool follow);

/* "2024-05-01 12:00:00.123 UTC" */
#define HC_TIME_TEXT 48
const char *hc_time_text(int64_t wall_ns, char buf[HC_TIME_TEXT]);
/* "12.3 MiB", "712 B" */
const char *hc_bytes_text(uint64_t bytes, char buf[32]);
/* "1,234,567" */
const char *hc_count_text(uint64_t n, char buf[32]);
/* "9.8 s", "3 min 20 s", "2 h 5 min" */
const char *hc_span_text(uint64_t ns, char buf[48]);

#endif
