/* SPDX-License-Identifier: MIT
 *
 * sim_rules_stream.c: the rules of the stream: what is acknowledged is on the platter, what is told
 * holds, nothing is trimmed or forgotten that is not finished, and the lock is kept.
 */
#include "sim_world_internal.h"

enum { DEEP_OF_10000 = 2, FORGOTTEN_BEATS = 30 }; /* not time: it may have stood still */

static const struct sim_row_of_file *row_of(const struct world *w, const struct sim_entry *entry)
{
    return &w->source.rows[entry->row];
}

/* ---- I4: an acknowledgement. */

/* An entry that is on PREFIX:dead must be no message, or one whose id was another's. */
static void judge_dead(struct world *w, const struct sim_entry *entry)
{
    const struct sim_row *row;

    if (entry->row < 0)
        return;
    row = &w->ledger.rows[row_of(w, entry)->index];
    if (!row->known || row->variant == row_of(w, entry)->variant)
        sim_fail(&w->verdict, "I11: a good entry of message %u went to the dead",
                 row_of(w, entry)->index);
}

/* A message that is being sent may be acknowledged only where it was before. */
static bool was_there_before(const struct world *w, const struct sim_entry *entry)
{
    const struct sim_row *row = &w->ledger.rows[row_of(w, entry)->index];

    return row->was_waiting || entry->was_acked ||
           w->stream.redis.twice_added[row_of(w, entry)->index];
}

static void judge_ack(struct world *w, const struct sim_entry *entry, bool deep)
{
    unsigned index;
    const struct sim_row *row;

    if (entry->row < 0) {
        sim_fail(&w->verdict, "I11: an entry that is no message was acknowledged and not kept");
        return;
    }
    index = row_of(w, entry)->index;
    row = &w->ledger.rows[index];
    if (!row->known || row->variant != row_of(w, entry)->variant)
        sim_fail(&w->verdict, "I4: an entry of message %u is acknowledged; it is not on record",
                 index);
    else if (row->state == STATE_SENDING && !was_there_before(w, entry))
        sim_fail(&w->verdict, "I4: an entry of message %u is acknowledged while it is being sent",
                 index);
    else if (!sim_ledger_is_durable(&w->ledger, index, deep))
        sim_fail(&w->verdict,
                 "I4: an entry of message %u is acknowledged; a power cut now would lose it",
                 index);
}

static void on_ack(struct world *w, enum stream_lane lane, const struct stream_id *ids, size_t n,
                   bool is_sent)
{
    for (size_t i = 0; i < n; i++) {
        const struct sim_entry *entry = sim_redis_find(&w->stream.redis, lane, ids[i]);

        if (!entry || entry->is_gone)
            continue;
        if (entry->is_dead)
            judge_dead(w, entry);
        else
            judge_ack(w, entry, is_sent && world_chance(w, DEEP_OF_10000));
    }
}

/* ---- I11: what is trimmed is finished. */

static void judge_trim(struct world *w, const struct sim_command *c)
{
    const struct sim_lane *l = &w->stream.redis.now.lanes[c->lane];

    for (unsigned i = l->base; i < l->count; i++) {
        const struct sim_entry *entry = &l->entries[i];

        if (stream_id_compare(entry->id, c->after) >= 0)
            return;
        if (!entry->is_gone && !entry->was_acked)
            sim_fail(&w->verdict, "I11: an entry of row %d is trimmed and was not acknowledged",
                     entry->row);
    }
}

/* ---- I11: what is claimed is another's, and idle; or it was claimed before. */

static void judge_claim(struct world *w, const struct sim_command *c)
{
    for (size_t i = 0; i < c->id_count; i++) {
        const struct sim_entry *entry = sim_redis_find(&w->stream.redis, c->lane, c->ids[i]);
        bool is_others = entry && entry->owner == SIM_STRANGER;

        if (entry && entry->state == ENTRY_PENDING && is_others != (c->idle_ms > 0))
            sim_fail(&w->verdict,
                     is_others ? "I11: an entry of row %d is claimed and not idle"
                               : "I11: our own entry of row %d is claimed",
                     entry->row);
    }
}

/* ---- The commands. */

/* The ledger's mirror says nothing while it is closed or broken. */
static bool is_on_record(const struct world *w)
{
    return w->ledger.store && !w->ledger.is_broken;
}

void rules_on_command(struct world *w, const struct stream_command *c)
{
    const struct sim_lock *k = &w->stream.redis.now.lock;

    if (c->verb <= STREAM_READ_NEW &&
        (w->stream.knows_rival || (k->holder == LOCK_RIVAL && k->is_fair)))
        sim_fail(&w->verdict, "I11: it reads while another daemon has the lock");
    if (c->verb == STREAM_ACK && is_on_record(w))
        on_ack(w, c->lane, c->ids, c->id_count, true);
}

void rules_on_asked(struct world *w, const struct sim_command *c)
{
    if (c->verb == STREAM_ACK && is_on_record(w))
        on_ack(w, c->lane, c->ids, c->id_count, false);
    if (c->verb == STREAM_TRIM)
        judge_trim(w, c);
    if (c->verb == STREAM_CLAIM)
        judge_claim(w, c);
}

void rules_on_taken_over(struct world *w, const struct message *m)
{
    if (!w->stream.redis.was_others[sim_source_index(m)])
        sim_fail(&w->verdict, "I11: message %s is taken over; nobody else had it", m->id);
}

/* ---- I8: what is pending is read, though no connection is lost that would bring it back. */

/* A late command of a life before may have taken it for that one: then it runs out. */
static bool has_lock(const struct world *w)
{
    const struct sim_lock *lock = &w->stream.redis.now.lock;

    return lock->holder == LOCK_OURS && lock->run == w->result->lives;
}

static bool is_idle(const struct world *w)
{
    const struct sim_stream *s = &w->stream;
    struct engine_counts c = engine_counts(w->engine);

    return s->links[LINK_READER].is_up && s->links[LINK_WRITER].is_up && !s->redis.trouble &&
           has_lock(w) && !w->is_held && !w->is_stopping && !c.busy && !c.waiting && !c.parked &&
           !c.offered && !engine_halts(w->engine)->count;
}

void rules_on_beat(struct world *w)
{
    struct sim_stream *s = &w->stream;
    struct stream_facts facts;

    stream_look(s->stream, stream_side_now(w), &facts);
    if (!is_idle(w) || sim_redis_pending_ours(&s->redis) <= facts.held) {
        s->forgotten = 0;
        return;
    }
    if (++s->forgotten > FORGOTTEN_BEATS)
        sim_fail(&w->verdict, "I8: entries are pending under our name, and nobody reads them");
}

/* ---- In the end. */

unsigned rules_by_other(const struct world *w, unsigned index)
{
    return w->config.is_stream && w->stream.redis.sent_by_other[index];
}

bool rules_is_lost(const struct world *w, unsigned index)
{
    return w->config.is_stream && w->stream.redis.lost_entry[index];
}

static void judge_entries(struct world *w, const struct sim_lane *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        const struct sim_entry *entry = &l->entries[i];

        if (!entry->is_gone && !entry->was_acked)
            sim_fail(&w->verdict, "I1: an entry of row %d was never acknowledged", entry->row);
        if (entry->row < 0 && !entry->is_gone && !entry->is_dead)
            sim_fail(&w->verdict, "I1: an entry that is no message is not with the dead");
    }
}

static void judge_statuses(struct world *w, unsigned index, const struct sim_told *told)
{
    const struct sim_told_row *row = &w->ledger.rows[index].told;

    for (int s = 1; s < WEBHOOK_STATUS_COUNT; s++)
        if ((told->statuses >> s & 1) != (row->at_ms[s] != 0))
            sim_fail(&w->verdict, "I11: a status %s that message %u is \"%s\"",
                     row->at_ms[s] ? "never tells" : "tells", index,
                     webhook_status_name((enum webhook_status)s));
}

static void judge_result(struct world *w, unsigned index)
{
    const struct sim_row *row = &w->ledger.rows[index];
    const struct sim_told *told = &w->stream.redis.now.told[index];

    if (!row->known || w->stream.redis.lost_result[index] || w->stream.redis.lost_entry[index])
        return;
    judge_statuses(w, index, told);
    if (!told->count)
        sim_fail(&w->verdict, "I11: no result tells that message %u is %s", index,
                 state_name(row->state));
    else if (told->state != row->state)
        sim_fail(&w->verdict, "I11: of message %u the last result says %s; it is %s", index,
                 state_name(told->state), state_name(row->state));
}

void rules_on_stream_end(struct world *w)
{
    for (size_t lane = 0; lane < LANE_COUNT; lane++)
        judge_entries(w, &w->stream.redis.now.lanes[lane]);
    for (unsigned i = 0; i < w->options->messages && !w->verdict.failure[0]; i++)
        judge_result(w, i);
}
