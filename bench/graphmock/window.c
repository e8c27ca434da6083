/* SPDX-License-Identifier: MIT */
#include "window.h"

#include "base/mem.h"

enum { FIRST_CAP = 64, SECOND_US = 1000000 };

void window_free(struct window *w)
{
    mem_free(w->times);
    *w = (struct window){0};
}

void window_clear(struct window *w)
{
    w->first = w->count = 0;
}

size_t window_count(struct window *w, int64_t now_us)
{
    while (w->count > 0 && w->times[w->first] <= now_us - SECOND_US) {
        w->first = (w->first + 1) & (w->cap - 1);
        w->count--;
    }
    return w->count;
}

static void grow(struct window *w)
{
    size_t cap = w->cap ? w->cap * 2 : FIRST_CAP;
    int64_t *times = mem_alloc(cap * sizeof(int64_t));

    for (size_t i = 0; i < w->count; i++)
        times[i] = w->times[(w->first + i) & (w->cap - 1)];
    mem_free(w->times);
    *w = (struct window){.times = times, .cap = cap, .count = w->count};
}

size_t window_add(struct window *w, int64_t now_us)
{
    (void)window_count(w, now_us); /* drops what is too old */
    if (w->count == w->cap)
        grow(w);
    w->times[(w->first + w->count) & (w->cap - 1)] = now_us;
    return ++w->count;
}
