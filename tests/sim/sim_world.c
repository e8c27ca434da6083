/* SPDX-License-Identifier: MIT
 *
 * sim_world.c: time, and the lives of the process.
 */
#include "sim_world_internal.h"

#include "base/mem.h"
#include "sim_clock.h"
#include "sim_vfs.h"

#include <string.h>

enum {
    PAIR_DEBT_MS = 45 * 6 * 1000, /* how far back a recipient's debt may reach, as in dispatch.c */
    LIVES_MAX = 40,               /* then the faults end */
    OPENS_MAX = 6,                /* of one life, that may fail */
    REFUSED_MAX_US = 60000000,
    OPEN_CHANGES = 40, /* of the disk: in which of them an open dies */
};
#define FAULTS_MIN_US     (INT64_C(3600) * 1000000)
#define FAULTS_MESSAGE_US (INT64_C(1800) * 1000) /* and longer where there are many */

struct moment world_now(const struct world *w)
{
    return (struct moment){.mono_us = w->now_us, .wall_ms = SIM_START_WALL_MS + w->now_us / 1000};
}

void world_trace(struct world *w, uint64_t what, uint64_t which)
{
    uint64_t parts[] = {(uint64_t)w->now_us, what, which};
    uint64_t hash = w->result->trace;

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        hash = (hash ^ parts[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    w->result->trace = hash;
}

void world_schedule(struct world *w, struct event *event, enum event_kind kind, int64_t in_us)
{
    event->kind = kind;
    event->at.key = w->now_us + in_us;
    heap_push(&w->events, &event->at);
}

void world_unschedule(struct world *w, struct event *event)
{
    if (event->at.place)
        heap_remove(&w->events, &event->at);
}

bool world_chance(struct world *w, unsigned of_10000)
{
    return of_10000 && sim_random_chance(&w->random, of_10000);
}

void world_count(struct world *w, enum fault fault)
{
    w->result->faults[fault]++;
    world_trace(w, 500 + (uint64_t)fault, w->in_flight);
}

/* ---- A life begins. */

static void on_attempt(void *context, const struct past_attempt *attempt)
{
    struct world *w = context;

    engine_restore_pair(w->engine, attempt, world_now(w));
}

static void open_engine(struct world *w)
{
    const struct ledger_facts *facts = store_facts(w->ledger.store);
    const struct attempt_visitor visitor = {.on_attempt = on_attempt, .context = w};
    struct engine_ports ports = ports_of(w);
    struct moment now = world_now(w);
    struct err e = {0};

    w->config.engine.ledger_id = facts->id;
    w->config.engine.last_attempt_ms = facts->last_attempt_ms;
    w->engine = engine_new(&w->config.engine, &ports, now);
    if (!store_recent_attempts(w->ledger.store, now.wall_ms - PAIR_DEBT_MS, &visitor, &e))
        sim_fail(&w->verdict, "the recent attempts cannot be read: %s", e.text);
    w->next_row = 0;
    w->owed = 0;
    w->waiting_left = w->config.is_stream ? 0 : sim_ledger_waiting_count(&w->ledger);
    w->waiting_after = 0;
    w->has_intents = w->is_stopping = w->must_stop = w->is_held = false;
    if (w->config.is_stream)
        stream_side_open(w);
    hooks_open(w);
}

static void pass_time(struct world *w)
{
    if (w->stream.is_refused) /* whoever starts it waits longer each time */
        w->now_us += (int64_t)sim_random_below(&w->random, REFUSED_MAX_US);
    w->now_us += (int64_t)sim_random_below(&w->random, world_chance(w, 5000) ? 50000 : 3000000);
}

/* Ends as a crash does: in memory nothing is left, and of what was not synced maybe nothing. */
static void lose_memory(struct world *w)
{
    bool power_cut = world_chance(w, w->config.faults.power_cuts);

    world_count(w, power_cut ? FAULT_POWER_CUT : FAULT_KILL);
    sim_disk_die(&w->ledger.disk);
    sim_ledger_close(&w->ledger, false);
    sim_disk_restart(&w->ledger.disk, power_cut);
    pass_time(w);
}

static void open_ledger(struct world *w)
{
    struct sim_disk *d = &w->ledger.disk;

    for (int i = 0; i < OPENS_MAX; i++) {
        if (world_chance(w, w->config.faults.in_open))
            d->dies_in = (int64_t)sim_random_below(&w->random, OPEN_CHANGES);
        if (world_chance(w, w->config.faults.disk_errors))
            d->fails_in = (int64_t)sim_random_below(&w->random, OPEN_CHANGES);
        if (sim_ledger_open(&w->ledger))
            break;
        world_count(w, FAULT_DIED_IN_OPEN);
        lose_memory(w);
    }
    d->dies_in = d->fails_in = -1;
    if (!w->ledger.store && !sim_ledger_open(&w->ledger))
        sim_fail(&w->verdict, "the ledger does not open again");
}

static void become_calm(struct world *w)
{
    if (w->config.is_calm)
        return;
    sim_config_calm(&w->config);
    w->calm_at_us = w->now_us;
}

static bool begin_life(struct world *w)
{
    if (w->result->lives++ > LIVES_MAX)
        become_calm(w);
    open_ledger(w);
    if (w->verdict.failure[0])
        return false;
    open_engine(w);
    return true;
}

/* ---- What every wake-up does. */

/* What dispatch.c looks for before its loop sleeps. */
static void look_for_end(struct world *w)
{
    bool is_stuck = engine_is_stuck(w->engine) && !w->is_held;

    if (w->is_stopping || !(w->must_stop || w->ledger.is_broken || is_stuck))
        return;
    w->is_stopping = true;
    w->waiting_left = 0;
    w->owed = 0;
    engine_drain(w->engine, world_now(w));
}

/* What the stream offers in its turn is the engine's in the next. */
static void turn_parts(struct world *w)
{
    bool has_offered = false;

    do {
        engine_turn(w->engine, world_now(w));
        if (w->config.is_stream)
            has_offered = stream_side_turn(w);
    } while (has_offered);
}

static void turn(struct world *w)
{
    if (!w->config.is_stream)
        ports_take_up_waiting(w);
    turn_parts(w);
    ports_begin_commit(w);
    look_for_end(w);
    ports_begin_commit(w);
}

/* ---- A life ends. */

static struct world_busy end_engine(struct world *w, bool sound)
{
    struct world_busy busy = {
        .in_flight = w->in_flight,
        .with_ledger = (unsigned)(w->ledger.queued_count + w->ledger.batch_count),
    };

    for (struct list *node = w->flights.next; node != &w->flights; node = node->next)
        world_unschedule(w, &LIST_ITEM(node, struct flight, node)->event);
    world_unschedule(w, &w->gather_event);
    world_unschedule(w, &w->commit_event);
    world_unschedule(w, &w->hold_event);
    wire_forget(w);
    hooks_close(w);
    if (w->config.is_stream)
        stream_side_close(w, sound);
    engine_free(w->engine);
    w->engine = NULL;
    return busy;
}

static void live_again(struct world *w, const struct world_busy *busy)
{
    if (!begin_life(w))
        return;
    rules_on_restart(w, busy);
    turn(w);
}

static void crash(struct world *w)
{
    struct world_busy busy = end_engine(w, false);

    lose_memory(w);
    live_again(w, &busy);
}

/* Sound, unless the ledger is broken. False: it died while it closed. */
static bool end_life(struct world *w, struct world_busy *busy)
{
    bool dies = world_chance(w, w->config.faults.in_open);

    *busy = end_engine(w, !w->ledger.is_broken);
    busy->was_asked = !w->ledger.is_broken;
    if (dies)
        w->ledger.disk.dies_in = (int64_t)sim_random_below(&w->random, 10);
    sim_ledger_close(&w->ledger, !w->ledger.is_broken);
    if (dies) {
        world_count(w, FAULT_DIED_IN_CLOSE);
        lose_memory(w);
        return false;
    }
    sim_disk_restart(&w->ledger.disk, false);
    pass_time(w);
    return true;
}

/* ---- While it lives. */

/* False: it dies of it. */
static bool handle(struct world *w, struct event *event)
{
    switch (event->kind) {
    case EVENT_GATHERED:
        if (sim_ledger_begin(&w->ledger))
            world_schedule(w, &w->commit_event, EVENT_COMMITTED, w->config.commit_us);
        break;
    case EVENT_COMMITTED:
        return ports_on_commit(w);
    case EVENT_CHECKPOINTED:
        return ports_on_checkpoint(w);
    case EVENT_WIRED:
        wire_on_wired(w, event->flight);
        break;
    case EVENT_ANSWER:
        wire_on_answer(w, event->flight);
        break;
    case EVENT_HOLD_ENDS:
        w->is_held = false;
        engine_release(w->engine, world_now(w));
        break;
    case EVENT_WEATHER_ENDS:
        weather_on_end(w);
        break;
    case EVENT_LINK_UP:
    case EVENT_LINK_ASKED:
    case EVENT_LINK_ANSWERED:
    case EVENT_HALF_OPEN:
    case EVENT_PRODUCED:
    case EVENT_STRANGER:
    case EVENT_REDIS_CRASHES:
    case EVENT_TROUBLE_ENDS:
        link_handle(w, event);
        break;
    case EVENT_BEAT:
        stream_side_beat(w);
        break;
    case EVENT_POST:
        hooks_on_post(w, event);
        break;
    }
    return true;
}

/* The process' own deadline. */
static int64_t process_next_us(struct world *w)
{
    int64_t engine_us = engine_next_us(w->engine, world_now(w));
    int64_t stream_us = w->config.is_stream ? stream_side_next_us(w) : INT64_MAX;

    return engine_us < stream_us ? engine_us : stream_us;
}

/* Time goes on to whatever is next: an event of the world, or the process' deadline. */
static void step(struct world *w)
{
    int64_t process_us = process_next_us(w);
    struct heap_node *first = heap_first(&w->events);
    bool lives = true;

    if (!first && process_us == INT64_MAX)
        sim_fail(&w->verdict, "I8: nothing is due and the engine is not finished");
    else if (first && first->key <= process_us) {
        heap_remove(&w->events, first);
        if (first->key > w->now_us)
            w->now_us = first->key;
        lives = handle(w, CONTAINER_OF(first, struct event, at));
    } else if (process_us > w->now_us) {
        w->now_us = process_us + (int64_t)sim_random_below(&w->random, 2000);
    }
    if (lives && sim_random_below(&w->random, 1000000) >= w->config.faults.crashes)
        turn(w);
    else
        crash(w);
}

static bool is_over(struct world *w)
{
    if (w->config.is_stream) {
        w->must_stop |= stream_side_is_complete(w);
        return stream_side_is_done(w);
    }
    if (!engine_is_finished(w->engine) || w->waiting_left)
        return false;
    return (w->is_stopping || hooks_are_quiet(w)) && hooks_are_stopped(w);
}

/* How long faults go on. */
static int64_t faults_us(const struct world *w)
{
    int64_t all = FAULTS_MESSAGE_US * (int64_t)w->options->messages;

    return all > FAULTS_MIN_US ? all : FAULTS_MIN_US;
}

/* Lives until one comes to its end by itself. */
static void live(struct world *w)
{
    struct world_busy busy;
    bool is_complete = false;

    while (!is_complete && !w->verdict.failure[0]) {
        step(w);
        if (w->verdict.failure[0])
            return;
        rules_on_step(w);
        weather_step(w);
        if (w->now_us > faults_us(w))
            become_calm(w);
        if (!is_over(w))
            continue;
        is_complete = w->config.is_stream ? stream_side_is_complete(w) : !w->is_stopping;
        is_complete = end_life(w, &busy) && is_complete;
        if (!is_complete)
            live_again(w, &busy);
    }
}

/* ---- The run. */

static void make_second(struct second *s, unsigned limit)
{
    s->limit = limit;
    s->times = mem_alloc((limit ? limit : 1) * sizeof(int64_t));
}

static void init(struct world *w)
{
    sim_config_draw(&w->config, &w->random);
    sim_clock_use(&w->now_us, &w->random);
    sim_source_init(&w->source, &w->config, w->options->seed, w->options->messages);
    sim_ledger_init(&w->ledger, &w->config, &w->verdict, w->options->seed, w->options->messages);
    sim_vfs_use(&w->ledger.disk);
    list_init(&w->flights);
    if (w->config.is_stream)
        stream_side_init(w);
    hooks_init(w);
    w->result->streams = w->config.is_stream;
    w->accepted = mem_alloc(w->options->messages * sizeof(unsigned));
    for (int i = 0; i < SIM_SENDERS; i++) {
        make_second(&w->wires[i], w->config.limit);
        make_second(&w->doors[i], w->config.graph_limit);
    }
}

static void tear_down(struct world *w)
{
    if (w->engine)
        end_engine(w, false);
    sim_disk_die(&w->ledger.disk);
    sim_ledger_close(&w->ledger, false);
    sim_ledger_free(&w->ledger);
    if (w->config.is_stream)
        stream_side_free(w);
    hooks_free(w);
    sim_source_free(&w->source);
    heap_free(&w->events);
    for (int i = 0; i < SIM_SENDERS; i++) {
        mem_free(w->wires[i].times);
        mem_free(w->doors[i].times);
    }
    mem_free(w->accepted);
}

static void judge(struct world *w)
{
    if (!w->verdict.failure[0])
        rules_at_end(w);
    if (!w->verdict.failure[0] && sim_ledger_open(&w->ledger))
        sim_ledger_check_all(&w->ledger);
    w->result->settled = w->ledger.settled;
    w->result->twins = w->ledger.twins;
    w->result->sectors_lost = w->ledger.disk.sectors_lost;
    w->result->sectors_torn = w->ledger.disk.sectors_torn;
    memcpy(w->result->failure, w->verdict.failure, sizeof(w->result->failure));
}

void sim_run(const struct sim_options *options, struct sim_result *result)
{
    struct world w = {
        .options = options,
        .result = result,
        .random = {options->seed * 0x9e3779b97f4a7c15u + 1},
    };

    *result = (struct sim_result){.messages = options->messages};
    init(&w);
    if (begin_life(&w)) {
        turn(&w);
        live(&w);
    }
    judge(&w);
    tear_down(&w);
}
