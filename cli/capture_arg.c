#include "capture_arg.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

int hc_cli_capture_open(const struct hc_command *cmd, const char *path, unsigned flags, struct hc_capture **ret)
{
	struct hc_err err = { 0 };
	int r = hc_capture_open(path, flags, ret, &err), code;

	if (r < 0) {
		code = hc_cli_error(cmd, &err);
		return r == -ENOTSUP ? HC_EXIT_DAMAGED : code; /* of a newer version: as good as unreadable */
	}
	if (hc_capture_index_note(*ret))
		hc_cli_warn("%s", hc_capture_index_note(*ret));
	return HC_CLI_GO;
}

int hc_cli_capture_close(struct hc_capture *c, int code)
{
	const struct hc_capture_problem *p;
	uint32_t n;

	if (!c)
		return code;
	p = hc_capture_problems(c, &n);
	for (uint32_t i = 0; i < n; i++) {
		hc_cli_print_text(stderr, p[i].path, strlen(p[i].path));
		if (p[i].bytes)
			fprintf(stderr, ": at byte %" PRIu64 ", %" PRIu64 " bytes not read", p[i].off, p[i].bytes);
		fputs(": ", stderr);
		hc_cli_print_text(stderr, p[i].what, strlen(p[i].what));
		fputc('\n', stderr);
	}
	hc_capture_close(c);
	return n ? hc_exit_max(code, HC_EXIT_DAMAGED) : code;
}

static void split(int64_t wall_ns, struct tm *tm, unsigned *ns)
{
	int64_t s = wall_ns / 1000000000, rest = wall_ns % 1000000000;
	time_t t;

	if (rest < 0) {
		rest += 1000000000;
		s--;
	}
	t = (time_t)s;
	*ns = (unsigned)rest;
	gmtime_r(&t, tm); /* 64 bits of ns reach from 1677 to 2262: it cannot fail */
}

const char *hc_time_text(int64_t wall_ns, char buf[HC_TIME_TEXT])
{
	struct tm tm;
	unsigned ns;

	split(wall_ns, &tm, &ns);
	snprintf(buf, HC_TIME_TEXT, "%04u-%02u-%02u %02u:%02u:%02u.%03u UTC", (unsigned)tm.tm_year + 1900u,
	         (unsigned)tm.tm_mon + 1u, (unsigned)tm.tm_mday, (unsigned)tm.tm_hour, (unsigned)tm.tm_min,
	         (unsigned)tm.tm_sec, ns / 1000000);
	return buf;
}

const char *hc_time_rfc3339(int64_t wall_ns, char buf[HC_TIME_TEXT])
{
	struct tm tm;
	unsigned ns;

	split(wall_ns, &tm, &ns);
	snprintf(buf, HC_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", (unsigned)tm.tm_year + 1900u,
	         (unsigned)tm.tm_mon + 1u, (unsigned)tm.tm_mday, (unsigned)tm.tm_hour, (unsigned)tm.tm_min,
	         (unsigned)tm.tm_sec, ns);
	return buf;
}

const char *hc_bytes_text(uint64_t bytes, char buf[32])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes / 1024;
	unsigned u = 0;

	if (bytes < 1024) {
		snprintf(buf, 32, "%" PRIu64 " B", bytes);
		return buf;
	}
	while (v >= 1023.95 && u < 5) {
		v /= 1024;
		u++;
	}
	snprintf(buf, 32, "%.1f %s", v, units[u]);
	return buf;
}

const char *hc_count_text(uint64_t n, char buf[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *p = buf;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = '\0';
	return buf;
}

const char *hc_span_text(uint64_t ns, char buf[48])
{
	uint64_t s = ns / 1000000000;

	if (s < 60)
		snprintf(buf, 48, "%.1f s", (double)ns / 1e9);
	else if (s < 3600)
		snprintf(buf, 48, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, 48, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(buf, 48, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
	return buf;
}
