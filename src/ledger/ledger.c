/* SPDX-License-Identifier: MIT
 *
 * ledger.c: records gather on the loop; a worker commits them, a batch at a time.
 *
 * Happy path:
 *   1. ledger_submit queues a record. The first one starts the gather timer; LEDGER_BATCH_ENOUGH of
 *      them, ledger_flush or the timer start a commit (start_commit).
 *   2. The worker applies the batch to the store and commits it (work_commit). The next batch
 *      gathers meanwhile.
 *   3. Back on the loop (on_committed) the batch is handed to on_recorded, in order.
 *   4. When the WAL has grown enough, the worker moves it into the file (work_checkpoint), after
 *      the results were handed over, so that nobody waits for it but the next batch.
 * Failure modes:
 *   - any error of a batch or a checkpoint: the ledger is broken. on_broken is told once, on the
 *     loop; the batch and all that is queued never come back; no statement runs on the file again,
 *     no fsync is repeated, and ledger_close leaves the files as they are: the next open finds the
 *     last commit that succeeded.
 *   - the loop asks something (broadcasts, waiting messages) while a commit is in flight: it waits
 *     for the end of that commit.
 */
#include "ledger/ledger.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ledger/db.h"
#include "ledger/key_index.h"
#include "ledger/lock.h"
#include "ledger/store.h"
#include "ledger/store_errand.h"

#include <assert.h>
#include <string.h>

enum {
    LEDGER_GATHER_MS = 5, /* unless ledger_gather says otherwise */
    LEDGER_BATCH_ENOUGH =
        256,                 /* records that do not wait for more: a commit's fixed cost is small */
    LEDGER_BATCH_MAX = 4096, /* records of one commit: bounds how long the next ones wait */
};

struct ledger {
    uv_loop_t *loop;
    struct ledger_events events;
    struct store *store; /* NULL: closed; who uses it holds the mutex */
    int lock;
    uv_mutex_t mutex;
    uv_work_t work;
    uv_timer_t *gather; /* outlives us until its handle is closed */
    uint64_t gather_ms;
    struct list queue;   /* not given to the worker yet */
    struct list batch;   /* the worker's, then on its way back */
    struct list errands; /* queued: they run after the next batch's records */
    struct list running; /* the batch's */
    size_t queued;
    size_t in_batch;
    size_t errand_count; /* queued and running */
    uint64_t totals[STATE_COUNT];
    bool busy;  /* the worker has work of ours */
    bool hurry; /* ledger_flush: do not gather */
    bool broken;
    bool failed; /* the worker's result; the error is in `error` */
    struct err error;
    struct ledger_timing timing;
    struct histogram times; /* of commits */
    int64_t took_us;        /* the worker's last commit */
};

/* ---- The worker. */

static bool apply_batch(struct ledger *l)
{
    struct list *node;

    for (node = l->batch.next; node != &l->batch; node = node->next)
        if (!store_apply(l->store, LIST_ITEM(node, struct record, node), &l->error))
            return false;
    return true;
}

static bool run_errands(struct ledger *l)
{
    struct list *node;

    for (node = l->running.next; node != &l->running; node = node->next) {
        struct ledger_errand *errand = LIST_ITEM(node, struct ledger_errand, node);

        if (!errand->work(l->store, errand, &l->error))
            return false;
    }
    return true;
}

static void work_commit(uv_work_t *work)
{
    struct ledger *l = CONTAINER_OF(work, struct ledger, work);
    int64_t began_us = clock_mono_us();

    uv_mutex_lock(&l->mutex);
    l->failed = l->broken || !(store_begin(l->store, &l->error) && apply_batch(l) &&
                               run_errands(l) && store_commit(l->store, &l->error));
    uv_mutex_unlock(&l->mutex);
    l->took_us = clock_mono_us() - began_us;
}

static void work_checkpoint(uv_work_t *work)
{
    struct ledger *l = CONTAINER_OF(work, struct ledger, work);

    uv_mutex_lock(&l->mutex);
    if (l->store)
        l->failed = l->broken || !store_checkpoint(l->store, &l->error);
    uv_mutex_unlock(&l->mutex);
}

/* ---- The loop. */

static void start_work(struct ledger *l, uv_work_cb on_worker, uv_after_work_cb on_done)
{
    int code = uv_queue_work(l->loop, &l->work, on_worker, on_done);

    assert(code == 0); /* fails only without a callback */
    (void)code;
    l->busy = true;
}

static void on_committed(uv_work_t *work, int status);
static void on_checkpointed(uv_work_t *work, int status);

static void start_commit(struct ledger *l)
{
    (void)uv_timer_stop(l->gather); /* cannot fail */
    for (; l->queued && l->in_batch < LEDGER_BATCH_MAX; l->queued--, l->in_batch++)
        list_append(&l->batch, list_pop(&l->queue));
    if (l->queued == 0) /* else records that came before them would come after */
        list_splice(&l->running, &l->errands);
    start_work(l, work_commit, on_committed);
}

static void on_gathered(uv_timer_t *timer)
{
    struct ledger *l = timer->data;

    if (!l->busy && !l->broken && l->queued)
        start_commit(l);
}

/* Commits now, or when more has gathered. */
static void go_on(struct ledger *l)
{
    if (l->busy || l->broken)
        return;
    if (l->queued == 0 && list_is_empty(&l->errands)) {
        l->hurry = false;
        return;
    }
    if (l->hurry || !list_is_empty(&l->errands) || l->queued >= LEDGER_BATCH_ENOUGH)
        start_commit(l);
    else if (!uv_is_active((uv_handle_t *)l->gather))
        (void)uv_timer_start(l->gather, on_gathered, l->gather_ms, 0); /* has a callback */
}

static void on_timer_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

static void destroy(struct ledger *l)
{
    uv_close((uv_handle_t *)l->gather, on_timer_closed);
    uv_mutex_destroy(&l->mutex);
    mem_free(l);
}

/* The last thing that is done with `l`: on_broken may close it. */
static void break_down(struct ledger *l)
{
    struct err e = l->error;

    l->broken = true;
    (void)uv_timer_stop(l->gather); /* cannot fail */
    l->events.on_broken(l->events.context, &e);
}

/* Is nothing more to be done with `l` after the worker's work? It was closed meanwhile, or is
 * broken; who broke it by a change of its own (give_changed) knows. */
static bool is_over(struct ledger *l)
{
    bool is_over = !l->store || l->failed;

    if (!l->store)
        destroy(l);
    else if (l->failed && !l->broken)
        break_down(l);
    return is_over;
}

static void note_commit(struct ledger *l)
{
    l->timing.commits++;
    l->timing.records += l->in_batch;
    l->timing.last_us = l->took_us;
    histogram_add(&l->times, l->took_us);
    if (l->took_us > l->timing.worst_us)
        l->timing.worst_us = l->took_us;
}

static void tell_errands(struct ledger *l, struct list *errands)
{
    struct list *node;

    while ((node = list_pop(errands))) {
        struct ledger_errand *errand = LIST_ITEM(node, struct ledger_errand, node);

        l->errand_count--;
        errand->on_done(errand);
    }
}

static void on_committed(uv_work_t *work, int status)
{
    struct ledger *l = CONTAINER_OF(work, struct ledger, work);
    struct list records, errands;

    (void)status; /* nobody cancels it */
    l->busy = false;
    if (is_over(l))
        return;
    note_commit(l);
    store_totals(l->store, l->totals);
    list_init(&records);
    list_splice(&records, &l->batch);
    list_init(&errands);
    list_splice(&errands, &l->running);
    l->in_batch = 0;
    if (store_wants_checkpoint(l->store))
        start_work(l, work_checkpoint, on_checkpointed);
    else
        go_on(l);
    l->events.on_recorded(l->events.context, &records);
    tell_errands(l, &errands);
}

static void on_checkpointed(uv_work_t *work, int status)
{
    struct ledger *l = CONTAINER_OF(work, struct ledger, work);

    (void)status; /* nobody cancels it */
    l->busy = false;
    if (!is_over(l))
        go_on(l);
}

/* ---- Opening and closing. */

static struct ledger *build(uv_loop_t *loop, const struct ledger_events *events)
{
    struct ledger *l = MEM_NEW(struct ledger);
    int code;

    l->loop = loop;
    l->events = *events;
    l->gather_ms = LEDGER_GATHER_MS;
    list_init(&l->queue);
    list_init(&l->batch);
    list_init(&l->errands);
    list_init(&l->running);
    l->gather = MEM_NEW(uv_timer_t);
    l->gather->data = l;
    code = uv_timer_init(loop, l->gather);
    assert(code == 0); /* it never fails */
    code = uv_mutex_init(&l->mutex);
    assert(code == 0); /* fails only without memory */
    (void)code;
    return l;
}

bool ledger_open(uv_loop_t *loop, const struct ledger_options *options, struct ledger **out,
                 struct err *e)
{
    struct store *store;
    int lock;

    if (!db_check_place(options->path, e) || !file_make_folders(options->path, e) ||
        !lock_take(options->path, options->holder, &lock, e))
        return false;
    if (!store_open(options->path, KEY_INDEX_RUN, &store, e)) {
        lock_release(lock);
        return false;
    }
    *out = build(loop, &options->events);
    (*out)->store = store;
    store_totals(store, (*out)->totals);
    (*out)->lock = lock;
    return true;
}

bool ledger_is_held(const char *path)
{
    return lock_is_taken(path);
}

/* Work that is under way is waited for: a checkpoint, or a commit of a broken ledger; what has not
 * begun finds no store, or that it is broken. Its end is told on the loop later, and frees the
 * rest. */
void ledger_close(struct ledger *l)
{
    assert(l->broken || ledger_pending(l) == 0);
    uv_mutex_lock(&l->mutex);
    store_close(l->store, !l->broken);
    l->store = NULL;
    uv_mutex_unlock(&l->mutex);
    lock_release(l->lock);
    if (!l->busy)
        destroy(l);
}

/* ---- Records. */

void ledger_submit(struct ledger *l, struct record *r)
{
    list_append(&l->queue, &r->node);
    l->queued++;
    go_on(l);
}

size_t ledger_pending(const struct ledger *l)
{
    return l->queued + l->in_batch + l->errand_count;
}

void ledger_run_errand(struct ledger *l, struct ledger_errand *errand, errand_work_fn work)
{
    errand->work = work;
    list_append(&l->errands, &errand->node);
    l->errand_count++;
    go_on(l);
}

void ledger_totals(const struct ledger *l, uint64_t totals[STATE_COUNT])
{
    memcpy(totals, l->totals, sizeof(l->totals));
}

void ledger_flush(struct ledger *l)
{
    l->hurry = true;
    go_on(l);
}

void ledger_gather(struct ledger *l, unsigned ms)
{
    l->gather_ms = ms;
}

const struct ledger_facts *ledger_facts(const struct ledger *l)
{
    return store_facts(l->store);
}

const struct histogram *ledger_commit_times(const struct ledger *l)
{
    return &l->times;
}

struct ledger_timing ledger_timing(const struct ledger *l)
{
    return l->timing;
}

/* ---- Questions. Each has the store for itself. */

static bool take_store(struct ledger *l, struct err *e)
{
    uv_mutex_lock(&l->mutex);
    if (!l->broken && !l->failed) /* failed: the loop is told soon */
        return true;
    (void)err_set(e, EXIT_LEDGER_IO, "the ledger is broken: %.400s", l->error.text);
    uv_mutex_unlock(&l->mutex);
    return false;
}

static bool give_store(struct ledger *l, bool sound)
{
    uv_mutex_unlock(&l->mutex);
    return sound;
}

/* A change that failed has left a transaction behind. */
static bool give_changed(struct ledger *l, bool sound, const struct err *e)
{
    if (!sound) {
        l->error = *e;
        l->broken = true;
        (void)uv_timer_stop(l->gather); /* cannot fail */
    }
    return give_store(l, sound);
}

bool ledger_broadcast_find(struct ledger *l, const char *name, struct ledger_broadcast *out,
                           struct err *e)
{
    return take_store(l, e) && give_store(l, store_broadcast_find(l->store, name, out, e));
}

bool ledger_broadcast_put(struct ledger *l, const char *name, const struct ledger_broadcast *b,
                          struct err *e)
{
    return take_store(l, e) && give_changed(l, store_broadcast_put(l->store, name, b, e), e);
}

bool ledger_waiting(struct ledger *l, const struct waiting_filter *filter,
                    struct waiting_page *page, struct err *e)
{
    return take_store(l, e) && give_store(l, store_waiting(l->store, filter, page, e));
}

bool ledger_recent_attempts(struct ledger *l, int64_t since_ms, ledger_attempt_fn on_attempt,
                            void *context, struct err *e)
{
    const struct attempt_visitor visitor = {.on_attempt = on_attempt, .context = context};

    return take_store(l, e) &&
           give_store(l, store_recent_attempts(l->store, since_ms, &visitor, e));
}

bool ledger_find(struct ledger *l, const char *id, bool *found, enum state *state, struct err *e)
{
    return take_store(l, e) && give_store(l, store_find(l->store, id, found, state, e));
}

bool ledger_reopen(struct ledger *l, const struct ledger_filter *filter, uint64_t *count,
                   struct err *e)
{
    return take_store(l, e) && give_changed(l, store_reopen(l->store, filter, count, e), e);
}

bool ledger_consumers(struct ledger *l, struct ledger_consumers *out, struct err *e)
{
    return take_store(l, e) && give_store(l, store_consumers(l->store, out, e));
}

bool ledger_stream_begin(struct ledger *l, const char *consumer, struct err *e)
{
    return take_store(l, e) && give_changed(l, store_stream_begin(l->store, consumer, e), e);
}

bool ledger_held(struct ledger *l, int64_t *since_ms, struct err *e)
{
    return take_store(l, e) && give_store(l, store_held(l->store, since_ms, e));
}

bool ledger_given_up(struct ledger *l, struct stream_id upto[LANE_COUNT], struct err *e)
{
    return take_store(l, e) && give_store(l, store_given_up(l->store, upto, e));
}

bool ledger_broadcasts(struct ledger *l, enum broadcast_state state, ledger_name_fn on_name,
                       void *context, struct err *e)
{
    const struct broadcast_visitor visitor = {.on_name = on_name, .context = context};

    return take_store(l, e) && give_store(l, store_broadcasts(l->store, state, &visitor, e));
}
