/* SPDX-License-Identifier: MIT
 *
 * engine_internal.h: what the engine's files share. Included by engine*.c only.
 *
 *   engine.c          life and death of the engine, what sources and operators call
 *   engine_custody.c  messages in the ledger's custody, and broadcasts that are stopped
 *   engine_turn.c     what is due: admit, intend, start, pull
 *   engine_record.c   what came back from the ledger
 *   engine_answer.c   what came back from Graph
 */
#ifndef CORE_ENGINE_INTERNAL_H
#define CORE_ENGINE_INTERNAL_H

#include "base/map.h"
#include "core/delivery.h"
#include "core/engine.h"
#include "core/health.h"
#include "core/mismatch.h"
#include "core/pair_limit.h"

/* One sender: its pace, and the deliveries whose intent is on disk. */
struct lane {
    char sender[MESSAGE_SENDER_MAX + 1];
    struct rate_limit *rate;
    struct list ready; /* STAGE_READY, first in first out */
    unsigned ahead;    /* ADMITTING, INTENDING and READY: intents on disk or on their way */
    unsigned resumed;  /* of these, the ones that come from the ledger's custody */
    uint64_t throttles;
};

struct engine {
    struct engine_options options;
    struct engine_ports ports;
    struct lane lanes[ENGINE_SENDERS_MAX];
    unsigned lane_count;
    struct pair_limit *pairs;
    struct halts halts;
    struct health health;
    struct mismatches mismatches;
    struct list offered;     /* STAGE_OFFERED */
    struct list parked;      /* STAGE_PARKED */
    struct list with_ledger; /* PROBING, ADMITTING, INTENDING, SETTLING */
    struct list with_client; /* STARTED, WIRED */
    struct list spare;       /* deliveries to be used again */
    struct heap waiting;     /* STAGE_WAITING by due time */
    struct map *held;        /* numbers of the deliveries that are in custody -> nothing */
    struct map *stopped;     /* hashes of the broadcasts that are stopped -> nothing */
    bool all_stopped;        /* every broadcast is, and what belongs to none */
    unsigned stage_counts[STAGE_COUNT];
    unsigned pulled; /* asked of the source and not offered yet */
    bool source_ended;
    bool draining;
    bool broken;            /* the ledger is */
    bool skipping;          /* the source's messages are known ones: look up before admitting */
    unsigned known_in_row;  /* admissions that were known, without a new one between */
    int64_t quiet_until_us; /* nothing starts before; 0: a turn came after it */
    struct moment now;      /* of the call that runs */
    uint64_t throttles;
    uint64_t retries;
    uint64_t attempts;
};

/* ---- engine.c */

/* In its sender's lane, and in no stage yet. `message` is taken. */
struct delivery *delivery_new(struct engine *e, struct message *message, void *ref);
/* The only function that changes a stage: checks the move, takes the delivery off its list, puts it
 * on the new one. */
void delivery_move(struct engine *e, struct delivery *d, enum stage to);
/* Into WAITING, until `due_us`: a new one, or one that was in another stage. */
void delivery_enter_waiting(struct engine *e, struct delivery *d, int64_t due_us);
void delivery_wait(struct engine *e, struct delivery *d, int64_t due_us);
/* Fills its record and moves it to `stage`, where it is with the ledger; the caller hands it over.
 */
void delivery_prepare_record(struct engine *e, struct delivery *d, enum record_kind kind,
                             enum stage stage);
/* Out of memory; what is recorded stays. */
void delivery_drop(struct engine *e, struct delivery *d);
struct engine_view delivery_view(const struct delivery *d);
void engine_raise(struct engine *e, const struct halt *halt);
/* Parked deliveries that no halt covers any more go back where they came from. */
void engine_unpark(struct engine *e);
unsigned engine_in_flight(const struct engine *e);

/* ---- engine_custody.c */

/* The ledger holds it as waiting, or not any more. */
void delivery_enter_custody(struct engine *e, struct delivery *d);
void delivery_leave_custody(struct engine *e, struct delivery *d);
/* Is the message's broadcast stopped? */
bool engine_is_stopped(const struct engine *e, const struct message *m);

/* ---- engine_answer.c */

/* Hands the delivery's outcome to the ledger. */
void delivery_settle(struct engine *e, struct delivery *d);
/* The outcome `waiting` for a request that surely did not start or leave; due at once or later. */
void delivery_take_back(struct engine *e, struct delivery *d, enum reason reason, int64_t due_us);
/* It is not to go out: it has expired, or was given up. */
bool delivery_is_over(const struct engine *e, const struct delivery *d);
void delivery_skip(struct engine *e, struct delivery *d);
/* No number is left for one more attempt (RECORD_ATTEMPT_MAX). */
void delivery_fail(struct engine *e, struct delivery *d);

/* ---- engine_turn.c */

/* Takes back every READY delivery that may not start any more (halt, drain). */
void engine_take_back_ready(struct engine *e);
int64_t wall_to_mono_us(const struct engine *e, int64_t wall_ms);
int64_t mono_to_wall_ms(const struct engine *e, int64_t mono_us);

#endif
