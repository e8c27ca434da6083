/* SPDX-License-Identifier: MIT */
#include "io/jsonl_reader.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/file_source.h"

#include <stdio.h>
#include <string.h>

struct jsonl_reader {
    struct source_bytes *bytes;
    struct buf line;
    struct json *object; /* of the row that was given; its strings are the fields' */
    struct buf text;     /* values that are no strings, one behind the other */
    struct field fields[FILE_FIELDS_MAX];
    size_t count;
};

struct jsonl_reader *jsonl_reader_new(struct source_bytes *bytes)
{
    struct jsonl_reader *r = MEM_NEW(struct jsonl_reader);

    r->bytes = bytes;
    r->line = buf_new(FILE_ROW_MAX);
    r->text = buf_new(6 * FILE_ROW_MAX); /* six bytes a byte where each is written as \u00XX */
    return r;
}

void jsonl_reader_free(struct jsonl_reader *r)
{
    if (!r)
        return;
    json_free(r->object);
    buf_free(&r->line);
    buf_free(&r->text);
    mem_free(r);
}

/* Of a line that is longer than allowed only the length is kept. */
static bool line_read(struct jsonl_reader *r, struct raw_row *out, struct err *e)
{
    struct piece piece;

    out->line = source_bytes_line(r->bytes);
    out->start = source_bytes_offset(r->bytes);
    buf_clear(&r->line);
    do {
        if (!source_bytes_next(r->bytes, &piece, e))
            return false;
        buf_add(&r->line, piece.bytes, piece.len);
    } while (piece.len && !piece.ends_line);
    out->length = source_bytes_offset(r->bytes) - out->start;
    return true;
}

static bool is_blank(const struct buf *line)
{
    return buf_ok(line) && strspn(buf_text(line), " \t\r\n") == line->len;
}

static bool on_member(void *context, const char *key, const struct json *value)
{
    struct jsonl_reader *r = context;
    enum json_type type = json_type(value);
    struct field *field = &r->fields[r->count];

    if (type == JSON_NULL)
        return true;
    if (r->count == FILE_FIELDS_MAX)
        return false;
    field->name = key;
    field->is_json = type == JSON_ARRAY || type == JSON_OBJECT;
    field->value = json_string(value, &field->len);
    if (!field->value) {
        size_t start = r->text.len;

        json_write(&r->text, value);
        field->len = r->text.len - start;
    }
    r->count++;
    return true;
}

/* The values moved while `text` grew: where they are is known only now. */
static void place_values(struct jsonl_reader *r)
{
    const char *value = buf_text(&r->text);

    for (size_t i = 0; i < r->count; i++) {
        if (r->fields[i].value)
            continue;
        r->fields[i].value = value;
        value += r->fields[i].len;
    }
}

static void row_is_broken(struct raw_row *out, const char *why)
{
    out->kind = RAW_BROKEN;
    text_copy(out->why, sizeof(out->why), why, strlen(why));
}

_Static_assert(FILE_FIELDS_MAX == 256, "the sentence below says so");

static void object_to_row(struct jsonl_reader *r, struct raw_row *out)
{
    r->count = 0;
    buf_clear(&r->text);
    if (!json_each(r->object, on_member, r)) {
        row_is_broken(out, "the object has too many members; at most 256 are allowed");
        return;
    }
    place_values(r);
    out->kind = RAW_FIELDS;
    out->fields = r->fields;
    out->count = r->count;
}

static void line_to_row(struct jsonl_reader *r, struct raw_row *out)
{
    struct err why;

    if (!buf_ok(&r->line)) {
        (void)snprintf(out->why, sizeof(out->why),
                       "the line has %llu bytes; at most %d are allowed",
                       (unsigned long long)out->length, FILE_ROW_MAX); /* it fits */
        out->kind = RAW_BROKEN;
        return;
    }
    r->object = json_parse(r->line.data, r->line.len, FILE_ROW_MAX, &why);
    if (!r->object)
        row_is_broken(out, why.text);
    else if (json_type(r->object) != JSON_OBJECT)
        row_is_broken(out, "the line is JSON, but no object; one object a line is wanted");
    else
        object_to_row(r, out);
}

bool jsonl_reader_next(struct jsonl_reader *r, struct raw_row *out, struct err *e)
{
    json_free(r->object);
    r->object = NULL;
    do {
        if (!line_read(r, out, e))
            return false;
    } while (out->length && is_blank(&r->line));
    if (out->length == 0)
        out->kind = RAW_END;
    else
        line_to_row(r, out);
    return true;
}
