#define LATE_WITHOUT_NAMES
#include "late_tar.h"

#include <pthread.h>
#include <stddef.h>

#include "store/base/late.h"

struct late_read late_read;

#define NAME(f) { #f, offsetof(struct late_read, f) },
static const struct hc_late_name names[] = { LATE_TAR(NAME) };

int late_read_load(struct hc_err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int r = 0;

	pthread_mutex_lock(&lock);
	if (!late_read.archive_read_new)
		r = hc_late_load("libarchive.so.13", "libarchive13", names, sizeof(names) / sizeof(names[0]),
		                 &late_read, err);
	pthread_mutex_unlock(&lock);
	return r;
}
