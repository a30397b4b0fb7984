/* The bytes of blocks and segments, shared by writer and reader. docs/FORMAT.md says the same in prose. */
#ifndef HC_STORE_BLOCK_PRIV_H
#define HC_STORE_BLOCK_PRIV_H

#include <stdint.h>

#include "store/block.h"
#include "store/build.h"

/* Every piece of framing is the payload of a zstd skippable frame with this magic; u32 payload bytes follow it. */
#define HC_FRAME_MAGIC 0x184D2A5Eu
#define HC_FRAME_HEAD_BYTES 8u

#define HC_SEG_HEADER_MAGIC 0x48534348u  /* "HCSH" */
#define HC_SEG_FOOTER_MAGIC 0x46534348u  /* "HCSF" */
#define HC_SEG_TRAILER_MAGIC 0x45534348u /* "HCSE" */
#define HC_BLOCK_MAGIC 0x31424348u       /* "HCB1" */

/*
 * Block header, the first bytes of the block frame's payload:
 *   0 u32 magic            4 u16 format major   6 u16 format minor
 *   8 u8 stream            9 u8[3] zero        12 u32 rows
 *  16 u64 block bytes (this frame and all chunks)
 *  24 u64 first seq       32 u64 last seq      40 u64 first ns      48 u64 last ns
 *  56 i64 wall offset ns  64 u64[8] set of event types
 * 128 u32 directory bytes as stored   132 u32 directory bytes raw (0: stored as it is, not compressed)
 * 136 u32 sketch bytes   140 u32 chunks      144 u64 zero
 * 152 u64 XXH3-64 of the whole payload with these 8 bytes zero
 * 160 directory, then sketch
 */
#define HC_BLOCK_HEADER_BYTES 160u
#define HC_BLOCK_DIR_BYTES_AT 128u
#define HC_BLOCK_SKETCH_BYTES_AT 136u
#define HC_BLOCK_SUM_AT 152u
#define HC_BLOCK_MAX_DIR_BYTES (16u << 20)
#define HC_BLOCK_MAX_SKETCH_BYTES (16u << 20)
#define HC_BLOCK_MAX_CHUNKS 65536u
#define HC_BLOCK_MAX_MEM_BYTES (512u << 20) /* decoded columns and chunks of one block */

enum hc_table_space { HC_SPACE_ROWS, HC_SPACE_EVENT, HC_SPACE_OBJ, HC_SPACE_HEAP, HC_SPACE_LIST };

/* Columns of the row list, of heaps and of lists. */
enum { HC_ROWS_TYPE, HC_ROWS_SEQ, HC_ROWS_TS, HC_ROWS_CPU, HC_ROWS_N_COLS };
enum { HC_HEAP_LENGTHS, HC_HEAP_BYTES, HC_HEAP_N_COLS };
enum { HC_LIST_COUNTS, HC_LIST_ITEMS, HC_LIST_N_COLS };

/* How a column's numbers become bytes. u is the stored non-negative number, of `width`: 0, 1, 2 or 4 bits packed
 * from the lowest bit up, or 8 to 64 in steps of 8: planes, all lowest bytes first. */
enum hc_enc {
	HC_ENC_FOR,     /* v = base + u */
	HC_ENC_DELTA,   /* v[0] = base, v[i] = v[i-1] + step + u[i]; u[0] = 0 */
	HC_ENC_DELTA_Z, /* v[0] = base, v[i] = v[i-1] + unzigzag(u[i]); u[0] = 0 */
	HC_ENC_SAME,    /* v = the value in column `base` of the row when u is 0, else u - 1 */
	HC_ENC_RAW,     /* bytes as they are: heaps */
	HC_N_ENCS
};

#define HC_COL_HAS_VALID \
	0x80u /* in the encoding byte: a validity bitmap of (n + 7) / 8 bytes follows the numbers */

#define HC_BLOOM_BITS_PER_ENTRY 10u
#define HC_BLOOM_PROBES 7u

/* A fuzzer cannot guess checksums: in its build they all fit, so that what lies behind them is reached. */
static inline bool hc_sum_fits(uint64_t computed, uint64_t stored)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	(void)computed;
	(void)stored;
	return true;
#else
	return computed == stored;
#endif
}

/* Entries of a decoded column with what is decoded ahead: a multiple of 64. */
static inline size_t hc_padded(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

/* The block owns its file from now on and closes it with itself. */
void hc_block_take_fd(struct hc_block *b);

/* Hash of a heap entry for the Bloom filter and for interning. */
uint64_t hc_heap_hash(enum hc_obj_type heap, const void *p, size_t n_bytes);

struct hc_block_out {
	uint8_t *bytes;
	size_t n_bytes, raw_bytes; /* raw: of the chunks, before compression */
	struct hc_block_info info;
};

struct hc_builder *hc_builder_new(enum hc_stream stream, int zstd_level);
struct hc_builder *hc_builder_free(struct hc_builder *b);
/* Encodes what was added, and begins anew. out->bytes is borrowed until the next call. -ENOMEM when something was
 * lost for want of memory while building. */
int hc_builder_seal(struct hc_builder *b, int64_t wall_offset_ns, struct hc_block_out *out, struct hc_err *err);

#endif
