/* Header, footer and trailer of segments. */
#ifndef HC_STORE_SEGMENT_PRIV_H
#define HC_STORE_SEGMENT_PRIV_H

#include <endian.h>

#include "block_priv.h"
#include "store/segment.h"

/*
 * Header frame's payload: 0 u32 magic, 4 u16 major, 6 u16 minor, 8 u8 stream, 9 u8[3] zero, 12 u32 number, 16
 * u8[16] capture id, 32 u8[16] boot id, 48 i64 wall ns, 56 u64 boot ns, 64 u8 length and text of node, u8 length
 * and text of tool, then what newer versions add, then zeros up to 72 bytes at least, then XXH3-64 of all before.
 *
 * Footer frame's payload: u32 magic, u32 blocks, per block 160 bytes (u64 offset from the segment's begin, u64
 * bytes, u32 rows, u32 stream, u64 first and last seq, u64 first and last ns, i64 wall offset, u64[8] types,
 * u8[32] SHA-256), XXH3-64 of all before, then the trailer: u64 offset of the footer frame, u32 its payload bytes,
 * u32 trailer magic. Frames that newer versions append (a seal) end with the same trailer, so that the last 16
 * bytes of a file always lead to the footer.
 */
#define HC_SEG_HEADER_MAX_BYTES 1024u
#define HC_SEG_FOOTER_HEAD_BYTES 8u
#define HC_SEG_FOOTER_BLOCK_BYTES 160u
#define HC_SEG_TRAILER_BYTES 16u
#define HC_SEG_FOOTER_MAX_BYTES (256u << 20)

/* A host name as it stands in paths and headers: what could leave the directory, or is no file name, becomes '_'.
 */
void hc_seg_node_clean(char *to, size_t room, const char *from);
/* The whole header frame into buf (HC_SEG_HEADER_MAX_BYTES); its length. */
size_t hc_seg_header_write(const struct hc_seg_header *h, uint8_t *buf);
/* Length of the footer frame of so many blocks. */
size_t hc_seg_footer_bytes(uint32_t n_blocks);
/* The whole footer frame, malloc'ed. NULL when out of memory. */
uint8_t *hc_seg_footer_write(const struct hc_seg_block *blocks, uint32_t n_blocks, uint64_t footer_off,
                             size_t *ret_bytes);

/*
 * Walks what a segment that grows has from `off` on, the end of a whole block. The result has no header; its state
 * is HC_SEG_SEALED when the footer stands there (hc_seg_load() checks it), HC_SEG_TORN when the last damage is an
 * end that is no whole block yet.
 */
int hc_seg_load_more(int fd, uint64_t off, uint8_t stream, const char *name, struct hc_seg **ret,
                     struct hc_err *err);

#endif
