/* SPDX-License-Identifier: MIT */
#include "latency.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LATENCY_MAX_MS = 3600000, PART_SIZE = 32 };

/* Splits "a<separator>b" into two texts. */
static bool split(const char *text, char separator, char a[PART_SIZE], char b[PART_SIZE])
{
    const char *found = strchr(text, separator);

    if (!found || found - text >= PART_SIZE || strlen(found + 1) >= PART_SIZE)
        return false;
    (void)snprintf(a, PART_SIZE, "%.*s", (int)(found - text), text);
    (void)snprintf(b, PART_SIZE, "%s", found + 1);
    return true;
}

static bool parse_lognormal(const char *text, struct latency *out)
{
    char median[PART_SIZE], sigma[PART_SIZE];
    double ms;

    if (!split(text, ':', median, sigma) || !text_to_double(median, 0.001, LATENCY_MAX_MS, &ms) ||
        !text_to_double(sigma, 0, 5, &out->sigma))
        return false;
    out->kind = LATENCY_LOGNORMAL;
    out->median_us = ms * 1000;
    return true;
}

static bool parse_uniform(const char *text, struct latency *out)
{
    char low[PART_SIZE], high[PART_SIZE];
    double low_ms, high_ms;

    if (split(text, '-', low, high)) {
        if (!text_to_double(low, 0, LATENCY_MAX_MS, &low_ms) ||
            !text_to_double(high, low_ms, LATENCY_MAX_MS, &high_ms))
            return false;
    } else {
        if (!text_to_double(text, 0, LATENCY_MAX_MS, &low_ms))
            return false;
        high_ms = low_ms;
    }
    *out = (struct latency){
        .kind = LATENCY_UNIFORM, .low_us = low_ms * 1000, .high_us = high_ms * 1000};
    return true;
}

bool latency_parse(const char *text, struct latency *out, struct err *e)
{
    static const char prefix[] = "lognormal:";
    bool is_lognormal = strncmp(text, prefix, sizeof(prefix) - 1) == 0;

    if (is_lognormal ? parse_lognormal(text + sizeof(prefix) - 1, out) : parse_uniform(text, out))
        return true;
    return err_set(e, EXIT_USAGE,
                   "'%s' is no distribution of milliseconds; allowed are '300', "
                   "'200-400' and 'lognormal:MEDIAN:SIGMA'",
                   text);
}

/* A normally distributed number, by Box and Muller. */
static double draw_normal(struct random *random)
{
    double u = 1.0 - random_to_unit(random_next(random)); /* never 0: it has a logarithm */
    double v = random_to_unit(random_next(random));

    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

int64_t latency_draw_us(const struct latency *latency, struct random *random)
{
    double us;

    if (latency->kind == LATENCY_NONE)
        return 0;
    if (latency->kind == LATENCY_UNIFORM)
        us = latency->low_us +
             (latency->high_us - latency->low_us) * random_to_unit(random_next(random));
    else
        us = latency->median_us * exp(latency->sigma * draw_normal(random));
    return us < (double)LATENCY_MAX_MS * 1000.0 ? (int64_t)us : (int64_t)LATENCY_MAX_MS * 1000;
}
