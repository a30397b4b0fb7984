/* Back-filling between a capture, which knows what was learnt late, and its blocks, which have places for it. */
#ifndef HC_STORE_BACKFILL_PRIV_H
#define HC_STORE_BACKFILL_PRIV_H

#include "store/block.h"
#include "store/capture.h"

struct hc_backfill; /* of a capture; only read once it is made, by any thread */

/* Goes through the capture's blocks that can tell something; from_source: also those of what it was imported from.
 * *ret NULL when there is nothing late. */
int hc_backfill_load(struct hc_capture *c, bool from_source, struct hc_backfill **ret, struct hc_err *err);
struct hc_backfill *hc_backfill_free(struct hc_backfill *f);
HC_DEFINE_AUTO(struct hc_backfill, hc_backfill_free)
/* Containers of which nothing is kept, because there were too many. */
uint64_t hc_backfill_n_left_out(const struct hc_backfill *f);

/* Whether some entry of a block may have to be filled, by its Bloom filter. */
bool hc_backfill_concerns(const struct hc_backfill *f, uint32_t boot, struct hc_block *b);
/* Whether this text is one of those that are filled in. */
bool hc_backfill_has_str(const struct hc_backfill *f, struct hc_str s);

/* The parts of a block that are others once it is filled. All memory is the block's. */
struct hc_filled {
	struct hc_heap heap;   /* HC_OBJ_STR: that of the file, then what was added */
	struct hc_lists lists; /* HC_OBJ_STRS: the same */
	struct hc_filled_col {
		void *values; /* NULL: as in the file */
		uint64_t *valid;
	} * cols; /* of HC_OBJ_CTR, by number */
};

/* Reads the block as the file has it. *ret NULL when nothing is to be filled. */
int hc_backfill_block(const struct hc_backfill *f, uint32_t boot, struct hc_block *b, struct hc_filled **ret,
                      struct hc_err *err);

/* ---- what a block has for this (block.c) ---- */

/* From now on the block is read as it is when filled; f is borrowed. */
void hc_block_set_backfill(struct hc_block *b, const struct hc_backfill *f, uint32_t boot);
/* Memory that lives as long as the block, padded by 64 zeroed bytes. */
void *hc_block_own(struct hc_block *b, size_t n_bytes, bool zero, struct hc_err *err);
/* The Bloom filter of the file alone. */
bool hc_block_may_have_hash(const struct hc_block *b, uint64_t hash);

#endif
