#include "curl_set.h"

#include <errno.h>
#include <stdio.h>

void curl_set_failed(struct curl_exchange *x, CURLoption option, const char *name, CURLcode code)
{
	if (x->code == 0)
		snprintf(x->why, x->why_bytes, "%s: %s", name,
		         option == CURLOPT_HTTP_VERSION ? "this libcurl has no HTTP/2" : curl_easy_strerror(code));
	x->code = -ENOTSUP;
}

void curl_set_exchange(struct curl_exchange *x)
{
	CURL_SET(x, CURLOPT_URL, x->url);
	CURL_SET(x, CURLOPT_PRIVATE, x->ctx);
	CURL_SET(x, CURLOPT_ERRORBUFFER, x->why);
	CURL_SET(x, CURLOPT_NOSIGNAL, 1L);
	CURL_SET(x, CURLOPT_PROTOCOLS_STR, x->protocol);
	CURL_SET(x, CURLOPT_FOLLOWLOCATION, 0L);
	CURL_SET(x, CURLOPT_NOPROXY, "*");
	CURL_SET(x, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	CURL_SET(x, CURLOPT_HTTP_VERSION, x->http_version);
	CURL_SET(x, CURLOPT_CONNECTTIMEOUT_MS, x->connect_ms);
	CURL_SET(x, CURLOPT_HEADERFUNCTION, x->on_header);
	CURL_SET(x, CURLOPT_HEADERDATA, x->ctx);
	CURL_SET(x, CURLOPT_WRITEFUNCTION, x->on_body);
	CURL_SET(x, CURLOPT_WRITEDATA, x->ctx);
	CURL_SET(x, CURLOPT_HTTPHEADER, x->headers);
	if (x->body) {
		CURL_SET(x, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_bytes);
		CURL_SET(x, CURLOPT_POSTFIELDS, (const char *)x->body);
	}
}

bool curl_add_header(struct curl_slist **headers, const char *text)
{
	struct curl_slist *more = curl_slist_append(*headers, text);

	if (more)
		*headers = more;
	return more != NULL;
}
