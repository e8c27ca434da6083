/* SPDX-License-Identifier: MIT
 *
 * control_offline.c: pause, resume and cancel with nothing running: written into the ledger by this
 * process (ledger_alone.h).
 *
 * Happy path: the ledger is opened; an errand is handed over, and after a page of cancellations the
 * next; when all came back, the ledger is closed.
 * Failure modes: the ledger is held by a process that has no socket (75, it is named); the ledger
 * breaks (74).
 */
#include "commands/control_ops.h"

#include "base/clock.h"
#include "base/text.h"
#include "commands/holds.h"
#include "commands/ledger_alone.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CANCEL_PAGE = 2000 };

struct offline {
    const char *broadcast; /* NULL: everything */
    struct ledger_alone alone;
    struct ledger_hold hold;
    struct ledger_broadcast_change change;
    struct ledger_cancelling cancelling;
    uint64_t cancelled; /* messages */
    bool is_known;      /* the broadcast was on record */
    bool is_final;      /* it was cancelled before */
};

/* ---- The errands. */

static void on_hold_saved(struct ledger_errand *errand)
{
    (void)errand; /* the loop ends */
}

static void cancel_page(struct offline *o);

static void on_page_cancelled(struct ledger_errand *errand)
{
    struct offline *o = CONTAINER_OF(errand, struct offline, cancelling.errand);

    o->cancelled += o->cancelling.count;
    if (o->cancelling.count == CANCEL_PAGE)
        cancel_page(o);
}

static void cancel_page(struct offline *o)
{
    o->cancelling = (struct ledger_cancelling){
        .errand.on_done = on_page_cancelled,
        .broadcast = o->broadcast,
        .at_ms = clock_wall_ms(),
        .max = CANCEL_PAGE,
    };
    ledger_cancel_waiting(o->alone.ledger, &o->cancelling);
}

static void on_changed(struct ledger_errand *errand)
{
    struct offline *o = CONTAINER_OF(errand, struct offline, change.errand);

    o->is_known = o->change.is_known;
    o->is_final = o->change.before == BROADCAST_CANCELLED;
    if (o->change.state == BROADCAST_CANCELLED)
        cancel_page(o);
}

static void change_broadcast(struct offline *o, enum broadcast_state state, unsigned from)
{
    o->change = (struct ledger_broadcast_change){
        .errand.on_done = on_changed,
        .name = o->broadcast,
        .from = from,
        .state = state,
    };
    ledger_change_broadcast(o->alone.ledger, &o->change);
}

static void hold_everything(struct offline *o, int64_t since_ms)
{
    o->hold = (struct ledger_hold){.errand.on_done = on_hold_saved, .since_ms = since_ms};
    ledger_put_hold(o->alone.ledger, &o->hold);
}

/* ---- The operations. */

static void begin_pause(struct offline *o)
{
    if (o->broadcast)
        change_broadcast(o, BROADCAST_PAUSED, 1U << BROADCAST_OPEN | 1U << BROADCAST_COMPLETE);
    else
        hold_everything(o, clock_wall_ms());
}

static void begin_resume(struct offline *o)
{
    if (o->broadcast)
        change_broadcast(o, BROADCAST_OPEN, 1U << BROADCAST_PAUSED);
    else
        hold_everything(o, 0);
}

static void begin_cancel(struct offline *o)
{
    if (o->broadcast)
        change_broadcast(o, BROADCAST_CANCELLED, 0);
    else
        cancel_page(o);
}

static const struct operation {
    const char *op;
    const char *done;
    bool may_be_cancelled; /* the broadcast, before */
    void (*begin)(struct offline *o);
} operations[] = {
    {"pause", "Paused", false, begin_pause},
    {"resume", "Resumed", false, begin_resume},
    {"cancel", "Cancelled", true, begin_cancel},
};

static const struct operation *find_operation(const char *op)
{
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (strcmp(operations[i].op, op) == 0)
            return &operations[i];
    }
    return NULL;
}

static void write_text(const struct offline *o, const struct settings *settings,
                       const struct operation *operation, struct buf *text)
{
    char count[32];

    buf_addf(text, "%s: %s%s", operation->done, o->broadcast ? "broadcast " : "everything",
             o->broadcast ? o->broadcast : "");
    if (operation->begin == begin_cancel) {
        text_grouped(o->cancelled, count);
        buf_addf(text, "; %s messages that waited are skipped", count);
        if (!o->broadcast && *settings->redis_url)
            buf_adds(text, ", what waits in the streams is not: say it again when `tidings run` "
                           "runs");
    }
    if (o->broadcast && !o->is_known)
        buf_adds(text, " " HOLDS_UNKNOWN);
    if (operation->begin == begin_resume && !settings->enabled)
        buf_adds(text, "; but sending is switched off (whatsapp.enabled, WHATSAPP_ENABLED)");
    buf_addf(text, "; nothing runs now, it is in the ledger %s", settings->ledger_path);
}

static bool run_errands(struct offline *o, const struct operation *operation, struct err *e)
{
    operation->begin(o);
    if (!ledger_alone_finish(&o->alone, e))
        return false;
    if (o->is_final && !operation->may_be_cancelled)
        return err_set(e, EXIT_USAGE,
                       "broadcast %.60s is cancelled: that is final; a broadcast of another name "
                       "sends anew",
                       o->broadcast);
    return true;
}

/* Only a pause may come before the first message. */
static bool has_ledger(const struct settings *s, const struct operation *operation, struct err *e)
{
    return operation->begin == begin_pause || access(s->ledger_path, F_OK) == 0 ||
           errno != ENOENT || /* opening it says why */
           err_set(e, EXIT_NO_INPUT, "%s: no ledger at %s, and no daemon is running: nothing waits",
                   operation->op, s->ledger_path);
}

bool control_without_daemon(const struct settings *settings, const char *op, const char *broadcast,
                            struct buf *text, struct err *e)
{
    const struct operation *operation = find_operation(op);
    struct offline o = {.broadcast = broadcast};
    bool ok;

    assert(operation);
    if (!has_ledger(settings, operation, e) ||
        !ledger_alone_open(&o.alone, settings->ledger_path, operation->op, e))
        return false;
    ok = run_errands(&o, operation, e);
    ledger_alone_close(&o.alone);
    if (ok)
        write_text(&o, settings, operation, text);
    return ok;
}
