/* SPDX-License-Identifier: MIT */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* After what it needs. */
#include <cmocka.h>

struct item {
    int number;
    struct list node;
};

/* The numbers on the list, popped, must be 1 to `count`. */
static void holds_1_to(struct list *head, int count)
{
    for (int i = 1; i <= count; i++) {
        struct list *node = list_pop(head);

        assert_non_null(node);
        assert_int_equal(LIST_ITEM(node, struct item, node)->number, i);
        assert_true(list_is_empty(node));
    }
    assert_null(list_pop(head));
}

static void test_first_in_first_out(void **state)
{
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list head;

    (void)state;
    list_init(&head);
    assert_true(list_is_empty(&head));
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        list_append(&head, &items[i].node);
    assert_false(list_is_empty(&head));
    holds_1_to(&head, 3);
}

static void test_remove_from_anywhere_and_nowhere(void **state)
{
    struct item items[] = {{.number = 9}, {.number = 1}, {.number = 9}, {.number = 2}};
    struct item zero = {0};
    struct list head;

    (void)state;
    list_init(&head);
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        list_append(&head, &items[i].node);
    list_remove(&items[0].node);
    list_remove(&items[2].node);
    list_remove(&items[2].node);
    list_remove(&zero.node);
    holds_1_to(&head, 2);
}

static void test_splice_keeps_order(void **state)
{
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list first, second;

    (void)state;
    list_init(&first);
    list_init(&second);
    list_splice(&first, &second);
    assert_true(list_is_empty(&first));
    list_append(&first, &items[0].node);
    list_append(&second, &items[1].node);
    list_append(&second, &items[2].node);
    list_splice(&first, &second);
    assert_true(list_is_empty(&second));
    holds_1_to(&first, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_in_first_out),
        cmocka_unit_test(test_remove_from_anywhere_and_nowhere),
        cmocka_unit_test(test_splice_keeps_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
