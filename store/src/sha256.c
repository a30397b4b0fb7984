#include "store/base/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/late.h"

#define PIECE_BYTES (256u << 10)

#define CRYPTO(X)             \
	X(EVP_DigestFinal_ex) \
	X(EVP_DigestInit_ex)  \
	X(EVP_DigestUpdate)   \
	X(EVP_MD_CTX_free)    \
	X(EVP_MD_CTX_new)     \
	X(EVP_sha256)

#define MEMBER(f) typeof(f) *f;
static struct crypto {
	CRYPTO(MEMBER)
} crypto;

struct hc_sha256 {
	EVP_MD_CTX *ctx;
};

static int load(struct hc_err *err)
{
#define NAME(f) { #f, offsetof(struct crypto, f) },
	static const struct hc_late_name names[] = { CRYPTO(NAME) };

	return hc_late_load("libcrypto.so.3", "libssl3", names, sizeof(names) / sizeof(names[0]), &crypto, err);
}

int hc_sha256_new(struct hc_sha256 **ret, struct hc_err *err)
{
	struct hc_sha256 *s;
	int r = load(err);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (s)
		s->ctx = crypto.EVP_MD_CTX_new();
	if (!s || !s->ctx || crypto.EVP_DigestInit_ex(s->ctx, crypto.EVP_sha256(), NULL) != 1) {
		hc_sha256_free(s);
		return hc_err_set(err, -ENOMEM, "out of memory");
	}
	*ret = s;
	return 0;
}

void hc_sha256_add(struct hc_sha256 *s, const void *p, size_t n_bytes)
{
	crypto.EVP_DigestUpdate(s->ctx, p, n_bytes);
}

void hc_sha256_take(struct hc_sha256 *s, uint8_t ret[HC_SHA256_BYTES])
{
	crypto.EVP_DigestFinal_ex(s->ctx, ret, NULL);
	crypto.EVP_DigestInit_ex(s->ctx, NULL, NULL);
}

struct hc_sha256 *hc_sha256_free(struct hc_sha256 *s)
{
	if (s)
		crypto.EVP_MD_CTX_free(s->ctx);
	free(s);
	return NULL;
}

int hc_sha256_of(const void *p, size_t n_bytes, uint8_t ret[HC_SHA256_BYTES], struct hc_err *err)
{
	struct hc_sha256 *s;
	int r = hc_sha256_new(&s, err);

	if (r < 0)
		return r;
	hc_sha256_add(s, p, n_bytes);
	hc_sha256_take(s, ret);
	hc_sha256_free(s);
	return 0;
}

int hc_sha256_file(int fd, uint64_t off, uint64_t n_bytes, const char *name, uint8_t ret[HC_SHA256_BYTES],
                   struct hc_err *err)
{
	uint8_t *buf = malloc(PIECE_BYTES);
	struct hc_sha256 *s = NULL;
	int r = buf ? 0 : hc_err_set(err, -ENOMEM, "out of memory");

	if (r == 0)
		r = hc_sha256_new(&s, err);
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
