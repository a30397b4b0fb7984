/*
 * A capture: a directory with index.db and segments/<node>/<boot>/<stream>-<number>.hcs, an evidence bundle (.hcb,
 * a tar of the same names), or one segment file. Opened for reading only; nothing in it is trusted.
 *
 * Boot times are only comparable within a boot; everything here that takes or gives a wall time uses each block's
 * own calibration. Loading blocks is thread-safe.
 */
#ifndef HC_STORE_CAPTURE_H
#define HC_STORE_CAPTURE_H

#include <sys/types.h>

#include "store/base/cleanup.h"
#include "store/block.h"
#include "store/segment.h"

struct hc_capture;

enum {
	HC_CAPTURE_NO_INDEX = 1 << 0,    /* read the segments themselves, never index.db */
	HC_CAPTURE_EVEN_BROKEN = 1 << 1, /* open it also when not one of its segments can be read */
};

struct hc_capture_seg {
	struct hc_seg_header header;
	enum hc_seg_state state;
	const char *path; /* below the capture's root, or in the bundle */
	uint64_t bytes;
	uint32_t first_block, n_blocks; /* in hc_capture_blocks() */
	uint32_t boot;                  /* index of its boot, in order of wall time */
};

struct hc_capture_block {
	uint32_t seg; /* index of its segment */
	uint64_t off; /* in the file that holds it */
	struct hc_block_info info;
};

/* What could not be read: never silent, and it makes every command end with 3. */
struct hc_capture_problem {
	const char *path;
	uint64_t off, bytes;
	const char *what;
};

struct hc_capture_totals {
	uint64_t n_rows, n_blocks, bytes;
	uint64_t first_seq, last_seq;
	int64_t first_wall_ns, last_wall_ns; /* 0 and 0 when there are no rows */
	uint64_t rows_by_type[HC_EV_MAX], bytes_by_stream[HC_N_STREAMS];
	uint64_t n_lost; /* events, sum of meta_gap rows */
	struct hc_type_set types;
};

enum hc_capture_kind { HC_CAPTURE_DIR, HC_CAPTURE_BUNDLE, HC_CAPTURE_SEGMENT };

int hc_capture_open(const char *path, unsigned flags, struct hc_capture **ret, struct hc_err *err);
struct hc_capture *hc_capture_close(struct hc_capture *c);
HC_DEFINE_AUTO(struct hc_capture, hc_capture_close)

const char *hc_capture_path(const struct hc_capture *c);
enum hc_capture_kind hc_capture_kind(const struct hc_capture *c);
/* One sentence for the user when a directory's index could not be used and the segments were read instead: nothing
 * is lost but time. NULL when there is nothing to say. */
const char *hc_capture_index_note(const struct hc_capture *c);
/* A recorder held the directory when it was opened. */
bool hc_capture_is_live(const struct hc_capture *c);
/* In order of boot, stream and number. Boots of one capture are in order of seq (a clock may be set), captures by
 * wall time. */
const struct hc_capture_seg *hc_capture_segs(const struct hc_capture *c, uint32_t *ret_n);
/* In order of segments, then offset. To go through all rows in order of seq, merge by first_seq: blocks of the two
 * streams of a boot overlap, blocks of one stream do not. */
const struct hc_capture_block *hc_capture_blocks(const struct hc_capture *c, uint32_t *ret_n);
const struct hc_capture_problem *hc_capture_problems(const struct hc_capture *c, uint32_t *ret_n);
/* Reads the meta rows and counts; the first call may take a while. */
int hc_capture_totals(struct hc_capture *c, const struct hc_capture_totals **ret, struct hc_err *err);

/* Which blocks to look at. Zero-initialised: all. */
struct hc_block_filter {
	bool has_since, has_until;
	int64_t since_wall_ns, until_wall_ns; /* inclusive, exclusive */
	bool has_types;
	struct hc_type_set types;
};

/* Indices into hc_capture_blocks() that may hold matching rows, in order of boot, then first_seq; malloc'ed,
 * free() it. */
int hc_capture_select(const struct hc_capture *c, const struct hc_block_filter *filter, uint32_t **ret,
                      uint32_t *ret_n, struct hc_err *err);
/*
 * From now on blocks are loaded with all that was ever learnt of containers and their pods: what was not known yet
 * when a row was written reads as it became known later in the same boot, also behind the span that is asked
 * about. What was known and has changed reads as it was. known_at_ns, pod_known_at_ns and pod_ns_known_at_ns say
 * when the latest of what was filled in became known.
 *
 * from_source: also what the source of an import tells late; without it an import is as its recorder knew it.
 * Call it before blocks are loaded by other threads. *ret_n_left_out: entries of containers that were more than
 * are kept; these stay as they were.
 */
int hc_capture_backfill(struct hc_capture *c, bool from_source, uint64_t *ret_n_left_out, struct hc_err *err);
/* Any thread. A damaged block gives -EBADMSG; the caller passes over it and calls hc_capture_add_problem(). */
int hc_capture_load(const struct hc_capture *c, uint32_t block, struct hc_block **ret, struct hc_err *err);
/* Thread-safe; the problem is listed from then on. */
void hc_capture_add_problem(struct hc_capture *c, uint32_t block, const struct hc_err *err);

/* Files of the capture: segments, also those that could not be read, and a bundle's other members. */
struct hc_capture_file {
	const char *path; /* below the root */
	uint64_t off;     /* in the file that holds it */
	uint64_t bytes;
};
const struct hc_capture_file *hc_capture_files(const struct hc_capture *c, uint32_t *ret_n);
/* The file of a segment, by index in hc_capture_segs(). */
const struct hc_capture_file *hc_capture_seg_file(const struct hc_capture *c, uint32_t seg);
/* A descriptor of its own for the file, to be read by pread from file->off on; the caller closes it. */
int hc_capture_file_open(const struct hc_capture *c, const struct hc_capture_file *file, struct hc_err *err);

/* Bundle members other than segments ("manifest.json", ...): malloc'ed bytes, a NUL behind them; -ENOENT when
 * missing or not a bundle, -E2BIG when longer than max_bytes. */
int hc_capture_member(const struct hc_capture *c, const char *name, uint64_t max_bytes, void **ret,
                      size_t *ret_bytes, struct hc_err *err);

/* What a recorder or importer needs to write into a directory. */
struct hc_capture_start {
	bool continues;         /* it holds a capture of this node already */
	uint8_t capture_id[16]; /* new, or that of the capture */
	uint64_t next_seq;
	uint32_t next_number[HC_N_STREAMS]; /* of this boot */
	/* Of this boot: the newest row's time by the boot clock, 0 when there is none; and whether the recorder
	 * that wrote it was killed (its last segment has no footer). */
	uint64_t last_boot_ns;
	bool killed;
	int64_t since_wall_ns; /* from when on it is there without a hole (store/holes.h); 0: nothing is there */
	int lock_fd;           /* close it when writing has ended: nobody else writes meanwhile */
};

/*
 * Makes the directory when it is missing; takes it when it is empty or a capture of this node. Anything else in it
 * is refused
 * (-ENOTEMPTY), a directory that another recorder writes too (-EBUSY).
 */
int hc_capture_prepare(const char *dir, const char *node, const uint8_t boot_id[16], struct hc_capture_start *ret,
                       struct hc_err *err);
/*
 * Lets the group read the capture, all that is there and all that will be written: directories get mode 2750,
 * files 0640. Without it they are the owner's alone (0700, 0600). Call it before anything is written.
 */
int hc_capture_share(const char *dir, gid_t group, struct hc_err *err);

#endif
