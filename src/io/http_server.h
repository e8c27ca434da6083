/* SPDX-License-Identifier: MIT
 *
 * http_server.h: a small HTTP/1.1 server on our loop (libmicrohttpd), for the admin port and for
 * Meta's webhooks. No TLS: a proxy's business.
 *
 * Model: on_request is called once for each request, when its body is here whole and as it came.
 * HEAD arrives as GET; the answer's body is left away. What io answers by itself: a body above
 * `body_max` (413, at once and unread where its length is announced), all bodies together above
 * `bodies_max` (503), broken HTTP (4xx). Further connections wait in the kernel's backlog.
 * Answers carry "Cache-Control: no-store" and "X-Content-Type-Options: nosniff".
 * Lifetime: what http_request_* return is borrowed until http_respond, which is called exactly once
 * for each request, from inside on_request or later; the peer may have gone meanwhile, and the
 * server may have been closed (the answer goes nowhere, query and headers are NULL then).
 * http_server_close never from inside on_request; it answers open requests with 503; on_closed
 * fires from the loop, never from inside the call.
 * Failure: http_server_open; EXIT_CONFIG: `listen` is no ADDR:PORT; EXIT_CANT_CREATE: the system
 * refuses to listen there. The caller says which key it is. Nothing fails later but connections.
 */
#ifndef IO_HTTP_SERVER_H
#define IO_HTTP_SERVER_H

#include "base/err.h"

#include <stddef.h>
#include <uv.h>

struct http_server;
struct http_request;

struct http_limits {
    size_t body_max;          /* bytes of one request's body */
    size_t bodies_max;        /* bytes of all bodies in memory; 0: connections_max of the largest */
    unsigned connections_max; /* at a time */
    unsigned request_s;       /* a connection has so long for the head of a request (from its begin
                               * or its last answer on), for the body, for reading the answer; then
                               * it is closed */
};

struct http_options {
    const char *listen; /* "127.0.0.1:9464", "[::1]:9464"; port 0 takes a free one. Copied */
    struct http_limits limits;
    void *context;
    void (*on_request)(void *context, struct http_request *request);
};

bool http_server_open(uv_loop_t *loop, const struct http_options *options, struct http_server **out,
                      struct err *e) MUST_CHECK;
/* ADDR:PORT with the real port. Borrowed until the server is closed. */
const char *http_server_address(const struct http_server *server);
/* `server` may not be used afterwards. */
void http_server_close(struct http_server *server, void (*on_closed)(void *context), void *context);

const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request); /* decoded, without the query */
/* The first value of that name, decoded; NULL when there is none. Header names in any case. */
const char *http_request_query(const struct http_request *request, const char *name);
const char *http_request_header(const struct http_request *request, const char *name);
/* The raw bytes; never NULL. */
const char *http_request_body(const struct http_request *request, size_t *len);

/* A header of the answer, before http_respond; at most HTTP_HEADERS_MAX. `name` and `value` are
 * borrowed until http_respond: literals, mostly. */
enum { HTTP_HEADERS_MAX = 8 };
void http_add_header(struct http_request *request, const char *name, const char *value);
/* `body` (`len` bytes; NULL with 0) is copied. */
void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  const void *body, size_t len);

#endif
