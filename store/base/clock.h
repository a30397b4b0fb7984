/* Clocks in nanoseconds. */
#ifndef HC_STORE_BASE_CLOCK_H
#define HC_STORE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* What clock_gettime(2) says of this clock now. */
static inline uint64_t hc_clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The wall clock, since 1970. */
static inline int64_t hc_wall_ns(void)
{
	return (int64_t)hc_clock_ns(CLOCK_REALTIME);
}

#endif
