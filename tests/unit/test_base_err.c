/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static void test_set_and_wrap(void **state)
{
    struct err e;

    (void)state;
    assert_false(err_set(&e, EXIT_BAD_DATA, "line %d is bad", 7));
    assert_int_equal(e.code, EXIT_BAD_DATA);
    assert_string_equal(e.text, "line 7 is bad");
    assert_false(err_wrap(&e, "file %s", "a.csv"));
    assert_string_equal(e.text, "file a.csv: line 7 is bad");
    assert_int_equal(e.code, EXIT_BAD_DATA);
}

static void test_one_line_whatever_it_quotes(void **state)
{
    struct err e;

    (void)state;
    (void)err_set(&e, EXIT_USAGE, "--name: '%s' is none", "a\nb\t\x1b[31m\x7f");
    assert_string_equal(e.text, "--name: 'a b  [31m ' is none");
    (void)err_wrap(&e, "%s", "x\ry");
    assert_string_equal(e.text, "x y: --name: 'a b  [31m ' is none");
}

static void test_nobody_listens(void **state)
{
    (void)state;
    assert_false(err_set(NULL, EXIT_BUG, "x"));
    assert_false(err_wrap(NULL, "x"));
}

static void test_long_texts_are_cut(void **state)
{
    char text[2000];
    struct err e;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)err_set(&e, EXIT_BUG, "%s", text); /* false is all it says */
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
    (void)err_wrap(&e, "where");
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
    assert_memory_equal(e.text, "where: xxx", 10);
    for (size_t len = sizeof(e.text) - 6; len < sizeof(e.text) + 3; len++) {
        (void)err_set(&e, EXIT_BUG, "inner");
        (void)err_wrap(&e, "%.*s", (int)len, text);
        assert_true(strlen(e.text) < sizeof(e.text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_wrap),
        cmocka_unit_test(test_one_line_whatever_it_quotes),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_long_texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
