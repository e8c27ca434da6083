/* SPDX-License-Identifier: MIT */
#include "test_stream_fixture.h"

/* What is read, offered, settled and acknowledged, and when. */

static void test_order_of_work_at_the_start(void **state)
{
    (void)state;
    stream_on_up(t.stream, LINK_READER, now());
    turn();
    expect_nothing_of(LINK_READER); /* no reading without a lock */
    start_reading();
    well(STREAM_READ_HIGH, LANE_HIGH);
    assert_int_equal(expect(STREAM_READ_NEW)->count, 10);
    turn();
    expect_nothing_of(LINK_READER); /* one read at a time */
}

static void test_own_entries_come_in_pages_from_the_lowest(void **state)
{
    (void)state;
    start();
    walk(LANE_HIGH);
    assert_int_equal(expect(STREAM_READ_OWN)->after.ms, 0);
    bring(STREAM_READ_OWN, 5, 3);
    assert_int_equal(t.offered_count, 3);
    assert_int_equal(expect(STREAM_READ_OWN)->after.ms, 7);
    well(STREAM_READ_OWN, LANE_NORMAL);
    (void)expect(STREAM_READ_HIGH);
}

static void test_asks_for_what_is_wanted_and_no_more(void **state)
{
    (void)state;
    start_reading();
    well(STREAM_READ_HIGH, LANE_HIGH);
    (void)expect(STREAM_READ_NEW);
    bring(STREAM_READ_NEW, 1, 7);
    assert_int_equal(expect(STREAM_READ_HIGH)->count, 3);
    bring(STREAM_READ_HIGH, 20, 3);
    expect_nothing_of(LINK_READER);
    assert_int_equal(t.offered_count, 10);
    stream_want(t.stream, 1);
    turn();
    assert_int_equal(expect(STREAM_READ_HIGH)->count, 1);
}

static void test_result_first_then_one_acknowledgement(void **state)
{
    const struct sent *ack;

    (void)state;
    start_reading();
    bring(STREAM_READ_HIGH, 1, 10);
    for (size_t i = 0; i < 10; i++)
        settle(i, true);
    turn();
    for (size_t i = 0; i < 10; i++)
        (void)expect(STREAM_ADD);
    expect_nothing_of(LINK_WRITER);
    for (size_t i = 0; i < 10; i++)
        stream_on_reply(t.stream, &(struct stream_reply){.verb = STREAM_ADD}, now());
    turn();
    ack = expect(STREAM_ACK);
    assert_int_equal(ack->id_count, 10);
    assert_int_equal(ack->first_id.ms, 1);
}

static void test_what_was_not_confirmed_is_sent_again(void **state)
{
    (void)state;
    start_reading();
    bring(STREAM_READ_HIGH, 1, 2);
    settle(0, true);
    settle(1, false);
    turn();
    (void)expect(STREAM_ADD);
    assert_int_equal(expect(STREAM_ACK)->first_id.ms, 2);
    stream_on_down(t.stream, LINK_WRITER, now());
    turn();
    stream_on_up(t.stream, LINK_WRITER, now());
    turn();
    (void)expect(STREAM_ADD);
    assert_int_equal(expect(STREAM_ACK)->first_id.ms, 2);
}

static void test_held_entries_are_not_offered_twice(void **state)
{
    (void)state;
    start_reading();
    bring(STREAM_READ_HIGH, 1, 4);
    stream_on_down(t.stream, LINK_READER, now());
    stream_on_up(t.stream, LINK_READER, now());
    turn();
    (void)expect(STREAM_READ_NEW); /* which has no answer */
    walk(LANE_HIGH);
    (void)expect(STREAM_READ_OWN);
    bring(STREAM_READ_OWN, 1, 6); /* 5 and 6 were in the reply that was lost */
    assert_int_equal(t.offered_count, 6);
}

/* Redis gave 7-0 to the connection before, which it did not know to be dead. */
static void test_what_a_dead_connection_was_given_is_read(void **state)
{
    (void)state;
    start_reading();
    stream_on_down(t.stream, LINK_READER, now());
    stream_on_up(t.stream, LINK_READER, now());
    turn();
    walk(LANE_HIGH);
    walk(LANE_NORMAL);
    (void)expect(STREAM_READ_HIGH);
    well(STREAM_READ_HIGH, LANE_HIGH);
    (void)expect(STREAM_READ_NEW);
    t.now_ms += STREAM_WALK_AGAIN_MS;
    well(STREAM_READ_NEW, LANE_HIGH);
    walk(LANE_HIGH);
    (void)expect(STREAM_READ_OWN);
    bring(STREAM_READ_OWN, 7, 1);
    assert_int_equal(t.offered_count, 1);
    walk(LANE_NORMAL);
    (void)expect(STREAM_READ_NEW);
}

/* One look at both lanes; in the normal one the entry `ms` is pending. */
static void look_with_pending(uint64_t ms)
{
    t.now_ms += STREAM_LOOK_MS;
    turn();
    while (t.looked_at[LINK_WRITER] < t.sent_count) {
        const struct sent *sent = &t.sent[t.looked_at[LINK_WRITER]++];
        bool has = sent->verb == STREAM_LOOK_PENDING && sent->lane == LANE_NORMAL;

        if (stream_verb_link(sent->verb) == LINK_WRITER)
            answer(&(struct stream_reply){.verb = sent->verb,
                                          .lane = sent->lane,
                                          .lag = -1,
                                          .number = has,
                                          .id = {has ? ms : 0, 0}});
        turn(); /* nothing is trimmed: that takes a turn */
    }
}

/* Redis gave an entry to a connection that was gone by then, and to nobody else since. */
static void test_what_is_pending_and_not_here_is_walked_for(void **state)
{
    (void)state;
    start_reading();
    bring(STREAM_READ_HIGH, 7, 1);
    for (int i = 0; i < 3; i++) {
        (void)expect(STREAM_READ_NEW);
        look_with_pending(i < 2 ? 7 : 5); /* the first is here; the other may be on its way */
        well(STREAM_READ_NEW, LANE_HIGH);
    }
    (void)expect(STREAM_READ_NEW);
    look_with_pending(5);
    well(STREAM_READ_NEW, LANE_HIGH);
    assert_int_equal(expect(STREAM_READ_OWN)->after.ms, 0);
    bring(STREAM_READ_OWN, 5, 1);
    assert_int_equal(t.offered_count, 2);
    walk(LANE_NORMAL);
    (void)expect(STREAM_READ_NEW);
}

/* Another consumer's is walked for once. */
static void test_what_is_pending_elsewhere_is_left_alone(void **state)
{
    (void)state;
    start_reading();
    for (int i = 0; i < 2; i++)
        look_with_pending(5);
    well(STREAM_READ_HIGH, LANE_HIGH);
    walk(LANE_NORMAL);
    (void)expect(STREAM_READ_NEW);
    for (int i = 0; i < 3; i++)
        look_with_pending(5);
    well(STREAM_READ_NEW, LANE_HIGH);
    (void)expect(STREAM_READ_NEW);
}

/* Acknowledged while a reply that still names it is on its way. */
static void test_a_late_page_does_not_bring_back_what_is_done(void **state)
{
    (void)state;
    start_reading();
    bring(STREAM_READ_HIGH, 1, 1);
    settle(0, false);
    turn();
    (void)expect(STREAM_READ_NEW); /* which has no answer */
    (void)expect(STREAM_ACK);
    stream_on_down(t.stream, LINK_READER, now());
    stream_on_up(t.stream, LINK_READER, now());
    turn();
    walk(LANE_HIGH);
    (void)expect(STREAM_READ_OWN);
    answer(&(struct stream_reply){.verb = STREAM_ACK, .lane = LANE_NORMAL, .id_count = 1});
    bring(STREAM_READ_OWN, 1, 1);
    assert_int_equal(t.offered_count, 1);
}

static void test_a_lost_group_is_made_again_and_walked(void **state)
{
    (void)state;
    start_reading();
    wrong(STREAM_READ_HIGH, "NOGROUP No such key");
    t.now_ms += STREAM_BACKOFF_MAX_MS;
    turn();
    (void)expect(STREAM_GROUP_MAKE);
    well(STREAM_GROUP_MAKE, LANE_HIGH);
    (void)expect(STREAM_GROUP_MAKE);
    well(STREAM_GROUP_MAKE, LANE_NORMAL);
    walk(LANE_HIGH);
    walk(LANE_NORMAL);
    (void)expect(STREAM_READ_HIGH);
}

static void test_waits_before_it_asks_again(void **state)
{
    (void)state;
    start_reading();
    wrong(STREAM_READ_HIGH, "LOADING Redis is loading");
    expect_nothing_of(LINK_READER);
    assert_true(stream_next_ms(t.stream, now()) > t.now_ms);
    assert_true(stream_next_ms(t.stream, now()) <= t.now_ms + STREAM_BACKOFF_MAX_MS);
    t.now_ms += STREAM_BACKOFF_MAX_MS;
    turn();
    (void)expect(STREAM_READ_HIGH);
}

static void test_a_replica_is_dropped(void **state)
{
    (void)state;
    start_reading();
    wrong(STREAM_READ_HIGH, "READONLY You can't write against a read only replica.");
    assert_int_equal(t.drops[LINK_READER], 1);
    assert_int_equal(t.drops[LINK_WRITER], 0);
}

static void test_another_holds_the_lock(void **state)
{
    (void)state;
    stream_on_up(t.stream, LINK_WRITER, now());
    turn();
    (void)expect(STREAM_LOCK_TAKE);
    answer(&(struct stream_reply){.verb = STREAM_LOCK_TAKE, .holder = "host, pid 4711"});
    assert_true(t.was_refused);
    assert_int_equal(t.refused.code, EXIT_TRY_LATER);
    assert_non_null(strstr(t.refused.text, "host, pid 4711"));
    assert_true(stream_next_ms(t.stream, now()) == INT64_MAX);
}

/* The writer hangs: when the lock's life is over, nothing more is read. */
static void test_a_lock_that_is_not_renewed_ends(void **state)
{
    (void)state;
    start_reading();
    t.now_ms += STREAM_LOCK_MS;
    bring(STREAM_READ_HIGH, 1, 1);
    (void)expect(STREAM_LOCK_RENEW);
    expect_nothing_of(LINK_READER);
    well(STREAM_LOCK_RENEW, LANE_HIGH);
    (void)expect(STREAM_READ_NEW);
}

static void forget_sent(void)
{
    t.sent_count = t.looked_at[LINK_READER] = t.looked_at[LINK_WRITER] = 0;
}

static void test_results_that_cannot_be_added_stop_reading(void **state)
{
    (void)state;
    start_reading();
    stream_want(t.stream, 2 * 4096);
    for (unsigned i = 0; i < 4096; i += 8) {
        bring(STREAM_READ_HIGH, 100 + i, 8);
        for (size_t j = 0; j < 8; j++)
            settle(j, true);
        t.offered_count = 0;
        forget_sent();
    }
    turn();
    forget_sent();
    bring(STREAM_READ_HIGH, 9000, 0);
    expect_nothing_of(LINK_READER);
}

static void test_drains(void **state)
{
    (void)state;
    start_reading();
    bring(STREAM_READ_HIGH, 1, 2);
    stream_drain(t.stream);
    settle(0, false);
    settle(1, false);
    turn();
    (void)expect(STREAM_ACK);
    assert_false(t.drained);
    answer(&(struct stream_reply){.verb = STREAM_ACK, .lane = LANE_NORMAL, .id_count = 2});
    assert_true(t.drained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(test_order_of_work_at_the_start),
        STREAM_TEST(test_own_entries_come_in_pages_from_the_lowest),
        STREAM_TEST(test_asks_for_what_is_wanted_and_no_more),
        STREAM_TEST(test_result_first_then_one_acknowledgement),
        STREAM_TEST(test_what_was_not_confirmed_is_sent_again),
        STREAM_TEST(test_held_entries_are_not_offered_twice),
        STREAM_TEST(test_what_a_dead_connection_was_given_is_read),
        STREAM_TEST(test_what_is_pending_and_not_here_is_walked_for),
        STREAM_TEST(test_what_is_pending_elsewhere_is_left_alone),
        STREAM_TEST(test_a_late_page_does_not_bring_back_what_is_done),
        STREAM_TEST(test_a_lost_group_is_made_again_and_walked),
        STREAM_TEST(test_waits_before_it_asks_again),
        STREAM_TEST(test_a_replica_is_dropped),
        STREAM_TEST(test_another_holds_the_lock),
        STREAM_TEST(test_a_lock_that_is_not_renewed_ends),
        STREAM_TEST(test_results_that_cannot_be_added_stop_reading),
        STREAM_TEST(test_drains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
