/* SPDX-License-Identifier: MIT */
#include "io/csv_reader.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/file_source.h"

#include <csv.h>
#include <stdio.h>
#include <string.h>

enum { FIELD_GROWTH = 4096 }; /* libcsv's own is 128 bytes a step */

struct csv_reader {
    struct csv_parser parser;
    struct source_bytes *bytes;
    struct buf text; /* the values of the row, one behind the other */
    struct field fields[FILE_FIELDS_MAX];
    size_t count; /* of fields in the row; may be more than are kept */
    bool row_ended;
};

static int is_never_space(unsigned char c)
{
    (void)c;
    return 0;
}

static void parser_start(struct csv_reader *r)
{
    /* With REPALL_NL an empty line is a row without fields: so that rows and lines keep in step. */
    (void)csv_init(&r->parser,
                   CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL); /* fails on NULL only */
    csv_set_realloc_func(&r->parser, mem_realloc);
    csv_set_free_func(&r->parser, mem_free);
    csv_set_blk_size(&r->parser, FIELD_GROWTH);
    csv_set_space_func(&r->parser, is_never_space);
}

struct csv_reader *csv_reader_new(struct source_bytes *bytes)
{
    struct csv_reader *r = MEM_NEW(struct csv_reader);

    r->bytes = bytes;
    r->text = buf_new(FILE_ROW_MAX);
    parser_start(r);
    return r;
}

void csv_reader_free(struct csv_reader *r)
{
    if (!r)
        return;
    csv_free(&r->parser);
    buf_free(&r->text);
    mem_free(r);
}

void csv_reader_restart(struct csv_reader *r)
{
    csv_free(&r->parser);
    parser_start(r);
}

void csv_reader_name_fields(struct csv_reader *r, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && i < FILE_FIELDS_MAX; i++)
        r->fields[i].name = names[i];
}

static void add_field(struct csv_reader *r, const char *bytes, size_t len)
{
    if (r->count < FILE_FIELDS_MAX)
        r->fields[r->count].len = len;
    r->count++;
    buf_add(&r->text, bytes, len); /* refused only in a row that is too long anyway */
}

static void on_field(void *bytes, size_t len, void *context)
{
    add_field(context, bytes, len);
}

static void on_row(int end, void *context)
{
    struct csv_reader *r = context;

    (void)end;
    r->row_ended = true;
}

static void row_begin(struct csv_reader *r, struct raw_row *out)
{
    out->kind = RAW_FIELDS;
    out->line = source_bytes_line(r->bytes);
    out->start = source_bytes_offset(r->bytes);
    buf_clear(&r->text);
    r->count = 0;
    r->row_ended = false;
}

/* The values moved while `text` grew: where they are is known only now. */
static void place_values(struct csv_reader *r)
{
    const char *value = buf_text(&r->text);

    for (size_t i = 0; i < r->count && i < FILE_FIELDS_MAX; i++) {
        r->fields[i].value = value;
        value += r->fields[i].len;
    }
}

static void row_end(struct csv_reader *r, struct raw_row *out)
{
    out->length = source_bytes_offset(r->bytes) - out->start;
    out->fields = r->fields;
    out->count = r->count;
    if (out->length <= FILE_ROW_MAX) {
        place_values(r);
        return;
    }
    out->kind = RAW_BROKEN;
    (void)snprintf(out->why, sizeof(out->why), "the row has %llu bytes; at most %d are allowed",
                   (unsigned long long)out->length, FILE_ROW_MAX); /* it fits */
}

static bool row_is_broken(struct csv_reader *r, struct raw_row *out, const char *why, struct err *e)
{
    struct piece piece;

    csv_reader_restart(r);
    source_bytes_seek(r->bytes, out->start, out->line);
    do {
        if (!source_bytes_next(r->bytes, &piece, e))
            return false;
    } while (piece.len && !piece.ends_line);
    out->kind = RAW_BROKEN;
    out->length = source_bytes_offset(r->bytes) - out->start;
    text_copy(out->why, sizeof(out->why), why, strlen(why));
    return true;
}

static bool file_is_at_end(struct csv_reader *r, struct raw_row *out, struct err *e)
{
    if (csv_fini(&r->parser, on_field, on_row, r) != 0)
        return row_is_broken(r, out, "a quote that opens in this row is never closed", e);
    row_end(r, out);
    if (!r->row_ended)
        out->kind = RAW_END;
    return true;
}

/* Keeps one byte of a field that will not be used (libcsv takes its closing quote off again). */
static void drop_field(struct csv_parser *p)
{
    if (p->entry_pos > 1)
        p->entry_pos = 1;
}

/* A line without a quote is a row, and what lies between its commas are its fields: that needs no
 * parser. Only where a row begins; the parser has nothing of it yet. */
static bool is_plain_line(const struct piece *piece)
{
    return piece->ends_line && !memchr(piece->bytes, '"', piece->len);
}

static void take_plain_line(struct csv_reader *r, const struct piece *piece)
{
    const char *at = piece->bytes, *end = at + piece->len;
    const char *comma;

    while (end > at && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    r->row_ended = true;
    if (at == end)
        return; /* an empty line has no field */
    for (; (comma = memchr(at, ',', (size_t)(end - at))); at = comma + 1)
        add_field(r, at, (size_t)(comma - at));
    add_field(r, at, (size_t)(end - at));
}

static bool row_read(struct csv_reader *r, struct raw_row *out, struct err *e)
{
    struct piece piece;
    bool is_first = true;

    row_begin(r, out);
    for (; !r->row_ended; is_first = false) {
        if (!source_bytes_next(r->bytes, &piece, e))
            return false;
        if (piece.len == 0)
            return file_is_at_end(r, out, e);
        if (is_first && is_plain_line(&piece)) {
            take_plain_line(r, &piece);
            break;
        }
        if (csv_parse(&r->parser, piece.bytes, piece.len, on_field, on_row, r) != piece.len)
            return row_is_broken(r, out,
                                 "quotes: a field that holds a quote stands in quotes as a whole, "
                                 "and each quote within is doubled",
                                 e);
        if (source_bytes_offset(r->bytes) - out->start > FILE_ROW_MAX)
            drop_field(&r->parser);
    }
    row_end(r, out);
    return true;
}

static bool is_blank(const struct csv_reader *r)
{
    const char *text = buf_text(&r->text);

    return strspn(text, " \t") == r->text.len;
}

bool csv_reader_next(struct csv_reader *r, struct raw_row *out, struct err *e)
{
    do {
        if (!row_read(r, out, e))
            return false;
    } while (out->kind == RAW_FIELDS && is_blank(r));
    return true;
}
