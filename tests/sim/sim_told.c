/* SPDX-License-Identifier: MIT */
#include "sim_told.h"

bool sim_told_applies(const struct sim_fact *f, enum state state)
{
    return f->kind == FACT_OURS || (f->kind == FACT_FOREIGN && state == STATE_UNKNOWN);
}

static void take_time(struct sim_told_row *t, const struct sim_fact *f)
{
    int64_t *at_ms = &t->at_ms[f->status];
    bool is_undelivered = f->status == WEBHOOK_UNDELIVERED;

    if (is_undelivered && (!*at_ms || f->at_ms < *at_ms))
        t->code = f->code;
    else if (is_undelivered && f->at_ms == *at_ms && f->code < t->code)
        t->code = f->code;
    if (!*at_ms || f->at_ms < *at_ms)
        *at_ms = f->at_ms;
}

enum state sim_told_take(struct sim_told_row *t, const struct sim_fact *f, enum state state)
{
    sim_told_answer(t, f->kind == FACT_FOREIGN ? 0 : f->attempt);
    if (f->status > t->status)
        t->status = f->status;
    take_time(t, f);
    if (state == STATE_SENDING) {
        t->is_kept = true;
        return state;
    }
    t->by_webhook |= state != STATE_ACCEPTED;
    return STATE_ACCEPTED;
}

void sim_told_answer(struct sim_told_row *t, unsigned attempt)
{
    unsigned i = 0;

    while (i < t->wamid_count && t->wamids[i] != attempt)
        i++;
    if (i == t->wamid_count && i < SIM_WAMIDS)
        t->wamids[t->wamid_count++] = (unsigned short)attempt;
}

unsigned sim_told_twins(const struct sim_told_row *t)
{
    return t->wamid_count ? t->wamid_count - 1 : 0;
}

bool sim_told_is(const struct sim_told_row *t, const struct ledger_delivery *found)
{
    for (int s = 1; s < WEBHOOK_STATUS_COUNT; s++)
        if (t->at_ms[s] != found->at_ms[s])
            return false;
    return t->status == found->status && t->code == found->code;
}
