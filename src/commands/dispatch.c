/* SPDX-License-Identifier: MIT
 *
 * dispatch.c: the loop of a run that ends.
 *
 * Happy path:
 *   - messages that wait in the ledger's custody are given to the engine first, a page at a time;
 *   - then the source is read as the engine asks for more;
 *   - records come back from the ledger and answers from the client; each is handed to the engine,
 *     and before the loop sleeps the engine gets its turn and the timer its next deadline;
 *   - when the engine is finished the client is closed, and the loop ends.
 * Failure modes:
 *   - SIGINT or SIGTERM: drain; a second one waits for no request, only until what was never sent
 *     is on record as that; a third one for nothing (the ledger resumes);
 *   - the ledger cannot write: in-flight requests are waited for, nothing more is recorded;
 *   - the source fails: as SIGTERM, with its error;
 *   - halts that do not end by themselves, or no Graph for too long: drain, and say so.
 */
#include "commands/dispatch.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "commands/dispatch_internal.h"

#include <stdio.h>
#include <unistd.h>

enum {
    PAGE = 512,                   /* waiting messages read from the ledger at a time */
    PAIR_DEBT_MS = 45 * 6 * 1000, /* how far back a recipient's debt may reach */
    MAX_CONNECTING = 8, /* connections in the making at a time: a handshake costs a server more
                         * than a request, and delays those behind it */
    RAMP_US = 3000000,  /* time for the connections to be made one after the other */
    GATHER_MS = 20,     /* at a known pace: outcomes wait so long for the next intents */
    TICK_US = 10000,    /* sends go out in ticks: waking costs more than the work */
    SIGNAL_EXIT = 128,  /* and the signal's number: as a shell has it */
};

struct moment dispatch_now(void)
{
    return (struct moment){.mono_us = clock_mono_us(), .wall_ms = clock_wall_ms()};
}

/* ---- Messages that waited in the ledger before this run. */

static void give_waiting(struct dispatch *d, struct waiting *w)
{
    struct engine_waiting taken = {
        .message = w->message,
        .number = w->number,
        .attempt = w->attempt,
        .tries = w->tries,
        .due_ms = w->due_ms,
    };

    d->waiting_after = w->number;
    d->waiting_left--;
    d->tally.taken_up++;
    engine_resume(d->engine, &taken, dispatch_now());
}

/* False when reading failed. */
static bool take_up_page(struct dispatch *d)
{
    struct waiting_filter filter = {
        .match = d->waiting_filter,
        .after = d->waiting_after,
        .due_by_ms = d->waiting_due_by_ms,
    };
    struct waiting_page page = {.max = d->waiting_left < PAGE ? (size_t)d->waiting_left : PAGE};
    bool ok;

    page.items = mem_alloc(page.max * sizeof(struct waiting));
    ok = ledger_waiting(d->ledger, &filter, &page, &d->failure);
    for (size_t i = 0; i < page.count; i++)
        give_waiting(d, &page.items[i]);
    if (page.count < page.max)
        d->waiting_left = 0;
    mem_free(page.items);
    return ok;
}

/* When the ledger is idle, as many pages as the engine has room for. */
static void take_up_waiting(struct dispatch *d)
{
    while (d->waiting_left && !ledger_pending(d->ledger) && !d->failed &&
           engine_waiting_room(d->engine) >= PAGE) {
        if (!take_up_page(d))
            d->failed = true;
    }
    if (!d->service)
        dispatch_pull(d, 0);
}

/* ---- Ending. */

static void drain(struct dispatch *d)
{
    d->waiting_left = 0;
    d->owed = 0;
    engine_drain(d->engine, dispatch_now());
    ledger_flush(d->ledger);
}

static void on_client_closed(void *context)
{
    struct dispatch *d = context;

    d->client = NULL;
    uv_close((uv_handle_t *)&d->timer, NULL);
    uv_close((uv_handle_t *)&d->watch_timer, NULL);
    uv_close((uv_handle_t *)&d->prepare, NULL);
    uv_close((uv_handle_t *)&d->sigint, NULL);
    uv_close((uv_handle_t *)&d->sigterm, NULL);
    uv_close((uv_handle_t *)&d->sighup, NULL);
    if (d->service)
        d->service->on_end(d->service->context);
    if (d->watch.on_end)
        d->watch.on_end(d->watch.context);
}

/* Why it gives up, for the report: as the halt that it was, if it was one already. */
static void add_unreachable(struct dispatch *d)
{
    struct halt halt = {.kind = HALT_NETWORK,
                        .since_ms = d->network.since_ms,
                        .until_us = INT64_MAX,
                        .what = "everything"};

    (void)snprintf(halt.hint, sizeof(halt.hint), /* cut if too long */
                   "%.160s. Look at the network and at metastatus.com, then run the same command "
                   "again.",
                   d->trouble);
    (void)halt_raise(&d->halts, &halt);
}

static void end_loop(struct dispatch *d)
{
    d->ending = true;
    d->halts = *engine_halts(d->engine);
    if (d->end == DISPATCH_UNREACHABLE)
        add_unreachable(d);
    graph_client_close(d->client, on_client_closed, d);
}

static bool is_unreachable_too_long(struct dispatch *d)
{
    return engine_unreachable_for_us(d->engine, dispatch_now()) >
           d->settings->unreachable_after_s * 1000000;
}

/* What only the operator's own hold stops is not stuck: `resume` comes, or a signal. */
static bool is_held(const struct dispatch *d)
{
    const struct halts *halts = engine_halts(d->engine);

    for (unsigned i = 0; i < halts->count; i++) {
        if (halt_is_wanted(halts->items[i].kind))
            return true;
    }
    return false;
}

/* Something says that the run is to end before everything is done. */
static bool must_stop(struct dispatch *d)
{
    if (d->failed)
        d->end = DISPATCH_BROKEN;
    else if (d->interrupted)
        d->end = DISPATCH_INTERRUPTED;
    else if (d->service)
        return false; /* it never gives up */
    else if (is_unreachable_too_long(d))
        d->end = DISPATCH_UNREACHABLE;
    else if (engine_is_stuck(d->engine) && !is_held(d))
        d->end = DISPATCH_HALTED;
    else
        return false;
    return true;
}

/* A broken ledger ends everything; else whoever goes along may have something to do before the end.
 */
static bool others_are_done(struct dispatch *d)
{
    if (d->failed)
        return true;
    if (d->service)
        return d->service->is_done(d->service->context);
    return !d->watch.is_done || d->watch.is_done(d->watch.context);
}

static void look_for_end(struct dispatch *d)
{
    if (d->end == DISPATCH_FINISHED && must_stop(d)) {
        if (d->end == DISPATCH_HALTED)
            d->halts = *engine_halts(d->engine);
        drain(d);
    }
    if (engine_is_finished(d->engine) && !d->waiting_left && others_are_done(d))
        end_loop(d);
}

/* ---- The loop. */

static void on_timer(uv_timer_t *timer)
{
    (void)timer; /* it only wakes the loop: the turn is on_prepare's */
}

/* Rounded up to a millisecond: a timer of 0 would starve the sockets on libuv before 1.48. */
static void arm_timer(struct dispatch *d, struct moment now)
{
    int64_t next_us = engine_next_us(d->engine, now);
    int64_t wait_us = next_us - now.mono_us;

    if (next_us == INT64_MAX) {
        (void)uv_timer_stop(&d->timer); /* cannot fail */
        return;
    }
    uv_update_time(&d->loop);
    (void)uv_timer_start(&d->timer, on_timer, wait_us <= 0 ? 1 : (uint64_t)(wait_us + 999) / 1000,
                         0); /* fails only without a callback */
}

/* At a known pace intents come a few times a second, in lots, and go to disk at once; outcomes ride
 * with them. Without one the ledger's own gathering is best. */
static void commit_intents(struct dispatch *d)
{
    if (d->has_intents && d->options.rate > 0)
        ledger_flush(d->ledger);
    d->has_intents = false;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct dispatch *d = prepare->data;
    struct moment now = dispatch_now();

    if (d->ending)
        return;
    if (d->service)
        d->service->on_turn(d->service->context);
    else
        take_up_waiting(d);
    engine_turn(d->engine, now);
    commit_intents(d);
    look_for_end(d);
    if (d->exit_signal && (d->failed || !ledger_pending(d->ledger)))
        _exit(SIGNAL_EXIT + d->exit_signal); /* the ledger knows what is in flight */
    if (!d->ending)
        arm_timer(d, now);
}

void dispatch_stop(struct dispatch *d)
{
    d->interrupted = true;
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct dispatch *d = handle->data;

    (void)number;
    if (d->service)
        d->service->on_reload(d->service->context);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct dispatch *d = handle->data;

    if (d->interrupted && (d->exit_signal || d->failed || d->ending))
        _exit(SIGNAL_EXIT + number);
    if (d->interrupted) {
        d->exit_signal = number;
        return;
    }
    dispatch_stop(d);
    log_line(
        LOG_WARN,
        "Stopping: waiting for what is in flight; once more stops at once and leaves it unknown",
        LOG_NUM("in_flight", engine_counts(d->engine).in_flight));
}

static void on_watch(uv_timer_t *timer)
{
    struct dispatch *d = timer->data;

    d->watch.on_tick(d->watch.context);
}

/* Handles on a loop of our own cannot fail to start but for memory or descriptors. */
static bool start_handles(struct dispatch *d, struct err *e)
{
    int bad = 0;

    bad |= uv_timer_init(&d->loop, &d->timer);
    bad |= uv_timer_init(&d->loop, &d->watch_timer);
    bad |= uv_prepare_init(&d->loop, &d->prepare);
    bad |= uv_signal_init(&d->loop, &d->sigint);
    bad |= uv_signal_init(&d->loop, &d->sigterm);
    bad |= uv_signal_init(&d->loop, &d->sighup);
    d->watch_timer.data = d->prepare.data = d->sigint.data = d->sigterm.data = d;
    d->sighup.data = d;
    bad |= uv_prepare_start(&d->prepare, on_prepare);
    bad |= uv_signal_start(&d->sigint, on_signal, SIGINT);
    bad |= uv_signal_start(&d->sigterm, on_signal, SIGTERM);
    if (d->service) /* a run on a terminal ends with it: by default, resumable */
        bad |= uv_signal_start(&d->sighup, on_hangup, SIGHUP);
    if (d->watch.interval_ms)
        bad |= uv_timer_start(&d->watch_timer, on_watch, (uint64_t)d->watch.interval_ms,
                              (uint64_t)d->watch.interval_ms);
    if (bad)
        return err_set(e, EXIT_BUG, "cannot set the loop up: out of file descriptors?");
    return true;
}

static bool open_client(struct dispatch *d, const struct secret *token, struct err *e)
{
    struct graph_client_events events = dispatch_client_events(d);
    struct graph_client_options options = {
        .token = secret_bytes(token),
        .token_len = secret_len(token),
        .api_base = d->settings->api_base,
        .api_version = d->settings->api_version,
        .ca_file = d->settings->ca_file,
        .http2 = d->settings->http_version == HTTP_VERSION_2,
        .timeout_ms = d->settings->timeout_ms,
        .connect_timeout_ms = d->settings->connect_timeout_ms,
        .max_in_flight = (unsigned)d->settings->max_in_flight,
        .max_connecting = MAX_CONNECTING,
    };

    return graph_client_open(&d->loop, &options, &events, &d->client, e);
}

static void on_recent_attempt(void *context, const struct past_attempt *attempt)
{
    engine_restore_pair(context, attempt, dispatch_now());
}

static struct engine_options engine_options_of(const struct dispatch *d)
{
    const struct settings *s = d->settings;

    return (struct engine_options){
        .rate = {d->options.rate, (double)s->guard_percent, TICK_US, RAMP_US},
        .retry = {(unsigned)s->max_attempts, s->retry_base_ms, s->retry_max_ms},
        .resend_unknown = s->retry_ambiguous == AMBIGUOUS_RESEND,
        .tell_known = d->service != NULL,
        .intent_ahead_us = s->intent_ahead_ms * 1000,
        .max_in_flight = (unsigned)s->max_in_flight,
        .ledger_id = ledger_facts(d->ledger)->id,
        .last_attempt_ms = ledger_facts(d->ledger)->last_attempt_ms,
    };
}

static void set_gathering(struct dispatch *d)
{
    if (d->options.rate > 0)
        ledger_gather(d->ledger, GATHER_MS);
}

static bool open_engine(struct dispatch *d, struct err *e)
{
    struct moment now = dispatch_now();
    struct engine_ports ports = dispatch_ports(d);
    struct engine_options options = engine_options_of(d);

    set_gathering(d);
    d->engine = engine_new(&options, &ports, now);
    return ledger_recent_attempts(d->ledger, now.wall_ms - PAIR_DEBT_MS, on_recent_attempt,
                                  d->engine, e);
}

void dispatch_take_up(struct dispatch *d, const struct ledger_filter *filter, uint64_t count,
                      int64_t due_by_ms)
{
    d->waiting_due_by_ms = due_by_ms;
    d->waiting_filter = filter;
    d->waiting_left = count;
}

static bool start(struct dispatch *d, const struct secret *token, struct err *e)
{
    d->tally.began_us = clock_mono_us();
    random_bytes(&d->random_state, sizeof(d->random_state));
    return open_engine(d, e) && open_client(d, token, e) && start_handles(d, e);
}

static bool run_loop(struct dispatch *d, struct err *e)
{
    mem_let_go();
    (void)uv_run(&d->loop, UV_RUN_DEFAULT); /* ends when every handle is closed */
    if (d->end == DISPATCH_BROKEN)
        *e = d->failure;
    return d->end != DISPATCH_BROKEN;
}

bool dispatch_run(struct dispatch *d, const struct secret *token,
                  const struct dispatch_source *source, const struct dispatch_watch *watch,
                  struct err *e)
{
    d->source = *source;
    d->watch = *watch;
    if (!start(d, token, e))
        return false;
    d->failed = watch->on_begin && !watch->on_begin(watch->context, &d->failure);
    return run_loop(d, e);
}

bool dispatch_serve(struct dispatch *d, const struct secret *token,
                    const struct dispatch_service *service, struct err *e)
{
    d->service = service;
    if (!start(d, token, e))
        return false;
    d->failed = !service->on_begin(service->context, &d->failure); /* the loop closes all again */
    return run_loop(d, e);
}

static void on_old_client_closed(void *context)
{
    (void)context; /* it has freed itself */
}

bool dispatch_reload(struct dispatch *d, const struct settings *settings,
                     const struct secret *token, struct err *e)
{
    const struct settings *settings_before = d->settings;
    struct graph_client *client_before = d->client;
    struct engine_options options;

    d->settings = settings;
    if (!open_client(d, token, e)) {
        d->settings = settings_before;
        d->client = client_before;
        return false;
    }
    d->options.rate = settings->rate;
    d->event_log.full_numbers = settings->log_full_numbers;
    options = engine_options_of(d);
    set_gathering(d);
    engine_configure(d->engine, &options, dispatch_now());
    graph_client_close(client_before, on_old_client_closed, NULL);
    return true;
}

bool dispatch_open(const struct dispatch_options *options, struct dispatch **out, struct err *e)
{
    struct dispatch *d = MEM_NEW(struct dispatch);
    struct ledger_options ledger = {
        .path = options->settings->ledger_path,
        .holder = options->holder,
        .events = dispatch_ledger_events(d),
    };
    int failed;

    d->options = *options;
    d->settings = options->settings;
    d->event_log.full_numbers = d->settings->log_full_numbers;
    failed = uv_loop_init(&d->loop);
    if (failed != 0) {
        mem_free(d);
        return err_set(e, EXIT_BUG, "cannot make an event loop: %s", uv_strerror(failed));
    }
    if (!ledger_open(&d->loop, &ledger, &d->ledger, e)) {
        (void)uv_loop_close(&d->loop); /* nothing was started on it */
        mem_free(d);
        return false;
    }
    *out = d;
    return true;
}

void dispatch_close(struct dispatch *d)
{
    ledger_close(d->ledger);
    if (d->engine)
        engine_free(d->engine);
    (void)uv_run(&d->loop, UV_RUN_DEFAULT); /* close callbacks that are left */
    (void)uv_loop_close(&d->loop);
    mem_free(d);
}

/* ---- What is going on. */

enum exit_code dispatch_failure(const struct dispatch *d)
{
    return d->failure.code;
}

enum dispatch_end dispatch_end(const struct dispatch *d)
{
    return d->end;
}

struct ledger *dispatch_ledger(struct dispatch *d)
{
    return d->ledger;
}

struct tally *dispatch_tally(struct dispatch *d)
{
    return &d->tally;
}

struct engine_counts dispatch_counts(const struct dispatch *d)
{
    return d->engine ? engine_counts(d->engine) : (struct engine_counts){0};
}

const struct halts *dispatch_halts(const struct dispatch *d)
{
    return &d->halts;
}

bool dispatch_is_draining(const struct dispatch *d)
{
    return d->interrupted || d->end != DISPATCH_FINISHED;
}

bool dispatch_is_unreachable(const struct dispatch *d)
{
    return d->engine && engine_unreachable_since_us(d->engine) != 0;
}

double dispatch_rate_allowed(struct dispatch *d)
{
    double allowed = d->engine ? engine_rate_allowed(d->engine, dispatch_now()) : 0;

    return allowed > 0 ? allowed : d->options.rate; /* no sender has a pace of its own yet */
}

unsigned dispatch_rate_actual(struct dispatch *d)
{
    return d->engine ? engine_rate_actual(d->engine, dispatch_now()) : 0;
}

bool dispatch_network_halt(const struct dispatch *d, struct halt *out)
{
    *out = d->network;
    if (out->kind && *d->trouble)
        (void)snprintf(out->hint, sizeof(out->hint), /* cut if too long */
                       "%.160s: one message at a time is tried until Graph answers; nothing is "
                       "lost. Look at the network and at metastatus.com.",
                       d->trouble);
    return out->kind != HALT_NONE;
}

const struct halts *dispatch_halts_now(const struct dispatch *d)
{
    return d->engine ? engine_halts(d->engine) : &d->halts;
}

struct engine *dispatch_engine(struct dispatch *d)
{
    return d->engine;
}

uv_loop_t *dispatch_loop(struct dispatch *d)
{
    return &d->loop;
}
