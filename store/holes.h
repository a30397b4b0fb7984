/*
 * From when on a recording is there without a hole, as its segments tell: a boot begins, nobody recorded (meta_gap
 * rows that no one counted), or segments are missing between others, as retention leaves them between pinned ones.
 * What was lost and counted while a recorder ran is no hole.
 */
#ifndef HC_STORE_HOLES_H
#define HC_STORE_HOLES_H

#include "store/capture.h"

struct hc_holes {
	int64_t *end[HC_N_STREAMS]; /* wall time of the first row behind each hole, in no order */
	uint32_t n[HC_N_STREAMS];
};

/* Blocks that cannot be read are problems of the recording, not errors. */
int hc_holes_load(struct hc_capture *c, struct hc_holes *ret, struct hc_err *err);
void hc_holes_done(struct hc_holes *h);

/* Since when all that was recorded of the stream is there, looked at from `at_wall_ns`; 0: there is nothing
 * before.
 */
int64_t hc_holes_since(const struct hc_holes *h, enum hc_stream stream, int64_t at_wall_ns);

#endif
