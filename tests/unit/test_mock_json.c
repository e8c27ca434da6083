/* SPDX-License-Identifier: MIT
 *
 * graphmock's JSON tokens against the grammar (RFC 8259), and its questions to escaped text. The
 * mock is no room of tidings, so its files come in whole.
 */
#include "../../bench/graphmock/raw_text.c"
#include "../../bench/graphmock/tokens.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static bool reads(const char *text)
{
    struct tokens t;

    return tokens_read(&t, slice_text(text));
}

static void json_is_read(void **state)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       " [ 1 , 2 ] ",
                                       "null",
                                       "true",
                                       "\"\"",
                                       "0",
                                       "-0",
                                       "1.5e-7",
                                       "{\"a\":{\"b\":[1,{}]},\"c\":\"\\u00e4\\n\\/\"}",
                                       "\"\xc3\xa4\xf0\x9f\x98\x80\"",
                                       "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        if (!reads(good[i]))
            fail_msg("refused: %s", good[i]);
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "",          " ",           "{",
        "}",         "[1,]",        "[,1]",
        "[1 2]",     "{\"a\"}",     "{\"a\":}",
        "{a:1}",     "{'a':1}",     "{\"a\":1,}",
        "01",        "-",           "1.",
        ".5",        "1e",          "+1",
        "nul",       "truex",       "\"",
        "\"\\x\"",   "\"\\u12g4\"", "\"\\u123",
        "\"\n\"",    "\"a\" \"b\"", "[1}",
        "{\"a\":1]", "\"\xff\"",    "\"\xc3\"",
        "1 x",       "\"\\",        "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (reads(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void more_values_than_there_are_tokens_are_refused(void **state)
{
    static char text[2 * TOKENS_MAX + 4];

    (void)state;
    text[0] = '[';
    for (size_t i = 0; i < TOKENS_MAX; i++)
        memcpy(text + 1 + 2 * i, i + 1 < TOKENS_MAX ? "1," : "1]", 2);
    assert_false(reads(text));
}

static void members_are_found_past_nested_ones(void **state)
{
    struct tokens t;
    const struct token *root, *list, *item;

    (void)state;
    assert_true(tokens_read(&t, slice_text("{\"a\":{\"c\":1},\"b\":[[1],\"x\",3],\"c\":\"yes\"}")));
    root = tokens_root(&t);
    assert_true(slice_is(token_string(tokens_get(&t, root, "c")), "yes"));
    assert_null(tokens_get(&t, root, "d"));
    assert_null(tokens_get(&t, NULL, "a"));
    list = tokens_get(&t, root, "b");
    assert_int_equal(list->count, 3);
    item = tokens_after(&t, tokens_first(list));
    assert_true(slice_is(token_string(item), "x"));
    assert_true(slice_is(tokens_after(&t, item)->text, "3"));
    assert_true(slice_is(list->text, "[[1],\"x\",3]"));
}

static void length_is_counted_in_utf16(void **state)
{
    (void)state;
    assert_int_equal(raw_text_length(slice_text("abc")), 3);
    assert_int_equal(raw_text_length(slice_text("a\\n\\\"\\u00e4")), 4);
    assert_int_equal(raw_text_length(slice_text("\xc3\xa4")), 1);
    assert_int_equal(raw_text_length(slice_text("\xf0\x9f\x98\x80")), 2);
    assert_int_equal(raw_text_length(slice_text("\\ud83d\\ude00")), 2);
}

static void bad_space_is_seen_through_escapes(void **state)
{
    static const char *const bad[] = {"a\\nb",   "\\t",     "\\r",    "a     b",
                                      "\\u000a", "\\u000D", "\\u0009"};
    static const char *const good[] = {"", "a    b", "\\\\n", "\\\\\\\\t", "a\\/b", "\\u00e4"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (!raw_text_has_bad_space(slice_text(bad[i])))
            fail_msg("taken: %s", bad[i]);
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        if (raw_text_has_bad_space(slice_text(good[i])))
            fail_msg("refused: %s", good[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(more_values_than_there_are_tokens_are_refused),
        cmocka_unit_test(members_are_found_past_nested_ones),
        cmocka_unit_test(length_is_counted_in_utf16),
        cmocka_unit_test(bad_space_is_seen_through_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
