/* SPDX-License-Identifier: MIT
 *
 * store_custody.c: what start-up and the end ask of the ledger: broadcasts, waiting messages,
 * recent attempts, and opening failed ones again.
 */
#include "ledger/store_internal.h"

#include "base/clock.h"
#include "base/hash.h"
#include "ledger/pack.h"
#include "ledger/row.h"
#include "ledger/schema.h"

#include <string.h>

/* Ends a query that was prepared for one call. */
static void finish(sqlite3_stmt *statement)
{
    (void)sqlite3_finalize(statement); /* the step told its error */
}

/* ---- Broadcasts. */

static bool read_counts(struct store *s, int64_t word, struct ledger_broadcast *out, struct err *e)
{
    sqlite3_stmt *counts;
    bool row = true, sound;

    if (!db_prepare(s->db, "SELECT state, count FROM tally WHERE broadcast=?1", &counts, e))
        return false;
    (void)sqlite3_bind_int64(counts, 1, word); /* the index is right */
    while ((sound = db_next(s->db, counts, &row, e)) && row) {
        int state = sqlite3_column_int(counts, 0);

        if (state > 0 && state < STATE_COUNT)
            out->counts[state] = (uint64_t)sqlite3_column_int64(counts, 1);
    }
    finish(counts);
    return sound;
}

static void read_hash(sqlite3_stmt *row, int at, unsigned char out[SHA256_SIZE])
{
    if (sqlite3_column_bytes(row, at) == SHA256_SIZE)
        memcpy(out, sqlite3_column_blob(row, at), SHA256_SIZE);
}

bool store_broadcast_find(struct store *s, const char *name, struct ledger_broadcast *out,
                          struct err *e)
{
    sqlite3_stmt *find;
    bool row, sound;
    int64_t word;

    *out = (struct ledger_broadcast){0};
    if (!words_find(s->words, name, &word, e))
        return false;
    if (!db_prepare(s->db,
                    "SELECT state, file_hash, plan_hash, created_ms FROM broadcast WHERE word=?1",
                    &find, e))
        return false;
    (void)sqlite3_bind_int64(find, 1, word); /* the index is right */
    sound = db_next(s->db, find, &row, e);
    if (sound && row) {
        out->number = (uint64_t)word;
        out->state = (enum broadcast_state)sqlite3_column_int(find, 0);
        read_hash(find, 1, out->file_hash);
        read_hash(find, 2, out->plan_hash);
        out->created_ms = sqlite3_column_int64(find, 3);
    }
    finish(find);
    return sound && (!row || read_counts(s, word, out, e));
}

static bool put_broadcast(struct store *s, int64_t word, const struct ledger_broadcast *b,
                          struct err *e)
{
    sqlite3_stmt *put;
    bool done;

    if (!db_prepare(s->db,
                    "INSERT INTO broadcast(word, state, file_hash, plan_hash, created_ms)"
                    " VALUES(?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE SET state=excluded.state,"
                    " file_hash=excluded.file_hash, plan_hash=excluded.plan_hash",
                    &put, e))
        return false;
    (void)sqlite3_bind_int64(put, 1, word); /* all indexes are right */
    (void)sqlite3_bind_int(put, 2, (int)b->state);
    (void)sqlite3_bind_blob(put, 3, b->file_hash, SHA256_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_blob(put, 4, b->plan_hash, SHA256_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_int64(put, 5, b->created_ms ? b->created_ms : clock_wall_ms());
    done = db_run(s->db, put, e);
    finish(put);
    return done;
}

bool store_broadcast_put(struct store *s, const char *name, const struct ledger_broadcast *b,
                         struct err *e)
{
    int64_t word;

    return store_begin(s, e) && words_intern(s->words, name, &word, e) &&
           put_broadcast(s, word, b, e) && store_commit(s, e);
}

/* ---- Messages in custody. */

#define WAITING                                                                              \
    "SELECT " ROW_COLUMNS ", open.attempt, open.tries, open.due_ms, open.reason"             \
    " FROM open CROSS JOIN message ON message.number=open.number"                            \
    " WHERE open.number>?1 AND open.state=1 AND (?2=0 OR open.due_ms<=?2) AND " SCAN_MATCHES \
    " ORDER BY open.number LIMIT ?8"

static bool add_waiting(struct store *s, sqlite3_stmt *row, struct waiting_page *page,
                        struct err *e)
{
    struct waiting *item = &page->items[page->count];

    *item = (struct waiting){
        .number = (uint64_t)sqlite3_column_int64(row, ROW_NUMBER),
        .attempt = (unsigned)sqlite3_column_int(row, ROW_COLUMN_COUNT),
        .tries = (unsigned)sqlite3_column_int(row, ROW_COLUMN_COUNT + 1),
        .due_ms = sqlite3_column_int64(row, ROW_COLUMN_COUNT + 2),
        .reason = (enum reason)sqlite3_column_int(row, ROW_COLUMN_COUNT + 3),
    };
    if (!row_message(row, s->words, &item->message, e))
        return false;
    page->count++;
    return true;
}

static bool read_waiting(struct store *s, sqlite3_stmt *waiting, struct waiting_page *page,
                         struct err *e)
{
    bool row = true;

    while (row) {
        if (!db_next(s->db, waiting, &row, e))
            return false;
        if (row && !add_waiting(s, waiting, page, e))
            return false;
    }
    return true;
}

static bool find_waiting(struct store *s, const struct waiting_filter *filter,
                         struct waiting_page *page, struct err *e)
{
    static const struct ledger_filter everything = {0};
    struct scan_binding binding;
    bool found;

    if (!db_prepare(s->db, WAITING, &binding.query, e))
        return false;
    if (!scan_bind(&s->scan, filter->match ? filter->match : &everything, &binding, e)) {
        finish(binding.query);
        return false;
    }
    (void)sqlite3_bind_int64(binding.query, 1, (int64_t)filter->after); /* all indexes are right */
    (void)sqlite3_bind_int64(binding.query, 2, filter->due_by_ms);
    (void)sqlite3_bind_int64(binding.query, 8, (int64_t)page->max);
    found = binding.none || read_waiting(s, binding.query, page, e);
    finish(binding.query);
    return found;
}

bool store_waiting(struct store *s, const struct waiting_filter *filter, struct waiting_page *page,
                   struct err *e)
{
    page->count = 0;
    if (find_waiting(s, filter, page, e))
        return true;
    while (page->count)
        message_free(page->items[--page->count].message);
    return false;
}

/* ---- Recent attempts. */

/* The first message that was admitted since; those behind it were not sent first before it. */
static bool first_since(struct store *s, int64_t since_ms, int64_t *first, struct err *e)
{
    sqlite3_stmt *back;
    bool row = true, sound;

    *first = INT64_MAX;
    if (!db_prepare(s->db, "SELECT number, created_ms FROM message ORDER BY number DESC", &back, e))
        return false;
    while ((sound = db_next(s->db, back, &row, e)) && row) {
        if (sqlite3_column_int64(back, 1) < since_ms)
            break;
        *first = sqlite3_column_int64(back, 0);
    }
    finish(back);
    return sound;
}

#define RECENT                                                                                 \
    "SELECT created_ms AS at_ms, sender, recipient FROM message WHERE number>=?1 AND intended" \
    " UNION ALL SELECT a.at_ms, sender, recipient FROM attempt a CROSS JOIN message"           \
    " ON message.number=a.key>>17 WHERE a.at_ms>=?2 ORDER BY 1"

/* The pair's key is message.h's business: made of a message that has nothing else. */
static bool tell_attempt(struct store *s, sqlite3_stmt *row, const struct attempt_visitor *visitor,
                         struct err *e)
{
    struct message *m;
    char to[PHONE_SIZE];
    const char *sender;

    if (!words_text(s->words, sqlite3_column_int64(row, 1), &sender, e))
        return false;
    pack_column_phone(row, 2, to);
    m = message_restore(&(struct message){.to = to, .sender = sender});
    visitor->on_attempt(visitor->context, m->pair_hash, sqlite3_column_int64(row, 0));
    message_free(m);
    return true;
}

bool store_recent_attempts(struct store *s, int64_t since_ms, const struct attempt_visitor *visitor,
                           struct err *e)
{
    sqlite3_stmt *recent;
    bool row = true, sound;
    int64_t first;

    if (!first_since(s, since_ms, &first, e) || !db_prepare(s->db, RECENT, &recent, e))
        return false;
    (void)sqlite3_bind_int64(recent, 1, first); /* the indexes are right */
    (void)sqlite3_bind_int64(recent, 2, since_ms);
    while ((sound = db_next(s->db, recent, &row, e)) && row)
        if (!(sound = tell_attempt(s, recent, visitor, e)))
            break;
    finish(recent);
    return sound;
}

/* ---- One message, and failed ones. */

bool store_find(struct store *s, const char *id, bool *found, enum state *state, struct err *e)
{
    struct identity wanted = {.id = id, .key = hash64(id, strlen(id))};
    struct standing standing;
    uint64_t number;

    if (!store_identify(s, &wanted, &number, e))
        return false;
    *found = number != 0;
    if (!number)
        return true;
    if (!standing_get(&s->scan.standings, number, &standing, e))
        return false;
    *state = standing.state;
    return true;
}

struct reopening {
    struct store *store;
    int64_t now_ms;
    uint64_t count;
};

static bool reopen_one(void *context, const struct scan_hit *hit, bool *go_on, struct err *e)
{
    struct reopening *r = context;
    const struct standing again = {
        .state = STATE_WAITING,
        .attempt = hit->standing.attempt,
        .due_ms = r->now_ms,
        .reason = REASON_RETRY,
        .at_ms = r->now_ms,
    };

    (void)go_on;
    r->count++;
    r->store->wrote = true;
    return store_put_open(r->store, hit->number, &again, e) &&
           store_count(r->store, sqlite3_column_int64(hit->row, ROW_BROADCAST), STATE_FAILED,
                       STATE_WAITING, e);
}

bool store_reopen(struct store *s, const struct ledger_filter *filter, uint64_t *count,
                  struct err *e)
{
    struct reopening r = {.store = s, .now_ms = clock_wall_ms()};
    const struct scan_visitor visitor = {.on_hit = reopen_one, .context = &r};
    struct ledger_filter failed = *filter;

    *count = 0;
    if (failed.states && !(failed.states & 1U << STATE_FAILED))
        return true;
    failed.states = 1U << STATE_FAILED;
    if (!store_begin(s, e) || !scan_each(&s->scan, &failed, &visitor, e) || !store_commit(s, e))
        return false;
    *count = r.count;
    return true;
}
