/* SPDX-License-Identifier: MIT
 *
 * store.h: the writer's side of the ledger, without a loop and without threads: records in, rows
 * out. ledger.c runs it on a worker, a batch at a time.
 *
 * Model: a batch is store_begin, store_apply for each record in order, store_commit. What a later
 * record of a batch asks, it sees of the earlier ones. The tally and the marks ride with the batch.
 * Lifetime: one thread at a time; the caller sees to that.
 * Failure: after any error of a batch the store must only be closed, unsound.
 */
#ifndef LEDGER_STORE_H
#define LEDGER_STORE_H

#include "ledger/ledger.h"

struct store;

/* Opens or makes the file; settles what a former run left `sending` before it returns. The caller
 * has the lock. `run_size` is key_index.h's. Returned: free with store_close. */
bool store_open(const char *path, size_t run_size, struct store **out, struct err *e) MUST_CHECK;
void store_close(struct store *s, bool sound);
const struct ledger_facts *store_facts(const struct store *s);

bool store_begin(struct store *s, struct err *e) MUST_CHECK;
bool store_apply(struct store *s, struct record *r, struct err *e) MUST_CHECK;
bool store_commit(struct store *s, struct err *e) MUST_CHECK;

/* Has the WAL grown enough for a checkpoint? */
bool store_wants_checkpoint(const struct store *s);
bool store_checkpoint(struct store *s, struct err *e) MUST_CHECK;

/* ---- The rest is ledger.h's, by the same names (store_custody.c). */

bool store_broadcast_find(struct store *s, const char *name, struct ledger_broadcast *out,
                          struct err *e) MUST_CHECK;
bool store_broadcast_put(struct store *s, const char *name, const struct ledger_broadcast *b,
                         struct err *e) MUST_CHECK;
bool store_waiting(struct store *s, const struct waiting_filter *filter, struct waiting_page *page,
                   struct err *e) MUST_CHECK;
struct broadcast_visitor {
    ledger_name_fn on_name;
    void *context;
};
struct attempt_visitor {
    ledger_attempt_fn on_attempt;
    void *context;
};
bool store_recent_attempts(struct store *s, int64_t since_ms, const struct attempt_visitor *visitor,
                           struct err *e) MUST_CHECK;
bool store_find(struct store *s, const char *id, bool *found, enum state *state,
                struct err *e) MUST_CHECK;
bool store_stream_begin(struct store *s, const char *consumer, struct err *e) MUST_CHECK;
bool store_consumers(struct store *s, struct ledger_consumers *out, struct err *e) MUST_CHECK;
/* When the operator's hold began; 0: none. */
bool store_held(struct store *s, int64_t *since_ms, struct err *e) MUST_CHECK;
/* Up to which entries of the streams were given up. */
bool store_given_up(struct store *s, struct stream_id upto[LANE_COUNT], struct err *e) MUST_CHECK;
/* The names of broadcasts in that state. */
bool store_broadcasts(struct store *s, enum broadcast_state state,
                      const struct broadcast_visitor *visitor, struct err *e) MUST_CHECK;
void store_totals(const struct store *s, uint64_t totals[STATE_COUNT]);
bool store_reopen(struct store *s, const struct ledger_filter *filter, uint64_t *count,
                  struct err *e) MUST_CHECK;

#endif
