/*
 * The one strict parser of sizes, durations and moments on the command line. All that parse return 0, or -EINVAL
 * for text that is not exactly one value, or -ERANGE for a value that does not fit; the result is set on success
 * only.
 */
#ifndef HC_CLI_UNITS_H
#define HC_CLI_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits only. */
int hc_parse_u64(const char *text, uint64_t *ret);

/* A number and a unit: B, KiB, MiB, GiB, TiB (powers of 1024), kB, MB, GB, TB (powers of 1000). 0 needs no unit.
 */
int hc_parse_size(const char *text, uint64_t *ret_bytes);

/* Numbers with ns, us, ms, s, m, h, d, w, largest unit first: 1h30m, 250ms, 1.5s. 0 needs no unit. */
int hc_parse_duration(const char *text, uint64_t *ret_ns);

/*
 * A moment, UTC ns since the epoch: RFC 3339 with zone (2024-05-01T12:00:00.5Z, 2024-05-01 14:00:00+02:00),
 * @SECONDS[.FRACTION], or -DURATION: before `now_ns`.
 */
int hc_parse_time(const char *text, int64_t now_ns, int64_t *ret_ns);

/* The other way round, in the largest unit that divides it: "20GiB", "1d", "250ms"; 0 is "0". */
void hc_show_size(uint64_t bytes, char *buf, size_t room);
void hc_show_duration(uint64_t ns, char *buf, size_t room);

#endif
