/* SPDX-License-Identifier: MIT
 *
 * engine_record.c: what came back from the ledger, on disk now.
 */
#include "core/engine_internal.h"

static void tell_known(struct engine *e, struct delivery *d)
{
    struct engine_view view = delivery_view(d);

    e->known_in_row++;
    e->ports.on_known(e->ports.world, &view, &d->record);
    delivery_drop(e, d);
}

static void tell_settled(struct engine *e, struct delivery *d)
{
    struct engine_view view = delivery_view(d);

    e->ports.on_settled(e->ports.world, &view);
}

/* Waits in the ledger's custody; in memory too, unless we are about to end. */
static void keep_waiting(struct engine *e, struct delivery *d, int64_t due_us)
{
    d->in_custody = true;
    if (e->draining)
        delivery_drop(e, d);
    else
        delivery_wait(e, d, due_us);
}

static void on_probed(struct engine *e, struct delivery *d)
{
    if (d->record.admission != ADMISSION_NEW) {
        tell_known(e, d);
        return;
    }
    e->skipping = false;
    e->known_in_row = 0;
    d->probed = true;
    delivery_move(e, d, STAGE_OFFERED);
}

/* The intent is on disk: it may start, unless something stopped it meanwhile. */
static void on_intent(struct engine *e, struct delivery *d)
{
    d->in_custody = false;
    delivery_move(e, d, STAGE_READY);
}

static void on_admitted(struct engine *e, struct delivery *d)
{
    if (d->record.admission != ADMISSION_NEW) {
        tell_known(e, d);
        return;
    }
    e->known_in_row = 0;
    d->number = d->record.number;
    if (d->record.intend) {
        d->attempt = 1;
        on_intent(e, d);
        return;
    }
    if (d->message->expires_at_ms && d->message->expires_at_ms <= e->now.wall_ms) {
        delivery_expire(e, d);
        return;
    }
    d->outcome = (struct outcome){.state = STATE_WAITING, .reason = REASON_NOT_DUE};
    d->outcome.next_ms = d->record.due_ms;
    tell_settled(e, d);
    keep_waiting(e, d, wall_to_mono_us(e, d->record.due_ms));
}

static void on_outcome(struct engine *e, struct delivery *d)
{
    tell_settled(e, d);
    if (d->outcome.state == STATE_WAITING || d->outcome.next_ms)
        keep_waiting(e, d, wall_to_mono_us(e, d->outcome.next_ms));
    else
        delivery_drop(e, d);
}

static void on_record(struct engine *e, struct delivery *d)
{
    switch (d->record.kind) {
    case RECORD_PROBE:
        on_probed(e, d);
        break;
    case RECORD_ADMIT:
        on_admitted(e, d);
        break;
    case RECORD_INTENT:
        on_intent(e, d);
        break;
    case RECORD_OUTCOME:
        on_outcome(e, d);
        break;
    }
}

static bool must_take_back(const struct engine *e)
{
    return e->draining || e->halts.count || e->health.since_us;
}

void engine_on_recorded(struct engine *e, struct list *records, struct moment now)
{
    struct list *node;

    e->now = now;
    while ((node = list_pop(records))) {
        struct record *record = LIST_ITEM(node, struct record, node);

        on_record(e, CONTAINER_OF(record, struct delivery, record));
    }
    if (must_take_back(e))
        engine_take_back_ready(e);
}
