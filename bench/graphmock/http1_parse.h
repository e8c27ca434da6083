/* SPDX-License-Identifier: MIT
 *
 * http1_parse.h: bytes -> one HTTP/1.1 request. Pure: no connection, no clock.
 */
#ifndef GRAPHMOCK_HTTP1_PARSE_H
#define GRAPHMOCK_HTTP1_PARSE_H

#include "exchange.h"

enum { HTTP1_HEAD_MAX = 32 * 1024 };

enum http1_state {
    HTTP1_MORE, /* not all of it is there */
    HTTP1_DONE,
    HTTP1_BAD,
};

struct http1_request {
    struct request request; /* texts are borrowed from the bytes, or from `chunked` */
    bool keep_alive;
    bool wants_continue; /* the head is there, the body waits for 100 Continue */
    int status;          /* HTTP1_BAD: what to answer */
    size_t size;         /* HTTP1_DONE: bytes that it took */
    struct buf chunked;  /* the body put together, when it came in chunks; the caller frees it */
};

enum http1_state http1_parse(struct slice bytes, struct http1_request *out);

#endif
