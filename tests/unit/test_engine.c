/* SPDX-License-Identifier: MIT
 *
 * test_engine.c: the engine one case at a time, the halts above all.
 */
#include "test_engine_world.h"

#include "core/mismatch.h"

/* ---- Tests. */

static void test_nothing_starts_before_its_intent_is_on_disk(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(3, &options);

    (void)state;
    engine_turn(w->engine, now(w));
    assert_int_equal(w->request_count, 0);
    engine_turn(w->engine, now(w));
    assert_int_equal(w->request_count, 0);
    commit(w);
    engine_turn(w->engine, now(w));
    assert_int_equal(w->request_count, 3);
    close_world(w);
}

static void test_nobody_hears_before_the_outcome_is_on_disk(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    turn(w);
    accept(w);
    assert_int_equal(w->settled[STATE_ACCEPTED], 0);
    commit(w);
    assert_int_equal(w->settled[STATE_ACCEPTED], 1);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_known_ids_are_dropped(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(5000, &options);

    (void)state;
    w->admission = ADMISSION_KNOWN;
    for (int i = 0; i < 200 && !engine_is_finished(w->engine); i++)
        turn(w);
    assert_int_equal(w->known, 5000);
    assert_int_equal(w->request_count, 0);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_a_refused_token_stops_everything(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(40, &options);

    (void)state;
    turn(w);
    assert_int_equal(w->request_count, 8);
    answer_error(w, 401, 190, 463);
    while (w->request_count)
        accept(w);
    turn(w);
    turn(w);
    assert_int_equal(w->raised, HALT_TOKEN);
    assert_int_equal(w->request_count, 0);
    assert_int_equal(w->settled[STATE_FAILED], 0);
    assert_true(engine_is_stuck(w->engine));
    assert_int_equal(engine_counts(w->engine).busy, 0);
    close_world(w);
}

static void test_a_missing_template_stops_only_its_messages(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(40, &options);

    (void)state;
    w->template_of_odd = "another";
    turn(w);
    for (int i = 0; i < 100 && !engine_is_stuck(w->engine); i++) {
        while (w->request_count) {
            const struct delivery *d = w->requests[w->request_count - 1]->owner;

            if (strcmp(d->message->template_name, "another") == 0)
                answer_error(w, 404, 132001, 0);
            else
                accept(w);
        }
        w->now_us += 1000000;
        turn(w);
    }
    assert_int_equal(w->raised, HALT_TEMPLATE);
    assert_int_equal(w->settled[STATE_ACCEPTED], 20);
    assert_int_equal(w->settled[STATE_FAILED], 0);
    assert_true(engine_counts(w->engine).parked > 0);
    assert_true(engine_is_stuck(w->engine));
    close_world(w);
}

/* A row that does not fit its template fails alone; ten in a row are the template. */
static void test_many_mismatches_in_a_row_stop_the_template(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(60, &options);
    unsigned answered = 0;

    (void)state;
    for (int i = 0; i < 100 && !engine_is_stuck(w->engine); i++) {
        turn(w);
        while (w->request_count) {
            if (answered++ == MISMATCH_IN_ROW - 1)
                accept(w);
            else
                answer_error(w, 400, 132000, 0);
        }
        commit(w);
    }
    assert_int_equal(w->raised, HALT_TEMPLATE);
    assert_int_equal(engine_halts(w->engine)->items[0].code, 132000);
    assert_int_equal(w->settled[STATE_ACCEPTED], 1);
    assert_in_range(w->settled[STATE_FAILED], 2 * MISMATCH_IN_ROW - 1,
                    2 * MISMATCH_IN_ROW + options.max_in_flight);
    assert_true(engine_counts(w->engine).parked > 0);
    close_world(w);
}

static void test_mismatches_are_counted_by_template(void **state)
{
    struct mismatches m = {0};

    (void)state;
    for (uint64_t subject = 1; subject <= MISMATCH_TEMPLATES_MAX; subject++) {
        for (int i = 1; i < MISMATCH_IN_ROW; i++)
            assert_false(mismatch_refused(&m, subject));
    }
    mismatch_accepted(&m, 2);
    mismatch_accepted(&m, 99); /* never refused */
    assert_false(mismatch_refused(&m, 2));
    assert_true(mismatch_refused(&m, 1));
    assert_false(mismatch_refused(&m, 1)); /* anew */
    assert_false(mismatch_refused(&m, 99));
    assert_true(mismatch_refused(&m, 3));
}

static void test_maintenance_holds_the_sender_for_a_minute(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    turn(w);
    answer_error(w, 500, 131057, 0);
    turn(w);
    assert_int_equal(w->raised, HALT_SENDER);
    assert_false(engine_is_stuck(w->engine));
    w->now_us += 59000000;
    turn(w);
    assert_int_equal(w->request_count, 0);
    w->now_us += 2000000;
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 1);
    close_world(w);
}

static void test_attempts_are_used_up_by_refusals_only(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    for (int i = 0; i < 5; i++) {
        turn(w);
        assert_int_equal(w->request_count, 1);
        miss(w);
        w->now_us += 20000000;
    }
    for (int i = 0; i < 3; i++) {
        turn(w);
        answer_error(w, 500, 131016, 0);
        w->now_us += 20000000;
    }
    turn(w);
    assert_int_equal(w->settled[STATE_FAILED], 1);
    assert_int_equal(w->last.reason, REASON_ATTEMPTS_USED);
    assert_int_equal(w->last.code, 131016);
    close_world(w);
}

static void test_an_unanswered_request_is_unknown_and_stays_so(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    turn(w);
    stay_silent(w);
    turn(w);
    assert_int_equal(w->settled[STATE_UNKNOWN], 1);
    w->now_us += 1000000000;
    turn(w);
    assert_int_equal(w->request_count, 0);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_resend_sends_an_unknown_one_again(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.resend_unknown = true;
    w = open_world(1, &options);
    turn(w);
    stay_silent(w);
    turn(w);
    assert_true(w->last.state == STATE_UNKNOWN && w->last.next_ms > 0);
    w->now_us += 2000000;
    turn(w);
    assert_int_equal(w->request_count, 1);
    close_world(w);
}

static void test_ten_misses_in_a_row_leave_one_probe(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.max_in_flight = 16;
    w = open_world(100, &options);
    turn(w);
    while (w->request_count)
        miss(w);
    assert_int_equal(w->raised, HALT_NETWORK);
    assert_true(engine_unreachable_since_us(w->engine) > 0);
    turn(w);
    assert_int_equal(w->request_count, 0);
    w->now_us += 30000000;
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 1);
    accept(w);
    assert_int_equal(w->clears, 1);
    assert_int_equal(engine_unreachable_since_us(w->engine), 0);
    turn(w);
    turn(w);
    assert_true(w->request_count > 1);
    close_world(w);
}

static void test_a_brown_out_sends_one_at_a_time(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.max_in_flight = 30;
    w = open_world(100, &options);
    turn(w);
    assert_int_equal(w->request_count, 30);
    while (w->request_count)
        stay_silent(w);
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 1);
    turn(w);
    assert_int_equal(w->request_count, 1);
    accept(w);
    turn(w);
    turn(w);
    assert_true(w->request_count > 1);
    close_world(w);
}

static void test_a_drain_takes_back_what_has_not_started(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(40, &options);

    (void)state;
    turn(w);
    assert_true(engine_counts(w->engine).busy > 8);
    engine_drain(w->engine, now(w));
    while (w->request_count)
        accept(w);
    assert_false(engine_is_finished(w->engine));
    commit(w);
    assert_true(engine_is_finished(w->engine));
    assert_int_equal(w->settled[STATE_ACCEPTED], 8);
    assert_int_equal(w->settled[STATE_UNKNOWN], 0);
    close_world(w);
}

static void test_the_operator_holds_and_releases(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(20, &options);

    (void)state;
    turn(w);
    engine_hold(w->engine, HALT_OPERATOR, "paused", now(w));
    while (w->request_count)
        accept(w);
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 0);
    engine_release(w->engine, now(w));
    turn(w);
    turn(w);
    assert_true(w->request_count > 0);
    close_world(w);
}

static void test_what_is_expired_is_skipped(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);
    struct engine_waiting waiting = {.number = 7, .attempt = 2, .tries = 1};
    struct message values = {.id = "x",
                             .to = "+919800000001",
                             .template_name = "t",
                             .lang = "en",
                             .content = "",
                             .sender = "1",
                             .expires_at_ms = 1000001};

    (void)state;
    waiting.message = message_restore(&values);
    engine_resume(w->engine, &waiting, now(w));
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 0);
    assert_int_equal(w->settled[STATE_SKIPPED], 1);
    assert_int_equal(w->last.reason, REASON_EXPIRED);
    close_world(w);
}

static void check_quiet(int64_t since_ms, int64_t quiet_us)
{
    struct engine_options options = usual();
    struct world *w;

    options.last_attempt_ms = 1010000 - since_ms;
    w = open_world(1, &options);
    w->now_us += quiet_us - 1000;
    turn(w);
    assert_int_equal(w->request_count, 0);
    w->now_us += 1000;
    turn(w);
    assert_int_equal(w->request_count, 1);
    close_world(w);
}

/* The ledger's clock was read a moment before, or was ahead, by however much. */
static void test_a_former_runs_second_is_waited_out(void **state)
{
    (void)state;
    check_quiet(300, 702000);
    check_quiet(0, 1002000);
    check_quiet(-1, 1002000);
    check_quiet(-86400000, 1002000);
}

static void test_forbidden_moves(void **state)
{
    (void)state;
    assert_false(stage_may_move(STAGE_OFFERED, STAGE_STARTED));
    assert_false(stage_may_move(STAGE_WIRED, STAGE_READY));
    assert_false(stage_may_move(STAGE_SETTLING, STAGE_STARTED));
    assert_false(stage_may_move(STAGE_READY, STAGE_GONE));
    assert_false(stage_may_move(STAGE_WIRED, STAGE_GONE));
    for (int to = 0; to < STAGE_COUNT; to++)
        assert_false(stage_may_move(STAGE_GONE, (enum stage)to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_starts_before_its_intent_is_on_disk),
        cmocka_unit_test(test_nobody_hears_before_the_outcome_is_on_disk),
        cmocka_unit_test(test_known_ids_are_dropped),
        cmocka_unit_test(test_a_refused_token_stops_everything),
        cmocka_unit_test(test_a_missing_template_stops_only_its_messages),
        cmocka_unit_test(test_many_mismatches_in_a_row_stop_the_template),
        cmocka_unit_test(test_mismatches_are_counted_by_template),
        cmocka_unit_test(test_maintenance_holds_the_sender_for_a_minute),
        cmocka_unit_test(test_attempts_are_used_up_by_refusals_only),
        cmocka_unit_test(test_an_unanswered_request_is_unknown_and_stays_so),
        cmocka_unit_test(test_resend_sends_an_unknown_one_again),
        cmocka_unit_test(test_ten_misses_in_a_row_leave_one_probe),
        cmocka_unit_test(test_a_brown_out_sends_one_at_a_time),
        cmocka_unit_test(test_a_drain_takes_back_what_has_not_started),
        cmocka_unit_test(test_the_operator_holds_and_releases),
        cmocka_unit_test(test_what_is_expired_is_skipped),
        cmocka_unit_test(test_a_former_runs_second_is_waited_out),
        cmocka_unit_test(test_forbidden_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
