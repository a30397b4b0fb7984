/*
 * What the wall clock said while it was being set. Rows get their wall time from the boot clock and the offset of
 * the moment in which they are written, so a span of the boot clock has the wall times of all offsets that were in
 * force in it. Times in ns.
 */
#ifndef HC_CAPTURE_SRC_WALL_CLOCK_H
#define HC_CAPTURE_SRC_WALL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define WALL_STEP_NS INT64_C(1000000000) /* less is an adjustment, and counts as none */
#define WALL_MAX_STEPS 64                /* more are remembered as one span with the extremes of all */

/* Zero-initialised. */
struct wall_clock {
	struct wall_span {
		int64_t from_boot_ns;    /* until the next one begins */
		int64_t low_ns, high_ns; /* wall - boot: the least and the greatest in it */
	} v[WALL_MAX_STEPS];
	unsigned n;
	int64_t offset_ns; /* as of the last look */
};

/* Takes what the clocks say now, which is to be done each second. By how much the wall clock was set since the
 * last look; 0: it was not, or this is the first. */
int64_t wall_clock_look(struct wall_clock *w, int64_t boot_ns, int64_t wall_ns);

/* The first and the last wall time that a row of these moments (inclusive) may have. Before the first look the
 * clock counts as never set. */
int64_t wall_clock_first(const struct wall_clock *w, int64_t from_boot_ns, int64_t until_boot_ns);
int64_t wall_clock_last(const struct wall_clock *w, int64_t from_boot_ns, int64_t until_boot_ns);

#endif
