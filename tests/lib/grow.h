/* A capture that is being written, for tests: the bytes of a finished one appear in another directory, in the
 * order in which a recorder writes them, by pieces that end anywhere. */
#ifndef HC_TESTS_GROW_H
#define HC_TESTS_GROW_H

#include <stdbool.h>
#include <stdint.h>

struct hc_grow;

/* Makes the directory `to` and holds the lock of its writer. */
struct hc_grow *hc_grow_new(const char *from, const char *to, uint64_t seed);
/* Appends up to so many bytes to the segment that one of the streams is at; false when there is nothing more. */
bool hc_grow_step(struct hc_grow *g, uint64_t max_bytes);
/* All that is left of the segment that the stream is at; false when the stream has ended. */
bool hc_grow_segment(struct hc_grow *g, unsigned stream);
/* The writer ends, whatever is written. */
void hc_grow_end(struct hc_grow *g);

#endif
