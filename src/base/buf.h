/* SPDX-License-Identifier: MIT
 *
 * buf.h: a byte buffer that grows up to a cap it is born with.
 *
 * Model: `data` always ends in a NUL that `len` does not count (once something was added). When an
 * addition would pass the cap it is refused whole, `overflow` is set, and it stays set: a caller
 * may add many times and look once, with buf_ok.
 * Lifetime: the struct is the caller's, the bytes are the buffer's until buf_free or buf_take.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *data;    /* the bytes; NULL while nothing was added */
    size_t len;    /* how many */
    size_t cap;    /* memory, the NUL's byte too; at most max + 1 */
    size_t max;    /* the most it may hold */
    bool overflow; /* something was refused */
};

/* An empty buffer that will never hold more than `max` bytes. */
struct buf buf_new(size_t max);
/* An empty buffer in the caller's memory, which it never leaves: holds up to size - 1 bytes.
 * Neither buf_free nor buf_take is for it. */
struct buf buf_over(char *memory, size_t size);
void buf_free(struct buf *b);
/* Forgets the content and the overflow, keeps the memory. */
void buf_clear(struct buf *b);
bool buf_ok(const struct buf *b) MUST_CHECK;

/* Each of these is refused whole when it would pass the cap; see buf_ok. */
static inline void buf_add(struct buf *b, const void *bytes, size_t len);
static inline void buf_adds(struct buf *b, const char *text);
static inline void buf_addc(struct buf *b, char c);
void buf_add_int(struct buf *b, int64_t value); /* ten times cheaper than buf_addf */
void buf_addf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Back to the first `len` bytes (at most all), and the overflow forgotten. */
void buf_cut(struct buf *b, size_t len);
/* Drops the first `len` bytes (at most all). */
void buf_consume(struct buf *b, size_t len);
/* The text, never NULL. Borrowed until the buffer changes. */
const char *buf_text(const struct buf *b);
/* Returned: free with mem_free. The buffer is empty afterwards. */
char *buf_take(struct buf *b);

/* ---- Where there is room already, adding is a copy: inline. */

void buf_add_growing(struct buf *b, const void *bytes, size_t len);

static inline void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (len >= b->cap - b->len) {
        buf_add_growing(b, bytes, len);
        return;
    }
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

static inline void buf_adds(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

static inline void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

#endif
