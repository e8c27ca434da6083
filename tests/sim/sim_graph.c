/* SPDX-License-Identifier: MIT */
#include "sim_graph.h"

#include "base/attr.h"

static const char *const names[FATE_COUNT] = {
    [FATE_ACCEPT] = "accepted",
    [FATE_NOT_SENT] = "not sent",
    [FATE_LOST_REQUEST] = "request lost",
    [FATE_LOST_ANSWER] = "answer lost",
    [FATE_CUT_ANSWER] = "answer cut",
    [FATE_HTML] = "502 without an error object",
    [FATE_REFUSE] = "refused",
    [FATE_UNSURE] = "131000",
    [FATE_ACCEPT_AND_FAIL] = "accepted beside a transport error",
};

const char *fate_name(enum fate fate)
{
    return names[fate];
}

void sim_faults_draw(struct sim_faults *f, struct sim_random *r)
{
    static const unsigned strengths[] = {0, 0, 5, 50, 500};

    *f = (struct sim_faults){.latency_us = 1000 + (int64_t)sim_random_below(r, 600000)};
    for (int fate = FATE_ACCEPT + 1; fate < FATE_COUNT; fate++)
        f->weight[fate] = strengths[sim_random_below(r, ARRAY_SIZE(strengths))];
}

enum fate sim_faults_next(const struct sim_faults *f, struct sim_random *r)
{
    uint64_t drawn = sim_random_below(r, 10000);

    for (int fate = FATE_ACCEPT + 1; fate < FATE_COUNT; fate++) {
        if (drawn < f->weight[fate])
            return (enum fate)fate;
        drawn -= f->weight[fate];
    }
    return FATE_ACCEPT;
}

int64_t sim_latency_us(const struct sim_faults *f, struct sim_random *r)
{
    int64_t jitter = (int64_t)sim_random_below(r, (uint64_t)f->latency_us + 1);

    return f->latency_us / 2 + jitter + (sim_random_chance(r, 100) ? 10 * f->latency_us : 0);
}

int sim_refusal_code(struct sim_random *r)
{
    static const int codes[] = {130429, 131026, 131056, 131016, 2,      4,
                                131049, 131008, 132000, 130472, 135000, 1};

    return codes[sim_random_below(r, ARRAY_SIZE(codes))];
}
