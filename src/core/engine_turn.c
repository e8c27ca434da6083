/* SPDX-License-Identifier: MIT
 *
 * engine_turn.c: what is due now.
 *
 * Happy path of a message from a source:
 *   - the source is asked for as many as will go out in the next intent_ahead (pull);
 *   - each is handed to the ledger, to be looked up and stored with its intent (admit);
 *   - back from there it is READY; when the rate, the pair and the client allow, its request
 *     starts.
 * Failure modes:
 *   - nearly all the source gives is known (a run that goes on): look-ups go in large probes
 *     without intents, so that skipping a million rows takes seconds, until a new one turns up;
 *   - a halt covers the message: everything stops, or it is parked; its intent is taken back;
 *   - too many wait for a later try: nothing new is asked for until they are fewer.
 */
#include "core/engine_internal.h"

#include "core/opaque_id.h"

#include <assert.h>
#include <limits.h>

enum {
    AHEAD_MIN_UNLIMITED = 64,  /* intents ahead before an unlimited rate is known */
    FIRST_PULL = 16,           /* before a lane, and so a pace, exists */
    KNOWN_IN_ROW_TO_SKIP = 16, /* known messages in a row that begin the skipping */
};

int64_t wall_to_mono_us(const struct engine *e, int64_t wall_ms)
{
    int64_t ahead_ms = wall_ms - e->now.wall_ms;

    if (ahead_ms > INT64_MAX / 4000)
        return INT64_MAX / 2;
    return ahead_ms <= 0 ? e->now.mono_us : e->now.mono_us + ahead_ms * 1000;
}

int64_t mono_to_wall_ms(const struct engine *e, int64_t mono_us)
{
    return e->now.wall_ms + (mono_us - e->now.mono_us + 999) / 1000;
}

static bool is_stopped(const struct engine *e)
{
    return e->draining || e->broken || halt_of_all(&e->halts) || e->now.mono_us < e->quiet_until_us;
}

static unsigned in_flight_allowed(const struct engine *e)
{
    unsigned healthy = health_allows(&e->health, e->stage_counts[STAGE_WIRED], e->now.mono_us);

    return healthy < e->options.max_in_flight ? healthy : e->options.max_in_flight;
}

/* How many intents of this lane may be on disk or on their way: what goes out in intent_ahead. */
static unsigned ahead_target(const struct engine *e, const struct lane *lane)
{
    double per_second = rate_limit_allowed(lane->rate, e->now.mono_us);
    bool is_unlimited = per_second <= 0;
    double target;

    if (in_flight_allowed(e) <= 1)
        return in_flight_allowed(e);
    if (is_unlimited)
        per_second = rate_limit_actual(lane->rate, e->now.mono_us);
    target = 1 + per_second * (double)e->options.intent_ahead_us / 1e6;
    if (is_unlimited && target < (double)AHEAD_MIN_UNLIMITED)
        target = (double)AHEAD_MIN_UNLIMITED;
    return target < (double)ENGINE_AHEAD_MAX ? (unsigned)target : ENGINE_AHEAD_MAX;
}

static bool lane_is_full(const struct engine *e, const struct lane *lane)
{
    return lane->ahead >= ahead_target(e, lane);
}

/* Messages from the ledger's custody leave half of the lane to the source while it has some. */
static bool lane_takes_waiting(const struct engine *e, const struct lane *lane)
{
    unsigned target = ahead_target(e, lane);

    if (lane->ahead >= target)
        return false;
    return list_is_empty(&e->offered) || lane->resumed < (target + 1) / 2;
}

/* ---- Handing over to the ledger. */

/* When its turn is, at the pace of now, behind those that are ahead in its lane already. */
static int64_t turn_us(const struct engine *e, const struct lane *lane)
{
    double per_second = rate_limit_allowed(lane->rate, e->now.mono_us);

    if (per_second <= 0)
        return e->now.mono_us;
    return e->now.mono_us + (int64_t)(lane->ahead / per_second * 1e6);
}

static void intend_again(struct engine *e, struct delivery *d)
{
    d->turn_us = turn_us(e, d->lane);
    d->attempt++;
    d->resumed = true;
    delivery_prepare_record(e, d, RECORD_INTENT, STAGE_INTENDING);
    e->ports.record(e->ports.world, &d->record);
}

/* The earliest time at which the message itself and its pair allow it. */
static int64_t earliest_us(struct engine *e, const struct delivery *d)
{
    int64_t pair_us = pair_limit_next_us(e->pairs, d->message->pair_hash, e->now.mono_us);
    int64_t own_us = wall_to_mono_us(e, d->message->not_before_ms);

    return pair_us > own_us ? pair_us : own_us;
}

static void admit(struct engine *e, struct delivery *d)
{
    int64_t due_us = earliest_us(e, d);

    d->turn_us = turn_us(e, d->lane);
    delivery_prepare_record(e, d, RECORD_ADMIT, STAGE_ADMITTING);
    d->record.intend = due_us <= e->now.mono_us && !delivery_is_over(e, d);
    d->record.intend &= !engine_is_stopped(e, d->message);
    d->record.intend |= d->taken_over;
    d->record.due_ms = mono_to_wall_ms(e, due_us);
    d->record.found = e->options.tell_known ? &d->outcome : NULL;
    e->ports.record(e->ports.world, &d->record);
}

static void probe(struct engine *e, struct delivery *d)
{
    delivery_prepare_record(e, d, RECORD_PROBE, STAGE_PROBING);
    d->record.found = e->options.tell_known ? &d->outcome : NULL;
    e->ports.record(e->ports.world, &d->record);
}

/* ---- What waits for its time. */

static void postpone(struct engine *e, struct delivery *d, int64_t until_us)
{
    heap_remove(&e->waiting, &d->due);
    d->due.key = until_us;
    heap_push(&e->waiting, &d->due);
}

static void release_one(struct engine *e, struct delivery *d)
{
    int64_t due_us = earliest_us(e, d);

    if (engine_is_stopped(e, d->message))
        delivery_drop(e, d);
    else if (delivery_is_over(e, d))
        delivery_skip(e, d);
    else if (d->attempt >= RECORD_ATTEMPT_MAX)
        delivery_fail(e, d);
    else if (halt_covers(&e->halts, d->message))
        delivery_move(e, d, STAGE_PARKED);
    else if (due_us > e->now.mono_us)
        postpone(e, d, due_us);
    else
        intend_again(e, d);
}

static void release_due(struct engine *e)
{
    struct heap_node *first;

    while ((first = heap_first(&e->waiting)) && first->key <= e->now.mono_us) {
        struct delivery *d = CONTAINER_OF(first, struct delivery, due);

        if (!lane_takes_waiting(e, d->lane))
            break;
        release_one(e, d);
    }
}

/* ---- What the source offers. */

static bool is_crowded(const struct engine *e)
{
    return e->stage_counts[STAGE_WAITING] >= ENGINE_WAITING_MAX ||
           e->stage_counts[STAGE_PARKED] >= ENGINE_PARKED_MAX;
}

/* More is asked for when half of what should be ahead has gone out, so that commits are few. */
static unsigned pull_target(const struct engine *e)
{
    unsigned target = 0, ahead = 0;

    if (e->skipping)
        return ENGINE_OFFERED_MAX;
    for (unsigned i = 0; i < e->lane_count; i++) {
        target += ahead_target(e, &e->lanes[i]);
        ahead += e->lanes[i].ahead;
    }
    if (!e->lane_count)
        return FIRST_PULL;
    if (ahead > target / 2)
        return 0;
    return target - ahead < ENGINE_OFFERED_MAX ? target - ahead : ENGINE_OFFERED_MAX;
}

static void pull(struct engine *e)
{
    unsigned have = e->pulled + e->stage_counts[STAGE_OFFERED] + e->stage_counts[STAGE_PROBING];
    unsigned want = pull_target(e);

    if (e->source_ended || is_crowded(e) || have >= want)
        return;
    e->pulled += want - have;
    e->ports.pull(e->ports.world, want - have);
}

/* False when the delivery stays where it is, and those behind it too. */
static bool admit_one(struct engine *e, struct delivery *d)
{
    if (e->skipping && !d->probed) {
        probe(e, d);
        return true;
    }
    if (is_crowded(e))
        return false;
    if (halt_covers(&e->halts, d->message) && !d->taken_over && !d->given_up) {
        delivery_move(e, d, STAGE_PARKED);
        return true;
    }
    if (lane_is_full(e, d->lane))
        return false;
    admit(e, d);
    return true;
}

static void admit_offered(struct engine *e)
{
    bool goes_on = true;

    if (e->known_in_row >= KNOWN_IN_ROW_TO_SKIP)
        e->skipping = true;
    while (goes_on && !list_is_empty(&e->offered))
        goes_on = admit_one(e, LIST_ITEM(e->offered.next, struct delivery, node));
}

/* A source that answers at once is asked again when all it gave was parked: nothing else would
 * bring the next turn. ENGINE_PARKED_MAX bounds it. */
static void take_from_source(struct engine *e)
{
    unsigned parked;

    do {
        parked = e->stage_counts[STAGE_PARKED];
        pull(e);
        admit_offered(e);
    } while (e->stage_counts[STAGE_PARKED] > parked && !e->pulled);
}

/* ---- What is ready. */

static void write_request(struct engine *e, struct delivery *d)
{
    struct opaque_id id = {
        .ledger = e->options.ledger_id,
        .message_hash = d->message->id_hash,
        .attempt = (uint16_t)d->attempt,
    };
    char opaque[OPAQUE_ID_SIZE];

    opaque_id_write(&id, opaque);
    buf_clear(&d->body);
    graph_payload_write(&d->body, d->message, opaque);
    assert(buf_ok(&d->body)); /* MESSAGE_CONTENT_MAX bounds it */
    d->request = (struct graph_request){
        .phone_id = d->message->sender,
        .body = d->body.data,
        .body_len = d->body.len,
        .owner = d,
    };
}

static void start(struct engine *e, struct delivery *d)
{
    struct engine_view view;

    d->outcome.state = 0;
    view = delivery_view(d);
    view.late_us = e->now.mono_us > d->turn_us ? e->now.mono_us - d->turn_us : 0;
    write_request(e, d);
    pair_limit_take(e->pairs, d->message->pair_hash, e->now.mono_us);
    rate_limit_take(d->lane->rate, e->now.mono_us);
    delivery_move(e, d, STAGE_STARTED);
    e->attempts++;
    if (d->attempt > 1)
        e->retries++;
    e->ports.on_started(e->ports.world, &view);
    e->ports.request(e->ports.world, &d->request);
}

static void start_or_settle(struct engine *e, struct delivery *d)
{
    int64_t pair_us = pair_limit_next_us(e->pairs, d->message->pair_hash, e->now.mono_us);

    if (delivery_is_over(e, d))
        delivery_skip(e, d);
    else if (engine_is_stopped(e, d->message))
        delivery_take_back(e, d, REASON_WITHDRAWN, e->now.mono_us);
    else if (pair_us > e->now.mono_us)
        delivery_take_back(e, d, REASON_WITHDRAWN, pair_us);
    else
        start(e, d);
}

static void start_lane(struct engine *e, struct lane *lane)
{
    unsigned grants = rate_limit_available(lane->rate, e->now.mono_us);

    while (grants > 0 && !list_is_empty(&lane->ready)) {
        if (engine_in_flight(e) >= in_flight_allowed(e) || !e->ports.has_room(e->ports.world))
            return;
        start_or_settle(e, LIST_ITEM(lane->ready.next, struct delivery, node));
        grants--;
    }
}

/* How many may stay ready: none when everything stops; one, the next probe, in an outage. */
static unsigned may_stay_ready(const struct engine *e)
{
    if (e->draining || halt_of_all(&e->halts))
        return 0;
    return e->health.since_us ? 1 : UINT_MAX;
}

void engine_take_back_ready(struct engine *e)
{
    unsigned stay = may_stay_ready(e);

    for (unsigned i = 0; i < e->lane_count; i++) {
        struct list ready;
        struct list *node;

        list_init(&ready);
        list_splice(&ready, &e->lanes[i].ready);
        while ((node = list_pop(&ready))) {
            struct delivery *d = LIST_ITEM(node, struct delivery, node);

            list_append(&e->lanes[i].ready, node);
            if (stay > 0 && !halt_covers(&e->halts, d->message) &&
                !engine_is_stopped(e, d->message))
                stay--;
            else
                delivery_take_back(e, d, REASON_WITHDRAWN, e->now.mono_us);
        }
    }
}

/* ---- The turn. */

static void expire_halts(struct engine *e)
{
    unsigned before = e->halts.count;

    halt_expire(&e->halts, e->now.mono_us);
    if (e->halts.count != before)
        engine_unpark(e);
}

void engine_turn(struct engine *e, struct moment now)
{
    e->now = now;
    if (e->quiet_until_us <= now.mono_us)
        e->quiet_until_us = 0;
    expire_halts(e);
    if (is_stopped(e))
        return;
    release_due(e);
    take_from_source(e);
    for (unsigned i = 0; i < e->lane_count; i++)
        start_lane(e, &e->lanes[i]);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_halt_us(const struct engine *e)
{
    int64_t next = INT64_MAX;

    for (unsigned i = 0; i < e->halts.count; i++)
        next = earlier(next, e->halts.items[i].until_us);
    return next;
}

static int64_t next_start_us(struct engine *e)
{
    int64_t next = health_next_us(&e->health, e->now.mono_us);

    if (engine_in_flight(e) >= in_flight_allowed(e) || !e->ports.has_room(e->ports.world))
        return next;
    for (unsigned i = 0; i < e->lane_count; i++) {
        if (!list_is_empty(&e->lanes[i].ready))
            next = earlier(next, rate_limit_next_us(e->lanes[i].rate, e->now.mono_us));
    }
    return next;
}

static int64_t next_due_us(struct engine *e)
{
    struct heap_node *first = heap_first(&e->waiting);

    if (!first)
        return INT64_MAX;
    if (first->key <= e->now.mono_us &&
        !lane_takes_waiting(e, CONTAINER_OF(first, struct delivery, due)->lane))
        return INT64_MAX; /* what fills the lane brings the next turn */
    return first->key;
}

int64_t engine_next_us(struct engine *e, struct moment now)
{
    int64_t next;

    e->now = now;
    next = next_halt_us(e);
    if (e->draining || e->broken || halt_of_all(&e->halts))
        return next;
    if (e->quiet_until_us)
        return e->quiet_until_us;
    return earlier(next, earlier(next_start_us(e), next_due_us(e)));
}
