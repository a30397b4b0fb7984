/*
 * Bytes first, bits after: the comparison fills 64 bytes, which compilers vectorise, and these are packed into a
 * word by eight multiplications.
 */
#include "kernels.h"

#include <string.h>

#include "store/base/clones.h"

static inline uint64_t pack(const uint8_t keep[64])
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < 8; i++) {
		uint64_t eight;

		memcpy(&eight, keep + 8 * i, sizeof(eight));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		eight = __builtin_bswap64(eight);
#endif
		bits |= (eight * UINT64_C(0x0102040810204080) >> 56) << (8 * i);
	}
	return bits;
}

uint64_t hc_pack64(const uint8_t keep[64])
{
	return pack(keep);
}

/* No bytes in between here: loads from a table are not vectorised, and reading back as one word what was just
 * written as bytes stalls (0.92 ns a row with gcc 12, against 0.4). */
static void gather(const uint32_t *restrict refs, size_t n_words, const uint8_t *restrict lut,
                   uint64_t *restrict out)
{
	for (size_t w = 0; w < n_words; w++) {
		const uint32_t *r = refs + w * 64;
		uint64_t bits = 0;

		for (unsigned i = 0; i < 64; i += 8) {
			uint64_t low = (uint64_t)lut[r[i]] | (uint64_t)lut[r[i + 1]] << 1 |
			               (uint64_t)lut[r[i + 2]] << 2 | (uint64_t)lut[r[i + 3]] << 3;
			uint64_t high = (uint64_t)lut[r[i + 4]] | (uint64_t)lut[r[i + 5]] << 1 |
			                (uint64_t)lut[r[i + 6]] << 2 | (uint64_t)lut[r[i + 7]] << 3;

			bits |= (low | high << 4) << i;
		}
		out[w] = bits;
	}
}

CLONES void hc_kern_expand(const uint64_t *restrict bits, size_t n, uint8_t *restrict lut)
{
	for (size_t w = 0; w < (n + 63) / 64; w++)
		for (unsigned i = 0; i < 8; i++) {
			uint64_t eight = (bits[w] >> (8 * i) & 0xff) * UINT64_C(0x0101010101010101);

			/* bit k of each byte k */
			eight &= UINT64_C(0x8040201008040201);
			eight = (eight + UINT64_C(0x00406070787c7e7f)) >> 7 & UINT64_C(0x0101010101010101);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
			eight = __builtin_bswap64(eight);
#endif
			memcpy(lut + w * 64 + 8 * i, &eight, sizeof(eight));
		}
}

#define COMPARE(name, type, want_type, expression)                                           \
	CLONES static void name(const int64_t *restrict col, size_t n_words, want_type want, \
	                        uint64_t *restrict out)                                      \
	{                                                                                    \
		for (size_t w = 0; w < n_words; w++) {                                       \
			uint8_t keep[64];                                                    \
                                                                                             \
			for (unsigned lane = 0; lane < 64; lane++) {                         \
				type v = (type)col[w * 64 + lane];                           \
                                                                                             \
				keep[lane] = (expression);                                   \
			}                                                                    \
			out[w] = pack(keep);                                                 \
		}                                                                            \
	}

COMPARE(eq, int64_t, int64_t, v == want)
COMPARE(lt, int64_t, int64_t, v < want)
COMPARE(gt, int64_t, int64_t, v > want)
COMPARE(ltu, uint64_t, uint64_t, v < want)
COMPARE(gtu, uint64_t, uint64_t, v > want)
COMPARE(mask_any, uint64_t, uint64_t, (v & want) != 0)
COMPARE(mask_all, uint64_t, uint64_t, (v & want) == want)

const struct hc_kernels hc_kernels = {
	.gather = gather,
	.eq = eq,
	.lt = lt,
	.gt = gt,
	.ltu = ltu,
	.gtu = gtu,
	.mask_any = mask_any,
	.mask_all = mask_all,
};

bool hc_bits_and(const uint64_t *a, const uint64_t *b, size_t n_words, uint64_t *out)
{
	uint64_t any = 0;

	for (size_t w = 0; w < n_words; w++)
		any |= out[w] = a[w] & b[w];
	return any != 0;
}

bool hc_bits_andnot(const uint64_t *a, const uint64_t *b, size_t n_words, uint64_t *out)
{
	uint64_t any = 0;

	for (size_t w = 0; w < n_words; w++)
		any |= out[w] = a[w] & ~b[w];
	return any != 0;
}

bool hc_bits_or(const uint64_t *a, const uint64_t *b, size_t n_words, uint64_t *out)
{
	uint64_t any = 0;

	for (size_t w = 0; w < n_words; w++)
		any |= out[w] = a[w] | b[w];
	return any != 0;
}

bool hc_bits_any(const uint64_t *a, size_t n_words)
{
	uint64_t any = 0;

	for (size_t w = 0; w < n_words; w++)
		any |= a[w];
	return any != 0;
}

bool hc_bits_equal(const uint64_t *a, const uint64_t *b, size_t n_words)
{
	return n_words == 0 || memcmp(a, b, n_words * sizeof(*a)) == 0;
}

/* The baseline of x86-64 has no instruction for it. */
CLONES size_t hc_bits_count(const uint64_t *a, size_t n_words)
{
	size_t n = 0;

	for (size_t w = 0; w < n_words; w++)
		n += (size_t)__builtin_popcountll(a[w]);
	return n;
}
