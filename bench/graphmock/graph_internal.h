/* SPDX-License-Identifier: MIT
 *
 * graph_internal.h: what the files of the pretended service share: graph.c (who may, and where to),
 * graph_send.c (messages), graph_read.c (what `check` reads), graph_mock.c (/_mock).
 */
#ifndef GRAPHMOCK_GRAPH_INTERNAL_H
#define GRAPHMOCK_GRAPH_INTERNAL_H

#include "graph.h"
#include "graph_path.h"

/* One request on its way through the service. */
struct call {
    struct graph *graph;
    const struct request *request;
    struct graph_path path;
    struct reply *reply;
};

/* Writes the refusal into the reply and counts it. */
void graph_refuse(const struct call *c, const struct refusal *r);
bool graph_knows_phone(const struct graph *g, struct slice id);
/* Microseconds since the first request. */
uint64_t graph_elapsed_us(const struct graph *g, int64_t now_us);

void graph_send(const struct call *c);
void graph_read(const struct call *c);
void graph_mock(const struct call *c);
/* The node does not exist: 100/33. `verb` is "get" or "post". */
void graph_refuse_node(const struct call *c, const char *verb);
void graph_refuse_path(const struct call *c);

#endif
