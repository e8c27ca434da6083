/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* After what it needs. */
#include <cmocka.h>

static void check_text(int64_t ms, const char *expected)
{
    char text[CLOCK_TEXT_SIZE];

    clock_text(ms, text);
    assert_string_equal(text, expected);
}

static void test_known_times(void **state)
{
    (void)state;
    check_text(0, "1970-01-01T00:00:00.000Z");
    check_text(INT64_C(1775122200125), "2026-04-02T09:30:00.125Z");
    check_text(INT64_C(951782399999), "2000-02-28T23:59:59.999Z");
    check_text(INT64_C(951782400000), "2000-02-29T00:00:00.000Z");
    check_text(INT64_C(4107542400000), "2100-03-01T00:00:00.000Z");
    check_text(-1, "1969-12-31T23:59:59.999Z");
    check_text(INT64_C(253402300799999), "9999-12-31T23:59:59.999Z");
}

static void test_agrees_with_the_standard_library(void **state)
{
    (void)state;
    for (int64_t days = -10000; days < 60000; days++) {
        time_t seconds = (time_t)(days * 86400 + days % 86400);
        char expected[64];
        struct tm t;

        assert_non_null(gmtime_r(&seconds, &t));
        (void)strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.007Z", &t);
        check_text((int64_t)seconds * 1000 + 7, expected);
    }
}

static void test_time_of_day_is_local(void **state)
{
    char text[CLOCK_TEXT_SIZE];

    (void)state;
    assert_int_equal(setenv("TZ", "IST-5:30", 1), 0);
    tzset();
    clock_time_of_day(INT64_C(1775122200125), INT64_C(1775122200125), text);
    assert_string_equal(text, "15:00:00");
    clock_time_of_day(INT64_C(1775122200125), INT64_C(1775122200125) - 16 * 3600000, text);
    assert_string_equal(text, "2026-04-02 15:00:00");
    clock_local(INT64_C(1775122200125), text);
    assert_string_equal(text, "2026-04-02 15:00:00 +0530");
}

static void test_monotonic_never_goes_back(void **state)
{
    int64_t before = clock_mono_us();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();

        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_wall_ms() > INT64_C(1700000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_times),
        cmocka_unit_test(test_agrees_with_the_standard_library),
        cmocka_unit_test(test_time_of_day_is_local),
        cmocka_unit_test(test_monotonic_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
