/* SPDX-License-Identifier: MIT
 *
 * record.h: what the engine asks the ledger to make durable: the port between the two.
 *
 * Model: a record is filled by the engine, handed to the ledger, and comes back once it is on disk
 * (fsynced), with its result. Records come back in the order in which they were handed over.
 *   PROBE    look the message's id up and say what is known; nothing is stored.
 *   ADMIT    look the message's id up. Not known: store it, either with the intent of attempt 1
 *            (`intend`) or as waiting until `due_ms`. Known: say so and store nothing.
 *   INTENT   attempt `attempt` of message `number` is about to start.
 *   OUTCOME  what became of that attempt (waiting, accepted, failed, unknown), or that the message
 *            was skipped by rule. An unknown outcome with next_ms > 0 will be sent again then
 *            (retry.ambiguous = resend): the message is waiting, the attempt stays unknown.
 * Lifetime: the record and what it points to are borrowed until it comes back; nobody else touches
 * them meanwhile (a worker thread reads and fills them).
 * Failure: there is none by record. A ledger that cannot write is broken as a whole: the engine is
 * told once (engine_on_ledger_broken), and no record comes back any more.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "base/list.h"
#include "core/message.h"
#include "core/outcome.h"

enum record_kind { RECORD_PROBE, RECORD_ADMIT, RECORD_INTENT, RECORD_OUTCOME };

enum admission {
    ADMISSION_NEW,
    ADMISSION_KNOWN,  /* same id, same content: `known` says what is known of it */
    ADMISSION_REUSED, /* same id, other content: rejected */
};

/* The highest number of an attempt: 16 bits of the opaque id, and of a key in the ledger. Those
 * that use nothing up have numbers, too; in an outage of weeks a message may have that many. */
enum { RECORD_ATTEMPT_MAX = 65535 };

/* What the ledger tells of an attempt of before this run: its request got on the wire between the
 * two times, if it did. Wall clock. */
struct past_attempt {
    uint64_t pair_hash;
    int64_t intended_ms;
    int64_t settled_ms; /* its outcome was on record */
};

struct record {
    struct list node; /* the ledger's while it has the record */
    enum record_kind kind;
    const struct message *message; /* borrowed; not NULL */
    uint64_t number;               /* the ledger's number of the message; ADMIT: result */
    unsigned attempt; /* INTENT, OUTCOME: from 1. A skip without an attempt has a number
                       * that no attempt has: 0, or one above the last */
    int64_t at_ms;    /* wall clock */
    bool intend;      /* ADMIT: with the intent of attempt 1 */
    int64_t due_ms;   /* ADMIT without `intend`: when it is due */
    const struct outcome *outcome; /* OUTCOME: borrowed */
    unsigned tries;                /* OUTCOME: attempts that counted so far, for the waiting row */
    enum admission admission;      /* PROBE, ADMIT: result */
    enum state known;              /* PROBE, ADMIT: result, the known message's state */
    unsigned known_attempt;        /* the same: its newest attempt */
    int64_t known_at_ms;           /* the same: of its last change */
    bool elsewhere; /* PROBE, ADMIT: result: the known message is of another broadcast, or of none,
                     * than the one that came */
    /* INTENT: result: the message waits no more (cancelled, or settled by a webhook): nothing was
     * stored, it is not to be sent. OUTCOME: result: a webhook had settled the message already,
     * which would else wait to be sent again; or it was finished while it waited, and is skipped
     * too late: nothing was stored. */
    bool overtaken;
    /* PROBE, ADMIT: gets the known message's newest outcome; NULL: not wanted. */
    struct outcome *found;
};

#endif
