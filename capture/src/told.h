/* Facts that one record took over from another: a file that is opened again and again is described once, and
 * referred to while that description waits in the same ring (HC_WIRE_FD_SAME). */
#ifndef HC_CAPTURE_TOLD_H
#define HC_CAPTURE_TOLD_H

#include "decode.h"

#define TOLD_MAX_CPUS 4096

struct told_cpu;

/* Zero is empty. Bounded: HC_WIRE_N_TOLD descriptions of at most HC_WIRE_TOLD_BYTES for each CPU and lane. */
struct told {
	struct told_cpu **cpus;
	uint32_t n_cpus;
};

/* Remembers what a record that has a place says of what it opened, and adds to one that refers to a place what
 * that says, which stays valid until the next call. Records of one CPU and lane come in their order. 0; -EBADMSG
 * when a record refers to what was not told; -ENOMEM. */
int told_facts(struct told *t, struct wrec *r);

void told_free(struct told *t);

#endif
