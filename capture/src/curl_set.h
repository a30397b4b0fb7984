/* The options that every exchange by libcurl has here, whoever is asked: no proxy, no redirect, no other protocol,
 * no signal. */
#ifndef HC_CAPTURE_CURL_SET_H
#define HC_CAPTURE_CURL_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "late.h"

struct curl_exchange {
	CURL *easy;
	const char *url, *protocol; /* "https", or "http" */
	long http_version, connect_ms;
	struct curl_slist *headers;
	void *ctx; /* CURLOPT_PRIVATE, and what the two functions get */
	size_t (*on_header)(char *p, size_t size, size_t n, void *ctx);
	size_t (*on_body)(char *p, size_t size, size_t n, void *ctx);
	const void *body; /* of a POST, borrowed until the end; NULL: there is none */
	size_t body_bytes;
	char *why; /* at least CURL_ERROR_SIZE: the first failure, also later libcurl's own */
	size_t why_bytes;
	int code; /* of the options that were set so far: 0, or -ENOTSUP */
};

/* What a libcurl without some option does then would be wrong silently: all must be taken. */
#define CURL_SET(x, option, value)                                                   \
	do {                                                                         \
		CURLcode curl_set_code = curl_easy_setopt((x)->easy, option, value); \
		if (curl_set_code != CURLE_OK)                                       \
			curl_set_failed((x), option, #option, curl_set_code);        \
	} while (0)
void curl_set_failed(struct curl_exchange *x, CURLoption option, const char *name, CURLcode code);

/* Sets all that the struct says; what is more, its user sets by CURL_SET and then looks at x->code. */
void curl_set_exchange(struct curl_exchange *x);
/* One more; false: out of memory, and the list is as it was. */
bool curl_add_header(struct curl_slist **headers, const char *text);

#endif
