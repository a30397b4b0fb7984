/* Large pages for what malloc() gives. */
#ifndef HC_STORE_BASE_LARGE_PAGES_H
#define HC_STORE_BASE_LARGE_PAGES_H

/* By how much malloc() has to extend a heap (M_TOP_PAD) for that to be of use to the first thread. */
#define HC_LARGE_PAGES_AHEAD (64 << 20)

/*
 * Asks the kernel for large pages for the next 64 MiB that malloc() gives the calling thread: who fills tens of
 * MiB spends a tenth of its time on the faults of small ones, and threads of a process wait for each other there.
 * It is advice: nothing comes of it where the kernel has none, or malloc() is another than glibc's.
 */
void hc_large_pages(void);

#endif
