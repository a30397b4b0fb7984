/*
 * Reading one block. Columns are decoded when asked for and stay until the block is closed; a column that nobody
 * asks for is neither read nor decompressed. The bytes are untrusted: references are checked against their
 * dictionary when a column is decoded, so that users index without checks. A block belongs to one thread; blocks
 * of one capture may be used by many.
 */
#ifndef HC_STORE_BLOCK_H
#define HC_STORE_BLOCK_H

#include <sys/types.h>

#include "store/base/arena.h"
#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/schema.h"

#define HC_BLOCK_MAX_ROWS (64u << 10)
#define HC_BLOCK_MAX_ENTRIES (4u << 20) /* of one dictionary */
#define HC_BLOCK_MAX_BYTES (256u << 20) /* on disk, and of one heap in memory */

struct hc_block; /* opaque */

/* From the block's header: known without decoding anything. */
struct hc_block_info {
	uint8_t stream; /* enum hc_stream */
	uint32_t n_rows;
	uint64_t bytes; /* on disk, all frames */
	uint64_t first_seq, last_seq;
	uint64_t first_ns, last_ns; /* boot clock: smallest and largest of the rows */
	int64_t wall_offset_ns; /* add to a boot time to get ns since the epoch (calibration in force at the block)
	                         */
	struct hc_type_set types;
};

/* Decoded column of references: n + padding to a multiple of 64 entries, zero-filled. */
struct hc_refs {
	const uint32_t *v; /* 0 absent, else 1-based */
	uint32_t n;
};

/* Decoded column of numbers. */
struct hc_ints {
	const int64_t *v;      /* padded to a multiple of 64 with zeros; unsigned columns are the same bits */
	const uint64_t *valid; /* bit per row, padded; NULL when all are valid. v is 0 where absent */
	uint32_t n;
};

/* A heap: entry i (1-based) is bytes + off[i - 1] .. off[i]. */
struct hc_heap {
	const char *bytes;
	const uint32_t *off; /* n + 1 */
	uint32_t n;
};

/* Lists: list i (1-based) has the items first[i - 1] .. first[i]. */
struct hc_lists {
	const uint32_t *first; /* n + 1 */
	const uint32_t *refs;  /* items of HC_OBJ_STRS: string references */
	const int64_t *ints;   /* items of HC_OBJ_INTS */
	uint32_t n;
};

/* The rows in order. */
struct hc_rows {
	uint32_t n;
	const uint16_t *type; /* event type */
	const uint32_t *pos;  /* row within its type's table */
	const uint64_t *seq;
	const uint64_t *ts_ns;
	const uint16_t *cpu;
};

/*
 * Opens the block at `off` of an open file (borrowed until close). name is for messages. Checks the header's
 * checksum; the checksums of chunks are checked as they are read. -EBADMSG damaged, -ENOTSUP a newer format,
 * -E2BIG over a limit.
 */
int hc_block_open(int fd, off_t off, const char *name, struct hc_block **ret, struct hc_err *err);
struct hc_block *hc_block_close(struct hc_block *b);
HC_DEFINE_AUTO(struct hc_block, hc_block_close)

const struct hc_block_info *hc_block_info(const struct hc_block *b);

/* Rows of an event type, entries of an object, heap or list; 0 when there are none. */
uint32_t hc_block_n_rows(const struct hc_block *b, unsigned event_type);
uint32_t hc_block_n_entries(struct hc_block *b, enum hc_obj_type obj);

/* From now on it is read as it was written, whatever was learnt later: before anything is read of it, for who
 * wants nothing of containers. */
void hc_block_as_written(struct hc_block *b);
/* Of a capture with hc_capture_backfill() columns of containers, the strings and their lists are read with what
 * was filled in; numbers of entries, too, and what may be among the strings.
 *
 * A column that the block does not have reads as all absent (older writer, or nothing to say). */
int hc_block_event_refs(struct hc_block *b, unsigned event_type, unsigned col, struct hc_refs *ret,
                        struct hc_err *err);
int hc_block_event_ints(struct hc_block *b, unsigned event_type, unsigned col, struct hc_ints *ret,
                        struct hc_err *err);
int hc_block_obj_refs(struct hc_block *b, enum hc_obj_type obj, unsigned col, struct hc_refs *ret,
                      struct hc_err *err);
int hc_block_obj_ints(struct hc_block *b, enum hc_obj_type obj, unsigned col, struct hc_ints *ret,
                      struct hc_err *err);
int hc_block_heap(struct hc_block *b, enum hc_obj_type heap, struct hc_heap *ret, struct hc_err *err);
int hc_block_lists(struct hc_block *b, enum hc_obj_type lists, struct hc_lists *ret, struct hc_err *err);
int hc_block_rows(struct hc_block *b, struct hc_rows *ret, struct hc_err *err);

static inline struct hc_str hc_heap_get(const struct hc_heap *h, uint32_t ref)
{
	if (!ref)
		return (struct hc_str){ NULL, 0 };
	return (struct hc_str){ h->bytes + h->off[ref - 1], h->off[ref] - h->off[ref - 1] };
}

static inline bool hc_ints_valid(const struct hc_ints *c, uint32_t row)
{
	return !c->valid || (c->valid[row / 64] >> (row % 64) & 1);
}

/* False when the block surely has no such string (or address of 4 or 16 bytes) in its heaps: by the Bloom filter.
 */
bool hc_block_may_have_str(const struct hc_block *b, struct hc_str s);
bool hc_block_may_have_bytes(const struct hc_block *b, const void *p, uint32_t n_bytes);

/* False when surely no entry of the heap contains these bytes. Decompresses the heap, which is kept, but finds out
 * nothing of its entries: a part that two of them make together is taken for one. True where it is damaged, so
 * that who goes on notices. */
bool hc_block_may_contain(struct hc_block *b, enum hc_obj_type heap, struct hc_str part);

/* Reads and checks every chunk and decodes every column: what `verify` does with a block. */
int hc_block_check(struct hc_block *b, struct hc_err *err);

/* Memory that the decoded columns take now. */
size_t hc_block_mem_bytes(const struct hc_block *b);

#endif
