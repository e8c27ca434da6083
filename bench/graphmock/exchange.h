/* SPDX-License-Identifier: MIT
 *
 * exchange.h: what the protocols (http1, http2) and the pretended service (graph) say to each
 * other: a request that came in whole, and the reply to it, which may be a disaster.
 *
 * Lifetime: a request's texts are borrowed during graph_answer. A reply belongs to the protocol,
 * which keeps its buffer for the next one.
 */
#ifndef GRAPHMOCK_EXCHANGE_H
#define GRAPHMOCK_EXCHANGE_H

#include "base/buf.h"
#include "slice.h"

#include <stdint.h>

enum { REQUEST_BODY_MAX = 1024 * 1024, REPLY_BODY_MAX = 512 * 1024 * 1024, TRACE_SIZE = 24 };

enum method { METHOD_GET, METHOD_POST, METHOD_OTHER };

struct request {
    enum method method;
    struct slice target; /* path and query */
    struct slice authorization;
    struct slice content_type;
    struct slice body;
    uint64_t nth; /* on its connection; 1 is the first */
    int64_t now_us;
};

/* How the reply ends. All but the last two come after the latency. */
enum ending {
    END_ANSWER,    /* as it should */
    END_CUT,       /* in the middle of the body: HTTP/1.1 closes, HTTP/2 resets the stream */
    END_CLOSE,     /* the connection is closed without a byte of the answer */
    END_RESET,     /* TCP reset; over HTTP/2 RST_STREAM(INTERNAL_ERROR) */
    END_HANG,      /* there never is one */
    END_CLOSE_NOW, /* END_CLOSE, at once */
    END_REFUSED,   /* RST_STREAM(REFUSED_STREAM), at once; over HTTP/1.1 END_CLOSE_NOW */
};

/* What becomes of the connection besides. */
enum farewell {
    FAREWELL_NONE,
    FAREWELL_CLOSE,  /* HTTP/1.1: Connection: close. HTTP/2: as FAREWELL_ABRUPT */
    FAREWELL_GOAWAY, /* HTTP/2: GOAWAY in two steps, no stream is lost. HTTP/1.1: as CLOSE */
    FAREWELL_ABRUPT, /* HTTP/2: one GOAWAY with the last stream, as nginx after keepalive_requests;
                        later streams are ignored. HTTP/1.1: closes unannounced after the answer */
};

struct reply {
    int status;
    enum ending ending;
    enum farewell farewell;
    int64_t delay_us;
    int64_t retry_after_s;    /* -1: no such header */
    const char *content_type; /* a literal */
    const char *challenge;    /* www-authenticate, a literal; NULL: no such header */
    char version[8];          /* facebook-api-version; "": none */
    char trace[TRACE_SIZE];   /* x-fb-request-id and x-fb-trace-id */
    struct buf body;
};

/* A reply as good as new; keeps a small buffer of the old one. */
static inline void reply_clear(struct reply *r)
{
    enum { KEPT = 4096 };
    struct buf body = r->body;

    if (body.cap > KEPT)
        buf_free(&body);
    else
        buf_clear(&body);
    body.max = REPLY_BODY_MAX;
    *r = (struct reply){.status = 200,
                        .retry_after_s = -1,
                        .content_type = "application/json; charset=UTF-8",
                        .body = body};
}

#endif
