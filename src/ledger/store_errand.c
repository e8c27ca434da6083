/* SPDX-License-Identifier: MIT
 *
 * store_errand.c: errands, on the worker's side: statements of their own, prepared for each, since
 * one errand is hundreds of rows.
 */
#include "ledger/store_errand.h"

#include "base/mem.h"
#include "base/text.h"
#include "ledger/pack.h"
#include "ledger/row.h"
#include "ledger/schema.h"
#include "ledger/store_internal.h"

#include <string.h>

enum { GROUPS_MAX = 64 }; /* broadcasts that one page takes from */

/* ---- What is due. */

/* Broadcasts with waiting messages that may go on; 0 is those of no broadcast. They begin at
 * another one each time, so that a full page starves nobody. */
static bool read_groups(struct store *s, int64_t groups[GROUPS_MAX], size_t *count, struct err *e)
{
    sqlite3_stmt *query;
    bool row = true, sound = true;

    if (!db_prepare(s->db,
                    "SELECT t.broadcast FROM tally t LEFT JOIN broadcast b"
                    " ON b.word=t.broadcast AND b.word>0"
                    " WHERE t.state=1 AND t.count>0 AND coalesce(b.state, 1)<3"
                    " ORDER BY t.broadcast<=?1, t.broadcast LIMIT ?2",
                    &query, e))
        return false;
    (void)sqlite3_bind_int64(query, 1, s->last_group); /* the indexes are right */
    (void)sqlite3_bind_int(query, 2, GROUPS_MAX);
    for (*count = 0; (sound = db_next(s->db, query, &row, e)) && row; (*count)++)
        groups[*count] = sqlite3_column_int64(query, 0);
    db_finish(query);
    return sound;
}

static bool is_held(const struct ledger_due *due, uint64_t number)
{
    size_t from = 0, to = due->held_count;

    while (from < to) {
        size_t middle = (from + to) / 2;

        if (due->held[middle] == number)
            return true;
        if (due->held[middle] < number)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

#define DUE                                                                       \
    "SELECT number, attempt, tries, due_ms, reason FROM open INDEXED BY open_due" \
    " WHERE broadcast=?1 AND state=1 AND due_ms<=?2 ORDER BY due_ms, number"

bool store_read_message(struct store *s, uint64_t number, struct message **out, struct err *e)
{
    bool row, sound;

    *out = NULL;
    (void)sqlite3_bind_int64(s->message, 1, (int64_t)number); /* the index is right */
    if (!db_next(s->db, s->message, &row, e))
        return false;
    if (!row)
        return err_set(e, EXIT_LEDGER_IO, "ledger %s is damaged: message %llu is missing",
                       s->db->path, (unsigned long long)number);
    sound = row_message(s->message, s->words, out, e);
    (void)sqlite3_reset(s->message); /* a query that was left early */
    return sound;
}

static bool add_due(struct store *s, sqlite3_stmt *query, struct ledger_due *due, struct err *e)
{
    struct waiting *item = &due->items[due->count];

    *item = (struct waiting){
        .number = (uint64_t)sqlite3_column_int64(query, 0),
        .attempt = (unsigned)sqlite3_column_int(query, 1),
        .tries = (unsigned)sqlite3_column_int(query, 2),
        .due_ms = sqlite3_column_int64(query, 3),
        .reason = (enum reason)sqlite3_column_int(query, 4),
    };
    if (!store_read_message(s, item->number, &item->message, e))
        return false;
    due->count++;
    return true;
}

static bool read_group(struct store *s, int64_t group, size_t share, struct ledger_due *due,
                       struct err *e)
{
    size_t end = due->count + share;
    sqlite3_stmt *query;
    bool row = true, sound;

    if (!db_prepare(s->db, DUE, &query, e))
        return false;
    (void)sqlite3_bind_int64(query, 1, group); /* the indexes are right */
    (void)sqlite3_bind_int64(query, 2, due->by_ms);
    while ((sound = db_next(s->db, query, &row, e)) && row) {
        if (is_held(due, (uint64_t)sqlite3_column_int64(query, 0)))
            continue;
        due->more |= due->count == end;
        if (due->count == end || !(sound = add_due(s, query, due, e)))
            break;
    }
    db_finish(query);
    return sound;
}

static bool work_due(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_due *due = CONTAINER_OF(errand, struct ledger_due, errand);
    int64_t groups[GROUPS_MAX];
    size_t count;

    due->count = 0;
    due->more = false;
    if (!store_write_tally(s, e) || !read_groups(s, groups, &count, e))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t share = (due->max - due->count) / (count - i);

        if (!read_group(s, groups[i], share ? share : due->max - due->count, due, e))
            return false;
        s->last_group = groups[i];
    }
    return true;
}

/* ---- New messages. */

static bool work_take_in(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_intake *intake = CONTAINER_OF(errand, struct ledger_intake, errand);

    for (size_t i = 0; i < intake->count; i++) {
        struct ledger_intake_item *item = &intake->items[i];
        struct record r = {
            .kind = RECORD_ADMIT,
            .message = item->message,
            .at_ms = intake->at_ms,
            .due_ms = item->message->not_before_ms > intake->at_ms ? item->message->not_before_ms
                                                                   : intake->at_ms,
        };

        if (!store_admit(s, &r, e))
            return false;
        item->admission = r.admission;
        item->known = r.known;
        item->elsewhere = r.elsewhere;
    }
    return true;
}

/* ---- Opening again. */

static bool word_of(struct store *s, uint64_t number, int64_t *broadcast, struct err *e)
{
    bool row;

    (void)sqlite3_bind_int64(s->message, 1, (int64_t)number); /* the index is right */
    if (!db_next(s->db, s->message, &row, e))
        return false;
    *broadcast = row ? sqlite3_column_int64(s->message, ROW_BROADCAST) : 0;
    (void)sqlite3_reset(s->message); /* a query that was left early */
    return true;
}

bool store_seat(struct store *s, uint64_t number, struct seat *seat, struct standing *standing,
                struct err *e)
{
    *seat = (struct seat){.number = number};
    return standing_get(&s->scan.standings, number, standing, e) &&
           word_of(s, number, &seat->broadcast, e);
}

static bool open_one(struct store *s, uint64_t number, struct ledger_reopening *r, struct err *e)
{
    struct standing standing;
    struct seat seat;
    bool may;

    if (number == 0 || number >= s->next_number)
        return true;
    if (!store_seat(s, number, &seat, &standing, e) || !store_may_open(s, seat.broadcast, &may, e))
        return false;
    if (!may || !(r->states & 1U << standing.state))
        return true;
    r->opened++;
    return store_open_again(s, seat, &standing, r->at_ms, e);
}

static bool work_open_again(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_reopening *r = CONTAINER_OF(errand, struct ledger_reopening, errand);

    r->opened = 0;
    for (size_t i = 0; i < r->count; i++)
        if (!open_one(s, r->numbers[i], r, e))
            return false;
    return true;
}

/* ---- Broadcasts. */

/* What has no name is no broadcast, and cancelled is final, whoever asks. */
static bool may_change(const struct ledger_broadcast_change *c, const struct ledger_broadcast *b)
{
    if (!b->number)
        return *c->name;
    return b->state != BROADCAST_CANCELLED && (!c->from || c->from & 1U << b->state);
}

static bool has_messages(struct store *s, int64_t word, bool *out, struct err *e)
{
    sqlite3_stmt *query;
    int64_t count;
    bool done;

    if (!store_write_tally(s, e) ||
        !db_prepare(s->db, "SELECT count(*) FROM tally WHERE broadcast=?1 AND count>0", &query, e))
        return false;
    (void)sqlite3_bind_int64(query, 1, word); /* the index is right */
    done = db_number(s->db, query, 0, &count, e);
    db_finish(query);
    *out = done && count > 0;
    return done;
}

static bool work_change_broadcast(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_broadcast_change *c =
        CONTAINER_OF(errand, struct ledger_broadcast_change, errand);
    struct ledger_broadcast b;
    int64_t word;

    if (!store_broadcast_find(s, c->name, &b, e) || !words_intern(s->words, c->name, &word, e) ||
        !has_messages(s, word, &c->is_known, e))
        return false;
    c->is_known |= b.number != 0;
    c->before = b.number ? b.state : 0;
    if (!may_change(c, &b))
        return true;
    b.state = c->state;
    if (c->file_hash)
        memcpy(b.file_hash, c->file_hash, sizeof(b.file_hash));
    if (c->plan_hash)
        memcpy(b.plan_hash, c->plan_hash, sizeof(b.plan_hash));
    s->wrote = true;
    return store_write_broadcast(s, word, &b, e);
}

static bool add_unfinished(struct store *s, const char *name, struct ledger_unfinished *u,
                           struct err *e)
{
    struct ledger_unfinished_item *item = &u->items[u->count];

    if (u->count == u->max) {
        u->more++;
        return true;
    }
    text_copy(item->name, sizeof(item->name), name, strlen(name));
    u->count++;
    return store_broadcast_find(s, item->name, &item->broadcast, e);
}

static bool work_unfinished(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_unfinished *u = CONTAINER_OF(errand, struct ledger_unfinished, errand);
    sqlite3_stmt *query;
    bool row = true, sound = true;

    u->count = 0;
    u->more = 0;
    if (!db_prepare(s->db,
                    "SELECT text FROM word WHERE number IN (SELECT broadcast FROM tally"
                    " WHERE state IN (1, 2) AND count>0) ORDER BY number DESC",
                    &query, e))
        return false;
    while (sound && (sound = db_next(s->db, query, &row, e)) && row)
        sound = add_unfinished(s, db_text(query, 0), u, e);
    db_finish(query);
    return sound;
}

/* For the log: a message that cannot be read is cancelled all the same. */
static void add_id(struct store *s, uint64_t number, struct buf *ids)
{
    struct message *m;
    struct err e;

    if (!ids || !store_read_message(s, number, &m, &e))
        return;
    buf_add(ids, m->id, strlen(m->id) + 1);
    message_free(m);
}

static bool cancel_one(struct store *s, const struct seat *of, const struct ledger_cancelling *c,
                       struct err *e)
{
    static const struct outcome cancelled = {.state = STATE_SKIPPED, .reason = REASON_CANCELLED};
    struct settlement m = {
        .number = of->number,
        .broadcast = of->broadcast,
        .outcome = &cancelled,
        .at_ms = c->at_ms,
    };

    if (!standing_get(&s->scan.standings, of->number, &m.from, e))
        return false;
    m.tries = m.from.tries;
    if (m.from.state != STATE_WAITING)
        return true;
    add_id(s, of->number, c->ids);
    return store_settle(s, &m, e);
}

/* A page is read whole before it is changed. */
static bool read_seats(struct store *s, const struct ledger_cancelling *c, struct seat *seats,
                       size_t *count, struct err *e)
{
    sqlite3_stmt *query;
    bool row = true, sound = true;
    int64_t word = 0;

    if (c->broadcast && !words_find(s->words, c->broadcast, &word, e))
        return false;
    if (!db_prepare(s->db,
                    "SELECT number, broadcast FROM open WHERE state=1 AND (?1 OR broadcast=?2)"
                    " LIMIT ?3",
                    &query, e))
        return false;
    (void)sqlite3_bind_int(query, 1, !c->broadcast); /* the indexes are right */
    (void)sqlite3_bind_int64(query, 2, word);
    (void)sqlite3_bind_int64(query, 3, (int64_t)c->max);
    for (*count = 0; (sound = db_next(s->db, query, &row, e)) && row; (*count)++)
        seats[*count] =
            (struct seat){(uint64_t)sqlite3_column_int64(query, 0), sqlite3_column_int64(query, 1)};
    db_finish(query);
    return sound;
}

static bool work_cancel(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_cancelling *c = CONTAINER_OF(errand, struct ledger_cancelling, errand);
    struct seat *seats = mem_alloc(c->max * sizeof(struct seat));
    bool sound = read_seats(s, c, seats, &c->count, e);

    for (size_t i = 0; sound && i < c->count; i++)
        sound = cancel_one(s, &seats[i], c, e);
    mem_free(seats);
    return sound;
}

/* ---- Results that are to be told. */

static bool read_result(struct store *s, uint64_t number, struct ledger_result *r, struct err *e)
{
    struct standing standing;

    if (!standing_get(&s->scan.standings, number, &standing, e) ||
        !standing_outcome(&s->scan.standings, number, &r->outcome, e) ||
        !store_read_message(s, number, &r->message, e))
        return false;
    r->attempts = standing.attempt;
    r->at_ms = standing.at_ms;
    return true;
}

static bool read_status(struct store *s, sqlite3_stmt *query, uint64_t number,
                        struct ledger_result *r, struct err *e)
{
    r->outcome.code = sqlite3_column_int(query, 3);
    r->at_ms = sqlite3_column_int64(query, 4);
    pack_column_wamid(query, 5, r->outcome.wamid);
    return !number || store_read_message(s, number, &r->message, e);
}

static bool add_result(struct store *s, sqlite3_stmt *query, struct ledger_results *results,
                       struct err *e)
{
    struct ledger_result *r = &results->items[results->count];
    uint64_t number = (uint64_t)sqlite3_column_int64(query, 1);

    *r = (struct ledger_result){
        .seq = (uint64_t)sqlite3_column_int64(query, 0),
        .status = (enum webhook_status)sqlite3_column_int(query, 2),
    };
    if (!(r->status ? read_status(s, query, number, r, e) : read_result(s, number, r, e)))
        return false;
    results->count++;
    return true;
}

static bool work_results(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_results *results = CONTAINER_OF(errand, struct ledger_results, errand);
    sqlite3_stmt *query;
    bool row = true, sound = true;

    results->count = 0;
    if (!db_prepare(s->db,
                    "SELECT seq, number, status, code, at_ms, wamid FROM outbox WHERE seq>?1"
                    " ORDER BY seq LIMIT ?2",
                    &query, e))
        return false;
    (void)sqlite3_bind_int64(query, 1, (int64_t)results->after); /* the indexes are right */
    (void)sqlite3_bind_int64(query, 2, (int64_t)results->max);
    while (sound && (sound = db_next(s->db, query, &row, e)) && row)
        sound = add_result(s, query, results, e);
    db_finish(query);
    return sound;
}

static bool work_told(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_told *told = CONTAINER_OF(errand, struct ledger_told, errand);
    sqlite3_stmt *drop;
    bool done;

    if (!db_prepare(s->db, "DELETE FROM outbox WHERE seq<=?1", &drop, e))
        return false;
    (void)sqlite3_bind_int64(drop, 1, (int64_t)told->seq); /* the index is right */
    s->wrote = true;
    done = db_run(s->db, drop, e);
    db_finish(drop);
    return done;
}

static bool work_hold(struct store *s, struct ledger_errand *errand, struct err *e)
{
    s->wrote = true;
    return meta_set(s->db, META_PAUSED_MS,
                    CONTAINER_OF(errand, struct ledger_hold, errand)->since_ms, e);
}

static bool work_giving_up(struct store *s, struct ledger_errand *errand, struct err *e)
{
    const struct ledger_giving_up *g = CONTAINER_OF(errand, struct ledger_giving_up, errand);
    bool done = true;

    s->wrote = true;
    for (unsigned lane = 0; done && lane < LANE_COUNT; lane++)
        done =
            meta_set(s->db, (enum meta)(META_GIVEN_UP + 2 * lane), (int64_t)g->upto[lane].ms, e) &&
            meta_set(s->db, (enum meta)(META_GIVEN_UP + 2 * lane + 1), (int64_t)g->upto[lane].seq,
                     e);
    return done;
}

/* ---- Handing over. */

void ledger_ask_due(struct ledger *l, struct ledger_due *due)
{
    ledger_run_errand(l, &due->errand, work_due);
}

void ledger_take_in(struct ledger *l, struct ledger_intake *intake)
{
    ledger_run_errand(l, &intake->errand, work_take_in);
}

void ledger_open_again(struct ledger *l, struct ledger_reopening *reopening)
{
    ledger_run_errand(l, &reopening->errand, work_open_again);
}

void ledger_change_broadcast(struct ledger *l, struct ledger_broadcast_change *change)
{
    ledger_run_errand(l, &change->errand, work_change_broadcast);
}

void ledger_ask_unfinished(struct ledger *l, struct ledger_unfinished *unfinished)
{
    ledger_run_errand(l, &unfinished->errand, work_unfinished);
}

void ledger_cancel_waiting(struct ledger *l, struct ledger_cancelling *cancelling)
{
    ledger_run_errand(l, &cancelling->errand, work_cancel);
}

void ledger_ask_results(struct ledger *l, struct ledger_results *results)
{
    ledger_run_errand(l, &results->errand, work_results);
}

void ledger_forget_results(struct ledger *l, struct ledger_told *told)
{
    ledger_run_errand(l, &told->errand, work_told);
}

void ledger_put_hold(struct ledger *l, struct ledger_hold *hold)
{
    ledger_run_errand(l, &hold->errand, work_hold);
}

void ledger_put_given_up(struct ledger *l, struct ledger_giving_up *giving_up)
{
    ledger_run_errand(l, &giving_up->errand, work_giving_up);
}
