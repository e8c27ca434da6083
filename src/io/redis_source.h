/* SPDX-License-Identifier: MIT
 *
 * redis_source.h: the daemon's source: messages from a Redis stream, results back to Redis.
 *
 * Model: core/stream.h decides, this runs it on libuv: two connections (one that reads and may
 * block, one for everything else), made again for ever when they break. Nothing is read unless the
 * caller wants it. One entry, one message: on_message brings it with a handle; the caller says what
 * became of it with redis_source_settled (once its outcome or custody is on disk) or
 * redis_source_reject, once each. The result goes to Redis first, then the acknowledgement: a crash
 * between the two brings the entry again, never loses the result.
 *
 * Lifetime: opened on a loop, closed asynchronously. Events come from idle, timer and poll
 * callbacks of the loop, never from inside a call; they may call any function here but open and
 * close. The program must ignore SIGPIPE. After redis_source_close no event comes but on_closed;
 * entries not settled are forgotten, stay pending in Redis and come again at the next start.
 * Failure: what Redis or the network does is waited out and shown in the facts; a daemon that
 * cannot do its work for good is told by on_refused. An invalid URL fails redis_source_open.
 */
#ifndef IO_REDIS_SOURCE_H
#define IO_REDIS_SOURCE_H

#include "core/stream.h"

#include <uv.h>

struct redis_source;

struct redis_source_events {
    void *context;
    /* `m` is taken by the callee: free with message_free. `taken_over`: another consumer had it and
     * may have sent it: it begins as unknown. */
    void (*on_message)(void *context, struct message *m, struct stream_entry *entry,
                       bool taken_over);
    /* A result or status given with redis_source_publish* is in Redis. */
    void (*on_published)(void *context, uint64_t cookie);
    /* Another daemon holds the lock: EXIT_TRY_LATER, its holder named. Or Redis has refused from
     * the start what a person must mend: EXIT_NO_PERMISSION (password, rights), EXIT_CONFIG.
     * Nothing is read any more: end the program, closing as ever. */
    void (*on_refused)(void *context, const struct err *why);
};

struct redis_source_options {
    const char *url;
    struct stream_options stream; /* but `run`, which is made here */
    struct redis_source_events events;
};

/* The options and what they point to are copied, but `defaults` is borrowed until the close (or
 * until redis_source_set_defaults). */
bool redis_source_open(uv_loop_t *loop, const struct redis_source_options *options,
                       struct redis_source **out, struct err *e) MUST_CHECK;

/* `n` more messages may be offered. What was wanted and has not come is wanted still. */
void redis_source_want(struct redis_source *s, unsigned n);
/* See stream_settle: NULL when there is nothing to publish. */
void redis_source_settled(struct redis_source *s, struct stream_entry *entry,
                          const struct stream_result *result);
void redis_source_reject(struct redis_source *s, struct stream_entry *entry, const char *reason);

/* From the ledger's outbox, without an entry; on_published follows. Must have room. */
bool redis_source_has_room(const struct redis_source *s);
void redis_source_publish_result(struct redis_source *s, const struct stream_result *result,
                                 uint64_t cookie);
void redis_source_publish_status(struct redis_source *s, const struct stream_status *status,
                                 uint64_t cookie);

void redis_source_pause(struct redis_source *s, bool paused);
void redis_source_set_defaults(struct redis_source *s, const struct message_defaults *defaults);
/* Its trim, claim, claim_idle_ms and result_maxlen hold from now on; nothing else of it is read. */
void redis_source_set_policy(struct redis_source *s, const struct stream_options *policy);

/* Reads nothing new. `on_drained` (may be NULL) comes once nothing is held and everything is
 * acknowledged and published; when Redis is away that may be never: the caller bounds it. */
void redis_source_drain(struct redis_source *s, void (*on_drained)(void *context), void *context);
/* See stream_forget_offered: before a drain at the end. */
void redis_source_forget_offered(struct redis_source *s);
/* Gives the lock back if it is ours and Redis is there, closes, frees; then `on_closed`. */
void redis_source_close(struct redis_source *s, void (*on_closed)(void *context), void *context);

struct redis_source_facts {
    struct stream_facts stream;
    bool connected;      /* both connections are up */
    uint64_t reconnects; /* connections lost and made again */
    char down_why[512];  /* whose connection is down and why; "": both are up */
};
/* lag, last and the like are asked for now: new when `looks` has grown by two. */
void redis_source_look_soon(struct redis_source *s);
void redis_source_look(struct redis_source *s, struct redis_source_facts *out);

#endif
