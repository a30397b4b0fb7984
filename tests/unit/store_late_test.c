/* Libraries loaded while running. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "store/base/late.h"

struct table {
	const char *(*version)(void);
	void (*other)(void);
};

static const struct hc_late_name names[] = {
	{ "zlibVersion", offsetof(struct table, version) },
	{ "no_such_function", offsetof(struct table, other) },
};

Test(late, fills_in_functions_that_can_be_called)
{
	struct hc_err err = { 0 };
	struct table t = { 0 };

	cr_assert_eq(hc_late_load("libz.so.1", "zlib1g", names, 1, &t, &err), 0, "%s", err.msg);
	cr_assert_eq(t.version()[0], '1');
}

Test(late, fills_in_nothing_when_a_function_is_missing)
{
	struct hc_err err = { 0 };
	struct table t = { 0 };

	cr_assert_eq(hc_late_load("libz.so.1", "zlib1g", names, 2, &t, &err), -ENOENT);
	cr_assert_str_eq(err.msg, "libz.so.1 has no no_such_function: it is too old");
	cr_assert_null(t.version);
}

Test(late, says_which_package_a_missing_library_is_in)
{
	struct hc_err err = { 0 };
	struct table t = { 0 };

	cr_assert_eq(hc_late_load("libno-such.so.1", "no-such1", names, 1, &t, &err), -ENOENT);
	cr_assert(strstr(err.msg, "libno-such.so.1"), "%s", err.msg);
	cr_assert(strstr(err.msg, "install the package no-such1"), "%s", err.msg);
}
