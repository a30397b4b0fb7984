/*
 * YAML (and so JSON) with places: every node knows the line, column and byte it came from, for all dialects'
 * policy files.
 *
 * Scalars are untyped text; `plain` ones are those that YAML would give a type (a plain ~ or null is HC_YAML_NULL
 * already). Aliases point to the anchor's node, so a document is a graph without cycles. Nothing is trusted: size,
 * depth, number of nodes and the size of what aliases unfold to are limited. Merge keys (<<) are not resolved, of
 * equal keys the first counts.
 */
#ifndef HC_REPLAY_YAML_H
#define HC_REPLAY_YAML_H

#include <stdbool.h>

#include "replay/pool.h"
#include "store/base/arena.h"
#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/base/str.h"

#define HC_YAML_MAX_BYTES (64u << 20)
#define HC_YAML_MAX_DEPTH 64
#define HC_YAML_MAX_NODES (4u << 20) /* aliases unfolded */

enum hc_yaml_kind { HC_YAML_NULL, HC_YAML_SCALAR, HC_YAML_SEQ, HC_YAML_MAP };

struct hc_yaml_node {
	uint8_t kind;                /* enum hc_yaml_kind */
	bool plain;                  /* scalar: not quoted, not a block scalar */
	bool block;                  /* scalar: | or > */
	uint32_t line, column;       /* 1-based; of a block scalar, of its indicator */
	uint32_t off;                /* in the file's bytes, a byte order mark not counted */
	uint32_t n;                  /* items, or pairs */
	uint32_t weight;             /* nodes in it, aliases unfolded */
	struct hc_str text;          /* of a scalar; followed by a NUL that is not counted */
	struct hc_yaml_node **items; /* sequence: n nodes; mapping: n pairs of key and value */
};

struct hc_yaml;

/* Parses all documents. Places in errors carry `file`, which is copied. -EINVAL: not YAML; -E2BIG: over a limit.
 */
int hc_yaml_parse(const char *file, const void *text, size_t n_bytes, struct hc_yaml **ret, struct hc_err *err);
/* The same of a file that need not be UTF-8 and may have control characters, except NUL and EOT: scalars have its
 * bytes. U+0085, U+2028 and U+2029 break no lines there if there is any such byte. */
int hc_yaml_parse_any(const char *file, const void *text, size_t n_bytes, struct hc_yaml **ret,
                      struct hc_err *err);
/* Reads the whole file, at most HC_YAML_MAX_BYTES; "-" is not special. -errno when it cannot be read. The caller
 * frees the text. */
int hc_yaml_read(const char *path, char **ret_text, size_t *ret_bytes, struct hc_err *err);
/* Both: reads and parses. */
int hc_yaml_load(const char *path, struct hc_yaml **ret, struct hc_err *err);
/* The *.yaml and *.yml of a directory in order of their names, "DIR/NAME", NULL-terminated, in the arena; names
 * that begin with a dot are among them. -ENOTDIR: it is none; -errno when it cannot be read. */
int hc_yaml_dir(const char *dir, struct hc_arena *arena, const char *const **ret_paths, struct hc_err *err);
/* The lines of a file alone, without documents: to show one that hc_yaml_parse_any() refused. NULL without memory.
 */
struct hc_yaml *hc_yaml_lines(const char *file, const void *text, size_t n_bytes);
struct hc_yaml *hc_yaml_free(struct hc_yaml *y);
HC_DEFINE_AUTO(struct hc_yaml, hc_yaml_free)

const char *hc_yaml_file(const struct hc_yaml *y);
uint32_t hc_yaml_n_docs(const struct hc_yaml *y);
/* Root of a document; kind HC_YAML_NULL for an empty one. */
const struct hc_yaml_node *hc_yaml_doc(const struct hc_yaml *y, uint32_t i);
/* Value of a key; NULL when there is none or the node is not a mapping. */
const struct hc_yaml_node *hc_yaml_get(const struct hc_yaml_node *map, const char *key);
/* y, yes, true, on and n, no, false, off, in lower, Capitalised or UPPER form. False when it is none of them. */
bool hc_yaml_bool(const struct hc_yaml_node *n, bool *ret);
/* A scalar's text in the arena, terminated, with ${NAME} replaced by the environment's variable; $${ stands for
 * ${. *ret_unset, which may be NULL, is the first name that the environment lacks (.p NULL: none); it counts as
 * empty. -ENOMEM, or -E2BIG: more than max_bytes. */
int hc_yaml_env_text(const struct hc_yaml_node *n, size_t max_bytes, struct hc_arena *arena, struct hc_str *ret,
                     struct hc_str *ret_unset);

/* A file that was read and parsed by hc_yaml_parse_any(), or why it was not. */
struct hc_yaml_source {
	int read;   /* as hc_yaml_read() */
	int parsed; /* as hc_yaml_parse_any() */
	char *text; /* malloc'ed; NULL when it could not be read */
	size_t n_bytes;
	struct hc_yaml *yaml; /* NULL when it could not be parsed */
	struct hc_err why;
};

void hc_yaml_source_read(const char *path, struct hc_yaml_source *ret);
void hc_yaml_source_done(struct hc_yaml_source *s);

/* Files that other threads read and parse before they are asked for. */
struct hc_yaml_ahead;
/* The pool is borrowed until free. NULL when there is nothing to gain, or no memory. */
struct hc_yaml_ahead *hc_yaml_ahead_new(const char *const *paths, size_t n, struct hc_pool *pool);
/* Waits for those that have been begun. */
struct hc_yaml_ahead *hc_yaml_ahead_free(struct hc_yaml_ahead *a);
/* Moves the file out, waiting for it when it has been begun. False: read it yourself. */
bool hc_yaml_ahead_take(struct hc_yaml_ahead *a, const char *path, struct hc_yaml_source *ret);

/* Where in the file the byte `off` of a scalar's text stands; its begin where that cannot be told. */
void hc_yaml_place(const struct hc_yaml *y, const struct hc_yaml_node *n, uint32_t off, uint32_t *ret_line,
                   uint32_t *ret_column);
/* A line of the file, 1-based, without its end; empty when there is none. */
struct hc_str hc_yaml_line(const struct hc_yaml *y, uint32_t line);

#endif
