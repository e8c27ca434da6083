/* SPDX-License-Identifier: MIT
 *
 * health.h: can Graph be reached, and does it answer? What an outage costs is decided here.
 *
 * Model: three conditions, each narrower than the one before lets through:
 *   - stalled: many requests are on the wire and none was answered for far longer than usual: no
 *     new sends until one is (so that a brown-out does not fill every slot before its timeouts
 *     tell);
 *   - brown-out: in the last 10 s more than 20 requests ended and half of all ended without an
 *     answer: one message at a time, until one is answered;
 *   - unreachable: 10 connection failures in a row: one probe at a time, with backoff, until one
 *     reaches the wire.
 * How long Graph was not there is counted from the first of an unbroken row of connection failures,
 * however few they are. As long as they are few only the next one shows that it still is not: a
 * time in which nothing was tried is no outage.
 * A plain value; time is monotonic microseconds.
 */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include "core/retry.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HEALTH_MISSES_MAX = 10,    /* connection failures in a row that stop new sends */
    HEALTH_WINDOW_S = 10,      /* what the brown-out looks at */
    HEALTH_SILENT_MIN = 20,    /* more than this many endings */
    HEALTH_STALL_ON_WIRE = 20, /* more than this many on the wire */
    HEALTH_STALL_MIN_US = 1000000,
    HEALTH_STALL_FACTOR = 4, /* times the usual latency */
};

struct health {
    unsigned misses; /* connection failures in a row: nothing got through between them */
    int64_t first_miss_us;
    int64_t last_miss_us;
    bool unreachable;
    bool brown_out;
    unsigned probes;                  /* of this outage */
    int64_t probe_at_us;              /* unreachable: when the next one may go */
    int64_t since_us;                 /* of the outage; 0: none */
    int64_t heard_us;                 /* the last answer, or the first request after idle */
    int64_t latency_us;               /* smoothed */
    unsigned ended[HEALTH_WINDOW_S];  /* endings by second, a ring */
    unsigned silent[HEALTH_WINDOW_S]; /* those without an answer */
    int64_t second;                   /* of the newest entry */
};

/* What an ending changed. */
enum health_change { HEALTH_SAME, HEALTH_LOST, HEALTH_BACK };

/* A request ended: answered (any answer), silent (wired, no answer), or missed (not sent). */
enum health_change health_answered(struct health *h, int64_t latency_us, int64_t now_us);
enum health_change health_silent(struct health *h, int64_t now_us);
enum health_change health_missed(struct health *h, int64_t now_us, uint64_t random);
/* A request reached the wire, with which `on_wire` are there: the network is there. */
enum health_change health_wired(struct health *h, unsigned on_wire, int64_t now_us);
/* How many requests may be in flight now. UINT_MAX: health does not limit. */
unsigned health_allows(const struct health *h, unsigned on_wire, int64_t now_us);
/* How long nothing could be reached or answered; 0: it can. */
int64_t health_gone_for_us(const struct health *h, int64_t now_us);
/* When health will allow more by itself; INT64_MAX: only an event can tell. */
int64_t health_next_us(const struct health *h, int64_t now_us);

#endif
