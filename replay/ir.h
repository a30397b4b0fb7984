/*
 * What a front end builds and the engine evaluates: accesses (how to get a value for a row), atoms (a comparison
 * of one), boolean nodes over them, and rules: for each event type a rule may fire on, one node.
 *
 *     struct hc_ir *ir = hc_ir_new();
 *     for each event type T the rule names:
 *         const struct hc_path *row = hc_path_row(ir, T);
 *         const struct hc_path *proc = hc_path_hop(ir, hc_path_hop(ir, row, HC_COL_TASK), HC_O_TASK_proc);
 *         const struct hc_access *name = hc_access_col(ir, proc, HC_O_PROC_comm);
 *         const struct hc_node *is_bash = hc_node_atom(ir, name, HC_OP_EQ, HC_Q_ANY, 0, &bash, 1, &err);
 *         hc_ir_rule_when(ir, rule, T, hc_node_and(ir, (const struct hc_node *[]){ is_bash, ... }, n));
 *
 * Everything is interned: asking for the same path, access or node twice gives the same pointer, so macros need no
 * care to be shared, between rules, files, dialects and event types. What can be decided for a dictionary entry (a
 * process, a path) is evaluated once per entry of a block whatever the event type; boolean structure is moved to
 * the dictionary too. A front end therefore should express a field as *columns reached by hops* where it can, as a
 * computed leaf on a dictionary entry where it must, and as a computed leaf on the row only where the row itself
 * decides.
 *
 * Two-valued logic: an atom whose value is absent is false, whatever the operator (HC_ATOM_ABSENT_TRUE: true); NOT
 * makes it true. Conditions that depend on the event type alone (evt.type = X) are folded by the front end with
 * hc_node_const.
 *
 * One thread builds; afterwards the IR is only read. All pointers live as long as the IR. Out of memory is sticky:
 * the functions then give NULL (or a node that is false), all of them accept NULL, and hc_ir_error tells at the
 * end.
 */
#ifndef HC_REPLAY_IR_H
#define HC_REPLAY_IR_H

#include "replay/prune.h"
#include "replay/value.h"
#include "store/base/cleanup.h"
#include "store/base/err.h"

struct hc_ir;
struct hc_path;   /* from a row to an entry of a domain */
struct hc_access; /* from a row to a value */
struct hc_node;   /* true or false for a row of one event type */

struct hc_ir *hc_ir_new(void);
struct hc_ir *hc_ir_free(struct hc_ir *ir);
HC_DEFINE_AUTO(struct hc_ir, hc_ir_free)
/* 0, or the first error of any call (-ENOMEM; -EINVAL for what hc_path_*, hc_access_* refused). */
int hc_ir_error(const struct hc_ir *ir, struct hc_err *err);
/* Memory that lives as long as the IR, for what leaves point to. */
struct hc_arena *hc_ir_arena(struct hc_ir *ir);

/* ---- paths ---- */

/* The row itself: where every path begins. */
const struct hc_path *hc_path_row(struct hc_ir *ir, unsigned event_type);
/* Through a column that refers to an object (HC_C_..., HC_COL_TASK, HC_O_...). -EINVAL when it does not. */
const struct hc_path *hc_path_hop(struct hc_ir *ir, const struct hc_path *p, unsigned col);
/* The n-th ancestor by PROC.parent; n = 0 is p itself. p must lead to PROC. */
const struct hc_path *hc_path_ancestor(struct hc_ir *ir, const struct hc_path *p, unsigned n);
/* Any ancestor (not the process itself): an atom over it is true when it is true for at least one. At most one in
 * a path; hc_access_value() takes the nearest ancestor that has the value. */
const struct hc_path *hc_path_any_ancestor(struct hc_ir *ir, const struct hc_path *p);
/* a where it leads somewhere, else b. Both from the same event type and to the same domain: the process after the
 * event where the row has one, else the one before it. */
const struct hc_path *hc_path_else(struct hc_ir *ir, const struct hc_path *a, const struct hc_path *b);

/* ---- accesses ---- */

/* Of a dictionary: the columns (bit n: column n) that tell a value. All 0: any may. */
struct hc_leaf_reads {
	uint64_t cols;
	uint64_t there; /* references of which only matters whether there is one */
	uint64_t bits;  /* of the column of numbers `bits_col`, the bits that matter where `there` is; 0: none */
	uint16_t bits_col;
};

/*
 * A computed value of an entry: the text of a command line, of a socket's tuple, a flag's name. It is asked at
 * most once per entry and block and kept. The function may use anything reachable from the entry, and view memory
 * for texts. A text that is an entry of the block's heap should carry its .ref. Pure: the same entry gives the
 * same value whatever was asked before. Where it looks at few columns of the entry, `reads` says so, and entries
 * that are alike in these are asked about once.
 */
struct hc_leaf {
	const char *name; /* for people: --profile-rules, tests */
	unsigned dom; /* domain of the entries; HC_DOM_ROWS(any) where the function serves rows of several types */
	enum hc_vt type; /* of the value, HC_VT_LIST included */
	enum hc_vt item; /* of a list's items */
	struct hc_leaf_reads reads;
	struct hc_value (*get)(struct hc_view *v, unsigned dom, uint32_t entry, const void *arg);
	/*
	 * Whether some entry of a block may have exactly this text or address as its value, and whether one may
	 * have a text that contains it: false only where the block lacks what such a value is made of. NULL:
	 * always true.
	 */
	bool (*may_be)(struct hc_prune *p, const void *arg, struct hc_str value);
	bool (*may_contain)(struct hc_prune *p, const void *arg, struct hc_str part);
};

/* A column: number, text, bytes or list (by the schema). An address is HC_VT_IP where its format is HC_FMT_IP. */
const struct hc_access *hc_access_col(struct hc_ir *ir, const struct hc_path *p, unsigned col);
/* Of the list of rows; p must be a hc_path_row. */
const struct hc_access *hc_access_row(struct hc_ir *ir, const struct hc_path *p, enum hc_row_field f);
/* leaf and arg are compared by address: static tables, or memory of the IR made once per distinct argument. */
const struct hc_access *hc_access_leaf(struct hc_ir *ir, const struct hc_path *p, const struct hc_leaf *leaf,
                                       const void *arg);
/* A value that does not depend on the row (the event's name): for output, and atoms over it are folded. Copied. */
const struct hc_access *hc_access_const(struct hc_ir *ir, unsigned event_type, const struct hc_value *value);
/* a's value, or b's where a has none; same type. */
const struct hc_access *hc_access_else(struct hc_ir *ir, const struct hc_access *a, const struct hc_access *b);

enum hc_vt hc_access_type(const struct hc_access *a);
/* One value, for output; row is 0-based, as in struct hc_rows. Lives as long as the block is open. */
struct hc_value hc_access_value(struct hc_view *v, const struct hc_access *a, uint32_t row);

/* ---- atoms ---- */

enum hc_op {
	HC_OP_EXISTS,
	HC_OP_EQ,
	HC_OP_NE,
	HC_OP_LT,
	HC_OP_LE,
	HC_OP_GT,
	HC_OP_GE,
	HC_OP_IN,        /* one of the constants */
	HC_OP_CONTAINS,  /* texts and bytes; constants: any of them, for all of the following */
	HC_OP_ICONTAINS, /* ASCII case only */
	HC_OP_STARTSWITH,
	HC_OP_ENDSWITH,
	HC_OP_GLOB,  /* fnmatch() without flags */
	HC_OP_IGLOB, /* with FNM_CASEFOLD */
	HC_OP_REGEX, /* PCRE2, matches the whole text; a subject over the match limit is "no match", counted */
	HC_OP_REGEX_FIND, /* matches somewhere */
	HC_OP_PMATCH, /* by path components: a constant is the text or one of its parents; ? * [ match within one
	               */
	HC_OP_NET, /* an address within one of the networks; constants: bytes of address + 1 byte prefix length */
	HC_OP_MASK_ANY, /* number & constant != 0 */
	HC_OP_MASK_ALL, /* number & constant == constant */
	HC_N_OPS
};

/* How an atom over a list holds: for one item, or for every item (true for an empty list). Ignored for other
 * values. */
enum hc_quant { HC_Q_ANY, HC_Q_ALL };

enum {
	HC_ATOM_ABSENT_TRUE = 1 << 0, /* true where the value is absent */
};

/*
 * access op constants. EQ takes one or more constants as IN does; NE with several is "none of them"; LT.. and MASK
 * take one. Numbers compare by the access's own signedness, texts by bytes, addresses of different length are
 * unequal. Constants are copied. NULL with err filled: an operator that does not fit the type, a regular
 * expression that does not compile.
 */
const struct hc_node *hc_node_atom(struct hc_ir *ir, const struct hc_access *a, enum hc_op op, enum hc_quant q,
                                   unsigned flags, const struct hc_value *consts, size_t n, struct hc_err *err);
/* access op access, of the same event type and comparable types. False where either is absent. Not NET, PMATCH,
 * REGEX. */
const struct hc_node *hc_node_cmp(struct hc_ir *ir, const struct hc_access *a, enum hc_op op, enum hc_quant q,
                                  const struct hc_access *b, struct hc_err *err);

/* ---- boolean structure ---- */

const struct hc_node *hc_node_const(struct hc_ir *ir, bool value);
/* AND of none is true, OR of none is false. Folded: constants, doubles, NOT NOT. */
const struct hc_node *hc_node_and(struct hc_ir *ir, const struct hc_node *const *nodes, size_t n);
const struct hc_node *hc_node_or(struct hc_ir *ir, const struct hc_node *const *nodes, size_t n);
const struct hc_node *hc_node_not(struct hc_ir *ir, const struct hc_node *node);
bool hc_node_is_false(const struct hc_node *node);
bool hc_node_is_true(const struct hc_node *node);
/* Indented text of a node, for tests and people; memory of the IR. */
const char *hc_node_text(struct hc_ir *ir, const struct hc_node *node);

/* ---- rules ---- */

struct hc_rule_opts {
	const char *name;    /* copied, as all texts here */
	const char *policy;  /* file as the user gave it, or NULL */
	uint32_t line;       /* in it; 0 unknown */
	const char *dialect; /* "falco" */
	const char *severity;
	uint32_t group;   /* under first matching, rules of one group compete for an event */
	const void *user; /* the front end's own, for output */
	bool any_type; /* the rule does not name event types: what the capture lacks does not make it unanswerable
	                */
	bool more;     /* further rows of the rule before it: for people the two are one rule */
};

/* Index of the rule: rules are numbered from 0 in the order they are added, which is the order of "first".
 * Negative errno when out of memory. */
int hc_ir_rule_add(struct hc_ir *ir, const struct hc_rule_opts *opts);
/* The rule fires on rows of this type for which node is true. A type whose node is false should be set too when
 * the policy names it: that is what tells "not recorded" from "cannot match". NULL is false. */
void hc_ir_rule_when(struct hc_ir *ir, int rule, unsigned event_type, const struct hc_node *node);
/* The rule fires on rows of that type as well, but does not depend on it: a capture that did not record the type
 * is not said to leave the rule unanswered for that. */
void hc_ir_rule_also(struct hc_ir *ir, int rule, unsigned event_type, const struct hc_node *node);
/*
 * The rule names `type`, whose calls recorders that do not know it by name write as rows of `general`, for which
 * the rule was set, too. Where the type was not known these matter instead. lacks: what the rule asks of `type`
 * that such a row does not tell, for people; empty: nothing.
 */
void hc_ir_rule_formerly(struct hc_ir *ir, int rule, unsigned type, unsigned general, struct hc_str lacks);
/*
 * The rule needs more of a type than its rows: the name of a fact as meta_config has it ("env", "data", "path",
 * ...). "container.mounts" is a part of "container": who recorded the whole has the part. event_type 0: of every
 * type the rule fires on. remedy: the recorder's option, for people ("--env all"). asked: what in the rule needs
 * it, for people, or NULL.
 */
void hc_ir_rule_needs(struct hc_ir *ir, int rule, unsigned event_type, const char *fact, const char *remedy,
                      struct hc_str asked);
/* Whatever the capture, this rule cannot be answered: a field or event the front end has no source for. Several
 * reasons may be given. The rule is evaluated all the same unless `never` is set. */
void hc_ir_rule_unanswerable(struct hc_ir *ir, int rule, bool never, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

uint32_t hc_ir_n_rules(const struct hc_ir *ir);
uint32_t
hc_ir_n_whole(const struct hc_ir *ir); /* as people count them: without those that are `more` of another */
/* Lives as long as the IR. */
const struct hc_rule_opts *hc_ir_rule(const struct hc_ir *ir, uint32_t rule);
/* NULL-terminated; empty when the front end could express all of it. */
const char *const *hc_ir_rule_reasons(const struct hc_ir *ir, uint32_t rule);
/* Types the rule was set for, false ones included; not those of hc_ir_rule_also. */
struct hc_type_set hc_ir_rule_types(const struct hc_ir *ir, uint32_t rule);

#endif
