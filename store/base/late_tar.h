/*
 * What of libarchive reads and writes bundles. Only bundles are tar archives, so it is loaded when one is met.
 *
 * Files that include this header call the functions by their own names, after hc_late_tar_load().
 */
#ifndef HC_STORE_BASE_LATE_TAR_H
#define HC_STORE_BASE_LATE_TAR_H

#include <archive.h>
#include <archive_entry.h>

#include "store/base/err.h"

#define HC_LATE_TAR(X)                           \
	X(archive_entry_filetype)                \
	X(archive_entry_free)                    \
	X(archive_entry_hardlink)                \
	X(archive_entry_new)                     \
	X(archive_entry_pathname)                \
	X(archive_entry_set_filetype)            \
	X(archive_entry_set_gid)                 \
	X(archive_entry_set_mtime)               \
	X(archive_entry_set_pathname)            \
	X(archive_entry_set_perm)                \
	X(archive_entry_set_size)                \
	X(archive_entry_set_uid)                 \
	X(archive_entry_size)                    \
	X(archive_entry_sparse_count)            \
	X(archive_errno)                         \
	X(archive_error_string)                  \
	X(archive_filter_bytes)                  \
	X(archive_read_free)                     \
	X(archive_read_new)                      \
	X(archive_read_next_header)              \
	X(archive_read_open_fd)                  \
	X(archive_read_support_format_tar)       \
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

#define HC_LATE_MEMBER(f) typeof(f) *f;
struct hc_late_tar {
	HC_LATE_TAR(HC_LATE_MEMBER)
};
#undef HC_LATE_MEMBER

/* Empty until the library is loaded. */
extern struct hc_late_tar hc_late_tar;

/* Loads the library, once; from any thread. As hc_late_load(). */
int hc_late_tar_load(struct hc_err *err);

#ifndef HC_LATE_WITHOUT_NAMES
#define archive_entry_filetype hc_late_tar.archive_entry_filetype
#define archive_entry_free hc_late_tar.archive_entry_free
#define archive_entry_hardlink hc_late_tar.archive_entry_hardlink
#define archive_entry_new hc_late_tar.archive_entry_new
#define archive_entry_pathname hc_late_tar.archive_entry_pathname
#define archive_entry_set_filetype hc_late_tar.archive_entry_set_filetype
#define archive_entry_set_gid hc_late_tar.archive_entry_set_gid
#define archive_entry_set_mtime hc_late_tar.archive_entry_set_mtime
#define archive_entry_set_pathname hc_late_tar.archive_entry_set_pathname
#define archive_entry_set_perm hc_late_tar.archive_entry_set_perm
#define archive_entry_set_size hc_late_tar.archive_entry_set_size
#define archive_entry_set_uid hc_late_tar.archive_entry_set_uid
#define archive_entry_size hc_late_tar.archive_entry_size
#define archive_entry_sparse_count hc_late_tar.archive_entry_sparse_count
#define archive_errno hc_late_tar.archive_errno
#define archive_error_string hc_late_tar.archive_error_string
#define archive_filter_bytes hc_late_tar.archive_filter_bytes
#define archive_read_free hc_late_tar.archive_read_free
#define archive_read_new hc_late_tar.archive_read_new
#define archive_read_next_header hc_late_tar.archive_read_next_header
#define archive_read_open_fd hc_late_tar.archive_read_open_fd
#define archive_read_support_format_tar hc_late_tar.archive_read_support_format_tar
#define archive_write_add_filter_none hc_late_tar.archive_write_add_filter_none
#define archive_write_close hc_late_tar.archive_write_close
#define archive_write_data hc_late_tar.archive_write_data
#define archive_write_free hc_late_tar.archive_write_free
#define archive_write_header hc_late_tar.archive_write_header
#define archive_write_new hc_late_tar.archive_write_new
#define archive_write_open_fd hc_late_tar.archive_write_open_fd
#define archive_write_set_bytes_in_last_block hc_late_tar.archive_write_set_bytes_in_last_block
#define archive_write_set_bytes_per_block hc_late_tar.archive_write_set_bytes_per_block
#define archive_write_set_format_pax_restricted hc_late_tar.archive_write_set_format_pax_restricted
#endif

#endif
