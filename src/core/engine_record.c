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

    view.at_ms = d->record.at_ms;
    e->ports.on_settled(e->ports.world, &view);
}

/* Waits in the ledger's custody; in memory too, unless we are about to end, or its broadcast is
 * stopped. */
static void keep_waiting(struct engine *e, struct delivery *d, int64_t due_us)
{
    d->ref = NULL; /* its source was told, and holds it no more */
    delivery_enter_custody(e, d);
    if (e->draining || engine_is_stopped(e, d->message))
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
    if (d->record.overtaken) {
        delivery_drop(e, d);
        return;
    }
    delivery_leave_custody(e, d);
    delivery_move(e, d, STAGE_READY);
}

/* Another worker had it: what became of its attempt is not known here. */
static void on_taken_over(struct engine *e, struct delivery *d)
{
    d->tries = 1;
    d->outcome =
        (struct outcome){.state = STATE_UNKNOWN, .reason = REASON_TAKEN_OVER, .counts = true};
    delivery_settle(e, d);
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
        if (d->taken_over)
            on_taken_over(e, d);
        else
            on_intent(e, d);
        return;
    }
    if (delivery_is_over(e, d)) {
        delivery_enter_custody(e, d); /* it waits on disk: a page of what is due may have it, too */
        delivery_skip(e, d);
        return;
    }
    d->outcome = (struct outcome){.state = STATE_WAITING, .reason = REASON_NOT_DUE};
    d->outcome.next_ms = d->record.due_ms;
    tell_settled(e, d);
    keep_waiting(e, d, wall_to_mono_us(e, d->record.due_ms));
}

/* Skipped, while a webhook or a cancellation had finished it: there is nothing to tell, but to a
 * source that still holds it. */
static bool is_too_late(const struct delivery *d)
{
    return d->record.overtaken && d->outcome.state == STATE_SKIPPED && !d->ref;
}

static void on_outcome(struct engine *e, struct delivery *d)
{
    if (!is_too_late(d))
        tell_settled(e, d);
    if ((d->outcome.state == STATE_WAITING || d->outcome.next_ms) && !d->record.overtaken)
        keep_waiting(e, d, d->next_us);
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
