/*
 * Falco rules and filters.
 *
 *     struct hc_falco *f = hc_falco_new(&opts);
 *     hc_falco_load(f, "rules.yaml", &err);       each file in order; diagnostics pile up
 *     hc_falco_build(f, ir, &err);                one IR rule per enabled Falco rule
 *     ... replay; for each alert:
 *     hc_falco_alert(f, alert, HC_FALCO_JSON, arena, &text, &err);
 *
 * One thread loads and builds. Rendering is thread-safe. The behaviour is Falco's where docs/falco-compat.md does
 * not say otherwise.
 */
#ifndef HC_REPLAY_FALCO_H
#define HC_REPLAY_FALCO_H

#include "replay/ir.h"
#include "replay/replay.h"

struct hc_falco;

/* Rules to switch on or off, in order, after the minimum priority; a name may hold * wildcards. */
struct hc_falco_select {
	bool enable;
	const char *rule; /* or NULL */
	const char *tag;  /* or NULL */
};

/* append_output of Falco's configuration. Everything borrowed. */
struct hc_falco_append {
	const char *rule, *source;       /* or NULL */
	const char *const *tags;         /* NULL-terminated, or NULL */
	const char *extra_output;        /* or NULL */
	const char *const *extra_fields; /* NULL-terminated: "proc.cwd", or "name=format" */
	bool suggested_output;
};

struct hc_falco_opts {
	const char *min_priority; /* NULL: debug, everything */
	const struct hc_falco_select *selects;
	size_t n_selects;
	const struct hc_falco_append *appends;
	size_t n_appends;
	bool time_iso_8601;
	bool buffer_base64;                                              /* bytes in outputs in base64 */
	bool json_no_output, json_no_fields, json_no_tags, json_message; /* json_include_* properties */
	const char *hostname;                                            /* for JSON alerts; NULL: left out */
	bool first_error; /* read a file up to its first error, as Falco does: lists, macros and rules behind it
	                     are not there for later files */
	bool sane; /* without the defects of the original that docs/falco-compat.md lists: fd.ip in (...) and
	              fd.net in (...) */
};

/* Whether it names one of Falco's priorities. */
bool hc_falco_is_priority(const char *word);

/* Whether a rule has that name; * in the pattern stands for any text. */
bool hc_falco_name_matches(const char *pattern, struct hc_str name);

struct hc_falco *hc_falco_new(const struct hc_falco_opts *opts); /* NULL when out of memory; opts may be NULL */
struct hc_falco *hc_falco_free(struct hc_falco *f);
HC_DEFINE_AUTO(struct hc_falco, hc_falco_free)

/*
 * Reads a rules file and compiles all that was loaded so far. 0 when it loads, with or without warnings; -EINVAL
 * when it does not: err holds the first error, the diagnostics all of them. More files can be loaded to hear what
 * is wrong with them, on top of what was read; rules can be built no more.
 */
int hc_falco_load(struct hc_falco *f, const char *path, struct hc_err *err);
/* Files that will be loaded are read and parsed on other threads meanwhile, those of the pool, which is borrowed
 * until free. What is loaded, and what is said of it, stays the same. */
void hc_falco_read_ahead(struct hc_falco *f, const char *const *paths, size_t n, struct hc_pool *pool);
int hc_falco_load_text(struct hc_falco *f, const char *name, const void *text, size_t n_bytes, struct hc_err *err);

struct hc_falco_diag {
	bool is_error;
	bool beyond;      /* Falco stops before it: a later error of the same file */
	bool repeated;    /* said for an earlier file already */
	const char *code; /* "LOAD_ERR_VALIDATE" */
	const char *message;
	const char *item_type,
		*item_name; /* the list, macro or rule; name may be empty. NULL: it is about the file */
	const char *file;   /* of the load; line and column may be of an earlier file: see place_file */
	const char *place_file;
	uint32_t line, column;        /* 1-based; 0 unknown */
	const char *deprecated_field; /* or NULL */
};

uint32_t hc_falco_n_diags(const struct hc_falco *f);
/* Lives until the next load. */
const struct hc_falco_diag *hc_falco_diag(const struct hc_falco *f, uint32_t i);
/* Was it said for the file that was loaded last? */
bool hc_falco_in_last_file(const struct hc_falco *f, const struct hc_falco_diag *d);
/* "file:line:column: error: message [CODE]", then the line and a caret below; in the arena, with newlines at the
 * ends. */
const char *hc_falco_diag_text(const struct hc_falco *f, const struct hc_falco_diag *d, struct hc_arena *arena);
/* Falco's validation result, {"falco_load_results": [...]}, for all files loaded; in the arena. NULL when out of
 * memory. */
const char *hc_falco_results_json(const struct hc_falco *f, struct hc_arena *arena);

/* Rules loaded, disabled ones included, in the order in which Falco tries them. */
struct hc_falco_rule {
	const char *name, *desc, *output, *condition, *priority, *source;
	const char *file;
	uint32_t line;
	const char *const *tags; /* sorted, NULL-terminated */
	bool enabled;
	int ir_rule; /* index in the IR; -1 before the build, or when disabled */
};
uint32_t hc_falco_n_rules(const struct hc_falco *f);
const struct hc_falco_rule *hc_falco_rule(const struct hc_falco *f, uint32_t i);

/*
 * Adds the enabled rules, in order. What they need that no capture has is told with hc_ir_rule_unanswerable, what
 * a capture may lack with hc_ir_rule_needs. opts.user of a rule is its struct hc_falco_rule.
 */
int hc_falco_build(struct hc_falco *f, struct hc_ir *ir, struct hc_err *err);

enum hc_falco_form { HC_FALCO_TEXT, HC_FALCO_JSON };
/* One line without its newline, in the arena: what Falco prints. */
int hc_falco_alert(const struct hc_falco *f, const struct hc_alert *a, enum hc_falco_form form,
                   struct hc_arena *arena, struct hc_str *ret, struct hc_err *err);
/* The message alone: the rule's output, rendered. */
int hc_falco_message(const struct hc_falco *f, const struct hc_alert *a, struct hc_arena *arena,
                     struct hc_str *ret, struct hc_err *err);
/* What an alert's own JSON says of the rule's output, "message":"...","fields":{...}, without braces. fields are
 * the output_fields of HC_FALCO_JSON; null where opts leave them out. In the arena. */
int hc_falco_members(const struct hc_falco *f, const struct hc_alert *a, struct hc_arena *arena,
                     struct hc_str *ret, struct hc_err *err);

/* ---- filters and formats: `hindcast events` ---- */

/*
 * Adds one rule to the IR that is true where the filter is. Beside Falco's names evt.type takes those of our own
 * events. filter NULL: all rows. -EINVAL: err has "filter" as file and the column, notes the line with a caret.
 * Returns the rule's index.
 */
int hc_falco_filter_compile(struct hc_ir *ir, const char *filter, struct hc_err *err);

struct hc_falco_format;
/* As Falco's output formats; a leading * prints absent values as <NA>, else such a line is left out. Lives as long
 * as ir. */
int hc_falco_format_compile(struct hc_ir *ir, const char *format, struct hc_falco_format **ret,
                            struct hc_err *err);
/* 1 a line, 0 it is left out. */
int hc_falco_format_render(const struct hc_falco_format *f, struct hc_view *v, unsigned event_type, uint32_t row,
                           struct hc_arena *arena, struct hc_str *ret, struct hc_err *err);
/* The fields of the format as one JSON object. */
int hc_falco_format_json(const struct hc_falco_format *f, struct hc_view *v, unsigned event_type, uint32_t row,
                         struct hc_arena *arena, struct hc_str *ret, struct hc_err *err);

#define HC_FALCO_DEFAULT_FORMAT \
	"*%evt.num %evt.outputtime %evt.cpu %proc.name (%thread.tid) %evt.dir %evt.type %evt.info"

#endif
