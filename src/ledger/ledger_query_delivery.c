/* SPDX-License-Identifier: MIT
 *
 * ledger_query_delivery.c: what webhooks said, for people. A ledger of version 1, which a reader
 * reads as it is, has no tables for it.
 */
#include "ledger/ledger_query_internal.h"

#include "base/text.h"
#include "ledger/delivery_row.h"
#include "ledger/pack.h"
#include "ledger/schema.h"

#include <string.h>

bool reader_open_deliveries(struct ledger_reader *r, struct err *e)
{
    int64_t tables;

    if (!db_ask(r->db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('delivery', 'twin')",
                &tables, e))
        return false;
    return tables < 2 ||
           db_prepare(r->db, "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE number=?1",
                      &r->delivery, e);
}

bool reader_delivery(struct ledger_reader *r, uint64_t number, struct ledger_delivery *out,
                     struct err *e)
{
    bool row = false;

    *out = (struct ledger_delivery){0};
    if (!r->delivery)
        return true;
    (void)sqlite3_bind_int64(r->delivery, 1, (int64_t)number); /* the index is right */
    if (!db_next(r->db, r->delivery, &row, e))
        return false;
    if (!row)
        return true;
    delivery_columns(r->delivery, out);
    (void)sqlite3_reset(r->delivery); /* a query that was left early */
    return true;
}

/* ---- Twins. */

static bool read_twins(struct ledger_reader *r, sqlite3_stmt *query, ledger_twin_fn on_twin,
                       void *context, struct err *e)
{
    struct ledger_twin twin;
    bool row;

    while (true) {
        if (!db_next(r->db, query, &row, e))
            return false;
        if (!row)
            return true;
        twin.attempt = key_attempt(sqlite3_column_int64(query, 0));
        twin.at_ms = sqlite3_column_int64(query, 1);
        pack_column_wamid(query, 2, twin.wamid);
        on_twin(context, &twin);
    }
}

bool ledger_twins(struct ledger_reader *r, uint64_t number, ledger_twin_fn on_twin, void *context,
                  struct err *e)
{
    sqlite3_stmt *query;
    bool sound;

    if (!r->delivery)
        return true;
    if (!db_prepare(r->db,
                    "SELECT key, at_ms, wamid FROM twin WHERE " KEY_OF_MESSAGE_1 " ORDER BY key",
                    &query, e))
        return false;
    (void)sqlite3_bind_int64(query, 1, (int64_t)number); /* the index is right */
    sound = read_twins(r, query, on_twin, context, e);
    db_finish(query);
    return sound;
}

/* ---- Counts. */

#define STATUSES                                                              \
    "SELECT d.status, CASE d.status WHEN 2 THEN d.code ELSE 0 END, count(*)," \
    " max(d.title) FROM delivery d CROSS JOIN message m ON m.number=d.number" \
    " WHERE (?1 IS NULL OR m.broadcast=?1) GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"

#define TWINS                                                                \
    "SELECT count(*) FROM twin t CROSS JOIN message m ON m.number=t.key>>17" \
    " WHERE (?1 IS NULL OR m.broadcast=?1)"

/* Without those that surely did not leave: not sent, withdrawn. */
#define RESENT                                                                          \
    "SELECT count(*) FROM outcome u CROSS JOIN attempt a"                               \
    " ON a.key BETWEEN u.key+1 AND u.key|131071"                                        \
    " CROSS JOIN message m ON m.number=u.key>>17"                                       \
    " WHERE u.state=5 AND (?1 IS NULL OR m.broadcast=?1)"                               \
    " AND NOT EXISTS(SELECT 1 FROM outcome o WHERE o.key=a.key AND o.reason IN (3, 4))" \
    " AND NOT EXISTS(SELECT 1 FROM outcome v WHERE v.state=5 AND v.key>u.key AND v.key<a.key)"

static void add_status(sqlite3_stmt *row, struct ledger_delivery_counts *out)
{
    int status = sqlite3_column_int(row, 0);
    const char *title = db_text(row, 3);
    struct ledger_code_count *c = &out->undelivered[out->undelivered_count];

    if (status <= WEBHOOK_NONE || status >= WEBHOOK_STATUS_COUNT)
        return;
    out->statuses[status] += (uint64_t)sqlite3_column_int64(row, 2);
    if (status != WEBHOOK_UNDELIVERED || out->undelivered_count == LEDGER_UNDELIVERED_MAX)
        return;
    *c = (struct ledger_code_count){.state = STATE_ACCEPTED,
                                    .code = sqlite3_column_int(row, 1),
                                    .count = (uint64_t)sqlite3_column_int64(row, 2)};
    text_copy(c->title, sizeof(c->title), title, strlen(title));
    out->undelivered_count++;
}

static bool read_statuses(struct ledger_reader *r, sqlite3_stmt *query,
                          struct ledger_delivery_counts *out, struct err *e)
{
    bool row;

    while (true) {
        if (!db_next(r->db, query, &row, e))
            return false;
        if (!row)
            return true;
        add_status(query, out);
    }
}

struct of_broadcast {
    bool is_one;
    int64_t word;
};

static bool prepare_for(struct ledger_reader *r, const char *sql, const struct of_broadcast *of,
                        sqlite3_stmt **query, struct err *e)
{
    if (!db_prepare(r->db, sql, query, e))
        return false;
    if (of->is_one)
        (void)sqlite3_bind_int64(*query, 1, of->word); /* the index is right */
    return true;
}

static bool count_by(struct ledger_reader *r, const char *sql, const struct of_broadcast *of,
                     uint64_t *out, struct err *e)
{
    sqlite3_stmt *query;
    int64_t count;
    bool sound;

    if (!prepare_for(r, sql, of, &query, e))
        return false;
    sound = db_number(r->db, query, 0, &count, e);
    db_finish(query);
    *out = sound ? (uint64_t)count : 0;
    return sound;
}

static bool count_all(struct ledger_reader *r, const struct of_broadcast *of,
                      struct ledger_delivery_counts *out, struct err *e)
{
    sqlite3_stmt *query;
    bool sound;

    if (!count_by(r, RESENT, of, &out->resent, e))
        return false;
    if (!r->delivery)
        return true;
    if (!count_by(r, TWINS, of, &out->twins, e) || !prepare_for(r, STATUSES, of, &query, e))
        return false;
    sound = read_statuses(r, query, out, e);
    db_finish(query);
    return sound;
}

bool ledger_count_deliveries(struct ledger_reader *r, const char *broadcast,
                             struct ledger_delivery_counts *out, struct err *e)
{
    struct of_broadcast of = {.is_one = broadcast != NULL};

    *out = (struct ledger_delivery_counts){0};
    return reader_begin(r, e) &&
           reader_end(r, reader_word(r, broadcast, &of.word, e) && count_all(r, &of, out, e));
}

bool ledger_count_resent(struct ledger_reader *r, uint64_t *out, struct err *e)
{
    const struct of_broadcast all = {0};

    *out = 0;
    return reader_begin(r, e) && reader_end(r, count_by(r, RESENT, &all, out, e));
}
