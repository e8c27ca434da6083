/* SPDX-License-Identifier: MIT
 *
 * sim_world.h: one simulated run: the product's engine and ledger on a virtual clock and a modelled
 * disk, with a modelled client, Graph and operator; faults, crashes and configuration drawn from
 * one seed.
 *
 * Model: the process lives, dies (crash, power cut, failed disk, SIGTERM, a halt) and is started
 * again until a life comes to its end by itself. After an hour of virtual time, or many lives, the
 * faults end: what is left must be finished soon (I8). The rules that are checked all the time, I1
 * to I11, stand in docs/testing.md; the first one that is broken ends the run.
 */
#ifndef SIM_SIM_WORLD_H
#define SIM_SIM_WORLD_H

#include "sim_config.h"

#include <stdbool.h>

struct sim_options {
    uint64_t seed;
    unsigned messages;
};

struct sim_result {
    uint64_t messages;
    uint64_t requests;
    uint64_t lives;
    uint64_t commits;
    uint64_t unknown;
    uint64_t lost;
    uint64_t lost_by_redis; /* trimmed or deleted before they were read */
    uint64_t streams;       /* runs whose source is one */
    uint64_t hooks;         /* bodies of webhooks answered with 200 */
    uint64_t statuses;      /* of ours in them */
    uint64_t settled;       /* messages that a webhook settled */
    uint64_t twins;         /* duplicates that really happened, on record */
    uint64_t twice_undeclared;
    uint64_t twice_declared;
    uint64_t worst_ambiguity; /* messages left unknown by one crash */
    uint64_t sectors_lost;
    uint64_t sectors_torn;
    uint64_t fates[FATE_COUNT];
    uint64_t faults[FAULT_COUNT];
    uint64_t trace;    /* hash of everything that happened */
    char failure[320]; /* "" when all held */
};

void sim_run(const struct sim_options *options, struct sim_result *result);

#endif
