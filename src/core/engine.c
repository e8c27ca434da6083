/* SPDX-License-Identifier: MIT */
#include "core/engine.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/engine_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A former run's messages count in the sliding second, too; of them only milliseconds are known.
 * What lies in the future (a clock that was set back, or Meta's, which a webhook's time is of)
 * hides when the last one was: then it is waited for whole. */
static int64_t quiet_until_us(const struct engine_options *options, struct moment now)
{
    int64_t since_ms = now.wall_ms - options->last_attempt_ms;
    int64_t quiet_ms = rate_limit_window_us(&options->rate) / 1000 + 2;

    if (since_ms >= quiet_ms)
        return 0;
    return now.mono_us + (quiet_ms - (since_ms > 0 ? since_ms : 0)) * 1000;
}

struct engine *engine_new(const struct engine_options *options, const struct engine_ports *ports,
                          struct moment now)
{
    struct engine *e = MEM_NEW(struct engine);

    e->options = *options;
    e->ports = *ports;
    e->now = now;
    e->quiet_until_us = quiet_until_us(options, now);
    e->pairs = pair_limit_new();
    e->held = map_new();
    e->stopped = map_new();
    list_init(&e->offered);
    list_init(&e->parked);
    list_init(&e->with_ledger);
    list_init(&e->with_client);
    list_init(&e->spare);
    return e;
}

/* ---- Lanes. Beyond the most senders we keep a pace for, the last lane is shared: slower, safe. */

static struct lane *lane_of(struct engine *e, const struct message *m)
{
    struct lane *lane;

    for (unsigned i = 0; i < e->lane_count; i++) {
        if (strcmp(e->lanes[i].sender, m->sender) == 0)
            return &e->lanes[i];
    }
    if (e->lane_count == ENGINE_SENDERS_MAX)
        return &e->lanes[ENGINE_SENDERS_MAX - 1];
    lane = &e->lanes[e->lane_count++];
    text_copy(lane->sender, sizeof(lane->sender), m->sender, strlen(m->sender));
    lane->rate = rate_limit_new(&e->options.rate, e->now.mono_us);
    list_init(&lane->ready);
    return lane;
}

/* ---- Deliveries. */

static void delivery_free(struct delivery *d)
{
    message_free(d->message);
    buf_free(&d->body);
    mem_free(d);
}

struct delivery *delivery_new(struct engine *e, struct message *message, void *ref)
{
    struct list *spare = list_pop(&e->spare);
    struct delivery *d = spare ? LIST_ITEM(spare, struct delivery, node) : MEM_NEW(struct delivery);
    struct buf body = spare ? d->body : buf_new(GRAPH_PAYLOAD_MAX);

    *d = (struct delivery){.message = message, .ref = ref, .body = body};
    d->lane = lane_of(e, message);
    return d;
}

static struct list *list_of_stage(struct engine *e, const struct delivery *d, enum stage s)
{
    switch (s) {
    case STAGE_OFFERED:
        return &e->offered;
    case STAGE_READY:
        return &d->lane->ready;
    case STAGE_PARKED:
        return &e->parked;
    case STAGE_PROBING:
    case STAGE_ADMITTING:
    case STAGE_INTENDING:
    case STAGE_SETTLING:
        return &e->with_ledger;
    case STAGE_STARTED:
    case STAGE_WIRED:
        return &e->with_client;
    case STAGE_WAITING: /* on the heap */
    case STAGE_GONE:
        break;
    }
    return NULL;
}

static bool stage_is_ahead(enum stage s)
{
    return s == STAGE_ADMITTING || s == STAGE_INTENDING || s == STAGE_READY;
}

static void enter_stage(struct engine *e, struct delivery *d, enum stage s)
{
    struct list *list = list_of_stage(e, d, s);

    d->stage = s;
    e->stage_counts[s]++;
    if (list)
        list_append(list, &d->node);
    if (stage_is_ahead(s)) {
        d->lane->ahead++;
        d->lane->resumed += d->resumed;
    }
}

static void leave_stage(struct engine *e, struct delivery *d)
{
    list_remove(&d->node);
    if (d->stage == STAGE_WAITING)
        heap_remove(&e->waiting, &d->due);
    if (stage_is_ahead(d->stage)) {
        d->lane->ahead--;
        d->lane->resumed -= d->resumed;
    }
    e->stage_counts[d->stage]--;
}

void delivery_move(struct engine *e, struct delivery *d, enum stage to)
{
    assert(stage_may_move(d->stage, to));
    leave_stage(e, d);
    enter_stage(e, d, to);
}

void delivery_enter_waiting(struct engine *e, struct delivery *d, int64_t due_us)
{
    d->due.key = due_us;
    enter_stage(e, d, STAGE_WAITING);
    heap_push(&e->waiting, &d->due);
}

void delivery_wait(struct engine *e, struct delivery *d, int64_t due_us)
{
    d->due.key = due_us;
    delivery_move(e, d, STAGE_WAITING);
    heap_push(&e->waiting, &d->due);
}

void delivery_prepare_record(struct engine *e, struct delivery *d, enum record_kind kind,
                             enum stage stage)
{
    d->record = (struct record){
        .kind = kind,
        .message = d->message,
        .number = d->number,
        .attempt = d->attempt,
        .at_ms = e->now.wall_ms,
        .outcome = &d->outcome,
        .tries = d->tries,
    };
    delivery_move(e, d, stage);
}

void delivery_drop(struct engine *e, struct delivery *d)
{
    delivery_leave_custody(e, d);
    delivery_move(e, d, STAGE_GONE);
    e->stage_counts[STAGE_GONE]--;
    message_free(d->message);
    d->message = NULL;
    list_append(&e->spare, &d->node);
}

struct engine_view delivery_view(const struct delivery *d)
{
    return (struct engine_view){
        .message = d->message,
        .in_custody = d->in_custody,
        .ref = d->ref,
        .number = d->number,
        .attempt = d->attempt,
        .outcome = d->outcome.state ? &d->outcome : NULL,
    };
}

/* ---- What sources call. */

static void offer(struct engine *e, struct delivery *d)
{
    if (e->pulled)
        e->pulled--;
    enter_stage(e, d, STAGE_OFFERED);
}

void engine_offer(struct engine *e, struct message *message, void *ref)
{
    offer(e, delivery_new(e, message, ref));
}

void engine_offer_taken_over(struct engine *e, struct message *message, void *ref)
{
    struct delivery *d = delivery_new(e, message, ref);

    d->taken_over = true;
    offer(e, d);
}

void engine_offer_given_up(struct engine *e, struct message *message, void *ref)
{
    struct delivery *d = delivery_new(e, message, ref);

    d->given_up = true;
    offer(e, d);
}

void engine_restore_pair(struct engine *e, const struct past_attempt *attempt, struct moment now)
{
    int64_t wall_to_mono = now.mono_us - now.wall_ms * 1000;

    e->now = now;
    pair_limit_restore(e->pairs, attempt->pair_hash, wall_to_mono + attempt->intended_ms * 1000,
                       wall_to_mono + attempt->settled_ms * 1000);
}

void engine_source_ended(struct engine *e)
{
    e->source_ended = true;
    e->pulled = 0;
}

/* ---- Halts. */

void engine_raise(struct engine *e, const struct halt *halt)
{
    if (!halt_raise(&e->halts, halt))
        return;
    e->ports.on_halt(e->ports.world, halt, true);
    engine_take_back_ready(e);
}

void engine_unpark(struct engine *e)
{
    struct list held;
    struct list *node;

    list_init(&held);
    list_splice(&held, &e->parked);
    while ((node = list_pop(&held))) {
        struct delivery *d = LIST_ITEM(node, struct delivery, node);

        list_append(&e->parked, node);
        if (halt_covers(&e->halts, d->message))
            continue;
        if (d->in_custody)
            delivery_wait(e, d, e->now.mono_us);
        else
            delivery_move(e, d, STAGE_OFFERED);
    }
}

/* Clears halts of this kind and lets go what they held. */
static void clear(struct engine *e, enum halt_kind kind)
{
    struct halt over = {.kind = kind};
    unsigned before = e->halts.count;

    halt_clear(&e->halts, kind);
    if (e->halts.count == before)
        return;
    e->ports.on_halt(e->ports.world, &over, false);
    engine_unpark(e);
}

void engine_hold(struct engine *e, enum halt_kind kind, const char *why, struct moment now)
{
    struct halt halt = {
        .kind = kind,
        .since_ms = now.wall_ms,
        .until_us = INT64_MAX,
        .what = "everything",
    };

    e->now = now;
    (void)snprintf(halt.hint, sizeof(halt.hint), "%s", why); /* cut if too long */
    engine_raise(e, &halt);
}

void engine_release(struct engine *e, struct moment now)
{
    e->now = now;
    clear(e, HALT_OPERATOR);
    clear(e, HALT_DISABLED);
}

void engine_clear_halts(struct engine *e, enum halt_kind kind, struct moment now)
{
    e->now = now;
    clear(e, kind);
}

void engine_configure(struct engine *e, const struct engine_options *options, struct moment now)
{
    struct engine_options taken = *options;

    taken.ledger_id = e->options.ledger_id;
    taken.last_attempt_ms = e->options.last_attempt_ms;
    taken.tell_known = e->options.tell_known;
    e->options = taken;
    e->now = now;
    for (unsigned i = 0; i < e->lane_count; i++)
        rate_limit_configure(e->lanes[i].rate, &taken.rate, now.mono_us);
}

void engine_drain(struct engine *e, struct moment now)
{
    e->now = now;
    e->draining = true;
    engine_source_ended(e);
    engine_take_back_ready(e);
}

void engine_on_ledger_broken(struct engine *e)
{
    e->broken = true;
    e->draining = true;
    engine_source_ended(e);
}

/* ---- What is going on. */

unsigned engine_in_flight(const struct engine *e)
{
    return e->stage_counts[STAGE_STARTED] + e->stage_counts[STAGE_WIRED];
}

static unsigned with_ledger(const struct engine *e)
{
    return e->stage_counts[STAGE_PROBING] + e->stage_counts[STAGE_ADMITTING] +
           e->stage_counts[STAGE_INTENDING] + e->stage_counts[STAGE_SETTLING];
}

struct engine_counts engine_counts(const struct engine *e)
{
    return (struct engine_counts){
        .busy = with_ledger(e) + engine_in_flight(e) + e->stage_counts[STAGE_READY],
        .in_flight = engine_in_flight(e),
        .waiting = e->stage_counts[STAGE_WAITING],
        .parked = e->stage_counts[STAGE_PARKED],
        .offered = e->stage_counts[STAGE_OFFERED],
        .throttles = e->throttles,
        .retries = e->retries,
        .attempts = e->attempts,
    };
}

bool engine_is_finished(const struct engine *e)
{
    struct engine_counts c = engine_counts(e);

    if (e->broken)
        return c.in_flight == 0;
    if (e->draining)
        return c.busy == 0;
    return e->source_ended && c.busy == 0 && c.waiting == 0 && c.parked == 0 && c.offered == 0;
}

static bool halts_end_by_themselves(const struct engine *e)
{
    for (unsigned i = 0; i < e->halts.count; i++) {
        if (e->halts.items[i].until_us != INT64_MAX)
            return true;
    }
    return false;
}

bool engine_is_stuck(const struct engine *e)
{
    struct engine_counts c = engine_counts(e);
    const struct halt *all = halt_of_all(&e->halts);

    if (c.busy || !e->halts.count || halts_end_by_themselves(e))
        return false;
    if (all)
        return true;
    return c.parked > 0 && c.waiting == 0 && (e->source_ended || c.parked >= ENGINE_PARKED_MAX);
}

size_t engine_senders(struct engine *e, struct engine_sender *senders, size_t max,
                      struct moment now)
{
    size_t count = e->lane_count < max ? e->lane_count : max;

    for (size_t i = 0; i < count; i++) {
        struct lane *lane = &e->lanes[i];

        senders[i] = (struct engine_sender){
            .phone_id = lane->sender,
            .allowed = rate_limit_allowed(lane->rate, now.mono_us),
            .actual = rate_limit_actual(lane->rate, now.mono_us),
            .throttles = lane->throttles,
        };
    }
    return count;
}

const struct halts *engine_halts(const struct engine *e)
{
    return &e->halts;
}

int64_t engine_unreachable_since_us(const struct engine *e)
{
    return e->health.since_us;
}

int64_t engine_unreachable_for_us(const struct engine *e, struct moment now)
{
    return health_gone_for_us(&e->health, now.mono_us);
}

double engine_rate_allowed(struct engine *e, struct moment now)
{
    double sum = 0;

    for (unsigned i = 0; i < e->lane_count; i++)
        sum += rate_limit_allowed(e->lanes[i].rate, now.mono_us);
    return sum;
}

unsigned engine_rate_actual(struct engine *e, struct moment now)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < e->lane_count; i++)
        sum += rate_limit_actual(e->lanes[i].rate, now.mono_us);
    return sum;
}

/* ---- The end. */

static void free_list(struct list *head)
{
    struct list *node;

    while ((node = list_pop(head)))
        delivery_free(LIST_ITEM(node, struct delivery, node));
}

void engine_free(struct engine *e)
{
    struct heap_node *first;

    while ((first = heap_first(&e->waiting))) {
        heap_remove(&e->waiting, first);
        delivery_free(CONTAINER_OF(first, struct delivery, due));
    }
    heap_free(&e->waiting);
    for (unsigned i = 0; i < e->lane_count; i++) {
        free_list(&e->lanes[i].ready);
        rate_limit_free(e->lanes[i].rate);
    }
    free_list(&e->offered);
    free_list(&e->parked);
    free_list(&e->with_ledger);
    free_list(&e->with_client);
    free_list(&e->spare);
    pair_limit_free(e->pairs);
    map_free(e->held);
    map_free(e->stopped);
    mem_free(e);
}
