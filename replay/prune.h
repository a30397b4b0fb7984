/*
 * Blocks in which a condition cannot hold, found out before anything of them is decoded: by the Bloom filter of a
 * block's texts and addresses, and where that cannot tell, by looking through its heap without taking it apart. A
 * computed leaf says with these what a block must hold for one of its values (struct hc_leaf).
 */
#ifndef HC_REPLAY_PRUNE_H
#define HC_REPLAY_PRUNE_H

#include "store/base/str.h"
#include "store/block.h"

struct hc_prune; /* of one block, while it is asked about */

/* All are false only when the block surely has no such thing. */
bool hc_prune_str(struct hc_prune *p, struct hc_str s);    /* a string, as a whole */
bool hc_prune_addr(struct hc_prune *p, struct hc_str raw); /* an address of 4 or 16 bytes, as a whole */
/* An entry of the heap (HC_OBJ_STR, HC_OBJ_BYTES) that contains the part. At first always true: it is dear, and
 * asked for only where nothing else has told. */
bool hc_prune_part(struct hc_prune *p, enum hc_obj_type heap, struct hc_str part);

#endif
