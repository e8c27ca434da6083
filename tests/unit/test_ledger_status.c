/* SPDX-License-Identifier: MIT
 *
 * What webhooks and the operator say of messages: statuses in any order, what is settled by them
 * and what is not, messages that Graph accepted twice.
 */
#include "test_ledger_scene.h"

/* ---- Settling. */

static void test_settles_unknown_at_once(void **state)
{
    struct scene *s = *state;
    struct ledger_status told;

    answer(s, 1, &UNKNOWN);
    told = tell(s, WEBHOOK_SENT, "wamid.W");
    assert_true(told.settled);
    assert_false(told.was_waiting || told.twin);
    assert_true(told.number == s->record.number);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
    assert_int_equal(tally_of(s->box, "x", STATE_UNKNOWN), 0);
    told = tell(s, WEBHOOK_DELIVERED, "wamid.W");
    assert_false(told.settled || told.twin);
    check_query(s->box, DELIVERY, "3|1001000|1003000|-|-|0|-|");
}

static void test_undelivered_settles_too(void **state)
{
    struct scene *s = *state;

    answer(s, 1, &UNKNOWN);
    assert_true(tell(s, WEBHOOK_UNDELIVERED, "wamid.W").settled);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
}

static void test_settled_survives_a_crash(void **state)
{
    struct scene *s = *state;
    struct box *before, *after;

    answer(s, 1, &UNKNOWN);
    before = box_crashed(s->box);
    (void)tell(s, WEBHOOK_SENT, "wamid.W");
    after = box_crashed(s->box);
    box_open(before); /* Meta has no 200, and sends it again */
    assert_int_equal(state_of(before, "a"), STATE_UNKNOWN);
    box_open(after);
    assert_int_equal(state_of(after, "a"), STATE_ACCEPTED);
    box_free(before);
    box_free(after);
}

/* The crash took the answer; the status came in before it. */
static void test_told_before_a_crash(void **state)
{
    struct scene *s = *state;
    struct box *after;

    assert_false(tell(s, WEBHOOK_SENT, "wamid.W").settled);
    after = box_crashed(s->box);
    box_open(after);
    assert_int_equal(ledger_facts(after->ledger)->interrupted, 1);
    assert_int_equal(state_of(after, "a"), STATE_ACCEPTED);
    assert_int_equal(tally_of(after, "x", STATE_UNKNOWN), 0);
    box_free(after);
}

static void test_without_callback_data_nothing_changes(void **state)
{
    struct scene *s = *state;
    struct ledger_status told = status_of(s, WEBHOOK_DELIVERED, "wamid.W");

    answer(s, 1, &UNKNOWN);
    told.has_opaque = false;
    put(s->box, &told, 1);
    assert_int_equal(told.number, 0);
    assert_false(told.settled);
    assert_int_equal(state_of(s->box, "a"), STATE_UNKNOWN);
    check_query(s->box, DELIVERY, "");
}

static void test_a_message_that_is_not_here(void **state)
{
    struct scene *s = *state;
    struct ledger_status told = status_of(s, WEBHOOK_DELIVERED, "wamid.W");

    told.opaque.message_hash++;
    put(s->box, &told, 1);
    assert_int_equal(told.number, 0);
    check_query(s->box, DELIVERY, "");
}

static void test_another_ledger_touches_only_unknown_ones(void **state)
{
    struct scene *s = *state;
    struct ledger_status told = status_of(s, WEBHOOK_DELIVERED, "wamid.F");

    told.opaque.ledger++;
    put(s->box, &told, 1); /* it is being sent */
    assert_int_equal(told.number, 0);
    answer(s, 1, &FAILED);
    put(s->box, &told, 1);
    assert_int_equal(told.number, 0);
    check_query(s->box, DELIVERY, "");
    check_outcome(s, STATE_FAILED, REASON_REFUSED, "");
}

static void test_another_ledger_settles_an_unknown_one(void **state)
{
    struct scene *s = *state;
    struct ledger_status told = status_of(s, WEBHOOK_DELIVERED, "wamid.F");

    answer(s, 1, &UNKNOWN);
    told.opaque.ledger++;
    put(s->box, &told, 1);
    assert_true(told.settled);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.F");
}

/* ---- Before our own answer. */

static void test_before_the_answer_then_accepted(void **state)
{
    struct scene *s = *state;

    assert_false(tell(s, WEBHOOK_DELIVERED, "wamid.A").settled);
    assert_int_equal(state_of(s->box, "a"), STATE_SENDING);
    answer(s, 1, &ACCEPTED);
    check_outcome(s, STATE_ACCEPTED, REASON_NONE, "wamid.A");
    check_query(s->box, "SELECT count(*) FROM twin", "0|");
    check_query(s->box, "SELECT status FROM delivery", "3|");
}

static void test_before_the_answer_then_none(void **state)
{
    struct scene *s = *state;

    (void)tell(s, WEBHOOK_SENT, "wamid.W");
    answer(s, 1, &UNKNOWN);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
    assert_int_equal(tally_of(s->box, "x", STATE_UNKNOWN), 0);
}

/* With retry.ambiguous = resend it would go again: the engine is told that it must not. */
static void test_before_the_answer_then_not_resent(void **state)
{
    struct scene *s = *state;
    struct record r = s->record;

    (void)tell(s, WEBHOOK_SENT, "wamid.W");
    r.kind = RECORD_OUTCOME;
    r.attempt = 1;
    r.outcome = &RESENT;
    box_do(s->box, &r);
    assert_true(r.overtaken);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
    assert_int_equal(tally_of(s->box, "x", STATE_WAITING), 0);
}

/* The first attempt was unknown, the second is under way; a status says that the first was
 * accepted. Whatever the second one comes to, the message is. */
static void second_attempt_under_way(struct scene *s)
{
    answer(s, 1, &RESENT);
    intend(s->box, &s->record, 2);
    assert_false(tell(s, WEBHOOK_SENT, "wamid.W").settled);
    assert_int_equal(state_of(s->box, "a"), STATE_SENDING);
}

static void test_told_while_sent_again_then_failed(void **state)
{
    struct scene *s = *state;

    second_attempt_under_way(s);
    answer(s, 2, &FAILED);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
    assert_int_equal(tally_of(s->box, "x", STATE_FAILED), 0);
}

static void test_told_while_sent_again_then_refused(void **state)
{
    struct scene *s = *state;
    struct record r = s->record;

    second_attempt_under_way(s);
    r.kind = RECORD_OUTCOME;
    r.attempt = 2;
    r.outcome = &REFUSED;
    box_do(s->box, &r);
    assert_true(r.overtaken);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
}

static void test_told_while_sent_again_then_accepted(void **state)
{
    struct scene *s = *state;

    second_attempt_under_way(s);
    answer(s, 2, &ACCEPTED);
    check_outcome(s, STATE_ACCEPTED, REASON_NONE, "wamid.A");
    check_query(s->box, "SELECT count(*) FROM twin", "1|");
    assert_false(tell(s, WEBHOOK_READ, "wamid.W").twin); /* it is on record */
    check_query(s->box, "SELECT count(*) FROM twin", "1|");
}

/* ---- While it waits, or after it was given up. */

static void test_while_waiting_for_a_resend(void **state)
{
    struct scene *s = *state;
    struct ledger_status told;
    struct record intent = s->record;

    answer(s, 1, &RESENT);
    told = tell(s, WEBHOOK_SENT, "wamid.W");
    assert_true(told.settled && told.was_waiting);
    intent.kind = RECORD_INTENT;
    intent.attempt = 2;
    box_do(s->box, &intent);
    assert_true(intent.overtaken);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
}

/* It expires while it waits to be sent again, and a webhook was faster. */
static void test_skipped_too_late(void **state)
{
    static const struct outcome expired = {.state = STATE_SKIPPED, .reason = REASON_EXPIRED};
    struct scene *s = *state;
    struct record skip = s->record;

    answer(s, 1, &RESENT);
    assert_true(tell(s, WEBHOOK_SENT, "wamid.W").settled);
    skip.kind = RECORD_OUTCOME;
    skip.attempt = 2;
    skip.outcome = &expired;
    box_do(s->box, &skip);
    assert_true(skip.overtaken);
    assert_false(s->box->broken);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
    assert_int_equal(tally_of(s->box, "x", STATE_SKIPPED), 0);
}

static void settle_by_hand(struct scene *s, enum state to, size_t settled)
{
    struct ledger_settling by = {ERRAND, .numbers = &s->record.number, .count = 1, .to = to,
                                 .at_ms = 4000};

    BOX_RUN(s->box, ledger_settle_by_hand, &by);
    assert_int_equal(by.settled, settled);
}

static void test_given_up_but_accepted(void **state)
{
    struct scene *s = *state;

    answer(s, 1, &UNKNOWN);
    settle_by_hand(s, STATE_FAILED, 1);
    check_outcome(s, STATE_FAILED, REASON_GIVEN_UP, "");
    assert_true(tell(s, WEBHOOK_DELIVERED, "wamid.W").settled);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
    assert_int_equal(tally_of(s->box, "x", STATE_FAILED), 0);
}

static void test_opened_again_but_accepted(void **state)
{
    struct scene *s = *state;
    struct ledger_reopening again = {ERRAND, .numbers = &s->record.number, .count = 1,
                                     .states = 1U << STATE_FAILED, .at_ms = 5000};

    answer(s, 1, &UNKNOWN);
    settle_by_hand(s, STATE_FAILED, 1);
    BOX_RUN(s->box, ledger_open_again, &again);
    assert_true(tell(s, WEBHOOK_DELIVERED, "wamid.W").was_waiting);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
}

static void test_cancelled_but_accepted(void **state)
{
    struct scene *s = *state;
    struct ledger_cancelling cancel = {ERRAND, .at_ms = 5000, .max = 9};

    answer(s, 1, &RESENT);
    BOX_RUN(s->box, ledger_cancel_waiting, &cancel);
    assert_int_equal(state_of(s->box, "a"), STATE_SKIPPED);
    assert_true(tell(s, WEBHOOK_DELIVERED, "wamid.W").settled);
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
}

/* ---- By hand. */

static void test_by_hand_only_unknown_ones(void **state)
{
    struct scene *s = *state;

    settle_by_hand(s, STATE_ACCEPTED, 0);
    assert_int_equal(state_of(s->box, "a"), STATE_SENDING);
    answer(s, 1, &UNKNOWN);
    settle_by_hand(s, STATE_ACCEPTED, 1);
    check_outcome(s, STATE_ACCEPTED, REASON_BY_HAND, "");
    settle_by_hand(s, STATE_FAILED, 0);
    check_outcome(s, STATE_ACCEPTED, REASON_BY_HAND, "");
}

static void test_by_hand_then_told(void **state)
{
    struct scene *s = *state;

    answer(s, 1, &UNKNOWN);
    settle_by_hand(s, STATE_ACCEPTED, 1);
    assert_false(tell(s, WEBHOOK_SENT, "wamid.W").twin);
    assert_false(tell(s, WEBHOOK_READ, "wamid.W").twin);
    assert_true(tell(s, WEBHOOK_READ, "wamid.V").twin);
    check_query(s->box, "SELECT count(*) FROM twin", "1|");
}

/* ---- Any order, any repetition. */

enum { TOLD = 5 };

static void tell_permuted(struct scene *s, const unsigned order[TOLD])
{
    struct ledger_status told[2 * TOLD];

    for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
        unsigned which = order[i % TOLD];
        enum webhook_status status =
            which < 4 ? (enum webhook_status)(which + 1) : WEBHOOK_UNDELIVERED;

        told[i] = status_of(s, status, "wamid.W");
        told[i].at_ms += which == 4 ? 500 : 0; /* a second undelivered, a later one */
        told[i].code = status == WEBHOOK_UNDELIVERED ? 131026 + (int)which : 0;
        (void)snprintf(told[i].title, sizeof(told[i].title), "title %u", which);
    }
    put(s->box, told, ARRAY_SIZE(told));
    check_query(s->box, DELIVERY, "4|1001000|1003000|1004000|1002000|131027|title 1|");
    check_outcome(s, STATE_ACCEPTED, REASON_WEBHOOK, "wamid.W");
}

static void next_scene(struct scene *s, unsigned n)
{
    char id[16];

    shell("rm -rf %s/state", s->box->folder);
    box_open(s->box);
    message_free(s->message);
    (void)snprintf(id, sizeof(id), "m%u", n);
    s->message = message_in("x", id);
    s->record = admit(s->box, s->message, true);
    answer(s, 1, &UNKNOWN);
}

/* All 120 orders of five statuses, each told twice. */
static void test_all_permutations_come_to_the_same(void **state)
{
    struct scene *s = *state;

    for (unsigned n = 0; n < 120; n++) {
        unsigned left[TOLD] = {0, 1, 2, 3, 4}, order[TOLD], rest = n;

        for (unsigned i = 0; i < TOLD; i++) {
            unsigned pick = rest % (TOLD - i);

            rest /= TOLD - i;
            order[i] = left[pick];
            memmove(&left[pick], &left[pick + 1], (TOLD - 1 - pick) * sizeof(left[0]));
        }
        box_close(s->box);
        next_scene(s, n);
        tell_permuted(s, order);
    }
}

/* ---- Told on. */

static void check_outbox(struct box *b, const char *expected)
{
    struct ledger_result items[16];
    struct ledger_results results = {ERRAND, .items = items, .max = ARRAY_SIZE(items)};
    char found[256] = "";

    BOX_RUN(b, ledger_ask_results, &results);
    for (size_t i = 0; i < results.count; i++) {
        const struct ledger_result *r = &items[i];
        size_t used = strlen(found);

        (void)snprintf(found + used, sizeof(found) - used, "%s=%s,%s ",
                       r->message ? r->message->id : "",
                       r->status ? webhook_status_name(r->status) : state_name(r->outcome.state),
                       r->outcome.wamid);
        message_free(items[i].message);
    }
    assert_string_equal(found, expected);
}

static void test_statuses_are_told_on(void **state)
{
    struct scene *s = *state;
    struct ledger_status stray = status_of(s, WEBHOOK_READ, "wamid.S");
    struct err e;

    assert_true(ledger_stream_begin(s->box->ledger, "consumer-1", &e));
    answer(s, 1, &UNKNOWN); /* the source has it: it is told there */
    (void)tell(s, WEBHOOK_SENT, "wamid.W");
    stray.has_opaque = false;
    put(s->box, &stray, 1);
    (void)tell(s, WEBHOOK_SENT, "wamid.W"); /* each repetition, too */
    check_outbox(s->box, "a=accepted,wamid.W a=sent,wamid.W =read,wamid.S a=sent,wamid.W ");
}

/* A final message that turns out otherwise is told again. */
static void test_what_turned_out_otherwise_is_told(void **state)
{
    struct scene *s = *state;
    struct err e;

    assert_true(ledger_stream_begin(s->box->ledger, "consumer-1", &e));
    answer(s, 1, &FAILED);
    (void)tell(s, WEBHOOK_SENT, "wamid.W");
    check_outbox(s->box, "a=accepted,wamid.W a=sent,wamid.W ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_settles_unknown_at_once),
        SCENE(test_undelivered_settles_too),
        SCENE(test_settled_survives_a_crash),
        SCENE(test_told_before_a_crash),
        SCENE(test_without_callback_data_nothing_changes),
        SCENE(test_a_message_that_is_not_here),
        SCENE(test_another_ledger_touches_only_unknown_ones),
        SCENE(test_another_ledger_settles_an_unknown_one),
        SCENE(test_before_the_answer_then_accepted),
        SCENE(test_before_the_answer_then_none),
        SCENE(test_before_the_answer_then_not_resent),
        SCENE(test_told_while_sent_again_then_failed),
        SCENE(test_told_while_sent_again_then_refused),
        SCENE(test_told_while_sent_again_then_accepted),
        SCENE(test_while_waiting_for_a_resend),
        SCENE(test_skipped_too_late),
        SCENE(test_given_up_but_accepted),
        SCENE(test_opened_again_but_accepted),
        SCENE(test_cancelled_but_accepted),
        SCENE(test_by_hand_only_unknown_ones),
        SCENE(test_by_hand_then_told),
        SCENE(test_all_permutations_come_to_the_same),
        SCENE(test_statuses_are_told_on),
        SCENE(test_what_turned_out_otherwise_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
