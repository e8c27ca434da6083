/* SPDX-License-Identifier: MIT */
#include "test_stream_fixture.h"

/* Entries that are pending under other names: of others, of former names, and what was claimed
 * before. One that another may have sent is offered as taken over, whatever happens between. */

static int setup_claims(void **state)
{
    static const char *const former[] = {"old"};

    (void)state;
    open_stream("me:taken", former, 1);
    stream_set_policy(t.stream, false, true, 120000);
    return 0;
}

#define CLAIM_TEST(f) cmocka_unit_test_setup_teardown(f, setup_claims, teardown)

static void list(enum stream_lane lane, const char *consumer, uint64_t first, size_t count)
{
    struct stream_raw raws[16];

    for (size_t i = 0; i < count; i++)
        raws[i] = (struct stream_raw){.lane = lane, .id = {first + i, 0}, .consumer = consumer};
    answer(&(struct stream_reply){
        .verb = STREAM_LIST_PENDING, .lane = lane, .entries = raws, .entry_count = count});
}

/* A lane's look ends without a command. */
static const struct sent *next_errand(void)
{
    const struct sent *sent = next_of(LINK_WRITER);

    for (int lane = 0; lane < LANE_COUNT && !sent; lane++) {
        turn();
        sent = next_of(LINK_WRITER);
    }
    return sent;
}

static void expect_list(const char *consumer, enum stream_lane lane)
{
    const struct sent *sent = next_errand();

    assert_non_null(sent);
    assert_int_equal(sent->verb, STREAM_LIST_PENDING);
    assert_string_equal(sent->consumer, consumer);
    assert_int_equal(sent->lane, lane);
}

static void pass_list(const char *consumer, enum stream_lane lane)
{
    expect_list(consumer, lane);
    list(lane, consumer, 0, 0);
}

/* Both lanes of the former name and of its other one, up to what we claimed before. */
static void start_claims(void)
{
    start();
    pass_list("old", LANE_HIGH);
    pass_list("old", LANE_NORMAL);
    pass_list("old:taken", LANE_HIGH);
    pass_list("old:taken", LANE_NORMAL);
}

static void expect_claim(uint64_t first, size_t count, int64_t idle_ms)
{
    const struct sent *sent = expect(STREAM_CLAIM);

    assert_string_equal(sent->consumer, "me:taken");
    assert_int_equal(sent->first_id.ms, first);
    assert_int_equal(sent->id_count, count);
    assert_int_equal(sent->idle_ms, idle_ms);
}

/* Up to the claim of 5-0 and 6-0 of the high lane. */
static void claim_two(void)
{
    start_claims();
    pass_list("me:taken", LANE_HIGH);
    pass_list("me:taken", LANE_NORMAL);
    expect_list("", LANE_HIGH);
    list(LANE_HIGH, "alien", 5, 2);
    expect_claim(5, 2, 120000);
}

static void come(uint64_t first, size_t count)
{
    struct stream_raw raws[16];

    for (size_t i = 0; i < count; i++)
        raws[i] = raw_of(LANE_HIGH, first + i);
    answer(&(struct stream_reply){
        .verb = STREAM_CLAIM, .lane = LANE_HIGH, .entries = raws, .entry_count = count});
}

static void restart_writer(void)
{
    stream_on_down(t.stream, LINK_WRITER, now());
    stream_on_up(t.stream, LINK_WRITER, now());
    turn();
}

static void test_claimed_is_taken_over(void **state)
{
    (void)state;
    claim_two();
    come(5, 2);
    assert_int_equal(t.offered_count, 2);
    assert_int_equal(t.taken_over_count, 2);
    assert_int_equal(facts().claimed, 2);
}

/* Redis did it, and nobody heard: it is not read as ours, but taken over. */
static void test_a_claim_whose_answer_is_lost(void **state)
{
    (void)state;
    claim_two();
    restart_writer();
    expect_list("me:taken", LANE_HIGH);
    list(LANE_HIGH, "me:taken", 5, 2);
    expect_claim(5, 2, 0);
    come(5, 2);
    assert_int_equal(t.offered_count, 2);
    assert_int_equal(t.taken_over_count, 2);
}

/* Of a run before this one, which may have had redis.claim when this one has not. */
static void test_what_was_claimed_before_is_taken_over(void **state)
{
    (void)state;
    stream_set_policy(t.stream, false, false, 120000);
    start_claims();
    expect_list("me:taken", LANE_HIGH);
    list(LANE_HIGH, "me:taken", 5, 3);
    expect_claim(5, 3, 0);
    come(5, 3);
    assert_int_equal(t.taken_over_count, 3);
    pass_list("me:taken", LANE_NORMAL);
    expect_nothing_of(LINK_WRITER);
}

static void test_what_is_held_is_not_taken_again(void **state)
{
    (void)state;
    claim_two();
    come(5, 2);
    expect_list("", LANE_NORMAL);
    restart_writer();
    expect_list("me:taken", LANE_HIGH);
    list(LANE_HIGH, "me:taken", 5, 3);
    expect_claim(7, 1, 0);
}

static void test_a_list_that_fails_is_asked_for_again(void **state)
{
    (void)state;
    start_claims();
    expect_list("me:taken", LANE_HIGH);
    wrong(STREAM_LIST_PENDING, "NOPERM this user has no permissions");
    assert_false(t.was_refused);
    t.now_ms += STREAM_LOOK_MS;
    turn();
    expect_list("", LANE_HIGH); /* claims go on by their own time */
    list(LANE_HIGH, "alien", 0, 0);
    expect_list("me:taken", LANE_HIGH);
}

static void test_own_entries_are_not_claimed(void **state)
{
    static const char *const names[] = {"me", "me:taken", "old", "old:taken"};
    struct stream_raw listed[5];

    (void)state;
    start_claims();
    pass_list("me:taken", LANE_HIGH);
    pass_list("me:taken", LANE_NORMAL);
    expect_list("", LANE_HIGH);
    for (size_t i = 0; i < 4; i++)
        listed[i] = (struct stream_raw){LANE_HIGH, {5 + i, 0}, .consumer = names[i]};
    listed[4] = (struct stream_raw){LANE_HIGH, {9, 0}, .consumer = "me:takenover"};
    answer(&(struct stream_reply){.verb = STREAM_LIST_PENDING,
                                  .lane = LANE_HIGH,
                                  .entries = listed,
                                  .entry_count = ARRAY_SIZE(listed)});
    expect_claim(9, 1, 120000);
}

static void expect_keep(const char *consumer, uint64_t first)
{
    const struct sent *sent = expect(STREAM_KEEP);

    assert_string_equal(sent->consumer, consumer);
    assert_int_equal(sent->first_id.ms, first);
    assert_int_equal(sent->id_count, 1);
    answer(&(struct stream_reply){.verb = STREAM_KEEP,
                                  .lane = LANE_HIGH,
                                  .entries = (struct stream_raw[]){raw_of(LANE_HIGH, first)},
                                  .entry_count = 1});
}

/* What a former name had claimed goes to the name that says so. */
static void test_former_names_keep_what_was_claimed_apart(void **state)
{
    (void)state;
    start();
    expect_list("old", LANE_HIGH);
    list(LANE_HIGH, "old", 3, 1);
    expect_keep("me", 3);
    pass_list("old", LANE_HIGH);
    pass_list("old", LANE_NORMAL);
    expect_list("old:taken", LANE_HIGH);
    list(LANE_HIGH, "old:taken", 4, 1);
    expect_keep("me:taken", 4);
}

/* Looks, too; waits for them. */
static const struct sent *next_writing(void)
{
    for (;;) {
        turn();
        while (t.looked_at[LINK_WRITER] < t.sent_count) {
            const struct sent *sent = &t.sent[t.looked_at[LINK_WRITER]++];

            if (stream_verb_link(sent->verb) == LINK_WRITER)
                return sent;
        }
        t.now_ms += STREAM_LOOK_MS;
    }
}

/* Redis gave 9-0 to a connection of a former run that was gone, under that run's name, after what
 * it left was taken up: two looks find it. */
static void test_given_to_a_former_name_late(void **state)
{
    unsigned seen = 0;

    (void)state;
    start_claims();
    while (seen < 2) {
        const struct sent *sent = next_writing();
        bool has = sent->verb == STREAM_LOOK_PENDING && sent->lane == LANE_NORMAL;

        answer(&(struct stream_reply){
            .verb = sent->verb, .lane = sent->lane, .number = has, .id = {has ? 9 : 0, 0}});
        seen += has;
    }
    pass_list("old", LANE_HIGH);
    expect_list("old", LANE_NORMAL);
    list(LANE_NORMAL, "old", 9, 1);
    expect_keep("me", 9);
}

static void test_what_is_held_long_is_kept_under_its_name(void **state)
{
    const struct stream_raw own = raw_of(LANE_HIGH, 4);

    (void)state;
    claim_two();
    come(5, 1);
    answer(&(struct stream_reply){
        .verb = STREAM_LOOK_NEXT, .lane = LANE_HIGH, .entries = &own, .entry_count = 1});
    answer(&(struct stream_reply){
        .verb = STREAM_READ_OWN, .lane = LANE_HIGH, .entries = &own, .entry_count = 1});
    t.now_ms += 41000; /* the time is kept in thirds */
    well(STREAM_LOCK_RENEW, LANE_HIGH);
    for (const struct sent *sent; (sent = next_errand());) {
        if (sent->verb == STREAM_KEEP && sent->first_id.ms == 4) {
            assert_string_equal(sent->consumer, "me");
        } else if (sent->verb == STREAM_KEEP) {
            assert_int_equal(sent->first_id.ms, 5);
            assert_string_equal(sent->consumer, "me:taken");
            return;
        }
        answer(&(struct stream_reply){.verb = sent->verb, .lane = sent->lane});
    }
    fail_msg("nothing is kept");
}

static void test_claimed_and_not_there_is_lost(void **state)
{
    const struct stream_raw seven = raw_of(LANE_HIGH, 7);

    (void)state;
    claim_two();
    come(5, 1);
    assert_int_equal(t.sent[t.sent_count - 1].verb, STREAM_LOOK_NEXT);
    assert_true(t.sent[t.sent_count - 1].after.ms == 5); /* behind it comes 6-0 or a later one */
    restart_writer();
    assert_int_equal(t.sent[t.sent_count - 1].verb, STREAM_LOOK_NEXT); /* not forgotten */
    answer(&(struct stream_reply){.verb = STREAM_LOOK_NEXT, .entries = &seven, .entry_count = 1});
    assert_int_equal(facts().lost_pending, 1);
}

static void test_claimed_by_another_meanwhile_is_not_lost(void **state)
{
    const struct stream_raw six = raw_of(LANE_HIGH, 6);

    (void)state;
    claim_two();
    come(5, 1);
    answer(&(struct stream_reply){.verb = STREAM_LOOK_NEXT, .entries = &six, .entry_count = 1});
    assert_int_equal(facts().lost_pending, 0);
    assert_int_equal(facts().claimed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM_TEST(test_claimed_is_taken_over),
        CLAIM_TEST(test_a_claim_whose_answer_is_lost),
        CLAIM_TEST(test_what_was_claimed_before_is_taken_over),
        CLAIM_TEST(test_what_is_held_is_not_taken_again),
        CLAIM_TEST(test_a_list_that_fails_is_asked_for_again),
        CLAIM_TEST(test_own_entries_are_not_claimed),
        CLAIM_TEST(test_former_names_keep_what_was_claimed_apart),
        CLAIM_TEST(test_given_to_a_former_name_late),
        CLAIM_TEST(test_what_is_held_long_is_kept_under_its_name),
        CLAIM_TEST(test_claimed_and_not_there_is_lost),
        CLAIM_TEST(test_claimed_by_another_meanwhile_is_not_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
