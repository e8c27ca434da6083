/* SPDX-License-Identifier: MIT
 *
 * graph_request.h: one request to Graph as the engine asks for it and the client carries it out.
 */
#ifndef CORE_GRAPH_REQUEST_H
#define CORE_GRAPH_REQUEST_H

#include <stddef.h>

struct graph_request {
    const char *phone_id; /* POST {base}/{version}/{phone_id}/messages; borrowed until done */
    const char *body;     /* borrowed until done */
    size_t body_len;
    void *owner; /* whoever asked; the client leaves it alone */
    void *slot;  /* the client's, while the request is with it */
};

#endif
