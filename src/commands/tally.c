/* SPDX-License-Identifier: MIT */
#include "commands/tally.h"

bool tally_counts(const struct outcome *o)
{
    return o->state != STATE_WAITING && !o->next_ms;
}

void tally_settled(struct tally *t, const struct engine_view *view, int64_t now_us)
{
    const struct outcome *o = view->outcome;

    if (!tally_counts(o))
        return;
    t->states[o->state]++;
    if (o->state != STATE_ACCEPTED)
        return;
    if (!t->first_accepted_us)
        t->first_accepted_us = now_us;
    t->last_accepted_us = now_us;
}

/* Those that have no place of their own share the last one. */
static void count_code(struct tally *t, int code)
{
    size_t i = 0;

    while (i < t->code_count && t->codes[i].code != code)
        i++;
    if (i >= TALLY_CODES_MAX - 1) {
        i = TALLY_CODES_MAX - 1;
        code = 0;
    }
    if (i >= t->code_count)
        t->code_count = i + 1;
    t->codes[i].code = code;
    t->codes[i].count++;
}

void tally_answer(struct tally *t, const struct exchange *x, const struct outcome *o)
{
    if (o->code)
        count_code(t, o->code);
    if (x->http_status)
        histogram_add(&t->latency, x->latency_us);
    else if (x->wired)
        t->unanswered++;
    else
        t->unsent++;
}

void tally_take(struct tally *t, const uint64_t counts[STATE_COUNT], int64_t now_us)
{
    uint64_t accepted = t->states[STATE_ACCEPTED];

    for (enum state s = STATE_ACCEPTED; s <= STATE_SKIPPED; s++) {
        if (!t->began_us || counts[s] < t->before[s])
            t->before[s] = counts[s];
        t->states[s] = counts[s] - t->before[s];
    }
    if (!t->began_us)
        t->began_us = now_us;
    if (!accepted) /* the last moment without one */
        t->first_accepted_us = t->last_accepted_us ? t->last_accepted_us : now_us;
    if (!t->states[STATE_ACCEPTED] || t->states[STATE_ACCEPTED] != accepted)
        t->last_accepted_us = now_us;
}

uint64_t tally_total(const struct tally *t, enum state s)
{
    return t->before[s] + t->states[s];
}

uint64_t tally_done(const struct tally *t)
{
    return tally_total(t, STATE_ACCEPTED) + tally_total(t, STATE_FAILED) +
           tally_total(t, STATE_UNKNOWN) + tally_total(t, STATE_SKIPPED);
}

uint64_t tally_expected(const struct tally *t)
{
    uint64_t known = t->known + t->reused;
    uint64_t expected = t->expected - (known < t->overlap ? known : t->overlap);
    uint64_t done = tally_done(t);

    if (!t->expected)
        return 0;
    return expected > done ? expected : done;
}

double tally_rate(const struct tally *t)
{
    int64_t span_us = t->last_accepted_us - t->first_accepted_us;

    if (span_us <= 0 || t->states[STATE_ACCEPTED] < 2)
        return 0;
    return (double)(t->states[STATE_ACCEPTED] - 1) * 1e6 / (double)span_us;
}

double tally_achieved(const struct tally *t, int64_t took_us)
{
    int64_t span_us = t->last_accepted_us - t->first_accepted_us;

    if (took_us <= 0 || 2 * span_us >= took_us)
        return tally_rate(t);
    return (double)t->states[STATE_ACCEPTED] * 1e6 / (double)took_us;
}
