/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

#include "base/mem.h"

#include <assert.h>

static void set(struct heap *h, size_t place, struct heap_node *node)
{
    h->nodes[place - 1] = node;
    node->place = place;
}

static void sift_up(struct heap *h, struct heap_node *node, size_t place)
{
    while (place > 1 && h->nodes[place / 2 - 1]->key > node->key) {
        set(h, place, h->nodes[place / 2 - 1]);
        place /= 2;
    }
    set(h, place, node);
}

static void sift_down(struct heap *h, struct heap_node *node, size_t place)
{
    for (;;) {
        size_t child = place * 2;

        if (child + 1 <= h->count && h->nodes[child]->key < h->nodes[child - 1]->key)
            child++;
        if (child > h->count || h->nodes[child - 1]->key >= node->key)
            break;
        set(h, place, h->nodes[child - 1]);
        place = child;
    }
    set(h, place, node);
}

void heap_free(struct heap *h)
{
    mem_free(h->nodes);
    *h = (struct heap){0};
}

void heap_push(struct heap *h, struct heap_node *node)
{
    assert(node->place == 0);
    if (h->count == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->nodes = mem_realloc(h->nodes, h->cap * sizeof(struct heap_node *));
    }
    h->count++;
    sift_up(h, node, h->count);
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->count ? h->nodes[0] : NULL;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    size_t place = node->place;
    struct heap_node *last = h->nodes[h->count - 1];

    assert(place >= 1 && place <= h->count && h->nodes[place - 1] == node);
    node->place = 0;
    h->count--;
    if (last == node)
        return;
    if (place > 1 && h->nodes[place / 2 - 1]->key > last->key)
        sift_up(h, last, place);
    else
        sift_down(h, last, place);
}
