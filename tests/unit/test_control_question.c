/* SPDX-License-Identifier: MIT
 *
 * test_control_question.c: what is meant and misspelt must not mean everything.
 */
#include "commands/control_question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

enum { LINE_MAX_BYTES = 4096 };

static bool is_right(const char *text)
{
    struct err e = {0};
    struct json *body = json_parse(text, strlen(text), LINE_MAX_BYTES, &e);
    bool ok;

    assert_non_null(body);
    ok = control_question_check(body, &e);
    if (!ok)
        assert_int_equal(e.code, EXIT_USAGE);
    json_free(body);
    return ok;
}

static void test_right_ones(void **state)
{
    static const char *const right[] = {
        "{\"op\":\"status\"}",
        "{\"op\":\"pause\"}",
        "{\"broadcast\":\"x\",\"op\":\"cancel\"}",
        "{\"op\":\"resume\",\"broadcast\":\"x\"}",
        "{\"op\":\"take_in\",\"messages\":[]}",
        "{\"op\":\"settle\",\"to\":\"failed\",\"states\":[],\"numbers\":[1]}",
        "{\"op\":\"broadcast\",\"broadcast\":\"x\",\"state\":\"complete\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(right); i++)
        assert_true(is_right(right[i]));
}

static void test_wrong_ones(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "[]",
        "{\"op\":5}",
        "{\"op\":\"stop\"}",
        "{\"op\":\"cancel\",\"broadcast\":null}",
        "{\"op\":\"pause\",\"broadcast\":5}",
        "{\"op\":\"resume\",\"brodcast\":\"x\"}",
        "{\"op\":\"cancel\",\"broadcast\":\"\"}",
        "{\"op\":\"cancel\",\"broadcast\":{}}",
        "{\"op\":\"pause\",\"broadcast\":\"a\\nb\"}",
        "{\"op\":\"pause\",\"broadcast\":\"\\u007f\"}",
        "{\"op\":\"status\",\"broadcast\":\"x\"}",
        "{\"op\":\"drain\",\"now\":true}",
        "{\"op\":\"open_again\",\"states\":\"failed\",\"numbers\":[1]}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(is_right(wrong[i]));
}

static void test_the_length_of_a_name(void **state)
{
    char text[256] = "{\"op\":\"pause\",\"broadcast\":\"";
    size_t begin = strlen(text);

    (void)state;
    memset(text + begin, 'x', 128);
    memcpy(text + begin + 128, "\"}", 3);
    assert_true(is_right(text));
    memcpy(text + begin + 128, "x\"}", 4);
    assert_false(is_right(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_ones),
        cmocka_unit_test(test_wrong_ones),
        cmocka_unit_test(test_the_length_of_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
