/* What is known of a wall clock that is set. */
#include <criterion/criterion.h>

#include "wall_clock.h"

#define S INT64_C(1000000000)

Test(wall_clock, that_is_never_set_is_as_far_from_the_boot_clock_everywhere)
{
	struct wall_clock w = { 0 };

	for (int64_t i = 100; i < 200; i++)
		cr_assert_eq(wall_clock_look(&w, i * S, (1000 + i) * S + i), 0, "an adjustment");
	cr_assert_eq(w.n, 1);
	cr_assert_eq(wall_clock_first(&w, -500 * S, 150 * S), 500 * S + 100);
	cr_assert_eq(wall_clock_last(&w, 120 * S, 150 * S), 1150 * S + 199);
}

Test(wall_clock, that_is_set_ahead_has_two_times_for_a_span)
{
	struct wall_clock w = { 0 };

	cr_assert_eq(wall_clock_look(&w, 100 * S, 1100 * S), 0);
	cr_assert_eq(wall_clock_look(&w, 200 * S, 4800 * S), 3600 * S);
	cr_assert_eq(wall_clock_look(&w, 201 * S, 4801 * S), 0);
	cr_assert_eq(wall_clock_first(&w, 150 * S, 260 * S), 1150 * S, "the past begins where it did");
	cr_assert_eq(wall_clock_last(&w, 150 * S, 260 * S), 4860 * S);
	cr_assert_eq(wall_clock_first(&w, 210 * S, 260 * S), 4810 * S, "the span of before does not count");
	cr_assert_eq(wall_clock_last(&w, 150 * S, 190 * S), 1190 * S, "nor the one behind");
}

Test(wall_clock, that_is_set_back_has_the_same_times_twice)
{
	struct wall_clock w = { 0 };

	(void)wall_clock_look(&w, 100 * S, 5100 * S);
	cr_assert_eq(wall_clock_look(&w, 200 * S, 1200 * S), -4000 * S);
	cr_assert_eq(wall_clock_first(&w, 150 * S, 260 * S), 1200 * S);
	cr_assert_eq(wall_clock_last(&w, 150 * S, 260 * S), 5200 * S);
}

Test(wall_clock, that_never_rests_is_remembered_by_its_extremes)
{
	struct wall_clock w = { 0 };

	for (int64_t i = 0; i < 1000; i++)
		(void)wall_clock_look(&w, i * S, (10000 + i + (i % 2 ? 500 : 0)) * S);
	cr_assert_eq(w.n, WALL_MAX_STEPS);
	cr_assert_eq(wall_clock_first(&w, 10 * S, 999 * S), 10010 * S);
	cr_assert_eq(wall_clock_last(&w, 10 * S, 999 * S), 11499 * S);
}
