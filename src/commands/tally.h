/* SPDX-License-Identifier: MIT
 *
 * tally.h: what happened in this run, counted: the ground of progress and report.
 */
#ifndef COMMANDS_TALLY_H
#define COMMANDS_TALLY_H

#include "base/histogram.h"
#include "core/engine.h"

enum { TALLY_CODES_MAX = 64 };
struct tally_code {
    int code; /* 0 in the last place: others */
    uint64_t count;
};

struct tally {
    uint64_t before[STATE_COUNT]; /* by state, when the run began */
    uint64_t states[STATE_COUNT]; /* reached in this run, final ones and unknown */
    uint64_t taken_up;            /* waiting ones of before that this run went on with */
    uint64_t known;               /* rows whose id was known already */
    uint64_t reused;              /* ids with other content */
    uint64_t wired;               /* requests that reached the wire */
    uint64_t expected;            /* messages in all, 0: not known */
    uint64_t overlap;             /* so many of them may be counted twice: before, and as rows */
    uint64_t unanswered;          /* requests that left, or may have, and were not answered */
    uint64_t unsent;              /* attempts that surely did not leave: connection, DNS, TLS */
    int64_t began_us;             /* monotonic */
    int64_t first_accepted_us;    /* 0: none yet */
    int64_t last_accepted_us;
    struct histogram latency;                 /* microseconds, of answered requests */
    struct histogram lateness;                /* microseconds behind its turn */
    struct tally_code codes[TALLY_CODES_MAX]; /* Graph's errors; the last one takes all others */
    size_t code_count;
};

/* Is it a final state, or unknown? Else the message is tried again. */
bool tally_counts(const struct outcome *o);
void tally_settled(struct tally *t, const struct engine_view *view, int64_t now_us);
/* `o`: what the answer means. */
void tally_answer(struct tally *t, const struct exchange *x, const struct outcome *o);
/* What somebody else sends: its counts by state, as they are now, instead of single outcomes. The
 * first call says what was before; `before` stays. */
void tally_take(struct tally *t, const uint64_t counts[STATE_COUNT], int64_t now_us);
/* Messages in that state: before and in this run. */
uint64_t tally_total(const struct tally *t, enum state s);
/* Messages in all, less the rows that turned out to be known; never less than are done. */
uint64_t tally_expected(const struct tally *t);
/* Messages with a final state or unknown. */
uint64_t tally_done(const struct tally *t);
/* Accepted a second, between the first and the last; 0: too few for it. */
double tally_rate(const struct tally *t);
/* The same of a run that took so long: where its first and last are not most of it, over all of
 * it. */
double tally_achieved(const struct tally *t, int64_t took_us);

#endif
