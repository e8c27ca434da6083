/* SPDX-License-Identifier: MIT
 *
 * test_engine_custody.c: messages in the ledger's custody, broadcasts that are stopped, messages
 * that are settled by somebody else meanwhile, and those that another worker had.
 */
#include "test_engine_world.h"

static void resume_after(struct world *w, uint64_t number, const char *broadcast, unsigned attempt)
{
    char id[24], to[24];
    struct engine_waiting waiting = {.number = number, .attempt = attempt, .tries = 1};

    (void)snprintf(id, sizeof(id), "r%llu", (unsigned long long)number);
    (void)snprintf(to, sizeof(to), "+9197%08llu", (unsigned long long)number);
    waiting.message = message_restore(&(struct message){.id = id,
                                                        .to = to,
                                                        .template_name = "results_update",
                                                        .lang = "en_US",
                                                        .content = "",
                                                        .broadcast = broadcast,
                                                        .expires_at_ms = w->expires_at_ms,
                                                        .sender = "100"});
    engine_resume(w->engine, &waiting, now(w));
}

static void resume(struct world *w, uint64_t number, const char *broadcast)
{
    resume_after(w, number, broadcast, 1);
}

/* Every request is refused for a time; the messages wait. */
static void refuse_all(struct world *w)
{
    turn(w);
    while (w->request_count)
        answer_error(w, 500, 131016, 0);
    commit(w);
}

static unsigned waiting(const struct world *w)
{
    return engine_counts(w->engine).waiting;
}

/* ---- Stopped broadcasts. */

static void test_a_stopped_broadcast_is_left_to_the_ledger(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(8, &options);

    (void)state;
    w->broadcast_of_odd = "b";
    refuse_all(w);
    assert_int_equal(waiting(w), 8);
    engine_stop_broadcast(w->engine, "b", now(w));
    assert_int_equal(waiting(w), 4);
    assert_true(engine_holds(w->engine, 1));
    assert_false(engine_holds(w->engine, 2));
    w->now_us += 20000000;
    turn(w);
    assert_int_equal(w->request_count, 4);
    close_world(w);
}

static void test_new_ones_of_it_wait_on_record(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(8, &options);

    (void)state;
    w->broadcast_of_odd = "b";
    engine_stop_broadcast(w->engine, "b", now(w));
    turn(w);
    assert_int_equal(w->request_count, 4);
    assert_int_equal(w->settled[STATE_WAITING], 4);
    while (w->request_count)
        accept(w);
    commit(w);
    turn(w);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_what_was_ready_is_taken_back(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(6, &options);

    (void)state;
    w->broadcast_of_odd = "b";
    w->has_room = false;
    turn(w);
    engine_stop_broadcast(w->engine, "b", now(w));
    commit(w);
    assert_int_equal(w->settled[STATE_WAITING], 3);
    assert_int_equal(w->last.reason, REASON_WITHDRAWN);
    w->has_room = true;
    turn(w);
    assert_int_equal(w->request_count, 3);
    close_world(w);
}

static void test_it_goes_on_from_the_ledger(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);

    (void)state;
    engine_stop_broadcast(w->engine, "b", now(w));
    engine_go_broadcast(w->engine, "b");
    resume(w, 7, "b");
    resume(w, 7, "b"); /* a page that was read before: there is never a second one */
    assert_int_equal(waiting(w), 1);
    turn(w);
    assert_int_equal(w->request_count, 1);
    accept(w);
    commit(w);
    assert_int_equal(w->settled[STATE_ACCEPTED], 1);
    close_world(w);
}

static void test_all_are_stopped(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(4, &options);

    (void)state;
    w->broadcast_of_odd = "b";
    refuse_all(w);
    engine_stop_broadcast(w->engine, NULL, now(w));
    assert_int_equal(waiting(w), 0);
    engine_go_broadcast(w->engine, NULL);
    resume(w, 7, "");
    turn(w);
    assert_int_equal(w->request_count, 1);
    close_world(w);
}

static void test_a_refusal_after_the_stop_waits_in_the_ledger_alone(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(2, &options);

    (void)state;
    w->broadcast_of_odd = "b";
    turn(w);
    engine_stop_broadcast(w->engine, "b", now(w));
    while (w->request_count)
        answer_error(w, 500, 131016, 0);
    commit(w);
    assert_int_equal(w->settled[STATE_WAITING], 2);
    assert_int_equal(waiting(w), 1);
    close_world(w);
}

/* ---- Settled by somebody else. */

static void test_a_forgotten_one_is_not_sent(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(2, &options);

    (void)state;
    refuse_all(w);
    engine_forget(w->engine, 1, now(w));
    engine_forget(w->engine, 99, now(w)); /* nobody */
    assert_false(engine_holds(w->engine, 1));
    assert_true(engine_holds(w->engine, 2));
    w->now_us += 20000000;
    turn(w);
    assert_int_equal(w->request_count, 1);
    close_world(w);
}

static void test_a_parked_one_is_forgotten(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    turn(w);
    answer_error(w, 404, 132001, 0);
    commit(w);
    w->now_us += 20000000;
    turn(w);
    assert_int_equal(engine_counts(w->engine).parked, 1);
    engine_forget(w->engine, 1, now(w));
    assert_int_equal(engine_counts(w->engine).parked, 0);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_an_overtaken_intent_sends_nothing(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);

    (void)state;
    w->overtaken = 7;
    resume(w, 7, "");
    resume(w, 8, "");
    turn(w);
    assert_int_equal(w->request_count, 1);
    assert_false(engine_holds(w->engine, 7));
    accept(w);
    commit(w);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_an_overtaken_outcome_does_not_wait(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.resend_unknown = true;
    w = open_world(1, &options);
    w->overtaken = 1;
    turn(w);
    stay_silent(w);
    turn(w);
    assert_int_equal(waiting(w), 0);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

/* A webhook has settled it; nobody hears that it was skipped. */
static void test_one_that_expires_too_late_is_not_told(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);

    (void)state;
    w->overtaken = 7;
    w->expires_at_ms = now(w).wall_ms;
    resume(w, 7, "");
    resume(w, 8, "");
    turn(w);
    assert_int_equal(w->asked[RECORD_OUTCOME], 2);
    assert_int_equal(w->settled[STATE_SKIPPED], 1);
    assert_false(engine_holds(w->engine, 7));
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

/* ---- Another worker had it. */

static void test_what_another_worker_had_is_unknown(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);

    (void)state;
    engine_offer_taken_over(w->engine, make(w), NULL);
    turn(w);
    assert_int_equal(w->request_count, 0);
    assert_int_equal(w->settled[STATE_UNKNOWN], 1);
    assert_int_equal(w->last.reason, REASON_TAKEN_OVER);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_taken_over_and_known(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);

    (void)state;
    w->admission = ADMISSION_KNOWN;
    engine_offer_taken_over(w->engine, make(w), NULL);
    turn(w);
    assert_int_equal(w->known, 1);
    assert_int_equal(w->settled[STATE_UNKNOWN], 0);
    assert_int_equal(w->request_count, 0);
    close_world(w);
}

/* ---- Cancelled before it was admitted. */

static void test_what_was_given_up_is_skipped(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);
    int source = 0;

    (void)state;
    engine_offer_given_up(w->engine, make(w), &source);
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 0);
    assert_int_equal(w->settled[STATE_SKIPPED], 1);
    assert_int_equal(w->last.reason, REASON_CANCELLED);
    engine_hold(w->engine, HALT_OPERATOR, "held", now(w));
    engine_offer(w->engine, make(w), &source);
    turn(w);
    engine_give_up_offered(w->engine);
    engine_release(w->engine, now(w));
    turn(w);
    turn(w);
    assert_int_equal(w->request_count, 0);
    assert_int_equal(w->settled[STATE_SKIPPED], 2);
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

static void test_a_known_ones_outcome_is_told(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.tell_known = true;
    w = open_world(1, &options);
    w->admission = ADMISSION_KNOWN;
    w->found = (struct outcome){.state = STATE_ACCEPTED, .wamid = "wamid.B"};
    turn(w);
    assert_int_equal(w->known, 1);
    assert_string_equal(w->last.wamid, "wamid.B");
    close_world(w);
}

/* ---- Expired while it is admitted. */

/* It waits on disk from that commit on, and a page of what is due may bring it before its outcome
 * is on record: it is held, and there is one outcome. */
static void test_one_that_expires_while_it_is_admitted_is_held(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(1, &options);

    (void)state;
    w->expires_at_ms = now(w).wall_ms;
    engine_turn(w->engine, now(w));
    commit(w);
    assert_true(engine_holds(w->engine, 1));
    resume(w, 1, "");
    assert_int_equal(waiting(w), 0);
    turn(w);
    assert_int_equal(w->settled[STATE_SKIPPED], 1);
    assert_int_equal(w->asked[RECORD_OUTCOME], 1);
    assert_int_equal(w->request_count, 0);
    assert_false(engine_holds(w->engine, 1));
    assert_true(engine_is_finished(w->engine));
    close_world(w);
}

/* ---- Who goes first. */

/* What waits leaves half of the lane to the source, and takes all of it when that has nothing. */
static void test_custody_and_source_share(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.max_in_flight = 1000;
    w = open_world(1000, &options);
    turn(w); /* there is a lane now, and the source has offered */
    while (w->request_count)
        accept(w);
    commit(w);
    for (uint64_t number = 5000; number < 5400; number++)
        resume(w, number, "");
    memset(w->asked, 0, sizeof(w->asked));
    for (int i = 0; i < 6; i++) {
        turn(w);
        while (w->request_count)
            accept(w);
        commit(w);
        w->now_us += 10000;
    }
    assert_true(w->asked[RECORD_ADMIT] > 100);
    assert_true(w->asked[RECORD_INTENT] > 100);
    close_world(w);
}

static void test_custody_alone_takes_all(void **state)
{
    struct engine_options options = usual();
    struct world *w;

    (void)state;
    options.max_in_flight = 1000;
    w = open_world(0, &options);
    for (uint64_t number = 5000; number < 5064; number++)
        resume(w, number, "");
    engine_turn(w->engine, now(w));
    commit(w);
    assert_int_equal(w->asked[RECORD_INTENT], 64);
    close_world(w);
}

/* ---- An outage of weeks. */

/* Attempts that were surely not sent have numbers, too, and these end. */
static void test_a_message_without_a_number_for_one_more_attempt_fails(void **state)
{
    struct engine_options options = usual();
    struct world *w = open_world(0, &options);

    (void)state;
    resume_after(w, 7, "", RECORD_ATTEMPT_MAX - 1);
    turn(w);
    assert_int_equal(w->request_count, 1);
    miss(w);
    commit(w);
    assert_int_equal(w->settled[STATE_WAITING], 1);
    w->now_us += 20000000;
    turn(w);
    assert_int_equal(w->request_count, 0);
    assert_int_equal(w->settled[STATE_FAILED], 1);
    assert_int_equal(w->last.reason, REASON_ATTEMPTS_USED);
    assert_true(*w->last.title != '\0');
    assert_false(engine_holds(w->engine, 7));
    close_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stopped_broadcast_is_left_to_the_ledger),
        cmocka_unit_test(test_new_ones_of_it_wait_on_record),
        cmocka_unit_test(test_what_was_ready_is_taken_back),
        cmocka_unit_test(test_it_goes_on_from_the_ledger),
        cmocka_unit_test(test_all_are_stopped),
        cmocka_unit_test(test_a_refusal_after_the_stop_waits_in_the_ledger_alone),
        cmocka_unit_test(test_a_forgotten_one_is_not_sent),
        cmocka_unit_test(test_a_parked_one_is_forgotten),
        cmocka_unit_test(test_an_overtaken_intent_sends_nothing),
        cmocka_unit_test(test_an_overtaken_outcome_does_not_wait),
        cmocka_unit_test(test_one_that_expires_too_late_is_not_told),
        cmocka_unit_test(test_what_another_worker_had_is_unknown),
        cmocka_unit_test(test_taken_over_and_known),
        cmocka_unit_test(test_what_was_given_up_is_skipped),
        cmocka_unit_test(test_one_that_expires_while_it_is_admitted_is_held),
        cmocka_unit_test(test_a_known_ones_outcome_is_told),
        cmocka_unit_test(test_custody_and_source_share),
        cmocka_unit_test(test_custody_alone_takes_all),
        cmocka_unit_test(test_a_message_without_a_number_for_one_more_attempt_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
