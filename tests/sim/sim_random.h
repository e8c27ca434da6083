/* SPDX-License-Identifier: MIT
 *
 * sim_random.h: the one source of chance in a simulation: splitmix64 from a seed.
 */
#ifndef SIM_SIM_RANDOM_H
#define SIM_SIM_RANDOM_H

#include "base/mix.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_random_next(struct sim_random *r)
{
    return splitmix64(&r->state);
}

/* In [0, below). */
static inline uint64_t sim_random_below(struct sim_random *r, uint64_t below)
{
    return below ? sim_random_next(r) % below : 0;
}

static inline bool sim_random_chance(struct sim_random *r, unsigned of_10000)
{
    return sim_random_below(r, 10000) < of_10000;
}

#endif
