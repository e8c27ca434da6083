/* SPDX-License-Identifier: MIT
 *
 * window.h: exactly how many events fell into the last second.
 *
 * Model: the times of the events of the last 1.000000 s, in a ring that grows as needed. An event
 * exactly one second old is no longer in it. Times never go back.
 */
#ifndef GRAPHMOCK_WINDOW_H
#define GRAPHMOCK_WINDOW_H

#include <stddef.h>
#include <stdint.h>

struct window {
    int64_t *times;
    size_t cap; /* a power of two, or 0 */
    size_t first;
    size_t count;
};

void window_free(struct window *w);
/* Events in (now - 1 s, now]. */
size_t window_count(struct window *w, int64_t now_us);
/* Adds one at `now_us`, and says how many there are with it. */
size_t window_add(struct window *w, int64_t now_us);
void window_clear(struct window *w);

#endif
