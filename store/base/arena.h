/* Bump allocation for work that ends together. Not shared between threads. */
#ifndef HC_STORE_BASE_ARENA_H
#define HC_STORE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/str.h"

struct hc_arena_chunk;
struct hc_arena {
	struct hc_arena_chunk *chunk; /* newest first */
	size_t used_bytes;            /* in all, for limits */
	bool tight; /* set before its use: many small things that need no readable bytes after them */
};

/* Zeroed memory, 16-byte aligned, with 64 readable bytes after it unless tight; NULL when out of memory. */
void *hc_arena_alloc(struct hc_arena *a, size_t n_bytes);
/* Uninitialised memory. */
void *hc_arena_raw(struct hc_arena *a, size_t n_bytes);
/* Terminated copy, .p NULL when out of memory. */
struct hc_str hc_arena_str(struct hc_arena *a, struct hc_str s);
char *hc_arena_printf(struct hc_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Forgets all allocations, keeps the largest chunk. */
void hc_arena_reset(struct hc_arena *a);
void hc_arena_done(struct hc_arena *a);

#endif
