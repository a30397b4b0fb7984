/*
 * A plan: copies of the nodes in use, close together and in the order in which they are visited (with a thousand
 * rules, half the time went into fetching scattered nodes), members of AND and OR in order of cost, ids without
 * gaps; the rules by event type; and one table of all texts that rules ask for by equality.
 */
#ifndef HC_REPLAY_PLAN_PRIV_H
#define HC_REPLAY_PLAN_PRIV_H

#include "ir_priv.h"
#include "replay/plan.h"
#include "textset.h"

/* A rule on one event type. */
struct hc_entry {
	uint32_t rule;
	uint32_t group; /* renumbered from 0 */
	const struct hc_node *node;
};

/* A text that some leaf compares with. */
struct hc_literal {
	struct hc_str text;
	uint64_t hash;
};

/*
 * Texts that several nodes look into: the heap, or the values of one computed leaf. An entry is scanned once for
 * the literals of all of them.
 */
struct hc_source {
	const struct hc_node *leaf; /* one of the nodes, for its leaf; NULL for the heap of strings */
	struct hc_textset *set;     /* numbers are ids of nodes */
	uint32_t *exists, n_exists; /* nodes that only ask whether there is a value */
	uint32_t n_nodes;
	uint32_t alike; /* number + 1 of what its leaf reads; 0: each entry is asked about */
};

/* What tells some leaf's value. */
struct hc_plan_reads {
	unsigned dom;
	const struct hc_leaf_reads *reads;
};

struct hc_plan {
	const struct hc_ir *ir;
	enum hc_matching matching;
	struct hc_arena arena;
	struct hc_type_set types;
	struct hc_type_set prunes;     /* types on which a block can be told not to have a hit for any rule */
	struct hc_entry *entries;      /* by type, then rule */
	uint32_t first[HC_EV_MAX + 1]; /* of each type */
	uint32_t n_groups;
	struct hc_node *nodes; /* by id */
	uint32_t n_nodes;
	struct hc_source *sources; /* 0 is the heap, the others by leaf id + 1 */
	uint32_t n_sources;
	struct hc_plan_reads *alike;
	uint32_t n_alike;
	struct hc_literal *literals;
	uint32_t n_literals;
	uint32_t *literal_set, literal_mask; /* open addressing, index + 1 */
	uint64_t *sieve;                     /* bits of the hashes: most texts are none of ours */
	uint32_t sieve_shift;
	uint32_t **node_literals; /* by node: its literals, by constant */
	uint32_t *leaf_users;     /* by leaf_id: nodes that ask for it */
};

#endif
