/* The loops over a column's values: the same as one value after the other says, for numbers of every size. */
#include <criterion/criterion.h>
#include <string.h>

#include "pack.h"

enum { N_MAX = 1100 };

static uint64_t state = 88172645463325252u;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* Numbers up to a width, in no order or rising; round powers of two and their neighbours among them. */
static void fill(uint64_t *v, uint32_t n, unsigned width, bool rising)
{
	uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1, last = rnd() & mask;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t x = rnd() & mask;

		if (rnd() % 4 == 0)
			x = ((UINT64_C(1) << rnd() % width) - rnd() % 2) & mask;
		v[i] = rising ? last += x & 0xfff : x;
	}
}

static uint64_t bits_of(uint64_t x)
{
	uint64_t n = 1;

	while (x >>= 1)
		n++;
	return n;
}

static void check(const uint64_t *v, uint32_t n, uint64_t flip)
{
	struct hc_pack_span s = hc_pack_span(v, n, flip);
	uint64_t min = v[0] ^ flip, max = min, n_for = 0, n_delta = 0, n_zig = 0, zig_max = 0;
	int64_t dmin = INT64_MAX, dmax = 0;
	uint64_t got[N_MAX];

	for (uint32_t i = 1; i < n; i++) {
		uint64_t x = v[i] ^ flip, z = hc_pack_zig(v[i] - v[i - 1]);
		int64_t d = (int64_t)(v[i] - v[i - 1]);

		min = x < min ? x : min;
		max = x > max ? x : max;
		dmin = d < dmin ? d : dmin;
		dmax = d > dmax ? d : dmax;
		zig_max = z > zig_max ? z : zig_max;
	}
	cr_assert_eq(s.min, min);
	cr_assert_eq(s.max, max);
	cr_assert_eq(s.dmin, dmin);
	cr_assert_eq(s.dmax, dmax);
	for (uint32_t i = 1; i < n; i++) {
		n_for += bits_of((v[i] ^ flip) - min);
		n_delta += bits_of(v[i] - v[i - 1] - (uint64_t)dmin);
		n_zig += bits_of(hc_pack_zig(v[i] - v[i - 1]));
	}
	cr_assert_eq(hc_pack_bits_for(v, n, min ^ flip, max - min), n_for);
	cr_assert_eq(hc_pack_bits_zigzag(v, n, zig_max), n_zig);
	if (dmin >= 0)
		cr_assert_eq(hc_pack_bits_delta(v, n, (uint64_t)dmin, (uint64_t)dmax - (uint64_t)dmin), n_delta);

	memcpy(got, v, n * sizeof(*got));
	hc_pack_for(got, n, min ^ flip);
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(got[i], v[i] - (min ^ flip));
	memcpy(got, v, n * sizeof(*got));
	hc_pack_delta(got, n, 5);
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(got[i], i ? v[i] - v[i - 1] - 5 : 0);
	memcpy(got, v, n * sizeof(*got));
	hc_pack_zigzag(got, n);
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(got[i], i ? hc_pack_zig(v[i] - v[i - 1]) : 0);
}

Test(pack, bits_of_rows_are_those_of_each_word)
{
	for (uint32_t stride = 1; stride < 14; stride++) {
		for (uint32_t n = 1; n < 70; n += n < 4 ? 1 : 13) {
			uint64_t rows[14 * 70], any[14], all[14];

			for (uint32_t i = 0; i < n * stride; i++)
				rows[i] = UINT64_C(0x123456789) * (i / stride + 7) | (uint64_t)(i % stride) << 60;
			hc_pack_bits_of_rows(rows, stride, n, any, all);
			for (uint32_t k = 0; k < stride; k++) {
				uint64_t some = 0, each = UINT64_MAX;

				for (uint32_t i = 0; i < n; i++) {
					some |= rows[i * stride + k];
					each &= rows[i * stride + k];
				}
				cr_assert_eq(any[k], some);
				cr_assert_eq(all[k], each);
			}
		}
	}
}

Test(pack, sums_and_differences_are_those_of_single_values)
{
	static const uint32_t lengths[] = { 1, 2, 3, 7, 8, 9, 31, 64, 513 };
	uint64_t v[N_MAX];

	for (unsigned width = 1; width <= 64; width++)
		for (unsigned l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++)
			for (unsigned turn = 0; turn < 4; turn++) {
				fill(v, lengths[l], width, turn & 1);
				check(v, lengths[l], turn & 2 ? UINT64_C(1) << 63 : 0);
			}
}

static uint64_t put_back(const uint8_t *p, uint32_t n, unsigned width, uint32_t i)
{
	uint64_t x = 0;

	if (width < 8)
		return p[(size_t)i * width / 8] >> (i * width % 8) & ((1u << width) - 1);
	for (unsigned plane = 0; plane < width / 8; plane++)
		x |= (uint64_t)p[(size_t)plane * n + i] << (8 * plane);
	return x;
}

Test(pack, values_are_taken_apart_and_nothing_else_is_touched)
{
	static const unsigned widths[] = { 1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64 };
	uint64_t v[N_MAX];
	uint8_t to[N_MAX * 8 + 1];

	for (unsigned w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
		for (uint32_t n = 1; n < N_MAX; n += n < 70 ? 1 : 97) {
			size_t n_bytes = hc_pack_bytes(n, widths[w]);

			fill(v, n, widths[w], false);
			memset(to, 0xa5, sizeof(to));
			hc_pack_put(v, n, widths[w], to);
			for (uint32_t i = 0; i < n; i++)
				cr_assert_eq(put_back(to, n, widths[w], i), v[i], "width %u, %u of %u", widths[w],
				             i, n);
			for (size_t i = n_bytes; i < sizeof(to); i++)
				cr_assert_eq(to[i], 0xa5);
		}
}
