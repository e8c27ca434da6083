/* SPDX-License-Identifier: MIT
 *
 * random.h: random numbers that the same seed gives again, in the same order (splitmix64).
 */
#ifndef GRAPHMOCK_RANDOM_H
#define GRAPHMOCK_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t random_next(struct random *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    return random_mix(r->state);
}

/* 64 bits as a number in [0, 1). */
static inline double random_to_unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1.0p-53;
}

#endif
