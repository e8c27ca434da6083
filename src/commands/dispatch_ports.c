/* SPDX-License-Identifier: MIT
 *
 * dispatch_ports.c: what the engine asks for, and what comes back to it.
 */
#include "commands/dispatch_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mix.h"
#include "base/text.h"

#include <string.h>

/* ---- The engine's ports. */

/* False when the source has no more. */
static bool offer_one(struct dispatch *d)
{
    struct message *message = NULL;

    if (!d->source.next(d->source.context, &message, &d->failure)) {
        d->failed = true;
        return false;
    }
    if (!message) {
        engine_source_ended(d->engine);
        return false;
    }
    engine_offer(d->engine, message, NULL);
    return true;
}

bool dispatch_no_message(void *context, struct message **out, struct err *e)
{
    (void)context;
    (void)e;
    *out = NULL;
    return true;
}

/* The ledger's own go first: until they are all given, what is asked of the source is owed. */
void dispatch_pull(struct dispatch *d, unsigned want)
{
    d->owed += want;
    while (d->owed && !d->waiting_left)
        d->owed = offer_one(d) ? d->owed - 1 : 0;
}

static void on_pull(void *world, unsigned want)
{
    struct dispatch *d = world;

    if (d->service)
        d->service->pull(d->service->context, want);
    else
        dispatch_pull(d, want);
}

static void on_record(void *world, struct record *record)
{
    struct dispatch *d = world;

    ledger_submit(d->ledger, record);
    d->has_intents |= record->kind != RECORD_OUTCOME;
}

static bool on_has_room(void *world)
{
    struct dispatch *d = world;

    return graph_client_has_room(d->client);
}

static void on_request(void *world, struct graph_request *request)
{
    struct dispatch *d = world;

    graph_client_start(d->client, request);
}

/* Jitter needs no more; seeded by the system. */
static uint64_t on_random(void *world)
{
    struct dispatch *d = world;

    return splitmix64(&d->random_state);
}

static void on_started(void *world, const struct engine_view *view)
{
    struct dispatch *d = world;

    event_log_started(&d->event_log, view);
    histogram_add(&d->tally.lateness, view->late_us);
}

static void on_answer(void *world, const struct engine_view *view, const struct exchange *x,
                      const struct judgement *j)
{
    struct dispatch *d = world;

    tally_answer(&d->tally, x, view->outcome);
    event_log_answer(&d->event_log, view, x, j);
    if (j->verdict == VERDICT_UNKNOWN || j->verdict == VERDICT_NOT_SENT)
        text_copy(d->trouble, sizeof(d->trouble), view->outcome->title,
                  strlen(view->outcome->title));
    if (j->verdict == VERDICT_UNKNOWN && !x->http_status)
        graph_client_distrust(d->client);
}

static void on_settled(void *world, const struct engine_view *view)
{
    struct dispatch *d = world;

    tally_settled(&d->tally, view, clock_mono_us());
    if (view->outcome->state == STATE_SKIPPED)
        event_log_skipped(view->message->id, view->outcome->reason);
    if (d->service)
        d->service->on_settled(d->service->context, view);
    else if (d->watch.on_settled)
        d->watch.on_settled(d->watch.context, view);
}

static void on_known(void *world, const struct engine_view *view, const struct record *record)
{
    struct dispatch *d = world;

    if (record->admission == ADMISSION_KNOWN) {
        d->tally.known++;
    } else {
        d->tally.reused++;
        log_line(LOG_WARN, "⚠ Id used again with other content: not sent",
                 LOG_STR("id", view->message->id), LOG_STR("reason", "id_reused"));
    }
    if (d->service)
        d->service->on_known(d->service->context, view, record);
    else if (d->watch.on_known)
        d->watch.on_known(d->watch.context, view, record);
}

static void on_halt(void *world, const struct halt *halt, bool raised)
{
    struct dispatch *d = world;

    if (halt->kind == HALT_NETWORK)
        d->network = raised ? *halt : (struct halt){0};
    event_log_halt(halt, raised, d->service != NULL);
}

/* ---- What comes back. */

static void on_wired(void *context, struct graph_request *request)
{
    struct dispatch *d = context;

    d->tally.wired++;
    engine_on_wired(d->engine, request, dispatch_now());
}

static void on_done(void *context, struct graph_request *request, const struct exchange *x)
{
    struct dispatch *d = context;

    engine_on_answer(d->engine, request, x, dispatch_now());
}

static void on_recorded(void *context, struct list *records)
{
    struct dispatch *d = context;

    engine_on_recorded(d->engine, records, dispatch_now());
}

static void on_broken(void *context, const struct err *e)
{
    struct dispatch *d = context;

    d->failure = *e;
    d->failed = true;
    log_line(LOG_ERROR, "⛔ The ledger broke: nothing more is sent", LOG_STR("error", e->text));
    engine_on_ledger_broken(d->engine);
}

/* ---- Putting together. */

struct engine_ports dispatch_ports(struct dispatch *d)
{
    return (struct engine_ports){d,          on_pull,   on_record,  on_has_room,
                                 on_request, on_random, on_started, on_answer,
                                 on_settled, on_known,  on_halt};
}

struct graph_client_events dispatch_client_events(struct dispatch *d)
{
    return (struct graph_client_events){.context = d, .on_wired = on_wired, .on_done = on_done};
}

struct ledger_events dispatch_ledger_events(struct dispatch *d)
{
    return (struct ledger_events){d, on_recorded, on_broken};
}
