/* SPDX-License-Identifier: MIT
 *
 * redis_wire.h: the socket of a connection to Redis: hiredis' context under a uv_poll. For redis.c.
 *
 * Model: hiredis reads, writes and parses; what it does on the socket is told by its context's
 * error. A poll error counts as readable, so that hiredis meets it in read.
 * Lifetime: from wire_connect to wire_close; the memory goes with the handle, later.
 * Failure: on_broken, once, with a sentence; then the owner closes it.
 */
#ifndef IO_REDIS_WIRE_H
#define IO_REDIS_WIRE_H

#include "io/redis_reply.h"
#include "io/redis_tls.h"

#include <uv.h>

struct wire;

struct wire_events {
    void *context;
    void (*on_connected)(void *context);
    /* Bytes came; takes what is whole with wire_next. */
    void (*on_readable)(void *context);
    void (*on_broken)(void *context, const char *why);
    void (*on_closed)(void *context); /* after wire_close, the last */
};

struct wire_options {
    uv_loop_t *loop;
    const char *address; /* numeric */
    int port;
    struct redis_tls *tls; /* NULL: none. Borrowed until wire_close */
};

/* NULL with the error filled when it cannot even begin. */
struct wire *wire_connect(const struct wire_options *options, const struct wire_events *events,
                          struct err *e) MUST_CHECK;
void wire_write(struct wire *w, const char *bytes, size_t len);
/* The next whole reply; NULL: none yet, or the wire broke. Good until the next call. */
const struct redis_value *wire_next(struct wire *w);
/* Bytes that came and are not taken. */
size_t wire_unread(const struct wire *w);
/* More than `max` of them have come, or have been announced. */
bool wire_is_flooded(const struct wire *w, size_t max);
void wire_close(struct wire *w);

#endif
