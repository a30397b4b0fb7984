/* Entries of a dictionary that are alike in some of their columns: a descriptor is opened again and again, its
 * path is the same. */
#ifndef HC_REPLAY_ALIKE_H
#define HC_REPLAY_ALIKE_H

#include "replay/ir.h"
#include "store/base/arena.h"
#include "view_priv.h"

struct hc_alike;

/* For the view's block, in the arena. NULL when out of memory. */
struct hc_alike *hc_alike_new(struct hc_arena *arena, struct hc_view *v, unsigned dom,
                              const struct hc_leaf_reads *reads);
/* An entry that has the same in what is read: the first of them that was asked about. entry: 1 to n. */
uint32_t hc_alike_first(struct hc_alike *a, uint32_t entry);

#endif
