/*
 * The recorder's log: one line a message on a stream, for the one who runs the machine, in logfmt (key=value) or
 * JSON (one object a line). What belongs to the evidence is a row of the capture, not a line here.
 *
 *     hc_log(log, HC_LOG_WARN, "events were lost", HC_LOG_U64("events", n), HC_LOG_STR("cause", "ring_full"));
 *     time=2026-03-01T12:00:00.123Z level=warn msg="events were lost" events=12 cause=ring_full
 *
 * Keys are of [a-z_]; a unit is part of the key (_bytes, _seconds). A line is one write(2) and so is never torn
 * into by another thread's; a log whose stream cannot take it loses the line and counts it.
 */
#ifndef HC_CAPTURE_LOG_H
#define HC_CAPTURE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "store/base/err.h"

enum hc_log_level { HC_LOG_ERROR, HC_LOG_WARN, HC_LOG_INFO, HC_LOG_DEBUG };
enum hc_log_format { HC_LOG_LOGFMT, HC_LOG_JSON };

/* Zero-initialised it is silent below errors and writes logfmt to descriptor 0: set all three. */
struct hc_log {
	int fd; /* borrowed */
	enum hc_log_level level;
	enum hc_log_format format;
	uint64_t n_lost; /* lines that could not be written */
};

enum hc_log_kind { HC_LOG_END, HC_LOG_K_STR, HC_LOG_K_U64, HC_LOG_K_I64, HC_LOG_K_F64, HC_LOG_K_BOOL };

struct hc_log_field {
	const char *key;
	enum hc_log_kind kind;
	const char *s; /* NULL: the field is left out */
	uint64_t u;
	int64_t i;
	double f;
};

#define HC_LOG_STR(k, v) ((struct hc_log_field){ .key = (k), .kind = HC_LOG_K_STR, .s = (v) })
#define HC_LOG_U64(k, v) ((struct hc_log_field){ .key = (k), .kind = HC_LOG_K_U64, .u = (v) })
#define HC_LOG_I64(k, v) ((struct hc_log_field){ .key = (k), .kind = HC_LOG_K_I64, .i = (v) })
#define HC_LOG_F64(k, v) ((struct hc_log_field){ .key = (k), .kind = HC_LOG_K_F64, .f = (v) }) /* 3 decimals */
#define HC_LOG_BOOL(k, v) ((struct hc_log_field){ .key = (k), .kind = HC_LOG_K_BOOL, .u = (v) })

/* Any number of fields may follow the message. log may be NULL. */
#define hc_log(log, level, ...) hc_log_(log, level, __VA_ARGS__, ((struct hc_log_field){ .kind = HC_LOG_END }))
#define hc_log_(log, level, msg, ...) hc_log_write(log, level, msg, (struct hc_log_field[]){ __VA_ARGS__ })

/* fields end with kind HC_LOG_END. */
void hc_log_write(struct hc_log *log, enum hc_log_level level, const char *msg, const struct hc_log_field *fields);
/* An error with its place and notes: msg says what was being done, `error` what went wrong. */
void hc_log_err(struct hc_log *log, enum hc_log_level level, const char *msg, const struct hc_err *err);

#endif
