/* SPDX-License-Identifier: MIT
 *
 * A tally of what somebody else sends, from counts; and what a report makes of it.
 */
#include "commands/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static void take(struct tally *t, uint64_t accepted, uint64_t failed, int64_t now_us)
{
    uint64_t counts[STATE_COUNT] = {[STATE_ACCEPTED] = accepted, [STATE_FAILED] = failed};

    tally_take(t, counts, now_us);
}

static void test_what_was_before_is_no_part_of_the_rate(void **state)
{
    struct tally t = {.expected = 200};

    (void)state;
    take(&t, 100, 3, 1000000);
    assert_int_equal(t.states[STATE_ACCEPTED], 0);
    assert_int_equal(tally_done(&t), 103);
    take(&t, 100, 3, 2000000); /* nothing yet */
    take(&t, 121, 3, 3000000); /* 21 in the second from 2 to 3 */
    take(&t, 141, 4, 4000000);
    take(&t, 141, 4, 9000000); /* nothing any more */
    assert_int_equal(tally_total(&t, STATE_ACCEPTED), 141);
    assert_int_equal(tally_done(&t), 145);
    assert_true(tally_rate(&t) > 19.9 && tally_rate(&t) < 20.1);
}

static void test_a_count_may_fall(void **state)
{
    struct tally t = {0};

    (void)state;
    take(&t, 5, 9, 1000000);
    take(&t, 5, 2, 2000000); /* seven were opened again */
    assert_int_equal(tally_total(&t, STATE_FAILED), 2);
    take(&t, 5, 4, 3000000);
    assert_int_equal(tally_total(&t, STATE_FAILED), 4);
}

/* 100 on record, a changed file of 100 rows: 70 of them are known, 30 are new. */
static void test_never_more_than_everything(void **state)
{
    struct tally t = {.expected = 200, .overlap = 100, .before[STATE_ACCEPTED] = 100};

    (void)state;
    assert_int_equal(tally_expected(&t), 200);
    t.known = 40;
    assert_int_equal(tally_expected(&t), 160);
    t.known = 70;
    t.states[STATE_ACCEPTED] = 30;
    assert_int_equal(tally_expected(&t), 130);
    assert_int_equal(tally_done(&t), 130);
    t.states[STATE_ACCEPTED] = 35; /* whatever came */
    assert_int_equal(tally_expected(&t), 135);
    t.expected = 0;
    assert_int_equal(tally_expected(&t), 0);
}

static bool says(const struct report *r, const char *text)
{
    struct buf out = buf_new(REPORT_MAX);
    bool found;

    report_text(r, &out);
    found = strstr(buf_text(&out), text) != NULL;
    buf_free(&out);
    return found;
}

static void test_a_report_of_a_hand_over(void **state)
{
    static const struct halts none;
    struct tally t = {.expected = 30};
    struct report r = {.name = "results",
                       .by_daemon = true,
                       .tally = &t,
                       .halts = &none,
                       .command = "tidings broadcast results.csv"};

    (void)state;
    take(&t, 0, 0, 1000000);
    take(&t, 20, 0, 2000000);
    r.end = DISPATCH_INTERRUPTED;
    r.left = 10;
    assert_true(says(&r, "left to the daemon"));
    assert_true(says(&r, "accepted a second"));
    assert_false(says(&r, "latency"));
    assert_int_equal(report_exit_code(&r), EXIT_WORK_LEFT);
    r.is_cancelled = true;
    assert_true(says(&r, "results: cancelled"));
    assert_false(says(&r, "Go on:"));
    r.is_cancelled = false;
    r.end = DISPATCH_FINISHED;
    assert_int_equal(report_exit_code(&r), EXIT_WORK_LEFT); /* some are held */
    r.left = 0;
    assert_int_equal(report_exit_code(&r), EXIT_DONE);
    t.reused = 1;
    assert_int_equal(report_exit_code(&r), EXIT_SOME_FAILED);
}

static void test_skipped_is_not_accepted(void **state)
{
    static const struct halts none;
    struct tally t = {.states[STATE_ACCEPTED] = 5, .states[STATE_SKIPPED] = 2};
    struct report r = {.name = "results",
                       .end = DISPATCH_FINISHED,
                       .tally = &t,
                       .halts = &none,
                       .truth.code_count = 1,
                       .truth.codes[0] = {STATE_SKIPPED, REASON_EXPIRED, 0, 2, ""}};

    (void)state;
    assert_int_equal(report_exit_code(&r), EXIT_SOME_FAILED);
    assert_true(says(&r, "results: complete"));
    r.truth.codes[0].reason = REASON_CANCELLED;
    assert_int_equal(report_exit_code(&r), EXIT_WORK_LEFT);
    assert_true(says(&r, "results: ended, some were cancelled"));
    t.states[STATE_SKIPPED] = 0; /* those were of another run */
    assert_int_equal(report_exit_code(&r), EXIT_DONE);
    assert_true(says(&r, "results: complete"));
}

/* 10 in 2 s are 5 a second, though all were accepted within 5 ms. */
static void test_the_rate_fits_the_seconds_beside_it(void **state)
{
    struct tally t = {
        .states[STATE_ACCEPTED] = 10, .first_accepted_us = 1900000, .last_accepted_us = 1905000};

    (void)state;
    assert_true(tally_achieved(&t, 2000000) == 5);
    t.first_accepted_us = 1000000; /* 9 intervals in 1.8 s */
    t.last_accepted_us = 2800000;
    assert_true(tally_achieved(&t, 2000000) == 5);
    t.last_accepted_us = t.first_accepted_us;
    t.states[STATE_ACCEPTED] = 1;
    assert_true(tally_achieved(&t, 500000) == 2);
    assert_true(tally_achieved(&t, 0) == 0);
    t.states[STATE_ACCEPTED] = 0;
    assert_true(tally_achieved(&t, 500000) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_more_than_everything),
        cmocka_unit_test(test_what_was_before_is_no_part_of_the_rate),
        cmocka_unit_test(test_a_count_may_fall),
        cmocka_unit_test(test_a_report_of_a_hand_over),
        cmocka_unit_test(test_skipped_is_not_accepted),
        cmocka_unit_test(test_the_rate_fits_the_seconds_beside_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
