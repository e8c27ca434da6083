/* SPDX-License-Identifier: MIT
 *
 * What a process that does not end asks of its ledger beside the records: what is due, new
 * messages, opening again, broadcasts, cancelling. (The outbox: test_ledger_outbox.c.)
 */
#include "test_ledger_settled.h"

#include <sqlite3.h>

/* ---- Helpers. */

static void change(struct box *b, const char *broadcast, enum broadcast_state to)
{
    struct ledger_broadcast_change c = {ERRAND, .name = broadcast, .state = to};

    BOX_RUN(b, ledger_change_broadcast, &c);
}

/* The ids of what is due, in the order in which they come: "a b c ". */
struct page {
    struct waiting items[16];
    char ids[128];
    bool more;
};

static void ask_due(struct box *b, struct ledger_due due, struct page *page)
{
    due.errand = (struct ledger_errand){.on_done = on_errand_done, .context = errand_is_done()};
    due.items = page->items;
    due.max = due.max ? due.max : ARRAY_SIZE(page->items);
    BOX_RUN(b, ledger_ask_due, &due);
    page->ids[0] = '\0';
    page->more = due.more;
    for (size_t i = 0; i < due.count; i++) {
        size_t used = strlen(page->ids);

        (void)snprintf(page->ids + used, sizeof(page->ids) - used, "%s ",
                       page->items[i].message->id);
        message_free(page->items[i].message);
    }
}

static void check_due(struct box *b, int64_t by_ms, const char *expected)
{
    struct page page;

    ask_due(b, (struct ledger_due){.by_ms = by_ms}, &page);
    assert_string_equal(page.ids, expected);
    assert_false(page.more);
}

/* ---- What is due. */

static void test_due_first_comes_first(void **state)
{
    struct box *b = *state;

    (void)wait_in(b, "x", "late", 9000);
    (void)wait_in(b, "x", "soon", 5000);
    (void)wait_in(b, "x", "next", 7000);
    check_due(b, 4999, "");
    check_due(b, 5000, "soon ");
    check_due(b, 8999, "soon next ");
    check_due(b, 9000, "soon next late ");
}

static void test_due_is_whole(void **state)
{
    struct box *b = *state;
    struct waiting items[2];
    struct ledger_due due = {ERRAND, .by_ms = 9000, .items = items, .max = 2};
    uint64_t number = conclude_in(b, "x", "a", &REFUSED);

    BOX_RUN(b, ledger_ask_due, &due);
    assert_int_equal(due.count, 1);
    assert_true(items[0].number == number);
    assert_int_equal(items[0].attempt, 1);
    assert_int_equal(items[0].tries, 1);
    assert_int_equal(items[0].due_ms, 9000);
    assert_int_equal(items[0].reason, REASON_REFUSED);
    assert_string_equal(items[0].message->id, "a");
    assert_string_equal(items[0].message->broadcast, "x");
    message_free(items[0].message);
}

static void test_held_ones_are_left_out(void **state)
{
    struct box *b = *state;
    struct page page;
    uint64_t held[2];

    held[0] = wait_in(b, "x", "a", 1);
    (void)wait_in(b, "x", "b", 1);
    held[1] = wait_in(b, "y", "c", 1);
    ask_due(b, (struct ledger_due){.by_ms = 9000, .held = held, .held_count = 2}, &page);
    assert_string_equal(page.ids, "b ");
    assert_false(page.more);
}

static void test_paused_and_cancelled_ones_are_left_out(void **state)
{
    struct box *b = *state;

    (void)wait_in(b, "open", "a", 1);
    (void)wait_in(b, "done", "b", 1);
    (void)wait_in(b, "held", "c", 1);
    (void)wait_in(b, "over", "d", 1);
    (void)wait_in(b, "", "e", 1);
    change(b, "open", BROADCAST_OPEN);
    change(b, "done", BROADCAST_COMPLETE);
    change(b, "held", BROADCAST_PAUSED);
    change(b, "over", BROADCAST_CANCELLED);
    check_due(b, 1, "a b e ");
    change(b, "held", BROADCAST_OPEN);
    box_close(b);
    box_open(b);
    check_due(b, 1, "a b c e ");
}

/* A broadcast with very much to send does not keep the others waiting. */
static void test_broadcasts_take_turns(void **state)
{
    struct box *b = *state;
    struct page page;
    char id[16];

    for (int i = 0; i < 10; i++) {
        (void)snprintf(id, sizeof(id), "x%d", i);
        (void)wait_in(b, "x", id, 1);
    }
    (void)wait_in(b, "y", "y0", 5);
    (void)wait_in(b, "z", "z0", 9);
    ask_due(b, (struct ledger_due){.by_ms = 9, .max = 6}, &page);
    assert_string_equal(page.ids, "x0 x1 y0 z0 ");
    assert_true(page.more);
}

static void test_more_is_said_only_when_there_is(void **state)
{
    struct box *b = *state;
    struct page page;

    (void)wait_in(b, "x", "a", 1);
    (void)wait_in(b, "x", "b", 1);
    (void)wait_in(b, "x", "c", 2);
    ask_due(b, (struct ledger_due){.by_ms = 1, .max = 2}, &page);
    assert_string_equal(page.ids, "a b ");
    assert_false(page.more);
    ask_due(b, (struct ledger_due){.by_ms = 2, .max = 2}, &page);
    assert_string_equal(page.ids, "a b ");
    assert_true(page.more);
}

/* ---- New messages. */

static struct ledger_intake_item take_in(struct box *b, struct message *m)
{
    struct ledger_intake_item item = {.message = m};
    struct ledger_intake intake = {ERRAND, .items = &item, .count = 1, .at_ms = 2000};

    BOX_RUN(b, ledger_take_in, &intake);
    return item;
}

static void test_taken_in_new_known_reused(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("a", "[\"1\"]");
    struct message *other = message_with("a", "[\"2\"]");
    struct ledger_intake_item item = take_in(b, m);

    assert_int_equal(item.admission, ADMISSION_NEW);
    assert_int_equal(state_of(b, "a"), STATE_WAITING);
    check_due(b, 1999, "");
    check_due(b, 2000, "a ");
    item = take_in(b, m);
    assert_int_equal(item.admission, ADMISSION_KNOWN);
    assert_int_equal(item.known, STATE_WAITING);
    assert_int_equal(take_in(b, other).admission, ADMISSION_REUSED);
    assert_int_equal(tally_of(b, "results", STATE_WAITING), 1);
    message_free(m);
    message_free(other);
}

static void test_taken_in_survives_a_crash(void **state)
{
    struct box *b = *state, *after;
    struct message *m = message_with("a", "[]");

    (void)take_in(b, m);
    after = box_crashed(b);
    box_open(after);
    assert_int_equal(state_of(after, "a"), STATE_WAITING);
    check_due(after, 2000, "a ");
    assert_int_equal(take_in(after, m).admission, ADMISSION_KNOWN);
    box_free(after);
    message_free(m);
}

static void test_taken_in_for_later(void **state)
{
    struct box *b = *state;
    struct message *m = message_restore(&(struct message){.id = "a",
                                                          .to = "+919800000001",
                                                          .template_name = "t",
                                                          .lang = "en",
                                                          .content = "[]",
                                                          .sender = "1",
                                                          .not_before_ms = 8000});

    (void)take_in(b, m);
    check_due(b, 7999, "");
    check_due(b, 8000, "a ");
    message_free(m);
}

/* ---- Opening again. */

static size_t open_again(struct box *b, const uint64_t *numbers, size_t count, unsigned states)
{
    struct ledger_reopening r = {ERRAND, .numbers = numbers, .count = count, .states = states,
                                 .at_ms = 7000};

    BOX_RUN(b, ledger_open_again, &r);
    return r.opened;
}

static void test_only_named_states_are_opened(void **state)
{
    struct box *b = *state;
    const uint64_t all[] = {conclude_in(b, "x", "good", &ACCEPTED),
                            conclude_in(b, "x", "bad", &FAILED),
                            conclude_in(b, "x", "lost", &UNKNOWN),
                            wait_in(b, "x", "early", 99999),
                            0,
                            1000};

    assert_int_equal(open_again(b, all, ARRAY_SIZE(all), 1U << STATE_FAILED), 1);
    assert_int_equal(state_of(b, "bad"), STATE_WAITING);
    assert_int_equal(state_of(b, "lost"), STATE_UNKNOWN);
    assert_int_equal(open_again(b, all, ARRAY_SIZE(all), 1U << STATE_FAILED), 0);
    assert_int_equal(open_again(b, all, ARRAY_SIZE(all), 1U << STATE_UNKNOWN), 1);
    assert_int_equal(state_of(b, "lost"), STATE_WAITING);
    assert_int_equal(state_of(b, "good"), STATE_ACCEPTED);
    assert_int_equal(tally_of(b, "x", STATE_WAITING), 3);
    assert_int_equal(tally_of(b, "x", STATE_UNKNOWN), 0);
    check_due(b, 7000, "bad lost ");
}

static void test_opened_ones_are_sent(void **state)
{
    struct box *b = *state;
    struct message *m = message_in("x", "a");
    struct record r = admit(b, m, true);

    conclude(b, &r, 1, &UNKNOWN);
    assert_int_equal(open_again(b, &r.number, 1, 1U << STATE_UNKNOWN), 1);
    intend(b, &r, 2);
    conclude(b, &r, 2, &ACCEPTED);
    assert_int_equal(state_of(b, "a"), STATE_ACCEPTED);
    message_free(m);
}

/* ---- Broadcasts. */

static void test_a_broadcast_changes(void **state)
{
    struct box *b = *state;
    unsigned char file[32], plan[32];
    struct ledger_broadcast_change c = {ERRAND, .name = "x", .state = BROADCAST_OPEN,
                                        .file_hash = file, .plan_hash = plan};
    struct ledger_broadcast got;
    struct err e;

    memset(file, 7, sizeof(file));
    memset(plan, 8, sizeof(plan));
    BOX_RUN(b, ledger_change_broadcast, &c);
    assert_int_equal(c.before, 0);
    c.file_hash = c.plan_hash = NULL;
    c.state = BROADCAST_PAUSED;
    BOX_RUN(b, ledger_change_broadcast, &c);
    assert_int_equal(c.before, BROADCAST_OPEN);
    box_close(b);
    box_open(b);
    assert_true(ledger_broadcast_find(b->ledger, "x", &got, &e));
    assert_int_equal(got.state, BROADCAST_PAUSED);
    assert_memory_equal(got.file_hash, file, sizeof(file));
    assert_memory_equal(got.plan_hash, plan, sizeof(plan));
    assert_true(got.created_ms > 0);
}

/* ---- Cancelling. */

static size_t cancel(struct box *b, const char *broadcast, size_t max)
{
    struct ledger_cancelling c = {ERRAND, .broadcast = broadcast, .at_ms = 6000, .max = max};

    BOX_RUN(b, ledger_cancel_waiting, &c);
    return c.count;
}

static enum broadcast_state recorded_state(struct box *b, const char *name)
{
    struct ledger_broadcast seen;
    struct err e;

    assert_true(ledger_broadcast_find(b->ledger, name, &seen, &e));
    return seen.number ? seen.state : 0;
}

static void test_cancelled_is_final(void **state)
{
    static const enum broadcast_state others[] = {BROADCAST_OPEN, BROADCAST_COMPLETE,
                                                  BROADCAST_PAUSED};
    struct box *b = *state;
    struct err e;

    change(b, "over", BROADCAST_CANCELLED);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        const struct ledger_broadcast put = {.state = others[i]};

        change(b, "over", others[i]);
        assert_int_equal(recorded_state(b, "over"), BROADCAST_CANCELLED);
        assert_true(ledger_broadcast_put(b->ledger, "over", &put, &e));
        assert_int_equal(recorded_state(b, "over"), BROADCAST_CANCELLED);
    }
}

/* Older versions could write a row for it. */
static void test_no_name_is_no_broadcast(void **state)
{
    struct box *b = *state;
    sqlite3 *db;

    change(b, "", BROADCAST_CANCELLED);
    assert_int_equal(recorded_state(b, ""), 0);
    (void)wait_in(b, "", "free", 5000);
    check_due(b, 5000, "free ");
    box_close(b);
    assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "INSERT INTO broadcast VALUES(0, 3, NULL, NULL, 1)", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    box_open(b);
    assert_int_equal(recorded_state(b, ""), 0);
    assert_int_equal(recorded_state(b, "never heard of"), 0);
    check_due(b, 5000, "free ");
}

static void test_cancelled_in_pages(void **state)
{
    struct box *b = *state;
    char id[16];

    for (int i = 0; i < 5; i++) {
        (void)snprintf(id, sizeof(id), "x%d", i);
        (void)wait_in(b, "x", id, 1);
    }
    (void)conclude_in(b, "x", "good", &ACCEPTED);
    (void)conclude_in(b, "x", "lost", &UNKNOWN);
    (void)wait_in(b, "y", "other", 1);
    assert_int_equal(cancel(b, "x", 2), 2);
    assert_int_equal(cancel(b, "x", 2), 2);
    assert_int_equal(cancel(b, "x", 2), 1);
    assert_int_equal(cancel(b, "x", 2), 0);
    assert_int_equal(tally_of(b, "x", STATE_SKIPPED), 5);
    assert_int_equal(tally_of(b, "x", STATE_UNKNOWN), 1);
    assert_int_equal(state_of(b, "other"), STATE_WAITING);
    assert_int_equal(cancel(b, NULL, 2), 1);
    assert_int_equal(state_of(b, "other"), STATE_SKIPPED);
}

static void test_a_cancellation_gives_ids(void **state)
{
    struct box *b = *state;
    struct buf ids = buf_new(100);
    struct ledger_cancelling c = {ERRAND, .broadcast = "x", .at_ms = 6000, .max = 9, .ids = &ids};

    (void)wait_in(b, "x", "one", 1);
    (void)conclude_in(b, "x", "good", &ACCEPTED);
    (void)wait_in(b, "x", "two", 1);
    BOX_RUN(b, ledger_cancel_waiting, &c);
    assert_int_equal(ids.len, 8);
    assert_memory_equal(ids.data, "one\0two", 8);
    buf_free(&ids);
}

/* An intent that comes after the cancellation is refused. */
static void test_an_intent_is_overtaken_by_a_cancellation(void **state)
{
    struct box *b = *state;
    struct message *m = message_in("x", "a");
    struct record r = admit(b, m, false);
    struct record intent = {
        .kind = RECORD_INTENT, .message = m, .number = r.number, .attempt = 1, .at_ms = 6001};

    assert_int_equal(cancel(b, "x", 10), 1);
    box_do(b, &intent);
    assert_true(intent.overtaken);
    assert_int_equal(state_of(b, "a"), STATE_SKIPPED);
    assert_false(b->broken);
    message_free(m);
}

/* Two decisions about one attempt: given up, opened again, cancelled. */
static void test_a_later_decision_holds(void **state)
{
    struct box *b = *state;
    const uint64_t number = conclude_in(b, "x", "a", &UNKNOWN);
    struct ledger_settling give_up = {ERRAND, .numbers = &number, .count = 1, .to = STATE_FAILED,
                                      .at_ms = 5000};

    BOX_RUN(b, ledger_settle_by_hand, &give_up);
    assert_int_equal(give_up.settled, 1);
    assert_int_equal(open_again(b, &number, 1, 1U << STATE_FAILED), 1);
    assert_int_equal(cancel(b, "x", 10), 1);
    assert_int_equal(state_of(b, "a"), STATE_SKIPPED);
    assert_int_equal(tally_of(b, "x", STATE_SKIPPED), 1);
    assert_int_equal(tally_of(b, "x", STATE_FAILED), 0);
}

/* ---- Order. */

struct order {
    struct box *box;
    unsigned records_before;
};

static void on_order_done(struct ledger_errand *errand)
{
    struct order *order = errand->context;

    order->records_before = order->box->returned;
}

/* An errand runs and comes back after the records that were handed over before it. */
static void test_errands_follow_the_records(void **state)
{
    struct box *b = *state;
    struct message *m = message_in("x", "a");
    struct record r = {.kind = RECORD_ADMIT, .message = m, .at_ms = 1000, .due_ms = 1};
    struct order order = {.box = b};
    struct waiting item;
    struct ledger_due due = {
        .errand = {.on_done = on_order_done, .context = &order},
        .by_ms = 1,
        .items = &item,
        .max = 1,
    };

    ledger_submit(b->ledger, &r);
    ledger_ask_due(b->ledger, &due);
    assert_int_equal(ledger_pending(b->ledger), 2);
    box_wait(b);
    assert_int_equal(order.records_before, 1);
    assert_int_equal(due.count, 1);
    message_free(item.message);
    list_remove(&r.node);
    message_free(m);
}

#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_due_first_comes_first),
        WITH_BOX(test_due_is_whole),
        WITH_BOX(test_held_ones_are_left_out),
        WITH_BOX(test_paused_and_cancelled_ones_are_left_out),
        WITH_BOX(test_broadcasts_take_turns),
        WITH_BOX(test_more_is_said_only_when_there_is),
        WITH_BOX(test_taken_in_new_known_reused),
        WITH_BOX(test_taken_in_survives_a_crash),
        WITH_BOX(test_taken_in_for_later),
        WITH_BOX(test_only_named_states_are_opened),
        WITH_BOX(test_opened_ones_are_sent),
        WITH_BOX(test_a_broadcast_changes),
        WITH_BOX(test_cancelled_is_final),
        WITH_BOX(test_no_name_is_no_broadcast),
        WITH_BOX(test_cancelled_in_pages),
        WITH_BOX(test_a_cancellation_gives_ids),
        WITH_BOX(test_an_intent_is_overtaken_by_a_cancellation),
        WITH_BOX(test_a_later_decision_holds),
        WITH_BOX(test_errands_follow_the_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
