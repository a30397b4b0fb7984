/*
 * The IR's inside.
 *
 * A node belongs to a domain and is true or false for each of its entries, and for "no entry": at0. A node on the
 * rows of a type is reached from nodes on dictionaries by LIFT nodes, each a step along one column: LIFT(step,
 * child) is true for an entry when child is true for what the step refers to. Because the child also has a value
 * for "no entry", NOT, AND and OR commute with LIFT, and the constructors use that to move boolean structure to
 * the dictionaries: AND of two LIFTs by the same step is one LIFT of an AND. NOT is moved down to the leaves.
 */
#ifndef HC_REPLAY_IR_PRIV_H
#define HC_REPLAY_IR_PRIV_H

#include "op_priv.h"
#include "replay/ir.h"

enum hc_step_kind { HC_STEP_COL, HC_STEP_ELSE };

/* From the entries of one domain to those of another. */
struct hc_step {
	uint32_t id;
	uint8_t kind;
	uint16_t from, to;           /* domains */
	uint16_t col;                /* HC_STEP_COL */
	const struct hc_path *a, *b; /* HC_STEP_ELSE: rows of `from` along a, where that leads nowhere along b */
};

struct hc_path {
	uint32_t id;
	uint16_t event_type;
	uint16_t dom; /* where it leads */
	uint16_t n_steps;
	bool any;                   /* its last part is "any ancestor of" */
	bool has_any;               /* some part is */
	const struct hc_path *prev; /* NULL: the row */
	const struct hc_step *step; /* NULL: the row, or any */
};

enum hc_access_kind { HC_ACCESS_COL, HC_ACCESS_ROW, HC_ACCESS_LEAF, HC_ACCESS_CONST, HC_ACCESS_ELSE };

struct hc_access {
	uint32_t id;
	uint8_t kind;
	uint8_t vt, item; /* enum hc_vt */
	uint16_t event_type;
	uint16_t col;               /* COL; ROW: enum hc_row_field */
	const struct hc_path *path; /* COL, ROW, LEAF */
	const struct hc_leaf *leaf;
	const void *arg;
	struct hc_value value;         /* CONST */
	const struct hc_access *a, *b; /* ELSE */
};

enum hc_node_kind {
	HC_NODE_FALSE,
	HC_NODE_TRUE,
	HC_NODE_AND,
	HC_NODE_OR,
	HC_NODE_NOT,
	HC_NODE_LIFT,   /* by step */
	HC_NODE_ANYANC, /* PROC: true when the child is for an ancestor */
	HC_NODE_LIST,   /* HC_OBJ_STRS: quantifier over the child on HC_OBJ_STR */
	/* leaves */
	HC_NODE_PRESENT, /* every entry but "no entry" */
	HC_NODE_INT,     /* column of numbers */
	HC_NODE_ROWF,    /* field of the row list */
	HC_NODE_HEAP,    /* the text or bytes itself: HC_OBJ_STR, HC_OBJ_BYTES */
	HC_NODE_INTS,    /* HC_OBJ_INTS: quantifier over numbers */
	HC_NODE_LEAF,    /* computed leaf */
	HC_NODE_CMP,     /* two accesses */
};

/* What it costs to evaluate for one entry: decides on the order in a conjunction, and whether to ask about all
 * entries at once or only about those that matter. */
enum hc_cost { HC_COST_FREE, HC_COST_BULK, HC_COST_TEXT, HC_COST_COMPUTED, HC_COST_REGEX, HC_COST_ROW };

struct hc_node {
	uint32_t id;
	uint8_t kind;
	uint8_t cost; /* enum hc_cost: of the dearest part */
	uint16_t dom; /* unused for TRUE and FALSE */
	uint16_t n_kids;
	uint16_t col;     /* INT: column; ROWF: field; LIST: quantifier; CMP: operator * 2 + quantifier */
	uint16_t skip;    /* CMP: steps of both paths that lead to dom */
	bool at0;         /* value where there is no entry; for rows without meaning */
	bool prunes;      /* in a plan: a block can be told not to have an entry for which it is true */
	uint32_t n_users; /* in a plan: nodes and rules that have it as a part */
	uint32_t leaf_id; /* LEAF: same for the same leaf, argument and domain */
	uint32_t source; /* in a plan: number + 1 of the texts it is found in by scanning; 0: it is asked by itself
	                  */
	float weight;    /* in a plan: guess of the work for one entry, for the order in a conjunction */
	const struct hc_node **kids;
	union {
		const struct hc_step *step;       /* LIFT */
		const struct hc_operand *operand; /* leaves but CMP */
	};
	union {
		const struct hc_leaf *leaf;   /* LEAF */
		const struct hc_access *left; /* CMP */
	};
	union {
		const void *arg;               /* LEAF */
		const struct hc_access *right; /* CMP */
	};
};

struct hc_when {
	uint16_t event_type;
	const struct hc_node *node;
};

struct hc_need {
	uint16_t event_type; /* 0: all */
	const char *fact, *remedy;
	const char *asked; /* the policy's word for it; NULL: none */
};

/* Rows of `general` stand for those of `type` in captures of recorders that do not know it. */
struct hc_former {
	uint16_t type, general;
	const char *lacks; /* what the rule asks for that they do not tell; NULL: nothing */
};

struct hc_ir_rule {
	struct hc_rule_opts opts;
	struct hc_when *when;
	uint32_t n_when;
	struct hc_need *needs;
	uint32_t n_needs;
	struct hc_former *formers;
	uint32_t n_formers;
	const char **reasons; /* NULL-terminated */
	uint32_t n_reasons;
	bool never;
	struct hc_type_set types;
};

struct hc_operand_link {
	struct hc_operand operand;
	struct hc_operand_link *next;
};

/* In the IR's arena. */
struct hc_interned {
	void *object;
	uint32_t key_bytes;
	uint8_t key[];
};

/* The hash stands here, so that what is not it is passed over without a look at it. */
struct hc_interned_slot {
	uint32_t hash;
	uint32_t number; /* in `interned`, + 1; 0: free */
};

struct hc_ir {
	struct hc_arena arena;
	struct hc_err err;
	struct hc_interned_slot *table; /* open addressing; at least half of it stays empty */
	struct hc_interned **interned;  /* as many as half of the table */
	uint32_t n_interned, table_mask;
	const struct hc_node **inverses; /* by id; NULL: not asked for yet */
	size_t n_inverses;
	uint32_t n_steps, n_nodes, n_leaf_ids, n_ids;
	struct hc_operand_link *operands; /* to free what PCRE2 allocated */
	struct hc_match *match;           /* for what constants alone decide; NULL: not needed yet */
	struct hc_ir_rule *rules;
	uint32_t n_rules;
	struct hc_node *yes, *no;
};

#endif
