/* SPDX-License-Identifier: MIT
 *
 * broadcast_internal.h: what a broadcast's files share.
 *
 *   broadcast.c            the command; sending it by ourselves
 *   broadcast_plan.c       what it is about to do
 *   broadcast_handover.c   handing it over to a daemon
 */
#ifndef COMMANDS_BROADCAST_INTERNAL_H
#define COMMANDS_BROADCAST_INTERNAL_H

#include "commands/broadcast_plan.h"
#include "commands/run.h"

struct broadcast {
    struct run run;
    struct broadcast_flags flags;
    struct broadcast_plan plan;
    struct ledger_broadcast record; /* as the ledger knows it */
    struct ledger_filter waiting;   /* messages of this broadcast that wait in the ledger */
    struct known_rows known;        /* rows of this run whose ids are on record otherwise */
    uint64_t elsewhere;             /* handed over: rows that name another broadcast */
};

/* ---- broadcast.c */

/* The file's second reading, as a dispatch_source's next. */
bool broadcast_next(void *context, struct message **out, struct err *e);
/* Does what is on record allow to go on? EXIT_BAD_DATA, EXIT_WORK_LEFT. */
bool broadcast_check_record(struct broadcast *b, struct err *e) MUST_CHECK;
/* Messages without a final state; a changed file may have fewer than are on record. */
uint64_t broadcast_left(const struct broadcast *b);
/* The same for the operator: as much of it as can be said without reading the rows again. */
struct broadcast_extent broadcast_extent(const struct broadcast *b);
uint64_t broadcast_recorded(const struct broadcast *b);
/* Messages in all: of the file, or on record. */
uint64_t broadcast_expected(const struct broadcast *b);
bool broadcast_is_complete(const struct broadcast *b);
/* Rows whose id the ledger has with other content. */
uint64_t broadcast_refused(const struct broadcast *b);
/* What the file says, and `known`; where the run is `over`, refused rows join the rejects. */
struct report broadcast_report(struct broadcast *b, bool over);

/* ---- broadcast_handover.c */

/* To the daemon (run.handover), and watched. Returns the exit code. */
int broadcast_hand_over(struct broadcast *b);

#endif
