/* SPDX-License-Identifier: MIT */
#include "io/file_source.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/csv_reader.h"
#include "io/file_source_header.h"
#include "io/jsonl_reader.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_SIZE = 256 }; /* bytes looked at to tell what kind of file it is */

/* Letters, so that what is cut can be no number. */
#define CUT_MARK " [cut]"

struct file_source {
    const struct message_context *context;
    struct source_bytes *bytes;
    struct csv_reader *csv; /* one of these two */
    struct jsonl_reader *jsonl;
    struct columns columns;
    const struct field *fields; /* of the row that was given */
    size_t field_count;
    struct buf shown; /* the bytes of a row that could not be taken apart */
    struct field shown_field;
};

struct magic {
    const char *bytes;
    size_t len;
    const char *what;
};

/* Files that are no text, and what people give by mistake. */
static const struct magic strangers[] = {
    {"\xFF\xFE", 2, "is UTF-16; save it as CSV in UTF-8"},
    {"\xFE\xFF", 2, "is UTF-16; save it as CSV in UTF-8"},
    {"PK\x03\x04", 4, "is a spreadsheet or zip file; save it as CSV in UTF-8"},
    {"\x1F\x8B", 2, "is compressed; unpack it first"},
    {"[", 1, "is a JSON array; one object a line is wanted"},
};

static bool is_stranger(const char *path, const char *head, size_t len, struct err *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
        const struct magic *m = &strangers[i];

        if (len >= m->len && memcmp(head, m->bytes, m->len) == 0)
            return !err_set(e, EXIT_BAD_DATA, "%s: %s", path, m->what);
    }
    return false;
}

static bool ends_in(const char *path, const char *end)
{
    size_t path_len = strlen(path);
    size_t len = strlen(end);

    return path_len >= len && strcmp(path + path_len - len, end) == 0;
}

/* The text of the file's beginning, past a byte-order mark and white space. */
static const char *text_of_head(const struct buf *head)
{
    const char *text = buf_text(head);

    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    return text + strspn(text, " \t\r\n");
}

static bool choose_reader(struct file_source *s, const char *path, struct err *e)
{
    struct buf head = buf_new(HEAD_SIZE);
    const char *text;
    bool ok = source_bytes_peek(s->bytes, 0, HEAD_SIZE, &head, e);

    text = text_of_head(&head);
    if (ok && is_stranger(path, text, head.len - (size_t)(text - buf_text(&head)), e))
        ok = false;
    else if (*text == '{' || ends_in(path, ".jsonl") || ends_in(path, ".ndjson"))
        s->jsonl = jsonl_reader_new(s->bytes);
    else
        s->csv = csv_reader_new(s->bytes);
    buf_free(&head);
    return ok;
}

static bool header_read(struct file_source *s, struct raw_row *header, struct err *e)
{
    if (!csv_reader_next(s->csv, header, e))
        return false;
    if (header->kind == RAW_END)
        return err_set(e, EXIT_BAD_DATA, "is empty; a header row with a column `to` is wanted");
    if (header->kind == RAW_BROKEN)
        return err_set(e, EXIT_BAD_DATA, "line %llu: the header: %s",
                       (unsigned long long)header->line, header->why);
    return true;
}

static bool columns_read(struct file_source *s, struct err *e)
{
    const struct message_defaults *defaults = s->context->defaults;
    struct raw_row header;

    if (s->jsonl) {
        const struct field to = {.name = "to"};

        columns_learn(&s->columns, &to, 1, defaults);
        return source_bytes_size(s->bytes) > 0 ||
               err_set(e, EXIT_BAD_DATA, "is empty; one JSON object a line is wanted");
    }
    if (!header_read(s, &header, e) ||
        !columns_from_header(&s->columns, header.fields, header.count, defaults, e))
        return false;
    csv_reader_name_fields(s->csv, s->columns.names, s->columns.count);
    return true;
}

bool file_source_open(const char *path, const struct message_context *context,
                      struct file_source **out, struct err *e)
{
    struct file_source *s = MEM_NEW(struct file_source);
    bool ok;

    s->context = context;
    s->shown = buf_new(FILE_SHOWN_MAX + sizeof(CUT_MARK));
    ok = source_bytes_open(path, &s->bytes, e) && choose_reader(s, path, e);
    if (ok && !columns_read(s, e)) {
        err_wrap(e, "%s", path);
        ok = false;
    }
    if (!ok) {
        file_source_close(s);
        return false;
    }
    *out = s;
    return true;
}

void file_source_close(struct file_source *s)
{
    if (!s)
        return;
    csv_reader_free(s->csv);
    jsonl_reader_free(s->jsonl);
    columns_free(&s->columns);
    source_bytes_close(s->bytes);
    buf_free(&s->shown);
    mem_free(s);
}

bool file_source_rewind(struct file_source *s, struct err *e)
{
    struct raw_row header;

    source_bytes_rewind(s->bytes);
    if (s->jsonl)
        return true;
    csv_reader_restart(s->csv);
    if (!header_read(s, &header, e))
        return false;
    return columns_match(&s->columns, header.fields, header.count) ||
           err_set(e, EXIT_BAD_DATA, "the header was changed since the file was read");
}

bool file_source_drain(struct file_source *s, struct err *e)
{
    if (s->csv)
        csv_reader_restart(s->csv);
    return source_bytes_drain(s->bytes, e);
}

static bool ends_in_byte(const struct buf *b, unsigned char mask, unsigned char bits)
{
    return b->len && ((unsigned char)b->data[b->len - 1] & mask) == bits;
}

/* Takes off what a cut left of a UTF-8 character, and says that something is missing. */
static void mark_cut(struct buf *shown)
{
    while (ends_in_byte(shown, 0xC0, 0x80))
        shown->len--;
    if (ends_in_byte(shown, 0xC0, 0xC0))
        shown->len--;
    buf_adds(shown, CUT_MARK);
}

/* The row as one piece: its bytes as they stand in the file. */
static bool show_whole(struct file_source *s, const struct raw_row *raw, struct err *e)
{
    bool cut = raw->length > FILE_SHOWN_MAX;
    size_t len = cut ? FILE_SHOWN_MAX : (size_t)raw->length;

    buf_clear(&s->shown);
    if (!source_bytes_peek(s->bytes, raw->start, len, &s->shown, e))
        return false;
    if (cut)
        mark_cut(&s->shown);
    while (ends_in_byte(&s->shown, 0xFF, '\n') || ends_in_byte(&s->shown, 0xFF, '\r'))
        s->shown.len--;
    s->shown_field = (struct field){
        .name = "to",
        .value = buf_text(&s->shown),
        .len = s->shown.len,
    };
    s->fields = &s->shown_field;
    s->field_count = 1;
    return true;
}

static bool has_all_columns(const struct file_source *s, const struct raw_row *raw,
                            struct reject *why)
{
    if (raw->count == s->columns.count)
        return true;
    (void)snprintf(why->text, sizeof(why->text), "the row has %zu field%s, the header has %zu",
                   raw->count, raw->count == 1 ? "" : "s", s->columns.count); /* it fits */
    return false;
}

static bool may_be_json(const struct file_source *s, const char *name)
{
    return strcmp(name, "params") == 0 || strcmp(name, "components") == 0 ||
           !message_field_is_known(name, s->context->defaults);
}

static bool has_text_where_wanted(const struct file_source *s, const struct raw_row *raw,
                                  struct reject *why)
{
    for (size_t i = 0; i < raw->count; i++) {
        const struct field *f = &raw->fields[i];

        if (!f->is_json || may_be_json(s, f->name))
            continue;
        (void)snprintf(why->text, sizeof(why->text),
                       "%s: an array or object; only params and components may be one",
                       f->name); /* a known name fits */
        return false;
    }
    return true;
}

static bool is_in_shape(const struct file_source *s, const struct raw_row *raw, struct reject *why)
{
    if (raw->kind == RAW_FIELDS)
        return s->csv ? has_all_columns(s, raw, why) : has_text_where_wanted(s, raw, why);
    text_copy(why->text, sizeof(why->text), raw->why, strlen(raw->why));
    return false;
}

static bool row_take(struct file_source *s, const struct raw_row *raw, struct row *out,
                     struct err *e)
{
    out->kind = ROW_REJECT;
    if (!is_in_shape(s, raw, &out->reject))
        return show_whole(s, raw, e);
    if (s->jsonl)
        columns_learn(&s->columns, raw->fields, raw->count, s->context->defaults);
    s->fields = raw->fields;
    s->field_count = raw->count;
    out->message = message_from_fields(s->fields, s->field_count, s->context, &out->reject);
    if (out->message)
        out->kind = ROW_MESSAGE;
    return true;
}

bool file_source_next(struct file_source *s, struct row *out, struct err *e)
{
    struct raw_row raw;
    bool ok = s->csv ? csv_reader_next(s->csv, &raw, e) : jsonl_reader_next(s->jsonl, &raw, e);

    if (!ok)
        return false;
    out->message = NULL;
    out->line = raw.line;
    out->kind = ROW_END;
    s->field_count = 0;
    return raw.kind == RAW_END || row_take(s, &raw, out, e);
}

uint64_t file_source_position(const struct file_source *s)
{
    return source_bytes_offset(s->bytes);
}

uint64_t file_source_size(const struct file_source *s)
{
    return source_bytes_size(s->bytes);
}

enum file_format file_source_format(const struct file_source *s)
{
    return s->csv ? FILE_CSV : FILE_JSONL;
}

void file_source_hash(const struct file_source *s, unsigned char out[32])
{
    source_bytes_hash(s->bytes, out);
}

bool file_source_is_same(const struct file_source *s)
{
    return source_bytes_is_same(s->bytes);
}

size_t file_source_unknown_columns(const struct file_source *s, const char *const **names)
{
    *names = s->columns.unknown;
    return s->columns.unknown_count;
}

size_t file_source_fields(const struct file_source *s, const struct field **fields)
{
    *fields = s->fields;
    return s->field_count;
}

size_t file_source_header(const struct file_source *s, const char *const **names)
{
    *names = s->columns.names;
    return s->columns.count;
}
