/* Moments, spans and addresses in SQL. */
#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

#include "sql_priv.h"
#include "store/base/clock.h"
#include "store/render.h"

#define NS INT64_C(1000000000)

/* ---- parsing ---- */

static bool digits(struct hc_str *s, unsigned n, int *ret)
{
	int v = 0;

	if (s->len < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	s->p += n;
	s->len -= n;
	*ret = v;
	return true;
}

static bool skip(struct hc_str *s, char c)
{
	if (!s->len || s->p[0] != c)
		return false;
	s->p++;
	s->len--;
	return true;
}

/* Days since 1970 of a date that exists. */
static bool days_of(int year, int month, int day, int64_t *ret)
{
	static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, yoe, doy;

	if (month < 1 || month > 12 || day < 1 || day > length[month - 1] + (month == 2 && leap))
		return false;
	yoe = y - era * 400;
	doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	*ret = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
	return true;
}

/* ".123": any number of digits, those after the ninth are not looked at. */
static bool fraction(struct hc_str *s, int64_t *ret)
{
	int64_t unit = NS / 10;

	*ret = 0;
	if (!skip(s, '.'))
		return true;
	if (!s->len || s->p[0] < '0' || s->p[0] > '9')
		return false;
	for (; s->len && s->p[0] >= '0' && s->p[0] <= '9'; s->p++, s->len--, unit /= 10)
		*ret += (s->p[0] - '0') * unit;
	return true;
}

static bool zone(struct hc_str *s, int64_t *ret_seconds)
{
	int sign = 1, hours = 0, minutes = 0;

	*ret_seconds = 0;
	if (!s->len || skip(s, 'Z') || skip(s, 'z'))
		return true;
	if (skip(s, '-'))
		sign = -1;
	else if (!skip(s, '+'))
		return false;
	if (!digits(s, 2, &hours) || (skip(s, ':'), !digits(s, 2, &minutes)) || hours > 23 || minutes > 59)
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool hc_q_time_parse(struct hc_str s, int64_t *ret_ns)
{
	int year, month, day, hour = 0, minute = 0, second = 0;
	int64_t days, ns = 0, zone_s = 0, t;

	if (!digits(&s, 4, &year) || !skip(&s, '-') || !digits(&s, 2, &month) || !skip(&s, '-') ||
	    !digits(&s, 2, &day) || !days_of(year, month, day, &days))
		return false;
	if (s.len && s.p[0] != 'T' && s.p[0] != 't' && s.p[0] != ' ')
		return false;
	if (s.len) {
		s.p++;
		s.len--;
		if (!digits(&s, 2, &hour) || !skip(&s, ':') || !digits(&s, 2, &minute))
			return false;
		if (skip(&s, ':') && (!digits(&s, 2, &second) || !fraction(&s, &ns)))
			return false;
		if (!zone(&s, &zone_s) || hour > 23 || minute > 59 || second > 60)
			return false;
	}
	if (s.len)
		return false;
	t = days * 86400 + hour * 3600 + minute * 60 + second - zone_s;
	return !__builtin_mul_overflow(t, NS, &t) && !__builtin_add_overflow(t, ns, ret_ns);
}

static bool parse_duration(struct hc_str s, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "w", 604800 * NS }, { "d", 86400 * NS }, { "h", 3600 * NS }, { "m", 60 * NS },
		      { "s", NS },          { "ms", 1000000 },   { "us", 1000 },     { "ns", 1 } };
	int64_t sum = 0;

	if (!s.len)
		return false;
	while (s.len) {
		int64_t n = 0, part, unit = 0;
		uint32_t len = 0;

		if (s.p[0] < '0' || s.p[0] > '9')
			return false;
		for (; s.len && s.p[0] >= '0' && s.p[0] <= '9'; s.p++, s.len--)
			if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, s.p[0] - '0', &n))
				return false;
		if (!fraction(&s, &part))
			return false;
		while (len < s.len && s.p[len] >= 'a' && s.p[len] <= 'z')
			len++;
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && !unit; i++)
			if (hc_str_eq((struct hc_str){ s.p, len }, hc_str_c(units[i].name)))
				unit = units[i].ns;
		if (!unit || __builtin_mul_overflow(n, unit, &n) ||
		    __builtin_add_overflow(n, (int64_t)((__int128)part * unit / NS), &n) ||
		    __builtin_add_overflow(sum, n, &sum))
			return false;
		s.p += len;
		s.len -= len;
	}
	*ret_ns = sum;
	return true;
}

/* ---- collation: texts that are moments compare as moments, and come before all others ---- */

/* 2024-05-01T12:00:00.000000000Z: of one length, so that two of the same day order as they stand. */
static bool is_own_form(struct hc_str s)
{
	static const char form[] = "0000-00-00T00:00:00.000000000Z";

	if (s.len != sizeof(form) - 1)
		return false;
	for (unsigned i = 10; i < sizeof(form) - 1; i++)
		if (form[i] == '0' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != form[i])
			return false;
	return (s.p[11] < '2' || (s.p[11] == '2' && s.p[12] < '4')) && s.p[14] < '6' && s.p[17] < '6';
}

static int compare_times(void *ctx, int n_a, const void *a, int n_b, const void *b)
{
	struct hc_str x = { a, (uint32_t)n_a }, y = { b, (uint32_t)n_b };
	int64_t ta, tb;
	bool is_a, is_b;

	(void)ctx;
	if (is_own_form(x) && is_own_form(y) && memcmp(x.p, y.p, 10) == 0)
		return memcmp(x.p, y.p, x.len);
	is_a = hc_q_time_parse(x, &ta);
	is_b = hc_q_time_parse(y, &tb);
	if (is_a && is_b)
		return (ta > tb) - (ta < tb);
	if (is_a != is_b)
		return is_a ? -1 : 1;
	return hc_str_cmp(x, y);
}

/* ---- functions ---- */

static struct hc_str arg_str(sqlite3_value *v)
{
	const char *p = (const char *)sqlite3_value_text(v);

	return (struct hc_str){ p, p ? (uint32_t)sqlite3_value_bytes(v) : 0 };
}

static void result_time(sqlite3_context *ctx, int64_t ns)
{
	char text[HC_RENDER_TIME_MAX];
	size_t n = hc_render_time(ns, text, sizeof(text));

	sqlite3_result_text(ctx, text, (int)n, SQLITE_TRANSIENT);
}

static void fail(sqlite3_context *ctx, const char *fmt, struct hc_str s)
{
	char *msg = sqlite3_mprintf(fmt, s.len > 60 ? 60 : (int)s.len, s.p ? s.p : "");

	if (!msg) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	sqlite3_result_error(ctx, msg, -1);
	sqlite3_free(msg);
}

/* A value that is a moment: ns since 1970, or a text. */
static bool moment(sqlite3_context *ctx, sqlite3_value *v, int64_t *ret)
{
	if (sqlite3_value_type(v) == SQLITE_INTEGER) {
		*ret = sqlite3_value_int64(v);
		return true;
	}
	if (hc_q_time_parse(arg_str(v), ret))
		return true;
	fail(ctx, "not a time: '%.*s' (2024-05-01, 2024-05-01 12:00, 2024-05-01T12:00:00Z)", arg_str(v));
	return false;
}

/* at(TIME): the moment in the form of the column `time`. */
static void fn_at(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	int64_t ns;

	(void)argc;
	if (sqlite3_value_type(argv[0]) != SQLITE_NULL && moment(ctx, argv[0], &ns))
		result_time(ctx, ns);
}

/* time_ns(TIME): ns since 1970. */
static void fn_time_ns(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	int64_t ns;

	(void)argc;
	if (sqlite3_value_type(argv[0]) != SQLITE_NULL && moment(ctx, argv[0], &ns))
		sqlite3_result_int64(ctx, ns);
}

/* ago('10m'), ago('10m', TIME): so long before now, or before TIME. */
static void fn_ago(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	int64_t span, base;

	if (sqlite3_value_type(argv[0]) == SQLITE_NULL || (argc > 1 && sqlite3_value_type(argv[1]) == SQLITE_NULL))
		return;
	if (!parse_duration(arg_str(argv[0]), &span)) {
		fail(ctx, "not a duration: '%.*s' (10m, 1h30m, 250ms)", arg_str(argv[0]));
		return;
	}
	if (argc > 1) {
		if (!moment(ctx, argv[1], &base))
			return;
	} else {
		base = hc_wall_ns();
	}
	if (__builtin_sub_overflow(base, span, &base))
		sqlite3_result_error(ctx, "the time is out of range", -1);
	else
		result_time(ctx, base);
}

/* An address of 4 or 16 bytes, mapped IPv4 as IPv4. */
static unsigned address(struct hc_str s, uint8_t ret[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	if (!s.len || s.len >= sizeof(text))
		return 0;
	memcpy(text, s.p, s.len);
	text[s.len] = 0;
	if (inet_pton(AF_INET, text, ret) == 1)
		return 4;
	if (inet_pton(AF_INET6, text, ret) != 1)
		return 0;
	if (memcmp(ret, mapped, sizeof(mapped)) == 0) {
		memmove(ret, ret + 12, 4);
		return 4;
	}
	return 16;
}

/* in_net('10.1.2.3', '10.0.0.0/8') */
static void fn_in_net(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct hc_str addr = arg_str(argv[0]), net = arg_str(argv[1]), bits_text;
	const char *slash = net.len ? memchr(net.p, '/', net.len) : NULL;
	uint8_t a[16], n[16];
	unsigned n_a, n_n, bits;
	int v = -1;

	(void)argc;
	if (!addr.p || !net.p)
		return;
	bits_text = slash ? (struct hc_str){ slash + 1, (uint32_t)(net.p + net.len - slash - 1) }
	                  : (struct hc_str){ "", 0 };
	n_n = address((struct hc_str){ net.p, slash ? (uint32_t)(slash - net.p) : net.len }, n);
	if (slash && (bits_text.len == 0 || bits_text.len > 3 || !digits(&bits_text, bits_text.len, &v)))
		n_n = 0;
	bits = slash ? (unsigned)v : n_n * 8;
	if (!n_n || bits > n_n * 8) {
		fail(ctx, "not a network: '%.*s' (10.0.0.0/8, 2001:db8::/32)", net);
		return;
	}
	n_a = address(addr, a);
	if (!n_a)
		return; /* not an address: NULL */
	if (n_a != n_n || memcmp(a, n, bits / 8) != 0) {
		sqlite3_result_int(ctx, 0);
		return;
	}
	sqlite3_result_int(ctx,
	                   bits % 8 == 0 || ((a[bits / 8] ^ n[bits / 8]) & (0xff00u >> bits % 8 & 0xff)) == 0);
}

static void fn_basename(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct hc_str s = arg_str(argv[0]);
	const char *slash;

	(void)argc;
	if (!s.p)
		return;
	slash = s.len ? memrchr(s.p, '/', s.len) : NULL;
	if (slash)
		s = (struct hc_str){ slash + 1, (uint32_t)(s.p + s.len - slash - 1) };
	sqlite3_result_text(ctx, s.p, (int)s.len, SQLITE_TRANSIENT);
}

static void fn_dirname(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct hc_str s = arg_str(argv[0]);
	const char *slash;

	(void)argc;
	if (!s.p)
		return;
	slash = s.len ? memrchr(s.p, '/', s.len) : NULL;
	if (!slash)
		sqlite3_result_text(ctx, ".", 1, SQLITE_STATIC);
	else
		sqlite3_result_text(ctx, s.p, slash == s.p ? 1 : (int)(slash - s.p), SQLITE_TRANSIENT);
}

static void fn_errno_name(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	int64_t v = sqlite3_value_int64(argv[0]);
	const char *name = v > INT64_MIN ? hc_enum_name(HC_FMT_ERRNO, v < 0 ? -v : v) : NULL;

	(void)argc;
	if (name && sqlite3_value_type(argv[0]) != SQLITE_NULL)
		sqlite3_result_text(ctx, name, -1, SQLITE_STATIC);
}

int hc_q_register_functions(sqlite3 *db)
{
	static const struct {
		const char *name;
		int n_args;
		int flags;
		void (*fn)(sqlite3_context *, int, sqlite3_value **);
	} v[] = {
		/* It asks the clock, but once for a statement: SQLite evaluates what is constant before the first
		   row. */
		{ "ago", 1, SQLITE_DETERMINISTIC, fn_ago },
		{ "ago", 2, SQLITE_DETERMINISTIC, fn_ago },
		{ "at", 1, SQLITE_DETERMINISTIC, fn_at },
		{ "time_ns", 1, SQLITE_DETERMINISTIC, fn_time_ns },
		{ "in_net", 2, SQLITE_DETERMINISTIC, fn_in_net },
		{ "basename", 1, SQLITE_DETERMINISTIC, fn_basename },
		{ "dirname", 1, SQLITE_DETERMINISTIC, fn_dirname },
		{ "errno_name", 1, SQLITE_DETERMINISTIC, fn_errno_name },
	};
	int rc = sqlite3_create_collation_v2(db, "hctime", SQLITE_UTF8, NULL, compare_times, NULL);

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_create_function_v2(db, v[i].name, v[i].n_args,
		                                SQLITE_UTF8 | SQLITE_INNOCUOUS | v[i].flags, NULL, v[i].fn, NULL,
		                                NULL, NULL);
	return rc;
}
