/* SPDX-License-Identifier: MIT
 *
 * What a hand-over asks of the ledger: a reader's look at a broadcast, messages watched by number,
 * changes of a broadcast that hold only from some states, retry beside a cancellation.
 */
#include "test_ledger_support.h"

#include "ledger/ledger_errand.h"

static const struct outcome ACCEPTED = {.state = STATE_ACCEPTED, .wamid = "wamid.A"};
static const struct outcome FAILED = {
    .state = STATE_FAILED, .reason = REASON_REFUSED, .code = 131026};

static int setup(void **state)
{
    *state = box_new();
    return 0;
}

static int teardown(void **state)
{
    box_free(*state);
    return 0;
}

static void on_done(struct ledger_errand *errand)
{
    bool *done = errand->context;

    *done = true;
}

static enum broadcast_state change(struct box *b, enum broadcast_state state, unsigned from)
{
    bool done = false;
    struct ledger_broadcast_change c = {
        .errand = {.on_done = on_done, .context = &done},
        .name = "results",
        .state = state,
        .from = from,
    };

    ledger_change_broadcast(b->ledger, &c);
    box_wait(b);
    assert_true(done);
    return c.before;
}

static struct ledger_broadcast seen(struct box *b)
{
    struct ledger_broadcast found;
    struct ledger_reader *reader;
    struct err e;

    assert_true(ledger_reader_open(b->path, &reader, &e));
    assert_true(ledger_reader_broadcast(reader, "results", &found, &e));
    ledger_reader_close(reader);
    return found;
}

static struct record settle(struct box *b, struct message *m, const struct outcome *outcome)
{
    struct record r = admit(b, m, true);

    if (outcome)
        conclude(b, &r, 1, outcome);
    return r;
}

static void test_a_reader_sees_a_broadcast(void **state)
{
    struct box *b = *state;
    struct message *first = message_with("a", "[]"), *second = message_with("b", "[]");
    struct ledger_broadcast found = seen(b);

    assert_int_equal(found.number, 0);
    assert_int_equal(change(b, BROADCAST_OPEN, 0), 0);
    (void)settle(b, first, &ACCEPTED); /* only what it leaves is looked at */
    (void)settle(b, second, NULL);
    found = seen(b);
    assert_int_equal(found.state, BROADCAST_OPEN);
    assert_int_equal(found.counts[STATE_ACCEPTED], 1);
    assert_int_equal(found.counts[STATE_SENDING], 1);
    message_free(first);
    message_free(second);
}

static void test_a_word_of_the_operator_stands(void **state)
{
    struct box *b = *state;
    unsigned usual = 1U << BROADCAST_OPEN | 1U << BROADCAST_COMPLETE;

    assert_int_equal(change(b, BROADCAST_OPEN, usual), 0);
    assert_int_equal(change(b, BROADCAST_PAUSED, 0), BROADCAST_OPEN);
    assert_int_equal(change(b, BROADCAST_COMPLETE, usual), BROADCAST_PAUSED);
    assert_int_equal(seen(b).state, BROADCAST_PAUSED);
    assert_int_equal(change(b, BROADCAST_CANCELLED, 0), BROADCAST_PAUSED);
    assert_int_equal(change(b, BROADCAST_OPEN, 1U << BROADCAST_PAUSED), BROADCAST_CANCELLED);
    assert_int_equal(seen(b).state, BROADCAST_CANCELLED);
}

static void test_numbers_are_watched_until_they_settle(void **state)
{
    struct box *b = *state;
    struct message *m[3] = {message_with("a", "[]"), message_with("b", "[]"),
                            message_with("c", "[]")};
    struct record r[3];
    uint64_t numbers[3];
    struct ledger_watched watched = {.items = numbers, .count = 3};
    struct ledger_reader *reader;
    struct err e;

    for (size_t i = 0; i < ARRAY_SIZE(m); i++) {
        r[i] = settle(b, m[i], i == 1 ? &FAILED : NULL);
        numbers[i] = r[i].number;
    }
    assert_true(ledger_reader_open(b->path, &reader, &e));
    assert_true(ledger_drop_settled(reader, &watched, &e));
    assert_int_equal(watched.count, 2);
    assert_int_equal(numbers[0], r[0].number);
    assert_int_equal(numbers[1], r[2].number);
    assert_int_equal(watched.settled[STATE_FAILED], 1);
    conclude(b, &r[0], 1, &ACCEPTED);
    conclude(b, &r[2], 1, &ACCEPTED);
    assert_true(ledger_drop_settled(reader, &watched, &e));
    assert_int_equal(watched.count, 0);
    assert_int_equal(watched.settled[STATE_ACCEPTED], 2);
    ledger_reader_close(reader);
    for (size_t i = 0; i < ARRAY_SIZE(m); i++)
        message_free(m[i]);
}

static void test_nothing_of_a_cancelled_broadcast_is_opened_again(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("a", "[]");
    struct record r = settle(b, m, &FAILED);
    const struct ledger_filter all = {0};
    bool done = false;
    struct ledger_reopening again = {
        .errand = {.on_done = on_done, .context = &done},
        .numbers = &r.number,
        .count = 1,
        .states = 1U << STATE_FAILED,
        .at_ms = 9000,
    };
    uint64_t opened = 7;
    struct err e;

    assert_int_equal(change(b, BROADCAST_CANCELLED, 0), 0);
    ledger_open_again(b->ledger, &again);
    box_wait(b);
    assert_true(done);
    assert_int_equal(again.opened, 0);
    assert_true(ledger_reopen(b->ledger, &all, &opened, &e));
    assert_int_equal(opened, 0);
    assert_int_equal(state_of(b, "a"), STATE_FAILED);
    message_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_reader_sees_a_broadcast, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_word_of_the_operator_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_are_watched_until_they_settle, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nothing_of_a_cancelled_broadcast_is_opened_again,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
