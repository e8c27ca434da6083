/* SPDX-License-Identifier: MIT */
#include "test_file_util.h"

#define ONE "{\"to\":\"+919800000001\",\"name\":\"Asha\"}\n"
#define TWO "{\"to\":\"+919800000002\",\"name\":\"Ravi\"}\n"

struct nasty {
    const char *what;
    const char *bytes;
    size_t len;
    const char *rows;   /* as rows_to_text gives them */
    const char *reason; /* part of the first reject's */
};

#define NASTY(what, bytes, rows, reason)             \
    {                                                \
        what, bytes, sizeof(bytes) - 1, rows, reason \
    }
#define WITH(member) "{\"to\":\"+919800000003\",\"name\":\"Zoya\"," member "}\n" TWO

static const struct nasty nasties[] = {
    NASTY("plain", ONE TWO, "1 ok|2 ok", ""),
    NASTY("byte-order mark", "\xEF\xBB\xBF" ONE, "1 ok", ""),
    NASTY("blank lines and CRLF", "\n  \t\r\n" ONE "\r\n" TWO "\n", "3 ok|5 ok", ""),
    NASTY("no end of the last line", ONE "{\"to\":\"+919800000002\",\"name\":\"Ravi\"}",
          "1 ok|2 ok", ""),
    NASTY("numbers, booleans, nulls", WITH("\"test_num\":4,\"ref\":true,\"class_id\":null"),
          "1 ok|2 ok", ""),
    NASTY("params as an array", "{\"to\":\"+919800000001\",\"params\":[\"Asha\"]}\n", "1 ok", ""),
    NASTY("an array where text is wanted", WITH("\"class_id\":[1]"), "1 no|2 ok",
          "class_id: an array or object"),
    NASTY("an object in an unknown member", WITH("\"extra\":{\"a\":[1]}"), "1 ok|2 ok", ""),
    NASTY("a number that 64 bits do not hold", WITH("\"ref\":123456789012345678901234567890"),
          "1 no|2 ok", "64 bits"),
    NASTY("cut off", "{\"to\":\"+9198\n" TWO, "1 no|2 ok", "JSON"),
    NASTY("text behind the object", "{\"to\":\"+919800000001\",\"name\":\"A\"} x\n" TWO,
          "1 no|2 ok", "JSON"),
    NASTY("no object", "\"text\"\n[1]\n" TWO, "1 no|2 no|3 ok", "no object"),
    NASTY("null", "null\n" TWO, "1 no|2 ok", "null"),
    NASTY("a key twice", WITH("\"name\":\"B\""), "1 no|2 ok", "twice"),
    NASTY("NUL", "{\"to\":\"+919800000001\",\"name\":\"A\0B\"}\n" TWO, "1 no|2 ok", ""),
    NASTY("written NUL", "{\"to\":\"+919800000001\",\"name\":\"A\\u0000\"}\n" TWO, "1 no|2 ok", ""),
    NASTY("invalid UTF-8", "{\"to\":\"+919800000001\",\"name\":\"Jos\xE9\"}\n" TWO, "1 no|2 ok",
          "UTF-8"),
    NASTY("no to", "{\"name\":\"Asha\"}\n" TWO, "1 no|2 ok", "to"),
    NASTY("an empty object", "{}\n" TWO, "1 no|2 ok", "to"),
};

static struct file_source *source_of(const char *path, const char *bytes, size_t len)
{
    struct file_source *s;
    struct err e;

    file_put(path, bytes, len);
    if (!file_source_open(path, &test_context, &s, &e))
        fail_msg("%s", e.text);
    return s;
}

static void rows_of_nasty_files(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "rows.jsonl");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(nasties); i++) {
        const struct nasty *n = &nasties[i];
        struct file_source *s = source_of(path, n->bytes, n->len);
        struct buf rows = buf_new(4096);
        struct reject reason;

        rows_to_text(s, &rows, &reason);
        if (strcmp(buf_text(&rows), n->rows) != 0 || !strstr(reason.text, n->reason))
            fail_msg("%s: rows %s, reason '%s'", n->what, buf_text(&rows), reason.text);
        file_source_close(s);
        buf_free(&rows);
    }
    mem_free(path);
    folder_remove(&folder);
}

static void line_of_a_megabyte_is_a_reject(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "long.jsonl");
    struct buf text = buf_new(4 << 20), rows = buf_new(64);
    const struct field *fields;
    struct reject reason;
    struct file_source *s;
    struct row row;
    struct err e;

    (void)state;
    buf_adds(&text, ONE "{\"to\":\"");
    for (int i = 0; i < 1 << 20; i++)
        buf_addc(&text, 'x');
    buf_adds(&text, "\"}\n" TWO);
    s = source_of(path, text.data, text.len);
    rows_to_text(s, &rows, &reason);
    assert_string_equal(buf_text(&rows), "1 ok|2 no|3 ok");
    assert_non_null(strstr(reason.text, "the line has 1048586 bytes; at most 262144 are allowed"));
    assert_true(file_source_rewind(s, &e) && file_source_next(s, &row, &e));
    message_free(row.message);
    assert_true(file_source_next(s, &row, &e));
    assert_int_equal(file_source_fields(s, &fields), 1);
    assert_int_equal(fields[0].len, FILE_SHOWN_MAX + 6);
    assert_memory_equal(fields[0].value + FILE_SHOWN_MAX, " [cut]", 6);
    file_source_close(s);
    buf_free(&text);
    buf_free(&rows);
    mem_free(path);
    folder_remove(&folder);
}

static void object_of_300_members_is_a_reject(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "wide.jsonl");
    struct buf text = buf_new(16384), rows = buf_new(64);
    struct reject reason;
    struct file_source *s;

    (void)state;
    buf_adds(&text, "{\"to\":\"+919800000001\"");
    for (int i = 0; i < 300; i++)
        buf_addf(&text, ",\"m%d\":1", i);
    buf_adds(&text, "}\n" TWO);
    s = source_of(path, text.data, text.len);
    rows_to_text(s, &rows, &reason);
    assert_string_equal(buf_text(&rows), "1 no|2 ok");
    assert_non_null(strstr(reason.text, "at most 256"));
    file_source_close(s);
    buf_free(&text);
    buf_free(&rows);
    mem_free(path);
    folder_remove(&folder);
}

static void format_is_known_by_name_or_brace(void **state)
{
    struct folder folder = folder_make();
    char *jsonl = folder_path(&folder, "a.jsonl"), *nd = folder_path(&folder, "a.ndjson");
    char *other = folder_path(&folder, "a.txt");
    const struct {
        const char *path, *bytes;
        enum file_format format;
    } cases[] = {
        {jsonl, "oops\n", FILE_JSONL},
        {nd, "oops\n", FILE_JSONL},
        {other, "\xEF\xBB\xBF \n{}\n", FILE_JSONL},
        {other, "to,name\n", FILE_CSV},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct file_source *s = source_of(cases[i].path, cases[i].bytes, strlen(cases[i].bytes));

        assert_int_equal(file_source_format(s), cases[i].format);
        file_source_close(s);
    }
    mem_free(jsonl);
    mem_free(nd);
    mem_free(other);
    folder_remove(&folder);
}

static void columns_are_the_keys_seen(void **state)
{
    static const char bytes[] = "{\"name\":\"A\",\"to\":\"+919800000001\"}\n"
                                "{\"to\":\"+919800000002\",\"note\":1,\"name\":\"B\"}\n";
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "keys.jsonl");
    struct file_source *s = source_of(path, bytes, sizeof(bytes) - 1);
    struct buf rows = buf_new(64);
    const char *const *names;
    struct reject reason;

    (void)state;
    rows_to_text(s, &rows, &reason);
    assert_int_equal(file_source_header(s, &names), 3);
    assert_string_equal(names[0], "to");
    assert_string_equal(names[1], "name");
    assert_string_equal(names[2], "note");
    assert_int_equal(file_source_unknown_columns(s, &names), 1);
    assert_string_equal(names[0], "note");
    file_source_close(s);
    buf_free(&rows);
    mem_free(path);
    folder_remove(&folder);
}

static void empty_file_is_refused(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "empty.jsonl");
    struct file_source *s;
    struct err e;

    (void)state;
    file_put(path, "", 0);
    assert_false(file_source_open(path, &test_context, &s, &e));
    assert_int_equal(e.code, EXIT_BAD_DATA);
    assert_non_null(strstr(e.text, "is empty"));
    mem_free(path);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_nasty_files),
        cmocka_unit_test(line_of_a_megabyte_is_a_reject),
        cmocka_unit_test(object_of_300_members_is_a_reject),
        cmocka_unit_test(format_is_known_by_name_or_brace),
        cmocka_unit_test(columns_are_the_keys_seen),
        cmocka_unit_test(empty_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
