/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* After what it needs. */
#include <cmocka.h>

enum { NODES = 300, MOVES = 20000 };

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static int64_t least(const struct heap_node *nodes)
{
    int64_t key = INT64_MAX;

    for (size_t i = 0; i < NODES; i++)
        if (nodes[i].place > 0 && nodes[i].key < key)
            key = nodes[i].key;
    return key;
}

/* No node is smaller than the one above it, and each knows its place. */
static bool is_heap(const struct heap *h)
{
    for (size_t i = 0; i < h->count; i++) {
        if (h->nodes[i]->place != i + 1)
            return false;
        if (i > 0 && h->nodes[i]->key < h->nodes[(i - 1) / 2]->key)
            return false;
    }
    return true;
}

static void test_first_is_always_the_smallest(void **state)
{
    static struct heap_node nodes[NODES];
    struct heap h = {0};
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < MOVES; i++) {
        struct heap_node *node = &nodes[next(&seed) % NODES];

        if (node->place > 0) {
            heap_remove(&h, node);
            assert_int_equal(node->place, 0);
        } else {
            node->key = (int64_t)(next(&seed) % 1000) - 500;
            heap_push(&h, node);
        }
        assert_true(is_heap(&h));
        if (h.count > 0)
            assert_int_equal(heap_first(&h)->key, least(nodes));
    }
    heap_free(&h);
}

static void test_pops_in_order(void **state)
{
    static struct heap_node nodes[NODES];
    struct heap h = {0};
    uint64_t seed = 9;
    int64_t before = INT64_MIN;

    (void)state;
    for (size_t i = 0; i < NODES; i++) {
        nodes[i].key = (int64_t)next(&seed);
        heap_push(&h, &nodes[i]);
    }
    while (heap_first(&h)) {
        struct heap_node *first = heap_first(&h);

        assert_true(first->key >= before);
        before = first->key;
        heap_remove(&h, first);
    }
    assert_null(heap_first(&h));
    heap_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_is_always_the_smallest),
        cmocka_unit_test(test_pops_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
