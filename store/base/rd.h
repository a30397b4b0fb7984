/* A reader over untrusted bytes: after one short read `bad` stays set and reads yield 0, so a parser checks once.
 */
#ifndef HC_STORE_BASE_RD_H
#define HC_STORE_BASE_RD_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "store/base/str.h"

struct hc_rd {
	const uint8_t *p, *end;
	bool bad;
};

/* buf may be NULL when there is nothing in it. */
static inline struct hc_rd hc_rd_init(const void *buf, size_t n_bytes)
{
	static const uint8_t none[1]; /* NULL cannot even be added nothing to */
	const uint8_t *p = buf ? buf : none;

	return (struct hc_rd){ .p = p, .end = p + n_bytes };
}

static inline size_t hc_rd_left(const struct hc_rd *rd)
{
	return rd->bad ? 0 : (size_t)(rd->end - rd->p);
}

static inline bool hc_rd_copy(struct hc_rd *rd, void *to, size_t n_bytes)
{
	if (rd->bad || (size_t)(rd->end - rd->p) < n_bytes) {
		rd->bad = true;
		memset(to, 0, n_bytes);
		return false;
	}
	memcpy(to, rd->p, n_bytes); /* the source need not be aligned */
	rd->p += n_bytes;
	return true;
}

static inline uint8_t hc_rd_u8(struct hc_rd *rd)
{
	uint8_t v;

	hc_rd_copy(rd, &v, sizeof(v));
	return v;
}

static inline uint16_t hc_rd_u16(struct hc_rd *rd)
{
	uint16_t v;

	hc_rd_copy(rd, &v, sizeof(v));
	return le16toh(v);
}

static inline uint32_t hc_rd_u32(struct hc_rd *rd)
{
	uint32_t v;

	hc_rd_copy(rd, &v, sizeof(v));
	return le32toh(v);
}

static inline uint64_t hc_rd_u64(struct hc_rd *rd)
{
	uint64_t v;

	hc_rd_copy(rd, &v, sizeof(v));
	return le64toh(v);
}

/* LEB128, at most 10 bytes; more, or bits beyond 64, make the reader bad. */
static inline uint64_t hc_rd_varint(struct hc_rd *rd)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t b = hc_rd_u8(rd);

		if (rd->bad)
			return 0;
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	rd->bad = true;
	return 0;
}

/* Borrows n bytes; NULL (and bad) when there are fewer. */
static inline const uint8_t *hc_rd_bytes(struct hc_rd *rd, size_t n_bytes)
{
	const uint8_t *p = rd->p;

	if (rd->bad || (size_t)(rd->end - rd->p) < n_bytes) {
		rd->bad = true;
		return NULL;
	}
	rd->p += n_bytes;
	return p;
}

#endif
