/* SPDX-License-Identifier: MIT
 *
 * holds.c: holds and cancellations, in the engine at once and on disk soon after.
 *
 * Happy path of a pause: the engine is told, so nothing more starts; the ledger is told; once that
 * is on disk, `done` comes. Of a cancellation: the engine forgets what waits of the broadcast, the
 * ledger marks it and skips what waits, a page at a time, until a page comes back short.
 * Failure modes: the ledger breaks: no errand comes back, the process ends.
 */
#include "commands/holds.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "commands/event_log.h"

#include <string.h>

enum { CANCEL_PAGE = 2000 };

/* One call until it is on disk. */
struct order {
    struct list node; /* holds.cancelling */
    struct holds *holds;
    struct holds_done done;
    char *broadcast; /* NULL: everything */
    struct holds_result result;
    struct buf ids; /* of a page that is cancelled */
    union {
        struct ledger_hold hold;
        struct ledger_broadcast_change change;
        struct ledger_cancelling cancelling;
    };
};

static uint64_t key_of(const char *broadcast)
{
    return hash64(broadcast, strlen(broadcast));
}

static struct order *order_new(struct holds *o, const char *broadcast, struct holds_done done)
{
    struct order *order = MEM_NEW(struct order);

    order->holds = o;
    order->done = done;
    order->broadcast = broadcast ? mem_strdup(broadcast) : NULL;
    order->result.is_known = !broadcast;
    order->ids = buf_new((size_t)CANCEL_PAGE * (MESSAGE_ID_MAX + 1));
    o->busy++;
    return order;
}

static void order_end(struct order *order)
{
    list_remove(&order->node);
    order->holds->busy--;
    if (order->done.fn)
        order->done.fn(order->done.context, &order->result);
    buf_free(&order->ids);
    mem_free(order->broadcast);
    mem_free(order);
}

static struct ledger *ledger_of(const struct order *order)
{
    return dispatch_ledger(order->holds->dispatch);
}

/* ---- Everything. */

static void apply(struct holds *o)
{
    struct engine *engine = dispatch_engine(o->dispatch);

    if (o->is_held)
        engine_release(engine, dispatch_now());
    o->is_held = true;
    if (!o->enabled)
        engine_hold(
            engine, HALT_DISABLED,
            "Sending is switched off (whatsapp.enabled, WHATSAPP_ENABLED): switch it on and "
            "reload; nothing is lost",
            dispatch_now());
    else if (o->paused_ms)
        engine_hold(engine, HALT_OPERATOR, "Paused: `tidings resume` goes on; nothing is lost",
                    dispatch_now());
    else
        o->is_held = false;
}

static void on_hold_saved(struct ledger_errand *errand)
{
    order_end(CONTAINER_OF(errand, struct order, hold.errand));
}

static void hold_everything(struct holds *o, int64_t since_ms, struct holds_done done)
{
    struct order *order = order_new(o, NULL, done);

    o->paused_ms = since_ms;
    apply(o);
    order->hold = (struct ledger_hold){.errand.on_done = on_hold_saved, .since_ms = since_ms};
    ledger_put_hold(ledger_of(order), &order->hold);
}

static void on_stopped(void *context, const char *name)
{
    struct holds *o = context;

    engine_stop_broadcast(dispatch_engine(o->dispatch), name, dispatch_now());
}

static void on_cancelled(void *context, const char *name)
{
    struct holds *o = context;

    on_stopped(context, name);
    map_put(o->cancelled, key_of(name), 0);
}

bool holds_begin(struct holds *o, struct dispatch *d, bool enabled, struct err *e)
{
    struct ledger *l = dispatch_ledger(d);

    *o = (struct holds){.dispatch = d, .enabled = enabled, .cancelled = map_new()};
    list_init(&o->cancelling);
    if (!ledger_held(l, &o->paused_ms, e) ||
        !ledger_broadcasts(l, BROADCAST_PAUSED, on_stopped, o, e) ||
        !ledger_broadcasts(l, BROADCAST_CANCELLED, on_cancelled, o, e))
        return false;
    apply(o);
    return true;
}

void holds_end(struct holds *o)
{
    if (o->cancelled)
        map_free(o->cancelled);
    o->cancelled = NULL;
}

void holds_enable(struct holds *o, bool enabled)
{
    if (o->enabled == enabled)
        return;
    o->enabled = enabled;
    apply(o);
}

bool holds_is_idle(const struct holds *o)
{
    return o->busy == 0;
}

/* ---- Broadcasts. */

static void on_change_saved(struct ledger_errand *errand)
{
    struct order *order = CONTAINER_OF(errand, struct order, change.errand);

    order->result.is_known = order->change.is_known;
    order_end(order);
}

static void change_state(struct order *order, enum broadcast_state state,
                         void (*on_done)(struct ledger_errand *))
{
    order->change = (struct ledger_broadcast_change){
        .errand.on_done = on_done,
        .name = order->broadcast,
        .state = state,
    };
    ledger_change_broadcast(ledger_of(order), &order->change);
}

void holds_pause(struct holds *o, const char *broadcast, struct holds_done done)
{
    if (!broadcast) {
        hold_everything(o, o->paused_ms ? o->paused_ms : dispatch_now().wall_ms, done);
        return;
    }
    on_stopped(o, broadcast);
    change_state(order_new(o, broadcast, done), BROADCAST_PAUSED, on_change_saved);
}

static void clear_halts(struct holds *o)
{
    static const enum halt_kind kinds[] = {HALT_TOKEN, HALT_ACCOUNT, HALT_SENDER, HALT_TEMPLATE};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        engine_clear_halts(dispatch_engine(o->dispatch), kinds[i], dispatch_now());
}

void holds_resume(struct holds *o, const char *broadcast, struct holds_done done)
{
    if (!broadcast) {
        clear_halts(o);
        hold_everything(o, 0, done);
        return;
    }
    engine_go_broadcast(dispatch_engine(o->dispatch), broadcast);
    change_state(order_new(o, broadcast, done), BROADCAST_OPEN, on_change_saved);
}

/* ---- Cancelling. */

static void cancel_page(struct order *order);

static void log_ids(const struct buf *ids)
{
    for (size_t at = 0; at < ids->len; at += strlen(ids->data + at) + 1)
        event_log_skipped(ids->data + at, REASON_CANCELLED);
}

static void on_page_cancelled(struct ledger_errand *errand)
{
    struct order *order = CONTAINER_OF(errand, struct order, cancelling.errand);

    log_ids(&order->ids);
    order->result.count += order->cancelling.count;
    order->holds->skipped += order->cancelling.count;
    if (order->cancelling.count == CANCEL_PAGE) {
        cancel_page(order);
        return;
    }
    if (!order->broadcast)
        engine_go_broadcast(dispatch_engine(order->holds->dispatch), NULL);
    order_end(order);
}

static void cancel_page(struct order *order)
{
    buf_clear(&order->ids);
    order->cancelling = (struct ledger_cancelling){
        .errand.on_done = on_page_cancelled,
        .broadcast = order->broadcast,
        .at_ms = dispatch_now().wall_ms,
        .max = CANCEL_PAGE,
        .ids = log_enabled(LOG_INFO) ? &order->ids : NULL,
    };
    ledger_cancel_waiting(ledger_of(order), &order->cancelling);
}

static void on_marked_cancelled(struct ledger_errand *errand)
{
    struct order *order = CONTAINER_OF(errand, struct order, change.errand);

    order->result.is_known = order->change.is_known;
    cancel_page(order);
}

void holds_cancel(struct holds *o, const char *broadcast, struct holds_done done)
{
    struct order *order;

    o->cancellations++;
    if (!broadcast) {
        on_stopped(o, NULL);
        cancel_page(order_new(o, NULL, done));
        return;
    }
    on_cancelled(o, broadcast);
    order = order_new(o, broadcast, done);
    list_append(&o->cancelling, &order->node);
    change_state(order, BROADCAST_CANCELLED, on_marked_cancelled);
}

bool holds_is_cancelled(const struct holds *o, const char *broadcast)
{
    uint64_t nothing;

    return map_count(o->cancelled) && map_get(o->cancelled, key_of(broadcast), &nothing);
}

/* One on its way has a page before it, which takes all that waits by then, and counts it. */
static bool is_cancelling(const struct holds *o, const char *broadcast)
{
    for (struct list *n = o->cancelling.next; n != &o->cancelling; n = n->next) {
        if (strcmp(LIST_ITEM(n, struct order, node)->broadcast, broadcast) == 0)
            return true;
    }
    return false;
}

void holds_on_waiting(struct holds *o, const struct message *m)
{
    struct order *order;

    if (!holds_is_cancelled(o, m->broadcast) || is_cancelling(o, m->broadcast))
        return;
    order = order_new(o, m->broadcast, (struct holds_done){NULL, NULL});
    list_append(&o->cancelling, &order->node);
    cancel_page(order);
}
