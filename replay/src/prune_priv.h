/* Pruning, as the plan and the evaluator see it. */
#ifndef HC_REPLAY_PRUNE_PRIV_H
#define HC_REPLAY_PRUNE_PRIV_H

#include "plan_priv.h"
#include "replay/prune.h"

#define HC_PRUNE_MAX_PARTS 32u       /* looked for in one block */
#define HC_PRUNE_MAX_PART_BYTES 128u /* of one whose answer is kept */

struct hc_prune {
	struct hc_block *block;
	bool deep;       /* heaps are looked through */
	bool asks_parts; /* that would tell more */
	uint8_t *known;  /* by node: 0 not asked, 1 cannot be true, 2 may be */
	uint32_t n_parts;
	struct {
		enum hc_obj_type heap;
		uint32_t n_bytes; /* 0: not kept */
		bool found;
		char text[HC_PRUNE_MAX_PART_BYTES];
	} parts[HC_PRUNE_MAX_PARTS];
};

/* Whether a block can ever be told not to have an entry for which the node is true; members are asked before. */
bool hc_prune_is_askable(const struct hc_node *node, const struct hc_node *const *kids);

int hc_prune_init(struct hc_prune *p, const struct hc_plan *plan);
void hc_prune_done(struct hc_prune *p);
/* Of the event types that the block has and the plan asks about, those for which some rule may fire. */
struct hc_type_set hc_prune_types(struct hc_prune *p, const struct hc_plan *plan, struct hc_block *block);

#endif
