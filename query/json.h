/* JSON as bundles and --json have it, on top of json-c. */
#ifndef HC_QUERY_JSON_H
#define HC_QUERY_JSON_H

#include <stdint.h>

#include "store/base/err.h"
#include "store/base/str.h"

struct json_object;

#define HC_JSON_MAX_EXACT (UINT64_C(1) << 53) /* integers below it are exact for every reader of JSON */

/* A string; bytes that are no UTF-8 become U+FFFD, as JSON has no other way. NULL when out of memory. */
struct json_object *hc_json_str(struct hc_str s);
struct json_object *hc_json_text(const char *text); /* JSON null for NULL */
/* RFC 3339 with nanoseconds. */
struct json_object *hc_json_time(int64_t wall_ns);
/* A number where every reader of JSON keeps it exact (below 2^53), else decimal digits in a string. */
struct json_object *hc_json_u64(uint64_t v);
struct json_object *hc_json_i64(int64_t v);
struct json_object *hc_json_hex(const void *p, size_t n_bytes);

/*
 * RFC 8785: one line, keys sorted, no spaces; numbers must be integers below 2^53 (-EINVAL). malloc'ed,
 * terminated; *ret_bytes without the NUL, may be NULL.
 */
int hc_json_canon(struct json_object *o, char **ret, size_t *ret_bytes);

#endif
