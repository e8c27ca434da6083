/* SPDX-License-Identifier: MIT
 *
 * engine_answer.c: what came back from Graph, and what it means for the message, its sender, its
 * recipient, and everybody else.
 *
 * Happy path: the request passes the point of no return (wired): from here the rate counts it. The
 * answer is read and judged; the outcome goes to the ledger (settle); what follows happens when it
 * comes back from there.
 * Failure modes:
 *   - refused: by the table of error_policy: failed, tried again later, or a halt;
 *   - surely not sent: waits for its next try, uses no attempt up; many in a row are an outage;
 *   - no usable answer: unknown; many at once are a brown-out.
 */
#include "core/engine_internal.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    HOLD_SENDER_MS = 60 * 1000,        /* 131057: the throughput upgrade takes up to a minute */
    HOLD_TEMPLATE_MS = 10 * 60 * 1000, /* 134101: up to ten minutes of syncing */
    RETRY_ONCE_TRIES = 2,
};

void delivery_settle(struct engine *e, struct delivery *d)
{
    d->next_us = wall_to_mono_us(e, d->outcome.next_ms);
    delivery_prepare_record(e, d, RECORD_OUTCOME, STAGE_SETTLING);
    e->ports.record(e->ports.world, &d->record);
}

static void set_outcome(struct delivery *d, enum state state, enum reason reason)
{
    d->outcome = (struct outcome){.state = state, .reason = reason};
}

void delivery_take_back(struct engine *e, struct delivery *d, enum reason reason, int64_t due_us)
{
    set_outcome(d, STATE_WAITING, reason);
    d->outcome.next_ms = mono_to_wall_ms(e, due_us);
    delivery_settle(e, d);
}

bool delivery_is_over(const struct engine *e, const struct delivery *d)
{
    int64_t expires_at_ms = d->message->expires_at_ms;

    return d->given_up || (expires_at_ms && expires_at_ms <= e->now.wall_ms);
}

/* Skipped without an attempt, under a number that no attempt has; or the one whose intent it was.
 */
void delivery_skip(struct engine *e, struct delivery *d)
{
    if (d->stage == STAGE_WAITING && d->attempt > 0)
        d->attempt++;
    set_outcome(d, STATE_SKIPPED, d->given_up ? REASON_CANCELLED : REASON_EXPIRED);
    delivery_settle(e, d);
}

void delivery_fail(struct engine *e, struct delivery *d)
{
    set_outcome(d, STATE_FAILED, REASON_ATTEMPTS_USED);
    (void)snprintf(d->outcome.title, sizeof(d->outcome.title),
                   "%u attempts were made, most of them surely not sent", d->attempt); /* fits */
    delivery_settle(e, d);
}

/* ---- Times of the next try. */

static int64_t backoff_ms(struct engine *e, unsigned tries, const struct exchange *x)
{
    return retry_delay_ms(&e->options.retry, tries, x->retry_after_ms,
                          e->ports.random(e->ports.world));
}

static void wait_ms(struct engine *e, struct delivery *d, int64_t delay_ms)
{
    d->outcome.state = STATE_WAITING;
    d->outcome.next_ms = e->now.wall_ms + delay_ms;
}

/* A try that used nothing up: throttled, or surely not sent. */
static void wait_for_free(struct engine *e, struct delivery *d, const struct exchange *x)
{
    d->misses++;
    wait_ms(e, d, backoff_ms(e, d->misses, x));
}

/* ---- Halts that an answer raises. */

struct stop {
    enum halt_kind kind;
    int64_t for_ms; /* 0: until somebody did something about it */
};

static const struct stop stops[ACTION_COUNT] = {
    [ACTION_FAIL_MISMATCH] = {HALT_TEMPLATE, 0},
    [ACTION_HOLD_SENDER] = {HALT_SENDER, HOLD_SENDER_MS},
    [ACTION_HOLD_TEMPLATE] = {HALT_TEMPLATE, HOLD_TEMPLATE_MS},
    [ACTION_HALT_TOKEN] = {HALT_TOKEN, 0},
    [ACTION_HALT_ACCOUNT] = {HALT_ACCOUNT, 0},
    [ACTION_HALT_SENDER] = {HALT_SENDER, 0},
    [ACTION_HALT_TEMPLATE] = {HALT_TEMPLATE, 0},
    [ACTION_NOT_FOR_SENDS] = {HALT_SENDER, 0},
};

static void describe_halt(const struct delivery *d, struct halt *halt)
{
    const struct message *m = d->message;

    if (halt->kind == HALT_SENDER)
        (void)snprintf(halt->what, sizeof(halt->what), "sender %s", m->sender);
    else if (halt->kind == HALT_TEMPLATE)
        (void)snprintf(halt->what, sizeof(halt->what), "template %.100s (%s)", m->template_name,
                       m->lang);
    else
        (void)snprintf(halt->what, sizeof(halt->what), "everything"); /* cut names still name it */
}

static void raise_for(struct engine *e, const struct delivery *d, const struct stop *stop,
                      const char *hint)
{
    struct halt halt = {
        .kind = stop->kind,
        .subject = halt_subject(stop->kind, d->message),
        .code = d->outcome.code,
        .since_ms = e->now.wall_ms,
        .until_us = stop->for_ms ? e->now.mono_us + stop->for_ms * 1000 : INT64_MAX,
    };

    describe_halt(d, &halt);
    text_copy(halt.hint, sizeof(halt.hint), hint, strlen(hint));
    engine_raise(e, &halt);
}

/* The message waits, and is due when the halt is over. */
static void wait_for_halt(struct engine *e, struct delivery *d, const struct judgement *j)
{
    const struct stop *stop = &stops[j->action];

    wait_ms(e, d, stop->for_ms);
    raise_for(e, d, stop, j->rule->hint);
}

/* ---- What a refusal does. */

/* The row is bad; many in a row: the template is, and the rest waits. */
static void fail_mismatch(struct engine *e, struct delivery *d, const struct judgement *j)
{
    d->outcome.state = STATE_FAILED;
    if (mismatch_refused(&e->mismatches, halt_subject(HALT_TEMPLATE, d->message)))
        raise_for(e, d, &stops[j->action], j->rule->hint);
}

static void retry_or_fail(struct engine *e, struct delivery *d, const struct exchange *x,
                          unsigned max_tries)
{
    if (d->tries < max_tries) {
        wait_ms(e, d, backoff_ms(e, d->tries, x));
        return;
    }
    d->outcome.state = STATE_FAILED;
    d->outcome.reason = REASON_ATTEMPTS_USED;
}

static void slow_pair(struct engine *e, struct delivery *d)
{
    int64_t until_us = pair_limit_refused(e->pairs, d->message->pair_hash, e->now.mono_us);

    d->outcome.state = STATE_WAITING;
    d->outcome.next_ms = mono_to_wall_ms(e, until_us);
}

static void slow_sender(struct engine *e, struct delivery *d, const struct exchange *x)
{
    e->throttles++;
    d->lane->throttles++;
    rate_limit_throttled(d->lane->rate, e->now.mono_us);
    wait_for_free(e, d, x);
}

static bool action_counts(enum action action)
{
    switch (action) {
    case ACTION_FAIL:
    case ACTION_FAIL_SUPPRESS:
    case ACTION_FAIL_MISMATCH:
    case ACTION_DEFER:
    case ACTION_RETRY:
    case ACTION_RETRY_ONCE:
    case ACTION_UNKNOWN:
        return true;
    case ACTION_SLOW_SENDER:
    case ACTION_SLOW_PAIR:
    case ACTION_HOLD_SENDER:
    case ACTION_HOLD_TEMPLATE:
    case ACTION_HALT_TOKEN:
    case ACTION_HALT_ACCOUNT:
    case ACTION_HALT_SENDER:
    case ACTION_HALT_TEMPLATE:
    case ACTION_NOT_FOR_SENDS:
        return false;
    }
    return true;
}

static unsigned max_tries(const struct engine *e, enum action action)
{
    unsigned configured = e->options.retry.max_attempts;

    if (action == ACTION_RETRY_ONCE && configured > RETRY_ONCE_TRIES)
        return RETRY_ONCE_TRIES;
    return configured;
}

static void conclude_refusal(struct engine *e, struct delivery *d, const struct exchange *x,
                             const struct judgement *j)
{
    switch (j->action) {
    case ACTION_FAIL:
    case ACTION_FAIL_SUPPRESS:
    case ACTION_DEFER:
    case ACTION_UNKNOWN: /* the judge never leaves this one to us */
        d->outcome.state = STATE_FAILED;
        break;
    case ACTION_FAIL_MISMATCH:
        fail_mismatch(e, d, j);
        break;
    case ACTION_RETRY:
    case ACTION_RETRY_ONCE:
        retry_or_fail(e, d, x, max_tries(e, j->action));
        break;
    case ACTION_SLOW_SENDER:
        slow_sender(e, d, x);
        break;
    case ACTION_SLOW_PAIR:
        slow_pair(e, d);
        break;
    case ACTION_HOLD_SENDER:
    case ACTION_HOLD_TEMPLATE:
    case ACTION_HALT_TOKEN:
    case ACTION_HALT_ACCOUNT:
    case ACTION_HALT_SENDER:
    case ACTION_HALT_TEMPLATE:
    case ACTION_NOT_FOR_SENDS:
        wait_for_halt(e, d, j);
        break;
    }
}

/* Unknown for good, unless the user chose to send such messages again. */
static void conclude_unknown(struct engine *e, struct delivery *d, const struct exchange *x)
{
    d->outcome.state = STATE_UNKNOWN;
    if (e->options.resend_unknown && d->tries < e->options.retry.max_attempts)
        d->outcome.next_ms = e->now.wall_ms + backoff_ms(e, d->tries, x);
}

static void conclude(struct engine *e, struct delivery *d, const struct exchange *x,
                     const struct judgement *j)
{
    d->outcome.counts = j->verdict != VERDICT_NOT_SENT &&
                        (j->verdict != VERDICT_REFUSED || action_counts(j->action));
    if (d->outcome.counts)
        d->tries++;
    switch (j->verdict) {
    case VERDICT_ACCEPTED:
        d->outcome.state = STATE_ACCEPTED;
        mismatch_accepted(&e->mismatches, halt_subject(HALT_TEMPLATE, d->message));
        break;
    case VERDICT_REFUSED:
        conclude_refusal(e, d, x, j);
        break;
    case VERDICT_UNKNOWN:
        conclude_unknown(e, d, x);
        break;
    case VERDICT_NOT_SENT:
        wait_for_free(e, d, x);
        break;
    }
}

/* ---- Facts into the outcome. */

static void copy_facts(struct outcome *o, const struct exchange *x, const struct graph_reply *reply)
{
    o->code = reply->kind == REPLY_ERROR ? reply->error.code : 0;
    o->http_status = x->http_status;
    o->latency_us = x->latency_us;
    memcpy(o->wamid, reply->wamid, sizeof(o->wamid));
    memcpy(o->title, reply->title, sizeof(o->title));
    memcpy(o->details, reply->details, sizeof(o->details));
    memcpy(o->trace, reply->trace, sizeof(o->trace));
    if (!o->title[0] && reply->kind != REPLY_ACCEPTED && x->error)
        text_copy(o->title, sizeof(o->title), x->error, strlen(x->error));
}

/* ---- Is Graph there? */

static void tell_network(struct engine *e, enum health_change change)
{
    struct halt halt = {
        .kind = HALT_NETWORK,
        .since_ms = e->now.wall_ms,
        .until_us = INT64_MAX,
        .what = "everything",
        .hint = "Graph cannot be reached or does not answer: one message at a time is tried until "
                "it does; nothing is lost",
    };

    if (change == HEALTH_SAME)
        return;
    e->ports.on_halt(e->ports.world, &halt, change == HEALTH_LOST);
    if (change == HEALTH_LOST)
        engine_take_back_ready(e);
}

/* An answer that says nothing counts as none: a wrong api_base, or an edge without Graph behind it,
 * costs a few unknown messages, not all of them. */
static enum health_change learn_health(struct engine *e, const struct exchange *x,
                                       const struct judgement *j)
{
    int64_t now_us = e->now.mono_us;

    if (j->verdict == VERDICT_NOT_SENT)
        return health_missed(&e->health, now_us, e->ports.random(e->ports.world));
    if (x->http_status == 0 || j->reason == REASON_BAD_ANSWER)
        return health_silent(&e->health, now_us);
    return health_answered(&e->health, x->latency_us, now_us);
}

static void give_grants_back(struct engine *e, struct delivery *d)
{
    rate_limit_returned(d->lane->rate, e->now.mono_us);
    pair_limit_returned(e->pairs, d->message->pair_hash, e->now.mono_us);
}

void engine_on_wired(struct engine *e, struct graph_request *request, struct moment now)
{
    struct delivery *d = request->owner;

    e->now = now;
    delivery_move(e, d, STAGE_WIRED);
    rate_limit_wired(d->lane->rate, now.mono_us);
    tell_network(e, health_wired(&e->health, e->stage_counts[STAGE_WIRED], now.mono_us));
}

void engine_on_answer(struct engine *e, struct graph_request *request, const struct exchange *x,
                      struct moment now)
{
    struct delivery *d = request->owner;
    struct engine_view view;
    struct graph_reply reply;
    struct judgement j;

    e->now = now;
    assert(x->wired == (d->stage == STAGE_WIRED));
    graph_reply_read(x, &reply);
    j = graph_reply_judge(x, &reply);
    if (!x->wired)
        give_grants_back(e, d);
    set_outcome(d, STATE_UNKNOWN, j.reason);
    copy_facts(&d->outcome, x, &reply);
    conclude(e, d, x, &j);
    view = delivery_view(d);
    e->ports.on_answer(e->ports.world, &view, x, &j);
    delivery_settle(e, d);
    tell_network(e, learn_health(e, x, &j));
}
