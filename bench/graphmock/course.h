/* SPDX-License-Identifier: MIT
 *
 * course.h: what becomes of one accepted message: which statuses, when they are reported, and how
 * well. Pure: the same rules, times and random state give the same course.
 *
 * Model: `sent`, then `failed`, or `delivered` and perhaps `read`, each a delay after the one
 * before. `stamp_us` is when it happened, `at_us` when it is reported; never earlier.
 */
#ifndef GRAPHMOCK_COURSE_H
#define GRAPHMOCK_COURSE_H

#include "latency.h"
#include "status_rules.h"

enum status { STATUS_SENT, STATUS_DELIVERED, STATUS_READ, STATUS_FAILED };
enum opaque_fault { OPAQUE_WHOLE, OPAQUE_CUT, OPAQUE_MISSING };
enum { COURSE_STEPS = 3, COURSE_MAX = 2 * COURSE_STEPS };

struct report {
    int64_t at_us, stamp_us;
    enum status status;
    enum opaque_fault opaque;
};

struct course {
    struct report reports[COURSE_MAX]; /* by at_us */
    size_t count;
    size_t lost; /* statuses that are never reported */
};

/* When the send came, and when its answer goes (or would go). */
struct course_times {
    int64_t arrived_us, answered_us;
};

struct course course_draw(const struct status_rules *rules, const struct latency *delay,
                          const struct course_times *times, struct random *random);

#endif
