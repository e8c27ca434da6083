/* SPDX-License-Identifier: MIT
 *
 * sim_rules_hooks.c: I10: what webhooks said is on record before they are answered, and stays.
 */
#include "sim_world_internal.h"

enum { DEEP_OF_10000 = 10 };

static void judge_fact(struct world *w, const struct sim_fact *f)
{
    const struct sim_row *row = &w->ledger.rows[f->index];

    if (f->kind != FACT_OURS)
        return;
    if (row->state != STATE_ACCEPTED && row->state != STATE_SENDING)
        sim_fail(&w->verdict, "I10: \"%s\" of message %u is answered with 200; it is %s",
                 webhook_status_name(f->status), f->index, state_name(row->state));
    else if (row->told.status < f->status || !row->told.at_ms[f->status])
        sim_fail(&w->verdict, "I10: \"%s\" of message %u is answered with 200, not on record",
                 webhook_status_name(f->status), f->index);
    else if (!sim_ledger_is_durable(&w->ledger, f->index, world_chance(w, DEEP_OF_10000)))
        sim_fail(&w->verdict,
                 "I10: \"%s\" of message %u is answered with 200; a power cut now would lose it",
                 webhook_status_name(f->status), f->index);
}

void rules_on_heard(struct world *w, const struct sim_post *post)
{
    for (unsigned i = 0; i < post->count; i++)
        judge_fact(w, &post->facts[i]);
}

/* What Meta has said and we have taken is settled; what it never said is not on record. The mirror,
 * to which the record was compared, is not asked for what was said. */
void rules_on_hooks_end(struct world *w, unsigned index)
{
    const struct sim_row *row = &w->ledger.rows[index];
    const struct sim_truth *t = &w->hooks.truth[index];

    if (t->heard && row->state != STATE_ACCEPTED)
        sim_fail(&w->verdict, "I10: webhooks told of message %u; it is %s", index,
                 state_name(row->state));
    if (row->told.status < t->last)
        sim_fail(&w->verdict, "I10: message %u is \"%s\", and was \"%s\"", index,
                 webhook_status_name(row->told.status), webhook_status_name(t->last));
    for (int s = 1; s < WEBHOOK_STATUS_COUNT; s++)
        if (row->told.at_ms[s] && !(t->said >> s & 1) && !t->is_foreign)
            sim_fail(&w->verdict, "I10: Meta never said \"%s\" of message %u",
                     webhook_status_name((enum webhook_status)s), index);
}

unsigned rules_copies(const struct world *w, unsigned index)
{
    return w->accepted[index] + (w->config.has_hooks && w->hooks.truth[index].is_foreign);
}
