/* SPDX-License-Identifier: MIT
 *
 * metrics.h: writing Prometheus' text format (version 0.0.4).
 *
 * Model: a family is announced once (metrics_family: HELP, TYPE), its samples follow. Names and
 * labels are the caller's literals; the values of labels and the help are escaped here. Durations
 * are written in seconds.
 * Failure: none but the buffer's (buf_ok).
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"
#include "base/histogram.h"

#include <stdint.h>

/* What the answer of GET /metrics says it is. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* One family; the samples that follow belong to it. */
struct metrics {
    struct buf *out;
    const char *name;
};

/* A label of a sample; the name may be NULL: none. */
struct metric_label {
    const char *name;
    const char *value;
};

void metrics_family(struct metrics *m, enum metric_type type, const char *name, const char *help);
void metrics_count(const struct metrics *m, struct metric_label label, uint64_t value);
void metrics_value(const struct metrics *m, struct metric_label label, double value);
/* `h` holds microseconds; NULL is an empty one. `bounds`: seconds, ascending. A bucket of the
 * histogram belongs to the first bound that its largest value does not pass. */
void metrics_histogram(const struct metrics *m, const double *bounds, size_t count,
                       const struct histogram *h);

#endif
