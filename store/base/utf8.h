/* UTF-8, and what of it a terminal must not be shown as it is. */
#ifndef HC_STORE_BASE_UTF8_H
#define HC_STORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character at p, of n that are there, and which it is; 0 when it is none. */
unsigned hc_utf8(const char *p, size_t n, uint32_t *ret);

/* Bytes at p, of n > 0, that one U+FFFD stands for where hc_utf8() finds no character: as much of a character as
 * is there, which is the Unicode Standard's practice (3.9, "U+FFFD Substitution of Maximal Subparts"); at least 1.
 */
unsigned hc_utf8_broken(const char *p, size_t n);

/* A character that a terminal obeys (C0, DEL, C1), that is not seen, or that changes the order of what stands
 * beside it. */
bool hc_char_is_control(uint32_t c);

#define HC_JSON_ESCAPE_ROOM 13

/* A character as JSON writes it in ASCII: \u001b, or a pair of those beyond U+FFFF. */
void hc_json_escape(uint32_t c, char buf[HC_JSON_ESCAPE_ROOM]);

#endif
