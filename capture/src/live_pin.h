/* Recorders that follow each other without a gap: what outlives a process lies in the BPF file system.
 *
 * A set, one directory per capture, holds a gate for each hook (bpf/gate.bpf.c: link, program, array of one
 * program) and a directory for each generation, that is each recorder, with its rings, counters and program
 * arrays. The gates lead to one generation's programs. A new recorder loads its own programs with rings of its
 * own, points the gates to them, and reads what earlier generations left. As every generation reads only rings
 * that it made, or that have the same layout, versions may differ.
 *
 *     state            struct pin_state
 *     link_P, at_P, to_P   the gate in front of program P
 *     LAYOUT_M         map M that programs use from the beginning of a call to its end: shared by generations of
 *                      one layout, so that a call that is under way when the gates turn comes once and whole
 *     gN/info, told, cpus, descriptions, ring_I, M   of generation N; the last ring_I may hold all of its front
 * rings
 */
#ifndef HC_CAPTURE_LIVE_PIN_H
#define HC_CAPTURE_LIVE_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live_priv.h"

struct bpf_link;
struct bpf_object;
struct bpf_program;
struct live_pin;

/* A hook as the loader decided: the program behind it, -1 when it is not recorded. */
struct pin_hook {
	const char *program;
	int prog_fd;
	bool optional; /* when it cannot be attached the rest is */
};

/* What the loader made. */
struct pin_made {
	struct bpf_object *obj;
	const int *ring_fds; /* of maps with a ring each; the last may be of several front rings */
	unsigned n_rings, n_ring_maps, n_cpus;
	const struct pin_hook *hooks; /* borrowed as long as the set */
	size_t n_hooks;
};

/* The set below `root` of the capture in `dir`, which must exist; made when missing. -ENOTSUP: no BPF file system
 * there, or it cannot be written. */
int pin_open(const char *root, const char *dir, struct live_pin **ret, struct hc_err *err);
/* Nothing is unpinned. */
struct live_pin *pin_close(struct live_pin *p);
/* Scrambles kernel addresses: the same for all generations. */
uint64_t pin_key(const struct live_pin *p);
/* Before `obj` is loaded: takes the maps that are shared. */
void pin_share(struct live_pin *p, struct bpf_object *obj);
/* Makes this recorder a generation: pins what it made, loads the gates that are missing. On failure nothing of it
 * stays. */
int pin_prepare(struct live_pin *p, const struct pin_made *made, struct hc_err *err);
bool pin_prepared(const struct live_pin *p);
/* Asks the recorder that is at work to let go when the gates have turned. */
int pin_ask(struct live_pin *p, int timeout_ms, struct hc_err *err);
/* Turns all gates to this generation. `attach` puts a new gate at its tracepoint. */
int pin_turn(struct live_pin *p, struct bpf_link *(*attach)(void *ctx, size_t hook, struct bpf_program *gate),
             void *ctx, struct hc_err *err);
/* The gate's program; -1: the hook has none, as an optional one may. */
int pin_gate_fd(const struct live_pin *p, size_t hook);
bool pin_has_gate(const struct live_pin *p, size_t hook);
/* Gates led to a recorder's programs all the time before. */
bool pin_resumes(const struct live_pin *p);
/* Looks whether a new recorder asks; true when the gates lead to it. */
bool pin_handed_over(struct live_pin *p);
/* The end: gates and all else go. */
void pin_remove(struct live_pin *p);
/* This generation's own part goes: another one is at work. */
void pin_remove_own(struct live_pin *p);
/* Runs skipped because a gate interrupted itself, that have not been told of. */
uint64_t pin_missed(const struct live_pin *p);
struct hc_live_kept *pin_kept(struct live_pin *p);
struct told_cpu *pin_descriptions(struct live_pin *p);
/* Where to keep how much of a ring was handed out; NULL: there are too many rings. */
uint64_t *pin_handed(struct live_pin *p, unsigned ring);
void pin_told(struct live_pin *p, const struct hc_wire_count *count);

size_t pin_look_left(struct live_pin *p);
struct hc_live_left *pin_left(struct live_pin *p, size_t i, struct hc_err *err);

#endif
