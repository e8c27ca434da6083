/* SPDX-License-Identifier: MIT */
#include "base/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* After what it needs. */
#include <cmocka.h>

static void test_families_and_samples(void **state)
{
    struct buf out = buf_new(4096);
    struct metrics m = {.out = &out};

    (void)state;
    metrics_family(&m, METRIC_COUNTER, "a_total", "What \"it\" is.\nReally \\.");
    metrics_count(&m, (struct metric_label){0}, UINT64_MAX);
    metrics_count(&m, (struct metric_label){"who", "a\"b\\c\nd"}, 0);
    metrics_family(&m, METRIC_GAUGE, "b", "B.");
    metrics_value(&m, (struct metric_label){0}, 0.25);
    metrics_value(&m, (struct metric_label){"x", "1"}, (double)NAN);
    metrics_value(&m, (struct metric_label){"x", "2"}, (double)INFINITY);
    metrics_value(&m, (struct metric_label){"x", "3"}, (double)-INFINITY);
    metrics_value(&m, (struct metric_label){"x", "4"}, 1775122323.125);
    assert_string_equal(buf_text(&out), "# HELP a_total What \"it\" is.\\nReally \\\\.\n"
                                        "# TYPE a_total counter\n"
                                        "a_total 18446744073709551615\n"
                                        "a_total{who=\"a\\\"b\\\\c\\nd\"} 0\n"
                                        "# HELP b B.\n"
                                        "# TYPE b gauge\n"
                                        "b 0.25\n"
                                        "b{x=\"1\"} NaN\n"
                                        "b{x=\"2\"} +Inf\n"
                                        "b{x=\"3\"} -Inf\n"
                                        "b{x=\"4\"} 1775122323.12\n");
    buf_free(&out);
}

static void test_histograms_are_cumulative(void **state)
{
    static struct histogram h;
    static const double bounds[] = {0.0001, 0.01, 1};
    struct buf out = buf_new(4096);
    struct metrics m = {.out = &out};

    (void)state;
    histogram_add(&h, 50);
    histogram_add(&h, 5000);
    histogram_add(&h, 6000);
    histogram_add(&h, 2000000);
    metrics_family(&m, METRIC_HISTOGRAM, "t_seconds", "T.");
    metrics_histogram(&m, bounds, 3, &h);
    assert_string_equal(buf_text(&out), "# HELP t_seconds T.\n"
                                        "# TYPE t_seconds histogram\n"
                                        "t_seconds_bucket{le=\"0.0001\"} 1\n"
                                        "t_seconds_bucket{le=\"0.01\"} 3\n"
                                        "t_seconds_bucket{le=\"1\"} 3\n"
                                        "t_seconds_bucket{le=\"+Inf\"} 4\n"
                                        "t_seconds_sum 2.01105\n"
                                        "t_seconds_count 4\n");
    buf_clear(&out);
    metrics_histogram(&m, bounds, 1, NULL);
    assert_string_equal(buf_text(&out), "t_seconds_bucket{le=\"0.0001\"} 0\n"
                                        "t_seconds_bucket{le=\"+Inf\"} 0\n"
                                        "t_seconds_sum 0\n"
                                        "t_seconds_count 0\n");
    buf_free(&out);
}

static void test_counting_up_to_a_value(void **state)
{
    static struct histogram h;

    (void)state;
    assert_int_equal(histogram_count_up_to(&h, 10), 0);
    for (int64_t i = 0; i < 1000; i++)
        histogram_add(&h, i);
    assert_int_equal(histogram_count_up_to(&h, -1), 0);
    assert_int_equal(histogram_count_up_to(&h, 0), 1);
    assert_int_equal(histogram_count_up_to(&h, 63), 64);
    assert_int_equal(histogram_count_up_to(&h, 999), 1000);
    assert_int_equal(histogram_count_up_to(&h, INT64_MAX), 1000);
    for (int64_t i = 0; i < 1000; i++)
        assert_in_range(histogram_count_up_to(&h, i), i - i / 32, i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_and_samples),
        cmocka_unit_test(test_histograms_are_cumulative),
        cmocka_unit_test(test_counting_up_to_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
