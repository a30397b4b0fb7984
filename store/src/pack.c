/*
 * No branch in a loop depends on data, and sums are of integers: gcc 12 vectorises all of them for AVX2. The bits
 * of a number below 2^52 are the exponent of the double that it is, which is to be had without a conversion: as
 * the mantissa of a number between 2^52 and 2^53, of which 2^52 is then taken away.
 */
#include "pack.h"

#include <string.h>

#include "store/base/clones.h"

#define EXACT_BITS 52
#define TILE 512u /* values whose bytes are taken apart while they are in the nearest cache */

CLONES struct hc_pack_span hc_pack_span(const uint64_t *v, uint32_t n, uint64_t flip)
{
	const uint64_t sign = UINT64_C(1) << 63;
	int64_t min = (int64_t)(v[0] ^ flip ^ sign), max = min, dmin = INT64_MAX, dmax = 0;

	for (uint32_t i = 1; i < n; i++) {
		int64_t x = (int64_t)(v[i] ^ flip ^ sign), d = (int64_t)(v[i] - v[i - 1]);

		min = x < min ? x : min;
		max = x > max ? x : max;
		dmin = d < dmin ? d : dmin;
		dmax = d > dmax ? d : dmax;
	}
	return (struct hc_pack_span){ (uint64_t)min ^ sign, (uint64_t)max ^ sign, dmin, dmax };
}

/* The biased exponent of x as a double; x below 2^52. */
static inline uint64_t exponent(uint64_t x)
{
	uint64_t u = x | 1 | (uint64_t)(1023 + EXACT_BITS) << EXACT_BITS;
	double d;

	memcpy(&d, &u, sizeof(d));
	d -= 0x1p52;
	memcpy(&u, &d, sizeof(u));
	return u >> EXACT_BITS;
}

static inline uint64_t slow_bits(uint64_t x)
{
	return 64u - (unsigned)__builtin_clzll(x | 1);
}

/* The sum of bits from that of exponents. */
static inline uint64_t bits(uint64_t exponents, uint32_t n)
{
	return exponents - (uint64_t)(n - 1) * 1022;
}

CLONES uint64_t hc_pack_bits_for(const uint64_t *v, uint32_t n, uint64_t base, uint64_t max)
{
	uint64_t sum = 0;

	if (max >> EXACT_BITS) {
		for (uint32_t i = 1; i < n; i++)
			sum += slow_bits(v[i] - base);
		return sum;
	}
	for (uint32_t i = 1; i < n; i++)
		sum += exponent(v[i] - base);
	return bits(sum, n);
}

CLONES uint64_t hc_pack_bits_delta(const uint64_t *v, uint32_t n, uint64_t step, uint64_t max)
{
	uint64_t sum = 0;

	if (max >> EXACT_BITS) {
		for (uint32_t i = 1; i < n; i++)
			sum += slow_bits(v[i] - v[i - 1] - step);
		return sum;
	}
	for (uint32_t i = 1; i < n; i++)
		sum += exponent(v[i] - v[i - 1] - step);
	return bits(sum, n);
}

CLONES uint64_t hc_pack_bits_zigzag(const uint64_t *v, uint32_t n, uint64_t max)
{
	uint64_t sum = 0;

	if (max >> EXACT_BITS) {
		for (uint32_t i = 1; i < n; i++)
			sum += slow_bits(hc_pack_zig(v[i] - v[i - 1]));
		return sum;
	}
	for (uint32_t i = 1; i < n; i++)
		sum += exponent(hc_pack_zig(v[i] - v[i - 1]));
	return bits(sum, n);
}

/* Four columns at a time, which stay in registers. */
CLONES void hc_pack_bits_of_rows(const uint64_t *rows, uint32_t stride, uint32_t n, uint64_t *any, uint64_t *all)
{
	typedef uint64_t four __attribute__((vector_size(32)));
	uint32_t k = 0;

	for (; k + 4 <= stride; k += 4) {
		four row, some, each;

		memcpy(&some, rows + k, sizeof(some));
		each = some;
		for (uint32_t i = 1; i < n; i++) {
			memcpy(&row, rows + (size_t)i * stride + k, sizeof(row));
			some |= row;
			each &= row;
		}
		memcpy(any + k, &some, sizeof(some));
		memcpy(all + k, &each, sizeof(each));
	}
	for (; k < stride; k++) {
		any[k] = all[k] = rows[k];
		for (uint32_t i = 1; i < n; i++) {
			any[k] |= rows[(size_t)i * stride + k];
			all[k] &= rows[(size_t)i * stride + k];
		}
	}
}

CLONES void hc_pack_for(uint64_t *v, uint32_t n, uint64_t base)
{
	for (uint32_t i = 0; i < n; i++)
		v[i] -= base;
}

CLONES void hc_pack_delta(uint64_t *v, uint32_t n, uint64_t step)
{
	for (uint32_t i = n - 1; i > 0; i--)
		v[i] = v[i] - v[i - 1] - step;
	v[0] = 0;
}

CLONES void hc_pack_zigzag(uint64_t *v, uint32_t n)
{
	for (uint32_t i = n - 1; i > 0; i--)
		v[i] = hc_pack_zig(v[i] - v[i - 1]);
	v[0] = 0;
}

static void put_bits(const uint64_t *v, uint32_t n, unsigned width, uint8_t *to)
{
	unsigned per_byte = 8 / width;
	uint32_t i = 0;

	for (; i + per_byte <= n; i += per_byte) {
		unsigned byte = 0;

		for (unsigned k = 0; k < per_byte; k++)
			byte |= (unsigned)v[i + k] << (k * width);
		*to++ = (uint8_t)byte;
	}
	if (i < n) {
		unsigned byte = 0;

		for (unsigned k = 0; i + k < n; k++)
			byte |= (unsigned)v[i + k] << (k * width);
		*to = (uint8_t)byte;
	}
}

CLONES static void put_plane(const uint64_t *restrict v, uint32_t n, unsigned shift, uint8_t *restrict to)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = (uint8_t)(v[i] >> shift);
}

void hc_pack_put(const uint64_t *v, uint32_t n, unsigned width, uint8_t *to)
{
	if (width < 8) {
		switch (width) { /* by constants */
		case 1:
			put_bits(v, n, 1, to);
			break;
		case 2:
			put_bits(v, n, 2, to);
			break;
		default:
			put_bits(v, n, 4, to);
			break;
		}
		return;
	}
	for (uint32_t at = 0; at < n; at += TILE)
		for (unsigned plane = 0; plane < width / 8; plane++)
			put_plane(v + at, n - at < TILE ? n - at : TILE, 8 * plane, to + (size_t)plane * n + at);
}
