/* SPDX-License-Identifier: MIT
 *
 * sim_ledger.h: the ledger as the simulator models it: what is on disk by message, one commit in
 * flight, and what a crash leaves.
 */
#ifndef SIM_SIM_LEDGER_H
#define SIM_SIM_LEDGER_H

#include "core/record.h"
#include "sim_random.h"

struct sim_row {
    bool known;
    enum state state;
    unsigned attempt; /* the newest intent */
    unsigned tries;
    unsigned unknowns; /* attempts on record as unknown */
    int64_t due_ms;
};

struct sim_ledger {
    struct sim_row *rows; /* by message, on disk */
    unsigned count;
    struct list queued;     /* handed over, not in a commit */
    struct list committing; /* in the commit that is in flight */
    bool is_committing;
    int64_t last_attempt_ms;
};

void sim_ledger_init(struct sim_ledger *l, unsigned messages);
void sim_ledger_free(struct sim_ledger *l);
/* Begins a commit of what is queued; false when there is nothing or one is in flight. */
bool sim_ledger_begin(struct sim_ledger *l);
/* It is on disk: the records with their results, to be given back. */
void sim_ledger_finish(struct sim_ledger *l, struct list *out);
/* The process is gone. The commit in flight may have reached the disk. Returns how many messages
 * were `sending`, unknown now. */
unsigned sim_ledger_crash(struct sim_ledger *l, bool commit_reached_disk);
/* Which message is this? Ids are decimal numbers. */
unsigned sim_ledger_index(const struct message *m);

#endif
