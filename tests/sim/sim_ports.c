/* SPDX-License-Identifier: MIT
 *
 * sim_ports.c: what the engine asks of the world, answered as commands/dispatch.c does; and the
 * ledger's worker, as ledger/ledger.c runs it: one commit under way, the next batch gathers.
 */
#include "sim_world_internal.h"

#include "base/mem.h"

enum {
    PAGE = 512,         /* waiting messages read from the ledger at a time, as in dispatch.c */
    BATCH_ENOUGH = 256, /* records that do not wait for more, as in ledger.c */
};

/* ---- The source. */

static bool offer_one(struct world *w)
{
    const struct sim_row_of_file *row = &w->source.rows[w->next_row];

    if (w->next_row == w->source.row_count) {
        engine_source_ended(w->engine);
        return false;
    }
    w->next_row++;
    engine_offer(w->engine, sim_source_message(&w->source, row->index, row->variant), NULL);
    return true;
}

static void on_pull(void *world, unsigned want)
{
    struct world *w = world;

    if (w->config.is_stream) {
        stream_want(w->stream.stream, want);
        return;
    }
    w->owed += want;
    while (w->owed && !w->waiting_left)
        w->owed = offer_one(w) ? w->owed - 1 : 0;
}

/* ---- What waited in the ledger before this life. */

static void give_waiting(struct world *w, const struct waiting *item)
{
    struct engine_waiting taken = {
        .message = item->message,
        .number = item->number,
        .attempt = item->attempt,
        .tries = item->tries,
        .due_ms = item->due_ms,
    };

    w->waiting_after = item->number;
    w->waiting_left--;
    engine_resume(w->engine, &taken, world_now(w));
}

static bool take_up_page(struct world *w)
{
    struct waiting_filter filter = {.after = w->waiting_after};
    struct waiting_page page = {.max = w->waiting_left < PAGE ? (size_t)w->waiting_left : PAGE};
    struct err e = {0};
    bool sound;

    page.items = mem_alloc(page.max * sizeof(struct waiting));
    sound = store_waiting(w->ledger.store, &filter, &page, &e);
    for (size_t i = 0; i < page.count; i++)
        give_waiting(w, &page.items[i]);
    if (page.count < page.max)
        w->waiting_left = 0;
    mem_free(page.items);
    if (!sound)
        sim_fail(&w->verdict, "the waiting messages cannot be read: %s", e.text);
    return sound;
}

void ports_take_up_waiting(struct world *w)
{
    const struct sim_ledger *l = &w->ledger;
    bool goes_on = true;

    while (goes_on && w->waiting_left && !l->is_broken && !l->queued_count && !l->batch_count &&
           engine_waiting_room(w->engine) >= PAGE)
        goes_on = take_up_page(w);
    on_pull(w, 0);
}

/* ---- The ledger. */

static void on_record(void *world, struct record *record)
{
    struct world *w = world;

    w->has_intents |= record->kind != RECORD_OUTCOME;
    sim_ledger_submit(&w->ledger, record);
}

static int64_t commit_us(struct world *w)
{
    if (sim_random_chance(&w->random, 50))
        return 80000;
    return w->config.commit_us / 10 +
           (int64_t)sim_random_below(&w->random, (uint64_t)w->config.commit_us);
}

/* Intents go at once where the pace is known; outcomes wait for company. */
void ports_begin_commit(struct world *w)
{
    bool has_errands = !list_is_empty(&w->ledger.errands);
    bool at_once = w->ledger.queued_count >= BATCH_ENOUGH || has_errands ||
                   (w->has_intents && w->config.limit);

    if (w->ledger.is_busy || w->ledger.is_broken || (!w->ledger.queued_count && !has_errands))
        return;
    if (!at_once && w->config.gather_us && !w->is_stopping) {
        if (!w->gather_event.at.place)
            world_schedule(w, &w->gather_event, EVENT_GATHERED, w->config.gather_us);
        return;
    }
    w->has_intents = false;
    world_unschedule(w, &w->gather_event);
    if (sim_ledger_begin(&w->ledger))
        world_schedule(w, &w->commit_event, EVENT_COMMITTED, commit_us(w));
}

/* The disk of this commit: it may die or fail in its middle. */
static void draw_disk(struct world *w, unsigned dies, unsigned fails)
{
    struct sim_disk *d = &w->ledger.disk;

    d->dies_in = world_chance(w, dies) ? (int64_t)sim_random_below(&w->random, 14) : -1;
    d->fails_in = world_chance(w, fails) ? (int64_t)sim_random_below(&w->random, 14) : -1;
    d->fails = world_chance(w, 5000) ? DISK_FULL : DISK_IO_ERROR;
}

static void undraw_disk(struct world *w)
{
    w->ledger.disk.dies_in = w->ledger.disk.fails_in = -1;
}

/* False: it died, in the middle of it or right after. What failed has broken the ledger. */
static bool outlived(struct world *w, uint64_t failed, enum fault died)
{
    struct sim_disk *d = &w->ledger.disk;
    bool is_doomed = d->dead || d->dies_in >= 0;

    if (d->failed != failed)
        world_count(w, d->fails == DISK_FULL ? FAULT_DISK_FULL : FAULT_DISK_ERROR);
    undraw_disk(w);
    if (!is_doomed)
        return true;
    world_count(w, died);
    return false;
}

static void go_on(struct world *w)
{
    bool wanted = store_wants_checkpoint(w->ledger.store);

    if (!wanted && !world_chance(w, w->config.checkpoints))
        return;
    w->ledger.is_busy = true;
    world_schedule(w, &w->commit_event, EVENT_CHECKPOINTED, 3 * commit_us(w));
}

bool ports_on_commit(struct world *w)
{
    uint64_t failed = w->ledger.disk.failed;
    struct list records;
    bool sound;

    draw_disk(w, w->config.faults.in_commit, w->config.faults.disk_errors);
    sound = sim_ledger_commit(&w->ledger, &records);
    w->result->commits++;
    world_trace(w, 600 + sound, w->ledger.disk.changes);
    if (!outlived(w, failed, FAULT_DIED_IN_COMMIT))
        return false;
    if (!sound) {
        engine_on_ledger_broken(w->engine);
        return true;
    }
    go_on(w);
    engine_on_recorded(w->engine, &records, world_now(w));
    sim_ledger_tell_errands(&w->ledger);
    return true;
}

bool ports_on_checkpoint(struct world *w)
{
    uint64_t failed = w->ledger.disk.failed;
    bool sound;

    draw_disk(w, w->config.faults.in_open / 8, w->config.faults.disk_errors);
    sound = sim_ledger_checkpoint(&w->ledger);
    if (!outlived(w, failed, FAULT_DIED_IN_CHECKPOINT))
        return false;
    if (!sound)
        engine_on_ledger_broken(w->engine);
    return true;
}

/* ---- The client, chance, and facts. */

static bool on_has_room(void *world)
{
    struct world *w = world;

    return w->in_flight < w->config.engine.max_in_flight;
}

static void on_request(void *world, struct graph_request *request)
{
    wire_start(world, request);
}

static uint64_t on_random(void *world)
{
    struct world *w = world;

    return sim_random_next(&w->random);
}

static void on_started(void *world, const struct engine_view *view)
{
    world_trace(world, 700 + view->attempt, view->number);
}

static void on_answer(void *world, const struct engine_view *view, const struct exchange *x,
                      const struct judgement *j)
{
    (void)x;
    world_trace(world, 100 + (uint64_t)j->verdict, view->number);
}

static void on_settled(void *world, const struct engine_view *view)
{
    struct world *w = world;

    rules_on_told(w, view);
    if (w->config.is_stream)
        stream_side_settled(w, view);
    world_trace(world, 200 + (uint64_t)view->outcome->state, view->number);
}

static void on_known(void *world, const struct engine_view *view, const struct record *record)
{
    struct world *w = world;

    rules_on_known(w, view);
    if (w->config.is_stream)
        stream_side_known(w, view, record);
    world_trace(world, 300 + (uint64_t)record->known, sim_source_index(view->message));
}

static void on_halt(void *world, const struct halt *halt, bool raised)
{
    world_trace(world, 400 + (uint64_t)halt->kind, raised);
}

struct engine_ports ports_of(struct world *w)
{
    return (struct engine_ports){w,          on_pull,   on_record,  on_has_room,
                                 on_request, on_random, on_started, on_answer,
                                 on_settled, on_known,  on_halt};
}
