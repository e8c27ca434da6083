/* SPDX-License-Identifier: MIT
 *
 * holds.h: what the operator holds: everything (`pause`, the kill switch), or single broadcasts
 * (`pause NAME`, `cancel NAME`). On record in the ledger, so that it survives a restart, and in
 * force in the engine from the moment of the call.
 *
 * Lifetime: `done` of a call comes on the loop, never from inside the call, when it is on disk; it
 * does not come when the ledger breaks. One a dispatch.
 */
#ifndef COMMANDS_HOLDS_H
#define COMMANDS_HOLDS_H

#include "base/list.h"
#include "base/map.h"
#include "commands/dispatch.h"
#include "ledger/ledger_errand.h"

struct holds {
    struct dispatch *dispatch;
    bool enabled;           /* the kill switch is not thrown */
    int64_t paused_ms;      /* wall clock, since when everything is held; 0: it is not */
    bool is_held;           /* the engine is */
    struct list cancelling; /* cancellations of single broadcasts that are on their way */
    struct map *cancelled;  /* hashes of cancelled broadcasts -> nothing */
    unsigned busy;          /* calls whose `done` has not come */
    unsigned cancellations; /* so far: what was read from the ledger before one is old */
    uint64_t skipped;       /* messages that they skipped, so far */
};

/* What is said beside the answer of what is not known: a mistyped name, or one of the future. */
#define HOLDS_UNKNOWN "(no broadcast of this name was on record)"

struct holds_result {
    uint64_t count; /* what cancel cancelled, else 0 */
    bool is_known;  /* everything, or a broadcast that the ledger has heard of */
};
/* `result` is borrowed during the call. */
typedef void (*holds_done_fn)(void *context, const struct holds_result *result);
struct holds_done {
    holds_done_fn fn; /* may be NULL */
    void *context;
};

/* Reads what is held from the ledger, and holds it. The engine must be there. */
bool holds_begin(struct holds *o, struct dispatch *d, bool enabled, struct err *e) MUST_CHECK;
void holds_end(struct holds *o);
/* The kill switch: false holds everything, whatever the operator says. */
void holds_enable(struct holds *o, bool enabled);

/* `broadcast` is copied; NULL: everything. */
void holds_pause(struct holds *o, const char *broadcast, struct holds_done done);
/* Everything: halts that wait for a person end, too. */
void holds_resume(struct holds *o, const char *broadcast, struct holds_done done);
/* What waits is skipped for good; what is in flight is finished. NULL: all that waits now. */
void holds_cancel(struct holds *o, const char *broadcast, struct holds_done done);
bool holds_is_cancelled(const struct holds *o, const char *broadcast);
/* A message of that broadcast has become waiting: cancelled, where the broadcast is. */
void holds_on_waiting(struct holds *o, const struct message *m);
/* Nothing of the operator's is on its way to disk. */
bool holds_is_idle(const struct holds *o);

#endif
