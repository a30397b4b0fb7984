/*
 * Whether a JSON text is small in what it becomes, not only in bytes. json-c takes 50 to 800 bytes a value, the
 * most for an empty object, so that 4 MiB of "[{},{}" would become a GiB. Whoever parses what somebody else wrote
 * asks first, and parses strictly: comments and single quotes, which json-c takes otherwise, are not counted here.
 */
#ifndef HC_CAPTURE_JSON_FEW_H
#define HC_CAPTURE_JSON_FEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most max values: members and items, and what holds them. */
bool json_has_few(const char *p, size_t n_bytes, uint32_t max);

#endif
