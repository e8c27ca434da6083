/* SPDX-License-Identifier: MIT */
#include "base/csv_write.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A file that begins so would be taken for JSON. */
static bool begins_like_json(char c)
{
    return c == '[' || c == '{';
}

/* Beyond what RFC 4180 asks for: readers (libcsv too) strip blanks at the ends of a bare field, and
 * a row of one empty bare field would be an empty line. */
static bool needs_quotes(const char *bytes, size_t len, bool first)
{
    if (len == 0)
        return first;
    if (is_blank(bytes[0]) || is_blank(bytes[len - 1]) || (first && begins_like_json(bytes[0])))
        return true;
    for (size_t i = 0; i < len; i++)
        if (strchr(",\"\r\n", bytes[i]))
            return true;
    return false;
}

void csv_write_field(struct buf *out, const char *bytes, size_t len, bool first)
{
    if (!first)
        buf_addc(out, ',');
    if (!needs_quotes(bytes, len, first)) {
        buf_add(out, bytes, len);
        return;
    }
    buf_addc(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '"')
            buf_addc(out, '"');
        buf_addc(out, bytes[i]);
    }
    buf_addc(out, '"');
}

void csv_write_safe(struct buf *out, const char *text, bool first)
{
    struct buf guarded = buf_new(out->max);

    if (*text && strchr("=+-@\t\r", *text))
        buf_addc(&guarded, '\'');
    buf_adds(&guarded, text);
    csv_write_field(out, buf_text(&guarded), guarded.len, first);
    out->overflow = out->overflow || guarded.overflow;
    buf_free(&guarded);
}
