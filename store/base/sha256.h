/* SHA-256 of bytes and of parts of files, by libcrypto (FIPS 180-4). Not every command needs it, so it is loaded
 * when the first digest is asked for: those that cannot be begun say so when it is not there (-ENOENT). */
#ifndef HC_STORE_BASE_SHA256_H
#define HC_STORE_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "store/base/err.h"

#define HC_SHA256_BYTES 32
#define HC_SHA256_HEX 65 /* with its NUL */

struct hc_sha256; /* opaque */

/* -ENOMEM, or -ENOENT without libcrypto; hc_sha256_of() too. */
int hc_sha256_new(struct hc_sha256 **ret, struct hc_err *err);
void hc_sha256_add(struct hc_sha256 *s, const void *p, size_t n_bytes);
/* Gives the digest and begins anew. */
void hc_sha256_take(struct hc_sha256 *s, uint8_t ret[HC_SHA256_BYTES]);
struct hc_sha256 *hc_sha256_free(struct hc_sha256 *s);

int hc_sha256_of(const void *p, size_t n_bytes, uint8_t ret[HC_SHA256_BYTES], struct hc_err *err);
/* n_bytes of an open file from off on; -EBADMSG when it ends before. name is for the message. */
int hc_sha256_file(int fd, uint64_t off, uint64_t n_bytes, const char *name, uint8_t ret[HC_SHA256_BYTES],
                   struct hc_err *err);
void hc_sha256_hex(const uint8_t digest[HC_SHA256_BYTES], char ret[HC_SHA256_HEX]);

#endif
