/* SPDX-License-Identifier: MIT
 *
 * histogram.h: quantiles of many values in constant memory: buckets of 1/32 of a power of two, so a
 * quantile is right to about 3 %. Values are whole numbers of any unit (microseconds, mostly).
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 32 * 60 };

struct histogram {
    uint64_t count;
    uint64_t max;
    uint64_t sum;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, int64_t value); /* below 0 counts as 0 */
/* `q` in [0, 1]; 0 when nothing was added. */
int64_t histogram_quantile(const struct histogram *h, double q);
/* How many values are surely not above `value`: those of the bucket that it falls into count only
 * when it is the bucket's largest. */
uint64_t histogram_count_up_to(const struct histogram *h, int64_t value);

#endif
