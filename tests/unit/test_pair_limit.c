/* SPDX-License-Identifier: MIT */
#include "core/pair_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

#define SECONDS INT64_C(1000000)

enum { PAIR = 7 };

static void take_many(struct pair_limit *p, uint64_t pair, unsigned count, int64_t at_us)
{
    for (unsigned i = 0; i < count; i++) {
        assert_true(pair_limit_next_us(p, pair, at_us) <= at_us);
        pair_limit_take(p, pair, at_us);
    }
}

static void test_unknown_pair_may_go_at_once(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    assert_int_equal(pair_limit_next_us(p, PAIR, 5), 5);
    assert_int_equal(pair_limit_count(p), 0);
    pair_limit_free(p);
    pair_limit_free(NULL);
}

/* Meta: up to 45 in 6 s; then as long as they would have taken. */
static void test_45_in_a_window_and_not_one_more(void **state)
{
    struct pair_limit *p = pair_limit_new();
    int64_t start_us = 100 * SECONDS;

    (void)state;
    for (int i = 0; i < 45; i++)
        take_many(p, PAIR, 1, start_us + i * 100000);
    assert_int_equal(pair_limit_next_us(p, PAIR, start_us + 5 * SECONDS),
                     start_us + 45 * 6 * SECONDS);
    assert_int_equal(pair_limit_next_us(p, PAIR, start_us + 269 * SECONDS),
                     start_us + 270 * SECONDS);
    take_many(p, PAIR, 45, start_us + 270 * SECONDS);
    assert_int_equal(pair_limit_next_us(p, PAIR, start_us + 271 * SECONDS),
                     start_us + 540 * SECONDS);
    pair_limit_free(p);
}

/* Meta: 20 at once, then about two minutes. */
static void test_20_at_once_cost_two_minutes(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    take_many(p, PAIR, 20, 0);
    assert_int_equal(pair_limit_next_us(p, PAIR, 6 * SECONDS - 1), 6 * SECONDS - 1);
    assert_int_equal(pair_limit_next_us(p, PAIR, 6 * SECONDS), 120 * SECONDS);
    assert_int_equal(pair_limit_next_us(p, PAIR, 119 * SECONDS), 120 * SECONDS);
    take_many(p, PAIR, 1, 120 * SECONDS);
    pair_limit_free(p);
}

static void test_one_every_six_seconds_goes_on_for_ever(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    for (int64_t i = 0; i < 10000; i++)
        take_many(p, PAIR, 1, i * 6 * SECONDS);
    assert_int_equal(pair_limit_count(p), 1);
    pair_limit_free(p);
}

static void test_pairs_do_not_meet(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    take_many(p, 0, 45, 0);
    take_many(p, 1, 45, 0);
    assert_int_equal(pair_limit_next_us(p, 0, 1), 270 * SECONDS);
    assert_int_equal(pair_limit_next_us(p, 2, 1), 1);
    pair_limit_free(p);
}

static void test_returned_takes_the_debt_back(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    take_many(p, PAIR, 3, 0);
    pair_limit_returned(p, PAIR, 1);
    assert_int_equal(pair_limit_next_us(p, PAIR, 7 * SECONDS), 12 * SECONDS);
    pair_limit_returned(p, PAIR, 8 * SECONDS);
    pair_limit_returned(p, PAIR, 8 * SECONDS); /* paid: nothing to take back */
    assert_int_equal(pair_limit_next_us(p, PAIR, 8 * SECONDS), 6 * SECONDS);
    pair_limit_returned(p, 99, 0); /* never heard of */
    pair_limit_free(p);
}

/* Meta: wait 4^X seconds, X = 0 first. */
static void test_refusals_in_a_row_wait_longer(void **state)
{
    static const int64_t waits[] = {1, 4, 16, 64, 256, 1024, 4096, 4096};
    struct pair_limit *p = pair_limit_new();
    int64_t now_us = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        int64_t next_us;

        pair_limit_take(p, PAIR, now_us);
        now_us += 6 * SECONDS; /* the answer comes when the debt is paid: only the wait is left */
        next_us = pair_limit_refused(p, PAIR, now_us);
        assert_int_equal(next_us, now_us + waits[i] * SECONDS);
        assert_int_equal(pair_limit_next_us(p, PAIR, now_us), next_us);
        now_us = next_us;
    }
    pair_limit_free(p);
}

static void test_a_wave_of_refusals_is_one(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    take_many(p, PAIR, 2, 0);
    assert_int_equal(pair_limit_refused(p, PAIR, 20 * SECONDS), 21 * SECONDS);
    assert_int_equal(pair_limit_refused(p, PAIR, 20 * SECONDS + 5), 21 * SECONDS);
    assert_int_equal(pair_limit_refused(p, PAIR, 21 * SECONDS), 25 * SECONDS);
    pair_limit_free(p);
}

static void test_refusal_and_debt_hold_both(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    take_many(p, PAIR, 45, 0);
    assert_int_equal(pair_limit_refused(p, PAIR, SECONDS), 270 * SECONDS);
    pair_limit_free(p);
}

static void test_a_row_ends_when_no_refusal_comes(void **state)
{
    struct pair_limit *p = pair_limit_new();
    int64_t now_us = 6 * SECONDS;

    (void)state;
    pair_limit_take(p, PAIR, 0);
    assert_int_equal(pair_limit_refused(p, PAIR, now_us), now_us + SECONDS);
    now_us += SECONDS + PAIR_ROW_MS * 1000;
    take_many(p, PAIR, 1, now_us);
    assert_int_equal(pair_limit_refused(p, PAIR, now_us + 6 * SECONDS), now_us + 7 * SECONDS);
    pair_limit_free(p);
}

static void restore_many(struct pair_limit *p, uint64_t pair, unsigned count, int64_t at_us)
{
    for (unsigned i = 0; i < count; i++)
        pair_limit_restore(p, pair, at_us + i, at_us + i);
}

static void test_restored_debt_from_before_the_clock(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    restore_many(p, PAIR, 20, -100 * SECONDS);
    assert_int_equal(pair_limit_next_us(p, PAIR, 0), 20 * SECONDS);
    restore_many(p, PAIR, 1, -10 * SECONDS); /* before it was due: it is one more */
    assert_int_equal(pair_limit_next_us(p, PAIR, 0), 26 * SECONDS);
    restore_many(p, PAIR + 1, 1, -100 * SECONDS); /* long paid */
    assert_true(pair_limit_next_us(p, PAIR + 1, 0) <= 0);
    restore_many(p, PAIR + 1, 3, -30 * SECONDS); /* that one was on a new window, and is paid */
    assert_true(pair_limit_next_us(p, PAIR + 1, 0) <= 0);
    restore_many(p, PAIR + 2, 3, -1 * SECONDS); /* its window is still open */
    take_many(p, PAIR + 2, 1, 0);
    assert_int_equal(pair_limit_next_us(p, PAIR + 2, 5 * SECONDS), 23 * SECONDS);
    restore_many(p, PAIR + 3, UINT16_MAX + 9, -SECONDS);
    assert_true(pair_limit_next_us(p, PAIR + 3, 0) > 4 * 24 * 3600 * SECONDS);
    pair_limit_free(p);
}

/* On the wire at some time between intent and outcome: whichever it was, nothing goes too early. */
static void test_restored_debt_of_an_unsure_time(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    pair_limit_restore(p, PAIR, -4 * SECONDS, -1 * SECONDS);
    pair_limit_restore(p, PAIR, -3 * SECONDS, -1 * SECONDS);
    assert_int_equal(pair_limit_next_us(p, PAIR, 1 * SECONDS), 1 * SECONDS);
    assert_int_equal(pair_limit_next_us(p, PAIR, 2 * SECONDS), 11 * SECONDS);
    take_many(p, PAIR, 1, 11 * SECONDS); /* sure again */
    assert_int_equal(pair_limit_next_us(p, PAIR, 17 * SECONDS - 1), 17 * SECONDS - 1);
    pair_limit_restore(p, PAIR + 1, -60 * SECONDS, 0); /* hung for a minute */
    assert_int_equal(pair_limit_next_us(p, PAIR + 1, 1), 6 * SECONDS);
    restore_many(p, PAIR + 3, 2, -40 * SECONDS);
    pair_limit_restore(p, PAIR + 3, -39 * SECONDS, -20 * SECONDS); /* of this window, or the next */
    pair_limit_restore(p, PAIR + 3, -18 * SECONDS, -17 * SECONDS);
    assert_int_equal(pair_limit_next_us(p, PAIR + 3, -16 * SECONDS), -8 * SECONDS);
    pair_limit_restore(p, PAIR + 2, 0, -5 * SECONDS); /* the clock was set back in between */
    assert_int_equal(pair_limit_next_us(p, PAIR + 2, 1), 1);
    pair_limit_free(p);
}

/* 1,000 a second to distinct recipients: about 6,000 are in debt, and the table stays near that. */
static void test_paid_pairs_are_swept(void **state)
{
    struct pair_limit *p = pair_limit_new();
    unsigned most = 0;

    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        take_many(p, i, 1, (int64_t)i * 1000);
        if (pair_limit_count(p) > most)
            most = pair_limit_count(p);
    }
    assert_in_range(most, 6000, 13000);
    pair_limit_free(p);
}

/* One message each is cheap to remember, and is remembered: the second counts from the first. */
static void test_first_messages_are_remembered(void **state)
{
    struct pair_limit *p = pair_limit_new();
    enum { PAIRS = 100000 };
    int64_t twice = 0, hour_us = 3600 * SECONDS;

    (void)state;
    for (uint64_t i = 0; i < PAIRS; i++)
        take_many(p, i * 3, 1, 2 * hour_us + (int64_t)i * 50);
    for (uint64_t i = 0; i < PAIRS; i++)
        pair_limit_returned(p, i * 3 + (i % 2 ? 0 : 1), 2 * hour_us + 5 * SECONDS);
    for (uint64_t i = 0; i < PAIRS; i++) {
        int64_t began_us = 2 * hour_us + (int64_t)i * 50;

        take_many(p, i * 3, 1, 2 * hour_us + 5500000);
        if (pair_limit_next_us(p, i * 3, began_us + 11500000 - 1) == began_us + 12 * SECONDS)
            twice++;
    }
    assert_in_range(twice, PAIRS / 2 - 10, PAIRS / 2); /* a few are mixed up: 32 bits */
    pair_limit_free(p);
}

/* Far more than fit: memory is bounded, and the long debts are those that are kept. */
static void test_too_many_pairs_forget_the_short_debts(void **state)
{
    struct pair_limit *p = pair_limit_new();

    (void)state;
    take_many(p, UINT64_MAX, 45, 0);
    for (uint64_t i = 0; i < 3 * PAIR_MAX; i++)
        pair_limit_take(p, i, (int64_t)(i / 1000) * 1000);
    assert_true(pair_limit_count(p) <= PAIR_MAX * 3 / 2);
    assert_int_equal(pair_limit_next_us(p, UINT64_MAX, SECONDS), 270 * SECONDS);
    pair_limit_free(p);
}

/* ---- Against the published rule, written down a second time: the times of all sends. */

enum { MODEL_PAIRS = 40, MODEL_MOVES = 200000 };

struct model {
    int64_t window_us;
    unsigned count;
};

static int64_t model_next_us(const struct model *m, int64_t now_us)
{
    if (m->count == 0 || (now_us - m->window_us < 6 * SECONDS && m->count < 45))
        return now_us;
    return m->window_us + 6 * SECONDS * m->count;
}

static void model_take(struct model *m, int64_t now_us)
{
    bool is_within = m->count > 0 && now_us - m->window_us < 6 * SECONDS && m->count < 45;

    if (!is_within)
        *m = (struct model){.window_us = now_us};
    m->count++;
}

static void test_follows_the_published_rule(void **state)
{
    struct pair_limit *p = pair_limit_new();
    static struct model models[MODEL_PAIRS];
    uint64_t seed = 1;
    int64_t now_us = 0;

    (void)state;
    for (int i = 0; i < MODEL_MOVES; i++) {
        struct model *m;
        uint64_t pair;
        int64_t expected;

        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        pair = (seed >> 33) % MODEL_PAIRS;
        now_us += (int64_t)((seed >> 40) % 50000);
        m = &models[pair];
        expected = model_next_us(m, now_us);
        assert_int_equal(pair_limit_next_us(p, pair, now_us) <= now_us, expected <= now_us);
        if (expected <= now_us) {
            pair_limit_take(p, pair, now_us);
            model_take(m, now_us);
        } else {
            assert_int_equal(pair_limit_next_us(p, pair, now_us), expected);
        }
    }
    pair_limit_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_pair_may_go_at_once),
        cmocka_unit_test(test_45_in_a_window_and_not_one_more),
        cmocka_unit_test(test_20_at_once_cost_two_minutes),
        cmocka_unit_test(test_one_every_six_seconds_goes_on_for_ever),
        cmocka_unit_test(test_pairs_do_not_meet),
        cmocka_unit_test(test_returned_takes_the_debt_back),
        cmocka_unit_test(test_refusals_in_a_row_wait_longer),
        cmocka_unit_test(test_a_wave_of_refusals_is_one),
        cmocka_unit_test(test_refusal_and_debt_hold_both),
        cmocka_unit_test(test_a_row_ends_when_no_refusal_comes),
        cmocka_unit_test(test_restored_debt_from_before_the_clock),
        cmocka_unit_test(test_restored_debt_of_an_unsure_time),
        cmocka_unit_test(test_first_messages_are_remembered),
        cmocka_unit_test(test_paid_pairs_are_swept),
        cmocka_unit_test(test_too_many_pairs_forget_the_short_debts),
        cmocka_unit_test(test_follows_the_published_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
