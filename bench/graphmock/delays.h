/* SPDX-License-Identifier: MIT
 *
 * delays.h: things that happen later: thousands of due times in a heap, behind one timer.
 *
 * Model: times are microseconds of clock_mono_us; libuv's timer makes them up to a millisecond
 * late, never early. All that are due are called in one go, then on_batch, once.
 * Lifetime: a delay belongs to the caller and is borrowed until it is due or cancelled.
 */
#ifndef GRAPHMOCK_DELAYS_H
#define GRAPHMOCK_DELAYS_H

#include "base/heap.h"

#include <uv.h>

struct delay {
    struct heap_node node;
    void (*on_due)(struct delay *delay);
};

struct delays {
    uv_timer_t timer;
    struct heap heap;
    int64_t armed_us; /* when the timer fires; 0: it is not set */
    void (*on_batch)(void *context);
    void *context;
};

void delays_init(struct delays *d, uv_loop_t *loop, void (*on_batch)(void *), void *context);
/* Closes the timer; free the heap with delays_free when the loop has run out. */
void delays_close(struct delays *d);
void delays_free(struct delays *d);
void delays_add(struct delays *d, struct delay *delay, int64_t due_us);
/* Harmless when it is not waiting. */
void delays_cancel(struct delays *d, struct delay *delay);

#endif
