/* SPDX-License-Identifier: MIT */
#include "commands/webhook_wait.h"

#include "base/clock.h"
#include "base/log.h"
#include "commands/access.h"

#include <stdio.h>
#include <string.h>

static void on_recorded(void *context, const struct ledger_status *items, size_t count)
{
    struct webhook_wait *w = context;
    bool settled = false;

    for (size_t i = 0; i < count; i++) {
        settled |= items[i].settled;
        if (items[i].was_waiting)
            engine_forget(dispatch_engine(w->dispatch), items[i].number, dispatch_now());
    }
    if (settled && w->until_us)
        webhook_wait_correct(w);
}

bool webhook_wait_check(const struct webhook_wait *w, const struct settings *settings,
                        struct err *e)
{
    struct access_webhook access = {0};
    bool ok;

    if (!w->seconds)
        return true;
    if (strcmp(settings->webhook_listen, "off") == 0)
        return err_set(e, EXIT_CONFIG,
                       "--webhook: webhook.listen is off: it wants the ADDR:PORT that Meta's "
                       "webhooks reach; nothing was sent");
    ok = access_webhook_open(settings, &access, e);
    access_webhook_close(&access);
    return ok;
}

bool webhook_wait_begin(struct webhook_wait *w, const struct settings *settings, struct err *e)
{
    const struct webhook_receiver_options options = {
        .loop = dispatch_loop(w->dispatch),
        .ledger = dispatch_ledger(w->dispatch),
        .settings = settings,
        .events = {w, on_recorded},
    };

    if (!w->seconds)
        return true;
    memcpy(w->counted, dispatch_tally(w->dispatch)->before, sizeof(w->counted));
    if (!webhook_receiver_open(&options, &w->receiver, e))
        return false;
    if (uv_timer_init(options.loop, &w->timer) != 0)
        return err_set(e, EXIT_BUG, "cannot make a timer");
    w->has_timer = true;
    w->timer.data = w;
    return true;
}

static void on_time_over(uv_timer_t *timer)
{
    struct webhook_wait *w = timer->data;

    w->is_over = true;
}

static void begin_waiting(struct webhook_wait *w)
{
    webhook_wait_correct(w);
    w->until_us = clock_mono_us() + w->seconds * 1000000;
    if (!w->unknown)
        return;
    log_line(LOG_INFO, "Waiting for webhooks", LOG_NUM("unknown", w->unknown),
             LOG_NUM("seconds", w->seconds));
    uv_update_time(dispatch_loop(w->dispatch));
    if (uv_timer_start(&w->timer, on_time_over, (uint64_t)w->seconds * 1000, 0) != 0)
        w->is_over = true; /* fails only without a callback */
}

bool webhook_wait_is_done(struct webhook_wait *w)
{
    if (!w->receiver)
        return true;
    if (!w->until_us)
        begin_waiting(w);
    if (w->unknown && !w->is_over && !dispatch_is_draining(w->dispatch))
        return false;
    webhook_receiver_stop(w->receiver);
    return webhook_receiver_is_idle(w->receiver);
}

static void on_receiver_closed(void *context)
{
    (void)context; /* the loop ends when all have */
}

void webhook_wait_end(struct webhook_wait *w)
{
    if (w->receiver)
        webhook_receiver_close(w->receiver, on_receiver_closed, NULL);
    w->receiver = NULL;
    if (w->has_timer)
        uv_close((uv_handle_t *)&w->timer, NULL);
    w->has_timer = false;
}

const char *webhook_wait_note(struct webhook_wait *w)
{
    int64_t left_us = w->until_us - clock_mono_us();

    if (!w->until_us || !w->unknown || w->is_over)
        return NULL;
    (void)snprintf(w->note, sizeof(w->note), /* it fits */
                   "waiting for the webhooks of %llu unknown ones, %lld s at most",
                   (unsigned long long)w->unknown,
                   (long long)(left_us > 0 ? left_us / 1000000 : 0));
    return w->note;
}

void webhook_wait_settled(struct webhook_wait *w, const struct engine_view *view)
{
    if (w->seconds && tally_counts(view->outcome) &&
        strcmp(view->message->broadcast, w->broadcast) == 0)
        w->counted[view->outcome->state]++;
}

/* What came is not of this run's rate. */
static void correct(struct tally *t, enum state s, uint64_t was, uint64_t now)
{
    uint64_t gone = was > now ? was - now : 0;
    uint64_t here = gone < t->states[s] ? gone : t->states[s];

    t->before[s] += now > was ? now - was : 0;
    t->states[s] -= here;
    t->before[s] -= gone - here;
}

/* The record has the last word. Messages of other broadcasts in the file stay as they were told. A
 * ledger that cannot tell has nothing to wait for. */
void webhook_wait_correct(struct webhook_wait *w)
{
    struct ledger_broadcast b;
    struct err e;

    w->unknown = 0;
    if (!w->seconds || !ledger_broadcast_find(dispatch_ledger(w->dispatch), w->broadcast, &b, &e))
        return;
    w->unknown = b.counts[STATE_UNKNOWN];
    for (enum state s = STATE_ACCEPTED; s <= STATE_SKIPPED; s++) {
        correct(dispatch_tally(w->dispatch), s, w->counted[s], b.counts[s]);
        w->counted[s] = b.counts[s];
    }
}
