/* Files that somebody names: opened so that none of them can hold up who reads it. */
#ifndef HC_STORE_BASE_FILE_H
#define HC_STORE_BASE_FILE_H

#include "store/base/err.h"

/*
 * A file to be read from its beginning to its end: a regular one, /dev/null, or a pipe without a name, as a shell
 * makes of <(COMMAND). A FIFO, which may wait forever for somebody to write, a directory, a socket and any other
 * device are -EINVAL. Returns a descriptor, or a negative errno with `err` filled.
 */
int hc_file_open(const char *path, struct hc_err *err);

#endif
