/* SPDX-License-Identifier: MIT
 *
 * rate_limit.h: the pace of one sender (one business phone number).
 *
 * Model: time is monotonic microseconds, given by the caller. Two bounds hold together:
 *   - pace: a bucket that is filled in ticks and holds at most 2.5 of them, so that sends are
 *     spread evenly, and what a stall lost comes back only a little at a time. Between ticks
 *     nothing is added: waking costs more than the work, and events wake the caller all the time;
 *   - window: at the wire no sliding second, made longer by the guard, holds more than `limit`
 *     messages. It remembers what was wired in steps of half a millisecond, and forgets a step when
 *     all of it is out of the window. Messages that were granted but are not on the wire yet (their
 *     connection is in the making) count as if they would get there now; rate_limit_wired puts them
 *     into the window at the true time. So the bound holds at every moment, whatever the delays.
 *
 * The guard is for arrivals, which jitter even when sending does not: what is held up on its way by
 * D comes into a second of the receiver that is D longer at the wire. So the guard makes the window
 * longer (1 %: 1.0101 s), and no second of the receiver is above the rate as long as nothing is
 * held up for more than that, in whatever bursts a stall of our own makes us send.
 *
 * The numbers: the limit is the configured rate in whole messages: rounded down where that costs at
 * most 1 % (80.7 -> 80), else up (1.5 -> 2: the pace alone keeps the rest there). The pace is the
 * configured rate less the guard. A lap of ticks carries `limit` messages, in what the pace allows
 * them but at least the window and 1 ms (2 ms with a guard of 1 % or more): then each message comes
 * just after its predecessor of one lap before has left the window, and the window need not hold
 * back what the pace lets through, or only a little after a late wake-up. So of 1,000/s 999 are
 * reached without a guard, 988 with 1 %.
 *
 * A second in which throttles (130429) come back cuts the pace once, to 70 %; the next one with
 * throttles cuts it again, down to one message a second. Without further ones it climbs back to
 * full, in a straight line, in 10 s. An unlimited sender has no bounds until a throttle comes: then
 * its pace is cut to 70 % of what the last second held, climbs back to that in 10 s, and is lifted.
 *
 * The limiter spends grants: today from this local bucket, one day leased from a shared one.
 * Cost: constant for each call, amortised; 64 KB a limiter.
 * Failure: none; all arithmetic saturates. Time that runs backward counts as standing still.
 */
#ifndef CORE_RATE_LIMIT_H
#define CORE_RATE_LIMIT_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct rate_limit;

enum { RATE_UNLIMITED = 0 };

struct rate_limit_options {
    double per_second;    /* RATE_UNLIMITED, or 1 to 1,000,000 */
    double guard_percent; /* 0 to 50: kept off the rate */
    int64_t tick_us;      /* grants become available this often, or as often as the rate has one */
    int64_t ramp_us;      /* from the first grant the pace climbs from a tenth to full in this time;
                           * 0: full at once */
};

/* Returned: free with rate_limit_free. `now_us` starts the clock. */
struct rate_limit *rate_limit_new(const struct rate_limit_options *options, int64_t now_us);
void rate_limit_free(struct rate_limit *r);
/* A reload changes the numbers and keeps the window. */
void rate_limit_configure(struct rate_limit *r, const struct rate_limit_options *options,
                          int64_t now_us);

/* How long what reached the wire counts: a second, and what the guard adds. */
int64_t rate_limit_window_us(const struct rate_limit_options *options);

/* How many messages may be given to the wire now; 0 when none, UINT_MAX when unlimited. */
unsigned rate_limit_available(struct rate_limit *r, int64_t now_us);
/* Takes one grant; there must be one available. */
void rate_limit_take(struct rate_limit *r, int64_t now_us);
/* A granted message reached the wire. */
void rate_limit_wired(struct rate_limit *r, int64_t now_us);
/* A granted message will never reach the wire: its grant comes back. */
void rate_limit_returned(struct rate_limit *r, int64_t now_us);
/* Graph answered 130429 (or another ACTION_SLOW_SENDER). */
void rate_limit_throttled(struct rate_limit *r, int64_t now_us);
/* When the next grant becomes available: `now_us` if there is one, else later; INT64_MAX if only
 * rate_limit_wired or _returned can bring one. */
int64_t rate_limit_next_us(struct rate_limit *r, int64_t now_us);

/* For the operator: allowed a second now (with guard, cut and ramp; 0 when unlimited). */
double rate_limit_allowed(struct rate_limit *r, int64_t now_us);
/* Reached the wire in the last full second. Costs a step of the window for each half millisecond of
 * the guard. */
unsigned rate_limit_actual(struct rate_limit *r, int64_t now_us);

#endif
