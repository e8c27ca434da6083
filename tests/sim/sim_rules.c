/* SPDX-License-Identifier: MIT */
#include "sim_world_internal.h"

#include "base/hash.h"
#include "core/opaque_id.h"
#include "core/pair_limit.h"
#include "sim_clock.h"

#include <string.h>

enum {
    STEPS_PER_MESSAGE = 1000, /* a run that needs more is not getting anywhere */
    STEPS_MIN = 1000000,
    DEEP_OF_10000 = 10, /* how often the platter itself is looked at */
    BOUNDS_EACH = 64,   /* steps */
    SLOW_ANSWER = 12,   /* times the median */
    SLOW_COMMIT = 4,    /* of a message: intent and outcome, with what waits for either */
    TRIES = 2,          /* of a message, all in all: nothing fails any more */
    WAL_MAX = 24 << 20, /* bytes: a checkpoint begins it anew at 4 MB, one batch follows */
};
#define PAIR_US     ((int64_t)PAIR_INTERVAL_MS * 1000)
#define CALM_MAX_US (INT64_C(4) * 3600 * 1000000) /* beside what the messages take */

/* ---- I6: the rate, at the wire, in every sliding second; restarts included. */

static void check_rate(struct world *w, struct second *wire)
{
    int64_t *oldest = &wire->times[wire->limit ? wire->count % wire->limit : 0];

    if (wire->limit && wire->count >= wire->limit && w->now_us - *oldest < 1000000)
        sim_fail(&w->verdict, "I6: more than %u reached the wire within a second", wire->limit);
    *oldest = w->now_us;
    wire->count++;
}

static void open_window(struct busy_pair *p, int64_t at_us, int64_t intent_us)
{
    p->is_used = true;
    p->start_us = at_us;
    p->count = 1;
    p->late = intent_us < at_us;
    p->slack_us = at_us - p->unsent_us < PAIR_US ? PAIR_US : 0;
}

/* Times are those at which requests began: the wire adds a little. Where the limiter may know a
 * window to begin earlier (`slack_us`), what could be a new one is taken for one, and
 * what was intended in the one before may be counted there. */
static void check_pair(struct world *w, const struct flight *f)
{
    struct busy_pair *p = &w->pairs[sim_source_sender(f->index)];
    int64_t at_us = f->started_us;
    int64_t intent_us = (w->ledger.rows[f->index].intent_ms - SIM_START_WALL_MS) * 1000;
    int64_t paid_us = p->start_us + PAIR_US * p->count;
    unsigned burst = PAIR_BURST + (p->slack_us ? p->late : 0);

    if (!sim_source_is_hot(&w->source, f->index))
        return;
    if (!p->is_used || at_us + p->slack_us >= paid_us) {
        open_window(p, at_us, intent_us);
    } else if (at_us < p->start_us + PAIR_US && p->count < burst) {
        p->count++;
        p->late += intent_us < p->start_us;
        p->start_us = at_us < p->start_us ? at_us : p->start_us;
    } else {
        sim_fail(&w->verdict, "I6: a recipient got a message %lld ms too early, after %u",
                 (long long)(paid_us - at_us) / 1000, p->count);
    }
}

/* Also known only when the window, which the limiter began with it, was opened by another. */
void rules_on_unsent(struct world *w, const struct flight *f)
{
    struct busy_pair *p = &w->pairs[sim_source_sender(f->index)];

    if (!sim_source_is_hot(&w->source, f->index))
        return;
    p->unsent_us = f->started_us;
    if (p->is_used && f->started_us <= p->start_us && p->start_us - f->started_us < PAIR_US)
        p->slack_us = PAIR_US;
}

/* ---- I3: the intent of what is on the wire is on the platter. */

void rules_on_wired(struct world *w, const struct flight *f)
{
    const struct sim_row *row = &w->ledger.rows[f->index];

    if (row->state != STATE_SENDING || row->attempt != f->attempt)
        sim_fail(&w->verdict,
                 "I3: message %u, attempt %u, is on the wire without its intent on record (%s, "
                 "attempt %u)",
                 f->index, f->attempt, state_name(row->state), row->attempt);
    else if (!sim_ledger_is_durable(&w->ledger, f->index, world_chance(w, DEEP_OF_10000)))
        sim_fail(&w->verdict,
                 "I3: message %u, attempt %u, is on the wire; a power cut now would leave no "
                 "intent of it",
                 f->index, f->attempt);
    check_rate(w, &w->wires[sim_source_sender(f->index)]);
    check_pair(w, f);
}

static void check_opaque(struct world *w, const struct flight *f)
{
    static const char key[] = "\"biz_opaque_callback_data\":\"";
    const char *at = memmem(f->request->body, f->request->body_len, key, sizeof(key) - 1);
    char id[SIM_ID_SIZE], text[OPAQUE_ID_SIZE] = "";
    struct opaque_id opaque;

    sim_source_id(f->index, id);
    if (at) {
        at += sizeof(key) - 1;
        (void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\""), at);
    }
    if (!opaque_id_parse(text, &opaque) || opaque.attempt != f->attempt ||
        opaque.message_hash != hash64(id, strlen(id)) ||
        opaque.ledger != store_facts(w->ledger.store)->id)
        sim_fail(&w->verdict, "I1: a webhook for message %u would not find it", f->index);
}

/* Graph sees what it was meant to see. */
void rules_on_body(struct world *w, const struct flight *f)
{
    struct sim_row_of_file seen;

    if (!sim_source_read_body(f->request->body, f->request->body_len, &seen) ||
        seen.index != f->index)
        sim_fail(&w->verdict, "I1: message %u went out as another", f->index);
    else if (seen.variant != w->ledger.rows[f->index].variant)
        sim_fail(&w->verdict, "I2: message %u went out with other content than is on record",
                 f->index);
    check_opaque(w, f);
}

/* ---- I4: what a source hears is on the platter. */

static bool is_on_platter(struct world *w, unsigned index)
{
    return sim_ledger_is_durable(&w->ledger, index, world_chance(w, DEEP_OF_10000));
}

void rules_on_told(struct world *w, const struct engine_view *view)
{
    unsigned index = sim_source_index(view->message);
    const struct sim_row *row = &w->ledger.rows[index];
    enum state told = view->outcome->next_ms ? STATE_WAITING : view->outcome->state;

    if (row->state != told && !row->told.by_webhook)
        sim_fail(&w->verdict, "I4: the source heard %s of message %u; on record it is %s",
                 state_name(told), index, state_name(row->state));
    else if (!is_on_platter(w, index))
        sim_fail(&w->verdict,
                 "I4: the source heard %s of message %u; a power cut now would lose it",
                 state_name(told), index);
}

/* A known message is acknowledged: what is known of it must last. */
void rules_on_known(struct world *w, const struct engine_view *view)
{
    unsigned index = sim_source_index(view->message);

    if (!is_on_platter(w, index))
        sim_fail(&w->verdict, "I4: message %u counted as known; a power cut now would lose it",
                 index);
}

/* ---- I5: one crash leaves few unknown. */

static unsigned ahead_max(const struct world *w)
{
    double per_lane = (double)w->config.limit * (double)w->config.engine.intent_ahead_us / 1e6 + 1;

    return w->config.limit ? (unsigned)((double)SIM_SENDERS * per_lane)
                           : SIM_SENDERS * ENGINE_AHEAD_MAX;
}

void rules_on_restart(struct world *w, const struct world_busy *busy)
{
    unsigned left = w->ledger.interrupted;
    unsigned allowed = busy->in_flight + busy->with_ledger + ahead_max(w);

    if (left && busy->was_asked)
        sim_fail(&w->verdict, "I5: a stop that was asked for left %u messages unknown", left);
    if (left > allowed)
        sim_fail(&w->verdict,
                 "I5: a crash left %u messages unknown; %u were in flight, %u with the ledger, %u "
                 "may be ahead",
                 left, busy->in_flight, busy->with_ledger, ahead_max(w));
    if (left > w->result->worst_ambiguity)
        w->result->worst_ambiguity = left;
}

/* ---- I8, I9. */

static void check_bounds(struct world *w)
{
    struct engine_counts c = engine_counts(w->engine);
    struct sim_file *wal = sim_disk_file(&w->ledger.disk, "/dev/null-wal", false);
    unsigned max_in_flight = w->config.engine.max_in_flight;
    unsigned max_waiting = ENGINE_WAITING_MAX + max_in_flight + ahead_max(w);

    if (c.in_flight > max_in_flight || w->in_flight > max_in_flight)
        sim_fail(&w->verdict, "I9: %u in flight, %u are allowed", c.in_flight, max_in_flight);
    if (c.offered > ENGINE_OFFERED_MAX + ENGINE_PARKED_MAX) /* when a halt is lifted */
        sim_fail(&w->verdict, "I9: %u offered", c.offered);
    if (c.waiting > max_waiting)
        sim_fail(&w->verdict, "I9: %u wait in memory", c.waiting);
    if (c.parked > ENGINE_PARKED_MAX + max_waiting) /* a halt takes what waits, too */
        sim_fail(&w->verdict, "I9: %u parked", c.parked);
    if (wal && wal->size > WAL_MAX)
        sim_fail(&w->verdict, "I9: the WAL has %zu bytes", wal->size);
}

/* What all messages may take one after the other, with what the seed drew: at the rate, one commit
 * each, a slow answer each; the producer; the recipient to whom many go. */
static int64_t slowest_us(const struct world *w)
{
    const struct sim_config *c = &w->config;
    int64_t each = c->limit ? 1000000 / c->limit : 0;

    each += SLOW_ANSWER * c->latency_us / c->engine.max_in_flight;
    each += SLOW_COMMIT * (c->commit_us + c->gather_us) / c->batch_max;
    each += PAIR_US * c->hot_share / 10000;
    if (c->is_stream)
        each += c->produce_us / c->produce_lot;
    return TRIES * each * (int64_t)w->options->messages;
}

void rules_on_step(struct world *w)
{
    if (++w->steps % BOUNDS_EACH == 0)
        check_bounds(w);
    if (w->steps > (uint64_t)STEPS_PER_MESSAGE * w->options->messages + STEPS_MIN)
        sim_fail(&w->verdict, "I8: no end after %llu steps", (unsigned long long)w->steps);
    if (w->config.is_calm && w->now_us - w->calm_at_us > CALM_MAX_US + slowest_us(w))
        sim_fail(&w->verdict, "I8: no end although nothing has failed for hours");
}

/* ---- I1, I2: in the end. */

static bool is_final_or_unknown(enum state s)
{
    return state_is_final(s) || s == STATE_UNKNOWN;
}

/* Nothing ever failed: all must be accepted, but for those whose time was over. */
static void judge_calm(struct world *w, unsigned i)
{
    const struct sim_row *row = &w->ledger.rows[i];

    if (w->config.is_calm && w->calm_at_us == 0 && row->state != STATE_ACCEPTED &&
        row->state != STATE_SKIPPED)
        sim_fail(&w->verdict, "I8: nothing failed, and message %u is %s", i,
                 state_name(row->state));
}

static void judge_message(struct world *w, unsigned i)
{
    const struct sim_row *row = &w->ledger.rows[i];
    unsigned accepted = w->accepted[i];

    if (!row->known && rules_is_lost(w, i)) {
        w->result->lost_by_redis++;
        return;
    }
    w->result->unknown += row->state == STATE_UNKNOWN;
    if (!row->known || !is_final_or_unknown(row->state) ||
        (accepted && row->state != STATE_ACCEPTED && row->unknowns == 0) ||
        (!rules_copies(w, i) && row->state == STATE_ACCEPTED)) {
        w->result->lost++;
        sim_fail(&w->verdict, "I1: message %u: on record %s, Graph accepted it %u times", i,
                 row->known ? state_name(row->state) : "nothing", accepted);
    }
    accepted += rules_by_other(w, i);
    if (accepted <= 1)
        return;
    if (w->config.engine.resend_unknown && accepted - 1 <= row->unknowns) {
        w->result->twice_declared++;
        return;
    }
    w->result->twice_undeclared++;
    sim_fail(&w->verdict,
             "I2: message %u: Graph accepted it %u times, %u attempts are on record as unknown", i,
             accepted, row->unknowns);
}

void rules_at_end(struct world *w)
{
    for (unsigned i = 0; i < w->options->messages && !w->verdict.failure[0]; i++) {
        judge_message(w, i);
        if (w->config.has_hooks)
            rules_on_hooks_end(w, i);
        judge_calm(w, i);
    }
    if (w->config.is_stream && !w->verdict.failure[0])
        rules_on_stream_end(w);
}
