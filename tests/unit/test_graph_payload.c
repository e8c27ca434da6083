/* SPDX-License-Identifier: MIT */
#include "core/graph_payload.h"

#include "base/json.h"
#include "base/mem.h"
#include "message_fields.h"

#define OPAQUE "t1abc"
#define START                                                                                \
    "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\","                 \
    "\"to\":\"+919800000001\",\"type\":\"template\",\"biz_opaque_callback_data\":\"t1abc\"," \
    "\"template\":{\"name\":\"plain\",\"language\":{\"code\":\"en_US\"}"

/* The components that the fields become: the golden text, and valid JSON. */
static void renders(const struct field *fields, size_t count, const char *rest)
{
    struct message *m = message_made(fields, count, &by_content);
    struct buf out = buf_new(GRAPH_PAYLOAD_MAX);
    struct json *root;

    graph_payload_write(&out, m, OPAQUE);
    assert_true(buf_ok(&out));
    assert_memory_equal(buf_text(&out), START, sizeof(START) - 1);
    assert_string_equal(buf_text(&out) + sizeof(START) - 1, rest);
    root = json_parse(out.data, out.len, GRAPH_PAYLOAD_MAX, NULL);
    assert_non_null(root);
    json_free(root);
    buf_free(&out);
    message_free(m);
}

#define RENDERS(rest, ...) renders(FIELDS(__VA_ARGS__), COUNT(__VA_ARGS__), rest)

static void test_no_component(void **state)
{
    (void)state;
    RENDERS("}}", PLAIN);
    RENDERS("}}", PLAIN, T("params", "[]"));
}

static void test_positional(void **state)
{
    (void)state;
    RENDERS(",\"components\":[{\"type\":\"body\",\"parameters\":["
            "{\"type\":\"text\",\"text\":\"Asha\"},{\"type\":\"text\",\"text\":\"42\"}]}]}}",
            PLAIN, T("p1", "Asha"), T("p2", "42"));
}

static void test_escapes_go_over(void **state)
{
    (void)state;
    RENDERS(",\"components\":[{\"type\":\"body\",\"parameters\":["
            "{\"type\":\"text\",\"text\":\"say \\\"hi\\\"\"},"
            "{\"type\":\"text\",\"text\":\"back\\\\\"},"
            "{\"type\":\"text\",\"text\":\"[\\\"a\\\",{}],\"},"
            "{\"type\":\"text\",\"text\":\"\xE0\xA4\x86\xF0\x9F\x8E\x89\"}]}]}}",
            PLAIN, T("p1", "say \"hi\""), T("p2", "back\\"), T("p3", "[\"a\",{}],"),
            T("p4", "\xE0\xA4\x86\xF0\x9F\x8E\x89"));
}

static void test_named(void **state)
{
    (void)state;
    RENDERS(",\"components\":[{\"type\":\"body\",\"parameters\":["
            "{\"type\":\"text\",\"parameter_name\":\"first_name\",\"text\":\"Ada\"},"
            "{\"type\":\"text\",\"parameter_name\":\"no\",\"text\":\"42\"}]}]}}",
            PLAIN, T("params", "{\"no\":\"42\",\"first_name\":\"Ada\"}"));
}

static void test_header_and_buttons(void **state)
{
    (void)state;
    RENDERS(",\"components\":["
            "{\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":\"Hi\"}]},"
            "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"Asha\"}]},"
            "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"0\","
            "\"parameters\":[{\"type\":\"text\",\"text\":\"orders/42\"}]},"
            "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"3\","
            "\"parameters\":[{\"type\":\"text\",\"text\":\"help\"}]},"
            "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"1\","
            "\"parameters\":[{\"type\":\"payload\",\"payload\":\"ACK-42\"}]},"
            "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"9\","
            "\"parameters\":[{\"type\":\"payload\",\"payload\":\"NO\"}]}]}}",
            PLAIN, T("quick_reply_9", "NO"), T("quick_reply_1", "ACK-42"),
            T("url_button_3", "help"), T("url_button_0", "orders/42"), T("header", "Hi"),
            T("p1", "Asha"));
}

static void test_each_part_alone(void **state)
{
    (void)state;
    RENDERS(",\"components\":["
            "{\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":\"Hi\"}]}]}}",
            PLAIN, T("header", "Hi"));
    RENDERS(",\"components\":[{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"0\","
            "\"parameters\":[{\"type\":\"text\",\"text\":\"x\"}]}]}}",
            PLAIN, T("url_button_0", "x"));
    RENDERS(",\"components\":[{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"0\","
            "\"parameters\":[{\"type\":\"payload\",\"payload\":\"x\"}]}]}}",
            PLAIN, T("quick_reply_0", "x"));
}

static void test_named_and_header(void **state)
{
    (void)state;
    RENDERS(",\"components\":["
            "{\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":\"Hi\"}]},"
            "{\"type\":\"body\",\"parameters\":["
            "{\"type\":\"text\",\"parameter_name\":\"components\",\"text\":\"x\"}]},"
            "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"0\","
            "\"parameters\":[{\"type\":\"text\",\"text\":\"y\"}]}]}}",
            PLAIN, T("header", "Hi"), T("params", "{\"components\":\"x\"}"),
            T("url_button_0", "y"));
}

static void test_components_pass(void **state)
{
    (void)state;
    RENDERS(",\"components\":[{\"parameters\":[{\"image\":{\"id\":\"1234\"},\"type\":\"image\"}],"
            "\"type\":\"header\"}]}}",
            PLAIN,
            T("components", " [ {\"type\":\"header\", \"parameters\":[{\"type\":\"image\","
                            "\"image\":{\"id\":\"1234\"}}]} ] "));
}

/* ---- Any parameter comes out of the payload byte for byte. */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* 1 to 40 characters that the rules allow, with a liking for those that JSON escapes. */
static size_t random_text(uint64_t *seed, char out[256])
{
    static const char *const glyphs[] = {
        "a",        "Z",
        "\"",       "\\",
        "/",        "'",
        " x",       "{",
        "}",        "[",
        "]",        ",",
        ":",        "<",
        "&",        "u0",
        "\xC3\xA9", "\xE2\x80\xA8",
        "\xC2\x85", "\xF0\x9F\x8E\x89",
    };
    size_t count = 1 + next_random(seed) % 40;
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        const char *glyph = glyphs[next_random(seed) % ARRAY_SIZE(glyphs)];

        memcpy(out + len, glyph, strlen(glyph));
        len += strlen(glyph);
    }
    return len;
}

static const struct json *part(const struct json *root, size_t component, size_t parameter)
{
    const struct json *components = json_get(json_get(root, "template"), "components");

    return json_at(json_get(json_at(components, component), "parameters"), parameter);
}

static void same_text(const struct json *value, const struct field *f)
{
    size_t len = 0;
    const char *text = json_string(value, &len);

    assert_non_null(text);
    assert_int_equal(len, f->len);
    assert_memory_equal(text, f->value, len);
}

static void check_round(const struct field fields[7])
{
    struct message *m = message_made(fields, 7, &by_content);
    struct buf out = buf_new(GRAPH_PAYLOAD_MAX);
    struct json *root;

    graph_payload_write(&out, m, OPAQUE);
    root = json_parse(out.data, out.len, GRAPH_PAYLOAD_MAX, NULL);
    assert_non_null(root);
    same_text(json_get(part(root, 0, 0), "text"), &fields[2]);
    same_text(json_get(part(root, 1, 0), "text"), &fields[3]);
    same_text(json_get(part(root, 1, 1), "text"), &fields[4]);
    same_text(json_get(part(root, 2, 0), "text"), &fields[5]);
    same_text(json_get(part(root, 3, 0), "payload"), &fields[6]);
    json_free(root);
    buf_free(&out);
    message_free(m);
}

static void test_any_text_arrives_byte_exact(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        char texts[5][256];
        struct field fields[7] = {
            TO,          T("template", "plain"), T("header", ""),        T("p1", ""),
            T("p2", ""), T("url_button_7", ""),  T("quick_reply_2", ""),
        };

        for (size_t i = 0; i < 5; i++) {
            fields[2 + i].value = texts[i];
            fields[2 + i].len = random_text(&seed, texts[i]);
        }
        check_round(fields);
    }
}

/* ---- The largest message fits, and damaged content harms nobody. */

static void test_largest_fits(void **state)
{
    char *components = mem_alloc(MESSAGE_CONTENT_MAX + 1);
    const char *text = "{\"type\":\"x\",\"y\":\"";
    size_t used = (size_t)snprintf(components, MESSAGE_CONTENT_MAX, "[%s", text);
    struct field fields[3] = {TO, T("template", "plain"), T("components", "")};
    struct message *m;
    struct buf out = buf_new(GRAPH_PAYLOAD_MAX);

    (void)state;
    fields[2].len = MESSAGE_CONTENT_MAX - sizeof("{\"components\":}") + 1;
    memset(components + used, 'y', fields[2].len - used);
    memcpy(components + fields[2].len - 3, "\"}]", 3);
    fields[2].value = components;
    m = message_made(fields, 3, &by_content);
    assert_int_equal(strlen(m->content), MESSAGE_CONTENT_MAX);
    graph_payload_write(&out, m, OPAQUE);
    assert_true(buf_ok(&out));
    buf_free(&out);
    message_free(m);
    mem_free(components);
}

static void test_damaged_content(void **state)
{
    static const char whole[] = "{\"header\":\"h\\\"\",\"body\":{\"a\":\"b\",\"c\":\"d\"},"
                                "\"url\":{\"0\":\"u\"},\"reply\":{\"1\":\"r\"}}";
    static const char *const others[] = {
        "[",
        "{",
        "x",
        "\\",
        "[\"",
        "[\"\\",
        "{}",
        "{,",
        "{\"body\":",
        "{\"url\":{\"0\"",
        "{\"components\":",
        "{\"components\":}",
        "[1,2]",
        "{\"reply\":[\"a\",",
    };
    struct buf out = buf_new(GRAPH_PAYLOAD_MAX);
    struct message *m = MESSAGE(PLAIN);

    (void)state;
    for (size_t len = 0; len < sizeof(whole); len++) {
        char *exact = mem_strndup(whole, len); /* so that a sanitizer sees a step beyond */

        m->content = exact;
        graph_payload_write(&out, m, OPAQUE);
        mem_free(exact);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        char *exact = mem_strdup(others[i]);

        m->content = exact;
        graph_payload_write(&out, m, OPAQUE);
        mem_free(exact);
    }
    assert_true(buf_ok(&out));
    buf_free(&out);
    message_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_component),
        cmocka_unit_test(test_positional),
        cmocka_unit_test(test_escapes_go_over),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_header_and_buttons),
        cmocka_unit_test(test_each_part_alone),
        cmocka_unit_test(test_named_and_header),
        cmocka_unit_test(test_components_pass),
        cmocka_unit_test(test_any_text_arrives_byte_exact),
        cmocka_unit_test(test_largest_fits),
        cmocka_unit_test(test_damaged_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
