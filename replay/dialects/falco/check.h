/* Conditions with their fields looked up and their constants read: what does not depend on the capture. */
#ifndef HC_FALCO_CHECK_H
#define HC_FALCO_CHECK_H

#include "replay/dialects/falco/ast.h"
#include "replay/dialects/falco/table.h"
#include "replay/value.h"

enum farg { FARG_NONE, FARG_INDEX, FARG_NAME };

/* A field as a rule names it. */
struct fref {
	uint16_t id;  /* enum ffield_id */
	uint8_t arg;  /* enum farg */
	uint8_t type; /* enum ftype: of evt.rawarg that of its parameter */
	uint32_t index;
	struct hc_str name; /* argument as text, for FARG_INDEX too */
	struct hc_str text; /* as it is printed: "proc.aname[2]" */
};

enum flookup { FLOOKUP_OK, FLOOKUP_NONE, FLOOKUP_ERROR };

/* FLOOKUP_NONE: there is no such field; FLOOKUP_ERROR: msg says what is wrong with it. */
enum flookup falco_field_find(struct hc_str name, bool has_arg, struct hc_str arg, struct hc_arena *arena,
                              struct fref *ret, char *msg, size_t msg_bytes);

struct fx_val {
	uint8_t kind; /* enum fval_kind */
	uint8_t tr;   /* enum ftr */
	uint8_t type; /* enum ftype */
	bool list;
	bool has_opt; /* getopt(...)[c] */
	struct fref field;
	struct hc_str text; /* of a constant; the option of getopt */
	const struct fx_val **kids;
	uint32_t n;
};

enum fx_kind { FX_AND, FX_OR, FX_NOT, FX_TEST };

struct fx {
	uint8_t kind; /* enum fx_kind */
	uint8_t op, mod;
	struct fx **kids;
	uint32_t n;
	const struct fx_val *lhs, *rhs; /* rhs: of a comparison with another field */
	struct hc_value *consts;        /* read by the type of lhs; regular expressions translated */
	struct hc_str *texts;           /* the constants as written */
	uint32_t n_consts;
	/* Marks of walks over the graph, which macros share. */
	bool has_codes;
	struct code_set codes[2]; /* that it can match, and that its negation can */
	const void *memo;         /* struct hc_node, for memo_type */
	uint32_t memo_type, mark[2];
};

struct fcheck {
	struct hc_arena *arena;
	char msg[512];
	bool skippable; /* the field or event is unknown: a rule may ask to be passed over */
	uint32_t pos;
	const struct ftext *text;
	bool no_memory;
	bool own_events; /* evt.type accepts the names of our own events too */
	bool any_length; /* of constants; else MAX_CONST */
};

/* Types a resolved tree; NULL with c filled. */
struct fx *falco_check(struct fcheck *c, struct fast *tree);
/* One field or transformer, as in a format; types are checked too. */
const struct fx_val *falco_check_val(struct fcheck *c, const struct fval *v);
/* Reads a constant for a field of that type and that operator. False with msg filled. */
bool falco_const_read(enum ftype type, enum fop op, struct hc_str text, struct hc_arena *arena,
                      struct hc_value *ret, char *msg, size_t msg_bytes);
/* Event codes that the tree can match. */
struct code_set falco_codes(struct fx *x);
/* Of POSIX syntax as RE2 reads it, into PCRE2; false with msg filled. */
bool falco_regex_translate(struct hc_str pattern, struct hc_arena *arena, struct hc_str *ret, char *msg,
                           size_t msg_bytes);

#endif
