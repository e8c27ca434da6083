/* SPDX-License-Identifier: MIT
 *
 * graph_client.h: requests to Graph: libcurl multi on libuv.
 *
 * Model: a request is started, passes the point of no return (on_wired: libcurl's PREREQ callback,
 * the last moment before it is written), and is done (on_done: the facts of the exchange). libcurl
 * may want to repeat a request by itself when a reused connection dies: the second PREREQ of a
 * request aborts it, so that the server never sees it twice. Connections are kept and used again,
 * for up to 50 s of idleness; over HTTP/2 one carries up to 100 requests at a time.
 * Lifetime: the request's struct is the caller's, borrowed until on_done. Callbacks come from idle,
 * timer and poll callbacks of the loop (so that a uv_prepare of the caller sees all that happened),
 * never from inside a call; they may start requests. One client belongs to one loop and thread. The
 * program must ignore SIGPIPE.
 * Failure: none at start; every failure is an exchange, with one sentence.
 */
#ifndef IO_GRAPH_CLIENT_H
#define IO_GRAPH_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "core/graph_reply.h"
#include "core/graph_request.h"

#include <uv.h>

struct graph_client;

struct graph_client_events {
    void *context;
    void (*on_wired)(void *context, struct graph_request *request);
    /* `x` and what it points to are borrowed during the call. */
    void (*on_done)(void *context, struct graph_request *request, const struct exchange *x);
};

struct graph_client_options {
    const char *api_base;    /* "https://graph.facebook.com" */
    const char *api_version; /* "v22.0" */
    const char *ca_file;     /* NULL or "": the system's */
    bool http2;
    int64_t timeout_ms;
    int64_t connect_timeout_ms;
    unsigned max_in_flight;  /* bounds connections too */
    unsigned max_connecting; /* requests that wait for a connection at a time: over HTTP/1.1 each
                              * makes one, and what waits leaves in one burst */
    const char *token;       /* token_len bytes; copied into locked memory, wiped at the end */
    size_t token_len;
};

/* Options are copied. libcurl borrows the token as one header line in locked memory. */
bool graph_client_open(uv_loop_t *loop, const struct graph_client_options *options,
                       const struct graph_client_events *events, struct graph_client **out,
                       struct err *e) MUST_CHECK;
/* May the client take one more now? False at max_in_flight, and while max_connecting connections
 * are in the making and no idle one (or stream) is left. */
bool graph_client_has_room(const struct graph_client *c);
/* Must have room. */
void graph_client_start(struct graph_client *c, struct graph_request *request);
/* Requests started and not done. */
unsigned graph_client_in_flight(const struct graph_client *c);
unsigned graph_client_connections(const struct graph_client *c);
/* After timeouts: the connections in the cache are not to be trusted; new requests make new ones.
 * The client does so by itself when a request over HTTP/2 times out. Over HTTP/1.1, where a failed
 * request takes its connection with it, this does nothing while other connections still bring
 * answers (in the last second). */
void graph_client_distrust(struct graph_client *c);
/* Takes nothing new; when nothing is in flight any more, calls `on_closed` from the loop, and is
 * freed then. */
void graph_client_close(struct graph_client *c, void (*on_closed)(void *context), void *context);
/* Gives up everything in flight: each on_done comes from the loop, wired or not, with an error. */
void graph_client_abort(struct graph_client *c);

/* One blocking GET for `check`: {base}/{version}/{path_and_query}. The body goes to `body`. */
struct graph_get {
    int http_status; /* 0: no answer */
    char error[256]; /* the transport's sentence when there was none */
    char api_version[16];
    int64_t date_ms; /* the Date header, 0 when absent: for the clock check */
};
void graph_client_get(const struct graph_client_options *options, const char *path_and_query,
                      struct buf *body, struct graph_get *out);

#endif
