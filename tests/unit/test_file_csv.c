/* SPDX-License-Identifier: MIT */
#include "test_file_util.h"

#include "base/hash.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "to,name\n"
#define ONE  "+919800000001,Asha\n"
#define TWO  "+919800000002,Ravi\n"

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

static const struct nasty nasties[] = {
    NASTY("plain", HEAD ONE TWO, "2 ok|3 ok", ""),
    NASTY("header only", HEAD, "", ""),
    NASTY("header without an end", "to,name", "", ""),
    NASTY("no end of the last line", HEAD "+919800000001,Asha", "2 ok", ""),
    NASTY("byte-order mark", "\xEF\xBB\xBF" HEAD ONE, "2 ok", ""),
    NASTY("mark before a quoted name", "\xEF\xBB\xBF\"to\",name\n" ONE, "2 ok", ""),
    NASTY("CRLF", "to,name\r\n+919800000001,Asha\r\n+919800000002,Ravi\r\n", "2 ok|3 ok", ""),
    NASTY("CR", "to,name\r+919800000001,Asha\r+919800000002,Ravi", "2 ok|3 ok", ""),
    NASTY("CRLF, LF and CR mixed", "to,name\r\n" ONE "+919800000002,Ravi\r" ONE, "2 ok|3 ok|4 ok",
          ""),
    NASTY("empty lines", "\n\r\n" HEAD "\n" ONE "\r\n\n" TWO "\n", "5 ok|8 ok", ""),
    NASTY("lines of blanks and commas", HEAD "  \t\n,\n" ONE "\" \",\n", "4 ok", ""),
    NASTY("quotes", HEAD "\"+919800000001\",\"Asha \"\"A\"\" Rao, BSc\"\n" TWO, "2 ok|3 ok", ""),
    NASTY("quoted last field at the end", HEAD "+919800000001,\"Asha\"", "2 ok", ""),
    NASTY("newline in a parameter", HEAD "+919800000001,\"A\nB\"\n" TWO, "2 no|4 ok", "name"),
    NASTY("newlines in an unused column",
          "to,name,note\n+919800000001,Asha,\"a\nb\r\nc\rd\"\n+919800000002,Ravi,x\n", "2 ok|6 ok",
          ""),
    NASTY("NUL", HEAD "+919800000001,As\0ha\n" TWO, "2 no|3 ok", "name"),
    NASTY("NUL in the number",
          HEAD "+9198000\0"
               "0001,Asha\n" TWO,
          "2 no|3 ok", "to"),
    NASTY("invalid UTF-8", HEAD "+919800000001,Jos\xE9\n" TWO, "2 no|3 ok", "name"),
    NASTY("overlong UTF-8", HEAD "+919800000001,\xC0\xAF\n" TWO, "2 no|3 ok", "name"),
    NASTY("UTF-8", HEAD "+919800000001,\xE0\xA4\x86\xE0\xA4\xB6\xE0\xA4\xBE\n", "2 ok", ""),
    NASTY("too few fields", HEAD "+919800000001\n" TWO, "2 no|3 ok",
          "the row has 1 field, the header has 2"),
    NASTY("too many fields", HEAD "+919800000001,Asha,\n" TWO, "2 no|3 ok",
          "the row has 3 fields, the header has 2"),
    NASTY("quote in a bare field", HEAD "+919800000001,5\" pipe\n" TWO, "2 no|3 ok", "quotes"),
    NASTY("blank before a quote", HEAD "+919800000001, \"Asha\"\n" TWO, "2 no|3 ok", "quotes"),
    NASTY("text behind a closing quote", HEAD "+919800000001,\"Asha\" A\n" TWO, "2 no|3 ok",
          "quotes"),
    NASTY("quote never closed, last row", HEAD ONE "+919800000002,\"Ravi\n", "2 ok|3 no",
          "never closed"),
    NASTY("quote never closed, rows behind it", HEAD "+919800000003,\"Zoya\n" ONE TWO,
          "2 no|3 ok|4 ok", "never closed"),
    NASTY("quote closed by a later row's",
          HEAD "+919800000003,\"Zoya\n" ONE "+919800000002,\"Ravi\"\n" ONE, "2 no|3 ok|4 ok|5 ok",
          "quotes"),
    NASTY("a quote alone at the end", HEAD ONE "\"", "2 ok|3 no", "never closed"),
    NASTY("names with blanks", " to ,\tname\n" ONE, "2 ok", ""),
    NASTY("columns without names", "to,name,,\n+919800000001,Asha,,\n", "2 ok", ""),
    NASTY("blanks around a value are its own", HEAD "+919800000001, Asha \n", "2 ok", ""),
    NASTY("mended rejects", "to,name,line,reason\n+919800000001,Asha,2,name: empty\n", "2 ok", ""),
};

static struct file_source *source_open(const char *path)
{
    struct file_source *s;
    struct err e;

    if (!file_source_open(path, &test_context, &s, &e))
        fail_msg("%s", e.text);
    return s;
}

static void check_nasty(const char *path, const struct nasty *n)
{
    struct buf rows = buf_new(4096);
    struct reject reason;
    struct file_source *s;

    file_put(path, n->bytes, n->len);
    s = source_open(path);
    rows_to_text(s, &rows, &reason);
    if (strcmp(buf_text(&rows), n->rows) != 0 || !strstr(reason.text, n->reason))
        fail_msg("%s: rows %s, reason '%s'", n->what, buf_text(&rows), reason.text);
    file_source_close(s);
    buf_free(&rows);
}

static void rows_of_nasty_files(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "rows.csv");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(nasties); i++)
        check_nasty(path, &nasties[i]);
    mem_free(path);
    folder_remove(&folder);
}

struct refused {
    const char *bytes;
    size_t len;
    const char *text; /* part of the sentence */
};

#define REFUSED(bytes, text)           \
    {                                  \
        bytes, sizeof(bytes) - 1, text \
    }

static const struct refused refused[] = {
    REFUSED("", "is empty"),
    REFUSED("\xEF\xBB\xBF", "is empty"),
    REFUSED("\n\r\n  \n", "is empty"),
    REFUSED("to,name,to\n", "the column `to` twice"),
    REFUSED("to,name, name\n", "the column `name` twice"),
    REFUSED("To,name\n", "no column `to`; the header has: To, name (write `to` instead of `To`"),
    REFUSED("TO,name\n", "TO, name (write `to` instead of `TO`; names are lower case)"),
    REFUSED("too,name\n", "too, name (write `to` instead of `too`; names are lower case)"),
    REFUSED("to;name\n", "the separator must be a comma"),
    REFUSED("to\tname\n", "the separator must be a comma"),
    REFUSED("phone,name\n", "no column `to`; the header has: phone, name"),
    REFUSED("to,\"name\n+919800000001,Asha\n", "line 1: the header: a quote"),
    REFUSED("to,Jos\xE9\n", "column 2 is not UTF-8"),
    REFUSED("to,na\0me\n", "column 2 is not UTF-8"),
    REFUSED("\xFF\xFEt\0o\0", "UTF-16"),
    REFUSED("PK\x03\x04rest", "spreadsheet"),
    REFUSED("\x1F\x8B\x08", "compressed"),
    REFUSED("\n[{\"to\":1}]", "JSON array"),
};

static void unfit_files_are_refused(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "unfit.csv");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct file_source *s;
        struct err e;

        file_put(path, refused[i].bytes, refused[i].len);
        assert_false(file_source_open(path, &test_context, &s, &e));
        assert_int_equal(e.code, EXIT_BAD_DATA);
        assert_non_null(strstr(e.text, path));
        if (!strstr(e.text, refused[i].text))
            fail_msg("'%s' does not say '%s'", e.text, refused[i].text);
    }
    mem_free(path);
    folder_remove(&folder);
}

/* Opens a file whose header is `to`, `columns` - 1 others, and `more`. */
static bool open_wide(const char *path, int columns, const char *more, struct err *e)
{
    struct buf text = buf_new(8192);
    struct file_source *s = NULL;
    bool ok;

    buf_adds(&text, "to");
    for (int i = 1; i < columns; i++)
        buf_addf(&text, ",c%d", i);
    buf_adds(&text, more);
    file_put(path, text.data, text.len);
    ok = file_source_open(path, &test_context, &s, e);
    file_source_close(s);
    buf_free(&text);
    return ok;
}

static void columns_have_a_limit(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "wide.csv");
    struct err e;

    (void)state;
    assert_true(open_wide(path, FILE_COLUMNS_MAX, "", &e));
    assert_true(open_wide(path, FILE_COLUMNS_MAX, ",line,reason", &e));
    assert_false(open_wide(path, 300, "", &e));
    assert_int_equal(e.code, EXIT_BAD_DATA);
    assert_non_null(strstr(e.text, "300 columns; at most 254"));
    assert_false(open_wide(path, FILE_COLUMNS_MAX + 1, ",line", &e));
    assert_non_null(strstr(e.text, "255 columns; at most 254"));
    mem_free(path);
    folder_remove(&folder);
}

static void row_of_300_fields_is_a_reject(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "wide.csv");
    struct buf text = buf_new(8192), rows = buf_new(64);
    struct reject reason;
    struct file_source *s;

    (void)state;
    buf_adds(&text, HEAD "+919800000001");
    for (int i = 1; i < 300; i++)
        buf_adds(&text, ",x");
    buf_adds(&text, "\n" TWO);
    file_put(path, text.data, text.len);
    s = source_open(path);
    rows_to_text(s, &rows, &reason);
    assert_string_equal(buf_text(&rows), "2 no|3 ok");
    assert_non_null(strstr(reason.text, "300 fields, the header has 2"));
    file_source_close(s);
    buf_free(&text);
    buf_free(&rows);
    mem_free(path);
    folder_remove(&folder);
}

/* A field of `len` bytes, quoted or not, between two good rows. */
static void check_long_field(const char *path, size_t len, const char *quote, const char *want)
{
    struct buf text = buf_new(4 << 20), rows = buf_new(64);
    struct reject reason;
    struct file_source *s;

    buf_addf(&text, HEAD ONE "+919800000002,%s", quote);
    for (size_t i = 0; i < len; i++)
        buf_addc(&text, 'x');
    buf_addf(&text, "%s\n" TWO, quote);
    file_put(path, text.data, text.len);
    s = source_open(path);
    rows_to_text(s, &rows, &reason);
    assert_string_equal(buf_text(&rows), "2 ok|3 no|4 ok");
    if (!strstr(reason.text, want))
        fail_msg("'%s' does not say '%s'", reason.text, want);
    file_source_close(s);
    buf_free(&text);
    buf_free(&rows);
}

static void field_of_a_megabyte_is_a_reject(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "long.csv");

    (void)state;
    check_long_field(path, 1 << 20, "", "the row has 1048591 bytes; at most 262144 are allowed");
    check_long_field(path, 1 << 20, "\"", "the row has 1048593 bytes; at most 262144");
    check_long_field(path, FILE_ROW_MAX, "\"", "at most 262144");
    check_long_field(path, FILE_ROW_MAX - 100, "\"", "name"); /* too long for a parameter only */
    mem_free(path);
    folder_remove(&folder);
}

static long peak_kib(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* A hole of 128 MB in quotes; closed, and never closed. Room is left for what sanitizers keep. */
static void check_huge_field(const char *path, const char *end, const char *want)
{
    static const char before[] = HEAD ONE "+919800000002,\"";
    struct buf rows = buf_new(64);
    struct reject reason;
    struct file_source *s;
    long peak;
    int fd;

    file_put(path, before, sizeof(before) - 1);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, end, strlen(end), 128 << 20), strlen(end));
    assert_int_equal(close(fd), 0);
    peak = peak_kib();
    s = source_open(path);
    rows_to_text(s, &rows, &reason);
    assert_string_equal(buf_text(&rows), want);
    assert_true(peak_kib() - peak < 64 << 10);
    file_source_close(s);
    buf_free(&rows);
}

static void memory_does_not_grow_with_a_field(void **state)
{
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "huge.csv");

    (void)state;
    check_huge_field(path, "\"\n" TWO, "2 ok|3 no|4 ok");
    check_huge_field(path, "\n" TWO, "2 ok|3 no|4 ok");
    mem_free(path);
    folder_remove(&folder);
}

/* Around every edge of the window a row, a quote, a CRLF and a doubled quote may be cut. */
static void windows_cut_anywhere(void **state)
{
    static const char tail[] = "\"\r\n+919800000001,\"A \"\"q\"\"\"\r\n\r\n+919800000002,Ravi";
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "cut.csv");

    (void)state;
    for (size_t shift = 0; shift < sizeof(tail) + 16; shift++) {
        struct buf text = buf_new(1 << 20), rows = buf_new(64);
        struct reject reason;
        struct file_source *s;

        buf_adds(&text, "to,name\r\n+919800000003,\"");
        while (text.len < 65536 + 14 - shift)
            buf_addc(&text, 'x');
        buf_adds(&text, tail);
        file_put(path, text.data, text.len);
        s = source_open(path);
        rows_to_text(s, &rows, &reason);
        assert_string_equal(buf_text(&rows), "2 no|3 ok|5 ok");
        file_source_close(s);
        buf_free(&text);
        buf_free(&rows);
    }
    mem_free(path);
    folder_remove(&folder);
}

static void hash_covers_every_byte_once(void **state)
{
    static const char bytes[] = "\xEF\xBB\xBF" HEAD "+919800000003,\"Zoya\n" ONE "bad\n" TWO;
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "hash.csv");
    unsigned char want[SHA256_SIZE], got[SHA256_SIZE];
    struct buf rows = buf_new(64);
    struct reject reason;
    struct sha256 sha;
    struct file_source *s;
    struct err e;

    (void)state;
    file_put(path, bytes, sizeof(bytes) - 1);
    sha256_start(&sha);
    sha256_add(&sha, bytes, sizeof(bytes) - 1);
    sha256_end(&sha, want);
    s = source_open(path);
    rows_to_text(s, &rows, &reason);
    file_source_hash(s, got);
    assert_memory_equal(got, want, sizeof(want));
    assert_true(file_source_rewind(s, &e));
    rows_to_text(s, &rows, &reason);
    assert_true(file_source_is_same(s));
    assert_string_equal(buf_text(&rows), "2 no|3 ok|4 no|5 ok|2 no|3 ok|4 no|5 ok");
    assert_true(file_source_rewind(s, &e));
    assert_true(file_source_drain(s, &e));
    assert_true(file_source_is_same(s));
    file_source_hash(s, got);
    assert_memory_equal(got, want, sizeof(want));
    assert_int_equal(file_source_position(s), file_source_size(s));
    file_source_close(s);
    buf_free(&rows);
    mem_free(path);
    folder_remove(&folder);
}

/* In place, as long as before, and with the time of change set back. */
static void edit_unseen(const char *path, char byte, off_t at)
{
    int fd = open(path, O_WRONLY);
    struct stat before;

    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(futimens(fd, (struct timespec[]){before.st_atim, before.st_mtim}), 0);
    assert_int_equal(close(fd), 0);
}

static void a_change_that_left_no_trace_is_noticed(void **state)
{
    static const char bytes[] = HEAD ONE "bad\n" TWO;
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "edited.csv");
    struct file_source *s;
    struct err e;

    (void)state;
    file_put(path, bytes, sizeof(bytes) - 1);
    s = source_open(path);
    assert_true(file_source_drain(s, &e));
    assert_true(file_source_is_same(s));
    edit_unseen(path, 'x', sizeof(bytes) - 3);
    assert_true(file_source_rewind(s, &e));
    assert_true(file_source_drain(s, &e));
    assert_false(file_source_is_same(s));
    edit_unseen(path, bytes[sizeof(bytes) - 3], sizeof(bytes) - 3);
    assert_true(file_source_rewind(s, &e));
    assert_true(file_source_drain(s, &e));
    assert_true(file_source_is_same(s));
    file_source_close(s);
    mem_free(path);
    folder_remove(&folder);
}

static void fields_of_a_row_are_as_they_stood(void **state)
{
    static const char bytes[] = HEAD "+919800000001, Asha \n+919800000001,\"x\ny\",z\n";
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "fields.csv");
    const struct field *fields;
    struct file_source *s;
    struct row row;
    struct err e;

    (void)state;
    file_put(path, bytes, sizeof(bytes) - 1);
    s = source_open(path);
    assert_true(file_source_next(s, &row, &e));
    message_free(row.message);
    assert_int_equal(file_source_fields(s, &fields), 2);
    assert_string_equal(fields[1].name, "name");
    assert_int_equal(fields[1].len, 6);
    assert_memory_equal(fields[1].value, " Asha ", 6);
    assert_true(file_source_next(s, &row, &e));
    assert_int_equal(row.kind, ROW_REJECT);
    assert_int_equal(file_source_fields(s, &fields), 1);
    assert_string_equal(fields[0].name, "to");
    assert_int_equal(fields[0].len, 21);
    assert_memory_equal(fields[0].value, "+919800000001,\"x\ny\",z", 21);
    file_source_close(s);
    mem_free(path);
    folder_remove(&folder);
}

static void unknown_columns_are_named_once(void **state)
{
    static const char bytes[] = "to,colour,name,line,,note,reason,class_id\n";
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "unknown.csv");
    const char *const *names;
    struct file_source *s;

    (void)state;
    file_put(path, bytes, sizeof(bytes) - 1);
    s = source_open(path);
    assert_int_equal(file_source_unknown_columns(s, &names), 2);
    assert_string_equal(names[0], "colour");
    assert_string_equal(names[1], "note");
    assert_int_equal(file_source_header(s, &names), 8);
    assert_int_equal(file_source_format(s), FILE_CSV);
    file_source_close(s);
    mem_free(path);
    folder_remove(&folder);
}

static void no_input(const char *path, const char *text)
{
    struct file_source *s;
    struct err e;

    assert_false(file_source_open(path, &test_context, &s, &e));
    assert_int_equal(e.code, EXIT_NO_INPUT);
    if (!strstr(e.text, text) || !strstr(e.text, path))
        fail_msg("'%s' does not say '%s'", e.text, text);
}

static void what_is_no_file_is_no_input(void **state)
{
    struct folder folder = folder_make();
    char *pipe = folder_path(&folder, "pipe");

    (void)state;
    no_input("/nonexistent/file.csv", "No such file");
    no_input(folder.path, "is a directory");
    no_input("/dev/null", "is a device");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    no_input(pipe, "is a pipe");
    mem_free(pipe);
    folder_remove(&folder);
}

/* The file as it is after a first reading, changed, and read again. */
static void check_changed(const char *path, const char *text, const struct timespec *times)
{
    struct buf rows = buf_new(64);
    struct reject reason;
    struct file_source *s;
    struct row row;
    struct err e;

    file_put(path, HEAD ONE, sizeof(HEAD ONE) - 1);
    assert_int_equal(
        utimensat(AT_FDCWD, path, (struct timespec[]){{.tv_sec = 1}, {.tv_sec = 1}}, 0), 0);
    s = source_open(path);
    rows_to_text(s, &rows, &reason);
    file_put(path, text, strlen(text));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_false(file_source_rewind(s, &e) && file_source_next(s, &row, &e));
    assert_int_equal(e.code, EXIT_BAD_DATA);
    assert_non_null(strstr(e.text, "was changed while it was read"));
    file_source_close(s);
    buf_free(&rows);
}

static void changed_file_stops_the_reading(void **state)
{
    const struct timespec same[] = {{.tv_sec = 1}, {.tv_sec = 1}};
    const struct timespec later[] = {{.tv_sec = 1}, {.tv_sec = 1, .tv_nsec = 1000}};
    struct folder folder = folder_make();
    char *path = folder_path(&folder, "changed.csv");

    (void)state;
    check_changed(path, HEAD ONE TWO, same);
    check_changed(path, HEAD TWO, later);
    mem_free(path);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_nasty_files),
        cmocka_unit_test(unfit_files_are_refused),
        cmocka_unit_test(columns_have_a_limit),
        cmocka_unit_test(row_of_300_fields_is_a_reject),
        cmocka_unit_test(field_of_a_megabyte_is_a_reject),
        cmocka_unit_test(memory_does_not_grow_with_a_field),
        cmocka_unit_test(windows_cut_anywhere),
        cmocka_unit_test(hash_covers_every_byte_once),
        cmocka_unit_test(a_change_that_left_no_trace_is_noticed),
        cmocka_unit_test(fields_of_a_row_are_as_they_stood),
        cmocka_unit_test(unknown_columns_are_named_once),
        cmocka_unit_test(what_is_no_file_is_no_input),
        cmocka_unit_test(changed_file_stops_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
