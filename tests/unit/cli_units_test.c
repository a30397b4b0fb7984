#include "units.h"

#include <criterion/criterion.h>
#include <errno.h>

TestSuite(size);
TestSuite(duration);
TestSuite(moment);

Test(size, has_units_of_1024_and_of_1000)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "0B", 0 },
		{ "512B", 512 },
		{ "4KiB", 4096 },
		{ "64MiB", 64ull << 20 },
		{ "1.5GiB", 3ull << 29 },
		{ "2kB", 2000 },
		{ "3GB", 3000000000 },
		{ "16777215TiB", 16777215ull << 40 },
		{ "0.3B", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 42;

		cr_assert_eq(hc_parse_size(cases[i].text, &bytes), 0, "%s", cases[i].text);
		cr_assert_eq(bytes, cases[i].bytes, "%s: %lu", cases[i].text, bytes);
	}
}

Test(size, is_refused_without_a_unit_or_with_anything_left_over)
{
	static const char *const bad[] = { "",      "1",   "64M",   "64mib", "64 MiB", " 1B",   "1B ",
		                           "-1B",   "+1B", "1.B",   ".5GiB", "1B1B",   "0x10B", "1e3B",
		                           "1,5GB", "MiB", "1MiBs", "١B",    "1K",     "NaN" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bytes = 42;

		cr_assert_eq(hc_parse_size(bad[i], &bytes), -EINVAL, "'%s'", bad[i]);
		cr_assert_eq(bytes, 42, "untouched on failure");
	}
}

Test(size, over_64_bits_is_out_of_range)
{
	uint64_t bytes;

	cr_assert_eq(hc_parse_size("16777216TiB", &bytes), -ERANGE);
	cr_assert_eq(hc_parse_size("18446744073709551616B", &bytes), -ERANGE);
	cr_assert_eq(hc_parse_size("18446744073709551615B", &bytes), 0);
	cr_assert_eq(bytes, UINT64_MAX);
}

Test(duration, adds_units_from_large_to_small)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "10s", 10000000000 },
		{ "1h30m", 5400000000000 },
		{ "250ms", 250000000 },
		{ "1.5s", 1500000000 },
		{ "1us", 1000 },
		{ "7ns", 7 },
		{ "1w1d1h1m1s1ms1us1ns", 694861001001001 },
		{ "0.000000001s", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t ns = 42;

		cr_assert_eq(hc_parse_duration(cases[i].text, &ns), 0, "%s", cases[i].text);
		cr_assert_eq(ns, cases[i].ns, "%s: %lu", cases[i].text, ns);
	}
}

Test(duration, is_refused_out_of_order_twice_or_without_a_unit)
{
	static const char *const bad[] = { "",    "10",     "s",   "1m1h", "1m1m", "-1s",
		                           "1 s", "1h 30m", "1.s", "1s.",  "1S",   "1month" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t ns = 42;

		cr_assert_eq(hc_parse_duration(bad[i], &ns), -EINVAL, "'%s'", bad[i]);
		cr_assert_eq(ns, 42);
	}
	cr_assert_eq(hc_parse_duration("40000w", &(uint64_t){ 0 }), -ERANGE);
}

Test(moment, is_rfc_3339_with_its_zone)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2024-05-01T12:00:00Z", 1714564800000000000 },
		{ "2024-05-01t12:00:00.25z", 1714564800250000000 },
		{ "2024-05-01 14:00:00+02:00", 1714564800000000000 },
		{ "2024-05-01T06:30:00-05:30", 1714564800000000000 },
		{ "2024-02-29T00:00:00Z", 1709164800000000000 },
		{ "1969-12-31T23:59:59.5Z", -500000000 },
		{ "@1714564800", 1714564800000000000 },
		{ "@1714564800.123456789", 1714564800123456789 },
		{ "@1.9999999999999", 1999999999 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ns = 42;

		cr_assert_eq(hc_parse_time(cases[i].text, 0, &ns), 0, "%s", cases[i].text);
		cr_assert_eq(ns, cases[i].ns, "%s: %ld", cases[i].text, ns);
	}
}

Test(moment, before_now_is_a_duration_with_a_minus)
{
	int64_t ns;

	cr_assert_eq(hc_parse_time("-10m", 1000000000000, &ns), 0);
	cr_assert_eq(ns, 400000000000);
	cr_assert_eq(hc_parse_time("-0", 7, &ns), 0);
	cr_assert_eq(ns, 7);
	cr_assert_eq(hc_parse_time("now", 8, &ns), 0);
	cr_assert_eq(ns, 8);
	cr_assert_eq(hc_parse_time("-500w", INT64_MIN + 5, &ns), -ERANGE);
}

Test(moment, is_refused_without_a_zone_or_on_a_day_that_does_not_exist)
{
	static const char *const bad[] = {
		"",
		"nowadays",
		"2024-05-01",
		"2024-05-01T12:00:00",
		"2024-05-01T12:00Z",
		"2024-02-30T00:00:00Z",
		"2023-02-29T00:00:00Z",
		"2024-13-01T00:00:00Z",
		"2024-00-10T00:00:00Z",
		"2024-05-01T24:00:00Z",
		"2024-05-01T12:60:00Z",
		"2024-05-01T12:00:61Z",
		"2024-5-1T12:00:00Z",
		"2024-05-01T12:00:00+2",
		"2024-05-01T12:00:00+02:60",
		"2024-05-01T12:00:00+24:00",
		"2024-05-01T12:00:00Zjunk",
		"2024-05-01T12:00:00.Z",
		"@",
		"@-5",
		"@1.",
		"@1s",
		"-10",
		"--10m",
		"10m",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t ns = 42;

		cr_assert_eq(hc_parse_time(bad[i], 0, &ns), -EINVAL, "'%s'", bad[i]);
		cr_assert_eq(ns, 42);
	}
	cr_assert_eq(hc_parse_time("9999-01-01T00:00:00Z", 0, &(int64_t){ 0 }), -ERANGE);
	cr_assert_eq(hc_parse_time("@99999999999999", 0, &(int64_t){ 0 }), -ERANGE);
}
