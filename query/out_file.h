/* Files that are there whole or not at all. */
#ifndef HC_QUERY_OUT_FILE_H
#define HC_QUERY_OUT_FILE_H

#include <stdbool.h>

#include "store/base/err.h"

/* -EISDIR when `path` is a directory, -EEXIST when there is something that may not be replaced. */
int hc_out_file_free(const char *path, bool replace, struct hc_err *err);
/* Has it written under another name first; what stood at `path` stays until the new file is whole. */
int hc_out_file_write(const char *path, bool replace, int (*write)(void *ctx, int fd, struct hc_err *err),
                      void *ctx, struct hc_err *err);

#endif
