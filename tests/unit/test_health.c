/* SPDX-License-Identifier: MIT */
#include "core/health.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SECOND_US = 1000000, BEGIN_US = 5 * SECOND_US, LATENCY_US = 200000 };

static int64_t at(int seconds)
{
    return BEGIN_US + (int64_t)seconds * SECOND_US;
}

static void miss(struct health *h, int seconds)
{
    assert_int_equal(health_missed(h, at(seconds), 1), HEALTH_SAME);
}

static void test_few_misses_count_from_the_first(void **state)
{
    struct health h = {0};

    (void)state;
    assert_int_equal(health_gone_for_us(&h, at(0)), 0);
    miss(&h, 0);
    miss(&h, 3);
    miss(&h, 700);
    assert_int_equal(health_gone_for_us(&h, at(700)), 700LL * SECOND_US);
    assert_true(health_allows(&h, 0, at(700)) == UINT_MAX);
}

static void test_a_time_without_a_try_is_no_outage(void **state)
{
    struct health h = {0};

    (void)state;
    miss(&h, 0);
    assert_int_equal(health_gone_for_us(&h, at(3600)), 0);
    miss(&h, 2);
    assert_int_equal(health_gone_for_us(&h, at(3600)), 2LL * SECOND_US);
}

static void test_what_gets_through_breaks_the_row(void **state)
{
    struct health h = {0};

    (void)state;
    miss(&h, 0);
    miss(&h, 300);
    assert_int_equal(health_wired(&h, 1, at(301)), HEALTH_SAME);
    assert_int_equal(health_gone_for_us(&h, at(301)), 0);
    miss(&h, 500);
    miss(&h, 900);
    assert_int_equal(health_gone_for_us(&h, at(900)), 400LL * SECOND_US);
    assert_int_equal(health_answered(&h, LATENCY_US, at(901)), HEALTH_SAME);
    assert_int_equal(health_gone_for_us(&h, at(901)), 0);
}

/* Some connections fail slowly while the others work: never an outage, never a hold. */
static void test_slow_losses_of_a_healthy_run_are_none(void **state)
{
    struct health h = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) {
        miss(&h, i);
        (void)health_wired(&h, 3, at(i));
        assert_int_equal(health_answered(&h, LATENCY_US, at(i)), HEALTH_SAME);
        assert_int_equal(health_gone_for_us(&h, at(i)), 0);
        assert_true(health_allows(&h, 3, at(i)) == UINT_MAX);
    }
}

static void test_ten_in_a_row_are_lost_since_the_first(void **state)
{
    struct health h = {0};

    (void)state;
    for (int i = 0; i < HEALTH_MISSES_MAX - 1; i++)
        miss(&h, i);
    assert_int_equal(health_missed(&h, at(9), 1), HEALTH_LOST);
    assert_int_equal(health_allows(&h, 0, at(9)), 0);
    assert_int_equal(health_gone_for_us(&h, at(60)), 60LL * SECOND_US);
    assert_int_equal(health_wired(&h, 1, at(61)), HEALTH_BACK);
    assert_int_equal(health_gone_for_us(&h, at(61)), 0);
}

static void test_a_brown_out_counts_from_where_it_shows(void **state)
{
    struct health h = {0};
    enum health_change change = HEALTH_SAME;

    (void)state;
    for (int i = 0; i <= HEALTH_SILENT_MIN; i++) {
        assert_int_equal(change, HEALTH_SAME);
        change = health_silent(&h, at(4));
    }
    assert_int_equal(change, HEALTH_LOST);
    assert_int_equal(health_gone_for_us(&h, at(14)), 10LL * SECOND_US);
    assert_int_equal(health_allows(&h, 0, at(14)), 1);
    assert_int_equal(health_answered(&h, LATENCY_US, at(15)), HEALTH_BACK);
    assert_int_equal(health_gone_for_us(&h, at(16)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_misses_count_from_the_first),
        cmocka_unit_test(test_a_time_without_a_try_is_no_outage),
        cmocka_unit_test(test_what_gets_through_breaks_the_row),
        cmocka_unit_test(test_slow_losses_of_a_healthy_run_are_none),
        cmocka_unit_test(test_ten_in_a_row_are_lost_since_the_first),
        cmocka_unit_test(test_a_brown_out_counts_from_where_it_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
