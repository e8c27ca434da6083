/* SPDX-License-Identifier: MIT
 *
 * test_file_util.h: what the tests of files share: a temporary folder, files in it, and a template
 * whose one parameter is the column `name`.
 */
#ifndef TEST_FILE_UTIL_H
#define TEST_FILE_UTIL_H

#include "base/buf.h"
#include "base/mem.h"
#include "io/file_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const test_params[] = {"name"};

static const struct message_defaults test_defaults = {
    .template_name = "greeting",
    .lang = "en_US",
    .sender = "100200300",
    .broadcast = "test",
    .params = test_params,
    .param_count = 1,
};

static const struct message_context test_context = {
    .defaults = &test_defaults,
    .id_rule = ID_FROM_CONTENT,
};

/* A folder of its own for a test; removed by folder_remove. */
struct folder {
    char path[64];
};

static inline struct folder folder_make(void)
{
    struct folder f = {"/tmp/tidings-test-XXXXXX"};

    assert_non_null(mkdtemp(f.path));
    return f;
}

static inline void folder_remove(const struct folder *f)
{
    char command[96];

    (void)snprintf(command, sizeof(command), "rm -rf %s", f->path);
    assert_int_equal(system(command), 0);
}

/* The path of `name` in the folder. Returned: free with mem_free. */
static inline char *folder_path(const struct folder *f, const char *name)
{
    struct buf path = buf_new(4096);

    buf_addf(&path, "%s/%s", f->path, name);
    return buf_take(&path);
}

static inline void file_put(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Returned: free with mem_free; "" when there is no such file. */
static inline char *file_get(const char *path)
{
    struct buf text = buf_new(64 << 20);
    char bytes[4096];
    size_t got;
    FILE *file = fopen(path, "rb");

    while (file && (got = fread(bytes, 1, sizeof(bytes), file)) > 0)
        buf_add(&text, bytes, got);
    if (file)
        assert_int_equal(fclose(file), 0);
    return buf_take(&text);
}

/* Reads all rows, as text: "2 ok +919800000001|3 no|...". The first reason goes into `reason`. */
static inline void rows_to_text(struct file_source *s, struct buf *out, struct reject *reason)
{
    struct err e;
    struct row row;

    *reason = (struct reject){""};
    for (;;) {
        if (!file_source_next(s, &row, &e))
            fail_msg("%s", e.text);
        if (row.kind == ROW_END)
            return;
        buf_addf(out, "%s%llu %s", out->len ? "|" : "", (unsigned long long)row.line,
                 row.kind == ROW_MESSAGE ? "ok" : "no");
        if (row.kind == ROW_REJECT && !*reason->text)
            *reason = row.reject;
        message_free(row.message);
    }
}

#endif
