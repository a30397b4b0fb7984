/* glibc's heaps: the first one ends at the program break; those of other threads are 64 MiB each, at multiples of
 * that, of which malloc() opens up what it needs. */
#include "store/base/large_pages.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROBE_BYTES (1u << 20) /* from the heap's end, extending it: no freed piece is as large so early */
#define THREAD_HEAP_BYTES ((uintptr_t)64 << 20)
#define LARGE_PAGE_BYTES ((uintptr_t)2 << 20)

void hc_large_pages(void)
{
	char *volatile probe = malloc(PROBE_BYTES);
	const uintptr_t at = (uintptr_t)probe;
	uintptr_t from = at, end;

	free(probe);
	end = (uintptr_t)sbrk(0);
	if (from >= end) {
		from &= ~(THREAD_HEAP_BYTES - 1);
		end = from + THREAD_HEAP_BYTES;
	}
	from = (from + LARGE_PAGE_BYTES - 1) & ~(LARGE_PAGE_BYTES - 1);
	if (at && from < end)
		(void)madvise(probe + (ptrdiff_t)(from - at), end - from, MADV_HUGEPAGE);
}
