/* SPDX-License-Identifier: MIT
 *
 * sim_stream.c: between the stream and the engine, and back, with the moves of
 * commands/daemon_stream.c and commands/daemon_custody.c.
 *
 * Happy path: the engine wants messages, the stream offers them with their entry as `ref`; what is
 * settled is told with the entry, and acknowledged; what waits goes into the ledger's custody and
 * comes back page by page when it is due; its result comes from the ledger's outbox.
 * Failure modes: those of the two files; a page that a broken or dead ledger kept is freed here.
 */
#include "sim_world_internal.h"

#include "base/mem.h"
#include "core/stream_names.h"

#include <stdio.h>
#include <string.h>

enum {
    DUE_MAX = 512, /* as in commands/daemon_internal.h */
    HELD_MAX = 16384,
    RESULTS_MAX = 256,
    BEAT_US = 500000,
    DRAIN_US = 10000000,     /* as in commands/daemon.c */
    RENAMED_OF_10000 = 2000, /* of the lives */
    OPERATOR_OF_10000 = 100, /* of the beats in which something is halted: a person restarts */
};

struct stream_now stream_side_now(struct world *w)
{
    return (struct stream_now){
        .mono_ms = w->now_us / 1000,
        .wall_ms = world_now(w).wall_ms,
        .random = sim_random_next(&w->random),
    };
}

/* ---- From the stream. */

static void on_send(void *context, const struct stream_command *command)
{
    link_send(context, command);
}

static void on_drop(void *context, enum stream_link link)
{
    link_drop(context, link);
}

static void on_message(void *context, struct message *m, struct stream_entry *entry,
                       bool taken_over)
{
    struct world *w = context;

    w->stream.has_offered = true;
    if (taken_over)
        rules_on_taken_over(w, m);
    if (taken_over)
        engine_offer_taken_over(w->engine, m, entry);
    else
        engine_offer(w->engine, m, entry);
}

static void on_published(void *context, uint64_t cookie)
{
    struct world *w = context;

    (void)cookie;
    w->stream.published++;
}

static void on_refused(void *context, const struct err *why)
{
    struct world *w = context;

    (void)why;
    w->stream.is_refused = true;
    w->must_stop = true;
}

static void on_drained(void *context)
{
    struct world *w = context;

    w->stream.is_drained = true;
}

static void on_note(void *context, enum stream_level level, const char *text)
{
    world_trace(context, 950 + (uint64_t)level, strlen(text));
}

/* ---- To the stream. */

void stream_side_settled(struct world *w, const struct engine_view *view)
{
    struct sim_stream *s = &w->stream;
    const struct stream_result result = {
        .message = view->message,
        .outcome = view->outcome,
        .attempts = view->attempt,
        .at_ms = view->at_ms,
    };
    bool is_told_by_ledger = view->in_custody || view->outcome->state == STATE_WAITING;

    s->outbox_is_empty &= !w->config.has_hooks; /* a webhook may have made it another by now */
    if (!view->ref || view->in_custody) {
        s->results_again |= view->outcome->state != STATE_WAITING;
        s->outbox_is_empty = false;
    }
    if (view->ref)
        stream_settle(s->stream, view->ref, is_told_by_ledger ? NULL : &result);
}

void stream_side_known(struct world *w, const struct engine_view *view, const struct record *record)
{
    struct sim_stream *s = &w->stream;
    bool is_outcome = record->known == STATE_UNKNOWN || state_is_final(record->known);
    const struct stream_result result = {
        .message = view->message,
        .outcome = view->outcome,
        .attempts = record->known_attempt,
        .at_ms = record->known_at_ms,
    };

    if (!view->ref)
        return;
    if (record->admission == ADMISSION_REUSED)
        stream_reject(s->stream, view->ref, "id_reused");
    else if (is_outcome && view->outcome)
        stream_settle(s->stream, view->ref, &result);
    else
        stream_settle(s->stream, view->ref, NULL);
}

/* ---- Messages that are due. */

static void on_due(struct ledger_errand *errand)
{
    struct world *w = errand->context;
    struct sim_stream *s = &w->stream;

    s->due_asked = false;
    for (size_t i = 0; i < s->due.count; i++) {
        const struct waiting *item = &s->due_items[i];
        const struct engine_waiting taken = {item->message, item->number, item->attempt,
                                             item->tries, item->due_ms};

        if (w->is_stopping)
            message_free(item->message);
        else
            engine_resume(w->engine, &taken, world_now(w));
    }
    s->due.count = 0;
    s->due_again |= s->due.more;
}

static void ask_due(struct world *w)
{
    struct sim_stream *s = &w->stream;

    if (!s->due_again || s->due_asked || w->is_stopping || w->is_held ||
        engine_waiting_room(w->engine) < DUE_MAX)
        return;
    s->due_asked = true;
    s->due_again = false;
    s->due = (struct ledger_due){
        .errand = {.on_done = on_due, .context = w},
        .by_ms = world_now(w).wall_ms,
        .held = s->held,
        .held_count = engine_held(w->engine, s->held, HELD_MAX),
        .items = s->due_items,
        .max = DUE_MAX,
    };
    ledger_ask_due(sim_ledger_handle(&w->ledger), &s->due);
}

/* ---- Results that nobody was told. */

static void drop_results(struct sim_stream *s)
{
    for (size_t i = 0; i < s->results.count; i++)
        message_free(s->result_items[i].message);
    s->results.count = s->given = s->published = 0;
}

static void on_results(struct ledger_errand *errand)
{
    struct world *w = errand->context;
    struct sim_stream *s = &w->stream;

    s->results_asked = false;
    s->results_again |= s->results.count == RESULTS_MAX;
    s->outbox_is_empty = s->results.count == 0;
}

static void on_forgotten(struct ledger_errand *errand)
{
    struct world *w = errand->context;

    w->stream.results_asked = false;
}

static void ask_results(struct world *w)
{
    struct sim_stream *s = &w->stream;

    s->results_asked = true;
    s->results_again = false;
    s->results = (struct ledger_results){
        .errand = {.on_done = on_results, .context = w},
        .items = s->result_items,
        .max = RESULTS_MAX,
    };
    ledger_ask_results(sim_ledger_handle(&w->ledger), &s->results);
}

static void forget_results(struct world *w)
{
    struct sim_stream *s = &w->stream;

    s->results_asked = true;
    s->told = (struct ledger_told){
        .errand = {.on_done = on_forgotten, .context = w},
        .seq = s->result_items[s->results.count - 1].seq,
    };
    ledger_forget_results(sim_ledger_handle(&w->ledger), &s->told);
    drop_results(s);
}

static void give_result(struct sim_stream *s, const struct ledger_result *r)
{
    const struct stream_result result = {r->message, &r->outcome, r->attempts, r->at_ms};

    stream_publish_result(s->stream, &result, r->seq);
}

static void give_status(struct sim_stream *s, const struct ledger_result *r)
{
    const struct stream_status status = {
        .id = r->message ? r->message->id : "",
        .ref = r->message ? r->message->ref : "",
        .wamid = r->outcome.wamid,
        .status = webhook_status_name(r->status),
        .code = r->outcome.code,
        .at_ms = r->at_ms,
    };

    stream_publish_status(s->stream, &status, r->seq);
}

static void give_results(struct sim_stream *s)
{
    for (; s->given < s->results.count && stream_has_room(s->stream); s->given++) {
        const struct ledger_result *r = &s->result_items[s->given];

        if (r->status)
            give_status(s, r);
        else
            give_result(s, r);
    }
}

static void turn_outbox(struct world *w)
{
    struct sim_stream *s = &w->stream;

    if (s->results_asked || w->ledger.is_broken)
        return;
    if (s->results.count == 0) {
        if (s->results_again && !s->is_draining)
            ask_results(w);
        return;
    }
    give_results(s);
    if (s->published == s->results.count)
        forget_results(w);
}

/* ---- Turns. */

bool stream_side_turn(struct world *w)
{
    struct sim_stream *s = &w->stream;

    if (w->is_stopping)
        stream_pause(s->stream, true);
    if (!w->ledger.is_broken)
        ask_due(w);
    turn_outbox(w);
    s->has_offered = false;
    stream_turn(s->stream, stream_side_now(w));
    return s->has_offered;
}

int64_t stream_side_next_us(struct world *w)
{
    int64_t next_ms = stream_next_ms(w->stream.stream, stream_side_now(w));

    if (next_ms == INT64_MAX)
        return INT64_MAX;
    return next_ms > w->now_us / 1000 ? next_ms * 1000 : w->now_us + 1000;
}

static bool has_stubborn_halt(const struct world *w)
{
    return engine_halts(w->engine)->count && !w->is_held;
}

void stream_side_beat(struct world *w)
{
    rules_on_beat(w);
    w->stream.due_again = w->stream.results_again = true;
    if (has_stubborn_halt(w) && world_chance(w, OPERATOR_OF_10000))
        w->must_stop = true;
    world_schedule(w, &w->stream.beat, EVENT_BEAT, BEAT_US);
}

void stream_side_hooked(struct world *w)
{
    w->stream.results_again = true;
    w->stream.outbox_is_empty = w->stream.is_complete = false;
}

/* ---- The end of a life. */

static void begin_drain(struct world *w)
{
    struct sim_stream *s = &w->stream;

    s->is_draining = true;
    s->drain_until_us = w->now_us + DRAIN_US;
    if (s->is_refused) {
        s->is_drained = true;
        return;
    }
    stream_forget_offered(s->stream);
    stream_drain(s->stream);
}

bool stream_side_is_done(struct world *w)
{
    struct sim_stream *s = &w->stream;

    if (!w->is_stopping || !engine_is_finished(w->engine))
        return false;
    if (w->ledger.is_broken)
        return true;
    if (!s->is_draining)
        begin_drain(w);
    if (!hooks_are_stopped(w) || s->due_asked || s->results_asked)
        return false;
    return s->is_drained || w->now_us > s->drain_until_us;
}

static bool is_still(const struct world *w)
{
    const struct sim_stream *s = &w->stream;

    return s->redis.now.next_row == w->source.row_count && sim_redis_is_drained(&s->redis) &&
           !s->redis.has_saved;
}

bool stream_side_is_complete(struct world *w)
{
    struct sim_stream *s = &w->stream;
    struct engine_counts c = engine_counts(w->engine);
    struct stream_facts facts;

    if (s->is_complete)
        return is_still(w);
    if (!is_still(w) || !s->outbox_is_empty || s->results.count || w->is_stopping ||
        !sim_ledger_is_idle(&w->ledger) || c.busy || c.waiting || c.parked || c.offered)
        return false;
    stream_look(s->stream, stream_side_now(w), &facts);
    s->is_complete = !facts.held && !facts.publishing && hooks_are_quiet(w);
    return s->is_complete;
}

/* ---- A life. */

/* redis.consumer may be another from one life to the next. */
static void choose_name(struct world *w)
{
    struct sim_stream *s = &w->stream;

    if (s->options.stream && w->config.has_company && s->renamed < SIM_RENAMED_MAX &&
        world_chance(w, RENAMED_OF_10000)) {
        world_count(w, FAULT_RENAMED);
        s->renamed++;
    }
    for (unsigned i = 0; i <= s->renamed; i++)
        (void)snprintf(s->names[i], SIM_NAME_SIZE, "tidings-sim-%u", i); /* fits */
    for (unsigned i = 0; i < s->renamed; i++)
        s->former[i] = s->names[i];
    (void)snprintf(s->taken, SIM_NAME_SIZE, "tidings-sim-%u" STREAM_TAKEN_END, s->renamed);
}

static void write_options(struct world *w)
{
    struct sim_stream *s = &w->stream;

    s->defaults = (struct message_defaults){
        .template_name = "results_update",
        .lang = "en_US",
        .sender = "100",
        .broadcast = "b",
    };
    (void)snprintf(s->owner, sizeof(s->owner), "%016llx", /* both fit */
                   (unsigned long long)store_facts(w->ledger.store)->id);
    (void)snprintf(s->run, sizeof(s->run), "%llu", (unsigned long long)w->result->lives);
    choose_name(w);
    s->options = (struct stream_options){
        .stream = "tidings:send",
        .group = "tidings",
        .consumer = s->names[s->renamed],
        .taken = w->config.has_company ? s->taken : NULL,
        .former = s->former,
        .former_count = s->renamed,
        .owner = s->owner,
        .run = s->run,
        .holder = "the simulator",
        .phone_id = "100",
        .trim = true,
        .result_maxlen = 1000000,
        .claim = w->config.has_company,
        .claim_idle_ms = w->config.claim_idle_ms,
        .defaults = &s->defaults,
    };
}

void stream_side_open(struct world *w)
{
    struct sim_stream *s = &w->stream;
    const struct stream_ports ports = {
        w, on_send, on_drop, on_message, on_published, on_refused, on_drained, on_note,
    };

    write_options(w);
    s->stream = stream_new(&s->options, &ports);
    s->due = (struct ledger_due){0};
    s->results = (struct ledger_results){0};
    s->given = s->published = 0;
    s->forgotten = 0;
    s->knows_rival = false;
    s->due_asked = s->results_asked = false;
    s->due_again = s->results_again = true;
    s->outbox_is_empty = s->is_refused = s->is_draining = s->is_drained = s->is_complete = false;
    link_open_all(w);
    world_schedule(w, &s->beat, EVENT_BEAT, BEAT_US);
}

/* Pages that the ledger has brought and nobody took. */
static void free_pages(struct sim_stream *s)
{
    for (size_t i = 0; i < s->due.count; i++)
        message_free(s->due_items[i].message);
    s->due.count = 0;
    drop_results(s);
}

void stream_side_close(struct world *w, bool sound)
{
    struct sim_stream *s = &w->stream;

    /* What it gives back goes out with the rest; else the lock runs out. */
    link_close_all(w, sound && stream_free_lock(s->stream));
    world_unschedule(w, &s->beat);
    stream_free(s->stream);
    s->stream = NULL;
    free_pages(s);
}

void stream_side_init(struct world *w)
{
    struct sim_stream *s = &w->stream;

    sim_redis_init(&s->redis, &w->source, w->options->messages);
    s->due_items = mem_alloc(DUE_MAX * sizeof(*s->due_items));
    s->held = mem_alloc(HELD_MAX * sizeof(*s->held));
    s->result_items = mem_alloc(RESULTS_MAX * sizeof(*s->result_items));
    world_schedule(w, &s->produced, EVENT_PRODUCED, 0);
    if (w->config.has_company)
        world_schedule(w, &s->stranger, EVENT_STRANGER, w->config.stranger_us);
}

void stream_side_free(struct world *w)
{
    struct sim_stream *s = &w->stream;

    sim_command_free(s->half_open);
    sim_redis_free(&s->redis);
    mem_free(s->due_items);
    mem_free(s->held);
    mem_free(s->result_items);
}
