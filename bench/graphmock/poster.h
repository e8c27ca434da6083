/* SPDX-License-Identifier: MIT
 *
 * poster.h: brings webhook bodies to their receiver, as Meta does: signed, over a few kept-alive
 * connections at once, and again, with growing pauses, until the receiver says 200.
 *
 * Model: a post waits in `ready`, is on a link, or waits in the delays for its next time. Order is
 * not kept when one has to be repeated. A forged post (a wrong signature) is brought once, whatever
 * the receiver says; a receiver that says 200 to one is counted as deceived.
 * Limits: POSTER_BYTES_MAX of posts in memory; what comes beyond is dropped and counted. HTTP/1.1
 * without TLS, to an address of the loopback.
 * Lifetime: poster_close closes all handles; poster_free when the loop has run out.
 */
#ifndef GRAPHMOCK_POSTER_H
#define GRAPHMOCK_POSTER_H

#include "base/histogram.h"
#include "base/buf.h"
#include "base/list.h"
#include "delays.h"
#include "status_rules.h"

#include <netinet/in.h>

enum { POSTER_BYTES_MAX = 256 * 1024 * 1024, POSTER_LINKS_MAX = 64, POSTER_SECRET_MAX = 256 };
enum { POSTER_READ_SIZE = 16 * 1024, POSTER_ANSWER_MAX = 64 * 1024 };

struct poster_counts {
    uint64_t bodies, acknowledged, retried, failed, dropped;
    uint64_t statuses_acknowledged, statuses_failed; /* the latter with those dropped */
    uint64_t forged, deceived;
};

struct link;

struct poster {
    const struct status_rules *rules;
    uv_loop_t *loop;
    struct delays *delays;
    struct sockaddr_in6 address; /* room for IPv4, too */
    char host[64];               /* for the header */
    char path[256];
    unsigned char secret[POSTER_SECRET_MAX];
    size_t secret_len;
    struct list ready; /* struct post.node */
    struct list later; /* struct post.node: in the delays */
    struct link *links[POSTER_LINKS_MAX];
    size_t bytes; /* of all posts */
    size_t posts; /* not acknowledged, not given up */
    bool closing;
    struct poster_counts counts;
    struct histogram answers; /* microseconds from handing a body to a link to its whole answer */
    char scratch[POSTER_READ_SIZE];
};

/* Reads URL (http://ADDRESS:PORT/PATH) and the file of the secret, whose last newline is no part of
 * it. */
bool poster_init(struct poster *p, const char *url, const char *secret_file,
                 struct err *e) MUST_CHECK;
/* Before anything is added. All are borrowed until poster_free. */
void poster_start(struct poster *p, const struct status_rules *rules, uv_loop_t *loop,
                  struct delays *delays);
/* Copied. */
void poster_add(struct poster *p, const struct buf *json, size_t statuses, bool forged);
/* Forgets the counts and what is not on a link. */
void poster_forget(struct poster *p);
void poster_close(struct poster *p);
void poster_free(struct poster *p);

#endif
