#include "store/base/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES (256u << 10)

struct hc_sha256 {
	EVP_MD_CTX *ctx;
};

struct hc_sha256 *hc_sha256_new(void)
{
	struct hc_sha256 *s = calloc(1, sizeof(*s));

	if (s)
		s->ctx = EVP_MD_CTX_new();
	if (!s || !s->ctx || EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) != 1)
		return hc_sha256_free(s);
	return s;
}

void hc_sha256_add(struct hc_sha256 *s, const void *p, size_t n_bytes)
{
	EVP_DigestUpdate(s->ctx, p, n_bytes);
}

void hc_sha256_take(struct hc_sha256 *s, uint8_t ret[HC_SHA256_BYTES])
{
	EVP_DigestFinal_ex(s->ctx, ret, NULL);
	EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL);
}

struct hc_sha256 *hc_sha256_free(struct hc_sha256 *s)
{
	if (s)
		EVP_MD_CTX_free(s->ctx);
	free(s);
	return NULL;
}

int hc_sha256_of(const void *p, size_t n_bytes, uint8_t ret[HC_SHA256_BYTES])
{
	struct hc_sha256 *s = hc_sha256_new();

	if (!s)
		return -ENOMEM;
	hc_sha256_add(s, p, n_bytes);
	hc_sha256_take(s, ret);
	hc_sha256_free(s);
	return 0;
}

int hc_sha256_file(int fd, uint64_t off, uint64_t n_bytes, const char *name, uint8_t ret[HC_SHA256_BYTES],
                   struct hc_err *err)
{
	struct hc_sha256 *s = hc_sha256_new();
	uint8_t *buf = malloc(PIECE_BYTES);
	int r = s && buf ? 0 : hc_err_set(err, -ENOMEM, "out of memory");

	while (r == 0 && n_bytes) {
		ssize_t got = pread(fd, buf, n_bytes < PIECE_BYTES ? (size_t)n_bytes : PIECE_BYTES, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			r = hc_err_off(err, -errno, name, off, "cannot read: %s", strerror(errno));
		else if (got == 0)
			r = hc_err_off(err, -EBADMSG, name, off, "the file ends too early");
		else
			hc_sha256_add(s, buf, (size_t)got);
		off += got > 0 ? (uint64_t)got : 0;
		n_bytes -= got > 0 ? (uint64_t)got : 0;
	}
	if (r == 0)
		hc_sha256_take(s, ret);
	hc_sha256_free(s);
	free(buf);
	return r;
}

void hc_sha256_hex(const uint8_t digest[HC_SHA256_BYTES], char ret[HC_SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < HC_SHA256_BYTES; i++) {
		ret[2 * i] = digits[digest[i] >> 4];
		ret[2 * i + 1] = digits[digest[i] & 15];
	}
	ret[2 * HC_SHA256_BYTES] = '\0';
}
