/* Libraries loaded when they are needed. */
#define LATE_WITHOUT_NAMES
#include "late.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/base/late.h"

struct late late;

#define NAME(f) { #f, offsetof(struct late, f) },
static const struct hc_late_name curl_names[] = { LATE_CURL(NAME) };
static const struct hc_late_name mhd_names[] = { LATE_MHD(NAME) };

int late_curl(struct hc_err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool ready;
	int code = hc_late_load("libcurl.so.4", "libcurl4", curl_names, sizeof(curl_names) / sizeof(curl_names[0]),
	                        &late, err);

	pthread_mutex_lock(&lock);
	if (code == 0 && !ready) {
		ready = late.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
		code = ready ? 0 : hc_err_set(err, -ENOMEM, "libcurl cannot be set up: out of memory");
	}
	pthread_mutex_unlock(&lock);
	return code;
}

int late_mhd(struct hc_err *err)
{
	return hc_late_load("libmicrohttpd.so.12", "libmicrohttpd12", mhd_names,
	                    sizeof(mhd_names) / sizeof(mhd_names[0]), &late, err);
}
