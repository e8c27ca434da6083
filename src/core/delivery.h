/* SPDX-License-Identifier: MIT
 *
 * delivery.h: a message on its way through the engine: its stages and the moves between them.
 * For the engine's own files and their tests.
 *
 *                  known, reused, stopped ───────────────────────▶ GONE
 *                  ╱                                              ▲  ▲
 *   OFFERED ─▶ ADMITTING ─▶ READY ─▶ STARTED ─▶ WIRED ─▶ SETTLING ┘  │
 *     │ ▲          │          ╰─────────┴──────────────▶  │          │ (drain, stopped broadcast:
 *     ▼ │          ▼                                      ▼          │  it waits in the ledger;
 *   PROBING      WAITING ◀────────────────────────────────┘ ─────────┤  overtaken: no more)
 *                  │  ▲                                              │
 *                  ▼  │ (halt over)                                  │
 *              INTENDING ─▶ READY                                    │
 *                  └─────────────────────────────────────────────────┘
 *   PARKED: held by a halt of its sender or template, from OFFERED or WAITING, and back
 *
 * A delivery waits in OFFERED (for its turn to be admitted), READY (for the rate), WAITING (for its
 * time) and PARKED (for the operator). PROBING, ADMITTING, INTENDING and SETTLING are with the
 * ledger, STARTED and WIRED with the client; they come back by themselves.
 *
 * Forbidden, and what would break: OFFERED -> STARTED (a request without an intent on disk: a crash
 * would send it twice); WIRED -> READY (sent again without a record that says why); SETTLING ->
 * STARTED (the new attempt's intent is not on disk); READY -> GONE (an intent without an outcome
 * looks like a message that may have been sent).
 */
#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "core/graph_payload.h"
#include "core/graph_request.h"
#include "core/record.h"

enum stage {
    STAGE_OFFERED,
    STAGE_PROBING,
    STAGE_ADMITTING,
    STAGE_WAITING,
    STAGE_INTENDING,
    STAGE_READY,
    STAGE_STARTED,
    STAGE_WIRED,
    STAGE_SETTLING,
    STAGE_PARKED,
    STAGE_GONE,
};
enum { STAGE_COUNT = STAGE_GONE + 1 };

struct lane;

struct delivery {
    struct list node;     /* on the list of its stage */
    struct heap_node due; /* WAITING: key is the monotonic time in us */
    enum stage stage;
    bool in_custody;         /* the ledger holds it as waiting */
    bool probed;             /* looked up, and not known */
    bool taken_over;         /* another worker may have sent it */
    bool given_up;           /* cancelled before it was admitted: it is skipped */
    bool resumed;            /* its intent is one of a message that was in custody */
    struct message *message; /* taken */
    void *ref;               /* the source's */
    struct lane *lane;       /* its sender's */
    uint64_t number;         /* the ledger's */
    unsigned attempt;        /* the newest */
    unsigned tries;          /* attempts that counted */
    int64_t next_us;         /* outcome.next_ms by the clock that is not set (monotonic) */
    int64_t turn_us;        /* when its turn is, as foreseen when its intent was made (monotonic) */
    unsigned misses;        /* tries that were surely not sent or throttled, for the backoff */
    struct record record;   /* what is with the ledger */
    struct outcome outcome; /* of the newest attempt */
    struct graph_request request;
    struct buf body; /* request.body */
};

/* May a delivery go from `from` to `to`? */
bool stage_may_move(enum stage from, enum stage to);

#endif
