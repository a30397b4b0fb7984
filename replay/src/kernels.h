/*
 * Loops over columns and bit sets. No branch on data, no error path: columns are padded to 64 rows, bit sets are
 * whole words, and the caller masks the tail.
 */
#ifndef HC_REPLAY_KERNELS_H
#define HC_REPLAY_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 64 bytes of 0 or 1 to 64 bits, the first byte lowest. */
uint64_t hc_pack64(const uint8_t keep[64]);

/* Byte i of lut = bit i of bits, for n entries. lut has room for a multiple of 64. */
void hc_kern_expand(const uint64_t *bits, size_t n, uint8_t *lut);

/* What makes bits of a column. A table, so that a test can put a broken one in and see that it notices. */
struct hc_kernels {
	/* Bit i of out = lut[refs[i]], lut of 0 and 1. */
	void (*gather)(const uint32_t *refs, size_t n_words, const uint8_t *lut, uint64_t *out);
	/* Bit i of out = (col[i] op want), signed or unsigned; absent rows are the caller's business. */
	void (*eq)(const int64_t *col, size_t n_words, int64_t want, uint64_t *out);
	void (*lt)(const int64_t *col, size_t n_words, int64_t want, uint64_t *out);
	void (*gt)(const int64_t *col, size_t n_words, int64_t want, uint64_t *out);
	void (*ltu)(const int64_t *col, size_t n_words, uint64_t want, uint64_t *out);
	void (*gtu)(const int64_t *col, size_t n_words, uint64_t want, uint64_t *out);
	/* (col[i] & mask) != 0; (col[i] & mask) == mask */
	void (*mask_any)(const int64_t *col, size_t n_words, uint64_t mask, uint64_t *out);
	void (*mask_all)(const int64_t *col, size_t n_words, uint64_t mask, uint64_t *out);
};

extern const struct hc_kernels hc_kernels;

/* out = a op b; each returns whether a bit is set in the result. out may be a or b. */
bool hc_bits_and(const uint64_t *a, const uint64_t *b, size_t n_words, uint64_t *out);
bool hc_bits_andnot(const uint64_t *a, const uint64_t *b, size_t n_words, uint64_t *out);
bool hc_bits_or(const uint64_t *a, const uint64_t *b, size_t n_words, uint64_t *out);
bool hc_bits_any(const uint64_t *a, size_t n_words);
bool hc_bits_equal(const uint64_t *a, const uint64_t *b, size_t n_words);
size_t hc_bits_count(const uint64_t *a, size_t n_words);

static inline bool hc_bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static inline void hc_bit_set(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= UINT64_C(1) << (i % 64);
}

/* for each set bit of bits[0..n_words): HC_EACH_BIT(bits, n_words, i) { ... } */
#define HC_EACH_BIT(bits, n_words, i)                                                          \
	for (size_t i##_w = 0; i##_w < (n_words); i##_w++)                                     \
		for (uint64_t i##_left = (bits)[i##_w], i = 0;                                 \
		     i##_left && (i = i##_w * 64 + (unsigned)__builtin_ctzll(i##_left), true); \
		     i##_left &= i##_left - 1)

#endif
