/* Typed conditions as nodes of the IR, per event type. */
#ifndef HC_FALCO_LOWER_H
#define HC_FALCO_LOWER_H

#include "replay/dialects/falco/bind.h"

struct flower {
	struct fbinder *b;
	bool sane;      /* without the defects of the original */
	bool untyped;   /* of rows of `sys` those alone that a recorder of today writes */
	uint32_t stamp; /* of the type and what is said above, for what is kept in the tree */
	struct hc_err *err;
};

/* NULL with err filled when an atom does not compile. */
const struct hc_node *falco_lower(struct flower *l, struct fx *x);

/* The condition, and none of these HC_ROW_ flags. */
const struct hc_node *falco_without(struct fbinder *b, const struct hc_node *n, uint32_t flags);
/* The condition, and no other row tells of the same: a recorded call that made a process is a fork, which has both
 * sides. */
const struct hc_node *falco_untold(struct fbinder *b, const struct hc_node *n);

#endif
