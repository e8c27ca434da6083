/* SPDX-License-Identifier: MIT
 *
 * sim_ledger.h: the product's ledger (src/ledger/store.h) on the modelled disk, and beside it a
 * mirror: what must be on record, by message, kept by the simplest means.
 *
 * Model: ledger.c's worker is an event of the world: records queue, a batch of them is committed
 * at a time, and comes back; errands (ledger_errand.h, which the linker leads here) run behind
 * them, in the same commit. Whatever the ledger says is compared with the mirror: what it answers
 * to a record, what it holds after a crash (all of the commit that was under way, or nothing), its
 * tallies. A row of the mirror knows the commit that wrote it; `durable` is the last commit after
 * which no byte of the files was missing on the platter.
 * Failure: a disk that dies or fails is no failure of the run: sim_ledger_commit, _checkpoint and
 * _open return false, and the world goes on from there. A ledger that fails without a reason is.
 */
#ifndef SIM_SIM_LEDGER_H
#define SIM_SIM_LEDGER_H

#include "core/record.h"
#include "ledger/ledger_errand.h"
#include "ledger/store.h"
#include "sim_disk.h"
#include "sim_post.h"
#include "sim_source.h"
#include "sim_told.h"
#include "sim_verdict.h"

struct sim_row {
    bool known;
    bool was_waiting; /* once: in the ledger's custody */
    unsigned variant; /* whose content was admitted */
    enum state state;
    unsigned attempt; /* the newest intent */
    unsigned tries;
    unsigned unknowns; /* attempts on record as unknown */
    int64_t due_ms;
    int64_t intent_ms; /* of the newest intent */
    struct sim_told_row told;
    uint64_t commit; /* that changed it last */
};

/* What a commit that is not known to be on disk has changed in the mirror. */
struct sim_change {
    unsigned index;
    struct sim_row before;
};

struct sim_ledger {
    const struct sim_config *config;
    struct sim_verdict *verdict;
    struct sim_disk disk;
    struct store *store; /* NULL: closed */
    struct sim_row *rows;
    unsigned count;
    struct list queued;
    struct list batch;
    struct list errands; /* queued: they run after the next batch's records */
    struct list running;
    struct sim_post *posting; /* whose body the receiver reads now */
    struct list posts;        /* those that are errands, in their order */
    uint64_t settled, twins;  /* messages, by webhooks */
    size_t queued_count;
    size_t batch_count;
    bool is_busy; /* a commit or a checkpoint is under way */
    bool is_broken;
    struct sim_change *changes;
    size_t change_count;
    size_t change_cap;
    uint64_t commits;
    uint64_t durable;
    uint64_t verified;    /* commits up to here were compared with the store after an open */
    unsigned interrupted; /* messages that the last open found `sending` */
};

void sim_ledger_init(struct sim_ledger *l, const struct sim_config *config,
                     struct sim_verdict *verdict, uint64_t seed, unsigned messages);
void sim_ledger_free(struct sim_ledger *l);

/* False: the disk died or failed; l->store is NULL. */
bool sim_ledger_open(struct sim_ledger *l);
void sim_ledger_close(struct sim_ledger *l, bool sound);

/* The row is about to change, in the commit that is under way. */
void sim_ledger_note(struct sim_ledger *l, unsigned index);
/* An errand has run, or failed: what webhooks made of the mirror. */
void sim_ledger_mirror_post(struct sim_ledger *l, struct ledger_errand *errand, bool sound);

void sim_ledger_submit(struct sim_ledger *l, struct record *r);
/* Takes the next batch; false when there is nothing to do or something is under way. */
bool sim_ledger_begin(struct sim_ledger *l);
/* Commits it: the records with their results. False: broken. */
bool sim_ledger_commit(struct sim_ledger *l, struct list *out);
/* The errands of the commit come back. */
void sim_ledger_tell_errands(struct sim_ledger *l);
/* The ledger is told as `struct ledger`, which only this looks into. */
struct ledger *sim_ledger_handle(struct sim_ledger *l);
void __wrap_ledger_run_errand(struct ledger *handle, struct ledger_errand *errand,
                              bool (*work)(struct store *s, struct ledger_errand *errand,
                                           struct err *e));
/* What webhooks say is put on record through here, and belongs to l->posting. */
void __wrap_ledger_put_statuses(struct ledger *handle, struct ledger_statuses *statuses);
/* The post's errand is over, or it never will be. */
void sim_ledger_take_back(struct sim_post *post);
/* Nothing waits, and nothing is under way. */
bool sim_ledger_is_idle(const struct sim_ledger *l);
bool sim_ledger_checkpoint(struct sim_ledger *l);

/* Is what the mirror says of the message on the platter? `deep`: looks for it in a ledger opened
 * from what a power cut would leave now. */
bool sim_ledger_is_durable(struct sim_ledger *l, unsigned index, bool deep);
/* Of the broadcast's messages, by the ledger's own tally. */
uint64_t sim_ledger_waiting_count(struct sim_ledger *l);
/* Compares everything that is on record with the mirror, at the end of a run. */
void sim_ledger_check_all(struct sim_ledger *l);

#endif
