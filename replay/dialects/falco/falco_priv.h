/* A set of loaded rules files: what was read (load.c) and what became of it (compile.c, build.c). */
#ifndef HC_FALCO_PRIV_H
#define HC_FALCO_PRIV_H

#include "replay/dialects/falco/check.h"
#include "replay/falco.h"

#define ENGINE_MAJOR 0
#define ENGINE_MINOR 63
#define ENGINE_PATCH 0

#define MAX_TREE_DEPTH 4000       /* macros substituted */
#define MAX_LIST_ITEMS (2u << 20) /* of one list, lists in it substituted */
#define MAX_COMPILE_BYTES (1u << 30)

/* Place of something in a file. */
struct fplace {
	const struct hc_yaml *yaml;
	const struct hc_yaml_node *node;
};

struct fitem {
	struct hc_str text;
	struct fplace place;
};

/* Lists that stand in a text. */
struct flist_use {
	struct flist_use *next;
	struct flist *list;
};

struct flist {
	struct hc_str name;
	uint32_t index, visibility;
	struct fitem *items;
	uint32_t n, cap;
	struct fplace place;
	bool used;
	/* of the last compilation */
	struct fitem *full;
	uint32_t n_full;
	bool same; /* as in the one before */
};

struct fmacro {
	struct hc_str name;
	uint32_t index, visibility;
	struct ftext cond;
	struct fplace place, cond_place;
	bool used;
	/* of the last compilation */
	struct ftext full;
	struct fast *tree;
	uint32_t depth, pass;
	bool done, failed, on_path;
	struct flist_use *uses;
	bool kept; /* from the one before */
	bool same; /* kept, or of the same text */
	bool deep; /* the same with all macros in it, as was found in the compilation of that number */
	uint32_t deep_in;
};

struct fexception {
	struct hc_str name;
	struct fplace place;
	bool single; /* fields is a scalar */
	bool has_fields, has_comps, comps_single;
	struct fitem *fields, *comps;
	uint32_t n_fields, n_comps;
	const struct hc_yaml_node **values;
	struct fplace *value_places;
	uint32_t n_values, cap_values;
};

struct fformat;

/* append_output's extra_fields. */
struct fextra {
	struct hc_str key;
	struct fformat *format;
	bool raw; /* one field, with its type */
	struct fbound *bound, *bound_child;
};

struct frule {
	struct hc_str name; /* first in all three tables' entries */
	struct hc_falco_rule pub;
	struct hc_str source;
	uint32_t index, visibility;
	struct ftext cond, output, desc;
	uint8_t priority;
	bool enabled, capture, warn_evttypes, skip_if_unknown, unknown_source;
	uint32_t capture_duration;
	struct hc_str *tags;
	uint32_t n_tags, cap_tags;
	struct fexception *exceptions;
	uint32_t n_exceptions, cap_exceptions;
	struct fplace place, cond_place, output_place;
	/* of the last compilation */
	struct ftext full;
	struct fast *ast;
	struct flist_use *uses;
	struct fx *tree;
	struct fformat *format;
	bool dropped, clean;   /* nothing was said of it */
	struct fextra *extras; /* more keys of output_fields */
	uint32_t n_extras;
	/* of the build */
	size_t switched; /* when a selection switched it on; 0: it ran without one */
	struct fbound *bound, *bound_child;
};

/* Entries in the order of their first definition; each begins with its name. */
struct fnames {
	void **v;
	uint32_t n, cap;
	uint32_t *hash; /* by name: index + 1 */
	uint32_t hash_size;
};

struct flevel {
	const char *type, *name, *file; /* of the files that are kept */
	uint32_t line, column;          /* 1-based; 0: unknown */
	uint64_t off;
};

struct fdiag {
	struct hc_falco_diag pub;
	const struct hc_yaml_node *node;
	struct flevel *levels; /* of what the file has, the outermost first */
	uint32_t n_levels;     /* 0: it is about the file */
};

struct hc_falco {
	struct hc_arena arena; /* until free */
	struct hc_arena work;  /* of the last compilation */
	struct hc_arena
		pieces[2]; /* of a text while lists are put into it: what was there, and what comes of it */
	struct hc_falco_opts opts;
	uint8_t min_priority;
	struct hc_yaml_ahead *ahead; /* NULL: files are read when they are loaded */
	struct hc_yaml **yamls;
	uint32_t n_yamls;
	struct fnames lists, macros, rules;
	bool has_odd_lists;         /* with names that are no words */
	uint64_t list_lengths[256]; /* by the first byte of a list's name: bits for its length, modulo 64 */
	uint32_t counter, compiled; /* of definitions: all, and those of the last compilation */
	uint32_t n_compilations;
	uint32_t n_kept; /* rules, in the last one */
	bool keeps;      /* what has not changed since then is taken over */
	bool whole;      /* nothing ever is: for tests */
	struct fdiag *diags;
	uint32_t n_diags, cap_diags;
	/* of the build: by IR rule */
	struct fbuilt {
		struct frule *rule;
		bool child; /* the event of the new process */
	} * built;
	uint32_t n_built;
	uint32_t first_diag; /* of the file being read */
	struct ffile {
		const char *name;
		uint32_t first_diag;
	} * files;
	uint32_t n_files;
	const char *file;
	bool failed;      /* in any file */
	bool file_failed; /* in this one */
	bool no_memory;
	struct fbroken {
		struct fbroken *next;
		struct hc_str name; /* empty: not even that was readable */
	} * broken;
	uint32_t pass;
};

static inline struct flist *falco_list_at(const struct hc_falco *f, uint32_t i)
{
	return f->lists.v[i];
}

static inline struct fmacro *falco_macro_at(const struct hc_falco *f, uint32_t i)
{
	return f->macros.v[i];
}

static inline struct frule *falco_rule_at(const struct hc_falco *f, uint32_t i)
{
	return f->rules.v[i];
}

/* What a diagnostic is about, in Falco's terms: part of the item `in`, and so on up to the file. */
struct fcontext {
	const char *type;
	struct hc_str name;
	struct fplace place;
	const struct hc_yaml_node *point; /* a closer place, for people; NULL: there is none */
	const struct fcontext *in;        /* NULL: of the file itself */
};

/* printf-like; at an offset into the place's scalar. Errors set file_failed. */
void falco_diag_put(struct hc_falco *f, bool is_error, const char *code, const struct fcontext *c, const char *fmt,
                    ...) __attribute__((format(printf, 5, 6)));
/* The same at a place of a text. */
void falco_diag_text_put(struct hc_falco *f, bool is_error, const char *code, const struct fcontext *c,
                         const struct ftext *text, uint32_t pos, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
/* The same as expressions that are false. */
#define falco_diag(...) (falco_diag_put(__VA_ARGS__), false)
#define falco_diag_text(...) (falco_diag_text_put(__VA_ARGS__), false)
void falco_diag_field(struct hc_falco *f, const char *field); /* of the last diagnostic */
/* Is nothing left out that is said of this file? */
bool falco_diags_all(const struct hc_falco *f);

const char *falco_priority_name(unsigned priority);
bool falco_priority_parse(struct hc_str word, uint8_t *ret);

/* Tables by name. */
struct flist *falco_list(const struct hc_falco *f, struct hc_str name);
struct fmacro *falco_macro(const struct hc_falco *f, struct hc_str name);
struct frule *falco_rule(const struct hc_falco *f, struct hc_str name);

/* Is there a macro of that name that did not load? */
bool falco_is_broken(const struct hc_falco *f, struct hc_str name);
/* Fills in what callers see of the rules. */
bool falco_publish(struct hc_falco *f);
/* Compiles all that was read. False when something failed. */
bool falco_compile(struct hc_falco *f);
/* Is the field's name one that an exception may use? As `X exists` would compile. */
bool falco_is_field(struct hc_str text, struct hc_arena *arena);

/* ---- formats ---- */

struct ftoken {
	const struct fx_val *val; /* NULL: literal text */
	struct hc_str text;       /* literal, or the token's printed form */
	uint32_t width;           /* 0: none */
	bool inner; /* field within the transformer before it: not printed, but one of the alert's fields */
};

struct fformat {
	struct ftoken *tokens;
	uint32_t n;
	bool keep;         /* prints absent values as <NA> instead of leaving the line out */
	bool with_defects; /* as the original, also where it prints what it did not mean to */
};

/* A format with the accesses of its tokens, per event type. */
struct fbinder;
struct hc_access;
struct fbound {
	const struct fformat *format;
	const struct hc_access **by_type[HC_EV_MAX]; /* per token; NULL: not bound for the type */
};

struct fbound *falco_format_bind(struct hc_arena *arena, const struct fformat *f);
/* For the binder's event type; false when out of memory. */
bool falco_format_bind_type(struct fbound *bound, struct fbinder *b);

struct fjson;
/* False: a value is missing and the format does not keep such lines. */
bool falco_format_put(const struct fbound *f, struct hc_view *v, unsigned type, uint32_t row, struct fjson *out);
/* The distinct fields of formats as one JSON object, keys sorted. time_key: added with the event's time; NULL:
 * none. */
void falco_fields_put(const struct fbound *const *formats, uint32_t n, const struct fextra *extras,
                      uint32_t n_extras, bool child, const char *time_key, struct hc_view *v, unsigned type,
                      uint32_t row, int64_t wall_ns, struct fjson *out);

/* False with c filled. */
bool falco_format_parse(struct hc_str text, struct fcheck *c, struct fformat **ret);

#endif
