/* Conditions as trees, and the texts they are read from: texts put together from pieces of files, knowing where
 * each came from. */
#ifndef HC_FALCO_AST_H
#define HC_FALCO_AST_H

#include "replay/yaml.h"
#include "store/base/arena.h"

/* A byte of the text at or after `at` came from byte off + (its position - at) of the node; fixed: from byte off.
 */
struct fspan {
	uint32_t at, off;
	const struct hc_yaml *yaml;
	const struct hc_yaml_node *node; /* NULL: of no file */
	bool fixed;
};

/* Grows in an arena: pieces are only added. */
struct ftext {
	struct hc_arena *arena;
	char *p;
	uint32_t len, cap, n_spans, cap_spans;
	struct fspan *spans;
	bool failed; /* out of memory, or over the limit */
};

#define FTEXT_MAX_BYTES (16u << 20)

void ftext_init(struct ftext *t, struct hc_arena *arena);
/* Bytes that come from no file, or from one place of it. */
void ftext_add(struct ftext *t, struct hc_str s, const struct hc_yaml *yaml, const struct hc_yaml_node *node,
               uint32_t off, bool fixed);
void ftext_add_node(struct ftext *t, const struct hc_yaml *yaml, const struct hc_yaml_node *node);
/* Makes room for so many bytes and pieces more, so that they are added without copying what is there. A hint:
 * without it, or with less, texts grow as they need. */
void ftext_expect(struct ftext *t, size_t n_bytes, size_t n_pieces);
/* A part of another text, places included. */
void ftext_add_part(struct ftext *t, const struct ftext *from, uint32_t begin, uint32_t end);
struct hc_str ftext_str(const struct ftext *t);
/* False when the byte came from no file. */
bool ftext_place(const struct ftext *t, uint32_t at, const struct hc_yaml **ret_yaml, uint32_t *ret_line,
                 uint32_t *ret_column);

enum fop {
	FOP_NONE,
	FOP_EXISTS,
	FOP_LE,
	FOP_LT,
	FOP_GE,
	FOP_GT,
	FOP_EQ,
	FOP_NE,
	FOP_GLOB,
	FOP_IGLOB,
	FOP_CONTAINS,
	FOP_ICONTAINS,
	FOP_BCONTAINS,
	FOP_STARTSWITH,
	FOP_BSTARTSWITH,
	FOP_ENDSWITH,
	FOP_REGEX,
	FOP_INTERSECTS,
	FOP_IN,
	FOP_PMATCH,
	FOP_N
};

enum fmod { FMOD_NONE, FMOD_ONEOF, FMOD_ANYOF, FMOD_ALLOF };

enum ftr {
	FTR_VAL,
	FTR_TOLOWER,
	FTR_TOUPPER,
	FTR_B64,
	FTR_BASENAME,
	FTR_LEN,
	FTR_JOIN,
	FTR_CONCAT,
	FTR_GETOPT,
	FTR_N
};

const char *fop_name(enum fop op);
/* By the word of a rules file ("startswith", "="), FOP_NONE when it is none. */
enum fop fop_find(struct hc_str word);
const char *ftr_name(enum ftr t);

enum fval_kind { FVAL_FIELD, FVAL_TRANSFORM, FVAL_CONST, FVAL_LIST };

struct fval {
	uint8_t kind; /* enum fval_kind */
	uint8_t tr;   /* enum ftr */
	bool has_arg;
	uint32_t pos, end;  /* in the text */
	struct hc_str name; /* field, or text of a constant */
	struct hc_str arg;  /* between the brackets */
	const struct fval **kids;
	uint32_t n;
};

enum fast_kind { FAST_AND, FAST_OR, FAST_NOT, FAST_MACRO, FAST_CHECK };

struct fast {
	uint8_t kind; /* enum fast_kind */
	uint8_t op, mod;
	bool list; /* right side in parentheses, or a list operator's */
	uint32_t pos;
	struct hc_str name; /* of a macro */
	struct fast **kids;
	uint32_t n;
	const struct fval *lhs;
	const struct fval *rhs;     /* a field or transformer, or NULL */
	const struct fval **consts; /* else these */
	uint32_t n_consts;
	/* Used by the compiler: */
	const struct ftext *text; /* that pos counts in */
	const struct fast *macro; /* what the name stands for, once resolved */
	void *typed;              /* struct fx, made once */
	unsigned mark;
	bool quiet[2]; /* there is nothing to warn of in it, before and after its constants are asked */
};

struct fparse_err {
	uint32_t pos;
	char msg[512];
};

#define FPARSE_MAX_DEPTH 1000
#define FPARSE_TOKEN_DEPTH 100

/* -EINVAL with e filled, -ENOMEM. text must outlive the tree. */
int falco_parse(const struct ftext *text, struct hc_arena *arena, struct fast **ret, struct fparse_err *e);
/*
 * The longest beginning of s that is a field or a transformer, as in a format string: *ret_len is its length.
 * accept says whether it names something that exists. False when no beginning does.
 */
bool falco_parse_token(struct hc_str s, struct hc_arena *arena, bool (*accept)(void *ctx, const struct fval *v),
                       void *ctx, const struct fval **ret, uint32_t *ret_len);

#endif
