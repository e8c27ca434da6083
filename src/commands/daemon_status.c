/* SPDX-License-Identifier: MIT
 *
 * daemon_status.c: what an operator may know: one look at all parts, for the control socket and the
 * admin port.
 */
#include "commands/daemon_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "commands/daemon_metrics.h"
#include "commands/dashboard.h"
#include "commands/status_look.h"

#include <string.h>
#include <unistd.h>

/* ---- The look. */

static enum daemon_state state_now(const struct daemon *d)
{
    if (dispatch_is_draining(d->dispatch))
        return DAEMON_DRAINING;
    if (!d->holds.enabled)
        return DAEMON_DISABLED;
    if (d->holds.paused_ms)
        return DAEMON_PAUSED;
    if (halt_of_all(dispatch_halts_now(d->dispatch)))
        return DAEMON_HALTED;
    if (dispatch_is_unreachable(d->dispatch))
        return DAEMON_NETWORK_DOWN;
    if (!d->facts.connected || d->facts.stream.is_refused)
        return DAEMON_REDIS_DOWN;
    return d->facts.stream.lock_held ? DAEMON_RUNNING : DAEMON_STARTING;
}

static void look_at_stream(struct daemon *d)
{
    const struct redis_source_facts *f = &d->facts;
    int64_t oldest_ms = f->stream.oldest_ms;

    d->status.redis = (struct status_redis){
        .configured = true,
        .connected = f->connected,
        .usable = f->connected && f->stream.is_well,
        .state = f->connected ? f->stream.reading : "reconnecting",
        .lag = f->stream.lag,
        .pending = f->stream.held,
        .oldest_age_s = oldest_ms ? (double)(d->status.now_ms - oldest_ms) / 1000 : 0,
        .read = f->stream.read,
        .acked = f->stream.acked,
        .dead = f->stream.dead,
        .lost_pending = f->stream.lost_pending,
        .lost_unread = f->stream.lost_unread,
        .groups_lost = f->stream.regrouped,
        .published = f->stream.published,
        .error = f->connected ? f->stream.last_error : f->down_why,
    };
}

static void look_at_webhooks(struct daemon *d)
{
    static const enum webhook_status order[] = {WEBHOOK_SENT, WEBHOOK_DELIVERED, WEBHOOK_READ,
                                                WEBHOOK_UNDELIVERED};
    const struct webhook_counts_of *counts;

    if (!d->webhook)
        return;
    counts = webhook_receiver_counts(d->webhook);
    d->status.webhooks = (struct status_webhooks){.listening = true,
                                                  .bodies = counts->bodies,
                                                  .rejected = counts->rejected,
                                                  .unmatched = counts->unmatched,
                                                  .settled = counts->settled,
                                                  .twins = counts->twins};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        d->status.webhooks.statuses[i] = counts->statuses[order[i]];
}

/* While they are asked for anew there is nothing to see: the last look stays. */
static void look_at_broadcasts(struct daemon *d)
{
    static const char *const states[] = {
        [0] = "open",
        [BROADCAST_OPEN] = "open",
        [BROADCAST_COMPLETE] = "complete",
        [BROADCAST_CANCELLED] = "cancelled",
        [BROADCAST_PAUSED] = "paused",
    };

    if (d->unfinished_asked)
        return;
    d->broadcast_count = d->unfinished.count;
    d->broadcasts_more = d->unfinished.more;
    for (size_t i = 0; i < d->unfinished.count; i++) {
        const struct ledger_unfinished_item *from = &d->unfinished_items[i];
        struct status_broadcast *to = &d->broadcasts[i];

        memcpy(to->name, from->name, sizeof(to->name));
        memcpy(to->counts, from->broadcast.counts, sizeof(to->counts));
        to->state = states[from->broadcast.state];
        to->total = 0;
        for (int s = 1; s < STATE_COUNT; s++)
            to->total += to->counts[s];
    }
}

/* What never came to the engine, or was settled without it. Ids that the engine finds reused are
 * among the dead. */
static void add_other_outcomes(struct daemon *d)
{
    struct daemon_status *s = &d->status;

    s->states[STATE_SKIPPED] += d->holds.skipped;
    s->duplicates += d->handed_over[ADMISSION_KNOWN];
    s->rejected = d->facts.stream.dead + d->handed_over[ADMISSION_REUSED];
}

void daemon_look(struct daemon *d)
{
    struct daemon_status *s = &d->status;
    enum daemon_state state;

    *s = (struct daemon_status){
        .kind = "daemon",
        .version = TIDINGS_VERSION,
        .pid = getpid(),
        .now_ms = clock_wall_ms(),
        .started_ms = d->started_ms,
        .loop_lag_us = d->lag_us,
        .log_dropped = log_dropped(),
        .reload_failed = d->reload_failed,
    };
    if (d->stream)
        redis_source_look(d->stream, &d->facts);
    state = state_now(d);
    if (state != d->state)
        d->state_since_ms = s->now_ms;
    s->state = d->state = state;
    s->since_ms = d->state_since_ms;
    look_at_stream(d);
    look_at_webhooks(d);
    look_at_broadcasts(d);
    memcpy(s->broadcasts, d->broadcasts, sizeof(s->broadcasts));
    s->broadcast_count = (unsigned)d->broadcast_count;
    s->broadcasts_more = d->broadcasts_more;
    status_look(s, d->dispatch, d->settings);
    add_other_outcomes(d);
}

/* ---- The admin port. */

static void answer_text(struct http_request *request, unsigned status, const char *text)
{
    http_respond(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void answer_written(struct daemon *d, struct http_request *request, const char *type,
                           void (*write)(const struct daemon_status *, struct buf *))
{
    struct buf out = buf_new(4 * (size_t)STATUS_TEXT_MAX);

    daemon_look(d);
    write(&d->status, &out);
    http_respond(request, 200, type, buf_text(&out), out.len);
    buf_free(&out);
}

static void on_metrics(struct daemon *d, struct http_request *request)
{
    answer_written(d, request, METRICS_CONTENT_TYPE, daemon_metrics_write);
}

static void on_status(struct daemon *d, struct http_request *request)
{
    answer_written(d, request, "application/json", status_json);
}

/* Alive: the loop turns and the ledger takes records. Being held is healthy. */
static void on_healthz(struct daemon *d, struct http_request *request)
{
    (void)d;
    answer_text(request, 200, "ok\n");
}

/* Ready: what is added to the stream now is taken up. Held by the operator is ready, too: it is
 * what was asked for, and nothing is lost. */
static void on_readyz(struct daemon *d, struct http_request *request)
{
    daemon_look(d);
    if (d->state == DAEMON_RUNNING || d->state == DAEMON_PAUSED || d->state == DAEMON_DISABLED)
        answer_text(request, 200, "ready\n");
    else
        answer_text(request, 503, daemon_state_name(d->state));
}

static void on_dashboard(struct daemon *d, struct http_request *request)
{
    (void)d;
    http_add_header(request, "Content-Security-Policy", DASHBOARD_POLICY);
    http_respond(request, 200, DASHBOARD_CONTENT_TYPE, dashboard_html, dashboard_html_len);
}

static const struct {
    const char *path;
    void (*fn)(struct daemon *d, struct http_request *request);
} pages[] = {
    {"/", on_dashboard},    {"/metrics", on_metrics},   {"/healthz", on_healthz},
    {"/readyz", on_readyz}, {"/api/status", on_status},
};

void daemon_on_http(void *context, struct http_request *request)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (strcmp(pages[i].path, http_request_path(request)) != 0)
            continue;
        if (strcmp(http_request_method(request), "GET") == 0) {
            pages[i].fn(context, request);
            return;
        }
        http_add_header(request, "Allow", "GET, HEAD");
        answer_text(request, 405,
                    "read-only: pausing and the like go through the control socket\n");
        return;
    }
    answer_text(request, 404, "there are /metrics, /healthz, /readyz, /api/status and /\n");
}
