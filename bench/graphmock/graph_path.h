/* SPDX-License-Identifier: MIT
 *
 * graph_path.h: /v22.0/NODE/EDGE?QUERY taken apart, and what is written in the query.
 */
#ifndef GRAPHMOCK_GRAPH_PATH_H
#define GRAPHMOCK_GRAPH_PATH_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct graph_path {
    struct slice version; /* "v22.0", empty when there is none */
    struct slice node;    /* an id, "me", "debug_token", ... */
    struct slice edge;    /* "messages", ..., empty when there is none */
    struct slice rest;    /* what follows, empty mostly */
    struct slice query;
};

void graph_path_read(struct graph_path *out, struct slice target);
/* Has Graph ever had this version? */
bool graph_version_is_known(struct slice version);
/* The value of `key`, percent-decoded into `out` (cut to fit); false when it is not there. */
bool graph_query_get(struct slice query, const char *key, char *out, size_t size);
uint64_t graph_query_number(struct slice query, const char *key, uint64_t fallback);

#endif
