/* SPDX-License-Identifier: MIT */
#include "delays.h"

#include "base/clock.h"

static void arm(struct delays *d);

static void on_timer(uv_timer_t *timer)
{
    struct delays *d = timer->data;
    int64_t now = clock_mono_us();
    struct heap_node *first;

    d->armed_us = 0;
    while ((first = heap_first(&d->heap)) && first->key <= now) {
        struct delay *delay = CONTAINER_OF(first, struct delay, node);

        heap_remove(&d->heap, first);
        delay->on_due(delay);
    }
    d->on_batch(d->context);
    arm(d);
}

/* Sets the timer for the first that is due, unless it is set for then, or sooner. */
static void arm(struct delays *d)
{
    struct heap_node *first = heap_first(&d->heap);
    int64_t wait_us;

    if (!first || (d->armed_us && d->armed_us <= first->key) ||
        uv_is_closing((uv_handle_t *)&d->timer))
        return;
    wait_us = first->key - clock_mono_us();
    d->armed_us = first->key;
    uv_update_time(d->timer.loop);
    (void)uv_timer_start(&d->timer, on_timer, wait_us > 0 ? (uint64_t)(wait_us + 999) / 1000 : 1,
                         0); /* fails only while closing */
}

void delays_init(struct delays *d, uv_loop_t *loop, void (*on_batch)(void *), void *context)
{
    *d = (struct delays){.on_batch = on_batch, .context = context};
    (void)uv_timer_init(loop, &d->timer); /* cannot fail */
    d->timer.data = d;
}

void delays_close(struct delays *d)
{
    uv_close((uv_handle_t *)&d->timer, NULL);
}

void delays_free(struct delays *d)
{
    heap_free(&d->heap);
}

void delays_add(struct delays *d, struct delay *delay, int64_t due_us)
{
    delay->node.key = due_us;
    heap_push(&d->heap, &delay->node);
    if (!d->armed_us || due_us < d->armed_us)
        arm(d);
}

void delays_cancel(struct delays *d, struct delay *delay)
{
    if (delay->node.place)
        heap_remove(&d->heap, &delay->node);
}
