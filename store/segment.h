/*
 * Segment files: a header frame, blocks, a footer frame when closed. docs/FORMAT.md has the bytes.
 * Valid zstd files: framing lies in skippable frames, chunks are plain zstd frames.
 */
#ifndef HC_STORE_SEGMENT_H
#define HC_STORE_SEGMENT_H

#include <sys/types.h>

#include "store/base/cleanup.h"
#include "store/base/err.h"
#include "store/block.h"

#define HC_FORMAT_MAJOR 1 /* another one: not readable */
#define HC_FORMAT_MINOR 0 /* a larger one: readable, what is new is passed over */

/* A boot id as Linux prints it, and as it stands in paths. */
#define HC_BOOT_ID_TEXT 37
void hc_boot_id_text(const uint8_t id[16], char buf[HC_BOOT_ID_TEXT]);

struct hc_seg_header {
	uint16_t format_major, format_minor;
	uint8_t stream;  /* enum hc_stream */
	uint32_t number; /* in its stream and boot, from 1, without gaps */
	uint8_t capture_id[16];
	uint8_t boot_id[16];
	char node[65]; /* host name, terminated */
	char tool[65]; /* "hindcast VERSION", terminated */
	int64_t created_wall_ns;
	uint64_t created_boot_ns;
};

/* A block as the footer, or a walk, knows it. */
struct hc_seg_block {
	uint64_t off; /* of its header frame, from the segment's first byte */
	struct hc_block_info info;
	uint8_t sha256[32]; /* of all its bytes: its leaf in the Merkle tree; zero after a walk without hashing */
};

enum hc_seg_state {
	HC_SEG_SEALED, /* footer present and right */
	HC_SEG_OPEN,   /* no footer: being written, or the writer was killed; every block whole */
	HC_SEG_TORN,   /* the end is cut within a block: its bytes are lost, all before is read */
};

struct hc_seg_damage {
	uint64_t off, bytes; /* where reading stopped, and how much was passed over */
	char what[160];
};

struct hc_seg {
	struct hc_seg_header header;
	enum hc_seg_state state;
	uint64_t file_bytes;
	struct hc_seg_block *blocks;
	uint32_t n_blocks;
	struct hc_seg_damage *damage; /* torn tail, damaged blocks: all that could not be read */
	uint32_t n_damage;
};

/*
 * Reads a segment's structure: from the footer when there is one that checks out, else by walking the block
 * headers and, after a damaged one, by searching the next header. Damage is no failure: it is listed. Fails when
 * the header frame is not that of a segment (-EBADMSG), is of a newer major format (-ENOTSUP) or the file cannot
 * be read. base and limit bound the segment within the file (a bundle's member); base 0 and limit UINT64_MAX for a
 * file of its own.
 */
int hc_seg_load(int fd, uint64_t base, uint64_t limit, const char *name, struct hc_seg **ret, struct hc_err *err);
/* The same by walking, the footer compared with what was found (a difference is damage). hash: fill in sha256. */
int hc_seg_walk(int fd, uint64_t base, uint64_t limit, const char *name, bool hash, struct hc_seg **ret,
                struct hc_err *err);
struct hc_seg *hc_seg_free(struct hc_seg *s);
HC_DEFINE_AUTO(struct hc_seg, hc_seg_free)

#endif
