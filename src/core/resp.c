/* SPDX-License-Identifier: MIT */
#include "core/resp.h"

#include <string.h>

enum {
    HEAD_SIZE = 24,  /* '$', up to 20 digits, "\r\n" */
    SMALL_MAX = 232, /* texts up to here are added in one piece, with what is around them */
};

/* "$LENGTH\r\n" or "*COUNT\r\n". Returns how long it is. */
static size_t put_head(char out[HEAD_SIZE], char mark, size_t number)
{
    char digits[20];
    size_t count = 0, len = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    out[len++] = mark;
    while (count)
        out[len++] = digits[--count];
    out[len++] = '\r';
    out[len++] = '\n';
    return len;
}

void resp_array(struct buf *b, size_t count)
{
    char head[HEAD_SIZE];

    buf_add(b, head, put_head(head, '*', count));
}

void resp_bytes(struct buf *b, const void *bytes, size_t len)
{
    char all[HEAD_SIZE + SMALL_MAX + 2];
    size_t head = put_head(all, '$', len);

    if (len > SMALL_MAX) {
        buf_add(b, all, head);
        buf_add(b, bytes, len);
        buf_add(b, "\r\n", 2);
        return;
    }
    if (len)
        memcpy(all + head, bytes, len);
    memcpy(all + head + len, "\r\n", 2);
    buf_add(b, all, head + len + 2);
}

void resp_text(struct buf *b, const char *text)
{
    resp_bytes(b, text, strlen(text));
}

void resp_int(struct buf *b, int64_t value)
{
    char memory[24];
    struct buf digits = buf_over(memory, sizeof(memory));

    buf_add_int(&digits, value);
    resp_bytes(b, digits.data, digits.len);
}

void resp_id(struct buf *b, struct stream_id id)
{
    char text[STREAM_ID_SIZE];

    resp_text(b, stream_id_text(id, text));
}
