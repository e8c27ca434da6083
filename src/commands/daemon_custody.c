/* SPDX-License-Identifier: MIT
 *
 * daemon_custody.c: two pages between the ledger and the rest: messages that wait and are due, into
 * the engine; results that nobody was told, to Redis.
 *
 * Happy path of a page of messages: the engine has room; the ledger is asked for what is due and
 * not in memory; what comes is resumed. A full page is followed by the next at once, a short one by
 * a look at every heartbeat, and when something was handed over.
 * Happy path of a page of results: asked for when there may be some; each is given to the stream
 * with its place in the outbox; when all are confirmed the ledger forgets them, and is asked again.
 * Failure modes:
 *   - a cancellation, or a drain, overtakes a page of messages: the page is thrown away;
 *   - Redis is away: the page of results waits, and so do all behind it, on disk;
 *   - the ledger breaks: nothing comes back, the process ends, daemon_feed_end frees.
 */
#include "commands/daemon_internal.h"

#include "base/mem.h"

/* ---- Messages that are due. */

static void give_page(struct daemon *d)
{
    struct engine *engine = dispatch_engine(d->dispatch);
    bool is_old = d->feed.cancellations != d->holds.cancellations || d->is_stopping;

    for (size_t i = 0; i < d->feed.due.count; i++) {
        const struct waiting *w = &d->feed.items[i];
        const struct engine_waiting taken = {w->message, w->number, w->attempt, w->tries,
                                             w->due_ms};

        if (is_old)
            message_free(w->message);
        else
            engine_resume(engine, &taken, dispatch_now());
    }
}

static void on_due(struct ledger_errand *errand)
{
    struct daemon *d = errand->context;

    d->feed.asked = false;
    give_page(d);
    d->feed.due.count = 0;
    d->feed.again |= d->feed.due.more;
}

void daemon_feed_turn(struct daemon *d)
{
    struct engine *engine = dispatch_engine(d->dispatch);
    unsigned room = engine_waiting_room(engine);

    if (!d->feed.again || d->feed.asked || d->is_stopping || d->holds.is_held ||
        room < DAEMON_DUE_MAX)
        return;
    d->feed.asked = true;
    d->feed.again = false;
    d->feed.cancellations = d->holds.cancellations;
    d->feed.due = (struct ledger_due){
        .errand = {.on_done = on_due, .context = d},
        .by_ms = dispatch_now().wall_ms,
        .held = d->feed.held,
        .held_count = engine_held(engine, d->feed.held, DAEMON_HELD_MAX),
        .items = d->feed.items,
        .max = DAEMON_DUE_MAX,
    };
    ledger_ask_due(dispatch_ledger(d->dispatch), &d->feed.due);
}

/* ---- Results that nobody was told. */

static void drop_results(struct outbox *o)
{
    for (size_t i = 0; i < o->results.count; i++)
        message_free(o->items[i].message);
    o->results.count = o->given = o->published = 0;
}

static void on_results(struct ledger_errand *errand)
{
    struct daemon *d = errand->context;

    d->outbox.asked = false;
    d->outbox.again |= d->outbox.results.count == DAEMON_RESULTS_MAX;
}

static void on_forgotten(struct ledger_errand *errand)
{
    struct daemon *d = errand->context;

    d->outbox.asked = false;
}

static void ask_results(struct daemon *d)
{
    struct outbox *o = &d->outbox;

    o->asked = true;
    o->again = false;
    o->results = (struct ledger_results){
        .errand = {.on_done = on_results, .context = d},
        .items = o->items,
        .max = DAEMON_RESULTS_MAX,
    };
    ledger_ask_results(dispatch_ledger(d->dispatch), &o->results);
}

static void forget_results(struct daemon *d)
{
    struct outbox *o = &d->outbox;

    o->asked = true;
    o->told = (struct ledger_told){
        .errand = {.on_done = on_forgotten, .context = d},
        .seq = o->items[o->results.count - 1].seq,
    };
    ledger_forget_results(dispatch_ledger(d->dispatch), &o->told);
    drop_results(o);
}

static void give_result(struct daemon *d, const struct ledger_result *r)
{
    const struct stream_result result = {r->message, &r->outcome, r->attempts, r->at_ms};

    redis_source_publish_result(d->stream, &result, r->seq);
}

static void give_status(struct daemon *d, const struct ledger_result *r)
{
    const struct stream_status status = {
        .id = r->message ? r->message->id : "",
        .ref = r->message ? r->message->ref : "",
        .wamid = r->outcome.wamid,
        .status = webhook_status_name(r->status),
        .code = r->outcome.code,
        .at_ms = r->at_ms,
    };

    redis_source_publish_status(d->stream, &status, r->seq);
}

static void give_results(struct daemon *d)
{
    struct outbox *o = &d->outbox;

    for (; o->given < o->results.count && redis_source_has_room(d->stream); o->given++) {
        if (o->items[o->given].status)
            give_status(d, &o->items[o->given]);
        else
            give_result(d, &o->items[o->given]);
    }
}

void daemon_outbox_published(struct daemon *d, uint64_t seq)
{
    (void)seq; /* each comes once, and the page ends with the last of them */
    d->outbox.published++;
}

void daemon_outbox_turn(struct daemon *d)
{
    struct outbox *o = &d->outbox;

    if (o->asked || !d->stream)
        return;
    if (o->results.count == 0) {
        if (o->again && !d->draining)
            ask_results(d);
        return;
    }
    give_results(d);
    if (o->published == o->results.count)
        forget_results(d);
}

/* ---- Broadcasts that are not finished, for the operator. */

static void on_unfinished(struct ledger_errand *errand)
{
    struct daemon *d = errand->context;

    d->unfinished_asked = false;
}

void daemon_ask_unfinished(struct daemon *d)
{
    if (d->unfinished_asked || d->draining)
        return;
    d->unfinished_asked = true;
    d->unfinished = (struct ledger_unfinished){
        .errand = {.on_done = on_unfinished, .context = d},
        .items = d->unfinished_items,
        .max = STATUS_BROADCASTS_MAX,
    };
    ledger_ask_unfinished(dispatch_ledger(d->dispatch), &d->unfinished);
}

/* ---- All. */

void daemon_feed_begin(struct daemon *d)
{
    d->feed.items = mem_alloc(DAEMON_DUE_MAX * sizeof(struct waiting));
    d->feed.held = mem_alloc(DAEMON_HELD_MAX * sizeof(uint64_t));
    d->outbox.items = mem_alloc(DAEMON_RESULTS_MAX * sizeof(struct ledger_result));
    d->unfinished_items = mem_alloc(STATUS_BROADCASTS_MAX * sizeof(*d->unfinished_items));
    d->feed.again = d->outbox.again = true;
}

bool daemon_feed_is_idle(const struct daemon *d)
{
    return !d->feed.asked && !d->outbox.asked && !d->unfinished_asked;
}

/* Pages that a broken ledger kept may hold messages; the process ends. */
void daemon_feed_end(struct daemon *d)
{
    if (!d->outbox.asked)
        drop_results(&d->outbox);
    mem_free(d->feed.items);
    mem_free(d->feed.held);
    mem_free(d->outbox.items);
    mem_free(d->unfinished_items);
}
