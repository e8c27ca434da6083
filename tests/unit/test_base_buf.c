/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static void test_adds_of_every_kind(void **state)
{
    struct buf b = buf_new(1000);

    (void)state;
    assert_string_equal(buf_text(&b), "");
    buf_adds(&b, "ab");
    buf_addc(&b, 'c');
    buf_add(&b, "d\0e", 3);
    buf_addf(&b, "%d-%s", 7, "x");
    assert_int_equal(b.len, 9);
    assert_memory_equal(b.data, "abcd\0e7-x", 10);
    assert_true(buf_ok(&b));
    buf_free(&b);
    assert_int_equal(b.max, 1000);
}

static void test_ints(void **state)
{
    struct buf b = buf_new(1000);

    (void)state;
    buf_add_int(&b, 0);
    buf_addc(&b, ' ');
    buf_add_int(&b, INT64_MIN);
    buf_addc(&b, ' ');
    buf_add_int(&b, INT64_MAX);
    assert_string_equal(buf_text(&b), "0 -9223372036854775808 9223372036854775807");
    buf_free(&b);
}

static void test_cap_refuses_whole_and_sticks(void **state)
{
    struct buf b = buf_new(5);

    (void)state;
    buf_adds(&b, "abc");
    buf_adds(&b, "def");
    assert_string_equal(buf_text(&b), "abc");
    assert_false(buf_ok(&b));
    buf_adds(&b, "de");
    buf_addf(&b, "%d", 1);
    assert_string_equal(buf_text(&b), "abcde");
    assert_false(buf_ok(&b));
    buf_clear(&b);
    assert_true(buf_ok(&b));
    assert_string_equal(buf_text(&b), "");
    buf_free(&b);
}

static void test_over_stays_in_its_memory(void **state)
{
    char memory[6] = "xxxxx";
    struct buf b = buf_over(memory, 5);

    (void)state;
    assert_string_equal(buf_text(&b), "");
    buf_adds(&b, "abcd");
    assert_true(buf_ok(&b));
    assert_ptr_equal(b.data, memory);
    buf_addc(&b, 'e');
    assert_false(buf_ok(&b));
    assert_string_equal(memory, "abcd");
}

static void test_cut_and_consume(void **state)
{
    struct buf b = buf_new(6);

    (void)state;
    buf_cut(&b, 3);
    buf_consume(&b, 3);
    buf_adds(&b, "abcdef");
    buf_addc(&b, 'g');
    buf_cut(&b, 4);
    assert_string_equal(buf_text(&b), "abcd");
    assert_true(buf_ok(&b));
    buf_consume(&b, 1);
    assert_string_equal(buf_text(&b), "bcd");
    buf_consume(&b, 9);
    assert_string_equal(buf_text(&b), "");
    buf_free(&b);
}

static void test_take_gives_the_memory_away(void **state)
{
    struct buf b = buf_new(100);
    char *text;

    (void)state;
    buf_adds(&b, "abc");
    text = buf_take(&b);
    assert_string_equal(text, "abc");
    assert_int_equal(b.len, 0);
    mem_free(text);
    text = buf_take(&b);
    assert_string_equal(text, "");
    mem_free(text);
}

static void test_grows_to_any_size(void **state)
{
    struct buf b = buf_new(100000);

    (void)state;
    for (int i = 0; i < 100000; i++)
        buf_addc(&b, (char)('a' + i % 26));
    assert_true(buf_ok(&b));
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    buf_addc(&b, 'x');
    assert_false(buf_ok(&b));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_of_every_kind),
        cmocka_unit_test(test_ints),
        cmocka_unit_test(test_cap_refuses_whole_and_sticks),
        cmocka_unit_test(test_over_stays_in_its_memory),
        cmocka_unit_test(test_cut_and_consume),
        cmocka_unit_test(test_take_gives_the_memory_away),
        cmocka_unit_test(test_grows_to_any_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
