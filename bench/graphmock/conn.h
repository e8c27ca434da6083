/* SPDX-License-Identifier: MIT
 *
 * conn.h: one connection: bytes in, bytes out, through TLS or not; the protocol on top (http1,
 * http2) makes requests of the ones and the others of replies.
 *
 * Model: everything runs in turns. A turn begins with an event (socket ready, a delay due); in it
 * the protocol may be called many times, and whatever it wants sent gathers in `out`; at its end
 * conn_settle writes all of it at once and only then acts on `fate`. So protocols never free or
 * close anything from within a call, they say what shall become of the connection.
 * Lifetime: conn_open makes it, it frees itself in the last close callback.
 */
#ifndef GRAPHMOCK_CONN_H
#define GRAPHMOCK_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "delays.h"
#include "graph.h"

#include <openssl/ssl.h>
#include <uv.h>

enum { CONN_READ_SIZE = 64 * 1024, DATE_SIZE = 40 };

/* What all connections share. */
struct host {
    uv_loop_t *loop;
    SSL_CTX *tls; /* NULL: plain */
    struct graph *graph;
    struct delays delays;
    struct list open;         /* struct conn.on_open */
    struct list dirty;        /* struct conn.on_dirty: to be settled at the end of the turn */
    struct list idle_streams; /* of http2, for the next ones */
    time_t date_at;
    char date[DATE_SIZE]; /* for the header; see conn_date */
    char scratch[CONN_READ_SIZE];
};

enum fate {
    FATE_STAY,
    FATE_FLUSH, /* close when all is written */
    FATE_CLOSE, /* close now */
    FATE_RESET, /* close now, with a TCP reset */
};

struct conn;

struct protocol {
    /* Bytes came in; they are borrowed. */
    void (*on_bytes)(struct conn *c, const char *bytes, size_t len);
    /* Moves what is to be sent into `out`, about 16 KB at a time; it is called until it adds none.
     */
    void (*fill)(struct conn *c);
    void (*end)(struct conn *c); /* frees the session */
};

struct conn {
    struct host *host;
    uv_poll_t poll;
    int fd;
    int events; /* that `poll` waits for */
    SSL *ssl;
    const struct protocol *protocol; /* NULL until the handshake is done */
    void *session;                   /* the protocol's own */
    struct buf out;
    struct list on_open, on_dirty;
    struct delay wake; /* while a brown-out keeps it waiting */
    uint64_t requests;
    enum fate fate;
    bool closed;
};

/* Takes `fd`, which does not block. */
void conn_open(struct host *host, int fd);
/* At the end of a turn: writes, then closes if so is its fate. */
void conn_settle(struct conn *c);
/* Has it settled at the end of this turn. */
void conn_mark(struct conn *c);
void conn_settle_marked(struct host *host);
void conn_close(struct conn *c, bool reset);
/* For the protocols: what the service says to a request. Fills in `nth` and `now_us`. */
void conn_answer(struct conn *c, struct request *request, struct reply *reply);
/* The time as HTTP writes it, made once a second. */
const char *conn_date(struct host *host);

#endif
