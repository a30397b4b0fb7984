/*
 * The tail of a capture's directory that a recorder is writing: its blocks, first those that are there, then each
 * one as it is appended, until the recorder has ended.
 *
 * Rows are numbered over both streams of a boot, whose blocks overlap. Blocks are given in order of first_seq, and
 * with them goes the number up to which no row can come any more.
 *
 * While a tail is open it holds a shared lock (flock) on the directory `segments`, by which a writer sees that
 * somebody follows, and does not keep quiet blocks back (writer.h). Read permission is all that this needs; the
 * kernel drops the lock with the process. One thread, but for hc_tail_load().
 */
#ifndef HC_STORE_TAIL_H
#define HC_STORE_TAIL_H

#include "store/capture.h"

struct hc_tail;

struct hc_tail_block {
	struct hc_block_info info;
	const char *path; /* of its segment, below the root; lives as long as this */
	uint64_t off;     /* in that file */
	uint32_t index;   /* in hc_capture_blocks(); UINT32_MAX when it came later */
	int fd;           /* for hc_tail_load(); -1 */
};

enum hc_tail_what {
	HC_TAIL_END, /* the writer has ended, or all before filter->until_wall_ns is there: nothing comes any more
	              */
	HC_TAIL_BLOCK, /* a block; the next one may be had at once */
	HC_TAIL_IDLE,  /* nothing now: ask again in HC_TAIL_POLL_MS, or later */
};

#define HC_TAIL_POLL_MS 100
/* Rows of one stream are waited for so long at most before what the other one has is complete without them. */
#define HC_TAIL_WAIT_NS UINT64_C(3000000000)

/*
 * c is borrowed, and what was found wrong while reading is added to its problems: damage, a torn end once nobody
 * writes it any more, a segment that was removed before it was read. filter: only its times hold. -EINVAL when c
 * is no directory.
 */
int hc_tail_open(struct hc_capture *c, const struct hc_block_filter *filter, struct hc_tail **ret,
                 struct hc_err *err);
struct hc_tail *hc_tail_close(struct hc_tail *t);
HC_DEFINE_AUTO(struct hc_tail, hc_tail_close)

/*
 * The next thing, an enum hc_tail_what, or a negative errno. *ret_block (hc_tail_block_free) is set with
 * HC_TAIL_BLOCK only; *ret_complete_seq always: all rows up to it have been given, this block included, or never
 * will be. UINT64_MAX at the end of a boot, after which numbers of the next one follow.
 */
int hc_tail_next(struct hc_tail *t, struct hc_tail_block **ret_block, uint64_t *ret_complete_seq,
                 struct hc_err *err);
struct hc_tail_block *hc_tail_block_free(struct hc_tail_block *b);
/* As hc_capture_load(), and any thread too; for segments that were removed meanwhile also -EBADMSG. */
int hc_tail_load(const struct hc_tail *t, const struct hc_tail_block *b, struct hc_block **ret,
                 struct hc_err *err);
/* Adds a block that could not be read to the capture's problems. */
void hc_tail_add_problem(struct hc_tail *t, const struct hc_tail_block *b, const struct hc_err *err);

#endif
