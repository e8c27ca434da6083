/* SPDX-License-Identifier: MIT */
#include "base/csv_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static void check(const char *field, const char *expected)
{
    struct buf out = buf_new(256);

    csv_write_field(&out, field, strlen(field), true);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void check_safe(const char *field, const char *expected)
{
    struct buf out = buf_new(256);

    csv_write_safe(&out, field, true);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void test_quotes_what_must_be(void **state)
{
    (void)state;
    check("plain", "plain");
    check("a b", "a b");
    check("a,b", "\"a,b\"");
    check("a\"b", "\"a\"\"b\"");
    check("a\nb", "\"a\nb\"");
    check("a\rb", "\"a\rb\"");
    check(" a", "\" a\"");
    check("a\t", "\"a\t\"");
    check("", "\"\"");
}

static void test_never_begins_like_json(void **state)
{
    struct buf out = buf_new(256);

    (void)state;
    check("[a", "\"[a\"");
    check("{", "\"{\"");
    csv_write_field(&out, "a", 1, true);
    csv_write_field(&out, "[", 1, false);
    assert_string_equal(buf_text(&out), "a,[");
    buf_free(&out);
}

static void test_commas_between_fields(void **state)
{
    struct buf out = buf_new(256);

    (void)state;
    csv_write_field(&out, "a", 1, true);
    csv_write_field(&out, "", 0, false);
    csv_write_field(&out, "b", 1, false);
    assert_string_equal(buf_text(&out), "a,,b");
    buf_free(&out);
}

static void test_formulas_are_defused(void **state)
{
    (void)state;
    check_safe("=1+1", "'=1+1");
    check_safe("+919800000001", "'+919800000001");
    check_safe("-2", "'-2");
    check_safe("@SUM(A1)", "'@SUM(A1)");
    check_safe("\t=1", "'\t=1");
    check_safe("=\"a\",b", "\"'=\"\"a\"\",b\"");
    check_safe("1=1", "1=1");
}

static void test_a_cap_that_is_passed_shows(void **state)
{
    struct buf out = buf_new(4);

    (void)state;
    csv_write_safe(&out, "=12345", true);
    assert_false(buf_ok(&out));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes_what_must_be),
        cmocka_unit_test(test_never_begins_like_json),
        cmocka_unit_test(test_commas_between_fields),
        cmocka_unit_test(test_formulas_are_defused),
        cmocka_unit_test(test_a_cap_that_is_passed_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
