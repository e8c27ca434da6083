/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "message_fields.h"

/* What check says after "field: value". */
#define EMPTY    "is empty; Graph refuses that, at least one character is allowed"
#define NEWLINE  "has a newline; one line of text is allowed"
#define TAB      "has a tab; text without tabs is allowed"
#define SPACES   "has more than four spaces in a row; up to four are allowed"
#define NO_UTF8  "is not valid UTF-8; text in UTF-8 is allowed"
#define WITH_NUL "has a NUL; text without control characters is allowed"
#define CONTROL  "has a control character; text without them is allowed"
#define CUT      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."

/* ---- Which fields fill the body. */

static void test_columns_of_the_default_template(void **state)
{
    (void)state;
    CONTENT("[\"A\",\"B\",\"C\"]", T("dashboard_url", "C"), TO, T("educator_name", "A"),
            T("test_name", "B"), T("unknown", "D"));
    CONTENT("[\"A\",\"B\",\"C\"]", TO, T("template", "results_update"), T("lang", "hi"),
            T("educator_name", "A"), T("test_name", "B"), T("dashboard_url", "C"));
}

static void test_columns_are_not_for_other_templates(void **state)
{
    (void)state;
    CONTENT("", PLAIN, T("educator_name", "A"), T("test_name", "B"), T("dashboard_url", "C"));
    CONTENT("", PLAIN);
    CONTENT("", TO, T("template", "results_update_2"));
    CONTENT("", TO, T("template", "results"));
}

static void test_missing_column(void **state)
{
    (void)state;
    REFUSED("test_name: missing; template.params names this column (or give params, p1.. or "
            "components)",
            TO, T("educator_name", "A"), T("dashboard_url", "C"));
    REFUSED("educator_name: \"\" " EMPTY, TO, T("educator_name", ""), T("test_name", "B"),
            T("dashboard_url", "C"));
    REFUSED("educator_name: is an array or object; text is allowed", TO, J("educator_name", "[]"));
}

static void test_precedence(void **state)
{
#define P3      T("p1", "p"), T("p2", "q"), T("p3", "r")
#define COLUMNS T("educator_name", "A"), T("test_name", "B"), T("dashboard_url", "C")
    (void)state;
    CONTENT("[\"p\",\"q\",\"r\"]", TO, COLUMNS, P3);
    CONTENT("[\"q\",\"1\",\"2\"]", TO, COLUMNS, P3, T("params", "[\"q\",1,2]"));
    CONTENT("{\"components\":[{\"type\":\"r\"}]}", TO, COLUMNS, P3, T("params", "[\"q\"]"),
            T("components", "[{\"type\":\"r\"}]"));
    /* What is beaten is not looked at. */
    CONTENT("[\"q\",\"1\",\"2\"]", TO, T("p1", ""), T("p3", "\n"), T("params", "[\"q\",1,2]"));
    CONTENT("{\"components\":[{\"type\":\"r\"}]}", TO, T("params", "nonsense"), T("header", ""),
            T("components", "[{\"type\":\"r\"}]"));
    /* Said to be none. */
    CONTENT("", PLAIN, COLUMNS, T("p1", "p"), T("params", "[]"));
    CONTENT("", PLAIN, COLUMNS, T("params", "{}"));
    CONTENT("", TO, COLUMNS, T("params", "[\"q\"]"), T("components", "[]"));
}

/* The default template takes three; what another takes is not known. */
static void test_the_count_of_the_default_template(void **state)
{
#define ALLOWED " given; 3, as template.params has them for results_update, are allowed"
    (void)state;
    REFUSED("params: 4" ALLOWED, TO, T("params", "[1,2,3,4]"));
    REFUSED("params: 1" ALLOWED, TO, COLUMNS, T("params", "{\"a\":\"b\"}"));
    REFUSED("params: 0" ALLOWED, TO, COLUMNS, T("params", "[]"));
    REFUSED("p1..: 2" ALLOWED, TO, T("p1", "a"), T("p2", "b"));
    REFUSED("p1..: 4" ALLOWED, TO, T("template", "results_update"), P3, T("p4", "s"));
    CONTENT("[\"p\",\"q\",\"r\"]", TO, P3);
    CONTENT("[\"a\",\"b\"]", PLAIN, T("p1", "a"), T("p2", "b"));
    CONTENT("{\"components\":[{\"type\":\"r\"}]}", TO, T("components", "[{\"type\":\"r\"}]"));
}

static void test_flat(void **state)
{
    (void)state;
    CONTENT("[\"a\",\"b\",\"c\"]", PLAIN, T("p3", "c"), T("p1", "a"), T("p2", "b"));
    REFUSED("p2: missing, with p3 given; p1 to pN without a gap are allowed", PLAIN, T("p1", "a"),
            T("p3", "c"));
    REFUSED("p1: missing, with p2 given; p1 to pN without a gap are allowed", PLAIN, T("p2", "b"));
    REFUSED("p1: \"\" " EMPTY, PLAIN, T("p1", ""));
    REFUSED("p2: \"\" " EMPTY, PLAIN, T("p1", "a"), T("p2", ""));
    REFUSED("p65: too many parameters; p1 to p64 are allowed", PLAIN, T("p65", "x"));
    REFUSED("p1: is an array or object; text is allowed", PLAIN, J("p1", "{}"));
}

static void test_params_json(void **state)
{
    (void)state;
    CONTENT("[\"a\",\"\xC3\xA9\"]", PLAIN, J("params", " [ \"a\" , \"\\u00e9\" ] "));
    CONTENT("[\"87.50\",\"-3\",\"x\",\"1e3\"]", PLAIN, T("params", "[87.50,-3,\"x\",1e3]"));
    CONTENT("{\"body\":{\"a\":\"1\",\"b\":\"2\",\"ba\":\"3\"}}", PLAIN,
            T("params", "{\"ba\":3,\"b\":\"2\",\"a\":1}"));
    REFUSED("params: \"\\\"x\\\"\" is one value; a JSON array or object is allowed", PLAIN,
            T("params", "\"x\""));
    REFUSED("params: number 2 is no text; texts and numbers are allowed", PLAIN,
            T("params", "[\"a\",null]"));
    REFUSED("params: number 1 is no text; texts and numbers are allowed", PLAIN,
            T("params", "[[\"a\"]]"));
    REFUSED("params: number 2 is no text; texts and numbers are allowed", PLAIN,
            T("params", "{\"a\":\"x\",\"b\":true}"));
    REFUSED("params, number 2: \"a\\nb\" " NEWLINE, PLAIN, T("params", "[\"x\",\"a\\nb\"]"));
    REFUSED("params, \"n\": \"\" " EMPTY, PLAIN, T("params", "{\"n\":\"\"}"));
    REFUSED("params: \"A\" is no name of a parameter; a to z, 0 to 9 and _ are allowed", PLAIN,
            T("params", "{\"A\":\"x\"}"));
}

static void test_params_that_are_no_json(void **state)
{
    const struct field fields[] = {PLAIN, T("params", "Asha,Physics")};
    struct reject why;

    (void)state;
    assert_null(message_from_fields(fields, 3, &by_content, &why));
    assert_memory_equal(why.text, "params: no valid JSON: ", 23);
    assert_non_null(strstr(why.text, "; a JSON array or object is allowed"));
}

static void test_too_many_params(void **state)
{
    char json[2 * (MESSAGE_PARAMS_MAX + 1) + 2] = "[";
    struct field fields[] = {PLAIN, {"params", json, 0, false}};

    (void)state;
    for (size_t i = 0; i < MESSAGE_PARAMS_MAX; i++)
        memcpy(json + 1 + 2 * i, "1,", 2);
    fields[2].len = 2 * MESSAGE_PARAMS_MAX + 1;
    json[fields[2].len - 1] = ']';
    message_free(message_made(fields, 3, &by_content));
    memcpy(json + fields[2].len - 1, ",1]", 3);
    fields[2].len += 2;
    message_refused(fields, 3, "params: has too many parameters; at most 64 are allowed");
}

/* ---- Columns that make named parameters, or have names of our own. */

static void column_content(const char *const *params, size_t count, const char *expected)
{
    const struct message_defaults other = {"results_update", "en", "1", "", params, count};
    const struct message_context context = {.defaults = &other};
    const struct field fields[] = {TO, T("p1", "P1"), T("p2", "P2"), T("test_num", "7")};
    struct reject why = {{0}};
    struct message *m = message_from_fields(fields, 4, &context, &why);

    assert_string_equal(m ? m->content : why.text, expected);
    message_free(m);
}

#define COLUMN_CONTENT(expected, ...)                  \
    column_content((const char *const[]){__VA_ARGS__}, \
                   sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), expected)

static void test_column_names(void **state)
{
    (void)state;
    COLUMN_CONTENT("{\"body\":{\"first\":\"P1\",\"no\":\"7\"}}", "no=test_num", "first=p1");
    COLUMN_CONTENT("[\"7\",\"P1\",\"7\"]", "test_num", "p1", "test_num");
    COLUMN_CONTENT("[\"P1\",\"P2\"]", "test_num", "ref"); /* p1.. wins */
    COLUMN_CONTENT("[\"P2\",\"P1\",\"7\"]", "p2", "p1", "test_num");
    COLUMN_CONTENT("p1: template.params mixes named and positional parameters; all of one kind are "
                   "allowed",
                   "no=test_num", "p1");
    COLUMN_CONTENT("p1: \"a\" names two parameters; each name is allowed once", "a=p2", "a=p1");
    COLUMN_CONTENT("p1: \"\" is no name of a parameter; a to z, 0 to 9 and _ are allowed", "=p1");
    COLUMN_CONTENT("gone: missing; template.params names this column (or give params, p1.. or "
                   "components)",
                   "a=gone", "b=p1");
}

/* ---- The form of a text. */

static void test_form(void **state)
{
    (void)state;
    REFUSED("p1: \"a\\nb\" " NEWLINE, PLAIN, T("p1", "a\nb"));
    REFUSED("p1: \"a\\x0d\" " NEWLINE, PLAIN, T("p1", "a\r"));
    REFUSED("p1: \"\\ta\" " TAB, PLAIN, T("p1", "\ta"));
    REFUSED("p1: \"a     b\" " SPACES, PLAIN, T("p1", "a     b"));
    REFUSED("p1: \"a\\x00b\" " WITH_NUL, PLAIN, T("p1", "a\0b"));
    REFUSED("p1: \"\\x0b\" " CONTROL, PLAIN, T("p1", "\v"));
    REFUSED("p1: \"\\x7f\" " CONTROL, PLAIN, T("p1", "\x7f"));
    REFUSED("p1: \"a\\xc3\" " NO_UTF8, PLAIN, T("p1", "a\xC3"));
    REFUSED("p1: \"\\xed\\xa0\\x80\" " NO_UTF8, PLAIN, T("p1", "\xED\xA0\x80"));
    CONTENT("[\"a    b    c\"]", PLAIN, T("p1", "a    b    c"));
}

/* `max` characters of one byte and of three pass, one more does not. */
static void check_limit(const char *name, size_t max, const char *fault)
{
    char *text = mem_alloc(3 * max + 3);
    struct field fields[] = {PLAIN, {name, text, max, false}};
    char reason[256];

    memset(text, 'x', max + 1);
    message_free(message_made(fields, 3, &by_content));
    fields[2].len = max + 1;
    (void)snprintf(reason, sizeof(reason), "%s: \"%s\" %s", name, CUT, fault);
    message_refused(fields, 3, reason);
    for (size_t i = 0; i <= max; i++)
        memcpy(text + 3 * i, "\xE2\x82\xAC", 3);
    fields[2].len = 3 * max;
    message_free(message_made(fields, 3, &by_content));
    fields[2].len = 3 * max + 3;
    assert_null(message_from_fields(fields, 3, &by_content, &(struct reject){{0}}));
    mem_free(text);
}

static void test_limits(void **state)
{
    (void)state;
    check_limit("p1", 1024, "is too long; 1 to 1024 characters are allowed");
    check_limit("header", 60, "is too long; 1 to 60 characters are allowed");
    check_limit("url_button_0", 2000, "is too long; 1 to 2000 characters are allowed");
    check_limit("quick_reply_9", 128, "is too long; 1 to 128 characters are allowed");
}

static void test_emoji_count_twice(void **state)
{
    char text[4 * 31];
    struct field fields[] = {PLAIN, {"header", text, 4 * 30, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(text); i += 4)
        memcpy(text + i, "\xF0\x9F\x8E\x89", 4);
    message_free(message_made(fields, 3, &by_content));
    fields[2].len = 4 * 31;
    assert_null(message_from_fields(fields, 3, &by_content, &(struct reject){{0}}));
}

static void test_body_together(void **state)
{
    char half[513];
    struct field fields[] = {PLAIN, {"p1", half, 512, false}, {"p2", half, 512, false}};

    (void)state;
    memset(half, 'x', sizeof(half));
    message_free(message_made(fields, 4, &by_content));
    fields[3].len = 513;
    message_refused(fields, 4,
                    "p1: the body's parameters have 1025 characters together; at most 1024 are "
                    "allowed, Graph's limit for the filled body");
}

/* ---- Header and buttons. */

static void test_extras(void **state)
{
    (void)state;
    CONTENT("{\"header\":\"H\",\"body\":[\"a\"],\"url\":{\"0\":\"u\",\"2\":\"w\"},"
            "\"reply\":{\"1\":\"r\"}}",
            PLAIN, T("quick_reply_1", "r"), T("url_button_2", "w"), T("url_button_0", "u"),
            T("p1", "a"), T("header", "H"));
    CONTENT("{\"url\":{\"9\":\"u\"}}", PLAIN, T("url_button_9", "u"));
    CONTENT("{\"body\":{\"n\":\"x\"},\"reply\":{\"0\":\"r\"}}", PLAIN, T("params", "{\"n\":\"x\"}"),
            T("quick_reply_0", "r"));
    CONTENT("{\"header\":\"H\"}", PLAIN, T("header", "H"), T("params", "{}"));
    REFUSED("header: \"\" " EMPTY, PLAIN, T("header", ""));
    REFUSED("header: \"a\\tb\" " TAB, PLAIN, T("header", "a\tb"));
    REFUSED("url_button_0: \"\" " EMPTY, PLAIN, T("url_button_0", ""));
    REFUSED("quick_reply_3: \"a\\n\" " NEWLINE, PLAIN, T("quick_reply_3", "a\n"));
    REFUSED("quick_reply_3: is an array or object; text is allowed", PLAIN,
            J("quick_reply_3", "{}"));
    REFUSED("url_button_1: button 1 is a quick reply, too; one of both is allowed", PLAIN,
            T("url_button_1", "u"), T("quick_reply_1", "r"));
}

/* ---- Components. */

static void test_components_are_normalised(void **state)
{
    static const char content[] = "{\"components\":[{\"parameters\":[{\"text\":\"\xC3\xA9/\","
                                  "\"type\":\"text\"}],\"type\":\"body\"}]}";

    (void)state;
    CONTENT(content, PLAIN,
            J("components", "[{\"type\":\"body\",\"parameters\":[{\"type\":\"text\","
                            "\"text\":\"\xC3\xA9/\"}]}]"));
    CONTENT(content, PLAIN,
            T("components", "[ {\"parameters\" : [{\"text\":\"\\u00e9\\/\",\"type\":\"text\"}],\n"
                            "\"type\":\"body\"} ]"));
    CONTENT("{\"components\":[{\"a\":null,\"b\":[1,2.50,true],\"type\":\"x\"}]}", PLAIN,
            T("components", "[{\"type\":\"x\",\"b\":[1,2.50,true],\"a\":null}]"));
}

static void test_components_refused(void **state)
{
    (void)state;
    REFUSED("components: is not an array; a JSON array of objects is allowed", PLAIN,
            T("components", "{\"type\":\"body\"}"));
    REFUSED("components[1]: has no type; objects like {\"type\":\"body\",\"parameters\":[...]} are "
            "allowed",
            PLAIN, T("components", "[{\"type\":\"body\"},{\"type\":1}]"));
    REFUSED("components[0]: has no type; objects like {\"type\":\"body\",\"parameters\":[...]} are "
            "allowed",
            PLAIN, T("components", "[\"body\"]"));
    REFUSED("components[0].parameters: is not an array; an array is allowed", PLAIN,
            T("components", "[{\"type\":\"body\",\"parameters\":{}}]"));
    REFUSED("components[0].parameters[1]: is not an object; objects are allowed", PLAIN,
            T("components", "[{\"type\":\"body\",\"parameters\":[{},1]}]"));
    REFUSED("components[0].parameters[0].text: \"a\\tb\" " TAB, PLAIN,
            T("components", "[{\"type\":\"body\",\"parameters\":[{\"text\":\"a\\tb\"}]}]"));
    REFUSED("components[0].parameters[0].payload: \"\" " EMPTY, PLAIN,
            T("components", "[{\"type\":\"button\",\"parameters\":[{\"payload\":\"\"}]}]"));
}

static void test_components_of_any_depth(void **state)
{
    (void)state;
    CONTENT("{\"components\":[{\"type\":\"x\",\"y\":[[[[[[[[[[]]]]]]]]]]}]}", PLAIN,
            T("components", "[{\"type\":\"x\",\"y\":[[[[[[[[[[]]]]]]]]]]}]"));
    REFUSED("components: is nested too deep; 12 levels are allowed", PLAIN,
            T("components", "[{\"type\":\"x\",\"y\":[[[[[[[[[[[]]]]]]]]]]]}]"));
}

static void test_too_many_components(void **state)
{
    char json[33 * 13 + 2] = "[";
    struct field fields[] = {PLAIN, {"components", json, 0, false}};

    (void)state;
    for (size_t i = 0; i < 33; i++)
        memcpy(json + 1 + 13 * i, "{\"type\":\"x\"},", 13);
    fields[2].len = 33 * 13 + 1;
    json[33 * 13] = ']';
    message_refused(fields, 3, "components: has 33 components; at most 32 are allowed");
    fields[2].len = 32 * 13 + 1;
    json[32 * 13] = ']';
    message_free(message_made(fields, 3, &by_content));
}

static void test_too_much_content(void **state)
{
    char *text = mem_alloc(2000 * 3);
    struct field fields[8] = {PLAIN};
    static const char *const names[] = {"url_button_0", "url_button_1", "url_button_2",
                                        "url_button_3", "url_button_4", "url_button_5"};

    (void)state;
    for (size_t i = 0; i < 2000; i++)
        memcpy(text + 3 * i, "\xE2\x82\xAC", 3);
    for (size_t i = 0; i < 6; i++)
        fields[2 + i] = (struct field){.name = names[i], .value = text, .len = 2000 * 3};
    message_refused(
        fields, 8, "parameters: too much to fill a template with; 32768 bytes of JSON are allowed");
    message_free(message_made(fields, 7, &by_content));
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_of_the_default_template),
        cmocka_unit_test(test_columns_are_not_for_other_templates),
        cmocka_unit_test(test_missing_column),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_the_count_of_the_default_template),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_params_json),
        cmocka_unit_test(test_params_that_are_no_json),
        cmocka_unit_test(test_too_many_params),
        cmocka_unit_test(test_column_names),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_emoji_count_twice),
        cmocka_unit_test(test_body_together),
        cmocka_unit_test(test_extras),
        cmocka_unit_test(test_components_are_normalised),
        cmocka_unit_test(test_components_refused),
        cmocka_unit_test(test_components_of_any_depth),
        cmocka_unit_test(test_too_many_components),
        cmocka_unit_test(test_too_much_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
