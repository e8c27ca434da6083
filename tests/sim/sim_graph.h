/* SPDX-License-Identifier: MIT
 *
 * sim_graph.h: Meta as the simulator models it: what it has accepted, how it answers, and what it
 * would refuse. It keeps the truth that the ledger is compared with.
 */
#ifndef SIM_SIM_GRAPH_H
#define SIM_SIM_GRAPH_H

#include "sim_random.h"

#include <stdbool.h>
#include <stdint.h>

/* What a request meets. */
enum fate {
    FATE_ACCEPT,
    FATE_NOT_SENT,        /* the connection fails before the first byte */
    FATE_LOST_REQUEST,    /* on the wire; Graph never sees it; no answer */
    FATE_LOST_ANSWER,     /* Graph accepts it; no answer comes */
    FATE_CUT_ANSWER,      /* Graph accepts it; the answer is cut off */
    FATE_HTML,            /* an edge answers 502, Graph accepted it or not */
    FATE_REFUSE,          /* an error object; the code is drawn */
    FATE_UNSURE,          /* 131000: Graph acted or not */
    FATE_ACCEPT_AND_FAIL, /* a whole answer beside a transport error */
    FATE_COUNT,
};

struct sim_faults {
    unsigned weight[FATE_COUNT]; /* of 10,000; the rest is FATE_ACCEPT */
    int64_t latency_us;          /* median */
};

/* Draws which faults this seed has, and how often: some off, some extreme. */
void sim_faults_draw(struct sim_faults *f, struct sim_random *r);
enum fate sim_faults_next(const struct sim_faults *f, struct sim_random *r);
int64_t sim_latency_us(const struct sim_faults *f, struct sim_random *r);
/* A Graph error code of a refusal that says "not accepted". */
int sim_refusal_code(struct sim_random *r);
const char *fate_name(enum fate fate);

#endif
