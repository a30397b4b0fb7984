/*
 * Triggers: rules that start on-demand captures. The rules are evaluated over each block as it is written, by a
 * thread of their own; the daemon's thread decides what becomes of what they find (trigger_gate.h), starts
 * captures and writes meta_alert rows.
 *
 * Recording never waits for it: blocks wait in a short queue, and what does not fit is passed over, counted and
 * told. While there are rules the directory `segments` is locked as by any reader that follows (store/tail.h), so
 * that blocks are written about a second after their first event.
 */
#ifndef HC_CLI_TRIGGER_H
#define HC_CLI_TRIGGER_H

#include "capture/captures.h"
#include "capture/metrics.h"
#include "trigger_set.h"

struct hc_trigger;

/* Takes the set; NULL: no policies. args are copied; dir, captures and log are borrowed as long as it lives. */
int hc_trigger_new(struct hc_trigger_set *take_set, const struct hc_trigger_args *args, const char *dir,
                   struct hc_captures *captures, struct hc_log *log, struct hc_trigger **ret, struct hc_err *err);
struct hc_trigger *hc_trigger_free(struct hc_trigger *t);
HC_DEFINE_AUTO(struct hc_trigger, hc_trigger_free)
/* To be added to the daemon, after the captures' own. */
struct hc_daemon_part *hc_trigger_part(struct hc_trigger *t);
/* Other options: the files are read by the thread of the rules, which takes them over when they load and says in
 * the log what is wrong when they do not; then all stays as it was. 1: it will tell the daemon
 * (hc_daemon_reloaded); 0: there is nothing to read. -ENOMEM, or why no thread can be made. */
int hc_trigger_reload(struct hc_trigger *t, const struct hc_trigger_args *args, struct hc_err *err);
/* A collector (capture/metrics.h): what the rules found, and what they cost. ctx: the struct hc_trigger. */
void hc_trigger_metrics(void *trigger, struct hc_metrics_out *out);

#endif
