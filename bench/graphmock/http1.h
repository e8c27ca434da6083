/* SPDX-License-Identifier: MIT
 *
 * http1.h: HTTP/1.1 on a connection: one request after the other, keep-alive, Content-Length and
 * chunked bodies, Expect: 100-continue.
 */
#ifndef GRAPHMOCK_HTTP1_H
#define GRAPHMOCK_HTTP1_H

#include "conn.h"

/* Makes `c` speak HTTP/1.1. */
void http1_start(struct conn *c);

#endif
