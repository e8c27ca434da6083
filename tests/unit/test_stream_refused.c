/* SPDX-License-Identifier: MIT */
#include "test_stream_fixture.h"

/* What is done and told while Redis refuses. */

#define WRONGTYPE "WRONGTYPE Operation against a key holding the wrong kind of value"

static bool was_noted(const char *words)
{
    for (size_t i = 0; i < t.note_count; i++)
        if (strstr(t.notes[i], words))
            return true;
    return false;
}

static void wrong_lane(enum stream_verb verb, enum stream_lane lane, const char *error)
{
    answer(&(struct stream_reply){.verb = verb, .lane = lane, .error = error});
}

static void later(int64_t ms)
{
    t.now_ms += ms;
    turn();
}

/* Both lanes are asked for when the high one is found to be no stream. */
static void start_with_a_wrong_lane(void)
{
    start_reading();
    well(STREAM_READ_HIGH, LANE_HIGH);
    assert_false(expect(STREAM_READ_NEW)->one_lane);
    wrong(STREAM_READ_NEW, WRONGTYPE);
    assert_int_equal(t.note_count, 0); /* which of them is not known */
    later(STREAM_BACKOFF_MIN_MS);
    assert_int_equal(expect(STREAM_READ_OWN)->lane, LANE_HIGH);
    wrong_lane(STREAM_READ_OWN, LANE_HIGH, WRONGTYPE);
}

static void test_the_other_lane_is_read_on(void **state)
{
    const struct sent *sent;

    (void)state;
    start_with_a_wrong_lane();
    assert_true(was_noted("reading stops: t:send:high: WRONGTYPE"));
    walk(LANE_NORMAL);
    sent = expect(STREAM_READ_NEW);
    assert_true(sent->one_lane && sent->lane == LANE_NORMAL);
    assert_string_equal(facts().reading, "refused");
    assert_true(facts().is_refused && !facts().is_well);
    assert_non_null(strstr(facts().last_error, "t:send:high: WRONGTYPE"));

    later(STREAM_BACKOFF_MAX_MS);
    bring(STREAM_READ_NEW, 5, 1);
    assert_int_equal(t.offered_count, 1);
    assert_int_equal(expect(STREAM_READ_OWN)->lane, LANE_HIGH); /* tried again */
    well(STREAM_READ_OWN, LANE_HIGH);
    assert_true(was_noted("answers again: reading t:send:high goes on"));
    assert_string_equal(facts().reading, "reading");
    assert_string_equal(facts().last_error, "");
    assert_int_equal(expect(STREAM_READ_HIGH)->lane, LANE_HIGH);
}

static void test_a_lane_whose_group_cannot_be_made(void **state)
{
    (void)state;
    start_reading();
    wrong(STREAM_READ_HIGH, "NOGROUP No such key");
    assert_int_equal(expect(STREAM_GROUP_MAKE)->lane, LANE_HIGH);
    well(STREAM_GROUP_MAKE, LANE_HIGH);
    assert_int_equal(expect(STREAM_GROUP_MAKE)->lane, LANE_NORMAL);
    wrong_lane(STREAM_GROUP_MAKE, LANE_NORMAL, WRONGTYPE);
    assert_true(was_noted("t:send: WRONGTYPE"));
    later(STREAM_BACKOFF_MIN_MS);
    walk(LANE_HIGH);
    (void)expect(STREAM_READ_HIGH);
    well(STREAM_READ_HIGH, LANE_HIGH);
    assert_true(expect(STREAM_READ_NEW)->one_lane);
    assert_int_equal(facts().regrouped, 1);
    t.now_ms += STREAM_BACKOFF_MAX_MS;
    assert_int_equal(expect(STREAM_GROUP_MAKE)->lane, LANE_NORMAL);
    well(STREAM_GROUP_MAKE, LANE_NORMAL);
    well(STREAM_READ_NEW, LANE_HIGH);
    walk(LANE_NORMAL);
    assert_int_equal(facts().regrouped, 2);
}

static void test_at_the_start_the_key_is_named(void **state)
{
    (void)state;
    stream_on_up(t.stream, LINK_READER, now());
    stream_on_up(t.stream, LINK_WRITER, now());
    turn();
    well(STREAM_LOCK_TAKE, LANE_HIGH);
    wrong_lane(STREAM_GROUP_MAKE, LANE_HIGH, WRONGTYPE);
    assert_true(t.was_refused);
    assert_int_equal(t.refused.code, EXIT_CONFIG);
    assert_non_null(strstr(t.refused.text, "t:send:high: WRONGTYPE"));
}

static void test_a_wrong_target_does_not_flap(void **state)
{
    struct stream_raw raws[3] = {raw_of(LANE_NORMAL, 5), raw_of(LANE_NORMAL, 6),
                                 raw_of(LANE_NORMAL, 7)};

    (void)state;
    start_reading();
    raws[0].fields = raws[1].fields = NULL; /* both to the dead */
    raws[0].field_count = raws[1].field_count = 0;
    answer(&(struct stream_reply){
        .verb = STREAM_READ_HIGH, .lane = LANE_NORMAL, .entries = raws, .entry_count = 3});
    settle(0, true);
    turn();
    wrong(STREAM_ADD, WRONGTYPE);
    wrong(STREAM_ADD, WRONGTYPE);
    well(STREAM_ADD, LANE_HIGH); /* the result's */
    assert_true(was_noted("publishing stops: t:dead: WRONGTYPE"));
    assert_false(was_noted("answers again"));
    assert_false(facts().is_well);
    assert_false(facts().is_refused); /* reading goes on */

    later(STREAM_BACKOFF_MAX_MS);
    well(STREAM_ADD, LANE_HIGH);
    assert_true(was_noted("answers again: publishing t:dead goes on"));
    assert_true(facts().is_well);
    assert_string_equal(facts().last_error, "");
}

static void test_refused_at_once_and_well_again(void **state)
{
    (void)state;
    start_reading();
    well(STREAM_READ_HIGH, LANE_HIGH);
    (void)expect(STREAM_READ_NEW);
    wrong(STREAM_READ_NEW, "NOPERM this user has no permissions to run 'xreadgroup'");
    assert_string_equal(facts().reading, "refused");
    assert_true(facts().is_refused);
    later(STREAM_BACKOFF_MAX_MS);
    (void)expect(STREAM_READ_NEW);
    well(STREAM_READ_NEW, LANE_HIGH);
    assert_string_equal(facts().reading, "reading");
    assert_string_equal(facts().last_error, "");
    stream_pause(t.stream, true);
    assert_string_equal(facts().reading, "paused");
}

/* Without the lock nothing is read or trimmed, but the lag is known. */
static void test_looks_while_the_lock_is_refused(void **state)
{
    uint64_t looks;

    (void)state;
    start_reading();
    expect_nothing_of(LINK_WRITER);
    later(STREAM_LOCK_MS / 3);
    (void)expect(STREAM_LOCK_RENEW);
    wrong(STREAM_LOCK_RENEW, "NOREPLICAS Not enough good replicas to write.");
    assert_string_equal(facts().reading, "refused");
    later(STREAM_LOCK_MS);
    assert_false(facts().lock_held);
    looks = facts().looks;
    for (int i = 0; i < 3; i++) {
        t.now_ms += STREAM_LOOK_MS;
        turn();
        while (next_of(LINK_WRITER)) /* the lock again and again, and looks */
            wrong(STREAM_LOCK_RENEW, "NOREPLICAS Not enough good replicas to write.");
        turn();
    }
    assert_true(facts().looks > looks);
    assert_string_equal(facts().reading, "refused");
}

/* What was refused in the same trouble, and is not asked for again soon, is not shown for ever. */
static void test_a_complaint_ends_with_its_trouble(void **state)
{
    (void)state;
    start_reading();
    wrong_lane(STREAM_LOOK_GROUP, LANE_HIGH, "MISCONF no disk");
    wrong(STREAM_READ_HIGH, "MISCONF no disk");
    assert_non_null(strstr(facts().last_error, "MISCONF"));
    later(STREAM_BACKOFF_MAX_MS);
    well(STREAM_READ_HIGH, LANE_HIGH);
    assert_string_equal(facts().last_error, "");
}

/* Of what may fail: told once, until it went well. */
static void test_a_complaint_ends(void **state)
{
    (void)state;
    start_reading();
    wrong_lane(STREAM_LOOK_GROUP, LANE_HIGH, "NOPERM no xinfo");
    assert_non_null(strstr(facts().last_error, "NOPERM"));
    assert_true(facts().is_well); /* nothing that must be done */
    for (int i = 0; i < 6; i++) {
        while (next_of(LINK_WRITER))
            well(STREAM_LOCK_RENEW, LANE_HIGH);
        later(STREAM_LOOK_MS);
    }
    assert_string_equal(facts().last_error, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(test_the_other_lane_is_read_on),
        STREAM_TEST(test_a_lane_whose_group_cannot_be_made),
        STREAM_TEST(test_at_the_start_the_key_is_named),
        STREAM_TEST(test_a_wrong_target_does_not_flap),
        STREAM_TEST(test_refused_at_once_and_well_again),
        STREAM_TEST(test_looks_while_the_lock_is_refused),
        STREAM_TEST(test_a_complaint_ends_with_its_trouble),
        STREAM_TEST(test_a_complaint_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
