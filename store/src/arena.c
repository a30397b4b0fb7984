/* Chunks double from 64 KiB, those of many small things up to 512 KiB only: of the last one half may never be
 * used. Under ASan free space is poisoned so that stale pointers are caught. */
#include "store/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define POISONING 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONING 1
#endif
#endif
#ifdef POISONING
#include <sanitizer/asan_interface.h>
#else
#define POISONING 0
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define FIRST_CHUNK_BYTES ((size_t)64 << 10)
#define MOST_CHUNK_BYTES ((size_t)64 << 20)
#define MOST_TIGHT_CHUNK_BYTES ((size_t)512 << 10)
#define TAIL_BYTES 64u
#define TIGHT_TAIL_BYTES (POISONING ? 16u : 0u) /* a red zone */

struct hc_arena_chunk {
	struct hc_arena_chunk *next;
	size_t size_bytes, used_bytes;
	_Alignas(16) uint8_t data[];
};

void *hc_arena_raw(struct hc_arena *a, size_t n_bytes)
{
	size_t tail = a->tight ? TIGHT_TAIL_BYTES : TAIL_BYTES;
	size_t need = (n_bytes + tail + 15) & ~(size_t)15;
	struct hc_arena_chunk *c = a->chunk;
	void *p;

	if (need < n_bytes)
		return NULL;
	if (!c || c->size_bytes - c->used_bytes < need) {
		size_t size = c ? c->size_bytes * 2 : FIRST_CHUNK_BYTES,
		       most = a->tight ? MOST_TIGHT_CHUNK_BYTES : MOST_CHUNK_BYTES;

		if (size > most)
			size = most;
		if (size < need)
			size = need;
		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		*c = (struct hc_arena_chunk){ .next = a->chunk, .size_bytes = size };
		ASAN_POISON_MEMORY_REGION(c->data, size);
		a->chunk = c;
	}
	p = c->data + c->used_bytes;
	c->used_bytes += need;
	a->used_bytes += need;
	ASAN_UNPOISON_MEMORY_REGION(p, a->tight ? n_bytes : n_bytes + TAIL_BYTES);
	return p;
}

void *hc_arena_alloc(struct hc_arena *a, size_t n_bytes)
{
	void *p = hc_arena_raw(a, n_bytes);

	return p ? memset(p, 0, a->tight ? n_bytes : n_bytes + TAIL_BYTES) : NULL;
}

struct hc_str hc_arena_str(struct hc_arena *a, struct hc_str s)
{
	char *p = hc_arena_raw(a, (size_t)s.len + 1);

	if (!p)
		return (struct hc_str){ NULL, 0 };
	if (s.len)
		memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return (struct hc_str){ p, s.len };
}

char *hc_arena_printf(struct hc_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : hc_arena_raw(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void hc_arena_reset(struct hc_arena *a)
{
	struct hc_arena_chunk *keep = NULL, *c, *next;

	for (c = a->chunk; c; c = c->next)
		if (!keep || c->size_bytes > keep->size_bytes)
			keep = c;
	for (c = a->chunk; c; c = next) {
		next = c->next;
		if (c != keep)
			free(c);
	}
	if (keep) {
		keep->next = NULL;
		keep->used_bytes = 0;
		ASAN_POISON_MEMORY_REGION(keep->data, keep->size_bytes);
	}
	a->chunk = keep;
	a->used_bytes = 0;
}

void hc_arena_done(struct hc_arena *a)
{
	struct hc_arena_chunk *c, *next;

	for (c = a->chunk; c; c = next) {
		next = c->next;
		free(c);
	}
	*a = (struct hc_arena){ .tight = a->tight };
}
