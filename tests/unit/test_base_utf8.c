/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

/* Writes `code` by the rules of UTF-8, also where they forbid it. */
static size_t encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static void test_every_code_point(void **state)
{
    char text[4];

    (void)state;
    for (uint32_t code = 0; code < 0x140000; code++) {
        size_t len = encode(code, text);
        int is_character = code < 0xD800 || (code > 0xDFFF && code < 0x110000);

        assert_int_equal(utf8_is_valid(text, len), is_character);
        assert_int_equal(utf8_step(text, len), is_character ? len : 0);
        if (is_character)
            assert_int_equal(utf8_count_utf16(text, len), code < 0x10000 ? 1 : 2);
        if (len > 1)
            assert_false(utf8_is_valid(text, len - 1));
    }
}

static void test_overlong_and_stray_bytes(void **state)
{
    static const char *const bad[] = {
        "\xC0\x80",
        "\xC1\xBF",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\x80",
        "\xBF",
        "\xFE",
        "\xFF",
        "\xF8\x88\x80\x80\x80",
        "\xC3(",
        "\xE2\x82(",
        "abcdefgh\x80",
        "abcdefghijk\xC3",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
    assert_true(utf8_is_valid("", 0));
    assert_true(utf8_is_valid("a\0b", 3));
}

static void test_controls(void **state)
{
    char text[4];

    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        size_t len = encode(code, text);
        bool is_control = code < 0x20 || (code >= 0x7F && code < 0xA0);

        assert_int_equal(utf8_has_control(text, len), is_control);
        assert_int_equal(utf8_is_control(text, utf8_step(text, len)), is_control);
    }
    assert_true(utf8_has_control("abc\xC2\x9B", 5));
    assert_false(utf8_has_control("abc\xC2\x9B", 4));
    assert_false(utf8_has_control("", 0));
}

static void test_cut_never_splits(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* 1 2 3 4 1 bytes */
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};

    (void)state;
    for (size_t max = 0; max < ARRAY_SIZE(expected); max++) {
        size_t cut = utf8_cut(text, sizeof(text) - 1, max);

        assert_int_equal(cut, expected[max]);
        assert_true(utf8_is_valid(text, cut));
    }
}

static void test_cut_loses_little_of_invalid_text(void **state)
{
    (void)state;
    assert_int_equal(utf8_cut("\x80\x80\x80\x80\x80\x80\x80", 7, 6), 6);
    assert_int_equal(utf8_cut("\x80\x80", 2, 1), 1);
    assert_int_equal(utf8_cut("\x80\x80", 2, 0), 0);
}

static void test_counts_as_utf16(void **state)
{
    (void)state;
    assert_int_equal(utf8_count_utf16("", 0), 0);
    assert_int_equal(utf8_count_utf16("abc", 3), 3);
    assert_int_equal(utf8_count_utf16("\xC3\xA9\xE2\x82\xAC", 5), 2);
    assert_int_equal(utf8_count_utf16("\xF0\x9F\x98\x80", 4), 2);
}

static void test_columns(void **state)
{
    static const char text[] = "a\xC3\xA9\xE7\xB5\x90\xF0\x9F\x98\x80\xFF"
                               "z"; /* 1 1 2 2 1 1 columns */
    static const size_t expected[] = {0, 1, 3, 3, 6, 6, 10, 11, 12, 12};

    (void)state;
    assert_int_equal(utf8_columns("", 0), 0);
    assert_int_equal(utf8_columns(text, sizeof(text) - 1), 8);
    for (size_t max = 0; max < ARRAY_SIZE(expected); max++)
        assert_int_equal(utf8_fit(text, sizeof(text) - 1, max), expected[max]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_overlong_and_stray_bytes),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_cut_never_splits),
        cmocka_unit_test(test_cut_loses_little_of_invalid_text),
        cmocka_unit_test(test_counts_as_utf16),
        cmocka_unit_test(test_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
