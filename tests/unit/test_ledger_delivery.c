/* SPDX-License-Identifier: MIT
 *
 * What a reader sees of webhooks: the status of a row, filters by it, twins, counts and codes.
 */
#include "test_ledger_support.h"

static const struct outcome ACCEPTED = {
    .state = STATE_ACCEPTED, .http_status = 200, .counts = true, .wamid = "wamid.A"};
static const struct outcome UNKNOWN = {
    .state = STATE_UNKNOWN, .reason = REASON_NO_ANSWER, .counts = true};
static const struct outcome RESENT = {
    .state = STATE_UNKNOWN, .reason = REASON_NO_ANSWER, .next_ms = 9000, .counts = true};
static const struct outcome NOT_SENT = {
    .state = STATE_WAITING, .reason = REASON_NOT_SENT, .next_ms = 9000};

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

/* Message `id` of `broadcast`, with that outcome of its first attempt. */
static struct record make(struct box *b, const char *broadcast, const char *id,
                          const struct outcome *o)
{
    struct message *m = message_in(broadcast, id);
    struct record r = admit(b, m, true);

    conclude(b, &r, 1, o);
    message_free(m);
    return r;
}

static void tell(struct box *b, const char *id, enum webhook_status status, int code,
                 const char *wamid)
{
    struct message *m = message_in("", id);
    struct ledger_status told = {.has_opaque = true,
                                 .opaque = {ledger_facts(b->ledger)->id, m->id_hash, 1},
                                 .status = status,
                                 .at_ms = 5000 + (int64_t)status,
                                 .code = code};
    struct ledger_statuses statuses = {ERRAND, .items = &told, .count = 1, .at_ms = 6000};

    (void)snprintf(told.wamid, sizeof(told.wamid), "%s", wamid);
    (void)snprintf(told.title, sizeof(told.title), "title %d", code);
    BOX_RUN(b, ledger_put_statuses, &statuses);
    message_free(m);
}

static struct ledger_reader *open_reader(struct box *b)
{
    struct ledger_reader *reader;
    struct err e;

    assert_true(ledger_reader_open(b->path, &reader, &e));
    return reader;
}

struct rows {
    char found[128]; /* "id=status " */
    struct ledger_delivery last;
};

static bool on_row(void *context, const struct ledger_row *row)
{
    struct rows *rows = context;
    size_t used = strlen(rows->found);

    rows->last = row->delivery;
    (void)snprintf(rows->found + used, sizeof(rows->found) - used, "%s=%s ", row->message->id,
                   webhook_status_name(row->delivery.status));
    return true;
}

static struct rows read_rows(struct box *b, struct ledger_filter filter)
{
    struct ledger_reader *reader = open_reader(b);
    struct rows rows = {.found = ""};
    struct err e;

    assert_true(ledger_read(reader, &filter, on_row, &rows, &e));
    ledger_reader_close(reader);
    return rows;
}

static void check_rows(struct box *b, struct ledger_filter filter, const char *expected)
{
    assert_string_equal(read_rows(b, filter).found, expected);
}

static void tell_five(struct box *b)
{
    (void)make(b, "x", "a", &ACCEPTED);
    (void)make(b, "x", "b", &ACCEPTED);
    (void)make(b, "x", "c", &ACCEPTED);
    (void)make(b, "y", "d", &ACCEPTED);
    (void)make(b, "x", "e", &ACCEPTED);
    tell(b, "a", WEBHOOK_READ, 0, "wamid.A");
    tell(b, "b", WEBHOOK_UNDELIVERED, 131049, "wamid.A");
    tell(b, "c", WEBHOOK_UNDELIVERED, 131049, "wamid.A");
    tell(b, "d", WEBHOOK_UNDELIVERED, 131026, "wamid.A");
}

static void test_rows_and_filters(void **state)
{
    struct box *b = *state;
    const unsigned undelivered = 1U << WEBHOOK_UNDELIVERED, read = 1U << WEBHOOK_READ;
    struct rows rows;

    tell_five(b);
    check_rows(b, (struct ledger_filter){0},
               "a=read b=undelivered c=undelivered d=undelivered e= ");
    check_rows(b, (struct ledger_filter){.statuses = undelivered},
               "b=undelivered c=undelivered d=undelivered ");
    check_rows(b, (struct ledger_filter){.statuses = undelivered | read, .recent = 2},
               "d=undelivered c=undelivered ");
    check_rows(b, (struct ledger_filter){.statuses = 1U << WEBHOOK_NONE}, "e= ");
    check_rows(b, (struct ledger_filter){.code = 131049}, "b=undelivered c=undelivered ");
    check_rows(b, (struct ledger_filter){.code = 131049, .recent = 1}, "c=undelivered ");
    tell(b, "c", WEBHOOK_READ, 0, "wamid.A"); /* all the same */
    check_rows(b, (struct ledger_filter){.code = 131049}, "b=undelivered ");
    rows = read_rows(b, (struct ledger_filter){.id = "b"});
    assert_int_equal(rows.last.code, 131049);
    assert_string_equal(rows.last.title, "title 131049");
    assert_int_equal(rows.last.at_ms[WEBHOOK_UNDELIVERED], 5002);
    assert_int_equal(rows.last.at_ms[WEBHOOK_READ], 0);
}

static void test_counts_by_status(void **state)
{
    struct box *b = *state;
    const struct ledger_filter filter = {.broadcast = "x", .statuses = 1U << WEBHOOK_UNDELIVERED};
    const struct ledger_filter of_code = {.broadcast = "x", .code = 131049};
    struct ledger_reader *reader;
    uint64_t counts[STATE_COUNT];
    struct err e;

    tell_five(b);
    reader = open_reader(b);
    assert_true(ledger_count(reader, &filter, counts, &e));
    assert_int_equal(counts[STATE_ACCEPTED], 2);
    assert_true(ledger_count(reader, &of_code, counts, &e));
    assert_int_equal(counts[STATE_ACCEPTED], 2);
    ledger_reader_close(reader);
}

static struct ledger_delivery_counts count_deliveries(struct box *b, const char *broadcast)
{
    struct ledger_reader *reader = open_reader(b);
    struct ledger_delivery_counts counts;
    struct err e;

    assert_true(ledger_count_deliveries(reader, broadcast, &counts, &e));
    ledger_reader_close(reader);
    return counts;
}

static uint64_t count_resent(struct box *b)
{
    struct ledger_reader *reader = open_reader(b);
    uint64_t count;
    struct err e;

    assert_true(ledger_count_resent(reader, &count, &e));
    ledger_reader_close(reader);
    return count;
}

static void test_deliveries_of_a_broadcast(void **state)
{
    struct box *b = *state;
    struct ledger_delivery_counts counts;

    tell_five(b);
    counts = count_deliveries(b, "x");
    assert_int_equal(counts.statuses[WEBHOOK_READ], 1);
    assert_int_equal(counts.statuses[WEBHOOK_UNDELIVERED], 2);
    assert_int_equal(counts.undelivered_count, 1);
    assert_int_equal(counts.undelivered[0].code, 131049);
    assert_int_equal(counts.undelivered[0].count, 2);
    counts = count_deliveries(b, NULL);
    assert_int_equal(counts.undelivered_count, 2);
    assert_int_equal(counts.undelivered[0].count, 2);
    assert_int_equal(counts.undelivered[1].code, 131026);
    assert_int_equal(count_deliveries(b, "nobody").statuses[WEBHOOK_READ], 0);
}

/* Only what may really have been a second copy, each attempt once. */
static void test_possible_duplicates(void **state)
{
    struct box *b = *state;
    struct message *m = message_in("x", "a");
    struct record r = admit(b, m, true);

    conclude(b, &r, 1, &RESENT);
    assert_int_equal(count_deliveries(b, "x").resent, 0);
    intend(b, &r, 2);
    conclude(b, &r, 2, &NOT_SENT);
    assert_int_equal(count_deliveries(b, "x").resent, 0);
    intend(b, &r, 3);
    conclude(b, &r, 3, &RESENT);
    assert_int_equal(count_deliveries(b, "x").resent, 1);
    intend(b, &r, 4);
    conclude(b, &r, 4, &ACCEPTED);
    assert_int_equal(count_deliveries(b, "x").resent, 2);
    assert_int_equal(count_deliveries(b, "y").resent, 0);
    assert_int_equal(count_resent(b), 2);
    message_free(m);
}

static void on_twin(void *context, const struct ledger_twin *twin)
{
    unsigned *count = context;

    assert_int_equal(twin->attempt, 1);
    assert_string_equal(twin->wamid, "wamid.B");
    (*count)++;
}

static void test_twins(void **state)
{
    struct box *b = *state;
    struct record r = make(b, "x", "a", &ACCEPTED);
    struct ledger_reader *reader;
    unsigned count = 0;
    struct err e;

    tell(b, "a", WEBHOOK_SENT, 0, "wamid.B");
    tell(b, "a", WEBHOOK_READ, 0, "wamid.B");
    assert_int_equal(count_deliveries(b, "x").twins, 1);
    reader = open_reader(b);
    assert_true(ledger_twins(reader, r.number, on_twin, &count, &e));
    assert_int_equal(count, 1);
    assert_true(ledger_twins(reader, r.number + 1, on_twin, &count, &e));
    assert_int_equal(count, 1);
    ledger_reader_close(reader);
}

/* The wamid of one that was settled by hand comes with its webhook. */
static void test_wamid_of_one_settled_by_hand(void **state)
{
    struct box *b = *state;
    struct record r = make(b, "x", "a", &UNKNOWN);
    struct ledger_settling by = {ERRAND, .numbers = &r.number, .count = 1, .to = STATE_ACCEPTED,
                                 .at_ms = 4000};

    BOX_RUN(b, ledger_settle_by_hand, &by);
    tell(b, "a", WEBHOOK_SENT, 0, "wamid.W");
    assert_string_equal(read_rows(b, (struct ledger_filter){.id = "a"}).last.wamid, "wamid.W");
}

/* Found by the table of open ones: neither more nor less than by reading all. */
static void test_unknown_ones_are_found(void **state)
{
    struct box *b = *state;

    (void)make(b, "x", "a", &UNKNOWN);
    (void)make(b, "x", "b", &ACCEPTED);
    (void)make(b, "y", "c", &UNKNOWN);
    (void)make(b, "x", "d", &RESENT);
    check_rows(b, (struct ledger_filter){.states = 1U << STATE_UNKNOWN}, "a= c= ");
    check_rows(b, (struct ledger_filter){.states = 1U << STATE_WAITING}, "d= ");
    check_rows(b, (struct ledger_filter){.states = 1U << STATE_UNKNOWN, .broadcast = "x"}, "a= ");
    check_rows(b, (struct ledger_filter){.states = 1U << STATE_UNKNOWN, .recent = 1}, "c= ");
    check_rows(b, (struct ledger_filter){.states = 1U << STATE_UNKNOWN, .id = "c"}, "c= ");
}

#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_rows_and_filters),
        WITH_BOX(test_counts_by_status),
        WITH_BOX(test_deliveries_of_a_broadcast),
        WITH_BOX(test_possible_duplicates),
        WITH_BOX(test_twins),
        WITH_BOX(test_wamid_of_one_settled_by_hand),
        WITH_BOX(test_unknown_ones_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
