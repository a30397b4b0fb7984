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
	void *ctx;
};

struct hc_writer_stats {
	uint64_t n_rows, n_blocks, n_segments, bytes; /* bytes on disk */
	uint64_t rows_by_type[HC_EV_MAX];
};

int hc_writer_open(const struct hc_writer_opts *opts, struct hc_writer **ret, struct hc_err *err);
/* The builder that a row of this type goes into, sealing first what is due at now_ns (boot clock). Call it before
 * interning anything for the row; the references hold until the next call for the same stream. NULL on failure. */
struct hc_builder *hc_writer_begin(struct hc_writer *w, unsigned type, uint64_t now_ns, struct hc_err *err);
/* Adds the row; head->seq is filled in. */
int hc_writer_row(struct hc_writer *w, struct hc_row_head *head, const struct hc_cells *cells, struct hc_err *err);
/* Seals what is due, and looks whether somebody follows (tail.h). */
int hc_writer_tick(struct hc_writer *w, uint64_t now_ns, struct hc_err *err);
/* Seals the blocks being built now, whatever their size. */
int hc_writer_flush(struct hc_writer *w, struct hc_err *err);
/* Calibration to put into blocks from now on. */
void hc_writer_set_wall_offset(struct hc_writer *w, int64_t wall_offset_ns);
const struct hc_writer_stats *hc_writer_stats(const struct hc_writer *w);
/* Flushes, writes the footers, frees. After a failed write (disk full) it frees and returns the first error. */
int hc_writer_close(struct hc_writer *w, struct hc_err *err);
/* Frees without writing anything more: what a kill leaves behind. */
struct hc_writer *hc_writer_abort(struct hc_writer *w);
HC_DEFINE_AUTO(struct hc_writer, hc_writer_abort)

#endif
