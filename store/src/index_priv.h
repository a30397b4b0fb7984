/* The two halves of the index: what is taken from blocks (index_scan.c), and the database (index.c). */
#ifndef HC_STORE_INDEX_PRIV_H
#define HC_STORE_INDEX_PRIV_H

#include "capture_priv.h"
#include "store/index.h"

struct hc_scan_proc {
	int64_t pid;
	uint64_t start_ns;
	uint64_t first_seq, last_seq; /* of the segment's rows that have to do with it: bounds of blocks */
	struct hc_str comm, exe;      /* the last known */
};

struct hc_scan_ctr {
	struct hc_str id, name, image, pod, pod_namespace;
	uint64_t first_seq, last_seq;
};

/* A meta_gap, meta_mark or meta_alert row: its own columns as text and numbers, in the order of the schema. */
#define HC_SCAN_MAX_FIELDS 14
struct hc_scan_meta {
	uint64_t seq, ts_ns;
	uint16_t type;
	bool is_text[HC_SCAN_MAX_FIELDS], valid[HC_SCAN_MAX_FIELDS];
	struct hc_str text[HC_SCAN_MAX_FIELDS];
	int64_t number[HC_SCAN_MAX_FIELDS];
};

/* What the index keeps of one segment, gathered block by block. Zero-initialised. */
struct hc_scan {
	struct hc_arena arena;
	struct hc_seg_block *blocks;
	uint32_t n_blocks, cap_blocks;
	uint64_t rows_by_type[HC_EV_MAX], n_lost;
	struct hc_scan_proc *procs;
	uint32_t n_procs, cap_procs;
	uint32_t *proc_slots, n_proc_slots; /* open addressing: 0 free, else index + 1 */
	struct hc_scan_ctr *ctrs;
	uint32_t n_ctrs, cap_ctrs;
	struct hc_scan_meta *metas;
	uint32_t n_metas, cap_metas;
};

/* Adds the block to the list of blocks, without reading it. */
int hc_scan_add(struct hc_scan *s, const struct hc_seg_block *block);
/* Takes what the index keeps of its rows. */
int hc_scan_rows(struct hc_scan *s, struct hc_block *b, struct hc_err *err);
/* Takes only the block's rows of one such type. */
int hc_scan_metas(struct hc_scan *s, struct hc_block *b, unsigned type, struct hc_err *err);
void hc_scan_reset(struct hc_scan *s);
void hc_scan_done(struct hc_scan *s);

/* Counts of a block by type and its losses: what totals are made of. */
int hc_scan_count(struct hc_block *b, uint64_t rows_by_type[HC_EV_MAX], uint64_t *n_lost, struct hc_err *err);

/* A row of the index as read, checked as far as it can be without the segment. Borrowed during the call. */
struct hc_index_row {
	const char *path;
	uint64_t bytes;
	struct hc_seg_header header;
	uint64_t rows_by_type[HC_EV_MAX], n_rows, n_lost;
	uint32_t n_blocks;
	const uint8_t *blocks; /* HC_INDEX_BLOCK_BYTES each */
};

#define HC_INDEX_BLOCK_BYTES 128u
/* false when impossible within a segment of that size; prev_end: where the block before ends. */
bool hc_index_block_parse(const struct hc_index_row *row, uint32_t i, uint64_t *prev_end, uint64_t *prev_seq,
                          struct hc_capture_block *ret);

/*
 * All rows, in order of path. wanted(ctx, path) may refuse one before it is parsed. 0; -ENOENT no index; -EBADMSG
 * damaged or impossible contents; -EINVAL not an index of ours. The message says which, as one sentence without
 * the path.
 */
int hc_index_load(const char *dir, int (*each)(void *ctx, const struct hc_index_row *row), void *ctx,
                  struct hc_err *err);

#endif
