/* SPDX-License-Identifier: MIT
 *
 * store_custody.c: what start-up and the end ask of the ledger: broadcasts, waiting messages,
 * recent attempts, and opening failed ones again.
 */
#include "ledger/store_internal.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "ledger/broadcast_row.h"
#include "ledger/pack.h"
#include "ledger/row.h"
#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

/* ---- Broadcasts. */

bool store_broadcast_find(struct store *s, const char *name, struct ledger_broadcast *out,
                          struct err *e)
{
    return broadcast_row_find(s->db, s->words, name, out, e);
}

bool store_write_broadcast(struct store *s, int64_t word, const struct ledger_broadcast *b,
                           struct err *e)
{
    sqlite3_stmt *put;
    bool done;

    if (!db_prepare(s->db,
                    "INSERT INTO broadcast(word, state, file_hash, plan_hash, created_ms)"
                    " VALUES(?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE SET state=excluded.state,"
                    " file_hash=excluded.file_hash, plan_hash=excluded.plan_hash"
                    " WHERE state<>?6",
                    &put, e))
        return false;
    (void)sqlite3_bind_int64(put, 1, word); /* all indexes are right */
    (void)sqlite3_bind_int(put, 2, (int)b->state);
    (void)sqlite3_bind_blob(put, 3, b->file_hash, SHA256_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_blob(put, 4, b->plan_hash, SHA256_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_int64(put, 5, b->created_ms ? b->created_ms : clock_wall_ms());
    (void)sqlite3_bind_int(put, 6, BROADCAST_CANCELLED);
    done = db_run(s->db, put, e);
    db_finish(put);
    return done;
}

bool store_broadcast_put(struct store *s, const char *name, const struct ledger_broadcast *b,
                         struct err *e)
{
    int64_t word;

    assert(*name); /* callers check */
    return store_begin(s, e) && words_intern(s->words, name, &word, e) &&
           store_write_broadcast(s, word, b, e) && store_commit(s, e);
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
        db_finish(binding.query);
        return false;
    }
    (void)sqlite3_bind_int64(binding.query, 1, (int64_t)filter->after); /* all indexes are right */
    (void)sqlite3_bind_int64(binding.query, 2, filter->due_by_ms);
    (void)sqlite3_bind_int64(binding.query, 8, (int64_t)page->max);
    found = binding.none || read_waiting(s, binding.query, page, e);
    db_finish(binding.query);
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
    db_finish(back);
    return sound;
}

#define RECENT                                                                              \
    "SELECT created_ms AS at_ms, sender, recipient, number<<17|2 AS key FROM message"       \
    " WHERE number>=?1 AND intended"                                                        \
    " UNION ALL SELECT a.at_ms, sender, recipient, a.key FROM attempt a CROSS JOIN message" \
    " ON message.number=a.key>>17 WHERE a.at_ms>=?2"
#define RECENT_WITH_OUTCOMES                                                          \
    "SELECT r.at_ms, coalesce(o.at_ms,r.at_ms), sender, recipient FROM(" RECENT ") r" \
    " LEFT JOIN outcome o ON o.key=r.key ORDER BY 2"

/* The pair's key is message.h's business: made of a message that has nothing else. */
static bool tell_attempt(struct store *s, sqlite3_stmt *row, const struct attempt_visitor *visitor,
                         struct err *e)
{
    struct past_attempt attempt = {
        .intended_ms = sqlite3_column_int64(row, 0),
        .settled_ms = sqlite3_column_int64(row, 1),
    };
    struct message *m;
    char to[PHONE_SIZE];
    const char *sender;

    if (!words_text(s->words, sqlite3_column_int64(row, 2), &sender, e))
        return false;
    pack_column_phone(row, 3, to);
    m = message_restore(&(struct message){.to = to, .sender = sender});
    attempt.pair_hash = m->pair_hash;
    visitor->on_attempt(visitor->context, &attempt);
    message_free(m);
    return true;
}

bool store_recent_attempts(struct store *s, int64_t since_ms, const struct attempt_visitor *visitor,
                           struct err *e)
{
    sqlite3_stmt *recent;
    bool row = true, sound;
    int64_t first;

    if (!first_since(s, since_ms, &first, e) ||
        !db_prepare(s->db, RECENT_WITH_OUTCOMES, &recent, e))
        return false;
    (void)sqlite3_bind_int64(recent, 1, first); /* the indexes are right */
    (void)sqlite3_bind_int64(recent, 2, since_ms);
    while ((sound = db_next(s->db, recent, &row, e)) && row)
        if (!(sound = tell_attempt(s, recent, visitor, e)))
            break;
    db_finish(recent);
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

bool store_may_open(struct store *s, int64_t broadcast, bool *may, struct err *e)
{
    sqlite3_stmt *query;
    int64_t cancelled = 0;
    bool done;

    *may = true;
    if (!broadcast)
        return true;
    if (!db_prepare(s->db, "SELECT count(*) FROM broadcast WHERE word=?1 AND state=?2", &query, e))
        return false;
    (void)sqlite3_bind_int64(query, 1, broadcast); /* the indexes are right */
    (void)sqlite3_bind_int(query, 2, BROADCAST_CANCELLED);
    done = db_number(s->db, query, 0, &cancelled, e);
    db_finish(query);
    *may = cancelled == 0;
    return done;
}

bool store_open_again(struct store *s, struct seat of, const struct standing *from, int64_t now_ms,
                      struct err *e)
{
    const struct standing again = {
        .state = STATE_WAITING,
        .attempt = from->attempt,
        .due_ms = now_ms,
        .reason = REASON_RETRY,
        .at_ms = now_ms,
    };

    s->wrote = true;
    return store_put_open(s, of, &again, e) &&
           store_count(s, of.broadcast, (int)from->state, STATE_WAITING, e);
}

static bool reopen_one(void *context, const struct scan_hit *hit, bool *go_on, struct err *e)
{
    struct reopening *r = context;
    const struct seat seat = {hit->number, sqlite3_column_int64(hit->row, ROW_BROADCAST)};
    bool may;

    (void)go_on;
    if (!store_may_open(r->store, seat.broadcast, &may, e))
        return false;
    if (!may)
        return true;
    r->count++;
    return store_open_again(r->store, seat, &hit->standing, r->now_ms, e);
}

bool store_reopen(struct store *s, const struct ledger_filter *filter, uint64_t *count,
                  struct err *e)
{
    struct reopening r = {.store = s, .now_ms = clock_wall_ms()};
    const struct scan_visitor visitor = {.on_hit = reopen_one, .context = &r};
    struct ledger_filter again = *filter;

    *count = 0;
    if (!again.states)
        again.states = 1U << STATE_FAILED;
    again.states &= 1U << STATE_FAILED | 1U << STATE_UNKNOWN;
    if (!again.states)
        return true;
    if (!store_begin(s, e) || !scan_each(&s->scan, &again, &visitor, e) || !store_commit(s, e))
        return false;
    *count = r.count;
    return true;
}

/* ---- The stream. */

static bool put_consumer(struct store *s, const char *name, struct err *e)
{
    sqlite3_stmt *put;
    bool done;

    if (!db_prepare(s->db, "INSERT OR REPLACE INTO consumer(name, used_ms) VALUES(?1, ?2)", &put,
                    e))
        return false;
    db_bind_text(put, 1, name);
    (void)sqlite3_bind_int64(put, 2, clock_wall_ms()); /* the index is right */
    done = db_run(s->db, put, e);
    db_finish(put);
    return done;
}

bool store_stream_begin(struct store *s, const char *consumer, struct err *e)
{
    s->has_stream = s->publishes = true;
    return store_begin(s, e) && meta_set(s->db, META_PUBLISHES, 1, e) &&
           put_consumer(s, consumer, e) && store_commit(s, e);
}

bool store_consumers(struct store *s, struct ledger_consumers *out, struct err *e)
{
    sqlite3_stmt *query;
    bool row = true, sound = true;

    out->count = 0;
    if (!db_prepare(s->db, "SELECT name FROM consumer ORDER BY used_ms DESC, name LIMIT ?1", &query,
                    e))
        return false;
    (void)sqlite3_bind_int(query, 1, LEDGER_CONSUMERS_MAX); /* the index is right */
    for (; (sound = db_next(s->db, query, &row, e)) && row; out->count++)
        text_copy(out->names[out->count], sizeof(out->names[0]), db_text(query, 0),
                  strlen(db_text(query, 0)));
    db_finish(query);
    return sound;
}

/* ---- What stands at start-up. */

bool store_held(struct store *s, int64_t *since_ms, struct err *e)
{
    return meta_get(s->db, META_PAUSED_MS, since_ms, e);
}

bool store_given_up(struct store *s, struct stream_id upto[LANE_COUNT], struct err *e)
{
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        int64_t ms, seq;

        if (!meta_get(s->db, (enum meta)(META_GIVEN_UP + 2 * lane), &ms, e) ||
            !meta_get(s->db, (enum meta)(META_GIVEN_UP + 2 * lane + 1), &seq, e))
            return false;
        upto[lane] = (struct stream_id){.ms = (uint64_t)ms, .seq = (uint64_t)seq};
    }
    return true;
}

bool store_broadcasts(struct store *s, enum broadcast_state state,
                      const struct broadcast_visitor *visitor, struct err *e)
{
    sqlite3_stmt *query;
    bool row = true, sound = true;

    if (!db_prepare(s->db,
                    "SELECT text FROM broadcast JOIN word ON word.number=broadcast.word"
                    " WHERE state=?1",
                    &query, e))
        return false;
    (void)sqlite3_bind_int(query, 1, (int)state); /* the index is right */
    while ((sound = db_next(s->db, query, &row, e)) && row)
        visitor->on_name(visitor->context, db_text(query, 0));
    db_finish(query);
    return sound;
}

void store_totals(const struct store *s, uint64_t totals[STATE_COUNT])
{
    for (int state = 0; state < STATE_COUNT; state++)
        totals[state] = s->totals[state] > 0 ? (uint64_t)s->totals[state] : 0;
}
