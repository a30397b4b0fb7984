/* Libraries loaded when they are needed. */
#define LATE_WITHOUT_NAMES
#include "late.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct late late;

struct name {
	const char *name;
	size_t at;
};

#define NAME(f) { #f, offsetof(struct late, f) },
static const struct name curl_names[] = { LATE_CURL(NAME) };
static const struct name mhd_names[] = { LATE_MHD(NAME) };

static int load(const char *file, const char *package, const struct name *names, size_t n, struct hc_err *err)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL), *f;

	if (!library)
		return hc_err_set(err, -ENOENT, "cannot load %s; install the package %s", dlerror(), package);
	for (size_t i = 0; i < n; i++) {
		f = dlsym(library, names[i].name);
		if (!f) {
			dlclose(library);
			return hc_err_set(err, -ENOENT, "%s has no %s: it is too old", file, names[i].name);
		}
		memcpy((char *)&late + names[i].at, &f, sizeof(f)); /* it stays loaded */
	}
	return 0;
}

int late_curl(struct hc_err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool ready;
	int code = 0;

	pthread_mutex_lock(&lock);
	if (!late.curl_easy_init)
		code = load("libcurl.so.4", "libcurl4", curl_names, sizeof(curl_names) / sizeof(curl_names[0]),
		            err);
	if (code == 0 && !ready) {
		ready = late.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
		code = ready ? 0 : hc_err_set(err, -ENOMEM, "libcurl cannot be set up: out of memory");
	}
	pthread_mutex_unlock(&lock);
	return code;
}

int late_mhd(struct hc_err *err)
{
	return late.MHD_run ? 0
	                    : load("libmicrohttpd.so.12", "libmicrohttpd12", mhd_names,
	                           sizeof(mhd_names) / sizeof(mhd_names[0]), err);
}
