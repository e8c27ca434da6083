/* SPDX-License-Identifier: MIT
 *
 * store_status.c: what webhooks say, and what the operator says of unknown messages.
 *
 * Happy path of a status: its callback data names the message by a hash of its id; the delivery's
 * row takes the status that holds. A status is proof that Graph accepted the message: one that is
 * unknown, or stands anywhere else but accepted, is accepted now.
 * Failure modes:
 *   - no callback data of ours, or a message that is not in this ledger: nothing is changed; the
 *     status is told on, without an id;
 *   - another ledger's callback data: only an unknown message is touched by it;
 *   - it comes while an attempt is under way, before our own answer: it is kept; whatever else
 *     becomes of the attempt, the message is accepted then (store_settle_told);
 *   - the message waits to be sent again, or was given up or cancelled after an attempt that was
 *     unknown, or the ledger was restored from a copy: it is accepted, and not sent;
 *   - the message was accepted with another wamid, or two are told while an attempt is under way:
 *     Graph has it twice. The second one is a twin.
 */
#include "ledger/store_internal.h"

#include "base/hash.h"
#include "base/text.h"
#include "ledger/delivery_row.h"
#include "ledger/pack.h"
#include "ledger/schema.h"
#include "ledger/store_errand.h"

#include <string.h>

static bool read_told(struct store *s, uint64_t number, struct ledger_delivery *told, struct err *e)
{
    sqlite3_stmt *query = s->get_delivery;
    bool row;

    *told = (struct ledger_delivery){.status = WEBHOOK_NONE};
    (void)sqlite3_bind_int64(query, 1, (int64_t)number); /* the index is right */
    if (!db_next(s->db, query, &row, e))
        return false;
    if (!row)
        return true;
    delivery_columns(query, told);
    (void)sqlite3_reset(query); /* a query that was left early */
    return true;
}

static bool write_told(struct store *s, uint64_t number, const struct ledger_delivery *told,
                       struct err *e)
{
    sqlite3_stmt *put = s->put_delivery;
    struct pack wamid;

    (void)sqlite3_bind_int64(put, 1, (int64_t)number); /* all indexes are right */
    (void)sqlite3_bind_int(put, 2, (int)told->status);
    for (size_t i = 0; i < DELIVERY_TIMES; i++) {
        int64_t at_ms = told->at_ms[delivery_times[i]];

        if (at_ms)
            (void)sqlite3_bind_int64(put, 3 + (int)i, at_ms);
        else
            (void)sqlite3_bind_null(put, 3 + (int)i);
    }
    (void)sqlite3_bind_int(put, 7, told->code);
    db_bind_text(put, 8, told->title);
    pack_bind_wamid(put, 9, told->wamid, &wamid);
    s->wrote = true;
    return db_run(s->db, put, e);
}

/* ---- Which message? */

/* Its number, or 0; the seat and standing only with a number. */
static bool find_message(struct store *s, const struct ledger_status *told, struct seat *seat,
                         struct standing *standing, struct err *e)
{
    struct identity wanted = {.key = told->opaque.message_hash};

    *seat = (struct seat){0};
    if (!told->has_opaque)
        return true;
    if (!store_identify(s, &wanted, &seat->number, e))
        return false;
    return !seat->number || store_seat(s, seat->number, seat, standing, e);
}

/* ---- What it changes. */

/* From where a message stands; later than what it replaces, so that the later result holds. */
static struct settlement settlement_of(const struct seat *seat, const struct standing *from,
                                       const struct outcome *outcome, int64_t at_ms)
{
    return (struct settlement){
        .number = seat->number,
        .broadcast = seat->broadcast,
        .from = *from,
        .outcome = outcome,
        .at_ms = at_ms > from->at_ms ? at_ms : from->at_ms + 1,
        .tries = from->tries,
    };
}

static struct outcome accepted(enum reason reason, const char *wamid)
{
    struct outcome o = {.state = STATE_ACCEPTED, .reason = reason};

    text_copy(o.wamid, sizeof(o.wamid), wamid, strlen(wamid));
    return o;
}

/* `*is_new`: it was not on record yet. */
static bool put_twin(struct store *s, int64_t key, const struct ledger_status *told, bool *is_new,
                     struct err *e)
{
    struct pack packed;

    (void)sqlite3_bind_int64(s->put_twin, 1, key); /* the indexes are right */
    (void)sqlite3_bind_int64(s->put_twin, 2, told->at_ms);
    pack_bind_wamid(s->put_twin, 3, told->wamid, &packed);
    s->wrote = true;
    if (!db_run(s->db, s->put_twin, e))
        return false;
    *is_new = sqlite3_changes(s->db->handle) > 0;
    return true;
}

static bool settle_by_webhook(struct store *s, const struct seat *seat, const struct standing *from,
                              struct ledger_status *told, struct err *e)
{
    const struct outcome outcome = accepted(REASON_WEBHOOK, told->wamid);
    const struct settlement m = settlement_of(seat, from, &outcome, told->at_ms);

    told->settled = true;
    told->was_waiting = from->state == STATE_WAITING;
    return store_settle(s, &m, e);
}

/* The accepted message's own wamid, or another. */
static bool compare_wamid(struct store *s, struct ledger_status *told, struct ledger_delivery *row,
                          struct err *e)
{
    struct outcome outcome;
    const char *known;

    if (!standing_outcome(&s->scan.standings, told->number, &outcome, e))
        return false;
    known = *outcome.wamid ? outcome.wamid : row->wamid;
    if (strcmp(known, told->wamid) == 0)
        return true;
    if (!*known) { /* settled by hand */
        text_copy(row->wamid, sizeof(row->wamid), told->wamid, strlen(told->wamid));
        return true;
    }
    return put_twin(s, key_of(told->number, told->opaque.attempt, false), told, &told->twin, e);
}

/* The same whatever the order: of each status the earliest holds; of two of the same second the
 * one with the lower code. */
static void merge(struct ledger_delivery *row, const struct ledger_status *told)
{
    int64_t *at_ms = &row->at_ms[told->status];
    bool is_first =
        !*at_ms || told->at_ms < *at_ms || (told->at_ms == *at_ms && told->code < row->code);

    row->status = webhook_status_merge(row->status, told->status);
    if (!is_first)
        return;
    *at_ms = told->at_ms;
    if (told->status != WEBHOOK_UNDELIVERED)
        return;
    row->code = told->code;
    text_copy(row->title, sizeof(row->title), told->title, strlen(told->title));
}

/* Told on by the outbox; `number` 0: of no message of this ledger. */
static bool tell(struct store *s, const struct ledger_status *told, struct err *e)
{
    struct pack wamid;

    if (!s->publishes)
        return true;
    (void)sqlite3_bind_int64(s->add_status, 1, (int64_t)told->number); /* all indexes are right */
    (void)sqlite3_bind_int(s->add_status, 2, (int)told->status);
    (void)sqlite3_bind_int(s->add_status, 3, told->code);
    (void)sqlite3_bind_int64(s->add_status, 4, told->at_ms);
    pack_bind_wamid(s->add_status, 5, told->wamid, &wamid);
    s->wrote = true;
    return db_run(s->db, s->add_status, e);
}

struct weighing {
    struct seat seat;
    struct standing standing;
    struct ledger_delivery row;
};

/* While an attempt is under way one wamid is kept for what becomes of it: the attempt's own, where
 * that was told, which its answer will have, too. Another one is a twin's. */
static bool keep_wamid(struct store *s, struct weighing *w, struct ledger_status *told,
                       struct err *e)
{
    bool is_own = told->opaque.attempt == w->standing.attempt;
    struct ledger_status other = *told;

    if (*w->row.wamid && strcmp(w->row.wamid, told->wamid) != 0) {
        if (is_own)
            memcpy(other.wamid, w->row.wamid, sizeof(other.wamid));
        if (!put_twin(s, key_of(w->seat.number, told->opaque.attempt, is_own), &other, &told->twin,
                      e))
            return false;
        if (!is_own)
            return true;
    }
    memcpy(w->row.wamid, told->wamid, sizeof(w->row.wamid));
    return true;
}

/* What the status means for where its message stands. */
static bool weigh(struct store *s, struct weighing *w, struct ledger_status *told, struct err *e)
{
    if (w->standing.state == STATE_ACCEPTED)
        return compare_wamid(s, told, &w->row, e);
    if (w->standing.state != STATE_SENDING)
        return settle_by_webhook(s, &w->seat, &w->standing, told, e);
    return keep_wamid(s, w, told, e);
}

/* For the log: one that cannot be read is settled all the same. */
static void note_id(struct store *s, struct ledger_status *told)
{
    struct message *m;
    struct err e;

    if ((!told->settled && !told->twin) || !store_read_message(s, told->number, &m, &e))
        return;
    text_copy(told->id, sizeof(told->id), m->id, strlen(m->id));
    message_free(m);
}

static bool put_status(struct store *s, struct ledger_status *told, struct err *e)
{
    struct weighing w;

    told->number = 0;
    told->id[0] = '\0';
    told->settled = told->was_waiting = told->twin = false;
    if (!find_message(s, told, &w.seat, &w.standing, e))
        return false;
    if (!w.seat.number || (told->opaque.ledger != s->facts.id && w.standing.state != STATE_UNKNOWN))
        return tell(s, told, e);
    told->number = w.seat.number;
    if (!read_told(s, told->number, &w.row, e) || !weigh(s, &w, told, e))
        return false;
    note_id(s, told);
    merge(&w.row, told);
    return write_told(s, told->number, &w.row, e) && tell(s, told, e);
}

static bool work_statuses(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_statuses *statuses = CONTAINER_OF(errand, struct ledger_statuses, errand);

    for (size_t i = 0; i < statuses->count; i++) {
        struct ledger_status *told = &statuses->items[i];

        if (!told->at_ms)
            told->at_ms = statuses->at_ms;
        if (!put_status(s, told, e))
            return false;
    }
    return true;
}

void ledger_put_statuses(struct ledger *l, struct ledger_statuses *statuses)
{
    ledger_run_errand(l, &statuses->errand, work_statuses);
}

/* ---- Told before the answer came. */

static bool settle_now(struct store *s, const struct settlement *m,
                       const struct ledger_delivery *row, struct err *e)
{
    const struct outcome outcome = accepted(REASON_WEBHOOK, row->wamid);
    const struct standing from = {
        .state = m->outcome->next_ms > 0 ? STATE_WAITING : m->outcome->state,
        .open = !state_is_final(m->outcome->state),
        .attempt = m->from.attempt,
        .tries = m->tries,
        .at_ms = m->at_ms,
    };
    const struct seat seat = {m->number, m->broadcast};
    const struct settlement settled = settlement_of(&seat, &from, &outcome, m->at_ms);

    return store_settle(s, &settled, e);
}

bool store_settle_told(struct store *s, const struct settlement *m, struct err *e)
{
    struct ledger_status twin = {.at_ms = m->at_ms};
    struct ledger_delivery row;

    if (!read_told(s, m->number, &row, e))
        return false;
    if (!*row.wamid)
        return true;
    if (m->overtaken)
        *m->overtaken = m->outcome->state == STATE_WAITING || m->outcome->next_ms > 0;
    if (m->outcome->state != STATE_ACCEPTED)
        return settle_now(s, m, &row, e);
    if (!*m->outcome->wamid || strcmp(row.wamid, m->outcome->wamid) == 0)
        return true;
    memcpy(twin.wamid, row.wamid, sizeof(twin.wamid));
    return put_twin(s, key_of(m->number, m->from.attempt, true), &twin, &twin.twin, e);
}

/* ---- By hand. */

static bool settle_one(struct store *s, uint64_t number, struct ledger_settling *by, struct err *e)
{
    struct outcome outcome = accepted(REASON_BY_HAND, "");
    struct standing standing;
    struct seat seat;
    struct settlement m;

    if (number == 0 || number >= s->next_number)
        return true;
    if (!store_seat(s, number, &seat, &standing, e))
        return false;
    if (standing.state != STATE_UNKNOWN)
        return true;
    if (by->to == STATE_FAILED)
        outcome = (struct outcome){.state = STATE_FAILED, .reason = REASON_GIVEN_UP};
    m = settlement_of(&seat, &standing, &outcome, by->at_ms);
    by->settled++;
    return store_settle(s, &m, e);
}

static bool work_settle(struct store *s, struct ledger_errand *errand, struct err *e)
{
    struct ledger_settling *by = CONTAINER_OF(errand, struct ledger_settling, errand);

    by->settled = 0;
    for (size_t i = 0; i < by->count; i++)
        if (!settle_one(s, by->numbers[i], by, e))
            return false;
    return true;
}

void ledger_settle_by_hand(struct ledger *l, struct ledger_settling *settling)
{
    ledger_run_errand(l, &settling->errand, work_settle);
}
