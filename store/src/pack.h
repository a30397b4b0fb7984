/* The loops over the values of a column that is being encoded. */
#ifndef HC_STORE_PACK_H
#define HC_STORE_PACK_H

#include <stddef.h>
#include <stdint.h>

/* Of v[0..n), n > 0. */
struct hc_pack_span {
	uint64_t min, max;  /* with `flip` applied */
	int64_t dmin, dmax; /* of the differences to the value before; INT64_MAX and 0 when there is none */
};

/* flip: XORed to each value before it is compared; the sign bit for signed ones. */
struct hc_pack_span hc_pack_span(const uint64_t *v, uint32_t n, uint64_t flip);

/* Sums over v[1..n) of the bits that values need. max: of the terms. Of v[i] - base; of v[i] - v[i-1] - step; of
 * the latter's zigzag. */
uint64_t hc_pack_bits_for(const uint64_t *v, uint32_t n, uint64_t base, uint64_t max);
uint64_t hc_pack_bits_delta(const uint64_t *v, uint32_t n, uint64_t step, uint64_t max);
uint64_t hc_pack_bits_zigzag(const uint64_t *v, uint32_t n, uint64_t max);

/* The same in place; the first value of the latter two becomes 0. */
void hc_pack_for(uint64_t *v, uint32_t n, uint64_t base);
void hc_pack_delta(uint64_t *v, uint32_t n, uint64_t step);
void hc_pack_zigzag(uint64_t *v, uint32_t n);

/* The bits that some and that all of n > 0 rows of `stride` words have: any[0..stride), all[0..stride). */
void hc_pack_bits_of_rows(const uint64_t *rows, uint32_t stride, uint32_t n, uint64_t *any, uint64_t *all);

static inline uint64_t hc_pack_zig(uint64_t d)
{
	return (d << 1) ^ (uint64_t)((int64_t)d >> 63);
}

/* Bytes that n values of `width` bits take: 1, 2, 4 or a multiple of 8. */
static inline size_t hc_pack_bytes(uint32_t n, unsigned width)
{
	return width < 8 ? ((size_t)n * width + 7) / 8 : (size_t)n * (width / 8);
}

/* v[0..n), each below 2^width: a bit field after the other, or all lowest bytes, then all second bytes .. */
void hc_pack_put(const uint64_t *v, uint32_t n, unsigned width, uint8_t *to);

#endif
