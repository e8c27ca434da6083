/* SPDX-License-Identifier: MIT */
#include "core/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static const struct retry_options defaults = {.max_attempts = 5, .base_ms = 500, .max_ms = 60000};

/* The longest wait that any random bits can give: the remainder of bound + 1 is the bound. */
static int64_t longest_ms(const struct retry_options *options, unsigned tries)
{
    int64_t longest = 0;

    for (uint64_t random = 0; random <= (uint64_t)options->max_ms; random++) {
        int64_t delay = retry_delay_ms(options, tries, -1, random);

        longest = delay > longest ? delay : longest;
    }
    return longest;
}

static void test_bound_doubles_up_to_the_max(void **state)
{
    static const int64_t bounds[] = {500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bounds); i++)
        assert_int_equal(longest_ms(&defaults, i + 1), bounds[i]);
}

static void test_jitter_is_full_and_even(void **state)
{
    unsigned tenths[10] = {0};
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        int64_t delay;

        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        delay = retry_delay_ms(&defaults, 2, -1, seed ^ (seed >> 29));
        assert_in_range(delay, 0, 1000);
        tenths[delay == 1000 ? 9 : delay / 100]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(tenths[i], 9500, 10500);
    assert_int_equal(retry_delay_ms(&defaults, 1, -1, 0), 0);
}

static void test_retry_after_is_a_floor_with_a_cap(void **state)
{
    (void)state;
    assert_int_equal(retry_delay_ms(&defaults, 1, 3000, 0), 3000);
    assert_int_equal(retry_delay_ms(&defaults, 1, 0, 7), 7);
    assert_int_equal(retry_delay_ms(&defaults, 8, 3000, 50000), 50000);
    assert_int_equal(retry_delay_ms(&defaults, 1, 3600001, 0), 3600000);
    assert_int_equal(retry_delay_ms(&defaults, 1, INT64_MAX, 0), 3600000);
    assert_int_equal(retry_delay_ms(&defaults, 1, INT64_MIN, 5), 5);
}

static void test_no_number_of_tries_overflows(void **state)
{
    const struct retry_options widest = {
        .max_attempts = 100, .base_ms = 3600000, .max_ms = 3600000};
    const struct retry_options steep = {.max_attempts = 100, .base_ms = 1, .max_ms = 3600000};

    (void)state;
    for (unsigned tries = 0; tries <= 100; tries++) {
        assert_in_range(retry_delay_ms(&widest, tries, -1, UINT64_MAX), 0, 3600000);
        assert_in_range(retry_delay_ms(&steep, tries, -1, UINT64_MAX), 0, 3600000);
    }
    assert_int_equal(retry_delay_ms(&steep, UINT32_MAX, -1, 3600000), 3600000);
}

/* A base above the max is a max. */
static void test_max_bounds_the_first_wait(void **state)
{
    const struct retry_options odd = {.max_attempts = 5, .base_ms = 5000, .max_ms = 100};

    (void)state;
    assert_int_equal(longest_ms(&odd, 1), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_doubles_up_to_the_max),
        cmocka_unit_test(test_jitter_is_full_and_even),
        cmocka_unit_test(test_retry_after_is_a_floor_with_a_cap),
        cmocka_unit_test(test_no_number_of_tries_overflows),
        cmocka_unit_test(test_max_bounds_the_first_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
