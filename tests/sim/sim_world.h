/* SPDX-License-Identifier: MIT
 *
 * sim_world.h: one simulated run: the product's engine on a virtual clock, with a modelled ledger,
 * client and Graph, faults and crashes drawn from one seed.
 *
 * What is checked all the time (a violation ends the run with a sentence and the seed):
 *   - a request on the wire has its intent on disk;
 *   - no sliding second at the wire holds more than the rate, restarts included;
 *   - a source hears of a message only after its outcome is on disk;
 *   - in the end every message has exactly one final state or unknown; what Graph accepted is
 *     accepted or unknown; what is accepted was accepted by Graph;
 *   - Graph accepted a message k times => at least k - 1 of its attempts are on record as unknown
 *     and were sent again because `resend` was chosen; with `hold` k is at most 1;
 *   - after one crash at most in-flight + intents ahead are unknown.
 */
#ifndef SIM_SIM_WORLD_H
#define SIM_SIM_WORLD_H

#include "sim_graph.h"

#include <stdbool.h>
#include <stddef.h>

struct sim_options {
    uint64_t seed;
    unsigned messages;
    bool verbose;
};

struct sim_result {
    uint64_t messages;
    uint64_t requests;
    uint64_t crashes;
    uint64_t unknown;
    uint64_t lost;
    uint64_t twice_undeclared;
    uint64_t twice_declared;
    uint64_t worst_ambiguity; /* messages left unknown by one crash */
    uint64_t fates[FATE_COUNT];
    uint64_t trace;    /* hash of everything that happened */
    char failure[256]; /* "" when all held */
};

void sim_run(const struct sim_options *options, struct sim_result *result);

#endif
