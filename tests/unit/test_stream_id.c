/* SPDX-License-Identifier: MIT */
#include "core/stream_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static void round_trip(const char *text, uint64_t ms, uint64_t seq)
{
    char out[STREAM_ID_SIZE];
    struct stream_id id;

    assert_true(stream_id_parse(text, strlen(text), &id));
    assert_true(id.ms == ms && id.seq == seq);
    assert_string_equal(stream_id_text(id, out), text);
}

static void test_text(void **state)
{
    (void)state;
    round_trip("0-0", 0, 0);
    round_trip("1795648507746-12", 1795648507746, 12);
    round_trip("18446744073709551615-18446744073709551615", UINT64_MAX, UINT64_MAX);
}

static void test_bad_text(void **state)
{
    static const char *const bads[] = {
        "",
        "-",
        "1",
        "1-",
        "-1",
        "1-2-3",
        "1-2 ",
        " 1-2",
        "a-1",
        "1-a",
        "+1-2",
        "1--2",
        "18446744073709551616-0",
        "0-18446744073709551616",
        "99999999999999999999999-1",
    };
    struct stream_id id;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bads); i++)
        if (stream_id_parse(bads[i], strlen(bads[i]), &id))
            fail_msg("%s is let through", bads[i]);
    assert_false(stream_id_parse("1-2", 2, &id));
}

static void test_order(void **state)
{
    const struct stream_id ids[] = {
        {0, 0}, {0, 1}, {0, UINT64_MAX}, {1, 0}, {1, 1}, {UINT64_MAX, UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        for (size_t j = 0; j < ARRAY_SIZE(ids); j++)
            assert_int_equal(stream_id_compare(ids[i], ids[j]), (i > j) - (i < j));
}

static void test_next(void **state)
{
    struct stream_id next = stream_id_next((struct stream_id){5, 6});

    (void)state;
    assert_true(next.ms == 5 && next.seq == 7);
    next = stream_id_next((struct stream_id){5, UINT64_MAX});
    assert_true(next.ms == 6 && next.seq == 0);
    next = stream_id_next((struct stream_id){UINT64_MAX, UINT64_MAX});
    assert_true(next.ms == UINT64_MAX && next.seq == UINT64_MAX);
}

static void test_before(void **state)
{
    struct stream_id before = stream_id_before((struct stream_id){5, 6});

    (void)state;
    assert_true(before.ms == 5 && before.seq == 5);
    before = stream_id_before((struct stream_id){5, 0});
    assert_true(before.ms == 4 && before.seq == UINT64_MAX);
    before = stream_id_before((struct stream_id){0, 0});
    assert_true(before.ms == 0 && before.seq == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_bad_text), cmocka_unit_test(test_order),
        cmocka_unit_test(test_next), cmocka_unit_test(test_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
