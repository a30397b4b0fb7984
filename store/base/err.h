/* What went wrong, where, and what to do: filled where the cause is known, printed only by the command. */
#ifndef HC_STORE_BASE_ERR_H
#define HC_STORE_BASE_ERR_H

#include <stdint.h>

/* Lives on the caller's stack and never allocates, so it can report ENOMEM too. Zero-initialise it. */
struct hc_err {
	int code;        /* negative errno of the first cause; 0 while empty */
	uint32_t line;   /* 1-based; 0 when there is no place to point at */
	uint32_t column; /* 1-based, in characters; 0 when line is 0 */
	uint64_t offset; /* byte offset in file; UINT64_MAX - or 0 with line 0 and has_offset 0 - when there is
	                    none */
	uint8_t has_offset;
	char file[256];  /* as the user gave it, cut at the left when longer; empty when there is none */
	char msg[384];   /* one sentence, no newline, no final period */
	char notes[640]; /* "while ..." and remedy lines added on the way up, newline-separated */
};

/* Each returns `code`, so that a function can fail with `return hc_err_set(...)`. A filled err keeps its first
 * cause; err may be NULL. */
int hc_err_set(struct hc_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* line and column are 1-based. */
int hc_err_at(struct hc_err *err, int code, const char *file, uint32_t line, uint32_t column, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
int hc_err_off(struct hc_err *err, int code, const char *file, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Adds a line to the notes; nothing while the error is empty. */
void hc_err_note(struct hc_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "file:line:column: message" or "file: at byte N: message" or "message", without notes; always terminated. */
const char *hc_err_text(const struct hc_err *err, char *buf, unsigned buf_bytes);

#if defined(__clang_analyzer__) && !defined(HC_ERR_SOURCE)
/* The analyzer sees one source at a time: tell it that these return their `code`. */
#define hc_err_set(err, code, ...) (hc_err_set(err, code, __VA_ARGS__), (code))
#define hc_err_at(err, code, ...) (hc_err_at(err, code, __VA_ARGS__), (code))
#define hc_err_off(err, code, ...) (hc_err_off(err, code, __VA_ARGS__), (code))
#endif

#endif
