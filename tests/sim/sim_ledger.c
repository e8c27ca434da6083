/* SPDX-License-Identifier: MIT */
#include "sim_ledger.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

void sim_ledger_init(struct sim_ledger *l, unsigned messages)
{
    *l = (struct sim_ledger){.count = messages};
    l->rows = mem_alloc(messages * sizeof(struct sim_row));
    list_init(&l->queued);
    list_init(&l->committing);
}

void sim_ledger_free(struct sim_ledger *l)
{
    mem_free(l->rows);
}

unsigned sim_ledger_index(const struct message *m)
{
    return (unsigned)strtoul(m->id, NULL, 10);
}

bool sim_ledger_begin(struct sim_ledger *l)
{
    if (l->is_committing || list_is_empty(&l->queued))
        return false;
    list_splice(&l->committing, &l->queued);
    l->is_committing = true;
    return true;
}

static void look_up(struct record *r, const struct sim_row *row)
{
    r->admission = row->known ? ADMISSION_KNOWN : ADMISSION_NEW;
    r->known = row->state;
}

static void begin_attempt(struct sim_ledger *l, struct sim_row *row, unsigned attempt,
                          int64_t at_ms)
{
    row->state = STATE_SENDING;
    row->attempt = attempt;
    if (at_ms > l->last_attempt_ms)
        l->last_attempt_ms = at_ms;
}

static void admit(struct sim_ledger *l, struct record *r, struct sim_row *row)
{
    look_up(r, row);
    if (row->known)
        return;
    row->known = true;
    r->number = sim_ledger_index(r->message) + 1;
    if (r->intend) {
        begin_attempt(l, row, 1, r->at_ms);
        return;
    }
    row->state = STATE_WAITING;
    row->due_ms = r->due_ms;
}

static void settle(struct record *r, struct sim_row *row)
{
    const struct outcome *o = r->outcome;

    assert(row->known && r->number);
    row->state = o->state;
    row->tries = r->tries;
    row->due_ms = o->next_ms;
    if (o->state == STATE_UNKNOWN) {
        row->unknowns++;
        if (o->next_ms)
            row->state = STATE_WAITING;
    }
}

static void apply(struct sim_ledger *l, struct record *r)
{
    struct sim_row *row = &l->rows[sim_ledger_index(r->message)];

    switch (r->kind) {
    case RECORD_PROBE:
        look_up(r, row);
        break;
    case RECORD_ADMIT:
        admit(l, r, row);
        break;
    case RECORD_INTENT:
        begin_attempt(l, row, r->attempt, r->at_ms);
        break;
    case RECORD_OUTCOME:
        settle(r, row);
        break;
    }
}

static void apply_commit(struct sim_ledger *l)
{
    for (struct list *node = l->committing.next; node != &l->committing; node = node->next)
        apply(l, LIST_ITEM(node, struct record, node));
    l->is_committing = false;
}

void sim_ledger_finish(struct sim_ledger *l, struct list *out)
{
    apply_commit(l);
    list_init(out);
    list_splice(out, &l->committing);
}

unsigned sim_ledger_crash(struct sim_ledger *l, bool commit_reached_disk)
{
    unsigned interrupted = 0;

    if (l->is_committing && commit_reached_disk)
        apply_commit(l);
    l->is_committing = false;
    list_init(&l->queued);
    list_init(&l->committing);
    for (unsigned i = 0; i < l->count; i++) {
        if (l->rows[i].state != STATE_SENDING)
            continue;
        l->rows[i].state = STATE_UNKNOWN;
        l->rows[i].unknowns++;
        interrupted++;
    }
    return interrupted;
}
