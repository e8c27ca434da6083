/* SPDX-License-Identifier: MIT
 *
 * daemon.c: `tidings run`: consumes the stream until it is told to stop.
 *
 * Happy path: token, ledger, control socket, ports, stream, in this order; then the loop. systemd
 * hears READY when all is open; Redis and Graph may still be away. SIGTERM, `drain`: from then on
 * nothing new is taken, from the stream, the ledger or the control socket, and everybody is told
 * so; what is in flight is finished, what is settled is acknowledged (DRAIN_ACKS_MS for it),
 * everything is closed; exit 0.
 * Failure modes:
 *   - something cannot be opened: the error, its exit code, and what was opened is closed again;
 *   - the stream is another daemon's: as SIGTERM, exit 75;
 *   - the ledger breaks: requests in flight are waited for, nothing is acknowledged; exit 74;
 *   - Graph or Redis is away: it waits, for ever.
 */
#include "commands/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "commands/daemon_internal.h"
#include "io/ca_file.h"
#include "io/notify.h"

#include <stdio.h>
#include <string.h>

enum {
    DRAIN_ACKS_MS = 10000, /* for the last acknowledgements; what is missing comes again, known */
    ADMIN_BODY_MAX = 1024,
    ADMIN_CONNECTIONS = 64,
    ADMIN_REQUEST_S = 30,
};

/* ---- Beats. */

static void tell_readiness(struct daemon *d)
{
    daemon_look(d);
    if (d->state == d->told)
        return;
    d->told = d->state;
    log_line(LOG_INFO, "State", LOG_STR("state", daemon_state_name(d->state)));
    notify_status(daemon_state_name(d->state));
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    int64_t now_us = clock_mono_us();
    int64_t late_us = now_us - d->beat_us - DAEMON_HEARTBEAT_MS * 1000;

    d->lag_us = late_us > 0 ? late_us : 0;
    d->beat_us = now_us;
    d->feed.again = d->outbox.again = true;
    daemon_cancel_turn(d);
    daemon_ask_unfinished(d);
    tell_readiness(d);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    notify_watchdog();
}

static bool start_timers(struct daemon *d, struct err *e)
{
    int64_t watchdog_ms = notify_watchdog_interval_ms();
    int bad = uv_timer_init(dispatch_loop(d->dispatch), &d->heartbeat);

    bad |= uv_timer_init(dispatch_loop(d->dispatch), &d->watchdog);
    d->has_timers = true;
    d->heartbeat.data = d->watchdog.data = d;
    d->beat_us = clock_mono_us();
    bad |= uv_timer_start(&d->heartbeat, on_heartbeat, DAEMON_HEARTBEAT_MS, DAEMON_HEARTBEAT_MS);
    if (watchdog_ms)
        bad |= uv_timer_start(&d->watchdog, on_watchdog, 0, (uint64_t)watchdog_ms);
    return !bad || err_set(e, EXIT_BUG, "cannot set the daemon's timers up");
}

/* ---- The service. */

static bool open_admin(struct daemon *d, struct err *e)
{
    const struct http_options options = {
        .listen = d->settings->admin_listen,
        .limits = {.body_max = ADMIN_BODY_MAX,
                   .connections_max = ADMIN_CONNECTIONS,
                   .request_s = ADMIN_REQUEST_S},
        .context = d,
        .on_request = daemon_on_http,
    };

    if (strcmp(d->settings->admin_listen, "off") == 0)
        return true;
    if (!http_server_open(dispatch_loop(d->dispatch), &options, &d->admin, e))
        return err_wrap(e, "admin.listen");
    log_line(LOG_INFO, "Admin port", LOG_STR("address", http_server_address(d->admin)));
    return true;
}

static void on_statuses(void *context, const struct ledger_status *items, size_t count)
{
    struct daemon *d = context;

    d->outbox.again = true;
    for (size_t i = 0; i < count; i++) {
        if (items[i].was_waiting)
            engine_forget(dispatch_engine(d->dispatch), items[i].number, dispatch_now());
    }
}

static bool open_webhook(struct daemon *d, struct err *e)
{
    const struct webhook_receiver_options options = {
        .loop = dispatch_loop(d->dispatch),
        .ledger = dispatch_ledger(d->dispatch),
        .settings = d->settings,
        .events = {d, on_statuses},
    };

    return strcmp(d->settings->webhook_listen, "off") == 0 ||
           webhook_receiver_open(&options, &d->webhook, e);
}

static bool open_service(struct daemon *d, struct err *e)
{
    const struct control_handler handler = {d, daemon_on_request};

    daemon_set_defaults(d);
    daemon_feed_begin(d);
    d->state = d->told = DAEMON_STARTING;
    return holds_begin(&d->holds, d->dispatch, d->settings->enabled, e) && start_timers(d, e) &&
           control_open(dispatch_loop(d->dispatch), d->settings->control_socket, &handler,
                        &d->control, e) &&
           open_admin(d, e) && open_webhook(d, e) && daemon_stream_open(d, e);
}

/* Ready is who holds the ledger and answers; Redis and Graph may be away, and are waited for. */
static bool on_begin(void *context, struct err *e)
{
    struct daemon *d = context;

    if (!open_service(d, e))
        return false;
    notify_ready(daemon_state_name(d->state));
    return true;
}

static void pull(void *context, unsigned want)
{
    daemon_stream_pull(context, want);
}

static void on_settled(void *context, const struct engine_view *view)
{
    daemon_stream_settled(context, view);
}

static void on_known(void *context, const struct engine_view *view, const struct record *record)
{
    daemon_stream_known(context, view, record);
}

static void begin_stopping(struct daemon *d)
{
    d->is_stopping = true;
    if (d->stream)
        redis_source_pause(d->stream, true);
    tell_readiness(d);
    notify_stopping("draining");
}

static void on_turn(void *context)
{
    struct daemon *d = context;

    if (dispatch_is_draining(d->dispatch) && !d->is_stopping)
        begin_stopping(d);
    daemon_cancel_turn(d);
    daemon_feed_turn(d);
    daemon_outbox_turn(d);
}

static void on_reload(void *context)
{
    struct daemon *d = context;

    if (!dispatch_is_draining(d->dispatch))
        daemon_reload(d);
}

static void on_drained(void *context)
{
    struct daemon *d = context;

    d->is_drained = true;
}

static void begin_drain(struct daemon *d)
{
    d->draining = true;
    d->drain_until_us = clock_mono_us() + DRAIN_ACKS_MS * 1000;
    if (d->stream && !d->refused.code) {
        redis_source_forget_offered(d->stream);
        redis_source_drain(d->stream, on_drained, d);
    } else {
        d->is_drained = true;
    }
}

/* The engine has drained; acknowledgements, and errands of the ledger, may still be under way. */
static bool is_done(void *context)
{
    struct daemon *d = context;

    if (!d->draining)
        begin_drain(d);
    if (d->webhook)
        webhook_receiver_stop(d->webhook);
    if (!daemon_feed_is_idle(d) || !holds_is_idle(&d->holds) || d->orders)
        return false;
    if (d->webhook && !webhook_receiver_is_idle(d->webhook))
        return false;
    return d->is_drained || clock_mono_us() > d->drain_until_us;
}

static void on_part_closed(void *context)
{
    (void)context; /* the loop ends when all have */
}

static void on_end(void *context)
{
    struct daemon *d = context;

    if (d->stream)
        redis_source_close(d->stream, on_part_closed, d);
    if (d->admin)
        http_server_close(d->admin, on_part_closed, d);
    if (d->webhook)
        webhook_receiver_close(d->webhook, on_part_closed, d);
    if (d->control)
        control_close(d->control, on_part_closed, d);
    if (d->has_timers) {
        uv_close((uv_handle_t *)&d->heartbeat, NULL);
        uv_close((uv_handle_t *)&d->watchdog, NULL);
    }
}

/* ---- The command. */

static bool open_parts(struct daemon *d, struct err *e)
{
    struct dispatch_options options = {
        .settings = d->settings,
        .holder = "tidings run",
        .rate = d->settings->rate,
    };

    if (!settings_can_send(d->settings, e))
        return false;
    if (!*d->settings->redis_url)
        return err_set(e, EXIT_CONFIG,
                       "redis.url is not set: `run` reads a stream (redis://HOST:PORT in %s, or "
                       "TIDINGS_REDIS_URL)",
                       *d->settings->file ? d->settings->file : "a configuration file");
    secret_harden_process();
    return ca_file_check(d->settings->ca_file, e) &&
           daemon_open_token(d, d->settings, &d->token, e) &&
           dispatch_open(&options, &d->dispatch, e);
}

static int serve(struct daemon *d)
{
    const struct dispatch_service service = {
        d, on_begin, pull, on_settled, on_known, on_turn, on_reload, is_done, on_end,
    };
    struct err e;

    d->started_ms = d->state_since_ms = clock_wall_ms();
    if (!dispatch_serve(d->dispatch, d->token, &service, &e))
        return call_fail(&e);
    if (d->refused.code)
        return call_fail(&d->refused);
    log_line(LOG_INFO, "Stopped",
             LOG_NUM("accepted", tally_total(dispatch_tally(d->dispatch), STATE_ACCEPTED)));
    return EXIT_DONE;
}

static void close_parts(struct daemon *d)
{
    if (d->dispatch)
        dispatch_close(d->dispatch);
    holds_end(&d->holds);
    if (d->feed.items)
        daemon_feed_end(d);
    daemon_drop_token(d, d->token);
    secret_free(d->plain_token);
    mem_free(d->params);
    if (d->reloaded) {
        settings_free(d->reloaded);
        mem_free(d->reloaded);
    }
}

static const struct flag_table table = {
    .command = "run", .arguments = "", .summary = "the daemon: consume the Redis stream"};

int command_daemon(int argc, char **argv)
{
    struct daemon *d = MEM_NEW(struct daemon);
    struct err e;
    int code;

    if (call_begin(&d->call, &table, argc, argv, d)) {
        d->settings = &d->call.settings;
        if (d->call.arguments.count)
            (void)err_set(&e, EXIT_USAGE, "run takes flags only: %.60s is not one",
                          d->call.arguments.items[0]);
        d->call.exit_code =
            !d->call.arguments.count && open_parts(d, &e) ? serve(d) : call_fail(&e);
        close_parts(d);
        call_end(&d->call);
    }
    code = d->call.exit_code;
    mem_free(d);
    return code;
}
