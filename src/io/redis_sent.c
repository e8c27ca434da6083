/* SPDX-License-Identifier: MIT */
#include "io/redis_sent.h"

#include "base/mem.h"

#include <assert.h>

enum { FIRST_CAP = 64 };

static void grow(struct redis_sent_queue *q)
{
    size_t cap = q->cap ? 2 * q->cap : FIRST_CAP;
    struct redis_sent *ring = mem_alloc(cap * sizeof(*ring));

    for (size_t i = 0; i < q->count; i++)
        ring[i] = q->ring[(q->first + i) % q->cap];
    mem_free(q->ring);
    *q = (struct redis_sent_queue){.ring = ring, .cap = cap, .count = q->count};
}

void redis_sent_push(struct redis_sent_queue *q, const struct redis_sent *sent)
{
    if (q->count == q->cap)
        grow(q);
    q->ring[(q->first + q->count++) % q->cap] = *sent;
}

struct redis_sent redis_sent_pop(struct redis_sent_queue *q)
{
    struct redis_sent sent = q->ring[q->first];

    assert(q->count);
    q->first = (q->first + 1) % q->cap;
    q->count--;
    return sent;
}

void redis_sent_forget(struct redis_sent_queue *q)
{
    q->count = 0;
}

void redis_sent_free(struct redis_sent_queue *q)
{
    mem_free(q->ring);
}
