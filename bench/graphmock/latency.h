/* SPDX-License-Identifier: MIT
 *
 * latency.h: how long Graph takes to answer.
 *
 * Model: a distribution of milliseconds: "300" (always), "200-400" (uniform) or
 * "lognormal:MEDIAN:SIGMA" (SIGMA is the standard deviation of the logarithm; 0.3 means that two
 * thirds lie between MEDIAN / 1.35 and MEDIAN * 1.35, and one in 1,000 above MEDIAN * 2.5).
 */
#ifndef GRAPHMOCK_LATENCY_H
#define GRAPHMOCK_LATENCY_H

#include "base/err.h"
#include "random.h"

enum latency_kind { LATENCY_NONE, LATENCY_UNIFORM, LATENCY_LOGNORMAL };

struct latency {
    enum latency_kind kind;
    double low_us, high_us; /* LATENCY_UNIFORM */
    double median_us;       /* LATENCY_LOGNORMAL */
    double sigma;
};

bool latency_parse(const char *text, struct latency *out, struct err *e) MUST_CHECK;
int64_t latency_draw_us(const struct latency *latency, struct random *random);

#endif
