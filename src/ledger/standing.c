/* SPDX-License-Identifier: MIT */
#include "ledger/standing.h"

#include "base/text.h"
#include "ledger/pack.h"
#include "ledger/schema.h"

#include <string.h>

bool standings_open(struct db *db, struct standings *out, struct err *e)
{
    const struct db_sql sqls[] = {
        {&out->open,
         "SELECT state, attempt, tries, due_ms, reason, at_ms FROM open WHERE number=?1"},
        {&out->newest, "SELECT state, key, reason, at_ms, code FROM outcome"
                       " WHERE " KEY_OF_MESSAGE_1 " ORDER BY key DESC LIMIT 1"},
        {&out->outcome, "SELECT " OUTCOME_COLUMNS " FROM outcome"
                        " WHERE " KEY_OF_MESSAGE_1 " ORDER BY key DESC LIMIT 1"},
    };

    out->db = db;
    return db_prepare_all(db, sqls, ARRAY_SIZE(sqls), e);
}

/* The first row of `query` for message `number`. */
static bool first_row(struct standings *s, sqlite3_stmt *query, uint64_t number, bool *row,
                      struct err *e)
{
    (void)sqlite3_bind_int64(query, 1, (int64_t)number); /* the index is right */
    return db_next(s->db, query, row, e);
}

static void read_open(sqlite3_stmt *query, struct standing *out)
{
    *out = (struct standing){
        .state = (enum state)sqlite3_column_int(query, 0),
        .open = true,
        .attempt = (unsigned)sqlite3_column_int(query, 1),
        .tries = (unsigned)sqlite3_column_int(query, 2),
        .due_ms = sqlite3_column_int64(query, 3),
        .reason = (enum reason)sqlite3_column_int(query, 4),
        .at_ms = sqlite3_column_int64(query, 5),
    };
}

static void read_newest(sqlite3_stmt *query, struct standing *out)
{
    *out = (struct standing){
        .state = (enum state)sqlite3_column_int(query, 0),
        .attempt = key_attempt(sqlite3_column_int64(query, 1)),
        .reason = (enum reason)sqlite3_column_int(query, 2),
        .at_ms = sqlite3_column_int64(query, 3),
        .code = sqlite3_column_int(query, 4),
    };
}

/* States are places in tables: a number from a file must be one. */
static bool check_state(const struct standings *s, uint64_t number, enum state state, struct err *e)
{
    if (state >= STATE_WAITING && state <= STATE_SKIPPED)
        return true;
    return err_set(e, EXIT_LEDGER_IO,
                   "ledger %s is damaged: message %llu is in state %d; restore a copy", s->db->path,
                   (unsigned long long)number, (int)state);
}

bool standing_get(struct standings *s, uint64_t number, struct standing *out, struct err *e)
{
    bool row;

    if (!first_row(s, s->open, number, &row, e))
        return false;
    if (row) {
        read_open(s->open, out);
        (void)sqlite3_reset(s->open); /* a query that was left early */
        return check_state(s, number, out->state, e);
    }
    if (!first_row(s, s->newest, number, &row, e))
        return false;
    if (row) {
        read_newest(s->newest, out);
        (void)sqlite3_reset(s->newest); /* a query that was left early */
        return check_state(s, number, out->state, e);
    }
    *out = (struct standing){.state = STATE_SENDING, .attempt = 1};
    return true;
}

static void copy(sqlite3_stmt *query, int at, char *out, size_t size)
{
    const char *text = db_text(query, at);

    text_copy(out, size, text, strlen(text));
}

void outcome_columns(sqlite3_stmt *query, int at, struct outcome *out)
{
    out->state = (enum state)sqlite3_column_int(query, at);
    out->reason = (enum reason)sqlite3_column_int(query, at + 1);
    out->code = sqlite3_column_int(query, at + 2);
    out->http_status = sqlite3_column_int(query, at + 3);
    out->next_ms = sqlite3_column_int64(query, at + 4);
    out->latency_us = sqlite3_column_int64(query, at + 5);
    out->counts = sqlite3_column_int(query, at + 6) != 0;
    pack_column_wamid(query, at + 7, out->wamid);
    copy(query, at + 8, out->title, sizeof(out->title));
    copy(query, at + 9, out->details, sizeof(out->details));
    copy(query, at + 10, out->trace, sizeof(out->trace));
}

bool standing_outcome(struct standings *s, uint64_t number, struct outcome *out, struct err *e)
{
    bool row;

    *out = (struct outcome){0};
    if (!first_row(s, s->outcome, number, &row, e))
        return false;
    if (!row)
        return true;
    outcome_columns(s->outcome, 0, out);
    (void)sqlite3_reset(s->outcome); /* a query that was left early */
    return true;
}
