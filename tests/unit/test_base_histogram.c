/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
/* After what it needs. */
#include <cmocka.h>

enum { VALUES = 20000 };

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void test_quantiles_are_right_to_a_thirtysecond(void **state)
{
    static int64_t values[VALUES];
    static struct histogram h;
    static const double quantiles[] = {0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999};
    uint64_t seed = 5;

    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        values[i] = (int64_t)((seed >> 33) % (UINT64_C(1) << (1 + i % 40)));
        histogram_add(&h, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), compare);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        int64_t exact = values[(size_t)(quantiles[i] * (double)VALUES) - 1];
        int64_t got = histogram_quantile(&h, quantiles[i]);

        assert_true(got >= exact);
        assert_true(got <= exact + exact / 32);
    }
}

static void test_edges(void **state)
{
    static struct histogram h;

    (void)state;
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    histogram_add(&h, -5);
    assert_int_equal(histogram_quantile(&h, 1), 0);
    histogram_add(&h, INT64_MAX);
    assert_int_equal(histogram_quantile(&h, 0), 0);
    assert_int_equal(histogram_quantile(&h, 1), INT64_MAX);
    assert_int_equal(h.count, 2);
    assert_int_equal(h.max, INT64_MAX);
}

static void test_one_value_is_every_quantile(void **state)
{
    static struct histogram h;

    (void)state;
    histogram_add(&h, 12345);
    assert_int_equal(histogram_quantile(&h, 0), 12345);
    assert_int_equal(histogram_quantile(&h, 0.5), 12345);
    assert_int_equal(histogram_quantile(&h, 1), 12345);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_are_right_to_a_thirtysecond),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_one_value_is_every_quantile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
