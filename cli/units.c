/* Strict parsers: no locale, no leading space, no sign where none is meant, nothing left over. */
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000ull

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *p, at least one; moves *p behind them. */
static int take_u64(const char **p, uint64_t *ret)
{
	uint64_t v = 0;

	if (!is_digit(**p))
		return -EINVAL;
	for (; is_digit(**p); (*p)++) {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}

/* Exactly n digits, for the fields of a date. */
static int take_fixed(const char **p, unsigned n, int *ret)
{
	int v = 0;

	for (unsigned i = 0; i < n; i++, (*p)++) {
		if (!is_digit(**p))
			return -EINVAL;
		v = v * 10 + (**p - '0');
	}
	*ret = v;
	return 0;
}

/*
 * `.DIGITS` of one `unit`, rounded towards zero; none is 0. Up to 18 digits are looked at, more must still be
 * digits: what they would add is less than a nanosecond in any unit we have.
 */
static int take_fraction(const char **p, uint64_t unit, uint64_t *ret)
{
	unsigned __int128 sum = 0, place = 1;

	*ret = 0;
	if (**p != '.')
		return 0;
	(*p)++;
	if (!is_digit(**p))
		return -EINVAL;
	for (unsigned n = 0; is_digit(**p); (*p)++, n++) {
		if (n >= 18)
			continue;
		place *= 10;
		sum = sum * 10 + (unsigned)(**p - '0');
	}
	*ret = (uint64_t)(sum * unit / place);
	return 0;
}

int hc_parse_u64(const char *text, uint64_t *ret)
{
	uint64_t v;
	int r = take_u64(&text, &v);

	if (r < 0)
		return r;
	if (*text)
		return -EINVAL;
	*ret = v;
	return 0;
}

struct unit {
	const char *name;
	uint64_t scale;
};

/* The unit whose name is exactly the letters at *p; moves *p behind them. */
static const struct unit *take_unit(const struct unit *units, const char **p)
{
	size_t len = 0;

	while (((*p)[len] >= 'a' && (*p)[len] <= 'z') || ((*p)[len] >= 'A' && (*p)[len] <= 'Z'))
		len++;
	for (const struct unit *u = units; u->name; u++) {
		if (strlen(u->name) == len && memcmp(u->name, *p, len) == 0) {
			*p += len;
			return u;
		}
	}
	return NULL;
}

static int take_scaled(const struct unit *units, const char **p, const struct unit **ret_unit, uint64_t *ret)
{
	const char *number = *p, *q;
	uint64_t whole, part, v;
	int r = take_u64(p, &whole);

	if (r < 0)
		return r;
	q = *p;
	r = take_fraction(p, 1, &part); /* to find the unit behind it */
	if (r < 0)
		return r;
	*ret_unit = take_unit(units, p);
	if (!*ret_unit || number == *p)
		return -EINVAL;
	r = take_fraction(&q, (*ret_unit)->scale, &part);
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(whole, (*ret_unit)->scale, &v) || __builtin_add_overflow(v, part, &v))
		return -ERANGE;
	*ret = v;
	return 0;
}

int hc_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "B", 1 },
		{ "KiB", 1ull << 10 },
		{ "MiB", 1ull << 20 },
		{ "GiB", 1ull << 30 },
		{ "TiB", 1ull << 40 },
		{ "kB", 1000 },
		{ "MB", 1000000 },
		{ "GB", 1000000000 },
		{ "TB", 1000000000000 },
		{ NULL, 0 },
	};
	const struct unit *unit;
	uint64_t v;
	int r;

	if (strcmp(text, "0") == 0) {
		*ret_bytes = 0;
		return 0;
	}
	r = take_scaled(units, &text, &unit, &v);
	if (r < 0)
		return r;
	if (*text)
		return -EINVAL;
	*ret_bytes = v;
	return 0;
}

int hc_parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct unit units[] = {
		{ "w", 604800 * NS_PER_S },
		{ "d", 86400 * NS_PER_S },
		{ "h", 3600 * NS_PER_S },
		{ "m", 60 * NS_PER_S },
		{ "s", NS_PER_S },
		{ "ms", 1000000 },
		{ "us", 1000 },
		{ "ns", 1 },
		{ NULL, 0 },
	};
	uint64_t sum = 0, last_scale = UINT64_MAX;

	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	do {
		const struct unit *unit;
		uint64_t v;
		int r = take_scaled(units, &text, &unit, &v);

		if (r < 0)
			return r;
		if (unit->scale >= last_scale)
			return -EINVAL; /* 5s1m, 1m1m */
		last_scale = unit->scale;
		if (__builtin_add_overflow(sum, v, &sum))
			return -ERANGE;
	} while (*text);
	*ret_ns = sum;
	return 0;
}

/* "Z", "+HH:MM" or "-HH:MM", to the end of the text. */
static int take_zone(const char *p, int *ret_minutes)
{
	int sign, hours, minutes;

	if ((*p == 'Z' || *p == 'z') && !p[1]) {
		*ret_minutes = 0;
		return 0;
	}
	if (*p != '+' && *p != '-')
		return -EINVAL;
	sign = *p++ == '-' ? -1 : 1;
	if (take_fixed(&p, 2, &hours) < 0 || *p++ != ':' || take_fixed(&p, 2, &minutes) < 0 || *p)
		return -EINVAL;
	if (hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_minutes = sign * (hours * 60 + minutes);
	return 0;
}

static int parse_rfc3339(const char *p, int64_t *ret_ns)
{
	struct tm tm = { 0 }, check;
	int zone_minutes;
	uint64_t fraction;
	int64_t ns;
	time_t t;

	if (take_fixed(&p, 4, &tm.tm_year) < 0 || *p++ != '-' || take_fixed(&p, 2, &tm.tm_mon) < 0 ||
	    *p++ != '-' || take_fixed(&p, 2, &tm.tm_mday) < 0 || (*p != 'T' && *p != 't' && *p != ' '))
		return -EINVAL;
	p++;
	if (take_fixed(&p, 2, &tm.tm_hour) < 0 || *p++ != ':' || take_fixed(&p, 2, &tm.tm_min) < 0 ||
	    *p++ != ':' || take_fixed(&p, 2, &tm.tm_sec) < 0 || take_fraction(&p, NS_PER_S, &fraction) < 0 ||
	    take_zone(p, &zone_minutes) < 0)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	check = tm;
	t = timegm(&check);
	/* timegm makes 31 June the 1st of July: a date that does not come back unchanged does not exist. */
	if (check.tm_year != tm.tm_year || check.tm_mon != tm.tm_mon || check.tm_mday != tm.tm_mday ||
	    check.tm_hour != tm.tm_hour || check.tm_min != tm.tm_min || check.tm_sec != tm.tm_sec)
		return -EINVAL;
	t -= (time_t)zone_minutes * 60;
	if (__builtin_mul_overflow((int64_t)t, (int64_t)NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)fraction, &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

static int parse_epoch(const char *p, int64_t *ret_ns)
{
	uint64_t seconds, fraction;
	int64_t ns;
	int r = take_u64(&p, &seconds);

	if (r < 0)
		return r;
	r = take_fraction(&p, NS_PER_S, &fraction);
	if (r < 0)
		return r;
	if (*p)
		return -EINVAL;
	if (__builtin_mul_overflow(seconds, NS_PER_S, &ns) || __builtin_add_overflow(ns, (int64_t)fraction, &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

int hc_parse_time(const char *text, int64_t now_ns, int64_t *ret_ns)
{
	uint64_t before_ns;
	int64_t ns;
	int r;

	if (strcmp(text, "now") == 0) {
		*ret_ns = now_ns;
		return 0;
	}
	if (*text == '@')
		return parse_epoch(text + 1, ret_ns);
	if (*text != '-')
		return parse_rfc3339(text, ret_ns);
	r = hc_parse_duration(text + 1, &before_ns);
	if (r < 0)
		return r;
	if (__builtin_sub_overflow(now_ns, before_ns, &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

/* `units` from the largest to 1. */
static void show(const struct unit *units, uint64_t v, char *buf, size_t room)
{
	while (units->scale > 1 && v % units->scale)
		units++;
	snprintf(buf, room, "%" PRIu64 "%s", v / units->scale, v ? units->name : "");
}

void hc_show_size(uint64_t bytes, char *buf, size_t room)
{
	static const struct unit units[] = {
		{ "GiB", 1ull << 30 }, { "MiB", 1ull << 20 }, { "KiB", 1ull << 10 }, { "B", 1 }
	};

	show(units, bytes, buf, room);
}

void hc_show_duration(uint64_t ns, char *buf, size_t room)
{
	static const struct unit units[] = { { "d", 86400 * NS_PER_S }, { "h", 3600 * NS_PER_S },
		                             { "m", 60 * NS_PER_S },    { "s", NS_PER_S },
		                             { "ms", 1000000 },         { "ns", 1 } };

	show(units, ns, buf, room);
}
