/*
 * index.db: a cache of what the sealed segments of a capture hold, in SQLite (WAL). It is a function of the sealed
 * segments alone: reindexing gives the same rows, losing it loses nothing. Segments without a footer are never in
 * it.
 */
#ifndef HC_STORE_INDEX_H
#define HC_STORE_INDEX_H

#include "store/base/cleanup.h"
#include "store/segment.h"

#define HC_INDEX_NAME "index.db"

/*
 * Beside an hc_writer: hand hc_index_writer_block to it as on_block, with the index writer as ctx (or call it from
 * your own). The same thread as the writer. A failing index never stops a recording: the first error is kept for
 * the end.
 */
struct hc_index_writer;

/* Opens or makes the index of a capture directory. One that is damaged or of another program is replaced. Closed
 * segments that it lacks, by a crash or a full disk, are taken in again: the first of them at once, for a fifth of
 * a second or one segment; the others by hc_index_writer_mend, and at the end. */
int hc_index_writer_open(const char *dir, struct hc_index_writer **ret, struct hc_err *err);
/* Takes in a block that is on disk. The rows of a segment are written, in one transaction, when its next segment
 * begins or at the end. Always 0. */
int hc_index_writer_block(void *index_writer, const char *seg_path, const struct hc_seg_header *seg,
                          const struct hc_seg_block *block, struct hc_err *err);
/* Takes in segments that were missing at the opening: one, and more until budget_ns have passed. How many are
 * left. */
uint32_t hc_index_writer_mend(struct hc_index_writer *iw, uint64_t budget_ns);
/* How many segments still wait for that; those that could not be taken in, having no footer, do not count. */
uint32_t hc_index_writer_missing(const struct hc_index_writer *iw);
/* A segment's file was removed: so are its rows. path is below the capture's root. */
void hc_index_writer_remove(struct hc_index_writer *iw, const char *path);
/* The first failure; NULL while all is well. After one nothing is written any more: abort and open anew, which
 * takes in what is missing. */
const struct hc_err *hc_index_writer_failure(const struct hc_index_writer *iw);
/* After hc_writer_close. Takes in what is still missing, for two seconds at most: what is left then is taken in
 * after the next opening. Frees; returns the first error there was. */
int hc_index_writer_close(struct hc_index_writer *iw, struct hc_err *err);
struct hc_index_writer *hc_index_writer_abort(struct hc_index_writer *iw);
HC_DEFINE_AUTO(struct hc_index_writer, hc_index_writer_abort)

struct hc_index_stats {
	uint32_t n_segments;   /* in the index now */
	uint32_t n_unsealed;   /* left out: no footer */
	uint32_t n_unreadable; /* left out: no segment at all, or of a newer format */
	uint32_t n_bad_blocks; /* in it, but their rows could not be read */
};

/* Makes index.db anew from the segments, and puts it in place of the old one at the end. -EBUSY while a recorder
 * writes. */
int hc_index_rebuild(const char *dir, struct hc_index_stats *ret, struct hc_err *err);

/*
 * Compares index.db with one made anew in memory. Returns the number of differences (0: none), telling each of the
 * first `max` to `tell`; -ENOENT when there is no index, -EBADMSG when it is no index of ours.
 */
int hc_index_check(const char *dir, unsigned max, void (*tell)(void *ctx, const char *what), void *ctx,
                   struct hc_err *err);

#endif
