/*
 * What of libarchive writes bundles. Only bundles are tar archives.
 *
 * Files that include this header call the functions by their own names.
 */
#ifndef HC_QUERY_LATE_TAR_H
#define HC_QUERY_LATE_TAR_H

#include <archive.h>
#include <archive_entry.h>

#include "store/base/err.h"

#define LATE_TAR(X)                              \
	X(archive_entry_free)                    \
	X(archive_entry_new)                     \
	X(archive_entry_set_filetype)            \
	X(archive_entry_set_gid)                 \
	X(archive_entry_set_mtime)               \
	X(archive_entry_set_pathname)            \
	X(archive_entry_set_perm)                \
	X(archive_entry_set_size)                \
	X(archive_entry_set_uid)                 \
	X(archive_errno)                         \
	X(archive_error_string)                  \
	X(archive_write_add_filter_none)         \
	X(archive_write_close)                   \
	X(archive_write_data)                    \
	X(archive_write_free)                    \
	X(archive_write_header)                  \
	X(archive_write_new)                     \
	X(archive_write_open_fd)                 \
	X(archive_write_set_bytes_in_last_block) \
	X(archive_write_set_bytes_per_block)     \
	X(archive_write_set_format_pax_restricted)

#define LATE_MEMBER(f) typeof(f) *f;
struct late_write {
	LATE_TAR(LATE_MEMBER)
};
#undef LATE_MEMBER

/* Empty until the library is loaded. */
extern struct late_write late_write;

/* Loads the library, once; from any thread. As hc_late_load(). */
int late_write_load(struct hc_err *err);

#ifndef LATE_WITHOUT_NAMES
#define archive_entry_free late_write.archive_entry_free
#define archive_entry_new late_write.archive_entry_new
#define archive_entry_set_filetype late_write.archive_entry_set_filetype
#define archive_entry_set_gid late_write.archive_entry_set_gid
#define archive_entry_set_mtime late_write.archive_entry_set_mtime
#define archive_entry_set_pathname late_write.archive_entry_set_pathname
#define archive_entry_set_perm late_write.archive_entry_set_perm
#define archive_entry_set_size late_write.archive_entry_set_size
#define archive_entry_set_uid late_write.archive_entry_set_uid
#define archive_errno late_write.archive_errno
#define archive_error_string late_write.archive_error_string
#define archive_write_add_filter_none late_write.archive_write_add_filter_none
#define archive_write_close late_write.archive_write_close
#define archive_write_data late_write.archive_write_data
#define archive_write_free late_write.archive_write_free
#define archive_write_header late_write.archive_write_header
#define archive_write_new late_write.archive_write_new
#define archive_write_open_fd late_write.archive_write_open_fd
#define archive_write_set_bytes_in_last_block late_write.archive_write_set_bytes_in_last_block
#define archive_write_set_bytes_per_block late_write.archive_write_set_bytes_per_block
#define archive_write_set_format_pax_restricted late_write.archive_write_set_format_pax_restricted
#endif

#endif
