/*
 * Retention: which segments of a capture that is being written are old or many enough to go, and removing them.
 * Whole segments, oldest first, bulk before security; never the newest of a stream, never a pinned one. Beside the
 * capture's writer, in its thread.
 *
 * Age is that of a segment's newest row: by the boot clock for those of this boot, so that a wall clock that jumps
 * does not remove what was just recorded; by the wall clock for those of earlier boots. A file that somebody has
 * open is unlinked like any other, and goes on being readable by who has it.
 */
#ifndef HC_STORE_RETAIN_H
#define HC_STORE_RETAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/index.h"
#include "store/segment.h"

struct hc_retain;

struct hc_retain_limits {
	uint64_t max_bytes;  /* 0: no limit */
	uint64_t max_age_ns; /* 0: no limit */
};

/* Zero-initialised: keeps everything. */
struct hc_retain_rules {
	struct hc_retain_limits all;                  /* both streams together */
	struct hc_retain_limits stream[HC_N_STREAMS]; /* beside that */
	/* Room left to others on the file system: the larger of the two. Below it bulk goes; below half of it
	 * security goes too. */
	uint64_t keep_free_bytes;
	uint32_t keep_free_permille; /* of the file system's size; at most 1000 */
};

/* A span of wall time, or a row, whose segments stay, whatever the rules say. */
struct hc_retain_pin {
	int64_t from_ns, until_ns; /* inclusive, exclusive; UTC ns */
	uint64_t seq;              /* not 0: the row with this number instead */
	unsigned streams;          /* bit (1 << enum hc_stream) */
};

enum hc_retain_reason {
	HC_RETAIN_AGE,  /* older than max_age_ns */
	HC_RETAIN_SIZE, /* beyond max_bytes */
	HC_RETAIN_FREE, /* the file system has less than keep_free */
	HC_RETAIN_FULL, /* a write found no room */
};
const char *hc_retain_reason_text(enum hc_retain_reason reason); /* "age", "size", "free", "full" */

/* Segments of one stream and boot with numbers that follow each other, removed for one reason. */
struct hc_retain_removed {
	enum hc_retain_reason reason;
	enum hc_stream stream;
	uint8_t boot_id[16];
	uint32_t first_number, last_number;
	int64_t from_wall_ns, until_wall_ns; /* of their rows, inclusive; 0 and 0: could not be read */
	uint64_t n_rows, bytes;
};

/* Lists what is in the directory: by the index what it knows, from the segments what it does not. */
int hc_retain_open(const char *dir, const uint8_t boot_id[16], struct hc_retain **ret, struct hc_err *err);
struct hc_retain *hc_retain_free(struct hc_retain *r);
HC_DEFINE_AUTO(struct hc_retain, hc_retain_free)

/* To be called with each block that the writer has written. -ENOMEM. */
int hc_retain_block(struct hc_retain *r, const char *seg_path, const struct hc_seg_header *seg,
                    const struct hc_seg_block *block);
/* Copies the pins, which stand for all there were before. -ENOMEM: those before stay in force. */
int hc_retain_set_pins(struct hc_retain *r, const struct hc_retain_pin *pins, size_t n);

/* A segment that is there. */
struct hc_retain_segment {
	const char *path; /* below the capture's directory; borrowed until the next block or removal */
	enum hc_stream stream;
	int64_t from_wall_ns, until_wall_ns; /* of its rows, inclusive */
	uint64_t bytes;
};
/* How many segments a pin would keep; ret has the newest of them, newest first, at most max. */
uint32_t hc_retain_held(const struct hc_retain *r, const struct hc_retain_pin *pin, struct hc_retain_segment *ret,
                        uint32_t max);
/* Whether these pins would keep the row that another one is for. */
bool hc_retain_keeps(const struct hc_retain *r, const struct hc_retain_pin *row, const struct hc_retain_pin *pins,
                     size_t n);
/* The index to keep in step; NULL: none. Borrowed. */
void hc_retain_set_index(struct hc_retain *r, struct hc_index_writer *index);
/* Before this moment nobody recorded for a while. */
void hc_retain_set_unrecorded(struct hc_retain *r, int64_t until_wall_ns);

/* Removes what the rules want gone now. A file that cannot be removed is passed over, and the first such failure
 * is returned. */
int hc_retain_apply(struct hc_retain *r, const struct hc_retain_rules *rules, int64_t now_wall_ns,
                    uint64_t now_boot_ns, struct hc_err *err);
/* A write found no room: removes the oldest segments until so many bytes are free. The bytes removed; 0: nothing
 * is left that may go. */
uint64_t hc_retain_make_room(struct hc_retain *r, uint64_t need_bytes);
/* Takes the oldest removal not yet taken; false when there is none. */
bool hc_retain_removed_next(struct hc_retain *r, struct hc_retain_removed *ret);

struct hc_retain_stream_stats {
	uint64_t bytes, pinned_bytes;
	uint32_t n_segments, n_pinned;
	int64_t oldest_wall_ns; /* first row that is there; 0: none */
	/* Removed since hc_retain_open, whatever the reason. */
	uint64_t removed_bytes, removed_rows;
	uint32_t n_removed;
	/* The last row removed, now or in an earlier run as far as numbers tell; 0: nothing is known to be
	 * missing. */
	int64_t removed_until_wall_ns;
	int64_t unrecorded_until_wall_ns; /* nobody recorded before; 0: not known */
};

struct hc_retain_stats {
	struct hc_retain_stream_stats stream[HC_N_STREAMS];
	uint64_t disk_bytes,
		disk_free_bytes; /* file system: size, and what is left for us; 0 and 0: cannot be told */
	uint64_t limit_bytes;    /* of the last rules applied; 0: none */
	bool over;               /* a limit of them cannot be kept: what is left is pinned or newest */
};

void hc_retain_stats(const struct hc_retain *r, struct hc_retain_stats *ret);
/* Since when all of the stream that was recorded is there; 0: there is nothing. One that has no rows yet, or began
 * late, is whole from where the recording begins. */
int64_t hc_retain_since(const struct hc_retain_stats *st, enum hc_stream stream);

#endif
