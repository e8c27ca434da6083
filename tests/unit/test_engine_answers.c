/* SPDX-License-Identifier: MIT
 *
 * What the engine makes of each kind of answer: what becomes of the message, what stops, and when
 * it is tried again.
 */
#include "test_engine_world.h"

/* ---- One answer of each kind. */

struct answered {
    int code;
    enum halt_kind halt; /* HALT_NONE: nothing stops */
    bool fails;          /* at once; else it waits */
};

/* One or two codes of each of error_policy.h's actions but those with tests of their own. */
static const struct answered answers[] = {
    {131026, HALT_NONE, true},      /* the recipient cannot get it */
    {132000, HALT_NONE, true},      /* does not fit the template */
    {131050, HALT_NONE, true},      /* stopped marketing messages */
    {130403, HALT_NONE, true},      /* blocked us */
    {131049, HALT_NONE, true},      /* has had enough of them */
    {131016, HALT_NONE, false},     /* Graph is busy */
    {130429, HALT_NONE, false},     /* the number's rate */
    {131056, HALT_NONE, false},     /* the recipient's */
    {190, HALT_TOKEN, false},       /* expired */
    {131031, HALT_ACCOUNT, false},  /* locked */
    {133010, HALT_SENDER, false},   /* not registered */
    {133005, HALT_SENDER, false},   /* an error of another call: never each message's fault */
    {131044, HALT_SENDER, false},   /* the same */
    {131057, HALT_SENDER, false},   /* maintenance */
    {132001, HALT_TEMPLATE, false}, /* does not exist */
    {134101, HALT_TEMPLATE, false}, /* is being synced */
};

static void check_answer(const struct answered *a)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    turn(w);
    assert_int_equal(w->request_count, 1);
    answer_error(w, 400, a->code, 0);
    turn(w);
    if (w->raised != a->halt || w->settled[STATE_FAILED] != a->fails)
        fail_msg("code %d: halt %d, failed %u", a->code, (int)w->raised, w->settled[STATE_FAILED]);
    if (a->fails) {
        assert_int_equal(w->last.reason, REASON_REFUSED);
        assert_int_equal(w->last.code, a->code);
    }
    assert_int_equal(w->request_count, 0);
    close_world(w);
}

static void test_each_kind_of_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
        check_answer(&answers[i]);
}

/* ---- When it is tried again. */

/* Nothing until `after_ms` are over, and then a request. */
static void check_next(struct world *w, int64_t after_ms)
{
    w->now_us += (after_ms - 1) * 1000;
    turn(w);
    assert_int_equal(w->request_count, 0);
    w->now_us += 2000;
    for (int i = 0; i < 3000 && !w->request_count; i++) { /* a throttled sender has a pace now */
        turn(w);
        w->now_us += 10000;
    }
    assert_int_equal(w->request_count, 1);
}

static void refuse_busy(struct world *w)
{
    answer_error(w, 500, 131016, 0);
}

static void throttle(struct world *w)
{
    answer_error(w, 400, 130429, 0);
}

/* The jitter has its greatest value each time. */
static void check_growth(void (*refuse)(struct world *w))
{
    struct engine_options options = usual();
    struct world *w;

    options.retry.max_attempts = 9;
    w = open_world(1, &options);
    turn(w);
    for (int64_t bound = options.retry.base_ms; bound < 4 * options.retry.max_ms; bound *= 2) {
        int64_t wait = bound < options.retry.max_ms ? bound : options.retry.max_ms;

        w->random = (uint64_t)wait;
        refuse(w);
        turn(w);
        check_next(w, wait);
    }
    close_world(w);
}

static void test_each_wait_is_twice_the_one_before(void **state)
{
    (void)state;
    check_growth(refuse_busy);
    check_growth(throttle);
    check_growth(miss);
}

static void refuse_without_a_word(struct world *w)
{
    struct exchange x = {.wired = true, .complete = true, .http_status = 429};

    answer(w, &x, "");
}

static void check_retry_after(void (*refuse)(struct world *w))
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    turn(w);
    w->retry_after_ms = 3000;
    refuse(w);
    turn(w);
    check_next(w, 3000);
    close_world(w);
}

static void test_what_graph_wishes_is_kept(void **state)
{
    (void)state;
    check_retry_after(refuse_busy);
    check_retry_after(throttle);
    check_retry_after(refuse_without_a_word);
}

static void test_a_template_that_is_synced_waits_for_ten_minutes(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.max_in_flight = 1;
    w = open_world(2, &options);
    w->template_of_odd = "another";
    turn(w);
    answer_error(w, 400, 134101, 0);
    turn(w);
    assert_int_equal(w->raised, HALT_TEMPLATE);
    assert_false(engine_is_stuck(w->engine));
    assert_int_equal(w->request_count, 1); /* the other's */
    accept(w);
    turn(w);
    check_next(w, 600000);
    close_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_answer),
        cmocka_unit_test(test_each_wait_is_twice_the_one_before),
        cmocka_unit_test(test_what_graph_wishes_is_kept),
        cmocka_unit_test(test_a_template_that_is_synced_waits_for_ten_minutes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
