/* SPDX-License-Identifier: MIT */
#include "base/log_format.h"

#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

enum { LINE_MAX_SIZE = 8192 };

static struct log_entry entry_of(const struct log_field *fields, size_t count)
{
    return (struct log_entry){
        .at_ms = INT64_C(1775122200125),
        .level = LOG_INFO,
        .text = "text",
        .fields = fields,
        .count = count,
    };
}

/* The value of key "k" in a text line. */
static void value_is(const char *value, const char *expected)
{
    const struct log_field field = LOG_STR("k", value);
    const struct log_entry entry = entry_of(&field, 1);
    struct buf out = buf_new(LINE_MAX_SIZE);
    struct buf line = buf_new(LINE_MAX_SIZE);

    log_format_text(&out, &entry, false);
    buf_addf(&line, "2026-04-02T09:30:00.125Z INFO text k=%s\n", expected);
    assert_string_equal(buf_text(&out), buf_text(&line));
    buf_free(&out);
    buf_free(&line);
}

static void test_text_line(void **state)
{
    const struct log_field fields[] = {
        LOG_STR("id", "r1"),       LOG_STR("none", NULL),      LOG_STR("title", "two words"),
        LOG_NUM("low", INT64_MIN), LOG_NUM("high", INT64_MAX), LOG_REAL("rate", 79.25),
    };
    struct log_entry entry = entry_of(fields, ARRAY_SIZE(fields));
    struct buf out = buf_new(LINE_MAX_SIZE);

    (void)state;
    entry.text = "\xE2\x9D\x8C WhatsApp API error";
    entry.level = LOG_ERROR;
    log_format_text(&out, &entry, false);
    assert_string_equal(
        buf_text(&out),
        "2026-04-02T09:30:00.125Z ERROR \xE2\x9D\x8C WhatsApp API error id=r1 title=\"two words\" "
        "low=-9223372036854775808 high=9223372036854775807 rate=79.25\n");
    buf_free(&out);
}

static void test_values_are_quoted_when_they_must(void **state)
{
    (void)state;
    value_is("plain-1.2/3:+*", "plain-1.2/3:+*");
    value_is("", "\"\"");
    value_is("a b", "\"a b\"");
    value_is("a=b", "\"a=b\"");
    value_is("a\"b\\c", "\"a\\\"b\\\\c\"");
    value_is("\xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9");
    value_is("\xC3\xA9 \xF0\x9F\x98\x80", "\"\xC3\xA9 \xF0\x9F\x98\x80\"");
}

static void test_no_value_can_forge_a_line(void **state)
{
    (void)state;
    value_is("a\nb\r\t", "\"a\\nb\\r\\t\"");
    value_is("\x1B[31m", "\"\\x1b[31m\"");
    value_is("\x7F", "\"\\x7f\"");
    value_is("%n%s", "%n%s");
    value_is("a\xE2\x80\xAE"
             "b",
             "a\\u202eb");
    value_is("\xC2\x9B"
             "31m",
             "\\u009b31m");
    value_is("\xE2\x80\xA8\xEF\xBB\xBF", "\\u2028\\ufeff");
    value_is("a\xFF"
             "b\xC3",
             "a\\xffb\\xc3");
}

static void test_colours_the_level_alone(void **state)
{
    struct log_entry entry = entry_of(NULL, 0);
    struct buf out = buf_new(LINE_MAX_SIZE);

    (void)state;
    entry.level = LOG_ERROR;
    log_format_text(&out, &entry, true);
    assert_string_equal(buf_text(&out), "2026-04-02T09:30:00.125Z \x1B[31mERROR\x1B[0m text\n");
    buf_free(&out);
}

static void test_json_line(void **state)
{
    const struct log_field fields[] = {
        LOG_STR("id", "a\"\n\xFF"),
        LOG_STR("none", NULL),
        LOG_NUM("ms", 306),
        LOG_REAL("rate", 0.5),
        LOG_REAL("odd", (double)INFINITY),
    };
    const struct log_entry entry = entry_of(fields, ARRAY_SIZE(fields));
    struct buf out = buf_new(LINE_MAX_SIZE);

    (void)state;
    log_format_json(&out, &entry);
    assert_string_equal(buf_text(&out),
                        "{\"v\":1,\"at\":\"2026-04-02T09:30:00.125Z\",\"level\":\"info\",\"text\":"
                        "\"text\",\"id\":\"a\\\"\\n\xEF\xBF\xBD\",\"ms\":306,\"rate\":0.5,"
                        "\"odd\":null}\n");
    buf_free(&out);
}

/* However large the fields, the line fits, is whole, and JSON stays JSON. */
static void test_what_does_not_fit_is_left_out_whole(void **state)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    char memory[LINE_MAX_SIZE];
    char value[3000];
    struct log_field fields[9] = {0};
    struct log_entry entry = entry_of(fields, ARRAY_SIZE(fields));

    (void)state;
    for (int filler = 1; filler < 256; filler += 25) {
        struct buf out = buf_over(memory, sizeof(memory));
        struct json *read;

        memset(value, filler, sizeof(value));
        value[sizeof(value) - 1] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
            fields[i] = LOG_STR(keys[i], value);
        fields[8] = LOG_NUM("last", 1);
        log_format_json(&out, &entry);
        assert_true(buf_ok(&out));
        read = json_parse(out.data, out.len, LINE_MAX_SIZE, NULL);
        assert_non_null(read);
        assert_non_null(json_get(read, "a"));
        assert_null(json_get(read, "h"));
        assert_non_null(json_get(read, "last"));
        json_free(read);
        buf_clear(&out);
        log_format_text(&out, &entry, false);
        assert_true(buf_ok(&out));
        assert_int_equal(out.data[out.len - 1], '\n');
        assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
    }
}

static void test_a_long_value_is_cut_between_characters(void **state)
{
    char value[1200] = "x";
    char expected[1200] = "x";

    (void)state;
    for (size_t i = 1; i + 2 < sizeof(value); i += 2)
        memcpy(value + i, "\xC3\xA9", 2);
    memcpy(expected, value, 1023);
    value_is(value, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_line),
        cmocka_unit_test(test_values_are_quoted_when_they_must),
        cmocka_unit_test(test_no_value_can_forge_a_line),
        cmocka_unit_test(test_colours_the_level_alone),
        cmocka_unit_test(test_json_line),
        cmocka_unit_test(test_what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(test_a_long_value_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
