/* SPDX-License-Identifier: MIT
 *
 * ledger.h: the durable record of every message, attempt and outcome. One writer.
 *
 * Model: the engine hands over records (core/record.h); the ledger gathers them and commits a batch
 * at a time on a libuv worker thread (synchronous=FULL, one fdatasync a batch): one commit in
 * flight, the next batch gathers meanwhile. Records come back on the loop, in order, once they are
 * on disk. The header speaks of attempts and outcomes, not of SQL: a store shared by several
 * machines may stand behind it one day.
 * Lifetime: ledger_open and ledger_close block. Everything runs on the loop's thread. Callbacks
 * never fire from inside a call. After ledger_close the loop must run once more: a handle ends
 * there.
 * Failure: any error of a commit breaks the ledger for good: on_broken is told once, no further
 * record comes back, and a failed fsync is never tried again.
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "base/err.h"
#include "base/histogram.h"
#include "core/record.h"
#include "core/stream_command.h"

#include <uv.h>

struct ledger;

struct ledger_events {
    void *context;
    /* The records of one commit (struct record.node), on disk now. The list is the callee's. */
    void (*on_recorded)(void *context, struct list *records);
    void (*on_broken)(void *context, const struct err *e);
};

struct ledger_options {
    const char *path;
    const char *holder; /* our command line, for whoever finds the lock taken */
    struct ledger_events events;
};

struct ledger_facts {
    uint64_t id;             /* random, made with the ledger: goes into the opaque ids */
    int64_t last_attempt_ms; /* wall clock: no attempt on record got on the wire later; 0: none */
    uint64_t interrupted;    /* messages found `sending` by this open, now unknown */
};

/* Opens or makes the ledger at `options->path` (its folder too, mode 0700; the file 0600), takes
 * its lock, and turns messages that were `sending` into unknown. A second writer gets
 * EXIT_TRY_LATER and the holder's pid and command; a file that is no ledger, damaged or of a newer
 * version EXIT_LEDGER_IO.
 */
bool ledger_open(uv_loop_t *loop, const struct ledger_options *options, struct ledger **out,
                 struct err *e) MUST_CHECK;
/* Has a process the ledger at `path`? Else what is `sending` in it is not, any more. */
bool ledger_is_held(const char *path);
const struct ledger_facts *ledger_facts(const struct ledger *l);
/* Hands a record over; see core/record.h for who owns what until it comes back. */
void ledger_submit(struct ledger *l, struct record *r);
/* Records and errands handed over that have not come back. */
size_t ledger_pending(const struct ledger *l);
/* Commits what is queued, and what comes until nothing is queued any more, without gathering. */
void ledger_flush(struct ledger *l);
/* How long a commit waits for more records, unless there are hundreds; 5 ms when never set. Each
 * commit costs an fsync and about 100 us of CPU. */
void ledger_gather(struct ledger *l, unsigned ms);
/* Nothing may be pending unless the ledger is broken. Checkpoints (not a broken one), releases the
 * lock, frees. May be called from on_broken. */
void ledger_close(struct ledger *l);

/* How long the last commits took, microseconds, for the operator. */
struct ledger_timing {
    uint64_t commits;
    uint64_t records;
    int64_t last_us;
    int64_t worst_us;
};
struct ledger_timing ledger_timing(const struct ledger *l);
/* Microseconds a commit, since the open. Borrowed until the close. */
const struct histogram *ledger_commit_times(const struct ledger *l);

/* ---- Broadcasts. These, and all below, run on the caller's thread and block, also for the end of
 * a commit that is in flight: made for start-up and the end. `e` must not be NULL. A change that
 * fails breaks the ledger; the caller has the error, on_broken is not told. */

/* Stored: never change a number. From 3 on nothing of it is sent. */
enum broadcast_state {
    BROADCAST_OPEN = 1,
    BROADCAST_COMPLETE = 2,
    BROADCAST_CANCELLED = 3,
    BROADCAST_PAUSED = 4,
};

struct ledger_broadcast {
    uint64_t number; /* 0: not in the ledger */
    enum broadcast_state state;
    unsigned char file_hash[32];  /* SHA-256 of the file it was frozen with */
    unsigned char plan_hash[32];  /* of what else decides ids: template, lang, params, sender */
    int64_t created_ms;           /* put: 0 is now; does not change any more */
    uint64_t counts[STATE_COUNT]; /* its messages by state, now */
};

bool ledger_broadcast_find(struct ledger *l, const char *name, struct ledger_broadcast *out,
                           struct err *e) MUST_CHECK;
/* Makes it, or changes its hashes and state when it exists; a cancelled one stays as it is. */
bool ledger_broadcast_put(struct ledger *l, const char *name, const struct ledger_broadcast *b,
                          struct err *e) MUST_CHECK;

/* ---- Messages in the ledger's custody (state waiting), due or not. */

struct waiting {
    struct message *message; /* returned: free with message_free */
    uint64_t number;
    unsigned attempt; /* the last one made; 0: none */
    unsigned tries;   /* attempts that counted */
    int64_t due_ms;   /* wall clock */
    enum reason reason;
};

struct ledger_filter; /* ledger/ledger_query.h */

struct waiting_filter {
    const struct ledger_filter
        *match;        /* labels, broadcast, to, id; the rest is ignored; NULL: all */
    uint64_t after;    /* message numbers above this one */
    int64_t due_by_ms; /* only those due by then; 0: all */
};

struct waiting_page {
    struct waiting *items; /* the caller's, room for `max` */
    size_t max;
    size_t count; /* result */
};

/* Up to `page->max` waiting messages in ascending order of number. */
bool ledger_waiting(struct ledger *l, const struct waiting_filter *filter,
                    struct waiting_page *page, struct err *e) MUST_CHECK;

/* What went to recipients since `since_ms`, for the pair limit: calls back for each attempt, in
 * the order of their outcomes. */
typedef void (*ledger_attempt_fn)(void *context, const struct past_attempt *attempt);
bool ledger_recent_attempts(struct ledger *l, int64_t since_ms, ledger_attempt_fn on_attempt,
                            void *context, struct err *e) MUST_CHECK;

/* Is this id known, with which state and content? For `send` and tests; by full id. */
bool ledger_find(struct ledger *l, const char *id, bool *found, enum state *state,
                 struct err *e) MUST_CHECK;

/* Opens failed messages again (`retry`), or unknown ones where the filter's `states` say so: those
 * it lets through become waiting, due now, with their tries at 0. Nothing else is opened, and
 * nothing of a cancelled broadcast. `count`: how many. */
bool ledger_reopen(struct ledger *l, const struct ledger_filter *filter, uint64_t *count,
                   struct err *e) MUST_CHECK;

/* ---- The stream (core/stream.h), the operator's holds. */

enum { LEDGER_CONSUMERS_MAX = 64, LEDGER_CONSUMER_SIZE = 201 };
struct ledger_consumers {
    char names[LEDGER_CONSUMERS_MAX][LEDGER_CONSUMER_SIZE];
    size_t count;
};
/* Names under which this ledger has read a stream, the newest first. */
bool ledger_consumers(struct ledger *l, struct ledger_consumers *out, struct err *e) MUST_CHECK;
/* From now on a stream is read under this name. What its source does not hold is told through the
 * outbox (ledger_errand.h), and so it is by every later run on this ledger. */
bool ledger_stream_begin(struct ledger *l, const char *consumer, struct err *e) MUST_CHECK;

/* Since when the operator holds everything (wall clock), 0: not. */
bool ledger_held(struct ledger *l, int64_t *since_ms, struct err *e) MUST_CHECK;
/* Entries of the streams up to these, by lane, are cancelled; 0-0: none. */
bool ledger_given_up(struct ledger *l, struct stream_id upto[LANE_COUNT], struct err *e) MUST_CHECK;
typedef void (*ledger_name_fn)(void *context, const char *name);
/* The broadcasts in that state. */
bool ledger_broadcasts(struct ledger *l, enum broadcast_state state, ledger_name_fn on_name,
                       void *context, struct err *e) MUST_CHECK;
/* Messages by state, all of the ledger, as of the last commit that came back. */
void ledger_totals(const struct ledger *l, uint64_t totals[STATE_COUNT]);

#endif
