/* SPDX-License-Identifier: MIT
 *
 * What the ledger keeps to be told (the outbox), the operator's hold, and a ledger of version 1.
 */
#include "test_ledger_settled.h"

#include "ledger/db.h"

/* ---- Helpers. */

static size_t cancel(struct box *b, const char *broadcast, size_t max)
{
    struct ledger_cancelling c = {ERRAND, .broadcast = broadcast, .at_ms = 6000, .max = max};

    BOX_RUN(b, ledger_cancel_waiting, &c);
    return c.count;
}

/* ---- The outbox. */

/* "id=state " for each, or "id:status ". */
static void check_results(struct box *b, uint64_t after, const char *expected, uint64_t *last)
{
    struct ledger_result items[16];
    struct ledger_results results = {ERRAND, .after = after, .items = items,
                                     .max = ARRAY_SIZE(items)};
    char found[256] = "";

    BOX_RUN(b, ledger_ask_results, &results);
    for (size_t i = 0; i < results.count; i++) {
        size_t used = strlen(found);

        assert_true(items[i].seq > after);
        after = items[i].seq;
        (void)snprintf(found + used, sizeof(found) - used, "%s=%s ", items[i].message->id,
                       state_name(items[i].outcome.state));
        message_free(items[i].message);
    }
    assert_string_equal(found, expected);
    if (last)
        *last = after;
}

static void begin_stream(struct box *b)
{
    struct err e;

    assert_true(ledger_stream_begin(b->ledger, "consumer-1", &e));
}

static void test_nothing_is_kept_to_be_told_without_a_stream(void **state)
{
    struct box *b = *state;

    (void)conclude_in(b, "x", "a", &FAILED);
    check_results(b, 0, "", NULL);
}

static void test_results_in_order_and_forgotten(void **state)
{
    struct box *b = *state;
    struct ledger_told told = {ERRAND};
    uint64_t last;

    begin_stream(b);
    (void)wait_in(b, "x", "a", 1);
    (void)wait_in(b, "y", "b", 1);
    (void)cancel(b, "y", 9);
    (void)cancel(b, "x", 9);
    check_results(b, 0, "b=skipped a=skipped ", &last);
    check_results(b, last - 1, "a=skipped ", NULL);
    told.seq = last - 1;
    BOX_RUN(b, ledger_forget_results, &told);
    box_close(b);
    box_open(b);
    check_results(b, 0, "a=skipped ", NULL);
    told.seq = last;
    BOX_RUN(b, ledger_forget_results, &told);
    check_results(b, 0, "", NULL);
    begin_stream(b);
    (void)wait_in(b, "z", "c", 1);
    (void)cancel(b, "z", 9);
    check_results(b, last, "c=skipped ", NULL); /* a number is never used again */
}

/* What a source holds is told by it: only what has been in custody goes through the outbox. */
static void test_what_the_source_holds_is_not_in_it(void **state)
{
    struct box *b = *state;
    struct message *m = message_in("x", "waited");
    struct record r;

    begin_stream(b);
    (void)conclude_in(b, "x", "held", &ACCEPTED);
    (void)conclude_in(b, "x", "lost", &UNKNOWN);
    r = admit(b, m, true);
    conclude(b, &r, 1, &REFUSED);
    check_results(b, 0, "", NULL);
    intend(b, &r, 2);
    conclude(b, &r, 2, &ACCEPTED);
    check_results(b, 0, "waited=accepted ", NULL);
    message_free(m);
}

/* A crash took the source's hold away. */
static void test_interrupted_ones_are_told(void **state)
{
    struct box *b = *state, *after;
    struct message *m = message_in("x", "a");

    begin_stream(b);
    (void)admit(b, m, true);
    after = box_crashed(b);
    box_open(after);
    assert_int_equal(ledger_facts(after->ledger)->interrupted, 1);
    check_results(after, 0, "a=unknown ", NULL);
    box_free(after);
    message_free(m);
}

/* A later run without a stream: all that it settles is told by the next daemon. */
static void test_a_run_beside_a_stream_tells_through_it(void **state)
{
    struct box *b = *state;

    begin_stream(b);
    box_close(b);
    box_open(b);
    (void)conclude_in(b, "x", "a", &ACCEPTED);
    check_results(b, 0, "a=accepted ", NULL);
}

/* ---- The hold. */

static void put_hold(struct box *b, int64_t since_ms)
{
    struct ledger_hold hold = {ERRAND, .since_ms = since_ms};

    BOX_RUN(b, ledger_put_hold, &hold);
}

static int64_t held_since(struct box *b)
{
    int64_t since_ms;
    struct err e;

    assert_true(ledger_held(b->ledger, &since_ms, &e));
    return since_ms;
}

static void test_the_hold_survives(void **state)
{
    struct box *b = *state, *after;

    assert_int_equal(held_since(b), 0);
    put_hold(b, 12345);
    after = box_crashed(b);
    box_open(after);
    assert_int_equal(held_since(after), 12345);
    put_hold(after, 0);
    box_close(after);
    box_open(after);
    assert_int_equal(held_since(after), 0);
    box_free(after);
}

/* ---- Version 1. */

/* What version 1 did not have is taken away again. */
static const char TO_VERSION_1[] =
    "DROP INDEX open_due; DROP TABLE outbox; DROP TABLE delivery; DROP TABLE twin;"
    "DROP TABLE consumer; ALTER TABLE open DROP COLUMN broadcast; PRAGMA user_version=1";

static void make_version_1(struct box *b)
{
    struct db *db;
    struct err e;

    assert_true(db_open(b->path, DB_WRITE, &db, &e));
    if (!db_exec(db, TO_VERSION_1, &e))
        fail_msg("%s", e.text);
    db_close(db, true);
}

static void test_version_1_is_migrated(void **state)
{
    struct box *b = *state;
    struct message *m = message_in("x", "sending");

    (void)wait_in(b, "x", "a", 1);
    (void)wait_in(b, "y", "b", 2);
    (void)conclude_in(b, "x", "good", &ACCEPTED);
    (void)admit(b, m, true);
    box_close(b);
    make_version_1(b);
    assert_int_equal(tally_of(b, "x", STATE_ACCEPTED), 1); /* a reader reads it as it is */
    box_open(b);
    assert_int_equal(ledger_facts(b->ledger)->interrupted, 1);
    assert_int_equal(cancel(b, "x", 9), 1); /* the rows know their broadcast now */
    begin_stream(b);
    (void)cancel(b, NULL, 9);
    check_results(b, 0, "b=skipped ", NULL);
    message_free(m);
}

static void no_twin(void *context, const struct ledger_twin *twin)
{
    (void)context;
    fail_msg("a twin: %s", twin->wamid);
}

/* A reader that finds no tables for them: nobody said anything. */
static void check_nothing_was_told(struct box *b)
{
    struct ledger_delivery_counts counts;
    struct ledger_reader *reader;
    uint64_t resent;
    struct err e;

    assert_true(ledger_reader_open(b->path, &reader, &e));
    assert_true(ledger_count_deliveries(reader, "x", &counts, &e));
    assert_true(ledger_count_resent(reader, &resent, &e));
    assert_true(ledger_twins(reader, 1, no_twin, NULL, &e));
    ledger_reader_close(reader);
    assert_int_equal(resent + counts.resent + counts.twins + counts.undelivered_count, 0);
    for (size_t i = 0; i < ARRAY_SIZE(counts.statuses); i++)
        assert_int_equal(counts.statuses[i], 0);
}

static void test_webhooks_for_version_1(void **state)
{
    struct box *b = *state;
    struct message *m = message_in("x", "old");
    struct ledger_status told = {
        .has_opaque = true, .status = WEBHOOK_READ, .at_ms = 7000, .wamid = "wamid.W"};
    struct ledger_statuses statuses = {ERRAND, .items = &told, .count = 1, .at_ms = 7001};

    (void)conclude_in(b, "x", "old", &UNKNOWN);
    box_close(b);
    make_version_1(b);
    check_nothing_was_told(b);
    box_open(b);
    told.opaque = (struct opaque_id){ledger_facts(b->ledger)->id, m->id_hash, 1};
    BOX_RUN(b, ledger_put_statuses, &statuses);
    assert_true(told.settled);
    assert_int_equal(state_of(b, "old"), STATE_ACCEPTED);
    message_free(m);
}

#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_nothing_is_kept_to_be_told_without_a_stream),
        WITH_BOX(test_results_in_order_and_forgotten),
        WITH_BOX(test_what_the_source_holds_is_not_in_it),
        WITH_BOX(test_interrupted_ones_are_told),
        WITH_BOX(test_a_run_beside_a_stream_tells_through_it),
        WITH_BOX(test_the_hold_survives),
        WITH_BOX(test_version_1_is_migrated),
        WITH_BOX(test_webhooks_for_version_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
