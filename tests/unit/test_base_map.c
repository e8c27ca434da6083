/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void test_get_put_remove(void **state)
{
    struct map *m = map_new();
    uint64_t value = 7;

    (void)state;
    assert_false(map_get(m, 1, &value));
    assert_int_equal(value, 7);
    map_put(m, 1, 10);
    map_put(m, 1, 11);
    assert_true(map_get(m, 1, &value));
    assert_int_equal(value, 11);
    assert_int_equal(map_count(m), 1);
    assert_true(map_remove(m, 1));
    assert_false(map_remove(m, 1));
    assert_int_equal(map_count(m), 0);
    map_free(m);
    map_free(NULL);
}

static void test_key_zero_is_a_key(void **state)
{
    struct map *m = map_new();
    uint64_t value = 7;

    (void)state;
    assert_false(map_get(m, 0, &value));
    assert_int_equal(value, 7);
    map_put(m, 0, 5);
    assert_true(map_get(m, 0, &value));
    assert_int_equal(value, 5);
    assert_int_equal(map_count(m), 1);
    assert_true(map_remove(m, 0));
    assert_false(map_remove(m, 0));
    map_put(m, 0, 5);
    map_clear(m);
    assert_false(map_get(m, 0, &value));
    map_free(m);
}

static void test_made_for_as_many_and_more(void **state)
{
    struct map *m = map_new_for(1000);
    uint64_t value = 0;

    (void)state;
    for (uint64_t key = 1; key <= 3000; key++)
        map_put(m, key, 2 * key);
    for (uint64_t key = 1; key <= 3000; key++) {
        assert_true(map_get(m, key, &value));
        assert_int_equal(value, 2 * key);
    }
    assert_int_equal(map_count(m), 3000);
    map_free(m);
}

enum { KEYS = 512, MOVES = 100000 };

/* The same moves on the map and on a plain array must show the same. */
static void test_behaves_as_an_array_would(void **state)
{
    static uint64_t values[KEYS];
    static bool present[KEYS];
    struct map *m = map_new();
    uint64_t seed = 42;
    size_t count = 0;

    (void)state;
    for (int i = 0; i < MOVES; i++) {
        uint64_t key = next(&seed) % KEYS;
        uint64_t value = 0;

        assert_int_equal(map_get(m, key, &value), present[key]);
        if (present[key])
            assert_int_equal(value, values[key]);
        if (next(&seed) % 2) {
            values[key] = next(&seed);
            map_put(m, key, values[key]);
            count += present[key] ? 0 : 1;
            present[key] = true;
        } else {
            assert_int_equal(map_remove(m, key), present[key]);
            count -= present[key] ? 1 : 0;
            present[key] = false;
        }
        assert_int_equal(map_count(m), count);
    }
    map_free(m);
}

struct visit {
    uint64_t sum;
    size_t seen;
    size_t stop_after;
};

static bool on_pair(void *context, uint64_t key, uint64_t value)
{
    struct visit *v = context;

    assert_int_equal(value, key * 3);
    v->sum += key;
    return ++v->seen != v->stop_after;
}

static void test_each_visits_all_and_stops(void **state)
{
    struct map *m = map_new();
    struct visit all = {0};
    struct visit some = {.stop_after = 10};

    (void)state;
    for (uint64_t key = 0; key < 10000; key++)
        map_put(m, key, key * 3);
    map_each(m, on_pair, &all);
    assert_int_equal(all.seen, 10000);
    assert_int_equal(all.sum, 10000 * 9999 / 2);
    map_each(m, on_pair, &some);
    assert_int_equal(some.seen, 10);
    map_clear(m);
    assert_int_equal(map_count(m), 0);
    map_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_put_remove),
        cmocka_unit_test(test_key_zero_is_a_key),
        cmocka_unit_test(test_made_for_as_many_and_more),
        cmocka_unit_test(test_behaves_as_an_array_would),
        cmocka_unit_test(test_each_visits_all_and_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
