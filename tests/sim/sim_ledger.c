/* SPDX-License-Identifier: MIT */
#include "sim_ledger.h"

#include "base/hash.h"
#include "base/mem.h"
#include "ledger/delivery_row.h"
#include "ledger/schema.h"
#include "ledger/store_internal.h"

#include <string.h>

/* db_open makes the file if it is not there, by open(2): these are there, and the VFS of ours has
 * files of its own by their names. */
#define LEDGER_PATH "/dev/null"
#define COPY_PATH   "/dev/zero"
#define BROADCAST   "b"
#define CONSUMER    "tidings-sim"

void sim_ledger_init(struct sim_ledger *l, const struct sim_config *config,
                     struct sim_verdict *verdict, uint64_t seed, unsigned messages)
{
    *l = (struct sim_ledger){.config = config, .verdict = verdict, .count = messages};
    l->rows = mem_alloc(messages * sizeof(struct sim_row));
    sim_disk_init(&l->disk, seed);
    list_init(&l->queued);
    list_init(&l->batch);
    list_init(&l->errands);
    list_init(&l->running);
    list_init(&l->posts);
}

void sim_ledger_free(struct sim_ledger *l)
{
    sim_disk_free(&l->disk);
    mem_free(l->changes);
    mem_free(l->rows);
}

/* The disk is why; else the ledger is. Returns false. */
static bool broken(struct sim_ledger *l, uint64_t failed_before, const struct err *e)
{
    if (!l->disk.dead && l->disk.failed == failed_before)
        sim_fail(l->verdict, "the ledger failed without a reason: %s", e->text);
    l->is_broken = true;
    return false;
}

/* ---- The mirror. */

void sim_ledger_note(struct sim_ledger *l, unsigned index)
{
    if (l->rows[index].commit == l->commits + 1) /* noted as it was before this commit */
        return;
    if (l->change_count == l->change_cap) {
        l->change_cap = l->change_cap ? 2 * l->change_cap : 64;
        l->changes = mem_realloc(l->changes, l->change_cap * sizeof(struct sim_change));
    }
    l->changes[l->change_count++] = (struct sim_change){index, l->rows[index]};
    l->rows[index].commit = l->commits + 1;
}

static void intend(struct sim_row *row, unsigned attempt, int64_t at_ms)
{
    row->state = STATE_SENDING;
    row->attempt = attempt;
    row->intent_ms = at_ms;
}

static void admit(struct sim_ledger *l, const struct record *r, unsigned index)
{
    struct sim_row *row = &l->rows[index];

    if (row->known)
        return;
    sim_ledger_note(l, index);
    row->known = true;
    row->variant = sim_source_variant(r->message);
    if (r->intend) {
        intend(row, 1, r->at_ms);
        return;
    }
    row->state = STATE_WAITING;
    row->was_waiting = true;
    row->due_ms = r->due_ms;
}

static void settle(struct sim_row *row, const struct record *r)
{
    const struct outcome *o = r->outcome;

    row->state = o->state == STATE_UNKNOWN && o->next_ms ? STATE_WAITING : o->state;
    row->was_waiting |= row->state == STATE_WAITING;
    row->unknowns += o->state == STATE_UNKNOWN;
    row->tries = r->tries;
    row->due_ms = o->next_ms;
    if (*o->wamid)
        sim_told_answer(&row->told, r->attempt);
    if (row->told.is_kept && row->state != STATE_ACCEPTED) {
        row->state = STATE_ACCEPTED;
        row->told.by_webhook = true;
    }
}

/* An intent that came too late is none. */
static void intend_again(struct sim_ledger *l, const struct record *r, unsigned index)
{
    if (l->rows[index].state == STATE_ACCEPTED)
        return;
    sim_ledger_note(l, index);
    intend(&l->rows[index], r->attempt, r->at_ms);
}

static void mirror(struct sim_ledger *l, const struct record *r)
{
    unsigned index = sim_source_index(r->message);

    switch (r->kind) {
    case RECORD_PROBE:
        break;
    case RECORD_ADMIT:
        admit(l, r, index);
        break;
    case RECORD_INTENT:
        intend_again(l, r, index);
        break;
    case RECORD_OUTCOME:
        if (l->rows[index].state == STATE_ACCEPTED && r->outcome->state == STATE_SKIPPED)
            break; /* a webhook came first */
        sim_ledger_note(l, index);
        settle(&l->rows[index], r);
        break;
    }
}

/* What the ledger said of the id, before the mirror is changed by the record. */
static void check_admission(struct sim_ledger *l, const struct record *r)
{
    const struct sim_row *row = &l->rows[sim_source_index(r->message)];
    enum admission expected = ADMISSION_NEW;

    if (r->kind != RECORD_PROBE && r->kind != RECORD_ADMIT)
        return;
    if (row->known)
        expected =
            row->variant == sim_source_variant(r->message) ? ADMISSION_KNOWN : ADMISSION_REUSED;
    if (r->admission != expected)
        sim_fail(l->verdict, "I1: the ledger says %d of message %s, on record it is %d",
                 (int)r->admission, r->message->id, (int)expected);
    else if (row->known && r->known != row->state)
        sim_fail(l->verdict, "I1: the ledger says that message %s is %s; it is %s", r->message->id,
                 state_name(r->known), state_name(row->state));
}

/* ---- Batches. */

void sim_ledger_submit(struct sim_ledger *l, struct record *r)
{
    list_append(&l->queued, &r->node);
    l->queued_count++;
}

bool sim_ledger_begin(struct sim_ledger *l)
{
    if (l->is_busy || l->is_broken || (!l->queued_count && list_is_empty(&l->errands)))
        return false;
    for (; l->queued_count && l->batch_count < l->config->batch_max; l->queued_count--) {
        list_append(&l->batch, list_pop(&l->queued));
        l->batch_count++;
    }
    if (!l->queued_count) /* else records that came before them would come after */
        list_splice(&l->running, &l->errands);
    l->is_busy = true;
    return true;
}

struct ledger *sim_ledger_handle(struct sim_ledger *l)
{
    return (struct ledger *)l;
}

void __wrap_ledger_run_errand(struct ledger *handle, struct ledger_errand *errand,
                              bool (*work)(struct store *s, struct ledger_errand *errand,
                                           struct err *e))
{
    struct sim_ledger *l = (struct sim_ledger *)handle;

    errand->work = work;
    list_append(&l->errands, &errand->node);
}

void sim_ledger_tell_errands(struct sim_ledger *l)
{
    struct list done;
    struct list *node;

    list_init(&done);
    list_splice(&done, &l->running);
    while ((node = list_pop(&done))) {
        struct ledger_errand *errand = LIST_ITEM(node, struct ledger_errand, node);

        errand->on_done(errand);
    }
}

bool sim_ledger_is_idle(const struct sim_ledger *l)
{
    uint64_t totals[STATE_COUNT];

    if (l->is_broken || l->is_busy || l->queued_count || !list_is_empty(&l->errands))
        return false;
    store_totals(l->store, totals);
    return !totals[STATE_WAITING] && !totals[STATE_SENDING];
}

static bool apply(struct sim_ledger *l, struct record *r, struct err *e)
{
    if (!store_apply(l->store, r, e))
        return false;
    check_admission(l, r);
    return true;
}

static bool commit_batch(struct sim_ledger *l, struct err *e)
{
    bool sound = store_begin(l->store, e);

    for (struct list *node = l->batch.next; node != &l->batch; node = node->next) {
        struct record *r = LIST_ITEM(node, struct record, node);

        sound = sound && apply(l, r, e);
        mirror(l, r); /* also when it failed: all of it may be on disk, or nothing */
    }
    for (struct list *node = l->running.next; node != &l->running; node = node->next) {
        struct ledger_errand *errand = LIST_ITEM(node, struct ledger_errand, node);

        sound = sound && errand->work(l->store, errand, e);
        sim_ledger_mirror_post(l, errand, sound);
    }
    return sound && store_commit(l->store, e);
}

/* What a checkpoint has written of it into the file may be missing there: it is in the WAL. */
static bool is_synced(struct sim_ledger *l)
{
    return sim_disk_is_synced(&l->disk, LEDGER_PATH "-wal");
}

bool sim_ledger_commit(struct sim_ledger *l, struct list *out)
{
    uint64_t failed = l->disk.failed;
    struct err e = {0};

    if (!commit_batch(l, &e))
        return broken(l, failed, &e);
    l->is_busy = false;
    l->commits++;
    l->change_count = 0;
    if (is_synced(l))
        l->durable = l->commits;
    list_init(out);
    list_splice(out, &l->batch);
    l->batch_count = 0;
    return true;
}

bool sim_ledger_checkpoint(struct sim_ledger *l)
{
    uint64_t failed = l->disk.failed;
    struct err e = {0};

    l->is_busy = false;
    return store_checkpoint(l->store, &e) || broken(l, failed, &e);
}

/* ---- What is really on record. */

struct found {
    bool known;
    uint64_t number;
    struct standing standing;
    struct ledger_delivery delivery;
    int64_t unknowns; /* where there is a delivery */
};

#define UNKNOWNS "SELECT count(*) FROM outcome WHERE state=5 AND " KEY_OF_MESSAGE_1
#define TWINS    "SELECT count(*) FROM twin WHERE " KEY_OF_MESSAGE_1

static bool count_rows(struct store *s, const char *sql, uint64_t number, int64_t *count,
                       struct err *e)
{
    sqlite3_stmt *query;
    bool sound;

    if (!db_prepare(s->db, sql, &query, e))
        return false;
    (void)sqlite3_bind_int64(query, 1, (int64_t)number); /* the index is right */
    sound = db_number(s->db, query, 0, count, e);
    db_finish(query);
    return sound;
}

/* What webhooks said. Where they did, states alone do not tell what an open has made of it. */
static bool look_at_delivery(struct store *s, struct found *out, struct err *e)
{
    sqlite3_stmt *query = s->get_delivery;
    bool row = true;

    (void)sqlite3_bind_int64(query, 1, (int64_t)out->number); /* the index is right */
    if (!db_next(s->db, query, &row, e) || !row)
        return !row;
    delivery_columns(query, &out->delivery);
    (void)sqlite3_reset(query); /* a query that was left early */
    return count_rows(s, UNKNOWNS, out->number, &out->unknowns, e);
}

static bool look_up(struct store *s, unsigned index, struct found *out, struct err *e)
{
    char id[SIM_ID_SIZE];
    struct identity wanted = {.id = id};

    *out = (struct found){0};
    sim_source_id(index, id);
    wanted.key = hash64(id, strlen(id));
    if (!store_identify(s, &wanted, &out->number, e))
        return false;
    out->known = out->number != 0;
    return !out->known || (standing_get(&s->scan.standings, out->number, &out->standing, e) &&
                           look_at_delivery(s, out, e));
}

static enum state after_open(const struct sim_row *row)
{
    if (row->state != STATE_SENDING)
        return row->state;
    return row->told.is_kept ? STATE_ACCEPTED : STATE_UNKNOWN;
}

/* Is this the row, as an open leaves it? */
static bool is_row(const struct found *found, const struct sim_row *row)
{
    const struct standing *is = &found->standing;

    if (found->known != row->known)
        return false;
    if (!row->known)
        return true;
    if (is->state != after_open(row) || !sim_told_is(&row->told, &found->delivery))
        return false;
    if (row->told.status && found->unknowns != row->unknowns + (row->state == STATE_SENDING))
        return false;
    return is->state != STATE_WAITING ||
           (is->attempt == row->attempt && is->tries == row->tries && is->due_ms == row->due_ms);
}

/* ---- After a crash: all of the commit that was under way is there, or nothing of it. */

static void undo_changes(struct sim_ledger *l)
{
    while (l->change_count) {
        const struct sim_change *change = &l->changes[--l->change_count];

        l->rows[change->index] = change->before;
    }
}

static bool decide(struct sim_ledger *l, struct err *e)
{
    bool all = true, nothing = true;

    for (size_t i = 0; i < l->change_count; i++) {
        const struct sim_change *change = &l->changes[i];
        struct found found;

        if (!look_up(l->store, change->index, &found, e))
            return false;
        all = all && is_row(&found, &l->rows[change->index]);
        nothing = nothing && is_row(&found, &change->before);
    }
    if (!all && !nothing)
        sim_fail(l->verdict, "I1: of the commit that a crash met, a part is on record");
    if (!all)
        undo_changes(l);
    l->change_count = 0;
    return true;
}

/* What changed since the last open is compared. */
static bool compare(struct sim_ledger *l, struct err *e)
{
    for (unsigned i = 0; i < l->count; i++) {
        struct found found;

        if (l->rows[i].commit <= l->verified)
            continue;
        if (!look_up(l->store, i, &found, e))
            return false;
        if (!is_row(&found, &l->rows[i]))
            sim_fail(l->verdict,
                     "I1: after a restart message %u is %s (\"%s\") on record; it was %s (\"%s\")",
                     i, found.known ? state_name(found.standing.state) : "not",
                     webhook_status_name(found.delivery.status),
                     l->rows[i].known ? state_name(l->rows[i].state) : "not",
                     webhook_status_name(l->rows[i].told.status));
    }
    return true;
}

static void interrupt(struct sim_ledger *l)
{
    l->interrupted = 0;
    for (unsigned i = 0; i < l->count; i++) {
        if (l->rows[i].state != STATE_SENDING)
            continue;
        l->rows[i].told.by_webhook |= l->rows[i].told.is_kept;
        l->rows[i].state = after_open(&l->rows[i]);
        l->rows[i].unknowns++;
        l->interrupted++;
    }
}

static bool check_tally(struct sim_ledger *l, struct err *e)
{
    struct ledger_broadcast broadcast;
    uint64_t counts[STATE_COUNT] = {0};

    if (!store_broadcast_find(l->store, BROADCAST, &broadcast, e))
        return false;
    if (!broadcast.number)
        return store_broadcast_put(l->store, BROADCAST,
                                   &(struct ledger_broadcast){.state = BROADCAST_OPEN}, e);
    for (unsigned i = 0; i < l->count; i++)
        counts[l->rows[i].state]++;
    for (int s = 1; s < STATE_COUNT; s++)
        if (counts[s] != broadcast.counts[s])
            sim_fail(l->verdict, "I1: the tally says %llu messages are %s, there are %llu",
                     (unsigned long long)broadcast.counts[s], state_name((enum state)s),
                     (unsigned long long)counts[s]);
    return true;
}

bool sim_ledger_open(struct sim_ledger *l)
{
    uint64_t failed = l->disk.failed;
    struct err e = {0};

    l->is_broken = false;
    if (!store_open(LEDGER_PATH, l->config->run_size, &l->store, &e)) {
        l->store = NULL;
        return broken(l, failed, &e);
    }
    if (!decide(l, &e) || !compare(l, &e)) {
        sim_ledger_close(l, false);
        return broken(l, failed, &e);
    }
    interrupt(l);
    l->verified = ++l->commits;
    if (is_synced(l))
        l->durable = l->commits;
    if (check_tally(l, &e) && (!l->config->is_stream || store_stream_begin(l->store, CONSUMER, &e)))
        return true;
    sim_ledger_close(l, false);
    return broken(l, failed, &e);
}

void sim_ledger_close(struct sim_ledger *l, bool sound)
{
    if (l->store)
        store_close(l->store, sound);
    l->store = NULL;
    l->is_busy = false;
    list_init(&l->queued);
    list_init(&l->batch);
    list_init(&l->errands);
    list_init(&l->running);
    list_init(&l->posts);
    l->queued_count = 0;
    l->batch_count = 0;
}

uint64_t sim_ledger_waiting_count(struct sim_ledger *l)
{
    struct ledger_broadcast broadcast;
    struct err e = {0};

    if (store_broadcast_find(l->store, BROADCAST, &broadcast, &e))
        return broadcast.counts[STATE_WAITING];
    sim_fail(l->verdict, "the ledger failed without a reason: %s", e.text);
    return 0;
}

/* ---- What a power cut would leave now. */

static void look_at_copy(struct sim_ledger *l, unsigned index, struct found *out)
{
    struct store *copy = NULL;
    struct err e = {0};

    *out = (struct found){0};
    sim_disk_fork(&l->disk, LEDGER_PATH, COPY_PATH);
    sim_disk_fork(&l->disk, LEDGER_PATH "-wal", COPY_PATH "-wal");
    if (!store_open(COPY_PATH, l->config->run_size, &copy, &e)) {
        sim_fail(l->verdict, "I3: a power cut now would leave no ledger: %s", e.text);
        return;
    }
    if (!look_up(copy, index, out, &e))
        sim_fail(l->verdict, "I3: a power cut now would leave a broken ledger: %s", e.text);
    store_close(copy, false);
}

static bool is_in_copy(struct sim_ledger *l, unsigned index)
{
    struct sim_disk told = l->disk;
    struct found found;

    sim_disk_restart(&l->disk, false); /* as it is then */
    look_at_copy(l, index, &found);
    sim_disk_forget(&l->disk, COPY_PATH);
    sim_disk_forget(&l->disk, COPY_PATH "-wal");
    l->disk.dies_in = told.dies_in;
    l->disk.fails_in = told.fails_in;
    l->disk.full = told.full;
    l->disk.changes = told.changes;
    return is_row(&found, &l->rows[index]);
}

bool sim_ledger_is_durable(struct sim_ledger *l, unsigned index, bool deep)
{
    return l->rows[index].commit <= l->durable && (!deep || is_in_copy(l, index));
}

/* ---- The end. */

static void check_unknowns(struct sim_ledger *l, unsigned index, uint64_t number)
{
    struct err e = {0};
    int64_t count = 0;

    if (!count_rows(l->store, UNKNOWNS, number, &count, &e))
        sim_fail(l->verdict, "%s", e.text);
    if ((uint64_t)count != l->rows[index].unknowns)
        sim_fail(l->verdict, "I2: message %u: %lld attempts are on record as unknown, %u were",
                 index, (long long)count, l->rows[index].unknowns);
}

static void check_twins(struct sim_ledger *l, unsigned index, uint64_t number)
{
    unsigned expected = sim_told_twins(&l->rows[index].told);
    struct err e = {0};
    int64_t count = 0;

    if (!count_rows(l->store, TWINS, number, &count, &e))
        sim_fail(l->verdict, "%s", e.text);
    l->twins += (uint64_t)count;
    if (count != expected)
        sim_fail(l->verdict, "I10: message %u: %lld duplicates are on record, %u have happened",
                 index, (long long)count, expected);
}

static void check_wamid(struct sim_ledger *l, unsigned index, uint64_t number)
{
    struct outcome outcome;
    char expected[32];
    struct err e = {0};

    (void)snprintf(expected, sizeof(expected), "wamid.m%u.", index); /* it fits */
    if (!standing_outcome(&l->store->scan.standings, number, &outcome, &e))
        sim_fail(l->verdict, "%s", e.text);
    if (strncmp(outcome.wamid, expected, strlen(expected)) != 0)
        sim_fail(l->verdict, "I1: message %u is accepted with the wamid \"%s\"", index,
                 outcome.wamid);
}

static void check_record(struct sim_ledger *l, unsigned index)
{
    const struct sim_row *row = &l->rows[index];
    struct found found;
    struct err e = {0};

    if (!look_up(l->store, index, &found, &e))
        sim_fail(l->verdict, "%s", e.text);
    else if (!is_row(&found, row))
        sim_fail(l->verdict, "I1: in the end message %u is %s on record; it was %s", index,
                 found.known ? state_name(found.standing.state) : "not", state_name(row->state));
    else if (row->state == STATE_ACCEPTED)
        check_wamid(l, index, found.number);
    if (row->unknowns)
        check_unknowns(l, index, found.number);
    if (row->told.wamid_count)
        check_twins(l, index, found.number);
}

void sim_ledger_check_all(struct sim_ledger *l)
{
    struct err e = {0};

    if (!check_tally(l, &e))
        sim_fail(l->verdict, "%s", e.text);
    for (unsigned i = 0; i < l->count && !l->verdict->failure[0]; i++)
        check_record(l, i);
}
