/* JSON text as Falco writes it: no blanks, invalid UTF-8 as U+FFFD. */
#ifndef HC_FALCO_JSON_H
#define HC_FALCO_JSON_H

#include "store/base/arena.h"

struct fjson {
	struct hc_arena *arena;
	char *p;
	uint32_t n, cap;
	bool failed;
	bool base64; /* values that are bytes are printed in base64; otherwise what is no ASCII becomes a dot */
};

void fjson_bytes(struct fjson *j, const char *p, uint32_t n);
void fjson_raw(struct fjson *j, const char *s);
void fjson_char(struct fjson *j, char c);
void fjson_base64(struct fjson *j, const char *p, uint32_t n);
/* In quotes. */
void fjson_text(struct fjson *j, struct hc_str s);
/* The same without the quotes. */
void fjson_escaped(struct fjson *j, struct hc_str s);
void fjson_u64(struct fjson *j, uint64_t v);
void fjson_i64(struct fjson *j, int64_t v);
/* Terminated; .p NULL when memory was short. */
struct hc_str fjson_end(struct fjson *j);

#endif
