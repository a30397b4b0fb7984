/* Facts that one record takes over from another: a file that is opened again and again is described once, and then
 * referred to for as long as that description waits in the same ring (HC_WIRE_FD_SAME). A reader that is killed
 * may have read the description and not yet what refers to it. So where rings outlive the reader, the descriptions
 * that it has read are kept beside them. */
#ifndef HC_CAPTURE_TOLD_H
#define HC_CAPTURE_TOLD_H

#include "decode.h"

#define TOLD_MAX_CPUS 4096

/* The payloads of a FILE and a PATH fact. */
struct told_slot {
	uint16_t n_file, n_path; /* bytes; 0: there is no such fact */
	uint8_t path_flags;
	uint8_t told; /* 0: nothing was */
	uint8_t reserved[2];
	uint32_t cpu_seq; /* of the record that told it */
	uint32_t reserved2;
	uint8_t bytes[HC_WIRE_TOLD_BYTES - 16]; /* FILE, then PATH at the next multiple of 8 */
};

/* By place. Only records of the bulk lane have one. Zero is empty. */
struct told_cpu {
	_Alignas(8) struct told_slot at[HC_WIRE_N_TOLD];
};

/* Zero is empty. */
struct told {
	struct told_cpu *kept; /* by CPU, borrowed; NULL: in memory of its own */
	uint32_t n_kept;
	struct told_cpu **cpus; /* its own, each made when it is needed */
	uint32_t n_cpus;
};

/* From now on descriptions are those of other rings: in `kept`, for n CPUs, or where that is NULL in memory of its
 * own. */
void told_use(struct told *t, struct told_cpu *kept, uint32_t n);

/* Remembers what a record that has a place says of what it opened, and adds to one that refers to a place what
 * that says, which stays valid until the next call. Records of one CPU come in their order. 0; -EBADMSG
 * when a record refers to what was not told; -ENOMEM. */
int told_facts(struct told *t, struct wrec *r);

void told_free(struct told *t);

#endif
