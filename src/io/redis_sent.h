/* SPDX-License-Identifier: MIT
 *
 * redis_sent.h: the commands of one connection that wait for their replies, in order.
 *
 * Lifetime: a zeroed struct is empty; redis_sent_free at the end.
 */
#ifndef IO_REDIS_SENT_H
#define IO_REDIS_SENT_H

#include "core/stream_command.h"

/* What the reply must repeat. */
struct redis_sent {
    enum stream_verb verb;
    enum stream_lane lane;
    size_t id_count;
};

struct redis_sent_queue {
    struct redis_sent *ring;
    size_t cap, first, count;
};

void redis_sent_push(struct redis_sent_queue *q, const struct redis_sent *sent);
/* There must be one. */
struct redis_sent redis_sent_pop(struct redis_sent_queue *q);
/* No reply comes to what was sent. */
void redis_sent_forget(struct redis_sent_queue *q);
void redis_sent_free(struct redis_sent_queue *q);

#endif
