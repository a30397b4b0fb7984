/* Hashing and open addressing for the tracker's tables: keys lie in the entries, the table holds (hash, pointer).
 */
#ifndef HC_CAPTURE_TABLE_H
#define HC_CAPTURE_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct hc_hash128 {
	uint64_t a, b;
};

static inline uint64_t hash_mix(uint64_t x, uint64_t y)
{
	unsigned __int128 r = (unsigned __int128)x * y;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/* Two multiplications: after one, numbers in a row (of tasks) fall into heaps with one seed in a hundred. */
static inline uint64_t hash_u64(uint64_t seed, uint64_t v)
{
	return hash_mix(hash_mix(v ^ seed, UINT64_C(0x9e3779b97f4a7c15)) ^ seed, UINT64_C(0xe7037ed1a0b428db));
}

/* Two multiplications per 16 bytes. The seeds are random per process, so that nobody outside can choose
 * collisions. */
static inline struct hc_hash128 hash_bytes(struct hc_hash128 h, const void *data, size_t n)
{
	const unsigned char *p = data;
	uint64_t x, y;

	h.a ^= n;
	for (; n >= 16; p += 16, n -= 16) {
		memcpy(&x, p, 8);
		memcpy(&y, p + 8, 8);
		h.a = hash_mix(x ^ h.a, y ^ UINT64_C(0xa0761d6478bd642f));
		h.b = hash_mix(x ^ UINT64_C(0xe7037ed1a0b428db), y ^ h.b);
	}
	x = y = 0;
	if (n >= 8) { /* the second overlaps the first: its length is in the hash */
		memcpy(&x, p, 8);
		memcpy(&y, p + n - 8, 8);
	} else if (n >= 4) {
		uint32_t lo, hi;

		memcpy(&lo, p, 4);
		memcpy(&hi, p + n - 4, 4);
		x = (uint64_t)hi << 32 | lo;
	} else if (n) {
		x = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
	}
	h.a = hash_mix(x ^ h.a, y ^ UINT64_C(0x8ebc6af09c88c6e3));
	h.b = hash_mix(x ^ UINT64_C(0x589965cc75374cc3), y ^ h.b);
	return h;
}

static inline struct hc_hash128 hash_add(struct hc_hash128 h, uint64_t v)
{
	h.a = hash_mix(v ^ h.a, UINT64_C(0xa0761d6478bd642f) ^ h.b);
	h.b = hash_mix(v ^ h.b, UINT64_C(0xe7037ed1a0b428db));
	return h;
}

struct table_slot {
	uint64_t hash;
	void *p; /* NULL: free */
};

struct table {
	struct table_slot *slot;
	uint32_t mask, n;
};

/* Goes over the entries with this hash: `entry` points to each. The table must not change inside but to leave the
 * loop at once. */
#define TABLE_EACH(table, want, at, entry)                                                            \
	for (uint32_t at = (uint32_t)(want) & (table)->mask;                                          \
	     (table)->slot && ((entry) = (table)->slot[at].p) != NULL; at = (at + 1) & (table)->mask) \
		if ((table)->slot[at].hash == (want))

/* Over all entries, in no order. */
#define TABLE_ALL(table, at, entry)                                       \
	for (uint32_t at = 0; (table)->slot && at <= (table)->mask; at++) \
		if (((entry) = (table)->slot[at].p) != NULL)

static inline bool table_add(struct table *t, uint64_t hash, void *p)
{
	uint32_t at;

	if (!t->slot || t->n > t->mask / 2) {
		uint32_t n_slots = t->slot ? (t->mask + 1) * 2 : 64;
		struct table_slot *slot = calloc(n_slots, sizeof(*slot));

		if (!slot)
			return false;
		for (uint32_t i = 0; t->slot && i <= t->mask; i++) {
			if (!t->slot[i].p)
				continue;
			at = (uint32_t)t->slot[i].hash & (n_slots - 1);
			while (slot[at].p)
				at = (at + 1) & (n_slots - 1);
			slot[at] = t->slot[i];
		}
		free(t->slot);
		t->slot = slot;
		t->mask = n_slots - 1;
	}
	at = (uint32_t)hash & t->mask;
	while (t->slot[at].p)
		at = (at + 1) & t->mask;
	t->slot[at] = (struct table_slot){ hash, p };
	t->n++;
	return true;
}

/* Empties slot `at` and closes the hole. */
static inline void table_remove_at(struct table *t, uint32_t at)
{
	uint32_t hole = at, next = (at + 1) & t->mask;

	while (t->slot[next].p) {
		uint32_t home = (uint32_t)t->slot[next].hash & t->mask;

		if (((next - home) & t->mask) >= ((next - hole) & t->mask)) {
			t->slot[hole] = t->slot[next];
			hole = next;
		}
		next = (next + 1) & t->mask;
	}
	t->slot[hole].p = NULL;
	t->n--;
}

static inline bool table_remove(struct table *t, uint64_t hash, const void *p)
{
	for (uint32_t at = (uint32_t)hash & t->mask; t->slot && t->slot[at].p; at = (at + 1) & t->mask) {
		if (t->slot[at].p == p) {
			table_remove_at(t, at);
			return true;
		}
	}
	return false;
}

/* Goes over all entries with leave to remove the one in hand by TABLE_SWEEP_REMOVE. Forwards, and looking at the
 * same slot again after a removal, which moves entries down: one may be met twice where the table wraps around,
 * none is missed. */
#define TABLE_SWEEP(table, at, entry)                                                          \
	for (uint32_t at = 0, at##_next; (table)->slot && at <= (table)->mask; at = at##_next) \
		if ((at##_next = at + 1, (entry) = (table)->slot[at].p) != NULL)
#define TABLE_SWEEP_REMOVE(table, at) (table_remove_at(table, at), at##_next = at)

/* Second chance: goes on from *hand to an entry that was not used since the hand passed it last, and stands at it;
 * the flags on the way are cleared. After a bounded number of looks whichever comes goes. The table must not be
 * empty. */
#define TABLE_LOOKS 64
#define TABLE_OLDEST(table, hand, entry)                                      \
	do {                                                                  \
		for (unsigned looks = 0; looks < TABLE_LOOKS; looks++) {      \
			do                                                    \
				*(hand) = (*(hand) + 1) & (table)->mask;      \
			while (((entry) = (table)->slot[*(hand)].p) == NULL); \
			if (!(entry)->used)                                   \
				break;                                        \
			(entry)->used = 0;                                    \
		}                                                             \
	} while (0)

static inline void table_done(struct table *t)
{
	free(t->slot);
	memset(t, 0, sizeof(*t));
}

#endif
