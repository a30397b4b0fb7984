/* Whole columns of a block for the evaluator: fetched once, never NULL, absent where damaged. */
#ifndef HC_REPLAY_VIEW_PRIV_H
#define HC_REPLAY_VIEW_PRIV_H

#include "replay/value.h"

/* One column of one domain: value of entry e is at [e - 1]. All arrays have n entries, padded to a multiple of 64.
 */
struct hc_view_col {
	bool loaded;
	const uint32_t *refs;  /* a column of references, else NULL */
	const int64_t *ints;   /* a column of numbers, else NULL */
	const uint64_t *valid; /* of numbers; NULL when all are */
};

const struct hc_view_col *hc_view_column(struct hc_view *v, unsigned dom, unsigned col);
const struct hc_heap *hc_view_heap(struct hc_view *v, unsigned heap);
const struct hc_lists *hc_view_lists(struct hc_view *v, unsigned lists);

/* Whether a heap has been decoded already: then asking it is cheaper than asking a filter in front of it. */
bool hc_view_has_heap(const struct hc_view *v, unsigned heap);

/* Table description of a domain, NULL for heaps and lists. */
const struct hc_table_desc *hc_dom_desc(unsigned dom);
const char *hc_dom_name(unsigned dom);

/* The rows of one event type in the block's list: index[pos] is the place of row pos. NULL when the list is
 * damaged. */
const uint32_t *hc_view_row_places(struct hc_view *v, unsigned event_type);
const struct hc_rows *hc_view_rows(struct hc_view *v);

#endif
