/* SPDX-License-Identifier: MIT
 *
 * retry.h: when to try again: exponential backoff with full jitter (uniform between 0 and the
 * bound), never before Retry-After.
 */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include "base/attr.h"

#include <stdint.h>

struct retry_options {
    unsigned max_attempts; /* 1 to 100 */
    int64_t base_ms;       /* the bound of the first wait */
    int64_t max_ms;        /* the bound of any wait */
};

enum { RETRY_AFTER_MAX_MS = 3600000 }; /* a wish for more than an hour is an hour */

/* How long to wait after `tries` tries (1: the first one just failed). `random` is 64 fresh random
 * bits; `retry_after_ms` the server's wish, -1 when it had none. */
int64_t retry_delay_ms(const struct retry_options *options, unsigned tries, int64_t retry_after_ms,
                       uint64_t random);

#endif
