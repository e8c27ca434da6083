/* SPDX-License-Identifier: MIT */
#include "test_rate_limit_caller.h"

/* The limiter never says "now" with nothing there, and what it promises is there. */
static int64_t promised_us(struct run *run)
{
    int64_t next_us = rate_limit_next_us(run->r, run->now_us);

    if (rate_limit_available(run->r, run->now_us) > 0)
        assert_int_equal(next_us, run->now_us);
    else
        assert_true(next_us > run->now_us);
    return next_us;
}

/* Timers count in whole milliseconds, at least one, and fire late. */
static void sleep_on(struct run *run)
{
    const struct caller *c = run->c;
    int64_t next_us = promised_us(run);
    int64_t wait_us = 1000;

    if (next_us > run->now_us + SECONDS)
        next_us = run->now_us + SECONDS;
    if (next_us > run->now_us)
        wait_us = (next_us - run->now_us + 999) / 1000 * 1000;
    if (c->ticks_alone)
        wait_us = TICK_US - c->late_us / 2;
    wait_us += chance(run, c->late_us);
    if (one_in(run, c->stall_in))
        wait_us += chance(run, 400000);
    if (c->event_us && chance(run, 2 * c->event_us) < wait_us)
        wait_us = 1 + chance(run, wait_us);
    run->now_us += wait_us;
}

static struct run run_of(const struct caller *c)
{
    struct run run = {.c = c, .seed = c->seed, .now_us = START_US};

    run.r = rate_limit_new(&c->options, START_US);
    run.on_the_way = mem_alloc(ON_THE_WAY_MAX * sizeof(struct journey));
    while (run.now_us < START_US + c->length_us) {
        arrive_until(&run, run.now_us);
        send_all(&run);
        arrive_until(&run, run.now_us);
        sleep_on(&run);
    }
    return run;
}

static void end_run(struct run *run)
{
    rate_limit_free(run->r);
    mem_free(run->on_the_way);
    mem_free(run->wired);
}

/* The most messages within so long, both ends included, wherever it begins. */
static size_t worst_within(const struct run *run, int64_t length_us)
{
    size_t worst = 0;
    size_t first = 0;

    for (size_t i = 0; i < run->count; i++) {
        while (run->wired[i] - run->wired[first] > length_us)
            first++;
        if (i - first + 1 > worst)
            worst = i - first + 1;
    }
    return worst;
}

static size_t worst_second(const struct run *run)
{
    return worst_within(run, SECONDS);
}

/* What the guard adds to a second. */
static int64_t guard_us(const struct rate_limit_options *o)
{
    return (int64_t)(1e6 / (1 - o->guard_percent / 100)) - SECONDS;
}

static double average_from(const struct run *run, int64_t from_us)
{
    size_t before = 0;
    int64_t end_us = run->c->length_us;

    while (before < run->count && run->wired[before] < START_US + from_us)
        before++;
    return (double)(run->count - before) * 1e6 / (double)(end_us - from_us);
}

static struct caller steady(double per_second, double guard_percent, int64_t length_us)
{
    return (struct caller){
        .options = {per_second, guard_percent, TICK_US, SECONDS},
        .late_us = 1000,
        .wire_us = 300,
        .length_us = length_us,
        .seed = 1,
    };
}

/* ---- How much, how exact. */

/* Enough, and never too much, at each rate: a minute, after the ramp. */
static void test_each_rate_is_held_and_reached(void **state)
{
    static const struct {
        double rate, guard;
        size_t limit;   /* in any window: a second, and what the guard adds */
        double average; /* at least */
    } rows[] = {
        {1000, 1, 1000, 985},   {1000, 0, 1000, 998},    {80, 1, 80, 78.5},
        {80, 0, 80, 79.5},      {20, 1, 20, 19.5},       {10, 1, 10, 9.7},
        {2, 1, 2, 1.9},         {2, 0, 2, 1.9},          {1, 1, 1, 0.97},
        {1, 0, 1, 0.97},        {1.5, 0, 2, 1.4},        {1.5, 50, 2, 0.73},
        {33.4, 1, 34, 32.7},    {99, 1, 99, 97.5},       {256, 1, 256, 251},
        {333.3, 0, 333, 331.5}, {1000, 50, 1000, 498.5}, {2500, 1, 2500, 2465},
        {640, 0.2, 640, 636},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct caller c = steady(rows[i].rate, rows[i].guard, 61 * SECONDS);
        struct run run = run_of(&c);

        size_t worst = worst_within(&run, SECONDS + guard_us(&c.options));

        if (worst > rows[i].limit || average_from(&run, SECONDS) < rows[i].average)
            print_error("%g/s, guard %g: worst window %zu, average %g\n", rows[i].rate,
                        rows[i].guard, worst, average_from(&run, SECONDS));
        assert_true(worst <= rows[i].limit);
        assert_true(worst_second(&run) <= (size_t)(rows[i].rate + 0.999));
        assert_true(average_from(&run, SECONDS) >= rows[i].average);
        end_run(&run);
    }
}

static void test_a_million_a_second(void **state)
{
    struct caller c = steady(1000000, 1, 3 * SECONDS);
    struct run run;

    (void)state;
    c.wire_us = 0; /* so that the caller's list stays short */
    run = run_of(&c);
    assert_true(worst_second(&run) <= 1000000);
    assert_true(average_from(&run, SECONDS) >= 985000);
    end_run(&run);
}

/* Answers wake the loop at any moment: that must not undo the ticks. */
static void test_events_do_not_split_the_ticks(void **state)
{
    struct caller c = steady(1000, 1, 61 * SECONDS);
    struct run run;

    (void)state;
    c.event_us = 500;
    run = run_of(&c);
    assert_true(worst_second(&run) <= 1000);
    assert_true(average_from(&run, SECONDS) >= 985);
    assert_true(run.wakes < 61 * 130);
    end_run(&run);
}

/* A caller that comes by in ticks of its own, late and early, loses a little and never gains. */
static void test_ticks_of_the_callers_own(void **state)
{
    static const int64_t jitter_us[] = {0, 500, 2000, 5000, 8000};

    (void)state;
    for (size_t i = 0; i < sizeof(jitter_us) / sizeof(jitter_us[0]); i++) {
        struct caller c = steady(1000, 1, 61 * SECONDS);
        struct run run;

        c.ticks_alone = true;
        c.late_us = jitter_us[i];
        run = run_of(&c);
        assert_true(worst_second(&run) <= 1000);
        assert_true(average_from(&run, SECONDS) >= 978);
        end_run(&run);
    }
}

/* Whatever happens on the way: the bound at the wire holds, and most of the rate is reached. */
static void test_trouble_never_breaks_the_window(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct caller c = steady(seed % 2 ? 1000 : 80, seed % 3 ? 1 : 0, 20 * SECONDS);
        struct run run;

        c.seed = seed;
        c.late_us = (int64_t)(seed % 5) * 2000;
        c.event_us = seed % 4 ? 0 : 700;
        c.slow_in = (unsigned)(seed % 7) * 3;
        c.return_in = (unsigned)(seed % 6) * 5;
        c.stall_in = (unsigned)(seed % 4) * 150;
        c.options.ramp_us = seed % 2 ? 0 : SECONDS;
        run = run_of(&c);
        assert_true(worst_second(&run) <= (size_t)c.options.per_second);
        assert_true(average_from(&run, SECONDS) > c.options.per_second / 2);
        end_run(&run);
    }
}

/* What comes late, and what comes after it, by up to the guard: a second of the receiver. */
static void jitter(struct run *run, int64_t most_us)
{
    int64_t before_us = 0, held_until_us = 0;

    for (size_t i = 0; i < run->count; i++) {
        int64_t at_us = run->wired[i];

        if (one_in(run, 300))
            held_until_us = at_us + chance(run, most_us);
        if (at_us < held_until_us)
            at_us = held_until_us;
        before_us = run->wired[i] = at_us > before_us ? at_us : before_us;
    }
}

/* Stalls of our own make bursts, and these meet stalls on the way: the worst for a receiver. */
static void test_the_guard_covers_what_is_late_on_its_way(void **state)
{
    static const double guards[] = {1, 2, 5};

    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct caller c = steady(1000, guards[seed % 3], 20 * SECONDS);
        struct run run;

        c.seed = seed;
        c.stall_in = 20;
        run = run_of(&c);
        jitter(&run, guard_us(&c.options));
        assert_true(worst_within(&run, SECONDS - 1) <= 1000);
        end_run(&run);
    }
}

/* A fraction of a message a tick adds up, hours long. */
static void test_no_drift_over_hours(void **state)
{
    struct caller c = steady(7.3, 0, 4 * 3600 * SECONDS);
    struct run run;

    (void)state;
    c.late_us = 5000;
    run = run_of(&c);
    assert_true(average_from(&run, SECONDS) > 7.299);
    assert_true(average_from(&run, SECONDS) < 7.301);
    end_run(&run);
}

/* After an idle minute: two and a half ticks at once, not a minute's worth. */
static void test_idle_time_is_not_saved_up(void **state)
{
    struct rate_limit_options options = {1000, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);

    (void)state;
    assert_int_equal(rate_limit_available(r, START_US + 60 * SECONDS), 25);
    rate_limit_free(r);
    options.per_second = 1;
    r = rate_limit_new(&options, START_US);
    assert_int_equal(rate_limit_available(r, START_US + 60 * SECONDS), 1);
    rate_limit_free(r);
}

/* cmocka's own takes floats, which are too coarse. */
static void assert_near(double value, double expected, double off)
{
    if (value < expected - off || value > expected + off)
        print_error("%g is not %g\n", value, expected);
    assert_true(value >= expected - off && value <= expected + off);
}

/* ---- The ramp. */

static void test_ramp_climbs_from_a_tenth(void **state)
{
    struct rate_limit_options options = {1000, 0, TICK_US, 2 * SECONDS};
    struct rate_limit *r = rate_limit_new(&options, START_US);
    int64_t begin_us = START_US + 7 * SECONDS;

    (void)state;
    assert_near(rate_limit_allowed(r, begin_us), 100, 0.01);
    (void)rate_limit_available(r, begin_us); /* there is one: take asserts it */
    rate_limit_take(r, begin_us);
    assert_near(rate_limit_allowed(r, begin_us), 100, 0.01);
    assert_near(rate_limit_allowed(r, begin_us + SECONDS), 550, 0.01);
    assert_near(rate_limit_allowed(r, begin_us + 2 * SECONDS), 1000, 0.01);
    rate_limit_free(r);
}

static void test_ramp_bounds_the_first_second(void **state)
{
    struct caller c = steady(1000, 0, SECONDS);
    struct run run = run_of(&c);

    (void)state;
    assert_in_range(run.count, 500, 600);
    end_run(&run);
}

static void test_no_ramp_is_full_at_once(void **state)
{
    struct caller c = steady(1000, 0, SECONDS);
    struct run run;

    (void)state;
    c.options.ramp_us = 0;
    run = run_of(&c);
    assert_in_range(run.count, 980, 1000);
    end_run(&run);
}

/* ---- Throttles. */

static double allowed_after(struct rate_limit *r, double seconds)
{
    return rate_limit_allowed(r, START_US + (int64_t)(seconds * 1e6));
}

static void throttle_at(struct rate_limit *r, double seconds)
{
    rate_limit_throttled(r, START_US + (int64_t)(seconds * 1e6));
}

static void test_a_second_with_throttles_cuts_once(void **state)
{
    struct rate_limit_options options = {1000, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);

    (void)state;
    throttle_at(r, 1.0);
    assert_near(allowed_after(r, 1.0), 700, 0.01);
    throttle_at(r, 1.2);
    throttle_at(r, 1.9);
    assert_near(allowed_after(r, 1.9), 700, 0.01);
    throttle_at(r, 2.0); /* the next second: 70 % of what it had climbed to, 703 */
    assert_near(allowed_after(r, 2.0), 492.1, 0.01);
    rate_limit_free(r);
}

static void test_back_to_full_in_ten_seconds_without_one(void **state)
{
    struct rate_limit_options options = {1000, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);

    (void)state;
    throttle_at(r, 0);
    throttle_at(r, 0.5);
    assert_near(allowed_after(r, 5.5), 850, 0.01);
    assert_near(allowed_after(r, 10.4), 997, 0.01);
    assert_near(allowed_after(r, 10.5), 1000, 0.01);
    throttle_at(r, 20);
    assert_near(allowed_after(r, 20), 700, 0.01);
    rate_limit_free(r);
}

static void test_cuts_end_at_one_a_second(void **state)
{
    struct rate_limit_options options = {1000, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);

    (void)state;
    for (int i = 0; i <= 30000; i++) /* so close that it cannot climb between */
        throttle_at(r, i / 1000.0);
    assert_near(allowed_after(r, 30), 1, 0.01);
    rate_limit_free(r);
}

static void test_a_cut_slows_what_is_granted(void **state)
{
    struct caller c = steady(1000, 0, 5 * SECONDS);
    struct run run = {.c = &c, .seed = 1, .now_us = START_US};
    struct rate_limit_options options = {1000, 0, TICK_US, 0};
    unsigned sent = 0;

    (void)state;
    run.r = rate_limit_new(&options, START_US);
    while (run.now_us < START_US + SECONDS) {
        rate_limit_throttled(run.r, run.now_us); /* again and again: no climbing */
        for (unsigned n = rate_limit_available(run.r, run.now_us); n > 0; n--, sent++) {
            rate_limit_take(run.r, run.now_us);
            rate_limit_wired(run.r, run.now_us);
        }
        run.now_us += TICK_US;
    }
    assert_in_range(sent, 680, 701);
    rate_limit_free(run.r);
}

/* ---- Unlimited. */

static void send_some(struct rate_limit *r, unsigned count, int64_t at_us)
{
    for (unsigned i = 0; i < count; i++) {
        assert_true(rate_limit_available(r, at_us) > 0);
        rate_limit_take(r, at_us);
        rate_limit_wired(r, at_us);
    }
}

static void test_unlimited_has_no_bounds(void **state)
{
    struct rate_limit_options options = {RATE_UNLIMITED, 1, TICK_US, SECONDS};
    struct rate_limit *r = rate_limit_new(&options, START_US);

    (void)state;
    send_some(r, 100000, START_US);
    assert_int_equal(rate_limit_available(r, START_US), UINT_MAX);
    assert_int_equal(rate_limit_next_us(r, START_US), START_US);
    assert_near(rate_limit_allowed(r, START_US), 0, 0);
    assert_int_equal(rate_limit_actual(r, START_US + SECONDS / 2), 100000);
    assert_int_equal(rate_limit_actual(r, START_US + 2 * SECONDS), 0);
    rate_limit_free(r);
}

static void test_a_throttle_bounds_unlimited_for_a_while(void **state)
{
    struct rate_limit_options options = {RATE_UNLIMITED, 1, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);

    (void)state;
    send_some(r, 2000, START_US);
    throttle_at(r, 0.9);
    assert_near(allowed_after(r, 0.9), 1400, 0.01);
    assert_in_range(rate_limit_available(r, START_US + 940000), 40, 50);
    throttle_at(r, 1.9);
    assert_near(allowed_after(r, 1.9), 1400 * 0.7 + 42, 1);
    assert_true(allowed_after(r, 11.8) > 1980);
    assert_near(allowed_after(r, 11.9), 0, 0);
    assert_int_equal(rate_limit_available(r, START_US + 12 * SECONDS), UINT_MAX);
    rate_limit_free(r);
}

/* Nothing reached the wire in the last second, and still a throttle: one a second at least. */
static void test_a_late_throttle_does_not_stop_unlimited(void **state)
{
    struct rate_limit_options options = {RATE_UNLIMITED, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);
    int64_t next_us;

    (void)state;
    throttle_at(r, 0);
    assert_near(allowed_after(r, 0), 1, 0.01);
    (void)rate_limit_available(r, START_US); /* there is one: take asserts it */
    rate_limit_take(r, START_US);
    next_us = rate_limit_next_us(r, START_US);
    assert_in_range(next_us, START_US + SECONDS - TICK_US, START_US + SECONDS + TICK_US);
    assert_int_equal(rate_limit_available(r, next_us), 1);
    rate_limit_free(r);
}

/* ---- Grants on their way. */

static void test_grants_on_their_way_fill_the_window(void **state)
{
    struct rate_limit_options options = {10, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);
    int64_t now_us = START_US;

    (void)state;
    for (int i = 0; i < 10; i++) {
        now_us = rate_limit_next_us(r, now_us);
        assert_true(rate_limit_available(r, now_us) > 0);
        rate_limit_take(r, now_us);
    }
    now_us += 3600 * SECONDS;
    assert_int_equal(rate_limit_available(r, now_us), 0);
    assert_true(rate_limit_next_us(r, now_us) == INT64_MAX);
    rate_limit_returned(r, now_us);
    assert_int_equal(rate_limit_available(r, now_us), 1);
    assert_int_equal(rate_limit_next_us(r, now_us), now_us);
    rate_limit_take(r, now_us);
    rate_limit_wired(r, now_us);
    assert_int_equal(rate_limit_available(r, now_us + SECONDS), 0);
    assert_in_range(rate_limit_next_us(r, now_us), now_us + SECONDS, now_us + SECONDS + 1000);
    assert_int_equal(rate_limit_available(r, rate_limit_next_us(r, now_us)), 1);
    rate_limit_free(r);
}

static void test_wired_late_counts_from_then(void **state)
{
    struct rate_limit_options options = {1, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);
    int64_t wired_us = START_US + 9 * SECONDS;

    (void)state;
    assert_int_equal(rate_limit_available(r, START_US), 1);
    rate_limit_take(r, START_US);
    rate_limit_wired(r, wired_us);
    assert_int_equal(rate_limit_available(r, wired_us + SECONDS), 0);
    assert_int_equal(rate_limit_available(r, wired_us + SECONDS + 1000), 1);
    rate_limit_free(r);
}

/* ---- A reload. */

static void test_a_reload_keeps_the_window(void **state)
{
    struct rate_limit_options options = {1000, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);
    int64_t now_us = START_US;

    (void)state;
    for (; now_us < START_US + SECONDS / 2; now_us += TICK_US)
        send_some(r, rate_limit_available(r, now_us), now_us);
    options.per_second = 100;
    rate_limit_configure(r, &options, now_us);
    assert_int_equal(rate_limit_available(r, now_us + TICK_US), 0);
    assert_in_range(rate_limit_next_us(r, now_us), START_US + 13 * SECONDS / 10,
                    START_US + 16 * SECONDS / 10);
    assert_near(rate_limit_allowed(r, now_us), 100, 0.01);
    options.per_second = RATE_UNLIMITED;
    rate_limit_configure(r, &options, now_us);
    assert_int_equal(rate_limit_available(r, now_us), UINT_MAX);
    options.per_second = 1000;
    rate_limit_configure(r, &options, now_us);
    assert_in_range(rate_limit_available(r, now_us + TICK_US * 2), 1, 25);
    rate_limit_free(r);
}

/* A clock that is set back, though it should not be: no grants from it, no harm. */
static void test_time_running_backward_stands_still(void **state)
{
    struct rate_limit_options options = {1000, 0, TICK_US, 0};
    struct rate_limit *r = rate_limit_new(&options, START_US);

    (void)state;
    send_some(r, rate_limit_available(r, START_US + TICK_US * 2), START_US + TICK_US * 2);
    assert_int_equal(rate_limit_available(r, START_US), 0);
    assert_true(rate_limit_next_us(r, START_US) > START_US);
    rate_limit_free(r);
    rate_limit_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rate_is_held_and_reached),
        cmocka_unit_test(test_a_million_a_second),
        cmocka_unit_test(test_events_do_not_split_the_ticks),
        cmocka_unit_test(test_ticks_of_the_callers_own),
        cmocka_unit_test(test_trouble_never_breaks_the_window),
        cmocka_unit_test(test_the_guard_covers_what_is_late_on_its_way),
        cmocka_unit_test(test_no_drift_over_hours),
        cmocka_unit_test(test_idle_time_is_not_saved_up),
        cmocka_unit_test(test_ramp_climbs_from_a_tenth),
        cmocka_unit_test(test_ramp_bounds_the_first_second),
        cmocka_unit_test(test_no_ramp_is_full_at_once),
        cmocka_unit_test(test_a_second_with_throttles_cuts_once),
        cmocka_unit_test(test_back_to_full_in_ten_seconds_without_one),
        cmocka_unit_test(test_cuts_end_at_one_a_second),
        cmocka_unit_test(test_a_cut_slows_what_is_granted),
        cmocka_unit_test(test_unlimited_has_no_bounds),
        cmocka_unit_test(test_a_throttle_bounds_unlimited_for_a_while),
        cmocka_unit_test(test_a_late_throttle_does_not_stop_unlimited),
        cmocka_unit_test(test_grants_on_their_way_fill_the_window),
        cmocka_unit_test(test_wired_late_counts_from_then),
        cmocka_unit_test(test_a_reload_keeps_the_window),
        cmocka_unit_test(test_time_running_backward_stands_still),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
