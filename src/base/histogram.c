/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

/* A value's bucket: its power of two and the five bits that follow the highest. Up to 63 a bucket
 * holds one value. */
enum { SUB_BITS = 5, SUB_COUNT = 1 << SUB_BITS };

static unsigned bucket_of(uint64_t value)
{
    unsigned shift;

    if (value < SUB_COUNT)
        return (unsigned)value;
    shift = 63 - SUB_BITS - (unsigned)__builtin_clzll(value);
    return (shift + 1) * SUB_COUNT + (unsigned)((value >> shift) & (SUB_COUNT - 1));
}

/* The largest value of a bucket: a quantile is never reported too small. */
static uint64_t bucket_end(unsigned bucket)
{
    unsigned shift;

    if (bucket < SUB_COUNT)
        return bucket;
    shift = bucket / SUB_COUNT - 1;
    return (((uint64_t)SUB_COUNT + bucket % SUB_COUNT + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, int64_t value)
{
    uint64_t v = value > 0 ? (uint64_t)value : 0;

    h->buckets[bucket_of(v)]++;
    h->count++;
    h->sum += v;
    if (v > h->max)
        h->max = v;
}

int64_t histogram_quantile(const struct histogram *h, double q)
{
    double wanted = q * (double)h->count;
    uint64_t seen = 0;

    if (h->count == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && (double)seen >= wanted)
            return (int64_t)(bucket_end(i) < h->max ? bucket_end(i) : h->max);
    }
    return (int64_t)h->max;
}

uint64_t histogram_count_up_to(const struct histogram *h, int64_t value)
{
    uint64_t seen = 0;

    if (value < 0)
        return 0;
    if ((uint64_t)value >= h->max)
        return h->count;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && bucket_end(i) <= (uint64_t)value; i++)
        seen += h->buckets[i];
    return seen;
}
