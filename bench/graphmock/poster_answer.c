/* SPDX-License-Identifier: MIT */
#include "poster_answer.h"

#include "base/text.h"
#include "slice.h"

#include <stdio.h>

static int read_status(struct slice line)
{
    char digits[4];
    int64_t status;

    if (!slice_starts_like(line, "HTTP/1.") || line.len < 12)
        return 0;
    text_copy(digits, sizeof(digits), line.at + 9, 3);
    return text_to_int(digits, 100, 599, &status) ? (int)status : 0;
}

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && *s.at == ' ')
        s = slice_after(s, 1);
    while (s.len > 0 && (s.at[s.len - 1] == '\r' || s.at[s.len - 1] == ' '))
        s.len--;
    return s;
}

static int64_t read_length(struct slice value)
{
    char digits[24];
    int64_t length;

    text_copy(digits, sizeof(digits), value.at, value.len);
    return text_to_int(digits, 0, INT32_MAX, &length) ? length : -1;
}

bool poster_answer_read(const struct buf *bytes, struct poster_answer *out)
{
    const char *end = strstr(buf_text(bytes), "\r\n\r\n");
    struct slice head, line;
    int64_t length = -1;

    if (!end)
        return false;
    head = slice_of(bytes->data, (size_t)(end - bytes->data) + 2);
    line = slice_cut(&head, '\n');
    *out = (struct poster_answer){.status = read_status(line)};
    while (head.len > 0) {
        struct slice value = slice_cut(&head, '\n');
        struct slice name = slice_cut(&value, ':');

        value = trimmed(value);
        if (slice_is_like(name, "content-length"))
            length = read_length(value);
        else if (slice_is_like(name, "connection"))
            out->last = slice_is_like(value, "close");
    }
    if (length < 0 || out->status == 0) {
        out->last = true;
        return true;
    }
    return bytes->len - (size_t)(end + 4 - bytes->data) >= (size_t)length;
}
