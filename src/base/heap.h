/* SPDX-License-Identifier: MIT
 *
 * heap.h: an intrusive binary min-heap. Each element embeds a struct heap_node, whose key the
 * caller sets before heap_push; the node keeps its own place, so that taking one out of the middle
 * is O(log n).
 * Lifetime: the heap borrows its nodes until they are removed.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct heap_node {
    int64_t key;  /* smallest first */
    size_t place; /* 1-based place in the heap; 0: in none */
};

struct heap {
    struct heap_node **nodes; /* nodes[0] is the smallest */
    size_t count;
    size_t cap;
};

void heap_free(struct heap *h);
void heap_push(struct heap *h, struct heap_node *node);
/* The smallest, or NULL; it stays where it is. */
struct heap_node *heap_first(const struct heap *h);
/* Takes `node` out; it must be in this heap. */
void heap_remove(struct heap *h, struct heap_node *node);

#endif
