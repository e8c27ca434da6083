/* SPDX-License-Identifier: MIT
 *
 * store_recover.c: what an open does before anything else.
 *
 * Happy path: the next number and the marks are read; the keys above the index' mark go into
 * memory; messages from `low` on whose attempt has no outcome, and those that `open` says are being
 * sent, become unknown: a crash took the answer. One transaction; a crash in it changes nothing.
 */
#include "ledger/store_internal.h"

#include "base/clock.h"
#include "base/hash.h"
#include "ledger/pack.h"
#include "ledger/schema.h"

#include <string.h>

enum {
    PAGE = 512, /* messages collected before they are changed */
};

static bool read_marks(struct store *s, struct err *e)
{
    int64_t newest, low, id;

    if (!db_ask(s->db, "SELECT max(number) FROM message", &newest, e) ||
        !meta_get(s->db, META_LOW, &low, e) || !meta_get(s->db, META_LEDGER_ID, &id, e))
        return false;
    if (low > newest + 1 || (int64_t)key_index_mark(s->keys) > newest)
        return err_set(e, EXIT_LEDGER_IO,
                       "ledger %s is damaged: its newest message is %lld, its marks are beyond; "
                       "restore a copy",
                       s->db->path, (long long)newest);
    s->next_number = (uint64_t)newest + 1;
    s->low = low > 0 ? (uint64_t)low : 1;
    s->low_saved = s->low;
    s->facts.id = (uint64_t)id;
    return true;
}

static bool fill_keys(struct store *s, struct err *e)
{
    char id[MESSAGE_ID_MAX + 1];
    sqlite3_stmt *query;
    bool row = true, sound;

    if (!db_prepare(s->db, "SELECT number, id FROM message WHERE number>?1 ORDER BY number", &query,
                    e))
        return false;
    (void)sqlite3_bind_int64(query, 1, (int64_t)key_index_mark(s->keys)); /* the index is right */
    while ((sound = db_next(s->db, query, &row, e)) && row) {
        pack_column_id(query, 1, id);
        sound = key_index_add(s->keys, hash64(id, strlen(id)),
                              (uint64_t)sqlite3_column_int64(query, 0), e);
        if (!sound)
            break;
    }
    db_finish(query);
    return sound;
}

/* ---- What was interrupted. */

struct found {
    uint64_t number;
    int64_t broadcast;
};

#define UNFINISHED_FIRST                                                            \
    "SELECT m.number, m.broadcast FROM message m WHERE m.number>=?1 AND m.intended" \
    " AND NOT EXISTS(SELECT 1 FROM open o WHERE o.number=m.number)"                 \
    " AND NOT EXISTS(SELECT 1 FROM outcome x"                                       \
    " WHERE x.key BETWEEN m.number<<17 AND m.number<<17|131071)"                    \
    " ORDER BY m.number LIMIT ?2"

#define UNFINISHED_LATER                                                                 \
    "SELECT o.number, m.broadcast FROM open o CROSS JOIN message m ON m.number=o.number" \
    " WHERE o.number>=?1 AND o.state=2 ORDER BY o.number LIMIT ?2"

static bool collect(struct store *s, sqlite3_stmt *query, struct found *out, size_t *count,
                    struct err *e)
{
    bool row = true;

    for (*count = 0;; (*count)++) {
        if (!db_next(s->db, query, &row, e))
            return false;
        if (!row)
            return true;
        out[*count].number = (uint64_t)sqlite3_column_int64(query, 0);
        out[*count].broadcast = sqlite3_column_int64(query, 1);
    }
}

static bool interrupt(struct store *s, const struct found *found, struct err *e)
{
    static const struct outcome interrupted = {
        .state = STATE_UNKNOWN,
        .reason = REASON_INTERRUPTED,
        .counts = true,
    };
    struct settlement m = {
        .number = found->number,
        .broadcast = found->broadcast,
        .outcome = &interrupted,
        .at_ms = clock_wall_ms(),
    };

    if (!standing_get(&s->scan.standings, found->number, &m.from, e))
        return false;
    m.tries = m.from.tries + 1;
    s->facts.interrupted++;
    return store_settle(s, &m, e);
}

/* A page is read whole before it is changed. */
static bool interrupt_all(struct store *s, const char *sql, uint64_t from, struct err *e)
{
    struct found page[PAGE];
    size_t count = PAGE;
    sqlite3_stmt *query;

    if (!db_prepare(s->db, sql, &query, e))
        return false;
    (void)sqlite3_bind_int(query, 2, PAGE); /* the indexes are right */
    while (count == PAGE) {
        (void)sqlite3_bind_int64(query, 1, (int64_t)from);
        if (!collect(s, query, page, &count, e))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!interrupt(s, &page[i], e))
                return false;
        from = count ? page[count - 1].number + 1 : from;
    }
    return true;
}

/* Intents and outcomes: a request may get on the wire long after its intent, but not after its
 * outcome. Looks back over 100,000 messages, and over the later attempts of ten minutes, not over
 * any number of them. */
static const char *const last_attempts[] = {
    "SELECT max(created_ms) FROM (SELECT created_ms, intended FROM message"
    " ORDER BY number DESC LIMIT 100000) WHERE intended",
    "SELECT max(at_ms) FROM (SELECT at_ms FROM outcome ORDER BY key DESC LIMIT 100000)",
    "SELECT max(at_ms) FROM attempt",
    "SELECT max(o.at_ms) FROM attempt a CROSS JOIN outcome o ON o.key=a.key"
    " WHERE a.at_ms>(SELECT max(at_ms) FROM attempt)-600000",
};

/* What was interrupted may have got on the wire until a moment ago. */
static bool read_last_attempt(struct store *s, struct err *e)
{
    int64_t *last_ms = &s->facts.last_attempt_ms;
    int64_t at_ms;

    *last_ms = s->facts.interrupted ? clock_wall_ms() : 0;
    for (size_t i = 0; i < ARRAY_SIZE(last_attempts); i++) {
        if (!db_ask(s->db, last_attempts[i], &at_ms, e))
            return false;
        *last_ms = at_ms > *last_ms ? at_ms : *last_ms;
    }
    return true;
}

static bool read_totals(struct store *s, struct err *e)
{
    sqlite3_stmt *query;
    bool row = true, sound;

    if (!db_prepare(s->db, "SELECT state, sum(count) FROM tally GROUP BY state", &query, e))
        return false;
    while ((sound = db_next(s->db, query, &row, e)) && row) {
        int state = sqlite3_column_int(query, 0);

        if (state > 0 && state < STATE_COUNT)
            s->totals[state] = sqlite3_column_int64(query, 1);
    }
    db_finish(query);
    return sound;
}

static bool read_publishes(struct store *s, struct err *e)
{
    int64_t publishes;

    if (!meta_get(s->db, META_PUBLISHES, &publishes, e))
        return false;
    s->publishes = publishes != 0;
    return true;
}

bool store_recover(struct store *s, struct err *e)
{
    if (!store_begin(s, e) || !read_totals(s, e) || !read_publishes(s, e) || !read_marks(s, e) ||
        !fill_keys(s, e))
        return false;
    return interrupt_all(s, UNFINISHED_FIRST, s->low, e) &&
           interrupt_all(s, UNFINISHED_LATER, 1, e) && read_last_attempt(s, e) &&
           store_commit(s, e);
}
