/*
 * Writing a capture: two streams of segments, blocks sealed by size and time, one numbering of rows over both.
 * One thread. A block is written by one pwrite; what was written is never changed, so a writer killed at any
 * moment loses at most the two blocks being built, and a torn tail is recognised by the reader.
 */
#ifndef HC_STORE_WRITER_H
#define HC_STORE_WRITER_H

#include "store/base/cleanup.h"
#include "store/build.h"
#include "store/segment.h"

struct hc_writer;

/* Rows of one stream that have a number and are not on disk yet. A caller who keeps it in memory that outlives the
 * process can tell the next writer what was lost when this one was killed. */
struct hc_writer_unsealed {
	uint64_t first_ns, last_ns; /* boot clock */
	uint64_t rows_by_type[HC_EV_MAX];
};

struct hc_writer_opts {
	const char *dir;  /* the capture's root; made when missing */
	const char *node; /* host name; directory name below segments/ */
	const char *tool; /* "hindcast VERSION" */
	uint8_t capture_id[16], boot_id[16];
	int zstd_level;    /* 0: default (3) */
	uint64_t block_ns; /* 0: 1 s; a block is sealed when its first row is older than this ... */
	uint64_t
		quiet_block_ns; /* 0: 10 s; ... unless it has fewer than 512 rows and nobody follows: after this */
	uint64_t segment_bytes; /* 0: 64 MiB */
	uint64_t segment_ns;    /* 0: 5 min */
	uint64_t next_seq; /* number of the first row: 1, or after the last one of a capture that is continued */
	uint32_t next_number[HC_N_STREAMS]; /* numbers of the first segments: 1, or after the last of this boot */
	bool fsync;                         /* after each segment */
	/* Called with each block that is on disk (index, triggers, live readers); a negative errno stops the
	 * writer. */
	int (*on_block)(void *ctx, const char *seg_path, const struct hc_seg_header *seg,
	                const struct hc_seg_block *block, struct hc_err *err);
	/* Called when a new segment begins, before its first other row: the place for meta_start and meta_state
	 * rows. The callee may write rows. */
	int (*on_segment)(void *ctx, enum hc_stream stream, struct hc_err *err);
	/* Called when a write found no room (ENOSPC, EDQUOT) for so many bytes: true when something was removed
	 * and it is worth another try. May not write rows. */
	bool (*on_full)(void *ctx, uint64_t need_bytes);
	/* What the disk does not take (full, read-only, failing) does not end the writing: that block is dropped
	 * and counted (hc_writer_drops), the next one is tried again. Unless there is no room, a new segment is
	 * begun first: the file alone may be what takes no more. */
	bool go_on;
	struct hc_writer_unsealed *unsealed; /* HC_N_STREAMS of them, kept up to date; NULL: the writer's own */
	/* Dropped rows that no row of the capture tells of yet (see hc_writer_drops_told); NULL: the writer's own
	 */
	struct hc_writer_unsealed *untold;
	void *ctx;
};

/* Blocks that the disk did not take, since the writer was opened. */
struct hc_writer_drops {
	uint64_t n_blocks;
	uint64_t rows_by_type[HC_EV_MAX];
	const struct hc_writer_unsealed
		*untold;   /* their rows, without those that hc_writer_drops_told was called for */
	bool failing;      /* the last block was one of them, or no segment can be made */
	struct hc_err err; /* the last failure */
};

/* How long it took to hand a block to the file system: bounds of all buckets but the last. */
#define HC_WRITER_TIMES_MS                         \
	{                                          \
		1, 5, 10, 50, 100, 500, 1000, 5000 \
	}
#define HC_WRITER_N_TIMES 8

struct hc_writer_stats {
	uint64_t n_rows, n_blocks, n_segments, bytes; /* bytes on disk */
	uint64_t raw_bytes;                           /* of the blocks written, before compression */
	uint32_t n_open;                              /* segments being written now */
	uint32_t n_restored; /* times that somebody removed one of them, and it was written anew */
	uint64_t n_writes_by_time[HC_WRITER_N_TIMES + 1], write_ns; /* of blocks, refused ones too */
	uint64_t rows_by_type[HC_EV_MAX]; /* without those of dropped blocks, which n_rows has: they were numbered
	                                   */
};

int hc_writer_open(const struct hc_writer_opts *opts, struct hc_writer **ret, struct hc_err *err);
/* The builder that a row of this type goes into, sealing first what is due at now_ns (boot clock). Call it before
 * interning anything for the row; the references hold until the next call for the same stream. NULL on failure. */
struct hc_builder *hc_writer_begin(struct hc_writer *w, unsigned type, uint64_t now_ns, struct hc_err *err);
/* The same, and hc_build_cells in the builder, which is in *ret. */
struct hc_cells *hc_writer_cells(struct hc_writer *w, unsigned type, uint64_t now_ns, struct hc_builder **ret,
                                 struct hc_err *err);
/* Adds the row; head->seq is filled in. */
int hc_writer_row(struct hc_writer *w, struct hc_row_head *head, const struct hc_cells *cells, struct hc_err *err);
/* Seals what is due, and looks whether somebody follows (tail.h). */
int hc_writer_tick(struct hc_writer *w, uint64_t now_ns, struct hc_err *err);
/* Seals the blocks being built now, whatever their size. */
int hc_writer_flush(struct hc_writer *w, struct hc_err *err);
/* Calibration to put into blocks from now on. */
void hc_writer_set_wall_offset(struct hc_writer *w, int64_t wall_offset_ns);
const struct hc_writer_stats *hc_writer_stats(const struct hc_writer *w);
const struct hc_writer_drops *hc_writer_drops(const struct hc_writer *w);
/* Takes over the rows that an earlier writer dropped without a row that tells of it: from now on they are among
 * this one's untold drops. */
void hc_writer_drops_add(struct hc_writer *w, const struct hc_writer_unsealed *dropped);
/* To be called when rows of the capture (meta_gap) tell of these drops: they are untold no more. */
void hc_writer_drops_told(struct hc_writer *w, const struct hc_writer_unsealed *told);
/* Flushes, writes the footers, frees. After a failed write (disk full) it frees and returns the first error. */
int hc_writer_close(struct hc_writer *w, struct hc_err *err);
/* Frees without writing anything more: what a kill leaves behind. */
struct hc_writer *hc_writer_abort(struct hc_writer *w);
HC_DEFINE_AUTO(struct hc_writer, hc_writer_abort)

#endif
