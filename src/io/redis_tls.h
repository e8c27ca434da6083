/* SPDX-License-Identifier: MIT
 *
 * redis_tls.h: TLS for a connection to Redis, where hiredis has it (1.0 and newer).
 *
 * Model: the server's certificate must be signed by an authority of the system's and must be for
 * the host that redis.url names; hiredis by itself checks only the first.
 */
#ifndef IO_REDIS_TLS_H
#define IO_REDIS_TLS_H

#include "base/err.h"

struct redis_tls;
struct redisContext;

/* NULL with the error filled where there is no TLS to be had. Returned: free with redis_tls_free.
 */
struct redis_tls *redis_tls_new(const char *host, struct err *e) MUST_CHECK;
void redis_tls_free(struct redis_tls *t);
/* The connection is there: the handshake begins with the first read or write. */
bool redis_tls_start(struct redis_tls *t, struct redisContext *hiredis, struct err *e) MUST_CHECK;

#endif
