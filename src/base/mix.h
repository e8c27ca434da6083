/* SPDX-License-Identifier: MIT
 *
 * mix.h: splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
 * For places in tables, jitter and tests; not for what an enemy may guess.
 */
#ifndef BASE_MIX_H
#define BASE_MIX_H

#include <stdint.h>

/* Its finaliser: every bit of the input changes half of the output; 0 stays 0. */
static inline uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* The next of the row that `state` began. */
static inline uint64_t splitmix64(uint64_t *state)
{
    return mix64(*state += UINT64_C(0x9E3779B97F4A7C15));
}

#endif
