/* SPDX-License-Identifier: MIT */
#include "core/message.h"

#include "base/hash.h"
#include "message_fields.h"

#define ROW \
    TO, T("educator_name", "Asha"), T("test_name", "Physics"), T("dashboard_url", "https://x.org")

static void test_a_row_of_the_default_template(void **state)
{
    struct message *m = MESSAGE(ROW, T("class_id", "A1"), T("test_num", "1"), T("ref", "r"));

    (void)state;
    assert_string_equal(m->to, "+919800000001");
    assert_string_equal(m->template_name, "results_update");
    assert_string_equal(m->lang, "en_US");
    assert_string_equal(m->content, "[\"Asha\",\"Physics\",\"https://x.org\"]");
    assert_string_equal(m->class_id, "A1");
    assert_string_equal(m->test_num, "1");
    assert_string_equal(m->broadcast, "results");
    assert_string_equal(m->sender, "100000000000001");
    assert_string_equal(m->ref, "r");
    assert_true(m->not_before_ms == 0 && m->expires_at_ms == 0);
    message_free(m);
}

static void test_fields_beat_defaults(void **state)
{
    struct message *m =
        MESSAGE(T("to", "+91 98000-00001"), T("id", "k1"), T("template", "other_1"),
                T("lang", "pt-BR"), T("sender", "42"), T("broadcast", "april"),
                T("not_before", "1775122200"), T("expires_at", "2026-04-02T09:30:01.5Z"));

    (void)state;
    assert_string_equal(m->id, "k1");
    assert_string_equal(m->to, "+919800000001");
    assert_string_equal(m->template_name, "other_1");
    assert_string_equal(m->lang, "pt-BR");
    assert_string_equal(m->content, "");
    assert_string_equal(m->broadcast, "april");
    assert_string_equal(m->sender, "42");
    assert_true(m->not_before_ms == INT64_C(1775122200000));
    assert_true(m->expires_at_ms == INT64_C(1775122201500));
    message_free(m);
}

static void test_empty_is_not_given(void **state)
{
    struct message *m =
        MESSAGE(ROW, T("id", ""), T("template", ""), T("lang", ""), T("params", ""),
                T("components", ""), T("class_id", ""), T("broadcast", ""), T("sender", ""),
                T("not_before", ""), T("expires_at", ""), T("ref", ""));

    (void)state;
    assert_int_equal(strlen(m->id), 32);
    assert_string_equal(m->template_name, "results_update");
    assert_string_equal(m->broadcast, "results");
    assert_string_equal(m->sender, "100000000000001");
    message_free(m);
}

#define E164 "E.164 with '+', 8 to 15 digits, is allowed"

static void test_to(void **state)
{
    (void)state;
    REFUSED("to: missing; " E164, T("template", "plain"));
    REFUSED("to: missing; " E164, T("to", ""));
    REFUSED("to: \"12ab\" has letters; " E164, T("to", "12ab"));
    REFUSED("to: \"+1234567\" has fewer than 8 digits; " E164, T("to", "+1234567"));
    REFUSED("to: \"+9198\\n\\x00\" has a character that no phone number has; " E164,
            T("to", "+9198\n\0"));
    REFUSED("to: is an array or object; text is allowed", J("to", "[]"));
}

#define NO_TEMPLATE "is no template name; a to z, 0 to 9 and _, at most 512, are allowed"
#define NO_LANG     "is no language code; codes like en, fil, en_US are allowed"

static void test_template(void **state)
{
    static const char long_name[] = {[0 ... MESSAGE_TEMPLATE_MAX] = 'a'};
    struct field fields[] = {TO, {"template", long_name, MESSAGE_TEMPLATE_MAX, false}};

    (void)state;
    message_free(message_made(fields, 2, &by_content));
    fields[1].len++;
    message_refused(
        fields, 2,
        "template: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" " NO_TEMPLATE);
    REFUSED("template: \"Plain\" " NO_TEMPLATE, TO, T("template", "Plain"));
    REFUSED("template: \"a-b\" " NO_TEMPLATE, TO, T("template", "a-b"));
    REFUSED("template: \" a\" " NO_TEMPLATE, TO, T("template", " a"));
    REFUSED("template: \"a\\x00\" " NO_TEMPLATE, TO, T("template", "a\0"));
}

static void test_lang(void **state)
{
    static const char *const good[] = {"en", "fil", "en_US", "en-US", "zh_Hant"};
    static const char *const bad[] = {"e",     "engl",    "en_",    "en_U", "en_USAXY", "_US",
                                      "en US", "en_US_x", "en_US ", "e1",   "en_4A"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct field fields[] = {PLAIN, {"lang", good[i], strlen(good[i]), false}};

        message_free(message_made(fields, 3, &by_content));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct field fields[] = {PLAIN, {"lang", bad[i], strlen(bad[i]), false}};
        char reason[256];

        (void)snprintf(reason, sizeof(reason), "lang: \"%s\" %s", bad[i], NO_LANG);
        message_refused(fields, 3, reason);
    }
}

static void test_sender(void **state)
{
    (void)state;
    REFUSED("sender: \"12a\" is no phone_id; 1 to 32 digits are allowed", PLAIN,
            T("sender", "12a"));
    REFUSED("sender: \"1/../me\" is no phone_id; 1 to 32 digits are allowed", PLAIN,
            T("sender", "1/../me"));
    REFUSED("sender: \"123456789012345678901234567890123\" is no phone_id; 1 to 32 digits are "
            "allowed",
            PLAIN, T("sender", "123456789012345678901234567890123"));
}

/* `max` bytes pass, one more does not; nor do invalid UTF-8 and NUL. */
static void check_free_text(const char *name, size_t max, bool controls)
{
    char text[1024];
    struct field fields[] = {PLAIN, {name, text, max, false}};
    struct reject why;

    memset(text, 'x', sizeof(text));
    message_free(message_made(fields, 3, &by_content));
    fields[2].len = max + 1;
    assert_null(message_from_fields(fields, 3, &by_content, &why));
    assert_memory_equal(why.text, name, strlen(name));
    fields[2].len = 3;
    text[1] = '\0';
    assert_null(message_from_fields(fields, 3, &by_content, &why));
    text[1] = '\xFF';
    assert_null(message_from_fields(fields, 3, &by_content, &why));
    text[1] = '\n';
    if (controls)
        message_free(message_made(fields, 3, &by_content));
    else
        assert_null(message_from_fields(fields, 3, &by_content, &why));
    memcpy(text + 1, "\xC2\x9B", 2); /* what a terminal takes for ESC [ */
    if (controls)
        message_free(message_made(fields, 3, &by_content));
    else
        assert_null(message_from_fields(fields, 3, &by_content, &why));
}

static void test_free_texts(void **state)
{
    (void)state;
    check_free_text("id", MESSAGE_ID_MAX, false);
    check_free_text("class_id", MESSAGE_LABEL_MAX, false);
    check_free_text("test_num", MESSAGE_LABEL_MAX, false);
    check_free_text("broadcast", MESSAGE_LABEL_MAX, false);
    check_free_text("ref", MESSAGE_REF_MAX, true);
    REFUSED("id: \"a\\x1b\\x7f\\xff\" is no id; 1 to 128 bytes of UTF-8 without control characters "
            "are allowed",
            PLAIN, T("id", "a\x1b\x7f\xff"));
}

static void test_times(void **state)
{
    struct message *m = MESSAGE(PLAIN, T("not_before", "100"), T("expires_at", "100"));

    (void)state;
    message_free(m);
    m = MESSAGE(PLAIN, T("not_before", "100"), T("expires_at", "0"));
    assert_true(m->expires_at_ms == 0);
    message_free(m);
    REFUSED("not_before: \"soon\" is no time; RFC 3339 like 2026-04-02T09:30:00Z, or Unix seconds, "
            "is allowed",
            PLAIN, T("not_before", "soon"));
    REFUSED("expires_at: \"2026-13-01T00:00:00Z\" is no time; RFC 3339 like 2026-04-02T09:30:00Z, "
            "or Unix seconds, is allowed",
            PLAIN, T("expires_at", "2026-13-01T00:00:00Z"));
    REFUSED("expires_at: \"99\" is before not_before; a later time is allowed", PLAIN,
            T("not_before", "100"), T("expires_at", "99"));
}

static void test_field_twice(void **state)
{
    (void)state;
    REFUSED("to: comes twice; once is allowed", TO, TO);
    REFUSED("p1: comes twice; once is allowed", PLAIN, T("p1", "a"), T("p1", "a"));
}

static void test_nothing_configured(void **state)
{
    static const struct message_defaults empty = {"", "", "", "", NULL, 0};
    static const struct message_context context = {.defaults = &empty};
    const struct field fields[] = {PLAIN, T("lang", "en"), T("sender", "1")};
    struct reject why;

    (void)state;
    message_free(message_made(fields, 4, &context));
    assert_null(message_from_fields(fields, 1, &context, &why));
    assert_string_equal(why.text, "template: missing, and template.name is not set; the name of an "
                                  "approved template is allowed");
    assert_null(message_from_fields(fields, 2, &context, &why));
    assert_string_equal(why.text,
                        "lang: missing, and template.lang is not set; codes like en, fil, "
                        "en_US are allowed");
    assert_null(message_from_fields(fields, 3, &context, &why));
    assert_string_equal(why.text, "sender: missing, and whatsapp.phone_id is not set; 1 to 32 "
                                  "digits are allowed");
}

/* ---- Identity. */

static void test_id_from_source(void **state)
{
    const struct message_context context = {&defaults, ID_FROM_SOURCE, "1700000000000-0"};
    struct message *m = message_made(FIELDS(ROW), COUNT(ROW), &context);

    (void)state;
    assert_string_equal(m->id, "1700000000000-0");
    message_free(m);
    m = message_made(FIELDS(ROW, T("id", "own")), COUNT(ROW, T("id", "own")), &context);
    assert_string_equal(m->id, "own");
    message_free(m);
}

static void same_id(const struct field *fields, size_t count, bool same)
{
    struct message *m = message_made(fields, count, &by_content);
    struct message *row = MESSAGE(ROW);

    assert_int_equal(strcmp(m->id, row->id) == 0, same);
    assert_int_equal(m->id_hash == row->id_hash, same);
    message_free(row);
    message_free(m);
}

#define SAME_ID(same, ...) same_id(FIELDS(__VA_ARGS__), COUNT(__VA_ARGS__), same)

static void test_what_a_derived_id_depends_on(void **state)
{
    (void)state;
    SAME_ID(true, ROW, T("class_id", "A"), T("test_num", "1"), T("ref", "r"),
            T("expires_at", "1800000000"));
    SAME_ID(true, T("to", "+91 98000 00001"),
            T("params", "[\"Asha\",\"Physics\",\"https:\\/\\/x.org\"]"));
    SAME_ID(false, ROW, T("broadcast", "x"));
    SAME_ID(false, ROW, T("sender", "1"));
    SAME_ID(false, ROW, T("lang", "en"));
    SAME_ID(false, ROW, T("header", "x"));
    SAME_ID(false, T("to", "+919800000002"),
            T("params", "[\"Asha\",\"Physics\",\"https://x.org\"]"));
    SAME_ID(false, TO, T("template", "t"), T("params", "[\"Asha\",\"Physics\",\"https://x.org\"]"));
}

/* Ledgers on disk hold these. */
static void test_hashes_are_for_ever(void **state)
{
    struct message *m = MESSAGE(ROW);

    (void)state;
    assert_string_equal(m->id, "2d986235c9cfea6a31cd06b6743324e3");
    assert_true(m->id_hash == hash64(m->id, 32));
    assert_true(m->content_hash ==
                hash64_parts((struct hash_part[]){{m->to, strlen(m->to)},
                                                  {m->template_name, strlen(m->template_name)},
                                                  {m->lang, strlen(m->lang)},
                                                  {m->content, strlen(m->content)}},
                             4));
    assert_true(m->pair_hash == hash_quick((struct hash_part[]){{m->sender, strlen(m->sender)},
                                                                {m->to, strlen(m->to)}},
                                           2));
    message_free(m);
}

static void test_restored_is_the_same(void **state)
{
    struct message *m = MESSAGE(ROW, T("class_id", "A1"), T("ref", "r"), T("not_before", "7"),
                                T("expires_at", "8"));
    struct message *back = message_restore(m);

    (void)state;
    assert_string_equal(back->id, m->id);
    assert_string_equal(back->to, m->to);
    assert_string_equal(back->template_name, m->template_name);
    assert_string_equal(back->lang, m->lang);
    assert_string_equal(back->content, m->content);
    assert_string_equal(back->class_id, m->class_id);
    assert_string_equal(back->test_num, m->test_num);
    assert_string_equal(back->broadcast, m->broadcast);
    assert_string_equal(back->sender, m->sender);
    assert_string_equal(back->ref, m->ref);
    assert_true(back->not_before_ms == 7000 && back->expires_at_ms == 8000);
    assert_true(back->id_hash == m->id_hash && back->content_hash == m->content_hash &&
                back->pair_hash == m->pair_hash);
    message_free(back);
    message_free(m);
}

static void test_restored_null_is_empty(void **state)
{
    const struct message values = {.id = "x"};
    struct message *m = message_restore(&values);

    (void)state;
    assert_string_equal(m->id, "x");
    assert_string_equal(m->ref, "");
    assert_string_equal(m->content, "");
    message_free(m);
}

static void test_known_names(void **state)
{
    static const char *const known[] = {
        "to",         "id",           "template",      "lang",     "params",
        "components", "header",       "class_id",      "test_num", "ref",
        "not_before", "expires_at",   "sender",        "p1",       "broadcast",
        "p64",        "url_button_0", "quick_reply_9", "p65",      "test_name"};
    static const char *const unknown[] = {
        "",    "p",        "p0",           "p01",      "p1x",  "TO", "url_button_", "url_button_10",
        "to ", "educator", "quick_reply_", "p1234567", "name", "P1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        assert_true(message_field_is_known(known[i], &defaults));
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
        assert_false(message_field_is_known(unknown[i], &defaults));
}

/* ---- Reasons. */

static void test_shown_values(void **state)
{
    char out[REJECT_SHOWN_SIZE];

    (void)state;
    assert_string_equal(reject_show(out, "", 0), "");
    assert_string_equal(reject_show(out, "a\"b\\", 4), "a\\\"b\\\\");
    assert_string_equal(reject_show(out, "\x1b[31m\r\n\t", 8), "\\x1b[31m\\x0d\\n\\t");
    assert_string_equal(reject_show(out, "\xC2\x9B\xC3\xA9\xFF", 5), "\\xc2\\x9b\xC3\xA9\\xff");
    assert_string_equal(
        reject_show(out, "1234567890123456789012345678901234567890123456\xE2\x82\xAC", 49),
        "1234567890123456789012345678901234567890123456...");
}

static void test_long_reasons_are_cut_between_characters(void **state)
{
    char euros[600];
    struct reject why;

    (void)state;
    for (size_t i = 0; i + 3 <= sizeof(euros); i += 3)
        memcpy(euros + i, "\xE2\x82\xAC", 3);
    euros[sizeof(euros) - 1] = '\0';
    assert_false(reject_set(&why, "%s", euros));
    assert_int_equal(strlen(why.text), 255);
    assert_false(reject_set(&why, "x%s", euros));
    assert_int_equal(strlen(why.text), 253);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_of_the_default_template),
        cmocka_unit_test(test_fields_beat_defaults),
        cmocka_unit_test(test_empty_is_not_given),
        cmocka_unit_test(test_to),
        cmocka_unit_test(test_template),
        cmocka_unit_test(test_lang),
        cmocka_unit_test(test_sender),
        cmocka_unit_test(test_free_texts),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_field_twice),
        cmocka_unit_test(test_nothing_configured),
        cmocka_unit_test(test_id_from_source),
        cmocka_unit_test(test_what_a_derived_id_depends_on),
        cmocka_unit_test(test_hashes_are_for_ever),
        cmocka_unit_test(test_restored_is_the_same),
        cmocka_unit_test(test_restored_null_is_empty),
        cmocka_unit_test(test_known_names),
        cmocka_unit_test(test_shown_values),
        cmocka_unit_test(test_long_reasons_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
