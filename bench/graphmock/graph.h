/* SPDX-License-Identifier: MIT
 *
 * graph.h: the pretended service: a request in, a reply out. Knows nothing of connections.
 *
 * Model of a send, in this order: token, path, faults that lose it unread; then it counts as
 * received. Payload and template; throughput; pair; faults that refuse it; then it counts as
 * accepted, whatever becomes of the answer. Throughput is per phone number, by the time at which
 * the request was complete: a send is refused when `rate` sends have passed this check within the
 * last 1.000000 s. Sends that it refuses do not count, those that fail later do.
 */
#ifndef GRAPHMOCK_GRAPH_H
#define GRAPHMOCK_GRAPH_H

#include "exchange.h"
#include "faults.h"
#include "journal.h"
#include "latency.h"
#include "options.h"
#include "pair.h"
#include "stats.h"
#include "templates.h"
#include "webhooks.h"

struct graph {
    const struct options *options; /* borrowed */
    struct latency latency;
    struct faults faults;
    struct templates templates;
    struct pair_limit pair;
    struct stats stats;
    struct journal journal;
    struct webhooks *webhooks; /* NULL: nobody is told */
    struct random random;
    struct tokens tokens; /* of the request that is being answered */
};

bool graph_init(struct graph *g, const struct options *options, int64_t now_us,
                struct err *e) MUST_CHECK;
void graph_free(struct graph *g);

/* Fills `reply`, which the caller has cleared. */
void graph_answer(struct graph *g, const struct request *request, struct reply *reply);
/* When the brown-out ends that reigns now (the time of graph_init's clock); 0 when none does. */
int64_t graph_quiet_until_us(struct graph *g, int64_t now_us);

#endif
