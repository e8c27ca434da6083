/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

enum { MAX = 4096 };

static struct json *parse(const char *text)
{
    return json_parse(text, strlen(text), MAX, NULL);
}

static void refused(const char *text, size_t len, const char *reason)
{
    struct err e = {0};

    assert_null(json_parse(text, len, MAX, &e));
    assert_int_equal(e.code, EXIT_BAD_DATA);
    if (!strstr(e.text, reason))
        fail_msg("'%s': '%s' is not in '%s'", text, reason, e.text);
}

#define REFUSED(text, reason) refused(text, sizeof(text) - 1, reason)

/* Parsed and written again it is `text`. */
static void survives(const char *text)
{
    struct json *root = parse(text);
    struct buf out = buf_new(MAX);

    assert_non_null(root);
    json_write(&out, root);
    assert_string_equal(buf_text(&out), text);
    buf_free(&out);
    json_free(root);
}

static void test_takes_every_kind_of_value(void **state)
{
    (void)state;
    survives("{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"x\"},\"e\":-1.50e-3}");
    survives("[]");
    survives("{}");
    survives("\"text\"");
    survives("-9223372036854775808");
    survives("9223372036854775807");
    survives("0.1");
    survives("true");
    survives("[\"\\u0001\\b\\f\\n\\r\\t\\\"\\\\/\",\"\xE2\x9C\x85 \xF0\x9F\x93\xB1\"]");
}

static void test_takes_escapes_and_space(void **state)
{
    struct json *root = parse(" \t\r\n[ \"\\u0041\\/\\u00e9\\ud83d\\ude00\" , 1 ] \n");
    size_t len;

    (void)state;
    assert_string_equal(json_string(json_at(root, 0), &len), "A/\xC3\xA9\xF0\x9F\x98\x80");
    assert_int_equal(len, 8);
    json_free(root);
}

static void test_half_a_surrogate_pair_is_replaced(void **state)
{
    struct json *root = parse("\"\\ud800\"");

    (void)state;
    assert_string_equal(json_string(root, NULL), "\xEF\xBF\xBD");
    json_free(root);
}

static void test_refuses_what_json_c_would_take(void **state)
{
    (void)state;
    REFUSED("{'a':1}", "double quotes");
    REFUSED("['a']", "no value");
    REFUSED("NaN", "no value");
    REFUSED("[nan]", "no value");
    REFUSED("[Infinity]", "no value");
    REFUSED("[-Infinity]", "digit");
    REFUSED("[True]", "no value");
    REFUSED("[\"a\nb\"]", "control character");
    REFUSED("[\"a\tb\"]", "control character");
    REFUSED("/* c */ 1", "no value");
    REFUSED("[1,]", "no value");
    REFUSED("{\"a\":1,}", "double quotes");
    REFUSED("[01]", "bracket");
    REFUSED("[1.]", "digit");
    REFUSED("[.5]", "no value");
    REFUSED("[+1]", "no value");
    REFUSED("[1e]", "digit");
    REFUSED("[\"\\x41\"]", "escape");
    REFUSED("[\"\\u12g4\"]", "hex");
}

static void test_refuses_nul(void **state)
{
    (void)state;
    REFUSED("{\"a\\u0000b\":1}", "NUL");
    REFUSED("[\"a\\u0000b\"]", "NUL");
    REFUSED("[\"a\0b\"]", "control character");
    REFUSED("[1]\0", "follows");
}

static void test_refuses_duplicate_keys(void **state)
{
    (void)state;
    REFUSED("{\"a\":1,\"a\":2}", "twice");
    REFUSED("{\"a\":1,\"\\u0061\":2}", "twice");
    REFUSED("[{\"x\":[{\"a\":{},\"b\":1,\"a\":{}}]}]", "twice");
    REFUSED("{\"a\":{\"b\":1},\"a\":{\"b\":1}}", "twice");
    survives("{\"a\":{\"a\":1},\"b\":{\"a\":1}}");
}

static void test_refuses_numbers_that_do_not_fit(void **state)
{
    (void)state;
    REFUSED("9223372036854775808", "64 bits");
    REFUSED("-9223372036854775809", "64 bits");
    REFUSED("[99999999999999999999999]", "64 bits");
    REFUSED("[1e999]", "64 bits");
    REFUSED("[0.0000000000000000000000000000000000000000000000000000000000000000001]", "64 bits");
}

static void test_refuses_trailing_garbage_and_cut_text(void **state)
{
    static const char whole[] = "{\"a\":[1,\"\\u00e9\",true,null]}";

    (void)state;
    REFUSED("{} x", "follows");
    REFUSED("1 2", "follows");
    REFUSED("{}{}", "follows");
    REFUSED("[1 2]", "bracket");
    REFUSED("{\"a\" 1}", "':'");
    REFUSED("]", "no value");
    REFUSED("", "too early");
    REFUSED("  ", "too early");
    for (size_t len = 0; len < sizeof(whole) - 1; len++)
        assert_null(json_parse(whole, len, MAX, NULL));
}

static void test_refuses_invalid_utf8(void **state)
{
    (void)state;
    REFUSED("[\"\xFF\"]", "UTF-8");
    REFUSED("[\"\xC0\x80\"]", "UTF-8");
    REFUSED("[\"\xED\xA0\x80\"]", "UTF-8");
    REFUSED("{\"\xE2\x82\":1}", "UTF-8");
}

static void test_caps_depth_and_size(void **state)
{
    static const char deepest[] = "[[[[[[[[[[[[[[[{\"a\":1}]]]]]]]]]]]]]]]";

    (void)state;
    survives(deepest);
    REFUSED("[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]", "too deep");
    assert_null(json_parse("[1234]", 6, 5, NULL));
    json_free(json_parse("[123]", 5, 5, NULL));
    REFUSED("null", "null");
}

static void test_survives_a_flood_of_brackets(void **state)
{
    static char flood[MAX];

    (void)state;
    memset(flood, '[', sizeof(flood));
    assert_null(json_parse(flood, sizeof(flood), sizeof(flood), NULL));
}

static void test_accessors_check_the_type(void **state)
{
    struct json *root = parse("{\"s\":\"12\",\"i\":12,\"d\":12.0,\"h\":1.5,\"b\":true,\"n\":null,"
                              "\"a\":[1],\"big\":1e300}");
    int64_t number = 0;
    bool flag = false;

    (void)state;
    assert_true(json_int(json_get(root, "s"), &number) && number == 12);
    assert_true(json_int(json_get(root, "i"), &number) && number == 12);
    assert_true(json_int(json_get(root, "d"), &number) && number == 12);
    assert_false(json_int(json_get(root, "h"), &number));
    assert_false(json_int(json_get(root, "big"), &number));
    assert_false(json_int(json_get(root, "b"), &number));
    assert_false(json_int(json_get(root, "a"), &number));
    assert_false(json_int(json_get(root, "none"), &number));
    assert_true(json_bool(json_get(root, "b"), &flag) && flag);
    assert_false(json_bool(json_get(root, "i"), &flag));
    assert_null(json_string(json_get(root, "i"), NULL));
    assert_null(json_string(json_get(root, "a"), NULL));
    assert_null(json_get(root, "n"));
    assert_int_equal(json_type(json_get(root, "n")), JSON_NULL);
    assert_int_equal(json_count(root), 8);
    assert_int_equal(json_count(json_get(root, "s")), 0);
    assert_null(json_at(json_get(root, "a"), 1));
    assert_null(json_at(root, 0));
    assert_null(json_get(json_get(root, "a"), "x"));
    json_free(root);
}

static void test_accessors_take_null(void **state)
{
    int64_t number;
    bool flag;

    (void)state;
    assert_int_equal(json_type(NULL), JSON_NULL);
    assert_null(json_get(NULL, "a"));
    assert_null(json_at(NULL, 0));
    assert_null(json_string(NULL, NULL));
    assert_false(json_int(NULL, &number));
    assert_false(json_bool(NULL, &flag));
    assert_int_equal(json_count(NULL), 0);
    json_free(NULL);
}

static void test_digits_in_a_string_must_be_the_whole_string(void **state)
{
    struct json *root = parse("[\"12x\",\" 12\",\"\",\"9223372036854775808\",\"-7\"]");
    int64_t number = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_false(json_int(json_at(root, i), &number));
    assert_true(json_int(json_at(root, 4), &number) && number == -7);
    json_free(root);
}

static bool on_member(void *context, const char *key, const struct json *value)
{
    (void)value;
    strncat((char *)context, key, 1);
    return *key != 'c';
}

static void test_each_keeps_order_and_stops(void **state)
{
    struct json *root = parse("{\"b\":1,\"a\":2,\"c\":3,\"d\":4}");
    char seen[8] = "";

    (void)state;
    assert_false(json_each(root, on_member, seen));
    assert_string_equal(seen, "bac");
    assert_true(json_each(NULL, on_member, seen));
    json_free(root);
}

static void test_writer_puts_commas_and_keys(void **state)
{
    struct buf out = buf_new(MAX);
    struct json_writer w = {.out = &out};

    (void)state;
    json_begin(&w, NULL, '{');
    json_put_int(&w, "v", 1);
    json_begin(&w, "list", '[');
    json_put_string(&w, NULL, "a\"b");
    json_put_string(&w, NULL, NULL);
    json_begin(&w, NULL, '{');
    json_end(&w, '}');
    json_end(&w, ']');
    json_put_bool(&w, "yes", true);
    json_put_double(&w, "half", 0.5, 2);
    json_put_double(&w, "none", 1.0 / 0.0, 2);
    json_put_raw(&w, "raw", "[1]");
    json_end(&w, '}');
    assert_string_equal(buf_text(&out), "{\"v\":1,\"list\":[\"a\\\"b\",null,{}],\"yes\":true,"
                                        "\"half\":0.50,\"none\":null,\"raw\":[1]}");
    buf_free(&out);
}

static void test_written_text_is_always_valid(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct buf out = buf_new(MAX);
        char bytes[24];
        struct json *read;

        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24 ? seed >> 24 : 1);
        }
        json_write_string(&out, bytes, sizeof(bytes));
        read = parse(buf_text(&out));
        assert_non_null(read);
        json_free(read);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_every_kind_of_value),
        cmocka_unit_test(test_takes_escapes_and_space),
        cmocka_unit_test(test_half_a_surrogate_pair_is_replaced),
        cmocka_unit_test(test_refuses_what_json_c_would_take),
        cmocka_unit_test(test_refuses_nul),
        cmocka_unit_test(test_refuses_duplicate_keys),
        cmocka_unit_test(test_refuses_numbers_that_do_not_fit),
        cmocka_unit_test(test_refuses_trailing_garbage_and_cut_text),
        cmocka_unit_test(test_refuses_invalid_utf8),
        cmocka_unit_test(test_caps_depth_and_size),
        cmocka_unit_test(test_survives_a_flood_of_brackets),
        cmocka_unit_test(test_accessors_check_the_type),
        cmocka_unit_test(test_accessors_take_null),
        cmocka_unit_test(test_digits_in_a_string_must_be_the_whole_string),
        cmocka_unit_test(test_each_keeps_order_and_stops),
        cmocka_unit_test(test_writer_puts_commas_and_keys),
        cmocka_unit_test(test_written_text_is_always_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
