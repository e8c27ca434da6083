/* SPDX-License-Identifier: MIT
 *
 * redis.h: one connection to Redis, kept up for ever: hiredis on libuv.
 *
 * Model: hiredis speaks the protocol (and TLS, where it can); libuv waits and resolves names. The
 * connection greets (AUTH, SELECT, CLIENT SETNAME) before it is up. Commands are written into a
 * buffer, and leave together in the loop's next turn or with redis_flush; replies come in their
 * order. When it breaks, in whatever way, its owner hears it once, and it connects again after a
 * backoff with jitter, for ever; what had no reply will have none.
 * Lifetime: open until redis_close; `events` come from poll and timer callbacks of the loop, never
 * from inside a call. They may call any function here.
 * Failure: on_down, with one sentence. A reply that does not come in time, or is larger than
 * REDIS_INPUT_MAX, breaks the connection.
 */
#ifndef IO_REDIS_H
#define IO_REDIS_H

#include "base/buf.h"
#include "io/redis_reply.h"
#include "io/redis_tls.h"
#include "io/redis_url.h"

#include <uv.h>

enum {
    REDIS_INPUT_MAX = 48 << 20,   /* bytes of a reply; 500 entries of the largest size are fewer */
    REDIS_OUTPUT_MAX = 256 << 20, /* bytes that wait to be written */
    REDIS_CONNECT_MS = 5000,      /* for one address, and for the greeting */
    REDIS_REPLY_MS = 15000,       /* for a whole reply, from its first byte on */
    REDIS_BACKOFF_MIN_MS = 100,   /* bound of the first wait before connecting again */
    REDIS_BACKOFF_MAX_MS = 5000,
};

struct redis;

struct redis_events {
    void *context;
    void (*on_up)(void *context);
    /* It was up, or could not be brought up. */
    void (*on_down)(void *context, const char *why);
    /* Redis refuses user, password or database: its error. on_down follows. */
    void (*on_denied)(void *context, const char *error);
    /* A reply is too large, or too slow to come. on_down follows. */
    void (*on_too_large)(void *context);
    void (*on_reply)(void *context, const struct redis_value *value);
};

/* `url` is copied; `name` is what CLIENT LIST shows, borrowed until the end; `tls` (NULL: none) is
 * borrowed until on_closed. */
struct redis *redis_open(uv_loop_t *loop, const struct redis_url *url, struct redis_tls *tls,
                         const char *name, const struct redis_events *events);
bool redis_is_up(const struct redis *r);
/* Where commands are written, as resp.h does; only while it is up. Then redis_written: `commands`
 * of them, whose replies begin within `wait_ms`. */
struct buf *redis_out(struct redis *r);
void redis_written(struct redis *r, unsigned commands, int64_t wait_ms);
void redis_flush(struct redis *r);
/* Closes the connection, as if it were broken, and connects again; on_down does not come. */
void redis_drop(struct redis *r);
void redis_close(struct redis *r, void (*on_closed)(void *context), void *context);

#endif
