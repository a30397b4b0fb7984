#include "store/base/late.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

static int load(const char *file, const char *package, const struct hc_late_name *names, size_t n_names,
                void *ret_table, struct hc_err *err)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL), *f;

	if (!library)
		return hc_err_set(err, -ENOENT, "cannot load %s; install the package %s", dlerror(), package);
	for (size_t i = 0; i < n_names; i++) {
		if (dlsym(library, names[i].name))
			continue;
		dlclose(library);
		return hc_err_set(err, -ENOENT, "%s has no %s: it is too old", file, names[i].name);
	}
	for (size_t i = 0; i < n_names; i++) {
		f = dlsym(library, names[i].name);
		memcpy((char *)ret_table + names[i].off, &f, sizeof(f));
	}
	return 0;
}

int hc_late_load(const char *file, const char *package, const struct hc_late_name *names, size_t n_names,
                 void *ret_table, struct hc_err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	void *first;
	int r = 0;

	pthread_mutex_lock(&lock);
	memcpy(&first, (char *)ret_table + names[0].off, sizeof(first));
	if (!first)
		r = load(file, package, names, n_names, ret_table, err);
	pthread_mutex_unlock(&lock);
	return r;
}
