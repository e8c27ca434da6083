/* SPDX-License-Identifier: MIT
 *
 * tally.h: what happened in this run, counted: the ground of progress and report.
 */
#ifndef COMMANDS_TALLY_H
#define COMMANDS_TALLY_H

#include "base/histogram.h"
#include "core/engine.h"

struct tally {
    uint64_t before[STATE_COUNT]; /* by state, when the run began */
    uint64_t states[STATE_COUNT]; /* reached in this run, final ones and unknown */
    uint64_t taken_up;            /* waiting ones of before that this run went on with */
    uint64_t known;               /* rows whose id was known already */
    uint64_t reused;              /* ids with other content */
    uint64_t wired;               /* requests that reached the wire */
    uint64_t expected;            /* messages in all, 0: not known */
    uint64_t unanswered;
    int64_t began_us;          /* monotonic */
    int64_t first_accepted_us; /* 0: none yet */
    int64_t last_accepted_us;
    struct histogram latency; /* microseconds, of answered requests */
};

void tally_settled(struct tally *t, const struct engine_view *view, int64_t now_us);
void tally_answer(struct tally *t, const struct exchange *x);
/* Messages in that state: before and in this run. */
uint64_t tally_total(const struct tally *t, enum state s);
/* Messages with a final state or unknown. */
uint64_t tally_done(const struct tally *t);
/* Accepted a second, between the first and the last. */
double tally_rate(const struct tally *t);

#endif
