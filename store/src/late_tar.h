/*
 * What of libarchive reads bundles. Only bundles are tar archives.
 *
 * Files that include this header call the functions by their own names.
 */
#ifndef HC_STORE_LATE_TAR_H
#define HC_STORE_LATE_TAR_H

#include <archive.h>
#include <archive_entry.h>

#include "store/base/err.h"

#define LATE_TAR(X)                   \
	X(archive_entry_filetype)     \
	X(archive_entry_hardlink)     \
	X(archive_entry_pathname)     \
	X(archive_entry_size)         \
	X(archive_entry_sparse_count) \
	X(archive_error_string)       \
	X(archive_filter_bytes)       \
	X(archive_read_free)          \
	X(archive_read_new)           \
	X(archive_read_next_header)   \
	X(archive_read_open_fd)       \
	X(archive_read_support_format_tar)

#define LATE_MEMBER(f) typeof(f) *f;
struct late_read {
	LATE_TAR(LATE_MEMBER)
};
#undef LATE_MEMBER

/* Empty until the library is loaded. */
extern struct late_read late_read;

/* Loads the library, once; from any thread. As hc_late_load(). */
int late_read_load(struct hc_err *err);

#ifndef LATE_WITHOUT_NAMES
#define archive_entry_filetype late_read.archive_entry_filetype
#define archive_entry_hardlink late_read.archive_entry_hardlink
#define archive_entry_pathname late_read.archive_entry_pathname
#define archive_entry_size late_read.archive_entry_size
#define archive_entry_sparse_count late_read.archive_entry_sparse_count
#define archive_error_string late_read.archive_error_string
#define archive_filter_bytes late_read.archive_filter_bytes
#define archive_read_free late_read.archive_read_free
#define archive_read_new late_read.archive_read_new
#define archive_read_next_header late_read.archive_read_next_header
#define archive_read_open_fd late_read.archive_read_open_fd
#define archive_read_support_format_tar late_read.archive_read_support_format_tar
#endif

#endif
