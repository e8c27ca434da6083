/* SPDX-License-Identifier: MIT
 *
 * redis_look.h: one look at a Redis, for `check`: is it there, does it let us in, what does it say
 * of itself, may we do what the daemon does.
 *
 * Model: one connection on a loop of its own greets as the daemon's do, asks INFO, then for the
 * rights (redis_probe.h), and closes. It writes no key: stream, group and lock stay as they
 * are.
 * Failure: blocks at most REDIS_LOOK_MS (while a name is being resolved, as long as the resolver).
 */
#ifndef IO_REDIS_LOOK_H
#define IO_REDIS_LOOK_H

#include "base/buf.h"
#include "base/err.h"
#include "core/stream.h"
#include "io/redis_probe.h"
#include "io/redis_url.h"

enum { REDIS_LOOK_MS = 5000, REDIS_LOOK_BYTES = 65536 };

struct redis_look {
    char where[REDIS_ADDRESS_SIZE]; /* "HOST:PORT" */
    struct buf info;   /* the caller's, REDIS_LOOK_BYTES or more; empty where INFO is refused */
    char refusal[256]; /* of INFO, by Redis; "": none */
    const struct stream_options *rights; /* the caller's: of these names */
    struct redis_probe probe;            /* what came of it */
};

/* EXIT_UNREACHABLE: no connection, or no answer; EXIT_NO_PERMISSION: user or password are refused;
 * EXIT_CONFIG: the URL, or a database that is not there. The sentence names host and port. */
bool redis_look(const char *url, struct redis_look *look, struct err *e) MUST_CHECK;

#endif
