/* SPDX-License-Identifier: MIT
 *
 * Broadcasts, waiting messages, recent attempts, retry, and what a reader sees beside the writer.
 */
#include "test_ledger_support.h"

static bool read_codes(struct ledger_reader *reader, const char *broadcast,
                       struct ledger_code_count *items, size_t max, size_t *count)
{
    struct ledger_codes codes = {.items = items, .max = max};
    struct err e;
    bool ok = ledger_codes(reader, broadcast, &codes, &e);

    *count = codes.count;
    return ok;
}

static const struct outcome ACCEPTED = {.state = STATE_ACCEPTED,
                                        .http_status = 200,
                                        .latency_us = 301234,
                                        .counts = true,
                                        .wamid = "wamid.HBgMOTE5ODEyMzQ1NjIxAA=="};
static const struct outcome FAILED = {.state = STATE_FAILED,
                                      .reason = REASON_REFUSED,
                                      .code = 131026,
                                      .http_status = 400,
                                      .counts = true,
                                      .title = "Message undeliverable",
                                      .details = "Not on WhatsApp",
                                      .trace = "Az8or2yhqkZfEZ"};
static const struct outcome REFUSED = {.state = STATE_WAITING,
                                       .reason = REASON_REFUSED,
                                       .code = 131056,
                                       .http_status = 400,
                                       .next_ms = 9000,
                                       .counts = true};

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

/* ---- Broadcasts. */

static void test_broadcast_is_kept(void **state)
{
    struct box *b = *state;
    struct ledger_broadcast put = {.state = BROADCAST_OPEN, .created_ms = 77}, got;
    struct err e;

    assert_true(ledger_broadcast_find(b->ledger, "results", &got, &e));
    assert_int_equal(got.number, 0);
    memset(put.file_hash, 7, sizeof(put.file_hash));
    assert_true(ledger_broadcast_put(b->ledger, "results", &put, &e));
    put.state = BROADCAST_COMPLETE;
    put.plan_hash[31] = 9;
    put.created_ms = 78;
    assert_true(ledger_broadcast_put(b->ledger, "results", &put, &e));
    box_close(b);
    box_open(b);
    assert_true(ledger_broadcast_find(b->ledger, "results", &got, &e));
    assert_true(got.number > 0);
    assert_int_equal(got.state, BROADCAST_COMPLETE);
    assert_int_equal(got.created_ms, 77);
    assert_memory_equal(got.file_hash, put.file_hash, sizeof(put.file_hash));
    assert_memory_equal(got.plan_hash, put.plan_hash, sizeof(put.plan_hash));
}

/* Messages may be there before the broadcast is. */
static void test_broadcast_counts(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    struct ledger_broadcast put = {.state = BROADCAST_OPEN}, got;
    struct record r = admit(b, m, true);
    struct err e;

    assert_true(ledger_broadcast_find(b->ledger, "results", &got, &e));
    assert_int_equal(got.number, 0);
    assert_true(ledger_broadcast_put(b->ledger, "results", &put, &e));
    assert_true(ledger_broadcast_find(b->ledger, "results", &got, &e));
    assert_int_equal(got.counts[STATE_SENDING], 1);
    conclude(b, &r, 1, &ACCEPTED);
    assert_true(ledger_broadcast_find(b->ledger, "results", &got, &e));
    assert_int_equal(got.counts[STATE_SENDING], 0);
    assert_int_equal(got.counts[STATE_ACCEPTED], 1);
    message_free(m);
}

/* ---- Waiting. */

static void admit_waiting(struct box *b, unsigned i, int64_t due_ms)
{
    char id[16];
    struct message *m;
    struct record r;

    (void)snprintf(id, sizeof(id), "w%u", i);
    m = message_with(id, "[\"Asha\"]");
    r = (struct record){.kind = RECORD_ADMIT, .message = m, .at_ms = 1000, .due_ms = due_ms};
    box_do(b, &r);
    message_free(m);
}

static void free_waiting(struct waiting *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        message_free(items[i].message);
}

static void test_waiting_is_read_in_pages(void **state)
{
    struct box *b = *state;
    struct waiting page[3];
    struct waiting_filter filter = {0};
    unsigned seen = 0;
    size_t count = ARRAY_SIZE(page);

    for (unsigned i = 0; i < 7; i++)
        admit_waiting(b, i, 9000 - i);
    while (count == ARRAY_SIZE(page)) {
        assert_true(read_waiting(b->ledger, &filter, page, ARRAY_SIZE(page), &count));
        for (size_t i = 0; i < count; i++, seen++) {
            assert_int_equal(page[i].number, seen + 1);
            assert_int_equal(page[i].due_ms, 9000 - seen);
            filter.after = page[i].number;
        }
        free_waiting(page, count);
    }
    assert_int_equal(seen, 7);
}

static void test_waiting_that_is_due(void **state)
{
    struct box *b = *state;
    struct waiting page[8];
    const struct waiting_filter filter = {.due_by_ms = 8998};
    size_t count;

    for (unsigned i = 0; i < 5; i++)
        admit_waiting(b, i, 9000 - i);
    assert_true(read_waiting(b->ledger, &filter, page, ARRAY_SIZE(page), &count));
    assert_int_equal(count, 3);
    assert_int_equal(page[0].number, 3);
    free_waiting(page, count);
}

static void test_waiting_is_whole(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("0123456789abcdef0123456789abcdef", "[\"Asha\",\"Physics\"]");
    struct record r = admit(b, m, true);
    struct waiting page[2];
    const struct ledger_filter match = {.class_id = "A1"};
    const struct waiting_filter filter = {.match = &match};
    size_t count;

    conclude(b, &r, 1, &REFUSED);
    box_close(b);
    box_open(b);
    assert_true(read_waiting(b->ledger, &filter, page, ARRAY_SIZE(page), &count));
    assert_int_equal(count, 1);
    assert_int_equal(page[0].attempt, 1);
    assert_int_equal(page[0].tries, 1);
    assert_int_equal(page[0].due_ms, 9000);
    assert_int_equal(page[0].reason, REASON_REFUSED);
    assert_string_equal(page[0].message->id, m->id);
    assert_string_equal(page[0].message->to, m->to);
    assert_string_equal(page[0].message->content, m->content);
    assert_string_equal(page[0].message->sender, m->sender);
    assert_string_equal(page[0].message->broadcast, m->broadcast);
    assert_string_equal(page[0].message->ref, m->ref);
    assert_true(page[0].message->content_hash == m->content_hash);
    assert_true(page[0].message->pair_hash == m->pair_hash);
    free_waiting(page, count);
    message_free(m);
}

static void test_waiting_of_others_is_left_out(void **state)
{
    struct box *b = *state;
    const struct ledger_filter others[] = {
        {.broadcast = "other"}, {.class_id = "B2"}, {.to = "+919800000002"}, {.id = "w9"}};
    struct waiting page[2];
    size_t count;

    admit_waiting(b, 1, 9000);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        const struct waiting_filter filter = {.match = &others[i]};

        assert_true(read_waiting(b->ledger, &filter, page, ARRAY_SIZE(page), &count));
        assert_int_equal(count, 0);
    }
}

/* ---- Recent attempts. */

struct attempts {
    uint64_t pair;
    struct past_attempt seen[8];
    unsigned count;
};

static void on_attempt(void *context, const struct past_attempt *attempt)
{
    struct attempts *a = context;

    assert_true(attempt->pair_hash == a->pair);
    a->seen[a->count++] = *attempt;
}

static void assert_past(const struct past_attempt *a, int64_t intended_ms, int64_t settled_ms)
{
    assert_int_equal(a->intended_ms, intended_ms);
    assert_int_equal(a->settled_ms, settled_ms);
}

static void test_recent_attempts(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    struct message *n = message_with("id-2", "[]");
    struct attempts seen = {.pair = m->pair_hash};
    struct record r = admit(b, m, true), late;
    struct err e;

    conclude(b, &r, 1, &REFUSED);
    intend(b, &r, 2); /* at 2002 */
    late = (struct record){.kind = RECORD_ADMIT, .message = n, .at_ms = 1500, .intend = true};
    box_do(b, &late);
    assert_true(ledger_recent_attempts(b->ledger, 900, on_attempt, &seen, &e));
    assert_int_equal(seen.count, 3);
    assert_past(&seen.seen[0], 1500, 1500); /* no outcome yet */
    assert_past(&seen.seen[1], 2002, 2002);
    assert_past(&seen.seen[2], 1000, 3001);
    seen.count = 0;
    assert_true(ledger_recent_attempts(b->ledger, 1200, on_attempt, &seen, &e));
    assert_int_equal(seen.count, 2);
    message_free(m);
    message_free(n);
}

/* ---- Retry. */

static struct record admit_concluded(struct box *b, const char *id, const struct outcome *o)
{
    struct message *m = message_with(id, "[]");
    struct record r = admit(b, m, true);

    conclude(b, &r, 1, o);
    message_free(m);
    r.message = NULL;
    return r;
}

static void test_retry_opens_failed_ones(void **state)
{
    struct box *b = *state;
    const struct ledger_filter all = {0}, other = {.code = 1};
    struct waiting page[2];
    size_t count;
    uint64_t opened;
    struct err e;

    (void)admit_concluded(b, "good", &ACCEPTED);
    (void)admit_concluded(b, "bad", &FAILED);
    assert_true(ledger_reopen(b->ledger, &other, &opened, &e));
    assert_int_equal(opened, 0);
    assert_true(ledger_reopen(b->ledger, &all, &opened, &e));
    assert_int_equal(opened, 1);
    assert_true(ledger_reopen(b->ledger, &all, &opened, &e));
    assert_int_equal(opened, 0);
    assert_int_equal(state_of(b, "bad"), STATE_WAITING);
    assert_int_equal(state_of(b, "good"), STATE_ACCEPTED);
    assert_int_equal(tally_of(b, "results", STATE_FAILED), 0);
    assert_int_equal(tally_of(b, "results", STATE_WAITING), 1);
    assert_true(read_waiting(b->ledger, &(struct waiting_filter){0}, page, 2, &count));
    assert_int_equal(count, 1);
    assert_int_equal(page[0].attempt, 1);
    assert_int_equal(page[0].tries, 0);
    assert_int_equal(page[0].reason, REASON_RETRY);
    free_waiting(page, count);
}

static void test_retried_one_is_sent(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("bad", "[]");
    struct record r = admit(b, m, true);
    uint64_t opened;
    struct err e;

    conclude(b, &r, 1, &FAILED);
    assert_true(ledger_reopen(b->ledger, &(struct ledger_filter){0}, &opened, &e));
    intend(b, &r, 2);
    conclude(b, &r, 2, &ACCEPTED);
    assert_false(b->broken);
    assert_int_equal(state_of(b, "bad"), STATE_ACCEPTED);
    message_free(m);
}

/* ---- Reading. */

struct rows {
    struct ledger_row row; /* the last one; without its message */
    char ids[64];          /* "a b c " */
    char wamid[OUTCOME_WAMID_MAX];
};

static bool on_row(void *context, const struct ledger_row *row)
{
    struct rows *rows = context;
    size_t used = strlen(rows->ids);

    rows->row = *row;
    (void)snprintf(rows->ids + used, sizeof(rows->ids) - used, "%s ", row->message->id);
    return true;
}

static struct rows read_rows(struct box *b, const struct ledger_filter *filter)
{
    struct rows rows = {0};
    struct ledger_reader *reader;
    struct err e;

    assert_true(ledger_reader_open(b->path, &reader, &e));
    assert_true(ledger_read(reader, filter, on_row, &rows, &e));
    ledger_reader_close(reader);
    return rows;
}

static void check_ids(struct box *b, const struct ledger_filter filter, const char *expected)
{
    assert_string_equal(read_rows(b, &filter).ids, expected);
}

static void check_filters(struct box *b)
{
    check_ids(b, (struct ledger_filter){0}, "a b c ");
    check_ids(b, (struct ledger_filter){.recent = 2}, "c b ");
    check_ids(b, (struct ledger_filter){.id = "b"}, "b ");
    check_ids(b, (struct ledger_filter){.id = "d"}, "");
    check_ids(b, (struct ledger_filter){.states = 1U << STATE_FAILED}, "b ");
    check_ids(b, (struct ledger_filter){.states = 1U << STATE_FAILED | 1U << STATE_SENDING},
              "b c ");
    check_ids(b, (struct ledger_filter){.code = 131026}, "b ");
    check_ids(b, (struct ledger_filter){.to = "+919800000001", .recent = 1}, "c ");
    check_ids(b, (struct ledger_filter){.to = "+919800000002"}, "");
    check_ids(b, (struct ledger_filter){.class_id = "A1", .test_num = "2"}, "");
    check_ids(b, (struct ledger_filter){.broadcast = "results"}, "a b c ");
    check_ids(b, (struct ledger_filter){.broadcast = "resul"}, "");
    check_ids(b, (struct ledger_filter){.since_ms = 2000}, "a b ");
    check_ids(b, (struct ledger_filter){.until_ms = 2000}, "c ");
}

static void test_filters_beside_the_writer_and_after_it(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("c", "[]");

    (void)admit_concluded(b, "a", &ACCEPTED);
    (void)admit_concluded(b, "b", &FAILED);
    (void)admit(b, m, true);
    check_filters(b);
    ledger_close(b->ledger);
    b->ledger = NULL;
    check_filters(b); /* nobody has it open: `c` is still sending */
    box_open(b);
    check_ids(b, (struct ledger_filter){.states = 1U << STATE_UNKNOWN}, "c ");
    message_free(m);
}

static void test_row_is_whole(void **state)
{
    struct box *b = *state;
    struct rows rows;

    (void)admit_concluded(b, "b", &FAILED);
    rows = read_rows(b, &(struct ledger_filter){0});
    assert_int_equal(rows.row.attempts, 1);
    assert_int_equal(rows.row.at_ms, 3001);
    assert_int_equal(rows.row.outcome.state, STATE_FAILED);
    assert_int_equal(rows.row.outcome.code, 131026);
    assert_int_equal(rows.row.outcome.http_status, 400);
    assert_true(rows.row.outcome.counts);
    assert_string_equal(rows.row.outcome.title, FAILED.title);
    assert_string_equal(rows.row.outcome.details, FAILED.details);
    assert_string_equal(rows.row.outcome.trace, FAILED.trace);
    (void)admit_concluded(b, "a", &ACCEPTED);
    rows = read_rows(b, &(struct ledger_filter){.id = "a"});
    assert_string_equal(rows.row.outcome.wamid, ACCEPTED.wamid);
    assert_int_equal(rows.row.outcome.latency_us, 301234);
}

static void test_count_with_and_without_the_tally(void **state)
{
    struct box *b = *state;
    const struct ledger_filter by_tally = {.states = 1U << STATE_ACCEPTED},
                               by_rows = {.class_id = "A1", .states = 1U << STATE_ACCEPTED};
    struct ledger_reader *reader;
    uint64_t tally[STATE_COUNT], rows[STATE_COUNT];
    struct err e;

    (void)admit_concluded(b, "a", &ACCEPTED);
    (void)admit_concluded(b, "b", &FAILED);
    assert_true(ledger_reader_open(b->path, &reader, &e));
    assert_true(ledger_count(reader, &by_tally, tally, &e));
    assert_true(ledger_count(reader, &by_rows, rows, &e));
    assert_memory_equal(tally, rows, sizeof(rows));
    assert_int_equal(rows[STATE_ACCEPTED], 1);
    assert_int_equal(rows[STATE_FAILED], 0);
    ledger_reader_close(reader);
}

struct history {
    struct ledger_attempt attempts[8];
    unsigned count;
};

static void on_history(void *context, const struct ledger_attempt *attempt)
{
    struct history *h = context;

    h->attempts[h->count++] = *attempt;
}

static void test_history(void **state)
{
    struct box *b = *state;
    struct message *m = message_with("id-1", "[]");
    const struct outcome cancelled = {.state = STATE_SKIPPED, .reason = REASON_CANCELLED};
    struct record r = admit(b, m, true);
    struct history h = {0};
    struct ledger_reader *reader;
    struct err e;

    conclude(b, &r, 1, &REFUSED);
    intend(b, &r, 2);
    assert_true(ledger_reader_open(b->path, &reader, &e));
    assert_true(ledger_history(reader, r.number, on_history, &h, &e));
    assert_int_equal(h.count, 2);
    assert_int_equal(h.attempts[0].at_ms, 1000);
    assert_int_equal(h.attempts[0].done_ms, 3001);
    assert_int_equal(h.attempts[0].outcome.code, 131056);
    assert_int_equal(h.attempts[1].attempt, 2);
    assert_int_equal(h.attempts[1].at_ms, 2002);
    assert_int_equal(h.attempts[1].done_ms, 0);
    assert_int_equal(h.attempts[1].outcome.state, STATE_SENDING);
    conclude(b, &r, 2, &REFUSED);
    conclude(b, &r, 0, &cancelled);
    h.count = 0;
    assert_true(ledger_history(reader, r.number, on_history, &h, &e));
    assert_int_equal(h.count, 3);
    assert_int_equal(h.attempts[2].at_ms, 0); /* no attempt: a decision */
    assert_int_equal(h.attempts[2].outcome.reason, REASON_CANCELLED);
    ledger_reader_close(reader);
    message_free(m);
}

static void test_codes_most_first(void **state)
{
    struct box *b = *state;
    const struct outcome other = {.state = STATE_FAILED, .reason = REASON_REFUSED, .code = 131049};
    struct ledger_code_count codes[4];
    struct ledger_reader *reader;
    size_t count;
    struct err e;

    (void)admit_concluded(b, "a", &ACCEPTED);
    (void)admit_concluded(b, "b", &other);
    (void)admit_concluded(b, "c", &FAILED);
    (void)admit_concluded(b, "d", &FAILED);
    assert_true(ledger_reader_open(b->path, &reader, &e));
    assert_true(read_codes(reader, "results", codes, ARRAY_SIZE(codes), &count));
    assert_int_equal(count, 2);
    assert_int_equal(codes[0].code, 131026);
    assert_int_equal(codes[0].count, 2);
    assert_string_equal(codes[0].title, FAILED.title);
    assert_int_equal(codes[1].code, 131049);
    assert_true(read_codes(reader, "other", codes, ARRAY_SIZE(codes), &count));
    assert_int_equal(count, 0);
    ledger_reader_close(reader);
}

static void test_reader_without_a_ledger(void **state)
{
    struct box *b = *state;
    struct ledger_reader *reader;
    char path[160];
    struct err e;

    (void)snprintf(path, sizeof(path), "%s/none.db", b->folder);
    assert_false(ledger_reader_open(path, &reader, &e));
    assert_int_equal(e.code, EXIT_NO_INPUT);
    assert_int_not_equal(access(path, F_OK), 0); /* it makes nothing */
}

#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_broadcast_is_kept),
        WITH_BOX(test_broadcast_counts),
        WITH_BOX(test_waiting_is_read_in_pages),
        WITH_BOX(test_waiting_that_is_due),
        WITH_BOX(test_waiting_is_whole),
        WITH_BOX(test_waiting_of_others_is_left_out),
        WITH_BOX(test_recent_attempts),
        WITH_BOX(test_retry_opens_failed_ones),
        WITH_BOX(test_retried_one_is_sent),
        WITH_BOX(test_filters_beside_the_writer_and_after_it),
        WITH_BOX(test_row_is_whole),
        WITH_BOX(test_count_with_and_without_the_tally),
        WITH_BOX(test_history),
        WITH_BOX(test_codes_most_first),
        WITH_BOX(test_reader_without_a_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
