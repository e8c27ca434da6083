/* SPDX-License-Identifier: MIT
 *
 * test_ledger_scene.h: a ledger with one message that is under way, of which webhooks speak.
 */
#ifndef TEST_LEDGER_SCENE_H
#define TEST_LEDGER_SCENE_H

#include "test_ledger_support.h"

#include "base/hash.h"
#include "ledger/db.h"

static const struct outcome ACCEPTED = {
    .state = STATE_ACCEPTED, .http_status = 200, .counts = true, .wamid = "wamid.A"};
static const struct outcome FAILED = {
    .state = STATE_FAILED, .reason = REASON_REFUSED, .code = 131026, .counts = true};
static const struct outcome UNKNOWN = {
    .state = STATE_UNKNOWN, .reason = REASON_NO_ANSWER, .counts = true};
static const struct outcome RESENT = {
    .state = STATE_UNKNOWN, .reason = REASON_NO_ANSWER, .next_ms = 9000, .counts = true};
static const struct outcome REFUSED = {
    .state = STATE_WAITING, .reason = REASON_REFUSED, .code = 131056, .next_ms = 9000};

/* A box with message "a". */
struct scene {
    struct box *box;
    struct message *message;
    struct record record;
};

static inline int setup(void **state)
{
    struct scene *s = MEM_NEW(struct scene);

    s->box = box_new();
    s->message = message_in("x", "a");
    s->record = admit(s->box, s->message, true);
    *state = s;
    return 0;
}

static inline int teardown(void **state)
{
    struct scene *s = *state;

    message_free(s->message);
    box_free(s->box);
    mem_free(s);
    return 0;
}

static inline void answer(struct scene *s, unsigned attempt, const struct outcome *o)
{
    conclude(s->box, &s->record, attempt, o);
}

/* A status of message "a". */
static inline struct ledger_status status_of(struct scene *s, enum webhook_status status,
                                             const char *wamid)
{
    struct ledger_status told = {
        .has_opaque = true,
        .opaque = {ledger_facts(s->box->ledger)->id, s->message->id_hash, 1},
        .status = status,
        .at_ms = 1000000 + 1000 * (int64_t)status,
    };

    (void)snprintf(told.wamid, sizeof(told.wamid), "%s", wamid);
    return told;
}

static inline void put(struct box *b, struct ledger_status *items, size_t count)
{
    struct ledger_statuses statuses = {ERRAND, .items = items, .count = count, .at_ms = 2000000};

    BOX_RUN(b, ledger_put_statuses, &statuses);
}

static inline struct ledger_status tell(struct scene *s, enum webhook_status status,
                                        const char *wamid)
{
    struct ledger_status told = status_of(s, status, wamid);

    put(s->box, &told, 1);
    return told;
}

/* The first row of a query over the file, its columns as "1|2|-|"; "-" is NULL. */
static inline void check_query(struct box *b, const char *sql, const char *expected)
{
    char found[512] = "";
    sqlite3_stmt *query;
    struct db *db;
    struct err e;
    bool row;

    assert_true(db_open(b->path, DB_READ, &db, &e));
    if (!db_prepare(db, sql, &query, &e))
        fail_msg("%s", e.text);
    assert_true(db_next(db, query, &row, &e));
    for (int i = 0; row && i < sqlite3_column_count(query); i++) {
        size_t used = strlen(found);
        bool null = sqlite3_column_type(query, i) == SQLITE_NULL;

        (void)snprintf(found + used, sizeof(found) - used, "%s|", null ? "-" : db_text(query, i));
    }
    db_close(db, false);
    assert_string_equal(found, expected);
}

#define DELIVERY                                                                      \
    "SELECT status, sent_ms, delivered_ms, read_ms, undelivered_ms, code, title FROM" \
    " delivery"

static inline void check_outcome(struct scene *s, enum state state, enum reason reason,
                                 const char *wamid)
{
    struct outcome found = {0};
    struct record r = {.kind = RECORD_PROBE, .message = s->message, .found = &found};

    box_do(s->box, &r);
    assert_int_equal(found.state, state);
    assert_int_equal(found.reason, reason);
    assert_string_equal(found.wamid, wamid);
    assert_int_equal(tally_of(s->box, "x", state), 1);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
