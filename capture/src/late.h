/*
 * libcurl and libmicrohttpd, of which only recorders have need, and they not always: they bring some thirty
 * other libraries with them, which would cost every command nine milliseconds at its start. So they are loaded
 * when the first function of theirs is called for.
 *
 * Files that include this header call the functions by their own names.
 */
#ifndef HC_CAPTURE_LATE_H
#define HC_CAPTURE_LATE_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <microhttpd.h>

#include "store/base/err.h"

/* Macros for compilers without variadic functions. */
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

#define LATE_CURL(X)                \
	X(curl_easy_cleanup)        \
	X(curl_easy_getinfo)        \
	X(curl_easy_init)           \
	X(curl_easy_setopt)         \
	X(curl_easy_strerror)       \
	X(curl_global_init)         \
	X(curl_multi_add_handle)    \
	X(curl_multi_cleanup)       \
	X(curl_multi_info_read)     \
	X(curl_multi_init)          \
	X(curl_multi_perform)       \
	X(curl_multi_poll)          \
	X(curl_multi_remove_handle) \
	X(curl_multi_setopt)        \
	X(curl_multi_wakeup)        \
	X(curl_slist_append)        \
	X(curl_slist_free_all)
#define LATE_MHD(X)                        \
	X(MHD_add_response_header)         \
	X(MHD_create_response_from_buffer) \
	X(MHD_destroy_response)            \
	X(MHD_get_connection_info)         \
	X(MHD_get_daemon_info)             \
	X(MHD_get_timeout)                 \
	X(MHD_lookup_connection_value)     \
	X(MHD_queue_response)              \
	X(MHD_run)                         \
	X(MHD_start_daemon)                \
	X(MHD_stop_daemon)

#define LATE_MEMBER(f) typeof(f) *f;
struct late {
	LATE_CURL(LATE_MEMBER)
	LATE_MHD(LATE_MEMBER)
};
#undef LATE_MEMBER

/* Empty until the library is loaded. */
extern struct late late;

/* As hc_late_load(); late_curl() also sets up the library as a whole. */
int late_curl(struct hc_err *err);
int late_mhd(struct hc_err *err);

#ifndef LATE_WITHOUT_NAMES
#define curl_easy_cleanup late.curl_easy_cleanup
#define curl_easy_getinfo late.curl_easy_getinfo
#define curl_easy_init late.curl_easy_init
#define curl_easy_setopt late.curl_easy_setopt
#define curl_easy_strerror late.curl_easy_strerror
#define curl_multi_add_handle late.curl_multi_add_handle
#define curl_multi_cleanup late.curl_multi_cleanup
#define curl_multi_info_read late.curl_multi_info_read
#define curl_multi_init late.curl_multi_init
#define curl_multi_perform late.curl_multi_perform
#define curl_multi_poll late.curl_multi_poll
#define curl_multi_remove_handle late.curl_multi_remove_handle
#define curl_multi_setopt late.curl_multi_setopt
#define curl_multi_wakeup late.curl_multi_wakeup
#define curl_slist_append late.curl_slist_append
#define curl_slist_free_all late.curl_slist_free_all
#define MHD_add_response_header late.MHD_add_response_header
#define MHD_create_response_from_buffer late.MHD_create_response_from_buffer
#define MHD_destroy_response late.MHD_destroy_response
#define MHD_get_connection_info late.MHD_get_connection_info
#define MHD_get_daemon_info late.MHD_get_daemon_info
#define MHD_get_timeout late.MHD_get_timeout
#define MHD_lookup_connection_value late.MHD_lookup_connection_value
#define MHD_queue_response late.MHD_queue_response
#define MHD_run late.MHD_run
#define MHD_start_daemon late.MHD_start_daemon
#define MHD_stop_daemon late.MHD_stop_daemon
#endif

#endif
