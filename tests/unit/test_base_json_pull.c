/* SPDX-License-Identifier: MIT */
#include "base/json_pull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static bool whole(const char *text)
{
    return json_pull_whole(text, strlen(text));
}

static struct json_pull at(const char *text)
{
    assert_true(whole(text));
    return (struct json_pull){text, text + strlen(text)};
}

static void whole_texts(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "1",
        "\"a\"",
        " null ",
        "[1,2]",
        "{\"a\":[{},[]],\"b\":\"]\\\"}\"}",
        "[[[[]]]]",
        "{\"a\":{\"b\":{}}}",
        "\"\\\\\"",
        "{\"a\":1,\"a\":2}",
        "\"\\u0000\"",
    };
    static const char *const bad[] = {
        "",    " ",      "[",       "]",         "{",          "[}",    "{]",  "[1",
        "[1,", "[1,]",   "{\"a\"}", "{\"a\":}",  "{\"a\":1,}", "{1:2}", "1 2", "[] []",
        "\"",  "\"\\\"", "[,1]",    "{\"a\":1]", "{,}",        ":",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(whole(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(whole(bad[i]));
}

static void depth_has_a_limit(void **state)
{
    enum { DEPTH = JSON_PULL_DEPTH_MAX + 1 };
    char text[2 * DEPTH];

    (void)state;
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    assert_false(json_pull_whole(text, sizeof(text)));
    assert_true(json_pull_whole(text + 1, sizeof(text) - 2));
}

static void a_walk(void **state)
{
    struct json_pull p = at("{ \"skip\":{\"a\":[1,\"]\"]}, \"n\" : \"42\" ,\"list\":[1,{},\"x\"]}");
    struct json_pull_text key, text;
    int64_t number = 0;

    (void)state;
    assert_false(json_pull_open(&p, '['));
    assert_true(json_pull_open(&p, '{'));
    assert_true(json_pull_member(&p, &key) && json_pull_is(&key, "skip"));
    json_pull_skip(&p);
    assert_true(json_pull_member(&p, &key) && json_pull_is(&key, "n"));
    assert_true(json_pull_read(&p, &text) && text.quoted && json_pull_int(&text, &number));
    assert_int_equal(number, 42);
    assert_true(json_pull_member(&p, &key) && json_pull_is(&key, "list"));
    assert_true(json_pull_open(&p, '['));
    assert_true(json_pull_element(&p) && json_pull_read(&p, &text) && !text.quoted);
    assert_true(json_pull_element(&p) && !json_pull_read(&p, &text)); /* passes over it */
    assert_true(json_pull_element(&p) && json_pull_read(&p, &text) && json_pull_is(&text, "x"));
    assert_false(json_pull_element(&p));
    assert_false(json_pull_member(&p, &key));
    assert_ptr_equal(p.at, p.end);
}

static void numbers(void **state)
{
    static const char *const none[] = {"1.5",
                                       "true",
                                       "\"\"",
                                       "\"1x\"",
                                       "99999999999999999999",
                                       "1000000000000000000000000000000000000000"};
    struct json_pull_text text;
    int64_t number;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        struct json_pull p = at(none[i]);

        assert_true(json_pull_read(&p, &text));
        assert_false(json_pull_int(&text, &number));
    }
}

static void copied(const char *json, const char *expected, size_t size, bool fits)
{
    struct json_pull p = at(json);
    struct json_pull_text text;
    char out[64];

    assert_true(json_pull_read(&p, &text));
    assert_int_equal(json_pull_copy(&text, out, size), fits);
    assert_string_equal(out, expected);
}

static void copies(void **state)
{
    (void)state;
    copied("\"plain\"", "plain", 64, true);
    copied("\"a\\/b\\\\c\\\"d\"", "a/b\\c\"d", 64, true);
    copied("\"a\\nb\\tc\\u0000d\\u0007e\x01"
           "f\"",
           "a b c\xEF\xBF\xBD"
           "d e f",
           64, true);
    copied("\"\\u00e4\\u20AC\\ud83d\\ude00\"", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 64, true);
    copied("\"\\ud83d!\\udc00\\ud83d\\u0041\"",
           "\xEF\xBF\xBD!\xEF\xBF\xBD\xEF\xBF\xBD"
           "A",
           64, true);
    copied("\"\xff\xC3\xA4\xC3\"", "\xEF\xBF\xBD\xC3\xA4\xEF\xBF\xBD", 64, true);
    copied("\"\\u009bK\xC2\x9bK\\u00a0\\u007f\"", " K K\xC2\xA0 ", 64, true);
    copied("\"\\u12\"",
           "\xEF\xBF\xBD"
           "12",
           64, true);
    copied("\"abcd\"", "abc", 4, false);
    copied("\"abc\"", "abc", 4, true);
    copied("\"ab\xE2\x82\xAC\"", "ab", 4, false);
    copied("12.5", "12.5", 64, true);
    copied("\"\"", "", 1, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_texts), cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(a_walk),      cmocka_unit_test(numbers),
        cmocka_unit_test(copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
