/* SPDX-License-Identifier: MIT
 *
 * http2.h: HTTP/2 on a connection, by nghttp2.
 */
#ifndef GRAPHMOCK_HTTP2_H
#define GRAPHMOCK_HTTP2_H

#include "conn.h"

/* Makes `c` speak HTTP/2. */
void http2_start(struct conn *c);
/* Frees the streams that are kept for the next ones. */
void http2_forget_streams(struct host *host);

#endif
