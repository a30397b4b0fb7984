/*
 * Whether a rule that fired may start a capture: a cool-down for each rule and place, and a budget over all of
 * them, so that a noisy rule cannot fill the disk. It counts what it holds back, so that this can be told: once
 * when a budget refuses, and with all later matches when the cool-down is over.
 *
 * It has no clock: times are the caller's, ns of one that never goes back. One thread.
 */
#ifndef HC_CLI_TRIGGER_GATE_H
#define HC_CLI_TRIGGER_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/cleanup.h"

#define HC_TRIGGER_MAX_HOUR 1000u   /* the most that max_hour may be */
#define HC_TRIGGER_MAX_PLACES 1024u /* rules and places at once; matches of more are counted together */
#define HC_TRIGGER_MAX_KEPT 128u    /* captures that triggers have started and that are not deleted */

struct hc_trigger_gate;

enum hc_trigger_verdict {
	HC_TRIGGER_START,
	HC_TRIGGER_COOLDOWN,    /* it has just started one here */
	HC_TRIGGER_MAX_STARTED, /* as many as an hour may have */
	HC_TRIGGER_MAX_RUNNING, /* as many run */
	HC_TRIGGER_MAX_PINNED,  /* what captures keep takes as much of the disk as it may */
	HC_TRIGGER_MANY_KEPT,   /* HC_TRIGGER_MAX_KEPT of them */
	HC_TRIGGER_MANY_PLACES, /* HC_TRIGGER_MAX_PLACES of them */
	HC_TRIGGER_N_VERDICTS,
};
/* "started", "cooldown", "max-hour", ...: for rows and log. */
const char *hc_trigger_verdict_text(enum hc_trigger_verdict v);

/* What is used of the budget, and what there is of it. */
struct hc_trigger_budget {
	uint32_t max_hour, max_running; /* 0: no limit (max_hour: HC_TRIGGER_MAX_HOUR) */
	uint32_t n_running, n_kept;     /* of triggers */
	bool pinned_full;
};

/* Matches that were held back. */
struct hc_trigger_held {
	const char *rule, *place;        /* "": of several; the gate's until its next call */
	enum hc_trigger_verdict verdict; /* why, of the last one */
	uint64_t n;
};

struct hc_trigger_gate *hc_trigger_gate_new(void);
struct hc_trigger_gate *hc_trigger_gate_free(struct hc_trigger_gate *g);
HC_DEFINE_AUTO(struct hc_trigger_gate, hc_trigger_gate_free)

/*
 * n matches of a rule at a place. HC_TRIGGER_START: it counts as started now, and its cool-down begins. *ret_tell:
 * these matches are to be told now; else they are counted, for hc_trigger_gate_over().
 */
enum hc_trigger_verdict hc_trigger_gate_ask(struct hc_trigger_gate *g, const char *rule, const char *place,
                                            uint64_t n, uint64_t cooldown_ns,
                                            const struct hc_trigger_budget *budget, uint64_t now_ns,
                                            bool *ret_tell);
/* One that was started at started_ns, before this gate was there. */
void hc_trigger_gate_started(struct hc_trigger_gate *g, const char *rule, const char *place, uint64_t cooldown_ns,
                             uint64_t started_ns);
/* Takes the held back matches of a rule and place whose cool-down is over, or of any (`all`). False: none. */
bool hc_trigger_gate_over(struct hc_trigger_gate *g, uint64_t now_ns, bool all, struct hc_trigger_held *ret);

#endif
