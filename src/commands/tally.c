/* SPDX-License-Identifier: MIT */
#include "commands/tally.h"

void tally_settled(struct tally *t, const struct engine_view *view, int64_t now_us)
{
    const struct outcome *o = view->outcome;

    if (o->state == STATE_WAITING || o->next_ms)
        return;
    t->states[o->state]++;
    if (o->state != STATE_ACCEPTED)
        return;
    if (!t->first_accepted_us)
        t->first_accepted_us = now_us;
    t->last_accepted_us = now_us;
}

void tally_answer(struct tally *t, const struct exchange *x)
{
    if (x->http_status)
        histogram_add(&t->latency, x->latency_us);
    else
        t->unanswered++;
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

double tally_rate(const struct tally *t)
{
    int64_t span_us = t->last_accepted_us - t->first_accepted_us;

    if (span_us <= 0 || t->states[STATE_ACCEPTED] < 2)
        return 0;
    return (double)(t->states[STATE_ACCEPTED] - 1) * 1e6 / (double)span_us;
}
