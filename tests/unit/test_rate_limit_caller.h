/* SPDX-License-Identifier: MIT
 *
 * test_rate_limit_caller.h: a caller of the limiter on a virtual clock, with jittered ticks, delays
 * on the way to the wire and grants that come back.
 */
#ifndef TEST_RATE_LIMIT_CALLER_H
#define TEST_RATE_LIMIT_CALLER_H

#include "core/rate_limit.h"

#include "base/mem.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
/* After what it needs. */
#include <cmocka.h>

#define SECONDS INT64_C(1000000)

enum { START_US = 5000000, TICK_US = 10000, ON_THE_WAY_MAX = 4096 };

/* ---- A caller on a virtual clock: wakes when the limiter says so, but late, and for events too;
 * some grants take long to the wire, some come back. */

struct caller {
    struct rate_limit_options options;
    int64_t late_us;    /* wake-ups come up to this late */
    int64_t event_us;   /* mean time between events that wake it as well; 0: none */
    int64_t wire_us;    /* a message takes up to this long to the wire */
    unsigned slow_in;   /* one of so many takes up to 300 ms; 0: none */
    unsigned return_in; /* one of so many comes back instead; 0: none */
    unsigned stall_in;  /* one of so many wake-ups comes up to 400 ms late; 0: none */
    bool ticks_alone;   /* comes by in ticks of its own, whatever the limiter says */
    int64_t length_us;  /* of the run */
    uint64_t seed;
};

struct journey {
    int64_t at_us;
    bool returns;
};

struct run {
    const struct caller *c;
    struct rate_limit *r;
    uint64_t seed;
    int64_t now_us;
    struct journey *on_the_way; /* a heap by time would be quicker; this is a test */
    unsigned travelling;
    int64_t *wired; /* times at the wire, ascending */
    size_t count;
    size_t cap;
    size_t wakes; /* that found a grant */
};

static inline int64_t chance(struct run *run, int64_t below)
{
    run->seed = run->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return below > 0 ? (int64_t)(run->seed >> 33) % below : 0;
}

static inline bool one_in(struct run *run, unsigned count)
{
    return count > 0 && chance(run, count) == 0;
}

static inline void put_on_wire(struct run *run, int64_t at_us)
{
    if (run->count == run->cap) {
        run->cap = run->cap ? run->cap * 2 : 4096;
        run->wired = mem_realloc(run->wired, run->cap * sizeof(int64_t));
    }
    rate_limit_wired(run->r, at_us);
    run->wired[run->count++] = at_us;
}

static inline unsigned earliest(const struct run *run)
{
    unsigned first = 0;

    for (unsigned i = 1; i < run->travelling; i++) {
        if (run->on_the_way[i].at_us < run->on_the_way[first].at_us)
            first = i;
    }
    return first;
}

static inline void arrive_until(struct run *run, int64_t until_us)
{
    while (run->travelling > 0) {
        unsigned first = earliest(run);
        struct journey j = run->on_the_way[first];

        if (j.at_us > until_us)
            return;
        run->on_the_way[first] = run->on_the_way[--run->travelling];
        if (j.returns)
            rate_limit_returned(run->r, j.at_us);
        else
            put_on_wire(run, j.at_us);
    }
}

static inline void send_all(struct run *run)
{
    const struct caller *c = run->c;
    unsigned grants = rate_limit_available(run->r, run->now_us);

    run->wakes += grants > 0;
    for (; grants > 0; grants--) {
        int64_t takes_us = chance(run, one_in(run, c->slow_in) ? 300000 : c->wire_us);
        bool returns = one_in(run, c->return_in);

        rate_limit_take(run->r, run->now_us);
        assert_true(run->travelling < ON_THE_WAY_MAX);
        if (takes_us == 0 && !returns)
            put_on_wire(run, run->now_us);
        else
            run->on_the_way[run->travelling++] = (struct journey){run->now_us + takes_us, returns};
    }
}

#endif
