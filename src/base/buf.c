/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CAP = 64 };

struct buf buf_new(size_t max)
{
    return (struct buf){.max = max};
}

struct buf buf_over(char *memory, size_t size)
{
    memory[0] = '\0';
    return (struct buf){.data = memory, .cap = size, .max = size - 1};
}

void buf_free(struct buf *b)
{
    mem_free(b->data);
    *b = buf_new(b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->data)
        b->data[0] = '\0';
}

bool buf_ok(const struct buf *b)
{
    return !b->overflow;
}

static bool make_room(struct buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;

    if (more > b->max || b->len > b->max - more) {
        b->overflow = true;
        return false;
    }
    if (b->data && b->len + more + 1 <= b->cap)
        return true;
    while (cap < b->len + more + 1)
        cap *= 2;
    if (cap > b->max)
        cap = b->max + 1;
    b->data = mem_realloc(b->data, cap);
    b->cap = cap;
    return true;
}

void buf_add_growing(struct buf *b, const void *bytes, size_t len)
{
    if (make_room(b, len))
        buf_add(b, bytes, len);
}

void buf_add_int(struct buf *b, int64_t value)
{
    char digits[20]; /* as many as the sign and INT64_MIN need */
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    int need;

    va_start(args, format);
    va_copy(again, args);
    need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need >= 0 && make_room(b, (size_t)need)) {
        (void)vsnprintf(b->data + b->len, (size_t)need + 1, format, again); /* it fits */
        b->len += (size_t)need;
    }
    va_end(again);
}

void buf_cut(struct buf *b, size_t len)
{
    b->overflow = false;
    if (len >= b->len)
        return;
    b->len = len;
    b->data[len] = '\0';
}

void buf_consume(struct buf *b, size_t len)
{
    if (len >= b->len) {
        b->len = 0;
        if (b->data)
            b->data[0] = '\0';
        return;
    }
    memmove(b->data, b->data + len, b->len - len + 1);
    b->len -= len;
}

const char *buf_text(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    char *taken = b->data ? b->data : mem_strdup("");

    *b = buf_new(b->max);
    return taken;
}
