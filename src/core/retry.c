/* SPDX-License-Identifier: MIT */
#include "core/retry.h"

/* base * 2^(tries - 1), at most max; doubling stops before it could overflow. */
static int64_t bound_ms(const struct retry_options *options, unsigned tries)
{
    int64_t bound = options->base_ms;

    for (unsigned i = 1; i < tries && bound < options->max_ms; i++)
        bound *= 2;
    return bound < options->max_ms ? bound : options->max_ms;
}

int64_t retry_delay_ms(const struct retry_options *options, unsigned tries, int64_t retry_after_ms,
                       uint64_t random)
{
    uint64_t choices = (uint64_t)bound_ms(options, tries) + 1;
    int64_t delay = (int64_t)(random % choices);
    int64_t wish = retry_after_ms < RETRY_AFTER_MAX_MS ? retry_after_ms : RETRY_AFTER_MAX_MS;

    return delay > wish ? delay : wish;
}
