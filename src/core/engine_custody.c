/* SPDX-License-Identifier: MIT
 *
 * engine_custody.c: messages that wait in the ledger's custody, and broadcasts that are stopped.
 *
 * A message in custody is on disk as waiting; the delivery in memory is only a reminder of it, and
 * may be forgotten at any time: the ledger is asked again. What must never be is two deliveries of
 * one message, since both would send it: `held` has the number of each.
 */
#include "core/engine_internal.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void delivery_enter_custody(struct engine *e, struct delivery *d)
{
    d->in_custody = true;
    map_put(e->held, d->number, 0);
}

void delivery_leave_custody(struct engine *e, struct delivery *d)
{
    if (d->in_custody)
        (void)map_remove(e->held, d->number); /* it was there */
    d->in_custody = false;
}

bool engine_holds(const struct engine *e, uint64_t number)
{
    uint64_t nothing;

    return map_get(e->held, number, &nothing);
}

void engine_resume(struct engine *e, const struct engine_waiting *waiting, struct moment now)
{
    struct delivery *d;

    e->now = now;
    if (engine_holds(e, waiting->number) || engine_is_stopped(e, waiting->message)) {
        message_free(waiting->message);
        return;
    }
    d = delivery_new(e, waiting->message, NULL);
    d->number = waiting->number;
    d->attempt = waiting->attempt;
    d->tries = waiting->tries;
    delivery_enter_custody(e, d);
    delivery_enter_waiting(e, d, wall_to_mono_us(e, waiting->due_ms));
}

unsigned engine_waiting_room(const struct engine *e)
{
    unsigned held = e->stage_counts[STAGE_WAITING] + e->stage_counts[STAGE_PARKED];

    return held < ENGINE_WAITING_MAX ? ENGINE_WAITING_MAX - held : 0;
}

struct numbers {
    uint64_t *items;
    size_t max;
    size_t count;
};

static bool add_number(void *context, uint64_t key, uint64_t value)
{
    struct numbers *numbers = context;

    (void)value;
    if (numbers->count == numbers->max)
        return false;
    numbers->items[numbers->count++] = key;
    return true;
}

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

size_t engine_held(const struct engine *e, uint64_t *numbers, size_t max)
{
    struct numbers found = {.items = numbers, .max = max};

    map_each(e->held, add_number, &found);
    if (found.count)
        qsort(numbers, found.count, sizeof(numbers[0]), by_size);
    return found.count;
}

/* ---- Broadcasts that are stopped. */

static uint64_t key_of(const char *broadcast)
{
    return hash64(broadcast, strlen(broadcast));
}

bool engine_is_stopped(const struct engine *e, const struct message *m)
{
    uint64_t nothing;

    return e->all_stopped ||
           (map_count(e->stopped) && map_get(e->stopped, key_of(m->broadcast), &nothing));
}

/* Everything that only waits and whose broadcast is stopped, or that has this number. */
static bool is_to_forget(const struct engine *e, const struct delivery *d, uint64_t number)
{
    return number ? d->number == number : engine_is_stopped(e, d->message);
}

static void forget_waiting(struct engine *e, uint64_t number)
{
    struct heap kept = {0};
    struct heap_node *first;

    while ((first = heap_first(&e->waiting))) {
        struct delivery *d = CONTAINER_OF(first, struct delivery, due);

        if (is_to_forget(e, d, number)) {
            delivery_drop(e, d);
            continue;
        }
        heap_remove(&e->waiting, first);
        heap_push(&kept, first);
    }
    heap_free(&e->waiting);
    e->waiting = kept;
}

static void forget_parked(struct engine *e, uint64_t number)
{
    struct list *node = e->parked.next;

    while (node != &e->parked) {
        struct delivery *d = LIST_ITEM(node, struct delivery, node);

        node = node->next;
        if (d->in_custody && is_to_forget(e, d, number))
            delivery_drop(e, d);
    }
}

void engine_stop_broadcast(struct engine *e, const char *broadcast, struct moment now)
{
    e->now = now;
    if (broadcast)
        map_put(e->stopped, key_of(broadcast), 0);
    else
        e->all_stopped = true;
    forget_waiting(e, 0);
    forget_parked(e, 0);
    engine_take_back_ready(e);
}

void engine_go_broadcast(struct engine *e, const char *broadcast)
{
    if (broadcast)
        (void)map_remove(e->stopped, key_of(broadcast)); /* it may go on already */
    else
        e->all_stopped = false;
}

static void give_up(struct list *stage)
{
    for (struct list *n = stage->next; n != stage; n = n->next) {
        struct delivery *d = LIST_ITEM(n, struct delivery, node);

        d->given_up |= d->ref && !d->in_custody && d->stage != STAGE_SETTLING;
    }
}

void engine_give_up_offered(struct engine *e)
{
    give_up(&e->offered);
    give_up(&e->parked);
    give_up(&e->with_ledger);
    for (unsigned i = 0; i < e->lane_count; i++)
        give_up(&e->lanes[i].ready);
}

/* What has gone on meanwhile is told by the ledger that it was overtaken. */
void engine_forget(struct engine *e, uint64_t number, struct moment now)
{
    e->now = now;
    if (!engine_holds(e, number))
        return;
    forget_waiting(e, number);
    forget_parked(e, number);
}
