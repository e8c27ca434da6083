/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

static void test_ints_are_whole_and_in_range(void **state)
{
    static const char *const bad[] = {
        "", "-", " 1", "1 ", "+1", "1x", "0x1", "1.0", "--1", "9223372036854775808", "-11", "101"};
    int64_t value = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(text_to_int(bad[i], -10, 100, &value));
    assert_int_equal(value, 7);
    assert_true(text_to_int("-10", -10, 100, &value) && value == -10);
    assert_true(text_to_int("0100", -10, 100, &value) && value == 100);
    assert_true(text_to_int("-9223372036854775808", INT64_MIN, 0, &value) && value == INT64_MIN);
}

static void test_doubles_are_plain_decimals(void **state)
{
    static const char *const bad[] = {"",      " 1",    "1 ",   "nan", "inf",
                                      "0x1p3", "1e999", "1..2", "-",   "1e"};
    double value = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(text_to_double(bad[i], -1e300, 1e300, &value));
    assert_true(text_to_double("80.5", 0, 100, &value) && value == 80.5);
    assert_true(text_to_double("1e3", 0, 1000, &value) && value == 1000);
    assert_false(text_to_double("1000.1", 0, 1000, &value));
    assert_false(text_to_double("-0.1", 0, 1000, &value));
}

static void check_time(const char *text, int64_t expected)
{
    int64_t ms = 0;

    if (!text_to_time_ms(text, strlen(text), &ms))
        fail_msg("refused: %s", text);
    assert_int_equal(ms, expected);
}

static void test_times(void **state)
{
    (void)state;
    check_time("1970-01-01T00:00:00Z", 0);
    check_time("2026-04-02T09:30:00.125Z", INT64_C(1775122200125));
    check_time("2026-04-02T15:00:00.125+05:30", INT64_C(1775122200125));
    check_time("2026-04-02t04:30:00-05:00", INT64_C(1775122200000));
    check_time("2026-04-02 09:30:00.1259999999999999999Z", INT64_C(1775122200125));
    check_time("2024-02-29T00:00:00Z", INT64_C(1709164800000));
    check_time("2000-02-29T23:59:60Z", INT64_C(951868800000));
    check_time("1775122200", INT64_C(1775122200000));
    check_time("0", 0);
}

static void test_bad_times(void **state)
{
    static const char *const bad[] = {
        "",
        "tomorrow",
        "2026-04-02",
        "2026-04-02T09:30Z",
        "2026-04-02T09:30:00",
        "2026-13-02T09:30:00Z",
        "2026-00-02T09:30:00Z",
        "2026-04-31T09:30:00Z",
        "2025-02-29T09:30:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-02T24:00:00Z",
        "2026-04-02T09:60:00Z",
        "2026-04-02T09:30:61Z",
        "2026-04-02T09:30:00.Z",
        "2026-04-02T09:30:00Zx",
        "2026-04-02T09:30:00+5:30",
        "2026-04-02T09:30:00+24:00",
        "2026-4-2T09:30:00Z",
        "-1",
        "1775122200125",
        "1775122200.5",
        " 1775122200",
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (text_to_time_ms(bad[i], strlen(bad[i]), &ms))
            fail_msg("taken: %s", bad[i]);
    assert_false(text_to_time_ms("17\0", 3, &ms));
    assert_true(text_to_time_ms("17xx", 2, &ms)); /* the length holds, not a NUL */
}

static void test_copy_keeps_characters_whole(void **state)
{
    char out[5];

    (void)state;
    text_copy(out, sizeof(out), "abc", 3);
    assert_string_equal(out, "abc");
    text_copy(out, sizeof(out), "abc\xC3\xA9", 5);
    assert_string_equal(out, "abc");
    text_copy(out, sizeof(out), "ab\xC3\xA9z", 5);
    assert_string_equal(out, "ab\xC3\xA9");
    text_copy(out, 1, "abc", 3);
    assert_string_equal(out, "");
}

static void test_grouped(void **state)
{
    char out[32];

    (void)state;
    text_grouped(0, out);
    assert_string_equal(out, "0");
    text_grouped(999, out);
    assert_string_equal(out, "999");
    text_grouped(1000, out);
    assert_string_equal(out, "1,000");
    text_grouped(UINT64_MAX, out);
    assert_string_equal(out, "18,446,744,073,709,551,615");
}

static void test_distance(void **state)
{
    char longer[80];

    (void)state;
    assert_int_equal(text_distance("", ""), 0);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("rate", "rate"), 0);
    assert_int_equal(text_distance("rate", "rte"), 1);
    assert_int_equal(text_distance("rate", "raet"), 1);
    assert_int_equal(text_distance("rate", "gate"), 1);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(text_distance(longer, "a"), 79);
}

static void quoted_is(const char *text, const char *wanted)
{
    struct buf out = buf_new(1000);

    text_quote(&out, text);
    assert_string_equal(buf_text(&out), wanted);
    buf_free(&out);
}

static void test_quoted_where_a_shell_needs_it(void **state)
{
    (void)state;
    quoted_is("results-2.csv", "results-2.csv");
    quoted_is("/a/b_c:d=e,f+g@h%", "/a/b_c:d=e,f+g@h%");
    quoted_is("", "''");
    quoted_is("two words", "'two words'");
    quoted_is("$HOME", "'$HOME'");
    quoted_is("it's", "'it'\\''s'");
    quoted_is("~", "'~'");
    quoted_is("जाँच", "'जाँच'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ints_are_whole_and_in_range),
        cmocka_unit_test(test_doubles_are_plain_decimals),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_bad_times),
        cmocka_unit_test(test_copy_keeps_characters_whole),
        cmocka_unit_test(test_grouped),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_quoted_where_a_shell_needs_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
