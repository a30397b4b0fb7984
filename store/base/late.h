/*
 * Libraries that few commands need, with all that they bring, loaded when the first function of theirs is called
 * for: linked, they would cost every command several milliseconds at its start.
 */
#ifndef HC_STORE_BASE_LATE_H
#define HC_STORE_BASE_LATE_H

#include <stddef.h>

#include "store/base/err.h"

/* A function, and where in the caller's table its pointer stands, in bytes. */
struct hc_late_name {
	const char *name;
	size_t off;
};

/*
 * Loads the library `file`, once, and fills in the pointers of the table, all or none; from any thread. It stays.
 * -ENOENT: it is not there or lacks a function; `err` says that `package` has it.
 */
int hc_late_load(const char *file, const char *package, const struct hc_late_name *names, size_t n_names,
                 void *ret_table, struct hc_err *err);

#endif
