/* SPDX-License-Identifier: MIT
 *
 * graphmock's limits on a clock of our own: the exact sliding second, and the pair limit against
 * the numbers that Meta publishes. The mock is no room of tidings, so its files come in whole.
 */
#include "../../bench/graphmock/pair.c"
#include "../../bench/graphmock/window.c"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { SECOND = 1000000, START = 5 * SECOND };

static void an_event_leaves_after_exactly_one_second(void **state)
{
    struct window w = {0};

    (void)state;
    assert_int_equal(window_add(&w, START), 1);
    assert_int_equal(window_add(&w, START + 10), 2);
    assert_int_equal(window_count(&w, START + SECOND - 1), 2);
    assert_int_equal(window_count(&w, START + SECOND), 1);
    assert_int_equal(window_count(&w, START + SECOND + 10), 0);
    window_free(&w);
}

static void a_window_grows_in_the_middle_of_its_ring(void **state)
{
    struct window w = {0};

    (void)state;
    for (int64_t i = 0; i < 10000; i++) {
        size_t expected = i < 5000 ? (size_t)i + 1 : 5000;

        assert_int_equal(window_add(&w, START + i * (SECOND / 5000)), expected);
    }
    for (int64_t i = 0; i < 10000; i++)
        (void)window_add(&w, START + 2 * SECOND);
    assert_int_equal(window_count(&w, START + 2 * SECOND), 15000 - 1);
    window_free(&w);
}

/* How many of `tries` messages, all at `now_us`, pass. */
static int passing(struct pair_limit *limit, int tries, int64_t now_us)
{
    int passed = 0;

    for (int i = 0; i < tries; i++)
        passed += pair_pass(limit, 42, now_us) ? 1 : 0;
    return passed;
}

static void both_models_let_45_pass_at_once(void **state)
{
    static const enum pair_model models[] = {PAIR_DEBT, PAIR_GCRA};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        struct pair_limit limit = {.model = models[i], .pairs = map_new()};

        assert_int_equal(passing(&limit, 50, START), 45);
        assert_true(pair_pass(&limit, 43, START));
        map_free(limit.pairs);
    }
}

static void both_models_let_one_pass_every_six_seconds_for_ever(void **state)
{
    static const enum pair_model models[] = {PAIR_DEBT, PAIR_GCRA};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        struct pair_limit limit = {.model = models[i], .pairs = map_new()};

        for (int64_t n = 0; n < 100; n++)
            assert_true(pair_pass(&limit, 42, START + n * 6 * SECOND));
        map_free(limit.pairs);
    }
}

/* Meta's example: 20 at once, then about two minutes of nothing. */
static void debt_shuts_the_pair_for_as_long_as_the_burst_was_worth(void **state)
{
    struct pair_limit limit = {.model = PAIR_DEBT, .pairs = map_new()};

    (void)state;
    assert_int_equal(passing(&limit, 20, START), 20);
    assert_false(pair_pass(&limit, 42, START + 6 * SECOND));
    assert_false(pair_pass(&limit, 42, START + 120 * SECOND - 1000));
    assert_true(pair_pass(&limit, 42, START + 120 * SECOND));
    map_free(limit.pairs);
}

static void gcra_gives_back_one_message_every_six_seconds(void **state)
{
    struct pair_limit limit = {.model = PAIR_GCRA, .pairs = map_new()};

    (void)state;
    assert_int_equal(passing(&limit, 20, START), 20);
    assert_int_equal(passing(&limit, 50, START + 1000), 25);
    assert_false(pair_pass(&limit, 42, START + 5 * SECOND));
    assert_int_equal(passing(&limit, 50, START + 18 * SECOND), 3);
    map_free(limit.pairs);
}

static void without_a_model_everything_passes(void **state)
{
    struct pair_limit limit = {.model = PAIR_OFF};

    (void)state;
    assert_int_equal(passing(&limit, 1000, START), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_leaves_after_exactly_one_second),
        cmocka_unit_test(a_window_grows_in_the_middle_of_its_ring),
        cmocka_unit_test(both_models_let_45_pass_at_once),
        cmocka_unit_test(both_models_let_one_pass_every_six_seconds_for_ever),
        cmocka_unit_test(debt_shuts_the_pair_for_as_long_as_the_burst_was_worth),
        cmocka_unit_test(gcra_gives_back_one_message_every_six_seconds),
        cmocka_unit_test(without_a_model_everything_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
