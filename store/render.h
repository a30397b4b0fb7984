/*
 * Values as text, in the kernel's own names: O_RDONLY|O_CLOEXEC, EACCES, SIGKILL, CAP_SYS_ADMIN. Numbers are those
 * of the generic (x86-64) system call interface. Dialects with names of their own (Falco's) do not come this way.
 *
 * Writers fill buf, cut at room, always terminate, and return the length written. Pure functions; any thread.
 */
#ifndef HC_STORE_RENDER_H
#define HC_STORE_RENDER_H

#include <stddef.h>

#include "store/base/str.h"
#include "store/schema.h"

#define HC_RENDER_MAX 1536 /* enough for every number of every format */
#define HC_RENDER_TIME_MAX 40
#define HC_RENDER_ADDR_MAX 128 /* enough for an address with port, or a unix path's 108 bytes with its prefix */

/* A number by its format. is_signed matters for plain decimal only. */
size_t hc_render_int(enum hc_fmt fmt, int64_t value, bool is_signed, char *buf, size_t room);
/* True where hc_render_int says more than the decimal number: flags, names, modes, devices; not times and hex. */
bool hc_fmt_is_named(enum hc_fmt fmt);
/* The name of one value of an HC_FMT_EN_ format, of HC_FMT_SIGNAL, _ERRNO (positive) or _CAP; NULL when it has
 * none. */
const char *hc_enum_name(enum hc_fmt fmt, int64_t value);

/* RFC 3339, UTC, nine digits: 2024-05-01T12:00:00.000000000Z. Always of the same length for years 0 to 9999. */
size_t hc_render_time(int64_t wall_ns, char *buf, size_t room);
/* 4 or 16 raw bytes as an address; anything else as hex. */
size_t hc_render_ip(struct hc_str raw, char *buf, size_t room);
/* 192.0.2.1:443, [2001:db8::1]:443; the port is left out when negative. */
size_t hc_render_endpoint(struct hc_str raw, int64_t port, char *buf, size_t room);
/* A struct sockaddr as passed: an endpoint; unix:/path, unix:@abstract; netlink:PID; else AF_NAME:hex. */
size_t hc_render_sockaddr(struct hc_str raw, char *buf, size_t room);
/* Lower-case hex. */
size_t hc_render_hex(struct hc_str raw, char *buf, size_t room);

/* Names of classes, streams and profiles of events: docs, `info`, SQL. "?": there is no such one. */
const char *hc_class_name(unsigned cls);
const char *hc_stream_name(unsigned stream);
const char *hc_profile_name(unsigned profile);

#endif
