/* SPDX-License-Identifier: MIT
 *
 * redis_probe.h: what the user of a connection that is up may not do, of what the daemon will ask
 * (core/redis_rights.h).
 *
 * Model: the questions are written at once, behind what was written before; their replies are the
 * caller's next ones, and given to redis_probe_take in order.
 */
#ifndef IO_REDIS_PROBE_H
#define IO_REDIS_PROBE_H

#include "core/stream.h"
#include "io/redis.h"

enum { REDIS_PROBE_MISSING = 1024 };

struct redis_probe {
    const struct stream_options *options; /* borrowed until the last reply */
    unsigned asked, answered;
    struct buf missing; /* "xack, xadd (tidings:dead)", cut; in `memory`, so do not move it */
    bool is_vital;      /* without what is missing no message can be sent and settled */
    char memory[REDIS_PROBE_MISSING];
};

/* The replies begin within `wait_ms`. */
void redis_probe_ask(struct redis_probe *p, const struct stream_options *options,
                     struct redis *redis, int64_t wait_ms);
/* True: it was the last one. */
bool redis_probe_take(struct redis_probe *p, const struct redis_value *value) MUST_CHECK;
/* For the operator, when something is missing: EXIT_NO_PERMISSION. */
void redis_probe_describe(const struct redis_probe *p, const char *where, struct err *e);

#endif
